"""P3 on real feeds: what feedparser finds in the original it finds in the mirror.

The samples are other people's texts and stand outside of the project; without them this module is
skipped. What differs is listed below, each with its reason.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import feedparser
import pytest
from lxml import etree

from feedmirror.model import Disclaimer, Fetched, Subscription
from feedmirror.parsing.parse import parse
from feedmirror.text.namespaces import canonical
from rules.atom_feed import iri_problem
from rules.json_feed import json_disclaimers
from samples import sample_feeds
from scene import PUBLIC_URL, Scene
from schemas import grammar_problems, needs_schemas, schema_problems
from validity import FROM_ORIGIN, atom_problems, disclaimers, json_problems, rss_problems

URL = "https://origin.example.org/feed"
NOW = datetime(2027, 1, 1, tzinfo=UTC)  # none of the samples is of the future
NOTICE = "This copy is kept by its readers & stands for nothing else."
SAMPLES = [path for path in sample_feeds() if path.suffix != ".json"]
JSON_SAMPLES = [path for path in sample_feeds() if path.suffix == ".json"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SAMPLES, reason="the sample feeds are not here"),
]

# (sample, field): why the mirror says something else than feedparser reads in the original.
# "*" stands for every sample.
DIFFERENCES = {
    (
        "*",
        "published",
    ): "an entry with a date of change alone gets it as pubDate too",
    ("*", "guid"): "an entry without a guid gets one: its link",
    ("*", "length"): "an enclosure must have a length: 0 where the origin gave none",
    ("24", "repeats"): "the same item stands up to four times in one document; once is enough",
    ("21", "raw guid"): "feedparser's lenient parser turns `&utm_x` in a guid into `&utm;_x`",
    ("25", "raw guid"): "feedparser resolves a relative guid; kept raw, since the feed may move",
    ("26", "markup in title"): "titles are plain text: validators refuse markup in them",
    ("28", "year 0001"): "the date that Hugo writes for none is no date",
    ("04", "authors"): "itunes:author says the same name as author: said once",
    ("21", "name in RSS"): "of names in RSS alone feedparser mends what is encoded twice",
    ("18", "date of slashes"): "feedparser takes 2020/1/10 for the first of November",
    ("26", "authors"): "an author without a name or an address is none",
}
# Elements that are not carried, by local name, and why.
NOT_CARRIED = {
    "encoded": "content:encoded is rendered anew, and left out where it is empty",
    "guid": "podcast:guid would claim that the mirror is the feed of the origin",
    "group": "a media:group around a single media:content is opened up: validators refuse it",
    "new-feed-url": "it would move the mirror's subscribers back to the origin",
}
ATOM = "{http://www.w3.org/2005/Atom}"
_BASE = {
    "http://www.w3.org/2005/Atom",
    "http://purl.org/rss/1.0/",
    "http://backend.userland.com/rss2",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "http://www.w3.org/1999/xhtml",
    "http://www.w3.org/2000/svg",
}


def _allowed(path: Path, field: str) -> bool:
    return (path.name[:2], field) in DIFFERENCES or ("*", field) in DIFFERENCES


@cache
def _read(body: bytes) -> Any:
    headers = {"content-type": "application/xml", "content-location": URL}
    return feedparser.parse(io.BytesIO(body), response_headers=headers)


def _mirrored(path: Path, name: str = "rss.xml") -> bytes:
    return _scene(path).public(name).encode()


@cache
def _scene(path: Path) -> Scene:
    subscription = Subscription("s", URL, keep=10_000, disclaimer=Disclaimer(text=NOTICE))
    scene = Scene(Fetched(URL, path.read_bytes()), subscription=subscription)
    scene.now = NOW
    assert scene.refresh().outcome == "changed"
    return scene


@pytest.fixture(params=SAMPLES, ids=lambda path: path.name)
def sample(request: pytest.FixtureRequest) -> Path:
    return request.param


def _pairs(path: Path) -> list[tuple[Any, Any]]:
    """Each entry of the original beside the mirror's; exact repeats left out where allowed."""
    original, mirror = _read(path.read_bytes()).entries, _read(_mirrored(path)).entries
    once: dict[tuple[str | None, str | None], Any] = {}
    for entry in original:
        once.setdefault((entry.get("id"), entry.get("link")), entry)
    if len(once) != len(original):
        assert _allowed(path, "repeats")
    assert len(mirror) == len(once)
    by_link = {entry.get("link"): entry for entry in mirror}
    by_guid = {entry.get("id"): entry for entry in mirror}
    return [
        (entry, by_guid.get(entry.get("id")) or by_link[entry.get("link")])
        for entry in once.values()
    ]


def test_every_entry_has_its_guid_link_and_title(sample: Path) -> None:
    for original, mirror in _pairs(sample):
        if original.get("id") is None:
            assert mirror.id == original.link
        elif original.id != mirror.id:
            assert _allowed(sample, "raw guid"), (original.id, mirror.id)
        assert mirror.get("link") == original.get("link")
        title = original.get("title")
        if mirror.get("title") != title:
            assert _allowed(sample, "markup in title"), (title, mirror.get("title"))
            assert mirror.title == title.replace("<b>", "").replace("</b>", "")


def test_every_entry_has_its_dates(sample: Path) -> None:
    for original, mirror in _pairs(sample):
        for field in ("published_parsed", "updated_parsed"):
            before, after = dict.get(original, field), dict.get(mirror, field)
            if before == after:
                continue
            if before is None:
                assert field == "published_parsed"
                assert after == dict.get(original, "updated_parsed")
            elif not _allowed(sample, "date of slashes"):
                assert before.tm_year == 1, (before, after)
                assert after is None
                assert _allowed(sample, "year 0001")


def test_every_entry_has_its_enclosures(sample: Path) -> None:
    def enclosures(entry: Any) -> list[tuple[str, str | None]]:
        links = [link for link in entry.get("links", []) if link.rel == "enclosure"]
        return [(link.get("href"), link.get("type"), link.get("length") or "0") for link in links]

    for original, mirror in _pairs(sample):
        assert enclosures(mirror) == enclosures(original)


def test_every_entry_has_its_authors_and_categories(sample: Path) -> None:
    def authors(entry: Any) -> set[tuple[str | None, str | None]]:
        return {(a.get("name"), a.get("email")) for a in entry.get("authors", []) if a.get("name")}

    for original, mirror in _pairs(sample):
        assert authors(mirror) == authors(original)
        terms = ({t.term for t in e.get("tags", []) if t.term} for e in (original, mirror))
        assert len(set(map(frozenset, terms))) == 1


def _foreign(body: bytes) -> Counter[str]:
    """How often each element of another vocabulary stands in a document."""
    root = etree.fromstring(body, etree.XMLParser(recover=True, huge_tree=True))
    names = [etree.QName(node) for node in root.iter() if isinstance(node.tag, str)]
    return Counter(
        f"{canonical(name.namespace)} {name.localname}"
        for name in names
        if name.namespace and name.namespace not in _BASE and name.localname not in NOT_CARRIED
    )


@pytest.mark.parametrize("name", ["atom.xml", "rss.xml"])
def test_every_foreign_element_is_still_there(sample: Path, name: str) -> None:
    before, after = _foreign(sample.read_bytes()), _foreign(_mirrored(sample, name))
    if _allowed(sample, "repeats"):
        before = Counter({name: min(count, after[name]) for name, count in before.items()})
    assert not before - after


def test_the_mirror_is_valid_but_for_what_only_the_origin_can_correct(sample: Path) -> None:
    found = rss_problems(_mirrored(sample), self_url=f"{PUBLIC_URL}/s/rss.xml", now=NOW)
    assert [problem for problem in found if problem.split()[0] not in FROM_ORIGIN] == []


@pytest.mark.parametrize("name", ["atom.xml", "rss.xml"])
def test_every_body_carries_the_disclaimer_once(sample: Path, name: str) -> None:
    items = disclaimers(_mirrored(sample, name), sentence=NOTICE)
    assert items
    for item in items:
        assert item, "an item without any body"
        assert set(item.values()) == {1}, item


# ---------------------------------------------------------------- the same in every format

EVERY = pytest.mark.parametrize("path", sample_feeds(), ids=lambda path: path.name)


@EVERY
def test_atom_and_json_are_valid_but_for_what_only_the_origin_can_correct(path: Path) -> None:
    atom, plain = _mirrored(path, "atom.xml"), _mirrored(path, "feed.json")
    found = atom_problems(atom, self_url=f"{PUBLIC_URL}/s/atom.xml", now=NOW)
    found += json_problems(plain, self_url=f"{PUBLIC_URL}/s/feed.json", now=NOW)
    assert [problem for problem in found if problem.split()[0] not in FROM_ORIGIN] == []


@needs_schemas
@EVERY
def test_atom_keeps_to_the_grammar_and_json_to_the_schema(path: Path) -> None:
    assert grammar_problems(_mirrored(path, "atom.xml")) == []
    assert schema_problems(_mirrored(path, "feed.json")) == []


@EVERY
def test_atom_has_the_same_entries_as_rss_for_feedparser(path: Path) -> None:
    pairs = zip(
        _read(_mirrored(path)).entries, _read(_mirrored(path, "atom.xml")).entries, strict=True
    )
    for rss, atom in pairs:
        assert atom.get("link") == rss.get("link")
        assert (atom.get("title") or None) == rss.get("title")
        if not atom.id.startswith("urn:uuid:"):
            assert atom.id == rss.id
        assert atom.get("published_parsed") in {rss.get("published_parsed"), None}
        assert _bodies(rss) <= _bodies(atom)  # of RSS it drops one for itunes:summary
        assert _addressed(atom) == _addressed(rss)
        assert _names(rss) <= _names(atom) or _allowed(path, "name in RSS")
        assert {tag.term for tag in atom.get("tags", [])} == {t.term for t in rss.get("tags", [])}


def _bodies(entry: Any) -> set[str]:
    return {entry.get("summary"), *(content.value for content in entry.get("content", []))} - {None}


def _names(entry: Any) -> set[str | None]:
    return {author.get("name") for author in entry.get("authors", [])}


def _addressed(entry: Any) -> list[str]:
    return [link.href for link in entry.get("links", []) if link.rel == "enclosure"]


@EVERY
def test_json_has_the_same_entries_as_atom(path: Path) -> None:
    items = json.loads(_mirrored(path, "feed.json"))["items"]
    root = etree.fromstring(_mirrored(path, "atom.xml"), etree.XMLParser(huge_tree=True))
    entries = root.findall(f"{ATOM}entry")
    for item, entry in zip(items, entries, strict=True):
        atom_id = entry.findtext(f"{ATOM}id") or ""
        if iri_problem(item["id"]):  # as it came, which Atom has no place for
            assert atom_id.startswith("urn:uuid:")
        else:
            assert atom_id == item["id"]
        published = entry.findtext(f"{ATOM}published")
        assert item.get("date_published") == published
        content = entry.findtext(f"{ATOM}content") or entry.findtext(f"{ATOM}summary")
        assert item["content_html"] == content
        links = {link.get("rel"): link.get("href") for link in entry.iterfind(f"{ATOM}link")}
        assert item.get("url") == links.get("alternate")
        names = [author.findtext(f"{ATOM}name") for author in entry.iterfind(f"{ATOM}author")]
        assert [author["name"] for author in item.get("authors", [])] == names
        terms = {category.get("term") for category in entry.iterfind(f"{ATOM}category")}
        assert set(item.get("tags", [])) == terms


@EVERY
def test_every_body_of_a_json_feed_carries_the_disclaimer_once(path: Path) -> None:
    items = json_disclaimers(_mirrored(path, "feed.json"), "feedmirror-disclaimer", NOTICE)
    assert items
    for item in items:
        assert set(item.values()) == {1}, item


@pytest.mark.parametrize("path", JSON_SAMPLES, ids=lambda path: path.name)
def test_every_item_of_a_json_feed_is_mirrored(path: Path) -> None:
    items = json.loads(path.read_bytes())["items"]
    mirror = {entry.id: entry for entry in _read(_mirrored(path)).entries}
    for item in items:
        entry = mirror.pop(str(item["id"]))
        assert entry.link == item.get("url")
        assert entry.get("title") == item.get("title")
        enclosures = [link.href for link in entry.links if link.rel == "enclosure"]
        assert enclosures == [a["url"] for a in item.get("attachments", [])]
    assert not mirror


@pytest.mark.parametrize("path", sample_feeds(), ids=lambda path: path.name)
def test_delta_parsing_gives_what_a_full_parse_gives(path: Path) -> None:
    fetched = Fetched(URL, path.read_bytes())
    whole = parse(fetched, frozenset())
    prints = [item.fingerprint for item in whole.items]
    step = max(1, len(prints) // 12)
    for first in (*range(0, len(prints), step), len(prints) - 1):
        wanted = {prints[i] for i in range(first, min(first + 2, len(prints)))}
        part = parse(fetched, frozenset(prints) - wanted)
        assert part.entries == {i: e for i, e in whole.entries.items() if prints[i] in wanted}
        assert [item.fingerprint for item in part.items] == prints
        assert part.feed == whole.feed
