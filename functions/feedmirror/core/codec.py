"""The model as plain data, for JSON: what travels from the parser and what is stored.

Fields that hold their default are left out, so a field that is added later is read as its default
from what was written before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from typing import Any

from feedmirror.model import (
    Author,
    Category,
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

_DEFAULTS: dict[type, tuple[tuple[str, Any], ...]] = {
    cls: tuple((f.name, f.default if f.default is not MISSING else MISSING) for f in fields(cls))
    for cls in (Author, Category, Enclosure, Entry, Feed, Image, Revision, Source)
}


def to_plain(value: Any) -> Any:
    """A value of the model as dicts, lists, strings and numbers; a datetime in RFC 3339."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    plain: Plain = {}
    for name, default in _DEFAULTS[type(value)]:
        held = getattr(value, name)
        if default is MISSING or held != default:
            plain[name] = to_plain(held)
    return plain


def moment(value: str | None) -> datetime | None:
    """The datetime that `to_plain` wrote. Raises: ValueError."""
    return datetime.fromisoformat(value).astimezone(UTC) if value else None


def _dates(plain: Plain, *names: str) -> Plain:
    return {**plain, **{name: moment(plain[name]) for name in names if name in plain}}


def _many(plain: Plain, **classes: type) -> Plain:
    """The named lists as tuples of their classes, in `plain` itself."""
    for name, cls in classes.items():
        if name in plain:
            plain[name] = tuple(
                cls(**item) if isinstance(item, dict) else cls(item) for item in plain[name]
            )
    return plain


def entry(plain: Mapping[str, Any]) -> Entry:
    """The entry that `to_plain` wrote. Raises: TypeError, ValueError, KeyError, AttributeError."""
    values = _dates(dict(plain), "published", "updated")
    _many(
        values, authors=Author, categories=Category, enclosures=Enclosure, foreign=str, prefixes=str
    )
    if "source" in values:
        values["source"] = Source(**values["source"])
    return Entry(**values)


def feed(plain: Mapping[str, Any]) -> Feed:
    """The feed that `to_plain` wrote. Raises: as `entry`."""
    values = _dates(dict(plain), "updated")
    _many(values, authors=Author, categories=Category, foreign=str, prefixes=str)
    _many(values, skip_hours=int, skip_days=str)
    if "image" in values:
        values["image"] = Image(**values["image"])
    return Feed(**values)


def revision(plain: Mapping[str, Any]) -> Revision:
    """The revision that `to_plain` wrote. Raises: as `entry`."""
    values = _dates(dict(plain), "first_seen", "listed_at", "observed_at")
    values["entry"] = entry(values["entry"])
    return Revision(**values)


def parsed_to_plain(parsed: ParsedFeed) -> Plain:
    """A parsed feed, as the supervised parser sends it."""
    return {
        "feed": to_plain(parsed.feed),
        "items": [[item.fingerprint, item.guid, item.link] for item in parsed.items],
        "entries": {str(index): to_plain(entry) for index, entry in parsed.entries.items()},
        "lossless": parsed.lossless,
        "complete": parsed.complete,
    }


def parsed_from_plain(plain: Mapping[str, Any]) -> ParsedFeed:
    """The parsed feed that `parsed_to_plain` wrote. Raises: as `entry`."""
    return ParsedFeed(
        feed=feed(plain["feed"]),
        items=tuple(Item(*item) for item in plain["items"]),
        entries={int(index): entry(value) for index, value in plain["entries"].items()},
        lossless=plain["lossless"],
        complete=plain["complete"],
    )
