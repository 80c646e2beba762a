"""What comes from outside, made fit for a log and for anybody's eyes."""

from __future__ import annotations

import re

from feedmirror.model import Subscription

_HIDDEN = "***"
_USERINFO = re.compile(r"(://)[^\s/?#@]*@")
# Parameters of a query that are usually secret; the others stay, they tell feeds apart.
_SECRET_PARAMETER = re.compile(
    r"([?&](?:access_token|api_?key|auth|key|passw(?:or)?d|secret|sig|signature|token|"
    r"x-amz-(?:credential|security-token|signature))=)[^&#\s\"'<>]+",
    re.IGNORECASE,
)
_LONGEST = 4_000  # characters; CloudWatch takes 256 KB a line
_SECRET_CHARS = 6  # a shorter value of a header is no secret, and may be part of any word


def redacted(text: str, subscription: Subscription) -> str:
    """The text without names and passwords in addresses, secret parameters of queries, and
    values of the headers that are sent along.
    """
    for value in subscription.headers.values():
        # "Bearer abc" may turn up whole, or only its latter part.
        for secret in (value, value.rpartition(" ")[2]):
            if len(secret) >= _SECRET_CHARS:
                text = text.replace(secret, _HIDDEN)
    text = _USERINFO.sub(rf"\1{_HIDDEN}@", text)
    return _SECRET_PARAMETER.sub(rf"\1{_HIDDEN}", text)


def printable(text: str) -> str:
    """The text on one line, nothing in it that a terminal obeys or that turns its direction.

    What is longer than anybody reads, an id of megabytes say, ends in dots.
    """
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return "".join(c if c.isprintable() else "\ufffd" for c in " ".join(shown.split()))
