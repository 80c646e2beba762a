"""What a failure of S3, or on the way to it, means: a cause, and what to do about it."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigNotFound,
    ConfigParseError,
    ConnectionError,  # noqa: A004 - only here, and botocore's own is meant
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

from feedmirror.adapters.stores.s3_object import DamagedError

FAILURES = (BotoCoreError, ClientError, ResponseParserError, HTTPError, TimeoutError, DamagedError)
"""All that a request raises: botocore's two roots and a stray; then, of a body: cut off, without
an end, damaged."""

_LONGEST = 400  # characters of what AWS says; a page of HTML from something else is cut here

_DENIED = (
    "access is denied; allow s3:GetObject and s3:PutObject on the bucket's objects, and "
    "s3:ListBucket on the bucket, without which S3 says this of missing objects too"
)
_EXPIRED = "the credentials have expired; get new ones, for example with `aws sso login`"
_MISSING = (
    "there are no credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
    "or give what runs this a role"
)
_UNKNOWN = "AWS does not accept the credentials; check the access key, its secret and its token"
_TROUBLE = "S3 is in trouble; nothing can be done here but wait for the next refresh"
_BUSY = "S3 asks us to slow down; the next refresh goes on, fewer at once help"
_ELSEWHERE = "the bucket is in another region; set AWS_REGION to"
_CONTESTED = "others are writing to it at the same time; the next refresh goes on"

_BY_CODE = {
    "AccessDenied": _DENIED,
    "AllAccessDisabled": _DENIED,
    "ConditionalRequestConflict": _CONTESTED,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "TokenRefreshRequired": _EXPIRED,
    "InvalidAccessKeyId": _UNKNOWN,
    "InvalidToken": _UNKNOWN,
    "SignatureDoesNotMatch": _UNKNOWN,
    "InvalidObjectState": "it was moved to an archive; restore it, and leave `data/` and "
    "`public/` out of what the bucket's lifecycle moves there",
    "NoSuchBucket": "there is no such bucket; create it, or correct its name",
    "RequestTimeTooSkewed": "this machine's clock is wrong; set it",
    "SlowDown": _BUSY,
}
_ELSEWHERE_CODES = {
    "AuthorizationHeaderMalformed",  # signed for a region that is not the bucket's
    "IllegalLocationConstraintException",
    "PermanentRedirect",
    "TemporaryRedirect",
}
_BY_STATUS = {301: _ELSEWHERE, 307: _ELSEWHERE, 401: _DENIED, 403: _DENIED, 429: _BUSY, 503: _BUSY}

# The first that fits counts: a failure of TLS is a failure of the connection too.
_BY_TYPE: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    (
        (NoCredentialsError, PartialCredentialsError),
        _MISSING,
    ),
    ((CredentialRetrievalError, SSOError, TokenRetrievalError), _EXPIRED),
    (
        (ConfigNotFound, ConfigParseError, ProfileNotFound),
        "the AWS configuration cannot be used; correct AWS_PROFILE or the file",
    ),
    ((ParamValidationError,), "no bucket can have that name; correct it"),
    ((SSLError,), "TLS fails; check the clock and the certificates (AWS_CA_BUNDLE)"),
    (
        (ConnectionError, HTTPClientError),
        "S3 does not answer; check the network, the region and the endpoint, else wait",
    ),
    (
        (HTTPError, TimeoutError),
        "what it sends is cut off or too slow; check the network, else wait",
    ),
    ((ResponseParserError,), "that is no answer of S3; check the endpoint"),
    ((DamagedError,), "it is damaged; restore an older version of the object"),
)


def explain(error: Exception) -> str:
    """The cause, what to do about it and, in brackets, what AWS or botocore said."""
    if isinstance(error, ClientError):
        return f"{_advice(error)} ({_said(error)})"
    advice = next((advice for types, advice in _BY_TYPE if isinstance(error, types)), None)
    said = f"{type(error).__name__}: {_one_line(str(error))}"
    return f"{advice} ({said})" if advice else said


def code_of(error: ClientError) -> str:
    """The code of S3's error, or the status of an answer without one, as text."""
    return error.response.get("Error", {}).get("Code", "")


def status_of(error: ClientError) -> int:
    """The HTTP status of the answer."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def was_repeated(error: ClientError) -> bool:
    """Whether botocore had sent the request before, and got no answer or a bad one."""
    return error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0


def _advice(error: ClientError) -> str:
    code, status = code_of(error), status_of(error)
    advice = _BY_CODE.get(code) or _BY_STATUS.get(status)
    if code in _ELSEWHERE_CODES or advice == _ELSEWHERE:
        return f"{_ELSEWHERE} {_region(error) or 'its region'}"
    return advice or (_TROUBLE if status >= 500 else "S3 refuses it")


def _region(error: ClientError) -> str | None:
    """Where the bucket is, if S3 tells."""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    told: Any = error.response.get("Error", {})
    region: str | None = headers.get("x-amz-bucket-region") or told.get("Region")
    return region


def _said(error: ClientError) -> str:
    metadata = error.response.get("ResponseMetadata", {})
    message = error.response.get("Error", {}).get("Message") or "no message"
    repeats = metadata.get("RetryAttempts", 0)
    parts = [f"{error.operation_name}: HTTP {status_of(error)} {code_of(error)}: {message}"]
    if repeats:
        parts.append(f"{repeats + 1} attempts")
    if metadata.get("RequestId"):
        parts.append(f"request {metadata['RequestId']}")
    return _one_line("; ".join(parts))


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
