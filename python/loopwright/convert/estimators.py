"""Estimators of scikit-learn and XGBoost, as steps."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from .errors import ConvertError
from .scorer import Dense, Fill, Floats, ForestBuilder, Scale, Scorer, Step, at_most

FORESTS = ("RandomForestRegressor", "ExtraTreesRegressor", "RandomForestClassifier", "ExtraTreesClassifier")
TREES = ("DecisionTreeRegressor", "ExtraTreeRegressor", "DecisionTreeClassifier", "ExtraTreeClassifier")
BOOSTED = ("GradientBoostingRegressor", "GradientBoostingClassifier")
LINEAR = ("LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV", "LogisticRegression")
NETWORKS = ("MLPRegressor", "MLPClassifier")
XGBOOST = ("XGBRegressor", "XGBClassifier", "XGBRanker", "XGBRFRegressor", "XGBRFClassifier", "XGBModel", "Booster")
MANY = ("OneVsRestClassifier", "MultiOutputClassifier", "MultiOutputRegressor")
#: Where a model lies that was saved in a dict.
KEYS = ("model", "estimator", "pipeline", "regressor", "classifier", "booster", "clf")
NAMES = ("feature_names", "features", "feature_columns", "columns", "feature_cols")

CONVERTIBLE = "XGBoost's models, random forests, extra trees, gradient boosting, linear models, perceptrons, and pipelines of them"


def scorer(held: Any) -> Scorer:
    """Turns what a pickle held into steps.

    Raises:
        ConvertError: Such a thing is not converted.
    """
    columns: list[str] | None = None
    if isinstance(held, dict):
        names = next((held[k] for k in NAMES if isinstance(held.get(k), (list, tuple))), None)
        columns = None if names is None else [str(n) for n in names]
        inner = next((held[k] for k in KEYS if k in held), None)
        if inner is None:
            raise ConvertError(f"it holds a dict of {', '.join(map(str, held))}, and no model under {', '.join(KEYS)}")
        held = inner
    steps: list[Step] = []
    model = held
    if _kind(model) == "Pipeline":
        parts = [part for _, part in model.steps if part not in (None, "passthrough")]
        if not parts:
            raise ConvertError("it is a pipeline of nothing")
        for part in parts[:-1]:
            steps += _transform(part)
        model = parts[-1]
    kind = _kind(model)
    if kind in MANY:
        raise ConvertError(
            f"{kind} gives a word for each of several tags, and a score is one number. Tags are learnt anew by "
            "`loopwright train tags`: it measures what they are learnt from in its own way, so that trees that were learnt "
            "from librosa's numbers would not hold"
        )
    if kind in XGBOOST:
        found = _xgboost(model)
    elif kind in FORESTS or kind in TREES:
        found = _forest(model, kind)
    elif kind in BOOSTED:
        found = _boosted(model)
    elif kind in LINEAR:
        found = _linear(model, kind)
    elif kind in NETWORKS:
        found = _network(model, kind)
    else:
        raise ConvertError(f"it holds {type(model).__module__}.{type(model).__name__}; what is converted: {CONVERTIBLE}")
    if columns is None:
        for part in (held, model):
            names = getattr(part, "feature_names_in_", None)
            if columns is None and names is not None:
                columns = [str(n) for n in names]
    found.columns = columns or found.columns
    if found.columns is not None and len(found.columns) != found.width:
        raise ConvertError(f"it names {len(found.columns)} features, and reads {found.width}")
    found.steps = steps + found.steps
    if found.original is None:
        predict = held.predict_proba if found.output == "probability" else held.predict

        def original(rows: Floats) -> Any:
            scores = np.asarray(predict(rows))
            return scores[:, 1] if scores.ndim == 2 and scores.shape[1] == 2 else scores.reshape(-1)

        found.original = original
    return found


def _kind(model: Any) -> str:
    module = type(model).__module__
    return type(model).__name__ if module.startswith(("sklearn.", "xgboost.")) else ""


def _float(values: Any) -> Floats:
    return np.asarray(values, np.float64).reshape(-1).astype(np.float32)


def _transform(part: Any) -> list[Step]:
    kind = _kind(part)
    if kind in ("StandardScaler", "RobustScaler"):
        width = part.n_features_in_
        shift = part.mean_ if kind == "StandardScaler" else part.center_
        shift = np.zeros(width) if shift is None else shift
        scale = np.ones(width) if part.scale_ is None else part.scale_
        return [Scale(_float(shift), _float(scale))]
    if kind == "MaxAbsScaler":
        return [Scale(np.zeros(part.n_features_in_, np.float32), _float(part.scale_))]
    if kind == "MinMaxScaler" and not part.clip:
        return [Scale(_float(-part.min_ / part.scale_), _float(1 / part.scale_))]
    if kind == "SimpleImputer" and not part.add_indicator and _missing(part.missing_values):
        values = np.asarray(part.statistics_, np.float64)
        if np.isfinite(values).all():
            return [Fill(_float(values))]
    raise ConvertError(
        f"its pipeline has {type(part).__name__}, which is not converted; what is: StandardScaler, RobustScaler, MaxAbsScaler, "
        "MinMaxScaler without clip, SimpleImputer of NaN without indicators and without empty columns"
    )


def _missing(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _classes(model: Any) -> bool:
    """True for a classifier of two classes; other classifiers are an error."""
    classes = getattr(model, "classes_", None)
    if classes is None:
        return False
    if len(np.shape(classes)) != 1 or len(classes) != 2:
        raise ConvertError("it is a classifier of other than two classes, and a score is one number")
    return True


def _add(builder: ForestBuilder, tree: Any, value: Any) -> None:
    missing = getattr(tree, "missing_go_to_left", None)
    missing = np.zeros(tree.node_count, bool) if missing is None else np.asarray(missing, bool)
    builder.add(tree.children_left, tree.children_right, tree.feature, at_most(tree.threshold), missing, value)


def _forest(model: Any, kind: str) -> Scorer:
    probability = _classes(model)
    if model.n_outputs_ != 1:
        raise ConvertError(f"it gives {model.n_outputs_} numbers for a loop, and a score is one")
    trees = [model.tree_] if kind in TREES else [e.tree_ for e in model.estimators_]
    builder = ForestBuilder()
    for tree in trees:
        value = tree.value[:, 0, :]
        value = value[:, 1] / value.sum(axis=1) if probability else value[:, 0]
        _add(builder, tree, value / len(trees))
    output = "probability" if probability else "relative"
    return Scorer("forest", None, model.n_features_in_, [builder.finish()], output)


def _boosted(model: Any) -> Scorer:
    probability = _classes(model)
    width = model.n_features_in_
    if isinstance(model.init_, str) or _kind(model.init_) not in ("DummyRegressor", "DummyClassifier"):
        if model.init_ != "zero":
            raise ConvertError("its first guess is a model of its own, which is not converted")
        base = 0.0
    elif probability:
        share = float(np.clip(model.init_.class_prior_[1], 1e-15, 1 - 1e-15))
        base = math.log(share / (1 - share))
    else:
        base = float(np.asarray(model.init_.constant_).reshape(-1)[0])
    builder = ForestBuilder()
    for tree in (e.tree_ for e in model.estimators_[:, 0]):
        _add(builder, tree, tree.value[:, 0, 0] * model.learning_rate)
    output = "probability" if probability else "relative"
    return Scorer("forest", None, width, [builder.finish(base, sigmoid=probability)], output)


def _linear(model: Any, kind: str) -> Scorer:
    probability = kind == "LogisticRegression" and _classes(model)
    given = np.asarray(model.coef_, np.float64)
    if given.ndim == 2 and given.shape[0] != 1:
        raise ConvertError(f"it gives {given.shape[0]} numbers for a loop, and a score is one")
    weight = _float(given)[:, np.newaxis]
    bias = np.broadcast_to(_float(model.intercept_), (1,)).copy()
    output = "probability" if probability else "relative"
    return Scorer("linear", None, len(weight), [Dense(weight, bias, "sigmoid" if probability else None)], output)


def _network(model: Any, kind: str) -> Scorer:
    probability = kind == "MLPClassifier" and _classes(model)
    names = {"identity": None, "relu": "relu", "tanh": "tanh", "logistic": "sigmoid"}
    if model.out_activation_ not in ("identity", "logistic") or model.n_outputs_ != 1:
        raise ConvertError(f"it gives {model.n_outputs_} numbers for a loop, and a score is one")
    layers: list[Step] = []
    for i, (weight, bias) in enumerate(zip(model.coefs_, model.intercepts_)):
        last = i == len(model.coefs_) - 1
        activation = names[model.out_activation_ if last else model.activation]
        layers.append(Dense(np.asarray(weight, np.float32), _float(bias), activation))
    return Scorer("mlp", None, model.coefs_[0].shape[0], layers, "probability" if probability else "relative")


def _xgboost(model: Any) -> Scorer:
    booster = model if _kind(model) == "Booster" else model.get_booster()
    told = json.loads(bytes(booster.save_raw("json")))
    learner = told["learner"]
    objective = learner["objective"]["name"]
    logistic = objective in ("binary:logistic", "reg:logistic")
    native = 'loopwright reads XGBoost\'s own file: model.save_model("model.json")'
    plain = ("reg:squarederror", "reg:linear", "reg:pseudohubererror", "reg:absoluteerror", "binary:logitraw")
    if not logistic and objective not in plain and not objective.startswith("rank:"):
        raise ConvertError(f"its objective is {objective}, which is not converted; {native}")
    gradient = learner["gradient_booster"]
    weights: list[float] | None = None
    if gradient["name"] == "dart":
        weights, gradient = gradient["weight_drop"], gradient["gbtree"]
    elif gradient["name"] != "gbtree":
        raise ConvertError(f"its booster is {gradient['name']}, which is not converted; {native}")
    inner = gradient["model"]
    trees = inner["trees"]
    if int(learner["learner_model_param"].get("num_class", "0")) > 1 or any(inner["tree_info"]):
        raise ConvertError(f"it gives several numbers for a loop; {native}")
    best = learner.get("attributes", {}).get("best_iteration")
    notes: list[str] = []
    if best is not None and _kind(model) != "Booster":
        last = inner["iteration_indptr"][int(best) + 1]
        notes.append(f"used up to its best iteration: {last} of {len(trees)} trees")
        trees = trees[:last]
    builder = ForestBuilder()
    for i, tree in enumerate(trees):
        if any(int(kind) != 0 for kind in tree.get("split_type", [])):
            raise ConvertError(f"it splits by categories; {native}")
        if int(tree["tree_param"].get("size_leaf_vector", "1")) > 1:
            raise ConvertError("its leaves hold vectors, and a score is one number")
        conditions = np.asarray(tree["split_conditions"], np.float32)
        values = conditions if weights is None else conditions * np.float32(weights[i])
        missing = [bool(int(d)) for d in tree["default_left"]]
        left, right, feature = tree["left_children"], tree["right_children"], tree["split_indices"]
        builder.add(left, right, feature, conditions, missing, values)
    base = float(str(learner["learner_model_param"]["base_score"]).strip("[]").split(",")[0])
    if logistic:
        base = math.log(base / (1 - base))
    width = int(learner["learner_model_param"]["num_feature"])
    names = [str(n) for n in learner.get("feature_names") or []] or None
    if names is not None and all(n.strip("f").isdigit() for n in names):
        names = None
    found = Scorer("forest", names, width, [builder.finish(base, logistic)], "probability" if logistic else "relative", notes)
    if _kind(model) == "Booster":

        def original(rows: Floats) -> Any:
            import xgboost

            return booster.predict(xgboost.DMatrix(rows, feature_names=booster.feature_names))

        found.original = original
    return found
