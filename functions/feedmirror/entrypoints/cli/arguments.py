"""The options of every command, and what `--help` says of them."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedmirror import __version__
from feedmirror.entrypoints.cli import explanations, option_values

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_STYLE: dict[str, Any] = {
    "formatter_class": RawDescriptionHelpFormatter,
    "allow_abbrev": False,  # a new option must not change what a script's old one means
}


def parse_arguments(argv: Sequence[str]) -> Namespace:
    """What was asked for: `command` and its options.

    Raises: SystemExit, with 2 after a complaint on stderr, with 0 after --help or --version.
    """
    parser = ArgumentParser(
        "feedmirror", description=explanations.ABOUT, epilog=explanations.EXAMPLES, **_STYLE
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
        _refuse_contradictions(arguments)
    return arguments


def _add_run(commands: _SubParsersAction[ArgumentParser]) -> None:
    run = commands.add_parser(
        "run",
        help="mirror feeds",
        description=explanations.RUN_ABOUT,
        epilog=explanations.RUN_EXAMPLES,
        **_STYLE,
    )
    run.add_argument("url", nargs="?", metavar="URL", help="a feed's address, or a file")
    _add_config(run)
    _add_store(run)
    which = run.add_argument_group("which feeds of feeds.toml")
    which.add_argument(
        "--feed", action="append", metavar="SLUG", help="only this one; may be repeated"
    )
    when = which.add_mutually_exclusive_group()
    when.add_argument("--due", action="store_true", help="only those that are due now")
    when.add_argument("--watch", action="store_true", help="all, then again at their due times")
    which.add_argument(
        "--tick",
        type=option_values.tick_s,
        metavar="DURATION",
        help="with --due: how often this very command is started (1m)",
    )
    one = run.add_argument_group("with URL")
    one.add_argument("--slug", help="the feed's name in public addresses (made of the URL)")
    one.add_argument("--disclaimer", metavar="TEXT", help="what every entry is to say")
    _add_private_hosts(one)
    how = run.add_argument_group("how")
    _add_public_url(how)
    _add_threads(how, 8, "feeds")
    _add_output(run)


def _add_output(run: ArgumentParser) -> None:
    output = run.add_argument_group("output")
    _add_json(output)
    much = output.add_mutually_exclusive_group()
    much.add_argument("-q", "--quiet", action="store_true", help="say only what is amiss")
    much.add_argument(
        "-v", "--verbose", action="store_true", help="with a log in text: also what is begun"
    )
    output.add_argument(
        "--log-format",
        choices=("auto", "text", "json"),
        default="auto",
        help="of the log on stderr (auto: text on a terminal, else JSON)",
    )


def _add_serve(commands: _SubParsersAction[ArgumentParser]) -> None:
    serve = commands.add_parser(
        "serve",
        help="serve the mirrored feeds on this machine",
        description=explanations.SERVE_ABOUT,
        **_STYLE,
    )
    _add_store(serve, "DIRECTORY")
    serve.add_argument(
        "--port",
        type=option_values.port,
        default=8000,
        help="to listen on (8000); 0: any that is free",
    )
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")


def _add_init(commands: _SubParsersAction[ArgumentParser]) -> None:
    init = commands.add_parser(
        "init", help="write a feeds.toml for a feed", description=explanations.INIT_ABOUT, **_STYLE
    )
    init.add_argument("url", metavar="URL", help="the feed's address")
    _add_config(init)
    init.add_argument("--slug", help="the feed's name in public addresses (made of the URL)")
    _add_private_hosts(init)


def _add_check(commands: _SubParsersAction[ArgumentParser]) -> None:
    check = commands.add_parser(
        "check", help="validate feeds.toml", description=explanations.CHECK_ABOUT, **_STYLE
    )
    _add_config(check)


def _add_status(commands: _SubParsersAction[ArgumentParser]) -> None:
    status = commands.add_parser(
        "status",
        help="say how the feeds fare",
        description=explanations.STATUS_ABOUT,
        epilog=explanations.STATUS_EXAMPLES,
        **_STYLE,
    )
    _add_config(status)
    _add_store(status)
    _add_threads(status, 16, "reads")
    _add_json(status)


def _add_rebuild(commands: _SubParsersAction[ArgumentParser]) -> None:
    rebuild = commands.add_parser(
        "rebuild",
        help="make feeds anew from their stored entries",
        description=explanations.REBUILD_ABOUT,
        epilog=explanations.REBUILD_EXAMPLES,
        **_STYLE,
    )
    rebuild.add_argument("feeds", nargs="+", metavar="SLUG", help="the feed's name")
    _add_config(rebuild)
    _add_store(rebuild)
    rebuild.add_argument(
        "--reparse",
        action="store_true",
        help="read the stored entries again first, as this version of feedmirror does",
    )
    rebuild.add_argument(
        "--disclaimer",
        metavar="TEXT",
        help="what every entry is to say, of a feed that is not in feeds.toml",
    )
    _add_public_url(rebuild)
    _add_threads(rebuild, 16, "reads")
    _add_json(rebuild)
    rebuild.add_argument("-q", "--quiet", action="store_true", help="say only what is amiss")


def _add_threads(parser: Any, number: int, what: str) -> None:
    parser.add_argument(
        "--threads",
        type=option_values.threads,
        default=number,
        metavar="N",
        help=f"{what} side by side ({number})",
    )


def _add_json(parser: Any) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def _add_public_url(parser: Any) -> None:
    parser.add_argument(
        "--public-url",
        metavar="URL",
        help="where readers find public/ (as in feeds.toml, or as published before)",
    )


def _add_config(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        default=option_values.DEFAULT_CONFIG,
        metavar="FILE",
        help="configuration (feeds.toml)",
    )


def _add_store(parser: ArgumentParser, metavar: str = "DIRECTORY or s3://BUCKET/PREFIX") -> None:
    parser.add_argument(
        "--store",
        type=option_values.store,
        default=option_values.DEFAULT_STORE,
        metavar=metavar,
        help="where the mirror is (mirror)",
    )


def _add_private_hosts(parser: Any) -> None:
    parser.add_argument(
        "--allow-private-hosts",
        action="store_true",
        help="the feed may be on this machine or in a private network",
    )


def _refuse_contradictions(run: Namespace) -> None:
    for option, given in (
        ("--slug", run.slug),
        ("--disclaimer", run.disclaimer),
        ("--allow-private-hosts", run.allow_private_hosts),
    ):
        if given and not run.url:
            _refuse(f"{option} needs a URL; the feeds of feeds.toml have it there")
    if run.url and run.feed:
        _refuse("--feed picks from feeds.toml, which is not read when a URL is given")
    if run.tick and not run.due:
        _refuse("--tick goes with --due")
    if run.watch and run.json:
        _refuse("--watch comes to no end to write a document at; use --log-format json")
    run.tick = run.tick or 60


def _refuse(message: str) -> None:
    sys.stderr.write(f"feedmirror run: {message}\n")
    raise SystemExit(2)
