"""Environment of the Lambda functions: variables, validated once at init, and the context."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Protocol, TypeVar

from msgspec import Struct

from feedmirror.entrypoints import telemetry
from feedmirror.entrypoints.store import MOST_THREADS, parse_location
from feedmirror.errors import ConfigError
from feedmirror.model import Subscription
from feedmirror.settings.addresses import PUBLIC_URL
from feedmirror.settings.load import load_settings
from feedmirror.settings.problems import read_value, shown_value

_F = TypeVar("_F")
_Start = Callable[[Mapping[str, str], telemetry.Log, Callable[[], datetime]], _F]

_PARSER_SHARE = 3 / 4  # of the function's memory; the rest is for its own process


class Environment(Struct, frozen=True):
    """Settings of a function, constant for the life of its process."""

    store: str  # s3://BUCKET or s3://BUCKET/PREFIX
    public_url: str  # URL at which readers find `public/`
    build: str  # id of the package with its settings; another one is another deployment
    subscriptions: Mapping[str, Subscription]  # by slug, in the order of feeds.toml
    threads: int  # feeds refreshed in parallel
    parser_bytes: int  # address space of the parser process
    runtime_port: int | None = None  # of the Lambda runtime API, which no feed may reach
    queue_url: str | None = None  # of the queue of refreshes
    dead_letters_url: str | None = None  # of the queue for refreshes that were given up
    renewals_url: str | None = None  # of the queue of renewals
    renewals_per_day: int = 0  # pages; 0: none is renewed


def read_environment(variables: Mapping[str, str]) -> Environment:
    """Read the variables, and the feeds.toml that they name.

    Raises: ConfigError with all problems.
    """
    problems: list[str] = []
    package = Path(variables.get("LAMBDA_TASK_ROOT", "."))
    path = Path(variables.get("FEEDMIRROR_CONFIG") or package / "feeds.toml")
    try:
        settings = load_settings(path)
        subscriptions = {feed.slug: feed for feed in settings.subscriptions}
        public_url = settings.public_url
    except ConfigError as error:
        problems += error.problems
        subscriptions, public_url = {}, "unknown"
    public_url = _public_url(variables.get("FEEDMIRROR_PUBLIC_URL"), problems) or public_url
    if not public_url:
        problems.append(
            f"FEEDMIRROR_PUBLIC_URL: is not set, and {path} has no public_url; set one of them to "
            "the URL at which readers find the mirror"
        )
    memory_mb = _whole(variables, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", 512, 100_000, problems)
    read = Environment(
        store=_store(variables, problems),
        public_url=public_url or "",
        build=_build(package, path, public_url or "", problems),
        subscriptions=subscriptions,
        threads=_whole(variables, "FEEDMIRROR_THREADS", 32, MOST_THREADS, problems),
        parser_bytes=int(memory_mb * 1024 * 1024 * _PARSER_SHARE),
        runtime_port=_runtime_port(variables),
        queue_url=variables.get("FEEDMIRROR_QUEUE_URL") or None,
        dead_letters_url=variables.get("FEEDMIRROR_DEAD_LETTERS_URL") or None,
        renewals_url=variables.get("FEEDMIRROR_RENEWALS_URL") or None,
        renewals_per_day=_whole(
            variables, "FEEDMIRROR_RENEWALS_PER_DAY", 20_000, 100_000_000, problems, least=0
        ),
    )
    if problems:
        raise ConfigError(tuple(problems))
    return read


def _build(package: Path, config: Path, public_url: str, problems: list[str]) -> str:
    """Return a digest of what the build wrote of itself, of the feeds.toml in force, which may be
    another one than that of the package, and of the address.
    """
    try:
        written = (package / "build-id").read_bytes()
    except OSError as error:
        problems.append(
            f"{package / 'build-id'}: cannot be read: {error.strerror}; build the function with "
            "`sam build`"
        )
        return ""
    settings = config.read_bytes() if config.is_file() else b""  # else it is a problem already
    parts = (written, settings, public_url.encode())
    return sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()


def _store(variables: Mapping[str, str], problems: list[str]) -> str:
    store = variables.get("FEEDMIRROR_STORE", "")
    try:
        is_bucket = parse_location(store).directory is None
    except ConfigError:
        is_bucket = False
    if not is_bucket:
        found = f"{shown_value(store)} is not accepted" if store else "is not set"
        problems.append(f"FEEDMIRROR_STORE: {found}; s3://BUCKET or s3://BUCKET/PREFIX")
    return store


def _public_url(value: str | None, problems: list[str]) -> str | None:
    if not value:
        return None
    try:
        value = read_value(PUBLIC_URL, "FEEDMIRROR_PUBLIC_URL", value)
    except ConfigError as error:
        problems += error.problems
    return value


def _runtime_port(variables: Mapping[str, str]) -> int | None:
    """Return the port of the runtime API.

    Source: AWS Lambda, "Defined runtime environment variables".
    """
    port = variables.get("AWS_LAMBDA_RUNTIME_API", "").rpartition(":")[2]
    return int(port) if port.isascii() and port.isdigit() else None


def _whole(
    variables: Mapping[str, str],
    name: str,
    default: int,
    most: int,
    problems: list[str],
    *,
    least: int = 1,
) -> int:
    value = variables.get(name) or str(default)
    if value.isascii() and value.isdigit() and least <= int(value[:9]) <= most:
        return int(value)
    problems.append(
        f"{name}: {shown_value(value)} is not accepted; a whole number from {least} to {most}"
    )
    return default


class LambdaContext(Protocol):
    """Context object of an invocation. Source: AWS Lambda Developer Guide, "context"."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the time in milliseconds until the function times out."""
        ...


def started(start: _Start[_F]) -> _F:
    """Make the function for the environment of this process; log each problem of its configuration.

    Raises: ConfigError, StoreError.
    """
    log = telemetry.json_log()
    try:
        return start(os.environ, log, lambda: datetime.now(UTC))
    except ConfigError as error:
        for problem in error.problems:
            telemetry.log_error(log, telemetry.CONFIGURATION_REFUSED, problem)
        raise


def is_handler(module: str) -> bool:
    """True if this process serves the `handler` of that module.

    The function is then made at init, not at the first event: init runs with a full processor, and
    a wrong configuration fails at once.
    """
    return os.environ.get("_HANDLER") == f"{module}.handler"
