"""Pictures in HTML: replace what only a script can load by what any reader can show.

A page that loads a picture lazily has a placeholder in `src`, the address in an attribute for the
script, and often a copy of the picture in `noscript`. Here the picture gets its address, and one of
the two copies is removed. Elements of AMP become the elements that they replace, or links.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape

from msgspec import Struct, field

from feedmirror.text.html_rewriting import link_paragraph
from feedmirror.text.html_tokens import Tag, tokens
from feedmirror.text.urls import absolute

# Attributes of scripts and of plug-ins of publishing systems; the first valid address counts.
_LAZY = (
    "data-src data-lazy-src data-original data-lazy data-orig-src data-actualsrc data-cfsrc "
    "data-echo data-ll-src data-litespeed-src data-pagespeed-lazy-src data-full-src "
    "data-hi-res-src data-wpfc-original-src nitro-lazy-src data-lazyload data-flickity-lazyload "
    "data-url"
).split()
_LAZY_SETS = (
    "data-srcset data-lazy-srcset data-original-set data-cfsrcset nitro-lazy-srcset".split()
)
_OF_AMP = {"amp-anim": "img", "amp-audio": "audio", "amp-img": "img", "amp-video": "video"}
_FRAMES = frozenset({"iframe", "amp-iframe"})
# Elements of AMP for embedded films and posts: the attribute, and the address that it completes.
_EMBEDS = {
    "amp-dailymotion": ("data-videoid", "https://www.dailymotion.com/video/{}"),
    "amp-facebook": ("data-href", "{}"),
    "amp-instagram": ("data-shortcode", "https://www.instagram.com/p/{}/"),
    "amp-soundcloud": ("data-trackid", "https://api.soundcloud.com/tracks/{}"),
    "amp-twitter": ("data-tweetid", "https://twitter.com/i/status/{}"),
    "amp-vimeo": ("data-videoid", "https://vimeo.com/{}"),
    "amp-youtube": ("data-videoid", "https://www.youtube.com/watch?v={}"),
    "lite-vimeo": ("videoid", "https://vimeo.com/{}"),
    "lite-youtube": ("videoid", "https://www.youtube.com/watch?v={}"),
}
_ELEMENTS = frozenset(
    {"img", "source", "picture", "video", "audio", "noscript", *_FRAMES, *_EMBEDS, *_OF_AMP}
)
# Of bodies that need rewriting, in lower case. A search for each is faster than one for a pattern.
_SIGNS = (*_LAZY, *_LAZY_SETS, "data:image", "<picture", "<noscript", "<amp-", "<lite-")
_WITHOUT_ADDRESS = re.compile(r"<img(?:(?![^<>]*\ssrc\s*=\s*[^\s>])|[^<>]*\ssrc\s*=\s*(?:\"\"|''))")
_OF_PICTURE = re.compile(r"[^?#]+\.(?:avif|gif|jpe?g|png|webp)(?:[?#].*)?", re.IGNORECASE)
_NOT_EMPTY = frozenset({"src", "srcset", "poster"})
_CANDIDATE = re.compile(r"[\s,]*+(\S++)")
_DESCRIPTORS = re.compile(r"[^,]*")
_SIZE = re.compile(r"\d+(?:\.\d+)?[wxh]")
_INLINE = re.compile(
    r"data:image/(?:avif|bmp|gif|jpe?g|png|webp|x-icon);base64,[A-Za-z0-9+/]+=*", re.IGNORECASE
)
_LONGEST_INLINE = 32_768  # characters: the picture is in every copy of the entry

Attributes = dict[str, str]


def needs_rewriting(body: str) -> bool:
    """True if `body` may hold pictures or AMP elements that `rewrite_pictures` would change."""
    lower = body.lower()
    return any(sign in lower for sign in _SIGNS) or _WITHOUT_ADDRESS.search(lower) is not None


def is_inline(url: str) -> bool:
    """True if `url` is a `data:` address of a small picture, of a type that cannot run."""
    return len(url) <= _LONGEST_INLINE and _INLINE.fullmatch(url) is not None


def candidates(srcset: str) -> Iterator[tuple[str, str]]:
    """Yield the addresses in a `srcset`, each with its width or density, "" for none.

    Source: HTML §4.8.4.2.2.
    """
    position = 0
    while address := _CANDIDATE.match(srcset, position):
        position = address.end()
        url, size = address[1].rstrip(","), ""
        if url == address[1]:  # a comma right after an address ends the candidate
            rest = _DESCRIPTORS.match(srcset, position)
            words = rest[0].split() if rest else []
            size = words[0] if words and _SIZE.fullmatch(words[0]) else ""
            position = rest.end() if rest else position
        yield url, size


def rewrite_pictures(body: str, base: str | None) -> str:
    """Return `body`, HTML of an origin, with pictures that need no script.

    `base` is the address that others are relative to. Does not make addresses absolute, and does
    not sanitise.
    """
    return _Rewriter(base).rewritten(body)


class _Picture(Struct):
    """A picture in the output."""

    pieces: list[int]  # indices into the output: its tag, and those of a `picture` around it
    url: str
    is_lazy: bool  # a copy in `noscript` may replace it
    is_in_noscript: bool
    is_removed: bool = False


class _Rewriter(Struct):
    """One pass over the tags of a body, which collects the output."""

    base: str | None
    output: list[str] = field(default_factory=list)
    run: list[_Picture] = field(default_factory=list)  # pictures without text between them
    open_noscripts: int = 0  # `noscript` elements that are open
    picture_pieces: list[int] | None = None  # indices into the output of the open `picture`
    best_source: str = ""  # the largest picture among its sources

    def rewritten(self, body: str) -> str:
        for token in tokens(body):
            if isinstance(token, str):
                if token.strip():
                    self._end_run()
                self.output.append(token)
            elif token.name not in _ELEMENTS or token.in_drawing:
                self._other(token)
            elif token.is_end:
                self._end(token.name)
            else:
                self._start(token.name, token.attributes())
        self._end_run()
        return "".join(self.output)

    def _other(self, tag: Tag) -> None:
        self.output.append(tag.source)
        if tag.name == "script" and tag.content:
            self.output.append(f"{tag.content}</script>")

    def _start(self, name: str, attributes: Attributes) -> None:
        if name == "noscript":
            self.open_noscripts += 1
        elif name in _FRAMES:
            src = self._lazy_address(attributes) or attributes.get("src", "")
            self.output.append(_start_tag("iframe", {**attributes, "src": src}))
        elif name in _EMBEDS:
            attribute, template = _EMBEDS[name]
            url = absolute(template.format(attributes.get(attribute, "")), None)
            self.output.append(link_paragraph(url) if url and attributes.get(attribute) else "")
        elif name == "picture":
            self.picture_pieces, self.best_source = [len(self.output)], ""
            self.output.append("<picture>")
        elif name == "source":
            self._source(attributes)
        elif _OF_AMP.get(name, name) == "img":
            if not (name != "img" and attributes.keys() & {"placeholder", "fallback"}):
                self._picture(attributes)
        else:
            self._player(_OF_AMP.get(name, name), attributes)

    def _end(self, name: str) -> None:
        if name == "noscript":
            self.open_noscripts = max(0, self.open_noscripts - 1)
        elif name == "picture":
            if self.picture_pieces is not None:
                self.picture_pieces.append(len(self.output))
            self.picture_pieces, self.best_source = None, ""
            self.output.append("</picture>")
        elif name in _FRAMES:
            self.output.append("</iframe>")
        elif _OF_AMP.get(name, name) in {"audio", "video"}:
            self.output.append(f"</{_OF_AMP.get(name, name)}>")

    def _lazy_address(self, attributes: Attributes) -> str | None:
        """Return the address that a known script would load."""
        urls = (attributes[name] for name in _LAZY if name in attributes)
        return next((url for url in urls if absolute(url, self.base)), None)

    def _guess_address(self, attributes: Attributes) -> str | None:
        """Return the address of a picture in a data attribute of an unknown script."""
        urls = (url for name, url in attributes.items() if name.startswith("data-"))
        return next((u for u in urls if _OF_PICTURE.fullmatch(u) and absolute(u, self.base)), None)

    def _largest(self, srcset: str) -> str:
        """Return the address of the largest candidate, "" if no candidate is valid."""
        sized = [
            (float(size.rstrip("wxh") or 1), url)
            for url, size in candidates(srcset)
            if absolute(url, self.base)
        ]
        return max(sized, key=lambda candidate: candidate[0])[1] if sized else ""

    def _source(self, attributes: Attributes) -> None:
        srcset = next(
            (attributes[name] for name in _LAZY_SETS if attributes.get(name)),
            attributes.get("srcset", ""),
        )
        src = self._lazy_address(attributes) or attributes.get("src", "")
        if self.picture_pieces is not None:
            self.picture_pieces.append(len(self.output))
            self.best_source = self.best_source or self._largest(srcset or src)
            srcset, src = srcset or src, ""  # a source of a `picture` has no `src`
        self.output.append(_start_tag("source", {**attributes, "src": src, "srcset": srcset}))

    def _picture(self, attributes: Attributes) -> None:
        lazy = self._lazy_address(attributes)
        lazy_set = next((attributes[name] for name in _LAZY_SETS if attributes.get(name)), "")
        src, srcset = (
            attributes.get("src", ""),
            lazy_set or ("" if lazy else attributes.get("srcset", "")),
        )
        stands_in = not src or src.lower().startswith("data:")
        if lazy:
            src = lazy
        elif stands_in or lazy_set:
            src = (
                self._largest(srcset) or self.best_source or self._guess_address(attributes) or src
            )
        is_lazy = bool(lazy or lazy_set or stands_in)
        if is_lazy and all(attributes.get(side) in {"0", "1"} for side in ("width", "height")):
            attributes = {
                key: attributes[key] for key in attributes if key not in {"width", "height"}
            }
        pieces = [] if self.picture_pieces is None else self.picture_pieces
        pieces.append(len(self.output))
        self.output.append(_start_tag("img", {**attributes, "src": src, "srcset": srcset}))
        if not all(
            attributes.get(side) in {"0", "1"} for side in ("width", "height")
        ):  # a tracking pixel
            url = absolute(src, self.base) or src
            self.run.append(_Picture(pieces, url, is_lazy, self.open_noscripts > 0))

    def _player(self, name: str, attributes: Attributes) -> None:
        src = self._lazy_address(attributes) or attributes.get("src", "")
        poster = attributes.get("poster") or attributes.get("data-poster", "")
        self.output.append(_start_tag(name, {**attributes, "src": src, "poster": poster}))

    def _end_run(self) -> None:
        """Remove the copy for scripts of each picture that `noscript` holds too."""
        run, self.run = self.run, []
        if not any(picture.is_in_noscript for picture in run):
            return
        by_url: dict[str, list[_Picture]] = {}
        for picture in reversed(run):
            if not picture.is_in_noscript:
                by_url.setdefault(picture.url, []).append(picture)
        for index, picture in enumerate(run):
            if picture.is_in_noscript:
                same = by_url.get(picture.url, [])
                while same and same[-1].is_removed:
                    same.pop()
                beside = (*run[max(0, index - 1) : index], *run[index + 1 : index + 2])
                twin = same[-1] if same else next(filter(_is_replaceable, beside), None)
                if twin:
                    twin.is_removed = True
                    for piece in twin.pieces:
                        self.output[piece] = ""


def _is_replaceable(picture: _Picture) -> bool:
    return picture.is_lazy and not picture.is_in_noscript and not picture.is_removed


def _start_tag(name: str, attributes: Mapping[str, str]) -> str:
    named = {key: value for key, value in attributes.items() if value or key not in _NOT_EMPTY}
    text = "".join(f' {key}="{escape(value)}"' for key, value in named.items())
    return f"<{name}{text}>"
