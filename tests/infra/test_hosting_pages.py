"""`infra/pages/mirror.sh`: a mirror that a branch of a repository holds, for GitHub Pages."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from builders import entry, rss_document
from commands import ENVIRONMENT
from locations import ROOT
from origin_server import OriginServer
from required_programs import require_program

SCRIPT = ROOT / "infra" / "pages" / "mirror.sh"
GIT = require_program("git")
IDENTITY = {
    f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
}


@pytest.fixture
def origin() -> Iterator[OriginServer]:
    with OriginServer() as server:
        server.serve("/feed", rss_document([entry(1)]))
        yield server


class Repository:
    """A bare repository, and checkouts of it in which the action runs."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.runs = folder, 0
        command = folder / "bin" / "feedmirror"
        command.parent.mkdir()
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -m feedmirror "$@"\n')
        command.chmod(0o755)
        path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = ENVIRONMENT | IDENTITY | {"PATH": path, "HOME": str(folder)}
        self.bare, first = folder / "bare.git", folder / "first"
        self.git(folder, "init", "--quiet", "--bare", "--initial-branch=main", self.bare)
        self.git(folder, "clone", "--quiet", self.bare, first)
        config = f'public_url = "https://m.example"\n[feeds.news]\nurl = "{url}"\n'
        (first / "feeds.toml").write_text(config + "allow_private_hosts = true\n")
        self.git(first, "add", "feeds.toml")
        self.git(first, "commit", "--quiet", "--message", "Feeds")
        self.git(first, "push", "--quiet", "origin", "HEAD:main")

    def git(self, cwd: Path, *argv: object) -> str:
        command = [GIT, *map(str, argv)]
        ended = subprocess.run(
            command, cwd=cwd, env=self.environment, capture_output=True, text=True, check=True
        )
        return ended.stdout.strip()

    def run(self, before_push: str = "") -> subprocess.CompletedProcess[str]:
        """The action's script in a fresh checkout, as a runner has it."""
        self.runs += 1
        checkout = self.folder / f"checkout-{self.runs}"
        self.git(self.folder, "clone", "--quiet", "--depth", 1, f"file://{self.bare}", checkout)
        command = ["bash", "-c", f"{before_push}\n. {SCRIPT}"]
        return subprocess.run(
            command, cwd=checkout, env=self.environment, capture_output=True, text=True, check=False
        )

    def mirror(self) -> str | None:
        """The commit of the mirror's branch; None without one."""
        return self.git(self.bare, "for-each-ref", "--format=%(objectname)", "refs/heads/mirror")

    def public(self, path: str) -> str:
        return self.git(self.bare, "show", f"mirror:public/{path}")


@pytest.fixture
def repository(tmp_path: Path, origin: OriginServer) -> Repository:
    return Repository(tmp_path, origin.url("/feed"))


def test_mirror_goes_on_from_the_branch_which_stays_one_commit(repository, origin):
    assert repository.run().returncode == 0
    assert repository.public("news/rss.xml").count("<item>") == 1
    origin.serve("/feed", rss_document([entry(2)]))
    ended = repository.run()
    assert ended.returncode == 0, ended.stderr
    assert repository.public("news/rss.xml").count("<item>") == 2
    assert repository.git(repository.bare, "rev-list", "--count", "mirror") == "1"
    files = repository.git(repository.bare, "ls-tree", "--name-only", "mirror").split()
    assert files == ["data", "public", "state"]


def test_nothing_is_pushed_where_nothing_is_new(repository, origin):
    origin.serve("/feed", rss_document([entry(1)]), etag='"1"')
    repository.run()
    before = repository.mirror()
    assert repository.run().returncode == 0
    assert repository.mirror() == before


def test_a_feed_that_fails_is_pushed_as_such_and_fails_the_run(repository, origin):
    repository.run()
    origin.answer("/feed", 404)
    assert repository.run().returncode == 1
    assert repository.public("news/rss.xml").count("<item>") == 1


def test_a_configuration_that_is_not_valid_pushes_nothing(repository):
    ended = repository.run("echo nonsense >>feeds.toml")
    assert ended.returncode == 2
    assert "feeds.toml" in ended.stderr
    assert not repository.mirror()


def test_a_run_that_was_overtaken_leaves_the_mirror_of_the_faster_one(repository, origin):
    repository.run()
    origin.serve("/feed", rss_document([entry(2)]))
    overtaken = f"""
    feedmirror() {{
        command feedmirror "$@"
        tree=$(git -C {repository.bare} mktree </dev/null)
        other=$(git -C {repository.bare} commit-tree "$tree" -m faster)
        git -C {repository.bare} update-ref refs/heads/mirror "$other"
    }}"""
    assert repository.run(overtaken).returncode != 0
    assert repository.git(repository.bare, "log", "-1", "--format=%s", "mirror") == "faster"


def test_the_action_runs_the_script_with_its_inputs() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    [step] = [step for step in action["runs"]["steps"] if step.get("name") == "Mirror"]
    assert step["run"] == '"$GITHUB_ACTION_PATH/infra/pages/mirror.sh"'
    used = {name for name in action["inputs"] if f"inputs.{name} " in str(step["env"])}
    assert used == set(action["inputs"])
    assert os.access(SCRIPT, os.X_OK)
