"""CPU time of ``loopwright.analyze`` in Python against ``loopwright analyze``: ``cpu.py TOOL FILE [ROUNDS]``.

Each run is a process of its own, the two kinds by turns; user and system time of the child, with the start of the
interpreter and of NumPy, and without it (a child that only imports). Extension and tool should be of one build.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys


def seconds(command: list[str]) -> float:
    """User and system time of a child."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measures and prints."""
    tool, file = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 9
    kinds = {
        "loopwright analyze --json": [tool, "--quiet", "analyze", "--json", file],
        "loopwright.analyze": [sys.executable, "-c", f"import loopwright; loopwright.analyze({file!r})"],
        "import loopwright": [sys.executable, "-c", "import loopwright"],
    }
    times: dict[str, list[float]] = {name: [] for name in kinds}
    for command in kinds.values():
        seconds(command)
    for _ in range(rounds):
        for name, command in kinds.items():
            times[name].append(seconds(command))
    for name, all_ in times.items():
        print(f"{name:<28} median {statistics.median(all_):.3f} s, least {min(all_):.3f} s, of {rounds}")
    cli, whole, start = (statistics.median(times[name]) for name in kinds)
    print(f"analyze / command line: {(whole - start) / cli:.3f} without the interpreter's start, {whole / cli:.3f} with it")


if __name__ == "__main__":
    main()
