"""One moment by which an exchange is over, and a socket that holds to it (and to a size).

The timeout of a socket is one between bytes: a server that sends one now and then outlasts it, in
status line, headers, chunk sizes and body, and by endless `100 Continue`. So here the time left
is set anew before every wait, and each wait of an exchange passes through here. (A timer that
shuts the socket down does the same for the price of a thread; single waits for a connection, a
handshake, a record or a `sendall` are bounded as a whole by the standard library already.)
"""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_BUFFER_BYTES = 65_536  # a usual feed in a few reads


class Deadline:
    """The end of the time that an exchange has; `str()` is how long that was."""

    __slots__ = ("_end", "_monotonic", "timeout_s")

    def __init__(self, timeout_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.timeout_s = timeout_s
        self._monotonic = monotonic
        self._end = monotonic() + timeout_s

    def remaining_s(self) -> float:
        """Seconds left, more than 0. Raises: TimeoutError when there are none."""
        left = self._end - self._monotonic()
        if left <= 0:
            raise TimeoutError(f"not done within {self}")
        return left

    def __str__(self) -> str:
        return f"{self.timeout_s:g} s"


class FloodError(OSError):
    """More arrived than any honest answer takes."""


class BoundSocket:
    """A connected socket, with TLS or without, as `http.client` uses one, in bounds.

    Every wait raises TimeoutError once the deadline is past, and FloodError once more than
    `max_bytes` have arrived in all: a document's size does not count headers, chunk sizes and
    trailers, of which there may be any number. Closing it does nothing, because `http.client`
    closes its socket while the answer is still being read: who opened the socket closes it.
    """

    def __init__(self, sock: socket.socket, deadline: Deadline, max_bytes: int) -> None:
        self._sock = sock
        self._deadline = deadline
        self._max_bytes = max_bytes

    def sendall(self, data: ReadableBuffer) -> None:
        """Send all of `data`."""
        self._sock.settimeout(self._deadline.remaining_s())
        self._sock.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """A reader of what arrives."""
        return io.BufferedReader(
            _Arriving(self._sock, self._deadline, self._max_bytes), _BUFFER_BYTES
        )

    def settimeout(self, _timeout_s: float | None) -> None:
        """Nothing: the deadline alone decides how long anything may take."""

    def close(self) -> None:
        """Nothing: see the class."""


class _Arriving(io.RawIOBase):
    """The bytes that arrive on a socket, each read in the bounds of a BoundSocket."""

    def __init__(self, sock: socket.socket, deadline: Deadline, max_bytes: int) -> None:
        super().__init__()
        self._sock = sock
        self._deadline = deadline
        self._left_bytes = max_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Number of bytes read, 0 at the end. Raises: TimeoutError, FloodError, OSError."""
        self._sock.settimeout(self._deadline.remaining_s())
        count = self._sock.recv_into(buffer)
        self._left_bytes -= count
        if self._left_bytes < 0:
            raise FloodError("more than an answer takes")
        return count
