"""JSON Feed: render and verify feed.json. Source: JSON Feed 1.1.

Fields without a member in JSON Feed are in the extension `_feedmirror`.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from msgspec.json import decode

from feedmirror import __version__
from feedmirror.errors import RenderError
from feedmirror.layout import FEED_JSON
from feedmirror.model import Author, Enclosure, Position, Revision
from feedmirror.publishing.disclaimer import Disclaimed
from feedmirror.publishing.fields import (
    UNKNOWN_TYPE,
    changed_at,
    files_of,
    media_type,
    page_of,
    picture_of,
    source_of,
    title_of,
)
from feedmirror.publishing.formats.format import JSON_HEAD, Format, Frame, Traits
from feedmirror.publishing.publication import Publication
from feedmirror.publishing.verify import Body, inspect_bodies
from feedmirror.text.dates import rfc3339
from feedmirror.text.namespaces import OWN_MEMBER
from feedmirror.text.plain import close_directions, escape_for_script, words_of
from feedmirror.text.urls import EXECUTED, iri_of, is_web, scheme_of

_ITEMS, _END = '"items":[\n', b"]}\n"
_BODIES = ("content_html", "content_text", "summary")

Json = dict[str, Any]

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _frame(publication: Publication, _: Traits) -> Frame:
    """Return what stands around the items: a line before them; each item is a line."""
    extension = _dumped(_extension(publication)).removeprefix("{")
    feed = _dumped(_feed(publication)).removeprefix("{").removesuffix("}")
    return Frame((f"{JSON_HEAD}{extension},{feed},{_ITEMS}",), f"\n{_END.decode()}")


def _dumped(value: Json) -> str:
    """Return the object as JSON, without members that are null or empty."""
    members = {key: member for key, member in value.items() if member not in (None, [], {})}
    return escape_for_script(_ENCODER.encode(members))


def keys_in(document: bytes) -> tuple[str, ...]:
    """Return the keys of the entries of a document that `render` returned, in its order; () if the
    document is damaged.
    """
    return tuple(revisions_in(document))


def revisions_in(document: bytes) -> dict[str, str | None]:
    """Return the digest of the revision of each entry of a document that `render` returned, by key
    and in its order; None for an entry that was taken down; {} if the document is damaged.
    """
    try:
        own = [item[OWN_MEMBER] for item in json.loads(document)["items"]]
        return {str(one["key"]): one.get("revision") for one in own}
    except (ValueError, LookupError, TypeError, AttributeError):
        return {}


def identifiers_in(document: bytes) -> dict[str, tuple[str, ...]]:
    """Return the GUID and link of each entry of a document that `render` returned, by key; {} if
    the document is damaged.
    """
    try:
        return {str(item[OWN_MEMBER]["key"]): _identifiers(item) for item in _items(document)}
    except (ValueError, LookupError, TypeError):
        return {}


def _identifiers(item: Json) -> tuple[str, ...]:
    found = (item.get("id"), item.get("url"), item[OWN_MEMBER].get("guid"))
    return tuple(str(one) for one in found if one)


def _extension(publication: Publication) -> Json:
    """Return the extension of the feed: the software, the source and its rights."""
    url = publication.settings.source_url
    return {
        "software": f"feedmirror {__version__}",
        "updated": rfc3339(publication.changed_at),
        "source": _source(title_of(publication), url if is_web(url) else None),
        "rights": publication.feed.rights,
    }


def _feed(publication: Publication) -> Json:
    feed, older = publication.feed, publication.archive.older
    return {
        **_extensions(feed.extensions),
        "title": title_of(publication),
        "home_page_url": page_of(publication),
        "feed_url": publication.address_of(FEED_JSON),  # the same in all archive pages
        "next_url": publication.address_of(FEED_JSON, older) if older else None,
        "description": feed.description,
        "icon": feed.image.url if feed.image else None,
        "authors": [_person(author) for author in feed.authors],
        "language": feed.language,
    }


def _item(disclaimed: Disclaimed, publication: Publication) -> tuple[str, str, str]:
    """Return the item as JSON in three pieces; the second, the content, may be large."""
    revision, entry = disclaimed.revision, disclaimed.revision.entry
    changed = changed_at(revision)
    before = {
        **_extensions(entry.extensions),
        "id": _id(revision),
        "url": entry.link,
        "external_url": entry.external,
        "title": entry.title,
    }
    content = {"content_html": "".join(disclaimed.body)}
    after = {
        "summary": _summary(disclaimed, publication),
        "date_published": rfc3339(entry.published) if entry.published else None,
        "date_modified": rfc3339(changed) if changed else None,
        "authors": [_person(author) for author in entry.authors],
        "tags": list(dict.fromkeys(category.term for category in entry.categories)),
        "language": entry.language,
        "image": picture_of(entry),
        "banner_image": entry.banner,
        "attachments": [_attachment(file) for file in files_of(entry)],
        OWN_MEMBER: _provenance(disclaimed, publication),
    }
    return (
        f"{_dumped(before)[:-1]},",
        f"{_dumped(content)[1:-1]},",
        _dumped(after)[1:],
    )


def _id(revision: Revision) -> str:
    """Return the GUID as the origin sent it; an IRI if readers might execute the GUID as a link."""
    guid = revision.guid
    return iri_of(revision) if scheme_of(guid) in EXECUTED else guid


def _summary(disclaimed: Disclaimed, publication: Publication) -> str | None:
    """Return the summary with the disclaimer, both as plain text; None for an entry that lacks a
    summary, or has no content besides.
    """
    summary = disclaimed.revision.entry.summary
    if summary is None or disclaimed.revision.entry.content is None:
        return None
    words, notice = close_directions(words_of(summary)), disclaimed.notice_text
    before = publication.settings.disclaimer.position is Position.BEGINNING
    return "\n\n".join(filter(None, (notice, words) if before else (words, notice)))


def _provenance(disclaimed: Disclaimed, publication: Publication) -> Json:
    """Return the extension of an item: source, digests, dates, and fields without a member."""
    revision = disclaimed.revision
    source = source_of(revision.entry, publication)
    members = {
        "source": _source(source.title, source.url) if source else None,
        "guid": revision.guid if revision.guid != _id(revision) else None,
        "key": revision.key,
        "revision": None if revision.removal else revision.digest,
        "removed": rfc3339(revision.removal.at) if revision.removal else None,
        "first_fetched": rfc3339(revision.first_seen),
        "disclaimer": disclaimed.notice_text,
        "comments_url": revision.entry.comments,
    }
    return {key: value for key, value in members.items() if value}


def _source(title: str, url: str | None) -> Json:
    return {"title": title, "url": url} if url else {"title": title}


def _person(author: Author) -> Json:
    mail = f"mailto:{quote(author.email, safe='@!$&*+-._~')}" if author.email else None
    url = author.uri or mail
    members = {
        "name": author.name or author.email or author.uri,
        "url": url,
        "avatar": author.avatar,
    }
    return {key: value for key, value in members.items() if value}


def _attachment(enclosure: Enclosure) -> Json:
    members = {
        "url": enclosure.url,
        "mime_type": media_type(enclosure) or UNKNOWN_TYPE,
        "title": enclosure.title,
        "size_in_bytes": enclosure.length_bytes,
        "duration_in_seconds": enclosure.duration_s,
    }
    return {key: value for key, value in members.items() if value is not None}


def verify(document: bytes, publication: Publication) -> None:
    """Check that the document has its items and their disclaimers. Raises: RenderError."""
    try:
        inspect_bodies(FEED_JSON, map(_bodies, _items(document)), publication.entries)
    except (ValueError, TypeError, LookupError) as error:
        raise RenderError(f"{FEED_JSON} would not be well-formed: {error}") from error


def _inspect(document: bytes) -> None:
    """Check that the document is JSON, line by line. Raises: RenderError."""
    try:
        deque(_items(document), maxlen=0)
    except (ValueError, TypeError, LookupError) as error:
        raise RenderError(f"{FEED_JSON} would not be well-formed: {error}") from error


def _items(document: bytes) -> Iterator[Json]:
    """Yield the items, each parsed by itself: all together may be large.

    The document is JSON if its lines are: the head, followed by the end, and the lines of items,
    which end with a comma except the last. Raises: ValueError, TypeError, LookupError.
    """
    lines = BytesIO(document)
    head = lines.readline()
    if not (head.endswith(_ITEMS.encode()) and document.endswith(_END)):
        raise ValueError("its first or last line is not that of a feed")
    decode(head + _END)
    for line, following in pairwise(lines):
        is_last = following == _END
        found = decode((b"[%b]" if is_last else b"[%b0]") % line)
        yield from found if is_last else found[:-1]


def _bodies(item: Json) -> list[Body]:
    return [((item[name],), name == "content_html") for name in _BODIES if name in item]


def _extensions(extensions: str | None) -> dict[str, Any]:
    """Parse the extensions of a feed or an entry; return {} for None.

    Returns {} also for invalid JSON, the result of redacting a secret that was part of its syntax.
    """
    try:
        value = json.loads(extensions) if extensions else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


FORMAT = Format(FEED_JSON, 3, _frame, _item, (b"{", b"}"), verify, _inspect, b",\n")
