"""A refresh: gather, decide, apply.

    poll     by what the feed index knows of a feed that is well: without news, that is all
    gather   state = log.load()                     one GET; pending work is finished first
             reply = origin.fetch(url, validators)     Fetched | NotModified | Gone
    core     parsed = parser.parse(reply, known)       only what is new
             commits = decide(state, parsed)           new, revised, unchanged
    apply    for each commit: write the state, store its entries
             publish the documents that changed, mark done

A commit is one conditional write; everything after it can be done again, by anybody.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from time import monotonic

from msgspec import Struct
from msgspec.structs import replace

from feedmirror.errors import FeedError, FetchError, Kind, StoreError, contained, described, kind_of
from feedmirror.mirror.commits import Commit, Decision
from feedmirror.mirror.feed_index import Known
from feedmirror.mirror.gone import DAYS, Sightings, after_failure, seen
from feedmirror.mirror.retention import LOOKED_UP
from feedmirror.mirror.schedule import may_poll, retry_after
from feedmirror.mirror.state import DAILY, LASTING, PROGRAM, Failing, State, addresses_of
from feedmirror.mirror.validators import (
    Heard,
    after_document,
    after_not_modified,
    document_digest,
    with_validators,
)
from feedmirror.model import (
    PARSER_VERSION,
    Failure,
    Fetched,
    Gone,
    NotModified,
    Outcome,
    Reading,
    Revision,
    Subscription,
)
from feedmirror.poll import Answer, poll
from feedmirror.ports import World
from feedmirror.publishing.redaction import Redaction
from feedmirror.storage.redaction_key import redaction_key
from feedmirror.storage.wal import Applied, StateLog, apply_retired
from feedmirror.text.secrets import hidden_address, secrets_of

_SIGHTINGS = 3  # of a permanent redirect's target as a feed, before it is remembered


class Gathered(Struct, frozen=True):
    """The answer of an origin: a document, the news that nothing changed, or an error."""

    state: State  # with what was learned of addresses on the way
    status: int | None = None  # HTTP status
    reading: Reading | None = None
    heard: Heard | None = None  # of the address that answered, where there is no reading
    note: str | None = None
    error: FeedError | None = None  # the first address's, where none could be read


def gather(
    subscription: Subscription, state: State, world: World, answer: Answer | None = None
) -> Gathered:
    """Ask the feed's addresses in turn; return the first answer that is a feed, or the error of the
    first address. `answer` is of the address that was asked already, if one was.
    """
    urls = addresses_of(subscription, state)
    state = replace(state, gone={url: state.gone[url] for url in urls if url in state.gone})
    errors: list[FeedError] = []
    for url in urls:
        is_answered = answer is not None and answer.url == url
        reply = answer if is_answered else None
        gathered = _asked(subscription, state, url, world, reply, alternate=url != urls[0])
        state = gathered.state
        if gathered.error is None:
            note = f"read from {url}, since: {errors[0]}" if errors else gathered.note
            return replace(gathered, note=note)
        errors.append(gathered.error)
    status = errors[0].status if isinstance(errors[0], FetchError) else None
    return Gathered(state, status, error=errors[0])


def _asked(
    subscription: Subscription,
    state: State,
    url: str,
    world: World,
    answer: Answer | None,
    *,
    alternate: bool,
) -> Gathered:
    """Return what one address says, or why it has no feed to give."""
    now = world.clock()
    sightings = state.gone.get(url)
    if sightings and sightings.asked_again_at and now < sightings.asked_again_at:
        return Gathered(state, error=_gone(url, sightings))
    try:
        if answer is None:
            known = {address: held.validators for address, held in state.addresses.items()}
            answer = Answer.of(subscription, url, known, world)
        gathered = _taken(subscription, state, url, answer, world, alternate=alternate)
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


def _taken(
    subscription: Subscription,
    state: State,
    url: str,
    answer: Answer,
    world: World,
    *,
    alternate: bool,
) -> Gathered:
    """Return what the answer of one address comes to. Raises: FeedError."""
    reply, requested_at = answer.take(), answer.requested_at
    if isinstance(reply, Gone):
        return _sighted(state, url, requested_at)
    if isinstance(reply, NotModified):
        return Gathered(state, reply.status, heard=_learned(state, reply, requested_at))
    digest = document_digest(reply.body)
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


def _learned(state: State, reply: NotModified, now: datetime) -> Heard | None:
    """Return what a 304 says of the validators that were sent."""
    before = state.addresses.get(reply.url)
    if before is None:
        return None
    return Heard(reply.url, before, after_not_modified(before, reply.validators, now))


def _known(state: State) -> frozenset[str]:
    """Return the fingerprints of items that need not be read, or that this program cannot read."""
    if state.parser_version != PARSER_VERSION:
        return frozenset()
    unread = (
        fingerprint
        for fingerprint, one in state.quarantined.items()
        if not one.documents and one.program == PROGRAM
    )
    return frozenset((*state.fingerprints, *unread, *state.withheld))


def _moved(state: State, subscription: Subscription, reply: Fetched) -> tuple[State, str | None]:
    """Return the state after another sighting of a permanent redirect whose target is this feed.

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


_ATTEMPTS = 8  # at a commit that overlapping runs keep winning
_HELD_UP = (
    "more than 8 MB of earlier entries wait to be stored or published, so no new ones are taken"
)


def refresh(
    subscription: Subscription,
    world: World,
    *,
    scheduled: bool = False,
    known: Known | None = None,
) -> Outcome:
    """Refresh a feed once and return the outcome.

    With `scheduled`, do so only if the feed may be polled at this time. With `known`, the feed may
    be polled, and its state is loaded only if something follows from the answer.

    The origin's failure is an outcome, and so is an error of our own while pending work is carried
    out: neither keeps the feed from being fetched and committed. Raises: StoreError, and whatever
    else goes wrong before there is anything to commit; the state says so.
    """
    if subscription.retired:
        return _retired(subscription, world)
    answer = poll(subscription, known, world) if known else None
    if isinstance(answer, Outcome):
        return answer
    log = StateLog(
        world.store, subscription, world.public_url, world.deployment, world.side_by_side
    )
    before = _recovered(log, world.clock())
    note = before.held.note
    work = partial(_refreshed, log, before, subscription, world, answer, scheduled=scheduled)
    found = contained(work)
    del before, work, answer  # with the words of an earlier state, and of what was fetched
    if isinstance(found, Exception):
        if not isinstance(found, StoreError):
            now = world.clock()
            log.note_fault(log.load(now), found, now)
        raise found
    outcome = _documents_applied(log, *found, world)
    notes = filter(None, (note, outcome.note))
    return replace(outcome, note="; ".join(notes) or None)


def _refreshed(
    log: StateLog,
    before: Applied,
    subscription: Subscription,
    world: World,
    answer: Answer | None,
    *,
    scheduled: bool,
) -> tuple[Applied, Outcome]:
    """Return the state after all commits, and the outcome so far."""
    state = before.held.state
    waiting = _waiting(subscription, state, world.clock(), scheduled=scheduled)
    if waiting:
        return before, Outcome(subscription.slug, "waiting", note=waiting)
    gathered = gather(subscription, state.for_url(subscription.url), world, answer)
    if gathered.error is not None:
        return _fail(log, before, gathered, gathered.error, world)
    return _apply(log, before, subscription, gathered, world)


def attempt(
    subscription: Subscription,
    world: World,
    *,
    scheduled: bool = False,
    known: Known | None = None,
) -> Outcome:
    """Refresh a feed as `refresh` does; whatever goes wrong is the outcome of this feed alone."""
    started = monotonic()
    outcome = contained(partial(refresh, subscription, world, scheduled=scheduled, known=known))
    if isinstance(outcome, Exception):
        outcome = Outcome(subscription.slug, "failed", failure=_failure(outcome))
    return replace(outcome, duration_ms=round((monotonic() - started) * 1000))


def _retired(subscription: Subscription, world: World) -> Outcome:
    applied = apply_retired(
        world.store, subscription, world.public_url, world.clock(), world.deployment
    )
    return Outcome(
        subscription.slug,
        "retired",
        note="`retired = true` in its configuration: the origin is not asked",
        published=applied.published,
        quarantined=applied.quarantined,
        renewal=_renewal(applied),
    )


def _renewal(applied: Applied) -> str | None:
    renewal = applied.held.state.renewal
    return renewal.position if renewal else None


def _failure(error: Exception) -> Failure:
    kind = kind_of(error)
    return Failure(kind.value, kind.group.value, described(error))


def _recovered(log: StateLog, now: datetime) -> Applied:
    """Load the state, and do what earlier runs left undone, as far as that is possible.

    Of a first mirror that was not finished, the entries are stored; its documents wait for the
    rest of it, which comes with the fetch.
    """
    held = log.load(now)
    if not held.state.tasks:
        return Applied(held)
    if held.state.complete:
        return log.apply(held, now)
    return log.apply_entries(held, now)


def _waiting(
    subscription: Subscription, state: State, now: datetime, *, scheduled: bool
) -> str | None:
    """Return why the origin is not to be asked now, or None."""
    if state.failing and state.not_before and now < state.not_before:
        return f"the origin asked for no request before {state.not_before:%Y-%m-%d %H:%M} UTC"
    if scheduled and not may_poll(
        subscription.slug,
        subscription.every_s,
        state.asks,
        failing_since=state.failing.since if state.failing else None,
        not_before=state.not_before,
        now=now,
    ):
        return "not due: the origin asked for fewer requests, or it has been failing for long"
    return None


# ---------------------------------------------------------------- apply


def _apply(
    log: StateLog,
    before: Applied,
    subscription: Subscription,
    gathered: Gathered,
    world: World,
) -> tuple[Applied, Outcome]:
    """Commit what was decided, again from the start wherever an overlapping run was quicker."""
    new = revised = amended = 0
    applied = before
    for _ in range(_ATTEMPTS):
        decision = _decided(log, applied.held.state, subscription, gathered, world)
        for commit in decision.commits:
            held = log.commit(applied.held, commit.apply(applied.held.state))
            if held is None:
                break
            applied = Applied(held)
            del held  # with the words that are pending until they are carried out
            is_last = commit is decision.commits[-1]  # which is applied below
            if not is_last or log.is_older(applied.held.state):
                applied = log.apply_entries(applied.held, world.clock())
            new, revised = new + commit.new, revised + commit.revised
            amended += commit.amended
        else:
            outcome = Outcome(
                feed=subscription.slug,
                outcome="changed" if new or revised or amended else "unchanged",
                http_status=gathered.status,
                new=new,
                revised=revised,
                amended=amended,
                held=decision.held,
                unchanged=decision.unchanged,
                lossless=gathered.reading is None or gathered.reading.parsed.lossless,
                quarantined=_unread(gathered),
                note=_HELD_UP if decision.held_up else _note(log.slug, gathered, decision),
                recovered=before.held.state.failing is not None,
            )
            return applied, outcome
        applied = _recovered(log, world.clock())
    raise StoreError(f"the state of {subscription.slug} is written by others all the time")


def _unread(gathered: Gathered) -> tuple[str, ...]:
    """Return the names of the items that the parser could not read."""
    if gathered.reading is None:
        return ()
    parsed = gathered.reading.parsed
    return tuple(parsed.items[index].name for index in parsed.unreadable)


def _note(slug: str, gathered: Gathered, decision: Decision) -> str | None:
    """Return the note for the operator on a refresh that did not fail, or None."""
    notes = [gathered.note]
    if decision.postponed:
        notes.append(
            f"{decision.postponed} entries are left to the next refreshes: each is first looked up "
            "among the stored ones"
        )
    if decision.held:
        waiting = "a change waits" if decision.held == 1 else f"{decision.held} changes wait"
        notes.append(f"{waiting}: what changes at every poll is followed once a day")
    if decision.withheld:
        keys = " ".join(decision.withheld)
        notes.append(
            "left out, since they look like entries that were taken down: "
            f"`feedmirror restore {slug} {keys}` releases them"
        )
    return "; ".join(filter(None, notes)) or None


def _decided(
    log: StateLog, state: State, subscription: Subscription, gathered: Gathered, world: World
) -> Decision:
    """Decide what the answer changes, from the state as it is at this moment."""
    learned = gathered.state
    noted = replace(
        state.for_url(subscription.url),
        gone=learned.gone,
        moved_to=learned.moved_to,
        moving=learned.moving,
    )
    if gathered.reading is not None:
        secret = redaction_key(world.store) if state.removed_likenesses else b""
        noted, decision = _of_document(log, noted, subscription, gathered.reading, secret)
        if decision.commits or decision.held_up or noted == state:
            return decision
        least = 2 * len(gathered.reading.parsed.items) + len(noted.window)
        noted = replace(noted, known_entries=noted.known_entries.last(least))
        return replace(decision, commits=(Commit(lambda _: noted),))
    now = world.clock()
    if gathered.heard is not None:
        noted = with_validators(noted, gathered.heard, now)
    if state.failing:
        noted = replace(noted, failing=None, not_before=None, checked_at=now)
    elif noted != state or (state.checked_at and now - state.checked_at >= DAILY):
        noted = replace(noted, checked_at=now)
    commits = (Commit(lambda _: noted),) if noted != state else ()
    return Decision(commits, len(state.fingerprints))


def _of_document(
    log: StateLog, state: State, subscription: Subscription, reading: Reading, secret: bytes
) -> tuple[State, Decision]:
    """Decide what a document changes; return it, and the state with the forgotten entries that had
    to be looked up for it.
    """
    # Here: with all that it needs, it would be half of what a poll imports that finds nothing.
    from feedmirror.mirror.decide import decide  # noqa: PLC0415

    decision = decide(state, subscription, reading, {}, secret)
    loaded: dict[str, Revision | None] = {}
    spare = LOOKED_UP
    while decision.wanted:
        known = state.known_entries.by_key
        unknown = [key for key in decision.wanted if key not in known]
        unknown = unknown[max(0, len(unknown) - spare) :]  # documents begin with what is newest
        spare -= len(unknown)
        wanted = [key for key in decision.wanted if key in known]
        loaded |= dict.fromkeys(wanted)
        loaded |= log.recall(state, wanted)
        state = log.with_forgotten(state, unknown)
        known = state.known_entries.by_key
        loaded |= dict.fromkeys(key for key in unknown if key not in known)
        decision = decide(state, subscription, reading, loaded, secret, may_look_up=spare > 0)
    return state, decision


def _documents_applied(log: StateLog, before: Applied, outcome: Outcome, world: World) -> Outcome:
    """Bring the documents up to date and return the outcome.

    What failed just now is not tried a second time in the same refresh.
    """
    applied = before if before.error else log.apply(before.held, world.clock())
    if applied.error is None:
        applied = log.without_fault(applied)
    changed = applied.published and outcome.outcome == "unchanged"
    outcome = replace(
        outcome,
        outcome="changed" if changed else outcome.outcome,
        published=applied.published,
        quarantined=tuple(dict.fromkeys((*outcome.quarantined, *applied.quarantined))),
        note="; ".join(filter(None, (outcome.note, applied.note))) or None,
    )
    if applied.error is None:
        return replace(outcome, renewal=_renewal(applied))
    also = outcome.failure.message if outcome.failure else outcome.note
    return replace(outcome, outcome="failed", failure=_failure(applied.error), note=also)


def _fail(
    log: StateLog, before: Applied, gathered: Gathered, error: FeedError, world: World
) -> tuple[Applied, Outcome]:
    """Return the failure as an outcome.

    It is remembered if it is of another kind than the last one, or if something was learned of the
    feed's addresses.
    """
    state, now = gathered.state, world.clock()
    kind, group = error.kind.value, error.kind.group.value
    since = state.failing.since if state.failing else now
    wait = error.retry_after_s if isinstance(error, FetchError) else None
    not_before = retry_after(wait, now) or state.not_before
    lasting = now - since >= LASTING
    known = state.failing
    if (
        known is None
        or state != before.held.state
        or (known.kind, known.lasting) != (kind, lasting)
        or (not_before != state.not_before)
    ):
        failing = Failing(kind, group, since, str(error), lasting)
        state = replace(state, failing=failing, not_before=not_before)
    if state != before.held.state:
        held = log.commit(before.held, state) or log.load(now)
        before = replace(before, held=held)
    outcome = Outcome(
        feed=log.slug,
        outcome="failed",
        http_status=gathered.status,
        failure=Failure(kind, group, str(error)),
    )
    return before, outcome
