"""The run: what is to be done, who does it, what became of it."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from . import compact, dataset, engine, inputs, task
from .cluster import Call, ClusterError, Ended, Executor, KilledBy, open_cluster
from .dataset import COMPACTED, FEATURES, SUGGESTIONS, TRACKS, Job
from .index import Index
from .inputs import Source
from .progress import Progress
from .storage import Storage, new_run, open_storage


@dataclass
class Options:
    """What a run is told."""

    inputs: list[str]
    out: str
    scheduler: str = "local"
    settings: dict[str, Any] = field(default_factory=dict)
    features: bool = True
    batch: int = 1
    retry_failed: bool = False
    compact: bool = False
    wait: float = 60.0
    quiet: bool = False
    #: Who works on a track: ``module:function``, which the workers can import. Tests put another one here.
    engine: str = engine.NATIVE


@dataclass
class Summary:
    """What became of a run."""

    #: Recordings that were named.
    tracks: int = 0
    #: Of these: worked on now; there already, by an earlier run or as the same bytes under another name.
    worked: int = 0
    skipped: int = 0
    #: With nothing to loop; bad or unreadable; not come to.
    nothing_found: int = 0
    failed: int = 0
    left: int = 0
    suggestions: int = 0
    candidates: int = 0
    #: Different contents among the recordings.
    contents: int = 0
    #: Folders and stores that could not be listed.
    unreadable: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    #: Of these, from the first task given out to the last one's end.
    work_seconds: float = 0.0
    workers: int = 0
    interrupted: bool = False
    #: Recordings that were worked on in a process of their own because workers died with them.
    apart: int = 0
    compacted: int = 0
    stopped_by: str | None = None
    failures: list[dict[str, Any]] = field(default_factory=list)

    def exit_code(self) -> int:
        """As the command line has it."""
        if self.interrupted:
            return 130
        if self.stopped_by is not None:
            return 3
        if self.failed or self.unreadable:
            return 1
        return 0 if self.suggestions else 4


def run(options: Options) -> Summary:
    """Does what is missing of the dataset.

    Raises:
        DatasetError: What lies at ``out`` was made in another way.
        ClusterError: There is nobody to do it.
        ValueError: An address, a setting.
        OSError: The dataset cannot be read or written.
    """
    began = time.monotonic()
    version = _version(options)
    name = new_run()
    storage = open_storage(options.out, name)
    settings, models = _models(options.settings)
    job = Job(storage, settings, options.features, version, options.engine, options.retry_failed)
    found = inputs.collect(options.inputs, options.out, _lister())
    summary = Summary(tracks=len(found.sources), unreadable=len(found.unreadable))
    progress = Progress(len(found.sources), options.quiet)
    for folder, why in found.unreadable:
        progress.say(f"{folder}: cannot search: {why}")
    if not found.sources:
        return summary
    dataset.open_dataset(storage, dataset.manifest(job, models))
    storage.clean(None)
    index = Index(storage, name)
    there = _there(storage, job.features)
    todo = []
    for source in found.sources:
        row = index.rows.get(source.uri)
        if row is not None and _is_done(row, source, there, job):
            summary.skipped += 1
            progress.step(row["status"] == "failed")
        else:
            todo.append(source)
    ended: set[str] = set()
    try:
        if todo or options.compact:
            with open_cluster(options.scheduler, options.wait) as executor:
                _same_version(executor, job)
                working = time.monotonic()
                _work(executor, job, todo, options.batch, index, summary, progress, ended)
                summary.work_seconds = time.monotonic() - working
                if options.compact and summary.stopped_by is None:
                    _compact(executor, storage, dataset.parts(), summary)
                elif options.retry_failed and there.compacted:
                    # What was done again stands beside what it was in the compacted file.
                    again = {row["content"][:2] for row in index.rows.values() if row["uri"] in ended and row["content"]}
                    _compact(executor, storage, sorted(again & there.compacted), summary)
    except KeyboardInterrupt:
        summary.interrupted = True
    finally:
        progress.close()
        index.close()
        storage.clean(name)
    _count(summary, found.sources, index, ended, there, job)
    summary.wall_seconds = time.monotonic() - began
    return summary


@dataclass
class _There:
    """Contents that have files, by table, and partitions that are compacted."""

    of: dict[str, set[str]]
    compacted: set[str]


def _there(storage: Storage, features: bool) -> _There:
    found = _There({table: set() for table in (TRACKS, SUGGESTIONS, FEATURES)}, set())
    for table in (TRACKS, SUGGESTIONS, *([FEATURES] if features else [])):
        for folder in storage.names(table):
            if folder.startswith("part="):
                part = folder.removeprefix("part=")
                found.of[table] |= dataset.contents_of(storage, table, part)
                if table == TRACKS and storage.exists(f"{dataset.folder(table, part)}/{COMPACTED}"):
                    found.compacted.add(part)
    return found


def _is_done(row: dict[str, Any], source: Source, there: _There, job: Job) -> bool:
    """Whether nobody has to read a source to know that its content is done."""
    content = row["content"]
    same = row["fingerprint"] is not None and row["fingerprint"] == source.fingerprint
    if content is None or not same or content not in there.of[TRACKS]:
        return False
    if row["status"] == "failed":
        return not job.retry_failed
    return (not row["suggestions"] or content in there.of[SUGGESTIONS]) and (
        not row["candidates"] or content in there.of[FEATURES]
    )


def _work(
    executor: Executor,
    job: Job,
    todo: list[Source],
    batch: int,
    index: Index,
    summary: Summary,
    progress: Progress,
    ended: set[str],
) -> None:
    workers: set[str] = set()

    def calls(function: Callable[..., Any], sources: list[Source], size: int) -> Iterator[tuple[Any, Call]]:
        for begin in range(0, len(sources), size):
            some = sources[begin : begin + size]
            yield some, (function, (job, some))

    def take(one: Ended) -> None:
        for told in one.result:
            index.add(told)
            ended.add(told["uri"])
            summary.worked += told["did"] in ("worked", "failed")
            summary.skipped += told["did"] == "found"
            summary.bytes_read += told["bytes"] or 0
            summary.bytes_written += told["written"]
            summary.cpu_seconds += told.get("cpu_seconds", 0.0)
            workers.add(str(told.get("worker")))
            bad = told["status"] in ("failed", "unreadable")
            progress.step(bad)
            if bad:
                progress.say(f"{told['name']}: {told['error']}")
        summary.workers = len(workers)

    suspects: list[Source] = []
    for one in executor.run(calls(task.work, todo, max(1, batch))):
        if isinstance(one.error, KilledBy):
            suspects += one.tag
        elif one.error is not None:
            summary.stopped_by = _why(one.error)
            return
        else:
            take(one)
    # Workers died with these. Which of them it was is seen when each has a process of its own, away from the worker's.
    summary.apart = len(suspects)
    for attempt in range(2):
        again: list[Source] = []
        for one in executor.run(calls(task.work_apart, suspects, 1), one_by_one=True):
            if isinstance(one.error, KilledBy):
                again += one.tag
            elif one.error is not None:
                summary.stopped_by = _why(one.error)
                return
            else:
                take(one)
        suspects = again
    for source in suspects:
        error = "the workers that worked on it died, even with nothing else to do; their logs may say why"
        told = {**source.to_dict(), "content": None, "status": "unreadable", "error": error, "did": "nothing", "written": 0}
        take(Ended([source], [{**told, "suggestions": 0, "candidates": 0}]))


def _why(error: BaseException) -> str:
    if isinstance(error, (task.Stop, ClusterError)):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _compact(executor: Executor, storage: Storage, parts: list[str], summary: Summary) -> None:
    calls = ((part, (compact.compact, (storage, part))) for part in parts)
    for one in executor.run(iter(calls)):
        if one.error is not None:
            summary.stopped_by = f"cannot compact partition {one.tag}: {_why(one.error)}"
            return
        summary.compacted += one.result


def _count(
    summary: Summary, sources: list[Source], index: Index, ended: set[str], there: _There, job: Job
) -> None:
    contents = set()
    for source in sources:
        row = index.rows.get(source.uri)
        if row is None or not (source.uri in ended or _is_done(row, source, there, job)):
            summary.left += 1
            continue
        if row["content"]:
            contents.add(row["content"])
        summary.suggestions += row["suggestions"] or 0
        summary.candidates += row["candidates"] or 0
        summary.nothing_found += row["status"] == "nothing_found"
        if row["status"] in ("failed", "unreadable"):
            summary.failed += 1
            summary.failures.append({"source": source.uri, "name": source.name, "error": row["error"]})
    summary.contents = len(contents)


def _version(options: Options) -> str:
    if options.engine != engine.NATIVE:
        return "test"
    import loopwright

    return loopwright.__version__


def _same_version(executor: Executor, job: Job) -> None:
    if job.engine != engine.NATIVE:
        return
    for worker, version in sorted(executor.versions().items()):
        if version != job.version:
            raise ClusterError(
                f"{worker} has loopwright {version}, and this is {job.version}: install the same on all of them"
            )


def _lister() -> Callable[[str], Any] | None:
    try:
        import loopwright
    except ImportError:
        return None
    return loopwright.list


def _models(settings: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Settings whose files have absolute paths, and the hashes of those files."""
    copied = {section: dict(keys) for section, keys in settings.items()}
    hashes: dict[str, str] = {}
    for section, name in (("rank", "model"), ("rank", "embedding_model"), ("rhythm", "beat_model")):
        value = copied.get(section, {}).get(name)
        if isinstance(value, str) and os.path.isfile(value):
            copied[section][name] = os.path.abspath(value)
            with open(value, "rb") as file:
                hashes[f"{section}.{name}"] = hashlib.sha256(file.read()).hexdigest()
    return copied, hashes
