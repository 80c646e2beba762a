"""What the tests of the command share: the command in this process, or in one of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from feedmirror.adapters.origin.client import HttpOrigin
from feedmirror.entrypoints.cli import main
from feedmirror.entrypoints.cli.command import Resources
from locations import ROOT
from parsers import InProcessParser

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "functions"), "TERM": "xterm"}
for variable in ("NO_COLOR", "COLUMNS", "FORCE_COLOR", "POWERTOOLS_DEV", "POWERTOOLS_LOG_LEVEL"):
    ENVIRONMENT.pop(variable, None)


def resources(clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Resources:
    """Resources with a parser in this process, to which loopback is a public address."""
    return Resources(
        start_parser=lambda: nullcontext(InProcessParser()),
        web=lambda now: HttpOrigin(now=now, is_public=lambda _address: True),
        clock=clock,
    )


def feedmirror(*argv: object, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> int:
    """The exit code of the command, run in this process."""
    return main([str(word) for word in argv], resources=resources(clock))


def spawn(*argv: object, cwd: Path, **options) -> subprocess.Popen[str]:
    """The command in a process of its own, with the real parser; its output goes into pipes."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "feedmirror", *map(str, argv)],
        cwd=cwd,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def write_config(path: Path, feeds: dict[str, str], top: str = "", each: str = "") -> None:
    """A feeds.toml in a folder, of slugs and addresses on loopback."""
    tables = (
        f'[feeds.{slug}]\nurl = "{url}"\nallow_private_hosts = true\n{each}\n'
        for slug, url in feeds.items()
    )
    (path / "feeds.toml").write_text(f"{top}\n{''.join(tables)}")


@dataclass
class Terminal:
    """A process on a terminal: what it writes there, and a keyboard."""

    argv: Sequence[str]
    cwd: Path
    columns: int = 80
    output: str = ""
    _pid: int = field(init=False)
    _end: int = field(init=False)

    def __enter__(self) -> Terminal:
        self._pid, self._end = pty.fork()
        if self._pid == 0:
            try:
                fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, self.columns, 0, 0))
                os.chdir(self.cwd)
                os.execve(self.argv[0], list(self.argv), ENVIRONMENT)
            finally:
                os._exit(99)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._end)
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)

    def press(self, keys: str) -> None:
        """Type; `\\x03` is Ctrl-C."""
        os.write(self._end, keys.encode())

    def wait_for(self, words: str, timeout_s: float = 20) -> None:
        """Read on until the words have appeared."""
        deadline = time.monotonic() + timeout_s
        while words not in self.output:
            assert time.monotonic() < deadline, self.output
            assert self._read(), f"ended without {words!r}: {self.output}"

    def exit_code(self, timeout_s: float = 20) -> int:
        """Read on to its end."""
        deadline = time.monotonic() + timeout_s
        while self._read():
            assert time.monotonic() < deadline, self.output
        pid, self._pid = self._pid, 0
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def _read(self) -> bool:
        """Whether there may be more."""
        if not select.select([self._end], [], [], 0.05)[0]:
            return True
        try:
            data = os.read(self._end, 65_536)
        except OSError:  # EIO: the other side has closed it. Source: pty(7)
            return False
        self.output += data.decode("utf-8", "replace")
        return bool(data)


def when(condition: Callable[[], bool], then: Callable[[], None]) -> threading.Thread:
    """Do something as soon as a condition holds, from another thread."""

    def wait() -> None:
        deadline = time.monotonic() + 60  # a busy machine starts a process slowly
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.01)
        then()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def interrupt() -> None:
    """Ctrl-C, if the command still runs: a test that has failed must not end the others."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        os.kill(os.getpid(), signal.SIGINT)
