"""Install the locked dependencies from wheels, reduced to the files that the function needs.

One build runs on both architectures of Lambda, since extension modules have the architecture in
their names: a deployment cannot combine a processor with the wrong build.
"""

from __future__ import annotations

import fnmatch
import shutil
import subprocess
import sys
from pathlib import Path

PYTHON = "3.13"  # Lambda's runtime; template.yaml names it too
GLIBC = "2_28"  # newest version that wheels target; Amazon Linux 2023 has 2.34

# By Lambda's name: the name on Linux, and `e_machine` of an ELF file.
MACHINES = {"arm64": ("aarch64", 183), "x86_64": ("x86_64", 62)}

INSTALLERS = ("uv", "pip")

# botocore describes four hundred services in 25 MB. The functions call these operations.
SERVICES = {
    "s3": frozenset({"GetObject", "ListObjectsV2", "PutObject"}),
    "sqs": frozenset({"SendMessageBatch"}),
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
    command = _uv(machine) if installer == "uv" else _pip(machine)
    # --no-deps: the lock is complete, and pip would resolve for the running Python.
    command += ["--python-version", PYTHON, "--only-binary", ":all:", "--require-hashes"]
    command += ["--no-deps", "--quiet", "--target", str(target), "--requirement", str(lock)]
    try:
        subprocess.run(command, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        why = f"{installer} could not install {lock.name} for {architecture}: {error}"
        raise BuildError(why) from error


def _uv(machine: str) -> list[str]:
    command = ["uv", "pip", "install", "--python", sys.executable, "--no-installer-metadata"]
    return [*command, "--python-platform", f"{machine}-manylinux_{GLIBC}"]


def _pip(machine: str) -> list[str]:
    # pip needs the name of every older glibc that a wheel may target.
    platforms = [f"manylinux_{GLIBC}", "manylinux_2_17", "manylinux2014"]
    command = [sys.executable, "-m", "pip", "install", "--implementation", "cp", "--no-compile"]
    command += [f"--platform={platform}_{machine}" for platform in platforms]
    return [*command, "--disable-pip-version-check", "--root-user-action", "ignore"]


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
