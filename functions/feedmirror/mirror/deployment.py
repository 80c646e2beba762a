"""Deployments (each a program with a configuration), and which of two is the newer one.

The documents and pages of a feed are of one deployment, which the state names. Only a newer one may
render them again; so two that take turns never rewrite each other's, whatever their clocks say.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from msgspec.structs import replace

from feedmirror.model import Count, Stored, require_utc

SUPERSEDED = -1  # number of a build that is not the last one deployed: older than all others


class Deployment(Stored, frozen=True, order=True):
    """A program with a configuration; the larger one is the newer one.

    The default is older than all deployments but superseded ones.
    """

    number: int = 0  # grows with each deploy and rebuild; 0: of neither, such as a command line
    version: tuple[Count, ...] = ()  # of the program, the parser and each format
    configured_at: datetime = datetime.fromtimestamp(0, UTC)
    digest: str = ""  # of all that renderers see besides entries; equal: they publish the same
    page_key: str = ""  # the part of it that pages of entries and of the archive depend on
    parser_version: Count = 0  # a part of `version`

    def __post_init__(self) -> None:
        require_utc(self.configured_at)


def in_force(before: Deployment, digest: str, this: Callable[[], Deployment]) -> Deployment | None:
    """Return the deployment that documents are to be of: `before` where it has that digest, else
    `this` where it is newer; None where documents are to be left alone.

    A deployment without a number competes with `before` by version and date alone.
    """
    if before.digest == digest:
        return before
    made = this()
    made = replace(made, number=made.number or before.number)
    return made if made > before else None


def remedy(slug: str, this: Deployment, newer: Deployment) -> str:
    """Return what makes a deployment the newest, for the operator: commands."""
    rebuild = f"`feedmirror rebuild {slug}`"
    if this.number:
        return f"{rebuild} with its feeds.toml, or a deploy with a change in it, such as a comment"
    if this.version < newer.version:
        return f"update feedmirror, since a newer version wrote them, or {rebuild}"
    return f"{rebuild}, or for all feeds `touch feeds.toml`: the file that was saved last wins"


class Renewal(Stored, frozen=True):
    """Position of the renewal of pages of entries and of the archive, newest first.

    Pages of an earlier generation are of an earlier deployment.
    """

    generation: Count  # of the commit that named the deployment
    below: Count | None = None  # window entries with a smaller number are left; None: see `page`
    page: str | None = None  # the archive page that is next; None: the newest one
    newer: str | None = None  # the archive page after that one, if there is any
    rereads: bool = False  # entries that an older parser has read are read again first
    superseded: bool = False  # `page` is no part of the archive any more: these come last

    @property
    def position(self) -> str:
        """Return the name of the next slice, unique within the renewal: for messages."""
        if self.below is not None:
            return f"window/{self.below}"
        return f"{'superseded' if self.superseded else 'archive'}/{self.page or 'newest'}"
