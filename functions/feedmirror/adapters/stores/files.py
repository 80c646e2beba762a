"""Files and directories by descriptor, so that no symbolic link is ever followed on the way."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
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


def read(folder: int, name: str, most_bytes: int) -> bytes | None:
    """Return the bytes of the file `name` in `folder`, or None if there is none.

    Reads one byte more than `most_bytes` at most. Raises: OSError, also for what is not a file.
    """
    try:
        # Not blocking, since the opening of a pipe waits for whoever writes to it.
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError:
        return None
    with closing(file), os.fdopen(file, "rb", buffering=0, closefd=False) as stream:
        check_file(os.fstat(file), name)
        size_bytes = os.fstat(file).st_size
        if size_bytes > most_bytes:
            raise OSError(errno.EFBIG, f"{size_bytes:,} bytes, of {most_bytes:,} at most", name)
        return stream.read()


def check_file(found: os.stat_result, name: str) -> None:
    """Raises: OSError for a directory, a pipe, a socket, a device or a symbolic link."""
    if stat.S_ISDIR(found.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), name)
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.ENODEV, "not a file, but a pipe, a socket or a device", name)


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
    """The names of files in the folder, and those of directories with a slash behind them.

    Links count as files, so that whoever reads all files hears of those that are not followed.
    """
    with os.scandir(folder) as entries:
        return [
            f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name
            for entry in entries
        ]


def is_taken(folder: int, name: str) -> bool:
    """Return whether there is a file of that name. Raises: OSError for what is not a file."""
    try:
        check_file(os.stat(name, dir_fd=folder, follow_symlinks=False), name)
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
