"""Render the jinja2 templates. Values are escaped, except where a template says `safe`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from feedmirror.publishing.formats.format import HTML_HEAD
from feedmirror.publishing.pages.phrases import day, host, moment
from feedmirror.publishing.pages.style import STYLE
from feedmirror.text.dates import rfc3339

if TYPE_CHECKING:
    from jinja2 import Environment


def filled(template: str, **values: object) -> str:
    """Return the page of this template. `values` must have each value that the template uses."""
    return "".join(pieces(template, **values))


def pieces(template: str, **values: object) -> Iterator[str]:
    """Yield the page of this template in pieces: a body may be large."""
    yield HTML_HEAD
    yield from _environment().get_template(template).generate(values)


@cache
def _environment() -> Environment:
    """Return the environment. jinja2 is imported here, since most refreshes render no page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader("feedmirror.publishing.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"day": day, "moment": moment, "machine": rfc3339, "host": host}
    environment.globals["style"] = STYLE
    return environment
