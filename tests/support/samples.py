"""Where real feeds lie, for the tests that can use them: others' texts, so never in the project."""

from __future__ import annotations

import os
from pathlib import Path


def sample_feeds() -> list[Path]:
    """Return the feeds in $FEEDMIRROR_SAMPLES; none where it is not set."""
    folder = os.environ.get("FEEDMIRROR_SAMPLES")
    return sorted(path for path in Path(folder).glob("[0-9]*") if path.is_file()) if folder else []
