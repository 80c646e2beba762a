"""The rules of the other namespaces that feeds use; elements of unknown ones are all fine."""

from __future__ import annotations

from collections.abc import Iterator

from rules.atom import ATOM_CHECKS
from rules.bodies import check_body
from rules.dates import date_w3cdtf_problem
from rules.itunes import ITUNES, ITUNES_CHECKS, ITUNES_ONCE
from rules.media import MEDIA, MEDIA_CHECKS
from rules.tree import (
    ATOM,
    CONTENT,
    Check,
    Context,
    Element,
    Finding,
    core_children,
    date_check,
    elements,
    namespace,
    text_of,
    value_check,
)
from rules.values import (
    is_decimal,
    is_language,
    is_whole_number,
    url_problem,
)

DC = "http://purl.org/dc/elements/1.1/"
TERMS = "http://purl.org/dc/terms/"
SYNDICATION = "http://purl.org/rss/1.0/modules/syndication/"
SLASH = "http://purl.org/rss/1.0/modules/slash/"
THREAD = "http://purl.org/syndication/thread/1.0"
GEORSS = "http://www.georss.org/georss"
GEO = "http://www.w3.org/2003/01/geo/wgs84_pos#"
GML = "http://www.opengis.net/gml"
WELL_FORMED_WEB = "http://wellformedweb.org/CommentAPI/"
FEEDBURNER = "http://rssnamespace.org/feedburner/ext/1.0"

_PREFIXES = {
    "atom": ATOM,
    "content": CONTENT,
    "dc": DC,
    "dcterms": TERMS,
    "feedburner": FEEDBURNER,
    "geo": GEO,
    "georss": GEORSS,
    "gml": GML,
    "itunes": ITUNES,
    "media": MEDIA,
    "slash": SLASH,
    "sy": SYNDICATION,
    "thr": THREAD,
    "wfw": WELL_FORMED_WEB,
}
_PERIODS = {"hourly", "daily", "weekly", "monthly", "yearly"}


def _coordinates(least: int, most: int | None = None) -> Check:
    """Pairs of latitude and longitude, separated by white space. Source: GeoRSS-Simple."""

    def holds(text: str) -> bool:
        numbers = text.split()
        count = len(numbers)
        if count % 2 or count < least or (most is not None and count > most):
            return False
        bounds = (90.0, 180.0) * (count // 2)
        return all(map(is_decimal, numbers, bounds))

    return value_check("coordinates", holds)


def _check_geo_point(node: Element, _: Context) -> Iterator[Finding]:
    for name in ("lat", "long"):
        if node.find(f"{{{GEO}}}{name}") is None:
            yield "coordinates", node, f"no geo:{name}"


_date = date_check(date_w3cdtf_problem)
_url = value_check("foreign-url", lambda text: url_problem(text) is None)
_number = value_check("foreign-number", is_whole_number)
_decimal = value_check("coordinates", is_decimal)
_language = value_check("language", is_language)
CHECKS: dict[str, Check] = {
    f"{{{CONTENT}}}encoded": check_body,
    f"{{{DC}}}date": _date,
    f"{{{DC}}}language": _language,
    **{f"{{{TERMS}}}{name}": _date for name in ("created", "issued", "modified")},
    f"{{{SYNDICATION}}}updatePeriod": value_check("sy-period", _PERIODS.__contains__),
    f"{{{SYNDICATION}}}updateFrequency": value_check(
        "sy-frequency", lambda text: is_whole_number(text, 1)
    ),
    f"{{{SYNDICATION}}}updateBase": _date,
    f"{{{SLASH}}}comments": value_check("slash-comments", is_whole_number),
    f"{{{THREAD}}}total": _number,
    f"{{{WELL_FORMED_WEB}}}comment": _url,
    f"{{{WELL_FORMED_WEB}}}commentRss": _url,
    f"{{{FEEDBURNER}}}origLink": _url,
    f"{{{FEEDBURNER}}}origEnclosureLink": _url,
    f"{{{GEORSS}}}point": _coordinates(2, 2),
    f"{{{GEORSS}}}line": _coordinates(4),
    f"{{{GEORSS}}}polygon": _coordinates(8),
    f"{{{GEORSS}}}box": _coordinates(4, 4),
    f"{{{GEORSS}}}elev": _decimal,
    f"{{{GEORSS}}}radius": _decimal,
    f"{{{GML}}}pos": _coordinates(2, 2),
    f"{{{GML}}}posList": _coordinates(4),
    f"{{{GEO}}}lat": value_check("coordinates", lambda text: is_decimal(text, 90)),
    f"{{{GEO}}}long": value_check("coordinates", lambda text: is_decimal(text, 180)),
    f"{{{GEO}}}alt": _decimal,
    f"{{{GEO}}}Point": _check_geo_point,
    **ATOM_CHECKS,
    **ITUNES_CHECKS,
    **MEDIA_CHECKS,
}
_ONCE = ITUNES_ONCE | {
    f"{{{CONTENT}}}encoded",
    f"{{{SYNDICATION}}}updatePeriod",
    f"{{{SYNDICATION}}}updateFrequency",
    f"{{{SLASH}}}comments",
    f"{{{ATOM}}}id",
    f"{{{ATOM}}}updated",
    f"{{{ATOM}}}published",
    f"{{{MEDIA}}}title",
    f"{{{MEDIA}}}description",
}
_SAME_MEANING = {
    f"{{{DC}}}date": "pubDate",
    f"{{{DC}}}creator": "author",
    f"{{{DC}}}subject": "category",
    f"{{{DC}}}source": "source",
    f"{{{DC}}}language": "language",
    f"{{{DC}}}rights": "copyright",
    f"{{{DC}}}publisher": "webMaster",
    f"{{{ATOM}}}id": "guid",
    f"{{{ATOM}}}published": "pubDate",
    f"{{{TERMS}}}modified": "lastBuildDate",
}


def foreign_findings(channel: Element, context: Context) -> Iterator[Finding]:
    """What is wrong with the extension elements anywhere in a channel."""
    for node in channel.iter("*"):
        if namespace(node) is None:
            continue
        check = CHECKS.get(node.tag)
        if check:
            yield from check(node, context)
        if namespace(node) not in _PREFIXES.values():
            continue  # who defined it may have wanted that: podcast:liveItem holds a whole item
        for child in core_children(node):
            yield "undefined-element", child, child.tag
    for place in (channel, *channel.iterfind("item")):
        yield from _neighbour_findings(place)
    slashes = channel.find(f"item/{{{SLASH}}}comments")
    if slashes is not None and channel.find("lastBuildDate") is None:
        yield "slash-without-build-date", channel, ""


def _neighbour_findings(place: Element) -> Iterator[Finding]:
    """What the extension elements of one place are in the way of."""
    seen: set[str] = set()
    for child in elements(place):
        core = _SAME_MEANING.get(child.tag)
        if core and place.find(core) is not None:
            yield "double-meaning", child, f"{core} and {text_of(child)}"
        if child.tag in _ONCE and child.tag in seen:
            yield "foreign-double", child, child.tag
        seen.add(child.tag)


def namespace_findings(root: Element) -> Iterator[Finding]:
    """Well-known prefixes bound to something else, namespaces that nearly are known ones, and what
    only the origin's own document may say.
    """
    for node in root.iter("*"):
        if node.tag.endswith("}deleted-entry"):
            yield "tombstone", node, node.get("ref", "")
        if node.tag.endswith("}guid") and (node.prefix == "podcast" or "podcast" in node.tag):
            yield "podcast-guid", node, text_of(node)
        inherited = node.getparent().nsmap if node.getparent() is not None else {}
        for prefix, uri in node.nsmap.items():
            if inherited.get(prefix) == uri:
                continue
            if uri == MEDIA.rstrip("/"):
                yield "media-namespace", node, uri
            elif prefix in _PREFIXES and uri != _PREFIXES[prefix]:
                yield "reserved-prefix", node, f"{prefix}={uri}"
