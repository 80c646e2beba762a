"""Readers of a mirror from which an entry is taken down: what they show afterwards."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from browser import DESK, PHONE, browse, serious
from builders import entry, rss_document
from commands import feedmirror
from locations import NODE
from node_tools import require_node_package
from readers import Newsboat, Rss2Email, ServedMirror, served_mirror
from required_programs import require_program
from scene import FEEDS

pytestmark = pytest.mark.slow

CANARY = "quincunx"
FEED = rss_document(
    [entry(3), entry(2, title=f"The {CANARY}", content=f"<p>{CANARY}</p>"), entry(1)]
)


def take_down(served: ServedMirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(served.folder)
    items = json.loads((served.folder / "mirror/public/gazette/feed.json").read_text())["items"]
    (key,) = (one["_feedmirror"]["key"] for one in items if CANARY in one["title"])
    order = ("--reason", "court", "--reference", "1", "--yes")
    assert feedmirror("takedown", "gazette", key, *order) == 0
    served.refresh()


@pytest.mark.parametrize(("name", "keeps_old_words"), [("rss.xml", False), ("atom.xml", True)])
def test_newsboat_shows_the_entry_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, *, keeps_old_words: bool
) -> None:
    program = require_program("newsboat")
    (tmp_path / "site").mkdir()
    with served_mirror(tmp_path / "site") as served:
        served.origin_says("gazette", FEED)
        served.refresh()
        reader = Newsboat(program, tmp_path / "reader", f"{served.server.base}/gazette/{name}")
        assert CANARY in str(reader.reload())
        take_down(served, monkeypatch)
        rows = reader.reload()
    assert len(rows) == 3
    assert (CANARY in str(rows)) is keeps_old_words  # newsboat does not know RFC 6721
    assert sum(row.title == "Removed" for row in rows) == (not keeps_old_words)
    assert ("by order of a court" in str(rows)) is not keeps_old_words


def test_rss2email_sends_no_message_about_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = require_program("r2e")
    (tmp_path / "site").mkdir()
    with served_mirror(tmp_path / "site") as served:
        served.origin_says("gazette", FEED)
        served.refresh()
        reader = Rss2Email(program, tmp_path / "reader", {"gazette": served.url("gazette")})
        assert len(reader.run()) == 3
        take_down(served, monkeypatch)
        assert reader.run() == []


def test_parsers_in_javascript_read_the_notice_under_the_same_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """feedsmith 3.0.1 knows no tombstones: one of Atom leaves the other entries as they were."""
    require_node_package("feedsmith")
    with served_mirror(tmp_path) as served:
        served.origin_says("gazette", FEED)
        served.refresh()
        before = read_by_feedsmith(tmp_path)
        take_down(served, monkeypatch)
        after = read_by_feedsmith(tmp_path)
    for name in ("rss.xml", "feed.json"):
        assert [one["id"] for one in after[name]] == [one["id"] for one in before[name]]
        (told,) = (one for one in after[name] if one["title"] == "Removed")
        assert "by order of a court" in told["body"]
    assert after["atom.xml"] == [one for one in before["atom.xml"] if CANARY not in one["title"]]
    assert CANARY not in str(after)


def read_by_feedsmith(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the entries that feedsmith finds in each feed of the mirror."""
    done = subprocess.run(
        ["node", NODE / "read_feeds.mjs"],
        input="".join(f"{folder}/mirror/public/gazette/{name}\n" for name in FEEDS),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    lines = map(json.loads, done.stdout.splitlines())
    return {name: line["feedsmith"] for name, line in zip(FEEDS, lines, strict=True)}


def test_pages_of_removals_have_no_serious_accessibility_problem(
    chromium: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served_mirror(tmp_path) as served:
        served.origin_says("gazette", FEED)
        served.refresh()
        take_down(served, monkeypatch)
        base = served.server.base
        (key,) = (path.stem for path in (tmp_path / "mirror/data/gazette/removed").iterdir())
        pages = [f"{base}/{name}" for name in ("", "removed.html", f"gazette/entries/{key}.html")]
        for size, scheme in ((PHONE, "dark"), (DESK, "light")):
            told = browse(chromium, f"{base}/", size=size, scheme=scheme, pages=pages)
            assert len(told["judged"]["visited"]) == len(pages)
            assert serious(told["judged"]) == []
