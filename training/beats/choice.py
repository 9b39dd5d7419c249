"""How well the activations choose the right grid among its rivals: what the network is for.

The rivals are those that the tracker's hypotheses hold: half-beat shift, twice and half the tempo, 3/2 and 2/3 of it,
and for the bars every other first beat and the other common meter.
"""

from __future__ import annotations

import numpy as np

from model import FPS


def peaks(curve: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frames and heights of the local maxima above 0.02."""
    inner = curve[1:-1]
    at = np.flatnonzero((inner >= curve[:-2]) & (inner > curve[2:]) & (inner > 0.02)) + 1
    return at, curve[at]


def fit(curve: np.ndarray, times: np.ndarray, reach: float = 0.06) -> float:
    """Harmonic mean of the mean activation at the points and of the share of the peaks' mass that lies near one."""
    wide = np.maximum(curve, np.maximum(np.roll(curve, 1), np.roll(curve, -1)))
    at = np.rint(times * FPS).astype(int)
    at = at[(at >= 0) & (at < len(curve))]
    if len(at) < 2:
        return 0.0
    mean = float(wide[at].mean())
    where, height = peaks(curve)
    if height.sum() <= 0:
        return 0.0
    seconds = where / FPS
    i = np.clip(np.searchsorted(times, seconds), 1, len(times) - 1)
    near = np.minimum(np.abs(seconds - times[i - 1]), np.abs(seconds - times[i])) <= reach
    share = float(height[near].sum() / height.sum())
    return 2 * mean * share / (mean + share) if mean + share > 0 else 0.0


def _refine(beats: np.ndarray, parts: int) -> np.ndarray:
    index = np.arange((len(beats) - 1) * parts + 1) / parts
    return np.interp(index, np.arange(len(beats)), beats)


def rivals(beats: np.ndarray) -> dict[str, np.ndarray]:
    double, triple = _refine(beats, 2), _refine(beats, 3)
    return {
        "half_beat": double[1::2],
        "double": double,
        "half_even": beats[::2],
        "half_odd": beats[1::2],
        "three_halves": triple[::2],
        "two_thirds": double[::3],
    }


def choose(beat: np.ndarray, downbeat: np.ndarray, beats: np.ndarray, positions: np.ndarray) -> tuple[str, str]:
    """Names of the chosen beat reading and, given the true beats, of the chosen bar reading; "right" where right."""
    scores = {"right": fit(beat, beats)} | {k: fit(beat, t) for k, t in rivals(beats).items() if len(t) >= 4}
    meter = int(positions.max())
    first = int(np.flatnonzero(positions == 1)[0]) if (positions == 1).any() else 0
    bars = {"right": fit(downbeat, beats[positions == 1])}
    for m in sorted({meter, 3, 4}):
        for k in range(m):
            if m == meter and k == first % m:
                continue
            bars[f"shift_{(k - first) % m}" if m == meter else f"meter_{m}"] = max(
                fit(downbeat, beats[k::m]), bars.get(f"meter_{m}", 0.0) if m != meter else 0.0
            )
    return max(scores, key=scores.get), max(bars, key=bars.get)
