"""Commands at a time that is given, with archive pages of three, for a test to kill.

A process that has imported all of it and forks for each command: most of what a command takes is
to begin. It reads a line of JSON for each, the time and the arguments, and answers with a line:
the process id; then, when that has ended, its exit status as wait(2) tells it.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from importlib import import_module

from feedmirror.entrypoints.cli import main
from feedmirror.entrypoints.cli.command import Resources
from feedmirror.mirror import archive

_LOADED = (
    "adapters.stores.directory adapters.origin.client adapters.parser mirror.decide "
    "parsing.entries parsing.parse publishing.pages.body publishing.pages.feed "
    "publishing.pages.inspection entrypoints.cli.rebuild entrypoints.cli.run"
)


def _perform(moment: str, *argv: str) -> int:
    os.setsid()  # so that its parser is killed with it
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    now = datetime.fromisoformat(moment)
    return main(argv, resources=Resources(clock=lambda: now))


def _serve() -> None:
    archive.PAGE_ENTRIES = 3
    for name in _LOADED.split():
        import_module(f"feedmirror.{name}")
    import_module("jinja2")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(_perform(*json.loads(line)))
        _answer(child)
        _answer(os.waitpid(child, 0)[1])


def _answer(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve()
