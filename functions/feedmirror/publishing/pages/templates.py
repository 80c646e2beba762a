"""Templates of pages, and their style sheet.

Values are escaped, except where a template says `safe`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pkgutil import get_data
from typing import TYPE_CHECKING

from feedmirror.publishing.formats.format import HTML_HEAD
from feedmirror.publishing.pages.phrases import day, host, moment
from feedmirror.text.dates import rfc3339

if TYPE_CHECKING:
    from jinja2 import Environment


# Pages link to the sheet by this name, so a page keeps the sheet that it was rendered for. The name
# is a constant, since most refreshes render no page; a test compares it with the sheet.
STYLE = "style-21b74cf9.css"


def filled(template: str, **values: object) -> str:
    """Return the page of this template. `values` must have each value that the template uses."""
    return "".join(pieces(template, **values))


def pieces(template: str, **values: object) -> Iterator[str]:
    """Yield the page of this template in pieces: a body may be large."""
    yield HTML_HEAD
    yield from _environment().get_template(template).generate(values)


def macro(template: str, name: str, *arguments: object) -> str:
    """Return what a macro of this template makes of the arguments."""
    return str(getattr(_environment().get_template(template).module, name)(*arguments))


@cache
def _environment() -> Environment:
    """Return the environment. jinja2 is imported here, since most refreshes render no page."""
    from feedmirror.publishing.pages.compiled import environment  # noqa: PLC0415

    made = environment({"day": day, "moment": moment, "machine": rfc3339, "host": host})
    made.globals["style"] = STYLE
    return made


def style() -> bytes:
    """Return the style sheet."""
    sheet = get_data("feedmirror.publishing.pages", "style.css")
    assert sheet is not None  # noqa: S101 - part of the package
    return sheet
