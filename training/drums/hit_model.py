"""The hit network: convolutions over each candidate's patch, then over its neighbours in time.

Input, as made by `core/src/drums/patch.rs`, for N candidates of one recording in order of time:

* `patch` (N, 48, 32), `low` (N, 16, 8), `scalars` (N, 22).

Output: `logits` (N, 10): is a drum, kick, snare, hat_closed, hat_open, tom, clap, crash, ride, perc. A candidate may be
several at once.

The second part sees the neighbours because a groove says much about a sound: what comes on every eighth is a hat or its
stand-in, and a sound is bright or dull only beside the others of its kit.
"""

from __future__ import annotations

import torch
from torch import nn

from hit_classes import CLASSES

BANDS, COLUMNS = 48, 32
LOW_BANDS, LOW_COLUMNS = 16, 8
SCALARS = 22
OUTPUTS = 1 + len(CLASSES)


def _conv(inputs: int, outputs: int, stride: tuple[int, int], kernel: tuple[int, int] = (3, 3)) -> nn.Sequential:
    padding = (kernel[0] // 2, kernel[1] // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class Block(nn.Module):
    """Residual dilated convolution over candidates."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.dilated = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.mix = nn.Conv1d(width, width, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, there: torch.Tensor | None = None) -> torch.Tensor:
        y = torch.relu(self.norm(x))
        if there is not None:
            y = y * there
        return x + self.mix(self.dropout(torch.relu(self.dilated(y))))


class HitNetwork(nn.Module):
    """See the module. `forward` returns the logits with neighbours and, for training, those without."""

    def __init__(self, width: int = 64, dropout: float = 0.15) -> None:
        super().__init__()
        # 48 x 32 -> 24 x 16 -> 12 x 8 -> 6 x 4 -> 3 x 4.
        self.patch = nn.Sequential(
            _conv(2, 20, (2, 2), (3, 5)), _conv(20, 32, (2, 2)), _conv(32, 48, (2, 2)), _conv(48, 64, (2, 1))
        )
        self.shape = nn.Sequential(nn.Linear(64 * 12, 96), nn.ReLU())
        self.low = nn.Sequential(nn.Linear(LOW_BANDS * LOW_COLUMNS, 48), nn.ReLU())
        self.scale = nn.BatchNorm1d(SCALARS)
        self.join = nn.Sequential(nn.Linear(96 + 48 + SCALARS, 128), nn.ReLU(), nn.Dropout(dropout))
        self.alone = nn.Linear(128, OUTPUTS)
        self.enter = nn.Linear(128 + SCALARS, width)
        self.about = nn.Linear(width, width)
        self.blocks = nn.ModuleList(Block(width, d, dropout) for d in (1, 2, 4, 8))
        self.leave = nn.Sequential(nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(dropout))
        self.heads = nn.Linear(width, OUTPUTS)
        nn.init.constant_(self.alone.bias, -2.0)
        nn.init.zeros_(self.heads.weight)
        nn.init.zeros_(self.heads.bias)

    def both(
        self, patch: torch.Tensor, low: torch.Tensor, scalars: torch.Tensor, there: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits with and without neighbours, each (songs, N, 10), of inputs with a leading axis of songs.

        `there` (songs, N), if given, is 0 for rows that only fill up the batch.
        """
        songs, n = patch.shape[:2]
        p = patch.reshape(songs * n, 1, BANDS, COLUMNS)
        # What was there before the attack, taken away, is the second channel.
        before = p[..., 1:5].mean(dim=-1, keepdim=True)
        x = self.patch(torch.cat([p + 1.5, p - before], dim=1)).reshape(songs * n, -1)
        s = self.scale(scalars.reshape(songs * n, SCALARS))
        l = self.low(low.reshape(songs * n, -1) + 1.5)
        e = self.join(torch.cat([self.shape(x), l, s], dim=1))
        alone = self.alone(e)
        y = self.enter(torch.cat([e, s], dim=1)).reshape(songs, n, -1)
        # What the recording is like on the whole.
        if there is None:
            whole = torch.relu(y).mean(dim=1, keepdim=True)
        else:
            whole = (torch.relu(y) * there[..., None]).sum(dim=1, keepdim=True) / there.sum(dim=1)[:, None, None].clamp(min=1.0)
        y = y + self.about(whole)
        y = y.transpose(1, 2)
        for block in self.blocks:
            y = block(y, None if there is None else there[:, None])
        y = self.leave(y).transpose(1, 2).reshape(songs * n, -1)
        logits = alone + self.heads(y)
        return logits.reshape(songs, n, OUTPUTS), alone.reshape(songs, n, OUTPUTS)

    def forward(self, patch: torch.Tensor, low: torch.Tensor, scalars: torch.Tensor) -> torch.Tensor:
        """Logits (N, 10) of one recording. Rows whose scalars are all 0 are taken for filling, which no neighbour hears."""
        there = torch.clamp(scalars.abs().sum(dim=1) * 1e4, max=1.0)
        return self.both(patch[None], low[None], scalars[None], there[None])[0][0]


def parameters(model: nn.Module) -> int:
    """Number of trained numbers."""
    return sum(p.numel() for p in model.parameters())
