"""`feedmirror run` and `init` with the address of a page in place of a feed's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import entry, rss_document
from commands import feedmirror, spawn
from feedmirror.discovery import web_address
from feedmirror.settings.load import load_settings
from origin_server import OriginServer

FEED = rss_document([entry(1), entry(2)])
LINK = '<link rel="alternate" type="application/rss+xml" href="{}" title="{}">'
TWO = LINK.format("/news.xml", "News") + LINK.format("/sport.xml", "Sport")


@pytest.fixture
def origin() -> Iterator[OriginServer]:
    with OriginServer() as server:
        yield server


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def serve_page(origin: OriginServer, markup: str = "", path: str = "/") -> None:
    origin.serve(path, f"<!doctype html><head>{markup}</head>".encode(), content_type="text/html")


def paths(origin: OriginServer) -> list[str]:
    return [request.path for request in origin.requests]


def run(*argv: object) -> int:
    return feedmirror("run", *argv, "--log-format", "text")


def mirrored(here: Path) -> dict[str, str]:
    """The source that each mirrored feed names, by slug."""
    states = (here / "mirror/state").glob("*.json")
    return {file.stem: json.loads(file.read_bytes())["url"] for file in states}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("example.org", "https://example.org"),
        (" example.org/blog ", "https://example.org/blog"),
        ("localhost.example:8080/x?y=1", "https://localhost.example:8080/x?y=1"),
        ("http://example.org/", "http://example.org/"),
        ("HTTPS://example.org/", "HTTPS://example.org/"),
        ("feed:https://example.org/rss", "https://example.org/rss"),
        ("feed://example.org/rss", "https://example.org/rss"),
        ("feed:http://example.org/rss", "http://example.org/rss"),
        ("webcal://example.org/x", "https://example.org/x"),
        ("bücher.example", "https://bücher.example"),
        ("gazette", None),
        ("feed.xml", None),
        ("two words.example", None),
        ("user@example.org", None),
        ("", None),
    ],
)
def test_an_address_is_understood_as_people_type_it(typed: str, meant: str | None) -> None:
    assert web_address(typed) == meant


def test_the_feed_that_a_page_names_is_mirrored(origin, here, capsys):
    serve_page(origin, LINK.format("/deep/feed.xml", "The Gazette"))
    origin.serve("/deep/feed.xml", FEED)
    assert run(origin.url("/"), "--slug", "gazette") == 0
    assert mirrored(here) == {"gazette": origin.url("/deep/feed.xml")}
    assert paths(origin) == ["/", "/deep/feed.xml"]  # each once
    said = f"{origin.url('/')} names the feed {origin.url('/deep/feed.xml')} (The Gazette)"
    assert said in capsys.readouterr().err


def test_the_address_of_a_feed_costs_one_request_and_then_a_conditional_one(origin, here):
    origin.serve("/feed", FEED, etag='"1"')
    assert run(origin.url("/feed")) == 0
    assert run(origin.url("/feed")) == 0
    assert paths(origin) == ["/feed", "/feed"]
    assert origin.requests[-1].header("If-None-Match") == '"1"'


def test_the_header_names_a_feed(origin, here):
    link = '</f>; rel="alternate"; type="application/atom+xml"'
    origin.answer("/", 200, [("Content-Type", "text/html"), ("Link", link)], b"<!doctype html><p>x")
    origin.serve("/f", FEED)
    assert run(origin.url("/"), "--slug", "x") == 0
    assert mirrored(here) == {"x": origin.url("/f")}


def test_of_several_feeds_none_is_taken_unasked(origin, here, capsys):
    serve_page(origin, TWO)
    assert run(origin.url("/")) == 2
    assert not (here / "mirror").exists()
    assert paths(origin) == ["/"]
    assert f"2  {origin.url('/sport.xml')}  Sport" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "path"), [(["--first"], "/news.xml"), (["--pick", "2"], "/sport.xml")]
)
def test_of_several_feeds_one_is_picked_under_a_name_of_its_own(options, path, origin, here):
    serve_page(origin, TWO)
    origin.serve(path, FEED)
    assert run(origin.url("/"), *options) == 0
    [(slug, url)] = mirrored(here).items()
    assert url == origin.url(path)
    assert path[1:5] in slug


def test_a_number_that_no_feed_has_is_refused(origin, capsys):
    serve_page(origin, TWO)
    assert run(origin.url("/"), "--pick", "3") == 2
    assert "give 1 to 2" in capsys.readouterr().err


def test_a_page_with_500_feeds_shows_the_first_twenty(origin, capsys):
    serve_page(origin, "".join(LINK.format(f"/{number}.xml", "") for number in range(500)))
    assert run(origin.url("/")) == 2
    err = capsys.readouterr().err
    assert "/19.xml" in err
    assert "/20.xml" not in err
    assert "and 480 more" in err


def test_usual_paths_are_tried_where_a_page_names_no_feed(origin, here):
    serve_page(origin, path="/blog/")
    serve_page(origin, path="/feed")  # a page again
    origin.serve("/atom.xml", FEED)
    assert run(origin.url("/blog/"), "--slug", "x") == 0
    assert mirrored(here) == {"x": origin.url("/atom.xml")}
    assert paths(origin) == ["/blog/", "/blog/feed", "/feed", "/rss", "/atom.xml"]


@pytest.mark.parametrize("status", [429, 503])
def test_an_origin_that_wants_no_more_requests_gets_none(status, origin):
    serve_page(origin)
    origin.answer("/feed", status)
    assert run(origin.url("/")) == 1
    assert paths(origin) == ["/", "/feed"]


def test_a_page_without_a_feed_is_the_outcome_of_the_run(origin, here, capsys):
    serve_page(origin)
    assert feedmirror("run", origin.url("/"), "--json") == 1
    [outcome] = json.loads(capsys.readouterr().out)["feeds"]
    assert outcome["error_kind"] == "not_a_feed"
    assert "names no feed" in outcome["error"]
    assert not (here / "mirror/public").exists()


def test_a_page_that_names_a_page_is_refused(origin, capsys):
    serve_page(origin, LINK.format("/feeds", "Feeds"))
    serve_page(origin, path="/feeds")
    assert run(origin.url("/")) == 1
    assert "which is a web page as well" in capsys.readouterr().out
    assert paths(origin) == ["/", "/feeds"]


def test_a_feed_that_became_a_page_is_not_looked_for_elsewhere(origin, here, capsys):
    origin.serve("/feed", FEED)
    assert run(origin.url("/feed")) == 0
    serve_page(origin, LINK.format("/other.xml", ""), path="/feed")
    assert run(origin.url("/feed")) == 1
    assert "/other.xml" not in paths(origin)
    assert origin.url("/other.xml") in capsys.readouterr().out  # it is named


def test_with_due_only_the_address_itself_is_asked(origin):
    serve_page(origin, LINK.format("/feed.xml", ""))
    run(origin.url("/"), "--due", "--tick", "1d")
    assert set(paths(origin)) <= {"/"}


def test_a_page_in_the_private_network_is_as_closed_as_a_feed(origin, here):
    serve_page(origin, LINK.format("/feed", ""))
    with spawn("run", origin.url("/"), cwd=here) as process:
        out, _ = process.communicate()
    assert "--allow-private-hosts" in out
    assert origin.requests == []


def test_init_writes_the_feed_that_a_page_names(origin, here, capsys):
    serve_page(origin, LINK.format("/deep/feed.xml", ""))
    origin.serve("/deep/feed.xml", FEED)
    assert feedmirror("init", origin.url("/")) == 0
    [subscription] = load_settings(here / "feeds.toml").subscriptions
    assert subscription.url == origin.url("/deep/feed.xml")
    assert "2 entries" in capsys.readouterr().out


def test_a_secret_of_the_address_is_in_no_message(origin, capsys):
    links = LINK.format("/a?token=s3cr3tvalue", "") + LINK.format("/b", "")
    serve_page(origin, links, path="/?token=s3cr3tvalue")
    assert run(origin.url("/?token=s3cr3tvalue")) == 2
    assert "s3cr3tvalue" not in "".join(capsys.readouterr())
