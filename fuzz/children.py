"""Each target in a child process, and what libFuzzer says of how it went."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from fuzz import PATHS, ROOT
from fuzz.targets import target

SEEDS = ROOT / "fuzz" / "seeds"
FOLDERS = {"feeds": (SEEDS / "feeds", ROOT / "tests" / "data")}  # of seeds by name, if not below
LONGEST = 8_000  # bytes of an input: what is quadratic shows, and little time is lost
_START_S = 1.5  # until a child has begun, which libFuzzer does not count
_STUCK_S = 60  # wall time of one input, after which libFuzzer gives up on it
_MEMORY_MB = 1_500
_STATUS = re.compile(r"^#(\d+)\s.*?\bft: (\d+)", re.MULTILINE)
_FINDING = re.compile(r"Test unit written to (.+)")
_TRACE = re.compile(r"=== Uncaught Python exception: ===\n(.*?)\n\n==", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Result:
    """How fuzzing one target went."""

    name: str
    seconds: float
    inputs: int
    features: int  # of coverage, as libFuzzer counts them
    finding: Path | None  # the file that repeats what was found
    trace: str  # what it raised, or the end of what was said

    @property
    def complaint(self) -> str:
        """The first line of what was found."""
        return self.trace.partition("\n")[0]

    def row(self) -> str:
        """A line of the table."""
        rate = self.inputs / self.seconds if self.seconds else 0
        found = str(self.finding or "none")
        cells = f"{self.name:12}{self.seconds:8.1f}{self.inputs:10,}{rate:8,.0f}{self.features:10,}"
        return f"{cells}  {found}"


def run(name: str, *, seconds: float, seed: int, corpus: Path, findings: Path) -> Result:
    """What fuzzing the target for so long comes to; a child that dies of itself is a finding."""
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    began_s = time.monotonic()
    command = [sys.executable, "-m", "fuzz.one", name, *_options(seconds, seed, findings)]
    seeds = [folder for kind in target(name).seeds for folder in _folders(kind)]
    done = subprocess.run(
        [*command, str(corpus), *map(str, seeds)],
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    said = done.stdout.decode("utf-8", "replace")
    counts = _STATUS.findall(said)
    inputs, features = map(int, counts[-1]) if counts else (0, 0)
    finding, trace = _found(said) if done.returncode else (None, "")
    return Result(name, time.monotonic() - began_s, inputs, features, finding, trace)


def _options(seconds: float, seed: int, findings: Path) -> list[str]:
    told = {
        "max_total_time": max(1, round(seconds - _START_S)),
        "seed": seed,
        "max_len": LONGEST,
        "timeout": _STUCK_S,
        "rss_limit_mb": _MEMORY_MB,
        "artifact_prefix": f"{findings}/",
        "dict": ROOT / "fuzz" / "tokens.dict",
    }
    return [f"-{name}={value}" for name, value in told.items()]


def _folders(kind: str) -> tuple[Path, ...]:
    return FOLDERS.get(kind, (SEEDS / kind,))


def _environment() -> dict[str, str]:
    paths = filter(None, (os.environ.get("PYTHONPATH"), *PATHS))
    # Without the seed sets have another order in each process, and a finding does not repeat.
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "0"}


def _found(said: str) -> tuple[Path, str]:
    written, trace = _FINDING.search(said), _TRACE.search(said)
    finding = Path(written[1].strip()) if written else Path(os.devnull)
    return finding, trace[1] if trace else said[-2_000:]
