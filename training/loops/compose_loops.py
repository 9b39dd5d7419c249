"""Writes loops of which everything is known: what is played, at which conventional tempo, over how many bars.

The players are those of `ranking/arrange.py`; a style's tempo is the one at which its makers notate it (drum and bass at
170, not 85). A loop is a list of events in beats that runs round: what sounds past its end belongs to its start.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

_TRAINING = Path(__file__).resolve().parent.parent
for _folder in ("drums", "ranking"):
    sys.path.insert(0, str(_TRAINING / _folder))

import hit_setup  # noqa: E402, F401  (first: it sets the sample rate)
import numpy as np  # noqa: E402

import arrange  # noqa: E402
from arrange import DRUMS, GROUPS, Arranger, tile  # noqa: E402
from dice import Dice  # noqa: E402
from drums import make_fill  # noqa: E402
from form import Bar  # noqa: E402
from harmony import SCALES  # noqa: E402
from styles import STYLES  # noqa: E402
from timing import swing  # noqa: E402

#: Styles in three, which songs of `arrange.py` do not have.
THREE = tuple(s.name for s in STYLES if s.meter == 3)
arrange.GROUPS.setdefault("three", THREE)
#: How often each group of styles is drawn: more of what libraries of loops hold.
SHARE = (
    ("house", 2.0), ("techno", 2.0), ("breaks", 3.0), ("trap", 2.2), ("hiphop", 2.6), ("synth", 1.0), ("caribbean", 1.0),
    ("soul", 2.0), ("rock", 2.2), ("metal", 0.8), ("roots", 0.7), ("latin", 1.0), ("game", 0.4), ("three", 0.9),
)  # fmt: skip
#: Lengths in bars of loops of drums, and of what has pitch.
BARS = ((0.5, 0.3), (1, 2.5), (2, 5.0), (4, 4.0), (8, 0.8))
PITCHED_BARS = ((1, 0.6), (2, 2.5), (4, 5.0), (8, 1.5))
#: What is left of the drums.
KEPT = (("full", 9.0), ("light", 1.2), ("no_kick", 0.6), ("hats", 0.4), ("kick", 0.4), ("sparse", 0.8), ("perc", 1.2))
#: Layers by what a loop of them is called.
MELODIC, CHORDAL = ("bass", "arp", "lead", "riff", "vocal", "counter"), ("chords", "pad", "chords2")


@dataclass
class Written:
    """A loop before it sounds. Events are (beat, beats, pitch or General MIDI key, velocity)."""

    style: str
    group: str
    palette: str
    bpm: float
    meter: int
    bars: float
    drums: list[tuple] = field(default_factory=list)
    #: Layer -> its events.
    layers: dict[str, list[tuple]] = field(default_factory=dict)
    programs: dict[str, int] = field(default_factory=dict)
    swing8: float = 0.5
    swing16: float = 0.5
    #: Standard deviation of the players' timing, seconds.
    spread: float = 0.0
    kept: str = "full"
    tonic: int | None = None
    mode: str | None = None

    @property
    def beats(self) -> float:
        """Its length."""
        return self.bars * self.meter


def write(seed: int, group: str | None = None, bars: float | None = None) -> tuple[Written, Arranger]:
    """Draws a loop of drums, and the arranger that can add layers to it."""
    dice = Dice(seed * 7919 + 17)
    group = group or dice.weighted(SHARE)
    band = Arranger(seed, 60.0, group)
    style, meter = band.style, band.meter
    bars = bars if bars is not None else dice.weighted(BARS)
    if meter == 3 and bars == 0.5:
        bars = 1
    number = dice.pick((0, 0, 1))
    unit, hits, perc = band.patterns[number]
    kept = dice.weighted(KEPT)
    if kept == "perc" and len(perc) < 3:
        kept = "full"
    if kept == "perc":
        line = list(perc)
    elif kept == "sparse":
        line = [h for h in hits if dice.coin(0.45)] or hits
    else:
        line = [h for h in hits if DRUMS[kept](h[2])] or hits
        if kept == "full":
            line = line + list(perc)
    end = bars * meter
    line = [e for e in tile(line, float(unit * meter), 0.0, float(end))]
    if bars >= 2 and kept in ("full", "light") and dice.coin(0.3):
        # A fill at the end.
        last = end - meter
        inside = [h for h in line if h[0] >= last - 1e-6]
        line = [h for h in line if h[0] < last - 1e-6]
        line += make_fill(dice, style, band.electronic, inside, Bar(int(last), meter, 0, int(bars) - 1))
    if dice.coin(0.12) and kept == "full":
        line.append((0.0, 0.1, dice.pick((49, 57)), 104))
    line = sorted((a % end, b, p, v) for a, b, p, v in line)
    swung8 = dice.uniform(*style.swing8) if style.swing8[1] > 0.5 else 0.5
    swung16 = dice.uniform(*style.swing16) if style.swing16[1] > 0.5 and dice.coin(0.75) else 0.5
    exact = (band.electronic and dice.coin(0.8)) or dice.coin(0.2)
    tonic, mode = _key(band)
    return Written(
        style.name, group, band.palette, band.bpm, meter, bars, line, {}, dict(band.programs), swung8, swung16,
        0.0 if exact else dice.uniform(0.001, 0.009), kept, tonic, mode,
    ), band  # fmt: skip


def _key(band: Arranger) -> tuple[int, str]:
    minor = 3 in band.key.scale and 4 not in band.key.scale
    return int(band.key.tonic % 12), "min" if minor or tuple(band.key.scale) == SCALES["minor"] else "maj"


def pitched(seed: int, band: Arranger, bars: float | None = None) -> tuple[dict[str, list[tuple]], float, str]:
    """Layers without drums, their bars, and what they are: `melodic`, `chords` or `drone`."""
    dice = Dice(seed * 104729 + 5)
    bars = bars if bars is not None else dice.weighted(PITCHED_BARS)
    end = float(bars * band.meter)
    have = {layer for layer, theme in band.loops if theme == "A" and band.loops[layer, "A"][1]}
    melodic, chordal = [x for x in MELODIC if x in have], [x for x in CHORDAL if x in have]
    draw = dice.unit()
    if draw < 0.42 and melodic:
        names, kind = [dice.pick(melodic)], "melodic"
    elif draw < 0.8 and chordal:
        names, kind = [dice.pick(chordal)], "chords"
    else:
        names = [x for x in (*melodic[:2], *chordal[:1])] or list(have)
        kind = "chords" if any(x in CHORDAL for x in names) else "melodic"
    layers = {}
    for name in names:
        size, line = band.loops[name, "A"]
        line = [e for e in line if e[0] < size * band.meter - 1e-6]
        layers[name] = [(a % end, b, p, v) for a, b, p, v in tile(line, float(size * band.meter), 0.0, end)]
    return {k: v for k, v in layers.items() if v}, bars, kind


def seconds(w: Written, events: list[tuple], rng: np.random.Generator) -> np.ndarray:
    """Rows (start, length, pitch, velocity) in seconds within one turn of the loop."""
    table = np.array(sorted(events), dtype=np.float64).reshape(-1, 4)
    beat = 60.0 / w.bpm
    starts = swing(table[:, 0], w.swing8, w.swing16) * beat
    ends = swing(table[:, 0] + table[:, 1], w.swing8, w.swing16) * beat
    if w.spread:
        _, chord = np.unique(np.round(table[:, 0], 4), return_inverse=True)
        jitter = np.clip(rng.normal(0, w.spread, chord.max(initial=0) + 1), -2.5 * w.spread, 2.5 * w.spread)[chord]
        length = ends - starts
        # The first hit stands on the first sample, as editors cut loops.
        starts = np.where(table[:, 0] > 1e-6, starts + jitter, starts)
        ends = starts + length
    return np.column_stack([starts, np.maximum(0.03, ends - starts), table[:, 2], np.clip(table[:, 3], 1, 127)])
