"""PageReader: verify a rendered page by a strict grammar of this program's own pages.

The grammar knows less than HTML: names in small letters, values in double quotes, no bracket in a
value or in text. A page that is anything else is refused, so a browser can read it in one way only.
The reader is independent of the code that renders pages.
"""

from __future__ import annotations

import re
from codecs import iterdecode
from collections import deque
from collections.abc import Iterator
from html import unescape

from feedmirror.errors import RenderError
from feedmirror.publishing.disclaimer import CSS_CLASS
from feedmirror.text.html_images import is_inline
from feedmirror.text.plain import words_of

_WITHOUT_END = frozenset(b"area base br col hr img link meta source track wbr".split())
# Elements that execute, load what executes, or send input. `link` is allowed: the style sheet.
_FORBIDDEN = frozenset(b"base embed form iframe input object script style svg template".split())
_ADDRESSES = frozenset(b"action cite data formaction href poster src".split())
_EXECUTED = frozenset({"javascript", "vbscript", "data"})
_TAG = re.compile(
    rb"<(?P<slash>/?)(?P<name>[a-z][a-z0-9]*)"
    rb"(?P<attributes>(?>(?: [a-z][a-z0-9-]*(?:=\"[^\"<]*\")?)*))>"
)
_ATTRIBUTE = re.compile(rb" ([a-z][a-z0-9-]*)(?:=\"([^\"<]*)\")?")
_OTHER = re.compile(rb"<!doctype html>|<!-- [a-z0-9 /]* -->")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)

_PORTION_BYTES = 1 << 20  # of a page that are decoded at once: a string takes up to four times that


def _portions(page: bytes) -> Iterator[bytes]:
    return (page[at : at + _PORTION_BYTES] for at in range(0, len(page), _PORTION_BYTES))


class PageReader:
    """Reader of a page: the entries it lists, and the disclaimers it shows."""

    def __init__(self, name: str, page: bytes) -> None:
        """Parse the page. Raises: RenderError, if the page is unbalanced or not inert."""
        self.listed = 0  # number of entries in lists
        self.notices: list[tuple[str, str]] = []  # class of the parent element, words
        self._name = name
        self._open: list[tuple[bytes, str]] = []  # name and class of each open element
        self._notice: tuple[int, list[bytes]] | None = None  # the open notice: depth, words so far
        try:
            deque(iterdecode(_portions(page), "utf-8"), maxlen=0)
        except UnicodeDecodeError as error:
            raise self._fault(str(error)) from error
        self._read(page)
        if self._open:
            raise self._fault(f"<{self._open[-1][0].decode()}> is never closed")

    def _fault(self, what: str) -> RenderError:
        return RenderError(f"{self._name} would be unsafe or unbalanced: {what}")

    def _read(self, page: bytes) -> None:
        position = 0
        while (start := page.find(b"<", position)) >= 0:
            if self._notice:
                self._notice[1].append(page[position:start])
            tag = _TAG.match(page, start)
            if tag is None:
                other = _OTHER.match(page, start)
                if other is None:
                    raise self._fault(f"{page[start : start + 40]!r} is no tag of its own")
                position = other.end()
                continue
            position = tag.end()
            name = tag["name"]
            if not tag["slash"]:
                self._start(name, tag["attributes"])
            elif tag["attributes"]:
                raise self._fault(f"</{name.decode()}> has attributes")
            else:
                self._end(name)

    def _start(self, name: bytes, attributes: bytes) -> None:
        """Check an element and note that it is open."""
        if name in _FORBIDDEN:
            raise self._fault(f"it has <{name.decode()}>")
        kind = None
        for key, value in _ATTRIBUTE.findall(attributes) if attributes else ():
            if key == b"class" and kind is None:
                kind = unescape(value.decode())
            elif key == b"style" or key.startswith(b"on"):
                raise self._fault(f"{key.decode()}= on <{name.decode()}>")
            elif key in _ADDRESSES:
                self._check_address(name, key, unescape(value.decode()))
        if name in _WITHOUT_END:
            return
        if kind == CSS_CLASS and self._notice is None:
            self._notice = (len(self._open), [])
        self.listed += name == b"li" and kind == "entry"
        self._open.append((name, kind or ""))

    def _check_address(self, name: bytes, key: bytes, address: str) -> None:
        if address.strip().lower().partition(":")[0] not in _EXECUTED:
            return
        if name == b"link" and address == "data:,":  # keeps browsers from requesting an icon
            return
        if not ((name, key) == (b"img", b"src") and is_inline(address)):
            raise self._fault(f"{key.decode()}={address!r} on <{name.decode()}>")

    def _end(self, name: bytes) -> None:
        """Check that the end tag closes the innermost element, and note a complete notice."""
        if not self._open or self._open[-1][0] != name:
            raise self._fault(f"</{name.decode()}> does not close the innermost element")
        self._open.pop()
        if self._notice and self._notice[0] == len(self._open):
            parent = self._open[-1][1] if self._open else ""
            words = b"".join(self._notice[1]).decode()
            self.notices.append((parent, unescape(words)))
            self._notice = None

    def carries(self, notice_html: str, within: str) -> bool:
        """True if the page has one notice, word for word `notice_html`, in an element of the class
        `within`.
        """
        words = "".join(words_of(_COMMENT.sub("", notice_html)).split())
        found = [(parent, "".join(text.split())) for parent, text in self.notices]
        return CSS_CLASS in notice_html and found == [(within, words)]
