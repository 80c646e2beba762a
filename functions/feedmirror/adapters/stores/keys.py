"""Validate keys, key prefixes and object sizes, the same for every store."""

from __future__ import annotations

import re

from feedmirror.errors import ObjectError, StoreError

MOST_BYTES = 256 * 1024 * 1024  # of an object; objects are read into memory as a whole

_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}"  # 255 bytes: the longest name of a file
_KEY = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_KEY_BYTES = 1024  # the longest key of S3, so that every store accepts the same keys


def split_key(operation: str, key: str) -> list[str]:
    """Return the `/`-separated segments of the key. Raises: StoreError for an invalid key."""
    if not is_key(key):
        raise StoreError(f"{operation} {key[:_KEY_BYTES]!r}: not a key")
    return key.split("/")


def check_size(operation: str, key: str, size_bytes: int) -> None:
    """Raises: ObjectError for an object of more than MOST_BYTES."""
    if size_bytes > MOST_BYTES:
        limit = f"{size_bytes:,} bytes, of {MOST_BYTES:,} at most"
        raise ObjectError(f"{operation} {key!r}: the object is too large: {limit}")


def split_prefix(prefix: str) -> list[str]:
    """Return the segments of a prefix of keys, which is empty or ends with a slash.

    Raises: StoreError for an invalid prefix.
    """
    if not prefix:
        return []
    if not prefix.endswith("/") or not is_key(prefix[:-1]):
        raise StoreError(f"list {prefix!r}: not the beginning of keys")
    return prefix[:-1].split("/")


def is_key(text: str) -> bool:
    """True if every store accepts `text` as a key."""
    return len(text) <= _KEY_BYTES and _KEY.fullmatch(text) is not None
