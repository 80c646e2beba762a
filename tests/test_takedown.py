"""An entry that is taken down: its words are nowhere, and nothing brings them back."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from itertools import accumulate, count
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import SITE, entry, rss_document
from crash_history import MOMENTS
from effort import EXHAUSTIVE, amount
from feedmirror.adapters.stores.s3 import S3Store
from feedmirror.adapters.stores.versions import DirectoryVersions, S3Versions
from feedmirror.errors import ConfigError, StoreError
from feedmirror.mirror import record, state_codec, tombstone
from feedmirror.mirror.archive import page_name
from feedmirror.mirror.likeness import likenesses
from feedmirror.mirror.state import State
from feedmirror.mirror.tombstone import Tombstone
from feedmirror.model import Disclaimer, Entry, Reason, Revision
from feedmirror.ports import Store, Versions
from feedmirror.publishing.formats.format import unstamped
from feedmirror.rebuild import rebuild
from feedmirror.renewal import renew_slice
from feedmirror.restore import Released, is_hidden, release, restore
from feedmirror.site import publish_site
from feedmirror.storage.publisher import Publisher
from feedmirror.storage.removal import Remover
from feedmirror.takedown import Order, Takedown
from kept_versions import KeepingStore
from remembering import remember_renderings
from scene import DOCUMENTS, NOON, PUBLIC_URL, SUBSCRIPTION, URL, Scene
from stores import (
    CountingStore,
    Crash,
    CrashingStore,
    FailingStore,
    MemoryStore,
    Turnstile,
    YieldingStore,
    explore,
    sample,
)

CANARY = "quincunx"  # a word of the entry that is taken down, and of no other
ATOM = "{http://www.w3.org/2005/Atom}"
REMOVED = "data/news/removed/"
ORDER = Order(Reason.PRIVACY, "letter of 2 March", "operator")


def says(*numbers: int, of: int, words: str = f"<p>All of the {CANARY} of it.</p>") -> bytes:
    """A feed whose entry `of` has the canary in its title and body."""
    entries = [
        entry(
            number,
            **({"title": f"The {CANARY} of the garden", "summary": words} if number == of else {}),
        )
        for number in numbers
    ]
    return rss_document(entries)


def key_of(scene: Scene, words: str = CANARY) -> str:
    """The key of the entry whose record has these words."""
    store = scene.store
    (found,) = {
        key.split("/")[3]
        for key in store.keys("data/news/entries/")
        if words.encode() in store.load(key).body  # type: ignore[union-attr]
    }
    return found


def places(scene: Scene, words: str = CANARY) -> list[str]:
    """The keys of all objects that have these words."""
    objects: dict[str, bytes] = scene.store.objects  # type: ignore[attr-defined]
    return [key for key, body in objects.items() if words.encode() in body]


def versions_of(store: Store) -> Versions:
    if isinstance(store, S3Store):
        return S3Versions(store._client, store._bucket)
    if isinstance(store, KeepingStore):
        return store
    return DirectoryVersions(Path("/nowhere"))


def takedown_of(scene: Scene, store: Store | None = None) -> Takedown:
    return Takedown(
        scene.subscription,
        store if store is not None else scene.store,
        versions_of(scene.store),
        PUBLIC_URL,
        scene.deployment,
        clock=lambda: scene.now,
    )


def take_down(
    scene: Scene, key: str, store: Store | None = None, *, revision: str | None = None
) -> Tombstone:
    work = takedown_of(scene, store)
    plan = work.plan(key, revision=revision)
    assert plan is not None
    return work.carry_out(plan, ORDER).tombstone


def state(scene: Scene) -> State:
    stored = scene.store.load("state/news.json")
    assert stored is not None
    return state_codec.load(stored.body, "state/news.json")


def lose_all_but_tombstones(scene: Scene) -> dict[str, bytes]:
    """Delete the state and the records; return the objects that are left."""
    objects: dict[str, bytes] = scene.store.objects  # type: ignore[attr-defined]
    for key in [key for key in objects if key.startswith(("state/", "data/news/entries/"))]:
        del objects[key]
    return objects


def entries_of(scene: Scene) -> list[ET.Element]:
    return list(ET.fromstring(scene.public("atom.xml")).iterfind(f"{ATOM}entry"))


def mirrored(keep: int = 3, of: int = 2) -> Scene:
    """A mirror of five entries, the first of which are in archive pages of one entry."""
    scene = Scene(says(2, 1, of=of), subscription=replace(SUBSCRIPTION, keep=keep))
    scene.refresh()
    scene.later(hours=100)
    scene.says(says(5, 4, 3, 2, 1, of=of))
    scene.refresh()
    scene.later(minutes=15)
    return scene


@pytest.fixture(autouse=True)
def one_a_page(pages_of_one: None) -> None:
    """So that an archive page is full at once."""


@pytest.mark.parametrize("keep", [1, 2, 3, 4, 9])
def test_the_words_of_an_entry_that_is_taken_down_are_in_no_object(keep: int) -> None:
    scene = mirrored(keep)
    assert len(places(scene)) > 3
    take_down(scene, key_of(scene))
    assert places(scene) == []


def test_the_other_entries_keep_their_places_and_pages() -> None:
    scene = mirrored(keep=2)
    archived = {seen.address for seen in scene.history()}
    titles = [title for seen in scene.history() for title in seen.titles]
    take_down(scene, key_of(scene))
    assert {seen.address for seen in scene.history()} == archived
    after = [title for seen in scene.history() for title in seen.titles]
    assert after == ["Removed" if CANARY in title else title for title in titles]


@pytest.mark.row("O8")
@pytest.mark.parametrize("keep", [2, 9])
def test_an_entry_that_its_origin_still_has_does_not_come_back(keep: int) -> None:
    scene = mirrored(keep)
    take_down(scene, key_of(scene))
    for number in range(6, 9):
        scene.later(hours=100)
        scene.says(says(number, 2, 1, of=2, words=f"<p>Edited {CANARY} {number}.</p>"))
        scene.refresh()
    assert places(scene) == []
    assert sum(title == "Removed" for seen in scene.history() for title in seen.titles) == 1


@pytest.mark.row("O8")
@pytest.mark.parametrize("is_lost", [False, True])
def test_a_rebuild_does_not_bring_it_back(is_lost: bool) -> None:
    scene = mirrored(keep=2)
    take_down(scene, key_of(scene))
    before = [(seen.address, seen.titles) for seen in scene.history()]
    if is_lost:
        del scene.store.objects["state/news.json"]  # type: ignore[attr-defined]
    rebuild(scene.subscription, scene.store, PUBLIC_URL, scene.now)
    scene.later(hours=1)
    scene.refresh()
    assert places(scene) == []
    assert [(seen.address, seen.titles) for seen in scene.history()] == before
    assert len(state(scene).removed) == 1


@pytest.mark.parametrize("is_rebuilt", [False, True])
def test_a_state_that_was_put_back_does_not_bring_it_back(*, is_rebuilt: bool) -> None:
    scene = mirrored(keep=2)
    objects: dict[str, bytes] = scene.store.objects  # type: ignore[attr-defined]
    old = objects["state/news.json"]
    take_down(scene, key_of(scene))
    objects["state/news.json"] = old
    if is_rebuilt:
        rebuild(scene.subscription, scene.store, PUBLIC_URL, scene.now)
        assert places(scene) == []
    scene.later(hours=100)
    scene.says(says(6, 5, 2, of=2))
    scene.refresh()
    assert places(scene) == []


def test_a_state_that_was_put_back_shows_the_words_at_no_moment() -> None:
    scene = mirrored(keep=2)
    objects: dict[str, bytes] = scene.store.objects  # type: ignore[attr-defined]
    old = objects["state/news.json"]
    key = key_of(scene, "Entry 4")
    take_down(scene, key)
    objects["state/news.json"] = old
    scene.later(hours=100)
    scene.says(says(7, 6, 5, 2, of=2))
    watched = _WatchedStore(scene.store, b"<title>Entry 4")
    scene.refresh(store=watched)
    assert [name for name in watched.seen if name.startswith("public/")] == []
    assert places(scene, "Entry 4") == []


@pytest.mark.row("O8")
def test_a_feed_that_begins_anew_does_not_bring_it_back() -> None:
    scene = mirrored()
    take_down(scene, key_of(scene))
    lose_all_but_tombstones(scene)
    for _ in range(2):
        scene.refresh()
        assert places(scene) == []
        scene.later(hours=1)


def test_nothing_is_committed_where_the_tombstones_cannot_be_listed() -> None:
    scene = mirrored()
    take_down(scene, key_of(scene))
    objects = lose_all_but_tombstones(scene)
    before = dict(objects)
    failing = FailingStore(scene.store, lambda name, key: (name, key) == ("keys", REMOVED))
    with pytest.raises(StoreError):
        scene.refresh(store=failing)
    assert objects == before


@pytest.mark.parametrize("name", ["rss.xml", "atom.xml", "feed.json", "index.html"])
def test_readers_are_told_with_the_ground_and_the_disclaimer(name: str) -> None:
    scene = mirrored(keep=9)
    titled = scene.public(name).count("Entry")
    key = key_of(scene)
    take_down(scene, key)
    assert "protect the privacy" in scene.public(name)
    assert scene.public(name).count("Entry") == titled
    page = scene.fetch(f"{PUBLIC_URL}/news/entries/{key}.html").decode()
    assert "protect the privacy" in page
    assert "noindex" in page
    assert "feedmirror-disclaimer" in page


def test_atom_has_a_tombstone_of_the_same_id_and_no_words() -> None:
    scene = mirrored(keep=9)
    id_of = {one.findtext(f"{ATOM}title"): one.findtext(f"{ATOM}id") for one in entries_of(scene)}
    take_down(scene, key_of(scene))
    assert len(entries_of(scene)) == len(id_of) - 1
    root = ET.fromstring(scene.public("atom.xml"))
    (told,) = root.iterfind("{http://purl.org/atompub/tombstones/1.0}deleted-entry")
    assert told.get("ref") == id_of[f"The {CANARY} of the garden"]
    assert told.get("when") == f"{scene.now:%Y-%m-%dT%H:%M:%SZ}"


def test_json_feed_and_rss_have_the_same_id_and_a_date_of_removal() -> None:
    scene = mirrored(keep=9)
    before = json.loads(scene.public("feed.json"))["items"]
    guids = re.findall("<guid.*</guid>", scene.public("rss.xml"))
    take_down(scene, key_of(scene))
    after = json.loads(scene.public("feed.json"))["items"]
    assert [item["id"] for item in after] == [item["id"] for item in before]
    assert re.findall("<guid.*</guid>", scene.public("rss.xml")) == guids
    (told,) = (item for item in after if "removed" in item["_feedmirror"])
    assert told["title"] == "Removed"
    assert told["_feedmirror"]["removed"] == f"{scene.now:%Y-%m-%dT%H:%M:%SZ}"
    assert "revision" not in told["_feedmirror"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_after_thirty_days_the_notice_leaves_the_documents(name: str) -> None:
    scene = mirrored(keep=9)
    take_down(scene, key_of(scene))
    scene.later(days=29)
    scene.refresh()
    assert "protect the privacy" in scene.public(name)
    scene.later(days=1)
    assert name in scene.refresh().published
    assert "protect the privacy" not in scene.public(name)
    assert "Entry 1" in scene.public(name)
    scene.says(says(6, 5, 4, 3, 2, 1, of=2))
    scene.later(hours=1)
    scene.refresh()
    assert "protect the privacy" not in scene.public(name)
    assert "Entry 6" in scene.public(name)
    assert places(scene) == []
    scene.later(hours=1)
    assert scene.refresh().published == ()


def test_archive_pages_keep_the_notice() -> None:
    scene = mirrored(keep=1)
    take_down(scene, key_of(scene))
    scene.later(days=40)
    scene.refresh()
    rebuild(scene.subscription, scene.store, PUBLIC_URL, scene.now)
    titles = [title for seen in scene.history() for title in seen.titles]
    assert titles.count("Removed") == 1


def test_the_site_says_how_many_entries_were_removed_and_why() -> None:
    scene = mirrored()
    feeds = (scene.subscription,)
    publish_site(scene.store, feeds, PUBLIC_URL, scene.now, scene.deployment)
    assert "Nothing has been removed" in scene.fetch(f"{PUBLIC_URL}/removed.html").decode()
    assert "removed.html" not in scene.fetch(f"{PUBLIC_URL}/index.html").decode()
    take_down(scene, key_of(scene))
    for configured in (feeds, ()):  # then the line is the one that was published
        publish_site(scene.store, configured, PUBLIC_URL, scene.now, scene.deployment)
        page = scene.fetch(f"{PUBLIC_URL}/removed.html").decode()
        assert "1 to protect the privacy of a person" in page
        assert 'href="news/"' in page
        assert "removed.html" in scene.fetch(f"{PUBLIC_URL}/index.html").decode()
        status = json.loads(scene.fetch(f"{PUBLIC_URL}/status.json"))
        assert status["feeds"][0]["removed"] == {"privacy": 1}
    assert places(scene) == []


@pytest.mark.parametrize("whole", [False, True])
def test_what_is_left_is_named(*, whole: bool) -> None:
    scene = mirrored(keep=1)
    objects: dict[str, bytes] = scene.store.objects  # type: ignore[attr-defined]
    work, key = takedown_of(scene), key_of(scene)
    plan = work.plan(key)
    assert plan is not None
    had = [one for one in places(scene) if "/entries/" not in one or key in one]
    assert {*had} <= {*work.verify(plan, whole=whole).left}
    work.carry_out(plan, ORDER)
    verified = work.verify(plan, whole=whole)
    assert verified.left == ()
    assert verified.read == work.objects() if whole else verified.read < work.objects()
    (name,) = plan.archive_pages
    kept = f"public/news/archive/{name}/rss.xml"
    objects[kept] += f"<!-- All of the {CANARY} of it. -->".encode()
    assert work.verify(plan, whole=whole).left == (kept,)


@pytest.mark.parametrize("keep", [1, 9])
def test_what_is_of_all_feeds_and_the_neighbour_before_are_verified(keep: int) -> None:
    scene = mirrored(keep)
    objects: dict[str, bytes] = scene.store.objects  # type: ignore[attr-defined]
    work, key = takedown_of(scene), key_of(scene)
    plan = work.plan(key)
    assert plan is not None
    work.carry_out(plan, ORDER)
    before = key_of(scene, "Entry 1")
    quoting = {"state/index", "public/index.html", f"public/news/entries/{before}.html"}
    for name in quoting:
        objects[name] = f"All of the {CANARY} of it.".encode()
    assert {*work.verify(plan).left} == quoting


def test_verifying_takes_at_most_sixty_requests_at_ten_thousand_archived_entries() -> None:
    scene = mirrored(keep=9)
    archived = [one_archived(number) for number in range(10_000)]
    taken = (0, 24, 4_987, 9_999)
    store_archive(scene.store, archived, {number // 25 for number in taken})
    for number in taken:
        counting = CountingStore(scene.store)
        work = takedown_of(scene, counting)
        plan = work.plan(archived[number].key)
        assert plan is not None
        searched = len(counting.operations)
        work.carry_out(plan, ORDER)
        counting.reset()
        verified = work.verify(plan, also={"feeds.toml": b""})
        assert verified.left == ()
        assert verified.read > 20
        assert searched + len(counting.operations) <= 60
        assert not places(scene, f"Gardens number {number} in the rain")


def one_archived(number: int) -> Revision:
    name = f"{number:032x}"
    entry_ = Entry(guid=f"urn:{number}", title=f"Gardens number {number} in the rain, at night")
    before = NOON - timedelta(days=9)
    return Revision(
        key=name,
        digest=name,
        guid=f"urn:{number}",
        guid_is_permalink=False,
        entry=entry_,
        seq=number + 1,
        first_seen=before,
        listed_at=before,
        observed_at=before,
        fetched_from=URL,
    )


def store_archive(store: Store, archived: list[Revision], read: set[int]) -> None:
    """Store archive pages of 25 entries, as far as they are searched and linked; of those in `read`
    the records of all entries, of the others the newest one's.
    """
    pages = [archived[at : at + 25] for at in range(0, len(archived), 25)]
    for number, page in enumerate(pages):
        for one in page if number in read else page[-1:]:
            body = record.dump("news", one, None)
            store.create(record.key_of("news", one.key, one.digest, 0), body)
    named = list(accumulate(enumerate(pages), _next_name, initial=""))[1:]
    for number, (name, page) in enumerate(zip(named, pages, strict=True)):
        own = [{"key": one.key, "revision": one.digest} for one in reversed(page)]
        items = json.dumps({"items": [{"_feedmirror": each} for each in own]})
        store.create(f"public/news/archive/{name}/feed.json", items.encode())
        links = "".join(
            f'<link rel="{rel}-archive" href="https://m.example/archive/{linked}/atom.xml"/>'
            for rel, linked in zip(("prev", "next"), _beside(named, number), strict=True)
            if linked
        )
        store.create(f"public/news/archive/{name}/atom.xml", f"<feed>{links}</feed>".encode())


def _next_name(older: str, numbered: tuple[int, list[Revision]]) -> str:
    number, page = numbered
    return page_name(number, older or None, ((one.key, one.digest) for one in page))


def _beside(named: list[str], number: int) -> tuple[str, str]:
    return named[number - 1] if number else "", "".join(named[number + 1 : number + 2])


def test_words_in_the_configuration_are_named() -> None:
    scene = mirrored()
    work = takedown_of(scene)
    plan = work.plan(key_of(scene))
    assert plan is not None
    work.carry_out(plan, ORDER)
    text = f"disclaimer.text = 'Not: the {CANARY.upper()} of the garden.'".encode()
    assert work.verify(plan, also={"feeds.toml": text}).left == ("feeds.toml",)
    assert work.verify(plan, also={"feeds.toml": b""}).left == ()


def test_a_second_takedown_keeps_the_first_date_and_changes_nothing_for_readers() -> None:
    scene = mirrored(keep=2)
    key = key_of(scene)
    first = take_down(scene, key)
    before = scene.history()
    scene.later(hours=5)
    assert take_down(scene, key).at == first.at
    assert [seen.titles for seen in scene.history()] == [seen.titles for seen in before]
    assert places(scene) == []


def test_the_last_entry_of_a_feed_is_taken_down() -> None:
    scene = Scene(says(2, of=2))
    scene.refresh()
    take_down(scene, key_of(scene))
    assert places(scene) == []
    assert [seen.titles for seen in scene.history()] == [("Removed",)]


def test_the_log_has_every_order_with_its_objects_and_no_words() -> None:
    scene = mirrored(keep=2)
    key, work = key_of(scene), takedown_of(scene)
    had = {*places(scene)}
    for reference in ("letter 1", "letter 2"):
        plan = work.plan(key)
        assert plan is not None
        done = work.carry_out(plan, replace(ORDER, reference=reference))
        work.note(done, f"I{reference}")
        scene.later(hours=1)
    where = f"{REMOVED}{key}.json"
    stored = scene.store.load(where)
    assert stored is not None
    log = tombstone.load(stored.body, where).log
    assert [(one.action, one.reference, one.invalidation) for one in log] == [
        ("takedown", "letter 1", "Iletter 1"),
        ("takedown", "letter 2", "Iletter 2"),
    ]
    assert had <= {*log[0].objects}
    assert log[0].by == "operator"
    assert not places(scene)


# ---------------------------------------------------------------- hidden, and single revisions


def hide(scene: Scene, key: str, store: Store | None = None) -> None:
    work = takedown_of(scene, store)
    plan = work.plan(key)
    assert plan is not None
    work.carry_out(plan, replace(ORDER, is_hidden=True))
    assert work.verify(plan, only_public=True).left == ()


def just_mirrored(keep: int) -> Scene:
    """As `mirrored`, at the time of its last change: documents that change then have one date."""
    scene = mirrored(keep)
    changed_at = state(scene).changed_at
    assert changed_at
    scene.now = changed_at
    return scene


def public(scene: Scene) -> dict[str, bytes]:
    """What readers get, without stamps."""
    objects: dict[str, bytes] = scene.store.objects  # type: ignore[attr-defined]
    return {key: unstamped(body) for key, body in objects.items() if key.startswith("public/")}


def records_of(scene: Scene) -> dict[str, bytes]:
    objects: dict[str, bytes] = scene.store.objects  # type: ignore[attr-defined]
    return {key: body for key, body in objects.items() if "/entries/" in key and "data/" in key}


@pytest.mark.parametrize("keep", [2, 9])
@pytest.mark.parametrize("is_rebuilt", [False, True])
def test_what_was_hidden_comes_back_byte_for_byte(keep: int, *, is_rebuilt: bool) -> None:
    scene = just_mirrored(keep)
    key, readers, records = key_of(scene), public(scene), records_of(scene)
    hide(scene, key)
    assert [name for name in places(scene) if name.startswith("public/")] == []
    scene.refresh()
    if is_rebuilt:
        rebuild(scene.subscription, scene.store, PUBLIC_URL, scene.now)
    assert places(scene) == [f"data/news/hidden/{key}.json"]
    assert is_hidden(scene.store, "news", key)
    for _ in range(2):  # to be repeated by whoever was interrupted
        restore(takedown_of(scene), key, by="operator", now=scene.now)
        assert public(scene) == readers
        assert records.items() <= records_of(scene).items()
        assert not state(scene).removed
    scene.refresh()
    rebuild(scene.subscription, scene.store, PUBLIC_URL, scene.now)
    assert public(scene) == readers


def test_an_edit_that_was_made_while_an_entry_was_hidden_is_mirrored_afterwards() -> None:
    scene = mirrored(keep=9)
    key = key_of(scene)
    hide(scene, key)
    scene.later(hours=30)
    scene.says(says(5, 4, 3, 2, 1, of=2, words=f"<p>An edited {CANARY}.</p>"))
    scene.refresh()
    assert f"edited {CANARY}" not in scene.public()
    restore(takedown_of(scene), key, by="operator", now=scene.now)
    assert f"All of the {CANARY}" in scene.public()
    scene.later(hours=30)
    scene.refresh()
    assert f"edited {CANARY}" in scene.public()


def test_what_was_hidden_can_be_taken_down_for_good() -> None:
    scene = mirrored(keep=2)
    key = key_of(scene)
    hide(scene, key)
    take_down(scene, key)
    assert places(scene) == []
    with pytest.raises(StoreError, match="not hidden"):
        restore(takedown_of(scene), key, by="operator", now=scene.now)


def test_a_run_that_is_late_does_not_hide_again_what_was_restored() -> None:
    scene = just_mirrored(2)
    key, readers, records = key_of(scene), public(scene), records_of(scene)
    for at in count():
        crashing = CrashingStore(copied_store(scene), at, "after")
        with contextlib.suppress(Crash):
            hide(scene, key, crashing)
        if b'"removing"' in crashing.inner.objects["state/news.json"]:  # type: ignore[attr-defined]
            break
    late = copied(scene)
    late.store.objects.update(crashing.inner.objects)  # type: ignore[attr-defined]
    held = state(late)
    restore(takedown_of(late), key, by="operator", now=late.now)
    publisher = Publisher(late.store, late.subscription, PUBLIC_URL)
    Remover(late.store, publisher).carry_out(held)
    assert public(late) == readers
    assert records.items() <= records_of(late).items()


def copied_store(scene: Scene) -> MemoryStore:
    other = copied(scene).store
    assert isinstance(other, MemoryStore)
    return other


@pytest.mark.usefixtures("swept")
@pytest.mark.slow
def test_hiding_or_restoring_that_died_at_any_step_loses_no_words() -> None:
    start = just_mirrored(2)
    key, readers = key_of(start), public(start)
    for at in count():
        scene = copied(start)
        crashing = CrashingStore(scene.store, at, "after")
        with contextlib.suppress(Crash):
            hide(scene, key, crashing)
            restore(takedown_of(scene, crashing), key, by="operator", now=scene.now)
        scene.refresh()
        with contextlib.suppress(StoreError):  # it is not hidden: it has died before its commit
            restore(takedown_of(scene), key, by="operator", now=scene.now)
        assert public(scene) == readers, f"died after {at}"
        if crashing.count <= at:
            break
    assert at > 60


def edited(keep: int = 9) -> tuple[Scene, str, str]:
    """A mirror of an entry whose canary is gone by an edit; its key, and the revision of before."""
    scene = mirrored(keep)
    key = key_of(scene)
    (first,) = {name.split("/")[4].split(".")[0] for name in records_of(scene) if key in name}
    scene.later(hours=100)
    scene.says(rss_document([entry(number) for number in (6, 5, 4, 3, 2, 1)]))
    scene.refresh()
    return scene, key, first


@pytest.mark.parametrize("keep", [2, 9])
def test_one_revision_is_taken_down_and_the_entry_stays(keep: int) -> None:
    scene, key, first = edited(keep)
    titles = sorted(title for seen in scene.history() for title in seen.titles)
    assert places(scene)
    work = takedown_of(scene)
    plan = work.plan(key, revision=first[:9])
    assert plan is not None
    assert f"data/news/entries/{key}/{first}.0.json" in work.verify(plan).left
    work.carry_out(plan, ORDER)
    assert work.verify(plan).left == ()
    assert places(scene) == []
    after = sorted(title for seen in scene.history() for title in seen.titles)
    assert after == sorted(title if CANARY not in title else "Entry 2" for title in titles)
    rebuild(scene.subscription, scene.store, PUBLIC_URL, scene.now)
    assert places(scene) == []
    assert "Removed" not in "".join(scene.archived()) + scene.public()
    assert "Entry 2" in "".join(title for seen in scene.history() for title in seen.titles)


@pytest.mark.parametrize("is_restored", [False, True])
def test_one_revision_of_a_hidden_entry_is_kept_no_more(*, is_restored: bool) -> None:
    scene, key, first = edited(2)
    hide(scene, key)
    if is_restored:
        restore(takedown_of(scene), key, by="operator", now=scene.now)
    take_down(scene, key, revision=first)
    assert places(scene) == []
    assert is_hidden(scene.store, "news", key)  # the other revision still is


def test_a_removed_revision_does_not_come_back_if_its_origin_says_it_again() -> None:
    scene, key, first = edited()
    take_down(scene, key, revision=first)
    for _ in range(2):
        scene.later(hours=100)
        scene.says(says(6, 5, 4, 3, 2, 1, of=2))
        scene.refresh()
        assert places(scene) == []
        rebuild(scene.subscription, scene.store, PUBLIC_URL, scene.now)
    scene.later(hours=100)
    scene.says(says(6, 5, 4, 3, 2, 1, of=2, words="<p>Words of a third revision.</p>"))
    scene.refresh()
    assert "third revision" in scene.public()


def test_a_revision_that_is_current_or_unknown_or_ambiguous_is_refused() -> None:
    scene, key, first = edited()
    (current,) = {name.split("/")[4].split(".")[0] for name in records_of(scene) if key in name} - {
        first
    }
    work = takedown_of(scene)
    for named, words in ((current, "says now"), ("xyz", "no such"), ("", "several")):
        with pytest.raises(ConfigError, match=words):
            work.plan(key, revision=named)


# ---------------------------------------------------------------- under another name

LONG = f"<p>{' '.join(f'word{n}' for n in range(19))} {CANARY}</p>"


def under_another_name(scene: Scene, **changes: object) -> str:
    """The origin lists a new entry with these changes; return the note on the refresh."""
    scene.later(hours=1)
    usual = {"title": "Another", "guid": "another", "link": f"{SITE}another"}
    scene.says(rss_document([entry(7), {**entry(2), **usual, **changes}]))
    return scene.refresh().note or ""


@pytest.mark.row("O8")
@pytest.mark.parametrize(
    "changes", [{"summary": LONG}, {"link": f"{SITE}2?utm_source=feed"}, {"content": LONG.upper()}]
)
def test_an_entry_like_a_removed_one_is_left_out_and_told(changes: dict[str, object]) -> None:
    scene = Scene(says(2, 1, of=2, words=LONG))
    scene.refresh()
    take_down(scene, key_of(scene))
    note = under_another_name(scene, **changes)
    assert "Another" not in scene.public()
    assert "Entry 7" in scene.public()
    assert places(scene) == []
    (key,) = state(scene).withheld.values()
    assert f"feedmirror restore news {key}" in note
    scene.later(hours=1)
    scene.says(rss_document([entry(8), entry(7), {**entry(2), "guid": "another", **changes}]))
    scene.refresh()
    assert places(scene) == []


def test_a_false_match_is_released() -> None:
    scene = Scene(says(2, 1, of=2, words=LONG))
    scene.refresh()
    removed = key_of(scene)
    take_down(scene, removed)
    under_another_name(scene, summary=LONG)
    (key,) = state(scene).withheld.values()
    result = release(scene.store, "news", (key, removed, "0" * 32), scene.now)
    assert result == Released((key,), (removed,), ("0" * 32,))
    scene.later(hours=1)
    assert scene.refresh().new == 1
    assert "Another" in scene.public()
    assert not state(scene).withheld


@pytest.mark.parametrize(
    "changes",
    [
        {"summary": LONG.replace(f" {CANARY}", "")},  # too short to be known by
        {"link": SITE},  # that of the channel
        {"link": f"{SITE}shared"},  # that of another entry, too
        {"link": None, "summary": None},
    ],
)
def test_an_entry_that_only_seems_alike_is_taken(changes: dict[str, object]) -> None:
    likeness = {"title": f"The {CANARY} of the garden", **changes}
    first = [{**entry(2), **likeness}, {**entry(1), "link": f"{SITE}shared"}]
    scene = Scene(rss_document(first))
    scene.refresh()
    take_down(scene, key_of(scene))
    assert not under_another_name(scene, **changes)
    assert "Another" in scene.public()


@given(st.text(max_size=60), st.text(max_size=60))
def test_likeness_says_nothing_without_the_secret(words: str, link: str) -> None:
    body = f"<p>{'word ' * 20}{escape(words)}</p>"
    found = likenesses(Entry(link=link, summary=body), b"a", frozenset())
    assert found == likenesses(Entry(link=link, content=body), b"a", frozenset())
    assert not {*found} & {*likenesses(Entry(link=link, summary=body), b"b", frozenset())}


# ---------------------------------------------------------------- at any moment


@pytest.fixture
def swept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is rendered twice, and each store makes the same key: runs whose stores end alike are
    looked at once.
    """
    remember_renderings(monkeypatch)
    monkeypatch.setattr("secrets.token_bytes", bytes)


def before_news(keep: int = 2) -> Scene:
    """A mirror whose next refresh edits the entry, and lets entries into archive pages."""
    scene = mirrored(keep)
    scene.later(hours=100)
    scene.says(says(7, 6, 2, 1, of=2, words=f"<p>An edited {CANARY}.</p>"))
    return scene


class _WatchedStore(CountingStore):
    """Notes the keys of objects that are written with some words in them."""

    def __init__(self, inner: Store, words: bytes) -> None:
        super().__init__(inner)
        self.words = words
        self.seen: list[str] = []

    def create(self, key: str, body: bytes, media_type: str = "application/json") -> str | None:
        self.seen += [key] if self.words in body else []
        return super().create(key, body, media_type)

    def replace(
        self, key: str, body: bytes, etag: str, media_type: str = "application/json"
    ) -> str | None:
        self.seen += [key] if self.words in body else []
        return super().replace(key, body, etag, media_type)


def copied(scene: Scene) -> Scene:
    """The same mirror in a store of its own, which keeps earlier versions from now on."""
    store = KeepingStore()
    other = Scene(b"", store, scene.subscription)
    other.origin, other.now, other.deploys = scene.origin, scene.now, scene.deploys
    store.objects.update(scene.store.objects)  # type: ignore[attr-defined]
    return other


def earlier_places(scene: Scene) -> list[str]:
    """The keys of all earlier versions that have the canary."""
    assert isinstance(scene.store, KeepingStore)
    return [key for key, body in scene.store.replaced if CANARY.encode() in body]


def assert_gone(scene: Scene, *, why: str) -> None:
    """The words stay away, whatever is done next."""
    for _ in range(2):
        assert places(scene) == [], why
        scene.later(hours=100)
        scene.refresh()
    rebuild(scene.subscription, scene.store, PUBLIC_URL, scene.now)
    assert places(scene) == [], why
    titles = [title for seen in scene.history() for title in seen.titles]
    assert titles.count("Removed") == 1, why
    assert len(titles) == 7, why


@pytest.mark.row("O8")
@pytest.mark.slow
@pytest.mark.usefixtures("swept")
def test_a_refresh_that_died_at_any_step_leaves_no_words_behind() -> None:
    start = before_news()
    key = key_of(start)
    for at in count():
        scene = copied(start)
        crashing = CrashingStore(scene.store, at, "after")
        with contextlib.suppress(Crash):
            scene.refresh(store=crashing)
        take_down(scene, key)
        assert_gone(scene, why=f"died after {at}")
        if crashing.count <= at:  # it has fewer steps
            break
    assert at > 20


@pytest.mark.slow
@pytest.mark.usefixtures("swept")
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_takedown_that_died_at_any_step_is_finished_by_the_next_refresh(
    moment: Literal["after", "lost"],
) -> None:
    start = before_news()
    key = key_of(start)
    for at in count():
        scene = copied(start)
        crashing = CrashingStore(scene.store, at, moment)
        with contextlib.suppress(Crash, StoreError):
            take_down(scene, key, crashing)
        if not state(scene).removed:  # it died before the commit
            take_down(scene, key)
        scene.refresh()
        assert_gone(scene, why=f"died {moment} {at}")
        take_down(scene, key)  # functions delete no versions, so the command is run once more
        assert earlier_places(scene) == [], f"died {moment} {at}"
        if crashing.count <= at:  # it has fewer steps
            break
    assert at > 30


@pytest.mark.row("O8")
@pytest.mark.slow
@pytest.mark.usefixtures("swept")
@pytest.mark.parametrize("other", ["refresh", "rebuild"])
def test_a_run_beside_it_brings_no_words_back_in_any_order(other: str) -> None:
    start = before_news()
    key = key_of(start)

    def prepare(turnstile: Turnstile) -> tuple[Scene, list[Callable[[], object]]]:
        scene = copied(start)
        shared = YieldingStore(scene.store, turnstile)

        def run() -> object:
            if other == "refresh":
                return scene.refresh(store=shared)
            return rebuild(scene.subscription, shared, PUBLIC_URL, scene.now)

        return scene, [lambda: take_down(scene, key, shared), run]

    left, runs = set(), 0
    orders = explore(prepare, max_preemptions=2 if EXHAUSTIVE else 1, merging=True)
    for run in (*orders, *sample(prepare, amount(20), seed=3)):
        runs += 1
        scene = run.store
        assert not any(run.errors), str(run)
        assert earlier_places(scene) == [], str(run)
        contents = frozenset(scene.store.objects.items())
        if contents not in left:
            left.add(contents)
            assert_gone(scene, why=str(run))
    assert runs > 60


@pytest.mark.slow
@pytest.mark.usefixtures("swept")
@pytest.mark.parametrize("is_restored", [False, True])
def test_hiding_or_restoring_beside_a_refresh_loses_no_words_in_any_order(
    *, is_restored: bool
) -> None:
    start = before_news()
    key = key_of(start)
    if is_restored:
        hide(start, key)

    def prepare(turnstile: Turnstile) -> tuple[Scene, list[Callable[[], object]]]:
        scene = copied(start)
        shared = YieldingStore(scene.store, turnstile)

        def order() -> None:
            work = takedown_of(scene, shared)
            if is_restored:
                restore(work, key, by="operator", now=scene.now)
            elif plan := work.plan(key):
                work.carry_out(plan, replace(ORDER, is_hidden=True))

        return scene, [order, lambda: scene.refresh(store=shared)]

    left: set[object] = set()
    for run in explore(prepare, max_preemptions=1, merging=True):
        scene = run.store
        assert not any(run.errors), str(run)
        contents = frozenset(scene.store.objects.items())
        if contents not in left:
            left.add(contents)
            if not is_restored:
                assert not any(name.startswith("public/") for name in places(scene)), str(run)
                restore(takedown_of(scene), key, by="operator", now=scene.now)
            scene.later(hours=100)
            scene.refresh()
            rebuild(scene.subscription, scene.store, PUBLIC_URL, scene.now)
            assert any(f"An edited {CANARY}".encode() in body for body in public(scene).values())
            assert not any(b"protect the privacy" in body for body in public(scene).values())
    assert len(left) > 3


def in_renewal() -> Scene:
    """A mirror whose pages are still to be made anew, under another disclaimer."""
    scene = before_news()
    scene.configure(disclaimer=Disclaimer(text="Words of the operator."))
    scene.refresh()
    assert state(scene).renewal is not None
    return scene


def renew(scene: Scene, store: Store | None = None) -> None:
    for _ in range(30):
        if renew_slice(scene.subscription, scene.world(store)).position is None:
            return
    raise AssertionError("the renewal has no end")


@pytest.mark.row("O8")
@pytest.mark.slow
@pytest.mark.usefixtures("swept")
def test_a_renewal_beside_it_brings_no_words_back_in_any_order() -> None:
    start = in_renewal()
    key = key_of(start, "An edited")

    def prepare(turnstile: Turnstile) -> tuple[Scene, list[Callable[[], object]]]:
        scene = copied(start)
        shared = YieldingStore(scene.store, turnstile)
        return scene, [lambda: take_down(scene, key, shared), lambda: renew(scene, shared)]

    left, runs = set(), 0
    orders = explore(prepare, max_preemptions=1, merging=True)
    for run in (*orders, *sample(prepare, amount(20), seed=4)):
        runs += 1
        scene = run.store
        assert not any(run.errors), str(run)
        assert earlier_places(scene) == [], str(run)
        contents = frozenset(scene.store.objects.items())
        if contents not in left:
            left.add(contents)
            renew(scene)
            objects = scene.store.objects.items()
            pages = [body for name, body in objects if name.startswith("public/news/")]
            bodies = [body for body in pages if b"deleted-entry" not in body]
            assert all(b"Words of the operator" in body for body in bodies), str(run)
            assert_gone(scene, why=str(run))
    assert runs > 60


@pytest.mark.slow
@pytest.mark.usefixtures("swept")
def test_an_entry_of_a_first_mirror_that_died_at_any_step_is_taken_down() -> None:
    whole = Scene(says(*range(7, 0, -1), of=2), subscription=replace(SUBSCRIPTION, keep=3))
    whole.refresh()
    key, tried = key_of(whole), 0
    for at in count():
        scene = Scene(says(*range(7, 0, -1), of=2), subscription=whole.subscription)
        crashing = CrashingStore(scene.store, at, "before")
        with contextlib.suppress(Crash):
            scene.refresh(store=crashing)
        if scene.store.load("state/news.json") is not None:
            tried += 1
            take_down(scene, key)
            scene.later(hours=1)
            scene.refresh()
            assert_gone(scene, why=f"died before {at}")
        if crashing.count <= at:
            break
    assert tried > 20


# ---------------------------------------------------------------- versions


@pytest.fixture
def versioned() -> Iterator[S3Store]:
    """A store in a bucket that keeps earlier versions."""
    from s3_server import moto_in_process

    with moto_in_process() as open_store:
        store = open_store()
        enabled = {"Status": "Enabled"}
        store._client.put_bucket_versioning(Bucket=store._bucket, VersioningConfiguration=enabled)
        yield store


@pytest.fixture
def locked(versioned: S3Store, monkeypatch: pytest.MonkeyPatch) -> S3Store:
    """A bucket with object locks, whose refusals name the version."""
    client = versioned._client
    one_by_one = partial(_deleted_one_by_one, client)
    monkeypatch.setattr(client, "delete_objects", one_by_one)
    enabled = {"ObjectLockEnabled": "Enabled"}
    client.put_object_lock_configuration(Bucket=versioned._bucket, ObjectLockConfiguration=enabled)
    return versioned


def _deleted_one_by_one(client: Any, *, Bucket: str, Delete: Any) -> dict[str, list[Any]]:  # noqa: N803
    errors = []
    for one in Delete["Objects"]:
        try:
            client.delete_object(Bucket=Bucket, **one)
        except ClientError as error:
            errors.append({**one, "Code": error.response["Error"]["Code"]})
    return {"Errors": errors}


def versions(store: S3Store) -> dict[tuple[str, str], bytes]:
    """The bodies of all versions of all objects, by key and version."""
    client, bucket = store._client, store._bucket
    pages = client.get_paginator("list_object_versions").paginate(Bucket=bucket)
    found = {}
    for one in (version for page in pages for version in page.get("Versions", ())):
        named = {"Key": one["Key"], "VersionId": one["VersionId"]}
        reply = client.get_object(Bucket=bucket, **named)
        body = reply["Body"].read()
        if reply.get("ContentEncoding") == "gzip":
            body = gzip.decompress(body)
        found[one["Key"], one["VersionId"]] = body
    return found


def versions_with_words(store: S3Store) -> list[tuple[str, str]]:
    return [name for name, body in versions(store).items() if CANARY.encode() in body]


@pytest.mark.row("O8")
@pytest.mark.slow
def test_the_words_are_in_no_version_of_any_object(versioned: S3Store) -> None:
    scene = Scene(says(2, 1, of=2), versioned, replace(SUBSCRIPTION, keep=2))
    scene.refresh()
    scene.later(hours=100)
    scene.says(says(4, 3, 2, 1, of=2))
    scene.refresh()
    assert len(versions_with_words(versioned)) > len(set(versioned.keys())) / 3
    other = versioned.create("public/other/rss.xml", b"1")
    assert other
    assert versioned.replace("public/other/rss.xml", b"2", other)
    take_down(scene, key_of(scene))
    assert versions_with_words(versioned) == []
    assert len([key for key, _ in versions(versioned) if key == "public/other/rss.xml"]) == 2
    scene.later(hours=100)
    scene.says(says(5, 2, of=2, words=f"<p>{CANARY} again.</p>"))
    scene.refresh()
    assert versions_with_words(versioned) == []


@pytest.mark.slow
def test_a_version_under_a_legal_hold_is_named_and_what_it_says(locked: S3Store) -> None:
    """That moto refuses; S3 names the version too, where moto does not."""
    scene = Scene(says(2, 1, of=2), locked)
    scene.refresh()
    client, held = locked._client, {"Bucket": locked._bucket, "Key": "public/news/rss.xml"}
    client.put_object_legal_hold(**held, LegalHold={"Status": "ON"})
    version = client.head_object(**held)["VersionId"]
    work = takedown_of(scene)
    plan = work.plan(key_of(scene))
    assert plan is not None
    (kept,) = work.carry_out(plan, ORDER).purged.kept
    assert kept.startswith(f"public/news/rss.xml, version {version}: AccessDenied")
    assert work.verify(plan).left == (f"public/news/rss.xml, version {version}",)
    assert versions_with_words(locked) == [("public/news/rss.xml", version)]
    client.put_object_legal_hold(**held, VersionId=version, LegalHold={"Status": "OFF"})
    again = work.plan(plan.key)
    assert again is not None
    assert work.carry_out(again, ORDER).purged.kept == ()
    assert versions_with_words(locked) == []


@pytest.mark.slow
def test_all_versions_of_a_feed_are_deleted_and_no_other(versioned: S3Store) -> None:
    scene = Scene(says(2, 1, of=2), versioned)
    scene.refresh()
    scene.later(hours=1)
    scene.says(says(3, 2, 1, of=2))
    scene.refresh()
    assert versioned.create("public/news-archive/rss.xml", b"1")
    for prefix in ("state/news.json", "public/news/", "data/news/"):
        assert not versions_of(versioned).delete(prefix).kept
    left = {key for key, _ in versions(versioned)}
    assert {key for key in left if not key.startswith("public/style-")} == {
        "public/news-archive/rss.xml"
    }


@pytest.mark.slow
def test_an_entry_is_taken_down_without_the_right_to_delete_versions(
    versioned: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(says(2, 1, of=2), versioned)
    scene.refresh()

    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "DeleteObjects")

    monkeypatch.setattr(versioned._client, "delete_objects", refuse)
    work = takedown_of(scene)
    plan = work.plan(key_of(scene))
    assert plan is not None
    kept = work.carry_out(plan, ORDER).purged.kept
    assert any("s3:DeleteObjectVersion" in line for line in kept)
    left = work.verify(plan).left
    assert left
    assert all(", version " in name for name in left)
