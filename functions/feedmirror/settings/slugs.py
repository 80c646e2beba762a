"""Slugs: validate feed names, which are part of public URLs and store keys, and propose them."""

from __future__ import annotations

import re
from hashlib import blake2b

from feedmirror.model import Subscription

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
SLUG_ACCEPTED = (
    "a name of a-z, 0-9 and -, 63 characters at most, which neither begins nor ends with -"
)

# Requested by web servers, browsers and crawlers.
_REQUESTED = "404 500 error errors favicon humans index manifest robots security sitemap well-known"
# Usual folders for the assets of a site.
_ASSETS = "assets css fonts icons images img js media public static style styles theme"
# Names that feedmirror may publish beside the feeds in the future.
_PLANNED = (
    "about admin all api archive archives catalog entries entry export feed feedmirror feeds "
    "health help hub import latest login metrics new opml ping search state status websub"
)
# Prefixes of the store.
_STORE = "data locks private tmp"

# Feeds are served as public_url/SLUG/, beside the other files of a site. A feed with one of these
# names would hide such a file, or a file of a later version, and could not be renamed without
# losing its subscribers.
RESERVED_SLUGS = frozenset(f"{_REQUESTED} {_ASSETS} {_PLANNED} {_STORE}".split())

MAX_CHARS = 63
_ODD = re.compile(r"[^A-Za-z0-9./_~@:+\[\]-]")  # characters that a slug drops
_NOISE = frozenset({"www", "feeds", "feed", "rss"})  # first label of a host
_FORMATS = "atom default feed feeds htm html index json php rdf rss rss2 rss20 xml"


def slug_of(url: str) -> str:
    """Return a slug for any address: valid, never reserved, deterministic.

    Made of the host and the words of the path. Trailing words that name a format are dropped, so
    `/feed` and `/rss.xml` of one site have the same slug; so have addresses that differ in letter
    case or punctuation only. Any other difference (a query, non-ASCII letters, a long path, a
    secret) becomes a digest of eight digits. The slug contains no secret, and its digest covers
    no secret that could be guessed.
    """
    # Imported late: slow, and rarely needed.
    from feedmirror.text.secrets import secrets_of, shown_address, unguessable_address  # noqa: PLC0415

    address = url.strip()
    shown = shown_address(address, secrets_of(Subscription("", address)))
    hashed = unguessable_address(address)
    (host, path, query), (_, shown_path, _) = _parts(hashed), _parts(shown)
    slug = "-".join(_host_words(host) + _path_words(shown_path))
    lost = hashed != shown or bool(query) or bool(_ODD.search(f"{host}/{path}"))
    if lost or len(slug) > MAX_CHARS or not slug:
        digest = blake2b(
            f"{host}/{path}?{query}".encode(errors="replace"), digest_size=4
        ).hexdigest()
        slug = f"{slug[: MAX_CHARS - 9].strip('-') or 'mirror'}-{digest}"
    return f"{slug}-feed" if slug in RESERVED_SLUGS else slug


def _parts(url: str) -> tuple[str, str, str]:
    """Return host, path and query, without user name and password."""
    bare = re.sub(r"^[a-z][a-z0-9+.-]*://", "", url, flags=re.IGNORECASE)
    place, _, query = bare.partition("#")[0].partition("?")
    authority, _, path = place.partition("/")
    return authority.rpartition("@")[2], path, query


def suggested_slug(name: str) -> str:
    """Return a slug similar to an invalid or reserved name; empty without a proposal."""
    words = "-".join(re.findall("[a-z0-9]+", name.lower()))[:MAX_CHARS].strip("-")
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
