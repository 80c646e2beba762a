"""The tests miss each guard that is taken away: `mutants.py` says which tests those are."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from effort import EXHAUSTIVE
from locations import PYTHONPATH, TESTS
from mutants import AREAS
from mutating import Mutant, tried


@pytest.mark.slow
@pytest.mark.parametrize("area", AREAS)
def test_every_guard_is_missed_if_it_is_taken_away(area: str) -> None:
    done = subprocess.run(
        [sys.executable, TESTS / "support/mutating.py", area],
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": PYTHONPATH,
            "FEEDMIRROR_EXHAUSTIVE": "1" if EXHAUSTIVE else "",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    whole, *others = (tuple(json.loads(line)) for line in done.stdout.splitlines())
    assert whole == ("", "all", 0), "the tests do not even pass on the program as it is"
    assert len(others) == sum(
        len(mutant.tests) for mutant in tried(AREAS[area], is_exhaustive=EXHAUSTIVE)
    )
    # 1 says that a test failed; whatever else went wrong proves nothing.
    assert [(guard, test) for guard, test, code in others if code != 1] == []


def test_no_guard_is_named_twice() -> None:
    guards = [mutant.guard for mutants in AREAS.values() for mutant in mutants]
    assert sorted(guards) == sorted(set(guards))


def test_every_guard_is_where_it_is_taken_from() -> None:
    for mutants in AREAS.values():
        for mutant in mutants:
            compile(mutant.source(), mutant.file, "exec")


def test_guard_that_is_not_where_it_was_is_said() -> None:
    with pytest.raises(ValueError, match=r"/decode\.py: 'no such code' stands in it 0 times"):
        Mutant("moved", "parsing/decode.py", "no such code", "", ()).source()
