"""Plain text beside HTML: what can be told without a sanitiser, and so without importing one."""

from __future__ import annotations

import html
import re

from feedmirror.core.xml import escape, printable

_LOOKS_LIKE_HTML = re.compile(
    r"</?[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>]*)?/?>|<!|&(?:#\d+|#[xX][0-9a-fA-F]+|[a-zA-Z]\w+);"
)
_TAG = re.compile(r"<(/?[a-zA-Z][a-zA-Z0-9]*)(?:[^<>\"]|\"[^\"]*\")*+>")
_BREAKING = frozenset(
    "address article aside blockquote br dd div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 "
    "header hr li ol p pre section table td th tr ul".split()
)


def paragraphs(text: str) -> str:
    """Plain text as HTML: paragraphs at blank lines, breaks at others; nothing else is read in."""
    unified = printable(text).replace("\r\n", "\n").replace("\r", "\n").strip()
    parts = [part.strip() for part in re.split(r"\n[ \t]*\n\s*", unified)]
    return "".join(f"<p>{escape(part).replace(chr(10), '<br>')}</p>" for part in parts if part)


def looks_like_html(text: str) -> bool:
    """Whether a reader that accepts either would take `text` for HTML."""
    return bool(_LOOKS_LIKE_HTML.search(text))


def words_of(body: str) -> str:
    """The words of HTML that has been sanitised, on one line, without its markup."""

    def gap(tag: re.Match[str]) -> str:
        return " " if tag[1].removeprefix("/").lower() in _BREAKING else ""

    return " ".join(html.unescape(_TAG.sub(gap, body)).split())
