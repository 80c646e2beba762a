"""What runs in the child processes of a sandbox: the supervisor, and the worker that it forks.

The supervisor is forked from the parent before any thread exists and does nothing but fork
workers and bury them, so it stays small, and always can. When the parent is gone, however it
went, its end of the socket is closed, and the supervisor and the worker go too.
"""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import fcntl
import gc
import io
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Iterator
from typing import NoReturn

from feedmirror.adapters.sandbox_wire import (
    ANSWER,
    COMPLAINT_CHARS,
    FAILED,
    LAST_ANSWER,
    OUT_OF_MEMORY,
    REPLY,
    REQUEST,
    START,
    STATUS,
    Limits,
    Work,
)

_OPEN_FILES = 32  # imports need a few; a document needs none
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes; source: getrusage(2)


def supervise(control: int, work: Work, limits: Limits) -> NoReturn:
    """Forks workers on demand until the parent is gone. `control` is a descriptor."""
    try:
        # 0, 1 and 2 are about to be replaced, and are free in a parent without standard streams.
        control = fcntl.fcntl(control, fcntl.F_DUPFD_CLOEXEC, 3)
        _forget_parent()
        _keep_only(control)
        _obey(_adopt(control), work, limits)
    finally:
        os._exit(0)


def _forget_parent() -> None:
    """Drops what was inherited and must not act here: signal handlers and objects to collect."""
    # Collecting an inherited object could close a descriptor whose number is now one of ours.
    gc.freeze()
    faulthandler.disable()  # it would write its dump to such a number
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGTERM, signal.SIGPROF, signal.SIGALRM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    # Ctrl-C reaches the whole foreground group; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _keep_only(descriptor: int) -> None:
    """Closes everything else, so that no lock or connection of the parent's is held open."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, os.sysconf("SC_OPEN_MAX"))


def _adopt(descriptor: int) -> socket.socket:
    """The inherited socket, blocking, whatever default timeout the parent has set."""
    adopted = socket.socket(fileno=descriptor)
    adopted.settimeout(None)
    return adopted


def _obey(control: socket.socket, work: Work, limits: Limits) -> None:
    worker, status = 0, 0
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if worker:
            worker, status = 0, _bury(worker)
        if not message:
            return
        code = status
        if message == START:
            worker, code = _fork_worker(descriptors[0], work, limits)
            os.close(descriptors[0])
        control.sendall(STATUS.pack(code))


def _bury(worker: int) -> int:
    # One that is dead already is a zombie until waited for: its number is not another's, and
    # the status stays what it was.
    os.kill(worker, signal.SIGKILL)
    return os.waitpid(worker, 0)[1]


def _fork_worker(channel: int, work: Work, limits: Limits) -> tuple[int, int]:
    """The process id and 0, or 0 and an errno."""
    try:
        worker = os.fork()
    except OSError as error:
        return 0, error.errno or errno.EAGAIN
    if worker == 0:
        _be_worker(channel, work, limits)
    return worker, 0


def _be_worker(descriptor: int, work: Work, limits: Limits) -> NoReturn:
    code = 1
    try:
        _keep_only(descriptor)
        _confine(limits.memory_bytes)
        # Never closed but by the exit: the parent kills a worker that has hung up, and would
        # then hear of the kill instead of the exit code.
        channel = _adopt(descriptor)
        requests = channel.makefile("rb")
        while _serve(channel, requests, work, limits):
            pass
        code = 0
    except MemoryError:
        code = OUT_OF_MEMORY
    finally:
        os._exit(code)


def _confine(memory_bytes: int | None) -> None:
    """Takes from this process, for good, what parsing does not need."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)  # no file can be written
    _limit(resource.RLIMIT_NPROC, 0)  # nothing can be started (root excepted)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    # Elsewhere it is not enforced, or counts what the system has mapped for every process.
    if memory_bytes is not None and sys.platform == "linux":
        _limit(resource.RLIMIT_AS, memory_bytes)


def _limit(what: int, value: int) -> None:
    hard = resource.getrlimit(what)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(what, (value, value))


def _serve(channel: socket.socket, requests: io.BufferedReader, work: Work, limits: Limits) -> bool:
    """Answers one request; False once the parent is done with this worker."""
    prefix = requests.read(REQUEST.size)
    if len(prefix) < REQUEST.size:
        return False
    header_bytes, body_bytes = REQUEST.unpack(prefix)
    header = json.loads(requests.read(header_bytes))
    body = requests.read(body_bytes)
    if len(body) < body_bytes:
        return False
    with _reporting_failure(channel):
        _arm(limits.cpu_s, 2 * limits.wall_s)
        answer = json.dumps(work(header, body), ensure_ascii=False, check_circular=False)
        reply = answer.encode("utf-8", "surrogatepass")
        _arm(0, 0)
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT
    kind = LAST_ANSWER if peak_bytes > limits.retire_bytes else ANSWER
    channel.sendall(REPLY.pack(kind, len(reply)))
    channel.sendall(reply)
    return True


def _arm(cpu_s: float, wall_s: float) -> None:
    """Has the system kill this process when the time is up; 0 disarms.

    RLIMIT_CPU would count from the birth of the process, in whole seconds. The parent watches
    the wall clock itself; this one is for a worker whose parent and supervisor are both gone.
    """
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    signal.setitimer(signal.ITIMER_REAL, wall_s)


@contextlib.contextmanager
def _reporting_failure(channel: socket.socket) -> Iterator[None]:
    """Tells the parent of an exception on its way out, which ends this worker."""
    try:
        yield
    except MemoryError:
        raise
    except BaseException as error:
        text = f"{type(error).__name__}: {str(error)[:COMPLAINT_CHARS]}"
        complaint = text.encode("utf-8", "backslashreplace")
        channel.sendall(REPLY.pack(FAILED, len(complaint)) + complaint)
        raise
