"""Which feeds a run refreshes: those of a feeds.toml, or one that only the command line names."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote, unquote

from feedmirror.entrypoints.printable import printable
from feedmirror.errors import ConfigError, StoreError
from feedmirror.mirror.schedule import is_due
from feedmirror.model import Fetched, Gone, NotModified, Subscription, Validators
from feedmirror.ports import Origin, Store
from feedmirror.settings import load_settings, slug_of, subscription_for
from feedmirror.settings.addresses import PUBLIC_URL
from feedmirror.settings.problems import Kind, Problem, Spot, meant
from feedmirror.text.secrets import hidden_address

DEFAULT_PUBLIC_URL = "http://127.0.0.1:8000"  # where `feedmirror serve` listens
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be refreshed."""

    subscriptions: tuple[Subscription, ...]
    public_url: str  # empty within this module: nobody says
    files: Mapping[str, Path] = field(default_factory=dict)  # by the `url` that stands for one
    configured: tuple[Subscription, ...] | None = None  # all of feeds.toml; None: there is none


def choose(arguments: Namespace, now: datetime, open_store: Callable[[], Store]) -> Choice:
    """The feeds that the command line asks for. Raises: ConfigError."""
    choice = _of_address(arguments) if arguments.url else _of_file(arguments)
    choice = replace(choice, public_url=public_url_of(arguments, choice.public_url, open_store))
    if not arguments.due:
        return choice
    since, until = _tick(arguments.tick, now)
    active = (s for s in choice.subscriptions if not s.retired)
    due = tuple(s for s in active if is_due(s.slug, s.every_s, since, until))
    return replace(choice, subscriptions=due)


def public_url_of(
    arguments: Namespace, configured: str | None, open_store: Callable[[], Store]
) -> str:
    """Return where readers find the mirror: as the command line says, or the configuration.

    Where neither does, it is the address that the site in the directory was published with: a store
    is served at one place. A mirror in a bucket has to be told. Raises: ConfigError.
    """
    if arguments.public_url:
        return str(checked(PUBLIC_URL, "--public-url", arguments.public_url))
    if configured:
        return configured
    if arguments.store.directory is None:
        raise ConfigError(
            (
                f"where do readers find what is in {arguments.store}? What is published says so:",
                "set public_url in feeds.toml, or give --public-url",
            )
        )
    from feedmirror.site import published_url  # noqa: PLC0415 - brings what renders pages

    with suppress(StoreError):  # what is wrong with the store, each feed says
        return published_url(open_store()) or DEFAULT_PUBLIC_URL
    return DEFAULT_PUBLIC_URL


def checked(kind: Kind, option: str, value: str) -> object:
    """The value of an option, read as feeds.toml would be. Raises: ConfigError."""
    problems: list[Problem] = []
    read = kind.read(Spot(problems, accepted=kind.accepted), value)
    if problems:
        raise ConfigError(tuple(f"{option}: {problem}" for problem in problems))
    return read


def _tick(tick_s: int, now: datetime) -> tuple[datetime, datetime]:
    """The tick that has just ended, from one whole multiple to the next: ticks never overlap
    and leave no gap, however late within its own tick each command is started.
    """
    tick = timedelta(seconds=tick_s)
    until = _EPOCH + (now - _EPOCH) // tick * tick
    return until - tick, until


# ---------------------------------------------------------------- of a feeds.toml


def _of_file(arguments: Namespace) -> Choice:
    path: Path = arguments.config
    if not path.exists():
        raise missing(path)
    settings = load_settings(path)
    chosen = _named(settings.subscriptions, arguments.feed or (), path)
    return Choice(chosen, settings.public_url or "", configured=settings.subscriptions)


def missing(path: Path) -> ConfigError:
    """What to do where there is no configuration."""
    return ConfigError(
        (
            f"there is no {path} to say what to mirror",
            "write one:      feedmirror init https://example.org/feed.xml",
            "or do without:  feedmirror run https://example.org/feed.xml",
        )
    )


def _named(
    subscriptions: tuple[Subscription, ...], slugs: Sequence[str], path: Path
) -> tuple[Subscription, ...]:
    """Those of the slugs, or all where none is given. Raises: ConfigError for unknown ones."""
    known = {subscription.slug: subscription for subscription in subscriptions}
    if unknown := [slug for slug in slugs if slug not in known]:
        raise ConfigError(tuple(_unknown(slug, known, path) for slug in unknown))
    return tuple(known[slug] for slug in dict.fromkeys(slugs or known))


def _unknown(slug: str, known: Mapping[str, Subscription], path: Path) -> str:
    guess = meant(slug, known)
    hint = f"did you mean {guess}?" if guess else "`feedmirror check` lists them"
    return f"--feed {slug}: {path} has no feed of that name; {hint}"


# ---------------------------------------------------------------- of the command line


def _of_address(arguments: Namespace) -> Choice:
    path = _file_meant(arguments.url)
    options = {
        "disclaimer": arguments.disclaimer,
        "allow_private_hosts": arguments.allow_private_hosts or None,
    }
    if path is None:
        if "://" not in arguments.url:
            said = printable(hidden_address(arguments.url))
            raise ConfigError(
                (
                    f"{said}: neither an address nor a file that is here",
                    "An address begins with https:// or http://",
                )
            )
        subscription = subscription_for(arguments.url, slug=arguments.slug, **options)
        return Choice((subscription,), "")
    # Checked with an address in place of the file, which a subscription proper cannot have.
    slug = arguments.slug or _slug_of_file(path)
    checked_one = subscription_for("https://file.invalid/", slug=slug, **options)
    # Part of the public documents: it says what the file is called, and not where it is.
    url = f"file:///{quote(path.name, errors='surrogateescape')}"
    return Choice((replace(checked_one, url=url),), "", {url: path})


def _file_meant(address: str) -> Path | None:
    """The local file that is meant, or None: an address, or something that is neither."""
    if found := re.fullmatch(r"file:(?://(?:localhost)?)?(/[^?#]*)", address, re.IGNORECASE):
        return Path(unquote(found[1], errors="surrogateescape"))
    if "://" in address:
        return None
    path = Path(address).expanduser()
    return path.absolute() if address.startswith((".", "/", "~")) or path.exists() else None


def _slug_of_file(path: Path) -> str:
    """A slug of the words in the file's name; other letters count as a digest."""
    words = "-".join(re.findall("[A-Za-z0-9]+", path.stem))
    return slug_of(words if path.stem.isascii() else f"{words}?{path.stem}")


class Origins:
    """Feeds on the web, and those of local files that were named on the command line."""

    def __init__(self, web: Origin, files: Mapping[str, Path]) -> None:
        self._web = web
        self._files = files

    def fetch(
        self, subscription: Subscription, url: str, validators: Mapping[str, Validators]
    ) -> Fetched | NotModified | Gone:
        """The document at `url`. Raises: FetchError."""
        path = self._files.get(url)
        if path is None:
            return self._web.fetch(subscription, url, validators)
        from feedmirror.adapters.origin.file import LocalOrigin  # noqa: PLC0415 - rarely needed

        return replace(LocalOrigin().fetch(subscription, str(path), {}), url=url)
