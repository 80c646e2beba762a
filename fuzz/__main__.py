"""Fuzz the targets one after the other, in a given time: `python -m fuzz --seconds 30`.

Exit code 0: nothing was found, or there is no atheris here; 1: there are findings; 2: wrong usage.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from fuzz.children import Result, run
from fuzz.targets import NAMES, target
from fuzz.watch import timed

_LEAST_S = 2.0  # for each target, however little there is


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code."""
    arguments = _read_arguments(argv)
    if arguments.repeat:
        return _repeat(arguments.repeat, arguments.targets)
    if importlib.util.find_spec("atheris") is None:
        print("SKIPPED: the fuzzing, since atheris is not in this environment")
        return 0
    with tempfile.TemporaryDirectory(prefix="feedmirror-fuzz-") as scratch:
        results = _fuzz(arguments, arguments.corpus or Path(scratch))
    found = [result for result in results if result.finding]
    for result in found:
        print(f"\n{result.name}: {result.complaint}\n{result.trace}")
        print(f"again: python -m fuzz --repeat {result.finding} {result.name}")
    return 1 if found else 0


def _read_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fuzz", description=(__doc__ or "").split(":", 1)[0])
    add = parser.add_argument
    add("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(NAMES)}; all by default")
    add("--seconds", type=float, default=30.0, help="for all of them together (default: 30)")
    add("--seed", type=int, default=1, help="of chance; 0: another one each time (default: 1)")
    add("--corpus", type=Path, help="folder that keeps what reached new code, for the next time")
    add("--findings", type=Path, default=Path(".fuzz/findings"), help="where findings are put")
    add("--repeat", type=Path, metavar="FILE", help="check this one input, without atheris")
    arguments = parser.parse_args(argv)
    if unknown := sorted(set(arguments.targets) - set(NAMES)):
        parser.error(f"{', '.join(unknown)}: no such target; there are {', '.join(NAMES)}")
    return arguments


def _repeat(file: Path, names: Sequence[str]) -> int:
    """Check one input in this process, where a debugger can look on."""
    for name in names or NAMES:
        timed(target(name).check)(file.read_bytes())
        print(f"{name}: nothing is found with {file}")
    return 0


def _fuzz(arguments: argparse.Namespace, corpus: Path) -> list[Result]:
    names = arguments.targets or NAMES
    deadline_s = time.monotonic() + arguments.seconds
    print(f"{'target':12}{'seconds':>8}{'inputs':>10}{'per s':>8}{'features':>10}  finding")
    results = []
    for number, name in enumerate(names):
        share_s = (deadline_s - time.monotonic()) / (len(names) - number)
        result = run(
            name,
            seconds=max(_LEAST_S, share_s),
            seed=arguments.seed,
            corpus=corpus / name,
            findings=arguments.findings / name,
        )
        print(result.row(), flush=True)
        results.append(result)
    return results


if __name__ == "__main__":
    sys.exit(main())
