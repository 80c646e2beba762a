"""`feedmirror forget`: delete a feed with all that was mirrored of it."""

from __future__ import annotations

from argparse import Namespace
from functools import partial

from feedmirror.entrypoints.cli.command import Resources
from feedmirror.entrypoints.cli.selection import configured, public_url_of
from feedmirror.entrypoints.cli.terminal import agreed, counted, print_error
from feedmirror.entrypoints.store import open_store, open_versions
from feedmirror.entrypoints.telemetry import printable_text
from feedmirror.errors import ConfigError
from feedmirror.layout import DATA, PUBLIC, state_key
from feedmirror.mirror.deployment import Deployment
from feedmirror.ports import Store
from feedmirror.settings.slugs import SLUG
from feedmirror.site import publish_site


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
    print(f"{slug}: {counted(f'{number:,}', 'object')}, each with all versions")  # noqa: T201
    if arguments.dry_run:
        return 0
    if not arguments.yes and not agreed("Delete all of it for good?"):
        print_error("nothing was changed")
        return 1
    versions = open_versions(arguments.store)
    # The state first: a run that is still under way cannot commit any more.
    prefixes = (state_key(slug), f"{PUBLIC}{slug}/", f"{DATA}{slug}/")
    deleted = [versions.delete(prefix) for prefix in prefixes]
    kept = [line for one in deleted for line in one.kept]
    if kept:
        print_error("versions that may not be deleted:", *(f"  {line}" for line in kept))
        return 1
    if arguments.store.directory is None:  # whose functions publish the site
        print(f"{slug} is forgotten; the list of feeds follows at the next full hour")  # noqa: T201
        return 0
    now = resources.clock()
    publish_site(store, feeds, public_url, now, partial(Deployment, configured_at=now))
    print(f"{slug} is forgotten")  # noqa: T201 - the output
    return 0


def _objects(store: Store, slug: str) -> int:
    """Return how many objects there are of a feed. Raises: StoreError."""
    listed = sum(1 for prefix in (DATA, PUBLIC) for _ in store.keys(f"{prefix}{slug}/"))
    return listed + (store.load(state_key(slug)) is not None)
