"""The gate: text that XML can hold, under one declaration, without a document type."""

from __future__ import annotations

from xml.parsers import expat

from feedmirror.errors import ParseError
from feedmirror.parsing.decode import HEAD, decode, prepare_xml
from fuzz.inputs import CONTENT_TYPES, one_of
from fuzz.judges import require, require_text

SEEDS = ("feeds",)


def check(data: bytes) -> None:
    """The gate admits or refuses; what it admits declares nothing."""
    text = decode(data, one_of(CONTENT_TYPES, data))
    try:
        admitted = prepare_xml(text)
    except ParseError:
        return
    require(admitted.startswith(HEAD), "there is no declaration of ours")
    require_text(admitted, "what is admitted")
    require(prepare_xml(admitted) == admitted, "what is admitted is not admitted as it is")
    _require_no_declarations(admitted.encode())


def _require_no_declarations(document: bytes) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("there is a document type in what is admitted")

    parser = expat.ParserCreate("utf-8")
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(document, True)
    except expat.ExpatError:
        return  # it is not the gate's to refuse
