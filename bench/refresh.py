"""The benchmark of a whole refresh: `python bench/refresh.py`. README.md says what it measures."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jobs import ENTRIES, LARGE_ENTRIES, Job, write_documents
from measure import measure
from origin import Origin
from programs import (
    Feedmirror,
    Newsboat,
    Program,
    Reader,
    clean_env,
    feedmirror_env,
    newsboat_version,
    parse_command,
    reader_version,
)
from report import Report, write_json, write_tables

_REPEATED = (Job.UNCHANGED, Job.SAME, Job.NEW)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where everything is, and how much of it is to be done."""

    folder: Path
    origin: Origin
    feeds: int
    rounds: int
    wanted: frozenset[Job]
    report: Report

    @property
    def documents(self) -> Path:
        """The first version of every document."""
        return self.folder / "documents" / "0"

    def urls(self) -> list[str]:
        """The addresses of the feeds."""
        return [self.url(f"{number:03}") for number in range(self.feeds)]

    def url(self, name: str) -> str:
        """The address of one document."""
        return f"http://127.0.0.1:{self.origin.port}/{name}.xml"

    def env(self, program: Program) -> dict[str, str]:
        """What a program is started with."""
        if isinstance(program, Feedmirror):
            return feedmirror_env(self.folder)
        return clean_env(self.folder)

    def run(self, program: Program, job: Job, *, count: bool = True) -> None:
        """One job, measured; its cost is reported if it `count`s and is wanted."""
        cost = measure(program.command(), env=self.env(program), folder=program.folder)
        program.check(job)
        if count and job in self.wanted:
            self.report.add(job, program.name, cost)
            print(f"{job.value} {program.name} {cost.cpu_s:.2f} s CPU", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 whatever was measured, unless a program fails at its job."""
    arguments = _arguments(argv)
    with tempfile.TemporaryDirectory(prefix="feedmirror-bench-") as temporary:
        folder = Path(temporary)
        write_documents(folder / "documents", arguments.feeds, arguments.rounds + 1)
        with Origin(folder / "documents") as origin:
            wanted = frozenset(arguments.only or Job)
            report = Report(arguments.feeds)
            bench = Bench(folder, origin, arguments.feeds, arguments.rounds, wanted, report)
            if arguments.profile:
                from profiling import profile

                program = _feedmirror(bench, arguments)
                profile(program, origin, arguments.profile, folder / "documents")
                return 0
            _measure_all(bench, arguments)
    if arguments.json:
        write_json(report)
    else:
        write_tables(report)
    return 0


def _measure_all(bench: Bench, arguments: argparse.Namespace) -> None:
    programs = _programs(bench, arguments)
    for program in programs:
        _warm_up(bench, program)
    turns = [_rounds(bench, program) for program in programs]
    # In turn, so that whatever else the machine does meanwhile meets all of them.
    while turns:
        turns = [turn for turn in turns if next(turn, None)]
    _measure_single_feeds(bench, arguments)
    _measure_parsing(bench, arguments)


def _programs(bench: Bench, arguments: argparse.Namespace) -> list[Program]:
    """Those that are here and have not been left out."""
    programs: list[Program] = [_feedmirror(bench, arguments)]
    versions = bench.report.versions
    versions["python"] = sys.version.split()[0]
    if arguments.alone:
        return programs
    versions["newsboat"] = newsboat_version()
    if versions["newsboat"]:
        programs.append(Newsboat(bench.folder / "newsboat", bench.urls()))
    versions["reader"] = reader_version(arguments.reader_python)
    if versions["reader"]:
        folder = bench.folder / "reader"
        programs.append(Reader(folder, bench.urls(), arguments.reader_python))
    return programs


def _feedmirror(bench: Bench, arguments: argparse.Namespace) -> Feedmirror:
    return Feedmirror(bench.folder / "feedmirror", bench.urls(), arguments.option)


def _warm_up(bench: Bench, program: Program) -> None:
    """A round that does not count: it compiles what is imported, and reads it from the disk."""
    folder = program.folder.with_name(f"{program.name}-warm-up")
    small = replace(program, folder=folder, urls=program.urls[:1])
    for job, version in ((Job.FIRST, 0), (Job.NEW, 1)):
        bench.origin.serve(version, conditional=True)
        bench.run(small, job, count=False)
    shutil.rmtree(folder)


def _rounds(bench: Bench, program: Program) -> Iterator[bool]:
    """A round of all jobs, whenever the next one is asked for.

    The slow ones are done less often: a first run, and all that reader does.
    """
    slow = max(1, bench.rounds // 3)
    version = 0
    for number in range(1 if isinstance(program, Reader) else bench.rounds):
        if number < slow:
            program.renew()
            version = 0
            bench.origin.serve(version, conditional=True)
            bench.run(program, Job.FIRST)
        for job in _REPEATED:
            if job in program.jobs & bench.wanted:
                version += job is Job.NEW
                bench.origin.serve(version, conditional=job is not Job.SAME)
                bench.run(program, job)
        yield True


def _measure_single_feeds(bench: Bench, arguments: argparse.Namespace) -> None:
    bench.origin.serve(0, conditional=True)
    for job, name, entries in ((Job.ONE, "000", ENTRIES), (Job.LARGE, "large", LARGE_ENTRIES)):
        if job not in bench.wanted:
            continue
        folder = bench.folder / job.value
        program = Feedmirror(folder, [bench.url(name)], arguments.option, entries)
        for _ in range(max(1, bench.rounds // 2)):
            program.renew()
            bench.run(program, job)


def _measure_parsing(bench: Bench, arguments: argparse.Namespace) -> None:
    """What libraries need to parse the same bytes once."""
    if arguments.alone or not bench.wanted & {Job.FIRST, Job.NEW}:
        return
    for library, rounds in (("lxml", bench.rounds), ("feedparser", 1)):
        folder = bench.folder / library
        folder.mkdir()
        command = parse_command(library, bench.documents)
        for _ in range(rounds):
            cost = measure(command, env=clean_env(bench.folder), folder=folder)
            bench.report.add_parse(library, cost)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    jobs = [job.value for job in Job]
    add = parser.add_argument
    add("--feeds", type=int, default=100, metavar="N", help="how many (100)")
    add("--rounds", type=int, default=5, metavar="N", help="of the short jobs (5)")
    add("--only", type=Job, action="append", metavar="JOB", help=f"one of {', '.join(jobs)}")
    add("--alone", action="store_true", help="feedmirror only, nothing to compare it with")
    add("--option", action="append", default=[], metavar="OPTION", help="add to `feedmirror run`")
    add(
        "--reader-python",
        default=os.environ.get("READER_PYTHON"),
        metavar="PATH",
        help="a Python that has lemon24/reader ($READER_PYTHON)",
    )
    add("--profile", type=Job, metavar="JOB", help="say where the CPU time of a job goes instead")
    add("--json", action="store_true", help="one JSON document instead of tables")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
