"""Validators of an address: what an answer changes of them, and when that alone is written.

New validators that come without news are written at once, so that the next poll can be answered
with 304. Of an origin that changes them at every poll, three changes in a day are written, then
one an hour.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from feedmirror.mirror.flapping import DAY_S, followed, may_follow
from feedmirror.mirror.state import Address, State
from feedmirror.model import Validators

_SPACING_S = 3_600
_NONE = Validators()


class Heard(Struct, frozen=True):
    """An address before and after an answer that has no document to be read."""

    url: str
    before: Address
    after: Address


def document_digest(body: bytes) -> str:
    """Return the digest by which a document is known that was applied before."""
    return sha256(body).hexdigest()[:32]


def after_document(known: Address | None, validators: Validators, digest: str) -> Address:
    """Return the address after a whole document with that digest of its body."""
    return replace(
        known or Address(),
        etag=validators.etag,
        last_modified=validators.last_modified,
        digest=digest,
    )


def after_not_modified(known: Address, said: Validators, now: datetime) -> Address:
    """Return the address after a 304 that carries `said`.

    A 304 with another ETag than the one that was sent is about another document: its validators
    are never taken over. The known ones are dropped instead, once a day at most, so the next
    request is unconditional. Source: RFC 9111 §4.3.4, RFC 9110 §8.8.3.2 (weak comparison).
    """
    if said.etag is None or (known.etag and _opaque(said.etag) == _opaque(known.etag)):
        weak = said.etag if said.etag and said.etag.startswith("W/") else None
        return replace(
            known,
            etag=weak or known.etag,
            last_modified=said.last_modified or known.last_modified,
        )
    moment = int(now.timestamp())
    since_drop_s = moment - (known.dropped_at_s or 0)
    if known.etag is None or 0 <= since_drop_s < DAY_S:
        return known
    return replace(known, etag=None, last_modified=None, dropped_at_s=moment)


def worth_a_write(before: Address | None, after: Address | None, now: datetime) -> Address | None:
    """Return `after` as it is to be written for its validators alone; None if it is not, or later.

    Validators that are missing from an answer are no reason to write.
    """
    before, after = before or Address(), after or Address()
    if after.dropped_at_s != before.dropped_at_s:
        return after
    if after.validators in (_NONE, before.validators):
        return None
    # Without any, every request would be unconditional until the next one is due.
    if before.validators != _NONE and not may_follow(before.changes, now, _SPACING_S):
        return None
    return replace(after, changes=followed(before.changes, now))


def with_validators(state: State, heard: Heard, now: datetime) -> State:
    """Return the state with the validators that are worth a write now.

    What another run has remembered of the address since the request is newer, and stays.
    """
    if state.addresses.get(heard.url) != heard.before:
        return state
    address = worth_a_write(heard.before, heard.after, now)
    if address is None:
        return state
    return replace(state, addresses={**state.addresses, heard.url: address})


def _opaque(etag: str) -> str:
    return etag.removeprefix("W/")
