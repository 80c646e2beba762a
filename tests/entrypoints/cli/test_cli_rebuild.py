"""`feedmirror rebuild`, as its user sees it."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import entry, rss_document
from commands import Terminal, feedmirror, write_config
from feedmirror.entrypoints.store import thread_map
from origin_server import OriginServer
from page_reading import says_retired
from scene import DOCUMENTS

FEED = rss_document([entry(1), entry(2), entry(3)])


@pytest.fixture
def origin() -> Iterator[OriginServer]:
    with OriginServer() as server:
        server.serve("/feed", FEED, etag='"1"')
        yield server


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def mirrored(origin, here, capsys) -> Path:
    """The folder of a feed's data, mirrored under `x` as feeds.toml says."""
    write_config(here, {"x": origin.url("/feed")}, top='public_url = "https://m.example"')
    feedmirror("run", "--quiet")
    capsys.readouterr()
    return here / "mirror/data/x"


def words(here: Path, slug: str = "x") -> str:
    """The public document without its generation."""
    return (here / f"mirror/public/{slug}/rss.xml").read_text().partition("-->")[2]


def state_of(data: Path) -> Path:
    return data.parents[1] / f"state/{data.name}.json"


def lose(data: Path) -> None:
    state_of(data).unlink()


def a_record(data: Path) -> Path:
    return min((data / "entries").rglob("*.json"))


# ---------------------------------------------------------------- what it does and says


def test_lost_feed_is_rebuilt_and_reported_in_one_line(mirrored, here, capsys):
    before = words(here)
    lose(mirrored)
    assert feedmirror("rebuild", "x") == 0
    out, err = capsys.readouterr()
    assert out == (
        "x: 3 entries in 3 revisions, 3 in the feed and 0 in its archive; wrote atom.xml, "
        "feed.json, rss.xml, index.html (its state was missing)\n"
    )
    assert err == ""
    assert words(here) == before


def test_damaged_state_and_lost_document_are_made_anew(mirrored, here, capsys):
    before = words(here)
    state_of(mirrored).write_bytes(b"\0" * 4096)
    (here / "mirror/public/x/rss.xml").unlink()
    assert feedmirror("rebuild", "x") == 0
    assert "(its state was damaged)" in capsys.readouterr().out
    assert words(here) == before


def test_feed_that_is_well_is_rebuilt_and_the_second_time_there_is_nothing_to_do(
    mirrored, here, capsys
):
    feedmirror("rebuild", "x")
    assert capsys.readouterr().out.endswith("; wrote atom.xml, feed.json, rss.xml, index.html\n")
    assert feedmirror("rebuild", "x") == 0
    assert capsys.readouterr().out.endswith("; all documents were up to date\n")


def test_next_run_finds_it_unchanged(mirrored, here, capsys):
    lose(mirrored)
    feedmirror("rebuild", "x")
    capsys.readouterr()
    assert feedmirror("run", "--json") == 0
    [feed] = json.loads(capsys.readouterr().out)["feeds"]
    assert (feed["outcome"], feed["http_status"], feed["unchanged"]) == ("unchanged", 200, 3)


def test_several_feeds_are_rebuilt_one_after_the_other_and_each_once(origin, here, capsys):
    write_config(here, {"x": origin.url("/feed"), "y": origin.url("/feed")})
    feedmirror("run", "--quiet")
    assert feedmirror("rebuild", "y", "x", "y") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["y", "x"]


def test_damaged_record_is_named_and_ends_with_one_though_the_rest_is_there(mirrored, here, capsys):
    lose(mirrored)
    record = a_record(mirrored)
    record.write_bytes(b"{}")
    assert feedmirror("rebuild", "x", "--quiet") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "x: 1 record left out, unreadable" in err
    assert (
        f"data/x/entries/{record.parent.name}/{record.name}: it does not begin with its schema"
        in err
    )
    assert words(here).count("<item>") == 2


def test_json_is_one_document(mirrored, here, capsys):
    lose(mirrored)
    a_record(mirrored).write_bytes(b"")
    assert feedmirror("rebuild", "x", "--json") == 1
    out, err = capsys.readouterr()
    assert err == ""
    [feed] = json.loads(out)["feeds"]
    damaged = feed.pop("damaged")
    assert len(damaged) == 1
    assert feed == {
        "feed": "x", "failed": True, "error": None, "state": "missing", "entries": 2,
        "revisions": 2, "window": 2, "archived": 0, "published": [*DOCUMENTS], "quarantined": [],
        "renewed": 1,  # of the entry that came after the one that is lost
        "reparsed": None,
    }  # fmt: skip


def test_feed_that_cannot_be_rebuilt_does_not_stop_the_others(origin, here, capsys):
    write_config(here, {"x": origin.url("/feed"), "young": origin.url("/feed")})
    feedmirror("run", "--quiet", "--feed", "x")
    capsys.readouterr()
    assert feedmirror("rebuild", "young", "x") == 1
    out, err = capsys.readouterr()
    assert out.startswith("x: 3 entries")
    assert "young: there are no entries in data/young/entries/" in err


def test_newer_state_is_refused_and_left_alone(mirrored, here, capsys):
    state_of(mirrored).write_bytes(b'{"schema":99}')
    assert feedmirror("rebuild", "x", "--json") == 1
    [feed] = json.loads(capsys.readouterr().out)["feeds"]
    assert "newer feedmirror" in feed["error"]
    assert state_of(mirrored).read_bytes() == b'{"schema":99}'


def test_public_url_is_the_configured_one_unless_given(mirrored, here):
    feedmirror("rebuild", "x")
    assert 'href="https://m.example/x/rss.xml"' in words(here)
    feedmirror("rebuild", "x", "--public-url", "https://n.example")
    assert 'href="https://n.example/x/rss.xml"' in words(here)


# ---------------------------------------------------------------- feeds of the store alone


def test_feed_that_is_not_configured_needs_its_disclaimer(mirrored, origin, here, capsys):
    (here / "feeds.toml").unlink()
    before = words(here)
    assert feedmirror("rebuild", "x") == 2
    err = capsys.readouterr().err
    assert "x is not in feeds.toml, so its disclaimer is not known" in err
    assert f'[feeds.x]\n                    url = "{origin.url("/feed")}"' in err
    assert "feedmirror rebuild x --disclaimer TEXT" in err
    assert words(here) == before
    assert feedmirror("rebuild", "x", "--disclaimer", "From {source_url}, in other words.") == 0
    assert words(here).count("in other words.") == 3


def test_address_of_a_feed_without_state_is_that_of_its_records(mirrored, origin, here, capsys):
    (here / "feeds.toml").unlink()
    lose(mirrored)
    a_record(mirrored).write_bytes(b"damaged")
    assert feedmirror("rebuild", "x") == 2
    assert origin.url("/feed") in capsys.readouterr().err
    assert feedmirror("rebuild", "x", "--disclaimer", "A copy.") == 1
    assert f'<source url="{origin.url("/feed")}">' in words(here)


def test_feed_of_a_local_file_is_made_anew_too(here, capsys):
    (here / "gazette.xml").write_bytes(FEED)
    feedmirror("run", "gazette.xml", "--quiet", "--disclaimer", "A copy.")
    before = words(here, "gazette")
    lose(here / "mirror/data/gazette")
    capsys.readouterr()
    assert feedmirror("rebuild", "gazette") == 2
    assert "[feeds." not in capsys.readouterr().err  # no file can be configured
    assert feedmirror("rebuild", "gazette", "--disclaimer", "A copy.") == 0
    assert words(here, "gazette") == before
    capsys.readouterr()
    feedmirror("run", "gazette.xml", "--disclaimer", "A copy.", "--json")
    assert json.loads(capsys.readouterr().out)["feeds"][0]["outcome"] == "unchanged"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("", "the following arguments are required: SLUG"),
        ("xx", "neither feeds.toml nor mirror has a feed of that name"),
        ("gazete", "did you mean 'gazette'?"),
        ("../x", "neither feeds.toml nor mirror has a feed of that name"),
        ("x --disclaimer y", "x is in feeds.toml"),
        ("gazette --disclaimer {who}", "is not a variable"),
        ("x --config other.toml", "there is no other.toml"),
        ("x --public-url ftp://y", '--public-url: "ftp://" is not accepted'),
        ("x --threads 0", "not a whole number from 1 to 64"),
        ("x --store gs://y", "s3://BUCKET"),
    ],
)
def test_wrong_usage_is_refused_and_changes_nothing(argv, said, mirrored, here, capsys):
    (here / "gazette.xml").write_bytes(FEED)
    feedmirror("run", "gazette.xml", "--quiet")
    before = {path: path.read_bytes() for path in here.rglob("*.*") if path.is_file()}
    capsys.readouterr()
    assert feedmirror("rebuild", *argv.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert {path: path.read_bytes() for path in here.rglob("*.*") if path.is_file()} == before


# ---------------------------------------------------------------- side by side


def test_results_come_in_order_of_things_that_are_done_side_by_side() -> None:
    meeting = threading.Barrier(3, timeout=5)

    def work(number: int) -> int:
        meeting.wait()
        return number * 2

    with thread_map(3) as side_by_side:
        assert list(side_by_side(work, range(9))) == [number * 2 for number in range(9)]


def test_no_more_is_begun_than_there_is_room_for() -> None:
    taken: list[int] = []

    def source() -> Iterator[int]:
        for number in range(1_000):
            taken.append(number)
            yield number

    with thread_map(2) as side_by_side:
        results = side_by_side(str, source())
        assert next(results) == "0"
        assert len(taken) <= 9
        results.close()  # type: ignore[attr-defined]


def test_failure_of_one_ends_it_all() -> None:
    def work(number: int) -> float:
        return 1 / (number - 3)

    with pytest.raises(ZeroDivisionError), thread_map(2) as side_by_side:
        list(side_by_side(work, range(100)))


@pytest.mark.slow
def test_interrupted_rebuild_ends_as_interrupted_and_can_be_run_again(mirrored, here, ctrl_c):
    record = a_record(mirrored)
    plain = json.loads(record.read_bytes())
    for number in range(800):
        name = f"{number:032x}"
        changed = {"key": name, "digest": name, "guid": name, "seq": number + 4}
        revision = plain["revision"] | changed
        path = mirrored / "entries" / name / f"{name}.0.json"
        path.parent.mkdir()
        path.write_text(json.dumps(plain | {"revision": revision}))
    lose(mirrored)
    before = (here / "mirror/public/x/rss.xml").read_bytes()
    argv = (sys.executable, "-m", "feedmirror", "rebuild", "x")
    with Terminal(argv, here) as terminal:
        terminal.wait_for("revisions read")
        terminal.press("\x03")
        assert terminal.exit_code() == 130
    assert "Traceback" not in terminal.output
    assert (here / "mirror/public/x/rss.xml").read_bytes() == before
    assert feedmirror("rebuild", "x") == 0
    assert words(here).count("<item>") == 53  # so many are beyond what fills 30 pages


def test_retired_feed_without_a_url_is_rebuilt_unchanged(mirrored, here, capsys):
    before = words(here)
    (here / "feeds.toml").write_text("[feeds.x]\nretired = true\n")
    lose(mirrored)
    assert feedmirror("rebuild", "x") == 0
    assert "(its state was missing)" in capsys.readouterr().out
    assert words(here) == before
    assert says_retired((here / "mirror/public/x/index.html").read_text())
