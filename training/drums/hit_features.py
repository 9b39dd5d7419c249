"""The network's input for recordings, made by the product's own code, with the targets of every candidate.

    cargo build -p loopwright-core --example hit_input
    python hit_features.py --program ../../target/debug/examples/hit_input AUDIO --out FEATURES

Works on folders as `make_hits.py` leaves them; files that are there are not made again. Each file holds

    times (N,) float64, strength (N,) float32, patch (N, 48, 32), low (N, 16, 8), scalars (N, 22) float16,
    target (N, 10) uint8: is a drum, then the nine classes; 255 where it is not known,
    families, kind, truth (hits, 4).
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path

import numpy as np
import soundfile

from hit_classes import CLASSES

RATE = 44100
#: A hit belongs to the nearest candidate within this, and to every candidate within `ALSO`.
NEAR = 0.025
ALSO = 0.030
#: Hits this far below what else sounds, in dB, are not asked for, and not counted against the network either.
FAINT = -20.0
UNKNOWN = 255


class Front:
    """The program that computes features, kept running."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen([str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def _read(self, count: int, kind: str) -> np.ndarray:
        size = count * np.dtype(kind).itemsize
        data = self._process.stdout.read(size)
        if len(data) != size:
            raise RuntimeError("the program ended early")
        return np.frombuffer(data, kind)

    def __call__(self, mono: np.ndarray) -> dict[str, np.ndarray]:
        """Candidates of a recording at 44.1 kHz."""
        samples = np.ascontiguousarray(mono, "<f4")
        self._process.stdin.write(np.uint32(len(samples)).tobytes() + samples.tobytes())
        self._process.stdin.flush()
        n, bands, columns, low_bands, low_columns, scalars = self._read(6, "<u4").tolist()
        return {
            "times": self._read(n, "<f8"),
            "strength": self._read(n, "<f4"),
            "patch": self._read(n * bands * columns, "<f2").reshape(n, bands, columns),
            "low": self._read(n * low_bands * low_columns, "<f2").reshape(n, low_bands, low_columns),
            "scalars": self._read(n * scalars, "<f2").reshape(n, scalars),
        }


def targets(times: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """Which classes sound at each candidate; column 0 says whether any does."""
    out = np.zeros((len(times), 1 + len(CLASSES)), np.uint8)
    if not len(times) or not len(hits):
        return out
    for t, c, _, audible in hits:
        near = np.abs(times - t)
        best = int(near.argmin())
        if near[best] > NEAR:
            continue
        column = 1 + int(c)
        for i in np.flatnonzero(near <= ALSO):
            # The nearest, and others only if no hit explains them better.
            if i != best and np.abs(hits[:, 0] - times[i]).min() < near[i] - 0.004:
                continue
            if audible >= FAINT:
                out[i, [0, column]] = 1
            elif out[i, column] == 0:
                out[i, column] = UNKNOWN
                if out[i, 0] == 0:
                    out[i, 0] = UNKNOWN
    return out


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("audio", type=Path)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    front = Front(options.program)
    for path in sorted(options.audio.glob("*.json")):
        out = options.out / f"{path.stem}.npz"
        if out.exists():
            continue
        truth = json.loads(path.read_text())
        audio, rate = soundfile.read(path.with_suffix(".flac"), dtype="float32")
        if rate != RATE:
            raise SystemExit(f"{path}: {rate} Hz")
        found = front(audio)
        hits = np.array(truth["hits"], dtype=np.float64).reshape(-1, 4)
        partial = out.with_name(f"{out.name}.part")
        with partial.open("wb") as file:
            np.savez(
                file, **found, target=targets(found["times"], hits), truth=hits, kind=truth["kind"],
                families=np.array(truth["families"]), sources=np.array(truth["sources"]), duration=len(audio) / RATE,
            )  # fmt: skip
        partial.rename(out)


if __name__ == "__main__":
    main()
