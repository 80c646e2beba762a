"""Words of an entry are found in an object, in whatever way they are escaped."""

from __future__ import annotations

import json
from html import escape
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmirror.mirror.quotation import phrases_of, quotes
from feedmirror.model import Entry

TITLE = 'The Mayor\'s "dog" & Zoë <b>'
BODY = "<p>The mayor&#8217;s dog <em>ran</em> away &amp; was <b>f</b>ound on the quay.</p>"
PHRASES = phrases_of([Entry(title=TITLE, summary=BODY)])
WORDS = st.lists(st.text(st.characters(categories=("L", "Nd")), min_size=1), min_size=5)


@pytest.mark.parametrize(
    "text",
    [
        TITLE,
        BODY,
        escape(TITLE),
        escape(escape(TITLE)),
        escape(BODY),
        json.dumps(TITLE),
        json.dumps({"a": BODY}),
        json.dumps(escape(BODY)),
        f"<![CDATA[{BODY}]]>",
        "<p>he said: the mayor\u2019s dog ran\n  away &#38; was found on the quay, twice</p>",
    ],
)
def test_a_quotation_is_found(text: str) -> None:
    assert quotes(f"before {text} after".encode(), PHRASES)


@pytest.mark.parametrize("text", ["", "The mayor's cat ran away", quote(TITLE), "dog"])
def test_other_words_are_none(text: str) -> None:
    assert not quotes(text.encode(), PHRASES)


def test_words_that_anybody_may_write_are_not_looked_for() -> None:
    assert phrases_of([Entry(title="Home", summary="<p>Read more</p>")]) == ()


@given(WORDS, st.text(), st.text())
def test_plain_words_are_found_wherever_they_stand(
    words: list[str], before: str, after: str
) -> None:
    title = " ".join(words)
    for escaped in (title, escape(title), json.dumps(title)):
        body = f"{escape(before)} {escaped} {escape(after)}".encode("utf-8", "surrogatepass")
        assert quotes(body, phrases_of([Entry(title=title)]))
