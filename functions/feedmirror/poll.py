"""Poll of a feed by what the feed index knows of it, before its state is loaded.

Most polls bring no news. Of a feed that is well, the index knows enough to ask for its document
and to see that nothing follows from the answer; then the state is neither read nor written.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from feedmirror.errors import FetchError
from feedmirror.mirror.feed_index import Known
from feedmirror.mirror.state import Address
from feedmirror.mirror.validators import after_document, after_not_modified, document_digest
from feedmirror.model import Fetched, Gone, NotModified, Outcome, Subscription, Validators
from feedmirror.ports import World
from feedmirror.storage.publisher import Publisher

Reply = Fetched | NotModified | Gone | FetchError


class Answer(Struct):
    """Answer of one of a feed's addresses, which may be an error."""

    url: str  # the address that was asked, before redirects
    reply: Reply | None  # None: it was taken
    requested_at: datetime

    @classmethod
    def of(
        cls,
        subscription: Subscription,
        url: str,
        validators: Mapping[str, Validators],
        world: World,
    ) -> Answer:
        """Ask the address."""
        requested_at = world.clock()
        try:
            reply: Reply = world.origin.fetch(subscription, url, validators)
        except FetchError as error:
            reply = error
        return cls(url, reply, requested_at)

    def take(self) -> Fetched | NotModified | Gone:
        """Return the reply, of megabytes perhaps, and let go of it. Raises: FetchError."""
        reply, self.reply = self.reply, None
        assert reply is not None  # noqa: S101 - it is taken once
        if isinstance(reply, FetchError):
            raise reply
        return reply


def poll(subscription: Subscription, known: Known, world: World) -> Answer | Outcome | None:
    """Ask the feed's first address; return the outcome if nothing follows from its answer, else the
    answer, which a refresh goes on with.

    Return None, and ask nobody, if the state is needed in any case.
    """
    render_key = Publisher(world.store, subscription, world.public_url).render_key
    if not known.is_idle(subscription.url, render_key, world.clock()):
        return None
    addresses = {
        url: Address(one.etag, one.last_modified, one.digest)
        for url, one in known.addresses_of(subscription.url).items()
    }
    validators = {url: one.validators for url, one in addresses.items()}
    answer = Answer.of(subscription, known.moved_to or subscription.url, validators, world)
    reply = answer.reply
    if not isinstance(reply, Fetched | NotModified):
        return answer
    expected_moves = {None, known.moved_to, subscription.url}
    if _is_news(reply, addresses.get(reply.url), answer.requested_at, expected_moves):
        return answer
    return Outcome(subscription.slug, "unchanged", http_status=reply.status)


def _is_news(
    reply: Fetched | NotModified,
    before: Address | None,
    now: datetime,
    expected_moves: set[str | None],
) -> bool:
    """True if something may follow from an answer: entries, other validators, a redirect."""
    if before is None:
        return True
    if isinstance(reply, NotModified):
        return after_not_modified(before, reply.validators, now) != before
    digest = document_digest(reply.body)
    if digest != before.digest or reply.moved_to not in expected_moves:
        return True
    return after_document(before, reply.validators, digest) != before
