"""Messages of the queues: refreshes of many feeds, and slices of a renewal.

A message of refreshes names up to a hundred feeds of one message group, with what the feed index
knows of each. The group follows from the slug alone, so no feed is ever refreshed twice at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b

from msgspec import Struct, json

from feedmirror.mirror import codec
from feedmirror.mirror.feed_index import Known
from feedmirror.mirror.schedule import offset_s
from feedmirror.ports import QueueMessage

MOST_FEEDS = 100  # of a message
MOST_BYTES = 60_000  # of a message: SQS bills each 64 KB of it
_WEIGHT = 10  # of a feed with work to do in any case, such as a first mirror

_HOUR_S = 3_600
_SHARE_S = 300


class Due(Struct, frozen=True):
    """A feed to refresh."""

    slug: str
    known: Known | None = None  # None: its state is to be loaded
    has_work: bool = False  # whatever its origin answers


class Refreshes(Struct, frozen=True):
    """Body of a message: feeds to refresh. Fields that a later version has added are ignored."""

    tick: str  # names what was sent together: a tick, or a request by hand
    feeds: Mapping[str, Known | None]  # by slug
    attempt: int = 0  # how often they were sent before

    def __post_init__(self) -> None:
        if not self.feeds or "" in self.feeds:
            raise ValueError("no feed")


class RenewalSlice(Struct, frozen=True):
    """Body of a message: the next pages to renew of a feed."""

    renew: str  # the slug
    page: str  # position of the slice

    def __post_init__(self) -> None:
        if not self.renew:
            raise ValueError("no feed")


def group_of(slug: str) -> str:
    """Return the message group of a feed: one of twelve.

    Feeds that are due within the same minutes of an hour share one, so that messages are full and
    a tick has few of them, while several groups are worked on side by side.
    """
    share = -(-offset_s(slug, _HOUR_S) // _SHARE_S)  # rounded up, as a tick includes its end
    return f"refreshes-{share % (_HOUR_S // _SHARE_S)}"


def refreshes(due: Iterable[Due], tick: str) -> Iterator[QueueMessage]:
    """Yield the messages for these feeds, each once."""
    groups: dict[str, list[Due]] = {}
    for feed in due:
        groups.setdefault(group_of(feed.slug), []).append(feed)
    for group, feeds in groups.items():
        for part in _parts(feeds):
            # Another composition is another message: where a tick is repeated after a crash, the
            # index may say something else than it did.
            digest = blake2b("/".join(part).encode(), digest_size=8).hexdigest()
            yield QueueMessage(group, f"{tick}/{digest}", _body(Refreshes(tick, part)))


def again(slug: str, of: Refreshes) -> QueueMessage:
    """Return the message that refreshes one feed of another message once more, by its state."""
    attempt = of.attempt + 1
    body = _body(Refreshes(of.tick, {slug: None}, attempt))
    return QueueMessage(group_of(slug), f"{of.tick}/{slug}/{attempt}", body)


def renewal(slug: str, position: str, name: str) -> QueueMessage:
    """Return the message that renews pages of a feed; another one of that name is a duplicate."""
    return QueueMessage(slug, f"{name}/{slug}", _body(RenewalSlice(slug, position)))


def parse_body(body: object) -> Refreshes | RenewalSlice | None:
    """Parse the body of a message; None if it is not valid."""
    if not isinstance(body, str):
        return None
    kinds: tuple[type[Refreshes | RenewalSlice], ...] = (Refreshes, RenewalSlice)
    for kind in kinds:
        try:
            return codec.decode(body.encode(), kind)
        except ValueError:
            continue
    return None


def slugs_of(not_sent: Mapping[QueueMessage, str]) -> dict[str, str]:
    """Return the feeds of messages that were not sent, with the reason."""
    named: dict[str, str] = {}
    for message, why in not_sent.items():
        body = parse_body(message.body)
        slugs = body.feeds if isinstance(body, Refreshes) else [body.renew] if body else []
        named |= dict.fromkeys(slugs, why)
    return named


def _body(contents: Refreshes | RenewalSlice) -> str:
    return json.encode(contents).decode()


def _parts(feeds: Iterable[Due]) -> Iterator[dict[str, Known | None]]:
    part: dict[str, Known | None] = {}
    size = weight = 0
    for feed in feeds:
        bytes_of = len(json.encode({feed.slug: feed.known}))
        weight_of = _WEIGHT if feed.has_work else 1
        if part and (size + bytes_of > MOST_BYTES or weight + weight_of > MOST_FEEDS):
            yield part
            part, size, weight = {}, 0, 0
        part[feed.slug] = feed.known
        size, weight = size + bytes_of, weight + weight_of
    if part:
        yield part
