"""Known items are not read: the answer is that of the whole document, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from cpu_time import within
from feedmirror.adapters.parser_messages import Parsed
from feedmirror.errors import ParseError
from feedmirror.model import Fetched, ParsedFeed
from feedmirror.parsing.decode import prepare_xml
from feedmirror.parsing.parse import parse, parse_shortened, parse_whole
from feedmirror.parsing.split import Part, split
from feedmirror.text.namespaces import ATOM, RDF
from locations import TESTS
from samples import sample_feeds

URL = "https://tides.example.org/feed"
RSS_1 = "http://purl.org/rss/1.0/"
RSS = '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/">'
LIMIT = 300_000  # elements of a document


def _fetched(document: str | bytes, content_type: str | None = None) -> Fetched:
    body = document if isinstance(document, bytes) else document.encode()
    return Fetched(URL, body, content_type)


def _answer(read: Callable[[], ParsedFeed]) -> str:
    """Return what the worker of the parser would send."""
    try:
        return json.encode(Parsed.of(read())).decode()
    except ParseError as error:
        return f"{error.kind}: {error}"


def _fingerprints(document: str | bytes) -> list[str]:
    return [item.fingerprint for item in parse_whole(_fetched(document), frozenset()).items]


def _split_fingerprints(document: str) -> frozenset[str]:
    return frozenset(item.fingerprint for item in split(prepare_xml(document)).items)


def _subsets(fingerprints: Iterable[str]) -> Iterator[frozenset[str]]:
    each = sorted(set(fingerprints))
    for size in range(len(each) + 1):
        yield from map(frozenset, combinations(each, size))


def _assert_same(
    fetched: Fetched, known: frozenset[str], part: Part | None = None
) -> ParsedFeed | None:
    """Compare with the whole document; return the answer without known items, if there is one."""
    expected = _answer(lambda: parse_whole(fetched, known, part))
    assert _answer(lambda: parse(fetched, known, part)) == expected
    return parse_shortened(fetched, known, part)


def _item(number: int, extra: str = "") -> str:
    """Return an item with markup, references and a CDATA section that quotes an end tag."""
    return (
        f'<item><title>tide {number} &amp; ebb &#8217;</title><guid isPermaLink="false">{number}'
        f"</guid><dc:creator>Maud</dc:creator><!-- <item> --><description><![CDATA[<p>h\u00f6he "
        f"{number}</p> &lt;/item&gt;]]></description><category>a</category>{extra}</item>"
    )


def _rss(*parts: str, channel: str = "<channel>") -> str:
    head = f"{channel}<title>Tides</title><link>https://tides.example.org/</link>"
    return f'<?xml version="1.0"?>\n{RSS}{head}{"".join(parts)}</channel></rss>\n'


def _rdf(*items: str) -> str:
    listed = '<items><rdf:Seq><rdf:li rdf:resource="urn:1"/></rdf:Seq></items>'
    return (
        f'<rdf:RDF xmlns:rdf="{RDF}" xmlns="{RSS_1}" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<channel rdf:about="urn:c"><title>Tides</title>{listed}</channel>'
        f"{''.join(items)}</rdf:RDF>"
    )


def _atom(*entries: str) -> str:
    head = "<title>Tides</title><id>urn:f</id><updated>2026-11-01T00:00:00Z</updated>"
    return f'<feed xmlns="{ATOM}" xml:lang="nl">{head}{"".join(entries)}</feed>'


def _entry(number: int) -> str:
    return (
        f'<entry xml:base="/a/"><title>tide {number}</title><id>urn:e:{number}</id>'
        f'<updated>2026-11-0{number}T00:00:00Z</updated><link href="{number}"/>'
        f'<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>{number}</p></div>'
        f"</content></entry>"
    )


ITEMS = [_item(number) for number in range(4)]
RDF_ITEMS = [
    f'<item rdf:about="urn:{n}">\n<title>tide {n}</title><link>/{n}</link></item>' for n in range(4)
]
ENTRIES = [_entry(number) for number in range(1, 5)]
FORMATS = {
    "rss": _rss("\n", *ITEMS, "\n"),
    "rss with a byte order mark": "\ufeff" + _rss(*ITEMS),
    "rss with a comment and a document type": "<!-- made by hand --><!DOCTYPE rss>\n"
    + _rss(*ITEMS),
    "rss with properties between and after items": _rss(
        ITEMS[0], "<language>nl</language>", *ITEMS[1:], "<ttl>60</ttl><dc:rights>none</dc:rights>"
    ),
    "rdf": _rdf(*RDF_ITEMS),
    "rdf with a text input": _rdf(*RDF_ITEMS, "<textinput><title>find</title></textinput>"),
    "atom": _atom(*ENTRIES),
    "the same item twice": _rss(ITEMS[0], ITEMS[1], ITEMS[0]),
    "one guid for two items": _rss(ITEMS[0], _item(0, "<category>b</category>"), ITEMS[1]),
    "tags across lines": _rss(ITEMS[0].replace("<item>", "<item\n  dc:a='>' >"), *ITEMS[1:]),
}


@pytest.mark.costly
@pytest.mark.parametrize("document", FORMATS.values(), ids=FORMATS)
def test_the_answer_is_the_same_whatever_is_known(document: str) -> None:
    fetched, fingerprints = _fetched(document), _fingerprints(document)
    for known in _subsets(fingerprints):
        shortened = _assert_same(fetched, known)
        assert (shortened is not None) == bool(known)


@pytest.mark.costly
@pytest.mark.parametrize("part", [Part(0, 0), Part(0), Part(1, 3), Part(2, 4)])
def test_the_answer_is_the_same_in_parts(part: Part) -> None:
    fetched, fingerprints = _fetched(_rss(*ITEMS)), _fingerprints(_rss(*ITEMS))
    for known in _subsets(fingerprints[:2]):
        _assert_same(fetched, known, part)


def test_of_known_items_only_the_fingerprint_is_said() -> None:
    first, *others = parse_whole(_fetched(_rss(*ITEMS)), frozenset()).items
    known = frozenset(item.fingerprint for item in others)
    said = parse(_fetched(_rss(*ITEMS)), known).items
    assert said[0] == first
    assert [(item.fingerprint, item.guid, item.link) for item in said[1:]] == [
        (item.fingerprint, None, None) for item in others
    ]


def test_items_of_an_earlier_document_are_known_in_any_order_between_new_ones() -> None:
    known = frozenset(_fingerprints(_rss(*ITEMS)))
    fetched = _fetched(_rss(ITEMS[3], _item(7), ITEMS[1], ITEMS[0], _item(8), ITEMS[2]))
    shortened = _assert_same(fetched, known)
    assert shortened is not None
    assert sorted(shortened.entries) == [1, 4]


@pytest.mark.costly
def test_known_items_cost_a_fraction_of_what_new_ones_cost() -> None:
    long = [_item(n, f"<category>{'quay ' * 20}</category>" * 50) for n in range(200)]
    document, known = _fetched(_rss(NEW, *long)), _split_fingerprints(_rss(*long))
    within(0.5, lambda: parse(document, known), than=lambda: parse_whole(document, known))


# ---------------------------------------------------------------- known bytes elsewhere

K, K2, NEW = ITEMS[0], ITEMS[1], _item(9)
PLAIN = "<item><title>a</title><guid>a</guid></item>"  # may be quoted, since it quotes nothing
ELSEWHERE = {
    "as the content of others": _rss("<item></item>", PLAIN, "<item/>", "<item> </item>"),
    "in CDATA of a new item": _rss(
        f"<item><title>b</title><author><![CDATA[{PLAIN}]]></author></item>"
    ),
    "in CDATA of a new item, after known items": _rss(
        K, f"<item><title>b</title><description><![CDATA[{PLAIN}]]></description></item>", K2
    ),
    "in CDATA of the feed": _rss(f"<description><![CDATA[{PLAIN}]]></description>", NEW),
    "in a comment": _rss(f"<!-- {PLAIN} -->", NEW),
    "in a comment before the root": f"<!-- {RSS}<channel>{PLAIN} -->{_rss(NEW)}",
    "in a processing instruction": _rss(f"<?a {PLAIN}?>", NEW),
    "in an attribute": _rss(f"<item><title a='{PLAIN}'>b</title></item>", NEW),
    "in an attribute of the root": f"<rss a='<channel>{PLAIN}'><channel>{NEW}</channel></rss>",
    "in a new item": _rss(f"<item><title>b</title>{PLAIN}</item>", NEW),
    "in an element of a new item": _rss(f"<item><source>{PLAIN}</source></item>", NEW),
    "in an extension element": _rss(f"<dc:x>{PLAIN}</dc:x>", NEW),
    "in an extension element alone": _rss(f"<dc:x>{PLAIN}</dc:x>"),
    "in an element of the feed": _rss(f"<image>{PLAIN}</image>", NEW),
    "beside the channel": f"{RSS}<channel><title>t</title>{NEW}</channel>{PLAIN}</rss>",
    "in another channel": f"{RSS}<channel>{NEW}</channel><channel>{PLAIN}</channel></rss>",
    "after the root": _rss(NEW) + PLAIN,
    "before the root": PLAIN + _rss(NEW),
    "as the root": PLAIN,
    "around nothing else": f"{RSS}{PLAIN}</rss>",
    "in a declared entity": f'<!DOCTYPE rss [<!ENTITY e "{PLAIN}">]>{_rss(NEW, K)}',
    "in a document type": f"<!DOCTYPE rss {PLAIN}>{_rss(NEW, K)}",
    "beyond a new item without an end": _rss(f"<item><title>b</title>{PLAIN}"),
    "where a new item ends early": _rss(f"<item><![CDATA[</item>{PLAIN}]]></item>", NEW),
    "cut off": _rss(NEW, PLAIN).partition("</channel>")[0],
    "cut off within CDATA": _rss(NEW, PLAIN) + f"<![CDATA[{PLAIN}",
    "cut off within the item": _rss(NEW, K, PLAIN).partition("</guid></item></channel>")[0],
    "in a document with a bare ampersand": _rss(PLAIN, "<copyright>a & b</copyright>", NEW),
    "in a document with an unknown prefix": _rss(PLAIN, "<media:x>b</media:x>", NEW),
    "in a document with a control character": _rss(PLAIN, NEW, "<copyright>\x01</copyright>"),
    "in a document with a reference to a C1 control": _rss(PLAIN, NEW, "<ttl>&#146;</ttl>"),
    "in a web page": f"<html><body>{PLAIN}</body></html>",
    "with other declarations around": _rss(PLAIN).replace(RSS, f'{RSS[:-1]} xmlns="{RSS_1}">'),
    "with a base around": _rss(PLAIN, channel='<channel xml:base="/b/">'),
    "with a language around": _rss(PLAIN, channel='<channel xml:lang="nl">'),
    "with space to be kept around": _rss(PLAIN, channel='<channel xml:space="preserve">'),
    "in another element": _rss(f"<items>{PLAIN}</items>", NEW),
    "with a channel in a comment": _rss(NEW, PLAIN, channel="<!-- <channel> --><channel a='b'>"),
    "under another name of the root": f"<rdf><channel>{PLAIN}</channel></rdf>",
    "after a declaration that a new item quotes": _rss(
        PLAIN, "<item><title><![CDATA[<?xml version='1.0'?>]]></title></item>", NEW
    ),
    "after a declaration that hides the root": _rss(PLAIN, "<?a <?xml version='1.0'?>", NEW),
    "with a declaration behind": _rss(PLAIN, f"{' ' * 4090}<?xml version='1.0'?>{_rss(PLAIN)}"),
}


@pytest.mark.costly
@pytest.mark.parametrize("document", ELSEWHERE.values(), ids=ELSEWHERE)
def test_what_looks_like_a_known_item_is_read_as_what_it_is(document: str) -> None:
    fingerprints = _fingerprints(_rss(K, K2, PLAIN))
    for known in _subsets(fingerprints):
        _assert_same(_fetched(document), known)


def test_known_item_within_a_new_one_is_part_of_the_new_one() -> None:
    known = frozenset(_fingerprints(_rss(PLAIN)))
    quoting = f"<item><title>b</title><description><![CDATA[</item>{PLAIN}]]></description></item>"
    (entry,) = parse(_fetched(_rss(quoting)), known).entries.values()
    assert PLAIN in (entry.original or "")


def test_a_known_item_within_other_start_tags_is_new() -> None:
    known = frozenset(_fingerprints(_rss(PLAIN)))
    other = _rss(PLAIN, channel="<!-- <channel> --><channel xml:lang='nl'>")
    assert list(parse(_fetched(other), known).entries) == [0]


@pytest.mark.costly
def test_an_item_at_the_position_of_a_quoted_one_is_not_taken_for_it() -> None:
    """Characters that XML forbids move what comes after them."""
    known = frozenset(_fingerprints(_rss(PLAIN)))
    for moved in range(40):
        extra = f"<copyright>{chr(1) * moved}</copyright>"
        document = _rss("<item></item>", f"<!--{PLAIN}-->", NEW, extra)
        _assert_same(_fetched(document), known)


@pytest.mark.parametrize(
    "item",
    ["<item><?a <?xml version='1.0'?><title>b</title></item>", "<item><!--<?xml a?>--></item>"],
)
def test_xml_declaration_in_a_known_item_is_found_where_it_was(item: str) -> None:
    def document(size: int, *more: str) -> str:
        first = f"<item><title>{'x' * size}</title></item>"
        return _rss(first, item, *more).partition("?>")[2]

    known = frozenset(_fingerprints(document(5_000)))
    for size in (0, 1_000, 5_000, 20_000):
        _assert_same(_fetched(document(size, NEW)), known)


def test_comments_and_sections_in_known_items_do_not_say_where_a_document_was_cut() -> None:
    item = "<item><title>a</title><!-- ]]> --></item>"
    known = frozenset(_fingerprints(_rss(item)))
    cut = _rss(f"<item><title>b</title><!-- <![CDATA[ --></item>{item}<!-- ")
    _assert_same(_fetched(cut), known)


@pytest.mark.parametrize(
    ("encoding", "content_type"),
    [
        ("utf-8", None),
        ("utf-8", "text/xml; charset=iso-8859-1"),
        ("iso-8859-1", None),
        ("iso-8859-1", "text/xml; charset=utf-8"),
        ("windows-1251", None),
    ],
)
def test_the_encoding_is_that_of_the_whole_document(
    encoding: str, content_type: str | None
) -> None:
    known = frozenset(_fingerprints(_rss(PLAIN)))
    text = _rss(PLAIN, NEW).replace("?>", f" encoding='{encoding}'?>", 1)
    for body in (text.encode(), text.encode(encoding, "xmlcharrefreplace")):
        _assert_same(_fetched(body, content_type), known)
    _assert_same(_fetched(text.encode("utf-16"), content_type), known)


def test_an_encoding_that_a_known_item_quotes_is_read_as_before() -> None:
    item = "<item><title>a</title><!-- <?xml encoding='iso-8859-1'?> --></item>"
    known = frozenset(_fingerprints(_rss(" " * 2_000, item)))
    for space in (0, 2_000):
        _assert_same(_fetched(_rss(" " * space, item, NEW)), known)


@pytest.mark.parametrize("bad", [b"\xff", b"\xed\xa0\xbd\xed\xb8\x80", b"\x92", b"\xc3"])
def test_bytes_that_are_not_utf_8_are_read_as_in_the_whole_document(bad: bytes) -> None:
    known = frozenset(_fingerprints(_rss(PLAIN)))
    body = _rss(PLAIN, NEW, "<copyright>XX</copyright>").encode()
    _assert_same(_fetched(body.replace(b"XX", bad)), known)
    _assert_same(_fetched(body + bad), known)


def test_known_items_of_xml_in_json_are_text() -> None:
    quoted = _rss(PLAIN).replace('"', "'")
    document = f'{{"version": "https://jsonfeed.org/version/1.1", "items": [], "a": "{quoted}'
    _assert_same(_fetched(document), frozenset(_fingerprints(quoted)))


@pytest.mark.slow
def test_elements_of_known_items_count_towards_the_limit() -> None:
    large = [f"<item><guid>{n}</guid>{'<dc:a/>' * (LIMIT * 2 // 3)}</item>" for n in range(2)]
    known = _split_fingerprints(_rss(large[0]))
    assert _assert_same(_fetched(_rss(*large)), known) is None


@pytest.mark.costly
def test_a_feed_is_described_after_an_item_with_as_many_fields_as_are_read() -> None:
    item = _item(1, "<category>a</category>" * 2_000)
    described = _rss(item, "<ttl>90</ttl>")
    assert parse_whole(_fetched(described), frozenset()).feed.ttl_s == 5_400
    _assert_same(_fetched(described), frozenset(_fingerprints(described)))


@given(
    st.recursive(
        st.sampled_from(["&#129;", "&#150;", "&#55357;", "&#56832;", "a", "&#"]),
        lambda inner: st.tuples(
            st.sampled_from(["&#1", "&#x8", "&#5535"]), inner, st.sampled_from(["29;", "1;", "7;"])
        ).map("".join),
        max_leaves=30,
    )
)
def test_preparing_a_document_twice_changes_nothing(text: str) -> None:
    prepared = prepare_xml(f"<rss>{text}</rss>")
    assert prepare_xml(prepared) == prepared


def test_references_within_references_end_somewhere() -> None:
    text = "&#129;"
    for _ in range(20):
        text = f"&#1{text}29;"
    prepared = prepare_xml(f"<rss>{text}</rss>")
    assert prepare_xml(prepared) == prepared
    known = frozenset(_fingerprints(_rss(f"<item><title>{text}</title></item>")))
    _assert_same(_fetched(_rss(f"<item><title>{text}</title></item>", NEW)), known)


# ---------------------------------------------------------------- generated documents

PIECES = st.sampled_from(
    "<item></item> <item> </item> <item/> <![CDATA[ ]]> <!-- --> <channel> </channel> <channel/> "
    "<dc:a> </dc:a> <?a ?> <?xml?> & &#146; \x01 \u00e9 </rss> <image> </image> <items> </items> "
    "<entry> <rss> { ]] ' \"".split(" ")
)
WRAPPED = st.builds(
    str.format,
    st.sampled_from(
        [
            "{}",
            "{}",
            "<!--{}-->",
            "<dc:a>{}</dc:a>",
            "<image>{}</image>",
            "<item><title>b</title>{}</item>",
            "<item><author><![CDATA[{}]]></author></item>",
            "<item><dc:a>{}</dc:a></item>",
            "<title><![CDATA[{}]]></title>",
            "<?a {}?>",
        ]
    ),
    st.sampled_from([*ITEMS[:2], PLAIN, PLAIN, NEW, "<item></item>"]),
)
KNOWN = frozenset(_fingerprints(_rss(*ITEMS[:2], PLAIN)))


@pytest.mark.slow
@given(
    st.lists(WRAPPED | WRAPPED | WRAPPED | PIECES, max_size=8),
    st.sets(st.sampled_from(sorted(KNOWN)), min_size=1),
)
def test_pieces_of_documents_in_any_order_are_read_as_the_whole(
    pieces: list[str], known: set[str]
) -> None:
    _assert_same(_fetched(_rss(*pieces)), frozenset(known))


@pytest.mark.slow
@given(st.data())
def test_damaged_documents_are_read_as_the_whole(data: st.DataObject) -> None:
    document = data.draw(st.sampled_from([_rss(*ITEMS, PLAIN), _rdf(*RDF_ITEMS), _atom(*ENTRIES)]))
    fingerprints = _fingerprints(document)
    known = data.draw(st.frozensets(st.sampled_from(fingerprints), min_size=1))
    body = document.encode()
    start = data.draw(st.integers(0, len(body)))
    length = data.draw(st.integers(0, 60))
    insert = data.draw(st.one_of(PIECES.map(str.encode), st.binary(max_size=3)))
    _assert_same(_fetched(body[:start] + insert + body[start + length :]), known)


# ---------------------------------------------------------------- feeds of others

DATA = [path for path in sorted((TESTS / "data").iterdir()) if path.is_file()]
SAMPLES = [pytest.param(path, marks=pytest.mark.slow) for path in sample_feeds()]


@pytest.mark.costly
@pytest.mark.parametrize("path", [*DATA, *SAMPLES], ids=lambda path: path.name)
def test_documents_of_others_are_read_as_the_whole(path: Path) -> None:
    fetched = _fetched(path.read_bytes())
    try:
        fingerprints = _fingerprints(fetched.body)
    except ParseError:
        fingerprints = []
    for known in (fingerprints[1:], fingerprints[:-1], fingerprints[:1] + fingerprints[3:]):
        _assert_same(fetched, frozenset(known))
