"""Whether a converted model gives what the original gives."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import ConvertError, NeedsPackage
from .scorer import Fill, Floats, Forest, Scale, Scorer

ROWS = 512
#: Largest difference from the original, in parts of the largest score (of 1 at least).
TOLERANCE = 1e-5


def rows_for(scorer: Scorer) -> Floats:
    """Rows to try: at random around what the model was trained on, and at the edges of it.

    ``[rows, columns]``, the same for the same model, in the units in which the model scales its columns: standard normal and
    uniform values; zeros, ones, large and tiny values; for trees, values on their thresholds and on both sides of them.
    """
    random = np.random.default_rng(1337)
    width = scorer.width
    ones = np.ones((1, width))
    parts: list[Any] = [random.standard_normal((ROWS, width)), random.uniform(-1, 1, (ROWS, width))]
    parts += [ones * value for value in (0.0, 1.0, -1.0, 10.0, -10.0, 1e-30)]
    scale = next((step for step in scorer.steps if isinstance(step, Scale)), None)
    if scale is not None:
        parts = [scale.shift + part * scale.spread for part in parts]
    forest = next((s for s in scorer.steps if isinstance(s, Forest)), None)
    if forest is not None and not any(isinstance(s, Scale) for s in scorer.steps):
        inner = np.flatnonzero(forest.left != np.arange(len(forest.left)))
        if len(inner):
            # On a threshold, just below it, just above it: where a wrong comparison shows.
            near = np.zeros((ROWS, width), np.float32)
            for row in near:
                picked = random.choice(inner, size=min(len(inner), 4 * width))
                to = np.float32(random.choice([-np.inf, np.inf]))
                values = forest.threshold[picked]
                row[forest.feature[picked]] = np.where(random.random(len(picked)) < 0.5, values, np.nextafter(values, to))
            parts.append(near)
    return np.concatenate(parts).astype(np.float32)


def difference(scorer: Scorer, model: bytes) -> tuple[float, int]:
    """The largest absolute difference between the original's scores and the model's, and of how many rows.

    Raises:
        ConvertError: They differ by more than rounding.
        NeedsPackage: There is no ``onnxruntime``.
    """
    try:
        import onnxruntime
    except ImportError:
        raise NeedsPackage("onnxruntime") from None
    rows = rows_for(scorer)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    ours = np.asarray(session.run(None, {session.get_inputs()[0].name: rows})[0]).reshape(-1)
    original: Any = scorer.original
    theirs = np.asarray(original(rows), np.float64).reshape(-1)
    if ours.shape != theirs.shape:
        raise ConvertError(f"the original gives {theirs.shape} scores for {len(rows)} rows")
    apart = float(np.max(np.abs(ours - theirs)))
    if not apart <= TOLERANCE * max(1.0, float(np.max(np.abs(theirs)))):
        raise ConvertError(
            f"the converted model gives other scores than the original, by up to {apart:.3g}: it was not written. Please "
            "report it, with the file if you can"
        )
    return apart, len(rows)
