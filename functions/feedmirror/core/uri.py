"""Addresses: made absolute, mended where that is safe, dropped where they could do harm."""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

# Characters that may stand in a URI as they are. Source: RFC 3986 §2, and `%` for what is encoded.
_SAFE = "%:/?#[]@!$&'()*+,;=-._~"
_SAFE_AFTER_HOST = _SAFE.replace("[", "").replace("]", "")
_UGLY = re.compile(r"[^!#$%&'()*+,\-./:;=?@A-Za-z0-9_~\[\]]|%(?![0-9A-Fa-f]{2})")
_STRIPPED = "".join(map(chr, range(33))) + "\x7f\xa0\ufeff\u200b"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def absolute(url: str | None, base: str | None) -> str | None:
    """`url` as an absolute http or https URI, resolved against `base`, or None if it is not one.

    White space around it goes; line breaks and tabs within are removed as browsers do; characters
    that no URI may hold are percent-encoded, a host's are put in their ASCII form. What was valid
    stays byte for byte. Source: RFC 3986, RFC 3987 §3.1, WHATWG URL §4.4.
    """
    if url is None:
        return None
    cleaned = _CONTROL.sub("", url.strip(_STRIPPED))
    if not cleaned:
        return None
    try:
        joined = urljoin(base, cleaned) if base else cleaned
        if not joined[:8].lower().startswith(("http://", "https://")):
            return None
        if not _UGLY.search(joined) and "[" not in joined:
            return joined if urlsplit(joined).hostname else None
        return _mended(joined)
    except ValueError:
        return None


def _mended(url: str) -> str | None:
    parts = urlsplit(url)
    host = parts.netloc
    if not parts.hostname or "\\" in host or " " in host:
        return None
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    path, query, fragment = (
        quote(re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", part), safe=_SAFE_AFTER_HOST)
        for part in (parts.path, parts.query, parts.fragment)
    )
    return urlunsplit((parts.scheme, host, path, query, fragment))


def is_web(url: str) -> bool:
    """Whether `url` is a full http or https address, as `isPermaLink` needs it."""
    return absolute(url, None) == url
