"""What the tests of fetching share: a small internet on loopback.

127.0.0.2 plays the one public address, and every name that a test uses leads there; 127.0.0.1 is
the private host that must never be contacted. The real predicate refuses both: `test_guard.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest

from feedmirror.adapters.origin.address_guard import LookUp
from feedmirror.adapters.origin.client import HttpOrigin
from feedmirror.errors import FetchError
from feedmirror.model import Fetched, Subscription, Validators

PUBLIC = "127.0.0.2"
PRIVATE = "127.0.0.1"
HOST = "feeds.example"
NOW = datetime(2025, 11, 23, 12, 0, tzinfo=UTC)
TIMEOUT_S = 0.2  # of tests that wait for it


class Names:
    """A resolver that knows what a test tells it, and remembers what it was asked."""

    def __init__(self, **answers: Sequence[str]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.get(host, (PUBLIC,))


def is_public(address: str) -> bool:
    return address == PUBLIC


def make_origin(names: LookUp | None = None, **changes) -> HttpOrigin:
    """An origin in the small internet, unless told otherwise."""
    return HttpOrigin(
        **{
            "now": lambda: NOW,
            "resolve": names or Names(),
            "is_public": is_public,
            **changes,
        }
    )


def real_origin(**changes) -> HttpOrigin:
    """An origin with the resolver and the predicate that are used in earnest."""
    return HttpOrigin(**{"now": lambda: NOW, **changes})


def subscription(url: str, **changes) -> Subscription:
    return Subscription("news", url, **{"timeout_s": 5.0, **changes})


def fetch(url: str, known: Mapping[str, Validators] | None = None, **changes):
    """What the configured URL yields, with a fresh HttpOrigin."""
    return make_origin().fetch(subscription(url, **changes), url, known or {})


def fetched(url: str, **changes) -> Fetched:
    result = fetch(url, **changes)
    assert isinstance(result, Fetched)
    return result


def failure(url: str, *, origin: HttpOrigin | None = None, **changes) -> FetchError:
    """The error that fetching the configured URL ends in."""
    with pytest.raises(FetchError) as caught:
        (origin or make_origin()).fetch(subscription(url, **changes), url, {})
    message = str(caught.value)
    assert message.endswith(".")
    assert message.isprintable()
    return caught.value
