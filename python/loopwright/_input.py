"""From what users have at hand to what the extension takes: sources, beats, settings."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ._loopwright import AudioError, SettingsError

if TYPE_CHECKING:
    from ._loopwright import Native, NativeBeats

Array: TypeAlias = "npt.NDArray[Any]"
#: A path, an address of a store (``dropbox:/…``, ``s3://…``, ``https://…``), a file's content, or samples.
Source: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | Array"
#: A file of beats, seconds of beats, or a pair of those of beats and those of downbeats.
Beats: TypeAlias = (
    "str | os.PathLike[str] | Array | Sequence[float] | tuple[Array | Sequence[float], Array | Sequence[float]]"
)
#: A ``loopwright.toml``, or the same as a dict of sections: ``{"rhythm": {"bpm": 120}}``.
Config: TypeAlias = "str | os.PathLike[str] | Mapping[str, Mapping[str, Any]]"

#: More channels than any recording has: an array of so many is one whose axes are the other way round.
_MOST_CHANNELS = 64


def native_source(source: Source, sr: float | None, name: str | None) -> Native:
    """Checks a source and brings it into the extension's form.

    Raises:
        AudioError: an array that is not plainly audio, or one without its rate.
        TypeError: something else altogether.
    """
    if isinstance(source, np.ndarray):
        if sr is None:
            raise AudioError("an array needs its sample rate in Hz: pass sr=44100, or what it is")
        rate = int(sr)
        if rate != sr or not 1 <= rate < 2**32:
            raise AudioError(f"sr is {sr!r}: a sample rate is a whole number of Hz")
        return _samples(source), rate, name or "audio"
    if sr is not None:
        raise AudioError("sr is for arrays; a file says itself at what rate it is")
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source), name or "audio"
    if isinstance(source, (str, os.PathLike)):
        place = os.fspath(source)
        if not isinstance(place, str):
            place = os.fsdecode(place)
        return place
    raise TypeError(
        f"source is {type(source).__name__}: give a path, an address, the bytes of a file, or a NumPy array with sr"
    )


def _samples(array: Array) -> npt.NDArray[np.float32]:
    if array.dtype.kind != "f":
        raise AudioError(
            f"an array of {array.dtype} is not audio as floats: full scale is 1.0, so divide 16-bit integers by 32768"
        )
    if array.ndim == 1:
        array = array[np.newaxis, :]
    if array.ndim != 2:
        raise AudioError(f"an array of shape {array.shape} is not audio: [frames] or [channels, frames]")
    channels, frames = array.shape
    if channels == 0:
        raise AudioError(f"an array of shape {array.shape} has no channels")
    if channels > frames and frames > 0 or channels > _MOST_CHANNELS:
        raise AudioError(
            f"an array of shape {array.shape} looks like [frames, channels], as soundfile has it: "
            "pass its transpose, x.T, which is [channels, frames]"
        )
    samples = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(samples).all():
        raise AudioError("the array holds samples that are not finite: np.nan_to_num(x) silences them")
    return samples


def native_beats(beats: Beats | None) -> NativeBeats | None:
    """Checks beats and brings them into the extension's form."""
    if beats is None:
        return None
    if isinstance(beats, (str, os.PathLike)):
        return os.fspath(beats)
    if isinstance(beats, tuple) and len(beats) == 2 and all(np.ndim(part) == 1 for part in beats):
        return _times(beats[0]), _times(beats[1])
    return _times(beats), []


def _times(values: Any) -> list[float]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise SettingsError(f"beats of shape {array.shape} are no list of seconds")
    return [float(x) for x in array]


def native_settings(
    config: Config | None, sections: Mapping[str, Any], said: Mapping[str, Mapping[str, Any]]
) -> tuple[str, str | None]:
    """Layers ``config``, then ``sections``, then ``said`` (where not None): as JSON, and the file beneath it."""
    merged: dict[str, Any] = {}
    file: str | None = None
    layers: list[Mapping[str, Any]] = []
    if isinstance(config, (str, os.PathLike)):
        file = os.fspath(config)
    elif isinstance(config, Mapping):
        layers.append(config)
    elif config is not None:
        raise SettingsError(f"config is {type(config).__name__}: give a dict of sections, or a loopwright.toml")
    layers.append(sections)
    layers.append({s: {k: v for k, v in keys.items() if v is not None} for s, keys in said.items()})
    for layer in layers:
        for section, keys in layer.items():
            if not isinstance(keys, Mapping):
                raise SettingsError(f"{section} is a section of settings: give a dict, as in rhythm={{'bpm': 120}}")
            merged.setdefault(section, {}).update(keys)
    try:
        return json.dumps(merged, allow_nan=False, default=_plain), file
    except ValueError as e:
        raise SettingsError(f"settings: {e}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, range):
        return list(value)
    raise SettingsError(f"a setting is {value!r}, of type {type(value).__name__}")


def text(value: str | os.PathLike[str] | None) -> str | None:
    """A path as text."""
    return None if value is None else os.fspath(value)


def lengths(bars: Sequence[int] | int | None) -> list[int] | None:
    """Lengths in bars as a list."""
    if bars is None:
        return None
    return [int(bars)] if isinstance(bars, (int, np.integer)) else [int(b) for b in bars]
