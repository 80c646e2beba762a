"""Selection of the feeds that `feedmirror run` refreshes: from feeds.toml, or one URL or file."""

from __future__ import annotations

import os
import re
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, unquote

from msgspec import Struct
from msgspec.structs import replace

from feedmirror.adapters.origin.file import FileOrigin
from feedmirror.entrypoints.cli.arguments import DEFAULT_CONFIG, ENVIRONMENT
from feedmirror.entrypoints.telemetry import printable_text
from feedmirror.errors import ConfigError, FeedError, FetchError, StoreError
from feedmirror.layout import state_key
from feedmirror.mirror import state_codec
from feedmirror.mirror.schedule import is_due
from feedmirror.mirror.state import State
from feedmirror.model import Subscription
from feedmirror.ports import Origin, Store
from feedmirror.settings.addresses import PUBLIC_URL
from feedmirror.settings.load import Settings, load_settings, subscription_for
from feedmirror.settings.problems import closest_name, read_value
from feedmirror.settings.slugs import slug_of
from feedmirror.settings.values import duration
from feedmirror.text.secrets import hidden_address

DEFAULT_PUBLIC_URL = "http://127.0.0.1:8000"  # where `feedmirror serve` listens
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class Selection(Struct, frozen=True):
    """Feeds to refresh, and the settings they share."""

    subscriptions: tuple[Subscription, ...]
    public_url: str  # empty within this module: not configured
    configured_at: datetime  # the date of feeds.toml, or now for what the command line says
    origin: Origin
    configured: tuple[Subscription, ...] | None = None  # all of feeds.toml; None: no file


def select_feeds(
    arguments: Namespace, now: datetime, open_store: Callable[[], Store], web: Origin
) -> Selection:
    """Return the feeds that the command line asks for, and where they are fetched from.

    Raises: ConfigError.
    """
    if not arguments.url:
        selection = _of_file(arguments, web)
    elif path := local_path(arguments.url):
        selection = _of_path(arguments, path, now, web)
    else:
        selection = _of_address(arguments, now, open_store, web)
    selection = replace(
        selection,
        configured_at=configured_at(arguments, selection.configured_at, now),
        public_url=public_url_of(arguments, selection.public_url, open_store),
    )
    if not arguments.due:
        return selection
    tick_s: int = read_value(duration("1m", "1d"), "--tick", arguments.tick or "1m")
    since, until = _tick(timedelta(seconds=tick_s), now)
    active = (s for s in selection.subscriptions if not s.retired)
    due = tuple(s for s in active if is_due(s.slug, s.every_s, since, until))
    return replace(selection, subscriptions=due)


def configured_at(arguments: Namespace, written_at: datetime, now: datetime) -> datetime:
    """Return the date of a configuration that was written then: now where an option adds to it.

    What the environment says holds for all runs, so it is as old as the file: two machines that
    have different ones would else render everything anew in turn.
    """
    if arguments.public_url in {None, os.environ.get(ENVIRONMENT["--public-url"])}:
        return written_at
    return max(now, written_at + timedelta(microseconds=1))  # also where that date is ahead


def public_url_of(
    arguments: Namespace, configured: str | None, open_store: Callable[[], Store]
) -> str:
    """Return the public URL of the mirror: from the command line, or from feeds.toml.

    Default for a directory: the URL with which its site was published, or the one of
    `feedmirror serve`. Raises: ConfigError for a bucket without a public URL.
    """
    if arguments.public_url:
        public_url: str = read_value(PUBLIC_URL, "--public-url", arguments.public_url)
        return public_url
    if configured:
        return configured
    if arguments.store.directory is None:
        raise ConfigError(
            (
                f"the public URL of {arguments.store} is not known, and its documents contain it",
                "set public_url in feeds.toml, or give --public-url",
            )
        )
    from feedmirror.site import published_url  # noqa: PLC0415 - imports the templates

    with suppress(StoreError):  # each feed reports a store that fails
        return published_url(open_store()) or DEFAULT_PUBLIC_URL
    return DEFAULT_PUBLIC_URL


def _tick(tick: timedelta, now: datetime) -> tuple[datetime, datetime]:
    """Return the start and end of the last full tick before `now`.

    Ticks are aligned to multiples of `tick` since 1970, so consecutive runs neither overlap nor
    leave a gap, however late within a tick each one starts.
    """
    until = _EPOCH + (now - _EPOCH) // tick * tick
    return until - tick, until


# ---------------------------------------------------------------- feeds.toml


def _of_file(arguments: Namespace, web: Origin) -> Selection:
    settings = _load(arguments.config)
    chosen = _named(settings.subscriptions, arguments.feed or (), arguments.config)
    written_at = date_of(arguments.config)
    return Selection(
        chosen, settings.public_url or "", written_at, web, configured=settings.subscriptions
    )


def date_of(path: Path) -> datetime:
    """Return when the file was written, within the years that a date may be of."""
    latest = datetime(2200, 1, 1, tzinfo=UTC).timestamp()
    return datetime.fromtimestamp(min(max(path.stat().st_mtime, 0), latest), UTC)


def configured(path: Path) -> Settings | None:
    """Load feeds.toml; return None if the default file is missing.

    Raises: ConfigError if the file is not valid, or missing though `--config` names it.
    """
    return None if path == DEFAULT_CONFIG and not path.exists() else _load(path)


def _load(path: Path) -> Settings:
    if not path.exists():
        raise missing(path)
    return load_settings(path)


def missing(path: Path) -> ConfigError:
    """Return the error for a missing configuration file."""
    return ConfigError(
        (
            f"there is no {path}",
            "create it:             feedmirror init https://example.org/feed.xml",
            "or mirror one feed:    feedmirror run https://example.org/feed.xml",
        )
    )


def _named(
    subscriptions: tuple[Subscription, ...], slugs: Sequence[str], path: Path
) -> tuple[Subscription, ...]:
    """Return the feeds of these slugs, or all feeds if there are no slugs.

    Raises: ConfigError for unknown slugs.
    """
    known = {subscription.slug: subscription for subscription in subscriptions}
    if unknown := [slug for slug in slugs if slug not in known]:
        raise ConfigError(tuple(_unknown(slug, known, path) for slug in unknown))
    return tuple(known[slug] for slug in dict.fromkeys(slugs or known))


def _unknown(slug: str, known: Mapping[str, Subscription], path: Path) -> str:
    guess = closest_name(slug, known)
    hint = f"did you mean {guess}?" if guess else "`feedmirror check` lists the feeds"
    return f"--feed {slug}: {path} has no feed of that name; {hint}"


# ---------------------------------------------------------------- URL or file


def _of_address(
    arguments: Namespace, now: datetime, open_store: Callable[[], Store], web: Origin
) -> Selection:
    """Return the feed at a web address, or the one that the page there names.

    A feed that is mirrored already is not looked for, and none is with `--due`: for either, its
    refresh makes the only request.
    """
    # Imported late, since most runs are of feeds.toml.
    from feedmirror.discovery import PrefetchedOrigin, web_address  # noqa: PLC0415
    from feedmirror.entrypoints.cli.discover import discover, feed_of  # noqa: PLC0415

    address = web_address(arguments.url)
    if address is None:
        shown = printable_text(hidden_address(arguments.url))
        raise ConfigError(
            (
                f"{shown}: neither a web address nor a file that exists",
                "an address begins with https:// or http://, or is a host such as example.org",
            )
        )
    asked = subscription_for(address, slug=arguments.slug, **_options(arguments))
    if arguments.due or _is_mirrored(asked, open_store):
        return Selection((asked,), "", now, web)
    try:
        found = discover(arguments, asked, web)
    except FeedError as error:  # to be the outcome of the refresh
        failed = FetchError(error.kind, str(error))
        return Selection((asked,), "", now, PrefetchedOrigin(asked.url, [failed], web))
    feed = feed_of(found, asked, arguments.slug, **_options(arguments))
    return Selection((feed,), "", now, PrefetchedOrigin(feed.url, [found.fetched], web))


def _is_mirrored(asked: Subscription, open_store: Callable[[], Store]) -> bool:
    """Return True if a feed of that slug was read before, and from that address."""
    with suppress(StoreError):  # the refresh reports it
        stored = open_store().load(state_key(asked.slug))
        state = state_codec.load(stored.body, asked.slug) if stored else State()
        return state.feed is not None and state.url == asked.url
    return False


def _of_path(arguments: Namespace, path: Path, now: datetime, web: Origin) -> Selection:
    # Validated with a placeholder, since a subscription cannot have the address of a file.
    slug = arguments.slug or _slug_of_file(path)
    feed = subscription_for("https://file.invalid/", slug=slug, **_options(arguments))
    # In public documents: the name of the file, without its folder.
    url = f"file:///{quote(path.name, errors='surrogateescape')}"
    return Selection((replace(feed, url=url),), "", now, FileOrigin({url: path}, web))


def _options(arguments: Namespace) -> dict[str, object]:
    return {
        "disclaimer": arguments.disclaimer,
        "allow_private_hosts": arguments.allow_private_hosts or None,
    }


def local_path(address: str) -> Path | None:
    """Return the path of a local file; None for a URL, and for text that is neither."""
    if found := re.fullmatch(r"file:(?://(?:localhost)?)?(/(?!/)[^?#]*)", address, re.IGNORECASE):
        return Path(unquote(found[1], errors="surrogateescape"))
    if "://" in address:
        return None
    path = Path(address).expanduser()
    return path.absolute() if address.startswith((".", "/", "~")) or path.exists() else None


def _slug_of_file(path: Path) -> str:
    """Make a slug from the file's name; a name that is not ASCII adds a digest."""
    words = "-".join(re.findall("[A-Za-z0-9]+", path.stem))
    return slug_of(words if path.stem.isascii() else f"{words}?{path.stem}")
