"""Makes the repeats of a set imperfect: another random equaliser in each bar, and noise.

    python degrade.py SET OUT --eq 2 --noise -30 --seed 1

writes OUT/audio/*.flac, OUT/truth/*.json (unchanged) and OUT/manifest.json. Each bar gets gains drawn from a normal
distribution of `--eq` dB at octave centres from 31 Hz to 16 kHz, interpolated over log frequency, without phase; bars
cross-fade over 20 ms about the bar line. White noise lies `--noise` dB below the power of the whole. `--per-octave`
draws that many gains for each octave instead of one, and `--gain` adds a level of that deviation (dB) to each bar.

Songs in which no bar of the composition is played twice alike are what this stands for: tape, a room, a player.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import soundfile

FADE = 0.02


def gains(rng: np.random.Generator, freqs: np.ndarray, sd: float, per_octave: int, level: float) -> np.ndarray:
    """Gains of one bar at `freqs`, as factors."""
    centres = 31.25 * 2.0 ** (np.arange(9 * per_octave + 1) / per_octave)
    db = np.interp(np.log2(np.maximum(freqs, 1.0)), np.log2(centres), rng.normal(0.0, sd, len(centres)))
    return 10.0 ** ((db + rng.normal(0.0, level)) / 20.0)


def equalise(x: np.ndarray, rate: int, lines: list[float], sd: float, rng: np.random.Generator,
             per_octave: int = 1, level: float = 0.0) -> np.ndarray:  # fmt: skip
    """`x` (frames, channels) with another equaliser between each two of `lines` (seconds)."""
    frames = len(x)
    cuts = sorted({0, frames, *(int(round(t * rate)) for t in lines if 0 < t * rate < frames)})
    half, margin = int(FADE * rate / 2), int(0.1 * rate)
    ramp = (np.arange(2 * half) + 0.5) / max(1, 2 * half)
    out = np.zeros_like(x)
    for a, b in zip(cuts[:-1], cuts[1:]):
        low, high = max(0, a - half - margin), min(frames, b + half + margin)
        size = 1 << (high - low + margin - 1).bit_length()
        gain = gains(rng, np.fft.rfftfreq(size, 1.0 / rate), sd, per_octave, level)
        y = np.fft.irfft(np.fft.rfft(x[low:high], size, axis=0) * gain[:, None], size, axis=0)[: high - low]
        weight = np.zeros(high - low)
        weight[max(0, a - low) : b - low] = 1.0
        if a > 0:
            at = slice(max(0, a - half - low), a + half - low)
            n = weight[at].size
            weight[at] = ramp[-n:] if n else 1.0
        if b < frames:
            at = slice(b - half - low, min(b + half - low, high - low))
            n = weight[at].size
            weight[at] = np.minimum(weight[at], 1.0 - ramp[:n]) if a > b - half else 1.0 - ramp[:n]
        out[low:high] += (y * weight[:, None]).astype(x.dtype)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--eq", type=float, default=2.0, help="deviation of the gains in dB")
    parser.add_argument("--noise", type=float, default=-30.0, help="power of the noise against the whole, dB")
    parser.add_argument("--gain", type=float, default=0.0, help="deviation of each bar's level in dB")
    parser.add_argument("--per-octave", type=int, default=1, help="independent gains in an octave")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=int, default=0, help="only the first songs")
    options = parser.parse_args()
    (options.out / "audio").mkdir(parents=True, exist_ok=True)
    (options.out / "truth").mkdir(exist_ok=True)
    items = json.loads((options.set / "manifest.json").read_text())
    items = items[: options.limit or len(items)]
    for i, item in enumerate(items):
        rng = np.random.default_rng([options.seed, i])
        told = json.loads((options.set / item["truth"]).read_text())
        x, rate = soundfile.read(options.set / item["audio"], dtype="float32", always_2d=True)
        rms = float(np.sqrt(np.mean(x.astype(np.float64) ** 2)))
        if options.eq > 0 or options.gain > 0:
            x = equalise(x, rate, told["downbeats"], options.eq, rng, options.per_octave, options.gain)
        x = x + rng.normal(0.0, rms * 10.0 ** (options.noise / 20.0), x.shape).astype(np.float32)
        x /= max(1.0, float(np.max(np.abs(x))))
        item["audio"] = f"audio/{item['id']}.flac"
        soundfile.write(options.out / item["audio"], x, rate, subtype="PCM_16")
        shutil.copyfile(options.set / item["truth"], options.out / item["truth"])
    (options.out / "manifest.json").write_text(json.dumps(items, indent=1))
    grid = [{"id": m["id"], **{k: json.loads((options.out / m["truth"]).read_text())[k] for k in ("beats", "downbeats")}}
            for m in items]  # fmt: skip
    (options.out / "true-grid.jsonl").write_text("".join(json.dumps(g) + "\n" for g in grid))


if __name__ == "__main__":
    main()
