"""Lines: leads, singers, rappers, counter-melodies, guitar riffs and sequenced arpeggios."""

from __future__ import annotations

from dice import Dice
from figures import random_hits
from form import Bar, Section
from harmony import Chords, Key, nearest_chord_tone, scale_pitch, voice

#: (beat, length, pitch, velocity)
Event = tuple[float, float, int, int]
#: Motif: (beat from the start of the motif, length, scale step from the phrase's anchor).
Motif = list[tuple[float, float, int]]


def make_motif(dice: Dice, steps: int, meter: int, bars: int, density: float, range_: int, on_one: float) -> Motif:
    """A rhythm of random cells with a contour."""
    motif: Motif = []
    step = dice.whole(-2, 2)
    starts = [
        bar * meter + hit / steps for bar in range(bars) for hit in random_hits(dice, steps, meter, density, on_one)
    ]
    if dice.coin(0.4) and steps == 4:
        starts = [s for s in starts if (s * 2) % 1.0 < 1e-6] or starts
    legato = dice.uniform(0.3, 1.0)
    for index, start in enumerate(starts):
        end = starts[index + 1] if index + 1 < len(starts) else bars * meter
        length = end - start if dice.coin(legato) else min(end - start, 0.5)
        motif.append((start, length, step))
        step += (
            dice.pick((-1, 1, -1, 1, 0, -2, 2, 3, -3, 0))
            if abs(step) < range_
            else (-1 if step > 0 else 1) * dice.whole(1, 2)
        )
    return motif


def vary(dice: Dice, motif: Motif) -> Motif:
    """The motif with a few notes moved, left out or turned."""
    shift = dice.pick((0, 0, 0, 1, -1, 2))
    return [
        (s, length, p + shift + (dice.pick((-1, 1, 2)) if dice.coin(0.2) else 0))
        for s, length, p in motif
        if not dice.coin(0.1)
    ] or motif


class Line:
    """A melody player: motifs by theme, phrases of two to eight bars."""

    def __init__(self, dice: Dice, layer: str, steps: int, meter: int, key: Key, slow: bool, electronic: bool) -> None:
        self.dice, self.layer, self.steps, self.meter, self.key = dice, layer, steps, meter, key
        self.motif_bars = dice.pick((1, 1, 2, 2, 2, 4)) if meter > 2 else dice.pick((2, 2, 4))
        density = dice.uniform(0.45, 1.0) if slow else dice.uniform(0.3, 0.85)
        if layer == "counter":
            density *= 0.5
        self.density = density
        self.style = "line"
        if layer == "vocal":
            self.style = dice.pick(
                ("line", "line", "rap", "chops") if electronic else ("line", "line", "line", "line", "rap")
            )
        elif electronic and dice.coin(0.45):
            self.style = "clip"
        on_one = dice.pick((0.9, 0.6, 0.3, 0.15))
        self.motifs = {theme: make_motif(dice, steps, meter, self.motif_bars, density, 6, on_one) for theme in "ABC"}
        self.base = {
            "lead": dice.pick((60, 65, 72)),
            "vocal": dice.pick((55, 60, 64)),
            "counter": dice.pick((48, 55, 67)),
        }.get(layer, 60)
        self.pickup = dice.uniform(0.3, 0.9) if dice.coin(0.5) else 0.0
        self.rest = dice.uniform(0.0, 0.5)
        self.offset = (
            dice.pick((0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 0.25, -0.5)) if steps == 4 else dice.pick((0.0, 0.0, 1 / 3))
        )
        self.chop_hits = random_hits(dice, steps, meter, 0.6, 0.3)
        self.snap = dice.uniform(0.3, 0.9)

    def play(self, bars: list[Bar], section: Section, chords: Chords) -> list[Event]:
        """Events in the bars of one section."""
        if self.style == "rap":
            return self._rap(bars, chords)
        if self.style == "chops":
            return self._chops(bars, chords)
        if self.style == "clip":
            return self._clip(bars, section)
        dice = self.dice
        events: list[Event] = []
        motif = self.motifs[section.theme]
        size = self.motif_bars
        order = dice.pick(("0001", "0102", "0012", "0000", "0123", "0011"))
        forms = {c: motif if c == "0" else vary(dice, motif) for c in set(order)}
        for number, first in enumerate(range(0, len(bars), size)):
            group = bars[first : first + size]
            start, end = group[0].start, group[-1].start + group[-1].beats
            if number and dice.coin(self.rest * 0.5):
                continue
            closing = number % 4 == 3
            line = forms[order[number % 4]]
            for at, length, step in line:
                where = start + at + self.offset
                if where >= end - 1e-6 or where < bars[0].start:
                    continue
                if closing and at > size * self.meter * 0.6:
                    length = end - where
                    events.append(self._note(where, length, step, chords))
                    break
                events.append(self._note(where, length, step, chords))
            if self.pickup and dice.coin(self.pickup):
                count = dice.whole(1, 3)
                unit = dice.pick((0.5, 0.5, 0.25, 1.0)) if self.steps == 4 else 1 / 3
                for i in range(count):
                    where = end - (count - i) * unit
                    if where > start + 0.5:
                        events.append(self._note(where, unit * 0.95, (line[0][2] if line else 0) - count + i, chords))
        return events

    def _clip(self, bars: list[Bar], section: Section) -> list[Event]:
        """The motif over and over, whatever the chords: a clip on a sequencer's track."""
        events: list[Event] = []
        size = self.motif_bars
        for first in range(0, len(bars), size):
            group = bars[first : first + size]
            end = group[-1].start + group[-1].beats
            for at, length, step in self.motifs[section.theme]:
                where = group[0].start + at + max(0.0, self.offset)
                if where < end - 1e-6:
                    events.append(
                        (where, max(0.1, min(length, end - where) * 0.96), scale_pitch(self.key, step, self.base), 96)
                    )
        return events

    def _note(self, where: float, length: float, step: int, chords: Chords) -> Event:
        pitch = scale_pitch(self.key, step, self.base)
        if length >= 0.75 or self.dice.coin(self.snap * 0.5):
            pitch = nearest_chord_tone(chords.heard_at(where), pitch)
        return (where, max(0.1, length * 0.96), pitch, self.dice.whole(82, 112))

    def _rap(self, bars: list[Bar], chords: Chords) -> list[Event]:
        dice = self.dice
        events: list[Event] = []
        center = scale_pitch(self.key, 0, self.base)
        for bar in bars:
            if dice.coin(0.08):
                continue
            hits = random_hits(dice, self.steps, bar.beats, 1.0, 0.5)
            for hit in hits:
                where = bar.start + hit / self.steps
                strong = hit % self.steps == 0
                events.append(
                    (
                        where,
                        0.22,
                        center + dice.pick((0, 0, 0, 2, -2, 3, -3)),
                        dice.whole(92, 110) if strong else dice.whole(70, 96),
                    )
                )
        return events

    def _chops(self, bars: list[Bar], chords: Chords) -> list[Event]:
        events: list[Event] = []
        dice = self.dice
        pitches = [scale_pitch(self.key, dice.whole(-1, 5), self.base) for _ in self.chop_hits]
        for bar in bars:
            for hit, pitch in zip(self.chop_hits, pitches, strict=True):
                if hit / self.steps < bar.beats and not dice.coin(0.1):
                    events.append((bar.start + hit / self.steps, dice.pick((0.2, 0.4)), pitch, dice.whole(84, 110)))
        return events


class Riff:
    """A guitar (or synthesiser) riff: rhythm, palm-muted pedal and accented chords."""

    def __init__(self, dice: Dice, style_name: str, steps: int, meter: int, key: Key) -> None:
        self.dice, self.steps, self.meter, self.key = dice, steps, meter, key
        self.base = dice.pick((36, 38, 40, 40))
        self.power = dice.coin(0.75)
        self.table = {theme: [self._bar(style_name, i == 0) for i in range(dice.pick((1, 2, 2, 4)))] for theme in "ABC"}

    def _bar(self, style_name: str, first: bool) -> list[tuple[float, float, int, bool]]:
        """(beat, length, scale step above the chord, accented) of one bar."""
        dice, size = self.dice, self.steps * self.meter
        kind = dice.pick(("chug8", "chug16", "gallop", "random", "random", "groups", "chords", "tremolo"))
        if self.steps == 3:
            kind = dice.pick(("chug8", "random", "chords"))
        if kind == "chug8":
            hits = list(range(0, size, 2 if self.steps == 4 else 1))
        elif kind == "chug16":
            hits = [h for h in range(size) if not dice.coin(0.1)]
        elif kind == "tremolo":
            hits = list(range(size))
        elif kind == "gallop":
            cell = dice.pick(((0, 2, 3), (0, 1, 2), (0, 1, 3), (0, 3)))
            hits = [b * 4 + c for b in range(self.meter) for c in cell]
        elif kind == "groups":
            group = dice.pick((3, 3, 5, 6, 7))
            hits = sorted({*range(0, size, group), *(h for h in range(size) if dice.coin(0.15))})
        elif kind == "chords":
            hits = random_hits(dice, self.steps, self.meter, 0.45, 0.95)
        else:
            hits = random_hits(dice, self.steps, self.meter, 1.0, 0.85)
        accent = dice.uniform(0.1, 0.4)
        out = []
        for index, hit in enumerate(hits):
            end = hits[index + 1] if index + 1 < len(hits) else size
            loud = (index == 0 and dice.coin(0.7)) or dice.coin(accent)
            step = dice.pick((0, 0, 0, 1, 2, 3, 4, 6, 7, -1)) if loud and not (index == 0 and first) else 0
            if kind == "tremolo":
                step = out[-1][2] if out and hit % (self.steps * 2) else dice.pick((0, 1, 2, 3, 5, 4))
            out.append(
                (
                    hit / self.steps,
                    (end - hit) / self.steps if loud or kind == "chords" else min(end - hit, 1) / self.steps,
                    step,
                    loud,
                )
            )
        return out

    def rhythm(self, bar: Bar, section: Section) -> list[float]:
        """Beats in the bar at which the riff attacks."""
        return [hit[0] for hit in self._of(bar, section) if hit[0] < bar.beats]

    def _of(self, bar: Bar, section: Section) -> list[tuple[float, float, int, bool]]:
        table = self.table[section.theme]
        return table[bar.index % len(table)]

    def play(self, bars: list[Bar], section: Section, chords: Chords) -> list[Event]:
        """Events of the section; accents are power chords, the rest single muted notes."""
        events: list[Event] = []
        for bar in bars:
            for at, length, step, loud in self._of(bar, section):
                if at >= bar.beats:
                    continue
                where = bar.start + at
                chord = chords.heard_at(where)
                root = self.base + (chord.root - self.base) % 12
                if step:
                    root += self.key.degree(step) if abs(step) < 8 else 0
                velocity = self.dice.whole(104, 120) if loud else self.dice.whole(78, 98)
                hold = max(0.1, length * (0.95 if loud else 0.6))
                events.append((where, hold, root, velocity))
                if self.power:
                    events.append((where, hold, root + 7, velocity - 4))
                    if loud:
                        events.append((where, hold, root + 12, velocity - 6))
        return events


class Arp:
    """A sequencer: a cycle of chord tones whose length need not divide the bar."""

    def __init__(self, dice: Dice, steps: int, meter: int) -> None:
        self.dice = dice
        self.rate = dice.pick((4, 4, 4, 2, 2, 8, 3) if steps == 4 else (3, 3, 6))
        length = dice.pick((4, 4, 8, 16, 3, 6, 5, 7, 8, 16))
        how = dice.pick(("up", "down", "updown", "random", "random", "gapped"))
        if how == "up":
            cycle = [i for i in range(length)]
        elif how == "down":
            cycle = [length - 1 - i for i in range(length)]
        elif how == "updown":
            cycle = [i if i <= length // 2 else length - i for i in range(length)]
        else:
            cycle = [dice.whole(0, 6) for _ in range(length)]
        gaps = dice.uniform(0.1, 0.5) if how == "gapped" or dice.coin(0.25) else 0.0
        self.cycle: list[int | None] = [None if dice.coin(gaps) else c % 7 for c in cycle]
        if all(c is None for c in self.cycle):
            self.cycle[0] = 0
        self.restart = dice.coin(0.6)
        self.base = dice.pick((48, 55, 60, 67, 72))
        self.gate = dice.uniform(0.3, 1.0)
        self.accent = dice.pick((0, 0, 3, 4, 6, len(self.cycle)))

    def play(self, bars: list[Bar], section: Section, chords: Chords) -> list[Event]:
        """Events of one section."""
        events: list[Event] = []
        index = 0
        for bar in bars:
            if self.restart:
                index = 0
            for i in range(bar.beats * self.rate):
                where = bar.start + i / self.rate
                tone = self.cycle[index % len(self.cycle)]
                index += 1
                if tone is None:
                    continue
                tones = voice(chords.heard_at(where), self.base)
                octave, place = divmod(tone, len(tones))
                loud = self.accent and (index - 1) % self.accent == 0
                events.append(
                    (
                        where,
                        self.gate / self.rate,
                        tones[place] + 12 * octave,
                        (110 if loud else 88) + self.dice.whole(-5, 5),
                    )
                )
        return events
