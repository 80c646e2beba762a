"""Independent feed parsers find every entry and all of its fields in every document."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from effort import amount
from feedmirror.model import Entry, Fetched, Revision
from feedmirror.publishing.fields import files_of
from feedmirror.text.plain import looks_like_html
from feedmirror.text.urls import iri_of
from generate import FEED_URL, Generated, feeds
from node_tools import NODE, require_node_package
from samples import sample_feeds
from scene import FEEDS, SUBSCRIPTION, URL, Scene
from store_factories import entries_in

pytestmark = pytest.mark.slow

GENERATED = amount(20)  # feeds
_NOTICE = 'class="feedmirror-disclaimer"'


@dataclass(frozen=True, slots=True)
class Mirrored:
    """A mirrored feed: its entries, and the paths of its documents by name."""

    revisions: tuple[Revision, ...]
    paths: dict[str, Path]


def mirrored(answer: Fetched, folder: Path) -> Mirrored:
    scene = Scene(answer, subscription=replace(SUBSCRIPTION, url=answer.url, keep=1_000))
    scene.refresh()
    folder.mkdir()
    paths = {name: folder / name for name in FEEDS}
    for name, path in paths.items():
        path.write_text(scene.public(name))
    return Mirrored(entries_in(scene.store), paths)


def read_by_others(*feeds: Mirrored) -> list[dict[str, dict[str, list[dict[str, Any]]]]]:
    """Return the fields that each parser finds in each document of each feed."""
    require_node_package("feedsmith")
    require_node_package("rss-parser")
    paths = [path for feed in feeds for path in feed.paths.values()]
    done = subprocess.run(
        ["node", NODE / "read_feeds.mjs"],
        input="".join(f"{path}\n" for path in paths),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    lines = iter(map(json.loads, done.stdout.splitlines()))
    return [{name: next(lines) for name in feed.paths} for feed in feeds]


def assert_the_same(feed: Mirrored, found: dict[str, dict[str, list[dict[str, Any]]]]) -> None:
    for name, by_parser in found.items():
        for parser, entries in by_parser.items():
            assert len(entries) == len(feed.revisions), f"{parser} on {name}"
            for revision, entry in zip(feed.revisions, entries, strict=True):
                _assert_entry(revision, entry, f"{parser} on {name}", name)


def _assert_entry(revision: Revision, found: dict[str, Any], where: str, name: str) -> None:
    entry = revision.entry
    assert found["id"] == (iri_of(revision) if name == "atom.xml" else revision.guid), where
    if entry.link or "rss-parser" not in where:  # which takes any link for lack of that one
        assert (found.get("link") or None) == entry.link, where
    assert _NOTICE in found["body"], where
    assert _words(entry) in _folded(found["body"]), where
    if not looks_like_html(entry.title or ""):  # which is escaped twice
        assert _folded(found.get("title") or "") == _folded(entry.title or ""), where
    published = entry.published or (entry.updated if name == "rss.xml" else None)
    if published or "rss-parser" not in where:
        assert found["published"] == (_milliseconds(published) if published else None), where
    if "enclosures" in found:
        files = files_of(entry) if name == "feed.json" else entry.enclosures
        assert found["enclosures"] == [one.url for one in files], where


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000


def _words(entry: Entry) -> str:
    return _folded(entry.content if entry.content is not None else entry.summary or "")


def _folded(text: str) -> str:
    return " ".join(text.split())


def test_other_parsers_read_real_feeds_completely(tmp_path: Path) -> None:
    paths = sample_feeds()
    if not paths:
        pytest.skip("the sample feeds are not here")
    feeds_read = [mirrored(Fetched(URL, path.read_bytes()), tmp_path / path.name) for path in paths]
    for feed, found in zip(feeds_read, read_by_others(*feeds_read), strict=True):
        assert_the_same(feed, found)


def test_other_parsers_read_generated_feeds_completely(tmp_path: Path) -> None:
    made: list[Mirrored] = []

    @settings(max_examples=GENERATED, suppress_health_check=list(HealthCheck))
    @given(feeds())
    def collect(generated: Generated) -> None:
        answer = Fetched(FEED_URL, generated.document, generated.content_type)
        made.append(mirrored(answer, tmp_path / str(len(made))))

    collect()
    for feed, found in zip(made, read_by_others(*made), strict=True):
        assert_the_same(feed, found)
