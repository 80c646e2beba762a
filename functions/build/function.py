"""Build the deployed function into a folder: the package, feeds.toml, all dependencies, and a bill
of materials.

`sam build` runs this through functions/Makefile; by hand run
`python functions/build/function.py --out DIR`. Needs Python 3.11 or newer on any system, and uv or
pip. No C or Rust is compiled: wheels for Lambda's Linux are unpacked.
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
from wheels import INSTALLERS, MACHINES, BuildError, find_installer, install, install_here, merge

FUNCTIONS = Path(__file__).resolve().parents[1]

BUILD_ID = "build-id"  # the file that feedmirror reads at its start

# Parts of the package that only the command needs.
COMMAND_ONLY = ("cli", "web", "__main__.py", "__pycache__")

MTIME = 315_619_200  # 1980-01-02: a zip file can store it in every time zone


def main(argv: list[str] | None = None) -> int:
    """Run the build; return the exit code."""
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
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="target folder; an earlier build in it is replaced",
    )
    add(
        "--architecture",
        choices=[*MACHINES, "both"],
        default="both",
        help="Lambda architecture that the build supports (default: both)",
    )
    add(
        "--installer",
        choices=INSTALLERS,
        help="installer of the dependencies (default: uv if installed, else pip)",
    )
    return parser.parse_args(argv)


def check_python() -> None:
    """Refuse a Python that is too old. Raises: BuildError."""
    if sys.hexversion < 0x030B0000:
        raise BuildError(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}")


def check_feeds(*packages: Path) -> None:
    """Refuse a feeds.toml that the function would refuse at its start. Raises: BuildError.

    Runs `feedmirror check` with these folders of packages, since this Python may lack them.
    """
    command = [sys.executable, "-B", "-m", "feedmirror", "check", "--config", "feeds.toml"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, packages))}
    done = subprocess.run(
        command, cwd=FUNCTIONS, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BuildError(f"feeds.toml is not valid\n{done.stderr.strip()}")


def build(out: Path, architectures: list[str], installer: str) -> None:
    """Build the function into `out`, replacing an earlier build. Raises: BuildError."""
    if out.exists() and any(out.iterdir()) and not is_build(out):
        raise BuildError(f"{out} is not empty and not an earlier build; empty it first")
    with tempfile.TemporaryDirectory(prefix="feedmirror-build-") as folder:
        whole = Path(folder, "whole")
        for architecture in architectures:
            installed = Path(folder, architecture)
            install(FUNCTIONS / "requirements.txt", installed, architecture, installer)
            merge(installed, architecture, whole)
        here = Path(folder, "here")
        install_here(FUNCTIONS / "requirements.txt", here, installer)
        check_feeds(here, whole)
        leave_out = shutil.ignore_patterns(*COMMAND_ONLY)
        shutil.copytree(FUNCTIONS / "feedmirror", whole / "feedmirror", ignore=leave_out)
        shutil.copyfile(FUNCTIONS / "feeds.toml", whole / "feeds.toml")
        cut_models(whole / "botocore" / "data")
        (whole / NAME).write_bytes(bill(whole, FUNCTIONS / "requirements.txt"))
        (whole / BUILD_ID).write_text(build_id(whole))
        compile_all(whole)
        shutil.rmtree(out, ignore_errors=True)
        put(whole, out)


def build_id(whole: Path) -> str:
    """Return a digest of the code, feeds.toml and the bill of materials, which names the versions
    of all dependencies: equal on every machine and for every architecture.
    """
    code = files(whole / "feedmirror")
    return digest_of(whole, [*code, whole / "feeds.toml", whole / NAME])


def is_build(folder: Path) -> bool:
    """True if the folder is an earlier build, which may be replaced, and not, say, the source."""
    return all((folder / name).exists() for name in ("feeds.toml", "feedmirror", "botocore"))


def put(whole: Path, out: Path) -> None:
    """Copy all files, with fixed times and modes: builds are reproducible."""
    for path in files(whole):
        target = out / path.relative_to(whole)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    for path in (*out.rglob("*"), out):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (MTIME, MTIME))


def files(folder: Path) -> list[Path]:
    """List all files below a folder, in the order of their names."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def summary(out: Path) -> str:
    """Render one line: number of files, size, and a digest that is equal for equal builds."""
    found = files(out)
    size = sum(path.stat().st_size for path in found)
    return f"{len(found)} files, {size / 1e6:.1f} MB, sha256 {digest_of(out, found)[:16]}"


def digest_of(folder: Path, paths: list[Path]) -> str:
    """Return a digest of the names and contents of files below a folder."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
