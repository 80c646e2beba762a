"""Extension elements in the mirror's documents: valid, and of the mirror where they speak of it."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.parsers import expat

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from builders import atom_document, entry, rss_document
from feedmirror.model import Disclaimer, Robots, Subscription
from feedmirror.parsing.extensions import convert_extensions
from feedmirror.publishing.formats.extension_elements import with_extension_elements
from feedmirror.text.namespaces import ATOM, CONTENT, DC, MEDIA, PODCAST, PREFIXES, canonical
from feedmirror.text.xml import Element, quote, tree
from scene import PUBLIC_URL, URL, Scene
from validity import FROM_ORIGIN, atom_problems, disclaimers, rss_problems

NOTICE = "Copied by the harbour office."
A = f"{{{ATOM}}}"
PLACE = "https://kelp.example.org/feed.xml"


def _scene(document: bytes, **settings: Any) -> Scene:
    subscription = Subscription("news", URL, **{"disclaimer": Disclaimer(text=NOTICE), **settings})
    scene = Scene(document, subscription=subscription)
    scene.refresh()
    return scene


def _both(document: bytes, **settings: Any) -> tuple[str, str]:
    """rss.xml and atom.xml, which are valid but for what only the origin can correct."""
    scene = _scene(document, **settings)
    rss, atom = scene.public(), scene.public("atom.xml")
    at = f"{PUBLIC_URL}/news/"
    found = rss_problems(rss.encode(), self_url=f"{at}rss.xml", now=scene.now)
    found += atom_problems(atom.encode(), self_url=f"{at}atom.xml", now=scene.now)
    assert [one for one in found if one.split()[0] not in FROM_ORIGIN] == []
    return rss, atom


def _rss(item: str = "", channel: str = "", **spaces: str) -> bytes:
    declared = "".join(f" xmlns:{prefix}={quote(uri)}" for prefix, uri in spaces.items())
    return (
        f"<rss version='2.0'{declared}><channel><title>Kelp</title><description>d</description>"
        f"<link>https://kelp.example.org/</link>{channel}<item><title>Rope</title><guid>k1</guid>"
        f"<link>https://kelp.example.org/1</link><description>Short.</description>{item}</item>"
        "</channel></rss>"
    ).encode()


class Gofeed:
    """Reads Atom as gofeed does: each namespace has the prefix that it was last declared with, and
    names with a prefix are extensions.
    """

    def __init__(self, document: str) -> None:
        self.entries = 0
        self._prefixes: dict[str, str] = {}
        parser = expat.ParserCreate("utf-8", " ")
        parser.StartNamespaceDeclHandler = self._declare
        parser.StartElementHandler = self._start
        parser.Parse(document.encode(), True)

    def _declare(self, prefix: str | None, uri: str) -> None:
        self._prefixes[uri] = prefix or ""

    def _start(self, name: str, _: object) -> None:
        uri, _, local = name.rpartition(" ")
        self.entries += local == "entry" and not self._prefixes.get(uri, "")


# ---------------------------------------------------------------- namespaces


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://www.w3.org/2005/Atom", ATOM),
        ("http://www.w3.org/2005/Atom//", ATOM),
        ("HTTP://WWW.W3.ORG/2005/ATOM/", ATOM),
        ("http://w3.org/2005/Atom", ATOM),
        ("https://purl.org/rss/1.0/modules/content", CONTENT),
        ("http://kelp.example.org/rss/1.0/modules/content/", CONTENT),
        ("https://purl.org/dc/elements/1.1", DC),
        ("http://purl.org/dc/elements/1.0/", DC),
        ("https://www.rssboard.org/media-rss/", MEDIA),
        ("http://video.search.yahoo.com/mrss", MEDIA),
        ("https://github.com/Podcastindex-org/podcast-namespace/blob/master/docs/1.0.md", PODCAST),
        ("http://podcastindex.org/namespace/1.0/", PODCAST),
        ("http://www.w3.org/2003/01/geo/wgs84_pos", PREFIXES["geo"]),
        ("https://kelp.example.org/ns", "https://kelp.example.org/ns"),
        ("http://purl.org/rss/1.0/modules/link/", "http://purl.org/rss/1.0/modules/link/"),
        ("urn:x", "urn:x"),
        ("no uri", "urn:escaped:no%20uri"),
    ],
)
def test_a_namespace_is_the_one_that_clients_take_it_for(written: str, meant: str) -> None:
    assert canonical(written) == meant


@given(
    st.sampled_from(sorted(PREFIXES.values())),
    st.sampled_from(["http", "https"]),
    st.integers(0, 3),
    st.booleans(),
)
def test_no_known_namespace_depends_on_its_spelling(
    uri: str, scheme: str, slashes: int, upper: bool
) -> None:
    bare = uri.partition("://")[2].rstrip("/#")
    spelt = f"{scheme}://{bare}{'/' * slashes}"
    assert canonical(spelt.upper() if upper else spelt) == uri


@pytest.mark.costly
@pytest.mark.parametrize("prefix", ["content", "c"])
@pytest.mark.parametrize(
    "uri",
    ["https://purl.org/rss/1.0/modules/content", "http://x.example/rss/1.0/modules/content//"],
)
def test_the_full_text_is_the_content_however_its_namespace_is_spelt(prefix: str, uri: str) -> None:
    item = f"<{prefix}:encoded>&lt;p>Twelve fathoms of rope.&lt;/p></{prefix}:encoded>"
    scene = _scene(_rss(item, **{prefix: uri}))
    (atom,) = etree.fromstring(scene.public("atom.xml").encode()).iter(f"{A}content")
    assert "Twelve fathoms" in atom.text
    assert NOTICE in atom.text
    assert disclaimers(scene.public().encode(), sentence=NOTICE) == [
        {"description": 1, "content:encoded": 1}
    ]


def test_the_full_text_is_written_once_however_its_name_is_spelt() -> None:
    item = "<content:Encoded>&lt;p>Twelve fathoms.&lt;/p></content:Encoded>"
    for document in _both(_rss(item, content=CONTENT)):
        assert document.count("Twelve fathoms") == 1


def test_the_full_text_is_known_by_its_prefix_where_its_namespace_is_unknown() -> None:
    item = "<content:encoded>&lt;p>Twelve fathoms.&lt;/p></content:encoded>"
    assert "Twelve fathoms" in _scene(_rss(item, content="urn:whatever")).public("feed.json")


YANDEX = PREFIXES["yandex"]


def test_the_full_text_of_another_vocabulary_is_the_content_beside_its_beginning() -> None:
    item = "<y:full-text>Short. And then twelve fathoms of rope.</y:full-text>"
    scene = _scene(_rss(item, y=YANDEX))
    (shown,) = json.loads(scene.public("feed.json"))["items"]
    assert "twelve fathoms" in shown["content_html"]
    assert shown["summary"].startswith("Short.")
    page = scene.public(f"entries/{shown['_feedmirror']['key']}.html")
    assert "twelve fathoms" in page
    (atom,) = etree.fromstring(scene.public("atom.xml").encode()).iter(f"{A}content")
    assert NOTICE in atom.text


def test_a_full_text_that_is_not_longer_than_the_description_is_ignored() -> None:
    document = _rss("<y:full-text>Short</y:full-text>", y=YANDEX).replace(
        b"Short.", b"<b>Short</b>."
    )
    assert "<b>Short</b>" in _scene(document).public("feed.json")
    (shown,) = json.loads(_scene(document).public("feed.json"))["items"]
    assert "summary" not in shown


@pytest.mark.parametrize(
    ("prefix", "uri", "local"),
    [
        ("dc", "https://purl.org/dc/elements/1.1", "description"),
        ("dc", "urn:nobody", "description"),
        ("m", "http://www.rssboard.org/media-rss", "description"),
        ("itunes", "https://www.itunes.com/dtds/podcast-1.0.dtd", "summary"),
        ("source", "https://source.scripting.com/", "markdown"),
        ("s", "http://source.scripting.com", "markdown"),
    ],
)
def test_a_body_of_another_vocabulary_carries_the_disclaimer_however_it_is_spelt(
    prefix: str, uri: str, local: str
) -> None:
    item = f"<{prefix}:{local}>Twelve fathoms of rope.</{prefix}:{local}>"
    for document in _both(_rss(item, **{prefix: uri})):
        item = etree.fromstring(document.encode()).find(".//{*}guid/..")
        entries = [item] if item is not None else etree.fromstring(document.encode())
        (found,) = [
            node for one in entries for node in one.iter(f"{{*}}{local}") if "fathoms" in node.text
        ]
        assert NOTICE in found.text


@pytest.mark.costly
@pytest.mark.parametrize(
    "picture", ["a' medium='image'", "a' type='image/png'", "a.png'", "a.JPG?w=9'"]
)
@pytest.mark.parametrize("words", ["A coil of rope", "A coil of rope " * 40])
def test_the_description_of_a_picture_is_no_body(picture: str, words: str) -> None:
    item = (
        f"<media:content url='https://k.example.org/{picture}><media:description>{words}"
        "</media:description></media:content>"
    )
    for document in _both(_rss(item, media=MEDIA)):
        (found,) = etree.fromstring(document.encode()).iter(f"{{{MEDIA}}}description")
        assert found.text == words


@pytest.mark.parametrize("film", ["a.png' medium='video'", "a.png' type='video/webm'", "a.webm'"])
def test_the_description_of_a_film_is_a_body(film: str) -> None:
    item = (
        f"<media:content url='https://k.example.org/{film}><media:description>A coil of rope"
        "</media:description></media:content>"
    )
    for document in _both(_rss(item, media=MEDIA)):
        (found,) = etree.fromstring(document.encode()).iter(f"{{{MEDIA}}}description")
        assert NOTICE in found.text


# ---------------------------------------------------------------- Atom within RSS, and in Atom

EXTENDED = "<author><name>{}</name><k:badge xmlns:k='urn:k'>1</k:badge></author>"


def test_further_authors_and_a_source_are_written_in_rss_s_own_words() -> None:
    source = (
        "<source><id>urn:uuid:60a76c80-d399-11d9-b93c-0003939e0af6</id>"
        "<title>The Slip</title></source>"
    )
    extra = EXTENDED.format("Una") + EXTENDED.format("Ove") + source
    rss, atom = _both(atom_document([entry(1, extra=extra)]))
    item = etree.fromstring(rss.encode()).find("channel/item")
    assert {"Una", "Ove"} <= {one.text for one in item.iter(f"{{{DC}}}creator")}
    assert [one.text for one in item.iter(f"{{{DC}}}source")] == ["The Slip"]
    (kept,) = etree.fromstring(atom.encode()).iter(f"{A}source")
    assert kept.findtext(f"{A}title") == "The Slip"


@pytest.mark.parametrize(
    "source", ["<source>The Slip</source>", "<source url=' '>The Slip</source>"]
)
def test_a_source_without_an_address_is_only_a_name(source: str) -> None:
    for document in _both(_rss(source)):
        assert "<dc:source>The Slip</dc:source>" in document


def test_a_source_of_atom_that_is_text_is_only_a_name() -> None:
    rss, atom = _both(atom_document([entry(1, extra="<source>The Slip</source>")]))
    assert "<dc:source>The Slip</dc:source>" in rss
    assert "<dc:source>The Slip</dc:source>" in atom
    mixed = "<source>Stray<id>https://s.example.org/</id><title>Slip</title></source>"
    _, atom = _both(atom_document([entry(1, extra=mixed)]))
    assert "Stray" not in atom
    assert "https://s.example.org/" in atom


def test_rights_in_xhtml_keep_their_links_and_need_no_div() -> None:
    words = "<div xmlns='http://www.w3.org/1999/xhtml'>See <a href='/terms'>terms</a>.</div>"
    extra = f"<rights type='xhtml'>{words}</rights>"
    for document in _both(atom_document([entry(1, extra=extra)])):
        (rights,) = etree.fromstring(document.encode()).iter(f"{A}rights")
        assert rights.get("type") == "html"
        assert rights.text.startswith('See <a href="http')


@pytest.mark.parametrize(
    "link", ["<a:link>https://k.example.org/</a:link>", "<a:link rel='related' href=''/>"]
)
def test_a_link_without_an_address_is_left_out(link: str) -> None:
    for document in _both(_rss(link, link, a=ATOM)):
        assert "<a:link" not in document
        assert all(one.get("href") for one in etree.fromstring(document.encode()).iter(f"{A}link"))


@pytest.mark.parametrize(
    ("prefix", "uri"),
    [
        ("a", "http://www.w3.org/2005/Atom/"),
        ("a", "https://www.w3.org/2005/Atom"),
        ("a", "http://w3.org/2005/Atom"),
        ("atom", "urn:nobody"),
    ],
)
def test_a_misspelt_namespace_does_not_let_the_origin_s_own_links_through(
    prefix: str, uri: str
) -> None:
    own = f"<{prefix}:link rel='Self' href='https://kelp.example.org/own.xml'/>"
    for document in _both(_rss(own, own, **{prefix: uri})):
        assert "own.xml" not in document


def test_readers_find_atom_entries_whatever_prefixes_the_origin_uses() -> None:
    related = "<{0}:link rel='related' href='https://k.example.org/more'/>"
    odd = (
        "<k:box xmlns:k='urn:k'><x xmlns=''><a:link a:b='1' href='https://k.example.org/in'/></x>"
        "</k:box><q:y xmlns:atom='urn:o' xmlns:q='urn:q' atom:b='1'><a:name>N</a:name></q:y>"
    )
    for document in (
        _rss(related.format("a") + odd, a=ATOM),
        _rss("", related.format("a10"), a10=ATOM),
    ):
        _, atom = _both(document)
        assert Gofeed(atom).entries == 1
        assert re.findall(r"xmlns:\w+=.http://www.w3.org/2005/Atom.", atom) == []
        assert "https://k.example.org/more" in atom


NAMES = st.sampled_from(
    [("a", ATOM), ("", ATOM), ("", ""), ("", "urn:d"), ("k", "urn:k"), ("atom", "urn:k")]
)


@st.composite
def _elements(draw: st.DrawFn, depth: int = 3, *, top: bool = True) -> str:
    prefix, uri = draw(NAMES.filter(lambda name: bool(name[1]) or not top))
    name = f"{prefix}:e" if prefix else "e"
    declared = f"xmlns{':' if prefix else ''}{prefix}='{uri}'"
    inner = draw(st.lists(_elements(depth - 1, top=False), max_size=2)) if depth else []
    return f"<{name} {declared} b='c/'>w{''.join(inner)}</{name}>"


@given(_elements())
def test_any_extension_means_the_same_where_atom_s_namespace_is_the_default(element: str) -> None:
    item = f"<item>{element}</item>"
    (fragment,) = convert_extensions(Element(tree(item.encode()), PLACE))[0]
    spaces = "".join(f" xmlns:{prefix}={quote(uri)}" for prefix, uri in PREFIXES.items())
    before = etree.fromstring(f"<rss{spaces}>{fragment}</rss>")[0]
    found = list(with_extension_elements((), (f'<x:x xmlns:x="urn:x">{fragment}</x:x>',)))
    spaces = "".join(f" xmlns:{p}={quote(uri)}" for p, uri in PREFIXES.items() if p != "atom")
    after = etree.fromstring(f"<feed xmlns='{ATOM}'{spaces}>{found[0]}</feed>")[0][0]
    assert [(n.tag, dict(n.attrib), n.text) for n in before.iter()] == [
        (n.tag, dict(n.attrib), n.text) for n in after.iter()
    ]


@pytest.mark.parametrize(
    "root",
    [
        "<entry xmlns='http://www.w3.org/2005/Atom' {}>{}</entry>",
        "<entry xmlns='https://www.w3.org/2005/Atom/' {}>{}</entry>",
        "<!-- alone --><entry xmlns='http://www.w3.org/2005/Atom' {}>{}</entry><!-- end -->",
    ],
)
def test_an_entry_that_is_the_whole_document_keeps_its_extensions(root: str) -> None:
    inner = (
        "<title>Rope</title><id>urn:uuid:60a76c80-d399-11d9-b93c-0003939e0af6</id>"
        "<updated>2026-03-01T09:00:00Z</updated><summary>Short.</summary><k:depth>12</k:depth>"
        "<link href='1'/>"
    )
    document = root.format("xmlns:k='urn:k' xml:base='https://kelp.example.org/'", inner)
    for public in _both(document.encode()):
        assert ">12</k:depth>" in public
        assert "https://kelp.example.org/1" in public


@pytest.mark.parametrize(
    "uri", ["http://purl.org/atompub/tombstones/1.0", "https://purl.org/atompub/tombstones/1.0/"]
)
def test_tombstones_of_the_origin_are_not_copied(uri: str) -> None:
    gone = f"<g:deleted-entry xmlns:g='{uri}' ref='k0' when='2026-03-01T09:00:00Z'/>"
    for document in _both(_rss(gone, f"{gone}<k:box xmlns:k='urn:k'>{gone}</k:box>")):
        assert "deleted-entry" not in document


# ---------------------------------------------------------------- podcasts, licences, titles


@pytest.mark.parametrize("uri", [PODCAST, "http://podcastindex.org/namespace/1.0/", "urn:nobody"])
def test_the_mirror_does_not_claim_to_be_the_podcast(uri: str) -> None:
    channel = "<podcast:guid>4c2e</podcast:guid><podcast:medium>music</podcast:medium>"
    for document in _both(_rss("", channel, podcast=uri)):
        assert "4c2e" not in document
        assert "music</podcast" in document


AUDIO = "<enclosure url='https://k.example.org/a.mp3' length='1' type='audio/mpeg'/>"


def test_directories_of_podcasts_leave_out_a_mirror_that_is_not_to_be_found() -> None:
    blocked = "<itunes:block>Yes</itunes:block>"
    assert blocked in _both(_rss(AUDIO))[0]
    own = "<itunes:block>no</itunes:block>"
    itunes = PREFIXES["itunes"]
    assert _both(_rss("", own, itunes=itunes))[0].count("<itunes:block>") == 1
    assert blocked not in _both(_rss(AUDIO), robots=Robots.INDEX)[0]
    assert own in _both(_rss("", own, itunes=itunes), robots=Robots.INDEX)[0]
    assert blocked not in _both(_rss())[0]


@pytest.mark.parametrize("uri", ["https://rslstandard.org/rsl", "http://rslstandard.org/rsl/"])
def test_addresses_in_a_licence_are_absolute(uri: str) -> None:
    licence = (
        "<r:content url='/' server='//api.example.org/ask'><r:license><r:legal contactUrl='me'/>"
        "<r:custom>/terms</r:custom><r:permits type='usage'>search</r:permits></r:license>"
        "</r:content>"
    )
    for document in _both(_rss(licence, licence, r=uri)):
        assert 'url="/"' not in document
        assert document.count('://api.example.org/ask"') == 2
        assert 'contactUrl="http' in document
        assert re.search(r">https?://[^/<]+/terms<", document)
        assert ">search<" in document


@pytest.mark.parametrize(
    ("prefix", "element"),
    [
        ("creativeCommons", "<creativeCommons:license>by/4.0</creativeCommons:license>"),
        ("dcterms", "<dcterms:license>/by/4.0</dcterms:license>"),
        ("rsl", "<rsl:content><rsl:standard>by/4.0</rsl:standard></rsl:content>"),
    ],
)
def test_the_address_of_a_licence_belongs_to_the_site(prefix: str, element: str) -> None:
    for document in _both(_rss(element, element, **{prefix: PREFIXES[prefix]})):
        assert document.count(">https://kelp.example.org/by/4.0<") == 2


def test_the_title_may_hold_the_title_of_the_source_and_the_disclaimer_then_names_the_source() -> (
    None
):
    settings = {
        "title": "{source_title} {again} (copy)",
        "disclaimer": Disclaimer(text="From {source_title}."),
    }
    rss, atom = _both(rss_document([entry(1)], title="Kelp & Rope"), **settings)
    for document in (rss, atom):
        assert "<title>Kelp &amp; Rope {again} (copy)</title>" in document
        assert "From Kelp &amp; Rope." in document


# ---------------------------------------------------------------- what nobody is to see


@pytest.mark.costly
@pytest.mark.parametrize("mark", ["\u200b", "\u200e", "\u2066", "\ufeff", "\xad"])
def test_an_invisible_mark_in_front_of_a_link_is_no_part_of_it(mark: str) -> None:
    link = "https://kelp.example.org/1"
    rss = _rss().decode().replace(f"<link>{link}", f"<link>{mark}{link}")
    atom = atom_document([entry(1, link=f"{mark}{link}")])
    for origin in (rss.encode(), atom):
        found, _ = _both(origin)
        assert etree.fromstring(found.encode()).findtext("channel/item/link") == link


@pytest.mark.parametrize(
    "element", ["<img src='https://k.example.org/a.png' {}>", "<table {}><td>1</table>"]
)
@pytest.mark.parametrize("side", ["left", "right", "LEFT"])
def test_nothing_of_an_entry_floats_into_the_box_of_the_disclaimer(element: str, side: str) -> None:
    words = f"<![CDATA[<p>Rope.</p>{element.format(f'align={side}')}]]>"
    scene = _scene(_rss().replace(b"Short.", words.encode()))
    for name in ("rss.xml", "atom.xml", "feed.json"):
        found = re.findall(r"<(?:img|table)[^>]*>", scene.public(name))
        assert len(found) == 1
        assert "align" not in found[0]
