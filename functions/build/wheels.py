"""Install the locked dependencies from wheels, reduced to the files that the function needs.

One build runs on both architectures of Lambda, since extension modules have the architecture in
their names: a deployment cannot combine a processor with the wrong build.
"""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

PYTHON = "3.13"  # Lambda's runtime; template.yaml names it too
GLIBC = "2_28"  # newest version that wheels target; Amazon Linux 2023 has 2.34

# By Lambda's name: the name on Linux, and `e_machine` of an ELF file.
MACHINES = {"arm64": ("aarch64", 183), "x86_64": ("x86_64", 62)}

_COMMANDS = {
    "uv": ["uv", "pip", "install", "--python", sys.executable, "--no-installer-metadata"],
    "pip": [
        *(sys.executable, "-m", "pip", "install", "--no-compile"),
        *("--disable-pip-version-check", "--root-user-action", "ignore"),
    ],
}
INSTALLERS = tuple(_COMMANDS)
_COMPILED = re.compile(r"^msgspec==(?:.*\\\n)*.*\n", re.MULTILINE)  # its lines of the lock

# botocore describes four hundred services in 25 MB. The functions call these operations.
SERVICES = {
    "s3": frozenset({"GetObject", "ListObjectsV2", "PutObject"}),
    "sqs": frozenset({"ChangeMessageVisibility", "SendMessageBatch"}),
}

NEEDLESS = ("bin/*", "boto3/examples/*", "*/__pycache__/*", "*.pyi", "*.c", ".lock")
# Files of a .dist-info to keep: vulnerability scanners read METADATA, and licences must accompany
# the code.
METADATA = ("METADATA", "licenses/*", "LICEN[CS]E*", "NOTICE*", "AUTHORS*", "COPYING*")


class BuildError(Exception):
    """Failure of the build; the message is for the person who deploys."""


def find_installer() -> str:
    """Return an installed one of INSTALLERS. Raises: BuildError if there is none."""
    if shutil.which("uv"):
        return "uv"
    pip = [sys.executable, "-m", "pip", "--version"]
    if subprocess.run(pip, capture_output=True, check=False).returncode == 0:
        return "pip"
    raise BuildError(f"neither uv nor pip (of {sys.executable}) is installed; install one of them")


def install(lock: Path, target: Path, architecture: str, installer: str) -> None:
    """Unpack the locked wheels into `target`. Raises: BuildError."""
    machine = MACHINES[architecture][0]
    options = _uv_target(machine) if installer == "uv" else _pip_target(machine)
    _install([*options, "--python-version", PYTHON], lock, target, architecture, installer)


def install_here(lock: Path, target: Path, installer: str) -> None:
    """Unpack what `feedmirror check` needs that is compiled, for this Python on this system.

    Raises: BuildError.
    """
    pinned = _COMPILED.findall(lock.read_text("utf-8"))
    target.mkdir()
    requirements = target / "requirements.txt"
    requirements.write_text("".join(pinned), "utf-8")
    _install([], requirements, target, "this Python", installer)


def _install(
    options: Iterable[str], lock: Path, target: Path, purpose: str, installer: str
) -> None:
    """Unpack the wheels of a lock into `target`. Raises: BuildError."""
    # --no-deps: the lock is complete, and pip would resolve for the running Python.
    command = [*_COMMANDS[installer], *options, "--only-binary", ":all:", "--require-hashes"]
    command += ["--no-deps", "--quiet", "--target", str(target), "--requirement", str(lock)]
    try:
        subprocess.run(command, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        why = f"{installer} could not install {lock.name} for {purpose}: {error}"
        raise BuildError(why) from error


def _uv_target(machine: str) -> list[str]:
    return ["--python-platform", f"{machine}-manylinux_{GLIBC}"]


def _pip_target(machine: str) -> list[str]:
    # pip needs the name of every older glibc that a wheel may target.
    platforms = [f"manylinux_{GLIBC}", "manylinux_2_17", "manylinux2014"]
    return ["--implementation", "cp", *(f"--platform={name}_{machine}" for name in platforms)]


def is_needed(name: str) -> bool:
    """True if the function needs this file of a dependency; `name` has slashes."""
    package, _, rest = name.partition("/")
    if package.endswith(".dist-info"):
        return any(fnmatch.fnmatchcase(rest, pattern) for pattern in METADATA)
    if name.startswith("botocore/data/"):
        service, in_folder, _ = name.removeprefix("botocore/data/").partition("/")
        if not in_folder:  # endpoints and retries, for all services
            return True
        return service in SERVICES and not name.endswith("/examples-1.json")
    return not any(fnmatch.fnmatchcase(name, pattern) for pattern in NEEDLESS)


def merge(installed: Path, architecture: str, whole: Path) -> None:
    """Copy the needed files of one architecture into `whole`.

    Raises: BuildError if a file is for another architecture, or differs from that of another one.
    """
    machine, number = MACHINES[architecture]
    for path in sorted(path for path in installed.rglob("*") if path.is_file()):
        name = path.relative_to(installed).as_posix()
        if not is_needed(name):
            continue
        content = path.read_bytes()
        if content[:4] == b"\x7fELF" and int.from_bytes(content[18:20], "little") != number:
            raise BuildError(f"{name} is not for {architecture}")
        # Python looks for this suffix before .abi3.so. Source: PEP 3149
        target = whole / name.replace(".abi3.so", f".cpython-313-{machine}-linux-gnu.so")
        if target.exists() and target.read_bytes() != content:
            raise BuildError(f"{name} differs between architectures; build for one --architecture")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
