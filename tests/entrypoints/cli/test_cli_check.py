"""`feedmirror check`."""

from __future__ import annotations

import os
import re

import pytest

from commands import feedmirror, write_config


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_configuration_in_order_is_shown_as_a_table(here, capsys):
    feeds = {"one": "https://a.example/feed", "another": "https://b.example/feed"}
    write_config(here, feeds, 'public_url = "https://feeds.example"', 'every = "90m"\nkeep = 7')
    assert feedmirror("check") == 0
    assert capsys.readouterr().out == (
        "feed     every  keep  address                                  source\n"
        "one        90m     7  https://feeds.example/one/atom.xml       https://a.example/feed\n"
        "                      https://feeds.example/one/feed.json\n"
        "                      https://feeds.example/one/rss.xml\n"
        "                      https://feeds.example/one/\n"
        "another    90m     7  https://feeds.example/another/atom.xml   https://b.example/feed\n"
        "                      https://feeds.example/another/feed.json\n"
        "                      https://feeds.example/another/rss.xml\n"
        "                      https://feeds.example/another/\n"
        "\n"
        "feeds.toml is valid: 2 feeds.\n"
    )


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://a.example:25/feed", "port 25 is reserved for another protocol"),
        ("http://10.1.2.3/feed", "10.1.2.3 of .* is not a public address; .*allow_private_hosts"),
        ("http://[::1]/feed", "::1 of .* is not a public address"),
        ("http://169.254.1.1/feed", "is a cloud metadata address, which is never contacted"),
    ],
)
def test_address_that_a_run_always_refuses_is_a_problem(here, capsys, url, why):
    (here / "feeds.toml").write_text(f'feeds.one.url = "{url}"')
    assert feedmirror("check") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(f"feedmirror: 1 problem in feeds.toml\nfeeds.one: .*{why}.*\n", err)


def test_private_address_that_is_allowed_is_no_problem(here):
    feed = 'url = "http://10.1.2.3/feed"\nallow_private_hosts = true'
    (here / "feeds.toml").write_text(f"[feeds.one]\n{feed}")
    assert feedmirror("check") == 0


@pytest.mark.parametrize("command", ["check", "run", "status"])
@pytest.mark.parametrize("what", ["pipe", "folder", "device", "gigabytes"])
def test_configuration_that_is_no_file_is_refused_and_not_waited_for(here, capsys, command, what):
    path = here / "odd.toml"
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    elif what == "device":
        path.symlink_to("/dev/zero")
    else:
        path.touch()
        os.truncate(path, 3_000_000_000)
    assert feedmirror(command, "--config", "odd.toml") == 2
    said = "is larger than" if what == "gigabytes" else "is not a file"
    assert f"odd.toml: {said}" in capsys.readouterr().err


def test_missing_public_url_is_pointed_out(here, capsys):
    write_config(here, {"one": "https://a.example/feed"})
    assert feedmirror("check") == 0
    out = capsys.readouterr().out
    assert "http://127.0.0.1:8000/one/rss.xml" in out
    assert "public_url is not set" in out


def test_every_problem_is_said_at_once_with_its_line(here, capsys):
    (here / "mine.toml").write_text('[feeds.a]\nurl = "x"\nkeeep = 3\n[feeds.data]\nurl = 4\n')
    assert feedmirror("check", "--config", "mine.toml") == 2
    out, err = capsys.readouterr()
    first, *problems = err.splitlines()
    assert out == ""
    assert first == "feedmirror: 4 problems in mine.toml"
    assert [problem.split(":")[1] for problem in problems] == ["2", "3", "4", "5"]


def test_missing_file_says_what_to_do(here, capsys):
    assert feedmirror("check") == 2
    assert "feedmirror init" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("every", "shown"), [("60s", "1m"), ("15m", "15m"), ("120m", "2h"), ("24h", "1d")]
)
def test_interval_is_shown_in_its_largest_whole_unit(every, shown, here, capsys):
    write_config(here, {"one": "https://a.example/feed"}, each=f'every = "{every}"')
    feedmirror("check")
    assert capsys.readouterr().out.splitlines()[1].split()[1] == shown


def test_the_address_that_readers_are_shown_lacks_secrets(here, capsys):
    feeds = {"one": "https://a.example/feed?token=q7Zk31pX"}
    write_config(here, feeds)
    assert feedmirror("check") == 0
    out = capsys.readouterr().out
    assert "q7Zk31pX" not in out
    assert out.splitlines()[1].endswith("  https://a.example/feed")
    assert "hidden from the readers of: one." in out


def test_the_address_that_is_configured_for_readers_is_shown(here, capsys):
    source = "https://a.example/?token=q7Zk31pX"
    feeds = {"one": "https://a.example/feed?token=q7Zk31pX"}
    write_config(here, feeds, each=f'source_url = "{source}"')
    assert feedmirror("check") == 0
    out = capsys.readouterr().out
    assert out.splitlines()[1].endswith(f"  {source}")
    assert "hidden from readers" not in out
