"""Reading a table by a list of keys: the only place that knows which keys a table may have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from feedmirror.settings.problems import Kind, Spot, meant


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a table."""

    name: str
    kind: Kind
    meaning: str  # a sentence for the operator
    field: str = ""  # of the value that is made of the table; empty: the same as `name`
    for_every_feed: bool = False  # also accepted in [defaults]


def read_table(
    spot: Spot, value: object, keys: Iterable[Key], elsewhere: dict[str, str] | None = None
) -> dict[str, Any]:
    """What could be read, by the field's name; complaints about the rest are in `spot`.

    `elsewhere` names keys that belong into another table, and says which.
    """
    if not isinstance(value, dict):
        Spot(spot.problems, spot.key, "a table").reject_sort(value)
        return {}
    known = {key.name: key for key in keys}
    found: dict[str, Any] = {}
    for name, content in value.items():
        if name not in known:
            _refuse_unknown(spot.below(name), name, known, elsewhere or {})
            continue
        key = known[name]
        read = key.kind.read(spot.below(name, key.kind.accepted), content)
        if read is not None:
            found[key.field or name] = read
    return found


def _refuse_unknown(spot: Spot, name: str, known: Iterable[str], elsewhere: dict[str, str]) -> None:
    if name in elsewhere:
        spot.refuse("is not accepted here", f"it belongs {elsewhere[name]}")
    elif guess := meant(name, known):
        spot.refuse("is unknown", guess=guess)
    else:
        spot.refuse("is unknown", f"known are {', '.join(known)}")
