"""Which elements are the feed's own, and which of all elements the interpreter is to see."""

from __future__ import annotations

from feedmirror.text.namespaces import ATOM, CONTENT, DC, DCTERMS, ITUNES, SY, XHTML
from feedmirror.text.xml import Name

# Namespaces in which `item`, `entry`, `guid` ... mean what they mean in RSS and Atom: those that
# feedparser maps to no prefix.
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
    """Whether names of this namespace are RSS's or Atom's own."""
    lower = uri.lower()
    return lower in _BASE or "backend.userland.com/rss" in lower


def is_own(uri: str, parent_uri: str) -> bool:
    """Whether names of this namespace are the feed's own in an element of another's.

    What is in the same namespace is, whatever it is called; Atom's elements within RSS are not.
    """
    return uri == parent_uri or (is_base(uri) and uri.lower() != ATOM.lower())


# What the interpreter is to see, by namespace ("": the feed's own) and local name in lower case.
# It takes much else for what it is not: an iTunes summary before the description for the
# description, a link within another vocabulary's element for the entry's. Authors and enclosures
# are read from the element itself: it spoils addresses, needs minutes for an author of 40 KB, and
# makes up media types.
READ_OF_ITEM = {
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
READ_OF_FEED = {
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
    """Whether an element tells who wrote its parent."""
    if is_own(name.uri, parent.uri):
        return name.local.lower() in {"author", "managingeditor"}
    return name.local in _AUTHORS.get(name.uri, ())
