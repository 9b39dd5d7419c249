"""What can be asked of a recording."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, cast

from . import _loopwright as native
from ._input import Beats, Config, Source, lengths, native_beats, native_settings, native_source, text
from ._results import Analysis, Break, FeatureInfo, Features, Found, Suggestion


def analyze(
    source: Source,
    sr: float | None = None,
    *,
    beats: Beats | None = None,
    config: Config | None = None,
    name: str | None = None,
    **settings: Any,
) -> Analysis:
    """Tempo, beats, bars, key, sections and regions of a recording: what ``loopwright analyze --json`` tells.

    Args:
        source: A path; an address of a store (``dropbox:/…``, ``s3://…``, ``https://…``); the bytes of an audio file; or
            floating-point samples with full scale at 1.0, of shape ``[frames]`` or ``[channels, frames]`` (librosa's
            order; transpose what soundfile gives).
        sr: Sample rate of an array in Hz; of nothing else.
        beats: Beats in place of tracked ones: a file of times, seconds, or seconds of beats and of downbeats.
        config: A ``loopwright.toml``, or its sections as a dict. Files that lie about are not read.
        name: What to call bytes or an array.
        settings: Sections of settings, over those of ``config``: ``rhythm={"bpm": 120}``.

    Returns:
        The analysis. Audio that cannot be used (silence, less than a second) has a ``status`` that says so, and no beats.

    Raises:
        AudioError: The source cannot be read or decoded, or is no audio.
        SettingsError: A setting that there is not, or a value outside its range.
        ModelError: A beat model that cannot be run.
        StoreError: An address that cannot be read.
    """
    values, file = native_settings(config, settings, {})
    return Analysis(native.analyze(native_source(source, sr, name), values, file, native_beats(beats)))


def find(
    source: Source,
    sr: float | None = None,
    *,
    bars: Sequence[int] | int | None = None,
    top: int | None = None,
    model: str | os.PathLike[str] | None = None,
    beats: Beats | None = None,
    out: str | os.PathLike[str] | None = None,
    config: Config | None = None,
    name: str | None = None,
    **settings: Any,
) -> Found[Suggestion]:
    """The best loops of a recording, in the order of ``loopwright find``. Writes nothing unless ``out`` is given.

    Args:
        source: As of :func:`analyze`.
        sr: As of :func:`analyze`.
        bars: Lengths in bars; 1, 2, 4, 8 and 16 where not said.
        top: How many; 0 for all, 5 where not said.
        model: What scores: ``"heuristic"``, ``"shipped"``, or a model file.
        beats: As of :func:`analyze`.
        out: A folder to write them to, as ``find --out`` does.
        config: As of :func:`analyze`.
        name: As of :func:`analyze`.
        settings: As of :func:`analyze`.

    Returns:
        The loops, the best first; where there are none, ``detail`` says why.

    Raises:
        AudioError: As of :func:`analyze`.
        SettingsError: As of :func:`analyze`.
        ModelError: A model that cannot be read, or whose columns are not measured.
        StoreError: As of :func:`analyze`.
        OutputError: ``out`` cannot be written.
    """
    said: dict[str, dict[str, Any]] = {"loops": {"bars": lengths(bars)}, "rank": {"top_k": top, "model": text(model)}}
    values, file = native_settings(config, settings, said)
    told = native.find(native_source(source, sr, name), values, file, native_beats(beats), text(out))
    return Found((Suggestion(one) for one in told["found"]), told)


def breaks(
    source: Source,
    sr: float | None = None,
    *,
    top: int | None = None,
    model: str | os.PathLike[str] | None = None,
    beats: Beats | None = None,
    out: str | os.PathLike[str] | None = None,
    config: Config | None = None,
    name: str | None = None,
    **settings: Any,
) -> Found[Break]:
    """The drum breaks of a recording with their hits, in the order of ``loopwright breaks``.

    Args:
        source: As of :func:`analyze`.
        sr: As of :func:`analyze`.
        top: How many; 0 for all, 3 where not said.
        model: As of :func:`find`.
        beats: As of :func:`analyze`.
        out: A folder to write breaks, hits, kits and grooves to, as ``breaks --out`` does.
        config: As of :func:`analyze`.
        name: As of :func:`analyze`.
        settings: As of :func:`analyze`.

    Returns:
        The breaks, the best first; where there are none, ``detail`` says why.

    Raises:
        Error: As of :func:`find`.
    """
    said: dict[str, dict[str, Any]] = {"breaks": {"top_k": top}, "rank": {"model": text(model)}}
    values, file = native_settings(config, settings, said)
    told = native.breaks(native_source(source, sr, name), values, file, native_beats(beats), text(out))
    return Found((Break(one) for one in told["found"]), told)


def features(
    source: Source,
    sr: float | None = None,
    *,
    bars: Sequence[int] | int | None = None,
    any_beat: bool | None = None,
    columns: Sequence[str] = (),
    without: Sequence[str] = (),
    beats: Beats | None = None,
    config: Config | None = None,
    name: str | None = None,
    **settings: Any,
) -> Features:
    """The features of every candidate of a recording: what ``loopwright dataset`` writes of it.

    Args:
        source: As of :func:`analyze`.
        sr: As of :func:`analyze`.
        bars: As of :func:`find`.
        any_beat: Start candidates on any beat, not only on bar lines.
        columns: Features, whole (``"pt_mel"``) or by column (``"pt_mel_3"``); all where none are named.
        without: Features to leave out.
        beats: As of :func:`analyze`.
        config: As of :func:`analyze`.
        name: As of :func:`analyze`.
        settings: As of :func:`analyze`.

    Returns:
        ``(names, values, table)``: see :class:`Features`.

    Raises:
        Error: As of :func:`analyze`; :class:`SettingsError` for features that there are not.
    """
    said: dict[str, dict[str, Any]] = {"loops": {"bars": lengths(bars), "any_beat": any_beat}}
    values, file = native_settings(config, settings, said)
    told = native.features(
        native_source(source, sr, name), values, file, native_beats(beats), list(columns), list(without)
    )
    return Features.of(told)


def default_settings() -> dict[str, dict[str, Any]]:
    """All settings with their defaults, section by section."""
    return native.default_settings()


def feature_registry() -> list[FeatureInfo]:
    """Every feature that is measured: what ``loopwright features --json`` tells."""
    return cast("list[FeatureInfo]", native.feature_registry())
