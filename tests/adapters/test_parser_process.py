"""The supervised parser: a hostile document fails alone, and tells the operator why."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from builders import entry, json_feed, rss_document
from feedmirror.adapters import parser as adapter
from feedmirror.adapters.parser import SupervisedParser, parse_plainly
from feedmirror.adapters.reached import Reached
from feedmirror.adapters.sandbox import Answer, Sandbox
from feedmirror.adapters.sandbox_wire import Limits, Work
from feedmirror.errors import Kind, ParseError
from feedmirror.model import Fetched
from feedmirror.parsing import parse as parsing
from feedmirror.parsing import split
from locations import ROOT
from misbehaviour import beyond_own
from parsers import InProcessParser

LIMITS = Limits(memory_bytes=500_000_000, cpu_s=10, wall_s=10, retire_bytes=100_000_000)
DOCUMENT = """<?xml version="1.0" encoding="windows-1252"?>
<rss version="2.0"><channel><title>Caf\xe9</title><link>https://example.org/</link>
<item><guid>1</guid><title>One</title><pubDate>Sat, 07 Sep 2024 10:00:00 GMT</pubDate>
<description>&lt;p>&lt;a href="/a">first&lt;/a></description></item>
<item><guid>2</guid><title>Two</title><link>https://example.org/2</link></item>
</channel></rss>""".encode("cp1252")
FETCHED = Fetched("https://example.org/feed", DOCUMENT, "application/rss+xml")


def start(work: Work, limits: Limits = LIMITS, kind: type[Sandbox] = Sandbox) -> SupervisedParser:
    with warnings.catch_warnings():
        # Where pytest-xdist runs the tests, it has a thread, and Python 3.12 and later warn.
        warnings.simplefilter("ignore", DeprecationWarning)
        sandbox = kind.start(work, beyond_own(limits), despite_threads=True)
        return SupervisedParser(sandbox, Reached())


@pytest.fixture(scope="module")
def parser() -> Iterator[SupervisedParser]:
    with start(parse_plainly) as started:
        yield started


def run(script: str) -> str:
    """What a fresh interpreter prints, in which nothing has been imported or forked yet."""
    path = os.pathsep.join(str(ROOT / name) for name in ("functions", "tests/support"))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


# ---------------------------------------------------------------- documents


def test_feed_comes_back_as_it_was_parsed(parser: SupervisedParser) -> None:
    feed = parser.parse(FETCHED, frozenset())
    assert feed == InProcessParser().parse(FETCHED, frozenset())
    assert [entry.title for entry in feed.entries.values()] == ["One", "Two"]
    assert feed.feed.title == "Café"


def test_known_items_get_no_entry(parser: SupervisedParser) -> None:
    first, second = parser.parse(FETCHED, frozenset()).items
    feed = parser.parse(FETCHED, {first.fingerprint})
    assert feed.items == (first, second)
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
    parser: SupervisedParser, body: bytes, kind: Kind
) -> None:
    fetched = Fetched("https://example.org/feed", body)
    with pytest.raises(ParseError) as here:
        InProcessParser().parse(fetched, frozenset())
    with pytest.raises(ParseError) as there:
        parser.parse(fetched, frozenset())
    assert there.value.kind is here.value.kind is kind
    assert str(there.value) == str(here.value)


# ---------------------------------------------------------------- failures


def _sleep(*_: object) -> object:
    time.sleep(60)
    return None


def _raise(*_: object) -> object:
    raise LookupError("no such thing")


def _segfault(*_: object) -> object:
    os.kill(os.getpid(), signal.SIGSEGV)
    return None


@pytest.mark.row("P9")
@pytest.mark.parametrize(
    ("work", "sentence"),
    [
        (_segfault, "the parser was killed by SIGSEGV"),
        (_raise, "the parser failed on it: LookupError: no such thing"),
        (_sleep, "the parser took longer than 0.2 s"),
    ],
)
def test_death_of_the_worker_is_a_parse_error(work: Work, sentence: str) -> None:
    with start(work, Limits(None, 1, 0.2, 10**9)) as parser, pytest.raises(ParseError) as failure:
        parser.parse(FETCHED, frozenset())
    assert failure.value.kind is Kind.PARSER
    assert str(failure.value) == sentence


def _parsed(**changes: object) -> Callable[[dict[str, Any], bytes], object]:
    """Work that answers like the parser, but for `changes`."""

    def work(header: dict[str, Any], body: bytes) -> object:
        answer: Any = parse_plainly(header, body)
        return {"parsed": {**answer["parsed"], **changes}}

    return work


@pytest.mark.row("P9")
@pytest.mark.slow
@pytest.mark.parametrize(
    "work",
    [
        lambda *_: None,
        lambda *_: "a feed",
        lambda *_: {"parsed": {}},
        lambda *_: {"parsed": None},
        lambda *_: {"refused": ["no such kind", "because"]},
        lambda *_: {"refused": ["empty", 3]},
        lambda *_: {"refused": []},
        _parsed(items=7),
        _parsed(items=[["fingerprint"]]),
        _parsed(entries=[]),
        _parsed(entries={"one": {}}),
        _parsed(entries={"0": None}),
        _parsed(entries={"0": {"title": "x", "no_such_field": "y"}}),
        _parsed(entries={"0": {"published": "yesterday"}}),
        _parsed(feed=7),
    ],
)
def test_answer_of_another_shape_is_a_parse_error(work: Work) -> None:
    with start(work) as parser, pytest.raises(ParseError, match="answered nonsense") as failure:
        parser.parse(FETCHED, frozenset())
    assert failure.value.kind is Kind.PARSER


@pytest.mark.row("P9")
def test_worker_that_answered_nonsense_is_replaced() -> None:
    def work(*_: object) -> object:
        return {"refused": [f"worker {os.getpid()}", ""]}

    with start(work) as parser:
        complaints = set()
        for _ in range(2):
            with pytest.raises(ParseError) as failure:
                parser.parse(FETCHED, frozenset())
            complaints.add(str(failure.value))
    assert len(complaints) == 2


# ---------------------------------------------------------------- a flood


def _flood(entries: int, document: Callable[[list[Any]], bytes] = rss_document) -> Fetched:
    return Fetched(FETCHED.url, document([entry(n) for n in range(entries)]))


begins: list[int] = []


class Listening(Sandbox):
    """Remembers where each part that it is asked for begins."""

    def ask(self, header: Mapping[str, Any], body: bytes, answer_bytes: int) -> Answer:
        begins.append(header["begin"])
        return super().ask(header, body, answer_bytes)


@pytest.mark.row("C5")
@pytest.mark.parametrize("document", [rss_document, json_feed])
def test_what_is_read_in_parts_is_what_is_read_at_once(
    document: Callable[[list[Any]], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    begins.clear()
    fetched = _flood(9, document)
    whole = InProcessParser().parse(fetched, frozenset())
    known = frozenset({whole.items[0].fingerprint, whole.items[4].fingerprint})
    monkeypatch.setattr(split, "_MOST_ITEMS", 3)
    with start(parse_plainly, kind=Listening) as parser:
        assert parser.parse(fetched, frozenset()) == whole
        assert begins == [0, 3, 6]
        some = parser.parse(fetched, known)
    assert begins[3:] == [0, 5, 8]
    assert some.entries == {i: e for i, e in whole.entries.items() if i not in (0, 4)}
    assert some.items == whole.items


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
    limits = Limits(500_000_000, 2, 20, 10**9)
    with start(parse_plainly, limits) as parser:
        assert len(parser.parse(_flood(5_000), frozenset()).entries) == 5_000


@pytest.mark.row("P9")
@pytest.mark.parametrize("reply", ["no entry", "another document"])
def test_another_part_than_it_was_asked_for_is_nonsense(
    reply: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(header: dict[str, Any], body: bytes) -> object:
        if reply == "another document" and header["begin"]:
            body = body.replace(b"Entry 8", b"Entry 9")
        answer: Any = parse_plainly(header, body)
        if reply == "no entry":
            answer["parsed"]["entries"] = {}
        return answer

    monkeypatch.setattr(split, "_MOST_ITEMS", 3)
    with start(work) as parser, pytest.raises(ParseError, match="nonsense: another part"):
        parser.parse(_flood(9), frozenset())


@pytest.mark.row("P9")
def test_all_parts_of_a_document_share_what_it_may_answer_and_how_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(split, "_MOST_ITEMS", 3)
    header = {"url": FETCHED.url, "content_type": None, "known": [], "begin": 0, "end": None}
    part_bytes = len(json.dumps(parse_plainly(header, _flood(9).body)))
    with start(parse_plainly) as parser:
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


def test_part_that_cannot_be_taken_apart_has_all_of_the_document(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def work(header: dict[str, Any], body: bytes) -> object:
        return parse_plainly(header, body.replace(b"</title>", b"<br></title>", header["begin"]))

    monkeypatch.setattr(split, "_MOST_ITEMS", 3)
    with start(work) as parser:
        parsed = parser.parse(_flood(9), frozenset())
    assert not parsed.lossless
    assert len(parsed.entries) == 9


def test_missing_parser_is_not_held_against_the_document() -> None:
    parser = start(parse_plainly)
    parser.close()
    with pytest.raises(ParseError, match="the parser cannot be started") as failure:
        parser.parse(FETCHED, frozenset())
    assert failure.value.kind is Kind.BUG


# ---------------------------------------------------------------- processes


def test_parent_imports_neither_the_parser_nor_its_libraries() -> None:
    printed = run("""
import sys
from feedmirror.adapters.parser import SupervisedParser
from feedmirror.model import Fetched
items = b"<item><guid>1</guid></item>"
document = b'<rss version="2.0"><channel><title>T</title>%s</channel></rss>' % items
with SupervisedParser.start(memory_bytes=500_000_000) as parser:
    print(parser.parse(Fetched("https://example.org/feed", document), set()).feed.title)
print(sorted({"feedparser", "nh3", "feedmirror.parsing.parse"} & set(sys.modules)))
""")
    assert printed == "T\n[]\n"


@pytest.mark.row("P9")
def test_memory_is_limited_in_small_pieces_too() -> None:
    # In a fresh interpreter: the heaps of a test runner's threads would be inherited, and filled.
    printed = run("""
import misbehaviour
from misbehaviour import beyond_own
from feedmirror.adapters.sandbox import Sandbox, SandboxError
from feedmirror.adapters.sandbox_wire import Limits
with Sandbox.start(misbehaviour.work, Limits(80_000_000, 20, 20, 10**9)) as sandbox:
    try:
        sandbox.ask({"do": "hog in small pieces"}, b"", 1000)
    except SandboxError as error:
        print(error)
    print(sandbox.ask({"do": "echo"}, b"next", 1000).said)
""")
    assert printed == "ran out of memory (limit 80 MB)\n[None, 'next']\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_children_go_when_the_parent_is_killed(number: signal.Signals) -> None:
    printed = run(f"""
import os, misbehaviour
from misbehaviour import beyond_own
from feedmirror.adapters.sandbox import Sandbox
from feedmirror.adapters.sandbox_wire import Limits
if (child := os.fork()) == 0:
    sandbox = Sandbox.start(misbehaviour.work, Limits(None, 60, 60, 10**9))
    found = sandbox.ask({{"do": "identify"}}, b"", 1000).said
    print(found["worker"], found["supervisor"], flush=True)
    os.kill(os.getpid(), {number:d})
os.waitpid(child, 0)
""")
    deadline = time.monotonic() + 5
    pids = [int(pid) for pid in printed.split()]
    assert len(pids) == 2
    while any(map(_is_running, pids)) and time.monotonic() < deadline:
        time.sleep(0.005)
    assert not any(map(_is_running, pids))


def test_busy_worker_goes_when_the_parent_is_killed() -> None:
    printed = run("""
import os, misbehaviour, signal
from misbehaviour import beyond_own
from feedmirror.adapters.sandbox import Sandbox
from feedmirror.adapters.sandbox_wire import Limits
if (child := os.fork()) == 0:
    sandbox = Sandbox.start(misbehaviour.work, Limits(None, 60, 60, 10**9))
    print(sandbox.ask({"do": "identify"}, b"", 1000).said["worker"], flush=True)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    sandbox.ask({"do": "sleep"}, b"", 1000)
os.waitpid(child, 0)
""")
    deadline = time.monotonic() + 5
    while _is_running(int(printed)) and time.monotonic() < deadline:
        time.sleep(0.005)
    assert not _is_running(int(printed))


def _is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
