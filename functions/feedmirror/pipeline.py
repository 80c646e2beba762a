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
from time import monotonic

from feedmirror.core.commits import Commit, Decision
from feedmirror.core.schedule import may_poll, retry_after
from feedmirror.core.state import Failing, State
from feedmirror.errors import FeedError, FeedMirrorError, FetchError, Kind, StoreError
from feedmirror.gather import Gathered, gather
from feedmirror.ledger import Held, Ledger
from feedmirror.model import Failure, Outcome, Subscription
from feedmirror.ports import World
from feedmirror.retirement import settle_retired

_ATTEMPTS = 8  # at a commit that overlapping runs keep winning
_DAILY = timedelta(days=1)
_LASTING = timedelta(hours=1)  # a failure that is over sooner is nobody's business


def refresh(subscription: Subscription, world: World, *, scheduled: bool = False) -> Outcome:
    """What refreshing the feed came to. `scheduled`: only if it may be polled at this time.

    An origin's failure is an outcome; the store's is an error. Raises: StoreError, RenderError.
    """
    if subscription.retired:
        return _retired(subscription, world)
    ledger = Ledger(world.store, subscription, world.public_url)
    held = _recovered(ledger)
    outcome = _refreshed(ledger, held, subscription, world, scheduled=scheduled)
    return replace(outcome, note="; ".join(filter(None, (held.note, outcome.note))) or None)


def _refreshed(
    ledger: Ledger, held: Held, subscription: Subscription, world: World, *, scheduled: bool
) -> Outcome:
    waiting = _waiting(subscription, held.state, world.clock(), scheduled=scheduled)
    if waiting:
        return _settled(ledger, held, Outcome(subscription.slug, "waiting", note=waiting))
    gathered = gather(subscription, held.state.for_url(subscription.url), world)
    if gathered.error is not None:
        return _fail(ledger, held, gathered, gathered.error, world.clock())
    return _apply(ledger, held, subscription, gathered, world.clock())


def attempt(subscription: Subscription, world: World, *, scheduled: bool = False) -> Outcome:
    """As `refresh`, for loops over feeds: whatever goes wrong is this feed's outcome."""
    started = monotonic()
    try:
        outcome = refresh(subscription, world, scheduled=scheduled)
    except Exception as error:  # noqa: BLE001 - the one place: no feed stops another
        kind = Kind.STORE if isinstance(error, StoreError) else Kind.BUG
        name = "" if isinstance(error, FeedMirrorError) else f"{type(error).__name__}: "
        failure = Failure(kind.value, kind.group.value, f"{name}{error}")
        outcome = Outcome(subscription.slug, "failed", failure=failure)
    return replace(outcome, duration_ms=round((monotonic() - started) * 1000))


def _retired(subscription: Subscription, world: World) -> Outcome:
    settled = settle_retired(world.store, subscription, world.public_url)
    return Outcome(
        subscription.slug,
        "retired",
        note="`retired = true` in its configuration: the origin is not asked",
        published=settled.published,
        quarantined=settled.quarantined,
    )


def _recovered(ledger: Ledger) -> Held:
    """The state, after what a dead run left undone has been done.

    Of a first mirror that was not finished, the entries are stored; its documents wait for the
    rest of it, which comes with the fetch.
    """
    held = ledger.load()
    if held.state.settled:
        return held
    if held.state.complete:
        return ledger.settle(held).held
    ledger.carry_out_entries(held.state)
    return held


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
    ledger: Ledger, held: Held, subscription: Subscription, gathered: Gathered, now: datetime
) -> Outcome:
    """Commit what was decided, again from the start wherever an overlapping run was quicker."""
    new = revised = 0
    recovered = held.state.failing is not None
    for _ in range(_ATTEMPTS):
        decision = _decided(held.state, subscription, gathered, now)
        for commit in decision.commits:
            committed = ledger.commit(held, commit.state)
            if committed is None:
                break
            held = committed
            if commit is not decision.commits[-1]:  # the last one is settled below
                ledger.carry_out_entries(held.state)
            new, revised = new + commit.new, revised + commit.revised
        else:
            return _settled(
                ledger,
                held,
                Outcome(
                    feed=subscription.slug,
                    outcome="changed" if new or revised else "unchanged",
                    http_status=gathered.status,
                    new=new,
                    revised=revised,
                    unchanged=decision.unchanged,
                    lossless=gathered.reading is None or gathered.reading.parsed.lossless,
                    note=gathered.note,
                    recovered=recovered,
                ),
            )
        held = _recovered(ledger)
    raise StoreError(f"the state of {subscription.slug} is written by others all the time")


def _decided(
    state: State, subscription: Subscription, gathered: Gathered, now: datetime
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

        decision = decide(noted, subscription, gathered.reading)
        if decision.commits or noted == state:
            return decision
        return Decision((Commit(noted),), decision.unchanged)
    if state.failing:
        noted = replace(noted, failing=None, not_before=None, checked_at=now)
    elif state.checked_at and now - state.checked_at >= _DAILY:
        noted = replace(noted, checked_at=now)
    return Decision((Commit(noted),) if noted != state else (), len(state.fingerprints))


def _settled(ledger: Ledger, held: Held, outcome: Outcome) -> Outcome:
    """The outcome, after the documents are up to date."""
    settled = ledger.settle(held)
    changed = settled.published and outcome.outcome == "unchanged"
    return replace(
        outcome,
        outcome="changed" if changed else outcome.outcome,
        published=settled.published,
        quarantined=settled.quarantined,
    )


def _fail(
    ledger: Ledger, held: Held, gathered: Gathered, error: FeedError, now: datetime
) -> Outcome:
    """The failure as an outcome; remembered when it is of another kind than the last one."""
    state = gathered.state
    kind, group = error.kind.value, error.kind.group.value
    since = state.failing.since if state.failing else now
    wait = error.retry_after_s if isinstance(error, FetchError) else None
    not_before = retry_after(wait, now) or state.not_before
    lasting = now - since >= _LASTING
    before = state.failing
    if (
        before is None
        or (before.kind, before.lasting) != (kind, lasting)
        or (not_before != state.not_before)
    ):
        failing = Failing(kind, group, since, str(error), lasting)
        state = replace(state, failing=failing, not_before=not_before)
    if state != held.state:
        held = ledger.commit(held, state) or ledger.load()
    return _settled(
        ledger,
        held,
        Outcome(
            feed=ledger.slug,
            outcome="failed",
            http_status=gathered.status,
            failure=Failure(kind, group, str(error)),
        ),
    )
