"""The record of deployments: which build or rebuild is the newest one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmirror.errors import StateError
from feedmirror.layout import DEPLOYMENTS
from feedmirror.mirror.deployment import SUPERSEDED, Deployment
from feedmirror.model import Document
from feedmirror.ports import Store
from feedmirror.storage.deployments import (
    deploy_build,
    deploy_rebuild,
    deployment_of,
    load_deployments,
)
from feedmirror.storage.objects import put
from scene import NOON
from stores import MemoryStore

LATER = NOON + timedelta(days=3)


def test_a_build_deployed_again_after_another_one_is_the_newest() -> None:
    store = MemoryStore()
    for build in ("spring", "summer"):
        deploy_build(store, build, NOON)
    summer = load_deployments(store).of_build("summer")
    deploy_build(store, "spring", NOON - timedelta(days=1))
    record = load_deployments(store)
    assert record.of_build("spring") > summer
    assert record.of_build("summer") < Deployment()


def test_the_last_build_is_not_entered_a_second_time() -> None:
    store = MemoryStore()
    first = deploy_build(store, "spring", NOON)
    assert deploy_build(store, "spring", LATER) == first
    assert first.of_build("spring").configured_at == NOON


def test_a_build_that_never_entered_itself_is_older_than_all() -> None:
    assert load_deployments(MemoryStore()).of_build("spring") < Deployment()


def test_the_first_build_that_asks_is_entered_and_no_other_one() -> None:
    store = MemoryStore()
    first = deployment_of(store, "aa", NOON)
    assert first == deploy_build(store, "aa", NOON + timedelta(days=1)).of_build("aa")
    assert deployment_of(store, "bb", NOON).number == SUPERSEDED
    assert deployment_of(store, "aa", NOON) == first


def test_a_rebuild_is_newer_than_each_build_before() -> None:
    store = MemoryStore()
    build = deploy_build(store, "spring", LATER).of_build("spring")
    rebuilt = deploy_rebuild(store, NOON)
    assert rebuilt > build
    assert load_deployments(store).of_build("spring") == build


def test_a_deploy_after_a_rebuild_is_newer() -> None:
    store = MemoryStore()
    rebuilt = deploy_rebuild(store, NOON)
    assert deploy_build(store, "spring", NOON).of_build("spring") > rebuilt


@pytest.mark.parametrize("lost", [None, b"{", b'{"schema":1,"newest":"x"}'])
def test_numbers_go_on_where_the_record_was_lost_or_damaged(lost: bytes | None) -> None:
    store = MemoryStore()
    before = deploy_build(store, "spring", NOON).of_build("spring")
    del store.objects[DEPLOYMENTS]
    if lost is not None:
        put(store, Document(DEPLOYMENTS, lost, "application/json"), None)
    assert deploy_build(store, "spring", LATER).of_build("spring") > before


def test_a_record_of_a_newer_version_is_refused() -> None:
    store = MemoryStore()
    put(store, Document(DEPLOYMENTS, b'{"schema":2}', "application/json"), None)
    with pytest.raises(StateError, match="newer"):
        deploy_build(store, "spring", NOON)


class _Overtaken(MemoryStore):
    """A store in which another build enters itself just before each first write."""

    overtaken = False

    def create(self, key: str, body: bytes, media_type: str = "application/json") -> str | None:
        if not self.overtaken:
            self.overtaken = True
            deploy_build(self, "autumn", NOON)
        return super().create(key, body, media_type)


def test_two_builds_that_enter_themselves_at_once_get_different_numbers() -> None:
    store = _Overtaken()
    record = deploy_build(store, "spring", NOON)
    assert record.last_build == "spring"
    assert record.builds["spring"].number > record.builds["autumn"].number


@given(st.lists(st.sampled_from([*(f"build-{n}" for n in range(30)), None]), max_size=60))
def test_the_last_deploy_is_the_newest_in_any_order(order: list[str | None]) -> None:
    store: Store = MemoryStore()
    newest = Deployment()
    for build in order:
        if build is None:
            deployed = deploy_rebuild(store, NOON)
            assert deployed > newest
        else:
            before = load_deployments(store)
            deployed = deploy_build(store, build, NOON).of_build(build)
            assert deployed > newest or before.last_build == build
        newest = max(newest, deployed)
    assert len(load_deployments(store).builds) <= 20
