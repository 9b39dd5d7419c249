#!/usr/bin/env python3
"""Writes ranking.json beside this script: rankings, with and without ties, and what scikit-learn measures of them.

    pip install scikit-learn
    python3 tests/reference/make_ranking.py

Each case has the scores and the weights of one track and `ndcg`: sklearn.metrics.ndcg_score for each K of `k` (linear gain;
ties averaged over their orders), `precision`: the share of weights of 0.5 and up among the first K of the untied ones, and
`platt`: slope and offset of an unpenalised logistic regression of "weight >= 0.5" on the score.
"""
import json
import platform
from pathlib import Path

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ndcg_score

HERE = Path(__file__).resolve().parent
K = [1, 3, 5, 10, 40]


def numbers(seed, n):
    """A generator of our own: numpy's may change."""
    state, out = seed, []
    for _ in range(n):
        state = (1103515245 * state + 12345) & 0x7FFFFFFF
        out.append(state / 2**31)
    return np.array(out)


cases = []
for case in range(8):
    n = [2, 7, 12, 30, 55, 30, 30, 90][case]
    weights = np.round(numbers(case + 1, n) ** 2, 3)
    scores = weights * 0.5 + numbers(case + 100, n)
    if case == 3:
        weights = (weights > 0.4).astype(float)
    if case in (2, 4, 6):
        scores = np.round(scores * 4) / 4  # ties
    if case == 5:
        scores[:] = 0.25  # nothing but ties
    scores = scores.astype(np.float32).astype(float)
    weights = weights.astype(np.float32).astype(float)
    one = {"scores": scores.tolist(), "weights": weights.tolist(), "ndcg": [], "precision": None}
    for k in K:
        one["ndcg"].append(float(ndcg_score([weights], [scores], k=k)))
    if len(set(scores)) == n:
        order = np.argsort(-scores)
        one["precision"] = [float((weights[order[:k]] >= 0.5).sum() / k) for k in K]
    good = weights >= 0.5
    if n >= 30 and case != 5:
        fit = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(scores[:, None], good)
        one["platt"] = [float(fit.coef_[0, 0]), float(fit.intercept_[0])]
    cases.append(one)

out = {
    "versions": {"python": platform.python_version(), "scikit-learn": sklearn.__version__, "numpy": np.__version__},
    "k": K,
    "cases": cases,
}
(HERE / "ranking.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
