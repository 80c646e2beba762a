"""The browser that the tests of this folder share."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from node_tools import NODE, require_node_package
from required_programs import require_program


@pytest.fixture(scope="session")
def chromium() -> Iterator[str]:
    """Return the address of a Chromium, for the scripts in `tests/node`."""
    require_node_package("playwright-core")
    command = ["node", NODE / "serve_chromium.mjs", require_program("chromium")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.stdin.close()
