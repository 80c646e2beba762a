"""Bring the documents of a retired feed up to date, without asking its origin."""

from __future__ import annotations

from dataclasses import replace

from feedmirror.ledger import Ledger, Settled
from feedmirror.model import Subscription
from feedmirror.ports import Store


def settle_retired(store: Store, subscription: Subscription, public_url: str) -> Settled:
    """Carry out pending work and publish the stale documents of the feed, its page among them.

    Where the subscription has no `url`, the one that the state was mirrored from stands in the
    documents. Does nothing for a feed that was never mirrored.
    Raises: StoreError, StateError, RenderError.
    """
    held = Ledger(store, subscription, public_url).load()
    known = replace(subscription, url=subscription.url or held.state.url)
    return Ledger(store, known, public_url).settle(held)
