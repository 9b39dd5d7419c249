"""Form: bars, sections, and which layers play in each section."""

from __future__ import annotations

from dataclasses import dataclass, field

from dice import Dice
from styles import Style

#: Kinds of section, and how much of the drums is left: kick, snare, hats, percussion.
KINDS = {
    "full": (True, True, True, True), "alt": (True, True, True, True), "light": (True, True, True, False),
    "hats_only": (False, False, True, True), "no_kick": (False, True, True, True),
    "no_drums": (False, False, False, False), "drums_only": (True, True, True, True),
    "half_time": (True, True, True, True), "double_time": (True, True, True, True), "build": (True, True, True, True),
    "break": (False, False, False, False), "solo": (False, False, False, False),
    "kick_only": (True, False, False, False), "kick_hats": (True, False, True, True),
    "no_hats": (True, True, False, False), "perc_only": (False, False, False, True),
}  # fmt: skip

SONG_KINDS = (
    ("full", 7.0), ("alt", 2.2), ("light", 1.2), ("hats_only", 0.4), ("no_drums", 0.8), ("no_kick", 0.25),
    ("drums_only", 0.3), ("half_time", 0.45), ("double_time", 0.2), ("build", 0.2), ("break", 0.3), ("no_hats", 0.15),
    ("solo", 0.25), ("kick_hats", 0.2),
)  # fmt: skip
CLUB_KINDS = (
    ("full", 6.0), ("alt", 2.2), ("light", 0.8), ("hats_only", 0.9), ("no_drums", 0.8), ("no_kick", 1.0),
    ("drums_only", 0.7), ("half_time", 0.25), ("double_time", 0.08), ("build", 0.9), ("break", 1.1), ("solo", 0.8),
    ("kick_only", 0.5), ("kick_hats", 0.8), ("no_hats", 0.4), ("perc_only", 0.25),
)  # fmt: skip
RIFF_KINDS = (
    ("full", 7.0), ("alt", 3.0), ("half_time", 1.3), ("double_time", 0.6), ("light", 0.5), ("hats_only", 0.3),
    ("no_drums", 0.8), ("solo", 0.5), ("drums_only", 0.3), ("no_hats", 0.1),
)  # fmt: skip
PIECE_KINDS = (
    ("full", 6.0), ("alt", 2.5), ("light", 1.6), ("hats_only", 0.5), ("no_drums", 1.8), ("no_kick", 0.4),
    ("drums_only", 0.2), ("break", 0.4), ("solo", 0.6), ("perc_only", 0.4),
)  # fmt: skip
KIND_WEIGHTS = {"song": SONG_KINDS, "club": CLUB_KINDS, "riff": RIFF_KINDS, "piece": PIECE_KINDS}


@dataclass
class Bar:
    """One bar: first beat (whole, from the start of the song), number of beats, its section and place in it."""

    start: int
    beats: int
    section: int
    index: int


@dataclass
class Section:
    """Some bars with one arrangement."""

    kind: str
    theme: str
    first: int
    bars: int
    start: int = 0
    end: int = 0
    layers: set[str] = field(default_factory=set)
    #: Layers that enter only in the second half of the section.
    late: set[str] = field(default_factory=set)
    #: Whether drums use the song's second pattern.
    second: bool = False
    #: Beats in each bar, where the whole section leaves the song's meter; 0 where it does not.
    beats: int = 0


def _length(dice: Dice, form: str, total: int, meter: int) -> int:
    if form == "club":
        length = dice.weighted(((2, 0.4), (4, 3.0), (8, 5.0), (16, 1.6), (12, 0.2), (6, 0.15)))
    else:
        usual = ((2, 0.7), (4, 3.6), (8, 4.4), (16, 0.5), (12, 0.4), (6, 0.4))
        length = dice.weighted((*usual, (3, 0.12), (5, 0.15), (7, 0.12), (10, 0.1)))
    while length > 3 and length * 2 > total:
        length //= 2
    return length * 2 if meter == 2 and dice.coin(0.6) else length


def make_sections(dice: Dice, style: Style, layers: set[str], drums: bool, total: int) -> list[Section]:
    """Sections that fill `total` bars; the first may have lost its head."""
    kinds = KIND_WEIGHTS[style.form]
    themes = dice.pick(("AB", "AB", "A", "ABC", "AAB"))
    sections: list[Section] = []
    at, last_kind = 0, ""
    current = set(layers)
    while at < total:
        length = _length(dice, style.form, total, style.meter)
        kind = dice.weighted(kinds)
        if not sections and style.form == "club" and dice.coin(0.35):
            # Many excerpts begin where a track does: with one thing at a time.
            kind = dice.pick(
                ("kick_only", "kick_hats", "hats_only", "solo", "no_drums", "no_kick", "perc_only", "drums_only")
            )
        if kind == last_kind and kind not in ("full", "alt"):
            kind = "full"
        if last_kind == "build":
            kind = dice.pick(("full", "full", "alt", "half_time"))
        if kind in ("build", "solo", "drums_only", "hats_only", "kick_only", "perc_only"):
            length = min(length, 8 if style.form == "club" else 4)
        if not drums and kind not in ("break", "solo"):
            kind = "no_drums"
        if not layers:
            kind = kind if kind in ("full", "alt", "light", "hats_only", "no_kick", "half_time", "no_hats") else "full"
        if not sections and dice.coin(0.3):
            length = max(1, length - dice.whole(1, length))
        section = Section(kind, dice.pick(themes), at, length, second=kind == "alt" or dice.coin(0.12))
        current = _arrange(dice, style, layers, current, section)
        sections.append(section)
        at += length
        last_kind = kind
    return sections


def _arrange(dice: Dice, style: Style, layers: set[str], current: set[str], section: Section) -> set[str]:
    """Chooses the layers of `section`, near those of the section before; returns them."""
    ordered = sorted(layers)
    keep = 0.6 if style.form in ("club", "piece") else 0.86
    chosen: set[str] = set()
    for layer in ordered:
        if style.form == "club" and dice.coin(0.55):
            on = layer in current
        else:
            on = dice.coin(keep - 0.25 if layer in ("vocal", "lead", "counter") else keep)
        if on:
            chosen.add(layer)
    if section.kind in ("drums_only", "perc_only"):
        chosen = {layer for layer in chosen if dice.coin(0.06)}
    elif section.kind == "solo":
        rhythmic = [layer for layer in ordered if layer not in ("pad", "counter")] or ordered
        chosen = {dice.pick(rhythmic)} if rhythmic else set()
        if "pad" in layers and dice.coin(0.3):
            chosen.add("pad")
    elif section.kind == "break":
        chosen = {layer for layer in chosen if layer != "bass" or dice.coin(0.3)}
        chosen |= {layer for layer in ("pad",) if layer in layers}
    elif section.kind in ("kick_only", "hats_only", "kick_hats") and dice.coin(0.5):
        chosen = set(dice.some(sorted(chosen), dice.whole(1, 2)))
    if "riff" in layers and section.kind not in ("drums_only", "perc_only", "solo") and dice.coin(0.85):
        chosen.add("riff")
    silent = section.kind in ("no_drums", "break", "solo") or (
        section.kind in ("perc_only", "hats_only") and dice.coin(0.8)
    )
    if silent and ordered and not chosen & {"chords", "arp", "bass", "riff", "lead", "vocal", "chords2"}:
        chosen.add(dice.pick([layer for layer in ordered if layer != "pad"] or ordered))
    if style.form == "club" and section.bars >= 8 and len(chosen) > 2 and dice.coin(0.4):
        section.late = {layer for layer in sorted(chosen) if dice.coin(0.35)}
        if len(section.late) == len(chosen):
            section.late = set()
    section.layers = chosen
    return chosen


def make_bars(dice: Dice, style: Style, sections: list[Section]) -> list[Bar]:
    """Bars of all sections; in a few songs one has the wrong length. Fills in the sections' beats."""
    odd: dict[int, int] = {}
    total = sum(section.bars for section in sections)
    if dice.coin(0.045) and total > 6 and style.meter in (3, 4):
        for _ in range(dice.pick((1, 1, 2))):
            at_end = dice.pick(sections)
            index = at_end.first + at_end.bars - 1 if dice.coin(0.7) else dice.whole(2, total - 2)
            odd[index] = dice.pick((2, 2, 2, 3, 1, 5, 6)) if style.meter == 4 else dice.pick((2, 4))
    if dice.coin(0.02) and style.meter in (3, 4) and style.steps == 4 and len(sections) > 1:
        dice.pick(sections[1:]).beats = 3 if style.meter == 4 else 4
    bars: list[Bar] = []
    beat = 0
    for number, section in enumerate(sections):
        section.start = beat
        for index in range(section.bars):
            beats = odd.get(section.first + index, section.beats or style.meter)
            bars.append(Bar(beat, beats, number, index))
            beat += beats
        section.end = beat
    return bars
