"""The rules of Media RSS. Source: Media RSS specification 1.5.1 (RSS Advisory Board)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rules.bodies import check_body
from rules.tree import Check, Context, Element, Finding, text_of
from rules.values import (
    is_decimal,
    is_language,
    is_media_type,
    is_whole_number,
    plain_text_problem,
    url_problem,
)

MEDIA = "http://search.yahoo.com/mrss/"


def _is_positive(text: str) -> bool:
    return is_whole_number(text, 1)


def _is_measure(text: str) -> bool:
    return is_decimal(text) and not text.startswith("-")


def _one_of(*words: str) -> Callable[[str], bool]:
    return lambda text: text in words


_CONTENT: dict[str, Callable[[str], bool]] = {
    "fileSize": _is_positive,
    "type": is_media_type,
    "medium": _one_of("image", "audio", "video", "document", "executable"),
    "isDefault": _one_of("true", "false"),
    "expression": _one_of("sample", "full", "nonstop"),
    "bitrate": _is_measure,
    "framerate": _is_measure,
    "samplingrate": _is_measure,
    "channels": is_whole_number,
    "duration": _is_measure,
    "height": _is_positive,
    "width": _is_positive,
    "lang": is_language,
}
_TEXT_TYPE = {"type": _one_of("plain", "html")}
_ATTRIBUTES = {
    "content": _CONTENT,
    "thumbnail": {"height": _is_positive, "width": _is_positive},
    "player": {"height": _is_positive, "width": _is_positive},
    "title": _TEXT_TYPE,
    "description": _TEXT_TYPE,
    "text": _TEXT_TYPE,
    "restriction": {"relationship": _one_of("allow", "deny")},
}
_REQUIRED = {"thumbnail": "url", "player": "url", "restriction": "relationship"}


def _check_attributes(node: Element, _: Context) -> Iterator[Finding]:
    name = node.tag.rpartition("}")[2]
    required = _REQUIRED.get(name)
    if required and required not in node.attrib:
        yield "media-attribute", node, f"no {required}"
    for attribute, holds in _ATTRIBUTES[name].items():
        if attribute in node.attrib and not holds(node.get(attribute, "")):
            yield "media-attribute", node, f'{attribute}="{node.get(attribute)}"'
    if "url" in node.attrib:
        rule = url_problem(node.get("url", ""))
        if rule:
            yield rule, node, node.get("url", "")


def _check_text(node: Element, context: Context) -> Iterator[Finding]:
    """Plain, unless its type says that it is HTML."""
    yield from _check_attributes(node, context)
    if node.get("type") == "html":
        yield from check_body(node, context)
    elif rule := plain_text_problem(text_of(node)):
        yield rule, node, text_of(node)


def _check_group(node: Element, _: Context) -> Iterator[Finding]:
    contents = len(node.findall(f"{{{MEDIA}}}content"))
    if contents < 2:
        yield "media-group", node, f"{contents} media:content"


MEDIA_CHECKS: dict[str, Check] = {
    f"{{{MEDIA}}}group": _check_group,
    f"{{{MEDIA}}}content": _check_attributes,
    f"{{{MEDIA}}}thumbnail": _check_attributes,
    f"{{{MEDIA}}}player": _check_attributes,
    f"{{{MEDIA}}}restriction": _check_attributes,
    f"{{{MEDIA}}}title": _check_text,
    f"{{{MEDIA}}}description": _check_text,
    f"{{{MEDIA}}}text": _check_text,
}
