"""A little web server for a store's public documents, with the headers that a CDN sends.

For a look at the mirror, and for readers in the same house. It serves the documents that this
program publishes, under the addresses that they have behind the CDN; nothing else that lies in the
folder.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any

from feedmirror import __version__
from feedmirror.entrypoints.printable import printable
from feedmirror.entrypoints.web.answers import Answer, answer, text_answer
from feedmirror.entrypoints.web.documents import Documents

# As in infra/cdn.yaml, where the reasons are.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' https: data:; media-src https:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "sandbox allow-downloads allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)

_ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Robots-Tag", "noindex"),  # the source is to be found, not its copy
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("Access-Control-Allow-Origin", "*"),
)
_IDLE_S = 30.0  # that a connection may be silent, between requests or within one
_ANYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - only compared


class FeedServer(ThreadingHTTPServer):
    """Listens from the moment it is made; `serve_forever` answers, a thread a connection.

    Raises: OSError if it cannot listen there.
    """

    daemon_threads = True  # a slow reader does not hold up the end

    def __init__(self, store: Path, host: str, port: int, log: Callable[[str], None]) -> None:
        resolved = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0]
        self.address_family = resolved[0]
        self._documents = Documents(store)
        self._log = log
        handler = partial(_Handler, documents=self._documents, log=log)
        super().__init__((str(resolved[4][0]), port), handler)
        name = _ANYWHERE.get(host, host)  # where it is reached from this machine
        self.base = f"http://{f'[{name}]' if ':' in name else name}:{self.server_port}"

    def server_bind(self) -> None:
        """Listen, without asking the name service what this machine is called."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def addresses(self) -> list[str]:
        """Where to subscribe to the feeds that have been mirrored by now."""
        return [f"{self.base}{path}" for path in self._documents.feeds()]

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - inherited
        """Nothing for a reader that has gone away; a line for a fault of our own."""
        from sys import exception  # noqa: PLC0415 - rarely needed

        error = exception()
        if not isinstance(error, ConnectionError | TimeoutError):
            self._log(f"{client_address[0]} {type(error).__name__}: {printable(str(error))}")


class _Handler(BaseHTTPRequestHandler):
    """One connection; the parent class reads requests from it."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_S
    disable_nagle_algorithm = True  # else headers and body wait for each other

    def __init__(self, *connection: Any, documents: Documents, log: Callable[[str], None]) -> None:
        self._documents = documents
        self._log = log
        super().__init__(*connection)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """What answers methods that have no `do_…` of their own."""
        if name.startswith("do_"):
            return self._refuse_method
        raise AttributeError(name)

    def version_string(self) -> str:
        """What the header `Server` says."""
        return f"feedmirror/{__version__}"

    def do_GET(self) -> None:
        """Send what was asked for; of a HEAD, all but the body."""
        if "Host" not in self.headers and self.request_version == "HTTP/1.1":
            self.send_error(HTTPStatus.BAD_REQUEST)  # RFC 9112 §3.2
            return
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # a body nobody reads would be taken for a request
        self._send(answer(self.path, self.headers, self._documents))

    do_HEAD = do_GET  # noqa: N815 - the parent class calls it that

    def _refuse_method(self) -> None:
        self.close_connection = True  # it may have a body
        refusal = text_answer(HTTPStatus.METHOD_NOT_ALLOWED, "Only GET and HEAD are answered.")
        allowed = ("Allow", "GET, HEAD")
        self._send(Answer(refusal.status, refusal.body, (*refusal.headers, allowed)))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Send what the parent class found wrong with a request, in plain text."""
        self.close_connection = True
        self.request_version = "HTTP/1.1"  # unread, it counts as 0.9, which has no status line
        status = HTTPStatus(code)
        self._send(text_answer(status, explain or message or status.phrase))

    def _send(self, what: Answer) -> None:
        size = 0 if self.command == "HEAD" else len(what.body)
        request = printable(getattr(self, "requestline", "") or "-")
        self._log(f"{self.client_address[0]} {request} {what.status.value} {size}")
        self.send_response(what.status)
        for name, value in (*what.headers, *_ALWAYS):
            self.send_header(name, value)
        if what.status is not HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(what.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(what.body)

    def log_message(self, *_: Any) -> None:
        """Nothing: `_send` writes the one line of a request, and silence is no news."""
