"""Drums made of modes, noise and the circuits of drum machines, with parameters drawn anew for every kit.

`training/beats/kits.py` draws plain drums; these are nearer to real ones, and wider: membranes and plates with the mode
ratios of the textbooks (Fletcher & Rossing, The Physics of Musical Instruments), wires, jingles, beads, bells, and
six-oscillator hats. What is drawn is never normalised to one taste, so that a class is heard as a class, not as a sound.
All return mono float32 at `RATE` with peak 1.
"""

from __future__ import annotations

from collections.abc import Callable

import hit_setup  # noqa: F401
import numpy as np
from scipy.signal import butter, sosfilt

import kits
from fluid import RATE

Rng = np.random.Generator

#: Modes of an ideal circular membrane; loaded by air and shell they come nearer together.
_MEMBRANE = np.array([1.0, 1.594, 2.136, 2.296, 2.653, 2.918, 3.156, 3.501, 3.6, 4.06])


def _log(rng: Rng, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _unit(x: np.ndarray) -> np.ndarray:
    return (x / max(1e-9, float(np.abs(x).max(initial=0.0)))).astype(np.float32)


def _time(seconds: float) -> np.ndarray:
    return np.arange(max(64, int(seconds * RATE)), dtype=np.float32) / np.float32(RATE)


def _fall(t: np.ndarray, t60: float) -> np.ndarray:
    return np.exp(t * np.float32(-6.9 / t60))


def _band(x: np.ndarray, kind: str, cut: float | tuple[float, float], order: int = 2) -> np.ndarray:
    edge = [min(0.47 * RATE, c) for c in cut] if isinstance(cut, tuple) else min(0.47 * RATE, cut)
    return sosfilt(butter(order, edge, kind, fs=RATE, output="sos").astype(np.float32), x).astype(np.float32)


def _noise(rng: Rng, n: int) -> np.ndarray:
    return rng.standard_normal(n, dtype=np.float32)


def _modes(rng: Rng, t: np.ndarray, hertz: np.ndarray, t60: np.ndarray, level: np.ndarray) -> np.ndarray:
    """A sum of decaying sines in random phase."""
    out = np.zeros(len(t), dtype=np.float32)
    for f, d, a in zip(hertz, t60, level, strict=True):
        if f < 0.46 * RATE and a > 1e-3:
            n = min(len(t), int(1.2 * d * RATE) + 32)
            wave = np.sin(np.float32(2 * np.pi * f) * t[:n] + np.float32(rng.uniform(0, 6.28)))
            out[:n] += np.float32(a) * wave * _fall(t[:n], d)
    return out


def _head(rng: Rng, t: np.ndarray, f: float, t60: float, bend: float, bend_time: float, modes: int) -> np.ndarray:
    """A struck membrane whose pitch falls by the factor `bend` to `f`."""
    glide = 1 + (bend - 1) * np.exp(-t / np.float32(bend_time))
    phase = np.cumsum(glide, dtype=np.float64) * (2 * np.pi * f / RATE)
    squeeze = rng.uniform(0.75, 1.05)
    out = np.zeros(len(t), dtype=np.float32)
    for i in range(modes):
        ratio = 1 + (_MEMBRANE[i] - 1) * squeeze
        level = 1.0 if i == 0 else rng.uniform(0.05, 0.7) / (i + 1) ** 0.7
        out += np.float32(level) * np.sin(ratio * phase + rng.uniform(0, 3)).astype(np.float32) * _fall(
            t, t60 / (1 + rng.uniform(0.3, 0.9) * i)
        )
    return out


def _click(rng: Rng, n: int, low: float, high: float, t60: float) -> np.ndarray:
    t = np.arange(n, dtype=np.float32) / RATE
    return _unit(_band(_noise(rng, n), "bandpass", (low, high)) * _fall(t, t60))


def kick(rng: Rng) -> np.ndarray:
    """A bass drum: of wood and skin, or one of the machines of `kits.py`."""
    if rng.random() < 0.5:
        return _unit(kits.kick(rng))
    u = rng.uniform
    t60 = _log(rng, 0.12, 0.7)
    t = _time(min(0.9, 1.2 * t60))
    wave = _unit(_head(rng, t, _log(rng, 42, 85), t60, u(1.1, 2.2), u(0.006, 0.03), int(rng.integers(1, 4))))
    wave += np.float32(u(0.02, 0.9)) * _click(rng, len(t), u(500, 2500), u(3000, 9000), _log(rng, 0.006, 0.05))
    if rng.random() < 0.4:
        # The other skins answer.
        wave += np.float32(u(0.02, 0.15)) * _click(rng, len(t), u(120, 300), u(1500, 6000), u(0.1, 0.3))
    return _unit(wave)


def snare(rng: Rng) -> np.ndarray:
    """Two skins, wires, and a stick or a brush."""
    draw = rng.random()
    if draw < 0.35:
        return _unit(kits.snare(rng))
    u = rng.uniform
    tail = _log(rng, 0.08, 0.6)
    t = _time(min(0.8, 1.25 * tail))
    head = _unit(_head(rng, t, u(140, 330), _log(rng, 0.05, 0.3), u(1.02, 1.4), u(0.005, 0.02), int(rng.integers(2, 8))))
    wires = _band(_noise(rng, len(t)), "highpass", _log(rng, 300, 3500))
    if rng.random() < 0.5:
        wires = _band(wires, "lowpass", _log(rng, 4500, 14000))
    peak = _log(rng, 1200, 7000)
    wires = _unit(wires + _band(wires, "bandpass", (0.7 * peak, 1.4 * peak)) * np.float32(u(0, 3)))
    shape = _fall(t, tail)
    if draw > 0.9:
        # A brush is drawn on: noise that swells for some milliseconds.
        shape = shape * (1 - np.exp(-t / np.float32(u(0.003, 0.012))))
        head = head * np.float32(0.3)
    elif rng.random() < 0.4:
        shape = 0.6 * _fall(t, 0.35 * tail) + 0.4 * shape
    wave = head * np.float32(_log(rng, 0.08, 1.2)) + _unit(wires * shape) * np.float32(u(0.35, 1.0))
    wave += np.float32(u(0, 0.5)) * _click(rng, len(t), u(1500, 3000), u(6000, 12000), u(0.003, 0.012))
    return _unit(wave)


def _plate(rng: Rng, t: np.ndarray, low: float, high: float, count: int, t60: float, tilt: float) -> np.ndarray:
    """A cymbal: many modes between `low` and `high` Hz, the higher the shorter, and the noise of those left out."""
    f = np.exp(rng.uniform(np.log(low), np.log(high), count))
    d = t60 * (f / low) ** -rng.uniform(0.1, 0.6) * rng.uniform(0.5, 1.3, count)
    tones = _unit(_modes(rng, t, f, d, rng.rayleigh(0.5, count) * (f / low) ** tilt))
    hiss = _band(_noise(rng, len(t)), "highpass", low * rng.uniform(1.0, 2.5))
    if rng.random() < 0.5:
        hiss = _band(hiss, "lowpass", _log(rng, 8000, 18000))
    hiss = _unit(hiss * _fall(t, t60 * rng.uniform(0.4, 0.9)))
    return _unit(tones + hiss * np.float32(_log(rng, 0.15, 3.0)))


class Hats:
    """What closed, pedalled and open hats of one pair share."""

    def __init__(self, rng: Rng) -> None:
        self.kind = str(rng.choice(["plain", "plate", "machine"], p=[0.2, 0.55, 0.25]))
        self.low, self.high = _log(rng, 1500, 6500), _log(rng, 9000, 17000)
        self.count = int(rng.integers(12, 40))
        self.closed, self.open = _log(rng, 0.025, 0.22), _log(rng, 0.32, 1.8)
        self.tilt, self.seed = float(rng.uniform(-0.4, 0.6)), int(rng.integers(1 << 31))
        self.base, self.metal = _log(rng, 200, 900), float(rng.uniform(0.3, 1.0))
        # A stroke is short and bright, what rings on is softer; the stick and the stand have a body below.
        self.fast, self.ring = float(rng.uniform(0.15, 0.6)), float(10 ** rng.uniform(-1.6, 0.0))
        self.thump, self.thump_hertz = float(10 ** rng.uniform(-2.0, -0.3)), _log(rng, 250, 1500)
        self.two = bool(rng.random() < 0.6)
        self.body = {
            "metal": float(rng.choice([0.0, 0.3, 0.6, 0.95])), "base": self.base, "cut": self.low * 1.3,
            "closed": self.closed, "open": self.open, "crush": rng.random() < 0.06,
        }  # fmt: skip

    def make(self, open_: bool, pedal: bool = False) -> np.ndarray:
        """One hat; the same modes whether open or not."""
        rng = np.random.default_rng(self.seed)
        t60 = self.open if open_ else self.closed * (0.7 if pedal else 1.0)
        if self.kind == "plain":
            return _unit(kits.hat(rng, open_, self.body | {"closed": t60}))
        t = _time(min(1.3, 1.15 * t60))
        if self.kind == "machine":
            wave = self.metal * kits._metal(rng, len(t), self.base) + (1 - self.metal) * _noise(rng, len(t))
            wave = _band(wave, "highpass", 1.4 * self.low, 3) * _fall(t, t60)
        else:
            wave = _plate(rng, t, self.low, self.high, self.count, t60, self.tilt)
            chick = _click(np.random.default_rng(self.seed + 1), len(t), self.low, 12000, 0.012)
            wave = wave + chick * np.float32((self.seed % 97) / 97 * 0.8)
            if pedal:
                wave = wave * (1 - np.exp(-t / np.float32(0.002)))
        wave = _unit(wave)
        if self.two:
            shape = _fall(t, max(0.015, self.fast * t60)) * (1 - self.ring) + self.ring
            body = _click(np.random.default_rng(self.seed + 2), len(t), self.thump_hertz, 2.5 * self.thump_hertz, 0.03)
            wave = wave * shape + body * np.float32(self.thump)
        return _unit(wave)


def cymbal(rng: Rng, ride: bool) -> np.ndarray:
    """A crash, splash or china; or a ride, with stick or bell."""
    u = rng.uniform
    if rng.random() < 0.25:
        return _unit(kits.cymbal(rng, ride))
    t60 = _log(rng, 0.9, 3.5) if not ride else _log(rng, 0.8, 3.0)
    t = _time(min(2.0, 1.1 * t60))
    wave = _plate(rng, t, _log(rng, 250, 1500), _log(rng, 9000, 17000), int(rng.integers(30, 70)), t60, u(-0.5, 0.3))
    if not ride:
        if rng.random() < 0.7:
            # The treble of a cymbal blooms some milliseconds after the stroke.
            wave = wave * (1 - np.float32(u(0.2, 0.8)) * np.exp(-t / np.float32(_log(rng, 0.003, 0.03))))
        wave = _unit(wave * (_fall(t, t60) + u(0.3, 2.0) * _fall(t, u(0.1, 0.4))))
        return wave
    ping = np.zeros(len(t), dtype=np.float32)
    bell = rng.random() < 0.3
    f = _log(rng, 500, 1100) if bell else _log(rng, 2200, 5500)
    count = int(rng.integers(3, 7))
    hertz = f * np.cumprod(np.r_[1.0, u(1.15, 1.7, count - 1)])
    ping = _modes(rng, t, hertz, u(0.1, 0.9, count), u(0.3, 1.0, count))
    stick = _click(rng, len(t), u(2500, 5000), u(8000, 15000), u(0.008, 0.03))
    return _unit(_unit(wave) * np.float32(_log(rng, 0.1, 0.6)) + _unit(ping) * np.float32(u(0.3, 1)) + stick * np.float32(u(0.2, 0.8)))


def tom(rng: Rng, f: float) -> np.ndarray:
    """A tom near `f` Hz."""
    if rng.random() < 0.3:
        return _unit(kits.drum(rng, f))
    u = rng.uniform
    machine = rng.random() < 0.35
    t60 = _log(rng, 0.2, 1.1)
    t = _time(min(1.2, 1.1 * t60))
    modes = 1 if machine else int(rng.integers(2, 6))
    wave = _unit(_head(rng, t, f, t60, u(1.02, 1.9) if machine else u(1.01, 1.25), u(0.01, 0.12), modes))
    level = u(0, 0.25) if machine else _log(rng, 0.05, 0.7)
    wave += np.float32(level) * _click(rng, len(t), u(400, 1500), u(2500, 9000), _log(rng, 0.006, 0.05))
    if machine and rng.random() < 0.4:
        wave += np.float32(u(0.03, 0.2)) * _click(rng, len(t), 300, u(1500, 5000), u(0.1, 0.4))
    return _unit(wave)


def clap(rng: Rng) -> np.ndarray:
    """Hands: one pair many times in a machine, or many pairs once in a room; or a snap of fingers in a few."""
    u = rng.uniform
    t60 = _log(rng, 0.08, 0.5)
    t = _time(min(0.7, 0.06 + 1.2 * t60))
    low = _log(rng, 450, 1300)
    noise = _band(_noise(rng, len(t)), "bandpass", (low, low * u(1.8, 6.0)), int(rng.integers(1, 3)))
    if rng.random() < 0.5:
        noise = noise + np.float32(u(0.05, 0.5)) * _band(_noise(rng, len(t)), "highpass", u(2000, 6000))
    shape = np.zeros(len(t), dtype=np.float32)
    at, bursts = 0, int(rng.integers(2, 6)) if rng.random() < 0.8 else int(rng.integers(6, 14))
    for _ in range(bursts):
        if at < len(t):
            rest = t[: len(t) - at]
            shape[at:] += np.float32(u(0.5, 1.0)) * _fall(rest, u(0.015, 0.05))
        at += int(u(0.003, 0.014) * RATE)
    at = min(at, len(t) - 1)
    shape[at:] += np.float32(u(0.2, 1.0)) * _fall(t[: len(t) - at], t60)
    return _unit(noise * shape)


def _rim(rng: Rng) -> np.ndarray:
    if rng.random() < 0.4:
        return _unit(kits.rim(rng))
    t = _time(0.12)
    n = int(rng.integers(2, 6))
    f = _log(rng, 300, 1100) * np.cumprod(np.r_[1.0, rng.uniform(1.2, 2.2, n - 1)])
    wave = _unit(_modes(rng, t, f, rng.uniform(0.015, 0.09, n), rng.uniform(0.2, 1.0, n)))
    return _unit(wave + np.float32(rng.uniform(0.05, 0.8)) * _click(rng, len(t), 1500, rng.uniform(5000, 12000), 0.01))


def _hand_drum(rng: Rng, high: bool) -> np.ndarray:
    """Bongo, conga, djembe, tabla: open tone, slap or muted."""
    u = rng.uniform
    f = _log(rng, 230, 560) if high else _log(rng, 120, 300)
    kind = rng.choice(["open", "slap", "mute"], p=[0.5, 0.28, 0.22])
    t60 = {"open": _log(rng, 0.15, 0.6), "slap": _log(rng, 0.08, 0.3), "mute": _log(rng, 0.04, 0.12)}[str(kind)]
    t = _time(min(0.8, 1.2 * t60 + 0.02))
    wave = _unit(_head(rng, t, f, t60, u(1.0, 1.12), u(0.005, 0.04), int(rng.integers(2, 8))))
    level = u(0.5, 1.6) if kind == "slap" else u(0.05, 0.5)
    wave += np.float32(level) * _click(rng, len(t), u(700, 2000), u(4000, 11000), _log(rng, 0.008, 0.06))
    return _unit(wave)


def _beads(rng: Rng) -> np.ndarray:
    """Shaker, maracas, cabasa: grains of noise under a swell."""
    u = rng.uniform
    rise, t60 = _log(rng, 0.004, 0.04), _log(rng, 0.04, 0.22)
    t = _time(2 * rise + 1.2 * t60)
    wave = _band(_noise(rng, len(t)), "highpass", _log(rng, 2500, 7500))
    if rng.random() < 0.5:
        wave = _band(wave, "lowpass", _log(rng, 7000, 16000))
    if rng.random() < 0.5:
        grains = (rng.random(len(t)) < u(0.01, 0.2)).astype(np.float32)
        wave = wave * _band(grains, "lowpass", u(400, 2000), 1)
    return _unit(wave * np.minimum(1, t / np.float32(rise)) ** 1.5 * _fall(np.maximum(0, t - np.float32(rise)), t60))


def _jingles(rng: Rng) -> np.ndarray:
    """A tambourine: several small plates struck one after the other, and a skin in some."""
    u = rng.uniform
    t60 = _log(rng, 0.08, 0.5)
    t = _time(min(0.7, 1.2 * t60))
    out = np.zeros(len(t), dtype=np.float32)
    for i in range(int(rng.integers(2, 6))):
        at = int(u(0, 0.02) * RATE) if i else 0
        n = int(rng.integers(3, 8))
        ring = _modes(rng, t, rng.uniform(3500, 13000, n), t60 * rng.uniform(0.3, 1.1, n), rng.uniform(0.2, 1.0, n))
        ring = _unit(ring + np.float32(u(0.2, 2)) * _band(_noise(rng, len(t)), "highpass", u(4000, 8000)) * _fall(t, u(0.03, 0.5 * t60 + 0.04)))
        out[at:] += np.float32(u(0.4, 1.0)) * ring[: len(t) - at]
    if rng.random() < 0.35:
        out = _unit(out) + np.float32(u(0.05, 0.5)) * _unit(_head(rng, t, u(180, 450), u(0.05, 0.15), 1.05, 0.02, 4))
    return _unit(out)


def _bell(rng: Rng, f: float, ratios: np.ndarray, t60: float, click: float) -> np.ndarray:
    t = _time(min(1.2, 1.15 * t60))
    n = len(ratios)
    wave = _unit(_modes(rng, t, f * ratios, t60 * rng.uniform(0.4, 1.1, n), np.r_[1.0, rng.uniform(0.2, 0.9, n - 1)]))
    return _unit(wave + np.float32(click) * _click(rng, len(t), 1500, 9000, 0.01))


def _blip(rng: Rng) -> np.ndarray:
    """A sound of a machine without a name: a zap, a blip, ring-modulated noise."""
    u = rng.uniform
    t60 = _log(rng, 0.04, 0.4)
    t = _time(1.2 * t60)
    start, end = _log(rng, 400, 6000), _log(rng, 300, 3000)
    wave = np.sin(kits._sweep(start, end, u(0.005, 0.08), len(t))).astype(np.float32)
    if rng.random() < 0.5:
        wave = wave * np.sin(2 * np.pi * _log(rng, 100, 3000) * t)
    if rng.random() < 0.4:
        wave = wave * (1 - (m := np.float32(u(0.2, 0.9)))) + m * _band(_noise(rng, len(t)), "bandpass", (800, u(2000, 9000)))
    return _unit(wave * _fall(t, t60))


def perc(rng: Rng, key: int) -> np.ndarray:
    """Hand percussion near what General MIDI has at the key; other keys anything."""
    u = rng.uniform
    if key == 37:
        return _rim(rng)
    if key == 54:
        return _jingles(rng)
    if key == 56:
        if rng.random() < 0.5:
            f = _log(rng, 450, 750)
            return _unit(kits.ping(rng, (f, f * u(1.4, 1.6)), _log(rng, 0.06, 0.5), square=True))
        return _bell(rng, _log(rng, 450, 1100), np.r_[1.0, u(1.3, 6.0, 5)], _log(rng, 0.06, 0.6), u(0, 0.6))
    if 60 <= key <= 66:
        return _hand_drum(rng, key in (60, 61, 65))
    if key in (67, 68):
        return _bell(rng, _log(rng, 600, 1800), np.r_[1.0, u(1.5, 5.0, 4)], _log(rng, 0.1, 0.7), u(0, 0.5))
    if key in (69, 70, 82):
        return _beads(rng)
    if key in (73, 74):
        return _unit(kits.guiro(rng, u(0.05, 0.12) if key == 73 else u(0.15, 0.35)))
    if key in (75, 76, 77):
        return _bell(rng, _log(rng, 500, 3000), np.r_[1.0, u(1.4, 3.5, 3)], _log(rng, 0.025, 0.12), u(0, 0.8))
    if key in (80, 81):
        return _bell(rng, _log(rng, 2500, 5500), np.r_[1.0, u(1.2, 3.0, 5)], 0.1 if key == 80 else u(0.5, 1.5), u(0, 0.3))
    makers: tuple[Callable[[], np.ndarray], ...] = (
        lambda: _beads(rng), lambda: _jingles(rng), lambda: _blip(rng), lambda: _blip(rng), lambda: _hand_drum(rng, True),
        lambda: _bell(rng, _log(rng, 400, 4000), np.r_[1.0, u(1.2, 5, 4)], _log(rng, 0.05, 0.5), u(0, 0.6)),
    )  # fmt: skip
    return makers[int(rng.integers(len(makers)))]()


TOM_HERTZ = {41: 80.0, 43: 96.0, 45: 115.0, 47: 138.0, 48: 165.0, 50: 195.0}
