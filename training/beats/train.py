"""Trains the beat network on generated songs.

    python train.py --data DATA --valid VALID --out RUN --steps 8000
    python train.py --data DATA --valid VALID --out RUN --steps 12000 --resume      # goes on where it ended

Writes `checkpoint.pt` (weights, their running average, optimiser), `log.jsonl` (losses, learning rate, choices) and, at
the end, `model.pt`: the averaged weights. The learning rate warms up, stays, and falls to zero over the last part of
the run, so that a run can be prolonged from a checkpoint taken before the fall.

Songs that come into the data folders while the training runs are picked up (`--rescan`): making them and learning from
them can share the time.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import pathlib
import sys
import time
from collections import Counter, defaultdict

import numpy as np
import torch
from torch import nn

import choice
from data import Batches, load
from model import BeatNetwork, parameters


def loss_of(logits, target, weight, positive):
    """Binary cross-entropy; frames with a beat count `positive` times. Targets are exact, so the loss allows no shift:
    a tolerant one lets the peaks settle anywhere within its tolerance."""
    each = nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    scale = 1 + (positive.view(1, 2, 1) - 1) * target
    return (each * scale * weight).sum() / (weight.sum() * 2)


@torch.no_grad()
def activations(model, mel, pitch):
    """(2, T) probabilities of one excerpt."""
    out = model(torch.from_numpy(mel[None].astype(np.float32)), torch.from_numpy(pitch[None].astype(np.float32)))
    return torch.sigmoid(out.float())[0].numpy()


def judge(model, excerpts) -> dict:
    """Losses aside: how often the activations choose the right grid among its rivals, over all and by style."""
    model.eval()
    wrong, right = {"beats": Counter(), "bars": Counter()}, {"beats": 0, "bars": 0}
    by_style = defaultdict(lambda: [0, 0, 0])
    for e in excerpts:
        beat, downbeat = activations(model, e.mel, e.pitch)
        a, b = choice.choose(beat, downbeat, e.beats, e.positions)
        for kind, name in (("beats", a), ("bars", b)):
            if name == "right":
                right[kind] += 1
            else:
                wrong[kind][name] += 1
        row = by_style[e.style]
        row[0] += 1
        row[1] += a == "right"
        row[2] += b == "right"
    model.train()
    n = max(1, len(excerpts))
    return {
        "beats": right["beats"] / n,
        "bars": right["bars"] / n,
        "beats_wrong": dict(wrong["beats"].most_common()),
        "bars_wrong": dict(wrong["bars"].most_common()),
        "styles": {k: [v[0], round(v[1] / v[0], 3), round(v[2] / v[0], 3)] for k, v in sorted(by_style.items())},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, nargs="+")
    parser.add_argument("--valid", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--fall", type=float, default=0.4, help="share of the run over which the learning rate falls")
    parser.add_argument("--rate", type=float, default=3e-3, help="learning rate")
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--frames", type=int, default=1600, help="length of a crop at 50.11 frames a second, even")
    parser.add_argument("--channels", type=int, default=80)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, help="use only so many songs")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rescan", type=int, default=500, help="look for new songs after so many steps; 0: never")
    parser.add_argument("--check", type=int, default=500, help="judge on the validation songs after so many steps")
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    valid = load(args.valid)
    known = {folder: set() for folder in args.data}
    excerpts = [e for folder in args.data for e in load(folder, args.limit, known[folder])]
    if not excerpts or not valid:
        parser.error("no songs in --data or --valid: run make_data.py first")
    batches = Batches(excerpts, args.frames, args.batch, args.seed)
    model = BeatNetwork(args.channels)
    average = copy.deepcopy(model)
    optimiser = torch.optim.AdamW(model.parameters(), lr=args.rate, weight_decay=0.02)
    step = 0
    checkpoint = args.out / "checkpoint.pt"
    if args.resume and checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step = state["step"]
        batches.rng = np.random.default_rng((args.seed, step))
    print(f"{parameters(model)} parameters, {len(excerpts)} excerpts, {len(valid)} to validate", file=sys.stderr)
    positive = torch.tensor([4.0, 8.0])
    recent, began, cpu = [], time.monotonic(), time.process_time()
    log = (args.out / "log.jsonl").open("a")
    model.train()
    while step < args.steps:
        if args.rescan and step and step % args.rescan == 0 and args.limit is None:
            for folder in args.data:
                batches.extend(load(folder, known=known[folder]))
        done = step / args.steps
        rate = args.rate * min(1.0, (step + 1) / 100)
        if done > 1 - args.fall:
            rate *= 0.5 * (1 + math.cos(math.pi * (done - 1 + args.fall) / args.fall))
        for group in optimiser.param_groups:
            group["lr"] = rate
        mel, pitch, target, weight = (torch.from_numpy(np.asarray(x, np.float32)) for x in next(batches))
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(mel, pitch)
        loss = loss_of(logits.float(), target, weight, positive)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        step += 1
        recent.append(loss.item())
        keep = min(0.998, step / (step + 20))
        with torch.no_grad():
            for a, p in zip(average.state_dict().values(), model.state_dict().values()):
                if a.dtype.is_floating_point:
                    a.lerp_(p, 1 - keep)
                else:
                    a.copy_(p)
        if step % 50 == 0:
            line = dict(step=step, loss=round(float(np.mean(recent)), 5), rate=rate, excerpts=len(batches.excerpts))
            line |= dict(wall=round(time.monotonic() - began), cpu=round(time.process_time() - cpu))
            recent = []
            if step % args.check == 0 or step == args.steps:
                line["valid"] = judge(average, valid)
                average.eval()
                with torch.no_grad():
                    losses = []
                    for e in valid:
                        y = torch.from_numpy(e.target()[None].astype(np.float32))
                        out = average(*(torch.from_numpy(x[None].astype(np.float32)) for x in (e.mel, e.pitch)))
                        losses.append(loss_of(out, y, torch.ones(1, 1, y.shape[2]), positive).item())
                line["valid_loss"] = round(float(np.mean(losses)), 5)
                average.train()
                state = dict(
                    model=model.state_dict(),
                    average=average.state_dict(),
                    optimiser=optimiser.state_dict(),
                    step=step,
                )
                torch.save(state, checkpoint.with_suffix(".tmp"))
                checkpoint.with_suffix(".tmp").rename(checkpoint)
            print(json.dumps(line), file=log, flush=True)
            shown = {k: v for k, v in line.items() if k != "valid"}
            if "valid" in line:
                shown |= {k: round(v, 4) for k, v in line["valid"].items() if isinstance(v, float)}
            print(shown, file=sys.stderr, flush=True)
    torch.save(dict(channels=args.channels, weights=average.state_dict()), args.out / "model.pt")
    return 0


if __name__ == "__main__":
    sys.exit(main())
