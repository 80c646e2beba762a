"""Places in a finished page whose words may change without it being rendered again.

They stand between comments. No text of an origin's can hold one: it is escaped, and the sanitiser
leaves none in a body.
"""

from __future__ import annotations


def replaced(page: str, name: str, markup: str) -> str:
    """The page with that markup in the place of that name; as it is if it has no such place."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    return f"{before}{begin}{markup}{end}{after}" if found and closed else page
