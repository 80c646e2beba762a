"""Conditional requests: which validators are remembered, and what that costs at the store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from feedmirror.errors import FetchError, Kind
from feedmirror.mirror.state import Address
from feedmirror.mirror.validators import after_document, after_not_modified, worth_a_write
from feedmirror.model import Fetched, Outcome, Validators
from feedmirror.ports import World
from feedmirror.refresh import refresh
from fetching import HOST, PUBLIC, make_origin, subscription
from origin_server import OriginServer, reply
from parsers import InProcessParser
from scene import NOON, PUBLIC_URL, URL, Scene, document, newest
from store_factories import state_in
from stores import CountingStore, MemoryStore

STATE = "state/news.json"
MARCH = "Sun, 01 Mar 2026 08:00:00 GMT"
LATER = "Mon, 02 Mar 2026 09:30:00 GMT"


# ---------------------------------------------------------------- over HTTP


class Poller:
    """A feed that is polled over real HTTP, every 15 minutes of a clock of its own."""

    def __init__(self, server: OriginServer) -> None:
        self.server = server
        self.store = CountingStore(MemoryStore())
        self.now = NOON
        self._subscription = subscription(server.url("/feed", HOST))
        self._origin = make_origin(now=lambda: self.now)

    def serve(self, body: bytes, etag: str | None = None, modified: str | None = None) -> None:
        self.server.serve("/feed", body, etag=etag, last_modified=modified)

    def poll(self, minutes: float = 15) -> Outcome:
        self.now += timedelta(minutes=minutes)
        world = World(
            self.store, self._origin, InProcessParser(), lambda: self.now, PUBLIC_URL, newest
        )
        return refresh(self._subscription, world)

    @property
    def asked_with(self) -> tuple[str | None, str | None]:
        """The validators of the last request."""
        last = self.server.requests[-1]
        return last.header("If-None-Match"), last.header("If-Modified-Since")

    @property
    def writes(self) -> int:
        return self.store.writes.count(STATE)


@pytest.fixture
def poller() -> Iterator[Poller]:
    with OriginServer(PUBLIC) as server:
        yield Poller(server)


@pytest.mark.costly
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (('"a1"', None), ('"a2"', None)),
        (('W/"a1"', None), ('W/"a2"', None)),
        (('"a1"', None), ('W/"a1"', None)),
        ((None, MARCH), (None, LATER)),
        (('"a1"', MARCH), ('"a2"', LATER)),
        (('"a1"', MARCH), ('"a2"', None)),
        ((None, None), ('"a2"', LATER)),
    ],
)
@pytest.mark.parametrize("rebuilt", [False, True], ids=["same bytes", "built anew"])
@pytest.mark.row("F12")
def test_the_validators_of_the_newest_answer_are_sent_though_it_has_no_news(
    poller: Poller,
    first: tuple[str | None, str | None],
    second: tuple[str | None, str | None],
    rebuilt: bool,
) -> None:
    body = document(2, 1)
    poller.serve(body, *first)
    assert poller.poll().new == 2
    if rebuilt:
        built = b"<lastBuildDate>Mon, 02 Mar 2026 12:15:00 GMT</lastBuildDate><item>"
        body = body.replace(b"<item>", built, 1)
    poller.server.answer("/feed", 200, _headers(*second), body)
    before = poller.writes
    outcome = poller.poll()
    assert (outcome.outcome, outcome.http_status) == ("unchanged", 200)
    assert poller.writes == before + 1
    poller.serve(body, *second)
    assert poller.poll().http_status == 304
    assert poller.asked_with == second
    assert poller.writes == before + 1


def test_an_answer_without_validators_causes_no_write_and_forgets_none(poller: Poller) -> None:
    poller.serve(document(1), '"b1"')
    poller.poll()
    before = poller.writes
    for number in range(4):
        poller.server.answer("/feed", 200, body=document(1) + b"<!-- %d -->" % number)
        assert poller.poll().outcome == "unchanged"
    poller.server.answer("/feed", 200, body=document(1))
    assert poller.poll().outcome == "unchanged"
    assert poller.writes == before
    assert poller.asked_with == ('"b1"', None)


@pytest.mark.row("F11")
def test_a_304_brings_a_last_modified_and_a_weak_etag_up_to_date(poller: Poller) -> None:
    poller.serve(document(1), '"c1"', MARCH)
    poller.poll()
    poller.server.answer("/feed", 304, [("Last-Modified", LATER)])
    poller.poll()
    poller.server.answer("/feed", 304, [("ETag", 'W/"c1"')])
    poller.poll()
    assert poller.asked_with == ('"c1"', LATER)
    before = poller.writes
    poller.server.answer("/feed", 304, [("ETag", 'W/"c1"'), ("Last-Modified", LATER)])
    poller.poll()
    assert poller.asked_with == ('W/"c1"', LATER)
    assert poller.writes == before


@pytest.mark.costly
@pytest.mark.row("F11")
def test_after_a_304_with_another_etag_the_next_request_is_unconditional_once_a_day(
    poller: Poller,
) -> None:
    poller.serve(document(1), '"d1"', MARCH)
    poller.poll()
    contradictory = [("ETag", '"d2"'), ("Last-Modified", LATER)]
    asked = []
    writes = poller.writes
    poller.server.behave(
        "/feed",
        lambda request: [
            reply(304, contradictory)
            if request.header("If-None-Match")
            else reply(200, _headers('"d1"', MARCH), document(1))
        ],
    )
    for _ in range(3 * 96):
        assert poller.poll().outcome == "unchanged"
        asked.append(poller.asked_with)
    assert asked[:3] == [('"d1"', MARCH), (None, None), ('"d1"', MARCH)]
    assert asked.count((None, None)) == 3, "once a day"
    assert set(asked) == {('"d1"', MARCH), (None, None)}
    assert poller.writes - writes == 2 * 3


def test_what_changed_behind_a_304_with_another_etag_is_found(poller: Poller) -> None:
    poller.serve(document(1), '"e1"')
    poller.poll()
    poller.server.answer("/feed", 304, [("ETag", '"e2"')])
    poller.poll()
    poller.serve(document(2, 1), '"e2"')
    assert poller.poll().new == 1
    assert poller.poll().http_status == 304
    assert poller.asked_with == ('"e2"', None)


def test_an_unconditional_request_that_fails_is_made_again(poller: Poller) -> None:
    poller.serve(document(1), '"f1"')
    poller.poll()
    poller.server.answer("/feed", 304, [("ETag", '"f2"')])
    poller.poll()
    poller.server.answer("/feed", 500)
    poller.poll()
    poller.serve(document(2, 1), '"f2"')
    assert poller.poll().new == 1
    assert poller.asked_with == (None, None)


def _headers(etag: str | None, modified: str | None) -> list[tuple[str, str]]:
    return [(n, v) for n, v in (("ETag", etag), ("Last-Modified", modified)) if v]


# ---------------------------------------------------------------- what rotates


@pytest.mark.costly
@pytest.mark.parametrize("counted", [False, True], ids=["same bytes", "a counter"])
@pytest.mark.row("F12")
def test_validators_that_rotate_at_every_poll_are_written_three_times_then_hourly(
    poller: Poller, counted: bool
) -> None:
    poller.serve(document(1), '"g"')
    poller.poll()
    poller.store.reset()
    for number in range(40):
        body = document(1) + (b"<!-- %d -->" % number if counted else b"")
        poller.server.answer("/feed", 200, [("ETag", f'"g{number}"')], body)
        assert poller.poll().outcome == "unchanged"
    assert poller.store.writes == [STATE] * (3 + 9), "the first three, then one in four"


def test_a_304_whose_date_rotates_is_written_three_times_then_hourly(poller: Poller) -> None:
    poller.serve(document(1), '"h"', MARCH)
    poller.poll()
    poller.store.reset()
    for number in range(40):
        moment = f"Mon, 02 Mar 2026 12:{number:02}:00 GMT"
        poller.server.answer("/feed", 304, [("ETag", '"h"'), ("Last-Modified", moment)])
        assert poller.poll().outcome == "unchanged"
    assert poller.store.writes == [STATE] * (3 + 9)


@pytest.mark.costly
def test_the_budget_holds_for_a_document_behind_a_redirect_too(poller: Poller) -> None:
    poller.server.redirect("/feed", "/moved", 302)
    poller.server.serve("/moved", document(1), etag='"i"')
    poller.poll()
    poller.store.reset()
    for number in range(40):
        body = document(1) + b"<!-- %d -->" % number
        poller.server.answer("/moved", 200, [("ETag", f'"i{number}"')], body)
        poller.poll()
    assert poller.store.writes == [STATE] * (3 + 9)


@pytest.mark.costly
def test_validators_that_come_with_news_use_up_nothing(poller: Poller) -> None:
    for number in range(1, 9):
        poller.serve(document(*range(number, 0, -1)), f'"j{number}"')
        assert poller.poll().new == 1
    for number in range(3):
        poller.server.answer("/feed", 200, [("ETag", f'"again{number}"')], body=document(8))
        before = poller.writes
        poller.poll()
        assert poller.writes == before + 1


def test_what_another_run_has_remembered_meanwhile_is_not_replaced() -> None:
    scene = Scene(Fetched(URL, document(1), validators=Validators('"k1"')))
    scene.refresh()
    scene.later(minutes=15)

    def overtaken() -> Fetched:
        scene.says(Fetched(URL, document(2, 1), validators=Validators('"k3"')))
        scene.refresh()
        return Fetched(URL, document(1), validators=Validators('"k2"'))

    scene.origin.answers[URL] = overtaken
    assert scene.refresh().outcome == "unchanged"
    address = state_in(scene.store).addresses[URL]
    assert address.validators == Validators('"k3"')


def test_a_feed_that_recovers_takes_new_validators_along() -> None:
    scene = Scene(Fetched(URL, document(1), validators=Validators('"m1"')))
    scene.refresh()
    scene.says(FetchError(Kind.SERVER, "busy", status=500))
    scene.refresh()
    scene.says(Fetched(URL, document(1), validators=Validators('"m2"')))
    assert scene.refresh().recovered
    assert state_in(scene.store).addresses[URL].validators == Validators('"m2"')
    assert state_in(scene.store).failing is None


# ---------------------------------------------------------------- the rules alone

ETAGS = st.sampled_from([None, '"p"', 'W/"p"', '"q"', 'W/"q"'])
SAID = st.builds(Validators, ETAGS, st.sampled_from([None, MARCH, LATER]))
ADDRESSES = st.builds(Address, ETAGS, st.sampled_from([None, MARCH]), st.just("digest"))


def _tag(etag: str | None) -> str | None:
    return etag and etag.removeprefix("W/")


@given(ADDRESSES, SAID)
def test_a_304_never_leads_to_another_etag_than_the_one_that_was_sent(
    known: Address, said: Validators
) -> None:
    after = after_not_modified(known, said, NOON)
    assert _tag(after.etag) in {None, _tag(known.etag)}
    assert after.digest == known.digest
    if said.etag and _tag(said.etag) != _tag(known.etag):
        assert after.last_modified in {None, known.last_modified}
    else:
        assert after.last_modified == (said.last_modified or known.last_modified)


def test_a_strong_etag_of_a_304_does_not_replace_a_weak_one() -> None:
    known = Address('W/"p"', None, "digest")
    assert after_not_modified(known, Validators('"p"', LATER), NOON) == replace(
        known, last_modified=LATER
    )


def test_an_etag_of_a_304_that_answers_to_a_date_alone_says_nothing() -> None:
    known = Address(None, MARCH, "digest")
    assert after_not_modified(known, Validators('"p"', LATER), NOON) == known


@given(st.lists(st.tuples(st.booleans(), SAID), max_size=200), st.integers(1, 90))
def test_whatever_an_origin_says_its_validators_alone_are_seldom_written(
    answers: list[tuple[bool, Validators]], every_min: int
) -> None:
    held = after_document(None, Validators('"p"'), "digest")
    written: list[int] = []
    for number, (is_304, said) in enumerate(answers):
        minute = number * every_min
        now = NOON + timedelta(minutes=minute)
        if is_304 and held.validators == Validators():
            continue  # no such answer to an unconditional request is accepted
        after = (
            after_not_modified(held, said, now) if is_304 else after_document(held, said, "digest")
        )
        address = worth_a_write(held, after, now)
        if address is not None:
            held = address
            written.append(minute)
    days = 1 + len(answers) * every_min // 1440
    hours = len(answers) * every_min // 60
    assert len(written) <= 3 * days + hours + 2 * days  # and a dropped ETag with its successor


def test_a_clock_that_was_ahead_does_not_keep_a_304_with_another_etag_from_counting() -> None:
    ahead = int((NOON + timedelta(days=90)).timestamp())
    known = Address('"p"', None, "digest", dropped_at_s=ahead)
    assert after_not_modified(known, Validators('"q"'), NOON).etag is None
