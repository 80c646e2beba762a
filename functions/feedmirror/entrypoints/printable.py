"""What comes from outside, made fit for a log and for anybody's eyes."""

from __future__ import annotations

from feedmirror.model import Subscription
from feedmirror.text.secrets import hidden, secrets_of

_LONGEST = 4_000  # characters; CloudWatch takes 256 KB a line


def redacted(text: str, subscription: Subscription) -> str:
    """The text without the subscription's secrets, and without user names, passwords and values of
    secret parameters in addresses.
    """
    return hidden(text, secrets_of(subscription))


def printable(text: str) -> str:
    """The text on one line, nothing in it that a terminal obeys or that turns its direction.

    What is longer than anybody reads, an id of megabytes say, ends in dots.
    """
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return "".join(c if c.isprintable() else "\ufffd" for c in " ".join(shown.split()))
