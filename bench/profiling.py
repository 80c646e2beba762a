"""Where the CPU time of a job goes: imports, the command, and its worker.

Run as a program it is what it starts itself: the command, or a worker's parsing, under cProfile.
"""

from __future__ import annotations

import cProfile
import pstats
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs import Job

if TYPE_CHECKING:
    from origin import Origin
    from programs import Feedmirror

    from feedmirror.model import Fetched

_LINES = 30
_VERSIONS = {Job.NEW: 1}  # that a job is about, where it is not the first


def profile(program: Feedmirror, origin: Origin, job: Job, documents: Path) -> None:
    """Say on stdout where the CPU time of the job goes."""
    from programs import feedmirror_env

    env = feedmirror_env(program.folder.parent)

    def run(*arguments: str) -> str:
        """What a Python wrote on stderr, its job done in the state before it."""
        if job is not Job.FIRST:
            origin.serve(0, conditional=True)
            start = [*program.command(), "--quiet"]
            subprocess.run(start, env=env, cwd=program.folder, check=True, capture_output=True)
        origin.serve(_VERSIONS.get(job, 0), conditional=job is not Job.SAME)
        command = [sys.executable, *arguments]
        done = subprocess.run(command, env=env, cwd=program.folder, check=True, capture_output=True)
        program.renew()
        return done.stderr.decode("utf-8", "replace")

    own = program.arguments()
    run("-m", "feedmirror", *own)  # compiles what is imported
    tell_imports(run("-X", "importtime", "-m", "feedmirror", *own))
    results = program.folder / "profile"
    run(__file__, "command", str(results), *own)
    _tell_functions("the command, all threads, without its imports", results)
    if job in {Job.FIRST, Job.NEW}:
        before = [] if job is Job.FIRST else [str(documents / "0")]
        run(__file__, "worker", str(results), str(documents / str(_VERSIONS.get(job, 0))), *before)
        _tell_functions("the worker, imports included", results)


def tell_imports(stderr: str, lines: int = _LINES) -> None:
    """Say which packages and modules cost most to import, from what `-X importtime` wrote."""
    packages: Counter[str] = Counter()
    modules: Counter[str] = Counter()
    for line in stderr.splitlines():
        parts = line.removeprefix("import time:").split("|")
        if line.startswith("import time:") and parts[0].strip().isdecimal():
            name = parts[2].strip()
            packages[name.partition(".")[0]] += int(parts[0])
            modules[name] += int(parts[0])
    total = sum(packages.values())
    print(f"\nimports: {total / 1000:.0f} ms (wall), {len(modules)} modules; by package, by module")
    for one, other in zip(packages.most_common(lines), modules.most_common(lines), strict=False):
        print(f"{one[1] / 1000:8.1f} {one[0]:30} {other[1] / 1000:8.1f} {other[0]}")


def _tell_functions(title: str, results: Path) -> None:
    """Functions by the time spent in them, and ours by the time until they return."""
    print(f"\n==== {title}: CPU by function (cProfile makes calls look dearer than they are)")
    stats = pstats.Stats(str(results))
    stats.sort_stats("tottime").print_stats(_LINES)
    stats.sort_stats("cumulative").print_stats("feedmirror", 2 * _LINES)


# ---------------------------------------------------------------- run under cProfile


class _Inline:
    """A thread pool without threads: cProfile would mix up theirs."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def submit(self, work: Callable[..., Any], *args: Any, **options: Any) -> Future[Any]:
        """The work, done."""
        future: Future[Any] = Future()
        future.set_result(work(*args, **options))
        return future

    def shutdown(self, **_: object) -> None:
        """Nothing: all is done."""

    def __enter__(self) -> _Inline:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def _run_command(results: str, *arguments: str) -> None:
    import concurrent.futures

    concurrent.futures.ThreadPoolExecutor = _Inline  # type: ignore[misc, assignment]
    import feedmirror.adapters.origin.client
    import feedmirror.entrypoints.cli.run  # noqa: F401 - whatever it imports is not measured
    from feedmirror.entrypoints.cli import main
    from feedmirror.entrypoints.telemetry import json_log

    json_log()
    profiler = cProfile.Profile(time.process_time)
    profiler.runcall(main, arguments)
    profiler.dump_stats(results)


def profile_worker(results: str, documents: str, before: str = "") -> None:
    """Profile what a worker does to read the documents in a folder, those of `before` known."""
    from msgspec import json

    from feedmirror.adapters.parser import request_header
    from feedmirror.adapters.parser_worker import parse_request
    from feedmirror.parsing.parse import parse
    from feedmirror.parsing.split import Part

    known: dict[str, frozenset[str]] = {}
    for path in _documents(before) if before else ():
        known[path.name] = frozenset(
            item.fingerprint for item in parse(_fetched(path), frozenset()).items
        )

    def work() -> None:
        for path in _documents(documents):
            fetched = _fetched(path)
            header = request_header(fetched, known.get(path.name, frozenset()), Part(0))
            json.encode(parse_request(header, fetched.body))

    profiler = cProfile.Profile(time.process_time)
    profiler.runcall(work)
    profiler.dump_stats(results)


def _documents(folder: str) -> list[Path]:
    return sorted(Path(folder).glob("[0-9]*.xml"))


def _fetched(path: Path) -> Fetched:
    from feedmirror.model import Fetched

    url = f"http://127.0.0.1/{path.name}"
    return Fetched(url, path.read_bytes(), "application/rss+xml")


if __name__ == "__main__":
    work = _run_command if sys.argv[1] == "command" else profile_worker
    work(*sys.argv[2:])
