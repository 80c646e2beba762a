"""feeds.toml: accepted values, and all problems reported at once, by line."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from enum import Enum
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from msgspec import NODEFAULT
from msgspec.structs import fields

from effort import amount
from feedmirror.errors import ConfigError
from feedmirror.model import (
    DEFAULT_DISCLAIMER,
    DISCLAIMER_VARIABLES,
    Disclaimer,
    Identity,
    Images,
    Position,
    Robots,
    Subscription,
)
from feedmirror.publishing import disclaimer as core_disclaimer
from feedmirror.settings.disclaimer import DISCLAIMER_KEYS
from feedmirror.settings.load import (
    DEFAULT_KEYS,
    FEED_KEYS,
    TOP_KEYS,
    Settings,
    load_settings,
    parse_settings,
    subscription_for,
)
from feedmirror.settings.positions import lines_of
from feedmirror.settings.problems import Location
from feedmirror.settings.slugs import RESERVED_SLUGS, slug_of
from feedmirror.settings.values import Key
from locations import ROOT

URL = "https://news.example.org/rss"
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def feed(lines: str = "", slug: str = "example-news", url: str = URL) -> str:
    return f'[feeds.{slug}]\nurl = "{url}"\n{lines}\n'


def subscription(lines: str = "") -> Subscription:
    (only,) = parse_settings(feed(lines)).subscriptions
    return only


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        parse_settings(text)
    return caught.value.problems


def problem(lines: str) -> str:
    (only,) = problems(feed(lines))
    return only.removeprefix("feeds.toml:3: feeds.example-news.")


def accepted(name: str) -> str:
    """Return the description of the values that a key of a feed accepts."""
    (key,) = (key for key in FEED_KEYS if key.name == name)
    return key.kind.accepted


def quoted(words: str) -> str:
    """A TOML basic string, every character that is not plain ASCII escaped."""
    return (
        '"' + "".join(c if c.isalnum() and c.isascii() else f"\\U{ord(c):08X}" for c in words) + '"'
    )


# ---------------------------------------------------------------- what is accepted


def test_url_is_all_that_a_feed_needs() -> None:
    assert parse_settings(feed()) == Settings(
        subscriptions=(Subscription(slug="example-news", url=URL),), public_url=None
    )


def test_every_key_reaches_its_field() -> None:
    assert subscription(
        """
        alternates = ["https://a.example.org/rss", "http://b.example.org"]
        title = " Example News "
        disclaimer = { html = "<b>A</b> {fetched}", language = "pt-BR", position = "beginning" }
        contact = "mailto:a.b+c@example.org"
        keep = 10_000
        every = "1d"
        identity = "content"
        images = "none"
        robots = "index"
        timeout_s = 2.5
        max_bytes = 1000
        headers = { Authorization = "Bearer x y", X-Empty = "0" }
        allow_private_hosts = true
        retired = true
        """
    ) == Subscription(
        slug="example-news",
        url=URL,
        alternates=("https://a.example.org/rss", "http://b.example.org"),
        title="Example News",
        disclaimer=Disclaimer(
            html="<b>A</b> {fetched}", language="pt-BR", position=Position.BEGINNING
        ),
        contact="mailto:a.b+c@example.org",
        keep=10_000,
        every_s=86_400,
        identity=Identity.CONTENT,
        images=Images.NONE,
        robots=Robots.INDEX,
        timeout_s=2.5,
        max_bytes=1000,
        headers={"Authorization": "Bearer x y", "X-Empty": "0"},
        allow_private_hosts=True,
        retired=True,
    )


def test_feeds_come_in_the_order_of_the_file() -> None:
    text = feed(slug="b") + feed(slug="a") + feed(slug="c")
    assert [one.slug for one in parse_settings(text).subscriptions] == ["b", "a", "c"]


def test_same_url_in_two_feeds_is_accepted() -> None:
    # Two public copies with different disclaimers are a use; their slugs keep them apart.
    assert len(parse_settings(feed(slug="a") + feed(slug="b")).subscriptions) == 2


def test_default_holds_for_feeds_that_do_not_set_the_key_themselves() -> None:
    text = "[defaults]\nkeep = 7\nevery = '2h'\n" + feed(slug="a") + feed("keep = 8", slug="b")
    assert [(one.keep, one.every_s) for one in parse_settings(text).subscriptions] == [
        (7, 7200),
        (8, 7200),
    ]


def test_disclaimer_of_a_feed_replaces_the_default_one_whole() -> None:
    text = '[defaults]\ndisclaimer = {text = "a", language = "fr"}\n' + feed('disclaimer = "b"')
    assert parse_settings(text).subscriptions[0].disclaimer == Disclaimer(text="b")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://feeds.example.org", "https://feeds.example.org"),
        ("https://feeds.example.org/", "https://feeds.example.org"),
        ("http://example.org/mirror//", "http://example.org/mirror"),
    ],
)
def test_public_url_is_kept_without_its_trailing_slash(written: str, kept: str) -> None:
    assert parse_settings(f'public_url = "{written}"\n' + feed()).public_url == kept


def test_public_url_with_a_query_is_refused() -> None:
    assert problems('public_url = "https://example.org/?a"\n' + feed()) == (
        (
            "feeds.toml:1: public_url: ends in a ? query; "
            "an http:// or https:// address without a query"
        ),
    )


@pytest.mark.parametrize(
    ("written", "every_s"),
    [("60s", 60), ("1m", 60), ("90m", 5400), ("24h", 86_400), ("1d", 86_400)],
)
def test_duration_is_a_number_and_a_unit(written: str, every_s: int) -> None:
    assert subscription(f'every = "{written}"').every_s == every_s


@pytest.mark.parametrize(
    "url",
    [
        "HTTPS://Example.org",
        "http://example.org:8080/a;b?c=d&e=[f]",
        "https://[2001:db8::1]:443/rss",
        "http://127.0.0.1/rss",
        "https://xn--e1afmkfd.example/%D0%BF",
        "http://under_score.example.org./",
    ],
)
def test_http_address_is_kept_as_it_is_written(url: str) -> None:
    assert parse_settings(feed(url=url)).subscriptions[0].url == url


def test_file_saved_with_a_byte_order_mark_and_windows_line_ends_is_read() -> None:
    assert parse_settings("\ufeff" + feed("keep = 3").replace("\n", "\r\n")) == parse_settings(
        feed("keep = 3")
    )


def test_feeds_may_be_written_with_dotted_keys() -> None:
    text = f'feeds.a.url = "{URL}"\nfeeds.a.disclaimer.text = "x"\n'
    assert parse_settings(text).subscriptions == (
        Subscription(slug="a", url=URL, disclaimer=Disclaimer(text="x")),
    )


# ---------------------------------------------------------------- the disclaimer's words


@pytest.mark.parametrize(
    "prose",
    [
        (
            'The Example Times (founded 1900) is "the paper of record" — or so § 3 of it\'s own '
            "https://example.org/charter?a=1&b=2#c says; 100 % <true>, C:\\path, $5 & €6."
        ),
        "« Le Monde d'exemple » n\u2019engage que lui.\n\nDeuxième paragraphe.",
        "\u041f\u0440\u0438\u043c\u0435\u0440; 例。 \u202b\u05e2\u05d1\u05e8\u05d9\u05ea\u202c",
        "{curly} and {{doubly}} and } alone {",
    ],
)
def test_pasted_prose_comes_back_word_for_word(prose: str) -> None:
    template = prose.replace("{", "{{").replace("}", "}}")
    pasted = subscription(f"disclaimer = '''\n{template}\n'''" if "'''" not in prose else "")
    assert core_disclaimer.fill(pasted.disclaimer.text or "", {}) == prose


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn")) | st.just("\n")))
def test_any_prose_with_braces_doubled_comes_back_word_for_word(prose: str) -> None:
    assume(any(character.isalnum() for character in prose))
    template = prose.replace("{", "{{").replace("}", "}}")
    read = subscription(f"disclaimer = {quoted(template)}").disclaimer.text
    assert core_disclaimer.fill(read or "", {}) == prose.strip()


@pytest.mark.parametrize("variable", DISCLAIMER_VARIABLES)
def test_each_variable_is_accepted(variable: str) -> None:
    template = f"a {{{variable}}} b {{{{{variable}}}}}"
    assert subscription(f'disclaimer = "{template}"').disclaimer == Disclaimer(text=template)
    assert core_disclaimer.fill(template, {variable: "X"}) == f"a X b {{{variable}}}"


def test_default_disclaimer_would_be_accepted_itself() -> None:
    written = f"disclaimer = {{ html = '''{DEFAULT_DISCLAIMER.html}''', language = 'en' }}"
    assert subscription(written).disclaimer == DEFAULT_DISCLAIMER


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (
            "From {sorce_title}.",
            (
                '"{sorce_title}" is not a variable; {source_title} {source_url} {entry_url} '
                "{fetched}, and {{ }} for literal braces; did you mean {source_title}?"
            ),
        ),
        (
            "From {source_title!r}.",
            (
                '"{source_title!r}" is not a variable; {source_title} {source_url} {entry_url} '
                "{fetched}, and {{ }} for literal braces; did you mean {source_title}?"
            ),
        ),
        (
            "{}",
            (
                '"{}" is not a variable; {source_title} {source_url} {entry_url} '
                "{fetched}, and {{ }} for literal braces"
            ),
        ),
        ("a } b", "has a single }; write }} for a literal brace"),
        ("a {", "has a single {; write {{ for a literal brace"),
    ],
)
def test_braces_that_are_no_variable_are_refused(words: str, complaint: str) -> None:
    found = [one for one in problems(feed(f'disclaimer = "{words}"')) if "letter" not in one]
    assert found == [f"feeds.toml:3: feeds.example-news.disclaimer: {complaint}"]


@pytest.mark.parametrize("blank", ["", " \\n ", "—", "\\u200b"])
def test_disclaimer_that_says_nothing_is_refused(blank: str) -> None:
    assert problem(f'disclaimer = "{blank}"').startswith("disclaimer: ")


@pytest.mark.parametrize("blank", ["<p></p>", "<b>&nbsp;</b>", "<p>…</p>"])
def test_html_without_a_visible_letter_is_refused(blank: str) -> None:
    found = problems(feed(f'disclaimer = {{ html = "{blank}" }}'))
    assert any("shows readers no letter" in one for one in found)


@pytest.mark.parametrize("html", ["<script>a</script>", "<p>unclosed", "<p onclick='x'>a</p>"])
def test_html_that_could_not_be_attached_is_refused(html: str) -> None:
    assert problem(f'disclaimer = {{ html = "{html}" }}').startswith("disclaimer.html: ")


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        (
            '{ text = "a", html = "b" }',
            "disclaimer: has both text and html; exactly one is accepted",
        ),
        ('{ language = "en" }', "disclaimer: has neither text nor html; exactly one is accepted"),
        (
            '{ text = "a", language = "english" }',
            (
                'disclaimer.language: "english" is not accepted; '
                'a language tag such as "en" or "pt-BR"'
            ),
        ),
        (
            '{ text = "a", position = "top" }',
            'disclaimer.position: "top" is not accepted; one of "end", "beginning"',
        ),
        ('{ text = "a", txt = "b" }', "disclaimer.txt: is unknown; did you mean 'text'?"),
        (
            "3",
            (
                "disclaimer: 3 is not accepted; text, or a table with either text or html, "
                "and language and position where wanted"
            ),
        ),
    ],
)
def test_disclaimer_table_is_checked_key_by_key(table: str, complaint: str) -> None:
    assert problem(f"disclaimer = {table}") == complaint


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (
            "title = 3",
            "title: 3 is not accepted; one line of text, not blank, of 500 characters at most",
        ),
        ("contact = 3", f"contact: 3 is not accepted; {accepted('contact')}"),
        (
            "headers = {" + ", ".join(f'X{n} = "x"' for n in range(31)) + "}",
            f"headers: 31 headers are too many; {accepted('headers')}",
        ),
        (
            "headers = { X = 3 }",
            "headers.X: a number is not accepted; 1 to 4,000 printable ASCII characters",
        ),
        ("keep = 0", "keep: 0 is not accepted; a whole number from 1 to 10000"),
        ("keep = 10001", "keep: 10001 is not accepted; a whole number from 1 to 10000"),
        ("keep = true", "keep: true is not accepted; a whole number from 1 to 10000"),
        ("keep = 5.0", "keep: 5.0 is not accepted; a whole number from 1 to 10000"),
        ('keep = "5"', 'keep: "5" is not accepted; a whole number from 1 to 10000'),
        ("keep = [5]", "keep: an array is not accepted; a whole number from 1 to 10000"),
        ("keep = {}", "keep: a table is not accepted; a whole number from 1 to 10000"),
        (
            "keep = 2025-01-01",
            "keep: a date or time is not accepted; a whole number from 1 to 10000",
        ),
        ("timeout_s = 0.9", "timeout_s: 0.9 is not accepted; a number from 1 to 300"),
        ("timeout_s = nan", "timeout_s: nan is not accepted; a number from 1 to 300"),
        ("timeout_s = inf", "timeout_s: inf is not accepted; a number from 1 to 300"),
        ("timeout_s = true", "timeout_s: true is not accepted; a number from 1 to 300"),
        (
            "max_bytes = 999",
            "max_bytes: 999 is not accepted; a whole number from 1000 to 100000000",
        ),
        ("allow_private_hosts = 1", "allow_private_hosts: 1 is not accepted; true or false"),
        (
            'allow_private_hosts = "yes"',
            'allow_private_hosts: "yes" is not accepted; true or false',
        ),
        ('identity = "id"', 'identity: "id" is not accepted; one of "guid", "link", "content"'),
        ("identity = 1", 'identity: 1 is not accepted; one of "guid", "link", "content"'),
        ("images = false", 'images: false is not accepted; one of "origin", "none"'),
        ('images = "mirror"', 'images: "mirror" is not accepted; one of "origin", "none"'),
        ("robots = true", 'robots: true is not accepted; one of "noindex", "index"'),
        (
            'robots = "noindex,nofollow"',
            'robots: "noindex,nofollow" is not accepted; one of "noindex", "index"',
        ),
        ("kep = 3", "kep: is unknown; did you mean 'keep'?"),
        ('public_url = "x"', "public_url: is not accepted here; it belongs at the top of the file"),
        ('title = " "', "title: is blank; one line of text, not blank, of 500 characters at most"),
        (
            'title = "a\\nb"',
            (
                "title: contains the control character U+000A; "
                "one line of text, not blank, of 500 characters at most"
            ),
        ),
        (
            'title = "a\\u2028b"',
            (
                "title: contains the control character U+2028; "
                "one line of text, not blank, of 500 characters at most"
            ),
        ),
        (
            'disclaimer = "a\\u0000b"',
            (
                "disclaimer: contains the control character U+0000; "
                "text, not blank, of 10,000 characters at most"
            ),
        ),
    ],
)
def test_wrong_value_is_named_with_what_is_accepted(line: str, complaint: str) -> None:
    assert problem(line) == complaint


def test_unknown_key_without_a_similar_one_is_refused_with_all_keys() -> None:
    names = ", ".join(key.name for key in FEED_KEYS)
    assert problem("zzz = 1") == f"zzz: is unknown; known are {names}"


def test_number_too_long_to_be_printed_is_refused_all_the_same() -> None:
    assert "a number of more than 64 bits is not accepted" in problem("keep = 0x" + "f" * 5000)


DURATION = (
    'a number and a unit (s, m, h, d) from "1m" to "1d" that make whole minutes, such as "15m"'
)


@pytest.mark.parametrize(
    ("written", "guess"),
    [
        ('"15 minutes"', "15m"),
        ('"15min"', "15m"),
        ('"2 Hours"', "2h"),
        ("15", "15m"),
        ('"15"', "15m"),
        ('"90s"', None),
        ('"59s"', None),
        ('"25h"', None),
        ('"0m"', None),
        ('"-5m"', None),
        ('"\u0661\u0665m"', None),
        ("true", None),
        ("15.5", None),
    ],
)
def test_duration_of_another_form_is_refused_with_a_guess(written: str, guess: str | None) -> None:
    told = f'; did you mean "{guess}"?' if guess else ""
    assert problem(f"every = {written}") == f"every: {written} is not accepted; {DURATION}{told}"


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("ftp://example.org", '"ftp://" is not accepted'),
        ("feed://example.org", '"feed://" is not accepted'),
        ("example.org/rss", "does not begin with https:// or http://"),
        ("https:example.org", "does not begin with https:// or http://"),
        ("", "does not begin with https:// or http://"),
        ("\\u0007://example.org", "contains the control character U+0007"),
        ("https://é..example/", "has an invalid host"),
        ("https://", "has an invalid host or port"),
        ("https:///rss", "has an invalid host or port"),
        ("https://a..b/", "has an invalid host or port"),
        ("https://a!b.example/", "has an invalid host or port"),
        ("https://xn--a.example/", "has an invalid host or port"),
        ("https://[::g]/", "has an invalid host or port"),
        ("https://[fe80::1%25eth0]/", "has an invalid host or port"),
        ("https://example.org:0/", "has an invalid host or port"),
        ("https://example.org:65536/", "has an invalid host or port"),
        ("https://example.org:/", "has an invalid host or port"),
        ("https://example.org/a b", 'contains " ", which has to be percent-encoded'),
        ("https://example.org/é", 'contains "é", which has to be percent-encoded'),
        ("https://example.org/100%", 'contains "%", which has to be percent-encoded'),
        ("https://127.0.0.1\\\\@example.org/", 'contains "\\\\", which has to be percent-encoded'),
        (
            "https://пример.example/",
            "has a host name that is not ASCII; write xn--e1afmkfd.example",
        ),
        ("https://example.org/rss#top", "ends in a # fragment, which is never sent"),
        ("https://example.org/\\u0007", 'contains "\\u0007", which has to be percent-encoded'),
        ("https://example.org/" + "a" * 2000, "is longer than 2,000 characters"),
    ],
)
def test_address_that_cannot_be_fetched_is_refused(url: str, complaint: str) -> None:
    (only,) = problems(feed(url=url))
    assert only == (
        f"feeds.toml:2: feeds.example-news.url: {complaint}; an http:// or https:// address"
    )


def test_password_in_an_address_is_refused_and_not_repeated() -> None:
    (only,) = problems(feed(url="https://user:hunter2@example.org/rss"))
    assert "contains a user name or password" in only
    assert "hunter2" not in only


@pytest.mark.parametrize(
    "text",
    [
        feed(url="https://hunter2:hunter2@пример.example/"),
        feed(url="https://example.org/?hunter2 hunter2"),
        feed('alternates = "https://hunter2:hunter2@example.org"'),
        feed('alternates = ["ftp://hunter2@example.org"]'),
        feed('headers = "hunter2"'),
        feed('headers = { A = ["hunter2"], B = "hunter2\\n" }'),
        '[feeds]\nurl = "https://hunter2@example.org"',
        'feeds = "https://hunter2@example.org"',
        'defaults = "hunter2"\n' + feed(),
        'public_url = "https://hunter2@example.org"\n' + feed(),
    ],
)
def test_problem_repeats_nothing_that_may_be_secret(text: str) -> None:
    assert "hunter2" not in "".join(problems(text))


@pytest.mark.parametrize(
    ("alternates", "complaint"),
    [
        ('["https://a.org", "https://b.org", "https://a.org"]', "number 3: is a duplicate"),
        (f'["{URL}"]', "names url again"),
        ("[3]", f"number 1: a number is not accepted; {accepted('alternates')}"),
        ('"https://a.org"', f"a string is not accepted; {accepted('alternates')}"),
        (
            str([f"https://{n}.org" for n in range(11)]),
            f"11 addresses are too many; {accepted('alternates')}",
        ),
    ],
)
def test_alternates_are_addresses_each_once(alternates: str, complaint: str) -> None:
    assert problem(f"alternates = {alternates}") == f"alternates: {complaint}"


def test_bare_mail_address_as_contact_is_refused_with_a_guess() -> None:
    assert problem('contact = "me@example.org"').endswith('did you mean "mailto:me@example.org"?')


@pytest.mark.parametrize(
    "contact",
    ["mailto:", "mailto:me", "mailto:a@b.org?subject=x", "mailto:a(b)@c.org", "me", "x:y"],
)
def test_contact_that_is_no_address_is_refused(contact: str) -> None:
    assert problem(f'contact = "{contact}"').startswith("contact: ")


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ("Host Connection Transfer-Encoding TE Upgrade Keep-Alive", "describes the connection"),
        ("Proxy-Authorization proxy-authenticate", "is for a proxy, and feedmirror uses none"),
        ("If-None-Match if-modified-since Range If-Match", "is a condition"),
        ("Content-Length CONTENT-TYPE Expect", "describes a body, and feedmirror sends none"),
        ("Accept-Encoding", "says what feedmirror can decode"),
        ("user-agent", "names feedmirror and its `contact`"),
    ],
)
def test_header_that_is_not_the_operators_to_set_is_refused_with_the_reason(
    names: str, why: str
) -> None:
    for name in names.split():
        said = problem(f'headers = {{ {name} = "x" }}')
        assert said.startswith(f"headers.{name}: {why}")


@pytest.mark.parametrize(
    "value", ["", " a", "a ", "a\\r\\nX: b", "a\\nb", "é", "\\u0000", "a" * 4001]
)
def test_header_value_that_is_no_field_value_is_refused_and_not_repeated(value: str) -> None:
    assert problem(f'headers = {{ X-Key = "{value}" }}') == (
        "headers.X-Key: the value is not accepted; 1 to 4,000 printable ASCII characters"
    )


@pytest.mark.parametrize("name", ["", "a b", "a:b", "é", "a\\nb"])
def test_header_name_that_is_no_token_is_refused(name: str) -> None:
    assert problem(f'headers = {{ "{name}" = "x" }}').endswith("is not a valid header name")


@pytest.mark.parametrize(("first", "second"), [("X-A", "x-a"), ("x-a", "X-A")])
def test_header_given_twice_in_different_case_is_refused(first: str, second: str) -> None:
    line = f'headers = {{ {first} = "1", {second} = "2" }}'
    assert problem(line) == f"headers.{second}: is a duplicate"


@pytest.mark.parametrize(
    ("slug", "guess"),
    [
        ('"Example News"', "'example-news'"),
        ("Example_News", "'example-news'"),
        ("-a-", "'a'"),
        ("a" * 64, f"'{'a' * 63}'"),
        ('"ünïcode"', "'n-code'"),
    ],
)
def test_slug_of_another_form_is_refused_with_a_guess(slug: str, guess: str) -> None:
    (only,) = problems(feed(slug=slug))
    assert only == (
        f"feeds.toml:1: feeds.{slug}: the name is not accepted; a name of a-z, 0-9 and -, "
        f"63 characters at most, which neither begins nor ends with -; did you mean {guess}?"
    )


def test_slug_that_is_nothing_but_odd_characters_is_refused_without_a_guess() -> None:
    assert "did you mean" not in problems(feed(slug='"…"'))[0]
    assert problems(feed(slug='"a\\nb"'))[0].count("\n") == 0


@pytest.mark.parametrize("slug", sorted(RESERVED_SLUGS))
def test_reserved_slug_is_refused_and_the_proposed_one_accepted(slug: str) -> None:
    assert problems(feed(slug=slug)) == (
        f"feeds.toml:1: feeds.{slug}: is a reserved name; did you mean '{slug}-feed'?",
    )
    assert parse_settings(feed(slug=f"{slug}-feed")).subscriptions


@pytest.mark.parametrize("text", ["", "# nothing\n", "[feeds]\n", 'public_url = "https://a.org"\n'])
def test_file_without_a_feed_is_refused_with_the_minimal_configuration(text: str) -> None:
    (only,) = problems(text)
    assert only.startswith("feeds.toml:1: no feed is configured; the minimum is ")
    assert parse_settings(only.rpartition(" is ")[2]).subscriptions


@pytest.mark.parametrize(
    "text", ["feeds = 3", "[[feeds]]", f'[feeds]\nurl = "{URL}"', "defaults = 1"]
)
def test_tables_of_another_form_are_refused(text: str) -> None:
    assert all("is not accepted" in one or "no feed" in one for one in problems(text))


def test_url_that_is_no_string_is_refused() -> None:
    assert problems("[feeds.a]\nurl = 3\n") == (
        "feeds.toml:2: feeds.a.url: 3 is not accepted; an http:// or https:// address",
    )


def test_feed_without_url_is_reported_at_its_own_line() -> None:
    assert problems("\n[feeds.a]\nkeep = 3\n") == (
        "feeds.toml:2: feeds.a.url: is missing; an http:// or https:// address",
    )


def test_retired_feed_needs_no_url() -> None:
    (read,) = parse_settings("[feeds.a]\nretired = true\nkeep = 3\n").subscriptions
    assert (read.url, read.retired, read.keep) == ("", True, 3)
    (read,) = parse_settings(feed("retired = true")).subscriptions
    assert (read.url, read.retired) == (URL, True)
    assert problems("[feeds.a]\nretired = false\n") == (
        "feeds.toml:1: feeds.a.url: is missing; an http:// or https:// address",
    )
    assert problems("[feeds.a]\nurl = 3\nretired = true\n") == (
        "feeds.toml:2: feeds.a.url: 3 is not accepted; an http:// or https:// address",
    )
    assert problems('[feeds.a]\nretired = "yes"\n') == (
        "feeds.toml:1: feeds.a.url: is missing; an http:// or https:// address",
        'feeds.toml:2: feeds.a.retired: "yes" is not accepted; true or false',
    )


@pytest.mark.parametrize(
    "name", ["url", "alternates", "title", "headers", "allow_private_hosts", "retired"]
)
def test_key_of_one_feed_is_refused_in_the_defaults(name: str) -> None:
    assert problems(f"[defaults]\n{name} = 0\n" + feed()) == (
        (
            f"feeds.toml:2: defaults.{name}: is not accepted here; "
            "it belongs to one feed, under [feeds.SLUG]"
        ),
    )


def test_misplaced_keys_at_the_top_are_refused_with_their_table() -> None:
    assert problems("keep = 3\ntitle = 'a'\npublik_url = ''\n" + feed()) == (
        "feeds.toml:1: keep: is not accepted here; it belongs under [defaults] or [feeds.SLUG]",
        "feeds.toml:2: title: is not accepted here; it belongs under [feeds.SLUG]",
        "feeds.toml:3: publik_url: is unknown; did you mean 'public_url'?",
    )


def test_all_problems_are_reported_at_once_by_line() -> None:
    text = '[feeds.b]\nkeep = 0\nkep = 1\n[defaults]\nevery = "1x"\n[feeds.index]\nurl = 3\n'
    assert [one.split(": ")[:2] for one in problems(text)] == [
        ["feeds.toml:1", "feeds.b.url"],
        ["feeds.toml:2", "feeds.b.keep"],
        ["feeds.toml:3", "feeds.b.kep"],
        ["feeds.toml:5", "defaults.every"],
        ["feeds.toml:6", "feeds.index"],
        ["feeds.toml:7", "feeds.index.url"],
    ]


def test_problems_name_the_path_that_was_given() -> None:
    with pytest.raises(ConfigError, match=r"^etc/my feeds\.toml:1: "):
        parse_settings("", path="etc/my feeds.toml")


# ---------------------------------------------------------------- lines


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[feeds.a]\nkeep = 0", 2),
        ("[ feeds . 'a' ]\n\n  \"keep\" = 0", 3),
        ('["feeds"."\\u0061"]\nkeep = 0', 2),
        ("feeds.a.url = ''\nfeeds.a.keep = 0", 2),
        ("[feeds]\na.url = ''\na . keep = 0", 3),
        ("[feeds]\n\na = { url = '', keep = 0 }", 3),
        ("[feeds.a] # keep = 1\n# keep = 2\n\n\tkeep=0", 4),
        ('[feeds.a]\ntitle = """\nkeep = 1\n[x]\n"""\nkeep = 0', 6),
        ("[feeds.a]\ntitle = '''\nkeep = 1 \\'''\nkeep = 0", 4),
        ('[feeds.a]\ntitle = """a\\"""\nkeep = 1"""""\nkeep = 0', 4),
        ("[feeds.a]\ntitle = ''''a'''''\nkeep = 0", 3),
        ("[feeds.a]\ntitle = ''''a''''\nkeep = 0", 3),
        ('[feeds.a]\ntitle = """"a""""\nkeep = 0', 3),
        ('[feeds.a]\ntitle = "# [b] \\" {"\nkeep = 0', 3),
        ("[feeds.a]\ntitle = 'a\\'\nkeep = 0", 3),
        ("[feeds.a]\nalternates = [ # ]\n  'keep = 1', ']',\n]\nkeep = 0", 5),
        ("[feeds.a]\r\nurl = ''\r\n\r\nkeep = 0\r\n", 4),
        ("[feeds.a.headers]\n[defaults]\n[feeds.a]\nkeep = 0", 4),
    ],
)
def test_key_is_found_on_its_line(text: str, line: int) -> None:
    assert tomllib.loads(text)
    (found,) = [one for one in problems(text) if ".keep: " in one]
    assert found.startswith(f"feeds.toml:{line}: ")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[feeds.a]\nheaders = { X = 'a', Host = 'b' }", 2),
        ("[feeds.a]\n[feeds.a.headers]\nX = 'a'\nHost = 'b'", 4),
        ("[feeds.a]\nheaders.X = 'a'\nheaders.Host = 'b'", 3),
        ("[feeds]\na = { headers = { Host = 'b' } }", 2),
    ],
)
def test_nested_key_is_found_on_its_own_line_or_its_parents(text: str, line: int) -> None:
    (found,) = [one for one in problems(text) if ".Host: " in one]
    assert found.startswith(f"feeds.toml:{line}: ")


def test_line_search_ends_at_syntax_that_is_not_understood() -> None:
    assert lines_of("a = 1\n?\nb = 2\n") == {("a",): 1}


fillers = st.sampled_from(
    [
        "# keep = 0",
        "",
        'title = """\n[feeds.x]\nkeep = 0 # "\n"""',
        "title = '''\nkeep = 0\n'''",
        "alternates = [\n  'https://a.org', # ]\n  \"https://b.org\",\n]",
        'headers = { A = "}", "B.c" = \'{\' }',
        'disclaimer = "\\" # [\\\\"',
        "every = '1h' # '''",
    ]
)


@settings(max_examples=amount(30))
@given(
    st.lists(
        st.tuples(st.lists(fillers, max_size=4, unique_by=lambda f: f[:5]), st.booleans()),
        min_size=1,
        max_size=5,
    )
)
def test_line_of_a_wrong_key_is_found_whatever_stands_around_it(
    feeds: list[tuple[list[str], bool]],
) -> None:
    lines: list[str] = []
    wrong_lines: list[int] = []
    for number, (around, wrong) in enumerate(feeds):
        lines += [f"[feeds.f{number}]", f"url = '{URL}'"]
        half = len(around) // 2
        lines += "\n".join(around[:half]).split("\n")
        if wrong:
            lines.append("keep = 0")
            wrong_lines.append(len(lines))
        lines += "\n".join(around[half:]).split("\n")
    assume(wrong_lines)
    found = [one for one in problems("\n".join(lines)) if ".keep: " in one]
    assert [int(one.split(":")[1]) for one in found] == wrong_lines


def test_syntax_error_is_reported_with_its_line() -> None:
    assert problems("[feeds.a]\nurl = nonsense\n") == (
        "feeds.toml:2: is not TOML: Invalid value (column 7)",
    )


def test_quotation_marks_within_quotation_marks_get_a_hint() -> None:
    (only,) = problems('[feeds.a]\ntitle = "The "Example" Times"\n')
    assert only.startswith("feeds.toml:2: is not TOML: ")
    assert only.endswith("; text that holds quotation marks goes between ''' and '''")


def test_unfinished_file_is_reported_at_its_last_line() -> None:
    assert problems('[feeds.a]\nurl = """\n')[0].startswith("feeds.toml:3: is not TOML: ")


@pytest.mark.parametrize("text", ["a = " + "9" * 5000, "a = " + "[" * 100_000])
def test_toml_beyond_the_limits_of_python_is_a_problem_and_no_crash(text: str) -> None:
    (only,) = problems(text)
    assert only.startswith("feeds.toml:1: is not TOML: ")


EXAMPLE = (ROOT / "examples" / "feeds.toml").read_text(encoding="utf-8")


@settings(max_examples=amount(50))
@given(
    st.integers(0, len(EXAMPLE)),
    st.integers(0, 30),
    st.text(max_size=12) | st.sampled_from(['"', "'''", "{", "]", "\n[", "= 0", "\\u0000", "\r"]),
)
def test_damaged_file_is_parsed_or_reported_by_line(start: int, length: int, insert: str) -> None:
    text = EXAMPLE[:start] + insert + EXAMPLE[start + length :]
    try:
        parse_settings(text)
    except ConfigError as error:
        last_line = text.count("\n") + 1
        for one in error.problems:
            told = re.fullmatch(r"feeds\.toml:(\d+): .+", one)
            assert told
            assert 1 <= int(told[1]) <= last_line


# ---------------------------------------------------------------- files


def test_file_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "feeds.toml"
    path.write_text(feed(), encoding="utf-8")
    assert load_settings(path) == parse_settings(feed())


def test_file_that_is_missing_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read: No such file"):
        load_settings(tmp_path / "none.toml")


def test_file_that_is_not_utf8_is_a_problem_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "feeds.toml"
    path.write_bytes(b"# one\n# caf\xe9\n")
    with pytest.raises(ConfigError, match=r"feeds\.toml:2: is not UTF-8"):
        load_settings(path)


# ---------------------------------------------------------------- slugs, and feeds without a file


@pytest.mark.parametrize(
    ("url", "slug"),
    [
        ("https://news.example.org/rss", "news-example-org"),
        ("https://www.example.org/", "example-org"),
        ("http://example.org", "example-org"),
        ("https://example.org:443/feed.xml", "example-org"),
        ("https://blog.example.org/category/Tech/feed/", "blog-example-org-category-tech"),
        ("https://feeds.example.org/Show", "example-org-show"),
        ("https://rss.org/", "rss-org"),
        ("http://127.0.0.1:8000/feed", "127-0-0-1-8000"),
        ("https://user:secret@example.org/a", "example-org-a"),
        ("https://api/", "api-feed"),
    ],
)
def test_slug_is_made_of_host_and_path(url: str, slug: str) -> None:
    assert slug_of(url) == slug


def test_slugs_of_addresses_that_differ_in_their_query_differ_without_showing_it() -> None:
    slugs = {slug_of(f"https://example.org/videos.xml?list=secret{n}") for n in range(50)}
    assert len(slugs) == 50
    assert all(re.fullmatch("example-org-videos-[0-9a-f]{8}", slug) for slug in slugs)


def test_a_secret_that_could_be_guessed_from_a_digest_changes_nothing_about_the_slug() -> None:
    slugs = {slug_of(f"https://example.org/videos.xml?token=harbour{n}") for n in range(9)}
    assert slugs == {"example-org-videos"}


def test_secrets_in_paths_distinguish_slugs_without_showing() -> None:
    keys = [f"5f0c2ab91e7d4c3f8a6b0{n}" for n in range(9)]
    slugs = {slug_of(f"https://example.org/private/{key}/rss") for key in keys}
    assert len(slugs) == 9
    assert all(re.fullmatch("example-org-private-[0-9a-f]{8}", slug) for slug in slugs)


def test_password_in_an_address_changes_nothing_about_its_slug() -> None:
    assert slug_of("https://a:b@example.org/?q") == slug_of("https://example.org/?q")


@given(st.text() | st.text("abc./-:?#@%_[]", max_size=200))
@example("")
@example("https://" + "a" * 300)
@example("https://data.")
@example("archive")
def test_slug_of_anything_is_valid_and_not_reserved(url: str) -> None:
    slug = slug_of(url)
    assert SLUG.fullmatch(slug)
    assert slug not in RESERVED_SLUGS
    assert slug == slug_of(url)


def test_feed_without_a_file_is_read_by_the_same_rules() -> None:
    assert subscription_for(URL, keep=3, disclaimer="Copied.", title=None) == Subscription(
        slug="news-example-org", url=URL, keep=3, disclaimer=Disclaimer(text="Copied.")
    )
    assert subscription_for(URL, slug="mine").slug == "mine"


def test_feed_without_a_file_is_refused_with_all_problems() -> None:
    with pytest.raises(ConfigError) as caught:
        subscription_for("example.org", slug="index", keep=0, kep=1)
    assert caught.value.problems == (
        "url: does not begin with https:// or http://; an http:// or https:// address",
        "keep: 0 is not accepted; a whole number from 1 to 10000",
        "kep: is unknown; did you mean 'keep'?",
        "slug: is a reserved name; did you mean 'index-feed'?",
    )


# ---------------------------------------------------------------- documentation


def test_example_uses_every_key() -> None:
    table = tomllib.loads(EXAMPLE)
    used = {name for one in table["feeds"].values() for name in one} | set(table["defaults"])
    assert used == {key.name for key in FEED_KEYS}
    assert set(table) == {key.name for key in TOP_KEYS}
    read = load_settings(ROOT / "examples" / "feeds.toml")
    assert len(read.subscriptions) == len(table["feeds"])


def default_cell(key: Key, of: type) -> str:
    """The default of a key, as a cell of the documentation has it."""
    field = {field.name: field for field in fields(of)}[key.field or key.name]
    if field.default is NODEFAULT:
        return "none" if field.default_factory is not NODEFAULT else "required"
    default = field.default
    if isinstance(default, Disclaimer):
        return "[below](#disclaimer)"
    if default in {None, ()}:
        return "none"
    if isinstance(default, Enum):
        return f'`"{default.value}"`'
    if key.name == "every":
        return f'`"{default // 60}m"`'
    return f"`{str(default).lower().removesuffix('.0')}`"


def row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def feed_row(key: Key) -> str:
    everywhere = "yes" if key in DEFAULT_KEYS else "no"
    default = default_cell(key, Subscription)
    return row(
        f"[`{key.name}`](#{key.name})",
        key.kind.name,
        default,
        key.kind.accepted,
        everywhere,
        key.meaning,
    )


def disclaimer_row(key: Key) -> str:
    default = default_cell(key, Disclaimer)
    return row(f"`{key.name}`", key.kind.name, default, key.kind.accepted, key.meaning)


REFERENCE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


def table_below(heading: str) -> list[str]:
    """The rows of the first table whose head follows `heading`."""
    below = REFERENCE[REFERENCE.index(heading) :].split("\n|---", 1)[1]
    return below.split("\n\n")[0].split("\n")[1:]


def test_reference_has_a_row_for_each_key_and_no_other() -> None:
    assert table_below("## The keys of a feed") == [feed_row(key) for key in FEED_KEYS]
    assert table_below("As a table, they") == [disclaimer_row(key) for key in DISCLAIMER_KEYS]
    assert table_below("## The file") == [
        row(f"`{key.name}`", key.kind.name, key.kind.accepted, key.meaning) for key in TOP_KEYS
    ]
    variables = [line.split("`")[1] for line in table_below("White space before")]
    assert variables == [f"{{{name}}}" for name in DISCLAIMER_VARIABLES] + ["{{"]


@pytest.mark.parametrize(
    ("key", "of"),
    [(key, Subscription) for key in FEED_KEYS] + [(key, Disclaimer) for key in DISCLAIMER_KEYS],
    ids=lambda value: value.__name__ if isinstance(value, type) else value.name,
)
def test_documented_default_read_as_toml_is_the_models(key: Key, of: type) -> None:
    cell = default_cell(key, of)
    default = {field.name: field for field in fields(of)}[key.field or key.name].default
    if cell.startswith("`"):
        complaints: list = []
        value = tomllib.loads(f"x = {cell.strip('`')}")["x"]
        assert key.kind.read(Location(complaints), value) == default
        assert not complaints


@pytest.mark.parametrize("key", FEED_KEYS, ids=lambda key: key.name)
def test_reference_shows_each_key_in_use(key: Key) -> None:
    section = REFERENCE.split(f"\n### `{key.name}`\n")[1].split("\n### ")[0]
    block = section.split("```toml\n")[1].split("```")[0]
    assert re.search(rf"(?m)^{key.name} = ", block)


def test_every_example_in_the_reference_is_accepted() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", REFERENCE, re.DOTALL)
    for block in blocks:
        complete = block if "[feeds." in block else block + feed()
        assert parse_settings(complete).subscriptions
    assert len(blocks) > len(FEED_KEYS)


def test_problems_shown_in_the_reference_are_told_in_these_words() -> None:
    shown = REFERENCE.split("```text\n")[1].split("```")[0].splitlines()
    text = "\n" * 9 + f'[feeds.example-news]\nurl = "{URL}"\nkeep = 0\nkep = 1\n'
    assert list(problems(text)) == shown


def test_reference_lists_the_reserved_slugs_and_the_default_disclaimer() -> None:
    reserved = REFERENCE.split("Reserved, because")[1].split("\n")[1]
    assert re.findall("`([^`]+)`", reserved) == sorted(RESERVED_SLUGS)
    assert f"\n{DEFAULT_DISCLAIMER.html}\n" in REFERENCE


# ---------------------------------------------------------------- cost


def test_reading_a_file_imports_nothing_that_is_slow_and_only_for_complaints() -> None:
    text = feed('disclaimer = {text = "a"}')
    code = (
        "import sys; from feedmirror.settings.load import parse_settings; "
        f"parse_settings({text!r}); "
        "print(*sorted({'difflib', 'html', 'json', 'urllib.parse', 'ipaddress', 'xml.parsers',"
        " 'pydantic', 'feedmirror.settings.positions'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT / "functions")},
    )
    assert ran.stdout.split() == []
