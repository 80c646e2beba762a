"""Keys of all objects in a store, what is a key, media type and Cache-Control of public objects.

    state/SLUG.json                           the state of a feed: its write-ahead log
    state/index                               the feed index: a cache of the states
    data/SLUG/entries/KEY/REVISION.N.json     records: the stored revisions of its entries
    data/SLUG/removed/KEY.json                tombstones: entries that were taken down
    data/SLUG/removed/KEY.REVISION.json       tombstones of single revisions
    data/SLUG/hidden/KEY.json                 words of an entry that is hidden, and may be restored
    data/redaction.key                        key of the digests that replace secrets
    data/deployments.json                     which build or rebuild is the newest one
    data/renewals.json                        how many pages the function has renewed today
    public/SLUG/rss.xml …                     its feeds and its page
    public/SLUG/archive/PAGE/rss.xml …        its archive pages (RFC 5005)
    public/SLUG/entries/KEY.html              the pages of its entries
    public/index.html …                       the documents of the site

Readers are served `public/` only.
"""

from __future__ import annotations

import re

from feedmirror.errors import ObjectError, StoreError

MOST_BYTES = 256 * 1024 * 1024  # of an object; objects are read into memory as a whole

_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}"  # 255 bytes: the longest name of a file
_KEY = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
MOST_KEY_BYTES = (
    1024  # of S3, and so of every store. Source: S3 User Guide, "Naming Amazon S3 objects"
)

PUBLIC = "public/"
DATA = "data/"  # records and tombstones by slug, and the objects of the whole store below
STATES = "state/"  # flat: the states of the feeds in the store, and their index
FEED_INDEX = f"{STATES}index"
REDACTION_KEY = f"{DATA}redaction.key"
DEPLOYMENTS = f"{DATA}deployments.json"
RENEWALS = f"{DATA}renewals.json"

# The documents of a feed and of an archive page: feeds in each format, and the HTML page.
ATOM_XML, FEED_JSON, RSS_XML, INDEX_HTML = "atom.xml", "feed.json", "rss.xml", "index.html"
FEEDS = (ATOM_XML, FEED_JSON, RSS_XML)
FEED_DOCUMENTS = (*FEEDS, INDEX_HTML)
# The documents of the site. The name of the style sheet contains its digest.
NOT_FOUND, OPML, REMOVED, STATUS = "404.html", "feeds.opml", "removed.html", "status.json"
SITE_DOCUMENTS = (INDEX_HTML, NOT_FOUND, OPML, REMOVED, STATUS)

RECORD_TYPE = "application/json"  # of records and states
HTML, CSS = "text/html; charset=utf-8", "text/css; charset=utf-8"
MEDIA_TYPES = {
    ATOM_XML: "application/atom+xml; charset=utf-8",
    FEED_JSON: "application/feed+json; charset=utf-8",
    RSS_XML: "application/rss+xml; charset=utf-8",
    INDEX_HTML: HTML,
    NOT_FOUND: HTML,
    REMOVED: HTML,
    OPML: "text/x-opml; charset=utf-8",
    STATUS: "application/json",
}

_CACHING = (  # the first matching pattern counts
    # The name contains the digest, so a page never gets the style sheet of another version.
    (re.compile(rf"{PUBLIC}style-[^/]+\.css"), "max-age=31536000, immutable"),
    # An archive page is complete. It is written again by a rebuild, and once for the link to the
    # next page; readers may see both a day late.
    (re.compile(rf"{PUBLIC}[^/]+/archive/.+"), "max-age=86400, stale-while-revalidate=60"),
    # Edits at the origin should appear soon.
    (re.compile(rf"{PUBLIC}[^/]+/entries/.+"), "max-age=3600, stale-while-revalidate=60"),
    # A third of the default `every`. For a minute after that, a cache may serve the stale copy
    # while it revalidates.
    (re.compile(rf"{PUBLIC}.+"), "max-age=300, stale-while-revalidate=60"),
)
_PRIVATE = "no-store"  # in case a private object is ever served by mistake


def state_key(slug: str) -> str:
    """Return the key of a feed's state."""
    return f"{STATES}{slug}.json"


def slug_of_state(key: str) -> str | None:
    """Return the slug of the feed whose state has that key; None for any other key."""
    name = key.removeprefix(STATES)
    return name.removesuffix(".json") if name.endswith(".json") and "/" not in name else None


def records_prefix(slug: str) -> str:
    """Return the key prefix of a feed's records."""
    return f"{DATA}{slug}/entries/"


def tombstones_prefix(slug: str) -> str:
    """Return the key prefix of the tombstones of a feed."""
    return f"{DATA}{slug}/removed/"


def tombstone_key(slug: str, name: str) -> str:
    """Return the key of a tombstone, by its name: KEY, or KEY.REVISION."""
    return f"{tombstones_prefix(slug)}{name}.json"


def hidden_key(slug: str, key: str) -> str:
    """Return the key of the words of an entry that is hidden."""
    return f"{DATA}{slug}/hidden/{key}.json"


def document_key(slug: str, name: str, page: str | None = None) -> str:
    """Return the key of a feed's document, or of a document of its archive page `page`."""
    return f"{archive_prefix(slug)}{page}/{name}" if page else f"{PUBLIC}{slug}/{name}"


def archive_prefix(slug: str) -> str:
    """Return the key prefix of a feed's archive pages."""
    return f"{PUBLIC}{slug}/archive/"


def entry_key(slug: str, key: str) -> str:
    """Return the key of the page of an entry."""
    return f"{PUBLIC}{slug}/entries/{key}.html"


def site_key(name: str) -> str:
    """Return the key of a document of the site."""
    return f"{PUBLIC}{name}"


def bare_type(name: str) -> str:
    """Return the media type of a document without parameters, for links."""
    return MEDIA_TYPES[name].partition(";")[0]


def cache_control(key: str) -> str:
    """Return the `Cache-Control` of the object under the key.

    Source: RFC 9111 §5.2.2, RFC 5861 §3 and §4, RFC 8246 §2.
    """
    for pattern, rule in _CACHING:
        if pattern.fullmatch(key):
            return f"public, {rule}, stale-if-error=86400"  # a day-old copy rather than an error
    return _PRIVATE


def split_key(operation: str, key: str) -> list[str]:
    """Return the `/`-separated segments of the key. Raises: StoreError for an invalid key."""
    if not is_key(key):
        raise StoreError(f"{operation} {key[:MOST_KEY_BYTES]!r}: not a key")
    return key.split("/")


def check_size(operation: str, key: str, size_bytes: int) -> None:
    """Raises: ObjectError for an object of more than MOST_BYTES."""
    if size_bytes > MOST_BYTES:
        limit = f"{size_bytes:,} bytes, of {MOST_BYTES:,} at most"
        raise ObjectError(f"{operation} {key!r}: the object is too large: {limit}")


def split_prefix(prefix: str) -> list[str]:
    """Return the segments of a prefix of keys, which is empty or ends with a slash.

    Raises: StoreError for an invalid prefix.
    """
    if not prefix:
        return []
    if not prefix.endswith("/") or not is_key(prefix[:-1]):
        raise StoreError(f"list {prefix!r}: not the beginning of keys")
    return prefix[:-1].split("/")


def is_key(text: str) -> bool:
    """True if every store accepts `text` as a key."""
    return len(text) <= MOST_KEY_BYTES and _KEY.fullmatch(text) is not None
