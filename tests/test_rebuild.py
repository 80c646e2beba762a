"""A mirror made anew from what is stored: from records alone, and beside a state that is there."""

from __future__ import annotations

import contextlib
import json
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from builders import entry, rss_document
from crash_history import MOMENTS
from effort import EXHAUSTIVE
from feedmirror.errors import FetchError, Kind, StateError, StoreError
from feedmirror.layout import DEPLOYMENTS
from feedmirror.mirror import recover as archives
from feedmirror.mirror import state_codec
from feedmirror.mirror.archive import ArchiveSummary
from feedmirror.mirror.recover import RecordIndex, base_state, plan_pages, restore
from feedmirror.mirror.state import LEAP, State
from feedmirror.mirror.window import Window
from feedmirror.model import PARSER_VERSION, Disclaimer, Fetched, Subscription
from feedmirror.ports import Store
from feedmirror.publishing.formats.format import Stamp, stamped, unstamped
from feedmirror.rebuild import Rebuilt, address_of, rebuild
from remembering import remember_renderings
from samples import sample_feeds
from scene import DOCUMENTS, NOON, PUBLIC_URL, SUBSCRIPTION, URL, Scene, but_number, document
from store_factories import entries_in
from stores import (
    CountingStore,
    Crash,
    CrashingStore,
    MemoryStore,
    Turnstile,
    YieldingStore,
    explore,
    sample,
)

pytestmark = pytest.mark.usefixtures("pages_of_one")  # so that `keep` says exactly what stays

STATE = "state/news.json"
MADE_NEWEST = [DEPLOYMENTS, STATE]  # what a rebuild writes that changes nothing
PUBLIC = "public/news/rss.xml"
ENTRIES = "data/news/entries/"


@pytest.fixture
def rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    remember_renderings(monkeypatch)


@pytest.fixture
def pages_of_many(pages_of_one: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they are in earnest, and rendered in earnest: a page at a time."""
    monkeypatch.undo()


def make(scene: Scene, store: Store | None = None, **options: Any) -> Rebuilt:
    place = store if store is not None else scene.store
    return rebuild(scene.subscription, place, PUBLIC_URL, scene.now, **options)


def objects(scene: Scene) -> dict[str, bytes]:
    return scene.store.objects  # type: ignore[attr-defined,no-any-return]


def state(scene: Scene) -> State:
    return state_codec.load(objects(scene)[STATE], STATE)


def lose_state(scene: Scene) -> None:
    del objects(scene)[STATE]


def words(scene: Scene) -> str:
    """The public document without its generation."""
    head, _, rest = scene.public().partition("-->\n")
    assert "feedmirror generation" in head
    return rest


def numbers(scene: Scene) -> list[int]:
    """The entries that are public, as they stand there."""
    parts = scene.public().split("<item>\n<title>Entry ")[1:]
    return [int(part.partition("<")[0]) for part in parts]


def record_keys(scene: Scene) -> list[str]:
    return [key for key in objects(scene) if key.startswith(ENTRIES)]


def record_of(scene: Scene, *said: str) -> str:
    """The key of the one record that says all of that."""
    (found,) = [k for k in record_keys(scene) if all(s in objects(scene)[k].decode() for s in said)]
    return found


def lived(keep: int = 5, store: Store | None = None) -> Scene:
    """A mirror with a past: entries that have left the window, one edited, some not at the origin
    any more.
    """
    scene = Scene(document(3, 2, 1), store, subscription=replace(SUBSCRIPTION, keep=keep))
    scene.refresh()
    for hours, body in (
        (100, document(5, 4, 3, e3="<p>edited</p>")),
        (100, document(8, 7, 6, 4)),
        (1, document(9, 8, 7, 6)),
    ):
        scene.later(hours=hours)
        scene.says(body)
        scene.refresh()
    scene.later(minutes=15)
    return scene


# ---------------------------------------------------------------- of records alone


@pytest.mark.row("S7", "O6")
def test_lost_state_comes_back_with_the_same_document() -> None:
    scene = lived()
    before = words(scene)
    lose_state(scene)
    rebuilt = make(scene)
    assert words(scene) == before
    assert (rebuilt.state, rebuilt.entries, rebuilt.revisions) == ("missing", 9, 10)
    assert (rebuilt.window, rebuilt.published, rebuilt.damaged) == (5, DOCUMENTS, ())
    assert not state(scene).tasks


@pytest.mark.row("O6")
def test_lost_document_comes_back_too() -> None:
    scene = lived()
    before = words(scene)
    lose_state(scene)
    del objects(scene)[PUBLIC]
    make(scene)
    assert words(scene) == before


def test_state_that_was_lost_is_as_it_was_but_for_what_makes_the_next_fetch_a_full_one() -> None:
    scene = lived()
    before = state(scene)
    lose_state(scene)
    make(scene)
    after = state(scene)
    assert after.known_entries.by_key == before.known_entries.by_key
    assert (after.window, after.next_seq) == (before.window, before.next_seq)
    assert (after.feed, after.dated, after.requested_at, after.changed_at) == (
        before.feed, before.dated, before.requested_at, before.changed_at,
    )  # fmt: skip
    assert (after.fingerprints, after.addresses, after.checked_at) == ({}, {}, None)
    assert after.complete


def test_next_refresh_reads_everything_and_finds_nothing_new() -> None:
    scene = lived()
    lose_state(scene)
    make(scene)
    published = scene.public()
    outcome = scene.refresh()
    assert (outcome.outcome, outcome.http_status) == ("unchanged", 200)
    assert (outcome.new, outcome.revised, outcome.unchanged) == (0, 0, 4)
    assert scene.public() == published
    assert scene.refresh().http_status == 304  # its validators have been remembered


def test_what_the_origin_has_said_meanwhile_is_new_or_revised_and_nothing_else_is() -> None:
    scene = lived(keep=20)
    lose_state(scene)
    make(scene)
    scene.says(document(10, 9, 8, 7, e8="<p>edited later</p>"))
    outcome = scene.refresh()
    assert (outcome.new, outcome.revised, outcome.unchanged) == (1, 1, 2)
    assert numbers(scene) == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert record_of(scene, "edited later")


def test_generation_is_above_that_of_the_document_and_of_any_run_that_knew_the_lost_state() -> None:
    scene = lived()
    published = stamped(scene.public().encode()).generation
    lose_state(scene)
    make(scene)
    assert stamped(scene.public().encode()).generation == state(scene).generation
    assert state(scene).generation > published + 100


def test_generation_is_read_from_the_head_of_a_document_and_not_from_what_entries_say() -> None:
    scene = Scene(document(1, e1="feedmirror generation 999999999"))
    scene.refresh()
    head, _, rest = objects(scene)[PUBLIC].partition(b"<!--")
    assert stamped(head + rest.partition(b"-->")[2] + b" " * 300) == Stamp()
    assert stamped(objects(scene)[PUBLIC]).generation == 1


def test_entries_of_a_first_mirror_that_were_never_public_stay_out_of_the_window() -> None:
    scene = Scene(document(*range(9, 0, -1)))
    scene.refresh()
    before = words(scene)
    lose_state(scene)
    scene.later(hours=1)
    rebuilt = make(scene)
    assert (rebuilt.entries, rebuilt.window) == (9, 5)
    assert words(scene) == before


def test_entries_are_public_for_48_hours_though_newer_ones_fill_the_window() -> None:
    scene = Scene(document(*range(9, 0, -1)))
    scene.refresh()
    scene.says(document(*range(15, 5, -1)))
    scene.later(hours=1)
    scene.refresh()
    assert numbers(scene) == list(range(15, 4, -1))
    lose_state(scene)
    make(scene)
    assert numbers(scene) == list(range(15, 4, -1))
    scene.later(hours=48)
    make(scene)
    assert numbers(scene) == list(range(15, 10, -1))


def test_window_is_that_of_the_present_keep_and_disclaimer() -> None:
    scene = lived()
    scene.configure(keep=8, disclaimer=Disclaimer(text="Other words."))
    lose_state(scene)
    assert make(scene).window == 8
    assert scene.public().count("Other words.") == 8
    assert "no endorsement" not in scene.public()


def _older(body: bytes) -> bytes:
    """A record as it was written before it held what the feed said of itself."""
    plain = json.loads(body)
    del plain["source"], plain["parser_version"]
    return json.dumps(plain).encode()


def test_records_without_a_source_do_and_the_title_comes_back_with_the_next_refresh() -> None:
    scene = lived()
    for key in record_keys(scene):
        objects(scene)[key] = _older(objects(scene)[key])
    lose_state(scene)
    assert make(scene).damaged == ()
    assert numbers(scene) == [9, 8, 7, 6, 5]
    assert "<channel>\n<title>news.example.org</title>" in scene.public()
    outcome = scene.refresh()
    assert (outcome.outcome, outcome.new, outcome.revised) == ("changed", 0, 0)
    assert "<channel>\n<title>Example News</title>" in scene.public()


def test_what_the_feed_said_of_itself_is_taken_from_the_newest_record() -> None:
    scene = lived()
    scene.says(document(10, 9, 8, title="The News"))
    scene.later(hours=1)
    scene.refresh()
    lose_state(scene)
    make(scene)
    assert "<channel>\n<title>The News</title>" in scene.public()


def test_what_a_newer_parser_reads_otherwise_is_no_revision_and_comes_back_to_no_top() -> None:
    scene = lived()
    for key in record_keys(scene):
        objects(scene)[key] = _older(objects(scene)[key])
    lose_state(scene)
    make(scene)
    assert state(scene).parser_version == 0
    scene.says(document(9, 8, 7, 3, e9="<p>read better</p>", e3="<p>read better, too</p>"))
    assert scene.refresh().revised == 0
    assert numbers(scene) == [9, 8, 7, 6, 5]
    assert "read better</p>" in scene.public()


def test_what_the_same_parser_reads_otherwise_is_an_edit() -> None:
    scene = lived()
    lose_state(scene)
    make(scene)
    assert state(scene).parser_version == PARSER_VERSION


@pytest.mark.parametrize("edits", [1, 2, 3, 4])
def test_entry_says_what_it_said_last(edits: int) -> None:
    scene = Scene(document(1))
    scene.refresh()
    for number in range(edits):
        scene.later(hours=13)
        scene.says(document(1, e1=f"<p>version {number}</p>"))
        scene.refresh()
    lose_state(scene)
    make(scene)
    assert f"version {edits - 1}</p>" in scene.public()
    assert scene.refresh().outcome == "unchanged"


def test_oldest_parser_of_all_records_counts() -> None:
    scene = lived()
    key = record_keys(scene)[4]
    objects(scene)[key] = _older(objects(scene)[key])
    lose_state(scene)
    make(scene)
    assert state(scene).parser_version == 0


def test_records_of_a_folder_that_was_given_another_name_make_another_feed() -> None:
    scene = lived()
    for key in record_keys(scene):
        objects(scene)[key.replace("/news/", "/gazette/")] = objects(scene)[key]
    scene.configure(slug="gazette")
    assert make(scene).entries == 9
    assert numbers(scene) == [9, 8, 7, 6, 5]


def test_no_entries_make_no_feed_and_change_nothing() -> None:
    scene = lived()
    for key in [*record_keys(scene), STATE]:
        del objects(scene)[key]
    before = dict(objects(scene))
    with pytest.raises(StoreError, match="no entries in data/news/entries/ to rebuild news from"):
        make(scene)
    assert objects(scene) == before


def test_a_feed_without_entries_is_made_anew_from_its_state() -> None:
    scene = Scene(rss_document([]))
    scene.refresh()
    before = objects(scene)["public/news/rss.xml"]
    objects(scene)["public/news/rss.xml"] = b"garbled"
    told = make(scene)
    assert (told.entries, told.window, told.archived) == (0, 0, 0)
    assert unstamped(objects(scene)["public/news/rss.xml"]) == unstamped(before)
    assert make(scene).published == ()
    scene.later(hours=1)
    scene.says(document(1))
    assert scene.refresh().new == 1


def test_address_is_found_in_the_state_or_in_a_record() -> None:
    scene = lived()
    assert address_of(scene.store, "news") == URL
    lose_state(scene)
    assert address_of(scene.store, "news") == URL
    assert address_of(scene.store, "olds") is None


# ---------------------------------------------------------------- of what is damaged


@pytest.mark.row("S7")
@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b'{"schema": 1, "feed"', b"\xff", b'{"schema": 1, "window": {"digest": 1}}'],
)
def test_damaged_state_is_replaced(body: bytes) -> None:
    scene = lived()
    before = words(scene)
    objects(scene)[STATE] = body
    assert make(scene).state == "damaged"
    assert words(scene) == before
    assert scene.refresh().outcome == "unchanged"


def test_state_whose_entries_cannot_be_read_is_damaged_though_its_digest_is_right() -> None:
    scene = lived()
    before = words(scene)
    bad = Window(entries=Raw(b'[{"key":7}]'))
    objects(scene)[STATE] = state_codec.dump(replace(state(scene), window=bad))
    assert make(scene).state == "damaged"
    assert words(scene) == before


@pytest.mark.row("S7")
@pytest.mark.parametrize("body", [b'{"schema": 99}', b'{"schema":99,"window'])
def test_state_of_a_newer_version_is_refused_and_left_alone(body: bytes) -> None:
    scene = lived()
    objects(scene)[STATE] = body
    before = dict(objects(scene))
    with pytest.raises(StateError, match="newer feedmirror"):
        make(scene)
    assert objects(scene) == before


def test_record_of_a_newer_version_is_refused_and_nothing_is_changed() -> None:
    scene = lived()
    lose_state(scene)
    key = record_keys(scene)[3]
    objects(scene)[key] = objects(scene)[key].replace(b'"schema":1', b'"schema":2')
    before = dict(objects(scene))
    with pytest.raises(StateError, match=f"{key} was written by a newer feedmirror"):
        make(scene)
    assert objects(scene) == before


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda body: body[:-9], "truncated"),
        (lambda body: b"", "does not begin with its schema"),
        (lambda body: b"\x1f\x8b\xff", "does not begin with its schema"),
        (lambda body: b"[]", "does not begin with its schema"),
        (lambda body: b'{"schema": 1}', "missing required field `revision`"),
        (lambda body: body.replace(b'"seq":', b'"sequence":'), "sequence"),
        (lambda body: body.replace(b'"digest":"', b'"digest":"0'), "of another revision"),
    ],
)
def test_damaged_record_is_named_and_the_rest_rebuilt(
    spoil: Callable[[bytes], bytes], why: str
) -> None:
    scene = lived()
    lose_state(scene)
    key = record_of(scene, "Entry 8")
    objects(scene)[key] = spoil(objects(scene)[key])
    rebuilt = make(scene)
    (damaged,) = rebuilt.damaged
    assert damaged.startswith(f"{key}: ")
    assert why in damaged
    assert numbers(scene) == [9, 7, 6, 5, 4]


def test_entry_whose_last_revision_is_damaged_is_shown_as_it_was_before() -> None:
    scene = lived(keep=20)
    lose_state(scene)
    objects(scene)[record_of(scene, "edited")] = b"damaged"
    assert len(make(scene).damaged) == 1
    assert numbers(scene) == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert "What entry 3 says" in scene.public()


@pytest.mark.parametrize("damage", [b"damaged", None], ids=["damaged", "missing"])
def test_entry_of_a_good_state_is_left_out_and_told_of_until_its_record_is_back(
    damage: bytes | None,
) -> None:
    scene = lived(keep=20)
    lost = record_of(scene, "Entry 8")
    body = objects(scene).pop(lost)
    if damage:
        objects(scene)[lost] = damage
    (told,) = make(scene).damaged
    assert told.startswith(f"{lost}: ")
    assert numbers(scene) == [9, 7, 6, 5, 4, 3, 2, 1]
    store = CountingStore(scene.store)
    make(scene, store)
    assert store.writes == MADE_NEWEST
    objects(scene)[lost] = body
    assert make(scene).damaged == ()
    assert numbers(scene) == list(range(9, 0, -1))


def test_files_that_are_no_records_are_passed_over() -> None:
    scene = lived()
    for name in ("notes.txt", "x/y.json", f"{'a' * 32}/{'b' * 32}.json.bak"):
        objects(scene)[ENTRIES + name] = b"not ours"
    assert make(scene).damaged == ()


# ---------------------------------------------------------------- beside a state that is there


def test_healthy_mirror_is_not_harmed_and_its_state_keeps_what_no_record_says() -> None:
    scene = lived()
    scene.says(FetchError(Kind.TIMEOUT, "no answer"))
    scene.refresh()
    before, published = state(scene), words(scene)
    assert make(scene).state == "readable"
    after = state(scene)
    assert words(scene) == published
    assert (after.failing, after.window, after.known_entries) == (
        before.failing, before.window, before.known_entries,
    )  # fmt: skip
    assert after.generation == before.generation + 1
    assert after.changed_at == before.changed_at


def test_healthy_mirror_is_read_as_a_whole_by_the_next_refresh() -> None:
    scene = lived()
    assert scene.refresh().http_status == 304
    make(scene)
    assert state(scene).fingerprints == {}
    assert scene.refresh().http_status == 200
    assert scene.refresh().http_status == 304


def test_entries_stay_public_for_48_hours_though_less_are_to_be_kept_now() -> None:
    scene = Scene(document(*range(9, 0, -1)))
    scene.refresh()
    scene.configure(keep=2)
    scene.later(hours=47)
    make(scene)
    assert numbers(scene) == [9, 8, 7, 6, 5]
    scene.later(hours=2)
    make(scene)
    assert numbers(scene) == [9, 8]


def test_state_that_was_restored_from_a_backup_is_brought_up_to_date() -> None:
    scene = lived()
    backup = objects(scene)[STATE]
    for body in (document(10, 9, 8, e8="<p>edited later</p>"), document(11, 10, 9)):
        scene.later(hours=1)
        scene.says(body)
        scene.refresh()
    before = words(scene)
    published = state(scene).generation
    objects(scene)[STATE] = backup
    make(scene)
    assert words(scene).partition("<item>")[2] == before.partition("<item>")[2]
    assert state(scene).generation > published
    outcome = scene.refresh()
    assert (outcome.outcome, outcome.new, outcome.revised) == ("unchanged", 0, 0)


def test_text_of_an_entry_beyond_the_window_is_that_of_the_newer_record_than_the_backup() -> None:
    scene = lived(keep=2)
    backup = objects(scene)[STATE]
    scene.later(hours=60)
    scene.says(document(9, 4, e4="<p>edited later</p>"))
    scene.refresh()
    before = numbers(scene)
    assert before[0] == 4
    objects(scene)[STATE] = backup
    make(scene)
    assert scene.refresh().revised == 0
    assert numbers(scene) == before
    assert "edited later" in scene.public()


@pytest.mark.row("U5")
def test_second_rebuild_writes_nothing() -> None:
    scene = lived()
    make(scene)
    store = CountingStore(scene.store)
    assert make(scene, store).published == ()
    assert store.writes == MADE_NEWEST


def test_document_that_somebody_changed_is_published_anew_though_the_state_is_fine() -> None:
    scene = lived()
    make(scene)
    before = words(scene)
    objects(scene)[PUBLIC] = b"defaced"
    assert make(scene).published == DOCUMENTS
    assert words(scene) == before


def test_text_that_came_back_is_the_one_that_counts() -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    for body in (document(2, 1, e1="<p>a slip</p>"), document(2, 1)):
        scene.later(hours=1)
        scene.says(body)
        scene.refresh()
    make(scene)
    assert "a slip" not in scene.public()
    scene.says(document(*range(8, 2, -1)))  # entry 1 leaves the window
    scene.later(hours=60)
    scene.refresh()
    scene.configure(keep=9)
    make(scene)
    assert numbers(scene)[-1] == 1
    assert "a slip" not in scene.public()


@pytest.mark.parametrize("is_lost", [False, True], ids=["known state", "lost state"])
def test_text_that_was_read_after_the_clock_was_put_back_is_the_one_that_counts(
    is_lost: bool,
) -> None:
    scene = Scene(document(5, 4, 3, 2, 1))
    for days, body in ((0, "as it was"), (30, "as the clock was ahead"), (-29, "as it is")):
        scene.later(days=days)
        scene.says(document(*range(5, 0, -1), **{f"e{n}": f"<p>{body}</p>" for n in range(1, 6)}))
        scene.refresh()
    scene.later(hours=1)
    if is_lost:
        lose_state(scene)
    make(scene)
    assert scene.public().count("as it is") == 5


def test_rebuild_after_the_clock_was_put_back_leaves_nothing_to_the_next() -> None:
    scene = Scene(document(2, 1))
    scene.later(days=30)
    scene.refresh()
    scene.later(days=-29)
    make(scene)
    scene.later(hours=1)
    store = CountingStore(scene.store)
    make(scene, store)
    assert store.writes == MADE_NEWEST


def test_generation_is_above_that_of_records_that_are_all_there_is() -> None:
    scene = lived()
    known = state(scene).generation
    for key in [key for key in objects(scene) if not key.startswith(ENTRIES)]:
        del objects(scene)[key]
    make(scene)
    assert state(scene).generation > known + LEAP


def test_correction_has_a_record_and_stays_public(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = lived()
    records = len(record_keys(scene))
    for where in ("mirror.decide", "mirror.classify", "refresh", "mirror.record"):
        monkeypatch.setattr(f"feedmirror.{where}.PARSER_VERSION", 99)
    scene.says(document(9, 8, 7, 6, e8="<p>read better</p>"))
    scene.refresh()
    lose_state(scene)
    make(scene)
    assert "read better" in scene.public()
    assert len(record_keys(scene)) == records + 1


def test_refreshes_since_the_state_was_lost_count_too_in_their_order() -> None:
    scene = lived(keep=20)
    scene.later(hours=1)
    scene.begin_anew()  # as a first mirror: what the origin still has, counted from one
    for body in (document(11, 10, 9, 8), document(12, 11, 10, 7)):
        scene.later(hours=1)
        scene.says(body)
        scene.refresh()
    assert numbers(scene) == [12, 11, 10, 9, 8, 7, 6]
    scene.later(minutes=5)
    rebuilt = make(scene)
    assert rebuilt.entries == 12
    assert numbers(scene) == [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert f"first fetched {NOON + timedelta(hours=200):%Y-%m-%d %H:%M}" in scene.public()
    assert state(scene).changed_at == scene.now
    first = {revision.key: revision.first_seen for revision in state(scene).window}
    assert {key: int(at.timestamp()) for key, at in first.items()} == {
        key: known.at for key, known in state(scene).known_entries.by_key.items()
    }
    places = [revision.seq for revision in state(scene).window]
    assert places == sorted(places, reverse=True)
    assert len(set(places)) == len(places)
    scene.says(document(13, 12))
    scene.later(minutes=15)
    assert scene.refresh().new == 1
    assert numbers(scene)[:2] == [13, 12]
    published = words(scene)
    make(scene)
    assert words(scene) == published


def test_state_that_a_failing_origin_left_in_place_of_the_lost_one_is_no_hindrance() -> None:
    scene = lived()
    before = words(scene)
    scene.says(FetchError(Kind.LEGAL, "blocked by order of a court", status=451))
    assert scene.begin_anew().outcome == "failed"
    del objects(scene)[PUBLIC]
    make(scene)
    assert words(scene) == before
    failing = state(scene).failing
    assert failing is not None
    assert failing.kind == "legal"


def test_new_disclaimer_reaches_pages_that_are_no_part_of_the_archive_any_more() -> None:
    scene = lived()
    scene.says(document(9, 1, e1="<p>edited at last</p>"))  # it leaves its page, and comes back
    assert scene.refresh().revised == 1
    before = {key for key in objects(scene) if "/archive/" in key and key.endswith("rss.xml")}
    scene.configure(disclaimer=Disclaimer(text="Other words."))
    make(scene)
    assert before < {key for key in objects(scene) if key.endswith("rss.xml")}
    for key in before:
        assert b"Other words." in objects(scene)[key], key


def test_each_record_is_read_once_and_its_newest_words_once_more() -> None:
    scene = lived()
    lose_state(scene)
    store = CountingStore(scene.store)
    make(scene, store)
    assert store.listings == ["data/news/removed/", ENTRIES, "public/news/archive/"]
    reads = [key for key in store.loads if key.startswith(ENTRIES)]
    assert len(reads) == 10 + 9
    documents = (f"public/news/{name}" for name in DOCUMENTS)
    assert store.writes == [DEPLOYMENTS, STATE, *documents, STATE]


@pytest.mark.slow
def test_progress_is_reported_now_and_then() -> None:
    scene = Scene(document(*range(120, 0, -1)))
    scene.refresh()
    reports: list[int] = []
    make(scene, report=reports.append)
    assert reports == [100]


# ---------------------------------------------------------------- of many entries


def _index(moments: int, together: int = 1) -> RecordIndex:
    """An index of entries, so many at each moment."""
    scene = Scene(document(1))
    scene.refresh()
    (revision,) = entries_in(scene.store)
    index = RecordIndex()
    for number in range(moments * together):
        at = NOON + timedelta(hours=number // together)
        one = replace(
            revision, key=f"{number:032x}", seq=number + 1, first_seen=at, listed_at=at,
            observed_at=at,
        )  # fmt: skip
        index.add(archives.Record(one))
    return index


def _restored(index: RecordIndex) -> State:
    base = base_state(None, index, URL, 0)
    plan = plan_pages(index, base, 5, NOON)
    return restore(base, index, plan, {}, archive_summary=ArchiveSummary(), now=NOON)


def test_the_newest_5_000_keys_are_remembered() -> None:
    known = _restored(_index(moments=5_500)).known_entries
    assert known.has_forgotten
    assert list(known.by_key) == [f"{number:032x}" for number in range(500, 5_500)]


def test_more_keys_are_remembered_of_a_feed_that_came_with_more_in_one_document() -> None:
    assert len(_restored(_index(moments=3, together=3_000)).known_entries.by_key) == 6_000


@pytest.mark.slow
def test_memory_is_flat_whatever_the_entries_say(pages_of_many: None) -> None:
    scene = Scene(document(1))
    scene.refresh()
    (key,) = record_keys(scene)
    plain = json.loads(objects(scene)[key])
    lose_state(scene)

    class Archived(MemoryStore):
        """Three hundred entries of 50 KB, made when they are read."""

        def keys(self, prefix: str = "") -> Any:
            keys = (f"{ENTRIES}{n:032x}/{n:032x}.0.json" for n in range(1, 301))
            return (key for key in keys if key.startswith(prefix))

        def load(self, key: str) -> Any:
            if not key.startswith(ENTRIES):
                return super().load(key)
            name = key.removeprefix(ENTRIES)[:32]
            at = (NOON - timedelta(days=2_000 - int(name, 16))).isoformat()
            moments = {"first_seen": at, "listed_at": at, "observed_at": at}
            changed = {"key": name, "digest": name, "guid": name, "seq": int(name, 16), **moments}
            said = plain["revision"]["entry"] | {"summary": "x" * 50_000}
            revision = plain["revision"] | changed | {"entry": said}
            return replace(stored, body=json.dumps(plain | {"revision": revision}).encode())

        def create(self, key: str, *rest: Any) -> str | None:  # type: ignore[override]
            archived = key.startswith(("public/news/entries/", "public/news/archive/"))
            return '"kept elsewhere"' if archived else super().create(key, *rest)

    stored = scene.store.load(key)
    tracemalloc.start()
    try:
        rebuilt = make(scene, Archived())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert rebuilt.entries == 300
    assert peak < 12_000_000  # a page of them at a time, in every format; they say 15 MB


# ---------------------------------------------------------------- killed, or not alone


def _run(scene: Scene, at: int, moment: str) -> bool:
    """Whether the rebuild had an operation number `at` at which something could go wrong."""
    store = CrashingStore(scene.store, at, moment)  # type: ignore[arg-type]
    with contextlib.suppress(Crash, StoreError):
        make(scene, store)
    return store.count > at


def _spoilt(how: str) -> Scene:
    scene = lived(store=MemoryStore())
    if how == "missing":
        lose_state(scene)
    elif how == "damaged":
        objects(scene)[STATE] = b"{}"
    elif how == "unsettled":
        scene.says(document(10, 9, e9="<p>edited</p>"))
        store = CrashingStore(scene.store, 2, "before")
        with pytest.raises(Crash):
            scene.refresh(store=store)
    return scene


@pytest.mark.row("S1")
@pytest.mark.slow
@pytest.mark.parametrize("how", ["missing", "damaged", "readable", "unsettled"])
@pytest.mark.usefixtures("rendered_once")
def test_rebuild_killed_at_any_operation_and_run_again_leaves_the_same_store(how: str) -> None:
    scene = _spoilt(how)
    before = dict(objects(scene))
    make(scene)
    expected = but_number(objects(scene))
    left, tried = set(), 0
    for moment in MOMENTS:
        at, stopped = 0, True
        while stopped:
            objects(scene).clear()
            objects(scene).update(before)
            stopped = _run(scene, at, moment)
            if (contents := frozenset(objects(scene).items())) not in left:
                left.add(contents)
                make(scene)
                assert but_number(objects(scene)) == expected, (at, moment)
            at += 1 if moment == "after" or EXHAUSTIVE else 6
            tried += 1
    assert tried > 20


@pytest.mark.row("S5", "S7")
@pytest.mark.slow
@pytest.mark.usefixtures("rendered_once")
@pytest.mark.parametrize("how", ["missing", "damaged", "readable"])
def test_rebuild_and_refresh_at_once_lose_nothing_in_any_order(how: str) -> None:
    mirrored = Scene(document(2, 1), MemoryStore())
    mirrored.refresh()
    if how == "missing":
        lose_state(mirrored)
    elif how == "damaged":
        objects(mirrored)[STATE] = b"{}"

    def prepare(turnstile: Turnstile) -> tuple[Scene, list[Callable[[], object]]]:
        scene = Scene(document(2, 1), MemoryStore())
        objects(scene).update(objects(mirrored))
        scene.later(hours=1)
        scene.says(document(3, 2, e2="<p>edited</p>"))
        shared = YieldingStore(scene.store, turnstile)

        def refresh() -> None:
            with contextlib.suppress(StateError):  # it may come first to what is left of the state
                scene.refresh(store=shared)

        return scene, [lambda: make(scene, shared), refresh]

    runs, left = 0, set()
    # Of a lost state much more is loaded: not all orders with two interruptions, but some with any.
    bound, more = (2, 0) if EXHAUSTIVE and how != "missing" else (1, 40)
    runs_of_both = explore(prepare, max_preemptions=bound, merging=True)
    for run in (*runs_of_both, *sample(prepare, more, seed=5)):
        scene = run.store
        assert not any(run.errors), str(run)
        runs += 1
        if (contents := frozenset(objects(scene).items())) in left:
            continue  # another order has come to the same
        left.add(contents)
        scene.refresh()
        make(scene)
        assert sorted(numbers(scene), reverse=True) == [3, 2, 1], str(run)
        assert "<p>edited</p>" in scene.public(), str(run)
        assert len(record_keys(scene)) == 4, str(run)
        assert not state(scene).tasks, str(run)
    assert runs > 20


def test_rebuild_that_loses_to_others_reads_only_what_is_new() -> None:
    scene = lived()
    lose_state(scene)

    class Beaten(CountingStore):
        """Another rebuild and a refresh come in between, just before the first commit."""

        def create(self, key: str, *rest: Any) -> str | None:  # type: ignore[override]
            if key == STATE and STATE not in self.creates:
                make(scene)
                scene.says(document(10, 9, 8, 7, 6))
                scene.refresh()
            return super().create(key, *rest)

    store = Beaten(scene.store)
    assert make(scene, store).entries == 10
    assert numbers(scene) == [10, 9, 8, 7, 6]
    reads = [key for key in store.loads if key.startswith(ENTRIES)]
    assert len(reads) <= 10 + 1 + 2 * 10


# ---------------------------------------------------------------- of real feeds


@pytest.mark.slow
@pytest.mark.parametrize("path", sample_feeds(), ids=lambda path: path.name)
@pytest.mark.parametrize("keep", [10, 10_000])
def test_real_feed_comes_back_as_it_was(path: Path, keep: int, pages_of_many: None) -> None:
    subscription = Subscription("news", URL, keep=keep)
    scene = Scene(Fetched(URL, path.read_bytes()), subscription=subscription)
    scene.refresh()
    before = words(scene)
    lose_state(scene)
    scene.later(hours=1)
    make(scene)
    assert words(scene) == before
    outcome = scene.refresh()
    assert (outcome.outcome, outcome.new, outcome.revised) == ("unchanged", 0, 0)
    assert words(scene) == before


def test_feed_whose_guids_are_shared_comes_back_with_the_same_ones() -> None:
    twice = [entry(2, guid="x"), entry(1, guid="x")]
    scene = Scene(rss_document(twice))
    scene.refresh()
    before = words(scene)
    lose_state(scene)
    make(scene)
    assert words(scene) == before
    assert scene.refresh().outcome == "unchanged"
    scene.says(rss_document(list(reversed(twice))))
    assert scene.refresh().outcome == "unchanged"
