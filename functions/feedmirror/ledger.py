"""The write-ahead log of a feed in a store: load it, commit to it, carry out what it says.

Everything after a commit may be done twice, by several runs at once, or late by one that was
thought dead: entries are create-only, documents are replaced only on the ETag they were found with.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from feedmirror.core import state as states
from feedmirror.core.record import folder
from feedmirror.core.state import LEAP, State
from feedmirror.errors import ObjectError, StateError, StoreError
from feedmirror.model import Subscription
from feedmirror.ports import Store
from feedmirror.publisher import Publisher

_SCHEMA = re.compile(rb'\s*{\s*"schema":\s*([0-9]{1,9})\b')  # how every state begins
_ATTEMPTS = 8  # at a write that others keep winning, before giving up until the next refresh


def is_newer(body: bytes) -> bool:
    """Whether a newer version wrote that state, in whatever shape it is now."""
    schema = _SCHEMA.match(body)
    return schema is not None and int(schema[1]) > states.SCHEMA


def has_entries(store: Store, slug: str) -> bool:
    """Return whether any entry of the feed is stored: one listing. Raises: StoreError."""
    return next(iter(store.keys(folder(slug))), None) is not None


def why_missing(slug: str) -> str:
    """Return the sentence on a state that is missing though entries of the feed are stored."""
    return (
        f"data/{slug}/state.json is missing though entries of the feed are stored: nothing was "
        f"changed; run `feedmirror rebuild {slug}`"
    )


@dataclass(frozen=True, slots=True)
class Held:
    """A state as it was loaded or committed."""

    state: State
    etag: str | None  # None: there is none in the store yet

    @property
    def note(self) -> str | None:
        """What the operator has to know of how it was found, or None."""
        if self.etag is None and self.state.generation:
            return (
                "the state is missing though documents are public, and no entry is stored to make "
                "it anew from: the feed begins anew with what the origin lists"
            )
        return None


@dataclass(frozen=True, slots=True)
class Settled:
    """How a commit was carried out."""

    held: Held
    published: tuple[str, ...] = ()  # names of the documents that were written
    quarantined: tuple[str, ...] = ()  # guids of entries that could not be rendered


class Ledger:
    """One feed's log in a store."""

    def __init__(self, store: Store, subscription: Subscription, public_url: str) -> None:
        self.slug = subscription.slug
        self._store = store
        self._url = subscription.url
        self._publisher = Publisher(store, subscription, public_url)
        self._key = f"data/{self.slug}/state.json"

    def load(self) -> Held:
        """Return the state as the store has it, or an empty one where no entry is stored either.

        Raises: StoreError; StateError if the state is damaged, or missing though there are entries.
        """
        stored = self._store.load(self._key)
        if stored is None and has_entries(self._store, self.slug):
            # Entries are stored after the commit that names them: perhaps of another run just now.
            stored = self._store.load(self._key)
            if stored is None:
                raise StateError(why_missing(self.slug))
        if stored is None:  # beyond whatever was published before all of it was lost, if it was
            left = self._publisher.newest_generation()
            return Held(State(url=self._url, generation=left + LEAP if left else 0), None)
        return Held(states.load(stored.body, self._key), stored.etag)

    def salvage(self) -> tuple[State | None, str | None]:
        """The state, or None where there is none or it is damaged; the ETag of whatever is there.

        Raises: StoreError; StateError if a newer version wrote it, in whatever shape it is now.
        """
        try:
            stored = self._store.load(self._key)
        except ObjectError as error:
            if error.etag is None:
                raise
            return None, error.etag
        if stored is None:
            return None, None
        try:
            state = states.load(stored.body, self._key)
            len(state.window)  # to have it read
        except StateError:
            if is_newer(stored.body):
                raise StateError(
                    f"{self._key} was written by a newer feedmirror: update feedmirror; nothing "
                    "was changed"
                ) from None
            return None, stored.etag
        return state, stored.etag

    def commit(self, held: Held, state: State) -> Held | None:
        """The state as it stands in the store now, or None if another run was quicker.

        One whose documents are not up to date is committed with that still to be done.
        """
        if state.settled and self._publisher.stale(state):
            state = replace(state, generation=state.generation + 1, settled=False)
        body = states.dump(state)
        if held.etag is None:
            etag = self._store.create(self._key, body)
        else:
            etag = self._store.replace(self._key, body, held.etag)
        return Held(state, etag) if etag else None

    def carry_out_entries(self, state: State) -> Mapping[str, str]:
        """Store the entries that are pending, and write their pages and those that are sealed;
        guids by key of entries that could not be rendered.
        """
        self._publisher.store_entries(state)
        return self._publisher.publish_pages(state)

    def settle(self, held: Held) -> Settled:
        """The state with all that it commits to carried out, and its documents up to date.

        Also when nothing new was fetched: a new format, or a changed disclaimer, reaches readers
        here. What changes without a commit of its own gets one first.
        """
        for _ in range(_ATTEMPTS):
            if held.state.settled:
                if not self._publisher.stale(held.state):
                    return Settled(held)
                held = self.commit(held, held.state) or self.load()
                continue
            settled = self._carry_out(held)
            if settled is not None:
                return settled
            held = self.load()
        raise StoreError(f"{self._key} is written by others all the time; the next refresh goes on")

    def _carry_out(self, held: Held) -> Settled | None:
        """The state marked done, or None if another run has gone on from it."""
        unfit = self.carry_out_entries(held.state)
        generation = held.state.generation
        made = self._publisher.publish_documents(
            held.state, in_force=lambda: self.load().state.generation == generation
        )
        if made is None:
            return None
        aside = {**unfit, **made.unfit}
        done = replace(
            held.state,
            documents=made.documents,
            pending=(),
            sealing=(),
            settled=True,
            quarantined=tuple(aside),
        )
        marked = self.commit(held, done)
        return Settled(marked, made.written, tuple(aside.values())) if marked else None
