"""A large corpus of odd feeds: whatever a document is like, no refresh of it ends with a bug."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from builders import atom_document, entry, json_feed, rss_document
from effort import amount
from feedmirror.errors import StoreError
from feedmirror.model import Outcome, Subscription
from feedmirror.rebuild import rebuild
from feedmirror.refresh import attempt
from feedmirror.site import publish_site
from locations import DATA
from parsers import InProcessParser
from scene import PUBLIC_URL, Scene, newest
from store_factories import state_in

FEEDS = amount(200)
_EACH = 50  # feeds a test, in one store

_TOKENS = [
    token.encode()
    for token in (
        "<item/>", "<entry/>", "<item></item>", "<guid/>", "<guid> </guid>", "<link/>", "<title/>",
        "<![CDATA[", "]]>", "<!--", "-->", "<?xml version='1.0'?>", "<?pi", "&amp;", "&nbsp;",
        "&#0;", "&#xD800;", "&#128;", "&", "<", ">", '"', "\0", "\x08", "\x85", "\u202e", "\ufeff",
        "\U0001f600", "<br/>", "<p>", "</p>", "</div>", "</channel>", "</rss>", "</item>",
        "xmlns=''",
        "<a:b xmlns:a='urn:a'/>", "<media:group/>", "<content:encoded/>", "<image><url/></image>",
        "<pubDate>32 Foo 0000 99:99:99 +9999</pubDate>", "<updated>0001-01-01T00:00:00Z</updated>",
        "<enclosure/>", "<enclosure url='' length='-1' type='x'/>", "<category/>", "<source/>",
        "<atom:link xmlns:atom='http://www.w3.org/2005/Atom' rel='self'/>", "<ttl>1e9</ttl>",
        "<skipHours><hour>25</hour></skipHours>", "<language>en_US_x_</language>", "{", "}", "[",
        "null", "-1e999", '"items": []', '"id": {}', '"url": "//"', '"date_published": 5',
        "\\ud800",
    )
]  # fmt: skip


def _spliced(chance: random.Random, body: bytes) -> bytes:
    at = chance.randrange(len(body) + 1)
    return body[:at] + chance.choice(_TOKENS) + body[at:]


def _cut(chance: random.Random, body: bytes) -> bytes:
    start = chance.randrange(len(body) + 1)
    return body[:start] + body[start + chance.randrange(1, 60) :]


def _doubled(chance: random.Random, body: bytes) -> bytes:
    start = chance.randrange(len(body) + 1)
    piece = body[start : start + chance.randrange(1, 400)]
    return body[:start] + piece * chance.choice((2, 2, 3, 9)) + body[start + len(piece) :]


def _truncated(chance: random.Random, body: bytes) -> bytes:
    return body[: chance.randrange(len(body) + 1)]


def _tag_changed(chance: random.Random, body: bytes) -> bytes:
    tags = sorted(
        {t for t in body.replace(b"/", b" ").replace(b">", b" ").split() if t[:1] == b"<"}
    )
    if len(tags) < 2:
        return body
    return body.replace(chance.choice(tags), chance.choice(tags), chance.choice((1, -1)))


def _byte_changed(chance: random.Random, body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(chance.randrange(1, 6)):
        if changed:
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


_CHANGES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _spliced, _spliced, _spliced, _cut, _doubled, _truncated, _tag_changed, _byte_changed,
)  # fmt: skip


def _bases() -> list[bytes]:
    made = [
        make([entry(n) for n in (3, 2, 1)]) for make in (rss_document, atom_document, json_feed)
    ]
    empty = [make([]) for make in (rss_document, atom_document, json_feed)]
    return made * 3 + empty + [path.read_bytes() for path in sorted(DATA.glob("*.*"))]


def odd_feed(seed: int) -> tuple[bytes, bytes]:
    """Two versions of a document, each unlike any that a program would write."""
    chance = random.Random(seed)
    body = chance.choice(_bases())
    versions = []
    for _ in range(2):
        for _ in range(chance.randrange(1, 5)):
            body = chance.choice(_CHANGES)(chance, body)
        versions.append(body)
    return versions[0], versions[1]


def _is_fine(outcome: Outcome) -> bool:
    return outcome.failure is None or outcome.failure.group == "broken"


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, FEEDS, _EACH))
def test_no_odd_feed_ends_with_a_bug(first: int) -> None:
    scene = Scene(b"", parser=InProcessParser())
    subscriptions: list[Subscription] = []
    for seed in range(first, first + _EACH):
        url = f"https://odd.example.org/{seed}"
        one = replace(scene.subscription, slug=f"odd-{seed}", url=url)
        subscriptions.append(one)
        for version in odd_feed(seed):
            scene.origin.answers[url] = version
            scene.later(minutes=15)
            outcome = attempt(one, scene.world())
            assert _is_fine(outcome), f"seed {seed}: {outcome}"
        state = state_in(scene.store, one.slug)
        assert not state.tasks, f"seed {seed}"
        if state.feed is None:
            with pytest.raises(StoreError, match="to rebuild"):
                rebuild(one, scene.store, PUBLIC_URL, scene.now)
        else:
            rebuilt = rebuild(one, scene.store, PUBLIC_URL, scene.now)
            assert min(rebuilt.entries, rebuilt.window, rebuilt.archived) >= 0
    site = publish_site(scene.store, subscriptions, PUBLIC_URL, scene.now, newest)
    assert len(site.lines) == _EACH
