"""How much memory documents and states take, beside what they are made from.

A string with one character beyond U+FFFF takes four bytes for each of its characters.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import pytest

from feedmirror.core.formats import Format, Publication, formats
from feedmirror.core.inspection import inspect_secrets
from feedmirror.core.rendering import attached, rendered
from feedmirror.core.seal import Page
from feedmirror.core.secrets import Secrets
from feedmirror.core.state import State, dump
from feedmirror.core.window import Window
from feedmirror.model import Revision
from page_reading import FEED, publication, revision

ENTRIES = 80
WORDS = "\U0001f40c " + "Slow and steady wins the race, said the snail. " * 1_000
FEEDS = [made for made in formats() if made.is_feed]


def _peak(work: Callable[[], object]) -> int:
    """Return how many bytes more than before stand in memory at one moment of the work."""
    work()  # what is imported and cached stays
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _large() -> tuple[Revision, ...]:
    return tuple(revision(number, content=f"{WORDS}{number}") for number in range(ENTRIES))


def _rendered(made: Format, given: Publication, revisions: tuple[Revision, ...]) -> bytes:
    entries = attached(revisions, given.settings, given.feed)
    one = rendered(made, given, revisions, entries, quarantined={}, replaces=False)
    assert not one.quarantined
    return one.document


@pytest.mark.parametrize("made", FEEDS, ids=lambda made: made.name)
def test_a_document_is_made_and_verified_in_three_times_its_size(made: Format) -> None:
    given, revisions = publication(), _large()
    size = len(_rendered(made, given, revisions))
    assert size > ENTRIES * len(WORDS)
    assert _peak(lambda: _rendered(made, given, revisions)) < 3 * size


def test_a_document_is_searched_for_secrets_in_less_than_its_size() -> None:
    document = "".join(f"{WORDS}{number}\n" for number in range(ENTRIES)).encode()
    secrets = Secrets(["a-secret-of-the-operator"])
    assert _peak(lambda: inspect_secrets("rss.xml", document, secrets)) < len(document)


def test_a_state_is_written_in_little_more_than_its_size() -> None:
    revisions = _large()
    state = State(
        feed=FEED,
        pending=revisions,
        sealing=tuple(Page("p", None, (), None, revisions[at : at + 1]) for at in range(ENTRIES)),
    )
    assert _peak(lambda: dump(state)) < 1.3 * len(dump(state))


def test_a_window_lets_go_of_the_entries_that_the_next_one_has_not() -> None:
    before = Window.of(_large(), Window())
    words = sum(len(one.entry.content or "") for one in before)

    def work() -> None:
        read = Window(before.data)
        assert len(read) == ENTRIES
        after = Window.of(read.revisions[:1], read)
        tracemalloc.reset_peak()
        assert len(after) == 1

    assert _peak(work) < words
    assert replace(State(), window=before).window.revisions == before.revisions
