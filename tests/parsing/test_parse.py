"""Parsing of documents: items, repairs, truncated documents, and refusals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from builders import big_feed, entry, rss_document
from cpu_time import within
from effort import amount, some
from feedmirror.errors import Kind, ParseError
from feedmirror.model import Fetched, Item, ParsedFeed
from feedmirror.parsing.lenient import repair_names
from feedmirror.parsing.parse import parse
from feedmirror.text.namespaces import PREFIXES
from feedmirror.text.xml import quote
from generate import FEED_URL, feeds
from generated.values import Generated
from locations import DATA

URL = "https://a.example.org/feed.xml"
# What feedparser takes for items of theirs where no format has any; and where there is none.
LENIENT = {"login-page.html", "empty.xml", "README.md"}


def _parsed(document: str | bytes, known: frozenset[str] = frozenset()) -> ParsedFeed:
    body = document.encode() if isinstance(document, str) else document
    return parse(Fetched(URL, body, "application/xml"), known)


def _rss(inner: str, attributes: str = "") -> str:
    return f'<rss version="2.0" {attributes}><channel><title>t</title>{inner}</channel></rss>'


def _titles(document: str | bytes) -> list[str | None]:
    return [entry.title for entry in _parsed(document).entries.values()]


def _refused(document: str | bytes) -> Kind:
    with pytest.raises(ParseError) as refused:
        _parsed(document)
    return refused.value.kind


# ---------------------------------------------------------------- documents of every make


@pytest.mark.costly
@pytest.mark.parametrize("path", [p for p in DATA.iterdir() if p.name not in LENIENT], ids=str)
def test_every_feed_is_split_and_each_entry_keeps_its_original(path: Path) -> None:
    parsed = parse(Fetched(URL, path.read_bytes()), frozenset())
    assert parsed.feed.kind
    assert parsed.lossless
    assert parsed.complete is (path.name != "cut-off.xml")
    assert len(parsed.entries) == len(parsed.items) > 0
    for item, found in zip(parsed.items, parsed.entries.values(), strict=True):
        assert found.original is not None
        assert found.guid == item.guid


def test_the_original_is_the_bytes_between_the_tags() -> None:
    item = (
        "<item >\n<!-- c --><title\n>a&#x20;&amp;</title><x:y xmlns:x='urn:x' z = \"1\"/></item >"
    )
    assert _parsed(_rss(f"\n{item}\n")).entries[0].original == item


def test_only_unknown_items_are_read() -> None:
    document = rss_document([entry(number) for number in (3, 2, 1)])
    whole = _parsed(document)
    known = frozenset({whole.items[0].fingerprint, whole.items[2].fingerprint})
    part = _parsed(document, known)
    assert part.entries == {1: whole.entries[1]}
    first, new, last = whole.items
    assert part.items == (Item(first.fingerprint), new, Item(last.fingerprint))
    assert part.feed == whole.feed
    assert _parsed(document, frozenset(item.fingerprint for item in whole.items)).entries == {}


def test_an_item_without_content_is_an_entry_without_content() -> None:
    parsed = _parsed(_rss("<item/><item></item><item><title>a</title></item>"))
    assert (parsed.lossless, len(parsed.items)) == (True, 3)
    assert [found.title for found in parsed.entries.values()] == [None, None, "a"]


def test_the_base_of_an_entry_is_not_that_of_the_next() -> None:
    content = "<content type='html'>&lt;img src='a.png'&gt;</content>"
    entries = (
        f"<entry xml:base='https://b.example.org/c/'><id>1</id>{content}</entry>"
        f"<entry><id>2</id>{content}</entry>"
    )
    parsed = _parsed(f"<feed xmlns='http://www.w3.org/2005/Atom'>{entries}</feed>")
    assert "https://b.example.org/c/a.png" in (parsed.entries[0].content or "")
    assert parsed.entries[1].content == '<img src="https://a.example.org/a.png">'


def test_two_channels_are_one_feed_with_the_items_of_both() -> None:
    one = "<channel><item><title>a</title></item></channel>"
    two = "<channel xml:base='https://b.example.org/'><item><title>b</title><link>c</link></item></channel>"
    parsed = _parsed(f"<rss version='2.0'>{one}{two}</rss>")
    assert [found.title for found in parsed.entries.values()] == ["a", "b"]
    assert parsed.entries[1].link == "https://b.example.org/c"


@pytest.mark.row("P6")
def test_a_path_of_a_file_is_no_feed() -> None:
    assert _refused(str(DATA / "rss-2.0.xml")) is Kind.NOT_A_FEED


# ---------------------------------------------------------------- mended


def test_bare_ampersands_and_named_entities_are_repaired() -> None:
    document = _rss(
        "<item><title>A & B &nbsp;&eacute;&hearts;&#8217;&unknown; &amp; &lt;b></title>"
        "<link>https://a.example.org/?a=1&b=2&copy=3</link>"
        "<description><![CDATA[a & b &nbsp;]]> & c</description></item>"
    )
    parsed = _parsed(document)
    assert parsed.lossless
    assert parsed.entries[0].title == "A & B \xa0é♥\u2019&unknown; & <b>"
    assert parsed.entries[0].link == "https://a.example.org/?a=1&b=2&copy=3"
    assert parsed.entries[0].summary == "a &amp; b &nbsp; &amp; c"


@pytest.mark.row("R4")
@pytest.mark.parametrize(
    "bad", ["&#0;", "&#x1F;", "&#xD800;", "&#xFFFE;", "&#x110000;", "&#1114112;"]
)
def test_references_to_characters_that_xml_forbids_are_left_out(bad: str) -> None:
    parsed = _parsed(_rss(f"<item><title>a{bad}b</title></item><item><title>c</title></item>"))
    assert parsed.lossless
    assert [found.title for found in parsed.entries.values()] == ["ab", "c"]


@pytest.mark.parametrize(
    "entity", ["&LT;", "&GT;", "&AMP;", "&QUOT;", "&lbrack;&rbrack;&rbrack;&GT;"]
)
def test_a_named_entity_never_becomes_markup(entity: str) -> None:
    parsed = _parsed(_rss(f"<item a='{entity}'><title>{entity}item></title></item>"))
    assert (parsed.lossless, len(parsed.items)) == (True, 1)


def test_undeclared_well_known_prefixes_are_declared() -> None:
    inner = "<media:content url='/a.mp4'/><content:encoded>b & c</content:encoded>"
    parsed = _parsed(_rss(f"<item><title>a</title>{inner}</item>"))
    assert parsed.lossless
    assert parsed.entries[0].content == "b &amp; c"
    assert parsed.entries[0].extension_elements == (
        '<media:content url="https://a.example.org/a.mp4"/>',
    )


def test_unknown_undeclared_prefixes_are_left_to_the_lenient_parser() -> None:
    parsed = _parsed(_rss("<item><title>a</title><foo:bar>b</foo:bar></item>"))
    assert [found.title for found in parsed.entries.values()] == ["a"]
    assert not parsed.lossless


@pytest.mark.parametrize(
    "junk", ["<script>x</script>", "words", "<!-- 3 ms --><br>", "&", "</rss>"]
)
def test_text_after_a_feed_costs_no_entry(junk: str) -> None:
    parsed = _parsed(_rss("<item><title>a</title></item><item><title>b</title></item>") + junk)
    assert (parsed.lossless, parsed.complete, len(parsed.entries)) == (True, True, 2)


# ---------------------------------------------------------------- read whole


@pytest.mark.parametrize(
    "document",
    [
        _rss("<item><title>a < b</title></item><item><title>c</title></item>"),
        _rss("<item><title>a</title><b></item><item><title>c</title></item>"),
        _rss("<item><title>a</title></item><item><title>c</title></item></channel>"),
        _rss("<items><item><title>a</title></item><item><title>c</title></item></items>"),
    ],
)
def test_a_broken_document_is_read_whole_without_originals(document: str) -> None:
    parsed = _parsed(document)
    assert (parsed.lossless, parsed.complete) == (False, True)
    assert len(parsed.entries) == 2
    assert [found.original for found in parsed.entries.values()] == [None, None]
    assert _parsed(document).items == parsed.items


@pytest.mark.row("P3")
def test_names_without_an_end_are_searched_once() -> None:
    whole, eighth = "<links " * 500_000, "<links " * 62_500
    assert within(3 * 8, lambda: repair_names(whole), than=lambda: repair_names(eighth)) == ""


def test_an_author_of_a_broken_document_stands_on_one_line() -> None:
    (found,) = _parsed(_rss("<item><author>A\n  B</author><b></item>")).entries.values()
    assert [author.name for author in found.authors] == ["A B"]


def test_a_guid_of_a_broken_document_is_not_resolved() -> None:
    (found,) = _parsed(_rss("<item><guid>/a</guid><link>/b</link><b></item>")).entries.values()
    assert (found.guid, found.link) == ("/a", "https://a.example.org/b")


@pytest.mark.row("P8")
@pytest.mark.parametrize(
    "name",
    "links tags authors Contributors enclosures title_detail x:summary_detail published_parsed "
    "gml:pos gml:posList".split(),
)
def test_no_element_name_is_mistaken_for_data_of_the_lenient_parser(name: str) -> None:
    """As `<links>` is one letter away from a link; text that stood in its place was no list."""
    odd = f"<{name}>q</{name}><{name} a='b'/><{name} never ended"
    known = "<link>/b</link><category>c</category><author>d</author><title>e</title>"
    items = f"<item>{odd}{known}</item><item>{known}{odd}<b></item><item>{known}</item>"
    parsed = _parsed(_rss(f"{odd}{items}{odd}"))
    assert not parsed.lossless
    for found in parsed.entries.values():
        assert (found.title, found.link) == ("e", "https://a.example.org/b")
        assert ([c.term for c in found.categories], len(found.authors)) == (["c"], 1)


def test_a_broken_document_without_its_end_loses_its_last_entry() -> None:
    parsed = _parsed(_rss("<item><title>a < b</title></item><item><title>c</title>")[:-16])
    assert (parsed.lossless, parsed.complete, len(parsed.entries)) == (False, False, 1)


# ---------------------------------------------------------------- cut off


@pytest.mark.row("P7")
@pytest.mark.slow
@settings(max_examples=amount(15))
@given(data=st.data(), generated=feeds(least=2))
def test_a_cut_document_holds_no_entry_that_the_whole_one_does_not(
    data: st.DataObject, generated: Generated
) -> None:
    def parsed(document: bytes) -> ParsedFeed:
        return parse(Fetched(FEED_URL, document, generated.content_type), frozenset())

    whole = parsed(generated.document)
    size = len(generated.document)
    for end in data.draw(st.lists(st.integers(1, size - 1), min_size=8, max_size=8), label="ends"):
        try:
            part = parsed(generated.document[:end])
        except ParseError:
            continue
        assert part.items == whole.items[: len(part.items)]
        assert part.entries == {index: whole.entries[index] for index in range(len(part.items))}
        assert part.complete is False or generated.document[end:].strip(b"\0 \r\n>") == b""


@pytest.mark.row("P7")
@pytest.mark.slow
def test_of_a_document_that_is_cut_anywhere_the_whole_entries_are_kept() -> None:
    document = rss_document([entry(number) for number in (3, 2, 1)]).rstrip()
    whole = _parsed(document)
    ends = [
        document.index(f"{found.original}".encode()) + len(f"{found.original}".encode())
        for found in whole.entries.values()
    ]
    for end in some(range(len(document)), 3):
        kept = sum(place <= end for place in ends)
        if kept == 0:
            assert _refused(document[:end]) in {Kind.NOT_A_FEED, Kind.EMPTY}
            continue
        part = _parsed(document[:end])
        assert part.lossless
        assert not part.complete
        assert part.items == whole.items[:kept]
        assert part.entries == {index: whole.entries[index] for index in range(kept)}


@pytest.mark.row("P7")
def test_a_document_cut_within_its_first_entry_is_an_error_of_its_own() -> None:
    for document in ("<rss version='2.0'><channel>", "<feed xmlns='http://www.w3.org/2005/Atom'>"):
        with pytest.raises(ParseError, match="cut off before"):
            _parsed(f"{document}<title>t</title>")
    with pytest.raises(ParseError, match="cut off before"):
        _parsed("<rss version='2.0'><channel><item><title>a</title>")


def test_a_feed_that_has_no_entries_is_a_feed() -> None:
    parsed = _parsed(_rss(""))
    assert (parsed.items, parsed.complete, parsed.lossless) == ((), True, True)
    assert parsed.feed.kind == "RSS 2.0"


# ---------------------------------------------------------------- refused


_UNREAD = "<item><title>One</title><link>https://a.example.org/1</link></item>"


@pytest.mark.parametrize(
    "document",
    [
        "<rss version=2.0><rss:channel><rss:title>T</rss:title>"
        + _UNREAD.replace("<", "<rss:").replace("<rss:/", "</rss:")
        + "</rss:channel></rss>",
        '<rss version="2.0"><channel><title>T</title><x xmlns:y="urn:y">'
        + _UNREAD.replace("item>", "y:item>")
        + "</x></channel></rss>",
        f"<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title>{_UNREAD}</feed>".replace(
            "item>", "z:entry>"
        ).replace("<feed", "<feed xmlns:z='https://z.example.org/ns'"),
    ],
    ids=["undeclared", "nested", "foreign"],
)
def test_a_document_whose_items_cannot_be_read_is_not_an_empty_feed(document: str) -> None:
    with pytest.raises(ParseError, match=r"item|entry") as caught:
        _parsed(document)
    assert caught.value.kind is Kind.NOT_A_FEED


@pytest.mark.parametrize(
    "quoted", [f"<!-- {_UNREAD} -->", f"<description><![CDATA[{_UNREAD}]]></description>"]
)
def test_an_item_that_is_only_quoted_leaves_the_feed_empty(quoted: str) -> None:
    feed = f"<rss version='2.0'><channel><title>T</title>{quoted}</channel></rss>"
    assert _parsed(feed).items == ()


@pytest.mark.row("P10")
@pytest.mark.parametrize("document", [b"", b" \r\n\t", b"\xef\xbb\xbf", b"\xff\xfe \x00"])
def test_an_empty_document_is_refused_as_empty(document: bytes) -> None:
    assert _refused(document) is Kind.EMPTY


@pytest.mark.row("P10")
@pytest.mark.parametrize(
    "document",
    [
        "<!DOCTYPE html><html><head><title>Log in</title></head><body><form/></body></html>",
        "<!doctype html><meta charset=utf-8><title>Just a moment...</title><p>One &amp; two<br>",
        "<html xmlns='http://www.w3.org/1999/xhtml'><body><item><title>x</title></item></body></html>",
        "<opml version='2.0'><body><outline text='a' xmlUrl='/a'/></body></opml>",
        "<urlset><url><loc>https://a.example.org/</loc></url></urlset>",
        "<Error><Code>AccessDenied</Code></Error>",
        "<?xml version='1.0'?><!-- nothing -->",
        "<",
        "words",
        "%PDF-1.7 <<>>",
    ],
)
def test_a_document_that_is_no_feed_is_refused_as_such(document: str) -> None:
    assert _refused(document) is Kind.NOT_A_FEED


def test_sample_files_that_are_no_feed_are_refused() -> None:
    assert _refused((DATA / "login-page.html").read_bytes()) is Kind.NOT_A_FEED
    assert _refused((DATA / "empty.xml").read_bytes()) is Kind.EMPTY


# ---------------------------------------------------------------- one hostile item among others

POISON = {
    "author": "<author>" + "a." * 500_000 + "@</author>",
    "blanks": "<author>" + " " * 500_000 + "x</author>",
    "lines": "<description>" + "\n" * 500_000 + "x</description>",
    "date": "<pubDate>" + "Mon, " * 100_000 + "</pubDate>",
    "digits": "<pubDate>" + "1" * 500_000 + "</pubDate>",
    "title": "<title>" + "&lt;br " * 100_000 + "&lt;/b></title>",
    "bases": "<source>" + "<b base='http:a/'>" * 40 + "</b>" * 40 + "</source>",
    "xml bases": "<x:a xmlns:x='urn:x'>"
    + "<x:b xml:base='http:a/'>" * 40
    + "</x:b>" * 40
    + "</x:a>",
    "categories": "".join(f"<category>{number}</category>" for number in range(20_000)),
    "links": "".join(f"<link>https://a.example.org/{number}</link>" for number in range(20_000)),
    "descriptions": "<description>a</description>" * 20_000,
    "inputs": "<textinput><title>x</title></textinput><image><url>x</url></image>",
    "elements": "<m:a xmlns:m='urn:m'/>" * 50_000,
    "nesting": "<description>" + "&lt;div>" * 100_000 + "</description>",
    "markup in another vocabulary": "<x xmlns='urn:x'>" + "&lt;a onx" * 100_000 + "</x>",
    "attribute": "<x xmlns='urn:x' y='" + "a" * 5_000_000 + "'/>",
}


@pytest.mark.row("P3", "P4", "P5", "P8")
@pytest.mark.slow
@pytest.mark.parametrize("poison", POISON)
def test_one_hostile_item_spoils_no_other_and_takes_no_time(poison: str) -> None:
    good = "<item><title>good</title><link>/good</link></item>"
    bad = f"<item><guid>bad</guid>{POISON[poison]}</item>"
    usual = f"<item><description>{'words ' * (len(bad) // 6)}</description></item>"
    document = _rss(good + bad + good)
    # Quadratic is a hundred times as much.
    parsed = within(1_000, lambda: _parsed(document), than=lambda: _parsed(_rss(usual)))
    assert parsed.lossless
    assert [parsed.entries[0].title, parsed.entries[2].title] == ["good", "good"]
    assert parsed.entries[2].link == "https://a.example.org/good"
    assert parsed.entries[1].guid == "bad"


def test_an_item_s_image_and_input_leave_the_feed_alone() -> None:
    inner = "<image><url>/x</url></image><textinput><title>x</title></textinput>"
    parsed = _parsed(_rss(f"<image><url>/i.png</url></image><item>{inner}</item>"))
    assert parsed.feed.title == "t"
    assert parsed.feed.image is not None
    assert parsed.feed.image.url == "https://a.example.org/i.png"


# ---------------------------------------------------------------- other vocabularies


@settings(max_examples=amount(15))
@given(feeds(confusable=True))
def test_fragments_are_well_formed_wherever_they_stand_and_keep_their_words(
    generated: Generated,
) -> None:
    parsed = parse(Fetched(FEED_URL, generated.document, generated.content_type), frozenset())
    spaces = " ".join(f"xmlns:{prefix}={quote(uri)}" for prefix, uri in PREFIXES.items())
    for found, expected in zip(parsed.entries.values(), generated.entries, strict=True):
        shown = "".join(_shown(found.extension_elements))
        root = etree.fromstring(f"<rss {spaces}>{shown}</rss>")
        words = " ".join(
            (*root.itertext(), *(v for node in root.iter() for v in node.attrib.values()))
        )
        for word in expected.foreign_words:
            assert word in words


def _shown(fragments: tuple[str, ...]) -> Iterator[str]:
    """The fragments with their slots taken out."""
    return ("".join(c for c in fragment if c not in "\x01\x02\x03\x04") for fragment in fragments)


def test_a_link_of_another_vocabulary_makes_no_link_of_an_id() -> None:
    found = (
        "<id>https://a.example/1</id><title>a</title><x:link xmlns:x='tag:x'>https://b/</x:link>"
    )
    document = f'<feed xmlns="http://www.w3.org/2005/Atom"><entry>{found}</entry></feed>'
    (entry,) = _parsed(document).entries.values()
    assert (entry.guid, entry.link) == ("https://a.example/1", None)


@settings(max_examples=amount(15))
@given(feeds(confusable=True))
def test_extension_elements_are_not_taken_for_properties_of_the_entry(
    generated: Generated,
) -> None:
    parsed = parse(Fetched(FEED_URL, generated.document, generated.content_type), frozenset())
    assert parsed.lossless
    for found, expected in zip(parsed.entries.values(), generated.entries, strict=True):
        assert (found.guid, found.link, found.title) == (
            expected.guid,
            expected.link,
            expected.title,
        )
        body = f"{found.summary} {found.content}"
        for word in expected.body_words:
            assert word in body


# ---------------------------------------------------------------- what it costs


@pytest.mark.slow
def test_one_new_entry_of_thirty_is_read_in_a_fraction_of_the_time_of_all() -> None:
    document = Fetched(URL, big_feed(), "application/rss+xml")
    whole = parse(document, frozenset())
    known = frozenset(item.fingerprint for item in whole.items[1:])
    assert len(whole.items) == 30

    within(1 / 4, lambda: parse(document, known), than=lambda: parse(document, frozenset()))


def test_a_title_behind_thousands_of_extension_elements_is_read() -> None:
    many = '<x:a xmlns:x="urn:x"/>' * 3_000
    feed = f"<rss version='2.0'><channel><item>{many}<title>Behind</title></item></channel></rss>"
    (entry,) = parse(Fetched("https://a.example.org/", feed.encode()), frozenset()).entries.values()
    assert entry.title == "Behind"
    assert len(entry.extension_elements) == 3_000


# ---------------------------------------------------------------- feeds that a web page names


PAGE = "https://blog.example.org/news/"
LINK = '<link rel="alternate" type="application/rss+xml" href="feed.xml">'


@pytest.mark.parametrize("page", ["<html><head>{}</head><p>a", "<!DOCTYPE html><head>{}<br>"])
def test_a_web_page_in_place_of_a_feed_is_refused_with_the_feed_it_names(page: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(Fetched(PAGE, page.format(LINK).encode(), "text/html"), frozenset())
    assert caught.value.kind is Kind.NOT_A_FEED
    assert PAGE + "feed.xml" in str(caught.value)
