"""The log for people: the same events as lines of text, or only those that are amiss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from feedmirror.entrypoints.telemetry import FEED_REFRESHED, RUN_FINISHED, RUN_STOPPING, Log

Fields = Mapping[str, object]


class TextLog:
    """A `Log` that writes a line an event."""

    def __init__(
        self,
        write: Callable[[str], None],  # a line, without its end
        clock: Callable[[], datetime],
        *,
        tabled: bool = False,  # no feeds: whoever reads it sees them in a table soon
    ) -> None:
        self._write = write
        self._clock = clock
        self._tabled = tabled

    def info(self, msg: object, /, *, extra: Fields) -> None:
        """Write the event."""
        if self._tabled and msg == FEED_REFRESHED:
            return
        now = self._clock().astimezone()  # the local time, which people go by
        self._write(f"{now:%Y-%m-%d %H:%M:%S} {event_line(msg, extra)}")

    warning = error = info


class QuietLog:
    """A `Log` of what the operator should look at; the real one is made when there is any."""

    def __init__(self, make: Callable[[], Log]) -> None:
        self._make = make

    def info(self, msg: object, /, *, extra: Fields) -> None:
        """Nothing."""

    def warning(self, msg: object, /, *, extra: Fields) -> None:
        """Note it."""
        self._make().warning(msg, extra=extra)

    def error(self, msg: object, /, *, extra: Fields) -> None:
        """Note it."""
        self._make().error(msg, extra=extra)


def event_line(message: object, fields: Fields) -> str:
    """An event in words."""
    if message == FEED_REFRESHED:
        return f"{fields['feed']} {outcome_line(fields)}"
    if message == RUN_FINISHED:
        return tally_line(fields)
    if message == RUN_STOPPING:
        names = listed(fields["finishing"])
        return f"stopping{f'; finishing {names} (Ctrl-C again ends at once)' if names else ''}"
    return str(message)


def outcome_line(fields: Fields) -> str:
    """`changed: 3 new, 1 revised (412 ms)`, with what went wrong or is to be noted."""
    counts = [f"{fields[key]} {key}" for key in ("new", "revised", "amended") if fields.get(key)]
    said = "; ".join(filter(None, (", ".join(counts), sentence(fields))))
    colon = ": " if said else ""
    return f"{fields['outcome']}{colon}{said} ({fields['duration_ms']} ms)"


def sentence(fields: Fields) -> str:
    """Why a feed failed, what its operator should know, or nothing."""
    said = [str(fields[key]) for key in ("error", "note") if fields.get(key)]
    if guids := fields.get("quarantined"):
        said.append(f"left out of the mirror, since they cannot be rendered: {listed(guids)}")
    return "; ".join(said)


def tally_line(fields: Fields) -> str:
    """`3 feeds: 1 changed (3 new entries), 1 unchanged, 1 failed; 1.2 s`."""
    counts = [
        f"{fields[name]} {name}{_entries(fields) if name == 'changed' else ''}"
        for name in ("changed", "unchanged", "waiting", "retired", "failed")
        if fields[name]
    ]
    if fields.get("skipped"):
        counts.append(f"{fields['skipped']} not begun")
    colon = ": " if counts else ""
    took_s = float(str(fields["duration_ms"])) / 1000
    return f"{counted(fields['feeds'], 'feed')}{colon}{', '.join(counts)}; {took_s:.1f} s"


def counted(number: object, name: str) -> str:
    """`1 feed`, `2 feeds`, `1 entry`, `2 entries`."""
    if str(number) == "1":
        return f"{number} {name}"
    return f"{number} {name[:-1]}ies" if name.endswith("y") else f"{number} {name}s"


def listed(names: object) -> str:
    """`a, b`."""
    return ", ".join(map(str, names)) if isinstance(names, list) else str(names)


def _entries(fields: Fields) -> str:
    parts = [counted(fields["new"], "new entry")] if fields["new"] else []
    parts += [f"{fields[key]} {key}" for key in ("revised", "amended") if fields[key]]
    return f" ({', '.join(parts)})" if parts else ""
