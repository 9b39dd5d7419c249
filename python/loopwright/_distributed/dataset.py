"""The layout of a dataset: which file is where, and what it was made with.

::

    OUT/
      dataset.json                              settings and version: one dataset, one way to make it
      features/part=ab/<content>.parquet        a row a candidate
      suggestions/part=ab/<content>.parquet     a row a loop that is suggested; no file where there is none
      tracks/part=ab/<content>.parquet          one row; written last: the commit record
      sources/sources.parquet                   a row a name: which content it has
      _log/<run>/00001.jsonl                    who did what, when, at what cost; nothing compares it

``<content>`` is the SHA-256 of the recording's bytes, ``ab`` its first byte, both in hexadecimal.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .storage import Storage

SCHEMA = 1
FEATURES, SUGGESTIONS, TRACKS = "features", "suggestions", "tracks"
SOURCES = "sources/sources.parquet"
MANIFEST = "dataset.json"
LOG = "_log"
#: A partition's file of many tracks. No content has this name.
COMPACTED = "compacted.parquet"


class DatasetError(Exception):
    """A folder that holds something else, or a dataset made in another way. The message says what to do."""


@dataclass(frozen=True)
class Job:
    """What is the same for all tracks of a run; goes to the workers."""

    storage: Storage
    #: Settings for the engine: sections of keys.
    settings: dict[str, Any]
    #: Whether the features of all candidates are written.
    features: bool
    #: The version that all workers must have.
    version: str
    #: Who works on a track: ``module:function``.
    engine: str
    #: Whether tracks that failed are done again.
    retry_failed: bool = False


def content_hash(content: bytes) -> str:
    """The name of a recording by content: SHA-256 of its bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def folder(table: str, part: str) -> str:
    """The folder of a partition."""
    return f"{table}/part={part}"


def key(table: str, content: str) -> str:
    """The file of a recording."""
    return f"{folder(table, content[:2])}/{content}.parquet"


def parts() -> list[str]:
    """All partitions."""
    return [f"{byte:02x}" for byte in range(256)]


def manifest(job: Job, models: Mapping[str, str]) -> bytes:
    """What a dataset says of itself: the same bytes for the same way to make it.

    Args:
        job: The run.
        models: Hashes of the model files that the settings name.
    """
    told = {
        "tool": f"loopwright {job.version}",
        "schema": SCHEMA,
        "features": job.features,
        # Where audio is reached has no part in what is found in it.
        "settings": {s: dict(sorted(v.items())) for s, v in sorted(job.settings.items()) if s != "stores"},
        "models": dict(sorted(models.items())),
    }
    return (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode()


def open_dataset(storage: Storage, told: bytes) -> None:
    """Begins a dataset, or checks that the one that is there was made in the same way.

    Raises:
        DatasetError: It was not, or something else lies there.
        OSError: It cannot be read or written.
    """
    there = storage.read(MANIFEST)
    if there is None:
        strangers = [n for n in storage.names("") if n in (FEATURES, SUGGESTIONS, TRACKS)]
        if strangers:
            raise DatasetError(
                f"{storage.uri} holds {', '.join(strangers)} without a {MANIFEST}: it is no dataset of ours; "
                "choose another --out"
            )
        storage.write(MANIFEST, told)
        return
    if there == told:
        return
    try:
        before = json.loads(there)
    except ValueError:
        raise DatasetError(f"{storage.uri}/{MANIFEST} is no JSON; choose another --out") from None
    now = json.loads(told)
    different = ", ".join(_differences(before, now)) or "its form"
    raise DatasetError(
        f"{storage.uri} was made in another way ({different}): a dataset holds what one version found with one set of "
        "settings; choose another --out"
    )


def _differences(a: Any, b: Any, path: str = "") -> Iterable[str]:
    if isinstance(a, dict) and isinstance(b, dict):
        for name in sorted(a.keys() | b.keys()):
            yield from _differences(a.get(name), b.get(name), f"{path}.{name}" if path else name)
    elif a != b:
        yield f"{path}: {json.dumps(a)} there, {json.dumps(b)} now"


def contents_of(storage: Storage, table: str, part: str) -> set[str]:
    """The recordings that a partition has rows of, by the names of its files and what the compacted one holds.

    Tracks of the other tables without rows have no file, so only the tables of tracks tells all.
    """
    from . import tables

    names = storage.names(folder(table, part))
    found = {n.removesuffix(".parquet") for n in names if n.endswith(".parquet") and n != COMPACTED}
    if COMPACTED in names:
        held = storage.read(f"{folder(table, part)}/{COMPACTED}")
        if held is not None:
            found |= set(tables.column(held, "content"))
    return found
