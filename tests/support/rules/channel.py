"""The rules of the channel as a whole, and of its items. Source: RSS 2.0 `<channel>`, `<item>`."""

from __future__ import annotations

from collections.abc import Iterator

from rules.bodies import check_body
from rules.core import (
    Vocabulary,
    check_cloud,
    check_contact,
    check_date,
    check_image,
    check_language,
    check_plain,
    check_skip_days,
    check_skip_hours,
    check_text_input,
    check_title,
    check_ttl,
    check_url,
    children_findings,
    missing_findings,
    shape_findings,
)
from rules.tree import CONTENT, Context, Element, Finding, anything, core_children, text_of
from rules.values import is_http_url, is_media_type, is_whole_number, url_problem


def check_guid(node: Element, _: Context) -> Iterator[Finding]:
    """Source: RSS 2.0 `<guid>`: it is a permalink unless isPermaLink says false."""
    permalink = node.get("isPermaLink", "true")
    if not text_of(node):
        yield "blank", node, ""
    elif permalink not in {"true", "false"}:
        yield "permalink-value", node, permalink
    elif permalink == "true" and not is_http_url(text_of(node)):
        yield "permalink", node, text_of(node)


def check_enclosure(node: Element, _: Context) -> Iterator[Finding]:
    """Source: RSS 2.0 `<enclosure>`; a length that is not known is 0 (RSS Advisory Board)."""
    for name in ("url", "length", "type"):
        if name not in node.attrib:
            yield "enclosure-attribute", node, f"no {name}"
    if not is_whole_number(node.get("length", "0")):
        yield "enclosure-length", node, node.get("length", "")
    if not is_media_type(node.get("type", "a/b")):
        yield "enclosure-type", node, node.get("type", "")
    if "url" in node.attrib and not is_http_url(node.get("url", "")):
        yield "enclosure-url", node, node.get("url", "")


def check_source(node: Element, context: Context) -> Iterator[Finding]:
    """Source: RSS 2.0 `<source>`."""
    if "url" not in node.attrib:
        yield "source-url", node, text_of(node)
    elif rule := url_problem(node.get("url", "")):
        yield rule, node, node.get("url", "")
    yield from check_plain(node, context)


_ITEM: Vocabulary = {
    "title": check_title,
    "link": check_url,
    "description": check_body,
    "author": check_contact,
    "category": check_title,
    "comments": check_url,
    "enclosure": check_enclosure,
    "guid": check_guid,
    "pubDate": check_date,
    "source": check_source,
}


def check_item(item: Element, context: Context) -> Iterator[Finding]:
    """Source: RSS 2.0 `<item>`."""
    yield from children_findings(item, _ITEM, context, frozenset({"category", "enclosure"}))
    names = [child.tag for child in item if isinstance(child.tag, str)]
    if "title" not in names and "description" not in names:
        yield "item-empty", item, ""
    if "guid" not in names:
        yield "guid-missing", item, item.findtext("title") or ""
    if names.count("enclosure") > 1:
        yield "enclosure-double", item, f"{names.count('enclosure')} enclosures"
    encoded = f"{{{CONTENT}}}encoded"
    if encoded not in names:
        return
    if "description" not in names:
        yield "content-without-description", item, ""
    elif names.index(encoded) < names.index("description"):
        yield "content-before-description", item, ""


_CHANNEL: Vocabulary = {
    "title": check_title,
    "link": check_url,
    "description": check_plain,
    "language": check_language,
    "copyright": check_plain,
    "managingEditor": check_contact,
    "webMaster": check_contact,
    "pubDate": check_date,
    "lastBuildDate": check_date,
    "category": check_title,
    "generator": anything,
    "docs": check_url,
    "cloud": check_cloud,
    "ttl": check_ttl,
    "image": check_image,
    "rating": anything,
    "textInput": check_text_input,
    "skipHours": check_skip_hours,
    "skipDays": check_skip_days,
    "item": check_item,
}


def channel_findings(channel: Element, context: Context) -> Iterator[Finding]:
    """What is wrong with the core elements of a channel, its items included."""
    yield from shape_findings(channel)
    yield from children_findings(channel, _CHANNEL, context, frozenset({"category", "item"}))
    yield from missing_findings(channel, "title link description")
    yield from _order_findings(channel)
    seen: set[str] = set()
    for guid in channel.iterfind("item/guid"):
        if text_of(guid) in seen:
            yield "guid-double", guid, text_of(guid)
        seen.add(text_of(guid))


def _order_findings(channel: Element) -> Iterator[Finding]:
    """Source: RSS Advisory Board profile: items come after the channel's own elements."""
    items = False
    for child in core_children(channel):
        if items and child.tag != "item":
            yield "order", child, child.tag
        items = items or child.tag == "item"
