"""Bytecode for the deployed function, which could write none itself: /var/task is read-only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from wheels import PYTHON, BuildError

MAGIC = "f30d0d0a"  # what the bytecode of every release of 3.13 begins with


def compile_all(whole: Path) -> None:
    """Add bytecode that is taken without a look at the source, if a Python is here to make it.

    The same Python makes the same bytes each time. Raises: BuildError.
    """
    python = find_python()
    if python is None:
        print(  # on stdout: SAM shows the other one only when a build fails
            f"warning: there is no Python {PYTHON} here to compile with, so Lambda compiles each "
            "module again at every cold start, which then takes twice as long"
        )
        return
    command = [python, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    command += ["-j", "0", "-s", str(whole), "-p", "/var/task", str(whole)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"{python} could not compile the function\n{done.stdout}{done.stderr}")


def find_python() -> str | None:
    """The path of a Python whose bytecode is that of Lambda's, or None."""
    show = "import importlib.util; print(importlib.util.MAGIC_NUMBER.hex())"
    for candidate in _candidates():
        try:
            done = subprocess.run([candidate, "-I", "-c", show], capture_output=True, check=False)
        except OSError:
            continue
        if done.stdout.strip() == MAGIC.encode():
            return candidate
    return None


def _candidates() -> Iterator[str]:
    """Pythons that may be there; pyenv puts some on the PATH that only say they are elsewhere."""
    yield sys.executable
    for folder in os.get_exec_path():
        yield str(Path(folder, f"python{PYTHON}"))
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path("~/.pyenv").expanduser())
    yield from map(str, sorted(pyenv.glob(f"versions/{PYTHON}*/bin/python")))
    if uv := shutil.which("uv"):
        command = [uv, "python", "find", "--no-project", "--no-python-downloads", PYTHON]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            yield done.stdout.strip()
