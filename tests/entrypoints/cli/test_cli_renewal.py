"""`feedmirror run` renews pages of an earlier configuration, and leaves those of a newer one."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import entry, rss_document
from commands import feedmirror, interrupt, when, write_config
from feedmirror.adapters.stores.directory import DirectoryStore
from feedmirror.entrypoints.cli.renewal_cost import shown_requests
from feedmirror.entrypoints.store import StoreLocation
from feedmirror.mirror.deployment import Deployment
from feedmirror.mirror.renewal_work import RenewalWork
from feedmirror.settings.load import load_settings
from feedmirror.storage.wal import StateLog
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
    assert (
        "`feedmirror rebuild one`, or for all feeds `touch feeds.toml`" in capsys.readouterr().out
    )
    assert feedmirror("rebuild", "one") == 0
    assert saying(here, "Words of today.") == set()
    assert feedmirror("run") == 0


def test_file_is_in_force_again_after_an_option_of_a_run_as_soon_as_it_is_saved(
    origin, here, capsys
):
    configure(here, origin, "Words of today.", 1_790_000_001)
    config = here / "feeds.toml"
    config.write_text(f'public_url = "https://m.example"\n{config.read_text()}')
    os.utime(config, (1_790_000_001, 1_790_000_001))
    assert feedmirror("run", "--public-url", "https://other.example") == 0
    assert feedmirror("run") == 1
    assert "touch feeds.toml" in capsys.readouterr().out
    assert saying(here, "https://m.example") == set()
    config.touch()
    assert feedmirror("run") == 0
    assert saying(here, "https://other.example") == set()


def test_address_of_the_environment_is_as_old_as_the_file(origin, here, capsys, monkeypatch):
    configure(here, origin, "Words of today.", 1_790_000_001)
    assert feedmirror("run") == 0
    configure(here, origin, "Words of before.", 1_790_000_000)
    monkeypatch.setenv("FEEDMIRROR_PUBLIC_URL", "https://m.example")
    assert feedmirror("run") == 1
    assert saying(here, "Words of before.") == set()
    assert feedmirror("run", "--public-url", "https://other.example") == 0
    assert saying(here, "Words of today.") == set()


def test_option_of_a_run_holds_for_later_runs_where_the_file_says_nothing(origin, here):
    configure(here, origin, "Words of today.", 1_790_000_001)
    for options in (("--public-url", "https://other.example"), ()):
        assert feedmirror("run", *options) == 0
    assert saying(here, "https://other.example")


# ---------------------------------------------------------------- status, check


@pytest.fixture
def changed(origin, here) -> Path:
    """A mirror of two feeds, one with an archive, whose disclaimer has changed since."""
    origin.serve("/long", rss_document(ENTRIES), etag='"2"')
    feeds = {"one": origin.url("/feed"), "long": origin.url("/long")}
    write_config(here, feeds, 'public_url = "https://m.example"', "keep = 30")
    assert feedmirror("run", "--quiet") == 0
    text = (here / "feeds.toml").read_text()
    words = 'disclaimer = "Words of today."'
    (here / "feeds.toml").write_text(text.replace("[feeds.long]", f"[feeds.long]\n{words}"))
    return here


def contents(here: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (here / "mirror").rglob("*") if path.is_file()}


def test_check_says_what_would_be_renewed_and_writes_nothing(changed, capsys):
    before = contents(changed)
    assert feedmirror("check", "--renewal") == 0
    valid, _, head, row, _, total = capsys.readouterr().out.splitlines()
    assert valid == "feeds.toml is valid: 2 feeds."
    assert head.split() == ["feed", "documents", "pages", "requests"]
    pages = 35 + 25 + 4  # of the window, of an archive page, and its documents
    assert row.split()[:3] == ["long", "rendered", str(pages)]
    requests = int(row.split()[3])
    assert total == (
        "In mirror it would have rendered anew: the documents of 1 feed; at most 64 pages of "
        f"entries and of the archive of 1 feed, with {requests} requests."
    )
    assert contents(changed) == before
    assert feedmirror("run", "--log-format", "text") == 0
    assert f"long: {pages} pages renewed" in capsys.readouterr().err
    assert feedmirror("check", "--renewal") == 0
    said = capsys.readouterr().out
    assert said.endswith("\n\nNothing that is public in mirror would be rendered anew.\n")


def test_check_says_that_a_run_would_leave_newer_documents_alone(changed, capsys):
    assert feedmirror("run", "--quiet", "--public-url", "https://other.example") == 0
    assert feedmirror("check", "--renewal") == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "The documents of 2 feeds are of a newer deployment, and `feedmirror run` would leave them "
        "alone; a deploy or `feedmirror rebuild SLUG` would not."
    )
    assert feedmirror("check", "--renewal", "--public-url", "https://other.example") == 0
    assert "Nothing that is public" in capsys.readouterr().out


def test_check_says_where_documents_alone_would_be_rendered(changed, capsys):
    config = changed / "feeds.toml"
    text = config.read_text().replace('disclaimer = "Words of today."', 'every = "2h"')
    config.write_text(text)
    assert feedmirror("check", "--renewal") == 0
    said = capsys.readouterr().out.splitlines()[-1]
    assert said == "In mirror it would have rendered anew: the documents of 1 feed."


def test_check_names_a_state_that_cannot_be_read_and_ends_with_one(changed, capsys):
    (changed / "mirror/state/one.json").write_text("{")
    assert feedmirror("check", "--renewal") == 1
    out, err = capsys.readouterr()
    assert "state/one.json" in err
    assert "rendered anew: the documents of 1 feed; at most" in out


def test_check_of_a_store_without_feeds_finds_nothing_to_renew(origin, here, capsys):
    configure(here, origin, "Words of today.", 1_790_000_001)
    assert feedmirror("check", "--renewal") == 0
    assert "Nothing that is public in mirror would be" in capsys.readouterr().out
    assert not (here / "mirror").exists()


def test_status_says_how_far_a_renewal_is_and_what_is_left(changed, capsys):
    subscription = load_settings(changed / "feeds.toml").subscriptions[1]
    store, now = DirectoryStore(changed / "mirror"), datetime.now(UTC)
    this = Deployment(configured_at=now)
    log = StateLog(store, subscription, "https://m.example", lambda: this)
    held = log.apply(log.load(now), now).held  # as a run that is interrupted after it
    assert held.state.renewal
    last = tuple(held.state.window)[24]  # of the first slice
    log.save(held, replace(held.state, renewal=replace(held.state.renewal, below=last.seq)))
    assert feedmirror("status") == 0
    table = capsys.readouterr().out
    assert "; pages to renew, at most: 39 of 64 pages (39 % done)" in table
    requests = int(re.search(r"of 1 feed, with (\d+) requests?\.", table)[1])
    assert "To renew, at most: 39 of 64 pages (39 % done) of 1 feed" in table.splitlines()[-1]
    feedmirror("status", "--json")
    feeds = {one["feed"]: one["renewal"] for one in json.loads(capsys.readouterr().out)["feeds"]}
    assert feeds["one"] is None
    long = feeds["long"]
    assert (long["pages"], long["pages_left"], long["writes"] + long["reads"]) == (64, 39, requests)
    assert long["usd"] == pytest.approx(long["writes"] * 5e-6 + long["reads"] * 4e-7, abs=1e-6)


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


@pytest.mark.parametrize(
    ("work", "shown"),
    [
        (RenewalWork(1, 0, 1), "1 request (less than a cent)"),
        (RenewalWork(1, 1_000, 0), "1,000 requests ($0.01)"),
        (RenewalWork(1, 200_000_000, 1_234_567), "201,234,567 requests ($1,000.49)"),
    ],
)
def test_requests_to_a_bucket_are_shown_with_their_price(work: RenewalWork, shown: str) -> None:
    assert shown_requests(work, StoreLocation(bucket="example")) == shown
