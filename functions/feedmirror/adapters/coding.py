"""The content codings of an answer, and gzip undone with a bound on everything.

Not left to urllib3, which reports a truncated stream as a success. Source: RFC 1952, RFC 9110 §8.4.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterable, Iterator

_GZIP = 31  # window bits: 15, and 16 for a gzip header and trailer
MAGIC = b"\x1f\x8b"  # of gzip, which no text begins with
# Of IANA's registry of content codings. What servers write that is none (`UTF-8`, `none`, `binary`,
# `aws-chunked`) says nothing of the body, which browsers read as it is.
_CODINGS = frozenset(
    "aes128gcm br compress dcb dcz deflate exi gzip pack200-gzip x-compress x-gzip zstd".split()
)
_PIECE_BYTES = 65_536  # decoded at a time, so that a bomb is noticed before it goes off
_MOST_MEMBERS = 1000  # more than a block-wise compressor makes of 60 MB


def codings(field: str) -> tuple[str, ...]:
    """Return the content codings that a `Content-Encoding` names, `gzip` for `x-gzip`."""
    named = (name.strip().lower() for name in field.split(","))
    return tuple(name.removeprefix("x-") for name in named if name in _CODINGS)


def gunzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The decoded bytes, at most 64 KB at a time.

    Members that follow one another are one document; anything else after a member is ignored.
    Raises: zlib.error if the stream is damaged, EOFError if it ends before its end.
    """
    source = iter(pieces)
    rest = b""
    for _ in range(_MOST_MEMBERS):
        rest = yield from _member(source, rest)
        while len(rest) < len(MAGIC) and (more := next(source, b"")):
            rest += more
        if not rest.startswith(MAGIC):
            return
    raise zlib.error(f"more than {_MOST_MEMBERS} members")


def _member(source: Iterator[bytes], data: bytes) -> Generator[bytes, None, bytes]:
    """The decoded bytes of one member; returns the encoded bytes behind it."""
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
