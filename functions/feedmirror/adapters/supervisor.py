"""The parent's handle on the supervisor of a sandbox: start it, have workers of it, end it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from typing import Self

from feedmirror.adapters.sandbox_child import supervise
from feedmirror.adapters.sandbox_wire import END, START, STATUS, Limits, Work, receive
from feedmirror.errors import FeedMirrorError

_PATIENCE_S = 10.0  # it answers within milliseconds, or never


class SupervisorGoneError(FeedMirrorError):
    """No worker can be had; `str()` is a predicate that says why ("cannot go on: …")."""


class Supervisor:
    """A process that forks one worker at a time. Not for several threads at once."""

    def __init__(self, control: socket.socket, pid: int) -> None:
        control.settimeout(_PATIENCE_S)
        self._control: socket.socket | None = control  # None: nothing can be asked any more
        self._pid = pid

    @classmethod
    def start(cls, work: Work, limits: Limits, *, despite_threads: bool) -> Self:
        """The supervisor, forked here and now; its workers will do `work` within `limits`.

        Raises: RuntimeError if there are threads and not `despite_threads`; OSError if no process
            can be had.
        """
        if threading.active_count() > 1 and not despite_threads:
            raise RuntimeError(
                "start the sandbox before any thread: a forked child inherits the locks that "
                "threads hold, but not the threads that would release them"
            )
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            supervise(theirs.fileno(), work, limits)
        theirs.close()
        return cls(ours, pid)

    def new_worker(self) -> socket.socket:
        """The connection to a fresh worker; the one before it is killed.

        Raises: SupervisorGoneError.
        """
        with contextlib.ExitStack() as on_failure:
            try:
                ours, theirs = socket.socketpair()
                on_failure.callback(ours.close)
                with theirs:
                    code = self._command(START, theirs)
            except OSError as error:
                raise SupervisorGoneError(f"cannot be started: {error.strerror}") from error
            if code:
                raise SupervisorGoneError(f"cannot be started: {os.strerror(code)}")
            on_failure.pop_all()
        return ours

    def end_worker(self) -> int:
        """The wait status of the last worker, which is killed if it still lives.

        Raises: SupervisorGoneError.
        """
        return self._command(END)

    def has_died(self) -> bool:
        """Whether no more workers can be had, because it has ended without being told to."""
        with contextlib.suppress(ChildProcessError):  # it was waited for before
            if os.waitpid(self._pid, os.WNOHANG)[0] == 0:
                return self._control is None
        return True

    def close(self) -> None:
        """Ends the children and waits for their end; a second time is harmless."""
        control, self._control = self._control, None
        if control is not None:
            with control:
                _dismiss(control, self._pid)

    def _command(self, message: bytes, passed: socket.socket | None = None) -> int:
        """The answer. Once one is missing, nothing more is asked: it might come late, and be
        taken for the next.
        """
        control, self._control = self._control, None
        if control is None:
            raise SupervisorGoneError("cannot be started: its supervisor has died or was closed")
        try:
            descriptors = [] if passed is None else [passed.fileno()]
            socket.send_fds(control, [message], descriptors)
            answer: int = STATUS.unpack(receive(control, STATUS.size))[0]
            self._control = control
        except (EOFError, OSError) as error:
            raise SupervisorGoneError("cannot go on: its supervisor has died") from error
        finally:
            if self._control is None:
                control.close()
        return answer


def _dismiss(control: socket.socket, pid: int) -> None:
    with contextlib.suppress(OSError):
        control.shutdown(socket.SHUT_WR)
    try:
        control.recv(1)  # returns when the supervisor closes its end, by ending
    except TimeoutError:
        os.kill(pid, signal.SIGKILL)  # it holds its end still, so the number is its own
    except ConnectionError:
        pass
    with contextlib.suppress(ChildProcessError):  # where SIGCHLD is ignored
        os.waitpid(pid, 0)
