"""`tools/audit` says what is known to be vulnerable, and never that all is well without knowing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from commands import ROOT

FINE = {"name": "six", "version": "1.17.0", "vulns": []}
FLAWED = {**FINE, "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.18.0"]}]}
PASSED_OVER = {"name": "nh3", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (json.dumps({"dependencies": [FINE]}), 0, "nothing is known of 1 packages"),
        (json.dumps({"dependencies": [FLAWED]}), 1, "six 1.17.0: PYSEC-1, fixed in 1.18.0"),
        (json.dumps({"dependencies": [FINE, PASSED_OVER]}), 3, "NOT KNOWN: no answer about nh3"),
        ("", 3, "NOT KNOWN: ConnectionError"),
    ],
    ids=["nothing", "a vulnerability", "no answer about one", "no network"],
)
def test_exit_code_tells_what_is_known(tmp_path: Path, answer: str, code: int, said: str) -> None:
    scanner = tmp_path / "pip-audit"
    scanner.write_text(f"#!/bin/sh\necho 'ConnectionError' >&2\necho '{answer}'\n")
    scanner.chmod(0o755)
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "audit", "requirements/run.txt"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert said in done.stdout + done.stderr
