"""What a run came to: gathered while it goes on, and written at its end."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import asdict

from feedmirror.entrypoints.cli.option_values import DEFAULT_STORE
from feedmirror.entrypoints.cli.selection import DEFAULT_PUBLIC_URL, Choice
from feedmirror.entrypoints.cli.table import Table, show
from feedmirror.entrypoints.cli.text_log import sentence, tally_line
from feedmirror.entrypoints.store import Place
from feedmirror.entrypoints.telemetry import (
    RUN_STOPPING,
    Log,
    Tally,
    log_outcome,
    log_run,
    outcome_fields,
)
from feedmirror.layout import document_key
from feedmirror.model import Outcome, Subscription
from feedmirror.publishing.formats import formats

_MOST_FILES = 9  # that are listed by name
_HEAD = ("feed", "outcome", "new", "revised", "unchanged", "ms", "why")
_NUMBERS = frozenset({"new", "revised", "unchanged", "ms"})


class Result:
    """The outcomes of a run, logged as they come; of each feed it keeps the last one."""

    def __init__(
        self, choice: Choice, log: Log, on_outcome: Callable[[Outcome], None] = lambda _: None
    ) -> None:
        self._choice = choice
        self._subscriptions = {each.slug: each for each in choice.subscriptions}
        self._log = log
        self._on_outcome = on_outcome
        self._begun: dict[str, None] = {}
        self._fields: dict[str, dict[str, object]] = {}  # by slug
        self._skipped = 0  # feeds that were not begun
        self._duration_ms = 0
        self.tally = Tally()

    @property
    def running(self) -> list[str]:
        """The feeds that are being refreshed, the oldest first."""
        return list(self._begun)

    @property
    def standing(self) -> str:
        """How far the run is, in a few words."""
        return f"{self.tally.feeds} of {len(self._subscriptions)}  {', '.join(self.running)}"

    @property
    def skipped(self) -> int:
        """How many feeds were not begun, since the user had enough."""
        return self._skipped

    def begin(self, subscription: Subscription) -> None:
        """Note that a refresh begins; called in any thread."""
        self._begun[subscription.slug] = None

    def add(self, outcome: Outcome) -> None:
        """Log an outcome and keep it."""
        subscription = self._subscriptions[outcome.feed]
        self._begun.pop(outcome.feed, None)
        self._fields[outcome.feed] = outcome_fields(outcome, subscription)
        self.tally = self.tally.plus(outcome)
        log_outcome(self._log, outcome, subscription)
        self._on_outcome(outcome)

    def log_stop(self) -> None:
        """Log that the user had enough, and what is finished all the same."""
        self._log.info(RUN_STOPPING, extra={"finishing": self.running})

    def finish(self, skipped: int, duration_ms: int) -> None:
        """Note the end of the run."""
        self._skipped, self._duration_ms = skipped, duration_ms

    def log_run(self) -> None:
        """Log what it all came to."""
        log_run(self._log, self.tally, duration_ms=self._duration_ms, skipped=self._skipped)

    def write_json(self) -> None:
        """One JSON document on stdout, in ASCII: nothing in it can upset a terminal."""
        document = {"feeds": self._ordered(), "totals": self._totals()}
        print(json.dumps(document, indent=2))  # noqa: T201 - what the command is for

    def write_table(self, store: Place) -> None:
        """A table of the feeds on stdout, and where their copies are."""
        fields = self._ordered()
        if fields:
            show(Table(_HEAD, [_row(each) for each in fields], _NUMBERS, prose="why"))
            lines = ["", tally_line(self._totals()), *self._places(store)]
        else:
            lines = [tally_line(self._totals()) if self._skipped else "No feed is due."]
        print("\n".join(lines))  # noqa: T201 - what the command is for

    # ------------------------------------------------------------ parts of it

    def _ordered(self) -> list[dict[str, object]]:
        """The fields of each outcome, in the order of the configuration."""
        return [self._fields[slug] for slug in self._subscriptions if slug in self._fields]

    def _totals(self) -> dict[str, object]:
        return {**asdict(self.tally), "skipped": self._skipped, "duration_ms": self._duration_ms}

    def _places(self, store: Place) -> list[str]:
        """Where the copies are, and how to look at them; nothing if there are none yet."""
        copies = self._copies(store)
        if not copies:
            return []
        if len(copies) > _MOST_FILES:
            names = sorted({copy.rpartition("/")[2] for copy in copies})
            copies = [store.below(document_key("SLUG", name)) for name in names]
        lines = ["", "The copies:", *(f"  {copy}" for copy in copies)]
        if store.directory is not None:
            option = "" if store == DEFAULT_STORE else f" --store {shlex.quote(str(store))}"
            lines.append(f"To look at them: feedmirror serve{option}")
        if self._choice.public_url != DEFAULT_PUBLIC_URL:
            lines.append(f"Readers find public/ at {self._choice.public_url}")
        return lines

    def _copies(self, store: Place) -> list[str]:
        """Where each copy is; in a bucket, which is not asked, those of feeds that were read."""
        names = [made.name for made in formats()]
        if store.directory is not None:
            folders = (store.directory / "public" / slug for slug in self._subscriptions)
            paths = (folder / name for folder in folders for name in names)
            return [str(path) for path in paths if path.exists()]
        read = (slug for slug, fields in self._fields.items() if _was_read(fields))
        return [store.below(document_key(slug, name)) for slug in read for name in names]


def _was_read(fields: dict[str, object]) -> bool:
    return fields["outcome"] in {"changed", "unchanged"}


def _row(fields: dict[str, object]) -> tuple[str, ...]:
    """A row of the table; a feed that has not been read has no numbers."""
    counts = [
        str(fields[name]) if _was_read(fields) else "" for name in ("new", "revised", "unchanged")
    ]
    name, outcome = str(fields["feed"]), str(fields["outcome"])
    return (name, outcome, *counts, str(fields["duration_ms"]), sentence(fields))
