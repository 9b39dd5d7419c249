"""Files that do not lie on this machine."""

from __future__ import annotations

from typing import Any, NamedTuple

from . import _loopwright as native
from ._input import Config, native_settings

_list = list


class Entry(NamedTuple):
    """A file in a store."""

    #: Its address, as :func:`read` and :func:`loopwright.analyze` take it.
    uri: str
    #: Its name in the store, parts with ``/`` between them. Untrusted.
    key: str
    #: Its size; None where the store does not tell.
    bytes: int | None
    #: What changes whenever the content does, and only then; None where the store has nothing of the kind.
    fingerprint: str | None


def read(uri: str, *, config: Config | None = None, **settings: Any) -> bytes:
    """The content of the file at an address: ``dropbox:/a.wav``, ``s3://bucket/a.wav``, ``https://host/a.wav``.

    Args:
        uri: The address.
        config: Sections of settings; ``stores`` is what counts here.
        settings: As of :func:`loopwright.analyze`.

    Raises:
        StoreError: It is not there, or cannot be reached.
    """
    return native.read(uri, native_settings(config, settings, {})[0])


def list(uri: str, *, config: Config | None = None, **settings: Any) -> "_list[Entry]":
    """All files beneath the folder at an address, however deep, in the order of their keys.

    Args:
        uri: The address of a folder; that of a file gives that file.
        config: As of :func:`read`.
        settings: As of :func:`read`.

    Raises:
        StoreError: As of :func:`read`.
    """
    return [Entry(*one) for one in native.list(uri, native_settings(config, settings, {})[0])]
