"""What comes before everything else in a page, and the generation in it."""

from __future__ import annotations

HEAD = "<!doctype html>\n"


def stamp(document: bytes, generation: int) -> bytes:
    """Return the page with its generation, as a comment before its root."""
    head = f"{HEAD}<!-- feedmirror generation {generation} -->\n"
    return document.replace(HEAD.encode(), head.encode(), 1)
