"""Create boto3 clients for S3 and SQS: timeouts, retries, connection pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from feedmirror import __version__
from feedmirror.adapters.stores.s3_errors import FAILURES, explain
from feedmirror.errors import StoreError

if TYPE_CHECKING:
    from boto3.session import Session

# Of one request. botocore pauses in between: after a failed connection, a timeout or a 5xx for
# 0.15 s in all at most, after throttling for 3 s, or for as long as S3 asks, up to 13 s in all. In
# a long outage botocore retries less often: each client has a retry quota that successes refill.
_ATTEMPTS = 3

# Not "adaptive", which limits the client's rate of all requests once S3 has throttled a single one.
# Its wait has no deadline, and its first rate is the measured one: in a new process one request in
# two seconds. Measured with ten threads and ten SlowDowns at a cold start: 80 requests took 22 s,
# one of them 21 s, instead of 1.1 s. Ten threads with one request each do not overload S3.
_MODE: Final = "standard"


class _NoAnswer:
    """Empty success, in place of a request that is not sent."""

    status_code = 200


def _unanswered(**_: object) -> tuple[_NoAnswer, dict[str, Any]]:
    # After a redirect without a region botocore sends HeadBucket to find the region, and again for
    # the redirect that answers HeadBucket, until Python's stack overflows.
    return _NoAnswer(), {"ResponseMetadata": {"HTTPHeaders": {}}}


def make_client(
    service: Literal["s3", "sqs"],
    *,
    threads: int,  # size of the connection pool
    region: str | None = None,  # None: from the environment or profile
    endpoint_url: str | None = None,  # None: AWS
    session: Session | None = None,  # None: a new one, with the credentials of the environment
    connect_timeout_s: float = 2.0,  # for each address; one lost packet is resent in time
    read_timeout_s: float = 10.0,  # between bytes; AWS answers within a second
) -> Any:  # an S3Client, an SQSClient
    """Return a client; sends no request yet. Create one per process: it costs 0.2 s of CPU.

    Raises: StoreError if profile, region or endpoint cannot be used.
    """
    # Imported late: half of boto3's import time is needed by callers that connect only.
    from boto3.session import Session  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        connect_timeout=connect_timeout_s,
        read_timeout=read_timeout_s,
        retries={"mode": _MODE, "total_max_attempts": _ATTEMPTS},
        max_pool_connections=threads,
        tcp_keepalive=True,
        user_agent_extra=f"feedmirror/{__version__}",
        # Without a checksum the signature covers the body; with a checksum it would not.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    try:
        client = (session or Session()).client(
            service, region_name=region, endpoint_url=endpoint_url, config=config
        )
    except (*FAILURES, ValueError) as error:  # ValueError: the endpoint is not a URL
        raise StoreError(f"open: {explain(error)}") from error
    hooks: Any = client.meta.events  # typed as if handlers returned None
    hooks.register("before-call.s3.HeadBucket", _unanswered)
    if urlsplit(client.meta.endpoint_url).username is not None:
        raise StoreError("open: the endpoint URL must not contain credentials: logs show the URL")
    return client
