"""Intersection over union of breaks and drumless passages, each source judged by weights that were fitted without it.

    python judge.py --train SET [SET ...] --test SET [SET ...]

Sections vote on their bars as `core/src/loops/regions.rs` does. The sets hold `traits.jsonl`, see `fit.py`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

import fit

#: No bar's log odds count for more in a vote.
VOTE = 4.0
#: Shortest break in bars.
SHORTEST = 2


def passages(inside: np.ndarray, bars: list[dict], least: int) -> list[tuple[float, float]]:
    """Stretches of at least `least` bars, in seconds."""
    edges = np.flatnonzero(np.diff(np.r_[0, inside.astype(int), 0]))
    return [(bars[a]["start"], bars[b - 1]["end"]) for a, b in zip(edges[::2], edges[1::2]) if b - a >= least]


def overlap(a: list[tuple[float, float]], b: list[tuple[float, float]], seconds: float) -> float:
    """Time in both over time in either, 1 where there is neither."""
    at = np.arange(0, seconds, 0.01)
    x, y = (sum(((at >= s) & (at < e) for s, e in spans), np.zeros(len(at), bool)) for spans in (a, b))
    either = (x | y).sum()
    return float((x & y).sum() / either) if either else 1.0


def answer(one: dict, mean: np.ndarray, scale: np.ndarray, weights: dict) -> tuple[list, list]:
    """Breaks and drumless passages of a track."""
    bars = one["bars"]
    alone, none = np.zeros(len(bars), bool), np.zeros(len(bars), bool)
    odds = {"drumless": np.full(len(bars), 3.0), "pitched": np.zeros(len(bars))}
    for i, bar in enumerate(bars):
        if bar["traits"]:
            z = np.clip((np.array(bar["traits"]) - mean) / scale, -fit.MOST, fit.MOST)
            for what, (w, bias) in weights.items():
                odds[what][i] = z @ w + bias
    for a, b in one["sections"]:
        vote = {what: np.clip(x[a:b], -VOTE, VOTE).mean() for what, x in odds.items()}
        hats = sum(bar["hats_only"] for bar in bars[a:b])
        none[a:b] = vote["drumless"] > 0
        alone[a:b] = vote["drumless"] < 0 and vote["pitched"] < 0 and 2 * hats <= b - a
    return passages(alone, bars, SHORTEST), passages(none, bars, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", nargs="+", type=Path, required=True)
    parser.add_argument("--test", nargs="+", type=Path, required=True)
    options = parser.parse_args()
    bars = fit.read(options.train)
    mean, scale, z = fit.scaled(bars)
    tracks: dict[str, list[tuple[dict, dict]]] = {}
    for folder in options.test:
        items = {m["id"]: m for m in json.loads((folder / "manifest.json").read_text())}
        for line in (folder / "traits.jsonl").read_text().splitlines():
            one = json.loads(line)
            item = items[one["id"]]
            told = json.loads((folder / item["truth"]).read_text())
            tracks.setdefault(item.get("source", "other generator"), []).append((one, told))
    for source, some in sorted(tracks.items()):
        # Sources that are not among those trained on are all of the other generator.
        out = bars.source == source if source in set(bars.source) else np.char.startswith(bars.source, "synth_")
        weights = fit.both(bars, z, ~out)
        scores = []
        for one, told in some:
            found = answer(one, mean, scale, weights)
            truth = [[(r["start"], r["end"]) for r in told[k]] for k in ("breaks", "drumless")]
            scores.append([overlap(f, t, told["dur"]) for f, t in zip(found, truth)])
        breaks, drumless = np.mean(scores, axis=0)
        print(f"{source}: {len(some)} songs, breaks {breaks:.3f}, drumless {drumless:.3f}", flush=True)


if __name__ == "__main__":
    main()
