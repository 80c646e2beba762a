"""`feedmirror init`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import entry, json_feed, rss_document
from commands import feedmirror
from feedmirror.entrypoints.cli.init import feeds_toml
from feedmirror.settings.load import load_settings, parse_settings, subscription_for
from origin_server import OriginServer

FEED = rss_document([entry(1), entry(2)])


@pytest.fixture
def origin() -> Iterator[OriginServer]:
    with OriginServer() as server:
        server.serve("/feed", FEED)
        yield server


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_feed_is_described_and_configured(origin, here, capsys):
    assert feedmirror("init", origin.url("/feed"), "--slug", "gazette") == 0
    out = capsys.readouterr().out
    assert "The Harbour Gazette\n  RSS 2.0, 2 entries, the newest of 2026-01-05 11:00 UTC" in out
    assert "feedmirror run" in out
    [subscription] = load_settings(here / "feeds.toml").subscriptions
    assert (subscription.slug, subscription.url) == ("gazette", origin.url("/feed"))
    assert "# every =" in (here / "feeds.toml").read_text()


def test_file_written_by_init_can_be_used_by_run(origin, here):
    feedmirror("init", origin.url("/feed"), "--slug", "x", "--config", "mine.toml")
    assert feedmirror("run", "--config", "mine.toml") == 0
    assert (here / "mirror/public/x/rss.xml").exists()


def test_permission_for_private_hosts_is_written_down(origin, here):
    feedmirror("init", origin.url("/feed"), "--allow-private-hosts")
    [subscription] = load_settings(here / "feeds.toml").subscriptions
    assert subscription.allow_private_hosts


@given(st.text("abcXYZ019-._~:/?[]@!$&'()*+,;=", max_size=40), st.booleans())
def test_written_file_gives_back_the_feed_with_every_default(path: str, private: bool) -> None:
    feed = subscription_for(f"https://news.example.org/{path}", allow_private_hosts=private)
    assert parse_settings(feeds_toml(feed)).subscriptions == (feed,)


def test_commented_keys_of_the_written_file_can_be_uncommented() -> None:
    feed = subscription_for("https://news.example.org/rss", slug="mine")
    [read] = parse_settings(re.sub(r"(?m)^# (?=\w+ = )", "", feeds_toml(feed))).subscriptions
    assert (read.keep, read.every_s) == (feed.keep, feed.every_s)
    assert read.contact == "mailto:you@example.org"


def test_existing_file_is_left_alone(origin, here, capsys):
    (here / "feeds.toml").write_text("mine")
    assert feedmirror("init", origin.url("/feed")) == 2
    assert (here / "feeds.toml").read_text() == "mine"
    assert "--config FILE" in capsys.readouterr().err
    assert origin.requests == []


def test_dangling_link_is_left_alone(origin, here):
    (here / "feeds.toml").symlink_to("elsewhere.toml")
    assert feedmirror("init", origin.url("/feed")) == 2
    assert not (here / "elsewhere.toml").exists()


def test_missing_folder_is_reported(origin, here, capsys):
    assert feedmirror("init", origin.url("/feed"), "--config", "nowhere/feeds.toml") == 2
    assert "cannot be written: No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize(("status", "said"), [(404, "HTTP 404"), (410, "permanently gone")])
def test_failed_fetch_writes_nothing(status, said, origin, here, capsys):
    origin.answer("/gone", status)
    assert feedmirror("init", origin.url("/gone")) == 1
    assert said in capsys.readouterr().err
    assert not (here / "feeds.toml").exists()


def test_page_with_several_feeds_says_which(origin, here, capsys):
    page = b"""<!doctype html><head><link rel=stylesheet href=/style.css>
      <link rel="alternate" type="application/rss+xml" title="Feed" href="/feed?a=1&amp;b=2">
      <LINK HREF='https://other.example/atom' TYPE='application/atom+xml' REL='alternate'>
      <link rel="alternate" hreflang="de" href="/de"></head>"""
    origin.serve("/", page, content_type="text/html")
    assert feedmirror("init", origin.url("/")) == 2
    err = capsys.readouterr().err
    assert f"1  {origin.url('/feed?a=1&b=2')}  Feed\n   2  https://other.example/atom\n" in err
    assert f"feedmirror init {origin.url('/')} --pick 1" in err
    assert not (here / "feeds.toml").exists()


def test_feed_that_has_moved_for_good_is_configured_where_it_is_now(origin, here, capsys):
    origin.redirect("/old", "/feed", 301)
    assert feedmirror("init", origin.url("/old")) == 0
    [subscription] = load_settings(here / "feeds.toml").subscriptions
    assert subscription.url == origin.url("/feed")
    assert f"moved for good to {origin.url('/feed')}" in capsys.readouterr().out


def test_feed_behind_a_temporary_redirect_is_configured_as_asked(origin, here):
    origin.redirect("/old", "/feed", 302)
    feedmirror("init", origin.url("/old"))
    [subscription] = load_settings(here / "feeds.toml").subscriptions
    assert subscription.url == origin.url("/old")


def test_title_cannot_command_the_terminal(origin, capsys):
    origin.serve("/feed", json_feed([entry(1)], title="a\u202eb\u009b2Jc"))
    assert feedmirror("init", origin.url("/feed")) == 0
    title = capsys.readouterr().out.splitlines()[0]
    assert title.isprintable()


@pytest.mark.parametrize("url", ["feed.xml", "ftp://a.example/feed", "https://u:p@a.example/"])
def test_address_that_cannot_be_configured_is_refused(url, here, capsys):
    assert feedmirror("init", url) == 2
    assert "url: " in capsys.readouterr().err
    assert not (here / "feeds.toml").exists()


def test_address_of_the_readers_is_printed_and_no_secret(origin, here, capsys):
    token = "q7Zk31pX"
    feed = rss_document([entry(1)], title=f"For {token}")
    origin.serve(f"/feed?token={token}", feed)
    origin.redirect(f"/old?token={token}", f"/feed?token={token}", 301)
    assert feedmirror("init", origin.url(f"/old?token={token}")) == 0
    out, err = capsys.readouterr()
    assert token not in out + err
    assert f"Readers see {origin.url('/feed')} as its source" in out
    [subscription] = load_settings(here / "feeds.toml").subscriptions
    assert subscription.url == origin.url(f"/feed?token={token}")


def test_failed_fetch_says_nothing_secret(origin, capsys):
    path = "/private/5f0c2ab91e7d4c3f8a6b05/rss?token=q7Zk31pX"
    origin.redirect(path, f"/gone{path}", 302)
    assert feedmirror("init", origin.url(path)) == 1
    err = capsys.readouterr().err
    assert "HTTP 404" in err
    assert "5f0c2ab9" not in err
    assert "q7Zk" not in err
