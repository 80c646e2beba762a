"""`feedmirror add` and `feedmirror import`: put feeds into feeds.toml, its comments kept."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from feedmirror.adapters.origin.file import FileOrigin
from feedmirror.discovery import web_address
from feedmirror.entrypoints.cli.command import Resources
from feedmirror.entrypoints.cli.config_file import config_option, edit_config
from feedmirror.entrypoints.cli.discover import discover, feed_of
from feedmirror.entrypoints.cli.init import feeds_toml, summary_of, write_new
from feedmirror.entrypoints.cli.selection import DEFAULT_PUBLIC_URL, local_path
from feedmirror.entrypoints.cli.terminal import counted, print_error, shown_progress
from feedmirror.entrypoints.telemetry import printable_text, redacted
from feedmirror.errors import ConfigError, FeedError, FetchError, Kind
from feedmirror.model import Fetched, Subscription
from feedmirror.parsing.opml import Outline, read_opml
from feedmirror.ports import DocumentParser, Origin
from feedmirror.publishing.formats import formats
from feedmirror.settings.edits import (
    append_feeds,
    feeds_of,
    free_slug,
    slug_of_title,
    validated,
)
from feedmirror.settings.load import Settings, read_text, subscription_for
from feedmirror.text.secrets import hidden, hidden_address, secrets_of


def add(arguments: Namespace, resources: Resources) -> int:
    """Run `feedmirror add`; return its exit code, 1 if one of the feeds was not added.

    Raises: ConfigError.
    """
    path: Path = arguments.config
    if arguments.slug and len(arguments.urls) > 1:
        raise ConfigError(("--slug is the name of one feed, and several are to be added",))
    code = 0
    with resources.start_parser() as parser:
        web = resources.web(resources.clock)
        for url in arguments.urls:
            code = max(code, _add(url, path, arguments, web, parser))
    return code


def _add(url: str, path: Path, arguments: Namespace, web: Origin, parser: DocumentParser) -> int:
    options = {"allow_private_hosts": arguments.allow_private_hosts or None}
    address = web_address(url) or url
    asked = subscription_for(address, slug=arguments.slug, **options)
    if _is_known(asked, path):
        return 0
    try:
        found = discover(arguments, asked, web)
        parsed = parser.parse(found.fetched, frozenset())
    except FeedError as error:
        print_error(redacted(str(error), asked), f"{path} was left as it was.")
        return 1
    feed = feed_of(found, asked, arguments.slug, **options, title=arguments.title)
    added, settings = _append(path, (feed,), is_named=bool(arguments.slug))
    if not added:
        return int(not _is_known(feed, path))
    title = printable_text(parsed.feed.title or "(the feed has no title)")
    lines = [
        f"Added {added[0].slug} to {path}: {title}, {summary_of(parsed)}",
        *_addresses(added[0], settings),
        f"To mirror it now: feedmirror run --feed {added[0].slug}{config_option(path)}",
    ]
    secrets = secrets_of(replace(feed, alternates=(asked.url,)), found.fetched.url)
    print(hidden("\n".join(lines), secrets))  # noqa: T201
    return 0


def _is_known(feed: Subscription, path: Path) -> bool:
    """Return True if the file has a feed of that address, and say which."""
    for known in feeds_of(read_text(path)) if path.exists() else ():
        if known.url == feed.url:
            shown = redacted(known.url, known)
            print(f"{known.slug} ({shown}) is in {path} already.")  # noqa: T201 - the output
            return True
    return False


def _addresses(feed: Subscription, settings: Settings) -> Iterator[str]:
    base = settings.public_url or DEFAULT_PUBLIC_URL
    for made in formats():
        yield f"  {base}/{feed.slug}/{made.path}"


def import_feeds(arguments: Namespace, resources: Resources) -> int:
    """Run `feedmirror import`; return its exit code, 1 if some of the list could not be used.

    Raises: ConfigError.
    """
    path: Path = arguments.config
    try:
        with shown_progress(live=True) as progress:
            progress.show("reading the list")
            fetched = _fetch_list(arguments, resources)
        outlines = read_opml(fetched.body, fetched.content_type)
    except FeedError as error:
        print_error(printable_text(str(error)), f"{path} was left as it was.")
        return 1
    if not outlines:
        print_error("the list names no feed", f"{path} was left as it was.")
        return 1
    feeds: list[Subscription] = []
    refused: list[str] = []
    for outline in outlines:
        try:
            feeds.append(_feed_of_outline(outline))
        except ConfigError as error:
            shown = printable_text(hidden_address(outline.url))
            refused.append(f"  {shown}: {error.problems[0].removeprefix('url: ')}")
    added, _ = _append(path, feeds) if feeds else ((), None)
    known = len(feeds) - len(added)
    print(  # noqa: T201
        f"Added {counted(len(added), 'feed')} to {path}; {known} were in it already.\n"
        f"To mirror them: feedmirror run{config_option(path)}"
    )
    if refused:
        print_error(f"{counted(len(refused), 'address')} of the list cannot be used:", *refused)
    return 1 if refused else 0


def _fetch_list(arguments: Namespace, resources: Resources) -> Fetched:
    """Fetch the list from a file or an address. Raises: FetchError, ConfigError."""
    options = {"allow_private_hosts": arguments.allow_private_hosts or None}
    web = resources.web(resources.clock)
    file = local_path(arguments.source)
    url = "https://file.invalid/" if file else web_address(arguments.source) or arguments.source
    asked = subscription_for(url, slug="list", **options)
    origin = FileOrigin({url: file}, web) if file else web
    reply = origin.fetch(asked, url, {})
    if isinstance(reply, Fetched):
        return reply
    raise FetchError(Kind.GONE, "the server answers HTTP 410: the list is permanently gone")


def _feed_of_outline(outline: Outline) -> Subscription:
    """Return the feed, named by its title. Raises: ConfigError for an address of no feed."""
    address = web_address(outline.url) or outline.url
    return subscription_for(address, slug=slug_of_title(outline.title))


def _append(
    path: Path, feeds: Sequence[Subscription], *, is_named: bool = False
) -> tuple[tuple[Subscription, ...], Settings]:
    """Append the feeds that the file does not have yet; return these, and the settings then.

    A missing file is made, with comments. A name that is taken is numbered, unless it `is_named`
    by a person. Raises: ConfigError.
    """
    added: list[Subscription] = []

    def edit(text: str) -> str:
        known = feeds_of(text)
        slugs, urls = {each.slug for each in known}, {each.url for each in known}
        added.clear()
        for feed in feeds:
            if feed.url in urls:
                continue
            if is_named and feed.slug in slugs:
                raise ConfigError((f"{feed.slug} is the name of another feed in {path}",))
            added.append(replace(feed, slug=free_slug(feed.slug, slugs)))
            slugs.add(added[-1].slug)
            urls.add(feed.url)
        if text:
            return append_feeds(text, added)
        return append_feeds(feeds_toml(added[0]), added[1:])

    if path.exists() or path.is_symlink():
        settings = edit_config(path, edit)
    else:
        text = edit("")
        settings = validated(text, str(path))
        write_new(path, text)
    return tuple(added), settings
