"""P6: a refresh costs what is new, counted at the store."""

from __future__ import annotations

import pytest

from builders import entry, rss_document
from feedmirror.model import Disclaimer, Fetched
from feedmirror.renewal import renew_slice
from scene import DOCUMENTS, URL, Scene, document
from stores import CountingStore, MemoryStore, VirtualStore

STATE = "state/news.json"
PUBLIC = [f"public/news/{name}" for name in DOCUMENTS]


def _mirrored(archived: int = 0) -> tuple[Scene, CountingStore, VirtualStore]:
    virtual = VirtualStore(MemoryStore(), archived, "news")
    store = CountingStore(virtual)
    scene = Scene(document(3, 2, 1), store)
    scene.refresh()
    store.reset()
    scene.later(minutes=15)
    return scene, store, virtual


def test_a_304_makes_one_read_and_no_write() -> None:
    scene, store, _ = _mirrored()
    outcome = scene.refresh()
    assert outcome.outcome == "unchanged"
    assert outcome.http_status == 304
    assert store.operations == [("load", STATE)]


def _bare(body: bytes) -> Fetched:
    """The document without validators."""
    return Fetched(URL, body, "application/rss+xml")


def test_the_same_bytes_make_one_read_and_no_write() -> None:
    scene, store, _ = _mirrored()
    scene.says(_bare(document(3, 2, 1)))
    assert scene.refresh().outcome == "unchanged"
    assert store.operations == [("load", STATE)]


def test_other_bytes_that_say_the_same_make_one_read_and_no_write() -> None:
    scene, store, _ = _mirrored()
    scene.says(_bare(document(3, 2, 1).replace(b"<item>", b"<item><!-- served in 3 ms -->")))
    outcome = scene.refresh()
    assert (outcome.outcome, outcome.unchanged) == ("unchanged", 3)
    assert store.operations == [("load", STATE)]


@pytest.mark.parametrize("archived", [100, 1_000_000])
def test_one_new_entry_writes_itself_its_page_the_documents_and_the_state(archived: int) -> None:
    scene, store, virtual = _mirrored(archived)
    scene.says(document(4, 3, 2, 1))
    assert scene.refresh().new == 1
    assert store.loads == [STATE, *PUBLIC]
    record, page = store.creates
    assert record.startswith("data/news/entries/")
    assert page.startswith("public/news/entries/")
    assert store.replaces == [STATE, *PUBLIC, STATE]
    assert not virtual.entry_loads


@pytest.mark.parametrize("archived", [100, 1_000_000])
def test_k_new_entries_write_k_with_their_pages_and_the_documents_and_two(archived: int) -> None:
    scene, store, _ = _mirrored(archived)
    scene.says(document(*range(10, 0, -1)))
    assert scene.refresh().new == 7
    assert len(store.creates) == 7 + 7
    assert store.replaces == [STATE, *PUBLIC, STATE]
    assert store.loads == [STATE, *PUBLIC]


def test_a_feed_that_says_at_every_poll_when_it_was_built_causes_no_write() -> None:
    def built(minute: int) -> bytes:
        date = f"<dc:date>2026-03-02T12:{minute:02}:00Z</dc:date>"
        moment = f"<lastBuildDate>Mon, 02 Mar 2026 12:{minute:02}:00 GMT</lastBuildDate>"
        plain = rss_document([entry(1)], extra_channel=moment + date)
        return plain.replace(b"<rss ", b'<rss xmlns:dc="http://purl.org/dc/elements/1.1/" ', 1)

    store = CountingStore(MemoryStore())
    scene = Scene(built(0), store)
    scene.refresh()
    store.reset()
    for minute in range(1, 5):
        scene.says(_bare(built(minute)))
        assert scene.refresh().outcome == "unchanged"
    assert store.operations == [("load", STATE)] * 4


def test_an_edit_writes_a_revision_the_documents_and_the_state_twice() -> None:
    scene, store, _ = _mirrored()
    scene.says(document(3, 2, 1, e2="<p>edited</p>"))
    assert scene.refresh().revised == 1
    (record,) = store.creates
    folder = record.rpartition("/")[0]
    page = folder.replace("data/", "public/") + ".html"
    before = next(key for key in store.loads if key.startswith(folder))  # to compare it with
    assert store.loads == [STATE, before, page, *PUBLIC]
    assert store.replaces == [STATE, page, *PUBLIC, STATE]


def test_bookkeeping_alone_is_written_once_a_day_at_most() -> None:
    scene, store, _ = _mirrored()
    for hour in range(48):
        scene.later(hours=1)
        scene.says(_bare(document(3, 2, 1).replace(b"<item>", b"<item><!-- %d -->" % hour)))
        scene.refresh()
    assert store.writes == [STATE, STATE]


def test_a_feed_that_keeps_failing_the_same_way_is_written_down_once_and_told_of_once() -> None:
    from feedmirror.errors import FetchError, Kind

    scene, store, _ = _mirrored()
    scene.says(FetchError(Kind.TIMEOUT, "no answer"))
    for _ in range(5):
        scene.refresh()
        scene.later(minutes=15)
    page = PUBLIC[-1]
    assert store.writes == [STATE, STATE, page, STATE]  # when it began, and when it had lasted
    scene.says(document(3, 2, 1))
    scene.refresh()
    assert store.writes[4:] == [STATE, page, STATE]
    scene.refresh()
    assert len(store.writes) == 7


def test_a_changed_disclaimer_is_published_without_touching_entries() -> None:
    scene, store, _ = _mirrored()
    scene.configure(disclaimer=Disclaimer(text="Quite another notice."))
    outcome = scene.refresh()
    assert (outcome.http_status, outcome.published) == (304, DOCUMENTS)
    assert store.writes == [STATE, *PUBLIC, STATE] or store.replaces == [STATE, *PUBLIC, STATE]
    assert scene.public().count("Quite another notice.") == 3
    store.reset()
    scene.refresh()
    assert store.operations == [("load", STATE)]


@pytest.mark.parametrize("archived", [100, 1_000_000])
def test_changed_settings_cost_the_documents_and_then_each_page_once(archived: int) -> None:
    scene, store, _ = _mirrored(archived)
    scene.configure(disclaimer=Disclaimer(text="Other words."))
    scene.refresh()
    assert len(store.loads) <= scene.subscription.keep + 6
    assert store.writes == [STATE, *PUBLIC, STATE]
    assert store.listings == []
    store.reset()
    assert renew_slice(scene.subscription, scene.world()).written == 3
    pages = [key for key in store.replaces if "/entries/" in key]
    records = [key for key in store.loads if key.startswith("data/news/entries/")]
    assert len(records) == len(pages)
    assert sorted(store.loads) == sorted([STATE, *records, *pages])
    assert store.writes == [*pages, STATE]
    assert store.listings == []
