"""The mirror function with a staged origin, and the events and contexts it is invoked with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from feedmirror.entrypoints.aws.environment import Environment
from feedmirror.entrypoints.aws.events import message_body
from feedmirror.entrypoints.aws.mirror import MirrorFunction
from feedmirror.model import Subscription
from feedmirror.ports import World
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
    """A queue that keeps what is sent, and refuses what it is told to."""

    def __init__(self) -> None:
        self.sent: dict[str, dict[str, str]] = {}  # bodies by slug, by name
        self.refuses: dict[str, str] = {}

    def send(self, bodies: Mapping[str, str], name: str) -> dict[str, str]:
        refused = {slug: why for slug, why in self.refuses.items() if slug in bodies}
        taken = {slug: body for slug, body in bodies.items() if slug not in refused}
        self.sent.setdefault(name, {}).update(taken)
        return refused

    @property
    def slugs(self) -> list[str]:
        return [slug for bodies in self.sent.values() for slug in bodies]


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
        function = MirrorFunction(environment, world, lambda: self.renewals, self.log)
        return function.invoke(event, context or Context())

    def url(self, slug: str) -> str:
        return self.feeds[slug].url

    def mirrored(self) -> list[str]:
        public = (key for key in self.store.objects if key.startswith("public/"))
        return sorted({key.split("/")[1] for key in public if key.count("/") > 1})

    def logged(self, message: str) -> list[dict]:
        return [extra for _, said, extra in self.log.events if said == message]


def batch(*slugs: str) -> dict[str, object]:
    return {"Records": [record(message_body(slug), f"id-{slug}") for slug in slugs]}
