"""Extensions of JSON Feed: members that begin with "_", made harmless. Source: JSON Feed 1.1,
"Extensions".
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from feedmirror.text.xml import printable

OWN = "_feedmirror"  # the mirror's; one of an origin's (a mirror itself) is left out
_DEEPEST = 32  # levels; deeper ones are left out
_LONGEST = 100_000  # characters, beyond which none is carried


Harmless = Callable[[str, str], str]  # a text as it may be, given the name of its member


def carried(raw: dict[str, Any], harmless: Harmless) -> str | None:
    """Return the extensions of a feed or an item as a JSON object; None if it has none."""
    found = {key: held for key, held in raw.items() if key.startswith("_") and key != OWN}
    if not found:
        return None
    text = json.dumps(_safe("", found, harmless, 0), ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= _LONGEST else None


def read(extensions: str | None) -> dict[str, Any]:
    """Return the object that `carried` wrote; an empty one where there is none, or where a secret
    that was taken out of it was part of its syntax.
    """
    try:
        found = json.loads(extensions) if extensions else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _safe(name: str, value: Any, harmless: Harmless, depth: int) -> Any:
    """The value without what a reader could run, numbers that no JSON has, and endless nesting."""
    if isinstance(value, dict | list) and depth == _DEEPEST:
        return None
    if isinstance(value, dict):
        return {
            printable(key): _safe(key, held, harmless, depth + 1) for key, held in value.items()
        }
    if isinstance(value, list):
        return [_safe(name, held, harmless, depth + 1) for held in value]
    if isinstance(value, str):
        return harmless(name, printable(value))
    return None if isinstance(value, float) and not math.isfinite(value) else value
