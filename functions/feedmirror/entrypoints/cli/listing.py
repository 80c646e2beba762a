"""`feedmirror list` and `feedmirror export`: show the feeds of feeds.toml, as a table or OPML."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

from feedmirror.entrypoints.cli.command import Resources
from feedmirror.entrypoints.cli.selection import DEFAULT_PUBLIC_URL, missing
from feedmirror.entrypoints.cli.terminal import counted, print_error, show_table
from feedmirror.entrypoints.telemetry import redacted
from feedmirror.layout import RSS_XML
from feedmirror.mirror.health import FeedLine
from feedmirror.publishing.formats.opml import render_list
from feedmirror.settings.load import Settings, load_settings
from feedmirror.settings.values import shown_duration
from feedmirror.text.secrets import secrets_of


def list_feeds(arguments: Namespace, _resources: Resources) -> int:
    """Run `feedmirror list`; return its exit code. Raises: ConfigError."""
    settings = _load(arguments.config)
    base = settings.public_url or DEFAULT_PUBLIC_URL
    if arguments.json:
        feeds = [
            {
                "slug": feed.slug,
                "url": redacted(feed.url, feed),
                "title": feed.title,
                "every_s": feed.every_s,
                "retired": feed.retired,
                "public": f"{base}/{feed.slug}/{RSS_XML}",
            }
            for feed in settings.subscriptions
        ]
        print(json.dumps({"feeds": feeds}, indent=2, ensure_ascii=False))  # noqa: T201 - the output
        return 0
    rows = [
        (
            feed.slug,
            "retired" if feed.retired else shown_duration(feed.every_s),
            redacted(feed.url, feed),
        )
        for feed in settings.subscriptions
    ]
    show_table(("feed", "every", "url"), rows, numbers={"every"})
    return 0


def export(arguments: Namespace, _resources: Resources) -> int:
    """Run `feedmirror export`; return its exit code. Raises: ConfigError."""
    feeds = [feed for feed in _load(arguments.config).subscriptions if feed.url]
    secret = [] if arguments.with_secrets else [feed.slug for feed in feeds if secrets_of(feed)]
    lines = [
        FeedLine(
            slug=feed.slug,
            title=feed.title,
            documents={RSS_XML: feed.url},
            is_retired=feed.retired,
        )
        for feed in feeds
        if feed.slug not in secret
    ]
    print(render_list(lines, f"Feeds of {arguments.config.name}"), end="")  # noqa: T201
    if secret:
        print_error(
            f"{counted(len(secret), 'feed')} left out, with a secret in the address or the "
            f"headers: {', '.join(secret)}",
            "to export these addresses, too: --with-secrets",
        )
    return 0


def _load(path: Path) -> Settings:
    if not path.exists():
        raise missing(path)
    return load_settings(path)
