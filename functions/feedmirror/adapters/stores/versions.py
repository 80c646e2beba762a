"""Versions of objects, for an operator who may delete them; no function does."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any, cast

from feedmirror.adapters.aws import FAILURES, explain, make_client
from feedmirror.errors import StoreError
from feedmirror.layout import split_key
from feedmirror.ports import Purged

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class DirectoryVersions:
    """The `Versions` of a directory, which keeps no earlier ones."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def purge(self, prefix: str) -> Purged:
        """Do nothing."""
        del prefix
        return Purged()

    def earlier(self, prefix: str) -> Iterator[tuple[str, str, bytes]]:
        """Yield nothing."""
        del prefix
        return iter(())

    def delete(self, prefix: str) -> Purged:
        """Delete a file, or a folder with all that is in it. Raises: StoreError."""
        split_key("delete", prefix.removesuffix("/"))
        path = self._root / prefix
        try:
            if not prefix.endswith("/"):
                path.unlink(missing_ok=True)
            elif path.exists():
                rmtree(path)
        except OSError as error:
            raise StoreError(f"delete {prefix!r}: {path} {error.strerror}") from error
        return Purged()


class S3Versions:
    """The `Versions` of a bucket.

    Needs `s3:ListBucketVersions` on the bucket, `s3:DeleteObjectVersion` and `s3:GetObjectVersion`
    on its objects.
    """

    def __init__(self, client: S3Client, bucket: str, prefix: str = "") -> None:
        folder = prefix.strip("/")
        self._client = client
        self._bucket = bucket
        self._prefix = f"{folder}/" if folder else ""

    @classmethod
    def connect(cls, bucket: str, prefix: str = "") -> S3Versions:
        """Return those of a bucket. Sends no request yet. Raises: StoreError."""
        return cls(make_client("s3", threads=1), bucket, prefix)

    def purge(self, prefix: str) -> Purged:
        """Delete the earlier versions; two requests for each 1,000 versions. Raises: StoreError."""
        return self._deleted(prefix, or_current=False)

    def earlier(self, prefix: str) -> Iterator[tuple[str, str, bytes]]:
        """Yield the earlier versions; a request for each, and one for each 1,000. Raises:
        StoreError, also while iterating.
        """
        name = self._prefix + prefix
        pages = self._pages(name, or_current=False, listed=("Versions",))
        try:
            for one in chain.from_iterable(pages):
                reply = self._client.get_object(
                    Bucket=self._bucket, Key=one["Key"], VersionId=one["VersionId"]
                )
                body = reply["Body"].read()
                if "gzip" in reply.get("ContentEncoding", ""):
                    body = gzip.decompress(body)
                yield one["Key"].removeprefix(self._prefix), one["VersionId"], body
        except (*FAILURES, OSError, EOFError, zlib.error) as error:
            raise StoreError(
                f"versions below s3://{self._bucket}/{name} are not read: {explain(error)} "
                "(this needs s3:ListBucketVersions and s3:GetObjectVersion)"
            ) from error

    def delete(self, prefix: str) -> Purged:
        """Delete all versions; two requests for each 1,000 versions. Raises: StoreError."""
        return self._deleted(prefix, or_current=True)

    def _deleted(self, prefix: str, *, or_current: bool) -> Purged:
        split_key("delete", prefix.removesuffix("/"))
        deleted: int = 0
        kept: list[str] = []
        try:
            for versions in self._pages(self._prefix + prefix, or_current=or_current):
                refused = self._delete(versions)
                deleted += len(versions) - len(refused)
                kept += refused
        except FAILURES as error:
            where = f"s3://{self._bucket}/{self._prefix}{prefix}"
            raise StoreError(
                f"versions below {where} are not deleted: {explain(error)} "
                "(this needs s3:ListBucketVersions and s3:DeleteObjectVersion)"
            ) from error
        return Purged(deleted, tuple(kept))

    def _pages(
        self, name: str, *, or_current: bool, listed: Sequence[str] = ("Versions", "DeleteMarkers")
    ) -> Iterator[list[dict[str, str]]]:
        """Yield the versions of the object of that name, or below it, 1,000 at most."""
        pages = self._client.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self._bucket, Prefix=name):
            found = (one for kind in listed for one in cast("Any", page).get(kind, ()))
            yield [
                {"Key": one["Key"], "VersionId": one["VersionId"]}
                for one in found
                if (or_current or not one["IsLatest"])
                and (name.endswith("/") or one["Key"] == name)
            ]

    def _delete(self, versions: list[dict[str, str]]) -> list[str]:
        """Delete these versions; return a sentence for each that is still there."""
        if not versions:
            return []
        request: Any = {"Objects": versions, "Quiet": True}
        reply = self._client.delete_objects(Bucket=self._bucket, Delete=request)
        return [
            f"{one['Key']}, version {one.get('VersionId', 'unknown')}: {one['Code']}"
            for one in reply.get("Errors", ())
        ]
