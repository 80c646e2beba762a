"""The rules of RSS 2.0's own elements, but for items. Source: RSS 2.0 specification."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from rules.dates import date_822_problem
from rules.tree import (
    XML,
    Check,
    Context,
    Element,
    Finding,
    anything,
    core_children,
    date_check,
    elements,
    namespace,
    problem_check,
    text_of,
    value_check,
)
from rules.values import (
    contact_problem,
    is_language,
    is_whole_number,
    plain_text_problem,
    url_problem,
)

Vocabulary = Mapping[str, Check]

check_url = problem_check(url_problem)
check_contact = problem_check(contact_problem)
check_date = date_check(date_822_problem)
check_plain = problem_check(plain_text_problem)


def check_title(node: Element, context: Context) -> Iterator[Finding]:
    """Plain text, and some of it."""
    if not text_of(node):
        yield "blank", node, ""
    yield from check_plain(node, context)


_STRUCTURES = {"channel", "item", "image", "textInput", "skipHours", "skipDays", "rss"}
_ATTRIBUTES = {
    "category": {"domain"},
    "enclosure": {"url", "length", "type"},
    "guid": {"isPermaLink"},
    "source": {"url"},
    "cloud": {"domain", "port", "path", "registerProcedure", "protocol"},
    "rss": {"version"},
}
_RSS_NAMESPACES = {
    "http://purl.org/rss/1.0/",
    "http://my.netscape.com/rdf/simple/0.9/",
    "http://backend.userland.com/rss2",
    "http://backend.userland.com/RSS2",
    "http://blogs.law.harvard.edu/tech/rss",
}


def shape_findings(node: Element) -> Iterator[Finding]:
    """What is wrong with the attributes of a core element, and with what it is made of."""
    for name in node.attrib:
        if name.startswith(f"{{{XML}}}"):
            continue
        if name.startswith("{"):
            yield "extension-attribute", node, name
        elif name not in _ATTRIBUTES.get(node.tag, ()):
            yield "attribute", node, name
    if node.tag not in _STRUCTURES:
        yield from (("child-element", child, child.tag) for child in elements(node))
    elif text_of(node):
        yield "stray-text", node, text_of(node)


def children_findings(
    node: Element,
    vocabulary: Vocabulary,
    context: Context,
    repeatable: frozenset[str] = frozenset(),
) -> Iterator[Finding]:
    """What is wrong with the core elements in a core element."""
    counts = Counter(child.tag for child in core_children(node))
    seen: set[str] = set()
    for child in elements(node):
        if namespace(child) in _RSS_NAMESPACES:
            yield "rss-namespace", child, child.tag
    for child in core_children(node):
        if child.tag not in vocabulary:
            yield "undefined-element", child, child.tag
            continue
        if child.tag in seen and child.tag not in repeatable:
            yield "double", child, f"{counts[child.tag]} x {child.tag}"
        seen.add(child.tag)
        yield from shape_findings(child)
        yield from vocabulary[child.tag](child, context)


def missing_findings(node: Element, names: str) -> Iterator[Finding]:
    """The required elements that are not there."""
    present = {child.tag for child in core_children(node)}
    yield from (("missing", node, name) for name in names.split() if name not in present)


_IMAGE: Vocabulary = {
    "url": check_url,
    "title": check_title,
    "link": check_url,
    "description": check_plain,
    "width": value_check("image-size", lambda text: is_whole_number(text, 1) and int(text) <= 144),
    "height": value_check("image-size", lambda text: is_whole_number(text, 1) and int(text) <= 400),
}


def check_image(node: Element, context: Context) -> Iterator[Finding]:
    """Source: RSS 2.0 `<image>`, whose title and link "should" be the channel's."""
    yield from children_findings(node, _IMAGE, context)
    yield from missing_findings(node, "url title link")
    channel = node.getparent()
    for name in ("title", "link"):
        mine, whole = node.findtext(name), channel.findtext(name)
        if mine and whole and mine.strip() != whole.strip():
            yield "image-match", node, mine


_TEXT_INPUT: Vocabulary = {
    "title": check_title,
    "description": check_plain,
    "name": value_check("blank", bool),
    "link": check_url,
}


def check_text_input(node: Element, context: Context) -> Iterator[Finding]:
    """Source: RSS 2.0 `<textInput>`."""
    yield from children_findings(node, _TEXT_INPUT, context)
    yield from missing_findings(node, "title description name link")


_DAYS = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
_HOURS = {str(hour) for hour in range(24)} | {f"0{hour}" for hour in range(10)}


def check_skip_hours(node: Element, context: Context) -> Iterator[Finding]:
    """Source: RSS 2.0 `<skipHours>`; 24 for midnight is a mistake of older versions."""
    hours = [text_of(hour) for hour in node.findall("hour")]
    yield from children_findings(node, {"hour": anything}, context, frozenset({"hour"}))
    wrong = [hour for hour in hours if hour not in _HOURS]
    if wrong or not hours or len({hour.lstrip("0") for hour in hours}) < len(hours):
        yield "skip-hours", node, " ".join(hours)


def check_skip_days(node: Element, context: Context) -> Iterator[Finding]:
    """Source: RSS 2.0 `<skipDays>`."""
    days = [text_of(day) for day in node.findall("day")]
    yield from children_findings(node, {"day": anything}, context, frozenset({"day"}))
    if not days or not set(days) <= _DAYS or len(set(days)) < len(days):
        yield "skip-days", node, " ".join(days)


def check_cloud(node: Element, _: Context) -> Iterator[Finding]:
    """Source: RSS 2.0 `<cloud>`."""
    absent = _ATTRIBUTES["cloud"] - set(node.attrib)
    if absent:
        yield "cloud", node, f"no {', '.join(sorted(absent))}"
        return
    port, protocol = node.get("port", ""), node.get("protocol", "")
    if not is_whole_number(port, 1) or int(port) > 65535:
        yield "cloud", node, port
    if protocol not in {"xml-rpc", "soap", "http-post"}:
        yield "cloud", node, protocol


check_language = value_check("language", is_language)
check_ttl = value_check("ttl", lambda text: is_whole_number(text, 1))
