"""One-shots drawn by numpy: four makers of sounds that share no recipe, and a chain of effects.

A classifier of sounds fails on makers that it has not met, more than on sounds that it has not met. So each maker
here builds its sounds in its own way: `analogue` like the circuits of drum machines, `modal` by modes of membranes,
plates and bars, `shaped` by noise through moving filters, `fm` by frequency modulation. Parameters are drawn wide.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.signal import butter, fftconvolve, lfilter, resample_poly, sosfilt

RATE = 44_100
TAU = 2 * np.pi
Rng = np.random.Generator


def times(seconds: float) -> np.ndarray:
    return np.arange(max(64, int(seconds * RATE))) / RATE


def fall(t: np.ndarray, t60: float) -> np.ndarray:
    """Falls by 60 dB in `t60` seconds."""
    return np.exp(-6.9 * t / t60)


def logu(rng: Rng, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def band(x: np.ndarray, kind: str, hz: float | tuple[float, float], order: int = 2) -> np.ndarray:
    top = 0.45 * RATE
    if isinstance(hz, tuple):
        high = min(top, max(hz))
        edge = (min(0.75 * high, min(hz)), high)
    else:
        edge = min(top, hz)
    return sosfilt(butter(order, edge, kind, fs=RATE, output="sos"), x)


def unit(x: np.ndarray) -> np.ndarray:
    return x / max(1e-9, float(np.abs(x).max(initial=0.0)))


def swept(t: np.ndarray, start: float, end: float, tau: float) -> np.ndarray:
    """Phase of a frequency that falls from `start` to `end` Hz."""
    return TAU * np.cumsum(end + (start - end) * np.exp(-t / tau)) / RATE


def noise(rng: Rng, t: np.ndarray) -> np.ndarray:
    return rng.standard_normal(len(t))


def squares(rng: Rng, t: np.ndarray, base: float, count: int = 6) -> np.ndarray:
    """Square waves at inharmonic ratios."""
    ratios = np.array([1.0, 1.304, 1.466, 1.787, 1.932, 2.536, 2.89, 3.2])[:count] * rng.uniform(0.93, 1.07, count)
    return sum(np.sign(np.sin(TAU * base * r * t + rng.uniform(0, TAU))) for r in ratios) / count


# ---------------------------------------------------------------------------------------------------- analogue


def analogue(rng: Rng, cls: str) -> np.ndarray:
    """As the circuits of drum machines of the eighties, and their descendants, do it."""
    u = rng.uniform
    if cls == "kick":
        t60 = logu(rng, 0.12, 1.6)
        t = times(min(1.4, t60 * 1.2))
        end = logu(rng, 36, 72)
        x = np.sin(swept(t, end * logu(rng, 1.2, 9), end, logu(rng, 0.004, 0.06)) + u(0, 1.6)) * fall(t, t60)
        x += u(0, 0.6) * band(noise(rng, t), "highpass", logu(rng, 600, 5000)) * fall(t, logu(rng, 0.004, 0.04))
        return np.tanh(logu(rng, 0.5, 12) * x)
    if cls == "snare":
        t60 = logu(rng, 0.08, 0.7)
        t = times(t60 * 1.2)
        f = logu(rng, 140, 330)
        tone = np.sin(swept(t, f * u(1, 2.2), f, 0.01)) + u(0, 1) * np.sin(swept(t, f * u(1.5, 3), f * u(1.4, 1.9), 0.01))
        wires = band(noise(rng, t), "highpass", logu(rng, 300, 4000))
        if u() < 0.5:
            wires = band(wires, "lowpass", logu(rng, 4000, 14000))
        x = u(0.05, 1.2) * tone * fall(t, t60 * u(0.2, 0.9)) + u(0.15, 0.8) * wires * fall(t, t60)
        return np.tanh(logu(rng, 0.5, 5) * x)
    if cls in ("hat_closed", "hat_open"):
        t60 = logu(rng, 0.025, 0.16) if cls == "hat_closed" else logu(rng, 0.25, 1.6)
        t = times(min(1.4, t60 * 1.2))
        mix = rng.choice([0.0, u(), 1.0])
        x = mix * squares(rng, t, logu(rng, 180, 900)) * 2 + (1 - mix) * noise(rng, t) * 0.5
        return band(x, "highpass", logu(rng, 2500, 9500), int(rng.integers(1, 4))) * fall(t, t60) ** u(0.6, 1.4)
    if cls == "tom":
        f = logu(rng, 65, 320)
        t60 = logu(rng, 0.12, 1.0)
        t = times(t60 * 1.1)
        x = np.sin(swept(t, f * logu(rng, 1.02, 2.5), f, logu(rng, 0.01, 0.12))) * fall(t, t60)
        x += u(0, 0.25) * band(noise(rng, t), "lowpass", logu(rng, 500, 6000)) * fall(t, t60 * u(0.1, 0.7))
        return np.tanh(logu(rng, 0.5, 4) * x)
    if cls == "clap":
        t60 = logu(rng, 0.1, 0.8)
        t = times(t60 * 1.1)
        env, at, gap = np.zeros(len(t)), 0.0, u(0.006, 0.016)
        for _ in range(int(rng.integers(2, 6))):
            late = np.maximum(t - at, 0)
            env += (t >= at) * fall(late, u(0.015, 0.06)) * u(0.6, 1)
            at += gap * u(0.7, 1.3)
        env += (t >= at) * fall(np.maximum(t - at, 0), t60) * u(0.2, 1)
        centre = logu(rng, 600, 2600)
        return band(noise(rng, t), "bandpass", (centre / u(1.2, 2.5), centre * u(1.2, 5)), 1) * env
    if cls in ("crash", "ride"):
        t60 = logu(rng, 1.0, 4.0)
        t = times(1.5)
        x = squares(rng, t, logu(rng, 220, 700), 8) + u(0, 1) * noise(rng, t)
        body = band(x, "highpass", logu(rng, 1500, 7000)) * fall(t, t60)
        if cls == "crash":
            return body + u(0.3, 2) * band(noise(rng, t), "highpass", logu(rng, 1000, 5000)) * fall(t, u(0.2, 1))
        f = logu(rng, 2000, 6000)
        ping = sum(np.sin(TAU * f * r * t) for r in (1, u(1.3, 1.6), u(1.8, 2.4))) * fall(t, logu(rng, 0.08, 0.8))
        return u(0.15, 0.5) * unit(body) + u(0.3, 1) * unit(ping)
    if cls == "perc":
        kind = rng.choice(["cowbell", "rim", "clave", "maracas", "conga", "tambourine", "block", "zap"])
        if kind == "cowbell":
            t = times(logu(rng, 0.12, 0.7))
            f = logu(rng, 380, 900)
            x = np.sign(np.sin(TAU * f * t)) + np.sign(np.sin(TAU * f * u(1.35, 1.6) * t))
            return band(x, "bandpass", (f * 0.8, f * u(3, 8)), 1) * fall(t, t[-1] * u(0.6, 1.2))
        if kind in ("rim", "clave", "block"):
            t = times(0.2)
            f = {"rim": logu(rng, 350, 1900), "clave": logu(rng, 1600, 3200), "block": logu(rng, 500, 1600)}[kind]
            x = np.sin(TAU * f * t) + u(0, 1) * np.sin(TAU * f * u(1.4, 3.8) * t)
            x = x * fall(t, logu(rng, 0.015, 0.13)) + u(0, 0.5) * noise(rng, t) * fall(t, 0.012)
            return np.tanh(logu(rng, 0.5, 6) * x)
        if kind in ("maracas", "tambourine"):
            t = times(0.4)
            t60 = logu(rng, 0.03, 0.12) if kind == "maracas" else logu(rng, 0.1, 0.4)
            rise = np.minimum(1, t / logu(rng, 0.001, 0.03))
            x = band(noise(rng, t), "highpass", logu(rng, 3000, 8000)) * rise * fall(t, t60)
            if kind == "tambourine":
                x = 0.3 * x + 0.3 * squares(rng, t, logu(rng, 2500, 5000), 5) * fall(t, t60) * (0.6 + 0.4 * np.sin(TAU * u(20, 60) * t))
            return x
        if kind == "conga":
            f = logu(rng, 160, 520)
            t = times(logu(rng, 0.1, 0.5))
            return np.sin(swept(t, f * u(1, 1.15), f, 0.02)) * fall(t, t[-1] * u(0.5, 1)) + u(0, 0.4) * noise(rng, t) * fall(t, 0.01)
        t = times(logu(rng, 0.05, 0.4))
        return np.sin(swept(t, logu(rng, 1500, 7000), logu(rng, 150, 700), logu(rng, 0.01, 0.08))) * fall(t, t[-1])
    return pitched(rng, cls, "saw")


# ------------------------------------------------------------------------------------------------------- modal

_MEMBRANE = np.array([1.0, 1.59, 2.14, 2.3, 2.65, 2.92, 3.16, 3.5, 3.6, 4.06, 4.15])


def modes(rng: Rng, t: np.ndarray, f: np.ndarray, gain: np.ndarray, t60: np.ndarray) -> np.ndarray:
    x = np.zeros(len(t))
    for hz, g, d in zip(f, gain, t60, strict=True):
        if hz < 0.45 * RATE:
            x += g * np.sin(TAU * hz * t + rng.uniform(0, 0.5)) * fall(t, d)
    return x


def stick(rng: Rng, t: np.ndarray, soft: float) -> np.ndarray:
    """What the beater adds: a burst whose brightness falls with its softness."""
    return band(noise(rng, t), "bandpass", (logu(rng, 200, 900), logu(rng, 1500, 9000) / (1 + soft)), 1) * fall(
        t, logu(rng, 0.004, 0.05)
    )


def plate(rng: Rng, t: np.ndarray, low: float, high: float, count: int, t60: float, tilt: float) -> np.ndarray:
    """Many modes, denser with frequency, of which the high ones die sooner."""
    f = np.sort(low + (high - low) * rng.random(count) ** u_power(rng))
    gain = rng.rayleigh(1, count) * (f / f[0]) ** tilt
    return modes(rng, t, f, gain, t60 * (f[0] / f) ** rng.uniform(0.1, 0.6) * rng.uniform(0.4, 1.4, count))


def u_power(rng: Rng) -> float:
    return float(rng.uniform(0.7, 1.4))


def modal(rng: Rng, cls: str) -> np.ndarray:
    """Modes of membranes, plates and bars, struck."""
    u = rng.uniform
    if cls in ("kick", "tom", "snare"):
        f0 = {"kick": logu(rng, 42, 80), "tom": logu(rng, 70, 260), "snare": logu(rng, 150, 300)}[cls]
        t60 = {"kick": logu(rng, 0.12, 0.7), "tom": logu(rng, 0.25, 1.6), "snare": logu(rng, 0.08, 0.35)}[cls]
        t = times(min(1.5, 1.1 * t60 + 0.15))
        bend = 1 + u(0, 0.25) * np.exp(-t / logu(rng, 0.01, 0.08))
        x = np.zeros(len(t))
        for i, r in enumerate(_MEMBRANE * rng.uniform(0.97, 1.03, len(_MEMBRANE))):
            g = rng.rayleigh(0.6) * (0.35 if cls == "kick" else 0.6) ** min(i, 4) if i else 1.0
            x += g * np.sin(TAU * np.cumsum(f0 * r * bend) / RATE) * fall(t, t60 * r ** -u(0.5, 1.5))
        x = unit(x) + u(0.05, 0.9) * unit(stick(rng, t, 1.5 if cls == "kick" else 0.3))
        if cls == "snare":
            t60w = logu(rng, 0.1, 0.5)
            wires = band(noise(rng, t), "bandpass", (logu(rng, 800, 3000), logu(rng, 6000, 15000)), 1)
            wires = wires * fall(t, t60w) * np.minimum(1, t / logu(rng, 0.0005, 0.004))
            x += u(0.3, 2.5) * unit(wires)
        if u() < 0.5:  # a room
            x += u(0.02, 0.2) * noise(rng, t) * fall(t, logu(rng, 0.1, 0.6)) * unit(np.abs(x)).max()
        return x
    if cls in ("hat_closed", "hat_open", "crash", "ride"):
        t60 = {
            "hat_closed": logu(rng, 0.04, 0.2),
            "hat_open": logu(rng, 0.4, 2.0),
            "crash": logu(rng, 1.2, 4),
            "ride": logu(rng, 1.2, 5),
        }[cls]
        t = times(min(1.5, 1.2 * t60))
        low = logu(rng, 280, 900) if cls.startswith("hat") else logu(rng, 180, 500)
        tilt = u(0.0, 0.9) if cls.startswith("hat") else u(-0.4, 0.4)
        x = unit(plate(rng, t, low, 16000, 90, t60 * 1.5, tilt))
        wash = band(noise(rng, t), "highpass", logu(rng, 2500, 7000)) * fall(t, t60)
        if cls == "ride":
            ping = plate(rng, t, logu(rng, 2200, 4500), 9000, 6, logu(rng, 0.1, 0.6), -0.5)
            return u(0.2, 0.6) * x + u(0.02, 0.2) * unit(wash) + u(0.4, 1) * unit(ping)
        if cls == "crash":
            wash = wash * np.minimum(1, t / logu(rng, 0.001, 0.04))
        x = u(0.1, 0.8) * x + u(0.3, 1) * unit(wash) + u(0, 0.3) * unit(stick(rng, t, 0))
        return band(x, "highpass", logu(rng, 150, 2500 if cls.startswith("hat") else 500))
    if cls == "clap":
        t = times(logu(rng, 0.08, 0.5))
        x = np.zeros(len(t))
        for _ in range(int(rng.integers(1, 9))):  # hands of several people, each a small cavity
            at = int(abs(rng.normal(0, 0.011)) * RATE)
            f = logu(rng, 600, 2800)
            hand = band(noise(rng, t), "bandpass", (f / 1.5, f * u(1.5, 4)), 1) * fall(t, logu(rng, 0.015, 0.07))
            x[at:] += rng.rayleigh(1) * hand[: len(t) - at]
        return x + u(0, 0.15) * noise(rng, t) * fall(t, logu(rng, 0.1, 0.7)) * np.abs(x).max()
    if cls == "perc":
        kind = rng.choice(["bar", "bell", "hand", "shaker", "tambourine", "stick", "hand"])
        if kind == "bar":  # claves, wood blocks, marimba-like
            f = logu(rng, 350, 2800)
            t = times(0.35)
            return modes(rng, t, f * np.array([1, 2.756, 5.404]), np.array([1, u(0, 0.6), u(0, 0.4)]), logu(rng, 0.02, 0.25) * np.array([1, 0.5, 0.3])) + u(0, 0.3) * stick(rng, t, 0)
        if kind == "bell":  # cowbell, agogo, triangle
            f = logu(rng, 400, 5200)
            t60 = logu(rng, 0.15, 2.5)
            t = times(min(1.4, t60))
            r = np.sort(rng.uniform(1, 5, 6))
            return modes(rng, t, f * r / r[0], rng.rayleigh(0.6, 6), t60 * r ** -0.7) + u(0, 0.2) * stick(rng, t, 0)
        if kind == "hand":  # conga, bongo, djembe, tabla, darbuka
            f = logu(rng, 75, 620)
            t60 = logu(rng, 0.06, 0.6)
            t = times(t60 * 1.1 + 0.05)
            r = _MEMBRANE if u() < 0.6 else np.arange(1, 9)  # tabla: loaded, nearly harmonic
            x = modes(rng, t, f * r, rng.rayleigh(0.7, len(r)) * u(0.3, 0.9) ** np.arange(len(r)), t60 * r ** -u(0.3, 1.2))
            return unit(x) + u(0.1, 2.0) * unit(stick(rng, t, 0))
        if kind == "shaker":
            t = times(0.35)
            env = np.minimum(1, t / logu(rng, 0.002, 0.06)) * fall(t, logu(rng, 0.04, 0.25))
            grains = noise(rng, t) * (rng.random(len(t)) < logu(rng, 0.01, 1))
            return band(grains, "bandpass", (logu(rng, 2000, 6000), logu(rng, 7000, 18000)), 1) * env
        if kind == "tambourine":
            t = times(0.5)
            x = np.zeros(len(t))
            for _ in range(int(rng.integers(4, 14))):
                at = int(abs(rng.normal(0, 0.02)) * RATE)
                jingle = plate(rng, t, logu(rng, 3500, 6500), 15000, 8, logu(rng, 0.08, 0.4), 0)
                x[at:] += jingle[: len(t) - at]
            return x + u(0, 3) * noise(rng, t) * fall(t, 0.02)
        t = times(0.15)  # sticks, rim clicks
        return modes(rng, t, logu(rng, 600, 2500) * np.array([1, u(1.3, 2), u(2, 3.5)]), rng.rayleigh(1, 3), np.full(3, logu(rng, 0.02, 0.09))) + u(0.2, 1.5) * stick(rng, t, 0)
    return pitched(rng, cls, "pluck")


# ------------------------------------------------------------------------------------------------------ shaped


def coloured(rng: Rng, t: np.ndarray) -> np.ndarray:
    """Noise of a random tilt, sometimes held like a chip's."""
    x = noise(rng, t)
    if rng.random() < 0.25:
        hold = int(rng.integers(2, 9))
        x = np.repeat(x[: len(x) // hold + 1], hold)[: len(t)]
    if rng.random() < 0.4:
        x = lfilter([1], [1, -rng.uniform(0, 0.8)], x)
    return x


def shaped(rng: Rng, cls: str) -> np.ndarray:
    """Noise and pulses through resonant filters, as samplers and chips are made to drum."""
    u = rng.uniform
    length = {
        "kick": (0.08, 0.5), "snare": (0.06, 0.5), "hat_closed": (0.015, 0.12), "hat_open": (0.2, 1.0),
        "tom": (0.12, 0.7), "clap": (0.08, 0.5), "crash": (0.7, 2.5), "ride": (0.6, 2.5), "perc": (0.02, 0.4),
    }.get(cls)
    if length is None:
        return pitched(rng, cls, "square")
    t60 = logu(rng, *length)
    t = times(min(1.5, 1.2 * t60 + 0.03))
    env = fall(t, t60) if u() < 0.7 else np.maximum(0, 1 - t / t60) ** u(0.7, 3)
    x = coloured(rng, t)
    if cls == "kick":
        f = logu(rng, 45, 75)
        tri = 2 / np.pi * np.arcsin(np.sin(swept(t, f * logu(rng, 1.5, 6), f, logu(rng, 0.01, 0.05))))
        return tri * env + u(0, 0.3) * band(x, "lowpass", logu(rng, 200, 3000)) * fall(t, logu(rng, 0.01, 0.06))
    if cls == "tom":
        f = logu(rng, 80, 300)
        sweep = 2 / np.pi * np.arcsin(np.sin(swept(t, f * logu(rng, 1.1, 2), f * u(0.6, 1), logu(rng, 0.03, 0.2))))
        return sweep * env + u(0, 0.3) * band(x, "lowpass", logu(rng, 300, 2500)) * env
    if cls == "snare":
        y = band(x, "bandpass", (logu(rng, 150, 900), logu(rng, 4000, 15000)), 1) * env
        f = logu(rng, 130, 280)
        return y + u(0, 1.2) * np.sin(swept(t, f * 1.6, f, 0.012)) * fall(t, logu(rng, 0.03, 0.15))
    if cls == "clap":
        gap = u(0.007, 0.014)
        saw = np.where(t < gap * rng.integers(2, 5), 1 - (t % gap) / gap, 1)
        f = logu(rng, 800, 2200)
        return band(x, "bandpass", (f / u(1.3, 2), f * u(1.3, 3)), 1) * env * saw ** u(1, 4)
    if cls in ("hat_closed", "hat_open"):
        return band(x, "highpass", logu(rng, 4000, 10000), int(rng.integers(1, 5))) * env
    if cls == "crash":
        x = band(x, "bandpass", (logu(rng, 1000, 4500), logu(rng, 9000, 18000)), 1)
        return x * env * (1 + u(0, 2) * fall(t, 0.2))
    if cls == "ride":
        f = logu(rng, 2500, 5500)
        y = band(x, "bandpass", (f * 0.97, f * 1.03), 1) * fall(t, logu(rng, 0.1, 0.7))
        z = band(x, "highpass", logu(rng, 3000, 7000)) * env
        return unit(y) + u(0.1, 0.5) * unit(z)
    f = logu(rng, 250, 6000)
    return band(x, "bandpass", (f / u(1.02, 1.6), f * u(1.02, 1.6)), 1) * env * np.minimum(1, t / logu(rng, 0.0005, 0.02))


# ---------------------------------------------------------------------------------------------------------- fm


def fm(rng: Rng, cls: str) -> np.ndarray:
    """Two or three operators."""
    u = rng.uniform
    table = {
        # carrier Hz, ratio, index, t60, index t60 as a share, sweep
        "kick": ((38, 70), (0.3, 2.5), (0, 4), (0.12, 0.8), (0.05, 0.4), (1.5, 6)),
        "snare": ((140, 300), (1.3, 6), (3, 25), (0.08, 0.4), (0.6, 2), (1, 1.8)),
        "tom": ((70, 280), (0.4, 2.2), (0, 2.5), (0.15, 0.9), (0.05, 0.4), (1.05, 2)),
        "hat_closed": ((900, 5000), (1.3, 4), (4, 30), (0.025, 0.14), (0.5, 2), (1, 1)),
        "hat_open": ((900, 5000), (1.3, 4), (4, 30), (0.25, 1.2), (0.5, 2), (1, 1)),
        "crash": ((300, 1500), (1.3, 4), (8, 40), (1, 3.5), (0.5, 2), (1, 1)),
        "ride": ((500, 2500), (1.3, 3.6), (2, 9), (0.8, 3.5), (0.1, 1), (1, 1)),
        "perc": ((180, 2600), (1.1, 5), (0, 5), (0.03, 0.5), (0.05, 0.8), (1, 1.3)),
        "clap": ((700, 1600), (1.3, 5), (15, 60), (0.08, 0.35), (0.6, 2), (1, 1)),
    }
    if cls not in table:
        return pitched(rng, cls, "fm")
    carrier, ratio, index, length, share, sweep = table[cls]
    t60 = logu(rng, *length)
    t = times(min(1.5, 1.15 * t60 + 0.02))
    f = logu(rng, *carrier)
    path = swept(t, f * u(*sweep), f, logu(rng, 0.008, 0.05))
    inner = np.sin(path * u(*ratio) * u(0.5, 2)) * u(0, 3)
    mod = np.sin(path * u(*ratio) + inner) * u(*index) * fall(t, t60 * u(*share))
    x = np.sin(path + mod) * fall(t, t60)
    if cls == "clap":
        gap = u(0.008, 0.014)
        x = x * np.where(t < 3 * gap, 1 - (t % gap) / gap, 1) ** 2
    if cls in ("hat_closed", "hat_open"):
        x = band(x, "highpass", logu(rng, 3000, 8000))
    if cls == "snare":
        x = x + u(0.1, 0.8) * band(noise(rng, t), "highpass", logu(rng, 800, 4000)) * fall(t, t60)
    return x


# ----------------------------------------------------------------------------------------------------- pitched


def voice(rng: Rng, t: np.ndarray, f: float, kind: str) -> np.ndarray:
    """One note of a synthesiser, without its envelope."""
    u = rng.uniform
    detune = [1.0] if u() < 0.5 else [1.0, 2 ** (u(2, 20) / 1200), 2 ** (-u(2, 20) / 1200)]
    x = np.zeros(len(t))
    for d in detune:
        phase = TAU * f * d * t + u(0, TAU)
        if kind == "fm":
            x += np.sin(phase + u(0.5, 6) * np.sin(phase * rng.integers(1, 5)) * fall(t, logu(rng, 0.1, 2)))
            continue
        count = min(60, int(0.45 * RATE / f))
        for k in range(1, count + 1):
            g = 1 / k if kind != "square" else (k % 2) / k
            x += g * np.sin(k * phase) * (fall(t, 3.0 / (k * f / 200 + 1)) if kind == "pluck" else 1)
    if kind in ("saw", "square") and u() < 0.8:  # a filter whose corner falls, as three fixed ones faded over
        corner = logu(rng, max(200, 2 * f), 8000)
        dark = band(x, "lowpass", max(f * 1.2, corner * u(0.05, 0.4)))
        mix = fall(t, logu(rng, 0.05, 1.5))
        x = band(x, "lowpass", corner) * mix + dark * (1 - mix)
    return x


def pitched(rng: Rng, cls: str, kind: str) -> np.ndarray:
    """Sounds of a synth bank."""
    u = rng.uniform
    if u() < 0.4:
        kind = str(rng.choice(["saw", "square", "pluck", "fm"]))
    length = logu(rng, 0.12, 1.5)
    t = times(length)
    gate = np.minimum(1, t / logu(rng, 0.001, 0.03)) * np.minimum(1, (t[-1] - t) / 0.02)
    gate = gate * (fall(t, logu(rng, 0.3, 6)) if u() < 0.7 else 1)
    if cls == "bass":
        f = logu(rng, 33, 110)
        x = voice(rng, t, f, kind) + u(0, 1) * np.sin(TAU * f * t)
        return np.tanh(logu(rng, 0.3, 5) * unit(x)) * gate
    if cls == "lead":
        return voice(rng, t, logu(rng, 180, 1400), kind) * gate
    if cls == "stab":
        root = logu(rng, 110, 440)
        chord = rng.choice(["0 3 7", "0 4 7", "0 3 7 10", "0 4 7 11", "0 5 7", "0 7 12"])
        return sum(voice(rng, t, root * 2 ** (int(n) / 12), kind) for n in chord.split()) * gate
    # Effects: blips, zaps, risers, sweeps of noise, ring modulation, sample-and-hold.
    what = rng.choice(["blip", "blip", "zap", "riser", "sweep", "ring", "steps"])
    if what == "blip":
        t = times(logu(rng, 0.02, 0.3))
        f = logu(rng, 300, 5000)
        x = np.sin(TAU * f * t) if u() < 0.5 else np.sign(np.sin(TAU * f * t))
        return x * fall(t, t[-1] * u(0.5, 3))
    if what == "zap":
        x = np.sin(swept(t, logu(rng, 2000, 12000), logu(rng, 50, 500), logu(rng, 0.02, 0.3)))
        return x * fall(t, length)
    if what == "riser":
        return np.sin(TAU * np.cumsum(logu(rng, 60, 400) * 2 ** (u(1, 5) * t / length)) / RATE) * (t / length) ** u(0, 2)
    if what == "sweep":
        x = noise(rng, t)
        low, high = band(x, "lowpass", logu(rng, 200, 1500)), band(x, "highpass", logu(rng, 2000, 9000))
        w = t / length if u() < 0.5 else 1 - t / length
        return (low * (1 - w) + high * w) * gate
    if what == "ring":
        return np.sin(TAU * logu(rng, 80, 900) * t) * np.sin(TAU * logu(rng, 100, 3000) * t) * gate
    steps = np.repeat(np.exp(rng.uniform(np.log(100), np.log(4000), len(t))), int(u(0.01, 0.08) * RATE))[: len(t)]
    return np.sign(np.sin(TAU * np.cumsum(steps) / RATE)) * gate


#: The makers, by name.
MAKERS: dict[str, Callable[[Rng, str], np.ndarray]] = {
    "analogue": analogue, "modal": modal, "shaped": shaped, "fm": fm,
}


# ----------------------------------------------------------------------------------------------------- effects


def treat(rng: Rng, x: np.ndarray, much: float = 1.0) -> np.ndarray:
    """What happens to a sound between its maker and a sample folder, each with some probability."""
    u = rng.uniform
    x = unit(np.asarray(x, dtype=np.float64))
    if u() < 0.5 * much:  # a shelf or a bell
        f, g = logu(rng, 80, 9000), u(-9, 9)
        x = x + (10 ** (g / 20) - 1) * band(x, str(rng.choice(["lowpass", "highpass"])), f, 1)
    if u() < 0.3 * much:
        x = np.tanh(logu(rng, 0.7, 6) * unit(x))
    if u() < 0.35 * much:  # a room
        n = int(logu(rng, 0.05, 0.8) * RATE)
        tail = rng.standard_normal(n) * fall(np.arange(n) / RATE, n / RATE) * np.minimum(1, np.arange(n) / (u(0, 0.02) * RATE + 1))
        wet = fftconvolve(x, tail / np.sqrt((tail**2).sum()))
        x = np.concatenate([x, np.zeros(n - 1)]) + wet * logu(rng, 0.02, 0.35)
    if u() < 0.15 * much:  # an old sampler
        hold = int(rng.integers(2, 5))
        x = np.repeat(x[::hold], hold)[: len(x)]
        x = np.round(unit(x) * 2 ** rng.integers(5, 9)) / 256
    if u() < 0.15 * much:
        x = band(x, "lowpass", logu(rng, 5000, 15000))
    if u() < 0.2 * much:  # cut short
        n = int(len(x) * u(0.35, 0.9))
        x = x[:n] * np.minimum(1, (n - np.arange(n)) / (0.004 * RATE))
    if u() < 0.25 * much:
        x = unit(x) + rng.standard_normal(len(x)) * 10 ** (u(-75, -45) / 20)
    return unit(x)


def bled(rng: Rng, x: np.ndarray, other: np.ndarray) -> np.ndarray:
    """With another sound behind it, as when cut out of a break."""
    x, other = unit(np.asarray(x, dtype=np.float64)), unit(np.asarray(other, dtype=np.float64))
    n = min(len(x), len(other))
    y = x.copy()
    y[:n] += 10 ** (rng.uniform(-30, -10) / 20) * other[-n:]
    return y


def retune(rng: Rng, x: np.ndarray, semitones: float = 3.0) -> np.ndarray:
    """Played faster or slower."""
    step = 2 ** (rng.uniform(-semitones, semitones) / 12)
    return resample_poly(x, 200, int(round(200 * step)))
