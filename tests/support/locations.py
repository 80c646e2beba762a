"""Where the repository's folders are."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
DATA = TESTS / "data"  # feeds with faults
NODE = TESTS / "node"  # programs of npm that judge what is published
PYTHONPATH = os.pathsep.join(str(ROOT / name) for name in ("functions", "tests/support"))
