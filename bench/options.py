"""The options of the benchmark."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from jobs import Job

_ABOUT = "Measure what a whole refresh costs. bench/README.md says how."
PROFILED = (Job.FIRST, Job.UNCHANGED, Job.SAME, Job.NEW)


def parse_options(argv: Sequence[str] | None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="refresh.py", description=_ABOUT)
    jobs = [job.value for job in Job]
    add = parser.add_argument
    add("--feeds", type=int, default=100, metavar="N", help="how many (100)")
    add("--rounds", type=int, default=5, metavar="N", help="of the short jobs (5)")
    add("--only", type=Job, action="append", metavar="JOB", help=f"one of {', '.join(jobs)}")
    add("--alone", action="store_true", help="feedmirror only, nothing to compare it with")
    add(
        "--store",
        choices=["directory", "s3"],
        default="directory",
        help="s3: compare a mirror in a directory with one in S3 (moto's), and nothing else",
    )
    add("--option", action="append", default=[], metavar="OPTION", help="add to `feedmirror run`")
    add(
        "--reader-python",
        default=os.environ.get("READER_PYTHON"),
        metavar="PATH",
        help="a Python that has lemon24/reader ($READER_PYTHON)",
    )
    add(
        "--profile",
        type=Job,
        choices=PROFILED,
        metavar="JOB",
        help="say where the CPU time of a job goes instead",
    )
    add("--json", action="store_true", help="one JSON document instead of tables")
    return parser.parse_args(argv)
