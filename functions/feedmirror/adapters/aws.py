"""Clients of AWS: how long they wait, what they repeat, and what they do without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from feedmirror import __version__
from feedmirror.adapters.stores.s3_errors import FAILURES, explain
from feedmirror.errors import StoreError

if TYPE_CHECKING:
    from boto3.session import Session

# Of sending one request, with pauses between: at what is no answer (connections, silence, 5xx) of
# 0.15 s together at most, at throttling of 3 s, or as long as S3 asks for, but 13 s together. In a
# long outage there are fewer: a client has a budget for repeats, which successes fill again.
_ATTEMPTS = 3

# Not "adaptive", which repeats the same and besides has every request, first ones too, wait for its
# turn once S3 has throttled one. That wait knows no deadline. And the rate that it begins with is
# the one measured so far: in a process that has just begun none, so one request in two seconds.
# Tried with ten threads and ten SlowDowns at a cold start: 80 requests took 22 s, one of them 21 s,
# instead of 1.1 s. Ten threads with one request each are no load that S3 has to be saved from.
_MODE: Final = "standard"


class _NoAnswer:
    """An empty success, in place of a request that is not sent."""

    status_code = 200


def _unanswered(**_: object) -> tuple[_NoAnswer, dict[str, Any]]:
    # botocore asks where a bucket is when a redirect does not say so, and does that again for the
    # redirect that it gets as an answer, and so on until Python's stack ends.
    return _NoAnswer(), {"ResponseMetadata": {"HTTPHeaders": {}}}


def make_client(
    service: Literal["s3", "sqs"],
    *,
    threads: int,  # that use it at once: each gets a connection of its own
    region: str | None = None,  # None: as AWS's own tools find it
    endpoint_url: str | None = None,  # None: AWS
    session: Session | None = None,  # None: a new one, with the credentials that it finds
    connect_timeout_s: float = 2.0,  # at each address; enough for one packet to get lost
    read_timeout_s: float = 10.0,  # of silence; AWS takes a second at the very most
) -> Any:  # an S3Client, an SQSClient
    """A client that asks nothing of the service yet. Make one a process: it costs 0.2 s of CPU.

    Raises: StoreError if the surroundings (profile, region, endpoint) cannot be used.
    """
    # Here, so that half of what AWS costs at a cold start is for those who connect.
    from boto3.session import Session  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        connect_timeout=connect_timeout_s,
        read_timeout=read_timeout_s,
        retries={"mode": _MODE, "total_max_attempts": _ATTEMPTS},
        max_pool_connections=threads,
        tcp_keepalive=True,
        user_agent_extra=f"feedmirror/{__version__}",
        # Without a checksum the signature covers the body, with one it would not: no need of both.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    try:
        client = (session or Session()).client(
            service, region_name=region, endpoint_url=endpoint_url, config=config
        )
    except (*FAILURES, ValueError) as error:  # ValueError: the endpoint is no URL
        raise StoreError(f"open: {explain(error)}") from error
    hooks: Any = client.meta.events  # their types do not know of handlers that return something
    hooks.register("before-call.s3.HeadBucket", _unanswered)
    if urlsplit(client.meta.endpoint_url).username is not None:
        raise StoreError("open: the endpoint must hold no credentials: errors and logs show it")
    return client
