"""Programs that some tests drive, and what it means where one is missing."""

from __future__ import annotations

import os
import shutil
from typing import TypeVar

import pytest

T = TypeVar("T")


def require_program(name: str) -> str:
    """The path of the program; without it the test, or the module that calls this, is skipped.

    Where FEEDMIRROR_REQUIRE_PROGRAMS is set, as in CI, it fails instead.
    """
    return require(name, shutil.which(name))


def require(what: str, found: T | None) -> T:
    """What was found; where that is nothing, as `require_program`."""
    if found is not None:
        return found
    if os.environ.get("FEEDMIRROR_REQUIRE_PROGRAMS"):
        pytest.fail(f"{what} is not installed, and here it has to be", pytrace=False)
    pytest.skip(f"{what} is not installed", allow_module_level=True)
