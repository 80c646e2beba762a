"""The operator's words: whatever is accepted as such stands in every body, marked and visible.

The input is the operator's template, a line that holds `---`, and the body of an entry.
"""

from __future__ import annotations

from feedmirror.model import Disclaimer, Entry, Feed, Images, Position, Revision, Subscription
from feedmirror.publishing.disclaimer import attach, problems
from feedmirror.publishing.pages.body import entry_body
from feedmirror.publishing.redaction import public_settings
from feedmirror.text.sanitize import clean
from fuzz.inputs import NOW, URL, chance, text
from fuzz.judges import MARK, require, require_closed
from rules.bodies import parse_body

SEEDS = ("disclaimers",)
FEED = Feed(kind="RSS 2.0", title='The "Gazette" & <Sons>', link="https://origin.example.org/")


def check(data: bytes) -> None:
    """A template is refused, or stands in summary and content once, where readers see it."""
    template, _, body = text(data).partition("\n---\n")
    choose = chance(data)
    is_html = choose.random() < 0.7
    if problems(template, is_html=is_html):
        return
    words = Disclaimer(html=template) if is_html else Disclaimer(text=template)
    if choose.random() < 0.5:
        words = Disclaimer(words.text, words.html, "en", Position.BEGINNING)
    cleaned = clean(body, URL)
    entry = Entry(guid="1", link=f"{URL}?1", title="One", summary=cleaned, content=cleaned)
    settings = public_settings(Subscription("news", URL, disclaimer=words))
    made = attach(_revision(entry), settings, FEED)
    shown = entry_body(made, Images.ORIGIN)
    for held in (made.summary, made.content or (), shown):
        _require_notice("".join(held))


def _revision(entry: Entry) -> Revision:
    return Revision("0" * 32, "1" * 24, "1", False, entry, 1, NOW, NOW, NOW, URL)


def _require_notice(body: str) -> None:
    root = parse_body(body)
    marked = [node for node in root.iter("div") if node.get("class") == MARK]
    require(len(marked) == 1, f"{len(marked)} notices in {body[:200]!r}")
    require(marked[0].getparent() is root, "the notice stands in something")
    require_closed(body, "the body")
