"""Scores answers of `predict loops` with intervals, and one program against another on the same songs.

    python judge.py SET PRED [PRED2 ...] [--by style]

Mean over songs and the 95 % interval of a bootstrap over songs (2000 draws, seeded). A second file of answers is
compared song by song: the difference to the first and its interval. Answers count as in `docs/EVALUATION.md`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

MEASURES = ("P@1", "P@10", "phrase", "family")


def score(told: dict, loops: list[dict], top: int = 10, tolerance: float = 0.05) -> dict[str, float]:
    """P@1, P@10, phrase P@10 and family recall@10 of one song."""

    def found(among: list[dict], e: dict) -> list[dict]:
        return [t for t in among if t["bars"] == e["bars"] and abs(t["start"] - e["start"]) <= tolerance
                and abs(t["end"] - e["end"]) <= tolerance]  # fmt: skip

    families = {t["family"] for t in told["true_loops"]}
    hits = soft = phrase = first = 0
    got: set = set()
    for i, e in enumerate(loops[:top]):
        if hit := found(told["true_loops"], e):
            hits += 1
            first += i == 0
            phrase += any(t["phrase_aligned"] for t in hit)
            got |= {t["family"] for t in hit}
        elif found(told["soft_loops"], e):
            soft += 1
    of = max(1, top - soft)
    return {"P@1": float(first), "P@10": hits / of, "phrase": phrase / of, "family": len(got) / max(1, len(families))}


def rows(folder: Path, answers: Path) -> tuple[list[dict], np.ndarray]:
    """The songs that have true loops, and a row of measures for each."""
    items = json.loads((folder / "manifest.json").read_text())
    by_id = {a["id"]: a for a in map(json.loads, answers.read_text().splitlines())}
    kept, out = [], []
    for item in items:
        told = json.loads((folder / item["truth"]).read_text())
        if told["true_loops"]:
            kept.append(item)
            measured = score(told, by_id.get(item["id"], {}).get("loops", []))
            out.append([measured[m] for m in MEASURES])
    return kept, np.array(out)


def interval(values: np.ndarray, draws: int = 2000) -> np.ndarray:
    """2.5 and 97.5 % of the mean's bootstrap over songs, for each column."""
    rng = np.random.default_rng(1)
    means = values[rng.integers(0, len(values), (draws, len(values)))].mean(axis=1)
    return np.quantile(means, [0.025, 0.975], axis=0)


def line(name: str, values: np.ndarray) -> str:
    low, high = interval(values)
    cells = (f"{m} {v:+.3f} [{a:+.3f} {b:+.3f}]" if name == "  difference" else f"{m} {v:.3f} [{a:.3f} {b:.3f}]"
             for m, v, a, b in zip(MEASURES, values.mean(axis=0), low, high))  # fmt: skip
    return f"{name:24s} n={len(values):4d}  " + "  ".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path)
    parser.add_argument("answers", type=Path, nargs="+")
    parser.add_argument("--by", help="also by this entry of the manifest, such as style")
    options = parser.parse_args()
    first = None
    for path in options.answers:
        items, values = rows(options.set, path)
        print(line(path.stem, values))
        if options.by:
            for name in sorted({str(i.get(options.by)) for i in items}):
                at = [k for k, i in enumerate(items) if str(i.get(options.by)) == name]
                print(line(f"  {name}", values[at]))
        if first is None:
            first = values
        else:
            print(line("  difference", values - first))


if __name__ == "__main__":
    main()
