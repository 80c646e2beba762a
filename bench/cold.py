"""The benchmark of a cold start: `python bench/cold.py`. README.md says what it measures."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from artifact import BASELINE, HANDLER, build_baseline, build_function, have_lambda
from cold_report import Case, ColdReport, Start, write_json, write_tables
from cold_steps import measure_steps
from jobs import ENTRIES, write_documents
from measure import ProgramFailed
from origin import Origin
from runtime import Function, Lambda
from s3 import BUCKET, S3

_MEMORY_ROUNDS = 3
_STEP_ROUNDS = 5
_EXPECTED = {Case.UNCHANGED: ("unchanged", 304, 0), Case.PARSE: ("changed", 200, 1)}


@dataclass(slots=True)
class Bench:
    """Where everything is."""

    folder: Path
    lambda_: Lambda
    code: dict[Case, Path]
    origin: Origin
    s3: S3
    version: int = 0  # of the document, as the mirror has it

    def variables(self, place: str = "feed") -> dict[str, str]:
        """What the deployment sets for the function, which keeps its mirror at that place."""
        return {
            **self.s3.env,
            "FEEDMIRROR_STORE": f"s3://{BUCKET}/{place}",
            "FEEDMIRROR_PUBLIC_URL": "https://feeds.example.org",
            "FEEDMIRROR_CONFIG": str(self.folder / "feeds.toml"),
        }

    def function(self, case: Case, place: str = "feed", *, watched: bool = False) -> Function:
        """A function that has not been started."""
        handler = BASELINE if case is Case.BASELINE else HANDLER
        variables, code = self.variables(place), self.code[case]
        return Function(self.lambda_, code, handler, variables, self.folder, watched)

    def prepare(self, case: Case) -> None:
        """Have the origin say what the case is about."""
        self.version += case is Case.PARSE
        self.origin.serve(self.version, conditional=True)
        self.s3.requests()

    def start(self, case: Case) -> Start:
        """A cold start and the first event. Raises: ProgramFailed, also if it was another one."""
        self.prepare(case)
        with self.function(case) as function:
            turn = function.invoke({})
        if case in _EXPECTED:
            _check(turn.answer, _EXPECTED[case])
        return Start(
            init_cpu_s=function.started.cpu_s,
            init_wall_s=function.started.wall_s,
            event_cpu_s=turn.cpu_s,
            event_wall_s=turn.wall_s,
            requests=dict(self.s3.requests()),
        )


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 whatever was measured, unless a function fails at its job."""
    arguments = _parse_options(argv)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="feedmirror-bench-")))
        versions = arguments.rounds + _STEP_ROUNDS + 4
        write_documents(folder / "documents", 1, versions, large=False)
        lambda_ = have_lambda(folder)
        own, plain = arguments.function or build_function(folder), build_baseline(folder)
        code = {Case.BASELINE: plain, Case.UNCHANGED: own, Case.PARSE: own}
        origin = stack.enter_context(Origin(folder / "documents"))
        bench = Bench(folder, lambda_, code, origin, stack.enter_context(S3()))
        report = _measure(bench, arguments.rounds)
    if arguments.json:
        write_json(report)
    else:
        write_tables(report)
    return 0


def _parse_options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="cold.py", description="Measure a cold start. bench/README.md says how."
    )
    add = parser.add_argument
    add("--rounds", type=int, default=20, metavar="N", help="cold starts of each kind (20)")
    add("--function", type=Path, metavar="DIR", help="a build of functions/build/function.py")
    add("--json", action="store_true", help="one JSON document instead of tables")
    return parser.parse_args(argv)


def _measure(bench: Bench, rounds: int) -> ColdReport:
    feed = f'[feeds.news]\nurl = "{bench.origin.url("000.xml")}"\nallow_private_hosts = true\n'
    (bench.folder / "feeds.toml").write_text(feed)
    report = ColdReport()
    for _ in range(_MEMORY_ROUNDS):  # first mirrors, in stores that go on to be used no more
        report.memory.append(_memory(bench, f"memory{len(report.memory)}"))
    _first_mirror(bench)
    for case in Case:
        bench.start(case)  # reads from the disk what the others will find in memory
    for number in range(rounds):
        # In turn, so that whatever else the machine does meanwhile meets all of them.
        for case in Case:
            report.add(case, bench.start(case))
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    report.waits_s = dict(_waits(bench))
    for case in _EXPECTED:
        report.steps[case] = _steps(bench, case)
    own, variables = bench.code[Case.UNCHANGED], bench.variables()
    report.imports = measure_steps(bench.lambda_, own, variables, imports=True).imports
    report.load.append(os.getloadavg()[0])
    return report


def _first_mirror(bench: Bench, place: str = "feed", *, watched: bool = False) -> Function:
    bench.origin.serve(bench.version, conditional=True)
    with bench.function(Case.PARSE, place, watched=watched) as function:
        _check(function.invoke({}).answer, ("changed", 200, ENTRIES))
    return function


def _memory(bench: Bench, place: str) -> tuple[int, int, int]:
    """The most memory of a first mirror: of the function, of the largest child, of all together."""
    cost = _first_mirror(bench, place, watched=True).family.cost(0, 0)
    return cost.own_peak, cost.children_peak, cost.tree_peak


def _steps(bench: Bench, case: Case) -> dict[str, tuple[float, float]]:
    """CPU and wall seconds of each step, the median of some rounds."""
    rounds = []
    for _ in range(_STEP_ROUNDS):
        bench.prepare(case)
        rounds.append(measure_steps(bench.lambda_, bench.code[case], bench.variables()).steps)
    return {
        name: (median(r[name][0] for r in rounds), median(r[name][1] for r in rounds))
        for name in rounds[0]
    }


def _waits(bench: Bench) -> Iterator[tuple[str, float]]:
    """How long a client that is warm waits for moto, by method: wall time without its own CPU."""
    os.environ.update(bench.s3.env)
    from feedmirror.adapters.stores.s3 import S3Store

    store = S3Store.connect(BUCKET, "feed", threads=1)
    key = "state/news.json"
    state = store.load(key)
    assert state is not None
    yield "GET", _wait_s(lambda _: store.load(key))
    yield "PUT", _wait_s(lambda number: store.create(f"data/waits/{number}.json", state.body))


def _wait_s(work: Callable[[int], object], rounds: int = 20) -> float:
    waits = []
    for number in range(rounds):
        wall_s, cpu_s = time.perf_counter(), time.thread_time()
        work(number)
        waits.append(time.perf_counter() - wall_s - (time.thread_time() - cpu_s))
    return median(waits)


def _check(answer: dict[str, object], expected: tuple[str, int, int]) -> None:
    outcomes = answer["outcomes"]
    assert isinstance(outcomes, list)
    found = [(one["outcome"], one["http_status"], one["new"]) for one in outcomes]
    if found != [expected]:
        raise ProgramFailed(f"{found} instead of {expected}: {outcomes}")


if __name__ == "__main__":
    sys.exit(main())
