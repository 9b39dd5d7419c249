"""The network's input, made by the tracker's own code.

`core/examples/beat_input.rs` is a filter: samples in, features out. Training and tracking thus share one
implementation, and cannot drift apart.
"""

from __future__ import annotations

import pathlib
import struct
import subprocess

import numpy as np

from model import MEL_BANDS, PITCH_BANDS

PROJECT = pathlib.Path(__file__).resolve().parents[2]


def build() -> pathlib.Path:
    """Builds the filter in release and returns its path."""
    command = ["cargo", "build", "--release", "-q", "-p", "loopwright-core", "--example", "beat_input"]
    subprocess.run(command, cwd=PROJECT, check=True)
    return PROJECT / "target" / "release" / "examples" / "beat_input"


class Extractor:
    """A running filter. One per process."""

    def __init__(self, program: pathlib.Path):
        self.process = subprocess.Popen([str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, audio: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """`audio`: mono at 22.05 kHz. Returns mel (64, T) and pitch (48, T / 2) as float16 with T even, or None for
        silence."""
        samples = np.ascontiguousarray(audio, dtype="<f4")
        self.process.stdin.write(struct.pack("<I", len(samples)))
        self.process.stdin.write(samples.tobytes())
        self.process.stdin.flush()
        frames, slots = struct.unpack("<II", self._read(8))
        mel = np.frombuffer(self._read(frames * MEL_BANDS * 2), "<f2").reshape(frames, MEL_BANDS)
        pitch = np.frombuffer(self._read(slots * PITCH_BANDS * 2), "<f2").reshape(slots, PITCH_BANDS)
        half = min(frames // 2, slots)
        if half == 0:
            return None
        return np.ascontiguousarray(mel[: 2 * half].T), np.ascontiguousarray(pitch[:half].T)

    def _read(self, count: int) -> bytes:
        data = self.process.stdout.read(count)
        if len(data) != count:
            raise EOFError("the feature filter ended early")
        return data

    def close(self):
        self.process.stdin.close()
        self.process.wait()
