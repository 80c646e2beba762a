"""Templates, filled in: the one place that knows how. Values are escaped unless one says `safe`."""

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
    """Return the page that the template makes of the values; it may ask for no others."""
    return "".join(pieces(template, **values))


def pieces(template: str, **values: object) -> Iterator[str]:
    """Yield the page as `filled`, in pieces, of which some may be large."""
    yield HTML_HEAD
    yield from _environment().get_template(template).generate(values)


@cache
def _environment() -> Environment:
    """Made when the first page is rendered: most polls render none."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    made = Environment(
        loader=PackageLoader("feedmirror.publishing.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"day": day, "moment": moment, "machine": rfc3339, "host": host}
    made.globals["style"] = STYLE
    return made
