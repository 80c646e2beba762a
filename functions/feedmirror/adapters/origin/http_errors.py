"""Translate HTTP responses that bring no document into FetchError, with advice for the operator."""

from __future__ import annotations

from datetime import datetime

from urllib3 import HTTPHeaderDict

from feedmirror.adapters.origin.exchange import Reply
from feedmirror.adapters.origin.headers import retry_after_s
from feedmirror.adapters.origin.target import Target
from feedmirror.errors import FetchError, Kind

# Headers of a page that makes a browser prove itself, under any status: AWS WAF sends 202 with a
# challenge and 405 with a captcha, Cloudflare 403.
_CHALLENGES = (("x-amzn-waf-action", ("challenge", "captcha")), ("cf-mitigated", ("challenge",)))
_CHALLENGED = (
    "a firewall demands proof of a browser, which a feed reader cannot give; ask the publisher to "
    "let feed readers through"
)
_NO_OBJECT = (
    "access denied by S3, which also answers so where nothing is stored; check whether the feed "
    "has moved, then ask the publisher"
)

_MEANINGS: dict[int, tuple[Kind, str]] = {
    204: (Kind.STATUS, "no content"),
    206: (Kind.STATUS, "a part of the document, to a request for all of it"),
    304: (Kind.STATUS, "not modified, to a request without validators; its cache is broken"),
    401: (Kind.FORBIDDEN, "credentials required; add them to the setting `headers`"),
    403: (
        Kind.FORBIDDEN,
        "access denied; ask the publisher, or add what is required to the setting `headers`",
    ),
    404: (Kind.MISSING, "not found; look for the feed's new address"),
    407: (Kind.FORBIDDEN, "a proxy on the way requires credentials"),
    429: (Kind.THROTTLED, "rate limited; raise `every`"),
    451: (Kind.LEGAL, "withheld for legal reasons"),
}


def http_error(target: Target, reply: Reply, now: datetime) -> FetchError:
    """Return the FetchError for `reply`, with the seconds of its `Retry-After`. `now` is aware."""
    wait_s = retry_after_s(reply.headers, now)
    kind, meaning = _explained(reply) or _meaning(reply.status, asks_to_wait=wait_s is not None)
    retry = f" (Retry-After: {wait_s:,} s)" if wait_s else ""
    message = f"{target.shown} answers HTTP {reply.status}: {meaning}{retry}."
    return FetchError(kind, message, status=reply.status, retry_after_s=wait_s)


def is_challenge(headers: HTTPHeaderDict) -> bool:
    """Return True if a firewall answers, in place of the origin."""
    return any(headers.get(name, "").strip().lower() in values for name, values in _CHALLENGES)


def _explained(reply: Reply) -> tuple[Kind, str] | None:
    """Return the kind and meaning that headers or body give, whatever the status, or None."""
    if is_challenge(reply.headers):
        return Kind.FORBIDDEN, _CHALLENGED
    # Without the right to list a bucket, S3 does not say that a key is missing.
    if b"<Code>AccessDenied</Code>" in reply.body:
        return Kind.FORBIDDEN, _NO_OBJECT
    return None


def _meaning(status: int, *, asks_to_wait: bool) -> tuple[Kind, str]:
    """Return the kind and meaning of a status. Source: RFC 9110 §15, RFC 6585 §4, RFC 7725."""
    if status == 503 and asks_to_wait:
        return Kind.THROTTLED, "temporarily unavailable"
    if status in _MEANINGS:
        return _MEANINGS[status]
    if 500 <= status <= 599:
        return Kind.SERVER, "server error; wait until the origin has recovered"
    return Kind.STATUS, "unexpected answer to a plain request for a document"
