"""How long readers, and caches between, may keep what is stored under a key."""

from __future__ import annotations

import re

# Shapes of keys, of which the first that fits counts, and for how long nobody asks again.
_RULES = (
    # Its name changes with it, so no page is ever shown with the sheet of another version.
    (re.compile(r"public/style-[^/]+\.css"), "max-age=31536000, immutable"),
    # Nothing is added to what is sealed. It is written again by a rebuild, and once to link to the
    # page after it: both can wait for a day.
    (re.compile(r"public/[^/]+/archive/.+"), "max-age=86400, stale-while-revalidate=60"),
    # An edit at the origin is to be seen soon; until then, the page says when it was fetched.
    (re.compile(r"public/[^/]+/entries/.+"), "max-age=3600, stale-while-revalidate=60"),
    # A third of the usual time between polls. For a minute after, a cache gives what it has and
    # gets the new one behind the reader's back.
    (re.compile(r"public/.+"), "max-age=300, stale-while-revalidate=60"),
)
_PRIVATE = "no-store"  # nothing should ever serve it; if something does, let none keep it


def cache_control(key: str) -> str:
    """The header `Cache-Control` that goes with what is stored under the key.

    Source: RFC 9111 §5.2.2, RFC 5861 §3 and §4, RFC 8246 §2.
    """
    for shape, rule in _RULES:
        if shape.fullmatch(key):
            return f"public, {rule}, stale-if-error=86400"  # rather yesterday's copy than none
    return _PRIVATE
