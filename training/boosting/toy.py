#!/usr/bin/env python3
"""A ranking task of known difficulty, to compare trainers of boosted trees on: toy.csv, a dataset that `loopwright train`
reads.

    python3 training/boosting/toy.py --seed 1 toy.csv

Tracks of 30 to 119 candidates (or --candidates of each) with 60 features. Of these, 12 tell of the weight, by products,
thresholds and a bump, 12 more are noisy copies of them, and the rest are noise. Half the features carry an offset of
the whole track, as levels of a recording do; 2 % of all values are missing. The weight is 0 for most candidates and rises to
1 for the best of each track, with noise that no model can explain.
"""
import argparse

import numpy as np

FEATURES = 60


def make(seed, tracks=400, candidates=None):
    """Track of each row, features (float32, NaN where missing), weights (float32)."""
    rng = np.random.default_rng(seed)
    group, xs, ws = [], [], []
    for t in range(tracks):
        n = candidates or int(rng.integers(30, 120))
        x = rng.normal(size=(n, FEATURES))
        u = 1 / (1 + np.exp(-1.7 * x[:, :12]))
        quality = (
            1.5 * u[:, 0] * u[:, 1]
            + 0.8 * (u[:, 2] > 0.6) * u[:, 3]
            - 0.9 * (u[:, 4] > 0.8)
            + 0.7 * np.exp(-18 * (u[:, 5] - 0.5) ** 2)
            + 0.6 * u[:, 6] * (u[:, 7] < 0.5)
            + 0.4 * u[:, 8]
            - 0.4 * u[:, 9]
            + 0.3 * np.minimum(u[:, 10], u[:, 11])
            + 0.25 * rng.normal(size=n)
        )
        x[:, 12:24] = x[:, :12] + 0.7 * rng.normal(size=(n, 12))
        x[:, ::2] += 1.0 * rng.normal(size=(1, FEATURES // 2))
        x[rng.random(x.shape) < 0.02] = np.nan
        place = np.argsort(np.argsort(-quality))
        weight = np.clip(np.exp(-place / (0.06 * n)) - 0.02, 0, 1)
        group.append(np.full(n, t))
        xs.append(x)
        ws.append(weight)
    return np.concatenate(group), np.concatenate(xs).astype(np.float32), np.concatenate(ws).astype(np.float32)


def write(path, group, x, w):
    with open(path, "w") as f:
        f.write("track_id,start_time,end_time,bars,weight," + ",".join(f"f{c}" for c in range(x.shape[1])) + "\n")
        last, place = None, 0
        for t, row, weight in zip(group, x, w):
            place = 0 if t != last else place + 1
            last = t
            values = ",".join("" if np.isnan(v) else repr(float(v)) for v in row)
            f.write(f"t{t:04d},{place * 2.0},{place * 2.0 + 8.0},4,{float(weight)!r},{values}\n")


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--tracks", type=int, default=400)
    p.add_argument("--candidates", type=int, help="of each track, instead of 30 to 119")
    a = p.parse_args()
    write(a.out, *make(a.seed, a.tracks, a.candidates))
