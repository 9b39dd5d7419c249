"""Fits what `core/src/analysis/loop_file` knows: beats of a loop, content, loop or single sound.

    loop_traits TRAIN > train.jsonl, and so on
    python fit.py --train TRAIN=train.jsonl --singles S=s.jsonl --dev DEV=dev.jsonl --out ../../core/src/analysis/loop_file/weights.rs

Beats: a network of one hidden layer scores each number of beats that a file may hold; the loss is the cross-entropy of a
softmax over those of one file. Content and kind: linear. `--report SET=t.jsonl` only tells how a set does.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

#: As in `content.rs`.
CLASSES = ("drums", "perc", "full", "melodic", "chords", "drone")
#: As in `loop_file.rs`: traits beyond this many deviations count no more.
MOST = 5.0
#: Indices of traits that follow the tempo, in `tempo.rs`.
OCTAVES, SECONDS = 0, 13


def class_of(tags: list[str]) -> int:
    """Which of `CLASSES` an item of these tags is; −1 for none."""
    for name in ("drone", "full", "perc", "drums", "melodic", "chords"):
        if name in tags:
            return CLASSES.index(name)
    return -1


class Set:
    """A labelled set with its traits."""

    def __init__(self, spec: str) -> None:
        folder, traits = spec.split("=")
        truth = {m["id"]: m for m in json.loads((Path(folder) / "manifest.json").read_text())}
        rows = [json.loads(line) for line in open(traits, encoding="utf-8")]
        self.rows = [r for r in rows if r["candidates"] is not None]
        self.truth = [truth[r["id"]] for r in self.rows]
        width = max([len(r["candidates"]) for r in self.rows] or [1])
        n = next(len(c["traits"]) for r in self.rows for c in r["candidates"])
        self.x = np.zeros((len(self.rows), width, n), np.float32)
        self.mask = np.zeros((len(self.rows), width), bool)
        self.beats = np.zeros((len(self.rows), width))
        self.meter = np.zeros((len(self.rows), width), int)
        self.target = np.full(len(self.rows), -1)
        for i, (r, m) in enumerate(zip(self.rows, self.truth)):
            for j, c in enumerate(r["candidates"]):
                self.x[i, j], self.mask[i, j] = c["traits"], True
                self.beats[i, j], self.meter[i, j] = c["beats"], c["meter"]
                if "bars" in m and c["meter"] == m["meter"] and abs(c["beats"] - m["bars"] * m["meter"]) < 1e-6 and m.get("bpm_trust") != "low":
                    self.target[i] = j
        self.content = np.array([r["content"] for r in self.rows], np.float32)
        self.cls = np.array([class_of(m.get("tags", [])) for m in self.truth])
        self.seconds = np.array([r["seconds"] for r in self.rows])

    def judge(self, scores: np.ndarray) -> np.ndarray:
        """Rows of (right tempo, right bars); NaN where the truth is not certain."""
        scores = np.where(self.mask, scores, -1e9)
        out = []
        for i, m in enumerate(self.truth):
            if m.get("bpm_trust") == "low" or "bpm" not in m:
                out.append((np.nan, np.nan))
                continue
            odds: dict[float, float] = {}
            p = np.exp(scores[i] - scores[i].max())
            for j in np.flatnonzero(self.mask[i]):
                odds[self.beats[i, j]] = odds.get(self.beats[i, j], 0.0) + p[j]
            if not odds:
                out.append((0.0, 0.0))
                continue
            beats = max(odds, key=odds.get)
            best = max((j for j in np.flatnonzero(self.mask[i]) if self.beats[i, j] == beats), key=lambda j: scores[i, j])
            bpm = beats * 60 / self.seconds[i]
            out.append((abs(bpm / m["bpm"] - 1) <= 0.04, abs(beats / self.meter[i, best] - m["bars"]) < 0.01))
        return np.array(out, float)


def shift(x: torch.Tensor, octaves: torch.Tensor, rate: int) -> torch.Tensor:
    """Candidates as they would be had the file been played faster by so much."""
    x = x.clone()
    o = x[..., OCTAVES] + octaves[:, None]
    x[..., 0], x[..., 1] = o, o * o
    x[..., 2], x[..., 3] = (-o - 0.5).clamp(min=0), (o - 0.25).clamp(min=0)
    x[..., SECONDS] -= octaves[:, None] * float(np.log(2))
    x[..., rate] += octaves[:, None] * float(np.log(2))
    return x


def fit_beats(sets: list[Set], hidden: int, seed: int, epochs: int, decay: float, jitter: float, rate: int) -> dict:
    """Weights of the network."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    width = max(s.x.shape[1] for s in sets)
    pad = lambda a: np.pad(a, [(0, 0), (0, width - a.shape[1])] + [(0, 0)] * (a.ndim - 2))  # noqa: E731
    x, mask = np.concatenate([pad(s.x) for s in sets]), np.concatenate([pad(s.mask) for s in sets])
    target = np.concatenate([s.target for s in sets])
    keep = target >= 0
    x, mask, target = x[keep], mask[keep], target[keep]
    flat = x[mask]
    mean, gain = flat.mean(0), 1.0 / np.maximum(flat.std(0), 1e-3)
    x, mask, target = torch.tensor(x), torch.tensor(mask), torch.tensor(target)
    m, g = torch.tensor(mean), torch.tensor(gain)
    first, second = torch.nn.Linear(x.shape[-1], hidden), torch.nn.Linear(hidden, 1, bias=False)
    opt = torch.optim.AdamW([*first.parameters(), *second.parameters()], lr=3e-3, weight_decay=decay)
    steps = epochs * (len(x) // 128 + 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(opt, 6e-3, total_steps=steps)
    done = 0
    while done < steps:
        order = torch.randperm(len(x))
        for at in range(0, len(x), 128):
            if done >= steps:
                break
            i = order[at : at + 128]
            batch = shift(x[i], torch.randn(len(i)) * jitter, rate)
            z = ((batch - m) * g).clamp(-MOST, MOST)
            z = z * (torch.rand(len(i), 1, z.shape[-1]) > 0.1)
            score = second(torch.relu(first(z))).squeeze(-1).masked_fill(~mask[i], -1e9)
            loss = torch.nn.functional.cross_entropy(score, target[i], label_smoothing=0.0)
            opt.zero_grad()
            loss.backward()
            opt.step()
            schedule.step()
            done += 1
    return {"mean": mean, "gain": gain, "first": first.weight.detach().numpy().T, "bias": first.bias.detach().numpy(),
            "second": second.weight.detach().numpy()[0]}  # fmt: skip


def score(w: dict, x: np.ndarray) -> np.ndarray:
    """What the network says."""
    z = np.clip((x - w["mean"]) * w["gain"], -MOST, MOST)
    return np.maximum(z @ w["first"] + w["bias"], 0) @ w["second"]


def fit_linear(x: np.ndarray, y: np.ndarray, classes: int, ridge: float) -> dict:
    """Softmax regression (`classes` > 1) or logistic regression (1), classes weighed alike by the root of their number."""
    torch.manual_seed(1)
    mean, gain = x.mean(0), 1.0 / np.maximum(x.std(0), 1e-3)
    z = torch.tensor(np.clip((x - mean) * gain, -MOST, MOST))
    t = torch.tensor(y)
    layer = torch.nn.Linear(x.shape[1], classes)
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    counts = np.bincount(y, minlength=max(2, classes)).astype(np.float32)
    weight = torch.tensor(1 / np.sqrt(np.maximum(counts, 1)))
    opt = torch.optim.LBFGS(layer.parameters(), max_iter=400, line_search_fn="strong_wolfe")

    def closure():
        opt.zero_grad()
        if classes > 1:
            loss = torch.nn.functional.cross_entropy(layer(z), t, weight=weight)
        else:
            loss = torch.nn.functional.binary_cross_entropy_with_logits(layer(z)[:, 0], t.float(), weight=weight[t] / weight.mean())
        loss = loss + ridge * (layer.weight**2).sum()
        loss.backward()
        return loss

    opt.step(closure)
    return {"mean": mean, "gain": gain, "weight": layer.weight.detach().numpy().T, "bias": layer.bias.detach().numpy()}


def linear(w: dict, x: np.ndarray) -> np.ndarray:
    """What a linear model says."""
    return np.clip((x - w["mean"]) * w["gain"], -MOST, MOST) @ w["weight"] + w["bias"]


def interval(x: np.ndarray) -> str:
    """Mean and its 95 % interval by the bootstrap."""
    x = x[~np.isnan(x)]
    if not len(x):
        return "-"
    rng = np.random.default_rng(0)
    means = x[rng.integers(0, len(x), (2000, len(x)))].mean(1)
    return f"{x.mean():.3f} [{np.quantile(means, 0.025):.3f}, {np.quantile(means, 0.975):.3f}]"


def numbers(a: np.ndarray) -> str:
    """A Rust array."""
    if a.ndim == 1:
        return "[" + ", ".join(f"{v:.4}" if abs(v) >= 1e-4 and "e" not in f"{v:.4}" else f"{v:.6f}" for v in a.astype(float)).replace("nan", "0.0") + "]"
    return "[" + ", ".join(numbers(r) for r in a) + "]"


def rust(beats: dict, content: dict, kind: dict) -> str:
    """The source that holds the weights."""
    fix = lambda s: s  # noqa: E731
    table = lambda w, keys: "\n".join(  # noqa: E731
        f"    {k}: " + (numbers(w[k]) if w[k].ndim == 1 else "[\n" + "".join(f"        {numbers(r)},\n" for r in w[k]) + "    ]") + "," for k in keys
    )
    return fix(f"""//! Weights, written by `training/loops/fit.py`.

use super::content::{{CONTENT_TRAITS, Linear}};
use super::tempo::TRAITS;

/// Units of the network.
pub(super) const HIDDEN: usize = {len(beats["bias"])};
/// Kinds of content.
pub(super) const CLASSES: usize = {len(CLASSES)};

/// Weights of the network that scores numbers of beats.
pub(super) struct Tempo {{
    pub(super) mean: [f32; TRAITS],
    pub(super) gain: [f32; TRAITS],
    pub(super) first: [[f32; HIDDEN]; TRAITS],
    pub(super) bias: [f32; HIDDEN],
    pub(super) second: [f32; HIDDEN],
}}

#[rustfmt::skip]
pub(super) static TEMPO: Tempo = Tempo {{
{table(beats, ("mean", "gain", "first", "bias", "second"))}
}};

#[rustfmt::skip]
pub(super) static CONTENT: Linear<CLASSES> = Linear {{
{table(content, ("mean", "gain", "weight", "bias"))}
}};

#[rustfmt::skip]
pub(super) static ROUND: Linear<1> = Linear {{
{table(kind, ("mean", "gain", "weight", "bias"))}
}};
""")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", nargs="+", required=True)
    parser.add_argument("--singles", nargs="+", default=[])
    parser.add_argument("--report", nargs="*", default=[])
    parser.add_argument("--report-singles", nargs="*", default=[])
    parser.add_argument("--hidden", type=int, default=24)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--decay", type=float, default=0.05)
    parser.add_argument("--jitter", type=float, default=0.08)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    train, report = [Set(s) for s in options.train], {s: Set(s) for s in options.report}
    # The attacks a second stand after bars' profiles and likenesses.
    rate = train[0].x.shape[-1] - 14
    for seed in range(options.seeds):
        beats = fit_beats(train, options.hidden, seed, options.epochs, options.decay, options.jitter, rate)
        for name, s in report.items():
            j = s.judge(score(beats, s.x))
            print(f"{seed} {name.split('=')[1]:34} tempo {interval(j[:, 0])}  bars {interval(j[:, 1])}")
    x, y = np.concatenate([s.content for s in train]), np.concatenate([s.cls for s in train])
    content = fit_linear(x[y >= 0], y[y >= 0], len(CLASSES), 1e-4)
    for name, s in report.items():
        known = s.cls >= 0
        got = linear(content, s.content).argmax(1)
        print(f"content {name.split('=')[1]:28} {interval((got == s.cls)[known].astype(float))}")
        for c, word in enumerate(CLASSES):
            if (s.cls == c).any():
                print(f"   {word:8}", {CLASSES[k]: int(n) for k, n in enumerate(np.bincount(got[s.cls == c], minlength=len(CLASSES))) if n})
    read = lambda p: np.array([r["content"] for r in map(json.loads, open(p, encoding="utf-8")) if r["content"]], np.float32)  # noqa: E731
    singles = np.concatenate([read(p) for p in options.singles]) if options.singles else np.zeros((0, x.shape[1]), np.float32)
    kind = fit_linear(np.concatenate([x, singles]), np.concatenate([np.ones(len(x), int), np.zeros(len(singles), int)]), 1, 1e-4)
    for name, s in report.items():
        print(f"a loop {name.split('=')[1]:29} {interval((linear(kind, s.content)[:, 0] > 0).astype(float))}")
    for p in options.report_singles:
        print(f"a single sound {p:21} {interval((linear(kind, read(p))[:, 0] <= 0).astype(float))}")
    if options.out:
        options.out.write_text(rust(beats, content, kind))


if __name__ == "__main__":
    main()
