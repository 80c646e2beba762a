"""The client of S3: how long it waits, what it repeats, and what it does without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from feedmirror import __version__
from feedmirror.adapters.s3_errors import FAILURES, explain
from feedmirror.errors import StoreError

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_s3 import S3Client

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


def make_client(
    *,
    threads: int,
    region: str | None,
    endpoint_url: str | None,
    session: Session | None,
    connect_timeout_s: float,
    read_timeout_s: float,
) -> S3Client:
    """A client that asks nothing of S3 yet; `S3Store.connect` says what the arguments mean.

    Raises: StoreError if the surroundings (profile, region, endpoint) cannot be used.
    """
    # Here, so that half of what S3 costs at a cold start is for those who connect.
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
            "s3", region_name=region, endpoint_url=endpoint_url, config=config
        )
    except (*FAILURES, ValueError) as error:  # ValueError: the endpoint is no URL
        raise StoreError(f"open: {explain(error)}") from error
    if urlsplit(client.meta.endpoint_url).username is not None:
        raise StoreError("open: the endpoint must hold no credentials: errors and logs show it")
    return client
