"""Collect the problems of a configuration, so that all of them are reported at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from feedmirror.errors import ConfigError

KeyPath = tuple[str, ...]  # of keys: ("feeds", "example-news", "keep")

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class Problem(Struct, frozen=True):
    """One problem of the configuration, as a line for the operator."""

    key: KeyPath  # empty: the file as a whole
    wrong: str  # one line; without addresses and header values, which may be secret
    accepted: str  # description of valid values; empty if `wrong` is enough
    guess: str = ""  # the probable intention, as it is to be written; empty if unknown

    def __str__(self) -> str:
        place = f"{_dotted(self.key)}: " if self.key else ""
        guess = f"did you mean {self.guess}?" if self.guess else ""
        return place + "; ".join(part for part in (self.wrong, self.accepted, guess) if part)


class Location(Struct, frozen=True):
    """Key in the configuration, with the list that collects problems."""

    problems: list[Problem]
    key: KeyPath = ()
    accepted: str = ""  # description of valid values

    def refuse(self, wrong: str, accepted: str | None = None, guess: str = "") -> None:
        """Add a problem; `accepted` overrides the description of valid values."""
        accepted = self.accepted if accepted is None else accepted
        self.problems.append(Problem(self.key, wrong, accepted, guess))

    def reject(self, value: object, guess: str = "") -> None:
        """Add a problem that quotes the value."""
        self.refuse(f"{shown_value(value)} is not accepted", guess=guess)

    def reject_type(self, value: object) -> None:
        """Add a problem that names the value's type only: the value may be a secret."""
        self.refuse(f"{type_name(value)} is not accepted")

    def below(self, name: str, accepted: str = "") -> Location:
        """Return the location of a key in this table."""
        return Location(self.problems, (*self.key, name), accepted)


Reader = Callable[[Location, object], object]  # returns the typed value; None after a problem


class ValueKind(Struct, frozen=True):
    """Kind of value: its TOML type, description of valid values, and validating reader."""

    name: str  # the TOML type
    accepted: str
    read: Reader


def read_value(kind: ValueKind, name: str, value: object) -> Any:
    """Return the value of the option `name`, read as one of feeds.toml. Raises: ConfigError."""
    problems: list[Problem] = []
    read = kind.read(Location(problems, (name,), kind.accepted), value)
    if problems:
        raise ConfigError(tuple(map(str, problems)))
    return read


def _dotted(key: KeyPath) -> str:
    """Return a key path in TOML syntax, on one line."""
    return ".".join(name if _BARE_KEY.fullmatch(name) else shown_value(name) for name in key)


def shown_value(value: object) -> str:
    """Return a value quoted for a problem: short, printable, in TOML syntax."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        short = value if len(value) <= 40 else value[:39] + "…"
        return '"' + "".join(map(_escaped, short)) + '"'
    if isinstance(value, int) and value.bit_length() > 64:
        return "a number of more than 64 bits"  # str() refuses integers of more than 4,300 digits
    if isinstance(value, int | float):
        return str(value)
    return type_name(value)


def type_name(value: object) -> str:
    """Return the type of a TOML value, with article."""
    if isinstance(value, str):
        return "a string"
    if isinstance(value, int | float):
        return "true or false" if isinstance(value, bool) else "a number"
    if isinstance(value, dict):
        return "a table"
    return "an array" if isinstance(value, list) else "a date or time"


def closest_name(name: str, known: Iterable[str]) -> str:
    """Return the known name most similar to `name`, quoted; empty if no name is similar."""
    from difflib import get_close_matches  # noqa: PLC0415 - slow to import, rarely needed

    close = get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return f"'{close[0]}'" if close else ""


def _escaped(character: str) -> str:
    if character in {'"', "\\"}:
        return "\\" + character
    return character if character.isprintable() else f"\\u{ord(character):04X}"
