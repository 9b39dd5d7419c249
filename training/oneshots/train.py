"""Judges the classifier author by author, and fits the one that ships on all of them.

    python train.py DATA.npz --out MODEL.pkl [--judge]
"""

from __future__ import annotations

import argparse
import pickle
from pathlib import Path

import numpy as np
import torch
from folds import EIGHT, Table, folds, report
from models import CLIP, Mixture, Neighbours, Networks

#: Share of the networks in the mixture.
SHARE = 0.4
#: What the mixed bag and the pitched sounds are worth against a drum: a slip between drums costs a user less than a
#: drum called "something else".
REST = 0.85
#: Drawn sounds of a class and maker that stand among the neighbours; more are no better and fill the file.
DRAWN = 30


def fit(table: Table, rows: np.ndarray, count: int = 4) -> Mixture:
    """The classifier that these rows make."""
    classes = len(table.classes)
    mean, scale = table.scaling(rows)
    z = np.clip((table.x[rows] - mean) / scale, -CLIP, CLIP)
    w = table.weights(rows)
    # Treated copies teach the networks; among neighbours they would only be echoes of what stands there already.
    own = (table.copy[rows] == 0) & (table.drawn[rows] < DRAWN)
    neighbours = Neighbours.fit(z[own], table.y[rows][own], table.weights(rows[own]), classes)
    # For boundaries rare classes count more than their number, common ones less.
    count_of = np.maximum(np.bincount(table.y[rows], weights=w, minlength=classes), 1e-9)
    networks = Networks.fit(z, table.y[rows], w / count_of[table.y[rows]] ** 0.3, classes, count=count)
    prior = np.array([1.0 if c in EIGHT else REST for c in table.classes])
    return Mixture(mean, scale, neighbours, networks, SHARE, prior)


def confusion(table: Table, cut: dict, answers: dict[str, np.ndarray]) -> str:
    """Rows: truth; columns: answers. The labelled set only."""
    scored = ["synth" if c in ("lead", "stab", "fx") else c for c in table.classes]
    names = list(dict.fromkeys(scored))
    count = np.zeros((len(names), len(names)), int)
    for a in (a for a in cut if len(a) == 1):
        for row, p in zip(cut[a][1], answers[a], strict=True):
            count[names.index(scored[table.y[row]]), names.index(scored[p.argmax()])] += 1
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| {n} | " + " | ".join(map(str, count[i])) + " |" for i, n in enumerate(names) if count[i].sum()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--judge", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    table = Table(args.data)
    if args.judge:
        cut = folds(table)
        models = {a: fit(table, learn) for a, (learn, _) in cut.items()}
        halves = {
            "mixture": lambda m, x: m(x),
            "neighbours": lambda m, x: m.neighbours(m.scaled(x)) * m.prior,
            "networks": lambda m, x: m.networks(m.scaled(x)) * m.prior,
        }
        for name, say in halves.items():
            answers = {a: say(models[a], table.x[test]) for a, (_, test) in cut.items()}
            print(name, {k: round(v, 3) for k, v in report(table, cut, answers).items()})
            if name == "mixture":
                print(confusion(table, cut, answers))
    if args.out:
        model = fit(table, np.arange(len(table.y)))
        args.out.write_bytes(pickle.dumps((table.names, table.classes, model)))


if __name__ == "__main__":
    main()
