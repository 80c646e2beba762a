"""From the bytes of a document to a feed: the gate, the cut to what is new, the interpretation.

It is run in a supervised child (`adapters/parser.py`), since what it is given is hostile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import replace
from itertools import groupby

from feedmirror.errors import Kind, ParseError
from feedmirror.model import Context, Entry, Fetched, ParsedFeed
from feedmirror.parsing import channel, decode, discovery, json_feed, lenient
from feedmirror.parsing import entries as reader
from feedmirror.parsing.repair import mend_entry, mend_namespaces, mend_prefixes, mend_references
from feedmirror.parsing.scan import LONE_ENTRY, LONG_NAMESPACE, CannotSplit
from feedmirror.parsing.split import UNBOUND_PREFIX, Part, Plan, end_tags, first_of, split
from feedmirror.text.xml import Element, Node, tree

# Of the start tags around an item, which are stored with it. Real ones seldom have a thousand.
_MOST_AROUND_BYTES = 8_000

# The start tag of an item under any prefix. Comments and CDATA sections are passed over whole; one
# without an end reaches to the end of the document.
_ITEM_TAG = re.compile(
    r"<!--(?:.*?-->|.*)|<!\[CDATA\[(?:.*?\]\]>|.*)|<(?P<item>(?:[^\s<>/:]+:)?(?:item|entry))[\s/>]",
    re.DOTALL | re.IGNORECASE,
)


def parse(
    fetched: Fetched,
    known: Set[str],
    part: Part | None = None,
    progress: Callable[[int], object] = lambda _: None,
) -> ParsedFeed:
    """Return the feed that the document holds, with an entry for each item that is not in `known`.

    With a part, only its items get one; all of them nevertheless where the part has no end and the
    document cannot be taken apart. `progress` is told the index of each item as work on it begins,
    in more than one round.

    Raises: ParseError EMPTY, UNSAFE, NOT_A_FEED, PARSER.
    """
    text = decode.decode(fetched.body, fetched.content_type)
    start = text.lstrip("\ufeff \t\r\n")
    if not start:
        raise ParseError(Kind.EMPTY, "the document is empty")
    if start.startswith("{"):
        return json_feed.parse(start, fetched.url, known, part, progress)
    admitted = decode.admit(text)
    try:
        return _parse_xml(admitted, fetched.url, known, part, progress)
    except ParseError as error:
        feed = discovery.first_feed(text, fetched.url) if error.kind is Kind.NOT_A_FEED else None
        if feed is None:
            raise
        message = f"{error}; set `url` to the feed that it names: {feed}"
        raise ParseError(Kind.NOT_A_FEED, message) from error


def _parse_xml(
    text: str,
    location: str,
    known: Set[str],
    part: Part | None,
    progress: Callable[[int], object],
) -> ParsedFeed:
    """As `parse`, of a document that has passed the gate."""
    try:
        plan = _plan(text)
        new = [i for i, item in enumerate(plan.items) if item.fingerprint not in known]
        keep = first_of(new, plan.size_of, part)
        parsed = _delta(plan, location, keep, progress)
    except CannotSplit:
        parsed = lenient.parse(text, location, known, part, progress)
    _require_feed(parsed, text)
    return parsed


def _plan(text: str) -> Plan:
    """The document's plan, after mending it where it is not well-formed. Raises: CannotSplit."""
    for _ in range(4):  # one fault may hide another
        try:
            return split(text)
        except CannotSplit as error:
            mended = _mended(text, error.code) if error.code else text
            if mended == text:
                raise
            text = mended
    return split(text)


def _mended(text: str, code: int) -> str:
    mends = {
        UNBOUND_PREFIX: mend_prefixes,
        LONG_NAMESPACE: mend_namespaces,
        LONE_ENTRY: mend_entry,
    }
    return mends.get(code, mend_references)(text)


def _delta(
    plan: Plan,
    location: str,
    keep: Sequence[int],
    progress: Callable[[int], object],
    site: str | None = None,
) -> ParsedFeed:
    """Only the items that are to be kept, interpreted; `site` is the address of the feed's page
    where the document lacks it. Raises: CannotSplit.
    """
    document, sentinel = plan.reduced(set(keep))

    def begun(rank: int) -> None:
        if 0 <= rank < len(keep):
            progress(keep[rank])

    parsed = reader.interpret(document, lambda rank: begun(rank - sentinel))
    found = parsed.entries[1:] if sentinel else parsed.entries
    if len(found) != len(keep):
        raise CannotSplit("feedparser sees other items")
    element = _channel(plan, location)
    feed = channel.feed(parsed, location, element)
    link = site or feed.link
    base = reader.base_of(replace(feed, link=link), parsed.version, location)
    elements = list(_elements(plan, keep, base))
    made = reader.entries(found, parsed.version, base, elements, begun)
    contexts = {tags: _context(tags, link) for tags in {plan.around[index] for index in keep}}
    entries = {
        index: replace(
            entry,
            guid=plan.items[index].guid,
            original=_original(plan, index),
            context=contexts[plan.around[index]],
        )
        for index, entry in zip(keep, made, strict=True)
    }
    return ParsedFeed(
        feed,
        plan.items,
        entries,
        lossless=True,
        complete=plan.complete,
        new_url=channel.new_url(element),
    )


def _context(around: tuple[bytes, ...], link: str | None) -> Context | None:
    """What an item within these start tags is read by; None if that is more than is kept."""
    if sum(map(len, around)) > _MOST_AROUND_BYTES:
        return None
    return Context(tuple(tag.decode("utf-8") for tag in around), link)


def reread(original: str, context: Context, location: str) -> Entry:
    """Return the entry that an item is, from what `parse` has kept of it.

    Raises: ParseError PARSER or UNSAFE if it is not one item by itself.
    """
    if original.startswith("{"):
        return json_feed.reread(original, context, location)
    tags = [tag.encode() for tag in context.around]
    text = "".join((decode.HEAD, *context.around, original, end_tags(tags).decode()))
    try:
        plan = _plan(decode.admit(text))
        if len(plan.items) == 1 and plan.complete:
            parsed = _delta(plan, location, (0,), lambda _: None, context.link)
            return parsed.entries[0]
    except CannotSplit as error:
        raise ParseError(Kind.PARSER, f"the element cannot be read by itself: {error}") from error
    raise ParseError(Kind.PARSER, "the element is not one item by itself")


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
