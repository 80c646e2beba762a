"""The worker process of the parser: a program that reads documents, under limits for each.

`parser_process.py` starts it and has the messages, which go through its standard streams. When the
parent is gone, an idle worker finds the end of its input, and one at work is killed by SIGIO, since
nobody could read the pipe of its errors any more.
"""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from json import loads
from mmap import mmap
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from msgspec import json
from msgspec.structs import replace

from feedmirror.adapters.parser_messages import Parsed, Refused
from feedmirror.adapters.parser_process import (
    ANSWER,
    COMPLAINT_CHARS,
    FAILED,
    INDEX,
    LAST_ANSWER,
    OUT_OF_MEMORY,
    READY,
    REPLY,
    REQUEST,
    Limits,
)
from feedmirror.errors import ParseError
from feedmirror.model import Entry, Fetched
from feedmirror.parsing.parse import parse, reread
from feedmirror.parsing.split import Part
from feedmirror.ports import Located

WorkerProgress = Callable[[int], object]  # is given the index of each item as work on it begins
Work = Callable[[dict[str, Any], bytes, WorkerProgress], object]  # header, body -> JSON-able value

_OPEN_FILES = 32  # imports need a few; a document needs none


def main(limits: Mapping[str, Any], word: int) -> NoReturn:
    """Read documents until the parent is gone; for the parameters, see `serve_requests`."""
    serve_requests(parse_request, limits, word)


# ---------------------------------------------------------------- requests


def parse_request(
    header: dict[str, Any], body: bytes, progress: WorkerProgress = lambda _: None
) -> object:
    """Return the message of a feed or of a ParseError; for a request to read stored entries again,
    what `_reread_request` returns.
    """
    if "reread" in header:
        return _reread_request(body, progress)
    fetched = Fetched(header["url"], body, header["content_type"])
    try:
        known, part = frozenset(header["known"]), Part(header["begin"], header["end"])
        return Parsed.of(parse(fetched, known, part, progress))
    except ParseError as error:
        return Refused(error.kind, str(error))


def _reread_request(body: bytes, progress: WorkerProgress) -> object:
    """Return for each stored entry the new one, or the words of a ParseError."""
    made: list[Entry | str] = []
    for index, (location, stored) in enumerate(json.decode(body, type=list[Located])):
        progress(index)
        try:
            made.append(replace(reread(stored, location), original=None, context=None))
        except ParseError as error:
            made.append(str(error))
    return made


# ---------------------------------------------------------------- the process


def serve_requests(work: Work, limits: Mapping[str, Any], word: int) -> NoReturn:
    """Answer requests until the parent is gone, each by what `work` makes of it.

    `limits` are the fields of `Limits`, `word` is the descriptor of the memory that is shared.
    """
    code = 1
    try:
        requests, replies = sys.stdin.buffer, sys.stdout.buffer
        # What a library prints is no reply, and would fill a pipe that is not read.
        sys.stdin = sys.stdout = sys.stderr = None
        progress = partial(INDEX.pack_into, mmap(word, INDEX.size), 0)
        os.close(word)
        _watch_parent()
        bounds = Limits(**limits)
        _confine(bounds.memory_bytes)
        _send(replies, READY)
        for header, body in _received(requests):
            asked = partial(work, loads(header), body, progress)
            _send(replies, *_answer(asked, bounds))
        code = 0
    except MemoryError:
        code = OUT_OF_MEMORY
    finally:
        os._exit(code)


def _watch_parent() -> None:
    """Have SIGIO end this process when the parent's end of the pipe of errors is closed."""
    # What the parent ignores, or has blocked, is so in whatever it executes.
    for number in (signal.SIGIO, signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    # Not the pipe of requests: each of them would raise it. Not PR_SET_PDEATHSIG: it tells of the
    # end of the thread that has started the worker.
    fcntl.fcntl(2, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(2, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)


def _confine(memory_bytes: int | None) -> None:
    """Take from this process, for good, what parsing does not need."""
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


def _received(requests: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yield header and body of each request, until the parent is done with this worker."""
    while len(prefix := requests.read(REQUEST.size)) == REQUEST.size:
        header_bytes, body_bytes = REQUEST.unpack(prefix)
        header, body = requests.read(header_bytes), requests.read(body_bytes)
        if len(body) < body_bytes:
            return
        yield header, body


def _answer(work: Callable[[], object], limits: Limits) -> tuple[bytes, bytes]:
    """Return the kind and the words of the reply; after FAILED the parent ends this worker.

    Raises: MemoryError.
    """
    try:
        _arm(limits.cpu_s, 2 * limits.wall_s)
        reply = json.encode(work())
        _arm(0, 0)
    except MemoryError:
        raise
    except BaseException as error:  # noqa: BLE001 - the parent decides what to make of it
        text = f"{type(error).__name__}: {str(error)[:COMPLAINT_CHARS]}"
        return FAILED, text.encode("utf-8", "backslashreplace")
    return (LAST_ANSWER if _peak_bytes() > limits.retire_bytes else ANSWER), reply


def _send(replies: BinaryIO, kind: bytes, rest: bytes = b"") -> None:
    replies.write(REPLY.pack(kind, len(rest)))
    replies.write(rest)
    replies.flush()


def _arm(cpu_s: float, wall_s: float) -> None:
    """Have the system kill this process when the time is up; 0 disarms.

    RLIMIT_CPU would count from the birth of the process, in whole seconds. The parent watches the
    wall clock itself; this timer is for a worker whose parent has been stopped.
    """
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    signal.setitimer(signal.ITIMER_REAL, wall_s)


def _peak_bytes() -> int:
    """Return the most memory that was resident in this process."""
    if sys.platform != "linux":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # There, what getrusage() tells includes the peak of the parent, from before the exec.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split(maxsplit=1)[0]) * 1024
