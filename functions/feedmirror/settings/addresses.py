"""Kinds of values for URLs, the contact and request headers.

No problem quotes a URL or a header's value: both may contain a secret. No DNS lookup is made; the
address guard checks hosts when a feed is fetched.
"""

from __future__ import annotations

import re

from feedmirror.settings.problems import Location, ValueKind, shown_value, type_name
from feedmirror.settings.values import flaw_of, string
from feedmirror.text.hosts import ascii_host, is_host
from feedmirror.text.person import email_address

_MAX_VALUE_CHARS = 4000
_ACCEPTED_VALUE = f"1 to {_MAX_VALUE_CHARS:,} printable ASCII characters"

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

_MAX_URL_CHARS = 2000
_MAX_ALTERNATES = 10
_MAX_HEADERS = 30

# Source: RFC 3986 §2 (characters), §3.2 (authority). User names and passwords are refused: they
# would appear in logs and documents; `headers` takes an Authorization.
_URL = re.compile(
    r"https?://(?P<authority>[^/?#]*)[^#]*(?P<fragment>#.*)?", re.IGNORECASE | re.DOTALL
)
_HOST_AND_PORT = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>[0-9]{1,5}))?")
_NOT_IN_URL = re.compile(r"[^A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]|%(?![0-9A-Fa-f]{2})")


def flaw_of_header(name: str, value: str) -> str | None:
    """Return the problem of a header, without quoting the value, or None if it is valid."""
    if not _NAME.fullmatch(name):
        return "is not a valid header name"
    if why := _RESERVED.get(name.lower()):
        return why
    if len(value) > _MAX_VALUE_CHARS or not _VALUE.fullmatch(value):
        return f"the value is not accepted; {_ACCEPTED_VALUE}"
    return None


def _flaw_of_url(url: str) -> str | None:
    """Return the problem of a URL, without quoting the URL, or None if it is valid."""
    parts = _URL.fullmatch(url)
    if parts is None:
        return _flaw_of_scheme(url)
    if len(url) > _MAX_URL_CHARS:
        return f"is longer than {_MAX_URL_CHARS:,} characters"
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


def _flaw_of_public_url(url: str) -> str | None:
    return _flaw_of_url(url) or ("ends in a ? query" if "?" in url else None)


def _read_urls(location: Location, value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        location.reject_type(value)
        return None
    if len(value) > _MAX_ALTERNATES:
        location.refuse(f"{len(value)} addresses are too many")
    for count, url in enumerate(value, 1):
        flaw = _flaw_of_url(url) if isinstance(url, str) else f"{type_name(url)} is not accepted"
        if flaw or url in value[: count - 1]:
            location.refuse(
                f"number {count}: {flaw or 'is a duplicate'}", "" if flaw is None else None
            )
    return tuple(url for url in value if isinstance(url, str))


def _flaw_of_contact(contact: str) -> str | None:
    if contact.startswith("mailto:"):
        return None if email_address(contact[7:]) else "has an invalid e-mail address"
    return _flaw_of_url(contact)


def _clean_contact(contact: str) -> str:
    mail = contact.startswith("mailto:")
    return f"mailto:{email_address(contact[7:])}" if mail else contact


def _read_contact(location: Location, value: object) -> object:
    if isinstance(value, str) and email_address(value):
        location.reject(value, guess=f'"mailto:{value}"')
        return None
    return _CONTACT.read(location, value)


def _read_headers(location: Location, value: object) -> dict[str, str] | None:
    if not isinstance(value, dict):
        location.reject_type(value)
        return None
    if len(value) > _MAX_HEADERS:
        location.refuse(f"{len(value)} headers are too many")
    seen: set[str] = set()
    for name, content in value.items():
        if flaw := _flaw_of_header(name, content, seen):
            location.below(name).refuse(flaw)
        seen.add(name.lower())
    return {name: content for name, content in value.items() if isinstance(content, str)}


def _flaw_of_header(name: str, content: object, seen: set[str]) -> str | None:
    if not isinstance(content, str):
        return f"{type_name(content)} is not accepted; {_ACCEPTED_VALUE}"
    return "is a duplicate" if name.lower() in seen else flaw_of_header(name, content)


URL = string("an http:// or https:// address", _flaw_of_url)
PUBLIC_URL = string(
    "an http:// or https:// address without a query",
    _flaw_of_public_url,
    lambda url: url.rstrip("/"),
)
URLS = ValueKind(
    "array of strings",
    f"{_MAX_ALTERNATES} http:// or https:// addresses at most, each once",
    _read_urls,
)
_CONTACT = string(
    '"mailto:name@host", or an http:// or https:// address', _flaw_of_contact, _clean_contact
)
CONTACT = ValueKind("string", _CONTACT.accepted, _read_contact)
HEADERS = ValueKind(
    "table of strings",
    f"{_MAX_HEADERS} HTTP header fields at most; as values {_ACCEPTED_VALUE}",
    _read_headers,
)
