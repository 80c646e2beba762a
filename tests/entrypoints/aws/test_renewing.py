"""The function renews pages of an earlier deployment: a slice for each message, within a budget."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from msgspec.structs import replace

from feedmirror.layout import RENEWALS, state_key
from feedmirror.mirror.deployment import SUPERSEDED, Deployment
from feedmirror.model import Disclaimer
from feedmirror.storage.renewal_budget import count_renewed, load_renewals
from lambda_function import Stage, batch, record
from scene import NOON, document
from stores import FailingStore, MemoryStore

OLD, NEW = "Words of before.", "Words of today."


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedmirror.mirror.archive.PAGE_ENTRIES", 3)
    monkeypatch.setattr("feedmirror.renewal.PAGE_ENTRIES", 3)
    monkeypatch.setattr("feedmirror.mirror.renewal_work.PAGE_ENTRIES", 3)


@pytest.fixture
def stage(capsys: pytest.CaptureFixture[str]) -> Stage:
    """A function whose feed has an archive with the old words, and is configured with new ones."""
    stage = Stage(("news",))
    stage.feeds["news"] = replace(stage.feeds["news"], keep=4, disclaimer=Disclaimer(text=OLD))
    for last in (3, 6, 9, 12):
        stage.origin.answers[stage.url("news")] = document(*range(last, 0, -1))
        stage.invoke({})
        stage.now += timedelta(days=3)
    stage.feeds["news"] = replace(stage.feeds["news"], disclaimer=Disclaimer(text=NEW))
    return stage


def stale(stage: Stage) -> list[str]:
    objects = stage.store.objects.items()
    return [key for key, body in objects if key.startswith("public/") and OLD.encode() in body]


def queued(stage: Stage) -> list[dict[str, object]]:
    """What is in the queue of renewals; it is empty afterwards."""
    bodies = [one.body for one in stage.renewals.messages.values()]
    stage.renewals.messages.clear()
    return [record(body, f"r{number}") for number, body in enumerate(bodies)]


def run_dry(stage: Stage) -> int:
    """Handle messages until none is left; return how many there were."""
    count = 0
    while records := queued(stage):
        for one in records:
            count += 1
            assert count < 60
            assert stage.invoke({"Records": [one]}) == {"batchItemFailures": []}
    return count


def test_refresh_that_leaves_stale_pages_has_them_renewed_until_nothing_is_stale(
    stage: Stage,
) -> None:
    assert stage.invoke(batch("news")) == {"batchItemFailures": []}
    before = stale(stage)
    assert any("/archive/" in key for key in before)
    messages = run_dry(stage)
    assert messages > 2
    assert stale(stage) == []
    lines = stage.logged("pages renewed")
    assert len(lines) == messages
    counted = load_renewals(stage.store, stage.now)
    assert (counted.pages, counted.at) == (sum(line["written"] for line in lines), stage.now)
    assert (lines[-1]["feed"], lines[-1]["left"]) == ("news", 0)


def test_metric_counts_the_pages_of_each_slice(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.invoke(batch("news"))
    capsys.readouterr()
    run_dry(stage)
    put = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    counted = [line["PagesRenewed"][0] for line in put if "PagesRenewed" in line]
    assert counted == [line["written"] for line in stage.logged("pages renewed")]


def test_message_of_a_retired_feed_renews_its_pages(stage: Stage) -> None:
    stage.feeds["news"] = replace(stage.feeds["news"], retired=True, url="")
    stage.invoke({"feeds": ["news"]})
    assert stale(stage)
    run_dry(stage)
    assert stale(stage) == []


def test_message_names_the_feed_and_the_slice_and_each_slice_has_a_name_of_its_own(
    stage: Stage,
) -> None:
    stage.invoke(batch("news"))
    stage.invoke(batch("news"))
    (sent,) = stage.renewals.messages.values()  # the same slice: SQS drops the second one
    assert json.loads(sent.body).keys() == {"renew", "page"}
    stage.build = "b2"
    stage.invoke(batch("news"))
    assert len(stage.renewals.messages) == 2


def test_message_that_comes_twice_renews_one_slice_and_has_one_successor(stage: Stage) -> None:
    stage.invoke(batch("news"))
    messages = 0
    while records := queued(stage):
        messages += 1
        assert messages < 60
        assert len(records) == 1
        for one in (*records, *records):
            assert stage.invoke({"Records": [one]}) == {"batchItemFailures": []}
    assert stale(stage) == []
    assert len(stage.logged("pages renewed")) == messages


def test_budget_of_the_day_ends_the_renewal_and_a_refresh_of_the_next_day_goes_on(
    stage: Stage,
) -> None:
    stage.renewals_per_day = 1
    stage.invoke(batch("news"))
    run_dry(stage)
    assert len(stage.logged("pages renewed")) == 1
    left = stale(stage)
    assert left
    stage.invoke(batch("news"))
    assert stage.renewals.messages == {}
    assert stale(stage) == left
    stage.now += timedelta(days=1)
    stage.invoke(batch("news"))
    run_dry(stage)
    assert len(stale(stage)) < len(left)


def test_budget_of_nothing_queues_and_renews_nothing(stage: Stage) -> None:
    stage.invoke(batch("news"))
    records = queued(stage)
    stage.renewals_per_day = 0
    before = stale(stage)
    stage.invoke(batch("news"))
    assert stage.renewals.messages == {}
    assert stage.invoke({"Records": records}) == {"batchItemFailures": []}
    assert stale(stage) == before


def test_slice_that_the_store_prevents_is_tried_again(stage: Stage) -> None:
    stage.invoke(batch("news"))
    (one,) = queued(stage)
    failing = FailingStore(stage.store, lambda _, key: key == state_key("news"))
    answer = stage.invoke({"Records": [one]}, store=failing)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "r0"}]}
    assert [line["error_kind"] for line in stage.logged("renewal failed")] == ["store"]
    assert stage.invoke({"Records": [one]}) == {"batchItemFailures": []}


def test_slice_that_cannot_be_queued_is_queued_by_the_next_refresh(stage: Stage) -> None:
    stage.invoke(batch("news"))
    (one,) = queued(stage)
    stage.renewals.refuses["news"] = "busy"
    assert stage.invoke({"Records": [one]}) == {"batchItemFailures": []}
    assert stage.logged("message not sent") == [{"feed": "news", "error": "busy"}]
    stage.renewals.refuses.clear()
    stage.invoke(batch("news"))
    run_dry(stage)
    assert stale(stage) == []


def test_superseded_build_renews_nothing_and_does_not_try_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.invoke(batch("news"))
    records, before = queued(stage), stale(stage)
    stage.feeds["news"] = replace(stage.feeds["news"], disclaimer=Disclaimer(text="Others."))
    monkeypatch.setattr("lambda_function.newest", lambda: Deployment(SUPERSEDED))
    assert stage.invoke({"Records": records}) == {"batchItemFailures": []}
    assert [line["error_kind"] for line in stage.logged("renewal failed")] == ["older"]
    assert stale(stage) == before
    assert stage.renewals.messages == {}


def test_message_for_a_feed_that_is_not_configured_is_dropped(stage: Stage) -> None:
    event = {"Records": [record('{"renew": "gone", "page": "archive/newest"}')]}
    assert stage.invoke(event) == {"batchItemFailures": []}
    assert stage.logged("message dropped")[0]["error"] == "no feed 'gone' is configured"


@pytest.mark.parametrize(
    "body", ['{"renew": "news"}', '{"renew": "", "page": "x"}', '{"renew": "news", "page": 3}']
)
def test_message_that_names_no_slice_becomes_a_dead_letter(stage: Stage, body: str) -> None:
    answer = stage.invoke({"Records": [record(body)]})
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert (
        '{"renew": "slug", "page": "archive/newest"}' in stage.logged("message refused")[0]["error"]
    )


def test_counter_adds_up_within_a_day_and_begins_anew_at_the_next_or_where_it_is_damaged() -> None:
    store = MemoryStore()
    later, tomorrow = NOON + timedelta(hours=1), NOON + timedelta(days=1)
    count_renewed(store, 2, NOON)
    count_renewed(store, 3, later)
    assert load_renewals(store, NOON).pages == 5
    assert (load_renewals(store, tomorrow).pages, load_renewals(store, tomorrow).at) == (0, later)
    count_renewed(store, 1, tomorrow)
    assert load_renewals(store, tomorrow).pages == 1
    store.objects[RENEWALS] = b"{"
    assert load_renewals(store, NOON).pages == 0
