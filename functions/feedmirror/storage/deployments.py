"""Record of the deployments of a store: which build, or rebuild, is the newest one.

The number of the newest is larger than that of any earlier one, also where the record was lost: it
is at least the time in seconds since 1970. It changes by compare-and-swap only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Struct, field, json
from msgspec.structs import replace

from feedmirror.layout import DEPLOYMENTS, RECORD_TYPE
from feedmirror.mirror import codec
from feedmirror.mirror.deployment import SUPERSEDED, Deployment
from feedmirror.model import Count, Stored, require_utc
from feedmirror.ports import Store
from feedmirror.ports import Stored as StoredObject
from feedmirror.storage.objects import update

_SCHEMA = 1
_KEPT = 20  # builds, the newest


class Build(Stored, frozen=True):
    """A build that was deployed."""

    number: Count
    at: datetime  # when it was first seen to run

    def __post_init__(self) -> None:
        require_utc(self.at)


class Deployments(Struct, frozen=True, omit_defaults=True, tag_field="schema", tag=_SCHEMA):
    """The record as it is stored."""

    newest: Count = 0  # number of the newest deploy or rebuild
    builds: Mapping[str, Build] = field(default_factory=dict)  # by id; the last ones

    @property
    def last_build(self) -> str | None:
        """Return the id of the build that was deployed last."""
        return max(self.builds, key=lambda build: self.builds[build].number, default=None)

    def of_build(self, build: str) -> Deployment:
        """Return the deployment of a build: its number and the time it was deployed."""
        if build != self.last_build:
            return Deployment(SUPERSEDED)
        return Deployment(self.builds[build].number, configured_at=self.builds[build].at)


def load_deployments(store: Store) -> Deployments:
    """Load the record; an empty one where it is missing or damaged.

    Raises: StoreError; StateError if a newer version wrote it.
    """
    return _parsed(store.load(DEPLOYMENTS))


def deploy_build(store: Store, build: str, now: datetime) -> Deployments:
    """Make a build the newest deployment, unless it is the last build already; return the record.

    Raises: StoreError.
    """
    return _update(
        store, lambda record: None if record.last_build == build else _with(record, build, now)
    )


def deployment_of(store: Store, build: str, now: datetime) -> Deployment:
    """Return the deployment of a build, which becomes the first one where none was deployed yet.

    Raises: StoreError; StateError if a newer version wrote the record.
    """
    record = load_deployments(store)
    if record.last_build is None:
        record = _update(store, lambda found: None if found.builds else _with(found, build, now))
    return record.of_build(build)


def deploy_rebuild(store: Store, now: datetime) -> Deployment:
    """Make a rebuild the newest deployment; return its number and time. Raises: StoreError."""
    record = _update(store, lambda record: replace(record, newest=_next(record, now)))
    return Deployment(record.newest, configured_at=now)


def _with(record: Deployments, build: str, now: datetime) -> Deployments:
    """Return the record with a build as the newest deployment."""
    number = _next(record, now)
    builds = {**record.builds, build: Build(number, now)}
    last = sorted(builds, key=lambda one: builds[one].number)[-_KEPT:]
    return Deployments(number, {one: builds[one] for one in last})


def _next(record: Deployments, now: datetime) -> int:
    return max(record.newest + 1, int(now.timestamp()))


def _update(store: Store, change: Callable[[Deployments], Deployments | None]) -> Deployments:
    """Store what `change` returns of the record as it is; return the record that is then stored."""
    record = Deployments()

    def make(found: StoredObject | None) -> bytes | None:
        nonlocal record
        before = _parsed(found)
        changed = change(before)
        record = changed or before
        return json.encode(changed) if changed else None

    update(store, DEPLOYMENTS, RECORD_TYPE, make)
    return record


def _parsed(found: StoredObject | None) -> Deployments:
    try:
        return codec.load(found.body, Deployments, _SCHEMA, DEPLOYMENTS) if found else Deployments()
    except ValueError:
        return Deployments()
