"""Rules for pictures, sounds, films and other elements without an end tag in a body."""

from __future__ import annotations

from feedmirror.publishing.pages import pictures
from feedmirror.publishing.pages.markup import escaped, render_start_tag
from feedmirror.publishing.pages.phrases import file_name, host
from feedmirror.publishing.pages.pictures import OUTWARD, PictureAttributes
from feedmirror.publishing.pages.writer import BodyWriter, OpenElement
from feedmirror.text.html_images import is_inline


def keep_media(page: BodyWriter, name: str, attributes: PictureAttributes) -> None:
    """Keep an element without an end tag as it is."""
    page.out.append(render_start_tag(name, attributes))


def picture(page: BodyWriter, _: str, attributes: PictureAttributes) -> None:
    """Write a picture, or a link to it; of a picture without an address, its alternative text."""
    url, words = pictures.url_of(attributes), attributes.get("alt", "").strip()
    if not url:
        page.out.append(escaped(words))
    elif pictures.is_counter(attributes):
        return
    elif page.with_pictures or is_inline(url):
        page.out.append(pictures.shown_picture(attributes))
        page.top.has_media = True
    else:
        _link_to(page, url, pictures.caption(attributes))
        words = url
    page.top.has_words |= bool(words)


def _link_to(page: BodyWriter, url: str, caption: str) -> None:
    """Write a link in place of a picture; within a link the caption, and a link after the outer
    link unless that leads to the picture.
    """
    outer = page.innermost("a")
    if outer is None:
        page.out.append(pictures.linked(url, caption))
        return
    page.out.append(escaped(caption))
    if outer.url != url:
        outer.after.append(f" {pictures.linked(url, caption)}")


def picture_sources(page: BodyWriter, name: str, _: PictureAttributes) -> None:
    """Write a `picture`; where pictures are links, its content only."""
    if page.with_pictures:
        page.push(OpenElement(name, "</picture>"), "<picture>")
    else:
        page.push_unwritten(name)


def source(page: BodyWriter, name: str, attributes: PictureAttributes) -> None:
    """Keep a file of a sound or a film, and of a picture where pictures are shown."""
    in_media = page.is_open("audio", "video")
    if in_media or (page.with_pictures and page.is_open("picture")):
        keep_media(page, name, attributes)


def track(page: BodyWriter, name: str, attributes: PictureAttributes) -> None:
    """Keep the subtitles of a film."""
    if page.is_open("audio", "video"):
        keep_media(page, name, attributes)


def playable_media(page: BodyWriter, name: str, attributes: PictureAttributes) -> None:
    """Write a sound or a film; where pictures are links, a link to the poster follows."""
    kept = pictures.playable(attributes, with_poster=page.with_pictures)
    element = OpenElement(name, f"</{name}>", has_media=True)
    page.push(element, render_start_tag(name, kept))
    poster = attributes.get("poster", "").strip()
    if poster and not page.with_pictures and not page.is_open("a"):
        element.after.append(pictures.linked(poster, file_name(poster)))


def area(page: BodyWriter, name: str, attributes: PictureAttributes) -> None:
    """Write an area of an image map, with the label that it needs; where pictures are links, a
    link. An area that leads nowhere is dropped.
    """
    url = attributes.get("href", "").strip()
    if not url:
        return
    label = attributes.get("alt", "").strip() or host(url)
    if page.with_pictures:
        keep_media(page, name, {**attributes, "alt": label, **OUTWARD})
    elif not page.is_open("a"):
        page.out.append(f"{pictures.linked(url, label)} ")
