"""How long readers may keep what: one rule, for S3 and for `feedmirror serve`."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedmirror.adapters.stores.s3 import put_request
from feedmirror.layout import cache_control
from served import Site, put

MINUTES = "public, max-age=300, stale-while-revalidate=60, stale-if-error=86400"
HOUR = "public, max-age=3600, stale-while-revalidate=60, stale-if-error=86400"
DAY = "public, max-age=86400, stale-while-revalidate=60, stale-if-error=86400"
FOR_GOOD = "public, max-age=31536000, immutable, stale-if-error=86400"

PUBLIC = {
    "public/news/atom.xml": MINUTES,
    "public/news/feed.json": MINUTES,
    "public/news/rss.xml": MINUTES,
    "public/news/index.html": MINUTES,
    "public/index.html": MINUTES,
    "public/feeds.opml": MINUTES,
    "public/status.json": MINUTES,
    "public/404.html": MINUTES,
    "public/news/entries/769fddacdc8774210f16b68e65dd3116.html": HOUR,
    "public/news/archive/000001-0a1b2c3d4e5f/index.html": DAY,
    "public/news/archive/000001-0a1b2c3d4e5f/rss.xml": DAY,
    "public/news/archive/000001-0a1b2c3d4e5f/feed.json": DAY,
    "public/style-0a1b2c3d.css": FOR_GOOD,
    # Feeds of such names are feeds like others.
    "public/style-news/rss.xml": MINUTES,
    "public/archive-news/rss.xml": MINUTES,
    "public/my-entries/index.html": MINUTES,
}
PRIVATE = (
    "state/news.json",
    "data/news/entries/769fddacdc8774210f16b68e65dd3116/a1497f2724c79b1e02d1759d6abcf716.0.json",
    "data/news/archive/x.json",
    "publication/rss.xml",
    "public",
)


@pytest.mark.row("U6")
@pytest.mark.parametrize("key", PUBLIC)
def test_public_object_is_stored_with_its_rule(key: str) -> None:
    assert cache_control(key) == PUBLIC[key]
    assert put_request("bucket", key, key, b"", "text/plain")["CacheControl"] == PUBLIC[key]


@pytest.mark.parametrize("key", PRIVATE)
def test_private_object_is_for_no_cache(key: str) -> None:
    assert cache_control(key) == "no-store"
    assert put_request("bucket", key, key, b"", "text/plain")["CacheControl"] == "no-store"


def test_rule_goes_by_the_key_and_not_by_where_it_lies_in_the_bucket() -> None:
    name = "mirrors/archive/one/public/news/rss.xml"
    request = put_request("bucket", name, "public/news/rss.xml", b"", "text/plain")
    assert request["CacheControl"] == MINUTES


def test_server_sends_what_the_bucket_has(tmp_path: Path) -> None:
    for key in PUBLIC:
        put(tmp_path, key)
    with Site(tmp_path) as site:
        sent = {
            key: site.ask(key.removeprefix("public")).headers["Cache-Control"] for key in PUBLIC
        }
    assert sent == PUBLIC
