"""`feedmirror restore`: bring hidden entries back, and release ones that look like removed ones."""

from __future__ import annotations

from argparse import Namespace

from feedmirror import restore as restoring
from feedmirror.entrypoints.cli.command import Resources
from feedmirror.entrypoints.cli.takedown import invalidated, opened, user
from feedmirror.entrypoints.cli.terminal import print_error
from feedmirror.entrypoints.store import open_store
from feedmirror.errors import FeedMirrorError


def restore(arguments: Namespace, resources: Resources) -> int:
    """Run the command; return its exit code. Raises: ConfigError, StoreError."""
    store = open_store(arguments.store, threads=arguments.threads)
    keys = dict.fromkeys(arguments.keys)
    hidden = [key for key in keys if restoring.is_hidden(store, arguments.feed, key)]
    failed = _restored(arguments, resources, hidden) if hidden else []
    left = tuple(key for key in keys if key not in hidden)
    result = restoring.release(store, arguments.feed, left, resources.clock())
    for key in result.released:
        print(f"{arguments.feed}: {key} is taken at the next refresh")  # noqa: T201 - the output
    for key in result.purged:
        print_error(f"{key} was taken down: its words are purged, and cannot be restored")
    for key in result.unknown:
        print_error(f"{key}: no entry of that KEY is hidden or left out of {arguments.feed}")
    return 1 if failed or result.purged or result.unknown else 0


def _restored(arguments: Namespace, resources: Resources, keys: list[str]) -> list[str]:
    """Bring hidden entries back; return those that are not. Raises: ConfigError, StoreError."""
    failed = []
    with opened(arguments, resources) as (work, subscription, publish):
        for key in keys:
            try:
                restoring.restore(work, key, by=user(), now=resources.clock())
            except FeedMirrorError as error:
                print_error(f"{key}: {error}; run the command again")
                failed.append(key)
                continue
            print(f"{subscription.slug}: {key} is restored")  # noqa: T201 - the output
        publish()
    if invalidated(arguments, f"restore {' '.join(keys)[:60]}", resources.clock()) is None:
        failed += keys
    return failed
