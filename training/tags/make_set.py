"""Writes loops of eleven genres that overlap: `make_set.py DIR SEED FILES_A_GENRE`.

Patterns of sixteenths are drawn from a genre's own with changes; tempo ranges, kits, swing, jitter and harmony are shared in
part, so that no genre can be told with certainty. Nothing here was recorded. numpy, soundfile.
"""
import os
import sys

import numpy as np
import soundfile as sf

RATE = 22_050
# Tempo range, kick, snare, hi-hat, how much harmony.
GENRES = {
    "techno": ((122, 142), "x...x...x...x...", "....o.......o...", "..x...x...x...x.", 0.15),
    "house": ((116, 132), "x...x...x...x...", "....x.......x...", "..x...x...x...x.", 0.3),
    "hiphop": ((80, 104), "x..x..x...x.....", "....x.......x...", "x.x.x.x.x.x.x.x.", 0.35),
    "dnb": ((160, 180), "x.........x.....", "....x.......x...", "x.x.x.x.x.x.x.x.", 0.25),
    "trap": ((125, 165), "x.....x...x.....", "........x.......", "xxxxx.xxx.xxx.xx", 0.3),
    "dubstep": ((136, 146), "x.........x.....", "........x.......", "x..x..x.x..x..x.", 0.6),
    "funk": ((92, 118), "x.....x...x..x..", "....x..x.x..x..x", "x.x.x.x.x.x.x.x.", 0.4),
    "rock": ((95, 150), "x.....x.x.......", "....x.......x...", "x.x.x.x.x.x.x.x.", 0.6),
    "reggae": ((70, 95), "........x.......", "........x.......", "..x...x...x...x.", 0.5),
    "jazz": ((90, 180), "x.......o.......", "......o.......o.", "x...x.x.x...x.x.", 0.5),
    "ambient": ((60, 100), "................", "................", "................", 0.9),
}


def loop(rng, genre):
    (low, high), *patterns, harmony = GENRES[genre]
    step = 15 / rng.uniform(low, high)
    seconds = rng.uniform(4, 16)
    n = int(seconds * RATE)
    y = np.zeros(n + 2 * RATE)
    kick_hz, kick_fall = rng.uniform(45, 70), rng.uniform(8, 25)
    snare_fall, snare_gain = rng.uniform(12, 30), rng.uniform(0.2, 0.7)
    hat_fall, hat_gain = rng.uniform(40, 120), rng.uniform(0.05, 0.3)
    swing, jitter = rng.uniform(0, 0.3), rng.uniform(0, 0.01)

    def changed(pattern):
        if genre == "ambient":
            return [rng.random() < 0.01 for _ in pattern]
        return [(c != ".") ^ (rng.random() < 0.06) for c in pattern]

    kicks, snares, hats = map(changed, patterns)
    t = np.arange(6000) / RATE
    drop = rng.uniform(3, 8)
    kick = np.sin(2 * np.pi * (kick_hz * t + drop * (1 - np.exp(-t * 40)))) * np.exp(-t * kick_fall)
    for s in range(int(seconds / step)):
        at = s * step + (swing * step if s % 2 else 0) + rng.normal(0, jitter)
        a, level = max(0, int(at * RATE)), rng.uniform(0.7, 1)
        if kicks[s % 16]:
            y[a : a + 6000] += kick * level
        if snares[s % 16]:
            y[a : a + 6000] += rng.standard_normal(6000) * np.exp(-t * snare_fall) * snare_gain * level
        if hats[s % 16]:
            y[a : a + 2000] += np.diff(rng.standard_normal(2001)) * np.exp(-t[:2000] * hat_fall) * hat_gain * level
    time = np.arange(len(y)) / RATE
    roots = rng.choice([55, 61.7, 65.4, 73.4, 82.4, 98], 4) * rng.choice([1, 2])
    hz = roots[(time / (16 * step)).astype(int) % 4]
    gain = harmony * rng.uniform(0.2, 1.0) * 0.5
    for k in range(1, int(rng.integers(3, 9))):
        y += gain * np.sin(2 * np.pi * np.cumsum(hz) / RATE * k) / k ** rng.uniform(0.8, 1.6)
    y = y[:n] + rng.standard_normal(n) * 10 ** rng.uniform(-4, -1.8)
    return y * rng.uniform(0.1, 0.95) / np.abs(y).max()


def main(folder, seed, files):
    rng = np.random.default_rng(seed)
    os.makedirs(folder, exist_ok=True)
    for genre in GENRES:
        for i in range(files):
            sf.write(f"{folder}/{genre}_{i:03d}.wav", loop(rng, genre), RATE)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
