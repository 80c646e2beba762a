"""Domain model: feeds and entries as parsed, subscriptions, revisions, documents, outcomes.

All classes are frozen; datetimes are aware and UTC; digests are lowercase hex.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated

from msgspec import Meta, Struct, field

# ---------------------------------------------------------------- what is stored as JSON


class Stored(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Base of what is stored, and of what the parser's worker sends.

    Fields that hold their default are left out, so a field that is added later is read as its
    default from what was written before. Fields that are not known, and values of other types than
    annotated, are refused.
    """


Count = Annotated[int, Meta(ge=0, lt=10**15)]
_YEARS = range(1900, 2201)  # of all dates; the parser reads no other


def require_utc(*moments: datetime | None) -> None:
    """Raise ValueError for a date in another zone than UTC, or of a year that no date is of."""
    for moment in moments:
        if moment is not None and moment.tzinfo is not UTC:
            raise ValueError("a date is not in UTC")
        if moment is not None and moment.year not in _YEARS:
            raise ValueError(f"a date is of the year {moment.year}")


# ---------------------------------------------------------------- feeds and entries


class Author(Stored, frozen=True):
    """Person or organisation; at least one field is set. Source: RFC 4287 §3.2."""

    name: str | None = None
    email: str | None = None
    uri: str | None = None
    avatar: str | None = None  # address of a picture; JSON Feed only


class Category(Stored, frozen=True):
    """Category of a feed or entry. Source: RFC 4287 §4.2.2, RSS 2.0 `<category>`."""

    term: str
    scheme: str | None = None  # RSS `domain`
    label: str | None = None  # Atom only


class Enclosure(Stored, frozen=True):
    """File attached to an entry. Source: RSS 2.0 `<enclosure>`, RFC 4287 §4.2.7.2."""

    url: str  # absolute, of a scheme in `LINK_SCHEMES`
    media_type: str | None = None
    length_bytes: Count | None = None  # None: missing or invalid at the origin
    title: str | None = None
    medium: str | None = None  # "image", "audio" or "video", where the origin says so
    duration_s: Count | float | None = None


class Source(Stored, frozen=True):
    """Feed that an entry was copied from. Source: RSS 2.0 `<source>`, RFC 4287 §4.2.11."""

    title: str
    url: str


class Image(Stored, frozen=True):
    """Logo of a feed. Source: RSS 2.0 `<image>`."""

    url: str  # absolute
    width: Count | None = None  # pixels
    height: Count | None = None  # pixels


class Context(Stored, frozen=True):
    """Parts of a document that are needed to parse one of its items again, alone."""

    around: tuple[str, ...] = ()  # start tags around the item, outermost first; JSON Feed has none
    link: str | None = None  # the site's page as the feed names it, absolute


class Entry(Stored, frozen=True):
    """Entry of a feed, sanitised and with absolute URLs, its text otherwise unchanged.

    Carries no disclaimer, so no renderer accepts it: see `publishing/disclaimer.py`.
    """

    guid: str | None = None  # raw RSS guid, atom:id, rdf:about or JSON id; never resolved
    guid_is_permalink: bool = False  # RSS only
    link: str | None = None  # absolute, of a scheme in `LINK_SCHEMES`
    external: str | None = None  # what a link post links to: JSON Feed `external_url`
    title: str | None = None  # plain text
    summary: str | None = None  # sanitised HTML: RSS description, Atom summary
    content: str | None = None  # sanitised HTML: content:encoded, Atom content
    language: str | None = None  # BCP 47, None: the feed's
    authors: tuple[Author, ...] = ()
    categories: tuple[Category, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()
    # Files of extension elements (Media RSS), which are in `extension_elements` too.
    media: tuple[Enclosure, ...] = ()
    image: str | None = None  # address of the main picture, if given outside of the bodies
    banner: str | None = None  # JSON Feed `banner_image`
    comments: str | None = None  # address of the discussion
    source: Source | None = None  # only if the origin gives a source
    published: datetime | None = None  # None: missing or invalid
    updated: datetime | None = None
    extension_elements: tuple[str, ...] = ()  # fragments of XML, with slots: parsing/extensions.py
    prefixes: tuple[str, ...] = ()  # well-known namespace prefixes the fragments use
    extensions: str | None = None  # members of JSON Feed that begin with "_": an object, as JSON
    original: str | None = None  # source of the element; None once stored, or if lossy
    context: Context | None = None  # of `original`; None without it, or if too long

    def __post_init__(self) -> None:
        require_utc(self.published, self.updated)


class Feed(Stored, frozen=True):
    """Metadata of a feed. Source: RSS 2.0 `<channel>`, RFC 4287 §4.1.1."""

    kind: str = ""  # "RSS 2.0", "Atom 1.0", "JSON Feed 1.1" ...
    id: str | None = None  # raw atom:id, or feed_url of JSON Feed; RSS has none
    title: str | None = None  # plain text
    link: str | None = None  # the site's page, absolute
    description: str | None = None  # plain text
    language: str | None = None  # BCP 47
    rights: str | None = None
    authors: tuple[Author, ...] = ()
    web_master: str | None = None  # unparsed; often `address (Name)`
    categories: tuple[Category, ...] = ()
    image: Image | None = None
    updated: datetime | None = None
    ttl_s: Count | None = None  # least interval asked for: RSS ttl, sy:updatePeriod
    skip_hours: tuple[Count, ...] = ()  # 0 to 23, GMT
    skip_days: tuple[str, ...] = ()  # "Monday" to "Sunday"
    extension_elements: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    extensions: str | None = None  # as of an entry

    def __post_init__(self) -> None:
        require_utc(self.updated)


class Item(Stored, frozen=True, array_like=True):
    """Identifiers of one item of an origin's document, parsed or not.

    Of an item that is known by its fingerprint, which is not parsed, only that is stated.
    """

    fingerprint: str  # keyed digest of the item's bytes
    guid: str | None = None  # raw
    link: str | None = None  # raw

    @property
    def name(self) -> str:
        """Identifier for messages about an item that could not be parsed."""
        return self.guid or self.link or f"an item without guid and link ({self.fingerprint})"


class ParsedFeed(Stored, frozen=True):
    """Parsed document: all of its items, and the entries of the items that were not known."""

    feed: Feed
    items: tuple[Item, ...]  # every item, in document order
    entries: Mapping[int, Entry]  # by index into `items`
    lossless: bool  # False: read whole by the lenient parser, without original elements
    complete: bool  # False: truncated; the last item is left out
    # The reason, a sentence, for each item that could not be parsed and has no entry.
    unreadable: Mapping[int, str] = field(default_factory=dict)  # by index into `items`
    new_url: str | None = None  # the feed's announcement of its new address


# Part of every fingerprint: raise it so that a fix reaches entries that the origin still lists.
PARSER_VERSION = 1


# ---------------------------------------------------------------- fetching


class Validators(Struct, frozen=True):
    """Validators of a response, verbatim, for conditional requests. Source: RFC 9110 §8.8."""

    etag: str | None = None
    last_modified: str | None = None


class Fetched(Struct, frozen=True):
    """Complete document, its content coding removed."""

    url: str  # after redirects
    body: bytes
    content_type: str | None = None  # the header, verbatim
    link: str | None = None  # the header, verbatim; several joined by commas
    validators: Validators = Validators()
    status: int = 200
    moved_to: str | None = None  # `url`, if every redirect was permanent; else None
    max_age_s: int | None = None  # Cache-Control: max-age, less Age; not yet clamped


class NotModified(Struct, frozen=True):
    """HTTP 304: the document of the sent validators is current. Source: RFC 9110 §15.4.5."""

    url: str
    validators: Validators = Validators()  # of the 304 itself
    status: int = 304


class Gone(Struct, frozen=True):
    """HTTP 410: the feed is permanently gone. Source: RFC 9110 §15.5.11."""

    url: str
    status: int = 410


class Reading(Struct, frozen=True):
    """Fetched document with the feed parsed from it."""

    fetched: Fetched
    parsed: ParsedFeed
    digest: str  # of the body
    requested_at: datetime
    alternate: bool  # fetched from one of the feed's alternates


# ---------------------------------------------------------------- settings


class Position(Enum):
    """Place of the disclaimer in a body."""

    END = "end"
    BEGINNING = "beginning"


class Identity(Enum):
    """Property that identifies an entry across documents."""

    GUID = "guid"  # guid, else link, else content: the default
    LINK = "link"
    CONTENT = "content"


class Images(Enum):
    """Pictures of entries on the mirror's pages."""

    ORIGIN = "origin"  # loaded from the origin, without a referrer
    NONE = "none"  # linked: a page loads nothing from other hosts


class Reason(Enum):
    """Ground on which an entry is taken down."""

    PRIVACY = "privacy"
    COURT = "court"
    COPYRIGHT = "copyright"
    ERROR = "error"


class Robots(Enum):
    """Indexing of the mirror's pages by search engines."""

    NOINDEX = "noindex"
    INDEX = "index"


DISCLAIMER_VARIABLES = ("source_title", "source_url", "entry_url", "fetched")


class Disclaimer(Struct, frozen=True):
    """Template of the operator's disclaimer; exactly one of `text` and `html` is set.

    Each of DISCLAIMER_VARIABLES, in braces, stands for what it names.
    """

    text: str | None = None
    html: str | None = None
    language: str | None = None  # BCP 47
    position: Position = Position.END


DEFAULT_DISCLAIMER = Disclaimer(
    html='<p>Mirrored from <a href="{source_url}">{source_title}</a>; the original is at '
    '<a href="{entry_url}">{entry_url}</a>, first fetched {fetched}. The words are the source\'s '
    "own; mirroring them is no endorsement.</p>",
    language="en",
)


class Subscription(Struct, frozen=True):
    """One feed as configured, with defaults; made by `settings/`."""

    slug: str  # a-z 0-9 -, 1 to 63: part of the public address and of every key
    url: str  # empty only for a retired feed
    alternates: tuple[str, ...] = ()  # tried in order when `url` fails
    source_url: str | None = None  # shown to readers in place of `url`; contains no secret
    title: str | None = None  # overrides the origin's
    disclaimer: Disclaimer = DEFAULT_DISCLAIMER
    contact: str | None = None  # mailto: or https:, goes into the User-Agent
    keep: int = 50  # entries in the public feed, at least
    every_s: int = 900  # seconds between polls
    identity: Identity = Identity.GUID
    images: Images = Images.ORIGIN
    robots: Robots = Robots.NOINDEX
    timeout_s: float = 30.0  # for the whole exchange, redirects included
    max_bytes: int = 10_000_000  # before and after decompression
    headers: Mapping[str, str] = field(default_factory=dict)  # sent to `url`'s own host only
    allow_private_hosts: bool = False
    retired: bool = False  # never polled again; its documents stay public


# ---------------------------------------------------------------- storage and publishing


class Removal(Stored, frozen=True):
    """The operator's removal of an entry, as far as readers are told of it."""

    at: datetime
    reason: Reason
    is_over: bool = False  # True: readers have been told for long enough; in states only

    def __post_init__(self) -> None:
        require_utc(self.at)


class Revision(Stored, frozen=True):
    """One observed version of an entry, as in the window of a state and in records."""

    key: str  # digest of the identity; names the entry in the store
    digest: str  # digest of what a reader sees; names the revision
    guid: str  # the public id: the origin's, or derived
    guid_is_permalink: bool
    entry: Entry
    seq: Count  # order in the feed: larger is newer
    first_seen: datetime  # when the entry was first fetched
    listed_at: datetime  # when it last entered the public window
    observed_at: datetime  # when this version was fetched
    fetched_from: str  # the address it came from
    feed_updated: datetime | None = None  # what the feed's document said of itself then
    number: Count = 0  # of its record among those of the same words, or the first that may be free
    generation: Count = 0  # of the commit that named it: of two versions the larger is the later
    disclaimer: str | None = None  # the text it was first published under; in records only
    removal: Removal | None = None  # None: the words are there
    removed_bytes: Count = 0  # what `size_bytes` was, so that archive pages are divided as before

    def __post_init__(self) -> None:
        require_utc(self.first_seen, self.listed_at, self.observed_at, self.feed_updated)

    @property
    def title(self) -> str | None:
        """Title of the entry."""
        return self.entry.title

    @property
    def said(self) -> datetime | None:
        """Date of the origin's."""
        return self.entry.published or self.entry.updated

    @property
    def size_bytes(self) -> int:
        """Size of title, bodies and extensions in UTF-8, without the original element."""
        if self.removal is not None:
            return self.removed_bytes
        entry = self.entry
        bodies = (entry.title, entry.summary, entry.content, entry.extensions)
        texts = (*bodies, *entry.extension_elements)
        return sum(_utf8_bytes(text) for text in texts if text)


def _utf8_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


class Document(Struct, frozen=True):
    """A file to be stored, with its bytes."""

    key: str  # of the store
    body: bytes
    media_type: str  # the whole Content-Type


class Failure(Struct, frozen=True):
    """Reason of a failed refresh, for the operator."""

    kind: str  # a `Kind`'s value
    group: str  # its `Group`'s value
    message: str  # one sentence


class Outcome(Struct, frozen=True):
    """Result of one refresh of one feed; the source of the feed's log event."""

    feed: str  # the slug
    # "changed", "unchanged", "failed", "waiting" (Retry-After), or "retired"
    outcome: str
    http_status: int | None = None  # None: no request or no answer
    new: int = 0  # entries never seen before
    revised: int = 0  # entries whose title, words, links or number of pictures changed
    amended: int = 0  # entries with other changes, published without counting as edited
    held: int = 0  # entries that change too often; their changes are published later
    unchanged: int = 0  # entries of the document without a change
    published: tuple[str, ...] = ()  # names of the written documents
    lossless: bool = True
    failure: Failure | None = None
    quarantined: tuple[str, ...] = ()  # guids of entries that could not be rendered
    note: str | None = None  # a sentence for the operator that is not a failure
    recovered: bool = False  # the refresh before failed
    renewal: str | None = (
        None  # where pages of an earlier deployment are left; None: there are none
    )
    duration_ms: int = 0  # how long the refresh took
