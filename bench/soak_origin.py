"""Origins for the soak: feeds that grow, change, move and fail by chance, and remember what they
served, so that it can be told in the end what a mirror has to have.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b

import jobs  # noqa: F401 - by it the tests' modules are found

# isort: split
from builders import atom_document, entry, json_feed, rss_document
from feedmirror.errors import FetchError, Kind
from feedmirror.model import Fetched, Gone, NotModified, Outcome, Subscription, Validators

NEW_A_DAY = 0.2  # entries of a feed; some have five times as many, most have fewer
SHOWN = 12  # entries that a feed lists
_FAULTS = (Kind.TIMEOUT, Kind.SERVER, Kind.DNS, Kind.RESET, Kind.TLS, Kind.THROTTLED)
_MAKERS = (rss_document, atom_document, json_feed)
# What origins do that has cost other mirrors entries, downloads or writes.
HABITS = (
    "usual",
    "one GUID for all entries",
    "one link and no GUID",
    "links and no GUIDs",
    "counters in the entries",
    "a clock in the description",
    "new validators at each poll",
    "now and then not well-formed",
)


@dataclass(slots=True)
class Feed:
    """One feed at its origin, and what is known of how it was asked."""

    subscription: Subscription
    chance: random.Random
    newest: int = 30  # entries are numbered; all from 1 on have been there
    edits: dict[int, int] = field(default_factory=dict)  # number: how often it was edited
    grown_at: datetime | None = None
    etag: str | None = None  # of the document that is there now
    body: bytes = b""
    moved: bool = False
    gone: set[str] = field(default_factory=set)  # addresses
    served: set[int] = field(default_factory=set)  # in the last whole document
    promised: set[int] = field(default_factory=set)  # in any that a refresh ended well with
    asked_at: list[datetime] = field(default_factory=list)
    wanted: datetime | None = None  # no request before, says the last answer
    not_before: datetime | None = None  # the same, once a refresh has ended with it
    gone_at: list[datetime] = field(default_factory=list)  # when a refresh was told of a 410
    too_early: int = 0
    downloads: int = 0  # whole documents that were sent

    @property
    def habit(self) -> str:
        """Which of `HABITS` the origin has."""
        return HABITS[int(self.subscription.slug.rpartition("-")[2]) % len(HABITS)]

    def is_too_early(self, now: datetime) -> bool:
        """Whether it must not be asked yet: a 410 on three days means once a week."""
        days = {moment.date() for moment in self.gone_at}
        is_gone = len(days) >= 3 and now - self.gone_at[-1] < timedelta(days=7)
        return is_gone or (self.not_before is not None and now < self.not_before)

    def ended(self, outcome: Outcome) -> None:
        """A refresh came to its end: what was served has to stay, what was asked for is known."""
        if outcome.failure is None and outcome.outcome != "waiting":
            self.promised |= self.served
        if outcome.failure:
            if outcome.failure.kind == "gone" and self.asked_at[-1] not in self.gone_at:
                self.gone_at.append(self.asked_at[-1])
            self.not_before = self.wanted if outcome.failure.kind == "throttled" else None


class SoakOrigin:
    """The `Origin` of all feeds. `calm` ends the faults."""

    def __init__(self, feeds: Mapping[str, Feed], clock: Callable[[], datetime]) -> None:
        self._feeds = feeds
        self._clock = clock
        self.calm = False
        self.answers: dict[str, int] = {}  # how many of each sort

    def fetch(
        self, subscription: Subscription, url: str, validators: Mapping[str, Validators]
    ) -> Fetched | NotModified | Gone:
        """What the feed answers now; what it must not be asked for is noted."""
        feed, now = self._feeds[subscription.slug], self._clock()
        feed.served = set()
        feed.too_early += feed.is_too_early(now)
        feed.asked_at.append(now)
        feed.wanted = None
        _grow(feed, now)
        sort, answer = self._answer(feed, url, validators.get(url), now)
        self.answers[sort] = self.answers.get(sort, 0) + 1
        if isinstance(answer, FetchError):
            raise answer
        return answer

    def _answer(
        self, feed: Feed, url: str, known: Validators | None, now: datetime
    ) -> tuple[str, Fetched | NotModified | Gone | FetchError]:
        roll = 1.0 if self.calm else feed.chance.random()
        if roll < 0.0002 or url in feed.gone:
            feed.gone.add(url)
            return "gone", Gone(url)
        if roll < 0.02:
            return "failed", _failure(feed, now)
        if roll < 0.03:  # the end is missing, and the validators are the whole one's
            cut = feed.chance.randrange(len(feed.body) // 2, len(feed.body))
            return "cut off", Fetched(
                url, feed.body[:cut], "application/xml", validators=Validators('"cut"')
            )
        feed.moved = feed.moved or roll < 0.0305
        if feed.habit == "new validators at each poll":
            feed.etag = f'"{len(feed.asked_at)}"'
        if known and known.etag == feed.etag:
            return "not modified", NotModified(url)
        feed.downloads += 1
        feed.served = set(_shown(feed))
        moved_to = f"{feed.subscription.url}?moved" if feed.moved else None
        found = Fetched(moved_to or url, feed.body, None, Validators(feed.etag), moved_to=moved_to)
        return "whole", found


def _failure(feed: Feed, now: datetime) -> FetchError:
    kind = feed.chance.choice(_FAULTS)
    wait_s = float(feed.chance.choice((600, 7_200, 86_400))) if kind is Kind.THROTTLED else None
    if wait_s:
        feed.wanted = now + timedelta(seconds=wait_s)
    return FetchError(kind, "made to fail", retry_after_s=wait_s)


def _grow(feed: Feed, now: datetime) -> None:
    """What has happened at the origin since it was last asked."""
    days = (now - feed.grown_at) / timedelta(days=1) if feed.grown_at else 0.0
    feed.grown_at = now
    rate = NEW_A_DAY * (5 if feed.subscription.slug.endswith("7") else 0.7)
    new = int(rate * days + feed.chance.random())
    feed.newest += new
    # Where nothing but the words identifies an entry, an edit is another entry.
    edited = feed.chance.random() < 0.01 and feed.habit != "one link and no GUID"
    if edited:
        number = feed.chance.choice(range(max(1, feed.newest - 40), feed.newest + 1))
        feed.edits[number] = feed.edits.get(number, 0) + 1
    is_other = feed.habit in {"counters in the entries", "a clock in the description"}
    if new or edited or is_other or not feed.body or feed.chance.random() < 0.01:
        feed.body = _document(feed, now)
        feed.etag = f'"{blake2b(feed.body, digest_size=8).hexdigest()}"'


def _document(feed: Feed, now: datetime) -> bytes:
    slug = feed.subscription.slug
    entries = [_entry(feed, number) for number in _shown(feed)]
    if feed.habit == "usual":
        return _MAKERS[sum(map(ord, slug)) % len(_MAKERS)](entries, title=slug)
    clock = f"As of {now}" if feed.habit == "a clock in the description" else "Words"
    body = rss_document(entries, title=slug, description=clock)
    if feed.habit == "now and then not well-formed" and feed.chance.random() < 0.3:
        body = body.replace(b"</channel>", b"<image><url>x</image></channel>")
    return body


def _shown(feed: Feed) -> list[int]:
    """The newest; now and then fewer, in another order, or with an older one that was edited."""
    chance = random.Random(f"{feed.newest} {sorted(feed.edits.items())}")
    shown = SHOWN if chance.random() < 0.95 else chance.randrange(SHOWN)
    numbers = list(range(feed.newest, max(0, feed.newest - shown), -1))
    numbers += [n for n in sorted(feed.edits)[-2:] if n not in numbers]
    if chance.random() < 0.05:
        chance.shuffle(numbers)
    return numbers


def _entry(feed: Feed, number: int) -> dict[str, object]:
    slug, edits = feed.subscription.slug, feed.edits.get(number, 0)
    link = f"https://{slug}.example.org/{number}"
    body = f"<p>What {number} says{' now' * edits}, <a href='/{number}#more'>and more</a>.</p>"
    made: dict[str, object] = {"link": link, "guid": link, "summary": body}
    if feed.habit == "one GUID for all entries":
        made["guid"] = f"https://{slug}.example.org/"
    elif feed.habit == "one link and no GUID":
        made |= {"link": f"https://{slug}.example.org/", "guid": None}
    elif feed.habit == "links and no GUIDs":
        made["guid"] = None
    elif feed.habit == "counters in the entries":
        made["extra"] = f"<slash:comments>{len(feed.asked_at) + number}</slash:comments>"
    return entry(number, **made)
