"""What every model is turned into before it becomes a graph: a chain of steps from columns to one score."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from .errors import ConvertError

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int64]


@dataclass
class Fill:
    """Puts ``values [columns]`` in place of what is missing (NaN)."""

    values: Floats


@dataclass
class Scale:
    """``(x - shift) / spread``, column by column, ``[columns]`` each."""

    shift: Floats
    spread: Floats


@dataclass
class Dense:
    """``x @ weight + bias``: ``[columns, outputs]`` and ``[outputs]``; then an activation: ``relu``, ``tanh``, ``sigmoid``
    or none."""

    weight: Floats
    bias: Floats
    activation: str | None = None


@dataclass
class Forest:
    """Trees, all their nodes in one list. A row goes left where ``x[feature] < threshold``, to ``missing`` where it is NaN;
    a leaf points to itself. The score is ``base`` and the sum of the leaves' values, then perhaps a sigmoid."""

    roots: Ints
    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    missing: Ints
    value: Floats
    depth: int
    base: float = 0.0
    sigmoid: bool = False


Step: TypeAlias = Fill | Scale | Dense | Forest


@dataclass
class Scorer:
    """A model, ready to be written."""

    #: ``mlp``, ``forest``, …
    kind: str
    #: The columns that it reads, in order; none where the file does not say.
    columns: list[str] | None
    #: How many they are.
    width: int
    steps: list[Step]
    #: ``relative`` or ``probability``.
    output: str
    #: What to tell the user.
    notes: list[str] = field(default_factory=list)
    #: The original's own prediction, ``[rows, columns]`` to ``[rows]``, to check the outcome against.
    original: object = None


class ForestBuilder:
    """Gathers trees."""

    def __init__(self) -> None:
        self._roots: list[int] = []
        self._parts: dict[str, list[npt.NDArray[np.generic]]] = {
            name: [] for name in ("feature", "threshold", "left", "right", "missing", "value")
        }
        self._size = 0
        self._depth = 0

    def add(
        self,
        left: npt.ArrayLike,
        right: npt.ArrayLike,
        feature: npt.ArrayLike,
        threshold: npt.ArrayLike,
        missing_left: npt.ArrayLike,
        value: npt.ArrayLike,
    ) -> None:
        """Adds a tree of ``[nodes]`` each, its root first; a leaf's ``left`` is negative. ``value`` counts at leaves."""
        go_left, go_right = np.asarray(left, np.int64), np.asarray(right, np.int64)
        leaf = go_left < 0
        own = np.arange(len(go_left), dtype=np.int64)
        if (~leaf).any() and (go_right[~leaf] < 0).any():
            raise ConvertError("a tree has a node with one branch only: the file is damaged")
        here = np.where(leaf, own, go_left), np.where(leaf, own, go_right)
        if max(part.max(initial=0) for part in here) >= len(own):
            raise ConvertError("a tree points beyond its end: the file is damaged")
        self._depth = max(self._depth, _depth(*here, leaf))
        self._roots.append(self._size)
        parts = {
            "feature": np.where(leaf, 0, np.asarray(feature, np.int64)),
            "threshold": np.where(leaf, np.float32(0), np.asarray(threshold, np.float32)),
            "left": here[0] + self._size,
            "right": here[1] + self._size,
            "missing": np.where(np.asarray(missing_left, bool), *here) + self._size,
            "value": np.where(leaf, np.asarray(value, np.float32), np.float32(0)),
        }
        for name, part in parts.items():
            self._parts[name].append(part)
        self._size += len(own)

    def finish(self, base: float = 0.0, sigmoid: bool = False) -> Forest:
        """The forest."""
        if not self._roots:
            raise ConvertError("it has no trees: was it trained?")

        def ints(name: str) -> Ints:
            return np.concatenate(self._parts[name]).astype(np.int64)

        def floats(name: str) -> Floats:
            return np.concatenate(self._parts[name]).astype(np.float32)

        return Forest(
            roots=np.asarray(self._roots, np.int64),
            feature=ints("feature"),
            threshold=floats("threshold"),
            left=ints("left"),
            right=ints("right"),
            missing=ints("missing"),
            value=floats("value"),
            depth=self._depth,
            base=base,
            sigmoid=sigmoid,
        )


def _depth(left: Ints, right: Ints, leaf: npt.NDArray[np.bool_]) -> int:
    """How many decisions the longest path has."""
    here, depth = np.zeros(1, np.int64), 0
    while True:
        here = here[~leaf[here]]
        if len(here) == 0:
            return depth
        here = np.concatenate([left[here], right[here]])
        depth += 1
        if depth > len(left):
            raise ConvertError("a tree goes round in circles: the file is damaged")


def at_most(threshold: npt.NDArray[np.float64]) -> Floats:
    """For each ``t`` the 32-bit ``s`` for which ``x < s`` holds just where ``x <= t`` does, for all 32-bit ``x``."""
    below = threshold.astype(np.float32)
    below = np.where(below.astype(np.float64) > threshold, np.nextafter(below, np.float32(-np.inf)), below)
    above: Floats = np.nextafter(below, np.float32(np.inf)).astype(np.float32)
    return above
