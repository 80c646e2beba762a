"""Deadline of a whole HTTP exchange, and a socket that enforces the deadline and a size limit.

A socket's timeout restarts with every byte: a server that sends a byte now and then outlasts the
timeout, in status line, headers, chunk sizes and body, and with endless `100 Continue`. So the
socket's timeout is set to the time left before every wait. (A timer that shuts the socket down
would do the same at the cost of a thread. The standard library already bounds a connection, a
handshake, a TLS record and a `sendall` as a whole.)
"""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_BUFFER_BYTES = 65_536  # a typical feed in a few reads


class Deadline:
    """Moment `timeout_s` after its creation; `str()` is the timeout, for messages."""

    __slots__ = ("_end", "_monotonic", "timeout_s")

    def __init__(self, timeout_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.timeout_s = timeout_s
        self._monotonic = monotonic
        self._end = monotonic() + timeout_s

    def remaining_s(self) -> float:
        """Return the seconds left, always more than 0. Raises: TimeoutError after the deadline."""
        left = self._end - self._monotonic()
        if left <= 0:
            raise TimeoutError(f"not done within {self}")
        return left

    def __str__(self) -> str:
        return f"{self.timeout_s:g} s"


class FloodError(OSError):
    """More bytes arrived than `max_bytes` of a BoundSocket."""


class BoundSocket:
    """Connected socket, with TLS or without, with the methods that `http.client` uses.

    Every read and write raises TimeoutError after the deadline; a read raises FloodError once more
    than `max_bytes` have arrived in all, headers, chunk sizes and trailers included. `close` does
    nothing, because `http.client` closes its socket while the response is still being read: the
    function that opened the socket closes it.
    """

    def __init__(self, sock: socket.socket, deadline: Deadline, max_bytes: int) -> None:
        self._sock = sock
        self._deadline = deadline
        self._max_bytes = max_bytes

    def sendall(self, data: ReadableBuffer) -> None:
        """Send all of `data`. Raises: TimeoutError."""
        self._sock.settimeout(self._deadline.remaining_s())
        self._sock.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return a buffered reader of the received bytes."""
        return io.BufferedReader(
            _BoundReader(self._sock, self._deadline, self._max_bytes), _BUFFER_BYTES
        )

    def settimeout(self, _timeout_s: float | None) -> None:
        """Ignore the timeout: the deadline alone counts."""

    def close(self) -> None:
        """Do nothing; see the class."""


class _BoundReader(io.RawIOBase):
    """Raw stream of the bytes that a BoundSocket receives."""

    def __init__(self, sock: socket.socket, deadline: Deadline, max_bytes: int) -> None:
        super().__init__()
        self._sock = sock
        self._deadline = deadline
        self._left_bytes = max_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Return the number of bytes read, 0 at the end. Raises: TimeoutError, FloodError."""
        self._sock.settimeout(self._deadline.remaining_s())
        count = self._sock.recv_into(buffer)
        self._left_bytes -= count
        if self._left_bytes < 0:
            raise FloodError("more bytes than allowed")
        return count
