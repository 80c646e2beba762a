"""A mirror as a whole in a hostile world: monstrous entries, floods, a dead parser, old news."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from xml.parsers import expat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html
from msgspec.structs import replace
from packaging.requirements import Requirement

import workers
from builders import entry, rss_document
from effort import amount
from feedmirror.adapters.parser import WorkerParser
from feedmirror.adapters.stores.s3 import put_request
from feedmirror.entrypoints.aws.environment import Environment
from feedmirror.entrypoints.aws.mirror import MirrorFunction
from feedmirror.entrypoints.cli.run import _versions
from feedmirror.errors import FetchError, Kind, ParseError
from feedmirror.mirror import state_codec
from feedmirror.model import Fetched
from feedmirror.parsing import parse as parsing
from feedmirror.ports import World
from feedmirror.rebuild import rebuild
from feedmirror.refresh import attempt
from hostile_documents import BOMBS
from lambda_function import Context, Stage, batch
from locations import ROOT
from misbehaviour import POSSESSIONS
from scene import (
    FEEDS,
    NOON,
    PUBLIC_URL,
    SUBSCRIPTION,
    URL,
    RememberingParser,
    Scene,
    document,
    newest,
)
from stores import CountingStore, MemoryStore
from validity import atom_problems, json_problems, rss_problems


def titles(scene: Scene) -> list[str]:
    return [part.split("</title>")[0] for part in scene.public().split("<item>\n<title>")[1:]]


# ---------------------------------------------------------------- monstrous entries

MONSTERS: list[dict[str, Any]] = [
    {"guid": "../../../../etc/passwd", "permalink": False},
    {"guid": "state/news.json", "title": "../state.json"},
    {"guid": "x" * 1_000_000, "permalink": False},
    {"guid": "two\r\nX-Injected: lines", "link": "https://e.example/\r\nX-Injected:1"},
    {"guid": "\N{SNOWMAN}\u202e\u200b\U0001f642", "title": "\u202e gnirts \u2066\u200b"},
    {"title": "]]> &#0; &lt;/title&gt; <!--"},
    {"summary": "]]><![CDATA[ </script><script>alert(1)</script> \u2028 -->"},
    {"title": "t" * 1_000_000, "summary": None},
    {"summary": "<p>" + "w " * 500_000 + "</p>"},
    {"link": "javascript:alert(1)", "guid": "javascript:alert(2)"},
    {"published": "Mon, 01 Jan 0001 00:00:00 GMT"},
    {"published": "Fri, 31 Dec 9999 23:59:59 GMT"},
    {"published": "Mon, 30 Feb 2026 25:61:61 +9999"},
    {"published": None, "guid": None, "link": None},
    {"published": None, "guid": None, "link": None, "title": None, "summary": None},
    {"guid": "same", "link": "https://e.example/same", "permalink": False},
    {"guid": "same", "link": "https://e.example/same", "permalink": False},
]


def monstrous() -> bytes:
    entries = [entry(n, **monster) for n, monster in enumerate(MONSTERS)]
    return rss_document([entry(98), *entries, entry(99)])


@pytest.mark.slow
@pytest.mark.row("P8", "P11", "C1", "S10", "S11", "R4", "R5")
def test_monstrous_entries_are_mirrored_in_valid_documents_under_harmless_keys() -> None:
    scene = Scene(monstrous(), subscription=replace(SUBSCRIPTION, keep=50))
    outcome = scene.refresh()
    assert (outcome.new, outcome.quarantined) == (len(MONSTERS) + 2, ())
    bodies = {name: scene.public(name).encode() for name in FEEDS}
    url = f"{PUBLIC_URL}/news/"
    problems = [
        *rss_problems(bodies["rss.xml"], self_url=f"{url}rss.xml", now=NOON),
        *atom_problems(bodies["atom.xml"], self_url=f"{url}atom.xml", now=NOON),
        *json_problems(bodies["feed.json"], self_url=f"{url}feed.json", now=NOON),
    ]
    # Titles that look like markup are escaped twice, on purpose; a validator warns of that.
    assert [problem for problem in problems if not problem.startswith("reference at ")] == []
    objects: dict[str, bytes] = scene.store.objects  # type: ignore[attr-defined]
    media_types: dict[str, str] = scene.store.media_types  # type: ignore[attr-defined]
    for key in objects:
        assert re.fullmatch(r"(state|data|public)/[a-z0-9./-]{1,120}", key)
        sent = put_request("bucket", key, key, b"", media_types[key])
        assert sent.keys() <= {
            "Bucket", "Key", "Body", "ContentType", "CacheControl", "ContentEncoding",
        }  # fmt: skip
        assert str(sent["ContentType"]).isascii()
        assert str(sent["ContentType"]).isprintable()
    assert scene.refresh().outcome == "unchanged"


@pytest.mark.row("P11")
def test_entries_of_impossible_dates_keep_the_order_they_were_first_seen_in() -> None:
    impossible = ["0000-00-00", "Wed, 31 Dec 9999 23:59:59 GMT", "yesterday", "1 Jan 0001"]
    first = [entry(n, published=said) for n, said in enumerate(impossible)]
    scene = Scene(rss_document(first))
    scene.refresh()
    assert titles(scene) == [f"Entry {n}" for n in range(4)]
    scene.later(hours=1)
    scene.says(rss_document([*reversed(first), entry(9, published="Mon, 1 Jan 9998 00:00:00 GMT")]))
    scene.refresh()
    assert titles(scene) == ["Entry 9", *(f"Entry {n}" for n in range(4))]
    assert "<pubDate>" not in scene.public()
    seen = re.findall("<updated>(.*?)</updated>", scene.public("atom.xml"))
    assert {text[:13] for text in seen} == {"2026-03-02T12", "2026-03-02T13"}


ALIKE = [
    "a",
    "\N{CYRILLIC SMALL LETTER A}",
    "a\u200b",
    "\u202ea",
    "\ufeffa",
    "\uff41",
    "á",
    "a\u0301",
]


@pytest.mark.row("C6")
def test_look_alikes_are_entries_of_their_own_and_pages_isolate_them() -> None:
    alike = [
        entry(n, guid=f"id:{text}", title=f"{text}\u202e{n}", author=f"\u202e{text}")
        for n, text in enumerate(ALIKE)
    ]
    scene = Scene(rss_document(alike, title="\u202eleft or right"), subscription=SUBSCRIPTION)
    assert scene.refresh().new == len(ALIKE)
    stored = scene.store.load("state/news.json")
    assert stored is not None
    keys = {revision.key for revision in state_codec.load(stored.body, "state").window}
    assert len(keys) == len(ALIKE)
    names = [key for key in scene.store.keys("public/") if key.endswith(".html")]
    assert len(names) == len(ALIKE) + 1
    for name in names:
        page = scene.store.load(name)
        assert page is not None
        tree = html.fromstring(page.body)
        assert tree.xpath("//body//text()[contains(., '\u202e')]")
        for text in tree.xpath("//body//text()[contains(., '\u202e')]"):
            around = (text.getparent(), *text.getparent().iterancestors())
            assert any(node.tag == "bdi" or (node.get("dir") and node.tag != "html")
                       for node in around), (name, text)  # fmt: skip


# ---------------------------------------------------------------- many entries

VERSIONS = st.lists(st.lists(st.integers(1, 8), unique=True, min_size=1), min_size=1, max_size=5)


@pytest.mark.slow
@pytest.mark.row("C4")
@settings(max_examples=amount(15))
@given(VERSIONS)
def test_whatever_a_feed_drops_or_reorders_each_entry_stays_listed_once(
    versions: list[list[int]],
) -> None:
    scene = Scene(b"", subscription=replace(SUBSCRIPTION, keep=2))
    seen: set[int] = set()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("feedmirror.mirror.archive.PAGE_ENTRIES", 2)
        for numbers in versions:
            scene.says(document(*numbers))
            scene.refresh()
            seen |= set(numbers)
            found = [title for page in scene.history() for title in page.titles]
            assert sorted(found) == sorted(f"Entry {n}" for n in seen)
            scene.later(hours=30)


@pytest.mark.slow
@pytest.mark.row("C5")
def test_a_flood_is_mirrored_whole_and_within_the_limits_of_the_parser() -> None:
    scene = Scene(document(*range(1, 601)), parser=workers.parser())
    with scene.parser:  # type: ignore[attr-defined]
        assert scene.refresh().new == 600
    found = [title for page in scene.history() for title in page.titles]
    assert sorted(found) == sorted(f"Entry {n}" for n in range(1, 601))


# ---------------------------------------------------------------- a parser that dies

_SWIFT = replace(workers.LIMITS, memory_bytes=300_000_000, cpu_s=1, wall_s=2.5)


@pytest.fixture(scope="module")
def possessed() -> Iterator[WorkerParser]:
    with workers.parser("from misbehaviour import possessed as work", _SWIFT) as parser:
        yield parser


@pytest.mark.slow
@pytest.mark.row("P9")
@pytest.mark.parametrize("deed", POSSESSIONS)
def test_a_document_that_takes_the_parser_over_fails_alone(
    possessed: WorkerParser, deed: str
) -> None:
    """While feeds beside it are parsed by the same parser, and its own mirror stays as it was."""
    scene = Scene(b"", parser=possessed)
    feeds = [replace(SUBSCRIPTION, slug=s, url=f"https://{s}.example.org/") for s in "abcde"]
    scene.origin.answers |= {feed.url: document(2, 1) for feed in feeds}
    for feed in feeds:
        assert attempt(feed, scene.world()).outcome == "changed"
    before = scene.store.load("public/c/rss.xml")
    scene.origin.answers |= {feed.url: document(3, 2, 1) for feed in feeds}
    scene.origin.answers[feeds[2].url] = document(3, 2, 1, title=f"deed:{deed}")
    with ThreadPoolExecutor(len(feeds)) as threads:
        outcomes = list(threads.map(lambda feed: attempt(feed, scene.world()), feeds))
    failures = [outcome.failure for outcome in outcomes]
    assert failures[2] is not None
    assert failures[2].kind == Kind.PARSER.value
    assert [outcome.new for outcome in outcomes] == [1, 1, 0, 1, 1]
    assert scene.store.load("public/c/rss.xml") == before
    scene.origin.answers[feeds[2].url] = document(3, 2, 1)
    assert attempt(feeds[2], scene.world()).new == 1


# ---------------------------------------------------------------- old news, warm processes


@pytest.mark.row("O2")
def test_a_tick_or_a_message_of_yesterday_has_no_effect() -> None:
    stage = Stage()
    stage.invoke(batch("news", "blog", "sport"))
    stage.now += timedelta(days=1)
    for slug in ("news", "blog", "sport"):
        stage.origin.answers[stage.url(slug)] = document(3, 2, 1)
    stage.invoke({})
    before = dict(stage.store.objects)
    for event in (
        {"tick": "1 day", "at": NOON.isoformat()},
        {"tick": "15 minutes", "at": (NOON - timedelta(days=300)).isoformat()},
        batch("news", "blog", "sport"),
    ):
        stage.invoke(event)
    assert stage.store.objects == before


@pytest.mark.row("O3")
def test_a_process_that_is_used_again_does_what_a_fresh_one_does() -> None:
    """After feeds that failed, and with another feed's secrets and entries in its past."""
    warm, fresh = Stage(), Stage()
    for stage in (warm, fresh):
        stage.feeds["news"] = replace(stage.feeds["news"], headers={"Authorization": "s3cret"})
    warm.origin.answers[warm.url("news")] = FetchError(Kind.FORBIDDEN, "no: s3cret", status=403)
    function = _function(warm)
    function.invoke({"feeds": ["news"]}, Context())
    function.invoke(batch("sport", "nothing"), Context())
    begun = len(warm.log.events)
    said = function.invoke({"feeds": ["blog"]}, Context())
    expected = _function(fresh).invoke({"feeds": ["blog"]}, Context())
    assert _timeless(said) == _timeless(expected)
    assert "s3cret" not in repr(warm.log.events)
    assert [event[1] for event in warm.log.events[begun:]] == [e[1] for e in fresh.log.events]
    assert _of_blog(warm) == _of_blog(fresh) != {}


def _function(stage: Stage) -> MirrorFunction:
    world = World(
        stage.store, stage.origin, RememberingParser(), lambda: stage.now, PUBLIC_URL, newest
    )
    environment = Environment("s3://b", PUBLIC_URL, "build", stage.feeds, 2, 1)
    return MirrorFunction(environment, world, None, None, stage.log)


def _of_blog(stage: Stage) -> dict[str, bytes]:
    return {key: body for key, body in stage.store.objects.items() if "/blog/" in key}


def _timeless(answer: dict[str, Any]) -> str:
    return re.sub(r"'duration_ms': \d+", "", repr(answer))


# ---------------------------------------------------------------- what is lost, what comes first


@pytest.mark.row("O6")
def test_all_that_was_public_comes_back_the_same_when_it_is_deleted_with_the_state(
    small_pages: None,
) -> None:
    scene = Scene(document(*range(9, 0, -1)), subscription=replace(SUBSCRIPTION, keep=3))
    scene.refresh()
    scene.later(hours=100)
    scene.says(document(12, 11, 10, e10="<p>edited</p>"))
    scene.refresh()
    objects: dict[str, bytes] = scene.store.objects  # type: ignore[attr-defined]
    before = _without_generations(objects)
    for key in [*before, "state/news.json"]:
        del objects[key]
    rebuild(scene.subscription, scene.store, PUBLIC_URL, scene.now)
    assert _without_generations(objects) == before
    assert len(before) > 30


def _without_generations(objects: dict[str, bytes]) -> dict[str, bytes]:
    """What is public, by its keys."""
    stamp = rb'feedmirror generation \d+|"generation": ?\d+'
    return {k: re.sub(stamp, b"", v) for k, v in objects.items() if k.startswith("public/")}


@pytest.mark.row("U1", "U6")
def test_what_is_linked_to_is_written_before_what_links_to_it(small_pages: None) -> None:
    """So no edge can be asked for a page that is not there yet, and keep the answer."""
    store = CountingStore(MemoryStore())
    Scene(document(*range(9, 0, -1)), store, replace(SUBSCRIPTION, keep=3)).refresh()
    kinds = [
        (r"state/news\.json", 0),
        (r"data/news/entries/.*|public/news/entries/.*|public/style-.*", 1),
        (r"public/news/archive/.*", 2),
        (r"public/news/(atom\.xml|feed\.json|rss\.xml)", 3),
        (r"public/news/index\.html", 4),
    ]
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    writes = [key for name, key in store.operations if name in {"create", "replace"}]
    for at, key in enumerate(writes):
        (kind,) = [number for pattern, number in kinds if re.fullmatch(pattern, key)]
        first.setdefault(kind, at)
        last[kind] = at
    assert first[0] == 0  # the log, before anything that it tells of
    assert last[1] < first[3]
    assert last[2] < first[3] <= last[3] < first[4]


# ---------------------------------------------------------------- old libraries


@pytest.mark.row("O7", "P1", "P2")
@pytest.mark.parametrize("bomb", [name for name in BOMBS if "within" not in name])
def test_what_an_old_expat_cannot_bear_never_reaches_it(
    bomb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parser_of_any_sort(*_: object) -> object:
        raise AssertionError("a bomb has reached an XML parser")

    monkeypatch.setattr(expat, "ParserCreate", parser_of_any_sort)
    monkeypatch.setattr("feedparser.parse", parser_of_any_sort)
    with pytest.raises(ParseError) as refused:
        parsing.parse(Fetched(URL, BOMBS[bomb].encode()), frozenset())
    assert refused.value.kind is Kind.UNSAFE


@pytest.mark.row("O7")
@pytest.mark.parametrize(("version", "old"), [((2, 6, 3), True), ((2, 7, 2), False)])
def test_an_old_expat_is_told_of(
    version: tuple[int, int, int], old: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expat, "version_info", version)
    assert ("older than 2.7.2" in _versions()) is old


@pytest.mark.row("O7")
def test_an_urllib3_that_bursts_is_not_installed_beside_us() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = {(one := Requirement(line)).name: one.specifier for line in project["dependencies"]}
    known = ["1.26.20", "2.5.0", "2.6.3", "2.7.0", "2.8.0"]
    assert list(required["urllib3"].filter(known)) == ["2.7.0", "2.8.0"]
