"""Makes labelled loops in the evaluation's form: `audio/*`, `manifest.json`, `pairs.json`.

    python make_loops.py --out DEV --items 200 --first 0 --family fluid
    python make_loops.py --out TEST --items 300 --first 500000 --family timgm
    python make_loops.py --out TRAIN --items 3000 --first 1000000 --family fluid --flat

A family of loops shares a groove: as first played, time-stretched copies, another kit at another tempo, the same drums
under music, and the music alone. `--flat` makes one loop of each groove, its tempo scaled as a stretch would, without
stretching: for fitting. `--songs SET` adds bars cut from whole songs whose bars are known.

`--family` says which soundfonts the kits come from (see `drums/hit_kits.py`), so that sets share no recorded sounds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import compose_loops as compose  # noqa: E402  (first: it puts the others on the path)
import numpy as np  # noqa: E402
import soundfile  # noqa: E402
from scipy.signal import resample_poly  # noqa: E402

import effects as fx  # noqa: E402
import hit_kits  # noqa: E402
import sound  # noqa: E402
from fluid import RATE  # noqa: E402
from hit_classes import class_of  # noqa: E402
from hit_render import drum_bus, master, place  # noqa: E402
from instruments import ROLE_OF  # noqa: E402
from kits import Hit  # noqa: E402
from song import Note, Part  # noqa: E402

LICENCE = "generated pattern, free kits and soundfonts"
FONTS = {"fluid": ("fluidr3", "musescore"), "timgm": ("timgm",)}
STRETCHES = (0.8, 0.86, 0.92, 1.07, 1.13, 1.2, 1.25)
NAMES = {"perc": "other"}


def _turns(length: float) -> int:
    """Turns to play so that the last has the tails of those before it."""
    return max(2, int(np.ceil(2.5 / length)) + 1)


def play_drums(w: compose.Written, kit: hit_kits.HitKit, rng: np.random.Generator, turns: int) -> np.ndarray:
    """All turns of the drums."""
    n = int(round(w.beats * 60.0 / w.bpm * RATE))
    rows = compose.seconds(w, w.drums, rng)
    hits = [Hit(float(t) + k * n / RATE, int(p), int(v)) for k in range(turns) for t, _, p, v in rows]
    hits = sorted((h for h in hits if h.start >= 0), key=lambda h: h.start)
    stems, placed = place(kit, hits, n * turns + RATE // 2, bool(rng.random() < 0.85))
    if not placed:
        raise ValueError("no sound in the kit for the pattern")
    return drum_bus(rng, stems, bool(rng.random() < 0.45))[0]


def play_pitched(w: compose.Written, layers: dict, bars: float, fonts: tuple, rng: np.random.Generator, turns: int) -> np.ndarray:
    """All turns of the music."""
    n = int(round(bars * w.meter * 60.0 / w.bpm * RATE))
    frames = n * turns + RATE // 2
    total = np.zeros(frames, dtype=np.float32)
    for name, events in layers.items():
        rows = compose.seconds(w, events, rng)
        part = Part(ROLE_OF.get(name, name), w.programs.get(name, 0))
        part.notes = [Note(max(0.0, float(t)) + k * n / RATE, float(d), int(np.clip(p, 0, 127)), int(v))
                      for k in range(turns) for t, d, p, v in rows]  # fmt: skip
        wave, _ = sound.melodic(rng, part, w.palette, frames, fonts)
        level = fx.loudness(wave)
        if level > 0:
            total[: len(wave)] += wave[:frames] * np.float32(0.12 / level * fx.db(sound.LEVELS[part.role] + rng.normal(0, 2)))
    if rng.random() < 0.5:
        room = fx.impulse(rng, float(np.exp(rng.uniform(np.log(0.2), np.log(2.0)))), rng.uniform(0.2, 0.85))
        total = total + fx.convolve(total, room) * fx.db(rng.uniform(-22, -8))
    if not np.any(np.abs(total) > 1e-5):
        raise ValueError("layers without sound")
    return total


def drone(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """A held sound or a texture, without a beat."""
    n = int(seconds * RATE)
    t = np.arange(n) / RATE
    root = 440.0 * 2.0 ** ((int(rng.integers(33, 58)) - 69) / 12)
    out = np.zeros(n)
    if rng.random() < 0.7:
        for h in range(1, int(rng.integers(2, 9))):
            for detune in (-1, 1):
                f = np.round(root * h * (1 + detune * rng.uniform(0, 0.004)) * seconds) / seconds
                out += np.sin(2 * np.pi * f * t + rng.uniform(0, 6.28)) / h ** rng.uniform(0.8, 1.8)
        if rng.random() < 0.5:
            out += 0.5 * np.sin(2 * np.pi * np.round(root * 1.5 * seconds) / seconds * t)
    if rng.random() < 0.5 or not out.any():
        noise = fx.apply([fx.cut("lowpass", float(rng.uniform(300, 4000)))], rng.standard_normal(n).astype(np.float32))
        out += noise * (np.abs(out).max() + 0.3) * rng.uniform(0.1, 1.0)
    out *= 1 + rng.uniform(0, 0.6) * np.sin(2 * np.pi * int(rng.integers(1, 4)) / seconds * t + rng.uniform(0, 6.28))
    return (out / (np.abs(out).max() + 1e-9) * 0.4).astype(np.float32)


def finish(x: np.ndarray, n: int, turns: int, rng: np.random.Generator, ending: str) -> np.ndarray:
    """One turn: with what rings over from its end (`wrapped`), as it first sounds (`cut`), with silence after it, or with
    its own tail."""
    x = master(rng, x, bool(rng.random() < 0.5), {})
    if ending == "wrapped":
        return x[(turns - 1) * n : turns * n]
    if ending == "silence":
        pad = int(rng.uniform(0.002, 0.02) * RATE)
        front = int(rng.uniform(0.0, 0.005) * RATE) if rng.random() < 0.3 else 0
        return np.concatenate([np.zeros(front, np.float32), x[:n], np.zeros(pad, np.float32)])
    return x[:n]


class Maker:
    """Writes the items of one set."""

    def __init__(self, out: Path, family: str, flat: bool) -> None:
        self.out, self.family, self.flat = out, family, flat
        self.items: list[dict] = []
        self.pairs: list[dict] = []
        (out / "audio").mkdir(parents=True, exist_ok=True)

    def _save(self, name: str, wave: np.ndarray, rng: np.random.Generator) -> tuple[str, float]:
        # An OGG's length is exact to the sample, as WAV's is.
        kind = "ogg" if rng.random() < 0.5 and not self.flat else "wav"
        path = self.out / "audio" / f"{name}.{kind}"
        if kind == "wav":
            soundfile.write(path, wave, RATE, subtype="PCM_16")
        else:
            with soundfile.SoundFile(path, "w", RATE, 1, format="OGG", subtype="VORBIS") as f:
                # libsndfile's Vorbis writer fails on long single writes.
                for at in range(0, len(wave), 4096):
                    f.write(wave[at : at + 4096])
        return f"audio/{path.name}", len(wave) / RATE

    def _item(self, name: str, wave: np.ndarray, rng: np.random.Generator, w: compose.Written, bars: float, **more) -> dict:
        audio, dur = self._save(name, wave, rng)
        item = {"id": name, "audio": audio, "dur": round(dur, 6), "bpm": round(w.bpm, 4), "bars": bars, "meter": w.meter,
                "style": w.style, "group": w.group, "licence": LICENCE, **more}  # fmt: skip
        self.items.append(item)
        return item

    def _drum_item(self, name: str, w: compose.Written, seed: int, ending: str, **more) -> tuple[dict, np.ndarray]:
        rng = np.random.default_rng([seed, 41])
        kit = hit_kits.draw_kit(rng, self.family)
        turns, n = _turns(w.beats * 60.0 / w.bpm), int(round(w.beats * 60.0 / w.bpm * RATE))
        bus = play_drums(w, kit, rng, turns)
        wave = finish(bus, n, turns, rng, ending)
        classes = sorted({NAMES.get(class_of(int(h[2])), class_of(int(h[2]))) for h in w.drums})
        tags = ["perc"] if w.kept == "perc" else ["drums"]
        return self._item(name, wave, rng, w, w.bars, kit=",".join(kit.names), classes=classes, tags=tags, kept=w.kept,
                          swing=round(max(w.swing8, w.swing16) * 2 - 1, 3), ending=ending, **more), bus  # fmt: skip

    def family_of(self, seed: int) -> None:
        """A groove and its kin."""
        rng = np.random.default_rng([seed, 40])
        ending = str(rng.choice(["wrapped", "cut", "silence"], p=[0.7, 0.2, 0.1]))
        draw = rng.random()
        if draw < 0.06:
            self._drone(seed, rng)
            return
        w, band = compose.write(seed)
        if self.flat and rng.random() < 0.45:
            w.bpm /= float(np.exp(rng.uniform(np.log(0.8), np.log(1.25))))
        name = f"{w.style}_{seed}"
        groove = f"g{seed}"
        if draw < 0.2:
            self._pitched_item(f"{name}_mel", w, band, seed, rng, ending, None)
            return
        if self.flat and draw < 0.38:
            self._full(f"{name}_full", w, band, seed, rng, ending, groove, None)
            return
        a, bus = self._drum_item(f"{name}_a", w, seed, ending, groove=groove)
        if self.flat:
            return
        for ratio in rng.choice(STRETCHES, 2, replace=False):
            self._stretched(a, float(ratio))
        other, _ = compose.write(seed)
        other.bpm = w.bpm * float(rng.uniform(0.86, 1.16))
        b, _ = self._drum_item(f"{name}_b", other, seed + 50_000_000, "wrapped", groove=groove)
        self.pairs.append({"query": a["id"], "target": b["id"], "kind": "same_groove_other_kit_and_tempo",
                           "time_ratio": round(w.bpm / other.bpm, 5)})  # fmt: skip
        if rng.random() < 0.5:
            self._pitched_item(f"{name}_mel", w, band, seed, rng, "wrapped", None)
            full = self._full(f"{name}_full", w, band, seed, rng, "wrapped", groove, bus)
            self.pairs.append({"query": a["id"], "target": full["id"], "kind": "same_drums_plus_melodic", "time_ratio": 1.0})

    def _stretched(self, a: dict, ratio: float) -> None:
        name = f"{a['id']}_x{round(ratio * 100):03d}"
        rng = np.random.default_rng([len(self.items), int(ratio * 1000)])
        wave, _ = soundfile.read(self.out / a["audio"], dtype="float32")
        n = len(wave)
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "a.wav", Path(folder) / "b.wav"
            # Three turns, of which the middle one is kept: so the copy runs round as well.
            soundfile.write(source, np.tile(wave, 3), RATE, subtype="FLOAT")
            subprocess.run(["rubberband", "--fine", "--quiet", "--time", str(ratio), source, target], check=True, capture_output=True)
            long, _ = soundfile.read(target, dtype="float32")
        m = int(round(n * ratio))
        wave = np.clip(long[m : 2 * m], -1, 1)
        audio, dur = self._save(name, wave, rng)
        self.items.append(a | {"id": name, "audio": audio, "dur": round(dur, 6), "bpm": round(a["bpm"] / ratio, 4),
                               "derived_from": a["id"], "stretch": ratio})  # fmt: skip
        self.pairs.append({"query": a["id"], "target": name, "kind": "stretched", "time_ratio": ratio})

    def _pitched_item(self, name: str, w, band, seed: int, rng, ending: str, bars: float | None) -> None:
        layers, bars, kind = compose.pitched(seed, band, bars)
        if not layers:
            return
        turns, n = _turns(bars * w.meter * 60.0 / w.bpm), int(round(bars * w.meter * 60.0 / w.bpm * RATE))
        bus = play_pitched(w, layers, bars, FONTS[self.family], rng, turns)
        self._item(name, finish(bus, n, turns, rng, ending), rng, w, bars, tags=[kind, "drumless"], groove=None, kit=None,
                   key=w.tonic, mode=w.mode, ending=ending, layers=sorted(layers))  # fmt: skip

    def _full(self, name: str, w, band, seed: int, rng, ending: str, groove: str, bus: np.ndarray | None) -> dict:
        own = np.random.default_rng([seed, 41])
        kit = hit_kits.draw_kit(own, self.family)
        turns, n = _turns(w.beats * 60.0 / w.bpm), int(round(w.beats * 60.0 / w.bpm * RATE))
        drums = bus if bus is not None else play_drums(w, kit, own, turns)
        layers, _, _ = compose.pitched(seed, band, w.bars)
        music = play_pitched(w, layers, w.bars, FONTS[self.family], rng, turns)
        balance = float(np.clip(rng.normal(2.0, 4.0), -8, 10))
        scale = np.float32(fx.db(-balance) * fx.loudness(drums) / max(1e-6, fx.loudness(music)))
        m = min(len(drums), len(music))
        classes = sorted({NAMES.get(class_of(int(h[2])), class_of(int(h[2]))) for h in w.drums})
        return self._item(name, finish(drums[:m] + music[:m] * scale, n, turns, rng, ending), rng, w, w.bars, groove=groove,
                          tags=["drums", "full"], kit=",".join(kit.names), classes=classes, ending=ending, kept=w.kept)  # fmt: skip

    def _drone(self, seed: int, rng: np.random.Generator) -> None:
        w = compose.Written("drone", "drone", "electronic", float(rng.uniform(70, 175)), 4, float(rng.choice([2, 4])))
        wave = drone(w.beats * 60.0 / w.bpm, rng)
        self._item(f"drone_{seed}", wave, rng, w, w.bars, tags=["drone", "drumless"], groove=None, kit=None, bpm_trust="low", ending="wrapped")

    def cut_songs(self, folder: Path, count: int, seed: int) -> None:
        """Bars of whole songs, cut hard at their bar lines."""
        rng = np.random.default_rng([seed, 42])
        songs = json.loads((folder / "manifest.json").read_text())
        for song in [songs[int(i)] for i in rng.permutation(len(songs))[:count]]:
            told = json.loads((folder / song["truth"]).read_text())
            loops = [x for x in told["true_loops"] if x["bars"] <= 8]
            if not loops:
                continue
            loop = loops[int(rng.integers(len(loops)))]
            wave, rate = soundfile.read(folder / song["audio"], dtype="float32", start=0)
            wave = wave[int(round(loop["start"] * rate)) : int(round(loop["end"] * rate))]
            if rate != RATE:
                wave = resample_poly(wave, RATE // 50, rate // 50)
            inside = lambda kind: any(p["start"] - 0.01 <= loop["start"] and loop["end"] <= p["end"] + 0.01 for p in told.get(kind, ()))  # noqa: E731
            tags = ["drums"] if inside("breaks") else ["drumless"] if inside("drumless") else ["drums", "full"]
            meter = told.get("meter", 4)
            w = compose.Written(told["style"], told.get("group", ""), "mixed", 60.0 * meter * loop["bars"] / (loop["end"] - loop["start"]), meter, loop["bars"])
            self._item(f"cut_{song['id']}", np.clip(wave, -1, 1).astype(np.float32), rng, w, loop["bars"], tags=tags, groove=None,
                       kit=None, ending="song")  # fmt: skip

    def write(self) -> None:
        """The manifest and the pairs."""
        for name, rows in (("manifest.json", self.items), ("pairs.json", self.pairs)):
            temporary = self.out / f".{name}"
            temporary.write_text(json.dumps(rows, indent=0, default=float))
            shutil.move(temporary, self.out / name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--family", choices=sorted(FONTS), default="fluid")
    parser.add_argument("--flat", action="store_true")
    parser.add_argument("--songs", type=Path)
    parser.add_argument("--cuts", type=int, default=20)
    options = parser.parse_args()
    maker = Maker(options.out, options.family, options.flat)
    seed = options.first
    if options.songs:
        maker.cut_songs(options.songs, options.cuts, options.first)
    while len(maker.items) < options.items:
        try:
            maker.family_of(seed)
        except ValueError as fault:
            print(seed, fault, file=sys.stderr)
        except Exception:
            print(seed, traceback.format_exc(), file=sys.stderr)
        seed += 1
        if seed % 25 == 0:
            maker.write()
    maker.write()
    print(f"{len(maker.items)} items, {len(maker.pairs)} pairs")


if __name__ == "__main__":
    main()
