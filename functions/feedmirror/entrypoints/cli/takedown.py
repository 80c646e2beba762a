"""`feedmirror takedown`: take an entry down for good."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from getpass import getuser
from pathlib import Path

from feedmirror.entrypoints.cli.command import Resources
from feedmirror.entrypoints.cli.rebuild import select_stored_feeds
from feedmirror.entrypoints.cli.selection import configured, date_of
from feedmirror.entrypoints.cli.terminal import agreed, counted, print_error, shown_progress
from feedmirror.entrypoints.store import open_cdn, open_store, open_versions, thread_map
from feedmirror.entrypoints.telemetry import printable_text, redacted
from feedmirror.errors import ConfigError, FeedMirrorError, StoreError
from feedmirror.mirror.deployment import Deployment
from feedmirror.model import Reason, Subscription
from feedmirror.site import publish_site, published_url
from feedmirror.takedown import Done, Order, Plan, Takedown

_KEY = re.compile(r"[0-9a-f]{32}")
_READ_DOLLARS = 0.0000004  # a GET of S3 Standard, in the cheapest regions
_PAGE = re.compile(r"https?://[^?#]*/([a-z0-9-]+)/entries/([0-9a-f]{32})\.html")


def takedown(arguments: Namespace, resources: Resources) -> int:
    """Run the command; return its exit code. Raises: ConfigError, StoreError."""
    if arguments.revision and len(arguments.entries) > 1:
        raise ConfigError(("--revision: give one ENTRY",))
    if arguments.revision and arguments.hide:
        raise ConfigError(("--revision and --hide: a single revision cannot be hidden",))
    with opened(arguments, resources) as (work, subscription, publish):
        try:
            return _carry_out(work, subscription, arguments, publish, resources.clock())
        except ConfigError:
            raise
        except FeedMirrorError as error:
            print_error(redacted(str(error), subscription))
            return 1


@contextmanager
def opened(
    arguments: Namespace, resources: Resources
) -> Iterator[tuple[Takedown, Subscription, Callable[[], None]]]:
    """Yield the takedown of entries of `arguments.feed`, the feed, and what brings the site's
    documents up to date. Raises: ConfigError, StoreError.
    """
    store = open_store(arguments.store, threads=arguments.threads)
    arguments.feeds = [arguments.feed]
    (subscription,), public_url = select_stored_feeds(arguments, store)
    since = _configured_at(arguments, resources.clock())
    with thread_map(arguments.threads) as side_by_side:
        work = Takedown(
            subscription,
            store,
            open_versions(arguments.store),
            public_url,
            lambda: Deployment(configured_at=since),
            clock=resources.clock,
            side_by_side=side_by_side,
        )

        def publish() -> None:
            # In a bucket it is the functions that publish the site, at the next full hour.
            if arguments.store.directory is not None and published_url(store) is not None:
                settings = configured(arguments.config)
                known = settings.subscriptions if settings else ()
                feeds = known if arguments.feed in {one.slug for one in known} else (subscription,)
                deployment = Deployment(configured_at=since)
                publish_site(store, feeds, public_url, resources.clock(), lambda: deployment)

        yield work, subscription, publish


def _carry_out(
    work: Takedown,
    subscription: Subscription,
    arguments: Namespace,
    publish: Callable[[], None],
    now: datetime,
) -> int:
    """Plan, print, ask and carry out; return the exit code. Raises: FeedMirrorError."""
    plans = {}
    for entry in arguments.entries:  # all of them first: one that is refused stops the command
        plan = _planned(work, subscription, arguments, entry)
        plans[plan.key] = plan
    if arguments.dry_run:
        return 0
    what = "it" if len(plans) == 1 else "them"
    question = f"Hide {what}?" if arguments.hide else f"Take {what} down for good?"
    if not arguments.yes and not agreed(question):
        print_error("nothing was changed")
        return 1
    order = Order(Reason(arguments.reason), arguments.reference, user(), arguments.hide)
    done, is_left = _done(work, subscription, plans, order)
    publish()
    invalidation = invalidated(arguments, " ".join(one.tombstone.name for one in done)[:80], now)
    for one in done:
        work.note(one, invalidation or None)
        plan = plans[one.tombstone.key]
        is_left |= bool(one.purged.kept) | _verified(work, plan, arguments)
    print(  # noqa: T201 - the output
        "not reached: what readers have fetched; dead letters and lines of the log, which may name "
        "entries until they expire (14 days and as the log group says)"
    )
    return 1 if is_left or invalidation is None else 0


def _planned(work: Takedown, subscription: Subscription, arguments: Namespace, entry: str) -> Plan:
    """Find an entry, and print what is to be written for it.

    Raises: FeedMirrorError; ConfigError where it is refused.
    """
    with shown_progress(live=True) as progress:

        def report(number: int) -> None:
            progress.show(f"{counted(f'{number:,}', 'archive page')} searched")

        key = _key_of(arguments, entry) or _found(work, arguments, entry, report)
        plan = work.plan(key, report, revision=arguments.revision)
        also_in = work.also_in(key)
    if plan is None:
        raise ConfigError((f"{arguments.feed} has no entry {key}", *_commands(also_in, key)))
    if arguments.hide and plan.was_removed_at and not plan.is_hidden:
        raise ConfigError((f"{key} was taken down for good: it cannot be hidden any more",))
    _print_plan(plan, subscription)
    if also_in:
        print("other feeds have the entry, too; for each:", *_commands(also_in, key), sep="\n")  # noqa: T201
    return plan


def _done(
    work: Takedown, subscription: Subscription, plans: Mapping[str, Plan], order: Order
) -> tuple[list[Done], bool]:
    """Take the entries down, each whatever becomes of the others; return those that are, and True
    if there are others.
    """
    done = []
    for key, plan in plans.items():
        try:
            done.append(work.carry_out(plan, order))
        except FeedMirrorError as error:
            print_error(f"{key}: {redacted(str(error), subscription)}")
            continue
        _print_done(done[-1], subscription.slug, is_hidden=order.is_hidden)
    return done, len(done) < len(plans)


def _commands(feeds: Iterable[str], key: str) -> list[str]:
    """Return the commands that take an entry of these feeds down, without the options."""
    return [f"  feedmirror takedown {slug} {key} …" for slug in feeds]


def _print_done(done: Done, slug: str, *, is_hidden: bool) -> None:
    name = done.tombstone.name
    if is_hidden:
        how = f"feedmirror restore {slug} {name}"
        print(f"{slug}: {name} is hidden; to bring it back: {how}")  # noqa: T201 - output
        return
    purged = counted(f"{done.purged.deleted:,}", "earlier version")
    print(f"{slug}: {name} was taken down; {purged} deleted")  # noqa: T201 - the output
    if done.purged.kept:
        print_error(
            "earlier versions that were not deleted, and may still have its words:",
            *(f"  {line}" for line in done.purged.kept),
        )


def invalidated(arguments: Namespace, name: str, now: datetime) -> str | None:
    """Have the CDN forget its copies, or say how; do nothing for a directory.

    Return the ID of the request, "" without one, or None if the CDN did not take it.
    """
    paths = f"/{arguments.feed}/*"
    if arguments.distribution:
        try:
            cdn = open_cdn(arguments.distribution)
            request = cdn.invalidate([paths], f"{name} {now:%Y%m%dT%H%M%SZ}")
        except StoreError as error:
            print_error(str(error))
            return None
        print(f"CloudFront forgets {paths} (invalidation {request})")  # noqa: T201 - the output
        return request
    if arguments.store.directory is None:
        print(  # noqa: T201 - the output
            "to have CloudFront forget its copies: aws cloudfront create-invalidation "
            f"--distribution-id ID --paths '{paths}'"
        )
    return ""


def _verified(work: Takedown, plan: Plan, arguments: Namespace) -> bool:
    """Look for words that are left, and print what was found; return True if there are any."""
    whole = arguments.verify == "all"
    if whole:
        number = work.objects()
        dollars = number * _READ_DOLLARS
        print(f"{counted(f'{number:,}', 'object')} to read, ${dollars:.4f} in S3")  # noqa: T201
    with shown_progress(live=True) as progress:
        result = work.verify(
            plan,
            whole=whole,
            only_public=arguments.hide,
            also={} if arguments.hide else _configuration(arguments.config),
            report=lambda n: progress.show(f"{n:,} objects verified"),
        )
    if result.unread:
        print_error(*result.unread)
    if not result.phrases:
        print(  # noqa: T201 - the output
            f"{plan.key} is not verified: its words are gone already, or too few to be looked for "
            "(at least 4 in a sentence, or 20 letters)"
        )
    elif result.left:
        print_error(f"words of {plan.key} are left in:", *(f"  {key}" for key in result.left))
    else:
        objects = counted(f"{result.read:,}", "object")
        print(f"verified: no words of {plan.key} in {objects}")  # noqa: T201 - the output
    return bool(result.left or result.unread)


def _configuration(path: Path) -> dict[str, bytes]:
    """Return the file of the configuration, by its name; nothing where there is none."""
    return {str(path): path.read_bytes()} if path.is_file() else {}


def _key_of(arguments: Namespace, entry: str) -> str | None:
    """Return the key that the command line names; None if it names the entry otherwise."""
    if _KEY.fullmatch(entry):
        return entry
    page = _PAGE.fullmatch(entry)
    return page[2] if page and page[1] == arguments.feed else None


def _found(work: Takedown, arguments: Namespace, entry: str, report: Callable[[int], None]) -> str:
    """Return the key of the entry with that GUID or permalink.

    Raises: ConfigError if there is none, or more than one.
    """
    found = work.find(entry, report)
    shown = printable_text(entry)
    if not found:
        what = "the KEY, the GUID or the URL of an entry, or the URL of its page on the mirror"
        raise ConfigError((f"{shown}: no entry of {arguments.feed} has it; it must be {what}",))
    if len(found) > 1:
        listed = (f"  {key}  {printable_text(guid)}" for key, guid in sorted(found.items()))
        raise ConfigError((f"{shown} is that of several entries: give the KEY of one", *listed))
    return next(iter(found))


def _configured_at(arguments: Namespace, now: datetime) -> datetime:
    """Return when the feed was configured: the date of feeds.toml, or now."""
    settings = configured(arguments.config)
    known = {feed.slug for feed in settings.subscriptions} if settings else set()
    is_current = arguments.public_url or arguments.feed not in known
    return now if is_current else date_of(arguments.config)


def _print_plan(plan: Plan, subscription: Subscription) -> None:
    title = next((one.title for one in plan.revisions if one.title), None)
    title = redacted(printable_text(title), subscription) if title else "without a title"
    again = f", taken down already on {plan.was_removed_at:%Y-%m-%d}" if plan.was_removed_at else ""
    lines = [f"{subscription.slug}: {title} ({plan.key}){again}", "to be written:"]
    print("\n".join((*lines, *(f"  {key}" for key in plan.objects))))  # noqa: T201 - the output


def user() -> str:
    """Return the name of the user who runs the command, for the log."""
    try:
        return getuser()
    except (KeyError, OSError):  # a container may have none
        return "unknown"
