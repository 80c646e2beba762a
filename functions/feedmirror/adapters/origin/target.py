r"""What a URL asks us to contact, refused before any lookup where it is a trick.

One parser (urllib3's) reads every URL, and what it read is what is looked up, connected to and
sent: two parsers that disagree on `http://127.0.0.1\@example.com/` are how guards leak.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urljoin

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from feedmirror.errors import FetchError, Kind
from feedmirror.text.hosts import ascii_host, is_host
from feedmirror.text.secrets import hidden_address

MAX_URL_LENGTH = 8000  # RFC 9110 §4.1 asks for at least 8000 octets

_DEFAULT_PORTS = {"http": 80, "https": 443}

# Source: Fetch Standard, "bad port" (https://fetch.spec.whatwg.org/#bad-port): other protocols'
# ports, whose servers could be made to act on the lines of a request.
# (Kept from the formatter, which would make four screens of it.)
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


@dataclass(frozen=True, slots=True)
class Target:
    """One address to ask, checked as far as can be without a lookup."""

    url: str  # the first as it was configured; those of redirects absolute, without fragment
    scheme: str  # "http" or "https"
    host: str  # a name in lower-case ASCII, or a numeric address without brackets
    port: int
    path: str  # the request target: path and query, percent-encoded

    @property
    def origin(self) -> tuple[str, str, int]:
        """What may see the same secrets. Source: RFC 6454 §4."""
        return self.scheme, self.host.rstrip("."), self.port

    @property
    def shown(self) -> str:
        """The URL, fit for a message."""
        return shown(self.url)


def shown(url: str) -> str:
    """`url` fit for a message: printable, without what is or looks secret in it, not over-long."""
    # Before it is cut, after which nobody would know a secret by its beginning.
    text = _USERINFO.sub(r"\1***@", hidden_address(url))
    if len(text) > _SHOWN_LENGTH:
        text = text[: _SHOWN_LENGTH - 1] + "…"
    return text if text.isprintable() else ascii(text)[1:-1]


def parse_target(url: str) -> Target:
    """The target of a configured URL; `url` stays as it is, since validators are kept under it.

    Raises: FetchError (ADDRESS).
    """
    return _target(url, _parse(url))


def redirect_target(current: Target, location: str) -> Target:
    """The target of a `Location` header, which may be relative. Source: RFC 9110 §10.2.2.

    What `urljoin` puts together is parsed and checked like any other URL.
    Raises: FetchError (ADDRESS).
    """
    _check_spelling(location)
    try:
        joined = urljoin(current.url, location)
    except ValueError as error:
        raise _refused(location, "it cannot be read as an address") from error
    parsed = _parse(joined)._replace(fragment=None)
    return _target(parsed.url, parsed)


def _target(url: str, parsed: Url) -> Target:
    """The target that `parsed` is, once nothing speaks against it."""
    scheme = parsed.scheme or ""
    if scheme not in _DEFAULT_PORTS:
        raise _refused(url, "only http and https addresses are fetched")
    if parsed.auth is not None:
        advice = "addresses with a name or password are not fetched; use the setting `headers`"
        raise _refused(url, advice)
    if not is_host(parsed.host or ""):
        raise _refused(url, "it does not name a host")
    port = _DEFAULT_PORTS[scheme] if parsed.port is None else parsed.port
    if port in _BAD_PORTS:
        raise _refused(url, f"port {port} belongs to another protocol than HTTP")
    host = (parsed.host or "").strip("[]")
    return Target(url, scheme, host, port, parsed.request_uri)


def _parse(url: str) -> Url:
    _check_spelling(url)
    try:
        return parse_url(_with_ascii_host(url))
    except (LocationParseError, ValueError) as error:  # ValueError: UnicodeError among them
        raise _refused(url, "it cannot be read as an address") from error


def _check_spelling(url: str) -> None:
    if len(url) > MAX_URL_LENGTH:
        raise _refused(url, f"it is longer than {MAX_URL_LENGTH} characters")
    if _FORBIDDEN.search(url):
        raise _refused(url, "it holds a backslash or a control character")


def _with_ascii_host(url: str) -> str:
    """Return `url` with an international host name in its ASCII form, the rest as it is.

    urllib3 would make another one (IDNA 2008, which refuses names that browsers accept).
    """
    match = _NAMED_HOST.fullmatch(url)
    return match[1] + ascii_host(match[2]) + match[3] if match else url


def _refused(url: str, why: str) -> FetchError:
    return FetchError(Kind.ADDRESS, f"{shown(url)} is refused: {why}.")
