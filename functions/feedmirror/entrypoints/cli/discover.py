"""Choice of a feed, where the address on the command line is that of a page with several."""

from __future__ import annotations

import shlex
import sys
from argparse import Namespace
from collections.abc import Sequence

from feedmirror.discovery import Found, find_feed
from feedmirror.entrypoints.cli.terminal import Progress, counted, shown_progress
from feedmirror.entrypoints.telemetry import printable_text, redacted
from feedmirror.errors import ConfigError
from feedmirror.model import Subscription
from feedmirror.parsing.feed_links import FeedLink
from feedmirror.ports import Origin
from feedmirror.settings.load import subscription_for

_MOST_SHOWN = 20


def discover(arguments: Namespace, asked: Subscription, origin: Origin) -> Found:
    """Find the feed at `asked.url`, or that the page there names; show what is fetched.

    Of several feeds, the one that `--first` or `--pick` says is meant, or that is chosen on the
    terminal.

    Raises: FetchError, ParseError, ConfigError for several feeds without a choice.
    """
    is_quiet = arguments.quiet or arguments.json
    is_text = sys.stderr.isatty() or arguments.log_format == "text"
    with shown_progress(live=not is_quiet) as progress:

        def choose(links: Sequence[FeedLink]) -> FeedLink:
            return _chosen(links, arguments, asked, progress)

        progress.show(f"fetching {redacted(asked.url, asked)}")
        found = find_feed(asked, origin, choose)
        if found.page and is_text and not is_quiet:
            title = f" ({printable_text(found.title)})" if found.title else ""
            page, feed = redacted(asked.url, asked), redacted(found.url, asked)
            progress.write(f"{page} names the feed {feed}{title}")
        return found


def feed_of(found: Found, asked: Subscription, slug: str | None, **keys: object) -> Subscription:
    """Return the subscription of a feed that was found; `keys` are keys of a feed in feeds.toml.

    Its slug is `slug`, or that of the address asked for; one of several feeds has its own.
    """
    return subscription_for(found.url, slug=slug if found.is_chosen else asked.slug, **keys)


def _chosen(
    links: Sequence[FeedLink], arguments: Namespace, asked: Subscription, progress: Progress
) -> FeedLink:
    number = 1 if arguments.first else arguments.pick
    lines = [f"{redacted(asked.url, asked)} names {counted(len(links), 'feed')}:"]
    for count, link in enumerate(links[:_MOST_SHOWN], 1):
        title = f"  {printable_text(link.title)}" if link.title else ""
        lines.append(f"{count:>4}  {redacted(link.url, asked)}{title}")
    if len(links) > _MOST_SHOWN:
        lines.append(f"      and {len(links) - _MOST_SHOWN} more")
    if number is None and sys.stdin.isatty() and sys.stderr.isatty():
        answer = progress.ask(lines, f"Which one? [1 to {len(links)}] ")
        number = int(answer) if answer.isdecimal() and answer.isascii() else 0
    if number is None:
        command = f"feedmirror {arguments.command} {shlex.quote(redacted(asked.url, asked))}"
        lines += ["Give one of these addresses, or its number:", f"  {command} --pick 1"]
        raise ConfigError(tuple(lines))
    if not 1 <= number <= len(links):
        raise ConfigError((*lines, f"There is none of that number: give 1 to {len(links)}."))
    return links[number - 1]
