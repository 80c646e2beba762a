"""Documents that take over entries of their predecessors are those that are rendered whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import entry, rss_document
from feedmirror.adapters.stores.directory import DirectoryStore
from feedmirror.errors import RenderError
from feedmirror.mirror import state_codec
from feedmirror.model import Disclaimer, Position, Robots
from feedmirror.publishing import render
from feedmirror.publishing.disclaimer import Disclaimed
from feedmirror.publishing.formats import formats
from feedmirror.publishing.formats.format import Format, Fragment
from feedmirror.publishing.publication import Publication
from feedmirror.publishing.redaction import public_settings
from feedmirror.publishing.render import publication_of, spliced
from feedmirror.storage import publisher
from locations import DATA
from samples import sample_feeds
from scene import DOCUMENTS, SUBSCRIPTION, Scene, document
from stores import MemoryStore

STATE = "state/news.json"

# What an entry may have that the frame of a document depends on.
_KINDS: list[dict[str, Any]] = [
    {},
    {"author": "ann@example.org (Ann)"},
    {"author": None, "extra": "<dc:creator>Bea</dc:creator>"},
    {"author": "Cy", "categories": ["tides"]},
    {"enclosures": [{"url": "https://e.example/a.mp3", "length": 1, "type": "audio/mpeg"}]},
    {"extra": "<slash:comments>3</slash:comments><georss:point>1 2</georss:point>"},
    {"content": "<p>Long: &amp; <b>bold</b> \U0001f642 ]]&gt;</p>", "summary": "<p>Short.</p>"},
    {"source": {"title": "Elsewhere", "url": "https://elsewhere.example/feed"}},
    {"title": None, "link": None},
]


def _public(scene: Scene) -> dict[str, bytes]:
    found = {}
    for key in scene.store.keys("public/news/"):
        stored = scene.store.load(key)
        assert stored is not None
        found[key] = stored.body
    return found


def _refreshed_whole(scene: Scene) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(publisher, "_LARGEST_SPLICED", -1)
        scene.refresh()


_LISTS = st.lists(st.integers(0, 12), min_size=1, max_size=7, unique=True)
_CONFIGURED = st.sampled_from(
    [
        {"title": "Mine"},
        {"title": None},
        {"disclaimer": Disclaimer(text="Copied from {source_title}: {entry_url}")},
        {"disclaimer": Disclaimer(text="A copy.", position=Position.BEGINNING)},
        {"robots": Robots.INDEX},
        {"keep": 3},
        {"keep": 8},
    ]
)
_DOCUMENTS = st.tuples(
    _LISTS,
    st.sets(st.integers(0, 12), max_size=2),  # edited
    st.sampled_from(["The Gazette", "The Gazette", "The Gazette & Courier"]),
    st.sampled_from(["", "<lastBuildDate>Mon, 02 Mar 2026 10:00:00 GMT</lastBuildDate>"]),
)


def _document(numbers: list[int], edited: set[int], title: str, extra: str) -> bytes:
    entries = []
    for number in numbers:
        one = entry(number, **_KINDS[number % len(_KINDS)])
        if number in edited:
            one |= {"summary": f"<p>Edited {number}.</p>"}
        entries.append(one)
    return rss_document(entries, title=title, extra_channel=extra)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(_DOCUMENTS, _CONFIGURED), min_size=2, max_size=6))
def test_any_history_is_published_as_if_each_document_was_rendered_whole(
    happenings: list[Any],
) -> None:
    first = _document([1, 2, 3], set(), "The Gazette", "")
    quick, slow = Scene(first), Scene(first)
    for happening in ((), *happenings):
        for scene in (quick, slow):
            scene.later(hours=30)
            if isinstance(happening, dict):
                scene.configure(**happening)
            elif happening:
                scene.says(_document(*happening))
        quick.refresh()
        _refreshed_whole(slow)
        assert _public(quick) == _public(slow)


def test_documents_on_disk_take_over_entries_too(tmp_path: Path) -> None:
    quick = Scene(document(2, 1), DirectoryStore(tmp_path / "quick"))
    slow = Scene(document(2, 1), DirectoryStore(tmp_path / "slow"))
    for numbers in ((2, 1), (3, 2, 1), (3, 1), (5, 4, 3, 1)):
        for scene in (quick, slow):
            scene.later(hours=1)
            scene.says(document(*numbers))
        quick.refresh()
        _refreshed_whole(slow)
    assert _public(quick) == _public(slow)


_ITEM = re.compile(rb"<(item|entry)\b.*?</\1>", re.DOTALL)
_FEEDS = [*sorted(DATA.glob("*.*")), *sample_feeds()]


@pytest.mark.parametrize("path", _FEEDS, ids=lambda path: path.name)
def test_feed_that_grows_is_published_as_if_it_was_rendered_whole(path: Path) -> None:
    body = path.read_bytes()
    held_back = _ITEM.sub(b"", body, count=2)
    if held_back == body:
        pytest.skip("no items to hold back")
    quick, slow = (Scene(held_back, subscription=replace(SUBSCRIPTION, keep=40)) for _ in range(2))
    for given_ in (held_back, body):
        for scene in (quick, slow):
            scene.later(hours=1)
            scene.says(given_)
        if _outcome(quick) == "failed":
            pytest.skip("it is no feed")
        _refreshed_whole(slow)
        assert _public(quick) == _public(slow)


def _outcome(scene: Scene) -> str:
    return scene.refresh().outcome


# ---------------------------------------------------------------- only what is new


def _counting(rendered: list[str]) -> tuple[Format, ...]:
    """Return the formats; what they render is noted by its title."""

    def counting(made: Format) -> Format:
        def entry_of(one: Disclaimed, publication: Publication) -> Any:
            rendered.append(f"{made.name} {one.revision.entry.title}")
            return made.entry(one, publication)

        return replace(made, entry=entry_of)

    return tuple(map(counting, formats()))


def test_only_the_new_entry_is_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []
    scene = Scene(document(3, 2, 1))
    scene.refresh()
    scene.later(hours=1)
    scene.says(document(4, 3, 2, 1))
    monkeypatch.setattr(render, "formats", lambda: _counting(rendered))
    scene.refresh()
    assert sorted(rendered) == sorted(f"{name} Entry 4" for name in DOCUMENTS)


@pytest.mark.parametrize("changes", [{"title": "Mine"}, {"robots": Robots.INDEX}])
def test_every_entry_is_rendered_again_where_settings_changed(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered: list[str] = []
    scene = Scene(document(3, 2, 1))
    scene.refresh()
    scene.configure(**changes)
    monkeypatch.setattr(render, "formats", lambda: _counting(rendered))
    scene.refresh()
    assert len(rendered) == 3 * len(DOCUMENTS)


# ---------------------------------------------------------------- any doubt


@pytest.mark.parametrize("name", DOCUMENTS)
def test_nothing_is_taken_over_from_a_document_that_others_wrote(name: str) -> None:
    scene = Scene(document(2, 1))
    scene.refresh()
    store = scene.store
    assert isinstance(store, MemoryStore)
    key = f"public/news/{name}"
    store.objects[key] = store.objects[key].replace(b"Entry 1", b"Forged ")
    scene.later(hours=1)
    scene.says(document(3, 2, 1))
    scene.refresh()
    assert "Forged" not in scene.public(name)
    assert "Entry 1" in scene.public(name)


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("moved", [-1, 1])
def test_entries_that_are_not_where_they_were_are_rendered_again(name: str, moved: int) -> None:
    scene, other = Scene(document(2, 1)), Scene(document(2, 1))
    scene.refresh()
    other.refresh()
    store = scene.store
    assert isinstance(store, MemoryStore)
    state = state_codec.load(store.objects[STATE], STATE)
    lengths = {key: list(each) for key, each in state.fragments.lengths.items()}
    lengths[name][1] += moved
    fragments = replace(state.fragments, lengths={k: tuple(each) for k, each in lengths.items()})
    store.objects[STATE] = state_codec.dump(replace(state, fragments=fragments))
    for one in (scene, other):
        one.later(hours=1)
        one.says(document(3, 2, 1))
        one.refresh()
    assert _public(scene) == _public(other)


def test_documents_are_rendered_whole_where_the_state_has_positions_of_other_entries() -> None:
    scene, other = Scene(document(2, 1)), Scene(document(2, 1))
    scene.refresh()
    other.refresh()
    store = scene.store
    assert isinstance(store, MemoryStore)
    state = state_codec.load(store.objects[STATE], STATE)
    fewer = {name: each[:-1] for name, each in state.fragments.lengths.items()}
    fragments = replace(state.fragments, lengths=fewer)
    store.objects[STATE] = state_codec.dump(replace(state, fragments=fragments))
    for one in (scene, other):
        one.later(hours=1)
        one.says(document(3, 2, 1))
        assert one.refresh().failure is None
    assert _public(scene) == _public(other)


@pytest.mark.parametrize("name", ["atom.xml", "rss.xml"])
def test_whole_with_a_prefix_that_its_frame_does_not_declare_is_refused(name: str) -> None:
    made = next(each for each in formats() if each.name == name)
    scene = Scene(document(2, 1))
    scene.refresh()
    state = state_codec.load(scene.store.load(STATE).body, STATE)  # type: ignore[union-attr]
    given_ = publication_of(state, public_settings(SUBSCRIPTION), "https://m.example/news")
    fragment = b" ><wfw:comment>1</wfw:comment>".join(made.bounds)  # of Atom, "<entry" begins it
    known = {one.key: Fragment(fragment) for one in state.window}
    with pytest.raises(RenderError, match="unbound prefix"):
        spliced(made, given_, state.window.rows, known, lambda one: RenderError(one.guid))


@pytest.mark.parametrize("name", DOCUMENTS[:3])
def test_whole_that_its_parts_do_not_make_is_refused(name: str) -> None:
    made = next(each for each in formats() if each.name == name)
    scene = Scene(document(2, 1))
    scene.refresh()
    state = state_codec.load(scene.store.load(STATE).body, STATE)  # type: ignore[union-attr]
    given_ = publication_of(state, public_settings(SUBSCRIPTION), "https://m.example/news")
    broken = b"<&>".join(made.bounds)
    known = {one.key: Fragment(broken) for one in state.window}
    with pytest.raises(RenderError, match="not be well-formed"):
        spliced(made, given_, state.window.rows, known, lambda one: RenderError(one.guid))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_whole_with_a_secret_in_an_entry_that_was_taken_over_is_refused(name: str) -> None:
    made = next(each for each in formats() if each.name == name)
    scene = Scene(document(2, 1))
    scene.refresh()
    state = state_codec.load(scene.store.load(STATE).body, STATE)  # type: ignore[union-attr]
    asked = replace(SUBSCRIPTION, headers={"X-Key": "sesame-4711-open"})
    given_ = publication_of(state, public_settings(asked), "https://m.example/news")
    known = {one.key: Fragment(b"sesame-4711-open".join(made.bounds)) for one in state.window}
    made = replace(made, inspect=lambda _: None)
    with pytest.raises(RenderError, match="would show a secret"):
        spliced(made, given_, state.window.rows, known, lambda one: RenderError(one.guid))


@pytest.mark.parametrize("name", DOCUMENTS[:3])
def test_new_entry_without_the_disclaimer_is_left_out_and_the_others_stay(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgetful(made: Format) -> Format:
        def entry_of(one: Disclaimed, publication: Publication) -> Iterator[str]:
            for piece in made.entry(one, publication):
                yield piece.replace("disclaimer", "") if "3" in one.revision.guid else piece

        return replace(made, entry=entry_of) if made.name == name else made

    scene = Scene(document(2, 1))
    scene.refresh()
    scene.later(hours=1)
    scene.says(document(3, 2, 1))
    monkeypatch.setattr(render, "formats", lambda: tuple(map(forgetful, formats())))
    assert scene.refresh().quarantined == ("https://gazette.example.org/3",)
    assert "Entry 3" not in scene.public(name)
    assert "Entry 2" in scene.public(name)


def test_words_that_became_a_secret_leave_the_documents_though_nothing_is_new() -> None:
    scene = Scene(document(2, 1, e1="<p>The word is sesame-4711-open.</p>"))
    scene.refresh()
    scene.configure(headers={"X-Key": "sesame-4711-open"})
    scene.refresh()
    assert all("sesame-4711-open" not in scene.public(name) for name in DOCUMENTS)
    assert "The word is redacted-" in scene.public()
    scene.configure(headers={})
    scene.refresh()
    assert "The word is sesame-4711-open." in scene.public()


def test_words_that_became_a_secret_are_not_taken_over() -> None:
    scene = Scene(document(2, 1, e1="<p>The word is sesame-4711-open.</p>"))
    scene.refresh()
    assert "sesame-4711-open" in scene.public()
    scene.configure(headers={"X-Key": "sesame-4711-open"})
    scene.later(hours=1)
    scene.says(document(3, 2, 1, e1="<p>The word is sesame-4711-open.</p>"))
    scene.refresh()
    for name in DOCUMENTS:
        assert "sesame-4711-open" not in scene.public(name)
        assert "Entry 3" in scene.public(name)
