"""Pictures that a script would load, and frames, as what a reader without scripts can show.

A page that loads its pictures lazily has something else in `src`, and the address in an attribute
of the script's; often the picture once more in `noscript`. Here it gets its address, and of the two
one is left. Elements of AMP become those that they stand for, or links.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape

from feedmirror.text.html_rewriting import link
from feedmirror.text.html_tokens import Tag, tokens
from feedmirror.text.urls import absolute

# As a script or a plug-in of a publishing system calls them; the first that leads somewhere counts.
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
# Elements of AMP for films and posts elsewhere: the attribute, and what its value is a part of.
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
_TO_BE_READ = re.compile(
    "|".join(
        (
            *_LAZY,
            *_LAZY_SETS,
            "data:image",
            r"<img(?![^<>]*\ssrc\s*=\s*[^\s>])",
            r"<img[^<>]*\ssrc\s*=\s*(?:\"\"|'')",
            "<(?:picture|noscript|amp-|lite-)",
        )
    ),
    re.IGNORECASE,
)
_OF_PICTURE = re.compile(r"[^?#]+\.(?:avif|gif|jpe?g|png|webp)(?:[?#].*)?", re.IGNORECASE)
_NOT_EMPTY = frozenset({"src", "srcset", "poster"})
_CANDIDATE = re.compile(r"[\s,]*+(\S++)")
_DESCRIPTORS = re.compile(r"[^,]*")
_SIZE = re.compile(r"\d+(?:\.\d+)?[wxh]")
_INLINE = re.compile(
    r"data:image/(?:avif|bmp|gif|jpe?g|png|webp|x-icon);base64,[A-Za-z0-9+/]+=*", re.IGNORECASE
)
_LONGEST_INLINE = 32_768  # characters: it is in every copy of the entry

Attributes = dict[str, str]


def are_to_be_read(body: str) -> bool:
    """Whether there may be anything in a body to be made ordinary, other than odd elements."""
    return _TO_BE_READ.search(body) is not None


def is_inline(url: str) -> bool:
    """Whether `url` is a small picture itself, of a type that cannot run."""
    return len(url) <= _LONGEST_INLINE and _INLINE.fullmatch(url) is not None


def candidates(srcset: str) -> Iterator[tuple[str, str]]:
    """The addresses in a `srcset`, each with its width or density. Source: HTML §4.8.4.2.2."""
    position = 0
    while found := _CANDIDATE.match(srcset, position):
        position = found.end()
        url, size = found[1].rstrip(","), ""
        if url == found[1]:  # a comma right behind an address ends the candidate
            rest = _DESCRIPTORS.match(srcset, position)
            words = rest[0].split() if rest else []
            size = words[0] if words and _SIZE.fullmatch(words[0]) else ""
            position = rest.end() if rest else position
        yield url, size


def ordinary(body: str, base: str | None) -> str:
    """Return `body`, as an origin writes it, with ordinary pictures in place of what a script makes
    some; its addresses as they are, `base` what they are relative to.
    """
    return _Rewriter(base).rewritten(body)


@dataclass(slots=True)
class _Picture:
    """A picture in what is written."""

    pieces: list[int]  # where it is: its tag, and those of a `picture` around it
    url: str
    is_lazy: bool  # another one may stand in for it
    is_in_noscript: bool
    is_gone: bool = False


@dataclass(slots=True)
class _Rewriter:
    """One pass over the tags."""

    base: str | None
    out: list[str] = field(default_factory=list)
    run: list[_Picture] = field(default_factory=list)  # pictures with no words between them
    noscripts: int = 0  # how many are open
    choice: list[int] | None = None  # the pieces of the `picture` that is open
    offered: str = ""  # the best address that its sources offer

    def rewritten(self, body: str) -> str:
        for token in tokens(body):
            if isinstance(token, str):
                if token.strip():
                    self._end_run()
                self.out.append(token)
            elif token.name not in _ELEMENTS or token.is_drawn:
                self._other(token)
            elif token.is_end:
                self._end(token.name)
            else:
                self._start(token.name, token.attributes())
        self._end_run()
        return "".join(self.out)

    def _other(self, tag: Tag) -> None:
        self.out.append(tag.source)
        if tag.name == "script" and tag.content:
            self.out.append(f"{tag.content}</script>")

    def _start(self, name: str, held: Attributes) -> None:
        if name == "noscript":
            self.noscripts += 1
        elif name in _FRAMES:
            src = self._lazy(held) or held.get("src", "")
            self.out.append(_written("iframe", {**held, "src": src}))
        elif name in _EMBEDS:
            attribute, template = _EMBEDS[name]
            url = absolute(template.format(held.get(attribute, "")), None)
            self.out.append(link(url) if url and held.get(attribute) else "")
        elif name == "picture":
            self.choice, self.offered = [len(self.out)], ""
            self.out.append("<picture>")
        elif name == "source":
            self._source(held)
        elif _OF_AMP.get(name, name) == "img":
            if not (name != "img" and held.keys() & {"placeholder", "fallback"}):
                self._picture(held)
        else:
            self._film(_OF_AMP.get(name, name), held)

    def _end(self, name: str) -> None:
        if name == "noscript":
            self.noscripts = max(0, self.noscripts - 1)
        elif name == "picture":
            if self.choice is not None:
                self.choice.append(len(self.out))
            self.choice, self.offered = None, ""
            self.out.append("</picture>")
        elif name in _FRAMES:
            self.out.append("</iframe>")
        elif _OF_AMP.get(name, name) in {"audio", "video"}:
            self.out.append(f"</{_OF_AMP.get(name, name)}>")

    def _lazy(self, held: Attributes) -> str | None:
        """The address that a script would load."""
        found = (held[name] for name in _LAZY if name in held)
        return next((url for url in found if absolute(url, self.base)), None)

    def _guessed(self, held: Attributes) -> str | None:
        """The address of a picture in an attribute of a script that is not known."""
        found = (url for name, url in held.items() if name.startswith("data-"))
        return next((u for u in found if _OF_PICTURE.fullmatch(u) and absolute(u, self.base)), None)

    def _best(self, srcset: str) -> str:
        """The address of the largest candidate; empty if none leads anywhere."""
        found = [
            (float(size.rstrip("wxh") or 1), url)
            for url, size in candidates(srcset)
            if absolute(url, self.base)
        ]
        return max(found, key=lambda one: one[0])[1] if found else ""

    def _source(self, held: Attributes) -> None:
        srcset = next((held[name] for name in _LAZY_SETS if held.get(name)), held.get("srcset", ""))
        src = self._lazy(held) or held.get("src", "")
        if self.choice is not None:
            self.choice.append(len(self.out))
            self.offered = self.offered or self._best(srcset or src)
            srcset, src = srcset or src, ""  # in a `picture`, there is no other
        self.out.append(_written("source", {**held, "src": src, "srcset": srcset}))

    def _picture(self, held: Attributes) -> None:
        lazy = self._lazy(held)
        lazy_set = next((held[name] for name in _LAZY_SETS if held.get(name)), "")
        src, srcset = held.get("src", ""), lazy_set or ("" if lazy else held.get("srcset", ""))
        stands_in = not src or src.lower().startswith("data:")
        if lazy:
            src = lazy
        elif stands_in or lazy_set:
            src = self._best(srcset) or self.offered or self._guessed(held) or src
        is_lazy = bool(lazy or lazy_set or stands_in)
        if is_lazy and all(held.get(side) in {"0", "1"} for side in ("width", "height")):
            held = {key: held[key] for key in held if key not in {"width", "height"}}
        pieces = [] if self.choice is None else self.choice
        pieces.append(len(self.out))
        self.out.append(_written("img", {**held, "src": src, "srcset": srcset}))
        if not all(held.get(side) in {"0", "1"} for side in ("width", "height")):  # a counter
            url = absolute(src, self.base) or src
            self.run.append(_Picture(pieces, url, is_lazy, self.noscripts > 0))

    def _film(self, name: str, held: Attributes) -> None:
        src = self._lazy(held) or held.get("src", "")
        poster = held.get("poster") or held.get("data-poster", "")
        self.out.append(_written(name, {**held, "src": src, "poster": poster}))

    def _end_run(self) -> None:
        """Of each picture in a `noscript` and the one that a script would show, leave one."""
        run, self.run = self.run, []
        if not any(one.is_in_noscript for one in run):
            return
        by_url: dict[str, list[_Picture]] = {}
        for one in reversed(run):
            if not one.is_in_noscript:
                by_url.setdefault(one.url, []).append(one)
        for index, one in enumerate(run):
            if one.is_in_noscript:
                same = by_url.get(one.url, [])
                while same and same[-1].is_gone:
                    same.pop()
                beside = (*run[max(0, index - 1) : index], *run[index + 1 : index + 2])
                twin = same[-1] if same else next(filter(_may_give_way, beside), None)
                if twin:
                    twin.is_gone = True
                    for piece in twin.pieces:
                        self.out[piece] = ""


def _may_give_way(picture: _Picture) -> bool:
    return picture.is_lazy and not picture.is_in_noscript and not picture.is_gone


def _written(name: str, held: Mapping[str, str]) -> str:
    named = {key: value for key, value in held.items() if value or key not in _NOT_EMPTY}
    told = "".join(f' {key}="{escape(value)}"' for key, value in named.items())
    return f"<{name}{told}>"
