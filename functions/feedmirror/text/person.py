"""Persons: e-mail addresses, and authors whom a feed names in one line of text."""

from __future__ import annotations

import re

from feedmirror.model import Author
from feedmirror.text.hosts import ascii_host, is_host

# As validators of feeds accept them; RFC 5322 allows more, which feeds do not use.
_LOCAL = re.compile(r"[A-Za-z0-9._%+'-]{1,64}")
_DOMAIN = re.compile(r"[A-Za-z0-9.-]+\.(?:[A-Za-z]{2,63}|xn--[A-Za-z0-9-]+)")
_WORD = re.compile(r"[^\s()<>\[\],;:\"]+")
_LONGEST = 1000  # characters in which an address is looked for


def email_address(text: str) -> str | None:
    """Return `text` as an e-mail address with its domain in ASCII; None if `text` is no address."""
    local, _, domain = text.rpartition("@")
    if not _LOCAL.fullmatch(local):
        return None
    try:
        host = ascii_host(domain)
    except ValueError:
        return None
    return f"{local}@{host}" if is_host(host) and _DOMAIN.fullmatch(host) else None


def parse_person(text: str) -> Author:
    """Parse `address (Name)`, `Name <address>`, an address or a name. Source: RFC 822 §6.1."""
    words = " ".join(text.split())
    for match in _WORD.finditer(words) if len(words) < _LONGEST else ():
        written = match[0].rstrip(".")
        if address := email_address(written):
            before, after = words[: match.start()], words[match.start() + len(written) :]
            return Author(_name(f"{before.removesuffix('mailto:')}{after}"), address)
    return Author(words or None)


def _name(rest: str) -> str | None:
    """Return the text beside an address, without the brackets around either, as a name."""
    rest = rest.strip()
    while rest and rest[0] + rest[-1] in {"()", "<>", "[]", '""'}:
        rest = rest[1:-1].strip()
    return re.sub(r"\s*(?:<>|\(\)|\[\])\s*", " ", rest).strip(' "') or None
