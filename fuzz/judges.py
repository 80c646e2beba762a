"""What holds of everything that goes out, by readings that are not the program's own."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from xml.parsers import expat

from fuzz.inputs import NOTICE, NOW
from rules.bodies import parse_body
from rules.json_feed import json_disclaimers
from rules.values import EXECUTED_SCHEMES, scheme_of
from validity import FROM_ORIGIN, atom_problems, disclaimers, json_problems, rss_problems

# A date that is up to a day ahead passes: clocks differ. So do elements that Atom does not know and
# links of a strange sort, which are carried as they came.
_LET_PASS = FROM_ORIGIN | {"date-future", "atom-element", "atom-link"}
# What cannot be made an address stays in other vocabularies as the origin has it; and JSON Feed's
# plain texts may be about markup.
_SAID = re.compile(r"url-\S+ at \S*/\w+:\w+(?:\[\d+\])? |markup at \.items\S+\.\w+: ")
MARK = "feedmirror-disclaimer"
# As XML 1.0 §2.2 has them, noncharacters aside.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ACTIVE = frozenset(
    "applet base embed form frame frameset iframe input link math meta object param script style "
    "svg template".split()
)
_FORGED = frozenset({"class", "id", "role", "style", "srcdoc", "formaction", "action", "ping"})
_ADDRESSES = frozenset({"href", "src", "cite", "poster", "xlink:href", "data", "background"})
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())


class _Fragment(HTMLParser):
    """The problems of a fragment of HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.problems: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _ACTIVE:
            self.problems.append(f"<{tag}>")
        for name, value in attrs:
            if name.startswith("on") or name in _FORGED:
                self.problems.append(f"{name}={value!r} on <{tag}>")
            if name in _ADDRESSES and scheme_of(value or "") in EXECUTED_SCHEMES:
                self.problems.append(f"{name}={value!r} on <{tag}>")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes nothing")

    def handle_comment(self, data: str) -> None:
        self.problems.append(f"<!--{data}-->")

    handle_decl = handle_pi = unknown_decl = handle_comment


def require(holds: object, what: str) -> None:
    """Nothing, if it holds. Raises: AssertionError."""
    if not holds:
        raise AssertionError(what)


def require_text(text: str | None, what: str) -> None:
    """Nothing, if every document could hold the words."""
    found = FORBIDDEN.search(text or "")
    require(found is None, f"{what} holds {found and found[0]!r}")


def require_inert(body: str, what: str) -> None:
    """Nothing, if the fragment is balanced, runs nothing and forges nothing."""
    require_text(body, what)
    read = _Fragment()
    read.feed(body)
    read.close()
    require(not read.problems, f"{what}: {read.problems[:3]}")
    require(not read.open, f"{what} leaves {read.open[-3:]} open")


def require_closed(body: str, what: str) -> None:
    """Nothing, if what is put behind the body is seen, and not as a part of it."""
    ends = parse_body(f"{body}<b>the end</b>").xpath("//b[.='the end']")
    around = [node.tag for end in ends[:1] for node in end.iterancestors()]
    # libxml2 does not know that these are empty.
    swallowing = [tag for tag in around[:-1] if tag not in {"source", "track", "wbr"}]
    require(len(ends) == 1 and not swallowing, f"{what} swallows what follows: {around}")


def require_well_formed(document: bytes, what: str) -> None:
    """Nothing, if expat takes the document, and there is no document type in it."""
    parser = expat.ParserCreate(namespace_separator="\n")

    def refuse(*_: object) -> None:
        raise AssertionError(f"{what} has a document type")

    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise AssertionError(f"{what} is not well-formed: {error}") from error


def require_valid(name: str, document: bytes, address: str) -> None:
    """Nothing, if the judge of the tests finds no fault that is the mirror's own, and each body of
    each entry has the notice once.
    """
    judge = {"rss.xml": rss_problems, "atom.xml": atom_problems, "feed.json": json_problems}[name]
    problems = [
        problem
        for problem in judge(document, self_url=f"{address}/{name}", now=NOW)
        if problem.split()[0] not in _LET_PASS and not _SAID.match(problem)
    ]
    require(not problems, f"{name}: {problems[:3]}")
    if name == "feed.json":
        json.loads(document)
        entries = json_disclaimers(document, MARK, NOTICE)
    else:
        entries = disclaimers(document, sentence=NOTICE)
    for bodies in entries:
        require(bodies and set(bodies.values()) == {1}, f"{name}: notices {bodies}")


def require_page(page: str, what: str) -> None:
    """Nothing, if the page, read as libxml2 does, runs nothing and shows the notice."""
    root = parse_body(page)
    for node in root.iterdescendants():
        if not isinstance(node.tag, str):
            continue
        require(node.tag not in _ACTIVE - {"link", "meta"}, f"{what} has <{node.tag}>")
        for name, value in node.attrib.items():
            require(not name.startswith("on") and name != "style", f"{what} has {name}={value!r}")
            runs = name in _ADDRESSES and scheme_of(value) in EXECUTED_SCHEMES
            require(not runs or value == "data:,", f"{what} has {name}={value!r}")
    marked = [node for node in root.iter("*") if MARK in (node.get("class") or "").split()]
    words = [" ".join(node.text_content().split()) for node in marked]
    require(words == [NOTICE], f"{what} shows the notice as {words}")
