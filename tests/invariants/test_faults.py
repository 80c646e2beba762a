"""An error of our own, at any stage of a refresh, stops no feed for good and loses nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from typing import Any

import pytest
from msgspec.structs import replace

from feedmirror import refresh
from feedmirror import refresh as gathering
from feedmirror.mirror import decide as deciding
from feedmirror.mirror import record
from feedmirror.model import Fetched, Outcome, ParsedFeed
from feedmirror.publishing import render
from feedmirror.publishing.disclaimer import attach
from feedmirror.publishing.formats import formats
from feedmirror.publishing.formats.format import Format
from feedmirror.publishing.redaction import public_settings
from feedmirror.publishing.render import attached, publication_of, rendered
from feedmirror.refresh import attempt
from feedmirror.storage import publisher, wal
from parsers import InProcessParser
from scene import DOCUMENTS, SUBSCRIPTION, Scene, document, records_in
from store_factories import entries_in, state_in
from stores import CountingStore, FailingStore

POISON = "Entry 2"

# After a commit; what is named there is called while it is carried out.
STAGES = (
    (record, "dump"),
    (publisher, "attached"),
    (publisher, "entry_page"),
    (publisher, "predecessors"),
    (publisher, "publication_of"),
    (publisher, "render_key"),
    (publisher, "fragment_key"),
    (publisher.Publisher, "_rendered"),
    (publisher, "stamp"),
    (render, "attach"),
    (render, "attach_to_feed"),
    (render, "notice_of_feed"),
    (render, "verify_entry"),
)


def _explode(*_: object, **__: object) -> Any:
    raise ZeroDivisionError("a mistake of ours")


def _named(stage: tuple[object, str]) -> str:
    return f"{getattr(stage[0], '__name__', '').rpartition('.')[2]}.{stage[1]}"


def _refresh(scene: Scene) -> Outcome:
    return attempt(scene.subscription, scene.world())


def _is_whole(scene: Scene, newest: int, order: Sequence[int] = ()) -> None:
    """Every entry is stored, has its page, and is reached once from the newest document."""
    state = state_in(scene.store)
    assert (state.tasks, state.fault) == ((), None)
    assert state.quarantined == {}
    assert len(records_in(scene.store)) == newest
    assert len(list(scene.store.keys("public/news/entries/"))) == newest
    for name in ("atom.xml", "feed.json", "rss.xml"):
        titles = [title for seen in scene.history(name) for title in seen.titles]
        assert titles == [f"Entry {number}" for number in order or range(newest, 0, -1)], name


def _lives_on(scene: Scene) -> None:
    """Three refreshes with something new in each are committed, and the state names the error."""
    for newest in (4, 6, 8):
        scene.later(hours=50)
        scene.says(document(*range(newest, newest - 3, -1)))
        outcome = _refresh(scene)
        assert outcome.outcome == "failed"
        assert outcome.failure is not None
        assert (outcome.failure.kind, outcome.failure.group) == ("bug", "internal")
        assert "a mistake of ours" in outcome.failure.message
        state = state_in(scene.store)
        assert len(state.known_entries.by_key) == newest
        assert state.fault is not None
        assert "a mistake of ours" in state.fault.message


@pytest.mark.row("U4")
@pytest.mark.parametrize("stage", STAGES, ids=_named)
def test_an_error_while_a_commit_is_carried_out_keeps_no_feed_from_going_on(
    stage: tuple[object, str], monkeypatch: pytest.MonkeyPatch, small_pages: None
) -> None:
    scene = Scene(document(2, 1), subscription=replace(SUBSCRIPTION, keep=2))
    scene.refresh()
    with monkeypatch.context() as patched:
        patched.setattr(*stage, _explode)
        _lives_on(scene)
    scene.later(hours=1)
    outcome = _refresh(scene)  # the program is healthy again
    assert outcome.failure is None
    _is_whole(scene, 8)


@pytest.mark.row("U4")
def test_an_archive_page_that_fails_among_others_is_linked_both_ways_when_it_is_written(
    monkeypatch: pytest.MonkeyPatch, small_pages: None
) -> None:
    scene = Scene(document(2, 1), subscription=replace(SUBSCRIPTION, keep=2))
    scene.refresh()
    with monkeypatch.context() as patched:
        patched.setattr(publisher, "rendered", _poisoned(publisher.rendered))
        for newest in (4, 6, 8):
            scene.later(hours=50)
            scene.says(document(newest, newest - 1))
            assert _refresh(scene).outcome == "failed"
    scene.later(hours=1)
    assert _refresh(scene).failure is None
    _is_whole(scene, 8)
    chain = scene.history("atom.xml")
    assert [len(seen.titles) for seen in chain] == [2, 2, 2, 2]
    newer = [seen.links.get("next-archive") for seen in chain[1:]]
    assert newer == [None, chain[1].address, chain[2].address]


@pytest.mark.row("U4")
@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("part", ["frame", "entry", "verify"])
def test_a_format_that_fails_holds_up_no_other_and_recovers(
    name: str, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tuple(replace(m, **{part: _explode}) if m.name == name else m for m in formats())
    scene = Scene(document(2, 1))
    scene.refresh()
    last_good = scene.public(name)
    with monkeypatch.context() as patched:
        patched.setattr(render, "formats", lambda: broken)
        _lives_on(scene)
        assert scene.public(name) == last_good
        assert all("Entry 8" in scene.public(other) for other in DOCUMENTS if other != name)
    scene.refresh()
    _is_whole(scene, 8)


@pytest.mark.parametrize(
    "stage",
    [
        (refresh, "gather"),
        (deciding, "classify"),
        (deciding, "fill_pages"),
        (wal.state_codec, "dump"),
    ],
    ids=_named,
)
def test_an_error_before_a_commit_is_the_outcome_and_passes(
    stage: tuple[object, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    scene.later(hours=1)
    scene.says(document(3, 2, 1))
    with monkeypatch.context() as patched:
        patched.setattr(*stage, _explode)
        failure = _refresh(scene).failure
        assert failure is not None
        assert failure.message == "ZeroDivisionError: a mistake of ours"
    fault = state_in(scene.store).fault
    assert (fault is None) == (stage[1] == "dump")  # which keeps the state from saying anything
    scene.later(hours=1)
    assert _refresh(scene).failure is None
    _is_whole(scene, 3)


def test_an_error_that_goes_on_is_written_down_once_and_again_when_it_lasts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    scene.says(document(3, 2, 1))
    monkeypatch.setattr(publisher, "render_key", _explode)
    writes = []
    for minutes in (15, 15, 15, 30, 15, 15):
        scene.later(minutes=minutes)
        store = CountingStore(scene.store)
        attempt(scene.subscription, scene.world(store))
        writes.append([key for key in store.replaces if key.startswith("state/")])
    assert [len(found) for found in writes] == [2, 0, 0, 1, 0, 0]
    fault = state_in(scene.store).fault
    assert fault is not None
    assert fault.lasting


# ---------------------------------------------------------------- one entry's fault


def _poisoned(sound: Callable[..., Any]) -> Callable[..., Any]:
    def work(*given: Any, **named: Any) -> Any:
        if POISON in repr(given):
            raise ZeroDivisionError("a mistake of ours")
        return sound(*given, **named)

    return work


def _spoilt(made: Format, part: str) -> Format:
    return replace(made, **{part: _poisoned(getattr(made, part))})


@pytest.mark.row("U4")
@pytest.mark.parametrize("part", ["entry", "verify"])
def test_an_entry_that_fails_is_found_among_many_and_tried_once_by_each_version(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(document(*range(40, 0, -1)), subscription=replace(SUBSCRIPTION, keep=60))
    with monkeypatch.context() as patched:
        patched.setattr(render, "formats", lambda: tuple(_spoilt(m, part) for m in formats()))
        patched.setattr("test_faults.POISON", "Entry 27")
        outcome = scene.refresh()
        assert (outcome.failure, outcome.quarantined) == (None, ("https://gazette.example.org/27",))
        (found,) = state_in(scene.store).quarantined.values()
        assert set(found.documents) == set(DOCUMENTS)
        assert "a mistake of ours" in found.reason
        titles = [f"Entry {number}" for number in range(40, 0, -1) if number != 27]
        assert list(scene.history()[0].titles) == titles
        store = CountingStore(scene.store)
        assert attempt(scene.subscription, scene.world(store)).outcome == "unchanged"
        assert store.writes == []
        patched.setattr(render, "PROGRAM", "9.0.0")  # and no better
        assert scene.refresh().quarantined == ("https://gazette.example.org/27",)
        assert scene.refresh().outcome == "unchanged"
    monkeypatch.setattr(render, "PROGRAM", "9.0.1")
    assert scene.refresh().quarantined == ()
    _is_whole(scene, 40)


@pytest.mark.row("U4")
def test_an_entry_whose_disclaimer_cannot_be_attached_is_left_out_of_every_document(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(document(3, 2, 1))
    with monkeypatch.context() as patched:
        patched.setattr(render, "attach", _poisoned(attach))
        outcome = scene.refresh()
        assert (outcome.failure, outcome.quarantined) == (None, ("https://gazette.example.org/2",))
        for name in DOCUMENTS:
            assert POISON not in scene.public(name)
            assert "Entry 3" in scene.public(name)
        scene.later(hours=1)
        scene.says(document(4, 3, 2, 1))
        assert scene.refresh().new == 1
        assert len(records_in(scene.store)) == 4
    monkeypatch.setattr(render, "PROGRAM", "9.0.1")
    scene.later(hours=1)
    scene.refresh()
    _is_whole(scene, 4)


def test_documents_are_not_emptied_where_every_entry_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    last_good = scene.public()
    scene.says(document(3, 2, 1))
    monkeypatch.setattr("test_faults.POISON", "Entry")
    with monkeypatch.context() as patched:
        patched.setattr(render, "formats", lambda: tuple(_spoilt(m, "entry") for m in formats()))
        assert _refresh(scene).outcome == "failed"
        assert scene.public() == last_good
    scene.refresh()
    _is_whole(scene, 3)


# ---------------------------------------------------------------- what is left undone


@pytest.mark.row("S1")
def test_what_a_commit_leaves_undone_is_carried_into_the_next_ones() -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    for newest in (4, 6):
        scene.later(hours=1)
        scene.says(document(newest, newest - 1))
        failing = FailingStore(scene.store, lambda _, key: key.startswith("data/news/entries/"))
        failure = attempt(scene.subscription, scene.world(failing)).failure
        assert failure is not None
        assert failure.kind == "store"
    assert len(state_in(scene.store).pending_entries) == 4
    scene.says(document(6))  # the origin lists the others no more
    scene.refresh()
    _is_whole(scene, 6)


@pytest.mark.row("S1")
def test_no_new_entries_are_taken_while_too_much_is_pending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(document(1))
    scene.refresh()
    monkeypatch.setattr("feedmirror.mirror.decide.BOUND_BYTES", 300)
    with monkeypatch.context() as patched:
        patched.setattr(publisher, "predecessors", _explode)
        pending = []
        for newest in range(2, 40):
            scene.later(hours=1)
            scene.says(document(*range(newest, 0, -1)))
            outcome = _refresh(scene)
            pending.append(len(state_in(scene.store).pending_entries))
        assert pending[-1] == pending[-10] < 20
        assert outcome.new == 0
        assert "no new ones are taken" in str(outcome.note)
    scene.later(hours=1)
    assert _refresh(scene).failure is None
    _is_whole(scene, 39)


# ---------------------------------------------------------------- items that the parser cannot take


class _Parser:
    """The parser, but for items with a poisonous word, which it dies of; it counts those."""

    def __init__(self, poison: str) -> None:
        self.poison = poison
        self.tried = 0

    def parse(self, fetched: Fetched, known: Set[str]) -> ParsedFeed:
        parsed = InProcessParser().parse(fetched, known)
        unreadable = {i: "it died" for i, e in parsed.entries.items() if self.poison in repr(e)}
        self.tried += len(unreadable)
        entries = {i: e for i, e in parsed.entries.items() if i not in unreadable}
        return replace(parsed, entries=entries, unreadable=unreadable)


@pytest.mark.row("U4")
def test_an_item_that_cannot_be_read_is_named_and_not_tried_at_every_poll(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parser = _Parser("Entry 2")
    scene = Scene(document(2, 1), parser=parser)
    outcome = scene.refresh()
    assert (outcome.outcome, outcome.new) == ("changed", 1)
    assert outcome.quarantined == ("https://gazette.example.org/2",)
    for numbers in ((2, 1), (3, 2, 1), (4, 3, 2)):
        scene.later(hours=1)
        scene.says(document(*numbers) + b"<!-- %d -->" % len(numbers))
        assert scene.refresh().failure is None
    assert parser.tried == 1
    (found,) = state_in(scene.store).quarantined.values()
    assert (found.guid, found.documents) == ("https://gazette.example.org/2", ())
    for version in ("the next one", "a better one"):
        scene.later(hours=1)
        parser.poison = "Entry 2" if version == "the next one" else "never"
        for module in (gathering, deciding):
            monkeypatch.setattr(module, "PROGRAM", version)
        scene.says(document(4, 3, 2) + version.encode())
        scene.refresh()
    assert parser.tried == 2
    _is_whole(scene, 4, order=(2, 4, 3, 1))


def test_an_item_that_cannot_be_read_is_forgotten_when_it_is_listed_no_more() -> None:
    scene = Scene(document(2, 1), parser=_Parser("Entry 2"))
    scene.refresh()
    scene.later(hours=1)
    scene.says(document(3, 1))
    assert scene.refresh().quarantined == ()
    assert state_in(scene.store).quarantined == {}


def test_of_two_entries_with_one_id_the_later_one_is_left_out() -> None:
    """No document has an id twice, whatever made two entries have it."""
    scene = Scene(document(2, 1))
    scene.refresh()
    newer, older = entries_in(scene.store)
    both = replace(newer, guid=older.guid), older
    publication = publication_of(
        state_in(scene.store), public_settings(SUBSCRIPTION), "https://m.example/news"
    )
    given = publication.settings, publication.feed
    entries = {one.key: attached(one, *given) for one in both}
    for made in formats():
        one = rendered(made, publication, both, entries, quarantined={}, replaces=False)
        assert list(one.quarantined) == [newer.key]
