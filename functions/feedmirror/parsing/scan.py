"""Scan XML in one pass of expat: find items, their ids, and elements to hide from feedparser."""

from __future__ import annotations

from msgspec import Struct, field

from feedmirror.errors import Kind, ParseError
from feedmirror.parsing.elements import FEED_ELEMENTS, ITEM_ELEMENTS, is_base, is_own
from feedmirror.text.namespaces import ATOM, RDF
from feedmirror.text.xml import Name, parser

_ITEMS = frozenset({"item", "entry"})
_IDENTIFYING = {"guid": "guid", "id": "guid", "link": "link"}
# First elements of web pages, with or without `html`.
_PAGES = frozenset("html head body title meta script style div form center table p h1".split())
MOST_ELEMENTS = 300_000
_MOST_ATTRIBUTES = 100
_DEEPEST = 200
LONGEST_NAMESPACE = 1_000  # characters; expat repeats the namespace in each name
# Elements of an item, or of the feed, that feedparser sees: it needs time quadratic in categories,
# 0.3 s for 2,000.
_MOST_FIELDS = 1_000


# Codes of `CannotSplit`, beside those of expat, which are positive.
LONG_NAMESPACE = -1
LONE_ENTRY = -2


class CannotSplit(Exception):  # noqa: N818 - a result within the package, no error
    """The items cannot be separated; the document must be parsed as a whole."""

    def __init__(self, why: str, code: int = 0) -> None:
        super().__init__(why)
        self.code = code  # of expat, or one of the above; 0 if the document is well-formed


def is_item(name: Name) -> bool:
    """True if an element with that name is an item, in a place where items may stand."""
    return name.local.lower() in _ITEMS and (is_base(name.uri) or not name.prefix)


class ScannedItem(Struct):
    """An item in the document. Offsets are in bytes."""

    start: int  # of its start tag
    around: tuple[int, ...]  # of the start tags around it, outermost first
    about: str  # rdf:about, the guid of an item without a guid element
    href: str  # of CDF's item or of Atom's first alternate link; the link if no text states it
    texts: dict[str, str] = field(default_factory=dict)  # of the first non-empty guid and link
    end: int = 0  # of its end tag; after `/>` for an empty-element tag

    @property
    def guid(self) -> str | None:
        """Return the guid as written, or None."""
        return self.texts.get("guid") or self.about.strip() or None

    @property
    def link(self) -> str | None:
        """Return the link as written, or None."""
        return self.texts.get("link") or self.href.strip() or None


class _ElementKind(Struct, frozen=True):
    """The properties of all elements with one name."""

    local: str  # in lower case
    uri: str
    core: bool  # an element of the feed format, not an extension element
    is_item: bool
    of_item: bool  # True if feedparser may see it in an item
    of_feed: bool  # True if feedparser may see it in the feed
    identifies: str  # "guid", "link" or ""


class Scan:
    """The handlers for expat, and the result of the scan. Feed the document to `parser`."""

    def __init__(self) -> None:
        self.parser = parser()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartNamespaceDeclHandler = self._namespace
        self.items: list[ScannedItem] = []
        self.hidden: list[tuple[int, int]] = []  # start and end, like those of an item
        self.root_start = 0  # offset of the root's start tag
        self.root_end: int | None = None  # of its end tag, like the end of an item
        self.has_hidden_items = False  # True if hidden elements of the feed hold items
        self._count = 0
        self._depth = 0
        self._open: list[tuple[str, int]] = []  # names and offsets of open elements around items
        self._item: ScannedItem | None = None
        self._item_depth = 0
        self._feed_fields = 0  # that feedparser sees
        self._item_fields = 0  # of the open item
        self._own = ""  # namespace of the format: that of the root, later of the items
        self._kinds: dict[str, _ElementKind] = {}  # by name; cleared when `_own` changes
        self._hidden_depth = 0  # of the open hidden element, 0 without one
        self._hidden_core = False
        self._hidden_start = 0
        self._capturing = ""  # "guid" or "link"
        self._captured: list[str] = []

    @staticmethod
    def _doctype(*_: object) -> None:
        # A second check: `decode.prepare_xml` removes document types before.
        raise ParseError(Kind.UNSAFE, "the document has a document type where none can be")

    @staticmethod
    def _namespace(_prefix: str | None, uri: str | None) -> None:
        if uri and len(uri) > LONGEST_NAMESPACE:
            raise CannotSplit(f"a namespace of over {LONGEST_NAMESPACE} characters", LONG_NAMESPACE)

    def _start(self, name: str, attributes: list[str]) -> None:
        self._count += 1
        self._depth += 1
        if self._count > MOST_ELEMENTS:
            _refuse(f"more than {MOST_ELEMENTS} elements")
        if self._depth > _DEEPEST or len(attributes) > 2 * _MOST_ATTRIBUTES:
            _refuse(
                f"more than {_DEEPEST} nested elements, or {_MOST_ATTRIBUTES} attributes in a tag"
            )
        kind = self._kinds.get(name) or self._classify(name)
        if self._hidden_depth:
            self._start_hidden(kind)
        elif self._item is None:
            self._start_outside(kind, attributes)
        elif kind.is_item:
            raise CannotSplit("an item within an item")
        elif self._depth == self._item_depth + 1:
            self._start_field(kind, attributes, self._item)

    def _start_hidden(self, kind: _ElementKind) -> None:
        if kind.is_item:
            if self._hidden_core:
                raise CannotSplit("an item in an unexpected place")
            self.has_hidden_items = self.has_hidden_items or self._item is None

    def _start_outside(self, kind: _ElementKind, attributes: list[str]) -> None:
        if self._depth == 1:
            self.root_start = self.parser.CurrentByteIndex
            self._own = kind.uri
            if kind.local in _PAGES:
                raise ParseError(Kind.NOT_A_FEED, "the document is a web page (a login page?)")
            if kind.local == "entry" and is_base(kind.uri):
                raise CannotSplit("the document is an entry without a feed", LONE_ENTRY)
        if kind.is_item:
            self._start_item(kind, attributes)
            return
        if self._holds_properties():
            self._feed_fields += kind.of_feed
            if not kind.of_feed or self._feed_fields > _MOST_FIELDS:
                self._hide(core=kind.core)
        self._open.append((kind.local, self.parser.CurrentByteIndex))

    def _holds_properties(self) -> bool:
        """True if elements here are properties of the feed or items: in the root or channel."""
        return len(self._open) == 1 or (len(self._open) == 2 and self._open[1][0] == "channel")

    def _start_item(self, kind: _ElementKind, attributes: list[str]) -> None:
        if not self._holds_properties():
            raise CannotSplit("an item in an unexpected place")
        if kind.uri != self._own:
            self._own = kind.uri
            self._kinds.clear()
        self._item = ScannedItem(
            start=self.parser.CurrentByteIndex,
            around=tuple(offset for _, offset in self._open),
            about=_attribute(attributes, "about", RDF),
            href=_attribute(attributes, "href"),
        )
        self._item_depth = self._depth
        self._item_fields = 0

    def _start_field(self, kind: _ElementKind, attributes: list[str], item: ScannedItem) -> None:
        role = kind.identifies
        self._item_fields += kind.of_item
        if not kind.of_item or self._item_fields > _MOST_FIELDS:
            self._hide(core=kind.core)
        elif role == "link" and (href := _attribute(attributes, "href")):
            rel = _attribute(attributes, "rel") or "alternate"
            item.href = item.href or (href if rel == "alternate" else "")
        elif role and not item.texts.get(role):
            self._capturing = role
            self._captured = []
            self.parser.CharacterDataHandler = self._captured.append

    def _hide(self, *, core: bool) -> None:
        self._hidden_depth = self._depth
        self._hidden_core = core
        self._hidden_start = self.parser.CurrentByteIndex

    def _end(self, _name: str) -> None:
        depth = self._depth
        self._depth -= 1
        if self._hidden_depth:
            if depth > self._hidden_depth:
                return
            self.hidden.append((self._hidden_start, self.parser.CurrentByteIndex))
            self._hidden_depth = 0
        if self._item is None:
            self._open.pop()
            if not self._open:
                self.root_end = self.parser.CurrentByteIndex
        elif depth == self._item_depth:
            self._item.end = self.parser.CurrentByteIndex
            self.items.append(self._item)
            self._item = None
        elif depth == self._item_depth + 1 and self._capturing:
            self._item.texts[self._capturing] = "".join(self._captured).strip()
            self._capturing = ""
            self.parser.CharacterDataHandler = None

    def _classify(self, name: str) -> _ElementKind:
        """Return the properties of elements with that name of expat's, and cache them."""
        parsed = Name.of(name)
        local, uri = parsed.local.lower(), parsed.uri
        core = is_own(uri, self._own)
        vocabulary = "" if core else uri.lower()
        kind = self._kinds[name] = _ElementKind(
            local=local,
            uri=uri,
            core=core,
            is_item=is_item(parsed),
            of_item=local in ITEM_ELEMENTS.get(vocabulary, ()),
            of_feed=local in FEED_ELEMENTS.get(vocabulary, ()),
            identifies=_IDENTIFYING.get(local, "") if core or uri == ATOM else "",
        )
        return kind


def _attribute(attributes: list[str], local: str, uri: str = "") -> str:
    """Return the value of an attribute, "" if missing; the case of the local name is ignored."""
    for key, value in zip(attributes[::2], attributes[1::2], strict=True):
        name = Name.of(key)
        if name.local.lower() == local and name.uri == uri:
            return value
    return ""


def _refuse(what: str) -> None:
    raise ParseError(Kind.UNSAFE, f"the document has {what}, which is refused")
