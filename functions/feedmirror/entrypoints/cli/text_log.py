"""The log as text for a terminal, and a filter for `--quiet`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from feedmirror.entrypoints.telemetry import FEED_REFRESHED, RUN_FINISHED, RUN_STOPPING, Log

Fields = Mapping[str, object]


class TextLog:
    """`Log` that writes one line of text per event."""

    def __init__(
        self,
        write: Callable[[str], None],  # takes a line without its newline
        clock: Callable[[], datetime],
        *,
        tabled: bool = False,  # True: omit events of feeds, which a table will show
    ) -> None:
        self._write = write
        self._clock = clock
        self._tabled = tabled

    def info(self, msg: object, /, *, extra: Fields) -> None:
        """Write the event at any level."""
        if self._tabled and msg == FEED_REFRESHED:
            return
        now = self._clock().astimezone()  # local time
        self._write(f"{now:%Y-%m-%d %H:%M:%S} {event_line(msg, extra)}")

    warning = error = info


class QuietLog:
    """`Log` that drops INFO events. `make` is called at the first event of a higher level."""

    def __init__(self, make: Callable[[], Log]) -> None:
        self._make = make

    def info(self, msg: object, /, *, extra: Fields) -> None:
        """Drop the event."""

    def warning(self, msg: object, /, *, extra: Fields) -> None:
        """Pass the event on."""
        self._make().warning(msg, extra=extra)

    def error(self, msg: object, /, *, extra: Fields) -> None:
        """Pass the event on."""
        self._make().error(msg, extra=extra)


def event_line(message: object, fields: Fields) -> str:
    """Render an event as text."""
    if message == FEED_REFRESHED:
        return f"{fields['feed']} {outcome_line(fields)}"
    if message == RUN_FINISHED:
        return tally_line(fields)
    if message == RUN_STOPPING:
        names = listed_names(fields["finishing"])
        return f"stopping; finishing {names} (Ctrl-C again: stop at once)" if names else "stopping"
    return str(message)


def outcome_line(fields: Fields) -> str:
    """Render a refresh: `changed: 3 new, 1 revised (412 ms)`, with its error and notes."""
    counts = [f"{fields[key]} {key}" for key in ("new", "revised", "amended") if fields.get(key)]
    text = "; ".join(filter(None, (", ".join(counts), details(fields))))
    colon = ": " if text else ""
    return f"{fields['outcome']}{colon}{text} ({fields['duration_ms']} ms)"


def details(fields: Fields) -> str:
    """Render the error, the note and the quarantined entries of a refresh; empty if none."""
    parts = [str(fields[key]) for key in ("error", "note") if fields.get(key)]
    if guids := fields.get("quarantined"):
        parts.append(f"quarantined, since they cannot be rendered: {listed_names(guids)}")
    return "; ".join(parts)


def tally_line(fields: Fields) -> str:
    """Render the totals of a run: `3 feeds: 1 changed (3 new entries), 2 unchanged; 1.2 s`."""
    counts = [
        f"{fields[name]} {name}{_entries(fields) if name == 'changed' else ''}"
        for name in ("changed", "unchanged", "waiting", "retired", "failed")
        if fields[name]
    ]
    if fields.get("skipped"):
        counts.append(f"{fields['skipped']} not started")
    colon = ": " if counts else ""
    took_s = float(str(fields["duration_ms"])) / 1000
    return f"{counted(fields['feeds'], 'feed')}{colon}{', '.join(counts)}; {took_s:.1f} s"


def counted(number: object, name: str) -> str:
    """Render a count with its noun: `1 feed`, `2 feeds`, `1 entry`, `2 entries`."""
    if str(number) == "1":
        return f"{number} {name}"
    return f"{number} {name[:-1]}ies" if name.endswith("y") else f"{number} {name}s"


def listed_names(names: object) -> str:
    """Render a list: `a, b`."""
    return ", ".join(map(str, names)) if isinstance(names, list) else str(names)


def _entries(fields: Fields) -> str:
    parts = [counted(fields["new"], "new entry")] if fields["new"] else []
    parts += [f"{fields[key]} {key}" for key in ("revised", "amended") if fields[key]]
    return f" ({', '.join(parts)})" if parts else ""
