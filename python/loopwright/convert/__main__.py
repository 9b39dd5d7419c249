"""``python -m loopwright.convert``."""

import sys

from .cli import main

sys.exit(main())
