"""Connect to one of the numeric addresses that the address guard allowed, with TLS for https."""

from __future__ import annotations

import errno
import ipaddress
import socket
import ssl

from feedmirror.adapters.deadline import Deadline
from feedmirror.adapters.origin.target import Target
from feedmirror.errors import FetchError, Kind

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
