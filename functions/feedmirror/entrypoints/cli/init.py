"""`feedmirror init`: fetch a feed and write a feeds.toml for it, with every option explained."""

from __future__ import annotations

import html
import re
import shlex
from argparse import Namespace
from pathlib import Path
from urllib.parse import urljoin

from msgspec.structs import replace

from feedmirror.entrypoints.cli.command import Resources
from feedmirror.entrypoints.cli.terminal import counted, print_error, shown_progress
from feedmirror.entrypoints.telemetry import printable_text, redacted
from feedmirror.errors import ConfigError, FeedError, FetchError, Kind, ParseError
from feedmirror.model import DEFAULT_DISCLAIMER, Fetched, ParsedFeed, Subscription
from feedmirror.ports import Origin
from feedmirror.publishing.redaction import public_settings
from feedmirror.settings.load import subscription_for
from feedmirror.text.secrets import hidden, secrets_of

_FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json")
_PAGE_BYTES = 500_000  # searched for links to feeds; the head of a page ends before
_MOST_ADVERTISED = 10
# A page is hostile input too: each pattern is bounded, and none can backtrack far.
_LINK = re.compile(r"<link\s([^<>]{1,2000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""([a-z]{1,20})\s{0,9}=\s{0,9}("[^"]{0,2000}"|'[^']{0,2000}'|[^\s"']{1,2000})""",
    re.IGNORECASE,
)


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
        asked = subscription_for(arguments.url, slug=arguments.slug, **options)
        try:
            with shown_progress(live=True) as progress:
                progress.show(f"fetching {redacted(asked.url, asked)}")
                fetched = _fetch(resources.web(resources.clock), asked)
        except FetchError as error:
            return _fail(error, asked)
        try:
            parsed = parser.parse(fetched, frozenset())
        except ParseError as error:
            return _fail(error, asked, advertised(fetched))
    # Follow a permanent redirect at once: its target has just sent a feed.
    found = subscription_for(fetched.moved_to or asked.url, slug=asked.slug, **options)
    _write(path, feeds_toml(found))
    report = _report(path, found, fetched, parsed)
    asked_too = replace(found, alternates=(asked.url,))
    print(hidden(report, secrets_of(asked_too, fetched.url)))  # noqa: T201 - the output
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
                "add the feed to it, or write another file with --config FILE",
                f"to validate it: feedmirror check --config {name}",
            )
        )


def _write(path: Path, text: str) -> None:
    """Create the file. Raises: ConfigError if it exists or cannot be written."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        _refuse_existing(path)
    except OSError as error:
        raise ConfigError((f"{path} cannot be written: {error.strerror}",)) from error


def _fetch(origin: Origin, asked: Subscription) -> Fetched:
    """Fetch the document. Raises: FetchError."""
    reply = origin.fetch(asked, asked.url, {})
    if isinstance(reply, Fetched):
        return reply
    raise FetchError(Kind.GONE, "the server answers HTTP 410: the feed is permanently gone")


def _fail(error: FeedError, asked: Subscription, elsewhere: tuple[str, ...] = ()) -> int:
    """Print why no file is written, and the feeds found `elsewhere`; return the exit code."""
    lines = [redacted(str(error), asked)]
    if elsewhere:
        lines += ["The page links to these feeds; try one of them:"]
        lines += [f"  feedmirror init {shlex.quote(redacted(url, asked))}" for url in elsewhere]
    print_error(*lines, "Nothing was written.")
    return 1


def advertised(page: Fetched) -> tuple[str, ...]:
    """Return the absolute addresses of the feeds that an HTML page links to, the first ten at most.

    Source: HTML Living Standard, "Link type `alternate`"; RSS Advisory Board, "RSS Autodiscovery".
    """
    text = page.body[:_PAGE_BYTES].decode("utf-8", "replace")  # markup is ASCII in any case
    links = (
        {n.lower(): v.strip("\"'") for n, v in _ATTRIBUTE.findall(m)} for m in _LINK.findall(text)
    )
    hrefs = (
        urljoin(page.url, html.unescape(link["href"]).strip())
        for link in links
        if "href" in link
        and "alternate" in link.get("rel", "").lower().split()
        and link.get("type", "").partition(";")[0].strip().lower() in _FEED_TYPES
    )
    usable = (url for url in hrefs if url.startswith(("http://", "https://")) and url.isprintable())
    return tuple(dict.fromkeys(usable))[:_MOST_ADVERTISED]


def _report(path: Path, found: Subscription, fetched: Fetched, parsed: ParsedFeed) -> str:
    """Render a summary of the feed, the file written, and the next steps."""
    feed = parsed.feed
    lines = [
        printable_text(feed.title or "(the feed has no title)"),
        f"  {printable_text(feed.kind)}, {counted(len(parsed.items), 'entry')}{_newest(parsed)}",
    ]
    if fetched.moved_to:
        lines.append(f"  moved for good to {printable_text(fetched.moved_to)}, which was written")
    if not parsed.complete:
        lines.append("  The document is truncated; only complete entries are counted.")
    shown = public_settings(found).source_url
    option = "" if path == Path("feeds.toml") else f" --config {shlex.quote(str(path))}"
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


def _newest(parsed: ParsedFeed) -> str:
    dates = [e.published or e.updated for e in parsed.entries.values()]
    newest = max(filter(None, dates), default=None)
    return f", the newest of {newest:%Y-%m-%d %H:%M} UTC" if newest else ", without dates"
