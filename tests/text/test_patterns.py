"""Patterns that are compiled when they are first used are patterns like any other."""

from __future__ import annotations

import re

import pytest

from feedmirror.text.patterns import pattern


def test_a_lazy_pattern_matches_as_the_compiled_one() -> None:
    lazy, compiled = (
        make(r"(?P<word>[a-z]+)-(\d)", re.IGNORECASE) for make in (pattern, re.compile)
    )
    for _ in range(2):
        assert lazy.sub(r"\2", "x Tide-7 y") == compiled.sub(r"\2", "x Tide-7 y") == "x 7 y"
        assert lazy.findall("a-1, b-2") == compiled.findall("a-1, b-2")
        assert lazy.fullmatch("tide") is None
    assert (lazy.pattern, lazy.flags) == (compiled.pattern, compiled.flags)
    assert pattern(b"<!").search(b"a <!b")


def test_a_lazy_pattern_is_compiled_when_it_is_first_used() -> None:
    broken = pattern("(")
    with pytest.raises(re.error):
        broken.search("x")
