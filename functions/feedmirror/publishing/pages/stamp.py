"""What comes before everything else in a page, and the generation in it."""

from __future__ import annotations


def replaced(page: bytes, name: str, markup: str) -> bytes:
    """Return the page with that markup in the place of that name; as it is if it has none."""
    begin, end = f"<!-- {name} -->".encode(), f"<!-- /{name} -->".encode()
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        return page
    return b"".join((before, begin, markup.encode(), end, after))


HEAD = "<!doctype html>\n"


def stamp(document: bytes, generation: int) -> bytes:
    """Return the page with its generation, as a comment before its root."""
    head = f"{HEAD}<!-- feedmirror generation {generation} -->\n"
    return document.replace(HEAD.encode(), head.encode(), 1)
