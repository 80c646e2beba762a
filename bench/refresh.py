"""The benchmark of a whole refresh: `python bench/refresh.py`. README.md says what it measures."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jobs import ENTRIES, LARGE_ENTRIES, Job, write_documents
from measure import ProgramFailed, measure
from options import parse_options
from origin import Origin
from programs import (
    Feedmirror,
    Newsboat,
    Program,
    Reader,
    clean_env,
    client_command,
    feedmirror_env,
    newsboat_version,
    parse_command,
    reader_version,
)
from report import ON_S3, OWN, Report, write_json, write_tables
from s3 import S3

Make = Callable[[Path, Sequence[str]], Program]  # in that folder, with those feeds

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
        return self.origin.url(f"{name}.xml")

    def env(self, program: Program) -> dict[str, str]:
        """What a program is started with."""
        if isinstance(program, Feedmirror):
            return feedmirror_env(self.folder) | (program.s3.env if program.s3 else {})
        return clean_env(self.folder)

    def run(self, program: Program, job: Job, version: int = 0, *, count: bool = True) -> None:
        """One job at that version of the documents; its cost is reported if it `count`s.

        Raises: ProgramFailed, also if it was not asked for what the job is about.
        """
        self.origin.serve(version, conditional=job is not Job.SAME)
        s3 = program.s3 if isinstance(program, Feedmirror) else None
        if s3:
            s3.requests()
        cost = measure(program.command(), env=self.env(program), folder=program.folder)
        answers = self.origin.serve(version, conditional=True)
        program.check(job)
        feeds = len(program.urls)
        if answers != ((0, feeds) if job is Job.UNCHANGED else (feeds, 0)):
            raise ProgramFailed(f"{program.name}: {job.value}: (documents, 304) were {answers}")
        if count and job in self.wanted:
            self.report.add(job, program.name, cost)
            if s3:
                self.report.requests.setdefault(job, []).append(s3.requests())
            print(f"{job.value} {program.name} {cost.cpu_s:.2f} s CPU", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 whatever was measured, unless a program fails at its job."""
    arguments = parse_options(argv)
    with tempfile.TemporaryDirectory(prefix="feedmirror-bench-") as temporary:
        folder = Path(temporary)
        write_documents(folder / "documents", arguments.feeds, arguments.rounds + 1)
        with ExitStack() as stack:
            origin = stack.enter_context(Origin(folder / "documents"))
            s3 = stack.enter_context(S3()) if arguments.store == "s3" else None
            wanted = frozenset(arguments.only or Job)
            report = Report(arguments.feeds, versions={"python": sys.version.split()[0]})
            bench = Bench(folder, origin, arguments.feeds, arguments.rounds, wanted, report)
            if arguments.profile:
                from profiling import profile

                program = Feedmirror(folder / OWN, bench.urls(), arguments.option)
                profile(program, origin, arguments.profile, folder / "documents")
                return 0
            _measure_all(bench, arguments, s3)
    report.load.append(os.getloadavg()[0])
    if arguments.json:
        write_json(report)
    else:
        write_tables(report)
    return 0


def _measure_all(bench: Bench, arguments: argparse.Namespace, s3: S3 | None) -> None:
    programs = [_warmed_up(bench, *named) for named in _makers(bench, arguments, s3).items()]
    turns = [_rounds(bench, program) for program in programs]
    # In turn, so that whatever else the machine does meanwhile meets all of them.
    while turns:
        turns = [turn for turn in turns if next(turn, None)]
    _measure_single_feeds(bench, arguments)
    if s3:
        env = clean_env(bench.folder, **s3.env)
        for _ in range(bench.rounds):
            bench.report.clients.append(measure(client_command(), env=env, folder=bench.folder))
    _measure_parsing(bench, arguments)


def _makers(bench: Bench, arguments: argparse.Namespace, s3: S3 | None) -> dict[str, Make]:
    """The programs that are here and have not been left out, by name."""
    makers: dict[str, Make] = {OWN: partial(Feedmirror, options=arguments.option)}
    if s3:
        makers[ON_S3] = partial(Feedmirror, options=arguments.option, s3=s3, name=ON_S3)
        return makers
    if arguments.alone:
        return makers
    versions = bench.report.versions
    versions["newsboat"] = newsboat_version()
    if versions["newsboat"]:
        makers["newsboat"] = Newsboat
    versions["reader"] = reader_version(arguments.reader_python)
    if versions["reader"]:
        makers["reader"] = partial(Reader, python=arguments.reader_python)
    return makers


def _warmed_up(bench: Bench, name: str, make: Make) -> Program:
    """The program, after a round that does not count: it compiles what is imported, and reads it
    from the disk.
    """
    small = make(bench.folder / f"{name}-warm-up", bench.urls()[:1])
    for job, version in ((Job.FIRST, 0), (Job.NEW, 1)):
        bench.run(small, job, version, count=False)
    shutil.rmtree(small.folder)
    return make(bench.folder / name, bench.urls())


def _rounds(bench: Bench, program: Program) -> Iterator[bool]:
    """A round of all jobs, whenever the next one is asked for.

    First runs are slow and done in fewer rounds; the others' programs have three, reader one.
    """
    slow = max(1, bench.rounds // 3)
    most = {OWN: bench.rounds, ON_S3: bench.rounds, "reader": 1}.get(program.name, 3)
    version = 0
    for number in range(min(bench.rounds, most)):
        if number < slow:
            program.renew()
            version = 0
            bench.run(program, Job.FIRST)
            if isinstance(program, Newsboat):  # it keeps no validators of a feed's first document
                bench.run(program, Job.SAME, count=False)
        for job in _REPEATED:
            if job in program.jobs & bench.wanted:
                version += job is Job.NEW
                bench.run(program, job, version)
        yield True


def _measure_single_feeds(bench: Bench, arguments: argparse.Namespace) -> None:
    for job, name, entries in ((Job.ONE, "000", ENTRIES), (Job.LARGE, "large", LARGE_ENTRIES)):
        if job not in bench.wanted:
            continue
        folder = bench.folder / job.value
        program = Feedmirror(folder, [bench.url(name)], arguments.option, entries)
        for _ in range(1 if job is Job.LARGE else bench.rounds):
            program.renew()
            bench.run(program, job)


def _measure_parsing(bench: Bench, arguments: argparse.Namespace) -> None:
    """What libraries need to parse the same bytes once."""
    if arguments.alone or arguments.store == "s3" or not bench.wanted & {Job.FIRST, Job.NEW}:
        return
    for library, rounds in (("lxml", bench.rounds), ("feedparser", 1)):
        folder = bench.folder / library
        folder.mkdir()
        command = parse_command(library, bench.documents)
        for _ in range(rounds):
            cost = measure(command, env=clean_env(bench.folder), folder=folder)
            bench.report.add_parse(library, cost)


if __name__ == "__main__":
    sys.exit(main())
