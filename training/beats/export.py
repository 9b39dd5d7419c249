"""Writes the trained network as ONNX, and checks the file against PyTorch.

    python export.py RUN/model.pt --out ../../models/beats/beats.onnx [--frames 3072]

The time axis is fixed: the engine runs fixed windows faster. `RUN/checkpoint.pt` will do as well.
"""

from __future__ import annotations

import argparse
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
import torch

from model import MEL_BANDS, PITCH_BANDS, BeatNetwork


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=pathlib.Path, nargs="?", help="model.pt or checkpoint.pt; random without")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--frames", type=int, default=3072)
    parser.add_argument("--channels", type=int, default=80)
    args = parser.parse_args()
    torch.manual_seed(0)
    channels, weights = args.channels, None
    if args.weights is not None:
        state = torch.load(args.weights, weights_only=True)
        weights = state.get("weights", state.get("average"))
        channels = state.get("channels", channels)
    model = BeatNetwork(channels)
    if weights is not None:
        model.load_state_dict(weights)
    model.eval()
    mel = torch.rand(1, MEL_BANDS, args.frames) * 4
    pitch = torch.rand(1, PITCH_BANDS, args.frames // 2) * 4
    args.out.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        model,
        (mel, pitch),
        str(args.out),
        input_names=["mel", "pitch"],
        output_names=["logits"],
        opset_version=17,
        dynamo=False,
    )
    graph = onnx.load(args.out)
    graph.producer_name, graph.doc_string = "loopwright", ""
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, args.out)
    session = onnxruntime.InferenceSession(str(args.out), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        expected = model(mel, pitch).numpy()
    got = session.run(None, {"mel": mel.numpy(), "pitch": pitch.numpy()})[0]
    worst = float(np.abs(got - expected).max())
    print(f"{args.out}: {args.out.stat().st_size} bytes, differs from PyTorch by at most {worst:.2g}")
    return 0 if worst < 1e-3 else 1


if __name__ == "__main__":
    sys.exit(main())
