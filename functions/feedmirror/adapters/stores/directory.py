"""A store in a directory, with the promises of the one in S3: the local default.

An object is a file, its key the path below the root. Beside them the root holds `.tmp`, where
files are written before they are moved into place, and `.lock`. Neither is below `public/`, so
a web server there shows neither. All of it must be on one filesystem. The root may be a symbolic
link, but below it none is followed, so that no key leads out of it.

Files and directories get the modes that the umask allows. Programs of different users can
share a root if it lets all of them write; where it doesn't, they get a StoreError.

Everything is on the disk before the operation returns, and a file before it is visible: after a
power failure every object is whole, and no state claims what was not stored. It takes two fsync
a write, a third of its CPU time (200 KB on ext4), of which the directory's is a quarter.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from feedmirror.adapters.stores import files
from feedmirror.adapters.stores.keys import MOST_BYTES, check_size, is_key, split_key, split_prefix
from feedmirror.errors import ObjectError, StoreError
from feedmirror.ports import Stored

_SCRATCH = ".tmp"  # no key can name these: a segment never starts with a dot
_LOCK = ".lock"
_LOCK_POLL_S = 0.001
# What link(2) says where there are no hard links: FAT, some network and FUSE filesystems.
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
# Of the one file, not of the directory as a whole.
_OF_ONE = {
    errno.EACCES,
    errno.EFBIG,
    errno.EIO,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENODEV,
    errno.ENOTDIR,
    errno.ENXIO,
}
_CAUSES = {
    errno.EISDIR: "Is a directory, where a file has to be",
    errno.ENXIO: "not a file, but a socket or a device",
    errno.ENOTDIR: "a file or a symbolic link where a directory has to be",
    errno.ELOOP: "a symbolic link, which is not followed",
}


class DirectoryStore:
    """The `Store` of `ports.py` in a directory, which the first write creates."""

    def __init__(self, root: Path, lock_timeout_s: float = 10.0) -> None:
        self._root = root
        self._lock_timeout_s = lock_timeout_s  # longer than this only a stopped process holds it
        self._swept = False
        self._turn = threading.Lock()  # of the threads of this process, who would poll each other

    def load(self, key: str) -> Stored | None:
        """The object, or None if there is none. Waits for no lock.

        Raises: StoreError.
        """
        with self._operation("load", key) as (folders, name):
            try:
                folder = self._walk(folders)
            except FileNotFoundError:
                return None
            with files.closing(folder):
                body = files.read(folder, name, MOST_BYTES)
            return None if body is None else Stored(body, _digest(body))

    def create(self, key: str, body: bytes, media_type: str = "application/json") -> str | None:
        """The new object's ETag, or None if the key is taken.

        Raises: StoreError.
        """
        del media_type  # a file has none
        check_size("create", key, len(body))
        with (
            self._operation("create", key) as (folders, name),
            files.closing(self._walk(folders, make=True)) as folder,
        ):
            # Looked up first: cheaper than to find out after a write.
            made = not files.is_taken(folder, name) and self._make(folder, name, body)
            files.sync(folder)  # if it is taken too: whoever took it may have died before it did so
            return _digest(body) if made else None

    def replace(
        self, key: str, body: bytes, etag: str, media_type: str = "application/json"
    ) -> str | None:
        """The object's new ETag, or None if it is missing or its ETag is not `etag`.

        Raises: StoreError, also if another process keeps the lock for too long.
        """
        del media_type  # a file has none
        check_size("replace", key, len(body))
        with self._operation("replace", key) as (folders, name):
            try:
                folder = self._walk(folders)
            except FileNotFoundError:
                return None
            with files.closing(folder):
                with self._written(body) as (scratch, temporary), self._locked():
                    current = files.read(folder, name, MOST_BYTES)
                    if current is None or _digest(current) != etag:
                        return None
                    os.replace(temporary, name, src_dir_fd=scratch, dst_dir_fd=folder)
                files.sync(folder)
            return _digest(body)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The keys that begin with `prefix`, in the order of their bytes.

        What is created meanwhile may be among them or not. Raises: StoreError, also while
        iterating.
        """
        segments = split_prefix(prefix)
        return (key for key, _ in self._below(segments, deep=True))

    def folders(self, prefix: str = "") -> Iterator[str]:
        """The names of the folders directly below `prefix`, in the order of the keys in them.

        A folder may be left without any object in it. Raises: StoreError, also while iterating.
        """
        segments = split_prefix(prefix)
        below = self._below(segments, deep=False)
        return (path.split("/")[-2] for path, is_folder in below if is_folder)

    def _below(self, segments: list[str], *, deep: bool) -> Iterator[tuple[str, bool]]:
        """Paths below a folder and whether each is a folder's; if `deep`, instead of a folder
        what is in it.
        """
        where = "/".join([*segments, "*"])
        with self._telling("list", where):
            try:
                with files.closing(self._walk(segments)) as folder:
                    found = files.listed(folder)
            except FileNotFoundError:
                return
        # A folder's slash takes part in the order: "a-b" comes before "a/".
        for name in sorted(found):
            path = "/".join([*segments, name])
            is_folder = name.endswith("/")
            if not is_key(path.removesuffix("/")):
                continue  # our own, or a stranger's: no key leads there
            if deep and is_folder:
                yield from self._below([*segments, name[:-1]], deep=True)
            else:
                yield path, is_folder

    @contextmanager
    def _operation(self, operation: str, key: str) -> Iterator[tuple[list[str], str]]:
        """The folders and the name of the key; a system's error within becomes a StoreError."""
        *folders, name = split_key(operation, key)
        with self._telling(operation, key):
            yield folders, name

    @contextmanager
    def _telling(self, operation: str, key: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            cause = _CAUSES.get(error.errno or 0, error.strerror)
            part = f" ({error.filename})" if error.filename else ""
            failure = ObjectError if error.errno in _OF_ONE else StoreError
            raise failure(f"{operation} {key!r} in {self._root}: {cause}{part}") from error

    def _walk(self, segments: Sequence[str], *, make: bool = False) -> int:
        """A descriptor of a directory below the root, which the caller closes.

        Goes from descriptor to descriptor: a directory that is swapped for a symbolic link
        meanwhile is not followed either. Raises: FileNotFoundError, never if `make`.
        """
        try:
            folder = os.open(self._root, files.FOLDER)
        except FileNotFoundError:
            if self._root.is_symlink():  # to nothing
                raise OSError(errno.ENOTDIR, "", str(self._root)) from None
            if not make:
                raise
            self._root.mkdir(parents=True, exist_ok=True)
            folder = os.open(self._root, files.FOLDER)
        for segment in segments:
            with files.closing(folder):
                folder = files.enter(folder, segment, make=make)
        return folder

    @contextmanager
    def _written(self, body: bytes) -> Iterator[tuple[int, str]]:
        """A directory and the name of a file in it that holds the body, safe on the disk."""
        with files.closing(self._walk([_SCRATCH], make=True)) as scratch:
            self._sweep(scratch)
            name, file = files.claim_file(scratch)
            with files.closing(file):
                try:
                    files.write(file, body)
                    yield scratch, name
                finally:
                    with suppress(FileNotFoundError):  # it was moved into place
                        os.unlink(name, dir_fd=scratch)

    def _sweep(self, scratch: int) -> None:
        """Removes, once a process, the temporary files that killed ones left."""
        if self._swept:
            return
        self._swept = True
        for name in os.listdir(scratch):
            with suppress(OSError):  # in use, gone, or another user's: not ours to remove
                files.remove_abandoned(scratch, name)

    def _make(self, folder: int, name: str, body: bytes) -> bool:
        """Whether the body is now a file of that name, which there was not before."""
        with self._written(body) as (scratch, temporary):
            try:
                os.link(
                    temporary, name, src_dir_fd=scratch, dst_dir_fd=folder, follow_symlinks=False
                )
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
            else:
                return True
            with self._locked():  # without links, nothing else keeps two from doing it at once
                if files.is_taken(folder, name):
                    return False
                os.rename(temporary, name, src_dir_fd=scratch, dst_dir_fd=folder)
                return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Held by one thread of one process; the system releases it when that one dies.

        Source: flock(2). Raises: TimeoutError.
        """
        deadline_s = time.monotonic() + self._lock_timeout_s
        with files.closing(self._walk([])) as root:
            file = os.open(_LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666, dir_fd=root)
        with files.closing(file), self._turn:
            self._wait_for(file, deadline_s)
            try:
                yield
            finally:
                # Closing is not enough: a child forked meanwhile keeps a copy of the descriptor.
                fcntl.flock(file, fcntl.LOCK_UN)

    def _wait_for(self, file: int, deadline_s: float) -> None:
        while not files.try_lock(file):
            if time.monotonic() > deadline_s:
                cause = f"another process held the lock for {self._lock_timeout_s:g} s"
                raise TimeoutError(errno.ETIMEDOUT, cause, _LOCK)
            time.sleep(_LOCK_POLL_S)


def _digest(body: bytes) -> str:
    # Twice as fast as BLAKE2 where the processor has instructions for it, as most do.
    return hashlib.sha256(body).hexdigest()[:32]
