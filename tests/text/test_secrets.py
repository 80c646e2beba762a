"""Secret values of a subscription: found in its settings, hidden in texts."""

from __future__ import annotations

import json
import re
from html import escape
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from feedmirror.model import Subscription
from feedmirror.publishing.redaction import public_settings
from feedmirror.text.secrets import MIN_CHARS, Secrets, looks_secret, secrets_of, shown_url

PLAIN = "https://quay.example.org/feed"
UUID = "9c1f7a32-5b0e-4d88-a3c4-0fe1b27d6a95"


def _of(url: str = PLAIN, **fields: object) -> Secrets:
    return secrets_of(Subscription("quay", url, **fields))  # type: ignore[arg-type]


def _shown(url: str, **fields: object) -> str:
    subscription = Subscription("quay", url, **fields)  # type: ignore[arg-type]
    return shown_url(subscription, secrets_of(subscription))


# ---------------------------------------------------------------- what is secret


@pytest.mark.parametrize(
    "value",
    [
        UUID,
        UUID.replace("-", ""),
        "d41d8cd98f00b204e9800998ecf8427e",
        "glpat_x7Kq92LmPz04RtYw81",
        "aGVsbG8xMjM0NTY3ODkwYWJj+/9k=",
        "user-8f3kd92ms7dk20fj3s",
    ],
)
def test_long_values_that_mix_letters_and_digits_look_like_keys(value: str) -> None:
    assert looks_secret(value)


@pytest.mark.parametrize(
    "value",
    [
        "some-long-title-with-many-words-2026",
        "2026-11-30-what-the-harbour-master-said-in-1999",
        "the_annual_report_of_the_harbour_board",
        "20261130120000202611301200",
        "a1b2c3d4e5f6",
        "index.php",
    ],
)
def test_words_dates_and_short_values_do_not(value: str) -> None:
    assert not looks_secret(value)


@pytest.mark.parametrize(
    "query",
    [
        "token=hunter22",
        "a=1&API-Key=hunter22",
        "X-Amz-Signature=hunter22&X-Amz-Date=20261130T000000Z",
        "page=2;auth=hunter22",
        "%74oken=hunter22",
    ],
)
def test_values_of_parameters_that_are_called_like_keys_are_secret(query: str) -> None:
    secrets = _of(f"{PLAIN}?{query}")
    assert secrets.found_in("it is hunter22 there")
    assert "hunter22" not in _shown(f"{PLAIN}?{query}")


@pytest.mark.parametrize(
    "address",
    [
        f"https://quay.example.org/private/{UUID}/rss.xml",
        f"https://quay.example.org/feed?member={UUID}",
        f"https://quay.example.org/feed?{UUID}",
    ],
)
def test_what_looks_like_a_key_is_secret_in_configured_addresses(address: str) -> None:
    for secrets in (_of(address), _of(alternates=(PLAIN, address))):
        assert secrets.found_in(UUID)
    assert not secrets_of(Subscription("quay", PLAIN), address)


@pytest.mark.parametrize(
    "address",
    [
        "https://video.example.org/feeds.xml?channel_id=UCabcdefghij1234567890ab",
        "https://video.example.org/feeds.xml?list=PL0123456789abcdefghijkl",
        "https://quay.example.org/feed?page=1&format=rss",
        "https://quay.example.org/2026/11/some-long-title-with-many-words-2026/",
        "file:///a1b2c3d4e5f6a1b2c3d4e5f6.xml",
    ],
)
def test_public_ids_and_words_stay(address: str) -> None:
    assert not _of(address)
    assert _shown(address) == address


def test_a_parameter_is_secret_in_the_address_that_a_redirect_led_to() -> None:
    subscription = Subscription("quay", PLAIN)
    assert secrets_of(subscription, f"{PLAIN}/v2?sig=q7Zk31").found_in("q7Zk31")


def test_headers_are_secret_whole_and_after_the_scheme() -> None:
    secrets = _of(headers={"Authorization": "Bearer q7Zk31pX", "X-Member": "harbour pilot"})
    for text in ("Bearer q7Zk31pX", "said q7Zk31pX", "harbour pilot"):
        assert secrets.found_in(text)


def test_cookies_are_secret_each_and_basic_credentials_as_what_they_encode() -> None:
    secrets = _of(headers={"Cookie": "theme=classic; sid=q7Zk31pX"})
    assert secrets.found_in("q7Zk31pX")
    assert not secrets.found_in("classic")
    # cGlsb3Q6cTdaazMxcFg= encodes this:
    assert _of(headers={"Authorization": "Basic cGlsb3Q6cTdaazMxcFg="}).found_in("pilot:q7Zk31pX")


def test_headers_that_only_say_what_is_wanted_or_who_asks_are_public() -> None:
    assert not _of(headers={"X-Client": "feedmirror", "X-Mirror": "https://feeds.example.org/"})
    assert not _of(headers={"Accept": "application/rss+xml", "Accept-Language": "de-DE,de;q=0.7"})


def test_what_stands_in_source_url_is_public() -> None:
    address = f"https://quay.example.org/{UUID}/feed?key=technology"
    assert not _of(address, source_url=address)
    assert _shown(address, source_url=address) == address
    partly = _of(address, source_url=f"https://quay.example.org/{UUID}/")
    assert partly.found_in("technology")
    assert not partly.found_in(UUID)


# ---------------------------------------------------------------- what readers are shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://a.example.org/feed?token=abc", "https://a.example.org/feed"),
        (
            "https://a.example.org/feed?page=1&key=q7Zk31&f=rss",
            "https://a.example.org/feed?page=1&f=rss",
        ),
        ("https://pilot:q7Zk31@a.example.org/feed", "https://a.example.org/feed"),
        (f"https://a.example.org/private/{UUID}/rss?page=1", "https://a.example.org/private/"),
        (f"https://a.example.org/{UUID}", "https://a.example.org/"),
        ("https://a.example.org/feed?", "https://a.example.org/feed?"),
    ],
)
def test_the_address_that_is_shown_lacks_what_is_secret(address: str, shown: str) -> None:
    assert _shown(address) == shown


def test_renderers_get_no_other_address() -> None:
    settings = public_settings(Subscription("quay", f"{PLAIN}?token=q7Zk31pX"))
    assert not hasattr(settings, "url")
    assert not hasattr(settings, "alternates")
    assert "q7Zk31pX" not in repr(settings)


# ---------------------------------------------------------------- where it is found


SECRET = 'p%q/7 "Zk"+\\<31>&x=é'


@pytest.mark.parametrize(
    "spell",
    [
        str,
        quote,
        lambda text: re.sub("%..", lambda match: match[0].lower(), quote(text)),
        quote_plus,
        escape,
        lambda text: escape(escape(quote(text))),
        lambda text: json.dumps(escape(text)),
        lambda text: "".join(f"&#x{ord(c):X};" for c in text),
        lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
        lambda text: quote(quote(text)),
    ],
)
def test_a_secret_is_found_and_replaced_in_every_spelling(spell: object) -> None:
    secrets = Secrets([SECRET])
    spelt = spell(SECRET)  # type: ignore[operator]
    text = f"before {spelt} after"
    assert secrets.found_in(text)
    replaced = secrets.replaced(text, lambda _: "GONE")
    assert replaced in {"before GONE after", 'before "GONE" after'}


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=MIN_CHARS),
    st.text(st.sampled_from('ab1%&;#x+ \\"<é')),
    st.text(st.sampled_from('ab1%&;#x+ \\"<é')),
    st.lists(
        st.sampled_from([quote, quote_plus, escape, lambda text: json.dumps(text)[1:-1]]),
        max_size=3,
    ),
)
def test_no_secret_is_left_after_replacing(
    secret: str, before: str, after: str, spellings: list[object]
) -> None:
    secrets = Secrets([secret])
    spelt = secret
    for spell in spellings:
        spelt = spell(spelt)  # type: ignore[operator]
    assume(not secrets.found_in("GONE") and not secrets.found_in(before + after))
    assert not secrets.found_in(secrets.replaced(f"{before} {spelt} {after}", lambda _: "GONE"))
