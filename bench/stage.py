"""The real function and pipeline in this process, over a store that counts and a staged origin."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
from jobs import ENTRIES

# What follows is found because of what jobs does.
# isort: split
from bigfeed import big_feed
from feedmirror.entrypoints import telemetry
from feedmirror.entrypoints.aws.environment import Environment
from feedmirror.entrypoints.aws.messages import Refreshes
from feedmirror.entrypoints.aws.mirror import MirrorFunction
from feedmirror.errors import FetchError, Kind
from feedmirror.mirror.deployment import Deployment
from feedmirror.mirror.feed_index import Known
from feedmirror.model import Subscription
from feedmirror.ports import World
from feedmirror.storage.feed_index import survey_feeds
from parsers import InProcessParser
from scene import NOON, StagedOrigin
from stores import CountingStore, MemoryStore

PUBLIC_URL = "https://feeds.example.org"
_HOURLY = re.compile(rb"<sy:.*</sy:\w+>", re.DOTALL)
# Real ones wait for their origins, and then have three digits.
_DURATION = re.compile(r'("duration_ms":\s*)[0-9]+')


def eager_feed(seed: int, version: int) -> bytes:
    """A usual feed, but one that does not ask to be polled once an hour only, as WordPress's do.

    So it costs what a feed can cost that is polled as often as is configured.
    """
    return _HOURLY.sub(b"", big_feed(ENTRIES, seed=seed, first=version))


class Context:
    """An invocation with all the time there is."""

    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@dataclass(frozen=True, slots=True)
class Count:
    """What one invocation came to."""

    reads: int
    writes: int
    listings: int
    feed_lines: tuple[str, ...]
    other_lines: tuple[str, ...]
    answer: Mapping[str, object]
    cpu_s: float

    @property
    def log_bytes(self) -> int:
        """Of the lines about feeds."""
        return sum(len(line.encode()) for line in self.feed_lines)

    @property
    def metrics(self) -> int:
        """How many custom metrics are in the other lines."""
        blocks = [json.loads(line).get("_aws") for line in self.other_lines]
        listed = (block["CloudWatchMetrics"] for block in blocks if block)
        return sum(len(one["Metrics"]) for several in listed for one in several)


@dataclass(slots=True)
class Stage:
    """The function over a store that counts, with some feeds and a clock of its own."""

    feeds: int = 1
    now: datetime = NOON
    version: int = 0
    store: CountingStore = field(init=False)
    memory: MemoryStore = field(init=False, default_factory=MemoryStore)
    origin: StagedOrigin = field(init=False)
    subscriptions: dict[str, Subscription] = field(init=False)

    def __post_init__(self) -> None:
        self.store = CountingStore(self.memory)
        slugs = [f"news-{number}" for number in range(self.feeds)]
        self.subscriptions = {
            slug: Subscription(slug, f"https://{slug}.example.org/feed.xml") for slug in slugs
        }
        self.origin = StagedOrigin({})
        self.publish(0)

    def publish(self, version: int) -> None:
        """The origins' documents from now on: one more entry for each version."""
        self.version = version
        for seed, feed in enumerate(self.subscriptions.values()):
            self.origin.answers[feed.url] = eager_feed(seed, version)

    def fail(self) -> None:
        """The origins answer no more."""
        for feed in self.subscriptions.values():
            self.origin.answers[feed.url] = FetchError(Kind.TIMEOUT, "no answer within 30 s")

    def poll(self, **later: float) -> Count:
        """One invocation for all feeds, so much later; as messages of a queue."""
        self.now += timedelta(**later)
        indexed = survey_feeds(self.memory, self.now).feeds  # as dispatch does
        feeds = {s: indexed[s].known if s in indexed else None for s in self.subscriptions}
        self.store.reset()
        said = io.StringIO()
        with redirect_stderr(said), redirect_stdout(said):
            began_s = time.process_time()
            answer = self._function().invoke(batch(feeds), Context())
            cpu_s = time.process_time() - began_s
        lines = [_DURATION.sub(r"\g<1>450", line) for line in said.getvalue().splitlines()]
        about_feeds = [f'"{telemetry.FEED_REFRESHED}"' in line for line in lines]
        return Count(
            len(self.store.loads),
            len(self.store.writes),
            len(self.store.listings),
            tuple(line for line, is_feed in zip(lines, about_feeds, strict=True) if is_feed),
            tuple(line for line, is_feed in zip(lines, about_feeds, strict=True) if not is_feed),
            answer,
            cpu_s,
        )

    def _function(self) -> MirrorFunction:
        world = World(
            self.store, self.origin, InProcessParser(), lambda: self.now, PUBLIC_URL, Deployment
        )
        environment = Environment("s3://bench", PUBLIC_URL, "build", self.subscriptions, 10, 1)
        return MirrorFunction(environment, world, None, None, telemetry.json_log())

    def bytes_of(self, matches: Callable[[str], bool]) -> list[bytes]:
        """The stored objects under such keys."""
        return [body for key, body in self.memory.objects.items() if matches(key)]


def batch(feeds: Mapping[str, Known | None]) -> dict[str, object]:
    """An event as the queue hands it over, with what is known of each feed."""
    return {
        "Records": [
            {
                "messageId": "00000000-0000-0000-0000-000000000000",
                "receiptHandle": "AQEB",
                "body": msgspec.json.encode(Refreshes("20260302T120000", feeds)).decode(),
                "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": "refreshes-0"},
                "messageAttributes": {},
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:feeds.fifo",
                "awsRegion": "us-east-1",
            }
        ]
    }
