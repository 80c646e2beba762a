"""Address guard: resolve a host and refuse private, reserved and metadata addresses (SSRF).

A name is resolved once, every address of the answer is checked, and only a checked numeric address
is connected to. So neither an answer with mixed addresses nor an answer that changes after the
check (DNS rebinding) leads to an address that is not allowed.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from msgspec import Struct

from feedmirror.adapters.deadline import Deadline
from feedmirror.adapters.origin.target import Target
from feedmirror.errors import FetchError, Kind

LookUp = Callable[[str, int], Sequence[str]]  # host, port: numeric addresses, or OSError
Predicate = Callable[[str], bool]  # may this numeric address be contacted?

_Network = IPv4Network | IPv6Network


def _networks(*texts: str) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


# Written out, since `is_global` differs between versions of Python and lets multicast, NAT64 and
# 6to4 through. Source: IANA IPv4 Special-Purpose Address Registry.
_NOT_PUBLIC_4 = (
    _networks("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16")
    + _networks("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24")
    + _networks("192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24")
    + _networks("224.0.0.0/4", "240.0.0.0/4")
    + _networks("168.63.129.16/32")  # Azure's platform services, reachable from its every VM
)

# Loopback, mapped, NAT64, local and multicast addresses are outside of 2000::/3, global unicast.
# Within 2000::/3, not public: IETF assignments (Teredo, ORCHID), documentation, 6to4 (which embeds
# an IPv4 address), the former 6bone. Source: IANA IPv6 Special-Purpose Address Registry, RFC 9637.
_GLOBAL_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = _networks("2001::/23", "2001:db8::/32", "2002::/16", "3ffe::/16", "3fff::/20")

# Allowed with `allow_private_hosts`.
_PRIVATE = _networks(
    "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"
) + _networks("::1/128", "fc00::/7", "fe80::/10")

# Instance metadata services give credentials to every client; never allowed.
_METADATA = (
    _networks("169.254.0.0/16", "fd00:ec2::/32")  # AWS, and most other clouds
    + _networks("fd20:ce::254/128", "100.100.100.200/32", "fe80::a9fe:a9fe/128")
)


def is_public(address: str) -> bool:
    """True if a numeric address is on the public internet; False for text that is no address."""
    ip = _parsed(address)
    if isinstance(ip, IPv4Address):
        return not _within(ip, _NOT_PUBLIC_4)
    return ip is not None and ip in _GLOBAL_6 and not _within(ip, _NOT_PUBLIC_6)


def is_private(address: str) -> bool:
    """True if `allow_private_hosts` allows a numeric address."""
    ip = _parsed(address)
    return ip is not None and _within(ip, _PRIVATE) and not _within(ip, _METADATA)


def resolve(host: str, port: int) -> Sequence[str]:
    """Return every IPv4 and IPv6 address of `host`, in the system's order of preference.

    Raises: OSError, or ValueError for an impossible host name.
    """
    found = socket.getaddrinfo(host, port, socket.AF_UNSPEC, socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class Guard(Struct, frozen=True):
    """Resolver that refuses hosts with an address that may not be contacted."""

    resolve: LookUp = resolve
    is_public: Predicate = is_public
    own_port: int | None = None  # of the Lambda runtime API on this machine, never contacted

    def addresses(
        self, target: Target, deadline: Deadline, *, allow_private: bool
    ) -> tuple[str, ...]:
        """Return the numeric addresses of the target: at least one, all allowed.

        Raises: FetchError (DNS, ADDRESS, TIMEOUT).
        """
        found = self._look_up(target, deadline)
        self._check(target, found, allow_private=allow_private)
        return found

    def check_number(self, target: Target, *, allow_private: bool) -> None:
        """Raise FetchError (ADDRESS) if the host is a refused numeric address; no DNS lookup."""
        if _parsed(target.host) is not None:
            self._check(target, (target.host,), allow_private=allow_private)

    def _check(self, target: Target, found: Sequence[str], *, allow_private: bool) -> None:
        for address in found:
            if target.port == self.own_port and not self.is_public(address):
                where = f"Port {target.port} of {target.host} in {target.shown}"
                message = f"{where} is the Lambda runtime API, which is never contacted."
                raise FetchError(Kind.ADDRESS, message)
            if not (self.is_public(address) or (allow_private and is_private(address))):
                raise FetchError(Kind.ADDRESS, _why_refused(target, address))

    def _look_up(self, target: Target, deadline: Deadline) -> tuple[str, ...]:
        if _parsed(target.host) is not None:
            return (target.host,)
        answer = self._answer(target, deadline)
        if not isinstance(answer, OSError | ValueError) and answer:
            return answer
        reason = getattr(answer, "strerror", None) or "no address in the answer"
        message = f"The host name {target.host} of {target.shown} cannot be resolved: {reason}."
        raise FetchError(Kind.DNS, message)

    def _answer(self, target: Target, deadline: Deadline) -> tuple[str, ...] | OSError | ValueError:
        """Return the resolver's answer or error. Raises: FetchError (TIMEOUT) at the deadline.

        A lookup cannot be interrupted: it runs in a daemon thread, abandoned at the deadline.
        """
        answers: queue.SimpleQueue[tuple[str, ...] | OSError | ValueError] = queue.SimpleQueue()

        def look_up() -> None:
            try:
                answers.put(tuple(self.resolve(target.host, target.port)))
            except (OSError, ValueError) as error:
                answers.put(error)

        try:
            threading.Thread(target=look_up, name="dns", daemon=True).start()
            return answers.get(timeout=deadline.remaining_s())
        except (queue.Empty, TimeoutError) as error:
            message = f"No answer from the name server for {target.host} of {target.shown}"
            raise FetchError(Kind.TIMEOUT, f"{message} within {deadline}.") from error


def _why_refused(target: Target, address: str) -> str:
    ip = _parsed(address)
    where = f"{target.host} ({address})" if address != target.host else address
    if ip is not None and _within(ip, _METADATA):
        return f"{where} of {target.shown} is a cloud metadata address, which is never contacted."
    if is_private(address):
        advice = (
            "if the host is your own, set `allow_private_hosts = true` for this subscription "
            "(on the command line: --allow-private-hosts)"
        )
        return f"{where} of {target.shown} is not a public address; {advice}."
    return (
        f"{where} of {target.shown} is not a public address; `allow_private_hosts` does not allow "
        "it either."
    )


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None


def _within(ip: IPv4Address | IPv6Address, networks: tuple[_Network, ...]) -> bool:
    return any(ip in network for network in networks)  # False across families
