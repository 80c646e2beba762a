"""`feedmirror takedown`: take an entry down for good."""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from datetime import datetime
from getpass import getuser

from feedmirror.entrypoints.cli.command import Resources
from feedmirror.entrypoints.cli.rebuild import select_stored_feeds
from feedmirror.entrypoints.cli.selection import configured, date_of
from feedmirror.entrypoints.cli.terminal import counted, print_error, shown_progress
from feedmirror.entrypoints.store import open_store, thread_map
from feedmirror.entrypoints.telemetry import printable_text, redacted
from feedmirror.errors import ConfigError, FeedMirrorError
from feedmirror.mirror.deployment import Deployment
from feedmirror.model import Reason, Subscription
from feedmirror.takedown import Order, Plan, Takedown

_KEY = re.compile(r"[0-9a-f]{32}")
_PAGE = re.compile(r"https?://[^?#]*/([a-z0-9-]+)/entries/([0-9a-f]{32})\.html")


def takedown(arguments: Namespace, resources: Resources) -> int:
    """Run the command; return its exit code. Raises: ConfigError, StoreError."""
    key = _key_of(arguments)
    store = open_store(arguments.store, threads=arguments.threads)
    arguments.feeds = [arguments.feed]
    (subscription,), public_url = select_stored_feeds(arguments, store)
    since = _configured_at(arguments, resources.clock())
    with thread_map(arguments.threads) as side_by_side:
        work = Takedown(
            subscription,
            store,
            public_url,
            lambda: Deployment(configured_at=since),
            clock=resources.clock,
            side_by_side=side_by_side,
        )
        try:
            return _carry_out(work, key, subscription, arguments)
        except ConfigError:
            raise
        except FeedMirrorError as error:
            print_error(redacted(str(error), subscription))
            return 1


def _carry_out(work: Takedown, key: str, subscription: Subscription, arguments: Namespace) -> int:
    """Plan, print, ask and carry out; return the exit code. Raises: FeedMirrorError."""
    with shown_progress(live=True) as progress:
        plan = work.plan(
            key, lambda n: progress.show(f"{counted(f'{n:,}', 'archive page')} searched")
        )
    if plan is None:
        raise ConfigError((f"{arguments.feed} has no entry {key}",))
    _print_plan(plan, subscription)
    if arguments.dry_run:
        return 0
    if not arguments.yes and not _agreed():
        print_error("nothing was changed")
        return 1
    work.carry_out(plan, Order(Reason(arguments.reason), arguments.reference, _user()))
    print(f"{arguments.feed}: {key} was taken down")  # noqa: T201 - the output
    return 0


def _key_of(arguments: Namespace) -> str:
    """Return the key that the command line names. Raises: ConfigError."""
    if _KEY.fullmatch(arguments.entry):
        return str(arguments.entry)
    page = _PAGE.fullmatch(arguments.entry)
    if page and page[1] == arguments.feed:
        return page[2]
    shown = printable_text(arguments.entry)
    raise ConfigError(
        (
            f"{shown}: neither the KEY of an entry nor the URL of its page on the mirror",
            f"a page of {arguments.feed} ends with /{arguments.feed}/entries/KEY.html",
        )
    )


def _configured_at(arguments: Namespace, now: datetime) -> datetime:
    """Return when the feed was configured: the date of feeds.toml, or now."""
    settings = configured(arguments.config)
    known = {feed.slug for feed in settings.subscriptions} if settings else set()
    is_current = arguments.public_url or arguments.feed not in known
    return now if is_current else date_of(arguments.config)


def _print_plan(plan: Plan, subscription: Subscription) -> None:
    title = plan.revision.entry.title if plan.revision else None
    title = redacted(printable_text(title), subscription) if title else "without a title"
    again = f", taken down already on {plan.was_removed_at:%Y-%m-%d}" if plan.was_removed_at else ""
    lines = [f"{subscription.slug}: {title} ({plan.key}){again}", "to be written:"]
    print("\n".join((*lines, *(f"  {key}" for key in plan.objects))))  # noqa: T201 - the output


def _agreed() -> bool:
    """Ask on the terminal; return False where there is none."""
    if not sys.stdin.isatty():
        print_error("there is no terminal to ask on: give --yes, or --dry-run")
        return False
    print("Take it down for good? [y/N] ", end="", flush=True)  # noqa: T201 - the question
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _user() -> str:
    """Return the name of the user who runs the command, for the log."""
    try:
        return getuser()
    except (KeyError, OSError):  # a container may have none
        return "unknown"
