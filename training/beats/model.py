"""The beat network: a strided convolutional front end and a dilated temporal convolution network.

Input, both as made by `core/src/rhythm/input.rs`:

* `mel`: (batch, 64, T), log-mel magnitudes at 22050 / 440 = 50.11 frames a second;
* `pitch`: (batch, 48, T / 2), log magnitudes of semitone bands at half that rate; T is even.

Output: `logits`: (batch, 2, T): row 0 beats, row 1 downbeats. Log-odds that frame n, centred at sample 440 n, holds one.

The trunk runs at 25 frames a second, which halves its cost and doubles its reach; each of its frames answers for two
frames of the output. Grids are exact to the millisecond elsewhere (the tracker's hypotheses); the network only has to
tell which of them is right.

After: Davies and Böck, "Temporal convolutional networks for musical audio beat tracking" (EUSIPCO 2019); Böck and
Davies, "Deconstruct, analyse, reconstruct" (ISMIR 2020).
"""

from __future__ import annotations

import torch
from torch import nn

MEL_BANDS = 64
PITCH_BANDS = 48
#: Frames a second of the mel input and of the output.
FPS = 22050 / 440


class Block(nn.Module):
    """Residual dilated convolution."""

    def __init__(self, channels: int, dilation: int, dropout: float):
        super().__init__()
        self.dilated = nn.Conv1d(channels, channels, 5, padding=2 * dilation, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(channels)
        self.mix = nn.Conv1d(channels, channels, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return x + self.mix(self.dropout(torch.relu(self.norm(self.dilated(x)))))


def conv2d(inputs: int, outputs: int, kernel, stride, padding):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class BeatNetwork(nn.Module):
    def __init__(self, channels: int = 80, blocks: int = 9, dropout: float = 0.1):
        super().__init__()
        # Heights (bands) halve, time halves once: 64 -> 32 -> 16 -> 8 and T -> T / 2.
        self.mel = nn.Sequential(
            conv2d(1, 16, (3, 3), (2, 1), (1, 1)),
            conv2d(16, 24, (3, 4), (2, 2), (1, 1)),
            conv2d(24, 32, (3, 3), (2, 1), (1, 1)),
        )
        # 48 -> 16 -> 8.
        self.pitch = nn.Sequential(
            conv2d(1, 12, (5, 3), (3, 1), (1, 1)),
            conv2d(12, 16, (3, 3), (2, 1), (1, 1)),
        )
        self.mel_mix = nn.Sequential(nn.Conv1d(32 * 8, 64, 1, bias=False), nn.BatchNorm1d(64), nn.ReLU())
        self.pitch_mix = nn.Sequential(nn.Conv1d(16 * 8, 32, 1, bias=False), nn.BatchNorm1d(32), nn.ReLU())
        self.enter = nn.Conv1d(96, channels, 1)
        # The last block comes back to the finest scale with the whole context in hand.
        dilations = [2**i for i in range(blocks - 1)] + [1]
        self.trunk = nn.Sequential(*[Block(channels, d, dropout) for d in dilations])
        self.leave = nn.Sequential(nn.BatchNorm1d(channels), nn.ReLU())
        self.heads = nn.Conv1d(channels, 4, 1)
        # Beats are rare, downbeats rarer: start there.
        nn.init.constant_(self.heads.bias, -2.5)

    def forward(self, mel, pitch):
        batch = mel.shape[0]
        # Centre the inputs roughly; ln(1 + 1000 m) of music lies between 0 and 5.
        m = self.mel((mel - 1.5).unsqueeze(1)).reshape(batch, 256, -1)
        p = self.pitch((pitch - 1.5).unsqueeze(1)).reshape(batch, 128, -1)
        x = torch.cat([self.mel_mix(m), self.pitch_mix(p)], dim=1)
        x = self.heads(self.leave(self.trunk(self.enter(x))))
        # (batch, 4, T/2) -> (batch, 2, T): channels 0 and 1 are the even and the odd frame of the beat row.
        return x.reshape(batch, 2, 2, -1).transpose(2, 3).reshape(batch, 2, -1)


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())
