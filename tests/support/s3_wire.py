"""S3 at the other end of no wire at all: a bucket in a dict, asked in this thread, with faults on
the way. What sweeps over thousands of faults is done here; what the client makes of real sockets,
test_s3_store.py shows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from urllib3 import HTTPResponse

from feedmirror.adapters import deadline
from feedmirror.adapters.stores.s3 import S3Store
from s3_server import SESSION, Answer, Fault, pass_on, says
from small_s3 import SmallS3
from store_contract import WORKERS
from store_factories import NOTHING, Contents
from stores import Crash

FOR_GOOD = math.inf
_BUCKET = "the-one-bucket"
S3 = SmallS3()


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it went out, and as it may arrive at any time. Repeats of it are equal."""

    verb: str
    url: str
    body: bytes
    condition: str  # an ETag, "*" or nothing
    coding: str

    @property
    def key(self) -> str:
        return urlsplit(self.url).path.removeprefix("/")

    def forward(self) -> Answer:
        """The answer of S3, which does what it is asked to."""
        if self.verb == "GET":
            return S3.get(self.url)
        return S3.put(self.url, self.condition, self.body, self.coding)


@dataclass(slots=True)
class Call:
    """A `Conversation` without sockets."""

    sent: Sent
    answer: Answer | None = None  # None: it is passed on

    def forward(self) -> Answer:
        return self.sent.forward()

    def send(self, answer: Answer) -> None:
        self.answer = answer

    def reset(self) -> None:
        raise ConnectionClosedError(endpoint_url=self.sent.url)


class Wire:
    """What connects a client of its own with the one bucket, and the `StoreFactory` of S3.

    `store` empties the bucket, and calms the wire: of all wires' stores only the last is of use.
    """

    def __init__(self) -> None:
        self._client = S3Store.connect("any", threads=WORKERS, session=SESSION)._client
        self._client.meta.events.register("before-send.s3", self._send)
        self.calm()

    def calm(self) -> None:
        """From now on nothing happens on the way, and requests are counted from 0."""
        self.count = 0
        self.before: Callable[[Sent], object] = lambda sent: None  # is called for each request
        self._fault: Fault = pass_on
        self._first: float = math.inf
        self._times: float = 0

    def disturb(self, fault: Fault, at: int, times: float = 1) -> None:
        """The fault is to happen to so many requests in a row, from number `at` on."""
        self.calm()
        self._fault, self._first, self._times = fault, at, times

    def store(self, contents: Contents = NOTHING) -> S3Store:
        self.calm()
        S3.objects = {name: rest for name, *rest in contents}
        return self.open()

    def open(self) -> S3Store:
        """The store as it is, by way of this wire."""
        return S3Store(self._client, _BUCKET)

    def contents(self, store: object) -> Contents:
        return frozenset((name, *rest) for name, rest in S3.objects.items())

    def _send(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        """What botocore takes for the answer, and sends nothing."""
        body = request.body.read() if request.body else b""
        given = (request.headers.get(name, b"") for name in ("If-Match", "If-None-Match"))
        condition = b"".join(given).decode()
        coding = request.headers.get("Content-Encoding", b"").decode()
        call = Call(Sent(request.method, request.url, body, condition, coding))
        self.before(call.sent)
        number, self.count = self.count, self.count + 1
        if self._first <= number < self._first + self._times:
            self._fault(call)
        answer = call.answer or call.forward()
        raw = HTTPResponse(BytesIO(answer.body), preload_content=False)
        return AWSResponse(request.url, answer.status, answer.headers, raw)


WIRE = Wire()


# ---------------------------------------------------------------- what happens to a call


def dies(call: Call) -> None:
    raise Crash(f"before {call.sent.verb} {call.sent.url}")


def dies_after(call: Call) -> None:
    call.forward()
    raise Crash(f"after {call.sent.verb} {call.sent.url}")


def times_out(call: Call) -> None:
    """It reaches nobody."""
    raise ReadTimeoutError(endpoint_url=call.sent.url)


def conflicts(call: Call) -> None:
    if call.sent.verb == "PUT":
        _CONFLICT(call)


def cuts_off(call: Call) -> None:
    """Half of an object comes."""
    if call.sent.verb == "GET":
        whole = call.forward()
        cut = len(whole.body) // 2 if whole.status == 200 else None
        headers = {**whole.headers, "Content-Length": str(len(whole.body))}
        call.send(Answer(whole.status, headers, whole.body[:cut]))


class Sea:
    """Where writes are that the client has given up on, and that may yet reach S3."""

    def __init__(self) -> None:
        self.adrift: list[Sent] = []

    def takes(self, call: Call) -> None:
        """The fault: a write is not carried out, and not lost either."""
        if call.sent.verb == "PUT":
            if call.sent not in self.adrift:  # a repeat would be refused after the first
                self.adrift.append(call.sent)
            times_out(call)


_CONFLICT = says(409, "ConditionalRequestConflict")


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the client try again at once, and as often as if it had never had bad luck before."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda seconds: None))
    monkeypatch.setattr("botocore.retries.quota.RetryQuota.acquire", lambda *_: True)
    monkeypatch.setattr(deadline, "_FIRST_PAUSE_S", 0.0)
