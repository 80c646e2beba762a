"""The table of faults and attacks in docs/security.md is what the tests prove, no more, no less."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from runpy import run_path

import pytest

from locations import ROOT
from rows import ROWS, STAGES

TOOL = ROOT / "tools" / "security-table"
_tool = run_path(str(TOOL))


@cache
def marked() -> set[str]:
    """The rows that any test is marked with."""
    return {proof.row for proof in _tool["proofs"](ROOT / "tests")}


def test_every_row_has_its_own_id_of_its_stage() -> None:
    assert [row_id for row_id, times in Counter(row.id for row in ROWS).items() if times > 1] == []
    letters = {(row.stage, row.id[0]) for row in ROWS}
    assert len(letters) == len(STAGES) == len({stage for stage, _ in letters})


def test_every_row_is_proved_by_a_test() -> None:
    assert [row.id for row in ROWS if row.id not in marked()] == []


def test_no_test_is_marked_with_a_row_that_is_none() -> None:
    assert marked() - {row.id for row in ROWS} == set()


def test_the_table_is_what_the_tests_say() -> None:
    done = subprocess.run(
        [sys.executable, str(TOOL), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (
        "docs/security.md is not up to date; `.venv/bin/python tools/security-table` writes it:\n"
        f"{done.stdout}{done.stderr}"
    )


def test_marks_of_functions_and_of_modules_are_found(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(
        "pytestmark = [pytest.mark.slow, pytest.mark.row('A1')]\n"
        "@pytest.mark.row('B1', 'B2')\n@pytest.mark.slow\ndef test_one(): pass\n"
        "class TestTwo:\n    def test_two(self): pass\n"
        "def no_test(): pass\n"
    )
    found = [(proof.row, proof.test) for proof in _tool["proofs"](tmp_path)]
    assert found == [
        ("A1", "test_one"),
        ("A1", "test_two"),
        ("B1", "test_one"),
        ("B2", "test_one"),
    ]


def test_a_page_without_its_comments_is_left_alone() -> None:
    with pytest.raises(SystemExit, match="lacks one of the comments"):
        _tool["written"]("# Security\n", [])
