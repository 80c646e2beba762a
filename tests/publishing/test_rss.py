"""rss.xml: valid for any input, and faithful to the origin."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest
from hypothesis import given

from builders import EPOCH, SITE, atom_document, entry, json_feed, rss_document
from feedmirror.errors import ParseError, RenderError
from feedmirror.model import Disclaimer, Feed, Fetched, Subscription
from feedmirror.parsing.parse import parse
from feedmirror.publishing.formats import formats
from feedmirror.publishing.publication import Publication
from feedmirror.publishing.redaction import public_settings
from generate import FEED_URL, feeds
from generated.values import Generated
from locations import DATA
from scene import DOCUMENTS, PUBLIC_URL, SUBSCRIPTION, URL, Scene
from store_factories import entries_in
from validity import FROM_ORIGIN, disclaimers, rss_problems

NOTICE = "A sentence of the operator's."
NOW = datetime(2027, 1, 1, tzinfo=UTC)
NOT_FEEDS = {"empty.xml", "login-page.html"}
FEEDS = sorted(
    path
    for path in DATA.iterdir()
    if path.suffix in {".xml", ".rdf", ".json"} and path.name not in NOT_FEEDS
)


def _published(answer: bytes | Fetched, **settings: Any) -> str:
    subscription = Subscription("news", URL, **{"disclaimer": Disclaimer(text=NOTICE), **settings})
    scene = Scene(answer, subscription=subscription)
    scene.now = NOW
    scene.refresh()
    return scene.public()


def _problems(public: str) -> list[str]:
    return rss_problems(public.encode(), self_url=f"{PUBLIC_URL}/news/rss.xml", now=NOW)


def _read(public: str) -> Any:
    return feedparser.parse(io.BytesIO(public.encode()))


@pytest.mark.costly
@pytest.mark.parametrize("path", FEEDS, ids=lambda path: path.name)
def test_every_test_feed_is_published_valid_with_the_disclaimer_in_every_body(path: Path) -> None:
    public = _published(Fetched(URL, path.read_bytes()))
    assert [p for p in _problems(public) if p.split()[0] not in FROM_ORIGIN] == []
    for item in disclaimers(public.encode(), sentence=NOTICE):
        assert item, "an item without a body"
        assert set(item.values()) == {1}, item


@pytest.mark.parametrize("name", sorted(NOT_FEEDS & {p.name for p in DATA.iterdir()}))
def test_a_document_that_is_no_feed_is_refused_with_a_sentence(name: str) -> None:
    scene = Scene(Fetched(URL, (DATA / name).read_bytes()))
    outcome = scene.refresh()
    assert outcome.failure is not None
    assert outcome.failure.group == "broken"
    assert scene.store.load("public/news/rss.xml") is None


@pytest.mark.slow
@given(feeds())
def test_every_generated_feed_is_published_valid(generated: Generated) -> None:
    fetched = Fetched(FEED_URL, generated.document, generated.content_type)
    public = _published(fetched)
    assert [p for p in _problems(public) if p.split()[0] not in FROM_ORIGIN] == []
    for item in disclaimers(public.encode(), sentence=NOTICE):
        assert set(item.values()) == {1}, item
    first = {(expected.guid, expected.link): expected for expected in reversed(generated.entries)}
    for expected in first.values():
        for word in (*expected.body_words, *expected.foreign_words):
            assert word in public


def test_a_plain_feed_of_each_kind_is_published_without_a_warning() -> None:
    entries = [entry(2, content="<p>All of two.</p>"), entry(1)]
    for document in (rss_document(entries), atom_document(entries), json_feed(entries)):
        public = _published(document)
        # Content alone is no fault: a summary made up from it would be words of ours.
        rest = [p for p in _problems(public) if not p.startswith("content-without-description")]
        assert rest == []
        assert [e.title for e in _read(public).entries] == ["Entry 2", "Entry 1"]


def test_every_item_names_the_mirrored_feed_as_its_source() -> None:
    public = _published(rss_document([entry(1)]))
    assert f'<source url="{URL}">The Harbour Gazette</source>' in public


def test_a_source_of_the_origin_is_kept() -> None:
    public = _published(rss_document([entry(1, source=("Other", "https://other.example.org/rss"))]))
    assert '<source url="https://other.example.org/rss">Other</source>' in public


def test_a_configured_title_overrides_the_title_of_the_origin() -> None:
    public = _published(rss_document([entry(1)]), title="Mirror <of> & others")
    assert _read(public).feed.title == "Mirror &lt;of&gt; &amp; others"


def test_words_that_look_like_markup_come_through_as_text() -> None:
    title = "Why <script>alert(1)</script> & <b>bold</b> titles &copy; others"
    public = _published(json_feed([entry(1, title=title)]))
    assert "<script" not in public
    once = public.split("<item>\n<title>")[1].split("</title>")[0]
    assert "&amp;lt;script&amp;gt;" in once


@pytest.mark.parametrize(
    ("title", "written"),
    [
        ("AT&T <3 you", "AT&amp;T &lt;3 you"),
        ("a < b > c", "a &lt; b &gt; c"),
        ("]]>", "]]&gt;"),
        ("5 &amp; 6", "5 &amp;amp;amp; 6"),
    ],
)
def test_text_is_escaped_twice_only_if_it_looks_like_markup(title: str, written: str) -> None:
    public = _published(json_feed([entry(1, title=title)]))
    assert f"<item>\n<title>{written}</title>" in public


@pytest.mark.row("R4")
def test_bodies_with_the_end_of_a_cdata_section_stay_whole() -> None:
    public = _published(rss_document([entry(1, summary="<p>x ]]&gt; y</p><pre>a]]>b</pre>")]))
    (item,) = _read(public).entries
    assert "x ]]&gt; y" in item.summary
    assert _problems(public) == []


def test_a_guid_that_is_no_permalink_is_declared_so() -> None:
    public = _published(rss_document([entry(1, guid="tag:1", permalink=True), entry(2)]))
    assert '<guid isPermaLink="false">tag:1</guid>' in public
    assert f"<guid>{SITE}2</guid>" in public


def test_an_enclosure_gets_all_required_attributes() -> None:
    bare = (
        '<enclosure url="https://e.example.org/a.mp3"/>'
        '<enclosure url="https://e.example.org/b" length="-1" type="x"/>'
    )
    public = _published(rss_document([entry(1, extra=bare)]))
    assert 'url="https://e.example.org/a.mp3" length="0" type="audio/mpeg"' in public
    assert 'url="https://e.example.org/b" length="0" type="application/octet-stream"' in public


def test_an_author_with_an_address_is_an_author_and_one_without_a_creator() -> None:
    public = _published(
        rss_document([entry(1, author="ada@example.org (Ada)"), entry(2, author="Ben")])
    )
    assert "<author>ada@example.org (Ada)</author>" in public
    assert "<dc:creator>Ben</dc:creator>" in public


def test_date_of_change_is_written_as_atom_updated() -> None:
    changed = EPOCH.replace(hour=23)
    public = _published(atom_document([entry(1, updated=changed)]))
    (item,) = _read(public).entries
    assert item.updated_parsed[:6] == changed.timetuple()[:6]
    assert item.published_parsed != item.updated_parsed


@pytest.mark.row("U5")
def test_rss_document_depends_on_the_state_and_the_settings_only() -> None:
    document = rss_document([entry(1)])
    scene = Scene(document)
    scene.refresh()
    before = scene.public()
    scene.later(days=400)
    scene.says(Fetched(URL, document.replace(b"<item>", b"<item> ")))
    scene.refresh()
    assert scene.public() == before


def test_equal_documents_of_two_generations_have_different_bytes() -> None:
    scene = Scene(rss_document([entry(1)]))
    for body, generation in ((None, 1), ("<p>x</p>", 2), (None, 3)):
        scene.later(hours=1)
        scene.says(rss_document([entry(1, **({"summary": body} if body else {}))]))
        scene.refresh()
        assert f"<!-- feedmirror generation {generation} of " in scene.public()


RSS = next(made for made in formats() if made.name == "rss.xml")


@pytest.mark.row("U4")
@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (lambda d: d.replace("</item>", ""), "not be well-formed"),
        (
            lambda d: d.replace('class="feedmirror-disclaimer"', ""),
            r"lack a disclaimer in items \[1\]",
        ),
        (lambda d: d[: d.index("<item>")] + "</channel></rss>", "have 0 entries instead of"),
        (lambda d: d.replace("Entry 1", "Entry \x01"), "not be well-formed"),
    ],
)
def test_verify_refuses_a_broken_document_and_one_without_a_disclaimer(
    broken: Any, complaint: str
) -> None:
    scene = Scene(rss_document([entry(1)]))
    scene.refresh()
    feed, window = _state_of(scene)
    from feedmirror.publishing.disclaimer import attach

    settings = public_settings(SUBSCRIPTION)
    entries = tuple(attach(revision, settings, feed) for revision in window)
    publication = Publication(settings, feed, entries, (), NOW, f"{PUBLIC_URL}/news")
    document = RSS.render(publication).decode()
    RSS.verify(document.encode(), publication)
    with pytest.raises(RenderError, match=complaint):
        RSS.verify(broken(document).encode(), publication)


def _state_of(scene: Scene) -> tuple[Feed, tuple[Any, ...]]:
    from feedmirror.mirror import state_codec

    stored = scene.store.load("state/news.json")
    assert stored is not None
    loaded = state_codec.load(stored.body, "state")
    assert loaded.feed is not None
    return loaded.feed, entries_in(scene.store)


def test_a_path_of_a_feed_from_a_file_is_in_no_element() -> None:
    subscription = Subscription("news", "file:///home/someone/feed.xml")
    scene = Scene(Fetched("file:///home/someone/feed.xml", rss_document([entry(1)])))
    scene.configure(url=subscription.url)
    scene.origin.answers[subscription.url] = scene.origin.answers[URL]
    scene.refresh()
    assert "someone" not in scene.public()


def test_extension_elements_named_like_items_and_bodies_block_no_entry() -> None:
    inner = "<item>q</item><description>q</description><entry><summary type='html'/></entry>"
    extra = f"<o:a xmlns:o='urn:o'><o:b>{inner}</o:b></o:a>"
    scene = Scene(rss_document([entry(2, extra=extra), entry(1)]))
    assert scene.refresh().quarantined == ()
    for name in DOCUMENTS:
        assert "Entry 2" in scene.public(name)


def test_a_feed_without_title_link_and_description_gets_them_in_rss() -> None:
    public = _published(
        b'<rss version="2.0"><channel><item><title>x</title></item></channel></rss>'
    )
    assert "<title>news.example.org</title>" in public
    assert _problems(public) == []


def test_parsers_raise_parse_errors_only() -> None:
    with pytest.raises(ParseError):
        parse(Fetched(URL, b"<html/>"), frozenset())
