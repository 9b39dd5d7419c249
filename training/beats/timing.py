"""From beats to seconds: tempo that holds, drifts or jumps, swing, and the hands of players."""

from __future__ import annotations

import numpy as np

from dice import Dice

#: Ways in which the tempo moves and their weights for "grid" (sequenced), "band" (players) and "free" (rubato) styles.
MOVES = {
    "grid": (("constant", 9.3), ("jump", 0.22), ("jitter", 0.12), ("drift", 0.1), ("ramp", 0.14)),
    "band": (("constant", 4.6), ("jitter", 1.3), ("drift", 2.3), ("ramp", 0.5), ("jump", 0.4), ("hold", 0.25)),
    "free": (("constant", 3.0), ("jitter", 1.0), ("drift", 3.2), ("ramp", 1.0), ("jump", 0.4), ("phrases", 1.4),
             ("hold", 0.6)),
}  # fmt: skip


class TempoMap:
    """Time of every beat. Beat numbers below 0 and past the end go on at the tempo of the nearest beat."""

    def __init__(self, periods: np.ndarray, first: int, move: str) -> None:
        self.first = first
        self.times = np.concatenate([[0.0], np.cumsum(periods)])
        self.times -= self.times[-first]
        self.grid = np.arange(first, first + len(self.times), dtype=np.float64)
        #: Name of the way the tempo moves.
        self.move = move

    def seconds(self, beats: np.ndarray | float) -> np.ndarray:
        """Seconds of `beats`, 0 at beat 0."""
        return np.interp(beats, self.grid, self.times)


def make_tempo(
    dice: Dice, kind: str, bpm: float, beats: int, borders: list[int], end: int | None = None, lead_in: int = 16
) -> TempoMap:
    """Tempo of a song of `beats` beats; `borders` are beats at which sections start.

    `end` is the beat of a final chord, towards which players may slow down.
    """
    move = dice.weighted(MOVES[kind])
    count = beats + 2 * lead_in
    log = np.zeros(count)
    at = np.arange(count) - lead_in
    rng = dice.rng
    if move == "jitter":
        log = rng.normal(0.0, dice.uniform(0.003, 0.014), count)
    elif move == "drift":
        limit = dice.uniform(0.015, 0.07)
        walk = np.cumsum(rng.normal(0.0, 1.0, count))
        width = dice.whole(2, 12)
        walk = np.convolve(np.pad(walk, width, mode="edge"), np.ones(2 * width + 1) / (2 * width + 1), mode="valid")
        walk -= walk.mean()
        log = limit * walk / max(1e-6, np.abs(walk).max()) + rng.normal(0.0, 0.003, count)
    elif move == "ramp":
        middle = dice.uniform(0.2, 1.0) * beats
        width = dice.pick((4.0, 8.0, 16.0, float(beats)))
        log = dice.uniform(-0.22, 0.16) / (1.0 + np.exp(-(at - middle) / width * 4.0)) + rng.normal(0.0, 0.004, count)
    elif move == "jump" and len(borders) > 1:
        for border in dice.some(borders[1:], dice.pick((1, 1, 2))):
            log[at >= border] = dice.uniform(-0.28, 0.28) if dice.coin(0.7) else dice.uniform(-0.06, 0.06)
    elif move == "phrases":
        length = dice.pick((8, 16, 32))
        phase = (at % length) / length
        log = -dice.uniform(0.02, 0.12) * np.maximum(0.0, phase - 0.6) / 0.4 + rng.normal(0.0, 0.008, count)
        log += dice.uniform(0.0, 0.05) * np.sin(np.pi * phase)
    elif move == "hold":
        log = rng.normal(0.0, 0.006, count)
        places = dice.some(borders[1:], dice.pick((1, 1, 2))) or [beats - 1]
        for border in places:
            log[lead_in + border - 1] -= dice.uniform(0.3, 0.9)
            log[lead_in + border - 2] -= dice.uniform(0.05, 0.25)
    if end is not None and kind != "grid" and dice.coin(0.4):
        width = dice.pick((2, 4, 8))
        log = log - dice.uniform(0.1, 0.55) * np.clip((at - end + width) / width, 0.0, 1.0) ** 1.5
    periods = 60.0 / bpm * np.exp(-log)
    return TempoMap(periods, -lead_in, move)


def swing(beats: np.ndarray, eighths: float, sixteenths: float) -> np.ndarray:
    """Moves off-beats: the first eighth takes `eighths` of the beat, the first sixteenth `sixteenths` of the eighth."""
    if eighths != 0.5:
        whole = np.floor(beats + 1e-9)
        x = beats - whole
        return whole + np.where(x < 0.5, x * 2.0 * eighths, eighths + (x - 0.5) * 2.0 * (1.0 - eighths))
    if sixteenths != 0.5:
        doubled = beats * 2.0
        whole = np.floor(doubled + 1e-9)
        x = doubled - whole
        return (
            whole + np.where(x < 0.5, x * 2.0 * sixteenths, sixteenths + (x - 0.5) * 2.0 * (1.0 - sixteenths))
        ) / 2.0
    return beats
