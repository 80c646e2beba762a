"""XML namespaces of feeds: prefixes, misspellings, elements that hold bodies, values to repair."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import quote

from feedmirror.text.patterns import pattern

XHTML = "http://www.w3.org/1999/xhtml"
XLINK = "http://www.w3.org/1999/xlink"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
DCTERMS = "http://purl.org/dc/terms/"
ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
MEDIA = "http://search.yahoo.com/mrss/"
SLASH = "http://purl.org/rss/1.0/modules/slash/"
SY = "http://purl.org/rss/1.0/modules/syndication/"
YANDEX = "http://news.yandex.ru"
TURBO = "http://turbo.yandex.ru"
GOOGLEPLAY = "http://www.google.com/schemas/play-podcasts/1.0"
HISTORY = "http://purl.org/syndication/history/1.0"
EXCERPT = "http://wordpress.org/export/1.2/excerpt/"
PODCAST = "https://podcastindex.org/namespace/1.0"
SOURCE = "http://source.scripting.com/"
TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"  # RFC 6721
RSL = "https://rslstandard.org/rsl"
CC = "http://web.resource.org/cc/"
CREATIVE_COMMONS = "http://backend.userland.com/creativeCommonsRssModule"

OWN_MEMBER = "_feedmirror"  # of JSON Feed: what this mirror says of an entry

HTML = frozenset({"text/html", "application/xhtml+xml"})  # media types

# A browser runs these in any XML document, so only their words come through.
ACTIVE = frozenset(
    {XHTML, "http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML", XLINK}
)

# Of licences: their addresses may be relative in any attribute that holds one, and in text.
LICENCES = frozenset({RSL, CC, CREATIVE_COMMONS})

# Prefixes that the root of a mirrored document declares; some readers go by the prefix alone.
TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"  # RFC 6721
PREFIXES = {
    "admin": "http://webns.net/mvcb/",
    "atom": ATOM,
    "cc": CC,
    "content": CONTENT,
    "creativeCommons": CREATIVE_COMMONS,
    "dc": DC,
    "dcterms": DCTERMS,
    "excerpt": EXCERPT,
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "fh": HISTORY,
    "gd": "http://schemas.google.com/g/2005",
    "geo": "http://www.w3.org/2003/01/geo/wgs84_pos#",
    "georss": "http://www.georss.org/georss",
    "gml": "http://www.opengis.net/gml",
    "googleplay": GOOGLEPLAY,
    "itunes": ITUNES,
    "media": MEDIA,
    "openSearch": "http://a9.com/-/spec/opensearchrss/1.0/",
    "podcast": PODCAST,
    "psc": "http://podlove.org/simple-chapters",
    "rsl": RSL,
    "slash": SLASH,
    "source": SOURCE,
    "sy": SY,
    "thr": "http://purl.org/syndication/thread/1.0",
    "turbo": TURBO,
    "wfw": "http://wellformedweb.org/CommentAPI/",
    "yandex": YANDEX,
    "yt": "http://www.youtube.com/xml/schemas/2015",
}
URIS = {uri: prefix for prefix, uri in PREFIXES.items()}

# Other spellings of namespaces that clients take for the same, in lower case, without scheme and
# slashes at the end. Source: feedparser, SimplePie, gofeed, liferea.
_ALIASES = {
    "video.search.yahoo.com/mrss": MEDIA,
    "www.rssboard.org/media-rss": MEDIA,
    "rssboard.org/media-rss": MEDIA,
    "purl.org/rss/modules/syndication": SY,
    "example.com/dtds/podcast-1.0.dtd": ITUNES,
    "itunes.com/dtds/podcast-1.0.dtd": ITUNES,
    "purl.org/dc/elements/1.0": DC,
    "source.smallpict.com/2014/07/12/thesourcenamespace.html": SOURCE,
    "cyber.law.harvard.edu/rss/creativecommonsrssmodule.html": CREATIVE_COMMONS,
}
# Paths that identify a namespace whatever the host.
_ANY_HOST = pattern(
    r"[^/]+/(?P<path>rss/1\.0/modules/(?:content|slash|syndication)|dc/(?:elements/1\.1|terms)"
    r"|2005/atom|mrss|dtds/podcast-1\.0\.dtd|schemas/play-podcasts/1\.0"
    r"|(?P<podcast>podcastindex-org/podcast-namespace(?:/.*)?))"
)
# Syntax of a URI, without IPv6 hosts. Source: RFC 3986, appendix A.
_CHARACTERS = r"(?:[\w!$&'()*+,;=:@~./?-]|%[0-9A-Fa-f]{2})*"
_URI = pattern(
    r"(?:[A-Za-z][A-Za-z0-9+.-]*:(?://(?:[\w.~-]+@)?[\w.-]+(?::\d{1,5})?(?=[/?#]|$)|(?!//))"
    rf"|(?!//|[^/?#]*:)){_CHARACTERS}(?:#{_CHARACTERS})?",
    re.ASCII,
)


def _normalized(uri: str) -> str:
    """Return the part of a namespace that its usual misspellings have in common."""
    return uri.lower().partition("://")[2].rstrip("/#")


_KNOWN = _ALIASES | {_normalized(uri): uri for uri in (*URIS, TOMBSTONES)}
_BY_PATH = {_normalized(uri).partition("/")[2]: uri for uri in URIS}


@lru_cache(maxsize=256)  # called for each name
def canonical(uri: str) -> str:
    """Return the namespace that clients take `uri` for.

    A misspelling (of scheme, case, host, or slashes at the end) becomes the known namespace; a URI
    that is not known is returned unchanged; anything else is escaped, since libxml2 refuses
    documents with a namespace that is not a URI.
    """
    bare = _normalized(uri.strip())
    known = _KNOWN.get(bare)
    if known is None and (match := _ANY_HOST.fullmatch(bare)):
        known = PODCAST if match["podcast"] else _BY_PATH[match["path"]]
    return known or (uri if _URI.fullmatch(uri) else f"urn:escaped:{quote(uri, safe='')}")


def namespace_of(uri: str, local: str, prefix: str) -> str:
    """Return the namespace of a name as clients read the name.

    Clients know `content:encoded` by its prefix, whatever namespace the prefix is bound to.
    """
    if (prefix.lower(), local.lower()) == ("content", "encoded"):
        return CONTENT
    return canonical(uri) if uri else uri


# Extension elements that hold a body of an entry, which must include the disclaimer. The body is
# "html", "text", or "guess" where both are in use.
BODIES = {
    (YANDEX, "full-text"): "guess",
    (TURBO, "content"): "html",
    (MEDIA, "description"): "guess",
    (MEDIA, "text"): "guess",
    (ITUNES, "summary"): "guess",
    (GOOGLEPLAY, "description"): "guess",
    (DC, "description"): "guess",
    (DCTERMS, "description"): "guess",
    (DCTERMS, "abstract"): "guess",
    (EXCERPT, "encoded"): "html",
    (SOURCE, "markdown"): "text",
    (ATOM, "summary"): "text",
    (ATOM, "content"): "text",
}
# Elements with the full text of an entry, whose description may be only the beginning.
FULL_TEXTS = frozenset({(YANDEX, "full-text"), (TURBO, "content")})
# Elements that hold a body within an extension element: a live item holds elements of RSS.
NESTED_BODIES = BODIES | {("", "description"): "html", (CONTENT, "encoded"): "html"}
_PREFIXED = {(URIS[uri], local): kind for (uri, local), kind in NESTED_BODIES.items() if uri}


def body_kind(uri: str, local: str, prefix: str) -> str:
    """Return the kind of body that an element with that name holds, "" if it holds no body.

    In an unknown namespace the prefix decides, as in clients. For the kinds see `BODIES`.
    """
    local = local.lower()
    kind = NESTED_BODIES.get((uri, local), "")
    return kind or ("" if uri in URIS else _PREFIXED.get((prefix.lower(), local), ""))


# Extension elements of a feed that readers show like entries.
ENTRY_LIKE = "<podcast:liveItem"

# Links to the address and the pages of the origin's feed: in the mirror, these links would lead
# readers away from the mirror, or to pages that it does not have. Source: RFC 5005, WebSub §4.
DROPPED_LINK_RELS = frozenset(
    "self hub first last next previous prev prev-archive next-archive current "
    "http://schemas.google.com/g/2005#feed http://schemas.google.com/g/2005#post".split()
)
# Links that the model has fields for, where the document itself is Atom.
CORE_LINK_RELS = frozenset({"alternate", "enclosure"})


def _explicit(value: str) -> str | None:
    return {
        "true": "true",
        "yes": "true",
        "explicit": "true",
        "false": "false",
        "no": "false",
        "clean": "false",
    }.get(value.lower())


def _only(expression: str) -> Callable[[str], str | None]:
    compiled = pattern(expression)

    def keep(value: str) -> str | None:
        return value if compiled.fullmatch(value) else None

    return keep


_W3C_DATE = _only(
    r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])"
    r"(T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-]([01]\d|2[0-3]):?[0-5]\d))?)?)?"
)

# Media types of enclosures by the extension of the address, where the origin states no type. Not
# from `mimetypes`, whose answer depends on the machine.
ENCLOSURE_TYPES = {
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "aac": "audio/aac",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "mp4": "video/mp4",
    "m4v": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "ogv": "video/ogg",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "pdf": "application/pdf",
    "epub": "application/epub+zip",
    "zip": "application/zip",
    "torrent": "application/x-bittorrent",
    "vtt": "text/vtt",
    "srt": "application/x-subrip",
}


def type_of(url: str) -> str | None:
    """Return the media type that belongs to the file extension in an address, or None."""
    return ENCLOSURE_TYPES.get(url.partition("?")[0].partition("#")[0].rpartition(".")[2].lower())


# Elements with a restricted value, and the function that returns a value as validators accept it,
# or None to drop the element.
REPAIRS: dict[tuple[str, str], Callable[[str], str | None]] = {
    (ITUNES, "explicit"): _explicit,
    (SLASH, "comments"): _only(r"\d+"),
    (SY, "updatePeriod"): _only("hourly|daily|weekly|monthly|yearly"),
    (SY, "updateFrequency"): _only(r"[1-9]\d*"),
    (SY, "updateBase"): _W3C_DATE,
    (DC, "date"): _W3C_DATE,
}
