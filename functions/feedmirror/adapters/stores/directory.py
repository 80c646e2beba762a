"""The `Store` in a directory of the local filesystem.

An object is a file, its key the path below the root. The root also holds `.tmp`, where files are
written before they are moved into place, and `.lock`. Both are outside of `public/`, so a web
server does not show them. All of the root must be on one filesystem. The root may be a symbolic
link; below it no link is followed, so that no key leads out of the root.

Files and directories get the modes that the umask allows. Programs of different users can share a
root if its permissions let all of them write; otherwise their operations raise StoreError.

An object is on the disk before it becomes visible and before the operation returns: after a power
failure every object is whole, and a state names only what is stored. This takes two fsync calls
per write, a third of the write's CPU time (200 KB on ext4).
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from feedmirror.errors import ObjectError, StoreError
from feedmirror.layout import MOST_BYTES, check_size, is_key, split_key, split_prefix
from feedmirror.ports import Listed, Stored

_SCRATCH = ".tmp"  # not a valid key, and neither is _LOCK: a segment never starts with a dot
_LOCK = ".lock"
_LOCK_POLL_S = 0.001
# Errors of link(2) where hard links are not supported: FAT, some network and FUSE filesystems.
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
_CAUSES = {
    errno.EISDIR: "is a directory; a file is expected",
    errno.ENXIO: "is a socket or a device; a file is expected",
    errno.ENOTDIR: "is a file or a symbolic link; a directory is expected",
    errno.ELOOP: "is a symbolic link, which is not followed",
}
# Errors of one object; any other counts as an error of the whole store.
_OBJECT_ERRORS = {errno.EACCES, errno.EFBIG, errno.EIO, errno.ENODEV, *_CAUSES}


class DirectoryStore:
    """The `Store` of `ports.py` in a directory, created by the first write."""

    def __init__(self, root: Path, lock_timeout_s: float = 10.0) -> None:
        self._root = root
        self._lock_timeout_s = lock_timeout_s  # only a suspended process holds the lock longer
        self._swept = False
        self._turn = threading.Lock()  # threads of this process queue here instead of polling

    def load(self, key: str) -> Stored | None:
        """Return the object, or None if it is missing; takes no lock. Raises: StoreError."""
        with (
            self._operation("load", key) as (folders, name),
            suppress(FileNotFoundError),
            _closing(self._walk(folders)) as folder,
        ):
            body = _read(folder, name)
            return None if body is None else Stored(body, _digest(body))
        return None

    def create(self, key: str, body: bytes, media_type: str = "application/json") -> str | None:
        """Return the new object's ETag, or None if the key is taken. Raises: StoreError."""
        del media_type  # not stored
        check_size("create", key, len(body))
        with (
            self._operation("create", key) as (folders, name),
            _closing(self._walk(folders, make=True)) as folder,
        ):
            # Looked up before the write, which would be wasted.
            made = not _is_taken(folder, name) and self._make(folder, name, body)
            _sync(folder)  # also if taken: the creator may have died before its own sync
            return _digest(body) if made else None

    def replace(
        self, key: str, body: bytes, etag: str, media_type: str = "application/json"
    ) -> str | None:
        """Return the new ETag, or None if the object is missing or has another ETag than `etag`.

        Raises: StoreError, also if another process holds the lock for too long.
        """
        del media_type  # not stored
        check_size("replace", key, len(body))
        with self._operation("replace", key) as (folders, name):
            try:
                folder = self._walk(folders)
            except FileNotFoundError:
                return None
            with _closing(folder):
                with self._written(body) as (scratch, temporary), self._locked():
                    current = _read(folder, name)
                    if current is None or _digest(current) != etag:
                        return None
                    os.replace(temporary, name, src_dir_fd=scratch, dst_dir_fd=folder)
                _sync(folder)
            return _digest(body)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys that begin with `prefix`, in byte order. Raises: StoreError, also late."""
        segments = split_prefix(prefix)
        return (key for key, _ in self._below(segments, deep=True))

    def listed(self, prefix: str) -> Iterator[Listed]:
        """Yield the objects whose keys begin with `prefix`, in byte order.

        A mark is made of inode, size and dates. Raises: StoreError, also while iterating.
        """
        segments = split_prefix(prefix)
        return self._marked(segments)

    def _marked(self, segments: list[str]) -> Iterator[Listed]:
        for key, _ in self._below(segments, deep=True):
            *folders, name = key.split("/")
            with (
                self._translated("list", key),
                suppress(FileNotFoundError),  # deleted meanwhile
                _closing(self._walk(folders)) as folder,
            ):
                yield Listed(key, _mark(os.stat(name, dir_fd=folder, follow_symlinks=False)))

    def folders(self, prefix: str = "") -> Iterator[str]:
        """Yield the names of the folders directly below `prefix`, in the order of their keys.

        Empty folders are included. Raises: StoreError, also while iterating.
        """
        segments = split_prefix(prefix)
        below = self._below(segments, deep=False)
        return (path.split("/")[-2] for path, is_folder in below if is_folder)

    def _below(self, segments: list[str], *, deep: bool) -> Iterator[tuple[str, bool]]:
        """Yield paths below a folder, with True for a folder; if `deep`, all files at any depth."""
        with self._translated("list", "/".join([*segments, "*"])):
            try:
                with _closing(self._walk(segments)) as folder:
                    names = _names_in(folder)
            except FileNotFoundError:
                return
        # Sorted with the trailing slash of folders: "a-b" comes before "a/".
        for name in sorted(names):
            path = "/".join([*segments, name])
            is_folder = name.endswith("/")
            if not is_key(path.removesuffix("/")):
                continue  # `.tmp`, `.lock`, or a file of another program
            if deep and is_folder:
                yield from self._below([*segments, name[:-1]], deep=True)
            else:
                yield path, is_folder

    @contextmanager
    def _operation(self, operation: str, key: str) -> Iterator[tuple[list[str], str]]:
        """Yield the folders and the file name of the key; translate OSError to StoreError."""
        *folders, name = split_key(operation, key)
        with self._translated(operation, key):
            yield folders, name

    @contextmanager
    def _translated(self, operation: str, key: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            cause = _CAUSES.get(error.errno or 0, error.strerror)
            part = f" ({error.filename})" if error.filename else ""
            failure = ObjectError if error.errno in _OBJECT_ERRORS else StoreError
            raise failure(f"{operation} {key!r} in {self._root}: {cause}{part}") from error

    def _walk(self, segments: Sequence[str], *, make: bool = False) -> int:
        """Return a descriptor of a directory below the root; the caller closes it.

        Each directory is opened relative to its parent's descriptor: a directory that is replaced
        by a symbolic link meanwhile is not followed. Raises: FileNotFoundError, never if `make`.
        """
        try:
            folder = os.open(self._root, _FOLDER)
        except FileNotFoundError:
            if self._root.is_symlink():  # a dangling link
                raise OSError(errno.ENOTDIR, "", str(self._root)) from None
            if not make:
                raise
            self._root.mkdir(parents=True, exist_ok=True)
            folder = os.open(self._root, _FOLDER)
        for segment in segments:
            with _closing(folder):
                folder = _enter(folder, segment, make=make)
        return folder

    @contextmanager
    def _written(self, body: bytes) -> Iterator[tuple[int, str]]:
        """Yield the scratch directory and the name of a file in it: the body, synced to disk."""
        with _closing(self._walk([_SCRATCH], make=True)) as scratch:
            self._sweep(scratch)
            name, file = _claim_file(scratch)
            with _closing(file):
                try:
                    _write(file, body)
                    yield scratch, name
                finally:
                    with suppress(FileNotFoundError):  # moved into place
                        os.unlink(name, dir_fd=scratch)

    def _sweep(self, scratch: int) -> None:
        """Remove temporary files of killed processes, once per process."""
        if self._swept:
            return
        self._swept = True
        for name in os.listdir(scratch):
            with suppress(OSError):  # in use, gone, or another user's
                _remove_abandoned(scratch, name)

    def _make(self, folder: int, name: str, body: bytes) -> bool:
        """Create the file if its name is free; True if it was."""
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
            with self._locked():  # without hard links, check and rename are not atomic
                if _is_taken(folder, name):
                    return False
                os.rename(temporary, name, src_dir_fd=scratch, dst_dir_fd=folder)
                return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock of the store; the system releases the lock of a process that dies.

        Source: flock(2). Raises: TimeoutError.
        """
        deadline_s = time.monotonic() + self._lock_timeout_s
        with _closing(self._walk([])) as root:
            file = os.open(_LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666, dir_fd=root)
        with _closing(file), self._turn:
            self._wait_for(file, deadline_s)
            try:
                yield
            finally:
                # Closing does not unlock if a child forked meanwhile has the descriptor, too.
                fcntl.flock(file, fcntl.LOCK_UN)

    def _wait_for(self, file: int, deadline_s: float) -> None:
        while not _try_lock(file):
            if time.monotonic() > deadline_s:
                cause = f"another process held the lock for {self._lock_timeout_s:g} s"
                raise TimeoutError(errno.ETIMEDOUT, cause, _LOCK)
            time.sleep(_LOCK_POLL_S)


def _digest(body: bytes) -> str:
    # Twice as fast as BLAKE2 on processors with SHA instructions, which most are.
    return hashlib.sha256(body).hexdigest()[:32]


_FOLDER = os.O_RDONLY | os.O_DIRECTORY


@contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    """Yield the descriptor and close it at the end."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _enter(folder: int, name: str, *, make: bool) -> int:
    """Return a descriptor of the directory `name` in `folder`, created if `make`.

    Raises: FileNotFoundError, never if `make`.
    """
    try:
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        if not make:
            raise
    with suppress(FileExistsError):  # created by another process meanwhile
        os.mkdir(name, dir_fd=folder)
    _sync(folder)
    return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)


def _read(folder: int, name: str) -> bytes | None:
    """Return the bytes of the file `name` in `folder`, or None if the file is missing.

    Raises: OSError, also for a file of more than MOST_BYTES, or that is not a regular file.
    """
    try:
        # Non-blocking: to open a pipe would wait for its writer.
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError:
        return None
    with _closing(file), os.fdopen(file, "rb", buffering=0, closefd=False) as stream:
        _check_regular(os.fstat(file), name)
        size_bytes = os.fstat(file).st_size
        if size_bytes > MOST_BYTES:
            raise OSError(errno.EFBIG, f"{size_bytes:,} bytes, of {MOST_BYTES:,} at most", name)
        return stream.read()


def _check_regular(status: os.stat_result, name: str) -> None:
    """Raises: OSError for a directory, a pipe, a socket, a device or a symbolic link."""
    if stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), name)
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.ENODEV, "not a regular file", name)


def _write(file: int, body: bytes) -> None:
    """Write all of `body` and flush the file to the disk."""
    rest = memoryview(body)
    while rest:
        rest = rest[os.write(file, rest) :]  # a write to a disk that fills up may be partial
    # The kernel's own dates are some milliseconds apart, in which an inode may be used again.
    now_ns = time.time_ns()
    os.utime(file, ns=(now_ns, now_ns))
    os.fsync(file)


def _mark(status: os.stat_result) -> str:
    """Return what tells a file from the one that was under its name before."""
    dates = f"{status.st_mtime_ns:x}-{status.st_ctime_ns:x}"
    return f"{status.st_ino:x}-{status.st_size:x}-{dates}"


def _sync(folder: int) -> None:
    """Flush the directory to the disk, where the filesystem supports that."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # not supported by some filesystems
            raise


def _names_in(folder: int) -> list[str]:
    """Return the names of the files in the folder, and of its directories with a trailing slash.

    Symbolic links are listed as files, so that a caller that reads all files fails at them.
    """
    with os.scandir(folder) as entries:
        return [
            f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name
            for entry in entries
        ]


def _is_taken(folder: int, name: str) -> bool:
    """True if the file exists. Raises: OSError if `name` is not a regular file."""
    try:
        _check_regular(os.stat(name, dir_fd=folder, follow_symlinks=False), name)
    except FileNotFoundError:
        return False
    return True


def _try_lock(file: int) -> bool:
    """Lock the file for this descriptor and its copies; False if it is locked.

    Source: flock(2).
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _claim_file(scratch: int) -> tuple[str, int]:
    """Return name and descriptor of a new file, locked: an unlocked one counts as abandoned."""
    while True:
        name = os.urandom(8).hex()
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=scratch)
        try:
            # Another process may remove the file between open and lock, as abandoned.
            if _try_lock(file) and os.fstat(file).st_nlink:
                return name, file
        except OSError:
            os.unlink(name, dir_fd=scratch)
            os.close(file)
            raise
        os.close(file)


def _remove_abandoned(scratch: int, name: str) -> None:
    """Remove the file unless a process has locked it."""
    with _closing(os.open(name, os.O_RDWR | os.O_NOFOLLOW, dir_fd=scratch)) as file:
        if _try_lock(file):
            os.unlink(name, dir_fd=scratch)
