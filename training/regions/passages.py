"""Forms with the passages that are hard to tell apart: who plays in each section."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "beats"))

from dice import Dice  # noqa: E402
from form import Section  # noqa: E402
from styles import Style  # noqa: E402

#: Name -> (kind of section by what the drummer plays, layers or None for all, weight).
#: "pluck" stands for one of the layers with sharp attacks, "tune" for one that sings.
PASSAGES: dict[str, tuple[str, tuple[str, ...] | None, float]] = {
    "all": ("full", None, 2.0),
    "all, second pattern": ("alt", None, 1.0),
    "drums": ("drums_only", (), 3.0),
    "percussion": ("perc_only", (), 0.7),
    "kick and hats": ("kick_hats", (), 0.7),
    "drums and bass": ("full", ("bass",), 1.6),
    "drums and pad": ("full", ("pad",), 0.8),
    "drums and tune": ("light", ("tune",), 0.5),
    "drums and plucks": ("full", ("pluck",), 0.6),
    "hats alone": ("hats_only", (), 0.5),
    "hats, pad and arpeggio": ("hats_only", ("pad", "arp"), 1.3),
    "hats and chords": ("hats_only", ("chords",), 0.6),
    "percussion and pad": ("perc_only", ("pad",), 0.5),
    "percussion and all": ("perc_only", None, 0.5),
    "kick and all": ("kick_only", None, 0.6),
    "kick and bass": ("kick_only", ("bass",), 0.4),
    "no kick": ("no_kick", ("pad", "pluck"), 0.5),
    "pad and arpeggio": ("no_drums", ("pad", "arp"), 1.8),
    "plucks": ("no_drums", ("pluck",), 1.0),
    "plucks and bass": ("no_drums", ("pluck", "bass"), 1.2),
    "pad": ("no_drums", ("pad",), 0.8),
    "pad and tune": ("no_drums", ("pad", "tune"), 1.0),
    "tune": ("no_drums", ("tune",), 0.4),
    "bass": ("no_drums", ("bass",), 0.5),
    "all without drums": ("no_drums", None, 1.0),
}


def _players(dice: Dice, layers: set[str], named: tuple[str, ...] | None) -> set[str]:
    """The layers that `named` asks for; those that the song has not are added to it."""
    if named is None:
        return set(layers)
    chosen = set()
    for name in named:
        options = {"pluck": ("arp", "chords", "riff"), "tune": ("lead", "vocal")}.get(name, (name,))
        have = [o for o in options if o in layers and o != "riff"]
        chosen.add(dice.pick(have or [options[0]]))
    layers |= chosen
    return chosen


def lay_out(dice: Dice, style: Style, layers: set[str], drums: bool, total: int) -> list[Section]:
    """Sections of `total` bars. One song in twelve is all drums, one in ten has none."""
    draw = dice.unit()
    only_drums = drums and draw < 0.08
    drums = drums and draw < 0.9
    if not layers:
        layers |= {"bass", "chords"}
    layers.discard("riff")
    sections: list[Section] = []
    at, last = 0, ""
    # A few kinds of passage return, as they do in music.
    names = [n for n, (kind, _, _) in PASSAGES.items() if (n == "drums" if only_drums else drums or kind == "no_drums")]
    if only_drums:
        names = ["drums", "percussion", "kick and hats"]
    palette = ["all"] * (drums and not only_drums)
    while len(palette) < min(len(names), 5):
        palette.append(dice.weighted([(n, PASSAGES[n][2]) for n in names if n not in palette]))
    while at < total:
        name = dice.pick([n for n in palette if n != last])
        kind, named, _ = PASSAGES[name]
        bars = dice.weighted(((2, 1.2 if name == "drums" else 0.3), (4, 4.0), (8, 3.0)))
        section = Section(kind, dice.pick("AAB"), at, bars, second=kind == "alt")
        section.layers = _players(dice, layers, named)
        sections.append(section)
        at += bars
        last = name
    return sections
