"""What a state comes to for readers: a pure function of the state and the settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b

from feedmirror.core.disclaimer import Disclaimed, attach, attach_to_feed, notice_of_feed
from feedmirror.core.formats import Format, Place, Publication, Trouble, alternates, formats
from feedmirror.core.inspection import inspect_secrets
from feedmirror.core.pages.entry import Neighbour, render_entry, render_entry_bare, verify_entry
from feedmirror.core.pages.style import STYLE
from feedmirror.core.redaction import PublicSettings
from feedmirror.core.state import State
from feedmirror.errors import RenderError
from feedmirror.model import Entry, Revision


@dataclass(frozen=True, slots=True)
class Rendered:
    """A document, and the entries that had to be left out of it since they cannot be rendered."""

    made: Format
    document: str  # without its generation
    unfit: tuple[Revision, ...] = ()


def publication_of(
    state: State,
    settings: PublicSettings,
    address: str,
    revisions: Iterable[Revision] = (),
    place: Place | None = None,
) -> Publication:
    """What all formats are rendered from: the disclaimer is attached once for all of them.

    `place` is that of a sealed page; None: the document is that of the newest entries.
    """
    assert state.feed is not None and state.changed_at is not None  # noqa: S101, PT018
    moment = state.changed_at
    # Most has been redacted when it was read; not what has become a secret since then.
    feed = settings.redaction.value(state.feed)
    revisions = settings.redaction.value(tuple(revisions))
    if place:
        moment = max(revision.observed_at for revision in revisions)
    return Publication(
        settings,
        feed,
        tuple(attach(revision, settings, feed) for revision in revisions),
        # A sealed page says of the feed no more than it needs: what holds is in the document of
        # the newest entries. Source: RFC 5005 §4.
        () if place else attach_to_feed(feed, settings, moment),
        moment,
        address,
        notice_of_feed(feed, settings, moment),
        place or Place(older=state.sealed.last, older_has=state.sealed.documents),
        () if place else state.sealed.by_month(),
        None if place else _trouble(state),
    )


def _trouble(state: State) -> Trouble | None:
    """What readers are to know of a failure: only of one that lasts."""
    failing = state.failing
    return Trouble(failing.group, failing.since) if failing and failing.lasting else None


# ---------------------------------------------------------------- what is up to date


def stale(state: State, settings: PublicSettings, address: str) -> tuple[Format, ...]:
    """The formats whose documents were rendered from something else than what holds now."""
    if state.feed is None:
        return ()
    return tuple(
        made
        for made in formats()
        if made.name not in state.documents
        or state.documents[made.name].recipe != recipe(made, state, settings, address)
    )


def recipe(made: Format, state: State, settings: PublicSettings, address: str) -> str:
    """A digest of all that a document depends on."""
    parts: tuple[object, ...] = (
        made.version,
        state.generation,
        address,
        settings.title,
        settings.source_url,
        settings.every_s,
        asdict(settings.disclaimer),
        tuple(other.name for other in alternates(made.name)),  # that it links to
    )
    if not made.is_feed:
        parts += (STYLE, settings.images, settings.robots)
    if made.shows_trouble:
        parts += (_trouble(state), settings.retired)
    return blake2b(repr(parts).encode(), digest_size=8).hexdigest()


# ---------------------------------------------------------------- documents and pages


def rendered(chosen: Iterable[Format], publication: Publication) -> Iterator[Rendered]:
    """Each format's document. Raises: RenderError if it is no single entry's fault."""
    for made in chosen:
        document, error = _attempt(made, publication)
        if error is None:
            yield Rendered(made, document)
        else:
            yield _without_the_unfit(made, publication)


def _attempt(made: Format, publication: Publication) -> tuple[str, RenderError | None]:
    """The document, and what forbids to publish it."""
    document = made.render(publication)
    try:
        made.verify(document.encode("utf-8", "surrogatepass"), publication)
        inspect_secrets(made.name, document, publication.settings.redaction.secrets)
    except RenderError as error:
        return document, error
    return document, None


def _plain(publication: Publication) -> Disclaimed:
    """An entry that nothing can be wrong with, in place of one."""
    words = "<p>Words.</p>"
    entry = Entry(title="Title", link="https://example.org/", summary=words, content=words)
    like = publication.entries[0].revision
    return attach(replace(like, entry=entry), publication.settings, publication.feed)


def _without_the_unfit(made: Format, publication: Publication) -> Rendered:
    """The document of the entries that can be rendered. Raises: RenderError, also where none can
    be: an empty document is not to replace a good one. A sealed page, which replaces none, is
    rather empty than never there, unless not even a plain entry can be rendered.
    """

    def is_fit(entry: Disclaimed) -> bool:
        return _attempt(made, replace(publication, entries=(entry,)))[1] is None

    fit = {entry.revision.key: is_fit(entry) for entry in publication.entries}
    kept = tuple(entry for entry in publication.entries if fit[entry.revision.key])
    if publication.entries and not kept:
        one = _plain(publication) if publication.place.page else publication.entries[0]
        _, error = _attempt(made, replace(publication, entries=(one,)))
        if error is not None:
            raise error
    document, error = _attempt(made, replace(publication, entries=kept))
    if error is not None:
        raise error
    unfit = (e.revision for e in publication.entries if not fit[e.revision.key])
    return Rendered(made, document, tuple(unfit))


def entry_page(
    revision: Revision, publication: Publication, previous: Neighbour | None
) -> tuple[str, bool]:
    """The page of an entry, its generation left out, and whether it shows all of it: what cannot
    be shown has a page all the same, since others link to it. Raises: RenderError.
    """
    redaction = publication.settings.redaction
    disclaimed = attach(redaction.value(revision), publication.settings, publication.feed)
    previous = redaction.value(previous)
    name, secrets = f"entries/{revision.key}.html", redaction.secrets
    document = render_entry(disclaimed, publication, previous)
    try:
        verify_entry(document.encode("utf-8", "surrogatepass"), disclaimed)
        inspect_secrets(name, document, secrets)
    except RenderError:
        document = render_entry_bare(disclaimed, publication, previous)
        verify_entry(document.encode(), disclaimed)
        inspect_secrets(name, document, secrets)
        return document, False
    return document, True
