"""Generated feeds: two independent readers find the fields that the generator claims."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

import feedparser
import lxml.html
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from lxml import etree

from builders import atom_document, big_feed, entry, json_feed, rss_document
from generate import FEED_URL, KINDS, SITE_URL, Expected, Generated, edits, feeds, histories
from validity import rss_problems

pytestmark = pytest.mark.slow

# The same examples in each run: what is tested here is the tests' own tools.
STEADY = settings(
    max_examples=30,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
STEADY_SEARCH = settings(STEADY, max_examples=3000, phases=[Phase.generate])
RDF_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
DC_DATE = "{http://purl.org/dc/elements/1.1/}date"
ATOM = {"http://www.w3.org/2005/Atom", "http://purl.org/atom/ns#"}


def read(document: bytes) -> list[Expected]:
    """Return the fields of a document's entries, read from its tree by the rules of the formats."""
    root = etree.fromstring(document)
    own = etree.QName(root).namespace or ""
    if root.tag.endswith("}RDF"):
        own = "http://purl.org/rss/1.0/"
    elif not own and root.nsmap.get(None):
        own = root.nsmap[None]
    items = [node for node in root.iter("*") if etree.QName(node).localname in {"item", "entry"}]
    return [_read_item(item, f"{{{own}}}" if own else "") for item in items]


def _read_item(item: etree._Element, own: str) -> Expected:
    in_core = {child: child.tag.removeprefix(own) for child in item.iterchildren("*")}
    core = {name: child for child, name in in_core.items() if "{" not in name and name != "link"}
    guid = item.get(RDF_ABOUT) or _text(core.get("guid", core.get("id")))
    bodies = [core.get("description"), core.get("summary"), core.get("content"), item.find(CONTENT)]
    extension_elements = [child for child, name in in_core.items() if "{" in name]
    links = [child for child, name in in_core.items() if name == "link"]
    return Expected(
        guid=guid,
        link=_link(links),
        title=_plain(core.get("title")),
        published=_date(core, item),
        body_words=tuple(" ".join(_string(body) for body in bodies if body is not None).split()),
        foreign_words=tuple(
            etree.tostring(node, encoding="unicode") for node in extension_elements
        ),
    )


def _text(node: etree._Element | None) -> str | None:
    return None if node is None else node.xpath("string()").strip()


def _string(body: etree._Element) -> str:
    return body.xpath("string()")


def _link(links: list[etree._Element]) -> str | None:
    for link in links:
        if link.get("rel", "alternate") == "alternate":
            outer = FEED_URL if etree.QName(link).namespace in ATOM else SITE_URL
            base = urljoin(outer, link.base or "") if link.base else outer
            return urljoin(base, link.get("href") or _text(link) or "")
    return None


def _plain(title: etree._Element | None) -> str | None:
    if title is not None and "html" in title.get("type", "") and title.find("*") is None:
        return lxml.html.fromstring(_text(title) or "").text_content()
    return _text(title)


def _date(core: dict[str, etree._Element], item: etree._Element) -> datetime | None:
    if "pubDate" in core:
        return parsedate_to_datetime(_text(core["pubDate"]) or "").astimezone(UTC)
    found = core.get("published", core.get("issued", item.find(DC_DATE)))
    return None if found is None else datetime.fromisoformat(_text(found) or "").astimezone(UTC)


def agrees(found: Expected, wanted: Expected) -> bool:
    """True if the item has all expected fields."""
    bodies, extension_elements = " ".join(found.body_words), " ".join(found.foreign_words)
    return (
        (found.guid, found.link, found.title, found.published)
        == (wanted.guid, wanted.link, wanted.title, wanted.published)
        and all(word in bodies for word in wanted.body_words)
        and all(word in extension_elements for word in wanted.foreign_words)
    )


@STEADY
@given(feeds(confusable=True))
def test_generated_document_has_the_expected_fields(generated: Generated):
    found = read(generated.document)

    assert len(found) == len(generated.entries)
    for one, wanted in zip(found, generated.entries, strict=True):
        assert agrees(one, wanted), (one, wanted)


@STEADY
@given(feeds())
def test_feedparser_reads_the_same_entries(generated: Generated):
    headers = {"content-location": generated.url if generated.kind.startswith("Atom") else SITE_URL}
    with io.BytesIO(generated.document) as stream:
        found = feedparser.parse(
            stream, response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )

    assert len(found.entries) == len(generated.entries)
    for one, wanted in zip(found.entries, generated.entries, strict=True):
        if wanted.link or not generated.kind.startswith("Atom"):  # else it makes one of the id
            assert one.get("link") == wanted.link
        assert (_words_of(one.title) if "title" in one else None) == wanted.title


def _words_of(html: str) -> str:
    return lxml.html.fromstring(f"<p>{html}</p>").text_content()


@STEADY
@given(st.data())
def test_edited_document_keeps_the_items_that_were_not_touched(data: st.DataObject):
    before = data.draw(feeds(most=3))
    after = data.draw(edits(before))
    kept = {item.xml for item in before.items} & {item.xml for item in after.items}

    assert all(agrees(*pair) for pair in zip(read(after.document), after.entries, strict=True))
    assert all(xml.encode(after.frame.codec, "xmlcharrefreplace") in after.document for xml in kept)
    for item in after.items:
        twins = [old for old in before.items if old.name == item.name]
        assert not twins or twins[0].expected.guid == item.expected.guid
        assert not twins or twins[0].expected.link == item.expected.link


@STEADY
@given(histories())
def test_history_makes_no_number_of_a_lost_item_mean_another(versions: tuple[Generated, ...]):
    names = [item.name for version in versions for item in version.items]

    assert [version.version for version in versions] == list(range(len(versions)))
    assert len({name.number for name in names}) == len(set(names))


def _features(generated: Generated) -> set[str]:
    text = generated.document.decode(generated.frame.codec)
    guids = [one.guid for one in generated.entries if one.guid]
    return {
        generated.kind,
        generated.frame.encoding,
        *(name for name in ODDITIES if name in text),
        *(["same guid"] if len(set(guids)) < len(guids) else []),
        *(["no guid"] if len(guids) < len(generated.entries) else []),
        *(["no content type"] if generated.content_type is None else []),
    }


def test_every_kind_encoding_and_oddity_occurs():
    seen: set[str] = set()

    @settings(STEADY, max_examples=60)
    @given(st.sampled_from(KINDS).flatmap(lambda kind: feeds(kinds=[kind])))
    def look(generated: Generated) -> None:
        seen.update(_features(generated))

    look()
    wanted = {*KINDS, *ENCODINGS, *ODDITIES, "same guid", "no guid", "no content type"}
    for feature in wanted - seen:  # what is rare, and did not come up by chance
        find(feeds(), lambda found, it=feature: it in _features(found), settings=STEADY_SEARCH)


ENCODINGS = {"utf-8", "utf-16", "iso-8859-1", "windows-1251", "shift_jis"}
ODDITIES = {
    "\ufeff",
    "<![CDATA[",
    "&#x",
    "&#60;",
    "<!-- <item>",
    "<?target",
    "xml:base",
    "xml:lang",
    "='",
    '= "',
    "<a:entry",
    "<a:item",
    "<h:div",
    "urn:example:rebound",
    'xmlns="urn:example:another"',
    "podcast",
    "full-text",
    "<!DOCTYPE",
    "isPermaLink",
    "backend.userland.com/rss2",
    "<plaintext",
}


@pytest.mark.parametrize("build", [rss_document, atom_document])
def test_builder_writes_what_it_is_given(build):
    given_entry = entry(
        7,
        title="Fish & <chips>",
        content="<p>All of it</p>",
        author="Ada Quay",
        categories=("fish",),
        enclosures=[("https://gazette.example.org/7.mp3", 12, "audio/mpeg")],
        extra="<yandex:full-text>Words</yandex:full-text>",
    )
    found = feedparser.parse(io.BytesIO(build([given_entry, entry(6)])))
    first = found.entries[0]

    assert not found.bozo
    assert [one.id for one in found.entries] == [entry(7)["guid"], entry(6)["guid"]]
    assert first.title_detail.value.replace("&lt;", "<").replace("&gt;", ">") == "Fish & <chips>"
    assert first.published_parsed[:5] == (2026, 1, 5, 16, 0)
    assert (first.author, first.tags[0].term) == ("Ada Quay", "fish")
    assert first.enclosures[0].length == "12"
    assert first.content[0].value == "<p>All of it</p>"
    assert b"full-text>Words" in build([given_entry])


def test_rss_builder_writes_a_valid_document_but_for_the_self_link():
    problems = rss_problems(rss_document([entry(2, author="Ada"), entry(1)]))

    assert [problem.split()[0] for problem in problems] == ["self-missing"]


def test_rss_builder_writes_other_encodings_with_references_for_what_they_lack():
    document = rss_document([entry(1, title="Привет ☃")], encoding="windows-1251")

    assert "Привет &#9731;".encode("windows-1251") in document
    assert read(document)[0].title == "Привет ☃"


def test_json_feed_holds_the_entries_and_leaves_out_what_they_lack():
    document = json_feed([entry(1, guid=None, published="2026-01-05T09:00:00Z", author="Ada")])

    assert json.loads(document)["items"] == [
        {
            "url": "https://gazette.example.org/1",
            "title": "Entry 1",
            "content_html": "<p>What entry 1 says.</p>",
            "date_published": "2026-01-05T09:00:00Z",
            "authors": [{"name": "Ada"}],
        }
    ]


def test_big_feed_has_the_size_that_is_asked_for_and_is_valid():
    document = big_feed(30, 5800)

    assert 30 * 5800 * 0.99 < len(document) < 30 * 5800 * 1.02
    assert len(read(document)) == 30
    assert rss_problems(document, self_url="https://news0.example.org/feed/") == []


def test_big_feed_with_one_new_entry_keeps_the_bytes_of_the_others():
    before, after = big_feed(30), big_feed(30, first=1)
    old, new = (document.split(b"<item>") for document in (before, after))

    assert before == big_feed(30)
    assert new[2:-1] == old[1:-2]
    assert big_feed(30, seed=1) != before
