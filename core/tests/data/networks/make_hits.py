"""A toy network of the hit classifier's interface, and what onnxruntime makes of it on 300 candidates at once.

    python make_hits.py          (numpy, onnx, onnxruntime)

The means of `patch` and `low` and the scalars of each candidate go through a convolution over three candidates, so that a
candidate's logits depend on its neighbours, as the real network's do. Writes `hits_open.onnx` and `hits_reference.json`.
"""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
N = 300
EVERY = 7
SHAPES = {"patch": (48, 32), "low": (16, 8), "scalars": (22,)}


def pattern(n: int) -> np.ndarray:
    """The test's values: 0 to 4."""
    return ((np.arange(n, dtype=np.int64) * 7919 % 1009) / 252.25).astype(np.float32)


def main() -> None:
    weights = np.random.default_rng(1).normal(0, 0.3, (10, 24, 3)).astype(np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["patch"], ["p3"], axes=[1, 2], keepdims=0),
        helper.make_node("ReduceMean", ["low"], ["l3"], axes=[1, 2], keepdims=0),
        helper.make_node("Unsqueeze", ["p3", "one"], ["p"]),
        helper.make_node("Unsqueeze", ["l3", "one"], ["l"]),
        helper.make_node("Concat", ["p", "l", "scalars"], ["all"], axis=1),
        helper.make_node("Transpose", ["all"], ["columns"], perm=[1, 0]),
        helper.make_node("Unsqueeze", ["columns", "zero"], ["batch"]),
        helper.make_node("Conv", ["batch", "weights"], ["heard"], kernel_shape=[3], pads=[1, 1]),
        helper.make_node("Squeeze", ["heard", "zero"], ["rows"]),
        helper.make_node("Transpose", ["rows"], ["logits"], perm=[1, 0]),
    ]
    constants = [
        numpy_helper.from_array(weights, "weights"),
        numpy_helper.from_array(np.array([0], np.int64), "zero"),
        numpy_helper.from_array(np.array([1], np.int64), "one"),
    ]
    inputs = [helper.make_tensor_value_info(k, TensorProto.FLOAT, ["n", *v]) for k, v in SHAPES.items()]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 10])
    graph = helper.make_graph(nodes, "hits", inputs, [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    (HERE / "hits_open.onnx").write_bytes(model.SerializeToString())
    given = {k: pattern(N * int(np.prod(v))).reshape(N, *v) for k, v in SHAPES.items()}
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    logits = session.run(None, given)[0]
    reference = {"candidates": N, "every": EVERY, "logits": [round(float(x), 5) for x in logits[::EVERY].ravel()]}
    (HERE / "hits_reference.json").write_text(json.dumps(reference) + "\n")


main()
