"""Guards that stand behind others, each looked at by itself: so that none of them can go unnoticed.

`mutants.py` takes them away; the tests of the whole would not miss these.
"""

from __future__ import annotations

import pytest

from feedmirror.adapters.parser_process import Limits, ParserProcess, WorkerError
from feedmirror.errors import Kind, ParseError, StoreError
from feedmirror.parsing.decode import HEAD, prepare_xml
from feedmirror.parsing.split import split
from feedmirror.text.sanitize import clean
from feedmirror.text.xml import cdata, tree
from fetching import HOST, PUBLIC, failure, fetched
from origin_server import Drip, OriginServer
from scene import DOCUMENTS, PUBLIC_URL, Scene, document
from stores import FailingStore, MemoryStore
from workers import process


def start(limits: Limits) -> ParserProcess:
    return process("from misbehaviour import work", limits)


# ---------------------------------------------------------------- fetching


@pytest.mark.row("F1")
def test_document_that_says_nothing_of_its_size_has_the_same_limit() -> None:
    with OriginServer(PUBLIC) as server:
        server.script("/feed", b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_000)
        url = server.url("/feed", HOST)
        assert len(fetched(url, max_bytes=1_000).body) == 1_000
        assert failure(url, max_bytes=999).kind is Kind.TOO_LARGE


@pytest.mark.row("F2")
def test_document_that_drips_has_no_more_time_than_another() -> None:
    with OriginServer(PUBLIC) as server:
        server.script("/feed", b"HTTP/1.1 200 OK\r\n\r\n", Drip(b"x" * 10, 0.1))
        assert failure(server.url("/feed", HOST), timeout_s=0.5).kind is Kind.TIMEOUT


# ---------------------------------------------------------------- parsing


@pytest.mark.row("R4")
def test_what_is_admitted_holds_no_character_that_xml_forbids() -> None:
    assert prepare_xml("<rss>\x01a\ufffe\ud800</rss>") == f"{HEAD}<rss>a</rss>"


@pytest.mark.row("P1", "P2")
def test_document_type_that_was_not_removed_is_refused_by_the_scan() -> None:
    with pytest.raises(ParseError, match="a document type where none can be") as refused:
        split(f"{HEAD}<!DOCTYPE rss><rss/>")
    assert refused.value.kind is Kind.UNSAFE


@pytest.mark.row("P1", "P2")
def test_of_several_document_types_none_is_left() -> None:
    assert prepare_xml("<!DOCTYPE a><!-- b --><!DOCTYPE c SYSTEM 'd'><rss/>") == f"{HEAD}<rss/>"


@pytest.mark.row("P5")
@pytest.mark.parametrize(
    "inner", ["<a>" * 250, "<a " + " ".join(f"a{i}=''" for i in range(101)) + "/>"]
)
def test_nesting_and_attributes_have_a_limit(inner: str) -> None:
    with pytest.raises(ParseError, match="more than 200 nested elements, or 100 attributes"):
        split(f"{HEAD}<rss><channel>{inner}")


@pytest.mark.row("P5")
def test_elements_have_a_limit() -> None:
    with pytest.raises(ParseError, match="more than 300000 elements"):
        split(f"{HEAD}<rss><channel>{'<a/>' * 300_001}</channel></rss>")


@pytest.mark.row("P5")
def test_of_an_item_with_endless_fields_the_interpreter_sees_the_first() -> None:
    plan = split(f"{HEAD}<rss><channel><item>{'<category/>' * 2_100}</item></channel></rss>")
    assert plan.reduced({0})[0].count(b"<category/>") == 1_000


@pytest.mark.row("P9")
def test_memory_of_a_worker_is_limited() -> None:
    with start(Limits(200_000_000, 20, 20, 10**9)) as worker:
        with pytest.raises(WorkerError, match="ran out of memory"):
            worker.ask({"do": "hog"}, b"", 1_000)
        assert worker.ask({"do": "echo"}, b"next", 1_000).said == b'[null,"next"]'


@pytest.mark.row("P9")
def test_answer_of_a_worker_has_a_limit() -> None:
    with (
        start(Limits(None, 20, 20, 10**9)) as worker,
        pytest.raises(WorkerError, match="answered 2,009 bytes, where 1,000 are"),
    ):
        worker.ask({"do": "echo"}, b"x" * 2_000, 1_000)


@pytest.mark.row("P9")
def test_wall_time_of_a_worker_is_limited() -> None:
    with (
        start(Limits(None, 20, 0.1, 10**9)) as worker,
        pytest.raises(WorkerError, match=r"took longer than 0\.1 s"),
    ):
        worker.ask({"do": "sleep through alarms", "s": 5}, b"", 1_000)


# ---------------------------------------------------------------- rendering


@pytest.mark.row("R5")
def test_body_nested_beyond_reason_becomes_its_words() -> None:
    assert clean("<p>word" + "<div>" * 500) == "word"


@pytest.mark.row("R4")
def test_no_text_ends_the_section_that_it_is_put_in() -> None:
    text = "a]]>b<c>]]]]>"
    assert tree(f"<a>{''.join(cdata(text))}</a>".encode()).text() == text


# ---------------------------------------------------------------- storing


class Watched(MemoryStore):
    """Remembers in which order keys were first written."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []

    def _put(self, key: str, body: bytes, media_type: str) -> str:
        self.order.append(key)
        return super()._put(key, body, media_type)

    def first(self, part: str) -> int:
        """When the first key that holds this was written."""
        return next(number for number, key in enumerate(self.order) if part in key)


@pytest.mark.row("U1")
def test_records_then_pages_then_feeds_then_the_feeds_page(small_pages: None) -> None:
    store = Watched()
    Scene(document(*range(12, 0, -1)), store).refresh()
    steps = ("state/news", "data/news/entries", "public/news/entries", "/archive/")
    steps += tuple(f"public/news/{name}" for name in DOCUMENTS)
    reached = [store.first(step) for step in steps]
    assert reached == sorted(reached)


@pytest.mark.row("U3", "S6")
def test_page_of_a_later_generation_is_left_by_an_earlier_one() -> None:
    scene = Scene(document(1))
    scene.refresh()
    scene.later(hours=1)
    scene.says(document(1, e1="<p>edited</p>"))
    late = MemoryStore()
    late.objects = dict(scene.store.objects)  # type: ignore[attr-defined]
    scene.refresh()
    key = next(key for key in scene.store.keys("public/news/entries/"))
    newest = scene.fetch(f"{PUBLIC_URL}/{key.removeprefix('public/')}")
    late.objects[key] = newest.replace(b"generation 2 ", b"generation 9 ")
    scene.refresh(store=late)
    assert late.objects[key] == newest.replace(b"generation 2 ", b"generation 9 ")


@pytest.mark.row("S5", "U3")
def test_run_that_was_overtaken_leaves_the_newer_document() -> None:
    scene = Scene(document(1))
    scene.refresh()
    scene.later(hours=1)
    scene.says(document(2, 1))

    class Overtaken(FailingStore):
        """Another run goes by right before the first feed is written."""

        def replace(self, key: str, body: bytes, etag: str, media_type: str = "") -> str | None:
            if key.endswith("/atom.xml") and not self.done:
                self.done = True
                scene.later(hours=1)
                scene.says(document(3, 2, 1))
                scene.refresh()
            return super().replace(key, body, etag, media_type)

        done = False

    scene.refresh(store=Overtaken(scene.store, lambda *_: False))
    assert all("Entry 3" in scene.public(name) for name in DOCUMENTS)


@pytest.mark.row("S5", "U3")
def test_state_that_was_put_back_from_a_backup_goes_on_beyond_its_documents() -> None:
    scene = Scene(document(1))
    scene.refresh()
    objects: dict[str, bytes] = scene.store.objects  # type: ignore[attr-defined]
    backup = objects["state/news.json"]
    for newest in (2, 3, 4):
        scene.later(hours=1)
        scene.says(document(*range(newest, 0, -1)))
        scene.refresh()
    objects["state/news.json"] = backup
    scene.later(hours=1)
    scene.says(document(5, 4, 3, 2, 1))
    assert scene.refresh().outcome == "changed"
    assert all("Entry 5" in scene.public(name) for name in DOCUMENTS)
    assert not any(name in scene.refresh().published for name in DOCUMENTS)


@pytest.mark.row("S5")
def test_state_that_another_run_wrote_is_never_replaced_unread() -> None:
    scene = Scene(document(1))
    scene.refresh()
    scene.later(hours=1)

    def asked() -> bytes:  # meanwhile, another run finds another entry
        scene.says(document(3, 1))
        scene.refresh()
        return document(2, 1)

    scene.says(asked)  # type: ignore[arg-type]
    scene.refresh()
    assert "Entry 3" in scene.public()
    assert "Entry 2" in scene.public()


@pytest.mark.row("S1")
def test_validators_are_remembered_only_with_the_last_of_a_documents_entries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("feedmirror.mirror.decide.CHUNK", 2)
    scene = Scene(document(*range(6, 0, -1)))
    commits = 0

    def third_commit_fails(operation: str, key: str) -> bool:
        nonlocal commits
        commits += operation != "load" and key.startswith("state/")
        return commits >= 3

    with pytest.raises(StoreError):
        scene.refresh(store=FailingStore(scene.store, third_commit_fails))
    assert scene.refresh().new == 2
    assert all(f"Entry {number}" in scene.public() for number in range(6, 1, -1))


@pytest.mark.row("S1")
def test_entries_that_a_dead_run_committed_are_stored_by_the_next() -> None:
    scene = Scene(document(1))
    scene.refresh()
    scene.later(hours=1)
    scene.says(document(2, 1))
    scene.refresh(store=FailingStore(scene.store, lambda _, key: "/entries/" in key))
    scene.says(document(1))  # the origin has forgotten it
    scene.refresh()
    assert "Entry 2" in scene.public()
    assert len(list(scene.store.keys("data/news/entries/"))) == 2


@pytest.mark.row("U3")
def test_document_that_was_asked_for_earlier_revises_nothing() -> None:
    scene = Scene(document(2, 1, e1="<p>newer</p>"))
    scene.refresh()
    scene.later(minutes=-10)
    scene.says(document(3, 2, 1, e1="<p>older</p>"))
    scene.refresh()
    assert "newer" in scene.public()
    assert "older" not in scene.public()
    assert "Entry 3" in scene.public()
