"""The package that `pip install` gets: built, installed beside nothing of the checkout, and run."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from builders import entry, rss_document
from feedmirror import __version__
from locations import ROOT

PACKAGE = ROOT / "functions" / "feedmirror"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution."""
    out = tmp_path_factory.mktemp("dist")
    for target in ("wheel", "sdist"):
        command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", out]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return out


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package as the wheel has it."""
    target = tmp_path_factory.mktemp("installed")
    [wheel] = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def run(installed: Path, cwd: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """The command of the installed package; of this environment it has the dependencies alone."""
    path = os.pathsep.join((str(installed), sysconfig.get_path("purelib")))
    code = (
        "import sys, feedmirror; "
        f"assert feedmirror.__file__.startswith({str(installed)!r}), feedmirror.__file__; "
        "from feedmirror.entrypoints.cli import main; sys.exit(main())"
    )
    return subprocess.run(
        [sys.executable, "-S", "-W", "error", "-c", code, *argv],
        cwd=cwd,
        env={"PATH": os.defpath, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_wheel_holds_the_package_whole_and_nothing_else(built: Path) -> None:
    [wheel] = built.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    [page] = (name for name in names if name.endswith(".data/data/share/man/man1/feedmirror.1"))
    names -= {page}
    kept = (path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix != ".pyc")
    assert names == {path.relative_to(PACKAGE.parent).as_posix() for path in kept}
    assert any(name.endswith(".css") for name in names)
    assert any(name.endswith("entry.html") for name in names)


def test_source_distribution_holds_what_the_wheel_is_built_from_and_its_tests(built: Path) -> None:
    [sdist] = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "template.yaml", "Makefile"} <= names
    assert {"functions/feedmirror/refresh.py", "tests/conftest.py", "infra/cdn.yaml"} <= names
    assert not any(name.endswith(".pyc") or "/.venv" in name for name in names)


def test_installed_command_says_its_version(installed: Path, tmp_path: Path) -> None:
    ended = run(installed, tmp_path, "-V")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"feedmirror {__version__}\n", "")


def test_installed_command_mirrors_a_feed_with_pages_and_styles(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "feed.xml").write_bytes(rss_document([entry(1), entry(2)]))
    ended = run(installed, tmp_path, "run", "./feed.xml", "--slug", "news")
    assert ended.returncode == 0, ended.stderr
    public = tmp_path / "mirror" / "public"
    assert (public / "news" / "rss.xml").read_bytes().count(b"<item>") == 2
    assert (public / "news" / "index.html").exists()
    assert list(public.glob("style-*.css"))


def test_metadata_name_the_command_the_licence_and_the_extra(built: Path) -> None:
    [wheel] = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        [metadata] = [name for name in archive.namelist() if name.endswith("/METADATA")]
        text = archive.read(metadata).decode()
        [points] = [name for name in archive.namelist() if name.endswith("/entry_points.txt")]
        assert "feedmirror = feedmirror.entrypoints.cli:main" in archive.read(points).decode()
    assert "Provides-Extra: cli" in text
    assert "License-Expression: MIT" in text
    assert "Description-Content-Type: text/markdown" in text
