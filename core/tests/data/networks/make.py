#!/usr/bin/env python3
"""Writes the networks of this folder, with random weights, and what they should answer: reference.json.

    pip install torch onnx onnxruntime librosa beat-this
    python3 core/tests/data/networks/make.py

* tracker_open.onnx, tracker_fixed.onnx: Loopwright's own interface, a toy of the shipped network's kind; the time axis
  open, and fixed to 256 frames.
* beat_this_open.onnx: the architecture of Beat This! (Foscarin, Schlueter and Widmer, ISMIR 2024), made from the authors'
  package and far smaller; the time axis open, input and outputs named as published conversions name them.

The answers are onnxruntime's. For Beat This they go all the way from a signal, made here by formula, through the authors'
preprocessing and their windows.
"""
import json
import platform
from pathlib import Path

import librosa
import numpy as np
import onnx
import onnxruntime as ort
import torch
from beat_this.model.beat_tracker import BeatThis
from torch import nn

HERE = Path(__file__).resolve().parent
RATE, FRAMES, OPSET = 22050, 256, 17


class Tracker(nn.Module):
    """[1, 64, T] and [1, 48, T / 2] to [1, 2, T]."""

    def __init__(self):
        super().__init__()
        self.mel = nn.Sequential(
            nn.Conv2d(1, 3, 3, (2, 1), 1), nn.ReLU(), nn.Conv2d(3, 4, 3, (2, 1), 1), nn.ReLU(), nn.Flatten(1, 2)
        )
        self.pitch = nn.Sequential(nn.Conv2d(1, 3, (5, 3), (3, 1), (2, 1)), nn.ReLU(), nn.Flatten(1, 2))
        self.mix = nn.Conv1d(4 * 16 + 3 * 16, 8, 1)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv1d(8, 8, 5, padding=2 * d, dilation=d), nn.BatchNorm1d(8), nn.ReLU(), nn.Conv1d(8, 8, 1))
            for d in (1, 4, 16)
        )
        self.head = nn.Conv1d(8, 2, 1)

    def forward(self, mel, pitch):
        a = self.mel(mel.unsqueeze(1))
        b = self.pitch(pitch.unsqueeze(1))
        b = torch.stack([b, b], -1).flatten(2)
        x = self.mix(torch.cat([a, b], 1))
        for block in self.blocks:
            x = x + block(x)
        return self.head(x)


class Pair(nn.Module):
    """Beat This gives a dictionary; ONNX wants a tuple."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        out = self.model(x)
        return out["beat"], out["downbeat"]


def pattern(bands, frames):
    """Values from 0 to 4 by a formula that every language rounds alike; row-major, frames last."""
    i = np.arange(bands * frames, dtype=np.int64)
    return ((i * 7919 % 1009) / 252.25).astype(np.float32).reshape(1, bands, frames)


def randomise(model):
    for m in model.modules():
        if isinstance(m, nn.Linear):
            m.reset_parameters()
        if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)):
            nn.init.normal_(m.running_mean, 0.0, 0.3)
            nn.init.uniform_(m.running_var, 0.5, 2.0)


def export(model, inputs, path, names, outputs, axes):
    torch.onnx.export(
        model, inputs, str(path), input_names=names, output_names=outputs, dynamic_axes=axes, opset_version=OPSET,
        dynamo=False,
    )
    shorten(path)


def shorten(path):
    """Replaces the exporter's long names inside a graph by numbers: they would be most of the file."""
    model = onnx.load(path)
    graph = model.graph
    names = {p.name: p.name for p in [*graph.input, *graph.output]} | {"": ""}
    short = lambda name: names.setdefault(name, str(len(names)))
    for tensor in graph.initializer:
        tensor.name = short(tensor.name)
    for node in graph.node:
        node.ClearField("name")
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
        node.input[:] = map(short, node.input)
        node.output[:] = map(short, node.output)
        assert all(a.type != onnx.AttributeProto.GRAPH for a in node.attribute)
    graph.ClearField("value_info")
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def signal():
    """42 s: noise bursts at 125 BPM over a low tone."""
    n = 42 * RATE
    t = np.arange(n) / RATE
    y = 0.1 * np.sin(2 * np.pi * 110.0 * t)
    state, noise = 12345, np.empty(n)
    for i in range(n):
        state = (1103515245 * state + 12345) & 0x7FFFFFFF
        noise[i] = state / 2**30 - 1.0
    for k in range(85):
        i = int(k * 0.48 * RATE)
        j = min(i + RATE // 5, n)
        y[i:j] += (0.5 if k % 4 == 0 else 0.3) * noise[i:j] * np.exp(-40.0 * (t[i:j] - t[i]))
    return y.astype(np.float32)


def log_mel(y):
    """The authors' LogMelSpect, with torchaudio's MelSpectrogram(normalized="frame_length", power=1) written out."""
    spectrum = torch.stft(
        torch.from_numpy(y), 1024, 441, window=torch.hann_window(1024), center=True, pad_mode="reflect",
        normalized=True, return_complex=True,
    ).abs()
    bank = librosa.filters.mel(sr=RATE, n_fft=1024, n_mels=128, fmin=30, fmax=11000, htk=False, norm=None)
    return torch.log1p(1000 * (torch.from_numpy(bank) @ spectrum)).T.numpy()


def windows(run, mel, size=1500, border=6):
    """The authors' split_piece and aggregate_prediction (keep_first), in numpy; windows past the end are zeros."""
    n = len(mel)
    starts = np.arange(-border, n - border, size - 2 * border)
    if n > size - 2 * border:
        starts[-1] = n - (size - border)
    out = np.full((2, n), np.nan, np.float32)
    for start in starts[::-1]:
        window = np.zeros((size, 128), np.float32)
        lo, hi = max(start, 0), min(start + size, n)
        window[lo - start : hi - start] = mel[lo:hi]
        answer = np.stack([x[0] for x in run(window[None])])
        lo, hi = start + border, min(start + size - border, n)
        out[:, lo:hi] = answer[:, border : border + hi - lo]
    assert np.isfinite(out).all()
    return out


def rounded(x):
    return [float(f"{v:.7g}") for v in np.asarray(x).ravel()]


def main():
    torch.manual_seed(3)
    tracker = Tracker()
    randomise(tracker)
    tracker.eval()
    mel, pitch = pattern(64, FRAMES), pattern(48, FRAMES // 2)
    for name, axes in [
        ("tracker_open", {"mel": {2: "frames"}, "pitch": {2: "pitch_frames"}, "logits": {2: "frames"}}),
        ("tracker_fixed", None),
    ]:
        export(
            tracker, (torch.from_numpy(mel), torch.from_numpy(pitch)), HERE / f"{name}.onnx", ["mel", "pitch"], ["logits"], axes
        )
    (logits,) = ort.InferenceSession(HERE / "tracker_open.onnx").run(None, {"mel": mel, "pitch": pitch})

    small = BeatThis(transformer_dim=16, ff_mult=2, n_layers=1, head_dim=8, stem_dim=8)
    randomise(small)
    for m in small.modules():
        if hasattr(m, "cache_if_possible"):
            # Tables of angles for 1500 frames would be most of the file.
            m.cache_if_possible = False
    pair = Pair(small.eval())
    example = torch.zeros(1, 1500, 128)
    export(
        pair, example, HERE / "beat_this_open.onnx", ["spectrogram"], ["beat", "downbeat"],
        {"spectrogram": {1: "time"}, "beat": {1: "time"}, "downbeat": {1: "time"}},
    )
    session = ort.InferenceSession(HERE / "beat_this_open.onnx")
    heard = log_mel(signal())
    answer = windows(lambda w: session.run(None, {"spectrogram": w}), heard)
    frames = [0, 1, 2, 57, 1000, heard.shape[0] - 1]
    reference = {
        "versions": {
            "python": platform.python_version(),
            **{m.__name__: m.__version__ for m in (np, torch, ort, librosa)},
        },
        "tracker": {"frames": FRAMES, "logits": rounded(logits)},
        "beat_this": {
            "mel_frames": frames,
            "mel": rounded(heard[frames]),
            "length": int(heard.shape[0]),
            "every": 7,
            "beat": rounded(answer[0, ::7]),
            "downbeat": rounded(answer[1, ::7]),
        },
    }
    (HERE / "reference.json").write_text(json.dumps(reference) + "\n")


main()
