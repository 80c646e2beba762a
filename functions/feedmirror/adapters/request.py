"""The headers of a request: what we are, what we want, what we have already."""

from __future__ import annotations

from urllib.parse import quote

from feedmirror.adapters.target import Target, parse_target
from feedmirror.errors import FetchError, Kind
from feedmirror.model import Subscription, Validators

_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, "
    "application/rdf+xml;q=0.9, application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, "
    "*/*;q=0.1"
)

# Ours alone: the framing of the exchange, its conditions, and an honest name.
_RESERVED = frozenset(
    (
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "keep-alive",
        "range",
        "referer",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    )
)
_URL_CHARS = "!#$%&'*+,/:;=?@[]~"  # beside letters and digits; no parenthesis, it ends a comment


def request_headers(
    product: str, subscription: Subscription, target: Target, known: Validators
) -> dict[str, str]:
    """The headers to ask `target` with; neither cookies nor a referrer among them.

    The subscription's own go to the origin of its `url` and nowhere else: not across a redirect,
    not to an alternate. They may replace `Accept`, but none of the names that are ours alone.
    Raises: FetchError (BUG) for a configured header that HTTP cannot carry.
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
    headers = {
        "Accept" if name.lower() == "accept" else name: value
        for name, value in subscription.headers.items()
        if name.lower() not in _RESERVED
    }
    for name, value in headers.items():
        if not (name.isascii() and name.isprintable() and _is_value(value)):
            message = f"The header {name!a} of {subscription.slug} holds what HTTP cannot carry."
            raise FetchError(Kind.BUG, message)
    return headers


def _is_value(value: str) -> bool:
    """Whether it is a field value. Source: RFC 9110 §5.5."""
    return value.isprintable() and all(char <= "\xff" for char in value)
