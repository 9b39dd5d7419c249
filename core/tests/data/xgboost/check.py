"""Whether Python xgboost predicts the same with models that were written by `Trees::to_json`.

    mkdir /tmp/w && XGBOOST_WRITTEN=/tmp/w cargo test -p loopwright-core --test xgboost written && python check.py /tmp/w
"""
import json
import sys
from pathlib import Path

import numpy as np
import xgboost as xgb

floats = lambda h: np.frombuffer(bytes.fromhex(h), dtype=">f4").astype(np.float32)
same = 0
cases = json.loads((Path(__file__).parent / "cases.json").read_text())
for case in cases:
    b = xgb.Booster(model_file=Path(sys.argv[1]) / f"{case['name']}.json")
    d = xgb.DMatrix(floats(case["rows"]).reshape(-1, b.num_features()), feature_names=b.feature_names,
                    feature_types=b.feature_types, enable_categorical=True)
    used = (0, case["trees"][0]) if "trees" in case else (0, 0)
    m = b.predict(d, output_margin=True, iteration_range=used).ravel()
    p = b.predict(d, iteration_range=used).ravel()
    equal = (m.view(np.uint32) == floats(case["margins"]).view(np.uint32)).all() and (p.view(np.uint32) == floats(case["predictions"]).view(np.uint32)).all()
    same += equal
    if not equal:
        print("DIFFERS", case["name"], np.abs(m - floats(case["margins"])).max())
print(f"xgboost {xgb.__version__}: {same} of {len(cases)} equal in all bits")
