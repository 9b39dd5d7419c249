"""What a worker does: one recording at a time, from its bytes to its files."""

from __future__ import annotations

import functools
import json
import os
import pickle
import platform
import signal
import subprocess
import sys
import time
from typing import Any

from . import dataset, engine, inputs, tables
from .dataset import FEATURES, SUGGESTIONS, TRACKS, Job
from .inputs import Source

#: How often a recording may end the process that works on it, with nothing else there, before it is given up.
PATIENCE = 2


class Stop(Exception):
    """What would go wrong with every track: the run ends. The message says what to do."""


def work(job: Job, sources: list[Source]) -> list[dict[str, Any]]:
    """Does the recordings and says what became of each. Bad ones are recorded, and are no error.

    Raises:
        Stop: the dataset cannot be written, or this worker has another version.
    """
    _check(job)
    return [_one(job, source) for source in sources]


def _check(job: Job) -> None:
    if job.engine != engine.NATIVE:
        return
    import loopwright

    if loopwright.__version__ != job.version:
        raise Stop(
            f"a worker has loopwright {loopwright.__version__}, and this is {job.version}: install the same on all of them"
        )


def _one(job: Job, source: Source) -> dict[str, Any]:
    began, cpu = time.time(), time.process_time()
    told: dict[str, Any] = {**source.to_dict(), "content": None, "error": None, "did": "nothing", "written": 0}
    try:
        audio = read(source)
    except Exception as error:  # Whatever a store raises: the recording cannot be had.
        told |= {"status": "unreadable", "error": _words(error), "suggestions": 0, "candidates": 0}
    else:
        told |= {"bytes": len(audio), **_content(job, audio)}
    told |= {
        "began": began,
        "wall_seconds": time.time() - began,
        "cpu_seconds": time.process_time() - cpu,
        "worker": f"{platform.node()}:{os.getpid()}",
    }
    return told


def read(source: Source) -> bytes:
    """The content of a recording, wherever it lies."""
    if source.uri.startswith("file:"):
        return inputs.read(source.uri)
    import loopwright

    return loopwright.read(source.uri)


def _words(error: BaseException) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text or type(error).__name__


def _content(job: Job, audio: bytes) -> dict[str, Any]:
    content = dataset.content_hash(audio)
    there = done(job, content)
    if there is not None and not (job.retry_failed and there["status"] == "failed"):
        return {**_brief(there), "content": content, "did": "found"}
    try:
        worked = engine.load(job.engine)(audio, content, job.settings, job.features)
    except engine.BadTrack as error:
        return {**_brief(failed(job, content, len(audio), str(error))), "content": content, "did": "failed"}
    except MemoryError:
        row = failed(job, content, len(audio), "there is not enough memory for it")
        return {**_brief(row), "content": content, "did": "failed"}
    except (KeyboardInterrupt, SystemExit):
        raise
    except Exception as error:
        if type(error).__name__ in ("SettingsError", "OutputError"):
            raise Stop(str(error)) from None
        row = failed(job, content, len(audio), f"{type(error).__name__}: {error}")
        return {**_brief(row), "content": content, "did": "failed"}
    return {**commit(job, content, len(audio), worked), "content": content, "did": "worked"}


def done(job: Job, content: str) -> dict[str, Any] | None:
    """The row of a recording of which all files are there."""
    held = job.storage.read(dataset.key(TRACKS, content))
    if held is not None:
        row: dict[str, Any] | None = tables.rows(held)[0]
    else:
        row = _compacted(job.storage, TRACKS, content[:2]).get(content)
    if row is None:
        return None
    needed = [SUGGESTIONS] * bool(row["suggestions"]) + [FEATURES] * bool(row["candidates"])
    for table in needed:
        if not job.storage.exists(dataset.key(table, content)):
            if table == FEATURES or content not in _compacted(job.storage, table, content[:2]):
                return None
    return row


@functools.lru_cache(maxsize=512)
def _compacted(storage: Any, table: str, part: str) -> dict[str, dict[str, Any]]:
    """The recordings of a partition's compacted file. It is read once a run (``storage`` holds the run): it is written at
    the end of one."""
    held = storage.read(f"{dataset.folder(table, part)}/{dataset.COMPACTED}")
    if held is None:
        return {}
    if table == TRACKS:
        return {row["content"]: row for row in tables.rows(held)}
    return dict.fromkeys(tables.column(held, "content"), {})


def _brief(row: dict[str, Any]) -> dict[str, Any]:
    return {k: row[k] for k in ("status", "error", "suggestions", "candidates")}


def failed(job: Job, content: str, size: int, error: str) -> dict[str, Any]:
    """Records a recording that nothing can be done with."""
    row = {
        "content": content,
        "status": "failed",
        "error": error,
        "detail": "",
        "warnings": [],
        "bytes": size,
        "suggestions": 0,
        "candidates": 0,
    }
    _write(job, dataset.key(TRACKS, content), tables.to_bytes(tables.of_rows(tables.TRACKS, [row])))
    return row


def commit(job: Job, content: str, size: int, worked: engine.Worked) -> dict[str, Any]:
    """Writes a recording's files, the commit record last."""
    written = 0
    candidates = 0
    if worked.features is not None and len(worked.features[2]) > 0:
        names, values, table = worked.features
        candidates = len(table)
        made = tables.of_features(content, names, values, table)
        written += _write(job, dataset.key(FEATURES, content), tables.to_bytes(made))
    rows = [{**row, "content": content} for row in worked.suggestions]
    if rows:
        made = tables.of_rows(tables.SUGGESTIONS, rows)
        written += _write(job, dataset.key(SUGGESTIONS, content), tables.to_bytes(made))
    row = {
        **worked.facts,
        "content": content,
        "status": "done" if rows else "nothing_found",
        "error": None,
        "detail": worked.detail,
        "warnings": worked.warnings,
        "bytes": size,
        "suggestions": len(rows),
        "candidates": candidates,
    }
    written += _write(job, dataset.key(TRACKS, content), tables.to_bytes(tables.of_rows(tables.TRACKS, [row])))
    return {**_brief(row), "written": written}


def _write(job: Job, key: str, content: bytes) -> int:
    try:
        job.storage.write(key, content)
    except Exception as error:
        raise Stop(f"{job.storage.uri}/{key}: cannot write: {_words(error)}") from None
    return len(content)


def work_apart(job: Job, sources: list[Source]) -> list[dict[str, Any]]:
    """As :func:`work` for recordings that may end the process that works on them: each in a process of its own.

    One that ends it :data:`PATIENCE` times is recorded as failed, with the signal or exit code.
    """
    _check(job)
    return [_apart(job, source) for source in sources]


def _apart(job: Job, source: Source) -> dict[str, Any]:
    began = time.time()
    how = ""
    for _ in range(PATIENCE):
        # Python has multiprocessing for this, but its children would run the main module of the worker.
        child = subprocess.run(
            [sys.executable, "-c", "from loopwright._distributed import task; task.child()"],
            input=pickle.dumps((sys.path, job, source)),
            stdout=subprocess.PIPE,
            check=False,
        )
        if child.returncode == 0:
            told: dict[str, Any] = json.loads(child.stdout.rpartition(b"\n")[2])
            if "stop" in told:
                raise Stop(told["stop"])
            return told
        how = _ending(child.returncode)
    error = f"it ended the process that worked on it, {PATIENCE} times ({how})"
    told = {**source.to_dict(), "content": None, "did": "failed", "written": 0, "began": began}
    told |= {"status": "unreadable", "error": error, "suggestions": 0, "candidates": 0}
    try:
        audio = read(source)
    except Exception:
        return told
    content = dataset.content_hash(audio)
    return {**told, **_brief(failed(job, content, len(audio), error)), "content": content, "bytes": len(audio)}


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def child() -> None:
    """The process of :func:`work_apart`: a pickled task on standard input, JSON on the last line of standard output."""
    path, job, source = pickle.load(sys.stdin.buffer)
    sys.path[:] = path
    try:
        (told,) = work(job, [source])
    except Stop as error:
        told = {"stop": str(error)}
    sys.stdout.write("\n" + json.dumps(told))
