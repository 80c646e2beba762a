"""Disclaimer: the operator's notice, filled in and attached to every body of every entry.

Renderers accept `Disclaimed` entries only, and only `attach` returns them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

from msgspec import Struct

from feedmirror.model import DISCLAIMER_VARIABLES, Disclaimer, Feed, Position, Revision
from feedmirror.publishing.redaction import PublicSettings, source_title
from feedmirror.text.plain import paragraphs, single_line
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
_VARIABLE = re.compile(r"\{\{|\}\}|\{(\w*)\}|[{}]")
_SLOT = re.compile(f"[{HTML_BEFORE}{HTML_AFTER}{TEXT_BEFORE}{TEXT_AFTER}]")
_TAGS = frozenset(
    "p br hr a em strong b i small span ul ol li blockquote code abbr bdi bdo".split()
)
_ATTRIBUTES = frozenset({"href", "title", "lang", "dir", "hreflang"})
_LONGEST_TITLE = 300  # characters; the title of the source is repeated in every body
_HREF = re.compile(r"https?://|mailto:|\{(?:source_url|entry_url)\}$")


class Disclaimed(Struct, frozen=True):
    """A revision with the disclaimer in every body. Constructed by `attach` only."""

    revision: Revision
    extension_elements: tuple[str, ...]  # with the disclaimer filled in
    notice_html: str  # the disclaimer as a block with the class `CSS_CLASS`
    notice_text: str  # the disclaimer as plain text
    position: Position  # of the block in a body
    duplicates: tuple[str, ...]  # HTML of the disclaimer that a body may hold already
    left_out: tuple[str, ...] = ()  # names of extension elements removed by `verify.py`

    # Bodies are computed on demand: those of all entries would double the memory. A body is in two
    # parts, the block and the rest in their order, since the rest may be large.

    @property
    def summary(self) -> tuple[str, str]:
        """Return the summary as HTML; the disclaimer alone if the entry has no summary."""
        return self._parts(self.revision.entry.summary or "")

    @property
    def content(self) -> tuple[str, str] | None:
        """Return the content as HTML; None if the entry has no content."""
        content = self.revision.entry.content
        return None if content is None else self._parts(content)

    @property
    def body(self) -> tuple[str, str]:
        """Return the content as HTML; the summary if the entry has no content."""
        return self.content or self.summary

    def _parts(self, body: str) -> tuple[str, str]:
        bare = _without(body, *self.duplicates)
        before = self.position is Position.BEGINNING
        return (self.notice_html, bare) if before else (bare, self.notice_html)


def attach(revision: Revision, settings: PublicSettings, feed: Feed) -> Disclaimed:
    """Return the revision with the configured disclaimer in each of its bodies.

    A body that has the same disclaimer already, as a mirror of a mirror does, gets no second one.
    """
    disclaimer, entry = settings.disclaimer, revision.entry
    values = _values(entry.link, revision.first_seen, settings, feed)
    inner_html, text = _texts(disclaimer, values)
    block = _block(inner_html, disclaimer)
    before = disclaimer.position is Position.BEGINNING
    return Disclaimed(
        revision=revision,
        extension_elements=tuple(
            _filled(f, block, text, before=before) if _SLOT.search(f) else f
            for f in entry.extension_elements
        ),
        notice_html=block,
        notice_text=text,
        position=disclaimer.position,
        duplicates=(inner_html, f"<div{_language(disclaimer)}>{inner_html}</div>"),
    )


def attach_to_feed(feed: Feed, settings: PublicSettings, moment: datetime) -> tuple[str, ...]:
    """Return the feed's own extension elements, with the disclaimer in those that hold prose.

    `{fetched}` is replaced by `moment`, `{entry_url}` by the address of the feed's page.
    """
    values = _values(None, moment, settings, feed)
    inner_html, text = _texts(settings.disclaimer, values)
    block = _block(inner_html, settings.disclaimer)
    before = settings.disclaimer.position is Position.BEGINNING
    return tuple(_filled(f, block, text, before=before) for f in feed.extension_elements)


def notice_of_feed(feed: Feed, settings: PublicSettings, moment: datetime) -> str:
    """Return the disclaimer as a block, for a page of many entries. Variables are filled in as by
    `attach_to_feed`.
    """
    inner_html, _ = _texts(settings.disclaimer, _values(None, moment, settings, feed))
    return _block(inner_html, settings.disclaimer)


def _block(inner_html: str, disclaimer: Disclaimer) -> str:
    """Return the disclaimer's HTML in an element that is marked as the mirror's."""
    return f'<div class="{CSS_CLASS}" role="note"{_language(disclaimer)}>{inner_html}</div>'


def _language(disclaimer: Disclaimer) -> str:
    return f' lang="{escape(disclaimer.language)}"' if disclaimer.language else ""


def _values(
    link: str | None, fetched: datetime, settings: PublicSettings, feed: Feed
) -> dict[str, str]:
    source_url = feed.link or settings.source_url
    # An origin's title must not break the operator's line or reverse its direction.
    title = single_line(printable(source_title(settings.title, feed.title or "")))[:_LONGEST_TITLE]
    return {
        "source_title": title or urlsplit(source_url).hostname or source_url,
        "source_url": source_url,
        "entry_url": link or source_url,
        "fetched": f"{fetched:%Y-%m-%d %H:%M} UTC",
    }


def _texts(disclaimer: Disclaimer, values: Mapping[str, str]) -> tuple[str, str]:
    """Return the disclaimer as HTML and as plain text, its variables filled in."""
    if disclaimer.html is not None:
        escaped = {name: html.escape(value) for name, value in values.items()}
        return fill(disclaimer.html, escaped), fill(_plain(disclaimer.html), values)
    text = fill(disclaimer.text or "", values)
    return paragraphs(text), text.strip()


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return the template with its variables filled in, and `{{` and `}}` as single braces.

    Unknown variables and single braces stay as they are; `problems` reports them.
    """
    return "".join(
        piece if name is None else values.get(name, piece) for piece, name in _pieces(template)
    )


@lru_cache(maxsize=64)
def _pieces(template: str) -> tuple[tuple[str, str | None], ...]:
    """Return the template in pieces, each with its variable's name, or None for a run of text."""
    pieces: list[tuple[str, str | None]] = []
    position = 0
    for match in _VARIABLE.finditer(template):
        pieces.append((template[position : match.start()], None))
        pieces.append((match[0][0], None) if match[0] in {"{{", "}}"} else (match[0], match[1]))
        position = match.end()
    return (*pieces, (template[position:], None))


@lru_cache(maxsize=64)
def _plain(body: str) -> str:
    """Return the operator's HTML as plain text, links with their addresses. Variables stay as they
    are. `body` must be well-formed, as `problems` checks.
    """
    linked = re.sub(
        r'<a\b[^>]*\bhref="([^"]*)"[^>]*>(.*?)</a>',
        lambda m: m[2] if m[2] == m[1] else f"{m[2]} ({m[1]})",
        body,
        flags=re.DOTALL,
    )
    broken = re.sub(r"<(?:br|/p|/li|/blockquote)\b[^>]*>", "\n", linked)
    return html.unescape(re.sub(r"<[^>]*>", "", broken)).strip()


def _without(body: str, *duplicates: str) -> str:
    """Return the body without any of the duplicates at its beginning and at its end."""
    for duplicate in reversed(duplicates):
        bare = body.removesuffix(duplicate)
        # A duplicate that ends as a tag does must not be cut out of that tag.
        body = (bare if bare.rfind("<") <= bare.rfind(">") else body).removeprefix(duplicate)
    return body


def _filled(fragment: str, block: str, text: str, *, before: bool) -> str:
    """Return the extension element with the disclaimer in its slots."""
    markup, plain = escape(block), escape(text)
    slots = {HTML_BEFORE: "", HTML_AFTER: markup, TEXT_BEFORE: "", TEXT_AFTER: f"\n\n{plain}"}
    if before:
        slots = {HTML_BEFORE: markup, HTML_AFTER: "", TEXT_BEFORE: f"{plain}\n\n", TEXT_AFTER: ""}
    return _SLOT.sub(lambda match: slots[match[0]], fragment)


def problems(template: str, *, is_html: bool) -> list[str]:
    """Return what is wrong with an operator's disclaimer, a clause each; empty if it is valid."""
    found = [
        f"{match[0]!r} is not a variable; accepted are "
        f"{', '.join(f'{{{name}}}' for name in DISCLAIMER_VARIABLES)}, and {{{{ and }}}} for braces"
        for match in _VARIABLE.finditer(template)
        if match[0] not in {"{{", "}}"} and (match[1] or "") not in DISCLAIMER_VARIABLES
    ]
    if printable(template) != template:
        found.append("control characters are not accepted")
    if not _VARIABLE.sub(
        "", re.sub(r"<[^>]*>", "", template) if is_html else template
    ).strip() and not (set(re.findall(r"\{(\w+)\}", template)) & set(DISCLAIMER_VARIABLES)):
        found.append("it has no text")
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
    """Return the HTML with named entities as characters: XML parsers do not know those of HTML."""
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
