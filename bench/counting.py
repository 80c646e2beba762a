"""What a refresh asks of the store, writes, and logs: counted, and so the same each time."""

from __future__ import annotations

import gzip
import time
from dataclasses import dataclass
from datetime import timedelta

from stage import Count, Stage

_POLLS_A_DAY = 96
_NEW_AT = (30, 70)  # of them


@dataclass(frozen=True, slots=True)
class Counted:
    """One feed's polls of each kind."""

    first: Count
    unchanged: Count
    new: Count
    several: Count  # five new entries
    failing: Count  # the first time
    failing_again: Count
    bookkeeping_writes: int  # of a day besides those of its two new entries
    entry_bytes: float
    state_bytes: float
    document_bytes: float
    document_gzip_bytes: float
    metrics: int


def count_polls(days: int = 12) -> Counted:
    """A mirror from its first poll on, two new entries a day until its window is as long as it
    gets, and then a day of 96 polls.
    """
    stage = Stage()
    first = stage.poll()
    for _ in range(2 * days):
        stage.publish(stage.version + 1)
        stage.poll(hours=12)
    counts = []
    for number in range(_POLLS_A_DAY):
        if number in _NEW_AT:
            stage.publish(stage.version + 1)
        counts.append(stage.poll(minutes=15))
    new, unchanged = counts[_NEW_AT[-1]], counts[-1]
    bookkeeping = sum(count.writes for count in counts) - len(_NEW_AT) * new.writes
    sizes = _sizes(stage)
    stage.publish(stage.version + 5)
    several = stage.poll(minutes=15)
    stage.fail()
    failing, again = stage.poll(minutes=15), stage.poll(minutes=15)
    polls = (first, unchanged, new, several, failing, again)
    return Counted(*polls, bookkeeping, *sizes, first.metrics)


def _sizes(stage: Stage) -> tuple[float, float, float, float]:
    """Bytes of an entry, the state, the documents, and these as the CDN sends them."""
    entries = stage.bytes_of(lambda key: key.startswith("data/") and "/entries/" in key)
    (state,) = stage.bytes_of(lambda key: key.endswith("/state.json"))
    documents = stage.bytes_of(lambda key: key.startswith("public/"))
    packed = sum(len(gzip.compress(document, 6)) for document in documents)
    mean = sum(map(len, entries)) / len(entries)
    return mean, len(state), sum(map(len, documents)), packed


def due_cpu_s(feeds: int = 10_000) -> float:
    """The CPU time to decide whether one feed is due."""
    from feedmirror.core.schedule import is_due

    until = Stage().now
    since = until - timedelta(minutes=5)
    began_s = time.process_time()
    for number in range(feeds):
        is_due(f"feed-{number}", 900, since, until)
    return (time.process_time() - began_s) / feeds
