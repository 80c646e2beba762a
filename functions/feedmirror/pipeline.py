"""A refresh: gather, decide, apply.

    gather   state = ledger.load()                     one GET; pending work is finished first
             reply = origin.fetch(url, validators)     Fetched | NotModified | Gone
    core     parsed = parser.parse(reply, known)       only what is new
             commits = decide(state, parsed)           new, revised, unchanged
    apply    for each commit: write the state, store its entries
             settle: publish the documents that changed, mark done

A commit is one conditional write; everything after it can be done again, by anybody.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from time import monotonic

from feedmirror.core.commits import Commit, Decision
from feedmirror.core.schedule import may_poll, retry_after
from feedmirror.core.state import LASTING, Failing, State
from feedmirror.core.validators import with_validators
from feedmirror.errors import FeedError, FetchError, StoreError, contained, described, kind_of
from feedmirror.gather import Gathered, gather
from feedmirror.ledger import Ledger, Settled
from feedmirror.model import Failure, Outcome, Revision, Subscription
from feedmirror.ports import World
from feedmirror.retirement import settle_retired

_ATTEMPTS = 8  # at a commit that overlapping runs keep winning
_DAILY = timedelta(days=1)
_HELD_UP = (
    "more than 8 MB of earlier entries wait to be stored or published, so no new ones are taken"
)


def refresh(subscription: Subscription, world: World, *, scheduled: bool = False) -> Outcome:
    """What refreshing the feed came to. `scheduled`: only if it may be polled at this time.

    The origin's failure is an outcome, and so is an error of our own while pending work is carried
    out: neither keeps the feed from being fetched and committed. Raises: StoreError, and whatever
    else goes wrong before there is anything to commit; the state says so.
    """
    if subscription.retired:
        return _retired(subscription, world)
    ledger = Ledger(world.store, subscription, world.public_url)
    before = _recovered(ledger, world.clock())
    note = before.held.note
    work = partial(_refreshed, ledger, before, subscription, world, scheduled=scheduled)
    found = contained(work)
    del before, work  # with the words of an earlier state, and of what was fetched
    if isinstance(found, Exception):
        if not isinstance(found, StoreError):
            now = world.clock()
            ledger.note_fault(ledger.load(now), found, now)
        raise found
    outcome = _settled(ledger, *found, world)
    notes = filter(None, (note, outcome.note))
    return replace(outcome, note="; ".join(notes) or None)


def _refreshed(
    ledger: Ledger, before: Settled, subscription: Subscription, world: World, *, scheduled: bool
) -> tuple[Settled, Outcome]:
    """The state after all that is to be committed, and the outcome so far."""
    state = before.held.state
    waiting = _waiting(subscription, state, world.clock(), scheduled=scheduled)
    if waiting:
        return before, Outcome(subscription.slug, "waiting", note=waiting)
    gathered = gather(subscription, state.for_url(subscription.url), world)
    if gathered.error is not None:
        return _fail(ledger, before, gathered, gathered.error, world)
    return _apply(ledger, before, subscription, gathered, world)


def attempt(subscription: Subscription, world: World, *, scheduled: bool = False) -> Outcome:
    """As `refresh`, for loops over feeds: whatever goes wrong is this feed's outcome."""
    started = monotonic()
    outcome = contained(partial(refresh, subscription, world, scheduled=scheduled))
    if isinstance(outcome, Exception):
        outcome = Outcome(subscription.slug, "failed", failure=_failure(outcome))
    return replace(outcome, duration_ms=round((monotonic() - started) * 1000))


def _retired(subscription: Subscription, world: World) -> Outcome:
    settled = settle_retired(world.store, subscription, world.public_url, world.clock())
    return Outcome(
        subscription.slug,
        "retired",
        note="`retired = true` in its configuration: the origin is not asked",
        published=settled.published,
        quarantined=settled.quarantined,
    )


def _failure(error: Exception) -> Failure:
    kind = kind_of(error)
    return Failure(kind.value, kind.group.value, described(error))


def _recovered(ledger: Ledger, now: datetime) -> Settled:
    """The state, after what earlier runs left undone has been done, as far as it can be.

    Of a first mirror that was not finished, the entries are stored; its documents wait for the
    rest of it, which comes with the fetch.
    """
    held = ledger.load(now)
    if held.state.settled:
        return Settled(held)
    if held.state.complete:
        return ledger.settle(held, now)
    return ledger.carry_out_entries(held)


def _waiting(
    subscription: Subscription, state: State, now: datetime, *, scheduled: bool
) -> str | None:
    """Why the origin is not to be asked now, or None."""
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
    ledger: Ledger, before: Settled, subscription: Subscription, gathered: Gathered, world: World
) -> tuple[Settled, Outcome]:
    """Commit what was decided, again from the start wherever an overlapping run was quicker."""
    new = revised = amended = 0
    settled = before
    for _ in range(_ATTEMPTS):
        now = world.clock()
        decision = _decided(ledger, settled.held.state, subscription, gathered, now)
        for commit in decision.commits:
            held = ledger.commit(settled.held, commit.apply(settled.held.state))
            if held is None:
                break
            settled = Settled(held)
            del held  # with the words that are pending until they are carried out
            if commit is not decision.commits[-1]:  # the last one is settled below
                settled = ledger.carry_out_entries(settled.held)
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
                note=_HELD_UP if decision.held_up else _note(gathered, decision),
                recovered=before.held.state.failing is not None,
            )
            return settled, outcome
        settled = _recovered(ledger, world.clock())
    raise StoreError(f"the state of {subscription.slug} is written by others all the time")


def _unread(gathered: Gathered) -> tuple[str, ...]:
    """The items of the document that the parser could not read, by name."""
    if gathered.reading is None:
        return ()
    parsed = gathered.reading.parsed
    return tuple(parsed.items[index].name for index in parsed.unreadable)


def _note(gathered: Gathered, decision: Decision) -> str | None:
    """What the operator should know though nothing failed."""
    if not decision.held:
        return gathered.note
    waiting = "a change waits" if decision.held == 1 else f"{decision.held} changes wait"
    held = f"{waiting}: what changes at every poll is followed once a day"
    return "; ".join(filter(None, (gathered.note, held)))


def _decided(
    ledger: Ledger, state: State, subscription: Subscription, gathered: Gathered, now: datetime
) -> Decision:
    """The decision on what was gathered, from the state as it stands at this moment."""
    learned = gathered.state
    noted = replace(
        state.for_url(subscription.url),
        gone=learned.gone,
        moved_to=learned.moved_to,
        moving=learned.moving,
    )
    if gathered.reading is not None:
        # Here: with all that it needs, it would be half of what a poll imports that finds nothing.
        from feedmirror.core.decide import decide  # noqa: PLC0415

        decision = decide(noted, subscription, gathered.reading, {})
        archived: dict[str, Revision | None] = {}
        while decision.wanted:
            archived |= dict.fromkeys(decision.wanted)
            archived |= ledger.recall(state, decision.wanted)
            decision = decide(noted, subscription, gathered.reading, archived)
        if decision.commits or decision.held_up or noted == state:
            return decision
        return Decision((Commit(lambda _: noted),), decision.unchanged)
    if gathered.heard is not None:
        noted = with_validators(noted, gathered.heard, now)
    if state.failing:
        noted = replace(noted, failing=None, not_before=None, checked_at=now)
    elif noted != state or (state.checked_at and now - state.checked_at >= _DAILY):
        noted = replace(noted, checked_at=now)
    commits = (Commit(lambda _: noted),) if noted != state else ()
    return Decision(commits, len(state.fingerprints))


def _settled(ledger: Ledger, before: Settled, outcome: Outcome, world: World) -> Outcome:
    """The outcome, after the documents are up to date.

    What failed just now is not tried a second time in the same refresh.
    """
    settled = before if before.error else ledger.settle(before.held, world.clock())
    if settled.error is None:
        settled = ledger.without_fault(settled)
    changed = settled.published and outcome.outcome == "unchanged"
    outcome = replace(
        outcome,
        outcome="changed" if changed else outcome.outcome,
        published=settled.published,
        quarantined=tuple(dict.fromkeys((*outcome.quarantined, *settled.quarantined))),
        note="; ".join(filter(None, (outcome.note, settled.note))) or None,
    )
    if settled.error is None:
        return outcome
    also = outcome.failure.message if outcome.failure else outcome.note
    return replace(outcome, outcome="failed", failure=_failure(settled.error), note=also)


def _fail(
    ledger: Ledger, before: Settled, gathered: Gathered, error: FeedError, world: World
) -> tuple[Settled, Outcome]:
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
        held = ledger.commit(before.held, state) or ledger.load(now)
        before = replace(before, held=held)
    outcome = Outcome(
        feed=ledger.slug,
        outcome="failed",
        http_status=gathered.status,
        failure=Failure(kind, group, str(error)),
    )
    return before, outcome
