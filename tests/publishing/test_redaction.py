"""Redaction: secrets of a subscription are in no public byte."""

from __future__ import annotations

import json

from msgspec.structs import replace

from builders import entry, rss_document
from feedmirror.adapters.origin.target import parse_target
from feedmirror.layout import REDACTION_KEY
from feedmirror.mirror.identity import guid_key
from feedmirror.model import Author, Entry, Fetched, Item, Revision, Subscription
from feedmirror.publishing.redaction import Redaction, public_settings
from feedmirror.text.secrets import Secrets, secrets_of
from scene import DOCUMENTS, NOON, PUBLIC_URL, Scene, records_in
from stores import CountingStore, MemoryStore

TOKEN = "q7Zk31pX"
OTHER = "w2Lm94Rs"
URL = f"https://quay.example.org/feed?token={TOKEN}"
MEMBERS = Subscription("members", URL, alternates=(f"https://quay.example.net/?key={OTHER}",))
GUID = f"https://quay.example.org/1?token={TOKEN}"
STATE = "state/members.json"


def _echo(token: str = TOKEN, number: int = 1) -> dict[str, object]:
    address = f"https://quay.example.org/{number}?token={token}"
    return entry(number, guid=address, link=address, summary=f"<p>{token}</p>")


def _scene(*entries: dict[str, object], store: MemoryStore | None = None) -> Scene:
    return Scene(rss_document(entries), store, MEMBERS)


def _ids(scene: Scene) -> list[str]:
    return [item["id"] for item in json.loads(scene.public("feed.json"))["items"]]


def test_ids_that_differ_only_in_a_secret_stay_different_and_stable() -> None:
    scene = _scene(_echo(TOKEN), _echo(OTHER))
    scene.refresh()
    before = _ids(scene)
    assert len(set(before)) == 2
    assert all(id_.startswith("https://quay.example.org/1?token=redacted-") for id_ in before)
    scene.says(rss_document([entry(2), _echo(TOKEN), _echo(OTHER)]))
    assert scene.refresh().new == 1
    assert set(before) < set(_ids(scene))


def test_one_id_is_the_same_in_every_format() -> None:
    scene = _scene(_echo())
    scene.refresh()
    [id_] = _ids(scene)
    assert f">{id_}</guid>" in scene.public("rss.xml")
    assert f"<id>{id_}</id>" in scene.public("atom.xml")


def test_two_stores_have_different_digests_of_a_secret() -> None:
    one, other = _scene(_echo()), _scene(_echo())
    one.refresh()
    other.refresh()
    assert _ids(one) != _ids(other)


def test_no_public_name_or_digest_derives_from_a_secret() -> None:
    store = MemoryStore()
    scene = _scene(_echo(), store=store)
    scene.refresh()
    names = [key for key in store.keys("public/") if "/entries/" in key]
    assert names != [f"public/members/entries/{guid_key(GUID)}.html"]
    assert len(names) == 1
    told = json.loads(scene.public("feed.json"))["items"][0]["_feedmirror"]
    assert told["key"] in names[0]
    assert told["key"] != guid_key(GUID)


def test_the_record_keeps_the_original_element() -> None:
    store = MemoryStore()
    scene = _scene(_echo(), store=store)
    scene.refresh()
    [record] = records_in(store)
    stored = store.load(record)
    assert stored is not None
    assert GUID in json.loads(stored.body)["revision"]["entry"]["original"]


def test_a_value_that_becomes_secret_later_leaves_the_documents() -> None:
    scene = _scene(_echo(), entry(2))
    scene.configure(source_url=URL)
    scene.refresh()
    assert scene.public().count(TOKEN) > 3
    scene.configure(source_url=None)
    assert scene.refresh().published == DOCUMENTS
    for name in DOCUMENTS:
        assert TOKEN not in scene.public(name)
    assert len(_ids(scene)) == 2


def test_a_document_with_a_secret_is_refused() -> None:
    scene = _scene(entry(1))
    scene.configure(title=f"For {TOKEN}")
    failure = scene.refresh().failure
    assert failure is not None
    assert "would show a secret value" in failure.message
    assert not list(scene.store.keys("public/members/"))


def test_a_token_that_was_changed_stays_out_of_old_entries() -> None:
    scene = _scene(_echo())
    scene.refresh()
    old = scene.subscription.url
    scene.configure(url=old.replace(TOKEN, "n3Vb60Yt"))
    scene.origin.answers[scene.subscription.url] = scene.origin.answers[old]
    scene.says(rss_document([entry(2), entry(3)]))
    scene.refresh()
    assert "Entry 2" in scene.public()
    assert TOKEN not in scene.public()


def test_a_relative_link_takes_no_secret_along() -> None:
    scene = _scene(entry(1, link="", guid=None, summary='<p><a href="?">x</a></p>'))
    scene.refresh()
    for name in DOCUMENTS:
        assert TOKEN not in scene.public(name)


def test_renderers_see_the_shown_address_only() -> None:
    scene = _scene(entry(1))
    scene.refresh()
    for name in ("rss.xml", "atom.xml", "feed.json"):
        assert "https://quay.example.org/feed" in scene.public(name)
    [page] = list(scene.store.keys("public/members/entries/"))
    assert (
        'href="https://quay.example.org/feed"'
        in scene.fetch(page.replace("public", PUBLIC_URL, 1)).decode()
    )


# ---------------------------------------------------------------- what it costs


def test_an_unchanged_feed_with_secrets_costs_one_read() -> None:
    store = CountingStore(MemoryStore())
    scene = _scene(_echo(), store=store)  # type: ignore[arg-type]
    scene.refresh()
    assert store.loads.count(REDACTION_KEY) == 1
    assert store.creates.count(REDACTION_KEY) == 1
    store.reset()
    scene.refresh()
    assert store.operations == [("load", STATE)]
    body = rss_document([_echo()]).replace(b"<item>", b"<item><!-- served in 3 ms -->")
    scene.says(Fetched(scene.subscription.url, body))
    assert scene.refresh().outcome == "unchanged"
    assert store.operations == [("load", STATE)] * 2


def test_the_key_is_read_only_if_the_origin_echoes_a_secret() -> None:
    store = CountingStore(MemoryStore())
    scene = _scene(entry(1), store=store)  # type: ignore[arg-type]
    scene.refresh()
    assert REDACTION_KEY not in store.loads


def test_without_secrets_only_the_address_is_examined() -> None:
    revision = Revision("k", "d", TOKEN, False, Entry(title=TOKEN), 1, NOON, NOON, NOON, URL)
    redaction = public_settings(Subscription("quay", "https://quay.example.org/")).redaction
    shown = replace(revision, fetched_from="https://quay.example.org/feed")
    assert redaction.value(revision) == shown
    assert redaction.value(shown) is shown


# ---------------------------------------------------------------- values of the model


def test_every_text_of_a_value_is_redacted_except_fields_that_are_never_public() -> None:
    redaction = Redaction(Secrets([TOKEN]), lambda: b"k" * 32)
    made = Entry(
        guid=TOKEN,
        title=TOKEN,
        authors=(Author(name=TOKEN),),
        extension_elements=(f"<x>{TOKEN}</x>",),
        original=TOKEN,
    )
    redacted = redaction.value(made)
    assert redacted.original == TOKEN
    assert TOKEN not in repr(redacted).replace(f"original={TOKEN!r}", "")
    assert redaction.value(Item(TOKEN, TOKEN, None)).fingerprint == TOKEN


def test_the_address_that_an_entry_was_fetched_from_is_shown_without_secrets() -> None:
    key_of_once = "5f0c2ab91e7d4c3f8a6b0d91c4e57f20"
    redaction = Redaction(secrets_of(MEMBERS))
    for fetched_from, shown in (
        (f"https://quay.example.org/feed?page=2&token={TOKEN}", "feed?page=2"),
        (f"https://quay.example.org/private/{key_of_once}/feed", "private/"),
    ):
        revision = Revision("k", "d", "g", False, Entry(), 1, NOON, NOON, NOON, fetched_from)
        assert redaction.value(revision).fetched_from == f"https://quay.example.org/{shown}"


def test_no_message_shows_the_beginning_of_a_key() -> None:
    key = "5f0c2ab91e7d4c3f8a6b0d91c4e57f20"
    for length in range(100, 160):
        address = f"https://quay.example.org/{'x' * length}/{key}/rss?member={key}"
        assert key[:4] not in parse_target(address).shown
