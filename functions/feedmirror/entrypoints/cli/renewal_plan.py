"""`feedmirror check --renewal`: say what a configuration and this program would renew in a store,
before they are deployed.

Reads the state of each configured feed; writes nothing.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from feedmirror.entrypoints.cli.renewal_cost import shown_requests
from feedmirror.entrypoints.cli.selection import (
    DEFAULT_PUBLIC_URL,
    configured_at,
    date_of,
    public_url_of,
)
from feedmirror.entrypoints.cli.terminal import counted, print_error, show_table, shown_progress
from feedmirror.entrypoints.store import StoreLocation, open_store, thread_map
from feedmirror.errors import StoreError
from feedmirror.layout import state_key
from feedmirror.mirror import state_codec
from feedmirror.mirror.deployment import Deployment
from feedmirror.mirror.renewal_work import RenewalWork, renewal_under, work_left
from feedmirror.mirror.state import State
from feedmirror.model import Subscription
from feedmirror.ports import Store
from feedmirror.settings.load import Settings
from feedmirror.site import published_url
from feedmirror.storage.publisher import Publisher

_COLUMNS = ("feed", "documents", "pages", "requests")


class FeedPlan(Struct, frozen=True):
    """Effect of a deployment on what is public of a feed."""

    slug: str
    documents: bool = False  # True: the documents would be rendered anew
    work: RenewalWork = RenewalWork()  # on pages, with what is left of a renewal that goes on
    is_older: bool = False  # True: a run of the command would leave all of it alone
    error: str | None = None  # why the state cannot be read


def print_plan(arguments: Namespace, settings: Settings, now: datetime) -> int:
    """Print what would be renewed; return the exit code, 1 if a state cannot be read.

    Raises: ConfigError, StoreError.
    """
    store = open_store(arguments.store, threads=arguments.threads)
    public_url = _public_url(arguments, settings, store)
    run = Deployment(configured_at=configured_at(arguments, date_of(arguments.config), now))

    def plan(feed: Subscription) -> FeedPlan:
        try:
            return _plan(store, feed, public_url, run)
        except StoreError as error:
            return FeedPlan(feed.slug, error=str(error))

    plans = []
    with shown_progress(live=True) as progress, thread_map(arguments.threads) as side_by_side:
        for one in side_by_side(plan, settings.subscriptions):
            plans.append(one)
            progress.show(f"{len(plans)} of {len(settings.subscriptions)} feeds read")
    _print(plans, arguments.store)
    return 1 if any(one.error for one in plans) else 0


def _public_url(arguments: Namespace, settings: Settings, store: Store) -> str:
    """Return the public URL of the mirror, which for a bucket too may be the published one."""
    if arguments.public_url or settings.public_url:
        return public_url_of(arguments, settings.public_url, lambda: store)
    return published_url(store) or DEFAULT_PUBLIC_URL


def _plan(store: Store, feed: Subscription, public_url: str, run: Deployment) -> FeedPlan:
    """Return the plan of a feed. Raises: StoreError."""
    key = state_key(feed.slug)
    stored = store.load(key)
    state = state_codec.load_known(stored.body, key) if stored else State()
    if state.feed is None:  # nothing is public
        return FeedPlan(feed.slug)
    publisher = Publisher(store, replace(feed, url=feed.url or state.url), public_url)
    deployed = publisher.described(Deployment())
    return FeedPlan(
        feed.slug,
        documents=deployed.digest != state.deployment.digest,
        work=work_left(replace(state, renewal=renewal_under(state, deployed, state.generation))),
        is_older=publisher.deployed(state, lambda: run) is None,
    )


def _print(plans: Iterable[FeedPlan], location: StoreLocation) -> None:
    rows = [_row(one) for one in plans if one.documents or one.work.pages]
    if rows:
        print()  # noqa: T201 - the output
        show_table(_COLUMNS, rows, numbers=_COLUMNS[2:])
    print("\n".join(("", *_lines(tuple(plans), location))))  # noqa: T201 - the output
    for one in plans:
        if one.error:
            print_error(one.error)


def _row(plan: FeedPlan) -> tuple[str, ...]:
    documents = "rendered" if plan.documents else ""
    return (plan.slug, documents, f"{plan.work.pages:,}", f"{plan.work.requests:,}")


def _lines(plans: tuple[FeedPlan, ...], location: StoreLocation) -> Iterator[str]:
    """Yield the lines below the table."""

    def feeds(belongs: Callable[[FeedPlan], object]) -> str:
        return counted(f"{sum(map(bool, map(belongs, plans))):,}", "feed")

    work = sum((one.work for one in plans), RenewalWork())
    parts = []
    if any(one.documents for one in plans):
        parts.append(f"the documents of {feeds(lambda one: one.documents)}")
    if work.pages:
        parts.append(
            f"at most {work.pages:,} pages of entries and of the archive of "
            f"{feeds(lambda one: one.work.pages)}, with {shown_requests(work, location)}"
        )
    if not parts:
        yield f"Nothing that is public in {location} would be rendered anew."
        return
    yield f"In {location} it would have rendered anew: {'; '.join(parts)}."
    if any(one.is_older for one in plans):
        yield (
            f"The documents of {feeds(lambda one: one.is_older)} are of a newer deployment, and "
            "`feedmirror run` would leave them alone; a deploy or `feedmirror rebuild SLUG` would "
            "not."
        )
