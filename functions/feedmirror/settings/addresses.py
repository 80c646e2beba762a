"""Kinds of values for URLs, the contact and request headers.

No problem quotes a URL or a header's value: both may contain a secret. No DNS lookup is made; the
address guard checks hosts when a feed is fetched.
"""

from __future__ import annotations

import re

from feedmirror.settings.problems import Location, ValueKind, shown_value, type_name
from feedmirror.settings.request_headers import ACCEPTED_VALUE, flaw_of_header
from feedmirror.settings.values import flaw_of
from feedmirror.text.hosts import ascii_host, is_host
from feedmirror.text.person import email_address

MAX_URL_CHARS = 2000
MAX_ALTERNATES = 10
MAX_HEADERS = 30

# Source: RFC 3986 §2 (characters), §3.2 (authority). User names and passwords are refused: they
# would appear in logs and documents; `headers` takes an Authorization.
_URL = re.compile(
    r"https?://(?P<authority>[^/?#]*)[^#]*(?P<fragment>#.*)?", re.IGNORECASE | re.DOTALL
)
_HOST_AND_PORT = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>[0-9]{1,5}))?")
_NOT_IN_URL = re.compile(r"[^A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]|%(?![0-9A-Fa-f]{2})")


def flaw_of_url(url: str) -> str | None:
    """Return the problem of a URL, without quoting the URL, or None if it is valid."""
    parts = _URL.fullmatch(url)
    if parts is None:
        return _flaw_of_scheme(url)
    if len(url) > MAX_URL_CHARS:
        return f"is longer than {MAX_URL_CHARS:,} characters"
    if odd := _NOT_IN_URL.search(url):
        return (
            _flaw_of_host(url) or f"contains {shown_value(odd[0])}, which has to be percent-encoded"
        )
    return _flaw_of_authority(parts["authority"]) or (
        "ends in a # fragment, which is never sent" if parts["fragment"] else None
    )


def _flaw_of_authority(authority: str) -> str | None:
    if "@" in authority:
        return "contains a user name or password; send them with headers = { Authorization = ... }"
    found = _HOST_AND_PORT.fullmatch(authority)
    if not found or not is_host(found["host"]) or not 1 <= int(found["port"] or 80) <= 65_535:
        return "has an invalid host or port"
    return None


def _flaw_of_scheme(url: str) -> str:
    scheme, separator, _ = url.partition("://")
    if flaw := flaw_of(url):
        return flaw
    if separator and scheme.isalnum():
        return f"{shown_value(scheme + '://')} is not accepted"
    return "does not begin with https:// or http://"


def _flaw_of_host(url: str) -> str | None:
    """Return the problem of a host name that is not ASCII, or None; quotes the host only."""
    found = re.match(r"https?://([^/?#:]*)", url, re.IGNORECASE)
    if found is None or found[1].isascii() or "@" in url:
        return None
    try:
        sent = ascii_host(found[1])
    except ValueError:
        sent = ""
    if not is_host(sent):
        return "has an invalid host"
    return f"has a host name that is not ASCII; write {sent}"


def _read_url(location: Location, value: object) -> str | None:
    if not isinstance(value, str):
        location.reject(value)
        return None
    if flaw := flaw_of_url(value):
        location.refuse(flaw)
        return None
    return value


def _read_public_url(location: Location, value: object) -> str | None:
    url = _read_url(location, value)
    if url is not None and "?" in url:
        location.refuse("ends in a ? query")
        return None
    return url.rstrip("/") if url else None


def _read_urls(location: Location, value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        location.reject_type(value)
        return None
    if len(value) > MAX_ALTERNATES:
        location.refuse(f"{len(value)} addresses are too many")
    for count, url in enumerate(value, 1):
        flaw = flaw_of_url(url) if isinstance(url, str) else f"{type_name(url)} is not accepted"
        if flaw or url in value[: count - 1]:
            location.refuse(
                f"number {count}: {flaw or 'is a duplicate'}", "" if flaw is None else None
            )
    return tuple(url for url in value if isinstance(url, str))


def _read_contact(location: Location, value: object) -> str | None:
    if not isinstance(value, str):
        location.reject(value)
        return None
    scheme, colon, text = value.partition(":")
    if colon and scheme == "mailto":
        if address := email_address(text):
            return f"mailto:{address}"
        flaw: str | None = "has an invalid e-mail address"
    elif email_address(value):
        location.reject(value, guess=f'"mailto:{value}"')
        return None
    else:
        flaw = flaw_of_url(value)
    if flaw:
        location.refuse(flaw)
        return None
    return value


def _read_headers(location: Location, value: object) -> dict[str, str] | None:
    if not isinstance(value, dict):
        location.reject_type(value)
        return None
    if len(value) > MAX_HEADERS:
        location.refuse(f"{len(value)} headers are too many")
    seen: set[str] = set()
    for name, content in value.items():
        if flaw := _flaw_of_header(name, content, seen):
            location.below(name).refuse(flaw)
        seen.add(name.lower())
    return {name: content for name, content in value.items() if isinstance(content, str)}


def _flaw_of_header(name: str, content: object, seen: set[str]) -> str | None:
    if not isinstance(content, str):
        return f"{type_name(content)} is not accepted; {ACCEPTED_VALUE}"
    return "is a duplicate" if name.lower() in seen else flaw_of_header(name, content)


URL = ValueKind("string", "an http:// or https:// address", _read_url)
PUBLIC_URL = ValueKind("string", "an http:// or https:// address without a query", _read_public_url)
URLS = ValueKind(
    "array of strings",
    f"{MAX_ALTERNATES} http:// or https:// addresses at most, each once",
    _read_urls,
)
CONTACT = ValueKind(
    "string", '"mailto:name@host", or an http:// or https:// address', _read_contact
)
HEADERS = ValueKind(
    "table of strings",
    f"{MAX_HEADERS} HTTP header fields at most; as values {ACCEPTED_VALUE}",
    _read_headers,
)
