"""Who does the work: this process, worker processes of this machine, or a Dask cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

#: What is to be done: a function of the module ``task`` or ``compact``, and its arguments.
Call = tuple[Callable[..., Any], tuple[Any, ...]]
#: How many tasks a thread of a worker has at hand: one under way, one next, one for the time that an answer takes.
AHEAD = 3
#: How often we ask how many workers there are, in seconds.
ASK = 5.0


class ClusterError(Exception):
    """No cluster to work on. The message says what to do."""


class KilledBy(Exception):
    """A task whose workers died, one after the other."""


@dataclass
class Ended:
    """A call that came to its end: what it gave, or why not."""

    tag: Any
    result: Any = None
    error: BaseException | None = None


class Executor(Protocol):
    """Runs calls, in any order."""

    def run(self, calls: Iterator[tuple[Any, Call]], one_by_one: bool = False) -> Iterator[Ended]:
        """Gives each call's end as it comes. ``calls`` are pairs of a tag and a call, and are asked for as there is room.

        Where ``one_by_one``, only one is under way at a time.
        """

    def versions(self) -> dict[str, str]:
        """The version of loopwright of each worker."""


class Here:
    """This process, one call after the other."""

    def run(self, calls: Iterator[tuple[Any, Call]], one_by_one: bool = False) -> Iterator[Ended]:
        for tag, (function, arguments) in calls:
            try:
                yield Ended(tag, function(*arguments))
            except Exception as error:
                yield Ended(tag, error=error)

    def versions(self) -> dict[str, str]:
        return {}


class Cluster:
    """A Dask cluster."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._threads = 1
        self._asked = -ASK
        self._count = 0

    def _room(self, one_by_one: bool) -> int:
        if one_by_one:
            return 1
        now = time.monotonic()
        if now - self._asked >= ASK:
            self._asked = now
            self._threads = sum(self._client.nthreads().values())
        return max(2, AHEAD * self._threads)

    def run(self, calls: Iterator[tuple[Any, Call]], one_by_one: bool = False) -> Iterator[Ended]:
        from distributed import as_completed

        tags: dict[str, Any] = {}
        under_way: set[Any] = set()
        waiting = as_completed(loop=self._client.loop, with_results=True, raise_errors=False)

        def fill() -> None:
            while len(under_way) < self._room(one_by_one):
                call = next(calls, None)
                if call is None:
                    return
                tag, (function, arguments) = call
                self._count += 1
                # A key of its own: Dask must not take two tracks for one task, nor keep what it gave.
                key = f"loopwright-{function.__name__}-{self._client.id}-{self._count}"
                future = self._client.submit(function, *arguments, key=key, pure=False)
                tags[key] = tag
                under_way.add(future)
                waiting.add(future)

        try:
            fill()
            while under_way:
                for future, result in waiting.next_batch(block=True):
                    under_way.discard(future)
                    yield self._ended(tags.pop(future.key), future, result)
                    # Let go, so that the cluster forgets it.
                    del future
                fill()
        finally:
            if under_way:
                self._client.cancel(list(under_way), force=True)

    @staticmethod
    def _ended(tag: Any, future: Any, result: Any) -> Ended:
        from distributed import CancelledError, KilledWorker

        # No call gives None. It stands for what was lost with a worker between the task's end and our asking: then the task
        # is done again, and we wait for that. What has failed raises here.
        if future.status == "finished" and result is not None:
            return Ended(tag, result)
        try:
            return Ended(tag, future.result())
        except CancelledError:
            return Ended(tag, error=ClusterError("the cluster gave a task up: did the scheduler end?"))
        except KilledWorker as error:
            return Ended(tag, error=KilledBy(str(error)))
        except Exception as error:
            return Ended(tag, error=error)

    def versions(self) -> dict[str, str]:
        told: dict[str, str] = self._client.run(_version)
        return told


def _version() -> str:
    try:
        import loopwright
    except ImportError as error:
        return f"none ({error})"
    return loopwright.__version__


@contextmanager
def open_cluster(address: str, wait: float) -> Iterator[Executor]:
    """The executor of an address: ``none``, ``local``, ``local:4``, ``tcp://host:8786``, or a scheduler file.

    Args:
        address: As above.
        wait: How long the first worker may take to come, in seconds.

    Raises:
        ClusterError: There is none.
        ValueError: Not an address.
    """
    if address == "none":
        yield Here()
        return
    try:
        import dask
        import distributed
    except ImportError as error:
        raise ClusterError(f"{error}: install it: pip install 'loopwright[distributed]'") from None
    if address == "local" or address.startswith("local:"):
        number = address.partition(":")[2]
        if number and (not number.isdigit() or int(number) < 1):
            raise ValueError(f"--scheduler {address}: local:N has N worker processes, N from 1")
        settings = {
            # Who ends a worker is suspected after two deaths, and then worked on apart.
            "distributed.scheduler.allowed-failures": 1,
            # No part of the work is in Dask's hands that could fill its memory.
            "distributed.worker.memory.terminate": False,
            "distributed.worker.memory.pause": False,
            "distributed.worker.memory.spill": False,
            "distributed.worker.memory.target": False,
        }
        with (
            dask.config.set(settings),
            distributed.LocalCluster(
                n_workers=int(number) if number else None,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                silence_logs=50,
            ) as cluster,
            distributed.Client(cluster, set_as_default=False) as client,
        ):
            _await(client, wait, address)
            yield Cluster(client)
        return
    try:
        # What is no address is the path of a file that `dask scheduler --scheduler-file` wrote.
        where = {"address": address} if "://" in address or ":" in address else {"scheduler_file": address}
        client = distributed.Client(**where, timeout=wait, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(f"{address}: no scheduler answers ({error}); start one with: dask scheduler") from None
    with client:
        _await(client, wait, address)
        yield Cluster(client)


def _await(client: Any, wait: float, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=wait)
    except TimeoutError:
        raise ClusterError(
            f"{address}: no worker came in {wait:.0f} s; start some with: dask worker {address} --nthreads 1"
        ) from None
