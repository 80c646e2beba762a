"""Read a TOML table by a list of keys, and refuse unknown keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from feedmirror.settings.problems import Location, ValueKind, closest_name


@dataclass(frozen=True, slots=True)
class Key:
    """Key of a TOML table."""

    name: str
    kind: ValueKind
    meaning: str  # a sentence for the operator
    field: str = ""  # name in the parsed value; empty: the same as `name`
    for_every_feed: bool = False  # also accepted in [defaults]


def read_table(
    location: Location, value: object, keys: Iterable[Key], elsewhere: dict[str, str] | None = None
) -> dict[str, Any]:
    """Return the valid values by field name; add problems of all others to `location`.

    `elsewhere` maps keys of other tables to the table that they belong to.
    """
    if not isinstance(value, dict):
        Location(location.problems, location.key, "a table").reject_type(value)
        return {}
    known = {key.name: key for key in keys}
    found: dict[str, Any] = {}
    for name, content in value.items():
        if name not in known:
            _refuse_unknown(location.below(name), name, known, elsewhere or {})
            continue
        key = known[name]
        read = key.kind.read(location.below(name, key.kind.accepted), content)
        if read is not None:
            found[key.field or name] = read
    return found


def _refuse_unknown(
    location: Location, name: str, known: Iterable[str], elsewhere: dict[str, str]
) -> None:
    if name in elsewhere:
        location.refuse("is not accepted here", f"it belongs {elsewhere[name]}")
    elif guess := closest_name(name, known):
        location.refuse("is unknown", guess=guess)
    else:
        location.refuse("is unknown", f"known are {', '.join(known)}")
