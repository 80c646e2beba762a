"""`feedmirror forget`, as its user sees it."""

from __future__ import annotations

from pathlib import Path

import pytest

from builders import entry, rss_document
from commands import feedmirror, write_config

FEED = rss_document([entry(2), entry(1)])


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("wanted", "mistyped"):
        (tmp_path / f"{name}.xml").write_bytes(FEED)
        assert feedmirror("run", f"{name}.xml", "--quiet") == 0
    return tmp_path


def files(here: Path) -> set[str]:
    return {str(p.relative_to(here / "mirror")) for p in (here / "mirror").rglob("*.*")}


@pytest.mark.slow
def test_a_mistyped_feed_leaves_nothing_behind(here: Path, capsys) -> None:
    before = files(here)
    capsys.readouterr()
    assert feedmirror("forget", "mistyped", "--yes") == 0
    assert "mistyped is forgotten" in capsys.readouterr().out
    assert files(here) == {name for name in before if "mistyped" not in name}
    for name in ("index.html", "feeds.opml", "status.json"):
        said = (here / f"mirror/public/{name}").read_text()
        assert "mistyped" not in said
        assert "wanted" in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("mistyped",), 1, "--yes"),
        (("mistyped", "--dry-run"), 0, "objects"),
        (("nosuch", "--yes"), 2, "nothing of a feed"),
        (("../wanted", "--yes"), 2, "nothing of a feed"),
    ],
)
def test_nothing_is_deleted_without_consent_or_a_feed(
    here: Path, capsys, arguments: tuple[str, ...], code: int, words: str
) -> None:
    before = files(here)
    capsys.readouterr()
    assert feedmirror("forget", *arguments) == code
    said = capsys.readouterr()
    assert words in said.out + said.err
    assert files(here) == before


@pytest.mark.slow
def test_a_configured_feed_is_refused(here: Path, capsys) -> None:
    write_config(here, {"wanted": "https://news.example.org/rss"})
    before = files(here)
    assert feedmirror("forget", "wanted", "--yes") == 2
    assert "take [feeds.wanted] out" in capsys.readouterr().err
    assert files(here) == before
