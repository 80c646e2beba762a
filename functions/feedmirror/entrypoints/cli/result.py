"""Result of `feedmirror run`: outcomes as log lines, and as a table or JSON in the end."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from msgspec.json import encode
from msgspec.structs import asdict

from feedmirror.entrypoints.cli.arguments import DEFAULT_STORE
from feedmirror.entrypoints.cli.selection import DEFAULT_PUBLIC_URL, Selection
from feedmirror.entrypoints.cli.terminal import counted, listed_names, show_table
from feedmirror.entrypoints.store import StoreLocation
from feedmirror.entrypoints.telemetry import (
    FEED_REFRESHED,
    PAGES_RENEWED,
    RENEWAL_FAILED,
    RUN_FINISHED,
    RUN_STOPPING,
    SERVICE,
    Log,
    Tally,
    log_outcome,
    log_run,
    outcome_fields,
)
from feedmirror.layout import document_key
from feedmirror.model import Outcome, Subscription
from feedmirror.publishing.formats import formats

_MOST_FILES = 9  # listed one by one; of more, only the pattern of their paths
_HEAD = ("feed", "outcome", "new", "revised", "unchanged", "ms", "why")

_Fields = Mapping[str, object]


class Result:
    """Outcomes of a run. Logs each as it arrives, and keeps the last one of each feed."""

    def __init__(
        self,
        selection: Selection,
        log: Log,
        on_outcome: Sequence[Callable[[Outcome], None]],
    ) -> None:
        self._selection = selection
        self._subscriptions = {each.slug: each for each in selection.subscriptions}
        self._log = log
        self._on_outcome = on_outcome
        self._running: dict[str, None] = {}
        self._fields: dict[str, dict[str, object]] = {}  # by slug
        self.skipped = 0  # feeds that were not started because the run was interrupted
        self._duration_ms = 0
        self.tally = Tally()

    @property
    def running(self) -> list[str]:
        """The slugs of the feeds in progress, in the order in which they started."""
        return list(self._running)

    @property
    def progress_text(self) -> str:
        """The progress of the run as text."""
        return f"{self.tally.feeds} of {len(self._subscriptions)}  {', '.join(self.running)}"

    def begin(self, subscription: Subscription) -> None:
        """Record that a refresh starts. Thread-safe."""
        self._running[subscription.slug] = None

    def add(self, outcome: Outcome) -> None:
        """Log and keep an outcome."""
        subscription = self._subscriptions[outcome.feed]
        self._running.pop(outcome.feed, None)
        self._fields[outcome.feed] = outcome_fields(outcome, subscription)
        self.tally = self.tally.plus(outcome)
        log_outcome(self._log, outcome, subscription)
        for note in self._on_outcome:
            note(outcome)

    def log_stop(self) -> None:
        """Log that the run was interrupted, and which feeds it still finishes."""
        self._log.info(RUN_STOPPING, extra={"finishing": self.running})

    def finish(self, skipped: int, duration_ms: int) -> None:
        """Record the end of the run."""
        self.skipped, self._duration_ms = skipped, duration_ms

    def log_run(self) -> None:
        """Log the totals."""
        log_run(self._log, self.tally, duration_ms=self._duration_ms, skipped=self.skipped)

    def write_json(self) -> None:
        """Print one JSON document. It is ASCII: no control sequence can reach a terminal."""
        document = {"feeds": self._ordered(), "totals": self._totals()}
        print(json.dumps(document, indent=2))  # noqa: T201 - the output

    def write_table(self, store: StoreLocation) -> None:
        """Print a table of the feeds, the totals, and where the documents are."""
        fields = self._ordered()
        if fields:
            show_table(_HEAD, list(map(_row, fields)), numbers=_HEAD[2:6], prose="why")
            lines = ["", _tally_line(self._totals()), *self._locations(store)]
        else:
            lines = [_tally_line(self._totals()) if self.skipped else "No feed is due."]
        print("\n".join(lines))  # noqa: T201 - the output

    # ------------------------------------------------------------ parts

    def _ordered(self) -> list[dict[str, object]]:
        """Return the fields of each outcome, in the order of the configuration."""
        return [self._fields[slug] for slug in self._subscriptions if slug in self._fields]

    def _totals(self) -> dict[str, object]:
        return {**asdict(self.tally), "skipped": self.skipped, "duration_ms": self._duration_ms}

    def _locations(self, store: StoreLocation) -> list[str]:
        """Return lines on where the documents are and how to view them; empty without documents."""
        paths = self._paths(store)
        if not paths:
            return []
        if len(paths) > _MOST_FILES:
            names = sorted({path.rpartition("/")[2] for path in paths})
            paths = [store.below(document_key("SLUG", name)) for name in names]
        lines = ["", "Documents:", *(f"  {path}" for path in paths)]
        if store.directory is not None:
            option = "" if store == DEFAULT_STORE else f" --store {shlex.quote(str(store))}"
            lines.append(f"To view them: feedmirror serve{option}")
        if self._selection.public_url != DEFAULT_PUBLIC_URL:
            lines.append(f"Readers find public/ at {self._selection.public_url}")
        return lines

    def _paths(self, store: StoreLocation) -> list[str]:
        """Return the paths of the documents: those in the directory, or in a bucket, without asking
        it, those of the feeds read in this run.
        """
        names = [made.name for made in formats()]
        if store.directory is not None:
            folders = (store.directory / "public" / slug for slug in self._subscriptions)
            paths = (folder / name for folder in folders for name in names)
            return [str(path) for path in paths if path.exists()]
        read = (slug for slug, fields in self._fields.items() if _was_read(fields))
        return [store.below(document_key(slug, name)) for slug in read for name in names]


def _was_read(fields: _Fields) -> bool:
    return fields["outcome"] in {"changed", "unchanged"}


def _row(fields: _Fields) -> tuple[str, ...]:
    """Render a table row; a feed that was not read has no counts."""
    counts = [
        str(fields[name]) if _was_read(fields) else "" for name in ("new", "revised", "unchanged")
    ]
    name, outcome = str(fields["feed"]), str(fields["outcome"])
    return (name, outcome, *counts, str(fields["duration_ms"]), _details(fields))


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

    def info(self, msg: object, /, *, extra: _Fields) -> None:
        """Write the event at any level."""
        if self._tabled and msg == FEED_REFRESHED:
            return
        now = self._clock().astimezone()  # local time
        self._write(f"{now:%Y-%m-%d %H:%M:%S} {event_line(msg, extra)}")

    warning = error = info


class JsonLog:
    """`Log` that writes the lines of the function's log, without the import of powertools."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    def info(self, msg: object, /, *, extra: _Fields, level: str = "INFO") -> None:
        """Write the event to the current `sys.stderr`."""
        event = {
            "level": level,
            "message": msg,
            "timestamp": self._clock().astimezone(UTC).isoformat(timespec="milliseconds"),
            "service": SERVICE,
        }
        with suppress(OSError):  # nobody reads the log any more, which does not stop a mirror
            sys.stderr.write(f"{encode({**event, **extra}).decode()}\n")
            sys.stderr.flush()

    def warning(self, msg: object, /, *, extra: _Fields) -> None:
        """Write the event."""
        self.info(msg, extra=extra, level="WARNING")

    def error(self, msg: object, /, *, extra: _Fields) -> None:
        """Write the event."""
        self.info(msg, extra=extra, level="ERROR")


class QuietLog:
    """`Log` that drops INFO events. `make` is called at the first event of a higher level."""

    def __init__(self, make: Callable[[], Log]) -> None:
        self._make = make

    def info(self, msg: object, /, *, extra: _Fields) -> None:
        """Drop the event."""

    def warning(self, msg: object, /, *, extra: _Fields) -> None:
        """Pass the event on."""
        self._make().warning(msg, extra=extra)

    def error(self, msg: object, /, *, extra: _Fields) -> None:
        """Pass the event on."""
        self._make().error(msg, extra=extra)


def event_line(message: object, fields: _Fields) -> str:
    """Render an event as text."""
    if message == FEED_REFRESHED:
        return f"{fields['feed']} {_outcome_line(fields)}"
    if message == RUN_FINISHED:
        return _tally_line(fields)
    if message == RUN_STOPPING:
        names = listed_names(fields["finishing"])
        return f"stopping; finishing {names} (Ctrl-C again: stop at once)" if names else "stopping"
    if message == PAGES_RENEWED:
        return f"{fields['feed']}: {fields['written']:,} pages renewed"
    if message == RENEWAL_FAILED:
        return f"{fields['feed']}: pages were not renewed: {fields['error']}"
    return str(message)


def _outcome_line(fields: _Fields) -> str:
    """Render a refresh: `changed: 3 new, 1 revised (412 ms)`, with its error and notes."""
    counts = [f"{fields[key]} {key}" for key in ("new", "revised", "amended") if fields.get(key)]
    text = "; ".join(filter(None, (", ".join(counts), _details(fields))))
    colon = ": " if text else ""
    return f"{fields['outcome']}{colon}{text} ({fields['duration_ms']} ms)"


def _details(fields: _Fields) -> str:
    """Render the error, the note and the quarantined entries of a refresh; empty if none."""
    parts = [str(fields[key]) for key in ("error", "note") if fields.get(key)]
    if guids := fields.get("quarantined"):
        parts.append(f"quarantined, since they cannot be rendered: {listed_names(guids)}")
    return "; ".join(parts)


def _tally_line(fields: _Fields) -> str:
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


def _entries(fields: _Fields) -> str:
    parts = [counted(fields["new"], "new entry")] if fields["new"] else []
    parts += [f"{fields[key]} {key}" for key in ("revised", "amended") if fields[key]]
    return f" ({', '.join(parts)})" if parts else ""
