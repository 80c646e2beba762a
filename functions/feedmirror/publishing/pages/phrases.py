"""What pages say in the mirror's own words: dates, sizes, names of hosts, what is wrong."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from unicodedata import bidirectional
from urllib.parse import unquote, urlsplit

from feedmirror.text.xml import printable

_FROM_THE_RIGHT = frozenset(
    "ar arc azb ckb dv fa glk he iw ji ks lrc mzn nqo pnb ps sd syr ug ur yi".split()
)
_LATIN = re.compile("[A-Za-z]")
_LOOKED_AT = 1_000  # characters of a text, to tell which way it runs


def direction(text: str, tag: str | None) -> str:
    """`rtl` or `ltr`: the way most letters run, whatever language is claimed. Without letters, the
    way of the language.

    Not `dir="auto"`, which goes by the first letter: an Urdu title may begin with a Latin name.
    """
    # One letter of Latin decides where there is nothing but ASCII, as nearly always.
    looked_at = "a" if text.isascii() and _LATIN.search(text) else text[:_LOOKED_AT]
    kinds = [bidirectional(letter) for letter in looked_at]
    right, left = sum(kind in {"R", "AL"} for kind in kinds), kinds.count("L")
    if right == left:
        return "rtl" if tag and tag.lower().partition("-")[0] in _FROM_THE_RIGHT else "ltr"
    return "rtl" if right > left else "ltr"


_MONTHS = (
    "January February March April May June July August September October November December".split()
)
_TROUBLE = {
    "blocked": "The mirror does not get through to the source.",
    "broken": "What the source sends cannot be read as a feed.",
    "unreachable": "The source does not answer.",
    "gone": "The source no longer has this feed.",
    "internal": "The mirror has trouble of its own with this feed.",
}
_UNKNOWN_TROUBLE = "This feed cannot be brought up to date."
_EPOCH_YEARS = 2000  # a moment before stands for "nobody knows since when"
_LONGEST_NAME = 60  # characters of a file's
_UNITS = ("kB", "MB", "GB", "TB")


def day(moment: datetime) -> str:
    """`2 March 2026`, in UTC."""
    m = moment.astimezone(UTC)
    return f"{m.day} {_MONTHS[m.month - 1]} {m.year}"


def moment(at: datetime) -> str:
    """`2 March 2026, 14:05 UTC`."""
    return f"{day(at)}, {at.astimezone(UTC):%H:%M} UTC"


def month(name: str) -> str:
    """`November 2026` for `2026-11`."""
    year, _, number = name.partition("-")
    return f"{_MONTHS[int(number) - 1]} {year}"


def trouble(group: str) -> str:
    """A sentence that says what is wrong with a feed, for its readers."""
    return _TROUBLE.get(group, _UNKNOWN_TROUBLE)


def since(at: datetime | None) -> datetime | None:
    """The moment, if it is known."""
    return at if at and at.year >= _EPOCH_YEARS else None


def size(length_bytes: int | None) -> str | None:
    """`12.3 MB`; None where it is not known. Source: IEC 80000-13, prefixes of SI."""
    if not length_bytes or length_bytes < 0:
        return None
    if length_bytes < 1000:
        return "1 byte" if length_bytes == 1 else f"{length_bytes} bytes"
    amount = float(length_bytes)
    for unit in _UNITS:
        amount /= 1000
        if amount < 999.5 or unit == _UNITS[-1]:
            break
    return f"{amount:.1f} {unit}" if amount < 9.95 else f"{amount:.0f} {unit}"


def host(url: str) -> str:
    """The host's name as people say it; the address, shortened, if it has none."""
    try:
        name = urlsplit(url).hostname
    except ValueError:
        name = None
    return name.removeprefix("www.") if name else _short(url)


def file_name(url: str) -> str:
    """What the file at that address is called; its host's name if it is called nothing."""
    try:
        last = urlsplit(url).path.rpartition("/")[2]
    except ValueError:
        last = ""
    name = " ".join(printable(unquote(last, errors="ignore")).split())
    if not name:
        return host(url)
    return _short(name)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
