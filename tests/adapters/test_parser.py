"""The parser and its worker process: a hostile document fails alone, and says why."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec import json, to_builtins

from builders import entry, json_feed, rss_document
from effort import some
from feedmirror.adapters import parser as adapter
from feedmirror.adapters.parser import WorkerParser
from feedmirror.adapters.parser_process import Limits
from feedmirror.adapters.parser_worker import parse_request
from feedmirror.errors import Kind, ParseError
from feedmirror.model import Fetched, Item
from feedmirror.parsing import parse as parsing
from feedmirror.parsing import split
from locations import ROOT
from parsers import InProcessParser
from workers import PARSE, asked, listening
from workers import parser as start

DOCUMENT = """<?xml version="1.0" encoding="windows-1252"?>
<rss version="2.0"><channel><title>Caf\xe9</title><link>https://example.org/</link>
<item><guid>1</guid><title>One</title><pubDate>Sat, 07 Sep 2024 10:00:00 GMT</pubDate>
<description>&lt;p>&lt;a href="/a">first&lt;/a></description></item>
<item><guid>2</guid><title>Two</title><link>https://example.org/2</link></item>
</channel></rss>""".encode("cp1252")
FETCHED = Fetched("https://example.org/feed", DOCUMENT, "application/rss+xml")


@pytest.fixture(scope="module")
def parser() -> Iterator[WorkerParser]:
    with start() as started:
        yield started


# ---------------------------------------------------------------- documents


def test_feed_comes_back_as_it_was_parsed(parser: WorkerParser) -> None:
    feed = parser.parse(FETCHED, frozenset())
    assert feed == InProcessParser().parse(FETCHED, frozenset())
    assert [entry.title for entry in feed.entries.values()] == ["One", "Two"]
    assert feed.feed.title == "Café"


def test_known_items_get_no_entry(parser: WorkerParser) -> None:
    first, second = parser.parse(FETCHED, frozenset()).items
    feed = parser.parse(FETCHED, {first.fingerprint})
    assert feed.items == (Item(first.fingerprint), second)
    assert list(feed.entries) == [1]


@pytest.mark.row("P1")
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", Kind.EMPTY),
        (b"<!DOCTYPE html><html><body>Log in</body></html>", Kind.NOT_A_FEED),
        (b'<!DOCTYPE r [<!ENTITY a "b">]><rss version="2.0"/>', Kind.UNSAFE),
    ],
    ids=["empty", "login page", "entities"],
)
def test_refusal_comes_back_with_its_kind_and_words(
    parser: WorkerParser, body: bytes, kind: Kind
) -> None:
    fetched = Fetched("https://example.org/feed", body)
    with pytest.raises(ParseError) as here:
        InProcessParser().parse(fetched, frozenset())
    with pytest.raises(ParseError) as there:
        parser.parse(fetched, frozenset())
    assert there.value.kind is here.value.kind is kind
    assert str(there.value) == str(here.value)


# ---------------------------------------------------------------- failures


@pytest.mark.row("P9")
@pytest.mark.parametrize(
    ("deed", "sentence"),
    [
        ({"do": "signal", "number": 11}, "the parser was killed by SIGSEGV"),
        ({"do": "raise", "what": "value"}, "the parser failed on it: ValueError: odd"),
        ({"do": "sleep"}, "the parser took longer than 0.2 s"),
    ],
)
def test_death_of_the_worker_is_a_parse_error(deed: dict[str, Any], sentence: str) -> None:
    source = f"import misbehaviour\ndef work(*_): return misbehaviour.work({deed!r}, b'')"
    limits = Limits(None, 1, 0.2, 10**9)
    with start(source, limits) as parser, pytest.raises(ParseError) as failure:
        parser.parse(FETCHED, frozenset())
    assert failure.value.kind is Kind.PARSER
    assert str(failure.value) == sentence


_PARSED: Any = to_builtins(
    parse_request(
        {"url": FETCHED.url, "content_type": None, "known": [], "begin": 0, "end": None}, DOCUMENT
    )
)


def _parsed(**changes: object) -> object:
    """An answer like the parser's, but for `changes`."""
    return {"type": "parsed", "feed": {**_PARSED["feed"], **changes}}


_OTHER_SHAPES = [
    None,
    "a feed",
    {},
    {"type": "parsed", "feed": {}},
    {"type": "parsed", "feed": None},
    {"type": "refused", "kind": "no such kind", "message": "because"},
    {"type": "refused", "kind": "empty", "message": 3},
    {"type": "refused"},
    {"type": "praised"},
    _parsed(items=7),
    _parsed(items=[[7]]),
    _parsed(entries=[]),
    _parsed(entries={"one": {}}),
    _parsed(entries={"0": None}),
    _parsed(entries={"0": {"title": "x", "no_such_field": "y"}}),
    _parsed(entries={"0": {"published": "yesterday"}}),
    _parsed(feed=7),
]


@pytest.mark.row("P9")
@pytest.mark.slow
@pytest.mark.parametrize(
    "answer",
    list(some(_OTHER_SHAPES, 2)),
)
def test_answer_of_another_shape_is_a_parse_error(answer: object) -> None:
    source = f"def work(*_): return {answer!r}"
    with start(source) as parser, pytest.raises(ParseError, match="answered nonsense") as failure:
        parser.parse(FETCHED, frozenset())
    assert failure.value.kind is Kind.PARSER


@pytest.mark.row("P9")
def test_worker_that_answered_nonsense_is_replaced() -> None:
    source = "import os\ndef work(*_): return {'type': f'worker {os.getpid()}'}"
    with start(source) as parser:
        complaints = set()
        for _ in range(2):
            with pytest.raises(ParseError) as failure:
                parser.parse(FETCHED, frozenset())
            complaints.add(str(failure.value))
    assert len(complaints) == 2


# ---------------------------------------------------------------- a flood


def _flood(entries: int, document: Callable[[list[Any]], bytes] = rss_document) -> Fetched:
    return Fetched(FETCHED.url, document([entry(n) for n in range(entries)]))


IN_THREES = "from feedmirror.parsing import split\nsplit._MOST_ITEMS = 3"
IN_FIFTIES = IN_THREES.replace("3", "50")


@pytest.mark.row("C5")
@pytest.mark.parametrize("document", [rss_document, json_feed])
def test_what_is_read_in_parts_is_what_is_read_at_once(
    document: Callable[[list[Any]], bytes],
) -> None:
    fetched = _flood(9, document)
    whole = InProcessParser().parse(fetched, frozenset())
    known = frozenset({whole.items[0].fingerprint, whole.items[4].fingerprint})
    with listening(f"{IN_THREES}\n{PARSE}") as parser:
        assert parser.parse(fetched, frozenset()) == whole
        assert [begin for begin, _ in asked] == [0, 3, 6]
        some = parser.parse(fetched, known)
    assert [begin for begin, _ in asked[3:]] == [0, 5, 8]
    assert some.entries == {i: e for i, e in whole.entries.items() if i not in (0, 4)}
    assert [item.fingerprint for item in some.items] == [item.fingerprint for item in whole.items]


def test_parts_have_a_limit_in_bytes_too_but_for_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = _flood(5)
    sizes = []
    for limit in (1, 500, 10_000):
        monkeypatch.setattr(split, "_MOST_BYTES", limit)
        sizes.append(len(parsing.parse(fetched, frozenset(), split.Part(0)).entries))
    assert sizes == [1, 2, 5]
    assert parsing.parse(fetched, frozenset(), split.Part(4)).entries.keys() == {4}


@pytest.mark.row("C5")
@pytest.mark.slow
def test_flood_is_read_though_it_takes_more_than_a_document_may() -> None:
    limits = Limits(500_000_000, 0.5, 20, 10**9)
    with start(f"{IN_FIFTIES}\n{PARSE}", limits=limits) as parser:
        assert len(parser.parse(_flood(1_500), frozenset()).entries) == 1_500


_ANOTHER = """
def work(header, body, progress):
    if {reply!r} == "another document" and header["begin"]:
        body = body.replace(b"Entry 8", b"Entry 9")
    answer = parse_request(header, body)
    if {reply!r} == "no entry":
        answer.feed.entries.clear()
    return answer
"""


@pytest.mark.row("P9")
@pytest.mark.parametrize("reply", ["no entry", "another document"])
def test_another_part_than_it_was_asked_for_is_nonsense(reply: str) -> None:
    source = IN_THREES + _ANOTHER.format(reply=reply)
    with start(source) as parser, pytest.raises(ParseError, match="nonsense: another part"):
        parser.parse(_flood(9), frozenset())


@pytest.mark.row("P9")
def test_all_parts_of_a_document_share_what_it_may_answer_and_how_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    header = {"url": FETCHED.url, "content_type": None, "known": [], "begin": 0, "end": 3}
    part_bytes = len(json.encode(parse_request(header, _flood(9).body)))
    with start(f"{IN_THREES}\n{PARSE}") as parser:
        with monkeypatch.context() as hurried:
            hurried.setattr(adapter, "_ALL_PARTS_S", 0)
            with pytest.raises(
                ParseError, match="has read 3 of the 9 entries after 0 s"
            ) as failure:
                parser.parse(_flood(9), frozenset())
        assert failure.value.kind is Kind.PARSER
        monkeypatch.setattr(adapter, "_answer_bytes", lambda _: part_bytes * 5 // 2)
        with pytest.raises(ParseError, match=r"answered \S+ bytes, where \S+ are the limit"):
            parser.parse(_flood(9), frozenset())


_SPOILT = """
def work(header, body, progress):
    return parse_request(header, body.replace(b"</title>", b"<br></title>", header["begin"]))
"""


def test_part_that_cannot_be_taken_apart_has_all_of_the_document() -> None:
    with start(IN_THREES + _SPOILT) as parser:
        parsed = parser.parse(_flood(9), frozenset())
    assert not parsed.lossless
    assert len(parsed.entries) == 9


def test_missing_parser_is_not_held_against_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with start() as parser, pytest.raises(ParseError, match="parser cannot be started") as failure:
        parser.parse(FETCHED, frozenset())
    assert failure.value.kind is Kind.BUG


# ---------------------------------------------------------------- processes

_IMPORTED = """
import sys
from feedmirror.adapters.parser import WorkerParser
from feedmirror.model import Fetched, Item
items = b"<item><guid>1</guid></item>"
document = b'<rss version="2.0"><channel><title>T</title>%s</channel></rss>' % items
with WorkerParser.with_limits({}, memory_bytes=500_000_000) as parser:
    print(parser.parse(Fetched("https://example.org/feed", document), set()).feed.title)
print(sorted({"feedparser", "nh3", "feedmirror.parsing.parse"} & set(sys.modules)))
"""


def test_parent_imports_neither_the_parser_nor_its_libraries() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _IMPORTED],
        env={**os.environ, "PYTHONPATH": str(ROOT / "functions")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("T\n[]\n", "")
