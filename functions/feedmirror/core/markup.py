"""What shape a piece of HTML is in, told without parsing it: whether a parser can be let near."""

from __future__ import annotations

import re

# The elements of articles. The rest are dropped, their words stay: core/html.py says how.
TAGS = frozenset(
    "a abbr acronym address article aside audio b bdi bdo big blockquote br caption center cite "
    "code col colgroup dd del details dfn div dl dt em figcaption figure font footer "
    "h1 h2 h3 h4 h5 h6 header hgroup hr i img ins kbd li main map area mark menu nav ol p "
    "picture pre q rb rp rt rtc ruby s samp section small source span strike strong sub summary "
    "sup table tbody td tfoot th thead time tr track tt u ul var video wbr".split()
)
# And those that mean something else to a parser, or did once; not what HTML leaves out of scripts.
OF_HTML = TAGS | frozenset(
    "applet base basefont bgsound blink body button canvas data datalist dialog dir embed fieldset "
    "form frame frameset head html iframe image input isindex keygen label legend link listing "
    "marquee meta meter nobr noembed object optgroup option output param plaintext progress script "
    "search select slot style template textarea title xmp".split()
)
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")
# Elements that have no end, or whose start ends the one before.
_FLAT = frozenset(
    "area base br col embed hr img input link meta param source track wbr p li td tr dt dd".split()
)
# Elements that a parser opens again in each paragraph until they are closed.
# Source: HTML §13.2.4.3, "The list of active formatting elements".
_FORMATTING = frozenset("a b big code em font i nobr s small strike strong tt u".split())
# nh3 needs time quadratic in nesting: 488 KB of `<div>` took it 29 s, this many take 10 ms.
_DEEPEST = 400
_MOST_REOPENED = 8_000_000  # characters: 10 KB can be made to grow to 5 MB, and 1 MB to 50 GB
# Time is quadratic in ampersands, too (500,000 bare ones take 4 s), and in the attributes of one
# tag (5,000 take 10 ms, 40,000 take 0.7 s).
_MOST_AMPERSANDS = 100_000
_MOST_ATTRIBUTES = 5_000
_LONG_TAG = 1_000  # characters; a shorter one takes no time worth a look
# As a parser takes it: quotes count only behind an equals sign. Source: HTML §13.2.5.32 to 38.
_ATTRIBUTE = re.compile(
    r"[\s/]*+(?:=[^\s/>=]*+|[^\s/>=]++)"
    r"(?>(?:\s*+=\s*+(?>(?:\"[^\"]*+\"|'[^']*+'|[^\s>\"'][^\s>]*+)?))?)"
)
# All of a tag. An atomic group, since Python 3.11.2 backtracks wrongly in a group with `*+`.
ATTRIBUTES = rf"(?>(?:{_ATTRIBUTE.pattern})*)"
_START_TAG = re.compile(rf"<[a-zA-Z][^\s/>]*+({ATTRIBUTES})")


def is_monstrous(body: str) -> bool:
    """True if `body`, without comments, is beyond what any person writes: a parser would need
    minutes for it, or all memory. Told in linear time.
    """
    tags = [(match.start(), match[1], match[2].lower()) for match in _TAG.finditer(body)]
    ampersands = body.count("&") - body.count("&#")
    return (
        ampersands > _MOST_AMPERSANDS
        or _deepest(tags) > _DEEPEST
        or _reopened(tags) > _MOST_REOPENED
        or _has_giant_tags(body)
    )


def names(body: str) -> set[str]:
    """The names of all elements in `body`, in small letters."""
    return {name.lower() for _, name in _TAG.findall(body)}


def outline(body: str) -> list[tuple[str, str]]:
    """The tags, "/" first for one that ends an element: what a parser makes a structure of."""
    return [(match[1], match[2].lower()) for match in _TAG.finditer(body)]


def _deepest(tags: list[tuple[int, str, str]]) -> int:
    """How deep tags could nest if each that is opened stays open until one is closed."""
    depth = deepest = 0
    for _, closing, name in tags:
        if closing:
            depth = max(0, depth - 1)
        elif name not in _FLAT:
            depth += 1
            deepest = max(deepest, depth)
    return deepest


def _reopened(tags: list[tuple[int, str, str]]) -> int:
    """How many characters of start tags could be repeated, each taken to reach to the next tag."""
    open_sizes: list[int] = []
    size = total = 0
    following = (start for start, _, _ in tags[1:])
    for start, closing, name in tags:
        end = next(following, start)
        if name not in _FORMATTING:
            total += size
        elif not closing:
            open_sizes.append(end - start)
            size += end - start
        elif open_sizes:
            size -= open_sizes.pop()
    return total


def _has_giant_tags(body: str) -> bool:
    """True if its tags take a parser as long as one with more attributes than there may be."""
    if len(body) < _MOST_ATTRIBUTES:
        return False
    long = (found[1] for found in _START_TAG.finditer(body) if len(found[1]) >= _LONG_TAG)
    counts = (sum(1 for _ in _ATTRIBUTE.finditer(attributes)) for attributes in long)
    return sum(count**2 for count in counts) > _MOST_ATTRIBUTES**2
