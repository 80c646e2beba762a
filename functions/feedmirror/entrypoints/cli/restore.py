"""`feedmirror restore`: release entries that were left out for looking like removed ones."""

from __future__ import annotations

from argparse import Namespace

from feedmirror.entrypoints.cli.command import Resources
from feedmirror.entrypoints.cli.terminal import print_error
from feedmirror.entrypoints.store import open_store
from feedmirror.takedown import release


def restore(arguments: Namespace, resources: Resources) -> int:
    """Run the command; return its exit code. Raises: StoreError."""
    store = open_store(arguments.store, threads=1)
    result = release(store, arguments.feed, tuple(arguments.keys), resources.clock())
    for key in result.released:
        print(f"{arguments.feed}: {key} is taken at the next refresh")  # noqa: T201 - the output
    for key in result.purged:
        print_error(f"{key} was taken down: its words are purged, and cannot be restored")
    for key in result.unknown:
        print_error(f"{key}: nothing of that KEY is left out of {arguments.feed}")
    return 1 if result.purged or result.unknown else 0
