"""JSON of what is stored and of what the parser's worker sends, by the types of the model."""

from __future__ import annotations

import re
from typing import Any, TypeVar, overload

from msgspec import Raw, Struct, json

from feedmirror.errors import StateError

_SCHEMA = re.compile(rb'\s*{\s*"schema":\s*([0-9]{1,9})\b')  # how every stored object begins
Encoded = bytes | bytearray | Raw
_T = TypeVar("_T")
_S = TypeVar("_S", bound=Struct)


@overload
def decode(body: Encoded, kind: type[_T]) -> _T: ...
@overload
def decode(body: Encoded, kind: Any) -> Any: ...
def decode(body: Encoded, kind: Any) -> Any:
    """Return the value whose JSON that is. Raises: ValueError for anything else."""
    try:
        return json.decode(body, type=kind)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def decode_part(body: Raw, kind: type[_T]) -> _T:
    """Return a part of a state that was left undecoded. Raises: StateError if it is damaged."""
    try:
        return decode(body, kind)
    except ValueError as error:
        raise StateError(
            f"the entries in the state are damaged ({error}): nothing was changed; "
            "`feedmirror rebuild` makes it anew from the stored ones"
        ) from error


def schema_of(body: bytes) -> int | None:
    """Return the schema of a stored object, in whatever shape the rest of it is; None: it has no
    such beginning.
    """
    schema = _SCHEMA.match(body)
    return int(schema[1]) if schema else None


def load(body: bytes, kind: type[_S], schema: int, where: str) -> _S:
    """Parse a stored object of that schema, which is the tag of `kind`. `where` is its key.

    Raises: ValueError if it is damaged, StateError if a newer version wrote it.
    """
    written = schema_of(body)
    if written is None:
        raise ValueError("it does not begin with its schema")
    if written > schema:
        raise StateError(
            f"{where} was written by a newer feedmirror (schema {written}, this one knows "
            f"{schema}): update feedmirror; nothing was changed"
        )
    return decode(body, kind)
