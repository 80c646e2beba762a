"""The CDN's function, run by Node with the events that CloudFront hands it.

Source: CloudFront Developer Guide, "CloudFront Functions event structure"
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from conftest import require_program
from feedmirror.core.formats import formats
from feedmirror.settings.slugs import SLUG
from template_files import only, source_templates, substituted

NODE = require_program("node")

# Its runtime has neither modules nor the network; what it has of JavaScript, Node has too.
HARNESS = """
const vm = require('node:vm');
const [code, events] = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
const context = vm.createContext({});
vm.runInContext("'use strict';\\n" + code, context);
const answers = events.map((event) => {
  context.text = JSON.stringify(event);
  return JSON.parse(vm.runInContext('JSON.stringify(handler(JSON.parse(text)))', context));
});
process.stdout.write(JSON.stringify(answers));
"""

PAGES, NO_PAGES = "true", "false"


def code(pages: str) -> str:
    function = only(source_templates().cdn, "AWS::CloudFront::Function")
    return substituted(function["FunctionCode"], {"Pages": pages}, {})


def event(uri: str, method: str = "GET", **headers: str) -> dict[str, Any]:
    """A viewer request as the guide shows it; names of headers are in lower case there."""
    sent = {"host": "feeds.example.org", "user-agent": "Reader/1.0", "accept": "*/*"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return {
        "version": "1.0",
        "context": {
            "distributionDomainName": "d111111abcdef8.cloudfront.net",
            "distributionId": "EDFDVBD6EXAMPLE",
            "eventType": "viewer-request",
            "requestId": "EXAMPLEntjQpEXAMPLE_SG5Z-EXAMPLEPmPfEXAMPLEu3EqEXAMPLE==",
        },
        "viewer": {"ip": "198.51.100.11"},
        "request": {
            "method": method,
            "uri": uri,
            "querystring": {"arg1": {"value": "1"}, "arg2": {"value": ""}},
            "headers": {name: {"value": value} for name, value in sent.items()},
            "cookies": {"id": {"value": "CookieIdValue"}},
        },
    }


def answers(pages: str, *events: dict[str, Any]) -> list[dict[str, Any]]:
    """What the function makes of each event: a request that goes on, or a response."""
    done = subprocess.run(
        [NODE, "-e", HARNESS],
        input=json.dumps([code(pages), events]),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def goes_on_to(answer: dict[str, Any]) -> str:
    assert "statusCode" not in answer, answer
    return answer["uri"]


def is_sent_to(answer: dict[str, Any]) -> str:
    assert answer["statusCode"] == 302, answer
    return answer["headers"]["location"]["value"]


@pytest.mark.parametrize("pages", [PAGES, NO_PAGES])
def test_folders_have_an_index(pages: str) -> None:
    top, feed, entry = answers(pages, event("/"), event("/news/"), event("/news/entries/ab12/"))

    assert goes_on_to(top) == "/index.html"
    assert goes_on_to(feed) == "/news/index.html"
    assert goes_on_to(entry) == "/news/entries/ab12/index.html"


@pytest.mark.parametrize("pages", [PAGES, NO_PAGES])
def test_slug_without_a_slash_is_sent_to_its_folder(pages: str) -> None:
    slugs = ("news", "a", "the-harbour-gazette-2", "x" * 63)
    assert all(SLUG.fullmatch(slug) for slug in slugs)

    for slug, answer in zip(slugs, answers(pages, *(event(f"/{s}") for s in slugs)), strict=True):
        assert is_sent_to(answer) == f"/{slug}/"


def test_nobody_is_sent_to_another_host() -> None:
    addresses = ("//evil.example", "//evil", "/%2Fevil", "/\\evil", "/.evil.example", "/a:b")

    found = answers(PAGES, *(event(a, sec_fetch_dest="document") for a in addresses))

    for address, answer in zip(addresses, found, strict=True):
        assert goes_on_to(answer) == address


@pytest.mark.parametrize("pages", [PAGES, NO_PAGES])
@pytest.mark.parametrize("made", formats(), ids=lambda made: made.name)
def test_feed_readers_get_the_feed(pages: str, made: Any) -> None:
    uri = f"/news/{made.name}"
    asked = [
        event(uri),
        event(uri, method="HEAD"),
        event(uri, if_none_match='"abc"'),
        event(uri, sec_fetch_dest="empty", sec_fetch_mode="cors"),  # fetch() of a web reader
        event(uri, sec_fetch_dest="image"),
    ]

    for before, after in zip(asked, answers(pages, *asked), strict=True):
        assert after == before["request"]


@pytest.mark.parametrize("made", formats(), ids=lambda made: made.name)
def test_people_who_open_a_feed_are_sent_to_its_page_once_there_is_one(made: Any) -> None:
    opened = event(f"/news/{made.name}", sec_fetch_dest="document", sec_fetch_mode="navigate")

    (with_pages,), (without,) = answers(PAGES, opened), answers(NO_PAGES, opened)

    assert is_sent_to(with_pages) == "/news/"
    assert goes_on_to(without) == f"/news/{made.name}"


def test_people_get_every_other_document_that_they_open() -> None:
    addresses = ("/status.json", "/404.html", "/news/index.html", "/style.css", "/news/a/b.xml")

    found = answers(PAGES, *(event(a, sec_fetch_dest="document") for a in addresses))

    assert [goes_on_to(answer) for answer in found] == list(addresses)


def test_redirect_is_kept_by_no_cache() -> None:
    """The same address is a feed for one program and a page for another."""
    (answer,) = answers(PAGES, event("/news/rss.xml", sec_fetch_dest="document"))

    assert answer["headers"]["cache-control"] == {"value": "no-store"}


def test_web_readers_are_told_that_they_may_ask_with_validators() -> None:
    asked = event(
        "/news/rss.xml",
        method="OPTIONS",
        origin="https://reader.example",
        access_control_request_method="GET",
        access_control_request_headers="if-none-match",
    )

    (answer,) = answers(NO_PAGES, asked)

    assert answer["statusCode"] == 204
    headers = {name: header["value"] for name, header in answer["headers"].items()}
    assert headers["access-control-allow-origin"] == "*"
    assert headers["access-control-allow-headers"] == "*"
    assert "GET" in headers["access-control-allow-methods"]


@pytest.mark.parametrize("pages", [PAGES, NO_PAGES])
def test_it_is_small_enough_for_the_edge(pages: str) -> None:
    # Source: CloudFront Developer Guide, "Quotas on CloudFront Functions"
    assert len(code(pages).encode()) < 10 * 1024
