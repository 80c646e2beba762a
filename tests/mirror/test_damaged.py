"""Damaged objects of the store: refused by name, or read without harm."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.json import encode
from msgspec.structs import replace

from effort import amount
from feedmirror.adapters.origin.target import parse_target
from feedmirror.entrypoints.cli.status import UNHEALTHY, health_of
from feedmirror.errors import StateError, StoreError
from feedmirror.mirror import state_codec
from feedmirror.model import Fetched, Subscription, Validators
from feedmirror.publishing.formats.status import Status, parse_status
from feedmirror.rebuild import rebuild
from feedmirror.refresh import attempt
from feedmirror.site import publish_site
from scene import PUBLIC_URL, Scene, document, newest, records_in
from store_factories import entries_in
from stores import MemoryStore

STATE = "state/news.json"
NESTED = "[" * 100_000
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([-1, 10**15, 10**400, 2**63]),
    st.floats(),
    st.text(st.characters(), max_size=8),  # lone surrogates, too
    st.sampled_from(
        [
            "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00",
            "../../x", "\r\nX: y", "http://", "https://[/",
        ]
    ),
    st.recursive(
        st.none() | st.integers(),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=4,
    ),
)  # fmt: skip


class AnyAddress:
    """An origin that answers at every address that could be asked."""

    def fetch(
        self, subscription: Subscription, url: str, validators: Mapping[str, Validators]
    ) -> Fetched:
        parse_target(url)
        return Fetched(url, document(14, 13))


@functools.cache
def _past() -> tuple[MemoryStore, datetime]:
    store = MemoryStore()
    scene = Scene(document(*range(9, 0, -1)), store)
    scene.refresh()
    for hours, body in ((100, document(12, 11, 10, e10="<p>edited</p>")), (1, document(13, 12))):
        scene.later(hours=hours)
        scene.says(body)
        scene.refresh()
    return store, scene.now


def lived() -> Scene:
    """Return a mirror with a past: revisions, pages, an entry that waits to be stored, a failure.

    Each is another mirror, with the objects that the first one left.
    """
    past, now = _past()
    store = MemoryStore()
    store.objects |= past.objects
    store.media_types |= past.media_types
    scene = Scene(document(13, 12), store)
    scene.now = now
    return scene


def _paths(value: Any) -> Iterator[tuple[Any, ...]]:
    """The paths of all values within a value."""
    listed = enumerate(value) if isinstance(value, list) else ()
    for key, inner in value.items() if isinstance(value, dict) else listed:
        yield (key,)
        yield from ((key, *rest) for rest in _paths(inner))


def _mutated(plain: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = deepcopy(plain)
    *above, last = path
    place = changed
    for key in above:
        place = place[key]
    place[last] = value
    return changed


def _whole_state() -> dict[str, Any]:
    """A state with all of its fields, as plain JSON."""
    scene = lived()
    assert isinstance(scene.store, MemoryStore)
    plain: dict[str, Any] = json.loads(scene.store.objects[STATE])
    plain["tasks"] = [
        {"task": "store", "revision": json.loads(encode(entries_in(scene.store)[0]))},
        {"task": "publish"},
    ]
    plain["failing"] = {
        "kind": "dns", "group": "blocked", "since": "2026-01-02T00:00:00+00:00", "message": "no",
        "lasting": False,
    }  # fmt: skip
    plain |= {
        "not_before": "2026-01-02T00:00:00+00:00", "checked_at": "2026-01-02T00:00:00+00:00",
        "moved_to": "https://new.example.org/", "moving": ["https://new.example.org/", 1],
        "gone": {"https://old.example.org/": {"days": 3, "last": "2026-01-02T00:00:00+00:00"}},
        "asks": {"interval_s": 60, "skip_hours": [1], "skip_days": ["Monday"]},
    }  # fmt: skip
    return plain


def _body(plain: dict[str, Any]) -> bytes:
    """The bytes of a state, as they are written; the digest of the window is right."""
    window = plain.get("window")
    if isinstance(window, dict) and "entries" in window:
        entries = json.dumps(window["entries"], separators=(",", ":")).encode()
        digest = sha256(entries).hexdigest()[:32]
        plain = {**plain, "window": {**window, "digest": digest}}
    return json.dumps(plain, separators=(",", ":")).encode()


WHOLE = _whole_state()
PATHS = list(_paths(WHOLE))


def test_the_state_that_is_damaged_below_is_sound() -> None:
    state = state_codec.load(_body(WHOLE), "state.json")
    assert len(state.window) > 4
    assert state.pending_entries
    assert state.failing
    assert state.moving == ("https://new.example.org/", 1)


@pytest.mark.costly
@pytest.mark.row("S7")
@settings(max_examples=amount(100))
@given(st.sampled_from(PATHS), ODD)
def test_a_state_with_any_value_anywhere_is_read_or_refused(
    path: tuple[Any, ...], value: Any
) -> None:
    body = _body(_mutated(WHOLE, path, value))
    with contextlib.suppress(StateError):
        state = state_codec.load(body, "state.json")
        len(state.window)
        assert state_codec.load(state_codec.dump(state), "state.json") == state


@pytest.mark.row("S7")
@pytest.mark.slow
@settings(max_examples=amount(30), suppress_health_check=list(HealthCheck))
@given(st.sampled_from(PATHS), ODD)
def test_whatever_is_done_with_a_damaged_state_comes_to_an_outcome(
    path: tuple[Any, ...], value: Any
) -> None:
    scene = lived()
    assert isinstance(scene.store, MemoryStore)
    scene.store.objects[STATE] = _body(_mutated(WHOLE, path, value))
    health_of(
        "news", scene.subscription, scene.store.objects[STATE], scene.now,
        public_url=PUBLIC_URL, configured=True,
    )  # fmt: skip
    publish_site(scene.store, [scene.subscription], PUBLIC_URL, scene.now, newest)
    scene.later(hours=1)
    world = replace(scene.world(), origin=AnyAddress())
    outcome = attempt(scene.subscription, world)
    assert outcome.failure is None or outcome.failure.kind in {"store", "address"}, outcome
    with contextlib.suppress(StoreError):
        rebuild(scene.subscription, scene.store, PUBLIC_URL, scene.now)


@pytest.mark.row("S7")
@pytest.mark.parametrize("inside", ["", "feed", "window", "known_entries"])
def test_json_that_is_nested_beyond_reason_is_damage(inside: str) -> None:
    body = _body(WHOLE)
    if inside:
        body = _body(_mutated(WHOLE, (inside,), "@")).replace(b'"@"', NESTED.encode())
    else:
        body = NESTED.encode()
    with pytest.raises(StateError, match="damaged"):
        len(state_codec.load(body, "state.json").window)
    assert parse_status(body) == Status()


@pytest.mark.row("S7")
@pytest.mark.parametrize(
    "value", ["1e999999", "9" * 5000, "NaN", "-Infinity", '"\\ud800"', '"\\udc00\\ud800"', "-1"]
)
@pytest.mark.parametrize("field", ["generation", "next_seq", "url", "schema"])
def test_values_that_are_never_written_are_damage(field: str, value: str) -> None:
    body = _body(_mutated(WHOLE, (field,), "@")).replace(b'"@"', value.encode())
    with pytest.raises(StateError, match="damaged"):
        state_codec.load(body, "state.json")


def test_escaped_pairs_of_surrogates_are_as_good_as_the_character() -> None:
    body = _body(_mutated(WHOLE, ("url",), "https://x.example/😀 \\ud800"))
    assert b"\\ud83d" in body
    assert state_codec.load(body, "state.json").url == "https://x.example/😀 \\ud800"


@pytest.mark.costly
@pytest.mark.row("S7")
@pytest.mark.parametrize(
    "body", [NESTED.encode(), b'{"schema": 1e999999}', b"\xff", b"", b"[]", b'"\\ud800"']
)
def test_a_damaged_record_is_named_and_the_others_are_used(body: bytes) -> None:
    scene = lived()
    assert isinstance(scene.store, MemoryStore)
    key = records_in(scene.store)[0]
    scene.store.objects[key] = body
    del scene.store.objects[STATE]
    rebuilt = rebuild(scene.subscription, scene.store, PUBLIC_URL, scene.now)
    (damaged,) = rebuilt.damaged
    assert damaged.startswith(f"{key}: ")


def test_status_of_a_damaged_state_names_it() -> None:
    now = datetime(2026, 11, 30, tzinfo=UTC)
    read = health_of("news", None, b"{", now, public_url=None, configured=None)
    assert read.status in UNHEALTHY
    assert read.error is not None
    assert STATE in read.error
