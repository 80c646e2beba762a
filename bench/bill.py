"""The monthly bill, a pure function of what was counted and measured, and of what is assumed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import prices
from figures import Assumptions, Measured
from month import DAY_S, DAYS, Fleet, Month
from prices import Price

from feedmirror.mirror.archive import PAGE_ENTRIES
from feedmirror.mirror.renewal_work import work_of

_GB = 2**30  # AWS's
_CHUNK_BYTES = 65_536  # of a message or request, which SQS bills as one


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the bill, for a month."""

    what: str
    count: float
    price: Price
    fixed: bool = False  # the same however many feeds there are

    @property
    def usd(self) -> float:
        """What it costs."""
        return self.count * self.price.usd


def bill(fleet: Fleet, measured: Measured, assumed: Assumptions) -> list[Item]:
    """All items, in the order of the path: from the schedule to the dashboard."""
    month = Month(fleet, measured, assumed)
    return [
        Item("schedule: ticks", month.ticks, prices.SCHEDULE),
        *_dispatch(month),
        *_queue(month),
        *_mirror(month),
        *_store(month),
        *_logs(month),
        Item("data sent to origins", month.polls * assumed.out_bytes / _GB, prices.OUT_GB),
        *_fixed(month),
    ]


def total(items: list[Item], *, fixed: bool | None = None) -> float:
    """What they cost together: all, or those that are fixed or not."""
    return sum(item.usd for item in items if fixed is None or item.fixed == fixed)


def free(items: list[Item]) -> float:
    """What they cost together with what AWS gives to every account each month, for good."""
    counts: dict[Price, float] = {}
    for item in items:
        counts[item.price] = counts.get(item.price, 0) + item.count
    free_counts = prices.FREE
    return sum(max(0, n - free_counts.get(p, 0)) * p.usd for p, n in counts.items())


def _dispatch(month: Month) -> Iterator[Item]:
    m, a = month.measured, month.assumed
    # A request has ten messages at most, and each 64 KB of it are billed.
    tick_bytes = month.due * m.known_bytes
    requests = ceil(month.messages / 10)
    sends = max(requests, ceil(tick_bytes / _CHUNK_BYTES)) * month.busy_ticks
    listings = ceil(month.fleet.feeds / 1_000)
    cpu_s = month.fleet.feeds * (m.due_cpu_s + m.index_cpu_s) + listings * a.listing_cpu_s
    cpu_s = month.ticks * (cpu_s + m.invocation_cpu_s)
    cpu_s += requests * month.busy_ticks * a.send_cpu_s + month.changes * a.look_cpu_s
    # Pages of the listing follow one another, beside the index, which is read and written.
    wait_s = month.ticks * (listings + 3) * a.s3_s + month.changes / 10 * a.s3_s
    seconds = month.billed_s(cpu_s) + wait_s + month.init_s(month.ticks * a.cold_share)
    yield Item("dispatch: requests", month.ticks, prices.LAMBDA_REQUEST)
    yield Item("dispatch: GB-seconds", month.gb_s(seconds), prices.LAMBDA_GB_S)
    yield Item("queue: sends", sends, prices.SQS_FIFO)


def _queue(month: Month) -> Iterator[Item]:
    # Received, held for as long as the function may run, deleted.
    yield Item("queue: receives, holds and deletes", 3 * month.batches, prices.SQS_FIFO)


def _mirror(month: Month) -> Iterator[Item]:
    m, a = month.measured, month.assumed
    unchanged_cpu_s = month.polls * (m.unchanged.cpu_s + a.tls_cpu_s)
    cpu_s = month.batches * (m.invocation_cpu_s + a.send_cpu_s) + unchanged_cpu_s
    new_cpu_s = month.new_polls * (m.new.cpu_s - m.unchanged.cpu_s)
    # Feeds of a message wait side by side; one that has something new makes it wait longer.
    full = (month.due / month.messages - 1) / a.feeds_a_message
    slowest_s = a.origin_s + max(0.0, full) * (a.slowest_s - a.origin_s)
    wait_s = month.batches * (slowest_s + m.unchanged.reads * a.s3_s)
    hidden_s = m.overlap * min(wait_s, month.billed_s(cpu_s))
    new_wait_s = month.new_polls * (m.new.reads + _new_writes(m, a) - m.unchanged.reads) * a.s3_s
    dead_polls = month.fleet.feeds * a.dead_share * a.dead_polls_a_day * DAYS
    hang_s = min(dead_polls, month.polls) * a.hang_share * a.timeout_s
    yield Item("mirror: requests", month.batches, prices.LAMBDA_REQUEST)
    for what, seconds in (
        ("waiting for origins and S3", wait_s),
        ("CPU of unchanged polls", month.billed_s(cpu_s) - hidden_s),
        ("new entries", month.billed_s(new_cpu_s) + new_wait_s),
        ("silent origins", hang_s),
        ("cold starts", month.init_s(month.inits)),
    ):
        yield Item(f"mirror: GB-seconds, {what}", month.gb_s(seconds), prices.LAMBDA_GB_S)


def _new_writes(m: Measured, a: Assumptions) -> float:
    """Writes of a poll that finds something new."""
    return m.new.writes + (a.new_a_poll - 1) * m.writes_an_entry + a.new_a_poll * m.archive_writes


def _store(month: Month) -> Iterator[Item]:
    m, a = month.measured, month.assumed
    feeds, quiet = month.fleet.feeds, month.polls - month.new_polls
    reads = quiet * m.unchanged.reads + month.new_polls * m.new.reads
    writes = quiet * m.unchanged.writes + month.new_polls * _new_writes(m, a)
    writes += feeds * DAYS * m.bookkeeping_writes
    listings = quiet * m.unchanged.listings + month.new_polls * m.new.listings
    entries = feeds * (m.entries_first + a.new_a_day * DAYS * a.month)
    state_bytes = m.state_bytes * a.packed
    current = feeds * (state_bytes + m.document_bytes)
    # What is new replaces the state twice and the documents once.
    changes = a.new_a_day / a.new_a_poll
    replaced = (2 * changes + m.bookkeeping_writes) * state_bytes
    yield Item("S3: GET", reads, prices.S3_READ)
    yield Item("S3: GET for the feed index", month.ticks + month.changes, prices.S3_READ)
    yield Item("S3: PUT", writes, prices.S3_WRITE)
    indexed = min(month.ticks, month.changes)
    yield Item("S3: PUT of the feed index", indexed, prices.S3_WRITE)
    listings += month.ticks * ceil(feeds / 1_000)
    yield Item("S3: LIST", listings, prices.S3_WRITE)
    entry_bytes = m.entry_bytes * a.packed + m.entry_public_bytes
    yield Item("S3: entries and their pages, GB", entries * entry_bytes / _GB, prices.S3_GB)
    yield Item("S3: states and documents, GB", current / _GB, prices.S3_GB)
    replaced += indexed / DAYS * m.index_bytes
    kept = replaced * a.version_days + changes * m.document_bytes * a.public_version_days
    yield Item("S3: old versions, GB", feeds * kept / _GB, prices.S3_GB)


def _logs(month: Month) -> Iterator[Item]:
    m, a = month.measured, month.assumed
    own = month.batches * m.invocation_log_bytes
    lines = month.batches * m.invocation_log_lines
    for polls, poll in ((month.polls - month.new_polls, m.unchanged), (month.new_polls, m.new)):
        own += polls * poll.log_bytes
        lines += polls * poll.log_lines
    # dispatch is taken to say as much an invocation as mirror does.
    own += month.ticks * m.invocation_log_bytes
    lines += month.ticks * m.invocation_log_lines
    invocations = month.batches + month.ticks
    platform = invocations * (a.platform_bytes + a.platform_lines * a.event_bytes)
    named = (month.polls - month.new_polls) * a.slug_bytes
    taken = own + named + lines * a.event_bytes + platform
    yield Item("logs: GB taken in", taken / _GB, prices.LOGS_GB_IN)
    yield Item("logs: GB kept", taken * a.log_days / DAYS / _GB, prices.LOGS_GB)


def _fixed(month: Month) -> Iterator[Item]:
    m, a = month.measured, month.assumed
    receives = a.queues * a.pollers * DAYS * DAY_S / a.long_poll_s
    metrics = m.metrics + a.dispatch_metrics
    yield Item("queues: Lambda's polling of them when empty", receives, prices.SQS_FIFO, fixed=True)
    yield Item("custom metrics", metrics, prices.METRIC, fixed=True)
    yield Item("alarms", a.alarms, prices.ALARM, fixed=True)
    yield Item("dashboards", a.dashboards, prices.DASHBOARD, fixed=True)


def renewal(archived: int) -> list[Item]:
    """What it costs once to renew the pages of a feed with so many archived entries: requests to
    S3. Functions and messages add about three hundredths to it.
    """
    work = work_of(0, ceil(archived / PAGE_ENTRIES))
    return [
        Item("renewal: PUT and LIST", work.writes, prices.S3_WRITE),
        Item("renewal: GET", work.reads, prices.S3_READ),
    ]


# ---------------------------------------------------------------- readers


@dataclass(frozen=True, slots=True)
class Readers:
    """Who reads one feed, and what a month of it costs besides the mirror."""

    readers: int
    polls_a_day: float = 24.0
    unchanged_bytes: int = 600  # of a 304, headers of HTTP and TLS with it
    edges: int = 20  # of the CDN, which ask the bucket each

    def items(self, measured: Measured, assumed: Assumptions) -> list[Item]:
        """Requests and bytes of a month."""
        polls = self.readers * self.polls_a_day * DAYS
        changed = min(polls, self.readers * assumed.new_a_day * DAYS)
        sent = changed * measured.document_gzip_bytes + (polls - changed) * self.unchanged_bytes
        # An edge asks again when its copy is five minutes old, if somebody wants it.
        asked = min(polls, self.edges * DAYS * DAY_S / 300)
        return [
            Item("readers: requests", polls, prices.CDN_REQUEST),
            Item("readers: GB sent", sent / _GB, prices.CDN_GB),
            Item("readers: GET by the CDN", asked, prices.S3_READ),
        ]
