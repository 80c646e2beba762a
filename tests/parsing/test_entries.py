"""Fields of entries and of the feed, from documents of all formats."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from feedmirror.model import Author, Category, Enclosure, Entry, Feed, Fetched, Image, Source
from feedmirror.parsing.parse import parse
from feedmirror.text.html_rewriting import link_paragraph

URL = "https://a.example.org/blog/feed.xml"
XHTML = "xmlns='http://www.w3.org/1999/xhtml'"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NAMESPACES = (
    "xmlns:content='http://purl.org/rss/1.0/modules/content/' "
    "xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:dcterms='http://purl.org/dc/terms/' "
    "xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd' "
    "xmlns:media='http://search.yahoo.com/mrss/' xmlns:a='http://www.w3.org/2005/Atom' "
    "xmlns:sy='http://purl.org/rss/1.0/modules/syndication/' "
    "xmlns:podcast='https://podcastindex.org/namespace/1.0'"
)


def _parsed(document: str) -> tuple[Feed, list[Entry]]:
    parsed = parse(Fetched(URL, document.encode()), frozenset())
    assert parsed.lossless
    return parsed.feed, list(parsed.entries.values())


def _rss(inner: str) -> Entry:
    channel = f"<channel><title>t</title><item>{inner}</item></channel>"
    (entry,) = _parsed(f"<rss version='2.0' {NAMESPACES}>{channel}</rss>")[1]
    return entry


def _atom(inner: str, attributes: str = "") -> Entry:
    feed = f"<feed xmlns='http://www.w3.org/2005/Atom' {attributes}><title>t</title>"
    (entry,) = _parsed(f"{feed}<entry>{inner}</entry></feed>")[1]
    return entry


def _channel(inner: str) -> Feed:
    return _parsed(f"<rss version='2.0' {NAMESPACES}><channel>{inner}</channel></rss>")[0]


# ---------------------------------------------------------------- titles


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("plain", "plain"),
        (" a \n", "a"),
        ("AT&amp;T", "AT&T"),
        ("AT&amp;amp;T", "AT&T"),
        ("a &amp;lt; b", "a < b"),
        ("5 &lt; 6 &amp; 7 &gt; 6", "5 < 6 & 7 > 6"),
        ("&lt;b&gt;bold&lt;/b&gt; words", "bold words"),
        ("<![CDATA[<em>a</em> &amp; b]]>", "a & b"),
        ("<![CDATA[a &#8212; b]]>", "a — b"),
        ("", None),
    ],
)
def test_a_title_of_rss_is_plain_text_however_often_it_was_escaped(
    title: str, expected: str | None
) -> None:
    assert _rss(f"<title>{title}</title>").title == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("<title>a &lt;b&gt; &amp;amp; c</title>", "a <b> &amp; c"),
        ("<title type='text'>&lt;b&gt;</title>", "<b>"),
        ("<title type='html'>a &lt;b&gt;b&lt;/b&gt; &amp;amp; c</title>", "a b & c"),
        (
            f"<title type='xhtml'><div {XHTML}>a <b>b</b> &amp; c</div></title>",
            "a b & c",
        ),
    ],
)
def test_a_title_of_atom_is_what_its_type_says(title: str, expected: str) -> None:
    assert _atom(title).title == expected


def test_titles_of_other_vocabularies_are_not_the_entry_s() -> None:
    others = "<media:title>m</media:title><itunes:title>i</itunes:title><x xmlns='urn:x'>x</x>"
    assert _rss(others).title is None
    assert _rss(f"{others}<title>t</title>").title == "t"
    assert _rss(f"<title>t</title>{others}").title == "t"
    assert _rss("<dc:title>d</dc:title><title>t</title>").title == "t"
    assert _rss("<dc:title>d</dc:title>").title == "d"


# ---------------------------------------------------------------- bodies

FULL = "<content:encoded>&lt;p>full&lt;/p></content:encoded>"
SHORT = "<description>short</description>"
SUMMARY = "<itunes:summary>spoken</itunes:summary>"
MEDIA = "<media:description>seen</media:description>"


@pytest.mark.parametrize(
    ("bodies", "summary", "content"),
    [
        (SHORT, "short", None),
        (FULL, None, "<p>full</p>"),
        (SHORT + FULL, "short", "<p>full</p>"),
        (FULL + SHORT, "short", "<p>full</p>"),
        (SUMMARY + SHORT, "short", None),
        (SHORT + SUMMARY, "short", None),
        (MEDIA + FULL + SUMMARY + SHORT, "short", "<p>full</p>"),
        (SHORT + MEDIA, "short", None),
        ("<a:summary>atom</a:summary>" + SHORT, "short", None),
        ("<dc:description>dc</dc:description>" + SHORT, "short", None),
        (SUMMARY, "<p>spoken</p>", None),
        (f"<media:group>{MEDIA}</media:group>", "<p>seen</p>", None),
        ("<media:description>&lt;b>seen&lt;/b></media:description>", "<b>seen</b>", None),
        ("<description/>", None, None),
        ("<description>full</description>" + FULL, "full", "<p>full</p>"),
        ("<description>a</description><description>b</description>", "a", "<p>b</p>"),
    ],
)
def test_summary_and_content_are_what_the_document_calls_so(
    bodies: str, summary: str | None, content: str | None
) -> None:
    entry = _rss(f"<title>t</title>{bodies}")
    assert (entry.summary, entry.content) == (summary, content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<content>a &lt;b> &amp; c\n\nd</content>", "<p>a &lt;b&gt; &amp; c</p><p>d</p>"),
        ("<content type='html'>&lt;b>a&lt;/b> &amp;amp; b</content>", "<b>a</b> &amp; b"),
        (
            f"<content type='xhtml'><div {XHTML}><p>a &amp; <b>b</b></p></div></content>",
            "<p>a &amp; <b>b</b></p>",
        ),
        (
            f"<content type='xhtml'><h:b {XHTML.replace('=', ':h=')}>a</h:b></content>",
            "<b>a</b>",
        ),
        ("<content type='text/markdown'># a</content>", "<p># a</p>"),
        ("<content type='image/png'>iVBORw0KGgo=</content>", None),
        (
            "<content type='video/mp4' src='/v.mp4'/>",
            link_paragraph("https://a.example.org/v.mp4"),
        ),
        ("<content type='html' src='javascript:x'/>", None),
        ("<content type='html'/>", None),
    ],
)
def test_a_content_of_atom_is_what_its_type_says(content: str, expected: str | None) -> None:
    entry = _atom(f"<title>t</title>{content}")
    assert (entry.summary, entry.content) == (None, expected)


def test_of_several_contents_markup_beats_text_and_length_decides() -> None:
    contents = (
        "<content type='text'>a long text without any markup</content>"
        "<content type='html'>&lt;b>short&lt;/b></content><content type='html'>&lt;i>longer&lt;/i>"
        "</content><summary>s</summary>"
    )
    entry = _atom(contents)
    assert (entry.summary, entry.content) == ("<p>s</p>", "<i>longer</i>")


@pytest.mark.parametrize(
    "content",
    [
        "<content type='text/html' mode='base64'>PGI+YTwvYj4=</content>",
        "<content type='text/html' mode='escaped'>&lt;b>a&lt;/b></content>",
        f"<content type='application/xhtml+xml' mode='xml'><b {XHTML}>a</b></content>",
    ],
)
def test_contents_of_atom_0_3_are_read_in_every_mode(content: str) -> None:
    feed = f"<feed version='0.3' xmlns='http://purl.org/atom/ns#'><entry>{content}</entry></feed>"
    (entry,) = _parsed(feed)[1]
    assert entry.content == "<b>a</b>"


def test_relative_addresses_in_rss_belong_to_the_page_and_in_atom_to_the_base() -> None:
    image = "&lt;img src='a.png'>&lt;a href='#n'>1&lt;/a>"
    rss = _rss(f"<link>/2026/7/</link><description>{image}</description>").summary or ""
    assert 'src="https://a.example.org/2026/7/a.png"' in rss
    assert 'href="https://a.example.org/2026/7/#n"' in rss
    content = f"<link href='/2026/7/'/><content type='html'>{image}</content>"
    assert 'src="https://a.example.org/blog/a.png"' in (_atom(content).content or "")
    based = _atom(content, "xml:base='https://b.example.org/c/'").content or ""
    assert 'src="https://b.example.org/c/a.png"' in based
    assert 'href="https://b.example.org/2026/7/#n"' in based


@pytest.mark.parametrize(
    "closed", ["</channel></rss>", "</chanel></rss>"], ids=["whole", "damaged"]
)
def test_relative_addresses_in_rss_belong_to_a_site_on_another_host_than_the_feed(
    closed: str,
) -> None:
    item = "<item><link>posts/7</link><comments>/talk/7</comments><enclosure url='/7.ogg'/></item>"
    site = "<link>https://site.example.net/log/</link><image><url>/logo.png</url></image>"
    feed = f"<rss version='2.0'><channel><title>t</title>{site}{item}{closed}"
    parsed = parse(Fetched(URL, feed.encode()), frozenset())
    (entry,) = parsed.entries.values()
    assert entry.link == "https://site.example.net/log/posts/7"
    assert entry.comments == "https://site.example.net/talk/7"
    assert entry.enclosures[0].url == "https://site.example.net/7.ogg"
    assert parsed.feed.image == Image("https://site.example.net/logo.png")


def test_relative_addresses_in_rss_belong_to_the_feed_on_the_host_of_its_site() -> None:
    feed = "<channel><link>https://a.example.org/about/</link><item><link>7</link></item></channel>"
    (entry,) = _parsed(f"<rss version='2.0'>{feed}</rss>")[1]
    assert entry.link == "https://a.example.org/blog/7"


@pytest.mark.parametrize(
    "unseen", ["\u200b", "\xa0", "\ufeff", "\xad", "\u2060", "\u200e\u202f", "\u3000"]
)
@pytest.mark.parametrize("base", ["", "xml:base='https://b.example.org/c/'"])
def test_invisible_characters_around_a_link_are_stripped(unseen: str, base: str) -> None:
    url = "https://a.example.org/7"
    said = f"{unseen}{url}{unseen}"
    body = f"&lt;a href='{said}'>7&lt;/a>"
    inner = f"<link>{said}</link><enclosure url='{said}'/><description>{body}</description>"
    feed = f"<rss version='2.0' {base}><channel><item>{inner}</item></channel></rss>"
    (entry,) = _parsed(feed)[1]
    assert (entry.link, entry.enclosures[0].url) == (url, url)
    assert f'href="{url}"' in (entry.summary or "")
    assert _atom(f"<link href='{said}'/>", base).link == url


def test_bodies_are_cleaned() -> None:
    entry = _rss("<description>&lt;p onclick='x'>a&lt;script>b&lt;/script>&lt;!--</description>")
    assert entry.summary == "<p>a</p>"


# ---------------------------------------------------------------- people and topics


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ("<author>a@example.org (A. Person)</author>", Author("A. Person", "a@example.org")),
        ("<author>a@example.online (A (B) C)</author>", Author("A (B) C", "a@example.online")),
        (
            "<author>A. Person &lt;a@example.museum&gt;</author>",
            Author("A. Person", "a@example.museum"),
        ),
        ("<author>mailto:a@example.org</author>", Author(None, "a@example.org")),
        ("<author>a@example.org</author>", Author(None, "a@example.org")),
        ("<author>a@example.org ()</author>", Author(None, "a@example.org")),
        ("<author>A. Person</author>", Author("A. Person")),
        ("<author> A.\n Person (Editor) </author>", Author("A. Person (Editor)")),
        ("<author>@handle</author>", Author("@handle")),
        ("<dc:creator>A. Person</dc:creator>", Author("A. Person")),
        ("<itunes:author>A. Person</itunes:author>", Author("A. Person")),
        ("<a:author><a:name>A</a:name></a:author>", Author("A")),
    ],
)
def test_authors_of_rss_are_names_with_addresses(author: str, expected: Author) -> None:
    assert _rss(author).authors == (expected,)


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        (
            "<name>A</name><email>a@example.org</email><uri>https://a.example.org/</uri>",
            Author("A", "a@example.org", "https://a.example.org/"),
        ),
        ("<name>A</name><uri>javascript:x</uri>", Author("A")),
        ("<email>not an address</email>", Author("not an address")),
        ("<name> </name><email>a@example.org</email>", Author(None, "a@example.org")),
        ("<name>A\n  B</name>", Author("A B")),
    ],
)
def test_persons_of_atom_keep_their_parts(author: str, expected: Author) -> None:
    assert _atom(f"<author>{author}</author>").authors == (expected,)


def test_authors_are_listed_once_and_empty_authors_are_left_out() -> None:
    one = "<dc:creator>A</dc:creator><author>A</author><dc:creator>B</dc:creator>"
    nobody = "<author/><dc:creator> </dc:creator><x:author xmlns:x='urn:x'>X</x:author>"
    assert _rss(one + nobody + "<media:credit>C</media:credit>").authors == (
        Author("A"),
        Author("B"),
    )
    assert _atom("<author><uri>https://a.example.org/</uri></author><author/>").authors == ()


@pytest.mark.costly
@pytest.mark.row("P3")
def test_an_author_of_ten_megabytes_spoils_nothing_else() -> None:
    entry = _rss(f"<title>t</title><author>{'a.' * 2_000_000}@{'b.' * 2_000_000}</author>")
    assert entry.title == "t"


def test_categories_keep_their_scheme_and_label_and_are_listed_once() -> None:
    entry = _rss(
        "<category domain='https://a.example.org/tags'>a &amp; b</category><category>c</category>"
        "<category>c</category><dc:subject>d</dc:subject><category/><media:category>e</media:category>"
        "<itunes:keywords>f,g</itunes:keywords><keywords>h</keywords>"
    )
    assert entry.categories == (
        Category("a & b", "https://a.example.org/tags"),
        Category("c"),
        Category("d"),
    )
    atom = _atom("<category term='t' scheme='s' label='l'/><category label='no term'/>")
    assert atom.categories == (Category("t", "s", "l"),)


# ---------------------------------------------------------------- links


def test_links_are_absolute_and_of_the_web() -> None:
    assert _rss("<link>../post?a=1&amp;b=2</link>").link == "https://a.example.org/post?a=1&b=2"
    assert _rss("<link>javascript:alert(1)</link>").link is None
    assert _rss("<link/><a:link href='/b'/>").link == "https://a.example.org/b"
    assert _rss("<link>/a</link><x><link>/b</link></x>").link == "https://a.example.org/a"
    assert _rss("<guid>https://a.example.org/g</guid>").link == "https://a.example.org/g"
    assert _rss("<guid isPermaLink='false'>https://a.example.org/g</guid>").link is None
    assert _rss("<comments>/c#all</comments>").comments == "https://a.example.org/c#all"


def test_of_atom_s_links_the_alternate_is_the_entry_s() -> None:
    links = "".join(
        f"<link rel='{rel}' href='/{rel}'/>"
        for rel in ("self", "replies", "related", "via", "edit")
    )
    assert _atom(f"{links}<link href='/page'/>{links}").link == "https://a.example.org/page"
    assert _atom(links).link is None
    based = _atom("<link href='p'/>", "xml:base='https://b.example.org/c/'")
    assert based.link == "https://b.example.org/c/p"


def test_of_several_alternates_a_web_page_is_the_entry_s_link_else_any_file_is() -> None:
    paper = "<link type='application/pdf' href='/7.pdf'/>"
    page = "<link type='text/html' href='/7'/>"
    assert _atom(paper).link == "https://a.example.org/7.pdf"
    assert _atom(paper + page).link == _atom(page + paper).link == "https://a.example.org/7"
    assert _atom("<link href='javascript:x'/>" + paper).link == "https://a.example.org/7.pdf"


@pytest.mark.parametrize(
    "url",
    [
        "magnet:?xt=urn:btih:00aa11&dn=a%20b",
        "ed2k://|file|a.iso|7|00AA|/",
        "tel:+15550100",
        "mailto:a@example.org",
        "xmpp:a@example.org?join",
        "gemini://a.example.org/7",
        "ftp://a.example.org/7.zip",
    ],
)
def test_an_address_that_leads_elsewhere_than_the_web_and_runs_nothing_is_a_link(url: str) -> None:
    said = url.replace("&", "&amp;").replace("|", "%7C")
    url = url.replace("|", "%7C")
    entry = _rss(f"<link>{said}</link><enclosure url='{said}' type='x/y' length='0'/>")
    assert (entry.link, entry.enclosures[0].url) == (url, url)
    assert _atom(f"<link href='{said}'/>").link == url
    body = f'<description>&lt;a href="{said.replace("&", "&amp;")}">7&lt;/a></description>'
    assert f'href="{said}"' in (_rss(body).summary or "")


@pytest.mark.parametrize(
    "url", ["javascript:x", "data:text/html,x", "file:///x", "blob:x", "vbscript:x"]
)
@pytest.mark.parametrize("unseen", ["", "\u200b", "\xad", "&#9;"])
def test_an_address_that_runs_is_no_link(url: str, unseen: str) -> None:
    said = unseen + url
    entry = _rss(f"<link>{said}</link><enclosure url='{said}' type='x/y' length='0'/>")
    assert (entry.link, entry.enclosures) == (None, ())


@pytest.mark.parametrize(
    ("guid", "expected"),
    [
        ("<guid>https://a.example.org/1</guid>", True),
        ("<guid isPermaLink='true'>https://a.example.org/1</guid>", True),
        ("<guid isPermaLink=' TRUE '>https://a.example.org/1</guid>", True),
        ("<guid isPermaLink='false'>https://a.example.org/1</guid>", False),
        ("<guid ispermalink='no'>https://a.example.org/1</guid>", False),
        ("<link>https://a.example.org/1</link>", False),
    ],
)
def test_a_guid_is_an_address_unless_it_says_no(guid: str, expected: bool) -> None:
    assert _rss(guid).guid_is_permalink is expected


def test_a_guid_is_never_resolved() -> None:
    assert _rss("<guid>/relative</guid>").guid == "/relative"
    assert _atom("<id>/relative</id>", "xml:base='https://b.example.org/'").guid == "/relative"


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        ("length='123'", 123),
        ("length=' 123 '", 123),
        ("length='0'", 0),
        ("", None),
        ("length=''", None),
        ("length='-1'", None),
        ("length='12,345'", None),
        ("length='1e9'", None),
        ("length='" + "9" * 400 + "'", None),
    ],
)
def test_an_invalid_length_of_an_enclosure_is_left_out(length: str, expected: int | None) -> None:
    entry = _rss(f"<enclosure url='/a.mp3' type='audio/mpeg' {length}/>")
    assert entry.enclosures == (Enclosure("https://a.example.org/a.mp3", "audio/mpeg", expected),)


def test_enclosures_keep_their_order_and_those_without_a_valid_address_are_left_out() -> None:
    entry = _rss(
        "<enclosure url='b.mp3'/><enclosure/><enclosure url='javascript:x' type='a/b'/>"
        "<enclosure url=' https://b.example.org/a b.mp3 ' type=' ' length='1'/>"
        "<a:link rel='enclosure' href='/c.mp3' title='C' length='2'/>"
    )
    assert [(e.url, e.media_type, e.length_bytes, e.title) for e in entry.enclosures] == [
        ("https://a.example.org/blog/b.mp3", None, None, None),
        ("https://b.example.org/a%20b.mp3", None, 1, None),
        ("https://a.example.org/c.mp3", None, 2, "C"),
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "<source url='https://b.example.org/feed'>B</source>",
            ("B", "https://b.example.org/feed"),
        ),
        ("<source url='/feed'/>", ("https://a.example.org/feed", "https://a.example.org/feed")),
        ("<source url='javascript:x'>B</source>", None),
        ("<source>B</source>", None),
    ],
)
def test_the_source_of_an_rss_item_has_an_address(
    source: str, expected: tuple[str, str] | None
) -> None:
    assert _rss(source).source == (Source(*expected) if expected else None)


def test_the_source_of_an_atom_entry_changes_nothing_of_the_entry() -> None:
    entry = _atom(
        "<title>t</title><id>urn:e</id><link href='/e'/><source><title>B</title><id>urn:b</id>"
        "<link href='/page'/><link rel='self' href='https://b.example.org/feed'/><author><name>X"
        "</name></author><updated>2020-01-01T00:00:00Z</updated></source>"
    )
    assert entry.source == Source("B", "https://b.example.org/feed")
    assert (entry.title, entry.guid, entry.link) == ("t", "urn:e", "https://a.example.org/e")
    assert (entry.authors, entry.updated) == ((), None)


# ---------------------------------------------------------------- dates and languages


def test_dates_are_read_from_every_element_that_has_one() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    said = "Mon, 02 Mar 2026 12:00:00 GMT"
    assert _rss(f"<pubDate>{said}</pubDate>").published == noon
    assert _rss(f"<PubDate> {said}\n</PubDate>").published == noon
    assert _rss("<dc:date>2026-03-02T12:00:00Z</dc:date>").updated == noon
    assert _rss("<dcterms:issued>2026-03-02T12:00:00Z</dcterms:issued>").published == noon
    assert _rss("<a:updated>2026-03-02T12:00:00Z</a:updated>").updated == noon
    atom = _atom(
        "<published>2026-03-02T12:00:00Z</published><updated>2026-03-02T13:00:00+01:00</updated>"
    )
    assert (atom.published, atom.updated) == (noon, noon)


@pytest.mark.parametrize("said", ["Mon, 01 Jan 0001 00:00:00 GMT", "soon", "", "31 Feb 2026"])
def test_an_impossible_date_is_left_out(said: str) -> None:
    assert _rss(f"<pubDate>{said}</pubDate>").published is None


def test_the_language_is_the_entry_s_own() -> None:
    assert _atom("<title xml:lang='fr'>t</title>", "xml:lang='de'").language is None
    start = "<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='de'>"
    feed, entries = _parsed(f"{start}<entry xml:lang='fr'/><entry/></feed>")
    assert (feed.language, [entry.language for entry in entries]) == ("de", ["fr", None])
    assert _rss("<dc:language>fr</dc:language>").language == "fr"


# ---------------------------------------------------------------- the feed itself


@pytest.mark.parametrize(
    ("start", "end", "kind"),
    [
        ("<rss version='2.0'><channel>", "</channel></rss>", "RSS 2.0"),
        ("<rss version='0.91'><channel>", "</channel></rss>", "RSS 0.91"),
        ("<rss version='0.92'><channel>", "</channel></rss>", "RSS 0.92"),
        ("<rss><channel>", "</channel></rss>", "RSS"),
        ("<feed xmlns='http://www.w3.org/2005/Atom'>", "</feed>", "Atom 1.0"),
        ("<a:feed xmlns:a='http://www.w3.org/2005/Atom'>", "</a:feed>", "Atom 1.0"),
        ("<feed xmlns='http://purl.org/atom/ns#' version='0.3'>", "</feed>", "Atom 0.3"),
        ("<channel href='/'>", "</channel>", "CDF"),
        (
            f"<r:RDF xmlns:r='{RDF}' xmlns='http://purl.org/rss/1.0/'><channel>",
            "</channel></r:RDF>",
            "RSS 1.0",
        ),
    ],
)
def test_a_feed_without_entries_is_known_by_its_kind(start: str, end: str, kind: str) -> None:
    feed, entries = _parsed(start + end)
    assert (feed.kind, entries) == (kind, [])


def test_the_feed_s_properties_are_its_own() -> None:
    feed = _channel(
        "<podcast:liveItem><title>live</title><link>/live</link><guid>g</guid></podcast:liveItem>"
        "<title>A &amp;amp; B</title><link>/home</link><description>&lt;b>d&lt;/b></description>"
        "<language>de-AT</language><copyright>C</copyright><category>c</category>"
        "<managingEditor>m@example.org (M)</managingEditor><webMaster>w@example.org (W)</webMaster>"
        "<itunes:owner><itunes:name>O</itunes:name><itunes:email>o@example.org</itunes:email>"
        "</itunes:owner><itunes:summary>long</itunes:summary><itunes:image href='/3000.png'/>"
        "<image><url>/i.png</url><title>image</title><link>/image</link><width>88</width>"
        "<height>31</height></image><textInput><title>s</title><link>/s</link></textInput>"
        "<media:title>m</media:title><lastBuildDate>Mon, 02 Mar 2026 12:00:00 GMT</lastBuildDate>"
    )
    assert (feed.title, feed.link) == ("A & B", "https://a.example.org/home")
    assert (feed.description, feed.language, feed.rights) == ("d", "de-AT", "C")
    assert (feed.authors, feed.web_master) == ((Author("M", "m@example.org"),), "w@example.org (W)")
    assert feed.categories == (Category("c"),)
    assert feed.image == Image("https://a.example.org/i.png", 88, 31)
    assert feed.updated == datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        ("144", "400", (144, 400)),
        ("145", "401", (None, None)),
        ("0", "-5", (None, None)),
        ("wide", "", (None, None)),
    ],
)
def test_an_image_size_that_rss_forbids_is_left_out(
    width: str, height: str, expected: tuple[int | None, int | None]
) -> None:
    image = f"<image><url>/i.png</url><width>{width}</width><height>{height}</height></image>"
    made = _channel(image).image
    assert made is not None
    assert (made.width, made.height) == expected


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("<ttl>60</ttl>", 3600),
        ("<ttl> 60.5 </ttl>", 3600),
        ("<ttl>-5</ttl>", None),
        ("<ttl>0</ttl>", None),
        ("<ttl>soon</ttl>", None),
        ("<ttl>" + "9" * 50 + "</ttl>", None),
        ("<sy:updatePeriod>daily</sy:updatePeriod>", 86400),
        (
            "<sy:updatePeriod>\tDaily\n</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>",
            21600,
        ),
        (
            "<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>",
            3600,
        ),
        ("<ttl>120</ttl><sy:updatePeriod>hourly</sy:updatePeriod>", 7200),
        ("<sy:updatePeriod>often</sy:updatePeriod>", None),
    ],
)
def test_the_update_interval_is_the_longer_of_ttl_and_update_period(
    asked: str, seconds: int | None
) -> None:
    assert _channel(asked).ttl_s == seconds


def test_hours_and_days_to_skip_are_each_read_once() -> None:
    feed = _channel(
        "<skipHours><hour>0</hour><hour> 7 </hour><hour>24</hour><hour>7</hour><hour>25</hour>"
        "<hour>-1</hour><hour>noon</hour><hour>240</hour></skipHours><skipDays><day>Sunday</day>"
        "<day>sunday</day><day>Friday</day><day>Someday</day></skipDays>"
    )
    assert feed.skip_hours == (0, 7)
    assert feed.skip_days == ("Sunday", "Friday")


def test_extension_elements_of_a_feed_have_no_slots() -> None:
    feed = _channel("<itunes:summary>a</itunes:summary><podcast:locked>yes</podcast:locked>")
    assert feed.extension_elements == (
        "<itunes:summary>a</itunes:summary>",
        "<podcast:locked>yes</podcast:locked>",
    )
    assert feed.prefixes == ("itunes", "podcast")


def test_an_atom_feed_has_its_raw_id_and_an_rss_feed_none() -> None:
    source = "<entry><id>e</id><source><id>s</id></source></entry>"
    atom = f"<feed xmlns='http://www.w3.org/2005/Atom'>{source}<id> ../a b </id></feed>"
    assert _parsed(atom)[0].id == "../a b"
    assert _channel("<a:id>x</a:id><id>y</id>").id is None
