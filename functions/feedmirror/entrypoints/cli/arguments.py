"""Command-line parser: the subcommands and their options."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedmirror import __version__
from feedmirror.entrypoints.cli import help_texts, option_values

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_STYLE: dict[str, Any] = {
    "formatter_class": RawDescriptionHelpFormatter,
    "allow_abbrev": False,  # a new option must not change the meaning of a script's abbreviation
}


def parse_arguments(argv: Sequence[str]) -> Namespace:
    """Parse the command line into `command` and its options.

    Raises: SystemExit, with 2 after an error on stderr, or with 0 after --help or --version.
    """
    parser = ArgumentParser(
        "feedmirror", description=help_texts.ABOUT, epilog=help_texts.EXAMPLES, **_STYLE
    )
    parser.add_argument("--version", action="version", version=f"feedmirror {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _add_run(commands)
    _add_serve(commands)
    _add_init(commands)
    _add_check(commands)
    _add_status(commands)
    _add_rebuild(commands)
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        parser.print_help(sys.stderr)
        raise SystemExit(2)
    if arguments.command == "run":
        _check_combinations(arguments)
    return arguments


def _add_run(commands: _SubParsersAction[ArgumentParser]) -> None:
    run = commands.add_parser(
        "run",
        help="mirror feeds",
        description=help_texts.RUN_ABOUT,
        epilog=help_texts.RUN_EXAMPLES,
        **_STYLE,
    )
    run.add_argument("url", nargs="?", metavar="URL", help="URL or file of a single feed")
    _add_config(run)
    _add_store(run)
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
    single.add_argument("--slug", help="name of the feed in public URLs (default: from the URL)")
    single.add_argument("--disclaimer", metavar="TEXT", help="disclaimer on every entry")
    _add_private_hosts(single)
    mirror = run.add_argument_group("mirror")
    _add_public_url(mirror)
    _add_threads(mirror, 8, "feeds refreshed")
    _add_output(run)


def _add_output(run: ArgumentParser) -> None:
    output = run.add_argument_group("output")
    _add_json(output)
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


def _add_serve(commands: _SubParsersAction[ArgumentParser]) -> None:
    serve = commands.add_parser(
        "serve",
        help="serve the mirror on this machine",
        description=help_texts.SERVE_ABOUT,
        **_STYLE,
    )
    _add_store(serve, "DIRECTORY")
    serve.add_argument(
        "--port",
        type=option_values.port,
        default=8000,
        help="port to listen on (default: 8000; 0: any free port)",
    )
    serve.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)"
    )


def _add_init(commands: _SubParsersAction[ArgumentParser]) -> None:
    init = commands.add_parser(
        "init", help="create a feeds.toml for a feed", description=help_texts.INIT_ABOUT, **_STYLE
    )
    init.add_argument("url", metavar="URL", help="URL of the feed")
    _add_config(init)
    init.add_argument("--slug", help="name of the feed in public URLs (default: from the URL)")
    _add_private_hosts(init)


def _add_check(commands: _SubParsersAction[ArgumentParser]) -> None:
    check = commands.add_parser(
        "check", help="validate feeds.toml", description=help_texts.CHECK_ABOUT, **_STYLE
    )
    _add_config(check)


def _add_status(commands: _SubParsersAction[ArgumentParser]) -> None:
    status = commands.add_parser(
        "status",
        help="show the health of the feeds",
        description=help_texts.STATUS_ABOUT,
        epilog=help_texts.STATUS_EXAMPLES,
        **_STYLE,
    )
    _add_config(status)
    _add_store(status)
    _add_threads(status, 16, "states read")
    _add_json(status)


def _add_rebuild(commands: _SubParsersAction[ArgumentParser]) -> None:
    rebuild = commands.add_parser(
        "rebuild",
        help="recreate feeds from their stored entries",
        description=help_texts.REBUILD_ABOUT,
        epilog=help_texts.REBUILD_EXAMPLES,
        **_STYLE,
    )
    rebuild.add_argument("feeds", nargs="+", metavar="SLUG", help="name of a feed")
    _add_config(rebuild)
    _add_store(rebuild)
    rebuild.add_argument(
        "--reparse",
        action="store_true",
        help="parse the stored entries again first, with this version of feedmirror",
    )
    rebuild.add_argument(
        "--disclaimer",
        metavar="TEXT",
        help="disclaimer on every entry, for a feed that is not in feeds.toml",
    )
    _add_public_url(rebuild)
    _add_threads(rebuild, 16, "records read")
    _add_json(rebuild)
    rebuild.add_argument("-q", "--quiet", action="store_true", help="print only errors")


def _add_threads(parser: Any, number: int, work: str) -> None:
    parser.add_argument(
        "--threads",
        type=option_values.threads,
        default=number,
        metavar="N",
        help=f"{work} in parallel (default: {number})",
    )


def _add_json(parser: Any) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")


def _add_public_url(parser: Any) -> None:
    parser.add_argument(
        "--public-url",
        metavar="URL",
        help="URL at which readers find public/ (default: from feeds.toml, or as last published)",
    )


def _add_config(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        default=option_values.DEFAULT_CONFIG,
        metavar="FILE",
        help="configuration file (default: feeds.toml)",
    )


def _add_store(parser: ArgumentParser, metavar: str = "DIRECTORY or s3://BUCKET/PREFIX") -> None:
    parser.add_argument(
        "--store",
        type=option_values.store,
        default=option_values.DEFAULT_STORE,
        metavar=metavar,
        help="location of the mirror (default: mirror)",
    )


def _add_private_hosts(parser: Any) -> None:
    parser.add_argument(
        "--allow-private-hosts",
        action="store_true",
        help="accept a feed on this machine or in a private network",
    )


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
