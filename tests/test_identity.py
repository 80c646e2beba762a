"""What makes two entries the same one, and what makes a revision."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmirror.core.identity import guid_and_link_key, guid_key, identify, revision_digest
from feedmirror.model import Enclosure, Entry, Identity, Item

ENTRY = Entry(title="One", link="https://e.org/1", content="<p>text</p>")


def _items(*pairs: tuple[str | None, str | None]) -> tuple[list[Item], dict[int, Entry]]:
    items = [Item(f"f{n}", guid, link) for n, (guid, link) in enumerate(pairs)]
    entries = {
        n: replace(ENTRY, guid=guid, link=link, guid_is_permalink=True, content=f"<p>{n}</p>")
        for n, (guid, link) in enumerate(pairs)
    }
    return items, entries


def _identify(
    *pairs: tuple[str | None, str | None],
    mode: Identity = Identity.GUID,
    known: frozenset[str] = frozenset(),
    links: dict[str, str | None] | None = None,
) -> list[tuple[int, str, str]]:
    items, entries = _items(*pairs)
    found = identify(items, entries, mode, known, links or {})
    return [(one.index, one.key, one.guid) for one in found]


@pytest.mark.row("C1")
def test_an_entry_is_identified_by_its_guid() -> None:
    assert _identify(("a", "https://e.org/1")) == [(0, guid_key("a"), "a")]


@pytest.mark.row("C1")
def test_an_entry_without_guid_is_identified_by_its_link_and_published_under_it() -> None:
    ((_, key, guid),) = _identify((None, "https://e.org/1"))
    assert guid == "https://e.org/1"
    assert _identify(("https://e.org/1", "https://e.org/1")) == [(0, key, guid)]


@pytest.mark.row("C1")
@given(st.lists(st.tuples(st.sampled_from([None, "x", "y", "z"]), st.sampled_from("xy"))))
def test_no_two_entries_are_published_under_one_guid(pairs: list[tuple[str | None, str]]) -> None:
    """Not those either that have none, and a link that is another one's guid."""
    found = _identify(*pairs)
    assert len({guid for _, _, guid in found}) == len({key for _, key, _ in found}) == len(found)


@pytest.mark.row("C1")
def test_an_entry_with_neither_is_identified_by_its_content_and_gets_a_uuid() -> None:
    ((_, first, guid),) = _identify((None, None))
    assert guid.startswith("urn:uuid:")
    assert guid[23] == "8"  # the version of a digest of one's own
    items, entries = _items((None, None))
    entries[0] = replace(entries[0], content="<p>other</p>")
    (other,) = identify(items, entries, Identity.GUID, (), {})
    assert other.key != first


@pytest.mark.row("C1")
def test_of_exact_repeats_the_first_counts() -> None:
    assert [index for index, *_ in _identify(("a", "x"), ("b", "y"), ("a", "x"))] == [0, 1]


@pytest.mark.row("C1")
def test_entries_that_share_a_guid_but_not_a_link_are_two() -> None:
    first, second = _identify(("a", "x"), ("a", "y"))
    assert first == (0, guid_key("a"), "a")
    assert second[1] == guid_and_link_key("a", "y")
    assert second[2].startswith("a#")


@pytest.mark.row("C1")
def test_the_entry_that_had_the_guid_keeps_it_whatever_the_order() -> None:
    links = {guid_key("a"): "x"}
    newcomer, keeper = _identify(("a", "y"), ("a", "x"), links=links)
    assert keeper[1:] == (guid_key("a"), "a")
    assert newcomer[1] == guid_and_link_key("a", "y")


@pytest.mark.row("C1")
def test_an_entry_that_got_a_derived_guid_once_gets_it_again() -> None:
    known = frozenset({guid_key("a"), guid_and_link_key("a", "y")})
    reordered = _identify(("a", "y"), ("a", "x"), known=known)
    assert [key for _, key, _ in reordered] == [guid_and_link_key("a", "y"), guid_key("a")]


@pytest.mark.row("C1")
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")), max_size=6), st.randoms())
def test_who_keeps_a_guid_does_not_depend_on_order_once_it_is_settled(pairs, chance) -> None:  # type: ignore[no-untyped-def]
    first = _identify(*pairs)
    known = frozenset(key for _, key, _ in first)
    links = {key: pairs[index][1] for index, key, _ in first}
    keys = {pairs[index]: key for index, key, _ in first}
    shuffled = list(pairs)
    chance.shuffle(shuffled)
    again = _identify(*shuffled, known=known, links=links)
    assert {shuffled[index]: key for index, key, _ in again} == keys


def test_a_subscription_may_go_by_links_or_by_content() -> None:
    by_link = _identify(("a", "x"), ("a", "y"), ("b", "x"), mode=Identity.LINK)
    assert [index for index, *_ in by_link] == [0, 1]
    by_content = _identify(("a", "x"), ("a", "x"), mode=Identity.CONTENT)
    assert len(by_content) == 2


def test_a_guid_that_is_no_address_is_never_a_permalink() -> None:
    items, entries = _items(("tag:e.org,2026:1", "https://e.org/1"), ("https://e.org/2", None))
    first, second = identify(items, entries, Identity.GUID, (), {})
    assert not first.guid_is_permalink
    assert second.guid_is_permalink


@pytest.mark.row("S10")
def test_no_byte_of_an_identity_gets_into_a_key() -> None:
    for guid in ("../../etc/passwd", "\0", "x" * 5000, "\ud800", "a/b"):
        ((_, key, _),) = _identify((guid, None))
        assert len(key) == 32
        assert set(key) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    "same",
    [
        {"updated": None, "categories": (), "foreign": ("<x/>",)},
        {"link": "https://e.org/1?utm_source=rss&utm_medium=feed"},
        {"content": "<p>text</p>\n"},
        {"summary": None, "language": "de"},
    ],
)
def test_what_no_reader_sees_is_no_revision(same: dict[str, object]) -> None:
    assert revision_digest(replace(ENTRY, **same)) == revision_digest(ENTRY)


@pytest.mark.parametrize(
    "other",
    [
        {"title": "Two"},
        {"link": "https://e.org/2"},
        {"link": "https://e.org/1?id=7"},
        {"content": "<p>texts</p>"},
        {"summary": "<p>text</p>"},
        {"enclosures": (Enclosure("https://e.org/a.mp3"),)},
    ],
)
def test_what_a_reader_sees_is_one(other: dict[str, object]) -> None:
    assert revision_digest(replace(ENTRY, **other)) != revision_digest(ENTRY)


def test_signatures_that_change_at_every_fetch_are_no_revision() -> None:
    def at(signature: str) -> str:
        return revision_digest(
            replace(
                ENTRY,
                content=f'<p><img src="https://cdn.e.org/a.png?sig={signature}"></p>',
                enclosures=(Enclosure(f"https://cdn.e.org/a.mp3?sig={signature}"),),
            )
        )

    assert at("1") == at("2")
