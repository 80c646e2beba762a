"""Phrases on pages: dates, sizes, host and file names, failures; and the direction of texts."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from unicodedata import bidirectional
from urllib.parse import unquote, urlsplit

from feedmirror.text.xml import printable

_RIGHT_TO_LEFT = frozenset(
    "ar arc azb ckb dv fa glk he iw ji ks lrc mzn nqo pnb ps sd syr ug ur yi".split()
)
_LATIN = re.compile("[A-Za-z]")
_EXAMINED_CHARS = 1_000  # of a text, to tell its direction


def direction(text: str, tag: str | None) -> str:
    """Return "rtl" or "ltr": the direction of most letters, or, without letters, of the language
    `tag`.

    `dir="auto"` goes by the first letter, but an Urdu title may begin with a Latin name.
    """
    # In ASCII, as most texts are, one letter decides.
    examined = "a" if text.isascii() and _LATIN.search(text) else text[:_EXAMINED_CHARS]
    kinds = [bidirectional(letter) for letter in examined]
    right, left = sum(kind in {"R", "AL"} for kind in kinds), kinds.count("L")
    if right == left:
        return "rtl" if tag and tag.lower().partition("-")[0] in _RIGHT_TO_LEFT else "ltr"
    return "rtl" if right > left else "ltr"


_MONTHS = (
    "January February March April May June July August September October November December".split()
)
_FAILURES = {
    "blocked": "The mirror does not get through to the source.",
    "broken": "What the source sends cannot be read as a feed.",
    "unreachable": "The source does not answer.",
    "gone": "The source no longer has this feed.",
    "internal": "The mirror has trouble of its own with this feed.",
}
_OTHER_FAILURE = "This feed cannot be brought up to date."
_FIRST_YEAR = 2000  # earlier dates stand for an unknown date
_LONGEST_NAME = 60  # characters of a file's
_UNITS = ("kB", "MB", "GB", "TB")


def day(moment: datetime) -> str:
    """Return the date in UTC as `2 March 2026`."""
    m = moment.astimezone(UTC)
    return f"{m.day} {_MONTHS[m.month - 1]} {m.year}"


def moment(at: datetime) -> str:
    """Return the date and time as `2 March 2026, 14:05 UTC`."""
    return f"{day(at)}, {at.astimezone(UTC):%H:%M} UTC"


def month(name: str) -> str:
    """Return `November 2026` for `2026-11`."""
    year, _, number = name.partition("-")
    return f"{_MONTHS[int(number) - 1]} {year}"


def failure(group: str) -> str:
    """Return a sentence on why the feed is not up to date, for its readers."""
    return _FAILURES.get(group, _OTHER_FAILURE)


def since(at: datetime | None) -> datetime | None:
    """Return the date; None if it stands for an unknown date."""
    return at if at and at.year >= _FIRST_YEAR else None


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
    """Return the host of the URL without `www.`; the URL, shortened, if it has no host."""
    try:
        name = urlsplit(url).hostname
    except ValueError:
        name = None
    return name.removeprefix("www.") if name else _short(url)


def file_name(url: str) -> str:
    """Return the file name in the URL; its host if the URL has no file name."""
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
