"""Models and predictions by Python xgboost, for tests/xgboost.rs.

    python make.py            (writes *.json, *.ubj and cases.json here)

Made with xgboost 3.2.0, numpy 2.4.6, scikit-learn 1.9.1 on x86-64 Linux. Numbers are stored in cases.json as
the bytes of 32-bit floats in hexadecimal, so that nothing is lost on the way. `old.py` makes those of older versions.
"""
import json
import warnings
from pathlib import Path

import numpy as np
import xgboost as xgb

warnings.filterwarnings("ignore")
HERE = Path(__file__).parent
ROWS, TEST, WIDTH = 500, 100, 5
rng = np.random.default_rng(20)


def bits(a):
    return np.ascontiguousarray(a, dtype=np.float32).ravel().astype(">f4").tobytes().hex()


def data(missing, categories=False):
    x = rng.normal(size=(ROWS + TEST, WIDTH)).astype(np.float32)
    x[:, 1] = np.round(x[:, 1], 1)  # ties with thresholds
    if categories:
        x[:, 2] = rng.integers(0, 12, len(x))
        x[:, 3] = rng.integers(0, 40, len(x))
    z = x[:, 0] + np.sin(2 * x[:, 1]) + (x[:, 2] % 3 if categories else 0.5 * x[:, 2] ** 2)
    if missing:
        x[rng.random(x.shape) < 0.1] = np.nan
    return x, z


CASES = []


def case(name, params, rounds, y, missing=True, kinds=("json", "ubj"), sets=False, stop=False, **train):
    x, z = data(missing, categories=sets)
    label = y(z, x)
    types = ["float", "float", "c", "c", "float"] if sets else None
    names = [f"feature {i}" for i in range(WIDTH)]
    make = lambda part, **k: xgb.DMatrix(x[part], feature_names=names, feature_types=types, enable_categorical=sets, **k)
    common = dict(max_depth=3, eta=0.3, nthread=1, seed=7, **params)
    if "group" in train:
        group = train.pop("group")
        d = make(slice(0, ROWS), label=label[:ROWS], group=[group] * (ROWS // group))
    else:
        d = make(slice(0, ROWS), label=label[:ROWS])
    booster = xgb.train(common, d, rounds, **train)
    write(name, booster, x, make, kinds)


def write(name, booster, x, make, kinds, used=None, save=None):
    test = x[ROWS:].copy()
    if make is None:
        d = xgb.DMatrix(test)
    else:
        d = make(slice(ROWS, None))
    rng_ = (0, used) if used else (0, 0)
    margin = booster.predict(d, output_margin=True, iteration_range=rng_)
    predicted = booster.predict(d, iteration_range=rng_)
    for kind in kinds:
        (save or booster).save_model(HERE / f"{name}.{kind}")
    CASES.append(dict(name=name, kinds=list(kinds), rows=bits(test), margins=bits(margin), predictions=bits(predicted)))
    print(name, [(HERE / f"{name}.{k}").stat().st_size for k in kinds])


plain = lambda z, x: z
binary = lambda z, x: (z > 0.5).astype(int)
part = lambda z, x: 1 / (1 + np.exp(-z))
positive = lambda z, x: np.exp(0.5 * z)
counts = lambda z, x: np.floor(np.exp(0.5 * z)).clip(0, 20)
classes = lambda z, x: np.digitize(z, [0, 1]).astype(int)
grades = lambda z, x: np.clip(np.floor(2 * z + 2), 0, 5)

case("dense", dict(objective="reg:squarederror"), 12, plain, missing=False)
case("missing", dict(objective="reg:squarederror"), 12, plain)
case("exact", dict(objective="reg:squarederror", tree_method="exact", gamma=2.0), 6, plain)
case("onehot", dict(objective="reg:squarederror", max_cat_to_onehot=100), 8, plain, sets=True)
case("sets", dict(objective="reg:squarederror", max_cat_to_onehot=2), 8, plain, sets=True)
case("dart", dict(objective="reg:squarederror", booster="dart", rate_drop=0.4, one_drop=1), 10, plain)
case("dart_logistic", dict(objective="binary:logistic", booster="dart", rate_drop=0.4, normalize_type="forest"), 8, binary, kinds=("ubj",))
case("linear", dict(objective="reg:squarederror", booster="gblinear"), 10, plain)
case("linear_classes", dict(objective="multi:softprob", num_class=3, booster="gblinear"), 10, classes, kinds=("json",))
case("logistic", dict(objective="binary:logistic"), 10, binary)
case("logistic_base", dict(objective="binary:logistic", base_score=0.3), 6, binary, kinds=("json",))
case("logit", dict(objective="binary:logitraw"), 6, binary, kinds=("ubj",))
case("regression_logistic", dict(objective="reg:logistic"), 6, part, kinds=("ubj",))
case("poisson", dict(objective="count:poisson"), 8, counts)
case("gamma", dict(objective="reg:gamma"), 6, positive, kinds=("ubj",))
case("tweedie", dict(objective="reg:tweedie"), 6, positive, kinds=("ubj",))
case("hinge", dict(objective="binary:hinge"), 6, binary, kinds=("json",))
case("softprob", dict(objective="multi:softprob", num_class=3), 5, classes)
case("softmax", dict(objective="multi:softmax", num_class=3), 4, classes, kinds=("ubj",))
case("parallel", dict(objective="reg:squarederror", num_parallel_tree=3, subsample=0.7), 3, plain, kinds=("ubj",))
case("rank", dict(objective="rank:ndcg"), 8, grades, group=50)
case("quantiles", dict(objective="reg:quantileerror", quantile_alpha=[0.2, 0.8]), 4, plain, kinds=("json",))
case("absolute", dict(objective="reg:absoluteerror"), 4, plain, kinds=("ubj",))
case("huber", dict(objective="reg:pseudohubererror"), 4, plain, kinds=("ubj",))

# scikit-learn's class: it stops early, and uses the best trees only.
x, z = data(True)
noisy = z + rng.normal(size=len(z)) * 2
model = xgb.XGBRegressor(n_estimators=60, max_depth=3, learning_rate=0.5, early_stopping_rounds=5, random_state=7, n_jobs=1)
model.fit(x[:300], noisy[:300], eval_set=[(x[300:ROWS], noisy[300:ROWS])], verbose=False)
booster = model.get_booster()
assert model.best_iteration + 1 < booster.num_boosted_rounds()
write("stopped", booster, x, None, ("json", "ubj"), used=model.best_iteration + 1, save=model)
assert bits(model.predict(x[ROWS:])) == CASES[-1]["predictions"]
CASES[-1]["trees"] = [model.best_iteration + 1, booster.num_boosted_rounds()]

# What is refused.
x, z = data(False)
vector = xgb.train(dict(max_depth=2, multi_strategy="multi_output_tree", tree_method="hist", nthread=1),
                   xgb.DMatrix(x, label=np.stack([z, -z], 1)), 2)
vector.save_model(HERE / "vector.json")

(HERE / "cases.json").write_text(json.dumps(CASES, separators=(",", ":")))
