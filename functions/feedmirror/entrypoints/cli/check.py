"""`feedmirror check`: validate feeds.toml; report every problem, or list the configured feeds. With
`--renewal`, say what the configuration would have rendered anew.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from feedmirror.entrypoints.cli.command import Resources
from feedmirror.entrypoints.cli.selection import DEFAULT_PUBLIC_URL, missing
from feedmirror.entrypoints.cli.terminal import counted, print_error, show_table
from feedmirror.entrypoints.telemetry import redacted
from feedmirror.errors import ConfigError, FetchError
from feedmirror.model import Subscription
from feedmirror.publishing.formats import formats
from feedmirror.publishing.redaction import public_settings
from feedmirror.settings.load import Settings, load_settings
from feedmirror.settings.values import shown_duration
from feedmirror.text.secrets import secrets_of


def check(arguments: Namespace, resources: Resources) -> int:
    """Run the command; return its exit code, 2 if there is a problem.

    Raises: ConfigError; with `--renewal`, StoreError.
    """
    path: Path = arguments.config
    if not path.exists():
        raise missing(path)
    try:
        settings = load_settings(path)
    except ConfigError as error:
        print_error(f"{counted(len(error.problems), 'problem')} in {path}", *error.problems)
        return 2
    if refused := [line for feed in settings.subscriptions for line in _refused(feed)]:
        print_error(f"{counted(len(refused), 'problem')} in {path}", *refused)
        return 2
    if arguments.renewal:
        from feedmirror.entrypoints.cli.renewal_plan import print_plan  # noqa: PLC0415 - imports the templates

        print(f"{path} is valid: {counted(len(settings.subscriptions), 'feed')}.")  # noqa: T201 - the output
        return print_plan(arguments, settings, resources.clock())
    _print_feeds(path, settings)
    return 0


def _print_feeds(path: Path, settings: Settings) -> None:
    """Print the feeds, and what there is to say of all of them."""
    base = settings.public_url or DEFAULT_PUBLIC_URL
    rows = [row for each in settings.subscriptions for row in _rows(each, base)]
    head = ("feed", "every", "keep", "address", "source")
    show_table(head, rows, numbers={"every", "keep"})
    lines = ["", f"{path} is valid: {counted(len(settings.subscriptions), 'feed')}."]
    if private := [s.slug for s in settings.subscriptions if not s.source_url and secrets_of(s)]:
        lines.append(f"Secrets in `url` are hidden from the readers of: {', '.join(private)}.")
        lines.append("To show another address as the source, set `source_url`.")
    if settings.public_url is None:
        lines.append("public_url is not set: the addresses are those of `feedmirror serve`.")
    print("\n".join(lines))  # noqa: T201 - the output


def _refused(subscription: Subscription) -> Iterator[str]:
    """Yield a problem for each address that every run refuses, whatever its host resolves to."""
    from feedmirror.adapters.origin.address_guard import Guard  # noqa: PLC0415 - not needed after a fault
    from feedmirror.adapters.origin.target import parse_target  # noqa: PLC0415

    for url in (subscription.url, *subscription.alternates):
        try:
            target = parse_target(url)
            Guard().check_number(target, allow_private=subscription.allow_private_hosts)
        except FetchError as error:
            yield f"feeds.{subscription.slug}: {redacted(str(error), subscription)}"


def _rows(subscription: Subscription, base: str) -> Iterator[tuple[str, ...]]:
    """Yield a table row for each public address; the first one has the other columns, too."""
    every = "retired" if subscription.retired else shown_duration(subscription.every_s)
    columns = (subscription.slug, every, str(subscription.keep))
    source = public_settings(subscription).source_url
    for made in formats():
        yield (*columns, f"{base}/{subscription.slug}/{made.path}", source)
        columns, source = ("", "", ""), ""
