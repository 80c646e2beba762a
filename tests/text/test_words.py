"""Subscribers read what the origin published: each word, in the order, and no other."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from lxml import etree

from builders import NAMESPACES, rss_document
from cpu_limit import seconds_not_minutes
from feedmirror.model import Entry, Fetched
from feedmirror.parsing.parse import parse
from feedmirror.text.html_tokens import TAGS
from feedmirror.text.plain import words_of
from feedmirror.text.sanitize import clean, to_text
from generated.markup import Body, bodies
from locations import DATA
from samples import sample_feeds

URL = "https://tides.example.org/feed"
ATOM = "http://www.w3.org/2005/Atom"


def _entry(document: bytes | str) -> Entry:
    body = document.encode() if isinstance(document, str) else document
    (entry,) = parse(Fetched(URL, body), frozenset()).entries.values()
    return entry


def _rss(inner: str) -> Entry:
    return _entry(f'<rss version="2.0"><channel><item><guid>1</guid>{inner}</item></channel></rss>')


def _atom(inner: str, attributes: str = "") -> Entry:
    return _entry(f'<feed xmlns="{ATOM}"><entry {attributes}><id>a:1</id>{inner}</entry></feed>')


def _json(**item: object) -> Entry:
    version = "https://jsonfeed.org/version/1.1"
    return _entry(json.dumps({"version": version, "items": [{"id": "1"} | item]}))


def _squeezed(text: str) -> str:
    return "".join(text.split())


# ---------------------------------------------------------------- before and after


@given(bodies())
@example(("<p hidden>words</p>tide", "tide"))
@example(("<set><p>tide", "tide"))
def test_the_words_of_a_body_are_those_that_a_browser_shows(body: Body) -> None:
    markup, words = body
    made = clean(markup, URL)
    assert _squeezed(words_of(made)) == words
    assert clean(made, URL) == made


# Elements that are not shown, of which a comment may lack its end.
_UNSHOWN = re.compile(
    r"<!--(?:-?>|.*?-->|[^>]*$)|<(script|style|title|template|noembed)\b.*?</\1\s*>",
    re.DOTALL | re.IGNORECASE,
)
# Exceptions, which have tests of their own: what becomes something else than its words.
_CHANGED = re.compile(
    r"<(iframe|object|math|svg)\b.*?</\1\s*>|<script type=.math.*?</script>"
    r"|<(?:embed|input)\b[^>]*>",
    re.DOTALL | re.IGNORECASE,
)
_TAG = re.compile(r"</?[a-zA-Z](?:\"[^\"]*\"|'[^']*'|[^'\">])*>|</?[a-zA-Z][^<>]*>")
_DECLARATION = re.compile("<[!?][a-zA-Z][^>]*>")
_CONTROL = re.compile("[\x80-\x9f]")
# What `_words` does not know of: what is hidden, and tags within tags, which nobody reads alike.
_DOUBTFUL = re.compile(r"hidden|display|<[a-zA-Z][^>]*=\"[^\">]*<")


# Elements that stand on lines of their own, so that words in and beside them do not run together.
# Source: HTML §15.3.
_BLOCK = re.compile(
    r"</?(?:address|article|aside|blockquote|body|br|caption|center|dd|details|dialog|dir|div|dl|dt"
    r"|fieldset|figcaption|figure|footer|form|h[1-6r]|head|header|hgroup|html|legend|li|listing"
    r"|main|menu|nav|ol|optgroup|option|p|pre|search|section|summary|t(?:able|body|d|foot"
    r"|h|head|r)|ul)(?=[\s/>])",
    re.IGNORECASE,
)


def _gap(tag: re.Match[str]) -> str:
    return " " if _BLOCK.match(tag[0]) else ""


def _words(markup: str) -> list[str]:
    """Return the words of HTML that hides none, by rules simpler than the program's."""
    shown = _CONTROL.sub(lambda found: f"&#{ord(found[0])};", _UNSHOWN.sub("", markup))
    shown = shown.replace("<![CDATA[", "").replace("]]>", "")
    return html.unescape(_TAG.sub(_gap, _DECLARATION.sub("", shown))).split()


def _bodies_of(document: bytes) -> Iterator[str]:
    parser = etree.XMLParser(recover=True, resolve_entities=False)
    root = etree.fromstring(document, parser) if document.strip() else None
    for element in root.iter(etree.Element) if root is not None else ():
        local = str(element.tag).rpartition("}")[2]
        if local in {"description", "encoded", "content", "summary"}:
            inner = "".join(etree.tostring(child, encoding="unicode") for child in element)
            yield html.escape(element.text or "") + inner if len(element) else element.text or ""


FUZZED = DATA.parent.parent / "fuzz/seeds"
DOCUMENTS = [
    path
    for path in (*DATA.glob("*.xml"), *FUZZED.glob("feeds/*"), *sample_feeds())
    if path.suffix != ".json"
]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_bodies_of_known_documents_keep_their_words(path: Path) -> None:
    for body in _bodies_of(path.read_bytes()):
        _assert_keeps_its_words(body)


@pytest.mark.parametrize("path", sorted(FUZZED.glob("html/*")), ids=lambda path: path.name)
def test_bodies_that_were_fuzzed_keep_their_words(path: Path) -> None:
    _assert_keeps_its_words(path.read_text("utf-8"))


def _assert_keeps_its_words(body: str) -> None:
    unchanged = _CHANGED.sub("", body)
    if not _DOUBTFUL.search(body):
        assert words_of(clean(unchanged, URL)).split() == _words(unchanged)


# ---------------------------------------------------------------- elements


def _link(url: str, words: str) -> str:
    return f'a<a href="{url}" rel="noopener noreferrer">{words}</a>'


@pytest.mark.parametrize("name", "set list text view use log in vector o:p x-1 mi animate".split())
def test_unknown_elements_keep_their_words(name: str) -> None:
    assert clean(f"<p>a <{name} b='c'>word</{name}> d</p><p>e</p>") == "<p>a word d</p><p>e</p>"
    assert clean(f"<p>a <{name}> word</p><p>d</p>") == "<p>a  word</p><p>d</p>"
    assert to_text(f"press <{name}> twice") == "press twice"


@pytest.mark.parametrize("name", sorted(TAGS))
@pytest.mark.parametrize("beside", ["", "<x-odd></x-odd>"])
def test_every_element_of_articles_keeps_its_words(name: str, beside: str) -> None:
    made = clean(f"{beside}one <{name}>word</{name}> two")
    assert _squeezed(words_of(made)) == "onewordtwo"


@pytest.mark.parametrize("name", "dialog fieldset form legend search dir listing".split())
def test_words_of_blocks_that_articles_do_not_have_stay_apart(name: str) -> None:
    block = f"<{name} open>pier</{name}>"
    assert words_of(clean(f"one{block}{block}two")) == "one pier pier two"


def test_the_caption_of_a_drawing_stands_apart_and_its_metadata_is_not_shown() -> None:
    drawn = (
        "<title>Gauge</title><desc>at low tide</desc>"
        "<metadata><rdf><format>image/svg+xml</format></rdf></metadata><path d='M0 0'/>"
    )
    assert words_of(clean(f"one<svg>{drawn}</svg>two")) == "one Gauge at low tide two"


def test_a_bracket_that_begins_no_element_is_a_word() -> None:
    assert words_of(clean("<p>if x <y or y </3 then</p> <p>z</p>")) == "if x <y or y </3 then z"


@pytest.mark.parametrize(
    "many",
    [
        "<!-- " + "<div>" * 600 + " -->",
        "<svg>" + '<path d="M0 0"/><g/>' * 600 + "</svg>",
        "<math><mi>x</mi>" + "<mspace/>" * 600 + "</math>",
        "<script>" + "'<div>'" * 600 + "</script>",
    ],
)
def test_what_is_not_nested_costs_an_article_no_markup(many: str) -> None:
    assert "<p>one <b>two</b></p>" in clean(f"{many}<p>one <b>two</b></p>")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a<script src='/x.js'/><p>b</p>", "a<p>b</p>"),
        ("a<script/><p>b</p><script>c</script>", "a<p>b</p>"),
        ("a<script src='/x.js'><p>b</p>", "a<p>b</p>"),
        ("a<script src='/x.js'><p>b</p><script src='/y.js'></script>", "a<p>b</p>"),
        ("a<script>document.write('<script>')</script><p>b</p>", "a<p>b</p>"),
        ("a<style><p>b</p>", "a<p>b</p>"),
        ("a<style/><p>b</p>", "a<p>b</p>"),
        ("a<title><p>b</p>", "a<p>b</p>"),
        ("a<textarea><p>b</p>", "a<p>b</p>"),
        ("a<plaintext><p>b</p>", "a<p>b</p>"),
        ("a<select><p>b</p>", "a<p>b</p>"),
        ("a<!-- note><p>b</p>", "a<p>b</p>"),
        ("a<!-- cut o", "a"),
        ("a<datalist><option>b</datalist>c", "ac"),
        ("a<video/><p>b</p>", "a<video></video><p>b</p>"),
        ("a<audio controls /><p>b</p>", 'a<audio controls=""></audio><p>b</p>'),
        ("a<textarea><p>b &amp;</textarea><p>c</p>", "a&lt;p&gt;b &amp;<p>c</p>"),
        ("<![CDATA[a]]", "a"),
        ('a<i title="b>c</i> d', 'a<i title="b">c</i> d'),
        ("a<a href='https://b.example/c>d</a>", _link("https://b.example/c", "d")),
    ],
)
def test_an_element_without_an_end_swallows_nothing(body: str, expected: str) -> None:
    assert clean(body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<![CDATA[one <b>two</b> &amp; three]]>", "one <b>two</b> &amp; three"),
        ("<![CDATA[<![CDATA[one]]>]]> two", "one two"),
        ("<![CDATA[one", "one"),
        ("<i>a</i>[b[0]]>1", "<i>a</i>[b[0]]&gt;1"),
    ],
)
def test_cdata_within_cdata_loses_nothing(body: str, expected: str) -> None:
    assert clean(body) == expected


def test_an_item_wrapped_in_cdata_twice_keeps_its_words() -> None:
    twice = "<![CDATA[<![CDATA[One <b>two</b>]]]]><![CDATA[>]]>"
    assert _rss(f"<description>{twice}</description>").summary == "One <b>two</b>"
    assert _rss(f"<title>{twice}</title>").title == "One two"
    link = "<![CDATA[<![CDATA[https://tides.example.org/one]]]]><![CDATA[>]]>"
    assert _rss(f"<link>{link}</link>").link == "https://tides.example.org/one"
    twice = "<![CDATA[<![CDATA[One]]]]><![CDATA[>]]>"
    said = _rss(f"<title>{twice}</title><category>{twice}</category><author>{twice}</author>")
    assert (said.title, said.categories[0].term, said.authors[0].name) == ("One", "One", "One")


# ---------------------------------------------------------------- what is hidden


@pytest.mark.parametrize(
    "attribute",
    [
        "hidden",
        "hidden=''",
        "HIDDEN",
        "style='display:none'",
        "style='color:red;DISPLAY: none !important; display: block'",
        "style='display:block;display:none'",
        "style='visibility: hidden'",
        "style='mso-hide:all'",
        "style='height:0px;width:0px;overflow:hidden'",
        "style='max-height:0;overflow:hidden;opacity:0'",
        "style='display&#58;none'",
    ],
)
@pytest.mark.parametrize("name", ["p", "div", "span", "table", "ul"])
def test_what_the_origin_hides_is_not_shown(name: str, attribute: str) -> None:
    inner = "secret <b>secret</b><br><!-- no end --><unknown>secret"
    if name == "table":
        inner = f"<tr><td>{inner}<td>secret"
    elif name == "div":
        inner = f"<div>{inner}</div><p>secret"
    body = f"<div>one <{name} {attribute}>{inner}</{name}> two</div>"
    assert words_of(clean(body)) == "one two"


@pytest.mark.parametrize(
    "attribute",
    [
        "style='display:block'",
        "style='display:none;display:block'",
        "style='background:url(none)'",
        "style='/* display:none */ color: red'",
        "style='max-height:0'",
        "style='height:0;padding-bottom:56%;overflow:hidden'",
        "style='font-size:0'",
        "hidden=until-found",
        "data-hidden",
        "title='hidden'",
        "aria-hidden=true",
    ],
)
def test_what_is_shown_stays(attribute: str) -> None:
    assert clean(f"one <i {attribute}>two</i>").startswith("one <i")
    assert words_of(clean(f"one <i {attribute}>two</i>")) == "one two"


def test_a_dialog_is_shown_if_it_is_open() -> None:
    assert words_of(clean("one <dialog>two</dialog> <dialog open>three</dialog>")) == "one three"


def test_a_picture_or_a_frame_that_is_hidden_goes() -> None:
    assert clean('a<img src="/p.gif" style="display:none">', URL) == "a"
    assert clean('a<iframe src="/p" style="display:none"></iframe>', URL) == "a"


def test_a_whole_document_shows_its_body() -> None:
    body = (
        "<!DOCTYPE html><html><head><meta charset=utf-8><title>Head</title><style>p{}</style>"
        '</head><body class="x"><p>One</p></body></html>'
    )
    assert clean(body) == "<p>One</p>"


# ---------------------------------------------------------------- boxes, formulas

_TEX = "<annotation encoding='application/x-tex'>"


def test_a_task_list_keeps_its_ticks() -> None:
    body = (
        '<ul><li><input type="checkbox" checked disabled> done</li>'
        '<li><label><INPUT disabled type="CheckBox"/>open</label></li>'
        '<li><input type="text" value="no"></li></ul>'
    )
    assert words_of(clean(body)) == "☑ done ☐ open"
    xhtml = "<li><input type='checkbox' checked='checked'/> done</li>"
    summary = _atom(
        f"<summary type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>{xhtml}</div></summary>"
    )
    assert words_of(summary.summary or "") == "☑ done"


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("<mi>r</mi><mo>=</mo><mfrac><mn>3</mn><mn>8</mn></mfrac>", "r=3/8"),
        ("<msup><mi>x</mi><mn>2</mn></msup>", "x^2"),
        ("<msup><mi>x</mi><mrow><mi>n</mi><mo>+</mo><mn>1</mn></mrow></msup>", "x^(n+1)"),
        ("<mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></mfrac>", "(a+b)/2"),
        ("<mfrac><mn>1</mn><mrow><mn>2</mn><mi>n</mi></mrow></mfrac>", "1/(2n)"),
        ("<mn>1</mn><mfrac><mn>1</mn><mn>2</mn></mfrac>", "1 1/2"),
        ("<msubsup><mi>a</mi><mi>i</mi><mn>2</mn></msubsup>", "a_i^2"),
        ("<munderover><mo>∑</mo><mn>1</mn><mi>n</mi></munderover><mi>i</mi>", "∑_1^ni"),
        ("<msqrt><mn>2</mn><mi>y</mi></msqrt>", "√(2y)"),
        ("<mroot><mi>x</mi><mn>3</mn></mroot>", "x^(1/3)"),
        ("<mfenced><mi>a</mi><mi>b</mi></mfenced>", "(a,b)"),
        ("<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr></mtable>", "[1, 2]"),
        ("<mn>3</mn><mo>&InvisibleTimes;</mo><mn>8</mn>", "3·8"),
        ("<mi>x</mi><mo>&lt;</mo><mn>2</mn>", "x<2"),
        (f"<semantics><mi>x</mi>{_TEX}\\frac12 &lt; x</annotation></semantics>", "\\frac12 < x"),
        ("<semantics><mi>x</mi><annotation encoding='other'>no</annotation></semantics>", "x"),
        ("<mmultiscripts><mi>C</mi><mprescripts/><mn>6</mn><mn>14</mn></mmultiscripts>", "_6^14C"),
        ("<mfrac><mi>x</mi>", "x"),
        ("a <b>c</b>", "a c"),
    ],
)  # fmt: skip
def test_a_formula_keeps_its_meaning(formula: str, expected: str) -> None:
    body = f"<p>so <math display='block'>{formula}</math>.</p>"
    assert words_of(clean(body)).replace(" ", "") == f"so{expected}.".replace(" ", "")
    prefixed = re.sub(r"<(/?)(?=m)", r"<\1mml:", body)
    assert clean(prefixed) == clean(body)


def test_formulas_nested_beyond_reason_are_their_words() -> None:
    assert words_of(clean("<math>" + "<mrow>" * 500 + "<mi>x</mi></math> y")) == "x y"
    assert words_of(clean("<math>" * 500 + "x")) == "x"


@pytest.mark.parametrize("name", ["katex", "MathJax", "mwe-math-element"])
def test_a_formula_in_two_forms_is_shown_once(name: str) -> None:
    power = "<msup><mi>x</mi><mn>2</mn></msup>"
    formula = f"<math><semantics>{power}{_TEX}x^2</annotation></semantics></math>"
    looks = '<span aria-hidden="true"><span>x</span><span>2</span></span>'
    for inner in (f"<span>{formula}</span>{looks}", f"{looks}<span>{formula}</span>"):
        body = f'<p aria-hidden="true">a</p><p>so <span class="{name}">{inner}</span> holds</p>'
        assert words_of(clean(body)) == "a so x^2 holds"


def test_a_formula_that_mathjax_has_typeset_in_elements_of_its_own_is_shown_once() -> None:
    body = (
        '<p>so <mjx-container class="MathJax" jax="CHTML"><mjx-math aria-hidden="true"><mjx-mi>x'
        "</mjx-mi></mjx-math><mjx-assistive-mml><math><mi>x</mi><mo>+</mo><mn>1</mn></math>"
        "</mjx-assistive-mml></mjx-container> holds</p>"
    )
    assert words_of(clean(body)) == "so x+1 holds"


def test_a_formula_in_a_script_is_kept() -> None:
    typeset = (
        '<span class="MathJax"><math><mi>a</mi></math></span><script type="math/tex">a</script>'
    )
    assert words_of(clean(typeset)) == "a"
    script = '<script type="math/tex">a < b</script>'
    assert words_of(clean(f"so {script} holds")) == "so a < b holds"
    preview = '<span class="MathJax_Preview">[formula]</span>'
    assert words_of(clean(f"so {preview}{script} holds")) == "so a < b holds"
    assert words_of(clean(f"so {preview} holds")) == "so [formula] holds"


# ---------------------------------------------------------------- line breaks, addresses


def _xhtml(inner: str, attributes: str = "") -> str:
    return f"<div xmlns='http://www.w3.org/1999/xhtml' {attributes}>{inner}</div>"


@pytest.mark.parametrize("element", ["summary", "content"])
def test_one_line_break_of_xhtml_is_one(element: str) -> None:
    inner = "<p>a<br/>b<br></br>c<img src='/i'/></p>"
    entry = _atom(f"<{element} type='xhtml'>{_xhtml(inner)}</{element}>")
    body = entry.summary or entry.content or ""
    assert body == '<p>a<br>b<br>c<img src="https://tides.example.org/i"></p>'


def test_one_line_break_of_markup_that_is_not_escaped_is_one() -> None:
    assert _rss("<description>a<br/>b<hr/>c</description>").summary == "a<br>b<hr>c"


def test_the_bases_of_xhtml_are_honoured() -> None:
    inner = "<a href='r'>1</a><p xml:base='t/'><a href='u'>2</a><img src='v' srcset='w 2x'/></p>"
    body = _xhtml(inner + "<a href='z'>3</a>", "xml:base='https://quay.example.org/d/'")
    content = _atom(f"<content type='xhtml'>{body}</content>").content or ""
    assert re.findall(r"https://[^\s\"]+", content) == [
        "https://quay.example.org/d/r",
        "https://quay.example.org/d/t/u",
        "https://quay.example.org/d/t/v",
        "https://quay.example.org/d/t/w",
        "https://quay.example.org/d/z",
    ]


def test_the_base_of_an_html_document_is_honoured() -> None:
    body = '<base href="/d/"><base href="/no/"><a href="r">1</a><iframe src="s"></iframe>'
    assert re.findall(r"href=\"([^\"]+)", clean(body, URL)) == [
        "https://tides.example.org/d/r",
        "https://tides.example.org/d/s",
    ]


def test_plain_text_keeps_its_line_breaks() -> None:
    entry = _rss("<description>Tom &amp;amp; Ann\nsail &amp;lt;soon\n\nbye</description>")
    assert entry.summary == "<p>Tom &amp; Ann<br>sail &lt;soon</p><p>bye</p>"
    assert _rss("<description>a\n&lt;b&gt;c&lt;/b&gt;</description>").summary == "a\n<b>c</b>"
    assert _atom("<summary type='html'>a\nb</summary>").summary == "a\nb"


def test_a_content_that_is_a_picture_elsewhere_is_shown() -> None:
    content = _atom("<content type='image/png' src='/a.png'/>").content
    assert content == '<p><img src="https://tides.example.org/a.png"></p>'
    linked = _atom("<content type='text/html' src='/a'/>").content or ""
    assert 'href="https://tides.example.org/a"' in linked


def test_an_address_in_brackets_is_no_element() -> None:
    text = "See &lt;https://b.example.org/&gt;, or ask &lt;ann@b.example.org&gt;"
    for added in ("", "\nbye", "&lt;br&gt;bye"):
        words = words_of(_rss(f"<description>{text}{added}</description>").summary or "")
        assert words.startswith("See <https://b.example.org/>, or ask <ann@b.example.org>")


# ---------------------------------------------------------------- characters


@pytest.mark.parametrize(
    "spelt",
    ["&#55356;&#57098;", "&#xD83C;&#xDF0A;", "&#xd83c;&#57098;", "&#055356;&#x0DF0A;", "🌊"],
)
def test_a_character_given_as_two_surrogates_is_the_one_meant(spelt: str) -> None:
    for text in (spelt, f"<![CDATA[{spelt}]]>", spelt.replace("&", "&amp;")):
        entry = _rss(f"<title>a {text} b</title><description>c {text} d</description>")
        assert (entry.title, entry.summary) == ("a 🌊 b", "c 🌊 d")


def test_a_single_surrogate_is_left_out() -> None:
    entry = _rss("<title>a&#xD83C;b</title><description><![CDATA[c&#57098;d]]></description>")
    assert (entry.title, entry.summary) == ("ab", "cd")


@pytest.mark.parametrize("content_type", [None, "text/xml; charset=utf-8", "text/xml"])
def test_cesu_8_is_read_as_what_it_means(content_type: str | None) -> None:
    wave = "🌊".encode("utf-16-be")
    cesu = b"".join(
        chr(int.from_bytes(wave[i : i + 2], "big")).encode("utf-8", "surrogatepass") for i in (0, 2)
    )
    document = rss_document([{"title": "a WAVE é", "guid": "1"}]).replace(b"WAVE", cesu)
    (entry,) = parse(Fetched(URL, document, content_type), frozenset()).entries.values()
    assert entry.title == "a 🌊 é"


@pytest.mark.parametrize("spelt", ["\x93a\x94\x81", "&#147;a&#x94;&#x81;", "&#0147;a&#X0094;"])
def test_c1_controls_mean_what_they_do_in_windows_1252(spelt: str) -> None:
    inner = f"<title>{spelt}</title><author>{spelt}</author><category>{spelt}</category>"
    entry = _rss(f"{inner}<description><![CDATA[<b>{spelt}</b>]]></description>")
    assert (entry.title, entry.summary) == ("“a”", "<b>“a”</b>")
    assert (entry.authors[0].name, entry.categories[0].term) == ("“a”", "“a”")


def test_c1_controls_in_json_mean_the_same() -> None:
    entry = _json(title="\x93a\x94", content_html="<p>a\x81\x85</p>")
    assert (entry.title, entry.content) == ("“a”", "<p>a…</p>")


# ---------------------------------------------------------------- categories


@pytest.mark.parametrize(
    ("spelt", "expected"),
    [
        ("Bread &amp;amp; Salt", "Bread & Salt"),
        ("<![CDATA[Bread &amp; Salt]]>", "Bread & Salt"),
        ("<![CDATA[Caf&eacute;]]>", "Café"),
        ("R&amp;D", "R&D"),
        ("AT&amp;T;s &amp;copy=1", "AT&T;s &copy=1"),
        ("&lt;b&gt;", "<b>"),
    ],
)
def test_a_category_is_escaped_once(spelt: str, expected: str) -> None:
    (category,) = _rss(f"<category>{spelt}</category>").categories
    assert category.term == expected


def test_a_subject_of_dublin_core_is_escaped_once() -> None:
    subject = f"<dc:subject xmlns:dc='{NAMESPACES['dc']}'>A &amp;amp; B</dc:subject>"
    entry = _rss(subject)
    assert [category.term for category in entry.categories] == ["A & B"]
    assert entry.extension_elements == ("<dc:subject>A &amp; B</dc:subject>",)


def test_tags_of_json_are_escaped_once() -> None:
    entry = _json(content_text="x", tags=["A &amp; B", "A & B"])
    assert [category.term for category in entry.categories] == ["A & B"]


# ---------------------------------------------------------------- time

N = 100_000
LONG = {
    "comments without an end": "<!--" * N,
    "scripts without an end": "<script>" * (N // 4),
    "scripts of other addresses": "<script src=x>" * (N // 8),
    "ends of scripts without an end": "<script>" + "</script " * (N // 4),
    "sections": "<![CDATA[" * (N // 4),
    "declarations": "<!a" * N,
    "unknown names": "<x " * N,
    "unknown names with quotes": "<x '" * N,
    "formulas without an end": "<math>" * (N // 4),
    "formulas": "<math><mfrac><mi>a</mi></mfrac></math>" * (N // 40),
    "a formula of many parts": "<math>" + "<mi>a</mi></x>" * (N // 10) + "</math>",
    "references": "&#xD83C;" * (N // 4),
    "comments in a style": f"<p style='display:{'/*' * N}'>",
    "declarations in a style": f"<p style='{'display:none;' * (N // 10)}'>x",
    "hidden elements": "<p hidden>" * (N // 10),
    "forms for the eyes": "<p class=katex><i aria-hidden=true>x</i>" * (N // 40),
}


@pytest.mark.row("P3")
@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_words_are_extracted_in_time_that_grows_with_the_body(name: str) -> None:
    with seconds_not_minutes():
        clean(f"<b>words</b> {LONG[name]}", URL)
