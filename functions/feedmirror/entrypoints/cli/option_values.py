"""Parsers for the values of command-line options; each names what it accepts."""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path

from feedmirror.entrypoints.store import StoreLocation, parse_location
from feedmirror.errors import ConfigError

DEFAULT_CONFIG = Path("feeds.toml")
DEFAULT_STORE = StoreLocation(Path("mirror"))

_MOST_THREADS = 64


def store(value: str) -> StoreLocation:
    """Parse the location of a store. Raises: ArgumentTypeError."""
    try:
        return parse_location(value)
    except ConfigError as error:
        raise ArgumentTypeError(str(error)) from error


def threads(value: str) -> int:
    """Parse a number of threads. Raises: ArgumentTypeError."""
    return _whole(value, 1, _MOST_THREADS)


def port(value: str) -> int:
    """Parse a TCP port, or 0. Raises: ArgumentTypeError."""
    return _whole(value, 0, 65_535)


def _whole(value: str, low: int, high: int) -> int:
    if value.isascii() and value.isdigit() and low <= int(value[:6]) <= high:
        return int(value)
    raise ArgumentTypeError(f"{value!r} is not a whole number from {low} to {high}")
