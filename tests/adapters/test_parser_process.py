"""The worker process: what goes wrong in it is told in a sentence, and ends there."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from msgspec.structs import replace

import misbehaviour
from feedmirror.adapters.parser import WorkerParser
from feedmirror.adapters.parser_process import (
    Limits,
    NoWorkerError,
    ParserProcess,
    WorkerError,
)
from feedmirror.model import Fetched
from workers import process, program

pytestmark = pytest.mark.slow

ROOM = 1_000_000  # bytes of an answer
ROOMY = Limits(memory_bytes=400_000_000, cpu_s=10, wall_s=10, retire_bytes=500_000_000)
SWIFT = replace(ROOMY, wall_s=0.3)
LIGHT = replace(ROOMY, cpu_s=0.1)
MISBEHAVE = "from misbehaviour import work"


def start(limits: Limits = ROOMY) -> ParserProcess:
    return process(MISBEHAVE, limits)


@pytest.fixture(scope="module")
def shared() -> Iterator[ParserProcess]:
    with start() as started:
        yield started


@pytest.fixture(scope="module")
def swift() -> Iterator[ParserProcess]:
    with start(SWIFT) as started:
        yield started


@pytest.fixture(scope="module")
def light() -> Iterator[ParserProcess]:
    with start(LIGHT) as started:
        yield started


def ask(of: ParserProcess, do: str, body: bytes = b"", **header: Any) -> Any:
    return json.loads(of.ask({"do": do, **header}, body, ROOM).said)


def worker_of(of: ParserProcess) -> int:
    """The id of the worker that serves the request."""
    pid: int = ask(of, "identify")
    return pid


def is_gone(pid: int) -> bool:
    """True if there is no such process, nor one that is dead and was not waited for."""
    return not Path(f"/proc/{pid}").exists()


def run(script: str) -> str:
    """Return what a fresh interpreter prints, with the program of this one."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def wait_until_dead(pid: int, within_s: float = 2.0) -> bool:
    deadline = time.monotonic() + within_s
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.005)
    return not is_alive(pid)


# ---------------------------------------------------------------- the usual


def test_answer_is_what_the_work_makes_of_header_and_body(shared: ParserProcess) -> None:
    assert ask(shared, "echo", b"\x00\xff<rss/>", say="né") == ["né", "\x00ÿ<rss/>"]


def test_body_larger_than_any_socket_buffer_arrives_whole(shared: ParserProcess) -> None:
    body = os.urandom(5_000_000)
    answer = json.loads(shared.ask({"do": "echo"}, body, 50_000_000).said)
    assert answer[1].encode("latin-1") == body


def test_answer_with_a_lone_surrogate_is_a_failure(shared: ParserProcess) -> None:
    with pytest.raises(WorkerError, match="failed on it: UnicodeEncodeError"):
        ask(shared, "answer a lone surrogate")


def test_worker_is_started_at_the_first_request_and_reused() -> None:
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    before = children.read_text().split()
    with start() as started:
        assert children.read_text().split() == before
        worker = worker_of(started)
        assert worker_of(started) == worker
        assert str(worker) in children.read_text().split()


def test_worker_outlives_the_thread_that_started_it() -> None:
    with start() as started:
        with ThreadPoolExecutor(1) as thread:
            worker = thread.submit(worker_of, started).result()
        assert worker_of(started) == worker


def test_cpu_limit_counts_each_request_by_itself(light: ParserProcess) -> None:
    worker = worker_of(light)
    for _ in range(4):
        assert ask(light, "spin", cpu_s=0.04) == "spun"
    assert worker_of(light) == worker


def test_worker_that_has_grown_is_replaced() -> None:
    limits = replace(ROOMY, retire_bytes=100_000_000)
    with start(limits) as started:
        worker = worker_of(started)
        assert ask(started, "grow", bytes=1_000_000) == 1_000_000
        assert worker_of(started) == worker
        assert ask(started, "grow", bytes=120_000_000) == 120_000_000
        assert is_gone(worker)
        assert worker_of(started) != worker


def test_memory_of_the_parent_is_not_held_against_the_worker() -> None:
    printed = run("""
from misbehaviour import work
from workers import Limits, process
large = b"x" * 150_000_000
with process("from misbehaviour import work", Limits(None, 20, 20, 100_000_000)) as started:
    pids = {bytes(started.ask({"do": "identify"}, b"", 1000).said) for _ in range(3)}
print(len(pids))
""")
    assert printed == "1\n"


def test_parent_may_have_more_files_open_than_select_knows_of() -> None:
    printed = run("""
import os, resource
from workers import process
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
held = [os.open("/dev/null", os.O_RDONLY) for _ in range(1_100)]
with process("from misbehaviour import work") as started:
    print(started.ask({"do": "echo"}, b"read", 1000).said.decode())
""")
    assert printed == '[null,"read"]\n'


def test_what_a_library_prints_is_no_reply(shared: ParserProcess) -> None:
    for _ in range(2):
        assert ask(shared, "chatter") == "said"


# ---------------------------------------------------------------- what kills a worker


def assert_contained(of: ParserProcess, deed: dict[str, Any], sentence: str) -> None:
    worker = worker_of(of)
    with pytest.raises(WorkerError) as failure:
        of.ask(deed, deed.get("body", b""), ROOM)
    assert str(failure.value).startswith(sentence)
    assert is_gone(worker)
    assert ask(of, "echo", b"next") == [None, "next"]


def spelled(value: object) -> str:
    return " ".join(map(str, value.values())) if isinstance(value, dict) else ""


@pytest.mark.row("P9")
@pytest.mark.parametrize(
    ("deed", "sentence"),
    [
        ({"do": "signal", "number": signal.SIGSEGV}, "was killed by SIGSEGV"),
        ({"do": "signal", "number": signal.SIGKILL}, "was killed by SIGKILL (out of memory, "),
        ({"do": "signal", "number": 40}, "was killed by signal 40"),
        ({"do": "exit"}, "exited with code 3"),
        ({"do": "hog"}, "ran out of memory (limit "),
        ({"do": "raise", "what": "value"}, "failed on it: ValueError: odd"),
        ({"do": "raise", "what": "exit"}, "failed on it: SystemExit: odd"),
        ({"do": "raise", "what": "ctrl-c"}, "failed on it: KeyboardInterrupt: odd"),
        ({"do": "recurse"}, "failed on it: RecursionError: maximum recursion depth"),
        (
            {"do": "answer what is no JSON"},
            "failed on it: TypeError: Encoding objects of type",
        ),
        ({"do": "answer at length"}, "answered 2,000,002 bytes, where 1,000,000 are the limit"),
        ({"do": "send without end"}, "answered 1,000,000,000,000,000 bytes, where"),
        ({"do": "hang up"}, "was killed by SIGKILL"),
    ],
    ids=spelled,
)
def test_death_is_told_and_the_next_request_gets_a_fresh_worker(
    shared: ParserProcess, deed: dict[str, Any], sentence: str
) -> None:
    assert_contained(shared, deed, sentence)


@pytest.mark.row("P9")
@pytest.mark.parametrize(
    ("deed", "sentence"),
    [
        ({"do": "sleep"}, "took longer than 0.3 s"),
        ({"do": "sleep through alarms"}, "took longer than 0.3 s"),
        ({"do": "signal", "number": signal.SIGALRM}, "took longer than 0.3 s"),
        ({"do": "signal", "number": signal.SIGSTOP}, "took longer than 0.3 s"),
        ({"do": "drip"}, "took longer than 0.3 s"),
    ],
    ids=spelled,
)
def test_time_is_limited_and_the_next_request_gets_a_fresh_worker(
    swift: ParserProcess, deed: dict[str, Any], sentence: str
) -> None:
    assert_contained(swift, deed, sentence)


@pytest.mark.row("P9")
def test_cpu_is_limited_and_the_next_request_gets_a_fresh_worker(light: ParserProcess) -> None:
    assert_contained(light, {"do": "spin"}, "used more than 0.1 s of CPU")


def test_complaint_is_one_short_line(shared: ParserProcess) -> None:
    with pytest.raises(WorkerError) as failure:
        ask(shared, "raise", what="value", message="a\nb\x1b[31m\ud800" + "x" * 10_000)
    assert str(failure.value).startswith(r"failed on it: ValueError: a b [31m\ud800xxx")
    assert len(str(failure.value)) < 600


@pytest.mark.row("P9")
@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (misbehaviour.NOT_A_REPLY, "answered nonsense: a reply of type b'?'"),
        (misbehaviour.CUT_OFF, "exited with code 0"),
        (b"", "exited with code 0"),
    ],
    ids=["not a reply", "cut off", "nothing"],
)
def test_nonsense_on_the_pipe_is_refused(shared: ParserProcess, sent: bytes, sentence: str) -> None:
    worker = worker_of(shared)
    with pytest.raises(WorkerError) as failure:
        ask(shared, "send", sent, die=True)
    assert str(failure.value).startswith(sentence)
    assert is_gone(worker)
    assert ask(shared, "echo", b"next") == [None, "next"]


@pytest.mark.row("P9")
def test_answer_nobody_asked_for_is_not_taken_for_the_next_one(shared: ParserProcess) -> None:
    worker = worker_of(shared)
    assert ask(shared, "send", misbehaviour.UNASKED * 2) == "fake"
    assert ask(shared, "echo", b"next") == [None, "next"]
    assert is_gone(worker)


def test_worker_that_dies_idle_costs_no_request(shared: ParserProcess) -> None:
    worker = worker_of(shared)
    os.kill(worker, signal.SIGKILL)
    assert wait_until_dead(worker)
    assert ask(shared, "echo", b"next") == [None, "next"]


def test_interrupted_request_leaves_no_answer_to_the_next() -> None:
    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with start() as started:
        worker = worker_of(started)
        before = signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        try:
            with pytest.raises(KeyboardInterrupt):
                ask(started, "sleep", s=0.2)
        finally:
            signal.signal(signal.SIGALRM, before)
        assert ask(started, "echo", b"next") == [None, "next"]
        assert is_gone(worker)


# ---------------------------------------------------------------- what the worker holds

DOCUMENT = b"<rss version='2.0'><channel><item><title>One</title></item></channel></rss>"


@pytest.fixture
def at_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[int, list[str]]]:
    """A worker that has read a document, and what it must not know: secrets of its parent's
    environment, and the name of a file that its parent has open.
    """
    values = [secrets.token_hex(20) for _ in range(3)]
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", values[0])
    monkeypatch.setenv("AWS_SESSION_TOKEN", values[1])
    monkeypatch.setenv("PYTHONWARNINGS", values[2])
    limits = Limits(memory_bytes=500_000_000, cpu_s=10, wall_s=60, retire_bytes=500_000_000)
    named = secrets.token_hex(20)
    with (tmp_path / named).open("w") as lock, socket.socket() as connection:
        for held in (lock, connection):
            os.set_inheritable(held.fileno(), True)
        process = ParserProcess(limits, os.environ)
        with WorkerParser(process) as parser:
            before = children()
            assert parser.parse(Fetched("https://a.example/", DOCUMENT), frozenset()).entries
            (worker,) = children() - before
            yield worker, [*values, named]


def children() -> set[int]:
    """The processes that this thread has started."""
    return set(map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()))


@pytest.mark.row("P12")
def test_environment_of_the_worker_is_empty(at_work: tuple[int, list[str]]) -> None:
    assert Path(f"/proc/{at_work[0]}/environ").read_bytes() == b""


@pytest.mark.row("P12")
def test_worker_holds_no_descriptor_but_those_that_it_shares_with_its_parent(
    at_work: tuple[int, list[str]],
) -> None:
    paths = Path(f"/proc/{at_work[0]}/fd").iterdir()
    held = {path.name: str(path.readlink()).partition("[")[0] for path in paths}
    assert [held.pop(standard) for standard in "012"] == ["pipe:"] * 3
    assert list(held.values()) == ["/memfd:word (deleted)"]


@pytest.mark.row("P12")
def test_memory_of_the_worker_holds_no_value_of_the_parents_environment(
    at_work: tuple[int, list[str]],
) -> None:
    worker, values = at_work
    here, there = (_memory(pid, values) for pid in (os.getpid(), worker))
    assert here == set(values)
    assert there == set()


def _memory(pid: int, values: list[str]) -> set[str]:
    """Return which of the values stand in memory that the process can read."""
    found = set()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            region, rights, *_ = line.split()
            begin, end = (int(number, 16) for number in region.split("-"))
            if rights[0] != "r" or "[v" in line:  # what the kernel maps for its own
                continue
            memory.seek(begin)
            data = memory.read(end - begin)
            found |= {value for value in values if value.encode() in data}
    return found


@pytest.mark.row("P12")
def test_of_the_environment_only_where_libraries_lie_is_handed_on() -> None:
    variables = {"LD_LIBRARY_PATH": "/nowhere", "AWS_SECRET_ACCESS_KEY": "x", "PYTHONPATH": "/y"}
    with ParserProcess(ROOMY, variables, program(MISBEHAVE)) as started:
        found = ask(started, "describe")["environment"]
    found.pop("LC_CTYPE", None)  # that Python sets for itself
    assert found == {"LD_LIBRARY_PATH": "/nowhere"}


def test_worker_stays_in_nobodys_folder_and_takes_no_signal_of_the_terminal(
    shared: ParserProcess,
) -> None:
    found = ask(shared, "describe")
    assert found["folder"] == "/"
    assert found["session"] == found["pid"]


def test_signals_that_the_parent_ignores_or_blocks_still_end_the_worker() -> None:
    limits = replace(ROOMY, cpu_s=0.1)
    numbers = (signal.SIGPROF, signal.SIGALRM)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        with start(limits) as started, pytest.raises(WorkerError, match=r"more than 0\.1 s of CPU"):
            ask(started, "spin")
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def test_worker_cannot_write_a_file(shared: ParserProcess, tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match=r"OSError: .*File too large"):
        ask(shared, "write file", path=str(tmp_path / "loot"))
    assert (tmp_path / "loot").read_bytes() == b""


# ---------------------------------------------------------------- how it begins and ends


def test_stop_ends_the_worker_and_may_be_repeated() -> None:
    started = start()
    worker = worker_of(started)
    started.stop()
    started.stop()
    assert is_gone(worker)


@pytest.mark.row("P9")
def test_worker_that_cannot_be_started_is_told_of_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started = process("raise ImportError('no such\\x1blibrary')")
    with pytest.raises(NoWorkerError) as failure:
        ask(started, "echo")
    told = "cannot be started: its process exited with code 1: ImportError: no such library"
    assert str(failure.value) == told
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(NoWorkerError, match="cannot be started: No such file or directory"):
        ask(started, "echo")


def test_worker_that_does_not_come_to_its_start_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedmirror.adapters.parser_process._START_S", 0.1)
    before = children()
    with pytest.raises(NoWorkerError, match=r"its process took longer than 0\.1 s"):
        ask(process("import time; time.sleep(60)"), "echo")
    assert children() == before


@pytest.mark.parametrize("do", ["echo", "sleep"], ids=["idle", "at work"])
def test_worker_ends_when_its_parent_is_killed(do: str) -> None:
    printed = run(f"""
import os, signal, threading
from workers import Limits, process
if (child := os.fork()) == 0:
    started = process("from misbehaviour import work", Limits(None, 60, 60, 10**9))
    print(started.ask({{"do": "identify"}}, b"", 1000).said.decode(), flush=True)
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
    started.ask({{"do": {do!r}}}, b"", 1000)
    threading.Event().wait()
os.waitpid(child, 0)
""")
    assert wait_until_dead(int(printed), 5)


# ---------------------------------------------------------------- many threads


def test_sixteen_threads_get_their_own_answers_from_one_worker(shared: ParserProcess) -> None:
    def converse(thread: int) -> list[Any]:
        return [ask(shared, "echo", b"%d" % thread, say=turn) for turn in range(20)]

    worker = worker_of(shared)
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(converse, range(16)))
    assert answers == [[[turn, str(thread)] for turn in range(20)] for thread in range(16)]
    assert worker_of(shared) == worker


def test_waiting_for_other_threads_does_not_count_as_time_of_a_request(
    swift: ParserProcess,
) -> None:
    with ThreadPoolExecutor(5) as threads:  # 0.4 s in all, where one may take 0.3
        slept = list(threads.map(lambda _: ask(swift, "sleep", s=0.08), range(5)))
    assert slept == ["slept"] * 5
