"""`feedmirror run` renews pages of an earlier configuration, and leaves those of a newer one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from builders import entry, rss_document
from commands import feedmirror, interrupt, when, write_config
from origin_server import OriginServer

ENTRIES = [entry(number) for number in range(60, 0, -1)]


@pytest.fixture
def origin() -> Iterator[OriginServer]:
    with OriginServer() as server:
        server.serve("/feed", rss_document(ENTRIES[:30]), etag='"1"')
        yield server


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def configure(here: Path, origin: OriginServer, words: str, at: int) -> None:
    """Write the configuration, of that date."""
    write_config(here, {"one": origin.url("/feed")}, top=f'[defaults]\ndisclaimer = "{words}"')
    os.utime(here / "feeds.toml", (at, at))


def saying(here: Path, words: str) -> set[str]:
    """The public files of the feed that say this."""
    below = here / "mirror/public/one"
    return {
        str(path.relative_to(below))
        for path in below.rglob("*")
        if path.is_file() and words in path.read_text("utf-8")
    }


def test_changed_disclaimer_is_everywhere_after_one_run(origin, here, capsys):
    configure(here, origin, "Words of before.", 1_790_000_000)
    assert feedmirror("run") == 0
    old = saying(here, "Words of before.")
    assert len([name for name in old if name.startswith("entries/")]) == 30
    configure(here, origin, "Words of today.", 1_790_000_001)
    assert feedmirror("run", "--log-format", "text") == 0
    assert saying(here, "Words of before.") == set()
    assert saying(here, "Words of today.") == old
    assert "one: 30 pages renewed" in capsys.readouterr().err


def test_pages_of_a_retired_feed_are_renewed_though_only_due_feeds_are_refreshed(origin, here):
    feeds = {"one": origin.url("/feed"), "other": origin.url("/feed")}
    write_config(here, feeds, top='[defaults]\ndisclaimer = "Words of before."')
    assert feedmirror("run") == 0
    old = saying(here, "Words of before.")
    write_config(here, feeds, top='[defaults]\ndisclaimer = "Words of today."')
    text = (here / "feeds.toml").read_text().replace("[feeds.one]", "[feeds.one]\nretired = true")
    (here / "feeds.toml").write_text(text)
    day = timedelta(days=1)
    assert feedmirror("run", "--due", "--tick", "1d", clock=lambda: datetime.now(UTC) + day) == 0
    assert saying(here, "Words of before.") == set()
    assert saying(here, "Words of today.") == old


def test_older_configuration_changes_no_public_file_and_fails(origin, here, capsys):
    configure(here, origin, "Words of today.", 1_790_000_001)
    assert feedmirror("run") == 0
    before = {path: path.read_bytes() for path in here.rglob("public/one/**/*.*")}
    configure(here, origin, "Words of before.", 1_790_000_000)
    origin.serve("/feed", rss_document(ENTRIES[:31]), etag='"2"')
    capsys.readouterr()
    assert feedmirror("run") == 1
    assert {path: path.read_bytes() for path in here.rglob("public/one/**/*.*")} == before
    assert "feedmirror rebuild one" in capsys.readouterr().out
    assert feedmirror("rebuild", "one") == 0
    assert saying(here, "Words of today.") == set()
    assert feedmirror("run") == 0


def test_settings_of_the_command_line_are_newer_than_those_of_any_run_before(origin, here):
    for words in ("Words of before.", "Words of today.", "Words of before."):
        options = ("--slug", "one", "--disclaimer", words)
        assert feedmirror("run", origin.url("/feed"), *options) == 0
        assert len(saying(here, words)) >= 30


def test_page_that_cannot_be_renewed_fails_the_run_and_is_tried_again(
    origin, here, capsys, monkeypatch
):
    configure(here, origin, "Words of before.", 1_790_000_000)
    assert feedmirror("run") == 0
    configure(here, origin, "Words of today.", 1_790_000_001)

    def fails(*_: object) -> None:
        raise RuntimeError("a mistake of ours")

    with monkeypatch.context() as patched:
        patched.setattr("feedmirror.storage.pages.PageWriter.write_entries", fails)
        assert feedmirror("run", "--log-format", "text") == 1
    assert "one: pages were not renewed: RuntimeError: a mistake of ours" in capsys.readouterr().err
    assert feedmirror("run") == 0
    assert saying(here, "Words of before.") == set()


def test_watch_renews_pages_while_no_feed_is_due(origin, here, ctrl_c):
    configure(here, origin, "Words of before.", 1_790_000_000)
    assert feedmirror("run") == 0
    configure(here, origin, "Words of today.", 1_790_000_001)
    oldest = next(path for path in here.rglob("entries/*.html") if "Entry 31<" in path.read_text())
    thread = when(lambda: "Words of today." in oldest.read_text(), interrupt)
    assert feedmirror("run", "--watch", "--quiet") == 0
    thread.join()
    assert saying(here, "Words of before.") == set()
