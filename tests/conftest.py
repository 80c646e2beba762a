"""What holds for every test: how hypothesis searches, and what a missing program means."""

from __future__ import annotations

import os
import shutil

import pytest
from hypothesis import settings

# No deadline: what an example takes says more of the machine than of the code. On a failure,
# `print_blob` shows the line that brings the very same example back.
settings.register_profile("searching", deadline=None, max_examples=50, print_blob=True)
# In CI the same examples each time: a change is judged by what it changes.
settings.register_profile(
    "steady", settings.get_profile("searching"), derandomize=True, database=None
)
settings.load_profile("steady" if os.environ.get("CI") else "searching")


def require_program(name: str) -> str:
    """The path of the program; without it the test, or the module that calls this, is skipped.

    Where FEEDMIRROR_REQUIRE_PROGRAMS is set, as in CI, it fails instead.
    """
    path = shutil.which(name)
    if path is not None:
        return path
    if os.environ.get("FEEDMIRROR_REQUIRE_PROGRAMS"):
        pytest.fail(f"{name} is not installed, and here it has to be", pytrace=False)
    pytest.skip(f"{name} is not installed", allow_module_level=True)
