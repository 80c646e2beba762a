"""HTTP client for feeds: conditional requests, one deadline, size limits, checked redirects."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from feedmirror.adapters.deadline import Deadline
from feedmirror.adapters.origin.address_guard import Guard, LookUp, Predicate, is_public, resolve
from feedmirror.adapters.origin.exchange import SUCCESSES, Reply, exchange
from feedmirror.adapters.origin.headers import (
    Headers,
    location_of,
    max_age_s,
    request_headers,
    retry_after_s,
    usable,
    validators_of,
)
from feedmirror.adapters.origin.target import Target, parse_target, redirect_target
from feedmirror.errors import FetchError, Kind
from feedmirror.mirror.schedule import retry_after
from feedmirror.model import Fetched, Gone, NotModified, Subscription, Validators

_MOST_REDIRECTS = 5

_PERMANENT = (301, 308)
_REDIRECTS = (301, 302, 303, 307, 308)


class HttpOrigin:
    """The `Origin` of `ports.py` over HTTP; any number of threads may use one instance.

    Each request has its own connection, since a run rarely fetches from a host twice. Proxies of
    the environment are not used: they would connect past the address guard.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],  # aware; dates in Retry-After are compared with it
        resolve: LookUp = resolve,
        is_public: Predicate = is_public,
        own_port: int | None = None,  # of the function's runtime
        ssl_context: ssl.SSLContext | None = None,  # None: the system's certificate authorities
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._guard = Guard(resolve, is_public, own_port)
        self._ssl_context = ssl_context
        self._ssl_lock = threading.Lock()
        self._now = now
        self._retry_after = _RetryAfter(now)
        self._monotonic = monotonic

    def fetch(
        self, subscription: Subscription, url: str, validators: Mapping[str, Validators]
    ) -> Fetched | NotModified | Gone:
        """GET `url`, conditionally where `validators` has an entry for the address.

        `validators` is looked up under `url` as configured, and after redirects under the
        `Fetched.url` that an earlier call returned.
        Raises: FetchError, and nothing else whatever a server does.
        """
        deadline = Deadline(subscription.timeout_s, self._monotonic)
        first, moved = parse_target(url), True
        target, seen = first, {first}
        for _ in range(_MOST_REDIRECTS + 1):
            known = usable(validators.get(target.url, Validators()))
            reply = self._request(subscription, target, known, deadline)
            if reply.status not in _REDIRECTS:
                moved_to = target.url if moved and len(seen) > 1 else None
                try:
                    return self._result(target, reply, known, moved_to)
                except FetchError as error:
                    # Only for the feed's own origin: a redirect must not throttle another feed's.
                    if target.origin == first.origin:
                        self._retry_after.note(target, error.retry_after_s)
                    raise
            following = _follow(target, reply, seen)
            moved = moved and _is_permanent(target, reply, following)
            target = following
        message = f"{first.shown} is redirected more than {_MOST_REDIRECTS} times"
        raise FetchError(Kind.REDIRECT, f"{message}, last to {target.shown}.", status=reply.status)

    def _request(
        self, subscription: Subscription, target: Target, known: Validators, deadline: Deadline
    ) -> Reply:
        """Return the reply of one address, without following a redirect."""
        self._retry_after.check(target)
        headers = request_headers(subscription, target, known)
        addresses = self._guard.addresses(
            target, deadline, allow_private=subscription.allow_private_hosts
        )
        context = self._context() if target.scheme == "https" else None
        limit = subscription.max_bytes
        return exchange(target, addresses, headers, deadline, context=context, max_bytes=limit)

    def _context(self) -> ssl.SSLContext:
        """Return the TLS context of this instance, made at the first need: it costs 20 ms."""
        with self._ssl_lock:
            if self._ssl_context is None:
                self._ssl_context = ssl.create_default_context()
                self._ssl_context.set_alpn_protocols(["http/1.1"])
            return self._ssl_context

    def _result(
        self, target: Target, reply: Reply, sent: Validators, moved_to: str | None
    ) -> Fetched | NotModified | Gone:
        """Translate the last reply. `sent` are the validators of the request."""
        if _is_challenge(reply.headers):
            raise _http_error(target, reply, self._now())
        if reply.status == 410:
            return Gone(target.url)
        if reply.status == 304 and sent != Validators():
            return NotModified(target.url, validators_of(reply.headers))
        if reply.status not in SUCCESSES:
            raise _http_error(target, reply, self._now())
        if not reply.body:
            message = f"{target.shown} is empty; the mirror keeps its last good version."
            raise FetchError(Kind.EMPTY, message, status=reply.status)
        return Fetched(
            url=target.url,
            body=reply.body,
            content_type=reply.headers.get("content-type") or None,
            link=reply.headers.get("link") or None,
            validators=validators_of(reply.headers),
            status=reply.status,
            moved_to=moved_to,
            max_age_s=max_age_s(reply.headers),
        )


def _follow(target: Target, reply: Reply, seen: set[Target]) -> Target:
    """Return the target of a redirect, added to `seen`. Raises: FetchError (REDIRECT, ADDRESS)."""
    location = location_of(reply.headers)
    if location is None:
        message = f"{target.shown} is redirected (HTTP {reply.status}) without a Location."
        raise FetchError(Kind.REDIRECT, message, status=reply.status)
    following = redirect_target(target, location)
    if following in seen:
        message = f"{target.shown} is redirected back to {following.shown}, in a loop"
        advice = "its server may require cookies, which are not sent"
        raise FetchError(Kind.REDIRECT, f"{message}; {advice}.", status=reply.status)
    seen.add(following)
    return following


def _is_permanent(target: Target, reply: Reply, following: Target) -> bool:
    """Return True if `following` may replace the configured address from now on.

    A redirect from https to http never counts as permanent: to adopt it would give up TLS for good.
    """
    downgraded = target.scheme == "https" and following.scheme == "http"
    return reply.status in _PERMANENT and not downgraded


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


def _http_error(target: Target, reply: Reply, now: datetime) -> FetchError:
    """Return the FetchError for `reply`, with the seconds of its `Retry-After`. `now` is aware."""
    wait_s = retry_after_s(reply.headers, now)
    kind, meaning = _meaning(reply, asks_to_wait=wait_s is not None)
    retry = f" (Retry-After: {wait_s:,} s)" if wait_s else ""
    message = f"{target.shown} answers HTTP {reply.status}: {meaning}{retry}."
    return FetchError(kind, message, status=reply.status, retry_after_s=wait_s)


def _is_challenge(headers: Headers) -> bool:
    """Return True if a firewall answers, in place of the origin."""
    return any(headers.get(name).strip().lower() in values for name, values in _CHALLENGES)


def _meaning(reply: Reply, *, asks_to_wait: bool) -> tuple[Kind, str]:
    """Return the kind and meaning of a reply, by its headers, its body, then its status.

    Source: RFC 9110 §15, RFC 6585 §4, RFC 7725.
    """
    if _is_challenge(reply.headers):
        return Kind.FORBIDDEN, _CHALLENGED
    # Without the right to list a bucket, S3 does not say that a key is missing.
    if b"<Code>AccessDenied</Code>" in reply.body:
        return Kind.FORBIDDEN, _NO_OBJECT
    if reply.status == 503 and asks_to_wait:
        return Kind.THROTTLED, "temporarily unavailable"
    if reply.status in _MEANINGS:
        return _MEANINGS[reply.status]
    if 500 <= reply.status <= 599:
        return Kind.SERVER, "server error; wait until the origin has recovered"
    return Kind.STATUS, "unexpected answer to a plain request for a document"


_LONGEST = timedelta(hours=1)


class _RetryAfter:
    """The time until which each origin has asked for no more requests; kept in memory only.

    The feed that was throttled remembers its own `Retry-After` in its state, for up to a day. Other
    feeds of the same origin wait for an hour at most, so that a feed that is always throttled does
    not keep its neighbours from their origin.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now  # aware
        self._until: dict[tuple[str, str, int], datetime] = {}

    def note(self, target: Target, retry_after_s: float | None) -> None:
        """Remember the `Retry-After` of the target's origin, clamped; None: no header."""
        now = self._now()
        until = retry_after(retry_after_s, now)
        if until is not None:
            waiting = {origin: end for origin, end in self._until.items() if end > now}
            self._until = {**waiting, target.origin: min(until, now + _LONGEST)}

    def check(self, target: Target) -> None:
        """Raises: FetchError THROTTLED while the target's origin wants no request."""
        until = self._until.get(target.origin)
        left_s = (until - self._now()).total_seconds() if until else 0.0
        if left_s > 0:
            message = (
                f"{target.shown} was not requested: its origin sent Retry-After to another feed, "
                f"with {left_s:,.0f} s left; the feed is polled after that."
            )
            raise FetchError(Kind.THROTTLED, message, retry_after_s=left_s)
