"""HTML tokenizer: split the HTML of an origin into tags and runs of text, in linear time.

Comments, declarations and elements whose content is never shown (scripts, styles) are left out. If
the end of a comment or of such an element is missing, only its start is left out, so that no words
after it are lost.

Anchors are ids in an article that its own links lead to, like those of footnotes and sections. A
sanitised body keeps them behind a prefix, so that they cannot clash with ids of the page around the
body. Links to anchors lead to the origin's page in a feed, and stay on the page of the entry there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape
from urllib.parse import unquote

from msgspec import Struct

from feedmirror.text.plain import ADDRESS, unescape
from feedmirror.text.urls import trimmed

# The elements of articles. Of all other elements text/sanitize.py keeps the words alone.
TAGS = frozenset(
    "a abbr acronym address article aside audio b bdi bdo big blockquote br caption center cite "
    "code col colgroup dd del details dfn div dl dt em figcaption figure font footer "
    "h1 h2 h3 h4 h5 h6 header hgroup hr i img ins kbd li main map area mark menu nav ol p "
    "picture pre q rb rp rt rtc ruby s samp section small source span strike strong sub summary "
    "sup table tbody td tfoot th thead time tr track tt u ul var video wbr".split()
)
# All elements that HTML has or had, but for those that the tokenizer treats specially: `math`,
# `svg`, and those that only browsers without scripts show (`noframes`, `noscript`).
HTML_ELEMENTS = TAGS | frozenset(
    "applet base basefont bgsound blink body button canvas data datalist dialog dir embed fieldset "
    "form frame frameset head html iframe image input isindex keygen label legend link listing "
    "marquee meta meter nobr noembed object optgroup option output param plaintext progress script "
    "search select slot style template textarea title xmp".split()
)
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")
# Elements that have no end, or whose start ends the one before.
_FLAT = frozenset(
    "area base br col embed hr img input link meta param source track wbr p li td tr dt dd".split()
)
# Elements that a parser opens again in each paragraph until they are closed.
# Source: HTML §13.2.4.3, "The list of active formatting elements".
_FORMATTING = frozenset("a b big code em font i nobr s small strike strong tt u".split())
# nh3 needs time quadratic in nesting: 488 KB of `<div>` took it 29 s, this many take 10 ms.
_DEEPEST = 400
_MOST_REOPENED = 8_000_000  # characters: 10 KB can be made to grow to 5 MB, and 1 MB to 50 GB
# Time is quadratic in ampersands, too (500,000 bare ones take 4 s), and in the attributes of one
# tag (5,000 take 10 ms, 40,000 take 0.7 s).
_MOST_AMPERSANDS = 100_000
_MOST_ATTRIBUTES = 5_000
_LONG_TAG = 1_000  # characters; shorter tags take negligible time
# As HTML parsers read it: quotes count only after an equals sign. Source: HTML §13.2.5.32 to 38.
_TAG_ATTRIBUTE = re.compile(
    r"[\s/]*+(?:=[^\s/>=]*+|[^\s/>=]++)"
    r"(?>(?:\s*+=\s*+(?>(?:\"[^\"]*+\"|'[^']*+'|[^\s>\"'][^\s>]*+)?))?)"
)
# All attributes of a tag, in an atomic group: Python 3.11.2 backtracks wrongly in one with `*+`.
ATTRIBUTES = rf"(?>(?:{_TAG_ATTRIBUTE.pattern})*)"
_START_TAG = re.compile(rf"<[a-zA-Z][^\s/>]*+({ATTRIBUTES})")


def exceeds_limits(body: str) -> bool:
    """True if a parser would need minutes or all memory for `body`, which holds no comments.

    No article that a person writes comes near the limits. Takes linear time.
    """
    tags = [(match.start(), match[1], match[2].lower()) for match in _TAG.finditer(body)]
    ampersands = body.count("&") - body.count("&#")
    return (
        ampersands > _MOST_AMPERSANDS
        or _max_depth(tags) > _DEEPEST
        or _reopened_chars(tags) > _MOST_REOPENED
        or _has_giant_tags(body)
    )


def element_names(body: str) -> set[str]:
    """Return the names of all elements in `body`, in lower case."""
    return {name.lower() for _, name in _TAG.findall(body)}


def outline(body: str) -> list[tuple[str, str]]:
    """Return the tags of `body` in order: "/" or "" for an end or a start tag, and the name."""
    return [(match[1], match[2].lower()) for match in _TAG.finditer(body)]


def _max_depth(tags: list[tuple[int, str, str]]) -> int:
    """Return the depth to which tags could nest, if any end tag closes the innermost element."""
    depth = deepest = 0
    for _, closing, name in tags:
        if closing:
            depth = max(0, depth - 1)
        elif name not in _FLAT:
            depth += 1
            deepest = max(deepest, depth)
    return deepest


def _reopened_chars(tags: list[tuple[int, str, str]]) -> int:
    """Return how many characters of start tags a parser may repeat in reopened elements.

    Each start tag is taken to reach to the next tag.
    """
    open_sizes: list[int] = []
    size = total = 0
    following = (start for start, _, _ in tags[1:])
    for start, closing, name in tags:
        end = next(following, start)
        if name not in _FORMATTING:
            total += size
        elif not closing:
            open_sizes.append(end - start)
            size += end - start
        elif open_sizes:
            size -= open_sizes.pop()
    return total


def _has_giant_tags(body: str) -> bool:
    """True if the attributes of `body` take a parser longer than one tag with the limit of them."""
    if len(body) < _MOST_ATTRIBUTES:
        return False
    long = (tag[1] for tag in _START_TAG.finditer(body) if len(tag[1]) >= _LONG_TAG)
    counts = (sum(1 for _ in _TAG_ATTRIBUTE.finditer(attributes)) for attributes in long)
    return sum(count**2 for count in counts) > _MOST_ATTRIBUTES**2


_FORMULA_ROOTS = frozenset({"m:math", "mml:math", "mathml:math"})
_KNOWN = HTML_ELEMENTS | {"math", "noframes", "noscript", "svg"}
_RAW_TEXT = frozenset({"textarea", "xmp"})  # their content is text, not markup
_NEVER_SHOWN = frozenset({"datalist", "noembed", "script", "style", "template", "title"})
_NEVER_SHOWN_DRAWN = _NEVER_SHOWN - {"title"} | {"metadata"}  # a title of SVG is a caption
_MARK = re.compile(r"<(?:(/?)([a-zA-Z][^\s/<>]*+)|!--|!\[CDATA\[|[!?](?=[a-zA-Z\[>])|/>)|\]\]>|<")
_REST_OF_KNOWN = re.compile(rf"({ATTRIBUTES})([\s/]*+)(>?)")
# An unknown element may be words (`a <b2 and c`): its tag ends before the next tag begins.
_REST_OF_UNKNOWN = re.compile(
    r"((?>(?:\"[^\"<]*+\"|'[^'<]*+'|[^<>\"'/]|/(?!>))*))(/?)>|([^<>]*+)()>"
)
_ADDRESS = re.compile(ADDRESS)
_CLOSE = re.compile(">")
_COMMENT_END = re.compile(r"--!?>")
_SCRIPT_TAG = re.compile(r"<(/?)script(?=[\s/>])", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"([^\s/>=\"'][^\s/>=]*+)(?>(?:\s*+=\s*+(?>(?:\"([^\"]*+)\"|'([^']*+)'|[\"']?+([^\s>\"'][^\s>]*+))?))?)"
)
_OPEN_QUOTE = re.compile(r"=\s*+(?:\"[^\"]*+|'[^']*+)$")


class Tag(Struct):
    """A start tag or an end tag."""

    name: str  # in lower case
    is_end: bool
    is_self_closing: bool  # `<br/>`
    raw: str  # the attributes, as written
    source: str
    content: str = ""  # of a script
    in_drawing: bool = False  # within an SVG element

    def attributes(self) -> dict[str, str]:
        """Return the attributes, unescaped; of several with one name the first counts."""
        attributes: dict[str, str] = {}
        for match in _ATTRIBUTE.finditer(self.raw):
            value = match[2] or match[3] or match[4] or ""
            attributes.setdefault(match[1].lower(), unescape(value))
        return attributes


def tokens(body: str) -> Iterator[Tag | str]:
    """Yield the tags and the runs of text of `body`, in order.

    A text holds no `<`, but may hold `&lt;`. A CDATA section is replaced by its content.
    """
    return _Tokenizer(body).tokens()


class _Tokenizer:
    def __init__(self, body: str) -> None:
        self._body = body
        self._open_sections = 0  # CDATA sections that are open
        self._open_drawings = 0  # SVG elements that are open
        self._missing: set[str] = set()  # patterns that do not occur any more

    def tokens(self) -> Iterator[Tag | str]:
        position = 0
        while mark := _MARK.search(self._body, position):
            if mark.start() > position:
                yield self._body[position : mark.start()]
            token, position = self._token(mark)
            if token:
                yield token
        if position < len(self._body):
            rest = self._body[position:]
            yield rest.removesuffix("]]") if self._open_sections else rest

    def _token(self, mark: re.Match[str]) -> tuple[Tag | str, int]:
        """Return the token that begins at `mark`, "" for none, and the position after it."""
        if mark[2]:
            return self._tag(mark)
        if mark[0] == "<!--":
            return "", self._behind_comment(mark.end())
        if mark[0] in {"<![CDATA[", "]]>"}:
            return self._section(mark[0]), mark.end()
        if mark[0] in {"<", "</>"}:
            return "&lt;" if mark[0] == "<" else "", mark.end()
        end = self._find(_CLOSE, mark.end())
        return ("", end.end()) if end else ("&lt;", mark.start() + 1)

    def _section(self, mark: str) -> str:
        """Return the text that replaces the start or the end of a CDATA section."""
        text = "]]&gt;" if mark == "]]>" and not self._open_sections else ""
        self._open_sections = max(0, self._open_sections + (-1 if mark == "]]>" else 1))
        return text

    def _tag(self, mark: re.Match[str]) -> tuple[Tag | str, int]:
        name = mark[2].lower()
        name = "math" if name in _FORMULA_ROOTS else name
        if _ADDRESS.match(name):
            return "&lt;", mark.start() + 1
        pattern = _REST_OF_KNOWN if name in _KNOWN else _REST_OF_UNKNOWN
        rest = pattern.match(self._body, mark.end())
        if rest is None:
            return "&lt;", mark.start() + 1
        if name in _KNOWN and not rest[3]:  # the body was cut off within the tag
            return "", len(self._body)
        raw, tail = (rest[1] or "", rest[2]) if rest[1] is not None else (rest[3], rest[4])
        source = self._body[mark.start() : rest.end()]
        if _OPEN_QUOTE.search(raw):  # a sanitiser would end the tag at the next quote
            tag = Tag(name, bool(mark[1]), False, raw, "")
            source = f"<{mark[1]}{name}{''.join(map(_render_attribute, tag.attributes().items()))}>"
        tag = Tag(name, bool(mark[1]), "/" in (tail or ""), raw, source)
        if name == "svg" and not tag.is_self_closing:
            self._open_drawings = max(0, self._open_drawings + (-1 if tag.is_end else 1))
        tag.in_drawing = self._open_drawings > 0
        if name in _RAW_TEXT and not tag.is_end and (end := self._find(_end_of(name), rest.end())):
            return self._body[rest.end() : end.start()].replace("<", "&lt;"), end.end()
        never_shown = _NEVER_SHOWN_DRAWN if tag.in_drawing else _NEVER_SHOWN
        if name not in never_shown:
            return tag, rest.end()
        return self._skip_hidden(tag, rest.end())

    def _skip_hidden(self, tag: Tag, position: int) -> tuple[Tag | str, int]:
        """Skip an element that is never shown; return a script with its content, else ""."""
        if tag.is_end or tag.is_self_closing:
            return "", position
        if tag.name == "script" and "src" in tag.attributes():
            # Its content is ignored. If another script begins first, this one was never closed.
            following = self._find(_SCRIPT_TAG, position)
            if following is None or not following[1]:
                return "", position
        end = self._find(_end_of(tag.name), position)
        if end is None:
            return "", position
        tag.content = self._body[position : end.start()]
        return (tag if tag.name == "script" else ""), end.end()

    def _behind_comment(self, position: int) -> int:
        for empty in (">", "->"):
            if self._body.startswith(empty, position):
                return position + len(empty)
        end = self._find(_COMMENT_END, position) or self._find(_CLOSE, position)
        return end.end() if end else len(self._body)

    def _find(self, pattern: re.Pattern[str], position: int) -> re.Match[str] | None:
        """Search for `pattern`; a pattern that was missing once is not searched for again."""
        if pattern.pattern in self._missing:
            return None
        match = pattern.search(self._body, position)
        if match is None:
            self._missing.add(pattern.pattern)
        return match


def _render_attribute(attribute: tuple[str, str]) -> str:
    name, value = attribute
    return f' {name}="{escape(value)}"'


def _end_of(name: str) -> re.Pattern[str]:
    return re.compile(rf"</{name}(?=[\s/>]|$)[^<>]*+>?", re.IGNORECASE)


PREFIX = "in-"
_HREF = re.compile(r"\shref\s*+=\s*+(?:\"([^\"<>]*)\"|'([^'<>]*)'|([^\s\"'<>]++))", re.IGNORECASE)
_NAME = re.compile(r"[\w.:-]{1,200}")
_ANCHOR = re.compile(rf"\s(?:id|name)=\"{PREFIX}([\w.:-]+)\"")


def linked_anchors(body: str, page: str | None) -> frozenset[str]:
    """Return the names of the anchors in `body` that links in `body` lead to.

    `page` is the address of the page that the body was published on.
    """
    if "#" not in body:
        return frozenset()
    hrefs = (unescape(match[1] or match[2] or match[3] or "") for match in _HREF.finditer(body))
    targets = (trimmed(url).partition("#") for url in hrefs)
    own_addresses = {"", _without_fragment(page or "")}
    names = {unquote(name) for url, _, name in targets if url in own_addresses}
    return frozenset(filter(_NAME.fullmatch, names))


def _without_fragment(url: str) -> str:
    return url.partition("#")[0]


class Anchors(Struct, frozen=True):
    """The anchors of a sanitised body."""

    names: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()  # of the article itself, without fragments

    @classmethod
    def of(cls, body: str, addresses: Iterable[str | None]) -> Anchors:
        """Return the anchors of `body`, an article that is published at all of `addresses`."""
        names = frozenset(_ANCHOR.findall(body))
        if not names:
            return cls()
        return cls(names, frozenset(_without_fragment(url) for url in addresses if url))

    def local_link(self, url: str) -> str | None:
        """Return `url` as a link within the entry's page; None if `url` leads to another page."""
        page, _, name = url.partition("#")
        name = unquote(name)
        return f"#{PREFIX}{name}" if name in self.names and page in self.addresses else None


NO_ANCHORS = Anchors()
