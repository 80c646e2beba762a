"""Plain text among markup: what others take it for, and what it does to what follows."""

from __future__ import annotations

import base64
import json
import re
from unicodedata import bidirectional

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from builders import entry, rss_document
from feedmirror.model import Disclaimer, Position, Subscription
from feedmirror.parsing import extensions
from feedmirror.text.namespaces import PREFIXES
from feedmirror.text.plain import (
    close_directions,
    escape_for_script,
    is_prose,
    is_read_as_html,
    looks_like_html,
    single_line,
    unescape,
    unmarked_prose,
    words_of,
)
from inertness import running
from rules.disclaimers import bare_prose
from scene import URL, Scene

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


# ---------------------------------------------------------------- prose in extension elements


NOTICE = "Copied by the harbour office."
ARTICLE = (
    "The ferry left the quay at dusk and nobody on deck had expected the fog to come in so early. "
    "The captain blew the horn twice, slowed to a crawl, and told the passengers to wait below "
    "until the lights of the island could be seen again."
)
SPACES = {prefix: PREFIXES[prefix] for prefix in ("cc", "georss", "podcast")} | {"k": "urn:k"}
PICTURE = (
    "<media:content url='https://k.example.org/a.png' type='image/png'>"
    "<media:description>{}</media:description></media:content>"
)
PARAGRAPHS = "".join(f"<k:p>{one}.</k:p>" for one in ARTICLE.split(".") if one)


def _scene(extra: str, position: Position = Position.END) -> Scene:
    disclaimer = Disclaimer(text=NOTICE, position=position)
    document = rss_document([entry(1, extra=extra)], extra_namespaces=SPACES)
    return Scene(document, subscription=Subscription("news", URL, disclaimer=disclaimer))


def _public(extra: str, position: Position = Position.END) -> tuple[str, str]:
    scene = _scene(extra, position)
    outcome = scene.refresh()
    assert (outcome.outcome, outcome.quarantined, outcome.note) == ("changed", (), None)
    return scene.public(), scene.public("atom.xml")


# ---------------------------------------------------------------- what is prose


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (ARTICLE, True),
        (f"<p>{ARTICLE}</p>", True),
        (f"&lt;p class='long'&gt;{ARTICLE}", True),
        ("渡船は夕暮れに岸を離れたが、霧がこんなに早く来るとは誰も思わなかった。" * 4, True),
        ("Паром ушёл на закате, и никто не ждал тумана так рано в этот тёплый вечер. " * 4, True),
        (" ".join(ARTICLE.split()[:39]), False),
        ("53.1 -0.4 " * 60, False),
        (", ".join(f"harbour {n}" for n in "abcdefghijklmnopqrstuvwxyz" * 3), False),
        (base64.encodebytes(bytes(range(256)) * 40).decode(), False),
        ('{"words": "' + ARTICLE + '"}', False),
        (f"WEBVTT\n\n00:00:01.000 --> 00:00:09.000\n{ARTICLE}", False),
        ("", False),
    ],
)  # fmt: skip
def test_prose_is_forty_words_mostly_letters(words: str, expected: bool) -> None:
    assert is_prose(words) is expected


@given(st.text(max_size=300))
def test_fewer_than_forty_words_are_never_prose(text: str) -> None:
    words = re.sub("[\u0e00-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]", "", text).split()[:39]
    assert not is_prose(" ".join(words).replace("&", "").replace("<", ""))


# ---------------------------------------------------------------- where it carries the disclaimer


@pytest.mark.parametrize("position", list(Position))
@pytest.mark.parametrize(
    "element",
    [
        f"<k:story>{ARTICLE}</k:story>",
        f"<k:a><k:story>{ARTICLE}</k:story></k:a>",
        f"<k:story>&lt;p&gt;{ARTICLE}&lt;/p&gt;&lt;!-- open</k:story>",
        f"<itunes:subtitle>{ARTICLE}</itunes:subtitle>",
        f"<k:story>{ARTICLE}<k:by>Una</k:by></k:story>",
        f"<k:story>{PARAGRAPHS}</k:story>",
    ],
)  # fmt: skip
def test_prose_carries_the_disclaimer_whatever_its_element_is_called(
    element: str, position: Position
) -> None:
    for document in _public(element, position):
        (found,) = etree.fromstring(document.encode()).xpath(
            "//*[local-name()='story' or local-name()='subtitle'][contains(., 'ferry')]"
        )
        words = "".join(found.itertext())
        before = words.index(NOTICE) < words.index("ferry")
        assert before is (position is Position.BEGINNING)
        assert bare_prose(document.encode(), NOTICE) == []


def test_the_judge_of_prose_sees_an_article_without_the_disclaimer() -> None:
    bare_one = rss_document([entry(1, extra=f"<k:a>{ARTICLE}</k:a>")], extra_namespaces=SPACES)
    assert bare_prose(bare_one, NOTICE) == ["{urn:k}a"]


def test_markup_in_prose_is_cleaned_so_that_nothing_swallows_the_disclaimer() -> None:
    rss, _ = _public(f"<k:story>{ARTICLE}&lt;!-- never closed</k:story>")
    (story,) = etree.fromstring(rss.encode()).iter("{urn:k}story")
    assert "<!--" not in story.text
    assert "feedmirror-disclaimer" in story.text


@pytest.mark.parametrize(
    "element",
    [
        f"<dc:rights>{ARTICLE}</dc:rights>",
        f"<cc:license>{ARTICLE}</cc:license>",
        f"<podcast:transcript>{ARTICLE}</podcast:transcript>",
        PICTURE.format(ARTICLE),
        f"<georss:polygon>{'1 2 3 4 ' * 20}</georss:polygon>",
        f"<k:story>{' '.join(ARTICLE.split()[:30])}</k:story>",
    ],
)
def test_licences_transcripts_pictures_and_shapes_stay_as_they_are(element: str) -> None:
    for document in _public(element):
        words = re.sub(r"<[^>]*>", "", element)
        assert f">{words}</" in document


# ---------------------------------------------------------------- the last check


def test_prose_that_lacks_the_disclaimer_is_left_out_alone_and_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(extensions, "is_prose", lambda _: False)  # as if reading had a fault
    scene = _scene(f"<k:box><k:story>{ARTICLE}</k:story><k:by>Una</k:by></k:box>")
    outcome = scene.refresh()
    assert outcome.quarantined == ()
    assert outcome.note is not None
    assert "k:story" in outcome.note
    for name in ("rss.xml", "atom.xml"):
        assert "ferry" not in scene.public(name)
        assert ">Una</k:by>" in scene.public(name)


def test_the_last_check_sees_each_element_and_only_what_lacks_a_mark() -> None:
    inner = f"<k:in>{ARTICLE}</k:in>"
    fragment = f'<k:out xmlns:k="urn:k">{ARTICLE} {inner} {NOTICE}<k:end/></k:out>'
    assert [name for name, _, _ in unmarked_prose(fragment, ("no such mark",))] == ["k:in", "k:out"]
    ((name, start, end),) = unmarked_prose(fragment, (NOTICE,))
    assert (name, fragment[start:end]) == ("k:in", inner)
