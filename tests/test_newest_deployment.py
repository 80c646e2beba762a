"""Two deployments on one store: the newer one's documents stay, whatever turns they take."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from feedmirror.layout import DEPLOYMENTS
from feedmirror.mirror.deployment import SUPERSEDED, Deployment
from feedmirror.model import Disclaimer, Outcome, Subscription
from feedmirror.publishing import render
from feedmirror.rebuild import rebuild
from feedmirror.refresh import attempt
from feedmirror.storage.deployments import deploy_build, load_deployments
from scene import DOCUMENTS, NOON, PUBLIC_URL, SUBSCRIPTION, Scene, document, records_in
from store_factories import objects, state_in
from stores import CountingStore, MemoryStore

OURS = replace(SUBSCRIPTION, disclaimer=Disclaimer(text="Our words."))
THEIRS = replace(SUBSCRIPTION, disclaimer=Disclaimer(text="Their words."))
HOUR = timedelta(hours=1)


class Two(Scene):
    """One store that two deployments refresh."""

    def as_(self, subscription: Subscription, deployment: Deployment, **options: object) -> Outcome:
        self.subscription, self.deployment = subscription, lambda: deployment
        return attempt(subscription, self.world(**options))  # type: ignore[arg-type]

    def published(self) -> dict[str, bytes]:
        return {key: body for key, body in objects(self.store).items() if key.startswith("public/")}


OLDER = Deployment(configured_at=NOON - HOUR)
NEWER = Deployment(configured_at=NOON)


def test_configuration_of_a_later_date_renders_the_documents_again() -> None:
    scene = Two(document(2, 1))
    scene.as_(OURS, OLDER)
    assert set(scene.as_(THEIRS, NEWER).published) == set(DOCUMENTS)
    assert all("Their words." in scene.public(name) for name in DOCUMENTS)


@pytest.mark.row("O10")
def test_older_deployment_leaves_all_that_is_public_alone_and_says_what_to_do() -> None:
    scene = Two(document(2, 1))
    scene.as_(THEIRS, NEWER)
    before = scene.published()
    scene.says(document(3, 2, 1, e1="<p>edited</p>"))
    outcome = scene.as_(OURS, OLDER)
    assert scene.published() == before
    assert (outcome.outcome, outcome.new, outcome.revised) == ("failed", 1, 1)
    assert outcome.failure is not None
    assert (outcome.failure.kind, outcome.failure.group) == ("older", "older")
    assert "2026-03-02 12:00 UTC" in outcome.failure.message
    assert "feedmirror rebuild news" in outcome.failure.message
    assert len(records_in(scene.store)) == 4


def test_entries_that_an_older_deployment_has_taken_are_public_at_the_next_run_of_the_newer() -> (
    None
):
    scene = Two(document(2, 1))
    scene.as_(THEIRS, NEWER)
    scene.says(document(3, 2, 1))
    scene.as_(OURS, OLDER)
    scene.as_(THEIRS, NEWER)
    assert all("Entry 3" in scene.public(name) for name in DOCUMENTS)
    pages = [body for key, body in scene.published().items() if "/entries/" in key]
    assert len(pages) == 3
    assert all(b"Their words." in page for page in pages)
    assert not state_in(scene.store).tasks


def test_older_deployment_that_finds_nothing_new_writes_nothing() -> None:
    scene = Two(document(2, 1))
    scene.as_(THEIRS, NEWER)
    scene.says(document(3, 2, 1))
    scene.as_(OURS, OLDER)
    store = CountingStore(scene.store)
    assert scene.as_(OURS, OLDER, store=store).outcome == "failed"
    assert store.writes == []


def test_deployment_that_publishes_the_same_asks_for_no_number() -> None:
    scene = Two(document(2, 1))
    scene.as_(OURS, NEWER)

    def no_number() -> Deployment:
        raise AssertionError("a number was asked for")

    scene.deployment = no_number
    scene.says(document(3, 2, 1))
    assert scene.refresh().new == 1


def test_feed_whose_origin_fails_is_still_left_alone_by_an_older_deployment() -> None:
    scene = Two(document(2, 1))
    scene.as_(THEIRS, NEWER)
    before = scene.published()
    scene.says(b"<html>a login page</html>")
    scene.later(hours=2)
    scene.as_(OURS, OLDER)
    scene.later(hours=2)
    scene.as_(OURS, OLDER)
    assert scene.published() == before


def test_retired_feed_is_left_alone_by_an_older_deployment() -> None:
    scene = Two(document(2, 1))
    scene.as_(THEIRS, NEWER)
    before = scene.published()
    outcome = scene.as_(replace(OURS, retired=True), OLDER)
    assert outcome.failure is not None
    assert outcome.failure.kind == "older"
    assert scene.published() == before


def test_newer_version_of_a_format_wins_over_a_later_date(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Two(document(2, 1))
    later = Deployment(configured_at=NOON + HOUR)
    with monkeypatch.context() as patched:
        newer = tuple(replace(made, version=made.version + 1) for made in render.formats())
        patched.setattr(render, "formats", lambda: newer)
        scene.as_(SUBSCRIPTION, NEWER)
    before = scene.published()
    scene.says(document(3, 2, 1))
    outcome = scene.as_(SUBSCRIPTION, later)
    assert outcome.failure is not None
    assert outcome.failure.kind == "older"
    assert scene.published() == before


def test_deploy_wins_over_a_later_version_and_date(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Two(document(2, 1))
    with monkeypatch.context() as patched:
        newer = tuple(replace(made, version=made.version + 1) for made in render.formats())
        patched.setattr(render, "formats", lambda: newer)
        scene.as_(THEIRS, replace(NEWER, number=7))
    scene.as_(OURS, replace(OLDER, number=8))
    assert "Our words." in scene.public()


def test_rollback_of_a_deploy_has_new_entries_public_at_its_first_run() -> None:
    scene = Two(document(2, 1))

    def deployed(build: str) -> Deployment:
        return load_deployments(scene.store).of_build(build)

    for build, subscription in (("spring", OURS), ("summer", THEIRS)):
        deploy_build(scene.store, build, scene.now)
        scene.as_(subscription, deployed(build))
    assert "Their words." in scene.public()
    deploy_build(scene.store, "spring", scene.now)
    scene.says(document(3, 2, 1))
    assert scene.as_(OURS, deployed("spring")).new == 1
    assert "Our words." in scene.public()
    assert "Entry 3" in scene.public()
    scene.says(document(4, 3, 2, 1))
    before = scene.published()
    late = scene.as_(THEIRS, deployed("summer"))  # a process of before that still runs
    assert late.failure is not None
    assert late.failure.kind == "older"
    assert scene.published() == before


def test_superseded_build_mirrors_no_feed_that_is_new() -> None:
    scene = Two(document(2, 1))
    outcome = scene.as_(OURS, Deployment(SUPERSEDED))
    assert outcome.failure is not None
    assert outcome.failure.kind == "older"
    assert scene.published() == {}
    scene.as_(THEIRS, NEWER)
    assert "Entry 2" in scene.public()


def test_rebuild_makes_its_configuration_the_newest() -> None:
    scene = Two(document(2, 1))
    scene.as_(THEIRS, NEWER)
    rebuild(OURS, scene.store, PUBLIC_URL, scene.now - HOUR)
    assert "Our words." in scene.public()
    before = scene.published()
    scene.says(document(3, 2, 1))
    outcome = scene.as_(THEIRS, replace(NEWER, configured_at=scene.now - 2 * HOUR))
    assert outcome.failure is not None
    assert outcome.failure.kind == "older"
    assert scene.published() == before


def test_rebuild_that_fails_makes_nothing_the_newest() -> None:
    store = MemoryStore()
    with pytest.raises(Exception, match="nothing was changed"):
        rebuild(OURS, store, PUBLIC_URL, NOON)
    assert DEPLOYMENTS not in store.objects


DATES = [NOON, NOON + HOUR]  # the same date twice: the digest of the settings decides


@pytest.mark.row("O10")
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=2, max_size=8),
    st.permutations(list(product(DATES, [OURS, THEIRS]))).map(lambda them: them[:3]),
)
def test_deployments_that_take_turns_never_go_back_to_an_older_one(
    turns: list[tuple[int, bool]], deployments: list[tuple[datetime, Subscription]]
) -> None:
    scene = Two(document(1))
    newest, number = Deployment(), 1
    words: dict[str, str | None] = {}  # by digest of the deployment
    for which, has_news in turns:
        at, subscription = deployments[which]
        number += has_news
        scene.says(document(*range(number, 0, -1)))
        scene.as_(subscription, Deployment(configured_at=at))
        deployment = state_in(scene.store).deployment
        assert deployment >= newest
        if deployment > newest:
            assert deployment.configured_at == at
            words[deployment.digest] = subscription.disclaimer.text
        newest = deployment
        documents = "".join(scene.public(name) for name in DOCUMENTS)
        told = {text for text in words.values() if text and text in documents}
        assert told == {words[newest.digest]}
    scene.as_(deployments[0][1], Deployment(9))
    assert all(f"Entry {number}" in scene.public(name) for name in DOCUMENTS)
