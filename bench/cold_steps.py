"""Runs `steps.py`: where the time of a cold start goes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runtime import Lambda

_SCRIPT = str(Path(__file__).with_name("steps.py"))


@dataclass(frozen=True, slots=True)
class Steps:
    """What `steps.py` came to."""

    steps: dict[str, tuple[float, float]]  # CPU and wall seconds
    imports: str  # what `-X importtime` wrote, "" without it


def measure_steps(
    lambda_: Lambda, code: Path, variables: Mapping[str, str], *, imports: bool = False
) -> Steps:
    """The steps of one cold start of the function, and of two events."""
    options = ["-X", "importtime"] if imports else []
    done = subprocess.run(
        [lambda_.python, "-S", *options, _SCRIPT],
        cwd=code,
        env={
            **variables,
            "PYTHONPATH": str(lambda_.runtime),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LAMBDA_TASK_ROOT": str(code),
            "AWS_LAMBDA_FUNCTION_NAME": "bench",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    steps = {name: (cpu_s, wall_s) for name, cpu_s, wall_s in json.loads(done.stdout)}
    return Steps(steps, done.stderr if imports else "")
