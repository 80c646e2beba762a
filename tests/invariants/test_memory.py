"""How much memory documents and states take, beside what they are made from.

A string with one character beyond U+FFFF takes four bytes for each of its characters.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from feedmirror.errors import RenderError
from feedmirror.mirror.archive import ArchivePage
from feedmirror.mirror.state import State
from feedmirror.mirror.state_codec import dump
from feedmirror.mirror.tasks import tasks_of
from feedmirror.mirror.window import row_of
from feedmirror.model import Revision
from feedmirror.publishing.disclaimer import CSS_CLASS, attach
from feedmirror.publishing.formats import formats
from feedmirror.publishing.formats.format import Format
from feedmirror.publishing.publication import Publication
from feedmirror.publishing.render import attached, rendered
from feedmirror.publishing.verify import inspect_bodies, inspect_secrets
from feedmirror.text import plain
from feedmirror.text.secrets import Secrets
from page_reading import FEED, publication, revision

ENTRIES = 80
WORDS = "\U0001f40c " + "Slow and steady wins the race, said the snail. " * 1_000
MARK = f'class="{CSS_CLASS}"'
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
    made = (revision(number, content=f"{WORDS}{number}") for number in range(ENTRIES))
    return tuple(replace(one, guid=f"g{one.seq}") for one in made)


@given(st.text("ab \t\n\u00a0\u3000", max_size=60), st.integers(1, 9))
def test_white_space_is_folded_alike_in_portions_of_any_length(said: str, portion: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(plain, "_PORTION", portion)
        assert plain.folded(said) == " ".join(said.split())


@given(st.lists(st.text('l="', max_size=4)), st.lists(st.text('r" ', max_size=3)))
def test_the_disclaimer_is_found_across_the_pieces_that_a_body_is_read_in(
    before: list[str], after: list[str]
) -> None:
    one = attach(revision(), publication().settings, FEED)
    for at in range(len(MARK) + 1):
        inspect_bodies("rss.xml", [[((*before, MARK[:at], MARK[at:], *after), True)]], [one])
    with pytest.raises(RenderError, match=r"items \[1\]"):
        inspect_bodies("rss.xml", [[((*before, MARK[1:], *after), True)]], [one])


def _rendered(made: Format, given: Publication, revisions: tuple[Revision, ...]) -> bytes:
    entries = {one.key: attached(one, given.settings, given.feed) for one in revisions}
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


def test_a_state_is_written_in_one_and_a_half_times_its_size() -> None:
    revisions = _large()
    state = State(
        feed=FEED,
        tasks=tasks_of(
            revisions,
            (ArchivePage("p", None, None, (row_of(one),)) for one in revisions),
        ),
    )
    assert _peak(lambda: dump(state)) < 1.6 * len(dump(state))
