"""Rules for elements of a body: one function for each kind that a page does not keep as it is."""

from __future__ import annotations

from collections.abc import Mapping

from feedmirror.publishing.pages.phrases import file_name, host
from feedmirror.publishing.pages.writer import BodyWriter, OpenElement, escaped, render_start_tag
from feedmirror.text.html_images import is_inline
from feedmirror.text.html_tokens import PREFIX

Attributes = Mapping[str, str]  # values are plain text
_OUTWARD = {"rel": "noopener noreferrer"}
_LAZY = {"loading": "lazy", "decoding": "async", "referrerpolicy": "no-referrer"}
_PICTURES = (".avif", ".gif", ".jpeg", ".jpg", ".png", ".svg", ".webp")
_SCROLLED = {"role": "group", "tabindex": "0"}
_LOWEST_LEVEL = 6


def keep(page: BodyWriter, name: str, attributes: Attributes) -> None:
    """Keep the element as it is."""
    page.push(OpenElement(name, f"</{name}>"), render_start_tag(name, attributes))


def division(page: BodyWriter, name: str, attributes: Attributes) -> None:
    """Write a `div`; in a list of definitions, where it may group them, write its content only."""
    if page.top.holds == "definitions":
        page.push_unwritten(name)
    else:
        page.push(OpenElement(name, "</div>"), render_start_tag("div", attributes))


def heading(page: BodyWriter, name: str, attributes: Attributes) -> None:
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


def link(page: BodyWriter, _: str, attributes: Attributes) -> None:
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
    kept |= {"href": local} if local else _OUTWARD
    element = OpenElement("a", "</a>", attributes=kept, url=url, on_end=_end_link)
    page.push(element, render_start_tag("a", kept))


def _end_link(page: BodyWriter, element: OpenElement) -> None:
    """Label a link without words, for screen readers; drop the tags of an empty link."""
    if element.has_words:
        return
    if element.has_media:
        page.out[element.start] = render_start_tag("a", _labelled(element.attributes))
    else:
        page.out[element.start] = element.closing = ""


# ---------------------------------------------------------------- lists


def items(page: BodyWriter, name: str, attributes: Attributes) -> None:
    """Write a list, which holds items only."""
    page.push(OpenElement(name, f"</{name}>", holds="items"), render_start_tag(name, attributes))


def item(page: BodyWriter, _: str, attributes: Attributes) -> None:
    """Write an item of a list; outside of lists a `div`."""
    name = "li" if page.top.holds == "items" else "div"
    kept = {key: value for key, value in attributes.items() if name == "li" or key != "value"}
    page.push(OpenElement("li", f"</{name}>"), render_start_tag(name, kept))


def definitions(page: BodyWriter, name: str, attributes: Attributes) -> None:
    """Write a list of definitions, which holds terms and definitions only."""
    page.push(OpenElement(name, "</dl>", holds="definitions"), render_start_tag(name, attributes))


def definition(page: BodyWriter, name: str, attributes: Attributes) -> None:
    """Write a term or a definition; outside of their lists a `div`."""
    (keep if page.top.holds == "definitions" else division)(page, name, attributes)


# ---------------------------------------------------------------- what opens, and what is wide


def summary(page: BodyWriter, name: str, attributes: Attributes) -> None:
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


def preformatted(page: BodyWriter, name: str, attributes: Attributes) -> None:
    """Write preformatted text, which can be scrolled by keyboard: its lines may be long."""
    label = {} if page.is_open("a", "summary") else {**_SCROLLED, "aria-label": "Preformatted text"}
    page.push(OpenElement(name, "</pre>"), render_start_tag("pre", {**attributes, **label}))


def table(page: BodyWriter, name: str, attributes: Attributes) -> None:
    """Write a table in a box that can be scrolled by keyboard; a table in a table without a box."""
    start, end = render_start_tag("table", attributes), "</table>"
    if not page.is_open("table", "a", "summary"):
        box = {"class": "wide", **_SCROLLED, "aria-label": "Table"}
        start, end = f"{render_start_tag('div', box)}{start}", f"{end}</div>"
    page.push(OpenElement(name, end), start)


# ---------------------------------------------------------------- pictures, sounds and films


def keep_media(page: BodyWriter, name: str, attributes: Attributes) -> None:
    """Keep an element without an end tag as it is."""
    page.out.append(render_start_tag(name, attributes))


def picture(page: BodyWriter, _: str, attributes: Attributes) -> None:
    """Write a picture, or a link to it; of a picture without an address, its alternative text."""
    url, words = _url_of(attributes), attributes.get("alt", "").strip()
    if not url:
        page.out.append(escaped(words))
    elif _is_counter(attributes):
        return
    elif page.with_pictures or is_inline(url):
        page.out.append(shown_picture(attributes))
        page.top.has_media = True
    else:
        _link_to(page, url, _caption(attributes))
        words = url
    page.top.has_words |= bool(words)


def _link_to(page: BodyWriter, url: str, words: str) -> None:
    """Write a link in place of a picture; within a link the caption, and a link after the outer
    link unless that leads to the picture.
    """
    outer = page.innermost("a")
    if outer is None:
        page.out.append(linked(url, words))
        return
    page.out.append(escaped(words))
    if outer.url != url:
        outer.after.append(f" {linked(url, words)}")


def picture_sources(page: BodyWriter, name: str, _: Attributes) -> None:
    """Write a `picture`; where pictures are links, its content only."""
    if page.with_pictures:
        page.push(OpenElement(name, "</picture>"), "<picture>")
    else:
        page.push_unwritten(name)


def source(page: BodyWriter, name: str, attributes: Attributes) -> None:
    """Keep a file of a sound or a film, and of a picture where pictures are shown."""
    in_media = page.is_open("audio", "video")
    if in_media or (page.with_pictures and page.is_open("picture")):
        keep_media(page, name, attributes)


def track(page: BodyWriter, name: str, attributes: Attributes) -> None:
    """Keep the subtitles of a film."""
    if page.is_open("audio", "video"):
        keep_media(page, name, attributes)


def playable_media(page: BodyWriter, name: str, attributes: Attributes) -> None:
    """Write a sound or a film; where pictures are links, a link to the poster follows."""
    kept = _playable(attributes, with_poster=page.with_pictures)
    element = OpenElement(name, f"</{name}>", has_media=True)
    page.push(element, render_start_tag(name, kept))
    poster = attributes.get("poster", "").strip()
    if poster and not page.with_pictures and not page.is_open("a"):
        element.after.append(linked(poster, file_name(poster)))


def area(page: BodyWriter, name: str, attributes: Attributes) -> None:
    """Write an area of an image map, with the label that it needs; where pictures are links, a
    link. An area that leads nowhere is dropped.
    """
    url = attributes.get("href", "").strip()
    if not url:
        return
    label = attributes.get("alt", "").strip() or host(url)
    if page.with_pictures:
        keep_media(page, name, {**attributes, "alt": label, **_OUTWARD})
    elif not page.is_open("a"):
        page.out.append(f"{linked(url, label)} ")


def _url_of(picture: Attributes) -> str:
    """Return the address of a picture, of the first candidate of a `srcset`; "" without one."""
    candidate = picture.get("srcset", "").strip().partition(" ")[0].rstrip(",")
    return picture.get("src", "").strip() or candidate


def _is_counter(picture: Attributes) -> bool:
    """True for a picture of one pixel, which counts readers and shows nothing."""
    return all(picture.get(side) in {"0", "1"} for side in ("width", "height"))


def shown_picture(picture: Attributes) -> str:
    """Return the picture as HTML, loaded when it comes into view."""
    alt = picture.get("alt", "").strip()  # a blank would be read out
    return render_start_tag("img", {**picture, "alt": alt, **_LAZY})


def _caption(picture: Attributes) -> str:
    """Return the alternative text of a picture, or else the name of its file."""
    return " ".join(picture.get("alt", "").split()) or file_name(_url_of(picture))


def linked(url: str, text: str) -> str:
    """Return a link to a picture, in place of the picture."""
    return (
        f"{render_start_tag('a', {'class': 'picture', 'href': url, **_OUTWARD})}{escaped(text)}</a>"
    )


def _labelled(link: Attributes) -> dict[str, str]:
    """Return the attributes of a link without words, with a label that says where it leads."""
    url = link.get("href", "").strip()
    is_picture = url.lower().partition("?")[0].endswith(_PICTURES)
    return {**link, "aria-label": f"Picture: {file_name(url)}" if is_picture else f"To {host(url)}"}


def _playable(media: Attributes, *, with_poster: bool) -> dict[str, str]:
    """Return the attributes of a sound or a film that loads only when it is played."""
    kept = {name: value for name, value in media.items() if with_poster or name != "poster"}
    return {**kept, "controls": "", "preload": "none"}
