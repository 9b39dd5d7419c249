"""Rhythmic figures of bass and accompaniment.

A figure is a text of one bar (or several, with `|`): one character a step, `_` holds, `.` rests.

Bass: R root, r the same softly, 8 octave, 5 fifth, 3 third, 6 sixth, 7 seventh, 4 fourth, T tonic of the key (pedal),
N root of the next chord, l a step below or above the next root, ? root by a coin in every bar.
Accompaniment: x chord, X accented, o soft, B root in the bass register, F fifth there, 0 to 5 single chord tones,
? chord by a coin in every bar.
"""

from __future__ import annotations

from functools import lru_cache

from dice import Dice

BASS = {
    "long": ("R_______________", "R_______________|R_______________", "R______________l", "R___________R___"),
    "root": ("R___R___R___R___", "R_..R_..R_..R_.."),
    "quarters": ("R___R___5___R___", "R___5___8___5___", "R___R___R___R___"),
    "two": (
        "R_______5_______", "R___....5___....", "R_______5_____l_", "R___....R___....",
        "R___....5___..l_|R___....5___l_l_",
    ),
    "root8": ("R_R_R_R_R_R_R_R_", "R_r_R_r_R_r_R_r_", "R_R_R_R_R_R_8_5_", "R_R_R_R_R_R_R_l_", "R_R_..R_R_R_..R_"),
    "root16": ("RRRRRRRRRRRRRRRR", "RrrrRrrrRrrrRrrr", "R_RRR_RRR_RRR_RR"),
    "offbeat": ("..R_..R_..R_..R_", "..R...R...R...R.", "..R_..R_..R_..8_", "..R_..R_..5_..R_"),
    "offbeat_oct": ("R.8.R.8.R.8.R.8.", "..8_..R_..8_..R_", "r_8_r_8_r_8_r_8_", "..R_..8_..R_..88"),
    "oct8": ("R_8_R_8_R_8_R_8_", "R_8_R_8_R_8_5_7_", "R_R_8_R_R_R_8_R_"),
    "pump8": ("..RR..RR..RR..RR", ".RR..RR..RR..RR.", "..R8..R8..R8..R8"),
    "pedal16": ("RRRRRRRRRRRRRRRR", "RRRRRR8RRRRRRR8R", "R.RRR.RRR.RRR.RR", "RR8RR8RRRR8RR8RR"),
    "pedal": ("T_______________", "T_T_T_T_T_T_T_T_", "T_______T_______", "T___________T_T_"),
    "roll16": (".RRR.RRR.RRR.RRR", ".RR8.RR8.RR8.RR8", ".R8R.R8R.R8R.R8R", ".RRR.RRR.RRR.RR5", "rRRRrRRRrRRRrRRR"),
    "roll8": ("R_R_R_R_8_R_R_R_", "R_R_R_5_R_R_R_7_"),
    "gallop": ("R_RRR_RRR_RRR_RR", "RR_RRR_RRR_RRR_R", ".RR..RR..RR..RR."),
    "late": (
        "..R___R___R_....", "...R__R___R_R_..", "....R___R_..R_..", "..R__R__..R__R__", ".R_.R__R__R_.R__",
        "......R_R___....", "...R...R...R..R.", "..R_____R_______|..R_____5_____R_",
    ),
    "synco": (
        "R__R__R___R_R_..", "R_.R..R...R_..R_", "R__R__R__R__R_R_", "R_..R__R..R_..R_", "R__R____R__R____",
        "R___..R_R__R..R_", "R_..R.R...R.R_..", "R_R___R_..R_5_7_",
    ),
    "tresillo": ("R_____R_____R___", "R__R__R_R__R__R_", "R_____5_____8___", "R__R__5_R__R__5_", "......R_....R___"),
    "sub": (
        "R___________....", "R_____....R_____", "R__R____________", "R_________R_____",
        "R___....R_____R_|R_______________", "R_______________|............R___",
    ),
    "reese": (
        "R_______________|R_______5_______", "R_____R_________", "R_______________|R_____R___5_____",
        "R__________R____",
    ),
    "dub": (
        "R_____R_..3_5_..", "..R_R_..5_..R_..", "R_..R_RR..5_3_..", "....R___5_..R_..", "R___....R_R_5___",
        "..R___3___5_....|R___..R_R_......",
    ),
    "bossa": ("R_____5_5_____R_", "R_____5_R_____5_", "R_____55R_____55", "R_______5_____R_"),
    "samba": ("R__R5__5R__R5__5", "R_..5__5R_..5__5", "R___5_____R_5___"),
    "tumbao": (
        "......5_....N___", "......5_____N___", "R_____5_____N___", "....R_5_....N___|......5_....N___",
        "......3_5___N___",
    ),
    "cumbia": ("R_______5___5___", "R___..3_5___..5_", "R_______3___5___", "R_____3_5___5___"),
    "pop": (
        "R_____R_R_______", "R_____R_____R_R_", "R_______R_R_R___", "R_____R_R_____R_", "R___R_R___R_R_R_",
        "R_____R___R_____", "R_______R_____l_",
    ),
    "disco16": ("R_8_R_8_R_.R8_R_", "R_.R8_.RR_.R8_.R", "R_8R_.8_R_8R_.8_", "..R8..R8..R8..58"),
    "slap": ("R..8..R8..R8..8.", "R.R8..R...R8.78.", "R..R8...R.R8..7_", "R_.8.RR8..R8.R78"),
    "waltz": ("R___........", "R___________", "R_______....", "R_______l___"),
    "waltz5": ("R___........|5___........", "R___________|5___________", "R___5___5___", "R_____5_5___"),
    "five": ("R_____R_____5___5___", "R___________5_______", "R_____5_R_..R___5___", "R_R_R_R_R_R_5_5_7_7_"),
    "boogie": ("R_3_5_6_7_6_5_3_", "R_R_5_5_6_6_5_5_", "R_R_3_3_5_5_6_6_", "R_8_5_8_6_8_5_8_"),
    "boogie3": ("R.R5.56.65.5", "R_R5_57_76_5", "R_.3_.5_.6_.", "R_35_67_65_3"),
    "root3": ("RRRRRRRRRRRR", "R_RR_RR_RR_R", "R__R__R__R__", "R____RR____R"),
    "pop3": (
        "R____RR_____", "R__..RR__..R", "R_____R_.5_.", "R____R5_____", "R_R__RR__5_l", "R_____R____R",
        "..R__R..R__R",
    ),
    "sparse3": ("R___________", "R____R......", "...R__..R___", "R__...R_...."),
    "arp16": ("R358R358R358R358", "R5R8R5R8R5R8R5R8", "R583R583R583R583"),
    "alberti": ("R_5_3_5_R_5_3_5_", "R_5_8_5_R_5_8_5_", "R_3_5_3_R_3_5_3_"),
}  # fmt: skip

COMP = {
    "long": ("x_______________", "x______________.", "x_______x_______", "x_______________"),
    "single": (
        "x_..............", "............x_..", "..x.............", "x_..............|................",
        "......x_........",
    ),
    "half": ("x_______x_______", "x_______....x___", "....x_______x___"),
    "quarters": ("X___x___X___x___", "x_..x_..x_..x_..", "X_..o_..X_..o_..", "X___x___x___x___"),
    "offbeat": ("..x_..x_..x_..x_", "..x...x...x...x.", "..X_..x_..X_..x_", "..x_..x_..x_..xx", ".xx_.xx_.xx_.xx_"),
    "strum8": (
        "X_x_X_x_X_x_X_x_", "X_x_x_x_X_x_x_x_", "X_o_X_o_X_o_X_o_", "x_x_X_x_x_x_X_x_", "X___X_x___x_X_x_",
        "X___x_x_X___x_x_",
    ),
    "strum_sync": ("X___x_x_..x_x_x_", "X__x__x___x_X_x_", "X_____x_..x_X_xx", "X_x_..x_..x_x_x_"),
    "strum16": (
        "X_xxX_xxX_xxX_xx", "x.xx.xx.x.xx.xx.", "..xx..xx..xx..xx", "X_xx.xx_X_xx.xx_", "oox_oox_oox_oox_",
        "x.oxo.xox.oxo.xo",
    ),
    "chank16": ("..x...x..x...xx.", "x..x..x...x..x..", ".xx..xx..xx..xx.", "x..xx.x...x.x.x.", "oxo.oxxo.oxo.xx."),
    "chop16": ("..x_..x_..x_..x_", "..X...X...X...X.", "..xx..xx..xx..xx"),
    "stab332": (
        "x__x__x_x__x__x_", "x..x..x.x..x..x.", "x__x__x_........", "x__x__x_..x__x__", "X__x__x__x__x_x_",
        "..x__x__x_x__x__",
    ),
    "dotted": (
        "x__x__x__x__x_..", "x__x__x__x__x__.|.x__x__x__x__x_.", "x.....x.....x...", "..x..x..x..x..x.",
        "x..x..x..x..x..x|..x..x..x..x....",
    ),
    "stabs": (
        "x..x............", "..x......x......", "x_....x_........", "......x_..x_....", "...x..x.........",
        "x.......x..x....", "..........x..x..", ".x..x.....x.....", "x..x.....x..x...", "....x.......x...",
        "...x..x..x......", "x..x..x...x.x...",
    ),
    "housepiano": (
        "x..x..x...x..x..", "x__x__x_..x__x__", "x..x..x..x..x.x.", "x_.x_.x_.xx_.x_.", "..x_..xx..x_.xx_",
        "x__x_x__x__x_x__",
    ),
    "sparse": (
        "x_______........", "........x_______", "..x_____........", "x___........x___", "......x_________",
        "....x_______....", "x_______________|................", "..............x_|________........",
    ),
    "pump": ("..x_..x_..x_..x_", ".x__.x__.x__.x__", "..xx..xx..xx..xx", ".xxx.xxx.xxx.xxx", "..x_..x_..x_..x_"),
    "skank": ("....x.......x...", "..x...x...x...x.", "....X.......X...", "....xx......xx..", "....x..o....x..o"),
    "skank16": ("....xx......xx..", "..xx..xx..xx..xx", "....x.xo....x.xo"),
    "bubble": ("..o.x.o...o.x.o.", "o.x.o.x.o.x.o.x.", "..xox...o.xox..."),
    "boomchick": ("B___x___F___x___", "B___x_x_F___x_x_", "B___x___B___x___", "B_..xoxoF_..xoxo", "B_..x_..F_..xo.."),
    "boomchick2": ("B_x_F_x_", "B_x_B_x_", "B.xxF.xx", "B_x_F_xo"),
    "oompah3": (
        "B___x___x___", "....x___x___", "B_..x_..x_..", "B___x_______", "B___x_x_x_x_", "B___x___x_x_|F___x___x___",
    ),
    "charleston": (
        "x_____x_........", "..x_____x_......", "x_____x_........|......x_....x_..", "....x_____x_....",
        "x___..x_..x_....|....x_..x_____..", "..x_..x_........|x_......x_......", "......x_......x_",
    ),
    "freddie": ("x_..x_..x_..x_..", "o_..x_..o_..x_.."),
    "bossa": (
        "x_____x_____x___|....x_____x_....", "x_..x_....x_....|x_....x_..x_....", "..x_..x_....x_..|x_....x_..x___..",
        "x__x___x__x___x_|..x__x__x___x___",
    ),
    "bossa2": ("x_..x_..x_..x_..", "B_xxB_xxF_xxB_x_", "x___..x_..x_....", "o_X_o_oXo_X_oX__"),
    "samba": ("x..x..x.x.x..x..", "..x.x.x..x.x..x.", "x.x..x.x.x.xx.x.", "x__x_x__x__x_x__|x_x__x_xx__x_x__"),
    "montuno": (
        "x.0x.0x.0.x.0x.0", "x_.xx.x..xx.x.x.|x.x.x.x..xx.x.xx", "x_x_.x.x.x.x.x.x|.xx.x.x.x.x.x.x.",
        "0_1_.2.1.2.1.2.1|.21.2.1.2.1.2.1.", "x_0_x_.x.0.x.0.x|.x0_x_.x.0.x.0.x",
    ),
    "montuno2": ("..x_..x_x_..x_x_", "x_x_..x_..x_..x_|..x_x_..x_x_..x_"),
    "chacha": ("x___x___x___x_x_", "..x_..x_..x_x_x_", "x___x_x_x___....", "x_..x_..x_..xxx."),
    "boogie": ("x_x_5_x_x_x_5_x_", "x_x_x_x_x_x_x_x_", "..x_..x_..x_..x_"),
    "five": ("x_____x_____x___x___", "x___________x_______", "x_..x_..x_..x_..x_..", "x_____x_..x_x___..x_"),
    "eighths3": ("XooXooXooXoo", "xxxxxxxxxxxx", "X__xooX__xoo", "XoXoXoXoXoXo"),
    "offbeat3": ("..x..x..x..x", ".xx.xx.xx.xx", "...x_....x_.", "..x..x.....x"),
    "arpeggio3": ("012345012345", "012321012321", "B12B12F12F12", "B_2102B_2102", "0_21_20_21_2"),
    "arp3": ("0120120120120120", "0123012301230123", "0121012101210121", "0210210210210210"),
    "ostinato8": ("x_x_x_x_x_x_x_x_", "X_o_o_X_o_o_X_o_", "0_1_2_1_0_1_2_1_", "X_oooX_oooX_oo..", "X_ooX_ooX_ooX_oo"),
    "pick": ("B_2_F_1_B_2_F_1_", "B_1_2_1_F_1_2_1_", "B_21.2_1F_21.2_1", "B___2_1_F_2_1_2_", "B_.2_.1_F_.2_.1_"),
    "roll": ("0120120120120120", "B.12012.F.120120", "0210210201201202"),
}  # fmt: skip

#: Beat-long cells from which random rhythms are strung: positions in sixteenths, and a weight.
CELLS4 = (
    ((), 2.0), ((0,), 3.0), ((0, 2), 3.0), ((2,), 1.6), ((0, 3), 1.5), ((3,), 0.8), ((1,), 0.25), ((0, 1, 2, 3), 0.7),
    ((0, 2, 3), 1.0), ((0, 1, 2), 0.5), ((1, 3), 0.4), ((2, 3), 0.7), ((0, 1), 0.3), ((1, 2), 0.2),
)  # fmt: skip
CELLS3 = (
    ((), 2.0),
    ((0,), 3.0),
    ((0, 2), 2.5),
    ((2,), 1.4),
    ((0, 1, 2), 1.4),
    ((1, 2), 0.6),
    ((1,), 0.3),
    ((0, 1), 0.4),
)


@lru_cache(maxsize=4096)
def events(text: str, steps: int, beats: int) -> tuple[tuple[float, float, str], ...]:
    """(beat in the bar, length in beats, character) of a one-bar text, cut or repeated to `beats` beats."""
    need = steps * beats
    if len(text) < need:
        while len(text) < need:
            text += text[-min(need - len(text), len(text)) :]
    text = text[:need]
    found = []
    i = 0
    while i < need:
        if text[i] not in "._":
            j = i + 1
            while j < need and text[j] == "_":
                j += 1
            found.append((i / steps, (j - i) / steps, text[i]))
            i = j
        else:
            i += 1
    return tuple(found)


def random_hits(dice: Dice, steps: int, beats: int, density: float, on_one: float) -> list[int]:
    """Steps hit in a bar of random cells; `density` near 1 is as the cells come, `on_one` how likely step 0 is hit."""
    cells = CELLS4 if steps == 4 else CELLS3
    hits: list[int] = []
    for beat in range(beats):
        cell = dice.weighted(cells)
        hits.extend(beat * steps + p for p in cell if density >= 1.0 or dice.coin(density))
    hits = [h for h in hits if h]
    if dice.coin(on_one) or not hits:
        hits.insert(0, 0)
    return hits


def text_of(dice: Dice, hits: list[int], length: int, symbols: str, legato: float) -> str:
    """A figure text with random `symbols` at `hits`; each holds to the next one if the `legato` coin says so."""
    text = ["."] * length
    for index, hit in enumerate(hits):
        end = hits[index + 1] if index + 1 < len(hits) else length
        text[hit] = dice.pick(symbols)
        hold = end if dice.coin(legato) else min(end, hit + 1 + dice.whole(0, 1))
        for i in range(hit + 1, hold):
            text[i] = "_"
    return "".join(text)


def bass_figure(dice: Dice, name: str, steps: int, beats: int) -> list[str]:
    """Bars of a bass figure: from the table, or invented for the names that are ways of inventing."""
    size = steps * beats
    if name == "acid":
        length = dice.pick((16, 16, 16, 12, 14)) if beats == 4 else size
        loop = "".join(dice.pick("RRRRR8835577..__..") for _ in range(length))
        whole = loop * (size * 4 // length + 1)
        bars = dice.pick((1, 2)) if length == size else 4
        return [whole[i * size : (i + 1) * size] for i in range(bars)]
    if name in ("riff", "funk"):
        bars = dice.pick((1, 2, 2))
        first = 0.93 if name == "funk" else 0.8
        symbols = "RRR8r57" if name == "funk" else "RRR5738"
        legato = dice.uniform(0.1, 0.9)
        out = []
        for index in range(bars):
            hits = random_hits(dice, steps, beats, 0.9, first if index == 0 else first - 0.25)
            text = text_of(dice, hits, size, symbols, legato)
            out.append("R" + text[1:] if text[0] not in "._" else text)
        return out
    if name == "sparse":
        out = []
        for _ in range(dice.pick((1, 2, 2, 4))):
            hits = sorted(
                {
                    0 if dice.coin(0.75) else dice.whole(1, size - 1),
                    *(dice.whole(0, size - 1) for _ in range(dice.whole(0, 3))),
                }
            )
            out.append(text_of(dice, hits, size, "RRR57", 0.6))
        return out
    if name == "stutter":
        text = ["."] * size
        for start in dice.some(range(0, size, 2), 3):
            for i in range(start, min(size, start + dice.pick((1, 2, 3, 4)))):
                text[i] = "R"
        return ["".join(text)]
    if name == "wobble":
        bars = []
        for _ in range(dice.pick((1, 2, 4))):
            text = ""
            while len(text) < size:
                rate = dice.pick((1, 2, 2, 4, 4, 8))
                text += ("R" + "_" * (rate - 1)) * max(1, 4 // rate)
            bars.append(text[:size])
        if dice.coin(0.5):
            bars[0] = ("R" + "_" * 3 + bars[0][4:])[:size]
        return bars
    table = BASS.get(name) or BASS["root8"]
    return dice.pick(table).split("|")


def comp_figure(dice: Dice, name: str, steps: int, beats: int) -> list[str]:
    """Bars of an accompaniment figure: from the table, or invented."""
    size = steps * beats
    if name in ("random", "random3"):
        density = dice.uniform(0.45, 1.0)
        legato = dice.uniform(0.0, 1.0)
        return [
            text_of(dice, random_hits(dice, steps, beats, density, 0.6), size, "xxX", legato)
            for _ in range(dice.pick((1, 2, 2)))
        ]
    if name == "gate16":
        gate = [dice.coin(0.62) for _ in range(size)]
        if dice.coin(0.6):
            gate[: size // 2] = gate[size // 2 :]
        gate[0] = gate[0] or dice.coin(0.7)
        return ["".join("x" if on else "." for on in gate)]
    if name == "arpeggio":
        rate = dice.pick((2, 2, 2, 1) if steps == 4 else (1, 1))
        cycle = dice.pick(
            (
                "0121",
                "012",
                "0123",
                "0212",
                "B121",
                "B212",
                "B123",
                "0321",
                "01232",
                "B12321",
                "B2F2",
                "210",
                "3210",
                "B1213121",
            ),
        )
        text = "".join(cycle[i % len(cycle)] + "_" * (rate - 1) for i in range(size // rate))
        return [text[:size]]
    table = COMP.get(name) or COMP["long"]
    return dice.pick(table).split("|")
