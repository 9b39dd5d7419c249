"""Synthesiser voices in numpy, for electronic parts, singing lines and effects.

One engine makes all pitched voices: a wavetable with two axes, phase and "position". Each position is one spectrum of
harmonics, so that moving through positions in time is an exact, band-limited filter sweep (subtractive, acid),
a decaying pluck, a frequency modulation that dies away, a pulse of moving width, or a vowel that changes. Only the
spectra differ between kinds of voices; unison, glide, vibrato and envelopes are shared. A note costs one table look-up
per oscillator and sample, and equal notes of a part are made once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, sosfilt
from scipy.special import jv

from fluid import RATE
from song import Note

#: Points of one period, and spectra of a table.
PERIOD = 2048
POSITIONS = 32
#: Highest frequency of a partial, Hz.
TOP = 10400.0

#: First three formants (Hz) of sung vowels.
VOWELS = {
    "a": (800.0, 1200.0, 2700.0),
    "e": (480.0, 1850.0, 2550.0),
    "i": (310.0, 2200.0, 2950.0),
    "o": (450.0, 830.0, 2650.0),
    "u": (340.0, 720.0, 2550.0),
}


@dataclass
class Patch:
    """Parameters of a voice. Times in seconds, frequencies in Hz, detune in cents."""

    kind: str
    detune: tuple[float, ...] = (0.0,)
    attack: float = 0.002
    decay: float = 0.3
    sustain: float = 0.7
    release: float = 0.05
    #: Position runs from `bright` towards `dark` (0 to 1) with time constant `sweep`.
    bright: float = 1.0
    dark: float = 0.5
    sweep: float = 0.2
    #: Low-pass of position 0 and of position 1, Hz, and its resonance (gain at the corner).
    low: float = 200.0
    high: float = 8000.0
    resonance: float = 1.0
    width: float = 0.5
    ratio: int = 1
    sub: float = 0.0
    noise: float = 0.0
    vibrato: float = 0.0
    vibrato_rate: float = 5.5
    glide: float = 0.0
    drive: float = 0.0
    #: Position follows a slow sine of this rate instead of the envelope, 0 for none.
    lfo: float = 0.0
    vowels: str = "aeiou"
    #: Semitones by which each note falls, as in speech.
    fall: float = 0.0
    #: Share of notes before which a consonant stands (it ends where the note starts).
    consonants: float = 0.0


def _source(kind: str, k: np.ndarray, patch: Patch) -> np.ndarray:
    """Amplitudes of harmonics `k` before filtering; negative is a half turn of phase."""
    if kind in ("saw", "acid", "vocal"):
        return 1.0 / k
    if kind == "square":
        return np.sin(np.pi * k * patch.width) / k
    if kind == "triangle":
        return np.where(k % 2 == 1, (-1.0) ** ((k - 1) // 2) / k**2, 0.0)
    if kind == "organ":
        bars = {1: 1.0, 2: 0.7, 3: 0.5, 4: 0.5, 6: 0.3, 8: 0.4}
        return np.array([bars.get(int(i), 0.0) for i in k])
    return np.where(k == 1, 1.0, 0.0)  # sine


def spectra(patch: Patch, f0: float) -> np.ndarray:
    """Harmonic amplitudes, one row per position."""
    k = np.arange(1, max(2, int(TOP / f0)) + 1, dtype=np.float64)
    k = k[: PERIOD // 2 - 1]
    position = np.linspace(0.0, 1.0, POSITIONS)[:, None]
    if patch.kind == "fm":
        # Carrier of harmonic 1, modulator of harmonic `ratio`: side bands at 1 + n ratio with Bessel amplitudes.
        index = 0.1 + position * patch.resonance * 2.0
        table = np.zeros((POSITIONS, len(k)))
        for n in range(-8, 9):
            line = 1 + n * patch.ratio
            if 1 <= abs(line) <= len(k):
                table[:, abs(line) - 1] += np.sign(line) * jv(n, index)[:, 0]
        return table
    if patch.kind == "pwm":
        return np.sin(np.pi * k * (0.5 - 0.42 * position)) / k
    if patch.kind == "pluck":
        # Position runs from 1 to 0 as the string rings out: high harmonics go first.
        age = (1.0 - position) * 6.0
        return (1.0 / k**0.8) * np.sin(np.pi * k * patch.width) * np.exp(-age * (k * f0 / patch.high) ** 1.2)
    if patch.kind == "vocal":
        table = np.zeros((POSITIONS, len(k)))
        where = np.linspace(0, len(patch.vowels) - 1, POSITIONS)
        formants = np.array([VOWELS[v] for v in patch.vowels])
        f = k * f0
        for row, at in enumerate(where):
            lower = int(at)
            upper = min(lower + 1, len(formants) - 1)
            centres = formants[lower] * (1 - at + lower) + formants[upper] * (at - lower)
            gains = (1.0, 0.6, 0.25)
            table[row] = sum(g / (1 + ((f - c * patch.width) / (0.09 * c + 30)) ** 2) for g, c in zip(gains, centres))
            table[row] = (table[row] + 0.02) / k**0.7
        return table
    base = _source(patch.kind, k, patch)
    # Two-pole resonant low-pass whose corner rises geometrically with position.
    corner = patch.low * (patch.high / patch.low) ** position
    x = (k * f0)[None, :] / corner
    return base / np.sqrt((1 - x**2) ** 2 + (x / max(0.4, patch.resonance)) ** 2)


def wavetable(patch: Patch, f0: float, rng: np.random.Generator) -> np.ndarray:
    """The table of a patch at a pitch, POSITIONS x PERIOD, flattened; each row at an RMS of 1 at full brightness."""
    rows = spectra(patch, f0)
    bins = np.zeros((POSITIONS, PERIOD // 2 + 1), dtype=np.complex64)
    turn = np.exp(1j * rng.uniform(-0.6, 0.6, rows.shape[1])) if patch.kind != "sine" else 1.0
    bins[:, 1 : rows.shape[1] + 1] = -1j * rows * turn
    table = np.fft.irfft(bins, axis=1).astype(np.float32)
    return (table / max(1e-9, float(np.sqrt((table[-1] ** 2).mean())))).ravel()


def p_share(share: float, duration: float) -> float:
    """Probability of a consonant: words have fewer of them on very short notes."""
    return share * min(1.0, duration / 0.15)


class Voice:
    """Plays the notes of one part with one patch."""

    def __init__(self, patch: Patch, seed: int) -> None:
        self.patch = patch
        self._seed = seed
        self._tables: dict[int, np.ndarray] = {}
        self._notes: dict[tuple, np.ndarray] = {}
        rng = np.random.default_rng(seed)
        self._phases = rng.uniform(0, 1, len(patch.detune))

    def _table(self, pitch: int) -> np.ndarray:
        if pitch not in self._tables:
            f0 = 440.0 * 2 ** ((pitch - 69) / 12)
            self._tables[pitch] = wavetable(self.patch, f0, np.random.default_rng([self._seed, 3]))
        return self._tables[pitch]

    def _play(self, pitch: int, seconds: float, before: int | None, accent: bool) -> np.ndarray:
        p = self.patch
        held = max(0.02, seconds)
        n = int((held + p.release) * RATE)
        t = np.arange(n, dtype=np.float32) / np.float32(RATE)
        f0 = 440.0 * 2 ** ((pitch - 69) / 12)
        table = self._table(pitch)
        # Position, from which the row of the table follows.
        if p.lfo > 0:
            position = 0.5 + 0.45 * np.sin(2 * np.pi * p.lfo * t + 1.0)
        elif p.kind == "vocal":
            position = 0.5 + 0.5 * np.sin((pitch * 1.7 + seconds * 9.0) % 6.28 + 2.5 * t)
        else:
            top = min(1.0, p.bright * (1.25 if accent else 1.0))
            position = p.dark + (top - p.dark) * np.exp(-t / p.sweep)
        row = (np.clip(position, 0, 1) * (POSITIONS - 1)).astype(np.int32) * PERIOD
        # Turns of the oscillator; bent by glide and vibrato where there are any.
        bend = None
        if p.glide > 0 and before is not None and before != pitch:
            bend = (before - pitch) / 12.0 * np.exp(-t / p.glide)
        if p.vibrato > 0:
            swell = np.clip((t - 0.12) / 0.3, 0, 1)
            wave = swell * (p.vibrato / 1200.0) * np.sin(2 * np.pi * p.vibrato_rate * t)
            bend = wave if bend is None else bend + wave
        if p.fall > 0:
            course = (p.fall / 12.0) * (0.4 - t / np.float32(held))
            bend = course if bend is None else bend + course
        turns = np.cumsum(2.0**bend, dtype=np.float64) / RATE * f0 if bend is not None else t.astype(np.float64) * f0
        out = np.zeros(n, dtype=np.float32)
        for cents, phase in zip(p.detune, self._phases):
            x = turns * 2 ** (cents / 1200.0) + (phase if len(p.detune) > 1 else 0.0)
            out += table[row + ((x * PERIOD).astype(np.int64) & (PERIOD - 1))]
        out /= np.sqrt(len(p.detune))
        if p.sub > 0:
            out += p.sub * np.sin(turns * (np.pi if pitch > 40 else 2 * np.pi)).astype(np.float32)
        if p.noise > 0:
            noise = np.random.default_rng([self._seed, pitch, n]).standard_normal(n, dtype=np.float32)
            out += p.noise * noise * np.exp(-t / np.float32(0.03))
        if p.drive > 0:
            out = np.tanh(out * p.drive)
        envelope = p.sustain + (1 - p.sustain) * np.exp(-t / max(1e-3, p.decay))
        rise = min(n, max(8, int(p.attack * RATE)))
        envelope[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)
        fall = min(n, max(40, int(p.release * RATE)))
        envelope[n - fall :] *= np.linspace(1, 0, fall, dtype=np.float32) ** 2
        return (out * envelope).astype(np.float32)

    def render(self, notes: list[Note], frames: int) -> np.ndarray:
        """All notes, mono."""
        out = np.zeros(frames, dtype=np.float32)
        p = self.patch
        before: int | None = None
        for note in sorted(notes, key=lambda x: x.start):
            at = int(round(note.start * RATE))
            if at < 0 or at >= frames:
                continue
            accent = note.velocity > 105
            length = round(min(note.duration, 12.0) / 0.02) * 0.02
            name = (note.pitch, length, before if p.glide > 0 else None, accent)
            if name not in self._notes:
                self._notes[name] = self._play(note.pitch, length, before, accent)
            wave = self._notes[name]
            n = min(len(wave), frames - at)
            out[at : at + n] += wave[:n] * np.float32((note.velocity / 127.0) ** 1.3)
            before = note.pitch
        if p.consonants > 0:
            self._consonants(notes, out)
        return out

    def _consonants(self, notes: list[Note], out: np.ndarray) -> None:
        """Adds fricatives before and plosives at the vowels, a fifth as loud as they."""
        rng = np.random.default_rng([self._seed, 11])
        hiss = rng.standard_normal(RATE, dtype=np.float32)
        hisses = [
            sosfilt(butter(2, band, "bandpass", fs=RATE, output="sos").astype(np.float32), hiss)
            for band in ((2500, 6000), (5000, 9500))
        ]
        loud = 0.35 * float(np.sqrt((out**2).mean()) + 1e-9) / 0.1
        for note in notes:
            if rng.random() >= p_share(self.patch.consonants, note.duration):
                continue
            n = int(rng.uniform(0.03, 0.09) * RATE) if rng.random() < 0.7 else int(0.012 * RATE)
            at = int(round(note.start * RATE)) - n
            first = int(rng.integers(0, RATE - n))
            if at < 0 or at + n > len(out):
                continue
            shape = (
                np.sin(np.linspace(0.15, np.pi * 0.85, n, dtype=np.float32))
                if n > 500
                else np.linspace(1, 0, n, dtype=np.float32)
            )
            out[at : at + n] += (
                hisses[int(rng.integers(2))][first : first + n] * shape * np.float32(loud * note.velocity / 127.0)
            )


def _unison(rng: np.random.Generator, least: int, most: int, cents: float) -> tuple[float, ...]:
    n = int(rng.integers(least, most + 1))
    spread = np.linspace(-1, 1, n) if n > 1 else np.zeros(1)
    return tuple(float(c) for c in spread * cents + rng.normal(0, 0.08 * cents, n))


def draw_patch(rng: np.random.Generator, role: str) -> Patch:
    """A random voice for a role."""
    u, pick = rng.uniform, rng.choice
    if role == "bass":
        kind = str(
            pick(["sub", "saw", "reese", "acid", "fm", "square", "pluck"], p=[0.2, 0.2, 0.14, 0.14, 0.12, 0.12, 0.08])
        )
        p = Patch(
            kind, decay=u(0.1, 0.8), sustain=u(0.3, 1.0), release=u(0.01, 0.08), low=u(80, 250), high=u(500, 4000)
        )
        p.dark, p.sweep, p.resonance = u(0.05, 0.6), u(0.04, 0.4), u(0.7, 2.0)
        if kind == "sub":
            p.kind, p.drive, p.sustain = str(pick(["sine", "triangle"])), float(pick([0, 1.5, 3])), u(0.6, 1.0)
        elif kind == "reese":
            p.kind, p.detune, p.lfo, p.sustain = "saw", _unison(rng, 2, 4, u(8, 35)), u(0.1, 4.0), 1.0
        elif kind == "acid":
            p.resonance, p.glide, p.low, p.high = u(3, 9), u(0.02, 0.06), u(150, 300), u(1200, 5000)
            p.drive = float(pick([0, 1, 2.5]))
        elif kind == "fm":
            p.ratio, p.resonance = int(rng.integers(1, 4)), u(0.5, 2.5)
        elif kind == "pluck":
            p.width, p.dark, p.bright, p.sweep, p.high, p.sustain = (
                u(0.15, 0.45),
                0.0,
                1.0,
                u(0.2, 0.8),
                u(800, 3000),
                0.3,
            )
        if rng.random() < 0.2 and kind not in ("sub",):
            p.sub = u(0.3, 0.9)
        return p
    if role == "pad":
        kind = str(pick(["saw", "pwm", "organ", "triangle", "vocal", "fm"], p=[0.4, 0.2, 0.1, 0.1, 0.12, 0.08]))
        p = Patch(kind, detune=_unison(rng, 2, 5, u(5, 18)), attack=u(0.03, 0.6), sustain=1.0, release=u(0.1, 0.6))
        p.low, p.high, p.lfo = u(200, 500), u(1200, 6000), u(0.05, 0.5)
        p.resonance, p.ratio = u(0.7, 1.8), int(rng.integers(1, 5))
        p.width = u(0.9, 1.2) if kind == "vocal" else 0.5
        return p
    if role == "chords":
        kind = str(pick(["super", "saw", "square", "organ", "fm", "pluck"], p=[0.3, 0.18, 0.12, 0.12, 0.16, 0.12]))
        p = Patch(
            kind, decay=u(0.08, 1.0), sustain=u(0.1, 0.9), release=u(0.02, 0.25), low=u(200, 600), high=u(1500, 9000)
        )
        p.dark, p.sweep, p.resonance, p.ratio = u(0.1, 0.9), u(0.05, 0.6), u(0.7, 2.2), int(rng.integers(1, 8))
        if kind == "super":
            p.kind, p.detune, p.dark = "saw", _unison(rng, 5, 7, u(10, 28)), u(0.5, 1.0)
        elif kind in ("saw", "square"):
            p.detune, p.width = _unison(rng, 1, 3, u(4, 14)), u(0.2, 0.5)
        elif kind == "pluck":
            p.width, p.dark, p.sweep, p.high = u(0.1, 0.45), 0.0, u(0.2, 1.0), u(1500, 6000)
        return p
    if role == "vocal":
        vowels = "".join(pick(list("aeiou"), int(rng.integers(2, 6))))
        p = Patch("vocal", attack=u(0.01, 0.05), decay=0.5, sustain=u(0.8, 1), release=u(0.03, 0.12), vowels=vowels)
        p.width, p.glide, p.vibrato, p.vibrato_rate = u(0.85, 1.25), u(0.02, 0.07), u(10, 60), u(4.5, 6.5)
        p.noise, p.detune = u(0.0, 0.35), _unison(rng, 1, 2, 6)
        p.consonants = float(pick([0.0, 0.3, 0.6]))
        if rng.random() < 0.15:  # spoken rather than sung
            p.fall, p.vibrato, p.glide = u(2, 7), 0.0, 0.0
        return p
    if role == "arp":
        kind = str(pick(["pluck", "square", "saw", "fm", "chip"], p=[0.3, 0.2, 0.2, 0.15, 0.15]))
        p = Patch(
            kind, decay=u(0.04, 0.3), sustain=u(0.0, 0.4), release=u(0.02, 0.12), low=u(250, 700), high=u(1500, 8000)
        )
        p.dark, p.sweep, p.resonance, p.ratio = u(0, 0.5), u(0.04, 0.25), u(0.7, 3), int(rng.integers(1, 9))
        p.width = u(0.1, 0.5)
        if kind == "chip":
            p.kind, p.low, p.high, p.width, p.dark = "square", 8000.0, 10000.0, float(pick([0.125, 0.25, 0.5])), 1.0
        elif kind == "saw":
            p.detune = _unison(rng, 1, 3, u(5, 15))
        return p
    # Leads, riffs and anything else that carries a tune.
    kind = str(
        pick(["saw", "square", "super", "chip", "fm", "pwm", "triangle"], p=[0.25, 0.15, 0.2, 0.12, 0.1, 0.1, 0.08])
    )
    p = Patch(kind, decay=u(0.2, 1.0), sustain=u(0.4, 1.0), release=u(0.03, 0.15), low=u(300, 900), high=u(2000, 9000))
    p.dark, p.sweep, p.resonance, p.ratio = u(0.3, 1.0), u(0.05, 0.5), u(0.7, 3.0), int(rng.integers(1, 5))
    p.glide, p.vibrato = float(pick([0, 0, 0.02, 0.05])), float(pick([0, 0, 10, 25]))
    p.detune, p.width = _unison(rng, 1, 3, u(3, 14)), u(0.15, 0.5)
    if kind == "super":
        p.kind, p.detune = "saw", _unison(rng, 5, 7, u(10, 25))
    elif kind == "chip":
        p.kind, p.low, p.high, p.width, p.dark, p.detune = (
            "square",
            8000.0,
            10000.0,
            float(pick([0.125, 0.25, 0.5])),
            1.0,
            (0.0,),
        )
    if role == "riff" and rng.random() < 0.5:
        p.drive = u(1, 6)
    return p


def effects_part(notes: list[Note], frames: int, rng: np.random.Generator) -> np.ndarray:
    """Risers, falls and impacts: noise or a sine that sweeps through the length of each note."""
    out = np.zeros(frames, dtype=np.float32)
    for note in notes:
        at = int(round(note.start * RATE))
        n = min(frames - at, int(min(16.0, max(0.2, note.duration)) * RATE))
        if at < 0 or n < 200:
            continue
        x = np.linspace(0, 1, n, dtype=np.float32)
        up = note.duration > 1.0 and rng.random() < 0.65
        course = x if up else 1 - x
        level = course**2 if up else np.exp(-4 * x)
        if rng.random() < 0.7:
            noise = rng.standard_normal(n, dtype=np.float32)
            bands = [
                sosfilt(butter(1, (f, 2.2 * f), "bandpass", fs=RATE, output="sos").astype(np.float32), noise)
                for f in (300, 1000, 3500)
            ]
            w = course * 2
            wave = (
                bands[0] * np.clip(1 - w, 0, 1)
                + bands[1] * np.clip(1 - np.abs(w - 1), 0, 1)
                + bands[2] * np.clip(w - 1, 0, 1)
            )
        else:
            f = 150 * (rng.uniform(6, 20) ** course)
            wave = np.sin(np.cumsum(f, dtype=np.float64) * (2 * np.pi / RATE)).astype(np.float32) * 0.5
        wave = wave * level
        wave[:64] *= np.linspace(0, 1, 64, dtype=np.float32)
        out[at : at + n] += (wave * (note.velocity / 127.0)).astype(np.float32)
    return out
