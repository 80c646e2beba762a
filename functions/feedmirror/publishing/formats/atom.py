"""Atom 1.0: render and verify atom.xml. Source: RFC 4287, RFC 4685."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from functools import partial
from itertools import chain

from feedmirror import __version__
from feedmirror.layout import ATOM_XML, FEEDS, bare_type
from feedmirror.model import Author, Category, Entry, Removal, Revision
from feedmirror.publishing.disclaimer import Disclaimed
from feedmirror.publishing.fields import (
    changed_at,
    history_of,
    media_type,
    source_of,
    title_of,
    with_newer,
)
from feedmirror.publishing.formats.extension_elements import with_extension_elements
from feedmirror.publishing.formats.format import XML_HEAD, Format, Frame, Traits
from feedmirror.publishing.publication import Publication
from feedmirror.publishing.removal import notice
from feedmirror.publishing.verify import BodyReader, inspect_structure, inspect_xml
from feedmirror.text.dates import rfc3339
from feedmirror.text.namespaces import ATOM, PREFIXES, TOMBSTONES
from feedmirror.text.plain import is_read_as_html
from feedmirror.text.urls import iri_of, is_iri, is_web
from feedmirror.text.xml import SEPARATOR, cdata, escape, quote

_TYPE = bare_type(ATOM_XML)
_WITHOUT_AUTHOR = "without author"  # among traits; no prefix has blanks
_LONGEST_ID, _LONGEST_RIGHTS = 2_000, 1_000  # characters; every entry repeats them


def _frame(publication: Publication, traits: Traits) -> Frame:
    """Return what stands around the entries."""
    elements = with_extension_elements(
        tuple(_feed(publication, traits)), publication.extension_elements
    )
    used = {*publication.feed.prefixes, *(traits - {_WITHOUT_AUTHOR})}
    used |= {"fh"} if publication.archive.page else set()
    prefixes = sorted(used - {"atom"})
    spaces = "".join(f" xmlns:{prefix}={quote(PREFIXES[prefix])}" for prefix in prefixes)
    lang = _lang(publication.feed.language)
    head = f'{XML_HEAD}<feed xmlns="{ATOM}"{spaces}{lang}>\n'
    return Frame(chain((head,), (f"{element}\n" for element in elements)), "</feed>\n")


def _traits(entry: Entry) -> Traits:
    """Return the prefixes that the entry uses, and `_WITHOUT_AUTHOR` if it has none."""
    return frozenset((*entry.prefixes, *(() if entry.authors else (_WITHOUT_AUTHOR,))))


def link_newer(document: bytes, address: str) -> bytes:
    """Return the document of an archive page with a link to the next archive page."""
    return with_newer(document, _link("next-archive", address, type=_TYPE))


def _lang(tag: str | None) -> str:
    return f" xml:lang={quote(tag)}" if tag else ""


def _text(name: str, value: str) -> str:
    """Return a text construct. Source: RFC 4287 §3.1.

    Text that looks like markup is escaped as HTML and declared to be HTML: readers that ignore the
    type then show it as written, and none interprets it.
    """
    if is_read_as_html(value):
        return f'<{name} type="html">{escape(escape(value))}</{name}>'
    return f"<{name}>{escape(value)}</{name}>"


def _link(rel: str, href: str, **attributes: str | None) -> str:
    more = "".join(f" {key}={quote(value)}" for key, value in attributes.items() if value)
    return f'<link rel="{rel}"{more} href={quote(href)}/>'


def _person(name: str, author: Author) -> str:
    label = author.name or author.email or author.uri or ""
    uri = f"<uri>{escape(author.uri)}</uri>" if author.uri else ""
    mail = f"<email>{escape(author.email)}</email>" if author.email else ""
    return f"<{name}><name>{escape(label)}</name>{uri}{mail}</{name}>"


def _category(category: Category) -> str:
    scheme = category.scheme if category.scheme and is_iri(category.scheme) else None
    attributes = {"term": category.term, "scheme": scheme, "label": category.label}
    return f"<category{''.join(f' {k}={quote(v)}' for k, v in attributes.items() if v)}/>"


# ---------------------------------------------------------------- the feed


def _feed(publication: Publication, traits: Traits) -> Iterator[str]:
    feed, address = publication.feed, publication.address
    # The id of the logical feed, so the same in every archive page. Source: RFC 5005 §4.
    yield f"<id>{escape(address)}/</id>"
    yield _text("title", title_of(publication))
    if feed.description:
        yield _text("subtitle", feed.description)
    yield f"<updated>{rfc3339(publication.changed_at)}</updated>"
    yield _link("self", publication.address_of(ATOM_XML, publication.archive.page), type=_TYPE)
    for rel, other_address in history_of(publication, ATOM_XML):
        yield _link(rel, other_address, type=_TYPE)
    for other in FEEDS:
        if other != ATOM_XML:
            yield _link("alternate", f"{address}/{other}", type=bare_type(other))
    if feed.link:  # the last alternate: newsboat takes the last one for the feed's page
        yield _link("alternate", feed.link, type="text/html")
    yield from (_person("author", author) for author in _authors(publication, traits))
    yield from map(_category, feed.categories)
    if feed.rights:
        yield _text("rights", feed.rights)
    if feed.image:
        yield f"<logo>{escape(feed.image.url)}</logo>"
    yield f'<generator version="{__version__}">feedmirror</generator>'
    if publication.archive.page:
        yield "<fh:archive/>"


def _authors(publication: Publication, traits: Traits) -> tuple[Author, ...]:
    """Return the feed's authors; the feed's title if any entry would else have no author.

    Source: RFC 4287 §4.1.1.
    """
    authors = publication.feed.authors
    needed = _WITHOUT_AUTHOR in traits and not authors
    return (Author(title_of(publication)),) if needed else authors


def _own_source(revision: Revision, publication: Publication) -> Iterator[str]:
    """Yield the source element of an entry that names no other source: the mirrored feed, with the
    date that it had when the entry was fetched.

    Yield nothing for a feed without an id or a web address, as a feed from a file may be.
    Source: RFC 4287 §4.2.11.
    """
    feed, url = publication.feed, publication.settings.source_url
    address = url if is_web(url) else None
    own_id = feed.id if feed.id and len(feed.id) <= _LONGEST_ID and is_iri(feed.id) else None
    source_id = own_id or address
    if not source_id:
        return
    yield f"<source><id>{escape(source_id)}</id>{_text('title', title_of(publication))}"
    yield f"<updated>{rfc3339(revision.feed_updated or revision.observed_at)}</updated>"
    if address:
        yield _link("self", address)
    if feed.link:
        yield _link("alternate", feed.link, type="text/html")
    if feed.rights and len(feed.rights) <= _LONGEST_RIGHTS:
        yield _text("rights", feed.rights)
    yield "</source>"


# ---------------------------------------------------------------- entries


def _entry(disclaimed: Disclaimed, publication: Publication) -> Iterator[str]:
    revision = disclaimed.revision
    if revision.removal is not None:
        yield from _deleted(revision, revision.removal)
        return
    own = (*_head(revision), *_bodies(disclaimed), *_source(revision, publication))
    yield f"<entry{_lang(revision.entry.language)}>\n"
    for element in with_extension_elements(own, disclaimed.extension_elements):
        yield element
        yield "\n"
    yield "</entry>\n"


def _deleted(revision: Revision, removal: Removal) -> Iterator[str]:
    """Yield the tombstone of a removed entry. Source: RFC 6721 §3."""
    ref, when = quote(iri_of(revision)), rfc3339(removal.at)
    yield f"<at:deleted-entry xmlns:at={quote(TOMBSTONES)} ref={ref} when={quote(when)}>"
    yield f"<at:comment>{escape(notice(removal))}</at:comment></at:deleted-entry>\n"


def _head(revision: Revision) -> Iterator[str]:
    """Yield the elements of an entry except its bodies and its source."""
    entry = revision.entry
    yield _text("title", entry.title or "")
    yield f"<id>{escape(iri_of(revision))}</id>"
    yield f"<updated>{_updated(revision)}</updated>"
    if entry.published:
        yield f"<published>{rfc3339(entry.published)}</published>"
    if entry.link:
        yield _link("alternate", entry.link)
    if entry.comments:  # Source: RFC 4685 §4
        yield _link("replies", entry.comments)
    for file in entry.enclosures:
        length = None if file.length_bytes is None else str(file.length_bytes)
        yield _link("enclosure", file.url, type=media_type(file), length=length, title=file.title)
    yield from (_person("author", author) for author in entry.authors)
    yield from map(_category, entry.categories)


def _updated(revision: Revision) -> str:
    """Return the entry's `updated` as the origin says, or else a date of the mirror's.

    To the mirror's own date, milliseconds are added by the entry's sequence number: no two entries
    have equal dates, and readers that sort by date keep their order.
    """
    if revision.entry.updated:
        return rfc3339(revision.entry.updated)
    known = changed_at(revision) or revision.entry.published or revision.observed_at
    exact = known.astimezone(UTC).replace(microsecond=revision.seq % 1000 * 1000)
    return exact.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _bodies(disclaimed: Disclaimed) -> Iterator[str]:
    """Yield the bodies; an entry without any gets one with the disclaimer alone.

    An entry without a link must have a content. Source: RFC 4287 §4.1.2.
    """
    entry, content = disclaimed.revision.entry, disclaimed.content
    if content is None and not entry.link:
        yield _body("content", *disclaimed.summary)
        return
    if entry.summary is not None or content is None:
        yield _body("summary", *disclaimed.summary)
    if content is not None:
        yield _body("content", *content)


def _body(name: str, *markup: str) -> str:
    return "".join((f'<{name} type="html">', *cdata(*markup), f"</{name}>"))


def _source(revision: Revision, publication: Publication) -> Iterator[str]:
    entry = revision.entry
    source = source_of(entry, publication) if entry.source else None
    if source:
        head = f"<id>{escape(source.url)}</id>{_text('title', source.title)}"
        yield f"<source>{head}{_link('self', source.url)}</source>"
    else:
        yield from filter(None, ("".join(_own_source(revision, publication)),))


def verify(document: bytes, publication: Publication) -> None:
    """Check that the document has its entries and their disclaimers. Raises: RenderError."""
    names = (f"{ATOM}{SEPARATOR}{name}" for name in ("summary", "content"))
    reader = BodyReader(f"{ATOM}{SEPARATOR}entry", 2, names, "text")
    entries = [one for one in publication.entries if one.revision.removal is None]
    inspect_xml(ATOM_XML, document, reader, entries)


FORMAT = Format(
    ATOM_XML,
    4,
    _frame,
    _entry,
    (b"<entry", b"</entry>\n"),
    verify,
    partial(inspect_structure, ATOM_XML),
    of_removed=(b"<at:deleted-entry", b"</at:deleted-entry>\n"),
    traits=_traits,
    link_newer=link_newer,
)
