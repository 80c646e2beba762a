"""What a newer parser reads better reaches all that is stored and public, the origin unasked."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

import workers
from builders import atom_document, entry, json_feed, rss_document
from commands import feedmirror, write_config
from crash_history import MOMENTS
from feedmirror.errors import FetchError, Kind, ParseError, StoreError
from feedmirror.layout import DEPLOYMENTS
from feedmirror.mirror import state_codec
from feedmirror.mirror.state import State
from feedmirror.model import PARSER_VERSION, Disclaimer, Entry, Fetched, Subscription
from feedmirror.parsing.parse import parse
from feedmirror.ports import Located, Rereader, Store
from feedmirror.rebuild import Rebuilt, rebuild
from feedmirror.renewal import renew_slice
from feedmirror.reparse import Reparsed
from feedmirror.text import sanitize
from feedmirror.text.xml import printable
from origin_server import OriginServer
from parsers import InProcessParser
from remembering import remember_renderings
from scene import FEEDS, NOON, PUBLIC_URL, SUBSCRIPTION, URL, Scene, but_number
from stores import CountingStore, Crash, CrashingStore, MemoryStore

STATE = "state/news.json"
MADE_NEWEST = [DEPLOYMENTS, STATE]  # what a rebuild writes that changes nothing
ENTRIES = "data/news/entries/"
HOLE = "data-hole"  # an attribute that the older sanitiser let through
LOST = ", and more"  # words that it lost
BODY = f'<p {HOLE}="1">What entry {{}} says{LOST}.</p>'
TITLED = re.compile(r"Entry (\d+)")
NEWER = PARSER_VERSION + 1


def set_version(monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    """Be the program of that parser, in all places that know the version."""
    for name, module in list(sys.modules.items()):
        if name.startswith("feedmirror.") and hasattr(module, "PARSER_VERSION"):
            monkeypatch.setattr(module, "PARSER_VERSION", version)


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The older program until the end, or until the result is called: then the newer one."""
    import feedmirror.parsing.json_feed
    import feedmirror.parsing.lenient  # noqa: F401 - all that know the version

    everywhere = sanitize._ATTRIBUTES["*"]
    monkeypatch.setitem(sanitize._ATTRIBUTES, "*", {*everywhere, HOLE})
    monkeypatch.setattr(sanitize, "printable", lambda text: printable(text).replace(LOST, ""))

    def mended() -> None:
        monkeypatch.setitem(sanitize._ATTRIBUTES, "*", everywhere)
        monkeypatch.setattr(sanitize, "printable", printable)
        set_version(monkeypatch, NEWER)

    return mended


@pytest.fixture(autouse=True)
def pages_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedmirror.mirror.archive.PAGE_ENTRIES", 3)


def objects(scene: Scene) -> dict[str, bytes]:
    return scene.store.objects  # type: ignore[attr-defined,no-any-return]


def state(scene: Scene) -> State:
    return state_codec.load(objects(scene)[STATE], STATE)


def record_keys(scene: Scene) -> list[str]:
    return [key for key in objects(scene) if key.startswith(ENTRIES)]


def public(scene: Scene) -> dict[str, bytes]:
    return {key: body for key, body in objects(scene).items() if key.startswith("public/")}


def holes(scene: Scene) -> list[str]:
    """What is public and has the hole."""
    return [key for key, body in public(scene).items() if HOLE.encode() in body]


def ids(scene: Scene) -> list[Any]:
    """The public ids in every document of the whole history."""
    return [seen.ids for name in FEEDS for seen in scene.history(name)]


def feed(*numbers: int, make: Callable[..., bytes] = rss_document, **changes: Any) -> bytes:
    return make([entry(n, summary=BODY.format(n), **changes) for n in numbers])


def mirrored(make: Callable[..., bytes] = rss_document, keep: int = 4, **options: Any) -> Scene:
    """A mirror with entries in its window and in its archive; two of them edited."""
    scene = Scene(
        feed(*range(5, 0, -1), make=make), MemoryStore(),
        subscription=replace(SUBSCRIPTION, keep=keep, **options),
    )  # fmt: skip
    scene.refresh()
    for last in (9, 12):
        scene.later(hours=100)
        edited = entry(last, summary=BODY.format(f"{last}, edited,"))
        numbers = range(last + 1, last - 4, -1)
        scene.says(
            make([edited if n == last else entry(n, summary=BODY.format(n)) for n in numbers])
        )
        scene.refresh()
    scene.later(hours=1)
    scene.says(FetchError(Kind.TIMEOUT, "nobody is to ask"))
    scene.origin.asked.clear()
    return scene


def reparse(scene: Scene, store: Store | None = None, rereader: Rereader | None = None) -> Rebuilt:
    return rebuild(
        scene.subscription, store if store is not None else scene.store, PUBLIC_URL, scene.now,
        rereader=rereader or InProcessParser(),
    )  # fmt: skip


def told(rebuilt: Rebuilt) -> Reparsed:
    assert rebuilt.reparsed is not None
    return rebuilt.reparsed


# ---------------------------------------------------------------- all that is public


@pytest.mark.parametrize("make", [rss_document, atom_document, json_feed])
def test_hole_is_closed_in_every_page_and_format_and_the_origin_is_not_asked(
    make: Callable[..., bytes], older: Callable[[], None]
) -> None:
    scene = mirrored(make)
    kinds = {key.rpartition("/")[0].rpartition("/")[2] for key in holes(scene)}
    assert {"news", "entries"} < kinds
    assert len([key for key in holes(scene) if "/archive/" in key]) >= 3 * len(FEEDS)
    before = public(scene).keys()
    assert not any(LOST.encode() in body for body in public(scene).values())
    older()
    rebuilt = reparse(scene)
    assert holes(scene) == []
    of_feed = [key for key in before if key.startswith("public/news/")]
    assert all(LOST.encode() in objects(scene)[key] for key in of_feed)
    assert public(scene).keys() == before  # every page under the name that it had
    assert told(rebuilt) == Reparsed(reread=13, changed=13)
    assert rebuilt.renewed > 13
    assert scene.origin.asked == []


def test_hole_is_closed_in_pages_that_are_no_part_of_the_archive_any_more(
    older: Callable[[], None],
) -> None:
    scene = mirrored()
    entries = everything()
    entries[-2] = entry(2, summary=BODY.format("2, edited,"))  # it leaves its page, and comes back
    scene.says(rss_document(entries))
    assert scene.refresh().revised == 1
    before = {key for key in public(scene) if "/archive/" in key}
    older()
    reparse(scene)
    after = {key for key in public(scene) if "/archive/" in key}
    assert before < after  # the later pages have other entries now, and other names
    assert holes(scene) == []
    store = CountingStore(scene.store)
    reparse(scene, store)
    assert store.writes == MADE_NEWEST
    for key in before:
        if key.endswith("atom.xml"):
            page = objects(scene)[key].decode()
            for kept in re.findall(r'-archive" [^<>]*href="([^"]+)"', page):
                assert scene.fetch(kept)


def test_plain_rebuild_reads_nothing_again(older: Callable[[], None]) -> None:
    scene = mirrored()
    older()
    before = holes(scene)
    assert rebuild(scene.subscription, scene.store, PUBLIC_URL, scene.now).reparsed is None
    assert holes(scene) == before


def test_second_time_there_is_nothing_to_write(older: Callable[[], None]) -> None:
    scene = mirrored()
    older()
    reparse(scene)
    store = CountingStore(scene.store)
    rebuilt = reparse(scene, store)
    assert store.writes == MADE_NEWEST
    assert told(rebuilt) == Reparsed(reread=13)


@pytest.mark.usefixtures("older")
def test_nothing_is_written_where_nothing_is_read_otherwise() -> None:
    scene = mirrored()
    store = CountingStore(scene.store)
    assert told(reparse(scene, store)) == Reparsed(reread=13)
    assert not [key for key in store.writes if key not in MADE_NEWEST]
    assert len(record_keys(scene)) == 14


def test_entries_stay_who_and_where_they_are(older: Callable[[], None]) -> None:
    scene = mirrored()
    before, ids_before = state(scene), ids(scene)
    older()
    reparse(scene)
    after = state(scene)
    assert ids(scene) == ids_before
    for old, new in zip(before.window, after.window, strict=True):
        assert (new.key, new.guid, new.seq) == (old.key, old.guid, old.seq)
        assert (new.first_seen, new.listed_at) == (old.first_seen, old.listed_at)
    assert (after.archive_summary, after.next_seq, after.feed) == (
        before.archive_summary, before.next_seq, before.feed,
    )  # fmt: skip


def test_record_of_the_reading_stands_beside_the_first_and_keeps_its_disclaimer(
    older: Callable[[], None],
) -> None:
    scene = mirrored()
    before = dict(objects(scene))
    scene.configure(disclaimer=Disclaimer(text="Other words."))
    older()
    reparse(scene)
    new = [key for key in record_keys(scene) if key not in before]
    assert len(new) == 13
    for key in new:
        first = key.replace(".1.json", ".0.json")
        old, made = json.loads(before[first]), json.loads(objects(scene)[key])
        assert objects(scene)[first] == before[first]
        assert (old.pop("parser_version"), made.pop("parser_version")) == (PARSER_VERSION, NEWER)
        assert made["revision"].pop("number") == 1
        assert HOLE in old["revision"]["entry"].pop("summary")
        assert HOLE not in made["revision"]["entry"].pop("summary")
        assert made == old


# ---------------------------------------------------------------- what is remembered


def test_validators_stay(older: Callable[[], None]) -> None:
    scene = mirrored()
    scene.says(feed(*range(13, 8, -1)))
    scene.refresh()
    assert scene.refresh().http_status == 304
    older()
    reparse(scene)
    assert scene.refresh().http_status == 304


@pytest.mark.parametrize("is_known", [True, False], ids=["readable", "lost"])
def test_document_that_is_seen_afterwards_brings_no_revision(
    older: Callable[[], None], is_known: bool
) -> None:
    scene = mirrored()
    older()
    if not is_known:
        del objects(scene)[STATE]
    reparse(scene)
    entries = everything()
    scene.says(rss_document(entries))
    before = len(record_keys(scene))
    outcome = scene.refresh()
    assert (outcome.new, outcome.revised) == (0, 0)
    assert len(record_keys(scene)) == before
    entries[1] = entry(12, summary="<p>Edited once more.</p>")
    scene.later(hours=1)
    scene.says(rss_document(entries))
    assert scene.refresh().revised == 1  # the origin's own edits are told from newer readings


def everything() -> list[dict[str, Any]]:
    """What the origin says of all entries of `mirrored`, at last."""
    said = {12: "12, edited,"}
    return [entry(n, summary=BODY.format(said.get(n, n))) for n in range(13, 0, -1)]


def test_entry_that_was_read_again_keeps_its_revision_and_id_when_particulars_change(
    older: Callable[[], None],
) -> None:
    scene = mirrored()
    older()
    reparse(scene)
    before, names = ids(scene), public(scene).keys()
    entries = everything()
    entries[-1] |= {"author": "desk@gazette.example.org (The Desk)"}  # of the archive
    entries[1] |= {"author": "desk@gazette.example.org (The Desk)"}  # of the window
    scene.says(rss_document(entries))
    outcome = scene.refresh()
    assert (outcome.new, outcome.revised, outcome.amended) == (0, 0, 2)
    assert len([key for key in record_keys(scene) if key.endswith(".2.json")]) == 2
    rebuild(scene.subscription, scene.store, PUBLIC_URL, scene.now)
    assert ids(scene) == before
    assert public(scene).keys() == names
    assert scene.archived()[-1] == "Entry 1"


def test_what_a_refresh_reads_better_is_a_further_record_of_the_same_revision(
    older: Callable[[], None],
) -> None:
    scene = mirrored()
    before, names, records_before = ids(scene), public(scene).keys(), record_keys(scene)
    older()
    scene.says(rss_document(everything()))
    outcome = scene.refresh()
    assert (outcome.new, outcome.revised) == (0, 0)
    new = {key for key in record_keys(scene) if key not in records_before}
    assert {key.replace(".1.json", ".0.json") for key in new} < set(records_before)
    assert len(new) == 13
    rebuild(scene.subscription, scene.store, PUBLIC_URL, scene.now)
    assert holes(scene) == []
    assert ids(scene) == before
    assert public(scene).keys() == names


def test_rebuild_without_a_state_finds_the_newest_reading(older: Callable[[], None]) -> None:
    scene = mirrored()
    older()
    reparse(scene)
    pages = public(scene)
    del objects(scene)[STATE]
    for key in pages:
        del objects(scene)[key]
    rebuild(scene.subscription, scene.store, PUBLIC_URL, scene.now)
    assert holes(scene) == []
    assert public(scene).keys() == pages.keys()


def test_edit_that_came_after_the_reading_counts(older: Callable[[], None]) -> None:
    scene = mirrored()
    older()
    reparse(scene)
    scene.says(
        rss_document([entry(13, summary="<p>Edited.</p>"), entry(1, summary="<p>Back.</p>")])
    )
    assert scene.refresh().revised == 2
    del objects(scene)[STATE]
    reparse(scene)
    assert "Edited." in scene.public()
    assert "Back." in scene.public()


def test_reading_of_a_newer_program_stays(
    older: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = mirrored()
    older()
    reparse(scene)
    set_version(monkeypatch, PARSER_VERSION)
    monkeypatch.setitem(sanitize._ATTRIBUTES, "*", {*sanitize._ATTRIBUTES["*"], HOLE})
    assert told(reparse(scene)) == Reparsed()
    assert holes(scene) == []


# ---------------------------------------------------------------- without an original


def lossy(*numbers: int) -> bytes:
    """A feed that no mending makes well-formed."""
    return feed(*numbers).replace(b"<title>", b"<b><title>", 1)


def test_entries_without_their_original_are_sanitised_again_and_counted(
    older: Callable[[], None],
) -> None:
    scene = Scene(lossy(3, 2, 1), MemoryStore())
    assert not scene.refresh().lossless
    scene.later(hours=1)
    scene.says(feed(5, 4))
    scene.refresh()
    assert len([key for key in holes(scene) if "/entries/" in key]) == 5
    older()
    assert told(reparse(scene)) == Reparsed(reread=2, cleaned=3, changed=5)
    assert holes(scene) == []
    store = CountingStore(scene.store)
    assert told(reparse(scene, store)) == Reparsed(reread=2, cleaned=3)
    assert store.writes == MADE_NEWEST


def test_what_the_lenient_parser_reads_afterwards_is_no_revision(
    older: Callable[[], None],
) -> None:
    scene = Scene(lossy(3, 2, 1), MemoryStore())
    scene.refresh()
    older()
    reparse(scene)
    assert state(scene).parser_version == PARSER_VERSION
    scene.later(hours=1)
    scene.says(lossy(3, 2, 1) + b" ")
    outcome = scene.refresh()
    assert (outcome.new, outcome.revised) == (0, 0)


# ---------------------------------------------------------------- secrets and dates


TOKEN = "q7Zk31pX"
MEMBERS = Subscription("news", f"https://quay.example.org/feed?token={TOKEN}")


@pytest.mark.parametrize("is_configured", [True, False])
def test_no_secret_comes_out_of_an_original(older: Callable[[], None], is_configured: bool) -> None:
    secret = {"headers": {"X-Key": "hush-4711-hush"}}
    subscription = replace(MEMBERS, **secret)
    echo = f'<p {HOLE}="1">{TOKEN} and hush-4711-hush</p>'
    scene = Scene(rss_document([entry(1, summary=echo)]), MemoryStore(), subscription)
    scene.refresh()
    older()
    if not is_configured:  # a key that the operator has changed since, another address
        scene.configure(url="https://quay.example.net/feed", headers={})
    done = told(reparse(scene))
    assert (done.changed, done.reread) == (1, int(is_configured))
    assert holes(scene) == []
    for key, body in public(scene).items():
        assert TOKEN.encode() not in body, key
        assert b"hush" not in body, key


@pytest.mark.usefixtures("older")
def test_date_that_moves_with_the_clock_stays_the_first_one() -> None:
    scene = Scene(feed(1, published=NOON - timedelta(days=1)), MemoryStore())
    scene.refresh()
    scene.later(hours=1)
    scene.says(feed(1, published=NOON + timedelta(hours=1), author="The Desk"))
    assert scene.refresh().amended == 1
    assert told(reparse(scene)) == Reparsed(reread=1)
    assert state(scene).window.rows[0].published == NOON - timedelta(days=1)


def test_date_that_was_misread_at_first_is_corrected(older: Callable[[], None]) -> None:
    scene = Scene(feed(1, published=NOON - timedelta(days=2)), MemoryStore())
    scene.refresh()
    [key] = record_keys(scene)
    said = NOON - timedelta(days=1)
    plain = json.loads(objects(scene)[key])
    again = parse(Fetched(URL, feed(1, published=said)), frozenset()).entries[0]
    plain["revision"]["entry"]["original"] = again.original
    objects(scene)[key] = json.dumps(plain).encode()
    older()
    reparse(scene)
    assert state(scene).window.rows[0].published == said


def test_dates_far_in_the_future_are_none_in_any_reading(older: Callable[[], None]) -> None:
    scene = Scene(feed(1, published="Sat, 07 Nov 2065 10:00:00 GMT"), MemoryStore())
    scene.refresh()
    before = state(scene).window.rows[0].published
    assert before is None
    older()
    reparse(scene)
    assert state(scene).window.rows[0].published is None


# ---------------------------------------------------------------- what cannot be read


def spoil(scene: Scene, original: str) -> str:
    """Put another original into the record of entry 2; return its key."""
    [key] = [key for key in record_keys(scene) if b'"Entry 2"' in objects(scene)[key]]
    plain = json.loads(objects(scene)[key])
    plain["revision"]["entry"]["original"] = original
    objects(scene)[key] = json.dumps(plain).encode()
    return key


@pytest.mark.parametrize("original", ["<item>", "{", "<!DOCTYPE x [<!ENTITY a 'b'>]>", "\ufffe"])
def test_record_that_cannot_be_read_again_stays_and_is_named(
    older: Callable[[], None], original: str
) -> None:
    scene = mirrored()
    key = spoil(scene, original)
    before = objects(scene)[key]
    older()
    rebuilt = reparse(scene)
    [failed] = told(rebuilt).failed
    assert failed.startswith(f"{key}: ")
    assert replace(told(rebuilt), failed=()) == Reparsed(reread=12, changed=12)
    assert objects(scene)[key] == before
    assert holes(scene)
    assert all(b"Entry 2" in public(scene)[page] for page in holes(scene))
    # The next document that has it may say it otherwise: that is no edit.
    assert state(scene).parser_version == PARSER_VERSION


# Within what a body may be: a sanitiser works on it for many times the limit.
ENDLESS = "&lt;div>" * 399 + "&lt;p>x" * 500_000


@pytest.mark.row("P8")
@pytest.mark.slow
def test_hostile_original_costs_its_own_entry_alone(older: Callable[[], None]) -> None:
    scene = mirrored()
    key = spoil(scene, f"<item><guid>2</guid><description>{ENDLESS}</description></item>")
    older()
    with workers.parser(limits=replace(workers.LIMITS, cpu_s=2)) as parser:
        done = told(reparse(scene, rereader=parser))
    assert done.failed == (f"{key}: the parser used more than 2 s of CPU",)
    assert done.changed == 12


def test_without_a_parser_nothing_is_changed(older: Callable[[], None]) -> None:
    class Gone:
        """The `Rereader` whose process has ended."""

        def reread(self, stored: Any, /) -> list[Entry | str]:
            raise ParseError(Kind.BUG, "the parser has ended")

    scene = mirrored()
    older()
    before = dict(objects(scene))
    with pytest.raises(ParseError, match="the parser has ended"):
        reparse(scene, rereader=Gone())
    assert objects(scene) == before


# ---------------------------------------------------------------- killed


@pytest.mark.row("S1")
@pytest.mark.slow
@pytest.mark.parametrize("how", ["readable", "missing", "unsettled", "superseded"])
def test_reparse_killed_at_any_operation_and_run_again_leaves_the_same_store(
    how: str, older: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    remember_renderings(monkeypatch)
    monkeypatch.setattr("feedmirror.mirror.archive.PAGE_ENTRIES", 1)
    scene = Scene(feed(3, 2, 1), MemoryStore(), subscription=replace(SUBSCRIPTION, keep=2))
    scene.refresh()
    scene.later(hours=1)
    if how == "missing":
        del objects(scene)[STATE]
    elif how == "superseded":
        edited = entry(1, summary=BODY.format("1, edited,"))
        scene.says(rss_document([entry(3, summary=BODY.format(3)), edited]))
        scene.refresh()
    elif how == "unsettled":
        scene.says(feed(4, 3))
        with pytest.raises(Crash):
            scene.refresh(store=CrashingStore(scene.store, 2, "before"))
    older()
    rereader = RememberingRereader()
    before = dict(objects(scene))
    reparse(scene, rereader=rereader)
    expected = but_number(objects(scene))
    assert holes(scene) == []
    left = set()
    for moment in MOMENTS:
        at, stopped = 0, True
        while stopped:
            objects(scene).clear()
            objects(scene).update(before)
            store = CrashingStore(scene.store, at, moment)  # type: ignore[arg-type]
            with contextlib.suppress(Crash, StoreError):
                reparse(scene, store, rereader)
            stopped = store.count > at
            if (contents := frozenset(objects(scene).items())) not in left:
                left.add(contents)
                reparse(scene, rereader=rereader)
                assert but_number(objects(scene)) == expected, (at, moment)
            at += 1
        assert at > 3 * 5


class RememberingRereader:
    """The real one, asked once for each entry."""

    def __init__(self) -> None:
        self._memory: dict[Located, Entry | str] = {}

    def reread(self, stored: Any, /) -> list[Entry | str]:
        for one in stored:
            if one not in self._memory:
                [self._memory[one]] = InProcessParser().reread([one])
        return [self._memory[one] for one in stored]


# ---------------------------------------------------------------- the command


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_command_reads_again_without_the_origin_and_says_so(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with OriginServer() as server:
        server.serve("/feed", feed(3, 2, 1))
        write_config(here, {"news": server.url("/feed")})
        assert feedmirror("run", "--quiet") == 0
        asked = len(server.requests)
        capsys.readouterr()
        assert feedmirror("rebuild", "news", "--reparse") == 0
        assert "; 3 reparsed, 0 of them changed; " in capsys.readouterr().out
        assert feedmirror("rebuild", "news", "--reparse", "--json") == 0
        [said] = json.loads(capsys.readouterr().out)["feeds"]
        assert said["reparsed"] == {"reread": 3, "cleaned": 0, "changed": 0, "failed": []}
        assert len(server.requests) == asked


@pytest.mark.slow
def test_command_names_what_cannot_be_read_again_and_ends_with_one(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with OriginServer() as server:
        server.serve("/feed", feed(3, 2, 1))
        write_config(here, {"news": server.url("/feed")})
        feedmirror("run", "--quiet")
    record = min((here / "mirror" / ENTRIES).rglob("*.json"))
    plain = json.loads(record.read_text())
    plain["revision"]["entry"]["original"] = "<item>"
    record.write_text(json.dumps(plain))
    capsys.readouterr()
    assert feedmirror("rebuild", "news", "--reparse") == 1
    out, err = capsys.readouterr()
    assert "; 2 reparsed, 0 of them changed; " in out
    assert "news: 1 record left unchanged, since reparsing failed:\n" in err
    assert f"  {record.relative_to(here / 'mirror')}: " in err


# ---------------------------------------------------------------- renewal


def renew_all(scene: Scene, store: Store | None = None) -> None:
    while renew_slice(scene.subscription, scene.world(store)).position is not None:
        pass


def test_newer_parser_reaches_all_that_is_public_by_renewal_alone(
    older: Callable[[], None],
) -> None:
    scene = mirrored()
    before = ids(scene)
    older()
    renew_all(scene)
    assert holes(scene) == []
    assert ids(scene) == before
    assert LOST in scene.public()
    assert state(scene).renewal is None
    assert not state(scene).tasks
    changed = len([key for key in record_keys(scene) if not key.endswith(".0.json")])
    assert changed == 13  # one record more for each entry


def test_entries_that_a_renewal_read_again_are_no_revisions_of_the_origin_s(
    older: Callable[[], None],
) -> None:
    scene = mirrored()
    older()
    renew_all(scene)
    scene.later(hours=1)
    scene.says(feed(13, 11, 10))
    outcome = scene.refresh()
    assert (outcome.new, outcome.revised, outcome.amended) == (0, 0, 0)
    assert holes(scene) == []


@pytest.mark.parametrize("is_lost", [False, True])
def test_plain_rebuild_leaves_entries_of_an_older_parser_to_a_renewal(
    is_lost: bool, older: Callable[[], None]
) -> None:
    scene = mirrored()
    older()
    if is_lost:
        del objects(scene)[STATE]
    rebuild(scene.subscription, scene.store, PUBLIC_URL, scene.now)
    assert holes(scene) != []
    renew_all(scene)
    assert holes(scene) == []
    assert state(scene).renewal is None


def test_changed_disclaimer_has_nothing_read_again(older: Callable[[], None]) -> None:
    scene = mirrored()
    older()
    renew_all(scene)
    scene.configure(disclaimer=Disclaimer(text="Other words."))
    before = record_keys(scene)
    renew_all(scene)
    assert record_keys(scene) == before
    assert all(b"Other words." in body for key, body in public(scene).items() if "entries" in key)


@pytest.mark.parametrize("moment", MOMENTS)
def test_renewal_that_reads_again_may_be_killed_anywhere(
    moment: str, older: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    remember_renderings(monkeypatch)
    scene = Scene(feed(3, 2, 1), MemoryStore(), subscription=replace(SUBSCRIPTION, keep=2))
    monkeypatch.setattr("feedmirror.mirror.archive.PAGE_ENTRIES", 1)
    monkeypatch.setattr("feedmirror.renewal.PAGE_ENTRIES", 1)
    scene.refresh()
    older()
    scene.parser = RememberingRereader()  # type: ignore[assignment] # nothing is parsed
    before = dict(objects(scene))
    at, stopped = 0, True
    while stopped:
        objects(scene).clear()
        objects(scene).update(before)
        store = CrashingStore(scene.store, at, moment)  # type: ignore[arg-type]
        with contextlib.suppress(Crash, StoreError):
            renew_all(scene, store)
        stopped = store.count > at
        renew_all(scene)
        assert holes(scene) == [], (at, moment)
        assert len(record_keys(scene)) == 6, (at, moment)
        at += 1
    assert at > 3 * 5
