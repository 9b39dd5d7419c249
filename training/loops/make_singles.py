"""Makes single sounds, for what tells them from loops: hits of kits, notes and chords, sweeps.

    python make_singles.py --out SET --items 600 --first 0 --family fluid
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import compose_loops  # noqa: E402, F401  (first: it puts the others on the path)
import numpy as np  # noqa: E402
import soundfile  # noqa: E402

import effects as fx  # noqa: E402
import hit_kits  # noqa: E402
import sound  # noqa: E402
from fluid import RATE  # noqa: E402
from hit_classes import CLASSES, keys_of  # noqa: E402
from make_loops import FONTS  # noqa: E402
from song import Note, Part  # noqa: E402


def single(seed: int, family: str) -> tuple[np.ndarray, str]:
    """One sound and what it is."""
    rng = np.random.default_rng([seed, 43])
    draw = rng.random()
    if draw < 0.62:
        kit = hit_kits.draw_kit(rng, family)
        cls = str(rng.choice(CLASSES))
        found = kit.sound(int(rng.choice(keys_of(cls))), int(rng.integers(60, 127)))
        if found is None:
            raise ValueError("no such sound")
        wave, name = found.wave, cls
    else:
        role = str(rng.choice(["bass", "chords", "pad", "lead", "riff", "vocal"]))
        held = float(np.exp(rng.uniform(np.log(0.08), np.log(2.5))))
        root = int(rng.integers(30, 75))
        chord = rng.choice([0, 3, 4, 7, 10, 12], int(rng.integers(2, 5)), replace=False) if role in ("chords", "pad") else [0]
        part = Part(role, int(rng.integers(0, 96)))
        part.notes = [Note(0.0, held, int(root + c), int(rng.integers(70, 120))) for c in chord]
        frames = int((held + float(rng.uniform(0.3, 2.0))) * RATE)
        wave, _ = sound.melodic(rng, part, str(rng.choice(["acoustic", "electronic"])), frames, FONTS[family])
        name = role
    if rng.random() < 0.35:
        wave = np.concatenate([wave, np.zeros(int(RATE * rng.uniform(0.2, 1.5)), np.float32)])
        wave = wave + fx.convolve(wave, fx.impulse(rng, float(rng.uniform(0.2, 2.5)), rng.uniform(0.2, 0.85))) * fx.db(rng.uniform(-20, -4))
    if rng.random() < 0.12:
        # A delay: several attacks, each softer.
        wave = np.concatenate([wave, np.zeros(int(RATE * 1.5), np.float32)])
        wave = wave + fx.echo(wave, float(rng.uniform(0.1, 0.4)), float(rng.uniform(0.2, 0.5)))
    if rng.random() < 0.3:
        wave = np.concatenate([wave, np.zeros(int(RATE * rng.uniform(0.0, 1.0)), np.float32)])
    peak = float(np.abs(wave).max(initial=0.0))
    if peak < 1e-4:
        raise ValueError("silent")
    return (wave / peak * rng.uniform(0.2, 0.95)).astype(np.float32), name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--items", type=int, default=600)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--family", choices=sorted(FONTS), default="fluid")
    options = parser.parse_args()
    (options.out / "audio").mkdir(parents=True, exist_ok=True)
    items: list[dict] = []
    seed = options.first
    while len(items) < options.items:
        try:
            wave, name = single(seed, options.family)
            path = f"audio/{name}_{seed}.wav"
            soundfile.write(options.out / path, wave, RATE, subtype="PCM_16")
            items.append({"id": f"{name}_{seed}", "audio": path, "dur": len(wave) / RATE, "kind": "one-shot", "cls": name})
        except ValueError:
            pass
        seed += 1
    (options.out / "manifest.json").write_text(json.dumps(items, indent=0))
    print(f"{len(items)} items")


if __name__ == "__main__":
    main()
