#!/usr/bin/env python3
"""Writes the fixtures of sequences and alignments: similarity.json, beside this script.

    pip install librosa soundfile
    python3 tests/reference/make_similarity.py

`rows`: the four rows of signal.wav, its samples taken as if at 22,050 Hz, by librosa: standardised onset strength, its first
difference, the standardised low band, a quarter of the standardised peak of the tempogram (norm=None) over lags 11 to 43; and
`tempogram_max`, the maximum over all lags of the normalised tempogram, which the Python pipeline took instead. `long_*`: the same of
the signal five times over, thinned out to 600 frames; every 7th of them.

`alignments`: pairs of sequences (frames of four numbers), with the accumulated cost matrix and the path of
librosa.sequence.dtw(metric="cosine", subseq=True), as a function of the shorter sequence where the first is the longer.
"""
import json
import platform
from pathlib import Path

import librosa
import numpy as np
import scipy
import soundfile as sf

HERE = Path(__file__).resolve().parent
RATE, N_FFT, HOP = 22050, 2048, 512


def z(x):
    return (x - x.mean()) / (x.std() + 1e-8)


def rows(y):
    m = np.abs(librosa.stft(y, n_fft=N_FFT, hop_length=HOP))
    mel = librosa.power_to_db(librosa.filters.mel(sr=RATE, n_fft=N_FFT) @ m**2)
    onset = z(librosa.onset.onset_strength(S=mel, sr=RATE, hop_length=HOP).astype(np.float64))
    hz = np.fft.rfftfreq(N_FFT, 1 / RATE)
    low = z(m[(hz >= 20) & (hz <= 180)].mean(0).astype(np.float64))
    plain = librosa.feature.tempogram(onset_envelope=onset, sr=RATE, hop_length=HOP, norm=None)
    scaled = librosa.feature.tempogram(onset_envelope=onset, sr=RATE, hop_length=HOP)
    return np.vstack([onset, np.diff(onset, prepend=onset[:1]), low, 0.25 * z(plain[11:44].max(0))]), scaled.max(0)


def numbers(a, digits=8):
    return [float(f"{x:.{digits}g}") for x in np.asarray(a).ravel()]


def noise(seed, shape):
    """A generator of our own: numpy's may change."""
    state, out = seed, np.empty(int(np.prod(shape)))
    for i in range(out.size):
        state = (1103515245 * state + 12345) & 0x7FFFFFFF
        out[i] = state / 2**30 - 1.0
    return np.round(out.reshape(shape), 3).astype(np.float32)


def cases():
    a, b = noise(1, (4, 9)), noise(2, (4, 14))
    yield "shorter in longer", a, b
    yield "longer first", b, a
    yield "one length", a, noise(3, (4, 9))
    yield "itself", a, a
    yield "a part", b[:, 4:11], b
    yield "a part, slower", np.repeat(b[:, 3:8], 2, axis=1), np.repeat(b, 3, axis=1)
    yield "one frame", a[:, :1], b
    yield "two frames", a[:, :2], a[:, 5:7]
    # Ties: few directions, many equal costs.
    few = np.eye(4, dtype=np.float32)[:, [0, 0, 1, 0, 2, 2, 0, 1]]
    many = np.eye(4, dtype=np.float32)[:, [1, 0, 0, 0, 1, 1, 0, 2, 0, 1, 3, 3]]
    yield "equal frames", few, many
    yield "nothing alike", np.eye(4, dtype=np.float32)[:, [0, 1, 0]], np.eye(4, dtype=np.float32)[:, [2, 3, 2, 3, 2]]
    yield "opposite", a, -a
    yield "all the same", np.ones((4, 5), np.float32), np.ones((4, 8), np.float32)
    yield "several strips", noise(5, (4, 150)), noise(6, (4, 171))


def main():
    y, _ = sf.read(HERE / "signal.wav", dtype="float32")
    r, scaled = rows(y)
    long, _ = rows(np.tile(y, 5))
    thin = long[:, np.linspace(0, long.shape[1] - 1, 600).astype(int)]
    alignments = []
    for name, a, b in cases():
        cost, path = librosa.sequence.dtw(X=a, Y=b, metric="cosine", subseq=True)
        path = path[::-1]
        # librosa leaves the matrix transposed where the first is the longer.
        ends = path if a.shape[1] <= b.shape[1] else path[:, ::-1]
        big = cost.size > 1000
        alignments.append({
            "name": name, "a": numbers(a.T), "b": numbers(b.T),
            "cost": [] if big else numbers(cost, 9), "last_row": numbers(cost[-1], 9),
            "total": float(cost[ends[-1][0], ends[-1][1]]), "path": path.tolist(),
        })
    out = {
        "versions": {"python": platform.python_version(), "librosa": librosa.__version__, "numpy": np.__version__,
                     "scipy": scipy.__version__},
        "rows": [numbers(x, 7) for x in r], "tempogram_max": [float(scaled.min()), float(scaled.max())],
        "long_total": int(long.shape[1]), "long_rows": [numbers(x[::7], 7) for x in thin],
        "alignments": alignments,
    }
    (HERE / "similarity.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")


main()
