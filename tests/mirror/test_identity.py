"""What makes two entries the same one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from feedmirror.mirror.comparison import revision_digest
from feedmirror.mirror.identity import (
    Identities,
    Memory,
    ambiguous_keys,
    guid_and_contents_key,
    guid_and_link_key,
    guid_key,
    identify,
)
from feedmirror.model import Enclosure, Entry, Identity, Item, Revision
from scene import NOON

SITE = "https://tides.example.org"
WORDS = "Low water at the quay was late this morning and the ferry waited for it"
OTHERS = "Nobody expects herons near market stalls yet seven came down today"


def item(guid: str | None, link: str | None, words: str = WORDS, **said: object) -> Entry:
    """An entry; its link a path of the site."""
    address = None if link is None else f"{SITE}/{link}"
    entry = Entry(guid=guid, link=address, title="Tides", content=f"<p>{words}</p>")
    return replace(entry, guid_is_permalink=True, **said)  # type: ignore[arg-type]


class Origin:
    """A feed whose documents are identified one after the other, each entry remembered."""

    def __init__(self, mode: Identity = Identity.GUID) -> None:
        self.mode = mode
        self.entries: dict[str, Revision] = {}
        self.ambiguous: tuple[str, ...] = ()

    def says(self, *entries: Entry, items: Mapping[str, str] | None = None) -> list[str]:
        """The keys of the entries, in order."""
        found = self.identified(*entries, items=items)
        self.ambiguous += found.ambiguous
        for one in found.found:
            entry = entries[one.index]
            digest = revision_digest(entry)
            known = self.entries.get(one.key)
            guid = known.guid if known else one.guid
            self.entries[one.key] = Revision(
                one.key, digest, guid, False, entry, 1, NOON, NOON, NOON, SITE
            )
        return [found.keys[index] for index in range(len(entries))]

    def identified(self, *entries: Entry, items: Mapping[str, str] | None = None) -> Identities:
        listed = [Item(repr(entry), entry.guid, entry.link) for entry in entries]
        memory = Memory(
            items or {},
            {key: one.digest for key, one in self.entries.items()},
            self.ambiguous,
            self.entries.get,
        )
        return identify(listed, dict(enumerate(entries)), self.mode, memory)

    @property
    def ids(self) -> list[str]:
        """The public ids of all entries."""
        return [one.guid for one in self.entries.values()]


# ---------------------------------------------------------------- one identifier, one entry


@pytest.mark.row("C1")
def test_an_entry_is_identified_by_its_guid() -> None:
    origin = Origin()
    assert origin.says(item("a", "1")) == [guid_key("a")]
    assert origin.ids == ["a"]


@pytest.mark.row("C1")
def test_an_entry_without_guid_is_identified_by_its_link_and_published_under_it() -> None:
    origin = Origin()
    assert origin.says(item(None, "1")) == origin.says(item(f"{SITE}/1", "1"))
    assert origin.ids == [f"{SITE}/1"]


@pytest.mark.row("C1")
def test_an_entry_with_neither_is_identified_by_its_content_and_gets_a_uuid() -> None:
    origin = Origin()
    first, again, other = origin.says(
        item(None, None), item(None, None), item(None, None, words=OTHERS)
    )
    assert first == again != other
    assert all(guid.startswith("urn:uuid:") for guid in origin.ids)
    assert {guid[23] for guid in origin.ids} == {"8"}  # the version of a digest of one's own


@pytest.mark.row("C1")
@pytest.mark.parametrize(
    ("once", "then"),
    [
        (f"{SITE}/a", f"http{SITE[5:]}/a"),
        (f"{SITE}/a%c3%a4", f"{SITE}/a%C3%A4"),
        (f"{SITE}/ä", f"{SITE}/%C3%A4"),
        (f"{SITE}/\u00e4", f"{SITE}/a\u0308"),
        ("caf\u00e9", "cafe\u0301"),
        (f"{SITE}/a", f"{SITE.upper()}/a".replace("HTTPS", "https")),
        (f"{SITE}/a?id=7", f"{SITE}/a?utm_source=rss&id=7"),
        (f"{SITE}/a", f"{SITE}/a?utm_medium=feed&fbclid=x"),
        (f"{SITE}/a b", f"{SITE}/a%20b"),
        ("a", " a\n"),
    ],
)
def test_spellings_of_one_identifier_are_one_entry_under_the_id_it_had_first(
    once: str, then: str
) -> None:
    origin = Origin()
    assert origin.says(item(once, "1")) == origin.says(item(then, "1", OTHERS))
    assert origin.ids == [once.strip()]


@pytest.mark.parametrize(
    ("once", "then"),
    [
        (f"{SITE}/a?id=7", f"{SITE}/a?id=8"),
        (f"{SITE}/a", f"{SITE}/A"),
        (f"{SITE}/a", f"{SITE}/a/"),
        (f"{SITE}/a", f"{SITE}/a#b"),
        ("a%2f", "a%2F"),  # no address, so nothing says that these are the same
        ("A", "a"),
    ],
)
def test_other_identifiers_are_other_entries(once: str, then: str) -> None:
    first, second = Origin().says(item(once, "1"), item(then, "2"))
    assert first != second


@pytest.mark.row("S10")
def test_no_byte_of_an_identity_gets_into_a_key() -> None:
    for guid in (
        "../../etc/passwd",
        "\0",
        "x" * 5000,
        "\ud800",
        "a/b",
        "http://[",
        "https://\ud800/",
    ):
        (key,) = Origin().says(item(guid, "1"))
        assert len(key) == 32
        assert set(key) <= set("0123456789abcdef")


def test_a_subscription_may_go_by_links_or_by_content() -> None:
    by_link = Origin(Identity.LINK).says(item("a", "x"), item("a", "y"), item("b", "x", OTHERS))
    assert by_link[0] == by_link[2] != by_link[1]
    by_content = Origin(Identity.CONTENT).says(item("a", "x"), item("a", "x", OTHERS))
    assert len(set(by_content)) == 2


def test_a_guid_that_is_no_address_is_never_a_permalink() -> None:
    found = Origin().identified(item("tag:e.org,2026:1", "1"), item(f"{SITE}/2", None)).found
    assert [one.guid_is_permalink for one in found] == [False, True]


# ---------------------------------------------------------------- an edit


@pytest.mark.parametrize(
    "edited",
    [
        item("a", "1", OTHERS),
        item("a", "2"),
        item("a", "1", OTHERS, title="Another headline"),
        item("a", "1", WORDS, title="Headline rewritten", published=NOON + timedelta(days=2)),
        item("a", "1", OTHERS, published=NOON + timedelta(days=2)),
        item("a", "1", OTHERS, title="Corrected at once", published=NOON + timedelta(minutes=59)),
        item("a", "1", OTHERS, title="Of the past", published=NOON - timedelta(days=2)),
        item(  # a live blog has grown
            "a", "1", f"{OTHERS} {OTHERS.upper()} and {WORDS} ".replace("e", "ee") + WORDS,
            title="Live: tides", published=NOON + timedelta(hours=5),
        ),
    ],
)  # fmt: skip
def test_edits_of_an_entry_are_no_other_entry(edited: Entry) -> None:
    origin = Origin()
    assert origin.says(item("a", "1", published=NOON)) == origin.says(edited)
    assert origin.ambiguous == ()


def test_newer_entry_that_shares_neither_title_nor_words_is_another_one() -> None:
    origin = Origin()
    (first,) = origin.says(item("N/A", "1", published=NOON))
    (other,) = origin.says(
        item("N/A", "1", OTHERS, title="Herons", published=NOON + timedelta(days=1))
    )
    assert other != first
    assert origin.ambiguous[0] == first
    assert len(set(origin.ids)) == 2
    assert origin.says(item("N/A", "1", published=NOON)) == [first]


# ---------------------------------------------------------------- an identifier of several entries


def test_items_that_differ_in_their_date_alone_are_one_entry_with_the_later_date() -> None:
    later = NOON + timedelta(days=3)
    entries = (item("a", "1", published=NOON), item("a", "1", published=later), item("a", "1"))
    found = Origin().identified(*entries)
    assert [one.index for one in found.found] == [1]
    assert set(found.keys.values()) == {guid_key("a")}
    assert found.ambiguous == ()


@pytest.mark.row("C1")
@pytest.mark.parametrize(
    "other",
    [
        item("a", "2"),
        item("a", "1", title="Herons"),
        item("a", "1", OTHERS),
        item("a", "1", enclosures=(Enclosure(f"{SITE}/2.mp3"),)),
        item("a", "1", enclosures=(Enclosure(f"{SITE}/get?file=2"),)),
    ],
)
def test_items_of_one_document_that_differ_otherwise_are_two(other: Entry) -> None:
    origin = Origin()
    keys = origin.says(item("a", "1"), other)
    assert keys[0] == guid_key("a") != keys[1]
    assert len(set(origin.ids)) == 2
    assert origin.says(other, item("a", "1")) == keys[::-1]


@pytest.mark.row("C1")
def test_of_an_ambiguous_guid_items_are_told_apart_by_link_then_by_contents() -> None:
    origin = Origin()
    entries = item("a", "1"), item("a", "2"), item("a", "3"), item("a", "3", OTHERS)
    assert origin.says(*entries) == [
        guid_key("a"),
        guid_and_link_key("a", f"{SITE}/2"),
        guid_and_contents_key("a", f"{SITE}/3", entries[2]),
        guid_and_contents_key("a", f"{SITE}/3", entries[3]),
    ]


def test_each_days_item_under_one_guid_is_an_entry_and_none_changes_another() -> None:
    origin = Origin()
    days = [item("home", f"day-{n}", f"{n} {OTHERS[n:]}", title=f"Day {n}") for n in range(9)]
    first = origin.says(*days[:3])
    for day in range(1, 7):
        assert origin.says(*days[day : day + 3])[:2] == (first := [*first[1:], ""])[:2]
        first = origin.says(*days[day : day + 3])
    assert len(origin.entries) == 9
    assert len(set(origin.ids)) == 9


def test_an_edit_of_the_first_owner_is_known_by_its_link() -> None:
    origin = Origin()
    keys = origin.says(item("a", "1"), item("a", "2"), item("a", "3"))
    assert origin.says(item("a", "1", OTHERS), item("a", "2"), item("a", "3")) == keys
    assert origin.says(item("a", "1", OTHERS), item("a", "2", OTHERS), item("a", "3")) == keys


def test_who_has_not_been_read_again_keeps_its_key() -> None:
    origin = Origin()
    first = item("a", "1")
    (key,) = origin.says(first)
    assert origin.says(item("a", "1", OTHERS), first, items={repr(first): key})[1] == key
    assert len(origin.entries) == 2


ITEMS = st.tuples(
    st.sampled_from([None, "x", "y", f"{SITE}/1"]), st.sampled_from("12"), st.sampled_from("vw")
)


@pytest.mark.row("C1")
@given(st.lists(ITEMS, max_size=7), st.randoms())
def test_identities_do_not_depend_on_the_order_once_they_are_known(said, chance) -> None:  # type: ignore[no-untyped-def]
    entries = [item(guid, link, f"{words} {OTHERS}") for guid, link, words in said]
    origin = Origin()
    keys = dict(zip(map(repr, entries), origin.says(*entries), strict=True))
    several = {(entry.guid or entry.link, entry.link, entry.content) for entry in entries}
    assert len(set(origin.ids)) == len(origin.entries) == len(several)
    chance.shuffle(entries)
    assert origin.says(*entries) == [keys[repr(entry)] for entry in entries]


@given(st.lists(ITEMS, max_size=7))
def test_stored_entries_say_which_identifiers_are_ambiguous(said) -> None:  # type: ignore[no-untyped-def]
    origin = Origin()
    origin.says(*(item(guid, link, f"{words} {OTHERS}") for guid, link, words in said))
    shown = {key for one in origin.entries.values() for key in ambiguous_keys(one, Identity.GUID)}
    assert shown & set(origin.entries) <= set(origin.ambiguous)
    assert {key for key in origin.ambiguous if key == guid_key("x")} <= shown
