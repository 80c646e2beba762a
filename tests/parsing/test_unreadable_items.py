"""An item that is more than the parser can take is named and left out; the others are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

import workers
from builders import atom_document, entry, json_feed, rss_document
from effort import some
from feedmirror.adapters import parser as adapter
from feedmirror.adapters.parser import WorkerParser
from feedmirror.adapters.parser_process import Limits
from feedmirror.errors import Kind, ParseError
from feedmirror.model import Fetched, ParsedFeed
from parsers import InProcessParser
from scene import Scene
from workers import asked

URL = "https://gazette.example.org/feed"
SWIFT = replace(workers.LIMITS, memory_bytes=800_000_000, cpu_s=1)
# Within what a body may be: a sanitiser works on it for many times the limit.
ENDLESS = "<div>" * 399 + "<p>x" * 250_000
_WORK = """
import os, signal, time
def crash():
    os.kill(os.getpid(), signal.SIGSEGV)
def fail():
    raise RuntimeError("no such thing")
def burn():
    end_s = time.process_time() + 0.3
    while time.process_time() < end_s:
        pass
def work(header, body, progress):
    def begun(index):
        {noting} and progress(index)
        deed = {deeds}.get(index)
        deed and globals()[deed]()
    return parse_request(header, body, begun)
"""


def started(
    deeds: Mapping[int, str] | None = None, limits: Limits = workers.LIMITS, *, noting: bool = True
) -> WorkerParser:
    """A parser whose worker does a deed when it has come to the item with that index; without
    `noting` the parent is not told which item that was.
    """
    return workers.listening(_WORK.format(noting=noting, deeds=dict(deeds or {})), limits)


def feed(kind: str, number: int, changes: Mapping[int, dict[str, Any]] | None = None) -> Fetched:
    """A feed of that many entries; `changes` are of some of them, by index."""
    given = [entry(n, **(changes or {}).get(n, {})) for n in range(number)]
    body = {
        "rss": lambda: rss_document(given),
        "atom": lambda: atom_document(given),
        "json": lambda: json_feed(given),
        "damaged": lambda: rss_document(given, description="Fish & <b>chips").replace(
            b"&lt;b&gt;chips", b"<b>chips"
        ),
    }[kind]()
    return Fetched(URL, body)


def titles(parsed: ParsedFeed) -> list[str | None]:
    return [parsed.entries[index].title for index in sorted(parsed.entries)]


KINDS = ["rss", "atom", "json", "damaged"]


@pytest.mark.row("P8")
@pytest.mark.slow
@pytest.mark.parametrize("kind", list(some(KINDS, 3)))
def test_an_item_that_the_sanitiser_never_ends_on_is_named_and_the_others_are_read(
    kind: str,
) -> None:
    fetched = feed(kind, 9, {5: {"content": ENDLESS}})
    with started(limits=SWIFT) as parser:
        parsed = parser.parse(fetched, frozenset())
        assert parsed.lossless == (kind != "damaged")
        assert titles(parsed) == [f"Entry {n}" for n in range(9) if n != 5]
        assert parsed.unreadable == {5: "the parser used more than 1 s of CPU"}
        assert len(parsed.items) == 9
        assert parsed.items[5].guid == "https://gazette.example.org/5"
        # Remembered like the others, it costs nothing any more.
        asked.clear()
        known = frozenset(item.fingerprint for item in parsed.items)
        again = parser.parse(fetched, known)
    assert asked == [(0, None)]
    assert 5 not in again.entries
    assert [one.fingerprint for one in again.items] == [one.fingerprint for one in parsed.items]
    assert again.unreadable == {}


@pytest.mark.row("P8")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "noting"),
    list(some([*((kind, True) for kind in KINDS), ("rss", False)], 2)),
)
def test_what_is_read_without_an_item_is_what_is_read_of_the_others(
    kind: str, noting: bool
) -> None:
    fetched = feed(kind, 6)
    whole = InProcessParser().parse(fetched, frozenset())
    with started({0: "crash", 3: "fail", 5: "crash"}, noting=noting) as parser:
        parsed = parser.parse(fetched, frozenset())
    assert parsed.unreadable == {
        0: "the parser was killed by SIGSEGV",
        3: "the parser failed on it: RuntimeError: no such thing",
        5: "the parser was killed by SIGSEGV",
    }
    assert parsed.entries == {i: e for i, e in whole.entries.items() if i not in (0, 3, 5)}
    assert parsed.feed == whole.feed
    assert [item.guid for item in parsed.items] == [item.guid for item in whole.items]


@pytest.mark.costly
@pytest.mark.row("P8")
def test_a_feed_of_which_one_entry_cannot_be_read_is_mirrored_without_it() -> None:
    document = feed("atom", 5).body
    with started({2: "crash"}) as parser:
        scene = Scene(document, parser=parser)
        outcome = scene.refresh()
        assert (outcome.outcome, outcome.new) == ("changed", 4)
        listed = scene.public("rss.xml")
        assert [n for n in range(5) if f"<title>Entry {n}</title>" in listed] == [0, 1, 3, 4]
        asked.clear()
        scene.says(document.replace(b"Entry 1", b"Entry One"))
        assert scene.refresh().revised == 1
    assert asked == [(0, None)]


@pytest.mark.row("P8")
@pytest.mark.slow
def test_an_item_that_is_noted_is_found_at_once() -> None:
    with started({500: "crash"}) as parser:
        parsed = parser.parse(feed("rss", 1_000), frozenset())
    assert list(parsed.unreadable) == [500]
    assert len(parsed.entries) == 999
    # All, the items alone, what comes before it in halves, itself, the rest.
    assert asked == [(0, None), (0, 0), (0, 250), (250, 500), (500, 501), (501, 1_000)]


@pytest.mark.row("P8")
@pytest.mark.slow
def test_items_that_are_too_much_together_only_are_all_read() -> None:
    heavy = dict.fromkeys(range(4), "burn")  # in each of two rounds
    with started(heavy, SWIFT) as parser:
        parsed = parser.parse(feed("rss", 4), frozenset())
    assert parsed.unreadable == {}
    assert len(parsed.entries) == 4


@pytest.mark.row("P8")
@pytest.mark.slow
def test_an_item_whose_answer_is_endless_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "_answer_bytes", lambda _: 50_000)
    fetched = feed("rss", 9, {4: {"content": "<p>word</p>" * 10_000}})
    with started() as parser:
        parsed = parser.parse(fetched, frozenset())
    (why,) = parsed.unreadable.values()
    assert list(parsed.unreadable) == [4]
    assert "bytes, where" in why
    assert len(parsed.entries) == 8


@pytest.mark.row("P8")
@pytest.mark.slow
def test_a_document_of_many_such_items_is_given_up_with_what_it_came_to() -> None:
    everywhere = dict.fromkeys(range(4, 20), "fail")
    with started(everywhere) as parser, pytest.raises(ParseError) as failure:
        parser.parse(feed("json", 30), frozenset())
    assert failure.value.kind is Kind.PARSER
    assert str(failure.value) == (
        "the parser has read 4 of the 30 entries and gives up; 11 cannot be read, the first "
        "because the parser failed on it: RuntimeError: no such thing"
    )


_NOT_EVEN_ITEMS = """
import os, signal
def work(header, *_):
    if header["end"] is None:
        raise RuntimeError("no such thing")
    os.kill(os.getpid(), signal.SIGSEGV)
"""


@pytest.mark.costly
def test_a_document_of_which_not_even_the_items_can_be_told_fails_as_it_first_did() -> None:
    with workers.parser(_NOT_EVEN_ITEMS) as parser, pytest.raises(ParseError) as failure:
        parser.parse(feed("rss", 3), frozenset())
    assert str(failure.value) == "the parser failed on it: RuntimeError: no such thing"
