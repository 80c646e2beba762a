"""Discovery: find the feed of a web address, be it the feed's own or that of a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import urljoin

from msgspec import Struct

from feedmirror.errors import FetchError, Kind, ParseError
from feedmirror.model import Fetched, Gone, NotModified, Subscription, Validators
from feedmirror.parsing.decode import decode
from feedmirror.parsing.feed_links import FeedLink, feed_links, is_feed_like, is_web_page
from feedmirror.ports import Origin

# Usual paths of feeds, most frequent first; tried one after the other where a page names no feed.
_USUAL = ("/feed", "/rss", "/atom.xml", "/rss.xml", "/feed.xml", "/index.xml")
# Failures of one address, after which another address of its origin is worth a request.
_OF_ADDRESS = frozenset({Kind.MISSING, Kind.GONE, Kind.EMPTY, Kind.FORBIDDEN, Kind.STATUS})
_SCHEME = re.compile(r"(?:feed|https?|webcal|itpc|pcast):", re.IGNORECASE)
_FEED_SCHEME = re.compile(r"(?:feed|webcal|itpc|pcast):(?://)?(?=(https?:)?)", re.IGNORECASE)
# A host name with a dot, and perhaps a port and a path.
_HOST = re.compile(r"[^\s/?#:@]+\.[^\s/?#:@.]+(?::\d{1,5})?(?:[/?#]\S*)?")

_FILE = re.compile(r"[^/]*\.(?:atom|html?|json|opml|rdf|rss|toml|txt|xml)", re.IGNORECASE)


class Found(Struct, frozen=True):
    """A document that is not a web page, and probably a feed."""

    url: str  # to configure: where it was found, or where that has permanently moved
    fetched: Fetched
    page: str | None = None  # that names it; None: the address was the feed's own
    title: str = ""  # what the page says of the feed; may be empty
    is_chosen: bool = False  # whether the page names others, too


def web_address(typed: str) -> str | None:
    """Return the address that a person means: `https://…` for a host and for the scheme `feed:`.

    None for text that is no address: a word without a dot, or the name of a file.
    """
    address = typed.strip()
    if found := _FEED_SCHEME.match(address):
        rest = address[found.end() :]
        return rest if found[1] else f"https://{rest}"
    if _SCHEME.match(address):
        return address
    is_host = _HOST.fullmatch(address) and not _FILE.fullmatch(address)
    return f"https://{address}" if is_host else None


def find_feed(
    asked: Subscription, origin: Origin, choose: Callable[[Sequence[FeedLink]], FeedLink]
) -> Found:
    """Fetch `asked.url`; where that is a web page, fetch the feed that it names.

    `choose` is asked which of several feeds is meant. Without any, the usual paths are tried: below
    the page, then at its site. At most nine requests.

    Raises: FetchError, or ParseError NOT_A_FEED if there is no feed; what `choose` raises.
    """
    page = _fetch(asked, asked.url, origin)
    text = decode(page.body, page.content_type)
    if not is_web_page(text):
        return Found(page.moved_to or asked.url, page)
    if links := feed_links(text, page.url, page.link):
        link = links[0] if len(links) == 1 else choose(links)
        fetched = _fetch(asked, link.url, origin)
        if is_web_page(decode(fetched.body, fetched.content_type)):
            message = f"{asked.url} names {link.url} as its feed, which is a web page as well"
            raise ParseError(Kind.NOT_A_FEED, message)
        url = fetched.moved_to or link.url
        return Found(url, fetched, page.url, link.title, is_chosen=len(links) > 1)
    for fetched in _usual(asked, page.url, origin):
        if is_feed_like(decode(fetched.body, fetched.content_type)):
            return Found(fetched.moved_to or fetched.url, fetched, page.url)
    message = f"{asked.url} is a web page that names no feed, and its site has none at a usual path"
    raise ParseError(Kind.NOT_A_FEED, message)


def _usual(asked: Subscription, page: str, origin: Origin) -> Iterator[Fetched]:
    """Yield what is at the usual paths. Raises: FetchError if the origin wants no more requests."""
    folder = page.partition("?")[0].rpartition("/")[0]
    tried = {page}
    for path in (folder + _USUAL[0], *_USUAL):
        url = urljoin(page, path)
        if url in tried:
            continue
        tried.add(url)
        try:
            yield _fetch(asked, url, origin)
        except FetchError as error:
            if error.kind not in _OF_ADDRESS:
                raise


def _fetch(asked: Subscription, url: str, origin: Origin) -> Fetched:
    """Fetch a document. Raises: FetchError."""
    reply = origin.fetch(asked, url, {})
    if isinstance(reply, Fetched):
        return reply
    raise FetchError(Kind.GONE, "the server answers HTTP 410: the feed is permanently gone")


class PrefetchedOrigin(Struct, frozen=True):
    """The `Origin` of `ports.py` where one document was fetched already, or its fetch failed."""

    url: str  # of the document
    replies: list[Fetched | FetchError]  # empty once it has been answered
    web: Origin

    def fetch(
        self, subscription: Subscription, url: str, validators: Mapping[str, Validators]
    ) -> Fetched | NotModified | Gone:
        """Answer the first request for `url`; fetch all else. Raises: FetchError."""
        if url != self.url or not self.replies:
            return self.web.fetch(subscription, url, validators)
        reply = self.replies.pop()
        if isinstance(reply, FetchError):
            raise reply
        return reply
