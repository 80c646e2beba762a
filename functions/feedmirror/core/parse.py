"""From the bytes of a document to a feed: the gate, the cut to what is new, the interpretation.

It is run in a supervised child (`adapters/parser.py`), since what it is given is hostile.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace
from hashlib import blake2b
from itertools import accumulate, groupby

from feedmirror.core import channel, gate, interpret, jsonfeed
from feedmirror.core.mend import (
    mend_characters,
    mend_names,
    mend_namespaces,
    mend_prefixes,
    mend_references,
)
from feedmirror.core.scan import LONG_NAMESPACE, CannotSplit
from feedmirror.core.split import (
    UNBOUND_PREFIX,
    Plan,
    end_tags,
    is_closed,
    split,
)
from feedmirror.core.xml import Element, Node, tree
from feedmirror.errors import Kind, ParseError
from feedmirror.model import PARSER_VERSION, Entry, Fetched, Item, ParsedFeed

# What is read at a time of a flood of new entries: one to five seconds' work, by the machine.
_PART_ITEMS = 2_500
_PART_BYTES = 2_000_000

# The start tag of an item under any prefix. Comments and CDATA sections are passed over whole; one
# without an end reaches to the end of the document.
_ITEM_TAG = re.compile(
    r"<!--(?:.*?-->|.*)|<!\[CDATA\[(?:.*?\]\]>|.*)|<(?P<item>(?:[^\s<>/:]+:)?(?:item|entry))[\s/>]",
    re.DOTALL | re.IGNORECASE,
)


def parse(fetched: Fetched, known: Set[str], begin: int | None = None) -> ParsedFeed:
    """The feed that the document holds, with an entry for each item that is not in `known`.

    With `begin`, the index of an item, only for a part of those from there on; for all of them
    nevertheless where the document cannot be taken apart.

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
        new = [i for i, item in enumerate(plan.items) if item.fingerprint not in known]
        keep = new if begin is None else _part(plan, [i for i in new if i >= begin])
        parsed = _delta(plan, fetched.url, keep)
    except CannotSplit:
        parsed = _whole(admitted, fetched.url)
    _require_feed(parsed, admitted)
    return parsed


def _plan(text: str) -> Plan:
    """The document's plan, after mending it where it is not well-formed. Raises: CannotSplit."""
    for _ in range(3):  # one fault may hide another
        try:
            return split(text)
        except CannotSplit as error:
            mended = _mended(text, error.code) if error.code else text
            if mended == text:
                raise
            text = mended
    return split(text)


def _mended(text: str, code: int) -> str:
    mends = {UNBOUND_PREFIX: mend_prefixes, LONG_NAMESPACE: mend_namespaces}
    return mends.get(code, mend_references)(text)


def _part(plan: Plan, indices: Sequence[int]) -> Sequence[int]:
    """The first of these items, as many as are read at a time."""
    sizes = accumulate(plan.spans[i][1] - plan.spans[i][0] for i in indices[:_PART_ITEMS])
    return indices[: max(1, sum(size <= _PART_BYTES for size in sizes))]


def _delta(plan: Plan, location: str, keep: Sequence[int]) -> ParsedFeed:
    """Only the items that are to be kept, interpreted. Raises: CannotSplit."""
    document, sentinel = plan.reduced(set(keep))
    parsed = interpret.interpret(document, location)
    found = parsed.entries[1:] if sentinel else parsed.entries
    if len(found) != len(keep):
        raise CannotSplit("feedparser sees other items")
    elements = list(_elements(plan, keep, location))
    entries = {
        index: replace(entry, guid=plan.items[index].guid, original=_original(plan, index))
        for index, entry in zip(
            keep, interpret.entries(found, parsed.version, location, elements), strict=True
        )
    }
    feed = channel.feed(parsed, location, _channel(plan, location))
    return ParsedFeed(feed, plan.items, entries, lossless=True, complete=plan.complete)


def _original(plan: Plan, index: int) -> str:
    start, end = plan.spans[index]
    return plan.data[start:end].decode("utf-8")


def _elements(plan: Plan, indices: Iterable[int], location: str) -> Iterator[Element]:
    """The elements of the items, read in the namespaces of the tags around them: all of a run with
    the same tags together, since a root's tag may be longer than any item.
    """
    for tags, run in groupby(indices, key=lambda index: plan.around[index]):
        spans = (plan.spans[index] for index in run)
        root = tree(*tags, *(plan.data[start:end] for start, end in spans), end_tags(tags))
        parent = _innermost(root, len(tags) - 1, location)
        base = parent.node.base(parent.base)
        yield from (Element(node, base) for node in parent.node.elements())


def _channel(plan: Plan, location: str) -> Element:
    """The element that the feed's own properties stand in: `channel`, or Atom's root."""
    root = tree(plan.frame())
    if root.name.local.lower() != "channel":
        for child in root.elements():
            if child.name.local.lower() == "channel":
                root.children = [child]
                return _innermost(root, 1, location)
    return _innermost(root, 0, location)


def _innermost(node: Node, depth: int, base: str) -> Element:
    """The first child of the first child ..., and what addresses in it are relative to."""
    for _ in range(depth):
        base = node.base(base)
        node = next(node.elements())
    return Element(node, base)


def _whole(text: str, location: str) -> ParsedFeed:
    """Everything, by the lenient parser: for documents that cannot be taken apart.

    Raw guids must not be resolved (a feed that moves would change every one), so it is given no
    location; links are resolved afterwards. An item's fingerprint is that of its entry. Where no
    end of the feed is in sight the document was cut off, and its last entry with it.
    """
    gate.refuse_entities(text)
    data = mend_names(mend_characters(mend_namespaces(text))).encode("utf-8")
    parsed = interpret.interpret(data, None)
    complete = is_closed(data)
    found = parsed.entries if complete else parsed.entries[:-1]
    entries = interpret.entries(found, parsed.version, location, [None] * len(found))
    items = tuple(Item(_fingerprint(entry), entry.guid, entry.link) for entry in entries)
    feed = channel.feed(parsed, location, None)
    return ParsedFeed(feed, items, dict(enumerate(entries)), lossless=False, complete=complete)


def _fingerprint(entry: Entry) -> str:
    return blake2b(
        f"{PARSER_VERSION}{entry!r}".encode("utf-8", "replace"), digest_size=12
    ).hexdigest()


def _require_feed(parsed: ParsedFeed, text: str) -> None:
    """Raise ParseError NOT_A_FEED unless the document is a feed: one that has items, or a whole one
    that holds none.
    """
    if parsed.items:
        return
    if not parsed.feed.kind:
        raise ParseError(
            Kind.NOT_A_FEED,
            "the document is no feed that is known: neither RSS, Atom, CDF nor JSON Feed "
            "(a web page or a login page, perhaps)",
        )
    if not parsed.complete:
        raise ParseError(
            Kind.NOT_A_FEED, "the document was cut off before any of its entries was whole"
        )
    unread = next((tag["item"] for tag in _ITEM_TAG.finditer(text) if tag["item"]), None)
    if unread is not None:
        raise ParseError(
            Kind.NOT_A_FEED,
            f"the document has <{unread}> elements that belong to no known feed format (is their "
            "namespace prefix declared?), so it is not taken for an empty feed",
        )
