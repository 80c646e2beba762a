"""HTTP server of `feedmirror serve`: a store's public documents, with the headers of the CDN.

For previews and for feed readers in a local network. Serves only documents that this program
publishes, at the paths that they have on the CDN.
"""

from __future__ import annotations

import gzip
import re
import socket
from collections.abc import Callable
from email.message import Message
from email.utils import formatdate, parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any
from urllib.parse import unquote

from msgspec import Struct
from msgspec.structs import replace

from feedmirror import __version__
from feedmirror.entrypoints.telemetry import printable_text
from feedmirror.entrypoints.web.documents import Documents, PublicDocument
from feedmirror.errors import StoreError
from feedmirror.layout import NOT_FOUND, cache_control

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
_PLAIN = "text/plain; charset=utf-8"
_BRIEF = "public, max-age=10"  # a missing feed may be published soon
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
_ORIGIN = re.compile("^https?://[^/?#]*", re.IGNORECASE)
_TAG = re.compile(r'(?:W/)?("[^"]*")')
_GZIP_LEVEL = 6
_SMALL_BYTES = 1_000  # not worth compressing. Source: CloudFront, "Serving compressed files"


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
        self._send(_respond(self.path, self.headers, self._documents))

    do_HEAD = do_GET  # noqa: N815 - the parent class calls it that

    def _refuse_method(self) -> None:
        self.close_connection = True  # it may have a body
        status = HTTPStatus.METHOD_NOT_ALLOWED
        refusal = _text(status, "Method not allowed; use GET or HEAD.")
        self._send(_Response(status, refusal.body, (*refusal.headers, ("Allow", "GET, HEAD"))))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Send an error that the parent class found in a request, as plain text."""
        self.close_connection = True
        self.request_version = "HTTP/1.1"  # the default is 0.9, which has no status line
        status = HTTPStatus(code)
        self._send(_text(status, explain or message or status.phrase))

    def _send(self, response: _Response) -> None:
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


class _Response(Struct, frozen=True):
    """HTTP response without the headers that all responses share."""

    status: HTTPStatus
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


def _respond(target: str, headers: Message, documents: Documents) -> _Response:
    """Return the response to a GET of a request target, in origin or absolute form.

    Source: RFC 9112 §3.2.
    """
    path = re.split("[?#]", _ORIGIN.sub("", target), maxsplit=1)[0] or "/"
    # Source: W3C, "Fetch Metadata Request Headers", 2.1
    is_navigation = headers.get("Sec-Fetch-Dest") == "document"
    if location := documents.redirect(path, is_navigation=is_navigation):
        # Temporary and not cached, since feed readers get the feed at the same URL.
        about = (("Location", location), ("Cache-Control", "no-store"))
        return _Response(HTTPStatus.FOUND, headers=about)
    try:
        found = documents.find(unquote(path))
        if found is not None:
            return _of_document(_readdressed(found, headers, documents), headers)
        return _list(headers, documents) if path == "/" else _not_found(headers, documents)
    except StoreError as error:
        return _text(HTTPStatus.SERVICE_UNAVAILABLE, f"The store cannot be read: {error}.")


def _readdressed(found: PublicDocument, headers: Message, documents: Documents) -> PublicDocument:
    """Return the document with the addresses under which it is served, whatever it was made for."""
    base, published = _base(headers), documents.published_url()
    return found.at(base, published) if base and published else found


def _base(headers: Message) -> str:
    """Return the address by which the client reaches this server; empty if it is not known."""
    host = headers.get("Host", "")
    return f"http://{host}" if _HOST.fullmatch(host) else ""


def _text(status: HTTPStatus, text: str) -> _Response:
    """Return a response in plain text."""
    headers = (("Content-Type", _PLAIN), ("Cache-Control", _BRIEF))
    return _Response(status, f"{text}\n".encode("utf-8", "replace"), headers)


def _list(headers: Message, documents: Documents) -> _Response:
    """Return the URLs of all feeds, for a site that has no index yet."""
    lines = [f"{_base(headers)}{path}" for path in documents.feeds()]
    about = "Feeds to subscribe to:" if lines else "No feed has been mirrored here yet."
    return _text(HTTPStatus.OK, "\n".join((about, *lines)))


def _not_found(headers: Message, documents: Documents) -> _Response:
    """Return a 404: the page 404.html if the client accepts HTML, otherwise plain text."""
    plain = _text(HTTPStatus.NOT_FOUND, "Not found.\nA list of the feeds is at /")
    page = documents.find(f"/{NOT_FOUND}") if takes_html(_joined(headers, "Accept")) else None
    media_type, body = (page.media_type, page.body) if page else (_PLAIN, plain.body)
    about = (("Content-Type", media_type), ("Cache-Control", _BRIEF), ("Vary", "Accept"))
    return replace(plain, body=body, headers=about)


def _of_document(found: PublicDocument, headers: Message) -> _Response:
    """Return the document, or a 304 if the client has the current one."""
    packed = takes_gzip(_joined(headers, "Accept-Encoding")) and len(found.body) >= _SMALL_BYTES
    about = (
        # Weak if compressed, as a CDN does: other bytes of the same document.
        # Source: RFC 9110 §8.8.1, §8.8.3.3
        ("ETag", f"W/{found.etag}" if packed else found.etag),
        ("Last-Modified", formatdate(found.modified_s, usegmt=True)),
        ("Cache-Control", cache_control(found.key)),
        # The same URL is a feed for a script and a redirect to a page for a navigation.
        ("Vary", f"Accept-Encoding{', Sec-Fetch-Dest' if found.is_feed else ''}"),
    )
    if _is_current(headers, found):
        return _Response(HTTPStatus.NOT_MODIFIED, headers=about)
    coding = (("Content-Encoding", "gzip"),) if packed else ()
    body = gzip.compress(found.body, _GZIP_LEVEL, mtime=0) if packed else found.body
    return _Response(HTTPStatus.OK, body, (("Content-Type", found.media_type), *about, *coding))


def _is_current(headers: Message, found: PublicDocument) -> bool:
    """True if the client has the current document. Source: RFC 9110 §13.1.2, §13.1.3, §13.2.2.

    ETags are compared weakly; with If-None-Match the date is ignored.
    """
    tags = _joined(headers, "If-None-Match")
    if tags is not None:
        return tags.strip() == "*" or found.etag in _TAG.findall(tags)
    try:
        since = parsedate_to_datetime(headers.get("If-Modified-Since", ""))
        return found.modified_s <= since.timestamp()
    except (ValueError, TypeError, OverflowError):  # no date, or not valid
        return False


def takes_gzip(accepted: str | None) -> bool:
    """True if this Accept-Encoding allows gzip. Source: RFC 9110 §12.5.3."""
    named = _named(accepted)
    return named.get("gzip", named.get("x-gzip", named.get("*", False)))


def takes_html(accepted: str | None) -> bool:
    """True if this Accept names HTML. Source: RFC 9110 §12.5.1.

    `*/*` does not count: programs that show no pages send it.
    """
    return _named(accepted).get("text/html", False)


def _named(accepted: str | None) -> dict[str, bool]:
    """Parse the names of a header, and whether each is acceptable (q > 0).

    Source: RFC 9110 §12.4.2.
    """
    wanted: dict[str, bool] = {}
    for part in (accepted or "").lower().split(","):
        name, _, parameters = part.partition(";")
        weight = re.fullmatch(r"\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*", parameters)
        wanted[name.strip()] = weight is None or float(weight[1]) > 0
    return wanted


def _joined(headers: Message, name: str) -> str | None:
    """Join the lines of a header; None without any. Source: RFC 9110 §5.3."""
    values = headers.get_all(name)
    return None if values is None else ", ".join(map(str, values))
