"""Validate request headers that an operator configures; valid headers are sent unchanged."""

from __future__ import annotations

import re

MAX_VALUE_CHARS = 4000
ACCEPTED_VALUE = f"1 to {MAX_VALUE_CHARS:,} printable ASCII characters"

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.1
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?")  # RFC 9110 §5.5

# Reasons to refuse a name. Source: RFC 9110 §7.6.1 (the connection), §11.7 (proxies), §13
_REASONS = {
    "describes the connection, which feedmirror makes": (
        "connection host http2-settings keep-alive proxy-connection te trailer transfer-encoding "
        "upgrade"
    ),
    "is for a proxy, and feedmirror uses none": "proxy-authenticate proxy-authorization",
    "is a condition, which feedmirror makes of the last answer": (
        "if-match if-modified-since if-none-match if-range if-unmodified-since range"
    ),
    "describes a body, and feedmirror sends none": "content-length content-type expect",
    "says what feedmirror can decode": "accept-encoding",
    "names feedmirror and its `contact`": "user-agent",
}
_RESERVED = {name: why for why, names in _REASONS.items() for name in names.split()}


def flaw_of_header(name: str, value: str) -> str | None:
    """Return the problem of a header, without quoting the value, or None if it is valid."""
    if not _NAME.fullmatch(name):
        return "is not a valid header name"
    if why := _RESERVED.get(name.lower()):
        return why
    if len(value) > MAX_VALUE_CHARS or not _VALUE.fullmatch(value):
        return f"the value is not accepted; {ACCEPTED_VALUE}"
    return None
