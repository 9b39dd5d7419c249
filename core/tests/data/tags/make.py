"""What onnxruntime says of the models of tags that lie here.

trees.onnx, network.onnx and linear.onnx were made by `loopwright train tags SET --label-source hybrid --hidden 4 --epochs 6
--rounds 6` with `--learner` of their names, of 180 synthetic loops of six genres. Writes expected.json.
"""
import json

import numpy as np
import onnx
import onnxruntime as ort

rng = np.random.default_rng(7)
out = {"versions": {"onnxruntime": ort.__version__, "onnx": onnx.__version__, "numpy": np.__version__}, "models": {}}
for name in ("trees", "network", "linear"):
    onnx.checker.check_model(onnx.load(f"{name}.onnx"), full_check=True)
    session = ort.InferenceSession(f"{name}.onnx")
    meta = session.get_modelmeta().custom_metadata_map
    width = len(json.loads(meta["loopwright.features"]))
    weights = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(f"{name}.onnx").graph.initializer}
    # Values as files have them, then some far out, then missing ones.
    x = weights["mean"] + rng.standard_normal((12, width)) / weights["inverse_deviation"]
    x[8] *= 50
    x[9] = np.nan
    x[10:][rng.random((2, width)) < 0.3] = np.nan
    x = x.astype(np.float32)
    (p,) = session.run(["probability"], {"features": x})
    out["models"][name] = {
        "tags": [t["name"] for t in json.loads(meta["loopwright.tags"])],
        "features": [[None if np.isnan(v) else float(v) for v in row] for row in x],
        "probabilities": p.tolist(),
    }
with open("expected.json", "w") as f:
    json.dump(out, f)
