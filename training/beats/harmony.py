"""Chords: which, how long, and where they are anticipated."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from dice import Dice

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10), "harmonic": (0, 2, 3, 5, 7, 8, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10), "mixolydian": (0, 2, 4, 5, 7, 9, 10), "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11), "dominant_phrygian": (0, 1, 4, 5, 7, 8, 10),
}  # fmt: skip

#: Loops of scale degrees, 0 is the tonic.
MAJOR_LOOPS = (
    (0, 4, 5, 3), (0, 5, 3, 4), (5, 3, 0, 4), (0, 3, 4, 3), (0, 3), (0, 4), (0, 3, 0, 4), (0, 5, 1, 4), (3, 4, 2, 5),
    (0, 2, 3, 4), (0, 4, 3, 3), (3, 0, 4, 5), (0, 0, 3, 4), (3, 3, 0, 4), (0, 1, 3, 0), (0, 4, 5, 2, 3, 0, 3, 4),
    (0, 2, 5, 3), (1, 4, 0), (0, 5), (0, 3, 1, 4), (3, 4, 5), (0, 4, 1, 3), (0, 0, 0, 4, 4, 4, 4, 0), (0, 3, 4),
)  # fmt: skip
MINOR_LOOPS = (
    (0, 5, 2, 6), (0, 6, 5, 6), (0, 6, 5, 4), (0, 3, 4, 0), (0, 5, 3, 4), (0, 6), (0, 5), (0, 3), (0, 2, 6, 3),
    (5, 6, 0), (5, 6, 0, 0), (0, 0, 5, 6), (0, 3, 6, 2), (0, 4, 5, 3), (0, 6, 3, 5), (0, 0, 3, 3), (3, 5, 0, 6),
    (0, 2, 5, 6), (5, 2, 6, 0), (0, 3, 6, 2, 5, 1, 4, 0), (0, 5, 6, 4),
)  # fmt: skip
JAZZ_LOOPS = (
    (1, 4, 0, 0), (0, 5, 1, 4), (2, 5, 1, 4), (1, 4, 0, 5), (0, 3, 2, 5, 1, 4, 0, 0), (0, 1, 2, 1), (3, 2, 1, 0),
    (1, 4, 2, 5), (0, 0, 1, 4), (0, 5), (1, 4), (3, 6, 2, 5, 1, 4, 0, 0),
)  # fmt: skip
LATIN_LOOPS = ((0, 3, 4, 3), (0, 3, 4, 4), (0, 6, 5, 4), (0, 4), (0, 0, 4, 4), (3, 0, 4, 0), (0, 5, 3, 4), (0, 4, 4, 0))
BLUES = (
    (0, 0, 0, 0, 3, 3, 0, 0, 4, 3, 0, 4), (0, 3, 0, 0, 3, 3, 0, 0, 4, 3, 0, 0), (0, 0, 0, 0, 3, 3, 0, 0, 4, 4, 0, 0),
    (0, 4, 3, 3, 0, 4, 0, 4), (0, 0, 0, 0, 3, 3, 3, 3, 0, 0, 4, 3, 0, 0, 0, 4), (0, 0, 3, 0),
)  # fmt: skip


@dataclass
class Chord:
    """One chord from `start` to `end` (beats); those who anticipate attack it `push` beats early."""

    start: float
    end: float
    root: int
    intervals: tuple[int, ...]
    push: float = 0.0


@dataclass
class Key:
    """Tonic pitch class and scale."""

    tonic: int
    scale: tuple[int, ...]

    def degree(self, step: int) -> int:
        """Semitones above the tonic of a scale step, which may lie octaves away."""
        octave, index = divmod(step, len(self.scale))
        return 12 * octave + self.scale[index]


#: What a theme repeats: (length in beats, root relative to the tonic, intervals).
Loop = list[tuple[float, int, tuple[int, ...]]]


def choose_key(dice: Dice, kinds: tuple[str, ...]) -> tuple[Key, str]:
    """Key and kind of harmony of a song."""
    kind = dice.pick(kinds)
    if kind == "modal":
        mode = dice.pick(("minor", "dorian", "phrygian", "mixolydian", "minor", "lydian"))
    elif kind in ("drone", "riff"):
        mode = dice.pick(("minor", "dorian", "phrygian", "minor", "mixolydian", "harmonic", "dominant_phrygian"))
    elif kind == "blues":
        mode = dice.pick(("mixolydian", "dorian", "mixolydian"))
    elif kind == "jazz":
        mode = dice.pick(("major", "dorian", "minor", "major"))
    elif kind == "latin":
        mode = dice.pick(("minor", "major", "harmonic"))
    else:
        mode = dice.pick(("major", "minor", "major", "minor", "mixolydian", "harmonic"))
    return Key(dice.whole(0, 11), SCALES[mode]), kind


def _stack(key: Key, degree: int, sevenths: bool) -> tuple[int, tuple[int, ...]]:
    root = key.degree(degree)
    size = 4 if sevenths else 3
    return root % 12, tuple(key.degree(degree + 2 * i) - root for i in range(size))


def _lengths(dice: Dice, count: int, meter: int, kind: str, bpm: float) -> list[float]:
    """Lengths in beats of `count` chords."""
    bar = float(meter)
    slow = bpm < 80
    how = dice.weighted(
        (
            ("bar", 5.0),
            ("two", 1.0 if slow else 2.6),
            ("half", 2.6 if slow else 1.0),
            ("four", 0.2 if slow else 0.9),
            ("mixed", 1.0),
            ("odd", 0.6),
        ),
    )  # fmt: skip
    if kind == "drone":
        how = dice.pick(("four", "four", "two"))
    if meter not in (4, 2) and how in ("half", "odd"):
        how = "bar"
    if meter == 2 and how == "half":
        how = "bar" if dice.coin(0.7) else "half"
    if how == "bar":
        return [bar] * count
    if how == "two":
        return [2 * bar] * count
    if how == "four":
        return [4 * bar] * count
    if how == "half":
        return [bar / 2] * count
    if how == "mixed":
        pool = (
            (bar, bar, bar, bar), (2 * bar, bar, bar), (1.5 * bar, 0.5 * bar), (bar, 0.5 * bar, 0.5 * bar),
            (3 * bar, bar), (3 * bar, 0.5 * bar, 0.5 * bar),
        )  # fmt: skip
        cycle = dice.pick(pool if meter % 2 == 0 else pool[:2])
    else:
        cycle = dice.pick(
            (
                *((3.0, 1.0), (3.0, 5.0), (5.0, 3.0), (1.0, 3.0), (3.0, 3.0, 2.0)),
                *((1.5, 2.5), (6.0, 2.0), (3.5, 4.5), (7.0, 1.0), (2.5, 1.5)),
            ),
        )  # fmt: skip
    # The cycle is repeated to its end, so that the loop closes on a bar line.
    rounds = -(-count // len(cycle))
    return [cycle[i % len(cycle)] for i in range(rounds * len(cycle))]


def make_loop(dice: Dice, key: Key, kind: str, meter: int, bpm: float) -> Loop:
    """Chords of one theme."""
    sevenths = kind == "jazz" or dice.coin({"modal": 0.4, "latin": 0.3, "pop": 0.15}.get(kind, 0.1))
    if kind == "blues":
        degrees = dice.pick(BLUES)
        quality = (0, 4, 7, 10) if 4 in key.scale or dice.coin(0.3) else (0, 3, 7, 10)
        return [(float(meter), key.degree(d) % 12, quality) for d in degrees]
    if kind == "drone":
        root, intervals = _stack(key, 0, sevenths)
        loop: Loop = [(4.0 * meter, root, intervals)]
        if dice.coin(0.35):
            other, shape = _stack(key, dice.pick((1, 5, 6, 3)), sevenths)
            first, second = dice.pick(((3.0, 1.0), (4.0, 4.0), (7.0, 1.0), (2.0, 2.0), (6.0, 2.0)))
            loop = [(first * meter, root, intervals), (second * meter, other, shape)]
        return loop
    if kind == "modal":
        count = dice.weighted(((1, 1.0), (2, 3.0), (3, 0.6), (4, 3.0), (8, 0.5)))
        degrees = tuple([0] + [dice.pick((6, 3, 5, 1, 4, 2, 0)) for _ in range(count - 1)])
        if dice.coin(0.3):
            degrees = dice.pick(MINOR_LOOPS)
    elif kind == "riff":
        count = dice.pick((1, 2, 2, 3, 4, 4))
        degrees = tuple([0] + [dice.pick((5, 6, 3, 1, 2, 4, 0)) for _ in range(count - 1)])
    elif kind == "jazz":
        degrees = dice.pick(JAZZ_LOOPS)
    elif kind == "latin":
        degrees = dice.pick(LATIN_LOOPS)
    elif dice.coin(0.12):
        degrees = tuple(dice.whole(0, 5) for _ in range(dice.pick((4, 6, 8))))
    else:
        degrees = dice.pick(MAJOR_LOOPS if 4 in key.scale else MINOR_LOOPS)
    lengths = _lengths(dice, len(degrees), meter, kind, bpm)
    planing = kind == "modal" and dice.coin(0.2)
    shape = dice.pick(((0, 3, 7, 10), (0, 3, 7), (0, 4, 7, 11), (0, 5, 10), (0, 3, 7, 10, 14)))
    loop = []
    for i, length in enumerate(lengths):
        degree = degrees[i % len(degrees)]
        root, intervals = _stack(key, degree, sevenths)
        if planing:
            intervals = shape
        elif kind == "riff":
            intervals = (0, 7)
        elif degree == 4 and dice.coin(0.25):
            intervals = (0, 4, 7, 10)
        elif dice.coin(0.06):
            intervals = dice.pick(((0, 5, 7), (0, 2, 7), (0, 4, 7, 14), (0, 7)))
        loop.append((length, root, intervals))
    return loop


def lay_out(loop: Loop, start: float, end: float, displaced: float = 0.0) -> list[Chord]:
    """Chords of `loop` from `start` to `end`; `displaced` moves every change but the first by that many beats."""
    chords: list[Chord] = []
    at, index = start, 0
    first = True
    while at < end - 1e-6:
        length, root, intervals = loop[index % len(loop)]
        stop = min(end, at + max(0.5, length + (displaced if first else 0.0)))
        first = False
        if chords and chords[-1].root == root and chords[-1].intervals == intervals:
            chords[-1].end = stop
        else:
            chords.append(Chord(at, stop, root, intervals))
        at = stop
        index += 1
    return chords


class Chords:
    """All chords of a song in order, with lookup by beat."""

    def __init__(self, chords: list[Chord]) -> None:
        self.all = chords
        self._starts = [c.start - 1e-6 for c in chords]
        self._early = [c.start - c.push - 1e-6 for c in chords]

    def at(self, beat: float) -> Chord:
        """Chord that holds at `beat` by its notated place."""
        return self.all[max(0, bisect_right(self._starts, beat) - 1)]

    def heard_at(self, beat: float) -> Chord:
        """Chord that holds at `beat` when anticipations are counted in."""
        return self.all[max(0, bisect_right(self._early, beat) - 1)]

    def after(self, beat: float) -> Chord:
        """Chord that follows the one at `beat`."""
        return self.all[min(len(self.all) - 1, max(0, bisect_right(self._starts, beat)))]


def scale_pitch(key: Key, step: int, base: int) -> int:
    """MIDI pitch of a scale step counted from the tonic at or above `base`."""
    return base + (key.tonic - base) % 12 + key.degree(step)


def nearest_chord_tone(chord: Chord, pitch: int) -> int:
    """Chord tone nearest to `pitch`."""
    best, distance = pitch, 99
    for interval in chord.intervals:
        tone = (chord.root + interval) % 12
        gap = (tone - pitch + 6) % 12 - 6
        if abs(gap) < distance:
            best, distance = pitch + gap, abs(gap)
    return best


def voice(chord: Chord, low: int) -> list[int]:
    """Pitches of the chord in close position from `low` upwards."""
    return sorted(low + (chord.root + interval - low) % 12 for interval in chord.intervals)
