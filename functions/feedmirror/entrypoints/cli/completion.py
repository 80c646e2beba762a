"""`feedmirror completion`: print what completes the command in a shell."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from contextlib import suppress

from feedmirror.entrypoints.cli.arguments import DEFAULT_CONFIG
from feedmirror.entrypoints.cli.command import Resources
from feedmirror.errors import ConfigError
from feedmirror.settings.load import load_settings


def completion(arguments: Namespace, _resources: Resources) -> int:
    """Run the command; return its exit code. Raises: ConfigError."""
    try:
        from argcomplete.shell_integration import shellcode  # noqa: PLC0415 - of the extra `cli`
    except ImportError as error:
        message = "completion needs argcomplete: pip install 'feedmirror[cli]'"
        raise ConfigError((message,)) from error
    print(shellcode(["feedmirror"], shell=arguments.shell))  # noqa: T201 - the output
    return 0


def complete(parser: ArgumentParser, commands: Iterable[ArgumentParser]) -> None:
    """Print how the word can be completed that a shell asks about, and exit.

    Raises: ImportError if argcomplete is not installed.
    """
    import argcomplete  # noqa: PLC0415 - as above

    for command in commands:
        for action in command._actions:  # noqa: SLF001 - argparse has no other list of them
            if action.metavar == "SLUG":
                vars(action)["completer"] = _feed_names
    argcomplete.autocomplete(parser)


def _feed_names(parsed_args: Namespace, **_: object) -> list[str]:
    """Return the names of the configured feeds; none if the file is missing or not valid."""
    with suppress(ConfigError):
        path = getattr(parsed_args, "config", DEFAULT_CONFIG)
        return [feed.slug for feed in load_settings(path).subscriptions]
    return []
