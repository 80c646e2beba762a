"""The external resources of a command: the parser process, the web and the clock.

Tests replace them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from feedmirror.ports import Origin, Parser, Rereader

_PARSER_BYTES = 1_000_000_000  # of address space; a document of 10 MB takes a third


class DocumentParser(Parser, Rereader, Protocol):
    """Parser of feed documents and of stored entries (`--reparse`)."""


def start_parser() -> AbstractContextManager[DocumentParser]:
    """Return a parser, whose worker process is started at the first document."""
    from feedmirror.adapters.parser import WorkerParser  # noqa: PLC0415 - `serve` needs none

    return WorkerParser.with_limits(os.environ, memory_bytes=_PARSER_BYTES)


def web(clock: Callable[[], datetime]) -> Origin:
    """Return the HTTP client for feeds on the web."""
    from feedmirror.adapters.origin.client import HttpOrigin  # noqa: PLC0415 - the largest import of all

    return HttpOrigin(now=clock)


def utc_now() -> datetime:
    """Return the current time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Resources:
    """External resources of a command."""

    start_parser: Callable[[], AbstractContextManager[DocumentParser]] = start_parser
    web: Callable[[Callable[[], datetime]], Origin] = web
    clock: Callable[[], datetime] = utc_now


def print_error(*lines: str) -> None:
    """Print an error on stderr, the first line with the program's name in front."""
    with suppress(OSError):  # stderr cannot be written: there is no other place to report to
        sys.stderr.write("\n".join((f"feedmirror: {lines[0]}", *lines[1:])) + "\n")
