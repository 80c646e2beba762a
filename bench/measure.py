"""What a program costs: CPU, time and memory of it and of all the processes that it starts."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PROC = Path("/proc")
_EVERY_S = 0.02  # between two looks at the processes


class ProgramFailed(Exception):  # noqa: N818 - it is no error of ours
    """The program did not end well; `str()` says how."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a program came to. Memory is in bytes, and 0 where there is no /proc."""

    cpu_s: float  # user and system, of the process and all of its descendants
    wall_s: float
    children_cpu_s: float  # of the descendants alone
    own_peak: int  # most resident memory of the process itself (VmHWM)
    children_peak: int  # of the largest of its descendants
    tree_peak: int  # most at one moment of all together, shared pages counted once (PSS)
    unwaited_cpu_s: float  # of descendants that nobody waited for; `cpu_s` includes it


def measure(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    folder: Path,
    timeout_s: float = 300.0,
) -> Cost:
    """The cost of the command, run to its end in that folder, where it leaves what it wrote in
    `stdout` and `stderr`.

    Raises: ProgramFailed.
    """
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            env=env,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )
        end = _End(process.pid)
        family = Family(process.pid)
        try:
            while not end.came(_EVERY_S):
                family.look()
                if time.perf_counter() - started > timeout_s:
                    process.kill()
        except BaseException:
            process.kill()
            raise
    process.returncode = os.waitstatus_to_exitcode(end.status)
    if process.returncode != 0:
        words = (folder / "stderr").read_text("utf-8", "replace")[-2000:]
        raise ProgramFailed(f"{' '.join(command)} ended with {process.returncode}: {words}")
    return family.cost(end.usage.ru_utime + end.usage.ru_stime, end.at - started)


class _End:
    """Waits for a process in a thread, so that its end is noted at once."""

    def __init__(self, pid: int) -> None:
        self.at = 0.0
        self.status = 0
        self.usage: resource.struct_rusage
        self._pid = pid
        self._thread = threading.Thread(target=self._wait, daemon=True)
        self._thread.start()

    def _wait(self) -> None:
        # The usage is that of the process and of all descendants that were waited for.
        _, self.status, self.usage = os.wait4(self._pid, 0)
        self.at = time.perf_counter()

    def came(self, timeout_s: float) -> bool:
        """Whether the process has ended, now or within that time."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()


@dataclass(slots=True)
class _Member:
    """What was last seen of one process."""

    peak: int = 0
    cpu_s: float = 0.0


@dataclass(slots=True)
class Family:
    """A process and its descendants, looked at again and again while they live."""

    root: int
    members: dict[int, _Member] = field(default_factory=dict)
    tree_peak: int = 0  # bytes, as in `Cost`
    _strangers: set[int] = field(default_factory=set)

    def look(self) -> None:
        """Note what each holds and has used at this moment."""
        if not _PROC.is_dir():
            return
        self.cpu_so_far_s()
        self.tree_peak = max(self.tree_peak, sum(map(_pss, self.members)))
        for pid, member in self.members.items():
            member.peak = max(member.peak, _peak(pid))

    def cpu_so_far_s(self) -> float:
        """The CPU time that all have used; less work than `look`, for the moment it matters."""
        self._find()
        for pid, member in self.members.items():
            member.cpu_s = max(member.cpu_s, _cpu_s(pid))
        return sum(member.cpu_s for member in self.members.values())

    def _find(self) -> None:
        """Add the processes that are new since the last look. Their parents never change."""
        self.members.setdefault(self.root, _Member())
        alive = sorted(int(entry.name) for entry in os.scandir(_PROC) if entry.name.isdecimal())
        for pid in alive:
            if pid in self.members or pid in self._strangers:
                continue
            if _parent(pid) in self.members:
                self.members[pid] = _Member()
            else:
                self._strangers.add(pid)

    def cost(self, waited_cpu_s: float, wall_s: float) -> Cost:
        """The cost, once the process has ended."""
        children = [member for pid, member in self.members.items() if pid != self.root]
        seen_s = sum(member.cpu_s for member in self.members.values())
        return Cost(
            cpu_s=max(waited_cpu_s, seen_s),
            wall_s=wall_s,
            children_cpu_s=sum(member.cpu_s for member in children),
            own_peak=self.members[self.root].peak if self.members else 0,
            children_peak=max((member.peak for member in children), default=0),
            tree_peak=self.tree_peak,
            unwaited_cpu_s=max(0.0, seen_s - waited_cpu_s),
        )


def _read(pid: int, name: str) -> str:
    """A file of /proc, "" once the process is gone."""
    try:
        return (_PROC / str(pid) / name).read_text()
    except OSError:
        return ""


def _parent(pid: int) -> int:
    # The name, in parentheses, may hold anything. Source: proc_pid_stat(5)
    fields = _read(pid, "stat").rpartition(")")[2].split()
    return int(fields[1]) if fields else 0


def _peak(pid: int) -> int:
    return _kilobytes(_read(pid, "status"), "VmHWM:")


def _pss(pid: int) -> int:
    return _kilobytes(_read(pid, "smaps_rollup"), "Pss:")


def _kilobytes(text: str, key: str) -> int:
    start = text.find(key)
    return int(text[start + len(key) :].split(maxsplit=1)[0]) * 1024 if start >= 0 else 0


def _cpu_s(pid: int) -> float:
    """CPU time that the process has used, all threads, those that ended too; 0 once it is gone.

    Linux makes the number of such a clock from that of the process. Source: clock_getcpuclockid(3)
    """
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return 0.0
