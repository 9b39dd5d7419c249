"""Models by an older xgboost, as make.py: writes old_VERSION_*.json/.ubj and the cases of old_cases.json.

    PYTHONPATH=folder-with-xgboost-1.7.6 python old.py        (and again with 2.1.4)

Made with xgboost 1.7.6 and 2.1.4, numpy 2.4.6 on x86-64 Linux: base scores as one number for all outputs, no rounds in 1.7,
and the fixed base score of 0.5 that 1.7 begins with.
"""
import json
import warnings
from pathlib import Path

import numpy as np

for old in ("bool", "int", "float"):
    if not hasattr(np, old):
        setattr(np, old, __builtins__.__dict__[old])
import xgboost as xgb

warnings.filterwarnings("ignore")
HERE = Path(__file__).parent
tag = "old_" + "_".join(xgb.__version__.split(".")[:2])
rng = np.random.default_rng(4)
bits = lambda a: np.ascontiguousarray(a, dtype=np.float32).ravel().astype(">f4").tobytes().hex()
path = HERE / "old_cases.json"
cases = [c for c in (json.loads(path.read_text()) if path.exists() else []) if not c["name"].startswith(tag)]

x = rng.normal(size=(500, 5)).astype(np.float32)
x[:, 2] = rng.integers(0, 12, len(x))
z = x[:, 0] + x[:, 2] % 3 + np.sin(2 * x[:, 1])
x[rng.random(x.shape) < 0.1] = np.nan
for name, params, y, kinds in [
    ("missing", dict(objective="reg:squarederror"), z, ("json", "ubj")),
    ("logistic", dict(objective="binary:logistic"), (z > 1).astype(int), ("json",)),
    ("poisson", dict(objective="count:poisson"), np.floor(np.exp(0.4 * z)), ("ubj",)),
    ("softprob", dict(objective="multi:softprob", num_class=3), np.digitize(z, [0, 2]), ("json",)),
    ("dart", dict(objective="reg:squarederror", booster="dart", rate_drop=0.4, one_drop=1), z, ("json",)),
    ("linear", dict(objective="multi:softprob", num_class=3, booster="gblinear"), np.digitize(z, [0, 2]), ("json",)),
    ("sets", dict(objective="reg:squarederror", tree_method="hist", max_cat_to_onehot=2), z, ("ubj",)),
]:
    types = ["float", "float", "c" if name == "sets" else "float", "float", "float"]
    make = lambda part, **k: xgb.DMatrix(x[part], feature_types=types, enable_categorical=name == "sets", **k)
    params = dict(max_depth=3, eta=0.3, nthread=1, seed=7, **params)
    booster = xgb.train(params, make(slice(0, 400), label=y[:400]), 5)
    test = make(slice(400, 500))
    for kind in kinds:
        booster.save_model(HERE / f"{tag}_{name}.{kind}")
    cases.append(dict(name=f"{tag}_{name}", kinds=list(kinds), rows=bits(x[400:]),
                      margins=bits(booster.predict(test, output_margin=True)), predictions=bits(booster.predict(test))))
path.write_text(json.dumps(cases, separators=(",", ":")))
print(xgb.__version__, len(cases))
