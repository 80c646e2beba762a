"""What the headers of an answer mean to us, however they are written."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from urllib3 import HTTPHeaderDict

from feedmirror.adapters.origin.target import Target, parse_target
from feedmirror.errors import FetchError, Kind
from feedmirror.model import Subscription, Validators
from feedmirror.settings.request_headers import flaw_of_header

_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, "
    "application/rdf+xml;q=0.9, application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, "
    "*/*;q=0.1"
)
_URL_CHARS = "!#$%&'*+,/:;=?@[]~"  # beside letters and digits; no parenthesis, it ends a comment


def request_headers(
    product: str, subscription: Subscription, target: Target, known: Validators
) -> dict[str, str]:
    """Return the headers to ask `target` with; cookies and a referrer only if they are configured.

    The subscription's own go to the origin of its `url` and nowhere else: not across a redirect,
    not to an alternate. They may replace `Accept`.
    Raises: FetchError (BUG) for a configured header that the settings do not accept.
    """
    headers = {
        "User-Agent": user_agent(product, subscription.contact),
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


def user_agent(product: str, contact: str | None) -> str:
    """Who asks, and how to reach them. Source: RFC 9110 §10.1.5."""
    if contact is None:
        return f"{product} (feed mirror)"
    return f"{product} (+{quote(contact, safe=_URL_CHARS)})"


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
_MOST_SECONDS = 10**9  # 31 years; as much as a timedelta bears with ease


def validators_of(headers: HTTPHeaderDict) -> Validators:
    """The validators to ask with next time, verbatim; None for what could not be sent back.

    Source: RFC 9110 §8.8.
    """
    return usable(Validators(_single(headers, "etag"), _single(headers, "last-modified")))


def usable(validators: Validators) -> Validators:
    """`validators` without those that are over-long, or that no header can carry."""
    return Validators(
        validators.etag if _sendable(validators.etag, _MOST_ETAG_CHARS) else None,
        validators.last_modified if _sendable(validators.last_modified, _MOST_DATE_CHARS) else None,
    )


def max_age_s(headers: HTTPHeaderDict) -> int | None:
    """Return the seconds that the answer stays fresh: max-age, less what it spent in caches.

    None if max-age is not said, or if the answer is not to be kept. Of a repeated `Age` the first
    counts, and one that is no whole number is ignored. Source: RFC 9111 §4.2, §5.1, §5.2.2.
    """
    lifetime_s: int | None = None
    for directive in headers.get("cache-control", "").lower().split(","):
        name, _, value = directive.strip().partition("=")
        if name in ("no-cache", "no-store"):
            return None
        if name == "max-age" and lifetime_s is None:
            lifetime_s = _seconds(value.strip('"'))
    if lifetime_s is None:
        return None
    age_s = _seconds(headers.get("age", "").partition(",")[0].strip()) or 0
    return max(0, lifetime_s - age_s)


def retry_after_s(headers: HTTPHeaderDict, now: datetime) -> int | None:
    """Seconds to wait, 0 for a moment that is past; None if not said, or not understood.

    A date is read against the answer's own `Date`, as the clock of the server may be off; against
    `now` where there is none. Source: RFC 9110 §10.2.3.
    """
    text = headers.get("retry-after", "").strip()
    seconds = _seconds(text.removeprefix("-"))
    if seconds is not None:
        return 0 if text.startswith("-") else seconds
    moment = _http_date(text)
    if moment is None:
        return None
    wait_s = (moment - (_http_date(headers.get("date", "")) or now)).total_seconds()
    return max(0, min(int(wait_s), _MOST_SECONDS))


def location_of(headers: HTTPHeaderDict) -> str | None:
    """Where an answer points to, or None. Bytes beyond ASCII are UTF-8 where they can be."""
    text = _single(headers, "location")
    if not text:
        return None
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _single(headers: HTTPHeaderDict, name: str) -> str | None:
    """The header's value if it is there once; given twice, neither can be trusted."""
    values = headers.getlist(name)
    return values[0].strip(" \t") if len(values) == 1 else None


def _sendable(value: str | None, most_chars: int) -> bool:
    """Whether it is a field value that any server accepts. Source: RFC 9110 §5.5."""
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
