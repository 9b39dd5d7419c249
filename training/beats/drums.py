"""The drummer: plays patterns, thins them by section, adds fills, rolls, crashes and a percussion player."""

from __future__ import annotations

from functools import lru_cache

from dice import Dice
from form import KINDS, Bar, Section
from grooves import Groove, draw, invent, mutate, percussion
from patterns import CHINA, CLAP, CRASH, HAT, KICK, OPEN, RIDE, SNARE, SPLASH, STICK, TOMS
from styles import Style

#: (beat, length, key, velocity)
Hit = tuple[float, float, int, int]
LENGTH = 0.1
LEVEL = {"x": 98, "X": 116, "o": 52, "g": 44}
#: Patterns with the kick on every beat: styles that start with one of these are seldom played otherwise.
FLOORS = ("house", "house2", "deep", "techno", "techno2", "trance", "hard", "disco", "gabber", "minimal", "jersey")
KICKS, SNARES = (KICK, 35), (SNARE, CLAP, STICK, 40)


@lru_cache(maxsize=8192)
def _steps(text: str, beats: int) -> tuple[tuple[float, str], ...]:
    return tuple((i * beats / len(text), ch) for i, ch in enumerate(text) if ch != ".")


class Drummer:
    """Drum and percussion parts of one song."""

    def __init__(self, dice: Dice, style: Style, electronic: bool) -> None:
        self.dice = dice
        self.style = style
        self.electronic = electronic
        first = dice.pick(style.drums)
        second = first if dice.coin(0.55) else dice.pick(style.drums)
        free = style.meter == 4 and style.steps == 4
        odd = 0.12 if free and style.form in ("club", "piece") else 0.02 if free else 0.0
        if style.drums[0] in FLOORS:
            odd = 0.03
        if style.name in ("idm", "breakbeat", "electro", "game_odd_form", "downtempo"):
            odd = 0.3
        self.grooves: list[Groove] = []
        for name in (first, second):
            groove = invent(dice, style) if dice.coin(odd) else draw(dice, name)
            if dice.coin(0.55) and style.swing8[1] == 0.5:
                groove = mutate(dice, style, groove)
            self.grooves.append(groove)
        self.coins = {letter: dice.coin() for letter in "abcd"}
        self.fill_rate = dice.uniform(0.4, 1.0) if dice.coin(style.fills) else 0.0
        self.fill_every = dice.pick((4, 4, 8, 8, 2, 16))
        self.crash = dice.uniform(0.5, 1.0) if dice.coin(0.75) else dice.uniform(0.0, 0.4)
        self.odd_crash = 0.12 if dice.coin(0.15) else 0.01
        self.spread = 2 if electronic and dice.coin(0.7) else dice.whole(3, 9)
        self.accents = dice.pick(
            ((0, 0, 0, 0), (8, -14, 0, -14), (-8, -12, 10, -12), (6, -10, -2, -10), (0, -25, 0, -25), (0, -6, 4, -6))
        )
        self.hat_to = {HAT: HAT}
        self.skip_one = dice.uniform(0.3, 0.9) if dice.coin(0.05) else 0.0
        self.push_kick = dice.coin(0.3)
        self.swap = dice.pick((None, None, None, CLAP, STICK)) if electronic else dice.pick((None,) * 8 + (STICK,))
        self.perc_rows = percussion(dice, style) if dice.coin(style.layers.get("perc", 0.2)) else []
        self.rolls = (
            dice.uniform(0.15, 0.5)
            if style.name in ("trap", "future_bass", "footwork", "hiphop") and dice.coin(0.85)
            else 0.0
        )

    def play(
        self, bars: list[Bar], sections: list[Section], kicks: list[list[float]] | None, pushes: set[float]
    ) -> tuple[list[Hit], list[Hit]]:
        """Hits of drums and percussion. `kicks`, when given, are beats in each bar that the kick must follow."""
        drums: list[Hit] = []
        perc: list[Hit] = []
        dice = self.dice
        section_number = -1
        groove = self.grooves[0]
        for index, bar in enumerate(bars):
            section = sections[bar.section]
            if bar.section != section_number:
                section_number = bar.section
                groove = self.grooves[1 if section.second else 0]
                if dice.coin(0.15):
                    groove = self._vary(groove)
                self.hat_to = {HAT: dice.pick((RIDE, RIDE, OPEN, 70, 53)) if section.second and dice.coin(0.4) else HAT}
                thin_half = (
                    section.bars // 2 if self.style.form == "club" and section.bars >= 8 and dice.coin(0.2) else 0
                )
            last = index + 1 == len(bars) or bars[index + 1].section != bar.section
            hits, extra = self._bar(groove, bar, section, kicks[index] if kicks else None)
            if bar.index < thin_half:
                hits = [h for h in hits if h[2] in KICKS] if dice.coin(0.7) else hits
            if section.kind == "build":
                hits = self._build(hits, bar, section)
            hits = self._fill(hits, bar, section, last)
            if KINDS[section.kind][0] and hits:
                start = bar.start
                if bar.index == 0 and dice.coin(self.crash) and section.kind not in ("light", "hats_only"):
                    hits.append(
                        (start, LENGTH, dice.pick((CRASH, CRASH, CRASH, 57, SPLASH, CHINA)), dice.whole(88, 118))
                    )
                elif dice.coin(self.odd_crash):
                    hits.append(
                        (
                            start + dice.pick((0.0, 0.0, 1.0, 2.0, bar.beats - 0.5)),
                            LENGTH,
                            dice.pick((CRASH, 57, SPLASH)),
                            dice.whole(80, 110),
                        )
                    )
            drums.extend(hits)
            perc.extend(extra)
        if pushes and self.push_kick:
            drums.extend((p, LENGTH, KICK, 100) for p in sorted(pushes) if _plays_kick(sections, p))
        return drums, perc

    def _vary(self, groove: Groove) -> Groove:
        if self.dice.coin(0.5) and self.style.swing8[1] == 0.5:
            return mutate(self.dice, self.style, groove)
        fresh = draw(self.dice, self.dice.pick(self.style.drums))
        mixed = [
            new if self.dice.coin(0.4) and new.key == old.key else old for old, new in zip(groove, fresh, strict=False)
        ]
        return mixed or groove

    def _bar(
        self, groove: Groove, bar: Bar, section: Section, kicks: list[float] | None
    ) -> tuple[list[Hit], list[Hit]]:
        kick_on, snare_on, hats_on, perc_on = KINDS[section.kind]
        dice, style = self.dice, self.style
        meter = style.meter
        # The kick and snare of a half-time bar take twice as long, those of a double-time bar half as long.
        ratio = 1
        if meter == 4 and section.kind in ("half_time", "double_time") and _has_backbeat(groove):
            ratio = 2 if section.kind == "half_time" else -2
        hits: list[Hit] = []
        extra: list[Hit] = []
        skip = self.skip_one and dice.coin(self.skip_one)
        for voice in groove:
            key, is_perc, texts = voice.key, voice.perc, voice.bars
            is_kick, is_snare = key in KICKS, key in SNARES
            if is_kick:
                if not kick_on or kicks is not None and ratio == 1:
                    continue
            elif is_snare:
                if not snare_on:
                    continue
            elif is_perc:
                if not perc_on:
                    continue
            elif not hats_on:
                continue
            if is_snare and section.kind == "light":
                key = STICK
            text = texts[bar.index % len(texts)]
            stretch = ratio != 1 and (is_kick or is_snare)
            offset = meter / 2 * (bar.index % 2) if ratio == 2 else 0.0
            key = self.hat_to.get(key, key)
            if key == SNARE and self.swap:
                key = self.swap
            steps = _steps(text, meter)
            if stretch and ratio == -2:
                steps = tuple((where / 2.0 + shift, ch) for shift in (0.0, meter / 2) for where, ch in steps)
            for where, ch in steps:
                if stretch and ratio == 2:
                    where = (where - offset) * 2.0
                    if where < 0.0 or where >= bar.beats:
                        continue
                if where >= bar.beats:
                    break
                velocity = self._level(ch)
                if velocity == 0:
                    continue
                if skip and is_kick and where < 0.1:
                    continue
                if key in (HAT, RIDE, OPEN):
                    velocity += self.accents[int(where * 4) % 4]
                velocity = max(18, min(127, velocity + dice.whole(-self.spread, self.spread)))
                (extra if is_perc else hits).append((bar.start + where, LENGTH, key, velocity))
        if kicks is not None and kick_on and ratio == 1:
            hits.extend((bar.start + k, LENGTH, KICK, 100 + dice.whole(-6, 10)) for k in kicks)
        if hats_on and self.rolls and dice.coin(self.rolls):
            hits.extend(self._hat_roll(bar))
        if perc_on:
            for row in self.perc_rows:
                for where, ch in _steps(row.bars[bar.index % len(row.bars)], meter):
                    if where < bar.beats:
                        velocity = self._level(ch)
                        if velocity:
                            extra.append(
                                (bar.start + where, LENGTH, row.key, max(18, velocity - 12 + dice.whole(-6, 6)))
                            )
        return hits, extra

    def _level(self, ch: str) -> int:
        level = LEVEL.get(ch)
        dice = self.dice
        if ch == "g":
            return level if dice.coin() else 0
        if level is not None:
            return level
        if ch in "abcd":
            return 94 if self.coins[ch] else 0
        if ch in "ABCD":
            return 94 if not self.coins[ch.lower()] else 0
        return 90 if dice.coin({"?": 0.5, "-": 0.2, "+": 0.83}[ch]) else 0

    def _hat_roll(self, bar: Bar) -> list[Hit]:
        dice = self.dice
        start = bar.start + dice.whole(0, max(0, bar.beats * 2 - 2)) / 2
        rate = dice.pick((8, 8, 6, 3, 12))
        length = dice.pick((0.5, 0.5, 1.0, 0.25))
        count = max(2, int(length * rate))
        rising = dice.pick((-1, 0, 1))
        return [
            (start + i / rate, LENGTH, HAT, max(30, min(120, 78 + rising * (i - count // 2) * 5)))
            for i in range(count)
            if start + i / rate < bar.start + bar.beats
        ]

    def _build(self, hits: list[Hit], bar: Bar, section: Section) -> list[Hit]:
        """Snare roll that thickens towards the end of the section; the kick may go on in quarters or stop."""
        dice = self.dice
        progress = (bar.index + 0.5) / section.bars
        rate = (
            1
            if progress < 0.25 and section.bars >= 4
            else 2
            if progress < 0.5
            else 4
            if progress < 0.8
            else dice.pick((4, 8))
        )
        key = CLAP if self.swap == CLAP else SNARE
        new = [h for h in hits if h[2] not in SNARES and (h[2] not in KICKS or progress < 0.7)]
        steps = bar.beats * rate
        for i in range(steps):
            level = 40 + 60 * (bar.index + i / steps) / section.bars
            new.append((bar.start + i / rate, LENGTH, key, int(level) + (8 if i % rate == 0 else 0)))
        return new

    def _fill(self, hits: list[Hit], bar: Bar, section: Section, last: bool) -> list[Hit]:
        dice = self.dice
        if not hits or section.kind in ("build", "hats_only") or not self.fill_rate:
            return hits
        due = last or (bar.index + 1) % self.fill_every == 0
        if not dice.coin(self.fill_rate if due else 0.03):
            return hits
        return make_fill(dice, self.style, self.electronic, hits, bar)


def _has_backbeat(groove: Groove) -> bool:
    """Whether the snare falls on beat 2: only then can its tempo be halved and the bar stay what it is."""
    return any(voice.key in SNARES and voice.bars[0][len(voice.bars[0]) // 4] in "xX" for voice in groove)


def _plays_kick(sections: list[Section], beat: float) -> bool:
    return any(s.start <= beat < s.end and KINDS[s.kind][0] for s in sections)


def make_fill(dice: Dice, style: Style, electronic: bool, hits: list[Hit], bar: Bar) -> list[Hit]:
    """Replaces the end of a bar by one of many kinds of fill."""
    end = bar.start + bar.beats
    triplets = style.steps == 3
    swung = style.swing8[1] > 0.5
    rates = (3, 3, 6) if triplets else (2, 2, 4) if swung else (4, 4, 4, 2, 8, 3, 6)
    length = min(
        float(bar.beats), dice.weighted(((0.5, 1.0), (1.0, 4.0), (2.0, 3.0), (1.5, 0.8), (3.0, 0.4), (4.0, 1.2)))
    )
    if triplets:
        length = float(max(1, int(length)))
    start = end - length
    kinds = [
        ("snare", 3.0),
        ("stop", 1.6),
        ("kick_out", 1.6),
        ("random", 2.0),
        ("flam", 0.8),
        ("roll", 0.8),
        ("open", 0.8),
    ]
    kinds += (
        [("stutter", 1.2), ("clap", 1.0), ("double", 1.0)]
        if electronic
        else [("toms", 4.0), ("linear", 2.0), ("crashes", 0.7)]
    )
    kind = dice.weighted(kinds)
    rate = dice.pick(rates)
    count = int(round(length * rate))
    before = [h for h in hits if h[0] < start - 1e-6]
    inside = [h for h in hits if h[0] >= start - 1e-6]
    keep = [h for h in inside if h[2] in KICKS] if dice.coin(0.6) else []
    if kind == "stop":
        return before + ([(start, LENGTH, KICK, 110)] if dice.coin(0.4) else [])
    if kind == "kick_out":
        return before + [h for h in inside if h[2] not in KICKS]
    if kind == "snare":
        gaps = dice.uniform(0.0, 0.45)
        return (
            before
            + keep
            + [
                (start + i / rate, LENGTH, SNARE, min(125, 70 + 45 * i // max(1, count) + dice.whole(0, 12)))
                for i in range(count)
                if not dice.coin(gaps)
            ]
        )
    if kind == "toms":
        top = dice.whole(0, 2)
        return (
            before
            + keep
            + [
                (
                    start + i / rate,
                    LENGTH,
                    (SNARE, *TOMS)[min(6, top + i * (6 - top) // max(1, count))],
                    dice.whole(88, 118),
                )
                for i in range(count)
                if not dice.coin(0.15)
            ]
        )
    if kind == "linear":
        cycle = dice.pick(
            (
                (SNARE, SNARE, KICK),
                (SNARE, TOMS[1], KICK, KICK),
                (TOMS[1], TOMS[4], KICK),
                (SNARE, KICK),
                (SNARE, TOMS[0], TOMS[2], TOMS[4]),
            )
        )
        return before + [(start + i / rate, LENGTH, cycle[i % len(cycle)], dice.whole(84, 116)) for i in range(count)]
    if kind == "random":
        keys = (
            (SNARE, KICK, CLAP, TOMS[1], TOMS[3], OPEN)
            if electronic
            else (SNARE, SNARE, TOMS[0], TOMS[2], TOMS[4], KICK)
        )
        return before + [
            (start + i / rate, LENGTH, dice.pick(keys), dice.whole(70, 118)) for i in range(count) if dice.coin(0.7)
        ]
    if kind == "flam":
        place = dice.pick((end - 0.5, end - 1.0, end - 0.75 if not triplets else end - 1.0))
        return before + keep + [(place, LENGTH, SNARE, 112), (max(bar.start, place - 0.04), LENGTH, SNARE, 60)]
    if kind == "roll":
        fine = 6 if triplets else 8
        return (
            before
            + keep
            + [(start + i / fine, LENGTH, SNARE, 45 + int(60 * i / (length * fine))) for i in range(int(length * fine))]
        )
    if kind == "open":
        return hits + [(end - 0.5, LENGTH, OPEN, 108)]
    if kind == "stutter":
        key = dice.pick((KICK, SNARE, CLAP, HAT))
        fine = dice.pick((4, 8, 6, 3))
        return before + [(start + i / fine, LENGTH, key, dice.whole(85, 110)) for i in range(int(length * fine))]
    if kind == "clap":
        places = dice.pick(((0.5, 0.75), (0.25, 0.5, 0.75), (0.0, 0.75), (0.0, 0.5)))
        return hits + [(end - 1.0 + p, LENGTH, CLAP, 104) for p in places]
    if kind == "double":
        return before + inside + [(start + i / 2, LENGTH, KICK, 104) for i in range(int(length * 2))]
    return (
        before
        + keep
        + [
            (end - 1.0, LENGTH, CRASH, 112),
            (end - 0.5, LENGTH, CRASH, 112),
            (end - 1.0, LENGTH, KICK, 110),
            (end - 0.5, LENGTH, KICK, 110),
        ]
    )
