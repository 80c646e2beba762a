"""`parsing/opml.py`: lists of feeds as feed readers export them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmirror.errors import Kind, ParseError
from feedmirror.parsing.opml import MOST_FEEDS, Outline, read_opml


def opml(body: str, head: str = "") -> bytes:
    return f'<?xml version="1.0"?>{head}<opml version="2.0"><body>{body}</body></opml>'.encode()


def feed(url: str, **attributes: str) -> str:
    more = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return f'<outline type="rss" xmlUrl="{url}" {more}/>'


def test_feeds_of_all_groups_are_read_once_each_in_their_order() -> None:
    group = f'<outline text="News">{feed("https://b.example/", text="B")}<outline text="Deeper">'
    listed = opml(
        feed("https://a.example/?x=1&amp;y=2", text="A &amp; B", title="A")
        + group
        + feed(" https://c.example/ ")
        + feed("https://b.example/", title="again")
        + "</outline></outline>"
    )
    assert read_opml(listed) == (
        Outline("https://a.example/?x=1&y=2", "A"),
        Outline("https://b.example/", "B"),
        Outline("https://c.example/"),
    )


@pytest.mark.parametrize(
    "listed",
    [
        b'<OPML><body><Outline XMLURL="https://a.example/" TEXT="&#228;"/></body></OPML>',
        '<opml><outline xmlUrl="https://a.example/" text="ä"/></opml>'.encode("utf-16"),
        '<?xml version="1.0" encoding="iso-8859-1"?><opml>'
        '<outline xmlUrl="https://a.example/" text="ä"/></opml>'.encode("latin-1"),
        '\ufeff\n<!-- x --><opml xmlns="urn:x">'
        '<outline xmlUrl="https://a.example/" text="ä"/></opml>'.encode(),
    ],
)
def test_odd_lists_are_read(listed: bytes) -> None:
    assert read_opml(listed.replace(b"OPML", b"opml")) == (Outline("https://a.example/", "ä"),)


def test_outlines_without_a_feed_and_lists_in_the_list_are_passed_over() -> None:
    listed = opml(
        '<outline text="words"/><outline type="link" url="https://x.example/"/>'
        '<outline type="include" url="https://x.example/self.opml"/>' + feed("")
    )
    assert read_opml(listed) == ()


@pytest.mark.parametrize(
    ("listed", "kind", "said"),
    [
        (opml("", '<!DOCTYPE opml [<!ENTITY a "b">]>'), Kind.UNSAFE, "entities"),
        (opml("")[:-9], Kind.NOT_A_FEED, "not well-formed"),
        (b"<rss version='2.0'/>", Kind.NOT_A_FEED, "no OPML, but <rss>"),
        (b"words", Kind.NOT_A_FEED, "no markup"),
        (b"", Kind.NOT_A_FEED, "no markup"),
        (
            opml("".join(feed(f"https://a.example/{n}") for n in range(MOST_FEEDS + 1))),
            Kind.TOO_LARGE,
            "more than 10,000 feeds",
        ),
    ],
)
def test_what_is_no_list_is_refused(listed: bytes, kind: Kind, said: str) -> None:
    with pytest.raises(ParseError, match=said) as caught:
        read_opml(listed)
    assert caught.value.kind is kind


@pytest.mark.costly
def test_a_list_of_a_hundred_thousand_groups_within_each_other_is_read() -> None:
    deep = '<outline text="x">' * 100_000 + feed("https://a.example/") + "</outline>" * 100_000
    assert len(read_opml(opml(deep))) == 1


@given(st.binary(max_size=200))
def test_any_bytes_are_a_list_or_refused(body: bytes) -> None:
    with suppress(ParseError):
        read_opml(body)
