"""Files and directories by descriptor, so that no symbolic link is ever followed on the way."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

FOLDER = os.O_RDONLY | os.O_DIRECTORY


@contextmanager
def closing(descriptor: int) -> Iterator[int]:
    """The descriptor, which is closed in the end."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def enter(folder: int, name: str, *, make: bool) -> int:
    """A descriptor of the directory `name` in `folder`. Raises: FileNotFoundError."""
    try:
        return os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        if not make:
            raise
    with suppress(FileExistsError):  # another was faster
        os.mkdir(name, dir_fd=folder)
    sync(folder)
    return os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=folder)


def read(folder: int, name: str) -> bytes | None:
    """The bytes of the file `name` in `folder`, or None if there is none."""
    try:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        return None
    with closing(file), os.fdopen(file, "rb", buffering=0, closefd=False) as stream:
        return stream.read()


def write(file: int, body: bytes) -> None:
    """Writes all of it; it is on the disk then."""
    rest = memoryview(body)
    while rest:
        rest = rest[os.write(file, rest) :]  # a disk that fills up writes a part first
    os.fsync(file)


def sync(folder: int) -> None:
    """Has the names in the folder on the disk, where the filesystem can do that."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # no such thing on some filesystems
            raise


def listed(folder: int) -> list[str]:
    """The names of files in the folder, and those of directories with a slash behind them."""
    with os.scandir(folder) as entries:
        return [
            f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name
            for entry in entries
            if not entry.is_symlink()
        ]


def is_taken(folder: int, name: str) -> bool:
    """Whether there is anything of that name."""
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def try_lock(file: int) -> bool:
    """Whether the file was locked now, for this descriptor and its copies. Source: flock(2)."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def claim_file(scratch: int) -> tuple[str, int]:
    """The name and descriptor of a new file, locked: one that nobody has locked is abandoned."""
    while True:
        name = os.urandom(8).hex()
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=scratch)
        try:
            # A sweeper may come between the open and the lock; then it removes the file.
            if try_lock(file) and os.fstat(file).st_nlink:
                return name, file
        except OSError:
            os.unlink(name, dir_fd=scratch)
            os.close(file)
            raise
        os.close(file)


def remove_abandoned(scratch: int, name: str) -> None:
    """Removes the file unless somebody has it locked."""
    with closing(os.open(name, os.O_RDWR | os.O_NOFOLLOW, dir_fd=scratch)) as file:
        if try_lock(file):
            os.unlink(name, dir_fd=scratch)
