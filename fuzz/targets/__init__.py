"""What is fuzzed, one target a file.

A target has `SEEDS`, the folders below `seeds/` that it begins with, and `check`, which returns
for every bytes whatsoever, unless a promise is broken: then it raises.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

NAMES = tuple(sorted(found.name for found in iter_modules(__path__)))


@dataclass(frozen=True, slots=True)
class Target:
    """One part of the core, and what holds for it whatever comes in."""

    name: str
    seeds: tuple[str, ...]  # names of folders
    check: Callable[[bytes], None]  # raises where that does not hold


def target(name: str) -> Target:
    """The target of that name, imported now."""
    module = import_module(f"{__name__}.{name}")
    return Target(name, module.SEEDS, module.check)
