"""The public documents, a file each. Adding an output is adding a file that defines `FORMAT`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from feedmirror.core.disclaimer import Disclaimed
from feedmirror.model import Feed, Subscription

# As a comment in XML, as a member in JSON.
_STAMP = re.compile(rb'feedmirror(?: |":\{")generation(?: |":)([0-9]{1,15})')
_HEAD_BYTES = 200  # within which every format stamps; further down an origin may say the same


@dataclass(frozen=True, slots=True)
class Publication:
    """All that a document is rendered from, and nothing else: no clock, no settings beside it."""

    subscription: Subscription
    feed: Feed
    entries: tuple[Disclaimed, ...]  # newest first
    foreign: tuple[str, ...]  # the feed's own fragments, slots filled
    changed_at: datetime  # when any of it last changed
    address: str  # of the feed's public folder, without a slash at the end


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of document."""

    name: str  # its file name below public/SLUG/
    media_type: str  # the whole Content-Type
    version: int  # raise it with every change of what `render` writes
    render: Callable[[Publication], str]  # without the generation
    stamp: Callable[[str, int], str]  # puts the generation in, so that equal bytes never return
    verify: Callable[[bytes, Publication], None]  # raises RenderError for what must not go out

    @property
    def bare_type(self) -> str:
        """The media type without its parameters, as links name it."""
        return self.media_type.partition(";")[0]


@cache
def formats() -> tuple[Format, ...]:
    """Every format there is, by name."""
    modules = (import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__))
    return tuple(sorted((module.FORMAT for module in modules), key=lambda f: f.name))


def alternates(name: str) -> tuple[Format, ...]:
    """The other formats that a feed can be read in, for a document to link to."""
    return tuple(other for other in formats() if other.name != name)


def stamped(document: bytes) -> int:
    """The generation in a document of any format; 0 if there is none."""
    found = _STAMP.search(document[:_HEAD_BYTES])
    return int(found[1]) if found else 0
