"""What a refresh asks of the store, writes, and logs: counted, and so the same each time."""

from __future__ import annotations

import gzip
import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace
from stage import Count, Stage

from feedmirror.mirror import feed_index
from feedmirror.mirror.archive import PAGE_ENTRIES
from feedmirror.mirror.feed_index import FeedIndex, IndexedAddress, IndexedFeed
from feedmirror.publishing.formats import formats
from feedmirror.storage.feed_index import survey_feeds

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


@dataclass(frozen=True, slots=True)
class Index:
    """The feed index, a feed."""

    cpu_s: float  # to read it, to compare it with a listing, to write it
    gzip_bytes: float
    known_bytes: float  # in a message


def measure_index(feeds: int = 2_000) -> Index:
    """Measure an index of feeds that differ in all that differs between real ones."""
    chance = random.Random(1)
    stage = Stage()
    stage.poll()
    (one,) = survey_feeds(stage.memory, stage.now).feeds.values()
    known = {f"feed-{chance.randrange(10**9)}": _varied(one, chance) for _ in range(feeds)}
    body = feed_index.dump(FeedIndex(known))
    marks = {slug: feed.mark for slug, feed in known.items()}
    began_s = time.process_time()
    before = feed_index.load(body).feeds
    kept = {slug: feed for slug, feed in before.items() if marks.get(slug) == feed.mark}
    written = feed_index.dump(FeedIndex(dict(sorted(kept.items()))))
    packed = gzip.compress(written, 6)
    gzip.decompress(packed)
    cpu_s = time.process_time() - began_s
    message = msgspec.json.encode({slug: feed.known for slug, feed in known.items()})
    return Index(cpu_s / feeds, len(packed) / feeds, len(message) / feeds)


def _varied(feed: IndexedFeed, chance: random.Random) -> IndexedFeed:
    def digest(length: int) -> str:
        return f"{chance.getrandbits(4 * length):0{length}x}"

    def moment(at: datetime | None) -> datetime | None:
        return at and at + timedelta(seconds=chance.randrange(10**6))

    assert feed.known is not None
    address = IndexedAddress(f'"{digest(32)}"', f"Mon, 02 Mar 2026 {digest(6)} GMT", digest(32))
    known = replace(
        feed.known,
        url_digest=digest(16),
        render_key=digest(16),
        act_at=moment(feed.known.act_at),
        addresses={"": address},
    )
    site = f"https://{digest(12)}.example.org/"
    return replace(
        feed,
        mark=f'"{digest(32)}"',
        title=f"The {digest(16)} Gazette",
        link=site,
        url=f"{site}feed.xml",
        last_new=moment(feed.last_new),
        quiet_at=moment(feed.quiet_at),
        deployment=feed.deployment and replace(feed.deployment, digest=digest(16)),
        known=known,
    )
