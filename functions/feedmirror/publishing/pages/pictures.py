"""How a body's pictures and sounds stand on a page: lazily, without a referrer, or as links."""

from __future__ import annotations

from collections.abc import Mapping

from feedmirror.publishing.pages.phrases import file_name, host
from feedmirror.publishing.pages.tokens import plain, quoted, written

Attributes = Mapping[str, str]

OUTWARD = {"rel": "noopener noreferrer"}
_LAZILY = {"loading": "lazy", "decoding": "async", "referrerpolicy": "no-referrer"}
_PICTURES = (".avif", ".gif", ".jpeg", ".jpg", ".png", ".svg", ".webp")


def address_of(picture: Attributes) -> str:
    """Where the picture is; the first of several; empty if it is nowhere."""
    return plain(picture.get("src")) or plain(picture.get("srcset")).partition(" ")[0].rstrip(",")


def is_counter(picture: Attributes) -> bool:
    """Whether it is there to count readers: a picture of one pixel shows nothing."""
    return all(picture.get(side) in {"0", "1"} for side in ("width", "height"))


def shown(picture: Attributes) -> str:
    """The picture, loaded when it comes into view."""
    words = quoted(plain(picture.get("alt")))  # a blank would be read out
    return written("img", {**picture, "alt": words, **_LAZILY})


def caption(picture: Attributes) -> str:
    """What to call it in words: what its author says it shows, or its file's name."""
    return " ".join(plain(picture.get("alt")).split()) or file_name(address_of(picture))


def linked(url: str, words: str) -> str:
    """A link to a picture instead of it."""
    start = written("a", {"class": "picture", "href": quoted(url), **OUTWARD})
    return f"{start}{quoted(words)}</a>"


def named(link: Attributes) -> dict[str, str]:
    """A link that holds nothing but pictures, with a name: where it leads to."""
    url = plain(link.get("href"))
    is_picture = url.lower().partition("?")[0].endswith(_PICTURES)
    name = f"Picture: {file_name(url)}" if is_picture else f"To {host(url)}"
    return {**link, "aria-label": quoted(name)}


def playable(media: Attributes, *, with_poster: bool) -> dict[str, str]:
    """A sound or a film that waits until it is asked for."""
    kept = {name: value for name, value in media.items() if with_poster or name != "poster"}
    return {**kept, "controls": "", "preload": "none"}


def spot(area: Attributes) -> dict[str, str]:
    """A place of an image map, with the name that it needs."""
    name = plain(area.get("alt")) or host(plain(area.get("href")))
    return {**area, "alt": quoted(name), **OUTWARD}
