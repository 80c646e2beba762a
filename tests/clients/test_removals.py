"""Readers of a mirror from which an entry is taken down: what they show afterwards."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from browser import DESK, PHONE, browse, serious
from builders import entry, rss_document
from commands import feedmirror
from feedmirror.adapters.stores.versions import DirectoryVersions
from feedmirror.model import Reason
from feedmirror.takedown import Order, Takedown
from locations import NODE
from node_tools import require_node_package
from readers import Newsboat, Rss2Email, ServedMirror, served_mirror
from required_programs import require_program
from scene import FEEDS, PUBLIC_URL, Scene

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


def test_readers_show_the_notice_once_or_keep_their_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsboat, r2e = require_program("newsboat"), require_program("r2e")
    (tmp_path / "site").mkdir()
    with served_mirror(tmp_path / "site") as served:
        served.origin_says("gazette", FEED)
        served.refresh()
        base = f"{served.server.base}/gazette"
        by_rss = Newsboat(newsboat, tmp_path / "by_rss", f"{base}/rss.xml")
        by_atom = Newsboat(newsboat, tmp_path / "by_atom", f"{base}/atom.xml")
        by_mail = Rss2Email(r2e, tmp_path / "by_mail", {"gazette": f"{base}/rss.xml"})
        assert CANARY in str(by_rss.reload())
        assert CANARY in str(by_atom.reload())
        assert len(by_mail.run()) == 3
        take_down(served, monkeypatch)
        told, untold = by_rss.reload(), by_atom.reload()
        assert by_mail.run() == []
    assert len(told) == len(untold) == 3
    assert CANARY not in str(told)
    assert [row.title for row in told].count("Removed") == 1
    assert "by order of a court" in str(told)
    assert CANARY in str(untold)  # newsboat does not know RFC 6721


def test_parsers_in_javascript_read_the_notice_under_the_same_id(tmp_path: Path) -> None:
    """feedsmith 3.0.1 knows no tombstones: one of Atom leaves the other entries as they were."""
    require_node_package("feedsmith")
    scene = Scene(FEED)
    scene.refresh()
    names = [*documents_of(scene, tmp_path / "before")]
    take_down_in(scene)
    names += documents_of(scene, tmp_path / "after")
    found = read_by_feedsmith(names)
    before, after = (dict(zip(FEEDS, each, strict=True)) for each in (found[:3], found[3:]))
    for name in ("rss.xml", "feed.json"):
        assert [one["id"] for one in after[name]] == [one["id"] for one in before[name]]
        (told,) = (one for one in after[name] if one["title"] == "Removed")
        assert "by order of a court" in told["body"]
    assert after["atom.xml"] == [one for one in before["atom.xml"] if CANARY not in one["title"]]
    assert CANARY not in str(after)


def take_down_in(scene: Scene) -> None:
    """Take the entry down, without a command."""
    items = json.loads(scene.public("feed.json"))["items"]
    (key,) = (one["_feedmirror"]["key"] for one in items if CANARY in one["title"])
    work = Takedown(
        scene.subscription,
        scene.store,
        DirectoryVersions(Path("/nowhere")),
        PUBLIC_URL,
        scene.deployment,
        clock=lambda: scene.now,
    )
    plan = work.plan(key)
    assert plan is not None
    work.carry_out(plan, Order(Reason.COURT, "1", "operator"))


def documents_of(scene: Scene, folder: Path) -> Iterator[Path]:
    """Write the feeds into a folder; yield their paths."""
    folder.mkdir()
    for name in FEEDS:
        (folder / name).write_text(scene.public(name))
        yield folder / name


def read_by_feedsmith(paths: Sequence[Path]) -> list[list[dict[str, Any]]]:
    """Return the entries that feedsmith finds in each document."""
    done = subprocess.run(
        ["node", NODE / "read_feeds.mjs"],
        input="".join(f"{path}\n" for path in paths),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return [json.loads(line)["feedsmith"] for line in done.stdout.splitlines()]


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
