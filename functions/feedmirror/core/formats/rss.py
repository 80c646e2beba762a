"""RSS 2.0, valid whatever came in. Source: RSS 2.0 specification, RSS Advisory Board profile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from urllib.parse import urlsplit
from xml.parsers import expat

from feedmirror import __version__
from feedmirror.core.dates import rfc822, rfc3339
from feedmirror.core.disclaimer import CSS_CLASS, Disclaimed
from feedmirror.core.formats import Format, Publication
from feedmirror.core.text import looks_like_html
from feedmirror.core.uri import is_web
from feedmirror.core.vocabulary import MEDIA_TYPES, PREFIXES
from feedmirror.core.xml import SEPARATOR, escape, quote
from feedmirror.errors import RenderError
from feedmirror.model import Author, Enclosure, Entry, Image, Source

NAME = "rss.xml"
_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")  # BCP 47, roughly
_EMAIL = re.compile(r"[^\s@()<>,;]+@[^\s@()<>,;]+\.[A-Za-z]{2,}")
_PERSON = re.compile(rf"(?P<email>{_EMAIL.pattern})(?: \((?P<name>[^()]+)\))?")
_UPDATED = ("<atom:updated", "<dc:date", "<dcterms:modified")
_BODIES = ("description", "content:encoded")
_BODY_TAGS = tuple((f"<{name}".encode(), f"</{name}>".encode()) for name in _BODIES)
_MARK = f'class="{CSS_CLASS}"'.encode()


def render(publication: Publication) -> str:
    """The document, its generation left out."""
    items = ("".join(_item(entry, publication)) for entry in publication.entries)
    inner = "\n".join((*_channel(publication), *items))
    used = {"atom", "content"} | {p for e in publication.entries for p in e.revision.entry.prefixes}
    used |= set(publication.feed.prefixes)
    used |= {"dc"} if "<dc:creator>" in inner else set()
    spaces = "".join(f" xmlns:{prefix}={quote(PREFIXES[prefix])}" for prefix in sorted(used))
    return f'{_HEAD}<rss version="2.0"{spaces}>\n<channel>\n{inner}\n</channel>\n</rss>\n'


def stamp(document: str, generation: int) -> str:
    """The document with the generation that last changed it, as a comment before its root."""
    return document.replace(_HEAD, f"{_HEAD}<!-- feedmirror generation {generation} -->\n", 1)


def text(value: str) -> str:
    """Plain text for an element that readers take for either text or HTML.

    What looks like markup is escaped twice: those who take it for HTML then show it as it was
    meant, and nobody runs it. Source: RSS Advisory Board profile, "Character data".
    """
    return escape(escape(value)) if looks_like_html(value) else escape(value)


def element(name: str, value: str | None, attributes: str = "") -> Iterator[str]:
    """The element with plain text in it, or nothing if there is none."""
    if value:
        yield f"<{name}{attributes}>{text(value)}</{name}>"


def body(name: str, markup: str) -> str:
    """The element with HTML in it."""
    return f"<{name}><![CDATA[{markup.replace(']]>', ']]]]><![CDATA[>')}]]></{name}>"


def source_title(publication: Publication) -> str:
    """What the source is called, for readers: never empty."""
    feed, subscription = publication.feed, publication.subscription
    return (
        subscription.title or feed.title or urlsplit(subscription.url).hostname or subscription.slug
    )


def _own_page(publication: Publication) -> str:
    """What the channel links to where the origin names no page: its address, or ours."""
    url = publication.subscription.url
    return url if is_web(url) else publication.address


def _channel(publication: Publication) -> Iterator[str]:
    feed, subscription = publication.feed, publication.subscription
    title = source_title(publication)
    yield from element("title", title)
    yield f"<link>{escape(feed.link or _own_page(publication))}</link>"
    yield from element("description", feed.description or title)
    own = quote(f"{publication.address}/{NAME}")
    yield f'<atom:link rel="self" type="application/rss+xml" href={own}/>'
    if feed.language and _LANGUAGE.fullmatch(feed.language):
        yield from element("language", feed.language)
    yield from element("copyright", feed.rights)
    yield from element("managingEditor", next(filter(None, map(_person, feed.authors)), None))
    person = _PERSON.fullmatch(feed.web_master or "")
    if person:
        yield from element("webMaster", _person(Author(person["name"], person["email"])))
    yield f"<lastBuildDate>{rfc822(publication.changed_at)}</lastBuildDate>"
    for category in feed.categories:
        yield _category(category.term, category.scheme)
    yield f"<generator>feedmirror {__version__}</generator>"
    yield "<docs>https://www.rssboard.org/rss-specification</docs>"
    yield f"<ttl>{max(1, subscription.every_s // 60)}</ttl>"
    if feed.image:
        yield "".join(_image(feed.image, publication))
    yield from publication.foreign


def _image(image: Image, publication: Publication) -> Iterator[str]:
    """The picture; RSS wants it to have the title and the link of the channel."""
    yield f"<image><url>{escape(image.url)}</url>"
    yield from element("title", source_title(publication))
    yield f"<link>{escape(publication.feed.link or _own_page(publication))}</link>"
    if image.width and image.height:
        yield f"<width>{image.width}</width><height>{image.height}</height>"
    yield "</image>"


def _item(disclaimed: Disclaimed, publication: Publication) -> Iterator[str]:
    revision, entry = disclaimed.revision, disclaimed.revision.entry
    yield "<item>\n"
    yield from element("title", entry.title)
    if entry.link:
        yield f"<link>{escape(entry.link)}</link>\n"
    # A description for entries without a body too: it carries the disclaimer. Not beside a content
    # that came alone, which readers would then show twice.
    if entry.summary is not None or disclaimed.content is None:
        yield body("description", disclaimed.summary)
    elif not entry.title:
        yield body("description", disclaimed.notice_html)
    if disclaimed.content is not None:
        yield body("content:encoded", disclaimed.content)
    yield from _authors(entry)
    for category in entry.categories:
        if not _carried(entry, "dc:subject", category.term):
            yield _category(category.term, category.scheme)
    if entry.comments:
        yield f"<comments>{escape(entry.comments)}</comments>"
    for enclosure in entry.enclosures:
        length, media_type = str(enclosure.length_bytes or 0), _media_type(enclosure)
        url = quote(enclosure.url)
        yield f"<enclosure url={url} length={quote(length)} type={quote(media_type)}/>"
    permalink = "" if revision.guid_is_permalink else ' isPermaLink="false"'
    yield f"\n<guid{permalink}>{escape(revision.guid)}</guid>"
    yield from _dates(entry)
    yield from disclaimed.foreign
    # Last: after it, feedparser takes the title of a picture or a person for the entry's.
    source = entry.source or _own_source(publication)
    if source:
        yield f"<source url={quote(source.url)}>{text(source.title)}</source>"
    yield "\n</item>"


def _own_source(publication: Publication) -> Source | None:
    """The feed that is mirrored, unless it came from a file, whose place is nobody's business."""
    url = publication.subscription.url
    return Source(source_title(publication), url) if is_web(url) else None


def _dates(entry: Entry) -> Iterator[str]:
    """`pubDate`, and the date of the last change, for which RSS has no element of its own."""
    published = entry.published or entry.updated
    if published:
        yield f"<pubDate>{rfc822(published)}</pubDate>"
    if entry.updated and not any(f.startswith(_UPDATED) for f in entry.foreign):
        yield f"<atom:updated>{rfc3339(entry.updated)}</atom:updated>"


def _category(term: str, scheme: str | None) -> str:
    domain = f" domain={quote(scheme)}" if scheme else ""
    return f"<category{domain}>{text(term)}</category>"


def _person(author: Author) -> str | None:
    """`address (Name)` as RSS wants it, or None without a proper address."""
    if not author.email or not _EMAIL.fullmatch(author.email):
        return None
    name = re.sub(r"[()]", "", author.name or "").strip() or author.email.partition("@")[0]
    return f"{author.email} ({name})"


def _authors(entry: Entry) -> Iterator[str]:
    """`author` for the first with an address (RSS has room for one), `dc:creator` for the others,
    unless they travel already in an element of their own.
    """
    addressed = next((author for author in entry.authors if _person(author)), None)
    if addressed:
        yield from element("author", _person(addressed))
    for author in entry.authors:
        name = author.name or author.email
        said = ("dc:creator", "itunes:author")
        if author is not addressed and name and not any(_carried(entry, e, name) for e in said):
            yield from element("dc:creator", name)


def _carried(entry: Entry, element_name: str, value: str) -> bool:
    """Whether a foreign element of the entry says this already."""
    if element_name.partition(":")[0] not in entry.prefixes:
        return False
    end = f">{escape(value)}</{element_name}>"
    return any(f.startswith(f"<{element_name}") and f.endswith(end) for f in entry.foreign)


def _media_type(enclosure: Enclosure) -> str:
    declared = enclosure.media_type
    if declared and re.fullmatch(r"[\w.+-]+/[\w.+-]+(?:\s*;.*)?", declared):
        return declared
    extension = urlsplit(enclosure.url).path.rpartition(".")[2].lower()
    return MEDIA_TYPES.get(extension, "application/octet-stream")


def verify(document: bytes, publication: Publication) -> None:
    """Nothing, if the document is well-formed and each body in it carries the disclaimer.

    The last look before anything is public. Raises: RenderError.
    """
    parser = expat.ParserCreate("utf-8", SEPARATOR)
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise RenderError(f"{NAME} would not be well-formed: {error}") from error
    # What bodies hold cannot be mistaken for items or bodies: they have been sanitised.
    starts = list(_places(document, b"<item>", 0, len(document)))
    spans = enumerate(pairwise((*starts, len(document))), 1)
    bare = [number for number, span in spans if not _is_disclaimed(document, *span)]
    if bare or len(starts) != len(publication.entries):
        what = f"a disclaimer in items {bare}" if bare else f"entries: it has {len(starts)}"
        raise RenderError(f"{NAME} would lack {what}")


def _is_disclaimed(document: bytes, start: int, end: int) -> bool:
    """Whether there is a body, and none without the disclaimer; what is foreign comes later."""
    foreign = document.find(b"<guid", start, end)
    own_end = end if foreign < 0 else foreign
    bodies = [
        (place, document.find(closing, place, own_end))
        for opening, closing in _BODY_TAGS
        for place in _places(document, opening, start, own_end)
    ]
    return bool(bodies) and all(
        stop >= 0 and document.find(_MARK, place, stop) >= 0 for place, stop in bodies
    )


def _places(document: bytes, tag: bytes, start: int, end: int) -> Iterator[int]:
    """Where the tag stands between the two offsets. Nothing is copied: documents are large."""
    while (start := document.find(tag, start, end)) >= 0:
        yield start
        start += len(tag)


FORMAT = Format(NAME, "application/rss+xml; charset=utf-8", 1, render, stamp, verify)
