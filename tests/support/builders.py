"""Feeds as bytes, from a few values: what tests and benchmarks serve as an origin's document.

An entry is a mapping; the same one fits all three formats. Its keys, all of them optional:
`title`, `link`, `guid` (Atom and JSON: `id`), `permalink` (a bool: RSS isPermaLink), `summary` and
`content` (HTML), `author`, `published` and `updated` (an aware datetime, or text that is written
as it is), `categories` (texts), `enclosures` (of url, length and type), `comments`, `source` (title
and url), and `extra`: XML, or a mapping for JSON, that goes in unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from bigfeed import big_feed

__all__ = [
    "EPOCH",
    "NAMESPACES",
    "SITE",
    "TITLE",
    "Entry",
    "atom_document",
    "big_feed",
    "entry",
    "json_feed",
    "rss_document",
]

Entry = Mapping[str, Any]

SITE = "https://gazette.example.org/"
TITLE = "The Harbour Gazette"
EPOCH = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "georss": "http://www.georss.org/georss",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "podcast": "https://podcastindex.org/namespace/1.0",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "wfw": "http://wellformedweb.org/CommentAPI/",
    "yandex": "http://news.yandex.ru",
}


def entry(number: int, **changes: Any) -> dict[str, Any]:
    """An entry with everything usual, told from others by its number; `changes` go over it.

    A change to None takes the key away. Entries are an hour apart, the larger number the later.
    """
    link = f"{SITE}{number}"
    usual: dict[str, Any] = {
        "title": f"Entry {number}",
        "link": link,
        "guid": link,
        "summary": f"<p>What entry {number} says.</p>",
        "published": EPOCH + timedelta(hours=number),
    }
    return {key: value for key, value in (usual | changes).items() if value is not None}


def rss_document(
    entries: Sequence[Entry],
    *,
    title: str = TITLE,
    link: str = SITE,
    description: str = "Tides, ferries and the fish market",
    extra_channel: str = "",
    extra_namespaces: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
) -> bytes:
    """An RSS 2.0 document of the entries, in that order."""
    lines = [
        _declaration(encoding),
        f'<rss version="2.0"{_declared(extra_namespaces)}>',
        "<channel>",
        _element("title", title) + _element("link", link) + _element("description", description),
        extra_channel,
        *(_rss_item(each) for each in entries),
        "</channel>",
        "</rss>",
    ]
    return _encoded(lines, encoding)


def _rss_item(given: Entry) -> str:
    guid = (
        {} if given.get("permalink") is None else {"isPermaLink": str(given["permalink"]).lower()}
    )
    parts = [
        _element("title", given.get("title")),
        _element("link", given.get("link")),
        _element("description", given.get("summary")),
        _element("dc:creator", given.get("author")),
        *(_element("category", term) for term in given.get("categories", ())),
        _element("comments", given.get("comments")),
        *(
            _element("enclosure", "", url=url, length=str(length), type=kind)
            for url, length, kind in given.get("enclosures", ())
        ),
        _element("guid", given.get("guid"), **guid),
        _element("pubDate", _rfc822(given.get("published"))),
        _source(given),
        _element("content:encoded", given.get("content")),
        given.get("extra", ""),
    ]
    return "<item>\n" + "\n".join(filter(None, parts)) + "\n</item>"


def _source(given: Entry) -> str:
    if "source" not in given:
        return ""
    title, url = given["source"]
    return _element("source", title, url=url)


def atom_document(
    entries: Sequence[Entry],
    *,
    title: str = TITLE,
    link: str = SITE,
    feed_id: str = "tag:gazette.example.org,2026:feed",
    updated: datetime | str = EPOCH,
    extra_feed: str = "",
    extra_namespaces: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
) -> bytes:
    """An Atom 1.0 document of the entries, in that order."""
    lines = [
        _declaration(encoding),
        f'<feed xmlns="{NAMESPACES["atom"]}"{_declared(extra_namespaces)}>',
        _element("id", feed_id) + _element("title", title) + _element("updated", _rfc3339(updated)),
        _element("link", "", href=link) + f"<author>{_element('name', title)}</author>",
        extra_feed,
        *(_atom_entry(each, updated) for each in entries),
        "</feed>",
    ]
    return _encoded(lines, encoding)


def _atom_entry(given: Entry, feed_updated: datetime | str) -> str:
    published = given.get("published")
    updated = given.get("updated") or published or feed_updated
    parts = [
        _element("id", given.get("guid")),
        _element("title", given.get("title")),
        _element("link", "", href=given["link"]) if "link" in given else "",
        *(
            _element("link", "", rel="enclosure", href=url, length=str(length), type=kind)
            for url, length, kind in given.get("enclosures", ())
        ),
        _element("updated", _rfc3339(updated)),
        _element("published", _rfc3339(published)),
        f"<author>{_element('name', given['author'])}</author>" if "author" in given else "",
        *(_element("category", "", term=term) for term in given.get("categories", ())),
        _element("summary", given.get("summary"), type="html"),
        _element("content", given.get("content"), type="html"),
        given.get("extra", ""),
    ]
    return "<entry>\n" + "\n".join(filter(None, parts)) + "\n</entry>"


def json_feed(
    entries: Sequence[Entry],
    *,
    title: str = TITLE,
    link: str = SITE,
    version: str = "1.1",
    extra_feed: Mapping[str, Any] | None = None,
) -> bytes:
    """A JSON Feed of the entries, in that order. Source: JSON Feed 1.1."""
    document = {
        "version": f"https://jsonfeed.org/version/{version}",
        "title": title,
        "home_page_url": link,
        **(extra_feed or {}),
        "items": [_json_item(each, version) for each in entries],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _json_item(given: Entry, version: str) -> dict[str, Any]:
    author = {"name": given["author"]} if "author" in given else None
    item = {
        "id": given.get("guid"),
        "url": given.get("link"),
        "title": given.get("title"),
        "summary": given.get("summary") if "content" in given else None,
        "content_html": given.get("content", given.get("summary")),
        "date_published": _rfc3339(given.get("published")),
        "date_modified": _rfc3339(given.get("updated")),
        "tags": list(given.get("categories", ())) or None,
        "author": author if version == "1" else None,
        "authors": [author] if author and version != "1" else None,
        "attachments": [
            {"url": url, "size_in_bytes": length, "mime_type": kind}
            for url, length, kind in given.get("enclosures", ())
        ]
        or None,
        **given.get("extra", {}),
    }
    return {key: value for key, value in item.items() if value is not None}


def _element(name: str, text: str | None, **attributes: str) -> str:
    """The element, or nothing where there is no text to put in it."""
    if text is None:
        return ""
    start = name + "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{start}>{escape(text)}</{name}>" if text else f"<{start}/>"


def _declared(extra: Mapping[str, str] | None) -> str:
    every = NAMESPACES | dict(extra or {})
    return "".join(f" xmlns:{prefix}={quoteattr(uri)}" for prefix, uri in every.items())


def _declaration(encoding: str) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?>'


def _encoded(lines: Iterable[str], encoding: str) -> bytes:
    text = "\n".join(line for line in lines if line) + "\n"
    return text.encode(encoding, "xmlcharrefreplace")


def _rfc822(moment: datetime | str | None) -> str | None:
    return format_datetime(moment) if isinstance(moment, datetime) else moment


def _rfc3339(moment: datetime | str | None) -> str | None:
    return moment.isoformat() if isinstance(moment, datetime) else moment
