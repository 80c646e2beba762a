"""The title of a feed as the configuration words it."""

from __future__ import annotations

_OWN = "{source_title}"


def worded(configured: str | None, own: str) -> str:
    """Return what the mirror is called: `configured`, with the origin's own title for
    `{source_title}` in it, else the origin's own. "" if neither says anything.
    """
    return configured.replace(_OWN, own).strip() if configured else own


def of_source(configured: str | None, own: str) -> str:
    """Return what the source is called: as configured, unless that is made from its own title."""
    return configured if configured and _OWN not in configured else own
