"""What a track costs: processor time, memory, bytes read and written, of whole processes (Linux).

    python python/benchmarks/cost.py TOOL FILE... [--rounds 3]

TOOL is the command line tool. Each FILE goes through `find`, `dataset` and the distributed run in one process; medians.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path


def measure(command: list[str]) -> dict[str, float]:
    """Runs a command and tells what the kernel counted."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # Waits without reaping, so that what was counted can still be read.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    io = dict(line.split(": ") for line in Path(f"/proc/{process.pid}/io").read_text().splitlines())
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "code": process.returncode,
        "cpu": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss / 1024,
        "read": int(io["rchar"]) / 1e6,
        "written": int(io["wchar"]) / 1e6,
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--what", default="", help="only what has one of these words in its name, with | between them")
    args = parser.parse_args()
    print("file\twhat\tCPU s (least to most)\tpeak MB\tread MB\twritten MB\ton disk MB\texit code")
    ours = [sys.executable, "-m", "loopwright.distributed", "--scheduler", "none", "-q"]
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "out"
        for file in args.files:
            kinds = {
                "(nothing)": [args.tool, "--version"],
                "find, dry run": [args.tool, "find", file, "--dry-run", "-q", "--jobs", "1"],
                "find, wav": [args.tool, "find", file, "--out", str(out), "-q", "--jobs", "1"],
                "find, flac": [args.tool, "find", file, "--out", str(out), "-q", "--jobs", "1", "--format", "flac"],
                "find, mp3": [args.tool, "find", file, "--out", str(out), "-q", "--jobs", "1", "--format", "mp3"],
                "dataset": [args.tool, "dataset", file, "--out", str(out / "d.parquet"), "--keep-unlabelled", "-q"],
                "distributed": [*ours, file, "--out", str(out)],
                "distributed, no features": [*ours, file, "--out", str(out), "--no-features"],
                "(Python alone)": [*ours, "--help"],
            }
            for what, command in kinds.items():
                if not any(word in what for word in args.what.split("|")):
                    continue
                got = []
                size = 0
                for _ in range(args.rounds):
                    shutil.rmtree(out, ignore_errors=True)
                    out.mkdir()
                    got.append(measure(command))
                    size = sum(p.stat().st_size for p in out.rglob("*") if p.is_file())
                cpu = sorted(g["cpu"] for g in got)
                middle = {k: statistics.median(g[k] for g in got) for k in got[0]}
                print(
                    f"{Path(file).name}\t{what}\t{statistics.median(cpu):.2f} ({cpu[0]:.2f} to {cpu[-1]:.2f})\t{middle['peak']:.0f}"
                    f"\t{middle['read']:.2f}\t{middle['written']:.2f}\t{size / 1e6:.2f}\t{middle['code']:.0f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
