"""Why a model is not converted."""

from __future__ import annotations


class ConvertError(Exception):
    """What is wrong with a model, and what can be done about it. Does not name the file: the caller does."""


class NotTrusted(ConvertError):
    """A file that would have to run code to be loaded."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"loading it would run code that the file names: {what}. A pickle can do anything that you can. If you made the "
            "file yourself, or trust whoever did, convert it with --trust"
        )


class NeedsPackage(ConvertError):
    """A package that is not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(f"this needs the package {package}: pip install {package}")
