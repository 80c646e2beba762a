"""Command-line parser: the subcommands, their options and their help."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from feedmirror import __version__
from feedmirror.entrypoints.store import MOST_THREADS, StoreLocation, parse_location
from feedmirror.errors import ConfigError
from feedmirror.model import Reason
from feedmirror.settings.problems import closest_name

DEFAULT_CONFIG = Path("feeds.toml")
DEFAULT_STORE = StoreLocation(Path("mirror"))

_STYLE: dict[str, Any] = {
    "formatter_class": RawDescriptionHelpFormatter,
    "allow_abbrev": False,  # a new option must not change the meaning of a script's abbreviation
}


def parse_arguments(argv: Sequence[str]) -> Namespace:
    """Parse the command line into `command` and its options.

    Raises: SystemExit, with 2 after an error on stderr, or with 0 after --help or --version.
    """
    parser, commands = command_parser()
    if "_ARGCOMPLETE" in os.environ:  # set by the shell's function, while a word is completed
        from feedmirror.entrypoints.cli.completion import complete  # noqa: PLC0415 - for that alone

        complete(parser, commands.values())
    if argv and not argv[0].startswith("-") and argv[0] not in commands:
        guess = closest_name(argv[0], commands)
        hint = f"did you mean {guess}?" if guess else "`feedmirror --help` lists all commands"
        parser.error(f"no command is named {argv[0]!r}; {hint}")
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        parser.print_help(sys.stderr)
        raise SystemExit(2)
    if arguments.command == "run":
        _check_combinations(arguments)
    return arguments


def command_parser() -> tuple[ArgumentParser, Mapping[str, ArgumentParser]]:
    """Return the parser of the whole command line, and those of the commands by name."""
    parser = ArgumentParser("feedmirror", description=_ABOUT, epilog=_EXAMPLES, **_STYLE)
    version = f"feedmirror {__version__}"
    parser.add_argument("-V", "--version", action="version", version=version)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")

    def add_command(name: str, what: str, about: str, examples: str | None = None) -> Any:
        return commands.add_parser(name, help=what, description=about, epilog=examples, **_STYLE)

    _add_run(add_command("run", "mirror feeds", _RUN_ABOUT, _RUN_EXAMPLES))
    _add_serve(add_command("serve", "serve the mirror on this machine", _SERVE_ABOUT))
    init = add_command("init", "create a feeds.toml for a feed", _INIT_ABOUT)
    init.add_argument("url", metavar="URL", help="address of the feed, or of a page that names it")
    _add(init, "--config", "--slug", "--allow-private-hosts")
    _add_choice(init)
    init.set_defaults(quiet=False, json=False, log_format="text")
    _add_subscriptions(add_command)
    _add_check(add_command("check", "validate feeds.toml", _CHECK_ABOUT, _CHECK_EXAMPLES))
    status = add_command("status", "show the health of the feeds", _STATUS_ABOUT, _STATUS_EXAMPLES)
    status.add_argument("feeds", nargs="*", metavar="SLUG", help="name of a feed; default: all")
    _add(status, "--config", "--store")
    _add_threads(status, 16, "states read")
    _add(status, "--json")
    what = "recreate feeds from their stored entries"
    _add_rebuild(add_command("rebuild", what, _REBUILD_ABOUT, _REBUILD_EXAMPLES))
    _add_removals(add_command)
    shells = add_command("completion", "print what completes the command in a shell", _SHELL_ABOUT)
    shells.add_argument("shell", choices=("bash", "zsh", "fish"))
    return parser, commands.choices


def _add_check(check: ArgumentParser) -> None:
    _add(check, "--config")
    renewal = check.add_argument_group("what it would change in a mirror")
    renewal.add_argument(
        "--renewal",
        action="store_true",
        help="print what it would have rendered anew, with requests and their price",
    )
    _add(renewal, "--store", "--public-url")
    _add_threads(renewal, 16, "states read")


def _add_run(run: ArgumentParser) -> None:
    run.add_argument(
        "url",
        nargs="?",
        metavar="URL",
        help="address or file of a single feed, or a page that names it",
    )
    _add(run, "--config", "--store")
    which = run.add_argument_group("selection of feeds in feeds.toml")
    which.add_argument(
        "--feed", action="append", metavar="SLUG", help="only this feed; may be repeated"
    )
    when = which.add_mutually_exclusive_group()
    when.add_argument("--due", action="store_true", help="only feeds that are due now")
    when.add_argument(
        "--watch", action="store_true", help="all feeds, then each whenever it is due"
    )
    which.add_argument(
        "--tick",
        metavar="DURATION",
        help="with --due: interval at which this command is run (default: 1m)",
    )
    single = run.add_argument_group("options for a single feed (URL)")
    _add_choice(single)
    _add(single, "--slug")
    single.add_argument("--disclaimer", metavar="TEXT", help="disclaimer on every entry")
    _add(single, "--allow-private-hosts")
    mirror = run.add_argument_group("mirror")
    _add(mirror, "--public-url")
    _add_threads(mirror, 8, "feeds refreshed")
    output = run.add_argument_group("output")
    _add(output, "--json")
    verbosity = output.add_mutually_exclusive_group()
    verbosity.add_argument(
        "-q", "--quiet", action="store_true", help="print only warnings and errors"
    )
    verbosity.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="with a text log: also print versions and each start of a refresh",
    )
    output.add_argument(
        "--log-format",
        choices=("auto", "text", "json"),
        default="auto",
        help="format of the log on stderr (auto: text on a terminal, otherwise JSON)",
    )


def _add_subscriptions(add_command: Callable[..., Any]) -> None:
    """Add the commands that edit feeds.toml."""
    add = add_command("add", "add feeds to feeds.toml", _ADD_ABOUT, _ADD_EXAMPLES)
    what = "address of a feed, or of a page that names it"
    add.add_argument("urls", nargs="+", metavar="URL", help=what)
    _add(add, "--config", "--slug")
    add.add_argument("--title", help="title of the mirror, instead of the feed's own")
    _add(add, "--allow-private-hosts")
    _add_choice(add)
    add.set_defaults(quiet=False, json=False, log_format="text")
    what = "retire feeds of feeds.toml"
    remove = add_command("remove", what, _REMOVE_ABOUT)
    remove.add_argument("feeds", nargs="+", metavar="SLUG", help="name of a feed")
    _add(remove, "--config")
    change = add_command("set", "change settings of a feed", _SET_ABOUT, _SET_EXAMPLES)
    change.add_argument("feed", metavar="SLUG", help="name of the feed")
    what = "key of the feed in feeds.toml and its value; without a value, the key is removed"
    change.add_argument("keys", nargs="+", metavar="KEY=VALUE", help=what)
    _add(change, "--config")
    _add(add_command("list", "list the feeds of feeds.toml", _LIST_ABOUT), "--config", "--json")
    imports = add_command("import", "add the feeds of an OPML list", _IMPORT_ABOUT)
    imports.add_argument("source", metavar="FILE|URL", help="the list")
    _add(imports, "--config", "--allow-private-hosts")
    export = add_command("export", "print the feeds of feeds.toml as OPML", _EXPORT_ABOUT)
    _add(export, "--config")
    export.add_argument(
        "--with-secrets", action="store_true", help="also feeds with a secret in their address"
    )


def _add_choice(command: Any) -> None:
    choice = command.add_mutually_exclusive_group()
    choice.add_argument(
        "--first", action="store_true", help="of several feeds that a page names, the first"
    )
    choice.add_argument(
        "--pick",
        type=partial(_whole, low=1, high=500),
        metavar="N",
        help="of several feeds that a page names, the one of this number",
    )


def _add_serve(serve: ArgumentParser) -> None:
    serve.add_argument("--store", **_OPTIONS["--store"] | {"metavar": "DIRECTORY"})
    serve.add_argument(
        "--port",
        type=partial(_whole, low=0, high=65_535),
        default=8000,
        help="port to listen on (default: 8000; 0: any free port)",
    )
    serve.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)"
    )
    serve.add_argument("--open", action="store_true", help="open the mirror in a browser")


def _add_rebuild(rebuild: ArgumentParser) -> None:
    rebuild.add_argument("feeds", nargs="+", metavar="SLUG", help="name of a feed")
    _add(rebuild, "--config", "--store")
    rebuild.add_argument(
        "--reparse",
        action="store_true",
        help="parse the stored entries again first, with this version of feedmirror",
    )
    rebuild.add_argument("--disclaimer", **_OF_STORED)
    _add(rebuild, "--public-url")
    _add_threads(rebuild, 16, "records read")
    _add(rebuild, "--json")
    rebuild.add_argument("-q", "--quiet", action="store_true", help="print only errors")


def _add_removals(add_command: Callable[..., Any]) -> None:
    """Add the commands that remove what was mirrored, and the one that releases entries."""
    what = "take an entry down for good"
    _add_takedown(add_command("takedown", what, _TAKEDOWN_ABOUT, _TAKEDOWN_EXAMPLES))
    what = "bring hidden entries back, or take ones that look like removed ones"
    restore = add_command("restore", what, _RESTORE_ABOUT)
    restore.add_argument("feed", metavar="SLUG", help="name of the feed")
    restore.add_argument("keys", nargs="+", metavar="KEY", help="KEY of an entry, as told")
    _add_distribution(restore)
    _add(restore, "--config", "--store")
    restore.add_argument("--disclaimer", **_OF_STORED)
    _add(restore, "--public-url")
    _add_threads(restore, 16, "records read")
    forget = add_command("forget", "delete a feed with all that was mirrored", _FORGET_ABOUT)
    forget.add_argument("feed", metavar="SLUG", help="name of the feed")
    _add_consent(forget, "print how much there is, and change nothing")
    _add(forget, "--config", "--store", "--public-url")


def _add_takedown(takedown: ArgumentParser) -> None:
    takedown.add_argument("feed", metavar="SLUG", help="name of the feed")
    takedown.add_argument(
        "entries",
        nargs="+",
        metavar="ENTRY",
        help="its URL, its GUID, its KEY, or the URL of its page here",
    )
    takedown.add_argument(
        "--reason",
        required=True,
        choices=[reason.value for reason in Reason],
        help="ground, of which readers are told",
    )
    takedown.add_argument(
        "--reference", required=True, metavar="TEXT", help="case or letter, for the log alone"
    )
    takedown.add_argument(
        "--revision",
        metavar="R",
        help="take down only this earlier revision: the first letters of its digest",
    )
    takedown.add_argument(
        "--hide",
        action="store_true",
        help="purge nothing: `feedmirror restore` brings the entry back",
    )
    _add_consent(takedown, "print the objects, and change nothing")
    _add_distribution(takedown)
    takedown.add_argument(
        "--verify",
        choices=("near", "all"),
        default="near",
        help="afterwards read all objects that can quote the entry, or all of the feed "
        "(default: near)",
    )
    _add(takedown, "--config", "--store")
    takedown.add_argument("--disclaimer", **_OF_STORED)
    _add(takedown, "--public-url")
    _add_threads(takedown, 16, "records read")


def _add_distribution(parser: ArgumentParser) -> None:
    about = "CloudFront distribution that is to forget its copies"
    parser.add_argument("--distribution", metavar="ID", help=about)


def _add_consent(parser: ArgumentParser, dry_run: str) -> None:
    act = parser.add_mutually_exclusive_group()
    act.add_argument("--dry-run", action="store_true", help=dry_run)
    act.add_argument("--yes", action="store_true", help="do not ask")


def _add_threads(parser: Any, number: int, work: str) -> None:
    about = f"{work} in parallel (default: {number})"
    parser.add_argument(
        "--threads",
        type=partial(_whole, low=1, high=MOST_THREADS),
        default=number,
        metavar="N",
        help=about,
    )


def _add(parser: Any, *options: str) -> None:
    """Add options that several commands have; the environment may set their defaults."""
    for option in options:
        keys = _OPTIONS[option]
        set_by = ENVIRONMENT.get(option)
        if set_by:
            keys = keys | {"help": f"{keys['help'][:-1]}; environment: {set_by})"}
            keys |= {"default": os.environ[set_by]} if os.environ.get(set_by) else {}
        parser.add_argument(option, **keys)


def _check_combinations(run: Namespace) -> None:
    for option, given in (
        ("--slug", run.slug),
        ("--disclaimer", run.disclaimer),
        ("--allow-private-hosts", run.allow_private_hosts),
    ):
        if given and not run.url:
            _refuse(f"{option} needs a URL; for feeds of feeds.toml, set it in that file")
    if run.url and run.feed:
        _refuse("--feed selects from feeds.toml and cannot be combined with a URL")
    if run.tick and not run.due:
        _refuse("--tick needs --due")
    if run.watch and run.json:
        _refuse("--json cannot be combined with --watch, which has no end; use --log-format json")


def _refuse(message: str) -> None:
    sys.stderr.write(f"feedmirror run: {message}\n")
    raise SystemExit(2)


def _store_location(value: str) -> StoreLocation:
    """Parse the location of a store. Raises: ArgumentTypeError."""
    try:
        return parse_location(value)
    except ConfigError as error:
        raise ArgumentTypeError(str(error)) from error


def _whole(value: str, low: int, high: int) -> int:
    """Parse a whole number from `low` to `high`. Raises: ArgumentTypeError."""
    if value.isascii() and value.isdigit() and low <= int(value[:6]) <= high:
        return int(value)
    raise ArgumentTypeError(f"{value!r} is not a whole number from {low} to {high}")


_OF_STORED: dict[str, Any] = {
    "metavar": "TEXT",
    "help": "disclaimer on every entry, for a feed that is not in feeds.toml",
}
_OPTIONS: dict[str, dict[str, Any]] = {
    "--config": {
        "type": Path,
        "default": DEFAULT_CONFIG,
        "metavar": "FILE",
        "help": "configuration file (default: feeds.toml)",
    },
    "--store": {
        "type": _store_location,
        "default": DEFAULT_STORE,
        "metavar": "DIRECTORY or s3://BUCKET/PREFIX",
        "help": "location of the mirror (default: mirror)",
    },
    "--slug": {"help": "name of the feed in public URLs (default: from the URL)"},
    "--allow-private-hosts": {
        "action": "store_true",
        "help": "accept a feed on this machine or in a private network",
    },
    "--public-url": {
        "metavar": "URL",
        "help": "URL at which readers find public/ "
        "(default: from feeds.toml, or as last published)",
    },
    "--json": {"action": "store_true", "help": "print one JSON document on stdout"},
}
ENVIRONMENT = {  # variables that set the defaults of options
    "--config": "FEEDMIRROR_CONFIG",
    "--store": "FEEDMIRROR_STORE",
    "--public-url": "FEEDMIRROR_PUBLIC_URL",
}

# ---------------------------------------------------------------- help

_ABOUT = """\
Mirror RSS, Atom and JSON feeds: public copies that keep every entry, each with your disclaimer.
"""
_EXAMPLES = """\
examples:
  feedmirror run https://example.org/feed.xml     mirror one feed into ./mirror
  feedmirror serve                                view the result in a browser
  feedmirror add https://example.org/feed.xml     put that feed into feeds.toml
  feedmirror import subscriptions.opml            put the feeds of a feed reader into it
  feedmirror check                                validate feeds.toml
  feedmirror run                                  mirror all feeds of feeds.toml
  feedmirror status                               show the health of the feeds
  feedmirror status --store s3://example-bucket   show the health of a deployed mirror

exit codes: 0 success, 1 a feed failed, 2 wrong usage or configuration
See `feedmirror COMMAND --help` for the options of a command.
"""
_RUN_ABOUT = """\
Mirror every feed of feeds.toml once, or the single feed at URL, which needs no feeds.toml.

URL may be that of a web page: then the feed that it names is mirrored, or one at a usual path of
its site. Of several feeds one is asked for on a terminal; elsewhere --pick or --first says which.

The store then holds data/ and state/, which are private, and public/SLUG/ with the feed as RSS,
Atom, JSON Feed and HTML. Changed settings reach all of it. Settings that are older than those that
documents were made with leave the documents alone, and the run fails.
"""
_RUN_EXAMPLES = """\
examples:
  feedmirror run                                  all feeds of feeds.toml
  feedmirror run --feed example-news              one of them
  feedmirror run --watch                          all, then each whenever it is due
  feedmirror run --due --quiet                    from a cron job, every minute
  feedmirror run --due --tick 5m --quiet          from a cron job, every five minutes
  feedmirror run https://example.org/feed.xml --disclaimer 'A copy of {source_title}.'
  feedmirror run example.org                      the feed that a site names
  feedmirror run ./feed.xml                       a feed in a local file
  feedmirror run --store s3://example-bucket/news into an existing bucket

Ctrl-C (or SIGTERM) stops after the feeds in progress; a second one stops at once. The next run
resumes in either case.

exit codes: 0 success, 1 a feed failed, 2 wrong usage or configuration, 130 interrupted
"""
_SERVE_ABOUT = """\
Serve the public/ folder of a store, and nothing else, over HTTP on this machine, with the headers
that the CDN of a deployed mirror sends. Addresses in the documents are those that are served,
whatever address the mirror is published for. Press Ctrl-C to stop.
"""
_INIT_ABOUT = """\
Fetch a feed, or the one that a web page names, and write a feeds.toml for it, in which comments
explain every setting.
"""
_SHELL_ABOUT = """\
Print what completes commands, options and names of feeds in a shell. It needs argcomplete
(`pip install 'feedmirror[cli]'`). To have it in each new shell:

  bash   echo 'eval "$(feedmirror completion bash)"' >>~/.bashrc
  zsh    echo 'eval "$(feedmirror completion zsh)"' >>~/.zshrc
  fish   feedmirror completion fish >~/.config/fish/completions/feedmirror.fish
"""
_ADD_ABOUT = """\
Add feeds to feeds.toml, whose comments and order stay; the file is made where it is missing. Each
feed is fetched once first, and what is no feed is not added. URL may be that of a web page.

A deployed mirror has the feed after the next `sam deploy`.
"""
_ADD_EXAMPLES = """\
examples:
  feedmirror add https://example.org/feed.xml
  feedmirror add example.org --pick 2 --slug example-news

exit codes: 0 success, 1 a feed was not added, 2 wrong usage or configuration
"""
_REMOVE_ABOUT = """\
Retire feeds: they are not polled any more, and what was mirrored stays public. `feedmirror forget`
deletes what was mirrored.
"""
_SET_ABOUT = """\
Change settings of a feed in feeds.toml, whose comments stay. docs/configuration.md has all keys.
"""
_SET_EXAMPLES = """\
examples:
  feedmirror set example-news every=1h keep=100
  feedmirror set example-news title='The news, mirrored'
  feedmirror set example-news headers.Authorization='Bearer ...'
  feedmirror set example-news title=              remove the key: its default holds again

exit codes: 0 success, 2 wrong usage or configuration
"""
_LIST_ABOUT = """\
List the feeds of feeds.toml with their addresses; secrets in these are hidden.
"""
_IMPORT_ABOUT = """\
Add the feeds of an OPML list, as feed readers export it, to feeds.toml; groups do not matter. Feeds
that are in the file already stay as they are, so the same list can be imported again. At most
10,000 feeds; they are not fetched.

exit codes: 0 success, 1 some of the list could not be used, 2 wrong usage or configuration
"""
_EXPORT_ABOUT = """\
Print the feeds of feeds.toml as OPML with the addresses of their origins, for a feed reader or for
`feedmirror import`. The list with the addresses of the mirrors is public/feeds.opml.
"""
_CHECK_ABOUT = """\
Validate feeds.toml: report all problems at once, or list the configured feeds.

With --renewal, also compare it, and this version of feedmirror, with what is public in a store:
whose documents would be rendered anew, and how many pages of entries and of the archive, if it was
deployed, or run. Reads the state of each feed once; writes nothing.
"""
_CHECK_EXAMPLES = """\
examples:
  feedmirror check
  feedmirror check --renewal
  feedmirror check --renewal --store s3://example-bucket --public-url https://m.example.org

exit codes: 0 success, 1 the store or a state cannot be read, 2 a problem in the configuration
"""
_STATUS_ABOUT = """\
Show the health of every feed in feeds.toml and in the store: when it last had a new entry, since
when it fails and why, when it is due, how many entries were mirrored, and its public addresses.
Also which pages of an earlier configuration or program are left to renew, and what that takes.
Reads the states that say more than the feed index has of them; sends no request to an origin.

A feed that is in the store alone is "not configured": no run refreshes it, and its line on the
site stays unchanged. Without a feeds.toml only the store is shown, without due times.
"""
_STATUS_EXAMPLES = """\
exit codes: 0 success, 1 a feed is failing, 2 wrong usage or configuration
"""
_REBUILD_ABOUT = """\
Recreate the state and the public documents of a feed from its stored entries, when the state is
lost or damaged; the origin is not needed. Safe for a healthy feed, while other runs refresh it, and
when interrupted.

With --reparse, the stored originals of the entries are parsed again first, so that a better parser
reaches all pages; no request is sent. An entry without an original is sanitized again. A record
that cannot be parsed stays unchanged and is reported.

The disclaimer is that of feeds.toml. A feed that is not in feeds.toml needs --disclaimer. The
settings are the newest then, whatever the date of the file.
"""
_REBUILD_EXAMPLES = """\
examples:
  feedmirror rebuild example-news
  feedmirror rebuild example-news --store s3://example-bucket/news
  feedmirror rebuild example-news --reparse
  feedmirror rebuild old-news --disclaimer 'A copy of {source_title}.'

exit codes: 0 success, 1 a feed or one of its records failed, 2 wrong usage or configuration
"""
_TAKEDOWN_ABOUT = """\
Take an entry down for good: its words leave every object of the store, and no refresh, rebuild or
lost state brings them back. Works while other runs refresh the feed, and may be repeated.

Readers are shown a notice in its place, with the date and the ground. The page of the entry keeps
its address, archive pages keep theirs. An entry of two feeds is one of each: run it for both.

Earlier versions of objects, which a bucket with versioning keeps for a week, are deleted. That
needs s3:ListBucketVersions on the bucket, s3:DeleteObjectVersion and s3:GetObjectVersion on its
objects; the policy of the stack's output OperatorPolicyArn has all that is needed.
"""
_TAKEDOWN_EXAMPLES = """\
examples:
  feedmirror takedown example-news 769fddacdc8774210f16b68e65dd3116 \\
      --reason privacy --reference 'letter of 2 March'
  feedmirror takedown example-news https://m.example.org/example-news/entries/769f...16.html \\
      --reason court --reference 'order 12/26' --dry-run

exit codes: 0 success, 1 not done, or words are left, 2 wrong usage or configuration
"""
_RESTORE_ABOUT = """\
Bring back entries that were hidden (`feedmirror takedown --hide`), as they were. If it is
interrupted, run it again.

Take entries that a refresh has left out, since their link or their text is that of an entry that
was taken down. The note of the refresh and `feedmirror status` name them. They are read at the
next refresh, if their origin still lists them.

An entry that was taken down for good cannot be restored: its words are purged.
"""
_FORGET_ABOUT = """\
Delete a feed for good: its state, its records, its tombstones and all that is public of it, with
all versions. For a feed that was mirrored by mistake, or that is to vanish. A feed that is
configured is refused: take its table out of feeds.toml first, and deploy.

In a bucket that needs s3:ListBucketVersions and s3:DeleteObjectVersion.
"""
