"""Hostile documents in the worker process: refused or parsed, in time, without network access.

The steps of parsing are tested by themselves in `test_decode.py`, `test_split.py`, `test_parse.py`
and `test_parser_process.py`; here, documents go through the parser as in production.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from feedmirror.adapters.parser import WorkerParser
from feedmirror.errors import Kind, ParseError
from feedmirror.model import Fetched, ParsedFeed
from fetching import PRIVATE
from hostile_documents import (
    BOMBS,
    GOOD,
    MONSTERS,
    TRIALS,
    URL,
    rss,
)
from locations import ROOT
from origin_server import OriginServer
from workers import parser as started_parser


@pytest.fixture(scope="module")
def parser() -> Iterator[WorkerParser]:
    with started_parser() as started:
        yield started


@pytest.fixture
def canary() -> Iterator[OriginServer]:
    """A host that counts who connects."""
    with OriginServer(PRIVATE) as server:
        yield server


def parsed(parser: WorkerParser, document: str | bytes) -> ParsedFeed | Kind:
    """The feed, or the kind of refusal; afterwards the parser is fit for the next document."""
    body = document.encode("utf-8", "surrogatepass") if isinstance(document, str) else document
    found: ParsedFeed | Kind
    try:
        found = parser.parse(Fetched(URL, body), frozenset())
    except ParseError as error:
        found = error.kind
    good = parser.parse(Fetched(URL, rss(GOOD).encode()), frozenset())
    assert [entry.title for entry in good.entries.values()] == ["Good"]
    return found


def titles(found: ParsedFeed | Kind) -> list[str | None]:
    assert isinstance(found, ParsedFeed), found
    return [entry.title for entry in found.entries.values()]


# ---------------------------------------------------------------- refused


@pytest.mark.slow
@pytest.mark.row("P1", "P2", "D5")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32-be"])
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_before_it_goes_off(
    parser: WorkerParser, bomb: str, encoding: str
) -> None:
    assert parsed(parser, BOMBS[bomb].encode(encoding)) in {Kind.UNSAFE, Kind.NOT_A_FEED}


@pytest.mark.slow
@pytest.mark.row("P5")
@pytest.mark.parametrize("monster", MONSTERS)
def test_a_document_beyond_all_reason_is_refused_within_the_limits(
    parser: WorkerParser, monster: str
) -> None:
    # By its bounds: `Kind.PARSER` would mean that the child was killed, out of time or memory.
    assert parsed(parser, rss(MONSTERS[monster])) in {Kind.UNSAFE, Kind.NOT_A_FEED}


# ---------------------------------------------------------------- read, without harm


@pytest.mark.slow
@pytest.mark.row("P3", "P4", "P5", "P8", "R4")
@pytest.mark.parametrize("trial", TRIALS)
def test_an_item_that_exhausts_a_parser_spoils_no_other_entry(
    parser: WorkerParser, trial: str
) -> None:
    found = titles(parsed(parser, rss(GOOD + TRIALS[trial] + GOOD.replace("ood", "reat"))))
    assert (found[0], found[-1]) == ("Good", "Great")


@pytest.mark.row("D4")
@pytest.mark.parametrize(
    "label",
    "undefined utf-7 unicode_escape raw_unicode_escape punycode idna rot13 zlib bz2 hex mbcs "
    "utf-16 utf-32 cp037 \0 ../utf-8 e\N{COMBINING ACUTE ACCENT} utf-8-sig".split(),
)
def test_an_encoding_outside_the_allowlist_is_read_as_utf_8(
    parser: WorkerParser, label: str
) -> None:
    document = f'<?xml version="1.0" encoding="{label}"?>' + rss(
        GOOD.replace("Good", "+ADw-b+AD4- \\u003c \N{SNOWMAN}")
    ).removeprefix('<?xml version="1.0"?>')
    fetched = Fetched(URL, document.encode(), f"text/xml; charset={label}")
    found = parser.parse(fetched, frozenset())
    assert titles(found) == ["+ADw-b+AD4- \\u003c \N{SNOWMAN}"]


@pytest.mark.row("D4", "D5")
def test_encodings_that_are_mixed_cost_no_entry(parser: WorkerParser) -> None:
    parts = [("<item><title>naïve</title></item>", code) for code in ("utf-8", "cp1252")]
    body = b"".join(part.encode(code) for part, code in parts)
    document = rss("<title>日本語</title>@").encode().replace(b"@", body)
    assert titles(parsed(parser, document)) == ["naïve", "naïve"]
    wide = rss(GOOD).encode("utf-16-le") + rss(GOOD).encode()
    assert isinstance(parsed(parser, wide), ParsedFeed | Kind)


# ---------------------------------------------------------------- nobody is contacted


@pytest.mark.row("P1", "P6")
@pytest.mark.parametrize(
    "document",
    [
        rss(GOOD, '<!DOCTYPE rss SYSTEM "CANARY/rss.dtd">'),
        rss(GOOD, '<!DOCTYPE rss PUBLIC "-//x//EN" "CANARY/rss.dtd">'),
        rss("<item><title>&x;</title></item>", '<!DOCTYPE rss [<!ENTITY x SYSTEM "CANARY/">]>'),
        rss("<item><title>&x;</title></item>", '<!DOCTYPE rss [<!ENTITY x SYSTEM "LOCAL">]>'),
        rss(GOOD, '<!DOCTYPE rss [<!ENTITY % x SYSTEM "CANARY/x.dtd"> %x;]>'),
        rss(GOOD, '<?xml-stylesheet href="CANARY/a.xsl" type="text/xsl"?>'),
        rss("<item><xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='LOCAL'/></item>"),
        rss("<item><link>LOCAL</link><title>x</title></item>").replace(
            "<rss", "<rss xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' "
            "xsi:schemaLocation='u CANARY/x.xsd' "
        ),
        "CANARY/feed",
        "LOCAL",
        "LOCAL\n",
        "file://LOCAL",
    ],
)  # fmt: skip
def test_what_a_document_names_is_neither_opened_nor_contacted(
    parser: WorkerParser, canary: OriginServer, tmp_path: Path, document: str
) -> None:
    secret = tmp_path / "feed.xml"
    secret.write_text(rss("<item><title>A secret of this machine</title></item>"))
    document = document.replace("CANARY", canary.url("")).replace("LOCAL", str(secret))
    found = parsed(parser, document)
    assert canary.connections == 0
    assert "secret of this machine" not in repr(found)


@pytest.mark.costly
@pytest.mark.row("P6")
def test_no_file_is_opened_while_a_document_is_parsed() -> None:
    """Not even to see whether its name is one: in a process of its own, which notes every open."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _OPENED],
        env={**os.environ, "PYTHONPATH": str(ROOT / "functions")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stderr == ""
    assert json.loads(done.stdout) == []


_OPENED = """
import json, sys
from feedmirror.adapters.parser_worker import parse_request
def parse(body):
    part = {"begin": 0, "end": None}
    header = {"url": "https://a.example.org/", "content_type": None, "known": [], **part}
    return parse_request(header, body)
feed = b"<rss version='2.0'><channel><item><title>x</title></item></channel></rss>"
for body in (feed, feed.replace(b"x", b"a < b")):  # so that all is imported
    assert parse(body).feed.items
opened = []
def note(event, arguments):
    if event.split(".")[0] in {"open", "socket", "subprocess", "urllib", "os"}:
        opened.append([event, repr(arguments[:1])])
sys.addaudithook(note)
for body in (b"/etc/passwd", b"file:///etc/passwd", b"http://127.0.0.1/", b"/etc/hosts<", feed,
             feed.replace(b"x", b"/etc/passwd"), feed.replace(b"x", b"a < b")):
    parse(body)
print(json.dumps(opened))
"""


# ---------------------------------------------------------------- memory


@pytest.mark.slow
@pytest.mark.row("P1", "P5", "P9")
def test_memory_stays_flat_for_hostile_documents() -> None:
    """Measured by the system, in processes of its own: the highest that each ever had."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _MEASURED],
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT / 'functions'}{os.pathsep}{ROOT / 'tests/support'}",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    said: dict[str, Any] = json.loads(done.stdout)
    assert said["child_bytes"] < 400_000_000
    assert said["parent_grown_bytes"] < 40_000_000


_MEASURED = """
import json, resource
from hostile_documents import BOMBS, MONSTERS, TRIALS, URL, GOOD, rss
from workers import parser
from feedmirror.errors import ParseError
from feedmirror.model import Fetched
def peak_bytes(who):
    return resource.getrusage(who).ru_maxrss * 1024
documents = (BOMBS["a billion laughs"], BOMBS["a quadratic blow-up"],
             *(rss(TRIALS[f"{what} of megabytes"] + GOOD) for what in ("an attribute", "a token")))
before = peak_bytes(resource.RUSAGE_SELF)
with parser() as started:
    for document in documents:
        try:
            started.parse(Fetched(URL, document.encode()), frozenset())
        except ParseError:
            pass
print(json.dumps({"child_bytes": peak_bytes(resource.RUSAGE_CHILDREN),
                  "parent_grown_bytes": peak_bytes(resource.RUSAGE_SELF) - before}))
"""
