"""P1: a run killed at any operation of the store, and its recoveries too, loses nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest

from feedmirror import ledger
from feedmirror.core import decide
from feedmirror.core.formats import Format, formats
from feedmirror.errors import FetchError, Kind, StoreError
from feedmirror.model import Subscription
from feedmirror.ports import Store
from scene import SUBSCRIPTION, Scene, document
from shelves import EVERYWHERE, NOTHING, Contents, Place, Shelf, objects, reachable
from stores import Crash, CrashingStore

BEFORE = document(3, 2, 1)
AFTER = document(5, 4, 3, 2, e3="<p>edited</p>")  # two new, one revised, one no longer there
MANY = document(*range(9, 0, -1))
MOMENTS = ("before", "after", "lost")
KNOWN = pytest.mark.parametrize("known", [False, True], ids=["first mirror", "known feed"])


class History:
    """A feed on a shelf, as the next run finds it; `origin` is what it is going to say."""

    def __init__(
        self, shelf: Shelf, origin: bytes = BEFORE, subscription: Subscription = SUBSCRIPTION
    ) -> None:
        self.shelf = shelf
        self.origin = origin
        self.subscription = subscription
        self.beginning: Contents = NOTHING

    @classmethod
    def of(cls, shelf: Shelf, *, known: bool) -> History:
        """One whose next run brings new entries: into an empty mirror, or a known one."""
        history = cls(shelf)
        if known:
            history.beginning = history.recovered(NOTHING)
            history.origin = AFTER
        return history

    def scene(self, contents: Contents) -> Scene:
        scene = Scene(self.origin, self.shelf.store(contents), self.subscription)
        scene.later(hours=1 if self.beginning else 0)
        return scene

    def recovered(self, contents: Contents) -> Contents:
        """What is there after undisturbed runs."""
        scene = self.scene(contents)
        scene.refresh()
        scene.refresh()
        return self.shelf.contents(scene.store)

    def killed(self, contents: Contents) -> Iterator[Contents]:
        """What a run may leave behind, killed at any operation in any way."""
        for moment in MOMENTS:
            at, stopped = 0, True
            while stopped:
                scene = self.scene(contents)
                stopped = run(scene, at, moment)
                yield self.shelf.contents(scene.store)
                at += 1


def run(scene: Scene, at: int, moment: str) -> bool:
    """Whether the run had an operation number `at` at which something could go wrong."""
    store = CrashingStore(scene.store, at, moment)  # type: ignore[arg-type]
    with contextlib.suppress(Crash, StoreError):
        scene.refresh(store=store)
    return store.count > at


def entries_in(store: Store) -> dict[str, bytes]:
    return {key: body for key, body in objects(store).items() if "/entries/" in key}


@EVERYWHERE
@KNOWN
def test_a_run_killed_at_any_operation_however_often_leaves_the_same_store(
    place: Place, known: bool
) -> None:
    history = History.of(place(), known=known)
    expected = history.recovered(history.beginning)
    left = reachable(history.beginning, history.killed)
    for contents in left:
        assert history.recovered(contents) == expected
    assert expected in left
    assert len(left) >= 7  # nothing done, committed, an entry more each time, published, settled


@EVERYWHERE
def test_a_first_mirror_of_many_chunks_killed_anywhere_leaves_the_same_store(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decide, "CHUNK", 2)
    # Nine entries in five commits, five of them kept.
    history = History(place(), MANY, replace(SUBSCRIPTION, keep=5))
    expected = history.recovered(NOTHING)
    assert len(entries_in(history.shelf.store(expected))) == 9
    left = set(history.killed(NOTHING))
    for contents in left:
        assert history.recovered(contents) == expected
    assert len(left) > 15


@EVERYWHERE
def test_a_deploy_between_crash_and_recovery_publishes_what_the_new_version_renders(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def newer() -> tuple[Format, ...]:
        def render(publication: object) -> str:
            return old.render(publication).replace("<docs>", "<!-- newer --><docs>")  # type: ignore[arg-type]

        old = next(made for made in formats() if made.name == "rss.xml")
        return (replace(old, version=old.version + 1, render=render),)

    history = History.of(place(), known=True)
    left: Iterable[Contents] = {history.beginning, *history.killed(history.beginning)}
    monkeypatch.setattr(ledger, "formats", newer)
    found = []
    for contents in left:
        store = history.shelf.store(history.recovered(contents))
        public = objects(store)["public/news/rss.xml"].decode()
        assert "<!-- newer -->" in public
        found.append((public.count("<item>"), entries_in(store)))
    assert len(found) >= 7
    assert all(same == found[0] for same in found)


@EVERYWHERE
def test_what_a_dead_run_had_committed_is_published_though_the_origin_is_gone_now(
    place: Place,
) -> None:
    scene = History(place()).scene(NOTHING)
    run(scene, 2, "before")  # committed, and nothing carried out
    scene.says(FetchError(Kind.LEGAL, "blocked by order of a court", status=451))
    assert scene.refresh().outcome == "failed"
    assert scene.public().count("<item>") == 3
