"""Rules for elements of a body: one function for each kind that a page does not keep as it is."""

from __future__ import annotations

from feedmirror.publishing.pages.markup import render_start_tag
from feedmirror.publishing.pages.pictures import OUTWARD, PictureAttributes, labelled
from feedmirror.publishing.pages.writer import BodyWriter, OpenElement
from feedmirror.text.anchors import PREFIX

_SCROLLED = {"role": "group", "tabindex": "0"}
_LOWEST_LEVEL = 6


def keep(page: BodyWriter, name: str, attributes: PictureAttributes) -> None:
    """Keep the element as it is."""
    page.push(OpenElement(name, f"</{name}>"), render_start_tag(name, attributes))


def division(page: BodyWriter, name: str, attributes: PictureAttributes) -> None:
    """Write a `div`; in a list of definitions, where it may group them, write its content only."""
    if page.top.holds == "definitions":
        page.push_unwritten(name)
    else:
        page.push(OpenElement(name, "</div>"), render_start_tag("div", attributes))


def heading(page: BodyWriter, name: str, attributes: PictureAttributes) -> None:
    """Write a heading below the page's `h1`, one level below the heading that it belongs to. Of an
    empty heading only the content is written.
    """
    level, before = int(name[1]), list(page.levels)
    while page.levels and page.levels[-1] >= level:
        page.levels.pop()
    page.levels.append(level)
    written = f"h{min(1 + len(page.levels), _LOWEST_LEVEL)}"

    def drop_if_empty(page: BodyWriter, element: OpenElement) -> None:
        if not element.has_words:
            page.out[element.start] = element.closing = ""
            page.levels = before

    element = OpenElement(name, f"</{written}>", on_end=drop_if_empty)
    page.push(element, render_start_tag(written, attributes))


# ---------------------------------------------------------------- links


def link(page: BodyWriter, _: str, attributes: PictureAttributes) -> None:
    """Write a link; of a link within a link, only the content and the place that it marks."""
    kept = dict(attributes)
    url, place = kept.get("href", ""), kept.pop("name", "")
    if place.startswith(PREFIX):
        kept.setdefault("id", place)
    if not url or page.is_open("a"):
        if "id" in kept:
            page.out.append(f"{render_start_tag('span', {'id': kept['id']})}</span>")
        page.push_unwritten("a")
        return
    local = page.anchors.local_link(url)
    kept |= {"href": local} if local else OUTWARD
    element = OpenElement("a", "</a>", attributes=kept, url=url, on_end=_end_link)
    page.push(element, render_start_tag("a", kept))


def _end_link(page: BodyWriter, element: OpenElement) -> None:
    """Label a link without words, for screen readers; drop the tags of an empty link."""
    if element.has_words:
        return
    if element.has_media:
        page.out[element.start] = render_start_tag("a", labelled(element.attributes))
    else:
        page.out[element.start] = element.closing = ""


# ---------------------------------------------------------------- lists


def items(page: BodyWriter, name: str, attributes: PictureAttributes) -> None:
    """Write a list, which holds items only."""
    page.push(OpenElement(name, f"</{name}>", holds="items"), render_start_tag(name, attributes))


def item(page: BodyWriter, _: str, attributes: PictureAttributes) -> None:
    """Write an item of a list; outside of lists a `div`."""
    name = "li" if page.top.holds == "items" else "div"
    kept = {key: value for key, value in attributes.items() if name == "li" or key != "value"}
    page.push(OpenElement("li", f"</{name}>"), render_start_tag(name, kept))


def definitions(page: BodyWriter, name: str, attributes: PictureAttributes) -> None:
    """Write a list of definitions, which holds terms and definitions only."""
    page.push(OpenElement(name, "</dl>", holds="definitions"), render_start_tag(name, attributes))


def definition(page: BodyWriter, name: str, attributes: PictureAttributes) -> None:
    """Write a term or a definition; outside of their lists a `div`."""
    (keep if page.top.holds == "definitions" else division)(page, name, attributes)


# ---------------------------------------------------------------- what opens, and what is wide


def summary(page: BodyWriter, name: str, attributes: PictureAttributes) -> None:
    """Write the summary of `details`, with a word if it has none; elsewhere a `div`."""
    if page.top.name == "details" and not page.is_open("a"):
        element = OpenElement("summary", "</summary>", on_end=_end_summary)
        page.push(element, render_start_tag("summary", attributes))
    else:
        division(page, name, attributes)


def _end_summary(page: BodyWriter, element: OpenElement) -> None:
    if not element.has_words:
        page.out.append("Details")
        element.has_words = True


def preformatted(page: BodyWriter, name: str, attributes: PictureAttributes) -> None:
    """Write preformatted text, which can be scrolled by keyboard: its lines may be long."""
    label = {} if page.is_open("a", "summary") else {**_SCROLLED, "aria-label": "Preformatted text"}
    page.push(OpenElement(name, "</pre>"), render_start_tag("pre", {**attributes, **label}))


def table(page: BodyWriter, name: str, attributes: PictureAttributes) -> None:
    """Write a table in a box that can be scrolled by keyboard; a table in a table without a box."""
    start, end = render_start_tag("table", attributes), "</table>"
    if not page.is_open("table", "a", "summary"):
        box = {"class": "wide", **_SCROLLED, "aria-label": "Table"}
        start, end = f"{render_start_tag('div', box)}{start}", f"{end}</div>"
    page.push(OpenElement(name, end), start)
