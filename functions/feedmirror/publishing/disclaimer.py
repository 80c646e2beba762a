"""The operator's words on every entry: filled in, marked as the mirror's, attached to every body.

`attach` is the only way to a `Disclaimed` entry, and renderers accept nothing else.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

from feedmirror.model import Disclaimer, Feed, Position, Revision
from feedmirror.publishing.redaction import PublicSettings, of_source
from feedmirror.text.plain import paragraphs, straight
from feedmirror.text.xml import (
    HTML_AFTER,
    HTML_BEFORE,
    TEXT_AFTER,
    TEXT_BEFORE,
    Node,
    escape,
    printable,
    tree,
)

CSS_CLASS = "feedmirror-disclaimer"
VARIABLES = ("source_title", "source_url", "entry_url", "fetched")
_VARIABLE = re.compile(r"\{\{|\}\}|\{(\w*)\}|[{}]")
_SLOT = re.compile(f"[{HTML_BEFORE}{HTML_AFTER}{TEXT_BEFORE}{TEXT_AFTER}]")
_TAGS = frozenset(
    "p br hr a em strong b i small span ul ol li blockquote code abbr bdi bdo".split()
)
_ATTRIBUTES = frozenset({"href", "title", "lang", "dir", "hreflang"})
_LONGEST_TITLE = 300  # characters; it is in every body
_HREF = re.compile(r"https?://|mailto:|\{(?:source_url|entry_url)\}$")


@dataclass(frozen=True, slots=True)
class Disclaimed:
    """A revision whose every body carries the disclaimer; only `attach` makes one."""

    revision: Revision
    extension_elements: tuple[str, ...]  # slots filled
    notice_html: str  # the marked block itself
    notice_text: str
    position: Position  # of the block in a body
    carried: tuple[str, ...]  # what a body may carry already in place of the block
    left_out: tuple[str, ...] = ()  # names of elements that lacked it; publishing/verify.py

    # Bodies are made when they are asked for: those of all entries would double the memory. They
    # are in two parts, the block and what it stands before or behind, since one may be large.

    @property
    def summary(self) -> tuple[str, str]:
        """HTML; where the entry has no summary, the disclaimer alone."""
        return self._parts(self.revision.entry.summary or "")

    @property
    def content(self) -> tuple[str, str] | None:
        """HTML; None where the entry has no content."""
        content = self.revision.entry.content
        return None if content is None else self._parts(content)

    @property
    def body(self) -> tuple[str, str]:
        """HTML: the content, or the summary of an entry without one."""
        return self.content or self.summary

    def _parts(self, of: str) -> tuple[str, str]:
        bare = _without(of, *self.carried)
        before = self.position is Position.BEGINNING
        return (self.notice_html, bare) if before else (bare, self.notice_html)


def attach(revision: Revision, settings: PublicSettings, feed: Feed) -> Disclaimed:
    """The revision with the present disclaimer in every body it has.

    A body that carries this very disclaimer already (of a mirror of a mirror) carries it once.
    """
    disclaimer, entry = settings.disclaimer, revision.entry
    values = _values(entry.link, revision.first_seen, settings, feed)
    words_html, words_text = _words(disclaimer, values)
    block = _block(words_html, disclaimer)
    before = disclaimer.position is Position.BEGINNING
    return Disclaimed(
        revision=revision,
        extension_elements=tuple(
            _filled(f, block, words_text, before=before) if _SLOT.search(f) else f
            for f in entry.extension_elements
        ),
        notice_html=block,
        notice_text=words_text,
        position=disclaimer.position,
        carried=(words_html, f"<div{_language(disclaimer)}>{words_html}</div>"),
    )


def attach_to_feed(feed: Feed, settings: PublicSettings, moment: datetime) -> tuple[str, ...]:
    """The feed's own fragments, with the disclaimer in those that are entries in all but name.

    `moment` is what `{fetched}` stands for there, the feed's page what `{entry_url}` does.
    """
    values = _values(None, moment, settings, feed)
    words_html, words_text = _words(settings.disclaimer, values)
    block = _block(words_html, settings.disclaimer)
    before = settings.disclaimer.position is Position.BEGINNING
    return tuple(_filled(f, block, words_text, before=before) for f in feed.extension_elements)


def notice_of_feed(feed: Feed, settings: PublicSettings, moment: datetime) -> str:
    """The marked block for a page that tells of many entries; variables as in `attach_to_feed`."""
    words_html, _ = _words(settings.disclaimer, _values(None, moment, settings, feed))
    return _block(words_html, settings.disclaimer)


def _block(words_html: str, disclaimer: Disclaimer) -> str:
    """The words, marked as the mirror's."""
    return f'<div class="{CSS_CLASS}" role="note"{_language(disclaimer)}>{words_html}</div>'


def _language(disclaimer: Disclaimer) -> str:
    return f' lang="{escape(disclaimer.language)}"' if disclaimer.language else ""


def _values(
    link: str | None, fetched: datetime, settings: PublicSettings, feed: Feed
) -> dict[str, str]:
    source_url = feed.link or settings.source_url
    # Among the operator's words it is on their line and runs their way, however long it is.
    said = straight(printable(of_source(settings.title, feed.title or "")))[:_LONGEST_TITLE]
    return {
        "source_title": said or urlsplit(source_url).hostname or source_url,
        "source_url": source_url,
        "entry_url": link or source_url,
        "fetched": f"{fetched:%Y-%m-%d %H:%M} UTC",
    }


def _words(disclaimer: Disclaimer, values: Mapping[str, str]) -> tuple[str, str]:
    """The disclaimer as HTML and as plain text, its variables filled in."""
    if disclaimer.html is not None:
        escaped = {name: html.escape(value) for name, value in values.items()}
        return fill(disclaimer.html, escaped), fill(_plain(disclaimer.html), values)
    text = fill(disclaimer.text or "", values)
    return paragraphs(text), text.strip()


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with its variables filled in; `{{` and `}}` stand for braces.

    Whatever else is in braces stays as it is: `problems` is what refuses it.
    """
    return "".join(
        piece if name is None else values.get(name, piece) for piece, name in _pieces(template)
    )


@lru_cache(maxsize=64)
def _pieces(template: str) -> tuple[tuple[str, str | None], ...]:
    """The template as runs of text, and variables with their names."""
    pieces: list[tuple[str, str | None]] = []
    position = 0
    for match in _VARIABLE.finditer(template):
        pieces.append((template[position : match.start()], None))
        pieces.append((match[0][0], None) if match[0] in {"{{", "}}"} else (match[0], match[1]))
        position = match.end()
    return (*pieces, (template[position:], None))


@lru_cache(maxsize=64)
def _plain(body: str) -> str:
    """The words of the operator's HTML (checked, so well-formed), variables as they are; links
    with their addresses.
    """
    linked = re.sub(
        r'<a\b[^>]*\bhref="([^"]*)"[^>]*>(.*?)</a>',
        lambda m: m[2] if m[2] == m[1] else f"{m[2]} ({m[1]})",
        body,
        flags=re.DOTALL,
    )
    broken = re.sub(r"<(?:br|/p|/li|/blockquote)\b[^>]*>", "\n", linked)
    return html.unescape(re.sub(r"<[^>]*>", "", broken)).strip()


def _without(body: str, *carried: str) -> str:
    """The body without the same words at its beginning or end."""
    for words in reversed(carried):
        bare = body.removesuffix(words)
        # Words that end as a tag does are not cut out of one.
        body = (bare if bare.rfind("<") <= bare.rfind(">") else body).removeprefix(words)
    return body


def _filled(fragment: str, block: str, words: str, *, before: bool) -> str:
    """The fragment with the disclaimer in its slots."""
    markup, text = escape(block), escape(words)
    slots = {HTML_BEFORE: "", HTML_AFTER: markup, TEXT_BEFORE: "", TEXT_AFTER: f"\n\n{text}"}
    if before:
        slots = {HTML_BEFORE: markup, HTML_AFTER: "", TEXT_BEFORE: f"{text}\n\n", TEXT_AFTER: ""}
    return _SLOT.sub(lambda match: slots[match[0]], fragment)


def problems(template: str, *, is_html: bool) -> list[str]:
    """What is wrong with an operator's disclaimer, a sentence each; empty if it can be used."""
    found = [
        f"{match[0]!r} is no variable; accepted are "
        f"{', '.join(f'{{{name}}}' for name in VARIABLES)}, and {{{{ and }}}} for braces"
        for match in _VARIABLE.finditer(template)
        if match[0] not in {"{{", "}}"} and (match[1] or "") not in VARIABLES
    ]
    if printable(template) != template:
        found.append("it holds control characters")
    if not _VARIABLE.sub(
        "", re.sub(r"<[^>]*>", "", template) if is_html else template
    ).strip() and not (set(re.findall(r"\{(\w+)\}", template)) & set(VARIABLES)):
        found.append("it says nothing")
    if is_html:
        found += _html_problems(printable(template))
    return found


def _html_problems(template: str) -> list[str]:
    try:
        root = tree(f"<div>{_named(template)}</div>".encode())
    except ExpatError as error:
        return [f"the HTML is not well-formed ({error}): close every tag, write <br/> and &amp;"]
    return [problem for node in root.elements() for problem in _node_problems(node)]


def _named(template: str) -> str:
    """HTML's named entities as characters, which an XML parser does not know."""
    return re.sub(
        r"&(?!(?:amp|lt|gt|quot|apos);)[A-Za-z]\w+;",
        lambda match: html.unescape(match[0]),
        template,
    )


def _node_problems(node: Node) -> list[str]:
    found: list[str] = []
    tag = node.name.local
    if tag not in _TAGS:
        found.append(f"<{tag}> is not accepted; accepted are {' '.join(sorted(_TAGS))}")
    for name, value in node.attributes:
        if name.local not in _ATTRIBUTES:
            accepted = " ".join(sorted(_ATTRIBUTES))
            found.append(f"{name.local}= on <{tag}> is not accepted; accepted are {accepted}")
        elif name.local == "href" and not _HREF.match(value):
            found.append(f"a link to {value!r} is not accepted; https://, http:// or mailto: is")
    return found + [problem for child in node.elements() for problem in _node_problems(child)]
