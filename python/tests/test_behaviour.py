"""Errors, interrupts, the interpreter's lock, the package's own facts."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import loopwright
from conftest import RATE, music

HERE = Path(__file__).resolve().parent


@pytest.mark.parametrize(
    ("array", "sr", "named"),
    [
        (np.zeros((RATE, 2)), RATE, "x.T"),
        (np.zeros((65, RATE)), RATE, "x.T"),
        (np.zeros((1, 2, RATE)), RATE, r"\[channels, frames\]"),
        (np.zeros(RATE, np.int16), RATE, "32768"),
        (np.full(RATE, np.nan), RATE, "not finite"),
        (np.zeros(RATE), None, "sr="),
        (np.zeros(RATE), 44_100.5, "whole number"),
        (np.zeros(RATE), 0, "whole number"),
        (np.zeros((0, RATE)), RATE, "no channels"),
    ],
)
def test_arrays_that_are_not_audio_say_why(array: Any, sr: Any, named: str) -> None:
    for function in (loopwright.analyze, loopwright.find, loopwright.features):
        with pytest.raises(loopwright.AudioError, match=named):
            function(array, sr)


def test_files_that_are_none_are_named(tmp_path: Path) -> None:
    none = tmp_path / "none.wav"
    with pytest.raises(loopwright.AudioError, match=r"none\.wav.*check the path"):
        loopwright.analyze(none)
    empty = tmp_path / "empty.wav"
    empty.write_bytes(b"")
    with pytest.raises(loopwright.AudioError, match=r"empty\.wav.*is empty"):
        loopwright.find(empty)
    with pytest.raises(loopwright.AudioError, match=r"take\.mp3.*cannot be decoded"):
        loopwright.features(b"no audio at all" * 100, name="take.mp3")
    with pytest.raises(loopwright.AudioError, match="sr is for arrays"):
        loopwright.analyze(none, 44_100)
    with pytest.raises(TypeError, match="source is int"):
        loopwright.analyze(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"rhythm": {"bmp": 120}}, r"rhythm\.bmp.*bpm"),
        ({"rythm": {"bpm": 120}}, "rythm.*rhythm"),
        ({"rhythm": {"bpm": "fast"}}, r"rhythm\.bpm"),
        ({"rhythm": {"bpm": 9000}}, r"rhythm\.bpm.*400"),
        ({"rhythm": 120}, "rhythm is a section"),
        ({"rhythm": {"bpm": float("nan")}}, "settings"),
        ({"rank": {"top_k": -1}}, r"rank\.top_k"),
        ({"config": "none.toml"}, r"none\.toml"),
        ({"config": 3}, "config is int"),
        ({"beats": [1.0]}, "too few"),
    ],
)
def test_wrong_settings_are_named(song: Path, settings: dict[str, Any], named: str) -> None:
    with pytest.raises(loopwright.SettingsError, match=named):
        loopwright.analyze(song, **settings)


def test_settings_come_from_files_dicts_and_keywords(song: Path, tmp_path: Path) -> None:
    file = tmp_path / "loopwright.toml"
    file.write_text("[rank]\ntop_k = 2\n[loops]\nbars = [2]\n")
    assert [loop.bars for loop in loopwright.find(song, config=file)] == [2, 2]
    assert [loop.bars for loop in loopwright.find(song, config=file, top=1)] == [2]
    layered = loopwright.find(song, config={"rank": {"top_k": 1}}, loops={"bars": np.array([4])})
    assert [loop.bars for loop in layered] == [4]
    file.write_text("[rank]\ntop = 2\n")
    with pytest.raises(loopwright.SettingsError, match=r"loopwright\.toml.*"):
        loopwright.find(song, config=file)


def test_other_errors_are_of_the_hierarchy(song: Path, tmp_path: Path) -> None:
    for kind in ("AudioError", "SettingsError", "ModelError", "StoreError", "OutputError"):
        assert issubclass(getattr(loopwright, kind), loopwright.Error)
    with pytest.raises(loopwright.ModelError, match=r"none\.onnx"):
        loopwright.find(song, model=tmp_path / "none.onnx")
    with pytest.raises(loopwright.StoreError, match="ftp"):
        loopwright.read("ftp://host/a.wav")
    with pytest.raises(loopwright.SettingsError, match="no_such"):
        loopwright.features(song, columns=["no_such"])
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(loopwright.OutputError, match="file"):
        loopwright.find(song, out=blocked / "below")


def test_other_threads_run_meanwhile(song: Path) -> None:
    count, done = 0, threading.Event()

    def tick() -> None:
        nonlocal count
        while not done.is_set():
            count += 1
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    before = count
    loopwright.find(song)
    after = count
    done.set()
    thread.join()
    # A lock that is held throughout would let none through.
    assert after - before >= 5


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent another way there")
def test_an_interrupt_ends_the_work(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import sys, time
        sys.path.insert(0, {str(HERE)!r})
        import loopwright
        from conftest import music, RATE
        samples = music(240)
        loopwright.analyze(music(2), RATE)
        print("ready", flush=True)
        try:
            loopwright.find(samples, RATE)
            print("done", flush=True)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        assert loopwright.analyze(music(2), RATE).status == "normal"
        print("alive", flush=True)
        """
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    assert out.split() == ["interrupted", "alive"]


def test_what_the_package_says_of_itself() -> None:
    root = HERE.parent
    found = re.search(r'^version = "([^"]+)"', (root.parent / "Cargo.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None and loopwright.__version__ == found.group(1)
    told = (root / "pyproject.toml").read_text(encoding="utf-8")
    packed = re.search(r"^REQUIRES = (.*)$", (root / "pack.py").read_text(encoding="utf-8"), re.MULTILINE)
    assert packed is not None and f"dependencies = {packed.group(1)}\n" in told
    for name in loopwright.__all__:
        assert hasattr(loopwright, name), name
    assert loopwright.default_settings()["rank"]["top_k"] == 5
    assert {"rms_mean", "bars"} <= {feature["name"] for feature in loopwright.feature_registry()}


def test_stubs_speak_of_what_there_is() -> None:
    from loopwright import _loopwright as native

    stub = (Path(loopwright.__file__).parent / "_loopwright.pyi").read_text(encoding="utf-8")
    named = set(re.findall(r"^(?:def|class) (\w+)", stub, re.MULTILINE)) - {"NativeFeatures"}
    there = {name for name in dir(native) if not name.startswith("__")}
    assert named == there


def test_a_run_from_an_http_address_is_told_by_the_store() -> None:
    # Nobody listens there: what matters is that the address reached the store, with the settings.
    with pytest.raises(loopwright.Error):
        loopwright.analyze("http://127.0.0.1:9/none.wav", stores={"retries": 0, "timeout_seconds": 1})
    assert music(1).shape[0] == 2
