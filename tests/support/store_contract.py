"""What every store promises, as tests that each store's own test module inherits.

A store joins with one fixture: `opener`, a function without arguments that opens the store anew,
empty at first, on the same objects each time. For a store that processes share it must be
picklable; such a store inherits `SharedStoreContract`, one that lives in memory `StoreContract`.
"""

from __future__ import annotations

import multiprocessing
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from multiprocessing.connection import Connection
from typing import Any

import pytest

from feedmirror.errors import StoreError
from feedmirror.ports import Store, Stored

Opener = Callable[[], Store]
Work = Callable[[Store, int], Any]  # what one of several does: (the store, its number)
Together = Callable[[Opener, Work], list[Any]]  # what each of them answered

WORKERS = 4
ROUNDS = 8
KEY = "data/example-news/state.json"

BAD_KEYS = [
    "",
    "/",
    "/etc/passwd",
    "data/",
    "data//state.json",
    ".",
    "..",
    "../state.json",
    "data/../../state.json",
    "data/./state.json",
    "data/.hidden",
    ".tmp/x",
    ".lock",
    "data/a b",
    "data/a\\b",
    "data/a\n",
    "data/\x00",
    "data/é",
    "data/\udc80",
    "data/%2e%2e/x",
    "data/~x",
    "x" * 256,
    "/".join(["x" * 200] * 6),
]
GOOD_KEYS = [
    "x",
    "data/example-news/state.json",
    f"data/x/entries/{'0123456789abcdef' * 4}/{'f' * 64}.49.json",
    "public/Example_News-2/feed.v1.atom.xml",
    "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p",
    "-/_/0..x",
    "x" * 255,
    "/".join(["x" * 200] * 5),
]


class StoreContract:
    """Promises to the threads of one process."""

    @pytest.fixture
    def opener(self) -> Opener:
        raise NotImplementedError

    @pytest.fixture
    def store(self, opener: Opener) -> Store:
        return opener()

    def test_missing_object_loads_as_none(self, store: Store) -> None:
        assert store.load(KEY) is None
        store.create(KEY, b"{}")
        assert store.load("data/example-news/state") is None
        assert store.load("data/example/state.json") is None

    def test_created_object_loads_with_its_bytes_and_the_etag_that_create_gave(
        self, store: Store
    ) -> None:
        etag = store.create(KEY, b'{"a": 1}')
        assert etag
        assert store.load(KEY) == Stored(b'{"a": 1}', etag)

    @pytest.mark.parametrize("again", [b"other", b"first"])
    def test_taken_key_is_not_created_again(self, store: Store, again: bytes) -> None:
        etag = store.create(KEY, b"first")
        assert store.create(KEY, again) is None
        assert store.load(KEY) == Stored(b"first", etag)

    def test_object_is_replaced_under_its_etag(self, store: Store) -> None:
        old = store.create(KEY, b"old")
        new = store.replace(KEY, b"new", old)
        assert new not in (None, old)
        assert store.load(KEY) == Stored(b"new", new)
        assert store.replace(KEY, b"newer", new) is not None

    def test_loaded_etag_allows_a_replace(self, store: Store) -> None:
        store.create(KEY, b"old")
        assert store.replace(KEY, b"new", store.load(KEY).etag) is not None

    def test_object_is_not_replaced_under_a_stale_etag(self, store: Store) -> None:
        stale = store.create(KEY, b"old")
        etag = store.replace(KEY, b"new", stale)
        assert store.replace(KEY, b"late", stale) is None
        assert store.load(KEY) == Stored(b"new", etag)

    @pytest.mark.parametrize("etag", ["", "*", "0" * 32, '"0"'])
    def test_object_is_not_replaced_under_an_etag_of_no_object(
        self, store: Store, etag: str
    ) -> None:
        store.create(KEY, b"old")
        assert store.replace(KEY, b"new", etag) is None
        assert store.load(KEY).body == b"old"

    def test_missing_object_is_not_replaced_and_not_made(self, store: Store) -> None:
        etag = store.create("data/example-news/other.json", b"old")
        for key in (KEY, "data/elsewhere/state.json"):
            assert store.replace(key, b"new", etag) is None
            assert store.load(key) is None

    def test_equal_bytes_have_equal_etags_and_others_do_not(self, store: Store) -> None:
        etag = store.create("a", b"same")
        assert store.create("b", b"same", "text/plain") == etag
        other = store.create("c", b"other")
        assert other != etag
        assert store.replace("c", b"same", other) == etag
        assert store.replace("c", b"same", etag) == etag

    @pytest.mark.parametrize(
        "body",
        [b"", b"\x00", bytes(range(256)), b"\r\n\n\r", "\ufeffé\u2028".encode(), b"x" * 10_000_000],
        ids=["empty", "nul", "binary", "newlines", "unicode", "10 MB"],
    )
    def test_any_bytes_come_back_as_they_went_in(self, store: Store, body: bytes) -> None:
        etag = store.create("created", body)
        assert store.load("created") == Stored(body, etag)
        old = store.create("replaced", b"old")
        assert store.replace("replaced", body, old) == etag
        assert store.load("replaced").body == body

    @pytest.mark.parametrize("key", GOOD_KEYS)
    def test_key_of_the_allowed_characters_names_an_object(self, store: Store, key: str) -> None:
        etag = store.create(key, b"1")
        assert store.replace(key, b"2", etag) is not None
        assert store.load(key).body == b"2"

    @pytest.mark.parametrize("key", BAD_KEYS)
    def test_any_other_key_is_refused(self, store: Store, key: str) -> None:
        with pytest.raises(StoreError, match=r"^load "):
            store.load(key)
        with pytest.raises(StoreError, match=r"^create "):
            store.create(key, b"x")
        with pytest.raises(StoreError, match=r"^replace "):
            store.replace(key, b"x", "0")

    def test_media_type_may_be_given(self, store: Store) -> None:
        etag = store.create("public/x/rss.xml", b"1", "application/rss+xml; charset=utf-8")
        assert store.replace("public/x/rss.xml", b"2", etag, media_type="application/rss+xml")

    def test_keys_are_listed_in_the_order_of_their_bytes(self, store: Store) -> None:
        keys = ["data/a-b/x", "data/a.b/x", "data/a/b", "data/a/b.c", "data/a0", "public/a/rss.xml"]
        for key in reversed(keys):
            store.create(key, b"x")
        assert list(store.keys()) == keys
        assert list(store.keys("data/")) == keys[:5]
        assert list(store.keys("data/a/")) == ["data/a/b", "data/a/b.c"]
        assert list(store.keys("data/none/")) == []

    def test_folders_are_listed_in_the_order_of_the_keys_below_them(self, store: Store) -> None:
        for key in ("data/b/state.json", "data/a/x/deep", "data/a/y", "data/a-b/x", "data/file"):
            store.create(key, b"x")
        assert list(store.folders("data/")) == ["a-b", "a", "b"]
        assert list(store.folders("data/a/")) == ["x"]
        assert list(store.folders()) == ["data"]
        assert list(store.folders("public/")) == []

    def test_empty_store_lists_nothing(self, store: Store) -> None:
        assert list(store.keys()) == list(store.folders()) == list(store.listed("")) == []

    def test_listed_objects_are_those_of_the_keys_and_keep_their_marks(
        self, opener: Opener
    ) -> None:
        store = opener()
        for key in ("state/b.json", "state/a.json", "state/x/deep", "data/a"):
            store.create(key, b"x")
        listed = list(store.listed("state/"))
        assert [one.key for one in listed] == list(store.keys("state/"))
        store.load("state/a.json")
        store.create("state/c.json", b"x")
        assert [one for one in opener().listed("state/") if one.key != "state/c.json"] == listed
        assert list(store.listed("none/")) == []

    def test_mark_is_another_one_after_each_write_even_of_equal_length_at_once(
        self, store: Store
    ) -> None:
        etag = store.create("state/a.json", b"00")
        marks = [one.mark for one in store.listed("state/")]
        for number in range(1, 60):
            etag = store.replace("state/a.json", b"%02d" % number, etag or "")
            marks += [one.mark for one in store.listed("state/")]
        assert len(set(marks)) == 60

    @pytest.mark.parametrize("prefix", ["/", "data", "../", "data//", "data/ /", "data/../"])
    def test_what_no_key_begins_with_is_refused_by_name(self, store: Store, prefix: str) -> None:
        for listing in (store.keys, store.listed, store.folders):
            with pytest.raises(StoreError, match=r"^list .*: not the beginning of keys$"):
                listing(prefix)

    def test_object_is_there_for_whoever_opens_the_store_later(self, opener: Opener) -> None:
        etag = opener().create(KEY, b"1")
        assert opener().load(KEY) == Stored(b"1", etag)
        assert opener().create(KEY, b"2") is None
        assert opener().replace(KEY, b"2", etag) is not None

    def test_one_of_many_threads_creates_an_object(self, opener: Opener) -> None:
        check_one_creates(opener, in_threads)

    def test_one_of_many_threads_replaces_an_object(self, opener: Opener) -> None:
        check_one_replaces(opener, in_threads)

    def test_no_update_is_lost_between_threads(self, opener: Opener) -> None:
        check_no_update_is_lost(opener, in_threads)

    def test_threads_never_see_a_part_of_an_object(self, opener: Opener) -> None:
        check_objects_are_whole(opener, in_threads)


class SharedStoreContract(StoreContract):
    """The same promises between processes, and what is left of one that is killed."""

    def test_one_of_many_processes_creates_an_object(self, opener: Opener) -> None:
        check_one_creates(opener, in_processes)

    def test_one_of_many_processes_replaces_an_object(self, opener: Opener) -> None:
        check_one_replaces(opener, in_processes)

    def test_no_update_is_lost_between_processes(self, opener: Opener) -> None:
        check_no_update_is_lost(opener, in_processes)

    def test_processes_never_see_a_part_of_an_object(self, opener: Opener) -> None:
        check_objects_are_whole(opener, in_processes)

    def test_killed_writers_leave_whole_objects_and_a_store_that_works(
        self, opener: Opener
    ) -> None:
        store = opener()
        chance = random.Random(0)
        for victim in range(20):
            keys = kill_a_writer(opener, victim, chance)
            for key in keys:
                stored = store.load(key)
                assert stored is None or whole_number(stored.body) > 0
            assert store.create(f"after/{victim}", b"1") is not None
        stored = store.load(KEY)
        assert whole_number(stored.body) > 20
        assert store.replace(KEY, b"still works", stored.etag) is not None


# ---------------------------------------------------------------- what several do at once


def check_one_creates(opener: Opener, together: Together) -> None:
    answers = together(opener, create_in_rounds)
    for turn, etags in enumerate(zip(*answers, strict=True)):
        winners = [who for who, etag in enumerate(etags) if etag is not None]
        assert len(winners) == 1
        stored = opener().load(f"rounds/{turn}")
        assert stored == Stored(body_of(winners[0], turn), etags[winners[0]])


def create_in_rounds(store: Store, who: int) -> list[str | None]:
    return [store.create(f"rounds/{turn}", body_of(who, turn)) for turn in range(ROUNDS)]


def check_one_replaces(opener: Opener, together: Together) -> None:
    for turn in range(ROUNDS):
        opener().create(f"rounds/{turn}", b"old")
    answers = together(opener, replace_in_rounds)
    for turn, etags in enumerate(zip(*answers, strict=True)):
        winners = [who for who, etag in enumerate(etags) if etag is not None]
        assert len(winners) == 1
        stored = opener().load(f"rounds/{turn}")
        assert stored == Stored(body_of(winners[0], turn), etags[winners[0]])


def replace_in_rounds(store: Store, who: int) -> list[str | None]:
    # The ETag of a key of its own, with the same bytes: all start from what none has changed.
    etag = store.create(f"own/{who}", b"old")
    assert etag is not None
    return [store.replace(f"rounds/{turn}", body_of(who, turn), etag) for turn in range(ROUNDS)]


def body_of(who: int, turn: int) -> bytes:
    return f"{who} in round {turn}".encode()


def check_no_update_is_lost(opener: Opener, together: Together) -> None:
    opener().create(KEY, b"0")
    together(opener, count_up)
    assert opener().load(KEY).body == str(WORKERS * ROUNDS).encode()


def count_up(store: Store, who: int) -> None:
    done, tries = 0, 0
    while done < ROUNDS:
        stored = store.load(KEY)
        assert stored is not None
        done += store.replace(KEY, str(int(stored.body) + 1).encode(), stored.etag) is not None
        tries += 1
        assert tries < 1000, "nobody gets on"


def check_objects_are_whole(opener: Opener, together: Together) -> None:
    opener().create(KEY, whole_body(0))
    seen = together(opener, write_or_look)
    assert all(numbers == sorted(numbers) for numbers in seen), "an older object came back"


def write_or_look(store: Store, who: int) -> list[int]:
    """The numbers of the objects in the order they were seen in; the first worker writes them."""
    if who == 0:
        return write_numbers(store)
    numbers = [0]
    while numbers[-1] < 3 * ROUNDS:
        created = store.load(f"new/{numbers[-1] + 1}")
        assert created is None or whole_number(created.body) == numbers[-1] + 1
        replaced = store.load(KEY)
        assert replaced is not None
        numbers.append(whole_number(replaced.body))
    return numbers


def write_numbers(store: Store) -> list[int]:
    stored = store.load(KEY)
    assert stored is not None
    etag: str | None = stored.etag
    for number in range(1, 3 * ROUNDS + 1):
        assert store.create(f"new/{number}", whole_body(number)) is not None
        assert etag is not None
        etag = store.replace(KEY, whole_body(number), etag)
    return []


def whole_body(number: int) -> bytes:
    """200 KB, more or less, which tell their number and when a part is missing."""
    return f"{number:010d}".encode() * (20_000 + number * 7919 % 1000)


def whole_number(body: bytes) -> int:
    number = int(body[:10])
    assert body == whole_body(number), "a part of an object"
    return number


# ---------------------------------------------------------------- threads and processes


def in_threads(opener: Opener, work: Work) -> list[Any]:
    store = opener()
    start = threading.Barrier(WORKERS)

    def begin(who: int) -> Any:
        start.wait(timeout=10)
        return work(store, who)

    with ThreadPoolExecutor(WORKERS) as threads:
        return list(threads.map(begin, range(WORKERS)))


# Not fork: a process that has threads must not. A server that has imported what each would.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["pytest", __name__])


def in_processes(opener: Opener, work: Work, workers: int = WORKERS) -> list[Any]:
    """What each answered. Raises: what one of them raised, EOFError if one died."""
    pipes = [PROCESSES.Pipe() for _ in range(workers)]
    processes = [
        PROCESSES.Process(target=answer, args=(theirs, opener, work, who))
        for who, (_, theirs) in enumerate(pipes)
    ]
    for process, (_, theirs) in zip(processes, pipes, strict=True):
        process.start()
        theirs.close()  # so that the pipe ends with the process
    try:
        ready = [receive(ours) for ours, _ in pipes]
        assert ready == ["ready"] * workers
        for ours, _ in pipes:
            ours.send("go")
        answers = [receive(ours) for ours, _ in pipes]
    finally:
        for process, (ours, _) in zip(processes, pipes, strict=True):
            ours.close()
            process.join(timeout=10)
            process.kill()
    failed = next((answer for answer in answers if isinstance(answer, BaseException)), None)
    if failed is not None:
        raise failed
    return answers


def answer(pipe: Connection, opener: Opener, work: Work, who: int) -> None:
    store = opener()
    pipe.send("ready")
    pipe.recv()
    try:
        pipe.send(work(store, who))
    except BaseException as error:  # noqa: BLE001 -- raised in the test's own process
        pipe.send(error)


def receive(pipe: Connection) -> Any:
    assert pipe.poll(20), "no answer from the other process"
    return pipe.recv()


def kill_a_writer(opener: Opener, victim: int, chance: random.Random) -> list[str]:
    """The keys that a process has written, the last few perhaps in part, when it is killed."""
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=write_for_ever, args=(theirs, opener, victim))
    process.start()
    theirs.close()
    keys = [KEY, *(receive(ours) for _ in range(chance.randint(3, 6)))]
    time.sleep(chance.uniform(0, 0.003))  # a write takes one or two milliseconds
    process.kill()
    process.join(timeout=10)
    with suppress(EOFError, OSError):  # the end of what it told
        while True:
            keys.append(ours.recv())
    ours.close()
    return keys


def write_for_ever(pipe: Connection, opener: Opener, victim: int) -> None:
    store = opener()
    for number in count(1):
        key = f"victims/{victim}/{number}"
        pipe.send(key)
        store.create(key, whole_body(number))
        stored = store.load(KEY)
        if stored is None:
            store.create(KEY, whole_body(number))
        else:
            store.replace(KEY, whole_body(whole_number(stored.body) + 1), stored.etag)
