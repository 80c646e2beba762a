"""What happens in a month of a deployment: ticks, polls, batches and cold starts."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from figures import Assumptions, Measured

DAYS = 30
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Fleet:
    """How many feeds are mirrored, and how often each is polled."""

    feeds: int
    every_s: int

    def __str__(self) -> str:
        return f"{self.feeds:,} feed{'s' * (self.feeds != 1)}, {self.every_s // 60} min"


@dataclass(frozen=True, slots=True)
class Month:
    """What happens in a month."""

    fleet: Fleet
    measured: Measured
    assumed: Assumptions

    @property
    def ticks(self) -> float:
        return DAYS * DAY_S / self.assumed.tick_s

    @property
    def busy_ticks(self) -> float:
        """Those in which some feed is due."""
        return min(self.ticks, self.fleet.feeds * DAYS * DAY_S / self.fleet.every_s)

    @property
    def polls(self) -> float:
        return self.fleet.feeds * DAYS * DAY_S / self.fleet.every_s

    @property
    def new_polls(self) -> float:
        entries = self.fleet.feeds * DAYS * self.assumed.new_a_day
        return min(self.polls, entries / self.assumed.new_a_poll)

    @property
    def due(self) -> float:
        """Feeds that are due in a busy tick."""
        return self.polls / self.busy_ticks

    @property
    def messages(self) -> int:
        """Messages of a busy tick."""
        a = self.assumed
        groups = ceil(min(self.due, a.groups))
        return groups * ceil(self.due / groups / a.feeds_a_message)

    @property
    def batches(self) -> float:
        """Invocations of mirror: one for each message."""
        return self.busy_ticks * self.messages

    @property
    def changes(self) -> float:
        """States that have changed when a tick looks at them."""
        kept = self.fleet.feeds * DAYS * self.measured.bookkeeping_writes
        return self.new_polls + kept

    @property
    def inits(self) -> float:
        """Cold starts of mirror."""
        a = self.assumed
        environments = min(a.environments, self.batches / self.busy_ticks)
        gap_s = DAYS * DAY_S / self.busy_ticks
        share = a.cold_share if gap_s <= 300 else 1.0
        return max(environments * share * self.busy_ticks, DAYS * DAY_S / a.recycle_s)

    def billed_s(self, cpu_s: float) -> float:
        """How long so much CPU time of this machine takes in the function."""
        return cpu_s * self.assumed.core / self.assumed.vcpu

    def init_s(self, inits: float) -> float:
        """How long so many cold starts take."""
        a = self.assumed
        init_s = self.measured.init_cpu_s * a.core / a.init_vcpu
        return inits * (init_s + self.billed_s(a.contexts_cpu_s))

    def gb_s(self, seconds: float) -> float:
        return seconds * self.assumed.memory_gb
