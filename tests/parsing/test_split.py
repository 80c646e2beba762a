"""Splitting of documents: items, their ids, and elements that feedparser must not see."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cpu_time import within
from feedmirror.errors import Kind, ParseError
from feedmirror.parsing.decode import prepare_xml
from feedmirror.parsing.scan import CannotSplit
from feedmirror.parsing.split import SplitPlan, split

ATOM = "http://www.w3.org/2005/Atom"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RSS_1 = "http://purl.org/rss/1.0/"


def _plan(document: str) -> SplitPlan:
    return split(prepare_xml(document))


def _rss(inner: str, attributes: str = "") -> str:
    return f'<rss version="2.0" {attributes}><channel><title>t</title>{inner}</channel></rss>'


def _items(plan: SplitPlan) -> list[str]:
    return [plan.data[start:end].decode() for start, end in plan.spans]


def _ids(item: str, attributes: str = "") -> tuple[str | None, str | None]:
    (found,) = _plan(_rss(item, attributes)).items
    return found.guid, found.link


# ---------------------------------------------------------------- where items lie


def test_items_of_rss_are_found_with_their_tags() -> None:
    items = ["<item><title>a</title></item>", '<item a=">" >b</item >', "<item/>", "<item a='/>'/>"]
    assert _items(_plan(_rss("\n".join(items)))) == items


def test_items_of_rss_1_stand_beside_the_channel() -> None:
    item = '<item rdf:about="https://a.example.org/1"><title>a</title></item>'
    plan = _plan(
        f'<rdf:RDF xmlns:rdf="{RDF}" xmlns="{RSS_1}"><channel><items><rdf:Seq>'
        f'<rdf:li rdf:resource="https://a.example.org/1"/></rdf:Seq></items></channel>{item}</rdf:RDF>'
    )
    assert _items(plan) == [item]
    assert plan.items[0].guid == "https://a.example.org/1"
    assert [len(tags) for tags in plan.around] == [1]


def test_entries_of_prefixed_atom_are_found() -> None:
    entry = "<a:entry><a:id>urn:x</a:id><a:link href='https://a.example.org/'/></a:entry>"
    plan = _plan(f"<a:feed xmlns:a='{ATOM}'>{entry}<a:title>t</a:title></a:feed>")
    assert _items(plan) == [entry]
    assert (plan.items[0].guid, plan.items[0].link) == ("urn:x", "https://a.example.org/")


def test_items_of_cdf_are_found_in_channels_of_channels() -> None:
    one, two = '<ITEM HREF="https://a.example.org/1"/>', '<ITEM HREF="2"><TITLE>b</TITLE></ITEM>'
    plan = _plan(f"<CHANNEL>{one}<CHANNEL>{two}</CHANNEL></CHANNEL>")
    assert _items(plan) == [one, two]
    assert [item.link for item in plan.items] == ["https://a.example.org/1", "2"]


def test_comments_instructions_and_sections_hold_no_items() -> None:
    decoy = "<!-- <item> --><?php <item> ?><description><![CDATA[</item><item>]]></description>"
    assert len(_items(_plan(_rss(f"{decoy}<item>{decoy}</item>{decoy}")))) == 1


def test_items_of_two_channels_are_all_found() -> None:
    plan = _plan(
        "<rss><channel a='1'><item>a</item></channel><channel><item>b</item></channel></rss>"
    )
    assert _items(plan) == ["<item>a</item>", "<item>b</item>"]
    assert [tags[1] for tags in plan.around] == [b"<channel a='1'>", b"<channel>"]


def test_elements_of_other_vocabularies_are_no_items() -> None:
    live = "<x:live><item><title>l</title></item></x:live><x:item/><x:entry>e</x:entry>"
    item = f"<item><title>a</title>{live}</item>"
    assert _items(_plan(_rss(live + item + live, "xmlns:x='urn:x'"))) == [item]


@pytest.mark.parametrize(
    "inner",
    [
        "<item><item>a</item></item>",
        "<items><item>a</item></items>",
        "<item><related><item>a</item></related></item>",
        "<image><item>a</item></image>",
        "<x:live xmlns:x='urn:x'><item>a</item></x:live>",
    ],
)
def test_items_in_odd_places_are_left_to_the_lenient_parser(inner: str) -> None:
    with pytest.raises(CannotSplit):
        _plan(_rss(inner))


@pytest.mark.parametrize(
    "junk", ["\n", "<!-- 3 ms -->", "words", "<script>1</script>", "&", "<!", "<"]
)
def test_text_after_the_root_is_ignored(junk: str) -> None:
    plan = _plan(_rss("<item>a</item>") + junk)
    assert plan.complete
    assert _items(plan) == ["<item>a</item>"]
    assert plan.reduced({0})[0].rstrip().endswith((b"</rss>", b"-->"))


# ---------------------------------------------------------------- identity


@pytest.mark.parametrize(
    ("guid", "expected"),
    [
        ("<guid>a</guid>", "a"),
        ("<guid> \n a \n</guid>", "a"),
        ("<guid><![CDATA[a&amp;b]]></guid>", "a&amp;b"),
        ("<guid>a&amp;b&#x41;</guid>", "a&bA"),
        ("<guid>a<!-- no -->b<?no?>c</guid>", "abc"),
        ("<guid>a<b>c</b></guid>", "ac"),
        ("<guid>relative/../path</guid>", "relative/../path"),
        ("<GUID isPermaLink='false'>a</GUID>", "a"),
        ("<guid/><guid>a</guid><guid>b</guid>", "a"),
        ("<guid> </guid>", None),
        ("<x:guid xmlns:x='urn:x'>b</x:guid><guid>a</guid><guid xmlns='urn:x'>c</guid>", "a"),
        (f"<a:id xmlns:a='{ATOM}'>b</a:id>", None),
        ("<source><guid>b</guid></source><guid>a</guid>", "a"),
        ("", None),
    ],
)
def test_the_guid_is_the_first_that_is_not_empty_as_written(
    guid: str, expected: str | None
) -> None:
    assert _ids(f"<item>{guid}</item>")[0] == expected


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("<link>https://a.example.org/?a=1&amp;b=2</link>", "https://a.example.org/?a=1&b=2"),
        ("<link><![CDATA[ /a ]]></link>", "/a"),
        ("<link/><a:link href='/a'/>", "/a"),
        ("<a:link href='/b'/><link>/a</link>", "/a"),
        ("<link>/a</link><a:link rel='alternate' href='/b'/><link>/c</link>", "/a"),
        ("<a:link rel='self' href='/b'/><a:link rel='enclosure' href='/c'/>", None),
        ("<a:link rel='replies' href='/b'/><a:link href='/a'/><a:link href='/c'/>", "/a"),
        ("<x:more xmlns:x='urn:x'><link>/b</link></x:more><link>/a</link>", "/a"),
        ("<x:link xmlns:x='urn:x'>/b</x:link>", None),
        ("<image><link>/b</link></image>", None),
    ],
)
def test_the_link_is_rss_s_own_or_atoms_first_alternate(link: str, expected: str | None) -> None:
    assert _ids(f"<item>{link}</item>", f"xmlns:a='{ATOM}'")[1] == expected


# ---------------------------------------------------------------- fingerprints


def _print(item: str, before: str = "<rss><channel>", after: str = "</channel></rss>") -> str:
    return _plan(before + item + after).items[-1].fingerprint


def test_a_fingerprint_depends_on_nothing_else_in_the_document() -> None:
    item = "<item><title>a</title></item>"
    assert _print(item) == _print(f"<ttl>5</ttl>{item}") == _print(f"<item>b</item>\n{item}")
    assert _print(item) != _print(item.replace("a<", "b<"))


@pytest.mark.parametrize(
    "surroundings",
    [
        "<rss xml:base='https://a.example.org/'><channel>",
        "<rss><channel xml:lang='de'>",
        "<rss xmlns='http://backend.userland.com/rss2'><channel>",
        "<rss xmlns:media='urn:x'><channel>",
    ],
)
def test_a_fingerprint_depends_on_what_the_item_inherits(surroundings: str) -> None:
    item = "<item><title>a</title></item>"
    assert _print(item) != _print(item, surroundings)


def test_a_fingerprint_depends_on_its_own_channel_only() -> None:
    item = "<item><title>a</title></item>"
    other = "<rss><channel xml:lang='de'><item>b</item></channel><channel>"
    assert _print(item) == _print(item, other)


# ---------------------------------------------------------------- reduced documents


def test_a_reduced_document_keeps_what_is_asked_for_and_the_frame() -> None:
    plan = _plan(_rss("<item>a</item>-<item>b</item>-<item>c</item>"))
    kept, sentinel = plan.reduced({0, 2})
    assert b"<item>a</item>--<item>c</item>" in kept
    assert not sentinel
    assert b"<title>t</title>--</channel>" in plan.reduced(())[0]
    assert b"<title>t</title>--</channel>" in plan.frame()


def test_an_empty_item_stands_in_for_a_first_one_that_is_dropped() -> None:
    for item in ("<i:item xmlns:i='http://purl.org/rss/1.0/' a='>'>a</i:item>", "<item/>"):
        plan = _plan(_rss(f"{item}<item>b</item>"))
        kept, sentinel = plan.reduced({1})
        assert sentinel
        assert len(_items(split(kept.decode()))) == 2  # well-formed, namespaces declared
        assert b">a<" not in kept


def test_feedparser_sees_no_elements_that_it_would_misread() -> None:
    media = (
        "xmlns:media='http://search.yahoo.com/mrss/' xmlns:dc='http://purl.org/dc/elements/1.1/'"
    )
    hidden = "<media:title>no</media:title>", "<image><url>no</url></image>", "<media:x a='/>'/>"
    shown = "<title>yes</title>", "<dc:date>2026-01-01</dc:date>", "<link>yes</link>"
    mixed = "".join(one + two for one, two in zip(hidden, shown, strict=True))
    plan = _plan(_rss(f"<media:credit>no</media:credit><item>{mixed}</item>", media))
    document = plan.reduced({0})[0]
    assert b"".join(part.encode() for part in shown) in document
    assert b">no<" not in document
    assert b"<media:credit>no</media:credit>" in plan.frame()


# ---------------------------------------------------------------- cut documents


def test_a_cut_document_gives_its_whole_items_and_their_end_tags() -> None:
    plan = _plan(_rss("<item>a</item><item>b</item><item>c</it")[: -len("</channel></rss>")])
    assert not plan.complete
    assert _items(plan) == ["<item>a</item>", "<item>b</item>"]
    assert plan.reduced({0})[0].endswith(b"<item>a</item></channel></rss>")
    assert plan.frame().endswith(b"<title>t</title></channel></rss>")


def test_a_cut_in_a_section_that_quotes_the_end_of_a_feed_is_still_a_cut() -> None:
    plan = _plan("<rss><channel><item>a</item><item><description><![CDATA[write </rss>\n")
    assert not plan.complete
    assert _items(plan) == ["<item>a</item>"]


def test_a_document_with_its_end_is_not_cut_but_broken() -> None:
    with pytest.raises(CannotSplit):
        _plan(_rss("<item>a</item><item><!-- b</item>"))


# ---------------------------------------------------------------- beyond reason


BEYOND_REASON: dict[str, tuple[int, Callable[[int], str]]] = {
    "elements in the channel": (100_000, lambda n: "<a>" * n),
    "elements in an item": (100_000, lambda n: "<item>" + "<a>" * n),
    "extension elements": (100_000, lambda n: "<item><x:a xmlns:x='urn:x'>" + "<a>" * n),
    "attributes in the channel": (100_000, lambda n: f"<a {_attributes(n)}/>"),
    "attributes in an item": (100_000, lambda n: f"<item><a {_attributes(n)}/></item>"),
    "empty elements in an item": (310_000, lambda n: "<item>" + "<a/>" * n),
    "items": (310_000, lambda n: "<item/>" * n),
}


def _attributes(count: int) -> str:
    return " ".join(f"a{number}=''" for number in range(count))


def _refusal(inner: str) -> Kind | None:
    try:
        _plan(_rss(inner))
    except ParseError as refused:
        return refused.kind
    except CannotSplit:
        return None
    return None


@pytest.mark.row("P5")
@pytest.mark.slow
@pytest.mark.parametrize("name", BEYOND_REASON)
def test_documents_beyond_reason_are_refused_in_linear_time(name: str) -> None:
    count, inner = BEYOND_REASON[name]
    whole, eighth = inner(count), inner(count // 8)
    refusal = within(3 * 8, lambda: _refusal(whole), than=lambda: _refusal(eighth))
    assert refusal is Kind.UNSAFE


@pytest.mark.row("P5")
@pytest.mark.slow
@pytest.mark.parametrize(
    "token", ["<title>{}</title>", "<t a='{}'/>", "<![CDATA[{}]]>", "<!--{}-->"]
)
def test_a_token_of_ten_megabytes_is_read_in_linear_time(token: str) -> None:
    whole, eighth = (
        _rss(f"<item>{token.format('x' * length)}</item>") for length in (10_000_000, 1_250_000)
    )
    plan = within(3 * 8, lambda: _plan(whole), than=lambda: _plan(eighth))
    assert len(plan.items) == 1


@pytest.mark.row("P10")
@pytest.mark.parametrize("page", ["<html><body>" + "<p>x<br>" * 300, "<head><meta><title>Log in"])
def test_a_web_page_is_called_one_however_deep_its_tags_nest(page: str) -> None:
    with pytest.raises(ParseError) as refused:
        _plan(page)
    assert refused.value.kind is Kind.NOT_A_FEED
