"""The worker process of the parser, as its parent sees it: start, ask, wait, kill, restart.

The worker (`parser_worker.py`) is a program of its own, made by exec: it has no environment, no
descriptor but its standard streams, three pipes, and shares one word of memory with the parent, in
which it notes the index of each item as work on it begins.

The parent sends REQUEST, a header in JSON, and a body of raw bytes. The worker says READY once,
then answers each request with ANSWER, LAST_ANSWER (it has grown, and is to be replaced) or FAILED.
Nothing is ever unpickled: a worker that hostile input has taken over can answer what it likes, but
not run code in the parent.
"""

from __future__ import annotations

import json
import os
import select
import signal
import struct
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from mmap import mmap
from pathlib import Path
from subprocess import PIPE, Popen
from tempfile import TemporaryFile
from time import monotonic
from typing import Any, NamedTuple, Self, cast

from msgspec import Struct
from msgspec.structs import asdict

from feedmirror.errors import FeedMirrorError

REQUEST = struct.Struct("!QQ")  # lengths of header and body
REPLY = struct.Struct("!cQ")  # one of the kinds below, length of what follows
READY, ANSWER, LAST_ANSWER, FAILED = b"r", b"a", b"l", b"f"
INDEX = struct.Struct("=q")  # of an item, in the shared word
NO_INDEX = -1
OUT_OF_MEMORY = 112  # exit code; telling it needs no memory
COMPLAINT_CHARS = 500  # of an exception's message

_START_S = 60.0  # for imports, on a busy machine; they take a fraction of a second
# -I: neither variables nor the folders of the user say what is imported. -S: `sys.path` is given,
# so nothing has to be searched for it.
_FLAGS = ("-I", "-S", "-X", "utf8")
WORKER_PROGRAM = """
import json, sys
sys.path[:], *given = json.loads(sys.argv[1])
from feedmirror.adapters.parser_worker import main
main(*given)
"""
# All that a worker is given of the environment. Lambda's Python is linked against a library that
# is found by it alone.
_LIBRARIES = "LD_LIBRARY_PATH"


class Limits(Struct, frozen=True):
    """Bounds of what one request may cost."""

    memory_bytes: int | None  # address space of the worker; None: no limit; held on Linux only
    cpu_s: float
    wall_s: float  # from the moment that the worker is free for it
    retire_bytes: int  # a worker whose resident memory was ever larger is replaced


class WorkerError(FeedMirrorError):
    """The request was not served; `str()` is a predicate that says why ("exited with code 1")."""

    def __init__(self, why: str, reached: int, *, is_too_long: bool = False) -> None:
        super().__init__(why)
        self.reached = reached  # the index that the worker noted last; less than 0: none
        self.is_too_long = is_too_long  # whether it is the answer that there was no room for


class NoWorkerError(FeedMirrorError):
    """No worker can be had; `str()` is a predicate that says why ("cannot be started: ...")."""


class Answer(NamedTuple):
    """Answer to a request."""

    said: bytearray  # JSON, not read yet: believe nothing of it
    reached: int  # the index that the worker noted last; less than 0: none


class ParserProcess:
    """One worker at a time, started at the first request, replaced when it dies or has grown.

    Threads may share it; they are served one after the other.
    """

    def __init__(
        self, limits: Limits, variables: Mapping[str, str], program: str = WORKER_PROGRAM
    ) -> None:
        """`variables` is the environment of this process, `program` the source of the worker's."""
        self._limits = limits
        self._environment = {_LIBRARIES: variables[_LIBRARIES]} if _LIBRARIES in variables else {}
        self._program = program
        self._idle: _Worker | None = None  # None: the next request starts one
        self._lock = threading.Lock()

    def ask(self, header: Mapping[str, Any], body: bytes, answer_bytes: int) -> Answer:
        """Return what the worker makes of header and body, in at most `answer_bytes`.

        Raises: WorkerError if this request cannot be served, NoWorkerError if none can.
        """
        plain = json.dumps(header).encode()
        with self._lock:
            worker = self._take_idle() or self._start()
            worker.forget_reached()
            with self._ended_on_error(worker, self._limits.wall_s) as deadline:
                worker.send(REQUEST.pack(len(plain), len(body)) + plain, deadline)
                worker.send(body, deadline)
                kind, reply = worker.receive(answer_bytes, deadline)
                if kind == LAST_ANSWER:
                    worker.end()  # first: what it holds is needed to read a large answer
            if kind == ANSWER:
                self._idle = worker
            return Answer(reply, worker.reached)

    def stop(self) -> None:
        """End the worker, and wait for its end; the next request starts another."""
        with self._lock:
            idle, self._idle = self._idle, None
            if idle is not None:
                idle.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _take_idle(self) -> _Worker | None:
        idle, self._idle = self._idle, None
        if idle is None or idle.is_waiting():
            return idle
        idle.end()
        return None

    def _start(self) -> _Worker:
        """Return a worker that waits for a request. Raises: NoWorkerError."""
        try:
            worker = _Worker(self._program, self._limits, self._environment)
        except OSError as error:
            raise NoWorkerError(f"cannot be started: {error.strerror}") from error
        try:
            with self._ended_on_error(worker, _START_S) as deadline:
                worker.receive(0, deadline)  # READY
        except WorkerError as error:
            told = f"cannot be started: its process {error}{worker.last_words}"
            raise NoWorkerError(told) from error
        return worker

    @contextmanager
    def _ended_on_error(self, worker: _Worker, within_s: float) -> Iterator[float]:
        """Give the deadline, and end the worker whatever goes wrong before it, Ctrl-C included:
        something might be left in its pipes.

        Raises: WorkerError for whatever the worker does.
        """
        try:
            yield monotonic() + within_s
        except TimeoutError as error:
            worker.end()
            raise WorkerError(_too_slow(within_s), worker.reached) from error
        except (EOFError, OSError) as error:
            raise WorkerError(_told(worker.end(), self._limits), worker.reached) from error
        except BaseException:
            worker.end()
            raise


class _Worker:
    """A process, with pipes to and from it that are waited for until a deadline."""

    def __init__(self, program: str, limits: Limits, environment: Mapping[str, str]) -> None:
        """Start it. Raises: OSError."""
        # A file without a name, and where there can be one, without a disk.
        is_linux = sys.platform == "linux"
        with os.fdopen(os.memfd_create("word"), "w+b") if is_linux else TemporaryFile() as word:
            word.truncate(INDEX.size)
            self._word = mmap(word.fileno(), INDEX.size)
            path = [str(Path(entry).absolute()) for entry in sys.path]
            given = json.dumps([path, asdict(limits), word.fileno()])
            self._process = Popen(  # noqa: S603 - this interpreter, with our own code
                [sys.executable, *_FLAGS, "-c", program, given],
                bufsize=0,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                cwd="/",
                env=environment,
                pass_fds=(word.fileno(),),
                start_new_session=True,  # Ctrl-C in a terminal is for the parent alone
            )
        pipes = self._process.stdin, self._process.stdout, self._process.stderr
        self._requests, self._replies, self._errors = cast("tuple[FileIO, ...]", pipes)
        for pipe in (self._requests, self._errors):
            os.set_blocking(pipe.fileno(), False)
        self.last_words = ""  # what it said on stderr at its end, after a colon

    @property
    def reached(self) -> int:
        """The index that was noted last; less than 0: none. Believe that it is a number."""
        index: int = INDEX.unpack_from(self._word)[0]
        return index

    def forget_reached(self) -> None:
        """Have no index noted."""
        INDEX.pack_into(self._word, 0, NO_INDEX)

    def send(self, data: bytes, deadline: float) -> None:
        """Write all of it. Raises: TimeoutError; OSError if the worker has ended."""
        rest = memoryview(data)
        while rest:
            _wait(self._requests, select.POLLOUT, deadline)
            rest = rest[self._requests.write(rest) or 0 :]

    def receive(self, most_bytes: int, deadline: float) -> tuple[bytes, bytearray]:
        """Return the kind of the next reply, and what follows.

        Raises: WorkerError; TimeoutError; EOFError if the worker has ended.
        """
        kind, size = REPLY.unpack(self._read(REPLY.size, deadline))
        if kind not in (READY, ANSWER, LAST_ANSWER, FAILED):
            raise WorkerError(f"answered nonsense: a reply of type {kind!r}", self.reached)
        if size > most_bytes:
            told = f"answered {size:,} bytes, where {most_bytes:,} are the limit"
            raise WorkerError(told, self.reached, is_too_long=True)
        reply = self._read(size, deadline)
        if kind == FAILED:
            raise WorkerError(f"failed on it: {_printable(reply)}", self.reached)
        return kind, reply

    def _read(self, size: int, deadline: float) -> bytearray:
        data = bytearray(size)
        rest = memoryview(data)
        while rest:
            _wait(self._replies, select.POLLIN, deadline)
            count = self._replies.readinto(rest)
            if not count:
                raise EOFError
            rest = rest[count:]
        return data

    def is_waiting(self) -> bool:
        """True if it is alive and has said nothing unasked."""
        return not _is_ready(self._replies, select.POLLIN, 0)

    def end(self) -> int:
        """Return the exit code, or the negative number of the signal that ended it; it is killed
        if it still lives. A second time is harmless.
        """
        self._process.kill()
        code = self._process.wait()
        if not self._errors.closed:
            lines = (self._errors.read(65_536) or b"").splitlines()
            self.last_words = f": {_printable(lines[-1])}" if lines else ""
        for pipe in (self._requests, self._replies, self._errors):
            pipe.close()
        return code


def _wait(pipe: FileIO, event: int, deadline: float) -> None:
    """Wait until there is room or something to read, or nobody at the other end.

    Raises: TimeoutError.
    """
    left_s = deadline - monotonic()
    if left_s <= 0 or not _is_ready(pipe, event, left_s):
        raise TimeoutError


def _is_ready(pipe: FileIO, event: int, within_s: float) -> bool:
    poll = select.poll()  # and not select(), which knows no descriptor above 1,023
    poll.register(pipe, event)
    return bool(poll.poll(within_s * 1000))


def _told(code: int, limits: Limits) -> str:
    """Return a predicate that says how a worker ended, from its exit code."""
    if code == OUT_OF_MEMORY:
        limit = limits.memory_bytes
        return "ran out of memory" + (f" (limit {limit // 1_000_000} MB)" if limit else "")
    if code >= 0:
        return f"exited with code {code}"
    if code == -signal.SIGPROF:
        return f"used more than {limits.cpu_s:g} s of CPU"
    if code == -signal.SIGALRM:
        return _too_slow(limits.wall_s)
    # The kernel's and native code's ways of saying it, though not theirs alone.
    guess = " (out of memory, perhaps)" if code in {-signal.SIGKILL, -signal.SIGABRT} else ""
    return f"was killed by {_signal_name(-code)}{guess}"


def _too_slow(limit_s: float) -> str:
    return f"took longer than {limit_s:g} s"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"


def _printable(complaint: bytes | bytearray) -> str:
    text = complaint.decode("utf-8", "replace")[:COMPLAINT_CHARS]
    return "".join(char if char.isprintable() else " " for char in text)
