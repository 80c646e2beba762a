"""Clients of AWS: their timeouts and retries, and their errors explained to the operator."""

from __future__ import annotations

from logging import ERROR, getLogger
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigNotFound,
    ConfigParseError,
    ConnectionError,  # noqa: A004 - botocore's, not the builtin
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    SSLError,
    SSOError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from feedmirror import __version__
from feedmirror.errors import StoreError

if TYPE_CHECKING:
    from boto3.session import Session

for _library in ("botocore", "urllib3"):  # their failures are part of an outcome
    getLogger(_library).setLevel(ERROR)


class _NoAnswer:
    """Empty success, in place of a request that is not sent."""

    status_code = 200


def _unanswered(**_: object) -> tuple[_NoAnswer, dict[str, Any]]:
    # After a redirect without a region botocore sends HeadBucket to find the region, and again for
    # the redirect that answers HeadBucket, until Python's stack overflows.
    return _NoAnswer(), {"ResponseMetadata": {"HTTPHeaders": {}}}


def new_session() -> Session:
    """Return a session. The second client of a session costs a twentieth of the first one.

    Raises: StoreError if the AWS configuration cannot be used.
    """
    from boto3.session import Session  # noqa: PLC0415 - as below

    try:
        return Session()
    except FAILURES as error:
        raise StoreError(f"open: {explain(error)}") from error


def make_client(
    service: Literal["s3", "sqs", "cloudfront"],
    *,
    threads: int,  # size of the connection pool
    endpoint_url: str | None = None,  # None: AWS
    session: Session | None = None,  # None: a new one, with the credentials of the environment
    read_timeout_s: float = 10.0,  # between bytes; AWS answers within a second
) -> Any:  # the client of that service
    """Return a client; sends no request yet. Create one per process: it costs 0.2 s of CPU.

    Raises: StoreError if profile, region or endpoint cannot be used.
    """
    # Imported late: half of boto3's import time is needed by callers that connect only.
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        connect_timeout=2.0,  # for each address; one lost packet is resent in time
        read_timeout=read_timeout_s,
        # botocore pauses in between: after a failed connection, a timeout or a 5xx for 0.15 s in
        # all at most, after throttling for 3 s, or for as long as S3 asks, up to 13 s in all. In a
        # long outage it retries less often: a client has a retry quota that successes refill.
        # Not "adaptive", which limits the client's rate of all requests once S3 has throttled one.
        # Its wait has no deadline, and its first rate is the measured one: in a new process one
        # request in two seconds. Measured with ten threads and ten SlowDowns at a cold start: 80
        # requests took 22 s, one of them 21 s, instead of 1.1 s. Ten threads with one request each
        # do not overload S3.
        retries={"mode": "standard", "total_max_attempts": 3},
        max_pool_connections=threads,
        tcp_keepalive=True,
        user_agent_extra=f"feedmirror/{__version__}",
        # Without a checksum the signature covers the body; with a checksum it would not.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    try:
        client = (session or new_session()).client(
            service, endpoint_url=endpoint_url, config=config
        )
    except (*FAILURES, ValueError) as error:  # ValueError: the endpoint is not a URL
        raise StoreError(f"open: {explain(error)}") from error
    hooks: Any = client.meta.events  # typed as if handlers returned None
    hooks.register("before-call.s3.HeadBucket", _unanswered)
    if urlsplit(client.meta.endpoint_url).username is not None:
        raise StoreError("open: the endpoint URL must not contain credentials: logs show the URL")
    return client


FAILURES = (BotoCoreError, ClientError, ResponseParserError, HTTPError, TimeoutError)
"""Exceptions of a request: botocore's (the third has no common base with the first two), and of
reading a body: truncated, too slow."""

_MOST_CHARS = 400  # of a message of AWS, which may be a whole page of HTML of another server

_DENIED = (
    "access is denied; allow s3:GetObject and s3:PutObject on the bucket's objects, and "
    "s3:ListBucket on the bucket, without which S3 also denies missing objects"
)
_EXPIRED = "the credentials have expired; get new ones, for example with `aws sso login`"
_MISSING = (
    "no credentials found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
    "attach a role"
)
_UNKNOWN = "AWS does not accept the credentials; check the access key, its secret and its token"
_SERVER_ERROR = "S3 has failed; the next refresh tries again"
_THROTTLED = "S3 throttles the requests; the next refresh tries again; fewer threads help"
_ELSEWHERE = "the bucket is in another region; set AWS_REGION to"
_CONFLICT = "other processes write to the object at the same time; the next refresh tries again"

_BY_CODE = {
    "AccessDenied": _DENIED,
    "AllAccessDisabled": _DENIED,
    "ConditionalRequestConflict": _CONFLICT,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "TokenRefreshRequired": _EXPIRED,
    "InvalidAccessKeyId": _UNKNOWN,
    "InvalidToken": _UNKNOWN,
    "SignatureDoesNotMatch": _UNKNOWN,
    "AuthorizationHeaderMalformed": _ELSEWHERE,  # signed for another region
    "IllegalLocationConstraintException": _ELSEWHERE,
    "PermanentRedirect": _ELSEWHERE,
    "TemporaryRedirect": _ELSEWHERE,
    "InvalidObjectState": "the object is in an archive storage class; restore it, and exclude "
    "`data/` and `public/` from the bucket's lifecycle rules",
    "NoSuchBucket": "the bucket does not exist; create it, or correct its name",
    "RequestTimeTooSkewed": "the clock of this machine is wrong; set the clock",
    "SlowDown": _THROTTLED,
}
_BY_STATUS = {301: _ELSEWHERE, 307: _ELSEWHERE, 401: _DENIED, 403: _DENIED} | dict.fromkeys(
    (429, 503), _THROTTLED
)

# The first match counts: SSLError is a ConnectionError, too.
_BY_TYPE: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((NoCredentialsError, PartialCredentialsError), _MISSING),
    ((CredentialRetrievalError, SSOError, TokenRetrievalError), _EXPIRED),
    (
        (ConfigNotFound, ConfigParseError, ProfileNotFound),
        "the AWS configuration cannot be used; correct AWS_PROFILE or the file",
    ),
    ((ParamValidationError,), "not a valid bucket name; correct the name"),
    ((SSLError,), "TLS fails; check the clock and the certificates (AWS_CA_BUNDLE)"),
    (
        (ConnectionError, HTTPClientError),
        "S3 does not answer; check the network, the region and the endpoint, else wait",
    ),
    (
        (HTTPError, TimeoutError),
        "the answer is truncated or too slow; check the network, else wait",
    ),
    ((ResponseParserError,), "not an answer of S3; check the endpoint"),
)


def explain(error: Exception) -> str:
    """Return cause, advice and, in brackets, the message of AWS or botocore, on one line."""
    if isinstance(error, ClientError):
        return f"{_advice(error)} ({_response(error)})"
    advice = next((advice for types, advice in _BY_TYPE if isinstance(error, types)), None)
    message = f"{type(error).__name__}: {_one_line(str(error))}"
    return f"{advice} ({message})" if advice else message


def code_of(error: ClientError) -> str:
    """Return S3's error code, or the status as text for an answer without a code."""
    return error.response.get("Error", {}).get("Code", "")


def status_of(error: ClientError) -> int:
    """Return the HTTP status of the answer, 0 without an answer."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def was_retried(error: ClientError) -> bool:
    """True if botocore had sent the request before, without a usable answer."""
    return error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0


def _advice(error: ClientError) -> str:
    code, status = code_of(error), status_of(error)
    advice = _BY_CODE.get(code) or _BY_STATUS.get(status)
    if advice == _ELSEWHERE:
        return f"{_ELSEWHERE} {_region(error) or 'its region'}"
    return advice or (_SERVER_ERROR if status >= 500 else "S3 refused the request")


def _region(error: ClientError) -> str | None:
    """Return the bucket's region, if the answer names it."""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    details: Any = error.response.get("Error", {})
    region: str | None = headers.get("x-amz-bucket-region") or details.get("Region")
    return region


def _response(error: ClientError) -> str:
    """Return operation, status, code, message, attempts and request id of an error response."""
    metadata = error.response.get("ResponseMetadata", {})
    message = error.response.get("Error", {}).get("Message") or "no message"
    retries = metadata.get("RetryAttempts", 0)
    parts = [f"{error.operation_name}: HTTP {status_of(error)} {code_of(error)}: {message}"]
    if retries:
        parts.append(f"{retries + 1} attempts")
    if metadata.get("RequestId"):
        parts.append(f"request {metadata['RequestId']}")
    return _one_line("; ".join(parts))


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MOST_CHARS else f"{line[:_MOST_CHARS]}..."
