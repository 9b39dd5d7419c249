"""Which name has which content: the table of sources, and the log of the runs that have not come to its end yet."""

from __future__ import annotations

import json
import time
from typing import Any

from . import dataset, tables
from .storage import Storage

#: A piece of the log is written after so many tracks or seconds.
_PIECE_TRACKS, _PIECE_SECONDS = 1000, 10.0
_FIELDS = tuple(tables.SOURCES.names)


class Index:
    """Rows of the table of sources by address, with what this run adds."""

    def __init__(self, storage: Storage, run: str) -> None:
        self._storage = storage
        self._run = run
        self._pending: list[dict[str, Any]] = []
        self._pieces = 0
        self._written = time.monotonic()
        self._changed = False
        self.rows: dict[str, dict[str, Any]] = {}
        held = storage.read(dataset.SOURCES)
        self._held = held
        if held is not None:
            self.rows = {row["uri"]: row for row in tables.rows(held)}
        for line in self._unfinished():
            self._take(line)

    def _unfinished(self) -> list[dict[str, Any]]:
        """What runs have logged that never wrote the table."""
        lines: list[dict[str, Any]] = []
        for run in self._storage.names(dataset.LOG):
            folder = f"{dataset.LOG}/{run}"
            names = self._storage.names(folder)
            if "done" in names:
                continue
            for name in names:
                content = self._storage.read(f"{folder}/{name}") if name.endswith(".jsonl") else None
                lines += [json.loads(line) for line in (content or b"").splitlines()]
        return lines

    def _take(self, told: dict[str, Any]) -> None:
        row = {name: told.get(name) for name in _FIELDS}
        self._changed |= self.rows.get(row["uri"]) != row
        self.rows[row["uri"]] = row

    def add(self, told: dict[str, Any]) -> None:
        """What became of a source."""
        self._take(told)
        self._pending.append(told)
        if len(self._pending) >= _PIECE_TRACKS or time.monotonic() - self._written > _PIECE_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Writes what is not logged yet."""
        if self._pending:
            self._pieces += 1
            text = "".join(json.dumps(line) + "\n" for line in self._pending)
            self._storage.write(f"{dataset.LOG}/{self._run}/{self._pieces:05}.jsonl", text.encode())
            self._pending.clear()
        self._written = time.monotonic()

    def close(self) -> None:
        """Writes the table, in the order of addresses, and marks the logs as taken up."""
        self.flush()
        made = tables.to_bytes(tables.of_rows(tables.SOURCES, (self.rows[uri] for uri in sorted(self.rows))))
        if made != self._held and (self.rows or self._held is not None):
            self._storage.write(dataset.SOURCES, made)
        for run in self._storage.names(dataset.LOG):
            folder = f"{dataset.LOG}/{run}"
            if "done" not in self._storage.names(folder):
                self._storage.write(f"{folder}/done", b"")
