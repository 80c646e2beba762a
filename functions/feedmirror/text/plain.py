"""Plain text beside HTML: what can be told without a sanitiser, and so without importing one."""

from __future__ import annotations

import html
import re
from unicodedata import category

from feedmirror.text.xml import escape, printable

_REFERENCE = r"&(?:#\d+|#[xX][0-9a-fA-F]+|[a-zA-Z]\w+);"
_ANY_REFERENCE = re.compile(_REFERENCE)
_LOOKS_LIKE_HTML = re.compile(rf"</?[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>]*)?/?>|<!|{_REFERENCE}")
# More than that: to a parser of HTML, a letter right behind a bracket begins a tag.
_READ_AS_HTML = re.compile(rf"<[a-zA-Z/!?]|{_REFERENCE}")
# An address between brackets, as in plain mail, which to a parser of HTML is a tag.
ADDRESS = r"https?:|mailto:|[^\s<>/@]++@"
_TAG_OR_COMMENT = re.compile(rf"</?(?!{ADDRESS})[a-zA-Z]|<[!?]", re.IGNORECASE)
_SECTION = re.compile(r"<!\[CDATA\[(.*?)(?:\]\]>?)?", re.DOTALL)
_IN_SCRIPT = re.compile("<(?=/?script|!--)", re.IGNORECASE)
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_MOST_MARKS = 4  # on one letter: Hebrew with points and accents has three
_ISOLATE_END = "\u2069"
_ENDED_BY = {
    **dict.fromkeys("\u202a\u202b\u202d\u202e", "\u202c"),
    **dict.fromkeys("\u2066\u2067\u2068", _ISOLATE_END),
}
_TAG = re.compile(r"<(/?[a-zA-Z][a-zA-Z0-9]*+)(?>(?:[^<>\"]|\"[^\"]*\")*)>")
# Python refuses to read a number of thousands of digits; beyond eight there is no character.
_LONG_REFERENCE = re.compile(r"&#([0-9]{9,})")
# References to the numbers from 0xD800 to 0xDFFF.
_SURROGATE = (
    r"&#(?:0*+(?:5529[6-9]|55[3-9]\d\d|56\d{3}|57[0-2]\d\d|573[0-3]\d|5734[0-3])"
    r"|[xX]0*+[dD][89a-fA-F][0-9a-fA-F]{2});"
)
_SURROGATES = re.compile(rf"(?:{_SURROGATE})+")
_DIGITS = re.compile(r"&#0*+([xX]?[0-9a-fA-F]+);")
_SPACE = re.compile(r"\s")
_PORTION = 100_000  # characters, about, of which a list of words is made
_BREAKING = frozenset(
    "address article aside blockquote br caption center dd details div dl dt figcaption figure "
    "footer h1 h2 h3 h4 h5 h6 header hgroup hr li main menu nav ol p pre section summary table "
    "tbody td tfoot th thead tr ul".split()
)


def paragraphs(text: str) -> str:
    """Plain text as HTML: paragraphs at blank lines, breaks at others; nothing else is read in."""
    unified = printable(text).replace("\r\n", "\n").replace("\r", "\n").strip()
    parts = [part.strip() for part in re.split(r"\n[ \t]*\n\s*", unified)]
    return "".join(f"<p>{escape(part).replace(chr(10), '<br>')}</p>" for part in parts if part)


def looks_like_html(text: str) -> bool:
    """Whether a reader that accepts either would take `text` for HTML."""
    return bool(_LOOKS_LIKE_HTML.search(text))


def is_marked_up(text: str) -> bool:
    """True if `text` holds anything that a parser of HTML takes for a tag or a comment."""
    return bool(_TAG_OR_COMMENT.search(text))


def is_read_as_html(text: str) -> bool:
    """Whether a reader that takes `text` for HTML would see something else than its words: a tag
    that is unfinished (`<img src=x`) or odd (`<svg/onload=x>`) is one too.
    """
    return bool(_READ_AS_HTML.search(text))


def in_any_script(json: str) -> str:
    """The JSON, the same to whoever reads it, and harmless where somebody puts it into a script of
    a page: nothing in it ends or begins one, or is a line break to JavaScript alone.
    Source: HTML §4.12.1.3, ECMA-262 (before 2019) §12.3.
    """
    json = _IN_SCRIPT.sub(r"\\u003c", json)
    return json.replace("\u2028", r"\u2028").replace("\u2029", r"\u2029")


def closed(text: str) -> str:
    """The text with an end for each change of direction that it leaves open, so that what follows
    runs its own way. Source: UAX #9, X5 to X7.
    """
    ends: list[str] = []
    isolates = 0  # in `ends`; counted, since a search for one at each mark is quadratic
    for mark in _DIRECTIONS.findall(text):
        if mark in _ENDED_BY:
            ends.append(_ENDED_BY[mark])
            isolates += ends[-1] == _ISOLATE_END
        elif mark == _ISOLATE_END and isolates:
            isolates -= 1
            while ends.pop() != mark:
                pass
        elif ends and ends[-1] == mark:
            ends.pop()
    return text + "".join(reversed(ends))


def folded(text: str) -> str:
    """Return the text with one space for each run of white space within it, none around it.

    In portions: a list of all words of a long text takes ten times its memory.
    """
    portions: list[str] = []
    start = 0
    while start < len(text):
        space = _SPACE.search(text, start + _PORTION)
        end = space.start() if space else len(text)
        portions.append(" ".join(text[start:end].split()))
        start = end
    return " ".join(filter(None, portions))


def straight(text: str) -> str:
    """The text on one line, without changes of direction and endless stacks of marks on a letter:
    words to stand among others.
    """
    kept, marks = [], 0
    for character in _DIRECTIONS.sub("", text):
        marks = marks + 1 if category(character) in {"Me", "Mn"} else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return " ".join("".join(kept).split())


def unescape(text: str) -> str:
    """The text with HTML's character references replaced, of whatever length they are."""
    return html.unescape(
        _LONG_REFERENCE.sub(lambda digits: f"&#{digits[1].lstrip('0')[:8] or '0'}", paired(text))
    )


def unescape_once(text: str) -> str:
    """The text, which is no HTML, with references replaced that were escaped by mistake; those
    without a semicolon are none.
    """
    return _ANY_REFERENCE.sub(lambda found: unescape(found[0]), paired(text))


def unwrapped(text: str) -> str:
    """The content of a CDATA section that is all of the text, and was wrapped in another."""
    found = _SECTION.fullmatch(text)
    return found[1].strip() if found and "]]>" not in found[1] else text


def paired(text: str) -> str:
    """The text with one reference for each two that name the halves of a character in UTF-16, and
    without references to a half alone. Source: Unicode §3.9, D91.
    """
    return _SURROGATES.sub(_whole, text) if "&#" in text else text


def _whole(references: re.Match[str]) -> str:
    codes = [
        int(digits[1:], 16) if digits[0] in "xX" else int(digits)
        for digits in _DIGITS.findall(references[0])
    ]
    made = b"".join(code.to_bytes(2, "big") for code in codes).decode("utf-16-be", "ignore")
    return "".join(f"&#{ord(character)};" for character in made)


def words_of(body: str) -> str:
    """The words of HTML that has been sanitised, on one line, without its markup."""

    def gap(tag: re.Match[str]) -> str:
        return " " if tag[1].removeprefix("/").lower() in _BREAKING else ""

    return folded(unescape(_TAG.sub(gap, body)))
