"""Whether any document, however broken or hostile, gets the better of the core: README.md."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATHS = tuple(str(ROOT / name) for name in ("", "functions", "tests/support"))
sys.path += [path for path in PATHS if path not in sys.path]
