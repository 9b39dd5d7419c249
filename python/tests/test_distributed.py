"""The distributed run, on real Dask clusters of several worker processes."""

from __future__ import annotations

import collections
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("distributed")
pa = pytest.importorskip("pyarrow")
import pyarrow.dataset as pads  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

from loopwright._distributed import compact, dataset, inputs, storage, tables  # noqa: E402
from loopwright.distributed import Options, Summary, main, run  # noqa: E402

HERE = Path(__file__).parent
RATE = 22050


@pytest.fixture(autouse=True)
def _workers_find_the_standin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worker processes import what this one imports."""
    for name in [n for n in os.environ if n.startswith("STANDIN_")]:
        monkeypatch.delenv(name)
    monkeypatch.syspath_prepend(str(HERE))
    # Not the folder of the sources: what is installed is tested.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")])))


def song(path: Path, bpm: float, seed: int, seconds: float = 10.0) -> Path:
    """Kick, snare and a bass line that repeats every two bars."""
    rng = np.random.default_rng(seed)
    beat = 60 / bpm
    out = np.zeros(int(seconds * RATE))
    notes = rng.choice([55.0, 65.4, 73.4, 82.4, 98.0], 8)
    for i in range(int(seconds / beat)):
        at = int(i * beat * RATE)
        t = np.arange(min(int(beat * RATE), len(out) - at)) / RATE
        out[at : at + len(t)] += 0.25 * np.sin(2 * np.pi * notes[i % 8] * t) * np.exp(-3 * t)
        if i % 4 in (0, 2):
            out[at : at + len(t)] += 0.6 * np.sin(2 * np.pi * (50 * t + 6 * (1 - np.exp(-t / 0.03)))) * np.exp(-12 * t)
        else:
            out[at : at + len(t)] += 0.2 * rng.standard_normal(len(t)) * np.exp(-18 * t)
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((np.clip(out, -1, 1) * 32000).astype("<i2").tobytes())
    return path


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fourteen names of thirteen different recordings, one of them bad, one of them silent, two with hostile names."""
    root = tmp_path_factory.mktemp("music")
    for i in range(9):
        song(root / f"{'deep/' if i % 3 == 0 else ''}song{i:02}.wav", 96 + 4 * i, i)
    song(root / "=cmd|' !A0\n\x1b[31m.wav", 140, 20)
    song(root / "ж\u202egpj.wav", 90, 21)
    shutil.copy(root / "song01.wav", root / "deep" / "again.wav")
    (root / "bad.mp3").write_bytes(b"no audio at all" * 100)
    with wave.open(str(root / "silent.wav"), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(bytes(RATE * 8))
    return root


@pytest.fixture(scope="module")
def single(music: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process makes of it."""
    out = tmp_path_factory.mktemp("single") / "dataset"
    assert main([str(music), "--out", str(out), "--scheduler", "none", "-q"]) == 1
    return out


def files(root: Path, but: tuple[str, ...] = ("_log",)) -> dict[str, bytes]:
    """All files beneath a folder."""
    found = {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}
    return {k: v for k, v in found.items() if k.split("/")[0] not in but}


def same(a: Path, b: Path) -> None:
    """The same files with the same bytes."""
    one, two = files(a), files(b)
    assert one.keys() == two.keys()
    assert [k for k in one if one[k] != two[k]] == []


def native(music: Path, out: Path, scheduler: str) -> Summary:
    """A run by the real engine, watched."""
    return run(Options([str(music)], str(out), scheduler, engine="standin:native", quiet=True))


def begun(log: Path, what: str = "begin") -> collections.Counter[str]:
    """How often each recording was begun."""
    lines = [line.split() for line in log.read_text().splitlines()]
    return collections.Counter(line[1] for line in lines if line[0] == what)


def of_dataset(root: Path, table: str) -> list[dict]:
    return pads.dataset(root / table, partitioning="hive").to_table().to_pylist()


def test_a_killed_worker_costs_its_unfinished_tracks_only(
    music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = tmp_path / "alone"
    native(music, alone, "none")
    log, once = tmp_path / "log", tmp_path / "once"
    once.mkdir()
    monkeypatch.setenv("STANDIN_LOG", str(log))
    monkeypatch.setenv("STANDIN_ONCE", str(once))
    summary = native(music, tmp_path / "many", "local:3")
    assert (once / "killed").exists(), "no worker was killed"
    assert summary.exit_code() == 1 and summary.failed == 1 and summary.left == 0
    same(alone, tmp_path / "many")
    ended = collections.defaultdict(set)
    started = collections.defaultdict(set)
    for what, content, pid in (line.split() for line in log.read_text().splitlines()):
        (started if what == "begin" else ended)[pid].add(content)
    # The bad recording never ends, and the same bytes under two names may meet on two workers.
    bad = dataset.content_hash((music / "bad.mp3").read_bytes())
    twice = dataset.content_hash((music / "song01.wav").read_bytes())
    unfinished = {c for pid in started for c in started[pid] - ended[pid]} - {bad}
    again = {c for c, n in begun(log).items() if n > 1}
    assert len(unfinished) == 1, "a worker of one thread has one track under way"
    assert unfinished <= again <= unfinished | {twice}
    assert begun(log, "end").keys() | {bad} == {p.stem for p in (alone / "tracks").rglob("*.parquet")}


def test_a_worker_that_is_killed_from_outside(music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a machine that is taken away: a scheduler and workers of their own, one of them killed at work, none comes back."""
    import distributed

    sources = tmp_path / "in"
    sources.mkdir()
    for i in range(16):
        (sources / f"{i:02}.wav").write_bytes(bytes([i]) * (100 + i))
    alone = tmp_path / "alone"
    run(Options([str(sources)], str(alone), "none", engine="standin:plain", quiet=True))
    log = tmp_path / "log"
    monkeypatch.setenv("STANDIN_LOG", str(log))
    monkeypatch.setenv("STANDIN_SLOW", "0.25")
    scheduler = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
        + ["--scheduler-file", str(tmp_path / "scheduler.json")],
        stderr=subprocess.DEVNULL,
    )
    workers = []
    try:
        _wait((tmp_path / "scheduler.json").exists)
        address = json.loads((tmp_path / "scheduler.json").read_text())["address"]
        command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny"]
        command += ["--no-dashboard", "--local-directory", str(tmp_path)]
        workers = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(2)]
        with distributed.Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        command = [sys.executable, str(HERE / "standin.py"), str(tmp_path / "many"), address, str(sources)]
        driver = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        _wait(lambda: log.exists() and f" {workers[0].pid}\n" in log.read_text() and len(begun(log, "end")) > 2)
        before = {p.stem for p in (tmp_path / "many" / "tracks").rglob("*.parquet")}
        workers[0].kill()
        told, _ = driver.communicate(timeout=120)
    finally:
        for process in [*workers, scheduler]:
            process.kill()
            process.wait()
    assert driver.returncode == 0
    assert json.loads(told)["tracks"] == json.loads(told)["worked"] + json.loads(told)["skipped"] == 16
    same(alone, tmp_path / "many")
    lines = [line.split() for line in log.read_text().splitlines()]
    of_dead = {c for what, c, pid in lines if what == "begin" and int(pid) == workers[0].pid}
    again = {c for c, n in begun(log).items() if n > 1}
    # At most what it had under way, and nothing that was there when it died.
    assert again <= of_dead - before and len(again) <= 1


def _wait(until, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def test_a_cluster_of_any_size_gives_the_bytes_of_one_process(music: Path, single: Path, tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    assert main([str(music), "--out", str(out), "--scheduler", "local:2", "--batch", "3", "-q"]) == 1
    same(single, out)


def test_the_dataset_says_what_is_in_it(music: Path, single: Path) -> None:
    sources = {row["name"]: row for row in tables.rows((single / dataset.SOURCES).read_bytes())}
    assert len(sources) == 14
    tracks = {row["content"]: row for row in of_dataset(single, "tracks")}
    assert len(tracks) == 13
    assert sources["song01.wav"]["content"] == sources["deep/again.wav"]["content"]
    bad = tracks[sources["bad.mp3"]["content"]]
    assert bad["status"] == sources["bad.mp3"]["status"] == "failed" and "bad.mp3" not in bad["error"]
    silent = tracks[sources["silent.wav"]["content"]]
    assert silent["status"] == "nothing_found" and "silent" in silent["detail"]
    for name in ("=cmd|' !A0\n\x1b[31m.wav", "ж\u202egpj.wav"):
        assert sources[name]["status"] == "done"
        assert os.path.isfile(inputs.path_of(sources[name]["uri"]))
    loops = of_dataset(single, "suggestions")
    assert {row["content"] for row in loops} == {c for c, row in tracks.items() if row["status"] == "done"}
    features = pads.dataset(single / "features", partitioning="hive").to_table()
    assert features.num_rows == sum(row["candidates"] for row in tracks.values()) > 50
    assert "pt_mel_255" in features.column_names and str(features.schema.field("pt_mel_0").type) == "float"
    partition = {p.parent.name[5:] for p in (single / "tracks").rglob("*.parquet")}
    assert partition == {c[:2] for c in tracks}


def test_rows_are_those_of_find_and_features(music: Path, single: Path) -> None:
    import loopwright

    for name in ("song01.wav", "deep/song03.wav"):
        content = dataset.content_hash((music / name).read_bytes())
        rows = tables.rows((single / dataset.key("suggestions", content)).read_bytes())
        found = loopwright.find(music / name)
        assert len(rows) == len(found) > 0
        for row, loop in zip(rows, found):
            want = loop.to_row()
            common = [c for c in row if c in want]
            assert len(common) > 20
            assert {c: row[c] for c in common} == {c: want[c] for c in common}
            assert row["number"] == loop.number
        names, values, table = loopwright.features(music / name)
        got = tables.from_bytes((single / dataset.key("features", content)).read_bytes())
        assert np.array_equal(got.column("start_time").to_numpy(), table["start_time"])
        for i, column in enumerate(names):
            assert np.array_equal(got.column(column).to_numpy(), values[:, i], equal_nan=True), column
        for row, loop in zip(rows, found):
            at = table[row["candidate"]]
            assert at["bars"] == row["bars"]
            assert at["start_time"] == pytest.approx(row["start_time"] - row["snap_ms"] / 1000, abs=2e-3)


def test_plain_sharding_gives_the_same_loops(music: Path, single: Path, tmp_path: Path) -> None:
    """`loopwright find --shard I/N` on each, then `loopwright merge`."""
    tool = os.environ.get("LOOPWRIGHT_TOOL") or HERE.parents[1] / "target" / "debug" / "loopwright"
    if not os.path.isfile(tool):
        pytest.skip("the command line tool is not built: cargo build -p loopwright, or LOOPWRIGHT_TOOL=…")
    parts = [str(tmp_path / f"part{i}") for i in (1, 2, 3)]
    for i, part in enumerate(parts, 1):
        done = subprocess.run([tool, "find", music, "--out", part, "--shard", f"{i}/3", "-q"], stderr=subprocess.DEVNULL)
        assert done.returncode in (0, 1, 4)
    subprocess.run([tool, "merge", *parts, "--out", tmp_path / "all", "-q"], check=False, stderr=subprocess.DEVNULL)
    merged = [json.loads(line) for line in (tmp_path / "all" / "all_loops.jsonl").read_text().splitlines()]
    content = {row["name"]: row["content"] for row in tables.rows((single / dataset.SOURCES).read_bytes())}
    ours = collections.defaultdict(list)
    for row in sorted(of_dataset(single, "suggestions"), key=lambda row: row["number"]):
        ours[row["content"]].append(row)
    theirs = collections.defaultdict(list)
    for row in merged:
        theirs[row["source"]].append(row)
    assert {content[name] for name in theirs} == ours.keys() and len(merged) > 20
    for name, rows in theirs.items():
        assert len(rows) == len(ours[content[name]])
        for want, row in zip(rows, ours[content[name]]):
            # JSON lines leave out what is empty.
            common = [c for c in row if c in want and c != "track_id"]
            assert len(common) > 20
            assert {c: row[c] for c in common} == {c: want[c] for c in common}


def test_who_kills_every_worker_is_named_and_the_others_are_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = tmp_path / "in"
    sources.mkdir()
    for i in range(10):
        (sources / f"{i:02}.wav").write_bytes(b"POISON" if i == 4 else bytes([i]) * (100 + i))
    monkeypatch.setenv("STANDIN_POISON", "POISON")
    options = Options([str(sources)], str(tmp_path / "out"), "local:2", engine="standin:plain", quiet=True)
    summary = run(options)
    assert (summary.failed, summary.left, summary.suggestions, summary.exit_code()) == (1, 0, 9, 1)
    assert summary.apart >= 1
    (failure,) = summary.failures
    assert failure["name"] == "04.wav" and "SIGKILL" in failure["error"]
    content = dataset.content_hash(b"POISON")
    (row,) = tables.rows((tmp_path / "out" / dataset.key("tracks", content)).read_bytes())
    assert row["status"] == "failed" and "ended the process" in row["error"]
    # It is left alone from now on, unless it is asked for; then it may have been mended.
    assert run(options).skipped == 10
    monkeypatch.delenv("STANDIN_POISON")
    options.retry_failed = True
    summary = run(options)
    assert (summary.worked, summary.failed, summary.exit_code()) == (1, 0, 0)


def test_a_run_is_taken_up_after_the_driver_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = tmp_path / "in"
    sources.mkdir()
    for i in range(12):
        (sources / f"{i:02}.wav").write_bytes(bytes([i]) * (100 + i))
    alone, out, log = tmp_path / "alone", tmp_path / "out", tmp_path / "log"
    run(Options([str(sources)], str(alone), "none", engine="standin:plain", quiet=True))
    monkeypatch.setenv("STANDIN_LOG", str(log))
    monkeypatch.setenv("STANDIN_SLOW", "0.3")
    command = [sys.executable, str(HERE / "standin.py"), str(out), "local:2", str(sources)]
    driver = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(lambda: log.exists() and len(begun(log, "end")) >= 4)
    finally:
        os.killpg(driver.pid, signal.SIGKILL)
        driver.wait()
    committed = {p.stem for p in (out / "tracks").rglob("*.parquet")}
    assert 0 < len(committed) < 12
    # What was left half done, by somebody who is gone and by somebody long ago.
    leftovers = out / storage.TEMPORARY
    leftovers.mkdir(exist_ok=True)
    gone = storage.new_run().split(".")
    (leftovers / f"{gone[0]}.{gone[1]}.{driver.pid}.00000000.x.tmp").write_bytes(b"half")
    (leftovers / "old.elsewhere.1.0.x.tmp").write_bytes(b"half")
    os.utime(leftovers / "old.elsewhere.1.0.x.tmp", (1, 1))
    log.unlink()
    monkeypatch.setenv("STANDIN_SLOW", "0")
    summary = run(Options([str(sources)], str(out), "local:2", engine="standin:plain", quiet=True))
    assert summary.exit_code() == 0 and summary.skipped == len(committed)
    assert begun(log).keys() == {p.stem for p in (alone / "tracks").rglob("*.parquet")} - committed
    same(alone, out)
    assert not leftovers.exists()


def test_only_what_is_missing_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = tmp_path / "in"
    sources.mkdir()
    for i in range(4):
        (sources / f"{i}.wav").write_bytes(bytes([i]) * (100 + i))
    options = Options([str(sources)], str(tmp_path / "out"), "none", engine="standin:plain", quiet=True)
    assert run(options).worked == 4
    before = files(tmp_path / "out")
    read = []
    monkeypatch.setattr("loopwright._distributed.task.read", lambda s: read.append(s.name) or inputs.read(s.uri))
    assert (run(options).skipped, read) == (4, [])
    content = {i: dataset.content_hash(bytes([i]) * (100 + i)) for i in range(4)}
    for i, table in enumerate(("tracks", "suggestions", "features")):
        (tmp_path / "out" / dataset.key(table, content[i])).unlink()
    assert (run(options).worked, read) == (3, ["0.wav", "1.wav", "2.wav"])
    assert files(tmp_path / "out") == before
    # New bytes under an old name; an old content under a new name is read, but not done again.
    read.clear()
    (sources / "3.wav").write_bytes(b"new")
    (sources / "4.wav").write_bytes(b"new")
    summary = run(options)
    assert (summary.worked, summary.skipped, read) == (1, 4, ["3.wav", "4.wav"])
    (sources / "5.wav").symlink_to(sources / "nowhere")
    (sources / "6.wav").mkdir()
    assert run(Options([str(sources), str(sources / "5.wav")], options.out, "none", engine="standin:plain")).failed == 1


def test_settings_are_part_of_a_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.wav").write_bytes(b"x" * 200)
    options = Options([str(tmp_path / "a.wav")], str(tmp_path / "out"), "none", engine="standin:plain", quiet=True)
    run(options)
    options.settings = {"rank": {"top_k": 3}}
    with pytest.raises(dataset.DatasetError, match="top_k.*choose another --out"):
        run(options)
    assert main([str(tmp_path / "a.wav"), "--out", str(tmp_path / "o"), "--set", "rank.top_q=3"]) == 2
    assert "top_q" in capsys.readouterr().err
    assert main([str(tmp_path / "none"), "--out", str(tmp_path / "o"), "--scheduler", "none", "-q"]) == 1
    (tmp_path / "empty").mkdir()
    assert main([str(tmp_path / "empty"), "--out", str(tmp_path / "o2"), "-q"]) == 4
    assert main([str(tmp_path), "--out", str(tmp_path / "o3"), "--scheduler", "tcp://127.0.0.1:9", "--wait", "1"]) == 3


@pytest.mark.parametrize("where", ["folder", "objects"])
def test_compacting_keeps_the_rows_and_the_place_to_go_on(where: str, tmp_path: Path) -> None:
    sources = tmp_path / "in"
    sources.mkdir()
    for i in range(6):
        (sources / f"{i}.wav").write_bytes(b"bad" if i == 5 else bytes([i]) * (100 + i))
    out = str(tmp_path / "out") if where == "folder" else f"memory://{tmp_path.name}"
    held = storage.open_storage(out)
    options = Options([str(sources)], out, "none", engine="standin:plain", quiet=True)
    run(options)
    parts = {dataset.content_hash(p.read_bytes())[:2] for p in sources.iterdir()}

    def rows() -> list[dict]:
        found = []
        for part in sorted(parts):
            folder = dataset.folder("tracks", part)
            for name in held.names(folder):
                found += tables.rows(held.read(f"{folder}/{name}") or b"")
        return sorted(found, key=lambda row: row["content"])

    before = rows()
    options.compact = True
    assert run(options).compacted == 6 + 5
    assert rows() == before and len(before) == 6
    assert all(held.names(dataset.folder("tracks", part)) == [dataset.COMPACTED] for part in parts)
    assert run(options).skipped == 6
    # What comes later is put in as if it had been there from the beginning.
    whole = {part: held.read(f"{dataset.folder('tracks', part)}/{dataset.COMPACTED}") for part in parts}
    for part in parts:
        content = tables.column(whole[part] or b"", "content")[0]
        row = next(r for r in before if r["content"] == content)
        held.write(dataset.key("tracks", content), tables.to_bytes(tables.of_rows(tables.TRACKS, [row])))
        compact.compact(held, part)
    assert {p: held.read(f"{dataset.folder('tracks', p)}/{dataset.COMPACTED}") for p in parts} == whole
    # A failure that is done again replaces its row, and a new name of old bytes finds them.
    (sources / "again.wav").write_bytes(bytes([1]) * 101)
    options.compact, options.retry_failed = False, True
    assert (run(options).worked, rows()) == (1, before)


def test_duckdb_reads_it(single: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    query = f"""
        SELECT s.name, count(*) AS loops, max(l.score) AS best
        FROM '{single}/sources/sources.parquet' s
        JOIN read_parquet('{single}/suggestions/*/*.parquet', hive_partitioning = true) l USING (content)
        GROUP BY s.name ORDER BY s.name
    """
    rows = duckdb.sql(query).fetchall()
    names = [row[0] for row in rows]
    assert "song01.wav" in names and "deep/again.wav" in names and len(names) == 12
    features = f"read_parquet('{single}/features/*/*.parquet', hive_partitioning = true)"
    ours = pads.dataset(single / "features", partitioning="hive").to_table()
    (count, mean) = duckdb.sql(f"SELECT count(*), avg(rms_mean) FROM {features}").fetchall()[0]
    assert count == ours.num_rows
    assert mean == pytest.approx(float(np.mean(ours.column("rms_mean").to_numpy(), dtype=np.float64)))
    part = duckdb.sql(f"SELECT count(DISTINCT part) FROM {features}").fetchall()[0][0]
    assert part == len(list((single / "features").iterdir()))


def test_ctrl_c_leaves_a_dataset_to_go_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = tmp_path / "in"
    sources.mkdir()
    for i in range(12):
        (sources / f"{i:02}.wav").write_bytes(bytes([i]) * (100 + i))
    log, out = tmp_path / "log", tmp_path / "out"
    monkeypatch.setenv("STANDIN_LOG", str(log))
    monkeypatch.setenv("STANDIN_SLOW", "0.3")
    command = [sys.executable, str(HERE / "standin.py"), str(out), "local:2", str(sources)]
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    _wait(lambda: log.exists() and len(begun(log, "end")) >= 3)
    driver.send_signal(signal.SIGINT)
    told, _ = driver.communicate(timeout=60)
    assert driver.returncode == 130
    summary = json.loads(told)
    assert summary["interrupted"] and 0 < summary["left"] < 12
    committed = [pq.read_table(p).num_rows for p in (out / "tracks").rglob("*.parquet")]
    assert committed and set(committed) == {1}


def test_names_and_addresses() -> None:
    assert inputs.is_address("s3://bucket/a") and inputs.is_address("dropbox:/FMA")
    assert not inputs.is_address("a/b.wav") and not inputs.is_address("C:\\music") and not inputs.is_address("file:///a")
    odd = os.fsdecode(b"/tmp/\xff #%?\n.wav")
    assert inputs.path_of(inputs.uri_of(odd)) == odd
    assert inputs.shown(os.fsdecode(b"a/\xff.wav")) == "a/\ufffd.wav"


def test_an_object_store_holds_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3, as a server of its own on this machine speaks it."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    sources = tmp_path / "in"
    sources.mkdir()
    for i in range(8):
        (sources / f"{i}.wav").write_bytes(b"bad" if i == 5 else bytes([i]) * (100 + i))
    run(Options([str(sources)], str(tmp_path / "alone"), "none", engine="standin:plain", quiet=True))
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-of-a-secret")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        import s3fs

        files_of = s3fs.S3FileSystem()
        files_of.mkdir("bucket")
        options = Options([str(sources)], "s3://bucket/a/dataset", "local:2", engine="standin:plain", quiet=True)
        summary = run(options)
        assert (summary.worked, summary.failed, summary.exit_code()) == (8, 1, 1)
        assert run(options).skipped == 8
        held = {path.removeprefix("bucket/a/dataset/"): files_of.cat_file(path) for path in files_of.find("bucket")}
        assert not any(b"canary" in content for content in held.values())
        assert {k: v for k, v in held.items() if not k.startswith("_log")} == files(tmp_path / "alone")
        options.compact = True
        assert run(options).compacted == 8 + 7
        options.scheduler, options.compact = "none", False
        assert run(options).skipped == 8
    finally:
        server.stop()
