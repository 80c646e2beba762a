"""S3 for the tests: moto in this process or behind a port, and a proxy that does what moto doesn't.

moto answers to conditions as S3 does, but never with a conflict, an outage or a lost answer: the
proxy in front of it makes those. Whoever imports this shares one session of botocore, whose models
are the costly part of a client.
"""

from __future__ import annotations

import functools
import http.client
import logging
import os
import socket
import struct
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from multiprocessing import forkserver
from types import MappingProxyType
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest
from boto3.session import Session

from feedmirror.adapters.stores.s3 import S3Store
from store_contract import PROCESSES, WORKERS

REGION = "us-east-1"

_numbers = count(1)


def new_session() -> Session:
    """A session with credentials, whatever the environment has."""
    return Session("testing", "testing", region_name=REGION)


SESSION = new_session()


@functools.cache
def connect_once(url: str) -> S3Store:
    """The store of which the others in this process borrow the client."""
    return S3Store.connect("any", threads=WORKERS, endpoint_url=url, session=SESSION)


def open_store(url: str, bucket: str, prefix: str = "") -> S3Store:
    """A store anew, on the one client that a process has; `partial` makes it picklable."""
    return S3Store(connect_once(url)._client, bucket, prefix)


connect_once("http://127.0.0.1:9")  # asks nothing: it is for the models that the session then has


def restart_forkserver() -> None:
    """Has every process of the contract begin with what this module took 0.4 s of CPU time to get.

    Only by way of the environment does the server get to know where our modules are (3.13.0).
    """
    PROCESSES.set_forkserver_preload(["pytest", "store_contract", __name__])
    forkserver._forkserver._stop()  # what CPython's own tests do
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        forkserver.ensure_running()


# ---------------------------------------------------------------- moto


@contextmanager
def moto_in_process() -> Iterator[Callable[[], S3Store]]:
    """Makes stores in new buckets, until the end; all of botocore in this process talks to moto."""
    _make_atomic()
    from moto import mock_aws

    with mock_aws():
        session = new_session()  # one that was made before moto was imported would not do
        client = S3Store.connect("any", threads=WORKERS, session=session)._client
        yield lambda: S3Store(client, new_bucket())


@contextmanager
def moto_server() -> Iterator[str]:
    """The address of a server."""
    _make_atomic()
    from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line for each request
    # S3 alone: moto's own server takes a third of its time to find out which service is meant.
    app = create_backend_app("s3")
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def new_bucket(names: Iterable[str] = ()) -> str:
    """The name of a bucket that was made just now, with empty objects of those names.

    Past HTTP: a request takes moto some milliseconds, and a page of a listing takes a thousand.
    """
    backend = _backend()
    bucket = f"bucket-{next(_numbers)}"
    backend.create_bucket(bucket, REGION)
    for name in names:
        backend.put_object(bucket, name, b"")
    return bucket


def _backend() -> Any:
    from moto.s3.models import s3_backends

    return s3_backends["123456789012"]["aws"]


@functools.cache
def _make_atomic() -> None:
    """moto 5.2.5 looks at a condition and then stores the object; S3 does both in one step."""
    from moto.s3.responses import S3Response

    lock = threading.RLock()

    def alone(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def locked(*args: Any) -> Any:
            with lock:
                return method(*args)

        return locked

    for name in ("put_object", "get_object", "list_objects_v2"):
        setattr(S3Response, name, alone(getattr(S3Response, name)))


# ---------------------------------------------------------------- the proxy


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that came."""

    verb: str
    path: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What S3 answers, or what it is made to."""

    status: int
    headers: dict[str, str]
    body: bytes


class Conversation(Protocol):
    """One request, wherever it goes, and what can be done about it."""

    def forward(self) -> Answer:
        """The answer of moto."""
        ...

    def send(self, answer: Answer) -> None:
        """Have the client get it."""
        ...

    def reset(self) -> None:
        """End the connection as a crash does."""
        ...


Fault = Callable[[Any], None]
"""What happens to a `Conversation`, or only to an `Exchange`, instead of its being passed on."""


class Exchange(BaseHTTPRequestHandler):
    """One request, and the ways to answer it."""

    protocol_version = "HTTP/1.1"
    server: FaultProxy
    body: bytes

    def handle_request(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append(Seen(self.command, self.path, dict(self.headers)))
        fault = self.server.faults.popleft() if self.server.faults else pass_on
        fault(self)

    do_GET = do_PUT = do_POST = do_HEAD = handle_request  # noqa: N815 - the names that http.server calls

    def forward(self) -> Answer:
        """The answer of moto."""
        address = urlsplit(self.server.url_behind).netloc
        connection = http.client.HTTPConnection(address, timeout=5)
        try:
            connection.request(self.command, self.path, self.body, dict(self.headers))
            reply = connection.getresponse()
            return Answer(reply.status, dict(reply.getheaders()), reply.read())
        finally:
            connection.close()

    def begin(self, answer: Answer) -> None:
        """Send all but the body."""
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()

    def send(self, answer: Answer) -> None:
        """Send all of it."""
        self.begin(answer)
        self.wfile.write(answer.body)

    def reset(self) -> None:
        """End the connection as a crash does: with RST, not with FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_: object) -> None:
        pass


class FaultProxy(ThreadingHTTPServer):
    """A server in front of moto; `faults` happen to the requests to come, one to each."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, url_behind: str) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.url_behind = url_behind
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.faults: deque[Fault] = deque()
        self.seen: list[Seen] = []
        self.closing = threading.Event()

    def __enter__(self) -> FaultProxy:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """Nothing: that a client gives up is what several tests are about."""


def pass_on(exchange: Conversation) -> None:
    exchange.send(exchange.forward())


def says(status: int, code: str, message: str = "Because.", **headers: str) -> Fault:
    """An error of S3, for a request that it does not carry out."""
    answer = error_answer(status, code, message, headers)
    return lambda exchange: exchange.send(answer)


def does_but_says(status: int, code: str) -> Fault:
    """An error of S3, for a request that it did carry out."""

    def fault(exchange: Conversation) -> None:
        exchange.forward()
        exchange.send(error_answer(status, code))

    return fault


def error_answer(
    status: int,
    code: str,
    message: str = "Because.",
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Answer:
    """Return an error as S3 tells it; in names of headers, _ stands for -."""
    xml = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named |= {"Content-Type": "application/xml", "x-amz-request-id": "REQUEST1"}
    return Answer(status, named, f'<?xml version="1.0"?>{xml}'.encode())


def sends(body: bytes, status: int = 200) -> Fault:
    """Something that is not of S3."""
    return lambda exchange: exchange.send(Answer(status, {"Content-Type": "text/html"}, body))


def resets(exchange: Conversation) -> None:
    exchange.reset()


def loses(exchange: Conversation) -> None:
    """It is done, but nobody hears of it."""
    exchange.forward()
    exchange.reset()


def stays_silent(exchange: Exchange) -> None:
    exchange.server.closing.wait(5)
    exchange.reset()


def cuts_off(exchange: Exchange) -> None:
    """Half of the body comes, then the end of the connection, in all order."""
    answer = exchange.forward()
    exchange.begin(answer)
    exchange.wfile.write(answer.body[: len(answer.body) // 2])
    exchange.close_connection = True


def breaks_off(exchange: Exchange) -> None:
    """The same as after a crash."""
    cuts_off(exchange)
    exchange.wfile.flush()
    exchange.reset()


def stops_in_the_middle(exchange: Exchange) -> None:
    """Half of the body comes, then nothing."""
    answer = exchange.forward()
    exchange.begin(answer)
    exchange.wfile.write(answer.body[: len(answer.body) // 2])
    exchange.wfile.flush()
    stays_silent(exchange)


def drips(exchange: Exchange) -> None:
    """A byte now and then, in time for any timeout between two."""
    answer = exchange.forward()
    exchange.begin(answer)
    for byte in answer.body:
        if exchange.server.closing.wait(0.02):
            break
        exchange.wfile.write(bytes([byte]))
        exchange.wfile.flush()
    exchange.reset()


def does_but_stays_silent(exchange: Exchange) -> None:
    """It is done, and the client has long given up when it could hear of it."""
    exchange.forward()
    stays_silent(exchange)
