"""From what the user names to the list of recordings, as ``loopwright find`` would have it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

#: Endings that are taken for audio where a folder is searched; those of ``loopwright find``.
EXTENSIONS = frozenset(
    "aac aif aifc aiff bwf caf fla flac m4a m4b mp1 mp2 mp3 mp4 oga ogg rf64 rifx w64 wav wave".split()
)
#: Files by which our own output is known; it is not searched for recordings.
_OURS = ("manifest.json", "breaks_manifest.json", "quiet_manifest.json", "dataset.json")
#: A letter before a colon is a drive of Windows.
_ADDRESS = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:")


@dataclass(frozen=True)
class Source:
    """A recording that is named."""

    #: Where it lies: an absolute ``file://`` address, percent-encoded, or that of a store. What tells sources apart.
    uri: str
    #: The path from the folder that was named, as outputs show it. Untrusted.
    name: str
    #: Its size; None where the store does not tell.
    bytes: int | None = None
    #: What changes whenever the content does; None where nobody can tell without reading it.
    fingerprint: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As it goes to a worker."""
        return asdict(self)


@dataclass
class Found:
    """What a search gave."""

    sources: list[Source]
    #: What could not be searched, and why.
    unreadable: list[tuple[str, str]]


def is_address(text: str) -> bool:
    """True for the address of a store; a path, and an address ``file://``, is none."""
    return bool(_ADDRESS.match(text)) and not text.startswith("file:") and not os.path.exists(text)


def path_of(uri: str) -> str:
    """The path of a ``file://`` address, with whatever bytes it has."""
    from urllib.parse import unquote_to_bytes, urlsplit

    return os.fsdecode(unquote_to_bytes(urlsplit(uri).path))


def uri_of(path: str) -> str:
    """The ``file://`` address of a path: absolute, and exact for names that are no text."""
    from urllib.parse import quote_from_bytes

    return "file://" + quote_from_bytes(os.fsencode(os.path.abspath(path)))


def shown(path: str) -> str:
    """A relative path as outputs show it: ``/`` between its parts, U+FFFD for what is no text."""
    text = os.fsencode(path).decode("utf-8", "replace")
    return "/".join(part for part in text.replace(os.sep, "/").split("/") if part not in ("", ".", ".."))


def collect(
    inputs: Iterable[str],
    out: str | None = None,
    list_store: Callable[[str], Sequence[Any]] | None = None,
) -> Found:
    """Lists the recordings that ``inputs`` name, each once, in a fixed order.

    Folders are searched with everything beneath them but hidden files, ``out`` and other output of ours; links are
    followed, each folder is entered once. What is named outright is taken whatever its ending, and kept where it is not
    there: reading it will say so.

    Args:
        inputs: Paths, ``file://`` addresses, addresses of stores.
        out: The folder of the dataset.
        list_store: What lists an address of a store: :func:`loopwright.list`.
    """
    found = Found([], [])
    seen: set[str] = set()
    entered: set[str] = set()

    def take(source: Source, identity: str) -> None:
        if identity not in seen:
            seen.add(identity)
            found.sources.append(source)

    for given in inputs:
        if is_address(given):
            if list_store is None:
                found.unreadable.append((given, "there is nothing here that can list a store"))
                continue
            try:
                entries = list_store(given)
            except Exception as error:
                found.unreadable.append((given, str(error)))
                continue
            alone = len(entries) == 1
            for entry in entries:
                ending = entry.key.rpartition(".")[2].lower()
                if ending in EXTENSIONS or alone:
                    take(Source(entry.uri, entry.key, entry.bytes, entry.fingerprint), entry.uri)
            continue
        path = path_of(given) if given.startswith("file:") else given
        if os.path.isdir(path):
            for file in _walk(path, out, entered, found.unreadable):
                take(_source(file, path), os.path.realpath(file))
        else:
            take(_source(path, os.path.dirname(path)), os.path.realpath(path))
    return found


def _source(path: str, root: str) -> Source:
    name = shown(os.path.relpath(path, root or "."))
    try:
        status = os.stat(path)
    except OSError:
        return Source(uri_of(path), name)
    return Source(uri_of(path), name, status.st_size, f"mtime:{status.st_mtime_ns}-{status.st_size}")


def _walk(root: str, out: str | None, entered: set[str], unreadable: list[tuple[str, str]]) -> list[str]:
    files: list[str] = []
    folders = [root]
    own = None if out is None else os.path.realpath(out)
    while folders:
        folder = folders.pop()
        real = os.path.realpath(folder)
        if real == own or real in entered:
            continue
        entered.add(real)
        try:
            names = sorted(os.listdir(folder))
        except OSError as error:
            unreadable.append((folder, error.strerror or str(error)))
            continue
        if folder != root and _is_ours(folder, names):
            continue
        for name in names:
            path = os.path.join(folder, name)
            if name.startswith("."):
                continue
            if os.path.isdir(path):
                folders.append(path)
            elif name.rpartition(".")[2].lower() in EXTENSIONS and os.path.isfile(path):
                files.append(path)
    # Paths are ordered part by part, as the command line orders them.
    return sorted(files, key=lambda f: [os.fsencode(part) for part in Path(f).parts])


def _is_ours(folder: str, names: list[str]) -> bool:
    for name in _OURS:
        if name in names:
            try:
                with open(os.path.join(folder, name), "rb") as file:
                    if b'"loopwright' in file.read(512):
                        return True
            except OSError:
                pass
    return False


def read(source: str, read_store: Callable[[str], bytes] | None = None) -> bytes:
    """The content of a recording.

    Raises:
        OSError: It is not there, no regular file (a pipe could hang the worker), or cannot be read.
    """
    if not source.startswith("file:"):
        if read_store is None:
            raise OSError(f"{source}: there is nothing here that can read a store")
        return read_store(source)
    path = path_of(source)
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        raise OSError("a folder" if stat.S_ISDIR(mode) else "a pipe or device, no regular file")
    with open(path, "rb") as file:
        return file.read()
