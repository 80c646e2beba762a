"""`feedmirror status`: show the health of every feed in feeds.toml and in the store.

Reads each feed's state once; sends no request to an origin and writes nothing.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

from feedmirror.entrypoints.cli.feed_health import (
    COLUMN_HEADS,
    MISSING,
    NEVER,
    NUMBERS,
    PROSE,
    UNHEALTHY,
    FeedHealth,
    health_of,
    row,
    unreadable,
)
from feedmirror.entrypoints.cli.option_values import DEFAULT_CONFIG
from feedmirror.entrypoints.cli.progress import shown_progress
from feedmirror.entrypoints.cli.resources import Resources
from feedmirror.entrypoints.cli.selection import missing
from feedmirror.entrypoints.cli.table import Table, show
from feedmirror.entrypoints.cli.text_log import counted
from feedmirror.entrypoints.store import StoreLocation, open_store
from feedmirror.entrypoints.thread_map import thread_map
from feedmirror.errors import StoreError
from feedmirror.layout import DATA, STATES, slug_of_state, state_key
from feedmirror.model import Subscription
from feedmirror.ports import Store
from feedmirror.settings.load import Settings, load_settings
from feedmirror.settings.slugs import SLUG
from feedmirror.storage.wal import has_entries, why_missing


def status(arguments: Namespace, resources: Resources) -> int:
    """Run the command; return its exit code, 1 if a feed is unhealthy.

    Raises: ConfigError, StoreError.
    """
    settings = configured(arguments.config)
    store = open_store(arguments.store, threads=arguments.threads)
    now = resources.clock()
    reader = _HealthReader(store, settings, now)
    feeds: list[FeedHealth] = []
    with (
        shown_progress(live=not arguments.json) as progress,
        thread_map(arguments.threads) as side_by_side,
    ):
        progress.show(f"listing {arguments.store}")
        slugs = reader.slugs()
        for health in side_by_side(reader.health, slugs):
            feeds += [health] if health else []
            progress.show(f"{len(feeds)} of {len(slugs)} feeds read")
    if arguments.json:
        _write_json(feeds)
    else:
        _write_table(feeds, settings, arguments.store, now)
    return 1 if any(health.status in UNHEALTHY for health in feeds) else 0


def configured(path: Path) -> Settings | None:
    """Load feeds.toml; return None if the default file is missing.

    Raises: ConfigError if the file is not valid, or missing though `--config` names it.
    """
    if path.exists():
        return load_settings(path)
    if path != DEFAULT_CONFIG:
        raise missing(path)
    return None


class _HealthReader:
    """Reads the health of feeds from a store."""

    def __init__(self, store: Store, settings: Settings | None, now: datetime) -> None:
        self._store = store
        self._now = now
        self._has_settings = settings is not None
        subscriptions = settings.subscriptions if settings else ()
        self._subscriptions: Mapping[str, Subscription] = {s.slug: s for s in subscriptions}
        self._public_url = settings.public_url if settings else None
        self._stored: frozenset[str] = frozenset()  # slugs of feeds with a state or a folder

    def slugs(self) -> list[str]:
        """List the feeds of feeds.toml in their order, then those that are in the store alone.

        Raises: StoreError.
        """
        stored = (*map(slug_of_state, self._store.keys(STATES)), *self._store.folders(DATA))
        self._stored = frozenset(filter(SLUG.fullmatch, stored))
        return list(dict.fromkeys((*self._subscriptions, *sorted(self._stored))))

    def health(self, slug: str) -> FeedHealth | None:
        """Read the health of one feed; return None if the store holds only its empty folder.

        Thread-safe. A StoreError makes the feed `unreadable`; it is not raised.
        """
        subscription = self._subscriptions.get(slug)
        is_configured = subscription is not None if self._has_settings else None
        try:
            stored = self._store.load(state_key(slug))
            health = health_of(
                slug,
                subscription,
                stored.body if stored else None,
                self._now,
                public_url=self._public_url,
                configured=is_configured,
            )
            if health.status == NEVER and slug in self._stored:
                return self._without_state(health)
        except StoreError as error:
            return unreadable(FeedHealth(slug, NEVER, is_configured), str(error))
        return health

    def _without_state(self, health: FeedHealth) -> FeedHealth | None:
        """Return the health of a feed with a folder and no state; None if the folder is empty."""
        if has_entries(self._store, health.feed):
            return replace(health, status=MISSING, error=why_missing(health.feed))
        return health if health.configured else None


# ---------------------------------------------------------------- output


def _write_json(feeds: Iterable[FeedHealth]) -> None:
    """Print one JSON document. It is ASCII: no control sequence can reach a terminal."""
    rows = [asdict(health) for health in feeds]
    totals = Counter(row["status"] for row in rows)
    print(json.dumps({"feeds": rows, "totals": totals}, indent=2, default=datetime.isoformat))  # noqa: T201 - what the command is for


def _write_table(
    feeds: list[FeedHealth], settings: Settings | None, store: StoreLocation, now: datetime
) -> None:
    """Print the feeds as a table, and how many have which status."""
    if not feeds:
        print(f"No feed has been mirrored into {store} yet.")  # noqa: T201 - what it is for
        return
    show(Table(COLUMN_HEADS, [row(health, now, store) for health in feeds], NUMBERS, prose=PROSE))
    counts = Counter(health.status for health in feeds)
    parts = ", ".join(f"{number} {status}" for status, number in counts.most_common())
    lines = ["", f"{counted(len(feeds), 'feed')}: {parts}."]
    if settings is None:
        lines.append(
            f"There is no {DEFAULT_CONFIG}, so the feeds' update intervals and public addresses "
            "are not known."
        )
    print("\n".join(lines))  # noqa: T201 - what the command is for
