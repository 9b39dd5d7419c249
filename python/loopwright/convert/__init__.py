"""Rankers of the Python pipeline as models that ``loopwright --model`` reads.

``python -m loopwright.convert MODEL...`` turns checkpoints of PyTorch (``.pt``) and pickled models (``.joblib``, ``.pkl``) into
ONNX with a ``features.json``, checks the outcome against the original, and says what it cannot convert and why. It needs
the extra ``loopwright[convert]``, and of PyTorch, scikit-learn, joblib and XGBoost those whose files it is given.
"""

from .cli import convert, main
from .errors import ConvertError, NotTrusted

__all__ = ["ConvertError", "NotTrusted", "convert", "main"]
