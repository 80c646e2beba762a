"""Restore an entry that was hidden; or release one that is left out for looking like a removed one.

A hidden entry comes back by a commit like any other, after its records: whoever dies in between has
restored nothing, and `restore` may be repeated until it says that it is done.
"""

from __future__ import annotations

from datetime import datetime
from functools import reduce

from msgspec import Struct
from msgspec.structs import replace

from feedmirror.errors import StoreError
from feedmirror.layout import state_key
from feedmirror.mirror.deployment import Deployment
from feedmirror.mirror.removal import released
from feedmirror.mirror.restoration import restored_in
from feedmirror.mirror.tombstone import Logged, Tombstone
from feedmirror.model import Subscription
from feedmirror.ports import Store
from feedmirror.storage.hidden import kept_revisions, put_back
from feedmirror.storage.objects import ATTEMPTS
from feedmirror.storage.removal import Remover, write_tombstone
from feedmirror.storage.wal import StateLog, apply_whole
from feedmirror.takedown import Plan, Takedown


def is_hidden(store: Store, slug: str, key: str) -> bool:
    """True if the words of an entry are kept for `restore`. Raises: StoreError."""
    return bool(kept_revisions(store, slug, key))


def restore(work: Takedown, key: str, *, by: str, now: datetime) -> None:
    """Bring back an entry that was hidden. Raises: StoreError, StateError, RenderError."""
    log, store = work.log, work.store
    for _ in range(ATTEMPTS):
        plan, revisions = work.plan(key), kept_revisions(store, log.slug, key)
        if plan and plan.held.state.removing:  # by one who has died since
            apply_whole(log, plan.held, now)
            continue
        if plan is None or plan.before is None or not plan.before.is_hidden or not revisions:
            raise StoreError(f"{key} of {log.slug} is not hidden: there is nothing to restore")
        state = restored_in(plan.held.state, key, revisions, now)
        put_back(store, log.slug, key)
        buried = _restored(plan, state.generation, by, now)
        write_tombstone(store, log.slug, buried)
        held = log.commit(plan.held, state)
        if held is not None:
            apply_whole(log, held, now)
            Remover(store, log.publisher, work.side_by_side).replace_pages(buried, held.state)
            return
    raise StoreError(
        f"{state_key(log.slug)} is written by others all the time: nothing was restored"
    )


def _restored(plan: Plan, generation: int, by: str, now: datetime) -> Tombstone:
    assert plan.before is not None  # noqa: S101 - the caller has looked
    logged = Logged(at=now, by=by, action="restore", objects=plan.objects)
    return replace(
        plan.before,
        is_restored=True,
        generation=generation,
        archive_pages=plan.archive_pages,
        likenesses=(),
        log=(*plan.before.log, logged),
    )


class Released(Struct, frozen=True):
    """Result of releasing entries, by their keys."""

    released: tuple[str, ...]
    purged: tuple[str, ...]  # those that were taken down themselves
    unknown: tuple[str, ...]


def release(store: Store, slug: str, keys: tuple[str, ...], now: datetime) -> Released:
    """Release entries that are left out since they look like ones that were taken down.

    Raises: StoreError, StateError.
    """
    log = StateLog(store, Subscription(slug, ""), "", Deployment)
    for _ in range(ATTEMPTS):
        held = log.load(now)
        there = set(held.state.withheld.values())
        found = tuple(key for key in keys if key in there)
        purged = tuple(key for key in keys if key in held.state.removed)
        unknown = tuple(key for key in keys if key not in {*found, *purged})
        state = reduce(released, found, held.state)
        if not found or log.save(held, state):
            return Released(found, purged, unknown)
    raise StoreError(f"{state_key(slug)} is written by others all the time: nothing was released")
