"""From bytes to all that becomes public: every format, the feed's page and the entries' pages."""

from __future__ import annotations

from collections.abc import Iterator

from feedmirror.core.decide import decide
from feedmirror.core.formats import Publication, formats
from feedmirror.core.parse import parse
from feedmirror.core.redaction import public_settings
from feedmirror.core.rendering import entry_page, publication_of, rendered
from feedmirror.core.state import State
from feedmirror.errors import ParseError
from feedmirror.model import Reading
from fuzz.inputs import ADDRESS, AT_THE_BEGINNING, NOW, SUBSCRIPTION, fetched, one_of
from fuzz.judges import require, require_page, require_valid

SEEDS = ("feeds",)
_MOST_PAGES = 3  # of entries, to have time for more documents


def check(data: bytes) -> None:
    """What the parser lets through comes out valid in every format, with its notice."""
    publication = _publication(data)
    if publication is None:
        return
    for one in rendered(formats(), publication):
        require(not one.unfit, f"{one.made.name} leaves out {len(one.unfit)} entries")
        if one.made.is_feed:
            require_valid(one.made.name, one.document.encode(), ADDRESS)
        else:
            require_page(one.document, one.made.name)
    for page in _pages(publication):
        require_page(page, "the page of an entry")


def _publication(data: bytes) -> Publication | None:
    document = fetched(data)
    try:
        parsed = parse(document, frozenset())
    except ParseError:
        return None
    subscription = one_of((SUBSCRIPTION, AT_THE_BEGINNING), data)
    reading = Reading(document, parsed, "0" * 32, NOW, alternate=False)
    commits = decide(State(url=subscription.url), subscription, reading).commits
    state = commits[-1].state
    return publication_of(state, public_settings(subscription), ADDRESS, state.window)


def _pages(publication: Publication) -> Iterator[str]:
    for disclaimed in publication.entries[:_MOST_PAGES]:
        page, is_whole = entry_page(disclaimed.revision, publication, None)
        require(is_whole, "the page of an entry is bare")
        yield page
