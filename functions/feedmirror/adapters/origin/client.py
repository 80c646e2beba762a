"""HTTP client for feeds: conditional requests, one deadline, size limits, checked redirects."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime

from feedmirror import __version__
from feedmirror.adapters.deadline import Deadline
from feedmirror.adapters.origin.address_guard import Guard, LookUp, Predicate, is_public, resolve
from feedmirror.adapters.origin.exchange import SUCCESSES, Reply, exchange
from feedmirror.adapters.origin.headers import (
    location_of,
    max_age_s,
    request_headers,
    usable,
    validators_of,
)
from feedmirror.adapters.origin.http_errors import http_error, is_challenge
from feedmirror.adapters.origin.retry_after import RetryAfterByOrigin
from feedmirror.adapters.origin.target import Target, parse_target, redirect_target
from feedmirror.errors import FetchError, Kind
from feedmirror.model import Fetched, Gone, NotModified, Subscription, Validators

MOST_REDIRECTS = 5

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
        product: str = f"feedmirror/{__version__}",  # first word of the User-Agent
        resolve: LookUp = resolve,
        is_public: Predicate = is_public,
        own_port: int | None = None,  # of the function's runtime
        ssl_context: ssl.SSLContext | None = None,  # None: the system's certificate authorities
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._product = product
        self._guard = Guard(resolve, is_public, own_port)
        self._ssl_context = ssl_context
        self._ssl_lock = threading.Lock()
        self._now = now
        self._retry_after = RetryAfterByOrigin(now)
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
        for _ in range(MOST_REDIRECTS + 1):
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
        message = f"{first.shown} is redirected more than {MOST_REDIRECTS} times"
        raise FetchError(Kind.REDIRECT, f"{message}, last to {target.shown}.", status=reply.status)

    def _request(
        self, subscription: Subscription, target: Target, known: Validators, deadline: Deadline
    ) -> Reply:
        """Return the reply of one address, without following a redirect."""
        self._retry_after.check(target)
        headers = request_headers(self._product, subscription, target, known)
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
        if is_challenge(reply.headers):
            raise http_error(target, reply, self._now())
        if reply.status == 410:
            return Gone(target.url)
        if reply.status == 304 and sent != Validators():
            return NotModified(target.url, validators_of(reply.headers))
        if reply.status not in SUCCESSES:
            raise http_error(target, reply, self._now())
        if not reply.body:
            message = f"{target.shown} is empty; the mirror keeps its last good version."
            raise FetchError(Kind.EMPTY, message, status=reply.status)
        return Fetched(
            url=target.url,
            body=reply.body,
            content_type=reply.headers.get("content-type"),
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
