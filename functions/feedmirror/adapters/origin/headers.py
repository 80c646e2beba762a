"""HTTP header fields: those of a request built, those of a response parsed and validated."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from feedmirror import __version__
from feedmirror.adapters.origin.target import Target, parse_target
from feedmirror.errors import FetchError, Kind
from feedmirror.model import Subscription, Validators
from feedmirror.settings.addresses import flaw_of_header

_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, "
    "application/rdf+xml;q=0.9, application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, "
    "*/*;q=0.1"
)
_URL_CHARS = "!#$%&'*+,/:;=?@[]~"  # beside letters and digits; no parenthesis, it ends a comment


class Headers:
    """Header fields of a response, by names in any case."""

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in fields:
            self._values.setdefault(name.lower(), []).append(value)

    def values(self, name: str) -> list[str]:
        """Return the value of each field of that name."""
        return self._values.get(name, [])

    def get(self, name: str) -> str:
        """Return the values of all fields of that name as one; "" if there is none.

        Source: RFC 9110 §5.3
        """
        return ", ".join(self.values(name))


def request_headers(
    subscription: Subscription, target: Target, known: Validators
) -> dict[str, str]:
    """Return the headers of a request for `target`; `known` makes the request conditional.

    The subscription's own `headers` go to the origin of its `url` only: not across a redirect, not
    to an alternate. They may replace `Accept`. Cookies and a referrer are sent only if configured.
    Raises: FetchError (BUG) for a configured header that the settings do not accept.
    """
    headers = {
        "User-Agent": _user_agent(subscription.contact),
        "Accept": _ACCEPT,
        "Accept-Encoding": "gzip",
        "Connection": "close",  # no second request will follow. Source: RFC 9112 §9.6
    }
    if known.etag is not None:
        headers["If-None-Match"] = known.etag
    if known.last_modified is not None:
        headers["If-Modified-Since"] = known.last_modified
    if subscription.headers and parse_target(subscription.url).origin == target.origin:
        headers |= _own_headers(subscription)
    return headers


def _user_agent(contact: str | None) -> str:
    """Return the User-Agent: product, and the operator's contact. Source: RFC 9110 §10.1.5."""
    comment = "feed mirror" if contact is None else f"+{quote(contact, safe=_URL_CHARS)}"
    return f"feedmirror/{__version__} ({comment})"


def _own_headers(subscription: Subscription) -> dict[str, str]:
    for name, value in subscription.headers.items():
        if flaw := flaw_of_header(name, value):
            message = f"The header {name!a} of {subscription.slug} cannot be sent: {flaw}."
            raise FetchError(Kind.BUG, message)
    return {
        "Accept" if name.lower() == "accept" else name: value
        for name, value in subscription.headers.items()
    }


_MOST_ETAG_CHARS = 1024
_MOST_DATE_CHARS = 64  # an HTTP-date has 29
_FIELD_VALUE = re.compile(r"[\t -~\x80-\xff]+")  # no control character, one byte each
_MOST_SECONDS = 10**9  # 31 years, far from the limit of a timedelta


def validators_of(headers: Headers) -> Validators:
    """Return the validators for the next request, verbatim; None for a field that is unusable.

    Source: RFC 9110 §8.8.
    """
    return usable(Validators(_single(headers, "etag"), _single(headers, "last-modified")))


def usable(validators: Validators) -> Validators:
    """Return `validators` without fields that are too long or that no header can carry."""
    return Validators(
        validators.etag if _sendable(validators.etag, _MOST_ETAG_CHARS) else None,
        validators.last_modified if _sendable(validators.last_modified, _MOST_DATE_CHARS) else None,
    )


def max_age_s(headers: Headers) -> int | None:
    """Return the seconds that the response stays fresh: max-age, less its `Age` in caches.

    None without max-age, or with no-cache or no-store. The first of repeated `Age` values counts;
    an `Age` that is not a whole number is ignored. Source: RFC 9111 §4.2, §5.1, §5.2.2.
    """
    lifetime_s: int | None = None
    for directive in headers.get("cache-control").lower().split(","):
        name, _, value = directive.strip().partition("=")
        if name in ("no-cache", "no-store"):
            return None
        if name == "max-age" and lifetime_s is None:
            lifetime_s = _seconds(value.strip('"'))
    if lifetime_s is None:
        return None
    age_s = _seconds(headers.get("age").partition(",")[0].strip()) or 0
    return max(0, lifetime_s - age_s)


def retry_after_s(headers: Headers, now: datetime) -> int | None:
    """Return the seconds of `Retry-After`, 0 for a past date; None if missing or malformed.

    A date is compared with the response's own `Date`, since the server's clock may be off, or with
    `now` where there is none. Source: RFC 9110 §10.2.3.
    """
    text = headers.get("retry-after").strip()
    seconds = _seconds(text.removeprefix("-"))
    if seconds is not None:
        return 0 if text.startswith("-") else seconds
    moment = _http_date(text)
    if moment is None:
        return None
    wait_s = (moment - (_http_date(headers.get("date")) or now)).total_seconds()
    return max(0, min(int(wait_s), _MOST_SECONDS))


def location_of(headers: Headers) -> str | None:
    """Return the `Location`, or None; bytes beyond ASCII are decoded as UTF-8 where possible."""
    text = _single(headers, "location")
    if not text:
        return None
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _single(headers: Headers, name: str) -> str | None:
    """Return the value of a header that occurs once; None if repeated, as no value is certain."""
    values = headers.values(name)
    return values[0].strip(" \t") if len(values) == 1 else None


def _sendable(value: str | None, most_chars: int) -> bool:
    """Return True if `value` is a valid field value. Source: RFC 9110 §5.5."""
    return value is not None and len(value) <= most_chars and bool(_FIELD_VALUE.fullmatch(value))


def _seconds(text: str) -> int | None:
    if not (text.isascii() and text.isdigit()):
        return None
    return min(int(text), _MOST_SECONDS) if len(text) <= 20 else _MOST_SECONDS


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return None
