"""The soak of `bench/soak.py` in small: some feeds for some days, against faults of every sort."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from commands import ROOT

sys.path.append(str(ROOT / "bench"))

from soak import Soak, main, soak
from soak_checks import problems

pytestmark = pytest.mark.slow


def test_every_promise_is_kept_through_days_of_faults(tmp_path: Path) -> None:
    run, found = soak(tmp_path, feeds=5, days=10, seed=3)
    assert [problem for problem in found if "memory" not in problem] == []
    assert run.origin.answers["whole"] > 10
    assert sum(run.store.operations.values()) > 500


def test_what_is_lost_is_noticed(tmp_path: Path) -> None:
    run, _ = soak(tmp_path, feeds=1, days=10, seed=3)
    (tmp_path / "public" / "news-0" / "style.css").write_text("no link leads here")
    assert list(problems(run.store.inner, list(run.feeds.values()))) == []
    rss = tmp_path / "public" / "news-0" / "rss.xml"
    newest = max(run.feeds["news-0"].promised)
    rss.write_text(rss.read_text().replace(f"<title>Entry {newest}</title>", "<title/>"))
    assert _missing(run) == [f"news-0: entry {newest} is 0 times in the history of rss.xml"]
    page = next((tmp_path / "public" / "news-0" / "entries").iterdir())
    page.unlink()
    assert any("where nothing is" in problem for problem in _missing(run))


def _missing(run: Soak) -> list[str]:
    return list(problems(run.store.inner, list(run.feeds.values())))


def test_the_same_seed_is_the_same_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for _ in range(2):
        main(["--feeds", "2", "--days", "4", "--seed", "5"])
        said.append([line for line in capsys.readouterr().out.splitlines() if "answered" in line])
    assert said[0] == said[1] != []
