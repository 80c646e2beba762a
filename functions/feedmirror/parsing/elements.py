"""Element names: those of the feed formats themselves, and those that feedparser may see."""

from __future__ import annotations

from feedmirror.text.namespaces import ATOM, CONTENT, DC, DCTERMS, ITUNES, SY, XHTML
from feedmirror.text.xml import Name

# Namespaces of RSS and Atom, in which names like `item` and `guid` have their usual meaning: those
# that feedparser maps to no prefix.
_BASE = frozenset(
    {
        "",
        "http://blogs.law.harvard.edu/tech/rss",
        "http://purl.org/rss/1.0/",
        "http://my.netscape.com/rdf/simple/0.9/",
        "http://example.com/newformat#",
        "http://example.com/necho",
        "http://purl.org/echo/",
        "uri/of/echo/namespace#",
        "http://purl.org/pie/",
        "http://purl.org/atom/ns#",
        "http://www.w3.org/2005/atom",
        "http://purl.org/rss/1.0/modules/rss091#",
    }
)


def is_base(uri: str) -> bool:
    """True if `uri` is a namespace of RSS or Atom themselves."""
    lower = uri.lower()
    return lower in _BASE or "backend.userland.com/rss" in lower


def is_own(uri: str, parent_uri: str) -> bool:
    """True if an element in the namespace `uri` is no extension element of its parent.

    True in the namespace of the parent, whatever that is; False for elements of Atom within RSS.
    """
    return uri == parent_uri or (is_base(uri) and uri.lower() != ATOM.lower())


# Elements that feedparser may see, by namespace ("": that of the feed) and lower-case local name.
# feedparser misreads many others: an iTunes summary before the description as the description, a
# link within an extension element as the link of the entry. Authors and enclosures are parsed here,
# since feedparser damages addresses, takes minutes for an author of 40 KB, and invents media types.
ITEM_ELEMENTS = {
    "": frozenset(
        "title link guid id description summary content category comments pubdate "
        "published issued updated modified source body fullitem abstract language".split()
    ),
    DC: frozenset("date language subject".split()),
    DCTERMS: frozenset({"issued", "modified"}),
    CONTENT: frozenset({"encoded"}),
    XHTML: frozenset({"body"}),
    ATOM.lower(): frozenset({"link", "published", "updated"}),  # within RSS
}
FEED_ELEMENTS = {
    "": frozenset(
        "channel items title link description subtitle tagline abstract language copyright rights "
        "category image logo icon pubdate published issued lastbuilddate updated modified "
        "ttl".split()
    ),
    DC: frozenset("date language rights subject".split()),
    DCTERMS: frozenset({"issued", "modified"}),
    ATOM.lower(): frozenset({"link", "updated"}),
    SY: frozenset({"updateperiod", "updatefrequency"}),
}
_AUTHORS = {
    DC: frozenset({"author", "creator"}),
    ITUNES: frozenset({"author"}),
    ATOM: frozenset({"author"}),  # within RSS
}


def is_author(name: Name, parent: Name) -> bool:
    """True if an element with that name is an author of its parent."""
    if is_own(name.uri, parent.uri):
        return name.local.lower() in {"author", "managingeditor"}
    return name.local in _AUTHORS.get(name.uri, ())
