"""What the benchmarks of the deployed function run: it as it is built, and Lambda's runtime."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from jobs import ROOT
from runtime import Lambda

HANDLER = "feedmirror.entrypoints.aws.mirror.handler"
BASELINE = "baseline.handler"
_BASELINE = '''\
"""A function that has a client of S3, and does nothing with it."""

import boto3

client = boto3.client("s3")


def handler(event, context):
    return {}
'''


def have_lambda(folder: Path) -> Lambda:
    """Lambda's Python and its runtime, with bytecode as in Lambda. Raises: SystemExit without."""
    from runtime_tools import TOOLS, lambda_runtime

    if not (TOOLS / "bin" / "python3.13").exists():
        sys.exit("Lambda's runtime is missing: make .venv-sam/sam.stamp")
    links, runtime = folder / "links", folder / "runtime"
    links.mkdir(parents=True)
    shutil.copytree(lambda_runtime(links), runtime)
    python = TOOLS / "bin" / "python3.13"
    subprocess.run([python, "-m", "compileall", "-q", runtime], check=True)
    # Not by the way of a shell script, as pyenv's: its time would be counted.
    show = "import os, sys; print(os.path.realpath(sys.executable))"
    real = subprocess.run([python, "-c", show], check=True, capture_output=True, text=True)
    return Lambda(real.stdout.strip(), runtime)


def build_function(folder: Path) -> Path:
    """The function, built as it is deployed, for this machine's processor."""
    script = ROOT / "functions" / "build" / "function.py"
    out = folder / "function"
    command = [sys.executable, str(script), "--architecture", _architecture(), "--out", str(out)]
    subprocess.run(command, check=True, stdout=sys.stderr)
    return out


def build_baseline(folder: Path) -> Path:
    """What anybody's function has: the same packages of the same lock, installed the same way and
    with bytecode, but nothing left out, and a handler that only makes a client.
    """
    from bytecode import compile_all
    from wheels import find_installer, install

    out = folder / "baseline"
    lock = ROOT / "functions" / "requirements.txt"
    install(lock, out, _architecture(), find_installer())
    (out / "baseline.py").write_text(_BASELINE)
    compile_all(out, with_templates=False)
    return out


def _architecture() -> str:
    import platform

    return {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
