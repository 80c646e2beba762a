"""The way into the command: arguments in, exit code out, whatever happens in between."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from feedmirror.entrypoints.cli.arguments import parse_arguments
from feedmirror.entrypoints.cli.resources import Outside, complain
from feedmirror.errors import ConfigError, StoreError

# As shells report a program that a signal ended. Source: POSIX.1-2024, shell, §2.8.2
_INTERRUPTED = 130
_PIPE_BROKEN = 141


def main(argv: Sequence[str] | None = None, *, outside: Outside | None = None) -> int:
    """The exit code: 0 all is well, 1 a feed failed, 2 wrong usage or configuration.

    130 if it was interrupted before its work was done, 141 if nobody wanted its output.
    """
    _open_streams()
    try:
        code = _performed(argv, outside or Outside())
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        return _PIPE_BROKEN
    except OSError as error:  # of the output; all others are told where they happen
        what = error.filename or "the output cannot be written"
        complain(f"{what}: {error.strerror}")
        _discard_output()
        return 1
    return code


def _performed(argv: Sequence[str] | None, outside: Outside) -> int:
    """Return the exit code of the command that is asked for. Raises: OSError of its output."""
    try:
        arguments = parse_arguments(sys.argv[1:] if argv is None else argv)
        # Each command's module has the command's name, and a function of that name.
        module = import_module(f"feedmirror.entrypoints.cli.{arguments.command}")
        perform: Callable[..., int] = getattr(module, arguments.command)
        return perform(arguments, outside)
    except ConfigError as error:
        complain(*error.problems)
        return 2
    except StoreError as error:  # of no one feed, or that feed's would say so
        complain(str(error))
        return 1
    except SystemExit as ended:  # how argparse ends: after --help, or with a complaint
        return ended.code if isinstance(ended.code, int) else 0
    except KeyboardInterrupt:
        return _INTERRUPTED


def _open_streams() -> None:
    """Have closed streams lead nowhere, and others show what their encoding allows."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # else the next file that is opened would be taken for it
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - stays
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Let the interpreter flush at its end without a second complaint."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
