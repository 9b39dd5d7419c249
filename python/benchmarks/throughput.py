"""How much faster two worker processes are than one, and what a task costs besides its work.

    python python/benchmarks/throughput.py                         24 synthesised tracks of 60 s
    python python/benchmarks/throughput.py --seconds 210 ~/Music   or tracks of one's own
    python python/benchmarks/throughput.py --tasks 5000            empty tasks, and tracks without work

The machine should have nothing else to do; the load before each run is told, so that everybody can see.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
import wave
from pathlib import Path

import numpy as np

from loopwright._distributed import engine
from loopwright._distributed.cluster import open_cluster
from loopwright.distributed import Options, run

RATE = 44100


def song(path: Path, bpm: float, seed: int, seconds: float) -> None:
    """Kick, snare and a bass line that repeats every two bars; stereo, 16 bits."""
    rng = np.random.default_rng(seed)
    beat = 60 / bpm
    out = np.zeros(int(seconds * RATE), dtype=np.float32)
    notes = rng.choice([55.0, 65.4, 73.4, 82.4, 98.0], 8)
    for i in range(int(seconds / beat)):
        at = int(i * beat * RATE)
        t = np.arange(min(int(beat * RATE), len(out) - at), dtype=np.float32) / RATE
        out[at : at + len(t)] += 0.25 * np.sin(2 * np.pi * notes[i % 8] * t) * np.exp(-3 * t)
        if i % 2 == 0:
            out[at : at + len(t)] += 0.6 * np.sin(2 * np.pi * (50 * t + 6 * (1 - np.exp(-t / 0.03)))) * np.exp(-12 * t)
        else:
            out[at : at + len(t)] += 0.2 * rng.standard_normal(len(t)) * np.exp(-18 * t)
    frames = (np.clip(np.stack([out, np.roll(out, 30)], axis=1), -1, 1) * 32000).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, RATE, 0, "NONE", ""))
        file.writeframes(frames.tobytes())


def nothing(content: bytes, name: str, settings: dict, features: bool) -> engine.Worked:
    """A track without work."""
    return engine.Worked()


def empty(number: int) -> int:
    """A task without anything."""
    return number


def load() -> str:
    """How busy the machine is."""
    return " ".join(f"{x:.2f}" for x in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"


def compare(inputs: list[str], workers: list[int], rounds: int, folder: Path, features: bool) -> None:
    """Runs with each number of workers in turn, and tells the rates."""
    rates: dict[int, list[float]] = {n: [] for n in workers}
    cpu: dict[int, list[float]] = {n: [] for n in workers}
    for round_ in range(rounds):
        for n in workers:
            out = folder / f"out-{round_}-{n}"
            before = load()
            summary = run(Options(inputs, str(out), f"local:{n}", features=features, quiet=True))
            rates[n].append(summary.worked / summary.work_seconds)
            cpu[n].append(summary.cpu_seconds / summary.worked)
            print(
                f"workers {n}: {summary.worked} tracks in {summary.work_seconds:.2f} s, {rates[n][-1]:.3f} a second, "
                f"{cpu[n][-1]:.3f} CPU s a track; load before: {before}",
                flush=True,
            )
    first = statistics.median(rates[workers[0]])
    for n in workers[1:]:
        ratios = [b / a for a, b in zip(rates[workers[0]], rates[n])]
        print(
            f"ratio {n} to {workers[0]}: {statistics.median(rates[n]) / first:.3f} of the medians "
            f"(by round {min(ratios):.3f} to {max(ratios):.3f}); CPU a track "
            f"{statistics.median(cpu[n]) / statistics.median(cpu[workers[0]]):.3f}"
        )


def overhead(tasks: int, workers: int, folder: Path) -> None:
    """Empty tasks, and tracks of a few bytes without work."""
    with open_cluster(f"local:{workers}", 60) as executor:
        list(executor.run((i, (empty, (i,))) for i in range(50)))
        began, cpu = time.monotonic(), time.process_time()
        done = sum(1 for _ in executor.run((i, (empty, (i,))) for i in range(tasks)))
        spent = time.monotonic() - began
        print(
            f"{done} empty tasks on {workers} workers: {done / spent:.0f} a second, "
            f"{1e3 * (time.process_time() - cpu) / done:.2f} ms CPU each in the driver and scheduler; load {load()}"
        )
    source = folder / "tiny"
    source.mkdir()
    for i in range(tasks):
        (source / f"{i}.wav").write_bytes(i.to_bytes(8, "little"))
    for batch in (1, 10):
        options = Options([str(source)], str(folder / f"tiny-{batch}"), f"local:{workers}", batch=batch, quiet=True)
        options.engine = "throughput:nothing"
        cpu = time.process_time()
        summary = run(options)
        print(
            f"{summary.worked} tracks without work, batches of {batch}, {workers} workers: "
            f"{summary.worked / summary.work_seconds:.0f} a second; "
            f"CPU a track: {1e3 * summary.cpu_seconds / summary.worked:.2f} ms in the worker, "
            f"{1e3 * (time.process_time() - cpu) / summary.worked:.2f} ms in the driver and scheduler"
        )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inputs", nargs="*", help="tracks; synthesised ones where none are named")
    parser.add_argument("--tracks", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tasks", type=int, default=0, help="measure the cost of a task instead, with so many")
    parser.add_argument("--features", action=argparse.BooleanOptionalAction, default=True)
    args = parser.parse_args()
    workers = [int(n) for n in args.workers.split(",")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if args.tasks:
            overhead(args.tasks, workers[-1], folder)
            return
        inputs = args.inputs
        if not inputs:
            (folder / "in").mkdir()
            for i in range(args.tracks):
                song(folder / "in" / f"{i:03}.wav", 90 + 2 * i, i, args.seconds)
            inputs = [str(folder / "in")]
        compare(inputs, workers, args.rounds, folder, args.features)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
