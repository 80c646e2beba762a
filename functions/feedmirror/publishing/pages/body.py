"""An entry's body fit for a page: shown as its author meant it, and for everybody to read.

What belongs in lists is in lists, links have names, headings stand below the page's own, what is
wide can be scrolled by keyboard, nothing is loaded before it is seen. No word is lost. It is one
pass over the tags with a stack, so that it takes linear time.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from feedmirror.model import Images, Position
from feedmirror.publishing.disclaimer import Disclaimed
from feedmirror.publishing.pages import elements, media
from feedmirror.publishing.pages.stack import Elements
from feedmirror.publishing.pages.tokens import Tag, is_visible, plain, tokens
from feedmirror.text.anchors import NO_ANCHORS, Anchors
from feedmirror.text.html_tokens import TAGS

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_Rule = Callable[[Elements, Tag], None]

_WITHOUT_END: dict[str, _Rule] = {
    "area": media.spot,
    "br": media.mark,
    "col": media.column,
    "hr": media.mark,
    "img": media.picture,
    "source": media.source,
    "track": media.track,
    "wbr": media.mark,
}
_RULES: dict[str, _Rule] = {
    "a": elements.link,
    "audio": media.playable,
    "dd": elements.part,
    "div": elements.division,
    "dl": elements.definitions,
    "dt": elements.part,
    "li": elements.item,
    "main": elements.division,  # landmarks of the page are the page's own
    "nav": elements.division,
    "picture": media.choice,
    "pre": elements.preformatted,
    "summary": elements.summary,
    "table": elements.table,
    "video": media.playable,
    **dict.fromkeys("h1 h2 h3 h4 h5 h6".split(), elements.heading),
    **dict.fromkeys("menu ol ul".split(), elements.items),
    **dict.fromkeys("caption colgroup tbody td tfoot th thead tr".split(), elements.in_table),
}
# A colour was chosen for another background.
_SEEN_THROUGH = frozenset({"font"})


def body_of(disclaimed: Disclaimed, images: Images, site: str | None = None) -> str:
    """The entry's body with the disclaimer where it stands: its content, or what it has instead.
    Without a link of its own, the entry has that of the site.
    """
    (first, last), revision = disclaimed.body, disclaimed.revision
    link = revision.entry.link
    addresses = (link,) if link else (revision.fetched_from, site)
    if disclaimed.position is Position.BEGINNING:
        return notice_of(first) + fit(last, images, Anchors.of(last, addresses))
    return fit(first, images, Anchors.of(first, addresses)) + notice_of(last)


def notice_of(notice: str) -> str:
    """The marked block, in its own direction, whatever the operator left open in it closed."""
    if not notice:
        return ""  # which will not pass for a page
    start, _, inside = _COMMENT.sub("", notice).partition(">")
    return f'{start} dir="auto">{fit(inside.removesuffix("</div>"), Images.NONE)}</div>'


def fit(body: str, images: Images, places: Anchors = NO_ANCHORS) -> str:
    """Sanitised HTML as a balanced fragment of a page, links to its places staying on that."""
    page = Elements(with_pictures=images is Images.ORIGIN, places=places)
    for token in tokens(body):
        if isinstance(token, str):
            _text(page, token)
        elif token.is_end:
            page.end(token.name)
        else:
            _start(page, token)
    page.end_all()
    return "".join(page.out)


def _text(page: Elements, text: str) -> None:
    if not text.isspace() and plain(text):
        page.make_room("")
        page.top.is_named |= is_visible(text)
    page.out.append(text)


def _start(page: Elements, tag: Tag) -> None:
    if tag.name in _WITHOUT_END:
        page.make_room(tag.name)
        _WITHOUT_END[tag.name](page, tag)
        return
    if tag.name in TAGS and tag.name not in _SEEN_THROUGH:
        page.make_room("div" if _is_division(tag.name) else tag.name)
        _RULES.get(tag.name, elements.keep)(page, tag)
    else:
        page.see_through(tag.name)
    if tag.is_whole:
        page.pop()


def _is_division(name: str) -> bool:
    return _RULES.get(name) is elements.division
