"""The whole history of a feed is reachable from its newest document, each entry once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from effort import amount
from feedmirror.mirror import archive, state_codec
from feedmirror.mirror.archive import ArchiveSummary, EntryLink
from feedmirror.model import Fetched
from feedmirror.publishing.formats import formats
from feedmirror.publishing.formats.format import Format
from polling import Reader
from samples import sample_feeds
from scene import DOCUMENTS, FEEDS, SUBSCRIPTION, URL, Scene, document
from schemas import grammar_problems, needs_schemas, schema_problems
from stores import CountingStore, MemoryStore
from validity import FROM_ORIGIN, atom_problems, disclaimers, json_problems, rss_problems

STATE = "state/news.json"


def grown(entries: int, keep: int = 1, step: int = 1) -> Scene:
    """A mirror of a feed that always shows its newest three, a few more each three days."""
    scene = Scene(document(1), subscription=replace(SUBSCRIPTION, keep=keep))
    scene.refresh()
    for newest in range(1 + step, entries + 1, step):
        scene.later(days=3)
        scene.says(document(*range(newest, max(0, newest - step - 2), -1)))
        scene.refresh()
    return scene


# ---------------------------------------------------------------- what a reader of archives finds


@pytest.mark.parametrize("name", FEEDS)
def test_every_entry_is_reached_once_newest_first(name: str, small_pages: None) -> None:
    scene = grown(12)
    chain = scene.history(name)
    assert [title for seen in chain for title in seen.titles] == [
        f"Entry {number}" for number in range(12, 0, -1)
    ]
    assert len(chain) > 4


@pytest.mark.parametrize("name", ["rss.xml", "atom.xml"])
def test_archive_pages_say_that_they_are_and_link_both_ways_and_to_the_newest(
    name: str, small_pages: None
) -> None:
    scene = grown(8)
    newest, *pages = scene.history(name)
    assert not newest.is_archive
    assert newest.links.keys() == {"self", "prev-archive"}
    for number, page in enumerate(pages):
        assert page.is_archive
        assert page.links["self"] == page.address
        assert page.links["current"] == newest.address
        newer = pages[number - 1].address if number else None
        assert page.links.get("next-archive") == newer


@pytest.mark.row("S5")
@pytest.mark.parametrize(
    "made", [one for one in formats() if one.link_newer], ids=lambda one: one.name
)
def test_archive_page_that_gets_another_next_one_links_to_that_alone(
    made: Format, small_pages: None
) -> None:
    scene = grown(8)
    *_, newer, page = (seen.address.rpartition("/")[0] for seen in scene.history())
    document = scene.fetch(f"{page}/{made.name}")
    assert made.link_newer
    other = f"{newer}0"
    linked = made.link_newer(document, f"{other}/{made.name}")
    named = (address.rpartition("/")[2].encode() for address in (other, newer))
    assert linked.replace(*named) == document
    assert made.link_newer(linked, f"{other}/{made.name}") == linked


def test_ids_of_archived_entries_are_the_same_in_every_format(small_pages: None) -> None:
    scene = grown(8)
    found = {name: [id_ for seen in scene.history(name) for id_ in seen.ids] for name in FEEDS}
    assert found["atom.xml"] == found["feed.json"] == found["rss.xml"]


def test_an_edited_entry_comes_back_on_top_and_its_archived_copy_is_left(small_pages: None) -> None:
    scene = grown(8)
    oldest = scene.history()[-1]
    before = scene.fetch(oldest.address)
    scene.later(days=3)
    scene.says(document(8, 7, 1, e1="<p>edited</p>"))
    assert scene.refresh().revised == 1
    newest = scene.history()[0]
    assert newest.titles[0] == "Entry 1"
    assert newest.ids[0] == oldest.ids[-1]
    assert scene.fetch(oldest.address) == before
    assert "<p>edited</p>" in scene.public()


@pytest.mark.parametrize("more", [1, 2, 5])
def test_an_edit_beside_more_new_entries_than_a_commit_takes_is_public(
    more: int, pages_of_one: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new entries push the edited one out of the window, before it or after its edit."""
    monkeypatch.setattr("feedmirror.mirror.decide.CHUNK", 2)
    scene = grown(3, keep=1)
    scene.later(days=3)
    scene.says(document(*range(3 + more, 1, -1), e3="<p>edited</p>"))
    outcome = scene.refresh()
    assert (outcome.new, outcome.revised) == (more, 1)
    titles = [title for seen in scene.history() for title in seen.titles]
    assert titles == [f"Entry {number}" for number in range(3 + more, 0, -1)]
    (copy,) = (seen for seen in scene.history() if "Entry 3" in seen.titles)
    assert b"<p>edited</p>" in scene.fetch(copy.address)


def test_a_reader_that_takes_the_newest_copy_of_each_id_has_the_newest_words(
    small_pages: None,
) -> None:
    scene = grown(8)
    for text in ("once", "twice"):
        scene.later(days=3)
        scene.says(document(8, 7, 2, e2=f"<p>edited {text}</p>"))
        scene.refresh()
    copies = [seen for seen in scene.history() if "Entry 2" in seen.titles]
    assert len(copies) > 1
    assert b"edited twice" in scene.fetch(copies[0].address)


@pytest.mark.parametrize("keep", [1, 3, 30])
def test_no_entry_is_in_two_places_whatever_is_kept(keep: int, small_pages: None) -> None:
    scene = grown(20, keep, step=3)
    titles = [title for seen in scene.history() for title in seen.titles]
    assert len(set(titles)) == len(titles)
    assert len(scene.history()[0].titles) >= min(keep, len(titles))


@needs_schemas
@pytest.mark.slow
@pytest.mark.parametrize("path", sample_feeds(), ids=lambda path: path.name)
def test_real_feeds_are_wholly_reachable_in_valid_documents(path: Path) -> None:
    subscription = replace(SUBSCRIPTION, keep=3)
    scene = Scene(Fetched(URL, path.read_bytes()), subscription=subscription)
    new = scene.refresh().new
    problems: dict[str, Callable[..., list[str]]] = {
        "rss.xml": rss_problems, "atom.xml": atom_problems, "feed.json": json_problems,
    }  # fmt: skip
    for name in FEEDS:
        chain = scene.history(name)
        ids = [id_ for seen in chain for id_ in seen.ids]
        assert len(set(ids)) == len(ids) == new
        assert len(chain) == 1 + max(0, new - 3) // archive.PAGE_ENTRIES
        for seen in chain:
            body = scene.fetch(seen.address)
            found = problems[name](body, self_url=seen.links["self"], now=scene.now)
            assert [p for p in found if p.split()[0] not in FROM_ORIGIN] == []
            if name == "feed.json":
                assert schema_problems(body) == []
                continue
            assert name == "rss.xml" or grammar_problems(body) == []
            for bodies in disclaimers(body, sentence="mirroring them is no endorsement"):
                assert bodies
                assert all(bodies.values())


@pytest.mark.slow
@given(st.integers(1, 12), st.integers(1, 5), st.lists(st.integers(1, 6), max_size=8))
def test_entries_are_archived_in_whole_pages_oldest_first(
    keep: int, page: int, arrivals: list[int]
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(archive, "PAGE_ENTRIES", page)
        scene = Scene(document(1), subscription=replace(SUBSCRIPTION, keep=keep))
        scene.refresh()
        newest = 1
        for number in arrivals:
            scene.later(days=3)
            scene.says(document(*range(newest + number, newest, -1)))
            newest += number
            scene.refresh()
        first, *others = scene.history()
    titles = [title for seen in (first, *others) for title in seen.titles]
    assert titles == [f"Entry {number}" for number in range(newest, 0, -1)]
    assert all(len(seen.titles) == page for seen in others)
    # What came last is public for two days; beyond that and `keep`, less than a page waits.
    recent = arrivals[-1] if arrivals else 1
    assert len(first.titles) < max(keep, recent) + page


def test_a_smaller_keep_sets_entries_free_a_chunk_at_a_time(
    small_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedmirror.mirror.decide.CHUNK", 6)
    scene = grown(20, keep=30)
    scene.configure(keep=1)
    found = []
    for newest in (21, 22, 23, 24):
        scene.later(days=3)
        scene.says(document(newest, newest - 1))
        scene.refresh()
        found.append([len(seen.titles) for seen in scene.history()])
    assert [len(pages) - 1 for pages in found] == [3, 6, 9, 11]
    assert [sum(pages) for pages in found] == [21, 22, 23, 24]


# ---------------------------------------------------------------- what it costs


def _archived(pages: int) -> tuple[Scene, CountingStore]:
    """A mirror with so many archive pages of 25 entries, and a window in which one more is due."""
    scene = Scene(document(*range(31, 0, -1)))
    scene.refresh()
    (page,) = scene.history()[1:]
    scene.later(days=3)
    scene.says(document(*range(54, 0, -1)))
    scene.refresh()
    store = scene.store
    assert isinstance(store, MemoryStore)
    state = state_codec.load(store.objects[STATE], STATE)
    name = page.address.split("/")[-2]
    months = {f"{year}-{month:02}": (9, name) for year in range(1990, 2026) for month in (1, 7)}
    state = replace(
        state, archive_summary=ArchiveSummary(pages, name, EntryLink("0" * 32, "Older"), months)
    )
    store.objects[STATE] = state_codec.dump(state)
    return scene, CountingStore(store)


@pytest.mark.parametrize("pages", [4, 40_000], ids=["100 archived", "1,000,000 archived"])
def test_archiving_writes_the_same_few_objects_however_many_are_archived(pages: int) -> None:
    scene, store = _archived(pages)
    scene.later(days=3)
    scene.says(document(*range(55, 0, -1)))
    assert scene.refresh(store=store).new == 1
    archived = [key for key in store.creates if "/archive/" in key]
    assert sorted(key.rpartition("/")[2] for key in archived) == sorted(DOCUMENTS)
    record, page = [key for key in store.creates if "/entries/" in key]
    assert sorted(store.creates) == sorted([record, page, *archived])
    linked = [key for key in store.replaces if "/archive/" in key]
    assert {key.rpartition("/")[2] for key in linked} == {"atom.xml", "rss.xml", "index.html"}
    public = [f"public/news/{name}" for name in DOCUMENTS]
    records = [key for key in store.loads if key.startswith("data/news/entries/")]
    assert len(records) == archive.PAGE_ENTRIES
    assert store.loads == [STATE, *records, *linked, *public]
    assert [key for key in store.replaces if key not in linked] == [STATE, *public, STATE]
    assert store.listings == ["data/news/removed/"]  # once a page: what was taken down


@pytest.mark.parametrize("pages", [4, 40_000], ids=["100 archived", "1,000,000 archived"])
def test_the_state_grows_with_months_and_not_with_pages(pages: int) -> None:
    scene, _ = _archived(pages)
    state = state_codec.load(scene.store.load(STATE).body, STATE)  # type: ignore[union-attr]
    bare = len(state_codec.dump(replace(state, archive_summary=ArchiveSummary())))
    assert len(state_codec.dump(state)) - bare < 4_000


def test_an_impossible_year_makes_no_month_of_its_own() -> None:
    from feedmirror.mirror.archive import month_of

    scene = grown(2)
    state = state_codec.load(scene.store.load(STATE).body, STATE)  # type: ignore[union-attr]
    one = state.window.rows[0]
    early = replace(one, published=scene.now.replace(year=1970))
    assert month_of(early) == f"{one.first_seen:%Y-%m}"


# ---------------------------------------------------------------- a reader who polls throughout


@pytest.mark.row("U1", "U2", "U3")
@pytest.mark.slow
def test_entries_by_the_thousand_in_small_steps_leave_a_polling_reader_nothing_broken() -> None:
    scene = Scene(document(1), subscription=replace(SUBSCRIPTION, keep=20))
    scene.refresh()
    assert isinstance(scene.store, MemoryStore)
    reader = Reader(scene.store)
    step, entries = 50, amount(800, 5_000)
    for newest in range(1 + step, entries + step, step):
        scene.later(days=1)
        scene.says(document(*range(min(newest, entries), newest - step, -1)))
        scene.refresh(store=reader)
    assert reader.looked > entries + entries // archive.PAGE_ENTRIES * len(formats())
    for name in FEEDS:
        titles = [title for seen in scene.history(name) for title in seen.titles]
        assert titles == [f"Entry {number}" for number in range(entries, 0, -1)]
