"""A recorded acoustic guitar for strummed chords.

The Hydrogen kit `belofilms_GuitarStrums` (Gabriel Verdugo Soto, CC BY 3.0; Debian `hydrogen-drumkits-effects`) holds
down- and up-strokes of some thirty chords at four strengths. The notes that a part plays at once are read as a chord,
and the recording that is nearest (at most four semitones away) is tuned to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, cache
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from fluid import RATE, bring_to_attack
from kits import HYDROGEN_DIRS
from song import Note

KIT = "belofilms_GuitarStrums"
_ROOTS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_QUALITIES = {"major": (0, 4, 7), "minor": (0, 3, 7), "minor7b5": (0, 3, 6, 10)}
_NAME = re.compile(r"([A-G])(sharp|flat)? ?(major|minor7b5|minro7b5|minor)(_DOWN|_Down|_UP)?_0([0-3])")


@dataclass(frozen=True, order=True)
class Chord:
    """A chord to strum: pitch class of the root and quality."""

    root: int
    quality: str


#: Chords whose recordings are in tune with themselves (measured: four fifths or more of the power on the chord's own
#: pitch classes, which leaves out those with the guitar's sharp open strings and three that are mislabelled).
_IN_TUNE = frozenset(
    [Chord(r, "major") for r in (0, 5, 6)]
    + [Chord(r, "minor") for r in (1, 2, 3, 8, 11)]
    + [Chord(r, "minor7b5") for r in (1, 3, 10)]
)


@lru_cache(maxsize=1)
def _files() -> dict[Chord, dict[tuple[str, int], Path]]:
    """Recordings by chord, then by stroke ("", "down", "up") and strength (0 is the strongest)."""
    found: dict[Chord, dict[tuple[str, int], Path]] = {}
    for directory in HYDROGEN_DIRS:
        for path in sorted((Path(directory) / KIT).glob("*.flac")) if directory else []:
            match = _NAME.match(path.name)
            if not match:
                continue
            letter, accidental, quality, stroke, strength = match.groups()
            root = (_ROOTS[letter] + {"sharp": 1, "flat": -1, None: 0}[accidental]) % 12
            chord = Chord(root, quality.replace("minro", "minor"))
            if chord not in _IN_TUNE:
                continue
            found.setdefault(chord, {})[((stroke or "").strip("_").lower(), int(strength))] = path
    return found


def available() -> bool:
    """Whether the kit is installed."""
    return bool(_files())


def chord_of(pitches: list[int]) -> Chord:
    """The major, minor or half-diminished chord that fits best; the lowest note breaks ties towards itself."""
    classes = {p % 12 for p in pitches}
    lowest = min(pitches) % 12

    def fit(chord: Chord) -> float:
        tones = {(chord.root + i) % 12 for i in _QUALITIES[chord.quality]}
        seventh = 0.6 if chord.quality == "minor7b5" else 0.0
        return len(classes & tones) - 0.5 * len(classes - tones) - seventh + (0.4 if lowest == chord.root else 0.0)

    return max((Chord(r, q) for r in range(12) for q in _QUALITIES), key=fit)


@cache
def _tuning(path: Path, chord: Chord) -> float:
    """Semitones by which a recording is sharp of equal temperament at 440 Hz: up to half of one in this kit."""
    import soundfile

    wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
    power = np.abs(np.fft.rfft(wave[rate // 20 : rate].mean(axis=1), 1 << 18)) ** 2
    f = np.fft.rfftfreq(1 << 18, 1 / rate)
    heard = (f > 75) & (f < 700)
    pitch = 69 + 12 * np.log2(f[heard] / 440) - chord.root
    tones = np.array(_QUALITIES[chord.quality])

    def inside(offset: float) -> float:
        away = np.abs((pitch[:, None] - offset - tones[None, :] + 6) % 12 - 6).min(axis=1)
        return float((power[heard] * np.exp(-((away / 0.15) ** 2))).sum())

    return max(np.arange(-0.6, 0.61, 0.05), key=inside)


@lru_cache(maxsize=600)
def _stroke(path: Path, steps: float) -> np.ndarray:
    """A stroke, transposed by `steps` semitones."""
    import soundfile

    wave, rate = soundfile.read(path, dtype="float32", always_2d=True, frames=240000)
    ratio = Fraction(RATE / rate / 2 ** (steps / 12)).limit_denominator(400)
    mono = resample_poly(wave.mean(axis=1)[: int(2.5 * rate)], ratio.numerator, ratio.denominator)
    return bring_to_attack(mono.astype(np.float32))


def events(notes: list[Note]) -> list[tuple[float, float, list[int], int]]:
    """Notes that start within 50 ms of each other as (start, end, pitches, velocity)."""
    out: list[tuple[float, float, list[int], int]] = []
    for note in sorted(notes, key=lambda n: n.start):
        if out and note.start - out[-1][0] < 0.05:
            start, end, pitches, velocity = out[-1]
            out[-1] = (
                start,
                max(end, note.start + note.duration),
                pitches + [note.pitch],
                max(velocity, note.velocity),
            )
        else:
            out.append((note.start, note.start + note.duration, [note.pitch], note.velocity))
    return out


def render(notes: list[Note], frames: int, rng: np.random.Generator) -> np.ndarray:
    """Strums a part."""
    files = _files()
    out = np.zeros(frames, dtype=np.float32)
    strokes = events(notes)
    release = int(rng.uniform(0.02, 0.12) * RATE)
    plain = rng.random() < 0.3
    shift = int(rng.integers(0, 2))
    for i, (start, end, pitches, velocity) in enumerate(strokes):
        wanted = chord_of(pitches)
        steps, source = min(
            (((wanted.root - c.root + 6) % 12 - 6, c) for c in files if c.quality == wanted.quality),
            key=lambda pair: (abs(pair[0]), pair[0]),
        )
        strength = 0 if velocity > 108 else 1 if velocity > 88 else 2 if velocity > 62 else 3
        stroke = "" if plain else ("down", "up")[(i + shift) % 2]
        have = files[source]
        path = have.get((stroke, strength)) or have[min(have, key=lambda k: (abs(k[1] - strength), k[0]))]
        wave = _stroke(path, round(steps - _tuning(path, source), 2))
        at = int(round(start * RATE))
        if at < 0 or at >= frames:
            continue
        limit = strokes[i + 1][0] if i + 1 < len(strokes) else end + 2.0
        held = int(min(end, limit) * RATE) - at
        n = min(len(wave), frames - at, max(200, held) + release)
        piece = wave[:n].copy()
        tail = min(release, n)
        piece[n - tail :] *= np.linspace(1, 0, tail, dtype=np.float32)
        out[at : at + n] += piece * np.float32((velocity / 100.0) ** 0.5)
    return out
