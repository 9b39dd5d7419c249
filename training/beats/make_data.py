"""Makes training data: composes, plays, mixes, and stores the network's input with the truth.

    python make_data.py --out DATA --songs 4000 --first 0 --jobs 2
    python make_data.py --out VALID --songs 100 --first 9000000 --jobs 2
    python make_data.py --set SET --songs 60 --first 9500000 --seconds 90

`--out` writes one `song_SEED.npz` a song: `mel_K`, `pitch_K` (float16), `beats_K` (seconds), `positions_K` (1 is the
downbeat) for each mix K, and `info` (JSON). Songs that are there already are skipped, so an interrupted run goes on.

`--set` writes audio and truth in the form that `loopwright predict beats` and the scorer read, to judge the whole
tracker on songs that it was not trained on.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import pathlib
import sys
import time
import traceback

import numpy as np

# One song a process: numerical libraries must not start threads of their own.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from compose import compose  # noqa: E402
from features import Extractor, build  # noqa: E402
from sound import render  # noqa: E402

_extractor: Extractor | None = None


def _start(program):
    global _extractor
    if program is not None:
        _extractor = Extractor(program)


def _features(job):
    seed, seconds, mixes, out = job
    path = out / f"song_{seed:07d}.npz"
    if path.exists():
        return seed, None
    try:
        song = compose(seed, seconds)
        arrays: dict[str, np.ndarray] = {}
        done = []
        count = 0
        for mix in render(song, seed, mixes):
            made = _extractor(mix.audio)
            if made is None:
                continue
            arrays[f"mel_{count}"], arrays[f"pitch_{count}"] = made
            arrays[f"beats_{count}"] = np.asarray(mix.beats, dtype=np.float64)
            arrays[f"positions_{count}"] = np.asarray(mix.positions, dtype=np.int16)
            done.append(_plain(mix.done))
            count += 1
        info = dict(seed=seed, style=song.style, palette=song.palette, tempo=float(song.tempo), mixes=done)
        arrays["info"] = np.array(json.dumps(info))
        partial = path.with_suffix(".tmp.npz")
        np.savez(partial, **arrays)
        partial.rename(path)
        return seed, None
    except Exception:  # a song that fails must not end the run; it is reported
        return seed, traceback.format_exc()


def _audio(job):
    seed, seconds, out = job
    try:
        import soundfile

        song = compose(seed, seconds)
        # The last mix is a rough one, the first is clean: take turns.
        mix = render(song, seed, 2)[seed % 2]
        name = f"{song.style}_{seed}"
        soundfile.write(out / "audio" / f"{name}.flac", mix.audio, 22050)
        beats, positions = np.asarray(mix.beats), np.asarray(mix.positions)
        kept = (beats >= 0) & (beats < len(mix.audio) / 22050)
        beats, positions = beats[kept], positions[kept]
        for kind, times in (("beats", beats), ("downbeats", beats[positions == 1])):
            (out / "truth" / f"{name}.{kind}.txt").write_text("".join(f"{t:.4f}\n" for t in times))
        gaps = np.diff(beats)
        steady = float(np.std(gaps) / np.mean(gaps)) < 0.01
        return seed, dict(
            id=name,
            audio=f"audio/{name}.flac",
            beats=f"truth/{name}.beats.txt",
            downbeats=f"truth/{name}.downbeats.txt",
            dur=len(mix.audio) / 22050,
            bpm=round(float(60 / np.median(gaps)), 3),
            tempo_stable=steady,
            n_beats=len(beats),
            variants=[],
            kind=song.palette,
            style=song.style,
            source="generated",
            meter=int(np.max(positions)),
            tags=[song.style, song.palette] + ([] if steady else ["drift"]),
        )
    except Exception:
        return seed, traceback.format_exc()


def _plain(x):
    """Makes what NumPy made fit for JSON."""
    if isinstance(x, dict):
        return {str(k): _plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [_plain(v) for v in x]
    if isinstance(x, np.generic):
        return x.item()
    return x if isinstance(x, (str, int, float, bool, type(None))) else str(x)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, help="folder for features")
    parser.add_argument("--set", type=pathlib.Path, help="folder for a set of audio and truth")
    parser.add_argument("--songs", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--seconds", type=float, default=48.0, help="length of a song")
    parser.add_argument("--mixes", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    if (args.out is None) == (args.set is None):
        parser.error("say either --out or --set")
    seeds = range(args.first, args.first + args.songs)
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
        program, work = build(), _features
        jobs = [(s, args.seconds, args.mixes, args.out) for s in seeds]
    else:
        for part in ("audio", "truth"):
            (args.set / part).mkdir(parents=True, exist_ok=True)
        program, work = None, _audio
        jobs = [(s, args.seconds, args.set) for s in seeds]
    failed, manifest, began = 0, [], time.monotonic()
    # Workers are renewed now and then: libraries below leak.
    with multiprocessing.Pool(args.jobs, _start, (program,), maxtasksperchild=200) as pool:
        for done, (seed, result) in enumerate(pool.imap_unordered(work, jobs), 1):
            if isinstance(result, dict):
                manifest.append(result)
            elif result is not None:
                failed += 1
                print(f"song {seed} failed:\n{result}", file=sys.stderr)
            if done % 50 == 0 or done == len(jobs):
                rate = (time.monotonic() - began) / done
                print(f"{done} of {len(jobs)} songs, {rate:.2f} s each, {failed} failed", file=sys.stderr, flush=True)
    if args.set is not None:
        manifest.sort(key=lambda m: m["id"])
        (args.set / "manifest.json").write_text(json.dumps(manifest, indent=1))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
