"""The rules of Atom elements in RSS. Source: RFC 4287, RSS Advisory Board profile "atom:link"."""

from __future__ import annotations

from collections.abc import Iterator

from rules.dates import date_3339_problem
from rules.tree import ATOM, Check, Context, Element, Finding, date_check, problem_check, text_of
from rules.values import (
    is_language,
    is_media_type,
    is_whole_number,
    scheme_of,
    url_problem,
    words,
)

LINK = f"{{{ATOM}}}link"
_CHANNEL_ELEMENTS = words(
    "author category contributor generator icon id link logo rights subtitle title updated"
)
_ITEM_ELEMENTS = words(
    "author category content contributor id link published rights summary title updated"
)
_MANY = words("category contributor link")
_DIV = "{http://www.w3.org/1999/xhtml}div"
# The registered relations that are met in feeds. Source: IANA, "Link Relations".
_RELATIONS = words(
    "alternate amphtml archives author canonical current describedby edit edit-media enclosure "
    "first help hub icon last latest-version license memento next next-archive original payment "
    "preview prev prev-archive previous related replies search self service shortlink start "
    "stylesheet tag up via webmention"
)
_FEED_TYPES = frozenset(f"application/{kind}+xml" for kind in ("rss", "atom", "rdf"))


def check_link(node: Element, _: Context) -> Iterator[Finding]:
    """Source: RFC 4287 §4.2.7."""
    href, rel = node.get("href"), node.get("rel", "alternate")
    if href is None:
        yield "atom-link", node, "no href"
    elif rule := url_problem(href):
        yield rule, node, href
    if rel not in _RELATIONS and scheme_of(rel) is None:
        yield "atom-link", node, f'rel="{rel}"'
    if not is_media_type(node.get("type", "a/b")):
        yield "atom-link", node, f'type="{node.get("type")}"'
    if not is_whole_number(node.get("length", "0")):
        yield "atom-link", node, f'length="{node.get("length")}"'
    if not is_language(node.get("hreflang", "en")):
        yield "atom-link", node, f'hreflang="{node.get("hreflang")}"'
    if text_of(node) or len(node):
        yield "atom-link", node, text_of(node) or "not empty"


def self_findings(channel: Element, context: Context) -> Iterator[Finding]:
    """Whether the channel says once where it is, and rightly."""
    links = [link for link in channel.iterfind(LINK) if link.get("rel") == "self"]
    if not links:
        yield "self-missing", channel, ""
        return
    if len(links) > 1:
        yield "self-double", links[1], f"{len(links)} links"
    for link in links:
        if context.self_url is not None and link.get("href") != context.self_url:
            yield "self-mismatch", link, link.get("href", "")
        if link.get("type", "application/rss+xml").partition(";")[0] not in _FEED_TYPES:
            yield "self-type", link, link.get("type", "")


def vocabulary_findings(channel: Element) -> Iterator[Finding]:
    """The Atom elements that mean nothing where they are: an entry in an item, say."""
    places = [(channel, _CHANNEL_ELEMENTS)]
    places += [(item, _ITEM_ELEMENTS) for item in channel.iterfind("item")]
    for place, known in places:
        for child in place.iterfind(f"{{{ATOM}}}*"):
            name = child.tag.rpartition("}")[2]
            if name not in known:
                yield "atom-element", child, name
            elif name not in _MANY and child is not place.find(child.tag):
                yield "atom-double", child, name
    for node in channel.iter(f"{{{ATOM}}}*"):
        if node.get("type") == "xhtml" and [one.tag for one in node] != [_DIV]:
            yield "atom-xhtml", node, text_of(node)


_check_date = date_check(date_3339_problem)
ATOM_CHECKS: dict[str, Check] = {
    LINK: check_link,
    f"{{{ATOM}}}updated": _check_date,
    f"{{{ATOM}}}published": _check_date,
    f"{{{ATOM}}}id": problem_check(url_problem),
    f"{{{ATOM}}}uri": problem_check(url_problem),
}
