"""What `feedmirror serve` shows to people: pages, and the way from a feed to its page."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from addresses import CASES, ENTRY, FEEDS, KEYS, NAVIGATION, PAGE, STRAYING
from feedmirror.entrypoints.web.server import CONTENT_SECURITY_POLICY, takes_html
from feedmirror.publishing.formats import formats
from served import Reply, Site, publish, put
from template_files import only, source_templates


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A server with all that a mirror may have; each document says its key."""
    for key in KEYS:
        put(tmp_path, key)
    with Site(tmp_path) as site:
        yield site


def open_in_browser(site: Site, path: str) -> Reply:
    return site.ask(path, **NAVIGATION)


# ---------------------------------------------------------------- addresses


def test_each_address_has_what_the_table_says(site: Site) -> None:
    wrong = []
    for case in CASES:
        reply = site.ask(case.address, **case.headers)
        key = reply.body.decode() if reply.status == 200 else None
        if (reply.status, key, reply.headers["Location"]) != (case.status, case.key, case.location):
            wrong.append((str(case), reply.status, key, reply.headers["Location"]))

    assert wrong == []


def test_redirect_never_leads_to_another_host(site: Site) -> None:
    sent = {address: open_in_browser(site, address).headers["Location"] for address in STRAYING}
    there = [location for location in sent.values() if location is not None]
    assert all(re.match("/[a-z0-9-]+/", location) for location in there), sent


def test_table_has_every_format() -> None:
    assert {made.name for made in formats() if made.is_feed} == set(FEEDS)


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/news/", "text/html; charset=utf-8"),
        (f"/news/archive/{PAGE}/", "text/html; charset=utf-8"),
        (f"/news/entries/{ENTRY}.html", "text/html; charset=utf-8"),
        ("/404.html", "text/html; charset=utf-8"),
        ("/style-0a1b2c3d.css", "text/css; charset=utf-8"),
        ("/status.json", "application/json"),
        ("/news/rss.xml", "application/rss+xml; charset=utf-8"),
        (f"/news/archive/{PAGE}/atom.xml", "application/atom+xml; charset=utf-8"),
        ("/news/feed.json", "application/feed+json; charset=utf-8"),
    ],
)
def test_document_has_its_media_type(path: str, media_type: str, site: Site) -> None:
    assert site.ask(path).headers["Content-Type"] == media_type


def test_list_of_feeds_is_no_document_that_a_browser_shows(site: Site) -> None:
    assert "opml" in site.ask("/feeds.opml").headers["Content-Type"]


# ---------------------------------------------------------------- from a feed to its page


@pytest.mark.parametrize("path", ["/news/rss.xml", f"/news/archive/{PAGE}/rss.xml", "/news"])
def test_redirect_is_kept_by_no_cache(path: str, site: Site) -> None:
    reply = open_in_browser(site, path)
    assert reply.status == 302
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Content-Length"] == "0"


def test_feed_that_was_fetched_is_not_shown_to_whoever_opens_it(site: Site) -> None:
    assert "Sec-Fetch-Dest" in site.ask("/news/rss.xml").headers["Vary"]
    assert site.ask("/news/").headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("folder", ["news", f"news/archive/{PAGE}"])
def test_feed_without_a_page_is_shown_as_it_is(folder: str, site: Site, tmp_path: Path) -> None:
    (tmp_path / "public" / folder / "index.html").unlink()

    reply = open_in_browser(site, f"/{folder}/rss.xml")

    assert (reply.status, reply.body.decode()) == (200, f"public/{folder}/rss.xml")


def test_head_of_a_navigation_is_answered_as_its_get(site: Site) -> None:
    reply = site.ask("/news/rss.xml", "HEAD", **NAVIGATION)
    assert (reply.status, reply.headers["Location"]) == (302, "/news/#subscribe")


def test_query_is_left_behind(site: Site) -> None:
    reply = open_in_browser(site, "/news/rss.xml?from=mail")
    assert reply.headers["Location"] == "/news/#subscribe"


# ---------------------------------------------------------------- as behind the CDN


def test_pages_have_the_policy_that_the_cdn_sends(site: Site) -> None:
    policy = only(source_templates().cdn, "AWS::CloudFront::ResponseHeadersPolicy")
    security = policy["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    sent = security["ContentSecurityPolicy"]["ContentSecurityPolicy"]

    assert sent == CONTENT_SECURITY_POLICY
    for path in ("/", "/news/", f"/news/entries/{ENTRY}.html", "/nothing/", "/news/rss.xml"):
        headers = site.ask(path).headers
        assert headers["Content-Security-Policy"] == sent
        assert headers["Referrer-Policy"] == security["ReferrerPolicy"]["ReferrerPolicy"]
        assert headers["X-Frame-Options"] == security["FrameOptions"]["FrameOption"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Robots-Tag"] == "noindex"


def test_page_is_packed_and_asked_for_conditionally_as_a_feed_is(
    site: Site, tmp_path: Path
) -> None:
    body = b"<!doctype html>" + b"x" * 2000
    put(tmp_path, "public/news/index.html", body)

    packed = site.ask("/news/", Accept_Encoding="gzip")
    again = site.ask("/news/", If_None_Match=packed.headers["ETag"])

    assert gzip.decompress(packed.body) == body
    assert (again.status, again.body) == (304, b"")
    assert again.headers["Cache-Control"] == packed.headers["Cache-Control"]


# ---------------------------------------------------------------- what is not there


def test_browser_is_shown_the_page_for_what_is_not_there(site: Site) -> None:
    reply = open_in_browser(site, "/news/nothing.html")
    assert (reply.status, reply.body) == (404, b"public/404.html")
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "ETag" not in reply.headers
    assert reply.headers["Cache-Control"] == "public, max-age=10"
    assert reply.headers["Vary"] == "Accept"


def test_program_gets_plain_text_for_a_missing_document(site: Site) -> None:
    for accepted in ({}, {"Accept": "*/*"}, {"Accept": "application/rss+xml, text/html;q=0"}):
        reply = site.ask("/news/nothing.xml", **accepted)
        assert reply.status == 404
        assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert reply.headers["Vary"] == "Accept"
        assert b"feeds is at /" in reply.body


def test_browser_gets_plain_text_while_the_site_has_no_404_page(site: Site, tmp_path: Path) -> None:
    (tmp_path / "public/404.html").unlink()
    reply = open_in_browser(site, "/nothing/")
    assert (reply.status, reply.headers["Content-Type"]) == (404, "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        (None, False),
        ("*/*", False),
        ("text/html", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("Text/HTML ; q=0.1", True),
        ("text/html;q=0, */*", False),
        ("application/rss+xml, application/xml;q=0.9", False),
    ],
)
def test_client_accepts_html_if_it_names_html(accepted: str | None, takes: bool) -> None:
    assert takes_html(accepted) is takes


# ---------------------------------------------------------------- where the feeds are


def test_addresses_to_subscribe_to_are_those_of_the_newest_entries(site: Site) -> None:
    base = site.server.base
    assert site.server.addresses() == [f"{base}/news/{name}" for name in FEEDS]


def test_plain_list_is_shown_as_long_as_the_site_has_no_index(tmp_path: Path) -> None:
    publish(tmp_path)
    with Site(tmp_path) as site:
        reply = site.ask("/", Host="feeds.local")
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert reply.body.decode().splitlines()[1:] == ["http://feeds.local/news/rss.xml"]
