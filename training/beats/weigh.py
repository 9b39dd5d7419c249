"""Fits the weights by which the tracker chooses among its readings, on songs that the network was not trained on.

    python make_data.py --set SET --songs 200 --first 9500000 --seconds 80
    cargo run --release -p loopwright-core --example predict_beats -- SET choices.jsonl --dump
    python weigh.py SET choices.jsonl

Each track offers some two dozen readings of the beat, each with some seven of the bars; each reading has terms (see
`core/src/rhythm/score.rs` and `bars.rs`). A conditional logit gives the weights under which the right one is most
probable: first those of the bars, given right beats, then those of the beats. It is drawn towards the weights in use
(`--pull`), so that a term that tells nothing here stays as it is. Printed are the weights and, by five-fold
cross-validation over songs, how often the choice is right with the weights in use and with the fitted ones.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys

import numpy as np
from scipy.optimize import minimize


def f_measure(truth: np.ndarray, answer: np.ndarray, reach: float = 0.07) -> float:
    truth, answer = truth[truth >= 5], answer[answer >= 5]
    if len(truth) == 0 or len(answer) == 0:
        return 0.0
    near = np.searchsorted(answer, truth)
    gap = np.minimum(
        np.abs(truth - answer[np.clip(near - 1, 0, len(answer) - 1)]),
        np.abs(truth - answer[np.clip(near, 0, len(answer) - 1)]),
    )
    hits = int((gap <= reach).sum())
    return 2 * min(hits, len(answer)) / (len(truth) + len(answer))


def logit_fit(tracks, start: np.ndarray, pull: float, free: np.ndarray) -> np.ndarray:
    """`tracks`: (features (n, d), right (n,) bool). Maximises the mean log-probability of the right ones."""

    def objective(moved):
        w = start.copy()
        w[free] = moved
        loss, slope = 0.0, np.zeros(len(start))
        for x, right in tracks:
            s = x @ w
            top = s.max()
            e = np.exp(s - top)
            p, q = e / e.sum(), np.where(right, e, 0)
            q = q / q.sum()
            loss -= np.log(np.where(right, p, 0).sum() + 1e-12)
            slope -= x.T @ (q - p)
        d = w - start
        scale = np.maximum(np.abs(start), 0.5)
        loss = loss / len(tracks) + pull * np.sum((d / scale) ** 2)
        slope = slope / len(tracks) + 2 * pull * d / scale**2
        return loss, slope[free]

    found = minimize(objective, start[free], jac=True, method="L-BFGS-B")
    w = start.copy()
    w[free] = found.x
    return w


def rate(tracks, w) -> float:
    return float(np.mean([bool(right[np.argmax(x @ w)]) for x, right in tracks])) if tracks else 0.0


def report(name, tracks, names, start, pull, fixed):
    free = np.array([n not in fixed for n in names])
    whole = logit_fit(tracks, start, pull, free)
    scores = []
    for k in range(5):
        train = [t for i, t in enumerate(tracks) if i % 5 != k]
        test = [t for i, t in enumerate(tracks) if i % 5 == k]
        w = logit_fit(train, start, pull, free)
        scores.append((len(test), rate(test, start), rate(test, w)))
    total = sum(s[0] for s in scores)
    before = sum(s[0] * s[1] for s in scores) / total
    after = sum(s[0] * s[2] for s in scores) / total
    print(f"{name}: {total} tracks, right {before:.3f} in use, {after:.3f} fitted (cross-validated)")
    for n, a, b in zip(names, start, whole):
        spread = np.mean([np.std(x[:, list(names).index(n)]) for x, _ in tracks])
        print(f"  {n:14} {a:7.2f} -> {b:7.2f}   (spread within a track {spread:.3f})")
    return whole


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=pathlib.Path, nargs="+")
    parser.add_argument("--pull", type=float, default=0.02)
    parser.add_argument("--fix", nargs="*", default=[], help="terms whose weights stay")
    args = parser.parse_args()
    # Pairs of a set and its choices.
    beats_tracks, bars_tracks, beat_names, bar_names = [], [], None, None
    oracle = []
    for folder, choices in zip(args.set[::2], args.set[1::2]):
        items = {m["id"]: m for m in json.loads((folder / "manifest.json").read_text())}
        for line in choices.read_text().splitlines():
            track = json.loads(line)
            item = items[track["id"]]
            truth = np.loadtxt(folder / item["beats"], ndmin=1)
            down = np.loadtxt(folder / item["downbeats"], ndmin=1) if "downbeats" in item else np.array([])
            f = [f_measure(truth, np.array(h["beats"])) for h in track["hypotheses"]]
            oracle.append(max(f, default=0.0))
            if not f:
                continue
            weights = track["weights"]
            if max(f) < 0.85:
                continue
            right = np.array([x >= max(f) - 0.03 for x in f])
            beat_names = list(track["hypotheses"][0]["terms"])
            x = np.array([list(h["terms"].values()) for h in track["hypotheses"]])
            if not right.all():
                beats_tracks.append((x, right))
            best = track["hypotheses"][int(np.argmax(f))]
            if len(down) >= 4:
                g = [f_measure(down, np.array(best["beats"])[b["first"] :: b["meter"]]) for b in best["bars"]]
                if max(g) >= 0.7:
                    bar_names = list(best["bars"][0]["terms"])
                    y = np.array([list(b["terms"].values()) for b in best["bars"]])
                    bars_tracks.append((y, np.array([v >= max(g) - 0.03 for v in g])))
    print(f"oracle over the readings: F {np.mean(oracle):.3f}, a right one in {np.mean(np.array(oracle) > 0.85):.3f}")
    report("bars", bars_tracks, bar_names, np.array([weights["bars"][n] for n in bar_names]), args.pull, args.fix)
    report("beats", beats_tracks, beat_names, np.array([weights["beats"][n] for n in beat_names]), args.pull, args.fix)
    return 0


if __name__ == "__main__":
    sys.exit(main())
