"""The page of a feed that is no longer configured: it says so, since nobody refreshes it any more.

First the state says that the page is not the one that was rendered, then the page is written. So
whatever is interrupted, a feed that is configured again has its page rendered anew.
"""

from __future__ import annotations

from dataclasses import replace

from feedmirror.core import state as states
from feedmirror.core.formats.html import retired
from feedmirror.core.site import INDEX, MEDIA_TYPES
from feedmirror.core.state import Published, State
from feedmirror.ports import Store

# In place of the page's digest and recipe: no page that is rendered has them.
_RETIRING = "retiring"
_RETIRED = "retired"


def retire_page(store: Store, slug: str, state: State, etag: str) -> bool:
    """Whether the page was written: not if it says so already, nor if there is none. If another
    run writes the state or the page at the same time, the next call goes on. `etag` is that of the
    stored state. Raises: StoreError.
    """
    page = state.documents.get(INDEX)
    if page is None or (page.recipe == _RETIRED and _is_in_force(store, slug, state)):
        return False
    if page.recipe != _RETIRING:
        state = _noting(state, Published(page.etag, _RETIRING, _RETIRING))
        claimed = _commit(store, slug, state, etag)
        if claimed is None:
            return False
        etag = claimed
    key = f"public/{slug}/{INDEX}"
    found = store.load(key)
    if found is None:  # somebody has removed it
        _commit(store, slug, _noting(state, None), etag)
        return False
    body = _retired(found.body)
    is_new = body != found.body
    written = store.replace(key, body, found.etag, MEDIA_TYPES[INDEX]) if is_new else found.etag
    if written is None:
        return False
    _commit(store, slug, _noting(state, Published(written, _RETIRED, _RETIRED)), etag)
    return is_new


def _is_in_force(store: Store, slug: str, state: State) -> bool:
    """Whether the page is as the state says: a refresh that died may have written another one."""
    found = None if state.settled else store.load(f"public/{slug}/{INDEX}")
    return found is None or _retired(found.body) == found.body


def _retired(page: bytes) -> bytes:
    # Whatever it is that is there, nothing else in it changes.
    return retired(page.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _noting(state: State, page: Published | None) -> State:
    """The state with what is to be remembered of the page."""
    others = {name: known for name, known in state.documents.items() if name != INDEX}
    return replace(state, documents={**others, INDEX: page} if page else others)


def _commit(store: Store, slug: str, state: State, etag: str) -> str | None:
    """The new ETag of the state, or None if another run was quicker."""
    # Not as the ledger of a refresh does it, which would find all documents out of date.
    return store.replace(f"data/{slug}/state.json", states.dump(state), etag)
