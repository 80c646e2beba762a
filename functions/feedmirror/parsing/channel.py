"""Feed metadata: convert the channel of a document to the model, `Feed`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from feedmirror.model import Feed, Image
from feedmirror.parsing.bodies import site_base
from feedmirror.parsing.elements import is_base, is_own
from feedmirror.parsing.extensions import convert_extensions
from feedmirror.parsing.fields import authors, categories, pictures_of, plain, text_field
from feedmirror.text.dates import parse_date
from feedmirror.text.language import language_tag
from feedmirror.text.namespaces import ATOM, DC, ITUNES, canonical
from feedmirror.text.urls import absolute
from feedmirror.text.xml import Element, Node, printable

_KINDS = {
    "rss090": "RSS 0.90",
    "rss091n": "RSS 0.91",
    "rss091u": "RSS 0.91",
    "rss092": "RSS 0.92",
    "rss093": "RSS 0.93",
    "rss094": "RSS 0.94",
    "rss10": "RSS 1.0",
    "rss20": "RSS 2.0",
    "rss": "RSS",
    "atom03": "Atom 0.3",
    "atom10": "Atom 1.0",
    "atom": "Atom",
    "cdf": "CDF",
}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PERIODS_S = {
    "hourly": 3600,
    "daily": 86400,
    "weekly": 604800,
    "monthly": 2592000,
    "yearly": 31536000,
}


def feed(parsed: Any, location: str, element: Element | None) -> Feed:
    """Return the feed of a document that feedparser has parsed.

    `location` is the address of the document, `element` the channel of RSS or the root of Atom,
    None if unknown.
    """
    raw = parsed.feed
    node = element.node if element else None
    link = absolute(text_field(raw, "link"), location)
    is_atom = (parsed.version or "").startswith("atom")
    base = location if is_atom else site_base(link, location)
    if element and element.base == location:  # else an ancestor has an `xml:base`
        element = Element(element.node, base)
    extension_elements, prefixes = convert_extensions(element, slots=False) if element else ((), ())
    metadata = Feed(
        kind=_kind_of(parsed) or _cdf(node),
        id=_id(node),
        title=plain(raw, "title"),
        link=link,
        description=plain(raw, "subtitle"),
        language=language_tag(text_field(raw, "language")),
        rights=plain(raw, "rights"),
        authors=authors(raw, element),
        web_master=_web_master(raw, node),
        categories=categories(raw),
        image=_image(raw, node, base),
        updated=parse_date(text_field(raw, "updated")),
        ttl_s=_update_interval_s(raw),
        skip_hours=tuple(_skip_values(node, "skiphours", "hour", _hour)),
        skip_days=tuple(_skip_values(node, "skipdays", "day", _day)),
        extension_elements=extension_elements,
        prefixes=prefixes,
    )
    return limit_metadata(metadata)


def new_url(element: Element) -> str | None:
    """Return the new address of a feed, from `itunes:new-feed-url`, or None."""
    for child in element.node.elements():
        if canonical(child.name.uri) == ITUNES and child.name.local == "new-feed-url":
            return absolute(child.text(), child.base(element.base))
    return None


def _id(node: Node | None) -> str | None:
    """Return the id of an Atom feed, as written, or None."""
    if node is None or node.name.uri != ATOM:
        return None
    ids = (n for n in node.elements() if (n.name.uri, n.name.local) == (ATOM, "id"))
    return next((printable(element.text()).strip() or None for element in ids), None)


def _web_master(raw: Any, node: Node | None) -> str | None:
    """Return the maintainer of the feed as written: `webMaster`, else the publisher of DC."""
    if node is None:
        return text_field(raw, "publisher")
    names = {
        child.name.local.lower(): child.text().strip()
        for child in node.elements()
        if child.name.uri == DC or is_own(child.name.uri, node.name.uri)
    }
    return names.get("webmaster") or names.get("publisher") or None


def _image(raw: Any, node: Node | None, base: str) -> Image | None:
    """Return the picture of the feed, else the picture in an extension element."""
    image = dict.get(raw, "image") or {}
    own = absolute(image.get("href") or text_field(raw, "logo") or text_field(raw, "icon"), base)
    url = own or (next(pictures_of(node, base), None) if node else None)
    if not url:
        return None
    width, height = image.get("width"), image.get("height")
    return Image(
        url=url,
        width=width if isinstance(width, int) and 0 < width <= 144 else None,
        height=height if isinstance(height, int) and 0 < height <= 400 else None,
    )


def _update_interval_s(raw: Any) -> int | None:
    """Return the update interval of the feed: the longer of RSS `ttl` and `sy:updatePeriod`."""
    ttl = (text_field(raw, "ttl") or "").split(".")[0]
    wait = int(ttl) * 60 if ttl.isdecimal() and len(ttl) < 10 else 0
    period = _PERIODS_S.get((text_field(raw, "sy_updateperiod") or "").lower(), 0)
    times = text_field(raw, "sy_updatefrequency") or "1"
    frequency = int(times) if times.isdecimal() and 0 < len(times) < 6 else 1
    return max(wait, period // max(frequency, 1)) or None


def _skip_values(node: Node | None, parent: str, child: str, read: Any) -> Iterator[Any]:
    """Yield the values of `skipHours` or `skipDays`, each once (feedparser keeps only the last)."""
    seen = set()
    for element in node.elements() if node is not None else ():
        if element.name.local.lower() != parent or not is_base(element.name.uri):
            continue
        for item in element.elements():
            value = read(item.text().strip()) if item.name.local.lower() == child else None
            if value is not None and value not in seen:
                seen.add(value)
                yield value


def _hour(text: str) -> int | None:
    """Parse an hour in GMT; 24, which RSS 0.91 has for midnight, becomes 0."""
    return int(text) % 24 if text.isdecimal() and len(text) <= 2 and int(text) <= 24 else None


def _day(text: str) -> str | None:
    return next((day for day in _DAYS if day.lower() == text.lower()), None)


def _kind_of(parsed: Any) -> str:
    """Return the usual name of the format, "" if feedparser recognises no format."""
    return _KINDS.get(parsed.version, parsed.version or "")


def _cdf(node: Node | None) -> str:
    """Return "CDF" if the root is a channel, since feedparser parses CDF without naming it."""
    return "CDF" if node is not None and node.name.local.lower() == "channel" else ""


_MOST = 100_000  # characters of metadata; real feeds have 5,000 at most
_LONGEST_TITLE, _LONGEST_NAME = 1_000, 100


def limit_metadata(feed: Feed) -> Feed:
    """Return the feed; without most of its metadata if there is more than any real feed has.

    Then the title, the address and the update intervals are kept.
    """
    if len(repr(feed)) <= _MOST:
        return feed
    return replace(
        feed,
        id=feed.id if feed.id and len(feed.id) <= _LONGEST_TITLE else None,
        title=(feed.title or "")[:_LONGEST_TITLE] or None,
        description=(feed.description or "")[:_LONGEST_TITLE] or None,
        language=feed.language if feed.language and len(feed.language) <= _LONGEST_NAME else None,
        rights=None,
        authors=(),
        web_master=None,
        categories=(),
        extension_elements=(),
        prefixes=(),
        extensions=None,
    )
