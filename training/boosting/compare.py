#!/usr/bin/env python3
"""Compares `loopwright train boost` with XGBoost's rank:ndcg and LightGBM's lambdarank on the task of toy.py.

    pip install xgboost lightgbm numpy
    python3 training/boosting/compare.py --loopwright target/release/loopwright --seeds 1 2 3 4 --threads 1

All see the same split of the tracks (the one that `loopwright train` records), at most 400 rounds of learning rate 0.1, depth 6 (LightGBM: 63 leaves), early stopping after 40 rounds without a better NDCG@10 of the validation tracks, and draws
of 0.8 of the columns. Ours draws 0.8 of the tracks for each tree too; XGBoost and LightGBM, which would draw rows, use all. NDCG@10 has linear gain on the weight; LightGBM takes whole labels, so weights are grades of 0 to 100 with a linear
label gain. CPU seconds are user and system time: of the whole process for ours, with reading the CSV; from the matrix in
memory for the others. Intervals are 95 %, bootstrapped over the test tracks of all seeds; differences are paired.

It also checks that Python's xgboost predicts with our file what `loopwright evaluate` ranks by.
"""
import argparse
import csv
import json
import os
import platform
import resource
import subprocess
import tempfile
from pathlib import Path

import lightgbm
import numpy as np
import toy
import xgboost

ROUNDS, PATIENCE, RATE = 400, 40, 0.1


def ndcg(w, s, k=10):
    """Linear gain; scores here have no ties."""
    d = 1 / np.log2(np.arange(2, k + 2))
    best, got = np.sort(w)[::-1][:k], w[np.argsort(-s, kind="stable")][:k]
    return (got * d[: len(got)]).sum() / (best * d[: len(best)]).sum()


def cpu():
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime


def by_track(group, w, s):
    return [ndcg(w[group == t], s[group == t]) for t in np.unique(group)]


def ours(binary, path, out, threads):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [binary, "train", "boost", path, "--out", out, "--learning-rate", str(RATE), "--jobs", str(threads)]
    command += ["--quiet", "--json"]
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def xgb(train, valid, test, threads, seed):
    begin = cpu()
    d = xgboost.DMatrix(train[1], label=train[2], qid=train[0], nthread=threads)
    v = xgboost.DMatrix(valid[1], label=valid[2], qid=valid[0], nthread=threads)
    setting = {
        "objective": "rank:ndcg", "eval_metric": "ndcg@10", "ndcg_exp_gain": False, "eta": RATE, "max_depth": 6,
        "colsample_bytree": 0.8, "nthread": threads, "seed": seed,
    }  # fmt: skip
    b = xgboost.train(
        setting, d, ROUNDS, evals=[(v, "v")], early_stopping_rounds=PATIENCE, verbose_eval=False
    )
    spent = cpu() - begin
    p = b.predict(xgboost.DMatrix(test[1]), iteration_range=(0, b.best_iteration + 1))
    return by_track(test[0], test[2], p), b.best_iteration + 1, spent


def lgb(train, valid, test, threads, seed):
    begin = cpu()
    grades = lambda part: np.round(part[2] * 100).astype(int)
    sizes = lambda part: np.unique(part[0], return_counts=True)[1]
    d = lightgbm.Dataset(train[1], label=grades(train), group=sizes(train))
    v = lightgbm.Dataset(valid[1], label=grades(valid), group=sizes(valid), reference=d)
    setting = {
        "objective": "lambdarank", "metric": "ndcg", "eval_at": [10], "label_gain": list(range(101)),
        "learning_rate": RATE, "num_leaves": 63, "max_depth": 6, "feature_fraction": 0.8, "num_threads": threads,
        "seed": seed, "verbose": -1,
    }  # fmt: skip
    b = lightgbm.train(
        setting, d, ROUNDS, valid_sets=[v], callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)]
    )
    spent = cpu() - begin
    return by_track(test[0], test[2], b.predict(test[1], num_iteration=b.best_iteration)), b.best_iteration, spent


def interval(x):
    x = np.asarray(x)
    rng = np.random.default_rng(0)
    means = x[rng.integers(0, len(x), (1000, len(x)))].mean(1)
    return x.mean(), *np.percentile(means, [2.5, 97.5])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--loopwright", default="loopwright")
    p.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--tracks", type=int, default=400)
    a = p.parse_args()
    found = {"loopwright": [], "xgboost": [], "lightgbm": []}
    trees = {name: [] for name in found}
    spent = {name: [] for name in found}
    with tempfile.TemporaryDirectory() as folder:
        for seed in a.seeds:
            group, x, w = toy.make(seed, a.tracks)
            path, out = os.path.join(folder, "toy.csv"), os.path.join(folder, f"model{seed}")
            toy.write(path, group, x, w)
            spent["loopwright"].append(ours(a.loopwright, path, out, a.threads))
            split = json.loads(Path(out, "split.json").read_text())
            parts = []
            for part in ("train", "valid", "test"):
                rows = np.isin(group, [int(t[1:]) for t in split[part]])
                parts.append((group[rows], x[rows], w[rows]))
            test = parts[2]
            model = xgboost.Booster(model_file=os.path.join(out, "ranker.json"))
            columns = model.feature_names  # ours also sees `bars`, the same for all rows
            rows = np.column_stack([np.full(len(test[0]), 4.0) if c == "bars" else test[1][:, int(c[1:])] for c in columns])
            scores = model.predict(xgboost.DMatrix(rows.astype(np.float32), feature_names=columns))
            values = by_track(test[0], test[2], scores)
            found["loopwright"] += values
            trees["loopwright"].append(model.num_boosted_rounds())
            table = os.path.join(folder, "tracks.csv")
            command = [a.loopwright, "evaluate", path, "--model", os.path.join(out, "ranker.json"), "--only-test"]
            subprocess.run([*command, "--alpha", "0", "--per-track", table, "--quiet"], check=True, capture_output=True)
            with open(table) as f:
                told = {r["track_id"]: float(r["ndcg@10"]) for r in csv.DictReader(f) if r["ranker"].endswith(".json")}
            names = [f"t{t:04d}" for t in np.unique(test[0])]
            worst = max(abs(told[n] - v) for n, v in zip(names, values))
            assert worst < 1e-6, f"xgboost and loopwright rank differently by our file: {worst}"
            for name, trainer in (("xgboost", xgb), ("lightgbm", lgb)):
                values, rounds, seconds = trainer(*parts, a.threads, seed)
                found[name] += values
                trees[name].append(rounds)
                spent[name].append(seconds)
            print(seed, {n: (trees[n][-1], round(spent[n][-1], 2)) for n in found}, flush=True)
    print(f"python {platform.python_version()}, xgboost {xgboost.__version__}, lightgbm {lightgbm.__version__}")
    print(f"{a.threads} thread(s), seeds {a.seeds}, {len(found['loopwright'])} test tracks")
    for name, values in found.items():
        mean, low, high = interval(values)
        line = f"{name:<11} NDCG@10 {mean:.3f} [{low:.3f}, {high:.3f}]  trees {np.mean(trees[name]):.0f}"
        line += f"  CPU s {np.mean(spent[name]):.2f} a model"
        if name != "loopwright":
            mean, low, high = interval(np.array(found["loopwright"]) - values)
            line += f"  ours is {mean:+.3f} [{low:+.3f}, {high:+.3f}] above"
        print(line)


if __name__ == "__main__":
    main()
