"""Music whose beats are known, and the command line to compare with."""

from __future__ import annotations

import json
import os
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

RATE = 44_100
BPM = 120.0
Samples = npt.NDArray[np.float32]


def music(bars: int = 16, seed: int = 7) -> Samples:
    """Drums and a bass of four bars that come again, ``[2, frames]`` in steps of 16 bits; drums alone in the second half."""
    random = np.random.default_rng(seed)
    beat = int(RATE * 60 / BPM)
    out = np.zeros((2, beat * 4 * bars + RATE // 2))
    t = np.arange(int(0.3 * RATE)) / RATE
    kick = np.sin(2 * np.pi * (50 * t - 8 * np.exp(-t * 30))) * np.exp(-t * 14)
    noise = random.standard_normal(len(t))
    snare, hat = noise * np.exp(-t * 22) * 0.5, noise * np.exp(-t * 90) * 0.2
    notes = [55.0, 65.4, 49.0, 73.4]
    for at in range(bars * 8):
        start = at * beat // 2
        for place, sound in ((0, kick), (4, kick), (2, snare), (6, snare)):
            if at % 8 == place:
                out[:, start : start + len(sound)] += sound
        out[:, start : start + len(hat)] += np.stack([hat, hat * 0.8])
        if at < bars * 4:
            length = beat // 2
            tone = np.sin(2 * np.pi * notes[at // 8 % 4] * np.arange(length) / RATE)
            out[:, start : start + length] += 0.3 * tone * np.hanning(length)
    out *= 0.8 / np.abs(out).max()
    # A sum, so that no zero is negative: files of integers have none such.
    return (np.round(out * 32767) / 32768 + 0.0).astype(np.float32)


@pytest.fixture(scope="session")
def samples() -> Samples:
    return music()


@pytest.fixture(scope="session")
def song(tmp_path_factory: pytest.TempPathFactory, samples: Samples) -> Path:
    path = tmp_path_factory.mktemp("music") / "song.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((samples.T * 32768).astype("<i2").tobytes())
    return path


@pytest.fixture(scope="session")
def tool() -> Callable[..., list[dict[str, Any]]]:
    """Runs ``loopwright`` and gives its JSON lines."""
    path = os.environ.get("LOOPWRIGHT_TOOL")
    if not path:
        pytest.skip("LOOPWRIGHT_TOOL does not name the command line")

    def run(*arguments: str | Path, code: int = 0) -> list[dict[str, Any]]:
        done = subprocess.run([path, *map(str, arguments)], capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()] if "--json" in arguments else []

    return run
