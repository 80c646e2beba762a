"""What a target makes of the bytes it is given: the same each time, so that a finding repeats."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar
from zlib import crc32

from feedmirror.model import Disclaimer as Words
from feedmirror.model import Fetched, Position, Subscription

T = TypeVar("T")

URL = "https://origin.example.org/news/feed.xml"
PUBLIC = "https://mirror.example.net"
ADDRESS = f"{PUBLIC}/news"
NOW = datetime(2027, 1, 1, tzinfo=UTC)
NOTICE = "A copy that its readers keep."
CONTENT_TYPES = (
    None,
    "application/rss+xml",
    "text/xml; charset=iso-8859-1",
    "application/xml; charset=utf-16",
    "text/xml; charset=windows-1251",
    "application/feed+json",
)
SUBSCRIPTION = Subscription("news", URL, disclaimer=Words(text=NOTICE))
AT_THE_BEGINNING = Subscription(
    "news", URL, disclaimer=Words(text=NOTICE, position=Position.BEGINNING)
)


def chance(data: bytes) -> random.Random:
    """Choices that depend on the bytes alone: seeds stay plain documents."""
    return random.Random(crc32(data))


def fetched(data: bytes) -> Fetched:
    """The bytes as an origin's answer, under one of some content types."""
    return Fetched(URL, data, one_of(CONTENT_TYPES, data))


def one_of(choices: Sequence[T], data: bytes) -> T:
    """One of them, which one depends on the bytes."""
    return choices[crc32(data) % len(choices)]


def text(data: bytes) -> str:
    """The bytes as words: what is no UTF-8 is replaced, and line breaks are those of XML."""
    return data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
