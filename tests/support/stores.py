"""Stores for tests: one in memory, and others around any store that count, fail, die or wait.

They nest: `CountingStore(CrashingStore(MemoryStore(), at=3, moment="after"))`. The lower half of
the file runs several actors on one store through every order of their operations.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import re
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from feedmirror.errors import StoreError
from feedmirror.layout import split_key, split_prefix
from feedmirror.ports import Listed, Store, Stored

T = TypeVar("T")
S = TypeVar("S")


class MemoryStore:
    """A store in a dict, for any number of threads."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.media_types: dict[str, str] = {}
        self._lock = threading.Lock()

    def load(self, key: str) -> Stored | None:
        split_key("load", key)
        body = self.objects.get(key)
        return None if body is None else Stored(body, _etag(body))

    def create(self, key: str, body: bytes, media_type: str = "application/json") -> str | None:
        split_key("create", key)
        with self._lock:
            if key in self.objects:
                return None
            return self._put(key, body, media_type)

    def replace(
        self, key: str, body: bytes, etag: str, media_type: str = "application/json"
    ) -> str | None:
        split_key("replace", key)
        with self._lock:
            if key not in self.objects or _etag(self.objects[key]) != etag:
                return None
            return self._put(key, body, media_type)

    def keys(self, prefix: str = "") -> Iterator[str]:
        split_prefix(prefix)
        return iter(sorted(key for key in self.objects if key.startswith(prefix)))

    def listed(self, prefix: str) -> Iterator[Listed]:
        return (Listed(key, _etag(self.objects[key])) for key in self.keys(prefix))

    def folders(self, prefix: str = "") -> Iterator[str]:
        below = (key.removeprefix(prefix) for key in self.keys(prefix))
        return iter(dict.fromkeys(path.split("/")[0] for path in below if "/" in path))

    def _put(self, key: str, body: bytes, media_type: str) -> str:
        self.objects[key] = bytes(body)
        self.media_types[key] = media_type
        return _etag(body)


def _etag(body: bytes) -> str:
    # Quoted, as S3 has them, so that nobody takes it for a digest of the body.
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


class _Around:
    """A store around another; its operations go through `_pass`, which a subclass replaces."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner

    def load(self, key: str) -> Stored | None:
        return self._pass("load", key, lambda: self.inner.load(key))

    def create(self, key: str, body: bytes, media_type: str = "application/json") -> str | None:
        return self._pass("create", key, lambda: self.inner.create(key, body, media_type))

    def replace(
        self, key: str, body: bytes, etag: str, media_type: str = "application/json"
    ) -> str | None:
        return self._pass("replace", key, lambda: self.inner.replace(key, body, etag, media_type))

    def keys(self, prefix: str = "") -> Iterator[str]:
        return self._pass("keys", prefix, lambda: self.inner.keys(prefix))

    def listed(self, prefix: str) -> Iterator[Listed]:
        return self._pass("listed", prefix, lambda: self.inner.listed(prefix))

    def folders(self, prefix: str = "") -> Iterator[str]:
        return self._pass("folders", prefix, lambda: self.inner.folders(prefix))

    def _pass(self, operation: str, key: str, perform: Callable[[], T]) -> T:
        raise NotImplementedError


class CountingStore(_Around):
    """Remembers what was attempted, whether it succeeded or not."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.reset()

    def reset(self) -> None:
        self.operations: list[tuple[str, str]] = []  # (name, key), in order
        self.loads: list[str] = []  # keys
        self.creates: list[str] = []
        self.replaces: list[str] = []
        self.listings: list[str] = []  # prefixes

    @property
    def writes(self) -> list[str]:
        return self.creates + self.replaces

    def _pass(self, operation: str, key: str, perform: Callable[[], T]) -> T:
        self.operations.append((operation, key))
        kinds = {"load": self.loads, "create": self.creates, "replace": self.replaces}
        kinds.get(operation, self.listings).append(key)
        return perform()


class Crash(BaseException):
    """The process is dead. No `Exception`, so nothing in the program can handle it."""


class CrashingStore(_Around):
    """The process dies, or an answer gets lost, at operation number `at` (from 0).

    "before": it dies and the operation is not done. "after": it is done, then the process dies.
    "lost": a write is done, but its caller gets a StoreError (a load is answered as usual).
    """

    def __init__(self, inner: Store, at: int, moment: Literal["before", "after", "lost"]) -> None:
        super().__init__(inner)
        self.at = at
        self.moment = moment
        self.count = 0  # operations so far, those of a dead process left out
        self.fired = False  # False in the end: the program has fewer operations than `at`

    def _pass(self, operation: str, key: str, perform: Callable[[], T]) -> T:
        if self.fired and self.moment != "lost":
            raise Crash(f"{operation} {key!r}: the process is dead")
        number, self.count = self.count, self.count + 1
        if number != self.at or (self.moment == "lost" and operation == "load"):
            return perform()
        self.fired = True
        if self.moment != "before":
            perform()
        if self.moment == "lost":
            raise StoreError(f"{operation} {key!r}: response lost")
        raise Crash(f"{self.moment} {operation} {key!r}")


class FailingStore(_Around):
    """Raises StoreError, and does nothing, where `predicate(operation, key)` is true."""

    def __init__(self, inner: Store, predicate: Callable[[str, str], bool]) -> None:
        super().__init__(inner)
        self.predicate = predicate

    def _pass(self, operation: str, key: str, perform: Callable[[], T]) -> T:
        if self.predicate(operation, key):
            raise StoreError(f"{operation} {key!r}: made to fail")
        return perform()


class VirtualStore(_Around):
    """Pretends that a feed has `archived` entries: taken keys, with nothing stored for them."""

    def __init__(self, inner: Store, archived: int, slug: str) -> None:
        super().__init__(inner)
        self.archived = archived
        self.slug = slug
        self.entry_loads: list[str] = []  # keys of entries, archived or not, that were loaded
        self._entry = re.compile(
            rf"data/{re.escape(slug)}/entries/([0-9a-f]+)/([0-9a-f]+)\.0\.json"
        )

    def archived_key(self, number: int) -> str:
        """The key of an entry of the archive; `number` counts from 0."""
        assert 0 <= number < self.archived
        return f"data/{self.slug}/entries/{number:032x}/{number:032x}.0.json"

    def load(self, key: str) -> Stored | None:
        if self._entry.fullmatch(key):
            self.entry_loads.append(key)
        if self._is_archived(key):
            return Stored(b"{}", _etag(b"{}"))
        return self.inner.load(key)

    def create(self, key: str, body: bytes, media_type: str = "application/json") -> str | None:
        if self._is_archived(key):
            return None
        return self.inner.create(key, body, media_type)

    def replace(
        self, key: str, body: bytes, etag: str, media_type: str = "application/json"
    ) -> str | None:
        assert not self._is_archived(key), f"a stored entry is never written again: {key}"
        return self.inner.replace(key, body, etag, media_type)

    def keys(self, prefix: str = "") -> Iterator[str]:
        return self.inner.keys(prefix)

    def listed(self, prefix: str) -> Iterator[Listed]:
        return self.inner.listed(prefix)

    def folders(self, prefix: str = "") -> Iterator[str]:
        return self.inner.folders(prefix)

    def _is_archived(self, key: str) -> bool:
        found = self._entry.fullmatch(key)
        return found is not None and int(found[1], 16) == int(found[2], 16) < self.archived


# ---------------------------------------------------------------- every order of operations

STUCK_S = 10.0  # an actor that reaches no operation for so long waits for another one


class Turnstile:
    """Lets one actor at a time go on to its next operation; `explore` and its kin make it.

    Operations of other threads, such as those of a test before and after, pass freely. The turn
    goes from actor to actor without a scheduler's thread between them: that is what makes it fast.
    """

    def __init__(self, choose: Choose, lore: Lore | None = None) -> None:
        self.steps: list[tuple[int, str]] = []  # (actor, operation)
        self.over = _shut()  # opens when no actor is left, or at a failure
        self.failure: BaseException | None = None
        self._choose = choose
        self._lore = lore
        self._actors: list[_Actor] = []

    @property
    def place(self) -> tuple[int, ...]:
        """Where the run is: all that each actor has been told, by a number."""
        return tuple(actor.told for actor in self._actors)

    def wait(self, operation: str, key: str) -> None:
        """Returns when it is this actor's turn."""
        for actor in self._actors:
            if actor.thread is threading.current_thread():
                actor.next = f"{operation} {key}"
                self.pass_on(actor)

    def tell(self, operation: str, key: str, answer: Hashable) -> None:
        """This actor learns what became of its operation."""
        for actor in self._actors:
            if self._lore is not None and actor.thread is threading.current_thread():
                actor.told = self._lore.setdefault(
                    (actor.told, operation, key, answer), len(self._lore) + 1
                )

    def run(self, works: Sequence[Callable[[], object]]) -> list[_Actor]:
        """The actors, when all are done. Raises: AssertionError where one never will be."""
        self._actors = [_Actor(work, self) for work in works]
        try:
            for actor in self._actors:
                actor.thread.start()
            self.pass_on(None)
            if not self.over.acquire(timeout=STUCK_S):
                raise AssertionError(f"an actor is stuck after {self.steps}")
            if self.failure is not None:
                raise self.failure
        finally:
            for actor in self._actors:
                actor.end()
        return self._actors

    def pass_on(self, actor: _Actor | None) -> None:
        """Lets the next actor go on, and returns when it is `actor`'s turn again."""
        if actor is not None and actor.abandoned:
            raise _Abandoned
        try:
            chosen = self._next()
        except BaseException as error:  # noqa: BLE001 -- raised where `run` was called
            self.failure, chosen = error, None
        if chosen is actor:
            return
        (chosen.gate if chosen else self.over).release()
        if actor is not None and not actor.done:
            actor.pause()

    def _next(self) -> _Actor | None:
        for actor in self._actors:
            if not actor.next and not actor.done:
                return actor  # first, each goes to where it waits
        ready = [who for who, actor in enumerate(self._actors) if not actor.done]
        if not ready:
            return None
        who = self._choose(ready, self.place)
        self.steps.append((who, self._actors[who].next))
        return self._actors[who]


class YieldingStore(_Around):
    """Waits at a turnstile before every operation; actors may share one or have one each."""

    def __init__(self, inner: Store, turnstile: Turnstile) -> None:
        super().__init__(inner)
        self.turnstile = turnstile

    def keys(self, prefix: str = "") -> Iterator[str]:
        return iter(self._pass("keys", prefix, lambda: tuple(self.inner.keys(prefix))))

    def listed(self, prefix: str) -> Iterator[Listed]:
        return iter(self._pass("listed", prefix, lambda: tuple(self.inner.listed(prefix))))

    def folders(self, prefix: str = "") -> Iterator[str]:
        return iter(self._pass("folders", prefix, lambda: tuple(self.inner.folders(prefix))))

    def _pass(self, operation: str, key: str, perform: Callable[[], T]) -> T:
        self.turnstile.wait(operation, key)
        try:
            done = perform()
        except StoreError as error:
            self.turnstile.tell(operation, key, str(error))
            raise
        self.turnstile.tell(operation, key, done)
        return done


@dataclass(frozen=True, slots=True)
class Run(Generic[S]):
    """What came of one schedule; `str()` tells it step by step, for a failed assertion."""

    store: S  # what `make_actors` returned first
    schedule: tuple[int, ...]  # which actor performed its next operation; `replay` takes it
    trace: tuple[str, ...]  # the operation of each step
    results: tuple[object, ...]  # of each actor, None where it raised
    errors: tuple[BaseException | None, ...]  # of each actor

    def __str__(self) -> str:
        steps = [f"  {who}: {what}" for who, what in zip(self.schedule, self.trace, strict=True)]
        ends = [f"  {who} raised {error!r}" for who, error in enumerate(self.errors) if error]
        return "\n".join([f"schedule {self.schedule}", *steps, *ends])


MakeActors = Callable[[Turnstile], tuple[S, Sequence[Callable[[], object]]]]
"""Makes a fresh store and the actors on it, for each schedule anew."""

Choose = Callable[[list[int], tuple[int, ...]], int]
"""Picks the actor of the next step from those that have one, knowing the place."""

Lore = dict[tuple[int, str, str, Hashable], int]
"""A number for all that an actor was told: what it had been told before, an operation, its answer.
"""


def explore(
    make_actors: MakeActors[S],
    max_schedules: int = 10_000,
    max_preemptions: int | None = None,
    *,
    merging: bool = False,
) -> Iterator[Run[S]]:
    """Every schedule, depth first: as it ends, with one actor after the other.

    `max_preemptions` leaves out schedules that interrupt an actor more often; most faults need
    one or two. Raises: AssertionError after `max_schedules` if there are more.

    With `merging`, a schedule is given up where it comes to a place from which others have been
    followed. What an actor does depends on nothing but what its operations have answered; and
    every write is conditional, so the answers to all of them say what lies in the store: the
    writes of a key form a chain, each on the ETag of the one before. So where all actors have been
    told the same, all that can follow is the same. (Two operations that do not touch the same key
    give the same answers in both orders; so this is what partial-order reduction does, and more.)
    It does not hold for actors that share anything but the store.
    """
    path = _Path(max_preemptions, {} if merging else None)
    for _ in range(max_schedules):
        with contextlib.suppress(_Merged):
            yield _perform(make_actors, path.choose, path.lore)
        if not path.turn():
            return
    raise AssertionError(f"more than {max_schedules} schedules: bound preemptions, or sample")


def sample(make_actors: MakeActors[S], count: int, seed: int = 0) -> Iterator[Run[S]]:
    """`count` schedules by chance, the same for the same seed."""
    chance = random.Random(seed)
    for _ in range(count):
        yield _perform(make_actors, lambda ready, _: chance.choice(ready))


def replay(make_actors: MakeActors[S], schedule: Sequence[int]) -> Run[S]:
    """The run of one schedule; steps of actors that are done are skipped, and at its end the
    rest run one after the other."""
    steps = iter(schedule)
    return _perform(
        make_actors, lambda ready, _: next((who for who in steps if who in ready), ready[0])
    )


def interleavings(counts: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Every order in which actor i takes `counts[i]` steps, in lexical order."""
    if not any(counts):
        yield ()
    for who, count in enumerate(counts):
        if count:
            rest = [*counts[:who], count - 1, *counts[who + 1 :]]
            yield from ((who, *steps) for steps in interleavings(rest))


_FICKLE = "the actors do not do the same thing each time"


@dataclass(slots=True)
class _Path:
    """The way to a leaf of the tree of schedules, and on to the next one."""

    max_preemptions: int | None
    lore: Lore | None  # None: nothing is merged
    seen: dict[tuple[object, ...], int] = field(default_factory=dict)  # fewest preemptions there
    taken: list[int] = field(default_factory=list)
    untried: list[list[int]] = field(default_factory=list)  # at each step
    depth: int = 0
    preemptions: int = 0

    def choose(self, ready: list[int], place: tuple[int, ...]) -> int:
        last = self.taken[self.depth - 1] if self.depth else None
        interrupts = last in ready  # to take another one now
        if self.depth == len(self.taken):
            if self.lore is not None:
                self._merge(place, last if interrupts else None)
            self._grow(last if interrupts else None, ready)
        who = self.taken[self.depth]
        assert who in ready, _FICKLE
        self.preemptions += interrupts and who != last
        self.depth += 1
        return who

    def _merge(self, *where: object) -> None:
        """Raises: _Merged, unless more can follow from here than from where it is like here."""
        if self.seen.get(where, self.preemptions + 1) <= self.preemptions:
            raise _Merged
        self.seen[where] = self.preemptions

    def _grow(self, last: int | None, ready: list[int]) -> None:
        options = sorted(ready, key=lambda who: who != last)
        if last is not None and self.preemptions == self.max_preemptions:
            options = [last]
        self.taken.append(options[0])
        self.untried.append(options[:0:-1])

    def turn(self) -> bool:
        """Turns to the next leaf, if there is one."""
        assert self.depth == len(self.taken), _FICKLE
        while self.untried and not self.untried[-1]:
            self.untried.pop()
            self.taken.pop()
        self.depth = self.preemptions = 0
        if self.untried:
            self.taken[-1] = self.untried[-1].pop()
        return bool(self.untried)


class _Merged(BaseException):
    """Ends a run that goes on like one that has been."""


class _Abandoned(BaseException):
    """Ends an actor whose run is over before it is."""


class _Actor:
    """A thread that runs only when it is let, from one operation to the next."""

    def __init__(self, work: Callable[[], object], turnstile: Turnstile) -> None:
        self.next = ""  # the operation it waits before
        self.done = False
        self.abandoned = False
        self.told = 0  # by the turnstile's lore
        self.result: object = None
        self.error: BaseException | None = None
        self.gate = _shut()
        self.thread = threading.Thread(target=self._run, args=(work, turnstile), daemon=True)

    def pause(self) -> None:
        if not self.abandoned:
            self.gate.acquire()
        if self.abandoned:
            raise _Abandoned

    def end(self) -> None:
        """Sees to it that no thread stays, but for one that is stuck for good."""
        self.abandoned = True
        if not self.done:
            self.gate.release()
        if self.thread.ident is not None:
            self.thread.join(timeout=1)

    def _run(self, work: Callable[[], object], turnstile: Turnstile) -> None:
        try:
            self.pause()
            self.result = work()
        except BaseException as error:  # noqa: BLE001 -- a Crash too is a result here
            self.error = error
        self.done = True
        if not self.abandoned:
            turnstile.pass_on(self)


def _perform(make_actors: MakeActors[S], choose: Choose, lore: Lore | None = None) -> Run[S]:
    turnstile = Turnstile(choose, lore)
    store, works = make_actors(turnstile)
    actors = turnstile.run(works)
    return Run(
        store,
        tuple(who for who, _ in turnstile.steps),
        tuple(what for _, what in turnstile.steps),
        tuple(actor.result for actor in actors),
        tuple(actor.error for actor in actors),
    )


def _shut() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock
