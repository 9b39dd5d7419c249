"""Makes songs assembled from loops, of which every true loop is known, and imperfect as recordings are.

    python make_songs.py --out SET --songs 1000 --first 0
    python make_songs.py --out TEST --songs 200 --first 900000

writes `audio/*.flac`, `truth/*.json`, `manifest.json` and `true-grid.jsonl` (for `predict loops SET --grid`). Songs that
are there already are kept. The group of styles goes by the seed, and so does the source of the pitched sounds: one
SoundFont, or the synthesisers. How imperfect the repeats of a song are is drawn for each (`--clean` makes them exact):
another equaliser and level in each bar, noise, saturation, played timing. A quarter of the songs is left as rendered.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "beats"))
sys.path.insert(0, str(HERE.parent / "regions"))

import numpy as np  # noqa: E402
import soundfile  # noqa: E402

import effects as fx  # noqa: E402
import kits  # noqa: E402
import sound  # noqa: E402
from arrange import GROUPS, Arranger  # noqa: E402
from degrade import equalise  # noqa: E402
from fluid import RATE  # noqa: E402
from make_set import SOURCES, _pitched  # noqa: E402
from song import Song  # noqa: E402


def _mix(song: Song, source: str, rng: np.random.Generator, done: dict) -> np.ndarray:
    """The song as its notes sound, balanced as a plain mix."""
    frames = max(RATE, int(song.duration * RATE))
    made: dict[str, str] = {}
    tracks = sound._drums(rng, song, frames, made)
    for i, part in enumerate(song.parts):
        if part.role in ("drums", "perc") or not part.notes:
            continue
        wave, name = _pitched(rng, part, source, song.palette, frames)
        level = fx.loudness(wave)
        if name == "sub":
            level = float(np.sqrt(np.mean(wave[np.abs(wave) > 1e-3] ** 2))) if np.any(np.abs(wave) > 1e-3) else 0.0
        made[f"{i}:{part.role}"] = name
        if level > 0:
            wanted = sound.LEVELS[part.role] + part.gain_db + float(np.clip(rng.normal(0, 1.5), -4, 4))
            wave = wave * (np.float32(sound.DRUM_LEVEL / level) * fx.db(wanted))
            tracks[part.role] = tracks[part.role] + wave if part.role in tracks else wave
    if not tracks:
        raise ValueError("a song without sound")
    kicks = np.array(sorted(n.start for p in song.parts if p.role == "drums" for n in p.notes if n.pitch in kits.KICKS))
    if song.palette == "electronic" and len(kicks) and rng.random() < 0.3:
        gain = fx.ducking(kicks, frames, float(rng.uniform(0.2, 0.8)), float(rng.uniform(0.1, 0.35)), 1.5)
        for name in ("bass", "chords", "pad", "arp"):
            if name in tracks:
                tracks[name] = tracks[name] * gain
        done["ducked"] = True
    if rng.random() < 0.5:
        send = sum(tracks[n] for n in tracks if n not in ("kick", "bass", "fx"))
        if not np.isscalar(send):
            room = fx.impulse(rng, float(rng.uniform(0.25, 1.4)), float(rng.uniform(0.3, 0.9)))
            tracks["room"] = fx.convolve(send, room) * fx.db(float(rng.uniform(-24, -11)))
            done["room"] = True
    done["sounds"] = made
    return np.sum(list(tracks.values()), axis=0).astype(np.float32)


def _spoil(x: np.ndarray, told: dict, rng: np.random.Generator, clean: bool, done: dict) -> np.ndarray:
    """What keeps a repeat from being exact."""
    for s in told["sections"]:
        if s["kind"] == "sweep":
            low, high = float(np.exp(rng.uniform(np.log(200), np.log(600)))), float(rng.uniform(4000, 9000))
            x = fx.sweep(x, s["start"], s["end"], (low, high) if rng.random() < 0.6 else (high, low), "lowpass")
    level = fx.loudness(x)
    if level > 0:
        x = x / np.float32(level)
    if rng.random() < 0.4:
        drive = float(np.exp(rng.uniform(np.log(0.3), np.log(1.5))))
        x, done["drive"] = np.tanh(x * np.float32(drive)) / np.float32(drive), drive
    if clean:
        return x
    if rng.random() < 0.75:
        depth = float(rng.choice([0.5, 1.0, 1.5, 2.0, 2.0, 2.5, 3.0]))
        gain = float(rng.choice([0.0, 0.0, 0.5, 1.0]))
        per_octave = int(rng.choice([1, 1, 2, 3]))
        x = equalise(x[:, None], RATE, told["downbeats"], depth, rng, per_octave, gain)[:, 0]
        done["eq"], done["gain"], done["per_octave"] = depth, gain, per_octave
    if rng.random() < 0.7:
        kind = str(rng.choice(["white", "white", "pink", "vinyl", "hum"]))
        down = float(rng.uniform(-50.0, -25.0))
        rms = float(np.sqrt(np.mean(x.astype(np.float64) ** 2)))
        x = x + fx.noise(rng, len(x), kind) * np.float32(rms * 10 ** (down / 20))
        done["noise"] = f"{kind} {down:.0f}"
    return x


def make(seed: int, seconds: float, out: Path, clean: bool) -> dict:
    """One song."""
    groups = list(GROUPS)
    group, source = groups[seed % len(groups)], SOURCES[seed // len(groups) % len(SOURCES)]
    name = f"{group}_{source}_{seed:06d}"
    path = out / "truth" / f"{name}.json"
    if not path.exists():
        song, told = Arranger(seed, seconds, group).song()
        rng = np.random.default_rng([seed, 78])
        done: dict = {}
        audio = _mix(song, source, rng, done)
        pristine = clean or rng.random() < 0.25
        audio = _spoil(audio, told, rng, pristine, done)
        audio = fx.limit((audio / np.float32(max(1e-6, fx.loudness(audio))) * np.float32(rng.uniform(0.1, 0.3))))
        told |= {"dur": len(audio) / RATE, "done": done, "source": source}
        soundfile.write(out / "audio" / f"{name}.flac", audio, RATE, subtype="PCM_16")
        path.write_text(json.dumps(told, default=float))
    told = json.loads(path.read_text())
    return {"id": name, "audio": f"audio/{name}.flac", "truth": f"truth/{name}.json", "style": told["group"],
            "dur": told["dur"], "source": source, "eq": told["done"].get("eq", 0.0)}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=110.0)
    parser.add_argument("--clean", action="store_true")
    options = parser.parse_args()
    for folder in ("audio", "truth"):
        (options.out / folder).mkdir(parents=True, exist_ok=True)
    items = []
    for seed in range(options.first, options.first + options.songs):
        try:
            items.append(make(seed, options.seconds, options.out, options.clean))
        except ValueError as fault:
            print(seed, fault, file=sys.stderr)
        except Exception:
            print(seed, traceback.format_exc(), file=sys.stderr)
        if len(items) % 50 == 0:
            write(options.out, items)
    write(options.out, items)
    print(f"{len(items)} songs")


def write(out: Path, items: list[dict]) -> None:
    """The manifest and the true grids."""
    (out / "manifest.json").write_text(json.dumps(items, indent=1))
    with open(out / "true-grid.jsonl", "w", encoding="utf-8") as f:
        for item in items:
            told = json.loads((out / item["truth"]).read_text())
            f.write(json.dumps({"id": item["id"], "beats": told["beats"], "downbeats": told["downbeats"]}) + "\n")


if __name__ == "__main__":
    main()
