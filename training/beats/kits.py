"""Drum kits of single hits: drawn by numpy, sampled from the soundfonts, or from two Hydrogen kits.

A kit answers `hit(key, velocity)` for a General MIDI percussion key with samples whose attack is the first sample, so
that `place` puts hits where the truth says to the sample (45 microseconds).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.signal import butter, resample_poly, sosfilt

from fluid import RATE, bring_to_attack, font_kits

#: Which sub-stem a key belongs to; anything else is "perc".
KICKS = frozenset({35, 36})
SNARES = frozenset({37, 38, 39, 40})
TOMS = frozenset({41, 43, 45, 47, 48, 50})
HATS = frozenset({42, 44, 46})
CYMBALS = frozenset({49, 51, 52, 53, 55, 57, 59})

#: The Hydrogen kits of drums that training may use (`strums.py` has a third, of guitar chords).
HYDROGEN_KITS = ("Audiophob", "circAfrique v4", "circAfrique")
HYDROGEN_DIRS = (os.environ.get("LOOPWRIGHT_DRUMKITS", ""), "/usr/share/hydrogen/data/drumkits")


def _decay(seconds: float, t60: float) -> np.ndarray:
    """An exponential decay that has fallen by 60 dB after `t60` seconds."""
    n = max(8, int(seconds * RATE))
    return np.exp(np.arange(n, dtype=np.float32) * np.float32(-6.9 / (t60 * RATE)))


def _filter(x: np.ndarray, kind: str, cut: float | tuple[float, float], order: int = 2) -> np.ndarray:
    top = 0.48 * RATE
    edge = [min(top, c) for c in cut] if isinstance(cut, tuple) else min(top, cut)
    return sosfilt(butter(order, edge, kind, fs=RATE, output="sos"), x).astype(np.float32)


def _sweep(start: float, end: float, time: float, n: int) -> np.ndarray:
    """Phase of a sine whose frequency falls from `start` to `end` Hz with time constant `time`."""
    t = np.arange(n, dtype=np.float64) / RATE
    f = end + (start - end) * np.exp(-t / time)
    return np.cumsum(f) * (2 * np.pi / RATE)


def _noise(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.standard_normal(n, dtype=np.float32)


def _unit(x: np.ndarray, peak: float = 1.0) -> np.ndarray:
    return (x * (peak / max(1e-9, float(np.abs(x).max(initial=0.0))))).astype(np.float32)


def _metal(rng: np.random.Generator, n: int, base: float) -> np.ndarray:
    """Six square waves at inharmonic ratios, as the analogue drum machines did, or a noisy FM of the same."""
    t = np.arange(n) / RATE
    ratios = np.array([1.0, 1.342, 1.2312, 1.6532, 1.9523, 2.1523]) * rng.uniform(0.95, 1.05, 6)
    wave = np.zeros(n)
    for r in ratios:
        wave += np.sign(np.sin(2 * np.pi * base * r * t + rng.uniform(0, 6.28)))
    return (wave / 6).astype(np.float32)


def kick(rng: np.random.Generator) -> np.ndarray:
    """A bass drum of a random kind."""
    kind = rng.choice(
        ["808", "909", "techno", "acoustic", "hard", "chip", "lofi"], p=[0.2, 0.24, 0.18, 0.18, 0.1, 0.03, 0.07]
    )
    u = rng.uniform
    if kind == "acoustic":
        n = int(u(0.25, 0.5) * RATE)
        body = np.sin(_sweep(u(90, 150), u(50, 75), 0.02, n)) * _decay(1, u(0.18, 0.4))[:n]
        second = np.sin(_sweep(u(160, 260), u(110, 150), 0.015, n)) * _decay(1, u(0.08, 0.2))[:n] * u(0.1, 0.5)
        beater = _filter(_noise(rng, n), "bandpass", (u(1000, 2500), u(3500, 7000))) * _decay(1, u(0.01, 0.04))[:n]
        return _unit(body + second + beater * u(0.1, 0.9))
    settings = {
        # start Hz, end Hz, sweep s, t60 s, drive, click
        "808": (u(80, 240), u(36, 60), u(0.008, 0.06), u(0.4, 1.6), u(0.6, 3), u(0, 0.4)),
        "909": (u(180, 380), u(44, 62), u(0.015, 0.045), u(0.2, 0.5), u(0.8, 3), u(0.1, 0.8)),
        "techno": (u(200, 600), u(40, 56), u(0.01, 0.03), u(0.25, 0.6), u(2, 7), u(0.1, 0.6)),
        "hard": (u(300, 900), u(45, 70), u(0.02, 0.05), u(0.3, 0.7), u(8, 30), u(0.2, 0.8)),
        "chip": (u(300, 700), u(40, 80), u(0.02, 0.06), u(0.12, 0.3), 50.0, 0.0),
        "lofi": (u(120, 220), u(50, 80), u(0.01, 0.03), u(0.15, 0.35), u(1, 4), u(0.0, 0.5)),
    }[kind]
    start, end, sweep, t60, drive, click = settings
    n = int(min(1.2, 1.1 * t60) * RATE)
    wave = np.sin(_sweep(start, end, sweep, n) + u(0, 1.5)) * _decay(2, t60)[:n]
    wave = np.tanh(drive * wave) / np.tanh(drive)
    if kind == "hard":
        wave = wave * _decay(2, t60)[:n]
    snap = _filter(_noise(rng, n), "highpass", u(800, 4000)) * _decay(2, u(0.004, 0.02))[:n]
    wave = wave + click * _unit(snap)
    if kind == "lofi":
        wave = _filter(np.round(wave * 12) / 12, "lowpass", u(1500, 5000))
    return _unit(wave)


def snare(rng: np.random.Generator) -> np.ndarray:
    """A snare drum: two modes of the head and a burst of filtered noise."""
    u = rng.uniform
    tail = u(0.12, 0.5)
    n = int(min(0.7, 1.2 * tail) * RATE)
    f = u(140, 280)
    head = np.sin(_sweep(f * u(1.1, 1.8), f, u(0.005, 0.02), n)) * _decay(1, u(0.06, 0.25))[:n]
    head = head + u(0.2, 0.8) * np.sin(_sweep(f * 2.2, f * u(1.5, 1.9), 0.01, n)) * _decay(1, u(0.04, 0.15))[:n]
    wires = _noise(rng, n)
    if rng.random() < 0.15:  # a chip's noise: held samples
        hold = int(rng.integers(2, 6))
        wires = np.repeat(wires[: n // hold + 1], hold)[:n]
    wires = _filter(wires, "highpass", u(400, 2500))
    if rng.random() < 0.5:
        wires = _filter(wires, "lowpass", u(4000, 9500))
    wires = wires * _decay(1, tail)[:n]
    if rng.random() < 0.12:  # the gated reverb of a decade
        wires[: int(0.6 * n)] += _noise(rng, int(0.6 * n)) * 0.3
    wave = _unit(head) * u(0.1, 1.0) + _unit(wires) * u(0.4, 1.0)
    if rng.random() < 0.4:
        drive = u(1, 6)
        wave = np.tanh(drive * wave)
    return _unit(wave, 0.9)


def clap(rng: np.random.Generator) -> np.ndarray:
    """Three or four bursts and a tail. The first burst is the attack."""
    u = rng.uniform
    n = int(u(0.2, 0.45) * RATE)
    noise = _filter(_noise(rng, n), "bandpass", (u(500, 1000), u(1800, 5000)))
    envelope = np.zeros(n, dtype=np.float32)
    at = 0
    for _ in range(int(rng.integers(2, 5))):
        burst = _decay(0.05, 0.03)
        envelope[at : at + len(burst)] += burst[: n - at]
        at += int(u(0.006, 0.013) * RATE)
    tail = _decay(1, u(0.15, 0.45))[: n - at]
    envelope[at:] += tail * u(0.4, 0.9)
    return _unit(noise * envelope, 0.85)


def rim(rng: np.random.Generator) -> np.ndarray:
    """A rim shot or side stick."""
    u = rng.uniform
    n = int(0.09 * RATE)
    t = np.arange(n) / RATE
    f = u(350, 900)
    wave = np.sin(2 * np.pi * f * t) + u(0.4, 1) * np.sin(2 * np.pi * f * u(2.2, 4.2) * t)
    wave = wave * _decay(0.09, u(0.02, 0.07))[:n]
    wave = wave + _filter(_noise(rng, n), "highpass", 2000) * _decay(0.09, 0.01)[:n] * u(0.1, 0.5)
    return _unit(wave, 0.7)


def hat(rng: np.random.Generator, open_: bool, body: dict) -> np.ndarray:
    """A hi-hat; `body` is what closed and open hats of one kit share."""
    t60 = body["open"] if open_ else body["closed"]
    n = int(min(1.0, 1.1 * t60) * RATE)
    wave = (1 - body["metal"]) * _noise(rng, n) + body["metal"] * 2 * _metal(rng, n, body["base"])
    wave = _filter(wave, "highpass", body["cut"], 3) * _decay(2, t60)[:n]
    if body["crush"]:
        wave = np.repeat(wave[::2], 2)[:n]
    return _unit(wave, 0.3)


def cymbal(rng: np.random.Generator, ride: bool) -> np.ndarray:
    """A crash or a ride."""
    u = rng.uniform
    t60 = u(0.8, 2.2)
    n = int(min(1.8, t60) * RATE)
    wave = _noise(rng, n) * u(0.3, 1) + _metal(rng, n, u(300, 600)) * u(0.3, 1.5)
    wave = _filter(wave, "highpass", u(1500, 5000)) * (_decay(3, t60)[:n] + u(0.2, 1) * _decay(3, 0.15)[:n])
    if ride:
        t = np.arange(n) / RATE
        f = u(2200, 4800)
        ping = np.sin(2 * np.pi * f * t) + 0.6 * np.sin(2 * np.pi * f * 1.47 * t)
        wave = _unit(wave) * u(0.2, 0.5) + ping * _decay(3, u(0.1, 0.5))[:n]
        return _unit(wave, 0.35)
    return _unit(wave, 0.6)


def drum(rng: np.random.Generator, f: float) -> np.ndarray:
    """A tom, conga or bongo tuned near `f` Hz."""
    u = rng.uniform
    t60 = u(0.15, 0.6) * (200 / f) ** 0.4
    n = int(min(0.9, 1.1 * t60) * RATE)
    wave = np.sin(_sweep(f * u(1.05, 1.8), f, u(0.01, 0.06), n)) * _decay(1.5, t60)[:n]
    wave = wave + u(0, 0.4) * np.sin(_sweep(f * 1.6, f * 1.52, 0.02, n)) * _decay(1.5, 0.5 * t60)[:n]
    slap = _filter(_noise(rng, n), "bandpass", (u(400, 1200), u(2500, 6000))) * _decay(1.5, u(0.01, 0.05))[:n]
    return _unit(wave + slap * u(0.05, 0.6), 0.8)


def ping(rng: np.random.Generator, partials: tuple[float, ...], t60: float, square: bool = False) -> np.ndarray:
    """Cowbell, claves, wood block, agogo, triangle: a few decaying partials."""
    n = int(min(1.0, 1.1 * t60) * RATE)
    t = np.arange(n) / RATE
    wave = sum(np.sin(2 * np.pi * f * t) for f in partials)
    if square:
        wave = _filter(np.sign(wave), "bandpass", (0.8 * min(partials), 5000))
    return _unit(wave * _decay(2, t60)[:n], 0.55)


def shaker(rng: np.random.Generator, jingle: bool) -> np.ndarray:
    """Shaker, maracas, cabasa or tambourine. The swell of a shaker stands before its attack and is cut off."""
    u = rng.uniform
    t60 = u(0.12, 0.35) if jingle else u(0.05, 0.16)
    n = int(1.2 * t60 * RATE)
    wave = _filter(_noise(rng, n), "highpass", u(3000, 6500)) * _decay(1, t60)[:n]
    if jingle:
        t = np.arange(n) / RATE
        for f in rng.uniform(4500, 9500, 5):
            wave += 0.5 * np.sin(2 * np.pi * f * t + u(0, 6)).astype(np.float32) * _decay(1, t60 * u(0.5, 1.4))[:n]
    return _unit(wave, 0.3)


def guiro(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """A scrape: a train of short clicks."""
    n = int(seconds * RATE)
    wave = np.zeros(n, dtype=np.float32)
    click = _noise(rng, 60) * _decay(1, 0.004)[:60]
    for at in np.arange(0, n - 80, int(rng.uniform(0.007, 0.014) * RATE)):
        wave[at : at + 60] += click
    return _unit(_filter(wave, "bandpass", (1500, 7000)), 0.4)


class Kit:
    """Hits by key, made once."""

    #: Keys of which a sounding hit is cut off by the next of the same group (hi-hats).
    name = "kit"

    def __init__(self) -> None:
        self._made: dict[tuple[int, int], np.ndarray] = {}

    def _make(self, key: int, layer: int) -> np.ndarray:
        raise NotImplementedError

    def _layer(self, velocity: int) -> int:
        return 0

    def hit(self, key: int, velocity: int) -> np.ndarray:
        """Samples of a hit, attack first; empty where the kit has no such key."""
        name = (key, self._layer(velocity))
        if name not in self._made:
            self._made[name] = self._make(*name)
        return self._made[name]

    def gain(self, velocity: int) -> float:
        """Amplitude for a velocity, where the hit itself does not carry it."""
        return (velocity / 127.0) ** 1.6


class DrawnKit(Kit):
    """A kit of which every hit is synthesised with parameters drawn anew."""

    name = "drawn"

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed
        rng = np.random.default_rng([seed, 7])
        u = rng.uniform
        self._hat = {
            "metal": float(rng.choice([0.0, 0.3, 0.6, 0.95])),
            "base": u(200, 900),
            "cut": u(3500, 8000),
            "closed": u(0.03, 0.12),
            "open": u(0.2, 0.9),
            "crush": rng.random() < 0.08,
        }
        self._tune = 2 ** u(-0.3, 0.3)
        self._level = {k: 10 ** (rng.normal(0, 3) / 20) for k in range(20, 100)}

    def _make(self, key: int, layer: int) -> np.ndarray:
        rng = np.random.default_rng([self._seed, key])
        return self._draw(rng, key) * np.float32(self._level.get(key, 1.0))

    def _draw(self, rng: np.random.Generator, key: int) -> np.ndarray:
        u = rng.uniform
        if key in KICKS:
            return kick(rng)
        if key in (38, 40):
            return clap(rng) if rng.random() < 0.12 else snare(rng)
        if key == 39:
            return clap(rng)
        if key == 37:
            return rim(rng)
        if key in HATS:
            return hat(rng, key == 46, self._hat)
        if key in CYMBALS:
            return cymbal(rng, key in (51, 53, 59))
        toms = {
            41: 82,
            43: 98,
            45: 117,
            47: 139,
            48: 165,
            50: 196,
            60: 330,
            61: 250,
            62: 280,
            63: 220,
            64: 165,
            65: 300,
            66: 220,
        }
        if key in toms:
            return drum(rng, toms[key] * self._tune)
        f = self._tune
        if key in (54,):
            return shaker(rng, True)
        if key == 56:
            return ping(rng, (540 * f, 800 * f), u(0.1, 0.4), square=True)
        if key in (67, 68):
            g = f * (1.0 if key == 67 else 0.72)
            return ping(rng, (1200 * g, 1200 * g * 2.4), u(0.2, 0.5))
        if key == 75:
            return ping(rng, (u(1900, 2700),), u(0.04, 0.1))
        if key in (76, 77):
            g = f * (1.0 if key == 76 else 0.75)
            return ping(rng, (900 * g, 1500 * g), u(0.04, 0.1))
        if key in (80, 81):
            return ping(rng, (4100 * f, 5600 * f, 7900 * f), 0.08 if key == 80 else u(0.5, 0.9))
        if key in (73, 74):
            return guiro(rng, 0.08 if key == 73 else u(0.15, 0.3))
        if key in (58, 78, 79, 71, 72):
            return ping(rng, (u(500, 1500), u(1500, 2500)), u(0.1, 0.3))
        return shaker(rng, False)


class FontKit(Kit):
    """A drum kit of a soundfont, with a tuning and a decay of its own."""

    def __init__(self, font: str, program: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.name = f"{font}:{program}"
        self._font, self._program = font, program
        self._steps = int(rng.choice([0, 0, 0, -3, -2, -1, 1, 2, 3]))
        self._damp = float(rng.choice([0.0, 0.0, 0.0, 0.25, 0.6]))

    def _layer(self, velocity: int) -> int:
        return 50 if velocity < 70 else 90 if velocity < 105 else 120

    def _make(self, key: int, layer: int) -> np.ndarray:
        wave = font_kits().hit(self._font, self._program, key, layer)
        if not len(wave):
            return wave
        # The font's own response to velocity belongs to the layer; `gain` is relative to it.
        wave = wave * np.float32(4.0 / (layer / 127.0) ** 1.6)
        if self._steps:
            wave = bring_to_attack(resample_poly(wave, 20, 20 + self._steps).astype(np.float32))
        if self._damp and len(wave) > 400:
            wave = wave * _decay(9, self._damp)[: len(wave)] if len(wave) < 9 * RATE else wave
        return wave.astype(np.float32)


@lru_cache(maxsize=1)
def hydrogen_samples() -> dict[str, dict[str, np.ndarray]]:
    """Samples of the allowed Hydrogen kits, by kit and file name; empty where none is installed."""
    import soundfile

    kits: dict[str, dict[str, np.ndarray]] = {}
    for root in HYDROGEN_DIRS:
        for name in HYDROGEN_KITS:
            for path in sorted((Path(root) / name).glob("*.wav")) if root else []:
                wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
                mono = wave.mean(axis=1)[: 2 * rate]
                if rate != RATE:
                    common = np.gcd(rate, RATE)
                    mono = resample_poly(mono, RATE // common, rate // common).astype(np.float32)
                kits.setdefault(name.split()[0], {})[path.stem.lower()] = bring_to_attack(_unit(mono))
    return kits


#: Which of a Hydrogen kit's files can stand for a key, by words of the file name.
_HYDROGEN_WORDS = {
    "kick": ("0105", "bass", "dununba1 head hit"),
    "snare": ("snare", "slap"),
    "clap": ("stomachache", "slap"),
    "rim": ("crunchtime", "mute"),
    "closed": ("hat-light", "bell mute"),
    "open": ("open-p", "bell"),
    "cymbal": ("crash", "bell hit"),
    "tom": ("tom0", "tom1", "tomh", "head hit", "tone"),
    "perc": ("tone", "slap", "trimo", "sabmute", "shake", "bell"),
}


class HydrogenKit(Kit):
    """A kit of recorded single hits, retuned, damped and filtered at random."""

    def __init__(self, name: str, seed: int) -> None:
        super().__init__()
        self.name = f"hydrogen:{name}"
        self._seed = seed
        self._files = hydrogen_samples()[name]

    def _make(self, key: int, layer: int) -> np.ndarray:
        rng = np.random.default_rng([self._seed, key])
        kind = (
            "kick"
            if key in KICKS
            else "rim"
            if key == 37
            else "clap"
            if key == 39
            else "snare"
            if key in SNARES
            else "open"
            if key == 46
            else "closed"
            if key in HATS
            else "cymbal"
            if key in CYMBALS
            else "tom"
            if key in TOMS
            else "perc"
        )
        fit = [w for n, w in self._files.items() if any(word in n for word in _HYDROGEN_WORDS[kind])]
        wave = (
            fit[int(rng.integers(len(fit)))] if fit else list(self._files.values())[int(rng.integers(len(self._files)))]
        )
        lower = 1.35 if kind == "kick" else 1.0
        ratio = int(round(20 * lower * 2 ** rng.uniform(-0.5, 0.4)))
        if ratio != 20:
            wave = resample_poly(wave, ratio, 20).astype(np.float32)
        n = min(len(wave), int(1.5 * RATE))
        wave = wave[:n] * _decay(2, rng.uniform(0.15, 1.5) if kind != "cymbal" else 1.5)[:n]
        if rng.random() < 0.3:
            wave = _filter(
                wave, *(("highpass", 2500.0) if kind in ("closed", "open") else ("lowpass", rng.uniform(3000, 9000)))
            )
        peak = {"kick": 1.0, "snare": 0.85, "closed": 0.35, "open": 0.35, "cymbal": 0.5, "perc": 0.5}.get(kind, 0.7)
        return bring_to_attack(_unit(wave, peak))


class LayeredKit(Kit):
    """Kicks of one kit, snares of another, cymbals of a third: what producers do."""

    def __init__(self, kits: list[Kit], rng: np.random.Generator) -> None:
        super().__init__()
        self._kits = kits
        self._of = {group: int(rng.integers(len(kits))) for group in ("kick", "snare", "hats", "rest")}
        self.name = "+".join(kits[i].name for i in self._of.values())

    def hit(self, key: int, velocity: int) -> np.ndarray:
        """As `Kit.hit`, from the kit that plays the key's group."""
        group = "kick" if key in KICKS else "snare" if key in SNARES else "hats" if key in HATS | CYMBALS else "rest"
        return self._kits[self._of[group]].hit(key, velocity)


@dataclass
class Hit:
    """A hit to place: seconds, key, velocity."""

    start: float
    key: int
    velocity: int


def place(kit: Kit, hits: list[Hit], frames: int, out: np.ndarray | None = None) -> np.ndarray:
    """Adds hits up, each from the sample nearest to its start. A hi-hat is cut off by the next hi-hat."""
    if out is None:
        out = np.zeros(frames, dtype=np.float32)
    ordered = sorted(hits, key=lambda h: h.start)
    next_hat: dict[int, float] = {}
    later = None
    for i in range(len(ordered) - 1, -1, -1):
        if ordered[i].key in HATS:
            if later is not None:
                next_hat[i] = later
            later = ordered[i].start
    for i, h in enumerate(ordered):
        wave = kit.hit(h.key, h.velocity)
        at = int(round(h.start * RATE))
        if not len(wave) or at >= frames or at < 0:
            continue
        n = min(len(wave), frames - at)
        gain = np.float32(kit.gain(h.velocity))
        if i in next_hat:
            cut = int((next_hat[i] - h.start) * RATE) + 60
            if 60 < cut < n:
                body = wave[:cut] * gain
                body[-60:] *= np.linspace(1, 0, 60, dtype=np.float32)
                out[at : at + cut] += body
                continue
        out[at : at + n] += wave[:n] * gain
    return out


def draw_kit(rng: np.random.Generator, palette: str) -> Kit:
    """A kit that suits a palette: mostly single hits for electronic music, mostly the fonts' kits for other music."""
    seed = int(rng.integers(1 << 31))
    single = {"electronic": 0.72, "mixed": 0.45}.get(palette, 0.2)
    fonts = font_kits().kits()

    def one() -> Kit:
        if rng.random() < single:
            stock = hydrogen_samples()
            if stock and rng.random() < 0.15:
                return HydrogenKit(sorted(stock)[int(rng.integers(len(stock)))], seed)
            return DrawnKit(int(rng.integers(1 << 31)))
        electronic = [k for k in fonts if k[1] in (24, 25, 8, 16)]
        pool = electronic if palette == "electronic" and rng.random() < 0.7 else fonts
        # Every font alike, whatever the number of its kits.
        font = sorted({f for f, _ in pool})
        font = font[int(rng.integers(len(font)))]
        programs = [p for f, p in pool if f == font]
        return FontKit(font, programs[int(rng.integers(len(programs)))], rng)

    if rng.random() < 0.25:
        return LayeredKit([one(), one(), one()], rng)
    return one()
