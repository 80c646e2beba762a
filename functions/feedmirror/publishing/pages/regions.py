"""Regions of a page that are replaced after the page was rendered."""

from __future__ import annotations


def replaced(page: bytes, name: str, markup: str) -> bytes:
    """Return the page with `markup` as the content of the region `name`. A page without the region
    is returned unchanged.
    """
    begin, end = f"<!-- {name} -->".encode(), f"<!-- /{name} -->".encode()
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        return page
    return b"".join((before, begin, markup.encode(), end, after))
