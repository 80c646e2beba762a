"""Render equal documents once: sweeps render the same few thousands of times.

Rendering is a pure function, and the real one is remembered: a test that remembers proves what it
proved before, of everything but the rendering itself.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from feedmirror.model import Feed, Revision
from feedmirror.publishing import render
from feedmirror.publishing.disclaimer import Disclaimed
from feedmirror.publishing.formats.format import Format, Rendering
from feedmirror.publishing.pages.entry import Neighbour
from feedmirror.publishing.publication import Publication
from feedmirror.publishing.redaction import PublicSettings, Redaction
from feedmirror.publishing.render import Attached, Rendered
from feedmirror.storage import publisher

_ENOUGH = 5_000  # answers, of a few KB each; then it begins anew


T = TypeVar("T")


def remember_renderings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Render nothing twice for as long as the patches last."""
    documents, joined, pages, disclaimed_entries = _Memory(), _Memory(), _Memory(), _Memory()

    def rendered(
        made: Format,
        publication: Publication,
        revisions: Sequence[Revision],
        attached: Attached,  # follows from the others
        **rest: Any,
    ) -> Rendered:
        question = (made, _hashable(publication), tuple(revisions), repr(rest))
        return documents.ask(
            question, lambda: render.rendered(made, publication, revisions, attached, **rest)
        )

    def spliced(
        made: Format,
        publication: Publication,
        revisions: Sequence[Revision],
        known: Mapping[str, memoryview],
        attached: Callable[[Revision], Disclaimed | Exception],
    ) -> Rendering:
        for revision in revisions:
            if revision.key not in known:
                attached(revision)  # whose caller notes the answer
        fragments = tuple((key, bytes(fragment)) for key, fragment in known.items())
        question = (made, _hashable(publication), tuple(revisions), fragments)
        return joined.ask(
            question, lambda: render.spliced(made, publication, revisions, known, attached)
        )

    def entry_page(
        revision: Revision,
        disclaimed: Disclaimed | Exception,  # follows from the others
        publication: Publication,
        previous: Neighbour | None,
    ) -> Rendered:
        question = (revision, _hashable(publication), previous)
        return pages.ask(
            question, lambda: render.entry_page(revision, disclaimed, publication, previous)
        )

    def attached(
        revision: Revision, settings: PublicSettings, feed: Feed
    ) -> Disclaimed | Exception:
        question = (revision, _without_redaction(settings), feed)
        answer: Disclaimed | Exception = disclaimed_entries.ask(
            question, lambda: render.attached(revision, settings, feed)
        )
        return answer

    monkeypatch.setattr(publisher, "attached", attached)
    monkeypatch.setattr(publisher, "rendered", rendered)
    monkeypatch.setattr(publisher, "spliced", spliced)
    monkeypatch.setattr(publisher, "entry_page", entry_page)


class _Memory:
    def __init__(self) -> None:
        self._answers: dict[Hashable, Any] = {}

    def ask(self, question: Hashable, answer: Callable[[], T]) -> T:
        if question not in self._answers:
            if len(self._answers) >= _ENOUGH:
                self._answers.clear()
            self._answers[question] = answer()
        found: T = self._answers[question]
        return found


def _hashable(publication: Publication) -> Publication:
    return replace(publication, settings=_without_redaction(publication.settings))


def _without_redaction(settings: PublicSettings) -> PublicSettings:
    """Return the settings without their redaction: two runs never have an equal one.

    It changes nothing where a subscription has no secrets, and sweeps use no other.
    """
    assert not settings.redaction.secrets, "with secrets, documents depend on the store's key"
    return replace(settings, redaction=Redaction())
