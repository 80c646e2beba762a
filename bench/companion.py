"""Processes that a benchmark needs beside what it measures, so that their cost is not counted.

Such a process says on stdout, in one line, where it can be reached; then it answers each line on
its stdin with one on its stdout, and ends with its stdin.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Self

PATIENCE_S = 30.0


class Companion:
    """The handle of such a process, for `with`."""

    def __init__(self, script: str, *arguments: str) -> None:
        self._script = script
        self._process = subprocess.Popen(
            [sys.executable, script, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.address = self._answer()

    def ask(self, line: str) -> str:
        """What the process answers to the line. Raises: RuntimeError if it has died."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._script} has died")
        return line.strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=PATIENCE_S)


def attend(address: object, answer: Callable[[str], object]) -> None:
    """In the process itself: say where it is, then answer lines until there are no more."""
    print(address, flush=True)
    for line in sys.stdin:
        print(answer(line.strip()), flush=True)
