"""Addresses: make them absolute, repair them where that is safe, refuse those that run code."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from feedmirror.model import Revision
from feedmirror.text.hosts import ascii_host
from feedmirror.text.patterns import pattern

# Characters that may stand in a path, a query or a fragment. Source: RFC 3986 §3.3 to §3.5.
_SAFE = "%:/?@!$&'()*+,;=-._~"
_INVALID = pattern(r"[^!#$%&'()*+,\-./:;=?@A-Za-z0-9_~]|%(?![0-9A-Fa-f]{2})|#[^#]*#")
# White space, and invisible characters: marks of direction, joiners, byte order marks.
_STRIPPED = "".join(
    map(
        chr,
        (
            *range(33),
            *(0x7F, 0xA0, 0xAD, 0x61C, 0x1680, 0x180E, 0x205F, 0x3000, 0xFEFF),
            *range(0x2000, 0x200B),
            *range(0x200B, 0x2010),
            *range(0x2028, 0x2030),
            *range(0x2060, 0x2070),
        ),
    )
)
_CONTROL = pattern(r"[\x00-\x1f\x7f]")
_LONGEST = 8_000  # characters: as many as RFC 9110 §4.1 asks all software to support
_WEB = pattern(r"https?://", re.IGNORECASE)
# Characters that a browser ignores before and within a scheme, and more.
_INVISIBLE = pattern(r"[\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028\u2060\ufeff]")
_SCHEME = pattern(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")

# Schemes that links and enclosures may have, since they run no code. Browsers run javascript:,
# vbscript: and data:, and read file: and blob:; feed: and its like may hold any other scheme.
LINK_SCHEMES = frozenset(
    "http https mailto tel sms geo magnet ed2k nostr lightning bitcoin xmpp sip sips irc ircs "
    "matrix ftp ftps sftp rtmp rtmps rtsp mms ipfs ipns dat gemini gopher nntp news webcal".split()
)
# Schemes that attributes of extension elements may have, too: identifiers of accounts or books, and
# addresses for special programs.
_HARMLESS = LINK_SCHEMES | frozenset(
    "urn tag doi info isbn oai hdl cid mid acct did at skype tg signal whatsapp feed itpc pcast "
    "podcast rss rtp mmsh dweb bzz hyper ssb git svn ssh telnet spotify steam itms itmss "
    "market".split()
)


def trimmed(url: str) -> str:
    """Return the address without white space and invisible characters at its ends."""
    return url.strip(_STRIPPED)


def absolute(url: str | None, base: str | None) -> str | None:
    """Return `url` as an absolute http or https URI, resolved against `base`; None if impossible.

    Removes white space at the ends, and line breaks and tabs within, as browsers do. Converts the
    host to ASCII and percent-encodes characters that no URI may hold. A valid URI is returned
    unchanged. Source: RFC 3986, RFC 3987 §3.1, WHATWG URL §4.4.
    """
    if url is None:
        return None
    cleaned = _CONTROL.sub("", trimmed(url))
    if not cleaned or len(cleaned) > _LONGEST:
        return None
    try:
        joined = urljoin(base, cleaned) if base and not _WEB.match(cleaned) else cleaned
        if not _WEB.match(joined):
            return None
        return _repaired(joined) if _INVALID.search(joined) else _checked(joined)
    except ValueError:
        return None


def link_address(url: str | None, base: str | None) -> str | None:
    """Return `url` as an absolute address that a link may have; None if `url` is no such address.

    As `absolute`, but with all schemes of `LINK_SCHEMES`.
    """
    found = absolute(url, base)
    if found or url is None:
        return found
    cleaned = _CONTROL.sub("", trimmed(url))
    scheme, colon, rest = cleaned.partition(":")
    if scheme.lower() not in LINK_SCHEMES or _WEB.match(cleaned) or len(cleaned) > _LONGEST:
        return None
    if scheme.lower() in {"http", "https"} or not rest.strip("/?#"):
        return None
    if _INVALID.search(rest):
        rest = "#".join(_percent_encoded(part) for part in rest.split("#", 1))
    return f"{scheme.lower()}{colon}{rest}"


def scheme_of(url: str) -> str | None:
    """Return the scheme in lower case, as browsers parse it; None for a relative address.

    Like browsers, ignores invisible characters before and within the scheme.
    """
    scheme = _SCHEME.match(_INVISIBLE.sub("", url))
    return scheme[0].lower() if scheme else None


def _checked(url: str) -> str | None:
    parts = urlsplit(url)
    host = parts.hostname
    named = host and (":" in host or ascii_host(host))
    # Reading the port validates it.
    return url if named and (parts.port is None or parts.port >= 0) else None


def _repaired(url: str) -> str | None:
    parts = urlsplit(url)
    if not parts.hostname or "\\" in parts.netloc:  # a backslash is a slash to browsers
        return None
    user, at, host = parts.netloc.rpartition("@")
    if not host.startswith("["):
        name, colon, port = host.partition(":")
        host = ascii_host(name) + colon + port
    rest = (_percent_encoded(part) for part in (parts.path, parts.query, parts.fragment))
    return _checked(urlunsplit((parts.scheme, _percent_encoded(user) + at + host, *rest)))


def _percent_encoded(part: str) -> str:
    return quote(re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", part), safe=_SAFE)


def harmless(url: str, base: str | None) -> str | None:
    """Return an address that runs no code, for an attribute of an extension element.

    Makes a relative address absolute; keeps the addresses of other schemes, which may identify an
    account or a payment, unchanged. None for an address that software might run.
    """
    scheme, bare = scheme_of(url), trimmed(url)
    if scheme is None or _WEB.match(bare):
        return absolute(bare, base) or bare
    return bare if scheme in _HARMLESS else None


def is_web(url: str) -> bool:
    """True if `url` is a full http or https address, as `isPermaLink` requires."""
    return absolute(url, None) == url


_WEB_IRI = frozenset({"http", "https", "ftp"})
EXECUTED = frozenset("javascript vbscript livescript data file blob about".split())
_UUID = r"urn:uuid:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
# The syntax of identifiers of these schemes. Source: RFC 8141 §2 (urn),
# RFC 9562 §4 (urn:uuid), RFC 4151 §2.1 (tag).
_OWN_SYNTAX = {
    "urn": rf"{_UUID}|urn:(?!uuid:)[a-z0-9][a-z0-9-]{{0,30}}[a-z0-9]:[^/?#].*",
    "tag": r"tag:(?:[\w.-]+@)?[a-z0-9.-]+,[0-9]{4}(?:-[0-9]{2}){0,2}:.*",
}


def iri_of(revision: Revision) -> str:
    """Return the public id of an entry, in every format: its guid, if that is an IRI.

    Of a guid that is no IRI (a number, a word), a UUID is derived. Source: RFC 4287 §4.2.6.
    """
    return revision.guid if is_iri(revision.guid) else urn_of(revision.key)


def urn_of(key: str) -> str:
    """Return the UUID of an entry whose guid is no IRI, made of its key, 32 hex digits.

    Source: RFC 9562 §5.8, version 8.
    """
    value = (int(key, 16) & ~(0xF << 76) & ~(0x3 << 62)) | (8 << 76) | (2 << 62)
    digits = f"{value:032x}"
    return f"urn:uuid:{'-'.join(digits[a:b] for a, b in pairwise((0, 8, 12, 16, 20, 32)))}"


def is_iri(text: str) -> bool:
    """True if `text` is a full IRI that is safe as an id, which some readers take for a link.

    False for an IRI whose host is an IPv6 address. Source: RFC 3987 §2.2.
    """
    scheme, colon, rest = text.partition(":")
    if not colon or not rest or _pattern("forbidden").search(text):
        return False
    if not _pattern("scheme").fullmatch(scheme):
        return False
    scheme = scheme.lower()
    if scheme in _WEB_IRI:
        return rest.startswith("//") and _has_host(text)
    own = scheme not in _OWN_SYNTAX or _pattern(scheme).fullmatch(text) is not None
    return own and scheme not in EXECUTED


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.port or 0) >= 0  # reading the port validates it
    except ValueError:
        return False


@cache
def _pattern(name: str) -> re.Pattern[str]:
    """Return a compiled pattern; compiled at the first use, since most runs use no pattern."""
    letters = "\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef\U00010000-\U000efffd"
    allowed = rf"!#$%&'()*+,\-./:;=?@A-Za-z0-9_~{letters}"
    patterns = {
        "forbidden": rf"[^{allowed}]|%(?![0-9A-Fa-f]{{2}})|#[^#]*#",
        "scheme": r"[A-Za-z][A-Za-z0-9+.-]*",
    }
    return re.compile((patterns | _OWN_SYNTAX)[name], re.IGNORECASE | re.ASCII)
