"""Atom 1.0, valid whatever came in. Source: RFC 4287, RFC 4685."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from itertools import chain

from feedmirror import __version__
from feedmirror.layout import ATOM_XML, FEEDS, bare_type
from feedmirror.model import Author, Category, Entry, Revision
from feedmirror.publishing.disclaimer import Disclaimed
from feedmirror.publishing.fields import (
    changed_at,
    history_of,
    media_type,
    source_of,
    title_of,
    with_newer,
)
from feedmirror.publishing.formats.extension_elements import joined
from feedmirror.publishing.formats.format import XML_HEAD, Format, encoded
from feedmirror.publishing.publication import Publication
from feedmirror.publishing.verify import Found, inspect_xml
from feedmirror.text.dates import rfc3339
from feedmirror.text.namespaces import ATOM, PREFIXES
from feedmirror.text.plain import is_read_as_html
from feedmirror.text.urls import iri_of, is_iri, is_web
from feedmirror.text.xml import SEPARATOR, cdata, escape, quote

_TYPE = bare_type(ATOM_XML)
_LONGEST_ID, _LONGEST_RIGHTS = 2_000, 1_000  # characters, in every entry


def render(publication: Publication) -> bytes:
    """Return the document, its generation left out."""
    own_source = "".join(_own_source(publication))
    entries = (_entry(entry, publication, own_source) for entry in publication.entries)
    of_feed = joined(tuple(_feed(publication)), publication.extension_elements)
    lines = chain(of_feed, chain.from_iterable(entries))
    inner = encoded(piece for line in lines for piece in (line, "\n"))
    used = {p for e in publication.entries for p in e.revision.entry.prefixes}
    used |= {"fh"} if publication.archive.page else set()
    prefixes = sorted((used | set(publication.feed.prefixes)) - {"atom"})
    spaces = "".join(f" xmlns:{prefix}={quote(PREFIXES[prefix])}" for prefix in prefixes)
    lang = _lang(publication.feed.language)
    head = f'{XML_HEAD}<feed xmlns="{ATOM}"{spaces}{lang}>\n'
    return b"%b%b</feed>\n" % (head.encode(), inner)


def link_newer(document: bytes, address: str) -> bytes:
    """Return the document of a sealed page, with a link to the one that was sealed after it."""
    return with_newer(document, _link("next-archive", address, type=_TYPE))


def _lang(tag: str | None) -> str:
    return f" xml:lang={quote(tag)}" if tag else ""


def _text(name: str, value: str) -> str:
    """A text construct. What looks like markup says that it is HTML, and is escaped for it too:
    readers that do not heed the type then show it as it was meant, and nobody runs it.
    """
    if is_read_as_html(value):
        return f'<{name} type="html">{escape(escape(value))}</{name}>'
    return f"<{name}>{escape(value)}</{name}>"


def _link(rel: str, href: str, **attributes: str | None) -> str:
    told = "".join(f" {key}={quote(value)}" for key, value in attributes.items() if value)
    return f'<link rel="{rel}"{told} href={quote(href)}/>'


def _person(name: str, author: Author) -> str:
    called = author.name or author.email or author.uri or ""
    uri = f"<uri>{escape(author.uri)}</uri>" if author.uri else ""
    mail = f"<email>{escape(author.email)}</email>" if author.email else ""
    return f"<{name}><name>{escape(called)}</name>{uri}{mail}</{name}>"


def _category(category: Category) -> str:
    scheme = category.scheme if category.scheme and is_iri(category.scheme) else None
    told = {"term": category.term, "scheme": scheme, "label": category.label}
    return f"<category{''.join(f' {k}={quote(v)}' for k, v in told.items() if v)}/>"


# ---------------------------------------------------------------- the feed


def _feed(publication: Publication) -> Iterator[str]:
    feed, address = publication.feed, publication.address
    # Of the logical feed, so the same in every document that holds a part of it.
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
    if feed.link:  # last of the alternates: newsboat takes that one for the feed's page
        yield _link("alternate", feed.link, type="text/html")
    yield from (_person("author", author) for author in _authors(publication))
    yield from map(_category, feed.categories)
    if feed.rights:
        yield _text("rights", feed.rights)
    if feed.image:
        yield f"<logo>{escape(feed.image.url)}</logo>"
    yield f'<generator version="{__version__}">feedmirror</generator>'
    if publication.archive.page:
        yield "<fh:archive/>"


def _authors(publication: Publication) -> tuple[Author, ...]:
    """The feed's authors; the feed itself for entries that would have none. RFC 4287 §4.1.1."""
    anonymous = any(not disclaimed.revision.entry.authors for disclaimed in publication.entries)
    named = publication.feed.authors
    return (Author(title_of(publication)),) if anonymous and not named else named


def _own_source(publication: Publication) -> Iterator[str]:
    """The feed that is mirrored, for entries that name no other; nothing where it has no id, as
    one from a file may have none. Source: RFC 4287 §4.2.11.
    """
    feed, url = publication.feed, publication.settings.source_url
    address = url if is_web(url) else None
    own_id = feed.id if feed.id and len(feed.id) <= _LONGEST_ID and is_iri(feed.id) else None
    known = own_id or address
    if not known:
        return
    yield f"<source><id>{escape(known)}</id>{_text('title', title_of(publication))}"
    yield f"<updated>{rfc3339(feed.updated or publication.changed_at)}</updated>"
    if address:
        yield _link("self", address)
    if feed.link:
        yield _link("alternate", feed.link, type="text/html")
    if feed.rights and len(feed.rights) <= _LONGEST_RIGHTS:
        yield _text("rights", feed.rights)
    yield "</source>"


# ---------------------------------------------------------------- entries


def _entry(disclaimed: Disclaimed, publication: Publication, own_source: str) -> Iterator[str]:
    entry = disclaimed.revision.entry
    own = (
        *_head(disclaimed.revision),
        *_bodies(disclaimed),
        *_source(entry, publication, own_source),
    )
    yield f"<entry{_lang(entry.language)}>"
    yield from joined(own, disclaimed.extension_elements)
    yield "</entry>"


def _head(revision: Revision) -> Iterator[str]:
    """All of an entry but its bodies and its source."""
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
    for one in entry.enclosures:
        length = None if one.length_bytes is None else str(one.length_bytes)
        yield _link("enclosure", one.url, type=media_type(one), length=length, title=one.title)
    yield from (_person("author", author) for author in entry.authors)
    yield from map(_category, entry.categories)


def _updated(revision: Revision) -> str:
    """When the entry was last changed: as the origin says. Where it does not, the mirror does, to
    the thousandth of a second by the entry's place in the feed. So no two entries have the same,
    and readers that go by it keep them in order.
    """
    if revision.entry.updated:
        return rfc3339(revision.entry.updated)
    known = changed_at(revision) or revision.entry.published or revision.observed_at
    exact = known.astimezone(UTC).replace(microsecond=revision.seq % 1000 * 1000)
    return exact.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _bodies(disclaimed: Disclaimed) -> Iterator[str]:
    """The bodies; one that holds nothing but the disclaimer where the entry has none.

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


def _source(entry: Entry, publication: Publication, own_source: str) -> Iterator[str]:
    source = source_of(entry, publication) if entry.source else None
    if source:
        told = f"<id>{escape(source.url)}</id>{_text('title', source.title)}"
        yield f"<source>{told}{_link('self', source.url)}</source>"
    elif own_source:
        yield own_source


def verify(document: bytes, publication: Publication) -> None:
    """Nothing, if the document may go out. Raises: RenderError."""
    names = (f"{ATOM}{SEPARATOR}{name}" for name in ("summary", "content"))
    found = Found(f"{ATOM}{SEPARATOR}entry", 2, names, "text")
    inspect_xml(ATOM_XML, document, found, publication.entries)


FORMAT = Format(ATOM_XML, 3, render, verify, link_newer)
