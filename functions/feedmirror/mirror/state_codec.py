"""JSON of a feed's state, as it is stored in `state/SLUG.json`."""

from __future__ import annotations

from msgspec import json

from feedmirror.errors import StateError
from feedmirror.mirror import codec
from feedmirror.mirror.state import SCHEMA, State
from feedmirror.mirror.window import Window


def dump(state: State) -> bytes:
    """Render the state as JSON; equal states give equal bytes."""
    return json.encode(state)


def load(body: bytes, where: str) -> State:
    """Parse what `dump` wrote. `where` is the key of the object, for error messages.

    The entries of the window are compared with their digest, and decoded only when they are used.
    Raises: StateError if the state is damaged, or was written by a newer version.
    """
    try:
        return _with_feed(codec.load(body, State, SCHEMA, where))
    except ValueError as error:
        raise StateError(
            f"{where} is damaged ({error}): nothing was changed; `feedmirror rebuild` makes it "
            "anew from the stored entries"
        ) from error


def load_known(body: bytes, where: str) -> State:
    """Parse as `load`, the known entries too. Raises: as `load`."""
    state = load(body, where)
    len(state.known_entries.by_key)
    return state


def _with_feed(state: State) -> State:
    """Return the state. Raises: ValueError if it has entries and no feed."""
    if state.feed is None and (state.pending_entries or state.window != Window()):
        raise ValueError("entries without a feed")
    return state


def is_newer(body: bytes) -> bool:
    """Return True if a newer version wrote that state, in whatever shape the state is now."""
    return (codec.schema_of(body) or 0) > SCHEMA
