"""The commands that edit feeds.toml: add, remove, set, list, import, export."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import entry, rss_document
from commands import feedmirror
from feedmirror.entrypoints.cli import config_file
from feedmirror.settings.load import load_settings
from origin_server import OriginServer

FEED = rss_document([entry(1), entry(2)])
COMMENT = "# Written by hand.\n"


@pytest.fixture
def origin() -> Iterator[OriginServer]:
    with OriginServer() as server:
        server.serve("/feed", FEED)
        server.serve("/other", FEED)
        yield server


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def config(here: Path) -> Path:
    file = here / "feeds.toml"
    file.write_text(COMMENT + '[feeds.first]\nurl = "https://first.example/"\n')
    return file


def feeds(file: Path) -> dict[str, str]:
    return {each.slug: each.url for each in load_settings(file).subscriptions}


# ---------------------------------------------------------------- add


def test_a_feed_is_added_and_its_public_addresses_are_shown(origin, config, capsys):
    config.chmod(0o640)
    assert feedmirror("add", origin.url("/feed"), "--slug", "second") == 0
    assert feeds(config)["second"] == origin.url("/feed")
    assert config.read_text().startswith(COMMENT)
    assert config.stat().st_mode & 0o777 == 0o640
    out = capsys.readouterr().out
    assert "Added second to feeds.toml: The Harbour Gazette, RSS 2.0, 2 entries" in out
    assert "http://127.0.0.1:8000/second/rss.xml" in out
    assert [path.name for path in config.parent.iterdir()] == ["feeds.toml"]


def test_the_first_feed_makes_the_file_with_its_comments(origin, here):
    assert feedmirror("add", origin.url("/feed"), origin.url("/other")) == 0
    assert "# Where readers find the public files" in (here / "feeds.toml").read_text()
    assert set(feeds(here / "feeds.toml").values()) == {origin.url("/feed"), origin.url("/other")}


def test_a_feed_that_is_there_already_is_not_fetched(origin, config, capsys):
    feedmirror("add", origin.url("/feed"), "--slug", "second")
    requests, before = len(origin.requests), config.read_bytes()
    assert feedmirror("add", origin.url("/feed")) == 0
    assert (len(origin.requests), config.read_bytes()) == (requests, before)
    assert "second (" in capsys.readouterr().out


def test_of_several_feeds_the_good_ones_are_added(origin, config, capsys):
    assert feedmirror("add", origin.url("/missing"), origin.url("/feed")) == 1
    assert origin.url("/feed") in feeds(config).values()
    assert len(feeds(config)) == 2
    assert "HTTP 404" in capsys.readouterr().err


def test_a_name_that_is_taken_is_numbered_or_refused(origin, config, capsys):
    page = '<!doctype html><link rel=alternate type="application/rss+xml" href="/other">'
    origin.serve("/", page.encode(), content_type="text/html")
    origin.serve("/more", FEED)
    feedmirror("add", origin.url("/feed"))
    feedmirror("add", origin.url("/"))
    host = origin.url("").partition("://")[2].replace(".", "-").replace(":", "-")
    assert [*feeds(config)] == ["first", host, f"{host}-2"]
    assert feedmirror("add", origin.url("/more"), "--slug", "first") == 2
    assert "first is the name of another feed" in capsys.readouterr().err


def test_what_is_no_feed_is_not_added(origin, config):
    origin.serve("/words", b"words")
    before = config.read_bytes()
    assert feedmirror("add", origin.url("/words")) == 1
    assert config.read_bytes() == before


def test_a_file_that_is_not_valid_is_left_alone(origin, config, capsys):
    config.write_text(config.read_text() + "kep = 3\n")
    before = config.read_bytes()
    assert feedmirror("add", origin.url("/feed")) == 2
    assert config.read_bytes() == before
    err = capsys.readouterr().err
    assert "feeds.toml:4" in err
    assert "was left as it was" in err


def test_two_who_add_at_once_both_succeed(config, monkeypatch):
    read, passed = config_file.read_text, threading.Event()

    def interrupted(path: Path) -> str:
        text = read(path)
        if not passed.is_set():
            passed.set()
            config.write_text(text + '[feeds.theirs]\nurl = "https://theirs.example/"\n')
        return text

    monkeypatch.setattr(config_file, "read_text", interrupted)
    assert feedmirror("set", "first", "keep=30") == 0
    [first, theirs] = load_settings(config).subscriptions
    assert (first.keep, theirs.slug) == (30, "theirs")


def test_a_symbolic_link_stays_one(origin, here, config):
    config.rename(here / "real.toml")
    config.symlink_to("real.toml")
    assert feedmirror("add", origin.url("/feed"), "--slug", "second") == 0
    assert config.is_symlink()
    assert "second" in feeds(here / "real.toml")


# ---------------------------------------------------------------- set, remove, list


def test_settings_are_changed_with_their_types(config, capsys):
    assert feedmirror("set", "first", "keep=30", "every=1h", "title=2024") == 0
    [feed] = load_settings(config).subscriptions
    assert (feed.keep, feed.every_s, feed.title) == (30, 3600, "2024")
    assert feedmirror("set", "first", "title=") == 0
    assert load_settings(config).subscriptions[0].title is None
    assert config.read_text().startswith(COMMENT)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["set", "first", "keep=many"], "feeds.first.keep"),
        (["set", "frist", "keep=3"], "did you mean 'first'?"),
        (["set", "first", "keep"], "not KEY=VALUE"),
        (["remove", "nothing"], "`feedmirror list`"),
        (["add", "http://127.0.0.1:9/", "http://127.0.0.1:9/b", "--slug", "x"], "name of one feed"),
        (["add", "words"], "url: does not begin with https://"),
    ],
)
def test_wrong_usage_is_refused_and_changes_nothing(argv, said, config, capsys):
    before = config.read_bytes()
    assert feedmirror(*argv) == 2
    assert said in capsys.readouterr().err
    assert config.read_bytes() == before


def test_a_removed_feed_is_retired(config, capsys):
    assert feedmirror("remove", "first") == 0
    assert load_settings(config).subscriptions[0].retired
    assert "set first retired=false" in capsys.readouterr().out
    assert feedmirror("list") == 0
    assert "retired" in capsys.readouterr().out


def test_the_list_hides_secrets(config, capsys):
    feedmirror("set", "first", "url=https://first.example/?token=abcdefgh1234")
    capsys.readouterr()
    assert feedmirror("list", "--json") == 0
    [feed] = json.loads(capsys.readouterr().out)["feeds"]
    assert feed["slug"] == "first"
    assert "abcdefgh1234" not in feed["url"]


@pytest.mark.parametrize("command", ["set first keep=3", "remove first", "list", "export"])
def test_a_missing_file_is_said(command, here, capsys):
    assert feedmirror(*command.split()) == 2
    assert "there is no feeds.toml" in capsys.readouterr().err


# ---------------------------------------------------------------- import, export

LIST = """<opml version="2.0"><body><outline text="Group">
<outline type="rss" text="The Harbour Gazette" xmlUrl="https://gazette.example/feed"/>
<outline type="rss" text="The Harbour Gazette" xmlUrl="feed://other.example/rss"/>
<outline type="rss" text="Ours" xmlUrl="https://first.example/"/>
{}</outline></body></opml>"""


def test_a_list_is_imported_and_the_second_time_nothing_changes(here, config, capsys):
    (here / "list.opml").write_text(LIST.format(""))
    assert feedmirror("import", "list.opml") == 0
    assert feeds(config) == {
        "first": "https://first.example/",
        "the-harbour-gazette": "https://gazette.example/feed",
        "the-harbour-gazette-2": "https://other.example/rss",
    }
    assert "Added 2 feeds to feeds.toml; 1 were in it already." in capsys.readouterr().out
    before = config.read_bytes()
    assert feedmirror("import", "list.opml") == 0
    assert config.read_bytes() == before


def test_a_list_is_imported_from_an_address(origin, here):
    origin.serve("/list.opml", LIST.format("").encode())
    assert feedmirror("import", origin.url("/list.opml")) == 0
    assert len(feeds(here / "feeds.toml")) == 3


def test_addresses_that_cannot_be_used_are_named_and_the_others_imported(here, config, capsys):
    odd = '<outline xmlUrl="ftp://x.example/?token=abcdefgh1234"/>'
    (here / "list.opml").write_text(LIST.format(odd))
    assert feedmirror("import", "list.opml") == 1
    assert len(feeds(config)) == 3
    err = capsys.readouterr().err
    assert "1 address of the list cannot be used" in err
    assert "ftp" in err
    assert "abcdefgh1234" not in err


@pytest.mark.parametrize("text", ["<rss/>", "<opml><body/></opml>", "words", "<opml>"])
def test_what_is_no_list_changes_nothing(text, here, config, capsys):
    before = config.read_bytes()
    (here / "list.opml").write_text(text)
    assert feedmirror("import", "list.opml") == 1
    assert config.read_bytes() == before
    assert "was left as it was" in capsys.readouterr().err


def test_a_missing_list_is_said(config, capsys):
    assert feedmirror("import", "./nothing.opml") == 1
    assert "cannot be read" in capsys.readouterr().err


def test_what_is_exported_can_be_imported(here, config, capsys):
    config.write_text(config.read_text() + '[feeds.b]\nurl = "https://b.example/?x=1&y=2"\n')
    capsys.readouterr()
    assert feedmirror("export") == 0
    (here / "list.opml").write_text(capsys.readouterr().out)
    assert feedmirror("import", "list.opml", "--config", "other.toml") == 0
    assert feeds(here / "other.toml") == feeds(config)


def test_addresses_with_secrets_are_exported_only_when_asked_for(config, capsys):
    config.write_text(COMMENT + '[feeds.a]\nurl = "https://a.example/?token=abcdefgh1234"\n')
    assert feedmirror("export") == 0
    shown = capsys.readouterr()
    assert "abcdefgh1234" not in shown.out + shown.err
    assert "1 feed left out" in shown.err
    assert feedmirror("export", "--with-secrets") == 0
    assert "abcdefgh1234" in capsys.readouterr().out
