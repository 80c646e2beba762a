"""Work in a child process that may crash, hang or eat memory there: the parent's side."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, Self

from feedmirror.adapters.sandbox_wire import (
    ANSWER,
    COMPLAINT_CHARS,
    FAILED,
    LAST_ANSWER,
    REPLY,
    REQUEST,
    Limits,
    Work,
    obituary,
    receive,
    too_slow,
)
from feedmirror.adapters.supervisor import Supervisor
from feedmirror.errors import FeedMirrorError


class SandboxError(FeedMirrorError):
    """The work was not done; `str()` is a predicate that says why ("took longer than 20 s")."""


class TooLongError(SandboxError):
    """The answer has more bytes than were allowed."""


class Answer(NamedTuple):
    """What `work` made of a request: a JSON value, and how many bytes that took."""

    said: object
    size: int


class Sandbox:
    """One worker at a time, forked when it is first needed, replaced when it dies or has grown.

    Threads may share it; they are served one after the other.
    """

    def __init__(self, supervise: Callable[[], Supervisor], limits: Limits) -> None:
        self._supervise = supervise
        self._supervisor = supervise()
        self._limits = limits
        self._worker: socket.socket | None = None  # idle; None: the next request forks one
        self._lock = threading.Lock()

    @classmethod
    def start(cls, work: Work, limits: Limits, *, despite_threads: bool = False) -> Self:
        """A sandbox for `work`, whose supervisor is forked here and now.

        `despite_threads` is for tests only: some test runners have threads of their own.

        Raises: RuntimeError if there are threads; OSError if no process can be had.
        """
        return cls(partial(Supervisor.start, work, limits, despite_threads=despite_threads), limits)

    def ask(self, header: Mapping[str, Any], body: bytes, answer_bytes: int) -> Answer:
        """What `work` makes of header and body, in at most `answer_bytes`.

        It comes from a process that may have been taken over: believe nothing of its shape.

        Raises: SandboxError if this request cannot be served, SupervisorGoneError if none can.
        """
        with self._lock:
            worker = self._take_worker()
            try:
                return self._converse(worker, header, body, answer_bytes)
            except TimeoutError as error:
                self._supervisor.end_worker()
                raise SandboxError(too_slow(self._limits)) from error
            except (EOFError, OSError) as error:
                status = self._supervisor.end_worker()
                raise SandboxError(obituary(status, self._limits)) from error
            finally:
                # Only one that has answered well is kept: whatever else happened, Ctrl-C
                # included, there might be something left in the pipe.
                if self._worker is None:
                    worker.close()

    def renew(self) -> None:
        """Lets go of the worker: the next request gets a fresh one."""
        with self._lock:
            self._let_go()

    def revive(self) -> None:
        """Has a new supervisor forked if the old one has died, which all requests since report.

        Raises: RuntimeError if one is needed and there are threads; OSError if none can be had.
        """
        with self._lock:
            if self._supervisor.has_died():
                self._let_go()
                self._supervisor.close()
                self._supervisor = self._supervise()

    def close(self) -> None:
        """Ends the children and waits for their end; a second time is harmless."""
        self.renew()
        with self._lock:
            self._supervisor.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _let_go(self) -> None:
        idle, self._worker = self._worker, None
        if idle is not None:
            idle.close()

    def _take_worker(self) -> socket.socket:
        """The connection to a worker that waits for a request; a fresh worker if need be."""
        idle, self._worker = self._worker, None
        if idle is not None:
            if _is_waiting(idle):
                return idle
            idle.close()
        return self._supervisor.new_worker()

    def _converse(
        self, worker: socket.socket, header: Mapping[str, Any], body: bytes, answer_bytes: int
    ) -> Answer:
        deadline = time.monotonic() + self._limits.wall_s

        def hurry() -> None:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            worker.settimeout(left_s)

        plain = json.dumps(header).encode()
        hurry()
        worker.sendall(REQUEST.pack(len(plain), len(body)) + plain)
        if body:  # else the worker has all it needs, and may be dead already
            hurry()
            worker.sendall(body)
        kind, size = REPLY.unpack(receive(worker, REPLY.size, hurry))
        if kind not in (ANSWER, LAST_ANSWER, FAILED):
            raise self._distrust(f"a reply of type {kind!r}")
        if size > answer_bytes:
            self._supervisor.end_worker()
            raise TooLongError(f"answered {size:,} bytes, where {answer_bytes:,} are the limit")
        reply = receive(worker, size, hurry)
        if kind == FAILED:
            self._supervisor.end_worker()
            raise SandboxError(f"failed on it: {_printable(reply)}")
        return self._accept(worker, kind, reply)

    def _accept(self, worker: socket.socket, kind: bytes, reply: bytearray) -> Answer:
        if kind == LAST_ANSWER:
            self._supervisor.end_worker()  # first: what it holds is needed to read a large answer
        try:
            answer: object = json.loads(reply)
        except (ValueError, RecursionError) as error:
            raise self._distrust("no JSON") from error
        if kind == ANSWER:
            self._worker = worker
        return Answer(answer, len(reply))

    def _distrust(self, what: str) -> SandboxError:
        self._supervisor.end_worker()
        return SandboxError(f"answered nonsense: {what}")


def _is_waiting(worker: socket.socket) -> bool:
    """Whether it is alive and has said nothing unasked."""
    worker.settimeout(0)
    try:
        worker.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except ConnectionError:
        pass
    return False


def _printable(complaint: bytearray) -> str:
    text = complaint.decode("utf-8", "replace")[:COMPLAINT_CHARS]
    return "".join(char if char.isprintable() else " " for char in text)
