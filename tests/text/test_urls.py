"""Addresses: made absolute, repaired where that is safe, refused where they run code."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feedmirror.text.urls import absolute, harmless, is_web
from rules.values import EXECUTED_SCHEMES, scheme_of, url_problem

BASE = "https://feeds.example.org/harbour/feed.xml"


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example.org",
        "http://a.example.org:8080/b;c=d/e.mp3?x=1&y=%C3%A9#frag",
        "https://user:pass@a.example.org/~b/(c)/$d,e!f*g'h@i:j+k=l",
        "HTTPS://A.Example.ORG/Path/%7e",
        "https://[2001:db8::1]:443/x",
        "https://xn--mnchen-3ya.example/",
        "https://a.example.org/?u=https://b.example.org/?c",
        "https://a.example.org//b//../c/",
    ],
)
def test_a_valid_address_stays_byte_for_byte(url: str) -> None:
    assert absolute(url, BASE) == absolute(url, None) == url
    assert is_web(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("2026/a.html", "https://feeds.example.org/harbour/2026/a.html"),
        ("../a?b=c", "https://feeds.example.org/a?b=c"),
        ("/a", "https://feeds.example.org/a"),
        ("//cdn.example.org/a", "https://cdn.example.org/a"),
        ("?p=1", "https://feeds.example.org/harbour/feed.xml?p=1"),
        ("#note-1", "https://feeds.example.org/harbour/feed.xml#note-1"),
        ("\n https://a.example.org/b\t", "https://a.example.org/b"),
        ("\ufeffhttps://a.example.org/\u200b", "https://a.example.org/"),
        ("https://a.example.org/b\n  c", "https://a.example.org/b%20%20c"),
        ("ht\ntps://a.example.org/", "https://a.example.org/"),
        (
            "https://a.example.org/é ö?q=ü#ß",
            "https://a.example.org/%C3%A9%20%C3%B6?q=%C3%BC#%C3%9F",
        ),
        ("https://a.example.org/100%/%zz/%41", "https://a.example.org/100%25/%25zz/%41"),
        (
            'https://a.example.org/?a[]=<b>&c="d"',
            "https://a.example.org/?a%5B%5D=%3Cb%3E&c=%22d%22",
        ),
        ("https://a.example.org/a#b#c", "https://a.example.org/a#b%23c"),
        ("https://münchen.example:8080/", "https://xn--mnchen-3ya.example:8080/"),
        ("https://a:b@bücher.example/", "https://a:b@xn--bcher-kva.example/"),
        ("https://STRAßE.example/", "https://xn--strae-oqa.example/"),
        ("https://xn--strae-oqa.example/", "https://xn--strae-oqa.example/"),
        ("https://\uff11\uff12\uff17\u30020\uff0e0.1/", "https://127.0.0.1/"),
        ("https://a_b.müh_le.example/", "https://a_b.xn--mh_le-kva.example/"),
        ("https://[2001:DB8::1]/ü", "https://[2001:DB8::1]/%C3%BC"),
        ("https://例え。テスト/", "https://xn--r8jz45g.xn--zckzah/"),
    ],
)
def test_an_address_is_made_absolute_and_valid(url: str, expected: str) -> None:
    assert absolute(url, BASE) == expected


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        " \n ",
        "javascript:alert(1)",
        " \x01java\nscript:alert(1)",
        "JAVASCRIPT://a.example.org/%0aalert(1)",
        "data:text/html,<script>",
        "vbscript:x",
        "file:///etc/passwd",
        "mailto:a@example.org",
        "ftp://a.example.org/",
        "feed:https://a.example.org/",
        "http:///a",
        "https://",
        "https://?a",
        "https://a b.example.org/",
        "https://a\\@b.example.org/",
        "https://a.example.org:port/",
        "https://a.example.org:99999/",
        "https://[::1/",
        "https://[nonsense]/",
        "https://a<b>.example.org/",
        "https://a.example.org\\.b.example.org/",
        "https://\u2100.example.org/",
        "https://xn--a.example.org/",
        "https://a:b@\u0661\u0662\u0667.0.0.1/",
        "https://a.example.org/\ud800",
    ],
)
def test_addresses_that_are_not_of_the_web_are_dropped(url: str | None) -> None:
    assert absolute(url, None) is None
    assert absolute(url, "about:blank") is None


def test_a_relative_address_without_a_base_is_none() -> None:
    assert absolute("/a", None) is None
    assert not is_web("/a")


@given(
    st.text(max_size=40) | st.from_regex(r"\A(https?:)?//[^/]{1,20}(:\d*)?[/?#].{0,20}\Z"),
    st.sampled_from([None, BASE, "https://a.example.org/?b", "nonsense", ""]),
)
@example("https://\u2488.example.org/", None)
@example("https://a.example.org/\u2028%", None)
def test_absolute_addresses_are_valid_and_stable(url: str, base: str | None) -> None:
    made = absolute(url, base)
    if made is not None:
        assert url_problem(made) is None
        assert urlsplit(made).hostname
        assert absolute(made, BASE) == made


# ---------------------------------------------------------------- other vocabularies


@pytest.mark.parametrize(
    "url",
    "https://a.example.org/ mailto:a@example.org tel:+1-555 magnet:?xt=urn:btih:a urn:isbn:1 "
    "tag:a.example.org,2026:b lightning:lnurl1 bitcoin:1a xmpp:a@b ipfs://Qm rtmp://a/b "
    "acct:a@b itpc://a ftp://a/b at://did:plc:x nostr:npub1".split(),
)
def test_addresses_of_harmless_schemes_stay(url: str) -> None:
    assert harmless(url, BASE) == url


@pytest.mark.parametrize("scheme", sorted(EXECUTED_SCHEMES | {"livescript", "view-source", "jar"}))
@pytest.mark.parametrize("disguise", ["{}:", " \n{}:", "\x01{}:", "{0[0]}\t\n{0[1]}{0[2]}:"])
def test_addresses_that_run_are_dropped_in_all_disguises(scheme: str, disguise: str) -> None:
    for written in (scheme, scheme.upper(), scheme.title()):
        parts = (written[0], written[1:3], written[3:])
        told = disguise.format(parts) if "0[" in disguise else disguise.format(written)
        assert harmless(f"{told}alert(1)//https://a.example.org/", BASE) is None


@given(st.text(max_size=30), st.sampled_from([None, BASE]))
def test_no_harmless_address_is_of_a_scheme_that_runs(url: str, base: str | None) -> None:
    found = harmless(url, base)
    assert found is None or scheme_of(found) not in EXECUTED_SCHEMES


def test_relative_addresses_of_other_vocabularies_are_made_absolute() -> None:
    assert harmless("a.png", BASE) == "https://feeds.example.org/harbour/a.png"
    assert harmless("", BASE) == ""


def test_addresses_of_the_web_in_other_vocabularies_are_made_valid_too() -> None:
    assert harmless("https://ä.example/é", None) == "https://xn--4ca.example/%C3%A9"
    assert harmless("https://[oops", None) == "https://[oops"


@pytest.mark.parametrize("mark", ["\u200b", "\xa0", "\ufeff"])
def test_invisible_marks_around_addresses_of_other_vocabularies_go(mark: str) -> None:
    for url in ("https://a.example.org/b", "mailto:a@example.org"):
        assert harmless(f"{mark}{url}{mark}", BASE) == url
