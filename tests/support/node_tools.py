"""The packages of npm that tests drive: readers' parsers, a browser's driver, a judge of pages.

They are in `tests/node`, by a lock file with hashes; `make test` installs them where npm is.
"""

from __future__ import annotations

from pathlib import Path

from locations import NODE
from required_programs import require, require_program


def require_node_package(name: str) -> Path:
    """The folder of an installed package; without it, or without node, as `require_program`."""
    require_program("node")
    folder = NODE / "node_modules" / name
    return require(f"the npm package {name}", folder if folder.is_dir() else None)
