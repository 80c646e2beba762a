"""A stored entry that is read again, alone, says what it said in its document."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from msgspec import json as typed
from msgspec.structs import replace

import workers
from builders import entry, rss_document
from effort import some
from feedmirror.adapters.parser import WorkerParser
from feedmirror.adapters.parser_messages import Parsed
from feedmirror.errors import Kind, ParseError
from feedmirror.model import Context, Entry, Fetched, ParsedFeed
from feedmirror.parsing.parse import parse, reread
from feedmirror.ports import Located
from generate import FEED_URL, feeds
from generated.values import Generated
from parsers import InProcessParser
from samples import sample_feeds

URL = "https://feeds.example.net/harbour/all.xml"
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://harbour.example.org/"
 xml:lang="nb"><title>Harbour</title><id>urn:x:harbour</id>
<entry xml:base="log/"><title>First</title><id>urn:x:1</id><link href="./one"/>
<content type="xhtml" xml:base="2026/"><div xmlns="http://www.w3.org/1999/xhtml" xml:base="june/">
<a href="tide.html">tide</a></div></content></entry>
<entry><title>Second</title><id>urn:x:2</id><link href="two"/>
<summary type="html">&lt;img src="quay.png"&gt;</summary></entry></feed>"""
RSS = """<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"
 xmlns:tide="https://harbour.example.org/ns/tide"><channel><title>Harbour</title>
<link>https://harbour.example.org/news/</link><description/>
<item><title>First</title><guid>1</guid><tide:level unit="m">2.4</tide:level>
<media:content url="/pictures/quay.jpg" medium="image"/>
<description>&lt;a href="tide.html"&gt;tide&lt;/a&gt;</description></item>
<item><title>Second</title><guid>2</guid><link>/second</link></item></channel></rss>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="https://harbour.example.org/"><title>Harbour</title>
<link>https://harbour.example.org/</link><description/></channel>
<item rdf:about="https://harbour.example.org/1"><title>First</title><dc:date>2026-05-04</dc:date>
<link>/one</link><description>&lt;img src="quay.png"&gt;</description></item></rdf:RDF>"""
JSON = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Harbour",
        "home_page_url": "https://harbour.example.org/news/",
        "items": [
            {
                "id": 7,
                "url": "seven",
                "content_html": "<a href='tide.html'>tide</a>",
                "_x": {"y": 1},
            },
            {"id": "8", "title": "Second", "image": "/quay.png", "content_text": "a\n\nb"},
        ],
    }
)
CDF = """<CHANNEL HREF="https://harbour.example.org/"><TITLE>Harbour</TITLE>
<ITEM HREF="https://harbour.example.org/1"><TITLE>First</TITLE></ITEM></CHANNEL>"""
LONE = ATOM[ATOM.index("<entry><title>Second") : -len("</feed>")].replace(
    "<entry>", '<entry xmlns="http://www.w3.org/2005/Atom" xml:base="https://harbour.example.org/">'
)
UNDECLARED = RSS.replace(' xmlns:media="http://search.yahoo.com/mrss/"', "")
ENTITIES = RSS.replace("<title>First</title>", "<title>Fish &amp chips &eacute;</title>")
DOCUMENTS = {
    "atom": ATOM, "rss": RSS, "rdf": RDF, "json": JSON, "cdf": CDF, "lone entry": LONE,
    "undeclared prefix": UNDECLARED, "entities": ENTITIES,
}  # fmt: skip


def parsed(document: str | bytes, url: str = URL) -> ParsedFeed:
    body = document if isinstance(document, bytes) else document.encode()
    return parse(Fetched(url, body), frozenset())


def first(document: str) -> Entry:
    return parsed(document).entries[0]


# ---------------------------------------------------------------- from the original


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_entry_is_read_from_its_element_as_it_was_read_in_the_document(kind: str) -> None:
    entries = parsed(DOCUMENTS[kind]).entries
    assert entries
    for one in entries.values():
        assert one.original is not None
        assert reread(Entry(original=one.original, context=one.context), URL) == one


def test_the_addresses_of_an_atom_entry_are_those_of_all_the_bases_around_it() -> None:
    again = reread(Entry(original=first(ATOM).original, context=first(ATOM).context), URL)
    assert again.link == "https://harbour.example.org/log/one"
    assert "https://harbour.example.org/log/2026/june/tide.html" in (again.content or "")
    assert "nb" in (first(ATOM).context or Context()).around[0]


def test_the_addresses_of_an_rss_entry_are_those_of_the_site_on_another_host() -> None:
    kept = Entry(original=first(RSS).original, context=first(RSS).context)
    assert "https://harbour.example.org/news/tide.html" in (reread(kept, URL).summary or "")
    at_home = reread(kept, "https://harbour.example.org/feed/all.xml")
    assert "https://harbour.example.org/feed/tide.html" in (at_home.summary or "")


def test_elements_in_namespaces_of_the_root_come_along() -> None:
    again = reread(Entry(original=first(RSS).original, context=first(RSS).context), URL)
    assert any("2.4" in fragment for fragment in again.extension_elements)
    assert again.media[0].url == "https://harbour.example.org/pictures/quay.jpg"


@pytest.mark.slow
@given(generated=feeds())
def test_any_entry_is_read_from_its_element_as_it_was_read_in_the_document(
    generated: Generated,
) -> None:
    whole = parse(Fetched(FEED_URL, generated.document, generated.content_type), frozenset())
    for one in whole.entries.values():
        assert reread(Entry(original=one.original, context=one.context), FEED_URL) == one


@pytest.mark.slow
@pytest.mark.parametrize("path", sample_feeds(), ids=lambda path: path.name)
def test_entries_of_real_feeds_are_read_again_as_they_were(path: Path) -> None:
    for one in parsed(path.read_bytes()).entries.values():
        assert reread(one, URL) == one


def test_overlong_start_tags_are_not_stored() -> None:
    padded = RSS.replace("<rss ", f'<rss padding="{"x" * 9_000}" ')
    assert first(padded).original == first(RSS).original
    assert first(padded).context is None


@pytest.mark.parametrize(
    "original",
    [
        "", "words", "<item/><item/>", "<item>", "</channel>", "<item><item/></item>", "<title/>",
        "{", "{}, {}", '{"a": 1} ], "items": [{}, {}', "<!DOCTYPE x>", "<!ENTITY a 'b'>",
    ],
)  # fmt: skip
@pytest.mark.parametrize("document", [RSS, JSON], ids=["rss", "json"])
def test_an_original_that_is_not_one_item_is_an_error(document: str, original: str) -> None:
    context = first(document).context
    with pytest.raises(ParseError):
        reread(Entry(original=original, context=context), URL)


# ---------------------------------------------------------------- without it


@pytest.mark.parametrize(
    "lost", [{"original": None, "context": None}, {"context": None}], ids=["lossy", "no context"]
)
def test_an_entry_without_its_original_has_its_bodies_sanitised_again(lost: dict[str, Any]) -> None:
    hole = Entry(
        title="Hole", link="https://harbour.example.org/9", original="<item/>", context=Context(),
        summary='<p>Tide</p><script>alert("9")</script>', content="<p onclick='x'>2.4</p>",
    )  # fmt: skip
    mended = reread(replace(hole, **lost), URL)
    assert (mended.summary, mended.content) == ("<p>Tide</p>", "<p>2.4</p>")
    assert replace(mended, summary=hole.summary, content=hole.content) == replace(hole, **lost)


def test_a_body_that_is_empty_after_sanitising_is_none() -> None:
    assert reread(Entry(summary="<script>1</script>"), URL).summary is None


# ---------------------------------------------------------------- in the worker


SWIFT = replace(workers.LIMITS, memory_bytes=800_000_000, cpu_s=1)
# Within what a body may be: a sanitiser works on it for many times the limit.
ENDLESS = "<div>" * 399 + "<p>x" * 250_000


def started(source: str = workers.PARSE) -> WorkerParser:
    return workers.parser(source, SWIFT)


def answering(answer: object) -> WorkerParser:
    """A parser whose worker gives that answer."""
    return started(f"def work(*_): return {answer!r}")


def stored(count: int = 3) -> list[Located]:
    document = rss_document([entry(number) for number in range(count)])
    return [(URL, one) for one in parsed(document).entries.values()]


@pytest.mark.costly
def test_worker_reads_as_this_process_would() -> None:
    entries = [(URL, one) for name in DOCUMENTS for one in parsed(DOCUMENTS[name]).entries.values()]
    entries += [(URL, Entry(summary="<p>a<script>b</script>")), (URL, Entry(original="{}"))]
    broken = (URL, replace(first(RSS), original="<item>"))
    with started() as parser:
        again = parser.reread([*entries, broken])
    assert again == InProcessParser().reread([*entries, broken])
    assert [one for one in again if isinstance(one, str)] == again[-1:]
    assert again[:-3] == [one for _, one in entries[:-2]]


@pytest.mark.costly
def test_contexts_come_from_the_worker_as_they_were_parsed() -> None:
    with started() as parser:
        for name, document in DOCUMENTS.items():
            fetched = Fetched(URL, document.encode())
            assert parser.parse(fetched, frozenset()) == parsed(document), name


def test_start_tags_are_sent_once_for_all_entries() -> None:
    message = Parsed.of(parsed(rss_document([entry(number) for number in range(9)])))
    assert typed.encode(message).count(b"<rss ") == 1


@pytest.mark.row("P8")
@pytest.mark.slow
@pytest.mark.parametrize("hostile", list(some([1, 0, 2], 3)))
def test_an_entry_that_the_sanitiser_never_ends_on_is_named_and_the_others_are_read(
    hostile: int,
) -> None:
    entries = stored(3)
    url, one = entries[hostile]
    body = ENDLESS.replace("<", "&lt;")
    original = f"<item><title>Endless</title><description>{body}</description></item>"
    entries[hostile] = (url, replace(one, original=original))
    with started() as parser:
        again = parser.reread(entries)
    assert again[hostile] == "the parser used more than 1 s of CPU"
    del again[hostile], entries[hostile]
    assert again == [one for _, one in entries]


@pytest.mark.row("P9")
@pytest.mark.slow
@pytest.mark.parametrize(
    "answer",
    list(some([
        None, {}, [], "entries", [{}], [{}, {}, {}], [{"title": 7}] * 2, [None] * 2, [7, 7],
        [{"published": "yesterday"}] * 2, [[], []], [{"no_such_field": ""}] * 2,
    ], 2)),
)  # fmt: skip
def test_an_answer_of_another_shape_is_used_for_no_entry(answer: object) -> None:
    with answering(answer) as parser:
        again = parser.reread(stored(2))
    assert len(again) == 2
    # One entry alone may well be answered by a list of one.
    assert all(isinstance(one, str) or one.title is None for one in again)


@pytest.mark.costly
@pytest.mark.row("P9")
def test_worker_cannot_change_what_is_stored_of_an_original() -> None:
    said = {"title": "forged", "original": "<item/>", "context": {"link": "https://a.example/"}}
    with answering([said]) as parser:
        [made] = parser.reread(stored(1))
    assert isinstance(made, Entry)
    assert (made.original, made.context) == (stored(1)[0][1].original, stored(1)[0][1].context)


@pytest.mark.costly
def test_the_error_message_of_a_worker_is_short() -> None:
    with answering(["x" * 100_000]) as parser:
        [why] = parser.reread(stored(1))
    assert isinstance(why, str)
    assert len(why) == 500


def test_a_worker_that_cannot_be_started_is_no_fault_of_an_entry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(ParseError) as failure:
        started().reread(stored(2))
    assert failure.value.kind is Kind.BUG
