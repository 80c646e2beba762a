"""What comes before everything else in a page, and the generation in it."""

from __future__ import annotations

HEAD = "<!doctype html>\n"


def stamp(document: str, generation: int) -> str:
    """The page with the generation that last changed it, as a comment before its root."""
    return document.replace(HEAD, f"{HEAD}<!-- feedmirror generation {generation} -->\n", 1)
