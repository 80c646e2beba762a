"""A function as Lambda runs it: built, in a process of its own under AWS's runtime for Python.

The Runtime API that it asks for events is a stub in this process, not the emulator of the SAM CLI:
so the process that is measured is the function's alone, and each moment is taken where it happens,
at the request for the first event and at the answer to each.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Self

from measure import Family, ProgramFailed
from runtime_api import DEADLINE_S, Moment, RuntimeApi

_EVERY_S = 0.005  # between two looks at the memory


@dataclass(frozen=True, slots=True)
class Lambda:
    """What functions are run with."""

    python: str
    runtime: Path  # a folder with awslambdaric, and what that imports
    memory_mb: int = 512


@dataclass(frozen=True, slots=True)
class Turn:
    """One invocation."""

    wall_s: float
    cpu_s: float
    answer: Any


@dataclass(slots=True)
class Function:
    """A function that is started by `with`, and killed at its end, as Lambda does it."""

    lambda_: Lambda
    code: Path  # as it was built
    handler: str
    variables: Mapping[str, str]
    folder: Path  # for what it writes: `log`
    watched: bool = False  # whether its memory is looked at, which takes time
    started: Moment = field(init=False)  # when it asked for the first event
    family: Family = field(init=False)
    _api: RuntimeApi = field(init=False)
    _process: subprocess.Popen[bytes] = field(init=False)
    _over: threading.Event = field(init=False, default_factory=threading.Event)
    _looking: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self._api = RuntimeApi()
        threading.Thread(target=self._api.serve_forever, args=(0.05,), daemon=True).start()
        with (self.folder / "log").open("wb") as log:
            began = time.perf_counter()
            self._process = subprocess.Popen(
                [self.lambda_.python, "-S", "-m", "awslambdaric", self.handler],
                cwd=self.code,
                env=self._env(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.family = Family(self._process.pid)
        self._api.now = lambda: self._moment(began)
        if self.watched:
            threading.Thread(target=self._watch, daemon=True).start()
        try:
            self.started = self._next(self._api.asked)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with self._looking:
            self.family.look()
        self._process.kill()
        self._process.wait()
        self._api.shutdown()
        self._api.server_close()

    def invoke(self, event: object) -> Turn:
        """What the event came to. Raises: ProgramFailed."""
        before = self._api.now()
        self._api.events.put(event)
        after, kind, answer = self._next(self._api.answers)
        if kind != "response":
            raise ProgramFailed(f"{self.handler}: {kind}: {answer}\n{self.log()}")
        self._next(self._api.asked)
        return Turn(after.wall_s - before.wall_s, after.cpu_s - before.cpu_s, answer)

    def log(self) -> str:
        """All that it has said."""
        return (self.folder / "log").read_text("utf-8", "replace")

    def _moment(self, began: float) -> Moment:
        wall_s = time.perf_counter() - began
        with self._looking:
            return Moment(wall_s, self.family.cpu_so_far_s())

    def _next(self, queue: Queue[Any]) -> Any:
        """The next of the queue. Raises: ProgramFailed if the function comes to an end before."""
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                return queue.get(timeout=0.2)
            except Empty:
                continue
        raise ProgramFailed(f"{self.handler} has died or hangs:\n{self.log()[-2000:]}")

    def _watch(self) -> None:
        while not self._over.wait(_EVERY_S):
            with self._looking:
                self.family.look()

    def _env(self) -> dict[str, str]:
        """What Lambda sets, and the variables; nothing of this process's own.

        Source: AWS Lambda Developer Guide, "Defined runtime environment variables".
        """
        return {
            "PATH": os.defpath,
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONPATH": str(self.lambda_.runtime),
            "PYTHONDONTWRITEBYTECODE": "1",  # as if the folder could not be written to
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._api.server_port}",
            "LAMBDA_TASK_ROOT": str(self.code),
            "_HANDLER": self.handler,
            "AWS_LAMBDA_FUNCTION_NAME": "bench",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.lambda_.memory_mb),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": "INFO",
            **self.variables,
        }
