"""Lambda on this machine: AWS's own emulator, with the runtime for Python that Lambda has.

    with Emulator(function, variables, timeout_s=5) as emulator:
        run = emulator.invoke({"feeds": ["one"]})
        assert run.answer["changed"] == 1
        assert run.line("run finished")["new"] == 2

The emulator starts the function at the first invocation, kills it when its time is over, and starts
it anew at the next, as Lambda does. It knows no memory limit, and its file system can be written.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runtime_tools import require_emulator, require_lambda_python

HANDLER = "feedmirror.entrypoints.aws.mirror.handler"
_PATH = "/2015-03-31/functions/function/invocations"
_LONGEST_S = 120  # that an emulator may live, whatever becomes of the test


@dataclass(frozen=True, slots=True)
class Invocation:
    """One invocation, and what was logged meanwhile."""

    answer: Any  # what the function returned; for one that failed, what the runtime makes of it
    log: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of the log that are JSON."""
        return json_lines(self.log)

    def line(self, message: str) -> dict[str, Any]:
        """The one line with that message."""
        (found,) = (line for line in self.lines if line.get("message") == message)
        return found


def json_lines(log: str) -> list[dict[str, Any]]:
    """The lines that are JSON: all but those of the emulator itself."""
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


@dataclass(slots=True)
class Emulator:
    """A function in its emulator, from `with` to the end of it."""

    function: Path  # as it was built
    runtime: Path  # with Lambda's runtime for Python
    folder: Path  # for the log
    variables: Mapping[str, str]
    timeout_s: int = 60
    options: tuple[str, ...] = ()  # of Python
    _process: subprocess.Popen[bytes] = field(init=False)
    _port: int = 0
    runtime_port: int = 0  # where the runtime hands out events

    def __enter__(self) -> Emulator:
        self._port, self.runtime_port = _free_ports()
        command = [require_emulator()]
        command += ["--runtime-interface-emulator-address", f"127.0.0.1:{self._port}"]
        command += ["--runtime-api-address", f"127.0.0.1:{self.runtime_port}"]
        # Without site-packages: the function has what it brings along and what Lambda has.
        command += [require_lambda_python(), "-S", *self.options, "-m", "awslambdaric", HANDLER]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["timeout", "--kill-after=5", str(_LONGEST_S), *command],
                cwd=self.function,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        eventually(self._listens, self.log)
        return self

    def __exit__(self, *_: object) -> None:
        left = self.processes()
        self._process.terminate()
        self._process.wait(10)
        for pid in left:  # the emulator kills the function, which may have others
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def invoke(self, event: object) -> Invocation:
        """Invoke the function, and wait for its answer."""
        before = self.log()
        over = re.compile(r"^REPORT |\(rapid\) Invoke DONE failed", re.MULTILINE)
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_LONGEST_S)
        try:
            connection.request("POST", _PATH, json.dumps(event))
            body = connection.getresponse().read().decode()
        finally:
            connection.close()
        eventually(lambda: over.search(self.log(), len(before)) is not None, self.log)
        with suppress(ValueError):  # the emulator's own words are no JSON
            body = json.loads(body)
        return Invocation(body, self.log()[len(before) :])

    def invoke_until_done(self) -> list[Invocation]:
        """Invoke the function until it skips no feed: a busy machine may take it several times."""
        done = [self.invoke({})]
        while done[-1].answer.get("skipped") != []:
            assert len(done) < 10, self.log()
            done.append(self.invoke({}))
        return done

    def log(self) -> str:
        """All that the function and the emulator have said."""
        return self._log.read_text()

    def processes(self) -> list[int]:
        """The processes of the function: the runtime's first, then those that it began."""
        found, parents = [], [self._process.pid]
        while parents:
            parents = [pid for parent in parents for pid in children(parent)]
            found += parents
        return found[1:]  # the first is the emulator, a child of `timeout`

    @property
    def _log(self) -> Path:
        return self.folder / "log.txt"

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1):
            return True
        assert self._process.poll() is None, self.log()
        return False

    def _environment(self) -> dict[str, str]:
        """What Lambda sets, and the variables; nothing of this process's own."""
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(self.runtime),
            "TZ": ":UTC",
            "LAMBDA_TASK_ROOT": str(self.function),
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(self.timeout_s),
            "AWS_LAMBDA_FUNCTION_NAME": "mirror",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": "INFO",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            **self.variables,
        }


def eventually(holds: Callable[[], bool], log: Callable[[], str], within_s: float = 10) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, log()
        time.sleep(0.01)


def children(pid: int) -> list[int]:
    """The processes that a process began, oldest first."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return sorted(
            int(each) for task in tasks for each in (task / "children").read_text().split()
        )
    except OSError:
        return []


def status(pid: int) -> dict[str, str]:
    """What Linux says of a process: its `State`, its `Threads`; nothing of one that is no more."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _free_ports() -> tuple[int, int]:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        return one.getsockname()[1], two.getsockname()[1]
