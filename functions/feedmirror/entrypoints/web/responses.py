"""HTTP responses of the web server: conditional requests, compression, redirects and errors.

Pure but for reading the store's public documents.
"""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass, replace
from email.message import Message
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import unquote

from feedmirror.entrypoints.web.addresses import redirect_of
from feedmirror.entrypoints.web.documents import Documents, StoredDocument
from feedmirror.errors import StoreError
from feedmirror.layout import NOT_FOUND, cache_control

PLAIN = "text/plain; charset=utf-8"

_BRIEF = "public, max-age=10"  # a missing feed may be published soon
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
_ORIGIN = re.compile("^https?://[^/?#]*", re.IGNORECASE)
_TAG = re.compile(r'(?:W/)?("[^"]*")')
_GZIP_LEVEL = 6
_SMALL_BYTES = 1_000  # not worth compressing. Source: CloudFront, "Serving compressed files"


@dataclass(frozen=True, slots=True)
class Response:
    """HTTP response without the headers that all responses share."""

    status: HTTPStatus
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


def respond(target: str, headers: Message, documents: Documents) -> Response:
    """Return the response to a GET of a request target, in origin or absolute form.

    Source: RFC 9112 §3.2.
    """
    path = re.split("[?#]", _ORIGIN.sub("", target), maxsplit=1)[0] or "/"
    # Source: W3C, "Fetch Metadata Request Headers", 2.1
    redirect = redirect_of(path, is_navigation=headers.get("Sec-Fetch-Dest") == "document")
    if redirect and (redirect.page is None or documents.has(redirect.page)):
        return _redirect(redirect.location)
    try:
        found = documents.find(unquote(path))
        if found is not None:
            return _of_document(found, headers)
        return _list(headers, documents) if path == "/" else _not_found(headers, documents)
    except StoreError as error:
        return text_response(HTTPStatus.SERVICE_UNAVAILABLE, f"The store cannot be read: {error}.")


def text_response(status: HTTPStatus, text: str) -> Response:
    """Return a response in plain text."""
    headers = (("Content-Type", PLAIN), ("Cache-Control", _BRIEF))
    return Response(status, f"{text}\n".encode("utf-8", "replace"), headers)


def _redirect(location: str) -> Response:
    """Return a temporary, uncached redirect, since feed readers get the feed at the same URL."""
    headers = (("Location", location), ("Cache-Control", "no-store"))
    return Response(HTTPStatus.FOUND, headers=headers)


def _list(headers: Message, documents: Documents) -> Response:
    """Return the URLs of all feeds, for a site that has no index yet."""
    host = headers.get("Host", "")
    base = f"http://{host}" if _HOST.fullmatch(host) else ""
    paths = documents.feeds()
    if not paths:
        return text_response(HTTPStatus.OK, "No feed has been mirrored here yet.")
    return text_response(
        HTTPStatus.OK, "\n".join(("Feeds to subscribe to:", *(f"{base}{path}" for path in paths)))
    )


def _not_found(headers: Message, documents: Documents) -> Response:
    """Return a 404: the page 404.html if the client accepts HTML, otherwise plain text."""
    text = "Not found.\nA list of the feeds is at /"
    plain = text_response(HTTPStatus.NOT_FOUND, text)
    page = documents.find(f"/{NOT_FOUND}") if takes_html(_joined(headers, "Accept")) else None
    if page is None:
        return replace(plain, headers=(*plain.headers, ("Vary", "Accept")))
    about = (
        ("Content-Type", page.document.media_type),
        ("Cache-Control", _BRIEF),
        ("Vary", "Accept"),
    )
    return Response(HTTPStatus.NOT_FOUND, page.body, about)


def _of_document(found: StoredDocument, headers: Message) -> Response:
    """Return the document, or a 304 if the client has the current one."""
    packed = takes_gzip(_joined(headers, "Accept-Encoding")) and len(found.body) >= _SMALL_BYTES
    about = (
        # Weak if compressed, as a CDN does: other bytes of the same document.
        # Source: RFC 9110 §8.8.1, §8.8.3.3
        ("ETag", f"W/{found.etag}" if packed else found.etag),
        ("Last-Modified", formatdate(found.modified_s, usegmt=True)),
        ("Cache-Control", cache_control(found.document.key)),
        # The same URL is a feed for a script and a redirect to a page for a navigation.
        ("Vary", f"Accept-Encoding{', Sec-Fetch-Dest' if found.document.is_feed else ''}"),
    )
    if is_current(headers, found):
        return Response(HTTPStatus.NOT_MODIFIED, headers=about)
    headers_200 = (("Content-Type", found.document.media_type), *about)
    whole = Response(HTTPStatus.OK, found.body, headers_200)
    if not packed:
        return whole
    body = gzip.compress(found.body, _GZIP_LEVEL, mtime=0)
    return replace(whole, body=body, headers=(*whole.headers, ("Content-Encoding", "gzip")))


def is_current(headers: Message, found: StoredDocument) -> bool:
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
