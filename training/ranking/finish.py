"""Finishes the shipped ranker's `features.json`: what its scores mean, and the probability that stands for a score.

    python finish.py DIR --train TRAIN=train

Trees that tell a weight between 0 and 1 are saved as XGBoost's `reg:squarederror`, of which nothing says so: `output` becomes
"probability", so that the order by variety multiplies scores as it does the heuristic's. And since the weights that were
learnt hold a share of the heuristic's score, the trainer's calibration is to them: it is fitted anew, by logistic regression
(Platt 1999), to whether a loop is true, on the tracks of `split.json` that were not learnt from.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from explore import SOUND, load


def platt(score: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Slope and offset of the log odds, by Newton's method."""
    x = np.stack([score, np.ones_like(score)], axis=1)
    w = np.zeros(2)
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-(x @ w)))
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + 1e-9 * np.eye(2), x.T @ (true - p))
        w += step
        if np.abs(step).max() < 1e-9:
            break
    return float(w[0]), float(w[1])


def main() -> None:
    import xgboost

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=Path)
    parser.add_argument("--train", required=True, help="SET=FEATURES, as for explore.py")
    options = parser.parse_args()
    folder, name = options.train.split("=")
    songs = load(Path(folder), name)
    parts = json.loads((options.dir / "split.json").read_text(encoding="utf-8"))
    unseen = set(parts["valid"]) | set(parts["test"])
    model = xgboost.Booster(model_file=options.dir / "ranker.json")
    use = [songs.columns.index(c) for c in model.feature_names]
    assert not SOUND & set(model.feature_names)
    scores, labels = [], []
    for item, x, y in zip(songs.items, songs.x, songs.y):
        if item["id"] in unseen:
            kept = np.isfinite(y)
            matrix = xgboost.DMatrix(x[kept][:, use], feature_names=model.feature_names)
            scores.append(np.asarray(model.predict(matrix), dtype=np.float64))
            labels.append((y[kept] > 0).astype(np.float64))
    slope, offset = platt(np.concatenate(scores), np.concatenate(labels))
    path = options.dir / "features.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    told["output"] = "probability"
    told["calibration"] = {"slope": slope, "offset": offset}
    part = path.with_suffix(".part")
    part.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    part.replace(path)
    p = 1 / (1 + np.exp(-(slope * np.concatenate(scores) + offset)))
    true = np.concatenate(labels)
    print(f"{len(scores)} tracks, {len(true)} loops: slope {slope:.4f}, offset {offset:.4f}")
    for low in np.arange(0, 1, 0.2):
        at = (p >= low) & (p < low + 0.2 + 1e-9)
        if at.any():
            print(f"  said {p[at].mean():.3f}  true {true[at].mean():.3f}  n={at.sum()}")


if __name__ == "__main__":
    main()
