"""Addresses: made absolute, mended where that is safe, dropped where they could do harm."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from feedmirror.model import Revision
from feedmirror.text.hosts import ascii_host

# Characters that may stand in a path, a query or a fragment. Source: RFC 3986 §3.3 to §3.5.
_SAFE = "%:/?@!$&'()*+,;=-._~"
_UGLY = re.compile(r"[^!#$%&'()*+,\-./:;=?@A-Za-z0-9_~]|%(?![0-9A-Fa-f]{2})|#[^#]*#")
# White space, and marks that nobody sees: of direction, of joining, of the order of bytes.
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
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST = 8_000  # characters, which everybody is to support, and few do more. RFC 9110 §4.1
_WEB = re.compile(r"https?://", re.IGNORECASE)
# What a browser ignores before and within a scheme, and more.
_INVISIBLE = re.compile(r"[\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028\u2060\ufeff]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")

# Schemes that lead to something and run nothing: links and enclosures of these come through.
# Browsers run javascript:, vbscript: and data:, read file: and blob:; feed: and its like may hold
# an address of any other scheme.
LEADING = frozenset(
    "http https mailto tel sms geo magnet ed2k nostr lightning bitcoin xmpp sip sips irc ircs "
    "matrix ftp ftps sftp rtmp rtmps rtsp mms ipfs ipns dat gemini gopher nntp news webcal".split()
)
# What an attribute of another vocabulary may hold besides: the name of an account or a book, or an
# address for one sort of program.
_HARMLESS = LEADING | frozenset(
    "urn tag doi info isbn oai hdl cid mid acct did at skype tg signal whatsapp feed itpc pcast "
    "podcast rss rtp mmsh dweb bzz hyper ssb git svn ssh telnet spotify steam itms itmss "
    "market".split()
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


def leading(url: str | None, base: str | None) -> str | None:
    """Return `url` as `absolute` does, or as it is where its scheme is another of `LEADING`; None
    if it is neither.
    """
    found = absolute(url, base)
    if found or url is None:
        return found
    cleaned = _CONTROL.sub("", trimmed(url))
    scheme, colon, rest = cleaned.partition(":")
    if scheme.lower() not in LEADING or _WEB.match(cleaned) or len(cleaned) > _LONGEST:
        return None
    if scheme.lower() in {"http", "https"} or not rest.strip("/?#"):
        return None
    if _UGLY.search(rest):
        rest = "#".join(_quoted(part) for part in rest.split("#", 1))
    return f"{scheme.lower()}{colon}{rest}"


def scheme_of(url: str) -> str | None:
    """Return the scheme in small letters as a browser reads it, whatever stands before and in it;
    None for a relative address.
    """
    scheme = _SCHEME.match(_INVISIBLE.sub("", url))
    return scheme[0].lower() if scheme else None


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
    scheme, bare = scheme_of(url), trimmed(url)
    if scheme is None or _WEB.match(bare):
        return absolute(bare, base) or bare
    return bare if scheme in _HARMLESS else None


def is_web(url: str) -> bool:
    """Whether `url` is a full http or https address, as `isPermaLink` needs it."""
    return absolute(url, None) == url


_WEB_IRI = frozenset({"http", "https", "ftp"})
EXECUTED = frozenset("javascript vbscript livescript data file blob about".split())
_UUID = r"urn:uuid:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
# Of the schemes that ids are made of, the whole of their own syntax. Source: RFC 8141 §2 (urn),
# RFC 9562 §4 (urn:uuid), RFC 4151 §2.1 (tag).
_OWN_SYNTAX = {
    "urn": rf"{_UUID}|urn:(?!uuid:)[a-z0-9][a-z0-9-]{{0,30}}[a-z0-9]:[^/?#].*",
    "tag": r"tag:(?:[\w.-]+@)?[a-z0-9.-]+,[0-9]{4}(?:-[0-9]{2}){0,2}:.*",
}


def iri_of(revision: Revision) -> str:
    """The public id: the guid wherever it is an IRI. What else a guid may be (a number, a word)
    gets one derived, the same in every format. Source: RFC 4287 §4.2.6.
    """
    return revision.guid if is_iri(revision.guid) else urn_of(revision.key)


def urn_of(key: str) -> str:
    """An id for an entry that has none. Source: RFC 9562 §5.8, version 8: a digest of our own."""
    value = (int(key, 16) & ~(0xF << 76) & ~(0x3 << 62)) | (8 << 76) | (2 << 62)
    digits = f"{value:032x}"
    return f"urn:uuid:{'-'.join(digits[a:b] for a, b in pairwise((0, 8, 12, 16, 20, 32)))}"


def is_iri(text: str) -> bool:
    """Whether `text` is a full IRI that names something and runs nothing: some readers take an id
    for a link. One with an address of IPv6 passes for none. Source: RFC 3987 §2.2.
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
        return bool(parts.hostname) and (parts.port or 0) >= 0  # reading the port checks it
    except ValueError:
        return False


@cache
def _pattern(name: str) -> re.Pattern[str]:
    """Compiled when it is first needed: a poll that finds nothing new needs none of them."""
    letters = "\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef\U00010000-\U000efffd"
    allowed = rf"!#$%&'()*+,\-./:;=?@A-Za-z0-9_~{letters}"
    patterns = {
        "forbidden": rf"[^{allowed}]|%(?![0-9A-Fa-f]{{2}})|#[^#]*#",
        "scheme": r"[A-Za-z][A-Za-z0-9+.-]*",
    }
    return re.compile((patterns | _OWN_SYNTAX)[name], re.IGNORECASE | re.ASCII)
