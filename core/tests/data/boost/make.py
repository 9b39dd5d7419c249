#!/usr/bin/env python3
"""Writes predictions.json beside this script: what Python's xgboost predicts with the models that our trainer wrote.

    UPDATE_GOLDEN=1 cargo test -p loopwright-core --lib learn::boost::tests::python   # rank.json, regression.json, rows.json
    pip install xgboost
    python3 core/tests/data/boost/make.py
"""
import json
import platform
from pathlib import Path

import numpy as np
import xgboost

HERE = Path(__file__).resolve().parent
rows = json.loads((HERE / "rows.json").read_text())
x = np.array([[np.nan if v is None else v for v in row] for row in rows["rows"]], dtype=np.float32)
out = {"versions": {"python": platform.python_version(), "xgboost": xgboost.__version__}}
for name in ("rank", "regression"):
    model = xgboost.Booster(model_file=str(HERE / f"{name}.json"))
    assert model.feature_names == rows["columns"]
    out[name] = [float(v) for v in model.predict(xgboost.DMatrix(x, feature_names=rows["columns"]))]
(HERE / "predictions.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
