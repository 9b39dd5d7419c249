"""Arranges songs from loops of which everything is known: sections, repeat units, and every bar that departs from them.

Layers (drums, percussion, and the players of `beats/`) each get a loop of one to eight bars. A *content* is a choice of
layers with their loops; a section plays one content over and over. Then bars depart: fills, drop-outs, pick-ups into the
next section, changed bars, risers, one bar of two beats; anywhere, though most often where bands put them. The truth
follows from what was written, not from what was meant: the unit of a section is the smallest period of its notes.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "beats"))

import numpy as np  # noqa: E402

from dice import Dice  # noqa: E402
from drums import Drummer, make_fill  # noqa: E402
from form import Bar, Section  # noqa: E402
from harmony import Chords, choose_key, lay_out, make_loop  # noqa: E402
from instruments import ROLE_OF, SOUNDS  # noqa: E402
from melody import Arp, Event, Line, Riff  # noqa: E402
from players import Bass, Comp, Pad  # noqa: E402
from song import Note, Part, Song  # noqa: E402
from styles import ELECTRONIC, STYLES, Style  # noqa: E402
from timing import make_tempo, swing  # noqa: E402

#: Groups of styles, each left out in turn when a ranker is judged.
GROUPS: dict[str, tuple[str, ...]] = {
    "house": ("house", "deep_house", "garage", "electro_house", "disco"),
    "techno": ("techno", "acid", "minimal", "psytrance", "gabber", "hardstyle"),
    "breaks": ("breakbeat", "dnb", "jungle", "dubstep", "footwork"),
    "trap": ("trap", "drill", "phonk", "jersey_club", "future_bass"),
    "hiphop": ("hiphop", "lofi", "downtempo", "idm", "ambient_beat"),
    "synth": ("synthwave", "synthpop", "eurodance", "electro", "trance"),
    "caribbean": ("reggae", "reggaeton", "moombahton", "afrobeats", "soca", "ska"),
    "soul": ("funk", "soul", "gospel", "second_line"),
    "rock": ("rock", "pop", "indie", "punk", "surf", "post_punk", "ballad"),
    "metal": ("metal", "thrash", "extreme", "prog"),
    "roots": ("country", "bluegrass", "folk", "shuffle", "blues_12_8", "swing", "half_shuffle"),
    "latin": ("bossa", "samba", "salsa", "cha_cha", "cumbia", "merengue", "bachata"),
    "game": ("game", "chiptune", "orchestra", "march_4", "balkan", "bollywood"),
}
#: Drum parts of a section by what is left of the pattern.
DRUMS = {
    "full": lambda key: True,
    "light": lambda key: key in _KICKS or key in _HATS,
    "no_kick": lambda key: key not in _KICKS,
    "hats": lambda key: key in _HATS,
    "kick": lambda key: key in _KICKS,
}
_KICKS, _HATS = {35, 36}, {42, 44, 46, 51, 53, 59, 70}
#: How loud a layer is taken to be when a change in it is judged.
PLAIN = {"drums", "bass", "chords", "riff", "lead", "vocal", "arp"}
#: Lengths of loops that count.
LENGTHS = (2, 4, 8, 16)


@dataclass
class Content:
    """What a section plays."""

    drums: str
    pattern: int
    layers: tuple[str, ...]
    theme: str
    #: A tune over it that never repeats.
    through: bool = False

    @property
    def name(self) -> str:
        return f"{self.drums}{self.pattern}|{'+'.join(self.layers)}|{self.theme}"


@dataclass
class Part_:
    """A section of the song and what departs from its loop."""

    content: Content
    first: int
    bars: int
    unit: int = 1
    #: Bars (from the section's first) that are plainly different, and those that are a little so.
    odd: set[int] = field(default_factory=set)
    slight: set[int] = field(default_factory=set)
    #: "build" sections have no loops; "sweep" ones are open to dispute.
    kind: str = ""
    notes: list[str] = field(default_factory=list)


def tile(events: list[Event], unit: float, start: float, end: float) -> list[Event]:
    """The loop `events` of `unit` beats over and over from `start` to `end`."""
    out, at = [], start
    while at < end - 1e-6:
        for a, length, pitch, velocity in events:
            if at + a < end - 1e-6:
                out.append((at + a, min(length, end + 0.25 - at - a), pitch, velocity))
        at += unit
    return out


def period(events: list[Event], bars: int, meter: int) -> int:
    """The smallest number of bars (a power of two) after which the loop of `bars` bars repeats."""
    rows: list[set] = [set() for _ in range(bars)]
    for a, length, pitch, _ in events:
        bar = min(bars - 1, int((a + 1e-6) // meter))
        rows[bar].add((round((a - bar * meter) * 24), round(length * 4), pitch))
    p = 1
    while p < bars:
        if all(rows[i] == rows[i % p] for i in range(bars)):
            return p
        p *= 2
    return bars


class Arranger:
    """State of one song."""

    def __init__(self, seed: int, seconds: float, group: str) -> None:
        self.seed, self.group, self.dice = seed, group, Dice(seed)
        dice = self.dice
        by_name = {s.name: s for s in STYLES}
        self.style: Style = by_name[dice.pick(GROUPS[group])]
        style = self.style
        self.meter, self.steps = style.meter, style.steps
        self.electronic = style.name in ELECTRONIC
        self.bpm = dice.uniform(*style.bpm)
        self.palette = dice.pick(("mixed", "electronic", "acoustic")) if style.palette == "mixed" else style.palette
        self.total = max(24, int(seconds * self.bpm / 60.0 / self.meter))
        self.key, kind = choose_key(dice, style.harmony)
        unit = dice.weighted(((1, 0.12), (2, 0.27), (4, 0.41), (8, 0.2)))
        self.harmony = {}
        for theme in "AB":
            if theme == "B" and dice.coin(0.25):
                unit = dice.pick((2, 4, 8))
            loop = make_loop(dice, self.key, kind, self.meter, self.bpm)
            self.harmony[theme] = (unit, Chords(lay_out(loop, 0.0, float(unit * self.meter))))
        sound = SOUNDS[dice.pick(style.sound)]
        self.programs = {layer: dice.pick(programs) for layer, programs in sound.items()}
        self.loops: dict[tuple[str, str], tuple[int, list[Event]]] = {}
        self.layers = [layer for layer in ("bass", "chords", "pad", "arp", "lead", "riff", "chords2", "counter", "vocal")
                       if dice.coin({"vocal": 0.25}.get(layer, max(0.12, style.layers.get(layer, 0.3))))]  # fmt: skip
        while len(self.layers) < 3:
            extra = dice.pick(("bass", "chords", "pad", "arp", "lead"))
            if extra not in self.layers:
                self.layers.append(extra)
        self.drummer = Drummer(dice, style, self.electronic)
        self._write_loops()

    # ---- loops ---------------------------------------------------------------------------------------------------

    def _bars(self, count: int) -> list[Bar]:
        return [Bar(i * self.meter, self.meter, 0, i) for i in range(count)]

    def _write_loops(self) -> None:
        dice, style, meter = self.dice, self.style, self.meter
        slow = self.bpm < 95
        makers = {}
        for layer in self.layers:
            if layer == "bass":
                makers[layer] = Bass(dice, style, self.key)
            elif layer in ("chords", "chords2"):
                makers[layer] = Comp(dice, style, layer)
            elif layer == "pad":
                makers[layer] = Pad(dice, style)
            elif layer == "arp":
                makers[layer] = Arp(dice, style.steps, meter)
            elif layer == "riff":
                makers[layer] = Riff(dice, style.name, style.steps, meter, self.key)
            else:
                makers[layer] = Line(dice, layer, style.steps, meter, self.key, slow, self.electronic)
                makers[layer].pickup *= 0.5
        for theme, (unit, chords) in self.harmony.items():
            for layer, player in makers.items():
                # A tune may take longer than the chords under it.
                own = max(unit, dice.weighted(((2, 1.0), (4, 2.5), (8, 2.0)))) if layer in ("lead", "vocal") else unit
                bars = self._bars(own)
                section = Section("full", theme, 0, own, 0, own * meter)
                looped = Chords(lay_out([(c.end - c.start, c.root, c.intervals) for c in chords.all], 0.0, own * meter))
                line = (player.play(bars, section, looped, {}, {}) if layer == "bass"
                        else player.play(bars, section, looped))  # fmt: skip
                size = float(own * meter)
                line = [(a % size, b, p, v) for a, b, p, v in line]
                self.loops[layer, theme] = (period(line, own, meter), sorted(line))
        self.patterns = []
        for number in range(2):
            unit = dice.weighted(((1, 0.3), (2, 0.45), (4, 0.25)))
            section = Section("full", "A", 0, unit, 0, unit * meter, second=number == 1)
            groove = self.drummer.grooves[number]
            hits, perc = [], []
            first: tuple[list, list] | None = None
            for bar in self._bars(unit):
                one, extra = self.drummer._bar(groove, bar, section, None)
                if unit == 4 and first and dice.coin(0.6) and bar.index < 3:
                    # Three bars alike and a fourth that answers.
                    one = [(a + bar.start, b, p, v) for a, b, p, v in first[0]]
                    extra = [(a + bar.start, b, p, v) for a, b, p, v in first[1]]
                first = first or (one, extra)
                hits, perc = hits + one, perc + extra
            self.patterns.append((unit, hits, perc))
        if not any(self.patterns[0][1:]):
            self.patterns[0] = (1, [(float(b), 0.1, 36 if b % 2 == 0 else 38, 100) for b in range(meter)], [])
        if dice.coin(0.3):
            self.patterns[1] = self.patterns[0]

    def _unit(self, content: Content) -> int:
        """The smallest period of the notes of a content."""
        units = [self.loops[layer, content.theme][0] for layer in content.layers if self.loops[layer, content.theme][1]]
        if content.drums:
            unit, hits, perc = self.patterns[content.pattern]
            kept = [h for h in hits if DRUMS[content.drums](h[2])]
            units.append(period(kept + (perc if content.drums == "full" else []), unit, self.meter))
        return max(units, default=1)

    # ---- form ----------------------------------------------------------------------------------------------------

    def _contents(self) -> list[Content]:
        dice = self.dice
        low = [layer for layer in self.layers if layer not in ("lead", "vocal", "counter")]
        high = [layer for layer in self.layers if layer in ("lead", "vocal", "counter")]
        some = lambda share: tuple(layer for layer in low if dice.coin(share)) or (dice.pick(low),)  # noqa: E731
        drums = lambda: dice.weighted((("full", 5.0), ("light", 1.0), ("no_kick", 0.7), ("hats", 0.6), ("kick", 0.4)))  # noqa: E731
        palette = [Content("full", 0, some(0.75), "A")]
        base = palette[0].layers
        if high:
            palette.append(Content("full", dice.pick((0, 1)), (*base, dice.pick(high)), "A"))
        palette.append(Content("full", 0, (), "A"))
        palette.append(Content("", 0, some(0.6), dice.pick("AB")))
        palette.append(Content("full", dice.pick((0, 1)), tuple(low), "B"))
        palette.append(Content(drums(), dice.pick((0, 1)), some(0.5), dice.pick("AAB")))
        palette.append(Content(drums(), 0, tuple(x for x in base if dice.coin(0.6)), "A"))
        extra = [layer for layer in low if layer not in base]
        if extra:
            palette.append(Content("full", 0, (*base, dice.pick(extra)), "A"))
        if dice.coin(0.3):
            palette.append(Content("full", 1, (), "A"))
        if dice.coin(0.35):
            palette.append(Content(dice.pick(("full", "full", "")), 0, some(0.6), dice.pick("AB"), through=True))
        kept = []
        for c in palette:
            sounds = bool(self._sounding(c))
            if sounds and all(c.name != k.name or c.through != k.through for k in kept):
                kept.append(c)
        return dice.some(kept, dice.whole(4, 7))

    def _sounding(self, c: Content) -> list:
        notes = [e for layer in c.layers for e in self.loops[layer, c.theme][1]]
        if c.drums:
            _, hits, perc = self.patterns[c.pattern]
            notes += [h for h in hits if DRUMS[c.drums](h[2])] + (perc if c.drums == "full" else [])
        return notes

    def _sections(self) -> list[Part_]:
        dice = self.dice
        palette = self._contents()
        weights = [(c, 1.6 if c.drums == "full" and c.layers else 0.8) for c in palette]
        usual = ((4, 2.5), (8, 4.2), (16, 1.8), (2, 0.5), (12, 0.4))
        odd = ((3, 1.0), (5, 1.0), (6, 1.5), (7, 1.0), (9, 0.6), (10, 1.0), (11, 0.4))
        irregular = dice.pick((0.0, 0.05, 0.1, 0.35))
        parts: list[Part_] = []
        at = 0
        while at < self.total:
            bars = dice.weighted(odd if dice.coin(irregular) else usual)
            last = parts[-1].content if parts else None
            content = dice.weighted([w for w in weights if w[0] is not last] or weights)
            part = Part_(content, at, bars)
            part.unit = self._unit(content)
            if content.drums and bars >= 4 and dice.coin(0.04):
                part.kind = "build"
            elif content.layers and bars >= 4 and dice.coin(0.05):
                part.kind = "sweep"
            parts.append(part)
            at += bars
        return parts

    # ---- writing -------------------------------------------------------------------------------------------------

    def _play(self, part: Part_, start: float, end: float) -> dict[str, list[Event]]:
        content, meter, dice = part.content, self.meter, self.dice
        lines: dict[str, list[Event]] = {}
        for layer in content.layers:
            unit, line = self.loops[layer, content.theme]
            lines[layer] = tile([e for e in line if e[0] < unit * meter], unit * meter, start, end)
        if content.through:
            bars = [Bar(int(start) + i * meter, meter, 0, i) for i in range(part.bars)]
            unit, chords = self.harmony[content.theme]
            loop = [(c.end - c.start, c.root, c.intervals) for c in chords.all]
            player = Line(dice, "lead", self.steps, meter, self.key, self.bpm < 95, False)
            player.motif_bars, player.style = dice.pick((2, 4, 8)), "line"
            player.motifs = {t: m for t, m in player.motifs.items()}
            for i in range(0, part.bars, player.motif_bars):
                fresh = Line(dice, "lead", self.steps, meter, self.key, self.bpm < 95, False)
                fresh.style = "line"
                group = bars[i : i + player.motif_bars]
                section = Section("full", "A", 0, part.bars, int(start), int(end))
                lines.setdefault("solo", []).extend(fresh.play(group, section, Chords(lay_out(loop, start, end))))
        if content.drums:
            unit, hits, perc = self.patterns[content.pattern]
            lines["drums"] = tile([h for h in hits if DRUMS[content.drums](h[2])], unit * meter, start, end)
            if content.drums == "full" and perc:
                lines["perc"] = tile(perc, unit * meter, start, end)
        return lines

    def _depart(self, part: Part_, following: Part_ | None, lines: dict[str, list[Event]], start: float) -> None:
        """Fills, drop-outs, changes, pick-ups and risers."""
        dice, meter = self.dice, self.meter
        for bar in range(part.bars):
            last = bar == part.bars - 1
            ends = (bar + 1) % 4 == 0
            a, b = start + bar * meter, start + (bar + 1) * meter
            if lines.get("drums") and dice.coin(self.fills * (0.6 if last else 0.1 if ends else 0.025)):
                inside = [h for h in lines["drums"] if a - 1e-6 <= h[0] < b - 1e-6]
                new = make_fill(dice, self.style, self.electronic, inside, Bar(int(a), meter, 0, bar))
                key = lambda hits: {(round(h[0] * 24), h[2]) for h in hits}  # noqa: E731
                change = len(key(inside) ^ key(new))
                if change:
                    (part.odd if change > 2 else part.slight).add(bar)
                    part.notes.append(f"fill {bar} {change}")
                    lines["drums"] = [h for h in lines["drums"] if not a - 1e-6 <= h[0] < b - 1e-6] + new
            if dice.coin(0.10 * self.fills if last else 0.008):
                length = dice.pick((1.0, 2.0, float(meter)))
                spared = dice.pick(("drums", "lead", "pad", "none"))
                gone = 0
                for name, line in lines.items():
                    if name != spared:
                        kept = [e for e in line if not b - length - 1e-6 <= e[0] < b - 1e-6]
                        gone += len(line) - len(kept)
                        cut = b - length
                        lines[name] = [(x, min(n, cut - x) if x < cut < x + n and x >= a else n, p, v) for x, n, p, v in kept]
                if gone:
                    (part.odd if gone > 2 else part.slight).add(bar)
                    part.notes.append(f"stop {bar}")
            pitched = [n for n in lines if n not in ("drums", "perc", "solo")]
            if pitched and dice.coin(self.changes * (0.05 if last else 0.02)):
                layer = dice.pick(pitched)
                length = dice.pick((1.0, 2.0, 2.0, float(meter)))
                low, high = (b - length, b) if dice.coin(0.6) else (a, a + length)
                inside = [e for e in lines[layer] if low - 1e-6 <= e[0] < high - 1e-6]
                if inside:
                    shift = dice.pick((2, -2, 3, 5, -5, 7, 12, -3))
                    new = [(x, n, p + (shift if dice.coin(0.8) else 0), v) for x, n, p, v in inside]
                    if dice.coin(0.4):
                        new = [(low + i * 0.5, 0.45, dice.pick(inside)[2] + dice.pick((0, 2, -2)), 100)
                               for i in range(int(length * 2))]  # fmt: skip
                    lines[layer] = [e for e in lines[layer] if e not in inside] + new
                    plain = layer in PLAIN and (len(inside) >= 2 or length > 1.0)
                    (part.odd if plain else part.slight).add(bar)
                    part.notes.append(f"change {bar} {layer}")
        end = start + part.bars * meter
        if following and dice.coin(self.pickups):
            layer = dice.pick([*following.content.layers, "drums"] if following.content.drums else following.content.layers or ("drums",))
            count = dice.whole(1, 5)
            unit = 0.5 if self.steps == 4 else 1 / 3
            if layer == "drums":
                new = [(end - (count - i) * unit / 2, 0.1, dice.pick((38, 38, 47, 45, 36)), 80 + 8 * i) for i in range(count)]
            else:
                tones = [e[2] for e in self.loops[layer, following.content.theme][1]] or [60]
                new = [(end - (count - i) * unit, unit, dice.pick(tones) + dice.pick((0, 0, 2, -2)), 96) for i in range(count)]
            lines.setdefault(layer, []).extend(new)
            (part.odd if count >= 3 else part.slight).add(part.bars - 1)
            part.notes.append(f"pick-up {count}")
        if dice.coin(self.risers):
            length = min(part.bars, dice.pick((1, 2, 4, 4)))
            lines.setdefault("fx", []).append((end - length * meter, float(length * meter), 60, dice.whole(70, 110)))
            part.odd |= set(range(part.bars - length, part.bars))
            part.notes.append(f"riser {length}")
        if lines.get("drums") and dice.coin(self.crashes):
            lines["drums"].append((start, 0.1, dice.pick((49, 57)), dice.whole(90, 115)))

    def song(self) -> tuple[Song, dict]:
        """The song in seconds, and its truth in beats' times."""
        dice, meter, style = self.dice, self.meter, self.style
        self.fills = dice.pick((0.3, 0.8, 1.0, 1.3))
        self.changes = dice.pick((0.0, 0.5, 1.0, 2.0))
        self.pickups = dice.pick((0.0, 0.05, 0.25))
        self.risers = dice.pick((0.0, 0.05, 0.2)) if self.electronic else 0.02
        self.crashes = dice.pick((0.0, 0.3, 0.8))
        parts = self._sections()
        events: dict[str, list[Event]] = {}
        beat, spans, beats_of = 0, [], []
        for i, part in enumerate(parts):
            start, end = beat, beat + part.bars * meter
            lines = self._play(part, float(start), float(end))
            if part.kind == "build" and lines.get("drums"):
                section = Section("build", "A", 0, part.bars, start, end)
                bars = [Bar(start + k * meter, meter, 0, k) for k in range(part.bars)]
                lines["drums"] = [h for bar in bars for h in self.drummer._build(
                    [h for h in lines["drums"] if bar.start - 1e-6 <= h[0] < bar.start + meter - 1e-6], bar, section)]  # fmt: skip
            self._depart(part, parts[i + 1] if i + 1 < len(parts) else None, lines, float(start))
            spans.append((start, end))
            beats_of += [meter] * part.bars
            beat = end
            if dice.coin(0.012) and i + 1 < len(parts):
                # Half a bar between sections, of which drums or nothing sound.
                beat += meter // 2
                beats_of.append(meter // 2)
                lines.setdefault("drums", []).append((float(end), 0.1, 38, 100))
            for name, line in lines.items():
                events.setdefault("lead" if name == "solo" else name, []).extend(line)
        kind = "grid" if self.palette == "electronic" else style.tempo
        tempo = make_tempo(dice, kind, self.bpm, beat, [s for s, _ in spans])
        head = float(dice.pick((0.0, 0.0, dice.uniform(0.05, 1.5))))
        return self._perform(tempo, events, head, beat, beats_of), self._truth(tempo, parts, spans, beats_of, head)

    def _perform(self, tempo, events: dict[str, list[Event]], head: float, total: int, beats_of: list[int]) -> Song:
        dice, style = self.dice, self.style
        exact = (self.electronic and dice.coin(0.8)) or dice.coin(0.15)
        spread = 0.0 if exact else dice.uniform(0.5, max(1.0, style.human[1], 10.0)) / 1000.0
        touch = 0.0 if exact else dice.uniform(0.0, 9.0)
        swing8 = dice.uniform(*style.swing8) if style.swing8[1] > 0.5 else 0.5
        swing16 = dice.uniform(*style.swing16) if style.swing16[1] > 0.5 and dice.coin(0.75) else 0.5
        parts = []
        for name, line in events.items():
            if not line:
                continue
            table = np.array(sorted(line), dtype=np.float64)
            starts = swing(table[:, 0], swing8, swing16)
            ends = swing(table[:, 0] + table[:, 1], swing8, swing16)
            begin, stop = tempo.seconds(starts) + head, tempo.seconds(ends) + head
            length = np.maximum(0.03, stop - begin)
            velocity = table[:, 3]
            if name != "fx" and spread:
                _, chord = np.unique(np.round(table[:, 0], 4), return_inverse=True)
                own = spread * (0.6 if name in ("drums", "perc") else 1.0)
                begin = begin + np.clip(dice.rng.normal(0.0, own, chord.max() + 1), -2.5 * own, 2.5 * own)[chord]
                velocity = velocity + dice.rng.normal(0.0, touch, len(velocity))
            if name not in ("drums", "perc", "fx") and dice.coin(0.4):
                begin = begin + dice.uniform(-0.01, 0.015)
            begin = np.maximum(begin, 0.0)
            gain = dice.uniform(-5.0, 4.0)
            part = Part(ROLE_OF.get(name, name), self.programs.get(name, 0) if name not in ("drums", "perc", "fx") else 0,
                        gain_db=gain)  # fmt: skip
            part.notes = [Note(float(a), float(n), int(np.clip(p, 0, 127)), int(np.clip(v, 1, 127)))
                          for a, n, p, v in zip(begin, length, table[:, 2], velocity)]  # fmt: skip
            parts.append(part)
        duration = float(tempo.seconds(float(total))) + head + 1.0
        beats = tempo.seconds(np.arange(total + 1, dtype=np.float64)) + head
        positions = [k + 1 for n in beats_of for k in range(n)] + [1]
        return Song(self.seed, style.name, self.palette, duration, float(self.bpm), beats, np.array(positions), parts, [])

    def _truth(self, tempo, parts: list[Part_], spans: list, beats_of: list[int], head: float) -> dict:
        meter = self.meter
        at = lambda beat: round(float(tempo.seconds(float(beat))) + head, 5)  # noqa: E731
        true, soft, sections = [], [], []
        for part, (start, end) in zip(parts, spans):
            content = part.content
            sections.append({"start": at(start), "end": at(end), "bars": part.bars, "loop_unit_bars": part.unit,
                             "content_id": content.name, "odd": sorted(part.odd), "slight": sorted(part.slight),
                             "kind": part.kind, "through_composed_lead": content.through, "notes": part.notes})  # fmt: skip
            if part.kind == "build":
                continue
            for n in LENGTHS:
                if n % part.unit:
                    continue
                for first in range(part.bars - n + 1):
                    bars = set(range(first, first + n))
                    if bars & part.odd:
                        continue
                    loop = {"start": at(start + first * meter), "end": at(start + (first + n) * meter), "bars": n,
                            "family": f"{content.name}:{n}", "phrase_aligned": first % part.unit == 0}  # fmt: skip
                    doubtful = bars & part.slight or content.through or part.kind == "sweep"
                    (soft if doubtful else true).append(loop)
        lines, beat = [], 0
        for n in beats_of:
            lines.append(at(beat))
            beat += n
        passages = lambda wanted: [{"start": s["start"], "end": s["end"]} for s, p in zip(sections, parts) if wanted(p.content)]  # noqa: E731
        return {
            "style": self.style.name, "group": self.group, "bpm": self.bpm, "meter": meter,
            "beats": [at(b) for b in range(sum(beats_of) + 1)], "downbeats": [*lines, at(beat)],
            "sections": sections, "true_loops": true, "soft_loops": soft,
            "breaks": passages(lambda c: c.drums and not c.layers and not c.through),
            "drumless": passages(lambda c: not c.drums), "quiet": [],
        }  # fmt: skip
