"""What an answer means that is neither a document, nor "not modified", nor "gone"."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from urllib3 import HTTPHeaderDict

from feedmirror.adapters.origin.exchange import Reply
from feedmirror.adapters.origin.headers import retry_after_s
from feedmirror.adapters.origin.target import Target
from feedmirror.errors import FetchError, Kind
from feedmirror.mirror.schedule import retry_after

_LONGEST = timedelta(hours=1)


class Waits:
    """What origins have asked for by `Retry-After`, as long as this process lives.

    Each feed remembers in its state what it was told itself, which may be a day. Others wait for an
    hour at most, so that no feed that is always refused keeps its neighbours from their origin.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now  # aware
        self._until: dict[tuple[str, str, int], datetime] = {}

    def note(self, target: Target, seconds: float | None) -> None:
        """Remember that the target's origin asked for that many, clamped; None: it did not ask."""
        now = self._now()
        until = retry_after(seconds, now)
        if until is not None:
            waiting = {origin: end for origin, end in self._until.items() if end > now}
            self._until = {**waiting, target.origin: min(until, now + _LONGEST)}

    def check(self, target: Target) -> None:
        """Raises: FetchError THROTTLED while the target's origin wants no request."""
        until = self._until.get(target.origin)
        left_s = (until - self._now()).total_seconds() if until else 0.0
        if left_s > 0:
            message = (
                f"{target.shown} is not asked, since its origin has asked us, for another feed, "
                f"to wait for {left_s:,.0f} s more."
            )
            raise FetchError(Kind.THROTTLED, message, retry_after_s=left_s)


_UNWELCOME = (
    Kind.FORBIDDEN,
    "it refuses us; ask its publisher, or give what it wants in the setting `headers`",
)

# Headers of a page that has a browser prove itself, whatever the status: AWS WAF sends 202 with a
# challenge and 405 with a captcha, Cloudflare 403.
_CHALLENGES = (("x-amzn-waf-action", ("challenge", "captcha")), ("cf-mitigated", ("challenge",)))
_CHALLENGED = (
    "a firewall in front of it wants proof of a browser, which no feed reader can give; ask its "
    "publisher to let feeds through"
)
_NO_OBJECT = (
    "it is denied by S3, which answers so where nothing is stored, too; look whether the feed has "
    "moved, then ask its publisher"
)

_MEANINGS: dict[int, tuple[Kind, str]] = {
    204: (Kind.STATUS, "it has no content"),
    206: (Kind.STATUS, "it sends a part only, though the whole was asked for"),
    304: (Kind.STATUS, "it says `not modified` though we hold no copy; its cache is broken"),
    401: (Kind.FORBIDDEN, "it wants credentials; give them in the setting `headers`"),
    403: _UNWELCOME,
    404: (Kind.MISSING, "there is nothing at this address; look for the feed's new one"),
    407: (Kind.FORBIDDEN, "a proxy on the way wants credentials"),
    429: (Kind.THROTTLED, "it is asked too often for its taste; poll it less often"),
    451: (Kind.LEGAL, "it is withheld for legal reasons"),
}


def refusal(target: Target, reply: Reply, now: datetime) -> FetchError:
    """The error that `reply` is, with what its `Retry-After` asks for. `now` is aware."""
    wait_s = retry_after_s(reply.headers, now)
    kind, meaning = _explained(reply) or _meaning(reply.status, asks_to_wait=wait_s is not None)
    asked = f" (it asks us to wait for {wait_s:,} s)" if wait_s else ""
    message = f"{target.shown} answers HTTP {reply.status}: {meaning}{asked}."
    return FetchError(kind, message, status=reply.status, retry_after_s=wait_s)


def is_challenge(headers: HTTPHeaderDict) -> bool:
    """Return True if a firewall answers, in place of the origin."""
    return any(headers.get(name, "").strip().lower() in said for name, said in _CHALLENGES)


def _explained(reply: Reply) -> tuple[Kind, str] | None:
    """Return what an answer means by more than its status, or None."""
    if is_challenge(reply.headers):
        return Kind.FORBIDDEN, _CHALLENGED
    # Without the right to list a bucket, S3 does not say that a key is missing.
    if b"<Code>AccessDenied</Code>" in reply.body:
        return Kind.FORBIDDEN, _NO_OBJECT
    return None


def _meaning(status: int, *, asks_to_wait: bool) -> tuple[Kind, str]:
    """The kind of a status, and what it says. Source: RFC 9110 §15, RFC 6585 §4, RFC 7725."""
    if status == 503 and asks_to_wait:
        return Kind.THROTTLED, "it is not available for now"
    if status in _MEANINGS:
        return _MEANINGS[status]
    if 500 <= status <= 599:
        return Kind.SERVER, "its server is in trouble; nothing can be done here but wait"
    return Kind.STATUS, "that is no answer to a plain request for a document"
