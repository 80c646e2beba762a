"""PageReader: verify a rendered page with the HTML parser of the standard library.

The parser is independent of the code that renders pages.
"""

from __future__ import annotations

import re
from codecs import iterdecode
from collections.abc import Iterator
from html.parser import HTMLParser

from feedmirror.errors import RenderError
from feedmirror.publishing.disclaimer import CSS_CLASS
from feedmirror.text.html_images import is_inline
from feedmirror.text.plain import words_of

_WITHOUT_END = frozenset("area base br col hr img link meta source track wbr".split())
# Elements that execute, load what executes, or send input. `link` is allowed: the style sheet.
_FORBIDDEN = frozenset("base embed form iframe input object script style svg template".split())
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_ADDRESSES = frozenset("action cite data formaction href poster src".split())

_PORTION_BYTES = 1 << 20  # of a page that are parsed at once: a string takes up to four times that

TagAttributes = list[tuple[str, str | None]]


def _portions(page: bytes) -> Iterator[bytes]:
    return (page[at : at + _PORTION_BYTES] for at in range(0, len(page), _PORTION_BYTES))


class PageReader(HTMLParser):
    """Reader of a page: the entries it lists, and the disclaimers it shows."""

    def __init__(self, name: str, page: bytes) -> None:
        """Parse the page. Raises: RenderError, if the page is unbalanced or not inert."""
        super().__init__(convert_charrefs=True)
        self.listed = 0  # number of entries in lists
        self.notices: list[tuple[str, str]] = []  # class of the parent element, words
        self._name = name
        self._open: list[tuple[str, str]] = []  # name and class of each open element
        self._notice: tuple[int, list[str]] | None = None  # the open notice: depth, words so far
        try:
            for portion in iterdecode(_portions(page), "utf-8"):
                self.feed(portion)
            self.close()
        except (UnicodeDecodeError, AssertionError) as error:
            raise self._fault(str(error)) from error
        if self._open:
            raise self._fault(f"<{self._open[-1][0]}> is never closed")

    def _fault(self, what: str) -> RenderError:
        return RenderError(f"{self._name} would be unsafe or unbalanced: {what}")

    def handle_starttag(self, tag: str, attrs: TagAttributes) -> None:
        """Check an element and note that it is open."""
        self._check(tag, attrs)
        if tag in _WITHOUT_END:
            return
        kind = next((value or "" for name, value in attrs if name == "class"), "")
        if kind == CSS_CLASS and self._notice is None:
            self._notice = (len(self._open), [])
        self.listed += tag == "li" and kind == "entry"
        self._open.append((tag, kind))

    def handle_startendtag(self, tag: str, attrs: TagAttributes) -> None:
        """Treat `<b/>` as a start tag, as browsers do."""
        self.handle_starttag(tag, attrs)

    def _check(self, tag: str, attrs: TagAttributes) -> None:
        if tag in _FORBIDDEN:
            raise self._fault(f"it has <{tag}>")
        for name, value in attrs:
            scheme = (value or "").strip().lower().partition(":")[0]
            if name.startswith("on") or name == "style":
                raise self._fault(f"{name}= on <{tag}>")
            if name in _ADDRESSES and scheme in {"javascript", "vbscript", "data"}:
                if tag == "link" and value == "data:,":  # keeps browsers from requesting an icon
                    continue
                if (tag, name) == ("img", "src") and is_inline(value or ""):
                    continue
                raise self._fault(f"{name}={value!r} on <{tag}>")

    def handle_endtag(self, tag: str) -> None:
        """Check that the end tag closes the innermost element, and note a complete notice."""
        if not self._open or self._open[-1][0] != tag:
            raise self._fault(f"</{tag}> does not close the innermost element")
        self._open.pop()
        if self._notice and self._notice[0] == len(self._open):
            parent = self._open[-1][1] if self._open else ""
            self.notices.append((parent, "".join(self._notice[1])))
            self._notice = None

    def handle_data(self, data: str) -> None:
        """Note the words of a notice."""
        if self._notice:
            self._notice[1].append(data)

    def carries(self, notice_html: str, within: str) -> bool:
        """True if the page has one notice, word for word `notice_html`, in an element of the class
        `within`.
        """
        words = "".join(words_of(_COMMENT.sub("", notice_html)).split())
        found = [(parent, "".join(text.split())) for parent, text in self.notices]
        return CSS_CLASS in notice_html and found == [(within, words)]
