"""A sandbox: what goes wrong in its worker is told in a sentence, and ends there."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import misbehaviour
from feedmirror.adapters.sandbox import Sandbox, SandboxError
from feedmirror.adapters.sandbox_wire import Limits
from feedmirror.adapters.supervisor import SupervisorGoneError

pytestmark = pytest.mark.slow

ROOM = 1_000_000  # bytes of an answer
ROOMY = Limits(memory_bytes=400_000_000, cpu_s=10, wall_s=10, retire_bytes=500_000_000)
SWIFT = dataclasses.replace(ROOMY, wall_s=0.3)
LIGHT = dataclasses.replace(ROOMY, cpu_s=0.1)


def start(limits: Limits = ROOMY) -> Sandbox:
    with warnings.catch_warnings():
        # Where pytest-xdist runs the tests, it has a thread, and Python 3.12 and later warn.
        warnings.simplefilter("ignore", DeprecationWarning)
        return Sandbox.start(
            misbehaviour.work, misbehaviour.beyond_own(limits), despite_threads=True
        )


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with start() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def swift() -> Iterator[Sandbox]:
    with start(SWIFT) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def light() -> Iterator[Sandbox]:
    with start(LIGHT) as sandbox:
        yield sandbox


def ask(sandbox: Sandbox, do: str, body: bytes = b"", **header: Any) -> Any:
    return sandbox.ask({"do": do, **header}, body, ROOM).said


def revive(sandbox: Sandbox) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # as in `start`
        sandbox.revive()


def pids(sandbox: Sandbox) -> dict[str, int]:
    found: dict[str, int] = ask(sandbox, "identify")
    return found


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


def test_answer_is_what_the_work_makes_of_header_and_body(shared: Sandbox) -> None:
    assert ask(shared, "echo", b"\x00\xff<rss/>", say="né") == ["né", "\x00ÿ<rss/>"]


def test_body_larger_than_any_socket_buffer_arrives_whole(shared: Sandbox) -> None:
    body = os.urandom(5_000_000)
    answer: Any = shared.ask({"do": "echo"}, body, 50_000_000).said
    assert answer[1].encode("latin-1") == body


def test_lone_surrogate_survives_the_way_back(shared: Sandbox) -> None:
    assert ask(shared, "answer a lone surrogate") == "\ud800"


def test_worker_is_forked_by_the_supervisor_and_reused(shared: Sandbox) -> None:
    first, second = pids(shared), pids(shared)
    assert first == second
    assert first["supervisor"] not in {first["worker"], os.getpid()}


def test_no_worker_exists_before_the_first_request() -> None:
    with start() as sandbox:
        supervisor = sandbox._supervisor._pid
        children = Path(f"/proc/{supervisor}/task/{supervisor}/children")
        assert children.read_text() == ""
        worker = pids(sandbox)["worker"]
        assert children.read_text().split() == [str(worker)]


def test_cpu_limit_counts_each_request_by_itself(light: Sandbox) -> None:
    worker = pids(light)["worker"]
    for _ in range(4):
        assert ask(light, "spin", cpu_s=0.04) == "spun"
    assert pids(light)["worker"] == worker


def test_worker_that_has_grown_is_replaced() -> None:
    limits = dataclasses.replace(ROOMY, memory_bytes=None, retire_bytes=100_000_000)
    with start(limits) as sandbox:
        worker = pids(sandbox)["worker"]
        assert ask(sandbox, "grow", bytes=1_000_000) == 1_000_000
        assert pids(sandbox)["worker"] == worker
        # Far more than it may: of what it shares with the tests it may have less than they have.
        assert ask(sandbox, "grow", bytes=400_000_000) == 400_000_000
        assert wait_until_dead(worker)
        assert pids(sandbox)["worker"] != worker


# ---------------------------------------------------------------- what kills a worker


def assert_contained(sandbox: Sandbox, deed: dict[str, Any], sentence: str) -> None:
    worker = pids(sandbox)["worker"]
    with pytest.raises(SandboxError) as failure:
        sandbox.ask(deed, deed.get("body", b""), ROOM)
    assert str(failure.value).startswith(sentence)
    assert not is_alive(worker)
    assert ask(sandbox, "echo", b"next") == [None, "next"]


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
        ({"do": "answer what is no JSON"}, "failed on it: TypeError: Object of type object is"),
        ({"do": "answer at length"}, "answered 2,000,002 bytes, where 1,000,000 are the limit"),
        ({"do": "send without end"}, "answered 1,000,000,000,000,000 bytes, where"),
        ({"do": "hang up"}, "was killed by SIGKILL"),
    ],
    ids=spelled,
)
def test_death_is_told_and_the_next_request_gets_a_fresh_worker(
    shared: Sandbox, deed: dict[str, Any], sentence: str
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
    swift: Sandbox, deed: dict[str, Any], sentence: str
) -> None:
    assert_contained(swift, deed, sentence)


@pytest.mark.row("P9")
def test_cpu_is_limited_and_the_next_request_gets_a_fresh_worker(light: Sandbox) -> None:
    assert_contained(light, {"do": "spin"}, "used more than 0.1 s of CPU")


def test_complaint_is_one_short_line(shared: Sandbox) -> None:
    with pytest.raises(SandboxError) as failure:
        ask(shared, "raise", what="value", message="a\nb\x1b[31m\ud800" + "x" * 10_000)
    assert str(failure.value).startswith(r"failed on it: ValueError: a b [31m\ud800xxx")
    assert len(str(failure.value)) < 600


@pytest.mark.row("P9")
@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (misbehaviour.NOT_A_REPLY, "answered nonsense: a reply of type b'?'"),
        (misbehaviour.NOT_JSON, "answered nonsense: no JSON"),
        (misbehaviour.NOT_UTF_8, "answered nonsense: no JSON"),
        (misbehaviour.TOO_DEEP, "answered nonsense: no JSON"),
        (misbehaviour.CUT_OFF, "exited with code 0"),
        (b"", "exited with code 0"),
    ],
    ids=["not a reply", "not JSON", "not UTF-8", "too deep", "cut off", "nothing"],
)
def test_nonsense_on_the_pipe_is_refused(shared: Sandbox, sent: bytes, sentence: str) -> None:
    worker = pids(shared)["worker"]
    with pytest.raises(SandboxError) as failure:
        ask(shared, "send", sent, die=True)
    assert str(failure.value).startswith(sentence)
    assert not is_alive(worker)
    assert ask(shared, "echo", b"next") == [None, "next"]


@pytest.mark.row("P9")
def test_answer_nobody_asked_for_is_not_taken_for_the_next_one(shared: Sandbox) -> None:
    worker = pids(shared)["worker"]
    assert ask(shared, "send", misbehaviour.UNASKED * 2) == "fake"
    assert ask(shared, "echo", b"next") == [None, "next"]
    assert not is_alive(worker)


def test_worker_that_dies_idle_costs_no_request(shared: Sandbox) -> None:
    worker = pids(shared)["worker"]
    os.kill(worker, signal.SIGKILL)
    assert wait_until_dead(worker)
    assert ask(shared, "echo", b"next") == [None, "next"]


def test_interrupted_request_leaves_no_answer_to_the_next() -> None:
    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with start() as sandbox:
        worker = pids(sandbox)["worker"]
        before = signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        try:
            with pytest.raises(KeyboardInterrupt):
                ask(sandbox, "sleep", s=0.2)
        finally:
            signal.signal(signal.SIGALRM, before)
        assert ask(sandbox, "echo", b"next") == [None, "next"]
        assert not is_alive(worker)


# ---------------------------------------------------------------- what the children hold


def test_worker_holds_nothing_of_the_parents(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with (tmp_path / "lock").open("w"), socket.socket(), start() as sandbox:
            found = ask(sandbox, "describe")
    finally:
        signal.signal(signal.SIGTERM, before)
    held = {int(descriptor): target for descriptor, target in found["held"].items()}
    assert [held.pop(standard) for standard in (0, 1, 2)] == ["/dev/null"] * 3
    assert [target.partition(":")[0] for target in held.values()] == ["socket"]
    assert found["sigint"]
    assert found["sigterm"]


def test_supervisor_holds_nothing_of_the_parents(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w"), start() as first, start() as second:
        supervisor = pids(second)["supervisor"]
        assert first is not second
        held = [path.readlink().name for path in Path(f"/proc/{supervisor}/fd").iterdir()]
    assert [name.partition(":")[0] for name in sorted(held)] == ["null"] * 3 + ["socket"]


def test_worker_cannot_write_a_file(shared: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"OSError: .*File too large"):
        ask(shared, "write file", path=str(tmp_path / "loot"))
    assert (tmp_path / "loot").read_bytes() == b""


def test_ctrl_c_in_a_terminal_does_not_reach_the_children(shared: Sandbox) -> None:
    found = pids(shared)
    for pid in found.values():
        os.kill(pid, signal.SIGINT)
    assert pids(shared) == found


# ---------------------------------------------------------------- how it ends


def test_close_ends_both_processes_and_may_be_repeated() -> None:
    sandbox = start()
    found = pids(sandbox)
    sandbox.close()
    sandbox.close()
    assert not any(map(is_alive, found.values()))
    with pytest.raises(SupervisorGoneError, match="has died or was closed"):
        ask(sandbox, "echo")


def test_close_ends_a_supervisor_that_does_not_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedmirror.adapters.supervisor._PATIENCE_S", 0.1)
    sandbox = start()
    supervisor = pids(sandbox)["supervisor"]
    os.kill(supervisor, signal.SIGSTOP)
    sandbox.close()
    assert not is_alive(supervisor)


def test_without_supervisor_each_request_fails_at_once_and_nothing_is_left() -> None:
    with start(SWIFT) as sandbox:
        found = pids(sandbox)
        os.kill(found["supervisor"], signal.SIGKILL)
        with pytest.raises(SupervisorGoneError, match="its supervisor has died"):
            ask(sandbox, "sleep")
        for _ in range(3):
            with pytest.raises(SupervisorGoneError, match="its supervisor has died"):
                ask(sandbox, "echo")
        # Nobody is left who could kill it; its own alarm does, after twice the limit.
        assert wait_until_dead(found["worker"])


@pytest.mark.parametrize("noticed", [False, True])
def test_dead_supervisor_is_replaced_when_it_is_looked_after(noticed: bool) -> None:
    with start() as sandbox:
        found = pids(sandbox)
        os.kill(found["supervisor"], signal.SIGKILL)
        os.kill(found["worker"], signal.SIGKILL)
        assert all(map(wait_until_dead, found.values()))
        if noticed:
            with pytest.raises(SupervisorGoneError):
                ask(sandbox, "echo")
        revive(sandbox)
        assert ask(sandbox, "echo") is not None
        again = pids(sandbox)
        assert set(again.values()).isdisjoint(found.values())
    assert not any(map(is_alive, again.values()))


def test_live_supervisor_is_left_alone() -> None:
    with start() as sandbox:
        found = pids(sandbox)
        revive(sandbox)
        assert pids(sandbox) == found


def test_without_supervisor_a_live_worker_goes_on() -> None:
    with start() as sandbox:
        found = pids(sandbox)
        os.kill(found["supervisor"], signal.SIGKILL)
        assert ask(sandbox, "echo", b"still here") == [None, "still here"]
        worker = found["worker"]
    assert wait_until_dead(worker)


# ---------------------------------------------------------------- many threads


def test_sixteen_threads_get_their_own_answers_from_one_worker(shared: Sandbox) -> None:
    def converse(thread: int) -> list[Any]:
        return [ask(shared, "echo", b"%d" % thread, say=turn) for turn in range(20)]

    worker = pids(shared)["worker"]
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(converse, range(16)))
    assert answers == [[[turn, str(thread)] for turn in range(20)] for thread in range(16)]
    assert pids(shared)["worker"] == worker


def test_waiting_for_other_threads_does_not_count_as_time_of_a_request(swift: Sandbox) -> None:
    with ThreadPoolExecutor(5) as threads:  # 0.4 s in all, where one may take 0.3
        slept = list(threads.map(lambda _: ask(swift, "sleep", s=0.08), range(5)))
    assert slept == ["slept"] * 5


def test_sandbox_refuses_to_start_beside_threads() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        with pytest.raises(RuntimeError, match="before any thread"):
            Sandbox.start(misbehaviour.work, ROOMY)
    finally:
        done.set()
        thread.join()
