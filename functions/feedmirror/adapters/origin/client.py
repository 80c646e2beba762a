"""Feeds over HTTP, fetched politely: conditional, bounded, redirected with care."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime

from feedmirror import __version__
from feedmirror.adapters.deadline import Deadline
from feedmirror.adapters.origin.address_guard import Guard, Predicate, Resolve, is_public, resolve
from feedmirror.adapters.origin.exchange import SUCCESSES, Reply, exchange
from feedmirror.adapters.origin.headers import (
    location_of,
    max_age_s,
    request_headers,
    usable,
    validators_of,
)
from feedmirror.adapters.origin.refusal import Waits, is_challenge, refusal
from feedmirror.adapters.origin.target import Target, parse_target, redirect_target
from feedmirror.errors import FetchError, Kind
from feedmirror.model import Fetched, Gone, NotModified, Subscription, Validators

MOST_REDIRECTS = 5

_PERMANENT = (301, 308)
_REDIRECTS = (301, 302, 303, 307, 308)


class HttpOrigin:
    """The origin of feeds on the web; one serves any number of threads.

    Each exchange has its own connection: a run asks each host once. Proxies of the environment
    are not used, since they would connect past the guard.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],  # aware; for dates in Retry-After
        product: str = f"feedmirror/{__version__}",  # first word of the User-Agent
        resolve: Resolve = resolve,
        is_public: Predicate = is_public,
        own_port: int | None = None,  # of the function's runtime
        ssl_context: ssl.SSLContext | None = None,  # None: the system's authorities
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._product = product
        self._guard = Guard(resolve, is_public, own_port)
        self._ssl_context = ssl_context
        self._ssl_lock = threading.Lock()
        self._now = now
        self._waits = Waits(now)
        self._monotonic = monotonic

    def fetch(
        self, subscription: Subscription, url: str, validators: Mapping[str, Validators]
    ) -> Fetched | NotModified | Gone:
        """The document at `url`, asked for conditionally where `validators` knows an address.

        `validators` is looked up under `url` as it is written, and under `Fetched.url` of
        documents found by way of redirects.
        Raises: FetchError, and nothing else whatever a server does.
        """
        deadline = Deadline(subscription.timeout_s, self._monotonic)
        first, moved = parse_target(url), True
        target, seen = first, {first}
        for _ in range(MOST_REDIRECTS + 1):
            known = usable(validators.get(target.url, Validators()))
            reply = self._ask(subscription, target, known, deadline)
            if reply.status not in _REDIRECTS:
                moved_to = target.url if moved and len(seen) > 1 else None
                try:
                    return self._conclude(target, reply, known, moved_to)
                except FetchError as error:
                    # No feed has another one's origin wait by a redirect to what it throttles.
                    if target.origin == first.origin:
                        self._waits.note(target, error.retry_after_s)
                    raise
            following = _follow(target, reply, seen)
            moved = moved and _is_for_good(target, reply, following)
            target = following
        message = f"{first.shown} is redirected more than {MOST_REDIRECTS} times"
        raise FetchError(Kind.REDIRECT, f"{message}, last to {target.shown}.", status=reply.status)

    def _ask(
        self, subscription: Subscription, target: Target, known: Validators, deadline: Deadline
    ) -> Reply:
        """The answer of one address, with no redirect followed."""
        self._waits.check(target)
        headers = request_headers(self._product, subscription, target, known)
        addresses = self._guard.addresses(
            target, deadline, allow_private=subscription.allow_private_hosts
        )
        context = self._context() if target.scheme == "https" else None
        limit = subscription.max_bytes
        return exchange(target, addresses, headers, deadline, context=context, max_bytes=limit)

    def _context(self) -> ssl.SSLContext:
        """The one TLS context, made at the first need: it costs some 20 ms."""
        with self._ssl_lock:
            if self._ssl_context is None:
                self._ssl_context = ssl.create_default_context()
                self._ssl_context.set_alpn_protocols(["http/1.1"])
            return self._ssl_context

    def _conclude(
        self, target: Target, reply: Reply, asked_with: Validators, moved_to: str | None
    ) -> Fetched | NotModified | Gone:
        """What the last answer means."""
        if is_challenge(reply.headers):
            raise refusal(target, reply, self._now())
        if reply.status == 410:
            return Gone(target.url)
        if reply.status == 304 and asked_with != Validators():
            return NotModified(target.url, validators_of(reply.headers))
        if reply.status not in SUCCESSES:
            raise refusal(target, reply, self._now())
        if not reply.body:
            message = f"{target.shown} is empty; the last good mirror stays as it is."
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
    """Where a redirect leads; noted in `seen`."""
    location = location_of(reply.headers)
    if location is None:
        message = f"{target.shown} is redirected (HTTP {reply.status}), but nowhere."
        raise FetchError(Kind.REDIRECT, message, status=reply.status)
    following = redirect_target(target, location)
    if following in seen:
        message = f"{target.shown} is redirected back to {following.shown}, in a circle"
        raise FetchError(Kind.REDIRECT, f"{message}; it may want cookies.", status=reply.status)
    seen.add(following)
    return following


def _is_for_good(target: Target, reply: Reply, following: Target) -> bool:
    """Whether the new address may replace the old one.

    Never by a step from https down to http: adopted, it would give up TLS for all time.
    """
    downgraded = target.scheme == "https" and following.scheme == "http"
    return reply.status in _PERMANENT and not downgraded
