"""What people see while it goes on, on standard error."""

from __future__ import annotations

import sys
import time
from typing import TextIO

#: Seconds between lines where standard error is no terminal.
_EVERY = 30.0


class Progress:
    """A bar on a terminal, a line now and then elsewhere, nothing where it is to be quiet."""

    def __init__(self, total: int, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._total = total
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._terminal = self._stream.isatty()
        self._began = self._told = time.monotonic()
        self._done = self._failed = 0

    def step(self, failed: bool) -> None:
        """One more came to its end."""
        self._done += 1
        self._failed += failed
        now = time.monotonic()
        if self._quiet or now - self._told < (0.1 if self._terminal else _EVERY):
            return
        self._told = now
        self._draw()

    def _draw(self) -> None:
        spent = time.monotonic() - self._began
        rate = self._done / spent if spent > 0 else 0.0
        left = (self._total - self._done) / rate if rate > 0 else 0.0
        text = f"{self._done} of {self._total} tracks, {self._failed} failed, {rate:.1f} a second, {_clock(left)} left"
        if self._terminal:
            filled = round(24 * self._done / max(1, self._total))
            self._stream.write(f"\r[{'#' * filled}{'.' * (24 - filled)}] {text}\x1b[K")
        else:
            self._stream.write(f"loopwright: {text}\n")
        self._stream.flush()

    def say(self, text: str) -> None:
        """A line of its own, even where it is to be quiet: for what went wrong."""
        if self._terminal:
            self._stream.write("\r\x1b[K")
        self._stream.write(f"loopwright: {plain(text)}\n")
        self._stream.flush()

    def close(self) -> None:
        """Takes the bar away."""
        if self._terminal and not self._quiet:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def plain(text: str) -> str:
    """Text of strangers without what drives a terminal or turns its direction."""
    return "".join("\ufffd" if _drives(c) else c for c in text.replace("\n", " ").replace("\t", " "))


def _drives(c: str) -> bool:
    code = ord(c)
    return (
        code < 32
        or 127 <= code < 160
        or 0x202A <= code <= 0x202E
        or 0x2066 <= code <= 0x2069
        or code in (0x200E, 0x200F)
        or 0xD800 <= code <= 0xDFFF
    )


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
