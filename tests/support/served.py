"""`feedmirror serve` on loopback, for tests that ask it."""

from __future__ import annotations

import http.client
import socket
import threading
from dataclasses import dataclass, field
from pathlib import Path

from feedmirror.entrypoints.web.server import FeedServer

BODY = b"<rss>" + b"x" * 2000 + b"</rss>"


@dataclass
class Site:
    """A server on loopback, and a way to ask it."""

    store: Path
    log: list[str] = field(default_factory=list)

    def __enter__(self) -> Site:
        self.server = FeedServer(self.store, "127.0.0.1", 0, self.log.append)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def ask(self, path: str = "/news/rss.xml", method: str = "GET", **headers: str) -> Reply:
        """The answer; underscores in names of headers stand for hyphens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=named)
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read())
        finally:
            connection.close()

    def raw(self, request: bytes) -> bytes:
        """All that comes back for bytes, until the server closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65_536), b""))


@dataclass
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


def publish(store: Path, slug: str = "news", body: bytes = BODY) -> Path:
    """A feed, in one format."""
    return put(store, f"public/{slug}/rss.xml", body)


def put(store: Path, key: str, body: bytes | None = None) -> Path:
    """Whatever lies under that key; without a body, its own key."""
    path = store / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(key.encode() if body is None else body)
    return path
