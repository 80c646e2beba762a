"""HTTP server of `feedmirror serve`: a store's public documents, with the headers of the CDN.

For previews and for feed readers in a local network. Serves only documents that this program
publishes, at the paths that they have on the CDN.
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
from feedmirror.entrypoints.printable import printable_text
from feedmirror.entrypoints.web.documents import Documents
from feedmirror.entrypoints.web.responses import Response, respond, text_response

# Equal to the policy in infra/cdn.yaml, which explains it.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' https: data:; media-src https:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "sandbox allow-downloads allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)

_ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Robots-Tag", "noindex"),  # search engines should list the source, not its copy
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("Access-Control-Allow-Origin", "*"),
)
_IDLE_S = 30.0  # timeout of a silent connection, between requests or within one
_ANYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - only compared


class FeedServer(ThreadingHTTPServer):
    """HTTP server that listens once constructed; `serve_forever` uses one thread per connection.

    Raises: OSError if the address cannot be used.
    """

    daemon_threads = True  # a slow client does not delay the exit

    def __init__(self, store: Path, host: str, port: int, log: Callable[[str], None]) -> None:
        resolved = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0]
        self.address_family = resolved[0]
        self._documents = Documents(store)
        self._log = log
        handler = partial(_Handler, documents=self._documents, log=log)
        super().__init__((str(resolved[4][0]), port), handler)
        name = _ANYWHERE.get(host, host)  # the host as reached from this machine
        self.base = f"http://{f'[{name}]' if ':' in name else name}:{self.server_port}"

    def server_bind(self) -> None:
        """Listen, without the DNS lookup of the parent class."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def addresses(self) -> list[str]:
        """Return the URLs of all feeds in the store."""
        return [f"{self.base}{path}" for path in self._documents.feeds()]

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - inherited
        """Log an internal error; ignore a client that disconnected."""
        from sys import exception  # noqa: PLC0415 - rarely needed

        error = exception()
        if not isinstance(error, ConnectionError | TimeoutError):
            self._log(f"{client_address[0]} {type(error).__name__}: {printable_text(str(error))}")


class _Handler(BaseHTTPRequestHandler):
    """Handler of one connection; the parent class parses the requests."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_S
    disable_nagle_algorithm = True  # else headers and body wait for each other

    def __init__(self, *connection: Any, documents: Documents, log: Callable[[str], None]) -> None:
        self._documents = documents
        self._log = log
        super().__init__(*connection)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Return the handler of HTTP methods other than GET and HEAD."""
        if name.startswith("do_"):
            return self._refuse_method
        raise AttributeError(name)

    def version_string(self) -> str:
        """Return the value of the header `Server`."""
        return f"feedmirror/{__version__}"

    def do_GET(self) -> None:
        """Send the document; for a HEAD request, its headers only."""
        if "Host" not in self.headers and self.request_version == "HTTP/1.1":
            self.send_error(HTTPStatus.BAD_REQUEST)  # RFC 9112 §3.2
            return
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # the unread body would be parsed as a request
        self._send(respond(self.path, self.headers, self._documents))

    do_HEAD = do_GET  # noqa: N815 - the parent class calls it that

    def _refuse_method(self) -> None:
        self.close_connection = True  # it may have a body
        status = HTTPStatus.METHOD_NOT_ALLOWED
        refusal = text_response(status, "Method not allowed; use GET or HEAD.")
        self._send(Response(status, refusal.body, (*refusal.headers, ("Allow", "GET, HEAD"))))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Send an error that the parent class found in a request, as plain text."""
        self.close_connection = True
        self.request_version = "HTTP/1.1"  # the default is 0.9, which has no status line
        status = HTTPStatus(code)
        self._send(text_response(status, explain or message or status.phrase))

    def _send(self, response: Response) -> None:
        size = 0 if self.command == "HEAD" else len(response.body)
        request = printable_text(getattr(self, "requestline", "") or "-")
        self._log(f"{self.client_address[0]} {request} {response.status.value} {size}")
        self.send_response(response.status)
        for name, value in (*response.headers, *_ALWAYS):
            self.send_header(name, value)
        if response.status is not HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(response.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def log_message(self, *_: Any) -> None:
        """Do nothing: `_send` logs each request, and timeouts of idle connections are normal."""
