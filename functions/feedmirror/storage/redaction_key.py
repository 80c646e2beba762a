"""The key of a store that digests of secrets are made with: private, and made once."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import cast

from feedmirror.errors import StoreError
from feedmirror.layout import REDACTION_KEY
from feedmirror.ports import Store

_BYTES = 32


def _key_of(store: Store) -> bytes:
    """The key, made if there is none yet. Raises: StoreError."""
    stored = store.load(REDACTION_KEY)
    if stored is None:
        from secrets import token_bytes  # noqa: PLC0415 - once in the life of a store

        made = token_bytes(_BYTES)
        if store.create(REDACTION_KEY, made, "application/octet-stream") is not None:
            return made
        stored = store.load(REDACTION_KEY)
    if stored is None or len(stored.body) != _BYTES:
        raise StoreError(f"{REDACTION_KEY} is damaged: it has to be {_BYTES} bytes; restore it")
    return stored.body


# Read once for each store and process, so that a feed of which nothing is new costs no read more.
redaction_key = cast("Callable[[Store], bytes]", lru_cache(maxsize=8)(_key_of))
