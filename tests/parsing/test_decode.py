"""Decoding of documents to text, and refusal of dangerous XML."""

from __future__ import annotations

import codecs
from contextlib import suppress

import pytest

from cpu_time import within
from feedmirror.errors import Kind, ParseError
from feedmirror.model import Fetched
from feedmirror.parsing.decode import HEAD, decode, prepare_xml
from feedmirror.parsing.parse import parse

WORDS = "Привет, naïve — 漢字 🙂"
URL = "https://origin.example.org/feed"
BOMS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


def _document(words: str, encoding: str | None = None) -> str:
    declared = f' encoding="{encoding}"' if encoding else ""
    return f'<?xml version="1.0"{declared}?><rss><channel><title>{words}</title></channel></rss>'


def _rss(text: str, before: str = '<?xml version="1.0"?>') -> str:
    return f"{before}<rss version='2.0'><channel><item><title>{text}</title></item></channel></rss>"


def _title(document: str | bytes, content_type: str | None = None) -> str | None:
    body = document.encode() if isinstance(document, str) else document
    parsed = parse(Fetched(URL, body, content_type), frozenset())
    (entry,) = parsed.entries.values()
    return entry.title


# ---------------------------------------------------------------- encodings


@pytest.mark.row("D5")
@pytest.mark.parametrize("encoding", BOMS)
@pytest.mark.parametrize("header", [None, "text/xml; charset=iso-8859-1"])
def test_a_byte_order_mark_overrides_every_label(encoding: str, header: str | None) -> None:
    document = _document(WORDS, "koi8-r")
    assert decode(BOMS[encoding] + document.encode(encoding), header) == document


@pytest.mark.row("D5")
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    "document", [_document(WORDS), f"<rss>{WORDS}</rss>", f'{{"a":"{WORDS}"}}']
)
def test_wide_characters_without_a_mark_are_recognised_by_their_zero_bytes(
    encoding: str, document: str
) -> None:
    assert decode(document.encode(encoding), "application/json; charset=utf-8") == document


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("windows-1251", "Привет"),
        ("koi8-r", "Привет"),
        ("iso-8859-2", "Žluťoučký kůň"),
        ("shift_jis", "日本語"),
        ("x-sjis", "日本語"),
        ("euc-jp", "日本語"),
        ("iso-2022-jp", "日本語"),
        ("gb2312", "汉字"),
        ("big5", "漢字"),
        ("euc-kr", "한국어"),
        ("windows-1252", "naïve — “quoted”"),
        ("utf-8", WORDS),
    ],
)
def test_a_charset_is_taken_from_the_header_or_from_the_declaration(
    encoding: str, words: str
) -> None:
    codec = encoding.removeprefix("x-")
    undeclared, declared = _document(words), _document(words, encoding)
    assert decode(undeclared.encode(codec), f'text/xml; charset="{encoding}"') == undeclared
    assert decode(declared.encode(codec), "text/xml") == declared
    assert decode(declared.encode(codec), None) == declared


def test_the_header_beats_the_declaration() -> None:
    document = _document("Привет", "windows-1251")
    assert decode(document.encode("koi8-r"), "text/xml; charset=koi8-r") == document


@pytest.mark.parametrize("charset", ["iso-8859-1", "windows-1251", "us-ascii", "shift_jis"])
def test_a_document_that_says_and_is_utf_8_beats_the_header(charset: str) -> None:
    document = _document(WORDS, "utf-8")
    assert decode(document.encode(), f"text/xml; charset={charset}") == document


def test_latin_1_in_the_header_alone_loses_to_utf_8_that_fits() -> None:
    assert decode(_document(WORDS).encode(), "text/xml; charset=ISO-8859-1") == _document(WORDS)


def test_latin_1_means_windows_1252_as_in_browsers() -> None:
    body = _document("“curly” — dash", "iso-8859-1").encode("windows-1252")
    assert "“curly” — dash" in decode(body, None)


def test_gb2312_means_gb18030_whose_characters_are_used_under_its_name() -> None:
    assert "镕 😀" in decode(_document("镕 😀", "gb2312").encode("gb18030"), None)


def test_a_stray_windows_1252_byte_in_utf_8_is_read_as_what_it_was_meant_for() -> None:
    body = _document(f"{WORDS} caf@", "utf-8").encode().replace(b"@", b"\xe9")
    for header in (None, "text/xml; charset=utf-8", "text/xml; charset=iso-8859-1"):
        assert f"{WORDS} café" in decode(body, header)
    assert f"{WORDS} café" in decode(codecs.BOM_UTF8 + body, None)


def test_a_document_that_says_utf_8_and_is_not_is_read_as_the_header_says() -> None:
    body = _document("Привет, мир", "utf-8").encode("windows-1251")
    assert "Привет, мир" in decode(body, "text/xml; charset=windows-1251")


@pytest.mark.row("D4")
@pytest.mark.parametrize(
    "label",
    "utf-7 unicode_escape raw_unicode_escape punycode idna undefined rot13 base64 hex mbcs cp037 "
    "utf-16 utf-32 ucs-2 no-such-thing".split(),
)
def test_labels_outside_the_allowlist_mean_utf_8(label: str) -> None:
    document = _document(WORDS + " +ADw-script+AD4- \\u003c", label)
    assert decode(document.encode(), None) == document
    assert decode(document.encode(), f"text/xml; charset={label}") == document


@pytest.mark.row("D4")
def test_any_bytes_are_decoded() -> None:
    for body in (b"", b"\x00", b"\xff", b"\xff\xfe", b"\xff\xfe<", bytes(range(256))):
        for header in (None, "charset=utf-8", "charset=gb18030", "charset=\x00", "charset=é"):
            assert isinstance(decode(body, header), str)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030", "shift_jis", "euc-kr"])
def test_a_character_that_was_cut_off_changes_nothing_before_it(encoding: str) -> None:
    whole = _document("漢字", encoding)
    body = whole.encode(encoding)
    header = "text/xml; charset=windows-1251" if encoding == "utf-8" else None
    for end in range(len(body) - 50, len(body)):
        assert whole.startswith(decode(body[:end], header))


# ---------------------------------------------------------------- what stands before the root


@pytest.mark.parametrize(
    "before",
    [
        "",
        "\ufeff",
        "\n\n  ",
        "<br />\n<b>Warning</b>: headers already sent in feed.php\n",
        "Notice: undefined index <br>",
        "<!-- generated -->\n",
        "<!-- <!DOCTYPE rss [<!ENTITY a 'b'>]> -->",
        "<!---->",
        '<?xml-stylesheet href="a.xsl" type="text/xsl"?>',
    ],
)
def test_text_before_the_declaration_is_left_out(before: str) -> None:
    assert prepare_xml(_rss("x", before + '<?xml version="1.0"?>')) == HEAD + _rss("x", "")
    assert _title(_rss("x", before + '<?xml version="1.0"?>')) == "x"


def test_a_declaration_that_a_feed_quotes_is_left_where_it_is() -> None:
    quoted = '<![CDATA[<?xml version="1.0"?>]]>'
    assert prepare_xml(_rss(quoted, "")) == HEAD + _rss(quoted, "")


NETSCAPE = (
    '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN"\n'
    ' "http://my.netscape.com/publish/formats/rss-0.91.dtd">'
)


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE rss>",
        "<!doctype rss>",
        '<!DOCTYPE rss SYSTEM "http://example.org/rss.dtd">',
        NETSCAPE,
        "<!DOCTYPE rss PUBLIC '[>' \"'[\">",
        "<!DOCTYPE rss [ \n ]>",
    ],
)
def test_a_document_type_that_declares_nothing_is_removed(doctype: str) -> None:
    document = _rss("caf&eacute; &amp; &nbsp;&LT;b&gt;", f'<?xml version="1.0"?>\n{doctype}\n')
    assert "DOCTYPE" not in prepare_xml(document).upper()
    assert _title(document) == "café & \xa0<b>"


LAUGHS = '<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
DISGUISES = {
    "plain": LAUGHS,
    "lower case": LAUGHS.replace("DOCTYPE", "doctype").replace("ENTITY", "entity"),
    "behind a comment": f"<!-- -->{LAUGHS}",
    "behind a decoy": f"<!-- <a -->{LAUGHS}",
    "behind a comment with a quote": f"<!-- ' \" -->{LAUGHS}",
    "behind instructions": f"<?a b?><?php ' ?>{LAUGHS}",
    "behind a false end": f"<?a <!-- ?>{LAUGHS}",
    "behind white space": f"\t\r\n \x0b\xa0\u2003{LAUGHS}",
    "behind another one": f"<!DOCTYPE rss>{LAUGHS}",
    "with control characters in its name": LAUGHS.replace("DOCTYPE", "DOC\x01TYPE"),
    "with a surrogate in its name": LAUGHS.replace("<!DOCTYPE", "<!\ufffeDOCTYPE"),
    "behind a comment with control characters": f"<!-\x02- -->{LAUGHS}",
    "with white space": LAUGHS.replace("rss [", "rss\n\n[\t"),
    "with an address": LAUGHS.replace("rss [", 'rss SYSTEM "a.dtd" ['),
    "with a bracket in its address": LAUGHS.replace("rss [", "rss PUBLIC '>' '[>' ["),
    "parameter entities": '<!DOCTYPE rss [<!ENTITY % x SYSTEM "http://127.0.0.1/"> %x;]>',
    "external entity": '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    "a template": '<!DOCTYPE rss [<!ENTITY a "\\1\\1\\1\\1">]>',
    "attributes": '<!DOCTYPE rss [<!ATTLIST rss a CDATA "x">]>',
    "unfinished": "<!DOCTYPE rss [<!ENTITY a 'b'>",
    "unfinished address": "<!DOCTYPE rss SYSTEM \"a [<!ENTITY a 'b'>]>",
    "behind an unfinished comment": f"<!-- {LAUGHS}",
    "behind an unfinished instruction": f"<? {LAUGHS}",
}


@pytest.mark.row("D5", "P1", "P2")
@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32-be", "utf-16-le"])
@pytest.mark.parametrize("before", ['<?xml version="1.0"?>', "", "<!-- --><?xml version='1.0'?>"])
def test_declared_entities_are_refused_in_all_disguises(
    disguise: str, encoding: str, before: str
) -> None:
    body = _rss("&a;&b;&x;", before + DISGUISES[disguise]).encode(encoding, "surrogatepass")
    with pytest.raises(ParseError) as refused:
        parse(Fetched(URL, body), frozenset())
    # Before version 2.6, expat saw no markup at all behind an instruction that never ends.
    assert refused.value.kind in {Kind.UNSAFE, Kind.NOT_A_FEED}


@pytest.mark.row("P1")
def test_a_declaration_behind_the_root_declares_nothing() -> None:
    assert _title(_rss("x") + LAUGHS) == "x"
    with pytest.raises(ParseError, match="refused"):
        parse(Fetched(URL, _rss(f"{LAUGHS}&a;").encode()), frozenset())


def test_text_that_mentions_entities_is_no_declaration() -> None:
    assert (
        _title(_rss("<![CDATA[<!DOCTYPE a [<!ENTITY x 'y'>]>]]>"))
        == "<!DOCTYPE a [<!ENTITY x 'y'>]>"
    )


@pytest.mark.row("R4")
def test_characters_that_xml_forbids_are_left_out() -> None:
    bad = "".join(map(chr, [0, 1, 8, 11, 12, 14, 31, 0xFFFE, 0xFFFF]))
    assert _title(_rss(f"a{bad}b")) == "ab"


@pytest.mark.parametrize("text", ["plain words", "[1, 2]", "%PDF-1.7"])
def test_a_document_without_markup_is_no_feed(text: str) -> None:
    with pytest.raises(ParseError, match="no markup") as refused:
        prepare_xml(text)
    assert refused.value.kind is Kind.NOT_A_FEED


N = 100_000
SLOW = {
    "newlines": "\n" * N,
    "instructions": "<?encoding='" * (N // 12),
    "finished instructions": "<?encoding=''?>" * (N // 15),
    "declarations": "<?xml " * (N // 6),
    "comments": "<!--" * (N // 4),
    "finished comments": "<!---->" * (N // 7),
    "quotes": "<!DOCTYPE a" + "'\"" * (N // 2),
    "crossed quotes": "<!DOCTYPE a" + "\"a' " * (N // 4),
    "document types": "<!DOCTYPE a>" * (N // 12),
    "brackets": "<!DOCTYPE a" + "[ " * (N // 2),
    "blanks in brackets": "<!DOCTYPE a [" + " " * N,
    "sections": "<rss><![CDATA[" * (N // 14),
    "ampersands": "<rss>" + "&" * N,
    "references": "<rss>" + "&#1" * (N // 3),
    "names": "<rss>" + "&aaaaaaaa" * (N // 9),
    "tags": "<rss " * (N // 5),
    "attributes": "<rss " + "a='>" * (N // 4),
    "end tags": "<rss>" + "</rss " * (N // 6),
}


@pytest.mark.row("P3")
@pytest.mark.slow
@pytest.mark.parametrize("pattern", SLOW)
def test_hostile_prologues_take_no_time(pattern: str) -> None:
    def read(text: str) -> None:
        for document in (text, text + _rss("x"), _rss(text)):
            with suppress(ParseError):
                parse(Fetched(URL, document.encode()), frozenset())

    usual = "<item><title>words</title></item>" * (N // 330)  # a tenth of that
    # Quadratic is a hundred times as much.
    within(1_000, lambda: read(SLOW[pattern]), than=lambda: read(usual))
