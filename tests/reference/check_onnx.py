#!/usr/bin/env python3
"""Networks that Loopwright wrote, in onnxruntime: `check_onnx.py FOLDER` checks each NAME.onnx in it against NAME.json, a
list of tables with their features (null where missing) and Loopwright's own scores. Needs onnx and onnxruntime.

The files must pass the checker of ONNX in full, and scores may differ by 1e-6 of the greater of 1 and their size. Each table
is also scored padded by rows of nothing but NaN, which must not change the others.
"""
import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

worst, files = 0.0, sorted(Path(sys.argv[1]).glob("*.onnx"))
assert files, "no files to check"
for path in files:
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    metadata = {p.key: p.value for p in model.metadata_props}
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (port,) = session.get_inputs()
    for table in json.loads(path.with_suffix(".json").read_text()):
        x = np.array([[np.nan if v is None else v for v in row] for row in table["features"]], dtype=np.float32)
        assert x.shape[1] == port.shape[1] == len(json.loads(metadata["loopwright.features"]))
        own = np.array(table["scores"], dtype=np.float32)
        padded = np.concatenate([x, np.full((17, x.shape[1]), np.nan, dtype=np.float32)])
        for rows in (x, padded):
            (scores,) = session.run(None, {port.name: rows})
            assert scores.shape == (len(rows), 1), scores.shape
            difference = np.abs(scores[: len(x), 0] - own) / np.maximum(1, np.abs(own))
            assert difference.max() < 1e-6, (path.name, float(difference.max()))
            worst = max(worst, float(difference.max()))
print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}: {len(files)} files, largest difference {worst:.1e}")
