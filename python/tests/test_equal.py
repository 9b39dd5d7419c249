"""The same numbers as the command line's, from files, bytes and arrays, on any thread."""

from __future__ import annotations

import csv
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import loopwright
from conftest import BPM, RATE


def without(told: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {k: v for k, v in told.items() if k not in keys}


def filled(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if v is not None}


def test_analyze_tells_what_the_command_tells(song: Path, tool: Any) -> None:
    [line] = tool("analyze", "--json", song)
    told = loopwright.analyze(song)
    assert told.to_dict() == line
    assert told.bpm is not None and abs(told.bpm - BPM) < 0.5
    assert told.beats.dtype == np.float64 and (np.diff(told.beats) > 0).all()
    assert set(told.downbeats) <= set(told.beats)
    assert told.duration == line["seconds"] and told.sample_rate == RATE and told.channels == 2
    other = loopwright.analyze(song, rhythm={"bpm": 60})
    assert other.to_dict() == tool("analyze", "--json", "--bpm", "60", song)[0] != line


def test_find_tells_what_the_command_tells_and_writes(song: Path, tool: Any, tmp_path: Path) -> None:
    lines = tool("find", "--json", "--bars", "2,4", "--top", "4", "--model", "shipped", "--out", tmp_path / "a", song)
    loops = loopwright.find(song, bars=[2, 4], top=4, model="shipped", out=tmp_path / "b")
    assert [loop.to_dict() for loop in loops] == [line for line in lines if line["type"] == "loop"]
    assert loops.facts == lines[0]["facts"]
    rows = [json.loads(line) for line in (tmp_path / "a/all_loops.jsonl").read_text().splitlines()]
    # What is empty is left out of the lines.
    assert [filled(loop.to_row()) for loop in loops] == rows
    # Without a folder the numbers are the same; with one, the files.
    dry = loopwright.find(song, bars=[2, 4], top=4, model="shipped")
    assert [filled(loop.to_row()) for loop in dry] == rows and len(rows) > 1
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert any(f.suffix == ".wav" for f in files)
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_audio_is_the_recordings_but_for_the_seam(song: Path, samples: Any) -> None:
    for loop in loopwright.find(song, bars=2, top=3):
        audio = loop.audio()
        assert audio.dtype == np.float32 and audio.shape == (2, loop.frames)
        own = samples[:, loop.start_frame : loop.end_frame]
        faded = round(loop.crossfade_ms * 1e-3 * RATE)
        untouched = loop.frames - faded
        assert (audio[:, :untouched] == own[:, :untouched]).all()
        assert loop.end_frame - loop.start_frame == loop.frames == round((loop.end - loop.start) * RATE)
        assert loop.features["bars"] == 2.0


def test_breaks_tell_what_the_command_tells(song: Path, tool: Any, tmp_path: Path) -> None:
    lines = tool("breaks", "--json", "--out", tmp_path / "a", song)
    breaks = loopwright.breaks(song)
    assert [one.to_dict() for one in breaks] == [line for line in lines if line["type"] == "break"]
    assert breaks and breaks[0].kind == "drums_only"
    assert len(breaks[0].hits) == breaks[0].to_dict()["hits"] > 4
    assert all(breaks[0].start - 0.02 <= hit["onset"] <= breaks[0].end for hit in breaks[0].hits)
    written = loopwright.breaks(song, out=tmp_path / "b")
    assert [one.to_dict() for one in written] == [one.to_dict() for one in breaks]
    for file in (p for p in (tmp_path / "a").rglob("*") if p.is_file()):
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes(), file


def test_features_are_those_of_dataset(song: Path, tool: Any, tmp_path: Path) -> None:
    tool("dataset", song, "--out", tmp_path / "d.csv", "--bars", "1,4")
    with open(tmp_path / "d.csv", newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    names, values, table = loopwright.features(song, bars=[1, 4])
    assert header == ["track_id", "start_time", "end_time", "bars", "weight", *names]
    assert values.dtype == np.float32 and values.shape == (len(rows), len(names)) and len(rows) > 8
    assert np.array_equal(values, np.array([[np.float32(x or "nan") for x in row[5:]] for row in rows]), equal_nan=True)
    for i, column in enumerate(("start_time", "end_time", "bars")):
        assert np.array_equal(table[column], np.array([float(row[1 + i]) for row in rows]))
    some = loopwright.features(song, bars=[1, 4], columns=["rms_mean", "pt_mel"], without=["pt_mel_3"])
    assert some.names[0] == "rms_mean" and "pt_mel_3" not in some.names and len(some.names) == 256
    assert np.array_equal(some.values, values[:, [names.index(n) for n in some.names]])


def test_bytes_and_arrays_give_what_files_give(song: Path, samples: Any) -> None:
    file = loopwright.analyze(song).to_dict()
    held = loopwright.analyze(song.read_bytes(), name="song.wav").to_dict()
    array = loopwright.analyze(samples, RATE, name="song").to_dict()
    assert without(held, "source") == without(file, "source")
    assert without(array, "source") == without(file, "source")
    # Whatever the precision and the order in memory.
    wide = loopwright.analyze(np.asfortranarray(samples.astype(np.float64)), RATE, name="song").to_dict()
    assert wide == array
    loops = loopwright.find(samples, RATE, name="song", top=2)
    assert [without(x.to_dict(), "source") for x in loops] == [
        without(x.to_dict(), "source") for x in loopwright.find(song, top=2)
    ]
    mono = loopwright.analyze(samples[0], RATE)
    assert mono.channels == 1 and mono.bpm is not None


def test_threads_give_what_one_thread_gives(song: Path) -> None:
    alone = [loop.to_row() for loop in loopwright.find(song, top=3)]
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: loopwright.find(song, top=3), range(4)):
            assert [loop.to_row() for loop in found] == alone


def test_given_beats_are_used(song: Path, tool: Any, tmp_path: Path) -> None:
    beats = np.arange(0, 30, 0.6)
    file = tmp_path / "beats.txt"
    file.write_text("".join(f"{t:.6f} {i % 4 + 1}\n" for i, t in enumerate(beats)))
    [line] = tool("analyze", "--json", "--beats", file, song)
    assert loopwright.analyze(song, beats=file).to_dict() == line
    told = loopwright.analyze(song, beats=(np.round(beats, 6), np.round(beats[::4], 6)))
    assert told.to_dict() == line and told.bpm is not None and abs(told.bpm - 100) < 0.1


def test_silence_has_no_beats_and_no_loops() -> None:
    silence = np.zeros((2, 5 * RATE), np.float32)
    assert loopwright.analyze(silence, RATE).status == "silent"
    found = loopwright.find(silence, RATE)
    assert found == [] and "silent" in found.detail and found.facts is None
    names, values, table = loopwright.features(silence, RATE)
    assert values.shape == (0, len(names)) and len(names) > 50 and len(table) == 0
