"""The two halves of the classifier: neighbours under a kernel, and small networks; and their mixture.

Distances carry over to makers that were never heard better than boundaries do; boundaries are better inside the classes
that the neighbours confuse. Each half is a few arrays, so that `export.py` can write it as a graph of plain operators.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.spatial.distance import cdist
from torch import nn

#: Scaled features are held within these bounds.
CLIP = 4.0
#: Added to distances, so that a sound that was learnt is no division by zero.
NEAR = 1.0


def quantised(x: np.ndarray) -> np.ndarray:
    """Scaled features as signed bytes."""
    return np.round(np.clip(x, -CLIP, CLIP) * (127 / CLIP)).astype(np.int8)


@dataclass
class Neighbours:
    """Votes of all that was learnt, weighted by exp(-sharpness (d / nearest d - 1)): no bandwidth, no k.

    d is the sum of absolute differences: a few features that are far off count for less than in squares.
    """

    reference: np.ndarray
    """Signed bytes [N, K]."""
    votes: np.ndarray
    """Halves [N, C]."""
    sharpness: float

    @classmethod
    def fit(cls, x: np.ndarray, y: np.ndarray, w: np.ndarray, classes: int, sharpness: float = 8.0) -> Neighbours:
        return cls(quantised(x), (np.eye(classes)[y] * (w / w.max())[:, None]).astype(np.float16), sharpness)

    def __call__(self, z: np.ndarray) -> np.ndarray:
        d = cdist(z, self.reference.astype(np.float64) * (CLIP / 127), "cityblock") + NEAR
        p = np.exp(-self.sharpness * (d / d.min(1, keepdims=True) - 1)) @ self.votes.astype(np.float64)
        return p / p.sum(1, keepdims=True)


@dataclass
class Networks:
    """Several perceptrons of one hidden layer, averaged."""

    layers: list[list[np.ndarray]]
    """For each: weights [K, H], bias [H], weights [H, C], bias [C]."""

    @classmethod
    def fit(
        cls, x: np.ndarray, y: np.ndarray, w: np.ndarray, classes: int, *, count: int = 4, hidden: int = 128,
        steps: int = 600, mix: float = 0.3, rate: float = 4e-3, batch: int = 192, decay: float = 1e-2, seed: int = 0,
    ) -> Networks:
        """Mixup (Zhang et al., ICLR 2018), noise on the features, drop-out, smoothed labels; rows drawn by weight.

        Every other network learns under more noise than the one before it.
        """
        xs = torch.tensor(x, dtype=torch.float32)
        ys = F.one_hot(torch.tensor(y), classes).float()
        p = torch.tensor(w / w.sum(), dtype=torch.float32)
        layers = []
        for i in range(count):
            torch.manual_seed(seed + i)
            noise, drop = ((0.3, 0.3), (0.7, 0.45))[i % 2]
            net = nn.Sequential(
                nn.Dropout(0.1), nn.Linear(x.shape[1], hidden), nn.ReLU(), nn.Dropout(drop), nn.Linear(hidden, classes)
            )
            optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=decay)
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
            for _ in range(steps):
                a, b = torch.multinomial(p, batch, True), torch.multinomial(p, batch, True)
                share = torch.distributions.Beta(mix, mix).sample((batch, 1))
                mixed = share * xs[a] + (1 - share) * xs[b] + noise * torch.randn(batch, x.shape[1])
                wanted = (share * ys[a] + (1 - share) * ys[b]) * 0.95 + 0.05 / classes
                loss = -(wanted * F.log_softmax(net(mixed), 1)).sum(1).mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
            first, last = net[1], net[4]
            arrays = (first.weight.T, first.bias, last.weight.T, last.bias)
            layers.append([a.detach().numpy().astype(np.float16) for a in arrays])
        return cls(layers)

    def __call__(self, z: np.ndarray) -> np.ndarray:
        out = 0
        for layers in self.layers:
            a, b, c, d = (v.astype(np.float64) for v in layers)
            logits = np.maximum(z @ a + b, 0) @ c + d
            e = np.exp(logits - logits.max(1, keepdims=True))
            out = out + e / e.sum(1, keepdims=True)
        return out / len(self.layers)


@dataclass
class Mixture:
    """Both, scaled inputs and a prior over classes included."""

    mean: np.ndarray
    scale: np.ndarray
    neighbours: Neighbours
    networks: Networks
    share: float
    """Of the networks, 0 to 1."""
    prior: np.ndarray

    def scaled(self, x: np.ndarray) -> np.ndarray:
        return np.clip((x - self.mean) / self.scale, -CLIP, CLIP)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        z = self.scaled(x)
        p = ((1 - self.share) * self.neighbours(z) + self.share * self.networks(z)) * self.prior
        return p / p.sum(1, keepdims=True)
