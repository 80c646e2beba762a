"""Keys and sizes of objects that every store takes."""

from __future__ import annotations

import re

from feedmirror.errors import ObjectError, StoreError

MOST_BYTES = 256 * 1024 * 1024  # of an object: more than any of ours, which are read whole

_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}"  # 255 bytes: the longest name of a file
_KEY = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_KEY_BYTES = 1024  # the longest key of S3, so that whatever one store takes the other does too


def split_key(operation: str, key: str) -> list[str]:
    """The segments of the key.

    Raises: StoreError if it is none that every store can keep.
    """
    if not is_key(key):
        raise StoreError(f"{operation} {key[:_KEY_BYTES]!r}: not a key")
    return key.split("/")


def check_size(operation: str, key: str, size_bytes: int) -> None:
    """Raises: ObjectError if an object of that size is not kept."""
    if size_bytes > MOST_BYTES:
        raise ObjectError(
            f"{operation} {key!r}: it has {size_bytes:,} bytes, of {MOST_BYTES:,} at most; it is "
            "not read or written"
        )


def split_prefix(prefix: str) -> list[str]:
    """The segments of the beginning of keys: empty, or ending with a slash.

    Raises: StoreError if no key begins so.
    """
    if not prefix:
        return []
    if not prefix.endswith("/") or not is_key(prefix[:-1]):
        raise StoreError(f"list {prefix!r}: not the beginning of keys")
    return prefix[:-1].split("/")


def is_key(text: str) -> bool:
    """Whether every store can keep an object under it."""
    return len(text) <= _KEY_BYTES and _KEY.fullmatch(text) is not None
