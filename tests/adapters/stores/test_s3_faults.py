"""P1 on S3: whatever happens to whichever request, and whenever it arrives, loses nothing.

The faults are those between a client and S3, at each request of a run and of all the runs that
have to go on from what it left. What a request meets is decided in `s3_wire`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import count
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from crash_history import BEFORE, KNOWN, History
from effort import EXHAUSTIVE, some
from feedmirror.adapters.stores.s3 import S3Store
from feedmirror.errors import StoreError
from remembering import remember_renderings
from s3_server import Fault, does_but_says, loses, says
from s3_wire import (
    FOR_GOOD,
    WIRE,
    Sea,
    Sent,
    Wire,
    conflicts,
    cuts_off,
    dies,
    dies_after,
    hurry,
    times_out,
)
from scene import Scene, document
from store_factories import NOTHING, Contents, objects, state_in
from stores import Crash, Turnstile, sample
from validity import rss_problems

NEWER = document(4, 3, 2, 1, e2="<p>edited</p>", e3="<p>mended</p>")

# What ends a run after each request that it does, one by a crash and one by an error.
CUT_SHORT: list[tuple[Fault, float]] = [(dies_after, 1), (loses, FOR_GOOD)]
# What the client gets over if it happens once, and what it does not if it goes on: one of each kind
# that the store can tell apart. A write was done or was not, it met another, an answer is no whole
# one. That the client takes the others of a kind in the same way, such as a reset for a timeout,
# test_s3_store.py shows, for each of them.
PASSING: list[Fault] = [
    loses,
    times_out,
    conflicts,
    cuts_off,
    says(503, "SlowDown"),
    does_but_says(503, "SlowDown"),
]
LASTING: list[Fault] = [*PASSING[1:], says(403, "AccessDenied")]
ALL = [
    (dies, 1),
    *CUT_SHORT,
    *((fault, 1) for fault in PASSING),
    *((fault, FOR_GOOD) for fault in LASTING),
]


def history_of(*, known: bool) -> History:
    """A feed whose next run meets an entry of each kind, and no second one: each request of a run
    is swept over, so one more entry makes all this half as slow again.
    """
    history = History(WIRE, document(2, 1))
    if known:
        history.beginning = history.recovered(NOTHING)
        history.origin = document(3, 2, e2="<p>edited</p>")  # new, revised, no longer there
    return history


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)
    remember_renderings(monkeypatch)


def run(scene: Scene) -> None:
    """A refresh that may end in any way but with a fault of our own."""
    with contextlib.suppress(Crash, StoreError):
        scene.refresh()


def disturbed(
    history: History, contents: Contents, faults: list[tuple[Fault, float]]
) -> Iterator[Contents]:
    """Yield the store after a run with one of the faults, at each of its requests.

    If it is one that the client gets over, nobody is to notice anything.
    """
    usual = history.scene(contents).refresh()
    step = 1 if EXHAUSTIVE or len(faults) <= len(CUT_SHORT) else 5
    for number, (fault, times) in enumerate(faults):
        at = number % step  # so that each request meets a fifth of many faults
        while True:
            scene = history.scene(contents)
            WIRE.disturb(fault, at, times)
            if times == 1 and fault in PASSING:
                assert scene.refresh() == usual, at
            else:
                run(scene)
            if at >= WIRE.count:
                break
            yield WIRE.contents(scene.store)
            at += step


def assert_readable(store: S3Store) -> None:
    """Assert that each public document is whole and valid."""
    stored = store.load("public/news/rss.xml")
    if stored is not None:
        assert rss_problems(stored.body) == []
        assert stored.body.count(b"<item>") >= 2


def assert_kept(store: S3Store, numbers: range, texts: list[str]) -> None:
    """Every promise: each entry public once, in its newest text, and stored; nothing left to do."""
    assert_readable(store)
    found = objects(store)
    public = found["public/news/rss.xml"].decode()
    for number in numbers:
        assert public.count(f"<title>Entry {number}</title>") == 1, f"entry {number}"
    assert public.count("<item>") == len(numbers)
    for text in texts:
        assert public.count(text) == 1, text
    state = state_in(store)
    assert not state.tasks
    for revision in state.window:
        assert f"data/news/entries/{revision.key}/{revision.digest}.{revision.number}.json" in found


# ---------------------------------------------------------------- faults


@pytest.mark.row("S2", "S3", "S4", "S8")
@pytest.mark.slow
@KNOWN
def test_any_fault_at_any_request_and_again_while_recovering_leaves_the_same_store(
    known: bool,
) -> None:
    history = history_of(known=known)
    expected = history.recovered(history.beginning)
    left = dict.fromkeys(disturbed(history, history.beginning, ALL))
    # Once more, by the fault that S3 alone has; killed however often, test_crash.py sees to.
    after_faults = disturbed(history, history.beginning, CUT_SHORT)
    cut_short = dict.fromkeys((history.beginning, *after_faults))
    assert len(cut_short) >= 10  # committed, an entry or a page more each time, published, done
    for contents in some(cut_short, 6):
        left |= dict.fromkeys((contents, *disturbed(history, contents, [(loses, 1)])))
    for contents in left:
        assert_readable(history.scene(contents).store)
        assert history.recovered(contents) == expected
    numbers, texts = (range(1, 4), ["<p>edited</p>"]) if known else (range(1, 3), [])
    assert_kept(WIRE.store(expected), numbers, texts)


# ---------------------------------------------------------------- writes that arrive late


class Drift(NamedTuple):
    """Store after a run that died, and its last request, which has not arrived yet."""

    contents: Contents
    adrift: Sent


def drifts(history: History) -> Iterator[Drift]:
    """After each write of a run had not arrived: its first attempt, or all of them."""
    for times in (1, FOR_GOOD):
        at = 0
        while True:
            sea = Sea()
            scene = history.scene(history.beginning)
            WIRE.disturb(sea.takes, at, times)
            run(scene)
            if at >= WIRE.count:
                break
            for sent in sea.adrift:
                yield Drift(WIRE.contents(scene.store), sent)
            at += 1


def all_drifts(history: History) -> dict[Drift, None]:
    """Return the drifts, and those after another run was killed before the write arrives."""
    begun = dict.fromkeys(drifts(history))
    later = (
        Drift(contents, drift.adrift)
        for drift in some(begun, 6)
        for contents in disturbed(history, drift.contents, [(dies_after, 1)])
    )
    return begun | dict.fromkeys(later)


def landings(history: History, drift: Drift) -> Iterator[Contents]:
    """Yield the store after a run during or after which the late request arrives.

    Arrives before each request for the same object: its order among other requests is irrelevant.
    """
    for at in count():
        scene = history.scene(drift.contents)
        passed = count()
        arrived = False

        def arrives(sent: Sent, at: int = at, passed: Iterator[int] = passed) -> None:
            nonlocal arrived
            if sent.key == drift.adrift.key and next(passed) == at:
                drift.adrift.forward()
                arrived = True

        WIRE.before = arrives
        scene.refresh()
        if not arrived:
            drift.adrift.forward()
        yield WIRE.contents(scene.store)
        if not arrived:
            return


def ends(history: History, adrift: Iterable[Drift]) -> set[Contents]:
    """Return what runs may leave behind in which one of the writes arrives."""
    return {contents for drift in adrift for contents in landings(history, drift)}


@pytest.mark.row("S6")
@pytest.mark.slow
@KNOWN
def test_delayed_write_breaks_no_promise_at_any_time(known: bool) -> None:
    history = history_of(known=known)
    expected = history.recovered(history.beginning)
    adrift = dict.fromkeys(drifts(history))
    assert len(adrift) > 15
    for contents in ends(history, adrift):
        assert_readable(history.scene(contents).store)
        assert history.recovered(contents) == expected

    # The same, but the runs that go on find a newer document, and keep all that is in it. For a
    # known feed another run may have been killed before: it writes all that a first mirror does.
    adrift = all_drifts(history) if known else adrift
    history.origin = NEWER
    history.subscription = replace(history.subscription, keep=9)
    for contents in ends(history, some(adrift, 5)):
        scene = history.scene(contents)
        scene.refresh()
        assert_kept(scene.store, range(1, 5), ["<p>edited</p>", "<p>mended</p>"])


@pytest.mark.row("S6", "U3")
def test_document_that_arrives_late_is_refused_though_the_origin_took_its_edit_back() -> None:
    """The one in force would be, but for its generation, the one that it was to replace."""
    scene = Scene(BEFORE, WIRE.store())
    scene.refresh()
    sea = Sea()
    WIRE.disturb(sea.takes, at=7, times=FOR_GOOD)  # after the state and an entry with its page
    scene.says(document(3, 2, 1, e3="<p>edited</p>"))
    run(scene)
    (late,) = sea.adrift
    assert late.key == "public/news/atom.xml"
    WIRE.calm()
    scene.refresh()
    assert "edited" in scene.public()
    scene.says(BEFORE)
    assert scene.refresh().revised == 1
    assert late.forward().status == 412
    assert "edited" not in scene.public()


# ---------------------------------------------------------------- overlapping runs


OTHER = Wire()
OLDER = document(4, 3, 2, 1, e3="<p>older</p>", e4="<p>older</p>")
LATEST = document(5, 4, 3, 2, 1, e3="<p>latest</p>", e4="<p>newest</p>")


@pytest.mark.row("S3", "S5")
@pytest.mark.slow
@pytest.mark.parametrize("times", [1, FOR_GOOD], ids=["an answer", "all answers"])
def test_loss_of_answers_while_another_run_goes_on_breaks_no_promise(times: float) -> None:
    """In many orders of requests: of those too that find out what became of what."""
    history = History.of(WIRE, known=True)

    def make(turnstile: Turnstile, at: int) -> tuple[S3Store, list[Callable[[], object]]]:
        store = WIRE.store(history.beginning)
        WIRE.disturb(loses, at, times)
        OTHER.calm()
        actors = []
        for wire, body, minutes in ((WIRE, OLDER, 70), (OTHER, LATEST, 71)):
            wire.before = lambda sent: turnstile.wait(sent.verb, sent.key)
            scene = Scene(body, wire.open())
            scene.later(minutes=minutes)
            actors.append(scene.refresh)
        return store, actors

    left: dict[Contents, str] = {}
    for at in some(range(14), 2):  # the requests of a run that is alone
        for ran in sample(partial(make, at=at), 3, seed=at):
            assert ran.errors[1] is None, str(ran)
            left[WIRE.contents(ran.store)] = f"fault at {at}, {ran}"
    for contents, story in left.items():
        scene = Scene(LATEST, WIRE.store(contents))
        scene.later(minutes=72)
        scene.refresh()
        try:
            assert_kept(scene.store, range(1, 6), ["<p>latest</p>", "<p>newest</p>"])
        except AssertionError as error:
            error.add_note(story)
            raise
