"""Effects of mixing and of what happens to music afterwards.

None moves an attack, but `varispeed` and `wow`, which say how.

Filters are minimum-phase and short, delays and reverberation keep the direct sound where it is, codecs are measured
against what went in and shifted back. All signals are mono float32 at `RATE`.
"""

from __future__ import annotations

import io
from fractions import Fraction

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import butter, lfilter, oaconvolve, resample_poly, sosfilt

from fluid import RATE

#: Samples per value of control signals (compressor gain, side-chain): 1.5 ms.
HOP = 32


def db(x: float) -> np.float32:
    """Decibels to amplitude."""
    return np.float32(10.0 ** (x / 20.0))


def loudness(x: np.ndarray) -> float:
    """RMS of the loud frames (80th percentile of 50-ms frames that are not silent): insensitive to rests."""
    frame = RATE // 20
    n = len(x) // frame
    if n == 0:
        return float(np.sqrt((x**2).mean())) if len(x) else 0.0
    power = np.einsum("ij,ij->i", x[: n * frame].reshape(n, frame), x[: n * frame].reshape(n, frame)) / frame
    heard = power[power > 1e-9]
    return float(np.sqrt(np.quantile(heard, 0.8))) if len(heard) else 0.0


def peaking(f: float, gain: float, q: float) -> np.ndarray:
    """A bell (RBJ cookbook), one second-order section."""
    a = 10 ** (gain / 40)
    w = 2 * np.pi * f / RATE
    alpha = np.sin(w) / (2 * q)
    b = np.array([1 + alpha * a, -2 * np.cos(w), 1 - alpha * a])
    c = np.array([1 + alpha / a, -2 * np.cos(w), 1 - alpha / a])
    return np.concatenate([b, c])[None, :] / c[0]


def shelf(f: float, gain: float, high: bool) -> np.ndarray:
    """A low or high shelf (RBJ cookbook, slope 1)."""
    a = 10 ** (gain / 40)
    w = 2 * np.pi * f / RATE
    cos = np.cos(w) * (-1 if high else 1)
    root = 2 * np.sqrt(a) * np.sin(w) / np.sqrt(2)
    sign = -1 if high else 1
    b = np.array(
        [
            a * ((a + 1) - (a - 1) * cos + root),
            sign * 2 * a * ((a - 1) - (a + 1) * cos),
            a * ((a + 1) - (a - 1) * cos - root),
        ]
    )
    c = np.array(
        [(a + 1) + (a - 1) * cos + root, sign * -2 * ((a - 1) + (a + 1) * cos), (a + 1) + (a - 1) * cos - root]
    )
    return np.concatenate([b, c])[None, :] / c[0]


def cut(kind: str, f: float | tuple[float, float], order: int = 2) -> np.ndarray:
    """A Butterworth low-, high- or band-pass."""
    return butter(order, f, kind, fs=RATE, output="sos")


def biquad(kind: str, f: float, q: float = 0.7071) -> np.ndarray:
    """A second-order low- or high-pass (RBJ cookbook): as `cut` of order 2, thirty times faster to design."""
    w = 2 * np.pi * min(f, 0.47 * RATE) / RATE
    cos, alpha = np.cos(w), np.sin(w) / (2 * q)
    side = (1 - cos) / 2 if kind == "lowpass" else (1 + cos) / 2
    middle = 2 * side if kind == "lowpass" else -2 * side
    return np.array([[side, middle, side, 1 + alpha, -2 * cos, 1 - alpha]]) / (1 + alpha)


def apply(sections: list[np.ndarray], x: np.ndarray) -> np.ndarray:
    """Runs a signal through sections in one pass."""
    if not sections:
        return x
    return sosfilt(np.concatenate(sections).astype(np.float32), x)


def random_eq(rng: np.random.Generator, bands: int, sd: float) -> list[np.ndarray]:
    """Shelves and bells as a mixing engineer (or a bad loudspeaker) might set them; `sd` in dB."""
    out = []
    for _ in range(bands):
        kind = rng.random()
        gain = float(np.clip(rng.normal(0, sd), -15, 15))
        if kind < 0.25:
            out.append(shelf(rng.uniform(80, 400), gain, False))
        elif kind < 0.5:
            out.append(shelf(rng.uniform(1500, 7000), gain, True))
        else:
            out.append(peaking(float(np.exp(rng.uniform(np.log(90), np.log(8000)))), gain, rng.uniform(0.5, 3)))
    return out


def saturate(x: np.ndarray, drive: float, bias: float = 0.0) -> np.ndarray:
    """A soft clipper whose small-signal gain is 1 / (its gain at full scale): `drive` 1 is mild, 10 is fuzz."""
    y = np.tanh(x * np.float32(drive) + np.float32(bias)) - np.float32(np.tanh(bias))
    return (y / np.float32(np.tanh(drive))).astype(np.float32)


def limit(x: np.ndarray, ceiling: float = 0.98) -> np.ndarray:
    """Rounds what exceeds three quarters of the ceiling off, so that nothing exceeds it."""
    knee = np.float32(0.75 * ceiling)
    over = np.abs(x) > knee
    if not over.any():
        return x
    y = x.copy()
    room = np.float32(ceiling) - knee
    part = x[over]
    y[over] = np.sign(part) * (knee + room * np.tanh((np.abs(part) - knee) / room))
    return y


def spread(control: np.ndarray, frames: int) -> np.ndarray:
    """A control signal, one value per HOP, to samples by straight lines."""
    steps = np.concatenate([control, control[-1:]]).astype(np.float32)
    ramp = np.arange(HOP, dtype=np.float32) / HOP
    lines = steps[:-1, None] + (steps[1:] - steps[:-1])[:, None] * ramp[None, :]
    return lines.ravel()[:frames]


def compress(x: np.ndarray, threshold_db: float, ratio: float, attack: float, release: float) -> np.ndarray:
    """A feed-forward compressor; threshold relative to the loudness of the signal."""
    n = -(-len(x) // HOP)
    padded = np.zeros(n * HOP, dtype=np.float32)
    padded[: len(x)] = x
    level = np.abs(padded).reshape(n, HOP).max(axis=1)
    over = np.maximum(0.0, 20 * np.log10(level + 1e-6) - 20 * np.log10(loudness(x) + 1e-6) - threshold_db)
    wanted = over * (1 - 1 / ratio)
    # Two one-pole smoothers, the greater wins: fast to reduce and slow to let go.
    fast = lfilter([1 - np.exp(-HOP / (attack * RATE))], [1, -np.exp(-HOP / (attack * RATE))], wanted)
    slow = lfilter(
        [1 - np.exp(-HOP / (release * RATE))], [1, -np.exp(-HOP / (release * RATE))], np.maximum(wanted, fast)
    )
    gain = 10 ** (-np.maximum(fast, slow) / 20)
    return x * spread(gain, len(x))


def ducking(kicks: np.ndarray, frames: int, depth: float, seconds: float, power: float) -> np.ndarray:
    """The gain of a side-chain: down to 1 - depth at each kick, back after `seconds`."""
    n = -(-frames // HOP) + 1
    gain = np.ones(n, dtype=np.float32)
    length = max(2, int(seconds * RATE / HOP))
    shape = (1 - depth * (1 - np.linspace(0, 1, length, dtype=np.float32) ** power)).astype(np.float32)
    for k in kicks:
        at = int(k * RATE / HOP)
        if 0 <= at < n:
            m = min(length, n - at)
            gain[at : at + m] = np.minimum(gain[at : at + m], shape[:m])
    return spread(gain, frames)


def impulse(rng: np.random.Generator, t60: float, bright: float) -> np.ndarray:
    """The tail of a room: noise that decays, its treble faster; a predelay and a few early echoes. No direct sound."""
    n = int(min(3.0, 1.1 * t60) * RATE) + 200
    t = np.arange(n, dtype=np.float32) / RATE
    noise = rng.standard_normal(n, dtype=np.float32)
    treble = noise - lfilter([1 - bright], [1, -bright], noise).astype(np.float32)
    tail = (noise - treble) * np.exp(-6.9 * t / t60) + treble * np.exp(-6.9 * t / (0.45 * t60))
    tail /= np.sqrt((tail**2).sum())
    for _ in range(int(rng.integers(0, 6))):
        tail[int(rng.uniform(0.004, 0.05) * RATE) % n] += rng.normal(0, 0.25)
    start = int(rng.uniform(0.001, 0.04) * RATE)
    return np.concatenate([np.zeros(start, dtype=np.float32), tail.astype(np.float32)])[:n]


def convolve(x: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Causal convolution, cut to the length of the input."""
    n = next_fast_len(len(x) + len(response), real=True)
    if n > 1 << 18:
        return oaconvolve(x, response)[: len(x)].astype(np.float32)
    return irfft(rfft(x, n) * rfft(response, n), n)[: len(x)].astype(np.float32)


def echo(x: np.ndarray, seconds: float, feedback: float, repeats: int = 5) -> np.ndarray:
    """The repeats of a delay, without the direct sound."""
    out = np.zeros_like(x)
    step = int(seconds * RATE)
    gain = np.float32(1.0)
    for i in range(1, repeats + 1):
        if i * step >= len(x) or gain < 0.05:
            break
        out[i * step :] += x[: len(x) - i * step] * gain
        gain *= np.float32(feedback)
    return out


def sweep(x: np.ndarray, start: float, end: float, corners: tuple[float, float], kind: str) -> np.ndarray:
    """A filter that opens or closes between two times (seconds); outside of them the signal is untouched."""
    a, b = max(0, int(start * RATE)), min(len(x), int(end * RATE))
    if b - a < 2048:
        return x
    out = x.copy()
    state = None
    step = 2048 if corners[0] != corners[1] else b - a
    for at in range(a, b, step):
        w = (at - a) / (b - a)
        sections = biquad(kind, float(corners[0] * (corners[1] / corners[0]) ** w)).astype(np.float32)
        if state is None:
            state = np.zeros((len(sections), 2), dtype=np.float32)
        out[at : min(b, at + step)], state = sosfilt(sections, x[at : min(b, at + step)], zi=state)
    return out


def noise(rng: np.random.Generator, frames: int, kind: str) -> np.ndarray:
    """Background noise at an RMS of 1: "white", "pink", "hum", "vinyl" (crackle and rumble) or "crowd"."""
    white = rng.standard_normal(frames, dtype=np.float32)
    if kind == "white":
        return white
    if kind == "hum":
        t = np.arange(frames, dtype=np.float32) / RATE
        f = float(rng.choice([50.0, 60.0]))
        x = 0.15 * white + sum(np.sin(np.float32(2 * np.pi * f * h) * t) / np.float32(h) for h in (1, 2, 3, 5))
        return (x / np.sqrt((x**2).mean())).astype(np.float32)
    if kind == "crowd":
        # Voices and hands: noise in the range of speech whose level wanders.
        n = frames // 2048 + 2
        wander = np.exp(np.convolve(rng.normal(0, 1.2, n + 8), np.ones(8) / 8, "same"))[:n]
        level = np.interp(np.arange(frames) / 2048, np.arange(n), wander).astype(np.float32)
        x = apply([cut("bandpass", (400.0, 2500.0), 1)], white) * level
        return (x / np.sqrt((x**2).mean())).astype(np.float32)
    # Kellet's three-pole approximation of 1/f.
    x = lfilter([0.049922, -0.095993, 0.050612, -0.004409], [1, -2.494956, 2.017266, -0.522190], white)
    x = x.astype(np.float32) / np.float32(np.sqrt((x**2).mean()))
    if kind == "vinyl":
        count = int(frames / RATE * rng.uniform(3, 40))
        clicks = np.zeros(frames, dtype=np.float32)
        clicks[rng.integers(0, frames, count)] = rng.normal(0, 25, count) * rng.random(count) ** 2
        x = 0.7 * x + apply([cut("bandpass", (800.0, 7000.0), 1)], clicks)
    return (x / max(1e-9, float(np.sqrt((x**2).mean())))).astype(np.float32)


def varispeed(x: np.ndarray, speed: float) -> tuple[np.ndarray, float]:
    """Plays faster (pitch rises); returns the sound and the speed that was in fact used: times divide by it."""
    ratio = Fraction(speed).limit_denominator(60)
    if ratio == 1:
        return x, 1.0
    y = resample_poly(x, ratio.denominator, ratio.numerator).astype(np.float32)
    return y, float(ratio)


def wow(x: np.ndarray, depth: float, rate: float, phase: float) -> tuple[np.ndarray, np.ndarray]:
    """Tape or turntable, speed 1 + depth sin: the sound and, for every HOP samples of it, the input second it plays."""
    t = np.arange(0, len(x) + HOP, HOP) / RATE
    w = 2 * np.pi * rate
    course = t + depth / w * (np.cos(phase) - np.cos(w * t + phase))
    at = _spread_exact(course * RATE, len(x))
    np.clip(at, 0, len(x) - 1.001, out=at)
    whole = at.astype(np.int64)
    part = (at - whole).astype(np.float32)
    nxt = np.minimum(whole + 1, len(x) - 1)
    return x[whole] * (1 - part) + x[nxt] * part, course


def _spread_exact(control: np.ndarray, frames: int) -> np.ndarray:
    """As `spread`, in double precision, for times."""
    ramp = np.arange(HOP) / HOP
    lines = control[:-1, None] + (control[1:] - control[:-1])[:, None] * ramp[None, :]
    return lines.ravel()[:frames].copy()


def lag_of(y: np.ndarray, x: np.ndarray, most: int = 4000) -> int:
    """Samples by which `y` lags behind `x`, from the peak of their cross-correlation."""
    n = next_fast_len(len(x) + 2 * most, real=True)
    product = irfft(rfft(y, n) * np.conj(rfft(x, n)), n)
    around = np.concatenate([product[-most:], product[: most + 1]])
    return int(np.argmax(around)) - most


def mp3(x: np.ndarray, level: float) -> np.ndarray:
    """Through the MP3 codec and back, attack times kept. `level` 0 is about 110 kb/s, 0.9 about 24 (mono at 22 kHz)."""
    import soundfile

    store = io.BytesIO()
    soundfile.write(
        store, np.clip(x, -0.99, 0.99), RATE, format="MP3", compression_level=level, bitrate_mode="CONSTANT"
    )
    store.seek(0)
    y, rate = soundfile.read(store, dtype="float32")
    if rate != RATE or y.ndim != 1:
        return x
    # A loud stretch is enough to tell the delay.
    part = min(len(x), 1 << 17)
    peak = int(np.argmax(np.abs(x)))
    a = max(0, min(peak - part // 2, len(x) - part))
    lag = lag_of(y[a : a + part], x[a : a + part])
    out = np.zeros_like(x)
    lo = max(0, -lag)
    m = min(len(x) - lo, len(y) - (lo + lag))
    if m > 0:
        out[lo : lo + m] = y[lo + lag : lo + lag + m]
    return out


def modulated_copy(x: np.ndarray, delay: float, depth: float, rate: float, phase: float) -> np.ndarray:
    """A copy that comes `delay` + `depth` sin seconds later: added to the direct sound, a chorus or a flanger."""
    n = -(-len(x) // HOP)
    t = np.arange(n + 1) * HOP / RATE
    course = t - delay - depth * np.sin(2 * np.pi * rate * t + phase)
    at = np.maximum(_spread_exact(course * RATE, len(x)), 0.0)
    whole = at.astype(np.int64)
    part = (at - whole).astype(np.float32)
    copy = x[whole] * (1 - part) + x[np.minimum(whole + 1, len(x) - 1)] * part
    copy[: int((delay + depth) * RATE) + 1] = 0.0
    return copy


def crush(x: np.ndarray, hold: int, bits: int) -> np.ndarray:
    """An old sampler: every `hold`-th sample held, at `bits` bits of the peak."""
    peak = float(np.abs(x).max(initial=0.0))
    if peak <= 0:
        return x
    steps = np.float32(2 ** (bits - 1) / peak)
    held = np.repeat(x[::hold], hold)[: len(x)]
    return np.round(held * steps) / steps


def mute(x: np.ndarray, start: float, end: float) -> np.ndarray:
    """Silence from `start` to `end` seconds, with ramps of 3 ms that end before `start` and `end`."""
    ramp = RATE * 3 // 1000
    a, b = int(start * RATE), min(len(x), int(end * RATE))
    if a < ramp or b - a < 2 * ramp:
        return x
    y = x.copy()
    fall = np.linspace(1, 0, ramp, dtype=np.float32)
    y[a - ramp : a] *= fall
    y[a : b - ramp] = 0.0
    y[b - ramp : b] *= fall[::-1]
    return y


def cabinet(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A guitar amplifier: tightened, overdriven, and through a loudspeaker that passes 80 to 5000 Hz."""
    level = loudness(x)
    if level <= 0:
        return x
    x = apply([cut("highpass", rng.uniform(60, 200), 1)], x / np.float32(level))
    x = np.tanh(x * np.float32(np.exp(rng.uniform(np.log(1.0), np.log(25.0)))) + np.float32(rng.uniform(0, 0.3)))
    return apply(
        [
            cut("highpass", rng.uniform(70, 130)),
            peaking(rng.uniform(300, 700), rng.uniform(-8, 2), 1.0),
            peaking(rng.uniform(1800, 3800), rng.uniform(0, 8), 1.0),
            cut("lowpass", rng.uniform(3200, 6000), 2),
        ],
        x.astype(np.float32),
    )
