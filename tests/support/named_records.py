"""A store that fails the test if a record is written before the commit that names it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from feedmirror.layout import records_prefix, state_key
from feedmirror.mirror import record as records
from feedmirror.mirror import state_codec
from feedmirror.model import Revision
from feedmirror.ports import Store
from stores import _Around

T = TypeVar("T")


class NamedRecords(_Around):
    """A store of one feed, which all runs of a test share.

    Every record that is written must be pending in a state that was committed before, by whatever
    run. States that were in the store from the beginning count.
    """

    def __init__(self, inner: Store, slug: str = "news") -> None:
        super().__init__(inner)
        self.written = 0  # records
        self._slug = slug
        self._state = state_key(slug)
        self._named: set[tuple[str, str, int]] = set()
        self._note()

    def _pass(self, operation: str, key: str, perform: Callable[[], T]) -> T:
        done = perform()
        if operation in {"create", "replace"} and done is not None:
            if key == self._state:
                self._note()
            elif key.startswith(records_prefix(self._slug)):
                self._check(key)
        return done

    def _note(self) -> None:
        stored = self.inner.load(self._state)
        if stored is not None:
            pending = state_codec.load(stored.body, self._state).pending_entries
            self._named.update(map(_name, pending))

    def _check(self, key: str) -> None:
        self.written += 1
        stored = self.inner.load(key)
        assert stored is not None
        if _name(records.load(stored.body, self._slug, key).revision) not in self._named:
            # No `Exception`: the program contains those, and takes them for faults of its own.
            pytest.fail(f"{key} was written before a commit that names it")


def _name(revision: Revision) -> tuple[str, str, int]:
    return revision.key, revision.digest, revision.generation
