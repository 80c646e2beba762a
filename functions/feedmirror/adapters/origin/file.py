"""Feeds read from local files: by the command line only, never by a deployed function."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

from feedmirror.errors import FetchError, Kind
from feedmirror.model import Fetched, Subscription, Validators

_FILE_URI = re.compile(r"file:(?://(?:localhost)?)?(/(?!/)[^?#]*)", re.IGNORECASE)


class LocalOrigin:
    """The `Origin` of `ports.py` for local files."""

    def fetch(
        self,
        subscription: Subscription,
        url: str,
        validators: Mapping[str, Validators],  # noqa: ARG002 - part of the protocol; files have no validators
    ) -> Fetched:
        """Read the document at `url`, a path or a `file:` URI; `Fetched.url` is the `file:` URI.

        Only regular files are read, and links to regular files: a pipe or a device would block.
        Raises: FetchError (FILE, TOO_LARGE, EMPTY).
        """
        path = _path_of(url)
        body = _read(path, subscription.max_bytes)
        if not body:
            raise FetchError(Kind.EMPTY, f"The file {_shown(path)} is empty.")
        return Fetched(url=path.absolute().as_uri(), body=body)


def _path_of(url: str) -> Path:
    """Return the path of `file:/x`, `file:///x` or a plain path. Source: RFC 8089 §2."""
    if not url.lower().startswith("file:"):
        return Path(url)
    match = _FILE_URI.fullmatch(url)
    if not match:
        raise FetchError(
            Kind.FILE, f"{url!a} is not a file: URI of this machine; write file:///PATH."
        )
    return Path(unquote(match[1], errors="surrogateescape"))


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        # Non-blocking: a pipe would block the open before its type can be checked.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise FetchError(Kind.FILE, f"{_shown(path)} is not a regular file.")
            body = file.read(max_bytes + 1)  # not by its size: the file may grow meanwhile
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        message = f"The file {_shown(path)} cannot be read: {reason}."
        raise FetchError(Kind.FILE, message) from error
    if len(body) > max_bytes:
        limit = f"the {max_bytes:,} bytes that `max_bytes` allows"
        raise FetchError(Kind.TOO_LARGE, f"The file {_shown(path)} is larger than {limit}.")
    return body


def _shown(path: Path) -> str:
    text = str(path)
    return text if text.isprintable() else ascii(text)[1:-1]
