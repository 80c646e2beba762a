"""One moment by which an exchange is over, and a socket that holds to it.

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


class TimedSocket:
    """A connected socket, with TLS or without, as `http.client` uses one, under a deadline.

    Every wait raises TimeoutError once the deadline is past. Closing it does nothing, because
    `http.client` closes its socket while the answer is still being read: who opened the socket
    closes it.
    """

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline

    def sendall(self, data: ReadableBuffer) -> None:
        """Send all of `data`."""
        self._sock.settimeout(self._deadline.remaining_s())
        self._sock.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """A reader of what arrives."""
        return io.BufferedReader(_Arriving(self._sock, self._deadline), _BUFFER_BYTES)

    def settimeout(self, _timeout_s: float | None) -> None:
        """Nothing: the deadline alone decides how long anything may take."""

    def close(self) -> None:
        """Nothing: see the class."""


class _Arriving(io.RawIOBase):
    """The bytes that arrive on a socket, each read under the deadline."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Number of bytes read, 0 at the end. Raises: TimeoutError, OSError."""
        self._sock.settimeout(self._deadline.remaining_s())
        return self._sock.recv_into(buffer)
