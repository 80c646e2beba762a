"""Feeds read from local files: by the command line only, never by a deployed function."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from feedmirror.errors import FetchError, Kind
from feedmirror.model import Fetched, Gone, NotModified, Subscription, Validators
from feedmirror.ports import Origin


class FileOrigin(Struct, frozen=True):
    """The `Origin` of `ports.py` for local files; all other feeds are fetched from the web."""

    files: Mapping[str, Path]  # by the address that stands for each
    web: Origin

    def fetch(
        self, subscription: Subscription, url: str, validators: Mapping[str, Validators]
    ) -> Fetched | NotModified | Gone:
        """Fetch the document at `url`. Files have no validators.

        Only regular files are read, and links to regular files: a pipe or a device would block.
        Raises: FetchError; for a file FILE, TOO_LARGE, EMPTY.
        """
        if url not in self.files:
            return self.web.fetch(subscription, url, validators)
        path = self.files[url]
        body = _read(path, subscription.max_bytes)
        if not body:
            raise FetchError(Kind.EMPTY, f"The file {_shown(path)} is empty.")
        return Fetched(url=url, body=body)


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
