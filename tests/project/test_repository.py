"""What the repository says of itself is true: its links, its versions, its pins."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from feedmirror import __version__
from locations import ROOT

LOCKS = ("run", "cli", "dev")

# Where a developer's machine shows through. Written so that this file does not match.
FOLDERS = "|".join(re.escape(str(path)) for path in (ROOT, Path.home()) if len(path.parts) > 2)
MACHINE = rf"(?<![\w.-])(?:/root|/work|/farm{FOLDERS and '|'}{FOLDERS})/"
REGISTRY = r"p[y]pi\.org|pythonh[o]sted\.org|registry\.n[p]mjs|(?:deb|security)\.d[e]bian\.org"
CREDENTIAL = r"\bA[K]IA[0-9A-Z]{16}\b|-----B[E]GIN [A-Z ]*PRIVATE KEY-----"


@cache
def files() -> tuple[str, ...]:
    """The repository's files, as git knows them, with those that are new and not ignored."""
    ours = f"safe.directory={ROOT}"  # also if another user cloned it, as in many a container
    listing = ["git", "-c", ours, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        found = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no checkout of git's, so what belongs to the repository is unknown")
    return tuple(
        sorted({name for name in found.stdout.split("\0") if name and (ROOT / name).is_file()})
    )


def read(name: str) -> str:
    return (ROOT / name).read_bytes().decode("utf-8", "replace")


def prose() -> Iterator[str]:
    """The documents that people read."""
    return (name for name in files() if name.endswith(".md"))


def spans(markdown: str) -> list[str]:
    """What stands between single backticks."""
    outside_blocks = re.sub(r"^(```|~~~).*?^\1", "", markdown, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", outside_blocks)


def anchors(markdown: str) -> set[str]:
    """The anchors of the headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", markdown, flags=re.MULTILINE)
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in words}


_PIN = r"^([\w.-]+)(?:\[[\w, ]+\])?==(\S+)"


def pins(lock: str) -> dict[str, str]:
    """The version of each package in a lock file."""
    found = re.findall(_PIN, read(f"requirements/{lock}.txt"), flags=re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


# ---------------------------------------------------------------- nothing of a machine


@pytest.mark.parametrize(
    "pattern", [MACHINE, REGISTRY, CREDENTIAL], ids=["machine", "registry", "credential"]
)
def test_no_file_shows_where_it_was_written(pattern: str) -> None:
    found = [
        f"{name}:{number}: {line.strip()[:120]}"
        for name in files()
        for number, line in enumerate(read(name).splitlines(), 1)
        if re.search(pattern, line)
    ]

    assert not found, "\n".join(found)


# ---------------------------------------------------------------- what documents point at


def test_links_in_documents_lead_somewhere() -> None:
    broken = []
    for name in prose():
        for target in re.findall(r"\]\(([^()\s]+)\)", read(name)):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            there = (ROOT / name).parent / path if path else ROOT / name
            if not there.exists() or (anchor and anchor not in anchors(there.read_text("utf-8"))):
                broken.append(f"{name}: {target}")

    assert not broken, "\n".join(broken)


def test_paths_in_documents_are_those_of_files() -> None:
    folders = {name.split("/")[0] for name in files() if "/" in name}
    missing = [
        f"{name}: {path}"
        for name in prose()
        for path in spans(read(name))
        if re.fullmatch(r"[\w./-]+\.(?:py|md)|(?:[\w.-]+/)+[\w.-]*", path)
        and (path.endswith((".py", ".md")) or path.split("/")[0] in folders)
        and not any(f"/{known}".endswith(f"/{path}") for known in files())
        and not (ROOT / path).is_dir()
    ]

    assert not missing, "\n".join(missing)


def test_commands_of_make_in_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), flags=re.MULTILINE))
    unknown = [
        f"{name}: make {target}"
        for name in prose()
        for target in re.findall(r"(?:^|`|\$ )make ([a-z]+)", read(name), flags=re.MULTILINE)
        if target not in targets
    ]

    assert not unknown, "\n".join(unknown)


# ---------------------------------------------------------------- versions


def test_changelog_begins_with_the_current_version() -> None:
    assert re.findall(r"^## (\d\S*)", read("CHANGELOG.md"), flags=re.MULTILINE)[0] == __version__


def test_documents_name_the_current_version() -> None:
    named = [
        (name, version)
        for name in prose()
        if name != "CHANGELOG.md"
        for version in re.findall(r"feedmirror[ /@=]{1,2}v?(\d+\.\d+\.\d+)", read(name))
    ]

    assert [one for one in named if one[1] != __version__] == []


def test_settings_agree_on_the_oldest_python() -> None:
    settings = tomllib.loads(read("pyproject.toml"))
    oldest = settings["project"]["requires-python"].removeprefix(">=")
    classifiers = " ".join(settings["project"]["classifiers"])
    listed = [Version(v) for v in re.findall(r"Python :: (3\.\d+)", classifiers)]

    assert settings["tool"]["mypy"]["python_version"] == oldest
    assert settings["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert f"--python-version {oldest}" in read("Makefile")
    assert min(listed) == Version(oldest)
    assert Version(read(".python-version").strip()) == max(listed)


# ---------------------------------------------------------------- pins


@pytest.mark.parametrize("lock", [*LOCKS, "sam", "ministack", "uv"])
def test_every_requirement_is_pinned_by_its_hashes(lock: str) -> None:
    lines = re.sub(r"\\\n", "", read(f"requirements/{lock}.txt")).splitlines()
    requirements = [line for line in lines if line and not line.lstrip().startswith("#")]

    assert requirements
    for line in requirements:
        assert re.match(r"[\w.-]+(?:\[[\w, ]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}\b", line), line


def test_a_package_has_one_version_in_all_lock_files() -> None:
    run, cli, dev = (pins(lock) for lock in LOCKS)

    assert run.items() <= cli.items() <= dev.items()


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_files_hold_what_the_project_asks_for(lock: str) -> None:
    settings = tomllib.loads(read("pyproject.toml"))
    groups = settings["dependency-groups"]
    extras = settings["project"]["optional-dependencies"]
    asked = list(settings["project"]["dependencies"])
    asked += [] if lock == "run" else extras["cli"] + groups["build"]
    asked += groups["dev"] if lock == "dev" else []
    locked = pins(lock)

    for requirement in map(Requirement, asked):
        version = locked.get(canonicalize_name(requirement.name))
        assert version, f"{requirement} is not in requirements/{lock}.txt: make lock"
        assert requirement.specifier.contains(version), f"{requirement}, but {version} is locked"


def test_the_command_is_built_with_locked_packages_alone() -> None:
    settings = tomllib.loads(read("pyproject.toml"))

    assert settings["build-system"]["requires"] == settings["dependency-groups"]["build"]
