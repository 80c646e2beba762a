"""The headers of a request: what we are, what we want, what we have already."""

from __future__ import annotations

from urllib.parse import quote

from feedmirror.adapters.target import Target, parse_target
from feedmirror.core.request_headers import flaw_of_header
from feedmirror.errors import FetchError, Kind
from feedmirror.model import Subscription, Validators

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
