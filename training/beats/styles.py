"""The styles of the composer: one row of tables each, about fifty in all.

A style names drum patterns (`patterns.py`), rhythmic figures of bass and accompaniment (`figures.py`), kinds of
harmony (`harmony.py`), the layers that may play, tempo range, feel and form. Tempo ranges follow the way each style is
notated: drum and bass at 165 to 180, trap at 130 to 150 with the snare on 3, 12/8 with the dotted quarter as the beat.
"""

from __future__ import annotations

from dataclasses import dataclass, field

#: Layers and how likely a song of a band has them; a style overrides what differs.
BAND = {
    "bass": 0.93, "chords": 0.9, "chords2": 0.4, "pad": 0.25, "arp": 0.06, "lead": 0.45, "vocal": 0.45, "riff": 0.1,
    "counter": 0.2, "perc": 0.3,
}  # fmt: skip
CLUB = {
    "bass": 0.9, "chords": 0.62, "chords2": 0.25, "pad": 0.5, "arp": 0.42, "lead": 0.45, "vocal": 0.25, "riff": 0.0,
    "counter": 0.12, "perc": 0.45,
}  # fmt: skip
HEAVY = {
    "bass": 0.9, "chords": 0.1, "chords2": 0.05, "pad": 0.1, "arp": 0.02, "lead": 0.3, "vocal": 0.45, "riff": 1.0,
    "counter": 0.1, "perc": 0.04,
}  # fmt: skip
GAME = {
    "bass": 0.8, "chords": 0.7, "chords2": 0.3, "pad": 0.35, "arp": 0.4, "lead": 0.85, "vocal": 0.02, "riff": 0.05,
    "counter": 0.35, "perc": 0.2,
}  # fmt: skip


@dataclass(frozen=True)
class Style:
    """How songs of one style are made."""

    name: str
    weight: float
    #: "acoustic", "electronic" or "mixed", as in `Song.palette`; "mixed" styles may come out as any of the three.
    palette: str
    #: Range of notated tempo, BPM.
    bpm: tuple[float, float]
    drums: tuple[str, ...]
    bass: tuple[str, ...]
    comp: tuple[str, ...]
    #: Sets of General MIDI programs, see `instruments.py`.
    sound: tuple[str, ...] = ("band",)
    layers: dict[str, float] = field(default_factory=lambda: BAND)
    #: Beats in a bar, and parts of a beat that tuneful figures use: 4 is sixteenths, 3 is triplets.
    meter: int = 4
    steps: int = 4
    harmony: tuple[str, ...] = ("pop",)
    #: Share of a pair that its first note takes, for eighths and for sixteenths.
    swing8: tuple[float, float] = (0.5, 0.5)
    swing16: tuple[float, float] = (0.5, 0.5)
    #: Probability that a song anticipates chord changes.
    push: float = 0.2
    #: Range of the standard deviation of human timing, ms.
    human: tuple[float, float] = (2.0, 14.0)
    #: "grid", "band" or "free": how the tempo may move.
    tempo: str = "band"
    #: "song", "club", "riff" or "piece": how sections follow each other.
    form: str = "song"
    #: Probability that the song has no drums at all.
    drumless: float = 0.02
    #: Probability that fills are played at the ends of phrases.
    fills: float = 0.7


def _club(name: str, weight: float, bpm: tuple[float, float], drums: str, bass: str, comp: str, **more) -> Style:
    base = dict(
        palette="electronic", sound=("club",), layers=CLUB, harmony=("modal", "pop", "drone"), human=(0.0, 1.0),
        tempo="grid", form="club", push=0.25, fills=0.6, drumless=0.015,
    )  # fmt: skip
    base.update(more)
    return Style(
        name, weight, bpm=bpm, drums=tuple(drums.split()), bass=tuple(bass.split()), comp=tuple(comp.split()), **base
    )


def _band(name: str, weight: float, bpm: tuple[float, float], drums: str, bass: str, comp: str, **more) -> Style:
    base = dict(palette="acoustic")
    base.update(more)
    return Style(
        name, weight, bpm=bpm, drums=tuple(drums.split()), bass=tuple(bass.split()), comp=tuple(comp.split()), **base
    )


# fmt: off
STYLES: tuple[Style, ...] = (
    # ---- electronic, about two fifths of the weight ------------------------------------------------------------
    _club(
        "house", 3.2, (116, 132), "house house2", "offbeat offbeat_oct pump8 riff synco late root8 oct8 pedal16",
        "stab332 offbeat dotted stabs housepiano random long pump", swing16=(0.5, 0.58),
    ),
    _club(
        "deep_house", 1.8, (112, 126), "deep house", "late riff synco offbeat sparse walk8",
        "stabs dotted offbeat random long", swing16=(0.5, 0.62), harmony=("modal", "jazz", "pop"),
    ),
    _club(
        "garage", 1.4, (126, 138), "garage", "late synco riff sparse", "stabs offbeat random dotted",
        swing16=(0.52, 0.64), harmony=("modal", "jazz"),
    ),
    _club(
        "techno", 2.6, (122, 150), "techno techno2", "roll16 offbeat pedal16 acid sub riff late",
        "stab332 stabs dotted random single", harmony=("drone", "modal"),
        layers={**CLUB, "chords": 0.5, "lead": 0.3, "arp": 0.45, "vocal": 0.12},
    ),
    _club(
        "acid", 0.9, (120, 142), "techno house electro", "acid acid roll16", "stabs long offbeat",
        harmony=("drone", "modal"), layers={**CLUB, "lead": 0.15, "arp": 0.3},
    ),
    _club(
        "trance", 2.2, (128, 146), "trance", "roll16 offbeat offbeat_oct pump8 gallop",
        "pump gate16 long offbeat stab332 dotted", layers={**CLUB, "pad": 0.7, "arp": 0.75, "lead": 0.6},
        harmony=("pop", "modal"),
    ),
    _club(
        "psytrance", 0.9, (136, 150), "trance techno", "roll16 roll16 gallop", "single stabs long",
        harmony=("drone",), layers={**CLUB, "arp": 0.7, "chords": 0.25},
    ),
    _club(
        "hardstyle", 0.9, (145, 200), "hard", "offbeat roll16 follow pump8", "pump long stab332 offbeat",
        layers={**CLUB, "lead": 0.75, "arp": 0.4},
    ),
    _club(
        "eurodance", 1.6, (124, 150), "house hard disco", "offbeat offbeat_oct oct8 roll16 riff",
        "offbeat stab332 housepiano pump dotted", layers={**CLUB, "lead": 0.75, "vocal": 0.45}, harmony=("pop",),
    ),
    _club(
        "electro_house", 1.5, (124, 130), "house2 techno", "riff synco acid offbeat stutter",
        "stab332 stabs pump random", layers={**CLUB, "lead": 0.55},
    ),
    _club("electro", 1.2, (108, 136), "electro", "riff synco oct8 roll16 acid", "stabs long random offbeat"),
    _club(
        "breakbeat", 1.6, (110, 142), "breakbeat bigbeat", "riff synco sub late root8",
        "stabs long random dotted offbeat", swing16=(0.5, 0.58),
    ),
    _club(
        "dnb", 2.8, (163, 180), "dnb dnb dnb_step jungle2", "reese sub late riff synco roll8",
        "long stabs random dotted sparse", layers={**CLUB, "arp": 0.3, "pad": 0.6}, harmony=("modal", "pop", "drone"),
    ),
    _club(
        "jungle", 1.4, (154, 176), "jungle jungle2", "dub sub late reese riff", "long stabs sparse offbeat",
        swing16=(0.5, 0.56), harmony=("modal", "drone", "jazz"),
    ),
    _club(
        "dubstep", 1.6, (134, 148), "dubstep", "wobble sub late reese stutter", "long stabs sparse skank",
        layers={**CLUB, "arp": 0.2}, harmony=("modal", "drone"),
    ),
    _club(
        "future_bass", 1.6, (130, 172), "futurebass trap", "follow late sub long",
        "gate16 dotted stab332 random long", harmony=("pop", "jazz"), layers={**CLUB, "vocal": 0.5, "chords": 0.95},
    ),
    _club(
        "trap", 2.8, (126, 156), "trap", "follow late sub sparse long", "long sparse arpeggio random half",
        harmony=("modal", "pop"), layers={**CLUB, "vocal": 0.45, "arp": 0.3, "chords": 0.7}, swing16=(0.5, 0.54),
    ),
    _club(
        "footwork", 0.6, (152, 166), "footwork", "sub late riff", "stabs sparse random",
        harmony=("drone", "modal", "jazz"),
    ),
    _club(
        "synthwave", 1.8, (80, 128), "synthwave", "root8 root16 oct8 roll16 gallop pump8",
        "long stabs dotted offbeat gate16", layers={**CLUB, "arp": 0.6, "pad": 0.65, "lead": 0.6},
        harmony=("pop", "modal"),
    ),
    _club(
        "synthpop", 1.5, (96, 136), "synthwave rock electro house", "root8 oct8 synco riff",
        "stab332 long offbeat dotted arpeggio", layers={**CLUB, "vocal": 0.7, "lead": 0.5}, harmony=("pop",),
        form="song",
    ),
    _club(
        "downtempo", 1.7, (72, 112), "downtempo hiphop", "sparse late sub riff long",
        "long sparse random half offbeat", swing16=(0.5, 0.64), human=(0.0, 6.0), layers={**CLUB, "pad": 0.7},
        harmony=("modal", "jazz", "pop"),
    ),
    _club(
        "ambient_beat", 1.3, (68, 124), "downtempo game_sparse synthwave idm", "long sparse sub pedal",
        "long half arpeggio sparse", layers={**CLUB, "pad": 0.95, "arp": 0.6, "bass": 0.7},
        harmony=("modal", "drone", "pop"), drumless=0.25,
    ),
    _club(
        "idm", 1.0, (84, 168), "idm breakbeat", "sparse synco riff late", "random stabs arpeggio sparse",
        harmony=("modal", "jazz", "drone"),
    ),
    _club(
        "moombahton", 0.7, (96, 112), "moombahton reggaeton", "synco tresillo late riff",
        "stab332 offbeat stabs dotted",
    ),
    _club(
        "afrobeats", 1.2, (96, 124), "afro reggaeton", "tresillo late synco sparse",
        "offbeat stab332 random arpeggio", swing16=(0.5, 0.58), harmony=("pop", "modal"),
        layers={**CLUB, "vocal": 0.6, "perc": 0.8},
    ),
    _club(
        "drill", 1.2, (136, 148), "drill", "follow sub late synco sparse", "sparse arpeggio stabs long random",
        layers={**CLUB, "vocal": 0.5},
    ),
    _club(
        "jersey_club", 0.7, (128, 144), "jersey", "follow late sub synco", "stabs random gate16 sparse",
        layers={**CLUB, "vocal": 0.6}, harmony=("pop", "modal"),
    ),
    _club(
        "phonk", 0.7, (108, 162), "phonk", "follow riff synco sub", "sparse stabs random",
        layers={**CLUB, "vocal": 0.4},
    ),
    _club(
        "lofi", 1.2, (66, 94), "lofi", "sparse long late synco", "sparse random half arpeggio charleston",
        harmony=("jazz", "jazz", "pop"), swing16=(0.5, 0.66), human=(0.0, 12.0), sound=("hiphop",),
    ),
    _club(
        "gabber", 0.6, (156, 205), "gabber hard", "follow offbeat acid", "stab332 stabs long",
        harmony=("drone", "modal"),
    ),
    _club(
        "minimal", 1.2, (118, 130), "minimal techno2", "sparse late riff sub", "single stabs random sparse",
        harmony=("drone", "modal"), swing16=(0.5, 0.58), layers={**CLUB, "lead": 0.25, "chords": 0.5, "perc": 0.7},
    ),
    _club(
        "sketch", 2.4, (80, 160), "club_blank house techno electro breakbeat",
        "late riff synco acid sparse sub offbeat", "stab332 dotted stabs random gate16 offbeat sparse",
        layers={**CLUB, "arp": 0.5, "lead": 0.55}, harmony=("modal", "pop", "drone"),
    ),
    _club(
        "triplet_club", 0.6, (96, 145), "triplet_club", "root3 pop3 sparse3", "offbeat3 random3 long arpeggio3",
        steps=3,
    ),
    # ---- hip-hop, soul, dance ----------------------------------------------------------------------------------
    Style(
        "hiphop", 3.0, "mixed", (74, 106), ("hiphop",), tuple("sparse synco riff late sub".split()),
        tuple("sparse stabs long random half offbeat".split()), sound=("hiphop",),
        layers={**BAND, "vocal": 0.6, "pad": 0.35, "lead": 0.3}, harmony=("modal", "jazz", "drone"),
        swing16=(0.5, 0.66), human=(0.0, 10.0), tempo="grid", form="club",
    ),
    _band(
        "reggaeton", 1.1, (86, 104), "reggaeton", "tresillo long late synco", "offbeat stab332 random arpeggio",
        palette="mixed", sound=("club", "latin"), harmony=("pop", "modal"), human=(0, 6), tempo="grid",
    ),
    _band(
        "disco", 1.8, (104, 132), "disco", "oct8 disco16 synco root8 walk8", "strum16 offbeat stabs dotted long",
        palette="mixed", sound=("soul",), layers={**BAND, "pad": 0.5}, harmony=("pop", "jazz"), human=(1, 9),
    ),
    _band(
        "funk", 2.0, (84, 126), "funk", "funk synco riff slap", "strum16 stabs chank16 random", sound=("soul",),
        harmony=("riff", "modal", "jazz"), swing16=(0.5, 0.58), push=0.45,
    ),
    _band(
        "soul", 1.6, (66, 124), "soul funk", "synco walk8 funk pop", "quarters stabs arpeggio offbeat long",
        sound=("soul",), harmony=("pop", "jazz"), swing8=(0.5, 0.6),
    ),
    _band(
        "gospel", 1.0, (62, 132), "gospel soul", "walk8 pop synco", "quarters stabs random long", sound=("soul",),
        harmony=("jazz", "pop"), push=0.4, swing8=(0.5, 0.64),
    ),
    # ---- rock and its kin --------------------------------------------------------------------------------------
    _band(
        "rock", 3.6, (84, 158), "rock rock rock_open rock_toms halftime", "root8 pop synco follow long",
        "strum8 quarters long arpeggio strum_sync random", sound=("rock", "band"), layers={**BAND, "riff": 0.45},
        push=0.35,
    ),
    _band(
        "pop", 3.2, (72, 134), "rock ballad house soul", "pop root8 synco long two",
        "long strum8 arpeggio quarters stab332 offbeat random", palette="mixed",
        layers={**BAND, "vocal": 0.7, "pad": 0.45}, push=0.4,
    ),
    _band(
        "indie", 1.3, (96, 170), "rock rock_toms halftime disco", "root8 pop synco",
        "strum8 strum16 arpeggio strum_sync", sound=("rock", "band"), push=0.3,
    ),
    _band(
        "punk", 1.6, (150, 215), "punk dbeat surf", "root8 follow", "strum8", sound=("rock",), layers=HEAVY,
        harmony=("riff", "pop"), form="riff",
    ),
    _band(
        "surf", 0.7, (130, 190), "surf train", "root8 walk8 two", "strum8 offbeat quarters", sound=("rock",),
        layers={**BAND, "lead": 0.85, "vocal": 0.1},
    ),
    _band(
        "metal", 2.4, (84, 200), "metal metal2 halftime breakdown", "follow_riff root8 follow", "strum8 long",
        sound=("metal",), layers=HEAVY, harmony=("riff",), form="riff", human=(1, 9),
    ),
    _band(
        "thrash", 1.7, (150, 220), "thrash thrash metal", "follow_riff root8", "strum8", sound=("metal",),
        layers=HEAVY, harmony=("riff",), form="riff",
    ),
    _band(
        "extreme", 0.8, (130, 225), "blast thrash metal breakdown", "follow_riff root8 root16", "long strum8",
        sound=("metal",), layers=HEAVY, harmony=("riff",), form="riff",
    ),
    _band(
        "country", 1.5, (92, 144), "country train rock", "two two walk8 pop", "boomchick boomchick strum8 arpeggio",
        sound=("country",), swing8=(0.5, 0.62),
    ),
    _band(
        "bluegrass", 0.8, (96, 156), "train country", "two two walk", "chop16 offbeat roll arpeggio",
        sound=("country",), drumless=0.5,
    ),
    _band(
        "ballad", 2.0, (54, 92), "ballad", "long two pop sparse", "long arpeggio arpeggio quarters half",
        layers={**BAND, "pad": 0.6, "vocal": 0.7}, tempo="free", push=0.3,
    ),
    _band(
        "folk", 1.1, (72, 138), "country ballad game_sparse", "two long pop", "pick strum8 arpeggio boomchick",
        sound=("country", "band"), drumless=0.5, tempo="free",
    ),
    _band(
        "post_punk", 1.0, (104, 172), "postpunk motorik rock disco", "root8 riff pop synco",
        "strum8 arpeggio dotted long strum_sync", sound=("rock", "band"), palette="mixed",
    ),
    _band(
        "prog", 0.8, (88, 170), "prog rock metal2", "riff follow_riff synco root8", "arpeggio random long stabs",
        sound=("rock",), layers={**BAND, "riff": 0.5, "lead": 0.7}, harmony=("modal", "riff", "jazz"), push=0.45,
    ),
    _band(
        "second_line", 0.6, (88, 122), "secondline", "synco pop walk8", "offbeat random stabs",
        sound=("soul", "jazz", "blues"), harmony=("blues", "pop"), swing16=(0.5, 0.64),
    ),
    # ---- swing and compound meters -----------------------------------------------------------------------------
    _band(
        "shuffle", 1.5, (84, 178), "shuffle", "walk boogie root8 pop", "boogie offbeat quarters stabs",
        sound=("blues", "rock"), harmony=("blues", "pop"), swing8=(0.58, 0.70),
    ),
    _band(
        "swing", 2.0, (96, 230), "swing swing bigband", "walk walk two", "charleston random freddie stabs",
        sound=("jazz",), harmony=("jazz", "blues"), swing8=(0.54, 0.70), push=0.5,
        layers={**BAND, "lead": 0.9, "vocal": 0.2},
    ),
    _band(
        "blues_12_8", 1.4, (48, 92), "blues128 slowrock", "walk boogie3 root3 long",
        "eighths3 long offbeat3 arpeggio3", sound=("blues",), steps=3, harmony=("blues", "pop"),
    ),
    _band(
        "slow_rock_12_8", 1.6, (46, 84), "slowrock blues128", "long two root3 pop3",
        "eighths3 eighths3 arpeggio3 long", steps=3, sound=("band", "rock"),
    ),
    _band(
        "half_shuffle", 0.7, (72, 138), "halfshuffle", "root3 pop3 long", "offbeat3 long arpeggio3 quarters", steps=3,
        sound=("band", "hiphop"), harmony=("modal", "pop"),
    ),
    _band(
        "six_eight", 1.6, (46, 124), "sixeight sixeight_folk", "two long root3 pop3",
        "eighths3 arpeggio3 long quarters", steps=3, meter=2, sound=("band", "rock", "country"), drumless=0.12,
    ),
    _band(
        "afro_12_8", 0.8, (84, 138), "afro128", "pop3 root3 sparse3", "offbeat3 arpeggio3 random3", steps=3,
        sound=("latin", "band"), layers={**BAND, "perc": 0.8}, harmony=("modal", "pop"),
    ),
    _band(
        "waltz", 1.7, (84, 196), "waltz", "waltz long waltz5", "oompah3 oompah3 arpeggio long", meter=3,
        sound=("band", "orchestra", "country"), drumless=0.35, tempo="free",
    ),
    _band(
        "rock_3_4", 0.8, (76, 160), "waltz_rock", "pop root8 long", "strum8 arpeggio long quarters", meter=3,
        sound=("rock", "band"),
    ),
    _band(
        "jazz_waltz", 1.0, (104, 204), "jazzwaltz", "waltz walk waltz5", "charleston random stabs oompah3", meter=3,
        sound=("jazz",), harmony=("jazz",), swing8=(0.54, 0.70), layers={**BAND, "lead": 0.9},
    ),
    # ---- dances ------------------------------------------------------------------------------------------------
    _band(
        "polka", 1.0, (96, 136), "polka", "two two root", "boomchick2 boomchick2 offbeat", meter=2,
        sound=("country", "orchestra", "latin"),
    ),
    _band(
        "march", 1.0, (96, 134), "march polka", "two root", "boomchick2 offbeat quarters", meter=2,
        sound=("orchestra",), harmony=("pop",), layers={**BAND, "lead": 0.9, "counter": 0.5},
    ),
    _band(
        "bossa", 1.3, (112, 168), "bossa", "bossa bossa two", "bossa bossa2 charleston random",
        sound=("jazz", "latin"), harmony=("jazz",), push=0.45, layers={**BAND, "lead": 0.75},
    ),
    _band(
        "samba", 1.0, (84, 132), "samba", "samba two synco", "samba random strum16 bossa", sound=("latin",),
        harmony=("jazz", "pop"), push=0.5, layers={**BAND, "perc": 0.6},
    ),
    _band(
        "salsa", 1.2, (150, 216), "salsa", "tumbao tumbao tresillo", "montuno montuno montuno2", sound=("latin",),
        harmony=("latin", "jazz"), push=0.6, layers={**BAND, "lead": 0.6, "perc": 0.5},
    ),
    _band(
        "cha_cha", 0.9, (104, 134), "chacha", "tumbao tresillo two", "montuno offbeat quarters chacha",
        sound=("latin",), harmony=("latin", "pop"), push=0.35,
    ),
    _band(
        "cumbia", 0.9, (84, 112), "cumbia", "cumbia two tresillo", "offbeat skank boomchick", sound=("latin",),
        harmony=("latin", "pop"),
    ),
    _band(
        "reggae", 1.7, (64, 96), "onedrop onedrop rockers steppers", "dub late riff sparse synco",
        "skank skank skank16 bubble", sound=("reggae",), harmony=("modal", "pop"), swing16=(0.5, 0.62),
        palette="mixed",
    ),
    _band(
        "ska", 1.0, (120, 178), "ska", "walk root8 walk8", "offbeat offbeat skank", sound=("reggae", "rock"),
        swing8=(0.5, 0.6),
    ),
    _band(
        "tango", 0.7, (108, 136), "tango", "quarters tresillo two", "quarters stab332 offbeat",
        sound=("orchestra", "latin"), harmony=("latin", "pop"), tempo="free", drumless=0.6,
    ),
    _band(
        "merengue", 0.6, (112, 165), "merengue", "two quarters synco", "montuno offbeat random", sound=("latin",),
        harmony=("latin", "pop"),
    ),
    _band(
        "bachata", 0.6, (112, 140), "bachata", "cumbia two tresillo", "arpeggio offbeat pick", sound=("latin",),
        harmony=("latin", "pop"),
    ),
    _band(
        "soca", 0.6, (108, 164), "soca moombahton", "synco offbeat tresillo", "offbeat stab332 stabs",
        sound=("latin", "soul"), palette="mixed", harmony=("pop", "latin"),
    ),
    _band(
        "balkan", 0.5, (104, 168), "balkan", "two synco quarters", "offbeat skank stab332",
        sound=("orchestra", "latin"), harmony=("latin", "modal"),
    ),
    _band(
        "bollywood", 0.6, (84, 136), "bollywood", "synco pedal pop", "offbeat long random",
        sound=("latin", "orchestra"), palette="mixed", harmony=("modal", "drone", "pop"),
        layers={**BAND, "perc": 0.8, "lead": 0.7},
    ),
    # ---- games, orchestra, odd meters, no drums ----------------------------------------------------------------
    _band(
        "game", 2.6, (84, 182), "chip rock game_sparse chip_march taiko breakbeat",
        "root8 oct8 riff synco two pop pedal", "arpeggio offbeat long stabs dotted random", palette="mixed",
        sound=("chip", "band", "orchestra"), layers=GAME, human=(0, 4), tempo="grid", form="piece", drumless=0.15,
        harmony=("pop", "modal", "riff"),
    ),
    _band(
        "game_odd_form", 1.5, (92, 172), "game_sparse chip rock samba afro", "riff two synco tresillo late",
        "stabs offbeat sparse dotted arpeggio stab332", palette="mixed", sound=("latin", "band", "jazz", "orchestra"),
        layers={**GAME, "perc": 0.6}, human=(0, 8), form="piece", drumless=0.1, push=0.4,
        harmony=("pop", "modal", "jazz"),
    ),
    _band(
        "game_3_4", 1.0, (84, 190), "game3 waltz waltz_rock", "waltz waltz5 riff long pedal",
        "oompah3 arpeggio offbeat stabs long dotted", meter=3, palette="mixed", sound=("chip", "band", "orchestra"),
        layers=GAME, human=(0, 4), tempo="grid", form="piece", drumless=0.25, harmony=("pop", "modal"),
    ),
    _band(
        "game_12_8", 1.0, (76, 150), "game6 blues128 slowrock", "root3 pop3 boogie3 long two",
        "arpeggio3 offbeat3 eighths3 random3", steps=3, palette="mixed", sound=("chip", "band", "orchestra"),
        layers=GAME, human=(0, 4), tempo="grid", form="piece", drumless=0.15, harmony=("pop", "modal"),
    ),
    _band(
        "orchestra_12_8", 0.7, (50, 120), "game6", "long root3 pedal", "arpeggio3 eighths3 long", steps=3,
        sound=("orchestra", "piano"), layers={**GAME, "pad": 0.5}, tempo="free", form="piece", drumless=0.7,
    ),
    _band(
        "march_4", 0.8, (92, 138), "march4 chip_march", "two quarters root", "offbeat boomchick quarters",
        sound=("orchestra",), layers={**BAND, "lead": 0.9, "counter": 0.5}, form="piece",
    ),
    _band(
        "chiptune", 1.5, (110, 188), "chip chip breakbeat techno", "root8 oct8 arp16 riff synco",
        "arp3 stabs offbeat", palette="electronic", sound=("chip",), layers=GAME, human=(0, 0), tempo="grid",
        form="piece", harmony=("pop", "modal"),
    ),
    _band(
        "orchestra", 1.6, (62, 152), "orch taiko chip_march", "long root8 quarters pedal",
        "long ostinato8 arpeggio quarters stabs", sound=("orchestra",), layers={**GAME, "pad": 0.7}, tempo="free",
        form="piece", drumless=0.5,
    ),
    _band(
        "orchestra_3", 1.0, (66, 176), "orch3 bolero waltz", "long waltz pedal", "long arpeggio oompah3 ostinato8",
        meter=3, sound=("orchestra",), layers={**GAME, "pad": 0.6}, tempo="free", form="piece", drumless=0.55,
    ),
    _band(
        "piano", 1.3, (60, 150), "game_sparse", "long two root8 alberti",
        "arpeggio quarters random pick ostinato8 strum8", sound=("piano",),
        layers={**BAND, "lead": 0.95, "vocal": 0.0, "pad": 0.08, "chords2": 0.1}, tempo="free", form="piece",
        drumless=0.96, harmony=("pop", "jazz"),
    ),
    _band(
        "percussion", 0.8, (82, 152), "perc_only taiko samba afro", "riff", "stabs", sound=("latin",),
        layers={**BAND, "bass": 0.12, "chords": 0.1, "chords2": 0.0, "lead": 0.15, "vocal": 0.12, "perc": 0.95},
        form="piece", harmony=("drone",),
    ),
    _band(
        "five_four", 0.8, (92, 184), "five", "five riff root8 long", "five long quarters arpeggio", meter=5,
        sound=("band", "jazz", "rock"), harmony=("modal", "riff", "jazz"), swing8=(0.5, 0.64),
    ),
    _band(
        "seven_four", 0.6, (116, 216), "seven", "riff root8 long quarters", "quarters long arpeggio random", meter=7,
        sound=("band", "rock"), harmony=("modal", "riff"),
    ),
)
# fmt: on

BY_NAME = {style.name: style for style in STYLES}

#: Styles of the electronic family, whose drum machines and sequencers keep exact time.
ELECTRONIC = frozenset(style.name for style in STYLES if style.form == "club" or style.palette == "electronic")
