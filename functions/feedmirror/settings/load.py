"""Read feeds.toml into typed settings; raise ConfigError with every problem and its line.

Defaults are those of `model.Subscription`; docs/configuration.md is tested against the keys.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from feedmirror.errors import ConfigError
from feedmirror.model import Identity, Images, Robots, Subscription
from feedmirror.settings.addresses import CONTACT, HEADERS, PUBLIC_URL, URL, URLS
from feedmirror.settings.disclaimer import DISCLAIMER
from feedmirror.settings.problems import Location, Problem, ValueKind
from feedmirror.settings.slugs import RESERVED_SLUGS, SLUG, SLUG_ACCEPTED, slug_of, suggested_slug
from feedmirror.settings.values import (
    FLAG,
    Key,
    choice,
    duration,
    number,
    read_table,
    text,
    whole_number,
)

if TYPE_CHECKING:
    from pathlib import Path


DEFAULT_KEYS = (
    Key("disclaimer", DISCLAIMER, "Your words on every entry."),
    Key(
        "contact",
        CONTACT,
        "How the origin reaches you; sent with every request in the `User-Agent`.",
    ),
    Key("keep", whole_number(1, 10_000), "How many entries the public feed holds at least."),
    Key(
        "every",
        duration("1m", "1d"),
        "How often the origin is asked, unless it wants to be asked less often.",
        field="every_s",
    ),
    Key("identity", choice(Identity), "What makes two entries the same one."),
    Key(
        "images",
        choice(Images),
        "Whether the feed's pages show its pictures, from their origin, or only link to them.",
    ),
    Key("robots", choice(Robots), "Whether search engines may list the feed's pages."),
    Key(
        "timeout_s",
        number(1, 300),
        "Seconds that fetching the feed may take, redirects included.",
    ),
    Key(
        "max_bytes",
        whole_number(1_000, 100_000_000),
        "How large the origin's document may be, packed or unpacked.",
    ),
)
# Not in [defaults]: keys that identify one feed (url, alternates, source_url, title), that may hold
# secrets of one host (headers), lift a protection (allow_private_hosts) or end a feed (retired).
FEED_KEYS = (
    Key("url", URL, "Where the feed is. Every feed needs it, unless `retired` is true."),
    Key("alternates", URLS, "Other addresses of the same feed, tried in order when `url` fails."),
    Key("source_url", URL, "The address of the feed that readers are shown, instead of `url`."),
    Key("title", text(500), "The mirror's title, instead of the origin's own (`{source_title}`)."),
    *DEFAULT_KEYS,
    Key("headers", HEADERS, "HTTP headers to send along, to the host of `url` only."),
    Key(
        "allow_private_hosts",
        FLAG,
        "Whether the feed may be on this machine or in a private network.",
    ),
    Key(
        "retired",
        FLAG,
        "Whether the feed has ended: it is never polled again, and what was mirrored stays public.",
    ),
)

_TABLE = ValueKind("table", "a table", lambda _, value: value)  # read with the keys above
TOP_KEYS = (
    Key("public_url", PUBLIC_URL, "Where readers find the public files; a final / is dropped."),
    Key("defaults", _TABLE, "Keys for every feed that does not set them itself."),
    Key("feeds", _TABLE, "One table for each feed, named by its slug."),
)


_MOST_BYTES = 10_000_000  # of a file; 10,000 feeds take 2 MB
_MINIMAL = 'feeds.example-news.url = "https://news.example.org/rss"'

_DEFAULT_NAMES = {key.name for key in DEFAULT_KEYS}
_NOT_AT_TOP = {key.name: "under [feeds.SLUG]" for key in FEED_KEYS} | dict.fromkeys(
    _DEFAULT_NAMES, "under [defaults] or [feeds.SLUG]"
)
_NOT_IN_DEFAULTS = {key.name: "to one feed, under [feeds.SLUG]" for key in FEED_KEYS}
_NOT_IN_A_FEED = {"public_url": "at the top of the file"}


class Settings(Struct, frozen=True):
    """Valid configuration."""

    subscriptions: tuple[Subscription, ...]  # at least one, in the order of the file
    public_url: str | None = None  # without trailing slash; None: not configured


def parse_settings(text: str, *, path: str = "feeds.toml") -> Settings:
    """Parse a TOML text; `path` is for messages only.

    Raises: ConfigError with every problem, by line: `path:line: key: problem; accepted`.
    """
    text = text.removeprefix("\ufeff")  # written by editors on Windows
    table = _parse_toml(text, path)
    problems: list[Problem] = []
    settings = _read(Location(problems), table)
    if problems:
        raise ConfigError(_lines(problems, text, path))
    return settings


def load_settings(path: Path) -> Settings:
    """Parse a file. Raises: ConfigError, also if the file is unreadable or not UTF-8."""
    return parse_settings(read_text(path), path=str(path))


def read_text(path: Path) -> str:
    """Read a file, its line ends kept. Raises: ConfigError if it is unreadable or not UTF-8."""
    try:
        return _read_file(path).decode()
    except OSError as error:
        raise ConfigError((f"{path}: cannot be read: {error.strerror or error}",)) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError((f"{path}:{line}: is not UTF-8; save the file as UTF-8",)) from error


def _read_file(path: Path) -> bytes:
    """Raises: OSError, ConfigError if `path` is not a regular file or too large."""
    if path.exists() and not path.is_file():  # a pipe would block; a device may be endless
        raise ConfigError((f"{path}: is not a file",))
    with path.open("rb") as file:
        body = file.read(_MOST_BYTES + 1)
    if len(body) > _MOST_BYTES:
        raise ConfigError((f"{path}: is larger than {_MOST_BYTES:,} bytes",))
    return body


def subscription_for(url: str, *, slug: str | None = None, **keys: object) -> Subscription:
    """Return the subscription of a feed outside of feeds.toml; `keys` are keys of a feed there.

    A key that is None counts as missing. Raises: ConfigError, as `key: problem; accepted`.
    """
    problems: list[Problem] = []
    given = {name: value for name, value in keys.items() if value is not None}
    name = slug_of(url) if slug is None else slug
    subscription = _read_feed(Location(problems), name, {"url": url, **given}, {})
    _check_slug(Location(problems).below("slug"), name)
    if problems or subscription is None:
        raise ConfigError(tuple(map(str, problems)))
    return subscription


def _parse_toml(text: str, path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number or nesting beyond Python's limits
        found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", str(error), re.DOTALL)
        line = int(found[2]) if found else text.count("\n") + 1
        what = f"{found[1]} (column {found[3]})" if found else str(error)
        quotes = text.split("\n")[line - 1].count('"') > 2
        hint = "; text that holds quotation marks goes between ''' and '''" if quotes else ""
        raise ConfigError((f"{path}:{line}: is not TOML: {what}{hint}",)) from error


def _read(location: Location, table: dict[str, Any]) -> Settings:
    top = read_table(location, table, TOP_KEYS, _NOT_AT_TOP)
    defaults = read_table(
        location.below("defaults"), top.get("defaults", {}), DEFAULT_KEYS, _NOT_IN_DEFAULTS
    )
    feeds = top.get("feeds", {})
    below = location.below("feeds", f"a table for each feed, such as {_MINIMAL}")
    if not isinstance(feeds, dict):
        below.reject_type(feeds)
        feeds = {}
    elif not feeds:
        location.refuse("no feed is configured", f"the minimum is {_MINIMAL}")
    read = [_read_named(below, slug, feed, defaults) for slug, feed in feeds.items()]
    return Settings(
        subscriptions=tuple(subscription for subscription in read if subscription is not None),
        public_url=top.get("public_url"),
    )


def _read_named(
    feeds: Location, slug: str, feed: object, defaults: dict[str, Any]
) -> Subscription | None:
    location = feeds.below(slug, feeds.accepted)
    if not isinstance(feed, dict):
        location.reject_type(feed)
        return None
    _check_slug(location, slug)
    return _read_feed(location, slug, feed, defaults)


def _read_feed(
    location: Location, slug: str, feed: dict[str, Any], defaults: dict[str, Any]
) -> Subscription | None:
    found = read_table(location, feed, FEED_KEYS, _NOT_IN_A_FEED)
    if "url" not in feed and not found.get("retired"):
        location.below("url").refuse("is missing", FEED_KEYS[0].kind.accepted)
    if found.get("url") in found.get("alternates", ()):
        location.below("alternates").refuse("names url again")
    if "url" not in found and ("url" in feed or not found.get("retired")):
        return None
    return Subscription(slug=slug, **({"url": ""} | defaults | found))


def _check_slug(location: Location, slug: str) -> None:
    close = suggested_slug(slug)
    guess = f"'{close}'" if close else ""
    if slug in RESERVED_SLUGS:
        location.refuse("is a reserved name", "", guess)
    elif not SLUG.fullmatch(slug):
        location.refuse("the name is not accepted", SLUG_ACCEPTED, guess)


def _lines(problems: list[Problem], text: str, path: str) -> tuple[str, ...]:
    from feedmirror.settings.positions import line_of_key, lines_of  # noqa: PLC0415 - only for problems

    lines = lines_of(text)
    placed = [(line_of_key(problem.key, lines), str(problem)) for problem in problems]
    return tuple(f"{path}:{line}: {what}" for line, what in sorted(placed, key=lambda p: p[0]))
