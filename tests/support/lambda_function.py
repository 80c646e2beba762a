"""The mirror function with a staged origin, and the events and contexts it is invoked with."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from feedmirror.entrypoints.aws.environment import Environment
from feedmirror.entrypoints.aws.messages import Refreshes, RenewalSlice, parse_body
from feedmirror.entrypoints.aws.mirror import MirrorFunction
from feedmirror.entrypoints.aws.resending import Resending
from feedmirror.model import Subscription
from feedmirror.ports import QueueMessage, World
from recorder import Recorder
from scene import NOON, PUBLIC_URL, RememberingParser, StagedOrigin, document, newest
from stores import MemoryStore


def record(body: object, message_id: str = "m1", **changes: object) -> dict[str, object]:
    """A record as SQS hands it over."""
    return {
        "messageId": message_id,
        "receiptHandle": "AQEB",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": "news"},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:feeds.fifo",
        "awsRegion": "eu-west-1",
    } | changes


SLUGS = ("news", "blog", "sport")


@dataclass
class Context:
    """An invocation that has so much time left, whenever it is asked."""

    left_s: float | Callable[[], float] = 60.0
    aws_request_id: str = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        left_s = self.left_s() if callable(self.left_s) else self.left_s
        return int(left_s * 1000)


class Mailbox:
    """A queue that keeps what is sent, once under each name, and refuses what it is told to."""

    def __init__(self) -> None:
        self.messages: dict[tuple[str, str], QueueMessage] = {}  # by group and name
        self.refuses: dict[str, str] = {}  # the reason, by slug
        self.held: list[tuple[str, int]] = []

    def send(self, messages: Sequence[QueueMessage]) -> dict[QueueMessage, str]:
        refused = {}
        for one in messages:
            why = next((self.refuses[slug] for slug in self.refuses if f'"{slug}"' in one.body), "")
            if why:
                refused[one] = why
            else:
                self.messages.setdefault((one.group, one.name), one)
        return refused

    def hold(self, receipt: str, seconds: int) -> str | None:
        self.held.append((receipt, seconds))
        return None

    @property
    def bodies(self) -> list[Refreshes | RenewalSlice]:
        parsed = (parse_body(one.body) for one in self.messages.values())
        return [body for body in parsed if body is not None]

    @property
    def refreshes(self) -> list[Refreshes]:
        return [body for body in self.bodies if isinstance(body, Refreshes)]

    @property
    def slugs(self) -> list[str]:
        return [slug for body in self.refreshes for slug in body.feeds]


class Stage:
    """A function whose origin, store and clock are ours."""

    def __init__(self, slugs: tuple[str, ...] = SLUGS, threads: int = 2) -> None:
        self.feeds = {slug: Subscription(slug, f"https://{slug}.example.org/") for slug in slugs}
        self.origin = StagedOrigin({feed.url: document(2, 1) for feed in self.feeds.values()})
        self.store = MemoryStore()
        self.log = Recorder()
        self.now = NOON
        self.threads = threads
        self.build = "b1"
        self.queue, self.dead_letters = Mailbox(), Mailbox()
        self.renewals = Mailbox()
        self.renewals_per_day = 20_000

    def invoke(self, event: object, context: Context | None = None, store: object = None) -> dict:
        world = World(
            store or self.store,  # type: ignore[arg-type]
            self.origin,
            RememberingParser(),
            lambda: self.now,
            PUBLIC_URL,
            newest,
        )
        environment = Environment(
            "s3://b",
            PUBLIC_URL,
            self.build,
            self.feeds,
            self.threads,
            1,
            renewals_per_day=self.renewals_per_day,
        )
        resending = Resending(self.queue, self.dead_letters, self.log)
        function = MirrorFunction(environment, world, lambda: self.renewals, resending, self.log)
        return function.invoke(event, context or Context())

    def url(self, slug: str) -> str:
        return self.feeds[slug].url

    def mirrored(self) -> list[str]:
        public = (key for key in self.store.objects if key.startswith("public/"))
        return sorted({key.split("/")[1] for key in public if key.count("/") > 1})

    def logged(self, message: str) -> list[dict]:
        return [extra for _, said, extra in self.log.events if said == message]


def batch(*slugs: str, attempt: int = 0, receives: int = 1) -> dict[str, object]:
    """An event with one message that names these feeds."""
    body = json.dumps({"tick": "t1", "feeds": dict.fromkeys(slugs), "attempt": attempt})
    attributes = {"ApproximateReceiveCount": str(receives), "MessageGroupId": "refreshes-0"}
    return {"Records": [record(body, attributes=attributes)]}
