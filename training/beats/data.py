"""Features and truth as batches."""

from __future__ import annotations

import json
import pathlib
from dataclasses import dataclass

import numpy as np

from model import FPS, MEL_BANDS, PITCH_BANDS


@dataclass
class Excerpt:
    """One mix of one song."""

    mel: np.ndarray  # (64, T) float16
    pitch: np.ndarray  # (48, T / 2) float16
    beats: np.ndarray  # seconds
    positions: np.ndarray  # 1 is the downbeat
    style: str
    info: dict

    def target(self) -> np.ndarray:
        """(2, T): 1 at the nearest frame, 0.5 beside it."""
        frames = self.mel.shape[1]
        out = np.zeros((2, frames), dtype=np.float16)
        at = np.rint(self.beats * FPS).astype(int)
        for row, chosen in ((0, at), (1, at[self.positions == 1])):
            for shift, value in ((-1, 0.5), (1, 0.5), (0, 1.0)):
                place = chosen + shift
                place = place[(place >= 0) & (place < frames)]
                out[row, place] = np.maximum(out[row, place], value)
        return out


def load(folder: pathlib.Path, limit: int | None = None, known: set[str] | None = None) -> list[Excerpt]:
    """All excerpts of a folder, in order of their seeds; of the songs not in `known`, which then holds them too."""
    excerpts = []
    for path in sorted(folder.glob("song_???????.npz"))[:limit]:
        if known is not None and path.name in known:
            continue
        try:
            with np.load(path) as file:
                if known is not None:
                    known.add(path.name)
                info = json.loads(str(file["info"]))
                for k in range(len(info["mixes"])):
                    beats, positions = file[f"beats_{k}"], file[f"positions_{k}"]
                    if len(beats) < 8:
                        continue
                    excerpts.append(
                        Excerpt(file[f"mel_{k}"], file[f"pitch_{k}"], beats, positions, info["style"], info["mixes"][k])
                    )
        except (OSError, ValueError, KeyError) as error:
            print(f"{path}: {error}")
    return excerpts


class Batches:
    """Random crops, augmented. Deterministic for a seed."""

    def __init__(self, excerpts: list[Excerpt], frames: int, batch: int, seed: int):
        assert frames % 2 == 0
        self.excerpts = excerpts
        self.targets = [e.target() for e in excerpts]
        self.frames, self.batch = frames, batch
        self.rng = np.random.default_rng(seed)
        self.order: list[int] = []

    def extend(self, excerpts: list[Excerpt]):
        """Adds songs; the round that is under way ends first."""
        self.excerpts += excerpts
        self.targets += [e.target() for e in excerpts]

    def __iter__(self):
        return self

    def __next__(self):
        mel = np.zeros((self.batch, MEL_BANDS, self.frames), np.float32)
        pitch = np.zeros((self.batch, PITCH_BANDS, self.frames // 2), np.float32)
        target = np.zeros((self.batch, 2, self.frames), np.float32)
        weight = np.zeros((self.batch, 1, self.frames), np.float32)
        for b in range(self.batch):
            if not self.order:
                self.order = list(self.rng.permutation(len(self.excerpts)))
            index = self.order.pop()
            e, y = self.excerpts[index], self.targets[index]
            length = e.mel.shape[1]
            start = 2 * int(self.rng.integers(0, max(1, (length - self.frames) // 2 + 1)))
            n = min(self.frames, length - start)
            m = e.mel[:, start : start + n].astype(np.float32)
            p = e.pitch[:, start // 2 : (start + n) // 2].astype(np.float32)
            mel[b, :, :n], pitch[b, :, : n // 2] = self.augment(m, p)
            target[b, :, :n] = y[:, start : start + n]
            # Before the first and after the last beat the truth says nothing: a free intro may have a pulse.
            times = (start + np.arange(n)) / FPS
            weight[b, 0, :n] = (times >= e.beats[0] - 0.1) & (times <= e.beats[-1] + 0.1)
        return mel, pitch, target, np.maximum(weight, 0.1 * (mel.max(axis=1, keepdims=True) > 0))

    def augment(self, mel, pitch):
        """Level, tilt and resonances of the spectrum, transposition of the harmony, masked bands and moments."""
        rng = self.rng
        level = rng.normal(0, 0.25)
        x = np.linspace(-1, 1, MEL_BANDS)
        curve = rng.normal(0, 0.3) * x + rng.normal(0, 0.2) * np.cos(np.pi * (x * rng.uniform(0.5, 3) + rng.uniform(0, 2)))
        # In the logarithmic range a gain is a shift; near silence it must stay silence.
        mel = np.maximum(0, mel + (level + curve)[:, None] * np.minimum(1, mel))
        pitch = np.maximum(0, pitch + (level + rng.normal(0, 0.2)) * np.minimum(1, pitch))
        shift = int(rng.integers(-5, 6))
        if shift:
            moved = np.zeros_like(pitch)
            if shift > 0:
                moved[shift:] = pitch[:-shift]
            else:
                moved[:shift] = pitch[-shift:]
            pitch = moved
        if rng.random() < 0.3:
            lo = int(rng.integers(0, MEL_BANDS - 4))
            mel[lo : lo + int(rng.integers(2, 14))] = 0
        if rng.random() < 0.1:
            pitch[:] = 0
        if rng.random() < 0.3:
            n = mel.shape[1]
            length = 2 * int(rng.integers(5, 75))
            lo = 2 * int(rng.integers(0, max(1, (n - length) // 2)))
            mel[:, lo : lo + length] = 0
            pitch[:, lo // 2 : (lo + length) // 2] = 0
        return mel, pitch
