"""Dispatch and refresh of a whole fleet in this process: `python bench/fleet.py`.

The real functions over an in-memory store and queue, with the real client against origins on
loopback and the real parser, under the functions' defaults. All feeds are mirrored first; then an
interval of three ticks is dispatched and refreshed, in which some feeds have a new entry and all
others answer 304. README.md says more.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from jobs import MB
from origin import Origin

# What follows is found because of what jobs does.
# isort: split
from stage import PUBLIC_URL

from feedmirror.adapters.origin.client import HttpOrigin
from feedmirror.adapters.parser import WorkerParser
from feedmirror.entrypoints import telemetry
from feedmirror.entrypoints.aws.dispatch import DispatchFunction
from feedmirror.entrypoints.aws.environment import Environment, read_environment
from feedmirror.entrypoints.aws.mirror import MirrorFunction
from feedmirror.entrypoints.aws.resending import Resending
from feedmirror.mirror.deployment import Deployment
from feedmirror.model import Subscription
from feedmirror.ports import World
from feedmirror.refresh import refresh
from lambda_function import Context, Mailbox, record
from parsers import InProcessParser
from scene import NOON, document
from stores import CountingStore, MemoryStore

_PARSER_BYTES = 384 * MB  # of 512 MB, as the template gives it
_TICK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Spent:
    """Time of this process and its parser so far."""

    wall_s: float
    cpu_s: float

    @classmethod
    def now(cls) -> Spent:
        """Read the clocks."""
        used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return cls(time.monotonic(), sum(one.ru_utime + one.ru_stime for one in used))


class Fleet:
    """The feeds, what serves them, and the two functions."""

    def __init__(self, quiet: Origin, newsy: Origin, feeds: int, with_news: int) -> None:
        self.feeds = {
            slug: Subscription(
                slug, (newsy if number < with_news else quiet).url(slug), allow_private_hosts=True
            )
            for number, slug in enumerate(slugs(feeds))
        }
        self.now = NOON
        self.store = CountingStore(MemoryStore())
        self.queue, self.dead_letters = Mailbox(), Mailbox()
        self.log = telemetry.json_log()
        threads = _default_threads()
        environment = Environment("s3://bench", PUBLIC_URL, "build", self.feeds, threads, 1)
        self.dispatch = DispatchFunction(
            environment,
            self.queue,
            Mailbox,
            lambda: self.store,
            clock=lambda: self.now,
            log=self.log,
        )
        self.world = World(
            self.store,
            HttpOrigin(now=lambda: self.now),
            WorkerParser.with_limits({}, memory_bytes=_PARSER_BYTES),
            lambda: self.now,
            PUBLIC_URL,
            Deployment,
        )
        resending = Resending(self.queue, self.dead_letters, self.log)
        self.mirror = MirrorFunction(environment, self.world, None, resending, self.log)

    def mirror_all(self) -> None:
        """Mirror every feed for the first time, without a process for the parser."""
        world = World(
            self.store,
            self.world.origin,
            InProcessParser(),
            self.world.clock,
            PUBLIC_URL,
            Deployment,
        )
        for feed in self.feeds.values():
            refresh(feed, world)

    def tick(self) -> Iterator[int]:
        """Dispatch a tick; yield the number of feeds of each message, once it was handled."""
        self.now += _TICK
        self.dispatch.invoke({"tick": "5 minutes", "at": self.now.isoformat()}, Context(300.0))
        while self.queue.messages:
            _, message = self.queue.messages.popitem()
            answer = self.mirror.invoke({"Records": [record(message.body)]}, Context(120.0))
            if answer["batchItemFailures"]:
                sys.exit(f"a message failed: {answer}")
            yield len(json.loads(message.body)["feeds"])


def slugs(feeds: int) -> list[str]:
    """The names of the feeds."""
    return [f"feed-{number}" for number in range(feeds)]


def _default_threads() -> int:
    """As the function has it that is deployed."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder)
        (package / "feeds.toml").write_text('feeds.a.url = "https://a.example.org/"\n')
        (package / "build-id").write_text("1f")
        variables = {"FEEDMIRROR_STORE": "s3://bench", "FEEDMIRROR_PUBLIC_URL": PUBLIC_URL}
        return read_environment({"LAMBDA_TASK_ROOT": folder, **variables}).threads


def main() -> int:
    """Mirror, then measure an interval; the exit code."""
    parser = argparse.ArgumentParser(prog="fleet.py", description=__doc__)
    parser.add_argument("--feeds", type=int, default=10_000)
    parser.add_argument("--news", type=float, default=0.02, help="share of feeds with a new entry")
    options = parser.parse_args()
    with_news = int(options.feeds * options.news)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="feedmirror-bench-")))
        for version, body in enumerate((document(3, 2, 1), document(4, 3, 2, 1))):
            (folder / str(version)).mkdir()
            for slug in slugs(options.feeds):
                (folder / str(version) / slug).write_bytes(body)
        quiet, newsy = (stack.enter_context(Origin(folder)) for _ in range(2))
        for origin in (quiet, newsy):
            origin.serve(0, conditional=True)
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            fleet = Fleet(quiet, newsy, options.feeds, with_news)
            fleet.mirror_all()
            for _ in range(3):  # all are known to the index after that
                for _ in fleet.tick():
                    pass
        newsy.serve(1, conditional=True)
        quiet.serve(0, conditional=True)
        _report(fleet, quiet, newsy)
    return 0


def _report(fleet: Fleet, quiet: Origin, newsy: Origin) -> None:
    """Refresh the fleet once more, and print what it took."""
    fleet.store.reset()
    sizes: list[int] = []
    before = Spent.now()
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        for _ in range(3):
            sizes += fleet.tick()
    after = Spent.now()
    documents, spared = map(sum, zip(quiet.serve(0, conditional=True),
                                     newsy.serve(1, conditional=True), strict=True))  # fmt: skip
    counts = Counter(operation for operation, _ in fleet.store.operations)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"{len(fleet.feeds):,} feeds in three ticks, of {sum(sizes):,} in {len(sizes)} messages")
    print(f"origins: {documents:,} documents, {spared:,} times 304")
    print("store:", ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items())))
    print(f"given up: {len(fleet.dead_letters.messages)}")
    cpu_s, wall_s = after.cpu_s - before.cpu_s, after.wall_s - before.wall_s
    each_ms = 1000 * cpu_s / max(1, sum(sizes))
    print(f"wall {wall_s:.1f} s, CPU {cpu_s:.1f} s, {each_ms:.1f} ms a feed")
    print(f"peak {peak / MB:.0f} MB, the store in memory and the first mirror included")


if __name__ == "__main__":
    sys.exit(main())
