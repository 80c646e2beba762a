"""What was measured, as tables and as JSON."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from statistics import median

from jobs import ABOUT, ENTRIES, LIMITS, MB, Job
from measure import Cost

OWN = "feedmirror"
ON_S3 = "on-s3"


@dataclass(slots=True)
class Report:
    """All costs, in the order in which they were measured."""

    feeds: int
    jobs: dict[Job, dict[str, list[Cost]]] = field(default_factory=dict)  # by program
    requests: dict[Job, list[Counter[str]]] = field(default_factory=dict)  # to S3, by method
    clients: list[Cost] = field(default_factory=list)  # of processes that make one of S3
    parses: dict[str, list[Cost]] = field(default_factory=dict)  # by library
    versions: dict[str, str | None] = field(default_factory=dict)  # None: not installed
    load: list[float] = field(default_factory=lambda: [os.getloadavg()[0]])  # before, after

    def add(self, job: Job, program: str, cost: Cost) -> None:
        """Note what a job cost a program."""
        self.jobs.setdefault(job, {}).setdefault(program, []).append(cost)

    def add_parse(self, library: str, cost: Cost) -> None:
        """Note what it cost a library to parse all documents."""
        self.parses.setdefault(library, []).append(cost)

    def cpu_s(self, job: Job) -> float | None:
        """The median of feedmirror's CPU time, None where it was not measured."""
        costs = self.jobs.get(job, {}).get(OWN)
        return median(cost.cpu_s for cost in costs) if costs else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A figure beside its limit."""

    what: str
    measured: float
    limit: float
    unit: str

    @property
    def over(self) -> bool:
        """Whether it is missed."""
        return self.measured > self.limit

    def __str__(self) -> str:
        said = "OVER" if self.over else "holds"
        limit = f"{self.limit:g} {self.unit}"
        return f"{said:6} {self.measured:8.2f} {self.unit:2}  of {limit:7}  {self.what}"


def verdicts(report: Report) -> Iterable[Verdict]:
    """Each figure that has a limit: CPU in the median, memory at its worst."""
    for job in Job:
        costs, limits = report.jobs.get(job, {}).get(OWN), LIMITS[job]
        if not costs:
            continue
        if limits.cpu_s and report.feeds == 100:
            cpu_s = median(cost.cpu_s for cost in costs)
            yield Verdict(f"CPU, {ABOUT[job]}", cpu_s, limits.cpu_s, "s")
        if limits.memory:
            peak = max(cost.tree_peak for cost in costs)
            yield Verdict(f"memory, {ABOUT[job]}", peak / MB, limits.memory / MB, "MB")


# ---------------------------------------------------------------- for people


def write_tables(report: Report) -> None:
    """Everything, on stdout."""
    print(f"{report.feeds} feeds of 175 KB and {ENTRIES} entries; versions: {_versions(report)}")
    loads = " before and ".join(f"{load:.1f}" for load in report.load)
    print(f"load {loads} after, on {os.cpu_count()} CPUs: busy ones make all times longer")
    print("CPU: user + system of all processes; times in seconds, memory in MB\n")
    print(
        f"{'':12}{'rounds':>6} {'CPU min':>8} {'median':>8} {'max':>8} {'children':>9} {'wall':>7}"
        f" {'ratio':>7} {'own peak':>9} {'child':>7} {'together':>9}"
    )
    for job in Job:
        if job in report.jobs:
            print(f"{job.value}: {ABOUT[job]}")
            for program, costs in report.jobs[job].items():
                print(_row(program, costs, report.cpu_s(job)))
    for library, costs in report.parses.items():
        print(f"{library}: parses all documents once, and nothing else (ratio: to the job `new`)")
        print(_row(library, costs, report.cpu_s(Job.NEW)))
    if report.requests:
        _write_s3(report)
    print("\nlimits")
    for verdict in verdicts(report):
        print(f"  {verdict}")
    for program, version in report.versions.items():
        if version is None:
            print(f"\n{program}: not installed, so not measured (see bench/README.md)")


def _write_s3(report: Report) -> None:
    """What a mirror in S3 costs beyond one in a directory."""
    print("\non S3: beyond the same job in a directory, in the median; moto answers, not AWS")
    once_s = median(cost.cpu_s for cost in report.clients)
    print(f"once a process: {once_s:.2f} s CPU for a process that only makes a client with boto3")
    print(f"{'':12}{'CPU':>8} {'wall':>8} {'MB':>6}   requests a feed")
    for job, counts in report.requests.items():
        own, other = (report.jobs[job][name] for name in (OWN, ON_S3))
        cpu_s, wall_s, peak = (
            median(getattr(c, what) for c in other) - median(getattr(c, what) for c in own)
            for what in ("cpu_s", "wall_s", "tree_peak")
        )
        asked = ", ".join(f"{n / report.feeds:g} {method}" for method, n in counts[-1].items())
        print(f"{job.value:12}{cpu_s:8.2f} {wall_s:8.2f} {peak / MB:6.1f}   {asked}")


def _versions(report: Report) -> str:
    return ", ".join(f"{name} {version or 'none'}" for name, version in report.versions.items())


def _row(name: str, costs: list[Cost], own_cpu_s: float | None) -> str:
    cpu = [cost.cpu_s for cost in costs]
    ratio = f"{median(cpu) / own_cpu_s:7.2f}" if own_cpu_s else " " * 7
    peaks = [max(kind) / MB for kind in zip(*map(_peaks, costs), strict=True)]
    mark = " !" if any(cost.unwaited_cpu_s > 0.01 for cost in costs) else ""
    return (
        f"  {name:10}{len(costs):6} {min(cpu):8.2f} {median(cpu):8.2f} {max(cpu):8.2f}"
        f" {median(cost.children_cpu_s for cost in costs):9.2f}"
        f" {median(cost.wall_s for cost in costs):7.2f} {ratio}"
        f" {peaks[0]:9.1f} {peaks[1]:7.1f} {peaks[2]:9.1f}{mark}"
    )


def _peaks(cost: Cost) -> tuple[int, int, int]:
    return cost.own_peak, cost.children_peak, cost.tree_peak


# ---------------------------------------------------------------- for programs


def write_json(report: Report) -> None:
    """Everything, on stdout, as one JSON document; memory in bytes."""
    document = {
        "feeds": report.feeds,
        "versions": report.versions,
        "cpus": os.cpu_count(),
        "load": report.load,
        "jobs": {job.value: _summaries(costs) for job, costs in report.jobs.items()},
        "parses": _summaries(report.parses),
        "requests": {job.value: counts for job, counts in report.requests.items()},
        "limits": [{**asdict(one), "over": one.over} for one in verdicts(report)],
    }
    print(json.dumps(document, indent=2))


def _summaries(by_program: dict[str, list[Cost]]) -> dict[str, object]:
    return {program: _summary(costs) for program, costs in by_program.items()}


def _summary(costs: list[Cost]) -> dict[str, object]:
    columns = {name: [asdict(cost)[name] for cost in costs] for name in asdict(costs[0])}
    return {
        name: {"min": min(values), "median": median(values), "max": max(values), "all": values}
        for name, values in columns.items()
    }
