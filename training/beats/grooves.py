"""Grooves of one song: drawn from the pattern tables, then mutated, lengthened or invented."""

from __future__ import annotations

from dataclasses import dataclass

from dice import Dice
from patterns import CLAP, DRUMS, HAT, KICK, OPEN, PATTERNS, PERCUSSION, RIDE, SNARE, STICK
from styles import Style


@dataclass(frozen=True)
class Voice:
    """One drum of a groove: key, whether the percussion part plays it, and its bars as pattern texts."""

    key: int
    perc: bool
    bars: tuple[str, ...]


Groove = list[Voice]

HATS4 = (
    "x.x.x.x.x.x.x.x.", "xxxxxxxxxxxxxxxx", "..x...x...x...x.", "x...x...x...x...", "xoxoxoxoxoxoxoxo",
    "x.xxx.xxx.xxx.xx", ".xxx.xxx.xxx.xxx", "xx.xxx.xxx.xxx.x", "x..xx..xx..xx..x", "..xx..xx..xx..xx",
    "x.gxx.gxx.gxx.gx", "x..x..x.x..x..x.", ".x.x.x.x.x.x.x.x", "..x...x...x..xx.", "x.x.x.xxx.x.x.x.",
    "....x.......x...", "x..x..x..x..x...",
)  # fmt: skip
HATS3 = ("xxxxxxxxxxxx", "x.xx.xx.xx.x", "x..x..x..x..", "xooxooxooxoo", "..x..x..x..x", ".xx.xx.xx.xx")
BACKBEATS = (
    "....x.......x...", "........x.......", "....x..g.g..x..g", "....x.......x.a.", "...x..x....x..x.",
    "....x.....x.x...", "..x...x...x...x.", "......x.....x...", "....x..x.x..x...", "............x...",
)  # fmt: skip
PERC_KEYS = (
    (82, 69, 70),
    (54,),
    (63, 64),
    (62, 63),
    (60, 61),
    (56,),
    (75, 76),
    (67, 68),
    (81, 80),
    (73,),
    (39,),
    (37,),
    (42, 46),
    (58,),
    (47, 50),
    (44,),
)
PERC4 = (
    "xoxoxoxoxoxoxoxo", "x.x.x.x.x.x.x.x.", "..x...x...x...x.", "x..x..x.x..x..x.", "x..x..x...x.x...",
    "....x.......x...", "oxoxoxoxoxoxoxox", ".xx..xx..xx..xx.", "x...x...x...x...", "..xx..xx..xx..xx",
    "x.xxx.xxx.xxx.xx", "...x..x....x..x.", "..............x.", "..x..x..x..x..x.", "x..x..x..x..x..x",
    "......x.......x.", "...x.......x....", "......x..x......", "..x.x.....x.x...",
)  # fmt: skip
PERC3 = (
    "xooxooxooxoo",
    "x.xx.xx.xx.x",
    "..x..x..x..x",
    "x..x..x..x..",
    ".xx.xx.xx.xx",
    "...x.....x..",
    "x.x.x.x.x.x.",
    "x.x.xx.x.x.x",
)


def euclid(hits: int, steps: int, turn: int) -> str:
    """`hits` spread as evenly as they go over `steps`, turned by `turn` steps."""
    text = ["x" if (i * hits) % steps < hits else "." for i in range(steps)]
    turn %= steps
    return "".join(text[turn:] + text[:turn])


def draw(dice: Dice, name: str) -> Groove:
    """One alternative of every row of a pattern."""
    return [Voice(DRUMS[row.drum], row.drum in PERCUSSION, dice.pick(row.alternatives)) for row in PATTERNS[name]]


def invent(dice: Dice, style: Style) -> Groove:
    """A groove that is in no table: kick by coins, some backbeat, some hats. For 4/4 in sixteenths."""
    kick = ["."] * 16
    if dice.coin(0.9):
        kick[0] = "x"
    for _ in range(dice.whole(1, 4)):
        kick[dice.pick((2, 3, 6, 7, 8, 9, 10, 10, 11, 13, 14, 15))] = dice.pick("xxx?ab")
    snare = dice.pick(BACKBEATS)
    if dice.coin(0.3):
        snare = "".join("g" if ch == "." and dice.coin(0.12) else ch for ch in snare)
    hats = dice.pick(HATS4) if dice.coin(0.7) else euclid(dice.whole(3, 13), 16, dice.whole(0, 15))
    groove = [
        Voice(KICK, False, ("".join(kick),)),
        Voice(dice.pick((SNARE, SNARE, CLAP)), False, (snare,)),
        Voice(HAT, False, (hats,)),
    ]
    if dice.coin(0.3):
        groove.append(Voice(dice.pick((OPEN, RIDE, STICK)), False, (dice.pick(PERC4),)))
    return groove


def _mutate_text(dice: Dice, key: int, text: str) -> str:
    steps = list(text)
    size = len(steps)
    places = [i for i, ch in enumerate(steps) if ch != "." and i]
    beat = max(1, size // 4)
    four = key == KICK and all(steps[i] != "." for i in range(0, size, beat))
    how = dice.pick(("add", "add", "drop", "shift", "ghost"))
    if four:
        # The floor stays; what changes is the end of the bar.
        if dice.coin(0.5):
            steps[size - dice.whole(1, max(1, beat - 1))] = "x"
        elif dice.coin(0.4):
            steps[size - beat] = "."
        return "".join(steps)
    if key in (SNARE, CLAP):
        how = "ghost" if dice.coin(0.7) else "add"
    if how == "add":
        spot = dice.whole(size // 2 if key in (SNARE, CLAP) else 1, size - 1)
        if key != KICK or (spot % beat or spot == size // 2):
            steps[spot] = "x"
    elif how == "drop" and len(places) > 1:
        steps[dice.pick(places)] = "."
    elif how == "shift" and places:
        spot = dice.pick(places)
        to = spot + dice.pick((-1, 1))
        if 0 < to < size and steps[to] == ".":
            steps[to], steps[spot] = steps[spot], "."
    elif how == "ghost":
        spot = dice.whole(1, size - 1)
        if steps[spot] == ".":
            steps[spot] = "g"
    return "".join(steps)


def mutate(dice: Dice, style: Style, groove: Groove) -> Groove:
    """Changes some voices and lengthens some to two or four bars whose last differs."""
    rate = dice.uniform(0.2, 0.8)
    hats = HATS3 if style.steps == 3 else HATS4
    out: Groove = []
    for voice in groove:
        bars = voice.bars
        size = len(bars[0])
        if voice.perc and style.form != "club" and dice.coin(0.85):
            # Claves, bells and hand drums are what they are.
            out.append(voice)
            continue
        if voice.key in (HAT, RIDE) and dice.coin(rate * 0.4) and style.meter in (2, 3, 4):
            text = (
                dice.pick(hats)
                if dice.coin(0.75)
                else euclid(dice.whole(3, 11), 12 if style.steps == 3 else 16, dice.whole(0, 15))
            )
            bars = (text[: style.meter * (3 if style.steps == 3 else 4)],)
        elif dice.coin(rate):
            for _ in range(dice.whole(1, 2)):
                bars = tuple(_mutate_text(dice, voice.key, text) for text in bars)
        if len(bars) == 1 and size > 4 and dice.coin(0.45):
            last = bars[0]
            for _ in range(dice.whole(1, 3)):
                last = _mutate_text(dice, voice.key, last)
            count = dice.pick((2, 2, 4, 4, 8))
            bars = (*([bars[0]] * (count - 1)), last)
        out.append(Voice(voice.key, voice.perc, bars))
    return out


def percussion(dice: Dice, style: Style) -> Groove:
    """One to three rows of a percussion player, from the table or invented."""
    rows: Groove = []
    steps = style.meter * (3 if style.steps == 3 else 4)
    for _ in range(dice.pick((1, 1, 2, 2, 3))):
        texts = []
        for _ in range(dice.pick((1, 1, 2))):
            draw_ = dice.unit()
            if draw_ < 0.22:
                density = dice.uniform(0.1, 0.55)
                text = "".join(dice.pick("xxo") if dice.coin(density) else "." for _ in range(steps))
            elif draw_ < 0.4:
                text = euclid(dice.whole(2, steps - 3), steps, dice.whole(0, steps - 1))
            else:
                text = (dice.pick(PERC3 if style.steps == 3 else PERC4) * 2)[:steps]
            texts.append(text)
        if len(texts) == 1 and dice.coin(0.15):
            texts = ["." * steps] * dice.pick((1, 3)) + texts
        rows.append(Voice(dice.pick(dice.pick(PERC_KEYS)), True, tuple(texts)))
    return rows
