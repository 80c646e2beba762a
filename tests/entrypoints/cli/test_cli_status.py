"""`feedmirror status`, as its user sees it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from builders import entry, rss_document
from commands import feedmirror, write_config
from feedmirror.adapters.stores.directory import DirectoryStore
from feedmirror.entrypoints.cli.status import COLUMN_HEADS, FeedHealth, health_of
from feedmirror.mirror import state_codec
from feedmirror.mirror.gone import Sightings
from feedmirror.mirror.retention import KnownEntries, KnownEntry
from feedmirror.mirror.schedule import next_due
from feedmirror.mirror.state import Failing, State
from feedmirror.model import Subscription
from origin_server import OriginServer
from scene import DOCUMENTS, FEEDS

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FEED = rss_document([entry(1), entry(2)])


@pytest.fixture
def origin() -> Iterator[OriginServer]:
    with OriginServer() as server:
        server.serve("/feed", FEED, etag='"1"')
        server.answer("/451", 451)
        yield server


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(at: datetime = NOON, *words: str) -> None:
    feedmirror("run", "--quiet", *words, clock=lambda: at)


def status(capsys: pytest.CaptureFixture[str], *words: str, at: datetime = NOON) -> list[str]:
    """The lines of the table and what is below it."""
    capsys.readouterr()
    feedmirror("status", *words, clock=lambda: at)
    return capsys.readouterr().out.splitlines()


def read(capsys: pytest.CaptureFixture[str], *words: str, at: datetime = NOON) -> dict[str, Any]:
    """The feeds of the JSON document, by slug."""
    capsys.readouterr()
    feedmirror("status", "--json", *words, clock=lambda: at)
    return {feed["feed"]: feed for feed in json.loads(capsys.readouterr().out)["feeds"]}


# ---------------------------------------------------------------- the table


def test_row_shows_the_health_of_a_feed(origin, here, capsys):
    write_config(here, {"gazette": origin.url("/feed")}, top='public_url = "https://m.example"')
    run()
    later = NOON + timedelta(hours=3)
    head, row, _, total = status(capsys, at=later)
    assert re.split("  +", head) == list(COLUMN_HEADS)
    due = next_due("gazette", 900, later)
    minutes = int((due - later).total_seconds() // 60)
    assert row.split() == [
        "gazette",
        "ok",
        *f"{NOON.astimezone():%m-%d %H:%M} (3 h ago)".split(),
        *f"{due.astimezone():%m-%d %H:%M} (in {minutes} min)".split(),
        "2",
        "https://m.example/gazette/atom.xml",
        *FEEDS[1:],
    ]
    assert total == "1 feed: 1 ok."


def test_failing_feed_says_since_when_and_why_and_ends_with_one(origin, here, capsys):
    write_config(here, {"good": origin.url("/feed"), "bad": origin.url("/451")})
    run()
    at = NOON + timedelta(days=2)
    assert feedmirror("status", clock=lambda: at) == 1
    rows = capsys.readouterr().out.splitlines()
    assert "failing: legal, 2 d" in rows[2]
    assert rows[2].endswith("answers HTTP 451: withheld for legal reasons.")
    assert rows[-1] == "2 feeds: 1 ok, 1 failing."


def test_feed_that_was_never_refreshed_is_no_failure(origin, here, capsys):
    write_config(here, {"young": origin.url("/feed")})
    assert feedmirror("status", clock=lambda: NOON) == 0
    row = capsys.readouterr().out.splitlines()[1]
    assert row.split("  ")[:2] == ["young", "never refreshed"]
    assert f"{next_due('young', 900, NOON).astimezone():%H:%M}" in row


def test_feeds_stand_in_the_order_of_the_configuration_and_others_behind(origin, here, capsys):
    write_config(here, {name: origin.url("/feed") for name in ("b", "a", "other")})
    run()
    write_config(here, {name: origin.url("/feed") for name in ("b", "a")})
    rows = status(capsys)
    assert [row.split()[:2] for row in rows[1:4]] == [["b", "ok"], ["a", "ok"], ["other", "not"]]
    assert rows[-1] == "3 feeds: 2 ok, 1 not configured."
    other = read(capsys)["other"]
    assert (other["status"], other["configured"]) == ("not configured", False)
    assert other["next_due"] is None


def test_status_says_what_to_do_with_a_feed_that_is_not_configured(origin, here, capsys):
    write_config(here, {name: origin.url("/feed") for name in ("a", "old")})
    run()
    write_config(here, {"a": origin.url("/feed")})
    (line,) = [line for line in status(capsys) if line.startswith("old")]
    assert "feeds.toml has no [feeds.old]: add it with `retired = true`" in line
    with (here / "feeds.toml").open("a") as config:
        config.write("[feeds.old]\nretired = true\n")
    (line,) = [line for line in status(capsys) if line.startswith("old")]
    assert line.split()[:2] == ["old", "retired"]
    assert "feeds.toml has no" not in line


@pytest.mark.parametrize("is_configured", [True, False], ids=["retired", "not configured"])
def test_feed_that_nobody_polls_and_that_failed_in_the_end_is_no_failure_now(
    origin, here, capsys, is_configured
):
    write_config(here, {"bad": origin.url("/451"), "good": origin.url("/feed")})
    run()
    write_config(here, {"good": origin.url("/feed")})
    if is_configured:
        with (here / "feeds.toml").open("a") as config:
            config.write("[feeds.bad]\nretired = true\n")
    assert feedmirror("status", clock=lambda: NOON) == 0
    bad = read(capsys)["bad"]
    assert (bad["error_kind"], bad["next_due"]) == ("legal", None)
    assert bad["url"] == origin.url("/451")


def test_without_a_configuration_only_the_store_is_shown(origin, here, capsys):
    run(NOON, origin.url("/feed"), "--slug", "gazette")
    lines = status(capsys)
    assert lines[1].startswith("gazette  ok")
    assert lines[1].endswith("mirror/public/gazette/atom.xml feed.json rss.xml index.html")
    assert lines[-1].startswith("There is no feeds.toml, so")
    feed = read(capsys)["gazette"]
    assert (feed["configured"], feed["next_due"], feed["addresses"]) == (None, None, [])


def test_empty_store_is_reported_as_empty(here, capsys):
    assert status(capsys, "--store", "copies") == ["No feed has been mirrored into copies yet."]


def test_documents_in_another_store_are_shown_with_its_path(origin, here, capsys):
    run(NOON, origin.url("/feed"), "--slug", "gazette", "--store", "copies")
    assert "copies/public/gazette/atom.xml" in status(capsys, "--store", "copies")[1]


# ---------------------------------------------------------------- what is amiss in the store


@pytest.mark.parametrize("configured", [True, False])
def test_damaged_state_is_a_row_that_says_so_and_what_to_do(configured, origin, here, capsys):
    write_config(here, {"x": origin.url("/feed"), "y": origin.url("/feed")})
    run()
    (here / "mirror/state/x.json").write_bytes(b"{}")
    write_config(here, {name: origin.url("/feed") for name in ("x", "y")[not configured :]})
    assert feedmirror("status", clock=lambda: NOON) == 1
    out = capsys.readouterr().out
    row = next(row for row in out.splitlines() if row.startswith("x "))
    assert row.split()[1] == "unreadable"
    assert "state/x.json is damaged" in row
    assert row.endswith("from the stored entries")


def test_state_of_a_newer_version_is_not_rebuilt(origin, here, capsys):
    write_config(here, {"x": origin.url("/feed")})
    run()
    (here / "mirror/state/x.json").write_bytes(b'{"schema":99}')
    row = status(capsys)[1]
    assert "written by a newer feedmirror" in row
    assert "rebuild" not in row


def test_missing_state_is_unhealthy_beside_entries_alone(origin, here, capsys):
    write_config(here, {"x": origin.url("/feed"), "y": origin.url("/feed")})
    run()
    (here / "mirror/state/x.json").unlink()
    (here / "mirror/data/nothing").mkdir()
    assert feedmirror("status", clock=lambda: NOON) == 1
    feeds = read(capsys)
    assert feeds.keys() == {"x", "y"}
    assert feeds["x"]["status"] == "state missing"
    assert feeds["x"]["error"].endswith("run `feedmirror rebuild x`")


def test_store_that_cannot_be_listed_is_an_error_of_one_line(here, capsys):
    (here / "file").write_text("")
    assert feedmirror("status", "--store", "file") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "is a file or a symbolic link; a directory is expected" in err


def test_state_that_the_store_does_not_give_is_a_row_of_its_own(origin, here, capsys):
    write_config(here, {"x": origin.url("/feed"), "y": origin.url("/feed")})
    run()
    state = here / "mirror/state/x.json"
    state.unlink()
    state.symlink_to("elsewhere")
    assert feedmirror("status", clock=lambda: NOON) == 1
    rows = capsys.readouterr().out.splitlines()
    assert "unreadable" in rows[1]
    assert "a symbolic link, which is not followed" in rows[1]
    assert rows[2].split()[1] == "ok"


def test_folders_that_are_no_feeds_are_passed_over(origin, here, capsys):
    run(NOON, origin.url("/feed"), "--slug", "x")
    (here / "mirror/data/Not_A_Slug").mkdir()
    (here / "mirror/state/Not_A_Slug.json").write_text("{}")
    assert read(capsys).keys() == {"x"}


# ---------------------------------------------------------------- for machines


def test_json_tells_everything_with_the_same_keys_for_each_feed(origin, here, capsys):
    write_config(
        here,
        {"good": origin.url("/feed"), "bad": origin.url("/451"), "young": origin.url("/feed")},
        top='public_url = "https://m.example"',
    )
    run(NOON, "--feed", "good", "--feed", "bad")
    feeds = read(capsys)
    assert feeds["good"].keys() == feeds["bad"].keys() == feeds["young"].keys()
    good, bad = feeds["good"], feeds["bad"]
    moment = NOON.isoformat()
    assert {name: good[name] for name in good if good[name] not in (None, [], {})} == {
        "feed": "good", "status": "ok", "configured": True, "url": origin.url("/feed"),
        "last_new": moment, "last_changed": moment, "last_checked": moment,
        "next_due": next_due("good", 900, NOON).isoformat(),
        "entries": 2, "generation": 1, "done": True,
        "documents": [*DOCUMENTS],
        "addresses": [f"https://m.example/good/{name}" for name in (*FEEDS, "")],
    }  # fmt: skip
    assert (bad["error_kind"], bad["error_group"]) == ("legal", "blocked")
    assert bad["failing_since"] == moment
    assert feeds["young"]["status"] == "never refreshed"
    assert feeds["young"]["entries"] is None


def test_json_has_totals_and_the_same_exit_code(origin, here, capsys):
    write_config(here, {"bad": origin.url("/451"), "young": origin.url("/feed")})
    run(NOON, "--feed", "bad")
    capsys.readouterr()
    assert feedmirror("status", "--json", clock=lambda: NOON) == 1
    assert json.loads(capsys.readouterr().out)["totals"] == {"failing": 1, "never refreshed": 1}


def test_text_of_an_origin_cannot_control_a_terminal(here, capsys):
    bad = State(
        url="https://x.example/",
        failing=Failing("status", "unreachable", NOON, "says \x1b[31m\nred"),
        gone={"https://me:secret@x.example/": Sightings(3, NOON)},
    )
    DirectoryStore(here / "mirror").create("state/x.json", state_codec.dump(bad))
    assert "says \ufffd[31m red" in "\n".join(status(capsys))
    again_at = (NOON + timedelta(days=7)).isoformat()
    assert read(capsys)["x"]["gone"] == {"https://***@x.example/": again_at}


# ---------------------------------------------------------------- of one state


def _health(state: State, **options: Any) -> FeedHealth:
    subscription = Subscription("x", "https://x.example/")
    options = {"public_url": None, "configured": True} | options
    return health_of("x", subscription, state_codec.dump(state), NOON, **options)


def test_due_time_is_the_one_that_the_origin_asks_for() -> None:
    wait = NOON + timedelta(hours=7)
    state = State(url="https://x.example/", not_before=wait)
    due = _health(state).next_due
    assert due is not None
    assert wait <= due < wait + timedelta(minutes=16)


def test_validators_of_another_address_are_not_used() -> None:
    wait = NOON + timedelta(hours=7)
    state = State(url="https://y.example/", not_before=wait, moved_to="https://z.example/")
    health = _health(state)
    assert health.next_due is not None
    assert health.next_due < wait
    assert health.moved_to is None


def test_entries_are_those_that_are_remembered_or_were_ever_placed() -> None:
    few = {f"{n}": KnownEntry("d", n) for n in range(7)}
    assert (
        _health(State(known_entries=KnownEntries.of(few), next_seq=9)).entries == 7
    )  # two came back after an edit
    many = {f"{n}": KnownEntry("d", n) for n in range(5_000)}
    assert _health(State(known_entries=KnownEntries.of(many), next_seq=12_001)).entries == 12_000


def test_last_new_entry_is_the_one_first_seen_most_recently() -> None:
    seen = {"a": KnownEntry("d", 1_700_000_000), "b": KnownEntry("d", 1_600_000_000)}
    assert _health(State(known_entries=KnownEntries.of(seen))).last_new == datetime.fromtimestamp(
        1_700_000_000, UTC
    )
    assert _health(State()).last_new is None


# ---------------------------------------------------------------- wrong usage


def test_configuration_that_is_named_has_to_be_there(here, capsys):
    assert feedmirror("status", "--config", "other.toml") == 2
    assert "there is no other.toml" in capsys.readouterr().err


def test_invalid_configuration_is_reported_with_all_problems(here, capsys):
    write_config(here, {"x": "ftp://y"})
    assert feedmirror("status") == 2
    assert "feeds.toml:3" in capsys.readouterr().err


# ---------------------------------------------------------------- by the feed index


def test_status_says_the_same_by_the_index_as_by_the_states(origin, here, capsys):
    addresses = {name: origin.url(f"/{name}") for name in ("feed", "451", "feed2", "feed3")}
    origin.serve("/feed2", FEED, etag='"1"')
    origin.redirect("/feed3", origin.url("/feed"))
    table = {"gazette": addresses["feed"], "bad": addresses["451"], "moved": addresses["feed3"]}
    write_config(here, {**table, "old": addresses["feed2"]})
    for hours in (0, 1, 2, 3):
        run(NOON + timedelta(hours=hours))
    write_config(here, {**table, "young": addresses["feed2"]})  # `old` is not configured any more
    at = NOON + timedelta(hours=4)
    by_index = read(capsys, at=at)
    (here / "mirror" / "state" / "index").unlink()
    assert read(capsys, at=at) == by_index
    assert by_index.keys() == {"gazette", "bad", "moved", "old", "young"}
    assert [by_index[slug]["status"] for slug in ("gazette", "bad", "old", "young")] == [
        "ok",
        "failing",
        "not configured",
        "never refreshed",
    ]
    assert not (here / "mirror" / "state" / "index").exists()


def test_states_that_the_index_knows_are_not_read(origin, here, capsys, monkeypatch):
    write_config(here, {"gazette": origin.url("/feed"), "bad": origin.url("/451")})
    run()
    loads: list[str] = []
    load = DirectoryStore.load
    monkeypatch.setattr(
        DirectoryStore, "load", lambda self, key: (loads.append(key), load(self, key))[1]
    )
    read(capsys)
    assert loads == ["state/index", "state/bad.json"]


def test_feeds_that_are_named_are_shown_alone_from_their_states(origin, here, capsys):
    write_config(here, {"gazette": origin.url("/feed"), "bad": origin.url("/451")})
    run()
    everything = read(capsys)
    assert read(capsys, "gazette") == {"gazette": everything["gazette"]}
    assert read(capsys, "bad", "gazette", "bad") == everything
    assert feedmirror("status", "gazette", clock=lambda: NOON) == 0
    assert feedmirror("status", "bad", clock=lambda: NOON) == 1


@pytest.mark.parametrize("name", ["gazete", "../x", "a" * 300])
def test_name_that_no_feed_has_is_refused(origin, here, capsys, name):
    write_config(here, {"gazette": origin.url("/feed")})
    run()
    assert feedmirror("status", name, clock=lambda: NOON) == 2
    said = capsys.readouterr().err
    assert "has a feed of that name" in said
    assert ("did you mean 'gazette'?" in said) == (name == "gazete")


def test_feed_that_is_not_refreshed_yet_may_be_named(origin, here, capsys):
    write_config(here, {"young": origin.url("/feed")})
    assert read(capsys, "young")["young"]["status"] == "never refreshed"
