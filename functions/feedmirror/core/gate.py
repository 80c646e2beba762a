"""The gate that every document passes first: UTF-8 without a document type, or refused.

What an XML parser, or feedparser, cannot be trusted with never gets further than this.
"""

from __future__ import annotations

import codecs
import html.entities
import re

from feedmirror.core.xml import printable
from feedmirror.errors import Kind, ParseError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNMARKED = ((b"<\0?\0", "utf-16-le"), (b"\0<\0?", "utf-16-be"))  # XML 1.0 appendix F

# What a label means in practice: browsers read each as the superset. Source: WHATWG Encoding §4.2.
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "utf-16": "utf-16-le",
}
# An allowlist: Python also offers utf-7, punycode, unicode_escape ..., which are tricks here.
_TRUSTED = re.compile(
    r"utf-8|utf-16-[lb]e|utf-32-[lb]e|cp125[0-8]|cp874|cp866|cp932|cp949|iso8859-\d+|koi8-[rut]"
    r"|mac-\w+|gb18030|big5hkscs|euc_jp|euc_jis_2004|iso2022_jp|iso2022_jp_2"
)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_DECLARATION = re.compile(rb"<\?xml\b[^>]{0,200}?\bencoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")
_DOCTYPE = re.compile(
    r"<!DOCTYPE(?P<outer>(?:[^\[>\"']|\"[^\"]*\"|'[^']*')*)(?P<end>[\[>])", re.IGNORECASE
)
HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'


def _codec(label: str) -> str | None:
    """Python's name of the encoding a label stands for, or None if it is not one we trust."""
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return None
    name = _SUPERSETS.get(name, name)
    return name if _TRUSTED.fullmatch(name) else None


def _per_byte(error: UnicodeError) -> tuple[str, int]:
    """A byte that is no UTF-8, read as Windows-1252: the commonest accident there is."""
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - registered for decoding only
    bad = error.object[error.start : error.end]
    return bad.decode("cp1252", "replace"), error.end


codecs.register_error("feedmirror.cp1252", _per_byte)


def decode(body: bytes, content_type: str | None) -> str:
    """The document's text. Never fails: what cannot be read is replaced.

    In order: byte order mark, the header's charset, the document's declaration, UTF-8. A header
    that says Latin-1 loses to a document that says UTF-8 and is: it is a server's default, and
    Latin-1 would fit anything. Source: RFC 7303 §3, XML 1.0 appendix F.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    for pattern, name in _UNMARKED:
        if body.startswith(pattern):
            return body.decode(name, "replace")
    return _by_label(body, content_type)


def _by_label(body: bytes, content_type: str | None) -> str:
    charset = _CHARSET.search(content_type or "")
    declared = _DECLARATION.search(body[:1024])
    asked = [
        _codec(charset[1]) if charset else None,
        _codec(declared[1].decode()) if declared else None,
    ]
    if asked[0] in {"cp1252", None}:
        asked.reverse()
    for name in (*asked, "utf-8"):
        try:
            return body.decode(name) if name else body.decode("utf-8")
        except UnicodeDecodeError:
            continue
    first = next((name for name in asked if name), "utf-8")
    return body.decode(first, "feedmirror.cp1252" if first == "utf-8" else "replace")


def admit(text: str) -> str:
    """`text` from its first `<` on, with a fresh declaration, without a document type and without
    characters that XML forbids.

    Raises: ParseError UNSAFE for a document type with an internal subset, which is where entities
    are declared (entity bombs, local files); NOT_A_FEED if there is no markup at all.
    """
    start = text.find("<")
    if start < 0:
        raise ParseError(Kind.NOT_A_FEED, "the document holds no markup at all")
    rest = text[start:]
    if rest.startswith("<?xml") and "?>" in rest[:1024]:
        rest = rest[rest.index("?>") + 2 :]
    return HEAD + printable(_without_doctype(rest))


def _without_doctype(text: str) -> str:
    """`text` without its document type. Raises: ParseError UNSAFE, see `admit`."""
    position = skip_misc(text)
    found = _DOCTYPE.match(text, position)
    if found is None:
        if re.search(r"<!DOCTYPE", text[position : position + 20_000], re.IGNORECASE):
            # Not where it belongs, so no XML parser will see it; the lenient one would.
            refuse_entities(text)
        return text
    if found["end"] == "[":
        _refuse()
    return text[:position] + text[found.end() :]


def skip_misc(text: str) -> int:
    """Where the first thing stands that is no white space, comment or processing instruction."""
    position = 0
    while True:
        while position < len(text) and text[position].isspace():
            position += 1
        for opening, closing in (("<!--", "-->"), ("<?", "?>")):
            if text.startswith(opening, position):
                end = text.find(closing, position + len(opening))
                if end < 0:
                    return position
                position = end + len(closing)
                break
        else:
            return position


def refuse_entities(text: str) -> None:
    """Nothing, if no entity is declared anywhere, even where no XML parser would look.

    Raises: ParseError UNSAFE.
    """
    if re.search(r"<!\s*ENTITY", text, re.IGNORECASE):
        _refuse()


def _refuse() -> None:
    raise ParseError(
        Kind.UNSAFE,
        "the document declares entities of its own (an internal DTD subset), which is refused: "
        "such declarations can exhaust memory or read files",
    )


def mend(text: str) -> str:
    """`text` with the two commonest reasons for not being well-formed removed: bare ampersands,
    and HTML's named entities, outside of CDATA sections. Nothing else changes.
    """
    pieces: list[str] = []
    position = 0
    while (start := text.find("<![CDATA[", position)) >= 0:
        end = text.find("]]>", start)
        if end < 0:
            break
        pieces += [_AMPERSAND.sub(_reference, text[position:start]), text[start : end + 3]]
        position = end + 3
    pieces.append(_AMPERSAND.sub(_reference, text[position:]))
    return "".join(pieces)


_AMPERSAND = re.compile(
    r"&(?:#\d{1,7};|#[xX][0-9a-fA-F]{1,6};|(?P<name>[A-Za-z][A-Za-z0-9]{1,31});)?"
)
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})


def _reference(match: re.Match[str]) -> str:
    name = match["name"]
    if match[0] == "&":
        return "&amp;"
    if name is None:
        return _character(match[0])
    if name in _XML_ENTITIES:
        return match[0]
    character = html.entities.html5.get(name + ";")
    return character or f"&amp;{name};"


def _character(reference: str) -> str:
    """A character reference, or nothing where it names a character that XML forbids."""
    number = reference[2:-1]
    code = int(number[1:], 16) if number[0] in "xX" else int(number)
    if code > 0x10FFFF or not printable(chr(code)):
        return ""
    return reference
