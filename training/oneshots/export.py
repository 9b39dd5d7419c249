"""Writes a trained classifier as ONNX with its description, and checks one against the other.

    python export.py MODEL.pkl DATA.npz --out ../../models/drums
"""

from __future__ import annotations

import argparse
import json
import pickle
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from models import CLIP, NEAR, Mixture
from onnx import TensorProto, helper, numpy_helper


class Graph:
    """Nodes and constants as they are written down."""

    def __init__(self) -> None:
        self.nodes: list = []
        self.constants: list = []

    def constant(self, value: np.ndarray | float | list) -> str:
        """A constant; halves and bytes are widened in the graph."""
        value = np.asarray(value)
        if value.dtype == np.float64:
            value = value.astype(np.float32)
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return self("Cast", name, to=TensorProto.FLOAT) if value.dtype in (np.float16, np.int8) else name

    def __call__(self, kind: str, *inputs: str, name: str | None = None, **settings) -> str:
        name = name or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **settings))
        return name


def graph_of(model: Mixture) -> Graph:
    """The mixture in plain operators, for scaled features [1, K]."""
    g = Graph()
    reference = model.neighbours.reference
    # In units of the bytes, so that nothing but a widening stands before the difference.
    step = CLIP / 127
    inputs = g("Mul", "features", g.constant(np.float32(1 / step)))
    apart = g("Abs", g("Sub", g.constant(reference), inputs))
    sums = g("ReduceSum", apart, g.constant(np.array([1], np.int64)), keepdims=0)
    d = g("Add", g("Mul", sums, g.constant(np.float32(step))), g.constant(np.float32(NEAR)))
    d = g("Unsqueeze", d, g.constant(np.array([0], np.int64)))
    ratio = g("Div", d, g("ReduceMin", d, axes=[1], keepdims=1))
    sharp = np.float32(model.neighbours.sharpness)
    kernel = g("Exp", g("Sub", g.constant(sharp), g("Mul", ratio, g.constant(sharp))))
    votes = g("MatMul", kernel, g.constant(model.neighbours.votes))
    mixed = g("Mul", share_of(g, votes), g.constant(np.float32(1 - model.share)))
    for a, b, c, e in model.networks.layers:
        hidden = g("Relu", g("Add", g("MatMul", "features", g.constant(a)), g.constant(b)))
        logits = g("Add", g("MatMul", hidden, g.constant(c)), g.constant(e))
        part = g("Mul", g("Softmax", logits, axis=1), g.constant(np.float32(model.share / len(model.networks.layers))))
        mixed = g("Add", mixed, part)
    share_of(g, g("Mul", mixed, g.constant(model.prior[None])), "probabilities")
    return g


def share_of(g: Graph, x: str, name: str | None = None) -> str:
    """Divided by its sum."""
    return g("Div", x, g("ReduceSum", x, g.constant(np.array([1], np.int64)), keepdims=1), name=name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    names, classes, model = pickle.loads(args.model.read_bytes())
    g = graph_of(model)
    ports = [
        helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, len(names)]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, len(classes)]),
    ]
    graph = helper.make_graph(g.nodes, "oneshots", ports[:1], ports[1:], g.constants)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    proto.producer_name = "loopwright training/oneshots"
    onnx.checker.check_model(proto)
    args.out.mkdir(parents=True, exist_ok=True)
    content = proto.SerializeToString()
    (args.out / "oneshots.onnx").write_bytes(content)
    columns = [
        {"name": str(n), "mean": round(float(m), 5), "scale": round(float(s), 5)}
        for n, m, s in zip(names, model.mean, model.scale, strict=True)
    ]
    head = {"version": 1, "rate": 44100, "clip": CLIP}
    rows = ",\n    ".join(json.dumps(c) for c in columns)
    text = json.dumps(head)[:-1] + f',\n  "classes": {json.dumps([str(c) for c in classes])}'
    (args.out / "oneshots.json").write_text(text + f',\n  "features": [\n    {rows}\n  ]}}\n')
    # The graph against the arrays, on what it learnt from and on noise.
    data = np.load(args.data)
    rng = np.random.default_rng(0)
    x = data["x"][rng.permutation(len(data["x"]))[:400]].astype(np.float64)
    x = np.concatenate([x, x + rng.normal(0, 0.5, x.shape) * model.scale])
    described = json.loads((args.out / "oneshots.json").read_text())
    mean = np.array([c["mean"] for c in described["features"]])
    scale = np.array([c["scale"] for c in described["features"]])
    session = onnxruntime.InferenceSession(content)
    worst = 0.0
    for row, wanted in zip(x, model(x), strict=True):
        z = np.clip((row - mean) / scale, -CLIP, CLIP).astype(np.float32)[None]
        worst = max(worst, float(np.abs(session.run(None, {"features": z})[0][0] - wanted).max()))
    print(f"{len(content) / 1e6:.2f} MB; greatest difference of a probability: {worst:.1e}")
    if worst > 2e-3:
        raise SystemExit("the graph is not the model")


if __name__ == "__main__":
    main()
