"""A later version of a format, which renders something else."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import fields

from feedmirror.publishing.formats.format import Format, Rendering, Traits
from feedmirror.publishing.publication import Publication


class LaterFormat(Format, frozen=True):
    """A format whose documents are changed after they were rendered."""

    change: Callable[[bytes], bytes] = bytes

    def rendering(self, publication: Publication, others: Traits = frozenset()) -> Rendering:
        """Return the changed document. Where its entries stand is not known."""
        return Rendering(self.change(Format.rendering(self, publication, others).body))


def later(made: Format, change: Callable[[bytes], bytes]) -> LaterFormat:
    """Return the next version of the format."""
    values = {field.name: getattr(made, field.name) for field in fields(made)}
    return LaterFormat(**{**values, "version": made.version + 1, "change": change})
