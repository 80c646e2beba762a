"""`feedmirror status`: how every feed fares, those of feeds.toml and those in the store alone."""

from __future__ import annotations

import json
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

from feedmirror.entrypoints.cli.feed_health import (
    AMISS,
    HEAD,
    MISSING,
    NEVER,
    NUMBERS,
    PROSE,
    Standing,
    row,
    standing_of,
    unreadable,
)
from feedmirror.entrypoints.cli.option_values import DEFAULT_CONFIG
from feedmirror.entrypoints.cli.progress import shown_progress
from feedmirror.entrypoints.cli.resources import Outside
from feedmirror.entrypoints.cli.selection import missing
from feedmirror.entrypoints.cli.table import Table, show
from feedmirror.entrypoints.cli.text_log import counted
from feedmirror.entrypoints.store import Place, open_store
from feedmirror.entrypoints.thread_map import abreast
from feedmirror.errors import StoreError
from feedmirror.layout import DATA, STATES, slug_of_state, state_key
from feedmirror.model import Subscription
from feedmirror.ports import Store
from feedmirror.settings import Settings, load_settings
from feedmirror.settings.slugs import SLUG
from feedmirror.storage.wal import has_entries, why_missing


def status(arguments: Namespace, outside: Outside) -> int:
    """The exit code. Raises: ConfigError, StoreError."""
    settings = configured(arguments.config)
    store = open_store(arguments.store, threads=arguments.threads)
    now = outside.clock()
    asked = _Asked(store, settings, now)
    standings: list[Standing] = []
    with (
        shown_progress(live=not arguments.json) as progress,
        abreast(arguments.threads) as side_by_side,
    ):
        progress.rest(f"listing {arguments.store}")
        slugs = asked.slugs()
        for standing in side_by_side(asked.standing, slugs):
            standings += [standing] if standing else []
            progress.rest(f"{len(standings)} of {len(slugs)}")
    if arguments.json:
        _write_json(standings)
    else:
        _write_table(standings, settings, arguments.store, now)
    return 1 if any(standing.status in AMISS for standing in standings) else 0


def configured(path: Path) -> Settings | None:
    """What feeds.toml says, or None where there is none and none was asked for.

    Raises: ConfigError.
    """
    if path.exists():
        return load_settings(path)
    if path != DEFAULT_CONFIG:
        raise missing(path)
    return None


class _Asked:
    """A store, asked how its feeds fare."""

    def __init__(self, store: Store, settings: Settings | None, now: datetime) -> None:
        self._store = store
        self._now = now
        self._known = settings is not None
        feeds = settings.subscriptions if settings else ()
        self._subscriptions: Mapping[str, Subscription] = {feed.slug: feed for feed in feeds}
        self._public_url = settings.public_url if settings else None
        self._stored: frozenset[str] = frozenset()  # slugs that have a folder

    def slugs(self) -> list[str]:
        """The feeds in the order of feeds.toml, then those in the store alone.

        Raises: StoreError.
        """
        stored = (*map(slug_of_state, self._store.keys(STATES)), *self._store.folders(DATA))
        self._stored = frozenset(filter(SLUG.fullmatch, stored))
        return list(dict.fromkeys((*self._subscriptions, *sorted(self._stored))))

    def standing(self, slug: str) -> Standing | None:
        """How one feed fares, or None if there is none after all; called in any thread."""
        subscription = self._subscriptions.get(slug)
        is_configured = subscription is not None if self._known else None
        try:
            stored = self._store.load(state_key(slug))
            standing = standing_of(
                slug,
                subscription,
                stored.body if stored else None,
                self._now,
                public_url=self._public_url,
                configured=is_configured,
            )
            if standing.status == NEVER and slug in self._stored:
                return self._without_state(standing)
        except StoreError as error:
            return unreadable(Standing(slug, NEVER, is_configured), str(error))
        return standing

    def _without_state(self, standing: Standing) -> Standing | None:
        """Whether it is lost, or there never was one: a folder may be left without anything."""
        if has_entries(self._store, standing.feed):
            return replace(standing, status=MISSING, error=why_missing(standing.feed))
        return standing if standing.configured else None


# ---------------------------------------------------------------- what is said


def _write_json(standings: Iterable[Standing]) -> None:
    """One JSON document on stdout, in ASCII: nothing in it can upset a terminal."""
    feeds = [asdict(standing) for standing in standings]
    totals = Counter(feed["status"] for feed in feeds)
    told = json.dumps({"feeds": feeds, "totals": totals}, indent=2, default=datetime.isoformat)
    print(told)  # noqa: T201 - what the command is for


def _write_table(
    standings: list[Standing], settings: Settings | None, store: Place, now: datetime
) -> None:
    """A table of the feeds on stdout, and what they add up to."""
    if not standings:
        print(f"Nothing has been mirrored into {store} yet.")  # noqa: T201 - what it is for
        return
    show(Table(HEAD, [row(standing, now, store) for standing in standings], NUMBERS, prose=PROSE))
    counts = Counter(standing.status for standing in standings)
    parts = ", ".join(f"{number} {status}" for status, number in counts.most_common())
    lines = ["", f"{counted(len(standings), 'feed')}: {parts}."]
    if settings is None:
        lines.append(
            f"There is no {DEFAULT_CONFIG}: when they are due, and where readers find "
            "them, is not known."
        )
    print("\n".join(lines))  # noqa: T201 - what the command is for
