"""Links to feeds in a web page: those that its headers, its head and its text name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from feedmirror.text.html_tokens import Tag, tokens
from feedmirror.text.plain import single_line, unescape
from feedmirror.text.urls import absolute

_MOST_CHARS = 1_000_000  # of a page; the rest is not searched
_MOST_LINKS = 500
_LONGEST = 500  # characters of an address, and of a title
_FEED_TYPES = tuple(f"application/{kind}" for kind in "rss+xml atom+xml rdf+xml feed+json".split())
_OTHER_TYPES = ("application/xml", "text/xml", "application/json")  # also of much that is no feed
_NAMED_FEED = re.compile(r"feed|rss|atom", re.IGNORECASE)
_COMMENTS = re.compile(
    r"comment|kommentar|comentari|coment[áa]r|коммент|评论|コメント", re.IGNORECASE
)
# Ends of the paths of feeds. Links that share a page elsewhere have a whole address in their own.
_FEED_PATH = re.compile(
    r"(?!.*https?(?::|%3a)).*(?:/(?:feeds?|rss2?|atom)/?|[./](?:rss|atom|rdf)"
    r"|/(?:feed|rss|atom|index|rdf)[\w-]{0,20}\.(?:xml|json))$",
    re.IGNORECASE,
)
# Source: RFC 8288 §3
_LINK_VALUE = re.compile(r"<([^<>]*+)>((?>(?:[^<\"]++|\"(?>(?:[^\"\\]|\\.)*)\"|\")*))")
_PARAMETER = re.compile(
    r";\s*+([a-z]++)\s*+=\s*+(?:\"((?>(?:[^\"\\]|\\.)*))\"|([^\s\",;]++))", re.IGNORECASE
)
# What a feed begins with, and a web page. Feeds may have words or comments before them.
_FEED = re.compile(
    r"<(?:[a-z]{1,20}:)?(?:rss|feed|rdf|channel)[\s>]|\bjsonfeed\.org/version", re.IGNORECASE
)
_PAGE = re.compile(r"<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)
_START_CHARS = 4_000


class FeedLink(Struct, frozen=True):
    """A link to a feed."""

    url: str  # absolute
    title: str = ""  # what the page says of it; may be empty

    @property
    def is_of_comments(self) -> bool:
        """True if the feed has comments in place of entries, by its address and title."""
        return _COMMENTS.search(f"{self.url} {self.title}") is not None


def feed_links(text: str, location: str, header: str | None = None) -> tuple[FeedLink, ...]:
    """Return the feeds that the page at `location` names, feeds of comments last.

    Feeds that the header `Link` and the elements `<link>` declare; without any, the targets of
    links with a usual address of a feed. At most 500, each once.

    Source: RFC 8288; WHATWG HTML §4.6.7.1; RSS Advisory Board, "RSS Autodiscovery".
    """
    declared = [] if header is None else list(_header_links(header, location))
    linked: list[FeedLink] = []
    for link, is_declared in _page_links(text[:_MOST_CHARS], location):
        (declared if is_declared else linked).append(link)
    if all(link.is_of_comments for link in declared):
        declared += linked
    found: dict[str, FeedLink] = {}
    for link in declared:
        if link.url != location:
            found.setdefault(link.url, link)
    return tuple(sorted(found.values(), key=lambda link: link.is_of_comments))[:_MOST_LINKS]


def is_feed_like(text: str) -> bool:
    """Return True if the document begins as a feed does."""
    return _FEED.search(text[:_START_CHARS]) is not None


def is_web_page(text: str) -> bool:
    """Return True if the document begins as a web page does, and not as a feed."""
    return _PAGE.search(text[:_START_CHARS]) is not None and not is_feed_like(text)


def _header_links(header: str, location: str) -> Iterator[FeedLink]:
    for target, parameters in _LINK_VALUE.findall(header):
        values = {
            name.lower(): re.sub(r"\\(.)", r"\1", quoted) or bare
            for name, quoted, bare in reversed(_PARAMETER.findall(parameters))
        }
        if link := _declared(values | {"href": target}, location):
            yield link


def _page_links(text: str, location: str) -> Iterator[tuple[FeedLink, bool]]:
    """Yield each link to a feed, and whether the page declares that it is one."""
    base: str | None = None
    anchor: str | None = None  # the target of the link whose text is read
    words = ""
    for token in tokens(text):
        if not isinstance(token, Tag):
            words += token if anchor and len(words) < _LONGEST else ""
        elif token.name == "a":
            if anchor:
                yield _link(anchor, unescape(words)), False
            anchor, words = (None if token.is_end else _anchor(token, base or location)), ""
        elif token.name == "base" and base is None:
            base = absolute(token.attributes().get("href"), location)
        elif token.name == "link" and (link := _declared(token.attributes(), base or location)):
            yield link, True


def _declared(values: dict[str, str], base: str) -> FeedLink | None:
    """Return the link with these attributes, or None if it is to something else than a feed."""
    relations = values.get("rel", "").lower().split()
    kind = values.get("type", "").partition(";")[0].strip().lower()
    href, title = values.get("href", ""), values.get("title", "")
    is_feed = kind in _FEED_TYPES or (
        kind in _OTHER_TYPES and _NAMED_FEED.search(f"{href} {title}")
    )
    if not ("feed" in relations or ("alternate" in relations and is_feed)):
        return None
    url = _address(href, base)
    return _link(url, title) if url else None


def _anchor(tag: Tag, base: str) -> str | None:
    """Return the target of `<a>` if it has a usual address of a feed."""
    url = _address(tag.attributes().get("href", ""), base)
    return url if url and _FEED_PATH.match(url.partition("://")[2].partition("?")[0]) else None


def _address(href: str, base: str) -> str | None:
    url = absolute(href, base)
    return url.partition("#")[0] if url and len(url) <= _LONGEST else None


def _link(url: str, title: str) -> FeedLink:
    return FeedLink(url, single_line(title)[:_LONGEST])
