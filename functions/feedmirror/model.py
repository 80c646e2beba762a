"""The words of the program as values: what a feed says, what is configured, what is published.

Everything is frozen; datetimes are aware and UTC; digests are lowercase hex.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

# ---------------------------------------------------------------- what a feed says


@dataclass(frozen=True, slots=True)
class Author:
    """A person or organisation; at least one field is set. Source: RFC 4287 §3.2."""

    name: str | None = None
    email: str | None = None
    uri: str | None = None
    avatar: str | None = None  # address of a picture; JSON Feed only


@dataclass(frozen=True, slots=True)
class Category:
    """A topic. Source: RFC 4287 §4.2.2, RSS 2.0 `<category>`."""

    term: str
    scheme: str | None = None  # RSS `domain`
    label: str | None = None  # Atom only


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that belongs to an entry. Source: RSS 2.0 `<enclosure>`, RFC 4287 §4.2.7.2."""

    url: str  # absolute, of a scheme in `LINK_SCHEMES`
    media_type: str | None = None
    length_bytes: int | None = None  # None: the origin did not say, or said nonsense
    title: str | None = None
    medium: str | None = None  # "image", "audio" or "video", where the origin says so
    duration_s: int | float | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """The feed an entry was taken from. Source: RSS 2.0 `<source>`, RFC 4287 §4.2.11."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that stands for the feed. Source: RSS 2.0 `<image>`."""

    url: str  # absolute
    width: int | None = None  # pixels
    height: int | None = None  # pixels


@dataclass(frozen=True, slots=True)
class Context:
    """What of a document its items are read by, beside its address: to read one again alone."""

    around: tuple[str, ...] = ()  # start tags around the item, outermost first; JSON Feed has none
    link: str | None = None  # the site's page as the feed names it, absolute


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as the origin has it now: cleaned and made absolute, no word of it altered.

    The parser makes it; it carries no disclaimer, so no renderer accepts it.
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
    # Files that another vocabulary names beside the bodies; in `extension_elements` too.
    media: tuple[Enclosure, ...] = ()
    image: str | None = None  # address of the main picture, if it is named beside the bodies
    banner: str | None = None  # JSON Feed `banner_image`
    comments: str | None = None  # address of the discussion
    source: Source | None = None  # only where the origin names one itself
    published: datetime | None = None  # None: not given, or impossible
    updated: datetime | None = None
    extension_elements: tuple[str, ...] = ()  # fragments of XML, with slots: parsing/extensions.py
    prefixes: tuple[str, ...] = ()  # well-known namespace prefixes the fragments use
    extensions: str | None = None  # members of JSON Feed that begin with "_": an object, as JSON
    original: str | None = None  # the element as it came; None once it is stored, or if lossy
    context: Context | None = None  # of `original`; None as that is, or if it is too long to keep


@dataclass(frozen=True, slots=True)
class Feed:
    """What a document says of the feed itself. Source: RSS 2.0 `<channel>`, RFC 4287 §4.1.1."""

    kind: str = ""  # "RSS 2.0", "Atom 1.0", "JSON Feed 1.1" ...
    id: str | None = None  # raw atom:id, or feed_url of JSON Feed; RSS has none
    title: str | None = None  # plain text
    link: str | None = None  # the site's page, absolute
    description: str | None = None  # plain text
    language: str | None = None  # BCP 47
    rights: str | None = None
    authors: tuple[Author, ...] = ()
    web_master: str | None = None  # as it came: `address (Name)` or not
    categories: tuple[Category, ...] = ()
    image: Image | None = None
    updated: datetime | None = None
    ttl_s: int | None = None  # RSS ttl or sy:updatePeriod/updateFrequency: wait this long
    skip_hours: tuple[int, ...] = ()  # 0 to 23, GMT
    skip_days: tuple[str, ...] = ()  # "Monday" to "Sunday"
    extension_elements: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    extensions: str | None = None  # as of an entry


@dataclass(frozen=True, slots=True)
class Item:
    """What identifies one item of an origin's document, parsed or not."""

    fingerprint: str  # keyed digest of the item's bytes
    guid: str | None  # raw
    link: str | None  # raw

    @property
    def name(self) -> str:
        """Identifier for the operator, for an item that could not be read."""
        return self.guid or self.link or f"an item without guid and link ({self.fingerprint})"


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """A parsed document: all of its items, and the entries of those that were not known."""

    feed: Feed
    items: tuple[Item, ...]  # every item, in document order
    entries: Mapping[int, Entry]  # by index into `items`
    lossless: bool  # False: read whole by the lenient parser, without original elements
    complete: bool  # False: cut off; its last item is left out
    # One sentence why, for each item that the parser cannot take: it has no entry, the others do.
    unreadable: Mapping[int, str] = field(default_factory=dict)  # by index into `items`
    new_url: str | None = None  # where the feed says that it moves to


# Part of every fingerprint: raise it when a fix should reach entries that are still at the origin.
PARSER_VERSION = 1


# ---------------------------------------------------------------- what is fetched


@dataclass(frozen=True, slots=True)
class Validators:
    """What an origin gave to ask conditionally with, verbatim. Source: RFC 9110 §8.8."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole document, its content coding undone."""

    url: str  # where it was found in the end
    body: bytes
    content_type: str | None = None  # the header, verbatim
    validators: Validators = Validators()
    status: int = 200
    moved_to: str | None = None  # `url`, if every redirect on the way was permanent; else None
    max_age_s: int | None = None  # Cache-Control: max-age, less Age; not yet clamped


@dataclass(frozen=True, slots=True)
class NotModified:
    """The document is the one that the validators belong to. Source: RFC 9110 §15.4.5."""

    url: str
    validators: Validators = Validators()  # only what the 304 itself carried
    status: int = 304


@dataclass(frozen=True, slots=True)
class Gone:
    """The origin says that the feed is gone for good. Source: RFC 9110 §15.5.11."""

    url: str
    status: int = 410


@dataclass(frozen=True, slots=True)
class Reading:
    """A document and how it was come by."""

    fetched: Fetched
    parsed: ParsedFeed
    digest: str  # of the body
    requested_at: datetime
    alternate: bool  # not from the feed's first address


# ---------------------------------------------------------------- what is configured


class Position(Enum):
    """Where in a body the disclaimer stands."""

    END = "end"
    BEGINNING = "beginning"


class Identity(Enum):
    """What makes two entries the same one."""

    GUID = "guid"  # guid, else link, else content: the default
    LINK = "link"
    CONTENT = "content"


class Images(Enum):
    """What the mirror's pages show of an entry's pictures."""

    ORIGIN = "origin"  # loaded from where they are, without a referrer
    NONE = "none"  # links to them: a page contacts nobody but the mirror


class Robots(Enum):
    """Whether search engines may list the mirror's pages."""

    NOINDEX = "noindex"
    INDEX = "index"


@dataclass(frozen=True, slots=True)
class Disclaimer:
    """The operator's words on every entry; exactly one of `text` and `html` is set.

    Both may hold the variables {source_title} {source_url} {entry_url} {fetched}.
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


@dataclass(frozen=True, slots=True)
class Subscription:
    """One feed as the operator configured it; `settings.py` makes it."""

    slug: str  # a-z 0-9 -, 1 to 63: part of the public address and of every key
    url: str  # empty: not configured, which only a retired feed may be
    alternates: tuple[str, ...] = ()  # tried in order when `url` fails
    source_url: str | None = None  # shown to readers in place of `url`; nothing in it is secret
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
    retired: bool = False  # never polled again; what was mirrored stays public


# ---------------------------------------------------------------- what is remembered and published


@dataclass(frozen=True, slots=True)
class Revision:
    """One observed version of an entry, as it stands in the window of a state."""

    key: str  # digest of the identity; names the entry in the store
    digest: str  # digest of what a reader sees; names the revision
    guid: str  # the public id: the origin's, or one derived
    guid_is_permalink: bool
    entry: Entry
    seq: int  # order in the feed: larger is newer
    first_seen: datetime  # when the entry was first fetched
    listed_at: datetime  # when it last entered the public window
    observed_at: datetime  # when this version was fetched
    fetched_from: str  # the address it came from
    number: int = 0  # of its record among those of the same words, or the first that may be free
    disclaimer: str | None = None  # the text it was first published under; in records only

    @property
    def size_bytes(self) -> int:
        """UTF-8 bytes of the words of the entry, its original element left out."""
        entry = self.entry
        bodies = (entry.title, entry.summary, entry.content, entry.extensions)
        texts = (*bodies, *entry.extension_elements)
        return sum(_utf8_bytes(text) for text in texts if text)


def _utf8_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True)
class Document:
    """A file to be stored, with its bytes."""

    key: str  # of the store
    body: bytes
    media_type: str  # the whole Content-Type


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a refresh failed, for the operator."""

    kind: str  # a `Kind`'s value
    group: str  # its `Group`'s value
    message: str  # one sentence: what is wrong, where


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one refresh of one feed came to; the log event of the feed is made from it."""

    feed: str  # the slug
    # "changed", "unchanged", "failed", "waiting" (the origin asked us to), or "retired"
    outcome: str
    http_status: int | None = None  # None: no answer, or none asked for
    new: int = 0  # entries never seen before
    revised: int = 0  # entries whose title, words, links or number of pictures changed
    amended: int = 0  # entries of which something else changed that readers follow quietly
    held: int = 0  # changes that come so often that they are followed later
    unchanged: int = 0  # entries of the document that are as they were
    published: tuple[str, ...] = ()  # names of the documents that were written
    lossless: bool = True
    failure: Failure | None = None
    quarantined: tuple[str, ...] = ()  # guids of entries that could not be rendered
    note: str | None = None  # what the operator should know though nothing failed
    recovered: bool = False  # it had been failing until now
    duration_ms: int = 0  # how long the refresh took
