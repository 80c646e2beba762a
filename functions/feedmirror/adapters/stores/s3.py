"""A store in an S3 bucket, with the promises of the one in a directory.

An object's name is its key below the store's prefix. S3's answers to conditions are the store's,
but for two that get a second look: a conflict (409) is no answer yet, and a refusal (412) of a
request whose first answer was lost may be our own success.

How long it takes until a StoreError: 40 s if S3 is silent; 50 s if nothing is there, since its name
has eight addresses, and each is tried; four minutes with the worst mix of faults. The lookup of
names and the getting of credentials come on top. There is no limit for something that sends the
head of its answer byte by byte, which S3 does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from feedmirror.adapters.aws import make_client
from feedmirror.adapters.backoff import Backoff
from feedmirror.adapters.stores.keys import check_size, is_key, split_key, split_prefix
from feedmirror.adapters.stores.s3_errors import FAILURES, code_of, explain, status_of, was_repeated
from feedmirror.adapters.stores.s3_object import DamagedError, body_of, put_request
from feedmirror.errors import ObjectError, StoreError
from feedmirror.ports import Stored

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import PutObjectRequestTypeDef

_NAME_BYTES = 1024  # the longest that S3 takes
# What botocore lets through of an answer that it cannot parse.
_GARBLED = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
_ETAG = re.compile(r'"[^"\s]+"')  # "*" is none: it would match every object. RFC 9110 §8.8.3


class S3Store:
    """The `Store` of `ports.py` in a bucket that exists; any number of threads may use it.

    In a bucket that is encrypted with keys of KMS, equal bytes may have different ETags.
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
        """The store with a client of its own, for so many threads at once; `options` as there.

        Asks nothing of S3 yet. Raises: StoreError if the surroundings cannot be used.
        """
        return cls(make_client("s3", threads=threads, **options), bucket, prefix)

    def load(self, key: str) -> Stored | None:
        """The object, or None if there is none.

        Raises: StoreError.
        """
        with self._operation("load", key) as name:
            return self._get(name, Backoff())

    def create(self, key: str, body: bytes, media_type: str = "application/json") -> str | None:
        """The new object's ETag, or None if the key is taken.

        Of two that create the same bytes at once both may be told that it was them, if an answer
        got lost. Raises: StoreError.
        """
        with self._operation("create", key) as name:
            check_size("create", key, len(body))
            request = put_request(self._bucket, name, key, body, media_type)
            request["IfNoneMatch"] = "*"
            return self._put(request, body)

    def replace(
        self, key: str, body: bytes, etag: str, media_type: str = "application/json"
    ) -> str | None:
        """The object's new ETag, or None if it is missing or its ETag is not `etag`.

        Raises: StoreError.
        """
        with self._operation("replace", key) as name:
            if not _ETAG.fullmatch(etag):
                return None  # that of another store, or of none
            check_size("replace", key, len(body))
            request = put_request(self._bucket, name, key, body, media_type)
            request["IfMatch"] = etag
            return self._put(request, body)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The keys that begin with `prefix`, in the order of their bytes.

        What is created meanwhile may be among them or not. Asks for 1,000 at a time. Raises:
        StoreError, also while iterating.
        """
        names = self._named(prefix, "Contents", "Key")
        keys = (name.removeprefix(self._prefix) for name in names)
        return filter(is_key, keys)  # others leave names that are none, such as "data/"

    def folders(self, prefix: str = "") -> Iterator[str]:
        """The names of the folders directly below `prefix`, in the order of the keys in them.

        Asks for 1,000 at a time. Raises: StoreError, also while iterating.
        """
        found = self._named(prefix, "CommonPrefixes", "Prefix", Delimiter="/")
        return filter(is_key, (name.rstrip("/").rpartition("/")[2] for name in found))

    def _named(self, prefix: str, listed: str, name: str, **options: Any) -> Iterator[str]:
        """Yield what each element of that list is called, of all pages that begin with `prefix`."""
        split_prefix(prefix)
        return self._listed(prefix, listed, name, {"Prefix": self._prefix + prefix, **options})

    def _listed(
        self, prefix: str, listed: str, name: str, request: dict[str, Any]
    ) -> Iterator[str]:
        token = None
        while True:
            with self._telling("list", prefix):
                page = self._ask("list_objects_v2", Bucket=self._bucket, **request)
                _check(page, "IsTruncated")
                found = page.get(listed, ())
                for one in found:
                    _check(one, name)
                    if not one[name].startswith(request["Prefix"]):
                        raise ResponseParserError("a listing of something else")
                if page["IsTruncated"]:
                    _check(page, "NextContinuationToken")
                    if page["NextContinuationToken"] == token:
                        raise ResponseParserError("the same page of a listing again")
            yield from (one[name] for one in found)
            if not page["IsTruncated"]:
                return
            token = request["ContinuationToken"] = page["NextContinuationToken"]

    def _ask(self, operation: str, **request: Any) -> Any:
        """Return S3's answer. Raises: some of FAILURES."""
        try:
            return getattr(self._client, operation)(**request)
        except _GARBLED as error:
            raise ResponseParserError(f"{type(error).__name__}: {error}") from error

    @contextmanager
    def _operation(self, operation: str, key: str) -> Iterator[str]:
        """The object's name in the bucket; what goes wrong within becomes a StoreError."""
        split_key(operation, key)
        name = self._prefix + key
        if len(name) > _NAME_BYTES:
            raise StoreError(f"{operation} {key!r}: too long a key below {self._prefix!r}")
        with self._telling(operation, key):
            yield name

    @contextmanager
    def _telling(self, operation: str, key: str) -> Iterator[None]:
        try:
            yield
        except FAILURES as error:
            where = f"s3://{self._bucket}/{self._prefix}"
            message = f"{operation} {key!r} in {where}: {explain(error)}"
            if isinstance(error, DamagedError):
                raise ObjectError(message, error.etag) from error
            raise StoreError(message) from error

    def _put(self, request: PutObjectRequestTypeDef, body: bytes) -> str | None:
        """The ETag of what was written, or None if the condition does not hold."""
        backoff = Backoff()
        lost = False  # an answer, to a request that may have been carried out
        while True:
            try:
                return _etag_of(self._ask("put_object", **request))
            except ClientError as error:
                lost = lost or was_repeated(error)
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
                body = body_of(reply, backoff.deadline)
                return Stored(body, _etag_of(reply))
            except ClientError as error:
                if code_of(error) == "NoSuchKey":
                    return None
                raise
            except HTTPError:  # within the body, where botocore repeats nothing
                if not backoff.wait_to_retry():
                    raise


def _etag_of(reply: Mapping[str, Any]) -> str:
    """Return the ETag of an answer. Raises: ResponseParserError if no condition could name it."""
    _check(reply, "ETag")
    etag = str(reply["ETag"])
    if not _ETAG.fullmatch(etag):
        raise ResponseParserError(f"a success with the ETag {etag[:80]!r}")
    return etag


def _check(reply: Mapping[str, object], name: str) -> None:
    """Raises: ResponseParserError if that is missing, since it is not S3 then that answers."""
    if name not in reply:
        raise ResponseParserError(f"a success without {name}")
