"""A feed's line in the documents of the site as a whole: its health, as the public may know it.

Why a feed fails is in the log. `core/site.py` writes the lines to `status.json` and reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """A feed's line in the documents of the site."""

    slug: str
    title: str | None = None  # None: never read
    documents: Mapping[str, str] | None = None  # addresses of its feeds by name; None: not public
    last_new: datetime | None = None
    failing: str | None = None  # the group of the failure
    failing_since: datetime | None = None
    is_quiet: bool = False  # for the gauges alone: not written down
    is_retired: bool = False  # by its configuration: not polled any more, but still there
    page: str | None = None  # the address of its page for people; None: there is none yet
    language: str | None = None  # BCP 47; None: the origin does not say
    source: str | None = None  # the page that the origin has, absolute; None: it names none
    # Digest of what the line owes to the feed's configuration; None: made from its state alone.
    render_key: str | None = None
