"""Tasks: the work that a commit leaves to do.

Each can be done twice, late, or by another run than the one that committed it. They are listed in
the order in which they are done: what others link to comes first.
"""

from __future__ import annotations

from collections.abc import Iterable

from feedmirror.mirror.archive import ArchivePage
from feedmirror.mirror.window import Row
from feedmirror.model import Revision, Stored


class StoreEntry(Stored, frozen=True, tag_field="task", tag="store"):
    """Store the record of a revision, and write the page of its entry."""

    revision: Revision


class WriteArchivePage(Stored, frozen=True, tag_field="task", tag="archive"):
    """Write the documents of an archive page."""

    page: ArchivePage[Row]


class PublishDocuments(Stored, frozen=True, tag_field="task", tag="publish"):
    """Bring the documents of the newest entries up to date."""


Task = StoreEntry | WriteArchivePage | PublishDocuments


def tasks_of(
    revisions: Iterable[Revision] = (), pages: Iterable[ArchivePage[Row]] = ()
) -> tuple[Task, ...]:
    """Return the tasks of a commit of these revisions and archive pages."""
    return (*map(StoreEntry, revisions), *map(WriteArchivePage, pages), PublishDocuments())
