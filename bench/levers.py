"""What the bill would come to with a change of the program, or under another assumption."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bill import bill, total
from figures import Assumptions, Measured
from month import Fleet

Case = tuple[str, Measured, Assumptions]


def cases(m: Measured, a: Assumptions) -> Iterator[Case]:
    """Each change, and what it changes."""
    silent = replace(m, unchanged=replace(m.unchanged, log_bytes=0, log_lines=0))
    slim = replace(m, invocation_log_bytes=m.invocation_log_bytes / 2)
    reading = replace(m, unchanged=replace(m.unchanged, reads=m.unchanged.reads + 1))
    needless = replace(m, unchanged=replace(m.unchanged, writes=m.unchanged.writes + 1))
    narrow = replace(a, feeds_a_message=10)
    yield "unchanged feeds say nothing in the log", silent, a
    yield "ten feeds a message at most (to compare)", m, narrow
    yield "a read of the state a poll (to compare)", reading, a
    yield "an invocation's own log lines are half as long", slim, a
    yield "old documents are kept for a week", m, replace(a, public_version_days=8)
    yield "a tick each 15 minutes", m, replace(a, tick_s=900)
    yield "no custom metrics", replace(m, metrics=0), replace(a, dispatch_metrics=0)
    yield "no dashboard", m, replace(a, dashboards=0)
    yield "if ticks are at full minutes", m, replace(a, groups=4)
    yield "if all CPU time passed while others wait", replace(m, overlap=1.0), a
    yield "if Lambda's CPUs are as fast as this one", m, replace(a, core=1.0)
    yield "if the entries of a day come together", m, replace(a, new_a_poll=a.new_a_day)
    yield "if origins answer in 200 ms", m, replace(a, origin_s=0.2)
    yield "if the function starts on its share of a CPU", m, replace(a, init_vcpu=a.vcpu)
    yield "one needless PUT a poll (to compare)", needless, a


def saved(fleet: Fleet, measured: Measured, assumed: Assumptions, case: Case) -> float:
    """Dollars a month; negative where it costs more."""
    _, other_measured, other_assumed = case
    other = bill(fleet, other_measured, other_assumed)
    return total(bill(fleet, measured, assumed)) - total(other)
