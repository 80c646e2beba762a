"""Items and entries of every kind, written in one of many ways."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from html import escape
from urllib.parse import urljoin

from builders import NAMESPACES
from generated.fragments import BODIES, CONFUSABLE, FOREIGN, XHTML_BODIES, foreign_element
from generated.spelling import Pen
from generated.values import Expected, Frame, Item, Name

_SITE = "https://gazette.example.org/"
_EPOCH = datetime(2025, 6, 1, 6, 30, tzinfo=UTC)
_ZONES = (UTC, timezone(timedelta(hours=2)), timezone(-timedelta(hours=3, minutes=30)))
_XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'


def draw_name(pen: Pen, frame: Frame, number: int, earlier: tuple[Item, ...]) -> Name:
    """What the item is recognised by; rarely the guid of an earlier one, with its link or not."""
    link = pen.pick(
        (f"{_SITE}{number}/", f"{_SITE}{number}?a=1&b=2#top", f"/{number}", f"{number}/fog", None)
    )
    base = pen.pick((None, None, None, "https://other.example.org/x/", "sub/"))
    guid = _draw_guid(pen, frame.kind, number)
    if earlier and guid is not None and pen.rarely():
        twin = pen.pick(earlier).name
        guid = twin.guid if frame.kind != "RSS 1.0" else guid
        link, base = pen.pick(((link, base), (twin.link, twin.base)))
    if frame.kind == "RSS 1.0":
        link = link or f"/{number}"
    return Name(number, guid, _draw_permalink(pen, frame.kind, guid, link), link, base)


def _draw_guid(pen: Pen, kind: str, number: int) -> str | None:
    if kind in {"RSS 0.91", "RSS 0.92"}:
        return None
    guids = (
        f"{_SITE}?p={number}&x=1",
        f"tag:gazette.example.org,2025:{number}",
        f"urn:uuid:00000000-0000-4000-8000-{number:012}",
    )
    if kind == "RSS 1.0":
        return pen.pick(guids)
    return pen.pick((*guids, f"post {number}", None))


def _draw_permalink(pen: Pen, kind: str, guid: str | None, link: str | None) -> bool | None:
    if kind != "RSS 2.0" or guid is None:
        return None
    if link is None:
        return False  # else the guid would be the link, or pass for one
    return pen.pick((False, None, True)) if guid.startswith("http") else pen.pick((False, None))


def draw_item(pen: Pen, frame: Frame, name: Name, version: int) -> Item:
    """The item of that name, with other content in each version."""
    draft = _Draft(pen, frame, name, f"{name.number}v{version}")
    if frame.kind.startswith("Atom"):
        _write_atom(draft)
    else:
        _write_rss(draft)
    draft.write_foreign()
    return draft.item()


class _Draft:
    """An item while it is written."""

    def __init__(self, pen: Pen, frame: Frame, name: Name, label: str) -> None:
        self.pen, self.frame, self.name = pen, frame, name
        self.label = label  # what makes its words its own
        self.parts: list[str] = []
        self.title: str | None = None
        self.published: datetime | None = None
        self.body_words: list[str] = []
        self.foreign_words: list[str] = []

    def write(self, local: str, content: str, attributes: dict[str, str] | None = None) -> None:
        """Add one of the kind's own elements, its content being XML."""
        self.parts.append(self.pen.element(self.frame.prefix + local, content, attributes))

    def write_qualified(self, uri: str, local: str, content: str) -> None:
        """Add an element of a namespace that is declared around it, or on it."""
        prefix = self.frame.prefixes.get(uri, "own")
        declared = {"xmlns:own": uri} if prefix == "own" else None
        self.parts.append(self.pen.element(f"{prefix}:{local}", content, declared))

    def draw_title(self) -> str:
        """Some words that no other item has."""
        self.title = f"Entry {self.label} {self.pen.words()}".strip()
        return self.title

    def draw_date(self) -> datetime:
        """When it was published: a later one for a larger number, in some zone."""
        self.published = _EPOCH + timedelta(minutes=self.name.number)
        return self.published.astimezone(self.pen.spell(_ZONES))

    def draw_body(self, templates: tuple[str, ...] = BODIES) -> str:
        """A body with a word that no other body has."""
        word = f"body{self.label}n{len(self.body_words)}"
        self.body_words.append(word)
        return self.pen.pick(templates).format(word=word)

    def write_foreign(self) -> None:
        """Add extension elements, some of them more than once."""
        if self.frame.kind == "RSS 0.91":
            return
        kinds = (*FOREIGN, *CONFUSABLE) if self.frame.confusable else FOREIGN
        for kind in self.pen.some(kinds, 3):
            word = f"foreign{self.label}n{len(self.foreign_words)}"
            self.foreign_words.append(word)
            self.parts.append(foreign_element(self.pen, kind, word, self.frame.prefixes))

    def item(self) -> Item:
        """The item, its parts in some order."""
        name, pen = self.name, self.pen
        attributes = {"xml:base": name.base} if name.base is not None else {}
        if self.frame.kind == "RSS 1.0":
            attributes[f"{_rdf_prefix(self.frame)}:about"] = name.guid or ""
        attributes |= pen.pick(({}, {}, {"xml:lang": "de"}, {"xmlns:t": "urn:t", "t:a": "x > 1"}))
        inside = "\n".join([pen.noise(), *pen.shuffled(self.parts), pen.noise()])
        local = "entry" if self.frame.kind.startswith("Atom") else "item"
        xml = _between(self) + pen.element(self.frame.prefix + local, inside, attributes)
        base = urljoin(self.frame.base, name.base or "")
        expected = Expected(
            guid=name.guid,
            link=None if name.link is None else urljoin(base, name.link),
            title=self.title,
            published=self.published,
            body_words=tuple(self.body_words),
            foreign_words=tuple(self.foreign_words),
        )
        return Item(name, xml, expected)


def _rdf_prefix(frame: Frame) -> str:
    return frame.prefixes["http://www.w3.org/1999/02/22-rdf-syntax-ns#"]


def _between(draft: _Draft) -> str:
    """What stands before an item: noise, and rarely an element of the channel's own."""
    pen, frame = draft.pen, draft.frame
    noise = pen.noise()
    if pen.often() or frame.kind not in {"RSS 2.0", "RSS 0.92", "Atom 1.0"}:
        return noise
    if frame.kind == "Atom 1.0":
        return noise + pen.element(f"{frame.prefix}category", "", {"term": "fog"})
    return noise + pen.element("category", pen.text("fog"))


def _write_rss(draft: _Draft) -> None:
    pen, name, kind = draft.pen, draft.name, draft.frame.kind
    titled = pen.often()
    if titled:
        draft.write("title", pen.padded(draft.draw_title()))
    if name.link is not None:
        draft.write("link", pen.padded(name.link))
    if kind == "RSS 2.0" and name.guid is not None:
        said = {"isPermaLink": str(name.permalink).lower()} if name.permalink is not None else {}
        draft.write("guid", pen.padded(name.guid), said)
    if not titled or pen.often():
        draft.write("description", pen.text(draft.draw_body()))
    if kind in {"RSS 1.0", "RSS 2.0"} and pen.rarely():
        draft.write_qualified(NAMESPACES["content"], "encoded", pen.text(draft.draw_body()))
    if kind in {"RSS 0.92", "RSS 2.0"}:
        for term in pen.some(("fog", "ferries & fish"), 2):
            draft.write("category", pen.text(term))
    if kind == "RSS 2.0" and pen.often():
        draft.write("pubDate", pen.padded(_rfc822(pen, draft.draw_date())))
    if kind == "RSS 1.0" and pen.often():
        draft.write_qualified(NAMESPACES["dc"], "date", pen.text(draft.draw_date().isoformat()))


def _rfc822(pen: Pen, moment: datetime) -> str:
    """The date in one of the forms that RSS 2.0 allows and the wild has."""
    full = format_datetime(moment)
    if moment.utcoffset() == timedelta(0):
        full = full.replace("+0000", pen.spell(("GMT", "+0000", "UT")))
    return pen.spell((full, full[5:], full.replace(", 0", ", ")))


def _write_atom(draft: _Draft) -> None:
    pen, name, old = draft.pen, draft.name, draft.frame.kind == "Atom 0.3"
    if name.guid is not None:
        draft.write("id", pen.padded(name.guid))
    titled = pen.often()
    if titled:
        _write_atom_title(draft, old)
    links = [{"rel": "related", "href": "https://else.example.org/"} for _ in pen.some("x", 1)]
    if name.link is not None:
        usual = {"href": name.link, "rel": "alternate", "type": "text/html"}
        links.append(usual if old or pen.often() else {"href": name.link})
    for link in pen.shuffled(links):
        draft.write("link", "", link)
    moment = draft.draw_date()
    draft.write("issued" if old else "published", pen.padded(moment.isoformat()))
    draft.write("modified" if old else "updated", pen.padded(moment.isoformat()))
    if not titled or pen.often():
        _write_atom_body(draft, "summary", old)
    if pen.often():
        _write_atom_body(draft, "content", old)


def _write_atom_title(draft: _Draft, old: bool) -> None:
    pen = draft.pen
    plain = draft.draw_title()
    html = escape(plain, quote=False).replace("Entry", "<b>Entry</b>")
    form = pen.pick(("plain", "html", "xhtml"))
    if form == "plain":
        draft.write("title", pen.padded(plain), pen.pick(({}, {"type": _type("text", old)})))
    elif form == "html":
        mode = {"mode": "escaped"} if old else {}
        draft.write("title", pen.padded(html), {"type": _type("html", old), **mode})
    else:
        mode = {"mode": "xml"} if old else {}
        draft.write("title", f"<div {_XHTML}>{html}</div>", {"type": _type("xhtml", old), **mode})


def _write_atom_body(draft: _Draft, local: str, old: bool) -> None:
    pen = draft.pen
    if pen.often():
        mode = {"mode": "escaped"} if old else {}
        draft.write(local, pen.text(draft.draw_body()), {"type": _type("html", old), **mode})
        return
    mode = {"mode": "xml"} if old else {}
    prefixed = '<h:div xmlns:h="http://www.w3.org/1999/xhtml"><h:p>{word}</h:p></h:div>'
    content = draft.draw_body((*(f"<div {_XHTML}>{body}</div>" for body in XHTML_BODIES), prefixed))
    draft.write(local, content, {"type": _type("xhtml", old), **mode})


def _type(kind: str, old: bool) -> str:
    """The type as Atom 1.0 names it, or as Atom 0.3 does."""
    if not old:
        return kind
    return {"text": "text/plain", "html": "text/html", "xhtml": "application/xhtml+xml"}[kind]
