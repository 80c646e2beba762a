"""What becomes of an element on a page: rules, each for one kind, for those that are not kept as
they are.
"""

from __future__ import annotations

from feedmirror.publishing.pages.phrases import host
from feedmirror.publishing.pages.pictures import OUTWARD, named
from feedmirror.publishing.pages.stack import Elements, Open, are_definitions
from feedmirror.publishing.pages.tokens import Tag, plain, quoted, written
from feedmirror.text.anchors import PREFIX

_SCROLLED = {"role": "group", "tabindex": "0"}
_LOWEST = 6  # heading


def keep(page: Elements, tag: Tag) -> None:
    """As it is."""
    page.push(Open(tag.name, f"</{tag.name}>"), written(tag.name, tag.attributes))


def see_through(page: Elements, tag: Tag) -> None:
    """Only what is in it."""
    page.see_through(tag.name)


def division(page: Elements, tag: Tag) -> None:
    """A `div`, of no meaning; none around groups of a list of definitions."""
    if page.top.holds == "definitions":
        page.see_through(tag.name)
    else:
        page.push(Open(tag.name, "</div>"), written("div", tag.attributes))


def heading(page: Elements, tag: Tag) -> None:
    """A heading below the page's own, one level deeper than the one it belongs to."""
    level, before = int(tag.name[1]), list(page.levels)
    while page.levels and page.levels[-1] >= level:
        page.levels.pop()
    page.levels.append(level)
    name = f"h{min(1 + len(page.levels), _LOWEST)}"

    def drop_if_empty(page: Elements, opened: Open) -> None:
        if not opened.is_named:
            page.out[opened.at] = opened.closing = ""
            page.levels = before

    page.push(Open(tag.name, f"</{name}>", ending=drop_if_empty), written(name, tag.attributes))


# ---------------------------------------------------------------- links


def link(page: Elements, tag: Tag) -> None:
    """A link; not in another, nor in a summary, which itself is to be clicked on."""
    held = dict(tag.attributes)
    url, name = held.get("href"), held.pop("name", "")
    if name.startswith(PREFIX):
        held.setdefault("id", name)
    if not url or page.is_open("a", "summary"):
        if url and page.is_open("summary"):
            page.innermost("summary").after.append(_beside(url))
        if "id" in held:
            page.out.append(f"{written('span', {'id': held['id']})}</span>")
        page.see_through("a")
        return
    local_link = page.places.local_link(plain(url))
    attributes = {**held, "href": quoted(local_link)} if local_link else {**held, **OUTWARD}
    opened = Open("a", "</a>", attributes=attributes, leads_to=plain(url), ending=_end_link)
    page.push(opened, written("a", attributes))


def _beside(url: str) -> str:
    start = written("a", {"href": url, **OUTWARD})
    return f"<p>{start}{quoted(host(plain(url)))}</a></p>"


def _end_link(page: Elements, opened: Open) -> None:
    """What holds no words gets a name; what holds nothing at all is no link."""
    if opened.is_named:
        return
    if opened.has_picture:
        page.out[opened.at] = written("a", named(opened.attributes))
    else:
        page.out[opened.at] = opened.closing = ""


# ---------------------------------------------------------------- lists


def items(page: Elements, tag: Tag) -> None:
    """A list, which holds items only."""
    start = written(tag.name, tag.attributes)
    page.push(Open(tag.name, f"</{tag.name}>", holds="items"), start)


def item(page: Elements, tag: Tag) -> None:
    """An item in a list; anything else outside of one."""
    name = "li" if page.top.holds == "items" else "div"
    held = {key: value for key, value in tag.attributes.items() if name == "li" or key != "value"}
    page.push(Open("li", f"</{name}>"), written(name, held))


def definitions(page: Elements, tag: Tag) -> None:
    """A list of terms and definitions; many are written for the sake of their indent."""
    start = written("dl", tag.attributes)
    opened = Open("dl", "</dl>", holds="definitions", parts=[], ending=_end_definitions)
    page.push(opened, start)


def _end_definitions(page: Elements, opened: Open) -> None:
    parts = opened.parts or []
    if are_definitions(parts):
        return
    page.out[opened.at] = page.out[opened.at].replace("<dl", "<div", 1)
    opened.closing = "</div>"
    for part in parts:
        start = page.out[part.begin].removeprefix(f"<{part.name}")
        indent = ' class="indent"' if part.name == "dd" else ""
        page.out[part.begin], page.out[part.end] = f"<div{indent}{start}", "</div>"


def part(page: Elements, tag: Tag) -> None:
    """A term or a definition in a list of them; anything else outside of one."""
    if page.top.holds == "definitions":
        page.begin_part(tag.name, tag.name, written(tag.name, tag.attributes))
    else:
        division(page, tag)


# ---------------------------------------------------------------- what opens, and what is wide


def summary(page: Elements, tag: Tag) -> None:
    """What is clicked on to see the rest of the details that it is the first child of."""
    if page.top.name != "details" or page.is_open("a"):
        division(page, tag)
    else:
        opened = Open("summary", "</summary>", ending=_end_summary)
        page.push(opened, written("summary", tag.attributes))


def _end_summary(page: Elements, opened: Open) -> None:
    if not opened.is_named:
        page.out.append("Details")
        opened.is_named = True


def preformatted(page: Elements, tag: Tag) -> None:
    """Lines that may be longer than the page is wide, to be scrolled by keyboard too."""
    label = {**_SCROLLED, "aria-label": "Preformatted text"}
    more = {} if page.is_open("a", "summary") else label
    page.push(Open("pre", "</pre>"), written("pre", {**tag.attributes, **more}))


def table(page: Elements, tag: Tag) -> None:
    """A table, in something that scrolls; not one in another."""
    start, end = written("table", tag.attributes), "</table>"
    if not page.is_open("table", "a", "summary"):
        around = {"class": "wide", **_SCROLLED, "aria-label": "Table"}
        start, end = f"{written('div', around)}{start}", f"{end}</div>"
    page.push(Open("table", end), start)


def in_table(page: Elements, tag: Tag) -> None:
    """A part of a table; nothing outside of one."""
    if page.is_open("table"):
        keep(page, tag)
    else:
        page.see_through(tag.name)
