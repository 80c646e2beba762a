"""Decoding: the prepared text has one declaration, no document type, and only XML characters."""

from __future__ import annotations

from xml.parsers import expat

from feedmirror.errors import ParseError
from feedmirror.parsing.decode import HEAD, decode, prepare_xml
from fuzz.inputs import CONTENT_TYPES, one_of
from fuzz.judges import require, require_text

SEEDS = ("feeds",)


def check(data: bytes) -> None:
    """Check that a document is refused, or prepared so that it declares nothing."""
    text = decode(data, one_of(CONTENT_TYPES, data))
    try:
        prepared = prepare_xml(text)
    except ParseError:
        return
    require(prepared.startswith(HEAD), "there is no declaration of ours")
    require_text(prepared, "a prepared document")
    require(
        prepare_xml(prepared) == prepared,
        "a prepared document is changed when it is prepared again",
    )
    _require_no_declarations(prepared.encode())


def _require_no_declarations(document: bytes) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a prepared document has a document type")

    parser = expat.ParserCreate("utf-8")
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(document, True)
    except expat.ExpatError:
        return  # malformed documents are refused by later steps
