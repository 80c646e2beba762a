"""A feed whose refreshes are interrupted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import pytest

from feedmirror.errors import StoreError
from feedmirror.model import Subscription
from named_records import NamedRecords
from scene import SUBSCRIPTION, Scene, document
from store_factories import NOTHING, Contents, StoreFactory, reachable
from stores import Crash, CrashingStore, MemoryStore

BEFORE = document(3, 2, 1)
AFTER = document(5, 4, 3, 2, e3="<p>edited</p>")  # two new, one revised, one no longer there
# What a run leaves that dies before an operation is what it leaves that dies after the one before.
MOMENTS = ("after", "lost")
KNOWN = pytest.mark.parametrize("known", [False, True], ids=["first mirror", "known feed"])


class History:
    """A feed in a store, as the next run finds it; `origin` is what it is going to say."""

    def __init__(
        self,
        factory: StoreFactory,
        origin: bytes = BEFORE,
        subscription: Subscription = SUBSCRIPTION,
    ) -> None:
        self.factory = factory
        self.origin = origin
        self.subscription = subscription
        self.beginning: Contents = NOTHING
        self.hours = 1  # from there to the next run

    @classmethod
    def of(cls, factory: StoreFactory, *, known: bool) -> History:
        """One whose next run brings new entries: into an empty mirror, or a known one."""
        history = cls(factory)
        if known:
            history.beginning = history.recovered(NOTHING)
            history.origin = AFTER
        return history

    def scene(self, contents: Contents) -> Scene:
        scene = Scene(self.origin, self.factory.store(contents), self.subscription)
        scene.later(hours=self.hours if self.beginning else 0)
        return scene

    def recovered(self, contents: Contents) -> Contents:
        """What is there after undisturbed runs."""
        scene = self.scene(contents)
        store = NamedRecords(scene.store)
        scene.refresh(store=store)
        scene.refresh(store=store)
        return self.factory.contents(scene.store)

    def killed(self, contents: Contents, moments: Iterable[str] = MOMENTS) -> Iterator[Contents]:
        """Yield what a run may leave behind, killed at any operation in any of these ways."""
        for moment in moments:
            at, stopped = 0, True
            while stopped:
                scene = self.scene(contents)
                stopped = run(scene, at, moment)
                yield self.factory.contents(scene.store)
                at += 1

    def left(self, *, however_often: bool = False) -> list[Contents]:
        """What a run may leave behind that is killed once, or runs that are killed however often.

        On S3, which takes longer, once and after any operation: what it could do that
        memory does not is within an operation, and test_s3_faults.py is about that.
        """
        on_s3 = not isinstance(self.factory.store(), MemoryStore)
        if however_often and not on_s3:
            return reachable(self.beginning, self.killed)
        moments = ("after",) if on_s3 else MOMENTS
        return list(dict.fromkeys((self.beginning, *self.killed(self.beginning, moments))))


def run(scene: Scene, at: int, moment: str) -> bool:
    """Whether the run had an operation number `at` at which something could go wrong.

    Records that are written before the commit that names them fail the test.
    """
    store = CrashingStore(NamedRecords(scene.store), at, moment)  # type: ignore[arg-type]
    with contextlib.suppress(Crash, StoreError):
        scene.refresh(store=store)
    return store.count > at
