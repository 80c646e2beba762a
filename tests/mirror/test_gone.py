"""HTTP 410: believed after three days, asked about once a week, and never the end of a feed."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from commands import feedmirror, write_config
from feedmirror.entrypoints.cli.status import health_of, row
from feedmirror.entrypoints.store import StoreLocation
from feedmirror.errors import FetchError, Kind, ParseError
from feedmirror.mirror import state_codec
from feedmirror.mirror.gone import Sightings, after_failure, all_asked_again_at, seen
from feedmirror.mirror.state import State
from feedmirror.model import Fetched, Gone, NotModified, Outcome
from origin_server import OriginServer
from scene import NOON, URL, Answer, Scene, document
from store_factories import state_in
from stores import CountingStore, MemoryStore

ALTERNATE = "https://copy.example.net/rss"
TIMEOUT = FetchError(Kind.TIMEOUT, "no answer within 30 s")
STATE = "state/news.json"

pytestmark = pytest.mark.row("F15")


def _mirrored(alternates: tuple[str, ...] = ()) -> Scene:
    scene = Scene(document(1), CountingStore(MemoryStore()))
    scene.configure(alternates=alternates)
    scene.refresh()
    return scene


def _gone_at_noon(scene: Scene, url: str = URL) -> None:
    """Have the address answer 410 for three days; the third time it is asked, it is noon."""
    scene.origin.answers[url] = Gone(url)
    for _ in range(3):
        scene.later(days=1)
        scene.refresh()
    scene.origin.asked.clear()


def _message(outcome: Outcome) -> str:
    assert outcome.failure is not None
    return outcome.failure.message


def _state(scene: Scene) -> State:
    return state_in(scene.store)


# ---------------------------------------------------------------- until it is believed


def test_a_single_410_does_not_end_a_feed() -> None:
    scene = _mirrored()
    scene.says(Gone(URL))
    scene.later(hours=1)
    outcome = scene.refresh()
    assert outcome.failure is not None
    assert (outcome.failure.kind, outcome.http_status) == ("gone", 410)
    assert "on 1 of 3 days so far" in outcome.failure.message
    scene.says(document(2, 1))
    scene.later(hours=1)
    assert scene.refresh().new == 1
    assert (_state(scene).gone, _state(scene).failing) == ({}, None)


def test_however_often_it_answers_410_within_a_day_the_address_is_asked_on() -> None:
    scene = _mirrored()
    scene.says(Gone(URL))
    scene.origin.asked.clear()
    assert isinstance(scene.store, CountingStore)
    for _ in range(11):
        scene.later(hours=1)
        assert "on 1 of 3 days" in _message(scene.refresh())
    assert len(scene.origin.asked) == 11
    sightings = _state(scene).gone[URL]
    assert sightings == Sightings(1, NOON + timedelta(hours=1))
    scene.store.reset()
    scene.refresh()
    assert scene.store.writes == [], "a 410 of a day that has one is not written down"


def test_scheduled_polls_back_off_as_from_any_failure() -> None:
    polled = []
    for answer in (Gone(URL), TIMEOUT):
        scene = _mirrored()
        scene.says(answer)
        scene.origin.asked.clear()
        for _ in range(11 * 4):  # until midnight
            scene.later(minutes=15)
            scene.refresh(scheduled=True)
        polled.append(len(scene.origin.asked))
    assert polled[0] == polled[1] < 11 * 4


@pytest.mark.parametrize("between", [document(1), NotModified(URL)], ids=["200", "304"])
def test_a_feed_in_between_begins_the_count_anew(between: Answer) -> None:
    scene = _mirrored()
    for answer in (Gone(URL), Gone(URL), between, Gone(URL)):
        scene.says(answer)
        scene.later(days=1)
        scene.refresh()
    assert _state(scene).gone == {URL: Sightings(1, scene.now)}


@pytest.mark.parametrize("between", [TIMEOUT, ParseError(Kind.NOT_A_FEED, "a login page")])
def test_another_failure_in_between_neither_counts_nor_begins_the_count_anew(
    between: Answer,
) -> None:
    scene = _mirrored()
    for answer in (Gone(URL), Gone(URL), between):
        scene.says(answer)
        scene.later(days=1)
        scene.refresh()
    assert _state(scene).gone == {URL: Sightings(2, NOON + timedelta(days=2))}


# ---------------------------------------------------------------- while it is gone


@pytest.mark.costly
def test_an_address_that_is_gone_is_asked_once_a_week_and_says_until_when_not() -> None:
    scene = _mirrored()
    _gone_at_noon(scene)
    asked_at = []
    again_at = scene.now + timedelta(days=7)
    assert isinstance(scene.store, CountingStore)
    scene.store.reset()
    for _ in range(3 * 7 * 24):
        scene.later(hours=1)
        before = len(scene.origin.asked)
        message = _message(scene.refresh())
        if len(scene.origin.asked) > before:
            asked_at.append(scene.now)
            again_at = scene.now + timedelta(days=7)
        assert f"not asked again until {again_at:%Y-%m-%d %H:%M} UTC" in message
        failing = _state(scene).failing
        assert failing is not None
        assert failing.message == message
    assert asked_at == [NOON + timedelta(days=3 + 7 * week) for week in (1, 2, 3)]
    assert scene.store.writes.count(STATE) == 3
    assert "<title>Entry 1</title>" in scene.public()


@pytest.mark.parametrize("answer", [document(1), NotModified(URL)], ids=["200", "304"])
def test_a_feed_or_a_304_after_a_week_revives_the_address(answer: Answer) -> None:
    scene = _mirrored()
    _gone_at_noon(scene)
    scene.says(answer)
    scene.later(days=6, hours=23)
    assert scene.refresh().outcome == "failed"
    scene.later(hours=1)
    outcome = scene.refresh()
    assert (outcome.failure, outcome.recovered) == (None, True)
    assert (_state(scene).gone, _state(scene).failing) == ({}, None)
    scene.says(document(2, 1))
    scene.later(minutes=15)
    assert scene.refresh().new == 1


@pytest.mark.parametrize(
    "answer",
    [TIMEOUT, b"<html><body>For sale</body></html>", FetchError(Kind.MISSING, "404", status=404)],
    ids=["timeout", "a page for sale", "404"],
)
def test_whatever_else_an_address_that_is_gone_answers_it_waits_for_another_week(
    answer: Answer,
) -> None:
    scene = _mirrored()
    _gone_at_noon(scene)
    scene.says(answer)
    scene.later(days=7)
    assert scene.refresh().outcome == "failed"
    for _ in range(6):
        scene.later(days=1)
        assert "is gone" in _message(scene.refresh())
    assert scene.origin.asked == [URL]
    scene.says(document(2, 1))
    scene.later(days=1)
    assert scene.refresh().new == 1


def test_another_url_is_asked_at_once() -> None:
    scene = _mirrored()
    _gone_at_noon(scene)
    scene.configure(url="https://news.example.org/new")
    scene.says(document(2, 1))
    assert scene.refresh().new == 1
    assert _state(scene).gone == {}


def test_an_alternate_that_is_gone_is_revived_like_the_feed_itself() -> None:
    scene = _mirrored((ALTERNATE,))
    scene.says(TIMEOUT)
    _gone_at_noon(scene, ALTERNATE)
    scene.origin.answers[ALTERNATE] = document(2, 1)
    scene.later(days=6)
    assert scene.refresh().outcome == "failed"
    assert scene.origin.asked == [URL]
    scene.later(days=1)
    outcome = scene.refresh()
    assert (outcome.outcome, outcome.new) == ("changed", 1)
    assert _state(scene).gone == {}
    scene.later(minutes=15)
    assert scene.refresh().outcome == "unchanged"
    assert scene.origin.asked[-1] == ALTERNATE


def test_the_alternate_is_read_while_the_feed_is_gone_and_left_when_it_is_back() -> None:
    scene = _mirrored((ALTERNATE,))
    scene.origin.answers[ALTERNATE] = document(2, 1)
    _gone_at_noon(scene)
    scene.later(hours=1)
    outcome = scene.refresh()
    assert outcome.outcome == "unchanged"
    assert outcome.note is not None
    assert f"read from {ALTERNATE}, since: {URL} is gone" in outcome.note
    assert scene.origin.asked == [ALTERNATE]
    scene.says(document(3, 2, 1))
    scene.later(days=7)
    outcome = scene.refresh()
    assert (outcome.new, outcome.note) == (1, None)
    assert _state(scene).gone == {}


def test_an_alternate_that_is_configured_no_more_is_forgotten() -> None:
    scene = _mirrored((ALTERNATE,))
    scene.says(TIMEOUT)
    _gone_at_noon(scene, ALTERNATE)
    scene.configure(alternates=())
    scene.refresh()
    assert _state(scene).gone == {}
    scene.configure(alternates=(ALTERNATE,))
    scene.origin.answers[ALTERNATE] = document(2, 1)
    assert scene.refresh().new == 1


def test_a_redirect_is_forgotten_once_its_target_is_gone_and_not_before() -> None:
    target = "https://elsewhere.example.org/rss"
    scene = Scene(b"")
    for number in (1, 2, 3):
        scene.says(Fetched(target, document(*range(number, 0, -1)), moved_to=target))
        scene.refresh()
    scene.origin.answers[target] = Gone(target)
    scene.says(TIMEOUT)
    for moved_to in (target, target, None):
        scene.later(days=1)
        assert scene.refresh().outcome == "failed"
        assert _state(scene).moved_to == moved_to
    scene.says(document(4, 3, 2, 1))
    assert scene.refresh().new == 1
    assert _state(scene).gone == {}


def test_a_clock_that_was_ahead_keeps_no_address_from_being_asked() -> None:
    scene = _mirrored()
    scene.later(days=300)
    _gone_at_noon(scene)
    scene.now = NOON + timedelta(days=1)
    scene.refresh()
    scene.says(document(2, 1))
    scene.later(days=7)
    assert scene.refresh().new == 1


# ---------------------------------------------------------------- what the operator is told


@pytest.mark.costly
def test_status_says_when_a_feed_that_is_gone_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    def said(now: datetime, *command: str) -> str:
        capsys.readouterr()
        feedmirror(*command, clock=lambda: now)
        return " ".join(capsys.readouterr().out.split())

    with OriginServer() as origin:
        origin.serve("/feed", document(1), etag='"1"')
        write_config(tmp_path, {"news": origin.url("/feed")})
        said(NOON, "run")
        origin.answer("/feed", 410)
        for day in (1, 2):
            said(NOON + timedelta(days=day), "run")
            told = said(NOON + timedelta(days=day), "status")
            assert f"answers HTTP 410 (gone), on {day} of 3 days so far" in told
            assert "not asked again" not in told
        now = NOON + timedelta(days=3)
        said(now, "run")
        again_at = now + timedelta(days=7)
        assert f"is not asked again until {again_at:%Y-%m-%d %H:%M} UTC" in said(now, "status")
        (feed,) = json.loads(said(now, "status", "--json"))["feeds"]
        assert feed["gone"] == {origin.url("/feed"): again_at.isoformat()}
        due = datetime.fromisoformat(feed["next_due"])
        assert again_at <= due < again_at + timedelta(hours=8)
        asked = len(origin.requests)
        said(again_at - timedelta(minutes=1), "run")
        assert len(origin.requests) == asked
        origin.serve("/feed", document(2, 1), etag='"2"')
        said(due, "run")
        (feed,) = json.loads(said(due, "status", "--json"))["feeds"]
        assert (feed["status"], feed["gone"], feed["entries"]) == ("ok", {}, 2)


def test_status_names_an_alternate_that_is_gone_while_the_feed_is_well() -> None:
    scene = _mirrored((ALTERNATE,))
    gone = {ALTERNATE: Sightings(3, NOON), URL: Sightings(2, NOON)}
    body = state_codec.dump(replace(_state(scene), gone=gone))
    health = health_of("news", scene.subscription, body, NOON, public_url=None, configured=True)
    assert health.gone == {ALTERNATE: NOON + timedelta(days=7)}
    assert health.next_due is not None
    assert health.next_due < NOON + timedelta(minutes=16)
    told = row(health, NOON, StoreLocation(Path("mirror")))[-1]
    assert f"gone: {ALTERNATE}, not asked again until 2026-03-09 12:00 UTC" in told
    assert URL not in told


# ---------------------------------------------------------------- the rules alone


@given(st.lists(st.integers(0, 40), max_size=30))
def test_an_address_is_gone_from_its_third_day_with_a_410(hours_between: list[int]) -> None:
    known, now, days = None, NOON, set()
    for hours in hours_between:
        now += timedelta(hours=hours)
        days.add(now.date())
        known = seen(known, now)
        assert known.days == min(len(days), 3)
        assert (known.asked_again_at is not None) == (len(days) >= 3)


def test_midnight_of_utc_divides_the_days() -> None:
    known = seen(seen(None, NOON + timedelta(hours=11, minutes=59)), NOON + timedelta(hours=12))
    assert known.days == 2
    assert seen(known, NOON + timedelta(hours=35, minutes=59)).days == 2
    assert seen(known, NOON + timedelta(hours=36)).days == 3
    assert seen(known, NOON).days == 2, "a clock that is put back counts no day twice"


def test_only_an_address_that_is_gone_is_put_off_by_another_failure() -> None:
    gone = {"a": Sightings(3, NOON), "b": Sightings(2, NOON)}
    later = NOON + timedelta(days=7)
    assert after_failure(gone, "a", later) == {**gone, "a": Sightings(3, later)}
    assert after_failure(gone, "b", later) == after_failure(gone, "c", later) == gone


def test_a_feed_waits_only_if_all_of_its_addresses_are_gone() -> None:
    gone = {
        "a": Sightings(3, NOON + timedelta(days=1)),
        "b": Sightings(3, NOON),
        "c": Sightings(2, NOON),
    }
    assert all_asked_again_at(gone, ["a", "b"]) == NOON + timedelta(days=7)
    assert all_asked_again_at(gone, ["a", "c"]) is None
    assert all_asked_again_at(gone, ["a", "d"]) is None
