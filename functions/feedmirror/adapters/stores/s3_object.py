"""How the bytes under a key lie in a bucket: their coding, and the headers that go with them.

What is public is stored as it is, with the headers that readers get: a CDN compresses it for
those who take that, and could not undo it for the others. All else is stored gzipped: a quarter of
the bytes to keep, as versions too, for 0.3 ms at a load. Its metadata say so, and other tools undo
it by themselves.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, cast

from urllib3.exceptions import IncompleteRead

from feedmirror.adapters.deadline import Deadline
from feedmirror.adapters.stores.keys import MOST_BYTES
from feedmirror.layout import PUBLIC, cache_control

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef, PutObjectRequestTypeDef
    from urllib3 import HTTPResponse


_GZIP = 31  # window bits: 15, and 16 for a gzip header and trailer
_LEVEL = 6  # an eighth smaller than level 1, for a millisecond more at a state of 80 KB
_PIECE_BYTES = 65_536


class DamagedError(Exception):
    """The body of an object is none that `put_request` stored; `etag` is the object's."""

    def __init__(self, message: str, etag: str | None) -> None:
        super().__init__(message)
        self.etag = etag


def put_request(
    bucket: str, name: str, key: str, body: bytes, media_type: str
) -> PutObjectRequestTypeDef:
    """What to ask of S3 to have the body stored under that name, without a condition yet."""
    request: PutObjectRequestTypeDef = {
        "Bucket": bucket,
        "Key": name,
        "Body": body,
        "ContentType": media_type,
        "CacheControl": cache_control(key),
    }
    if not key.startswith(PUBLIC):
        # Its header holds neither a time nor a name: equal bytes have equal ETags.
        request["Body"] = zlib.compress(body, _LEVEL, _GZIP)
        request["ContentEncoding"] = "gzip"
    return request


def body_of(reply: GetObjectOutputTypeDef, deadline: Deadline) -> bytes:
    """The bytes as they were given to `put_request`.

    Raises: HTTPError if they are cut off, TimeoutError at the deadline, DamageError if they are not
    the gzip that they should be, or too many.
    """
    etag = reply.get("ETag")
    pieces = []
    with reply["Body"] as entered:
        if reply.get("ContentLength", 0) > MOST_BYTES:
            raise DamagedError(f"{reply['ContentLength']:,} bytes, of {MOST_BYTES:,} at most", etag)
        stream = cast("HTTPResponse", entered)  # botocore's types say otherwise, and are wrong
        # Whatever has arrived at a time: a read of more would wait for all of it, or for ever.
        while piece := stream.read1(_PIECE_BYTES):
            pieces.append(piece)
            deadline.remaining_s()
    body = b"".join(pieces)
    expected = reply.get("ContentLength", len(body))  # not there if it came in chunks
    if len(body) != expected:  # botocore tells urllib3 not to look, and looks where we do not read
        raise IncompleteRead(len(body), expected - len(body))
    # Some stores tell of a coding of the request, too.
    is_gzip = "gzip" in re.split(r"[\s,]+", reply.get("ContentEncoding", ""))
    return _gunzipped(body, etag) if is_gzip else body


def _gunzipped(body: bytes, etag: str | None) -> bytes:
    inflater = zlib.decompressobj(_GZIP)
    try:
        decoded = inflater.decompress(body, MOST_BYTES + 1)
    except zlib.error as error:
        raise DamagedError(str(error), etag) from error
    if len(decoded) > MOST_BYTES:
        raise DamagedError(f"more than {MOST_BYTES:,} bytes when unpacked", etag)
    if not inflater.eof:
        raise DamagedError("incomplete or truncated gzip", etag)
    return decoded
