#!/usr/bin/env python3
"""Writes the librosa fixtures: signal.wav and librosa.json, beside this script.

    pip install librosa soundfile
    python3 tests/reference/make_librosa.py

The signal is made here, by formula, so that it belongs to the project: a chord with vibrato, drum hits (one of them on
the very first sample), a falling kick, and digital silence at the end. The JSON holds the versions it was made with, and
arrays as {"shape": [...], "data": [...]}, row-major, seven significant digits. Of long arrays only some frames or bins
are kept; which ones, the arrays `frames` and `chroma_bins` say.
"""
import json
import platform
from pathlib import Path

import librosa
import numpy as np
import scipy
import soundfile as sf

HERE = Path(__file__).resolve().parent
RATE, N_FFT, HOP, MELS = 44100, 2048, 512, 128


def signal():
    n = int(1.6 * RATE)
    t = np.arange(n) / RATE
    vibrato = 0.004 * np.sin(2 * np.pi * 5.5 * t)
    y = sum(a * np.sin(2 * np.pi * f * (t + vibrato / 5.5)) for f, a in [(220.0, 0.12), (277.18, 0.09), (329.63, 0.1)])
    # A generator of our own: numpy's may change.
    state, noise = 12345, np.empty(n)
    for i in range(n):
        state = (1103515245 * state + 12345) & 0x7FFFFFFF
        noise[i] = state / 2**30 - 1.0
    for at, gain, decay in [(0.0, 0.5, 60.0), (0.4, 0.3, 30.0), (0.7, 0.45, 80.0), (1.1, 0.4, 40.0)]:
        i = int(at * RATE)
        y[i:] += gain * noise[i:] * np.exp(-decay * (t[i:] - at))
    i = int(0.55 * RATE)
    u = t[i:] - 0.55
    y[i:] += 0.6 * np.sin(2 * np.pi * (50 * u + 8 * (1 - np.exp(-30 * u)))) * np.exp(-9 * u)
    y[int(1.4 * RATE):] = 0.0
    return np.round(np.clip(y, -1, 1) * 32767) / 32768


def main():
    sf.write(HERE / "signal.wav", signal(), RATE, subtype="PCM_16")
    y, rate = sf.read(HERE / "signal.wav", dtype="float32")
    assert rate == RATE
    out = {}
    spectrum = librosa.stft(y, n_fft=N_FFT, hop_length=HOP)
    magnitude = np.abs(spectrum)
    frames = [0, 1, 7, 35, 62, 95, 118, 121, magnitude.shape[1] - 1]
    out["frames"] = np.array(frames)
    out["magnitude"] = magnitude[:, frames].T
    bank = librosa.filters.mel(sr=RATE, n_fft=N_FFT, n_mels=MELS)
    mel = bank @ (magnitude**2)
    out["mel_bank_sums"] = bank.sum(axis=1)
    out["mel_bank_centroids"] = (bank @ np.arange(bank.shape[1])) / bank.sum(axis=1)
    out["logmel"] = np.log10(mel + 1e-10)[:, frames].T
    harmonic, percussive = librosa.decompose.hpss(magnitude, mask=True)
    out["mask_harmonic"] = harmonic[:, frames].T
    out["mask_percussive"] = percussive[:, frames].T
    strength = lambda m: librosa.onset.onset_strength(S=librosa.power_to_db(m), sr=RATE, hop_length=HOP)
    out["onset"] = strength(mel)
    out["onset_percussive"] = strength(bank @ ((magnitude * percussive) ** 2))
    out["onset_harmonic"] = strength(bank @ ((magnitude * harmonic) ** 2))
    out["rms"] = librosa.feature.rms(y=y, frame_length=N_FFT, hop_length=HOP)[0]
    wave = librosa.istft(spectrum * percussive, hop_length=HOP, length=len(y))
    out["percussive_wave"] = wave[::97]
    # RMS of the percussive waveform over eight spans of 15 frames.
    spans = [wave[k * 15 * HOP:(k + 1) * 15 * HOP] for k in range(8)]
    out["percussive_rms"] = np.array([np.sqrt(np.mean(np.square(s, dtype=np.float64))) for s in spans])
    bins = list(range(0, 60)) + list(range(60, 2049, 41)) + [2048]
    out["chroma_bins"] = np.array(bins)
    for name, tuning in [("", 0.0), ("_tuned", 0.3)]:
        out["chroma_bank" + name] = librosa.filters.chroma(sr=RATE, n_fft=4096, tuning=tuning)[:, bins].T
    out["chroma"] = librosa.feature.chroma_stft(y=y, sr=RATE, n_fft=4096, hop_length=2048, tuning=0.0)[:, :28].T
    arrays = {
        name: {"shape": list(np.shape(a)), "data": [float(f"{x:.7g}") for x in np.ravel(a)]} for name, a in out.items()
    }
    versions = {m.__name__: m.__version__ for m in (librosa, np, scipy, sf)} | {"python": platform.python_version()}
    text = json.dumps({"versions": versions, "arrays": arrays}, separators=(",", ":"))
    (HERE / "librosa.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
