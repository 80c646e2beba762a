"""The programs that are measured: how each is started, and how to see that it did its work."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from jobs import ENTRIES, ROOT, Job
from measure import ProgramFailed
from s3 import BUCKET, S3

_SUBJECTS = str(Path(__file__).with_name("subjects.py"))
_ALL = frozenset({Job.FIRST, Job.UNCHANGED, Job.SAME, Job.NEW})


class Program(Protocol):
    """A program that refreshes feeds, in a folder of its own."""

    name: str
    jobs: frozenset[Job]  # that it is measured in
    folder: Path
    urls: Sequence[str]

    def renew(self) -> None:
        """Forget all feeds."""
        ...

    def command(self) -> list[str]:
        """How a refresh is started."""
        ...

    def check(self, job: Job) -> None:
        """Nothing, if the last refresh did what the job is about. Raises: ProgramFailed."""
        ...


def clean_env(folder: Path, **more: str) -> dict[str, str]:
    """The environment of every program: nothing of the caller's but where programs are.

    Bytecode is written (and read) below `folder`, as if the packages had been installed.
    """
    own = {"HOME": str(folder), "LANG": "C.UTF-8", "PYTHONPYCACHEPREFIX": str(folder / "pyc")}
    return {"PATH": os.environ.get("PATH", os.defpath), **own, **more}


@dataclass(slots=True)
class Feedmirror:
    """This program, as the command that cron starts."""

    folder: Path
    urls: Sequence[str]
    options: Sequence[str] = ()
    entries: int = ENTRIES
    s3: S3 | None = None  # keeps the mirror; None: a directory does
    name: str = "feedmirror"
    jobs: frozenset[Job] = _ALL
    _mirrors: int = field(default=0, init=False)  # that were begun

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        tables = (
            f'[feeds.f{number:03}]\nurl = "{url}"\nallow_private_hosts = true\n'
            for number, url in enumerate(self.urls)
        )
        (self.folder / "feeds.toml").write_text("\n".join(tables))

    def renew(self) -> None:
        self._mirrors += 1
        shutil.rmtree(self.folder / "store", ignore_errors=True)

    def arguments(self) -> list[str]:
        """What follows the name of the command."""
        store = f"s3://{BUCKET}/{self.folder.name}/{self._mirrors}" if self.s3 else "store"
        return ["run", "--config", "feeds.toml", "--store", store, "--json", *self.options]

    def command(self) -> list[str]:
        return [sys.executable, "-m", "feedmirror", *self.arguments()]

    def check(self, job: Job) -> None:
        text = (self.folder / "stdout").read_text()
        feeds = json.loads(text[text.index("{") :])["feeds"]
        first = ("changed", 200, self.entries)
        expected = {
            Job.FIRST: first,
            Job.UNCHANGED: ("unchanged", 304, 0),
            Job.SAME: ("unchanged", 200, 0),
            Job.NEW: ("changed", 200, 1),
        }.get(job, first)
        found = [(feed["outcome"], feed["http_status"], feed["new"]) for feed in feeds]
        if found != [expected] * len(self.urls):
            odd = next((one for one in found if one != expected), None)
            raise ProgramFailed(f"feedmirror: {job.value}: {odd} instead of {expected}")


def feedmirror_env(folder: Path) -> dict[str, str]:
    """The environment that finds the package in the working tree."""
    return clean_env(folder, PYTHONPATH=str(ROOT / "functions"))


@dataclass(slots=True)
class Newsboat:
    """The Debian package: C++, libxml2, libcurl and SQLite."""

    folder: Path
    urls: Sequence[str]
    name: str = "newsboat"
    jobs: frozenset[Job] = _ALL
    _total: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        (self.folder / "urls").write_text("\n".join(self.urls) + "\n")
        (self.folder / "config").write_text("")

    def renew(self) -> None:
        self._total = 0
        for path in self.folder.glob("cache.db*"):
            path.unlink()

    def command(self) -> list[str]:
        return "newsboat -u urls -c cache.db -C config -x reload".split()

    def check(self, job: Job) -> None:
        with closing(sqlite3.connect(self.folder / "cache.db")) as database:
            [(total,)] = database.execute("SELECT count(*) FROM rss_item")
        _check_growth(self, job, total - self._total)
        self._total = total


@dataclass(slots=True)
class Reader:
    """lemon24/reader: Python, feedparser and SQLite."""

    folder: Path
    urls: Sequence[str]
    python: str  # of an environment that has it
    name: str = "reader"
    jobs: frozenset[Job] = _ALL

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)

    def renew(self) -> None:
        for path in self.folder.glob("reader.db*"):
            path.unlink()

    def command(self) -> list[str]:
        return [self.python, _SUBJECTS, "reader", "reader.db", *self.urls]

    def check(self, job: Job) -> None:
        _check_growth(self, job, json.loads((self.folder / "stdout").read_text())["new"])


def _check_growth(program: Newsboat | Reader, job: Job, new: int) -> None:
    """Nothing, if that many new entries are right. Raises: ProgramFailed."""
    expected = {Job.FIRST: ENTRIES, Job.NEW: 1}.get(job, 0) * len(program.urls)
    if new != expected:
        message = f"{program.name}: {job.value}: {new} new entries instead of {expected}"
        raise ProgramFailed(message)


def parse_command(library: str, documents: Path) -> list[str]:
    """How all documents are parsed by a library, and nothing else."""
    return [sys.executable, _SUBJECTS, library, str(documents)]


def client_command() -> list[str]:
    """How a client of S3 is made, and nothing else."""
    return [sys.executable, _SUBJECTS, "s3_client"]


# ---------------------------------------------------------------- what there is


def newsboat_version() -> str | None:
    """The version of newsboat, or None where there is none."""
    if not shutil.which("newsboat"):
        return None
    said = subprocess.run(["newsboat", "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+(?:\.\d+)?", said.stdout)
    return found[0] if found else "?"


def reader_version(python: str | None) -> str | None:
    """The version of lemon24/reader that the interpreter has, or None."""
    if not python or not shutil.which(python):
        return None
    code = "import reader; print(reader.__version__)"
    said = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return said.stdout.strip() or None
