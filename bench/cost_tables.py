"""The bill as tables: prices, assumptions, what was counted and measured, and what it comes to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace

from assumed import ASSUMED
from bill import Item, Readers, bill, free, renewal, total
from counting import Counted
from figures import Assumptions, Measured
from levers import cases, saved
from month import DAYS, Fleet, Month
from prices import AS_OF, CAVEAT, PRICES
from report import Verdict
from tables import Table, usd

FLEETS = (Fleet(1, 900), Fleet(1, 300), Fleet(100, 900), Fleet(10_000, 900))
SMALL, LARGE = FLEETS[1], FLEETS[-1]
HALF = "half an entry a day"
LIMITS: dict[str, tuple[Fleet, Assumptions, float]] = {  # dollars a month
    str(LARGE): (LARGE, Assumptions(), 45.0),
    f"{LARGE}, {HALF}": (LARGE, Assumptions(new_a_day=0.5), 22.0),
}
_READERS = (100, 1_000, 10_000)
_ARCHIVED = (1_000, 100_000, 1_000_000)  # entries of a feed


def all_tables(
    counted: Counted, measured: Measured, assumed: Assumptions, load: float
) -> Iterator[Table]:
    """Everything, in the order in which it is read."""
    yield _results(measured, assumed)
    yield _limits(measured, assumed)
    yield _rates(measured, assumed)
    yield _levers(measured, assumed)
    yield _readers(measured, assumed)
    yield _renewals()
    yield _counts(counted)
    yield _measured(measured, load)
    yield _assumed(assumed)
    rows = [(p.what, p.shown, f"aws.amazon.com/{p.page}", p.seen) for p in PRICES]
    heads = ("price", "USD", "AWS's page", f"compared in {AS_OF} with")
    yield Table("Prices", heads, rows, frozenset({1, 2, 3}), CAVEAT)


def _results(measured: Measured, assumed: Assumptions) -> Table:
    bills = [bill(fleet, measured, assumed) for fleet in FLEETS]
    rows = []
    for is_fixed in (False, True):
        chosen = [[item for item in items if item.fixed == is_fixed] for items in bills]
        rows += [_row(list(items)) for items in zip(*chosen, strict=True)]
        name = "fixed items together" if is_fixed else "together, besides fixed items"
        rows.append((f"**{name}**", *(usd(total(items)) for items in chosen)))
    rows.append(("**all**", *(usd(total(items)) for items in bills)))
    about = (
        f"USD a month, in month {assumed.month}; {assumed.new_a_day:g} new entries a feed a day."
    )
    return Table("The bill", ("item", *map(str, FLEETS)), rows, about=about)


def _row(items: list[Item]) -> tuple[str, ...]:
    return (items[0].what, *(usd(item.usd) for item in items))


def _limited(measured: Measured, assumed: Assumptions) -> Iterator[tuple[str, list[Item], float]]:
    """Each bill that has a limit, and the limit."""
    for name, (fleet, other, limit) in LIMITS.items():
        yield name, bill(fleet, measured, replace(assumed, new_a_day=other.new_a_day)), limit


def verdicts(measured: Measured, assumed: Assumptions) -> list[Verdict]:
    """Each bill that has a limit."""
    return [
        Verdict(name, total(items), limit, "$")
        for name, items, limit in _limited(measured, assumed)
    ]


def _limits(measured: Measured, assumed: Assumptions) -> Table:
    rows = []
    for name, items, limit in _limited(measured, assumed):
        dearest = sorted(items, key=lambda item: -item.usd)[:3]
        said = "OVER" if total(items) > limit else "holds"
        named = ", ".join(f"{item.what} {usd(item.usd)}" for item in dearest)
        rows.append((name, usd(total(items)), usd(free(items)), usd(limit), said, named))
    heads = ("limits, USD a month", "comes to", "with the free tier", "limit", "", "dearest items")
    return Table("Limits", heads, rows, frozenset({4, 5}))


def _rates(measured: Measured, assumed: Assumptions) -> Table:
    """The bill of the large fleet as what a million polls and a million new entries add to it."""
    quiet = bill(LARGE, measured, replace(assumed, new_a_day=0))
    items = bill(LARGE, measured, assumed)
    fixed = total(items, fixed=True)
    polls = Month(LARGE, measured, assumed).polls
    entries = LARGE.feeds * DAYS * assumed.new_a_day
    rows = [
        ("a million polls", usd((total(quiet) - fixed) / polls * 1e6)),
        ("a million new entries", usd((total(items) - total(quiet)) / entries * 1e6)),
        ("fixed items, a month", usd(fixed)),
    ]
    return Table("Rates", (f"USD, {LARGE}", ""), rows)


def _levers(measured: Measured, assumed: Assumptions) -> Table:
    rows = []
    for case in cases(measured, assumed):
        saves = [saved(fleet, measured, assumed, case) for fleet in FLEETS]
        rows.append((case[0], *(f"-{usd(-s)}" if s < 0 else usd(s) for s in saves)))
    title = "What a change would save, or another assumption"
    return Table(title, ("USD a month", *map(str, FLEETS)), rows)


def _readers(measured: Measured, assumed: Assumptions) -> Table:
    bills = [Readers(count).items(measured, assumed) for count in _READERS]
    rows = [_row(list(items)) for items in zip(*bills, strict=True)]
    rows.append(("**all**", *(usd(total(items)) for items in bills)))
    about = "USD a month, besides the bill above. Polled hourly; 304 unless there is a new entry."
    heads = ("readers of one feed", *(f"{count:,}" for count in _READERS))
    return Table("Readers", heads, rows, about=about)


def _renewals() -> Table:
    bills = [renewal(archived) for archived in _ARCHIVED]
    rows = [_row(list(items)) for items in zip(*bills, strict=True)]
    rows.append(("**all**", *(usd(total(items)) for items in bills)))
    about = "USD, once for each change of what pages are rendered from."
    heads = ("archived entries of one feed", *(f"{count:,}" for count in _ARCHIVED))
    return Table("Renewals", heads, rows, about=about)


def _counts(counted: Counted) -> Table:
    kinds = {
        "unchanged": counted.unchanged,
        "1 new entry": counted.new,
        "5 new entries": counted.several,
        "first mirror": counted.first,
        "fails, the first time": counted.failing,
        "fails again": counted.failing_again,
    }
    rows = [
        (kind, str(c.reads), str(c.writes), str(c.listings), str(c.log_bytes))
        for kind, c in kinds.items()
    ]
    heads = ("a poll", "GET", "PUT", "LIST", "bytes of its log line")
    return Table(
        "Counted", heads, rows, about=f"Bookkeeping: {counted.bookkeeping_writes} PUT a day."
    )


def _measured(m: Measured, load: float) -> Table:
    rows = [
        ("init, CPU ms", f"{1000 * m.init_cpu_s:.0f}"),
        ("an invocation besides its feeds, CPU ms", f"{1000 * m.invocation_cpu_s:.1f}"),
        ("an unchanged feed, CPU ms", f"{1000 * m.unchanged.cpu_s:.1f}"),
        ("a feed with one new entry, CPU ms", f"{1000 * m.new.cpu_s:.1f}"),
        ("to decide whether a feed is due, CPU µs", f"{1e6 * m.due_cpu_s:.1f}"),
        ("the feed index, CPU µs a feed and tick", f"{1e6 * m.index_cpu_s:.1f}"),
        ("the feed index, gzipped, bytes a feed", f"{m.index_bytes:,.0f}"),
        ("a feed in a message, bytes", f"{m.known_bytes:,.0f}"),
        ("an invocation's own log lines, bytes", f"{m.invocation_log_bytes:.0f}"),
        ("of a batch's time that passes while it waits for origins", f"{m.overlap:.2f}"),
        ("an entry's object, bytes", f"{m.entry_bytes:,.0f}"),
        ("its page, and its part of archive pages, bytes", f"{m.entry_public_bytes:,.0f}"),
        ("PUT for archive pages, an entry", f"{m.archive_writes:.2f}"),
        ("a state, bytes", f"{m.state_bytes:,.0f}"),
        ("the documents that a new entry changes, bytes", f"{m.document_bytes:,.0f}"),
        ("the RSS, gzipped, bytes", f"{m.document_gzip_bytes:,.0f}"),
    ]
    about = f"CPU times on this machine, at a load of {load:.1f}; busy neighbours make them longer."
    return Table("Measured", ("what", "figure"), rows, about=about)


def _assumed(assumed: Assumptions) -> Table:
    values = asdict(assumed)
    rows = [(what, f"{values[name]:.4g}", why) for name, (what, why) in ASSUMED.items()]
    return Table("Assumed", ("what", "figure", "why"), rows, frozenset({2}))


def write_json(measured: Measured, assumed: Assumptions) -> None:
    """Everything, on stdout, as one JSON document."""
    bills = {
        str(fleet): [
            {"what": i.what, "count": i.count, "usd": i.usd, "fixed": i.fixed}
            for i in bill(fleet, measured, assumed)
        ]
        for fleet in FLEETS
    }
    limits = [{**asdict(one), "over": one.over} for one in verdicts(measured, assumed)]
    document = {"measured": asdict(measured), "assumed": asdict(assumed), "bills": bills}
    print(json.dumps({**document, "limits": limits}, indent=2))
