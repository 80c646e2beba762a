"""Mirrors many feeds for a simulated half year against faults of every sort, then looks whether
what is promised still holds: `python bench/soak.py --feeds 200 --days 200 --seed 1`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import jobs  # noqa: F401 - by it the tests' modules are found

# isort: split
from soak_checks import WORDS, problems
from soak_origin import Feed, SoakOrigin
from soak_store import SoakStore

from feedmirror.adapters.stores.directory import DirectoryStore
from feedmirror.mirror.deployment import Deployment
from feedmirror.mirror.schedule import is_due
from feedmirror.model import Disclaimer, Subscription
from feedmirror.ports import World
from feedmirror.refresh import attempt
from feedmirror.site import publish_site
from parsers import InProcessParser
from scene import NOON, PUBLIC_URL
from stores import Crash

EVERY_S = 12 * 3600  # between polls of a feed
TICK = timedelta(hours=3)
MOST_GROWTH = 0.10  # of memory, between a quarter of the run and its end
_MEMORY = Path("/dev/shm")


@dataclass(slots=True)
class Soak:
    """A run: the feeds, their origins, the store and the clock."""

    feeds: dict[str, Feed]
    store: SoakStore
    now: datetime = NOON
    outcomes: Counter[str] = field(default_factory=Counter)
    memory: dict[int, int] = field(default_factory=dict)  # bytes, by percent of the run
    origin: SoakOrigin = field(init=False)
    world: World = field(init=False)

    def __post_init__(self) -> None:
        self.origin = SoakOrigin(self.feeds, lambda: self.now)
        parser = InProcessParser()
        self.world = World(
            self.store, self.origin, parser, lambda: self.now, PUBLIC_URL, Deployment
        )

    def run(self, days: int) -> None:
        """So many days of ticks; the site's writer goes by once a day."""
        ticks = days * (timedelta(days=1) // TICK)
        marks = {ticks * percent // 100: percent for percent in (25, 50, 100)}
        for tick in range(1, ticks + 1):
            since, self.now = self.now, self.now + TICK
            for feed in self.feeds.values():
                if is_due(feed.subscription.slug, EVERY_S, since, self.now):
                    self.refresh(feed, scheduled=True)
            if tick % (timedelta(days=1) // TICK) == 0:
                self.write_site()
            if tick in marks:
                self.memory[marks[tick]] = _resident_bytes()

    def refresh(self, feed: Feed, *, scheduled: bool) -> None:
        """One refresh, which may die."""
        try:
            outcome = attempt(feed.subscription, self.world, scheduled=scheduled)
        except Crash:
            self.outcomes["died"] += 1
            return
        kind = outcome.failure.kind if outcome.failure else ""
        self.outcomes[f"{outcome.outcome} {kind}".strip()] += 1
        feed.ended(outcome)

    def write_site(self) -> None:
        """The documents of the site; the next writer does what this one could not."""
        with contextlib.suppress(Crash, Exception):
            publish_site(self.store, self._subscriptions(), PUBLIC_URL, self.now, Deployment)

    def calm_down(self) -> None:
        """No more faults: a refresh of each feed, once all have been waited for, and the site."""
        self.store.calm = self.origin.calm = True
        for _ in range(2):
            self.now += timedelta(days=2)
            for feed in self.feeds.values():
                self.refresh(feed, scheduled=False)
        publish_site(self.store, self._subscriptions(), PUBLIC_URL, self.now, Deployment)

    def _subscriptions(self) -> list[Subscription]:
        return [feed.subscription for feed in self.feeds.values()]


def soak(folder: Path, feeds: int, days: int, seed: int) -> tuple[Soak, list[str]]:
    """A whole run with its store in a folder, and the promises that were broken."""
    made = {}
    for number in range(feeds):
        slug = f"news-{number}"
        subscription = Subscription(
            slug,
            f"https://{slug}.example.org/feed",
            keep=10,
            every_s=EVERY_S,
            disclaimer=Disclaimer(text=WORDS),
        )
        made[slug] = Feed(subscription, random.Random(f"{seed} {slug}"))
    run = Soak(made, SoakStore(DirectoryStore(folder), random.Random(f"{seed} store")))
    run.run(days)
    run.calm_down()
    found = list(problems(run.store.inner, list(made.values())))
    if (growth := _growth(run)) > MOST_GROWTH:
        found.append(f"memory grew by {growth:.0%} between a quarter of the run and its end")
    if unforeseen := run.outcomes["failed bug"]:
        found.append(f"{unforeseen} refreshes ended with an error that nobody foresaw")
    return run, found


def _growth(run: Soak) -> float:
    return run.memory[100] / run.memory[25] - 1


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _report(run: Soak, days: int, took_s: float) -> None:
    feeds = list(run.feeds.values())
    polls = sum(len(feed.asked_at) for feed in feeds)
    print(
        f"simulated: {len(feeds)} feeds for {days} days, each due every {EVERY_S // 3600} h and "
        f"looked at every {TICK // timedelta(hours=1)} h;\nthe store is a directory in memory, the "
        "parser runs in this process, the site's writer once a day."
    )
    rows = [
        ("seconds", f"{took_s:,.0f}"),
        ("requests to origins", f"{polls:,}"),
        *((f"  answered: {name}", f"{n:,}") for name, n in sorted(run.origin.answers.items())),
        *((f"refreshes: {name}", f"{n:,}") for name, n in sorted(run.outcomes.items())),
        *((f"store: {name}", f"{n:,}") for name, n in sorted(run.store.operations.items())),
        *((f"store: {name}", f"{n:,}") for name, n in sorted(run.store.faults.items())),
        ("entries promised", f"{sum(len(feed.promised) for feed in feeds):,}"),
        ("entries edited", f"{sum(len(feed.edits) for feed in feeds):,}"),
        *((f"memory at {p} %", f"{size / 1e6:,.1f} MB") for p, size in run.memory.items()),
    ]
    for name, value in rows:
        print(f"{name:34}{value:>14}")
    print(f"\n{'a feed and day':34}{'downloads':>14}{'writes':>14}{'new entries':>14}")
    for habit in dict.fromkeys(feed.habit for feed in feeds):
        those = [feed for feed in feeds if feed.habit == habit]
        per = len(those) * days
        written = sum(run.store.written[feed.subscription.slug] for feed in those)
        counts = (
            sum(feed.downloads for feed in those), written, sum(feed.newest - 30 for feed in those)
        )  # fmt: skip
        print(f"{habit:34}{''.join(f'{count / per:14.2f}' for count in counts)}")


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=200)
    parser.add_argument("--days", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(argv)
    place = _MEMORY if _MEMORY.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="feedmirror-soak-", dir=place))
    began_s = time.monotonic()
    try:
        run, found = soak(folder, arguments.feeds, arguments.days, arguments.seed)
    finally:
        shutil.rmtree(folder)
    _report(run, arguments.days, time.monotonic() - began_s)
    for problem in found[:50]:
        print(f"BROKEN: {problem}")
    print(f"{len(found)} promises broken" if found else "every promise was kept")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
