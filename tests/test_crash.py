"""P1: a run killed at any operation of the store, and again during its recovery, loses nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from feedmirror import ledger
from feedmirror.core import decide
from feedmirror.core.formats import Format, formats
from feedmirror.errors import StoreError
from scene import SUBSCRIPTION, Scene, document
from stores import Crash, CrashingStore, MemoryStore

BEFORE = document(3, 2, 1)
AFTER = document(5, 4, 3, 2, e3="<p>edited</p>")  # two new, one revised, one no longer there
MOMENTS = ("before", "after", "lost")


def _history(store: MemoryStore, *, known: bool) -> Scene:
    """A scene whose next refresh brings new entries: into an empty mirror, or a known one."""
    scene = Scene(BEFORE, store)
    if known:
        scene.refresh()
        scene.says(AFTER)
        scene.later(hours=1)
    return scene


def _run(scene: Scene, at: int, moment: str) -> bool:
    """Whether the run had an operation number `at` at which something could go wrong."""
    store = CrashingStore(scene.store, at, moment)  # type: ignore[arg-type]
    with contextlib.suppress(Crash, StoreError):
        scene.refresh(store=store)
    return store.count > at


def _objects(store: MemoryStore) -> dict[str, bytes]:
    return dict(store.objects)


def _uninterrupted(*, known: bool) -> dict[str, bytes]:
    scene = _history(MemoryStore(), known=known)
    scene.refresh()
    scene.refresh()
    return _objects(scene.store)  # type: ignore[arg-type]


def _faults(*, known: bool) -> Iterator[tuple[int, str]]:
    """Every operation of an uninterrupted run, with every way to fail at it."""
    for moment in MOMENTS:
        at = 0
        while _run(_history(MemoryStore(), known=known), at, moment):
            yield at, moment
            at += 1


@pytest.mark.slow
@pytest.mark.parametrize("known", [False, True], ids=["first mirror", "known feed"])
def test_a_run_killed_at_any_operation_and_run_again_leaves_the_same_store(known: bool) -> None:
    expected = _uninterrupted(known=known)
    tried = 0
    for at, moment in _faults(known=known):
        scene = _history(MemoryStore(), known=known)
        _run(scene, at, moment)
        scene.refresh()
        scene.refresh()
        assert _objects(scene.store) == expected, (at, moment)  # type: ignore[arg-type]
        tried += 1
    assert tried >= 3 * 7


@pytest.mark.slow
@pytest.mark.parametrize("known", [False, True], ids=["first mirror", "known feed"])
def test_a_recovery_killed_at_any_operation_leaves_the_same_store(known: bool) -> None:
    expected = _uninterrupted(known=known)
    tried = 0
    for first, moment in _faults(known=known):
        for second_moment in MOMENTS:
            second = 0
            while True:
                scene = _history(MemoryStore(), known=known)
                _run(scene, first, moment)
                stopped = _run(scene, second, second_moment)
                scene.refresh()
                scene.refresh()
                assert _objects(scene.store) == expected, (first, moment, second, second_moment)  # type: ignore[arg-type]
                tried += 1
                if not stopped:
                    break
                second += 1
    assert tried > 400


@pytest.mark.slow
def test_a_first_mirror_of_many_chunks_killed_anywhere_leaves_the_same_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decide, "CHUNK", 2)
    body = document(*range(9, 0, -1))  # nine entries in five commits, five of them kept

    def mirrored(disturb: Callable[[Scene], object]) -> dict[str, bytes]:
        scene = Scene(body, subscription=replace(SUBSCRIPTION, keep=5))
        disturb(scene)
        scene.refresh()
        return _objects(scene.store)  # type: ignore[arg-type]

    expected = mirrored(lambda scene: None)
    assert sum("/entries/" in key for key in expected) == 9
    for moment in MOMENTS:
        at = 0
        stopped = True
        while stopped:
            outcome: list[bool] = []
            found = mirrored(lambda scene: outcome.append(_run(scene, at, moment)))  # noqa: B023
            assert found == expected, (at, moment)
            stopped = outcome[0]
            at += 1
        assert at > 15


def test_a_deploy_between_crash_and_recovery_publishes_what_the_new_version_renders(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def newer() -> tuple[Format, ...]:
        def render(publication: object) -> str:
            return old.render(publication).replace("<docs>", "<!-- newer --><docs>")  # type: ignore[arg-type]

        (old,) = formats()
        return (replace(old, version=old.version + 1, render=render),)

    def deployed_after(at: int | None, moment: str) -> tuple[bool, str, dict[str, bytes]]:
        scene = _history(MemoryStore(), known=True)
        stopped = at is not None and _run(scene, at, moment)
        with monkeypatch.context() as patched:
            patched.setattr(ledger, "formats", newer)
            scene.refresh()
            scene.refresh()
        entries = {k: v for k, v in _objects(scene.store).items() if "/entries/" in k}  # type: ignore[arg-type]
        return stopped, scene.public(), entries

    _, expected, stored = deployed_after(None, "")
    assert "<!-- newer -->" in expected
    for moment in MOMENTS:
        at, stopped = 0, True
        while stopped:
            stopped, public, entries = deployed_after(at, moment)
            assert public.count("<item>") == expected.count("<item>"), (at, moment)
            assert "<!-- newer -->" in public, (at, moment)
            assert entries == stored, (at, moment)
            at += 1


def test_what_a_dead_run_had_committed_is_published_though_the_origin_is_gone_now() -> None:
    from feedmirror.errors import FetchError, Kind

    scene = _history(MemoryStore(), known=False)
    _run(scene, 2, "before")  # committed, and nothing carried out
    scene.says(FetchError(Kind.LEGAL, "blocked by order of a court", status=451))
    assert scene.refresh().outcome == "failed"
    assert scene.public().count("<item>") == 3
