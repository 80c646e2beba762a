"""From the bytes of a document to a feed: the gate, the cut to what is new, the interpretation.

It is run in a supervised child (`adapters/parser.py`), since what it is given is hostile.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import replace
from hashlib import blake2b
from xml.parsers.expat import ExpatError

from feedmirror.core import gate, interpret, jsonfeed
from feedmirror.core.split import PARSER_VERSION, UNBOUND_PREFIX, CannotSplit, Plan, split
from feedmirror.core.vocabulary import PREFIXES
from feedmirror.core.xml import Node, quote, tree
from feedmirror.errors import Kind, ParseError
from feedmirror.model import Entry, Feed, Fetched, Item, ParsedFeed

_END = re.compile(r"</\s*(?:[\w.-]+:)?(?:rss|rdf|feed|channel)\s*>", re.IGNORECASE)


def parse(fetched: Fetched, known: Set[str]) -> ParsedFeed:
    """The feed that the document holds, with an entry for each item that is not in `known`.

    Raises: ParseError EMPTY, UNSAFE, NOT_A_FEED.
    """
    text = gate.decode(fetched.body, fetched.content_type)
    start = text.lstrip("\ufeff \t\r\n")
    if not start:
        raise ParseError(Kind.EMPTY, "the document is empty")
    if start.startswith("{"):
        return jsonfeed.parse(start, fetched.url, known)
    admitted = gate.admit(text)
    try:
        plan = _plan(admitted)
    except CannotSplit:
        return _whole(admitted, fetched.url)
    return _delta(plan, fetched.url, known)


def _plan(text: str) -> Plan:
    """The document's plan, after mending it where it is not well-formed. Raises: CannotSplit."""
    try:
        return split(text)
    except CannotSplit as error:
        if not error.code:
            raise
        mended = _with_prefixes(text) if error.code == UNBOUND_PREFIX else gate.mend(text)
        if mended == text:
            raise
    try:
        return split(mended)
    except CannotSplit as error:  # both faults in one document, or a third
        if error.code != UNBOUND_PREFIX:
            raise
        return split(_with_prefixes(mended))


def _with_prefixes(text: str) -> str:
    """The document with the well-known prefixes that it uses but forgot to declare."""
    head = text[len(gate.HEAD) :]
    start = len(gate.HEAD) + gate.skip_misc(head)
    end = min((i for i in (text.find(c, start + 1) for c in " \t\r\n>/") if i > 0), default=0)
    missing = "".join(
        f" xmlns:{prefix}={quote(uri)}"
        for prefix, uri in PREFIXES.items()
        if f"{prefix}:" in text and f"xmlns:{prefix}" not in text
    )
    return text[:end] + missing + text[end:] if end else text


def _delta(plan: Plan, location: str, known: Set[str]) -> ParsedFeed:
    """Only the items that are not known, interpreted."""
    keep = [index for index, item in enumerate(plan.items) if item.fingerprint not in known]
    document, sentinel = plan.reduced(set(keep))
    parsed = interpret.interpret(document, location)
    found = parsed.entries[1:] if sentinel else parsed.entries
    if len(found) != len(keep):
        return _whole(plan.data.decode("utf-8"), location)
    parsed.entries = found
    nodes = [_element(plan, plan.spans[index]) for index in keep]
    entries = {
        index: replace(entry, original=_original(plan, index))
        for index, entry in zip(keep, interpret.entries(parsed, location, nodes), strict=True)
    }
    feed = interpret.feed(parsed, location, _channel(plan))
    _require_feed(feed, plan.items)
    return ParsedFeed(feed, plan.items, entries, lossless=True, complete=plan.complete)


def _original(plan: Plan, index: int) -> str:
    start, end = plan.spans[index]
    return plan.data[start:end].decode("utf-8")


def _element(plan: Plan, span: tuple[int, int]) -> Node:
    """The item's element, read in the namespaces of the tags around it."""
    names = [tag[1:].split(b">")[0].split()[0] for tag in plan.open_tags]
    closing = b"".join(b"</" + name + b">" for name in reversed(names))
    node = tree(*plan.open_tags, plan.data[span[0] : span[1]], closing)
    for _ in plan.open_tags:
        node = next(node.elements())
    return node


def _channel(plan: Plan) -> Node | None:
    """The element that the feed's own properties stand in: `channel`, or Atom's root."""
    try:
        root = tree(plan.reduced(())[0])
    except ExpatError:
        return None
    return next((n for n in root.elements() if n.name.local.lower() == "channel"), root)


def _whole(text: str, location: str) -> ParsedFeed:
    """Everything, by the lenient parser: for documents that cannot be taken apart.

    Raw guids must not be resolved (a feed that moves would change every one), so it is given no
    location; links are resolved afterwards. An item's fingerprint is that of its entry. Where no
    end of the feed is in sight the document was cut off, and its last entry with it.
    """
    gate.refuse_entities(text)
    parsed = interpret.interpret(text.encode("utf-8"), None)
    complete = bool(_END.search(text[-4096:]))
    if not complete:
        parsed.entries = parsed.entries[:-1]
    entries = interpret.entries(parsed, location, [None] * len(parsed.entries))
    items = tuple(Item(_fingerprint(entry), entry.guid, entry.link) for entry in entries)
    feed = interpret.feed(parsed, location, None)
    _require_feed(feed, items)
    return ParsedFeed(feed, items, dict(enumerate(entries)), lossless=False, complete=complete)


def _fingerprint(entry: Entry) -> str:
    return blake2b(
        f"{PARSER_VERSION}{entry!r}".encode("utf-8", "replace"), digest_size=12
    ).hexdigest()


def _require_feed(feed: Feed, items: tuple[Item, ...]) -> None:
    """Raises: ParseError NOT_A_FEED for what has neither a feed's root nor a single entry."""
    if not items and not feed.kind:
        raise ParseError(
            Kind.NOT_A_FEED,
            "the document is no feed that is known: neither RSS, Atom, CDF nor JSON Feed "
            "(a web page or a login page, perhaps)",
        )
