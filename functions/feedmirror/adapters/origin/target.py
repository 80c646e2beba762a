r"""Parse URLs to request targets (scheme, host, port, path); refuse deceptive ones before DNS.

One parser reads every URL, and its result is looked up, connected to and sent: two parsers that
disagree on `http://127.0.0.1\@example.com/` would let a request past the guard. It is stricter than
RFC 3986, so that what it accepts has one reading.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin

from msgspec import Struct
from msgspec.structs import replace

from feedmirror.errors import FetchError, Kind
from feedmirror.text.hosts import ascii_host, is_host
from feedmirror.text.secrets import hidden_address

_MOST_PORT = 65_535
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
_URL = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*):)?(?://(?P<authority>[^/?#]*))?"
    r"(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#.*)?",
    re.IGNORECASE | re.DOTALL,
)
_AUTHORITY = re.compile(
    r"(?P<host>\[[0-9a-f:.]+\]|[^:\[\]]+)(?::(?P<port>[0-9]{0,9}))?", re.IGNORECASE
)
_DOTS = (".", "..")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
# Besides letters, digits and `-._~`. Source: RFC 3986 §3.3, §3.4
_PATH_CHARS = "!$&'()*+,;=:@/"
_QUERY_CHARS = _PATH_CHARS + "?"
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
    return replace(_parse(url), url=url)


def redirect_target(current: Target, location: str) -> Target:
    """Return the target of a `Location`, which may be relative. Source: RFC 9110 §10.2.2.

    Raises: FetchError (ADDRESS).
    """
    _check_characters(location)
    try:
        joined = urljoin(current.url, location)
    except ValueError as error:
        raise _refused(location, "not a valid address") from error
    return _parse(joined)


def _parse(url: str) -> Target:
    """Return the target of an absolute URL; its `url` is normalised, without a fragment.

    Raises: FetchError (ADDRESS).
    """
    _check_characters(url)
    parts = _URL.fullmatch(url)
    scheme = (parts["scheme"] or "").lower() if parts else ""
    if not parts or scheme not in _DEFAULT_PORTS:
        raise _refused(url, "the scheme must be http or https")
    authority = parts["authority"] or ""
    if "@" in authority:
        advice = "it contains a user name or password; send credentials with the setting `headers`"
        raise _refused(url, advice)
    host, port = _host_and_port(url, authority)
    path = _escaped(_without_dots(parts["path"]), _PATH_CHARS)
    if parts["query"] is not None:
        path += f"?{_escaped(parts['query'], _QUERY_CHARS)}"
    shown_port = "" if port is None else f":{port}"
    normalised = f"{scheme}://{host}{shown_port}{path}"
    port = _DEFAULT_PORTS[scheme] if port is None else port
    if port in _BAD_PORTS:
        raise _refused(url, f"port {port} is reserved for another protocol than HTTP")
    request = path if path.startswith("/") else f"/{path}"
    return Target(normalised, scheme, host.strip("[]"), port, request)


def _host_and_port(url: str, authority: str) -> tuple[str, int | None]:
    """Return the host as it is looked up, an IPv6 address in brackets, and the port that is given.

    The host is in the ASCII form that browsers look up, which is also what is judged and sent.
    Raises: FetchError (ADDRESS).
    """
    found = _AUTHORITY.fullmatch(authority)
    try:
        host = found["host"] if found else ""
        host = (host if host.startswith("[") else ascii_host(host)).lower()
    except ValueError as error:
        raise _refused(url, "not a valid address") from error
    if not found or not is_host(host):
        raise _refused(url, "the host name is missing or not valid")
    port = int(found["port"]) if found["port"] else None
    if port is not None and port > _MOST_PORT:
        raise _refused(url, "not a valid address")
    return host, port


def _without_dots(path: str) -> str:
    """Return the path without its `.` and `..` segments. Source: RFC 3986 §5.2.4."""
    segments, kept = path.split("/"), list[str]()
    for segment in segments:
        if segment not in _DOTS:
            kept.append(segment)
        elif segment == ".." and len(kept) > 1:  # the first is what is before the first slash
            kept.pop()
    return "/".join((*kept, "") if segments[-1] in _DOTS else kept)


def _escaped(text: str, safe: str) -> str:
    """Return the text with all characters escaped that may not stand in a request; escapes stay, if
    each `%` begins one.
    """
    text, count = _ESCAPE.subn(lambda escape: escape[0].upper(), text)
    return quote(text, safe + "%" if count == text.count("%") else safe, errors="surrogatepass")


def _check_characters(url: str) -> None:
    if len(url) > _MAX_URL_LENGTH:
        raise _refused(url, f"longer than {_MAX_URL_LENGTH} characters")
    if _FORBIDDEN.search(url):
        raise _refused(url, "it contains a backslash or a control character")


def _refused(url: str, why: str) -> FetchError:
    return FetchError(Kind.ADDRESS, f"{shown(url)} is refused: {why}.")
