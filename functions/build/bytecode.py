"""Compile the built function to bytecode, since Lambda's /var/task is read-only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from wheels import PYTHON, BuildError

MAGIC = "f30d0d0a"  # the first bytes of a .pyc file of any release of 3.13


def compile_all(whole: Path, *, with_templates: bool = True) -> None:
    """Add unchecked-hash bytecode to every module, and the function's compiled templates, or warn
    that no Python can make it.

    Deterministic for a given Python. Raises: BuildError.
    """
    python = find_python()
    if python is None:
        print(  # on stdout: SAM shows stderr only when a build fails
            f"warning: no Python {PYTHON} found: modules are not compiled, and cold starts take "
            "twice as long; install it, or deploy as it is"
        )
        return
    command = [python, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    command += ["-j", "0", "-s", str(whole), "-p", "/var/task", str(whole)]
    templates = whole / "feedmirror" / "publishing" / "pages" / "compiled.py"
    code = "import runpy, sys; sys.path.insert(0, sys.argv[1])\n"
    code += "runpy.run_path(sys.argv[2])['compile_all']()"
    commands = [command]
    if with_templates:
        commands.append([python, "-I", "-c", code, str(whole), str(templates)])
    for each in commands:
        done = subprocess.run(each, capture_output=True, text=True, check=False)
        if done.returncode:
            told = done.stdout + done.stderr
            raise BuildError(f"{python} could not compile the function\n{told}")


def find_python() -> str | None:
    """Return the path of a Python with the bytecode of Lambda's; None if there is none."""
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
    """Yield paths at which a Python may be, those of pyenv and uv included."""
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
