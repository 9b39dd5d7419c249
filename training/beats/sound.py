"""Sound of composed songs: `render` makes several finished recordings of one song, each with its truth.

    python sound.py --seed 3 --out /tmp/songs

Instruments are drawn per song and, in part, anew per mix: soundfont programs of the family that the composer asked for,
synthesiser voices, drum kits. Everything follows from the song and the seed.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import effects as fx
import kits
import mix
import strums
from fluid import RATE, synthesiser
from song import Note, Part, Song
from synths import Voice, draw_patch, effects_part

#: Usual level of a role against the drums, dB.
LEVELS = {
    "perc": -8.0,
    "bass": -1.0,
    "chords": -5.0,
    "pad": -9.0,
    "lead": -4.0,
    "arp": -8.0,
    "riff": -3.0,
    "vocal": -1.5,
    "fx": -10.0,
}
#: Loudness (see `effects.loudness`) of the drums of a plain mix.
DRUM_LEVEL = 0.12

#: General MIDI programs for a role in electronic music.
ELECTRONIC = {
    "bass": (38, 39, 38, 39, 87, 36, 37, 80, 81),
    "chords": (81, 80, 90, 62, 63, 4, 5, 16, 17, 84, 88, 91, 50, 51),
    "pad": (88, 89, 90, 91, 92, 93, 94, 95, 50, 51, 52, 54),
    "lead": (80, 81, 82, 83, 84, 86, 87, 85, 62, 63, 98),
    "arp": (80, 81, 84, 87, 98, 96, 46, 11, 12, 13, 5, 38, 104, 107),
    "riff": (81, 87, 84, 30, 29, 62),
    "vocal": (85, 54, 53, 52, 65, 71),
}
#: Programs that take a part beside the family of the asked one.
KIN = {
    "bass": (32, 33, 34, 35, 36, 37, 38, 43, 58),
    "chords": (0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 21, 24, 25, 26, 27, 48, 61, 11, 46),
    "pad": (48, 49, 50, 51, 52, 19, 16, 89, 91, 44),
    "lead": (40, 41, 42, 56, 57, 60, 64, 65, 66, 68, 71, 73, 75, 22, 21, 11, 12, 25, 27, 0, 80, 81, 110, 105),
    "arp": (0, 4, 11, 12, 46, 24, 25, 45, 8, 10, 13, 108, 114),
    "riff": (24, 25, 26, 27, 28, 29, 30, 30, 29, 31, 104, 105),
    "vocal": (52, 53, 54, 85, 65, 66, 71, 73, 22, 40, 68, 56),
}
#: How often a numpy voice takes a part, by palette.
SYNTHS = {
    "electronic": {"bass": 0.65, "chords": 0.6, "pad": 0.6, "lead": 0.65, "arp": 0.7, "riff": 0.45, "vocal": 0.6},
    "mixed": {"bass": 0.25, "chords": 0.2, "pad": 0.35, "lead": 0.25, "arp": 0.4, "riff": 0.1, "vocal": 0.55},
    "acoustic": {"bass": 0.02, "chords": 0.02, "pad": 0.05, "lead": 0.03, "arp": 0.05, "riff": 0.02, "vocal": 0.5},
}


@dataclass
class Rendered:
    """A finished recording: mono float32 at 22050 Hz, its beats, and what was done to it."""

    audio: np.ndarray
    #: Seconds in this recording; only beats that lie within it.
    beats: np.ndarray
    #: Position of each beat in its bar, 1 is the downbeat.
    positions: np.ndarray
    #: (start, kind); a section into which the head was cut starts at 0.
    sections: list[tuple[float, str]]
    done: dict


def _program(rng: np.random.Generator, part: Part, palette: str) -> int:
    """The asked program, one of its family, or one of those that usually take such parts."""
    role, draw = part.role, rng.random()
    if palette == "electronic" and draw < 0.7:
        pool = ELECTRONIC[role]
        return int(pool[int(rng.integers(len(pool)))])
    if draw < 0.5:
        return part.program
    if draw < 0.78:
        return part.program // 8 * 8 + int(rng.integers(8))
    pool = KIN[role]
    return int(pool[int(rng.integers(len(pool)))])


def _expression(rng: np.random.Generator, part: Part) -> list[tuple[float, int, int]]:
    """Controllers: vibrato by the modulation wheel, and for singing lines scoops up to the note."""
    out: list[tuple[float, int, int]] = []
    if part.role in ("lead", "vocal", "riff") and rng.random() < 0.5:
        out.append((0.0, 1, int(rng.integers(10, 90))))
    if part.role == "vocal" or (part.role == "lead" and rng.random() < 0.15):
        for note in part.notes:
            if rng.random() < 0.45:
                depth = int(rng.uniform(800, 4096))
                for i, w in enumerate((1.0, 0.7, 0.45, 0.2, 0.0)):
                    out.append((max(0.0, note.start - 0.004 + 0.016 * i), -1, 8192 - int(depth * w)))
    return out


def _from_font(
    rng: np.random.Generator, part: Part, palette: str, frames: int, fonts: tuple[str, ...] = ()
) -> tuple[np.ndarray, str]:
    fluid = synthesiser()
    weights = {"fluidr3": 0.4, "musescore": 0.32, "timgm": 0.28}
    names = sorted(set(fluid.fonts) & set(fonts)) or sorted(fluid.fonts)
    share = np.array([weights[n] for n in names])
    font = str(rng.choice(names, p=share / share.sum()))
    program = _program(rng, part, palette)
    if not fluid.has(font, 0, program):
        program = part.program if fluid.has(font, 0, part.program) else 0
    notes = [(n.start, n.start + n.duration, n.pitch, n.velocity) for n in part.notes]
    controls = _expression(rng, part)
    if any(c < 0 for _, c, _ in controls):
        wave = fluid.render(font, 0, program, notes, frames, controls)
    else:
        # Mallets and bells ring on; others are damped within a third of a second.
        release = rng.uniform(0.3, 1.0) if 8 <= program < 16 else float(np.exp(rng.uniform(np.log(0.05), np.log(0.4))))
        wave = fluid.play(font, program, notes, frames, release, controls[0][2] if controls else 0)
    made = f"{font}:{program}"
    if (part.role == "riff" and (26 <= program <= 31 or rng.random() < 0.3) and rng.random() < 0.75) or (
        program in (29, 30) and rng.random() < 0.5
    ):
        wave = fx.cabinet(wave, rng)
        made += "+amp"
    return wave, made


def melodic(
    rng: np.random.Generator, part: Part, palette: str, frames: int, fonts: tuple[str, ...] = ()
) -> tuple[np.ndarray, str]:
    """The sound of one pitched part, not levelled; `fonts` names the soundfonts to choose among, if not all."""
    if part.role == "fx":
        return effects_part(part.notes, frames, rng), "fx"
    if part.role in ("chords", "riff"):
        share = {"acoustic": 0.2, "mixed": 0.15}.get(palette, 0.05) * (3.0 if 24 <= part.program <= 28 else 1.0)
        together = len(part.notes) / max(1, len(strums.events(part.notes)))
        if rng.random() < share and together > 2.2 and strums.available():
            wave = strums.render(part.notes, frames, rng)
            return (fx.cabinet(wave, rng), "strums+amp") if rng.random() < 0.25 else (wave, "strums")
    if rng.random() < SYNTHS[palette][part.role]:
        patch = draw_patch(rng, part.role)
        return Voice(patch, int(rng.integers(1 << 31))).render(part.notes, frames), f"synth:{patch.kind}"
    return _from_font(rng, part, palette, frames, fonts)


def _drums(rng: np.random.Generator, song: Song, frames: int, made: dict[str, str]) -> dict[str, np.ndarray]:
    """Kick, snare (with toms), hats (with cymbals) and percussion, levelled as one kit."""
    tracks: dict[str, list[kits.Hit]] = {}
    gains: dict[str, float] = {}
    for part in song.parts:
        if part.role not in ("drums", "perc"):
            continue
        for n in part.notes:
            key = n.pitch
            if part.role == "perc":
                stem = "perc"
            elif key in kits.KICKS:
                stem = "kick"
            elif key in kits.SNARES or key in kits.TOMS:
                stem = "snare"
            elif key in kits.HATS or key in kits.CYMBALS:
                stem = "hats"
            else:
                stem = "perc"
            tracks.setdefault(stem, []).append(kits.Hit(n.start, key, n.velocity))
            gains[stem] = part.gain_db
    if not tracks:
        return {}
    kit = kits.draw_kit(rng, song.palette)
    percussion = kits.draw_kit(rng, song.palette) if rng.random() < 0.5 else kit
    made["drums"] = kit.name
    out = {n: kits.place(percussion if n == "perc" else kit, h, frames) for n, h in tracks.items()}
    body = [out[n] * fx.db(gains[n]) for n in out if n != "perc"]
    level = fx.loudness(np.sum(body, axis=0)) if body else 0.0
    for name in out:
        own = level if name != "perc" and level > 0 else fx.loudness(out[name])
        if own > 0:
            extra = LEVELS["perc"] if name == "perc" else 0.0
            out[name] *= np.float32(DRUM_LEVEL / own) * fx.db(gains[name] + extra)
    return out


class _Player:
    """Keeps the sound of each part, to be kept or replaced from mix to mix."""

    def __init__(self, song: Song) -> None:
        self.song = song
        self.frames = max(RATE, int(song.duration * RATE))
        self.kicks = np.array(
            sorted(n.start for p in song.parts if p.role == "drums" for n in p.notes if n.pitch in kits.KICKS)
        )
        self._drums: dict[str, np.ndarray] | None = None
        self._parts: dict[int, np.ndarray] = {}
        self._made: dict[str, str] = {}

    def stems(self, rng: np.random.Generator, first: bool) -> mix.Stems:
        """The stems for the next mix: all new for the first, some new for the others."""
        song = self.song
        if self._drums is None or rng.random() < 0.85:
            self._drums = _drums(rng, song, self.frames, self._made)
        again = 0.8  # New sounds are nearly free, and what a network must not learn is one sound.
        tracks = dict(self._drums)
        for i, part in enumerate(song.parts):
            if part.role in ("drums", "perc") or not part.notes:
                continue
            if i not in self._parts or rng.random() < again:
                wave, name = melodic(rng, part, song.palette, self.frames)
                level = fx.loudness(wave)
                if part.role in ("bass", "chords", "lead", "arp", "riff") and rng.random() < 0.15:
                    # Two instruments in unison.
                    second, also = melodic(rng, part, song.palette, self.frames)
                    other = fx.loudness(second)
                    if other > 0 and level > 0:
                        wave, name = (
                            wave + second * np.float32(level / other * rng.uniform(0.3, 1.0)),
                            f"{name} & {also}",
                        )
                        level = fx.loudness(wave)
                self._made[f"{i}:{part.role}"] = name
                if level <= 0:
                    self._parts.pop(i, None)
                    continue
                wanted = LEVELS[part.role] + part.gain_db + float(np.clip(rng.normal(0, 1.5), -4, 4))
                self._parts[i] = wave * (np.float32(DRUM_LEVEL / level) * fx.db(wanted))
            tracks[part.role] = tracks[part.role] + self._parts[i] if part.role in tracks else self._parts[i]
        if not tracks:
            tracks = {"fx": np.zeros(self.frames, dtype=np.float32)}
        return mix.Stems(tracks, self.kicks, dict(self._made))


def render(song: Song, seed: int, mixes: int = 3) -> list[Rendered]:
    """Recordings of a song: the first rather clean, the others as rough as the world is."""
    player = _Player(song)
    out = []
    for number in range(mixes):
        rng = np.random.default_rng([seed & 0xFFFFFFFF, song.seed & 0xFFFFFFFF, number])
        clean = number == 0
        stems = player.stems(rng, clean)
        done: dict = {"mix": number, "sounds": stems.made}
        audio = mix.mixdown(song, stems, rng, clean, done)
        audio, source, heard = mix.finish(song, audio, rng, clean, done)
        out.append(_truth(song, audio, source, heard, done))
    return out


def _truth(song: Song, audio: np.ndarray, source: np.ndarray, heard: np.ndarray, done: dict) -> Rendered:
    """Moves beats and sections along the map of times and keeps what lies within the recording."""
    beats = np.asarray(song.beats, dtype=np.float64)
    moved = np.interp(beats, source, heard, left=-1.0, right=np.inf)
    end = len(audio) / RATE
    kept = (moved >= 0) & (moved < end)
    sections: list[tuple[float, str]] = []
    for start, kind in song.sections:
        at = float(np.interp(start, source, heard))
        if at <= 0:
            sections = [(0.0, kind)]
        elif at < end:
            sections.append((at, kind))
    return Rendered(audio, moved[kept], np.asarray(song.positions)[kept], sections, done)


def example(seed: int = 0, seconds: float = 48.0, palette: str = "electronic", tempo: float = 124.0) -> Song:
    """A plain song with every role, for tests and for listening before there is a composer."""
    rng = np.random.default_rng(seed)
    beat = 60.0 / tempo
    beats = np.arange(0.25, seconds - 0.5, beat)
    bars = beats[::4]
    roots = [36 + int(r) for r in rng.choice([0, 3, 5, 7, 8, 10], 4)]
    drums, perc, bass, chords, pad, lead, arp, riff, vocal, noises = ([] for _ in range(10))
    for i, t in enumerate(beats):
        root = roots[i // 4 % 4]
        drums.append(Note(t, 0.1, 36, 110))
        if i % 2:
            drums.append(Note(t, 0.1, 38, 105))
        drums.append(Note(t + beat / 2, 0.1, 46 if i % 4 == 3 else 42, 90))
        perc.append(Note(t + 0.75 * beat, 0.1, 70, 80))
        for k in range(2):
            bass.append(Note(t + (k + 0.5) * beat / 2, 0.2 * beat, root, 100))
        for k in range(4):
            arp.append(Note(t + k * beat / 4, 0.2 * beat, root + 36 + (0, 7, 12, 15)[k], 85))
        riff.append(Note(t, 0.4 * beat, root + 12, 100))
        if rng.random() < 0.6:
            lead.append(Note(t + beat * rng.choice([0, 0.5]), 0.45 * beat, root + 36 + int(rng.choice([0, 3, 7])), 95))
        if rng.random() < 0.5:
            vocal.append(Note(t, 0.9 * beat, root + 24 + int(rng.choice([0, 3, 7])), 95))
    for i, t in enumerate(bars):
        root = roots[i % 4]
        for step in (0, 3, 7):
            pad.append(Note(t, 3.9 * beat, root + 24 + step, 80))
            chords.extend(Note(t + k * beat, 0.4 * beat, root + 24 + step, 90) for k in range(4))
    noises.append(Note(float(bars[len(bars) // 2]) - 4 * beat, 4 * beat, 60, 90))
    programs = {"bass": 33, "chords": 4, "pad": 89, "lead": 81, "arp": 11, "riff": 30, "vocal": 53}
    lines = {
        "drums": drums,
        "perc": perc,
        "bass": bass,
        "chords": chords,
        "pad": pad,
        "lead": lead,
        "arp": arp,
        "riff": riff,
        "vocal": vocal,
        "fx": noises,
    }
    parts = [Part(role, programs.get(role, 0), notes) for role, notes in lines.items()]
    half = float(bars[len(bars) // 2])
    positions = np.arange(len(beats)) % 4 + 1
    return Song(
        seed, "example", palette, seconds, tempo, beats, positions, parts, [(float(bars[0]), "intro"), (half, "full")]
    )


def main() -> None:
    """Writes the mixes of one song as WAV files, their truth as JSON beside them."""
    import soundfile

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=48.0)
    parser.add_argument("--mixes", type=int, default=3)
    options = parser.parse_args()
    try:
        from compose import compose

        song = compose(options.seed, options.seconds)
    except ImportError:
        song = example(options.seed, options.seconds)
    options.out.mkdir(parents=True, exist_ok=True)
    for number, result in enumerate(render(song, options.seed, options.mixes)):
        stem = options.out / f"{song.style}-{options.seed}-{number}"
        soundfile.write(stem.with_suffix(".wav"), result.audio, RATE, subtype="PCM_16")
        truth = {
            "beats": result.beats.tolist(),
            "positions": result.positions.tolist(),
            "sections": result.sections,
            "done": result.done,
        }
        stem.with_suffix(".json").write_text(json.dumps(truth, indent=1, default=str))


if __name__ == "__main__":
    main()
