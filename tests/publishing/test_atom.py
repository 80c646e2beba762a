"""atom.xml: valid for any input, faithful to the origin, and equal to rss.xml in shared fields."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from test_rss import FEEDS

from builders import EPOCH, SITE, atom_document, entry, json_feed, rss_document
from feedmirror.errors import RenderError
from feedmirror.model import Disclaimer, Fetched, Subscription
from feedmirror.publishing.disclaimer import attach
from feedmirror.publishing.formats import formats
from feedmirror.publishing.formats.extension_elements import with_extension_elements
from feedmirror.publishing.publication import Publication
from feedmirror.publishing.redaction import public_settings
from feedmirror.text.urls import is_iri
from generate import FEED_URL, feeds
from generated.values import Generated
from scene import NOON, PUBLIC_URL, SUBSCRIPTION, URL, Scene
from schemas import grammar_problems, needs_schemas
from store_factories import entries_in, state_in
from validity import FROM_ORIGIN, atom_problems, disclaimers

NOTICE = "A sentence of the operator's."
NOW = datetime(2027, 1, 1, tzinfo=UTC)
ATOM = "{http://www.w3.org/2005/Atom}"
THEIRS = 'xmlns:atom="http://www.w3.org/2005/Atom" '
FORMAT = next(made for made in formats() if made.name == "atom.xml")


def _scene(answer: bytes | Fetched, **settings: Any) -> Scene:
    subscription = Subscription("news", URL, **{"disclaimer": Disclaimer(text=NOTICE), **settings})
    scene = Scene(answer, subscription=subscription)
    scene.now = NOW
    scene.refresh()
    return scene


def _published(answer: bytes | Fetched, **settings: Any) -> str:
    return _scene(answer, **settings).public("atom.xml")


def _problems(public: str) -> list[str]:
    return atom_problems(public.encode(), self_url=f"{PUBLIC_URL}/news/atom.xml", now=NOW)


def _read(public: str) -> Any:
    return feedparser.parse(io.BytesIO(public.encode()))


def _entries(public: str) -> list[Any]:
    return etree.fromstring(public.encode()).findall(f"{ATOM}entry")


def _one(answer: bytes | Fetched, **settings: Any) -> Any:
    (found,) = _entries(_published(answer, **settings))
    return found


# ---------------------------------------------------------------- valid


@pytest.mark.costly
@pytest.mark.parametrize("path", FEEDS, ids=lambda path: path.name)
def test_every_test_feed_is_published_valid_with_the_disclaimer_in_every_body(path: Path) -> None:
    public = _published(Fetched(URL, path.read_bytes()))
    assert [p for p in _problems(public) if p.split()[0] not in FROM_ORIGIN] == []
    for bodies in disclaimers(public.encode(), sentence=NOTICE):
        assert bodies, "an entry without a body"
        assert set(bodies.values()) == {1}, bodies


@needs_schemas
@pytest.mark.parametrize("path", FEEDS, ids=lambda path: path.name)
def test_atom_of_every_test_feed_validates_against_the_grammar(path: Path) -> None:
    assert grammar_problems(_published(Fetched(URL, path.read_bytes())).encode()) == []


@pytest.mark.slow
@given(feeds())
def test_every_generated_feed_is_published_valid(generated: Generated) -> None:
    public = _published(Fetched(FEED_URL, generated.document, generated.content_type))
    assert [p for p in _problems(public) if p.split()[0] not in FROM_ORIGIN] == []
    for bodies in disclaimers(public.encode(), sentence=NOTICE):
        assert set(bodies.values()) == {1}, bodies
    first = {(expected.guid, expected.link): expected for expected in reversed(generated.entries)}
    for expected in first.values():
        for word in (*expected.body_words, *expected.foreign_words):
            assert word in public
    read = _read(public)
    assert len(read.entries) == len(_read(_scene_rss(generated)).entries)


def _scene_rss(generated: Generated) -> str:
    return _scene(Fetched(FEED_URL, generated.document, generated.content_type)).public()


def test_a_plain_feed_of_each_kind_is_published_without_a_warning() -> None:
    entries = [entry(2, content="<p>All of two.</p>"), entry(1)]
    for document in (rss_document(entries), atom_document(entries), json_feed(entries)):
        public = _published(document)
        assert _problems(public) == []
        assert [each.title for each in _read(public).entries] == ["Entry 2", "Entry 1"]


def test_a_feed_with_hardly_any_element_gets_those_that_atom_demands() -> None:
    public = _published(
        b'<rss version="2.0"><channel><item><title>x</title></item></channel></rss>'
    )
    assert _problems(public) == []
    assert _read(public).feed.author == "news.example.org"


# ---------------------------------------------------------------- who and where


def test_id_is_the_guid_if_that_is_an_iri_and_derived_from_it_if_not() -> None:
    entries = [entry(3, guid="three", permalink=False), entry(2, guid="urn:x:2"), entry(1)]
    ids = [each.findtext(f"{ATOM}id") for each in _entries(_published(rss_document(entries)))]
    assert ids[2] == f"{SITE}1"
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", derived) for derived in ids[:2])
    assert ids[0] != ids[1]


def test_id_derived_from_a_guid_stays_when_the_entry_is_edited() -> None:
    def ids(summary: str) -> list[str]:
        plain = entry(1, guid="one", permalink=False, summary=summary)
        return [each.id for each in _read(_published(rss_document([plain]))).entries]

    assert ids("<p>a</p>") == ids("<p>b</p>")


@pytest.mark.parametrize(
    "text",
    [
        "https://a.example/x?y=1#z", "http://user@a.example:80/", "HTTPS://A.org/", "yt:video:a_b",
        "https://a.example/\u00e9", "tag:a.example,2026:x", "tag:me@a.example,2026-01-01:x/y#z",
        "urn:isbn:0451450523", "urn:uuid:60a76c80-d399-11d9-b93c-0003939e0af6", "mailto:a@b.org",
    ],
)  # fmt: skip
def test_absolute_iris_are_accepted_as_ids(text: str) -> None:
    assert is_iri(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "1", "a b", "/x", "x.html", "https://", "https:///x", "https://a.example/a b", "tag:1",
        "https://a.example/#a#b", "https://a.example:port/", "urn:x:1", "urn:uuid:1", "a:\n",
        "javascript:alert(1)", "data:text/html,x", "https://a.example/%zz", "https://a.example/{}",
    ],
)  # fmt: skip
def test_relative_and_executable_iris_are_refused_as_ids(text: str) -> None:
    assert not is_iri(text)


@given(
    st.sampled_from(
        ["", "https://", "http://a.org/", "urn:", "urn:uuid:", "tag:a.org,2026:", "x:"]
    ),
    st.text("aZ09:/?#%.@-_\u00e9 {}[]\n\u200b", max_size=12),
)
def test_any_guid_gives_a_valid_id(beginning: str, rest: str) -> None:
    guid = beginning + rest
    if is_iri(guid):
        document = f'<feed xmlns="{ATOM[1:-1]}"><id/></feed>'
        root = etree.fromstring(document)
        root[0].text = guid
        problems = atom_problems(b'<?xml version="1.0" encoding="utf-8"?>' + etree.tostring(root))
        assert not [p for p in problems if "/id" in p]


def test_every_entry_names_the_feed_it_is_from() -> None:
    extra = "<rights>Free</rights><link rel='hub' href='https://hub.example.org/'/>"
    plain = atom_document([entry(1)], extra_feed=extra, updated=EPOCH)
    source = _one(plain).find(f"{ATOM}source")
    assert source.findtext(f"{ATOM}id") == "tag:gazette.example.org,2026:feed"
    assert source.findtext(f"{ATOM}title") == "The Harbour Gazette"
    assert source.findtext(f"{ATOM}updated") == "2026-01-05T09:00:00Z"
    assert source.findtext(f"{ATOM}rights") == "Free"
    links = {link.get("rel"): link.get("href") for link in source.iterfind(f"{ATOM}link")}
    assert links == {"self": URL, "alternate": SITE}


def test_feed_that_has_no_id_is_named_by_its_address() -> None:
    assert _one(rss_document([entry(1)])).findtext(f"{ATOM}source/{ATOM}id") == URL


def test_source_of_the_origin_is_kept_as_the_only_source() -> None:
    other = "https://other.example.org/rss"
    ours = _one(rss_document([entry(1, source=("Other", other))]))
    assert ours.findtext(f"{ATOM}source/{ATOM}id") == other
    whole = (
        f"<source><id>urn:isbn:1</id><title type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>"
        f"A <b>planet</b></div></title><updated>2026-01-01T00:00:00Z</updated>"
        f"<link rel='self' href='{other}'/></source>"
    )
    public = _published(atom_document([entry(1, extra=whole)]))
    (source,) = _entries(public)[0].findall(f"{ATOM}source")
    assert source.findtext(f"{ATOM}title") == "A planet"
    assert _problems(public) == []


def test_path_of_a_feed_from_a_file_is_in_no_element() -> None:
    address = "file:///home/someone/feed.xml"
    for document in (rss_document([entry(1)]), atom_document([entry(1)])):
        scene = Scene(Fetched(address, document), subscription=Subscription("news", address))
        scene.refresh()
        assert "someone" not in scene.public("atom.xml")
        assert "someone" not in scene.public("feed.json")


def test_documents_of_a_feed_link_each_other_and_the_page_of_the_source() -> None:
    scene = _scene(rss_document([entry(1)]))
    folder = f"{PUBLIC_URL}/news"
    (feed, rss) = (_read(scene.public(name)).feed for name in ("atom.xml", "rss.xml"))
    assert [(link.rel, link.type, link.href) for link in feed.links] == [
        ("self", "application/atom+xml", f"{folder}/atom.xml"),
        ("alternate", "application/feed+json", f"{folder}/feed.json"),
        ("alternate", "application/rss+xml", f"{folder}/rss.xml"),
        ("alternate", "text/html", SITE),
    ]
    assert [(link.type, link.href) for link in rss.links if link.rel == "alternate"] == [
        ("text/html", SITE),
        ("application/atom+xml", f"{folder}/atom.xml"),
        ("application/feed+json", f"{folder}/feed.json"),
    ]
    assert feed.link == rss.link == SITE


def test_author_is_written_once_with_the_extensions_of_the_origin() -> None:
    person = (
        "<author xmlns:gd='http://schemas.google.com/g/2005'><name>Ada</name>"
        "<email>ada@example.org</email><gd:image src='https://a.example.org/ada.png'/></author>"
    )
    found = _one(atom_document([entry(1, author=None, extra=person)]))
    (author,) = found.findall(f"{ATOM}author")
    assert author.findtext(f"{ATOM}email") == "ada@example.org"
    assert author.find("{http://schemas.google.com/g/2005}image") is not None


def test_entries_without_an_author_have_that_of_the_feed() -> None:
    public = _published(rss_document([entry(2, author="Ben"), entry(1)]))
    assert _read(public).feed.author == "The Harbour Gazette"
    assert [each.get("author") for each in _read(public).entries] == ["Ben", None]
    every = _published(rss_document([entry(1, author="Ben")]))
    assert "author" not in _read(every).feed


# ---------------------------------------------------------------- what an entry says


def test_enclosures_comments_categories_and_languages_come_through() -> None:
    enclosure = ("https://e.example.org/a.mp3", 9, "audio/mpeg")
    document = rss_document(
        [entry(1, enclosures=[enclosure], comments=f"{SITE}1#c", categories=["tide & time"])],
        extra_channel="<language>pt-br</language>",
    )
    public = _published(document)
    (found,) = _read(public).entries
    links = {link.rel: link for link in found.links}
    assert (links["enclosure"].href, links["enclosure"].length) == (enclosure[0], "9")
    assert links["enclosure"].type == "audio/mpeg"
    assert links["replies"].href == f"{SITE}1#c"
    assert found.tags[0].term == "tide & time"
    assert _read(public).feed.language == "pt-br"


def test_scheme_of_a_category_that_is_no_iri_is_left_out() -> None:
    named = (
        '<category domain="topics">a</category><category domain="https://t.example/">b</category>'
    )
    terms = [
        dict(found.attrib)
        for found in _one(rss_document([entry(1, extra=named)])).iterfind(f"{ATOM}category")
    ]
    assert terms == [{"term": "a"}, {"term": "b", "scheme": "https://t.example/"}]


@pytest.mark.parametrize(
    ("title", "written"),
    [
        ("AT&T <3 you", "<title>AT&amp;T &lt;3 you</title>"),
        ("<b>bold</b>", '<title type="html">&amp;lt;b&amp;gt;bold&amp;lt;/b&amp;gt;</title>'),
        ("5 &amp; 6", '<title type="html">5 &amp;amp;amp; 6</title>'),
    ],
)
def test_title_is_declared_html_only_if_it_looks_like_markup(title: str, written: str) -> None:
    public = _published(json_feed([entry(1, title=title)]))
    assert f"<entry>\n{written}" in public
    assert _problems(public) == []


def test_bodies_keep_their_html() -> None:
    both = _one(rss_document([entry(1, summary="<p>s</p>", content="<p>x ]]&gt; y</p>")]))
    assert both.findtext(f"{ATOM}summary").startswith("<p>s</p>")
    assert both.findtext(f"{ATOM}content").startswith("<p>x ]]&gt; y</p>")
    short = _one(rss_document([entry(1, summary="<p>s</p>")]))
    assert short.findtext(f"{ATOM}summary").startswith("<p>s</p>")
    assert short.find(f"{ATOM}content") is None
    unlinked = _one(rss_document([entry(1, link=None, guid="tag:a.example,2026:1")]))
    assert unlinked.find(f"{ATOM}summary") is None
    assert "What entry 1 says." in unlinked.findtext(f"{ATOM}content")


# ---------------------------------------------------------------- dates


def _updated(*entries: Any) -> list[str]:
    return [e.findtext(f"{ATOM}updated") for e in _entries(_published(rss_document(entries)))]


def test_updated_is_the_date_of_the_origin() -> None:
    changed = EPOCH.replace(hour=23)
    documents = [atom_document([entry(n, updated=changed) for n in (2, 1)])]
    found = [e.findtext(f"{ATOM}updated") for e in _entries(_published(documents[0]))]
    assert found == ["2026-01-05T23:00:00Z"] * 2


def test_dates_that_the_mirror_adds_differ_and_keep_the_order_of_the_feed() -> None:
    dated = _updated(*(entry(n, published=EPOCH) for n in (3, 2, 1)))
    assert dated == [f"2026-01-05T09:00:00.00{n}Z" for n in (3, 2, 1)]
    undated = _updated(*(entry(n, published=None) for n in (3, 2, 1)))
    assert undated == sorted(set(undated), reverse=True)
    assert undated[0].startswith("2027-01-01T00:00:00.")


def test_updated_is_when_a_change_was_fetched_if_the_origin_has_no_date() -> None:
    scene = Scene(rss_document([entry(2), entry(1)]))
    scene.refresh()
    scene.later(hours=1)
    scene.says(rss_document([entry(2), entry(1, summary="<p>edited</p>")]))
    scene.refresh()
    _, edited = _read(scene.public("atom.xml")).entries
    assert edited.updated.startswith("2026-03-02T13:00:00")
    assert edited.published == "2026-01-05T10:00:00Z"


# ---------------------------------------------------------------- extension elements


def test_extension_elements_are_the_same_in_atom_and_rss() -> None:
    extra = (
        "<media:credit role='x'>Cy</media:credit><georss:point>1 2</georss:point>"
        "<o:pen xmlns:o='urn:open'><o:a/></o:pen><itunes:summary>short</itunes:summary>"
    )
    scene = _scene(rss_document([entry(1, extra=extra)]))
    for fragment in (
        '<media:credit role="x">Cy</media:credit>',
        "<georss:point>1 2</georss:point>",
        '<o:pen xmlns:o="urn:open"><o:a/></o:pen>',
        f"<itunes:summary>short\n\n{NOTICE}</itunes:summary>",
    ):
        assert fragment in scene.public("atom.xml")
        assert fragment in scene.public("rss.xml")


def test_elements_without_a_namespace_in_extension_elements_stay_without_one() -> None:
    live = "<podcast:liveItem status='live'><title>Live</title><guid>x</guid></podcast:liveItem>"
    public = _published(rss_document([entry(1)], extra_channel=live))
    item = etree.fromstring(public.encode()).find(
        "{https://podcastindex.org/namespace/1.0}liveItem"
    )
    assert [child.tag for child in item] == ["title", "guid"]
    assert _problems(public) == []


def test_atom_elements_of_an_rss_feed_are_kept_where_atom_allows_another() -> None:
    extra = (
        "<atom:link rel='related' href='https://a.example/r'/><atom:link rel='alternate' "
        "type='text/html' href='https://a.example/x'/><atom:updated>2026-01-05T12:00:00Z"
        "</atom:updated><atom:title>T</atom:title><atom:foo>x</atom:foo><atom:author><atom:uri>"
        "https://a.example/</atom:uri></atom:author><atom:contributor><atom:name>C</atom:name>"
        "</atom:contributor><atom:content type='html'>&lt;p&gt;all&lt;/p&gt;</atom:content>"
    )
    public = _published(rss_document([entry(1, extra=extra)]))
    assert _problems(public) == []
    (found,) = _entries(public)
    assert found.findtext(f"{ATOM}contributor/{ATOM}name") == "C"
    assert found.findtext(f"{ATOM}updated") == "2026-01-05T12:00:00Z"
    assert {link.get("rel") for link in found.iterfind(f"{ATOM}link")} == {"alternate", "related"}
    assert NOTICE in found.findtext(f"{ATOM}content")


FRAGMENTS = st.sampled_from(
    [
        *(f"<atom:{name}>x</atom:{name}>" for name in ("id", "title", "updated", "rights", "foo")),
        *(f'<atom:link rel="{rel}" href="https://a.example/"/>' for rel in ("via", "alternate")),
        "<atom:author><atom:name>Ada</atom:name></atom:author>",
        "<atom:source><atom:id>x</atom:id></atom:source>",
        '<atom:category term="a"/>',
        "<media:title>M</media:title>",
        "<x:a xmlns:x='urn:x'><b/></x:a>",
    ]
)
OWN = ("<id>a</id>", "<title>t</title>", "<author><name>Ada</name></author>", "<source></source>")


@given(st.lists(FRAGMENTS, max_size=8))
def test_elements_that_may_occur_once_occur_once_beside_any_extension_elements(
    fragments: list[str],
) -> None:
    found = list(with_extension_elements(OWN, fragments))
    names = [re.match(r"<(?:atom:)?([\w:]+)", each)[1] for each in found]  # type: ignore[index]
    for name in ("id", "title", "updated", "rights", "source", "author"):
        assert names.count(name) <= 1
    assert names[-1] == "source"
    assert names.count("media:title") == fragments.count("<media:title>M</media:title>")
    assert "foo" not in names


# ---------------------------------------------------------------- its bytes


@pytest.mark.row("U5")
def test_document_depends_on_the_state_and_the_settings_only() -> None:
    document = rss_document([entry(1)])
    scene = Scene(document)
    scene.refresh()
    before = scene.public("atom.xml")
    scene.later(days=400)
    scene.says(Fetched(URL, document.replace(b"<item>", b"<item> ")))
    scene.refresh()
    assert scene.public("atom.xml") == before
    assert "<!-- feedmirror generation 1 of " in before


@pytest.mark.row("U4")
@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (lambda d: d.replace("</entry>", ""), "not be well-formed"),
        (lambda d: d.replace('class="feedmirror-disclaimer"', ""), r"disclaimer in items \[1\]"),
        (lambda d: re.sub(r"<summary.*?</summary>", "", d, flags=re.DOTALL), r"items \[1\]"),
        (lambda d: d[: d.index("<entry>")] + "</feed>", "have 0 entries instead of"),
        (lambda d: d.replace("Entry 1", "Entry \x01"), "not be well-formed"),
        (
            lambda d: d.replace("</entry>", "<atom:content>bare</atom:content></entry>").replace(
                "<feed ", f"<feed {THEIRS}"
            ),
            r"disclaimer in items \[1\]",
        ),
    ],
)
def test_verify_refuses_a_broken_document_and_one_without_a_disclaimer(
    broken: Any, complaint: str
) -> None:
    scene = Scene(rss_document([entry(1)]))
    scene.refresh()
    state = state_in(scene.store)
    assert state.feed is not None
    settings = public_settings(SUBSCRIPTION)
    entries = tuple(attach(revision, settings, state.feed) for revision in entries_in(scene.store))
    publication = Publication(settings, state.feed, entries, (), NOON, f"{PUBLIC_URL}/news")
    document = FORMAT.render(publication).decode()
    FORMAT.verify(document.encode(), publication)
    with pytest.raises(RenderError, match=complaint):
        FORMAT.verify(broken(document).encode(), publication)
