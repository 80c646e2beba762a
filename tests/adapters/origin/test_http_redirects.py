"""Redirects: followed with care, remembered only where they are for good."""

from __future__ import annotations

import pytest

from feedmirror.errors import Kind
from feedmirror.model import Gone, NotModified, Validators
from fetching import (
    HOST,
    PUBLIC,
    failure,
    fetch,
    fetched,
)
from origin_server import OriginServer

BODY = b"<rss version='2.0'><channel/></rss>"


@pytest.fixture
def server():
    with OriginServer(PUBLIC) as server:
        server.serve("/there", BODY, etag='"1"')
        yield server


@pytest.fixture
def other():
    """The same host on another port, which is another origin."""
    with OriginServer(PUBLIC) as server:
        server.serve("/there", BODY)
        yield server


@pytest.mark.row("F14")
@pytest.mark.parametrize("status", [301, 308])
def test_permanent_redirect_tells_where_the_feed_has_moved(server, status):
    server.redirect("/feed", "/there", status)
    result = fetched(server.url("/feed", HOST))
    assert result.body == BODY
    assert result.url == result.moved_to == server.url("/there", HOST)


@pytest.mark.row("F14")
@pytest.mark.parametrize("status", [302, 303, 307])
def test_temporary_redirect_is_followed_but_no_move(server, status):
    server.redirect("/feed", "/there", status)
    result = fetched(server.url("/feed", HOST))
    assert result.url == server.url("/there", HOST)
    assert result.moved_to is None


@pytest.mark.row("F14")
@pytest.mark.parametrize("statuses", [(301, 302), (302, 301)])
def test_one_temporary_hop_keeps_the_whole_way_from_being_a_move(server, statuses):
    server.redirect("/feed", "/hop", statuses[0])
    server.redirect("/hop", "/there", statuses[1])
    assert fetched(server.url("/feed", HOST)).moved_to is None


def test_document_found_without_redirect_has_not_moved(server):
    assert fetched(server.url("/there", HOST)).moved_to is None


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("there", "/a/there"),
        ("../there", "/there"),
        ("/there", "/there"),
        ("?x=1", "/a/feed?x=1"),
        ("/there#part", "/there"),
        ("/a b", "/a%20b"),
        ("  /there\t", "/there"),
        ("/ле".encode().decode("latin-1"), "/%D0%BB%D0%B5"),
        ("/\xe9", "/%C3%A9"),
        (f"//{HOST}:PORT/there", "/there"),
        ("HTTP://FEEDS.Example:PORT/x/./../there", "/there"),
    ],
)
def test_location_is_resolved_against_the_address_that_sent_it(server, location, path):
    server.redirect("/a/feed", location.replace("PORT", str(server.port)))
    server.serve(path, BODY)
    result = fetched(server.url("/a/feed", HOST))
    assert result.url == server.url(path, HOST)
    assert server.requests[-1].path == path


@pytest.mark.row("F4")
def test_five_redirects_are_followed_and_a_sixth_is_not(server):
    for hop in range(6):
        server.redirect(f"/{hop}", f"/{hop + 1}")
    server.serve("/6", BODY)
    assert fetched(server.url("/1", HOST)).body == BODY
    error = failure(server.url("/0", HOST))
    assert error.kind is Kind.REDIRECT
    assert "more than 5 times" in str(error)
    assert len(server.requests) == 6 + 6


@pytest.mark.row("F4")
@pytest.mark.parametrize("path", ["/feed", "/hop"])
def test_redirect_loop_is_an_error(server, path):
    server.redirect("/feed", "/hop")
    server.redirect("/hop", path)
    error = failure(server.url("/feed", HOST))
    assert error.kind is Kind.REDIRECT
    assert "in a loop" in str(error)
    assert len(server.requests) == 2


@pytest.mark.row("F4")
@pytest.mark.parametrize(
    "headers", [[], [("Location", "")], [("Location", "/a"), ("Location", "/b")]]
)
def test_redirect_without_one_target_is_an_error(server, headers):
    server.answer("/feed", 301, headers)
    error = failure(server.url("/feed", HOST))
    assert (error.kind, error.status) == (Kind.REDIRECT, 301)


def test_every_address_on_the_way_is_asked_with_its_own_validators(server):
    server.redirect("/feed", "/there")
    start, end = server.url("/feed", HOST), server.url("/there", HOST)
    known = {start: Validators('"start"'), end: Validators('"1"')}
    assert fetch(start, known) == NotModified(end, Validators('"1"'))
    assert [r.header("If-None-Match") for r in server.requests] == ['"start"', '"1"']


def test_gone_behind_a_redirect_names_the_address_that_is_gone(server):
    server.redirect("/feed", "/away")
    server.answer("/away", 410)
    assert fetch(server.url("/feed", HOST)) == Gone(server.url("/away", HOST))


@pytest.mark.row("F10")
def test_configured_headers_stay_with_their_own_origin(server, other):
    server.redirect("/feed", "/hop")
    server.redirect("/hop", other.url("/there", HOST))
    headers = {"Authorization": "Bearer s3cret"}
    assert fetched(server.url("/feed", HOST), headers=headers).body == BODY
    assert [r.header("Authorization") for r in server.requests] == ["Bearer s3cret"] * 2
    assert b"s3cret" not in other.requests[0].raw


@pytest.mark.row("F10")
def test_cookies_are_never_kept(server):
    server.answer("/feed", 302, [("Location", "/there"), ("Set-Cookie", "a=b")])
    fetched(server.url("/feed", HOST))
    assert server.requests[1].header("Cookie") is None
    assert server.requests[1].header("Referer") is None
