"""What is remembered is read back as it was, and what cannot be read is refused, not guessed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from feedmirror.errors import StateError
from feedmirror.mirror.archive import ArchivePage, ArchiveSummary, EntryLink
from feedmirror.mirror.deployment import Deployment, Renewal
from feedmirror.mirror.flapping import Changes
from feedmirror.mirror.gone import Sightings
from feedmirror.mirror.retention import KnownEntries, KnownEntry
from feedmirror.mirror.schedule import Asks
from feedmirror.mirror.state import (
    SCHEMA,
    Address,
    Failing,
    Fragments,
    Published,
    Quarantine,
    State,
)
from feedmirror.mirror.state_codec import dump, load
from feedmirror.mirror.tasks import tasks_of
from feedmirror.mirror.tombstone import TakeDown, Tombstone
from feedmirror.mirror.window import Window, row_of
from feedmirror.model import Entry, Feed, Reason, Removal, Revision
from model_strategies import ENTRIES, FEEDS, MAYBE, MOMENTS, TEXTS

REVISIONS = st.builds(
    Revision,
    key=TEXTS,
    digest=TEXTS,
    guid=TEXTS,
    guid_is_permalink=st.booleans(),
    entry=ENTRIES,
    seq=st.integers(0, 9999),
    first_seen=MOMENTS,
    listed_at=MOMENTS,
    observed_at=MOMENTS,
    fetched_from=TEXTS,
    feed_updated=st.none() | MOMENTS,
    number=st.integers(0, 49),
    generation=st.integers(0, 99),
    disclaimer=MAYBE,
)
FAILINGS = st.builds(Failing, TEXTS, TEXTS, MOMENTS, TEXTS)
CHANGES = st.builds(Changes, *([st.integers(0, 2**33)] * 3))
STATES = st.builds(
    State,
    generation=st.integers(0, 99),
    url=TEXTS,
    feed=st.none() | FEEDS,
    window=st.lists(REVISIONS, max_size=2).map(lambda them: Window.of(map(row_of, them))),
    addresses=st.dictionaries(
        TEXTS,
        st.builds(
            Address, MAYBE, MAYBE, MAYBE, st.none() | CHANGES, st.none() | st.integers(0, 2**33)
        ),
        max_size=2,
    ),
    known_entries=st.dictionaries(
        TEXTS,
        st.builds(
            KnownEntry,
            TEXTS,
            st.integers(0, 2**33),
            TEXTS,
            st.none() | st.integers(-(2**31), 2**33),
        ),
        max_size=3,
    ).map(KnownEntries.of),
    fingerprints=st.dictionaries(TEXTS, TEXTS, max_size=3),
    ambiguous=st.lists(TEXTS, max_size=3).map(tuple),
    flapping=st.dictionaries(TEXTS, st.builds(Changes, *[st.integers(0, 10**10)] * 3), max_size=3),
    documents=st.dictionaries(TEXTS, st.builds(Published, TEXTS, TEXTS, TEXTS), max_size=2),
    tasks=st.just(()) | st.lists(REVISIONS, max_size=2).map(tasks_of),
    requested_at=st.none() | MOMENTS,
    failing=st.none() | FAILINGS,
    not_before=st.none() | MOMENTS,
    asks=st.builds(Asks, st.integers(0, 9), st.just((1, 2)), st.just(("Sunday",))),
    gone=st.dictionaries(TEXTS, st.builds(Sightings, st.integers(1, 3), MOMENTS), max_size=2),
    deployment=st.builds(
        Deployment,
        st.integers(-1, 2**33),
        st.lists(st.integers(0, 99), max_size=3).map(tuple),
        MOMENTS,
        TEXTS,
    ),
    renewal=st.none()
    | st.builds(Renewal, st.integers(0, 99), st.none() | st.integers(0, 9), MAYBE, MAYBE),
    moved_to=MAYBE,
    moving=st.none() | st.tuples(TEXTS, st.integers(1, 3)),
    quarantined=st.dictionaries(
        TEXTS, st.builds(Quarantine, TEXTS, TEXTS, TEXTS, st.lists(TEXTS, max_size=2).map(tuple))
    ),
    fault=st.none() | FAILINGS,
).filter(lambda made: made.feed is not None or not (made.pending_entries or len(made.window)))


@pytest.mark.slow
@given(STATES)
def test_a_state_is_read_back_as_it_was_written(state: State) -> None:
    assert load(dump(state), "state.json") == state


@pytest.mark.slow
@given(STATES)
def test_equal_states_give_equal_bytes(state: State) -> None:
    assert dump(load(dump(state), "state.json")) == dump(state)


def test_the_empty_state_is_small_and_names_its_schema() -> None:
    assert json.loads(dump(State())).keys() == {
        "schema", "known_entries", "asks", "fragments", "archive_summary", "window"
    }  # fmt: skip


def test_every_field_of_the_state_is_written_down() -> None:
    strange = State(**{name: getattr(_FULL, name) for name in State.__struct_fields__})
    assert set(json.loads(dump(strange))) == {
        "schema", *State.__struct_fields__
    }  # fmt: skip


_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
_ROW = row_of(Revision("k", "d", "g", True, Entry(), 1, _NOON, _NOON, _NOON, "u"))
_FULL = State(
    generation=1, url="u", feed=Feed("RSS 2.0"), fingerprints={"f": "k"},
    known_entries=KnownEntries.of({"k": KnownEntry("d", 1)}),
    ambiguous=("k",), flapping={"k": Changes(1, 2, 3)},
    window=Window.of((_ROW,)),
    parser_version=1, addresses={"u": Address("e")}, documents={"n": Published("e", "d", "r")},
    complete=True, next_seq=2, requested_at=_NOON, dated=_NOON, changed_at=_NOON,
    checked_at=_NOON, failing=Failing("dns", "blocked", _NOON, "m"), not_before=_NOON,
    asks=Asks(60), gone={"u": Sightings(1, _NOON)}, moved_to="v", moving=("w", 1),
    quarantined={"k": Quarantine("g", "why", "1", ("rss.xml",))},
    fault=Failing("bug", "internal", _NOON, "m"),
    removed={"k": Removal(_NOON, Reason.COURT)}, removed_likenesses={"d": "k"},
    removed_revisions=("k.d",),
    withheld={"f": "k"}, released=("k",),
    removing=(TakeDown(Tombstone("k", "g", _NOON, Reason.COURT)),),
    deployment=Deployment(1, (0, 1), _NOON, "d"), renewal=Renewal(1, 2, "000001-a", "000002-b"),
    fragments=Fragments(("m",), {"n": (1, 2)}, {"n": (("dc",),)}),
    archive_summary=ArchiveSummary(
        1, "000001-a", EntryLink("k", "t"), {"2026-03": (25, "000001-a")}
    ),
    tasks=tasks_of(
        (Revision("k", "d", "g", True, Entry(), 1, _NOON, _NOON, _NOON, "u"),),
        (
            ArchivePage(
                "000001-a", None, EntryLink("k"),
                (_ROW,),
            ),
        ),
    ),
)  # fmt: skip


@pytest.mark.row("S7")
@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"7", b'"x"', b"{}", b'{"schema": null}', b'{"schema": 0}',
        b'{"schema": 1, "window": 3}', b'{"schema": 1, "window": [{}]}', b"\xff\xfe",
        b'{"schema": 1, "failing": {}}', b'{"schema": 1, "known_entries": {"a": 1}}',
        b'{"schema": 1, "requested_at": "noon"}', b'{"schema": 1, "addresses": {"u": {"x": 1}}}',
        b'{"schema": 1, "feed": []}', b'{"schema": 1, "generation": "one"}',
        b'{"schema": 1, "feed": {"title": 7}}', b'{"schema": 1, "fingerprints": "abc"}',
    ],
)  # fmt: skip
def test_a_damaged_state_is_refused_by_name(body: bytes) -> None:
    with pytest.raises(StateError, match=r"state/news\.json is damaged"):
        load(body, "state/news.json")


def test_known_entries_are_not_decoded_before_one_is_asked_for() -> None:
    state = load(dump(_FULL), "s")
    assert "by_key" not in vars(state.known_entries)
    assert dump(state) == dump(_FULL)
    assert state.known_entries.by_key == {"k": KnownEntry("d", 1)}


@pytest.mark.row("S7")
@pytest.mark.parametrize(
    "entries", [b'{"k":1}', b'{"k":["d"]}', b'{"k":["d",-99999999999999]}', b"[]"]
)
def test_damage_of_known_entries_is_noticed_when_they_are_read(entries: bytes) -> None:
    state = load(b'{"schema":1,"known_entries":{"entries":%b}}' % entries, "s")
    with pytest.raises(StateError, match="damaged"):
        len(state.known_entries.by_key)


@pytest.mark.row("S7")
def test_damage_within_the_entries_is_noticed_without_reading_them() -> None:
    body = dump(_FULL)
    assert load(body, "s") == _FULL
    before, _, after = body.rpartition(b'"guid":"g"')
    assert b'"window":' in before
    damaged = before + b'"guid":"h"' + after  # which reads as well as before
    with pytest.raises(StateError, match="damaged"):
        load(damaged, "s")


@pytest.mark.row("S7")
def test_a_state_of_a_newer_version_is_refused_untouched() -> None:
    body = json.dumps({"schema": SCHEMA + 1, "hovercraft": "eels"}).encode()
    with pytest.raises(StateError, match="written by a newer feedmirror"):
        load(body, "state/news.json")


def test_what_a_later_version_of_the_same_schema_added_does_not_stop_this_one() -> None:
    body = dump(State(generation=4)).replace(b":1,", b':1,"added_later":{"deep":[1]},', 1)
    assert load(body, "s").generation == 4


def test_dates_in_another_zone_are_neither_written_nor_read() -> None:
    east = _NOON.astimezone(timezone(timedelta(hours=9)))
    with pytest.raises(ValueError, match="not in UTC"):
        replace(_FULL, requested_at=east)
    body = dump(_FULL).replace(b"T12:00:00Z", b"T21:00:00+09:00")
    with pytest.raises(StateError, match="not in UTC"):
        load(body, "s")


def test_dates_are_read_with_their_microseconds_in_utc() -> None:
    moment = _NOON.replace(microsecond=1)
    found = load(dump(replace(_FULL, requested_at=moment)), "s").requested_at
    assert found == moment
    assert found.tzinfo is UTC


def test_the_value_that_cannot_be_read_is_named() -> None:
    body = dump(_FULL).replace(b'"kind":"RSS 2.0"', b'"kind":[]')
    with pytest.raises(StateError, match=r"state/news\.json is damaged .*`\$\.feed\.kind`"):
        load(body, "state/news.json")


@pytest.mark.parametrize("month", ["2026-13", "0000-01", "26-11", "2026-11-01", "2026-11\n"])
def test_months_that_no_calendar_has_are_damage(month: str) -> None:
    told = json.dumps(month).encode()
    with pytest.raises(StateError, match="damaged"):
        load(dump(_FULL).replace(b'"2026-03"', told), "s")
