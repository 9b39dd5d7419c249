"""Checkpoints of PyTorch: the perceptron of the Python pipeline, with its scaler and its list of features.

A checkpoint is a dict of a state dict, mean and deviation of each column, and the columns' names, under any of the names
that such things usually have; or a state dict alone. The layers are what the weights say: linear ones, with rectified
linear units between them (dropout does nothing outside training).
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from .errors import ConvertError, NeedsPackage, NotTrusted
from .scorer import Dense, Fill, Floats, Scale, Scorer, Step

#: Where things are looked for in a checkpoint, in this order.
STATES = ("model_state_dict", "state_dict", "model_state", "model", "net", "weights", "model_state_dict_best")
SCALERS = ("scaler", "scaler_state", "scaler_state_dict", "normalizer", "standardizer", "norm")
MEANS = ("mean", "mean_", "means", "mu", "scaler_mean", "feature_mean", "feature_means", "x_mean", "feat_mean")
DEVIATIONS = (
    *("std", "scale_", "scale", "stds", "sigma", "std_", "scaler_std", "scaler_scale", "feature_std", "feature_stds"),
    *("x_std", "feat_std"),
)
COLUMNS = (
    *("feature_names", "features", "feature_columns", "feature_cols", "feature_list", "columns", "feat_cols", "cols"),
    "input_columns",
)


def read(path: Path, trust: bool) -> Scorer:
    """Reads a checkpoint.

    Raises:
        ConvertError: It holds something else, or parts of it are missing.
        NotTrusted: It holds more than data, and ``trust`` is not given.
    """
    try:
        import torch
    except ImportError:
        raise NeedsPackage("torch") from None
    if zipfile.is_zipfile(path) and any(n.endswith("/constants.pkl") for n in zipfile.ZipFile(path).namelist()):
        raise ConvertError(
            "it is a TorchScript program, not a checkpoint: save the network's state_dict() with its scaler and features"
        )
    # Arrays of NumPy are data too.
    multiarray = getattr(np, "_core", None) or np.core
    plain = [np.ndarray, np.dtype, multiarray.multiarray._reconstruct, multiarray.multiarray.scalar]
    plain += [type(np.dtype(kind)) for kind in ("float32", "float64", "int32", "int64", "bool")]
    try:
        with torch.serialization.safe_globals(plain):
            held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as e:
        if not trust:
            raise NotTrusted(_named(str(e))) from None
        try:
            held = torch.load(path, map_location="cpu", weights_only=False)
        except Exception as e:
            raise ConvertError(f"PyTorch cannot load it: {e}") from None
    return _scorer(held, torch)


def _named(error: str) -> str:
    """What the loader's error says the file holds."""
    found = re.search(r"(?:GLOBAL|class|Unsupported global:?)\s+([\w.]+\.[\w.]+)", error)
    return found.group(1) if found else (error.strip().splitlines() or ["unknown"])[0][:200]


def _scorer(held: Any, torch: Any) -> Scorer:
    notes: list[str] = []
    if isinstance(held, torch.nn.Module):
        held = {"state_dict": held.state_dict()}
        notes.append("it is a whole module: only its weights are taken")
    if not isinstance(held, dict):
        raise ConvertError(f"it holds {type(held).__name__}, and not a dict with a state dict in it")
    state = _first(held, STATES, lambda v: isinstance(v, (dict, torch.nn.Module)))
    if state is None and held and all(isinstance(v, torch.Tensor) for v in held.values()):
        state = held
    if isinstance(state, torch.nn.Module):
        state = state.state_dict()
    if state is None:
        raise ConvertError(
            f"it has no state dict: looked for {', '.join(STATES)}, and there are {', '.join(map(str, held)) or 'none'}"
        )
    layers = _layers({str(k): v for k, v in state.items()}, torch)
    width = layers[0].weight.shape[0]

    mean, deviation = _scaler(held, width, torch)
    steps: list[Step] = []
    if mean is None:
        notes.append("it has no scaler: the features go in as they are")
        steps.append(Fill(np.zeros(width, np.float32)))
    else:
        flat = deviation == 0
        if flat.any():
            notes.append(f"{int(flat.sum())} columns did not vary in training: they are divided by 1")
            deviation = np.where(flat, np.float32(1), deviation)
        # A column that cannot be measured is taken for an average one.
        steps += [Fill(mean), Scale(mean, deviation)]
    steps += layers
    columns = _columns(held)
    if columns is not None and len(columns) != width:
        raise ConvertError(f"it names {len(columns)} features, and its first layer reads {width}")
    widths = [width, *(layer.weight.shape[1] for layer in layers)]
    notes.append(f"linear layers {'-'.join(map(str, widths))}, taken to have rectified linear units between them")
    return Scorer("mlp", columns, width, steps, "relative", notes, _original(layers, mean, deviation, torch))


def _first(held: dict[Any, Any], names: tuple[str, ...], fits: Any) -> Any:
    for name in names:
        if name in held and fits(held[name]):
            return held[name]
    return None


def _layers(state: dict[str, Any], torch: Any) -> list[Dense]:
    """The linear layers of a state dict, in its order."""
    state = {k.removeprefix("module.").removeprefix("_orig_mod."): v for k, v in state.items()}
    layers: list[Dense] = []
    for name, value in state.items():
        part = name.rpartition(".")[2]
        if part == "bias" and name.removesuffix("bias") + "weight" in state:
            continue
        if part != "weight" or value.ndim != 2:
            raise ConvertError(
                f"{name} of shape {tuple(value.shape)} belongs to no linear layer, and a network of other layers cannot be "
                "told from its weights: export it by torch.onnx.export(model, example, file, dynamo=False) and put its "
                "features.json beside it"
            )
        weight = value.detach().to(torch.float32).numpy().T
        bias = state.get(name.removesuffix("weight") + "bias")
        bias = np.zeros(weight.shape[1], np.float32) if bias is None else bias.detach().to(torch.float32).numpy()
        if bias.shape != (weight.shape[1],):
            raise ConvertError(f"the bias of {name} has shape {bias.shape}, and the layer has {weight.shape[1]} outputs")
        if layers and layers[-1].weight.shape[1] != weight.shape[0]:
            raise ConvertError(
                f"{name} reads {weight.shape[0]} values, and the layer before gives {layers[-1].weight.shape[1]}: the layers "
                "do not stand in a row"
            )
        layers.append(Dense(np.ascontiguousarray(weight), bias, "relu"))
    if not layers:
        raise ConvertError("its state dict is empty")
    if layers[-1].weight.shape[1] != 1:
        raise ConvertError(f"it gives {layers[-1].weight.shape[1]} numbers for a loop, and a score is one")
    if not all(np.isfinite(layer.weight).all() and np.isfinite(layer.bias).all() for layer in layers):
        raise ConvertError("some of its weights are not finite: the training went astray")
    layers[-1].activation = None
    return layers


def _scaler(held: dict[Any, Any], width: int, torch: Any) -> tuple[Floats | None, Any]:
    """Mean and deviation of each column."""

    def take(value: Any) -> Floats:
        if isinstance(value, torch.Tensor):
            value = value.detach().numpy()
        return np.asarray(value, np.float32).reshape(-1)

    places = [held[name] for name in SCALERS if name in held] + [held]
    for place in places:
        if not isinstance(place, dict):
            place = {k: getattr(place, k) for k in (*MEANS, *DEVIATIONS) if hasattr(place, k)}
        mean = _first(place, MEANS, lambda v: v is not None)
        deviation = _first(place, DEVIATIONS, lambda v: v is not None)
        if mean is None and deviation is None:
            continue
        if mean is None or deviation is None:
            raise ConvertError("its scaler has a mean or a deviation, but not both")
        mean, deviation = take(mean), take(deviation)
        if mean.shape != (width,) or deviation.shape != (width,):
            raise ConvertError(f"its scaler is for {len(mean)} columns, and its first layer reads {width}")
        if not (np.isfinite(mean).all() and np.isfinite(deviation).all() and (deviation >= 0).all()):
            raise ConvertError("its scaler holds numbers that are none, or deviations below 0")
        return mean, deviation
    return None, None


def _columns(held: dict[Any, Any]) -> list[str] | None:
    found = _first(held, COLUMNS, lambda v: isinstance(v, (list, tuple)) and all(isinstance(n, str) for n in v))
    return None if found is None else list(found)


def _original(layers: list[Dense], mean: Any, deviation: Any, torch: Any) -> Any:
    """The network again, made of PyTorch's own layers."""
    parts: list[Any] = []
    for layer in layers:
        linear = torch.nn.Linear(*layer.weight.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(np.ascontiguousarray(layer.weight.T)))
            linear.bias.copy_(torch.from_numpy(layer.bias))
        parts += [linear, torch.nn.ReLU()] if layer.activation else [linear]
    network = torch.nn.Sequential(*parts).eval()

    def predict(rows: Floats) -> Floats:
        x = torch.from_numpy(rows)
        if mean is not None:
            x = (x - torch.from_numpy(mean)) / torch.from_numpy(deviation)
        with torch.no_grad():
            scores: Floats = network(x).reshape(-1).numpy()
        return scores

    return predict
