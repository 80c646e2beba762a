"""`settings/edits.py`: edits of feeds.toml."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmirror.errors import ConfigError
from feedmirror.settings.edits import append_feeds, feeds_of, free_slug, set_keys, slug_of_title
from feedmirror.settings.load import parse_settings, subscription_for

TEXT = """\
# What we mirror.
public_url = "https://m.example"   # the CDN

[feeds.a] # the first
url = "https://a.example/"
keep = 25 # not more

[feeds."b"]
url = "https://b.example/"
"""
SLUGS = st.from_regex(r"[a-z][a-z0-9-]{0,8}[a-z0-9]", fullmatch=True).filter(
    lambda slug: slug not in {"a", "b"}
)
TITLES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(
    lambda title: title.isprintable() and bool(title.strip())
)


@given(
    st.lists(st.tuples(SLUGS, TITLES, st.booleans()), unique_by=lambda each: each[0], max_size=4)
)
def test_appended_feeds_are_read_back_and_the_text_before_stays(
    made: list[tuple[str, str, bool]],
) -> None:
    feeds = []
    for slug, title, private in made:
        url = f"https://{slug}.example/"
        try:
            feeds.append(subscription_for(url, slug=slug, title=title, allow_private_hosts=private))
        except ConfigError:  # a reserved slug, or a title that is not accepted
            continue
    text = append_feeds(TEXT, feeds)
    assert text.startswith(TEXT)
    assert parse_settings(text).subscriptions[2:] == tuple(feeds)


@pytest.mark.parametrize("before", [TEXT, TEXT.rstrip(), TEXT.replace("\n", "\r\n"), "# none yet"])
def test_line_ends_are_those_of_the_file(before: str) -> None:
    text = append_feeds(before, [subscription_for("https://c.example/", slug="c")])
    assert ("\r\n" in text) == ("\r\n" in before)
    assert text.count("\r\n") in {0, text.count("\n")}
    assert feeds_of(text)[-1].slug == "c"


@pytest.mark.parametrize(
    ("name", "typed", "line"),
    [
        ("keep", "50", "keep = 50 # not more\n"),
        ("every", "1h", 'every = "1h"\n'),
        ("title", "2024", 'title = "2024"\n'),
        ("title", 'It\'s "new"', 'title = "It\'s \\"new\\""\n'),
        ("alternates", '["https://c.example/"]', 'alternates = ["https://c.example/"]\n'),
        ("retired", "true", "retired = true\n"),
        ("headers.X-Key", "v", 'X-Key = "v"\n'),
    ],
)
def test_a_key_is_set_and_all_else_stays(name: str, typed: str, line: str) -> None:
    edited = set_keys(TEXT, "a", {name: typed})
    assert line in edited
    untouched = [each for each in TEXT.splitlines() if not each.startswith(name)]
    assert [each for each in untouched if each not in edited.splitlines()] == []
    parse_settings(edited)


def test_a_key_without_a_value_is_removed() -> None:
    assert set_keys(TEXT, "a", {"keep": None}) == TEXT.replace("keep = 25 # not more\n", "")


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("keep", "many", "feeds.a.keep"),
        ("keep", "0", "feeds.a.keep"),
        ("kep", "3", "did you mean 'keep'"),
        ("url", "ftp://a.example", "feeds.a.url"),
        ("title.x", "1", "title"),
        ("keep", "3\nretired = true", "keep"),
    ],
)
def test_what_would_not_be_accepted_is_refused(name: str, typed: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        set_keys(TEXT, "a", {name: typed})


def test_a_mark_of_windows_editors_stays() -> None:
    assert set_keys(f"\ufeff{TEXT}", "b", {"keep": "5"}).startswith("\ufeff# What we mirror.")


@given(st.sets(SLUGS, max_size=5), SLUGS)
def test_a_name_that_is_taken_is_numbered(taken: set[str], wanted: str) -> None:
    slug = free_slug(wanted, taken)
    assert slug not in taken
    assert (slug == wanted) == (wanted not in taken)
    assert subscription_for("https://a.example/", slug=free_slug("x" * 63, {"x" * 63}))


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("The Harbour Gazette", "the-harbour-gazette"),
        ("News", "news"),
        ("Index", "index-feed"),  # reserved
        ("Новости", None),
        ("!!!", None),
        ("", None),
        ("x" * 100, "x" * 63),
    ],
)
def test_a_title_makes_a_name(title: str, slug: str | None) -> None:
    assert slug_of_title(title) == slug
