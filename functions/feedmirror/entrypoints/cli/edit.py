"""`feedmirror set` and `feedmirror remove`: change feeds in feeds.toml, its comments kept."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

from feedmirror.entrypoints.cli.command import Resources
from feedmirror.entrypoints.cli.config_file import config_option, edit_config
from feedmirror.errors import ConfigError
from feedmirror.settings.edits import feeds_of, set_keys
from feedmirror.settings.problems import closest_name


def set_key(arguments: Namespace, _resources: Resources) -> int:
    """Run `feedmirror set`; return its exit code. Raises: ConfigError."""
    keys: dict[str, str | None] = {}
    for pair in arguments.keys:
        name, sign, typed = pair.partition("=")
        if not name or not sign:
            raise ConfigError((f"{pair}: not KEY=VALUE, such as every=30m",))
        keys[name] = typed or None
    _edit(arguments.config, [arguments.feed], keys)
    print(f"Set {', '.join(keys)} of {arguments.feed} in {arguments.config}.")  # noqa: T201
    return 0


def remove(arguments: Namespace, _resources: Resources) -> int:
    """Run `feedmirror remove`; return its exit code. Raises: ConfigError."""
    _edit(arguments.config, arguments.feeds, {"retired": "true"})
    option = config_option(arguments.config)
    for slug in arguments.feeds:
        print(  # noqa: T201 - the output
            f"{slug} is retired: it is not polled any more, and what was mirrored stays public.\n"
            f"  to poll it again: feedmirror set {slug} retired=false{option}\n"
            f"  to delete it: take its table out of the file, then feedmirror forget {slug}"
        )
    return 0


def _edit(path: Path, slugs: Sequence[str], keys: Mapping[str, str | None]) -> None:
    def edit(text: str) -> str:
        known = [feed.slug for feed in feeds_of(text)]
        if unknown := [slug for slug in slugs if slug not in known]:
            raise ConfigError(tuple(_unknown(slug, known, path) for slug in unknown))
        for slug in slugs:
            text = set_keys(text, slug, keys)
        return text

    try:
        edit_config(path, edit)
    except ImportError as error:
        message = "this command needs tomlkit, which keeps the file's comments"
        raise ConfigError((message, "to install it: pip install 'feedmirror[cli]'")) from error


def _unknown(slug: str, known: Sequence[str], path: Path) -> str:
    guess = closest_name(slug, known)
    hint = f"did you mean {guess}?" if guess else f"`feedmirror list` shows all of {path}"
    return f"no feed of {path} is named {slug}; {hint}"
