"""From bytes to all that becomes public: every format, the feed's page and the entries' pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from feedmirror.errors import ParseError
from feedmirror.mirror.decide import decide
from feedmirror.mirror.state import State
from feedmirror.mirror.window import in_row
from feedmirror.model import Reading, Revision
from feedmirror.parsing.parse import parse
from feedmirror.publishing.disclaimer import Disclaimed
from feedmirror.publishing.formats import formats
from feedmirror.publishing.formats.format import Format
from feedmirror.publishing.publication import Publication
from feedmirror.publishing.redaction import public_settings
from feedmirror.publishing.render import (
    Rendered,
    attached,
    entry_page,
    publication_of,
    rendered,
    spliced,
)
from fuzz.inputs import ADDRESS, AT_THE_BEGINNING, NOW, SUBSCRIPTION, fetched, one_of
from fuzz.judges import require, require_page, require_valid

SEEDS = ("feeds",)
_MOST_PAGES = 3  # of entries, to have time for more documents


def check(data: bytes) -> None:
    """Require that every document of a parsed feed is valid, with the disclaimer."""
    found = _publication(data)
    if found is None:
        return
    publication, revisions = found
    entries = {
        revision.key: attached(revision, publication.settings, publication.feed)
        for revision in revisions
    }
    for made in formats():
        one = rendered(made, publication, revisions, entries, quarantined={}, replaces=False)
        require(not one.quarantined, f"{made.name} leaves out {len(one.quarantined)} entries")
        _require_same_in_parts(made, publication, revisions, entries, one)
        if made.is_feed:
            require_valid(made.name, one.document, ADDRESS)
        else:
            require_page(one.document.decode(), made.name)
    for revision in revisions[:_MOST_PAGES]:
        page = entry_page(revision, entries[revision.key], publication, None)
        require(not page.quarantined, f"the page of an entry is bare: {page.quarantined}")
        require_page(page.document.decode(), "the page of an entry")


def _require_same_in_parts(
    made: Format,
    publication: Publication,
    revisions: Sequence[Revision],
    entries: Mapping[str, Disclaimed | Exception],
    whole: Rendered,
) -> None:
    """Require the same bytes where every second entry is taken over from the document itself."""
    keys = (revision.key for revision in revisions)
    fragments = zip(keys, whole.rendering.fragments(), strict=True)
    known = dict(islice(fragments, 0, None, 2))
    again = spliced(made, publication, revisions, known, lambda one: entries[one.key])
    require(again.body == whole.document, f"{made.name} differs where entries are taken over")


def _publication(data: bytes) -> tuple[Publication, Sequence[Revision]] | None:
    document = fetched(data)
    try:
        parsed = parse(document, frozenset())
    except ParseError:
        return None
    subscription = one_of((SUBSCRIPTION, AT_THE_BEGINNING), data)
    reading = Reading(document, parsed, "0" * 32, NOW, alternate=False)
    state = State(url=subscription.url)
    for commit in decide(state, subscription, reading, {}).commits:
        state = commit.apply(state)
    pending = {one.key: one for one in state.pending_entries}
    revisions = [in_row(pending[row.key], row) for row in state.window]
    return publication_of(state, public_settings(subscription), ADDRESS), revisions
