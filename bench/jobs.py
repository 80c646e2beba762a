"""What is measured: the jobs, and the documents that they are about."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path += [
    str(ROOT / "tests" / "support"),
    str(ROOT / "functions"),
    str(ROOT / "functions" / "build"),
]

from bigfeed import big_feed  # noqa: E402 - the tests are no package

ENTRIES = 30
LARGE_ENTRIES = 1690  # come to 9.8 MB; more than 10,000,000 bytes are refused by default
MB = 1_000_000


class Job(Enum):
    """One refresh of all feeds, by the name that `--only` takes."""

    FIRST = "first"
    UNCHANGED = "304"
    SAME = "same"
    NEW = "new"
    ONE = "one"
    LARGE = "large"


@dataclass(frozen=True, slots=True)
class Limits:
    """What DESIGN promises of a job; None: nothing."""

    cpu_s: float | None = None  # for 100 feeds
    memory: int | None = None  # bytes, of all processes together


ABOUT = {
    Job.FIRST: "first run: every feed is new",
    Job.UNCHANGED: "every origin answers 304",
    Job.SAME: "every origin sends the same bytes with 200",
    Job.NEW: f"one new entry in {ENTRIES} in every feed",
    Job.ONE: "first run of a single usual feed",
    Job.LARGE: "first run of a single feed of 10 MB",
}
LIMITS = {
    Job.FIRST: Limits(memory=100 * MB),
    Job.UNCHANGED: Limits(cpu_s=0.5, memory=100 * MB),
    Job.SAME: Limits(memory=100 * MB),
    Job.NEW: Limits(cpu_s=1.5, memory=100 * MB),
    Job.ONE: Limits(memory=100 * MB),
    Job.LARGE: Limits(memory=300 * MB),
}


def write_documents(folder: Path, feeds: int, versions: int, *, large: bool = True) -> None:
    """FOLDER/VERSION/NNN.xml, each version with one new entry in every feed; and large.xml."""
    for version in range(versions):
        (folder / str(version)).mkdir(parents=True)
        for number in range(feeds):
            name = f"{number:03}.xml"
            document = big_feed(ENTRIES, seed=number, first=version)
            (folder / str(version) / name).write_bytes(document)
    if large:
        (folder / "0" / "large.xml").write_bytes(big_feed(LARGE_ENTRIES, seed=10_000))
