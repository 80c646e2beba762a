"""`feedmirror run`, as its user sees it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from builders import entry, rss_document
from commands import feedmirror, interrupt, spawn, when, write_config
from feedmirror.mirror.schedule import next_due
from origin_server import OriginServer, Wait, reply
from scene import DOCUMENTS

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FEED = rss_document([entry(1), entry(2)])


@pytest.fixture
def origin() -> Iterator[OriginServer]:
    with OriginServer() as server:
        server.serve("/feed", FEED, etag='"1"')
        yield server


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def items(path: Path) -> list[str]:
    """The descriptions in a public file."""
    return [item.findtext("description", "") for item in ET.parse(path).iter("item")]


def events(err: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in err.splitlines()]


# ---------------------------------------------------------------- what is mirrored


def test_feeds_of_the_configuration_are_mirrored_into_the_store(origin, here, capsys):
    write_config(here, {"one": origin.url("/feed"), "two": origin.url("/feed")})
    assert feedmirror("run", "--store", "copies") == 0
    assert len(items(here / "copies/public/one/rss.xml")) == 2
    assert (here / "copies/state/two.json").exists()
    out = capsys.readouterr().out
    assert "2 feeds: 2 changed (4 new entries)" in out
    assert "".join(f"  copies/public/one/{name}\n" for name in DOCUMENTS) in out
    assert "feedmirror serve --store copies" in out


def test_url_needs_no_file(origin, here):
    assert feedmirror("run", origin.url("/feed"), "--slug", "gazette") == 0
    document = here / "mirror/public/gazette/rss.xml"
    assert all("no endorsement" in description for description in items(document))
    assert b'href="http://127.0.0.1:8000/gazette/rss.xml"' in document.read_bytes()


def test_slug_of_a_url_is_made_of_it(origin, here):
    feedmirror("run", origin.url("/feed"))
    assert (here / f"mirror/public/127-0-0-1-{origin.port}/rss.xml").exists()


def test_disclaimer_and_public_url_of_the_command_line_are_published(origin, here):
    words = "Copied from {source_title}."
    options = ("--disclaimer", words, "--public-url", "https://feeds.example.org/")
    assert feedmirror("run", origin.url("/feed"), "--slug", "x", *options) == 0
    document = here / "mirror/public/x/rss.xml"
    assert "Copied from The Harbour Gazette." in items(document)[0]
    assert b'href="https://feeds.example.org/x/rss.xml"' in document.read_bytes()


def test_public_url_is_the_configured_one_unless_given(origin, here, capsys):
    write_config(here, {"x": origin.url("/feed")}, top='public_url = "https://a.example"')
    feedmirror("run")
    assert b"https://a.example/x/rss.xml" in (here / "mirror/public/x/rss.xml").read_bytes()
    assert "Readers find public/ at https://a.example" in capsys.readouterr().out
    feedmirror("run", "--public-url", "https://b.example")
    assert b"https://b.example/x/rss.xml" in (here / "mirror/public/x/rss.xml").read_bytes()


@pytest.mark.parametrize(
    "named",
    [
        "./gazette.xml",
        "gazette.xml",
        "{here}/gazette.xml",
        "file://{here}/gazette.xml",
        "FILE://localhost{here}/gaz%65tte.xml",
        "file:{here}/gazette.xml",
    ],
)
def test_local_file_is_mirrored_under_its_name_and_not_its_path(named, here):
    path = here / "gazette.xml"
    path.write_bytes(FEED)
    assert feedmirror("run", named.format(here=here)) == 0
    published = (here / "mirror/public/gazette/rss.xml").read_text()
    assert "Entry 2" in published
    assert str(here) not in published


@pytest.mark.parametrize("url", ["file://elsewhere/feed.xml", "file:relative", "file:", "file://"])
def test_uri_of_another_machine_or_of_nothing_is_refused(url, here, capsys):
    assert feedmirror("run", url) == 2
    assert capsys.readouterr().err


def test_name_of_a_file_that_is_no_text_survives_the_way_through_a_uri(here):
    path = here / os.fsdecode(b"caf\xe9.xml")
    path.write_bytes(FEED)
    assert feedmirror("run", path.as_uri(), "--slug", "cafe") == 0
    assert (here / "mirror/public/cafe/rss.xml").is_file()


def test_unchanged_local_file_is_not_published_again(here, capsys):
    (here / "gazette.xml").write_bytes(FEED)
    feedmirror("run", "gazette.xml")
    capsys.readouterr()
    assert feedmirror("run", "gazette.xml", "--json") == 0
    [feed] = json.loads(capsys.readouterr().out)["feeds"]
    assert (feed["outcome"], feed["published"]) == ("unchanged", [])


def test_name_of_a_file_in_other_letters_becomes_a_slug(here):
    (here / "новости.xml").write_bytes(FEED)
    assert feedmirror("run", "новости.xml") == 0
    [folder] = filter(Path.is_dir, (here / "mirror/public").iterdir())
    assert folder.name.startswith("mirror-")


def test_only_the_feeds_that_are_named_are_refreshed(origin, here):
    write_config(here, {name: origin.url("/feed") for name in ("one", "two", "three")})
    feedmirror("run", "--feed", "three", "--feed", "one", "--feed", "one")
    assert {path.parent.name for path in here.glob("mirror/public/*/*")} == {"one", "three"}
    assert len(origin.requests) == 2


# ---------------------------------------------------------------- what is due


def test_each_point_of_the_grid_belongs_to_exactly_one_tick(origin, here, capsys):
    write_config(here, {"x": origin.url("/feed")}, each='every = "10m"')
    point = next_due("x", 600, NOON)
    polls = {}
    # Cron is late by up to a whole tick; each is started once a minute all the same.
    for minute, late_s in enumerate((0, 59, 1, 30)):
        now = point + timedelta(minutes=minute - 2, seconds=late_s)
        feedmirror("run", "--due", clock=lambda now=now: now)
        polls[minute] = len(origin.requests)
    assert polls == {0: 0, 1: 0, 2: 1, 3: 1}


def test_longer_tick_takes_what_was_due_within_it(origin, here):
    write_config(here, {"x": origin.url("/feed")}, each='every = "10m"')
    point = next_due("x", 600, NOON)
    tick_end = datetime.fromtimestamp(-(-point.timestamp() // 300) * 300, UTC)
    for ticks, polls in ((-1, 0), (0, 1), (1, 1)):
        now = tick_end + ticks * timedelta(minutes=5) + timedelta(seconds=7)
        feedmirror("run", "--due", "--tick", "5m", clock=lambda now=now: now)
        assert len(origin.requests) == polls


def test_run_without_a_due_feed_says_so_and_succeeds(origin, here, capsys):
    write_config(here, {"x": origin.url("/feed")}, each='every = "1d"')
    now = next_due("x", 86_400, NOON) + timedelta(hours=3)
    assert feedmirror("run", "--due", clock=lambda: now) == 0
    assert capsys.readouterr().out == "No feed is due.\n"
    assert feedmirror("run", "--due", "--json", clock=lambda: now) == 0
    assert json.loads(capsys.readouterr().out)["feeds"] == []


def test_origin_that_asked_for_a_later_request_is_not_polled_when_due(origin, here, capsys):
    origin.serve("/feed", FEED, headers=[("Cache-Control", "max-age=7200")])
    write_config(here, {"x": origin.url("/feed")}, each='every = "10m"')
    point = next_due("x", 600, NOON)
    feedmirror("run", "--due", clock=lambda: point)
    capsys.readouterr()
    later = point + timedelta(minutes=10)
    assert feedmirror("run", "--due", "--json", clock=lambda: later) == 0
    assert json.loads(capsys.readouterr().out)["feeds"][0]["outcome"] == "waiting"
    assert len(origin.requests) == 1


# ---------------------------------------------------------------- what is said


def test_table_has_a_row_for_each_feed_with_why_it_failed(origin, here, capsys):
    origin.answer("/451", 451)
    write_config(here, {"good": origin.url("/feed"), "withheld": origin.url("/451")})
    assert feedmirror("run") == 1
    head, good, withheld, *_ = capsys.readouterr().out.splitlines()
    assert head.split() == ["feed", "outcome", "new", "revised", "unchanged", "ms", "why"]
    assert good.split()[:5] == ["good", "changed", "2", "0", "0"]
    assert withheld.split()[:2] == ["withheld", "failed"]
    assert withheld.endswith("answers HTTP 451: withheld for legal reasons.")


def test_rows_stand_in_the_order_of_the_configuration(origin, here, capsys):
    origin.script("/slow", Wait(0.1), reply(404))
    write_config(here, {"slow": origin.url("/slow"), "quick": origin.url("/feed")})
    feedmirror("run")
    rows = capsys.readouterr().out.splitlines()[1:3]
    assert [row.split()[0] for row in rows] == ["slow", "quick"]


def test_json_is_one_document_with_outcomes_and_totals(origin, here, capsys):
    origin.answer("/403", 403)
    write_config(here, {"good": origin.url("/feed"), "bad": origin.url("/403")})
    assert feedmirror("run", "--json") == 1
    document = json.loads(capsys.readouterr().out)
    good, bad = document["feeds"]
    assert (good["feed"], good["outcome"], good["http_status"], good["new"]) == (
        "good",
        "changed",
        200,
        2,
    )
    assert (good["published"], good["error"], good["lossless"]) == ([*DOCUMENTS], None, True)
    assert (bad["error_kind"], bad["error_group"], bad["http_status"]) == (
        "forbidden",
        "blocked",
        403,
    )
    assert good.keys() == bad.keys()
    totals = document["totals"]
    assert {name: totals[name] for name in ("feeds", "changed", "failed", "new")} == {
        "feeds": 2,
        "changed": 1,
        "failed": 1,
        "new": 2,
    }


def test_log_is_json_without_a_terminal(origin, here, capsys):
    write_config(here, {"x": origin.url("/feed")})
    feedmirror("run")
    feed, run = events(capsys.readouterr().err)
    assert (feed["message"], feed["level"], feed["service"]) == (
        "feed refreshed",
        "INFO",
        "feedmirror",
    )
    assert (feed["feed"], feed["outcome"], feed["new"]) == ("x", "changed", 2)
    assert (run["message"], run["feeds"], run["changed"]) == ("run finished", 1, 1)


def test_text_log_is_a_line_for_each_feed(origin, here, capsys):
    write_config(here, {"x": origin.url("/feed")})
    feedmirror("run", "--log-format", "text", clock=lambda: NOON)
    [line] = capsys.readouterr().err.splitlines()
    when = f"{NOON.astimezone():%Y-%m-%d %H:%M:%S}"
    assert line.startswith(f"{when} x changed: 2 new (")


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_quiet_run_logs_failures_only(log_format, origin, here, capsys):
    origin.answer("/403", 403)
    write_config(here, {"good": origin.url("/feed"), "bad": origin.url("/403")})
    quiet = ("run", "--quiet", "--log-format", log_format)
    assert feedmirror(*quiet, "--feed", "good") == 0
    assert capsys.readouterr() == ("", "")
    assert feedmirror(*quiet) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "HTTP 403" in err


def test_verbose_run_says_what_it_runs_on_and_what_it_begins(origin, here, capsys):
    write_config(here, {"x": origin.url("/feed")})
    feedmirror("run", "--verbose", "--log-format", "text")
    versions, begun, _ = capsys.readouterr().err.splitlines()
    assert versions.startswith("feedmirror 0.")
    assert "expat" in versions
    assert begun == f"x: fetching {origin.url('/feed')}"


def test_many_copies_are_not_listed_one_by_one(origin, here, capsys):
    write_config(here, {f"feed-{number}": origin.url("/feed") for number in range(6)})
    feedmirror("run")
    assert "  mirror/public/SLUG/rss.xml\n" in capsys.readouterr().out


def test_moved_feed_is_noted_without_failing(origin, here, capsys):
    origin.redirect("/old", "/feed")
    write_config(here, {"x": origin.url("/old")})
    assert feedmirror("run") == 0
    out, err = capsys.readouterr()
    assert f"moved for good to {origin.url('/feed')}: update `url`" in out
    assert events(err)[0]["level"] == "WARNING"


# ---------------------------------------------------------------- our own failures


def test_store_that_cannot_be_used_fails_every_feed_with_a_sentence(origin, here, capsys):
    (here / "file").write_text("")
    write_config(here, {"x": origin.url("/feed")})
    assert feedmirror("run", "--store", "file") == 1
    out, err = capsys.readouterr()
    assert "is a file or a symbolic link; a directory is expected" in out
    [event, _] = events(err)
    assert (event["level"], event["error_kind"], event["error_group"]) == (
        "ERROR",
        "store",
        "internal",
    )


@pytest.mark.parametrize(
    ("state", "said"), [(b"{}", "is damaged"), (b'{"schema": 99}', "written by a newer feedmirror")]
)
def test_unreadable_state_is_reported_whole_and_left_unchanged(state, said, origin, here, capsys):
    write_config(here, {"x": origin.url("/feed")})
    path = here / "mirror/state/x.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(state)
    assert feedmirror("run") == 1
    out = capsys.readouterr().out
    assert said in out
    assert "nothing was changed" in out
    assert path.read_bytes() == state


# ---------------------------------------------------------------- wrong usage


def test_missing_configuration_says_what_to_do(here, capsys):
    assert feedmirror("run") == 2
    err = capsys.readouterr().err
    assert "there is no feeds.toml" in err
    assert "feedmirror init https://" in err


def test_invalid_configuration_is_reported_whole_and_nothing_fetched(origin, here, capsys):
    write_config(here, {"x": origin.url("/feed"), "data": "ftp://y"}, each="keep = 0")
    assert feedmirror("run") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("feeds.toml:") == 4
    assert origin.requests == []


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("--feed exampel", "did you mean 'example'?"),
        ("--slug x", "--slug needs a URL"),
        ("--disclaimer x", "--disclaimer needs a URL"),
        ("--tick 5m", "--tick needs --due"),
        ("--due --tick 5", 'did you mean "5m"?'),
        ("--due --watch", "not allowed with"),
        ("--quiet --verbose", "not allowed with"),
        ("--watch --json", "--json cannot be combined with --watch"),
        ("--threads 0", "not a whole number from 1 to 64"),
        ("--thread 3", "unrecognized arguments"),
        ("--public-url ftp://x", '--public-url: "ftp://" is not accepted'),
        ("https://x.example --feed x", "--feed selects from feeds.toml"),
        ("news/feed", "an address begins with https://"),
        ("https://u:secret@x.example", "contains a user name or password"),
    ],
)
def test_wrong_usage_is_refused_with_exit_code_two(argv, said, here, capsys):
    write_config(here, {"example": "http://127.0.0.1:9/"})
    assert feedmirror("run", *argv.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "secret" not in err


# ---------------------------------------------------------------- watching, and having enough


@pytest.mark.slow
def test_watch_refreshes_at_once_and_again_when_due(origin, here, capsys, ctrl_c):
    write_config(here, {"x": origin.url("/feed")}, each='every = "1m"')
    import_module("feedmirror.entrypoints.cli.run")  # else it takes a part of the time below
    start = datetime.now(UTC)
    offset = next_due("x", 60, NOON) - timedelta(seconds=1) - start
    thread = when(lambda: len(origin.requests) == 2, interrupt)
    argv = ("run", "--watch", "--log-format", "text")
    code = feedmirror(*argv, clock=lambda: datetime.now(UTC) + offset)
    thread.join()
    assert code == 0
    assert len(origin.requests) == 2
    out, err = capsys.readouterr()
    assert out == ""
    said = [line.split(maxsplit=2)[2] for line in err.splitlines()]
    assert [line.split(" (")[0] for line in said if not line.startswith("stopping")] == [
        "x changed: 2 new",
        "x unchanged",
        "2 feeds: 1 changed",
    ]


def test_interrupted_watch_finishes_what_runs_and_says_so(origin, here, capsys, ctrl_c):
    origin.script("/slow", Wait(0.3), reply(200, [], FEED))
    write_config(here, {"slow": origin.url("/slow"), "late": origin.url("/feed")})
    thread = when(lambda: origin.requests, interrupt)
    assert feedmirror("run", "--watch", "--threads", "1", "--log-format", "text") == 0
    thread.join()
    stopping, done, run = capsys.readouterr().err.splitlines()
    assert "stopping; finishing slow (Ctrl-C again: stop at once)" in stopping
    assert "slow changed: 2 new" in done
    assert "1 feed: 1 changed (2 new entries), 1 not started" in run
    assert (here / "mirror/public/slow/rss.xml").exists()
    assert len(origin.requests) == 1


def test_interrupted_run_finishes_what_runs_and_ends_as_interrupted(origin, here, capsys, ctrl_c):
    origin.script("/slow", Wait(0.3), reply(200, [], FEED))
    write_config(here, {"slow": origin.url("/slow"), "late": origin.url("/feed")})
    thread = when(lambda: origin.requests, interrupt)
    assert feedmirror("run", "--threads", "1", "--json") == 130
    thread.join()
    document = json.loads(capsys.readouterr().out)
    assert [feed["feed"] for feed in document["feeds"]] == ["slow"]
    assert document["totals"]["skipped"] == 1


def test_run_that_was_started_with_sigint_ignored_goes_on(origin, here, capsys, ctrl_c):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does for `feedmirror run &`
    origin.script("/slow", Wait(0.3), reply(200, [], FEED))
    write_config(here, {"slow": origin.url("/slow"), "late": origin.url("/feed")})
    thread = when(lambda: origin.requests, lambda: os.kill(os.getpid(), signal.SIGINT))
    assert feedmirror("run", "--threads", "1", "--json") == 0
    thread.join()
    document = json.loads(capsys.readouterr().out)
    assert [feed["feed"] for feed in document["feeds"]] == ["slow", "late"]


def test_signal_handlers_are_restored(origin, here):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    feedmirror("run", origin.url("/feed"))
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


@pytest.mark.slow
def test_sigterm_ends_a_watch_in_a_process_of_its_own(origin, here):
    origin.script("/slow", Wait(0.3), reply(200, [], FEED))
    write_config(here, {"x": origin.url("/slow")})
    with spawn("run", "--watch", cwd=here) as process:
        when(lambda: origin.requests, process.terminate).join()
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "")
    assert [event["message"] for event in events(err)] == [
        "run stopping",
        "feed refreshed",
        "run finished",
    ]
