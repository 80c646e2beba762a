"""The `Store` in an S3 bucket.

An object's name is the store's prefix and the key. Conditional writes use If-Match and
If-None-Match. A 409 (concurrent writes) is retried. After a 412 to a request whose first answer was
lost, the object is loaded: the refused retry may have found this process's own success.

Time until a StoreError: 40 s if S3 is silent; 50 s if connections fail, since S3's name has eight
addresses and each is tried; four minutes with the worst mix of faults; DNS and credentials come on
top. A server that sends the head of its answer byte by byte is not limited; S3 does not do so.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError, IncompleteRead

from feedmirror.adapters.aws import FAILURES, code_of, explain, make_client, status_of, was_retried
from feedmirror.adapters.deadline import Backoff, Deadline
from feedmirror.errors import ObjectError, StoreError
from feedmirror.layout import (
    MOST_BYTES,
    MOST_KEY_BYTES,
    PUBLIC,
    cache_control,
    check_size,
    is_key,
    split_key,
    split_prefix,
)
from feedmirror.ports import Listed, Stored

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef, PutObjectRequestTypeDef
    from urllib3 import HTTPResponse


# Exceptions that botocore lets through for an answer that it cannot parse.
_PARSING_ERRORS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
_ETAG = re.compile(r'"[^"\s]+"')  # not "*", which matches every object. RFC 9110 §8.8.3


class S3Store:
    """The `Store` of `ports.py` in an existing bucket; safe for any number of threads.

    In a bucket encrypted with KMS keys, equal bytes may have different ETags.
    """

    def __init__(self, client: S3Client, bucket: str, prefix: str = "") -> None:
        folder = prefix.strip("/")
        if folder:
            split_key("open", folder)
        self._client = client
        self._bucket = bucket
        self._prefix = f"{folder}/" if folder else ""

    @classmethod
    def connect(cls, bucket: str, prefix: str = "", *, threads: int, **options: Any) -> S3Store:
        """Return the store with a client of its own; `options` are those of `make_client`.

        Sends no request yet. Raises: StoreError if the AWS configuration cannot be used.
        """
        return cls(make_client("s3", threads=threads, **options), bucket, prefix)

    def load(self, key: str) -> Stored | None:
        """Return the object, or None if it is missing. Raises: StoreError."""
        with self._operation("load", key) as name:
            return self._get(name, Backoff())

    def create(self, key: str, body: bytes, media_type: str = "application/json") -> str | None:
        """Return the new object's ETag, or None if the key is taken.

        If an answer is lost, two concurrent writers of equal bytes may both get the ETag.
        Raises: StoreError.
        """
        check_size("create", key, len(body))
        with self._operation("create", key) as name:
            request = put_request(self._bucket, name, key, body, media_type)
            request["IfNoneMatch"] = "*"
            return self._put(request, body)

    def replace(
        self, key: str, body: bytes, etag: str, media_type: str = "application/json"
    ) -> str | None:
        """Return the new ETag, or None if the object is missing or has another ETag than `etag`.

        Raises: StoreError.
        """
        check_size("replace", key, len(body))
        with self._operation("replace", key) as name:
            if not _ETAG.fullmatch(etag):
                return None  # an ETag of another store
            request = put_request(self._bucket, name, key, body, media_type)
            request["IfMatch"] = etag
            return self._put(request, body)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys that begin with `prefix`, in byte order; a request for each 1,000.

        Raises: StoreError, also while iterating.
        """
        return (one.key for one in self.listed(prefix))

    def listed(self, prefix: str) -> Iterator[Listed]:
        """Yield the objects whose keys begin with `prefix`, as `keys` does; marks are ETags.

        Raises: StoreError, also while iterating.
        """
        found = (
            Listed(one["Key"].removeprefix(self._prefix), one["ETag"])
            for one in self._named(prefix, "Contents", "Key", "ETag")
        )
        return (one for one in found if is_key(one.key))  # others create names such as "data/"

    def folders(self, prefix: str = "") -> Iterator[str]:
        """Yield the names of the folders directly below `prefix`, in the order of their keys.

        Sends a request for each 1,000. Raises: StoreError, also while iterating.
        """
        found = self._named(prefix, "CommonPrefixes", "Prefix", Delimiter="/")
        names = (one["Prefix"].rstrip("/").rpartition("/")[2] for one in found)
        return filter(is_key, names)

    def _named(
        self, prefix: str, listed: str, *fields: str, **options: Any
    ) -> Iterator[Mapping[str, str]]:
        """Yield the elements of the list `listed` of all pages, which have these fields; the first
        one is the name.
        """
        split_prefix(prefix)
        return self._pages(prefix, listed, fields, {"Prefix": self._prefix + prefix, **options})

    def _pages(
        self, prefix: str, listed: str, fields: Sequence[str], request: dict[str, Any]
    ) -> Iterator[Mapping[str, str]]:
        token = None
        while True:
            with self._translated("list", prefix):
                page = self._ask("list_objects_v2", Bucket=self._bucket, **request)
                _check(page, "IsTruncated")
                found = page.get(listed, ())
                for one in found:
                    for name in fields:
                        _check(one, name)
                    if not one[fields[0]].startswith(request["Prefix"]):
                        raise ResponseParserError("a listing of something else")
                if page["IsTruncated"]:
                    _check(page, "NextContinuationToken")
                    if page["NextContinuationToken"] == token:  # an endless listing
                        raise ResponseParserError("the same page of a listing again")
            yield from found
            if not page["IsTruncated"]:
                return
            token = request["ContinuationToken"] = page["NextContinuationToken"]

    def _ask(self, operation: str, **request: Any) -> Any:
        """Send a request. Raises: FAILURES."""
        try:
            return getattr(self._client, operation)(**request)
        except _PARSING_ERRORS as error:
            raise ResponseParserError(f"{type(error).__name__}: {error}") from error

    @contextmanager
    def _operation(self, operation: str, key: str) -> Iterator[str]:
        """Yield the object's name in the bucket; translate FAILURES to StoreError."""
        split_key(operation, key)
        name = self._prefix + key
        if len(name) > MOST_KEY_BYTES:
            raise StoreError(f"{operation} {key!r}: the key is too long below {self._prefix!r}")
        with self._translated(operation, key):
            yield name

    @contextmanager
    def _translated(self, operation: str, key: str) -> Iterator[None]:
        try:
            yield
        except (*FAILURES, ObjectError) as error:
            message = f"{operation} {key!r} in s3://{self._bucket}/{self._prefix}: "
            if isinstance(error, ObjectError):
                advice = "the object is damaged; restore an older version of it"
                raise ObjectError(f"{message}{advice} ({error})", error.etag) from error
            raise StoreError(f"{message}{explain(error)}") from error

    def _put(self, request: PutObjectRequestTypeDef, body: bytes) -> str | None:
        """Return the ETag of the written object, or None if the condition does not hold."""
        backoff = Backoff()
        lost = False  # True after a request without an answer, which may have succeeded
        while True:
            try:
                return _etag_of(self._ask("put_object", **request))
            except ClientError as error:
                lost = lost or was_retried(error)
                if status_of(error) == 409 and backoff.wait_to_retry():
                    continue
                if status_of(error) != 412 and code_of(error) != "NoSuchKey":
                    raise
            found = self._get(request["Key"], backoff) if lost else None
            return found.etag if found and found.body == body else None

    def _get(self, name: str, backoff: Backoff) -> Stored | None:
        while True:
            try:
                reply = self._ask("get_object", Bucket=self._bucket, Key=name)
                body = _body_of(reply, backoff.deadline)
                return Stored(body, _etag_of(reply))
            except ClientError as error:
                if code_of(error) == "NoSuchKey":
                    return None
                raise
            except HTTPError:  # while reading the body, which botocore does not retry
                if not backoff.wait_to_retry():
                    raise


def _etag_of(reply: Mapping[str, Any]) -> str:
    """Return the ETag of an answer. Raises: ResponseParserError if it is missing or invalid."""
    _check(reply, "ETag")
    etag = str(reply["ETag"])
    if not _ETAG.fullmatch(etag):
        raise ResponseParserError(f"a success with the ETag {etag[:80]!r}")
    return etag


def _check(reply: Mapping[str, object], name: str) -> None:
    """Raises: ResponseParserError if a field is missing that every answer of S3 has."""
    if name not in reply:
        raise ResponseParserError(f"a success without {name}")


_GZIP = 31  # window bits: 15, and 16 for a gzip header and trailer
_LEVEL = 6  # an eighth smaller than level 1, for 1 ms more with a state of 80 KB
_CHUNK_BYTES = 65_536


def put_request(
    bucket: str, name: str, key: str, body: bytes, media_type: str
) -> PutObjectRequestTypeDef:
    """Return the parameters of PutObject for `body`, without a condition."""
    request: PutObjectRequestTypeDef = {
        "Bucket": bucket,
        "Key": name,
        "Body": body,
        "ContentType": media_type,
        "CacheControl": cache_control(key),
    }
    if not key.startswith(PUBLIC):
        # zlib writes no time and no name into the header: equal bytes have equal ETags.
        request["Body"] = zlib.compress(body, _LEVEL, _GZIP)
        request["ContentEncoding"] = "gzip"
    return request


def _body_of(reply: GetObjectOutputTypeDef, deadline: Deadline) -> bytes:
    """Return the decoded body of an object.

    Raises: HTTPError for a truncated answer, TimeoutError at the deadline, ObjectError for damaged
    gzip or more than MOST_BYTES.
    """
    etag = reply.get("ETag")
    chunks = []
    with reply["Body"] as entered:
        if reply.get("ContentLength", 0) > MOST_BYTES:
            raise ObjectError(f"{reply['ContentLength']:,} bytes, of {MOST_BYTES:,} at most", etag)
        stream = cast("HTTPResponse", entered)  # botocore's types are wrong here
        # read1 returns what has arrived: read would wait for all, past the deadline.
        while chunk := stream.read1(_CHUNK_BYTES):
            chunks.append(chunk)
            deadline.remaining_s()
    body = b"".join(chunks)
    expected = reply.get("ContentLength", len(body))  # missing in a chunked answer
    if len(body) != expected:  # botocore switches urllib3's check off, and its own needs `read`
        raise IncompleteRead(len(body), expected - len(body))
    # Some stores return a coding of the request too, such as "aws-chunked,gzip".
    is_gzip = "gzip" in re.split(r"[\s,]+", reply.get("ContentEncoding", ""))
    return _gunzipped(body, etag) if is_gzip else body


def _gunzipped(body: bytes, etag: str | None) -> bytes:
    inflater = zlib.decompressobj(_GZIP)
    try:
        decoded = inflater.decompress(body, MOST_BYTES + 1)
    except zlib.error as error:
        raise ObjectError(str(error), etag) from error
    if len(decoded) > MOST_BYTES:
        raise ObjectError(f"more than {MOST_BYTES:,} bytes when unpacked", etag)
    if not inflater.eof:
        raise ObjectError("incomplete or truncated gzip", etag)
    return decoded
