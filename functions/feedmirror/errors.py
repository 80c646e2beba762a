"""Exceptions of feedmirror, and the kinds and groups of a feed's failures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import TypeVar

_T = TypeVar("_T")


class Group(Enum):
    """Groups of failure kinds: the `error_group` of the log, and the alarms."""

    BLOCKED = "blocked"  # access, DNS, TLS or the connection fails on the way to the origin
    BROKEN = "broken"  # the origin answers without a usable feed
    UNREACHABLE = "unreachable"  # the origin does not answer, or with an error
    GONE = "gone"  # the origin has no feed at this address
    OLDER = "older"  # documents are of a newer deployment
    INTERNAL = "internal"  # an error of feedmirror or its store


class Kind(Enum):
    """Kinds of failure of a refresh; the value is the `error_kind` of the log."""

    LEGAL = "legal"  # HTTP 451
    FORBIDDEN = "forbidden"  # HTTP 401, 403, 407, or a firewall's challenge
    TLS = "tls"  # handshake or certificate failed
    DNS = "dns"  # the name does not resolve
    RESET = "reset"  # the connection was cut before the answer was complete
    NOT_A_FEED = "not_a_feed"  # HTML, a login page, or any other document
    EMPTY = "empty"  # an empty body
    TOO_LARGE = "too_large"  # over `max_bytes`, before or after decompression
    UNSAFE = "unsafe"  # declares entities, or is nested too deeply
    ENCODING = "encoding"  # a content coding other than gzip, or damaged gzip
    PARSER = "parser"  # the parser crashed or exceeded its limits
    REDIRECT = "redirect"  # too many redirects, a loop, or no target
    ADDRESS = "address"  # the host is or resolves to an address that is not public
    TIMEOUT = "timeout"  # not complete within `timeout_s`
    CONNECT = "connect"  # no server accepts the connection
    SERVER = "server"  # HTTP 5xx
    THROTTLED = "throttled"  # HTTP 429, or 503 with Retry-After
    STATUS = "status"  # any other status
    FILE = "file"  # a local file cannot be read
    MISSING = "missing"  # HTTP 404
    GONE = "gone"  # HTTP 410
    OLDER = "older"  # documents are of a newer deployment, and are left alone
    STORE = "store"  # the store failed
    BUG = "bug"  # an unexpected exception

    @property
    def group(self) -> Group:
        """Group of this kind."""
        return _GROUPS[self]


_GROUPS = (
    dict.fromkeys((Kind.LEGAL, Kind.FORBIDDEN, Kind.TLS, Kind.DNS, Kind.RESET), Group.BLOCKED)
    | dict.fromkeys(
        (
            Kind.NOT_A_FEED,
            Kind.EMPTY,
            Kind.TOO_LARGE,
            Kind.UNSAFE,
            Kind.ENCODING,
            Kind.PARSER,
            Kind.REDIRECT,
            Kind.ADDRESS,
        ),
        Group.BROKEN,
    )
    | dict.fromkeys(
        (Kind.TIMEOUT, Kind.CONNECT, Kind.SERVER, Kind.THROTTLED, Kind.STATUS, Kind.FILE),
        Group.UNREACHABLE,
    )
    | dict.fromkeys((Kind.MISSING, Kind.GONE), Group.GONE)
    | {Kind.OLDER: Group.OLDER}
    | dict.fromkeys((Kind.STORE, Kind.BUG), Group.INTERNAL)
)


class FeedMirrorError(Exception):
    """Base of all exceptions that feedmirror raises."""


class ConfigError(FeedMirrorError):
    """Invalid configuration; raised before anything is fetched.

    `problems` has one line for each problem, as `feedmirror check` prints them.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class EventError(FeedMirrorError):
    """Invalid event of a Lambda invocation; `str()` names the accepted events."""


class QueueError(FeedMirrorError):
    """Some refreshes could not be queued; `str()` says how many, and the reason of the first."""


class FeedError(FeedMirrorError):
    """Failure of one feed; other feeds continue. `str()` is a sentence for the operator."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class FetchError(FeedError):
    """The origin's document could not be fetched."""

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(kind, message)
        self.status = status  # HTTP status, None without an answer
        self.retry_after_s = retry_after_s  # as sent by the origin, not clamped


class ParseError(FeedError):
    """The origin's document is not a usable feed."""


class OlderDeploymentError(FeedError):
    """The documents of the feed are of a newer deployment, and are left as they are."""

    def __init__(self, slug: str, newer_of: datetime, remedy: str) -> None:
        super().__init__(
            Kind.OLDER,
            f"the documents of {slug} are of a newer deployment, of {newer_of:%Y-%m-%d %H:%M} UTC, "
            "and were left as they are; new entries are stored and wait for it. To make this one "
            f"the newest: {remedy}",
        )


class RenderError(FeedMirrorError):
    """A rendered document is invalid or lacks a disclaimer, and is not published."""


class StoreError(FeedMirrorError):
    """An operation of the store failed; `str()` names operation, key and reason."""


class ObjectError(StoreError):
    """One object is unreadable or too large; the rest of the store may be intact.

    `etag` is the object's, if known, so that the object can be replaced.
    """

    def __init__(self, message: str, etag: str | None = None) -> None:
        super().__init__(message)
        self.etag = etag


class StateError(StoreError):
    """A stored state is corrupt, or of a newer version."""


def contained(work: Callable[[], _T]) -> _T | Exception:
    """Return the result of `work`, or the exception that it raises.

    For the few places where any exception must not stop the rest of a refresh or other feeds.
    """
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - the one place
        return error


def kind_of(error: Exception) -> Kind:
    """Return the kind of an error for log and state; BUG if it is not a FeedMirrorError."""
    if isinstance(error, FeedError):
        return error.kind
    return Kind.STORE if isinstance(error, StoreError) else Kind.BUG


def described(error: Exception) -> str:
    """Return the message of an error, with its class if it is not a FeedMirrorError."""
    name = "" if isinstance(error, FeedMirrorError) else f"{type(error).__name__}: "
    return f"{name}{error}"
