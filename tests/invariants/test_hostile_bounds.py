"""Content that is odd rather than active: characters that no format carries, sizes that nobody
writes, and whom a page makes a browser ask.
"""

from __future__ import annotations

import json
from itertools import cycle
from typing import Any

import pytest
from lxml import etree

from builders import entry, json_feed, rss_document
from cpu_time import within
from feedmirror.model import Disclaimer, Images, Position, Subscription
from feedmirror.publishing.formats import formats
from feedmirror.publishing.pages.body import rewrite_body
from feedmirror.text import sanitize
from hostile_feeds import entries, feed_of, with_escapes
from inertness import json_problems, notice_problems, page_problems, xml_problems
from page_reading import tree, words
from parsers import InProcessParser
from rules.tree import CONTENT, parse_document
from rules.values import scheme_of
from scene import URL, Scene
from vectors import OPEN_ENDED, TEXTS

NOTICE = "A sentence of the operator's."
KINDS = ("rss", "atom", "json")


def _scene(document: bytes, **settings: Any) -> Scene:
    subscription = Subscription("news", URL, **{"disclaimer": Disclaimer(text=NOTICE), **settings})
    scene = Scene(document, subscription=subscription, parser=InProcessParser())
    outcome = scene.refresh()
    assert (outcome.outcome, outcome.quarantined) == ("changed", ())
    return scene


def _page(scene: Scene) -> str:
    """The page of the one entry."""
    (key,) = (key for key in scene.store.keys("public/") if "/entries/" in key)
    return scene.public(key.removeprefix("public/news/"))


# ---------------------------------------------------------------- the disclaimer's place


@pytest.mark.row("R3")
@pytest.mark.parametrize("position", Position)
@pytest.mark.parametrize("kind", KINDS)
def test_the_disclaimer_stands_in_its_place_whatever_a_body_leaves_open(
    kind: str, position: Position
) -> None:
    given = [entry(number, summary=f"words {each}") for number, each in enumerate(OPEN_ENDED)]
    disclaimer = Disclaimer(text=NOTICE, position=position)
    scene = _scene(feed_of(kind, given), disclaimer=disclaimer, keep=len(given))
    bodies = [item["content_html"] for item in json.loads(scene.public("feed.json"))["items"]]
    assert len(bodies) == len(OPEN_ENDED)
    for body in bodies:
        assert notice_problems(body, NOTICE, at_end=position is Position.END) == [], body


# ---------------------------------------------------------------- characters


@pytest.mark.row("R4", "C6")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", TEXTS)
def test_odd_characters_leave_every_document_whole(name: str, kind: str) -> None:
    text = TEXTS[name]
    one = entry(1, title=text, author=text, categories=[text], summary=text, guid=f"1{text}")
    scene = _scene(feed_of(kind, [one], title=text))
    for path in ("rss.xml", "atom.xml"):
        assert xml_problems(scene.public(path).encode()) == []
    assert json_problems(scene.public("feed.json").encode()) == []
    assert page_problems(_page(scene).encode()) == []
    assert page_problems(scene.public("index.html").encode()) == []


@pytest.mark.row("R4")
def test_half_a_character_is_left_out_and_the_rest_stays() -> None:
    said = {
        "title": "a%ud800b",
        "author": "c%udfff",
        "summary": "<p>d%ud83de</p>",
        "guid": "%udc00f",
    }
    scene = _scene(with_escapes(json_feed([entry(1, **said)], title="g%ud800")))
    item = json.loads(scene.public("feed.json"))["items"][0]
    assert (item["title"], item["authors"]) == ("ab", [{"name": "c"}])
    assert "<p>de</p>" in item["content_html"]
    assert parse_document(scene.public().encode()).findtext(".//item/title") == "ab"


@pytest.mark.row("R4")
@pytest.mark.parametrize("kind", KINDS)
def test_the_end_of_a_section_is_no_end_of_a_body(kind: str) -> None:
    body = "<p>a ]]&gt; b ]]> c</p><pre>if x[y[0]]>1</pre>"
    scene = _scene(feed_of(kind, [entry(1, summary=None, content=body)]))
    for path, found in (
        ("rss.xml", f".//item/{{{CONTENT}}}encoded"),
        ("atom.xml", ".//{*}content"),
    ):
        shown = parse_document(scene.public(path).encode()).findtext(found)
        assert shown is not None
        assert "a ]]&gt; b ]]&gt; c" in shown
        assert "x[y[0]]&gt;1" in shown
        assert NOTICE in shown


@pytest.mark.row("R4")
def test_json_may_stand_in_a_script_of_a_page() -> None:
    title = "</script><!--<script>\u2028\u2029 a < b"
    scene = _scene(rss_document([entry(1, title=title)], title=title))
    document = scene.public("feed.json")
    told = json.loads(document)
    assert told["items"][0]["title"] == title
    page = f"<html><body><script>var feed = {document};</script><i>words</i></body></html>"
    (after,) = tree(page).xpath("//script/following-sibling::*")
    assert words(after) == "words"
    assert "\u2028" not in document


@pytest.mark.row("C6")
def test_identity_goes_by_the_guids_own_characters() -> None:
    guids = ["a", "\u0430", "a\u200b", "a\u202e", "\uff41", "A"]
    given = [entry(n, guid=guid, link=None, title=None) for n, guid in enumerate(guids)]
    scene = _scene(rss_document(given), keep=10)
    found = parse_document(scene.public().encode()).xpath("//item/guid/text()")
    assert sorted(found) == sorted(guids)


# ---------------------------------------------------------------- sizes

_LONG = 300_000  # characters
HUGE = {
    "a title": {"title": "word " * (4 * _LONG // 5)},
    "a title of one word": {"title": "x" * 4 * _LONG},
    "a title of brackets": {"title": "<" * _LONG},
    "a title of markup": {"title": "<b " * (_LONG // 3)},
    "a title of marks": {"title": "a" + "\u0300" * _LONG},
    "a title of directions": {"title": "\u202e\u2066" * (_LONG // 2)},
    "a title of addresses": {"title": "=javascript:" * (_LONG // 12)},
    "an author": {"author": "a@" * (_LONG // 2)},
    "nested divisions": {"content": "<div>" * (_LONG // 5)},
    "nested quotes": {"content": "<blockquote><p>" * (_LONG // 15)},
    "nested tables": {"content": "<table><tr><td>" * (_LONG // 15)},
    "nested formatting": {"content": "<b><i><a href=x>" * (_LONG // 16)},
    "nested lists": {"content": "<ul><li>" * (_LONG // 8)},
    "nested extension elements": {"content": "<svg><math><mtext>" * (_LONG // 18)},
    "nested templates": {"content": "<template><select>" * (_LONG // 18)},
    "comments": {"content": "<!--" * (_LONG // 4)},
    "ends": {"content": "</p>" * (_LONG // 8)},
    "ampersands": {"content": "&" * _LONG},
    "one tag": {"content": f"<p {'a=b ' * (_LONG // 4)}>words"},
    "one attribute": {"content": f'<p title="{"<" * _LONG}">words'},
    "many sizes of a picture": {"content": f"<img srcset='{'x 1x, ' * (_LONG // 6)}'>words"},
}


@pytest.mark.row("R5")
@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), [*zip(HUGE, cycle(KINDS), strict=False)])
def test_what_nobody_writes_takes_seconds_at_most(name: str, kind: str) -> None:
    document = feed_of(kind, [entry(2, **HUGE[name]), entry(1)])
    usual = feed_of(kind, [entry(2, content="<p>words</p>" * (_LONG // 120)), entry(1)])
    # Quadratic is a hundred times as much.
    scene = within(1_000, lambda: _scene(document), than=lambda: _scene(usual))
    item = json.loads(scene.public("feed.json"))["items"][0]
    assert NOTICE in item["content_html"]
    assert sum(len(scene.public(each.name)) for each in formats()) < 40 * _LONG


@pytest.mark.row("R5")
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_feed_says_of_itself_is_not_multiplied_by_its_entries(kind: str) -> None:
    given = [entry(number) for number in range(50)]
    huge = {"title": "t" * 1_000_000, "link": f"https://a.example.org/{'l' * 1_000_000}"}
    scene = _scene(feed_of(kind, given, **huge), keep=50)
    store: Any = scene.store
    assert sum(map(len, store.objects.values())) < 2_000_000
    assert json.loads(scene.public("feed.json"))["title"] == "t" * 1000


@pytest.mark.row("R5")
@pytest.mark.parametrize(("kind", "name"), [("rss", "copyright"), ("atom", "rights")])
def test_a_feeds_endless_rights_are_not_either(kind: str, name: str) -> None:
    more = f"<{name}>{'r' * 1_000_000}</{name}><itunes:summary>{'s' * 99_000}</itunes:summary>"
    extra = {"extra_channel" if kind == "rss" else "extra_feed": more}
    scene = _scene(feed_of(kind, [entry(n) for n in range(50)], **extra), keep=50)
    store: Any = scene.store
    assert sum(map(len, store.objects.values())) < 2_000_000


# ---------------------------------------------------------------- whom a page asks


def _loaded(page: str) -> list[tuple[str, str, str]]:
    """What a browser asks for without being told to: element, attribute, address."""
    found = []
    for element in tree(page).iter(etree.Element):
        waits = element.tag in {"audio", "video"} and element.get("preload") == "none"
        within = element.xpath("ancestor::*[(self::audio or self::video) and @preload='none']")
        found += [
            (element.tag, name, element.get(name))
            for name in ("src", "srcset", "poster", "data", "background", "action", "ping")
            if name in element.attrib and not (within or (waits and name == "src"))
        ]
        if element.tag == "link" and element.get("rel") not in {"alternate", "canonical"}:
            found.append((element.tag, "href", element.get("href")))
    return found


@pytest.mark.slow
@pytest.mark.row("R8")
@pytest.mark.parametrize("images", Images)
def test_a_page_asks_the_mirror_alone_but_for_pictures_where_they_are_wanted(
    images: Images,
) -> None:
    scene = _scene(feed_of("rss", entries()[::2]), images=images, keep=500)
    asked: set[tuple[str, str]] = set()
    for key in scene.store.keys("public/"):
        if key.endswith(".html"):
            page = scene.public(key.removeprefix("public/news/"))
            others = [a for a in _loaded(page) if scheme_of(a[2]) not in {None, "data"}]
            asked |= {(element, name) for element, name, _ in others}
            tells = [e for e in tree(page).iter("img") if e.get("referrerpolicy") != "no-referrer"]
            assert tells == [], "a picture's host is to learn nothing of who looks"
            assert tree(page).xpath("//meta[@name='referrer' and @content='no-referrer']")
    pictures = {("img", "src"), ("img", "srcset"), ("source", "srcset"), ("video", "poster")}
    assert asked <= (pictures if images is Images.ORIGIN else set())
    assert bool(asked) == (images is Images.ORIGIN)


@pytest.mark.row("R8")
@pytest.mark.parametrize("images", Images)
def test_pixels_that_count_readers_are_left_out(images: Images) -> None:
    body = (
        '<img src="https://count.example.org/?" width=1 height=1><img src=//b.org width=0 height=0>'
    )
    shown = rewrite_body(sanitize.clean(f"words {body}", URL), images)
    assert shown.strip() == "words"
