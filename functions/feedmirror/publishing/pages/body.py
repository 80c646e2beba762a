"""Body of an entry as HTML for its page, accessible and laid out with the rest of the page.

List items are in lists, links have names, headings are below the page's own, wide content can be
scrolled by keyboard, and pictures load when they come into view, or are links. No word is lost.
One pass over the tags with a stack: the time is linear.
"""

from __future__ import annotations

from collections.abc import Callable
from html import unescape

from feedmirror.model import Images, Position
from feedmirror.publishing.disclaimer import Disclaimed
from feedmirror.publishing.pages import elements
from feedmirror.publishing.pages.elements import Attributes
from feedmirror.publishing.pages.writer import BodyWriter
from feedmirror.text.html_tokens import NO_ANCHORS, TAGS, Anchors, Tag, tokens
from feedmirror.text.plain import is_visible

_Rule = Callable[[BodyWriter, str, Attributes], None]

_WITHOUT_END: dict[str, _Rule] = {
    "area": elements.area,
    "br": elements.keep_media,
    "col": elements.keep_media,
    "hr": elements.keep_media,
    "img": elements.picture,
    "source": elements.source,
    "track": elements.track,
    "wbr": elements.keep_media,
}
_RULES: dict[str, _Rule] = {
    "a": elements.link,
    "audio": elements.playable_media,
    "dd": elements.definition,
    "div": elements.division,
    "dl": elements.definitions,
    "dt": elements.definition,
    "li": elements.item,
    "main": elements.division,  # landmarks of a page are its own
    "nav": elements.division,
    "picture": elements.picture_sources,
    "pre": elements.preformatted,
    "summary": elements.summary,
    "table": elements.table,
    "video": elements.playable_media,
    **dict.fromkeys("h1 h2 h3 h4 h5 h6".split(), elements.heading),
    **dict.fromkeys("menu ol ul".split(), elements.items),
}
# Colours are chosen for another background; `headers` names cells by ids that were removed.
_UNWRITTEN = frozenset({"font"})
_DROPPED = frozenset({"color", "headers"})
_SCOPES = frozenset("col colgroup row rowgroup".split())


def entry_body(disclaimed: Disclaimed, images: Images, site: str | None = None) -> str:
    """Return the entry's body, or its summary if it has no body, with the disclaimer.

    Links to places in the body stay on the page. They are recognised by the entry's link, or, if
    the entry has no link, by the address of the feed or of its `site`.
    """
    (first, last), revision = disclaimed.body, disclaimed.revision
    link = revision.entry.link
    addresses = (link,) if link else (revision.fetched_from, site)
    if disclaimed.position is Position.BEGINNING:
        return notice_block(first) + rewrite_body(last, images, Anchors.of(last, addresses))
    return rewrite_body(first, images, Anchors.of(first, addresses)) + notice_block(last)


def notice_block(notice: str) -> str:
    """Return the disclaimer's block, balanced, and in the direction of its own script."""
    if not notice:
        return ""  # verification refuses the page
    start, _, inside = notice.partition(">")
    body = rewrite_body(inside.removesuffix("</div>"), Images.NONE)
    return f'{start} dir="auto">{body}</div>'


def rewrite_body(body: str, images: Images, anchors: Anchors = NO_ANCHORS) -> str:
    """Return sanitised HTML as a balanced fragment of a page. Links to `anchors` are relative."""
    page = BodyWriter(with_pictures=images is Images.ORIGIN, anchors=anchors)
    for token in tokens(body):
        if isinstance(token, str):
            _text(page, token)
        elif token.is_end:
            page.end(token.name)
        else:
            _start(page, token)
    page.end_all()
    return "".join(page.out)


def _text(page: BodyWriter, text: str) -> None:
    if (unescape(text) if "&" in text else text).strip():
        page.make_room("")
        page.top.has_words |= is_visible(text)
    page.out.append(text)


def _start(page: BodyWriter, tag: Tag) -> None:
    name = tag.name
    if name in _WITHOUT_END:
        page.make_room(name)
        _WITHOUT_END[name](page, name, _attributes(tag))
        return
    if name in TAGS and name not in _UNWRITTEN:
        rule = _RULES.get(name, elements.keep)
        page.make_room("div" if rule is elements.division else name)
        rule(page, name, _attributes(tag))
    else:
        page.push_unwritten(name)
    if tag.is_self_closing:
        page.pop()


def _attributes(tag: Tag) -> Attributes:
    if not tag.raw:
        return {}
    return {
        name: value
        for name, value in tag.attributes().items()
        if name not in _DROPPED and (name != "scope" or value in _SCOPES)
    }
