"""RSS 2.0: render and verify rss.xml. Source: RSS 2.0 specification, RSS Advisory Board profile."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain

from feedmirror import __version__
from feedmirror.layout import FEEDS, RSS_XML, bare_type
from feedmirror.model import Author, Entry, Image, Robots
from feedmirror.publishing.disclaimer import Disclaimed
from feedmirror.publishing.fields import (
    UNKNOWN_TYPE,
    history_of,
    media_type,
    page_of,
    source_of,
    title_of,
    with_newer,
)
from feedmirror.publishing.formats.extension_elements import (
    atom_source_title,
    valid_in_channel,
    valid_in_item,
)
from feedmirror.publishing.formats.format import XML_HEAD, Format, Frame, Traits
from feedmirror.publishing.publication import Publication
from feedmirror.publishing.verify import BodyReader, inspect_structure, inspect_xml
from feedmirror.text.dates import rfc822, rfc3339
from feedmirror.text.namespaces import CONTENT, PREFIXES
from feedmirror.text.person import parse_person
from feedmirror.text.plain import is_read_as_html
from feedmirror.text.xml import SEPARATOR, cdata, escape, quote

_TYPE = bare_type(RSS_XML)
_BLOCK = "<itunes:block>Yes</itunes:block>"
_MEDIA = "audio or video"  # among traits; no prefix has blanks
_UPDATED = ("<atom:updated", "<dc:date", "<dcterms:modified")
_BODIES = ("description", f"{CONTENT}{SEPARATOR}encoded")


def _frame(publication: Publication, traits: Traits) -> Frame:
    """Return what stands around the items."""
    is_blocked = _is_blocked(publication, traits)
    used = {"atom", "content", *publication.feed.prefixes, *(traits - {_MEDIA})}
    used |= {"fh"} if publication.archive.page else set()
    used |= {"itunes"} if is_blocked else set()
    spaces = "".join(f" xmlns:{prefix}={quote(PREFIXES[prefix])}" for prefix in sorted(used))
    head = f'{XML_HEAD}<rss version="2.0"{spaces}>\n<channel>\n'
    channel = (f"{element}\n" for element in _channel(publication, is_blocked=is_blocked))
    return Frame(chain((head,), channel), "</channel>\n</rss>\n")


def _traits(entry: Entry) -> Traits:
    """Return the prefixes that the item uses, and `_MEDIA` if it has audio or video."""
    used = {*entry.prefixes}
    own = (*_authors(entry), *_named_source(entry, entry.extension_elements))
    if any(element.startswith("<dc:") for element in own):
        used.add("dc")
    if any((media_type(file) or "").startswith(("audio/", "video/")) for file in entry.enclosures):
        used.add(_MEDIA)
    return frozenset(used)


def escaped_text(value: str) -> str:
    """Return plain text as XML for an element that readers take for either text or HTML.

    Text that looks like markup is escaped twice: readers that expect HTML then show it as written,
    and none interprets it. Source: RSS Advisory Board profile, "Character data".
    """
    return escape(escape(value)) if is_read_as_html(value) else escape(value)


def element(name: str, value: str | None, attributes: str = "") -> Iterator[str]:
    """Yield the element with plain text in it; yield nothing if `value` is empty."""
    if value:
        yield f"<{name}{attributes}>{escaped_text(value)}</{name}>"


def body(name: str, *markup: str) -> Iterator[str]:
    """Yield the element with HTML in it, in pieces: a body may be large."""
    yield f"<{name}>"
    yield from cdata(*markup)
    yield f"</{name}>"


def _channel(publication: Publication, *, is_blocked: bool) -> Iterator[str]:
    feed = publication.feed
    title = title_of(publication)
    yield from element("title", title)
    yield f"<link>{escape(page_of(publication))}</link>"
    yield from element("description", feed.description or title)
    # The first link: some readers take the first one for "self", whatever its relation.
    yield _own_link("self", publication.address_of(RSS_XML, publication.archive.page))
    yield from (_own_link(rel, address) for rel, address in history_of(publication, RSS_XML))
    for other in FEEDS:
        if other != RSS_XML:
            href = quote(f"{publication.address}/{other}")
            yield f'<atom:link rel="alternate" type="{bare_type(other)}" href={href}/>'
    yield from element("language", feed.language)
    yield from element("copyright", feed.rights)
    yield from element("managingEditor", next(filter(None, map(_person, feed.authors)), None))
    yield from element("webMaster", _person(parse_person(feed.web_master or "")))
    yield f"<lastBuildDate>{rfc822(publication.changed_at)}</lastBuildDate>"
    for category in feed.categories:
        yield _category(category.term, category.scheme)
    yield f"<generator>feedmirror {__version__}</generator>"
    yield "<docs>https://www.rssboard.org/rss-specification</docs>"
    if not publication.archive.page:  # an archive page is complete: nobody is to poll it
        yield f"<ttl>{max(1, publication.settings.every_s // 60)}</ttl>"
    if feed.image:
        yield "".join(_image(feed.image, publication))
    if publication.archive.page:
        yield "<fh:archive/>"
    extension_elements = valid_in_channel(publication.extension_elements)
    if not is_blocked:
        yield from extension_elements
        return
    yield from (each for each in extension_elements if not each.startswith("<itunes:block"))
    yield _BLOCK


def _is_blocked(publication: Publication, traits: Traits) -> bool:
    """True for a podcast that `robots` keeps out of directories of podcasts."""
    is_podcast = bool({*publication.feed.prefixes, *traits} & {"itunes", "podcast", _MEDIA})
    return is_podcast and publication.settings.robots is Robots.NOINDEX


def _own_link(rel: str, address: str) -> str:
    """Return a link to another RSS document of the feed."""
    return f'<atom:link rel="{rel}" type="{_TYPE}" href={quote(address)}/>'


def link_newer(document: bytes, address: str) -> bytes:
    """Return the document of an archive page with a link to the next archive page."""
    return with_newer(document, _own_link("next-archive", address))


def _image(image: Image, publication: Publication) -> Iterator[str]:
    """Yield the image of the channel. RSS demands the channel's title and link in it."""
    yield f"<image><url>{escape(image.url)}</url>"
    yield from element("title", title_of(publication))
    yield f"<link>{escape(page_of(publication))}</link>"
    if image.width and image.height:
        yield f"<width>{image.width}</width><height>{image.height}</height>"
    yield "</image>"


def _item(disclaimed: Disclaimed, publication: Publication) -> Iterator[str]:
    revision, entry, content = disclaimed.revision, disclaimed.revision.entry, disclaimed.content
    yield "<item>\n"
    yield from element("title", entry.title)
    if entry.link:
        yield f"<link>{escape(entry.link)}</link>\n"
    # An entry without a body gets a description for the disclaimer. An entry with a content only
    # gets none: readers would show the content twice.
    if entry.summary is not None or content is None:
        yield from body("description", *disclaimed.summary)
    elif not entry.title:
        yield from body("description", disclaimed.notice_html)
    if content is not None:
        yield from body("content:encoded", *content)
    yield from _authors(entry)
    subjects = _texts_of(entry, "dc:subject")
    for category in entry.categories:
        if escape(category.term) not in subjects:
            yield _category(category.term, category.scheme)
    if entry.comments:
        yield f"<comments>{escape(entry.comments)}</comments>"
    for enclosure in entry.enclosures:
        length, kind = str(enclosure.length_bytes or 0), media_type(enclosure) or UNKNOWN_TYPE
        url = quote(enclosure.url)
        yield f"<enclosure url={url} length={quote(length)} type={quote(kind)}/>"
    permalink = "" if revision.guid_is_permalink else ' isPermaLink="false"'
    yield f"\n<guid{permalink}>{escape(revision.guid)}</guid>"
    yield from _dates(entry)
    yield from valid_in_item(disclaimed.extension_elements)
    yield from _named_source(entry, disclaimed.extension_elements)
    # The last element: after a source, feedparser takes a picture's title for the entry's.
    source = source_of(entry, publication)
    if source:
        yield f"<source url={quote(source.url)}>{escaped_text(source.title)}</source>"
    yield "\n</item>\n"


def _named_source(entry: Entry, extension_elements: Iterable[str]) -> Iterator[str]:
    """Yield Dublin Core's `source` for the title of an Atom source without an address."""
    title = atom_source_title(extension_elements)
    if title and entry.source is None:
        yield f"<dc:source>{title}</dc:source>"


def _dates(entry: Entry) -> Iterator[str]:
    """Yield `pubDate`, and Atom's `updated`, for which RSS has no element."""
    published = entry.published or entry.updated
    if published:
        yield f"<pubDate>{rfc822(published)}</pubDate>"
    if entry.updated and not any(f.startswith(_UPDATED) for f in entry.extension_elements):
        yield f"<atom:updated>{rfc3339(entry.updated)}</atom:updated>"


def _category(term: str, scheme: str | None) -> str:
    domain = f" domain={quote(scheme)}" if scheme else ""
    return f"<category{domain}>{escaped_text(term)}</category>"


def _person(author: Author) -> str | None:
    """Return `address (Name)` as RSS demands, or None if the author has no email address."""
    if not author.email:
        return None
    name = re.sub(r"[()]", "", author.name or "").strip() or author.email.partition("@")[0]
    return f"{author.email} ({name})"


def _authors(entry: Entry) -> Iterator[str]:
    """Yield `author` for the first author with an email address (RSS allows one), `dc:creator` for
    the other authors unless an extension element names them.
    """
    first = next((author for author in entry.authors if _person(author)), None)
    if first:
        yield from element("author", _person(first))
    named = _texts_of(entry, "dc:creator") | _texts_of(entry, "itunes:author")
    for author in entry.authors:
        name = author.name or author.email
        if author is not first and name and escape(name) not in named:
            yield from element("dc:creator", name)


def _texts_of(entry: Entry, element_name: str) -> frozenset[str]:
    """Return the escaped texts of the entry's extension elements of that name; of an element with
    children, the text after its last child.
    """
    start, end = f"<{element_name}", f"</{element_name}>"
    return frozenset(
        fragment[fragment.rfind(">", 0, -len(end)) + 1 : -len(end)]
        for fragment in entry.extension_elements
        if fragment.startswith(start) and fragment.endswith(end)
    )


def verify(document: bytes, publication: Publication) -> None:
    """Check that the document has its items and their disclaimers. Raises: RenderError."""
    inspect_xml(RSS_XML, document, BodyReader("item", 3, _BODIES, "html"), publication.entries)


FORMAT = Format(
    RSS_XML,
    5,
    _frame,
    _item,
    (b"<item>\n", b"</item>\n"),
    verify,
    partial(inspect_structure, RSS_XML),
    traits=_traits,
    link_newer=link_newer,
)
