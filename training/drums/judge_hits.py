"""Judges a trained network: on recordings of the generator, or on a labelled set by writing answers for its scorer.

    python judge_hits.py RUN/model.pt --data FEATURES [--only fluid]
    python judge_hits.py RUN/model.pt --program HIT_INPUT --set SET --answers P.jsonl [--match fluid]

The second writes what `score.py onsets --set SET --pred P.jsonl` reads.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from hit_classes import CLASSES
from hit_model import HitNetwork

#: Probability at which it is kept, and at which a further class is named.
KEEP, ALSO = 0.5, 0.4
#: Candidates that the network sees at once, as in training; windows overlap by half.
WINDOW = 128


def load(path: Path) -> HitNetwork:
    """The network of a run."""
    state = torch.load(path, weights_only=True)
    model = HitNetwork(state.get("width", 64))
    model.load_state_dict(state.get("weights", state.get("average")))
    return model.eval()


@torch.no_grad()
def probabilities(model: HitNetwork, patch: np.ndarray, low: np.ndarray, scalars: np.ndarray, window: int = WINDOW) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (N, 10) with and without neighbours; each candidate from the window in which it is most central."""
    n = len(patch)
    out, alone = np.zeros((n, 1 + len(CLASSES))), np.zeros((n, 1 + len(CLASSES)))
    if n == 0:
        return out, alone
    starts = [0] if n <= window else [*range(0, n - window, window // 2), n - window]
    best = np.full(n, -1)
    for first in starts:
        last = min(n, first + window)
        a, b = model.both(*(torch.from_numpy(x[first:last].astype(np.float32))[None] for x in (patch, low, scalars)))
        index = np.arange(first, last)
        depth = np.minimum(index - first if first else n, last - 1 - index if last < n else n)
        better = depth > best[index]
        out[index[better]] = torch.sigmoid(a[0]).numpy()[better]
        alone[index[better]] = torch.sigmoid(b[0]).numpy()[better]
        best[index] = np.maximum(best[index], depth)
    return out, alone


def decode(times: np.ndarray, p: np.ndarray, keep: float = KEEP, also: float = ALSO) -> list[tuple[float, str]]:
    """Hits as (seconds, class), the likeliest class of each candidate first."""
    out = []
    for t, row in zip(times.tolist(), p, strict=True):
        if row[0] < keep:
            continue
        order = np.argsort(-row[1:])
        for rank, c in enumerate(order):
            if rank == 0 or row[1 + c] >= also:
                out.append((t, CLASSES[c]))
    return out


def judge(model: HitNetwork, folder: Path, only: str | None) -> dict:
    """Figures on recordings of the generator: best class right, F of each class, F of "is a drum"."""
    totals = {"with": [np.zeros((10, 3)), [0, 0]], "alone": [np.zeros((10, 3)), [0, 0]]}
    confusion = np.zeros((9, 9), int)
    found = reached = 0
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as data:
            if only and only not in data["families"].tolist():
                continue
            target = data["target"]
            both = probabilities(model, data["patch"], data["low"], data["scalars"])
            hits, times = data["truth"], data["times"]
        loud = hits[hits[:, 3] >= -20] if len(hits) else hits
        if len(loud) and len(times):
            reached += int((np.abs(loud[:, :1] - times[None]).min(axis=1) <= 0.025).sum())
        found += len(loud)
        for name, p in zip(("with", "alone"), both, strict=True):
            counts, right = totals[name]
            guess = np.zeros(target.shape, bool)
            guess[:, 0] = p[:, 0] >= KEEP
            guess[:, 1:] = (p[:, 1:] >= ALSO) & guess[:, :1]
            top = 1 + p[:, 1:].argmax(axis=1)
            guess[np.arange(len(top)), top] |= guess[:, 0]
            known, true = target != 255, target == 1
            counts[:, 0] += (guess & true).sum(axis=0)
            counts[:, 1] += (true).sum(axis=0)
            counts[:, 2] += (guess & known).sum(axis=0)
            drums = true[:, 0]
            right[0] += int(true[np.arange(len(top)), top][drums].sum())
            right[1] += int(drums.sum())
            if name == "with":
                for i in np.flatnonzero(drums & ~true[np.arange(len(top)), top]):
                    confusion[int(np.argmax(true[i, 1:])), top[i] - 1] += 1
                for i in np.flatnonzero(drums & true[np.arange(len(top)), top]):
                    confusion[top[i] - 1, top[i] - 1] += 1
    out: dict = {"candidates reach": round(reached / max(1, found), 4)}
    for name, (counts, right) in totals.items():
        f = 2 * counts[:, 0] / np.maximum(1, counts[:, 1] + counts[:, 2])
        out[name] = {
            "class_acc": round(right[0] / max(1, right[1]), 4),
            "drum_F": round(float(f[0]), 4),
            "macro_F": round(float(f[1:].mean()), 4),
            "F": {c: round(float(v), 3) for c, v in zip(CLASSES, f[1:], strict=True)},
        }
    out["confusion"] = {c: row.tolist() for c, row in zip(CLASSES, confusion, strict=True)}
    return out


def answers(model: HitNetwork, program: Path, folder: Path, match: str, cache: Path | None, alone: bool = False) -> list[dict]:
    """Answers for the recordings of a labelled set whose names contain one of the words in `match`."""
    import soundfile
    from scipy.signal import resample_poly

    from hit_features import Front

    front = None
    out = []
    for item in json.loads((folder / "manifest.json").read_text()):
        if match and not any(word in item["id"] for word in match.split(",")):
            continue
        stored = cache / f"{item['id']}.npz" if cache else None
        if stored is not None and stored.exists():
            data = dict(np.load(stored))
        else:
            audio, rate = soundfile.read(folder / item["audio"], dtype="float32", always_2d=True)
            mono = audio.mean(axis=1)
            if rate != 44100:
                common = int(np.gcd(rate, 44100))
                mono = resample_poly(mono, 44100 // common, rate // common)
            front = front or Front(program)
            data = front(mono)
            if stored is not None:
                cache.mkdir(parents=True, exist_ok=True)
                np.savez(stored, **data)
        p = probabilities(model, data["patch"], data["low"], data["scalars"])[1 if alone else 0]
        hits = decode(data["times"], p)
        out.append({"id": item["id"], "onsets": [{"t": round(t, 5), "cls": "other" if c == "perc" else c} for t, c in hits]})
    return out


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only")
    parser.add_argument("--program", type=Path)
    parser.add_argument("--set", type=Path)
    parser.add_argument("--match", default="")
    parser.add_argument("--cache", type=Path, help="where features of the set's recordings are kept")
    parser.add_argument("--answers", type=Path)
    parser.add_argument("--append", action="store_true")
    parser.add_argument("--alone", action="store_true", help="without neighbours")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = load(options.weights)
    if options.data:
        print(json.dumps(judge(model, options.data, options.only), indent=1))
    if options.set:
        rows = answers(model, options.program, options.set, options.match, options.cache, options.alone)
        with options.answers.open("a" if options.append else "w") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)


if __name__ == "__main__":
    main()
