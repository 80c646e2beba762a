"""What a refresh asks of the store, writes, and logs: counted, and so the same each time."""

from __future__ import annotations

import gzip
import time
from dataclasses import dataclass
from datetime import timedelta

from stage import Count, Stage

from feedmirror.mirror.archive import PAGE_ENTRIES
from feedmirror.publishing.formats import formats

_POLLS_A_DAY = 96
_NEW_AT = (30, 70)  # of them
_PAGES = 2  # archive pages, over which the writes of archive pages are counted


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of what is stored, and of what is sent."""

    entry: float  # an entry's object
    entry_public: float  # an entry's page, and its part of an archive page in every format
    state: float
    documents: float  # that are replaced with each new entry, together
    reader_gzip: float  # the RSS, as the CDN sends it


@dataclass(frozen=True, slots=True)
class Counted:
    """One feed's polls of each kind."""

    first: Count
    unchanged: Count
    new: Count
    several: Count  # five new entries
    failing: Count  # the first time
    failing_again: Count
    bookkeeping_writes: int  # of a day besides those of its two new entries
    archive_writes: float  # an entry: what leaves the window, it leaves in whole pages
    entries_first: int  # that a first mirror stores
    sizes: Sizes
    metrics: int


def count_polls(days: int = 42) -> Counted:
    """A mirror from its first poll on, two new entries a day until its window is as long as it
    gets, and then a day of 96 polls.
    """
    stage = Stage()
    first = stage.poll()
    entries_first = len(stage.bytes_of(_is_entry))
    grown = []
    for _ in range(2 * days):
        stage.publish(stage.version + 1)
        grown.append(stage.poll(hours=12).writes)
    counts = []
    for number in range(_POLLS_A_DAY):
        if number in _NEW_AT:
            stage.publish(stage.version + 1)
        counts.append(stage.poll(minutes=15))
    new, unchanged = counts[_NEW_AT[-1]], counts[-1]
    bookkeeping = sum(count.writes for count in counts) - len(_NEW_AT) * new.writes
    archiving = sum(writes - new.writes for writes in grown[-_PAGES * PAGE_ENTRIES :]) / (
        _PAGES * PAGE_ENTRIES
    )
    sizes = _sizes(stage)
    stage.publish(stage.version + 5)
    several = stage.poll(minutes=15)
    stage.fail()
    failing, again = stage.poll(minutes=15), stage.poll(minutes=15)
    polls = (first, unchanged, new, several, failing, again)
    return Counted(*polls, bookkeeping, archiving, entries_first, sizes, first.metrics)


def _is_entry(key: str) -> bool:
    return key.startswith("data/") and "/entries/" in key


def _sizes(stage: Stage) -> Sizes:
    entries = stage.bytes_of(_is_entry)
    pages = stage.bytes_of(lambda key: key.startswith("public/") and "/entries/" in key)
    archived = stage.bytes_of(lambda key: "/archive/" in key)
    in_archive = PAGE_ENTRIES * len(archived) / len(formats())
    (state,) = stage.bytes_of(lambda key: key.startswith("state/") and key.endswith(".json"))
    (rss,) = stage.bytes_of(lambda key: key.count("/") == 2 and key.endswith("/rss.xml"))
    documents = stage.bytes_of(lambda key: key.startswith("public/") and key.count("/") == 2)
    return Sizes(
        entry=sum(map(len, entries)) / len(entries),
        entry_public=sum(map(len, pages)) / len(pages) + sum(map(len, archived)) / in_archive,
        state=len(state),
        documents=sum(map(len, documents)),
        reader_gzip=len(gzip.compress(rss, 6)),
    )


def due_cpu_s(feeds: int = 10_000) -> float:
    """The CPU time to decide whether one feed is due."""
    from feedmirror.mirror.schedule import is_due

    until = Stage().now
    since = until - timedelta(minutes=5)
    began_s = time.process_time()
    for number in range(feeds):
        is_due(f"feed-{number}", 900, since, until)
    return (time.process_time() - began_s) / feeds
