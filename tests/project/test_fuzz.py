"""Every seed, and so every finding of the past, keeps to what the targets promise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from commands import ROOT

sys.path.append(str(ROOT))  # behind all else: what is fuzzed is found where the tests find it

from fuzz import __main__ as fuzz
from fuzz.children import SEEDS, Result, _folders
from fuzz.targets import NAMES, target
from fuzz.watch import TooSlowError, timed

PYTHON = ROOT / ".venv-fuzz" / "bin" / "python"
CASES = [
    pytest.param(name, path, id=f"{name}-{path.name}")
    for name in NAMES
    for kind in target(name).seeds
    for folder in _folders(kind)
    for path in sorted(folder.iterdir())
    if path.suffix != ".md"
]


@pytest.mark.parametrize(("name", "path"), CASES)
def test_seed_keeps_to_what_is_promised(name: str, path: Path) -> None:
    target(name).check(path.read_bytes())


def test_every_folder_of_seeds_is_used_and_every_target_has_one() -> None:
    used = {kind for name in NAMES for kind in target(name).seeds}
    assert used == {folder.name for folder in SEEDS.iterdir()}


def test_input_that_takes_too_long_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.watch.FLOOR_S", 0.01)

    def spin(data: bytes) -> None:
        sum(range(2_000_000))

    with pytest.raises(TooSlowError, match="s of CPU time for 4 bytes"):
        timed(spin)(b"slow")


def test_finding_can_be_repeated_without_atheris(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "input").write_bytes(b"<p>one")
    assert fuzz.main(["--repeat", str(tmp_path / "input"), "html", "page_body"]) == 0
    assert capsys.readouterr().out.count("nothing is found") == 2


def test_target_that_does_not_exist_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        fuzz.main(["htlm"])
    assert "htlm: no such target" in capsys.readouterr().err


def test_row_of_a_finding_names_the_file_that_repeats_it() -> None:
    result = Result("decode", 2.0, 3_000, 400, Path("crash-1"), "ValueError: odd\nTraceback")
    assert result.row().split() == ["decode", "2.0", "3,000", "1,500", "400", "crash-1"]
    assert result.complaint == "ValueError: odd"


@pytest.mark.slow
def test_planted_fault_is_found_and_said_with_the_file_that_repeats_it(tmp_path: Path) -> None:
    if (
        not PYTHON.exists()
        or subprocess.run([PYTHON, "-c", "import atheris"], check=False).returncode
    ):
        pytest.skip("atheris is not there: `make .venv-fuzz/fuzz.stamp` installs it where it can")
    # As if bodies were not cleaned.
    (tmp_path / "sitecustomize.py").write_text(
        f"import sys; sys.path += [{str(ROOT / 'functions')!r}]\n"
        "from feedmirror.text import sanitize; sanitize.clean = lambda body, *_: body\n"
    )
    options = ["--seconds", "3", "--findings", str(tmp_path / "found"), "html"]
    done = subprocess.run(
        [PYTHON, "-m", "fuzz", *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    (file,) = (tmp_path / "found" / "html").iterdir()
    assert f"again: python -m fuzz --repeat {file} html" in done.stdout
    assert "AssertionError: the body" in done.stdout
