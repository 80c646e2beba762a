"""The rules of valid documents, one sentence each; the modules beside this one check them.

The judge is independent: it reads with lxml and imports nothing of the program. Sources: the
RSS 2.0 specification, the RSS Advisory Board's profile, RFC 4287, JSON Feed 1.1 and the messages
of the W3C's validator. What is said of RSS holds in the other formats for what they call otherwise.
Left out is what a faithful mirror cannot mend and no reader trips over: replacement characters,
guids that are short numbers, the file extension of an image, roles of credits, ratings.
"""

from __future__ import annotations

RULES: dict[str, str] = {
    # the document
    "encoding": "the bytes are UTF-8, without a byte order mark",
    "xml-declaration": "the first bytes are an XML declaration that names UTF-8",
    "well-formed": "libxml2 and expat both read the document, namespaces included",
    "doctype": "there is no document type declaration",
    "root": 'the root is `rss` with version="2.0"',
    "channel": "the root holds exactly one channel, and nothing else",
    "character": "no C1 control character or noncharacter stands in text or attributes",
    # the vocabulary
    "undefined-element": "an element without a namespace is one that RSS 2.0 defines there",
    "rss-namespace": "RSS elements have no namespace",
    "double": "an element that may occur once occurs once",
    "attribute": "an element has no attribute that RSS 2.0 does not define for it",
    "extension-attribute": "RSS elements carry no attributes of other namespaces",
    "child-element": "an element of text holds no elements",
    "stray-text": "an element of elements holds no text",
    "missing": "channel, image and textInput have all their required elements",
    "blank": "titles, categories and guids are not empty",
    "order": "the channel's own elements stand before its items",
    # values
    "url-relative": "an address is absolute, with a host where its scheme wants one",
    "url-character": "an address holds only the characters of a URI",
    "url-not-ascii": "an address is a URI, not an IRI: anything but ASCII is percent-encoded",
    "url-scheme": "an address has a scheme that a browser does not execute",
    "email": "a contact is `address (Name)`",
    "email-without-name": "a contact has a name after its address",
    "date-822": "a date is one of RFC 822, with four digits of year, 1900 or later",
    "date-day-name": "a date's day name is the right one",
    "date-zone": "a date's zone is one that exists",
    "date-future": "no date lies more than ten minutes ahead",
    "date-implausible": "no date lies before 1990",
    "language": "a language is a tag of BCP 47",
    "markup": "plain text holds no HTML tags",
    "reference": "plain text holds no character references, as escaping twice leaves them",
    "ttl": "ttl is a positive number of minutes",
    "skip-hours": "skipHours holds each hour, 0 to 23, at most once",
    "skip-days": "skipDays holds each English day name at most once",
    "cloud": "cloud has its five attributes, a port and a known protocol",
    "image-size": "an image is 1 to 144 wide and 1 to 400 high",
    "image-match": "an image has the title and the link of its channel",
    # items
    "item-empty": "an item has a title or a description",
    "guid-missing": "an item has a guid",
    "guid-double": "no two items share a guid",
    "permalink-value": "isPermaLink is true or false",
    "permalink": "a guid that is a permalink is an http or https URL",
    "enclosure-attribute": "an enclosure has url, length and type",
    "enclosure-length": "an enclosure's length is a whole number, not negative",
    "enclosure-type": "an enclosure's type is a media type",
    "enclosure-url": "an enclosure's url is http or https",
    "enclosure-double": "an item has at most one enclosure",
    "source-url": "source has a url",
    "double-meaning": "what an RSS element says is not said again by a foreign one",
    # Atom and JSON Feed alone
    "alternate-double": "of alternate links there is one of each type and language",
    "id-syntax": "an id of the schemes urn and tag follows the syntax of that scheme",
    "json-type": "a value is of the type that its member wants",
    "source-incomplete": "a source has id, title and updated",
    "text-type": "a text construct is text, html, or xhtml with one div in it",
    "updated-double": "no two entries were updated at the same moment",
    # bodies
    "content-before-description": "content:encoded comes after description",
    "content-without-description": "an item with content:encoded has a description",
    "body-active": "a body holds no element that runs, frames or restyles anything",
    "body-handler": "a body has no event handler attributes",
    "body-style": "a body has no style attributes",
    "body-relative": "every address in a body is absolute",
    "body-scheme": "no address in a body has a scheme that a browser executes or inlines",
    # foreign elements
    "self-missing": "the channel says by atom:link rel=self where it is",
    "self-double": "it says so once",
    "self-mismatch": "it says the address that it is served from",
    "self-type": "a self link's type is that of a feed",
    "atom-link": "atom:link is empty, has href, and its attributes have values of their kind",
    "atom-element": "only those Atom elements occur that have a meaning in RSS",
    "date-3339": "Atom's dates are of RFC 3339",
    "date-w3cdtf": "Dublin Core's dates are of W3CDTF",
    "foreign-double": "a foreign element that may occur once occurs once",
    "foreign-url": "a foreign element whose text is an address holds one",
    "foreign-number": "a foreign element whose text is a whole number holds one",
    "reserved-prefix": "a well-known prefix is bound to its own namespace",
    "itunes-explicit": "itunes:explicit is true or false",
    "itunes-duration": "itunes:duration is seconds, or minutes and seconds, or hours too",
    "itunes-value": "itunes:type, episodeType, block and category have a known value",
    "itunes-image": "itunes:image has an http or https href",
    "itunes-owner": "itunes:owner has an e-mail address",
    "itunes-length": "iTunes texts keep to 255 characters, summaries to 4000",
    "media-namespace": "Media RSS has its namespace with the slash at the end",
    "media-group": "media:group holds more than one media:content",
    "media-attribute": "the attributes of Media RSS have values of their kind",
    "coordinates": "latitudes, longitudes and lists of them are numbers in range",
    "sy-period": "sy:updatePeriod is one of its five words",
    "sy-frequency": "sy:updateFrequency is a positive whole number",
    "slash-comments": "slash:comments is a whole number, not negative",
    "slash-without-build-date": "where slash:comments is used the channel has a lastBuildDate",
}

# Only the origin's own words can break these; a mirror that alters nothing passes them on. A test
# over feeds that it did not write may leave them out, one over feeds that keep them must not.
FROM_ORIGIN = frozenset(
    {
        "content-without-description",
        "coordinates",
        "date-3339",
        "date-implausible",
        "date-w3cdtf",
        "double-meaning",
        "enclosure-double",
        "foreign-double",
        "foreign-number",
        "foreign-url",
        "itunes-duration",
        "itunes-image",
        "itunes-length",
        "itunes-owner",
        "itunes-value",
        "media-attribute",
        "reference",  # words about markup can be written in no way that every reader reads alike
        "reserved-prefix",
        "slash-comments",
        "source-incomplete",
        "sy-frequency",
        "sy-period",
        "updated-double",
    }
)
