"""The one tree of errors, and the kinds a failing feed is sorted into."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TypeVar

T = TypeVar("T")


class Group(Enum):
    """What a failure means to the operator; alarms and the log's `error_group` use these words."""

    BLOCKED = "blocked"  # somebody or something stands between us and the origin
    BROKEN = "broken"  # the origin answers, but not with a feed that can be used
    UNREACHABLE = "unreachable"  # the origin does not answer, or only with trouble of its own
    GONE = "gone"  # the origin says that there is no feed at this address
    INTERNAL = "internal"  # our own fault, or our store's


class Kind(Enum):
    """Why a refresh failed; the value is the log's `error_kind`, `group` sorts it."""

    LEGAL = "legal"  # HTTP 451
    FORBIDDEN = "forbidden"  # HTTP 401, 403, 407, or a firewall's challenge
    TLS = "tls"  # handshake or certificate failed
    DNS = "dns"  # the name does not resolve
    RESET = "reset"  # the connection was cut before the answer was whole
    NOT_A_FEED = "not_a_feed"  # HTML, a login page, anything that holds no feed
    EMPTY = "empty"  # no body at all
    TOO_LARGE = "too_large"  # over `max_bytes`, before or after decompression
    UNSAFE = "unsafe"  # declares entities, or is nested beyond reason
    ENCODING = "encoding"  # a content coding we did not ask for, or one that is damaged
    PARSER = "parser"  # the parser died on it or ran out of its limits
    REDIRECT = "redirect"  # too many, a loop, or one without a target
    ADDRESS = "address"  # the host is, or resolves to, an address that is not public
    TIMEOUT = "timeout"  # not whole within `timeout_s`
    CONNECT = "connect"  # nobody accepts the connection
    SERVER = "server"  # HTTP 5xx
    THROTTLED = "throttled"  # HTTP 429, or 503 with Retry-After
    STATUS = "status"  # any other status
    FILE = "file"  # a local file cannot be read
    MISSING = "missing"  # HTTP 404
    GONE = "gone"  # HTTP 410
    STORE = "store"  # the store failed
    BUG = "bug"  # an error that we did not foresee

    @property
    def group(self) -> Group:
        """The group the kind belongs to."""
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
    | dict.fromkeys((Kind.STORE, Kind.BUG), Group.INTERNAL)
)


class FeedMirrorError(Exception):
    """Everything that this program raises on purpose."""


class ConfigError(FeedMirrorError):
    """The configuration cannot be used: stop before anything is fetched.

    `problems` holds one line for each, as `feedmirror check` prints them.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class EventError(FeedMirrorError):
    """An invocation of a function asks for nothing that it could do; `str()` says what it could."""


class QueueError(FeedMirrorError):
    """Some refreshes could not be asked for; `str()` says how many, and why the first one."""


class FeedError(FeedMirrorError):
    """One feed fails, the others go on. `str()` is a sentence for the operator."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class FetchError(FeedError):
    """The origin's document could not be had."""

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(kind, message)
        self.status = status  # HTTP status, None where no answer came
        self.retry_after_s = retry_after_s  # what the origin asks for, not yet clamped


class ParseError(FeedError):
    """The origin's document is not a feed that can be used."""


class RenderError(FeedMirrorError):
    """A document would not be valid, or would leave without its disclaimer; never published."""


class StoreError(FeedMirrorError):
    """The store failed or refuses; `str()` says which operation on which key, and why."""


class ObjectError(StoreError):
    """One object cannot be read or be written over; the others may be well.

    `etag` is the object's where it is known, so that it can be replaced.
    """

    def __init__(self, message: str, etag: str | None = None) -> None:
        super().__init__(message)
        self.etag = etag


class StateError(StoreError):
    """A stored state cannot be read: corrupt, or written by a newer version."""


def contained(work: Callable[[], T]) -> T | Exception:
    """Return what `work` returns, or the exception that it raises.

    For the few places where a fault of our own, whatever it is, must not keep the rest of a refresh
    or the other feeds from being done.
    """
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - the one place
        return error


def kind_of(error: Exception) -> Kind:
    """Return the kind of an error as the log and the state name it; BUG for a foreign one."""
    if isinstance(error, FeedError):
        return error.kind
    return Kind.STORE if isinstance(error, StoreError) else Kind.BUG


def described(error: Exception) -> str:
    """Return one sentence about an error; a foreign one is named by its class."""
    name = "" if isinstance(error, FeedMirrorError) else f"{type(error).__name__}: "
    return f"{name}{error}"
