"""What the tests of the deployment drive: AWS's own tools, and the function as it is built.

The tools are in `.venv-sam`, which `make test` makes: the SAM CLI, Lambda's runtime for Python, and
the emulator of Lambda that comes with the SAM CLI.
"""

from __future__ import annotations

import fcntl
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from locations import ROOT
from required_programs import require_program

FUNCTIONS = ROOT / "functions"
TOOLS = ROOT / ".venv-sam"

# Nothing of the machine's own AWS, and no word to AWS of what is tried here.
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SAM_", "PIP_REQ"))}
ENVIRONMENT |= {"SAM_CLI_TELEMETRY": "0", "AWS_EC2_METADATA_DISABLED": "true"}
ENVIRONMENT |= {"AWS_DEFAULT_REGION": "us-east-1", "PYTHONPATH": ""}


def require_tool(name: str) -> str:
    """The path of a program in `.venv-sam`; without it, as `require_program`."""
    return require_program(str(TOOLS / "bin" / name))


def require_lambda_python() -> str:
    """The path of a Python of the version that Lambda has, with Lambda's runtime beside it."""
    python = require_tool("python3.13")
    assert site_packages().joinpath("awslambdaric").is_dir(), "make .venv-sam/sam.stamp"
    return python


def require_emulator() -> str:
    """The path of the emulator for this machine."""
    name = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    folder = site_packages() / "samcli" / "local" / "rapid"
    return require_program(str(folder / f"aws-lambda-rie-{name}"))


def site_packages() -> Path:
    """Where the packages of `.venv-sam` are."""
    return next(TOOLS.glob("lib/python3*/site-packages"), TOOLS)


def lambda_runtime(folder: Path) -> Path:
    """A folder with Lambda's runtime alone: what the function imports else, it has to bring along.

    Linked in `folder`, since in `.venv-sam` it lies among boto3 and a hundred others.
    """
    for name in ("awslambdaric", "simplejson", "snapshot_restore_py", "runtime_client*.so"):
        for found in site_packages().glob(name):
            (folder / found.name).symlink_to(found)
    return folder


def run_tool(
    name: str, *argv: object, cwd: Path = ROOT, env: Mapping[str, str] = ENVIRONMENT
) -> subprocess.CompletedProcess[str]:
    """What a program of `.venv-sam` came to; its output is in `stdout`, with its errors."""
    return run([require_tool(name), *argv], cwd=cwd, env=env)


def run_build(
    *argv: object, python: str = sys.executable, functions: Path = FUNCTIONS, path: str = ""
) -> subprocess.CompletedProcess[str]:
    """What the build script came to; `path` is the PATH that it is given, if not this one."""
    script = functions / "build" / "function.py"
    env = {**ENVIRONMENT, "PATH": path} if path else ENVIRONMENT
    return run([python, script, *argv], cwd=functions, env=env)


def run(command: list[object], *, cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess:
    """What a program came to, in five minutes at most."""
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


def built_function(factory: pytest.TempPathFactory) -> Path:
    """The function as it is deployed, built with uv, once in a run: its workers share it."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # then each worker has a folder of its own in it
        base = base.parent
    out = base / "function"
    with _alone(base / "function.lock"):
        if not out.exists():
            python, path = require_lambda_python(), f"{TOOLS / 'bin'}:{ENVIRONMENT['PATH']}"
            done = run_build("--out", out, "--installer", "uv", python=python, path=path)
            assert done.returncode == 0, done.stdout
    return out


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
