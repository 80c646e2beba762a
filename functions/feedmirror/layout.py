"""Every key of a store, with the media type and the Cache-Control of what is public, once.

    state/SLUG.json                           the state of a feed: its write-ahead log
    data/SLUG/entries/KEY/REVISION.N.json     records: the stored revisions of its entries
    data/redaction.key                        what digests of secrets are made with
    public/SLUG/rss.xml …                     its feeds and its page
    public/SLUG/archive/PAGE/rss.xml …        its archive pages (RFC 5005)
    public/SLUG/entries/KEY.html              the pages of its entries
    public/index.html …                       the documents of the site

Only what begins with `public/` is for readers.
"""

from __future__ import annotations

import re

PUBLIC = "public/"
DATA = "data/"  # what stands below it, by slug
STATES = "state/"  # a flat prefix: the names below it are the slugs of the feeds in the store
REDACTION_KEY = f"{DATA}redaction.key"

# The documents of a feed and of an archive page: those to subscribe to, then the page for people.
ATOM_XML, FEED_JSON, RSS_XML, INDEX_HTML = "atom.xml", "feed.json", "rss.xml", "index.html"
FEEDS = (ATOM_XML, FEED_JSON, RSS_XML)
FEED_DOCUMENTS = (*FEEDS, INDEX_HTML)
# The documents of the site. The name of the style sheet changes with the style sheet.
NOT_FOUND, OPML, STATUS = "404.html", "feeds.opml", "status.json"
SITE_DOCUMENTS = (INDEX_HTML, NOT_FOUND, OPML, STATUS)

RECORD_TYPE = "application/json"  # of records and states
HTML, CSS = "text/html; charset=utf-8", "text/css; charset=utf-8"
MEDIA_TYPES = {
    ATOM_XML: "application/atom+xml; charset=utf-8",
    FEED_JSON: "application/feed+json; charset=utf-8",
    RSS_XML: "application/rss+xml; charset=utf-8",
    INDEX_HTML: HTML,
    NOT_FOUND: HTML,
    OPML: "text/x-opml; charset=utf-8",
    STATUS: "application/json",
}

_CACHING = (  # the first pattern that matches a key counts
    # The name changes with the style sheet, so no page is ever shown with that of another version.
    (re.compile(rf"{PUBLIC}style-[^/]+\.css"), "max-age=31536000, immutable"),
    # Nothing is added to an archive page. A rebuild writes it again, and the next page once, to be
    # linked to: both can wait for a day.
    (re.compile(rf"{PUBLIC}[^/]+/archive/.+"), "max-age=86400, stale-while-revalidate=60"),
    # An edit at the origin is to be seen soon; until then, the page says when it was fetched.
    (re.compile(rf"{PUBLIC}[^/]+/entries/.+"), "max-age=3600, stale-while-revalidate=60"),
    # A third of the usual time between polls. For a minute after, a cache gives what it has and
    # gets the new one behind the reader's back.
    (re.compile(rf"{PUBLIC}.+"), "max-age=300, stale-while-revalidate=60"),
)
_PRIVATE = "no-store"  # nothing should ever serve a private object; if something does, keep it not


def state_key(slug: str) -> str:
    """Return the key of a feed's state."""
    return f"{STATES}{slug}.json"


def slug_of_state(key: str) -> str:
    """Return the slug of the feed whose state has that key."""
    return key.removeprefix(STATES).removesuffix(".json")


def records_prefix(slug: str) -> str:
    """Return what the keys of a feed's records begin with."""
    return f"{DATA}{slug}/entries/"


def document_key(slug: str, name: str, page: str | None = None) -> str:
    """Return the key of a feed's document: of its newest entries, or of that archive page."""
    return f"{archive_prefix(slug)}{page}/{name}" if page else f"{PUBLIC}{slug}/{name}"


def archive_prefix(slug: str) -> str:
    """Return what the keys of a feed's archive pages begin with."""
    return f"{PUBLIC}{slug}/archive/"


def entry_key(slug: str, key: str) -> str:
    """Return the key of the page of an entry."""
    return f"{PUBLIC}{slug}/entries/{key}.html"


def site_key(name: str) -> str:
    """Return the key of a document of the site."""
    return f"{PUBLIC}{name}"


def bare_type(name: str) -> str:
    """Return the media type of a document without its parameters, as links name it."""
    return MEDIA_TYPES[name].partition(";")[0]


def cache_control(key: str) -> str:
    """Return the header `Cache-Control` that goes with what is stored under the key.

    Source: RFC 9111 §5.2.2, RFC 5861 §3 and §4, RFC 8246 §2.
    """
    for pattern, rule in _CACHING:
        if pattern.fullmatch(key):
            return f"public, {rule}, stale-if-error=86400"  # rather yesterday's copy than none
    return _PRIVATE
