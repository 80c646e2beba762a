"""Whole feeds as hypothesis strategies: documents of every kind, and what they mean.

Every document is well-formed and complete; those that are not are files in `tests/data`. Plain
builders of feeds, without hypothesis, are in `builders`.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from generated.frames import document_of, draw_frame
from generated.items import draw_item, draw_name
from generated.spelling import LETTERS, Pen
from generated.values import FEED_URL, KINDS, SITE_URL, Expected, Frame, Generated, Item, Name

__all__ = [
    "FEED_URL",
    "KINDS",
    "SITE_URL",
    "Expected",
    "Generated",
    "Name",
    "edits",
    "feeds",
    "histories",
]

_MEDIA_TYPES = {"RSS 1.0": "application/rdf+xml", "Atom 1.0": "application/atom+xml"}


@st.composite
def feeds(
    draw: st.DrawFn,
    *,
    kinds: Sequence[str] = KINDS,
    least: int = 1,
    most: int = 4,
    confusable: bool = False,
) -> Generated:
    """Documents of `kinds`, the first twice as often, with `least` to `most` items.

    With `confusable` they may hold extension elements that a reader who looks at local names, or at
    prefixes, takes for an entry's own.
    """
    pen = Pen(draw, draw(st.sampled_from(list(LETTERS))))
    frame = draw_frame(pen, pen.pick((kinds[0], *kinds)), confusable=confusable)
    items: tuple[Item, ...] = ()
    for number in range(draw(st.integers(least, most)), 0, -1):
        items += (_new_item(pen, frame, number, items, 0),)
    return _generated(frame, items, _draw_content_type(pen, frame), 0)


@st.composite
def edits(draw: st.DrawFn, generated: Generated) -> Generated:
    """Next versions of a document: with entries added on top, removed, moved or edited.

    An edited entry keeps its guid and its link and has another title, body and extension elements;
    a moved one keeps its bytes. At least one entry is left.
    """
    pen = Pen(draw, generated.frame.encoding)
    items, version = generated.items, generated.version + 1
    changes = (_add, _edit, _remove, _reorder)
    for change in draw(st.lists(st.sampled_from(changes), min_size=1, max_size=3)):
        items = change(pen, generated, items, version)
    return _generated(generated.frame, items, generated.content_type, version)


@st.composite
def histories(
    draw: st.DrawFn, *, most_versions: int = 3, kinds: Sequence[str] = KINDS, most: int = 4
) -> tuple[Generated, ...]:
    """A document and its next versions, the oldest first."""
    versions = [draw(feeds(kinds=kinds, most=most))]
    for _ in range(draw(st.integers(0, most_versions - 1))):
        versions.append(draw(edits(versions[-1])))
    return tuple(versions)


def _generated(
    frame: Frame, items: tuple[Item, ...], content_type: str | None, version: int
) -> Generated:
    return Generated(
        document=document_of(frame, items, version),
        content_type=content_type,
        entries=tuple(item.expected for item in items),
        kind=frame.kind,
        url=FEED_URL,
        frame=frame,
        items=items,
        version=version,
    )


def _draw_content_type(pen: Pen, frame: Frame) -> str | None:
    """What a server says: nothing, the type alone, or the encoding too. Source: RFC 7303 §3."""
    own = _MEDIA_TYPES.get(frame.kind, "application/rss+xml")
    charset = frame.encoding
    return pen.pick((None, own, "text/xml", f'{own}; charset="{charset}"', "application/xml"))


def _new_item(pen: Pen, frame: Frame, number: int, earlier: tuple[Item, ...], version: int) -> Item:
    return draw_item(pen, frame, draw_name(pen, frame, number, earlier), version)


def _add(pen: Pen, before: Generated, items: tuple[Item, ...], version: int) -> tuple[Item, ...]:
    number = max(100 * version, 1 + max(item.name.number for item in (*items, *before.items)))
    return (_new_item(pen, before.frame, number, items, version), *items)


def _edit(pen: Pen, before: Generated, items: tuple[Item, ...], version: int) -> tuple[Item, ...]:
    chosen = pen.pick(range(len(items)))
    edited = draw_item(pen, before.frame, items[chosen].name, version)
    return (*items[:chosen], edited, *items[chosen + 1 :])


def _remove(pen: Pen, _: Generated, items: tuple[Item, ...], __: int) -> tuple[Item, ...]:
    chosen = pen.pick(range(len(items)))
    return items if len(items) == 1 else (*items[:chosen], *items[chosen + 1 :])


def _reorder(pen: Pen, _: Generated, items: tuple[Item, ...], __: int) -> tuple[Item, ...]:
    return tuple(pen.shuffled(items))
