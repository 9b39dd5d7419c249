"""Other learners on what `train tags` learns from: `compare.py features.csv`, made by the example `tag_features`.

Five folds, one model a tag; mean over tags of average precision and of Brier score over that of the tag's share. numpy,
scikit-learn, xgboost.
"""
import csv
import sys

import numpy as np
import xgboost
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss
from sklearn.model_selection import KFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

LIMITS = {"tempo": [95, 130], "percussive": [0.55], "density": [2, 4], "phrase": [0.30]}

with open(sys.argv[1], newline="") as f:
    rows = list(csv.DictReader(f))
columns = [c for c in rows[0] if c != "name" and not c.startswith("measure_")]
x = np.array([[float(r[c]) for c in columns] for r in rows])
x = np.where(np.isnan(x), np.nanmedian(x, axis=0), x)
labels = {}
genre = np.array([r["name"].split("_")[0] for r in rows])
for g in sorted(set(genre)):
    labels[f"genre {g}"] = genre == g
for family, limits in LIMITS.items():
    kind = np.searchsorted(limits, [float(r[f"measure_{family}"]) for r in rows], side="right")
    for k in range(len(limits) + 1):
        if (kind == k).sum() >= 10:
            labels[f"audio {family} {k}"] = kind == k
learners = {
    "logistic, l2 10": lambda: make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)),
    "logistic, l2 1": lambda: make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=2000)),
    "network, 16": lambda: make_pipeline(
        StandardScaler(), MLPClassifier((16,), alpha=1.0, max_iter=200, learning_rate_init=5e-3, random_state=0)
    ),
    "boosted trees": lambda: xgboost.XGBClassifier(n_estimators=100, max_depth=3, learning_rate=0.1, subsample=0.8, n_jobs=2),
    "random forest": lambda: RandomForestClassifier(300, n_jobs=2, random_state=0),
}
for name, make in learners.items():
    ap, brier = {"genre": [], "audio": []}, {"genre": [], "audio": []}
    for label, y in labels.items():
        p = np.zeros(len(y))
        for train, test in KFold(5, shuffle=True, random_state=0).split(x):
            p[test] = make().fit(x[train], y[train]).predict_proba(x[test])[:, 1]
        kind = label.split()[0]
        ap[kind].append(average_precision_score(y, p))
        brier[kind].append(brier_score_loss(y, p) / (y.mean() * (1 - y.mean())))
    print(f"{name:16}", *(f"{k}: AP {np.mean(ap[k]):.3f} Brier {np.mean(brier[k]):.3f} " for k in ap), flush=True)
