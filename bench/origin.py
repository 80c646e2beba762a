"""The origin of the benchmark: a process of its own on loopback, so that its CPU is not counted.

    python bench/origin.py FOLDER     FOLDER/VERSION/NAME is what `/NAME` serves in that version

The first line on stdout is the port. Each line on stdin, `VERSION conditional` or `VERSION
always`, says what to serve from then on: `conditional` answers 304 to whoever has the version,
`always` sends the bytes to them all the same. A third word, seconds, is how long to wait before
each answer. It is answered with how many documents and how many
304 were sent since the line before. The process ends with its standard input.
"""

from __future__ import annotations

import itertools
import re
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Self

from companion import PATIENCE_S, Companion, attend

_CONDITION = re.compile(rb"\r\nif-none-match:[ \t]*([^\r\n]*)", re.IGNORECASE)


class Origin:
    """The handle of the process, for `with`."""

    def __init__(self, documents: Path) -> None:
        self._companion = Companion(__file__, str(documents))
        self.port = int(self._companion.address)

    def url(self, name: str) -> str:
        """The address of one document, a file of that name."""
        return f"http://127.0.0.1:{self.port}/{name}"

    def serve(self, version: int, *, conditional: bool, delay_s: float = 0.0) -> tuple[int, int]:
        """Serve that version of each document from now on, each answer after a delay.

        What comes back is how many documents, and how many 304, were sent before.
        """
        manner = "conditional" if conditional else "always"
        sent, spared = map(int, self._companion.ask(f"{version} {manner} {delay_s}").split())
        return sent, spared

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._companion.__exit__(*exception)


# ---------------------------------------------------------------- in the process itself


class _Documents:
    """What is served, by path."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bodies: dict[bytes, bytes] = {}
        self._etag = b""
        self._conditional = True
        self.delay_s = 0.0
        self._sent = itertools.count()
        self._spared = itertools.count()

    def choose(self, version: str, manner: str, delay_s: str = "0") -> str:
        """Serve another version, or the same in another manner; what was sent before."""
        counts = f"{next(self._sent)} {next(self._spared)}"
        self._sent, self._spared = itertools.count(), itertools.count()
        self._conditional = manner == "conditional"
        self.delay_s = float(delay_s)
        self._etag = f'"{version}"'.encode()
        files = (self._folder / version).iterdir()
        self._bodies = {f"/{path.name}".encode(): path.read_bytes() for path in files}
        return counts

    def answer(self, request: bytes) -> bytes:
        """The whole answer to a request."""
        body = self._bodies.get(request.split(b" ", 2)[1])
        if body is None:
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        condition = _CONDITION.search(request)
        validator = b"ETag: " + self._etag + b"\r\nConnection: close\r\n\r\n"
        if self._conditional and condition and condition[1].strip() == self._etag:
            next(self._spared)
            return b"HTTP/1.1 304 Not Modified\r\n" + validator
        next(self._sent)
        return (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n"
            b"Content-Length: %d\r\n" % len(body)
        ) + (validator + body)


def _converse(connection: socket.socket, documents: _Documents) -> None:
    with connection:
        connection.settimeout(PATIENCE_S)
        request = b""
        while b"\r\n\r\n" not in request:
            received = connection.recv(65_536)
            if not received:
                return
            request += received
        time.sleep(documents.delay_s)
        connection.sendall(documents.answer(request))


def _accept(listener: socket.socket, documents: _Documents) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_converse, args=(connection, documents), daemon=True).start()


def main() -> None:
    """Serve until stdin ends."""
    documents = _Documents(Path(sys.argv[1]))
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    threading.Thread(target=_accept, args=(listener, documents), daemon=True).start()
    attend(listener.getsockname()[1], lambda line: documents.choose(*line.split()))


if __name__ == "__main__":
    main()
