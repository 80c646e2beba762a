"""feed.json: valid, and complete in the members of JSON Feed and of the mirror's extension."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from test_rss import FEEDS

from builders import EPOCH, SITE, atom_document, entry, json_feed, rss_document
from feedmirror.errors import RenderError
from feedmirror.model import Disclaimer, Fetched, Position, Subscription
from feedmirror.parsing.parse import parse
from feedmirror.publishing.disclaimer import attach
from feedmirror.publishing.formats import formats
from feedmirror.publishing.formats.format import Stamp, stamped
from feedmirror.publishing.publication import Publication
from feedmirror.publishing.redaction import public_settings
from feedmirror.text import sanitize
from feedmirror.text.plain import words_of
from generate import FEED_URL, feeds
from generated.values import Generated
from rules.json_feed import json_disclaimers
from scene import NOON, PUBLIC_URL, SUBSCRIPTION, URL, Scene
from schemas import needs_schemas, schema_problems
from store_factories import entries_in, state_in
from validity import FROM_ORIGIN, json_problems

NOTICE = "A sentence of the operator's."
NOW = datetime(2027, 1, 1, tzinfo=UTC)
MEDIA = "http://search.yahoo.com/mrss/"
ATOM = "{http://www.w3.org/2005/Atom}"
FORMAT = next(made for made in formats() if made.name == "feed.json")


def _scene(answer: bytes | Fetched, **settings: Any) -> Scene:
    subscription = Subscription("news", URL, **{"disclaimer": Disclaimer(text=NOTICE), **settings})
    scene = Scene(answer, subscription=subscription)
    scene.now = NOW
    scene.refresh()
    return scene


def _published(answer: bytes | Fetched, **settings: Any) -> str:
    return _scene(answer, **settings).public("feed.json")


def _read(answer: bytes | Fetched, **settings: Any) -> Any:
    return json.loads(_published(answer, **settings))


def _problems(public: str) -> list[str]:
    return json_problems(public.encode(), self_url=f"{PUBLIC_URL}/news/feed.json", now=NOW)


def _assert_disclaimed(public: str) -> None:
    for bodies in json_disclaimers(public.encode(), "feedmirror-disclaimer", NOTICE):
        assert bodies, "an item without a body"
        assert set(bodies.values()) == {1}, bodies


@pytest.mark.costly
@pytest.mark.parametrize("path", FEEDS, ids=lambda path: path.name)
def test_every_test_feed_is_published_valid_with_the_disclaimer_in_every_body(path: Path) -> None:
    public = _published(Fetched(URL, path.read_bytes()))
    assert [p for p in _problems(public) if p.split()[0] not in FROM_ORIGIN] == []
    _assert_disclaimed(public)


@needs_schemas
@pytest.mark.parametrize("path", FEEDS, ids=lambda path: path.name)
def test_json_of_every_test_feed_validates_against_the_schema(path: Path) -> None:
    assert schema_problems(_published(Fetched(URL, path.read_bytes())).encode()) == []


@pytest.mark.slow
@given(feeds())
def test_every_generated_feed_is_published_valid(generated: Generated) -> None:
    scene = _scene(Fetched(FEED_URL, generated.document, generated.content_type))
    public = scene.public("feed.json")
    assert [p for p in _problems(public) if p.split()[0] not in FROM_ORIGIN] == []
    _assert_disclaimed(public)
    first = {(expected.guid, expected.link): expected for expected in reversed(generated.entries)}
    items = json.loads(public)["items"]
    assert len(items) == scene.public().count("<guid")
    bodies = " ".join(item["content_html"] for item in items)
    for expected in first.values():
        assert all(word in bodies or word in public for word in expected.body_words)
    links = {item.get("url") for item in items}
    assert {expected.link for expected in first.values()} == links


def test_a_plain_feed_of_each_kind_is_published_without_a_warning() -> None:
    entries = [entry(2, content="<p>All of two.</p>", summary="Two."), entry(1)]
    for document in (rss_document(entries), atom_document(entries), json_feed(entries)):
        public = _published(document)
        assert _problems(public) == []
        assert [each["title"] for each in json.loads(public)["items"]] == ["Entry 2", "Entry 1"]


def test_items_have_the_fields_of_the_entry() -> None:
    changed = EPOCH.replace(hour=23)
    enclosures = [
        ("https://e.example.org/a.mp3", 9, "audio/mpeg"),
        ("https://e.example.org/b", 0, "x"),
    ]
    told = entry(
        1,
        title="AT&T <b>\u2028</b>",
        summary="What it says.",
        content="<p>All.</p>",
        author="Ada",
        updated=changed,
        categories=["tides", "ferries"],
        enclosures=enclosures,
        extra={"language": "pt-BR"},
    )
    (item,) = _read(json_feed([told], extra_feed={"language": "pt"}))["items"]
    assert item.pop("content_html").startswith("<p>All.</p>")
    assert item.pop("summary") == f"What it says.\n\n{NOTICE}"
    provenance = item.pop("_feedmirror")
    assert item == {
        "id": f"{SITE}1",
        "url": f"{SITE}1",
        "title": "AT&T <b>\u2028</b>",
        "date_published": "2026-01-05T10:00:00Z",
        "date_modified": "2026-01-05T23:00:00Z",
        "authors": [{"name": "Ada"}],
        "tags": ["tides", "ferries"],
        "language": "pt-BR",
        "attachments": [
            {"url": enclosures[0][0], "mime_type": "audio/mpeg", "size_in_bytes": 9},
            {"url": enclosures[1][0], "mime_type": "application/octet-stream", "size_in_bytes": 0},
        ],
    }
    assert provenance.keys() == {"source", "key", "revision", "first_fetched", "disclaimer"}
    assert provenance["source"] == {"title": "The Harbour Gazette", "url": URL}
    assert provenance["first_fetched"] == "2027-01-01T00:00:00Z"
    assert provenance["disclaimer"] == NOTICE


def test_key_and_revision_of_an_item_name_its_record() -> None:
    scene = _scene(rss_document([entry(1)]))
    (item,) = json.loads(scene.public("feed.json"))["items"]
    said = item["_feedmirror"]
    assert (
        scene.store.load(f"data/news/entries/{said['key']}/{said['revision']}.0.json") is not None
    )


def test_feed_names_its_source_and_rights() -> None:
    found = _read(rss_document([entry(1)], extra_channel="<copyright>Free</copyright>"))
    assert found["version"] == "https://jsonfeed.org/version/1.1"
    assert (found["title"], found["home_page_url"]) == ("The Harbour Gazette", SITE)
    assert found["feed_url"] == f"{PUBLIC_URL}/news/feed.json"
    assert found["_feedmirror"]["source"] == {"title": "The Harbour Gazette", "url": URL}
    assert found["_feedmirror"]["rights"] == "Free"


def test_ids_are_the_guids_of_the_origin() -> None:
    guids = ["17", "post/two", f"{SITE}3", "urn:x:four"]
    entries = [entry(n, guid=guid, permalink=False) for n, guid in enumerate(guids, 1)]
    scene = _scene(rss_document(entries))
    items = json.loads(scene.public("feed.json"))["items"]
    assert sorted(item["id"] for item in items) == sorted(guids)
    root = etree.fromstring(scene.public("rss.xml").encode())
    assert sorted(guid.text or "" for guid in root.iter("guid")) == sorted(guids)
    assert [item["_feedmirror"].get("guid") for item in items] == [None] * 4


def test_an_executable_guid_is_replaced_as_id_and_kept_in_the_extension() -> None:
    (item,) = _read(rss_document([entry(1, guid="javascript:x", permalink=False)]))["items"]
    assert item["id"].startswith("urn:uuid:")
    assert item["_feedmirror"]["guid"] == "javascript:x"


def test_members_of_json_feed_come_through_from_json_to_json() -> None:
    said = {
        "id": "7",
        "url": f"{SITE}7",
        "external_url": "https://elsewhere.example.net/7",
        "image": f"{SITE}7.webp",
        "banner_image": f"{SITE}wide.webp",
        "authors": [{"name": "Ada", "avatar": f"{SITE}ada.png"}],
        "attachments": [
            {
                "url": f"{SITE}7.ogg",
                "mime_type": "audio/ogg",
                "size_in_bytes": 70,
                "duration_in_seconds": 7.5,
            }
        ],
        "_shop": {"price": 3, "sold": False, "of": [None, {"x": "ü"}]},
    }
    document = {"title": "t", "_shop": {"open": True}, "items": [said]}
    feed = _read(json.dumps({"version": "https://jsonfeed.org/version/1.1", **document}).encode())
    assert feed["_shop"] == {"open": True}
    (item,) = feed["items"]
    assert {name: item[name] for name in said} == said


def test_a_picture_beside_the_body_is_in_every_feed_and_on_the_page() -> None:
    item = {"id": "7", "title": "Seven", "image": f"{SITE}7.webp", "external_url": f"{SITE}seven"}
    document = {"version": "https://jsonfeed.org/version/1.1", "items": [item]}
    scene = _scene(json.dumps(document).encode())
    for name in ("rss.xml", "atom.xml", "feed.json"):
        assert f"{SITE}7.webp" in scene.public(name)
    root = etree.fromstring(scene.public("atom.xml").encode())
    related = [e.get("href") for e in root.iter(f"{ATOM}link") if e.get("rel") == "related"]
    assert related == [f"{SITE}seven"]
    (shown,) = json.loads(scene.public("feed.json"))["items"]
    page = scene.public(f"entries/{shown['_feedmirror']['key']}.html")
    assert f'<img src="{SITE}7.webp"' in page


def test_files_of_media_rss_are_attachments_and_the_first_picture_is_the_image() -> None:
    extra = (
        f'<media:thumbnail xmlns:media="{MEDIA}" url="{SITE}small.png"/>'
        f'<media:content xmlns:media="{MEDIA}" url="{SITE}b.webm" medium="video" duration="7"/>'
        f'<media:content xmlns:media="{MEDIA}" url="{SITE}a.png" type="image/png" fileSize="12"/>'
    )
    (item,) = _read(rss_document([entry(1, extra=extra)]))["items"]
    assert item["image"] == f"{SITE}a.png"
    assert item["attachments"] == [
        {"url": f"{SITE}b.webm", "mime_type": "video/webm", "duration_in_seconds": 7},
        {"url": f"{SITE}a.png", "mime_type": "image/png", "size_in_bytes": 12},
    ]


ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"


def _attachments(duration: str, *files: tuple[str, str]) -> list[object]:
    extra = f'<itunes:duration xmlns:itunes="{ITUNES}">{duration}</itunes:duration>'
    enclosures = [(f"{SITE}{name}", 9, kind) for name, kind in files]
    (item,) = _read(rss_document([entry(1, enclosures=enclosures, extra=extra)]))["items"]
    return [file.get("duration_in_seconds") for file in item["attachments"]]


AUDIO = ("a.mp3", "audio/mpeg")


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("3723", 3723),
        (" 1:02:03 ", 3723),
        ("62:03", 3723),
        ("1:02:03.5", 3723.5),
        ("0", None),
        ("1:2:3:4", None),
        ("1:-2", None),
        ("an hour", None),
        ("", None),
    ],
)
def test_duration_of_a_podcast_episode_is_the_duration_of_its_file(
    written: str, seconds: float | None
) -> None:
    assert _attachments(written, AUDIO) == [seconds]


def test_a_duration_belongs_to_the_only_playable_file() -> None:
    assert _attachments("60", AUDIO, ("a.jpg", "image/jpeg")) == [60, None]
    assert _attachments("60", AUDIO, ("b.mp3", "audio/mpeg")) == [None, None]
    assert _attachments("60", ("a.bin", "")) == [60]


def test_the_duration_of_the_only_attachment_is_written_in_rss() -> None:
    file = {"url": f"{SITE}7.ogg", "mime_type": "audio/ogg", "duration_in_seconds": 7.5}
    item = {"id": "7", "content_text": "a", "attachments": [file]}
    document = {"version": "https://jsonfeed.org/version/1.1", "items": [item]}
    found = etree.fromstring(_scene(json.dumps(document).encode()).public("rss.xml").encode())
    assert found.findtext(f"channel/item/{{{ITUNES}}}duration") == "8"
    item["attachments"] = [file, file | {"url": f"{SITE}8.ogg"}]
    assert "duration" not in _scene(json.dumps(document).encode()).public("rss.xml")


def test_author_with_an_email_address_only_has_a_mailto_url() -> None:
    (item,) = _read(rss_document([entry(1, extra="<author>a+b@example.org (Ada)</author>")]))[
        "items"
    ]
    assert item["authors"] == [{"name": "Ada", "url": "mailto:a+b@example.org"}]


def test_comments_are_in_the_extension() -> None:
    (item,) = _read(rss_document([entry(1, comments=f"{SITE}1#c")]))["items"]
    assert item["_feedmirror"]["comments_url"] == f"{SITE}1#c"


def test_summary_is_plain_text_with_the_disclaimer_at_the_configured_position() -> None:
    both = entry(1, summary="<p>a &lt; b</p><p>c</p>", content="<p>x</p>")
    disclaimer = Disclaimer(text=NOTICE, position=Position.BEGINNING)
    (item,) = _read(rss_document([both]), disclaimer=disclaimer)["items"]
    assert item["summary"] == f"{NOTICE}\n\na < b c"


def test_date_modified_is_when_a_change_was_fetched_and_else_missing() -> None:
    scene = Scene(rss_document([entry(2), entry(1)]))
    scene.refresh()
    scene.later(hours=1)
    scene.says(rss_document([entry(2), entry(1, summary="<p>edited</p>")]))
    scene.refresh()
    items = json.loads(scene.public("feed.json"))["items"]
    modified = [item.get("date_modified") for item in items]
    assert modified == [None, "2026-03-02T13:00:00Z"]


def test_json_mirror_of_a_mirror_has_the_disclaimer_once() -> None:
    first = _published(rss_document([entry(2, content="<p>All.</p>"), entry(1)]))
    again = _read(Fetched("https://other.example/feed.json", first.encode()))
    for before, after in zip(json.loads(first)["items"], again["items"], strict=True):
        assert after["content_html"] == before["content_html"]
        assert (after["id"], after["title"]) == (before["id"], before["title"])


WORDS = st.text("ab <>&\"'=/\n\u00e9", max_size=8)
BODIES = st.recursive(
    WORDS,
    lambda inner: st.builds(
        "<{0} title='{1}'>{2}</{0}>{3}".format,
        st.sampled_from("p b li i".split()),
        WORDS,
        inner,
        inner,
    ),
)


@given(BODIES)
def test_words_of_a_body_are_the_text_that_a_sanitiser_leaves(body: str) -> None:
    cleaned = sanitize.clean(body)
    spaceless = "".join(words_of(cleaned).split())
    assert spaceless == "".join(sanitize.to_text(cleaned).split())


# ---------------------------------------------------------------- its bytes


def test_generation_is_read_from_the_head_of_every_document() -> None:
    scene = Scene(rss_document([entry(1, summary='"_feedmirror":{"generation":9999')]))
    scene.refresh()
    assert {stamped(scene.public(made.name).encode()).generation for made in formats()} == {1}
    scene.says(rss_document([entry(2), entry(1)]))
    scene.refresh()
    stamps = {stamped(scene.public(made.name).encode()) for made in formats()}
    assert {one.generation for one in stamps} == {2}
    assert len(stamps) == 1, "the render keys differ"
    assert json.loads(scene.public("feed.json"))["_feedmirror"]["generation"] == 2
    bare = re.sub('"generation":2,', "", scene.public("feed.json"))
    assert stamped(bare.encode()) == Stamp()


@pytest.mark.row("U5")
def test_document_depends_on_the_state_and_the_settings_only() -> None:
    document = rss_document([entry(1)])
    scene = Scene(document)
    scene.refresh()
    before = scene.public("feed.json")
    scene.later(days=400)
    scene.says(Fetched(URL, document.replace(b"<item>", b"<item> ")))
    scene.refresh()
    assert scene.public("feed.json") == before


@pytest.mark.costly
@pytest.mark.row("U4")
@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (lambda d: d[:-3], "not be well-formed"),
        (lambda d: d.replace('"items"', '"entries"'), "not be well-formed"),
        (lambda d: d.replace("feedmirror-disclaimer", "x"), r"disclaimer in items \[1\]"),
        (lambda d: d.replace("\\n\\nMirrored from", ""), r"disclaimer in items \[1\]"),
        (
            lambda d: d.replace('"content_html"', '"_x"').replace('"summary"', '"_y"'),
            r"items \[1\]",
        ),
        (lambda d: d[: d.index("[\n")] + "[\n\n]}\n", "have 0 entries instead of"),
        (lambda d: d[: d.index("[\n")] + "[]}", "not be well-formed"),
        (lambda d: d.replace("}\n]}", "},\n]}"), "not be well-formed"),
        (lambda d: d.replace("}\n]}", "},1\n]}"), "not be well-formed"),
        (lambda d: d.replace("}\n]}", "},{}\n]}"), "have 2 entries instead of"),
        (lambda d: d.replace("[\n", '[],"other":[\n'), "not be well-formed"),
        (lambda d: f"{d}]}}\n", "not be well-formed"),
        (lambda d: d.replace("Entry 1", "Entry \ud800"), "not be well-formed"),
    ],
)
def test_verify_refuses_a_broken_document_and_one_without_a_disclaimer(
    broken: Any, complaint: str
) -> None:
    scene = Scene(rss_document([entry(1, content="<p>x</p>")]))
    scene.refresh()
    state = state_in(scene.store)
    assert state.feed is not None
    settings = public_settings(SUBSCRIPTION)
    entries = tuple(attach(revision, settings, state.feed) for revision in entries_in(scene.store))
    publication = Publication(settings, state.feed, entries, (), NOON, f"{PUBLIC_URL}/news")
    document = FORMAT.render(publication).decode()
    FORMAT.verify(document.encode(), publication)
    with pytest.raises(RenderError, match=complaint):
        FORMAT.verify(broken(document).encode("utf-8", "surrogatepass"), publication)


def test_the_parser_reads_the_document_back() -> None:
    public = _published(rss_document([entry(2), entry(1)]))
    parsed = parse(Fetched(URL, public.encode()), frozenset())
    assert parsed.feed.kind == "JSON Feed 1.1"
    assert [item.guid for item in parsed.items] == [f"{SITE}2", f"{SITE}1"]
