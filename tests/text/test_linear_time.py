"""Text of megabytes in which each character invites a search through all of it: the time that it
takes grows with its length, not with the square of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from builders import rss_document
from cpu_limit import seconds_not_minutes
from cpu_time import within
from feedmirror.mirror.comparison import compared, revision_digest, shares_words
from feedmirror.mirror.identity import Memory, identify
from feedmirror.model import Author, Category, Entry, Fetched, Identity, Images, Item, Subscription
from feedmirror.parsing.extensions import StartTag
from feedmirror.parsing.parse import parse
from feedmirror.parsing.split import Part
from feedmirror.publishing.formats import rss
from feedmirror.publishing.formats.extension_elements import with_extension_elements
from feedmirror.publishing.pages.body import rewrite_body
from feedmirror.text import sanitize
from feedmirror.text.html_images import needs_rewriting
from feedmirror.text.html_rewriting import may_hide
from feedmirror.text.plain import close_directions, pair_surrogates, words_of
from feedmirror.text.xml import Name, printable
from page_reading import entry_page, publication, revision
from scene import URL

N = 400_000
_ATTRIBUTES = " ".join(f"a{number}=" for number in range(N // 2))
_QUOTING_TAGS = _ATTRIBUTES.replace("=", '="<p>"')
LRE, PDF, LRI, PDI = "\u202a", "\u202c", "\u2066", "\u2069"


def _joined(fragment: str) -> object:
    return list(with_extension_elements((), [fragment]))


READINGS: dict[str, tuple[Callable[[str], object], str]] = {
    "directions that end nothing": (close_directions, (LRE + PDI) * (N // 4)),
    "directions that are never ended": (close_directions, LRI * (N // 4) + PDF * (N // 4)),
    "equals signs in a tag": (sanitize.is_active, "<a " + "=" * N + ">"),
    "equals signs between letters": (sanitize.is_active, "<a " + "x=" * N + "> y"),
    "commas in a srcset": (sanitize.clean, f'<img srcset="{"," * N}">'),
    "addresses of commas in a srcset": (sanitize.clean, f'<img srcset="{",x" * N}">'),
    "a name without an end": (sanitize.clean, f"<svg></svg>words<{'a' * N}"),
    "a tag without an end among words": (words_of, "<" + "a" * N),
    "a tag without an end on a page": (
        lambda text: rewrite_body(text, Images.ORIGIN),
        "<" + "a" * N,
    ),
    "a tag of Atom's without an end": (_joined, "<atom:" + "a" * N),
    "a name of Atom's without an end": (_joined, "<atom:author><atom:name>" + "a" * N),
    "attributes": (sanitize.clean, f"<p {_ATTRIBUTES}>"),
    "attributes behind a quote that is none": (
        sanitize.clean,
        f"""<p "> <p {_ATTRIBUTES}> <p ">""",
    ),
    "attributes that hold brackets": (sanitize.clean, f"<p {_QUOTING_TAGS}>"),
}


@pytest.mark.row("P3")
@pytest.mark.slow
@pytest.mark.parametrize("name", READINGS)
def test_text_is_read_in_time_that_grows_with_its_length(name: str) -> None:
    read, text = READINGS[name]
    with seconds_not_minutes():
        read(text)


@pytest.mark.costly
@pytest.mark.row("P3")
def test_what_rss_would_say_twice_is_found_without_a_search_for_each_name() -> None:
    names = [f"Writer {number}" for number in range(50_000)]
    said = revision(
        authors=tuple(map(Author, names)),
        categories=tuple(map(Category, names)),
        extension_elements=tuple(
            f"<dc:{element}>{name}</dc:{element}>"
            for name in names[1:]
            for element in ("creator", "subject")
        ),
        prefixes=("dc",),
    )
    with seconds_not_minutes():
        document = rss.FORMAT.render(publication(said)).decode()
    assert document.count("<dc:creator>") == 50_000
    assert document.count("<category>") == 1


@pytest.mark.row("P3")
@pytest.mark.slow
def test_the_tags_around_items_are_read_once_and_not_for_each_of_them() -> None:
    document = rss_document(
        [{"guid": str(number)} for number in range(20_000)],
        extra_namespaces={"long": "urn:" + "x" * 4_000_000},
    )
    with seconds_not_minutes():
        parsed = parse(Fetched(URL, document), frozenset(), Part(19_900))
    assert sorted(parsed.entries) == [*range(19_900, 20_000)]


@pytest.mark.row("P3")
@pytest.mark.slow
def test_a_namespace_of_megabytes_costs_no_more_for_each_name_that_is_in_it() -> None:
    long = "urn:" + "x" * 1_000_000
    many = f'<t:a xmlns:t="{long}">{"<t:b/>" * 100_000}</t:a>'
    document = rss_document([{"guid": "1", "extra": many}, {"guid": "2"}])
    with seconds_not_minutes():
        parsed = parse(Fetched(URL, document), frozenset())
    assert [item.guid for item in parsed.items] == ["1", "2"]
    assert parsed.entries[0].extension_elements[0].count("<t:b/>") == 100_000


@pytest.mark.row("P3")
@pytest.mark.slow
def test_pictures_in_a_link_with_a_long_address_are_not_each_compared_with_all_of_it() -> None:
    address = "https://tides.example.org/?" + "a&amp;" * 3_900
    picture = '<img src="https://tides.example.org/p">'
    body = f'<a href="{address}">{picture * 50_000}</a>'
    subscription = Subscription("news", URL, images=Images.NONE)
    with seconds_not_minutes():
        page = entry_page(revision(content=body), subscription=subscription)
    assert page.count('href="https://tides.example.org/p"') == 50_000


@pytest.mark.row("P3")
@pytest.mark.slow
def test_items_that_share_a_guid_are_told_apart_without_a_search_for_each_link() -> None:
    items = [Item(str(number), "guid", f"link {number}") for number in range(20_000)]
    entries = {n: Entry(link=f"https://tides.example.org/{n}") for n in range(20_000)}
    with seconds_not_minutes():
        found = identify(items, entries, Identity.GUID, Memory()).found
    assert len({one.key for one in found}) == 20_000


@pytest.mark.slow
def test_items_that_share_a_guid_and_a_link_are_told_apart_without_comparing_each_with_each() -> (
    None
):
    items = [Item(str(number), "guid", "link") for number in range(20_000)]
    entries = {n: Entry(link="https://tides.example.org/", title=str(n)) for n in range(20_000)}
    with seconds_not_minutes():
        found = identify(items, entries, Identity.GUID, Memory()).found
    assert len({one.key for one in found}) == 20_000


def test_identifiers_of_many_marks_are_compared_in_time_that_does_not_explode() -> None:
    marks = "\u0344\u0316" * 200_000  # classes 230 and 220, to be sorted
    with seconds_not_minutes():
        assert compared(f"a{marks}") == f"a{marks}"
        compared(f"https://tides.example.org/?{'&' * 500_000}a")


@pytest.mark.costly
def test_words_are_compared_without_a_second_look_at_what_is_no_tag() -> None:
    title = '<a "' * 100_000
    with seconds_not_minutes():
        assert shares_words(Entry(title=title), Entry(title=title))
        revision_digest(Entry(title=title, content=f"<p>{'<b>x</b>' * 100_000}</p>"))


def test_prefixes_in_force_are_copied_only_by_an_element_that_declares_another() -> None:
    outer = {"a": "urn:a"}
    tag = StartTag(outer, set())
    assert tag.name(Name("urn:a", "one", "a")) == "a:one"
    assert tag.scope is outer
    assert tag.name(Name("urn:b", "two", "b"), attribute=True) == "b:two"
    assert (tag.scope, outer) == ({"a": "urn:a", "b": "urn:b"}, {"a": "urn:a"})


def test_articles_are_searched_for_rare_things_faster_than_a_pattern_could() -> None:
    article = "<p>the tide &#8217; tables of the quay, <a href='/t'>all of them</a></p>\n" * 20_000
    for search, found in (
        (pair_surrogates, article),
        (needs_rewriting, False),
        (may_hide, False),
    ):
        assert within(8, partial(search, article), than=partial(printable, article)) == found
