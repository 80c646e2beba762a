"""Work for a worker process to do: what hostile documents have made parsers do, and worse."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from feedmirror.adapters.parser_process import ANSWER, REPLY
from feedmirror.adapters.parser_worker import WorkerProgress, parse_request

_REPLIES, _ERRORS = 1, 2  # descriptors


def work(header: dict[str, Any], body: bytes, *_: object) -> object:
    """Do what `header["do"]` says."""
    return _DEEDS[header["do"]](header, body)


# What a document that names one of these makes of the parser.
POSSESSIONS: dict[str, dict[str, Any]] = {
    "crash": {"do": "signal", "number": signal.SIGSEGV},
    "killed": {"do": "signal", "number": signal.SIGKILL},
    "hang": {"do": "sleep"},
    "spin": {"do": "spin"},
    "hog": {"do": "hog"},
    "nonsense": {"do": "answer with another shape"},
}


def possessed(header: dict[str, Any], body: bytes, progress: WorkerProgress) -> object:
    """Do the work of the parser, but for documents that take it over."""
    deed = re.search(rb"deed:(\w+)", body)
    if deed:
        return work(POSSESSIONS[deed[1].decode()], b"")
    return parse_request(header, body, progress)


def _echo(header: dict[str, Any], body: bytes) -> object:
    return [header.get("say"), body.decode("latin-1")]


def _describe(*_: object) -> object:
    """Return what this process holds, and where it is."""
    held = {}
    for path in list(Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(FileNotFoundError):  # the listing's own descriptor
            held[int(path.name)] = str(path.readlink())
    return {
        "pid": os.getpid(),
        "held": held,
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
        "session": os.getsid(0),
    }


def _spin(header: dict[str, Any], _: bytes) -> object:
    end_s = time.process_time() + header.get("cpu_s", 60)
    while time.process_time() < end_s:
        pass
    return "spun"


def _sleep(header: dict[str, Any], _: bytes) -> object:
    time.sleep(header.get("s", 60))
    return "slept"


def _sleep_through_alarms(header: dict[str, Any], _: bytes) -> object:
    for number in (signal.SIGALRM, signal.SIGPROF, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    return _sleep(header, b"")


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
    """Write to the parent past the protocol, then die or go on as `header` says."""
    os.write(_REPLIES, body)
    if header.get("die"):
        os._exit(0)
    return "an honest answer"


def _send_without_end(*_: object) -> object:
    os.write(_REPLIES, REPLY.pack(ANSWER, 10**15))
    while True:
        os.write(_REPLIES, bytes(100_000))


def _drip(*_: object) -> object:
    for byte in REPLY.pack(ANSWER, 5) + b"'..'":
        os.write(_REPLIES, bytes([byte]))
        time.sleep(0.1)
    return None


def _hang_up(*_: object) -> object:
    os.close(_REPLIES)
    return _sleep({}, b"")


def _chatter(*_: object) -> object:
    """Print more than any pipe holds, as a library might."""
    for _turn in range(3_000):
        print("x" * 100)  # noqa: T201
        print("x" * 100, file=sys.stderr)  # noqa: T201
        with contextlib.suppress(BlockingIOError):
            os.write(_ERRORS, b"x" * 100)
    return "said"


_DEEDS: dict[str, Callable[[dict[str, Any], bytes], object]] = {
    "echo": _echo,
    "identify": lambda *_: os.getpid(),
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
    "chatter": _chatter,
    "signal": lambda header, _: os.kill(os.getpid(), header["number"]),
    "exit": lambda *_: os._exit(3),
    "answer what is no JSON": lambda *_: object(),
    "answer with another shape": lambda *_: {"parsed": {"items": 7}},
    "answer at length": lambda *_: "x" * 2_000_000,
    "answer in depth": lambda *_: json.loads("[" * 900 + "]" * 900),
    "answer a lone surrogate": lambda *_: "\ud800",
    "modules": lambda *_: sorted(sys.modules),
}

UNASKED = REPLY.pack(ANSWER, 6) + b'"fake"'
NOT_A_REPLY = b"?" * REPLY.size
CUT_OFF = REPLY.pack(ANSWER, 100) + b'"half'
