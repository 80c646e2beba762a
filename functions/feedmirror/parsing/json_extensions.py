"""JSON Feed extensions: members that begin with "_", without active content.

Source: JSON Feed 1.1, "Extensions".
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from feedmirror.text.xml import printable

OWN = "_feedmirror"  # of this mirror; left out of an origin that is a mirror itself
_DEEPEST = 32  # levels; deeper ones are left out
_LONGEST = 100_000  # characters of all extensions; longer ones are dropped together


MakeSafe = Callable[[str, str], str]  # returns a safe string, given the member's name and string


def dump_extensions(raw: dict[str, Any], make_safe: MakeSafe) -> str | None:
    """Return the extensions of a feed or an item as a JSON object; None without extensions."""
    members = {key: member for key, member in raw.items() if key.startswith("_") and key != OWN}
    if not members:
        return None
    text = json.dumps(_safe("", members, make_safe, 0), ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= _LONGEST else None


def load_extensions(extensions: str | None) -> dict[str, Any]:
    """Parse the object that `dump` returned; return {} for None.

    Returns {} also for invalid JSON, the result of redacting a secret that was part of its syntax.
    """
    try:
        value = json.loads(extensions) if extensions else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _safe(name: str, value: Any, make_safe: MakeSafe, depth: int) -> Any:
    """Return the value without active content, numbers that JSON lacks, and deep nesting."""
    if isinstance(value, dict | list) and depth == _DEEPEST:
        return None
    if isinstance(value, dict):
        return {
            printable(key): _safe(key, member, make_safe, depth + 1)
            for key, member in value.items()
        }
    if isinstance(value, list):
        return [_safe(name, member, make_safe, depth + 1) for member in value]
    if isinstance(value, str):
        return make_safe(name, printable(value))
    return None if isinstance(value, float) and not math.isfinite(value) else value
