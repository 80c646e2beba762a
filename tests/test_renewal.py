"""Pages of an earlier deployment are renewed in slices, until nothing public is stale."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import entry, rss_document
from crash_history import MOMENTS
from feedmirror.errors import OlderDeploymentError, StoreError
from feedmirror.mirror.deployment import Deployment
from feedmirror.mirror.renewal_work import work_left
from feedmirror.model import Disclaimer, Images, Robots
from feedmirror.publishing.formats.format import unstamped
from feedmirror.rebuild import rebuild
from feedmirror.renewal import Renewed, renew_slice
from scene import PUBLIC_URL, SUBSCRIPTION, Scene, document, newest
from store_factories import state_in
from stores import CountingStore, Crash, CrashingStore, MemoryStore

OLD, NEW = "Words of before.", "Words of today."
KEEP = 4


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedmirror.mirror.archive.PAGE_ENTRIES", 3)
    monkeypatch.setattr("feedmirror.renewal.PAGE_ENTRIES", 3)
    monkeypatch.setattr("feedmirror.mirror.renewal_work.PAGE_ENTRIES", 3)


def aged(entries: int = 15) -> Scene:
    """A feed with an archive, mirrored with the old words."""
    subscription = replace(SUBSCRIPTION, keep=KEEP, disclaimer=Disclaimer(text=OLD))
    scene = Scene(document(1), MemoryStore(), subscription)
    for last in range(3, entries + 1, 3):
        scene.says(document(*range(last, 0, -1)))
        scene.refresh()
        scene.later(days=3)
    scene.refresh()
    return scene


def objects(scene: Scene) -> dict[str, bytes]:
    store = scene.store
    assert isinstance(store, MemoryStore)
    return store.objects


def public(scene: Scene) -> dict[str, bytes]:
    return {key: body for key, body in objects(scene).items() if key.startswith("public/")}


def stale(scene: Scene, words: str = OLD) -> list[str]:
    return [key for key, body in public(scene).items() if words.encode() in body]


def renew(scene: Scene, store: object = None) -> Renewed:
    return renew_slice(scene.subscription, scene.world(store))  # type: ignore[arg-type]


def renew_all(scene: Scene, store: object = None) -> list[Renewed]:
    done = []
    while not done or done[-1].position is not None:
        done.append(renew(scene, store))
        assert len(done) < 60
    return done


def change(scene: Scene) -> None:
    scene.configure(disclaimer=Disclaimer(text=NEW))


def test_new_disclaimer_reaches_every_page_in_slices_the_newest_first() -> None:
    scene = aged()
    change(scene)
    assert scene.refresh().renewal == f"window/{state_in(scene.store).next_seq}"
    pages = [key for key in public(scene) if key.count("/") > 2]
    assert set(stale(scene)) == set(pages)
    assert len(pages) > 20
    positions = [one.position for one in renew_all(scene)]
    assert stale(scene) == []
    assert len(stale(scene, NEW)) == len(pages) + 4
    archive = [one for one in positions if one and one.startswith("archive/0")]
    assert archive == sorted(archive, reverse=True)
    assert scene.refresh().renewal is None


def test_nothing_is_left_to_renew_where_nothing_changed_or_no_page_depends_on_it() -> None:
    scene = aged()
    assert scene.refresh().renewal is None
    scene.configure(every_s=3600)
    assert scene.refresh().renewal is None
    scene.configure(retired=True)
    assert scene.refresh().renewal is None
    store = CountingStore(scene.store)
    assert renew(scene, store) == Renewed("news", None)
    assert store.operations == [("load", "state/news.json")]


def test_what_is_left_goes_down_to_nothing_and_is_never_less_than_is_written() -> None:
    scene = aged()
    change(scene)
    scene.refresh()
    left = work_left(state_in(scene.store)).pages
    done = renew_all(scene)
    lefts = [left, *(one.left for one in done)]
    assert lefts == sorted(lefts, reverse=True)
    assert lefts[-1] == 0
    for before, after, one in zip(lefts, lefts[1:], done, strict=False):
        assert before - after >= one.written
    assert sum(one.written for one in done) <= left


def test_new_feed_has_nothing_to_renew() -> None:
    assert Scene(document(2, 1)).refresh().renewal is None


def test_slice_of_an_older_deployment_writes_nothing() -> None:
    scene = aged()
    change(scene)
    scene.refresh()
    before = dict(objects(scene))
    scene.configure(disclaimer=Disclaimer(text="Words of nobody."))
    scene.deployment = Deployment
    with pytest.raises(OlderDeploymentError):
        renew(scene)
    assert objects(scene) == before


def test_slice_of_an_older_deployment_leaves_a_first_mirror_alone_that_was_not_finished() -> None:
    subscription = replace(SUBSCRIPTION, keep=300)
    scene = Scene(document(*range(250, 0, -1)), MemoryStore(), subscription)
    dying = CrashingStore(scene.store, 60, "before")
    with pytest.raises(Crash):
        scene.refresh(store=dying)
    change(scene)
    renew(scene)
    assert not state_in(scene.store).complete
    before = dict(objects(scene))
    scene.configure(disclaimer=Disclaimer(text="Words of nobody."))
    scene.deployment = Deployment
    with pytest.raises(OlderDeploymentError):
        renew(scene)
    assert {key: body for key, body in objects(scene).items() if "public/" in key} == {
        key: body for key, body in before.items() if "public/" in key
    }


def test_slice_alone_takes_over_from_an_older_deployment() -> None:
    scene = aged()
    change(scene)
    renew_all(scene)
    assert stale(scene) == []


def test_settings_that_change_during_a_renewal_start_it_anew() -> None:
    scene = aged()
    change(scene)
    scene.refresh()
    for _ in range(4):
        renew(scene)
    scene.configure(disclaimer=Disclaimer(text="Words of tomorrow."))
    renew_all(scene)
    assert stale(scene) == stale(scene, NEW) == []


def test_page_in_the_archive_is_written_once_and_costs_what_it_has() -> None:
    scene = aged()
    change(scene)
    scene.refresh()
    while not (renew(scene).position or "").startswith("archive/0"):
        pass
    store = CountingStore(scene.store)
    assert renew(scene, store).written == 4 + 3
    assert len(store.writes) == 4 + 3 + 1
    assert len(store.listings) == 3 + 1
    # The state, what both pages list, records twice, what is replaced, links to the next page.
    assert len(store.loads) <= 1 + 2 * 2 + 2 * (3 + 1) + (4 + 3) + 3


def test_edited_entry_that_came_back_keeps_its_page_and_the_archived_copy_says_what_holds() -> None:
    scene = aged()
    scene.says(
        rss_document([entry(15), entry(2, summary="<p>edited at last</p>"), *map(entry, (14, 13))])
    )
    assert scene.refresh().revised == 1
    change(scene)
    scene.refresh()
    renew_all(scene)
    assert stale(scene) == []
    pages = [key for key, body in public(scene).items() if b"edited at last" in body]
    assert any("/archive/" in key for key in pages)
    assert len([key for key in pages if "/entries/" in key]) == 1


def test_page_that_is_no_part_of_the_archive_any_more_is_renewed_too() -> None:
    scene = aged()
    scene.says(document(*range(15, 0, -1), e1="<p>edited</p>"))
    scene.refresh()
    before = {key for key in public(scene) if "/archive/" in key}
    rebuild(scene.subscription, scene.store, PUBLIC_URL, scene.now)
    assert len({key for key in public(scene) if "/archive/" in key}) > len(before)
    change(scene)
    scene.deployment = newest
    scene.refresh()
    renew_all(scene)
    assert stale(scene) == []


def test_archive_page_whose_links_were_lost_does_not_end_a_renewal() -> None:
    scene = aged()
    change(scene)
    scene.refresh()
    lost = sorted(key for key in public(scene) if "/archive/" in key and "atom" in key)[2]
    del objects(scene)[lost]
    renew_all(scene)
    assert lost in objects(scene)
    assert stale(scene) == []


def test_damaged_record_is_told_and_stops_no_other_page() -> None:
    scene = aged()
    records = [key for key in objects(scene) if key.startswith("data/news/entries/")]
    damaged = next(key for key in records if b'"title":"Entry 2"' in objects(scene)[key])
    objects(scene)[damaged] = b"damaged"
    change(scene)
    scene.refresh()
    done = renew_all(scene)
    assert [why.partition(": ")[0] for one in done for why in one.damaged] == [damaged]
    page = damaged.replace("data/", "public/").rpartition("/")[0] + ".html"
    assert stale(scene) == [page]


@pytest.mark.row("O11")
@pytest.mark.parametrize("moment", MOMENTS)
def test_renewal_killed_at_any_operation_leaves_no_old_word_and_writes_each_page_once(
    moment: str,
) -> None:
    scene = aged(9)
    change(scene)
    scene.refresh()
    before = dict(objects(scene))
    at, tried = 0, 0
    while True:
        objects(scene).clear()
        objects(scene).update(before)
        counted = CountingStore(scene.store)
        dying = CrashingStore(counted, at, moment)  # type: ignore[arg-type]
        with contextlib.suppress(Crash, StoreError):
            renew_all(scene, dying)
        finished = dying.count <= at
        scene.says(document(*range(9, 0, -1), title="Renamed"))
        scene.refresh(store=counted)  # what is renewed is of an earlier generation now
        renew_all(scene, counted)
        written = [
            key for key in counted.writes if key.startswith("public/") and key.count("/") > 2
        ]
        assert stale(scene) == [], (at, moment)
        twice = {key for key in written if written.count(key) > 1}
        assert not twice, (at, moment)
        tried += 1
        if finished:
            break
        at += 1
    assert tried > 40


CHANGES: list[dict[str, object]] = [
    {"disclaimer": Disclaimer(text=NEW)},
    {"disclaimer": Disclaimer(html="<p>In <em>other</em> words</p>")},
    {"title": "Another title"},
    {"images": Images.NONE},
    {"images": Images.ORIGIN},
    {"robots": Robots.INDEX},
    {"robots": Robots.NOINDEX},
    {"every_s": 7200},
    {"retired": True},
    {"retired": False},
]
STEPS = st.lists(st.sampled_from([*CHANGES, "refresh", "slice", "entry"]), max_size=14)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(STEPS)
def test_after_any_changes_and_slices_all_that_is_public_is_as_a_rebuild_makes_it(
    steps: list[object],
) -> None:
    scene = aged(9)
    last = 9
    for step in steps:
        if isinstance(step, dict):
            scene.configure(**step)
        elif step == "refresh":
            scene.refresh()
        elif step == "slice":
            renew(scene)
        else:
            last += 1
            scene.says(document(*range(last, max(0, last - 12), -1)))
            scene.later(days=3)
            scene.refresh()
    scene.refresh()
    renew_all(scene)
    renewed = {key: unstamped(body) for key, body in public(scene).items()}
    rebuild(scene.subscription, scene.store, PUBLIC_URL, scene.now)
    made = {key: unstamped(body) for key, body in public(scene).items()}
    assert renewed.keys() == made.keys()
    assert [key for key in made if renewed[key] != made[key]] == []
