"""The table of `gather.py`, whose makers are authors, and the honest measure: each author judged by the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

#: Kits of the labelled set, by author.
AUTHORS = {
    "A": ("GMRockKit", "The Black Pearl", "Gimme A Hand"),
    "B": ("TR808EmulationKit", "ElectricEmpireKit", "HardElectro1"),
    "C": ("Millo",),
    "D": ("sonic-pi",),
}
#: Classes whose accuracy is asked for, without the mixed bags.
EIGHT = ("kick", "snare", "hat_closed", "hat_open", "tom", "clap", "crash", "ride")
#: How answers are scored: the labelled set knows fewer classes of pitched sounds.
SCORED = {"lead": "synth", "stab": "synth", "fx": "synth"}


def author_of(source: str) -> str:
    """Fonts that borrow from each other are one author."""
    if ":" in source:
        kit = source.split(":", 1)[1]
        return next((a for a, kits in AUTHORS.items() if kit.startswith(kits)), kit)
    return {"musescore": "fluidr3"}.get(source, source)


class Table:
    """Rows of features with classes, authors and weights."""

    def __init__(self, path: Path) -> None:
        data = np.load(path)
        self.x, self.y, self.ids = data["x"].astype(np.float64), data["y"], data["id"]
        self.names, self.classes = list(data["names"]), list(data["classes"])
        self.copy, self.source = data["copy"], data["source"]
        self.author = np.array([author_of(s) for s in self.source])
        # Number of a drawn sound among those of its class and maker; 0 of a recorded one.
        number = [int("".join(filter(str.isdigit, i))) if s.startswith("drawn") else 0 for i, s in zip(self.ids, self.source)]
        self.drawn = np.array(number)
        scored = [SCORED.get(c, c) for c in self.classes]
        self.scored = np.array([scored.index(s) for s in scored])

    def weights(self, rows: np.ndarray, real: float = 1.0, drawn: float = 0.35, small: float = 60.0) -> np.ndarray:
        """Each author counts alike, unless it has little to say; within it classes count by the root of their size."""
        w = np.zeros(len(rows))
        author, y = self.author[rows], self.y[rows]
        for a in np.unique(author):
            at = author == a
            counts = np.bincount(y[at], minlength=len(self.classes))
            share = 1 / np.sqrt(counts[y[at]])
            share *= np.where(self.copy[rows][at] > 0, 0.5, 1.0)
            size = (self.copy[rows][at] == 0).sum()
            total = min(1.0, size / small) * (drawn if a.startswith("drawn") else real)
            w[at] = share / share.sum() * total
        return w * len(rows) / w.sum()

    def scaling(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        w = self.weights(rows)
        mean = np.average(self.x[rows], axis=0, weights=w)
        sd = np.sqrt(np.average((self.x[rows] - mean) ** 2, axis=0, weights=w))
        return mean, np.maximum(sd, 1e-3)


Fit = Callable[[np.ndarray, np.ndarray, np.ndarray], Callable[[np.ndarray], np.ndarray]]


def judge(table: Table, answers: np.ndarray, rows: np.ndarray) -> tuple[float, float]:
    """Accuracy, and that on the eight classes of drums, of probabilities [rows, classes]."""
    truth, said = table.scored[table.y[rows]], table.scored[answers.argmax(1)]
    right = truth == said
    eight = np.isin(table.y[rows], [table.classes.index(c) for c in EIGHT])
    return float(right.mean()), float(right[eight].mean()) if eight.any() else float("nan")


def folds(table: Table, fonts: bool = True, most: int = 25) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Author: (rows to learn from, rows to be judged on)."""
    out = {}
    for author in [*AUTHORS, *(["fluidr3", "timgm"] if fonts else [])]:
        test = np.flatnonzero((table.author == author) & (table.copy == 0))
        if author not in AUTHORS:
            rng = np.random.default_rng(0)
            picked = [rng.permutation(test[table.y[test] == c])[:most] for c in range(9)]
            test = np.sort(np.concatenate(picked))
        out[author] = np.flatnonzero(table.author != author), test
    return out


def report(table: Table, cut: dict, answers: dict[str, np.ndarray]) -> dict[str, float]:
    """Scores: the labelled set pooled, its authors, and each font."""
    own = [a for a in cut if a in AUTHORS]
    rows = np.concatenate([cut[a][1] for a in own])
    acc, acc8 = judge(table, np.concatenate([answers[a] for a in own]), rows)
    out = {"acc": acc, "acc8": acc8}
    for a in cut:
        one = judge(table, answers[a], cut[a][1])
        out[a], out[a + "8"] = one
    fonts = [a for a in cut if a not in AUTHORS]
    if fonts:
        out["fonts8"] = float(np.mean([out[a + "8"] for a in fonts]))
    return out
