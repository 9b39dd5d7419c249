"""Loops and features of many tracks, on many machines: ``python -m loopwright.distributed``.

Tracks are shared out over a Dask cluster. What is found becomes a dataset of Parquet, a file a track, named after the
track's content, so that a run does only what is missing, whoever died in the one before. See ``docs/FORMATS.md`` for the
dataset and ``docs/SCALE.md`` for what it costs.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ._distributed.cluster import ClusterError
from ._distributed.dataset import DatasetError
from ._distributed.driver import Options, Summary, run
from ._distributed.inputs import EXTENSIONS
from ._distributed.progress import plain

__all__ = ["Options", "Summary", "main", "run"]

_EXAMPLES = """\
Examples:
  python -m loopwright.distributed --scheduler local ~/Music --out dataset
      All tracks beneath a folder, by a worker process a processor of this machine.
  python -m loopwright.distributed --scheduler tcp://head:8786 /nfs/music --out /nfs/dataset
      By the workers of a Dask cluster; they must see both folders.
  python -m loopwright.distributed --scheduler tcp://head:8786 s3://bucket/music --out s3://bucket/dataset --compact
      From a bucket into a bucket; in the end one file a partition. s3:// needs the package s3fs; keys come from the
      environment of the workers.
  python -m loopwright.distributed --scheduler none song.flac --out dataset --top 20 --bars 4,8
      In this process, without Dask.

A cluster: `dask scheduler` on one machine, and on each of the others `dask worker tcp://head:8786 --nworkers auto
--nthreads 1`. Work lets other threads of a process go on, so --nthreads 8 with one process does as much and loads the
models once, but what ends a worker then ends eight tracks.

A run that was stopped, killed or lost its workers is taken up by the same command: what is there is not done again.
A track that ends the process that works on it is worked on apart, and named if it does so again.

Exit codes: 0 done, 1 some tracks failed, 2 wrong usage, 3 reading, writing or set-up failed, 4 nothing found,
130 interrupted."""


class _Usage(Exception):
    """A wrong argument."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m loopwright.distributed",
        description="Finds the loops of many tracks on many machines and writes them, and the features of all candidates, "
        "as a dataset of Parquet.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("inputs", nargs="*", metavar="INPUT", help="audio files, folders, addresses of stores")
    parser.add_argument("-o", "--out", metavar="URI", required=True, help="dataset to write: a folder, or s3://…")
    parser.add_argument(
        "--scheduler",
        metavar="ADDR",
        default="local",
        help="tcp://host:8786 or tls://…; a scheduler file; local or local:N for N worker processes of this machine; "
        "none for this process [default: local]",
    )
    parser.add_argument("--top", type=int, metavar="N", help="loops a track, 0 for all [default: 5]")
    parser.add_argument("--bars", metavar="N,…", help="lengths in bars [default: 1,2,4,8,16]")
    parser.add_argument("--model", metavar="NAME|FILE", help="what scores the loops; workers must see the file")
    parser.add_argument("--config", metavar="FILE", help="settings: a loopwright.toml, read here and sent to the workers")
    parser.add_argument(
        "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", dest="said", help="one setting, value as JSON"
    )
    parser.add_argument(
        "--features",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="write the features of every candidate [default: yes]",
    )
    parser.add_argument("--batch", type=int, default=1, metavar="N", help="tracks a task; more for very short ones [default: 1]")
    parser.add_argument("--retry-failed", action="store_true", help="do again what failed in an earlier run")
    parser.add_argument(
        "--compact", action="store_true", help="in the end put suggestions and tracks together, one file a partition"
    )
    parser.add_argument("--wait", type=float, default=60.0, metavar="S", help="how long the first worker may take to come")
    parser.add_argument("--json", action="store_true", help="failures and a summary as JSON lines on standard output")
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
    return parser


def _settings(args: argparse.Namespace) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if args.config is not None:
        try:
            import tomllib
        except ImportError:
            raise _Usage("--config needs Python 3.11 or later; say the settings with --set") from None
        try:
            with open(args.config, "rb") as file:
                settings = tomllib.load(file)
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise _Usage(f"{args.config}: {error}") from None
    for said in args.said:
        name, sign, value = said.partition("=")
        section, dot, key = name.partition(".")
        if not sign or not dot or not section or not key:
            raise _Usage(f"--set {said}: say SECTION.KEY=VALUE, such as rhythm.bpm=174")
        try:
            parsed = json.loads(value)
        except ValueError:
            parsed = value
        settings.setdefault(section, {})[key] = parsed
    if args.top is not None:
        if args.top < 0:
            raise _Usage(f"--top {args.top}: from 0")
        settings.setdefault("rank", {})["top_k"] = args.top
    if args.model is not None:
        settings.setdefault("rank", {})["model"] = args.model
    if args.bars is not None:
        try:
            settings.setdefault("loops", {})["bars"] = [int(b) for b in args.bars.split(",")]
        except ValueError:
            raise _Usage(f"--bars {args.bars}: numbers with commas between them, such as 4,8") from None
    return settings


def _check(settings: dict[str, Any]) -> None:
    """Tries the settings on a second of silence, so that a wrong one is told before anything begins."""
    import numpy as np

    import loopwright

    try:
        loopwright.find(np.zeros((1, 44100), dtype=np.float32), 44100, config=settings)
    except (loopwright.SettingsError, loopwright.ModelError) as error:
        raise _Usage(str(error)) from None


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; gives its exit code."""
    args = _parser().parse_args(arguments)
    try:
        if not args.inputs:
            raise _Usage("name at least one INPUT")
        if args.batch < 1:
            raise _Usage(f"--batch {args.batch}: from 1")
        settings = _settings(args)
        _check(settings)
    except _Usage as error:
        print(f"loopwright: {plain(str(error))}", file=sys.stderr)
        return 2
    options = Options(
        inputs=args.inputs,
        out=args.out,
        scheduler=args.scheduler,
        settings=settings,
        features=args.features,
        batch=args.batch,
        retry_failed=args.retry_failed,
        compact=args.compact,
        wait=args.wait,
        quiet=args.quiet,
    )
    return report(options, args.json)


def report(options: Options, as_json: bool) -> int:
    """Runs, says what became of it, and gives the exit code."""
    # A request to end is treated as Ctrl-C: what is done is written down.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        summary = run(options)
    except (DatasetError, ValueError) as error:
        print(f"loopwright: {plain(str(error))}", file=sys.stderr)
        return 2
    except (ClusterError, OSError) as error:
        print(f"loopwright: {plain(str(error))}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130
    if summary.tracks == 0:
        print(
            "loopwright: no audio files there. Folders are searched for: " + " ".join(sorted(EXTENSIONS)), file=sys.stderr
        )
    if summary.stopped_by is not None:
        print(f"loopwright: stopped: {plain(summary.stopped_by)}", file=sys.stderr)
    if as_json:
        told = asdict(summary)
        for failure in told.pop("failures"):
            print(json.dumps({"schema": 1, "type": "failure", **failure}))
        print(json.dumps({"schema": 1, "type": "summary", **told}))
    if not options.quiet and summary.tracks:
        print(_text(summary, options.out), file=sys.stderr if as_json else sys.stdout)
    sys.stdout.flush()
    return summary.exit_code()


def _text(summary: Summary, out: str) -> str:
    parts = [
        f"{summary.tracks} tracks, {summary.contents} of different content: {summary.worked} worked on, "
        f"{summary.skipped} there already, {summary.nothing_found} without loops, {summary.failed} failed",
        f"{summary.suggestions} loops, {summary.candidates} candidates in {plain(out)}",
        f"{summary.wall_seconds:.1f} s with {summary.workers} workers, {summary.cpu_seconds:.1f} s of processor time",
    ]
    if summary.left:
        parts.append(f"{summary.left} not come to; the same command goes on")
    for failure in summary.failures[:20]:
        parts.append(f"  failed: {plain(failure['name'])}: {plain(failure['error'] or '')}")
    if len(summary.failures) > 20:
        parts.append(f"  and {len(summary.failures) - 20} more; the table of sources has them all")
    return "\n".join(parts)


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # Threads of the cluster's client may still wait for something that does not come.
    os._exit(code)
