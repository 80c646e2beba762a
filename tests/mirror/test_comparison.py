"""What is a revision, what is a particular, and what is neither."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from feedmirror.mirror.comparison import (
    is_renewed,
    particulars_digest,
    revision_digest,
    shares_words,
)
from feedmirror.model import Author, Category, Enclosure, Entry

PICTURE = '<img src="https://cdn.example.org/a.png">'
ENTRY = Entry(
    title="One",
    link="https://e.org/1",
    content=f'<p>some <b>text</b> <a href="https://e.org/x?v=1">there</a></p>{PICTURE}',
    enclosures=(Enclosure("https://e.org/a.mp3", "audio/mpeg"),),
)


def body(before: str, after: str) -> dict[str, object]:
    assert before in (ENTRY.content or "")
    return {"content": (ENTRY.content or "").replace(before, after)}


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Two"},
        {"link": "https://e.org/2"},
        {"link": "https://e.org/1?id=7"},
        {"summary": "<p>text</p>"},
        body("text", "texts"),
        body("v=1", "v=2"),
        body("/x?v=1", "/y?v=1"),
        body(PICTURE, ""),
        body(PICTURE, PICTURE * 2),
    ],
)
def test_words_links_and_pictures_that_come_or_go_make_a_revision(
    change: dict[str, object],
) -> None:
    assert revision_digest(replace(ENTRY, **change)) != revision_digest(ENTRY)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"link": "https://e.org/1?utm_source=rss&utm_medium=feed"},
        {"enclosures": (Enclosure("https://e.org/b.mp3", "audio/mpeg"),)},
        {"enclosures": ()},
        {"authors": (Author("Bo"),)},
        {"categories": (Category("boats"),)},
        {"language": "de"},
        {"image": "https://e.org/i.png"},
        {"extension_elements": ("<itunes:duration>42</itunes:duration>",)},
        {"extension_elements": ('<podcast:transcript url="https://e.org/1.vtt"/>',)},
        body("a.png", "b.png"),
        body("a.png", "a.png?sig=1"),
        body("v=1", "v=1&amp;utm_campaign=rss"),
        body("v=1", "v=1&amp;X-Amz-Signature=0a&amp;X-Amz-Expires=300"),
        body("<b>text</b>", "<em>text</em>"),
    ],
)
def test_all_else_is_a_particular(change: dict[str, object]) -> None:
    changed = replace(ENTRY, **change)  # type: ignore[arg-type]
    assert revision_digest(changed) == revision_digest(ENTRY)
    assert particulars_digest(changed) != particulars_digest(ENTRY)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<media:statistics views="1"/>', '<media:statistics views="2"/>'),
        ('<media:starRating count="1">x</media:starRating>', ""),
        ("<slash:comments>3</slash:comments>", "<slash:comments>4</slash:comments>"),
        ('<atom:link rel="replies" thr:count="3"/>', '<atom:link rel="replies" thr:count="4"/>'),
        (
            '<media:community><media:statistics views="1"/></media:community>',
            '<media:community><media:statistics views="9"/></media:community>',
        ),
    ],
)
def test_counters_are_neither(before: str, after: str) -> None:
    entries = [replace(ENTRY, extension_elements=(each,)) for each in (before, after)]
    assert len({revision_digest(entry) for entry in entries}) == 1
    assert len({particulars_digest(entry) for entry in entries}) == 1


def test_addresses_that_differ_in_what_expires_are_renewed() -> None:
    def at(signature: str, file: str = "a") -> Entry:
        return replace(
            ENTRY,
            content=f'<p><img src="https://cdn.e.org/{file}.png?oe={signature}&amp;oh=1"></p>',
            enclosures=(Enclosure(f"https://cdn.e.org/{file}.mp3?token-time={signature}"),),
        )

    assert is_renewed(at("1"), at("2"))
    assert not is_renewed(at("1"), at("1"))
    assert not is_renewed(at("1"), at("2", "b"))
    assert not is_renewed(at("1"), replace(at("2"), authors=(Author("Bo"),)))


def test_what_shares_a_third_of_its_words_is_an_edit() -> None:
    known = Entry(title="Known", content="<p>one two three four five six</p>")
    assert shares_words(Entry(content="<p>one <b>two</b> seven eight nine ten</p>"), known)
    assert not shares_words(Entry(content="<p>one seven eight nine ten eleven</p>"), known)
    assert shares_words(Entry(content="<p>" + "more " * 90 + "one two three</p>"), known)
    assert shares_words(Entry(title="known words"), Entry(title="Known"))
    assert not shares_words(Entry(title="others"), Entry(title="Known"))
    assert shares_words(
        Entry(content="<p>港の渡し船は今朝遅れた</p>"),
        Entry(content="<p>今朝、港の渡し船が遅れた。</p>"),
    )
