"""The extension module beneath the package: takes and gives what is quick to pass. Use the package."""

import builtins
from typing import Any, TypeAlias, TypedDict, final

import numpy as np
import numpy.typing as npt

__version__: str

#: A path or an address; a file's content and name; samples ``[channels, frames]``, their rate in Hz, and name.
Native: TypeAlias = str | tuple[bytes, str] | tuple[npt.NDArray[np.float32], int, str]
#: A file, or seconds of beats and of downbeats.
NativeBeats: TypeAlias = str | tuple[builtins.list[float], builtins.list[float]]

class NativeFeatures(TypedDict):
    names: builtins.list[str]
    values: npt.NDArray[np.float32]
    start: npt.NDArray[np.float64]
    end: npt.NDArray[np.float64]
    bars: npt.NDArray[np.uint32]
    bpm: float | None
    detail: str
    warnings: builtins.list[str]

class Error(Exception):
    """Whatever Loopwright cannot do. The message names the file and what can be done about it."""

class AudioError(Error):
    """A recording that cannot be read, decoded or analysed, or an array that is none."""

class SettingsError(Error):
    """A setting that there is not, or a value outside its range."""

class ModelError(Error):
    """A model that cannot be read or run."""

class StoreError(Error):
    """A store that cannot be reached or that refuses."""

class OutputError(Error):
    """An output that cannot be written."""

@final
class Cut:
    def audio(self) -> npt.NDArray[np.float32]: ...

def analyze(source: Native, settings: str, config: str | None, beats: NativeBeats | None) -> dict[str, Any]: ...
def find(
    source: Native, settings: str, config: str | None, beats: NativeBeats | None, out: str | None
) -> dict[str, Any]: ...
def breaks(
    source: Native, settings: str, config: str | None, beats: NativeBeats | None, out: str | None
) -> dict[str, Any]: ...
def features(
    source: Native,
    settings: str,
    config: str | None,
    beats: NativeBeats | None,
    columns: builtins.list[str],
    without: builtins.list[str],
) -> NativeFeatures: ...
def track(source: Native, settings: str, features: bool) -> dict[str, Any]: ...
def default_settings() -> dict[str, dict[str, Any]]: ...
def feature_registry() -> builtins.list[dict[str, Any]]: ...
def is_address(text: str) -> bool: ...
def read(uri: str, settings: str) -> bytes: ...
def list(uri: str, settings: str) -> builtins.list[tuple[str, str, int | None, str | None]]: ...
