"""`feedmirror init`: fetch a feed and write a feeds.toml for it, with every option explained."""

from __future__ import annotations

import shlex
from argparse import Namespace
from pathlib import Path

from msgspec.structs import replace

from feedmirror.discovery import web_address
from feedmirror.entrypoints.cli.command import Resources
from feedmirror.entrypoints.cli.config_file import config_option
from feedmirror.entrypoints.cli.discover import discover, feed_of
from feedmirror.entrypoints.cli.terminal import counted, print_error
from feedmirror.entrypoints.telemetry import printable_text, redacted
from feedmirror.errors import ConfigError, FeedError
from feedmirror.model import DEFAULT_DISCLAIMER, Fetched, ParsedFeed, Subscription
from feedmirror.publishing.redaction import public_settings
from feedmirror.settings.load import subscription_for
from feedmirror.text.secrets import hidden, secrets_of

_TEMPLATE = """\
# What feedmirror mirrors. Every key is explained in docs/configuration.md.

# Where readers find the public files; feeds then name their own address.
# public_url = "https://feeds.example.org"

[defaults]
# How the origin reaches you: sent with every request, so that nobody has to block you to be heard.
# contact = "mailto:you@example.org"

# What every entry says, in your words: plain `text`, or `html` with a few harmless tags. They go
# between the three quotation marks as they are; only braces are special: {{source_title}},
# {{source_url}}, {{entry_url}} and {{fetched}} stand for what they name, {{{{ and }}}} for braces.
[defaults.disclaimer]
language = "{language}"
html = '''
{words}
'''

# The feed. Its name, {slug}, becomes part of its public address: choose it once.
[feeds.{slug}]
url = "{url}"
# title = "A title instead of the origin's"
# keep = {keep}        # entries in the public feed, at least
# every = "{every_m}m"    # how often the origin is asked
"""


def init(arguments: Namespace, resources: Resources) -> int:
    """Run the command; return its exit code, 1 if no feed was found. Raises: ConfigError."""
    path: Path = arguments.config
    with resources.start_parser() as parser:
        _refuse_existing(path)
        options = {"allow_private_hosts": arguments.allow_private_hosts or None}
        address = web_address(arguments.url) or arguments.url
        asked = subscription_for(address, slug=arguments.slug, **options)
        try:
            discovered = discover(arguments, asked, resources.web(resources.clock))
            parsed = parser.parse(discovered.fetched, frozenset())
        except FeedError as error:
            print_error(redacted(str(error), asked), "Nothing was written.")
            return 1
    # Follow a permanent redirect at once: its target has just sent a feed.
    found = feed_of(discovered, asked, arguments.slug, **options)
    write_new(path, feeds_toml(found))
    report = _report(path, found, discovered.fetched, parsed)
    asked_too = replace(found, alternates=(asked.url,))
    print(hidden(report, secrets_of(asked_too, discovered.fetched.url)))  # noqa: T201 - the output
    return 0


def feeds_toml(feed: Subscription) -> str:
    """Return a commented feeds.toml for a feed with the default settings."""
    text = _TEMPLATE.format(
        language=DEFAULT_DISCLAIMER.language,
        words=DEFAULT_DISCLAIMER.html,
        slug=feed.slug,
        url=feed.url,  # valid, so its characters need no escape
        keep=feed.keep,
        every_m=feed.every_s // 60,
    )
    # The template ends with the table of the feed.
    return text + ("allow_private_hosts = true\n" if feed.allow_private_hosts else "")


def _refuse_existing(path: Path) -> None:
    if path.exists() or path.is_symlink():
        name = shlex.quote(str(path))
        raise ConfigError(
            (
                f"{path} exists already; nothing was written",
                "to add the feed to it: feedmirror add URL",
                "to write another file, give --config FILE",
                f"to validate it: feedmirror check --config {name}",
            )
        )


def write_new(path: Path, text: str) -> None:
    """Create the file. Raises: ConfigError if it exists or cannot be written."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        _refuse_existing(path)
    except OSError as error:
        raise ConfigError((f"{path} cannot be written: {error.strerror}",)) from error


def _report(path: Path, found: Subscription, fetched: Fetched, parsed: ParsedFeed) -> str:
    """Render a summary of the feed, the file written, and the next steps."""
    lines = [
        printable_text(parsed.feed.title or "(the feed has no title)"),
        f"  {summary_of(parsed)}",
    ]
    if fetched.moved_to:
        lines.append(f"  moved for good to {printable_text(fetched.moved_to)}, which was written")
    if not parsed.complete:
        lines.append("  The document is truncated; only complete entries are counted.")
    shown = public_settings(found).source_url
    option = config_option(path)
    return "\n".join(
        (
            *lines,
            "",
            f"Wrote {path}; the feed's slug is {found.slug}.",
            f"Readers see {shown} as its source; to show another address, set `source_url`.",
            "Set the text on its entries under [defaults.disclaimer]. Then:",
            f"  feedmirror check{option}",
            f"  feedmirror run{option}",
        )
    )


def summary_of(parsed: ParsedFeed) -> str:
    """Render a feed's format, its entries and the date of the newest."""
    dates = [e.published or e.updated for e in parsed.entries.values()]
    newest = max(filter(None, dates), default=None)
    said = f", the newest of {newest:%Y-%m-%d %H:%M} UTC" if newest else ", without dates"
    return f"{printable_text(parsed.feed.kind)}, {counted(len(parsed.items), 'entry')}{said}"
