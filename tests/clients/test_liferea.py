"""liferea, a feed reader for the desktop, reads a served mirror."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import entry, rss_document
from commands import feedmirror
from liferea import Item, liferea
from readers import WORDS, ServedMirror, served_mirror
from required_programs import require_program

pytestmark = pytest.mark.slow


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[ServedMirror]:
    """Return the mirror of a feed with three entries."""
    for program in ("liferea", "xvfb-run", "dbus-run-session", "dbus-send"):
        require_program(program)
    with served_mirror(tmp_path) as served:
        served.origin_says("news", rss_document([entry(3), entry(2), entry(1)]))
        served.refresh()
        yield served


def titles(items: list[Item]) -> list[str]:
    return sorted(item.title for item in items)


def test_liferea_shows_each_entry_once_also_after_an_edit_and_a_takedown(
    mirror: ServedMirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with liferea(tmp_path / "home", mirror.url("news")) as reader:
        items = reader.items_when(lambda items: len(items) == 3)
        assert titles(items) == ["Entry 1", "Entry 2", "Entry 3"]
        assert all(WORDS in item.description for item in items)
        assert {item.link for item in items} == {item.guid for item in items}
        assert mirror.statuses("news", 1) == [200]

        reader.refresh()
        assert mirror.statuses("news", 2) == [200, 304], "it asks conditionally"

        edited = entry(2, title="Entry 2, corrected", summary="<p>edited at the origin</p>")
        mirror.origin_says("news", rss_document([entry(4), entry(3), edited, entry(1)]))
        mirror.refresh()
        reader.refresh()
        items = reader.items_when(lambda items: len(items) == 4)
        assert len({item.guid for item in items}) == len(items) == 4

        with monkeypatch.context() as patch:
            patch.chdir(mirror.folder)
            order = ("--reason", "court", "--reference", "1", "--yes")
            assert feedmirror("takedown", "news", items[0].link, *order) == 0
        mirror.origin_says("news", rss_document([entry(5), entry(4), entry(3)]))
        mirror.refresh()
        reader.refresh()
        after = reader.items_when(lambda items: len(items) == 5)
        assert len({item.guid for item in after}) == len(after) == 5
        assert titles(after) == sorted([*titles(items), "Entry 5"]), "it keeps what it has"
