"""What takes most of a refresh's time, done once for each question: sweeps ask the same thousands
of times.

Rendering is a pure function, and these are the real ones: a test that remembers proves what it
proved before, of everything but the rendering itself.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import pytest

from feedmirror.model import Revision
from feedmirror.publishing import render
from feedmirror.publishing.disclaimer import Disclaimed
from feedmirror.publishing.formats.format import Format
from feedmirror.publishing.pages.entry import Neighbour
from feedmirror.publishing.publication import Publication
from feedmirror.publishing.render import Attached, Rendered
from feedmirror.storage import publisher

_ENOUGH = 5_000  # answers, of a few KB each; then it begins anew


T = TypeVar("T")


def remember_renderings(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, for as long as the patches last, nothing is rendered twice."""
    documents = _Memory()
    pages = _Memory()

    def rendered(
        made: Format,
        publication: Publication,
        revisions: Sequence[Revision],
        attached: Attached,  # follows from the others
        **rest: Any,
    ) -> Rendered:
        question = (made, *_parts(publication), tuple(revisions), repr(rest))
        return documents.ask(
            question, lambda: render.rendered(made, publication, revisions, attached, **rest)
        )

    def entry_page(
        revision: Revision,
        disclaimed: Disclaimed | Exception,  # follows from the others
        publication: Publication,
        previous: Neighbour | None,
    ) -> Rendered:
        question = (revision, *_parts(publication), previous)
        return pages.ask(
            question, lambda: render.entry_page(revision, disclaimed, publication, previous)
        )

    monkeypatch.setattr(publisher, "rendered", rendered)
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


_HASHED = [field.name for field in fields(Publication) if field.name != "subscription"]


def _parts(publication: Publication) -> tuple[Hashable, ...]:
    """All that it is made of; a subscription has a dict in it, which has no hash."""
    return (
        repr(publication.settings),
        *(getattr(publication, name) for name in _HASHED),
    )
