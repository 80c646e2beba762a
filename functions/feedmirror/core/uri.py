"""Addresses: made absolute, mended where that is safe, dropped where they could do harm."""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from feedmirror.core.host import ascii_host

# Characters that may stand in a path, a query or a fragment. Source: RFC 3986 §3.3 to §3.5.
_SAFE = "%:/?@!$&'()*+,;=-._~"
_UGLY = re.compile(r"[^!#$%&'()*+,\-./:;=?@A-Za-z0-9_~]|%(?![0-9A-Fa-f]{2})|#[^#]*#")
# White space, and marks that nobody sees: of direction, of joining, of the order of bytes.
_STRIPPED = "".join(
    map(
        chr,
        (
            *range(33),
            *(0x7F, 0xA0, 0xAD, 0x61C, 0xFEFF),
            *range(0x200B, 0x2010),
            *range(0x2028, 0x2030),
            *range(0x2060, 0x2070),
        ),
    )
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST = 8_000  # characters, which everybody is to support, and few do more. RFC 9110 §4.1
_WEB = re.compile(r"https?://", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")

# Schemes that lead to something and run nothing. What another vocabulary's attribute holds of any
# other scheme is dropped: browsers run javascript:, vbscript: and data:, read file: and blob:.
_HARMLESS = frozenset(
    "http https mailto tel sms geo magnet urn tag doi info isbn oai hdl cid mid acct did at nostr "
    "lightning bitcoin xmpp sip sips irc ircs matrix skype tg signal whatsapp webcal feed itpc "
    "pcast podcast rss ftp ftps sftp rtmp rtmps rtsp rtp mms mmsh ipfs ipns dweb bzz hyper dat "
    "gemini gopher nntp news ssb ed2k git svn ssh telnet spotify steam itms itmss market".split()
)


def trimmed(url: str) -> str:
    """Return the address without the white space and the invisible marks around it."""
    return url.strip(_STRIPPED)


def absolute(url: str | None, base: str | None) -> str | None:
    """`url` as an absolute http or https URI, resolved against `base`, or None if it is not one.

    White space around it goes; line breaks and tabs within are removed as browsers do; characters
    that no URI may hold are percent-encoded, a host's are put in their ASCII form. What was valid
    stays byte for byte. Source: RFC 3986, RFC 3987 §3.1, WHATWG URL §4.4.
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
        return _mended(joined) if _UGLY.search(joined) else _checked(joined)
    except ValueError:
        return None


def _checked(url: str) -> str | None:
    parts = urlsplit(url)
    host = parts.hostname
    named = host and (":" in host or ascii_host(host))
    # Reading the port checks it.
    return url if named and (parts.port is None or parts.port >= 0) else None


def _mended(url: str) -> str | None:
    parts = urlsplit(url)
    if not parts.hostname or "\\" in parts.netloc:  # which browsers take for a slash
        return None
    user, at, host = parts.netloc.rpartition("@")
    if not host.startswith("["):
        name, colon, port = host.partition(":")
        host = ascii_host(name) + colon + port
    rest = (_quoted(part) for part in (parts.path, parts.query, parts.fragment))
    return _checked(urlunsplit((parts.scheme, _quoted(user) + at + host, *rest)))


def _quoted(part: str) -> str:
    return quote(re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", part), safe=_SAFE)


def harmless(url: str, base: str | None) -> str | None:
    """An address of any scheme that runs nothing, absolute where it was relative to a web page, as
    it is where it is neither; None for one that a reader's program might run.

    For attributes of other vocabularies, which may name an account or a payment.
    """
    # A browser ignores these before and within a scheme.
    scheme = _SCHEME.match(re.sub(r"[\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028\ufeff]", "", url))
    if scheme is None or _WEB.match(url):
        return absolute(url, base) or url
    return url if scheme[0].lower() in _HARMLESS else None


def is_web(url: str) -> bool:
    """Whether `url` is a full http or https address, as `isPermaLink` needs it."""
    return absolute(url, None) == url
