"""What the two sides of a sandbox agree on: limits, messages, and how a worker's end reads.

To the supervisor the parent writes one byte: START passes a socket for a new worker along and is
answered with 0 or an errno, END is answered with the wait status of the worker, which is killed
if it still lives. Either ends the worker before it.

To the worker it writes REQUEST, a header in JSON and a body of raw bytes; the reply is REPLY and
JSON, or text if the work failed. Nothing is ever unpickled: a worker that hostile input has taken
over can answer what it likes, but not run code in the parent.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Work = Callable[[dict[str, Any], bytes], object]  # header and body in, JSON-able value out

START, END = b"s", b"e"
STATUS = struct.Struct("!i")
REQUEST = struct.Struct("!QQ")  # lengths of header and body
REPLY = struct.Struct("!cQ")  # one of the three below, length of what follows
ANSWER, LAST_ANSWER, FAILED = b"a", b"l", b"f"  # LAST_ANSWER: replace me, I have grown

OUT_OF_MEMORY = 112  # exit code; telling it needs no memory
COMPLAINT_CHARS = 500  # of an exception's message


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may cost."""

    memory_bytes: int | None  # address space of the worker; None: no limit; held on Linux only
    cpu_s: float
    wall_s: float  # from the moment that the worker is free for it
    retire_bytes: int  # a worker whose resident memory was ever larger is replaced


def receive(
    channel: socket.socket, size: int, before: Callable[[], object] | None = None
) -> bytearray:
    """Exactly `size` bytes; `before` is called ahead of each read.

    Raises: EOFError if the other side ends first, and what `before` and the socket raise.
    """
    data = bytearray(size)
    rest = memoryview(data)
    while rest:
        if before is not None:
            before()
        count = channel.recv_into(rest)
        if not count:
            raise EOFError
        rest = rest[count:]
    return data


def obituary(status: int, limits: Limits) -> str:
    """How a worker ended, as a predicate, from its wait status."""
    code = os.waitstatus_to_exitcode(status)
    if code == OUT_OF_MEMORY:
        limit = limits.memory_bytes
        return "ran out of memory" + (f" (limit {limit // 1_000_000} MB)" if limit else "")
    if code >= 0:
        return f"exited with code {code}"
    if code == -signal.SIGPROF:
        return f"used more than {limits.cpu_s:g} s of CPU"
    if code == -signal.SIGALRM:
        return too_slow(limits)
    # The kernel's and native code's ways of saying it, though not theirs alone.
    guess = " (out of memory, perhaps)" if code in {-signal.SIGKILL, -signal.SIGABRT} else ""
    return f"was killed by {_signal_name(-code)}{guess}"


def too_slow(limits: Limits) -> str:
    """How it reads that the wall limit was passed, whoever noticed."""
    return f"took longer than {limits.wall_s:g} s"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
