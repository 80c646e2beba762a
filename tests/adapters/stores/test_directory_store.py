"""The directory store: the contract of all stores, and what only files can do wrong."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from feedmirror import layout
from feedmirror.adapters.stores.directory import DirectoryStore
from feedmirror.errors import ObjectError, StoreError
from feedmirror.ports import Store
from store_contract import (
    KEY,
    Opener,
    SharedStoreContract,
    check_one_creates,
    in_processes,
    in_threads,
)

NOBODY, SOMEBODY = 65534, 65533  # users without rights
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become two other users")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "mirror"


@pytest.fixture
def opener(root: Path) -> Opener:
    return partial(DirectoryStore, root)


@pytest.fixture
def store(opener: Opener) -> Store:
    return opener()


@pytest.fixture
def public_root() -> Iterator[Path]:
    """A root that other users reach, as those of pytest's own directories do not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name) / "mirror"


class TestDirectoryStore(SharedStoreContract):
    @pytest.fixture
    def opener(self, root: Path) -> Opener:
        return partial(DirectoryStore, root)


def files_in(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if not path.is_dir()}


# ---------------------------------------------------------------- where things are


def test_object_is_the_file_that_its_key_names(store: Store, root: Path) -> None:
    store.create("public/x/rss.xml", b"<rss/>")
    assert (root / "public/x/rss.xml").read_bytes() == b"<rss/>"


def test_load_from_a_missing_root_makes_nothing(store: Store, tmp_path: Path) -> None:
    assert store.load(KEY) is None
    assert store.replace(KEY, b"x", "0") is None
    assert list(tmp_path.iterdir()) == []


def test_first_write_makes_the_root_and_its_parents(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "var" / "lib" / "mirror")
    assert store.create(KEY, b"x") is not None
    assert (tmp_path / "var/lib/mirror" / KEY).read_bytes() == b"x"


def test_nothing_but_objects_and_the_lock_is_left_behind(store: Store, root: Path) -> None:
    old = store.create(KEY, b"old")
    store.create(KEY, b"taken")
    store.replace(KEY, b"new", old)
    store.replace(KEY, b"stale", old)
    store.replace("data/other/state.json", b"missing", old)
    assert files_in(root) == {KEY, ".lock"}
    assert not (root / "data/other").exists()


@pytest.mark.parametrize(
    ("umask", "file_mode", "folder_mode"),
    [(0o022, 0o644, 0o755), (0o002, 0o664, 0o775), (0o077, 0o600, 0o700)],
)
def test_modes_are_what_the_umask_allows(
    store: Store, root: Path, umask: int, file_mode: int, folder_mode: int
) -> None:
    before = os.umask(umask)
    try:
        store.create("public/x/rss.xml", b"created")
        etag = store.create("public/x/atom.xml", b"old")
        store.replace("public/x/atom.xml", b"replaced", etag)
    finally:
        os.umask(before)
    for name in ("rss.xml", "atom.xml"):
        assert stat.S_IMODE((root / "public/x" / name).stat().st_mode) == file_mode
    assert stat.S_IMODE((root / "public/x").stat().st_mode) == folder_mode
    assert stat.S_IMODE(root.stat().st_mode) == folder_mode


# ---------------------------------------------------------------- links and other things in the way


@pytest.mark.parametrize("link", ["data", "data/example-news"])
def test_linked_folder_below_the_root_is_not_followed(
    store: Store, root: Path, tmp_path: Path, link: str
) -> None:
    outside = tmp_path / "outside"
    (outside / "example-news").mkdir(parents=True)
    for victim in ("state.json", "example-news/state.json"):
        (outside / victim).write_bytes(b"theirs")
    (root / link).parent.mkdir(parents=True)
    (root / link).symlink_to(outside)
    for attempt in attempts(store):
        with pytest.raises(StoreError, match="symbolic link"):
            attempt()
    assert files_in(outside) == {"state.json", "example-news/state.json"}
    assert (outside / "state.json").read_bytes() == b"theirs"
    assert (outside / "example-news/state.json").read_bytes() == b"theirs"


def test_linked_object_is_neither_read_nor_written(
    store: Store, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "theirs").write_bytes(b"theirs")
    (root / KEY).parent.mkdir(parents=True)
    (root / KEY).symlink_to(tmp_path / "theirs")
    with pytest.raises(StoreError, match="symbolic link"):
        store.load(KEY)
    with pytest.raises(StoreError, match="symbolic link"):
        store.replace(KEY, b"ours", "0")
    with pytest.raises(StoreError, match="symbolic link"):
        store.create(KEY, b"ours")
    assert (root / KEY).is_symlink()
    assert (tmp_path / "theirs").read_bytes() == b"theirs"


@pytest.mark.parametrize("name", [".tmp", ".lock"])
def test_scratch_folder_and_lock_behind_a_symbolic_link_are_not_used(
    store: Store, root: Path, tmp_path: Path, name: str
) -> None:
    etag = store.create(KEY, b"old")
    (tmp_path / "outside").mkdir()
    (root / ".tmp").rmdir()
    (root / name).symlink_to(tmp_path / "outside" / "x" if name == ".lock" else tmp_path)
    with pytest.raises(StoreError, match="symbolic link"):
        store.replace(KEY, b"new", etag)
    assert list((tmp_path / "outside").iterdir()) == []


def test_root_may_be_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    root.symlink_to(tmp_path / "elsewhere")
    DirectoryStore(root).create(KEY, b"x")
    assert (tmp_path / "elsewhere" / KEY).read_bytes() == b"x"


def test_file_where_a_folder_has_to_be_is_named(store: Store, root: Path) -> None:
    store.create("data/example-news", b"a file")
    for attempt in attempts(store):
        with pytest.raises(StoreError, match=r"a file .*\(example-news\)"):
            attempt()


def test_root_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for attempt in attempts(DirectoryStore(tmp_path / "file")):
        with pytest.raises(StoreError, match="a file"):
            attempt()


def test_root_that_is_a_link_to_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    for attempt in attempts(DirectoryStore(tmp_path / "link")):
        with pytest.raises(StoreError, match="a symbolic link; a directory is expected"):
            attempt()


def test_folder_where_an_object_has_to_be_is_refused(store: Store, root: Path) -> None:
    (root / KEY).mkdir(parents=True)
    with pytest.raises(StoreError, match="is a directory"):
        store.load(KEY)
    with pytest.raises(StoreError, match="is a directory"):
        store.replace(KEY, b"x", "0")
    with pytest.raises(StoreError, match="is a directory"):
        store.create(KEY, b"x")


def _socket(path: Path) -> None:
    here = os.open(path.parent, os.O_RDONLY)  # the name of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(f"/proc/self/fd/{here}/{path.name}")
    finally:
        os.close(here)


@pytest.mark.row("S7")
@pytest.mark.parametrize(
    "make",
    [
        os.mkfifo,
        _socket,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to("nothing"),
    ],
    ids=["pipe", "socket", "device", "dangling link"],
)
def test_object_that_is_no_file_is_refused_by_name_and_listed(
    store: Store, root: Path, make: Callable[[Path], None]
) -> None:
    (root / KEY).parent.mkdir(parents=True)
    make(root / KEY)
    for attempt in attempts(store):
        sentence = f"'{KEY}' in .*(file is expected|not a regular file|symbolic link)"
        with pytest.raises(ObjectError, match=sentence):
            attempt()
    assert list(store.keys()) == [KEY]


@pytest.mark.row("S7")
def test_file_that_is_larger_than_any_object_is_not_read(store: Store, root: Path) -> None:
    store.create(KEY, b"x")
    os.truncate(root / KEY, 3_000_000_000)
    with pytest.raises(ObjectError, match="3,000,000,000 bytes, of 268,435,456 at most"):
        store.load(KEY)


def test_object_that_could_not_be_read_again_is_not_written(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "MOST_BYTES", 9)
    etag = store.create(KEY, b"x" * 9)
    assert etag is not None
    for write in (
        lambda: store.create("y", b"x" * 10),
        lambda: store.replace(KEY, b"x" * 10, etag),
    ):
        with pytest.raises(ObjectError, match="10 bytes, of 9 at most"):
            write()


def attempts(store: Store) -> list[Callable[[], object]]:
    return [
        lambda: store.load(KEY),
        lambda: store.create(KEY, b"ours"),
        lambda: store.replace(KEY, b"ours", "0"),
    ]


# ---------------------------------------------------------------- rights


def test_root_without_the_right_to_write_is_an_error_that_says_what_and_why(
    public_root: Path,
) -> None:
    DirectoryStore(public_root).create(KEY, b"old")
    (public_root / ".tmp").rmdir()
    public_root.chmod(0o555)
    [told] = in_processes(partial(DirectoryStore, public_root), write_as_nobody, workers=1)
    assert told == [
        f"create 'public/x/rss.xml' in {public_root}: Permission denied (public)",
        f"replace '{KEY}' in {public_root}: Permission denied (.tmp)",
    ]
    public_root.chmod(0o755)


def write_as_nobody(store: Store, who: int) -> list[str]:
    if os.geteuid() == 0:
        os.setuid(NOBODY)
    with pytest.raises(StoreError) as create:
        store.create("public/x/rss.xml", b"x")
    with pytest.raises(StoreError) as replace:
        store.replace(KEY, b"x", store.load(KEY).etag)
    return [str(create.value), str(replace.value)]


@AS_ROOT
def test_programs_of_different_users_share_a_root_that_lets_both_write(public_root: Path) -> None:
    public_root.mkdir()
    public_root.chmod(0o777)
    opener = partial(DirectoryStore, public_root)
    in_processes(opener, partial(write_as, SOMEBODY), workers=1)
    in_processes(opener, partial(write_as, NOBODY), workers=1)
    assert opener().load(KEY).body == b"0+1+1"
    assert (public_root / KEY).stat().st_uid == NOBODY


def write_as(user: int, store: Store, who: int) -> None:
    os.umask(0)
    os.setuid(user)
    store.create(KEY, b"0")
    stored = store.load(KEY)
    assert stored is not None
    assert store.replace(KEY, stored.body + b"+1", stored.etag) is not None


# ---------------------------------------------------------------- the disk


def test_file_is_on_the_disk_before_it_is_visible_and_its_folder_before_the_answer(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    for name in ("write", "fsync", "link", "replace"):
        monkeypatch.setattr(os, name, telling(told, name, getattr(os, name)))
    etag = store.create("object", b"x")
    store.replace("object", b"y", etag)
    assert told == [
        *("fsync folder", "write", "fsync file", "link", "fsync folder"),  # the first: `.tmp`
        *("write", "fsync file", "replace", "fsync folder"),
    ]


def telling(told: list[str], name: str, call: Callable[..., object]) -> Callable[..., object]:
    def tell(*args: object, **kwargs: object) -> object:
        kind = ""
        if name == "fsync":
            kind = " folder" if stat.S_ISDIR(os.fstat(args[0]).st_mode) else " file"
        told.append(name + kind)
        return call(*args, **kwargs)

    return tell


def test_new_folders_are_on_the_disk_before_the_answer(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[int] = set()
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.add(os.fstat(fd).st_ino), real(fd))[1])
    store.create(KEY, b"x")
    assert {path.stat().st_ino for path in (root, root / "data", root / KEY)} <= synced


def test_write_that_is_cut_off_leaves_the_old_object_and_no_debris(
    opener: Opener, root: Path
) -> None:
    etag = opener().create(KEY, b"old")
    [told] = in_processes(opener, write_beyond_the_limit, workers=1)
    assert told == [
        f"create 'data/new.json' in {root}: File too large",
        f"replace '{KEY}' in {root}: File too large",
    ]
    assert opener().load(KEY).etag == etag
    assert files_in(root) == {KEY}


def write_beyond_the_limit(store: Store, who: int) -> list[str]:
    """A limit on files, not a full disk: both write a part and then fail."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    with pytest.raises(StoreError) as create:
        store.create("data/new.json", b"x" * 200_000)
    with pytest.raises(StoreError) as replace:
        store.replace(KEY, b"x" * 200_000, store.load(KEY).etag)
    return [str(create.value), str(replace.value)]


def test_disk_that_is_full_at_fsync_is_an_error(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    etag = store.create(KEY, b"old")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", failing(errno.ENOSPC))
        with pytest.raises(StoreError, match=f"replace '{KEY}' .*No space left on device"):
            store.replace(KEY, b"new", etag)
        with pytest.raises(StoreError, match=r"create 'data/x' .*No space left on device"):
            store.create("data/x", b"new")
    assert files_in(root) == {KEY}
    assert store.replace(KEY, b"new", etag) is not None


def test_filesystem_that_cannot_sync_a_folder_is_used_all_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    etag = store.create(KEY, b"old")
    assert store.replace(KEY, b"new", etag) is not None


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS])
def test_filesystem_without_hard_links_still_has_one_creator(
    opener: Opener, root: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(os, "link", failing(code))
    check_one_creates(opener, in_threads)
    assert opener().create(KEY, b"first") is not None
    assert opener().create(KEY, b"second") is None
    assert opener().load(KEY).body == b"first"
    assert list((root / ".tmp").iterdir()) == []


def failing(code: int) -> Callable[..., None]:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


# ---------------------------------------------------------------- what the dead leave


@pytest.mark.parametrize("call", ["fsync", "link"])
def test_next_writer_removes_what_a_killed_one_left(opener: Opener, root: Path, call: str) -> None:
    opener().create(f"{KEY}.old", b"in the same folder: only the new file is synced")
    with pytest.raises(EOFError):
        in_processes(opener, partial(die_in_create, call), workers=1)
    assert opener().load(KEY) is None
    assert len(list((root / ".tmp").iterdir())) == 1
    assert opener().create(KEY, b"new") is not None
    assert list((root / ".tmp").iterdir()) == []


def die_in_create(call: str, store: Store, who: int) -> None:
    setattr(os, call, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
    store.create(KEY, b"never seen")


def test_file_of_a_live_writer_is_not_removed(
    opener: Opener, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_program_comes(*args: object, **kwargs: object) -> object:
        monkeypatch.undo()
        assert opener().create("data/other.json", b"other") is not None
        return os.link(*args, **kwargs)

    monkeypatch.setattr(os, "link", other_program_comes)
    assert opener().create(KEY, b"slow") is not None
    assert opener().load(KEY).body == b"slow"
    assert files_in(root) == {KEY, "data/other.json"}


def test_writer_whose_file_is_removed_before_it_could_lock_it_takes_another(
    opener: Opener, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_program_comes(*args: object) -> object:
        monkeypatch.undo()
        assert opener().create("data/other.json", b"other") is not None
        assert list((root / ".tmp").iterdir()) == []
        return fcntl.flock(*args)

    store = opener()
    store.create("data/first.json", b"so that it has swept")
    monkeypatch.setattr(fcntl, "flock", other_program_comes)
    assert store.create(KEY, b"x") is not None
    assert opener().load(KEY).body == b"x"


def test_lock_does_not_outlive_the_process_that_held_it(opener: Opener) -> None:
    etag = opener().create(KEY, b"old")
    with pytest.raises(EOFError):
        in_processes(opener, die_in_replace, workers=1)
    assert opener().replace(KEY, b"new", etag) is not None


def die_in_replace(store: Store, who: int) -> None:
    os.replace = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
    store.replace(KEY, b"never seen", store.load(KEY).etag)


def test_lock_is_free_though_a_forked_child_still_has_its_descriptor(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies: list[int] = []
    real = fcntl.flock

    def flock(descriptor: int, operation: int) -> None:
        copies.append(os.dup(descriptor))  # shares the lock, as the copy in a child does
        real(descriptor, operation)

    store = DirectoryStore(root, lock_timeout_s=0)
    etag = store.create(KEY, b"old")
    monkeypatch.setattr(fcntl, "flock", flock)
    etag = store.replace(KEY, b"new", etag)
    assert store.replace(KEY, b"newer", etag) is not None
    for copy in copies:
        os.close(copy)


def test_lock_that_a_stopped_process_holds_is_an_error_and_not_a_wait_for_ever(root: Path) -> None:
    store = DirectoryStore(root, lock_timeout_s=0.01)
    etag = store.create(KEY, b"old")
    store.replace(KEY, b"new", etag)
    with (root / ".lock").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert store.load(KEY).body == b"new"
        assert store.create("data/other.json", b"x") is not None
        with pytest.raises(StoreError, match=r"another process held the lock for 0\.01 s"):
            store.replace(KEY, b"newer", store.load(KEY).etag)
    assert store.replace(KEY, b"newer", store.load(KEY).etag) is not None
    assert list((root / ".tmp").iterdir()) == []


def test_no_descriptor_is_left_open(store: Store, root: Path) -> None:
    etag = store.create(KEY, b"old")
    (root / "data/folder").mkdir()
    before = lowest_free_descriptor()
    store.replace(KEY, b"new", etag)
    for key in (KEY, f"{KEY}/below-a-file", "data/missing/x"):
        for operation in (store.load, lambda key: store.create(key, b"x")):
            with suppress(StoreError):
                operation(key)
    with suppress(StoreError):
        store.load("data/folder")
    assert lowest_free_descriptor() == before


def lowest_free_descriptor() -> int:
    free = os.dup(0)
    os.close(free)
    return free
