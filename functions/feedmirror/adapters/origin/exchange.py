"""One GET request and its reply: decoded, within a deadline and a size limit."""

from __future__ import annotations

import http.client
import io
import ssl
import zlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from itertools import chain
from typing import Any, cast

from msgspec import Struct

from feedmirror.adapters.deadline import Deadline
from feedmirror.adapters.origin.connection import BLOCKED, BoundSocket, FloodError, connect
from feedmirror.adapters.origin.headers import Headers
from feedmirror.adapters.origin.target import Target
from feedmirror.errors import FetchError, Kind

SUCCESSES = (200, 203)  # 203: transformed by a proxy. Source: RFC 9110 §15.3.4
_ERROR_BYTES = 4_096  # of an error document; those of S3 have some 300
_FRAMING_BYTES = 1_000_000  # allowed beyond the document: headers, chunk sizes, trailers

_GZIP = 31  # window bits: 15, and 16 for a gzip header and trailer
_MAGIC = b"\x1f\x8b"  # of gzip; no text begins with it
# IANA's registry of content codings. Other values that servers send (`UTF-8`, `none`, `binary`,
# `aws-chunked`) are ignored, as browsers do.
_CODINGS = frozenset(
    "aes128gcm br compress dcb dcz deflate exi gzip pack200-gzip x-compress x-gzip zstd".split()
)
_PIECE_BYTES = 65_536  # read and decoded at a time, so that a decompression bomb is noticed early
_MOST_MEMBERS = 1000  # more than a block-wise compressor makes of 60 MB


class Reply(Struct, frozen=True):
    """HTTP response, its body complete and decoded."""

    status: int
    headers: Headers
    body: bytes  # empty unless the status is in SUCCESSES, or S3 explains a 403


class _FinalResponse(http.client.HTTPResponse):
    """HTTP response after any number of interim ones; the standard library skips 100 only.

    Source: RFC 9110 §15.2: a client must expect any number of unsolicited 1xx responses.
    """

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]  # not in typeshed
            if not 102 <= status <= 199:
                return version, status, reason
            http.client.parse_headers(self.fp)


def exchange(
    target: Target,
    addresses: tuple[str, ...],
    headers: Mapping[str, str],
    deadline: Deadline,
    *,
    context: ssl.SSLContext | None,
    max_bytes: int,
) -> Reply:
    """GET `target` from one of its checked numeric `addresses`.

    `context` is None for plain http. `max_bytes` limits the body before and after decoding.
    Raises: FetchError.
    """
    with closing(connect(target, addresses, deadline, context)) as sock:
        connection = http.client.HTTPConnection(target.host.rstrip("."), target.port)
        connection.default_port = http.client.HTTPS_PORT if context else http.client.HTTP_PORT
        connection.response_class = _FinalResponse
        connection.auto_open = 0  # never look the name up and connect behind the guard's back
        connection.sock = cast("Any", BoundSocket(sock, deadline, max_bytes + _FRAMING_BYTES))
        try:
            return _request(connection, target, headers, max_bytes)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _fetch_error(error, target, deadline, max_bytes) from error


def _request(
    connection: http.client.HTTPConnection,
    target: Target,
    headers: Mapping[str, str],
    max_bytes: int,
) -> Reply:
    connection.request("GET", target.path, headers=headers)
    with closing(connection.getresponse()) as response:
        received = Headers(response.headers.items())
        body = b""
        if response.status in SUCCESSES:
            body = _body(response, received, target, max_bytes)
        elif response.status == 403 and received.get("server") == "AmazonS3":
            body = response.read1(_ERROR_BYTES)
        return Reply(response.status, received, body)


def _body(
    response: http.client.HTTPResponse, headers: Headers, target: Target, max_bytes: int
) -> bytes:
    """Return the decoded body. Raises: FetchError (TOO_LARGE, ENCODING, RESET); ValueError."""
    if len(set(_listed(headers, "content-length"))) > 1:  # RFC 9110 §8.6
        raise ValueError("several lengths of one answer")
    declared = response.length
    if declared is not None and declared > max_bytes:
        raise _too_large(target, f"larger ({declared:,} bytes)", max_bytes)
    pieces = _bounded(_pieces(response), "larger", target, max_bytes)
    is_gzipped = _is_gzipped(headers, target)
    first = b""
    while len(first) < len(_MAGIC) and (piece := next(pieces, b"")):
        first += piece
    if not first:
        return b""  # an empty body is not a damaged gzip stream
    pieces = chain((first,), pieces)
    if not is_gzipped and not first.startswith(_MAGIC):
        return _joined(pieces)
    try:
        decoded = _gunzip(pieces)
        return _joined(_bounded(decoded, "larger when decompressed", target, max_bytes))
    except zlib.error as error:
        declared_as = "is declared as" if is_gzipped else "is"
        message = f"{target.shown} {declared_as} gzip-compressed, but the data is damaged"
        raise FetchError(Kind.ENCODING, f"{message} ({error}).", status=200) from error
    except EOFError as error:
        raise _cut(target) from error


def _pieces(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """Yield the body as received: chunked framing removed, content coding not decoded.

    Raises: http.client.IncompleteRead.
    """
    while piece := response.read1(_PIECE_BYTES):
        yield piece
    if response.length:  # http.client notices the end of a chunked body alone
        raise http.client.IncompleteRead(b"", response.length)


def _joined(pieces: Iterator[bytes]) -> bytes:
    """Return the pieces joined."""
    # A list of them would take 40 bytes for each piece of one byte.
    buffer = io.BytesIO()
    for piece in pieces:
        buffer.write(piece)
    return buffer.getvalue()


def _gunzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the decoded bytes, at most 64 KB at a time.

    Consecutive gzip members are one document; other bytes after a member are ignored.
    Raises: zlib.error if the stream is damaged, EOFError if it is truncated.
    """
    source = iter(pieces)
    rest = b""
    for _ in range(_MOST_MEMBERS):
        rest = yield from _member(source, rest)
        while len(rest) < len(_MAGIC) and (more := next(source, b"")):
            rest += more
        if not rest.startswith(_MAGIC):
            return
    raise zlib.error(f"more than {_MOST_MEMBERS} members")


def _member(source: Iterator[bytes], data: bytes) -> Generator[bytes, None, bytes]:
    """Yield the decoded bytes of one member; return the encoded bytes read beyond its end."""
    inflater = zlib.decompressobj(_GZIP)
    while not inflater.eof:
        data = data or next(source, b"")
        if not data:
            raise EOFError
        decoded = inflater.decompress(data, _PIECE_BYTES)
        data = inflater.unconsumed_tail
        if decoded:
            yield decoded
    return inflater.unused_data


def _bounded(
    pieces: Iterator[bytes], too_large: str, target: Target, max_bytes: int
) -> Iterator[bytes]:
    """Yield `pieces`. Raises: FetchError (TOO_LARGE) once they exceed `max_bytes` in all."""
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > max_bytes:
            raise _too_large(target, too_large, max_bytes)
        yield piece


def _is_gzipped(headers: Headers, target: Target) -> bool:
    """Return True if the body is declared as gzip. Raises: FetchError for any other coding."""
    transfer = headers.get("transfer-encoding").strip().lower()
    coding = headers.get("content-encoding").strip().lower()
    named = [name for name in _listed(headers, "content-encoding") if name in _CODINGS]
    is_plain = transfer in ("", "chunked", "identity")
    if is_plain and named in ([], ["gzip"], ["x-gzip"]):
        return bool(named)
    unwanted = ascii(coding if is_plain else transfer)[:60]
    message = f"{target.shown} is encoded as {unwanted}, though only gzip was accepted."
    raise FetchError(Kind.ENCODING, message, status=200)


def _listed(headers: Headers, name: str) -> list[str]:
    """Return the members of a field that is a list, in small letters."""
    return [member.strip() for member in headers.get(name).lower().split(",")]


def _too_large(target: Target, larger: str, max_bytes: int) -> FetchError:
    message = f"{target.shown} is {larger} than the {max_bytes:,} bytes that `max_bytes` allows."
    return FetchError(Kind.TOO_LARGE, message, status=200)


def _cut(target: Target) -> FetchError:
    message = f"The connection to {target.shown} was cut before the answer was whole"
    return FetchError(Kind.RESET, f"{message}; {BLOCKED}.")


def _fetch_error(
    error: Exception, target: Target, deadline: Deadline, max_bytes: int
) -> FetchError:
    """Translate an exception of http.client, ssl or socket."""
    if isinstance(error, TimeoutError):
        return FetchError(Kind.TIMEOUT, f"No whole answer from {target.shown} within {deadline}.")
    if isinstance(error, FloodError):
        return _too_large(target, "larger in headers and framing around its document", max_bytes)
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        message = f"The TLS connection to {target.shown} failed: {error.reason or error}."
        return FetchError(Kind.TLS, message)
    if isinstance(error, OSError | http.client.IncompleteRead):  # RemoteDisconnected among them
        return _cut(target)
    message = f"The server of {target.shown} answers with something that is not HTTP"
    return FetchError(Kind.STATUS, f"{message} ({_brief(error)}).")


def _brief(error: BaseException) -> str:
    """Return class and message of an error, escaped and cut: bytes of a server may be in it."""
    return f"{type(error).__name__}: {ascii(str(error))[1:-1][:60]}"
