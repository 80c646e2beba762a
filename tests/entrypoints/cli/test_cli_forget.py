"""`feedmirror forget`, as its user sees it."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from builders import entry, rss_document
from commands import feedmirror, write_config
from feedmirror.entrypoints.cli import forget as forgetting
from feedmirror.storage.feed_index import Survey

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


def public(here: Path) -> dict[str, bytes]:
    folder = here / "mirror/public"
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("is_first", [False, True])
def test_an_address_that_is_no_feed_leaves_nothing_public(
    here: Path, capsys, *, is_first: bool
) -> None:
    if is_first:
        rmtree(here / "mirror")
    before = public(here)
    (here / "nofeed.xml").write_text("<html><title>Not found</title></html>")
    for address, slug in (("nofeed.xml", "nofeed"), ("http://127.0.0.1:9", "x")):
        named = () if slug == "nofeed" else ("--slug", slug, "--allow-private-hosts")
        assert feedmirror("run", address, *named, "--quiet") == 1
        assert public(here) == before
        assert feedmirror("status") == 1  # it is told
        assert feedmirror("forget", slug, "--yes") == 0
        assert public(here) == before
    names = {name for name in files(here) if "nofeed" in name or "/x" in name}
    assert names == set()
    left = (path for path in (here / "mirror").rglob("*") if path.is_file())
    assert not any(b"nofeed" in path.read_bytes() for path in left)


@pytest.mark.slow
def test_what_a_run_has_written_meanwhile_is_told(here: Path, capsys, monkeypatch) -> None:
    record = here / "mirror/data/wanted/entries/late.json"
    survey = forgetting.survey_feeds

    def survey_while_a_run_writes(*arguments: Any) -> Survey:
        record.parent.mkdir(parents=True)
        record.write_text("{}")
        return survey(*arguments)

    monkeypatch.setattr(forgetting, "survey_feeds", survey_while_a_run_writes)
    assert feedmirror("forget", "wanted", "--yes") == 1
    assert "forget wanted` once more" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.chdir(here)
    assert feedmirror("forget", "wanted", "--yes") == 0
    assert not record.exists()


@pytest.mark.slow
def test_a_feed_that_fails_later_stays_in_the_list(here: Path) -> None:
    (here / "wanted.xml").write_text("<html><title>Not found</title></html>")
    assert feedmirror("run", "wanted.xml", "--quiet") == 1
    assert '"failing":"broken"' in (here / "mirror/public/status.json").read_text().replace(" ", "")


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
