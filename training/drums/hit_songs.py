"""What drums play for training: grooves of the composer, changed, thickened, or replaced so that rare classes are played.

Composed drums are as music is: mostly kick, snare and closed hats. A classifier that is to hear claps, toms and
tambourines in any song must have heard them in any song, thus voices change places, patterns are drawn for voices at
random, and percussion plays along nearly always.
"""

from __future__ import annotations

import hit_setup  # noqa: F401
import numpy as np

from grooves import HATS3, HATS4, PERC4, euclid
from hit_classes import class_of
from hit_kits import percussion_keys
from kits import Hit
from song import Song

#: How often a drawn groove has a voice of a class.
SHARES = {"kick": 0.85, "snare": 0.75, "hat_closed": 0.75, "hat_open": 0.5, "tom": 0.4, "clap": 0.5, "crash": 0.4, "ride": 0.4}
BASIC = {"kick": (36, 36, 35), "snare": (38, 38, 40), "hat_closed": (42, 42, 44), "hat_open": (46,), "tom": (41, 43, 45, 47, 48, 50), "clap": (39,), "crash": (49, 57, 55, 52), "ride": (51, 51, 53, 59)}  # fmt: skip
KICKS4 = ("x.......x.......", "x...x...x...x...", "x..x..x.....x...", "x.....x...x.....", "x.x.......x..x..", "x......xx.......", "x..x......x.....")  # fmt: skip
SNARES4 = ("....x.......x...", "....x..g.g..x..g", "........x.......", "....x.......x.gg", "..g.x.g...g.x.g.", "x.gxg.xgx.gxg.xg")
SPARSE = ("x...............", "........x.......", "..............x.", "......x.........", "....x...........", "x.......x.......")


def composed(song: Song) -> list[Hit]:
    """Hits of the drummer and the percussionist as they were composed."""
    return [Hit(n.start, n.pitch, n.velocity) for p in song.parts if p.role in ("drums", "perc") for n in p.notes]


def _grid(song: Song, steps: int) -> np.ndarray:
    """Times of `steps` equal steps a beat."""
    beats = np.asarray(song.beats, dtype=np.float64)
    if len(beats) < 3:
        beats = np.arange(0.1, song.duration, 60.0 / song.tempo)
    at = np.arange(0, (len(beats) - 1) * steps) / steps
    return np.interp(at, np.arange(len(beats)), beats)


def _text(rng: np.random.Generator, cls: str, size: int) -> str:
    pools = {"kick": KICKS4, "snare": SNARES4, "clap": SNARES4[:1] + SPARSE, "crash": SPARSE, "hat_closed": HATS4, "ride": HATS4}
    draw = rng.random()
    if size == 12:
        pool: tuple[str, ...] = HATS3
    else:
        pool = pools.get(cls, PERC4 + SPARSE)
    if draw < 0.6 or cls == "crash":
        return str(rng.choice(pool))[:size]
    if draw < 0.8:
        return euclid(int(rng.integers(1, size // 2 + 2)), size, int(rng.integers(size)))
    density = rng.uniform(0.05, 0.5)
    return "".join(str(rng.choice(["x", "x", "o", "g"])) if rng.random() < density else "." for _ in range(size))


def drawn(rng: np.random.Generator, song: Song, classes: list[str], perc: int) -> list[Hit]:
    """A voice with a pattern of its own for each of `classes`, and `perc` of percussion, all through the song."""
    steps = 3 if rng.random() < 0.12 else 4
    grid = _grid(song, steps)
    size = 4 * steps
    swing = rng.uniform(0, 0.3) if steps == 4 and rng.random() < 0.35 else 0.0
    step = float(np.median(np.diff(grid))) if len(grid) > 2 else 0.125
    voices = [(c, int(rng.choice(BASIC[c]))) for c in classes] + [("perc", k) for k in percussion_keys(rng, perc)]
    bars = len(grid) // size + 1
    hits = []
    for cls, key in voices:
        texts = [_text(rng, cls, size) for _ in range(int(rng.choice([1, 1, 2])))]
        rests = rng.random(bars) < (0.25 if rng.random() < 0.4 else 0.04)
        level = int(rng.integers(78, 118)) - (12 if cls == "perc" else 0)
        spread = rng.uniform(2, 14)
        for i, t in enumerate(grid):
            bar, place = divmod(i, size)
            ch = texts[bar % len(texts)][place % len(texts[0])] if place < len(texts[bar % len(texts)]) else "."
            if rng.random() < 0.012:
                ch = "x" if ch == "." else "."
            if ch == "." or rests[bar]:
                continue
            soft = {"o": -35, "g": -48}.get(ch, 0)
            velocity = int(np.clip(level + soft + rng.normal(0, spread), 14, 127))
            voice = key
            if cls == "tom" and rng.random() < 0.6:
                voice = int(rng.choice(BASIC["tom"]))
            hits.append(Hit(float(t) + (swing * step if i % 2 else 0.0), voice, velocity))
    return hits


def fills(rng: np.random.Generator, song: Song, rate: float) -> list[Hit]:
    """Runs of toms, snares or percussion over one to four beats, some as fast rolls; crashes after them."""
    beats = np.asarray(song.beats)
    hits = []
    for i in range(2, len(beats) - 2):
        if rng.random() > rate:
            continue
        length, per = int(rng.integers(1, 5)), int(rng.choice([2, 3, 4, 4, 6, 8]))
        stop = min(len(beats) - 1, i + length)
        times = np.interp(np.arange(i, stop, 1 / per), np.arange(len(beats)), beats)
        keys = {0: (50, 48, 47, 45, 43, 41), 1: (38, 50, 45, 41), 2: (38,), 3: tuple(percussion_keys(rng, 2)), 4: (39,), 5: (42, 46)}[
            int(rng.choice(6, p=[0.4, 0.2, 0.12, 0.12, 0.06, 0.1]))
        ]
        for j, t in enumerate(times):
            if rng.random() < 0.85:
                hits.append(Hit(float(t), keys[min(len(keys) - 1, j * len(keys) // max(1, len(times)))], int(rng.integers(70, 122))))
        if rng.random() < 0.5:
            hits.append(Hit(float(beats[stop]), int(rng.choice(BASIC["crash"])), int(rng.integers(80, 122))))
    return hits


def _swap(rng: np.random.Generator, hits: list[Hit]) -> list[Hit]:
    """Other voices in the place of some: a tambourine for the hats, a rim shot for the snare."""
    options = {
        42: (44, 46, 54, 70, 82, 69, 51, 56),
        38: (37, 39, 39, 40, 54, 40),
        46: (54, 49, 51),
        51: (53, 59, 42, 54),
        39: (38, 37),
        49: (57, 52, 55),
    }
    table = {k: int(rng.choice(v)) for k, v in options.items() if rng.random() < 0.22}
    return [Hit(h.start, table.get(h.key, h.key), h.velocity) for h in hits]


def hits_of(rng: np.random.Generator, song: Song) -> list[Hit]:
    """What the drums play in one recording, in order. Empty for some songs: not everything is drums."""
    own = composed(song)
    if rng.random() < 0.05:
        return []
    draw = rng.random()
    classes = [c for c, p in SHARES.items() if rng.random() < p]
    if draw < 0.6 and own:
        hits = own
        if rng.random() < 0.35:
            hits = _swap(rng, hits)
        if rng.random() < 0.4:
            hits = hits + drawn(rng, song, [], int(rng.integers(1, 3)))
    elif draw < 0.75 and own:
        extra = [c for c in classes if c in ("hat_open", "tom", "clap", "crash", "ride")]
        hits = own + drawn(rng, song, list(rng.permutation(extra)[:2]), int(rng.integers(0, 3)))
    elif draw < 0.82:
        # Few voices alone: hats only, a shaker, a ride, toms.
        hits = drawn(rng, song, list(rng.permutation([*SHARES])[: int(rng.integers(1, 3))]), int(rng.integers(0, 2)))
    else:
        hits = drawn(rng, song, classes, int(rng.choice([0, 1, 1, 2, 3])))
    if rng.random() < 0.5:
        hits = hits + fills(rng, song, rng.uniform(0.01, 0.06))
    if rng.random() < 0.3:
        # Stretches without drums.
        a = rng.uniform(0, song.duration)
        hits = [h for h in hits if not a < h.start < a + rng.uniform(2, 8)]
    if rng.random() < 0.5:
        sd = rng.uniform(0.001, 0.008)
        hits = [Hit(h.start + float(np.clip(rng.normal(0, sd), -0.02, 0.02)), h.key, h.velocity) for h in hits]
    if rng.random() < 0.25:
        hits = [Hit(h.start, h.key, max(8, int(h.velocity * (0.45 if rng.random() < 0.3 else 1.0)))) for h in hits]
    hits = sorted((h for h in hits if 0.01 < h.start < song.duration - 0.05), key=lambda h: h.start)
    # One hand cannot play a voice twice at once.
    out: list[Hit] = []
    last: dict[int, float] = {}
    for h in hits:
        if h.start - last.get(h.key, -1.0) > 0.025:
            out.append(h)
            last[h.key] = h.start
    return out


def counts(hits: list[Hit]) -> dict[str, int]:
    """Hits by class."""
    out: dict[str, int] = {}
    for h in hits:
        out[class_of(h.key)] = out.get(class_of(h.key), 0) + 1
    return out
