"""Parse feeds: from the bytes of a document to a feed and its new entries.

The steps are: empty known items, decode, split into items, remove known items, run feedparser,
convert to the model.
Runs in a worker process (`adapters/parser_worker.py`), since documents may be hostile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from itertools import groupby

from msgspec.structs import replace

from feedmirror.errors import Kind, ParseError
from feedmirror.model import Context, Entry, Fetched, Item, ParsedFeed
from feedmirror.parsing import channel, decode, json_feed, lenient
from feedmirror.parsing.entries import base_of_entries, convert_entries, run_feedparser
from feedmirror.parsing.feed_links import feed_links
from feedmirror.parsing.known_items import shorten
from feedmirror.parsing.lenient import (
    repair_entry,
    repair_namespaces,
    repair_prefixes,
    repair_references,
)
from feedmirror.parsing.scan import LONE_ENTRY, LONG_NAMESPACE, CannotSplit
from feedmirror.parsing.split import UNBOUND_PREFIX, Part, SplitPlan, end_tags, select_items, split
from feedmirror.text import sanitize
from feedmirror.text.urls import absolute
from feedmirror.text.xml import Element, Node, tree

# Limit of the start tags around an item, which are stored with it. Most have under 1,000.
_MOST_AROUND_BYTES = 8_000

# The start tag of an item with any prefix. Comments and CDATA sections are matched as a whole, and
# to the end of the document if they have no end.
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
    """Parse a document; return its feed, with an entry for each item that is not in `known`.

    `known` holds fingerprints of items. With `part`, only items in that range get an entry; if the
    range has no end and the document cannot be split, all items do. `progress` is called with the
    index of each item as work on it begins, more than once for an item.

    Raises: ParseError EMPTY, UNSAFE, NOT_A_FEED, PARSER.
    """
    parsed = parse_shortened(fetched, known, part, progress)
    return parsed or parse_whole(fetched, known, part, progress)


def parse_whole(
    fetched: Fetched,
    known: Set[str],
    part: Part | None = None,
    progress: Callable[[int], object] = lambda _: None,
) -> ParsedFeed:
    """Parse a document as `parse` does, its known items included. Raises: as `parse`."""
    text = decode.decode(fetched.body, fetched.content_type)
    start = text.lstrip("\ufeff \t\r\n")
    if not start:
        raise ParseError(Kind.EMPTY, "the document is empty")
    if start.startswith("{"):
        return json_feed.parse_json_feed(start, fetched.url, known, part, progress)
    prepared = decode.prepare_xml(text)
    try:
        return _parse_xml(prepared, fetched.url, known, part, progress)
    except ParseError as error:
        named = feed_links(text, fetched.url) if error.kind is Kind.NOT_A_FEED else ()
        if not named:
            raise
        message = f"{error}; set `url` to the feed that it names: {named[0].url}"
        raise ParseError(Kind.NOT_A_FEED, message) from error


def parse_shortened(
    fetched: Fetched,
    known: Set[str],
    part: Part | None = None,
    progress: Callable[[int], object] = lambda _: None,
) -> ParsedFeed | None:
    """Parse a document as `parse` does, without what is in its known items.

    None if there are none, or if that could make a difference.
    """
    try:
        short = shorten(fetched.body, fetched.content_type, known)
        if short is None:
            return None
        return _parse_plan(split(short.text, short.emptied), fetched.url, known, part, progress)
    except (CannotSplit, ParseError):
        return None


def _parse_plan(
    plan: SplitPlan,
    location: str,
    known: Set[str],
    part: Part | None,
    progress: Callable[[int], object],
) -> ParsedFeed:
    """Parse the items of a plan that are not known. Raises: CannotSplit, ParseError."""
    items = tuple(
        Item(item.fingerprint) if item.fingerprint in known else item for item in plan.items
    )
    new = [i for i, item in enumerate(items) if item.fingerprint not in known]
    keep = select_items(new, plan.size_of, part)
    return _parse_items(replace(plan, items=items), location, keep, progress)


def _parse_xml(
    text: str,
    location: str,
    known: Set[str],
    part: Part | None,
    progress: Callable[[int], object],
) -> ParsedFeed:
    """Parse a document of `decode.prepare_xml`, as `parse` does."""
    try:
        parsed = _parse_plan(_plan(text), location, known, part, progress)
    except CannotSplit:
        parsed = lenient.parse_lenient(text, location, known, part, progress)
    _require_feed(parsed, text)
    return parsed


def _plan(text: str) -> SplitPlan:
    """Split a document, after repairing it if needed. Raises: CannotSplit."""
    for _ in range(4):  # one fault may hide another
        try:
            return split(text)
        except CannotSplit as error:
            repaired = _repaired(text, error.code) if error.code else text
            if repaired == text:
                raise
            text = repaired
    return split(text)


def _repaired(text: str, code: int) -> str:
    repairs = {
        UNBOUND_PREFIX: repair_prefixes,
        LONG_NAMESPACE: repair_namespaces,
        LONE_ENTRY: repair_entry,
    }
    return repairs.get(code, repair_references)(text)


def _parse_items(
    plan: SplitPlan,
    location: str,
    keep: Sequence[int],
    progress: Callable[[int], object],
    site: str | None = None,
) -> ParsedFeed:
    """Parse the items with the indices `keep`.

    `site` is the address of the feed's page, if the document lacks it. Raises: CannotSplit.
    """
    document, sentinel = plan.reduced(set(keep))

    def report(rank: int) -> None:
        if 0 <= rank < len(keep):
            progress(keep[rank])

    parsed = run_feedparser(document, lambda rank: report(rank - sentinel))
    raws = parsed.entries[1:] if sentinel else parsed.entries
    if len(raws) != len(keep):
        raise CannotSplit("feedparser finds another number of items")
    element = _channel(plan, location)
    feed = channel.feed(parsed, location, element)
    link = site or feed.link
    base = base_of_entries(replace(feed, link=link), parsed.version, location)
    elements = list(_elements(plan, keep, base))
    converted = convert_entries(raws, parsed.version, base, elements, report)
    contexts = {tags: _context(tags, link) for tags in {plan.around[index] for index in keep}}
    entries = {
        index: replace(
            entry,
            guid=plan.items[index].guid,
            original=_original(plan, index),
            context=contexts[plan.around[index]],
        )
        for index, entry in zip(keep, converted, strict=True)
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
    """Return the context that an item is reparsed with; None if its start tags are too long."""
    if sum(map(len, around)) > _MOST_AROUND_BYTES:
        return None
    return Context(tuple(tag.decode("utf-8") for tag in around), link)


def reread(entry: Entry, location: str) -> Entry:
    """Parse a stored entry again, from its original, with this version of the parser.

    `location` is the address of the entry's document. Where the original or the context was not
    stored, only the bodies are sanitised again.

    Raises: ParseError PARSER or UNSAFE if the original cannot be parsed.
    """
    if entry.original is not None and entry.context is not None:
        return _parse_original(entry.original, entry.context, location)
    page = absolute(entry.link, None)
    return replace(
        entry,
        summary=_sanitise_again(entry.summary, page),
        content=_sanitise_again(entry.content, page),
    )


def _sanitise_again(body: str | None, page: str | None) -> str | None:
    return (sanitize.clean(body, None, page) or None) if body else None


def _parse_original(original: str, context: Context, location: str) -> Entry:
    """Parse the original of an item. Raises: ParseError PARSER or UNSAFE."""
    if original.startswith("{"):
        return json_feed.parse_original(original, context, location)
    tags = [tag.encode() for tag in context.around]
    text = "".join((decode.HEAD, *context.around, original, end_tags(tags).decode()))
    try:
        plan = _plan(decode.prepare_xml(text))
        if len(plan.items) == 1 and plan.complete:
            parsed = _parse_items(plan, location, (0,), lambda _: None, context.link)
            return parsed.entries[0]
    except CannotSplit as error:
        raise ParseError(Kind.PARSER, f"the stored element cannot be parsed: {error}") from error
    raise ParseError(Kind.PARSER, "the stored element is not a single item")


def _original(plan: SplitPlan, index: int) -> str:
    start, end = plan.spans[index]
    return plan.data[start:end].decode("utf-8")


def _elements(plan: SplitPlan, indices: Iterable[int], location: str) -> Iterator[Element]:
    """Yield the elements of the items, parsed within the start tags around them.

    Consecutive items with the same start tags are parsed together, since the start tag of the root
    may be longer than any item.
    """
    for tags, run in groupby(indices, key=lambda index: plan.around[index]):
        spans = (plan.spans[index] for index in run)
        root = tree(*tags, *(plan.data[start:end] for start, end in spans), end_tags(tags))
        parent = _first_descendant(root, len(tags) - 1, location)
        base = parent.node.base(parent.base)
        yield from (Element(node, base) for node in parent.node.elements())


def _channel(plan: SplitPlan, location: str) -> Element:
    """Return the element with the properties of the feed: `channel`, or the root of Atom."""
    root = tree(plan.frame())
    if root.name.local.lower() != "channel":
        for child in root.elements():
            if child.name.local.lower() == "channel":
                root.children = [child]
                return _first_descendant(root, 1, location)
    return _first_descendant(root, 0, location)


def _first_descendant(node: Node, depth: int, base: str) -> Element:
    """Return the first descendant at `depth` with its base; `base` is that of `node`'s parent."""
    for _ in range(depth):
        base = node.base(base)
        node = next(node.elements())
    return Element(node, base)


def _require_feed(parsed: ParsedFeed, text: str) -> None:
    """Raise ParseError NOT_A_FEED unless the document is a feed.

    A feed without items must be complete, and of a known format.
    """
    if parsed.items:
        return
    if not parsed.feed.kind:
        raise ParseError(
            Kind.NOT_A_FEED,
            "the document is not a feed: neither RSS, Atom, CDF nor JSON Feed "
            "(a web page or a login page, perhaps)",
        )
    if not parsed.complete:
        raise ParseError(
            Kind.NOT_A_FEED, "the document was cut off before the end of its first entry"
        )
    unread = next((tag["item"] for tag in _ITEM_TAG.finditer(text) if tag["item"]), None)
    if unread is not None:
        raise ParseError(
            Kind.NOT_A_FEED,
            f"the document has <{unread}> elements that belong to no known feed format (is their "
            "namespace prefix declared?), so it is not taken for an empty feed",
        )
