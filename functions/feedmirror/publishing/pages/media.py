"""What becomes of pictures, sounds and films on a page, and of other elements without an end."""

from __future__ import annotations

from feedmirror.publishing.pages import pictures
from feedmirror.publishing.pages.phrases import file_name
from feedmirror.publishing.pages.stack import Elements, Open
from feedmirror.publishing.pages.tokens import Tag, plain, quoted, written
from feedmirror.text.html_images import is_inline


def mark(page: Elements, tag: Tag) -> None:
    """An element without an end, as it is."""
    page.out.append(written(tag.name, tag.attributes))


def column(page: Elements, tag: Tag) -> None:
    """A column of a table."""
    if page.is_open("table"):
        mark(page, tag)


def picture(page: Elements, tag: Tag) -> None:
    """A picture, or a link to it; its words where it has no address."""
    held = tag.attributes
    url, words = pictures.address_of(held), plain(held.get("alt"))
    if not url:
        page.out.append(quoted(words))
    elif pictures.is_counter(held):
        return
    elif page.with_pictures or is_inline(url):
        page.out.append(pictures.shown(held))
        page.top.has_picture = True
    else:
        _link_to(page, url, pictures.caption(held))
        words = url
    page.top.is_named |= bool(words)


def _link_to(page: Elements, url: str, caption: str) -> None:
    """A link in place of a picture; in a link or a summary its words, and the link behind it."""
    around = next((name for name in ("a", "summary") if page.is_open(name)), None)
    if around is None:
        page.out.append(pictures.linked(url, caption))
        return
    page.out.append(quoted(caption))
    outer = page.innermost(around)
    if outer.leads_to != url:
        following = pictures.linked(url, caption)
        outer.after.append(f" {following}" if around == "a" else f"<p>{following}</p>")


def choice(page: Elements, _: Tag) -> None:
    """A picture in several sizes; where none is shown, a link to one of them does."""
    if page.with_pictures:
        page.push(Open("picture", "</picture>"), "<picture>")
    else:
        page.see_through("picture")


def source(page: Elements, tag: Tag) -> None:
    """One of several files of a picture, a sound or a film."""
    in_media = page.is_open("audio", "video")
    if in_media or (page.with_pictures and page.is_open("picture")):
        mark(page, tag)


def track(page: Elements, tag: Tag) -> None:
    """The words of a film."""
    if page.is_open("audio", "video"):
        mark(page, tag)


def playable(page: Elements, tag: Tag) -> None:
    """A sound or a film; where no picture is shown, its poster is a link behind it."""
    held = pictures.playable(tag.attributes, with_poster=page.with_pictures)
    opened = page.push(Open(tag.name, f"</{tag.name}>"), written(tag.name, held))
    opened.has_picture = True
    poster = plain(tag.attributes.get("poster"))
    if poster and not page.with_pictures and not page.is_open("a", "summary"):
        opened.after.append(pictures.linked(poster, file_name(poster)))


def spot(page: Elements, tag: Tag) -> None:
    """A place of an image map that leads somewhere; without the image, a link."""
    url = plain(tag.attributes.get("href"))
    if not url:
        return
    held = pictures.spot(tag.attributes)
    if page.with_pictures:
        page.out.append(written("area", held))
    elif not page.is_open("a", "summary"):
        page.out.append(f"{pictures.linked(url, plain(held['alt']))} ")
