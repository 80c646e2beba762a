"""Elements of other vocabularies: carried as they came, with nothing in them that runs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from feedmirror.parsing.extensions import convert_extensions
from feedmirror.text.namespaces import ATOM, BODIES, DC, DCTERMS, ITUNES, MEDIA, PREFIXES, YANDEX
from feedmirror.text.xml import (
    HTML_AFTER,
    HTML_BEFORE,
    TEXT_AFTER,
    TEXT_BEFORE,
    XML,
    Element,
    quote,
    tree,
)

BASE = "https://a.example.org/feed.xml"
ROOT = " ".join(f"xmlns:{prefix}={quote(uri)}" for prefix, uri in PREFIXES.items())
OPEN = "urn:example:open"
SLOTS = re.compile("[\x01-\x04]")


def _carried(inner: str, attributes: str = "", *, slots: bool = True) -> list[str]:
    """The fragments of an item with these children, well-known prefixes declared."""
    item = f"<item {ROOT} xmlns:x='{OPEN}' {attributes}>{inner}</item>"
    return list(convert_extensions(Element(tree(item.encode()), BASE), slots=slots)[0])


def _one(inner: str, attributes: str = "") -> str:
    (fragment,) = _carried(inner, attributes)
    return fragment


def _read(fragment: str) -> Any:
    """The fragment as it is read in a document of the mirror's: with lxml, not with ours."""
    (element,) = etree.fromstring(f"<rss {ROOT}>{SLOTS.sub('', fragment)}</rss>")
    return element


def _same(one: Any, other: Any) -> bool:
    """Whether two elements are the same: names, namespaces, attributes, text, children."""
    return (
        (one.tag, dict(one.attrib), one.text or "", one.tail or "")
        == (other.tag, dict(other.attrib), other.text or "", other.tail or "")
        and len(one) == len(other)
        and all(map(_same, one, other))
    )


# ---------------------------------------------------------------- as they came


@pytest.mark.parametrize(
    "element",
    [
        "<media:content url='https://b.example.org/a.mp4'><media:b>t</media:b></media:content>",
        "<x:a/>",
        "<x:a b='1' x:b='2' media:b='3' xml:lang='de'>c</x:a>",
        "<a xmlns='urn:y'><c xmlns=''>e<d/></c><c xmlns='urn:z'><b xmlns='urn:y'/></c></a>",
        "<x:a><b/><c xmlns='urn:y'><d xmlns=''/></c></x:a>",
        "<media:a xmlns:media='urn:y'><m:c xmlns:m='http://search.yahoo.com/mrss/'/></media:a>",
        "<media:a xmlns:media='urn:y' xmlns:m='http://search.yahoo.com/mrss/' m:b='' media:c=''/>",
        "<m:a xmlns:m='http://search.yahoo.com/mrss/' xmlns:media='urn:y' m:b='1' media:c='2'/>",
        "<m:a xmlns:m='http://search.yahoo.com/mrss/' b='1'><m:c xmlns:m='urn:y' m:d='2'/></m:a>",
        "<y:a xmlns:y='urn:y' xmlns:z='urn:z' z:b='1'><z:a/><y:a y:b='2'/></y:a>",
        "<y:a xmlns:y='urn:y'><y:a xmlns:y='urn:z'><y:a xmlns:y='urn:y'/></y:a><y:b/></y:a>",
        "<a xmlns='urn:y' xmlns:y='urn:y' y:b='1' b='2'/>",
        "<ns:a xmlns:ns='urn:y'><ns:b xmlns:ns='urn:z'/></ns:a>",
        "<x:a>one<x:b>two</x:b>three<![CDATA[<four>&amp;]]>]]&gt;</x:a>",
        "<x:a b='&#10;&#9;&#13;&lt;&quot;&amp;&gt;&apos;'>&#13;\n\t&#x1F642;&#xA0;</x:a>",
        "<thr:in-reply-to ref='tag:a.example.org,2026:b' href='https://a.example.org/'/>",
        "<georss:where><gml:Point><gml:pos>1 2</gml:pos></gml:Point></georss:where>",
        "<podcast:value type='lightning'><podcast:valueRecipient split='1'/></podcast:value>",
    ],
)
def test_an_element_is_the_same_wherever_it_stands(element: str) -> None:
    original = etree.fromstring(f"<item {ROOT} xmlns:x='{OPEN}'>{element}</item>")[0]
    assert _same(_read(_one(element)), original)


NAMES = st.sampled_from(
    [
        *((prefix, OPEN) for prefix in ("", "x")),
        *((prefix, MEDIA) for prefix in ("", "m", "media")),
        *((prefix, "urn:y") for prefix in ("", "y", "media")),
        *((prefix, "urn:z") for prefix in ("x", "ns")),
        ("", ""),
    ]
)


@st.composite
def _elements(draw: st.DrawFn, depth: int = 3, *, top: bool = True) -> str:
    prefix, uri = draw(NAMES.filter(lambda name: bool(name[1]) or not top))
    name = f"{prefix}:e" if prefix else "e"
    bound = {prefix: uri}
    attributes = []
    for number in range(draw(st.integers(0, 2))):
        key, value = draw(NAMES.filter(lambda n: bool(n[0])))
        if bound.setdefault(key, value) == value:
            attributes.append(f"{key}:a{number}='v'")
    declared = [f"xmlns{':' if p else ''}{p}='{u}'" for p, u in bound.items()]
    words = draw(st.sampled_from(["", "word", " \n", "&lt;", "<![CDATA[<b>]]>"]))
    inner = draw(st.lists(_elements(depth - 1, top=False), max_size=2)) if depth else []
    return f"<{' '.join((name, *declared, *attributes))}>{words}{words.join(inner)}</{name}>"


@given(_elements())
def test_any_tree_of_namespaces_is_the_same_wherever_it_stands(element: str) -> None:
    original = etree.fromstring(f"<item>{element}</item>")[0]
    assert _same(_read(_one(element)), original)


def test_elements_keep_their_order_and_are_repeated() -> None:
    found = _carried("<x:a>1</x:a><title>t</title><media:credit>2</media:credit><x:a>1</x:a>")
    assert [_read(fragment).text for fragment in found] == ["1", "2", "1"]


def test_well_known_prefixes_in_use_are_returned() -> None:
    item = tree(
        f"<item {ROOT}><media:a dc:b=''><itunes:c/></media:a><x xmlns='urn:x'/></item>".encode()
    )
    assert convert_extensions(Element(item, BASE))[1] == ("dc", "itunes", "media")


def test_an_unknown_prefix_is_declared_on_the_fragment_alone() -> None:
    assert _one("<x:a><x:b/></x:a>") == f'<x:a xmlns:x="{OPEN}"><x:b/></x:a>'


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("http://search.yahoo.com/mrss", MEDIA),
        ("http://www.iTunes.com/DTDs/Podcast-1.0.dtd", ITUNES),
        ("http://www.itunes.com/dtds/podcast-1.0.dtd/", ITUNES),
    ],
)
def test_misspelt_namespaces_are_corrected(written: str, meant: str) -> None:
    read = _read(_one(f"<m:a xmlns:m='{written}' m:b='c'><m:d/></m:a>"))
    assert (read.tag, read[0].tag) == (f"{{{meant}}}a", f"{{{meant}}}d")
    assert read.attrib == {f"{{{meant}}}b": "c"}


def test_elements_of_the_feed_format_are_no_extension_elements() -> None:
    core = "<title/><link/><guid/><unknown/><content:encoded>x</content:encoded><category/>"
    assert _carried(core) == []
    assert _carried("<rss1:title xmlns:rss1='http://purl.org/rss/1.0/'>t</rss1:title>") == []


def test_elements_in_the_namespace_of_the_item_are_no_extension_elements() -> None:
    item = "<item xmlns='urn:weird' xmlns:x='urn:x'><title>t</title><x:a/></item>"
    (fragment,) = convert_extensions(Element(tree(item.encode()), BASE))[0]
    assert fragment.startswith("<x:a")


def test_links_to_the_origin_s_own_documents_are_dropped() -> None:
    rels = "self hub next first last previous prev-archive current alternate related via".split()
    found = _carried(
        "".join(f"<atom:link rel='{rel}' href='https://a.example.org/'/>" for rel in rels)
    )
    assert [_read(fragment).get("rel") for fragment in found] == ["alternate", "related", "via"]
    assert _carried("<itunes:new-feed-url>https://a.example.org/</itunes:new-feed-url>") == []


def test_of_an_atom_entry_the_links_and_persons_that_rss_has_no_room_for_are_carried() -> None:
    entry = (
        f"<entry xmlns='{ATOM}' {ROOT}><id>a</id><title/><link href='/a'/><link rel='enclosure' "
        "href='/b'/><link rel='related' href='/c'/><author><name>n</name></author><author><name>m"
        "</name><gd:image src='/p.png'/></author><contributor><name>c</name></contributor></entry>"
    )
    found = [_read(f) for f in convert_extensions(Element(tree(entry.encode()), BASE))[0]]
    assert [etree.QName(node).localname for node in found] == ["link", "author", "contributor"]
    assert found[0].get("href") == "https://a.example.org/c"


def test_a_group_of_a_single_content_is_opened_up() -> None:
    group = "<media:group><media:content url='https://a.example.org/{}'/>{}<media:title>t</media:title></media:group>"
    tags = [_read(f).tag for f in _carried(group.format(1, ""))]
    assert tags == [f"{{{MEDIA}}}content", f"{{{MEDIA}}}title"]
    assert len(_carried(group.format(1, "<media:content url='https://a.example.org/2'/>"))) == 1


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ("<itunes:explicit>Yes</itunes:explicit>", "true"),
        ("<itunes:explicit> clean </itunes:explicit>", "false"),
        ("<itunes:explicit>maybe</itunes:explicit>", None),
        ("<slash:comments>12</slash:comments>", "12"),
        ("<slash:comments>many</slash:comments>", None),
        ("<sy:updatePeriod>sometimes</sy:updatePeriod>", None),
        ("<dc:date>2026-03-02T12:00:00Z</dc:date>", "2026-03-02T12:00:00Z"),
        ("<dc:date>Mon, 02 Mar 2026 12:00:00 GMT</dc:date>", None),
    ],
)
def test_values_that_a_validator_refuses_are_repaired_or_left_out(
    element: str, expected: str | None
) -> None:
    assert [_read(fragment).text for fragment in _carried(element)] == (
        [expected] if expected else []
    )


def test_addresses_are_resolved_against_the_base_of_their_element() -> None:
    inner = (
        "<media:x url='t.png'/><x:a xml:base='/sub/'><x:b href='b'/><x:c src='//c.org/d'/></x:a>"
    )
    one, two = _carried(inner, "xml:base='https://b.example.org/posts/'")
    assert _read(one).get("url") == "https://b.example.org/posts/t.png"
    assert _read(two)[0].get("href") == "https://b.example.org/sub/b"
    assert _read(two)[1].get("src") == "https://c.org/d"
    assert "base" not in two


# ---------------------------------------------------------------- active content

XHTML = "http://www.w3.org/1999/xhtml"
SVG = "http://www.w3.org/2000/svg"
MATHML = "http://www.w3.org/1998/Math/MathML"
XLINK = "http://www.w3.org/1999/xlink"


@pytest.mark.parametrize("uri", [XHTML, SVG, MATHML])
def test_elements_that_browsers_run_in_any_xml_are_reduced_to_their_words(uri: str) -> None:
    active = f"<a:script xmlns:a='{uri}' onload='x'>alert(1)<a:b href='/b'>two</a:b></a:script>"
    read = _read(_one(f"<x:a>one {active} three</x:a>"))
    assert (len(read), read.text) == (0, "one alert(1)two three")
    assert _carried(active) == []


def test_attributes_of_xlink_and_of_xhtml_are_dropped() -> None:
    element = (
        f"<x:a xmlns:l='{XLINK}' xmlns:h='{XHTML}' l:href='javascript:x' l:type='simple' "
        "h:onclick='x' h:href='javascript:x' b='c'/>"
    )
    assert dict(_read(_one(element)).attrib) == {"b": "c"}


@pytest.mark.row("R1", "R2")
@pytest.mark.parametrize("name", ["url", "href", "src", "uri", "URL", "link", "anything"])
@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        " java&#10;script:alert(1)",
        "JavaScript:x",
        "vbscript:x",
        "data:text/html,&lt;script&gt;",
        "&#x200B;javascript:x",
    ],
)
def test_attributes_that_would_run_are_dropped(name: str, url: str) -> None:
    assert dict(_read(_one(f"<media:player {name}='{url}' b='c'/>")).attrib) == {"b": "c"}


@pytest.mark.row("R2")
@pytest.mark.parametrize("url", ["file:///etc/passwd", "blob:x", "view-source:x", "about:blank"])
def test_addresses_of_other_schemes_that_do_harm_are_dropped(url: str) -> None:
    assert dict(_read(_one(f"<media:player url='{url}'/>")).attrib) == {}


@pytest.mark.parametrize(
    "element",
    [
        "<wfw:commentRss>javascript:alert(1)</wfw:commentRss>",
        "<feedburner:origLink> java\nscript:alert (1) </feedburner:origLink>",
        "<x:thing>data:text/html,&lt;script&gt;alert(1)&lt;/script&gt;</x:thing>",
        "<media:player><![CDATA[vbscript:x]]></media:player>",
    ],
)
def test_texts_that_are_addresses_that_would_run_are_dropped(element: str) -> None:
    assert not _read(_one(element)).text


@pytest.mark.parametrize(
    "text",
    [
        "JavaScript: the good parts",
        "How to use the <script> tag",
        "a < b > c, onload=nothing",
        "data: 1, 2 and 3",
        "<p>markup that does <b>nothing</b></p>",
        "https://a.example.org/?u=javascript:x",
    ],
)
def test_texts_that_only_mention_scripts_are_unchanged(text: str) -> None:
    assert _read(_one(f"<x:a><![CDATA[{text}]]></x:a>")).text == text


@pytest.mark.row("R1")
@pytest.mark.parametrize(
    "markup",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "<a href='javascript:alert(1)'>x</a>",
        "<iframe srcdoc='x'></iframe>",
        "<form action='//evil.example'><input></form>",
    ],
)
@pytest.mark.parametrize("element", ["x:a", "media:title", "itunes:subtitle", "podcast:person"])
def test_active_markup_is_sanitised_in_any_extension_element(markup: str, element: str) -> None:
    text = _read(_one(f"<{element}><![CDATA[words {markup} more]]></{element}>")).text
    assert text.startswith("words")
    assert text.endswith("more")
    assert not re.search(r"<script|<iframe|<svg|<form|\bon\w+=|javascript:", text)


def test_text_that_is_declared_as_html_is_sanitised() -> None:
    read = _read(_one("<media:title type='html'>a&lt;b onclick='x'>b&lt;/b>&lt;i></media:title>"))
    assert read.text == "a<b>b</b><i></i>"


# ---------------------------------------------------------------- bodies


def _body(element: str) -> tuple[str, str, dict[str, str]]:
    """Which slots a body has, its text, and the attributes of its element."""
    fragment = _one(element)
    found = _read(fragment)
    return "".join(SLOTS.findall(fragment)), found.text or "", dict(found.attrib)


AS_HTML, AS_TEXT = HTML_BEFORE + HTML_AFTER, TEXT_BEFORE + TEXT_AFTER


@pytest.mark.parametrize(("uri", "local"), BODIES)
def test_every_body_has_slots_that_no_document_can_forge(uri: str, local: str) -> None:
    slots, text, _ = _body(f"<b:{local} xmlns:b='{uri}'>plain words</b:{local}>")
    assert slots in {AS_HTML, AS_TEXT}
    assert text == "plain words"


@pytest.mark.parametrize(
    ("element", "slots", "text"),
    [
        ("<itunes:summary> a &amp; b </itunes:summary>", AS_TEXT, "a & b"),
        ("<itunes:summary>&lt;p>a&lt;/p></itunes:summary>", AS_HTML, "<p>a</p>"),
        ("<itunes:summary><![CDATA[<p onclick='x'>a<!-- ]]></itunes:summary>", AS_HTML, "<p>a</p>"),
        ("<media:description>&lt;b>a</media:description>", AS_HTML, "<b>a</b>"),
        ("<media:description type='plain'>&lt;b>a</media:description>", AS_TEXT, "<b>a"),
        ("<media:description type='html'>a</media:description>", AS_HTML, "a"),
        (
            "<media:description type='plain'>&lt;img onerror=x></media:description>",
            AS_HTML,
            "<img>",
        ),
        ("<yandex:full-text>a\n\nb</yandex:full-text>", AS_TEXT, "a\n\nb"),
        ("<turbo:content>a &lt;script>x&lt;/script></turbo:content>", AS_HTML, "a"),
        ("<atom:summary type='html'>&lt;i>a</atom:summary>", AS_HTML, "<i>a</i>"),
        ("<atom:summary>&lt;i>a</atom:summary>", AS_TEXT, "<i>a"),
        ("<dc:description/>", AS_TEXT, ""),
    ],
)
def test_a_body_is_html_or_text_by_its_type_or_by_its_markup(
    element: str, slots: str, text: str
) -> None:
    assert _body(element)[:2] == (slots, text)


def test_an_xhtml_body_becomes_escaped_html_with_type_html() -> None:
    inner = f"<div xmlns='{XHTML}'><p onclick='x'>a</p><script>x</script><br/>b</div>"
    for element in ("atom:content type='xhtml'", "media:description type='xhtml'", "atom:content"):
        name = element.split()[0]
        slots, text, attributes = _body(f"<{element}>{inner}</{name}>")
        assert (slots, text) == (AS_HTML, "<div><p>a</p><br>b</div>")
        assert attributes == {"type": "html"}


def test_a_body_within_a_group_has_slots_too() -> None:
    contents = "<media:content url='https://a.example.org/{0}'/>"
    fragment = _one(
        f"<media:group>{contents.format(1)}{contents.format(2)}"
        "<media:description>a</media:description></media:group>"
    )
    assert "".join(SLOTS.findall(fragment)) == AS_TEXT


def test_bodies_of_the_feed_itself_have_no_slots() -> None:
    for fragment in _carried("<itunes:summary>&lt;p>a</itunes:summary>", slots=False):
        assert not SLOTS.search(fragment)


def test_addresses_in_bodies_are_made_absolute() -> None:
    fragment = _one("<yandex:full-text>&lt;img src='a.png'></yandex:full-text>", "xml:base='/p/'")
    assert _read(fragment).text == '<img src="https://a.example.org/p/a.png">'


def test_the_named_bodies_are_those_in_use() -> None:
    assert {(YANDEX, "full-text"), (MEDIA, "description"), (ITUNES, "summary")} <= BODIES.keys()
    assert {(DC, "description"), (DCTERMS, "abstract")} <= BODIES.keys()
    assert (
        f"{{{XML}}}lang" in _read(_one("<itunes:summary xml:lang='de'>a</itunes:summary>")).attrib
    )
