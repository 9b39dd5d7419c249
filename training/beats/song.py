"""What a composed song is, before it sounds.

Composition (`compose.py`) decides what is played and when, and therefore knows where every beat and bar line is.
Sound (`sound.py`) decides what it sounds like. This module is all that they share.

Times are seconds from the first sample of the song, as `float`. Pitches are MIDI note numbers; those of a part whose
role is "drums" or "perc" are General MIDI percussion keys (36 kick, 38 snare, 39 clap, 42 closed hat, 46 open hat, 49
crash, 51 ride and so on), which the renderer maps to whatever kit it plays.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

#: Roles that a part can have. "riff" is for distorted or clean guitars that carry the song, "vocal" for lines with the
#: phrasing of a singer, "arp" for sequenced broken chords, "fx" for risers, falls and noises without a beat.
ROLES = ("drums", "perc", "bass", "chords", "pad", "lead", "arp", "riff", "vocal", "fx")


@dataclass
class Note:
    """One note as it is performed: swing, human timing and drift are already in `start`."""

    start: float
    duration: float
    pitch: int
    velocity: int


@dataclass
class Part:
    """One player."""

    role: str
    #: General MIDI program, 0 to 127, that suits the part; the renderer may choose a kindred one. Ignored for drums.
    program: int
    notes: list[Note] = field(default_factory=list)
    #: Level in the mix relative to what is usual for the role, dB.
    gain_db: float = 0.0


@dataclass
class Song:
    """A composed song with its truth."""

    seed: int
    style: str
    #: "acoustic", "electronic" or "mixed": which kind of kits and instruments suit the style.
    palette: str
    #: Length in seconds, after which nothing starts.
    duration: float
    #: Notated tempo at the start, BPM.
    tempo: float
    #: Beat times, strictly increasing, from the first beat of music to the last (also through bars without drums).
    beats: np.ndarray
    #: Position of each beat in its bar: 1 is the downbeat.
    positions: np.ndarray
    parts: list[Part]
    #: (start in seconds, kind): "full", "light", "no_drums", "drums_only", "break", "intro", ... Starts lie on bar lines.
    sections: list[tuple[float, str]]
