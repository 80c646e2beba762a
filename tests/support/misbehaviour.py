"""Work for a sandbox to contain: what hostile documents have made parsers do, and worse."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import stat
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from feedmirror.adapters.sandbox_wire import ANSWER, REPLY, Limits


def work(header: dict[str, Any], body: bytes) -> object:
    """Does what `header["do"]` says."""
    return _DEEDS[header["do"]](header, body)


def _echo(header: dict[str, Any], body: bytes) -> object:
    return [header.get("say"), body.decode("latin-1")]


def _identify(*_: object) -> object:
    return {"worker": os.getpid(), "supervisor": os.getppid()}


def _describe(*_: object) -> object:
    """What of the parent's this process still holds."""
    held = {}
    for path in list(Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(FileNotFoundError):  # the listing's own descriptor
            held[int(path.name)] = str(path.readlink())
    return {
        "held": held,
        "sigint": signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
        "sigterm": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
    }


def _spin(header: dict[str, Any], _: bytes) -> object:
    end_s = time.process_time() + header.get("cpu_s", 60)
    while time.process_time() < end_s:
        pass
    return "spun"


def _sleep(header: dict[str, Any], _: bytes) -> object:
    time.sleep(header.get("s", 60))
    return "slept"


def _sleep_through_alarms(*_: object) -> object:
    for number in (signal.SIGALRM, signal.SIGPROF, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    return _sleep({}, b"")


def _hog(*_: object) -> object:
    return len([bytes(1_000_000) for _ in range(100_000)])


def _hog_in_small_pieces(*_: object) -> object:
    gc.disable()
    return len([[[]] for _ in range(10_000_000)])


def _grow(header: dict[str, Any], _: bytes) -> object:
    return len(b"x" * header["bytes"])


def _raise(header: dict[str, Any], _: bytes) -> object:
    raise {"value": ValueError, "exit": SystemExit, "ctrl-c": KeyboardInterrupt}[header["what"]](
        header.get("message", "odd")
    )


def _recurse(header: dict[str, Any], body: bytes) -> object:
    return [_recurse(header, body)]


def _write_file(header: dict[str, Any], _: bytes) -> object:
    return Path(header["path"]).write_bytes(b"loot")


def _send(header: dict[str, Any], body: bytes) -> object:
    """Writes to the parent past the protocol, then dies or goes on as `header` says."""
    _channel().sendall(body)
    if header.get("die"):
        os._exit(0)
    return "an honest answer"


def _send_without_end(*_: object) -> object:
    channel = _channel()
    channel.sendall(REPLY.pack(ANSWER, 10**15))
    while True:
        channel.sendall(bytes(100_000))


def _drip(*_: object) -> object:
    channel = _channel()
    for byte in REPLY.pack(ANSWER, 5) + b"'..'":
        channel.sendall(bytes([byte]))
        time.sleep(0.1)
    return None


def _hang_up(*_: object) -> object:
    _channel().shutdown(socket.SHUT_RDWR)
    return _sleep({}, b"")


def _channel() -> socket.socket:
    descriptor = next(n for n in range(3, 40) if _is_socket(n))
    return socket.socket(fileno=os.dup(descriptor))


def _is_socket(descriptor: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    except OSError:
        return False


_DEEDS: dict[str, Callable[[dict[str, Any], bytes], object]] = {
    "echo": _echo,
    "identify": _identify,
    "describe": _describe,
    "spin": _spin,
    "sleep": _sleep,
    "sleep through alarms": _sleep_through_alarms,
    "hog": _hog,
    "hog in small pieces": _hog_in_small_pieces,
    "grow": _grow,
    "raise": _raise,
    "recurse": _recurse,
    "write file": _write_file,
    "send": _send,
    "send without end": _send_without_end,
    "drip": _drip,
    "hang up": _hang_up,
    "signal": lambda header, _: os.kill(os.getpid(), header["number"]),
    "exit": lambda *_: os._exit(3),
    "answer what is no JSON": lambda *_: object(),
    "answer at length": lambda *_: "x" * 2_000_000,
    "answer in depth": lambda *_: json.loads("[" * 900 + "]" * 900),
    "answer a lone surrogate": lambda *_: "\ud800",
    "modules": lambda *_: sorted(sys.modules),
}

UNASKED = REPLY.pack(ANSWER, 6) + b'"fake"'
NOT_A_REPLY = b"?" * REPLY.size
NOT_JSON = REPLY.pack(ANSWER, 5) + b"{]{]{"
TOO_DEEP = REPLY.pack(ANSWER, 200_000) + b"[" * 200_000
NOT_UTF_8 = REPLY.pack(ANSWER, 3) + b'"\xff"'
CUT_OFF = REPLY.pack(ANSWER, 100) + b'"half'


def beyond_own(limits: Limits) -> Limits:
    """Limits beyond what this process has by now: a child starts with what its parent has."""
    address_space, resident = (_own_bytes(index) for index in (0, 1))
    return replace(
        limits,
        memory_bytes=limits.memory_bytes and limits.memory_bytes + address_space,
        retire_bytes=limits.retire_bytes + resident,
    )


def _own_bytes(index: int) -> int:
    return int(Path("/proc/self/statm").read_text().split()[index]) * os.sysconf("SC_PAGE_SIZE")
