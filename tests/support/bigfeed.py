"""Long feeds of plausible prose, the same bytes for the same arguments: for benchmarks."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

_EPOCH = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_NAMESPACES = """
	xmlns:content="http://purl.org/rss/1.0/modules/content/"
	xmlns:wfw="http://wellformedweb.org/CommentAPI/"
	xmlns:dc="http://purl.org/dc/elements/1.1/"
	xmlns:atom="http://www.w3.org/2005/Atom"
	xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"
	xmlns:slash="http://purl.org/rss/1.0/modules/slash/"
"""


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in text.split("|"))


_SUBJECTS = _phrases(
    "the harbour master|a retired pilot|the night ferry|the town council|a crew of four|"
    "the lighthouse keeper|our reporter|the fish market|a visiting surveyor|the tide gauge|"
    "the museum of ropes|the new breakwater|an old photograph|the winter timetable|"
    "the shipping forecast|a committee of two"
)
_VERBS = _phrases(
    "waited for|described|postponed|found|repaired|counted|complained about|recommended|"
    "measured|forgot|remembered|reopened|surveyed|argued over|sold|photographed"
)
_OBJECTS = _phrases(
    "the north pier|three crates of herring|a fog signal|the last bus to the mole|"
    "a leaking sluice gate|the reading of the gauge|a letter from the islands|"
    "the price of diesel|the repainted buoys|a set of brass weights|the lost timetable|"
    "the dredging of the channel|a small fire in the net loft|the view from the signal tower|"
    "an unusually low spring tide|the harbour\u2019s only crane"
)
_TAILS = _phrases(
    "before the tide turned|for the second time this month|without much success|"
    "as the forecast had promised|while the rest of the town slept|to nobody\u2019s surprise|"
    "according to the minutes of the meeting|although the weather was fair|"
    "in the middle of the afternoon|for reasons that were never explained|"
    "with the help of two volunteers|at a cost of 4,300 crowns|under a clear sky|"
    "just as it was done in 1911|\u2013 or so it seemed|until further notice"
)
_TOPICS = ("harbour", "ferries", "weather", "market", "history", "council", "people", "science")
_AUTHORS = ("Ada Quay", "Ben Mole", "Cy Net", "Dora Strand", "Emil Buoy")


def big_feed(
    entries: int = 30, bytes_per_entry: int = 5800, seed: int = 0, *, first: int = 0
) -> bytes:
    """An RSS 2.0 document as WordPress makes them: a short description and the whole text.

    Its entries are numbered `first` to `first + entries - 1`, the largest on top; the bytes of an
    entry depend on nothing but the seed, its number and `bytes_per_entry`, which each keeps to
    within a hundredth. So the next version of a feed, with one new entry, is that of `first + 1`.
    """
    site = f"https://news{seed}.example.org/"
    built = first + entries
    head = (
        f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"{_NAMESPACES}>\n\n<channel>\n'
        f"\t<title>Harbour News {seed}</title>\n"
        f'\t<atom:link href="{site}feed/" rel="self" type="application/rss+xml" />\n'
        f"\t<link>{site}</link>\n\t<description>News from harbour {seed}</description>\n"
        f"\t<lastBuildDate>{_date(built)}</lastBuildDate>\n\t<language>en-GB</language>\n"
        "\t<sy:updatePeriod>\n\thourly\t</sy:updatePeriod>\n"
        "\t<sy:updateFrequency>\n\t1\t</sy:updateFrequency>\n\n"
    )
    items = (
        _item(number, site, seed, bytes_per_entry) for number in range(built - 1, first - 1, -1)
    )
    return (head + "".join(items) + "</channel>\n</rss>\n").encode()


def _item(number: int, site: str, seed: int, size: int) -> str:
    source = random.Random(f"{seed}/{number}")
    subject, found = source.choice(_SUBJECTS), source.choice(_OBJECTS)
    title = f"{subject.capitalize()} and {found}"
    link = f"{site}{2026 + number // 5000}/{number}/{subject.replace(' ', '-')}/"
    topics = "".join(
        f"\t\t<category><![CDATA[{topic}]]></category>\n" for topic in source.sample(_TOPICS, 3)
    )
    head = (
        f"\t<item>\n\t\t<title>{title}</title>\n\t\t<link>{link}</link>\n"
        f"\t\t<comments>{link}#comments</comments>\n"
        f"\t\t<dc:creator><![CDATA[{source.choice(_AUTHORS)}]]></dc:creator>\n"
        f"\t\t<pubDate>{_date(number)}</pubDate>\n{topics}"
        f'\t\t<guid isPermaLink="false">{site}?p={number}</guid>\n'
        f"\t\t<description><![CDATA[<p>{_sentence(source)} [&#8230;]</p>]]></description>\n"
        "\t\t<content:encoded><![CDATA["
    )
    tail = (
        f"]]></content:encoded>\n\t\t<wfw:commentRss>{link}feed/</wfw:commentRss>\n"
        f"\t\t<slash:comments>{source.randrange(40)}</slash:comments>\n\t</item>\n"
    )
    return head + _body(source, site, size - len((head + tail).encode())) + tail


def _body(source: random.Random, site: str, size: int) -> str:
    """Paragraphs, with a list, a quotation, a picture and links among them, of about that size."""
    blocks: list[str] = []
    length = 0
    while length < size:
        block = _block(source, site, len(blocks))
        blocks.append(block)
        length += len(block.encode())
    # Only a paragraph of plain words can be cut anywhere, so one takes the last one's place.
    length -= len(blocks.pop().encode())
    room = size - length - len("<p></p>\n")
    words = _sentences(source, max(room, 0))
    return "".join(blocks) + f"<p>{words}</p>\n"


def _block(source: random.Random, site: str, position: int) -> str:
    text = " ".join(_sentence(source) for _ in range(source.randint(2, 5)))
    kind = position % 7
    if kind == 2:
        link = f'<a href="{site}topic/{source.choice(_TOPICS)}/">{source.choice(_OBJECTS)}</a>'
        return f"<p>{text} More on {link}.</p>\n"
    if kind == 3:
        points = "".join(f"<li>{_sentence(source)}</li>\n" for _ in range(3))
        return f"<ul>\n{points}</ul>\n"
    if kind == 4:
        return f"<blockquote><p>&#8220;{text}&#8221;</p></blockquote>\n"
    if kind == 5:
        picture = f"{site}pictures/{source.randrange(10**6)}.jpg"
        return (
            f'<figure><img decoding="async" src="{picture}" alt="{source.choice(_OBJECTS)}" '
            f'width="1024" height="683" srcset="{picture} 1024w, {picture}?w=300 300w" />'
            f"<figcaption>{_sentence(source)}</figcaption></figure>\n"
        )
    return f"<p><strong>{source.choice(_TOPICS).upper()}</strong> &#8212; {text}</p>\n"


def _sentence(source: random.Random) -> str:
    words = f"{source.choice(_SUBJECTS)} {source.choice(_VERBS)} {source.choice(_OBJECTS)}"
    return f"{words[0].upper()}{words[1:]} {source.choice(_TAILS)}."


def _sentences(source: random.Random, size: int) -> str:
    """Sentences cut to that many bytes, not within a character."""
    text = ""
    while len(text.encode()) < size:
        text += _sentence(source) + " "
    return text.encode()[:size].decode(errors="ignore")


def _date(number: int) -> str:
    return format_datetime(_EPOCH + timedelta(hours=number))
