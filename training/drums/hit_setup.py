"""Import this before anything of `training/beats`: drums want 44.1 kHz, where beats do with half of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["LOOPWRIGHT_TRAINING_RATE"] = "44100"
_BEATS = str(Path(__file__).resolve().parent.parent / "beats")
if _BEATS not in sys.path:
    sys.path.insert(0, _BEATS)

import fluid  # noqa: E402

if fluid.RATE != 44100:
    raise ImportError("hit_setup must be imported before the modules of training/beats")
