"""Bodies in HTML, each with the words that a browser shows of it."""

from __future__ import annotations

from hypothesis import strategies as st

Body = tuple[str, str]  # HTML, and the words of it without white space

_WORDS = st.sampled_from(
    [
        ("tide", "tide"),
        (" ", ""),
        ("\n", ""),
        ("3 &lt; 4", "3<4"),
        ("3 < 4 > 2", "3<4>2"),
        ("R&D &amp;amp; more", "R&D&amp;more"),
        ("&eacute;&#8212;&nbsp;", "é—"),
        ("I </3 fog", "I</3fog"),
        ("a ]]> b", "a]]>b"),
        ("&#xD83C;&#xDF0A;", "🌊"),
        ("&#133;", "…"),
    ]
)
# What is there and is not shown.
_UNSEEN = st.sampled_from(
    [
        "<!-- <p><b><div> words -->",
        "<!--><!--->",
        "<!---->",
        "<!DOCTYPE html>",
        "<?xml version='1.0'?>",
        "<script>if (a < b) { document.write('<p>words</p>') }</script>",
        '<script src="/w.js"></script>',
        '<script src="/w.js"/>',
        "<style>p > a { margin: 0 }</style>",
        "<title>Words</title>",
        "<template><p>words</p></template>",
        "<p hidden>words <b>and</b> words</p>",
        '<div style="color: red; Display : None !important">words<div>more</div></div>',
        '<i style="visibility:hidden">words</i>',
        '<div style="max-height:0px;overflow:hidden">words</div>',
        '<svg viewBox="0 0 1 1"><path d="M0 0"/><circle r="1"/></svg>',
        '<meta name="a" content="words">',
        '<link rel="stylesheet" href="/a.css"/>',
        '<input type="hidden" value="words">',
        '<img src="/a.png" alt="words">',
        "<br>",
        "<hr/>",
        "</foo>",
    ]
)
# Elements of articles, and names that HTML does not know or that mean something elsewhere.
_AROUND = st.sampled_from(
    "p div b i em span blockquote ul ol a h2 pre sub sup details center font section "
    "list set text view use log in vector foo x-y o:p fb:like condition animate desc mrow mi "
    "button form label fieldset object noscript head body html g dialog-box legend search dir "
    "abbr address article aside big cite code del dfn figcaption figure footer header hgroup ins "
    "kbd li main mark menu nav q s samp small strike strong summary time tt u var".split()
)
_ALONE = st.sampled_from("set list text key foo x-y use mi g path noscript form body".split())
_ATTRIBUTES = st.sampled_from(
    [
        "",
        ' title="a > b"',
        " id=x",
        ' style="display:block"',
        ' style="background:url(none)"',
        " data-hidden",
        ' hidden="until-found"',
        ' aria-hidden="true"',
    ]
)


def _joined(parts: list[Body]) -> Body:
    return "".join(html for html, _ in parts), "".join(words for _, words in parts)


def _element(name: str, attributes: str, inner: Body) -> Body:
    return f"<{name}{attributes}>{inner[0]}</{name}>", inner[1]


def _start(name: str, attributes: str) -> Body:
    return f"<{name}{attributes}>", ""


def bodies() -> st.SearchStrategy[Body]:
    """Return bodies of any nesting; white space in their words is left out."""
    leaves = st.one_of(
        _WORDS,
        _UNSEEN.map(lambda html: (html, "")),
        st.builds(_start, _ALONE, st.sampled_from(["", " /", ' a="b"'])),
    )
    nested = st.recursive(
        leaves,
        lambda inner: st.builds(
            _element, _AROUND, _ATTRIBUTES, st.lists(inner, max_size=4).map(_joined)
        ),
        max_leaves=12,
    )
    return st.lists(nested, max_size=6).map(_joined)
