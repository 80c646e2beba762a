"""What the web server answers: a function of a request and of the store's public documents."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass, replace
from email.message import Message
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import unquote

from feedmirror.entrypoints.web.addresses import redirect_of
from feedmirror.entrypoints.web.documents import Documents, Found
from feedmirror.errors import StoreError
from feedmirror.layout import NOT_FOUND, cache_control

PLAIN = "text/plain; charset=utf-8"

_BRIEF = "public, max-age=10"  # a feed that is not there yet may be there soon
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
_ORIGIN = re.compile("^https?://[^/?#]*", re.IGNORECASE)
_TAG = re.compile(r'(?:W/)?("[^"]*")')
_GZIP_LEVEL = 6
_SMALL_BYTES = 1_000  # not worth compressing. Source: CloudFront, "Serving compressed files"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent, but for the headers that every answer has."""

    status: HTTPStatus
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


def answer(target: str, headers: Message, documents: Documents) -> Answer:
    """The answer to a GET of a request target, in either of its forms (RFC 9112 §3.2)."""
    path = re.split("[?#]", _ORIGIN.sub("", target), maxsplit=1)[0] or "/"
    # Source: W3C, "Fetch Metadata Request Headers", 2.1
    elsewhere = redirect_of(path, is_navigation=headers.get("Sec-Fetch-Dest") == "document")
    if elsewhere and (elsewhere.page is None or documents.has(elsewhere.page)):
        return _redirect(elsewhere.location)
    try:
        found = documents.find(unquote(path))
        if found is not None:
            return _of_document(found, headers)
        return _list(headers, documents) if path == "/" else _not_found(headers, documents)
    except StoreError as error:
        return text_answer(HTTPStatus.SERVICE_UNAVAILABLE, f"The store cannot be read: {error}.")


def text_answer(status: HTTPStatus, text: str) -> Answer:
    """An answer in words."""
    headers = (("Content-Type", PLAIN), ("Cache-Control", _BRIEF))
    return Answer(status, f"{text}\n".encode("utf-8", "replace"), headers)


def _redirect(location: str) -> Answer:
    """For now, and for whoever asks now: what is a feed for one program is a page for another."""
    headers = (("Location", location), ("Cache-Control", "no-store"))
    return Answer(HTTPStatus.FOUND, headers=headers)


def _list(headers: Message, documents: Documents) -> Answer:
    """The addresses of all feeds, as this reader reaches them: as long as the site has no index."""
    host = headers.get("Host", "")
    base = f"http://{host}" if _HOST.fullmatch(host) else ""
    paths = documents.feeds()
    if not paths:
        return text_answer(HTTPStatus.OK, "No feed has been mirrored here yet.")
    return text_answer(
        HTTPStatus.OK, "\n".join(("Feeds to subscribe to:", *(f"{base}{path}" for path in paths)))
    )


def _not_found(headers: Message, documents: Documents) -> Answer:
    """That there is nothing: as a page for a browser, which names HTML, and in words for others."""
    text = "There is nothing at this address.\nThe feeds that there are: see /"
    plain = text_answer(HTTPStatus.NOT_FOUND, text)
    page = documents.find(f"/{NOT_FOUND}") if takes_html(_joined(headers, "Accept")) else None
    if page is None:
        return replace(plain, headers=(*plain.headers, ("Vary", "Accept")))
    about = (
        ("Content-Type", page.place.media_type),
        ("Cache-Control", _BRIEF),
        ("Vary", "Accept"),
    )
    return Answer(HTTPStatus.NOT_FOUND, page.body, about)


def _of_document(found: Found, headers: Message) -> Answer:
    """The document, or that the reader has it already."""
    packed = takes_gzip(_joined(headers, "Accept-Encoding")) and len(found.body) >= _SMALL_BYTES
    about = (
        # Weak where it is compressed on the way, as a CDN does: other bytes of the same
        # document. Source: RFC 9110 §8.8.1, §8.8.3.3
        ("ETag", f"W/{found.etag}" if packed else found.etag),
        ("Last-Modified", formatdate(found.modified_s, usegmt=True)),
        ("Cache-Control", cache_control(found.place.key)),
        # A browser that fetched a feed for a script is not to show it to a person.
        ("Vary", "Accept-Encoding, Sec-Fetch-Dest" if found.place.is_feed else "Accept-Encoding"),
    )
    if is_current(headers, found):
        return Answer(HTTPStatus.NOT_MODIFIED, headers=about)
    whole = Answer(HTTPStatus.OK, found.body, (("Content-Type", found.place.media_type), *about))
    if not packed:
        return whole
    body = gzip.compress(found.body, _GZIP_LEVEL, mtime=0)
    return replace(whole, body=body, headers=(*whole.headers, ("Content-Encoding", "gzip")))


def is_current(headers: Message, found: Found) -> bool:
    """Whether what the reader has is what there is. Source: RFC 9110 §13.1.2, §13.1.3, §13.2.2.

    Tags are compared weakly; where there are any, the date counts for nothing.
    """
    tags = _joined(headers, "If-None-Match")
    if tags is not None:
        return tags.strip() == "*" or found.etag in _TAG.findall(tags)
    try:
        since = parsedate_to_datetime(headers.get("If-Modified-Since", ""))
        return found.modified_s <= since.timestamp()
    except (ValueError, TypeError, OverflowError):  # there is none, or it is no date
        return False


def takes_gzip(accepted: str | None) -> bool:
    """Whether a reader that sends this Accept-Encoding takes gzip. Source: RFC 9110 §12.5.3."""
    named = _named(accepted)
    return named.get("gzip", named.get("x-gzip", named.get("*", False)))


def takes_html(accepted: str | None) -> bool:
    """Whether a reader that sends this Accept names HTML. Source: RFC 9110 §12.5.1.

    One that takes anything does not: so say programs, which show no pages.
    """
    return _named(accepted).get("text/html", False)


def _named(accepted: str | None) -> dict[str, bool]:
    """What a header names, and whether it is wanted. Source: RFC 9110 §12.4.2."""
    wanted: dict[str, bool] = {}
    for part in (accepted or "").lower().split(","):
        name, _, parameters = part.partition(";")
        weight = re.fullmatch(r"\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*", parameters)
        wanted[name.strip()] = weight is None or float(weight[1]) > 0
    return wanted


def _joined(headers: Message, name: str) -> str | None:
    """The values of a header that may come in several lines, or None. Source: RFC 9110 §5.3."""
    values = headers.get_all(name)
    return None if values is None else ", ".join(map(str, values))
