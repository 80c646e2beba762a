"""CloudFront: have it forget its copies of objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from feedmirror.adapters.aws import FAILURES, explain, make_client
from feedmirror.errors import StoreError


class CloudFront:
    """The `Cdn` of a distribution. Needs `cloudfront:CreateInvalidation`."""

    def __init__(self, client: Any, distribution: str) -> None:
        self._client = client
        self._distribution = distribution

    @classmethod
    def connect(cls, distribution: str) -> CloudFront:
        """Return the CDN of a distribution, by ID. Sends no request yet. Raises: StoreError."""
        return cls(make_client("cloudfront", threads=1), distribution)

    def invalidate(self, paths: Sequence[str], name: str) -> str:
        """Request the invalidation, as `Cdn` says. Raises: StoreError."""
        batch = {"Paths": {"Quantity": len(paths), "Items": list(paths)}, "CallerReference": name}
        try:
            reply = self._client.create_invalidation(
                DistributionId=self._distribution, InvalidationBatch=batch
            )
        except FAILURES as error:
            raise StoreError(
                f"CloudFront {self._distribution} did not take the invalidation of "
                f"{' '.join(paths)} (it needs cloudfront:CreateInvalidation): {explain(error)}"
            ) from error
        return str(reply["Invalidation"]["Id"])
