"""A run that is killed by the system itself, again and again over the same directory.

`make torture` kills a thousand.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from commands import ENVIRONMENT, ROOT, write_config
from effort import amount
from origin_server import OriginServer
from polling import Reader
from promises import Promises, Said, spelled
from scene import NOON, PUBLIC_URL
from stores import MemoryStore

pytestmark = pytest.mark.slow

KILLS = amount(18, 1_000)
A_STORE = 50  # kills over the same one: what is looked at after each grows with it
WORDS = "Kept for its readers."


@dataclass
class Command:
    """What begins commands; see staged_command.py."""

    folder: Path
    stage: subprocess.Popen[str]
    pid: int = 0

    def begin(self, now: datetime, *argv: str) -> None:
        assert self.stage.stdin is not None
        assert self.stage.stdout is not None
        self.stage.stdin.write(json.dumps([now.isoformat(), *argv, "--quiet"]) + "\n")
        self.stage.stdin.flush()
        self.pid = int(self.stage.stdout.readline())

    def end(self) -> int:
        """Its exit code, -9 if it was killed, when it has ended."""
        assert self.stage.stdout is not None
        return os.waitstatus_to_exitcode(int(self.stage.stdout.readline()))

    def kill(self) -> None:
        """Its parser too; there is no process of that id any more if it is over."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


@contextmanager
def commands(folder: Path) -> Iterator[Command]:
    """What begins commands in that folder."""
    with subprocess.Popen(
        [sys.executable, str(ROOT / "tests/support/staged_command.py")],
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as stage:
        yield Command(folder, stage)


@dataclass
class Victim:
    """A mirror in a directory, the origin that it is of, and the command that is killed."""

    command: Command
    origin: OriginServer
    chance: random.Random
    memory: MemoryStore = field(default_factory=MemoryStore)  # what lies in the directory
    said: Said = field(default_factory=lambda: {1: 1})
    hours: int = 0

    def __post_init__(self) -> None:
        self.promises = Promises(self.memory, disclaimers=[WORDS])
        self.reader = Reader(self.memory, self.promises.judge)
        self.mirror = self.command.folder / "mirror"
        top = f'public_url = "{PUBLIC_URL}"\n[defaults]\ndisclaimer = "{WORDS}"\nkeep = 3\n'
        write_config(self.command.folder, {"news": self.origin.url("/feed")}, top)

    @property
    def now(self) -> datetime:
        return NOON + timedelta(hours=self.hours)

    def origin_goes_on(self) -> None:
        """A few entries more, and now and then an edit of one that it may show no longer."""
        newest = max(self.promises.ever, default=1)
        new = dict.fromkeys(range(newest + self.chance.randint(1, 4), newest, -1), 1)
        said = dict(list({**new, **self.said}.items())[:8])
        if self.promises.ever and self.chance.random() < 0.3:
            number = self.chance.choice(list(self.promises.ever))
            said = {**said, number: max(self.promises.ever[number]) + 1}
        self.said = said
        self.hours += 7
        self.origin.serve("/feed", spelled(said), etag=f'"{self.hours}"')

    def finish(self, *argv: str) -> tuple[float, float]:
        """When it wrote for the first time, and when it came to its end: seconds from its begin."""
        before, began, wrote = self.stamps(), time.monotonic(), 0.0
        self.command.begin(self.now, *argv)
        while not wrote and self._is_running():
            time.sleep(0.001)
            wrote = time.monotonic() - began if self.stamps() != before else 0.0
        assert self.command.end() == 0
        took_s = time.monotonic() - began
        if argv[0] == "run":
            self.promises.was_read(self.said)
        self.look()
        return wrote, took_s

    def _is_running(self) -> bool:
        """Whether its end has not been taken note of."""
        try:
            os.kill(self.command.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self, after_s: float, *argv: str) -> bool:
        """Whether it was killed before its end, so long after it had begun."""
        self.promises.may_have_been_read(self.said)
        self.command.begin(self.now, *argv)
        time.sleep(after_s)
        self.command.kill()
        code = self.command.end()
        assert code in {0, -signal.SIGKILL}
        return code != 0

    def look(self) -> None:
        """Raises: AssertionError if what lies there now is less than was promised."""
        self.memory.objects.clear()
        self.memory.objects.update(self._files())
        self.reader.look_at_all()
        self.promises.check_always(self.now)

    def _files(self) -> Iterator[tuple[str, bytes]]:
        for path in self.stamps():
            key = path.relative_to(self.mirror).as_posix()
            if not key.startswith("."):
                yield key, path.read_bytes()

    def temporary(self) -> set[Path]:
        """What is left of writes that did not come to their end."""
        return set(self.mirror.glob(".tmp/*"))

    def stamps(self) -> dict[Path, int]:
        """When each object was last written."""
        folders = os.walk(self.mirror)
        paths = (Path(where, name) for where, _, names in folders for name in names)
        found = {}
        for path in paths:
            with contextlib.suppress(FileNotFoundError):  # a temporary file, a moment ago
                found[path] = path.stat().st_mtime_ns
        return found


@pytest.mark.row("S1", "U1", "U2", "U5")
def test_runs_that_are_killed_at_any_moment_leave_all_whole_and_lose_nothing(
    tmp_path: Path,
) -> None:
    rounds = [min(A_STORE, KILLS - begun) for begun in range(0, KILLS, A_STORE)]
    found = []
    for number, kills in enumerate(rounds):
        (folder := tmp_path / str(number)).mkdir()
        with OriginServer() as origin, commands(folder) as command:
            found.append(_killed(Victim(command, origin, random.Random(number)), kills))
        shutil.rmtree(folder)
    running, left = (sum(each) for each in zip(*found, strict=True))
    # For `pytest -s`.
    sys.stdout.write(f"{running} of {KILLS} died before their end; {left} left a file behind\n")
    assert running >= KILLS / 4  # how many depends on how busy the machine is


def _killed(victim: Victim, kills: int) -> tuple[int, int]:
    """How many of the kills met it alive, and how many left a temporary file."""
    running = left = 0
    for _ in range(3):
        victim.origin_goes_on()
        length_s = {name: victim.finish(*name.split()) for name in ("run", "rebuild news")}
    for number in range(kills):
        victim.origin_goes_on()
        name = "rebuild news" if number % 6 == 5 else "run"
        wrote_s, took_s = length_s[name]
        before = victim.temporary()
        running += victim.kill(victim.chance.uniform(wrote_s * 0.8, took_s), *name.split())
        left += bool(victim.temporary() - before)
        victim.look()
    _assert_kept(victim)
    return running, left


def _assert_kept(victim: Victim) -> None:
    """By one run that nothing disturbs; the next one has nothing to do."""
    victim.finish("run")
    victim.promises.check_kept(WORDS)
    assert victim.temporary() == set()
    before = victim.stamps()
    victim.finish("run")
    assert victim.stamps() == before
