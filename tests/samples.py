"""Where real feeds lie, for the tests that can use them: others' texts, so never in the project."""

from __future__ import annotations

import os
from pathlib import Path

_BESIDE = Path(__file__).parents[1] / ".." / "shared" / "sample-feeds"


def sample_feeds() -> list[Path]:
    """The feeds in $FEEDMIRROR_SAMPLES, or beside the project; none where there are none."""
    folder = Path(os.environ.get("FEEDMIRROR_SAMPLES") or _BESIDE)
    return sorted(path for path in folder.glob("[0-9]*") if path.is_file())
