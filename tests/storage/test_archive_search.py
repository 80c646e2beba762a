"""The search for an entry's archive pages: by halving, and never less than what all pages say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from feedmirror.mirror import record
from feedmirror.mirror.archive import page_name
from feedmirror.model import Entry, Revision, Subscription
from feedmirror.storage.archive_search import ArchiveSearch, Place
from feedmirror.storage.publisher import Publisher
from feedmirror.storage.records import StoredRecords
from stores import CountingStore, MemoryStore

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SUBSCRIPTION = Subscription("news", "https://news.example.org/rss")
Archived = tuple[int, int, int]  # an entry, when it was listed, and its number


def placed(number: int, minutes: int, seq: int) -> Revision:
    """Entry `number` as it was committed at that place; each place has other words."""
    at = NOON + timedelta(minutes=minutes)
    name = sha256(f"{number}".encode()).hexdigest()[:32]
    words = f"Words {seq} of entry {number}"
    return Revision(
        key=name,
        digest=sha256(words.encode()).hexdigest()[:32],
        guid=f"urn:{number}",
        guid_is_permalink=False,
        entry=Entry(title=words),
        seq=seq,
        first_seen=at,
        listed_at=at,
        observed_at=at,
        fetched_from=SUBSCRIPTION.url,
        generation=seq,
    )


def written(store: MemoryStore, pages: Iterable[Sequence[Revision]]) -> None:
    """Store archive pages as far as they are searched, oldest first, and the records of entries."""
    older = None
    for number, revisions in enumerate(pages):
        older = page_name(number, older, ((one.key, one.digest) for one in revisions))
        own = [{"key": one.key, "revision": one.digest} for one in reversed(revisions)]
        body = json.dumps({"items": [{"_feedmirror": each} for each in own]}).encode()
        store.create(f"public/news/archive/{older}/feed.json", body)
        for one in revisions:
            key = record.key_of("news", one.key, one.digest, 0)
            store.create(key, record.dump("news", one, None))


def searched(
    store: MemoryStore, key: str, places: frozenset[Place] | None
) -> tuple[tuple[str, ...], int]:
    """The pages that are found, and the requests that it takes."""
    counting = CountingStore(store)
    search = ArchiveSearch(
        counting,
        Publisher(counting, SUBSCRIPTION, "https://mirror.example.net"),
        StoredRecords(counting, SUBSCRIPTION, map),
        lambda _: None,
    )
    return search.pages_of(key, places), len(counting.operations)


def test_an_entry_in_any_of_four_hundred_pages_is_found_in_twenty_requests() -> None:
    store = MemoryStore()
    revisions = [placed(number, 0, number + 1) for number in range(2_000)]
    written(store, (revisions[at : at + 5] for at in range(0, 2_000, 5)))
    for number in range(0, 2_000, 37):
        one = revisions[number]
        found, requests = searched(store, one.key, frozenset({(one.listed_at, one.seq)}))
        assert [name[:6] for name in found] == [f"{number // 5 + 1:06}"]
        assert requests <= 20


def test_without_a_place_all_pages_are_read() -> None:
    store = MemoryStore()
    revisions = [placed(number, 0, number) for number in range(8)]
    written(store, ([one] for one in revisions))
    assert len(searched(store, revisions[3].key, None)[0]) == 1
    assert searched(store, placed(9, 0, 9).key, None) == ((), 9)


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=24),
    st.integers(1, 4),
    st.booleans(),
)
def test_whatever_the_clock_said_the_search_finds_what_reading_all_pages_does(
    archived: list[tuple[int, int]],
    size: int,
    is_divided_anew: bool,
) -> None:
    """Entries come back, clocks are put back, and a rebuild divides the archive anew."""
    revisions = [placed(number, minutes, seq) for seq, (number, minutes) in enumerate(archived)]
    pages = [revisions[at : at + size] for at in range(0, len(revisions), size)]
    pages = [list({one.key: one for one in page}.values()) for page in pages]
    store = MemoryStore()
    written(store, pages)
    if is_divided_anew:
        written(store, ([one] for page in pages for one in page))
    for key in {one.key for one in revisions}:
        places = {(one.listed_at, one.seq) for page in pages for one in page if one.key == key}
        assert searched(store, key, frozenset(places))[0] == searched(store, key, None)[0]
