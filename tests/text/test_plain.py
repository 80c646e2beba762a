"""Plain text among markup: what others take it for, and what it does to what follows."""

from __future__ import annotations

import json
import re
from unicodedata import bidirectional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmirror.text.plain import (
    close_directions,
    escape_for_script,
    is_read_as_html,
    looks_like_html,
    single_line,
    unescape,
    words_of,
)
from inertness import running

MARKS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
OPENING = {"LRE", "RLE", "LRO", "RLO"}
ISOLATING = {"LRI", "RLI", "FSI"}


@pytest.mark.parametrize(
    "text",
    ["<svg/onload=x>", "<img src=x onerror=y", '<img alt="<" src=x>', "<x-y>", "a<b", "</p", "<?x"],
)
def test_what_a_parser_of_html_takes_for_a_tag_is_read_as_html(text: str) -> None:
    assert is_read_as_html(text)


@pytest.mark.parametrize("text", ["5 < 6", "<3", "a > b", "R&D", "x&y=z", "AT&T;", ""])
def test_words_that_no_parser_takes_for_markup_are_not(text: str) -> None:
    assert not is_read_as_html(text)


@given(st.text(alphabet="<>/!?=ab &;#1\"'", max_size=20))
def test_whatever_looks_like_html_is_read_as_html(text: str) -> None:
    assert is_read_as_html(text) or not looks_like_html(text)
    assert is_read_as_html(text) or running(text) == []


def _left_open(text: str) -> list[str]:
    """What a text leaves open. Source: UAX #9, BD9, X5a to X7."""
    stack: list[str] = []
    for mark in text:
        kind = bidirectional(mark)
        if kind in OPENING | ISOLATING:
            stack.append(kind)
        elif kind == "PDF" and stack and stack[-1] in OPENING:
            stack.pop()
        elif kind == "PDI" and ISOLATING & set(stack):
            while stack.pop() not in ISOLATING:
                pass
    return stack


@given(st.text(alphabet=f"a {MARKS}", max_size=30))
def test_a_text_that_is_closed_leaves_no_direction_open(text: str) -> None:
    made = close_directions(text)
    assert made.startswith(text)
    assert _left_open(made) == []
    assert made == text or _left_open(text)
    assert not re.search(f"[{MARKS}]", single_line(text))


@given(st.text(alphabet='</script>!-\u2028\u2029a"\\', max_size=40))
def test_json_in_a_script_is_the_same_json(text: str) -> None:
    plain = json.dumps({text: [text]}, ensure_ascii=False)
    made = escape_for_script(plain)
    assert json.loads(made) == json.loads(plain)
    assert not re.search("</script|<script|<!--|[\u2028\u2029]", made, re.IGNORECASE)


@pytest.mark.parametrize(
    ("reference", "character"),
    [
        (f"&#{'0' * 5_000}65;", "A"),
        (f"&#{'9' * 5_000};", "\ufffd"),
        (f"&#x{'0' * 5_000}41;", "A"),
        ("&#65", "A"),
    ],
)
def test_a_reference_of_thousands_of_digits_is_read(reference: str, character: str) -> None:
    assert unescape(f"a{reference} b") == f"a{character} b"


@pytest.mark.parametrize("mark", ["\u0316", "\u0489", "\u0300"])
def test_a_single_line_has_no_endless_stack_of_marks(mark: str) -> None:
    assert single_line(f"a{mark * 300}b{mark}") == f"a{mark * 4}b{mark}"
    for whole in ("שָּׁ֑לוֹם", "Tiê\u0323\u0301ng", "ที่นี่", "👁️‍🗨️"):
        assert single_line(whole) == whole


@pytest.mark.parametrize("name", "caption details hgroup main menu nav summary tbody".split())
def test_words_of_blocks_stay_apart_on_one_line(name: str) -> None:
    assert words_of(f"a<{name}>b</{name}>c") == "a b c"
