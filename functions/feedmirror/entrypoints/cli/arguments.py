"""The options of every command, and what `--help` says of them."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedmirror import __version__

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_MOST_THREADS = 64

_STYLE: dict[str, Any] = {
    "formatter_class": RawDescriptionHelpFormatter,
    "allow_abbrev": False,  # a new option must not change what a script's old one means
}

_ABOUT = """\
Mirror a feed before it is lost: a faithful public copy, with your disclaimer on every entry.
"""
_EXAMPLES = """\
examples:
  feedmirror run https://example.org/feed.xml     mirror one feed, now, into ./mirror
  feedmirror serve                                look at the result
  feedmirror init https://example.org/feed.xml    write a feeds.toml to go on from
  feedmirror check                                see whether it is in order
  feedmirror run                                  mirror all feeds of feeds.toml

exit codes: 0 all is well, 1 a feed failed, 2 wrong usage or configuration
`feedmirror COMMAND --help` says more.
"""
_RUN_ABOUT = """\
Mirror every feed of feeds.toml once, or the one at URL, which needs no file at all.

The store then holds data/, which is private, and public/SLUG/rss.xml, which is for readers.
"""
_RUN_EXAMPLES = """\
examples:
  feedmirror run                                  all feeds of feeds.toml
  feedmirror run --feed example-news              one of them
  feedmirror run --watch                          all, and again whenever they are due
  feedmirror run --due --quiet                    what a cron job says each minute
  feedmirror run --due --tick 5m --quiet          what it says every five minutes
  feedmirror run https://example.org/feed.xml --disclaimer 'A copy of {source_title}.'
  feedmirror run ./feed.xml                       a feed in a file

Ctrl-C (or SIGTERM) lets feeds that are being refreshed finish; a second one ends at once, and
the next run goes on from there.

exit codes: 0 all is well, 1 a feed failed, 2 wrong usage or configuration, 130 interrupted
"""
_SERVE_ABOUT = """\
Serve what has been mirrored, on this machine: the store's public/ folder and nothing else, with
the headers that a CDN would send. Ctrl-C ends it.
"""
_INIT_ABOUT = """\
Look at a feed and write a feeds.toml for it, with a comment on everything that can be set.
"""
_CHECK_ABOUT = """\
Say what is wrong with feeds.toml, all at once; or, if nothing is, which feeds it configures.
"""


def parse_arguments(argv: Sequence[str]) -> Namespace:
    """What was asked for: `command` and its options.

    Raises: SystemExit, with 2 after a complaint on stderr, with 0 after --help or --version.
    """
    parser = ArgumentParser("feedmirror", description=_ABOUT, epilog=_EXAMPLES, **_STYLE)
    parser.add_argument("--version", action="version", version=f"feedmirror {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _add_run(commands)
    _add_serve(commands)
    _add_init(commands)
    _add_check(commands)
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        parser.print_help(sys.stderr)
        raise SystemExit(2)
    if arguments.command == "run":
        _refuse_contradictions(arguments)
    return arguments


def _add_run(commands: _SubParsersAction[ArgumentParser]) -> None:
    run = commands.add_parser(
        "run", help="mirror feeds", description=_RUN_ABOUT, epilog=_RUN_EXAMPLES, **_STYLE
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
        type=_tick_s,
        metavar="DURATION",
        help="with --due: how often this very command is started (1m)",
    )
    one = run.add_argument_group("with URL")
    one.add_argument("--slug", help="the feed's name in public addresses (made of the URL)")
    one.add_argument("--disclaimer", metavar="TEXT", help="what every entry is to say")
    _add_private_hosts(one)
    how = run.add_argument_group("how")
    how.add_argument(
        "--public-url",
        metavar="URL",
        help="where readers find public/ (as in feeds.toml, else http://127.0.0.1:8000)",
    )
    how.add_argument(
        "--threads", type=_threads, default=8, metavar="N", help="feeds side by side (8)"
    )
    _add_output(run)


def _add_output(run: ArgumentParser) -> None:
    output = run.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="one JSON document on stdout")
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
        "serve", help="serve the mirrored feeds on this machine", description=_SERVE_ABOUT, **_STYLE
    )
    _add_store(serve)
    serve.add_argument(
        "--port", type=_port, default=8000, help="to listen on (8000); 0: any that is free"
    )
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")


def _add_init(commands: _SubParsersAction[ArgumentParser]) -> None:
    init = commands.add_parser(
        "init", help="write a feeds.toml for a feed", description=_INIT_ABOUT, **_STYLE
    )
    init.add_argument("url", metavar="URL", help="the feed's address")
    _add_config(init)
    init.add_argument("--slug", help="the feed's name in public addresses (made of the URL)")
    _add_private_hosts(init)


def _add_check(commands: _SubParsersAction[ArgumentParser]) -> None:
    check = commands.add_parser(
        "check", help="validate feeds.toml", description=_CHECK_ABOUT, **_STYLE
    )
    _add_config(check)


def _add_config(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("feeds.toml"),
        metavar="FILE",
        help="configuration (feeds.toml)",
    )


def _add_store(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--store",
        type=Path,
        default=Path("mirror"),
        metavar="DIRECTORY",
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


def _threads(value: str) -> int:
    return _whole(value, 1, _MOST_THREADS)


def _port(value: str) -> int:
    return _whole(value, 0, 65_535)


def _whole(value: str, low: int, high: int) -> int:
    if value.isascii() and value.isdigit() and low <= int(value[:6]) <= high:
        return int(value)
    raise ArgumentTypeError(f"{value!r} is not a whole number from {low} to {high}")


def _tick_s(value: str) -> int:
    from feedmirror.settings.report import Problem, Spot  # noqa: PLC0415 - rarely needed
    from feedmirror.settings.values import duration  # noqa: PLC0415

    kind, problems = duration("1m", "1d"), list[Problem]()
    read = kind.read(Spot(problems, accepted=kind.accepted), value)
    if not isinstance(read, int):
        raise ArgumentTypeError(str(problems[0]))
    return read
