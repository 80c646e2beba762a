"""Compared forms and digests of entries: to identify entries, and to find what has changed.

Compared forms are never published. Three kinds of content differ: what a reader sees (title, words,
links, the number of pictures), whose change is a revision; particulars (addresses of files and
pictures, dates, people, other vocabularies), which follow quietly; and counters, which cause no
write by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from unicodedata import normalize
from urllib.parse import quote

from msgspec import json
from msgspec.structs import replace

from feedmirror.model import Entry, Revision
from feedmirror.text.plain import folded

_NAMED = r"(?<=[?&;])(?:{})=[^&#\s\"'<>]*"
# Where a reader came from: parameters that lead nowhere else.
_TRACKING = (
    r"utm_\w+|at_\w+|mc_[ce]id|fbclid|gclid|dclid|msclkid|igshid|yclid|cmpid|ns_\w+|wt_mc"
    r"|__twitter_impression|ref_src|mkt_tok|_hsenc|_hsmi|oly_\w+|vero_\w+"
)
# Until when, and for whom, an address holds.
_EXPIRING = (
    r"(?:x-amz|x-goog)-[\w-]+|awsaccesskeyid|googleaccessid|key-pair-id|policy|signature|sig|sign"
    r"|hmac|hash|md5|token(?:[-_]\w+)?|\w+[-_]token|expires?|expiry|exp|validto|validfrom|hdne[at]s?"
    r"|verify|se|sp|sv|st|oe|oh|_nc_\w+|ccb|auth_key|ssig|cf_sign"
)
_WHO_CAME = re.compile(_NAMED.format(_TRACKING), re.IGNORECASE)
_PASSING = re.compile(_NAMED.format(f"(?:amp;)?(?:{_TRACKING}|{_EXPIRING})"), re.IGNORECASE)
_NO_VALUE = re.compile(r"(?<=[?&])(?:&amp;|&)+|[?&]+(?=#|$)")

_COUNTERS = (
    r"media:statistics|media:starRating|slash:comments|slash:hit_parade|thr:total|lj:reply-count"
    r"|gd:rating|gd:feedLink|yt:statistics|nyaa:(?:seeders|leechers|downloads|comments)"
    r"|torrent:(?:seeds|peers|verified)|(?:torznab|newznab):attr name=\"(?:seeders|peers|leechers"
    r"|grabs|comments)\""
)
_COUNTER = re.compile(rf"<(?:{_COUNTERS})\b[^<>]*(?:/>|>[^<]*</[^<>]+>)")
_COUNTED = re.compile(r"\s(?:thr:(?:count|updated)|countHint)=\"[^\"]*\"")

_TAG = re.compile(r"<(?P<end>/?)(?P<name>[a-z][a-z0-9]*)(?P<rest>(?>(?:[^<>\"]|\"[^\"]*\")*))>")
_INLINE = frozenset(
    "a abbr b bdi bdo cite code data del dfn em font i ins kbd mark q s samp small span strong "
    "strike sub sup time tt u var wbr".split()
)
_ADDRESS = re.compile(r"\b(?:href|cite)=\"([^\"]*)\"")
_PICTURES = frozenset({"img"})
# A run of letters and digits; in scripts without spaces between words each character is one.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")
_NORMALISED = 1_000  # characters: normalisation takes time that grows with the square of marks
_LEAST_SHARED = 3  # an edit leaves one word in so many


def digest(*parts: str) -> str:
    """Return the digest of texts: 128 bits, lowercase hex."""
    joined = "\0".join(parts).encode("utf-8", "surrogatepass")
    return blake2b(joined, digest_size=16).hexdigest()


# ---------------------------------------------------------------- identifiers


def compared(identifier: str) -> str:
    """Return the form of a GUID or link that is compared: equal for what means the same entry.

    White space around it, Unicode normalisation, and of web addresses http or https, the case of
    the host and of percent-encoding, and tracking parameters make no difference.
    """
    text = identifier.strip()
    if len(text) <= _NORMALISED:
        text = normalize("NFC", text)
    scheme, colon, rest = text.partition("://")
    if not colon or scheme.lower() not in {"http", "https"}:
        return text
    host, slash, path = rest.partition("/")
    quoted = quote(f"{slash}{path}", safe="!#$%&'()*+,/:;=?@[]~", errors="replace")
    path = re.sub("%[0-9a-f]{2}", lambda found: found[0].upper(), quoted)
    return f"http://{host.lower()}{without_parameters(path, _WHO_CAME)}"


def without_parameters(address: str, those: re.Pattern[str] = _PASSING) -> str:
    """Return an address without parameters that say nothing of where it leads."""
    return _NO_VALUE.sub("", those.sub("", address)) if "=" in address else address


# ---------------------------------------------------------------- words


def compared_words(body: str | None) -> str:
    """Return the words of sanitised HTML, white space folded."""
    if not body:
        return ""
    return folded(_TAG.sub(lambda tag: "" if tag["name"] in _INLINE else " ", body))


def _seen_in(body: str | None) -> Iterator[str]:
    """Yield what a reader sees of a body: the words, where links lead, how many pictures."""
    yield compared_words(body)
    pictures = 0
    for tag in _TAG.finditer(body or ""):
        pictures += tag["name"] in _PICTURES
        if tag["name"] in {"a", "blockquote", "q", "area"}:
            yield from map(without_parameters, _ADDRESS.findall(tag["rest"]))
    yield str(pictures)


def shares_words(entry: Entry, other: Entry) -> bool:
    """Return whether one is likely an edit of the other: of the shorter one's words a third are in
    the other's, too. Where one has no words, the titles count.
    """
    ours, theirs = (
        _vocabulary(compared_words(one.content or one.summary)) for one in (entry, other)
    )
    if not ours or not theirs:
        ours, theirs = _vocabulary(entry.title or ""), _vocabulary(other.title or "")
    return len(ours & theirs) * _LEAST_SHARED >= min(len(ours), len(theirs))


def _vocabulary(words: str) -> set[str]:
    return set(_WORD.findall(words.casefold()))


# ---------------------------------------------------------------- digests


def revision_digest(entry: Entry) -> str:
    """Return a digest of what a reader sees: title, words, where links lead, number of pictures."""
    return digest(
        "revision",
        " ".join((entry.title or "").split()),
        without_parameters(entry.link or ""),
        *_seen_in(entry.summary),
        *_seen_in(entry.content),
    )


def contents_digest(entry: Entry) -> str:
    """Return a digest of what tells entries apart that have their identifier and link in common:
    title, words and enclosures.
    """
    return digest(
        "contents",
        " ".join((entry.title or "").split()),
        compared_words(entry.summary),
        compared_words(entry.content),
        *(without_parameters(one.url) for one in entry.enclosures),
    )


def particulars_digest(entry: Entry) -> str:
    """Return a digest of all else that comes through but for counters and dates: 64 bits."""
    return digest("particulars", _particulars(entry))[:16]


def date_of(revision: Revision) -> int | None:
    """Return the date that an entry is published with, in seconds since the epoch."""
    published = revision.entry.published
    return int(published.timestamp()) if published else None


def is_renewed(entry: Entry, known: Entry) -> bool:
    """Return whether the two differ in nothing but expiring parameters of addresses."""
    ours, theirs = _particulars(entry), _particulars(known)
    return ours != theirs and _PASSING.sub("", ours) == _PASSING.sub("", theirs)


def _particulars(entry: Entry) -> str:
    lasting = replace(
        entry,
        guid=None,  # frozen as it was first published
        guid_is_permalink=False,
        published=None,
        updated=None,
        original=None,
        context=None,
        extension_elements=tuple(map(_uncounted, entry.extension_elements)),
    )
    return json.encode(lasting).decode()


def _uncounted(fragment: str) -> str:
    """Return the fragment of XML without what counts views, comments, ratings and the like."""
    return _COUNTED.sub("", _COUNTER.sub("", fragment))
