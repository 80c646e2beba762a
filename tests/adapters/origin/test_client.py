"""HTTP client: conditional requests, validators, statuses, Retry-After."""

from __future__ import annotations

import gc
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effort import amount
from feedmirror import __version__
from feedmirror.adapters.origin.headers import request_headers
from feedmirror.adapters.origin.target import parse_target
from feedmirror.errors import FetchError, Group, Kind
from feedmirror.model import Fetched, Gone, NotModified, Validators
from feedmirror.ports import Origin
from feedmirror.settings.load import subscription_for
from fetching import HOST, NOW, PUBLIC, failure, fetch, fetched, make_origin, subscription
from origin_server import OriginServer

BODY = b"<rss version='2.0'><channel/></rss>"
ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, "
    "application/rdf+xml;q=0.9, application/xml;q=0.8, text/xml;q=0.8, "
    "application/json;q=0.7, */*;q=0.1"
)
VALUE = st.from_regex(r"[!-~]([ -~\t]{0,20}[!-~])?", fullmatch=True)
DATE = "Sun, 23 Nov 2025 12:00:00 GMT"


@pytest.fixture
def server():
    with OriginServer(PUBLIC) as server:
        yield server


def test_document_comes_with_its_media_type_and_validators(server):
    server.serve(
        "/feed",
        BODY,
        etag='W/"abc"',
        last_modified=DATE,
        content_type="application/atom+xml; charset=utf-8",
        headers=[("Cache-Control", "public, max-age=600")],
    )
    url = server.url("/feed", HOST)
    assert fetch(url) == Fetched(
        url=url,
        body=BODY,
        content_type="application/atom+xml; charset=utf-8",
        validators=Validators('W/"abc"', DATE),
        max_age_s=600,
    )


def test_age_in_caches_is_subtracted_from_max_age(server):
    headers = [("Cache-Control", "max-age=3600"), ("Age", "1000"), ("Age", "3599")]
    server.serve("/feed", BODY, headers=headers)
    assert fetched(server.url("/feed", HOST)).max_age_s == 2600


def test_request_holds_these_headers_and_no_others(server):
    server.serve("/feed?a=b", BODY)
    fetch(server.url("/feed?a=b", HOST), contact="mailto:me@mirror.example")
    request = server.requests[0]
    assert request.raw.startswith(b"GET /feed?a=b HTTP/1.1\r\n")
    assert request.headers == (
        ("Host", f"{HOST}:{server.port}"),
        ("User-Agent", f"feedmirror/{__version__} (+mailto:me@mirror.example)"),
        ("Accept", ACCEPT),
        ("Accept-Encoding", "gzip"),
        ("Connection", "close"),
    )


def test_user_agent_without_a_contact_still_says_what_it_is(server):
    server.serve("/feed", BODY)
    fetch(server.url("/feed", HOST))
    assert server.requests[0].header("User-Agent") == f"feedmirror/{__version__} (feed mirror)"


def test_contact_cannot_break_out_of_the_user_agent(server):
    server.serve("/feed", BODY)
    fetch(server.url("/feed", HOST), contact="https://зеркало.example/?a=(b)\r\nX: y")
    agent = server.requests[0].header("User-Agent")
    assert agent.endswith("/?a=%28b%29%0D%0AX:%20y)")
    assert agent.isascii()


def test_second_request_carries_the_validators_verbatim_and_yields_not_modified(server):
    server.serve("/feed", BODY, etag='"caf\xe9 -gzip"', last_modified="last Tuesday")
    url = server.url("/feed", HOST)
    known = {url: fetched(url).validators}
    assert fetch(url, known) == NotModified(url, Validators('"caf\xe9 -gzip"', "last Tuesday"))
    assert b'\r\nIf-None-Match: "caf\xe9 -gzip"\r\n' in server.requests[1].raw
    assert b"\r\nIf-Modified-Since: last Tuesday\r\n" in server.requests[1].raw


def test_document_that_changed_between_polls_is_fetched_anew(server):
    url = server.url("/feed", HOST)
    server.serve("/feed", BODY, etag='"1"')
    known = {url: fetched(url).validators}
    server.serve("/feed", BODY + b"\n", etag='"2"')
    assert fetch(url, known).body == BODY + b"\n"


def test_validators_of_one_address_are_not_sent_to_another(server):
    server.serve("/other", BODY, etag='"1"')
    assert fetch(server.url("/other", HOST), {server.url("/feed", HOST): Validators('"1"')}).body
    assert server.requests[0].header("If-None-Match") is None


def test_not_modified_hands_on_only_what_the_304_itself_carried(server):
    server.answer("/feed", 304, [("Cache-Control", "max-age=60")])
    url = server.url("/feed", HOST)
    assert fetch(url, {url: Validators('"1"', DATE)}) == NotModified(url, Validators())


@pytest.mark.row("F11")
def test_unasked_not_modified_is_an_error(server):
    server.answer("/feed", 304)
    error = failure(server.url("/feed", HOST))
    assert (error.kind, error.status) == (Kind.STATUS, 304)


@pytest.mark.row("F15")
def test_gone_is_returned_and_not_raised(server):
    server.answer("/feed", 410)
    url = server.url("/feed", HOST)
    assert fetch(url) == Gone(url)


@pytest.mark.row("F15")
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (201, Kind.STATUS),
        (204, Kind.STATUS),
        (206, Kind.STATUS),
        (300, Kind.STATUS),
        (401, Kind.FORBIDDEN),
        (403, Kind.FORBIDDEN),
        (404, Kind.MISSING),
        (407, Kind.FORBIDDEN),
        (418, Kind.STATUS),
        (429, Kind.THROTTLED),
        (451, Kind.LEGAL),
        (500, Kind.SERVER),
        (503, Kind.SERVER),
        (599, Kind.SERVER),
        (999, Kind.STATUS),
    ],
)
def test_status_is_sorted_into_the_kind_that_helps_the_operator(server, status, kind):
    server.answer("/feed", status, body=BODY)
    url = server.url("/feed", HOST)
    error = failure(url)
    assert (error.kind, error.status) == (kind, status)
    assert f"{url} answers HTTP {status}: " in str(error)


def test_a_document_that_a_proxy_changed_is_a_document(server):
    server.answer("/feed", 203, body=BODY)
    found = fetched(server.url("/feed", HOST))
    assert (found.body, found.status) == (BODY, 203)


@pytest.mark.row("F15")
@pytest.mark.parametrize(
    ("status", "header"),
    [
        (202, ("x-amzn-waf-action", "challenge")),
        (405, ("X-Amzn-Waf-Action", "captcha")),
        (403, ("cf-mitigated", "challenge")),
        (503, ("CF-Mitigated", "Challenge")),
        (200, ("cf-mitigated", "challenge")),
    ],
)
def test_challenge_of_a_firewall_is_forbidden_whatever_its_status(server, status, header):
    server.answer("/feed", status, [header], b"<html>Prove that you are human</html>")
    error = failure(server.url("/feed", HOST))
    assert (error.kind.group, error.status) == (Group.BLOCKED, status)
    assert "firewall" in str(error)


def test_forbidden_answer_of_s3_is_explained_as_a_possibly_missing_object(server):
    denied = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"
    s3, other = [("Server", "AmazonS3")], [("Server", "nginx")]
    url = server.url("/feed", HOST)
    server.answer("/feed", 403, s3, denied)
    assert failure(url).kind is Kind.FORBIDDEN
    assert "where nothing is stored" in str(failure(url))
    server.answer("/feed", 403, s3, denied.replace(b"AccessDenied", b"InvalidAccessKeyId"))
    assert "where nothing is stored" not in str(failure(url))
    server.answer("/feed", 403, other, denied)
    assert "where nothing is stored" not in str(failure(url))


@pytest.mark.row("F13")
@pytest.mark.parametrize("status", [429, 503])
def test_throttled_reply_says_how_long_to_wait(server, status):
    server.answer("/feed", status, [("Retry-After", "120")])
    error = failure(server.url("/feed", HOST))
    assert (error.kind, error.retry_after_s) == (Kind.THROTTLED, 120)
    assert "(Retry-After: 120 s)" in str(error)


@pytest.mark.row("F13")
def test_date_to_retry_after_is_read_against_the_given_clock(server):
    server.answer("/feed", 503, [("Retry-After", DATE)])
    clock = datetime(2025, 11, 23, 11, 58, tzinfo=UTC)
    error = failure(server.url("/feed", HOST), origin=make_origin(now=lambda: clock))
    assert error.retry_after_s == 120


@pytest.mark.row("F13")
def test_retry_after_of_one_feed_holds_for_all_feeds_of_its_origin(server):
    server.answer("/feed", 429, [("Retry-After", "120")])
    server.serve("/other", BODY)
    moment = [NOW]
    origin = make_origin(now=lambda: moment[0])
    failure(server.url("/feed", HOST), origin=origin)
    moment[0] += timedelta(seconds=90)
    error = failure(server.url("/other", HOST), origin=origin)
    assert (error.kind, error.retry_after_s) == (Kind.THROTTLED, 30)
    assert "sent Retry-After to another feed, with 30 s left" in str(error)
    assert len(server.requests) == 1
    other = subscription(server.url("/other", HOST))
    elsewhere = server.url("/other", PUBLIC)
    assert origin.fetch(subscription(elsewhere), elsewhere, {}).body == BODY
    moment[0] += timedelta(seconds=31)
    assert origin.fetch(other, other.url, {}).body == BODY


@pytest.mark.row("F13")
def test_feed_with_a_retry_after_of_a_day_holds_its_origin_s_other_feeds_for_an_hour(server):
    server.answer("/feed", 429, [("Retry-After", "86400")])
    server.serve("/other", BODY)
    moment = [NOW]
    origin = make_origin(now=lambda: moment[0])
    assert failure(server.url("/feed", HOST), origin=origin).retry_after_s == 86400
    other = subscription(server.url("/other", HOST))
    assert failure(other.url, origin=origin).retry_after_s == 3600
    moment[0] += timedelta(hours=1)
    assert origin.fetch(other, other.url, {}).body == BODY


@pytest.mark.row("F13")
def test_no_feed_has_another_origin_wait_by_a_redirect(server):
    server.answer("/feed", 302, [("Location", server.url("/throttled", PUBLIC))])
    server.answer("/throttled", 429, [("Retry-After", "120")])
    server.serve("/other", BODY)
    origin = make_origin()
    assert failure(server.url("/feed", HOST), origin=origin).retry_after_s == 120
    other = server.url("/other", PUBLIC)
    assert origin.fetch(subscription(other), other, {}).body == BODY


def test_empty_document_is_an_error(server):
    server.answer("/feed", 200)
    error = failure(server.url("/feed", HOST))
    assert (error.kind, error.status) == (Kind.EMPTY, 200)


@pytest.mark.row("F16")
def test_oversized_etag_and_date_are_not_kept(server):
    etag, date = '"' + "x" * 64_000 + '"', "y" * 65
    server.serve("/feed", BODY, etag=etag, last_modified=date)
    assert fetched(server.url("/feed", HOST)).validators == Validators()


@pytest.mark.row("F16")
def test_etag_with_control_characters_is_not_kept(server):
    server.serve("/feed", BODY, etag='"a\x00b"', last_modified=DATE)
    assert fetched(server.url("/feed", HOST)).validators == Validators(None, DATE)


@pytest.mark.row("F16")
def test_poisoned_validators_of_an_old_state_are_not_sent(server):
    server.serve("/feed", BODY)
    url = server.url("/feed", HOST)
    assert fetch(url, {url: Validators('"a"\r\nX-Injected: 1', "☃")}).body == BODY
    assert b"Injected" not in server.requests[0].raw


def test_configured_headers_are_sent_as_they_are_written(server):
    server.serve("/feed", BODY)
    headers = {
        "Authorization": "Bearer s3cret",
        "accept": "text/xml",
        "Referer": "https://members.example/",
        "X-Key": "one\ttwo",
    }
    assert fetch(server.url("/feed", HOST), headers=headers).body == BODY
    request = server.requests[0]
    assert {name: request.header(name) for name in headers} == headers
    assert request.header("Host") == f"{HOST}:{server.port}"
    assert request.header("User-Agent").startswith("feedmirror/")
    assert len(request.headers) == 8


@pytest.mark.parametrize("name", ["HOST", "User-Agent", "if-none-match", "Proxy-Authorization"])
def test_header_that_the_settings_refuse_is_never_left_out_in_silence(server, name):
    error = failure(server.url("/feed", HOST), headers={name: "x"})
    assert error.kind is Kind.BUG
    assert name in str(error)
    assert server.connections == 0


@settings(max_examples=amount(10))
@given(name=st.sampled_from("Referer Cookie Accept Origin Via Pragma X-Key".split()), value=VALUE)
def test_header_that_the_settings_accept_is_among_those_that_are_sent(name, value):
    url = "https://feeds.example/feed"
    feed = subscription_for(url, slug="x", headers={name: value})
    sent = request_headers(feed, parse_target(url), Validators(None, None))
    assert sent[name] == value


@pytest.mark.row("F10")
def test_configured_headers_do_not_go_to_an_alternate_on_another_host(server):
    server.serve("/feed", BODY)
    feed = subscription("https://other.example/feed", headers={"Authorization": "Bearer s3cret"})
    make_origin().fetch(feed, server.url("/feed", HOST), {})
    assert b"s3cret" not in server.requests[0].raw


@pytest.mark.parametrize("value", ["two\r\nX-Injected: lines", "☃"])
def test_configured_header_that_http_cannot_carry_is_an_error(server, value):
    error = failure(server.url("/feed", HOST), headers={"X-Key": value})
    assert error.kind is Kind.BUG
    assert "X-Key" in str(error)
    assert server.connections == 0


def test_sixteen_threads_share_one_origin(server):
    urls = [server.url(f"/{n}", HOST) for n in range(48)]
    for n in range(48):
        server.serve(f"/{n}", b"document %d" % n)
    origin: Origin = make_origin()
    bodies: dict[str, bytes] = {}

    def work(mine):
        for url in mine:
            bodies[url] = origin.fetch(subscription(url), url, {}).body

    threads = [threading.Thread(target=work, args=(urls[n::16],)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bodies == {url: b"document %d" % n for n, url in enumerate(urls)}


def test_every_connection_is_closed_after_use(server, recwarn):
    server.serve("/feed", BODY)
    server.answer("/big", 403, body=b"x" * 1_000_000)
    fetch(server.url("/feed", HOST))
    with pytest.raises(FetchError):
        fetch(server.url("/big", HOST))
    gc.collect()
    assert not recwarn.list  # a socket left to the garbage collector warns
