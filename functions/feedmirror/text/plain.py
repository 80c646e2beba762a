"""Plain text: recognise markup and articles in it, convert it to HTML and back, repair character
references.

Imports no sanitiser, which takes long to load.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from unicodedata import category

from msgspec import Struct, field

from feedmirror.text.patterns import pattern
from feedmirror.text.xml import escape, printable

_REFERENCE = r"&(?:#\d+|#[xX][0-9a-fA-F]+|[a-zA-Z]\w+);"
_ANY_REFERENCE = pattern(_REFERENCE)
_LOOKS_LIKE_HTML = pattern(rf"</?[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>]*)?/?>|<!|{_REFERENCE}")
# Stricter: to a parser of HTML, a letter right after a bracket begins a tag.
_READ_AS_HTML = pattern(rf"<[a-zA-Z/!?]|{_REFERENCE}")
# An address in angle brackets, as in plain mail, which a parser of HTML takes for a tag.
ADDRESS = r"https?:|mailto:|[^\s<>/@]++@"
_TAG_OR_COMMENT = pattern(rf"</?(?!{ADDRESS})[a-zA-Z]|<[!?]", re.IGNORECASE)
_SECTION = pattern(r"<!\[CDATA\[(.*?)(?:\]\]>?)?", re.DOTALL)
_IN_SCRIPT = pattern("<(?=/?script|!--)", re.IGNORECASE)
_DIRECTIONS = pattern("[\u202a-\u202e\u2066-\u2069]")
_MOST_MARKS = 4  # on one letter; Hebrew with points and accents has three
_ISOLATE_END = "\u2069"
_ENDED_BY = {
    **dict.fromkeys("\u202a\u202b\u202d\u202e", "\u202c"),
    **dict.fromkeys("\u2066\u2067\u2068", _ISOLATE_END),
}
_TAG = pattern(r"<(/?[a-zA-Z][a-zA-Z0-9]*+)(?>(?:[^<>\"]|\"[^\"]*\")*)>")
# Python refuses to parse thousands of digits; no character has a number of more than eight.
_LONG_REFERENCE = pattern(r"&#([0-9]{9,})")
# References to the numbers from 0xD800 to 0xDFFF.
_SURROGATE = (
    r"&#(?:0*+(?:5529[6-9]|55[3-9]\d\d|56\d{3}|57[0-2]\d\d|573[0-3]\d|5734[0-3])"
    r"|[xX]0*+[dD][89a-fA-F][0-9a-fA-F]{2});"
)
# Not `(?:…)+`: `re` searches fifty times as fast for a pattern that begins with literal text.
_SURROGATES = pattern(rf"{_SURROGATE}(?:{_SURROGATE})*")
_DIGITS = pattern(r"&#0*+([xX]?[0-9a-fA-F]+);")
_SPACE = pattern(r"\s")
_UNSEEN = pattern(r"(?:\s|[\u00ad\u200b-\u200f\u2060\ufeff])*")
_PORTION = 100_000  # characters that are split into words at a time, about
_BREAKING = frozenset(
    "address article aside blockquote br caption center dd details div dl dt figcaption figure "
    "footer h1 h2 h3 h4 h5 h6 header hgroup hr li main menu nav ol p pre section summary table "
    "tbody td tfoot th thead tr ul".split()
)


def paragraphs(text: str) -> str:
    """Convert plain text to HTML: a paragraph for each blank line, a break for other line ends."""
    unified = printable(text).replace("\r\n", "\n").replace("\r", "\n").strip()
    parts = [part.strip() for part in re.split(r"\n[ \t]*\n\s*", unified)]
    return "".join(f"<p>{escape(part).replace(chr(10), '<br>')}</p>" for part in parts if part)


def looks_like_html(text: str) -> bool:
    """True if a reader that accepts both plain text and HTML would take `text` for HTML."""
    return bool(_LOOKS_LIKE_HTML.search(text))


def is_marked_up(text: str) -> bool:
    """True if `text` holds a tag or a comment of HTML."""
    return bool(_TAG_OR_COMMENT.search(text))


def is_read_as_html(text: str) -> bool:
    """True if a reader that parses `text` as HTML would not show it to the letter.

    Unfinished tags (`<img src=x`) and odd ones (`<svg/onload=x>`) count as tags, too.
    """
    return bool(_READ_AS_HTML.search(text))


def escape_for_script(json: str) -> str:
    """Escape JSON so that it is safe within a `script` element, and parses to the same value.

    Source: HTML §4.12.1.3, ECMA-262 (before 2019) §12.3.
    """
    json = _IN_SCRIPT.sub(r"\\u003c", json)
    return json.replace("\u2028", r"\u2028").replace("\u2029", r"\u2029")


def close_directions(text: str) -> str:
    """Append an end for each change of writing direction that `text` leaves open.

    Source: UAX #9, X5 to X7.
    """
    ends: list[str] = []
    isolates = 0  # in `ends`; counted, since a search at each mark would take quadratic time
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
    """Return the text with one space for each run of white space, and none at its ends.

    Works in portions: a list of all words takes ten times the memory of the text.
    """
    portions: list[str] = []
    start = 0
    while start < len(text):
        space = _SPACE.search(text, start + _PORTION)
        end = space.start() if space else len(text)
        portions.append(" ".join(text[start:end].split()))
        start = end
    return " ".join(filter(None, portions))


def single_line(text: str) -> str:
    """Return `text` on one line, so that it cannot disturb the text around it.

    Leaves out changes of writing direction, and the combining marks on a letter beyond the fourth.
    """
    kept, marks = [], 0
    for character in _DIRECTIONS.sub("", text):
        marks = marks + 1 if category(character) in {"Me", "Mn"} else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return " ".join("".join(kept).split())


def is_visible(text: str) -> bool:
    """True if the HTML text has a character that is seen or read out."""
    return _UNSEEN.fullmatch(unescape(text) if "&" in text else text) is None


def unescape(text: str) -> str:
    """Replace HTML's character references, however many digits the references have."""
    return html.unescape(
        _LONG_REFERENCE.sub(
            lambda digits: f"&#{digits[1].lstrip('0')[:8] or '0'}", pair_surrogates(text)
        )
    )


def unescape_once(text: str) -> str:
    """Replace character references in plain text, which was escaped by mistake.

    Keeps a reference without a semicolon, which is more likely text.
    """
    return _ANY_REFERENCE.sub(lambda match: unescape(match[0]), pair_surrogates(text))


def unwrap_cdata(text: str) -> str:
    """Return the content of `text` if all of it is a CDATA section, left by doubled wrapping."""
    match = _SECTION.fullmatch(text)
    return match[1].strip() if match and "]]>" not in match[1] else text


def pair_surrogates(text: str) -> str:
    """Replace two references to surrogates by one reference to the character they encode.

    Leaves out a reference to a surrogate alone. Source: Unicode §3.9, D91.
    """
    return _SURROGATES.sub(_combined, text) if "&#" in text else text


def _combined(references: re.Match[str]) -> str:
    codes = [
        int(digits[1:], 16) if digits[0] in "xX" else int(digits)
        for digits in _DIGITS.findall(references[0])
    ]
    made = b"".join(code.to_bytes(2, "big") for code in codes).decode("utf-16-be", "ignore")
    return "".join(f"&#{ord(character)};" for character in made)


def words_of(body: str) -> str:
    """Return the text of sanitised HTML on one line, without its markup."""

    def gap(tag: re.Match[str]) -> str:
        return " " if tag[1].removeprefix("/").lower() in _BREAKING else ""

    return folded(unescape(_TAG.sub(gap, body)))


_FEWEST_WORDS = 40
_LONGEST_MEAN = 20  # characters of a word: lines of base64 are longer
_FEWEST_LETTERS = 0.6  # of all characters but white space
# Scripts without blanks between words, whose words are of two characters or so.
_UNSPACED = pattern("[\u0e00-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_MARKUP = pattern("<[^<>]*>")
_SEPARATORS = pattern("[,;|]")
_CUES = pattern(r"\d\d[.,]\d{3}\s*-->")  # of a transcript: WebVTT, SubRip
_DATA = ('{"', "[{", '["')  # JSON
# Elements that readers never show as a body: licences, transcripts, lists, and sources.
_NEVER_SHOWN = frozenset(
    "category copyright keywords legal licence license rights source subject tag tags terms title "
    "transcript".split()
)
_LICENCE_PREFIXES = frozenset({"cc", "creativeCommons", "rsl"})  # prefixes
_ELEMENT_TAG = pattern(r"<(?P<end>/?)(?P<name>[^\s<>/]+)(?P<rest>[^<>]*)>")
_PICTURE = pattern(
    r"<media:(?:thumbnail\b|content\b(?:[^<>]*\s(?:medium=\"image|type=\"image/)"
    r"|(?![^<>]*\s(?:medium|type)=)[^<>]*\surl=\"[^\"?#]*\.(?:avif|gif|jpe?g|png|webp)[\"?#]))",
    re.IGNORECASE,
)


def is_prose(text: str) -> bool:
    """True if a reader would take the text for an article: 40 words or more, mostly letters.

    False for lists, coordinates, JSON, base64 and transcripts with times.
    """
    if len(text) < 2 * _FEWEST_WORDS:
        return False
    if "<" in text or "&" in text:
        text = unescape(_MARKUP.sub(" ", text))
    words = text.split()
    characters, unspaced = sum(map(len, words)), len(_UNSPACED.findall(text))
    count = len(words) + unspaced // 2
    if count < _FEWEST_WORDS or characters - unspaced > _LONGEST_MEAN * len(words):
        return False
    if 3 * len(_SEPARATORS.findall(text)) >= count:
        return False
    if text.lstrip().startswith(_DATA) or _CUES.search(text):
        return False
    return sum(map(str.isalpha, text)) > _FEWEST_LETTERS * characters


def is_shown(prefix: str, local: str) -> bool:
    """True if a reader might show the text of an element with that name as an article."""
    return local.lower() not in _NEVER_SHOWN and prefix not in _LICENCE_PREFIXES


class _OpenElement(Struct):
    """An element that is not closed yet."""

    name: str
    start: int
    is_shown: bool
    holds_picture: bool
    texts: list[str] = field(default_factory=list)


def unmarked_prose(fragment: str, marks: tuple[str, ...]) -> Iterator[tuple[str, int, int]]:
    """Yield each element of `fragment` whose own text is prose without any of `marks`.

    Yields the name, the start and the end of the element, inner elements before outer ones. The
    fragment is XML as parsing/extensions.py renders it.
    """
    if len(fragment) < 2 * _FEWEST_WORDS:
        return
    opened: list[_OpenElement] = []
    position = 0
    for tag in _ELEMENT_TAG.finditer(fragment):
        if opened:
            opened[-1].texts.append(fragment[position : tag.start()])
        position = tag.end()
        if not tag["end"]:
            prefix, _, local = tag["name"].rpartition(":")
            shown = is_shown(prefix, local) and (not opened or opened[-1].is_shown)
            shown = shown and not (opened and opened[-1].holds_picture)
            opened.append(
                _OpenElement(tag["name"], tag.start(), shown, bool(_PICTURE.match(tag[0])))
            )
            if not tag["rest"].endswith("/"):
                continue
        element = opened.pop()
        words = unescape("".join(element.texts)) if element.is_shown else ""
        if is_prose(words) and not any(mark in words for mark in marks):
            yield element.name, element.start, tag.end()
