"""Loopwright: the passages of a recording worth looping.

The functions here give what the commands of the same names give, and the same numbers, without writing anything unless
told to. They let other threads of Python run while they work, and Ctrl-C ends them.

>>> import loopwright
>>> song = loopwright.analyze("song.flac")
>>> song.bpm, song.key
>>> for loop in loopwright.find("song.flac", bars=[4, 8], top=3):
...     print(loop.start, loop.bars, loop.score, loop.audio().shape)
"""

from ._api import analyze, breaks, default_settings, feature_registry, features, find
from ._loopwright import (
    AudioError,
    Error,
    ModelError,
    OutputError,
    SettingsError,
    StoreError,
    __version__,
)
from ._results import (
    Alternative,
    Analysis,
    Break,
    Facts,
    FeatureInfo,
    Features,
    Found,
    Hit,
    Key,
    LoopFile,
    Region,
    Section,
    Suggestion,
)
from ._stores import Entry, list, read

__all__ = [
    "Alternative",
    "Analysis",
    "AudioError",
    "Break",
    "Entry",
    "Error",
    "Facts",
    "FeatureInfo",
    "Features",
    "Found",
    "Hit",
    "Key",
    "LoopFile",
    "ModelError",
    "OutputError",
    "Region",
    "Section",
    "SettingsError",
    "StoreError",
    "Suggestion",
    "__version__",
    "analyze",
    "breaks",
    "default_settings",
    "feature_registry",
    "features",
    "find",
    "list",
    "read",
]
