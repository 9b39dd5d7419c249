"""Where a dataset lies: a folder that all workers see, or an object store.

A folder is written to by renaming, an object store by one put a file, so that nobody ever reads a part of a file. Object
stores are reached by fsspec, which Dask brings along; addresses of S3 need ``s3fs``. Secrets come from the environment of
each worker and are never sent to it.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from .inputs import path_of

#: Folder of temporary files, beneath the dataset's own: the same file system, and one place to clean.
TEMPORARY = "_temporary"
#: After so many seconds a temporary file is nobody's, wherever it came from.
STALE = 3600.0


class Storage(Protocol):
    """Files under keys with ``/`` between their parts. Goes to the workers, so it can be pickled."""

    @property
    def uri(self) -> str:
        """The address, without secrets."""

    def read(self, key: str) -> bytes | None:
        """The content of a file; None where there is none."""

    def write(self, key: str, content: bytes) -> None:
        """Writes a file, whole, in place of one that is there."""

    def exists(self, key: str) -> bool:
        """Whether there is such a file."""

    def names(self, folder: str) -> list[str]:
        """The names directly beneath a folder, sorted; none where there is no folder."""

    def remove(self, key: str) -> None:
        """Removes a file; that there is none is no error."""

    def clean(self, run: str | None) -> int:
        """Removes temporary files that are nobody's any more, and those of ``run``. Gives their number."""


def open_storage(uri: str, run: str = "none") -> Storage:
    """The storage at a path or an address, for a run.

    Raises:
        ValueError: an address whose scheme nothing installed here can write to.
    """
    if uri.startswith("file:"):
        return Folder(path_of(uri), run)
    scheme = uri.partition("://")[0] if "://" in uri else ""
    if not scheme:
        return Folder(os.path.abspath(uri), run)
    return Objects(uri.rstrip("/"), run)


def new_run() -> str:
    """A name for a run, unlike any other: when, where, and by which process."""
    host = "".join(c if c.isalnum() else "-" for c in socket.gethostname())[:32] or "host"
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.{host}.{os.getpid()}.{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True)
class Folder:
    """A folder, on this machine or one that all machines see."""

    root: str
    #: The run that reads and writes; also in the names of temporary files.
    run: str = "none"

    @property
    def uri(self) -> str:
        return self.root

    def _path(self, key: str) -> str:
        return os.path.join(self.root, *key.split("/"))

    def read(self, key: str) -> bytes | None:
        try:
            with open(self._path(key), "rb") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write(self, key: str, content: bytes) -> None:
        path = self._path(key)
        folder = os.path.join(self.root, TEMPORARY)
        os.makedirs(folder, exist_ok=True)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        temporary = os.path.join(folder, f"{self.run}.{uuid.uuid4().hex}.tmp")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            try:
                os.unlink(temporary)
            except OSError:
                pass
            raise
        _sync(os.path.dirname(path))

    def exists(self, key: str) -> bool:
        return os.path.isfile(self._path(key))

    def names(self, folder: str) -> list[str]:
        try:
            return sorted(os.listdir(self._path(folder)))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def remove(self, key: str) -> None:
        try:
            os.unlink(self._path(key))
        except FileNotFoundError:
            pass

    def clean(self, run: str | None) -> int:
        removed = 0
        for name in self.names(TEMPORARY):
            path = os.path.join(self.root, TEMPORARY, name)
            try:
                if _of_run(name, run) or _is_dead(name) or time.time() - os.stat(path).st_mtime > STALE:
                    os.unlink(path)
                    removed += 1
            except OSError:
                pass
        try:
            os.rmdir(os.path.join(self.root, TEMPORARY))
        except OSError:
            pass
        return removed


def _of_run(name: str, run: str | None) -> bool:
    return run is not None and name.startswith(run + ".")


def _is_dead(name: str) -> bool:
    """True for a file of a run whose driver was a process of this machine that has ended."""
    parts = name.split(".")
    if len(parts) < 4 or parts[1] != new_run().split(".")[1] or not parts[2].isdigit():
        return False
    try:
        os.kill(int(parts[2]), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _sync(folder: str) -> None:
    """Makes a renaming last; file systems that cannot do so for a folder are left alone."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)


@dataclass(frozen=True)
class Objects:
    """An object store, by fsspec."""

    address: str
    #: The run that reads and writes.
    run: str = "none"

    @property
    def uri(self) -> str:
        return self.address

    def _open(self) -> tuple[Any, str]:
        import fsspec

        # fsspec keeps one connection for each set of options, so this is cheap.
        try:
            files, root = fsspec.core.url_to_fs(self.address)
        except ImportError as error:
            raise ValueError(f"{self.address}: {error}") from None
        return files, root

    def _at(self, key: str) -> tuple[Any, str]:
        files, root = self._open()
        return files, f"{root}/{key}"

    def read(self, key: str) -> bytes | None:
        files, path = self._at(key)
        try:
            content: bytes = files.cat_file(path)
            return content
        except FileNotFoundError:
            return None

    def write(self, key: str, content: bytes) -> None:
        files, path = self._at(key)
        files.pipe_file(path, content)

    def exists(self, key: str) -> bool:
        files, path = self._at(key)
        files.invalidate_cache()
        return bool(files.exists(path))

    def names(self, folder: str) -> list[str]:
        files, path = self._at(folder)
        files.invalidate_cache()
        try:
            return sorted(_names(files.ls(path, detail=False)))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def remove(self, key: str) -> None:
        files, path = self._at(key)
        try:
            files.rm_file(path)
        except FileNotFoundError:
            pass

    def clean(self, run: str | None) -> int:
        return 0


def _names(paths: list[str]) -> Iterator[str]:
    for path in paths:
        name = path.rstrip("/").rpartition("/")[2]
        if name:
            yield name
