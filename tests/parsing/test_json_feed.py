"""JSON Feed as input, well-formed and not."""

from __future__ import annotations

import codecs
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmirror.errors import Kind, ParseError
from feedmirror.model import (
    Author,
    Category,
    Context,
    Enclosure,
    Entry,
    Fetched,
    Image,
    Item,
    ParsedFeed,
)
from feedmirror.parsing.parse import parse
from locations import DATA

URL = "https://a.example.org/feed.json"
VERSION = "https://jsonfeed.org/version/1.1"


def _parsed(document: str | bytes, known: frozenset[str] = frozenset()) -> ParsedFeed:
    body = document.encode() if isinstance(document, str) else document
    return parse(Fetched(URL, body, "application/feed+json"), known)


def _feed(*items: object, **head: object) -> str:
    return json.dumps({"version": VERSION, "title": "t", **head, "items": list(items)})


def _entry(**item: object) -> Entry:
    (entry,) = _parsed(_feed(item)).entries.values()
    return entry


def _refused(document: str) -> Kind:
    with pytest.raises(ParseError) as refused:
        _parsed(document)
    return refused.value.kind


# ---------------------------------------------------------------- what it says


@pytest.mark.parametrize(("name", "kind"), [("1.0", "JSON Feed 1.0"), ("1.1", "JSON Feed 1.1")])
def test_both_versions_are_read(name: str, kind: str) -> None:
    parsed = _parsed((DATA / f"json-feed-{name}.json").read_bytes())
    assert parsed.feed.kind == kind
    assert parsed.feed.title
    assert len(parsed.entries) == 2
    assert (parsed.lossless, parsed.complete) == (True, True)


def test_all_members_of_an_item_are_read() -> None:
    entry = _entry(
        id="urn:1",
        url="/1?a=b",
        external_url="https://b.example.org/",
        title=" <b>not markup</b> ",
        content_html="<p onclick='x'>a <img src='a.png'></p>",
        content_text="ignored",
        summary="s & t",
        date_published="2026-03-02T13:00:00+01:00",
        date_modified="2026-03-02T12:00:60Z",
        language="de",
        authors=[{"name": "A", "url": "https://a.example.org/a"}, {"name": "B"}, {}],
        tags=["x", " x ", "y", "", 7],
        attachments=[
            {"url": "a.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 5, "title": "A"},
            {"url": "javascript:x", "mime_type": "a/b"},
            "nonsense",
        ],
        _extension={"about": "https://b.example.org/"},
    )
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert (entry.guid, entry.link) == ("urn:1", "https://a.example.org/1?a=b")
    assert entry.title == "<b>not markup</b>"
    assert entry.content == '<p>a <img src="https://a.example.org/a.png"></p>'
    assert entry.summary == "<p>s &amp; t</p>"
    assert (entry.published, entry.updated) == (noon, noon.replace(second=59))
    assert entry.language == "de"
    assert entry.authors == (Author("A", None, "https://a.example.org/a"), Author("B"))
    assert entry.categories == (Category("x"), Category("y"))
    assert entry.enclosures == (Enclosure("https://a.example.org/a.mp3", "audio/mpeg", 5, "A"),)


def test_all_members_of_a_feed_are_read() -> None:
    head = {
        "home_page_url": "https://a.example.org/",
        "feed_url": "https://a.example.org/feed.json",
        "description": "d",
        "icon": "/i.png",
        "language": "en",
        "author": {"name": "A"},
        "authors": [{"name": "A"}, {"name": "B"}],
    }
    feed = _parsed(_feed(**head)).feed
    assert (feed.title, feed.link, feed.description) == ("t", "https://a.example.org/", "d")
    assert feed.id == "https://a.example.org/feed.json"
    assert (feed.language, feed.image) == ("en", Image("https://a.example.org/i.png"))
    assert feed.authors == (Author("A"), Author("B"))


@pytest.mark.parametrize(
    ("written", "guid"),
    [
        ('"urn:1"', "urn:1"),
        ("17", "17"),
        ("17.0", "17"),
        ("1.5", "1.5"),
        ("1e3", "1000"),
        ("-0", "0"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("true", None),
        ("null", None),
        ("[1]", None),
        ("1e999", None),
        ("NaN", None),
        ('" "', None),
        ('"\\ud800"', None),
        ('"a\\u0000b"', "ab"),
    ],
)
def test_an_id_is_a_string_or_a_number(written: str, guid: str | None) -> None:
    document = f'{{"version":"{VERSION}","items":[{{"id":{written},"url":"/1"}}]}}'
    parsed = _parsed(document)
    assert (parsed.items[0].guid, parsed.entries[0].guid) == (guid, guid)
    assert parsed.items[0].link == "/1"


def test_an_item_may_be_empty() -> None:
    assert _entry() == Entry(original="{}", context=Context())
    assert _entry(title=None, content_html=7, authors="A", tags={}, attachments=3) == Entry(
        original='{"title": null, "content_html": 7, "authors": "A", "tags": {}, "attachments": 3}',
        context=Context(),
    )


@pytest.mark.parametrize(
    ("size", "expected"),
    [(5, 5), (5.0, 5), (-1, None), (1e300, None), (float("nan"), None), (True, None), ("a", None)],
)
def test_an_invalid_size_of_an_attachment_is_left_out(size: object, expected: int | None) -> None:
    entry = _entry(attachments=[{"url": "/a", "mime_type": "a/b", "size_in_bytes": size}])
    assert entry.enclosures[0].length_bytes == expected


def test_text_is_the_content_of_an_item_without_html() -> None:
    assert _entry(content_text="a <b>\r\n\r\nc").content == "<p>a &lt;b&gt;</p><p>c</p>"
    assert _entry(content_text="a", content_html="").content == "<p>a</p>"
    assert _entry(content_text="a", content_html="<script>x</script>").content == "<p>a</p>"


def test_the_last_of_two_equal_keys_counts() -> None:
    document = (
        '{"version":"1","version":"%s","items":[{"id":"a","id":"b"}],"items":[{"id":"c","id":"d"}]}'
    )
    assert [item.guid for item in _parsed(document % VERSION).items] == ["d"]


def test_only_items_that_are_not_known_are_read() -> None:
    document = _feed({"id": "a"}, {"id": "b"}, {"id": "c"})
    whole = _parsed(document)
    known = frozenset({whole.items[0].fingerprint, whole.items[2].fingerprint})
    part = _parsed(document, known)
    assert part.entries == {1: whole.entries[1]}
    first, new, last = whole.items
    assert part.items == (Item(first.fingerprint), new, Item(last.fingerprint))
    assert part.feed == whole.feed


def test_a_fingerprint_is_of_the_item_s_text_alone() -> None:
    one, other = _feed({"id": "a"}), _feed({"id": "b"}, {"id": "a"}, title="u")
    assert _parsed(one).items[0] == _parsed(other).items[1]
    assert _parsed(one).items[0] != _parsed(_feed({"id": "a", "x": 1})).items[0]


def test_the_original_is_the_text_of_the_item() -> None:
    written = '{ "id" : 1.0,\n "\\u0061": "\\ud83d\\ude42", "a": 1e3 }'
    document = f'{{"version":"{VERSION}","items":[ {written} , {{}} ]}}'
    assert [entry.original for entry in _parsed(document).entries.values()] == [written, "{}"]


# ---------------------------------------------------------------- encodings


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (b"", "utf-16-be"),
        (b"", "utf-32-le"),
    ],
)
def test_json_is_read_in_every_unicode_encoding(mark: bytes, encoding: str) -> None:
    document = json.dumps({"version": VERSION, "items": [{"id": "Ω🙂"}]}, ensure_ascii=False)
    assert _parsed(mark + document.encode(encoding)).items[0].guid == "Ω🙂"


# ---------------------------------------------------------------- damaged, cut, hostile


@pytest.mark.row("P10")
@pytest.mark.parametrize(
    "document",
    [
        "{}",
        '{"a": 1}',
        '{"version": "https://jsonfeed.org/version/1"}',
        '{"version": "https://jsonfeed.org/version/1", "items": {}}',
        '{"version": "https://jsonfeed.org/version/1", "items": null}',
        '{"version": "https://example.org/", "items": []}',
        '{"version": 1, "items": []}',
        '{"items": [{"id": "1"}]}',
        '{"items": [{"id": "1", "content_text": "a"}, {"content_text": "b"}]}',
        '{"version": "https://jsonfeed.org/version/1", "items": [{"id": 1},]}',
        '{"version": "https://jsonfeed.org/version/1", "items": [{"id": 1 "a": 2}]}',
        '{"version": "https://jsonfeed.org/version/1" "items": []}',
        "{'version': 'https://jsonfeed.org/version/1', 'items': []}",
        "{",
        '{"version',
        "[]",
        '["https://jsonfeed.org/version/1"]',
        '"https://jsonfeed.org/version/1"',
    ],
)
def test_json_that_is_no_feed_or_damaged_is_refused(document: str) -> None:
    assert _refused(document) is Kind.NOT_A_FEED


def test_a_feed_that_does_not_say_its_version_is_known_by_ids_and_contents() -> None:
    items = [{"id": "a", "title": "A picture alone"}, {"id": "b", "content_text": "Words."}]
    parsed = _parsed(json.dumps({"title": "t", "items": items}))
    assert [entry.guid for entry in parsed.entries.values()] == ["a", "b"]


def test_text_after_the_feed_is_ignored() -> None:
    assert len(_parsed(_feed({"id": 1}) + "\n<!-- 3 ms -->{").items) == 1


def test_line_breaks_within_strings_are_accepted() -> None:
    assert _parsed(_feed({"id": "1", "title": "a@b"}).replace("@", "\n")).entries[0].title == "a\nb"


def test_items_of_which_none_is_an_object_are_not_an_empty_feed() -> None:
    assert _refused(_feed("one", "two")) is Kind.NOT_A_FEED
    assert _parsed(_feed()).items == ()


def test_items_that_are_no_objects_are_left_out() -> None:
    assert [item.guid for item in _parsed(_feed(1, {"id": "a"}, None, [{}], "b")).items] == ["a"]


@pytest.mark.row("P5")
@pytest.mark.parametrize(
    "hostile",
    [
        f'{{"version":"{VERSION}","items":{"[" * 100_000}',
        '{"a":' * 100_000,
    ],
    ids=len,
)
def test_json_that_is_nested_too_deeply_is_refused(hostile: str) -> None:
    assert _refused(hostile) in {Kind.UNSAFE, Kind.NOT_A_FEED}


ITEMS = [
    {"id": "1", "title": 'a "quoted" {[ title', "tags": ["x", "y"], "authors": [{"name": "A"}]},
    {"id": 2, "content_html": "<p>é🙂</p>", "attachments": [{"url": "/a"}]},
    {"id": "3", "url": "/3"},
]


@pytest.mark.row("P7")
@pytest.mark.parametrize("indent", [None, 1])
def test_a_cut_document_gives_its_whole_items_wherever_it_is_cut(indent: int | None) -> None:
    head = {"version": VERSION, "title": "t"}
    body = json.dumps({**head, "items": ITEMS}, indent=indent, ensure_ascii=False).encode()
    whole = _parsed(body)
    parts = [part for end in range(len(body)) if (part := _unless_refused(body[:end]))]
    for part in parts:
        assert not part.complete
        assert part.items == whole.items[: len(part.items)]
        assert part.entries == {i: whole.entries[i] for i in range(len(part.items))}
    assert {len(part.items) for part in parts} == {1, 2, 3}
    assert len(parts) > len(body) / 3


def _unless_refused(document: bytes) -> ParsedFeed | None:
    try:
        return _parsed(document)
    except ParseError:
        return None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
KEYS = st.sampled_from(
    "id url title content_html content_text summary date_published date_modified authors author "
    "tags attachments language external_url image".split()
)


@pytest.mark.costly
def test_an_item_that_is_nested_too_deeply_is_named_and_the_others_are_read() -> None:
    deep = '{"id": "2", "a": "]\\"}", "b": ' + '[{"c": ' * 100_000 + "1" + "}]" * 100_000 + "}"
    document = _feed({"id": "1"}, "deep", "list", {"id": "3"}).replace('"deep"', deep)
    document = document.replace('"list"', "[" * 100_000 + "]" * 100_000)
    parsed = _parsed(document)
    assert [item.guid for item in parsed.items] == ["1", None, "3"]
    assert list(parsed.entries) == [0, 2]
    assert parsed.unreadable == {1: "the item is nested too deeply"}
    known = frozenset(item.fingerprint for item in parsed.items)
    assert _parsed(document, known).unreadable == {}


def test_a_number_of_thousands_of_digits_costs_no_other_item() -> None:
    document = _feed({"id": "1", "size": 0}, {"id": "2"}).replace("0}", "9" * 5_000 + "}")
    assert [item.guid for item in _parsed(document).items] == ["1", "2"]


@pytest.mark.slow
@given(st.lists(st.dictionaries(KEYS, JSON, max_size=6), max_size=4), st.dictionaries(KEYS, JSON))
def test_an_item_with_any_members_is_read(
    items: list[dict[str, Any]], head: dict[str, Any]
) -> None:
    parsed = _parsed(json.dumps({**head, "version": VERSION, "items": items}))
    assert len(parsed.entries) == len(items)
    for entry in parsed.entries.values():
        (entry.original or "").encode()  # can be stored
        (entry.title or "").encode()
