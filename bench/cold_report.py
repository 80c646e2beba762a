"""What was measured of cold starts, as tables and as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from enum import Enum
from statistics import median

from jobs import ENTRIES, MB
from profiling import tell_imports
from report import Verdict

MEMORY_LIMIT = 128 * MB
_MODULES = 12


class Case(Enum):
    """What starts."""

    BASELINE = "baseline"
    UNCHANGED = "nothing new"
    PARSE = "with a parse"


ABOUT = {
    Case.BASELINE: "a handler that only makes a boto3 client of S3; nothing trimmed",
    Case.UNCHANGED: "the function and its first event: one feed, its origin answers 304",
    Case.PARSE: f"the function and its first event: one feed, one new entry of {ENTRIES}",
}
LIMITS = {Case.UNCHANGED: 1.3, Case.PARSE: 2.0}  # times the baseline


@dataclass(frozen=True, slots=True)
class Start:
    """One cold start, to the answer to its first event."""

    init_cpu_s: float
    init_wall_s: float
    event_cpu_s: float
    event_wall_s: float
    requests: dict[str, int]  # to S3, by method

    @property
    def cpu_s(self) -> float:
        """All of it: of the function and of what it started."""
        return self.init_cpu_s + self.event_cpu_s

    @property
    def wall_s(self) -> float:
        """All of it."""
        return self.init_wall_s + self.event_wall_s


@dataclass(slots=True)
class ColdReport:
    """All that was measured, in its order."""

    starts: dict[Case, list[Start]] = field(default_factory=dict)
    memory: list[tuple[int, int, int]] = field(default_factory=list)  # own, child, together
    waits_s: dict[str, float] = field(default_factory=dict)  # for moto, by method
    steps: dict[Case, dict[str, tuple[float, float]]] = field(default_factory=dict)  # CPU, wall
    imports: str = ""  # what `-X importtime` wrote
    load: list[float] = field(default_factory=lambda: [os.getloadavg()[0]])  # before, after

    def add(self, case: Case, start: Start) -> None:
        """Note one more."""
        self.starts.setdefault(case, []).append(start)

    def median_s(self, case: Case, what: str) -> float:
        """The median of a property of `Start`."""
        return float(median(getattr(start, what) for start in self.starts[case]))

    def ratio(self, case: Case, what: str) -> float:
        """That median, divided by the baseline's."""
        return self.median_s(case, what) / self.median_s(Case.BASELINE, what)


def verdicts(report: ColdReport) -> Iterator[Verdict]:
    """Each figure that has a limit: times in the median, memory at its worst."""
    for case, limit in LIMITS.items():
        for name, what in (("CPU", "cpu_s"), ("wall", "wall_s")):
            yield Verdict(f"{name}, {case.value}", report.ratio(case, what), limit, "x")
    peak = max(together for _, _, together in report.memory)
    yield Verdict("memory, first mirror of a usual feed", peak / MB, MEMORY_LIMIT / MB, "MB")


# ---------------------------------------------------------------- for people


def write_tables(report: ColdReport) -> None:
    """Everything, on stdout."""
    rounds = len(report.starts[Case.BASELINE])
    print(f"cold starts under AWS's runtime for Python 3.13, {rounds} of each kind in turn")
    loads = " before and ".join(f"{load:.1f}" for load in report.load)
    print(f"load {loads} after, on {os.cpu_count()} CPUs: busy ones make all times longer")
    print("CPU: user + system of the process and all that it started; times in ms\n")
    print(
        f"{'':14}{'CPU min':>8} {'median':>7} {'ratio':>6}   {'wall min':>8} {'median':>7}"
        f" {'ratio':>6}   {'init CPU':>8} {'wall':>6}   {'event CPU':>9} {'wall':>6}"
    )
    for case in Case:
        print(_row(report, case))
    print()
    for case in Case:
        print(f"{case.value}: {ABOUT[case]}{_asked(report, case)}")
    waits = ", ".join(f"{1000 * s:.1f} ms for a {m}" for m, s in report.waits_s.items())
    print(f"S3 is moto here; a warm client waits for it {waits}. AWS's takes 10 to 20 ms")
    own, child, together = (max(kind) / MB for kind in zip(*report.memory, strict=True))
    print(f"memory: {own:.0f} MB, child {child:.0f} MB, together {together:.0f} MB (PSS)")
    print("\nlimits")
    for verdict in verdicts(report):
        print(f"  {verdict}")
    _write_steps(report.steps)
    tell_imports(report.imports, _MODULES)


def _row(report: ColdReport, case: Case) -> str:
    starts = report.starts[case]
    columns = []
    for what in ("cpu_s", "wall_s"):
        least = min(getattr(start, what) for start in starts) * 1000
        middle = report.median_s(case, what) * 1000
        columns.append(f"{least:8.0f} {middle:7.0f} {report.ratio(case, what):6.2f}")
    parts = (report.median_s(case, f"{part}_s") * 1000 for part in _PARTS)
    init_cpu, init_wall, event_cpu, event_wall = parts
    columns.append(f"{init_cpu:8.0f} {init_wall:6.0f}   {event_cpu:9.0f} {event_wall:6.0f}")
    return f"{case.value:14}" + "   ".join(columns)


_PARTS = ("init_cpu", "init_wall", "event_cpu", "event_wall")


def _asked(report: ColdReport, case: Case) -> str:
    requests = report.starts[case][-1].requests
    counts = ", ".join(f"{count} {method}" for method, count in sorted(requests.items()))
    waits_s = sum(report.waits_s.get(method, 0) * count for method, count in requests.items())
    return f" ({counts}: waits {1000 * waits_s:.0f} ms for moto)" if requests else ""


def _write_steps(steps: dict[Case, dict[str, tuple[float, float]]]) -> None:
    print("\nwhere the time goes, ms; waiting, and what the parser's process does, is wall alone")
    names = dict.fromkeys(name for found in steps.values() for name in found)
    print(f"{'':46}" + "".join(f"{case.value:>18}" for case in steps))
    print(f"{'':46}" + f"{'CPU':>10}{'wall':>8}" * len(steps))
    for name in names:
        print(f"  {name:44}" + "".join(_cells(found.get(name)) for found in steps.values()))


def _cells(taken: tuple[float, float] | None) -> str:
    return f"{1000 * taken[0]:10.1f}{1000 * taken[1]:8.1f}" if taken else " " * 18


# ---------------------------------------------------------------- for programs


def write_json(report: ColdReport) -> None:
    """Everything, on stdout, as one JSON document; memory in bytes."""
    document = {
        "cpus": os.cpu_count(),
        "load": report.load,
        "starts": {case.value: _listed(starts) for case, starts in report.starts.items()},
        "memory": report.memory,
        "waits_s": report.waits_s,
        "steps": {case.value: steps for case, steps in report.steps.items()},
        "limits": [{**asdict(one), "over": one.over} for one in verdicts(report)],
    }
    print(json.dumps(document, indent=2))


def _listed(starts: Iterable[Start]) -> list[dict[str, object]]:
    return [{**asdict(start), "cpu_s": start.cpu_s, "wall_s": start.wall_s} for start in starts]
