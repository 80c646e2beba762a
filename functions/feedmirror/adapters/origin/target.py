r"""Parse URLs to request targets (scheme, host, port, path); refuse deceptive ones before DNS.

One parser (urllib3's) reads every URL, and its result is looked up, connected to and sent: two
parsers that disagree on `http://127.0.0.1\@example.com/` would let a request past the guard.
"""

from __future__ import annotations

import re
from urllib.parse import urljoin

from msgspec import Struct

from feedmirror.adapters.origin.http_library import LocationParseError, Url, parse_url
from feedmirror.errors import FetchError, Kind
from feedmirror.text.hosts import ascii_host, is_host
from feedmirror.text.secrets import hidden_address

_MAX_URL_LENGTH = 8000  # RFC 9110 §4.1 asks for at least 8000 octets

_DEFAULT_PORTS = {"http": 80, "https": 443}

# Source: Fetch Standard, "bad port" (https://fetch.spec.whatwg.org/#bad-port): other protocols'
# ports, whose servers might act on the lines of a request.
# The formatter is off: it would write one port per line.
# fmt: off
_BAD_PORTS = frozenset((
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101,
    102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427,
    465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990,
    993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667,
    6668, 6669, 6679, 6697, 10080,
))
# fmt: on

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")
_NAMED_HOST = re.compile(r"(https?://)([^/?#@:\[\]]+)(.*)", re.IGNORECASE | re.DOTALL)
_USERINFO = re.compile(r"([/\\]{2})[^/?#]*@")
_SHOWN_LENGTH = 160


class Target(Struct, frozen=True):
    """The parts of a URL that may be requested, checked without a DNS lookup."""

    url: str  # as configured; after a redirect absolute, without fragment
    scheme: str  # "http" or "https"
    host: str  # a name in lower-case ASCII, or a numeric address without brackets
    port: int
    path: str  # the request target: path and query, percent-encoded

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: configured headers are sent to this only. Source: RFC 6454 §4."""
        return self.scheme, self.host.rstrip("."), self.port

    @property
    def shown(self) -> str:
        """The URL for messages, secrets hidden."""
        return shown(self.url)


def shown(url: str) -> str:
    """Return `url` for messages: printable, cut, with everything hidden that looks secret."""
    # Secrets are hidden before the cut: the beginning of a secret is not recognised as one.
    text = _USERINFO.sub(r"\1***@", hidden_address(url))
    if len(text) > _SHOWN_LENGTH:
        text = text[: _SHOWN_LENGTH - 1] + "…"
    return text if text.isprintable() else ascii(text)[1:-1]


def parse_target(url: str) -> Target:
    """Return the target of a configured URL. `Target.url` is not normalised: validators are kept
    under the address as configured.

    Raises: FetchError (ADDRESS).
    """
    return _target(url, _parse(url))


def redirect_target(current: Target, location: str) -> Target:
    """Return the target of a `Location`, which may be relative. Source: RFC 9110 §10.2.2.

    Raises: FetchError (ADDRESS).
    """
    _check_characters(location)
    try:
        joined = urljoin(current.url, location)
    except ValueError as error:
        raise _refused(location, "not a valid address") from error
    parsed = _parse(joined)._replace(fragment=None)
    return _target(parsed.url, parsed)


def _target(url: str, parsed: Url) -> Target:
    """Check the parts of a parsed URL. Raises: FetchError (ADDRESS)."""
    scheme = parsed.scheme or ""
    if scheme not in _DEFAULT_PORTS:
        raise _refused(url, "the scheme must be http or https")
    if parsed.auth is not None:
        advice = "it contains a user name or password; send credentials with the setting `headers`"
        raise _refused(url, advice)
    if not is_host(parsed.host or ""):
        raise _refused(url, "the host name is missing or not valid")
    port = _DEFAULT_PORTS[scheme] if parsed.port is None else parsed.port
    if port in _BAD_PORTS:
        raise _refused(url, f"port {port} is reserved for another protocol than HTTP")
    host = (parsed.host or "").strip("[]")
    return Target(url, scheme, host, port, parsed.request_uri)


def _parse(url: str) -> Url:
    _check_characters(url)
    try:
        return parse_url(_with_ascii_host(url))
    except (LocationParseError, ValueError) as error:  # ValueError: UnicodeError among them
        raise _refused(url, "not a valid address") from error


def _check_characters(url: str) -> None:
    if len(url) > _MAX_URL_LENGTH:
        raise _refused(url, f"longer than {_MAX_URL_LENGTH} characters")
    if _FORBIDDEN.search(url):
        raise _refused(url, "it contains a backslash or a control character")


def _with_ascii_host(url: str) -> str:
    """Return `url` with an international host name in its ASCII form, all else unchanged.

    urllib3 would apply IDNA 2008, which refuses names that browsers accept.
    """
    match = _NAMED_HOST.fullmatch(url)
    return match[1] + ascii_host(match[2]) + match[3] if match else url


def _refused(url: str, why: str) -> FetchError:
    return FetchError(Kind.ADDRESS, f"{shown(url)} is refused: {why}.")
