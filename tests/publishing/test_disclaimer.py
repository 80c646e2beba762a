"""Disclaimer: every body has it once, for any entry and any text of the operator (promise P2)."""

from __future__ import annotations

import html as stdlib_html

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from lxml import html as lxml_html
from msgspec.structs import replace

from builders import entry, rss_document
from feedmirror.model import (
    DEFAULT_DISCLAIMER,
    Disclaimer,
    Entry,
    Feed,
    Position,
    Revision,
    Subscription,
)
from feedmirror.publishing.disclaimer import CSS_CLASS, attach, fill, problems
from feedmirror.publishing.redaction import PublicSettings, public_settings
from feedmirror.settings.load import parse_settings
from feedmirror.text import sanitize
from feedmirror.text.xml import HTML_AFTER, HTML_BEFORE, TEXT_AFTER, TEXT_BEFORE
from scene import NOON, URL, Scene
from validity import disclaimers

FEED = Feed(kind="RSS 2.0", title="Tides & Times", link="https://tides.example.org/")


def _revision(**fields: object) -> Revision:
    made = Entry(**{"title": "One", "link": "https://tides.example.org/1", **fields})  # type: ignore[arg-type]
    return Revision("k", "d", "g", False, made, 1, NOON, NOON, NOON, URL)


def _settings(**fields: object) -> PublicSettings:
    return public_settings(Subscription("news", URL, disclaimer=Disclaimer(**fields)))  # type: ignore[arg-type]


def test_disclaimer_block_has_the_class_and_role_of_the_mirror() -> None:
    attached = attach(_revision(content="<p>x</p>"), _settings(text="Words.", language="en"), FEED)
    assert "".join(attached.content or ()) == (
        f'<p>x</p><div class="{CSS_CLASS}" role="note" lang="en"><p>Words.</p></div>'
    )


def test_disclaimer_is_at_the_end_or_the_beginning_as_configured() -> None:
    settings = _settings(text="Words.", position=Position.BEGINNING)
    attached = attach(_revision(content="<p>x</p>", summary="<p>y</p>"), settings, FEED)
    assert attached.content is not None
    assert attached.content == (attached.notice_html, "<p>x</p>")
    assert attached.summary == (attached.notice_html, "<p>y</p>")


def test_variables_are_filled_in_and_escaped() -> None:
    words = "{source_title} | {source_url} | {entry_url} | {fetched} | {{braces}}"
    attached = attach(_revision(link="https://e.org/?a=1&b=2"), _settings(text=words), FEED)
    assert attached.notice_text == (
        "Tides & Times | https://tides.example.org/ | https://e.org/?a=1&b=2 | "
        "2026-03-02 12:00 UTC | {braces}"
    )
    assert "Tides &amp; Times" in attached.notice_html
    assert "a=1&amp;b=2" in attached.notice_html


def test_variables_in_html_cannot_break_out_of_an_attribute() -> None:
    evil = replace(FEED, title='"><script>alert(1)</script>')
    markup = '<p><a href="{source_url}" title="{source_title}">{source_title}</a></p>'
    attached = attach(_revision(), _settings(html=markup), evil)
    (link,) = lxml_html.fromstring(attached.notice_html).iter("a")
    assert link.get("title") == evil.title
    assert link.text == evil.title
    assert "<script" not in attached.notice_html


def test_plain_text_of_an_html_disclaimer_has_the_addresses_of_links() -> None:
    markup = '<p>From <a href="{source_url}">{source_title}</a>.<br/>No endorsement.</p>'
    attached = attach(_revision(), _settings(html=markup), FEED)
    assert attached.notice_text == (
        "From Tides & Times (https://tides.example.org/).\nNo endorsement."
    )


def test_an_entry_without_a_body_gets_one_with_the_disclaimer_alone() -> None:
    attached = attach(_revision(), _settings(text="Words."), FEED)
    assert "".join(attached.summary) == attached.notice_html
    assert attached.content is None


def test_a_mirror_of_a_mirror_has_the_disclaimer_once() -> None:
    settings = _settings(text="Words.\n\nMore words.", language="en")
    once = attach(_revision(content="<p>x</p>"), settings, FEED).content
    assert once is not None
    mirrored_again = sanitize.clean("".join(once))  # which takes the class and the role away
    assert CSS_CLASS not in mirrored_again
    twice = attach(_revision(content=mirrored_again), settings, FEED).content
    assert twice == once


@given(st.text(), st.sampled_from(list(Position)))
def test_any_body_shows_the_disclaimer_block_once(body: str, place: Position) -> None:
    settings = _settings(text="A sentence that stands alone.", position=place)
    content = attach(_revision(content=sanitize.clean(body)), settings, FEED).content
    assert content is not None
    tree = lxml_html.fragment_fromstring("".join(content), create_parent="article")
    blocks = tree.find_class(CSS_CLASS)
    assert [block.text_content() for block in blocks] == ["A sentence that stands alone."]
    assert blocks[0].getparent() is tree


@pytest.mark.costly
@pytest.mark.parametrize(
    "opening",
    ["<!--", "<plaintext>", "<textarea>", "<table><tr><td>", "<details>", "<svg>", "<select>",
     "<noscript>", "<template>", "<a href='x", "<div class='feedmirror-disclaimer' hidden>"],
)  # fmt: skip
def test_unclosed_html_of_the_origin_does_not_hide_the_disclaimer(opening: str) -> None:
    document = rss_document([entry(1, summary=f"<p>text</p>{opening} and more")])
    scene = Scene(document)
    scene.refresh()
    assert disclaimers(scene.public().encode(), sentence="mirroring them is no endorsement") == [
        {"description": 1}
    ]


def test_a_forged_disclaimer_block_loses_its_class() -> None:
    forged = f'<div class="{CSS_CLASS}" role="note">We endorse all of it.</div>'
    scene = Scene(rss_document([entry(1, summary=f"<p>text</p>{forged}")]))
    scene.refresh()
    public = scene.public()
    assert public.count(CSS_CLASS) == 1
    assert "<div>We endorse all of it.</div>" in public


def test_a_live_item_of_a_podcast_has_the_disclaimer() -> None:
    live = (
        '<podcast:liveItem xmlns:podcast="https://podcastindex.org/namespace/1.0" status="live">'
        "<title>Live</title><description>Tonight at eight.</description></podcast:liveItem>"
    )
    scene = Scene(rss_document([entry(1)], extra_channel=live))
    scene.configure(disclaimer=Disclaimer(text="Words of the operator's."))
    scene.refresh()
    inner = scene.public().split("<podcast:liveItem")[1].split("</podcast:liveItem>")[0]
    assert "Tonight at eight." in inner
    assert inner.count("Words of the operator's.") == 1


def test_slots_for_html_and_for_text_get_the_disclaimer_in_their_form() -> None:
    fragments = (
        f"<itunes:summary>{TEXT_BEFORE}plain{TEXT_AFTER}</itunes:summary>",
        f"<yandex:full-text>{HTML_BEFORE}&lt;p&gt;rich&lt;/p&gt;{HTML_AFTER}</yandex:full-text>",
    )
    attached = attach(_revision(extension_elements=fragments), _settings(text="A & B"), FEED)
    plain, rich = attached.extension_elements
    assert plain == "<itunes:summary>plain\n\nA &amp; B</itunes:summary>"
    assert "A &amp;amp; B" in rich
    words = etree.fromstring(rich.replace("yandex:", "")).text
    assert words == f"<p>rich</p>{attached.notice_html}"


def test_the_default_names_the_source_and_says_that_mirroring_is_no_endorsement() -> None:
    attached = attach(_revision(), public_settings(Subscription("news", URL)), FEED)
    assert "Tides & Times (https://tides.example.org/)" in attached.notice_text
    assert "no endorsement" in attached.notice_text
    assert not problems(DEFAULT_DISCLAIMER.html or "", is_html=True)


def test_a_long_disclaimer_is_at_the_end_of_every_entry_word_for_word() -> None:
    paragraph = (
        "The Gazette (of the Harbour) is paid for by the port. It's mirrored here, “as is”, "
        "not as an endorsement of the port, but since others wish it gone. Visit https://e.org"
    )
    escaped = paragraph.replace("\\", "\\\\").replace('"', '\\"').replace("{", "{{")
    settings = parse_settings(
        f'[feeds.news]\nurl = "{URL}"\ndisclaimer = "{escaped.replace("}", "}}")}"\n'
    )
    scene = Scene(rss_document([entry(2), entry(1)]), subscription=settings.subscriptions[0])
    scene.refresh()
    closing = f"<p>{stdlib_html.escape(paragraph, quote=False)}</p></div>]]></description>"
    assert scene.public().count(closing) == 2


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ("See {source}.", "'{source}' is not a variable; accepted are {source_title}"),
        ("An open { brace", "'{' is not a variable"),
        ("", "it has no text"),
        ("  \n ", "it has no text"),
        ("bell \x07", "control characters"),
    ],
)
def test_an_invalid_text_disclaimer_is_explained(template: str, complaint: str) -> None:
    assert any(complaint in problem for problem in problems(template, is_html=False))


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ("<p>open", "not well-formed"),
        ("<p>a & b</p>", "not well-formed"),
        ("<script>x</script>", "<script> is not accepted"),
        ('<p onclick="x()">y</p>', "onclick= on <p> is not accepted"),
        ('<a href="javascript:x">y</a>', "a link to 'javascript:x' is not accepted"),
        ('<a href="{source_title}">y</a>', "a link to '{source_title}' is not accepted"),
        ("<p></p>", "it has no text"),
    ],
)
def test_an_invalid_html_disclaimer_is_explained(template: str, complaint: str) -> None:
    assert any(complaint in problem for problem in problems(template, is_html=True))


@pytest.mark.parametrize(
    "template",
    ['<p>From <a href="{source_url}">{source_title}</a>&nbsp;&amp; others.</p>', "{entry_url}"],
)
def test_a_valid_html_disclaimer_has_no_problems(template: str) -> None:
    assert problems(template, is_html=True) == []


@given(st.text())
def test_prose_with_doubled_braces_is_filled_in_unchanged(prose: str) -> None:
    assert fill(prose.replace("{", "{{").replace("}", "}}"), {}) == prose
