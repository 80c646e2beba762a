"""The grammar of Atom and the schema of JSON Feed, for the tests that can use them.

Both are others' texts, so not in the project: they lie in $FEEDMIRROR_SCHEMAS.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

_FOLDER = Path(os.environ.get("FEEDMIRROR_SCHEMAS", "not here"))
_TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "number": (int, float)}
_IGNORED = {"$schema", "id", "title", "description", "definitions", "deprecated", "format"}

needs_schemas = pytest.mark.skipif(
    not (_FOLDER / "atom.rng").exists(), reason="the schemas of Atom and JSON Feed are not here"
)


def grammar_problems(document: bytes) -> list[str]:
    """What in an Atom document breaks the grammar of RFC 4287, appendix B."""
    grammar = _grammar()
    parser = etree.XMLParser(huge_tree=True, resolve_entities=False)
    grammar.validate(etree.fromstring(document, parser))
    return [str(error) for error in grammar.error_log]


@cache
def _grammar() -> Any:
    return etree.RelaxNG(etree.parse(str(_FOLDER / "atom.rng")))


def schema_problems(document: bytes) -> list[str]:
    """What in a JSON Feed 1.1 breaks SchemaStore's schema of it."""
    return list(_broken(json.loads(document), _schema("jsonfeed-1.1"), "", "jsonfeed-1.1"))


@cache
def _schema(name: str) -> Any:
    return json.loads((_FOLDER / f"{name}.json").read_text())


def _broken(value: Any, schema: Any, at: str, home: str) -> Iterator[str]:
    """Source: JSON Schema draft 4; of its keywords those that these schemas use."""
    for keyword, wanted in schema.items():
        if keyword == "$ref":
            there, _, path = wanted.partition("#")
            home_of_it = "jsonfeed-1" if there else home
            found = _schema(home_of_it)
            for part in filter(None, path.split("/")):
                found = found[part]
            yield from _broken(value, found, at, home_of_it)
        elif keyword not in _IGNORED:
            yield from _CHECKS[keyword](value, wanted, schema, at, home)


def _holds(value: Any, schema: Any, home: str) -> bool:
    return not any(True for _ in _broken(value, schema, "", home))


def _type(value: Any, wanted: Any, *_: Any) -> Iterator[str]:
    kinds = [wanted] if isinstance(wanted, str) else wanted
    if not any(isinstance(value, _TYPES[kind]) for kind in kinds):
        yield f"{_[1]}: {value!r} is no {wanted}"


def _members(value: Any, known: Any, schema: Any, at: str, home: str) -> Iterator[str]:
    for name, held in value.items() if isinstance(value, dict) else ():
        patterns = schema.get("patternProperties", {})
        fitting = [s for pattern, s in patterns.items() if re.search(pattern, name)]
        if name in known:
            yield from _broken(held, known[name], f"{at}.{name}", home)
        elif schema.get("additionalProperties") is False and not fitting:
            yield f"{at}.{name} is not known"
        for fits in fitting:
            yield from _broken(held, fits, f"{at}.{name}", home)


def _required(value: Any, names: Any, _: Any, at: str, __: str) -> Iterator[str]:
    yield from (f"{at}.{name} is missing" for name in names if name not in value)


def _items(value: Any, schema: Any, _: Any, at: str, home: str) -> Iterator[str]:
    for index, held in enumerate(value if isinstance(value, list) else ()):
        yield from _broken(held, schema, f"{at}[{index}]", home)


def _one_of(value: Any, schemas: Any, _: Any, at: str, home: str) -> Iterator[str]:
    if sum(_holds(value, each, home) for each in schemas) != 1:
        yield f"{at} is not one of {len(schemas)}"


def _any_of(value: Any, schemas: Any, _: Any, at: str, home: str) -> Iterator[str]:
    if not any(_holds(value, each, home) for each in schemas):
        yield f"{at} is none of {len(schemas)}"


def _all_of(value: Any, schemas: Any, _: Any, at: str, home: str) -> Iterator[str]:
    for each in schemas:
        yield from _broken(value, each, at, home)


def _not(value: Any, schema: Any, _: Any, at: str, home: str) -> Iterator[str]:
    if _holds(value, schema, home):
        yield f"{at} is what it must not be"


def _enum(value: Any, wanted: Any, _: Any, at: str, __: str) -> Iterator[str]:
    if value not in wanted:
        yield f"{at}: {value!r} is none of {wanted}"


def _unique(value: Any, _: Any, __: Any, at: str, ___: str) -> Iterator[str]:
    if len({json.dumps(each) for each in value}) < len(value):
        yield f"{at} holds something twice"


def _least(value: Any, least: Any, _: Any, at: str, __: str) -> Iterator[str]:
    if len(value) < least:
        yield f"{at} holds too little"


def _nothing(*_: Any) -> Iterator[str]:
    return iter(())  # told by `properties`, which every such schema has


_CHECKS = {
    "type": _type,
    "properties": _members,
    "patternProperties": _nothing,
    "additionalProperties": _nothing,
    "required": _required,
    "items": _items,
    "oneOf": _one_of,
    "anyOf": _any_of,
    "allOf": _all_of,
    "not": _not,
    "enum": _enum,
    "uniqueItems": _unique,
    "minProperties": _least,
}
