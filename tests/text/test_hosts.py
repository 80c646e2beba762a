"""Host names: validation, and the ASCII form of international names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmirror.text.hosts import ascii_host, is_host


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("quay.example", "quay.example"),
        ("Quay_1.EXAMPLE.", "Quay_1.EXAMPLE."),
        ("stra\u00dfe.example", "xn--strae-oqa.example"),
        ("STRA\u1e9eE.example", "xn--strae-oqa.example"),
        ("\u03c3\u03bf\u03c6\u03cc\u03c2.example", "xn--0xagbn4a.example"),
        ("KAI-U\u0308BER.example", "xn--kai-ber-q2a.example"),
        ("kai_\u00fcber.ex-ample", "xn--kai_ber-q2a.ex-ample"),
        ("under_score.m\u00fchle.example", "under_score.xn--mhle-0ra.example"),
        ("\uff51\uff55\uff41\uff59\uff0e\uff45\uff58", "quay.ex"),
        ("\uff11\uff12\uff17.0.0.1", "127.0.0.1"),
        ("\u2460\u2461\u2466.0.0.1", "127.0.0.1"),
        ("127\u30020\uff0e0\uff611", "127.0.0.1"),
        ("m\u00fch\u00adle.example", "xn--mhle-0ra.example"),
        ("\u2764.example", "xn--qei.example"),  # IDNA 2008 has no such name, browsers do
        ("xn--mhle-0ra.example", "xn--mhle-0ra.example"),
        ("XN--MHLE-0RA.example", "xn--mhle-0ra.example"),
        ("\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.example", "xn--mgba3gch31f060k.example"),
        ("\u05e7\u05e8\u05df.example", "xn--kebpd.example"),
        ("m\u00fchle.example.", "xn--mhle-0ra.example."),
    ],
)
def test_a_name_is_sent_as_browsers_send_it(written: str, sent: str) -> None:
    assert ascii_host(written) == sent
    assert is_host(sent)
    assert ascii_host(sent) == sent


@pytest.mark.parametrize(
    "name",
    [
        "",
        "xn--",
        "xn--.example",
        "xn--a.example",
        "xn--quay-.example",
        "xn--mhle-0ra\u00fc.example",
        "xn---90x20a.example",
        "xn--99999999999.example",
        "feeds.example\u2100.evil.example",  # a/c
        "feeds.example\uff0fpath",
        "feeds.example\uff20evil.example",
        "feeds.example\uff1a8080",
        "feeds.example\uff1fq",
        "\uff05\uff14\uff11.example",
        "\u0661\u0662\u0667.0.0.1",  # Arabic digits are letters of their own, and begin no name
        "3com.\u05e7\u05e8\u05df.example",
        "\u0308quay.example",
        "qu\u200cay.example",
        "a\u00fc b.example",
        "\u00ad",
        "a\ud800.example",
        "\ue000.example",
    ],
)
def test_an_invalid_host_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - idna's own errors among them
        ascii_host(name)
    assert not is_host(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1", True),
        ("[::1]", True),
        ("[2001:DB8::1]", True),
        ("[::ffff:192.0.2.1]", True),
        ("[::g]", False),
        ("[fe80::1%25eth0]", False),
        ("[fe80::1%eth0]", False),
        ("[127.0.0.1]", False),
        ("[::1", False),
        ("::1", False),
        ("-quay-.example", True),
        ("quay..example", False),
        (".quay.example", False),
        ("m\u00fchle.example", False),
        ("a" * 63 + ".example", True),
        ("a" * 64 + ".example", False),
        (".".join(["a" * 49] * 5) + ".exa", True),
        (".".join(["a" * 49] * 5) + ".exam", False),
        ("quay!.example", False),
        ("quay.example:80", False),
        ("quay.example\n", False),
    ],
)
def test_a_request_can_name_what_dns_or_ip_can(text: str, *, expected: bool) -> None:
    assert is_host(text) is expected


@given(
    st.text(st.characters(codec="utf-8") | st.sampled_from("xn-.\u3002\u00df\u200d1"), max_size=20)
)
def test_what_is_sent_is_ascii_without_a_delimiter_and_stays_as_it_is(name: str) -> None:
    try:
        sent = ascii_host(name)
    except ValueError:
        return
    assert sent.isascii()
    assert not set(sent) & set(" /?#@:[]\\%")
    assert ascii_host(sent) == sent


def test_a_name_without_end_is_refused_before_it_is_read() -> None:
    with pytest.raises(ValueError, match="too long"):
        ascii_host("\u00fc" * 1_000_000)
