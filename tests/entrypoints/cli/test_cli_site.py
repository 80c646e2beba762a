"""The site's own documents, as the command leaves them where no function looks after them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from builders import entry, rss_document
from commands import feedmirror, write_config
from feedmirror.adapters.stores.directory import DirectoryStore
from feedmirror.entrypoints.cli import run as running
from feedmirror.entrypoints.cli.selection import Selection
from feedmirror.errors import StoreError
from feedmirror.ports import World
from origin_server import OriginServer
from page_reading import says_retired
from recorder import Recorder
from scene import PUBLIC_URL, SUBSCRIPTION, RememberingParser, StagedOrigin, newest
from stores import MemoryStore

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def origin() -> Iterator[OriginServer]:
    with OriginServer() as server:
        server.serve("/feed", rss_document([entry(1), entry(2)]), etag='"1"')
        yield server


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def status(here: Path) -> dict[str, dict]:
    found = json.loads((here / "mirror/public/status.json").read_bytes())
    return {feed["feed"]: feed for feed in found["feeds"]}


def run(*words: str, at: datetime = NOON) -> int:
    return feedmirror("run", "--quiet", *words, clock=lambda: at)


def test_run_ends_with_documents_that_tell_of_it(origin, here):
    write_config(here, {"one": origin.url("/feed"), "two": origin.url("/missing")})
    assert run() == 1
    assert status(here)["one"]["last_new_entry"] == "2026-11-23T12:00:00Z"
    assert status(here)["two"]["failing"] == "gone"
    public = here / "mirror/public"
    assert (public / "404.html").read_text().startswith("<!doctype html>")
    assert f'xmlUrl="{status(here)["one"]["documents"]["rss.xml"]}"' in (
        public / "feeds.opml"
    ).read_text("utf-8")
    assert "one" in (public / "index.html").read_text("utf-8")
    assert len(list(public.glob("style-*.css"))) == 1


@pytest.mark.row("S7")
@pytest.mark.parametrize("how", ["damaged", "nested", "missing", "folder", "pipe"])
def test_feed_whose_state_is_damaged_stops_neither_the_others_nor_the_site(
    origin, here, capsys, how
):
    write_config(here, {"one": origin.url("/feed"), "two": origin.url("/feed")})
    run()
    before = status(here)["one"]
    state = here / "mirror/state/one.json"
    state.unlink()
    if how == "damaged":
        state.write_bytes(b'{"schema": 1e999999}')
    elif how == "nested":
        state.write_bytes(b"[" * 100_000)
    elif how == "folder":
        state.mkdir()
    elif how == "pipe":
        os.mkfifo(state)
    origin.serve("/feed", rss_document([entry(3), entry(2)]), etag='"2"')
    later = NOON + timedelta(hours=1)
    assert feedmirror("run", "--json", clock=lambda: later) == 1
    out, err = capsys.readouterr()
    one, two = json.loads(out)["feeds"]
    assert (one["outcome"], one["error_kind"]) == ("failed", "store")
    assert "state/one.json" in one["error"]
    assert (two["outcome"], two["new"]) == ("changed", 1)
    assert "Traceback" not in err
    assert status(here)["one"]["failing"] == "internal"
    assert status(here)["one"]["documents"] == before["documents"]
    assert status(here)["two"]["last_new_entry"] == "2026-11-23T13:00:00Z"
    assert "/one/rss.xml" in (here / "mirror/public/feeds.opml").read_text("utf-8")
    assert feedmirror("status", "--json", clock=lambda: later) == 1
    told = {feed["feed"]: feed for feed in json.loads(capsys.readouterr().out)["feeds"]}
    assert told["one"]["status"] in {"unreadable", "state missing"}
    assert "state/one.json" in told["one"]["error"]
    assert told["two"]["status"] == "ok"


def test_recovered_feed_is_logged_though_nothing_is_new(origin, here):
    write_config(here, {"one": origin.url("/feed")})
    run()
    origin.answer("/feed", 503)
    run(at=NOON + timedelta(hours=1))
    assert status(here)["one"]["failing"] == "unreachable"
    origin.serve("/feed", rss_document([entry(1), entry(2)]), etag='"1"')
    run(at=NOON + timedelta(hours=2))
    assert status(here)["one"]["failing"] is None


def test_run_that_finds_nothing_new_reads_one_object_more(origin, here, monkeypatch):
    feeds = {"one": origin.url("/feed"), "two": origin.url("/feed")}
    write_config(here, feeds, top=f'public_url = "{PUBLIC_URL}"')
    run()
    loads: list[str] = []
    load = DirectoryStore.load

    def counting(self: DirectoryStore, key: str) -> object:
        loads.append(key)
        return load(self, key)

    monkeypatch.setattr(DirectoryStore, "load", counting)
    run(at=NOON + timedelta(hours=5))
    assert sorted(loads) == [
        "public/status.json",
        "state/one.json",
        "state/two.json",
    ]


def files(here: Path) -> dict[str, tuple[int, bytes]]:
    """What is in the store, with what changes if a file is written again."""
    paths = (path for path in (here / "mirror").rglob("*") if path.is_file())
    return {
        str(path.relative_to(here)): (path.stat().st_mtime_ns, path.read_bytes()) for path in paths
    }


def page(here: Path, slug: str) -> str:
    return (here / f"mirror/public/{slug}/index.html").read_text("utf-8")


def test_feed_is_retired_by_a_line_and_mirrored_again_without_it(origin, here, capsys):
    write_config(here, {"one": origin.url("/feed")})
    run()
    write_config(here, {"one": origin.url("/feed")}, each="retired = true")
    origin.requests.clear()
    assert feedmirror("run", "--json", "--feed", "one", clock=lambda: NOON) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["feeds"][0]["outcome"], told["totals"]["retired"]) == ("retired", 1)
    assert "`retired = true`" in told["feeds"][0]["note"]
    assert origin.requests == []
    assert says_retired(page(here, "one"))
    assert status(here)["one"]["retired"]
    assert 'id="retired"' in (here / "mirror/public/index.html").read_text("utf-8")
    assert 'text="Retired"' in (here / "mirror/public/feeds.opml").read_text("utf-8")
    write_config(here, {"one": origin.url("/feed")}, each="retired = false")
    run(at=NOON + timedelta(hours=1))
    assert len(origin.requests) == 1
    assert not says_retired(page(here, "one"))
    assert not status(here)["one"]["retired"]
    assert 'text="Retired"' not in (here / "mirror/public/feeds.opml").read_text("utf-8")


def test_cron_job_has_the_page_of_a_retired_feed_say_so_at_once(origin, here):
    write_config(here, {"one": origin.url("/feed")})
    run()
    (here / "feeds.toml").write_text("[feeds.one]\nretired = true\n")
    run("--due", at=NOON + timedelta(minutes=1))
    assert says_retired(page(here, "one"))
    before = files(here)
    run("--due", at=NOON + timedelta(minutes=2))
    assert files(here) == before


def test_watch_of_retired_feeds_alone_ends(origin, here):
    write_config(here, {"one": origin.url("/feed")})
    run()
    (here / "feeds.toml").write_text("[feeds.one]\nretired = true\n")
    assert run("--watch") == 0
    assert says_retired(page(here, "one"))


def test_feeds_of_another_file_and_of_the_command_line_retire_nothing(origin, here):
    write_config(here, {"one": origin.url("/feed")}, each='title = "First"')
    run()
    write_config(here, {"two": origin.url("/feed")})
    run()
    run(origin.url("/feed"), "--slug", "three", "--allow-private-hosts")
    found = {slug: (feed["title"], feed["retired"]) for slug, feed in status(here).items()}
    title = found["two"][0]
    assert found == {"one": ("First", False), "three": (title, False), "two": (title, False)}
    assert not any(says_retired(page(here, slug)) for slug in found)


def test_files_that_take_turns_on_a_store_write_nothing_in_the_end(origin, here):
    for name, feeds, each in (
        ("a", {"one": origin.url("/feed"), "gone": origin.url("/missing")}, 'title = "First"'),
        ("b", {"two": origin.url("/feed"), "also-gone": origin.url("/nothing")}, ""),
        ("c", {"three": origin.url("/feed")}, ""),
    ):
        (here / name).mkdir()
        write_config(here / name, feeds, each=each)
        run("--config", f"{name}/feeds.toml")
    write_config(here / "c", {"three": origin.url("/feed")}, each="retired = true")
    run("--config", "c/feeds.toml")
    before = files(here)
    for name in "abcba":
        run("--config", f"{name}/feeds.toml")
    assert files(here) == before


def test_run_without_a_public_url_uses_the_published_one(origin, here):
    write_config(here, {"one": origin.url("/feed")}, top=f'public_url = "{PUBLIC_URL}"')
    run()
    run(origin.url("/feed"), "--slug", "two", "--allow-private-hosts")
    assert status(here)["two"]["page"] == f"{PUBLIC_URL}/two/"
    assert f"{PUBLIC_URL}/two/rss.xml" in (here / "mirror/public/two/rss.xml").read_text("utf-8")
    before = files(here)
    run()
    assert files(here) == before
    elsewhere = "https://elsewhere.example.net"
    run("--public-url", elsewhere)
    assert f"{elsewhere}/feeds.opml" in (here / "mirror/public/index.html").read_text("utf-8")


def test_unwritable_documents_are_an_error_and_nothing_else(origin, here, capsys, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise StoreError("list 'data/*': denied")

    monkeypatch.setattr(running, "publish_site", refuse)
    write_config(here, {"one": origin.url("/feed")})
    assert feedmirror("run") == 1
    out, err = capsys.readouterr()
    assert "1 changed" in out
    assert "list 'data/*': denied" in err
    assert (here / "mirror/public/one/rss.xml").exists()


def test_watch_updates_the_site_once_an_hour(origin, here):
    minutes = iter(range(0, 24 * 60, 10))
    updates: list[datetime] = []
    now = NOON

    class Recording(running.SiteUpdater):
        def update(self) -> None:
            updates.append(now)

    def clock() -> datetime:
        return now

    world = World(MemoryStore(), StagedOrigin({}), RememberingParser(), clock, PUBLIC_URL, newest)
    selection = Selection((SUBSCRIPTION,), PUBLIC_URL, NOON, world.origin)
    updater = Recording(world, selection, 1, Recorder(), lambda _lines: None)
    for minute in minutes:
        now = NOON + timedelta(minutes=minute)
        updater.update_hourly()
    assert updates == [NOON + timedelta(hours=hour) for hour in range(1, 24)]
