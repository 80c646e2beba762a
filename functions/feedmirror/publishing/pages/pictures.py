"""Pictures, sounds and films on pages: loaded late and without a referrer, or linked to."""

from __future__ import annotations

from collections.abc import Mapping

from feedmirror.publishing.pages.markup import escaped, render_start_tag
from feedmirror.publishing.pages.phrases import file_name, host

PictureAttributes = Mapping[str, str]  # values are plain text

OUTWARD = {"rel": "noopener noreferrer"}
_LAZY = {"loading": "lazy", "decoding": "async", "referrerpolicy": "no-referrer"}
_PICTURES = (".avif", ".gif", ".jpeg", ".jpg", ".png", ".svg", ".webp")


def url_of(picture: PictureAttributes) -> str:
    """Return the address of a picture, of the first candidate of a `srcset`; "" without one."""
    candidate = picture.get("srcset", "").strip().partition(" ")[0].rstrip(",")
    return picture.get("src", "").strip() or candidate


def is_counter(picture: PictureAttributes) -> bool:
    """True for a picture of one pixel, which counts readers and shows nothing."""
    return all(picture.get(side) in {"0", "1"} for side in ("width", "height"))


def shown_picture(picture: PictureAttributes) -> str:
    """Return the picture as HTML, loaded when it comes into view."""
    alt = picture.get("alt", "").strip()  # a blank would be read out
    return render_start_tag("img", {**picture, "alt": alt, **_LAZY})


def caption(picture: PictureAttributes) -> str:
    """Return the alternative text of a picture, or else the name of its file."""
    return " ".join(picture.get("alt", "").split()) or file_name(url_of(picture))


def linked(url: str, text: str) -> str:
    """Return a link to a picture, in place of the picture."""
    return (
        f"{render_start_tag('a', {'class': 'picture', 'href': url, **OUTWARD})}{escaped(text)}</a>"
    )


def labelled(link: PictureAttributes) -> dict[str, str]:
    """Return the attributes of a link without words, with a label that says where it leads."""
    url = link.get("href", "").strip()
    is_picture = url.lower().partition("?")[0].endswith(_PICTURES)
    return {**link, "aria-label": f"Picture: {file_name(url)}" if is_picture else f"To {host(url)}"}


def playable(media: PictureAttributes, *, with_poster: bool) -> dict[str, str]:
    """Return the attributes of a sound or a film that loads only when it is played."""
    kept = {name: value for name, value in media.items() if with_poster or name != "poster"}
    return {**kept, "controls": "", "preload": "none"}
