"""What the web server answers: a function of a request and of the store's public documents."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass, replace
from email.message import Message
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from urllib.parse import unquote

from feedmirror.adapters.directory import DirectoryStore
from feedmirror.core.formats import formats
from feedmirror.core.site import MEDIA_TYPES
from feedmirror.errors import StoreError
from feedmirror.ports import PUBLIC_CACHE_CONTROL

PLAIN = "text/plain; charset=utf-8"

_BRIEF = "public, max-age=10"  # a feed that is not there yet may be there soon
_SLUG = re.compile(r"[a-z0-9-]{1,63}")
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


@dataclass(frozen=True, slots=True)
class Found:
    """A public document as it is in the store."""

    body: bytes
    etag: str  # quoted
    media_type: str
    modified_s: int  # since 1970


class Documents:
    """The public documents of a store: those that have a name of ours, in folders of feeds."""

    def __init__(self, store: Path) -> None:
        self._public = store / "public"
        self._store = DirectoryStore(store)
        self._media_types = {made.name: made.media_type for made in formats()}

    def paths(self) -> list[str]:
        """Of all documents that are there now: `/SLUG/NAME`."""
        try:
            names = sorted(folder.name for folder in self._public.iterdir())
        except OSError:  # there is no such folder yet
            return []
        slugs = filter(_SLUG.fullmatch, names)
        named = ((slug, name) for slug in slugs for name in self._media_types)
        return [f"/{slug}/{name}" for slug, name in named if self._modified_s(slug, name)]

    def find(self, path: str) -> Found | None:
        """The document at `/SLUG/NAME`, or the site's own at `/NAME`; or None.

        Raises: StoreError.
        """
        *slugs, name = path.removeprefix("/").split("/")
        types = self._media_types if slugs else MEDIA_TYPES
        if len(slugs) > 1 or not all(map(_SLUG.fullmatch, slugs)) or name not in types:
            return None  # dots, slashes and links elsewhere have no way in
        # Looked up before the body is read: a document that is replaced in between then has a
        # date that is too old, and is asked for once too often rather than once too rarely.
        modified_s = self._modified_s(*slugs, name)
        key = "/".join(("public", *slugs, name))
        stored = self._store.load(key) if modified_s else None
        if stored is None or modified_s is None:
            return None
        return Found(stored.body, f'"{stored.etag}"', types[name], modified_s)

    def _modified_s(self, *segments: str) -> int | None:
        """When it last changed, or None where there is no such file, or a symbolic link on the
        way.
        """
        file = self._public.joinpath(*segments)
        folders = (self._public, self._public.joinpath(*segments[:-1]))
        try:
            ways = [folder.lstat() for folder in folders]
            found = file.lstat()
        except OSError:
            return None
        regular = all(S_ISDIR(way.st_mode) for way in ways) and S_ISREG(found.st_mode)
        return int(found.st_mtime) if regular else None


def answer(target: str, headers: Message, documents: Documents) -> Answer:
    """The answer to a GET of a request target, in either of its forms (RFC 9112 §3.2)."""
    path = unquote(re.split("[?#]", _ORIGIN.sub("", target), maxsplit=1)[0])
    try:
        if path in {"", "/"}:
            return _list(headers, documents)
        found = documents.find(path)
    except StoreError as error:
        return text_answer(HTTPStatus.SERVICE_UNAVAILABLE, f"The store cannot be read: {error}.")
    if found is None:
        return text_answer(
            HTTPStatus.NOT_FOUND, "There is no feed at this address.\nThose there are: see /"
        )
    return _of_document(found, headers)


def text_answer(status: HTTPStatus, text: str) -> Answer:
    """An answer in words."""
    headers = (("Content-Type", PLAIN), ("Cache-Control", _BRIEF))
    return Answer(status, f"{text}\n".encode("utf-8", "replace"), headers)


def _list(headers: Message, documents: Documents) -> Answer:
    """The addresses of all feeds, as this reader reaches them."""
    host = headers.get("Host", "")
    base = f"http://{host}" if _HOST.fullmatch(host) else ""
    paths = documents.paths()
    if not paths:
        return text_answer(HTTPStatus.OK, "No feed has been mirrored here yet.")
    return text_answer(
        HTTPStatus.OK, "\n".join(("Feeds to subscribe to:", *(f"{base}{path}" for path in paths)))
    )


def _of_document(found: Found, headers: Message) -> Answer:
    """The document, or that the reader has it already."""
    packed = takes_gzip(_joined(headers, "Accept-Encoding")) and len(found.body) >= _SMALL_BYTES
    about = (
        # Weak where it is compressed on the way, as a CDN does: other bytes of the same
        # document. Source: RFC 9110 §8.8.1, §8.8.3.3
        ("ETag", f"W/{found.etag}" if packed else found.etag),
        ("Last-Modified", formatdate(found.modified_s, usegmt=True)),
        ("Cache-Control", PUBLIC_CACHE_CONTROL),
        ("Vary", "Accept-Encoding"),
    )
    if is_current(headers, found):
        return Answer(HTTPStatus.NOT_MODIFIED, headers=about)
    whole = Answer(HTTPStatus.OK, found.body, (("Content-Type", found.media_type), *about))
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
    weights: dict[str, bool] = {}
    for part in (accepted or "").lower().split(","):
        coding, _, parameters = part.partition(";")
        weight = re.fullmatch(r"\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*", parameters)
        weights[coding.strip()] = weight is None or float(weight[1]) > 0
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", False)))


def _joined(headers: Message, name: str) -> str | None:
    """The values of a header that may come in several lines, or None. Source: RFC 9110 §5.3."""
    values = headers.get_all(name)
    return None if values is None else ", ".join(map(str, values))
