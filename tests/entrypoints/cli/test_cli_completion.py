"""What helps at the prompt: completion, the manual page, defaults from the environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from commands import ENVIRONMENT, feedmirror
from feedmirror.entrypoints.cli.arguments import command_parser, parse_arguments
from locations import ROOT
from required_programs import require_program

COMMANDS = sorted(command_parser()[1])


def completed(shell: str, script: str, cwd: Path) -> list[str]:
    """What a script of the shell prints, word by word; the command is the one of this package."""
    command = cwd / "bin" / "feedmirror"
    command.parent.mkdir(exist_ok=True)
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m feedmirror "$@"\n')
    command.chmod(0o755)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        [shell, "-c", script],
        cwd=cwd,
        env=ENVIRONMENT | {"PATH": path, "HOME": str(cwd)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.split()


BASH = """
eval "$(feedmirror completion bash)"
COMP_WORDS=({words}); COMP_LINE="{line}"; COMP_POINT=${{#COMP_LINE}}; COMP_CWORD={at}; COMP_TYPE=9
_python_argcomplete feedmirror
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("feedmirror re", {"rebuild", "remove", "restore"}),
        ("feedmirror run --pu", {"--public-url"}),
        ("feedmirror set fir", {"first"}),
        ("feedmirror run --feed sec", {"second"}),
        ("feedmirror completion ", {"bash", "zsh", "fish"}),
    ],
)
def test_bash_completes_commands_options_and_feeds(line, words, tmp_path):
    (tmp_path / "feeds.toml").write_text(
        '[feeds.first]\nurl = "https://a.example/"\n[feeds.second]\nurl = "https://b.example/"\n'
    )
    script = BASH.format(words=line, line=line, at=len(line.split(" ")) - 1)
    assert words <= set(completed("bash", script, tmp_path))


def test_zsh_takes_the_completion(tmp_path):
    zsh = require_program("zsh")
    script = """
    autoload -U compinit && compinit -u
    eval "$(feedmirror completion zsh)"
    echo ${_comps[feedmirror]}
    """
    assert completed(zsh, script, tmp_path) == ["_python_argcomplete"]


def test_fish_gets_a_completion(capsys):
    assert feedmirror("completion", "fish") == 0
    assert "complete --command feedmirror" in capsys.readouterr().out


def test_manual_page_is_the_one_of_this_parser() -> None:
    command = [sys.executable, ROOT / "tools" / "man-page", "--check"]
    environment = ENVIRONMENT | {"COLUMNS": "80"}
    assert subprocess.run(command, env=environment, check=False).returncode == 0, (
        "tools/man-page writes docs/feedmirror.1 anew"
    )


def test_manual_page_is_shown_whole_and_without_a_warning() -> None:
    command = [require_program("man"), "--warnings", "-l", str(ROOT / "docs" / "feedmirror.1")]
    environment = ENVIRONMENT | {"MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""}
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert shown.stderr == ""
    assert all(f"feedmirror {name}" in shown.stdout for name in COMMANDS)
    assert "--public-url" in shown.stdout


def test_environment_sets_defaults_and_the_command_line_wins(monkeypatch, tmp_path):
    monkeypatch.setenv("FEEDMIRROR_STORE", "s3://bucket/mirror")
    monkeypatch.setenv("FEEDMIRROR_CONFIG", "other.toml")
    monkeypatch.setenv("FEEDMIRROR_PUBLIC_URL", "https://m.example")
    run = parse_arguments(["run"])
    assert (str(run.store), run.config, run.public_url) == (
        "s3://bucket/mirror",
        Path("other.toml"),
        "https://m.example",
    )
    assert str(parse_arguments(["run", "--store", "here"]).store) == "here"
    monkeypatch.setenv("FEEDMIRROR_STORE", "s3://")
    with pytest.raises(SystemExit):
        parse_arguments(["run"])


@pytest.mark.parametrize(("typed", "meant"), [("staus", "status"), ("imprt", "import")])
def test_a_mistyped_command_is_met_with_the_one_that_was_meant(typed, meant, capsys):
    assert feedmirror(typed) == 2
    assert f"no command is named '{typed}'; did you mean '{meant}'?" in capsys.readouterr().err


def test_an_unknown_command_is_met_with_the_help(capsys):
    assert feedmirror("xylophone") == 2
    assert "feedmirror --help" in capsys.readouterr().err
