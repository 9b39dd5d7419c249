"""Engines for the tests of the distributed run: the real one, watched, and one that needs no audio.

Workers import this module, so what tests tell them goes by the environment:

* ``STANDIN_LOG``: a file that gets a line as each recording is begun and ended: ``begin|end CONTENT PID``.
* ``STANDIN_ONCE``: a folder; the first worker that makes the file ``killed`` in it dies, once, before its third recording.
* ``STANDIN_POISON``: a recording that holds these bytes kills whoever works on it, always.
* ``STANDIN_SLOW``: seconds to wait with each.
"""

from __future__ import annotations

import os
import signal
import sys
import time

import numpy as np

from loopwright._distributed import engine

_begun = 0


def _log(what: str, name: str) -> None:
    path = os.environ.get("STANDIN_LOG")
    if path:
        # One write to a file opened for appending is never mixed with another.
        with open(path, "ab", buffering=0) as file:
            file.write(f"{what} {name} {os.getpid()}\n".encode())


def _die_once() -> None:
    folder = os.environ.get("STANDIN_ONCE")
    if folder and _begun == 3:
        try:
            os.close(os.open(os.path.join(folder, "killed"), os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)


def _watched(work: engine.Engine) -> engine.Engine:
    def watched(content: bytes, name: str, settings: dict, features: bool) -> engine.Worked:
        global _begun
        _begun += 1
        _log("begin", name)
        _die_once()
        poison = os.environ.get("STANDIN_POISON")
        if poison and poison.encode() in content:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(float(os.environ.get("STANDIN_SLOW", "0")))
        worked = work(content, name, settings, features)
        _log("end", name)
        return worked

    return watched


def _nothing(content: bytes, name: str, settings: dict, features: bool) -> engine.Worked:
    if content.startswith(b"bad"):
        raise engine.BadTrack("it is no audio")
    table = np.zeros(2, dtype=[("start_time", "f8"), ("end_time", "f8"), ("bars", "u4")])
    values = np.array([[len(content), np.nan], [2, 3]], dtype=np.float32)
    return engine.Worked(
        facts={"seconds": float(len(content))},
        suggestions=[{"number": 1, "score": len(content) / 1000, "bars": 4}],
        features=(["one", "two"], values, table) if features else None,
    )


native = _watched(engine.native)
plain = _watched(_nothing)


if __name__ == "__main__":
    from loopwright.distributed import Options, report

    out, scheduler, *inputs = sys.argv[1:]
    code = report(Options(inputs, out, scheduler, engine="standin:plain"), as_json=True)
    sys.stdout.flush()
    os._exit(code)
