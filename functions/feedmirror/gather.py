"""The first third of a refresh: what the feed's addresses say, and what is learned of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from hashlib import sha256

from feedmirror.core.gone import DAYS, Sightings, after_failure, seen
from feedmirror.core.redaction import Redaction
from feedmirror.core.secrets import hidden_address, secrets_of
from feedmirror.core.state import PROGRAM, State, addresses_of
from feedmirror.core.validators import Heard, after_document, after_not_modified
from feedmirror.errors import FeedError, FetchError, Kind
from feedmirror.model import PARSER_VERSION, Fetched, Gone, NotModified, Reading, Subscription
from feedmirror.ports import World
from feedmirror.redaction_key import redaction_key

_SIGHTINGS = 3  # of a permanent redirect's target as a feed, before it is remembered


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the origin said: a reading, that nothing changed, or an error."""

    state: State  # with what was learned of addresses on the way
    status: int | None = None  # HTTP status
    reading: Reading | None = None
    heard: Heard | None = None  # of the address that answered, where there is no reading
    note: str | None = None
    error: FeedError | None = None  # the first address's, where none could be read


def gather(subscription: Subscription, state: State, world: World) -> Gathered:
    """What the first address that answers with a feed says, or the first one's error."""
    urls = addresses_of(subscription, state)
    state = replace(state, gone={url: state.gone[url] for url in urls if url in state.gone})
    errors: list[FeedError] = []
    for url in urls:
        gathered = _asked(subscription, state, url, world, alternate=url != urls[0])
        state = gathered.state
        if gathered.error is None:
            note = f"read from {url}, since: {errors[0]}" if errors else gathered.note
            return replace(gathered, note=note)
        errors.append(gathered.error)
    status = errors[0].status if isinstance(errors[0], FetchError) else None
    return Gathered(state, status, error=errors[0])


def _asked(
    subscription: Subscription, state: State, url: str, world: World, *, alternate: bool
) -> Gathered:
    """Return what one address says, or why it has no feed to give."""
    now = world.clock()
    sightings = state.gone.get(url)
    if sightings and sightings.asked_again_at and now < sightings.asked_again_at:
        return Gathered(state, error=_gone(url, sightings))
    try:
        gathered = _ask(subscription, state, url, world, alternate=alternate)
    except FeedError as error:
        return Gathered(replace(state, gone=after_failure(state.gone, url, now)), error=error)
    if gathered.error is None and sightings:
        gone = {other: held for other, held in state.gone.items() if other != url}
        return replace(gathered, state=replace(gathered.state, gone=gone))
    return gathered


def _sighted(state: State, url: str, now: datetime) -> Gathered:
    """Return the state after a 410. A redirect to an address that is gone is remembered no more."""
    sightings = seen(state.gone.get(url), now)
    forgotten = url == state.moved_to and sightings.asked_again_at
    noted = replace(
        state,
        gone={**state.gone, url: sightings},
        moved_to=None if forgotten else state.moved_to,
    )
    return Gathered(noted, error=_gone(url, sightings))


def _gone(url: str, sightings: Sightings) -> FetchError:
    shown, again_at = hidden_address(url), sightings.asked_again_at
    if again_at:
        what = f"is gone (HTTP 410 on {DAYS} days): it is not asked again until"
        message = f"{shown} {what} {again_at:%Y-%m-%d %H:%M} UTC"
    else:
        what = f"answers HTTP 410 (gone), on {sightings.days} of {DAYS} days so far: it is asked on"
        message = f"{shown} {what}, and once a week after the third"
    return FetchError(Kind.GONE, f"{message}. What was mirrored stays.", status=410)


def _ask(
    subscription: Subscription, state: State, url: str, world: World, *, alternate: bool
) -> Gathered:
    """What one address says. Raises: FeedError."""
    requested_at = world.clock()
    known = {address: held.validators for address, held in state.addresses.items()}
    reply = world.origin.fetch(subscription, url, known)
    if isinstance(reply, Gone):
        return _sighted(state, url, requested_at)
    if isinstance(reply, NotModified):
        return Gathered(state, reply.status, heard=_refreshed(state, reply, requested_at))
    digest = sha256(reply.body).hexdigest()[:32]
    noted, note = _moved(state, subscription, reply)
    before = state.addresses.get(reply.url)
    if before is not None and before.digest == digest:
        heard = Heard(reply.url, before, after_document(before, reply.validators, digest))
        return Gathered(noted, reply.status, heard=heard, note=note)
    parsed = world.parser.parse(reply, _known(state))
    if parsed.new_url and parsed.new_url not in {
        subscription.url,
        reply.url,
        *subscription.alternates,
    }:
        note = note or f"the feed says that it moves to {parsed.new_url}: update `url`"
    secrets = secrets_of(subscription, reply.url)
    parsed = Redaction(secrets, partial(redaction_key, world.store)).parsed(parsed)
    if not parsed.complete:
        note = "the document was cut off: its whole entries are kept, nothing else is changed"
    # Without its bytes, of which nothing more is asked but takes memory until all is committed.
    reading = Reading(replace(reply, body=b""), parsed, digest, requested_at, alternate)
    return Gathered(noted, reply.status, reading, note=note)


def _refreshed(state: State, reply: NotModified, now: datetime) -> Heard | None:
    """Return what a 304 says of the validators that were sent."""
    before = state.addresses.get(reply.url)
    if before is None:
        return None
    return Heard(reply.url, before, after_not_modified(before, reply.validators, now))


def _known(state: State) -> frozenset[str]:
    """The fingerprints of items that need not be read, or that this program cannot read."""
    if state.parser_version != PARSER_VERSION:
        return frozenset()
    unread = (
        fingerprint
        for fingerprint, one in state.quarantined.items()
        if not one.documents and one.program == PROGRAM
    )
    return frozenset((*state.fingerprints, *unread))


def _moved(state: State, subscription: Subscription, reply: Fetched) -> tuple[State, str | None]:
    """The state after another sighting of a permanent redirect whose target is this feed.

    Remembered only when it was stable: a hotel's login page answers 301 too.
    """
    target = reply.moved_to
    if target is None or target in {state.moved_to, subscription.url}:
        return state, None
    note = f"moved for good to {target}: update `url`"
    count = state.moving[1] + 1 if state.moving and state.moving[0] == target else 1
    if count < _SIGHTINGS:
        return replace(state, moving=(target, count)), note
    return replace(state, moved_to=target, moving=None), note
