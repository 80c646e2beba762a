"""A poisonous feed hurts only itself: the queue, the clock and the function together.

The queue is SQS as far as it matters here: groups in order, one message of a group at a time,
visibility, receipts. A process that is killed does not answer, so its message comes again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest

from feedmirror.entrypoints.aws.messages import Due, group_of, refreshes
from feedmirror.ports import QueueMessage
from lambda_function import Context, Mailbox, Stage, record
from scene import NOON
from stores import Crash

TIMEOUT_S, VISIBILITY_S, REFRESH_S = 120, 720, 1
LIMIT = timedelta(minutes=12)
BAD = "poison"
GOOD = [s for s in (f"feed-{number}" for number in range(2_000)) if group_of(s) == group_of(BAD)]
FEEDS = (BAD, *GOOD[:97])  # the poisonous one first, so that nothing is done before


class Fifo(Mailbox):
    """A FIFO queue with a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[QueueMessage] = []
        self.receives: dict[QueueMessage, int] = {}
        self.visible_at: dict[QueueMessage, datetime] = {}

    def send(self, messages: Sequence[QueueMessage]) -> dict[QueueMessage, str]:
        self.waiting += [one for one in messages if (one.group, one.name) not in self.messages]
        return super().send(messages)

    def hold(self, receipt: str, seconds: int) -> str | None:
        self.held.append((receipt, seconds))
        return None


class World:
    """The function and its queue, until nothing is left to do."""

    def __init__(self) -> None:
        self.stage = Stage(FEEDS, threads=1)
        self.stage.origin.answers |= {feed.url: SMALL for feed in self.stage.feeds.values()}
        self.queue = self.stage.queue = Fifo()
        self.done_at: dict[str, datetime] = {}
        self.invocations = 0

    def run(self) -> None:
        """Deliver messages, one after the other as they are all of one group."""
        self.queue.send(list(refreshes([Due(slug) for slug in FEEDS], "t1")))
        while self.queue.waiting:
            message = self.queue.waiting[0]
            self.queue.receives[message] = self.queue.receives.get(message, 0) + 1
            assert self.queue.receives[message] <= 3, "SQS would make a dead letter of the batch"
            self.invocations += 1
            assert self.invocations < 300
            self._deliver(message)

    def _deliver(self, message: QueueMessage) -> None:
        attributes = {"ApproximateReceiveCount": str(self.queue.receives[message])}
        event = {"Records": [record(message.body, attributes=attributes)]}
        self.queue.held.clear()
        begun = self.stage.now
        try:
            answer = self.stage.invoke(event, Context(lambda: self._left_s(begun)))
        except Crash:
            _, seconds = self.queue.held[-1]
            self.stage.now = begun + timedelta(seconds=seconds)
            return
        self.stage.now = max(self.stage.now, begun + timedelta(seconds=REFRESH_S))
        self._note()
        if answer["batchItemFailures"]:
            self.stage.now += timedelta(seconds=VISIBILITY_S)
        else:
            self.queue.waiting.remove(message)

    def _left_s(self, begun: datetime) -> float:
        return TIMEOUT_S - (self.stage.now - begun).total_seconds()

    def _note(self) -> None:
        for slug in self.stage.mirrored():
            self.done_at.setdefault(slug, self.stage.now)


def raises(world: World) -> bytes:
    raise ZeroDivisionError("of all things")


def kills(world: World) -> bytes:
    raise Crash("the process is dead")


def hangs(world: World) -> bytes:
    """It uses up the time of the function, and never ends."""
    world.stage.now += timedelta(seconds=TIMEOUT_S)
    raise TimeoutError("cut short")


SMALL = b'<rss version="2.0"><channel><title>t</title><item><guid>1</guid></item></channel></rss>'


@pytest.mark.slow
@pytest.mark.row("O9")
@pytest.mark.parametrize("poison", [raises, hangs, kills])
def test_poisonous_feed_keeps_no_other_of_its_message_waiting_for_long(
    poison: Callable[[World], bytes],
) -> None:
    world = World()
    world.stage.origin.answers[world.stage.url(BAD)] = lambda: poison(world)
    world.run()
    assert set(world.done_at) == set(GOOD[:97])
    assert max(world.done_at.values()) - NOON <= LIMIT
    assert world.stage.dead_letters.slugs == [BAD]
