"""Decode a document to text, and refuse XML that is dangerous to parse.

Every document passes this module first: XML parsers and feedparser never see a document type, an
entity declaration or a character that XML forbids.
"""

from __future__ import annotations

import codecs
import re

from feedmirror.errors import Kind, ParseError
from feedmirror.text.plain import pair_surrogates
from feedmirror.text.xml import printable, windows_1252_for_c1

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Without a byte order mark, zero bytes around the first character, which is ASCII in XML and JSON.
_UNMARKED = (
    (re.compile(rb"[^\0]\0\0\0"), "utf-32-le"),
    (re.compile(rb"\0\0\0[^\0]"), "utf-32-be"),
    (re.compile(rb"[^\0]\0"), "utf-16-le"),
    (re.compile(rb"\0[^\0]"), "utf-16-be"),
)

# Encodings that browsers replace by a superset. Source: WHATWG Encoding §4.2.
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
    "utf-8-sig": "utf-8",
}
# An allowlist: Python also has utf-7, punycode, unicode_escape and others, which could hide markup.
# UTF-16 and UTF-32 are left out, since their byte order marks or zero bytes are recognised before.
_TRUSTED = re.compile(
    r"utf-8|cp125[0-8]|cp874|cp866|cp932|cp949|iso8859-\d+|koi8-[rut]|mac-\w+|gb18030|big5hkscs"
    r"|euc_jp|euc_jis_2004|iso2022_jp|iso2022_jp_2"
)
_CESU_8 = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
_C1_REFERENCE = re.compile(r"&#(?:0*+(12[89]|1[345]\d)|[xX]0*+([89][0-9a-fA-F]));")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_DECLARATION = re.compile(rb"<\?xml\s[^>]{0,200}?\bencoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")
_XML = re.compile(r"<\?xml\s[^<>]{0,300}\?>", re.IGNORECASE)
_PASSES = 8  # over references: removing a reference may join its neighbours to another one
_LATEST_XML = 4096  # characters in which a misplaced declaration is looked for
_DOCTYPE = re.compile(
    r"<!DOCTYPE(?:[^\[>\"']|\"[^\"]*\"|'[^']*')*(?:\[\s*\]\s*)?(?P<end>[\[>])", re.IGNORECASE
)
# Possessive, so that matching takes linear time on any input.
_MISC = re.compile(r"(?>(?:\s++|<!--.*?-->|<\?.*?\?>)*)", re.DOTALL)
HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'


def _codec(label: str | None) -> str | None:
    """Return Python's name of the encoding with that label, or None if it is not on the list."""
    try:
        name = codecs.lookup((label or "").lower().removeprefix("x-")).name
    except (LookupError, ValueError):
        return None
    name = _SUPERSETS.get(name, name)
    return name if _TRUSTED.fullmatch(name) else None


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    """Decode bytes that are not UTF-8 as Windows-1252, the usual reason for such bytes."""
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - registered for decoding only
    bad = error.object[error.start : error.end]
    return bad.decode("cp1252", "replace"), error.end


codecs.register_error("feedmirror.cp1252", _as_windows_1252)


def decode(body: bytes, content_type: str | None) -> str:
    """Decode a document to text. Never fails: bytes that cannot be decoded are replaced.

    The encoding is that of the byte order mark, of the zero bytes, of the header's charset or of
    the document's declaration, in this order, else UTF-8. A document that declares UTF-8 and is
    valid UTF-8 overrides the header, which is often a server's default. An incomplete character at
    the end is left out.

    Source: RFC 7303 §3, XML 1.0 appendix F, RFC 4627 §3.
    """
    if signature := _signature(body):
        name, mark_bytes = signature
        return _decode_leniently(body[mark_bytes:], name)
    labels = _labels(body, content_type)
    for label in (*labels, "utf-8"):
        name = label or "utf-8"  # UTF-8, too, if the label is not on the list
        try:
            return _decode(body, name, "strict")
        except UnicodeDecodeError:
            if name == "utf-8" and _is_mostly_utf8(body):
                break
    else:
        return _decode_leniently(body, next(filter(None, labels), "utf-8"))
    return _decode_leniently(body, "utf-8")


def _signature(body: bytes) -> tuple[str, int] | None:
    """Return the encoding of a byte order mark or of zero bytes, and the length of the mark."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return name, len(mark)
    return next(((name, 0) for pattern, name in _UNMARKED if pattern.match(body)), None)


def _labels(body: bytes, content_type: str | None) -> list[str | None]:
    """Return the encodings of header and declaration, the one to try first before the other."""
    charset, declared = _CHARSET.search(content_type or ""), _DECLARATION.search(body[:1024])
    header = _codec(charset and charset[1])
    document = _codec(declared and declared[1].decode())
    if header in {"cp1252", None} or document == "utf-8":
        return [document, header]
    return [header, document]


def is_utf8(body: bytes, content_type: str | None) -> bool:
    """True if `decode` takes `body`, without a byte order mark, for UTF-8 wherever it is valid."""
    return _signature(body) is None and (_labels(body, content_type)[0] or "utf-8") == "utf-8"


def _is_mostly_utf8(body: bytes) -> bool:
    """True if most bytes beyond ASCII are valid UTF-8."""
    text = _CESU_8.sub(_to_utf_8, body).decode("utf-8", "ignore")
    valid = len(text.encode())
    return valid - len(text) > len(body) - valid


def _decode_leniently(body: bytes, name: str) -> str:
    return _decode(body, name, "feedmirror.cp1252" if name == "utf-8" else "replace")


def _decode(body: bytes, name: str, errors: str) -> str:
    """Return the text without an incomplete character at its end."""
    if name == "utf-8":
        body = _CESU_8.sub(_to_utf_8, body)
    return codecs.getincrementaldecoder(name)(errors).decode(body)


def _to_utf_8(pair: re.Match[bytes]) -> bytes:
    """Convert a character from CESU-8 (two surrogates of three bytes each) to UTF-8.

    Source: UTR #26.
    """
    halves = pair[0].decode("utf-8", "surrogatepass")
    return halves.encode("utf-16", "surrogatepass").decode("utf-16").encode()


def prepare_xml(text: str) -> str:
    """Return the XML of a document from its root element on, under a new declaration.

    Leaves out everything before the root element (a document type, comments, white space, warnings
    of a script), and characters that XML forbids.

    Raises: ParseError UNSAFE for a document type with an internal subset, which may declare
    entities (entity bombs, local files); NOT_A_FEED for a document without markup.
    """
    # Removed first: later, a removed character could turn other text into a document type.
    text = _without_junk(_with_references_replaced(printable(text)))
    start = text.find("<")
    if start < 0:
        raise ParseError(Kind.NOT_A_FEED, "the document holds no markup")
    return HEAD + _from_root(text, start)


def _with_references_replaced(text: str) -> str:
    """Replace references to surrogates and C1 controls by references to the intended characters.

    A text that was prepared before is returned unchanged: in one that makes new references of its
    parts again and again, as no feed does, all of them are escaped.
    """
    for _ in range(_PASSES if "&#" in text else 0):
        replaced = _C1_REFERENCE.sub(_replace_c1_reference, pair_surrogates(text))
        if replaced == text:
            return text
        text = replaced
    return text.replace("&#", "&amp;#")


def _replace_c1_reference(match: re.Match[str]) -> str:
    character = windows_1252_for_c1(int(match[1]) if match[1] else int(match[2], 16))
    return f"&#{ord(character)};" if character else ""


def _without_junk(text: str) -> str:
    """Return `text` from its XML declaration on, without junk before the declaration."""
    match = _XML.search(text, 0, _LATEST_XML)
    if match is None or re.search(r"<!--|<!\[CDATA\[", text[: match.start()]):
        return text  # no declaration, or one that the document quotes
    return text[match.start() :]


def _from_root(text: str, position: int) -> str:
    """Return `text` from its root element on. Raises: ParseError UNSAFE, see `prepare_xml`."""
    position = _skip_misc(text, position)
    # All document types: without the first, a parser would read the next.
    while (match := _DOCTYPE.match(text, position)) is not None:
        if match["end"] == "[":
            _refuse_entities()
        position = _skip_misc(text, match.end())
    if text[position : position + 2] in {"<!", "<?"}:
        # An unfinished declaration, which XML parsers refuse. The lenient parser, which gets the
        # document then, must not find entities in it.
        refuse_entities(text)
    return text[position:]


def _skip_misc(text: str, position: int) -> int:
    """Return the position after white space, comments and processing instructions."""
    match = _MISC.match(text, position)
    return match.end() if match else position


def refuse_entities(text: str) -> None:
    """Raise ParseError UNSAFE if `text` declares an entity anywhere, also outside a prologue."""
    if re.search(r"<!\s*ENTITY", text, re.IGNORECASE):
        _refuse_entities()


def _refuse_entities() -> None:
    raise ParseError(
        Kind.UNSAFE,
        "the document declares entities of its own (an internal DTD subset), which is refused: "
        "such declarations can exhaust memory or read files",
    )
