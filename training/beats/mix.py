"""From stems to a finished recording: balance, effects, mastering, and what happens to music on its way to a listener.

`mixdown` works at the song's own times. `finish` changes speed, cuts and pads, and therefore returns the map of times.
Everything is drawn from a generator, and what was done is written into a dict so that results can be broken down by it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

import effects as fx
from fluid import RATE
from song import Song

#: Stems by the bus on which they are mixed.
BUSES = {
    "drums": ("kick", "snare", "hats", "perc"),
    "bass": ("bass",),
    "harmony": ("chords", "pad", "arp"),
    "lead": ("lead", "riff", "vocal"),
    "fx": ("fx",),
}


@dataclass
class Stems:
    """One realisation of a song in sound: a signal per stem, balanced as a plain mix would be."""

    tracks: dict[str, np.ndarray]
    kicks: np.ndarray
    made: dict[str, str] = field(default_factory=dict)


def _chance(rng: np.random.Generator, p: float) -> bool:
    return bool(rng.random() < p)


def _choose_gains(rng: np.random.Generator, clean: bool, stems: Stems, done: dict) -> dict[str, float]:
    """Gains in dB per stem; minus infinity removes one."""
    sd_bus, sd_stem = (1.5, 1.0) if clean else (5.0, 2.5)
    gains = {}
    for names in BUSES.values():
        level = float(np.clip(rng.normal(0, sd_bus), -14, 9))
        for name in names:
            gains[name] = level + float(np.clip(rng.normal(0, sd_stem), -8, 6))
    if clean:
        return gains
    dropped = []
    draw = rng.random()
    if draw < 0.075:
        dropped = list(BUSES["drums"])
    elif draw < 0.15:
        dropped = [n for bus in ("bass", "harmony", "lead") for n in BUSES[bus]]
    for name, p in (("kick", 0.06), ("hats", 0.1), ("snare", 0.03), ("perc", 0.12), ("bass", 0.07)):
        if _chance(rng, p):
            dropped.append(name)
    for bus in ("harmony", "lead"):
        if _chance(rng, 0.07):
            dropped.extend(BUSES[bus])
    left = [n for n in stems.tracks if n not in dropped]
    if any(float(np.abs(stems.tracks[n]).max(initial=0.0)) > 0.01 for n in left if n != "fx"):
        for name in dropped:
            gains[name] = -np.inf
        if dropped:
            done["dropped"] = sorted(set(dropped) & set(stems.tracks))
    return gains


def _gate(song: Song, rng: np.random.Generator, frames: int) -> np.ndarray:
    """A rhythmic gate in sixteenths that follows the beats."""
    pattern = (rng.random(int(rng.choice([4, 8, 16]))) < 0.65).astype(np.float32)
    pattern[0] = 1.0
    steps = np.interp(np.arange(0, (len(song.beats) - 1) * 4 + 1) / 4, np.arange(len(song.beats)), song.beats)
    n = -(-frames // fx.HOP)
    times = np.arange(n) * fx.HOP / RATE
    index = np.searchsorted(steps, times, side="right") - 1
    floor = rng.uniform(0, 0.4)
    gain = np.where(index >= 0, floor + (1 - floor) * pattern[index % len(pattern)], 1.0)
    return fx.spread(gain.astype(np.float32), frames)


def _sections(song: Song) -> list[tuple[float, float, str]]:
    starts = [s for s, _ in song.sections] + [song.duration]
    return [(a, b, kind) for (a, kind), b in zip(song.sections, starts[1:]) if b - a > 1.0]


def _colour(song: Song, buses: dict[str, np.ndarray], rng: np.random.Generator, clean: bool, done: dict) -> None:
    """Chorus, flanger, tremolo and old samplers, in place."""
    rate = 0.4 if clean else 1.0
    for bus in ("harmony", "lead"):
        if bus in buses and _chance(rng, 0.16 * rate):
            if _chance(rng, 0.6):
                settings = (rng.uniform(0.008, 0.025), rng.uniform(0.0005, 0.003), rng.uniform(0.2, 2.0))
            else:
                settings = (rng.uniform(0.002, 0.006), rng.uniform(0.0005, 0.0018), rng.uniform(0.05, 0.5))
            copy = fx.modulated_copy(buses[bus], *settings, rng.uniform(0, 6.28))
            buses[bus] = buses[bus] + copy * np.float32(rng.choice([-1, 1]) * rng.uniform(0.4, 0.9))
            done.setdefault("chorus", []).append(bus)
    if "harmony" in buses and _chance(rng, 0.05 * rate):
        hertz = song.tempo / 60 * float(rng.choice([1, 2, 3, 4])) if _chance(rng, 0.5) else rng.uniform(3, 8)
        n = -(-len(buses["harmony"]) // fx.HOP)
        swing = np.sin(2 * np.pi * hertz * np.arange(n) * fx.HOP / RATE + rng.uniform(0, 6.28))
        gain = 1 - rng.uniform(0.2, 0.8) * (0.5 + 0.5 * swing)
        buses["harmony"] = buses["harmony"] * fx.spread(gain, len(buses["harmony"]))
        done["tremolo"] = round(hertz, 2)
    p = {"electronic": 0.12, "mixed": 0.1}.get(song.palette, 0.03) * rate
    if "drums" in buses and _chance(rng, p):
        buses["drums"] = fx.crush(buses["drums"], int(rng.integers(1, 5)), int(rng.integers(5, 10)))
        done["crushed"] = True


def _holes(song: Song, buses: dict[str, np.ndarray], rng: np.random.Generator, done: dict) -> None:
    """Bars without drums, or with nothing but drums, or with nothing: what breaks and drops are made of. In place."""
    lines = np.asarray(song.beats)[np.asarray(song.positions) == 1]
    if len(lines) < 6:
        return
    for _ in range(int(rng.integers(1, 4))):
        i = int(rng.integers(1, len(lines) - 1))
        length = float(rng.choice([0.25, 0.5, 1, 1, 2, 4]))
        end = float(lines[i])
        start = end - length * float(lines[i] - lines[i - 1])
        what = rng.random()
        for bus in buses:
            if (
                (what < 0.5 and bus == "drums")
                or (0.5 <= what < 0.8 and bus != "drums")
                or (what >= 0.8 and length <= 1)
            ):
                # Up to just before the line, so that no attack on it is touched.
                buses[bus] = fx.mute(buses[bus], start - 0.012, end - 0.012)
    done["holes"] = True


def mixdown(song: Song, stems: Stems, rng: np.random.Generator, clean: bool, done: dict) -> np.ndarray:
    """One mix, at the song's own times."""
    frames = len(next(iter(stems.tracks.values())))
    electronic = song.palette == "electronic"
    beat = 60.0 / song.tempo
    gains = _choose_gains(rng, clean, stems, done)
    buses: dict[str, np.ndarray] = {}
    for bus, names in BUSES.items():
        total = None
        for name in names:
            if name not in stems.tracks or not np.isfinite(gains[name]):
                continue
            part = stems.tracks[name] * fx.db(gains[name])
            if bus == "drums" and not clean and _chance(rng, 0.12):
                part = fx.apply(fx.random_eq(rng, 1, 6.0), part)
            total = part if total is None else total + part
        if total is not None:
            buses[bus] = total
    # Per bus: equaliser, dynamics, saturation.
    for bus, x in buses.items():
        if _chance(rng, 0.2 if clean else 0.55):
            x = fx.apply(fx.random_eq(rng, 1 if clean else int(rng.integers(1, 4)), 2.5 if clean else 5.0), x)
            done.setdefault("eq", []).append(bus)
        if bus == "drums" and _chance(rng, 0.2 if clean else 0.35):
            x = fx.compress(x, rng.uniform(-4, 6), rng.uniform(2, 8), rng.uniform(0.002, 0.03), rng.uniform(0.04, 0.25))
        if bus in ("drums", "bass", "lead") and _chance(rng, 0.05 if clean else 0.18):
            level = fx.loudness(x)
            if level > 0:
                x = fx.saturate(x / np.float32(3 * level), rng.uniform(0.8, 6), rng.uniform(0, 0.2)) * np.float32(
                    2 * level
                )
                done.setdefault("saturated", []).append(bus)
        if bus == "harmony" and _chance(rng, (0.08 if electronic else 0.01)):
            x = x * _gate(song, rng, frames)
            done["gate"] = True
        buses[bus] = x
    _colour(song, buses, rng, clean, done)
    if not clean and _chance(rng, 0.12):
        _holes(song, buses, rng, done)
    # Sweeps of a filter through a section, on the music or on everything but the drums.
    if electronic and _chance(rng, 0.12 if clean else 0.25):
        spans = _sections(song)
        for a, b, _ in [spans[int(rng.integers(len(spans)))]] if spans else []:
            kind = "lowpass" if _chance(rng, 0.7) else "highpass"
            corners = (
                (rng.uniform(150, 500), rng.uniform(3000, 9000))
                if kind == "lowpass"
                else (rng.uniform(40, 100), rng.uniform(500, 2500))
            )
            if _chance(rng, 0.25):
                corners = corners[::-1]
            for bus in buses if _chance(rng, 0.4) else [n for n in buses if n != "drums"]:
                buses[bus] = fx.sweep(buses[bus], a, b, corners, kind)
            done["sweep"] = kind
    # Side-chain, also from a kick that is not heard.
    p = {"electronic": 0.5, "mixed": 0.2}.get(song.palette, 0.03)
    if len(stems.kicks) and _chance(rng, 0.6 * p if clean else p):
        depth = rng.uniform(0.3, 1.0)
        duck = fx.ducking(stems.kicks, frames, depth, beat * rng.uniform(0.3, 1.0), rng.uniform(0.5, 2.5))
        for bus in buses:
            if bus != "drums" and _chance(rng, 0.85):
                buses[bus] = buses[bus] * duck
        done["sidechain"] = round(depth, 2)
    # Delays at musical times.
    for bus, p in (("lead", 0.3), ("harmony", 0.15), ("drums", 0.03)):
        if bus in buses and _chance(rng, p if not clean else 0.6 * p):
            seconds = beat * float(rng.choice([0.25, 1 / 3, 0.5, 0.75, 0.75, 1.0, 1.5]))
            wet = fx.echo(buses[bus], seconds, rng.uniform(0.25, 0.65)) * fx.db(rng.uniform(-18, -5))
            buses[bus] = buses[bus] + fx.apply([fx.cut("lowpass", rng.uniform(1500, 6000), 1)], wet)
            done.setdefault("delay", []).append(bus)
    total = np.sum(list(buses.values()), axis=0, dtype=np.float32)
    if "snare" in stems.tracks and np.isfinite(gains["snare"]) and _chance(rng, 0.08 if clean else 0.15):
        # A hall on the snare alone, gated in half of the cases: cut off with what would be its tail.
        response = fx.impulse(rng, rng.uniform(0.3, 1.8), rng.uniform(0.4, 0.9))
        if _chance(rng, 0.5):
            response = response[: int(rng.uniform(0.08, 0.25) * RATE)]
        wet = fx.convolve(stems.tracks["snare"] * fx.db(gains["snare"]), response)
        total = total + wet * fx.db(rng.uniform(-8, 4))
        done["snare_hall"] = True
    # One or two rooms with sends per bus. Bass is kept out of them, mostly.
    for _ in range(1 if clean or _chance(rng, 0.7) else 2):
        if not _chance(rng, 0.8):
            continue
        send = np.zeros(frames, dtype=np.float32)
        for bus, x in buses.items():
            usual = {"drums": -20, "bass": -34, "harmony": -14, "lead": -13, "fx": -10}[bus]
            send += x * fx.db(usual + rng.normal(0, 3 if clean else 5))
        t60 = float(np.exp(rng.uniform(np.log(0.15), np.log(3.0))))
        response = fx.impulse(rng, t60, rng.uniform(0.2, 0.85))
        total = total + fx.convolve(send, response) * fx.db(6.0)
        done.setdefault("room", []).append(round(t60, 2))
    if not clean and _chance(rng, 0.07):
        # All of it heard through a room: a rehearsal or a concert.
        response = fx.impulse(rng, rng.uniform(0.2, 1.2), rng.uniform(0.3, 0.8))
        total = total + fx.convolve(total, response) * fx.db(rng.uniform(-9, 0))
        done["live"] = True
    return _master(song, total, rng, clean, done)


def _master(song: Song, x: np.ndarray, rng: np.random.Generator, clean: bool, done: dict) -> np.ndarray:
    """Bus equaliser, filters, compression, saturation and limiting."""
    level = fx.loudness(x)
    if level <= 1e-6:
        return x
    x = x * np.float32(0.14 / level)
    sections: list[np.ndarray] = []
    if _chance(rng, 0.3 if clean else 0.6):
        sections += fx.random_eq(rng, 1 if clean else 2, 2.0 if clean else 4.0)
    if not clean:
        draw = rng.random()
        if draw < 0.04:
            sections += [fx.cut("highpass", rng.uniform(250, 500)), fx.cut("lowpass", rng.uniform(2500, 4000))]
            done["filter"] = "telephone"
        elif draw < 0.11:
            sections.append(fx.cut("lowpass", float(np.exp(rng.uniform(np.log(900), np.log(7000))))))
            done["filter"] = "lowpass"
        elif draw < 0.2:
            sections.append(fx.cut("highpass", float(np.exp(rng.uniform(np.log(60), np.log(500))))))
            done["filter"] = "highpass"
    x = fx.apply(sections, x)
    spans = [s for s in _sections(song) if s[2] in ("intro", "break", "no_drums", "light")]
    if spans and song.palette != "acoustic" and _chance(rng, 0.1):
        # A stretch as through a wall, or without its bottom, that opens at the next section.
        a, b, _ = spans[int(rng.integers(len(spans)))]
        if _chance(rng, 0.6):
            f = rng.uniform(300, 1500)
            x = fx.sweep(x, a, b, (f, f * rng.uniform(1, 3)), "lowpass")
        else:
            x = fx.sweep(x, a, b, (rng.uniform(200, 800),) * 2, "highpass")
        done["filtered_section"] = True
    if _chance(rng, 0.4 if clean else 0.6):
        x = fx.compress(x, rng.uniform(-8, 3), rng.uniform(1.5, 6), rng.uniform(0.003, 0.04), rng.uniform(0.05, 0.4))
        done["compressed"] = True
    if not clean and _chance(rng, 0.15):
        # As loud as it gets: two fast compressors and a clipper.
        x = fx.compress(x, -9.0, 4.0, 0.003, 0.08)
        x = x * np.float32(0.14 / max(1e-6, fx.loudness(x)))
        x = fx.saturate(x * np.float32(rng.uniform(2, 6)), 1.0)
        done["loud"] = True
    elif not clean and _chance(rng, 0.3):
        drive = float(np.exp(rng.uniform(np.log(0.7), np.log(6))))
        x = fx.saturate(x * np.float32(1.5), drive) * np.float32(0.5)
        done["saturation"] = round(drive, 1)
    loud = fx.loudness(x)
    if loud > 0:
        target = rng.uniform(0.1, 0.16) if clean else float(np.exp(rng.uniform(np.log(0.07), np.log(0.4))))
        x = x * np.float32(target / loud)
    return fx.limit(x)


def finish(
    song: Song, x: np.ndarray, rng: np.random.Generator, clean: bool, done: dict
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Speed, wow, cuts, padding, fades, noise, codec, level: sound and the map of times as two increasing arrays.

    A time of the song `t` is heard at `np.interp(t, song_times, heard_times)`, which also holds for times before the
    first and after the last sample, where it is negative or beyond the end.
    """
    # The map is kept as its inverse: song seconds at samples of the result, and simple shifts behind it.
    speed, shift = 1.0, 0.0
    if not clean and _chance(rng, 0.75):
        x, speed = fx.varispeed(x, float(np.exp(rng.uniform(np.log(0.82), np.log(1.22)))))
        done["speed"] = round(speed, 4)
    heard = np.array([0.0, len(x) / RATE])
    source = heard.copy()
    if not clean and _chance(rng, 0.1):
        depth, rate = rng.uniform(0.0005, 0.006), rng.uniform(0.15, 2.5)
        x, source = fx.wow(x, depth, rate, rng.uniform(0, 6.28))
        heard = np.arange(len(source)) * fx.HOP / RATE
        done["wow"] = round(depth, 4)
    if _chance(rng, 0.15 if clean else 0.4):
        most = max(0.0, min(0.35 * len(x) / RATE, len(x) / RATE - 20.0))
        cut = int(rng.uniform(0, most) * RATE)
        x = x[cut:].copy()
        ramp = min(len(x), int(rng.choice([0.0005, 0.005, 0.05]) * RATE))
        x[:ramp] *= np.linspace(0, 1, ramp, dtype=np.float32)
        shift -= cut / RATE
        done["cropped"] = round(cut / RATE, 3)
    elif _chance(rng, 0.1 if clean else 0.15):
        pad = int(rng.uniform(0.05, 3.0) * RATE)
        x = np.concatenate([np.zeros(pad, dtype=np.float32), x])
        shift += pad / RATE
        done["silence"] = round(pad / RATE, 3)
    if not clean and _chance(rng, 0.07):
        n = min(len(x), int(rng.uniform(1, 6) * RATE))
        x[:n] *= np.linspace(0, 1, n, dtype=np.float32)
        done["fade_in"] = True
    if not clean and _chance(rng, 0.12):
        n = min(len(x), int(rng.uniform(2, 8) * RATE))
        x[len(x) - n :] *= np.linspace(1, 0, n, dtype=np.float32)
        done["fade_out"] = True
    if _chance(rng, 0.1 if clean else 0.35):
        snr = rng.uniform(35, 55) if clean else rng.uniform(8, 45)
        kind = str(rng.choice(["white", "pink", "pink", "vinyl", "hum", "crowd"]))
        x = x + fx.noise(rng, len(x), kind) * np.float32(fx.loudness(x) * 10 ** (-snr / 20))
        done["noise"] = f"{kind} {snr:.0f} dB"
    if _chance(rng, 0.04 if clean else 0.09):
        level = rng.uniform(0.3, 0.88)
        x = fx.mp3(x, level)
        done["mp3"] = round(level, 2)
    x = x * fx.db(rng.uniform(-6, 0) if clean else rng.uniform(-24, 0))
    x = np.clip(x, -1.0, 1.0).astype(np.float32)
    return x, source * speed, heard + shift
