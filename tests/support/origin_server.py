"""An origin on loopback that does what a test tells it to, over real sockets.

It serves documents as a good origin does:

    with OriginServer() as origin:
        origin.serve("/feed", b"<rss>...", etag='"1"')
        ... fetch origin.url("/feed") twice: a 200, then a 304 ...
        origin.serve("/feed", b"<rss>...", etag='"2"')   # the feed has changed between polls
        assert origin.requests[-1].header("If-None-Match") == '"1"'

and misbehaves as bad ones do: `answer` sends any status and headers, `script` any bytes at any
pace. What was asked is recorded as it came, in `requests`.
"""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

_RSS = "application/rss+xml"
_REASONS = {200: "OK", 304: "Not Modified", 404: "Not Found", 410: "Gone"}


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came."""

    raw: bytes  # up to and including the empty line
    method: str
    path: str  # the request target, verbatim
    headers: tuple[tuple[str, str], ...]  # in order, names as they were written

    def header(self, name: str) -> str | None:
        """The first header of that name, whatever its case."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)


# ---------------------------------------------------------------- steps of a script


@dataclass(frozen=True, slots=True)
class Send:
    """Send bytes, all at once."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Drip:
    """Send bytes one after the other, with a pause before each."""

    data: bytes
    every_s: float = 0.02


@dataclass(frozen=True, slots=True)
class Forever:
    """Send the same bytes again and again until the client hangs up."""

    data: bytes
    every_s: float = 0.0


class Hang:
    """Say nothing more, and stay connected until the server is closed."""


class Reset:
    """End the connection with a TCP reset instead of a proper end."""


Step = Send | Wait | Drip | Forever | Hang | Reset | bytes  # bytes: short for Send
Behaviour = Callable[[Request], Iterable[Step]]


# ---------------------------------------------------------------- the server


@dataclass(slots=True)
class _Document:
    """What `serve` was told about a path."""

    body: bytes
    etag: str | None
    last_modified: str | None
    content_type: str
    compress: bool
    headers: Sequence[tuple[str, str]]

    def __call__(self, request: Request) -> Iterable[Step]:
        validators = [("ETag", self.etag), ("Last-Modified", self.last_modified)]
        headers = [(name, value) for name, value in validators if value] + list(self.headers)
        if self._is_known(request):
            yield reply(304, headers)
            return
        body = self.body
        headers.append(("Content-Type", self.content_type))
        if self.compress and "gzip" in (request.header("Accept-Encoding") or ""):
            headers.append(("Content-Encoding", "gzip"))
            body = gzip.compress(body, 6, mtime=0)
        yield reply(200, headers, body)

    def _is_known(self, request: Request) -> bool:
        """RFC 9110 §13.2.2: If-None-Match decides where it is present."""
        tag = request.header("If-None-Match")
        if tag is not None:
            return self.etag is not None and tag.removeprefix("W/") == self.etag.removeprefix("W/")
        since = request.header("If-Modified-Since")
        return since is not None and since == self.last_modified


def reply(
    status: int,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    *,
    length: int | None = None,
) -> bytes:
    """A whole answer; `length` claims another Content-Length than the body's."""
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Whatever')}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if status not in (204, 304):
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return ("\r\n".join(lines) + "\r\nConnection: close\r\n\r\n").encode("latin-1") + body


@dataclass(slots=True)
class OriginServer:
    """A server of its own port, from `with` to the end of it; every connection has a thread."""

    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None  # a server's context: speak https
    requests: list[Request] = field(default_factory=list)
    connections: int = 0  # accepted, whether or not anything was asked
    latency_s: float = 0.0  # before each answer
    port: int = 0
    _behaviours: dict[str, Behaviour] = field(default_factory=dict)
    _on_accept: Sequence[Step] | None = None
    _closing: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _listener: socket.socket = field(init=False)

    def __enter__(self) -> OriginServer:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.create_server((self.host, self.port), family=family, backlog=128)
        self.port = self._listener.getsockname()[1]
        self._run(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):  # wakes the accept, unless it has ended by itself
            socket.create_connection((self.host, self.port), 5).close()
        for thread in self._threads:
            thread.join(5)

    def url(self, path: str = "/", host: str | None = None) -> str:
        """The address of `path`; `host` is a name that the test's resolver knows."""
        scheme = "https" if self.tls else "http"
        name = host or (f"[{self.host}]" if ":" in self.host else self.host)
        return f"{scheme}://{name}:{self.port}{path}"

    # ------------------------------------------------------------ what it does, settable any time

    def serve(
        self,
        path: str,
        body: bytes,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        content_type: str = _RSS,
        compress: bool = False,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Serve a document as a good origin does, with 304 to whoever has it already."""
        self._behaviours[path] = _Document(
            body, etag, last_modified, content_type, compress, headers
        )

    def answer(
        self,
        path: str,
        status: int,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        *,
        length: int | None = None,
    ) -> None:
        """Answer with that status, whatever is asked."""
        self.script(path, reply(status, headers, body, length=length))

    def redirect(self, path: str, location: str, status: int = 301) -> None:
        """Send whoever asks for `path` to `location`."""
        self.answer(path, status, [("Location", location)])

    def script(self, path: str, *steps: Step) -> None:
        """Once `path` is asked for, do this and hang up."""
        self._behaviours[path] = lambda _request: steps

    def behave(self, path: str, behaviour: Behaviour) -> None:
        """Do what a function of the request yields, and hang up."""
        self._behaviours[path] = behaviour

    def on_accept(self, *steps: Step) -> None:
        """Do this as soon as anybody connects, before TLS, reading nothing."""
        self._on_accept = steps

    def forget(self, path: str) -> None:
        """Answer 404 from now on, as for every path that was never set."""
        self._behaviours.pop(path, None)

    # ------------------------------------------------------------ how it does it

    def _run(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with self._listener:
            while True:
                sock, _ = self._listener.accept()
                if self._closing.is_set():
                    sock.close()
                    return
                self.connections += 1
                self._run(self._serve_connection, sock)

    def _serve_connection(self, sock: socket.socket) -> None:
        sock.settimeout(10)
        try:
            if self._on_accept is not None:
                self._perform(sock, self._on_accept)
                return
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            self._answer(sock)
        except OSError:
            pass  # the client hung up, which is its right
        finally:
            sock.close()

    def _answer(self, sock: socket.socket) -> None:
        raw = b""
        while b"\r\n\r\n" not in raw:
            received = sock.recv(65_536)
            if not received:
                return
            raw += received
        request = _parsed(raw)
        self.requests.append(request)
        self._closing.wait(self.latency_s) if self.latency_s else None
        behaviour = self._behaviours.get(request.path)
        self._perform(sock, behaviour(request) if behaviour else [reply(404)])

    def _perform(self, sock: socket.socket, steps: Iterable[Step]) -> None:
        for step in steps:
            match step:
                case bytes(data) | Send(data):
                    sock.sendall(data)
                case Wait(seconds):
                    self._closing.wait(seconds)
                case Drip(data, every_s):
                    self._drip(sock, (data[i : i + 1] for i in range(len(data))), every_s)
                case Forever(data, every_s):
                    self._drip(sock, iter(lambda data=data: data, None), every_s)
                case Hang():
                    self._closing.wait()
                case Reset():
                    # Linger for 0 s: closing then resets. Source: socket(7), SO_LINGER
                    linger = struct.pack("ii", 1, 0)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    def _drip(self, sock: socket.socket, pieces: Iterable[bytes], every_s: float) -> None:
        for piece in pieces:
            if self._closing.wait(every_s) if every_s else self._closing.is_set():
                return
            sock.sendall(piece)


def _parsed(raw: bytes) -> Request:
    head = raw.partition(b"\r\n\r\n")[0].decode("latin-1")
    first, *lines = head.split("\r\n")
    method, path, *_ = first.split(" ")
    pairs = (line.partition(": ") for line in lines)
    return Request(raw, method, path, tuple((name, value) for name, _, value in pairs))
