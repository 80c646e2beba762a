"""Bring the documents of a retired feed up to date, without asking its origin."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from feedmirror.errors import FeedMirrorError, RenderError, described
from feedmirror.ledger import Ledger, Settled
from feedmirror.model import Subscription
from feedmirror.ports import Store


def settle_retired(
    store: Store, subscription: Subscription, public_url: str, now: datetime
) -> Settled:
    """Carry out pending work and publish the stale documents of the feed, its page among them.

    Where the subscription has no `url`, the one that the state was mirrored from stands in the
    documents. Does nothing for a feed that was never mirrored.
    Raises: StoreError, StateError, RenderError.
    """
    held = Ledger(store, subscription, public_url).load(now)
    known = replace(subscription, url=subscription.url or held.state.url)
    settled = Ledger(store, known, public_url).settle(held, now)
    if isinstance(settled.error, FeedMirrorError):
        raise settled.error
    if settled.error is not None:
        raise RenderError(described(settled.error)) from settled.error
    return settled
