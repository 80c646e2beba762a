"""JSON Feed as input; the released feedparser reads none. Source: JSON Feed 1.0, 1.1."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

from feedmirror.errors import Kind, ParseError
from feedmirror.model import (
    PARSER_VERSION,
    Author,
    Category,
    Context,
    Enclosure,
    Entry,
    Feed,
    Image,
    Item,
    ParsedFeed,
)
from feedmirror.parsing import active_content, json_extensions
from feedmirror.parsing.bodies import site_base
from feedmirror.parsing.channel import brief
from feedmirror.parsing.media import number_of, size_of
from feedmirror.parsing.split import Part, first_of
from feedmirror.text import sanitize
from feedmirror.text.dates import parse_date
from feedmirror.text.language import language_tag
from feedmirror.text.plain import paragraphs, unescape_once
from feedmirror.text.urls import absolute, link_address
from feedmirror.text.xml import printable, quote

_LONGEST_NUMBER = 1_000  # digits; Python refuses to read more than 4,300
_STRUCTURE = re.compile(r"\"(?>(?:[^\"\\]++|\\.)*)\"|[\[\]{}]", re.DOTALL)
_BLANKS = re.compile(r"[ \t\r\n]*")


def _integer(digits: str) -> float:
    """A whole number; infinity for one of more digits than any has."""
    return int(digits) if len(digits) <= _LONGEST_NUMBER else math.inf


# Line breaks within strings, which are forbidden and written nevertheless, pass.
_DECODER = json.JSONDecoder(strict=False, parse_int=_integer)


@dataclass(frozen=True, slots=True)
class Found:
    """An item."""

    value: dict[str, Any]
    source: str  # its text
    is_too_deep: bool = False  # then its value was not read


@dataclass(slots=True)
class Document:
    """The members of the outermost object."""

    head: dict[str, Any] = field(default_factory=dict)  # all but the items
    found: list[Found] | None = None  # None: `items` is missing, or no list
    unread: bool = False  # True: `items` has a value that is not an object
    complete: bool = True  # False: the document was cut off


def read(text: str) -> Document:
    """The document, which begins with a brace. What stands behind its last brace is left out.

    Raises: ParseError NOT_A_FEED where it is damaged, UNSAFE where it is nested too deep.
    """
    document = Document()
    try:
        _Reader(text).members(document)
    except RecursionError as error:
        raise ParseError(Kind.UNSAFE, "the JSON is nested beyond reason") from error
    except ValueError as error:
        # A document that ends with a brace came to its end, and has another fault.
        if text.rstrip().endswith("}"):
            raise ParseError(Kind.NOT_A_FEED, f"the document is not valid JSON: {error}") from error
        document.complete = False
    return document


class _Reader:
    """A position in the text; every method but `members` leaves it behind what it has read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0

    def members(self, document: Document) -> None:
        """Fills the document, as far as the text goes. Raises: ValueError, RecursionError."""
        self._take("{")
        while self._next() != "}":
            if document.head or document.found is not None:
                self._take(",")
            key = self._value()
            self._take(":")
            if key == "items" and self._next() == "[":
                self._items(document)
            else:
                document.head[str(key)] = self._value()

    def _items(self, document: Document) -> None:
        found = document.found = []
        self._take("[")
        first = True
        while self._next() != "]":
            if not first:
                self._take(",")
            first = False
            self._next()
            start = self._position
            try:
                value = self._value()
            except RecursionError:
                self._skip()
                value = {} if self._text[start] == "{" else None
                is_too_deep = True
            else:
                is_too_deep = False
            if isinstance(value, dict):
                found.append(Found(value, self._text[start : self._position], is_too_deep))
            else:
                document.unread = True
        self._take("]")

    def _skip(self) -> None:
        """Go behind the value that begins here. Raises: ValueError if it does not end."""
        depth = 0
        for found in _STRUCTURE.finditer(self._text, self._position):
            if found[0] in "[{":
                depth += 1
            elif found[0] in "]}":
                depth -= 1
                if not depth:
                    self._position = found.end()
                    return
        raise ValueError("it ends too soon")

    def _next(self) -> str:
        """The next character that is no blank, not taken. Raises: ValueError at the end."""
        blanks = _BLANKS.match(self._text, self._position)
        self._position = blanks.end() if blanks else self._position
        if self._position == len(self._text):
            raise ValueError("it ends too soon")
        return self._text[self._position]

    def _take(self, character: str) -> None:
        if self._next() != character:
            raise ValueError(f"no {character!r} at character {self._position}")
        self._position += 1

    def _value(self) -> Any:
        self._next()
        value, self._position = _DECODER.raw_decode(self._text, self._position)
        return value


_VERSION = re.compile(r"https?://(?:www\.)?jsonfeed\.org/version/(\d+(?:\.\d+)?)", re.IGNORECASE)


def parse(
    text: str,
    location: str,
    known: Set[str],
    part: Part | None = None,
    progress: Callable[[int], object] = lambda _: None,
) -> ParsedFeed:
    """Return the feed, with an entry for each item whose fingerprint is not in `known`, or for a
    part of them, as `parsing/parse.py` says. A document that was cut off gives the items that are
    whole.

    Raises: ParseError NOT_A_FEED for other JSON, and for JSON that is damaged, or cut off before
    its first item was whole; UNSAFE for JSON nested beyond all reason.
    """
    document = read(text)
    version = _VERSION.match(str(document.head.get("version")))
    if document.found is None or not (version or _are_items(document.found)):
        raise ParseError(
            Kind.NOT_A_FEED,
            "the document is JSON, but no JSON Feed: it lacks `items`, or both `version` and items "
            "with an id each and contents",
        )
    if not document.complete and not document.found:
        raise ParseError(
            Kind.NOT_A_FEED, "the document was cut off before any of its entries was whole"
        )
    if document.unread and not document.found:
        raise ParseError(
            Kind.NOT_A_FEED, "the document's `items` holds no object, so it is not an empty feed"
        )
    items = tuple(
        Item(_fingerprint(found.source), _id(found.value), _text(found.value, "url"))
        for found in document.found
    )
    found = document.found
    new = [index for index, item in enumerate(items) if item.fingerprint not in known]
    unreadable = {index: "it is nested beyond reason" for index in new if found[index].is_too_deep}
    new = [index for index in new if index not in unreadable]
    feed = _feed(document.head, location, version[1] if version else "1.1")
    base = site_base(feed.link, location)
    context = Context(link=feed.link)
    entries = {}
    for index in first_of(new, lambda index: len(found[index].source), part):
        progress(index)
        entries[index] = replace(_entry(found[index], base), context=context)
    return ParsedFeed(feed, items, entries, True, document.complete, unreadable)


def reread(original: str, context: Context, location: str) -> Entry:
    """Return the entry that an item is, from what `parse` has kept of it. Raises: ParseError."""
    head = {"version": "https://jsonfeed.org/version/1.1", "home_page_url": context.link}
    text = json.dumps(head)[:-1] + f', "items": [{original}]}}'
    parsed = parse(text, location, frozenset())
    if len(parsed.items) != 1 or not parsed.entries:
        why = "; ".join(parsed.unreadable.values()) or "it is not one item by itself"
        raise ParseError(Kind.PARSER, why)
    return parsed.entries[0]


def _are_items(found: Sequence[Found]) -> bool:
    """True for items that only a JSON Feed has: each with an id, some with a content."""
    contents = ("content_html", "content_text")
    return all(_id(one.value) for one in found) and any(
        _text(one.value, name) for one in found for name in contents
    )


def _fingerprint(source: str) -> str:
    key = b"json" + str(PARSER_VERSION).encode()
    return blake2b(source.encode("utf-8", "replace"), digest_size=12, key=key).hexdigest()


def _text(raw: dict[str, Any], key: str) -> str | None:
    """A string; None where it is missing, blank or something else."""
    value = raw.get(key)
    return printable(value).strip() or None if isinstance(value, str) else None


def _id(raw: dict[str, Any]) -> str | None:
    """The id: a number as JavaScript writes it. Source: JSON Feed 1.1, "Items"."""
    value = raw.get("id")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _text(raw, "id")
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def _authors(raw: dict[str, Any]) -> tuple[Author, ...]:
    people = [*_listed(raw.get("authors")), raw.get("author")]
    found = {
        Author(
            name=_text(person, "name"),
            uri=link_address(_text(person, "url"), None),
            avatar=absolute(_text(person, "avatar"), None),
        ): None
        for person in people
        if isinstance(person, dict)
    }
    return tuple(author for author in found if author.name or author.uri)


def _listed(value: object) -> Sequence[Any]:
    """A list; one object stands for a list of it."""
    if isinstance(value, dict):
        return [value]
    return value if isinstance(value, list) else []


def _feed(raw: dict[str, Any], location: str, version: str) -> Feed:
    title, link = _text(raw, "title"), absolute(_text(raw, "home_page_url"), location)
    icon = absolute(_text(raw, "icon") or _text(raw, "favicon"), site_base(link, location))
    said = Feed(
        kind=f"JSON Feed {version if '.' in version else version + '.0'}",
        id=_text(raw, "feed_url"),
        title=title,
        link=link,
        description=_text(raw, "description"),
        language=language_tag(_text(raw, "language")),
        authors=_authors(raw),
        image=Image(icon) if icon else None,
        extensions=json_extensions.carried(raw, active_content.value),
    )
    return brief(said)


def _entry(found: Found, base: str) -> Entry:
    raw = found.value
    external = link_address(_text(raw, "external_url"), base)
    link = link_address(_text(raw, "url"), base) or external
    summary = _text(raw, "summary")
    pictures = [absolute(_text(raw, name), base) for name in ("image", "banner_image")]
    enclosures = tuple(_enclosures(raw, base))
    extension_elements, prefixes = _elsewhere(pictures, external, enclosures)
    return Entry(
        guid=_id(raw),
        link=link,
        external=external,
        title=_text(raw, "title"),
        summary=paragraphs(summary) if summary else None,
        content=_content(raw, base, absolute(link, None)),
        language=language_tag(_text(raw, "language")),
        authors=_authors(raw),
        categories=tuple(_categories(raw)),
        enclosures=enclosures,
        image=pictures[0],
        banner=pictures[1],
        published=parse_date(raw.get("date_published")),
        updated=parse_date(raw.get("date_modified")),
        extension_elements=extension_elements,
        prefixes=prefixes,
        extensions=json_extensions.carried(raw, active_content.value),
        original=found.source,
    )


def _elsewhere(
    pictures: Sequence[str | None], external: str | None, enclosures: Sequence[Enclosure]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What RSS and Atom have no element for, in those of other vocabularies; their prefixes."""
    shown = dict.fromkeys(filter(None, pictures))
    fragments = [f'<media:content url={quote(url)} medium="image"/>' for url in shown]
    if external:
        fragments.append(f'<atom:link rel="related" href={quote(external)}/>')
    durations = [one.duration_s for one in enclosures]
    if len(durations) == 1 and durations[0]:  # the element tells of the only file
        fragments.append(f"<itunes:duration>{round(durations[0])}</itunes:duration>")
    used = {fragment[1:].partition(":")[0] for fragment in fragments}
    return tuple(fragments), tuple(sorted(used))


def _content(raw: dict[str, Any], base: str, page: str | None) -> str | None:
    """The body: HTML, where an item has both."""
    content, plain = _text(raw, "content_html"), _text(raw, "content_text")
    body = sanitize.clean(content, page or base, page) if content else ""
    return body or (paragraphs(plain) if plain else None)


def _categories(raw: dict[str, Any]) -> Iterator[Category]:
    tags = raw.get("tags")
    terms = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    for term in dict.fromkeys(printable(unescape_once(term)).strip() for term in terms):
        if term:
            yield Category(term)


def _enclosures(raw: dict[str, Any], base: str) -> Iterator[Enclosure]:
    for attachment in _listed(raw.get("attachments")):
        url = link_address(_text(attachment, "url"), base) if isinstance(attachment, dict) else None
        if url:
            yield Enclosure(
                url=url,
                media_type=_text(attachment, "mime_type"),
                length_bytes=size_of(attachment.get("size_in_bytes")),
                title=_text(attachment, "title"),
                duration_s=number_of(attachment.get("duration_in_seconds")),
            )
