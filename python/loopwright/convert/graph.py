"""From steps to an ONNX graph of plain operators, which any runtime has, and Loopwright's own too.

Trees are walked level by level with gathers: the operator for tree ensembles is one that few runtimes know.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from .errors import NeedsPackage
from .scorer import Dense, Fill, Floats, Forest, Ints, Scale, Scorer

OPSET = 13
IR_VERSION = 8
INPUT, OUTPUT = "features", "score"


class _Graph:
    def __init__(self, onnx: Any) -> None:
        self.onnx = onnx
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def constant(self, values: Floats | Ints) -> str:
        name = f"c{len(self.weights)}"
        self.weights.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def op(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        output = output or f"v{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def fill(self, x: str, step: Fill) -> str:
        return self.op("Where", self.op("IsNaN", x), self.constant(step.values), x)

    def scale(self, x: str, step: Scale) -> str:
        return self.op("Div", self.op("Sub", x, self.constant(step.shift)), self.constant(step.spread))

    def dense(self, x: str, step: Dense) -> str:
        y = self.op("Gemm", x, self.constant(step.weight), self.constant(step.bias))
        names = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}
        return y if step.activation is None else self.op(names[step.activation], y)

    def forest(self, x: str, step: Forest) -> str:
        # At the roots all rows stand at the same nodes, so that no shape has to be known.
        at = step.roots
        below = self._branch(
            self.op("Gather", x, self.constant(step.feature[at]), axis=1),
            *(self.constant(part[at]) for part in (step.threshold, step.left, step.right, step.missing)),
        )
        tables = [self.constant(p) for p in (step.feature, step.threshold, step.left, step.right, step.missing)]
        for _ in range(1, step.depth):
            feature, *parts = (self.op("Gather", table, below, axis=0) for table in tables)
            below = self._branch(self.op("GatherElements", x, feature, axis=1), *parts)
        leaves = self.op("Gather", self.constant(step.value), below, axis=0)
        total = self.op("ReduceSum", leaves, self.constant(np.asarray([1], np.int64)), keepdims=1)
        y = self.op("Add", total, self.constant(np.asarray([step.base], np.float32)))
        return self.op("Sigmoid", y) if step.sigmoid else y

    def _branch(self, value: str, threshold: str, left: str, right: str, missing: str) -> str:
        chosen = self.op("Where", self.op("Less", value, threshold), left, right)
        return self.op("Where", self.op("IsNaN", value), missing, chosen)


def build(scorer: Scorer, name: str) -> bytes:
    """The content of an ONNX file: ``features [rows, columns]`` to ``score [rows, 1]``, 32-bit floats, rows open.

    Raises:
        NeedsPackage: There is no ``onnx``.
    """
    try:
        import onnx
    except ImportError:
        raise NeedsPackage("onnx") from None
    graph = _Graph(onnx)
    x = INPUT
    for step in scorer.steps:
        if isinstance(step, Fill):
            x = graph.fill(x, step)
        elif isinstance(step, Scale):
            x = graph.scale(x, step)
        elif isinstance(step, Dense):
            x = graph.dense(x, step)
        else:
            x = graph.forest(x, step)
    graph.op("Identity", x, output=OUTPUT)
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    whole = helper.make_graph(
        graph.nodes,
        name,
        [helper.make_tensor_value_info(INPUT, kind, ["rows", scorer.width])],
        [helper.make_tensor_value_info(OUTPUT, kind, ["rows", 1])],
        graph.weights,
    )
    model = helper.make_model(
        whole,
        producer_name="loopwright.convert",
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    notes = {"loopwright.name": scorer.kind, "loopwright.output": scorer.output}
    if scorer.columns is not None:
        notes["loopwright.features"] = json.dumps(scorer.columns)
    helper.set_model_props(model, notes)
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content
