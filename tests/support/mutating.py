"""Runs tests on a program with one guard taken away: `python tests/support/mutating.py AREA`.

A fifth of the mutants at each change, all of them with FEEDMIRROR_EXHAUSTIVE set. The tests' own
sweeps are no longer for that.

One process imports what all tests need, but nothing of the program, and forks a child for each
mutant. That copies the program, with one piece of text replaced in one module, and runs the tests
that are named for the guard on the copy. Processes that these start import the copy, too.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from locations import TESTS

PROGRAM = TESTS.parent / "functions" / "feedmirror"
# What takes long to import and is no part of the program.
_HEAVY = (
    "pytest hypothesis hypothesis.strategies lxml.etree lxml.html feedparser nh3 jinja2 urllib3 "
    "http.server ssl concurrent.futures html.parser pdb xdist.plugin xdist.scheduler "
    "xml.etree.ElementTree"
)
_HEAVY_OF_S3 = "boto3 moto moto.server moto.s3.responses"

_LONGEST_S = 60
_AT_ONCE = 3  # some wait for deadlines, and do nothing meanwhile


@dataclass(frozen=True, slots=True)
class Mutant:
    """The program without one of its guards."""

    guard: str  # a sentence: what is not so any more
    file: str  # below the package
    old: str  # stands in it once
    new: str
    tests: tuple[str, ...]  # node ids below tests/; each has to fail

    def source(self) -> str:
        """The changed source. Raises: ValueError if the guard is not where it was."""
        source = (PROGRAM / self.file).read_text("utf-8")
        if source.count(self.old) != 1:
            raise ValueError(
                f"{self.file}: {self.old!r} stands in it {source.count(self.old)} times"
            )
        return source.replace(self.old, self.new)


def tried(mutants: Sequence[Mutant], *, is_exhaustive: bool) -> tuple[Mutant, ...]:
    """Return a seventh of the mutants of an area; all of them in an exhaustive run."""
    return tuple(mutants[:: 1 if is_exhaustive else 7])


def outcomes(mutants: Sequence[Mutant]) -> Iterator[tuple[str, str, int]]:
    """For each mutant and each of its tests, pytest's exit code: 0 is what must not be, 1 is what
    must; and first, under no guard's name, that of all the tests on the program as it is.
    """
    nodes = [node for mutant in mutants for node in mutant.tests]
    needs_s3 = any(node.startswith("test_s3") for node in nodes)
    for name in f"{_HEAVY} {_HEAVY_OF_S3 if needs_s3 else ''}".split():
        importlib.import_module(name)
    yield "", "all", _ended({_forked(PROGRAM.parent, list(dict.fromkeys(nodes))): ("", "")})[2]
    running: dict[int, tuple[str, str]] = {}  # by process id: guard and test
    with TemporaryDirectory() as copies:
        for number, mutant in enumerate(mutants):
            folder = Path(copies, str(number))
            shutil.copytree(PROGRAM, folder / PROGRAM.name)
            (folder / PROGRAM.name / mutant.file).write_text(mutant.source(), "utf-8")
            for node in mutant.tests:
                if len(running) == _AT_ONCE:
                    yield _ended(running)
                running[_forked(folder, [node])] = mutant.guard, node
        while running:
            yield _ended(running)


def _ended(running: dict[int, tuple[str, str]]) -> tuple[str, str, int]:
    """The outcome of the child that ends next; it is taken out of `running`."""
    child, status = os.wait()
    return *running.pop(child), os.waitstatus_to_exitcode(status)


def _forked(folder: Path, nodes: Sequence[str]) -> int:
    """The process id of a fork of this process, which exits with pytest's code for the tests on the
    program in that folder.
    """
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = _tested(folder, nodes)
        finally:
            os._exit(code)
    return child


def _tested(folder: Path, nodes: Sequence[str]) -> int:
    import pytest

    if folder != PROGRAM.parent:
        signal.alarm(_LONGEST_S)  # which is no failure of a test, so what hangs is no proof
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    options = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-p", "no:cov", "-n", "0"]
    # What is imported already is not rewritten, and need not be.
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    options += ["-o", f"pythonpath={folder} functions/build tests/support"]
    options += ["-o", "faulthandler_timeout=0", "-c", str(TESTS.parent / "pyproject.toml")]
    return int(pytest.main([*options, *(f"{TESTS}/{node}" for node in nodes)]))


def main() -> None:
    """Print the outcomes of an area's mutants, a line of JSON each."""
    from mutants import AREAS

    # Taken out, so that a test that is to fail within a minute does not take hours.
    is_exhaustive = bool(os.environ.pop("FEEDMIRROR_EXHAUSTIVE", ""))
    for outcome in outcomes(tried(AREAS[sys.argv[1]], is_exhaustive=is_exhaustive)):
        sys.stdout.write(f"{json.dumps(outcome)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
