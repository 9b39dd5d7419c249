"""Writes the trained hit network as ONNX with its features by name, and checks the file against PyTorch.

    python export_hits.py RUN/model.pt --out ../../models/drums

Writes `hits.onnx` and `hits.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from hit_classes import CLASSES
from hit_model import BANDS, COLUMNS, LOW_BANDS, LOW_COLUMNS, SCALARS
from judge_hits import ALSO, KEEP, WINDOW, load

#: Names of the scalars, in order (`core/src/drums/patch.rs`).
SCALAR_NAMES = (
    "log_strength", "strength_rank", "attack_level", "attack_level_rank", "rise", "decay_50_110", "decay_110_220", "gap_before",
    "gap_after", "gap_before_plain", "gap_after_plain", "strength_over_before", "strength_over_after", "flux_120", "flux_400",
    "flux_1500", "flux_5000", "flux_17000", "zero_crossings", "crest", "density", "repetition",
)  # fmt: skip


class Shipped(nn.Module):
    """The classes first and "is a drum" last, as the product reads them."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, patch: torch.Tensor, low: torch.Tensor, scalars: torch.Tensor) -> torch.Tensor:
        """Logits (N, 10)."""
        logits = self.network(patch, low, scalars)
        return torch.cat([logits[:, 1:], logits[:, :1]], dim=1)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    model = Shipped(load(options.weights)).eval()
    generator = torch.Generator().manual_seed(0)

    def example(n: int) -> tuple[torch.Tensor, ...]:
        return (
            torch.rand(n, BANDS, COLUMNS, generator=generator) * 4 - 4,
            torch.rand(n, LOW_BANDS, LOW_COLUMNS, generator=generator) * 4 - 4,
            torch.rand(n, SCALARS, generator=generator),
        )

    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "hits.onnx"
    names = ["patch", "low", "scalars"]
    torch.onnx.export(
        model, example(WINDOW), str(path), input_names=names, output_names=["logits"], opset_version=17, dynamo=False,
        dynamic_axes={name: {0: "n"} for name in [*names, "logits"]},
    )  # fmt: skip
    graph = onnx.load(path)
    graph.producer_name, graph.doc_string = "loopwright", ""
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = 0.0
    for n in (WINDOW, 1, 37):
        given = example(n)
        with torch.no_grad():
            expected = model(*given).numpy()
        got = session.run(None, {k: v.numpy() for k, v in zip(names, given, strict=True)})[0]
        worst = max(worst, float(np.abs(got - expected).max()))
    about = {
        "file": path.name,
        "inputs": {
            "patch": {"shape": ["n", BANDS, COLUMNS], "what": "log-mel spectrum round the attack, a band a row"},
            "low": {"shape": ["n", LOW_BANDS, LOW_COLUMNS], "what": "spectrum from 25 to 500 Hz, a band a row"},
            "scalars": {"shape": ["n", SCALARS], "names": SCALAR_NAMES},
        },
        "scaling": "as core/src/drums/patch.rs makes them: levels in units of 20 dB relative to the track's, no lower than -4",
        "order": "the candidates of one recording in order of time; n at most 'window', windows overlap by half",
        "window": WINDOW,
        "output": "logits",
        "outputs": [*CLASSES, "drum"],
        "thresholds": {"drum": KEEP, "class": ALSO},
    }
    (options.out / "hits.json").write_text(json.dumps(about, indent=1) + "\n")
    print(f"{path}: {path.stat().st_size} bytes, differs from PyTorch by at most {worst:.2g}")
    return 0 if worst < 1e-3 and path.stat().st_size < 1_000_000 else 1


if __name__ == "__main__":
    sys.exit(main())
