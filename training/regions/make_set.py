"""Makes songs whose bars are known to have drums, pitch, both: audio and truth.

    python make_set.py --out SET --songs 200 --first 0
    python make_set.py --out SET --songs 140 --first 1000 --dense

writes `audio/*.flac`, `truth/*.json` (beats, downbeats, for each bar how many hits of which drums and how many
pitched notes; breaks, drumless, quiet) and `manifest.json`. Songs that are there already are kept. The pitched
sound of a song comes from one source only, a SoundFont or the synthesisers, so that sources can be left out. `--dense` raises what
is pitched above the drums by up to 10 dB and limits the whole, as in many a finished production.
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

import passages  # noqa: E402  (first: it puts the composer on the path)
import numpy as np  # noqa: E402
import soundfile  # noqa: E402

import effects as fx  # noqa: E402
import kits  # noqa: E402
import mix  # noqa: E402
import sound  # noqa: E402
from compose import compose  # noqa: E402
from fluid import RATE, synthesiser  # noqa: E402
from song import Part, Song  # noqa: E402
from synths import Voice, draw_patch, effects_part  # noqa: E402

SOURCES = ("fluidr3", "musescore", "timgm", "synth")
#: Drums by General MIDI key.
STEMS = (("kick", kits.KICKS), ("snare", kits.SNARES | kits.TOMS), ("hats", kits.HATS | kits.CYMBALS))


def _stem(role: str, key: int) -> str:
    return "perc" if role == "perc" else next((n for n, keys in STEMS if key in keys), "perc")


def _sub(rng: np.random.Generator, part: Part, frames: int) -> np.ndarray:
    """A bass without harmonics: sines from 32 to 80 Hz, held or struck, some with a little glide."""
    out = np.zeros(frames)
    decay = float(rng.choice([9.0, 9.0, 1.0, 0.4]))
    glide = float(rng.choice([0.0, 0.0, 0.03]))
    for n in part.notes:
        hz = 440.0 * 2.0 ** ((n.pitch - 69) / 12.0)
        while hz > 80.0:
            hz /= 2.0
        while hz < 32.0:
            hz *= 2.0
        length = min(int((n.duration + 0.03) * RATE), frames - int(n.start * RATE))
        if length < 200:
            continue
        t = np.arange(length) / RATE
        phase = 2 * np.pi * hz * (t + glide * (1 - np.exp(-t / 0.02)))
        wave = np.sin(phase) * np.exp(-t / decay) * (n.velocity / 127.0)
        edge = min(length // 2, int(rng.uniform(0.004, 0.02) * RATE))
        ramp = np.linspace(0, 1, edge)
        wave[:edge] *= ramp
        wave[-edge:] *= ramp[::-1]
        at = int(n.start * RATE)
        out[at : at + length] += wave
    return out.astype(np.float32)


def _pitched(rng: np.random.Generator, part: Part, source: str, palette: str, frames: int) -> tuple[np.ndarray, str]:
    if part.role == "fx":
        return effects_part(part.notes, frames, rng), "fx"
    if part.role == "bass" and rng.random() < 0.3:
        return _sub(rng, part, frames), "sub"
    if source == "synth":
        patch = draw_patch(rng, part.role)
        return Voice(patch, int(rng.integers(1 << 31))).render(part.notes, frames), f"synth:{patch.kind}"
    fluid = synthesiser()
    program = sound._program(rng, part, palette)
    if not fluid.has(source, 0, program):
        program = part.program if fluid.has(source, 0, part.program) else 0
    notes = [(n.start, n.start + n.duration, n.pitch, n.velocity) for n in part.notes]
    release = float(np.exp(rng.uniform(np.log(0.05), np.log(0.5))))
    return fluid.play(source, program, notes, frames, release), f"{source}:{program}"


def render(song: Song, seed: int, source: str, dense: bool) -> tuple[np.ndarray, dict, dict]:
    """The recording, what was done to it, and how its times map to those of the song."""
    rng = np.random.default_rng([seed, 77])
    frames = max(RATE, int(song.duration * RATE))
    made: dict[str, str] = {}
    tracks = sound._drums(rng, song, frames, made)
    above = float(rng.uniform(1.0, 10.0)) if dense else 0.0
    if rng.random() < 0.35 and "hats" in tracks:
        tracks["hats"] = tracks["hats"] * fx.db(rng.uniform(-12, -3))
    for i, part in enumerate(song.parts):
        if part.role in ("drums", "perc") or not part.notes:
            continue
        wave, name = _pitched(rng, part, source, song.palette, frames)
        level = fx.loudness(wave)
        # Loudness is weighted by ear, which a sub-bass hardly moves: it is levelled by its power.
        if name == "sub":
            level = float(np.sqrt(np.mean(wave[np.abs(wave) > 1e-3] ** 2))) if np.any(np.abs(wave) > 1e-3) else 0.0
        made[f"{i}:{part.role}"] = name
        if level > 0:
            wanted = sound.LEVELS[part.role] + part.gain_db + above + float(np.clip(rng.normal(0, 2.0), -5, 5))
            wave = wave * (np.float32(sound.DRUM_LEVEL / level) * fx.db(wanted))
            tracks[part.role] = tracks[part.role] + wave if part.role in tracks else wave
    if not tracks:
        raise ValueError("a song without sound")
    kicks = np.array(sorted(n.start for p in song.parts if p.role == "drums" for n in p.notes if n.pitch in kits.KICKS))
    clean = rng.random() < 0.5
    done: dict = {"clean": bool(clean)}
    audio = mix.mixdown(song, mix.Stems(tracks, kicks, made), rng, clean, done)
    audio, from_, to = mix.finish(song, audio, rng, clean, done)
    if "holes" in done:
        raise ValueError("holes that the notes do not show")
    if dense and (level := fx.loudness(audio)) > 0:
        audio = fx.limit(audio * np.float32(rng.uniform(0.15, 0.4) / level))
    done["sounds"] = made
    return audio, done, {"from": from_, "to": to}


def truth(song: Song, audio: np.ndarray, done: dict, times: dict) -> dict:
    """What each bar holds, and the passages that follow from it."""
    heard = lambda t: np.interp(t, times["from"], times["to"], left=-1.0, right=np.inf)  # noqa: E731
    dur = len(audio) / RATE
    beats, positions = np.asarray(song.beats, dtype=float), np.asarray(song.positions)
    moved = heard(beats)
    kept = (moved >= 0) & (moved < dur)
    # Bar lines in times of the song; the last bar is left out, its end is not known.
    lines = beats[positions == 1]
    dropped = set(done.get("dropped", ()))
    bars = []
    for a, b in zip(lines[:-1], lines[1:]):
        bar = {"start": float(heard(a)), "end": float(heard(b)), "kick": 0, "snare": 0, "hats": 0, "perc": 0}
        bar |= {"pitched": 0, "bass": 0, "held": 0.0}
        if bar["start"] < 0 or not np.isfinite(bar["end"]) or bar["end"] > dur:
            continue
        # Hits played a little early belong to the bar that they open.
        early = 0.04
        for part in song.parts:
            if part.role in ("drums", "perc"):
                for n in part.notes:
                    name = _stem(part.role, n.pitch)
                    bar[name] += name not in dropped and a - early <= n.start < b - early
            elif part.role != "fx" and part.role not in dropped:
                name = "bass" if part.role == "bass" else "pitched"
                for n in part.notes:
                    bar[name] += a - early <= n.start < b - early
                    # The longest stretch for which one note sounds, as a part of the bar.
                    bar["held"] = max(bar["held"], (min(b - early, n.start + n.duration) - max(a, n.start)) / (b - a))
        bars.append(bar)
    for bar in bars:
        bar["rms_db"] = 10 * float(
            np.log10(1e-12 + np.mean(audio[int(bar["start"] * RATE) : int(bar["end"] * RATE)] ** 2))
        )
    hits = lambda b: b["kick"] + b["snare"] + b["hats"] + b["perc"]  # noqa: E731
    body = lambda b: b["kick"] + b["snare"] + b["perc"]  # noqa: E731
    # A note that rings into a bar by less than a quarter of it is no pitched bar.
    pitched = lambda b: b["pitched"] + b["bass"] > 0 or b["held"] > 0.25  # noqa: E731

    def stretches(wanted, least=1):
        out, run = [], []
        for bar in [*bars, None]:
            if bar is not None and wanted(bar) and (not run or abs(run[-1]["end"] - bar["start"]) < 1e-3):
                run.append(bar)
                continue
            if len(run) >= least:
                out.append({"start": run[0]["start"], "end": run[-1]["end"], "bars": len(run)})
            run = [bar] if bar is not None and wanted(bar) else []
        return out

    return {
        "style": song.style,
        "dur": dur,
        "beats": moved[kept].tolist(),
        "downbeats": moved[kept & (positions == 1)].tolist(),
        "bars": bars,
        "breaks": stretches(lambda b: body(b) > 2 and not pitched(b), 2),
        "drumless": stretches(lambda b: hits(b) <= 1 and pitched(b)),
        "quiet": [],
        "sections": [{"start": 0.0, "end": dur}],
        "true_loops": [],
        "soft_loops": [],
        "done": done,
    }


def make(seed: int, seconds: float, out: Path, dense: bool) -> dict | None:
    """One song; None where it cannot serve."""
    source = SOURCES[seed % len(SOURCES)]
    name = f"{source}_{seed:05d}"
    path = out / "truth" / f"{name}.json"
    if not path.exists():
        song = compose(seed, seconds, form=passages.lay_out)
        audio, done, times = render(song, seed, source, dense)
        told = truth(song, audio, done, times)
        if len(told["bars"]) < 8:
            return None
        soundfile.write(out / "audio" / f"{name}.flac", audio, RATE)
        path.write_text(json.dumps(told, default=float))
    told = json.loads(path.read_text())
    return {"id": name, "audio": f"audio/{name}.flac", "truth": f"truth/{name}.json", "style": told["style"],
            "dur": told["dur"], "source": source, "kit": told["done"]["sounds"].get("drums", "none")}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=80.0)
    parser.add_argument("--dense", action="store_true")
    options = parser.parse_args()
    for folder in ("audio", "truth"):
        (options.out / folder).mkdir(parents=True, exist_ok=True)
    items = []
    for seed in range(options.first, options.first + options.songs):
        try:
            item = make(seed, options.seconds, options.out, options.dense)
        except ValueError as fault:
            print(seed, fault, file=sys.stderr)
            continue
        except Exception:
            print(seed, traceback.format_exc(), file=sys.stderr)
            continue
        if item:
            items.append(item)
    (options.out / "manifest.json").write_text(json.dumps(items, indent=1))
    print(f"{len(items)} songs")


if __name__ == "__main__":
    main()
