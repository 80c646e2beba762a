"""The model as plain data, for JSON: what travels from the parser and what is stored.

Fields that hold their default are left out, so a field that is added later is read as its default
from what was written before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from io import BytesIO
from types import UnionType
from typing import Any, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from msgspec import NODEFAULT, Struct
from msgspec.structs import replace

from feedmirror.model import (
    Author,
    Category,
    Context,
    Enclosure,
    Entry,
    Feed,
    Image,
    Item,
    ParsedFeed,
    Revision,
    Source,
)

Plain = dict[str, Any]
_T = TypeVar("_T")

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""All that the functions below raise for what was not written by this program."""

_LARGEST = 10**15  # of all integers that are written
_LONG = 100_000  # characters
_YEARS = range(1900, 2201)  # of all dates that are written
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def _defaults(cls: type[Struct]) -> Iterable[tuple[str, Any]]:
    """Yield the name and default of each field; NODEFAULT where there is none."""
    names, defaults = cls.__struct_fields__, cls.__struct_defaults__
    return zip(names, (NODEFAULT,) * (len(names) - len(defaults)) + defaults, strict=True)


_DEFAULTS: dict[type, tuple[tuple[str, Any], ...]] = {
    cls: tuple(_defaults(cls))
    for cls in (Author, Category, Context, Enclosure, Entry, Feed, Image, Revision, Source)
}


def from_json(body: bytes) -> Any:
    """Parse stored JSON: UTF-8 without lone surrogates, NaN and infinities. Raises: ValueError."""
    text = body.decode()
    try:
        plain = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if _SURROGATE.search(text):
        json.dumps(plain, ensure_ascii=False).encode()  # raises unless each is one of a pair
    return plain


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_constant=_refuse)
_ATOMS = frozenset({str, int, bool, float, type(None)})


def to_plain(value: Any) -> Any:
    """A value of the model as dicts, lists, strings and numbers; a datetime in RFC 3339."""
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is tuple:
        return [to_plain(item) for item in value]
    if kind is datetime:
        return value.isoformat()
    plain: Plain = {}
    for name, default in _DEFAULTS[kind]:
        held = getattr(value, name)
        if held is not default and held != default:
            plain[name] = held if type(held) in _ATOMS else to_plain(held)
    return plain


def to_json(plain: Plain) -> bytes:
    """Return the object as JSON on one line.

    Long strings are encoded one after the other: each may take four times its size in memory.
    """
    if not _is_long(plain):
        return _ENCODER.encode(plain).encode()
    body = BytesIO()
    for number, (name, value) in enumerate(plain.items()):
        body.writelines((b"," if number else b"{", _ENCODER.encode(name).encode(), b":"))
        body.write(to_json(value) if type(value) is dict else _ENCODER.encode(value).encode())
    body.write(b"}")
    return body.getvalue()


def _is_long(value: Any) -> bool:
    """True for a string, or for an object with one, that had better not be in memory twice."""
    if type(value) is dict:
        return any(map(_is_long, value.values()))
    return type(value) is str and len(value) > _LONG


def read_moment(value: str | None) -> datetime | None:
    """The datetime that `to_plain` wrote. Raises: ValueError, TypeError, OverflowError."""
    if not value:
        return None
    read = datetime.fromisoformat(value)
    if read.tzinfo is None:
        raise ValueError("a date has no time zone")
    read = read.astimezone(UTC)
    if read.year not in _YEARS:
        raise ValueError(f"a date is of the year {read.year}")
    return read


def _allowed(hint: Any) -> frozenset[type]:
    """The types that a value of a field may have: exactly these, so no bool passes for an int."""
    if isinstance(hint, UnionType):
        return frozenset().union(*map(_allowed, get_args(hint)))
    origin = get_origin(hint) or hint
    return frozenset({dict if origin is Mapping else origin})


_TYPES: dict[type, dict[str, frozenset[type]]] = {}


def build(cls: type[_T], values: Plain) -> _T:
    """An instance of a model's class; what is read here may come from anywhere.

    Raises: TypeError for a field that it does not have, or that has a value of another type;
    ValueError for an integer that is never written.
    """
    types = _TYPES.get(cls)
    if types is None:
        hints = get_type_hints(cls)
        types = _TYPES[cls] = {name: _allowed(hint) for name, hint in hints.items()}
    for name, value in values.items():
        if name not in types or type(value) not in types[name]:
            raise TypeError(f"{cls.__name__}.{name} cannot be {type(value).__name__}")
        if type(value) is int:
            whole(value)
    return cls(**values)


def whole(value: object) -> int:
    """Return the integer. Raises: TypeError for another type, ValueError if none so is written."""
    if type(value) is not int:
        raise TypeError(f"an integer was expected, not {type(value).__name__}")
    if not 0 <= value < _LARGEST:
        raise ValueError("an integer is out of range")
    return value


def string(value: object) -> str:
    """Return the string. Raises: TypeError for another type."""
    if type(value) is not str:
        raise TypeError(f"a string was expected, not {type(value).__name__}")
    return value


def _dates(plain: Plain, *names: str) -> Plain:
    return {**plain, **{name: read_moment(plain[name]) for name in names if name in plain}}


def _listed(plain: Plain, **classes: type) -> None:
    """The named lists become tuples of their classes, in `plain` itself."""
    for name, cls in classes.items():
        if name in plain:
            plain[name] = listed(plain[name], cls)


def listed(plain: Any, cls: type[_T]) -> tuple[_T, ...]:
    """A tuple of a model's class, or of strings or numbers. Raises: TypeError, as `build`."""
    if type(plain) is not list:
        raise TypeError(f"a list was expected, not {type(plain).__name__}")
    if cls in {str, int}:
        return tuple(map(string if cls is str else whole, plain))  # type: ignore[arg-type] # of T
    return tuple(build(cls, item) for item in plain)


def entry(plain: Plain) -> Entry:
    """The entry that `to_plain` wrote. Raises: TypeError, ValueError, AttributeError."""
    values = _dates(plain, "published", "updated")
    _listed(values, authors=Author, categories=Category, enclosures=Enclosure, media=Enclosure)
    _listed(values, extension_elements=str, prefixes=str)
    if "source" in values:
        values["source"] = build(Source, values["source"])
    if "context" in values:
        values["context"] = context(values["context"])
    return build(Entry, values)


def context(plain: Plain) -> Context:
    """The context that `to_plain` wrote. Raises: as `entry`."""
    values = dict(plain)
    _listed(values, around=str)
    return build(Context, values)


def read_feed(plain: Plain) -> Feed:
    """The feed that `to_plain` wrote. Raises: as `entry`."""
    values = _dates(plain, "updated")
    _listed(values, authors=Author, categories=Category, extension_elements=str, prefixes=str)
    _listed(values, skip_hours=int, skip_days=str)
    if "image" in values:
        values["image"] = build(Image, values["image"])
    return build(Feed, values)


def revision(plain: Plain) -> Revision:
    """The revision that `to_plain` wrote. Raises: as `entry`."""
    values = _dates(plain, "first_seen", "listed_at", "observed_at", "feed_updated")
    values["entry"] = entry(values["entry"])
    return build(Revision, values)


def parsed_to_plain(parsed: ParsedFeed) -> Plain:
    """A parsed feed, as the parser's worker sends it: each context once."""
    contexts = {one: str(n) for n, one in enumerate(_contexts(parsed.entries.values()))}
    return {
        "feed": to_plain(parsed.feed),
        "items": [[item.fingerprint, item.guid, item.link] for item in parsed.items],
        "contexts": {number: to_plain(one) for one, number in contexts.items()},
        "entries": {
            str(index): to_plain(replace(entry, context=None))
            | ({"context": contexts[entry.context]} if entry.context else {})
            for index, entry in parsed.entries.items()
        },
        "lossless": parsed.lossless,
        "complete": parsed.complete,
        "new_url": parsed.new_url,
        "unreadable": {str(index): why for index, why in parsed.unreadable.items()},
    }


def _contexts(entries: Iterable[Entry]) -> Iterable[Context]:
    return dict.fromkeys(one.context for one in entries if one.context)


def _in(contexts: Mapping[str, Context], plain: Plain) -> Entry:
    """An entry, its context given by its name among them."""
    values = dict(plain)
    name = values.pop("context", None)
    read = entry(values)
    return read if name is None else replace(read, context=contexts[name])


def parsed_from_plain(plain: Plain) -> ParsedFeed:
    """The parsed feed that `parsed_to_plain` wrote.

    Raises: TypeError, ValueError, KeyError or AttributeError for anything else.
    """
    items = tuple(
        build(Item, dict(zip(("fingerprint", "guid", "link"), item, strict=True)))
        for item in plain["items"]
    )
    contexts = {number: context(value) for number, value in plain["contexts"].items()}
    entries = {int(index): _in(contexts, value) for index, value in plain["entries"].items()}
    unreadable = {int(index): str(why) for index, why in plain["unreadable"].items()}
    if not (entries.keys() | unreadable.keys()) <= set(range(len(items))):
        raise ValueError("an entry is of no item")
    values = {"feed": read_feed(plain["feed"]), "items": items, "entries": entries}
    values["unreadable"] = unreadable
    return build(ParsedFeed, values | {k: plain[k] for k in ("lossless", "complete", "new_url")})
