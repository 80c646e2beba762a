"""Whether a JSON Feed is valid, and where it carries the disclaimer. Source: JSON Feed 1.1.

Strict beyond the specification: a member that is not known is a problem, and so is an address or
a date that is not flawless.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from rules.bodies import check_body, parse_body
from rules.dates import date_3339_problem
from rules.tree import Context, Element
from rules.values import (
    is_http_url,
    is_language,
    is_media_type,
    plain_text_problem,
    scheme_of,
    url_problem,
)

Problem = tuple[str, str, object]  # the rule, where, the value
Check = Callable[[Any, str], Iterator[Problem]]


def json_problems(document: bytes, self_url: str, now: datetime) -> Iterator[Problem]:
    """What keeps the document from being valid."""
    try:
        root = json.loads(document.decode("utf-8"), parse_constant=_refused)
    except ValueError as error:
        yield "well-formed", "", str(error)
        return
    yield from _object(_feed_members(now), "version title items")(root, "")
    if root.get("version") != "https://jsonfeed.org/version/1.1":
        yield "root", "version", root.get("version")
    if root.get("feed_url") != self_url:
        yield "self-mismatch", "feed_url", root.get("feed_url")
    ids = [item.get("id") for item in root.get("items", [])]
    yield from (("guid-double", "id", each) for each in {i for i in ids if ids.count(i) > 1})


def json_disclaimers(document: bytes, css_class: str, sentence: str) -> list[dict[str, int]]:
    """How often the sentence stands in each body of each item: in HTML, in the mirror's mark."""
    return [
        {
            name: _marked(item[name], css_class, sentence)
            if name == "content_html"
            else " ".join(item[name].split()).count(sentence)
            for name in ("content_html", "content_text", "summary")
            if name in item
        }
        for item in json.loads(document)["items"]
    ]


def _marked(html: str, css_class: str, sentence: str) -> int:
    blocks = parse_body(html).xpath(f"descendant::*[@class='{css_class}']")
    return sum(sentence in " ".join(block.xpath("string()").split()) for block in blocks)


def _refused(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


# ---------------------------------------------------------------- values


def _that(rule: str, holds: Callable[[Any], bool]) -> Check:
    def check(value: Any, where: str) -> Iterator[Problem]:
        if not holds(value):
            yield rule, where, value

    return check


def _words(value: Any, where: str) -> Iterator[Problem]:
    """Text that no reader may take for markup; it is not blank."""
    if not isinstance(value, str) or not value.strip():
        yield "blank", where, value


def _url(value: Any, where: str) -> Iterator[Problem]:
    if not isinstance(value, str) or not is_http_url(value):
        yield "url-relative", where, value


def _contact(value: Any, where: str) -> Iterator[Problem]:
    if url_problem(value) is not None or scheme_of(value) not in {"http", "https", "mailto"}:
        yield "url-scheme", where, value


def _html(value: Any, where: str) -> Iterator[Problem]:
    from lxml import etree

    holder: Element = etree.Element("body")
    holder.text = value
    context = Context(now=datetime.max.replace(tzinfo=UTC), self_url=None)
    yield from ((rule, where, shown) for rule, _, shown in check_body(holder, context))


def _plain(value: Any, where: str) -> Iterator[Problem]:
    """A body of plain text has no tags left."""
    if plain_text_problem(value) == "markup":
        yield "markup", where, value


def _object(members: Mapping[str, Check], required: str) -> Check:
    def check(value: Any, where: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield "json-type", where, value
            return
        for name in required.split():
            if name not in value:
                yield "missing", f"{where}.{name}", ""
        for name, held in value.items():
            if name.startswith("_"):
                if not isinstance(held, dict):
                    yield "json-type", f"{where}.{name}", held
            elif name not in members:
                yield "undefined-element", f"{where}.{name}", held
            else:
                yield from members[name](held, f"{where}.{name}")

    return check


def _list(each: Check, *, most_once: bool = False) -> Check:
    def check(value: Any, where: str) -> Iterator[Problem]:
        if not isinstance(value, list):
            yield "json-type", where, value
            return
        if most_once and len(set(value)) < len(value):
            yield "double", where, value
        for index, held in enumerate(value):
            yield from each(held, f"{where}[{index}]")

    return check


_language = _that("language", lambda value: isinstance(value, str) and is_language(value))
_authors = _list(_object({"name": _words, "url": _contact, "avatar": _url}, ""))
_attachments = _list(
    _object(
        {
            "url": _url,
            "mime_type": _that("enclosure-type", is_media_type),
            "title": _words,
            "size_in_bytes": _that("enclosure-length", lambda v: type(v) is int and v >= 0),
            "duration_in_seconds": _that("json-type", lambda v: type(v) in {int, float}),
        },
        "url mime_type",
    )
)


def _feed_members(now: datetime) -> dict[str, Check]:
    return {
        "version": _words,
        "title": _words,
        "home_page_url": _url,
        "feed_url": _url,
        "description": _words,
        "user_comment": _words,
        "next_url": _url,
        "icon": _url,
        "favicon": _url,
        "authors": _authors,
        "language": _language,
        "items": _list(_item(now)),
    }


def _item(now: datetime) -> Check:
    def date(value: Any, where: str) -> Iterator[Problem]:
        rule = date_3339_problem(value, now)
        if rule:
            yield rule, where, value

    members = {
        "id": _words,
        "url": _url,
        "external_url": _url,
        "title": _words,
        "content_html": _html,
        "content_text": _plain,
        "summary": _plain,
        "image": _url,
        "banner_image": _url,
        "date_published": date,
        "date_modified": date,
        "authors": _authors,
        "tags": _list(_words, most_once=True),
        "language": _language,
        "attachments": _attachments,
    }
    known = _object(members, "id")

    def check(value: Any, where: str) -> Iterator[Problem]:
        yield from known(value, where)
        if not {"content_html", "content_text"} & value.keys():
            yield "item-empty", where, ""

    return check
