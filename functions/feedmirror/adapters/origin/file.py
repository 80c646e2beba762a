"""A feed in a local file, for the command line only: a deployed function never reads one."""

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
    """Files as the origin of feeds."""

    def fetch(
        self,
        subscription: Subscription,
        url: str,
        validators: Mapping[str, Validators],  # noqa: ARG002 - a file has none; the protocol has
    ) -> Fetched:
        """The document at `url`, a path or a `file:` URI; `Fetched.url` is the `file:` URI.

        Only regular files are read, and links to them: a directory holds no feed, and a pipe or
        a device would block for ever.
        Raises: FetchError (FILE, TOO_LARGE, EMPTY).
        """
        path = _path_of(url)
        body = _read(path, subscription.max_bytes)
        if not body:
            raise FetchError(Kind.EMPTY, f"The file {_shown(path)} is empty.")
        return Fetched(url=path.absolute().as_uri(), body=body)


def _path_of(url: str) -> Path:
    """The path that is meant. Source: RFC 8089 §2, which knows `file:/x` and `file:///x`."""
    if not url.lower().startswith("file:"):
        return Path(url)
    match = _FILE_URI.fullmatch(url)
    if not match:
        raise FetchError(Kind.FILE, f"{url!a} is not the address of a file on this machine.")
    return Path(unquote(match[1], errors="surrogateescape"))


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        # Not blocking, so that even a pipe put there this very moment does not hold us up.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise FetchError(Kind.FILE, f"{_shown(path)} is not a file that can be read.")
            body = file.read(max_bytes + 1)  # whatever its size is said to be: it may grow
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
