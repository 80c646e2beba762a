"""Writes to a store on the condition that nobody else wrote in between (compare-and-swap)."""

from __future__ import annotations

from collections.abc import Callable

from feedmirror.errors import StoreError
from feedmirror.model import Document
from feedmirror.ports import Store, Stored

ATTEMPTS = 8  # at a write that other runs keep winning, before this one gives up


def put(store: Store, document: Document, etag: str | None) -> str | None:
    """Write the document over the object with that ETag, or as a new object where `etag` is None.

    Return the new ETag, or None where the store holds something else: nothing was written then.
    """
    if etag is None:
        return store.create(document.key, document.body, document.media_type)
    return store.replace(document.key, document.body, etag, document.media_type)


def update(
    store: Store, key: str, media_type: str, make: Callable[[Stored | None], bytes | None]
) -> str | None:
    """Write the bytes that `make` returns for the object as it is, over just that object.

    `make` is called again with what another run wrote meanwhile. Return the ETag of the object
    that has those bytes, or None where `make` returned None: it is to stay as it is.
    Raises: StoreError, also where other runs win `ATTEMPTS` times in a row.
    """
    for _ in range(ATTEMPTS):
        found = store.load(key)
        body = make(found)
        if body is None:
            return None
        if found is not None and found.body == body:  # perhaps by this run, its answer lost
            return found.etag
        etag = put(store, Document(key, body, media_type), found.etag if found else None)
        if etag is not None:
            return etag
    raise StoreError(f"{key} is written by others all the time; the next refresh goes on")
