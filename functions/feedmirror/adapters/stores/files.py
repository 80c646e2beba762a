"""Files and directories opened by descriptor, so that no symbolic link is followed."""

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
    """Yield the descriptor and close it at the end."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def enter(folder: int, name: str, *, make: bool) -> int:
    """Return a descriptor of the directory `name` in `folder`, created if `make`.

    Raises: FileNotFoundError, never if `make`.
    """
    try:
        return os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        if not make:
            raise
    with suppress(FileExistsError):  # created by another process meanwhile
        os.mkdir(name, dir_fd=folder)
    sync(folder)
    return os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=folder)


def read(folder: int, name: str, most_bytes: int) -> bytes | None:
    """Return the bytes of the file `name` in `folder`, or None if the file is missing.

    Raises: OSError, also for a file of more than `most_bytes`, or that is not a regular file.
    """
    try:
        # Non-blocking: to open a pipe would wait for its writer.
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError:
        return None
    with closing(file), os.fdopen(file, "rb", buffering=0, closefd=False) as stream:
        check_regular(os.fstat(file), name)
        size_bytes = os.fstat(file).st_size
        if size_bytes > most_bytes:
            raise OSError(errno.EFBIG, f"{size_bytes:,} bytes, of {most_bytes:,} at most", name)
        return stream.read()


def check_regular(status: os.stat_result, name: str) -> None:
    """Raises: OSError for a directory, a pipe, a socket, a device or a symbolic link."""
    if stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), name)
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.ENODEV, "not a regular file", name)


def write(file: int, body: bytes) -> None:
    """Write all of `body` and flush the file to the disk."""
    rest = memoryview(body)
    while rest:
        rest = rest[os.write(file, rest) :]  # a write to a disk that fills up may be partial
    os.fsync(file)


def sync(folder: int) -> None:
    """Flush the directory to the disk, where the filesystem supports that."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # not supported by some filesystems
            raise


def names_in(folder: int) -> list[str]:
    """Return the names of the files in the folder, and of its directories with a trailing slash.

    Symbolic links are listed as files, so that a caller that reads all files fails at them.
    """
    with os.scandir(folder) as entries:
        return [
            f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name
            for entry in entries
        ]


def is_taken(folder: int, name: str) -> bool:
    """True if the file exists. Raises: OSError if `name` is not a regular file."""
    try:
        check_regular(os.stat(name, dir_fd=folder, follow_symlinks=False), name)
    except FileNotFoundError:
        return False
    return True


def try_lock(file: int) -> bool:
    """Lock the file for this descriptor and its copies; False if it is locked.

    Source: flock(2).
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def claim_file(scratch: int) -> tuple[str, int]:
    """Return name and descriptor of a new file, locked: an unlocked one counts as abandoned."""
    while True:
        name = os.urandom(8).hex()
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=scratch)
        try:
            # Another process may remove the file between open and lock, as abandoned.
            if try_lock(file) and os.fstat(file).st_nlink:
                return name, file
        except OSError:
            os.unlink(name, dir_fd=scratch)
            os.close(file)
            raise
        os.close(file)


def remove_abandoned(scratch: int, name: str) -> None:
    """Remove the file unless a process has locked it."""
    with closing(os.open(name, os.O_RDWR | os.O_NOFOLLOW, dir_fd=scratch)) as file:
        if try_lock(file):
            os.unlink(name, dir_fd=scratch)
