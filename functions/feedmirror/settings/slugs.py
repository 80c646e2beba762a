"""Slugs: the names of feeds, which are part of the public address and of every key."""

from __future__ import annotations

import re
from hashlib import blake2b

from feedmirror.model import Subscription

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
SLUG_ACCEPTED = (
    "a name of a-z, 0-9 and -, 63 characters at most, which neither begins nor ends with -"
)

# What web servers, browsers and crawlers ask for.
_ASKED_FOR = "404 500 error errors favicon humans index manifest robots security sitemap well-known"
# Where sites keep what their pages need.
_PAGES = "assets css fonts icons images img js media public static style styles theme"
# What this program may come to publish beside the feeds.
_PLANNED = (
    "about admin all api archive archives catalog entries entry export feed feedmirror feeds "
    "health help hub import latest login metrics new opml ping search state status websub"
)
# The store's own words.
_STORE = "data locks private tmp"

# Feeds are served as public_url/SLUG/..., beside whatever else a site has at its top. A feed of
# one of these names would take the place of such a file, of one that a later version may put
# there, or of the store's own prefixes, and could not be renamed without losing its readers.
RESERVED_SLUGS = frozenset(f"{_ASKED_FOR} {_PAGES} {_PLANNED} {_STORE}".split())

_MAX_CHARS = 63
_ODD = re.compile(r"[^A-Za-z0-9./_~@:+\[\]-]")  # which words leave out
_NOISE = frozenset({"www", "feeds", "feed", "rss"})  # first label of a host
_FORMATS = "atom default feed feeds htm html index json php rdf rss rss2 rss20 xml"


def slug_of(url: str) -> str:
    """A slug to propose for any address: valid, never reserved, and the same each time.

    Made of the host and the words of the path. Words at the end that only name a format are
    left out, so `/feed` and `/rss.xml` of one site share a slug; so do addresses that differ
    only in letter case or punctuation. What tells feeds apart otherwise (a query, other letters
    than ASCII's, too long a path, a key) is kept as a digest of eight digits. No secret becomes
    part of the slug, and none that could be guessed part of the digest.
    """
    # Here: what it takes is slow to import, and rarely needed.
    from feedmirror.text.secrets import secrets_of, shown_address, unguessable_address  # noqa: PLC0415

    address = url.strip()
    shown = shown_address(address, secrets_of(Subscription("", address)))
    told = unguessable_address(address)
    (host, path, query), (_, shown_path, _) = _parts(told), _parts(shown)
    slug = "-".join(_host_words(host) + _path_words(shown_path))
    lost = told != shown or bool(query) or bool(_ODD.search(f"{host}/{path}"))
    if lost or len(slug) > _MAX_CHARS or not slug:
        digest = blake2b(
            f"{host}/{path}?{query}".encode(errors="replace"), digest_size=4
        ).hexdigest()
        slug = f"{slug[: _MAX_CHARS - 9].strip('-') or 'mirror'}-{digest}"
    return f"{slug}-feed" if slug in RESERVED_SLUGS else slug


def _parts(url: str) -> tuple[str, str, str]:
    """Host, path and query. Neither user name nor password is part of any."""
    bare = re.sub(r"^[a-z][a-z0-9+.-]*://", "", url, flags=re.IGNORECASE)
    place, _, query = bare.partition("#")[0].partition("?")
    authority, _, path = place.partition("/")
    return authority.rpartition("@")[2], path, query


def slug_meant(name: str) -> str:
    """What was probably meant by a name that is no slug, or is reserved; empty for no idea."""
    words = "-".join(re.findall("[a-z0-9]+", name.lower()))[:_MAX_CHARS].strip("-")
    return f"{words}-feed" if words in RESERVED_SLUGS else words


def _host_words(host: str) -> list[str]:
    labels = re.findall("[a-z0-9-]*[a-z0-9]", re.sub(r":(80|443)?$", "", host.lower()))
    if len(labels) > 2 and labels[0] in _NOISE:
        labels = labels[1:]
    return [word for label in labels for word in re.findall("[a-z0-9]+", label)]


def _path_words(path: str) -> list[str]:
    words = re.findall("[a-z0-9]+", re.sub("%[0-9A-Fa-f]{2}", "-", path).lower())
    while words and words[-1] in _FORMATS.split():
        words.pop()
    return words
