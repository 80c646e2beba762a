"""HTML of pages: write start tags, escape text, tell if text is visible."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape, unescape

_INVISIBLE = re.compile(r"(?:\s|[\u00ad\u200b-\u200f\u2060\ufeff])*")


def render_start_tag(name: str, attributes: Mapping[str, str]) -> str:
    """Return the start tag. Values of `attributes` are plain text and are escaped here."""
    written = "".join(f' {key}="{escaped(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>"


def escaped(text: str) -> str:
    """Return plain text as HTML, for an element or for an attribute in double quotes."""
    return escape(text, quote=False).replace('"', "&quot;")


def is_visible(text: str) -> bool:
    """True if the HTML text has a character that is seen or read out."""
    return _INVISIBLE.fullmatch(unescape(text) if "&" in text else text) is None
