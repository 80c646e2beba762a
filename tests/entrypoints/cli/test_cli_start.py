"""The way into the command: help, versions, exit codes, and what a start costs."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from builders import entry, rss_document
from commands import ENVIRONMENT, Terminal, feedmirror, spawn, write_config
from feedmirror import __version__
from feedmirror.entrypoints.cli import main
from origin_server import Hang, OriginServer

FEED = rss_document([entry(1)])
SLOW_IMPORTS = {
    "aws_lambda_powertools",
    "difflib",
    "feedmirror.discovery",
    "feedmirror.mirror.comparison",
    "feedmirror.renewal",
    "feedparser",
    "http.server",
    "idna",
    "rich",
    "urllib3",
}


def test_version_is_the_packages(capsys):
    assert feedmirror("--version") == 0
    assert capsys.readouterr().out == f"feedmirror {__version__}\n"


def test_command_line_without_a_command_prints_the_help_as_an_error(capsys):
    assert feedmirror() == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "commands:" in err


@pytest.mark.parametrize("command", ["", "run", "serve", "init", "check", "status", "rebuild"])
def test_help_fits_a_narrow_terminal_and_goes_to_stdout(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert feedmirror(*command.split(), "--help") == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("usage: feedmirror")
    assert max(map(len, out.splitlines())) <= 100


def test_arguments_are_the_process_s_own_by_default(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["feedmirror", "--version"])
    assert main() == 0
    assert capsys.readouterr().out


@pytest.mark.slow
def test_process_prints_one_document_on_stdout_and_events_on_stderr(tmp_path):
    with OriginServer() as origin:
        origin.serve("/feed", FEED)
        write_config(tmp_path, {"x": origin.url("/feed")})
        with spawn("run", "--json", cwd=tmp_path) as process:
            out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert json.loads(out)["totals"]["new"] == 1
    assert [json.loads(line)["message"] for line in err.splitlines()] == [
        "feed refreshed",
        "run finished",
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [["check"], ["status"], ["status", "--json"], ["run", "--json"]]
)
def test_output_that_cannot_be_written_is_one_line_and_a_failure(tmp_path, command):
    write_config(tmp_path, {"x": "http://127.0.0.1/" if "run" in command else "http://a.example/"})
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "feedmirror", *command],
            cwd=tmp_path, env=ENVIRONMENT, stdout=full, stderr=subprocess.PIPE, text=True,
            check=False,
        )  # fmt: skip
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    last = ended.stderr.splitlines()[-1]
    assert last == "feedmirror: the output cannot be written: No space left on device"


@pytest.mark.slow
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_closed_streams_change_nothing_but_what_is_said(tmp_path, closed):
    write_config(tmp_path, {"x": "https://feed.example/"})
    line = f"{shlex.quote(sys.executable)} -m feedmirror check {closed}"
    ended = subprocess.run(
        line, shell=True, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_closed_output_ends_the_command_quietly(tmp_path):
    write_config(tmp_path, {"x": "http://feed.example/"})
    with spawn("check", cwd=tmp_path) as process:
        process.stdout.close()
        err = process.stderr.read()
    assert (process.returncode, err) == (141, "")


@pytest.mark.slow
def test_poll_without_news_imports_nothing_that_is_slow(tmp_path):
    script = (
        "import sys; from feedmirror.entrypoints.cli import main\n"
        "code = main(['run', '--json', '--log-format', 'text'])\n"
        f"print(sorted({SLOW_IMPORTS!r} & sys.modules.keys()), file=sys.stderr); sys.exit(code)"
    )
    with OriginServer() as origin:
        origin.serve("/feed", FEED, etag='"1"')
        write_config(tmp_path, {"x": origin.url("/feed")})
        first, second = (
            subprocess.run(
                [sys.executable, "-c", script],
                cwd=tmp_path,
                env=ENVIRONMENT,
                capture_output=True,
                text=True,
                check=True,
                timeout=20,
            )
            for _ in range(2)
        )
    assert json.loads(first.stdout)["totals"]["changed"] == 1
    assert json.loads(second.stdout)["feeds"][0]["http_status"] == 304
    assert second.stderr.splitlines()[-1] == "[]"


# ---------------------------------------------------------------- on a terminal


COMMAND = (sys.executable, "-m", "feedmirror")
_SCRIPT = """
import sys
sys.modules.update(dict.fromkeys(("rich", "rich.console", "rich.box")))
from feedmirror.entrypoints.cli import main
sys.exit(main())
"""
WITHOUT_RICH = (sys.executable, "-c", _SCRIPT)


@pytest.fixture
def two_feeds(tmp_path: Path):
    with OriginServer() as origin:
        origin.serve("/feed", FEED)
        origin.answer("/451", 451)
        long = "a-name-that-is-nearly-as-long-as-the-names-of-feeds-may-ever-be"
        write_config(tmp_path, {"good": origin.url("/feed"), long: origin.url("/451")})
        yield tmp_path


def lines(output: str) -> list[str]:
    """What is left on the screen in the end, colours and cursor movements taken away."""
    import re

    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output.replace("\r\n", "\n"))
    return [line.rpartition("\r")[2].rstrip() for line in plain.split("\n")]


@pytest.mark.slow
def test_terminal_of_80_columns_shows_whole_sentences_and_breaks_no_row(two_feeds):
    with Terminal((*COMMAND, "run"), two_feeds) as terminal:
        assert terminal.exit_code() == 1
    shown = lines(terminal.output)
    assert max(map(len, shown)) <= 80
    row = next(line for line in shown if line.startswith("good"))
    assert row.split()[:5] == ["good", "changed", "1", "0", "0"]
    prose = " ".join(line[26:].strip() for line in shown)  # the column beside the feeds' names
    assert "451: withheld for legal reasons." in prose
    assert "\x1b[32mchanged" in terminal.output  # in green
    assert '{"level"' not in terminal.output


@pytest.mark.slow
def test_terminal_without_rich_gets_plain_lines(two_feeds):
    with Terminal((*WITHOUT_RICH, "run", "--feed", "good"), two_feeds) as terminal:
        assert terminal.exit_code() == 0
    assert "\x1b" not in terminal.output
    assert "good changed: 1 new" in terminal.output
    assert "1 feed: 1 changed (1 new entry)" in terminal.output


@pytest.mark.slow
def test_second_interrupt_ends_at_once_and_gives_the_cursor_back(tmp_path, ctrl_c):
    with OriginServer() as origin:
        origin.script("/hangs", Hang())
        write_config(tmp_path, {"x": origin.url("/hangs")})
        with Terminal((*COMMAND, "run"), tmp_path) as terminal:
            terminal.wait_for("0 of 1  x")
            terminal.press("\x03")
            terminal.wait_for("finishing x (Ctrl-C again: stop at once)")
            terminal.press("\x03")
            assert terminal.exit_code(timeout_s=5) == 130
    assert terminal.output.rstrip().endswith("\x1b[?25h")
