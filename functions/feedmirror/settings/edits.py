"""Edits of feeds.toml that keep its comments and its order.

The text that results is validated as a whole, so an edit cannot leave a file that no run accepts.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Container, Iterable, Mapping
from contextlib import suppress
from typing import Any

from feedmirror.errors import ConfigError
from feedmirror.model import Subscription
from feedmirror.settings.load import Settings, parse_settings
from feedmirror.settings.slugs import MAX_CHARS, SLUG, suggested_slug

_ESCAPED = re.compile(r"[\x00-\x1f\x7f\"\\]")


def feeds_of(text: str) -> tuple[Subscription, ...]:
    """Return the feeds of a text; none if it is not valid, as it is before the first feed."""
    try:
        return parse_settings(text).subscriptions
    except ConfigError:
        return ()


def validated(text: str, path: str) -> Settings:
    """Return the settings of an edited text. Raises: ConfigError, which says that it was edited."""
    try:
        return parse_settings(text, path=path)
    except ConfigError as error:
        raise ConfigError((*error.problems, f"{path} was left as it was")) from error


def append_feeds(text: str, feeds: Iterable[Subscription]) -> str:
    """Return the text with a table for each feed at its end, each key in its default left out."""
    line = "\r\n" if "\r\n" in text else "\n"
    tables = [line.join(_table(feed)) for feed in feeds]
    if not tables:
        return text
    before = text if not text or text.endswith("\n") else f"{text}{line}"
    return before + (line if before else "") + (line * 2).join(tables) + line


def set_keys(text: str, slug: str, keys: Mapping[str, str | None]) -> str:
    """Return the text with keys of the feed set as typed; a value of None removes the key.

    A value is read as TOML (`25`, `true`, `["a", "b"]`) if the key accepts that, else as a string.
    A name may have dots, for a key within a table (`headers.Authorization`).

    Raises: ConfigError if the feed is missing or a value is not accepted; ImportError if tomlkit is
    not installed.
    """
    for name, typed in keys.items():
        text = _set(text, slug, name.split("."), typed)
    return text


def free_slug(wanted: str, taken: Container[str]) -> str:
    """Return `wanted`, or the first of `wanted-2`, `wanted-3` ... that is not taken."""
    number, slug = 1, wanted
    while slug in taken:
        number += 1
        slug = f"{wanted[: MAX_CHARS - len(str(number)) - 1].rstrip('-')}-{number}"
    return slug


def slug_of_title(title: str) -> str | None:
    """Return a slug for a title of ASCII words; None if too little of the title would be left."""
    slug = suggested_slug(title) if title.isascii() else ""
    return slug if SLUG.fullmatch(slug) else None


def _table(feed: Subscription) -> list[str]:
    lines = [f"[feeds.{feed.slug}]", f"url = {_quoted(feed.url)}"]
    if feed.title:
        lines.append(f"title = {_quoted(feed.title)}")
    return lines + (["allow_private_hosts = true"] if feed.allow_private_hosts else [])


def _quoted(text: str) -> str:
    """Return a basic string. Source: TOML 1.0, "String"."""
    return '"' + _ESCAPED.sub(lambda found: rf"\u{ord(found[0]):04x}", text) + '"'


def _set(text: str, slug: str, path: list[str], typed: str | None) -> str:
    if typed is None:
        return _edited(text, slug, path, None)
    candidates: list[Any] = []
    with suppress(ValueError, RecursionError):
        read = tomllib.loads(f"value = {typed}")
        candidates += [read["value"]] if len(read) == 1 else []
    refused: ConfigError | None = None
    for value in (*candidates, typed):
        try:
            edited = _edited(text, slug, path, value)
            parse_settings(edited)
        except ConfigError as error:
            refused = refused or error
        else:
            return edited
    assert refused is not None  # noqa: S101 - the text itself is a candidate
    raise refused


def _edited(text: str, slug: str, path: list[str], value: Any) -> str:
    """Return the text with a key set to a value, or without the key where the value is None."""
    import tomlkit  # noqa: PLC0415 - of the command alone
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415

    bare = text.removeprefix("\ufeff")
    try:
        document = tomlkit.parse(bare)
        table: Any = document.get("feeds", {}).get(slug)
        if table is None:
            raise ConfigError((f"no feed is named {slug}",))
        for name in path[:-1]:
            table = table.setdefault(name, tomlkit.table())
        if value is None:
            table.pop(path[-1], None)
        else:
            table[path[-1]] = value
        return text[: len(text) - len(bare)] + tomlkit.dumps(document)
    except (TOMLKitError, AttributeError, TypeError) as error:
        raise ConfigError((f"{'.'.join(path)} cannot be set: {error}",)) from error
