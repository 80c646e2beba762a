"""Strategies of Hypothesis for feeds and entries, as any origin could have them."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from feedmirror.model import Author, Category, Context, Enclosure, Entry, Feed, Image, Source

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
MAYBE = st.none() | TEXTS
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ENTRIES = st.builds(
    Entry,
    guid=MAYBE,
    guid_is_permalink=st.booleans(),
    title=MAYBE,
    content=MAYBE,
    authors=st.lists(st.builds(Author, name=MAYBE, email=MAYBE), max_size=2).map(tuple),
    categories=st.lists(st.builds(Category, TEXTS, MAYBE), max_size=2).map(tuple),
    enclosures=st.lists(
        st.builds(Enclosure, TEXTS, MAYBE, st.none() | st.integers(0, 10**15 - 1)), max_size=2
    ).map(tuple),
    source=st.none() | st.builds(Source, TEXTS, TEXTS),
    published=st.none() | MOMENTS,
    updated=st.none() | MOMENTS,
    extension_elements=st.lists(TEXTS, max_size=2).map(tuple),
    original=MAYBE,
    context=st.none()
    | st.builds(Context, st.lists(TEXTS, max_size=2).map(tuple), st.none() | TEXTS),
)
FEEDS = st.builds(
    Feed,
    TEXTS,
    title=MAYBE,
    image=st.none() | st.builds(Image, TEXTS),
    updated=st.none() | MOMENTS,
    skip_hours=st.lists(st.integers(0, 23), max_size=3).map(tuple),
    skip_days=st.just(("Monday",)),
)
