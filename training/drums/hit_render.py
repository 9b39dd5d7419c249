"""From a song and its hits to recordings: drums alone and in the mix, with the time at which each hit is heard.

No effect here moves an attack (see `training/beats/effects.py`), thus the truth is where the kit put the attack.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import hit_setup  # noqa: F401
import numpy as np

import effects as fx
import sound
from fluid import RATE
from hit_classes import INDEX, class_of
from hit_kits import HitKit
from kits import Hit
from song import Song

GROUP = {"kick": "kick", "snare": "snare", "clap": "snare", "hat_closed": "hats", "hat_open": "hats", "tom": "toms", "crash": "cymbals", "ride": "cymbals", "perc": "perc"}  # fmt: skip
HATS = (42, 44, 46)


@dataclass
class Recording:
    """A finished recording and its truth."""

    #: Mono at 44.1 kHz.
    audio: np.ndarray
    #: Rows of (seconds, class, velocity 0 to 1, audibility dB), by time.
    hits: np.ndarray
    done: dict = field(default_factory=dict)


@dataclass
class _Placed:
    """A hit as it was put: where, how long, how strong by itself (and by its treble)."""

    time: float
    cls: str
    velocity: float
    start: int
    power: float
    treble: float


#: Window in which a hit is compared with everything else, seconds.
WINDOW = 0.06


def _chance(rng: np.random.Generator, p: float) -> bool:
    return bool(rng.random() < p)


def place(kit: HitKit, hits: list[Hit], frames: int, choke: bool) -> tuple[dict[str, np.ndarray], list[_Placed]]:
    """Sounds of all hits by group, and where they were put. Open hats are cut off by the next hat."""
    stems: dict[str, np.ndarray] = {}
    placed: list[_Placed] = []
    hats = [h.start for h in hits if h.key in HATS]
    window, fade = int(WINDOW * RATE), int(0.004 * RATE)
    for h in hits:
        found = kit.sound(h.key, h.velocity)
        at = int(round(h.start * RATE))
        if found is None or at < 0 or at >= frames - 200:
            continue
        cls = class_of(h.key)
        n = min(len(found.wave), frames - at)
        wave = found.wave[:n] * np.float32(kit.gain(h.velocity))
        if choke and h.key in HATS:
            later = hats[int(np.searchsorted(hats, h.start + 1e-4)) :][:1]
            cut = int((later[0] - h.start) * RATE) + fade if later else n
            if fade < cut < n:
                wave = wave[:cut]
                wave[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
        group = stems.setdefault(GROUP[cls], np.zeros(frames, dtype=np.float32))
        group[at : at + len(wave)] += wave
        head = wave[:window]
        placed.append(
            _Placed(at / RATE + found.attack, cls, h.velocity / 127.0, at, float((head**2).sum()), float((np.diff(head) ** 2).sum()))
        )  # fmt: skip
    return stems, placed


def _energy(x: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(x.astype(np.float64) ** 2)])


def truth(placed: list[_Placed], gains: dict[str, float], total: np.ndarray) -> np.ndarray:
    """Rows of the truth; audibility is the part of the hit in what sounds there, or of its treble in the treble."""
    window = int(WINDOW * RATE)
    full, treble = _energy(total), _energy(np.diff(total))
    rows = []
    for p in placed:
        gain = gains[GROUP[p.cls]] ** 2
        if gain <= 0:
            continue
        a, b = p.start, min(p.start + window, len(total) - 1)
        low = p.power * gain / (full[b] - full[a] + 1e-9)
        high = p.treble * gain / (treble[b - 1] - treble[a] + 1e-9)
        rows.append((p.time, INDEX[p.cls], p.velocity, 10 * np.log10(max(low, high, 1e-9))))
    rows.sort()
    merged: list[tuple] = []
    for row in rows:
        # Two hits of one class at once are one hit.
        if any(m[1] == row[1] and row[0] - m[0] < 0.012 for m in merged[-6:]):
            continue
        merged.append(row)
    return np.array(merged, dtype=np.float64).reshape(-1, 4)


def drum_bus(rng: np.random.Generator, stems: dict[str, np.ndarray], plain: bool) -> tuple[np.ndarray, dict[str, float]]:
    """Drums mixed together, and the gain of each group."""
    gains, total = {}, None
    for name, x in stems.items():
        level = float(np.clip(rng.normal(0, 1.0 if plain else 3.0), -8, 8))
        gains[name] = float(fx.db(level))
        part = x * fx.db(level)
        if not plain and _chance(rng, 0.2):
            part = fx.apply(fx.random_eq(rng, 1, 5.0), part)
        total = part if total is None else total + part
    assert total is not None
    level = fx.loudness(total)
    scale = np.float32(0.12 / level) if level > 0 else np.float32(1.0)
    gains = {k: float(v * scale) for k, v in gains.items()}
    total = total * scale
    if not plain:
        if _chance(rng, 0.4):
            total = fx.apply(fx.random_eq(rng, int(rng.integers(1, 3)), 4.0), total)
        if _chance(rng, 0.35):
            total = fx.compress(total, rng.uniform(-4, 6), rng.uniform(2, 8), rng.uniform(0.002, 0.03), rng.uniform(0.04, 0.25))
        if _chance(rng, 0.15):
            total = fx.saturate(total * 3, rng.uniform(0.8, 5)) / 3
        if _chance(rng, 0.05):
            total = fx.crush(total, int(rng.integers(1, 4)), int(rng.integers(6, 11)))
    if _chance(rng, 0.35 if plain else 0.5):
        response = fx.impulse(rng, float(np.exp(rng.uniform(np.log(0.15), np.log(2.2)))), rng.uniform(0.2, 0.85))
        total = total + fx.convolve(total, response) * fx.db(rng.uniform(-26, -8))
    return total, gains


def music(rng: np.random.Generator, song: Song, frames: int, fonts: tuple[str, ...], plain: bool, kicks: np.ndarray) -> np.ndarray | None:
    """Everything but drums, at its usual level; None where the song has nothing else."""
    total = None
    for part in song.parts:
        if part.role in ("drums", "perc") or not part.notes or _chance(rng, 0.1):
            continue
        wave, _ = sound.melodic(rng, part, "acoustic" if plain else song.palette, frames, fonts)
        level = fx.loudness(wave)
        if level <= 0:
            continue
        wanted = sound.LEVELS[part.role] + part.gain_db + float(np.clip(rng.normal(0, 2.0 if plain else 3.5), -8, 8))
        wave = wave * (np.float32(0.12 / level) * fx.db(wanted))
        if not plain and _chance(rng, 0.3):
            wave = fx.apply(fx.random_eq(rng, 1, 4.0), wave)
        if not plain and part.role in ("lead", "chords", "arp") and _chance(rng, 0.15):
            wave = wave + fx.echo(wave, 60.0 / song.tempo * float(rng.choice([0.5, 0.75, 1.0])), rng.uniform(0.25, 0.6)) * fx.db(-10)
        total = wave if total is None else total + wave
    if total is None:
        return None
    if _chance(rng, 0.6):
        response = fx.impulse(rng, float(np.exp(rng.uniform(np.log(0.2), np.log(2.5)))), rng.uniform(0.2, 0.85))
        total = total + fx.convolve(total, response) * fx.db(rng.uniform(-22, -8))
    if len(kicks) and song.palette == "electronic" and _chance(rng, 0.4):
        total = total * fx.ducking(kicks, frames, rng.uniform(0.3, 0.95), 60.0 / song.tempo * rng.uniform(0.3, 1.0), rng.uniform(0.5, 2.5))
    return total


def master(rng: np.random.Generator, x: np.ndarray, plain: bool, done: dict) -> np.ndarray:
    """Equaliser, dynamics, noise, codec, level."""
    if not plain:
        if _chance(rng, 0.5):
            x = fx.apply(fx.random_eq(rng, int(rng.integers(1, 3)), 3.5), x)
        if _chance(rng, 0.06):
            x = fx.apply([fx.cut("lowpass", float(np.exp(rng.uniform(np.log(4000), np.log(12000)))))], x)
            done["lowpass"] = True
        if _chance(rng, 0.5):
            x = fx.compress(x, rng.uniform(-8, 3), rng.uniform(1.5, 6), rng.uniform(0.003, 0.04), rng.uniform(0.05, 0.4))
        if _chance(rng, 0.25):
            x = fx.saturate(x * np.float32(1.5), float(np.exp(rng.uniform(np.log(0.7), np.log(5))))) * np.float32(0.5)
    if _chance(rng, 0.15):
        snr = rng.uniform(30, 60)
        x = x + fx.noise(rng, len(x), str(rng.choice(["white", "pink", "vinyl", "hum"]))) * np.float32(fx.loudness(x) * 10 ** (-snr / 20))
    loud = fx.loudness(x)
    if loud > 0:
        x = x * np.float32(float(np.exp(rng.uniform(np.log(0.05), np.log(0.3)))) / loud)
    x = fx.limit(x)
    if _chance(rng, 0.12):
        x = fx.mp3(x, float(rng.uniform(0.3, 0.8)))
        done["mp3"] = True
    return np.clip(x, -1, 1).astype(np.float32)


def record(rng: np.random.Generator, song: Song, hits: list[Hit], kit: HitKit, fonts: tuple[str, ...]) -> dict[str, Recording]:
    """The drums alone ("drums") and with the music ("mix"), as far as there are any."""
    frames = int(song.duration * RATE)
    plain = _chance(rng, 0.45)
    stems, placed = place(kit, hits, frames, _chance(rng, 0.85))
    out: dict[str, Recording] = {}
    kicks = np.array([p.time for p in placed if p.cls == "kick"])
    others = music(rng, song, frames, fonts, plain, kicks)
    if others is not None and _chance(rng, 0.03):
        others = None
    if placed:
        drums, gains = drum_bus(rng, stems, plain)
        done: dict = {"plain": plain}
        raw = np.sum([stems[n] * np.float32(gains[n]) for n in stems], axis=0, dtype=np.float32)
        out["drums"] = Recording(master(rng, drums, plain, done), truth(placed, gains, raw), done)
        if others is not None:
            # Drums against music: 0 dB is where both are equally loud.
            balance = float(np.clip(rng.normal(1.0, 4.5), -10, 12))
            scale = np.float32(fx.db(-balance) * fx.loudness(drums) / max(1e-6, fx.loudness(others)))
            done = {"plain": plain, "balance": round(balance, 1)}
            audio = master(rng, drums + others * scale, plain, done)
            out["mix"] = Recording(audio, truth(placed, gains, raw + others * scale), done)
    elif others is not None:
        done = {"plain": plain, "no_drums": True}
        out["mix"] = Recording(master(rng, others, plain, done), np.zeros((0, 4)), done)
    return out
