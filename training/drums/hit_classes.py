"""The nine classes of hits, and which General MIDI percussion key belongs to which."""

from __future__ import annotations

#: In the order of the network's outputs, behind "is a drum".
CLASSES = ("kick", "snare", "hat_closed", "hat_open", "tom", "clap", "crash", "ride", "perc")
INDEX = {name: i for i, name in enumerate(CLASSES)}

_KEYS = {
    "kick": (35, 36),
    "snare": (38, 40),
    "hat_closed": (42, 44),
    "hat_open": (46,),
    "tom": (41, 43, 45, 47, 48, 50),
    "clap": (39,),
    "crash": (49, 52, 55, 57),
    "ride": (51, 53, 59),
}
_OF = {key: name for name, keys in _KEYS.items() for key in keys}
#: Keys of "perc" that grooves may use: side stick, hand drums, bells, shakers, scrapers.
PERC_KEYS = (37, 54, 56, 58, *range(60, 82))


def class_of(key: int) -> str:
    """Class of a General MIDI percussion key; whatever has none of its own is "perc"."""
    return _OF.get(key, "perc")


def keys_of(name: str) -> tuple[int, ...]:
    """Keys of a class."""
    return PERC_KEYS if name == "perc" else _KEYS[name]
