"""Broken renderers: their documents are refused, and the last good documents stay public."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from feedmirror.errors import RenderError
from feedmirror.publishing import render
from feedmirror.publishing.disclaimer import attach
from feedmirror.publishing.formats import formats
from feedmirror.publishing.formats.format import Format
from feedmirror.publishing.publication import Publication
from feedmirror.publishing.redaction import public_settings
from feedmirror.refresh import attempt
from feedmirror.storage import publisher
from inertness import MARK
from later_formats import later
from page_reading import tree, words
from scene import DOCUMENTS, Scene, document, newest
from store_factories import entries_in

Mistake = Callable[[str], str]


def _without_notice(text: str) -> str:
    return text.replace(MARK, "other")


def _cut_off(text: str) -> str:
    return text[: len(text) * 2 // 3]


def _without_entries(text: str) -> str:
    for entry in ("item>", "entry>", '"items"', 'class="entry"'):
        text = text.replace(entry, entry.replace("e", "o"))
    return text


def _with_half_a_character(text: str) -> str:
    return f"{text}\udc80"


def _with_a_control(text: str) -> str:
    return text.replace("Entry", "\x0cEn\x01\ufffetry")


MISTAKES: dict[str, Mistake] = {
    "no disclaimer": _without_notice,
    "cut off": _cut_off,
    "no entries": _without_entries,
    "half a character": _with_half_a_character,
    "nothing": lambda _: "",
}
SPOILT = [*((name, made.name) for name in MISTAKES for made in formats())]
SPOILT += [("a control", made.name) for made in formats() if made.name.endswith("xml")]


def _spoilt(document: bytes, mistake: Mistake) -> bytes:
    return mistake(document.decode()).encode("utf-8", "surrogatepass")


def _broken(made: Format, mistake: Mistake) -> Format:
    """Return a later version of the format that renders a mistake."""
    return later(made, lambda document: _spoilt(document, mistake))


def _with_broken(name: str, mistake: Mistake) -> tuple[Format, ...]:
    return tuple(_broken(each, mistake) if each.name == name else each for each in formats())


def _stored(scene: Scene, below: str) -> dict[str, bytes]:
    store: Any = scene.store
    return {key: body for key, body in store.objects.items() if key.startswith(below)}


# ---------------------------------------------------------------- documents


@pytest.mark.costly
@pytest.mark.row("U4")
@pytest.mark.parametrize(("mistake", "name"), SPOILT)
def test_a_refused_document_leaves_the_last_good_one_and_the_others_are_published(
    monkeypatch: pytest.MonkeyPatch, mistake: str, name: str
) -> None:
    spoil = {**MISTAKES, "a control": _with_a_control}[mistake]
    scene = Scene(document(2, 1))
    scene.deployment = newest
    scene.refresh()
    good = scene.public(name)
    scene.says(document(3, 2, 1))
    with monkeypatch.context() as patched:
        patched.setattr(render, "formats", lambda: _with_broken(name, spoil))
        outcome = attempt(scene.subscription, scene.world())
        assert scene.public(name) == good
        assert outcome.failure is not None
        assert outcome.failure.group == "internal"
    scene.refresh()  # the fixed version
    for each in DOCUMENTS:
        assert "Entry 3" in scene.public(each)


@pytest.mark.row("U4")
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_that_fails_at_one_entry_is_published_without_that_entry(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def spoil(text: str) -> str:
        return _without_notice(text) if "What entry 2 says" in text else text

    scene = Scene(document(3, 2, 1))
    with monkeypatch.context() as patched:
        patched.setattr(render, "formats", lambda: _with_broken(name, spoil))
        outcome = scene.refresh()
    assert outcome.quarantined == ("https://gazette.example.org/2",)
    assert "What entry 2 says" not in scene.public(name)
    assert "What entry 3 says" in scene.public(name)


# ---------------------------------------------------------------- archive pages


@pytest.mark.costly
@pytest.mark.row("U4")
@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_refused_archive_page_is_published_once_its_format_is_repaired(
    monkeypatch: pytest.MonkeyPatch, small_pages: None, name: str, mistake: str
) -> None:
    scene = Scene(document(*range(9, 0, -1)))
    with monkeypatch.context() as patched:
        broken = _with_broken(name, MISTAKES[mistake])
        patched.setattr(publisher, "formats", lambda: broken)
        attempt(scene.subscription, scene.world())
        for body in _archived(scene, name):
            assert "Entry" in body
            assert MARK in body
    scene.refresh()
    pages = _archived(scene, name)
    assert len(pages) == 2
    for number in range(1, 5):
        assert sum(f"Entry {number}" in page for page in pages) == 1


def _archived(scene: Scene, name: str) -> list[str]:
    """Return the documents of that name of all archive pages."""
    found = _stored(scene, "public/news/archive/")
    return [body.decode() for key, body in found.items() if key.endswith(f"/{name}")]


# ---------------------------------------------------------------- pages of entries


def _entry_page(scene: Scene) -> str:
    (page,) = _stored(scene, "public/news/entries/").values()
    return page.decode()


@pytest.mark.row("U4")
@pytest.mark.parametrize(
    "mistake",
    [
        _without_notice,
        _cut_off,
        lambda page: page.replace("<main>", "<main><script>alert(1)</script>"),
        lambda page: page.replace("<main>", "<main><p onclick=alert(1)>words</p>"),
        lambda page: page.replace("<main>", "<main><div>"),
        lambda page: page.replace("<main>", "<main>\udc80"),
        lambda page: page.replace(f'<div class="{MARK}"', f'<template><div class="{MARK}"'),
        lambda page: page.replace(f'<div class="{MARK}"', f'<!--<div class="{MARK}"'),
    ],
    ids="notice cut script handler open half hidden comment".split(),
)
def test_an_entry_whose_page_is_refused_gets_a_page_without_its_words(
    monkeypatch: pytest.MonkeyPatch, mistake: Mistake
) -> None:
    sound = render.render_entry
    monkeypatch.setattr(render, "render_entry", lambda *given: _spoilt(sound(*given), mistake))
    scene = Scene(document(1))
    scene.refresh()
    page = _entry_page(scene)
    (notice,) = tree(page).xpath(f"//*[@class='{MARK}']")
    assert words(notice)
    assert "What entry 1 says" not in words(tree(page).xpath("//article")[0])
    assert "can only be read at its origin" in words(tree(page))
    assert "alert" not in page


@pytest.mark.row("U4")
def test_if_even_the_page_without_words_is_refused_the_last_good_page_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(document(1))
    scene.refresh()
    good, page = _entry_page(scene), scene.public("index.html")
    scene.says(document(1, e1="Edited."))
    with monkeypatch.context() as patched:
        for name in ("render_entry", "render_entry_bare"):
            patched.setattr(render, name, lambda *given: b"<p>nothing")
        outcome = attempt(scene.subscription, scene.world())
        assert outcome.failure is not None
        assert (_entry_page(scene), scene.public("index.html")) == (good, page)
        assert "Edited." in scene.public()
    scene.refresh()
    assert "Edited." in _entry_page(scene)
    assert "Edited." in scene.public("index.html")


@pytest.mark.row("U4")
@pytest.mark.parametrize("made", formats(), ids=lambda made: made.name)
def test_each_format_refuses_the_documents_of_the_other_formats(made: Format) -> None:
    for other in formats():
        if other is not made:
            scene = Scene(document(1))
            scene.refresh()
            seen: list[Publication] = []

            def render(publication: Publication, seen: list[Publication] = seen) -> bytes:
                seen.append(publication)
                return made.render(publication)

            render(_publication(scene))
            with pytest.raises(RenderError):
                made.verify(other.render(seen[0]), seen[0])


def _publication(scene: Scene) -> Publication:
    from feedmirror.mirror.state_codec import load
    from scene import PUBLIC_URL

    store: Any = scene.store
    state = load(store.objects["state/news.json"], "")
    address = f"{PUBLIC_URL}/news"
    settings = public_settings(scene.subscription)
    publication = render.publication_of(state, settings, address)
    entries = tuple(attach(one, settings, publication.feed) for one in entries_in(store))
    return replace(publication, entries=entries)
