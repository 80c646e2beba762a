"""What delta parsing says is what a full parse says, on documents of every make."""

from __future__ import annotations

import io

import feedparser
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from feedmirror.model import Fetched, ParsedFeed, Subscription
from feedmirror.parsing.parse import parse
from generate import FEED_URL, feeds, histories
from generated.values import Generated
from scene import Scene


def _parsed(generated: Generated, known: frozenset[str] = frozenset()) -> ParsedFeed:
    return parse(Fetched(FEED_URL, generated.document, generated.content_type), known)


@pytest.mark.slow
@given(data=st.data(), generated=feeds())
def test_any_part_of_a_document_is_parsed_as_it_is_in_the_whole(
    data: st.DataObject, generated: Generated
) -> None:
    whole = _parsed(generated)
    prints = [item.fingerprint for item in whole.items]
    known = frozenset(data.draw(st.lists(st.sampled_from(prints)), label="known"))
    part = _parsed(generated, known)
    assert part.entries == {i: e for i, e in whole.entries.items() if prints[i] not in known}
    assert part.feed == whole.feed
    assert [item.fingerprint for item in part.items] == prints


@pytest.mark.slow
@given(generated=feeds())
def test_a_whole_document_has_the_entries_that_it_was_made_of(generated: Generated) -> None:
    whole = _parsed(generated)
    assert whole.lossless
    assert whole.complete
    for entry, expected in zip(whole.entries.values(), generated.entries, strict=True):
        assert entry.guid == expected.guid
        assert entry.title == expected.title
        assert entry.original is not None


@pytest.mark.slow
@given(generated=feeds())
def test_feedparser_alone_finds_as_many_entries_with_the_same_dates(generated: Generated) -> None:
    # As text/xml without a charset, feedparser takes UTF-16 for ASCII.
    declared = (generated.content_type or "application/xml").replace("text/", "application/")
    headers = {"content-location": FEED_URL, "content-type": declared}
    raw = feedparser.parse(io.BytesIO(generated.document), response_headers=headers)
    # Of UTF-16 whose charset is declared, too, it loses the mark, and understands nothing.
    assume(raw.entries or not raw.bozo)
    entries = _parsed(generated).entries.values()
    for entry, expected in zip(entries, raw.entries, strict=True):
        # Which of the two a `dc:date` is, RSS 1.0 does not say.
        found = {date.timetuple()[:6] for date in (entry.published, entry.updated) if date}
        names = ("published_parsed", "updated_parsed")
        assert found == {dict.get(expected, name)[:6] for name in names if dict.get(expected, name)}


@pytest.mark.slow
@given(versions=histories(most_versions=4))
def test_a_mirror_that_saw_every_version_has_the_text_of_the_last(
    versions: tuple[Generated, ...],
) -> None:
    """Refreshing step by step, by deltas, shows each entry of the last version as a mirror that
    was made of it alone does."""
    subscription = Subscription("news", FEED_URL, keep=1000)
    stepwise = Scene(b"", subscription=subscription)
    for version in versions:
        stepwise.says(Fetched(FEED_URL, version.document, version.content_type))
        stepwise.refresh()
        stepwise.later(minutes=15)
    at_once = Scene(stepwise.origin.answers[FEED_URL], subscription=subscription)
    at_once.now = stepwise.now
    at_once.refresh()
    assert _texts(at_once) <= _texts(stepwise)


def _texts(scene: Scene) -> set[str | None]:
    # Not their ids: of two entries that share a guid, the one that was there first keeps it.
    return {
        entry.get("title")
        for entry in feedparser.parse(io.BytesIO(scene.public().encode())).entries
    }
