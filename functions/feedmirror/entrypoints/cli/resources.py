"""What the commands reach outside for; a test puts its own in place."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from feedmirror.ports import Origin, Parser, Rereader

_PARSER_BYTES = 1_000_000_000  # of address space: a document of 10 MB takes a third of it


class Reader(Parser, Rereader, Protocol):
    """Reads documents, and stored entries again."""


def start_parser() -> AbstractContextManager[Reader]:
    """A parser, whose process is forked now: call it before there is any thread."""
    from feedmirror.adapters.parser import SupervisedParser  # noqa: PLC0415 - `serve` needs none

    return SupervisedParser.start(memory_bytes=_PARSER_BYTES)


def web(clock: Callable[[], datetime]) -> Origin:
    """The origin of feeds on the web."""
    from feedmirror.adapters.origin.client import HttpOrigin  # noqa: PLC0415 - the largest import of all

    return HttpOrigin(now=clock)


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Outside:
    """The outside world of a command."""

    start_parser: Callable[[], AbstractContextManager[Reader]] = start_parser
    web: Callable[[Callable[[], datetime]], Origin] = web
    clock: Callable[[], datetime] = utc_now


def complain(*lines: str) -> None:
    """Say on stderr what is wrong, the first line in the program's name."""
    with suppress(OSError):  # there is nobody else to tell
        sys.stderr.write("\n".join((f"feedmirror: {lines[0]}", *lines[1:])) + "\n")
