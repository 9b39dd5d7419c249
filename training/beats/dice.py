"""Random choices of a composer: cheap scalars drawn in blocks from one seeded generator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class Dice:
    """Scalar draws of `np.random.default_rng(seed)`, about ten times cheaper than its own scalar calls."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self._block: list[float] = []

    def unit(self) -> float:
        """Uniform in [0, 1)."""
        if not self._block:
            self._block = self.rng.random(1024).tolist()
        return self._block.pop()

    def coin(self, p: float = 0.5) -> bool:
        """True with probability `p`."""
        return self.unit() < p

    def uniform(self, low: float, high: float) -> float:
        """Uniform in [low, high)."""
        return low + (high - low) * self.unit()

    def whole(self, low: int, high: int) -> int:
        """Whole number from `low` to `high`, both included."""
        return low + int((high - low + 1) * self.unit())

    def pick(self, options: Sequence[T]) -> T:
        """One of `options`, all alike."""
        return options[int(len(options) * self.unit())]

    def weighted(self, options: Sequence[tuple[T, float]]) -> T:
        """One of (value, weight) pairs."""
        total = sum(weight for _, weight in options)
        left = total * self.unit()
        for value, weight in options:
            left -= weight
            if left < 0.0:
                return value
        return options[-1][0]

    def some(self, options: Sequence[T], count: int) -> list[T]:
        """`count` different ones of `options`, in random order."""
        pool = list(options)
        chosen = []
        for _ in range(min(count, len(pool))):
            chosen.append(pool.pop(int(len(pool) * self.unit())))
        return chosen
