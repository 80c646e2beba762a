"""The deployed function, built into a folder: the package, feeds.toml, all that they import, and
a bill of materials.

`sam build` calls it by way of the Makefile beside it; by hand it is
`python functions/build/function.py --out DIR`. It needs Python 3.11 or newer on any system, and uv
or else pip. Nothing is compiled from C or Rust: wheels for Lambda's Linux are unpacked.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bytecode import compile_all
from models import cut_models
from sbom import NAME, bill
from wheels import INSTALLERS, MACHINES, BuildError, find_installer, install, merge

FUNCTIONS = Path(__file__).resolve().parents[1]

# Of the package: what only the command needs.
COMMAND_ONLY = ("cli", "web", "__main__.py", "__pycache__")

MTIME = 315_619_200  # 1980-01-02: a zip can hold it in every time zone


def main(argv: list[str] | None = None) -> int:
    """The exit code."""
    arguments = read_arguments(argv)
    chosen = arguments.architecture
    try:
        check_python()
        installer = arguments.installer or find_installer()
        build(arguments.out, list(MACHINES) if chosen == "both" else [chosen], installer)
    except BuildError as error:
        print(f"build: {error}", file=sys.stderr)
        return 1
    print(f"{arguments.out}: {summary(arguments.out)}")
    return 0


def read_arguments(argv: list[str] | None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="DIR", help="replaced if it is an earlier build")
    add(
        "--architecture",
        choices=[*MACHINES, "both"],
        default="both",
        help="which of Lambda's the build runs on; the default is both",
    )
    add("--installer", choices=INSTALLERS, help="the default is uv if there is one, else pip")
    return parser.parse_args(argv)


def check_python() -> None:
    """Refuse a Python that is too old. Raises: BuildError."""
    if sys.hexversion < 0x030B0000:
        raise BuildError(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}")


def check_feeds(packages: Path) -> None:
    """Refuse a feeds.toml that the function would refuse at its start. Raises: BuildError.

    The command checks it, with the packages of the build: this Python may have none of its own.
    """
    command = [sys.executable, "-B", "-m", "feedmirror", "check", "--config", "feeds.toml"]
    env = {**os.environ, "PYTHONPATH": str(packages)}
    done = subprocess.run(
        command, cwd=FUNCTIONS, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BuildError(f"feeds.toml is not in order\n{done.stderr.strip()}")


def build(out: Path, architectures: list[str], installer: str) -> None:
    """Have the function in `out`, and nothing else. Raises: BuildError."""
    if out.exists() and any(out.iterdir()) and not is_build(out):
        raise BuildError(f"{out} holds something else than an earlier build; empty it first")
    with tempfile.TemporaryDirectory(prefix="feedmirror-build-") as folder:
        whole = Path(folder, "whole")
        for architecture in architectures:
            installed = Path(folder, architecture)
            install(FUNCTIONS / "requirements.txt", installed, architecture, installer)
            merge(installed, architecture, whole)
        check_feeds(whole)
        leave_out = shutil.ignore_patterns(*COMMAND_ONLY)
        shutil.copytree(FUNCTIONS / "feedmirror", whole / "feedmirror", ignore=leave_out)
        shutil.copyfile(FUNCTIONS / "feeds.toml", whole / "feeds.toml")
        cut_models(whole / "botocore" / "data")
        (whole / NAME).write_bytes(bill(whole, FUNCTIONS / "requirements.txt"))
        compile_all(whole)
        shutil.rmtree(out, ignore_errors=True)
        put(whole, out)


def is_build(folder: Path) -> bool:
    """Whether an earlier build lies there, which may be replaced: not, say, the source."""
    return all((folder / name).exists() for name in ("feeds.toml", "feedmirror", "botocore"))


def put(whole: Path, out: Path) -> None:
    """Copy it all, with times and modes that are the same at each build."""
    for path in files(whole):
        target = out / path.relative_to(whole)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    for path in (*out.rglob("*"), out):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (MTIME, MTIME))


def files(folder: Path) -> list[Path]:
    """All files below a folder, in the order of their names."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def summary(out: Path) -> str:
    """A line: how much it is, and a digest that two equal builds have in common."""
    digest = hashlib.sha256()
    size = 0
    found = files(out)
    for path in found:
        content = path.read_bytes()
        size += len(content)
        digest.update(path.relative_to(out).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(content).digest())
    return f"{len(found)} files, {size / 1e6:.1f} MB, sha256 {digest.hexdigest()[:16]}"


if __name__ == "__main__":
    sys.exit(main())
