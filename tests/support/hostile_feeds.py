"""Feeds made of attacks: every vector in every field, an entry each."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

from builders import atom_document, entry, json_feed, rss_document
from vectors import ADDRESSES, TEXTS, markup
from vectors_xml import FOREIGN

SITE = "https://gazette.example.org/"
DISCLAIMER = "This copy is kept by its readers"  # what the operator says, among other things
DISCLAIMER_HTML = (
    '<p>This copy is kept by its readers. Its source is <a href="{source_url}" '
    'title="{source_title}">{source_title}</a>; here is <a href="{entry_url}">the original</a>.</p>'
)


def entries() -> list[dict[str, Any]]:
    """One for each vector, the same in every format; those of XML are in `extra`."""
    texts = (*markup(), *TEXTS.values())
    made = [*(_of_markup(*each) for each in enumerate(texts)), *map(_of_address, *_numbered())]
    for number, each in enumerate(made):
        each["extra"] = FOREIGN[number % len(FOREIGN)]
    return made


def _numbered() -> tuple[range, tuple[str, ...]]:
    return range(1000, 1000 + len(ADDRESSES)), ADDRESSES


def _of_markup(number: int, vector: str) -> dict[str, Any]:
    address = ADDRESSES[number % len(ADDRESSES)]
    return entry(
        number,
        title=vector,
        link=f"{SITE}{number}?{vector}",
        guid=f"{vector}{number}",
        summary=f"<p>words {vector}",
        content=f"{vector} words" if number % 3 else None,
        author=vector,
        categories=[vector, f"{vector} again"],
        comments=address,
        enclosures=[(f"{SITE}{vector}.mp3", vector, vector), (address, "1", "audio/mpeg")],
        source=(vector, SITE),
    )


def _of_address(number: int, address: str) -> dict[str, Any]:
    return entry(
        number,
        title=address,
        link=address,
        guid=address,
        permalink=True,
        summary="".join(_linking(address)),
        author=address,
        categories=[address],
        comments=address,
        enclosures=[(address, "1", "video/mp4")],
        source=(address, address),
    )


def _linking(address: str) -> Iterator[str]:
    """The address in every place of a body that holds one, as it is and escaped."""
    for written in (address, html.escape(address)):
        yield f'<a href="{written}">words</a><img src="{written}" srcset="{written} 2x">'
        yield f'<video src="{written}" poster="{written}"><source src="{written}"></video>'
        yield f'<iframe src="{written}"></iframe><object data="{written}"></object>'
        yield f'<q cite="{written}">words</q><area href="{written}"><form action="{written}">'
        yield f"<a href='{written}'>words</a><a href={written}>words</a>"


def feed_of(kind: str, given: list[dict[str, Any]], **head: Any) -> bytes:
    """The entries as a document of that kind: "rss", "atom" or "json"."""
    if kind == "rss":
        return rss_document(given, **head)
    if kind == "atom":
        return atom_document(given, **head)
    return json_feed([{k: v for k, v in each.items() if k != "extra"} for each in given], **head)


def feed_saying(kind: str, vector: str, address: str) -> bytes:
    """A feed that says that of itself wherever a feed says anything."""
    text, url = html.escape(vector), html.escape(address)
    one = [entry(1, link=None, guid="1")]
    if kind == "json":
        said = {"description": vector, "language": vector, "icon": address, "favicon": address}
        more = {"authors": [{"name": vector, "url": address}], "feed_url": address, "next_url": url}
        return json_feed(one, title=vector, link=address, extra_feed=said | more)
    if kind == "atom":
        return atom_document(
            one,
            title=vector,
            link=address,
            feed_id=address,
            extra_feed=f"<subtitle type='html'>{text}</subtitle><rights>{text}</rights>"
            f"<icon>{url}</icon><logo>{url}</logo><generator uri='{url}'>{text}</generator>"
            f"<author><name>{text}</name><uri>{url}</uri></author><category term='{text}'/>"
            f"<link rel='license' href='{url}'/>",
        )
    return rss_document(
        one,
        title=vector,
        link=address,
        description=vector,
        extra_channel=f"<language>{text}</language><copyright>{text}</copyright>"
        f"<managingEditor>a@example.org ({text})</managingEditor><category>{text}</category>"
        f"<webMaster>{text}</webMaster><generator>{text}</generator><docs>{url}</docs>"
        f"<image><url>{url}</url><title>{text}</title><link>{url}</link></image>"
        f"<itunes:image href='{url}'/><itunes:summary>{text}</itunes:summary>"
        f"<media:copyright url='{url}'>{text}</media:copyright>",
    )


def with_escapes(document: bytes) -> bytes:
    """The JSON with `%uD800` as the escape that it stands for, which no other way leads to."""
    return document.replace(b"%u", b"\\u")
