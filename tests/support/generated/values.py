"""What a generated document is made of, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

KINDS = ("RSS 2.0", "Atom 1.0", "RSS 1.0", "RSS 0.92", "RSS 0.91", "Atom 0.3")
SITE_URL = "https://gazette.example.org/"
FEED_URL = "https://feeds.example.org/harbour/feed.xml"


@dataclass(frozen=True, slots=True)
class Expected:
    """What one entry of a generated document says."""

    guid: str | None  # raw, but for white space around it; rdf:about in RSS 1.0
    link: str | None  # absolute
    title: str | None  # plain text
    published: datetime | None  # dc:date in RSS 1.0, which some readers take for `updated`
    body_words: tuple[str, ...] = ()  # a reader sees each of them in the summary or the content
    foreign_words: tuple[str, ...] = ()  # each stands somewhere in an extension element


@dataclass(frozen=True, slots=True)
class Name:
    """What an item is recognised by, as it is written."""

    number: int  # new items of a history have larger ones
    guid: str | None
    permalink: bool | None  # None: no attribute says so; RSS 2.0 only
    link: str | None  # maybe relative
    base: str | None  # the item's own xml:base, maybe relative


@dataclass(frozen=True, slots=True)
class Item:
    """An item as it stands in a document, with the noise before it."""

    name: Name
    xml: str
    expected: Expected


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds the items; from version to version nothing of it changes but the date."""

    kind: str
    encoding: str  # as the declaration names it, in lower case
    codec: str  # Python's name of it, byte order included
    head: str  # up to the first item; `@built@` is the date, `@items@` the list of RSS 1.0
    tail: str
    prefix: str  # of the kind's own elements: "" or "a:"
    base: str  # what addresses in the items are relative to
    prefixes: Mapping[str, str]  # declared around the items, by URI
    confusable: bool  # whether extension elements may be named like the item's own


@dataclass(frozen=True, slots=True)
class Generated:
    """A document, and what it means."""

    document: bytes
    content_type: str | None  # as its server says
    entries: tuple[Expected, ...]  # in document order, repeated ones too
    kind: str
    url: str  # where it is served
    frame: Frame = field(repr=False)
    items: tuple[Item, ...] = field(repr=False)
    version: int = 0  # how many times it was edited
