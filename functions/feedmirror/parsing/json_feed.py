"""Parse JSON Feed, which feedparser does not support. Source: JSON Feed 1.0, 1.1."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence, Set
from hashlib import blake2b
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

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
from feedmirror.parsing.bodies import site_base
from feedmirror.parsing.channel import limit_metadata
from feedmirror.parsing.fields import number_of, size_of
from feedmirror.parsing.split import Part, select_items
from feedmirror.text import sanitize
from feedmirror.text.dates import parse_date
from feedmirror.text.language import language_tag
from feedmirror.text.namespaces import OWN_MEMBER
from feedmirror.text.plain import paragraphs, unescape_once
from feedmirror.text.urls import absolute, link_address
from feedmirror.text.xml import printable, quote

_LONGEST_NUMBER = 1_000  # digits; Python refuses to parse more than 4,300
_DEEPEST_EXTENSION = 32  # levels; deeper ones are left out
_LONGEST_EXTENSIONS = 100_000  # characters of all; longer ones are dropped together
_STRUCTURE = re.compile(r"\"(?>(?:[^\"\\]++|\\.)*)\"|[\[\]{}]", re.DOTALL)
_BLANKS = re.compile(r"[ \t\r\n]*")


def _integer(digits: str) -> float:
    """Parse a whole number; infinity if it has more digits than any real number."""
    return int(digits) if len(digits) <= _LONGEST_NUMBER else math.inf


# Not strict, since many feeds have line breaks within strings, which JSON forbids.
_DECODER = json.JSONDecoder(strict=False, parse_int=_integer)


class JsonItem(Struct, frozen=True):
    """An item of a feed."""

    value: dict[str, Any]
    source: str  # its JSON
    is_too_deep: bool = False  # then `value` is empty


class JsonDocument(Struct):
    """The members of the outermost object of a document."""

    head: dict[str, Any] = field(default_factory=dict)  # all members but the items
    items: list[JsonItem] | None = None  # None if `items` is missing or no list
    has_other_values: bool = False  # True if `items` has a value that is not an object
    complete: bool = True  # False if the document is truncated


def _parse_document(text: str) -> JsonDocument:
    """Parse a document that begins with a brace; ignores text after its last brace.

    Raises: ParseError NOT_A_FEED if the JSON is damaged, UNSAFE if it is nested too deeply.
    """
    document = JsonDocument()
    try:
        _JsonParser(text).members(document)
    except RecursionError as error:
        raise ParseError(Kind.UNSAFE, "the JSON is nested too deeply") from error
    except ValueError as error:
        # A document that ends with a brace is not truncated, and has another fault.
        if text.rstrip().endswith("}"):
            raise ParseError(Kind.NOT_A_FEED, f"the document is not valid JSON: {error}") from error
        document.complete = False
    return document


class _JsonParser:
    """A position in the text, which each method moves behind the JSON that it has parsed."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0

    def members(self, document: JsonDocument) -> None:
        """Fill the document, as far as the text goes. Raises: ValueError, RecursionError."""
        self._take("{")
        while self._next() != "}":
            if document.head or document.items is not None:
                self._take(",")
            key = self._value()
            self._take(":")
            if key == "items" and self._next() == "[":
                self._items(document)
            else:
                document.head[str(key)] = self._value()

    def _items(self, document: JsonDocument) -> None:
        items = document.items = []
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
                items.append(JsonItem(value, self._text[start : self._position], is_too_deep))
            else:
                document.has_other_values = True
        self._take("]")

    def _skip(self) -> None:
        """Skip the value at the position. Raises: ValueError if the value has no end."""
        depth = 0
        for match in _STRUCTURE.finditer(self._text, self._position):
            if match[0] in "[{":
                depth += 1
            elif match[0] in "]}":
                depth -= 1
                if not depth:
                    self._position = match.end()
                    return
        raise ValueError("the document ends too early")

    def _next(self) -> str:
        """Skip blanks; return the character at the position. Raises: ValueError at the end."""
        blanks = _BLANKS.match(self._text, self._position)
        self._position = blanks.end() if blanks else self._position
        if self._position == len(self._text):
            raise ValueError("the document ends too early")
        return self._text[self._position]

    def _take(self, character: str) -> None:
        if self._next() != character:
            raise ValueError(f"{character!r} expected at character {self._position}")
        self._position += 1

    def _value(self) -> Any:
        self._next()
        value, self._position = _DECODER.raw_decode(self._text, self._position)
        return value


_VERSION = re.compile(r"https?://(?:www\.)?jsonfeed\.org/version/(\d+(?:\.\d+)?)", re.IGNORECASE)


def parse_json_feed(
    text: str,
    location: str,
    known: Set[str],
    part: Part | None = None,
    progress: Callable[[int], object] = lambda _: None,
) -> ParsedFeed:
    """Parse a document, as `feedmirror.parsing.parse.parse` does.

    A truncated document gives its complete items.

    Raises: ParseError NOT_A_FEED for other JSON, for damaged JSON, and for a document that ends
    within its first item; UNSAFE for JSON that is nested too deeply.
    """
    document = _parse_document(text)
    version = _VERSION.match(str(document.head.get("version")))
    if document.items is None or not (version or _are_items(document.items)):
        raise ParseError(
            Kind.NOT_A_FEED,
            "the document is JSON, but not a JSON Feed: it must have `items`, and either `version` "
            "or items with an id each and contents",
        )
    if not document.complete and not document.items:
        raise ParseError(
            Kind.NOT_A_FEED, "the document was cut off before the end of its first entry"
        )
    if document.has_other_values and not document.items:
        raise ParseError(
            Kind.NOT_A_FEED, "the values in `items` are not objects, so the feed is not empty"
        )
    json_items = document.items
    items = tuple(_item(item, known) for item in json_items)
    new = [index for index, item in enumerate(items) if item.fingerprint not in known]
    unreadable = {
        index: "the item is nested too deeply" for index in new if json_items[index].is_too_deep
    }
    new = [index for index in new if index not in unreadable]
    feed = _feed(document.head, location, version[1] if version else "1.1")
    base = site_base(feed.link, location)
    context = Context(link=feed.link)
    entries = {}
    for index in select_items(new, lambda index: len(json_items[index].source), part):
        progress(index)
        entries[index] = replace(_entry(json_items[index], base), context=context)
    return ParsedFeed(feed, items, entries, True, document.complete, unreadable)


def parse_original(original: str, context: Context, location: str) -> Entry:
    """Parse the JSON of a stored item again. Raises: ParseError."""
    head = {"version": "https://jsonfeed.org/version/1.1", "home_page_url": context.link}
    text = json.dumps(head)[:-1] + f', "items": [{original}]}}'
    parsed = parse_json_feed(text, location, frozenset())
    if len(parsed.items) != 1 or not parsed.entries:
        why = "; ".join(parsed.unreadable.values()) or "the stored item is not a single item"
        raise ParseError(Kind.PARSER, why)
    return parsed.entries[0]


def _are_items(items: Sequence[JsonItem]) -> bool:
    """True for items of a JSON Feed without `version`: all with an id, some with a content."""
    contents = ("content_html", "content_text")
    return all(_id(item.value) for item in items) and any(
        _text(item.value, name) for item in items for name in contents
    )


def _item(item: JsonItem, known: Set[str]) -> Item:
    key = b"json" + str(PARSER_VERSION).encode()
    digest = blake2b(item.source.encode("utf-8", "replace"), digest_size=12, key=key)
    fingerprint = digest.hexdigest()
    if fingerprint in known:
        return Item(fingerprint)
    return Item(fingerprint, _id(item.value), _text(item.value, "url"))


def _text(raw: dict[str, Any], key: str) -> str | None:
    """Return a member that is a string; None if it is missing, blank or of another type."""
    value = raw.get(key)
    return printable(value).strip() or None if isinstance(value, str) else None


def _id(raw: dict[str, Any]) -> str | None:
    """Return the id; a number as JavaScript converts it. Source: JSON Feed 1.1, "Items"."""
    value = raw.get("id")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _text(raw, "id")
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def _authors(raw: dict[str, Any]) -> tuple[Author, ...]:
    people = [*_as_list(raw.get("authors")), raw.get("author")]
    authors = {
        Author(
            name=_text(person, "name"),
            uri=link_address(_text(person, "url"), None),
            avatar=absolute(_text(person, "avatar"), None),
        ): None
        for person in people
        if isinstance(person, dict)
    }
    return tuple(author for author in authors if author.name or author.uri)


def _as_list(value: object) -> Sequence[Any]:
    """Return a list; a single object is a list of one."""
    if isinstance(value, dict):
        return [value]
    return value if isinstance(value, list) else []


def _feed(raw: dict[str, Any], location: str, version: str) -> Feed:
    title, link = _text(raw, "title"), absolute(_text(raw, "home_page_url"), location)
    icon = absolute(_text(raw, "icon") or _text(raw, "favicon"), site_base(link, location))
    metadata = Feed(
        kind=f"JSON Feed {version if '.' in version else version + '.0'}",
        id=_text(raw, "feed_url"),
        title=title,
        link=link,
        description=_text(raw, "description"),
        language=language_tag(_text(raw, "language")),
        authors=_authors(raw),
        image=Image(icon) if icon else None,
        extensions=_extensions(raw),
    )
    return limit_metadata(metadata)


def _entry(item: JsonItem, base: str) -> Entry:
    raw = item.value
    external = link_address(_text(raw, "external_url"), base)
    link = link_address(_text(raw, "url"), base) or external
    summary = _text(raw, "summary")
    pictures = [absolute(_text(raw, name), base) for name in ("image", "banner_image")]
    enclosures = tuple(_enclosures(raw, base))
    extension_elements, prefixes = _extension_elements(pictures, external, enclosures)
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
        extensions=_extensions(raw),
        original=item.source,
    )


def _extension_elements(
    pictures: Sequence[str | None], external: str | None, enclosures: Sequence[Enclosure]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the extension elements for properties that RSS and Atom lack, and their prefixes."""
    shown = dict.fromkeys(filter(None, pictures))
    fragments = [f'<media:content url={quote(url)} medium="image"/>' for url in shown]
    if external:
        fragments.append(f'<atom:link rel="related" href={quote(external)}/>')
    durations = [enclosure.duration_s for enclosure in enclosures]
    if len(durations) == 1 and durations[0]:  # `itunes:duration` is that of the only file
        fragments.append(f"<itunes:duration>{round(durations[0])}</itunes:duration>")
    used = {fragment[1:].partition(":")[0] for fragment in fragments}
    return tuple(fragments), tuple(sorted(used))


def _content(raw: dict[str, Any], base: str, page: str | None) -> str | None:
    """Return the content: that in HTML, else that in plain text."""
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
    for attachment in _as_list(raw.get("attachments")):
        url = link_address(_text(attachment, "url"), base) if isinstance(attachment, dict) else None
        if url:
            yield Enclosure(
                url=url,
                media_type=_text(attachment, "mime_type"),
                length_bytes=size_of(attachment.get("size_in_bytes")),
                title=_text(attachment, "title"),
                duration_s=number_of(attachment.get("duration_in_seconds")),
            )


def _extensions(raw: dict[str, Any]) -> str | None:
    """Return the extensions of a feed or an item as a JSON object; None without extensions.

    Extensions are the members that begin with "_". Their active content is left out.
    Source: JSON Feed 1.1, "Extensions".
    """
    members = {
        key: member for key, member in raw.items() if key.startswith("_") and key != OWN_MEMBER
    }
    if not members:
        return None
    text = json.dumps(_safe("", members, 0), ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= _LONGEST_EXTENSIONS else None


def _safe(name: str, value: Any, depth: int) -> Any:
    """Return the value without active content, numbers that JSON lacks, and deep nesting."""
    if isinstance(value, dict | list) and depth == _DEEPEST_EXTENSION:
        return None
    if isinstance(value, dict):
        return {printable(key): _safe(key, member, depth + 1) for key, member in value.items()}
    if isinstance(value, list):
        return [_safe(name, member, depth + 1) for member in value]
    if isinstance(value, str):
        return sanitize.safe_member(name, printable(value))
    return None if isinstance(value, float) and not math.isfinite(value) else value
