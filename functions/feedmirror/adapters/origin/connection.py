"""Connect to one of the numeric addresses that the address guard allowed, with TLS for https.

A socket's timeout restarts with every byte: a server that sends a byte now and then outlasts the
timeout, in status line, headers, chunk sizes and body, and with endless `100 Continue`. So the
timeout of a `BoundSocket` is set to the time left before every wait. (A timer that shuts the socket
down would do the same at the cost of a thread. The standard library already bounds a connection, a
handshake, a TLS record and a `sendall` as a whole.)
"""

from __future__ import annotations

import errno
import io
import ipaddress
import socket
import ssl
from typing import TYPE_CHECKING

from feedmirror.adapters.deadline import Deadline
from feedmirror.adapters.origin.target import Target
from feedmirror.errors import FetchError, Kind

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_BUFFER_BYTES = 65_536  # a typical feed in a few reads
_MOST_ADDRESSES = 4  # that are tried
_NO_ROUTE = (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # a host without IPv6
BLOCKED = "if this lasts, a firewall on the way may be blocking the host"


def connect(
    target: Target, addresses: tuple[str, ...], deadline: Deadline, context: ssl.SSLContext | None
) -> socket.socket:
    """Return a socket connected to one of the numeric `addresses`; the caller closes it.

    `context` is None for plain http; otherwise the certificate must be valid for the host name.
    Raises: FetchError (CONNECT, TIMEOUT, TLS, RESET, ADDRESS).
    """
    sock = _connect(target, addresses[:_MOST_ADDRESSES], deadline)
    if context is None:
        return sock
    try:
        sock.settimeout(deadline.remaining_s())  # for the handshake as a whole
        return context.wrap_socket(sock, server_hostname=target.host.rstrip("."))
    except (OSError, ValueError) as error:  # ValueError: a host that cannot be a server name
        sock.close()
        raise _handshake_error(target, deadline, error) from error


def _connect(target: Target, addresses: tuple[str, ...], deadline: Deadline) -> socket.socket:
    """Return the first connection that succeeds; each address gets its share of the time left."""
    failure: OSError | None = None
    for tried, address in enumerate(addresses):
        try:
            return _connect_to(address, target, deadline.remaining_s() / (len(addresses) - tried))
        except OSError as error:
            if failure is None or error.errno not in _NO_ROUTE:
                failure = error
    raise _connect_error(target, deadline, failure) from failure


def _connect_to(address: str, target: Target, timeout_s: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect((address, target.port))
        check_peer(sock, address, target)
    except BaseException:
        sock.close()
        raise
    return sock


def check_peer(sock: socket.socket, address: str, target: Target) -> None:
    """Raise FetchError (ADDRESS) if the socket is connected to another address than the checked."""
    peer = str(sock.getpeername()[0])
    if peer != address and ipaddress.ip_address(peer) != ipaddress.ip_address(address):
        message = f"The connection to {address} for {target.shown} ended at {peer}; it is closed."
        raise FetchError(Kind.ADDRESS, message)


def _connect_error(target: Target, deadline: Deadline, error: OSError | None) -> FetchError:
    where = f"{_host(target)} for {target.shown}"
    if isinstance(error, TimeoutError):
        return FetchError(Kind.TIMEOUT, f"No connection to {where} within {deadline}.")
    if isinstance(error, ConnectionResetError) or (error and error.errno == errno.ENOTCONN):
        return FetchError(Kind.RESET, f"The connection to {where} was reset; {BLOCKED}.")
    reason = getattr(error, "strerror", None) or error
    return FetchError(Kind.CONNECT, f"No connection to {where}: {reason}.")


def _handshake_error(target: Target, deadline: Deadline, error: Exception) -> FetchError:
    where = f"{_host(target)} for {target.shown}"
    if isinstance(error, TimeoutError):
        message = f"No TLS connection to {where} within {deadline}."
        return FetchError(Kind.TIMEOUT, message)
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message.rstrip(".")
        advice = "if its issuer is your own, name the issuer's certificate in SSL_CERT_FILE"
        message = f"The certificate of {where} is not valid: {reason}; {advice}."
        return FetchError(Kind.TLS, message)
    if isinstance(error, ConnectionError | ssl.SSLEOFError | ssl.SSLZeroReturnError):
        message = f"The connection to {where} was cut during the TLS handshake; {BLOCKED}."
        return FetchError(Kind.RESET, message)
    cause = getattr(error, "reason", None) or error
    message = f"TLS handshake with {where} failed: {cause}."
    return FetchError(Kind.TLS, message)


def _host(target: Target) -> str:
    """Return `host:port`, an IPv6 address in brackets."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    return f"{host}:{target.port}"


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
