"""Language tags, from the origin to every document and page."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import entry, json_feed, rss_document
from feedmirror.settings.load import parse_settings
from feedmirror.text.language import language_tag
from rules.values import is_language
from scene import Scene

SUBTAG = st.from_regex(r"[A-Za-z0-9]{1,9}", fullmatch=True)


@pytest.mark.parametrize(
    ("said", "tag"),
    [
        ("en", "en"),
        ("en_US", "en-US"),
        (" pt_br\n", "pt-br"),
        ("ENG", "en"),
        ("deu-AT", "de-AT"),
        ("zh_Hant_TW", "zh-Hant-TW"),
        ("zh-yue-HK", "zh-yue-HK"),
        ("es-419", "es-419"),
        ("sl-rozaj-biske-1994", "sl-rozaj-biske-1994"),
        ("de-CH-x-phonebk", "de-CH-x-phonebk"),
        ("en-a-bbb-x-a", "en-a-bbb-x-a"),
        ("gsw", "gsw"),
        ("english", None),
        ("xx", None),
        ("x-klingon", None),
        ("en-", None),
        ("en--US", None),
        ("en-US-GB", None),
        ("en-a", None),
        ("en, de", None),
        ("en-\u0661\u0662\u0663", None),
        ("\u017fk", None),
        ("", None),
        (None, None),
    ],
)
def test_only_what_names_a_language_is_taken_for_one(said: str | None, tag: str | None) -> None:
    assert language_tag(said) == tag


@given(st.lists(SUBTAG, min_size=1, max_size=5), st.sampled_from("-_"))
def test_a_tag_is_valid_and_stays_as_it_is(subtags: list[str], separator: str) -> None:
    tag = language_tag(separator.join(subtags))
    assert tag is None or (is_language(tag) and language_tag(tag) == tag)


BODY = '<p lang="fr_CA">Le <a href="https://a.example.org/" hreflang="en_GB">quai</a></p>'
RSS = rss_document(
    [entry(1, content=BODY)],
    extra_channel="<language>nb_NO</language><dc:rights xmlns:dc='http://purl.org/dc/elements/1.1/'"
    " xml:lang='sv_SE'>free</dc:rights>",
)
JSON = json_feed(
    [entry(1, content=BODY, extra={"language": "pt_BR"})],
    extra_feed={"language": "nb_NO"},
)


@pytest.mark.parametrize("document", [RSS, JSON], ids=["rss", "json"])
def test_an_underscore_means_a_hyphen_in_every_document_and_page(document: bytes) -> None:
    scene = Scene(document)
    scene.refresh()
    assert "<language>nb-NO</language>" in scene.public()
    assert 'xml:lang="nb-NO"' in scene.public("atom.xml")
    assert json.loads(scene.public("feed.json"))["language"] == "nb-NO"
    public = {
        path: data.decode() for path, data in scene.store.objects.items() if "public/" in path
    }
    for path, text in public.items():
        said = re.findall(r'\blang(?:uage)?\\?"?[=:]\s*\\?"([^"\\]*)', text)
        assert [tag for tag in said if not is_language(tag)] == [], path
        assert not re.search("(nb|fr|en|pt|sv)_[A-Z]{2}", text), path


def test_a_feed_that_names_no_language_has_none_rather_than_a_wrong_one() -> None:
    scene = Scene(rss_document([entry(1)], extra_channel="<language>English, mostly</language>"))
    scene.refresh()
    assert "<language>" not in scene.public()
    assert "xml:lang" not in scene.public("atom.xml")
    assert "language" not in json.loads(scene.public("feed.json"))


def test_the_disclaimer_s_language_is_read_as_a_feed_s() -> None:
    words = '{ text = "A copy.", language = "fr_CA" }'
    text = f'[feeds.quay]\nurl = "https://quay.example.org/"\ndisclaimer = {words}\n'
    assert parse_settings(text).subscriptions[0].disclaimer.language == "fr-CA"
