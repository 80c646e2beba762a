"""Fields that feeds and entries share: convert titles, authors and categories to the model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from feedmirror.model import Author, Category
from feedmirror.parsing.elements import is_author
from feedmirror.text import sanitize
from feedmirror.text.person import email_address, parse_person
from feedmirror.text.plain import unescape_once, unwrap_cdata
from feedmirror.text.urls import absolute
from feedmirror.text.xml import Element, Node, printable


def text_field(raw: dict[str, Any], key: str) -> str | None:
    """Return a text field of feedparser, without its fallbacks; None if missing or blank."""
    value = dict.get(raw, key)
    if not isinstance(value, str):
        return None
    return unwrap_cdata(printable(value).strip()) or None


def _line(raw: dict[str, Any], key: str) -> str | None:
    return " ".join((text_field(raw, key) or "").split()) or None


def plain(raw: dict[str, Any], key: str) -> str | None:
    """Return a text construct of feedparser as plain text; None if missing or blank."""
    value = text_field(raw, key)
    detail = dict.get(raw, key + "_detail") or {}
    if value is None or detail.get("type") not in {"text/html", "application/xhtml+xml"}:
        return value
    return sanitize.to_text(value) or None


def authors(raw: Any, element: Element | None) -> tuple[Author, ...]:
    """Return the authors of a feed or an entry, each once.

    They are read from `element`; if that is unknown, from `raw`, where feedparser has cut off
    top-level domains of more than four letters.
    """
    found: Iterator[Author]
    if element is None:
        found = (
            _author(_line(author, "name"), _line(author, "email"), author.get("href"))
            for author in dict.get(raw, "authors") or ()
        )
    else:
        found = _authors_of(element.node)
    named = {(author.name, author.email): author for author in found if author.name or author.email}
    return tuple(named.values())


def _authors_of(node: Node) -> Iterator[Author]:
    for child in node.elements():
        if is_author(child.name, node.name):
            parts = {
                part.name.local.lower(): " ".join(part.text().split()) for part in child.elements()
            }
            if not parts:
                yield parse_person(unwrap_cdata(child.text().strip()))
                continue
            uri = parts.get("uri") or parts.get("url") or parts.get("homepage")
            yield _author(parts.get("name"), parts.get("email"), uri)


def _author(name: str | None, email: str | None, uri: str | None) -> Author:
    """Return the author; an e-mail address that is not valid becomes the name if there is none."""
    address = email_address(email or "")
    return Author(name or (None if address else email) or None, address, absolute(uri, None))


def categories(raw: Any) -> tuple[Category, ...]:
    """Return the categories, also those of Dublin Core, each once. Categories are plain text."""
    found = {
        (term, tag.get("scheme")): Category(
            term, tag.get("scheme") or None, unescape_once(tag.get("label") or "") or None
        )
        for tag in dict.get(raw, "tags") or ()
        if (term := printable(unescape_once(unwrap_cdata(tag.get("term") or ""))))
    }
    return tuple(found.values())
