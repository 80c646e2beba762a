"""`feedmirror forget`: delete a feed with all that was mirrored of it."""

from __future__ import annotations

from argparse import Namespace
from datetime import datetime
from functools import partial

from feedmirror.entrypoints.cli.command import Resources
from feedmirror.entrypoints.cli.selection import configured, public_url_of
from feedmirror.entrypoints.cli.terminal import agreed, counted, print_error
from feedmirror.entrypoints.store import open_store, open_versions
from feedmirror.entrypoints.telemetry import printable_text
from feedmirror.errors import ConfigError
from feedmirror.layout import DATA, FEED_INDEX, PUBLIC, state_key
from feedmirror.mirror.deployment import Deployment
from feedmirror.ports import Store, Versions
from feedmirror.settings.slugs import SLUG
from feedmirror.site import publish_site, published_url
from feedmirror.storage.feed_index import survey_feeds


def forget(arguments: Namespace, resources: Resources) -> int:
    """Run the command; return its exit code. Raises: ConfigError, StoreError."""
    slug, shown = arguments.feed, printable_text(arguments.feed)
    settings = configured(arguments.config)
    feeds = settings.subscriptions if settings else ()
    if any(feed.slug == slug for feed in feeds):
        first = f"take [feeds.{slug}] out of {arguments.config} first, and deploy"
        raise ConfigError(
            (f"{slug} is configured, so the next refresh would mirror it anew", first)
        )
    store = open_store(arguments.store, threads=1)
    number = _objects(store, slug) if SLUG.fullmatch(slug) else 0
    if not number:
        raise ConfigError((f"{shown}: {arguments.store} has nothing of a feed of that name",))
    public_url = public_url_of(arguments, settings.public_url if settings else None, lambda: store)
    print(f"{slug}: {counted(f'{number:,}', 'object')}, with all versions")  # noqa: T201
    if arguments.dry_run:
        return 0
    if not arguments.yes and not agreed("Delete all of it for good?"):
        print_error("nothing was changed")
        return 1
    kept = _deleted(slug, store, open_versions(arguments.store), resources.clock())
    if kept:
        print_error("not deleted:", *(f"  {line}" for line in kept))
        return 1
    if left := _objects(store, slug):
        print_error(
            f"a run that was under way has written {counted(f'{left:,}', 'object')} meanwhile: "
            f"run `feedmirror forget {slug}` once more"
        )
        return 1
    if arguments.store.directory is None:  # whose functions publish the site
        print(  # noqa: T201 - the output
            f"{slug} is forgotten; the list of feeds follows at the next full hour, and has no "
            "earlier version with it after a week\n"
            "to have CloudFront forget its copies: aws cloudfront create-invalidation "
            f"--distribution-id ID --paths '/{slug}/*'"
        )
        return 0
    if published_url(store) is not None:
        now = resources.clock()
        publish_site(store, feeds, public_url, now, partial(Deployment, configured_at=now))
    print(f"{slug} is forgotten")  # noqa: T201 - the output
    return 0


def _deleted(slug: str, store: Store, versions: Versions, now: datetime) -> list[str]:
    """Delete all objects of a feed, and its line of the feed index; return what is still there, a
    sentence each. Raises: StoreError.
    """
    # The state first: a run that is still under way cannot commit any more.
    prefixes = (state_key(slug), f"{PUBLIC}{slug}/", f"{DATA}{slug}/")
    kept = [line for prefix in prefixes for line in versions.delete(prefix).kept]
    survey_feeds(store, now)
    return [*kept, *versions.purge(FEED_INDEX).kept]


def _objects(store: Store, slug: str) -> int:
    """Return how many objects there are of a feed. Raises: StoreError."""
    listed = sum(1 for prefix in (DATA, PUBLIC) for _ in store.keys(f"{prefix}{slug}/"))
    return listed + (store.load(state_key(slug)) is not None)
