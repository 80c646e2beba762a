"""Where the time of a cold start goes, step by step.

Run by `cold.py` as a program, by Lambda's Python in the folder of a built function: it does what
the runtime and the function do, one step after the other, then sends the function two events. On
stdout is a JSON list of [step, CPU seconds, wall seconds]. What a child process does is in the wall
time alone, and so is all waiting.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

# What the function imports at init, in the order in which it does.
_IMPORTS = {
    "import awslambdaric": ["awslambdaric.bootstrap"],
    "import powertools' Logger": ["aws_lambda_powertools.logging"],
    "import the handler's modules": ["feedmirror.entrypoints.aws.mirror"],
    "import the parser's handle": ["feedmirror.adapters.parser"],
    "import the HTTP adapter": ["feedmirror.adapters.origin.client"],
    "import boto3, botocore": ["boto3.session", "botocore.config"],
    "import the S3 adapter": ["feedmirror.adapters.stores.s3", "feedmirror.entrypoints.store"],
}
# What is told apart of the init and of an event, by where it is found.
_PARTS = {
    "read settings": ["feedmirror.entrypoints.aws.mirror:read_environment"],
    "make the client of S3": ["feedmirror.adapters.stores.s3:make_client"],
    "S3's requests": [
        f"feedmirror.adapters.stores.s3:S3Store.{n}" for n in ("load", "create", "replace")
    ],
    "fetch": ["feedmirror.adapters.origin.client:HttpOrigin.fetch"],
    "parse": ["feedmirror.adapters.parser:WorkerParser.parse"],
    "log and metrics": [
        f"feedmirror.entrypoints.telemetry:{name}"
        for name in ("log_outcome", "log_batch", "put_metrics")
    ],
}


class _Clock:
    """What each step takes, without the steps within it. One thread works at a time."""

    def __init__(self) -> None:
        self.steps: dict[str, list[float]] = {}
        self.event = ""  # what is put after a step's name
        self._within = [[0.0, 0.0]]  # what the steps inside have taken, for each that is open

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what happens within."""
        cpu_s, wall_s = time.process_time(), time.perf_counter()
        self._within.append([0.0, 0.0])
        try:
            yield
        finally:
            taken = [time.process_time() - cpu_s, time.perf_counter() - wall_s]
            inside = self._within.pop()
            self.add(name + self.event, *(a - b for a, b in zip(taken, inside, strict=True)))
            self._within[-1] = [a + b for a, b in zip(self._within[-1], taken, strict=True)]

    def add(self, name: str, cpu_s: float, wall_s: float) -> None:
        """Add to what a step takes."""
        total = self.steps.setdefault(name, [0.0, 0.0])
        total[0] += cpu_s
        total[1] += wall_s

    def watch(self, name: str, place: str) -> None:
        """Time every call of what is there."""
        module, _, path = place.partition(":")
        owner: Any = import_module(module)
        *outer, attribute = path.split(".")
        for part in outer:
            owner = getattr(owner, part)
        inner = getattr(owner, attribute)

        def timed(*args: Any, **options: Any) -> Any:
            with self.step(name):
                return inner(*args, **options)

        is_bound = hasattr(inner, "__self__")  # a class method, which knows its class
        setattr(owner, attribute, staticmethod(timed) if is_bound else timed)


class _Context:
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def main(clock: _Clock) -> None:
    """Do it all."""
    for name, modules in _IMPORTS.items():
        with clock.step(name):
            for module in modules:
                import_module(module)
    for name, places in _PARTS.items():
        for place in places:
            clock.watch(name, place)
    from feedmirror.entrypoints import telemetry
    from feedmirror.entrypoints.aws import mirror

    now: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731
    with clock.step("the rest of init"):
        function = mirror.start(os.environ, telemetry.json_log(), now)
    for event in (", first event", ", second event"):
        clock.event = event
        with clock.step("the rest"):
            function.invoke({}, _Context())
    clock.event = ""
    with clock.step("not above: an SSL context, for HTTPS"):
        ssl.create_default_context()


if __name__ == "__main__":
    clock = _Clock()
    clock.add("start Python", time.process_time(), 0.0)
    sys.path[0] = str(Path.cwd())
    said, sys.stdout = sys.stdout, sys.stderr  # metrics are written to stdout
    main(clock)
    json.dump([[name, *taken] for name, taken in clock.steps.items()], said)
