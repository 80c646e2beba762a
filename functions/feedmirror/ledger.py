"""The write-ahead log of a feed in a store: load it, commit to it, carry out what it says.

Everything after a commit may be done twice, by several runs at once, or late by one that was
thought dead: entries are create-only, documents are replaced only on the ETag they were found with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b, sha256

from feedmirror.core import record
from feedmirror.core import state as states
from feedmirror.core.disclaimer import Disclaimed, attach, attach_to_feed
from feedmirror.core.formats import Format, Publication, alternates, formats
from feedmirror.core.state import Published, State
from feedmirror.errors import RenderError, StateError, StoreError
from feedmirror.model import Revision, Subscription
from feedmirror.ports import Store

_SCHEMA = re.compile(rb'\s*{\s*"schema":\s*([0-9]{1,9})\b')  # how every state begins
_ATTEMPTS = 8  # at a write that others keep winning, before giving up until the next refresh


def is_newer(body: bytes) -> bool:
    """Whether a newer version wrote that state, in whatever shape it is now."""
    schema = _SCHEMA.match(body)
    return schema is not None and int(schema[1]) > states.SCHEMA


@dataclass(frozen=True, slots=True)
class Held:
    """A state as it was loaded or committed."""

    state: State
    etag: str | None  # None: there is none in the store yet


@dataclass(frozen=True, slots=True)
class Settled:
    """How a commit was carried out."""

    held: Held
    published: tuple[str, ...] = ()  # names of the documents that were written
    set_aside: tuple[str, ...] = ()  # guids of entries that could not be rendered


class Ledger:
    """One feed's log in a store."""

    def __init__(self, store: Store, subscription: Subscription, public_url: str) -> None:
        self.slug = subscription.slug
        self._store = store
        self._subscription = subscription
        self._address = f"{public_url.rstrip('/')}/{self.slug}"
        self._key = f"data/{self.slug}/state.json"

    def load(self) -> Held:
        """The state as the store has it, or an empty one. Raises: StoreError, StateError."""
        stored = self._store.load(self._key)
        if stored is None:
            return Held(State(url=self._subscription.url), None)
        return Held(states.load(stored.body, self._key), stored.etag)

    def salvage(self) -> tuple[State | None, str | None]:
        """The state, or None where there is none or it is damaged; the ETag of whatever is there.

        Raises: StoreError; StateError if a newer version wrote it, in whatever shape it is now.
        """
        stored = self._store.load(self._key)
        if stored is None:
            return None, None
        try:
            state = states.load(stored.body, self._key)
            len(state.window)  # to have it read
        except (StateError, ValueError, TypeError, LookupError, AttributeError):
            if is_newer(stored.body):
                raise StateError(
                    f"{self._key} was written by a newer feedmirror: update feedmirror; nothing "
                    "was changed"
                ) from None
            return None, stored.etag
        return state, stored.etag

    def commit(self, held: Held, state: State) -> Held | None:
        """The state as it stands in the store now, or None if another run was quicker."""
        body = states.dump(state)
        if held.etag is None:
            etag = self._store.create(self._key, body)
        else:
            etag = self._store.replace(self._key, body, held.etag)
        return Held(state, etag) if etag else None

    def store_entries(self, state: State) -> None:
        """Store the entries that are pending; those that are there already stay as they are."""
        for revision in state.pending:
            assert state.feed is not None  # noqa: S101 - entries come with the feed they stand in
            notice = attach(revision, self._subscription, state.feed).notice_html
            noted = replace(revision, disclaimer=notice)
            key = record.key_of(self.slug, revision.key, revision.digest)
            self._store.create(key, record.dump(self.slug, noted, state.feed))

    def settle(self, held: Held) -> Settled:
        """The state with all that it commits to carried out, and its documents up to date.

        Also when nothing new was fetched: a new format, or a changed disclaimer, reaches readers
        here. What changes without a commit of its own gets one first.
        """
        for _ in range(_ATTEMPTS):
            stale = self._stale(held.state)
            if held.state.settled and not stale:
                return Settled(held)
            if held.state.settled:
                bumped = replace(held.state, generation=held.state.generation + 1, settled=False)
                held = self.commit(held, bumped) or self.load()
                continue
            settled = self._carry_out(held, stale)
            if settled is not None:
                return settled
            held = self.load()
        raise StoreError(f"{self._key} is written by others all the time; the next refresh goes on")

    def _carry_out(self, held: Held, stale: tuple[Format, ...]) -> Settled | None:
        """The state marked done, or None if another run has gone on from it."""
        self.store_entries(held.state)
        documents = dict(held.state.documents)
        published: list[str] = []
        aside: dict[str, str] = {}  # guids by key
        for made, document, unfit in self._rendered(stale, held.state):
            aside |= {revision.key: revision.guid for revision in unfit}
            known = documents.get(made.name)
            digest = sha256(document.encode()).hexdigest()[:32]
            etag = known.etag if known else None
            if known is None or known.digest != digest:
                etag = self._publish(made, document, held, etag)
                published.append(made.name)
            if etag is None:
                return None
            documents[made.name] = Published(etag, digest, self._recipe(made, held.state))
        done = replace(
            held.state,
            documents=documents,
            pending=(),
            settled=True,
            set_aside=tuple(aside),
        )
        marked = self.commit(held, done)
        return Settled(marked, tuple(published), tuple(aside.values())) if marked else None

    # ------------------------------------------------------------ documents

    def _stale(self, state: State) -> tuple[Format, ...]:
        """The formats whose documents were rendered from something else than what holds now."""
        if state.feed is None:
            return ()
        return tuple(
            made
            for made in formats()
            if made.name not in state.documents
            or state.documents[made.name].recipe != self._recipe(made, state)
        )

    def _recipe(self, made: Format, state: State) -> str:
        """A digest of all that a document depends on."""
        subscription = self._subscription
        parts = (
            made.version,
            state.generation,
            self._address,
            subscription.title,
            subscription.url,
            subscription.every_s,
            asdict(subscription.disclaimer),
            tuple(other.name for other in alternates(made.name)),  # that it links to
        )
        return blake2b(repr(parts).encode(), digest_size=8).hexdigest()

    def _rendered(
        self, stale: tuple[Format, ...], state: State
    ) -> Iterator[tuple[Format, str, tuple[Revision, ...]]]:
        """Each format with its document, and the entries that had to be left out of it since they
        cannot be rendered. Raises: RenderError if it is no single entry's fault.
        """
        if not stale:
            return
        publication = self._publication(state)
        for made in stale:
            document, error = _attempt(made, publication)
            unfit: tuple[Revision, ...] = ()
            if error is not None:
                document, unfit = _without_the_unfit(made, publication)
            yield made, document, unfit

    def _publication(self, state: State) -> Publication:
        """What all formats are rendered from: the disclaimer is attached once for all of them."""
        assert state.feed is not None and state.changed_at is not None  # noqa: S101, PT018
        feed, subscription = state.feed, self._subscription
        return Publication(
            subscription,
            feed,
            tuple(attach(revision, subscription, feed) for revision in state.window),
            attach_to_feed(feed, subscription, state.changed_at),
            state.changed_at,
            self._address,
        )

    def _publish(self, made: Format, document: str, held: Held, etag: str | None) -> str | None:
        """The ETag of the document after it was written, or None if this run has been overtaken.

        A write that is refused may have been our own, its answer lost; or another run's. Whoever
        finds that its generation is still the one in force goes by what is really there.
        """
        key = f"public/{self.slug}/{made.name}"
        body = made.stamp(document, held.state.generation).encode()
        for _ in range(_ATTEMPTS):
            if etag is None:
                written = self._store.create(key, body, made.media_type)
            else:
                written = self._store.replace(key, body, etag, made.media_type)
            if written is not None:
                return written
            found = self._store.load(key)
            if found is not None and found.body == body:
                return found.etag
            if self.load().state.generation != held.state.generation:
                return None
            etag = found.etag if found else None
        raise StoreError(f"{key} is written by others all the time; the next refresh goes on")


def _attempt(made: Format, publication: Publication) -> tuple[str, RenderError | None]:
    """The document, and what forbids to publish it."""
    document = made.render(publication)
    try:
        made.verify(document.encode("utf-8", "surrogatepass"), publication)
    except RenderError as error:
        return document, error
    return document, None


def _without_the_unfit(made: Format, publication: Publication) -> tuple[str, tuple[Revision, ...]]:
    """The document of the entries that can be rendered, and the others. Raises: RenderError."""

    def is_fit(entry: Disclaimed) -> bool:
        return _attempt(made, replace(publication, entries=(entry,)))[1] is None

    fit = {entry.revision.key: is_fit(entry) for entry in publication.entries}
    kept = tuple(entry for entry in publication.entries if fit[entry.revision.key])
    document, error = _attempt(made, replace(publication, entries=kept))
    if error is not None:
        raise error
    return document, tuple(e.revision for e in publication.entries if not fit[e.revision.key])
