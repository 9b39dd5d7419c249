"""Networks that score loops, with onnxruntime's scores, for tests/models.rs.

    python make.py            (writes *.onnx and cases.json here)

Made with onnx 1.23.2, onnxruntime 1.31.1, numpy 2.4.6. Numbers in cases.json are the bytes of 32-bit floats in hexadecimal.
"""
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
rng = np.random.default_rng(3)
COLUMNS = ["rms_mean", "bars", "pt_mel_7", "phrase_position", "seam_before_db", "onset_mean"]
CASES = []


def bits(a):
    return np.ascontiguousarray(a, dtype=np.float32).ravel().astype(">f4").tobytes().hex()


def const(name, a):
    return numpy_helper.from_array(np.asarray(a), name)


def network(name, out_axes, rows="rows", notes=None, trackwise=False, sigmoid=False, outputs=1, kind=TensorProto.FLOAT):
    width, hidden = len(COLUMNS), 9
    w1 = rng.normal(size=(2 * width if trackwise else width, hidden)).astype(np.float32) * 0.6
    w2 = rng.normal(size=(hidden, outputs)).astype(np.float32)
    mean = rng.normal(size=width).astype(np.float32)
    fixed = [const("mean", mean), const("w1", w1), const("b1", np.zeros(hidden, np.float32)), const("w2", w2),
             const("b2", np.full(outputs, 0.3, np.float32))]
    node = helper.make_node
    nodes = [node("IsNaN", ["features"], ["missing"]), node("Where", ["missing", "mean", "features"], ["known"]),
             node("Sub", ["known", "mean"], ["scaled"])]
    if trackwise:
        # Less the mean of the column over the rows that have it.
        fixed += [const("zero", np.float32(0)), const("axis", np.array([0], np.int64)), const("one", np.float32(1))]
        nodes += [node("Where", ["missing", "zero", "features"], ["values"]), node("Where", ["missing", "zero", "one"], ["counted"]),
                  node("ReduceSum", ["values", "axis"], ["sum"], keepdims=1), node("ReduceSum", ["counted", "axis"], ["n"], keepdims=1),
                  node("Max", ["n", "one"], ["n1"]), node("Div", ["sum", "n1"], ["average"]), node("Sub", ["features", "average"], ["less"]),
                  node("Where", ["missing", "zero", "less"], ["beside"]), node("Concat", ["scaled", "beside"], ["both"], axis=1)]
        first = "both"
    else:
        first = "scaled"
    nodes += [node("Gemm", [first, "w1", "b1"], ["h"]), node("Relu", ["h"], ["r"]),
              node("Gemm", ["r", "w2", "b2"], ["s" if sigmoid or out_axes == 1 else "score"])]
    last = "s"
    if sigmoid:
        nodes.append(node("Sigmoid", ["s"], ["p" if out_axes == 1 else "score"]))
        last = "p"
    if out_axes == 1:
        fixed.append(const("flat", np.array([-1], np.int64)))
        nodes.append(node("Reshape", [last, "flat"], ["score"]))
    out = [rows] if out_axes == 1 else [rows, outputs]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("features", kind, [rows, width])],
                              [helper.make_tensor_value_info("score", TensorProto.FLOAT, out)], fixed)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    for key, value in (notes or {}).items():
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, HERE / f"{name}.onnx")
    if outputs > 1:
        return
    count = 300 if rows == "rows" else 20
    x = rng.normal(size=(count, width)).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = np.nan
    session = ort.InferenceSession(HERE / f"{name}.onnx")
    size = count if rows == "rows" else rows
    padded = np.concatenate([x, np.zeros((-count % size, width), np.float32)])
    score = np.concatenate([session.run(None, {"features": part})[0] for part in padded.reshape(-1, size, width)])[:count]
    CASES.append(dict(name=name, columns=COLUMNS, rows=bits(x), scores=bits(score)))
    print(name, (HERE / f"{name}.onnx").stat().st_size)


named = {"loopwright.features": json.dumps(COLUMNS)}
network("flat", 1, notes=named)
network("column", 2, notes=named | {"loopwright.output": "relative", "loopwright.alpha": "0.25",
                                    "loopwright.calibration": '{"slope":1.5,"offset":-0.5}'})
network("probability", 2, notes=named | {"loopwright.output": "probability"}, sigmoid=True)
network("trackwise", 2, notes=named | {"loopwright.trackwise": "true"}, trackwise=True)
network("eight", 1, rows=8, notes=named)
network("unnamed", 1)
network("two", 2, notes=named, outputs=2)
(HERE / "cases.json").write_text(json.dumps(CASES, separators=(",", ":")))
