"""Redaction and escaping of texts from outside, for logs and terminals."""

from __future__ import annotations

from feedmirror.model import Subscription
from feedmirror.text.secrets import hidden, secrets_of

_LONGEST = 4_000  # characters; CloudWatch takes 256 KB a line


def redacted(text: str, subscription: Subscription) -> str:
    """Return the text without secrets: those of the subscription, and in any address user names,
    passwords and values of secret parameters.
    """
    return hidden(text, secrets_of(subscription))


def printable_text(text: str) -> str:
    """Return the text on one line, without control characters and bidirectional overrides.

    A text over 4,000 characters is cut and ends in dots: an origin may send an id of megabytes.
    """
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return "".join(c if c.isprintable() else "\ufffd" for c in " ".join(shown.split()))
