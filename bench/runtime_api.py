"""Lambda's Runtime API, as far as the runtime for Python uses it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

DEADLINE_S = 60.0
_ARN = "arn:aws:lambda:us-east-1:123456789012:function:bench"


@dataclass(frozen=True, slots=True)
class Moment:
    """What had been used when something happened, since the process was started."""

    wall_s: float
    cpu_s: float  # of the process and all that it started


class RuntimeApi(ThreadingHTTPServer):
    """The Runtime API. Source: AWS Lambda Developer Guide, "Using the Lambda runtime API"."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Exchange)
        self.events: Queue[object] = Queue()
        self.asked: Queue[Moment] = Queue()  # for an event
        self.answers: Queue[tuple[Moment, str, Any]] = Queue()  # response, error or init/error
        self.now: Callable[[], Moment] = lambda: Moment(0, 0)  # until there is a process

    def handle_error(self, *_: object) -> None:
        """Nothing: the function is killed while it waits."""


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RuntimeApi

    def do_GET(self) -> None:
        self.server.asked.put(self.server.now())
        event = self.server.events.get()
        deadline_ms = int(time.time() * 1000) + int(DEADLINE_S * 1000)
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
            "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": _ARN,
        }
        self._send(200, json.dumps(event).encode(), headers)

    def do_POST(self) -> None:
        moment = self.server.now()  # first of all: until it is answered, nothing goes on
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = self.path.partition("/runtime/")[2].rpartition("/")[2]
        self.server.answers.put((moment, kind, json.loads(body or b"null")))
        self._send(202, b"{}", {})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
