"""The promises, whatever happens in whatever order: a machine of the origin, the operator and fate.

`make torture` tries thousands of lives of a mirror.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from effort import amount
from feedmirror.errors import FetchError, Kind, StateError, StoreError
from feedmirror.layout import DEPLOYMENTS, FEED_INDEX
from feedmirror.mirror import archive, decide
from feedmirror.mirror.state import SKEW
from feedmirror.model import (
    Disclaimer,
    Fetched,
    NotModified,
    Outcome,
    Subscription,
    Validators,
)
from feedmirror.ports import Store, World
from feedmirror.rebuild import rebuild
from feedmirror.refresh import refresh
from feedmirror.site import publish_site
from named_records import NamedRecords
from page_reading import says_retired
from polling import Reader
from promises import HABITS, Promises, Said, spelled
from remembering import remember_renderings
from scene import (
    FEEDS,
    NOON,
    PUBLIC_URL,
    SUBSCRIPTION,
    URL,
    Answer,
    RememberingParser,
    Scene,
    StagedOrigin,
    document,
    newest,
)
from stores import (
    CountingStore,
    Crash,
    CrashingStore,
    FailingStore,
    MemoryStore,
    Turnstile,
    YieldingStore,
    replay,
)

EXAMPLES = amount(60, 5_000)
COPY = "https://copy.example.org/rss"
OTHER = Subscription("other", "https://other.example.org/rss")
WORDS = ("Not our words.", "Kept for its readers.", "A copy, as it was.")
PAGE = "public/news/index.html"
STATE = "state/news.json"

operations = st.integers(0, 25)
moments = st.sampled_from(["before", "after", "lost"])
replies = st.sampled_from(
    ["whole"] * 4
    + ["copy"] * 3
    + ["cut"] * 2
    + ["broken", "rotated", "login", "error", "wait", "304"]
)
schedules = st.lists(st.integers(0, 1), max_size=30)

Work = Callable[[Store], object]


class Mirror(RuleBasedStateMachine):
    """The life of one mirrored feed."""

    @initialize(
        page=st.integers(1, 3),
        more=st.integers(1, 2),
        keep=st.integers(1, 4),
        habit=st.sampled_from(HABITS),
        is_empty=st.booleans(),
    )
    def begin(self, page: int, more: int, keep: int, habit: str, is_empty: bool) -> None:
        self.habit = habit
        self.is_empty = is_empty  # the document at the origin, until something new is said there
        self.patches = pytest.MonkeyPatch()
        self.patches.setattr(archive, "PAGE_ENTRIES", page)
        self.patches.setattr(decide, "CHUNK", page + more)
        remember_renderings(self.patches)
        memory = MemoryStore()
        self.promises = Promises(memory, disclaimers=[WORDS[0]])
        self.store: Store = NamedRecords(Reader(memory, self.promises.judge))
        self.objects = memory.objects
        self.subscription = Subscription(
            "news", URL, (COPY,), disclaimer=Disclaimer(text=WORDS[0]), keep=keep
        )
        self.is_polled = True
        self.last: list[Said] = []  # of these is the document that was last read from `URL`
        self.before_copy: list[Said] = []  # the same, when a copy that is newer was read
        self.asked = 0
        self.now = NOON
        self.ran: set[datetime] = set()  # when anything ran
        self.said: Said = dict.fromkeys(range(5, 0, -1), 1)
        self.published: list[Said] = [self.listed]
        self.versions = dict(self.said)  # the largest that there ever was

    def teardown(self) -> None:
        if hasattr(self, "patches"):
            self.patches.undo()

    # ------------------------------------------------------------ the origin

    @property
    def listed(self) -> Said:
        """What the document at the origin has."""
        return {} if self.is_empty else self.said

    @rule()
    def origin_empties_or_fills_again(self) -> None:
        self.is_empty = not self.is_empty
        self.published.append(self.listed)

    @rule(count=st.integers(1, 7), drops=st.booleans())
    def origin_publishes(self, count: int, drops: bool) -> None:
        newest = max(self.versions)
        new = dict.fromkeys(range(newest + count, newest, -1), 1)
        self.versions |= new
        # A GUID of all entries is known for that by a document that has two with it.
        is_alone = drops and self.habit != "one GUID"
        self._says({**new, **({} if is_alone else self.said)})

    @rule(which=st.integers(0, 9), how=st.sampled_from(["edited", "as before"]))
    def origin_edits(self, which: int, how: str) -> None:
        newest_first = sorted(self.versions, reverse=True)
        number = newest_first[which % len(self.versions)]
        version = self.said.get(number, self.versions[number])
        if how == "edited":
            version = self.versions[number] = self.versions[number] + 1
        else:
            version = max(1, version - 1)
        self._says({**self.said, number: version})

    @rule(order=st.permutations(range(4)), count=st.integers(1, 4))
    def origin_reorders_and_drops(self, order: Sequence[int], count: int) -> None:
        numbers = list(self.said)
        count = 4 if self.habit == "one GUID" else count
        first = [numbers[at] for at in order if at < len(numbers)][:count]
        self._says({number: self.said[number] for number in first})

    def _says(self, said: Said) -> None:
        self.said = dict(list(said.items())[:12])
        self.is_empty = False
        self.published.append(self.said)

    # ------------------------------------------------------------ time, and the operator

    @rule(hours=st.sampled_from([0.1, 1, 5, 23, 47, 49, 80, 400]))
    def time_passes(self, hours: float) -> None:
        self.now += timedelta(hours=hours)

    @rule(hours=st.sampled_from([-400, -50, -3, 100]))
    def clock_jumps(self, hours: int) -> None:
        # Not to before what the origin says was published: such dates are not believed.
        self.now = max(self.now + timedelta(hours=hours), NOON)
        self.promises.clock_was_set(self.now)

    @rule(keep=st.integers(1, 5))
    def operator_keeps(self, keep: int) -> None:
        self.subscription = replace(self.subscription, keep=keep)

    @rule(text=st.sampled_from(WORDS))
    def operator_says(self, text: str) -> None:
        self.subscription = replace(self.subscription, disclaimer=Disclaimer(text=text))
        self.promises.disclaimers.append(text)

    @rule()
    def operator_retires_or_resumes(self) -> None:
        self.is_polled = not self.is_polled

    # ------------------------------------------------------------ what runs, undisturbed

    @precondition(lambda self: self.is_polled)
    @rule(reply=replies, which=st.integers(0, 9))
    def refresh_runs(self, reply: str, which: int) -> None:
        self._tick()
        copied = self.published[which % len(self.published)]
        answers = self._answers(reply, copied)
        outcome = self._refresh(self.store, answers)
        self._read(reply, outcome, copied)
        self._check_settled()
        store = CountingStore(self.store)
        self._refresh(store, answers)
        assert store.writes == [], "the same again is not nothing"

    @precondition(lambda self: self.is_polled and self._is_mirrored())
    @rule()
    def rebuild_runs(self) -> None:
        self._rebuild(self.store)
        self.promises.was_rebuilt()
        self._check_settled()
        # Where entries stand whose order the state and their records see differently, after the
        # state was lost or two first mirrors overlapped, shows only when all have left the window.
        self._rebuild(self.store)
        store = CountingStore(self.store)
        self._rebuild(store)
        assert store.writes == [DEPLOYMENTS, STATE], "one more rebuild is not nothing"

    @rule()
    def site_is_written(self) -> None:
        self._write_site(self.store)
        if {PAGE, STATE} <= self.objects.keys() and not self.is_polled:
            assert says_retired(self.objects[PAGE])

    @rule()
    def another_configuration_s_site_is_written(self) -> None:
        before = dict(self.objects)
        publish_site(self.store, [OTHER], PUBLIC_URL, self.now, newest)
        assert {k: b for k, b in self.objects.items() if "/news/" in k} == {
            k: b for k, b in before.items() if "/news/" in k
        }

    # ------------------------------------------------------------ what fate does

    @precondition(lambda self: self.is_polled)
    @rule(reply=replies, which=st.integers(0, 9), at=operations, moment=moments)
    def refresh_is_killed(self, reply: str, which: int, at: int, moment: str) -> None:
        self._tick()
        copied = self.published[which % len(self.published)]
        answers = self._answers(reply, copied)
        store = CrashingStore(self.store, at, moment)  # type: ignore[arg-type]
        try:
            outcome = self._refresh(store, answers)
        except (Crash, StoreError):
            outcome = None
        if outcome and not _store_failed(outcome):
            self._read(reply, outcome, copied)
        elif reply in _READ:
            self.promises.may_have_been_read(copied if reply == "copy" else self.listed)
            if reply == "copy":
                self.before_copy += self.last
            self.last.append(self.listed)

    @precondition(lambda self: self.is_polled and self._is_mirrored())
    @rule(at=operations, moment=moments)
    def rebuild_is_killed(self, at: int, moment: str) -> None:
        with contextlib.suppress(Crash, StoreError):
            self._rebuild(CrashingStore(self.store, at, moment))  # type: ignore[arg-type]

    @rule(at=operations, moment=moments)
    def site_s_writer_is_killed(self, at: int, moment: str) -> None:
        with contextlib.suppress(Crash, StoreError):
            self._write_site(CrashingStore(self.store, at, moment))  # type: ignore[arg-type]

    @precondition(lambda self: self.is_polled)
    @rule(schedule=schedules, edits=st.booleans(), which=st.integers(0, 9))
    def refreshes_overlap(self, schedule: list[int], edits: bool, which: int) -> None:
        self.now += timedelta(minutes=1)
        self._tick()
        first, before = self.listed, self.now - timedelta(minutes=1)
        self.origin_edits(which, "edited") if edits else self.origin_publishes(1, drops=False)
        old: dict[str, Answer] = {URL: spelled(first, self.habit), COPY: _FAILING}
        new: dict[str, Answer] = {URL: spelled(self.listed, self.habit), COPY: _FAILING}
        older, newer = self._overlap(
            schedule,
            lambda store: self._refresh(store, old, before),
            lambda store: self._refresh(store, new),
        )
        if has_read(older):
            self.promises.may_have_been_read(first)
            self.promises.owed |= first.keys()
            self.last.append(first)
        self._read("whole", newer)
        self._check_kept()

    @precondition(lambda self: self.is_polled and self._is_mirrored())
    @rule(schedule=schedules)
    def refresh_and_rebuild_overlap(self, schedule: list[int]) -> None:
        self._tick()
        answers = self._answers("whole")
        _, outcome = self._overlap(
            schedule, self._rebuild, lambda store: self._refresh(store, answers)
        )
        self.promises.was_rebuilt()
        self._read("whole", outcome)
        self._check_kept()

    @rule(schedule=schedules)
    def refresh_and_site_s_writer_overlap(self, schedule: list[int]) -> None:
        """If the feed was just retired, the refresh knows nothing of it yet."""
        self._tick()
        answers = self._answers("whole")
        _, outcome = self._overlap(
            schedule, self._write_site, lambda store: self._refresh(store, answers)
        )
        self._read("whole", outcome)

    @precondition(lambda self: self._is_mirrored() and not self.promises.is_lost)
    @rule()
    def state_is_lost(self) -> None:
        """Of a feed without entries nothing is left to rebuild it from: it begins anew."""
        del self.objects[STATE]
        if any("/entries/" in key for key in self.objects):
            self.promises.state_was_lost()

    def _overlap(self, schedule: list[int], *works: Work) -> tuple[Any, ...]:
        """What both came to."""

        def make(turnstile: Turnstile) -> tuple[None, list[Callable[[], object]]]:
            shared = YieldingStore(self.store, turnstile)
            return None, [lambda work=work: work(shared) for work in works]  # type: ignore[misc]

        run = replay(make, schedule)
        assert not any(run.errors), str(run)
        return run.results

    # ------------------------------------------------------------ whatever happened

    @invariant()
    def promises_hold(self) -> None:
        if hasattr(self, "promises"):
            self.promises.check_always(self.now)

    def _check_kept(self) -> None:
        if PAGE in self.objects and not self.promises.is_lost:
            self.promises.check_kept(self.subscription.disclaimer.text or "")

    def _check_settled(self) -> None:
        self._check_kept()
        if PAGE in self.objects and not self.promises.is_lost:
            assert not says_retired(self.objects[PAGE])

    # ------------------------------------------------------------ what is done

    def _is_mirrored(self) -> bool:
        """True if there is something to rebuild the feed from."""
        return bool(self.promises.owed) or {PAGE, STATE} <= self.objects.keys()

    def _tick(self) -> None:
        """A minute goes by; more if a run was ahead by less than overlapping runs may differ by."""
        self.now += timedelta(minutes=1)
        while ahead := [then for then in self.ran if self.now < then <= self.now + SKEW]:
            self.now = max(ahead) + timedelta(minutes=1)

    def _answers(self, reply: str, copied: Said | None = None) -> dict[str, Answer]:
        document = spelled(self.listed, self.habit)
        self.asked += 1
        answers: dict[str, Answer] = {
            "whole": document,
            "copy": _FAILING,
            "broken": document.replace(b"</channel>", b"<image><url>x</image></channel>"),
            "rotated": Fetched(URL, document, None, Validators(f'"{self.asked}"')),
            "cut": document[: len(document) * 2 // 3],
            "login": b"<!doctype html><title>Log in</title><form></form>",
            "error": _FAILING,
            "wait": FetchError(Kind.SERVER, "503", status=503, retry_after_s=7200),
            "304": NotModified(URL),
        }
        is_copied = copied is not None and reply == "copy"
        copy = spelled(copied or {}, self.habit) if is_copied else _FAILING
        return {URL: answers[reply], COPY: copy}

    def _refresh(
        self, store: Store, answers: dict[str, Answer], now: datetime | None = None
    ) -> Outcome:
        moment = now or self.now
        self.ran.add(moment)
        origin = StagedOrigin(answers)
        world = World(store, origin, RememberingParser(), lambda: moment, PUBLIC_URL, newest)
        try:
            return refresh(self.subscription, world)
        except StateError:
            assert self.promises.is_lost
            return Outcome("news", "failed")

    def _rebuild(self, store: Store) -> object:
        self.ran.add(self.now)
        return rebuild(self.subscription, store, PUBLIC_URL, self.now)

    def _write_site(self, store: Store) -> object:
        self.ran.add(self.now)
        feed = replace(self.subscription, retired=not self.is_polled)
        return publish_site(store, [OTHER, feed], PUBLIC_URL, self.now, newest)

    def _read(self, reply: str, outcome: Outcome, copied: Said | None = None) -> None:
        """Tell the promises what an undisturbed run has read."""
        if not has_read(outcome):
            return
        if reply in {"whole", "broken", "rotated"}:
            self._read_whole(outcome)
        elif reply == "cut":
            self.promises.may_have_been_read(self.listed)
        elif reply == "copy" and copied and self._is_known_to_lag(copied):
            self.promises.added(copied)
        elif copied and reply == "copy":
            self.promises.may_have_been_read(copied)
            self.promises.owed |= copied.keys()
            self.before_copy = self.last

    def _is_known_to_lag(self, copied: Said) -> bool:
        """Whoever has lost the state cannot tell."""
        return max(copied, default=0) <= self.promises.newest and not self.promises.is_lost

    def _read_whole(self, outcome: Outcome) -> None:
        # What a copy has said already says nothing new; what changes too often waits.
        if self.listed in self.before_copy or outcome.held:
            self.promises.may_have_been_read(self.listed)
            self.promises.owed |= self.listed.keys()
        else:
            self.promises.was_read(self.listed)
            self.before_copy = []
        self.last = [self.listed]


def has_read(outcome: Outcome) -> bool:
    """Whether the run got anything to read."""
    return outcome.outcome not in {"failed", "waiting"}


def _store_failed(outcome: Outcome) -> bool:
    """Whether the store failed a run that may have committed what it read."""
    return outcome.failure is not None and outcome.failure.kind == Kind.STORE.value


_READ = frozenset({"whole", "broken", "rotated", "copy", "cut"})
_FAILING = FetchError(Kind.TIMEOUT, "no answer")

LIVES = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.slow
@pytest.mark.row("C4", "S1", "S5", "S7", "U1", "U2", "U3", "U5")
def test_promises_hold_whatever_happens_in_whatever_order() -> None:
    run_state_machine_as_test(Mirror, settings=LIVES)


# ---------------------------------------------------------------- what it has found


def _archived(*numbers: int) -> tuple[Scene, Reader]:
    """A mirror with these entries, the newest public and the others in pages, and its reader."""
    memory = MemoryStore()
    scene = Scene(document(*numbers), Reader(memory), replace(SUBSCRIPTION, keep=1))
    scene.refresh()
    assert isinstance(scene.store, Reader)
    return scene, scene.store


@pytest.mark.row("U1")
def test_page_that_rebuild_writes_again_links_to_the_next_only_when_that_is_there(
    small_pages: None,
) -> None:
    scene, reader = _archived(3, 2, 1)
    scene.later(days=3)
    scene.says(document(5, 4, 3))
    scene.configure(keep=3)
    scene.refresh()
    assert len(scene.history()) == 2
    scene.later(days=3)
    scene.configure(keep=1)
    rebuild(scene.subscription, reader, PUBLIC_URL, scene.now)
    for name in FEEDS:
        assert [len(seen.titles) for seen in scene.history(name)] == [1, 2, 2]
    assert scene.history()[2].links["next-archive"] == scene.history()[1].address


@pytest.mark.row("S7", "U1")
def test_page_that_is_archived_again_after_the_state_was_lost_links_to_what_is_there(
    small_pages: None,
) -> None:
    scene, _ = _archived(3, 2, 1)
    scene.says(document(5, 4, 3, 2, 1))
    scene.begin_anew()
    for name in FEEDS:
        assert [len(seen.titles) for seen in scene.history(name)] == [1, 2, 2]
    assert scene.history()[2].links["next-archive"] == scene.history()[1].address


def test_what_a_document_that_was_cut_off_made_public_stays_for_48_hours(small_pages: None) -> None:
    whole = document(*range(6, 0, -1))
    scene = Scene(whole[: len(whole) * 4 // 5], subscription=replace(SUBSCRIPTION, keep=2))
    scene.refresh()
    public = scene.history()[0].titles
    assert public
    scene.later(hours=47)
    scene.says(document(*range(9, 0, -1)))
    scene.refresh()
    assert set(public) <= set(scene.history()[0].titles)


@pytest.mark.row("U5")
def test_document_that_is_cut_off_at_every_poll_is_written_down_at_none() -> None:
    whole = document(*range(9, 0, -1))
    scene = Scene(whole, CountingStore(MemoryStore()))
    scene.refresh()
    scene.says(whole[: len(whole) * 2 // 3])
    for _ in range(3):
        scene.later(days=2)
        assert isinstance(scene.store, CountingStore)
        scene.store.reset()
        assert scene.refresh().outcome == "unchanged"
        assert scene.store.writes == []


@pytest.mark.row("S1")
@pytest.mark.parametrize("at", range(16))
def test_feed_that_is_retired_after_a_killed_run_says_so_though_it_was_retired_before(
    at: int,
) -> None:
    scene = Scene(document(2, 1), memory := MemoryStore())
    scene.refresh()
    retired = replace(SUBSCRIPTION, retired=True)
    publish_site(memory, [retired], PUBLIC_URL, NOON, newest)
    scene.says(document(3, 2, 1))
    with contextlib.suppress(Crash):
        scene.refresh(store=CrashingStore(memory, at, "after"))
    publish_site(memory, [retired], PUBLIC_URL, NOON, newest)
    assert says_retired(memory.objects[PAGE])
    counting = CountingStore(memory)
    assert publish_site(counting, [retired], PUBLIC_URL, NOON, newest).published == ()
    assert set(counting.writes) <= {FEED_INDEX}  # with the state that the run before has written
    counting.reset()
    publish_site(counting, [retired], PUBLIC_URL, NOON, newest)
    assert counting.writes == []


@pytest.mark.row("S1", "S7", "U3")
def test_pages_of_a_rebuild_that_was_killed_give_way_to_the_next_refresh() -> None:
    scene = Scene(document(2, 1), memory := MemoryStore())
    scene.refresh()
    (entry_page,) = (key for key in memory.objects if b">Entry 2</h1>" in memory.objects[key])
    scene.says(FetchError(Kind.TIMEOUT, "no answer"))
    scene.begin_anew()  # which makes a state that knows nothing
    scene.configure(disclaimer=Disclaimer(text=WORDS[1]))
    killed = FailingStore(memory, lambda operation, key: operation != "load" and "state" in key)
    with pytest.raises(StoreError):
        rebuild(scene.subscription, killed, PUBLIC_URL, scene.now)
    assert WORDS[1].encode() in memory.objects[entry_page]
    scene.later(hours=1)
    scene.says(document(2, 1, e2="<p>edited</p>"))
    scene.refresh()
    assert b"<p>edited</p>" in memory.objects[entry_page]


@pytest.mark.row("S7", "U1")
def test_pages_that_rebuild_writes_link_to_pages_that_are_there_already() -> None:
    """Of entries too that a run had stored and not published when the state was lost."""
    scene, reader = _archived(2, 1)
    scene.later(hours=1)
    scene.says(document(4, 3, 2))
    failing = FailingStore(reader, lambda _, key: "public/news/entries" in key)
    assert scene.refresh(store=failing).failure is not None
    scene.later(hours=1)
    scene.says(document(6, 5))
    scene.begin_anew()
    rebuild(scene.subscription, reader, PUBLIC_URL, scene.now)
    assert len(scene.history()[0].titles) == 6
