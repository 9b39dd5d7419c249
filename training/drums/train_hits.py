"""Trains the hit network.

    python train_hits.py --data FEATURES --out RUN --steps 4000 [--without fluid] [--resume]

`--without` leaves recordings out in which sounds of a family of sources are heard (`fluid`, `timgm`, `hydrogen`), so that
the network can be judged on them.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from hit_features import UNKNOWN
from hit_model import BANDS, COLUMNS, OUTPUTS, HitNetwork, parameters

#: What a missed hit of an output weighs against a false one.
WEIGHTS = torch.tensor([1.0, 1.0, 1.1, 1.0, 1.2, 1.2, 1.4, 1.4, 1.2, 1.1])
#: What parts of the hits in music each class is taken to have. The generator plays rare classes often, so that they are
#: learned; where a sound could be two things, what is likely in music shall win.
USUAL = np.array([0.23, 0.15, 0.33, 0.055, 0.045, 0.025, 0.025, 0.065, 0.15])
SMOOTHING = 0.02


class Songs:
    """Recordings in memory, and batches of stretches of them."""

    def __init__(self, folders: list[Path], without: list[str], length: int, seed: int, balance: float = 0.8) -> None:
        self.folders, self.without, self.length, self.balance = folders, set(without), length, balance
        self.rng = np.random.default_rng(seed)
        self.items: list[tuple[np.ndarray, ...]] = []
        self._recorded: list[float] = []
        self._known: set[Path] = set()
        self.scan()

    def scan(self) -> None:
        """Loads what is new in the folders."""
        for path in sorted(p for f in self.folders for p in f.glob("*.npz") if p not in self._known):
            self._known.add(path)
            with np.load(path) as data:
                if set(data["families"].tolist()) & self.without or len(data["times"]) < 12:
                    continue
                self.items.append(tuple(data[k] for k in ("patch", "low", "scalars", "target")))
                kits = [s.split(":")[0] for s in data["sources"].tolist()]
                self._recorded.append(float(np.mean([k != "drawn" for k in kits])) if kits else 0.5)
        sizes = np.array([min(self.length, len(i[3])) for i in self.items], dtype=float)
        # What was recorded is heard three times as often as what was synthesised.
        self.shares = sizes * (1 + 2 * np.array(self._recorded))
        self.shares /= self.shares.sum()
        self.candidates = int(sum(len(i[3]) for i in self.items))
        played = np.zeros(OUTPUTS - 1)
        for share, item in zip(self.shares, self.items, strict=True):
            played += share * (item[3][:, 1:] == 1).mean(axis=0)
        weights = (USUAL / (played / played.sum())) ** self.balance
        weights /= (weights * USUAL).sum()
        self.weights = torch.from_numpy(np.concatenate([[1.0], weights]).astype(np.float32))

    def batch(self, songs: int) -> list[torch.Tensor]:
        """Stretches of several recordings: patch, low, scalars, target; short ones are repeated to the length."""
        rows: list[list[np.ndarray]] = [[], [], [], []]
        for i in self.rng.choice(len(self.items), songs, p=self.shares):
            item = self.items[i]
            n = len(item[3])
            first = int(self.rng.integers(0, max(1, n - self.length + 1)))
            index = np.arange(first, first + self.length)
            target = item[3]
            parts = [part[np.minimum(index, n - 1)] for part in item[:3]]
            wanted = target[np.minimum(index, n - 1)].copy()
            wanted[index >= n] = UNKNOWN
            for row, part in zip(rows, [*parts, wanted], strict=True):
                row.append(part)
        arrays = [np.stack(row) for row in rows]
        return [torch.from_numpy(a.astype(np.float32)) for a in arrays[:3]] + [torch.from_numpy(arrays[3])]


def augment(rng: torch.Generator, patch: torch.Tensor, low: torch.Tensor, scalars: torch.Tensor) -> None:
    """Other recordings of the same: equaliser curves, noise floors, other tracks' levels, missing bands. In place."""
    songs, n = patch.shape[:2]

    def u(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=rng)

    def g(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=rng)

    # A smooth curve over the bands per recording (units of 20 dB), and a gentler one per candidate.
    x = torch.linspace(0, 1, BANDS)
    basis = torch.stack([torch.ones(BANDS), x - 0.5, torch.cos(2 * math.pi * x), torch.sin(2 * math.pi * x), torch.cos(4 * math.pi * x), torch.sin(4 * math.pi * x)])
    scale = torch.tensor([0.08, 0.25, 0.08, 0.08, 0.05, 0.05]) * (u(songs, 1) < 0.7)
    curve = (g(songs, 6) * scale) @ basis
    patch += curve[:, None, :, None]
    shift = g(songs, 1, 1, 1) * 0.08 * (u(songs, 1, 1, 1) < 0.5)
    patch += shift
    low += (shift + (curve[:, :8].mean(dim=1)[:, None, None, None])) * 1.0
    # Noise floors: nothing is quieter than a level of the recording.
    floor = torch.where(u(songs, 1, 1, 1) < 0.25, -1.5 - 2.0 * u(songs, 1, 1, 1), torch.tensor(-4.0))
    torch.maximum(patch, floor + 0.03 * g(songs, n, BANDS, 1), out=patch)
    # A stretch of bands that is missing, or steps of time.
    for s in range(songs):
        if float(u(1)) < 0.2:
            width = int(1 + 8 * float(u(1)))
            first = int(float(u(1)) * (BANDS - width))
            patch[s, :, first : first + width] = patch[s, :, first : first + width].mean(dim=(-1, -2), keepdim=True)
        if float(u(1)) < 0.1:
            # No treble: an old recording, a codec.
            top = int(BANDS * (0.75 + 0.25 * float(u(1))))
            patch[s, :, top:] = -3.9
    patch += 0.03 * g(songs, n, BANDS, COLUMNS)
    patch.clamp_(min=-4.0)
    low += 0.03 * g(*low.shape)
    low.clamp_(min=-4.0)
    scalars += 0.05 * g(*scalars.shape)
    # Some scalars of a recording say nothing.
    scalars *= 1 - (u(songs, 1, scalars.shape[-1]) < 0.04).float()


def loss_of(logits: torch.Tensor, target: torch.Tensor, shares: torch.Tensor, weights: torch.Tensor = WEIGHTS) -> torch.Tensor:
    """Cross-entropy of what is known; classes count where there is a drum, and for a sixth where there is none.

    `shares` weighs candidates by what sounds there (the mean, if several do).
    """
    known = (target != UNKNOWN).float()
    wanted = torch.where(target == 1, 1.0 - SMOOTHING, SMOOTHING / 2)
    each = nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    each = each * torch.where(target == 1, weights, torch.ones(()))
    # A little more for what is wrong than for what is already right.
    sure = torch.exp(-nn.functional.binary_cross_entropy_with_logits(logits, (target == 1).float(), reduction="none"))
    each = each * (1.25 - sure.detach()) * known
    drum = (target[..., :1] == 1).float()
    sounds = (target[..., 1:] == 1).float()
    count = sounds.sum(dim=-1, keepdim=True)
    own = torch.where(count > 0, (sounds * shares[1:]).sum(dim=-1, keepdim=True) / count.clamp(min=1), torch.ones(()))
    share = torch.cat([torch.full_like(drum, 1.5), (own * (0.15 + 0.85 * drum)).expand(*drum.shape[:-1], OUTPUTS - 1)], dim=-1)
    return (each * share).sum() / known[..., 0].sum().clamp(min=1)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, nargs="+")
    parser.add_argument("--without", nargs="*", default=[])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--fall", type=float, default=0.5, help="share of the run over which the learning rate falls")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--songs", type=int, default=4, help="recordings a batch")
    parser.add_argument("--length", type=int, default=128, help="candidates of a recording in a batch")
    parser.add_argument("--decay", type=float, default=0.05, help="weight decay")
    parser.add_argument("--dropout", type=float, default=0.25)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rescan", type=int, default=400, help="look for new recordings after so many steps")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--start", type=Path, help="weights (model.pt) to begin with")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    songs = Songs(options.data, options.without, options.length, options.seed)
    model = HitNetwork(options.width, options.dropout).to(memory_format=torch.channels_last)
    if options.start:
        model.load_state_dict(torch.load(options.start, weights_only=True)["weights"])
    average = copy.deepcopy(model)
    optimiser = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=options.decay)
    checkpoint, step = options.out / "checkpoint.pt", 0
    if options.resume and checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step = state["step"]
        songs.rng = np.random.default_rng((options.seed, step))
    noise = torch.Generator().manual_seed(options.seed + step)
    print("weights", [round(float(w), 2) for w in songs.weights], file=sys.stderr)
    print(f"{parameters(model)} parameters, {len(songs.items)} recordings, {songs.candidates} candidates", file=sys.stderr)
    recent, began = [], time.monotonic()
    model.train()
    while step < options.steps:
        done = step / options.steps
        rate = options.rate * min(1.0, (step + 1) / 100)
        if done > 1 - options.fall:
            rate *= 0.5 * (1 + math.cos(math.pi * (done - 1 + options.fall) / options.fall))
        for group in optimiser.param_groups:
            group["lr"] = rate
        if step and step % options.rescan == 0:
            songs.scan()
        patch, low, scalars, target = songs.batch(options.songs)
        augment(noise, patch, low, scalars)
        with torch.autocast("cpu", torch.bfloat16):
            logits, alone = model.both(patch, low, scalars)
        loss = loss_of(logits.float(), target, songs.weights)
        both = loss + 0.5 * loss_of(alone.float(), target, songs.weights)
        optimiser.zero_grad()
        both.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimiser.step()
        step += 1
        recent.append(loss.item())
        keep = min(0.997, step / (step + 20))
        with torch.no_grad():
            for a, p in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
                if a.dtype.is_floating_point:
                    a.lerp_(p, 1 - keep)
                else:
                    a.copy_(p)
        if step % 100 == 0 or step == options.steps:
            line = {"step": step, "loss": round(float(np.mean(recent)), 4), "rate": round(rate, 6), "wall": round(time.monotonic() - began), "recordings": len(songs.items)}
            recent = []
            print(json.dumps(line), file=sys.stderr, flush=True)
        if step % 250 == 0 or step == options.steps:
            state = {"model": model.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict(), "step": step}
            torch.save(state, checkpoint.with_suffix(".tmp"))
            checkpoint.with_suffix(".tmp").rename(checkpoint)
    torch.save({"width": options.width, "weights": average.state_dict(), "without": options.without, "steps": step}, options.out / "model.pt")
    return 0


if __name__ == "__main__":
    sys.exit(main())
