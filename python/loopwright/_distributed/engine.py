"""The work on one track. All that the distributed run knows of audio is here, so that tests can put something else in
its place."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass
class Worked:
    """What was found in a recording."""

    #: Fields of the table of tracks.
    facts: dict[str, Any] = field(default_factory=dict)
    #: Why there are no loops, where there are none.
    detail: str = ""
    warnings: list[str] = field(default_factory=list)
    #: Fields of the table of suggestions, the best first.
    suggestions: list[dict[str, Any]] = field(default_factory=list)
    #: Names and values of the features ``[candidates, names]``, and ``start_time``, ``end_time``, ``bars`` of each candidate.
    features: tuple[list[str], npt.NDArray[np.float32], npt.NDArray[np.void]] | None = None


class BadTrack(Exception):
    """A recording that nothing can be done with: recorded, and the run goes on. The message does not name it."""


#: Works on the bytes of a recording; its name (by content, for messages), the settings, whether features are wanted.
Engine = Callable[[bytes, str, dict[str, Any], bool], Worked]
#: The one that is used.
NATIVE = "loopwright._distributed.engine:native"


def load(name: str) -> Engine:
    """The engine of a name ``module:function``."""
    module, _, function = name.partition(":")
    found: Engine = getattr(importlib.import_module(module), function)
    return found


def native(content: bytes, name: str, settings: dict[str, Any], features: bool) -> Worked:
    """What ``loopwright find`` and ``loopwright dataset`` find, by one analysis.

    Raises:
        BadTrack: It cannot be decoded or analysed.
    """
    import loopwright
    from loopwright import _loopwright as extension
    from loopwright._input import native_settings
    from loopwright._results import Features

    said, _ = native_settings(settings, {}, {})
    try:
        told = extension.track((content, name), said, features)
    except (loopwright.SettingsError, loopwright.OutputError):
        raise
    except loopwright.Error as error:
        raise BadTrack(str(error).replace(f"{name}: ", "")) from None
    return Worked(
        facts=dict(told["facts"] or {}),
        detail=told["detail"],
        warnings=list(told["warnings"]),
        suggestions=told["found"],
        features=tuple(Features.of(told["features"])) if "features" in told else None,
    )
