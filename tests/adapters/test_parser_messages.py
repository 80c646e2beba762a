"""What the parser's worker sends arrives as it was; what it would never send is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from msgspec import json as typed

from feedmirror.adapters.parser_messages import Parsed
from feedmirror.mirror.codec import decode
from feedmirror.model import Entry, Feed, Item, ParsedFeed
from model_strategies import ENTRIES, FEEDS


@given(ENTRIES, FEEDS)
def test_what_the_parser_sends_arrives_as_it_was(entry: Entry, feed: Feed) -> None:
    parsed = ParsedFeed(
        feed, (Item("f", "g", None),), {0: entry}, True, False, new_url="https://a.example/"
    )
    assert decode(typed.encode(Parsed.of(parsed)), Parsed).whole() == parsed


@pytest.mark.parametrize(
    "changes",
    [
        {"feed": []},
        {"feed": {"title": 7}},
        {"feed": {"updated": "1066-10-14T09:00:00Z"}},
        {"items": [[]]},
        {"items": [["f", "g", None, None]]},
        {"items": [[1, None, None]]},
        {"entries": {"x": {}}},
        {"entries": {"0": {"title": ["a"]}}},
        {"entries": {"0": {"authors": [{"nom": "x"}]}}},
        {"entries": {"0": {"extension_elements": "abc"}}},
        {"entries": {"0": {"published": "2026-03-02T12:00:00"}}},
        {"entries": {"9": {}}},
        {"entries": {"-1": {}}},
        {"lossless": "yes"},
        {"unreadable": {"9": "why"}},
        {"new_url": 7},
    ],
)
def test_a_feed_that_no_parser_would_send_is_refused(changes: dict[str, Any]) -> None:
    good = {"feed": {"kind": "RSS 2.0"}, "items": [["f", "g", None]], "entries": {"0": {}}}
    good |= {"lossless": True, "complete": True}
    assert _read({"feed": good}).entries == {0: Entry()}
    with pytest.raises(ValueError, match=r"Expected|unknown field|date|no item"):
        _read({"feed": good | changes})


@pytest.mark.parametrize("contexts", [[{}], [[{"around": "rss"}, [0]]], [[{"link": 7}, [0]]], {}])
def test_contexts_of_another_shape_are_refused(contexts: Any) -> None:
    feed = {"feed": {}, "items": [], "entries": {}, "lossless": True, "complete": True}
    with pytest.raises(ValueError, match="Expected"):
        _read({"feed": feed, "contexts": contexts})


@pytest.mark.parametrize("body", [b"", b"{]{]{", b"[" * 200_000, b'"\xff"', b'{"type":"parsed"'])
def test_an_answer_that_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        decode(body, Parsed)


def _read(message: dict[str, Any]) -> ParsedFeed:
    return decode(json.dumps({"type": "parsed", **message}).encode(), Parsed).whole()
