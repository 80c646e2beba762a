"""How a feed stands, for the public: what the documents of the site as a whole are rendered from.

Everybody may know it. What is configured, and why a feed fails, is in the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How a feed stands, for the public."""

    slug: str
    title: str | None = None  # None: never read
    documents: Mapping[str, str] | None = None  # addresses of its feeds by name; None: not public
    last_new: datetime | None = None
    failing: str | None = None  # the group of the failure
    failing_since: datetime | None = None
    is_quiet: bool = False
    is_retired: bool = False  # no longer configured: not asked any more, but still there
    page: str | None = None  # the address of its page for people; None: there is none yet
    language: str | None = None  # BCP 47; None: the origin does not say
    source: str | None = None  # the page that the origin has, absolute; None: it names none
