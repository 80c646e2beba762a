"""The last look at a page before it is public, by another reading of it than made it."""

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
# What runs, loads what runs, or sends what was typed; the style sheet is a `link`.
_FORBIDDEN = frozenset("base embed form iframe input object script style svg template".split())
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_ADDRESSES = frozenset("action cite data formaction href poster src".split())

_PORTION_BYTES = 1 << 20  # of a page that is read at once: as a string it may take four times that

Attributes = list[tuple[str, str | None]]


def _portions(page: bytes) -> Iterator[bytes]:
    return (page[at : at + _PORTION_BYTES] for at in range(0, len(page), _PORTION_BYTES))


class PageReader(HTMLParser):
    """What a page holds that a promise was made about."""

    def __init__(self, name: str, page: bytes) -> None:
        """Read the page. Raises: RenderError, if it is unbalanced or not inert."""
        super().__init__(convert_charrefs=True)
        self.listed = 0  # entries in lists
        self.notices: list[tuple[str, str]] = []  # the class of what each stands in, its words
        self._name = name
        self._open: list[tuple[str, str]] = []  # each element with its class
        self._notice: tuple[int, list[str]] | None = None  # how deep it stands, its words so far
        try:
            for portion in iterdecode(_portions(page), "utf-8"):
                self.feed(portion)
            self.close()
        except (UnicodeDecodeError, AssertionError) as error:
            raise self._fault(str(error)) from error
        if self._open:
            raise self._fault(f"<{self._open[-1][0]}> is never closed")

    def _fault(self, what: str) -> RenderError:
        return RenderError(f"{self._name} would not be a page to publish: {what}")

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        """Note the beginning of an element."""
        self._check(tag, attrs)
        if tag in _WITHOUT_END:
            return
        kind = next((value or "" for name, value in attrs if name == "class"), "")
        if kind == CSS_CLASS and self._notice is None:
            self._notice = (len(self._open), [])
        self.listed += tag == "li" and kind == "entry"
        self._open.append((tag, kind))

    def handle_startendtag(self, tag: str, attrs: Attributes) -> None:
        """As a browser takes it: the slash means nothing."""
        self.handle_starttag(tag, attrs)

    def _check(self, tag: str, attrs: Attributes) -> None:
        if tag in _FORBIDDEN:
            raise self._fault(f"it has <{tag}>")
        for name, value in attrs:
            scheme = (value or "").strip().lower().partition(":")[0]
            if name.startswith("on") or name == "style":
                raise self._fault(f"{name}= on <{tag}>")
            if name in _ADDRESSES and scheme in {"javascript", "vbscript", "data"}:
                if tag == "link" and value == "data:,":  # no icon: browsers would ask for one
                    continue
                if (tag, name) == ("img", "src") and is_inline(value or ""):
                    continue
                raise self._fault(f"{name}={value!r} on <{tag}>")

    def handle_endtag(self, tag: str) -> None:
        """Note the end of an element."""
        if not self._open or self._open[-1][0] != tag:
            raise self._fault(f"</{tag}> closes nothing")
        self._open.pop()
        if self._notice and self._notice[0] == len(self._open):
            around = self._open[-1][1] if self._open else ""
            self.notices.append((around, "".join(self._notice[1])))
            self._notice = None

    def handle_data(self, data: str) -> None:
        """Note words."""
        if self._notice:
            self._notice[1].append(data)

    def carries(self, notice_html: str, within: str) -> bool:
        """Whether the notice is on the page once, word for word, in an element of that class."""
        words = "".join(words_of(_COMMENT.sub("", notice_html)).split())
        found = [(around, "".join(said.split())) for around, said in self.notices]
        return CSS_CLASS in notice_html and found == [(within, words)]
