"""The tests' own validators of Atom and JSON Feed: each rule finds the mistake planted for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas import grammar_problems, needs_schemas, schema_problems
from validity import atom_problems, disclaimers, json_problems

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ATOM_SELF = "https://mirror.example.org/harbour/atom.xml"
JSON_SELF = "https://mirror.example.org/harbour/feed.json"
GOOD_ATOM = f"""<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/" xml:lang="en">
<id>https://mirror.example.org/harbour/</id>
<title>The Harbour Gazette</title>
<subtitle type="html">Tides &amp;amp; ferries</subtitle>
<updated>2026-03-01T11:00:00Z</updated>
<link rel="self" type="application/atom+xml" href="{ATOM_SELF}"/>
<link rel="alternate" type="text/html" href="https://gazette.example.org/"/>
<author><name>Ada</name><uri>https://ada.example.org/</uri><email>ada@example.org</email></author>
<category term="harbours" scheme="https://topics.example.org/"/>
<rights type="html">&lt;i&gt;Free&lt;/i&gt;</rights>
<logo>https://gazette.example.org/logo.png</logo>
<generator version="1">by hand</generator>
<entry>
<title>Ferry runs late</title>
<id>urn:uuid:60a76c80-d399-11d9-b93c-0003939e0af6</id>
<updated>2026-03-01T03:30:00.001Z</updated>
<published>2026-03-01T03:30:00Z</published>
<link rel="alternate" href="https://gazette.example.org/ferry"/>
<link rel="enclosure" type="audio/mpeg" length="9" href="https://gazette.example.org/fog.mp3"/>
<summary type="html">&lt;p class="feedmirror-disclaimer"&gt;Fog&lt;/p&gt;</summary>
<content type="html">&lt;p&gt;Fog, says the port.&lt;/p&gt;</content>
<media:credit>Cy</media:credit>
<source><id>https://gazette.example.org/feed</id><title>The Harbour Gazette</title>
<updated>2026-03-01T11:00:00Z</updated></source>
</entry>
<entry>
<title>Herring is back</title>
<id>tag:gazette.example.org,2026:herring</id>
<updated>2026-03-01T09:00:00Z</updated>
<content>Herring</content>
</entry>
</feed>
"""
TITLE, END = "<title>Herring is back</title>", "<content>Herring</content>"
ID = "tag:gazette.example.org,2026:herring"
ATOM_MISTAKES = [
    ("<title>The Harbour", "<title>The & Harbour", "well-formed"),
    ('xmlns="http://www.w3.org/2005/Atom"', 'xmlns="http://purl.org/atom/ns#"', "root"),
    (TITLE, "", "missing"),
    (f"<id>{ID}</id>", "", "missing"),
    ("<updated>2026-03-01T09:00:00Z</updated>", "", "missing"),
    (END, "<summary>x</summary>", "missing"),
    (END, "<link href='https://a.example/'/>", "item-empty"),
    ("<author><name>Ada</name><uri>https://ada.example.org/</uri><email>ada@example.org</email></author>",
     "", "missing"),
    ("<name>Ada</name>", "", "missing"),
    (TITLE, TITLE + TITLE, "double"),
    (END, f"{END}<body/>", "atom-element"),
    (END, f"{END}<x xmlns=''/>", "undefined-element"),
    ("</feed>", "<rights>x</rights></feed>", "double order"),
    (ID, "herring", "url-relative"),
    (ID, "https:/herring", "url-relative"),
    (ID, "javascript:alert(1)", "url-scheme"),
    (ID, "urn:x:1", "id-syntax"),
    (ID, "urn:uuid:1", "id-syntax"),
    (ID, "tag:1", "id-syntax"),
    (ID, "urn:uuid:60a76c80-d399-11d9-b93c-0003939e0af6", "guid-double"),
    ("2026-03-01T09:00:00Z", "2026-03-01T03:30:00.001Z", "updated-double"),
    ("2026-03-01T09:00:00Z", "2026-03-01", "date-3339"),
    ("2026-03-01T09:00:00Z", "2026-03-01T12:20:00Z", "date-future"),
    (TITLE, '<title type="text/plain">Herring</title>', "text-type"),
    (TITLE, '<title type="xhtml">Herring</title>', "text-type"),
    (TITLE, "<title>Herring <b>is</b></title>", "child-element"),
    (TITLE, "<title>&lt;b>Herring&lt;/b></title>", "markup"),
    (TITLE, '<title type="html">&lt;b>Herring&lt;/b></title>', "markup"),
    ("says the port", "says &lt;script>x&lt;/script>", "body-active"),
    ("ada@example.org", "ada", "email"),
    ('term="harbours"', 'term=""', "blank"),
    ('scheme="https://topics.example.org/"', 'scheme="topics"', "url-relative"),
    ('rel="self"', 'rel="related"', "self-missing"),
    (ATOM_SELF, "https://mirror.example.org/", "self-mismatch"),
    ('type="application/atom+xml"', 'type="text/xml"', "self-type"),
    (END, f'{END}<link href="https://a.example/1"/><link href="https://a.example/2"/>',
     "alternate-double"),
    ("<id>https://gazette.example.org/feed</id>", "", "source-incomplete"),
    ('length="9"', 'length="long"', "atom-link"),
    ("<source><id>", "<source>A wire<id>", "stray-text"),
    (TITLE, f'{TITLE}<a:link xmlns:a="http://www.w3.org/2005/Atom" href="https://a.example/"/>',
     "atom-prefix"),
    ('xml:lang="en"', 'xml:lang="english"', "language"),
]  # fmt: skip

GOOD_JSON: dict[str, Any] = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "The Harbour Gazette",
    "home_page_url": "https://gazette.example.org/",
    "feed_url": JSON_SELF,
    "authors": [{"name": "Ada", "url": "mailto:ada@example.org"}],
    "language": "en",
    "_mirror": {"generation": 1},
    "items": [
        {
            "id": "urn:uuid:60a76c80-d399-11d9-b93c-0003939e0af6",
            "url": "https://gazette.example.org/ferry",
            "title": "Ferry runs late",
            "content_html": "<p>Fog</p>",
            "summary": "Fog",
            "date_published": "2026-03-01T03:30:00Z",
            "tags": ["ferries"],
            "attachments": [
                {
                    "url": "https://gazette.example.org/fog.mp3",
                    "mime_type": "audio/mpeg",
                    "size_in_bytes": 9,
                }
            ],
        },
        {"id": "herring", "content_text": "Herring is back"},
    ],
}
# Where a member gets which value (None: it is taken away), and the rule that is broken then.
JSON_MISTAKES: list[tuple[str, Any, str]] = [
    ("version", "https://jsonfeed.org/version/1", "root"),
    ("version", None, "missing root"),
    ("title", None, "missing"),
    ("title", " ", "blank"),
    ("items", {}, "json-type"),
    ("feed_url", "https://a.example/", "self-mismatch"),
    ("home_page_url", "/", "url-relative"),
    ("language", "english", "language"),
    ("publisher", "x", "undefined-element"),
    ("_mirror", "x", "json-type"),
    ("authors.0.url", "javascript:x", "url-scheme"),
    ("items.0.id", None, "missing"),
    ("items.0.id", "herring", "guid-double"),
    ("items.0.content_html", "<p onclick='x'>", "body-handler"),
    ("items.0.content_html", None, "item-empty"),
    ("items.0.summary", "<p>Fog</p>", "markup"),
    ("items.0.date_published", "yesterday", "date-3339"),
    ("items.0.date_published", "2026-04-01T03:30:00Z", "date-future"),
    ("items.0.tags", ["a", "a"], "double"),
    ("items.0.attachments.0.mime_type", "mp3", "enclosure-type"),
    ("items.0.attachments.0.mime_type", None, "missing"),
    ("items.0.attachments.0.size_in_bytes", -1, "enclosure-length"),
]


def _atom_rules(document: str) -> set[str]:
    problems = atom_problems(document.encode(), self_url=ATOM_SELF, now=NOW)
    return {problem.split()[0] for problem in problems}


def _json_rules(document: Any) -> set[str]:
    problems = json_problems(json.dumps(document).encode(), self_url=JSON_SELF, now=NOW)
    return {problem.split()[0] for problem in problems}


def test_good_documents_have_no_problem():
    assert _atom_rules(GOOD_ATOM) == set()
    assert _json_rules(GOOD_JSON) == set()


@needs_schemas
def test_good_documents_validate_against_grammar_and_schema():
    assert grammar_problems(GOOD_ATOM.encode()) == []
    assert schema_problems(json.dumps(GOOD_JSON).encode()) == []


@pytest.mark.costly
@pytest.mark.parametrize(("old", "new", "rules"), ATOM_MISTAKES)
def test_mistake_in_atom_breaks_its_rule_and_no_other(old: str, new: str, rules: str):
    assert old in GOOD_ATOM
    assert _atom_rules(GOOD_ATOM.replace(old, new, 1)) == set(rules.split())


@pytest.mark.parametrize(("where", "value", "rules"), JSON_MISTAKES)
def test_mistake_in_json_breaks_its_rule_and_no_other(where: str, value: Any, rules: str):
    assert _json_rules(_mistaken(where, value)) == set(rules.split())


def _mistaken(where: str, value: Any) -> Any:
    document = json.loads(json.dumps(GOOD_JSON))
    *path, name = where.split(".")
    place = document
    for part in path:
        place = place[int(part) if part.isdecimal() else part]
    place[name] = value
    if value is None:
        del place[name]
    return document


@needs_schemas
@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("title", None),
        ("publisher", "x"),
        ("items", {}),
        ("items.0.id", 3),
        ("items.0.content_html", None),
        ("items.0.tags", ["a", "a"]),
        ("items.0.attachments.0.mime_type", None),
        ("authors", [{}]),
    ],
)
def test_schema_is_read_well_enough_to_find_a_mistake(where: str, value: Any):
    assert schema_problems(json.dumps(_mistaken(where, value)).encode()) != []


def test_invalid_json_is_one_problem():
    assert len(json_problems(b'{"a": NaN}', self_url=JSON_SELF)) == 1
    assert len(json_problems(b"\xff", self_url=JSON_SELF)) == 1


def test_disclaimers_are_found_in_entries_of_atom():
    found = disclaimers(GOOD_ATOM.encode())
    assert found == [{"atom:summary": 1, "atom:content": 0}, {"atom:content": 0}]
