"""The table that the shipped ranker learns from, and what learning can reach beside the heuristic.

    loop_features TRAIN --grid TRAIN/true-grid.jsonl --out train     (cargo run -p loopwright-core --example)
    python explore.py --train TRAIN=train --table train.csv
    python explore.py --train TRAIN=train --test TEST=test OTHER=other --groups

A row's weight is 0.3 of its label (1 a true loop on a phrase, 0.575 one that begins inside a phrase, 0 none; loops open to
dispute are left out) and 0.7 of the heuristic's score (`--prior`). What is learnt is then the same mixture of what the
evidence says and of the heuristic. Labels alone make a ranker that is right more often on songs of this generator and gives
fewer families on others: it thinks less of long loops, since those of this generator hold an odd bar more often. The
heuristic is the prior against that.

`--test` judges trees by Python's xgboost on sets; answers go through the same variety order as the program's. `--groups 13`
leaves each of the thirteen groups of styles out of the training songs, and judges it by the others; `--groups 4` three or four
at once.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from judge import MEASURES, interval, score

#: Columns that are not learnt from: sound and place in the track, which say what a song is, not what a loop is.
SOUND = {"start_position", "rms_mean", "onset_mean", "perc_rms", "harm_rms", "perc_onset_mean", "perc_onset_std",
         "boundary_perc_rms_start", "boundary_perc_rms_end", "boundary_perc_onset_start", "boundary_perc_onset_end",
         "boundary_quiet_score", "perc_to_total_rms", "harm_to_total_rms", "tonal_level", "drumless_odds",
         "tempo_deviation"}  # fmt: skip
#: What a true loop that begins inside a phrase is worth; the heuristic's value.
OFF_PHRASE = 0.575
HEAD = 4


@dataclass
class Songs:
    """Candidates of a set: features, labels, and whose they are."""

    columns: list[str] = field(default_factory=list)
    x: list[np.ndarray] = field(default_factory=list)
    head: list[np.ndarray] = field(default_factory=list)
    #: 0, OFF_PHRASE or 1; NaN where it is open to dispute.
    y: list[np.ndarray] = field(default_factory=list)
    told: list[dict] = field(default_factory=list)
    items: list[dict] = field(default_factory=list)


def load(folder: Path, name: str) -> Songs:
    """The songs of `folder` that have true loops, with their features from `name`.json and .f32."""
    meta = json.loads(Path(name + ".json").read_text())
    width = len(meta["columns"])
    table = np.fromfile(name + ".f32", dtype="<f4").reshape(-1, width)
    items = {i["id"]: i for i in json.loads((folder / "manifest.json").read_text())}
    out = Songs(columns=meta["columns"][HEAD:])
    at = 0
    for track in meta["tracks"]:
        rows = table[at : at + track["rows"]]
        at += track["rows"]
        if track["id"] not in items or not len(rows):
            continue
        told = json.loads((folder / items[track["id"]]["truth"]).read_text())
        if not told["true_loops"]:
            continue
        y = np.zeros(len(rows), np.float32)
        for kind in ("soft_loops", "true_loops"):
            for t in told[kind]:
                near = (rows[:, 2] == t["bars"]) & (np.abs(rows[:, 0] - t["start"]) <= 0.05) & (np.abs(rows[:, 1] - t["end"]) <= 0.05)
                y[near] = np.nan if kind == "soft_loops" else 1.0 if t["phrase_aligned"] else OFF_PHRASE
        out.x.append(rows[:, HEAD:])
        out.head.append(rows[:, :HEAD])
        out.y.append(y)
        out.told.append(told)
        out.items.append(items[track["id"]])
    return out


def heuristic(columns: list[str], x: np.ndarray) -> np.ndarray:
    """The program's own score."""
    c = lambda n: x[:, columns.index(n)].astype(np.float64)  # noqa: E731
    h = (2 * c("inside_section") + 2 * c("unit_divides") + 2 * c("rep_unit") + c("rep_span") - 2 * c("holds_fill")
         - 0.1 * c("texture_dev"))  # fmt: skip
    p = 1 / (1 + np.exp(-3 * (h - 5.2)))
    return 0.5 * (p + np.where(c("phrase_position") == 0, p, 0.15 * p))


def variety(head: np.ndarray, worth: np.ndarray, top: int = 10) -> list[int]:
    """The program's order (`core/src/rank/order.rs`), without near-duplicates, which bar lines cannot make."""
    start, end, bars, content = head.T.astype(np.float64)
    left = np.ones(len(worth), bool)
    overlap = np.zeros(len(worth))
    family: dict[tuple, int] = {}
    contents: dict[float, int] = {}
    keys = list(zip(content, bars))
    cf, cc = np.zeros(len(worth)), np.zeros(len(worth))
    order = []
    by = np.lexsort((start, -worth))
    rank = np.empty(len(worth))
    rank[by] = np.arange(len(worth))
    for _ in range(min(top, len(worth))):
        gain = worth * (1 + 0.5**cf + 0.3 * 0.5**cc) * (1 - 0.5 * overlap)
        gain[~left] = -np.inf
        best = np.flatnonzero(gain == gain.max())
        i = int(best[np.argmin(rank[best])])
        order.append(i)
        left[i] = False
        same = (content == content[i])
        cc[same] += 1
        cf[same & (bars == bars[i])] += 1
        shared = np.maximum(0, np.minimum(end, end[i]) - np.maximum(start, start[i])) / (end - start)
        overlap = np.where(bars == bars[i], np.maximum(overlap, shared), overlap)
    return order


def judge(songs: Songs, worths: list[np.ndarray]) -> np.ndarray:
    out = []
    for head, told, worth in zip(songs.head, songs.told, worths):
        loops = [{"start": float(head[i, 0]), "end": float(head[i, 1]), "bars": int(head[i, 2])}
                 for i in variety(head, worth)]  # fmt: skip
        s = score(told, loops)
        out.append([s[m] for m in MEASURES])
    return np.array(out)


def show(name: str, values: np.ndarray, beside: np.ndarray | None = None) -> None:
    low, high = interval(values)
    text = "  ".join(f"{m} {v:.3f}" for m, v in zip(MEASURES, values.mean(axis=0)))
    if beside is not None:
        d = values - beside
        low, high = interval(d)
        text += "  | " + "  ".join(f"{v:+.3f} [{a:+.3f} {b:+.3f}]" for v, a, b in zip(d.mean(axis=0), low, high))
    print(f"{name:34s} n={len(values):4d} {text}", flush=True)


def fit(x: np.ndarray, y: np.ndarray, rounds: int, depth: int):
    """Trees that tell the weight."""
    import xgboost

    keep = np.isfinite(y)
    settings = {"objective": "reg:squarederror", "max_depth": depth, "eta": 0.1, "subsample": 0.7,
                "colsample_bytree": 0.6, "min_child_weight": 50, "tree_method": "hist", "nthread": 1, "seed": 1}  # fmt: skip
    return xgboost.train(settings, xgboost.DMatrix(x[keep], y[keep]), rounds)


def apply(model, x: np.ndarray) -> np.ndarray:
    import xgboost

    return np.maximum(model.predict(xgboost.DMatrix(x)).astype(np.float64), 0.0)


def weights(songs: Songs, prior: float) -> list[np.ndarray]:
    """What each candidate is worth: NaN where it is open to dispute."""
    return [(1 - prior) * y + prior * heuristic(songs.columns, x) for x, y in zip(songs.x, songs.y)]


def table(songs: Songs, use: list[int], prior: float, path: Path) -> None:
    """Writes the rows as `loopwright train` reads them."""
    with open(path, "w", encoding="utf-8") as f:
        f.write(",".join(["track_id", "start_time", "end_time", "weight", *(songs.columns[i] for i in use)]) + "\n")
        for item, head, x, w in zip(songs.items, songs.head, songs.x, weights(songs, prior)):
            for h, row, weight in zip(head, x[:, use], w):
                if np.isfinite(weight):
                    values = ",".join(f"{v:.6g}" for v in row)
                    f.write(f"{item['id']},{h[0]:.4f},{h[1]:.4f},{weight:.4f},{values}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True, help="SET=FEATURES")
    parser.add_argument("--test", nargs="*", default=[], help="SET=FEATURES")
    parser.add_argument("--table", type=Path, help="file to write for `loopwright train`")
    parser.add_argument("--prior", type=float, default=0.7, help="share of the heuristic's score in the weight")
    parser.add_argument("--rounds", type=int, default=150)
    parser.add_argument("--depth", type=int, default=6)
    parser.add_argument("--groups", type=int, default=0, help="leave the groups of styles out in so many parts")
    options = parser.parse_args()
    folder, name = options.train.split("=")
    train = load(Path(folder), name)
    use = [i for i, c in enumerate(train.columns) if c not in SOUND]
    if options.table:
        table(train, use, options.prior, options.table)
    if not options.test and not options.groups:
        return
    x, y = np.concatenate(train.x)[:, use], np.concatenate(weights(train, options.prior))
    group = np.concatenate([np.full(len(a), i["style"]) for a, i in zip(train.y, train.items)])
    print(len(train.x), "songs,", len(y), "candidates,", len(use), "columns")
    if options.test:
        model = fit(x, y, options.rounds, options.depth)
        gain = model.get_score(importance_type="total_gain")
        best = sorted(((v, train.columns[use[int(k[1:])]]) for k, v in gain.items()), reverse=True)[:16]
        print(", ".join(f"{n} {v / sum(gain.values()):.3f}" for v, n in best))
    for one in options.test:
        folder, name = one.split("=")
        test = load(Path(folder), name)
        base = judge(test, [heuristic(test.columns, a) for a in test.x])
        name = Path(name).name
        show(f"{name} heuristic", base)
        show(f"{name} trees", judge(test, [apply(model, a[:, use]) for a in test.x]), base)
    if options.groups:
        base, learnt = [], []
        for part_of in np.array_split(np.array(sorted(set(group))), options.groups):
            out = np.isin(group, part_of)
            model = fit(x[~out], y[~out], options.rounds, options.depth)
            at = [i for i, item in enumerate(train.items) if item["style"] in part_of]
            part = Songs(train.columns, *([v[i] for i in at] for v in (train.x, train.head, train.y, train.told, train.items)))
            b = judge(part, [heuristic(part.columns, a) for a in part.x])
            t = judge(part, [apply(model, a[:, use]) for a in part.x])
            show(f"  without {', '.join(part_of)}", t, b)
            base.append(b)
            learnt.append(t)
        show("left out: heuristic", np.concatenate(base))
        show("left out: trees", np.concatenate(learnt), np.concatenate(base))


if __name__ == "__main__":
    main()
