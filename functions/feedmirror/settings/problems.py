"""What is wrong with a configuration: collected, so that the operator hears all of it at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

KeyPath = tuple[str, ...]  # of keys: ("feeds", "example-news", "keep")

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Problem:
    """One complaint."""

    key: KeyPath  # empty: the file as a whole
    wrong: str  # one line; quotes neither an address nor a header's value, which may be secret
    accepted: str  # what would be right, in words; empty where `wrong` says it all
    guess: str = ""  # what was probably meant, as it is to be written; empty for no idea

    def __str__(self) -> str:
        place = f"{dotted(self.key)}: " if self.key else ""
        guess = f"did you mean {self.guess}?" if self.guess else ""
        return place + "; ".join(part for part in (self.wrong, self.accepted, guess) if part)


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in the configuration, and the list that complaints about it go to."""

    problems: list[Problem]
    key: KeyPath = ()
    accepted: str = ""  # what is accepted here

    def refuse(self, wrong: str, accepted: str | None = None, guess: str = "") -> None:
        """Add a complaint; `accepted` where it differs from what the whole value may be."""
        accepted = self.accepted if accepted is None else accepted
        self.problems.append(Problem(self.key, wrong, accepted, guess))

    def reject(self, value: object, guess: str = "") -> None:
        """Complain about a value as a whole, and quote it."""
        self.refuse(f"{shown(value)} is not accepted", guess=guess)

    def reject_sort(self, value: object) -> None:
        """Complain about a value of another type, without quoting it: it may be a secret."""
        self.refuse(f"{sort_of(value)} is not accepted")

    def below(self, name: str, accepted: str = "") -> Spot:
        """The place of a key within this table."""
        return Spot(self.problems, (*self.key, name), accepted)


Reader = Callable[[Spot, object], object]  # the typed value; None after a complaint


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: what it is called, what is accepted, and how it is read."""

    name: str  # the TOML type
    accepted: str
    read: Reader


def dotted(key: KeyPath) -> str:
    """A path of keys as TOML writes it, on one line whatever the keys hold."""
    return ".".join(name if _BARE_KEY.fullmatch(name) else shown(name) for name in key)


def shown(value: object) -> str:
    """A value as a complaint quotes it: short, printable, in TOML's words."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        short = value if len(value) <= 40 else value[:39] + "…"
        return '"' + "".join(map(_escaped, short)) + '"'
    if isinstance(value, int) and value.bit_length() > 64:
        return "a number that long"  # str() itself refuses some of them
    if isinstance(value, int | float):
        return str(value)
    return sort_of(value)


def sort_of(value: object) -> str:
    """What a value of TOML is, not what it says."""
    if isinstance(value, str):
        return "a string"
    if isinstance(value, int | float):
        return "true or false" if isinstance(value, bool) else "a number"
    if isinstance(value, dict):
        return "a table"
    return "an array" if isinstance(value, list) else "a date or time"


def meant(name: str, known: Iterable[str]) -> str:
    """The known name that is closest to this one, in quotes; empty if none is close."""
    from difflib import get_close_matches  # noqa: PLC0415 - slow to import, rarely needed

    close = get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return f"'{close[0]}'" if close else ""


def _escaped(character: str) -> str:
    if character in {'"', "\\"}:
        return "\\" + character
    return character if character.isprintable() else f"\\u{ord(character):04X}"
