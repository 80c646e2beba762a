"""What a feed says of itself, within bounds: documents and records repeat it with every entry."""

from __future__ import annotations

from dataclasses import replace

from feedmirror.model import Feed

_MOST = 100_000  # characters; real feeds say 5,000 at most
_LONGEST_TITLE, _LONGEST_NAME = 1_000, 100


def brief(feed: Feed) -> Feed:
    """The feed as it is; one that says more of itself than any does is left with its title, its
    address and when it wants to be asked.
    """
    if len(repr(feed)) <= _MOST:
        return feed
    return replace(
        feed,
        id=feed.id if feed.id and len(feed.id) <= _LONGEST_TITLE else None,
        title=(feed.title or "")[:_LONGEST_TITLE] or None,
        description=(feed.description or "")[:_LONGEST_TITLE] or None,
        language=feed.language if feed.language and len(feed.language) <= _LONGEST_NAME else None,
        rights=None,
        authors=(),
        web_master=None,
        categories=(),
        foreign=(),
        prefixes=(),
        extensions=None,
    )
