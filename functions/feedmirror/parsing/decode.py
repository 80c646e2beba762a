"""The gate that every document passes first: UTF-8 without a document type, or refused.

What an XML parser, or feedparser, cannot be trusted with never gets further than this.
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
# Without a mark the zero bytes around the first character, which is ASCII in XML and JSON, tell.
_UNMARKED = (
    (re.compile(rb"[^\0]\0\0\0"), "utf-32-le"),
    (re.compile(rb"\0\0\0[^\0]"), "utf-32-be"),
    (re.compile(rb"[^\0]\0"), "utf-16-le"),
    (re.compile(rb"\0[^\0]"), "utf-16-be"),
)

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
    "utf-8-sig": "utf-8",
}
# An allowlist: Python also offers utf-7, punycode, unicode_escape ..., which are tricks here. Nor
# is a label believed that says UTF-16: if it were true, the bytes would have shown it.
_TRUSTED = re.compile(
    r"utf-8|cp125[0-8]|cp874|cp866|cp932|cp949|iso8859-\d+|koi8-[rut]|mac-\w+|gb18030|big5hkscs"
    r"|euc_jp|euc_jis_2004|iso2022_jp|iso2022_jp_2"
)
_CESU_8 = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
_C1_REFERENCE = re.compile(r"&#(?:0*+(12[89]|1[345]\d)|[xX]0*+([89][0-9a-fA-F]));")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_DECLARATION = re.compile(rb"<\?xml\s[^>]{0,200}?\bencoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")
_XML = re.compile(r"<\?xml\s[^<>]{0,300}\?>", re.IGNORECASE)
_PASSES = 8  # over references: what stands around one that is left out may be one, too
_LATEST_XML = 4096  # characters in which a misplaced declaration is looked for
_DOCTYPE = re.compile(
    r"<!DOCTYPE(?:[^\[>\"']|\"[^\"]*\"|'[^']*')*(?:\[\s*\]\s*)?(?P<end>[\[>])", re.IGNORECASE
)
# Possessive, as nothing in it ever needs a second look: linear on whatever comes.
_MISC = re.compile(r"(?>(?:\s++|<!--.*?-->|<\?.*?\?>)*)", re.DOTALL)
HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'


def _codec(label: str | None) -> str | None:
    """Python's name of the encoding a label stands for, or None if it is not one we trust."""
    try:
        name = codecs.lookup((label or "").lower().removeprefix("x-")).name
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

    In order: byte order mark, zero bytes, the header's charset, the document's declaration, UTF-8.
    A document that says UTF-8 and is wins over any header: the header is a server's default, and
    most charsets would fit anything. A character that was cut off at the end is left out.
    Source: RFC 7303 §3, XML 1.0 appendix F, RFC 4627 §3.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            return _leniently(body[len(mark) :], name)
    for pattern, name in _UNMARKED:
        if pattern.match(body):
            return _leniently(body, name)
    charset, declared = _CHARSET.search(content_type or ""), _DECLARATION.search(body[:1024])
    said = _codec(charset and charset[1])
    says = _codec(declared and declared[1].decode())
    labels = [says, said] if said in {"cp1252", None} or says == "utf-8" else [said, says]
    for label in (*labels, "utf-8"):
        name = label or "utf-8"  # one that is not trusted means UTF-8 too
        try:
            return _decoded(body, name, "strict")
        except UnicodeDecodeError:
            if name == "utf-8" and _is_mostly_utf8(body):
                break
    else:
        return _leniently(body, next(filter(None, labels), "utf-8"))
    return _leniently(body, "utf-8")


def _is_mostly_utf8(body: bytes) -> bool:
    """Whether more bytes beyond ASCII are UTF-8 than are not."""
    text = _CESU_8.sub(_four_bytes, body).decode("utf-8", "ignore")
    valid = len(text.encode())
    return valid - len(text) > len(body) - valid


def _leniently(body: bytes, name: str) -> str:
    return _decoded(body, name, "feedmirror.cp1252" if name == "utf-8" else "replace")


def _decoded(body: bytes, name: str, errors: str) -> str:
    """The text, without a character of which the last bytes are missing."""
    if name == "utf-8":
        body = _CESU_8.sub(_four_bytes, body)
    return codecs.getincrementaldecoder(name)(errors).decode(body)


def _four_bytes(pair: re.Match[bytes]) -> bytes:
    """A character beyond the first plane as UTF-8, given as two surrogates of three bytes each.
    Source: UTR #26.
    """
    halves = pair[0].decode("utf-8", "surrogatepass")
    return halves.encode("utf-16", "surrogatepass").decode("utf-16").encode()


def admit(text: str) -> str:
    """The root element of `text` and what follows it, under a fresh declaration: without what
    stands before it (a document type, comments, white space, a script's warnings) and without
    characters that XML forbids.

    Raises: ParseError UNSAFE for a document type with an internal subset, which is where entities
    are declared (entity bombs, local files); NOT_A_FEED if there is no markup at all.
    """
    # First of all, or what is left out could make a document type of what was none.
    text = _after_junk(_with_characters_meant(printable(text)))
    start = text.find("<")
    if start < 0:
        raise ParseError(Kind.NOT_A_FEED, "the document holds no markup at all")
    return HEAD + _root(text, start)


def _with_characters_meant(text: str) -> str:
    """`text` with references to surrogates and C1 controls replaced by ones to what they mean."""
    for _ in range(_PASSES if "&#" in text else 0):
        meant = _C1_REFERENCE.sub(_meant, pair_surrogates(text))
        if meant == text:
            break
        text = meant
    return text


def _meant(found: re.Match[str]) -> str:
    character = windows_1252_for_c1(int(found[1]) if found[1] else int(found[2], 16))
    return f"&#{ord(character)};" if character else ""


def _after_junk(text: str) -> str:
    """`text` from its XML declaration on, where something else stands before it by mistake."""
    found = _XML.search(text, 0, _LATEST_XML)
    if found is None or re.search(r"<!--|<!\[CDATA\[", text[: found.start()]):
        return text  # none, or quoted
    return text[found.start() :]


def _root(text: str, position: int) -> str:
    """`text` from its root element on. Raises: ParseError UNSAFE, see `admit`."""
    position = _skip_misc(text, position)
    # Each of them: behind one that is taken away the next would count.
    while (found := _DOCTYPE.match(text, position)) is not None:
        if found["end"] == "[":
            _refuse()
        position = _skip_misc(text, found.end())
    if text[position : position + 2] in {"<!", "<?"}:
        # Something unfinished, which no XML parser takes; but the lenient one, which sees the
        # document then, is not to find declarations in it.
        refuse_entities(text)
    return text[position:]


def _skip_misc(text: str, position: int) -> int:
    """Where the first thing stands that is no white space, comment or processing instruction."""
    found = _MISC.match(text, position)
    return found.end() if found else position


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
