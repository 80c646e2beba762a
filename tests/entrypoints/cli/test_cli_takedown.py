"""`feedmirror takedown`, as its user sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import SITE, entry, rss_document
from commands import feedmirror, write_config
from feedmirror.publishing.formats.format import unstamped
from origin_server import OriginServer

CANARY = "quincunx"
FEED = rss_document([entry(3), entry(2, summary=f"<p>The {CANARY} of it.</p>"), entry(1)])
WHY = ("--reason", "privacy", "--reference", "letter 7")


@pytest.fixture
def origin() -> Iterator[OriginServer]:
    with OriginServer() as server:
        server.serve("/feed", FEED, etag='"1"')
        yield server


@pytest.fixture
def mirrored(origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> Path:
    """The folder of a mirror of one feed, `x`."""
    monkeypatch.chdir(tmp_path)
    write_config(tmp_path, {"x": origin.url("/feed")}, top='public_url = "https://m.example"')
    assert feedmirror("run", "--quiet") == 0
    capsys.readouterr()
    return tmp_path / "mirror"


def key_of(mirror: Path) -> str:
    (record,) = (one for one in (mirror / "data/x/entries").rglob("*.json") if has(one))
    return record.parent.name


def has(path: Path) -> bool:
    return CANARY.encode() in path.read_bytes()


def left(mirror: Path) -> list[Path]:
    return [path for path in mirror.rglob("*") if path.is_file() and has(path)]


@pytest.mark.slow
def test_an_entry_is_taken_down_by_the_address_of_its_page(mirrored: Path, capsys) -> None:
    key = key_of(mirrored)
    page = f"https://m.example/x/entries/{key}.html"
    assert feedmirror("takedown", "x", page, *WHY, "--yes") == 0
    assert left(mirrored) == []
    assert f"x: {key} was taken down" in capsys.readouterr().out
    kept = json.loads((mirrored / f"data/x/removed/{key}.json").read_text())["tombstone"]
    (logged,) = kept["log"]
    assert (logged["reason"], logged["reference"]) == ("privacy", "letter 7")
    assert logged["by"]
    assert feedmirror("rebuild", "x", "--quiet") == 0
    assert feedmirror("run", "--quiet") == 0
    assert left(mirrored) == []


@pytest.mark.slow
@pytest.mark.parametrize("named", [f"{SITE}2", "HTTPS://Gazette.example.org/2?utm_source=x"])
def test_an_entry_is_taken_down_by_its_permalink(mirrored: Path, named: str) -> None:
    assert feedmirror("takedown", "x", named, *WHY, "--yes") == 0
    assert left(mirrored) == []


@pytest.mark.slow
def test_what_two_entries_have_is_refused_with_the_list(
    mirrored: Path, origin: OriginServer, capsys
) -> None:
    others = [entry(number, guid=f"n{number}", link=f"{SITE}same") for number in (8, 9)]
    origin.serve("/feed", rss_document(others))
    assert feedmirror("run", "--quiet") == 0
    assert feedmirror("takedown", "x", f"{SITE}same", *WHY, "--yes") == 2
    said = capsys.readouterr().err
    assert "several" in said
    assert "n8" in said
    assert "n9" in said
    assert feedmirror("takedown", "x", "n9", *WHY, "--yes") == 0
    assert len([*(mirrored / "data/x/removed").iterdir()]) == 1


@pytest.mark.slow
def test_a_dry_run_names_the_objects_and_changes_nothing(mirrored: Path, capsys) -> None:
    key, before = key_of(mirrored), left(mirrored)
    assert feedmirror("takedown", "x", key, *WHY, "--dry-run") == 0
    said = capsys.readouterr().out.split()
    assert {str(path.relative_to(mirrored)) for path in before} <= {*said}
    assert left(mirrored) == before


@pytest.mark.slow
def test_without_a_terminal_to_ask_on_nothing_is_taken_down(mirrored: Path, capsys) -> None:
    before = left(mirrored)
    assert feedmirror("takedown", "x", key_of(mirrored), *WHY) == 1
    assert "--yes" in capsys.readouterr().err
    assert left(mirrored) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("0" * 32, "has no entry"),
        ("https://m.example/y/entries/" + "0" * 32 + ".html", "no entry of x"),
        ("the entry of Monday", "no entry of x"),
    ],
)
def test_what_names_no_entry_of_the_feed_is_refused(
    mirrored: Path, capsys, named: str, words: str
) -> None:
    assert feedmirror("takedown", "x", named, *WHY, "--yes") == 2
    assert words in capsys.readouterr().err


@pytest.mark.slow
def test_an_entry_that_looks_like_a_removed_one_is_released(
    mirrored: Path, origin: OriginServer, capsys
) -> None:
    removed = key_of(mirrored)
    assert feedmirror("takedown", "x", removed, *WHY, "--yes") == 0
    another = entry(9, title="Another", link=f"{SITE}2")
    origin.serve("/feed", rss_document([another, entry(3)]))
    assert feedmirror("run", "--quiet") == 0
    assert feedmirror("status") == 0
    said = capsys.readouterr().out
    assert "feedmirror restore x" in said
    key = said.split("feedmirror restore x ")[1][:32]
    assert feedmirror("restore", "x", key) == 0
    assert feedmirror("restore", "x", removed) == 1
    assert "purged" in capsys.readouterr().err
    assert feedmirror("run", "--quiet") == 0
    assert "Another" in (mirrored / "public/x/rss.xml").read_text()


@pytest.mark.slow
def test_a_hidden_entry_is_restored_and_a_purged_one_is_said_to_be(mirrored: Path, capsys) -> None:
    key = key_of(mirrored)
    page = mirrored / f"public/x/entries/{key}.html"
    said = page.read_bytes()
    assert feedmirror("takedown", "x", key, *WHY, "--hide", "--yes") == 0
    assert f"feedmirror restore x {key}" in capsys.readouterr().out
    assert [path.parent.name for path in left(mirrored)] == ["hidden"]
    assert feedmirror("run", "--quiet") == 0
    assert feedmirror("restore", "x", key) == 0
    assert f"{key} is restored" in capsys.readouterr().out
    assert unstamped(page.read_bytes()) == unstamped(said)
    assert feedmirror("takedown", "x", key, *WHY, "--yes") == 0
    assert left(mirrored) == []
    assert "is not verified" not in capsys.readouterr().out
    assert feedmirror("takedown", "x", key, *WHY, "--yes") == 0
    assert "is not verified: its words are gone already" in capsys.readouterr().out
    assert feedmirror("restore", "x", key) == 1
    assert "purged" in capsys.readouterr().err
    assert feedmirror("takedown", "x", key, *WHY, "--hide", "--yes") == 2
    assert "for good" in capsys.readouterr().err


@pytest.mark.slow
def test_an_earlier_revision_is_taken_down_by_the_first_letters_of_its_digest(
    mirrored: Path, origin: OriginServer, capsys
) -> None:
    key = key_of(mirrored)
    (record,) = (mirrored / f"data/x/entries/{key}").iterdir()
    revision = record.name.split(".")[0]
    assert feedmirror("takedown", "x", key, *WHY, "--revision", revision[:8], "--yes") == 2
    assert "says now" in capsys.readouterr().err
    origin.serve("/feed", rss_document([entry(3), entry(2, summary="Edited."), entry(1)]))
    assert feedmirror("run", "--quiet") == 0
    assert left(mirrored) == [record]
    assert feedmirror("takedown", "x", key, *WHY, "--revision", "f00", "--yes") == 2
    assert revision in capsys.readouterr().err
    assert feedmirror("takedown", "x", key, *WHY, "--revision", revision[:8], "--yes") == 0
    assert left(mirrored) == []
    assert "Edited." in (mirrored / "public/x/rss.xml").read_text()
    assert feedmirror("takedown", "x", key, *WHY, "--revision", revision, "--hide") == 2


@pytest.mark.slow
def test_other_feeds_that_have_the_entry_are_named_with_the_command(
    mirrored: Path, origin: OriginServer, tmp_path: Path, capsys
) -> None:
    feeds = {name: origin.url("/feed") for name in "xyz"}
    write_config(tmp_path, feeds, top='public_url = "https://m.example"')
    assert feedmirror("run", "--quiet") == 0
    key = key_of(mirrored)
    assert feedmirror("takedown", "y", key, *WHY, "--yes") == 0
    capsys.readouterr()
    assert feedmirror("takedown", "x", key, *WHY, "--dry-run") == 0
    said = capsys.readouterr().out
    assert f"feedmirror takedown z {key}" in said
    assert f"takedown y {key}" not in said


@pytest.mark.slow
def test_several_entries_are_taken_down_at_once_or_none(mirrored: Path, capsys) -> None:
    key = key_of(mirrored)
    before = left(mirrored)
    assert feedmirror("takedown", "x", key, f"{SITE}nosuch", *WHY, "--yes") == 2
    assert left(mirrored) == before
    assert feedmirror("takedown", "x", key, f"{SITE}1", f"{SITE}2", *WHY, "--yes") == 0
    assert capsys.readouterr().out.count("was taken down") == 2  # of two a name is of the same one
    assert left(mirrored) == []
    assert (mirrored / "public/x/rss.xml").read_text().count("<title>Removed") == 2
    assert feedmirror("takedown", "x", key, f"{SITE}3", *WHY, "--revision", "a", "--yes") == 2


@pytest.mark.slow
@pytest.mark.parametrize("is_configured", [False, True])
def test_the_page_of_removals_of_a_directory_follows_at_once(
    mirrored: Path, origin: OriginServer, *, is_configured: bool
) -> None:
    key, page, own = key_of(mirrored), mirrored / "public/removed.html", ()
    if not is_configured:
        (mirrored.parent / "feeds.toml").unlink()
        own = ("--disclaimer", "A copy.")
    assert feedmirror("takedown", "x", key, *WHY, *own, "--hide", "--dry-run") == 0
    assert "to protect the privacy" not in page.read_text()
    assert feedmirror("takedown", "x", key, *WHY, *own, "--hide", "--yes") == 0
    assert "1 to protect the privacy" in page.read_text()
    assert feedmirror("restore", "x", key, *own) == 0
    assert "to protect the privacy" not in page.read_text()
