"""URLs that are refused before a DNS lookup, in all spellings."""

from __future__ import annotations

import re

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from feedmirror.adapters.origin.target import parse_target, redirect_target
from feedmirror.errors import FetchError, Kind
from fetching import HOST, PRIVATE, PUBLIC, Names, failure, make_origin, subscription
from origin_server import OriginServer

BODY = b"<rss version='2.0'><channel/></rss>"


@pytest.fixture
def server():
    with OriginServer(PUBLIC) as server:
        yield server


@pytest.fixture
def canary():
    """A private host that counts who connects."""
    with OriginServer(PRIVATE) as server:
        yield server


@pytest.mark.row("F5")
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "0x7f.0.0.1",
        "2130706433",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "private.example",
        "mixed.example",
        "PRIVATE.example.",
    ],
)
def test_redirect_to_a_private_host_reaches_nobody(server, canary, host):
    server.redirect("/feed", f"http://{host}:{canary.port}/")

    def resolve(name, port):
        known = {HOST: (PUBLIC,), "mixed.example": (PUBLIC, PRIVATE)}
        return known.get(name, (PRIVATE,))

    origin = make_origin(resolve)
    error = failure(server.url("/feed", HOST), origin=origin)
    assert error.kind is Kind.ADDRESS
    assert canary.connections == 0


@pytest.mark.row("F9")
@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://feeds.example/",
        "gopher://feeds.example:70/_x",
        "javascript:alert(1)",
        "data:text/xml,<rss/>",
        "http://me:pw@feeds.example/",
        "http://feeds.example:22/",
        "http://feeds.example:0/",
        "http://feeds.example:99999/",
        "http://127.0.0.1\\@feeds.example/",
        "\\\\127.0.0.1\\x",
        "http://feeds.example\x00.evil.example/",
        "http://feeds.exa\x0bmple/",
        "http://feeds.exa mple/",
        "http://%66eeds.example%2F@127.0.0.1/",
        "http://feeds%2eexample%23/",
        "http://[feeds.example]/",
        "http://[fe80::1%25eth0]/",
        "http://[::1/",
        "http://./",
        "http://*.example/",
        "http://feeds..example/",
        "http://" + "a" * 64 + ".example/",
        "//" + "a.b" * 100 + "/",
        "/" + "a" * 9000,
    ],
)
def test_trick_address_is_refused_before_any_lookup(server, location):
    names = Names()
    server.redirect("/feed", location)
    error = failure(server.url("/feed", HOST), origin=make_origin(names))
    assert error.kind is Kind.ADDRESS
    assert names.asked == [HOST]
    assert len(str(error)) < 400


def test_credentials_in_an_address_are_not_shown(server):
    server.redirect("/feed", f"http://me:s3cret@{HOST}/feed?page=2")
    error = failure(server.url("/feed", HOST))
    assert "s3cret" not in str(error)
    assert f"http://***@{HOST}/feed?page=2 is refused" in str(error)


@pytest.mark.row("F9")
def test_configured_url_with_credentials_is_refused_with_advice():
    error = failure("http://me:s3cret@feeds.example/feed")
    assert error.kind is Kind.ADDRESS
    assert "s3cret" not in str(error)
    assert "`headers`" in str(error)


@pytest.mark.row("F9")
def test_configured_url_that_is_not_valid_is_refused():
    for url in ("", "feeds.example/feed", "/feed", "http:/feeds.example/", "mailto:a@b.example"):
        assert failure(url).kind is Kind.ADDRESS


def test_international_host_name_is_asked_for_in_ascii(server):
    server.serve("/лента", BODY)
    server.serve("/%D0%BB%D0%B5%D0%BD%D1%82%D0%B0", BODY)
    names = Names()
    url = f"http://новости.example:{server.port}/лента"
    result = make_origin(names).fetch(subscription(url), url, {})
    assert result.url == url
    assert names.asked == ["xn--b1amnebsh.example"]
    assert server.requests[0].header("Host") == f"xn--b1amnebsh.example:{server.port}"


@pytest.mark.row("F5")
@pytest.mark.parametrize(
    "host", ["\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021", "\u2460\u2461\u2466.0.0.1"]
)
def test_number_in_other_letters_is_the_number_it_reads_as(canary, host):
    error = failure(f"http://{host}:{canary.port}/")
    assert error.kind is Kind.ADDRESS
    assert canary.connections == 0


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("stra\u00dfe.example", "xn--strae-oqa.example"),  # not strasse.example, of another owner
        ("under_score.m\u00fchle.example", "under_score.xn--mhle-0ra.example"),
        ("\uff46\uff45\uff45\uff44\u3002example", "feed.example"),
        ("\u2764.example", "xn--qei.example"),
        ("XN--MHLE-0RA.Example", "xn--mhle-0ra.example"),
    ],
)
def test_name_that_is_looked_up_is_the_one_that_is_sent_and_judged(server, written, asked):
    names = Names()
    url = f"http://{written}:{server.port}/feed"
    server.serve("/feed", BODY)
    assert make_origin(names).fetch(subscription(url), url, {}).body == BODY
    assert names.asked == [asked]
    assert server.requests[0].header("Host") == f"{asked}:{server.port}"
    refused = failure(url, origin=make_origin(Names(**{asked: [PRIVATE]})))
    assert refused.kind is Kind.ADDRESS
    assert len(server.requests) == 1


@pytest.mark.row("F5")
@pytest.mark.parametrize(
    "host",
    [
        "xn--a.example",
        "\u0661\u0662\u0667.0.0.1",
        "\u0308quay.example",
        "feeds.example\uff20evil.example",
        "feeds.example\uff1a80",
    ],
)
def test_host_that_is_no_name_is_refused_before_it_is_looked_up(host):
    names = Names()
    with pytest.raises(FetchError) as refused:
        make_origin(names).fetch(subscription(f"http://{host}/"), f"http://{host}/", {})
    assert refused.value.kind is Kind.ADDRESS
    assert names.asked == []


@pytest.mark.row("F5")
def test_redirect_to_an_international_name_is_judged_by_its_ascii_form(server):
    names = Names(**{"xn--mhle-0ra.example": [PRIVATE]})
    server.redirect("/feed", f"http://m\u00fchle.example:{server.port}/feed")
    url = server.url("/feed", HOST)
    with pytest.raises(FetchError) as refused:
        make_origin(names).fetch(subscription(url), url, {})
    assert refused.value.kind is Kind.ADDRESS
    assert names.asked == [HOST, "xn--mhle-0ra.example"]


@pytest.mark.row("F5")
def test_host_that_turns_into_a_path_is_refused(canary):
    assert failure(f"http://feeds.example\u2100.evil.example:{canary.port}/").kind is Kind.ADDRESS


URL_WORDS = r"http https :// : // / \ @ [ ] ::1 127.0.0.1 a.example %2f % ? # . .. :80 xn--"
URL_PARTS = (
    st.sampled_from(URL_WORDS.split(" "))
    | st.sampled_from("\t \u2100\u3002\xad\ud800")
    | st.text(max_size=3)
)
URLS = st.lists(URL_PARTS, max_size=10).map("".join)


def target_or_refusal(parse, *arguments):
    """The target that `parse` makes of the arguments, or None if it refuses them as it should."""
    try:
        return parse(*arguments)
    except FetchError as error:
        if error.kind is Kind.ADDRESS and str(error).isprintable():
            return None
        raise


@pytest.mark.row("F9")
@given(URLS)
def test_accepted_url_has_a_valid_host_port_and_path(text):
    for url in (text, "http://" + text, "https://a.example" + text):
        target = target_or_refusal(parse_target, url)
        if target is not None:
            assert target.url == url
            assert re.fullmatch(r"[a-z0-9._:-]+", target.host)
            assert re.fullmatch(r"/[!-~]*", target.path)
            assert 0 < target.port < 65_536


@pytest.mark.row("F9")
@given(URLS)
def test_accepted_url_is_read_as_another_parser_reads_it(text):
    for url in (text, "http://" + text, "https://a.example" + text):
        target = target_or_refusal(parse_target, url)
        if target is not None:
            # The host's conversion to ASCII is stricter here.
            other = urllib3.util.parse_url(re.sub(r"(?<=//)[^/?#:\[]+", target.host, url, count=1))
            assert (other.scheme, (other.host or "").strip("[]")) == (target.scheme, target.host)
            assert other.port in {target.port, None}
            assert other.request_uri == target.path


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("/a/./b/../c/..", "/a/"),
        ("/../../a//../b", "/a/b"),
        ("/caf\u00e9?q=\u00e9 <x>", "/caf%C3%A9?q=%C3%A9%20%3Cx%3E"),
        ("/%7ea%2Fb?x=%e9", "/%7Ea%2Fb?x=%E9"),
        ("/100%/%41", "/100%25/%2541"),
        ("?a=1&b=/../", "/?a=1&b=/../"),
        ("#top", "/"),
    ],
)
def test_path_is_asked_for_without_dots_and_with_its_characters_escaped(written, asked):
    assert parse_target(f"http://a.example{written}").path == asked


@pytest.mark.row("F9")
@given(URLS)
def test_whatever_a_redirect_says_leads_to_a_target_or_is_refused(location):
    start = parse_target("http://a.example/feed")
    target = target_or_refusal(redirect_target, start, location)
    if target is not None:
        assert parse_target(target.url) == target
