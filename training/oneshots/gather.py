"""Gathers one-shots of many makers and measures them: the table that `train.py` learns from.

    python gather.py --features ../../target/debug/examples/oneshot_features --out DATA.npz [--eval SET ...]

Sources: every drum kit of three SoundFonts, their basses, leads, chords and effects; three Hydrogen kits; four drawn
makers (`drawn.py`); and labelled sets of one-shots (`manifest.json` with `audio`, `kit`, `cls`). The features are the
program's own: `cargo build -p loopwright-core --example oneshot_features` makes the filter.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "beats"))

import drawn  # noqa: E402
from folds import author_of  # noqa: E402
from fluid import FONTS, Fluid  # noqa: E402

RATE = 44_100
CLASSES = (
    "kick", "snare", "hat_closed", "hat_open", "tom", "clap", "crash", "ride", "perc", "bass", "lead", "stab", "fx",
)
HYDROGEN = os.environ.get("LOOPWRIGHT_DRUMKITS", "/usr/share/hydrogen/data/drumkits")

#: General MIDI's percussion keys.
KEYS = {35: "kick", 36: "kick", 38: "snare", 40: "snare", 39: "clap", 42: "hat_closed", 44: "hat_closed", 46: "hat_open",
        49: "crash", 57: "crash", 52: "crash", 55: "crash", 51: "ride", 53: "ride", 59: "ride"}
KEYS |= {k: "tom" for k in (41, 43, 45, 47, 48, 50)}
KEYS |= {k: "perc" for k in (27, 28, 31, 32, 33, 34, 37, 54, 56, 58, *range(60, 88)) if k != 84}


def key_class(program: int, key: int) -> str | None:
    """What a key of a drum kit is; `None` where kits differ from General MIDI."""
    if program >= 48:  # orchestra, effects, marching bands
        return {38: "snare", 40: "snare", 57: "crash", 59: "crash"}.get(key) if program == 48 else None
    if program // 8 == 5 and key in (39, 40):  # brushes: slap and swirl
        return "snare" if key == 39 else None
    if program == 24 and key == 52:  # a cymbal backwards
        return None
    return KEYS.get(key)


def fonts(rng: np.random.Generator):
    """Kits and programs of the SoundFonts."""
    fluid = Fluid(RATE)
    for font in (f for f in FONTS if f in fluid.fonts):
        for program in (p for p in range(49) if fluid.has(font, 128, p)):
            hits = [(k, v) for k in range(27, 88) if key_class(program, k) for v in (70, 118)]
            slot = 1.7
            notes = [(i * slot, i * slot + 1.6, k, v) for i, (k, v) in enumerate(hits)]
            stops = [(i * slot + 1.65, 120, 0) for i in range(len(hits))]
            tape = fluid.render(font, 128, program, notes, int(len(hits) * slot * RATE), stops)
            for i, (k, v) in enumerate(hits):
                wave = tape[int(i * slot * RATE) : int((i * slot + 1.6) * RATE)]
                yield font, f"{program}:{k}:{v}", key_class(program, k), wave
        banks = {
            "bass": (range(32, 40), (28, 34, 40, 46)),
            "lead": ((*range(80, 88), 4, 5, 6, 11, 24, 27, 28, 29, 104), (57, 69, 78)),
            "stab": ((4, 5, 16, 17, 18, 27, 30, 48, 50, 55, 61, 62, 63, 80, 81, 90), (50, 57)),
            "fx": ((97, 98, 99, 101, 102, 103, 119, 120, 121, 122, 123, 124, 125, 126, 127), (48, 60, 72)),
        }
        for cls, (programs, keys) in banks.items():
            for program in (p for p in programs if fluid.has(font, 0, p)):
                for key in keys:
                    end = float(rng.choice([0.15, 0.3, 0.6, 1.0]))
                    chord = {"stab": rng.choice(["0 4 7", "0 3 7", "0 3 7 10", "0 7 12"])}.get(cls, "0")
                    notes = [(0.0, end, key + int(n), 105) for n in chord.split()]
                    yield font, f"m{program}:{key}", cls, fluid.render(font, 0, program, notes, int(1.5 * RATE))


#: Hydrogen kits: words of a file's name and what it is.
AUDIOPHOB = {"101450": "tom", "104227": "hat_open", "116973": "hat_closed", "122557": "perc", "124101": "crash",
             "124382": "snare", "15590": "perc", "156272": "perc", "16336": "perc", "25671": "snare", "86335": "tom",
             "99930": "tom", "99931": "tom"}


def read(path: Path, most: float = 2.5) -> np.ndarray:
    wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = wave.mean(axis=1)[: int(most * rate)]
    common = int(np.gcd(rate, RATE))
    return mono if rate == RATE else resample_poly(mono, RATE // common, rate // common)


def hydrogen(rng: np.random.Generator):
    """The three kits that training may use."""
    root = Path(HYDROGEN)
    for path in sorted(root.glob("Audiophob/*.wav")):
        cls = AUDIOPHOB.get(path.name.split("_")[0])
        if cls:
            yield "audiophob", path.stem, cls, read(path)
    for path in sorted(root.glob("circAfrique*/*.wav")):
        yield "circafrique", path.stem, "perc", read(path)
    strums = sorted(root.glob("belofilms_GuitarStrums/*.flac"))
    for i in rng.choice(len(strums), min(40, len(strums)), replace=False):
        wave = read(strums[i])
        n = int(drawn.logu(rng, 0.15, 1.2) * RATE)
        cut = wave[:n] * np.minimum(1, (min(n, len(wave)) - np.arange(len(wave[:n]))) / 800)
        yield "belofilms", strums[i].stem, "stab", cut


def makers(rng: np.random.Generator, each: int):
    """The drawn makers: `each` sounds of a class."""
    for maker, make in drawn.MAKERS.items():
        for cls in CLASSES:
            for i in range(each * (2 if cls == "perc" else 1)):
                yield f"drawn_{maker}", f"{cls}{i}", cls, drawn.treat(rng, make(rng, cls))


LABELS = {"other": "perc", "synth_bass": "bass"}


def labelled(folder: Path):
    """A set of labelled one-shots. Its `synth` holds guitars (leads) and blips (effects)."""
    for item in json.loads((folder / "manifest.json").read_text()):
        cls = LABELS.get(item["cls"], item["cls"])
        if cls == "synth":
            cls = "lead" if item["fine"] == "guitar" else "fx"
        yield f"{folder.name}:{item['kit']}", item["id"], cls, read(folder / item["audio"])


class Features:
    """The program's features, through its filter."""

    def __init__(self, program: str) -> None:
        self.names = subprocess.run([program, "--names"], capture_output=True, text=True, check=True).stdout.split()
        self._pipe = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def of(self, wave: np.ndarray) -> np.ndarray:
        wave = np.ascontiguousarray(wave, dtype="<f4")
        self._pipe.stdin.write(struct.pack("<I", len(wave)) + wave.tobytes())
        self._pipe.stdin.flush()
        (count,) = struct.unpack("<I", self._pipe.stdout.read(4))
        return np.frombuffer(self._pipe.stdout.read(4 * count), dtype="<f4")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", required=True, help="the program `oneshot_features`")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--eval", action="append", default=[], type=Path, help="a labelled set")
    parser.add_argument("--each", type=int, default=60, help="drawn sounds of a class and maker")
    parser.add_argument("--copies", type=int, default=1, help="treated copies of each recorded sound")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    features = Features(args.features)
    rows, classes, sources, ids, copies = [], [], [], [], []
    seen: set[bytes] = set()
    kept: dict[str, list[np.ndarray]] = {}

    def add(source: str, name: str, cls: str, wave: np.ndarray, copy: int) -> None:
        rows.append(features.of(wave))
        classes.append(CLASSES.index(cls))
        sources.append(source)
        ids.append(name)
        copies.append(copy)

    def recorded():
        yield from fonts(rng)
        yield from hydrogen(rng)
        for folder in args.eval:
            yield from labelled(folder)

    for source, name, cls, wave in recorded():
        if np.abs(wave).max(initial=0.0) < 1e-4:
            continue
        row = features.of(wave)
        # Kits of one font share most of their samples, and fonts borrow from each other.
        mark = np.round(row / 0.5).astype(np.int16).tobytes()
        if mark in seen:
            continue
        seen.add(mark)
        add(source, name, cls, wave, 0)
        kept.setdefault(author_of(source), []).append(wave)
        for c in range(args.copies):
            copy = drawn.treat(rng, drawn.retune(rng, wave))
            if rng.random() < 0.3:  # of the same author: a judged author's sounds must not stand in others' copies
                own = kept[author_of(source)]
                copy = drawn.bled(rng, copy, own[rng.integers(len(own))])
            add(source, name, cls, copy, c + 1)
        if len(rows) % 500 < 1 + args.copies:
            print(f"\r{len(rows)}", end="", file=sys.stderr, flush=True)
    for source, name, cls, wave in makers(rng, args.each):
        add(source, name, cls, wave, 0)
    print(f"\r{len(rows)} rows", file=sys.stderr)
    np.savez_compressed(
        args.out, x=np.array(rows, dtype=np.float32), y=np.array(classes), source=np.array(sources), id=np.array(ids),
        copy=np.array(copies), names=np.array(features.names), classes=np.array(CLASSES),
    )


if __name__ == "__main__":
    main()
