"""One pass of expat over a document: where its items and their identities are, what to hide."""

from __future__ import annotations

from dataclasses import dataclass, field

from feedmirror.errors import Kind, ParseError
from feedmirror.parsing.elements import READ_OF_FEED, READ_OF_ITEM, is_base, is_own
from feedmirror.text.namespaces import ATOM, RDF
from feedmirror.text.xml import Name, parser

_ITEMS = frozenset({"item", "entry"})
_IDENTIFYING = {"guid": "guid", "id": "guid", "link": "link"}
# What web pages begin with, those too that forget to.
_PAGES = frozenset("html head body title meta script style div form center table p h1".split())
_MOST_ELEMENTS = 300_000
_MOST_ATTRIBUTES = 100
_DEEPEST = 200
LONGEST_NAMESPACE = 1_000  # characters: expat repeats it in each name
# That the interpreter sees of an item: feedparser needs time quadratic in categories, 0.3 s for
# 2,000.
_MOST_FIELDS = 1_000


LONG_NAMESPACE = -1  # beside expat's codes
LONE_ENTRY = -2


class CannotSplit(Exception):  # noqa: N818 - an answer within core, never shown
    """The items cannot be lifted out one by one: read the document whole."""

    def __init__(self, why: str, code: int = 0) -> None:
        super().__init__(why)
        self.code = code  # expat's, or the one above; 0 if the document is well-formed


def is_item(name: Name) -> bool:
    """True if an element of that name is an item wherever one can stand."""
    return name.local.lower() in _ITEMS and (is_base(name.uri) or not name.prefix)


@dataclass(slots=True)
class Found:
    """An item on the way through. Offsets are of bytes."""

    start: int  # of its start tag
    around: tuple[int, ...]  # of the start tags around it, outermost first
    about: str  # rdf:about: the guid, where no element gives one
    href: str  # an attribute of CDF's, or Atom's first alternate: the link, where no text gives one
    texts: dict[str, str] = field(default_factory=dict)  # of the first guid and link that say any
    end: int = 0  # of its end tag, or behind it if it has none

    @property
    def guid(self) -> str | None:
        """The raw guid."""
        return self.texts.get("guid") or self.about.strip() or None

    @property
    def link(self) -> str | None:
        """The raw link."""
        return self.texts.get("link") or self.href.strip() or None


@dataclass(frozen=True, slots=True)
class _Sort:
    """What an element is, told by its name."""

    local: str  # in lower case
    uri: str
    core: bool  # of the feed's own vocabulary
    is_item: bool
    of_item: bool  # whether the interpreter is to see it in an item
    of_feed: bool  # and in the feed
    identifies: str  # "guid" or "link", in an item


class Scan:
    """The handlers of the pass, and what they find. `parser` is to be fed with the document."""

    def __init__(self) -> None:
        self.parser = parser()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartNamespaceDeclHandler = self._namespace
        self.items: list[Found] = []
        self.hidden: list[tuple[int, int]] = []  # as an item's `start` and `end`
        self.root_start = 0  # offset of the root's start tag
        self.root_end: int | None = None  # of its end tag, or behind it
        self.swallowed = False  # whether hidden elements of the feed hold items
        self._count = 0
        self._depth = 0
        self._open: list[tuple[str, int]] = []  # names and offsets of what is no part of items
        self._item: Found | None = None
        self._item_depth = 0
        self._fields = 0  # of the item, or of the feed, that the interpreter sees
        self._own = ""  # namespace of the root, then of the items: whatever it is, it is theirs
        self._sorts: dict[str, _Sort] = {}  # by name, as long as `_own` is the same
        self._hidden_depth = 0  # of the hidden element that is open; 0: none
        self._hidden_core = False
        self._hidden_start = 0
        self._capturing = ""  # "guid" or "link"
        self._captured: list[str] = []

    @staticmethod
    def _doctype(*_: object) -> None:
        # The gate takes them away; this is the second lock.
        raise ParseError(Kind.UNSAFE, "the document has a document type where none can be")

    @staticmethod
    def _namespace(_prefix: str | None, uri: str | None) -> None:
        if uri and len(uri) > LONGEST_NAMESPACE:
            raise CannotSplit("a namespace of more characters than any has", LONG_NAMESPACE)

    def _start(self, name: str, attributes: list[str]) -> None:
        self._count += 1
        self._depth += 1
        if self._count > _MOST_ELEMENTS:
            _refuse(f"more than {_MOST_ELEMENTS} elements")
        if self._depth > _DEEPEST or len(attributes) > 2 * _MOST_ATTRIBUTES:
            _refuse("an element nested deeper or with more attributes than any feed has")
        sort = self._sorts.get(name) or self._sort(name)
        if self._hidden_depth:
            self._start_hidden(sort)
        elif self._item is None:
            self._start_outside(sort, attributes)
        elif sort.is_item:
            raise CannotSplit("an item within an item")
        elif self._depth == self._item_depth + 1:
            self._start_field(sort, attributes, self._item)

    def _start_hidden(self, sort: _Sort) -> None:
        if sort.is_item:
            if self._hidden_core:
                raise CannotSplit("an item where none belongs")
            self.swallowed = self.swallowed or self._item is None

    def _start_outside(self, sort: _Sort, attributes: list[str]) -> None:
        if self._depth == 1:
            self.root_start = self.parser.CurrentByteIndex
            self._own = sort.uri
            if sort.local in _PAGES:
                raise ParseError(Kind.NOT_A_FEED, "the document is a web page (a login page?)")
            if sort.local == "entry" and is_base(sort.uri):
                raise CannotSplit("the document is an entry without a feed", LONE_ENTRY)
        if sort.is_item:
            self._enter(sort, attributes)
            return
        if self._holds_properties():
            self._fields += sort.of_feed
            if not sort.of_feed or self._fields > _MOST_FIELDS:
                self._hide(core=sort.core)
        self._open.append((sort.local, self.parser.CurrentByteIndex))

    def _holds_properties(self) -> bool:
        """Whether what stands here is a property of the feed, or one of its items."""
        return len(self._open) == 1 or (len(self._open) == 2 and self._open[1][0] == "channel")

    def _enter(self, sort: _Sort, attributes: list[str]) -> None:
        if not self._holds_properties():
            raise CannotSplit("an item where none belongs")
        if sort.uri != self._own:
            self._own = sort.uri
            self._sorts.clear()
        self._item = Found(
            start=self.parser.CurrentByteIndex,
            around=tuple(offset for _, offset in self._open),
            about=_attribute(attributes, "about", RDF),
            href=_attribute(attributes, "href"),
        )
        self._item_depth = self._depth
        self._fields = 0

    def _start_field(self, sort: _Sort, attributes: list[str], item: Found) -> None:
        kind = sort.identifies
        self._fields += sort.of_item
        if not sort.of_item or self._fields > _MOST_FIELDS:
            self._hide(core=sort.core)
        elif kind == "link" and (href := _attribute(attributes, "href")):
            rel = _attribute(attributes, "rel") or "alternate"
            item.href = item.href or (href if rel == "alternate" else "")
        elif kind and not item.texts.get(kind):
            self._capturing = kind
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

    def _sort(self, name: str) -> _Sort:
        """What an element of that name is, as expat gives it; remembered."""
        parsed = Name.of(name)
        local, uri = parsed.local.lower(), parsed.uri
        core = is_own(uri, self._own)
        vocabulary = "" if core else uri.lower()
        sort = self._sorts[name] = _Sort(
            local=local,
            uri=uri,
            core=core,
            is_item=is_item(parsed),
            of_item=local in READ_OF_ITEM.get(vocabulary, ()),
            of_feed=local in READ_OF_FEED.get(vocabulary, ()),
            identifies=_IDENTIFYING.get(local, "") if core or uri == ATOM else "",
        )
        return sort


def _attribute(attributes: list[str], local: str, uri: str = "") -> str:
    """The value of an attribute, "" if it is not there; the local name's case does not count."""
    for key, value in zip(attributes[::2], attributes[1::2], strict=True):
        name = Name.of(key)
        if name.local.lower() == local and name.uri == uri:
            return value
    return ""


def _refuse(what: str) -> None:
    raise ParseError(Kind.UNSAFE, f"the document has {what}, which is refused")
