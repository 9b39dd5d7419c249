"""Labels real music without annotations, to learn from its sound.

    loopwright predict beats MUSIC --beat-model none --out answers.jsonl
    python pseudo.py MUSIC answers.jsonl --out DATA --first 8000000

`MUSIC` is a folder with `manifest.json` (a list of `{"id", "audio"}`) and audio of a licence that allows training; its
tracks must be productions that begin on the first beat of a bar, as exports from a sequencer do. The answers are those
of signal processing alone. A track is kept where two things that know nothing of each other agree: the tracker, which
hardly looks at where the sound begins, says that the tempo is constant and that the first sound is a downbeat. What
disagrees is left out, not corrected.

Each track becomes several mixes: excerpts at other speeds, equalised, with noise.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys

import numpy as np
import scipy.signal
import soundfile

from features import Extractor, build

RATE = 22050


def agreed(answer: dict, audio: np.ndarray) -> str | None:
    """Why the track is left out, or None where it is kept."""
    beats, downbeats = np.array(answer.get("beats", [])), np.array(answer.get("downbeats", []))
    if len(beats) < 32 or len(downbeats) < 8:
        return "few beats"
    gaps = np.diff(beats)
    period = float(np.median(gaps))
    if np.std(gaps) > 0.002 * period:
        return "tempo not constant"
    if np.ptp(np.diff(np.searchsorted(beats, downbeats - 1e-3))) != 0:
        return "bars change"
    loud = np.abs(audio)
    begins = float(np.argmax(loud > 0.02 * loud.max())) / RATE
    if abs(downbeats[0] - begins) > 0.1 * period:
        return f"first sound at {begins:.2f} s, first downbeat at {downbeats[0]:.2f} s"
    return None


def vary(audio: np.ndarray, beats: np.ndarray, seconds: float, rng: np.random.Generator):
    """A random excerpt at another speed, through another equaliser, perhaps in noise. Times move with the speed."""
    denominator = 24
    numerator = int(rng.integers(20, 30))
    # Played `denominator / numerator` times as fast.
    length = int(seconds * RATE * denominator / numerator)
    start = int(rng.integers(0, max(1, len(audio) - length)))
    piece = scipy.signal.resample_poly(audio[start : start + length], numerator, denominator)
    moved = (beats - start / RATE) * numerator / denominator
    for _ in range(int(rng.integers(0, 4))):
        # A gentle shelf or bell: the sound plus or minus a filtered copy of itself.
        low, high = np.sort(np.exp(rng.uniform(np.log(60), np.log(9000), 2)))
        high = max(high, 1.5 * low)
        sos = scipy.signal.butter(1, [low, min(high, 10500)], "bandpass", fs=RATE, output="sos")
        piece = piece + rng.uniform(-0.7, 1.5) * scipy.signal.sosfilt(sos, piece)
    if rng.random() < 0.3:
        piece = np.tanh(piece / (np.sqrt(np.mean(piece**2)) + 1e-9) * rng.uniform(0.3, 1.2))
    if rng.random() < 0.3:
        level = np.sqrt(np.mean(piece**2)) * 10 ** (-rng.uniform(12, 45) / 20)
        piece = piece + level * rng.standard_normal(len(piece))
    inside = (moved >= 0) & (moved < len(piece) / RATE)
    return piece.astype(np.float32), moved[inside], inside, numerator / denominator


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("music", type=pathlib.Path)
    parser.add_argument("answers", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--first", type=int, default=8_000_000, help="number of the first file")
    parser.add_argument("--mixes", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=48.0)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    answers = {a["id"]: a for a in map(json.loads, args.answers.read_text().splitlines())}
    extract, kept = Extractor(build()), 0
    for number, item in enumerate(json.loads((args.music / "manifest.json").read_text())):
        audio, rate = soundfile.read(args.music / item["audio"], dtype="float32", always_2d=True)
        audio = audio.mean(axis=1)
        if rate != RATE:
            audio = scipy.signal.resample_poly(audio, RATE, rate)
        why = agreed(answers.get(item["id"], {}), audio)
        print(f"{item['id']}: {why or 'kept'}", file=sys.stderr)
        if why:
            continue
        answer, rng = answers[item["id"]], np.random.default_rng(args.first + number)
        beats = np.array(answer["beats"])
        down = np.searchsorted(beats, np.array(answer["downbeats"]) - 1e-3)
        meter = int(down[1] - down[0])
        positions = (np.arange(len(beats)) - down[0]) % meter + 1
        arrays: dict[str, np.ndarray] = {}
        mixes = []
        for _ in range(args.mixes):
            piece, moved, inside, slower = vary(audio, beats, args.seconds, rng)
            made = extract(piece)
            if made is None or len(moved) < 8:
                continue
            k = len(mixes)
            arrays[f"mel_{k}"], arrays[f"pitch_{k}"] = made
            arrays[f"beats_{k}"], arrays[f"positions_{k}"] = moved, positions[inside].astype(np.int16)
            mixes.append(dict(source=item["id"], slower=slower))
        info = dict(style="real", palette="real", tempo=60 / float(np.median(np.diff(beats))), mixes=mixes)
        arrays["info"] = np.array(json.dumps(info))
        np.savez(args.out / f"song_{args.first + number:07d}.npz", **arrays)
        kept += 1
    extract.close()
    print(f"{kept} tracks kept", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
