"""Fits the weights by which bars are told apart, and says how they do on sources left out.

    cargo run -p loopwright-core --example bar_traits -- SET --grid SET/true-grid.jsonl > SET/traits.jsonl
    python fit.py SET [SET ...] --out ../../core/src/loops/evidence/weights.rs

Two logistic regressions over the traits of single bars: no drums against drums, and pitch against none where drums
play. Each source of sound (a SoundFont, the synthesisers, another generator) counts alike, and within it both classes.
For the report each source in turn is left out of the fit and then judged.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

#: What each regression looks at. The others of the traits gain nothing on sources left out.
DRUMLESS = (
    "high_rise high_hits cover_99 cover_97 cover_90 jagged_hits jagged high_flat low_percussive high_percussive hats "
    "top_share level tonal"
).split()
PITCHED = (
    "high_rise low_hits cover_90 jagged_hits tonal low_steady steady tonal_usual low_steady_usual low_share high_floor"
).split()
#: Traits beyond this many deviations count no more; as in `evidence.rs`.
MOST = 4.0
RIDGE = 1e-3


@dataclass
class Bars:
    """Bars with traits and truth: 1, 0, or −1 where a question does not arise."""

    names: list[str]
    x: np.ndarray
    drumless: np.ndarray
    pitched: np.ndarray
    source: np.ndarray
    song: np.ndarray


def _truth(told: dict, start: float) -> tuple[int, int] | None:
    """Whether the bar that begins at `start` has no drums, and whether it is pitched."""
    if "bars" in told:
        bar = min(told["bars"], key=lambda b: abs(b["start"] - start))
        if abs(bar["start"] - start) > 0.02:
            return None
        hits = bar["kick"] + bar["snare"] + bar["hats"] + bar["perc"]
        notes = bar["pitched"] + bar["bass"]
        # One or two hits make neither; nor does a note that rings far into the bar.
        none = 1 if hits <= 1 else 0 if hits >= 3 else -1
        pitch = 1 if notes else 0 if bar["held"] < 0.25 else -1
        drums = hits - bar["hats"] > 2
    else:
        found = [s for s in told["sections"] if s["start"] - 0.01 <= start < s["end"] - 0.01]
        if not found:
            return None
        stems = set(found[0]["stems"])
        none = int(not stems & set("DH"))
        pitch = int(bool(stems - set("DH")))
        drums = "D" in stems
    return none, pitch if drums else -1


def read(sets: list[Path]) -> Bars:
    """All bars of some sets that have traits and a truth."""
    names: list[str] = []
    rows, none, pitch, source, song = [], [], [], [], []
    for folder in sets:
        items = {m["id"]: m for m in json.loads((folder / "manifest.json").read_text())}
        for line in (folder / "traits.jsonl").read_text().splitlines():
            one = json.loads(line)
            names = one["names"]
            item = items[one["id"]]
            told = json.loads((folder / item["truth"]).read_text())
            for bar in one["bars"]:
                truth = bar["traits"] and bar["regular"] and _truth(told, bar["start"])
                if truth:
                    rows.append(bar["traits"])
                    none.append(truth[0])
                    pitch.append(truth[1])
                    source.append(item.get("source", folder.name))
                    song.append(f"{folder.name}/{one['id']}")
    return Bars(names, np.array(rows), np.array(none), np.array(pitch), np.array(source), np.array(song))


def weights_of(y: np.ndarray, source: np.ndarray) -> np.ndarray:
    """One of each bar, such that every source counts alike, and in it every class."""
    w = np.zeros(len(y))
    for s in np.unique(source):
        for c in (0, 1):
            m = (source == s) & (y == c)
            w[m] = 1.0 / max(1, m.sum())
    return w / w.sum()


def regress(z: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Logistic regression by Newton's method; the bias comes last."""
    z = np.c_[z, np.ones(len(z))]
    b = np.zeros(z.shape[1])
    ridge = RIDGE * np.r_[np.ones(len(b) - 1), 0.0]
    for _ in range(30):
        p = 1.0 / (1.0 + np.exp(-np.clip(z @ b, -30, 30)))
        h = w * np.maximum(p * (1 - p), 1e-6)
        step = np.linalg.solve((z * h[:, None]).T @ z + np.diag(ridge + 1e-9), z.T @ (w * (p - y)) + ridge * b)
        b -= step
        if np.abs(step).max() < 1e-6:
            break
    return b


def area(y: np.ndarray, x: np.ndarray) -> float:
    """Area under the receiver operating characteristic."""
    rank = np.empty(len(x))
    rank[np.argsort(x, kind="stable")] = np.arange(1, len(x) + 1)
    n1 = int(y.sum())
    n0 = len(y) - n1
    return float((rank[y == 1].sum() - n1 * (n1 + 1) / 2) / max(1, n1 * n0))


def scaled(bars: Bars) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Usual values and deviations of the traits, whatever silence does to a logarithm, and the traits in their terms."""
    usual = np.clip(bars.x, *np.quantile(bars.x, (0.03, 0.97), axis=0))
    mean, scale = usual.mean(0), usual.std(0) + 1e-9
    return mean, scale, np.clip((bars.x - mean) / scale, -MOST, MOST)


def both(bars: Bars, z: np.ndarray, use: np.ndarray) -> dict[str, tuple[np.ndarray, float]]:
    """Weights of all traits (0 for those not looked at) and bias of both regressions, from the bars in `use`."""
    out = {}
    for what, y, chosen in (("drumless", bars.drumless, DRUMLESS), ("pitched", bars.pitched, PITCHED)):
        columns = [bars.names.index(n) for n in chosen]
        m = use & (y >= 0)
        b = regress(z[m][:, columns], y[m], weights_of(y[m], bars.source[m]))
        full = np.zeros(len(bars.names))
        full[columns] = b[:-1]
        out[what] = (full, float(b[-1]))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    bars = read(options.sets)
    mean, scale, z = scaled(bars)
    for what, y, chosen in (("drumless", bars.drumless, DRUMLESS), ("pitched", bars.pitched, PITCHED)):
        use = y >= 0
        zz, yy, source = z[use][:, [bars.names.index(n) for n in chosen]], y[use], bars.source[use]
        print(f"{what}: {len(yy)} bars, {yy.mean():.2f} of them 1")
        for s in np.unique(source):
            train, test = source != s, source == s
            b = regress(zz[train], yy[train], weights_of(yy[train], source[train]))
            p = zz[test] @ b[:-1] + b[-1]
            right = [float(((p > 0) == (yy[test] == 1))[yy[test] == c].mean()) for c in (0, 1)]
            print(f"  without {s}: area {area(yy[test], p):.3f}, right {right[0]:.3f} of 0, {right[1]:.3f} of 1")
    table = both(bars, z, np.ones(len(z), bool))
    if options.out:
        write(options.out, bars.names, mean, scale, table)


def write(path: Path, names: list[str], mean: np.ndarray, scale: np.ndarray, table: dict) -> None:
    """Puts the numbers into the Rust source, whose other lines stay."""
    text = path.read_text()
    head, rest = text.split("= [\n", 1)
    tail = rest.split("];\n", 1)[1]
    rows = "".join(
        f'    weigh("{n}", {m:.4f}, {s:.4f}, {d:.3f}, {p:.3f}),\n'
        for n, m, s, d, p in zip(names, mean, scale, table["drumless"][0], table["pitched"][0])
    )
    for what in table:
        key = f"{what.upper()}_BIAS: f32 = "
        before, after = tail.split(key)
        tail = before + key + f"{table[what][1]:.3f}" + after[after.index(";") :]
    path.write_text(head + "= [\n" + rows + "];\n" + tail)


if __name__ == "__main__":
    main()
