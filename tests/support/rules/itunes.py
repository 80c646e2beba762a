"""The rules of the podcast elements of Apple. Source: "A Podcaster's Guide to RSS"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.tree import Check, Context, Element, Finding, problem_check, text_of, value_check
from rules.values import is_address, is_http_url, is_whole_number, url_problem

ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
_DURATION = re.compile(r"\d+(:[0-5]\d){0,2}", re.ASCII)


def _name(local: str) -> str:
    return f"{{{ITUNES}}}{local}"


def _check_image(node: Element, _: Context) -> Iterator[Finding]:
    if not is_http_url(node.get("href", "")):
        yield "itunes-image", node, node.get("href", "no href")


def _check_owner(node: Element, _: Context) -> Iterator[Finding]:
    email = (node.findtext(_name("email")) or "").strip()
    if not is_address(email):
        yield "itunes-owner", node, email


def _check_category(node: Element, _: Context) -> Iterator[Finding]:
    if not node.get("text", "").strip():
        yield "itunes-value", node, "no text"


def _words(*words: str) -> Check:
    return value_check("itunes-value", lambda text: text.lower() in words)


def _at_most(characters: int) -> Check:
    def check(node: Element, _: Context) -> Iterator[Finding]:
        if len(text_of(node)) > characters:
            yield "itunes-length", node, f"{len(text_of(node))} characters"

    return check


_positive = value_check("foreign-number", lambda text: is_whole_number(text, 1))
ITUNES_CHECKS: dict[str, Check] = {
    _name("explicit"): value_check(
        "itunes-explicit", lambda text: text.lower() in {"true", "false"}
    ),
    _name("duration"): value_check(
        "itunes-duration", lambda text: _DURATION.fullmatch(text) is not None
    ),
    _name("block"): _words("yes", "no"),
    _name("complete"): _words("yes", "no"),
    _name("type"): _words("episodic", "serial"),
    _name("episodeType"): _words("full", "trailer", "bonus"),
    _name("category"): _check_category,
    _name("episode"): _positive,
    _name("season"): _positive,
    _name("image"): _check_image,
    _name("owner"): _check_owner,
    _name("new-feed-url"): problem_check(url_problem),
    _name("author"): _at_most(255),
    _name("title"): _at_most(255),
    _name("subtitle"): _at_most(255),
    _name("summary"): _at_most(4000),
}
ITUNES_ONCE = frozenset(ITUNES_CHECKS) - {_name("category")}
