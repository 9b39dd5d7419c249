"""Kits of hits with known attacks: sounds of many makers, each changed a little for every song.

A `Source` has sounds by class and key; a `HitKit` takes its sounds from one source or mixes several, and gives every
sound a tuning, a length, an equaliser and a level of its own. Every sound knows its *attack*: the time from its first
sample until its envelope has risen to 15 % of its first peak. The truth of a hit is where that lies in the recording.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import hit_setup  # noqa: F401
import numpy as np
from scipy.signal import resample_poly

import effects as fx
import hit_synthesis as drawn
from fluid import RATE, synthesiser
from hit_classes import CLASSES, PERC_KEYS, class_of, keys_of

#: Soundfonts that share samples: they are left out together.
FAMILY = {"fluidr3": "fluid", "musescore": "fluid", "timgm": "timgm"}
#: Sounds longer than this are faded out there, seconds.
LONGEST = {"kick": 1.2, "snare": 1.2, "hat_closed": 0.7, "hat_open": 1.8, "tom": 1.4, "clap": 1.0, "crash": 2.4, "ride": 2.2, "perc": 1.2}  # fmt: skip
#: Usual peak of a class, for sounds that come without a level.
PEAK_DB = {"kick": 0.0, "snare": -1.0, "hat_closed": -11.0, "hat_open": -10.0, "tom": -2.0, "clap": -3.0, "crash": -5.0, "ride": -10.0, "perc": -7.0}  # fmt: skip


def attack_of(wave: np.ndarray) -> float:
    """Seconds until the envelope (peak of 0.5 ms) reaches 15 % of its greatest value in the first 80 ms."""
    step = max(1, int(0.0005 * RATE))
    head = np.abs(wave[: int(0.08 * RATE)])
    n = len(head) // step
    if n == 0:
        return 0.0
    envelope = head[: n * step].reshape(n, step).max(axis=1)
    return float(np.argmax(envelope >= 0.15 * envelope.max())) * step / RATE


def trim(wave: np.ndarray, cls: str) -> np.ndarray:
    """Without the silence before the attack (0.5 ms of it stay) and after the end; faded out."""
    wave = np.asarray(wave, dtype=np.float32)
    peak = float(np.abs(wave).max(initial=0.0))
    if peak <= 1e-5:
        return wave[:0]
    head = np.abs(wave[: int(0.25 * RATE)])
    first = int(np.argmax(head > 0.03 * float(head.max(initial=0.0))))
    lead = min(first, int(0.0005 * RATE))
    wave = wave[first - lead :].copy()
    wave[:lead] *= np.linspace(0, 1, lead, endpoint=False, dtype=np.float32)
    loud = np.flatnonzero(np.abs(wave) > 0.001 * peak)
    wave = wave[: min(int(loud[-1]) + 1 if len(loud) else 0, int(LONGEST[cls] * RATE))]
    tail = min(len(wave), int(0.02 * RATE))
    wave[len(wave) - tail :] *= np.linspace(1, 0, tail, dtype=np.float32)
    return wave


class Source:
    """Sounds of one maker."""

    #: Who made the sounds; recordings are left out of training by this name.
    name = "source"
    family = "synthesis"
    #: Whether levels of the sounds to each other mean something.
    levelled = False

    def keys(self, cls: str) -> tuple[int, ...]:
        """Keys at which there are sounds of a class."""
        raise NotImplementedError

    def sound(self, key: int, velocity: int, rng: np.random.Generator) -> np.ndarray:
        """Samples of a sound; `rng` serves sources that have several for a key."""
        raise NotImplementedError


class FontSource(Source):
    """A drum kit of a soundfont."""

    levelled = True
    LAYERS = (36, 70, 100, 122)

    def __init__(self, font: str, program: int) -> None:
        self.font, self.program = font, program
        self.name, self.family = f"font:{font}:{program}", FAMILY[font]

    def keys(self, cls: str) -> tuple[int, ...]:
        """As General MIDI has it, but for what other sets of kits put at those keys."""
        if self.program == 48:
            # Orchestra: timpani, castanets and concert cymbals where the toms, clap and hats would be.
            return {"kick": (35, 36), "snare": (38, 40), "crash": (57, 59), "perc": (39, 54, 56, 69, 75)}.get(cls, ())
        if self.program in (40, 41, 42) and cls in ("clap", "snare"):
            return (38, 39, 40) if cls == "snare" else ()
        return keys_of(cls)

    def sound(self, key: int, velocity: int, rng: np.random.Generator) -> np.ndarray:
        layer = min(self.LAYERS, key=lambda v: abs(v - velocity))
        cls = class_of(key)
        if cls == "tom" and rng.random() < 0.15:
            # Taiko, melodic and synthetic toms, which General MIDI has among the instruments.
            wave = _font_hit(self.font, int(rng.choice((116, 117, 118))), int(key + rng.integers(-4, 12)), layer, 0)
        elif cls == "perc" and key in (67, 68, 76, 77) and rng.random() < 0.25:
            wave = _font_hit(self.font, 113 if key < 70 else 115, int(rng.integers(55, 84)), layer, 0)
        else:
            wave = _font_hit(self.font, self.program, key, layer, 128)
        return wave * np.float32(1.0 / (layer / 127.0) ** 1.6)


@lru_cache(maxsize=6000)
def _font_hit(font: str, program: int, key: int, velocity: int, bank: int) -> np.ndarray:
    seconds = LONGEST[class_of(key)] + 0.1 if bank == 128 else 1.5
    return synthesiser(RATE).render(font, bank, program, [(0.0, 9.0, key, velocity)], int(seconds * RATE))


class DrawnSource(Source):
    """A kit of synthesised sounds."""

    def __init__(self, seed: int) -> None:
        self.name = f"drawn:{seed}"
        self._seed = seed
        rng = np.random.default_rng([seed, 3])
        self._hats = drawn.Hats(rng)
        self._tune = float(2 ** rng.uniform(-0.45, 0.45))

    def keys(self, cls: str) -> tuple[int, ...]:
        return keys_of(cls)

    def sound(self, key: int, velocity: int, rng: np.random.Generator) -> np.ndarray:
        rng = np.random.default_rng([self._seed, key])
        cls = class_of(key)
        if cls == "kick":
            return drawn.kick(rng)
        if cls == "snare":
            return drawn.snare(rng)
        if cls in ("hat_closed", "hat_open"):
            return self._hats.make(cls == "hat_open", key == 44)
        if cls == "tom":
            return drawn.tom(rng, drawn.TOM_HERTZ[key] * self._tune)
        if cls == "clap":
            return drawn.clap(rng)
        if cls in ("crash", "ride"):
            return drawn.cymbal(rng, cls == "ride")
        return drawn.perc(rng, key)


class FileSource(Source):
    """Recorded or exported single sounds by class; keys within a class choose among them."""

    def __init__(self, name: str, family: str, files: dict[str, list[Path]]) -> None:
        self.name, self.family, self._files = name, family, {c: f for c, f in files.items() if f}

    def keys(self, cls: str) -> tuple[int, ...]:
        return keys_of(cls) if cls in self._files else ()

    def sound(self, key: int, velocity: int, rng: np.random.Generator) -> np.ndarray:
        files = self._files[class_of(key)]
        wave = _read(files[int(rng.integers(len(files)))])
        return wave / max(1e-6, float(np.abs(wave).max(initial=0.0)))


@lru_cache(maxsize=4000)
def _read(path: Path) -> np.ndarray:
    import soundfile

    with soundfile.SoundFile(path) as file:
        wave = file.read(int(3.0 * file.samplerate), dtype="float32", always_2d=True)
        rate = file.samplerate
    mono = wave.mean(axis=1)
    if rate != RATE:
        common = int(np.gcd(rate, RATE))
        mono = resample_poly(mono, RATE // common, rate // common).astype(np.float32)
    return mono


#: Where Hydrogen's kits lie, and what the files of those that training may use are.
HYDROGEN_DIRS = (os.environ.get("LOOPWRIGHT_DRUMKITS", ""), "/usr/share/hydrogen/data/drumkits")
HYDROGEN_WORDS = {
    "Audiophob": {
        "kick": ("tom-0105",), "snare": ("8bit-snare", "garage-city-snare"), "hat_closed": ("hat-light",),
        "hat_open": ("302-14-open",), "tom": ("noise-tom", "tomh"), "clap": ("stomachache",), "crash": ("crash",),
        "perc": ("trimo", "sabmute", "fxshake", "crunchtime"),
    },
    "circAfrique v4": {"perc": ("djembe", "bell", "dununba1 head", "kenkeni1 head", "sangban1 head")},
}  # fmt: skip


@cache
def file_sources() -> tuple[FileSource, ...]:
    """Every source of files that is installed: Hydrogen's kits, and sample packages prepared by `hit_packages.py`."""
    out = []
    for root in HYDROGEN_DIRS:
        for name, words in HYDROGEN_WORDS.items():
            paths = sorted((Path(root) / name).glob("*.wav")) if root else []
            files = {c: [p for p in paths if any(w in p.name.lower() for w in ws)] for c, ws in words.items()}
            if any(files.values()):
                out.append(FileSource(f"hydrogen:{name}", "hydrogen", files))
    packages = os.environ.get("LOOPWRIGHT_DRUM_SAMPLES", "")
    if packages:
        # One folder a kit, in it one folder a class.
        for kit in sorted(p for p in Path(packages).iterdir() if p.is_dir()):
            files = {c: sorted(p for p in (kit / c).glob("*") if p.suffix in (".wav", ".flac", ".ogg", ".mp3")) for c in CLASSES}
            if any(files.values()):
                out.append(FileSource(f"package:{kit.name}", "package", files))
    return tuple(out)


@cache
def font_sources(family: str) -> tuple[FontSource, ...]:
    """The drum kits of a family of fonts. Fonts have many names for a few kits: those that differ are taken."""
    fluid = synthesiser(RATE)
    wanted = (0, 8, 16, 24, 25, 32, 40, 48, 1, 2, 4, 9, 12, 17, 33, 35, 41)
    return tuple(FontSource(f, p) for f in sorted(fluid.fonts) if FAMILY[f] == family for p in wanted if fluid.has(f, 128, p))


@dataclass
class Sound:
    """One sound of a kit as it is played."""

    wave: np.ndarray
    attack: float


@dataclass
class Change:
    """What a kit does to one sound: drawn once per sound."""

    up: int
    down: int
    t60: float
    sections: list[np.ndarray]
    drive: float
    bits: int
    room: np.ndarray | None
    punch: float
    gain: float


class HitKit:
    """Sounds by General MIDI percussion key."""

    def __init__(self, sources: dict[str, Source], seed: int, plain: bool) -> None:
        self.sources, self._seed, self._plain = sources, seed, plain
        rng = np.random.default_rng([seed, 1])
        self._level = {c: float(np.clip(rng.normal(0, 1.0 if plain else 3.5), -9, 9)) for c in CLASSES}
        self._natural = rng.random() < 0.7
        self._bits = int(rng.integers(6, 12)) if not plain and rng.random() < 0.08 else 0
        self._made: dict[tuple[int, int], Sound | None] = {}
        self._changes: dict[int, Change] = {}

    @property
    def names(self) -> list[str]:
        """Names of the sources."""
        return sorted({s.name for s in self.sources.values()})

    @property
    def families(self) -> list[str]:
        """What must be absent from training for this kit to be unseen."""
        return sorted({s.family for s in self.sources.values()})

    def _change(self, key: int, cls: str) -> Change:
        rng = np.random.default_rng([self._seed, key, 5])
        u = rng.uniform
        plain = self._plain
        steps = 0
        if rng.random() < (0.25 if plain else 0.6):
            steps = int(np.clip(round(rng.normal(0, 4 if not plain else 2)), -10, 10))
        short = {"hat_open": 0.35, "crash": 0.8, "ride": 0.6}.get(cls, 0.08)
        t60 = float(np.exp(u(np.log(short), np.log(1.5)))) if rng.random() < (0.1 if plain else 0.3) else 0.0
        sections = fx.random_eq(rng, int(rng.integers(1, 4)), 2.5 if plain else 5.0) if rng.random() < (0.3 if plain else 0.65) else []
        room = None
        if rng.random() < (0.05 if plain else 0.15):
            room = fx.impulse(rng, float(np.exp(u(np.log(0.1), np.log(1.2)))), u(0.2, 0.85)) * fx.db(u(-16, -2))
        return Change(
            40, 40 + steps, t60, sections, u(1, 5) if not plain and rng.random() < 0.12 else 0.0, self._bits, room,
            float(rng.normal(0, 3.0)) if not plain and rng.random() < 0.3 else 0.0,
            self._level[cls] + float(rng.normal(0, 0.5 if plain else 2.0)),
        )  # fmt: skip

    def _layer(self, velocity: int) -> int:
        return min(FontSource.LAYERS, key=lambda v: abs(v - velocity))

    def sound(self, key: int, velocity: int) -> Sound | None:
        """The sound at a key for full velocity (`gain` scales it); None where the kit has nothing there."""
        name = (key, self._layer(velocity))
        if name not in self._made:
            self._made[name] = self._make(*name)
        return self._made[name]

    @staticmethod
    def gain(velocity: int) -> float:
        """Amplitude for a velocity."""
        return (velocity / 127.0) ** 1.6

    def _doubled(self, rng: np.random.Generator, wave: np.ndarray, cls: str, key: int) -> np.ndarray:
        """A synthesised sound of the class laid upon this one, attack upon attack, as producers do."""
        other = trim(DrawnSource(int(rng.integers(1 << 31))).sound(key if key in keys_of(cls) else keys_of(cls)[0], 100, rng), cls)
        if len(other) < 100:
            return wave
        level = float(np.abs(wave).max() / max(1e-6, np.abs(other).max())) * fx.db(rng.uniform(-14, 2))
        shift = int(round((attack_of(wave) - attack_of(other)) * RATE))
        out = np.zeros(max(len(wave) + max(0, -shift), len(other) + max(0, shift)), dtype=np.float32)
        out[max(0, -shift) :][: len(wave)] += wave
        out[max(0, shift) :][: len(other)] += other * np.float32(level)
        return out

    def _make(self, key: int, layer: int) -> Sound | None:
        cls = class_of(key)
        source = self.sources.get(cls)
        keys = source.keys(cls) if source is not None else ()
        if source is None or not keys:
            return None
        rng = np.random.default_rng([self._seed, key, 9])
        play = key if key in keys else int(keys[int(rng.integers(len(keys)))])
        wave = trim(source.sound(play, layer, rng), cls)
        if len(wave) < 100:
            return None
        if not self._plain and rng.random() < 0.12:
            wave = self._doubled(rng, wave, cls, play)
        change = self._changes.setdefault(key, self._change(key, cls))
        if not (source.levelled and self._natural):
            wave = wave / max(1e-6, float(np.abs(wave).max())) * fx.db(PEAK_DB[cls])
        else:
            wave = wave * np.float32(8.0)
        if change.down != change.up:
            wave = resample_poly(wave, change.up, change.down).astype(np.float32)
        peak = float(np.abs(wave).max())
        if change.t60:
            wave = wave * np.exp(np.arange(len(wave), dtype=np.float32) * np.float32(-6.9 / (change.t60 * RATE)))
        if change.punch:
            # More or less of the first 15 ms than there was.
            t = np.arange(len(wave), dtype=np.float32) / RATE
            wave = wave * (1 + (fx.db(change.punch) - 1) * np.exp(-t / np.float32(0.015)))
        if change.sections:
            wave = fx.apply(change.sections, wave)
        if change.drive:
            top = float(np.abs(wave).max()) + 1e-9
            wave = np.tanh(wave / np.float32(top) * np.float32(change.drive)) * np.float32(top)
        if change.bits:
            step = np.float32(float(np.abs(wave).max()) / 2 ** (change.bits - 1) + 1e-9)
            wave = np.round(wave / step) * step
        if change.room is not None:
            wet = np.concatenate([wave, np.zeros(min(len(change.room), RATE // 2), dtype=np.float32)])
            wave = wet + fx.convolve(wet, change.room)
        now = float(np.abs(wave).max()) + 1e-9
        wave = trim(wave * (np.float32(peak / now) * fx.db(change.gain)), cls)
        return Sound(wave, attack_of(wave)) if len(wave) > 100 else None


def draw_kit(rng: np.random.Generator, family: str) -> HitKit:
    """A kit of which recorded sounds come from soundfonts of one family, or from files, or from none.

    Most kits are of one source; in a fourth, each class comes from one of three.
    """
    files = file_sources()
    plain = rng.random() < 0.4

    def one() -> Source:
        draw = rng.random()
        if draw < 0.62:
            fonts = font_sources(family)
            names = sorted({f.font for f in fonts})
            font = names[int(rng.integers(len(names)))]
            own = [f for f in fonts if f.font == font]
            return own[int(rng.integers(len(own)))]
        packages = [f for f in files if f.family == "package"]
        if draw < (0.85 if packages else 0.70) and files:
            pool = packages if packages and rng.random() < 0.8 else files
            return pool[int(rng.integers(len(pool)))]
        return DrawnSource(int(rng.integers(1 << 31)))

    main = one()
    several = [main, one(), one()] if rng.random() < 0.3 else [main]
    spare = DrawnSource(int(rng.integers(1 << 31)))
    sources: dict[str, Source] = {}
    for cls in CLASSES:
        fit = [s for s in several if s.keys(cls)]
        if fit:
            sources[cls] = fit[int(rng.integers(len(fit)))]
        elif rng.random() < 0.8 or cls in ("kick", "snare", "hat_closed"):
            sources[cls] = spare
    return HitKit(sources, int(rng.integers(1 << 31)), plain)


def percussion_keys(rng: np.random.Generator, count: int) -> list[int]:
    """Keys for percussion players."""
    common = (54, 54, 69, 70, 82, 56, 56, 75, 37, 37, 37, 60, 61, 62, 63, 64, 65, 67, 76, 81)
    return [int(rng.choice(common if rng.random() < 0.75 else PERC_KEYS)) for _ in range(count)]
