"""Regular expressions that are compiled when they are first used.

Those of a module are many, and a process that finds nothing new uses few of them.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, Generic, cast


class _Pattern(Generic[AnyStr]):
    """Stand-in for a pattern: each attribute is the pattern's, which is compiled for the first."""

    def __init__(self, expression: AnyStr, flags: int) -> None:
        self._given: tuple[AnyStr, int] = expression, flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(*self._given), name)
        setattr(self, name, found)  # the next look-up finds it at once
        return found


def pattern(expression: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what `re.compile` does, compiled at the first use of one of its methods."""
    return cast("re.Pattern[AnyStr]", _Pattern(expression, flags))
