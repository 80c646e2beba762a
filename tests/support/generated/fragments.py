"""Bodies in HTML and elements of foreign namespaces, each with a word planted in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from builders import NAMESPACES
from generated.spelling import Pen

UNHEARD = "https://unheard.example/of"
OTHER = "urn:example:another"

# The word stands where a reader sees it, whatever else is taken out.
BODIES = (
    "{word}",
    "<p>{word}</p>",
    "<p>Fog &amp; <b>{word}",
    "<p>One &nbsp;&eacute;&#8212;<br>{word}<br/></p>",
    '<a href="/tides?a=1&amp;b=2">{word}</a> <img src="pictures/1.jpg" alt="A pier">',
    "<script>document.write('<item>')</script><p>{word}</p>",
    '<iframe src="https://video.example.org/embed/1"></iframe><p>{word}</p>',
    '<p style="color: red" onclick="alert(1)">{word}</p>',
    "<table><tr><td>{word}<td>2</table>",
    "<ul><li>{word}<li>2</ul>",
    "<p>{word}</p><!-- never closed",
    "{word} <plaintext> swallows",
    "</div></p>{word}",
    "<pre>  {word}\n\n  two\n</pre>",
    '<p><svg width="1"><circle r="1"/></svg>{word}</p>',
    "<blockquote>{word}</blockquote><hr>\n",
    "{word} 3 < 4 and 5 > 4",
)
# Content of an XHTML `div`, which must be XML.
XHTML_BODIES = (
    "<p>{word}</p>",
    '<p>{word}<br/><a href="/tides">the &amp; tides</a></p>',
    '<p>{word}</p><svg xmlns="http://www.w3.org/2000/svg"><circle r="1"/></svg>',
    '<p><img src="a.png" alt="x"/>{word}</p><!-- a comment -->',
)


@dataclass(frozen=True, slots=True)
class Foreign:
    """A kind of extension element: what it looks like, and which prefixes it needs."""

    template: str  # `{word}` is where the planted word goes, `{p}` the first prefix
    namespaces: tuple[str, ...]  # URIs, in the order of {p}, {q}


_ITUNES, _MEDIA = (NAMESPACES["itunes"],), (NAMESPACES["media"],)
_PODCAST, _DC = (NAMESPACES["podcast"],), (NAMESPACES["dc"],)
FOREIGN = (
    Foreign("<{p}:note>{word}</{p}:note>", (UNHEARD,)),
    Foreign("<{p}:author>{word}</{p}:author>", _ITUNES),
    Foreign("<{p}:keywords>fog, {word}</{p}:keywords>", _ITUNES),
    Foreign('<{p}:thumbnail url="https://media.example.org/{word}.jpg"/>', _MEDIA),
    Foreign(
        '<{p}:group><{p}:content url="https://media.example.org/{word}.mp4" type="video/mp4"/>'
        '<{p}:content url="https://media.example.org/2.webm"/><{p}:credit>Ada</{p}:credit></{p}:group>',
        _MEDIA,
    ),
    Foreign("<{p}:contributor>{word}</{p}:contributor>", _DC),
    Foreign("<{p}:identifier>{word}</{p}:identifier>", _DC),
    Foreign('<{p}:person role="guest" group="cast">{word}</{p}:person>', _PODCAST),
    Foreign(
        '<{p}:value type="lightning" method="keysend"><{p}:valueRecipient name="a" split="9"/>'
        '<{p}:valueRecipient name="{word}" split="1"/></{p}:value>',
        _PODCAST,
    ),
    Foreign("<{p}:featurename>{word}</{p}:featurename>", (NAMESPACES["georss"],)),
    Foreign("<{p}:full-text>Fog. {word}</{p}:full-text>", (NAMESPACES["yandex"],)),
    Foreign("<{p}:note><{p}:a><{p}:a>{word}</{p}:a></{p}:a> tail</{p}:note>", (UNHEARD,)),
    Foreign("<{p}:x {q}:y='{word}'><{q}:z/></{p}:x>", (UNHEARD, OTHER)),
    Foreign('<note xmlns="urn:example:another">{word}<deep>er</deep></note>', ()),
    Foreign('<{p}:pair xmlns:{p}="urn:example:rebound">{word}</{p}:pair>', (UNHEARD,)),
    Foreign("<{p}:raw><![CDATA[<{word}> & ]]></{p}:raw>", (UNHEARD,)),
)
# Elements that a careless reader takes for the entry's own: they are named like them, or their
# prefix is a well-known one that is bound to something else here.
CONFUSABLE = (
    Foreign('<title xmlns="urn:example:another">{word}</title>', ()),
    Foreign('<link xmlns="urn:example:another">https://wrong.example/{word}</link>', ()),
    Foreign("<{p}:title>{word}</{p}:title>", (UNHEARD,)),
    Foreign("<{p}:guid>{word}</{p}:guid>", (UNHEARD,)),
    Foreign("<{p}:title>{word}</{p}:title>", _MEDIA),
    Foreign("<{p}:title>{word}</{p}:title>", _ITUNES),
    Foreign('<dc:title xmlns:dc="urn:example:not-dublin">{word}</dc:title>', ()),
    Foreign('<media:title xmlns:media="urn:example:not-media">{word}</media:title>', ()),
    Foreign("<{p}:box><title>{word}</title><link>https://x.example/</link></{p}:box>", _PODCAST),
    Foreign("<{p}:group><{p}:title>{word}</{p}:title></{p}:group>", _MEDIA),
)


def foreign_element(pen: Pen, kind: Foreign, word: str, declared: Mapping[str, str]) -> str:
    """The element; prefixes that are not `declared` around it, by URI, it declares itself."""
    prefixes: dict[str, str] = {}
    own: dict[str, str] = {}
    for place, uri in zip("pq", kind.namespaces, strict=False):
        prefixes[place] = declared.get(uri, "")
        if uri not in declared or pen.spell((False, False, True)):
            prefixes[place] = pen.spell(("x", "ns-1", "_.")) + place
            own[f"xmlns:{prefixes[place]}"] = uri
    element = kind.template.format(word=word, **prefixes)
    missing = {name: uri for name, uri in own.items() if f"{name}=" not in element}
    return _with_attributes(element, pen.attributes(missing)) if missing else element


def _with_attributes(element: str, attributes: str) -> str:
    """The element with attributes added to its start tag."""
    end = min(element.index(mark) for mark in (" ", ">", "/>") if mark in element)
    return element[:end] + attributes + element[end:]
