"""Entry point of the command `feedmirror`, and what its subcommands need of the outside world."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from msgspec import Struct

from feedmirror.entrypoints.cli.arguments import parse_arguments
from feedmirror.entrypoints.cli.terminal import print_error
from feedmirror.errors import ConfigError, StoreError
from feedmirror.ports import DocumentParser, Origin

# As shells report a program that a signal ended. Source: POSIX.1-2024, shell, §2.8.2
INTERRUPTED = 130
_PIPE_BROKEN = 141
# Module and function of the commands that have not a module of their name, with such a function.
_FUNCTIONS = {
    "import": ("add", "import_feeds"),
    "set": ("edit", "set_key"),
    "remove": ("edit", "remove"),
    "list": ("listing", "list_feeds"),
    "export": ("listing", "export"),
}
_PARSER_BYTES = 1_000_000_000  # of address space; a document of 10 MB takes a third


def _start_parser() -> AbstractContextManager[DocumentParser]:
    from feedmirror.adapters.parser import WorkerParser  # noqa: PLC0415 - `serve` needs none

    return WorkerParser.with_limits(os.environ, memory_bytes=_PARSER_BYTES)


def _web(clock: Callable[[], datetime]) -> Origin:
    from feedmirror.adapters.origin.client import HttpOrigin  # noqa: PLC0415 - the largest import of all

    return HttpOrigin(now=clock)


class Resources(Struct, frozen=True):
    """External resources of a command, which tests replace."""

    start_parser: Callable[[], AbstractContextManager[DocumentParser]] = _start_parser
    web: Callable[[Callable[[], datetime]], Origin] = _web
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


def main(argv: Sequence[str] | None = None, *, resources: Resources | None = None) -> int:
    """Run the command; return its exit code.

    0: success. 1: a feed failed. 2: wrong usage or configuration. 130: interrupted before the work
    was done. 141: the output was closed (SIGPIPE).
    """
    _open_streams()
    try:
        code = _perform(argv, resources or Resources())
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        return _PIPE_BROKEN
    except OSError as error:  # of the output; others are handled where they occur
        place = error.filename or "the output cannot be written"
        print_error(f"{place}: {error.strerror}")
        _discard_output()
        return 1
    return code


def _perform(argv: Sequence[str] | None, resources: Resources) -> int:
    """Run the subcommand; return its exit code. Raises: OSError if the output cannot be written."""
    try:
        arguments = parse_arguments(sys.argv[1:] if argv is None else argv)
        where, name = _FUNCTIONS.get(arguments.command, (arguments.command, arguments.command))
        module = import_module(f"feedmirror.entrypoints.cli.{where}")
        subcommand: Callable[..., int] = getattr(module, name)
        return subcommand(arguments, resources)
    except ConfigError as error:
        print_error(*error.problems)
        return 2
    except StoreError as error:  # of the store as a whole; a feed reports its own
        print_error(str(error))
        return 1
    except SystemExit as ended:  # argparse exits so: after --help, or with an error
        return ended.code if isinstance(ended.code, int) else 0
    except KeyboardInterrupt:
        return INTERRUPTED


def _open_streams() -> None:
    """Redirect closed streams to /dev/null, and escape characters that an encoding lacks."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # else the next file opened would get its number
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - stays
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Redirect stdout to /dev/null, so that the interpreter's last flush cannot fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
