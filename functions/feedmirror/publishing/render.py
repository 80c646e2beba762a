"""Documents and pages of a state: a pure function of the state and the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import blake2b

from msgspec import Struct
from msgspec.structs import replace

from feedmirror.errors import RenderError, contained, described
from feedmirror.mirror.archive import ArchivePage
from feedmirror.mirror.state import PROGRAM, Quarantine, State
from feedmirror.mirror.window import Row
from feedmirror.model import PARSER_VERSION, Entry, Feed, Revision
from feedmirror.publishing.disclaimer import Disclaimed, attach, attach_to_feed, notice_of_feed
from feedmirror.publishing.formats import formats
from feedmirror.publishing.formats.format import Format, Fragment, Rendering, Traits
from feedmirror.publishing.pages.entry import (
    Neighbour,
    render_entry,
    render_entry_bare,
    verify_entry,
)
from feedmirror.publishing.pages.templates import STYLE
from feedmirror.publishing.publication import ArchiveLinks, LastingFailure, Publication
from feedmirror.publishing.redaction import PublicSettings
from feedmirror.publishing.removal import with_notice
from feedmirror.publishing.verify import inspect_secrets, without_bare_prose

ENTRY_PAGE = "page"  # in place of a document's name in a `Quarantine`


def publication_of(
    state: State,
    settings: PublicSettings,
    address: str,
    page: ArchivePage[Revision] | None = None,
    newer: str | None = None,
) -> Publication:
    """Return what all formats are rendered from, still without entries.

    `page` is an archive page and `newer` the name of the next one; None: the documents are those of
    the newest entries.
    """
    assert state.feed is not None and state.changed_at is not None  # noqa: S101, PT018
    moment = state.changed_at
    # Most has been redacted when it was read; not what has become a secret since then.
    feed = settings.redaction.value(state.feed)
    place = ArchiveLinks(page.name, page.older, newer) if page else None
    if page:
        moment = max(revision.observed_at for revision in page.entries)
    return Publication(
        settings,
        feed,
        (),
        # An archive page says of the feed no more than it needs: what holds is in the document of
        # the newest entries. Source: RFC 5005 §4.
        () if place else attach_to_feed(feed, settings, moment),
        moment,
        address,
        notice_of_feed(feed, settings, moment),
        place or ArchiveLinks(older=state.archive_summary.last),
        () if place else state.archive_summary.by_month(),
        None if place else _failure(state),
    )


def _failure(state: State) -> LastingFailure | None:
    """Return the failure that readers are told of, None unless it lasts."""
    failing = state.failing
    return LastingFailure(failing.group, failing.since) if failing and failing.lasting else None


# ---------------------------------------------------------------- what is up to date


def stale(state: State, settings: PublicSettings, address: str) -> tuple[Format, ...]:
    """The formats whose documents were rendered from something else than what holds now."""
    if state.feed is None:
        return ()
    described = _Described(settings)
    return tuple(
        made
        for made in formats()
        if made.name not in state.documents
        or state.documents[made.name].render_key != render_key(made, state, described, address)
    )


class _Described:
    """Settings of which only the description is needed, so that it is made once for all formats."""

    def __init__(self, settings: PublicSettings) -> None:
        self._text = repr(settings)

    def __repr__(self) -> str:
        return self._text


class RenderInputs(Struct, frozen=True):
    """Everything that a document is rendered from besides the entries, which the generation counts.

    The settings are those that renderers get, whole, so that a setting cannot be forgotten here.
    """

    version: int  # of the format
    generation: int
    address: str
    settings: PublicSettings | _Described  # of its secrets the digest
    missing: tuple[str, ...]  # keys of entries that the document lacks
    style: str | None  # name of the style sheet; None: the document has none
    failure: LastingFailure | None  # None: there is none, or the document does not say


def render_key(
    made: Format, state: State, settings: PublicSettings | _Described, address: str
) -> str:
    """Return a digest of everything that a document depends on."""
    inputs = RenderInputs(
        version=made.version,
        generation=state.generation,
        address=address,
        settings=settings,
        missing=(
            *(
                key
                for key, one in sorted(state.quarantined.items())
                if one.program == program() and shows(made, one)
            ),
            *sorted(state.over),
        ),
        style=None if made.is_feed else STYLE,
        failure=_failure(state) if made.shows_failure else None,
    )
    return blake2b(repr(inputs).encode(), digest_size=8).hexdigest()


def render_key_of(settings: PublicSettings, address: str) -> str:
    """Return a digest of everything that all documents depend on besides their entries: the key in
    their stamps.
    """
    inputs = (version(), STYLE, address, settings)
    return blake2b(repr(inputs).encode(), digest_size=8).hexdigest()


def fragment_key(made: Format, publication: Publication) -> str:
    """Return a digest of everything that an entry in a document depends on besides the entry."""
    inputs = (program(), made.version, STYLE, publication.for_entries())
    return blake2b(repr(inputs).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def version() -> tuple[int, ...]:
    """Return the version of all that makes documents: larger in the newer one of two programs."""
    return (
        *map(int, PROGRAM.split(".")),
        PARSER_VERSION,
        *(made.version for made in formats()),
    )


def program() -> str:
    """Return what a quarantine depends on: the versions of the program and of each format."""
    return f"{PROGRAM}/{'.'.join(str(made.version) for made in formats())}"


def shows(made: Format, quarantine: Quarantine) -> bool:
    """True if the document lacks the entry, or is the feed's page and its own lacks words."""
    return made.name in quarantine.documents or (
        not made.is_feed and ENTRY_PAGE in quarantine.documents
    )


# ---------------------------------------------------------------- documents and pages


class Rendered(Struct, frozen=True):
    """A document, and the entries left out of it since they cannot be rendered."""

    rendering: Rendering
    quarantined: Mapping[str, Quarantine]  # by key

    @property
    def document(self) -> bytes:
        """Return the document without its generation."""
        return self.rendering.body


Attached = Mapping[str, Disclaimed | Exception]  # by key


def attached(revision: Revision, settings: PublicSettings, feed: Feed) -> Disclaimed | Exception:
    """Return the entry with its disclaimer, for all formats and pages alike, without secrets; or
    the error that attaching it raised.
    """
    return contained(partial(_attached, revision, settings, feed))


def _attached(revision: Revision, settings: PublicSettings, feed: Feed) -> Disclaimed:
    shown = settings.redaction.value(with_notice(revision))
    return without_bare_prose(attach(shown, settings, feed))


def rendered(
    made: Format,
    publication: Publication,
    revisions: Sequence[Revision],
    attached: Attached,
    *,
    quarantined: Mapping[str, Quarantine],
    replaces: bool,
) -> Rendered:
    """Return a document of the entries that can be rendered; the others are found by halving.

    Entries in `quarantined` that this program failed at are not tried again. Raises whatever an
    error of ours raises that is no single entry's fault; also if every entry fails and the document
    `replaces` one, since an empty document must not replace a good one.
    """
    refused: dict[str, Quarantine] = {}
    entries: list[Disclaimed] = []
    owners = {revision.guid: revision.key for revision in revisions}  # the oldest of each id
    for revision in revisions:
        known, one = quarantined.get(revision.key), attached[revision.key]
        if known and known.program == program() and made.name in known.documents:
            refused[revision.key] = known
        elif owners[revision.guid] != revision.key:
            taken = RenderError(f"the id {revision.guid!r} is another entry's")
            refused[revision.key] = quarantine(revision, taken, made.name)
        elif isinstance(one, Exception):
            refused[revision.key] = quarantine(revision, one, made.name)
        else:
            entries.append(one)
    document = _attempt(made, publication, entries)
    if isinstance(document, Exception):
        empty = _attempt(made, publication, ())
        if isinstance(empty, Exception):
            raise empty
        entries = _fit(made, publication, entries, refused)
        document = _attempt(made, publication, entries)
        if isinstance(document, Exception):
            raise document
    found = [one for key, one in refused.items() if quarantined.get(key) is not one]
    if found and not entries and (replaces or _fails_at_any(made, publication, revisions[0])):
        raise RenderError(found[0].reason)
    return Rendered(document, refused)


def _fails_at_any(made: Format, publication: Publication, like: Revision) -> bool:
    """True if not even an entry that nothing is wrong with can be rendered."""
    words = "<p>Words.</p>"
    entry = Entry(title="Title", link="https://example.org/", summary=words, content=words)
    like = replace(like, entry=entry)
    plain = contained(partial(attach, like, publication.settings, publication.feed))
    if isinstance(plain, Exception):
        return True
    return isinstance(_attempt(made, publication, (plain,)), Exception)


def _attempt(
    made: Format, publication: Publication, entries: Sequence[Disclaimed]
) -> Rendering | Exception:
    """Return the document of these entries, or what forbids to publish it."""
    part = replace(publication, entries=tuple(entries))
    return contained(partial(_verified, made, part, frozenset()))


def _verified(made: Format, publication: Publication, others: Traits) -> Rendering:
    """Return the document, verified. Raises: RenderError, and whatever rendering raises."""
    rendering = made.rendering(publication, others)
    made.verify(rendering.body, publication)
    inspect_secrets(made.name, rendering.body, publication.settings.redaction.secrets)
    return rendering


def spliced(
    made: Format,
    publication: Publication,
    rows: Sequence[Row],
    known: Mapping[str, Fragment],
    attached: Callable[[Row], Disclaimed | Exception],
) -> Rendering:
    """Return a document in which entries that were verified before are as they were.

    `known` are their fragments, by key. The others are rendered and verified in the same frame.
    Raises: RenderError, and whatever rendering raises, if the document must be rendered whole.
    """
    if len({row.guid for row in rows}) < len(rows):
        raise RenderError("an id is that of two entries")
    if not all(made.is_fragment(one.body) for one in known.values()):
        raise RenderError("the entries are not where they were")
    new = {row.key: attached(row) for row in rows if row.key not in known}
    entries = [one for one in new.values() if isinstance(one, Disclaimed)]
    if len(entries) < len(new):
        raise RenderError("an entry cannot have the disclaimer")
    others: Traits = frozenset[str]().union(*(one.traits for one in known.values()))
    frame = _verified(made, replace(publication, entries=tuple(entries)), others)
    rendered = dict(zip(new, frame.fragments(), strict=True))
    whole = frame.with_fragments(known.get(row.key) or rendered[row.key] for row in rows)
    made.inspect(whole.body)
    inspect_secrets(made.name, whole.body, publication.settings.redaction.secrets)
    return whole


def _fit(
    made: Format,
    publication: Publication,
    entries: list[Disclaimed],
    refused: dict[str, Quarantine],
) -> list[Disclaimed]:
    """Return the entries that can be rendered, in order; add the others to `refused`."""
    error = _attempt(made, publication, entries)
    if isinstance(error, Rendering):
        return entries
    if len(entries) == 1:
        revision = entries[0].revision
        refused[revision.key] = quarantine(revision, error, made.name)
        return []
    half = len(entries) // 2
    parts = (entries[:half], entries[half:])
    return [one for part in parts for one in _fit(made, publication, part, refused)]


def quarantine(revision: Revision, error: Exception, *documents: str) -> Quarantine:
    """Return the note that an entry is left out of these documents, and why."""
    return Quarantine(revision.guid, described(error), program(), documents)


def entry_page(
    revision: Revision,
    disclaimed: Disclaimed | Exception,
    publication: Publication,
    previous: Neighbour | None,
) -> Rendered:
    """Return the page of an entry. Where its words cannot be shown it has a page without them,
    since other pages link there, and is quarantined.

    Raises: whatever keeps even a page without words from being rendered.
    """
    error = disclaimed
    if isinstance(disclaimed, Disclaimed):
        page = contained(partial(_page, render_entry, disclaimed, publication, previous))
        if isinstance(page, bytes):
            return Rendered(Rendering(page), {})
        error = page
    assert isinstance(error, Exception)  # noqa: S101 - as above
    return Rendered(
        Rendering(_page_without_words(revision, publication, previous)),
        {revision.key: quarantine(revision, error, ENTRY_PAGE)},
    )


def _page_without_words(
    revision: Revision, publication: Publication, previous: Neighbour | None
) -> bytes:
    """Return a page with the entry's title and link, or without these where they fail too."""
    entry = revision.entry
    titled = replace(revision, entry=Entry(title=entry.title, link=entry.link))
    page = contained(partial(_bare_page, titled, publication, previous))
    if isinstance(page, bytes):
        return page
    return _bare_page(replace(revision, entry=Entry()), publication, None)


def _bare_page(revision: Revision, publication: Publication, previous: Neighbour | None) -> bytes:
    disclaimed = _attached(revision, publication.settings, publication.feed)
    return _page(render_entry_bare, disclaimed, publication, previous)


def _page(
    render: Callable[[Disclaimed, Publication, Neighbour | None], bytes],
    disclaimed: Disclaimed,
    publication: Publication,
    previous: Neighbour | None,
) -> bytes:
    redaction = publication.settings.redaction
    page = render(disclaimed, publication, redaction.value(previous))
    verify_entry(page, disclaimed)
    inspect_secrets(f"entries/{disclaimed.revision.key}.html", page, redaction.secrets)
    return page
