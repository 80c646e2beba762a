"""E-mail addresses, and persons in a line of text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmirror.model import Author
from feedmirror.settings.addresses import CONTACT
from feedmirror.settings.problems import Location, Problem
from feedmirror.text.person import email_address, parse_person
from rules.values import contact_problem, is_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("maud@quay.example", "maud@quay.example"),
        ("M.Sluice+tides@Mail.Quay.Example", "M.Sluice+tides@Mail.Quay.Example"),
        ("o'neill@quay.photography", "o'neill@quay.photography"),
        ("maud@m\u00fchle.example", "maud@xn--mhle-0ra.example"),
        ("maud@quay\u3002\u0440\u0444", "maud@quay.xn--p1ai"),
        ("maud@quay", None),
        ("maud@127.0.0.1", None),
        ("maud@quay..example", None),
        ("maud@qu_ay.example", None),
        ("maud@xn--a.example", None),
        ("m\u00fcller@quay.example", None),
        ("maud@ben@quay.example", None),
        ("@quay.example", None),
        ("maud quay@quay.example", None),
        ("maud@quay.example ", None),
        ("", None),
    ],
)
def test_one_rule_says_what_an_e_mail_address_is(text: str, address: str | None) -> None:
    assert email_address(text) == address
    problems: list[Problem] = []
    contact = CONTACT.read(Location(problems), f"mailto:{text}")
    assert contact == (address and f"mailto:{address}")


@pytest.mark.parametrize(
    ("line", "author"),
    [
        ("maud@quay.example (Maud Sluice)", Author("Maud Sluice", "maud@quay.example")),
        ("Maud Sluice <maud@quay.example>", Author("Maud Sluice", "maud@quay.example")),
        ("mailto:maud@quay.example", Author(None, "maud@quay.example")),
        ("Maud, maud@quay.example.", Author("Maud, .", "maud@quay.example")),
        ("m\u00fcller@quay.example (Ben)", Author("m\u00fcller@quay.example (Ben)")),
        ("Ben <ben@m\u00fchle.example>", Author("Ben", "ben@xn--mhle-0ra.example")),
        ("Maud Sluice", Author("Maud Sluice")),
        ("", Author(None)),
    ],
)
def test_a_line_names_a_person(line: str, author: Author) -> None:
    assert parse_person(line) == author


@given(st.text(st.sampled_from("ab.@-_+1\u00fc\u3002<>() "), max_size=30))
def test_every_address_that_is_found_is_valid_in_rss(line: str) -> None:
    found = parse_person(line).email
    assert found is None or (is_address(found) and contact_problem(f"{found} (x)") is None)
