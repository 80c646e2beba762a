"""Keys of feeds.toml: name, kind of value, meaning, and the tables that accept the key.

Defaults are those of `model.Subscription`; docs/configuration.md is tested against this table.
"""

from __future__ import annotations

from feedmirror.model import Identity, Images, Robots
from feedmirror.settings.addresses import CONTACT, HEADERS, PUBLIC_URL, URL, URLS
from feedmirror.settings.disclaimer import DISCLAIMER
from feedmirror.settings.problems import ValueKind
from feedmirror.settings.tables import Key
from feedmirror.settings.values import choice, duration, flag, number, text, whole_number

# Not in [defaults]: keys that identify one feed (url, alternates, source_url, title), that may hold
# secrets of one host (headers), lift a protection (allow_private_hosts) or end a feed (retired).
FEED_KEYS = (
    Key("url", URL, "Where the feed is. Every feed needs it, unless `retired` is true."),
    Key("alternates", URLS, "Other addresses of the same feed, tried in order when `url` fails."),
    Key("source_url", URL, "The address of the feed that readers are shown, instead of `url`."),
    Key(
        "title",
        text(500),
        "The mirror's title, instead of the origin's own (`{source_title}`).",
    ),
    Key("disclaimer", DISCLAIMER, "Your words on every entry.", for_every_feed=True),
    Key(
        "contact",
        CONTACT,
        "How the origin reaches you; sent with every request in the `User-Agent`.",
        for_every_feed=True,
    ),
    Key(
        "keep",
        whole_number(1, 10_000),
        "How many entries the public feed holds at least.",
        for_every_feed=True,
    ),
    Key(
        "every",
        duration("1m", "1d"),
        "How often the origin is asked, unless it wants to be asked less often.",
        field="every_s",
        for_every_feed=True,
    ),
    Key(
        "identity",
        choice(Identity),
        "What makes two entries the same one.",
        for_every_feed=True,
    ),
    Key(
        "images",
        choice(Images),
        "Whether the feed's pages show its pictures, from their origin, or only link to them.",
        for_every_feed=True,
    ),
    Key(
        "robots",
        choice(Robots),
        "Whether search engines may list the feed's pages.",
        for_every_feed=True,
    ),
    Key(
        "timeout_s",
        number(1, 300),
        "Seconds that fetching the feed may take, redirects included.",
        for_every_feed=True,
    ),
    Key(
        "max_bytes",
        whole_number(1_000, 100_000_000),
        "How large the origin's document may be, packed or unpacked.",
        for_every_feed=True,
    ),
    Key("headers", HEADERS, "HTTP headers to send along, to the host of `url` only."),
    Key(
        "allow_private_hosts",
        flag(),
        "Whether the feed may be on this machine or in a private network.",
    ),
    Key(
        "retired",
        flag(),
        "Whether the feed has ended: it is never polled again, and what was mirrored stays public.",
    ),
)
DEFAULT_KEYS = tuple(key for key in FEED_KEYS if key.for_every_feed)

_TABLE = ValueKind("table", "a table", lambda _, value: value)  # read with the keys above
TOP_KEYS = (
    Key("public_url", PUBLIC_URL, "Where readers find the public files; a final / is dropped."),
    Key("defaults", _TABLE, "Keys for every feed that does not set them itself."),
    Key("feeds", _TABLE, "One table for each feed, named by its slug."),
)
