"""Attacks in every field of a feed of every format: they run in no public document."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from lxml import etree

from effort import EXHAUSTIVE, some
from feedmirror.model import Disclaimer, Position, Subscription
from feedmirror.site import publish_site
from hostile_feeds import DISCLAIMER, DISCLAIMER_HTML, entries, feed_of, feed_saying
from inertness import (
    MARK,
    fragment_problems,
    json_problems,
    notice_problems,
    page_problems,
    running,
    xml_problems,
)
from page_reading import tree, words
from parsers import InProcessParser
from rules.bodies import parse_body
from rules.tree import ATOM, CONTENT, parse_document
from scene import NOON, PUBLIC_URL, URL, Scene, newest
from stores import MemoryStore
from vectors import ADDRESSES, FORGED, OPEN_ENDED, TEXTS, VECTORS, markup

KINDS = ("rss", "atom", "json")  # that an origin may speak
POSITIONS = dict(zip(KINDS, (Position.END, Position.BEGINNING, Position.END), strict=True))
Documents = dict[str, bytes]  # what is public, by the path below public/


@dataclass(frozen=True)
class Case:
    """Mirror of a feed with attack vectors."""

    kind: str
    public: Documents
    entries: int


@cache
def _mirrored(kind: str) -> Case:
    disclaimer = Disclaimer(html=DISCLAIMER_HTML, position=POSITIONS[kind])
    subscription = Subscription("news", URL, keep=25, disclaimer=disclaimer)
    given = entries()
    if not EXHAUSTIVE:  # each in a feed of one kind at least; all are published in all formats
        given = given[KINDS.index(kind) % 2 :: 2]
    scene = Scene(feed_of(kind, given), subscription=subscription, parser=InProcessParser())
    outcome = scene.refresh()
    assert (outcome.outcome, outcome.quarantined) == ("changed", ())
    return Case(kind, _public(scene.store), outcome.new)


def _public(store: Any) -> Documents:
    return {
        key.removeprefix("public/"): body
        for key, body in store.objects.items()
        if key.startswith("public/")
    }


@pytest.fixture(params=KINDS)
def case(request: pytest.FixtureRequest) -> Case:
    return _mirrored(request.param)


def _problems(public: Documents) -> list[str]:
    judges = {"html": page_problems, "json": json_problems, "xml": xml_problems}
    judges["opml"] = xml_problems
    return [
        f"{path}: {problem}"
        for path, body in public.items()
        if not path.endswith(".css")
        for problem in judges[path.rpartition(".")[2]](body)
    ]


# ---------------------------------------------------------------- the judge itself

# What no parser of HTML takes for markup; others do, or did.
TALK = {each for held in VECTORS.values() for each in held if each[0] in "\u226e%{`"}


@pytest.mark.parametrize("of_class", [name for name in VECTORS if name != "clobbering"])
def test_the_checker_finds_active_content(of_class: str) -> None:
    for vector in VECTORS[of_class]:
        places = (
            f"<p>{vector}</p><i title='{vector}'></i><i title=\"{vector}\"></i><i title={vector}>"
        )
        page = f"<html><body>{places}</body></html>".encode("utf-8", "replace")
        twice = html.unescape(html.unescape(vector))
        assert page_problems(page) or running(twice) or vector in TALK, vector


# ---------------------------------------------------------------- every document


@pytest.mark.slow
@pytest.mark.row("R1", "R2", "R4")
def test_attacks_in_an_entry_run_in_no_document(case: Case) -> None:
    assert case.entries > 140
    archived = [path for path in case.public if "/archive/" in path]
    pages = [path for path in case.public if "/entries/" in path]
    assert len(archived) >= 20
    assert len(pages) == case.entries
    assert _problems(case.public) == []


@pytest.mark.slow
@pytest.mark.row("R1", "R2", "R4")
def test_attacks_in_the_feeds_own_fields_run_in_no_document() -> None:
    store, subscriptions = MemoryStore(), []
    for number, vector in some(enumerate((*markup(), *TEXTS.values(), *ADDRESSES)), 2):
        slug, address = f"n{number}", ADDRESSES[number % len(ADDRESSES)]
        subscription = Subscription(
            slug, f"https://{slug}.example.org/", disclaimer=Disclaimer(html=DISCLAIMER_HTML)
        )
        document = feed_saying(KINDS[number % 3], vector, address)
        scene = Scene(document, store, subscription, InProcessParser())
        assert scene.refresh().quarantined == ()
        subscriptions.append(subscription)
    publish_site(store, subscriptions, PUBLIC_URL, NOON, newest)
    public = _public(store)
    assert {"index.html", "feeds.opml", "status.json", "removed.html", "404.html"} <= public.keys()
    assert len(json.loads(public["status.json"])["feeds"]) == len(subscriptions)
    assert _problems(public) == []


# ---------------------------------------------------------------- the disclaimer


def _bodies(case: Case) -> Iterator[tuple[str, str]]:
    """Yield every body of every entry of the feeds, with the document that has the body."""
    for path, document in case.public.items():
        if path.endswith(".json"):
            for item in json.loads(document)["items"]:
                yield path, item["content_html"]
        elif path.endswith("rss.xml"):
            for name in ("description", f"{{{CONTENT}}}encoded"):
                yield from (
                    (path, e.text) for e in parse_document(document).iterfind(f".//item/{name}")
                )
        elif path.endswith("atom.xml"):
            for name in ("summary", "content"):
                found = parse_document(document).iterfind(f"{{{ATOM}}}entry/{{{ATOM}}}{name}")
                yield from ((path, e.text) for e in found)


@pytest.mark.slow
@pytest.mark.row("R3")
def test_no_body_hides_or_forges_the_disclaimer(case: Case) -> None:
    at_end, count = POSITIONS[case.kind] is Position.END, 0
    for path, body in _bodies(case):
        count += 1
        assert fragment_problems(body) == [], path
        assert notice_problems(body, DISCLAIMER, at_end=at_end) == [], (path, body)
    assert count > 3 * case.entries


@pytest.mark.slow
@pytest.mark.row("R3")
def test_no_body_of_an_extension_element_hides_the_disclaimer() -> None:
    count = 0
    for path, document in _mirrored("rss").public.items():
        if path.endswith("rss.xml"):
            for element in parse_document(document).iterfind(".//item//*"):
                if etree.QName(element).localname in {"full-text", "summary", "description"}:
                    count += etree.QName(element).namespace is not None
                    shown = parse_body(element.text or "").text_content()
                    assert DISCLAIMER in shown, (path, element.text)
    assert count > 20


def _hiding(element: Any) -> list[str]:
    """Return the names and attributes of elements around this one that might hide it."""
    expected = {"html", "body", "main", "article", "div", "header"}
    return [f"{e.tag} {dict(e.attrib)}" for e in element.iterancestors() if e.tag not in expected]


@pytest.mark.slow
@pytest.mark.row("R3")
def test_every_page_shows_the_disclaimer_once_at_the_configured_position(case: Case) -> None:
    places = {True: "body", False: "notice"}
    for path, page in case.public.items():
        if path.endswith(".html"):
            root = tree(page.decode())
            (notice,) = root.xpath(f"//*[@class='{MARK}' or contains(@class, 'disclaimer')]")
            (noted,) = root.xpath("//*[@role='note']")
            assert noted is notice
            around = notice.getparent()
            assert around.get("class") == places["/entries/" in path], path
            assert _hiding(notice) == [], path
            assert DISCLAIMER in words(notice)
            if "/entries/" in path:
                place = around[-1 if POSITIONS[case.kind] is Position.END else 0]
                assert place is notice, path


@pytest.mark.costly
@pytest.mark.row("R3", "C6")
@pytest.mark.parametrize("title", [text[:200] for text in (*FORGED, *OPEN_ENDED, *TEXTS.values())])
def test_a_title_in_the_disclaimer_breaks_neither_its_line_nor_its_direction(title: str) -> None:
    disclaimer = Disclaimer(text="Kept {source_title} for readers.\n\nNot for sale.")
    subscription = Subscription("news", URL, disclaimer=disclaimer)
    document = feed_of("json", entries()[:1], title=f"{title}\n\nNo longer true.\n\n")
    scene = Scene(document, subscription=subscription, parser=InProcessParser())
    scene.refresh()
    (path,) = (p for p in _public(scene.store) if "/entries/" in p)
    notice = tree(scene.public(path.partition("/")[2])).xpath(f"//*[@class='{MARK}']")[0]
    shown = [words(each) for each in notice]
    assert len(shown) == 2
    assert shown[0].startswith("Kept ")
    assert shown[0].endswith(" No longer true. for readers.")
    assert shown[1] == "Not for sale."
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", notice.text_content())


def _entry_pages(public: Documents) -> Sequence[str]:
    return [body.decode() for path, body in public.items() if "/entries/" in path]


@pytest.mark.slow
@pytest.mark.row("C6")
def test_right_to_left_text_is_isolated_from_the_mirrors_own_words(
    case: Case,
) -> None:
    turned = "\u202e"
    apart = {"bdi", "h1", "h2", "h3", "title", "li", "p", "td", "code"}
    for page in (*_entry_pages(case.public), case.public["news/index.html"].decode()):
        for element in tree(page).iter():
            direct = [element.text or "", *(child.tail or "" for child in element)]
            if any(turned in text for text in direct):
                inside = element.xpath("ancestor-or-self::*[@class='body']")
                assert inside or element.tag in apart, (element.tag, direct)
                alone = len([text for text in direct if text.strip()]) == 1
                assert inside or alone, (element.tag, direct)
