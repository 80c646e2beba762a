"""A mirror of a hostile origin, over real sockets: whatever comes back, only that feed's news fail.

What each fault ends in is tested with the fetching (`test_http*.py`); here it is what becomes of
the mirror: nothing that was stored, remembered or public changes, and other feeds go on.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from feedmirror.adapters.origin import address_guard
from feedmirror.errors import Kind
from feedmirror.mirror import state_codec
from feedmirror.mirror.state import State
from feedmirror.model import Outcome, Subscription, Validators
from feedmirror.ports import World
from feedmirror.refresh import attempt
from fetching import (
    HOST,
    NOW,
    PRIVATE,
    PUBLIC,
    TIMEOUT_S,
    Names,
    failure,
    make_origin,
    subscription,
)
from locations import ROOT
from origin_server import Drip, Forever, Hang, OriginServer, Reset, Step, Wait, reply
from parsers import InProcessParser
from scene import PUBLIC_URL, document, newest
from stores import CountingStore, MemoryStore

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
GZIP = [("Content-Encoding", "gzip")]
FEED = document(3, 2, 1, e3="<p>edited</p>")  # what nobody gets to see
KNOWN = document(2, 1)
ETAG = '"known"'
FALSE_ETAG = [("ETag", '"false"')]


@pytest.fixture
def server() -> Iterator[OriginServer]:
    with OriginServer(PUBLIC) as server:
        yield server


@pytest.fixture
def canary() -> Iterator[OriginServer]:
    """A private host that counts who connects."""
    with OriginServer(PRIVATE) as server:
        yield server


class Mirror:
    """Two feeds of one server, mirrored once: the one that turns hostile, and another."""

    def __init__(self, server: OriginServer) -> None:
        self.server = server
        self.store = CountingStore(MemoryStore())
        self.minutes = 0
        self.feeds = {
            slug: Subscription(slug, server.url(f"/{slug}", HOST), max_bytes=100_000)
            for slug in ("hostile", "other")
        }
        server.serve("/hostile", KNOWN, etag=ETAG)
        server.serve("/other", KNOWN)
        for slug in self.feeds:
            assert self.refresh(slug).outcome == "changed"

    def refresh(self, slug: str = "hostile") -> Outcome:
        clock = NOW + timedelta(minutes=self.minutes)
        self.minutes += 15
        world = World(
            self.store, make_origin(), InProcessParser(), lambda: clock, PUBLIC_URL, newest
        )
        return attempt(self.feeds[slug], world)

    def kept(self) -> dict[str, bytes]:
        """Everything of the feed but its state."""
        objects: dict[str, bytes] = self.store.inner.objects  # type: ignore[attr-defined]
        return {k: v for k, v in objects.items() if "/hostile/" in k and not k.startswith("state/")}

    def state(self) -> State:
        stored = self.store.load("state/hostile.json")
        assert stored is not None
        return state_codec.load(stored.body, "state")


@pytest.fixture
def mirror(server: OriginServer) -> Mirror:
    return Mirror(server)


ATTACKS: dict[str, tuple[Kind, list[Step]]] = {
    "F1 body without end": (Kind.TOO_LARGE, [HEAD + b"\r\n", Forever(b"x" * 4096)]),
    "F1 chunks without end": (
        Kind.TOO_LARGE,
        [CHUNKED, Forever(b"fff\r\n" + b"x" * 4095 + b"\r\n")],
    ),
    "F1 length of an exabyte": (
        Kind.TOO_LARGE,
        [HEAD + b"Content-Length: 1%s\r\n\r\n" % (b"0" * 18)],
    ),
    "F2 silence": (Kind.TIMEOUT, [Hang()]),
    "F2 headers drip": (Kind.TIMEOUT, [HEAD, Drip(b"X-A: " + b"b" * 9999)]),
    "F2 document drips": (Kind.TIMEOUT, [HEAD + b"\r\n", Drip(FEED)]),
    "F2 interim answers without end": (
        Kind.TIMEOUT,
        [Forever(b"HTTP/1.1 103 Hints\r\n\r\n", 0.01)],
    ),
    "F2 almost all of it": (Kind.TIMEOUT, [reply(200, FALSE_ETAG, FEED)[:-1], Hang()]),
    "F4 circle": (Kind.REDIRECT, [reply(301, [("Location", "/hostile")])]),
    "F4 nowhere": (Kind.REDIRECT, [reply(301)]),
    "F15 404": (Kind.MISSING, [reply(404, FALSE_ETAG, FEED)]),
    "F15 500": (Kind.SERVER, [reply(500, FALSE_ETAG, FEED)]),
    "F15 503 for ever": (Kind.THROTTLED, [reply(503, [("Retry-After", "9" * 400)])]),
    "F16 shorter than it says": (Kind.RESET, [reply(200, FALSE_ETAG, FEED, length=len(FEED) + 1)]),
    "F16 cut by a reset": (Kind.RESET, [reply(200, FALSE_ETAG, FEED)[:-40], Reset()]),
    "F16 chunks without their end": (Kind.RESET, [CHUNKED + b"5\r\n<rss>\r\n"]),
    "F16 chunk of a negative size": (Kind.RESET, [CHUNKED + b"-5\r\n<rss>\r\n0\r\n\r\n"]),
    "F16 two lengths": (
        Kind.STATUS,
        [HEAD + b"Content-Length: 5\r\nContent-Length: 9\r\n\r\n" + FEED],
    ),
    "F16 megabytes of a header": (
        Kind.STATUS,
        [HEAD + b"X: " + b"x" * 3_000_000 + b"\r\n\r\n" + FEED],
    ),
    "F16 megabytes of headers": (Kind.STATUS, [HEAD + b"X: y\r\n" * 500_000 + b"\r\n" + FEED]),
    "D1 bomb": (
        Kind.TOO_LARGE,
        [reply(200, [*GZIP, *FALSE_ETAG], gzip.compress(bytes(5_000_000)))],
    ),
    "D2 brotli": (Kind.ENCODING, [reply(200, [("Content-Encoding", "br")], FEED)]),
    "D2 gzip in gzip": (
        Kind.ENCODING,
        [reply(200, [("Content-Encoding", "gzip, gzip")], gzip.compress(gzip.compress(FEED)))],
    ),
    "D2 two headers": (
        Kind.ENCODING,
        [reply(200, [*GZIP, ("Content-Encoding", "br")], gzip.compress(FEED))],
    ),
    "D3 gzip cut off": (Kind.RESET, [reply(200, [*GZIP, *FALSE_ETAG], gzip.compress(FEED)[:-9])]),
    "P10 bomb in a bomb": (
        Kind.NOT_A_FEED,
        [reply(200, GZIP, gzip.compress(gzip.compress(bytes(5_000_000))))],
    ),
    "P10 nothing": (Kind.EMPTY, [reply(200, FALSE_ETAG)]),
    "P10 login": (
        Kind.NOT_A_FEED,
        [reply(200, FALSE_ETAG, b"<!doctype html><title>Sign in</title><form method=post>")],
    ),
    "P10 an error in JSON": (Kind.NOT_A_FEED, [reply(200, FALSE_ETAG, b'{"error": "rate limit"}')]),
    "P10 a list in JSON": (Kind.NOT_A_FEED, [reply(200, FALSE_ETAG, b"[]")]),
}


@pytest.mark.row("F1", "F2", "F4", "F15", "F16", "D1", "D2", "D3", "P10")
@pytest.mark.parametrize("attack", ATTACKS)
def test_whatever_an_origin_answers_only_its_own_news_fail(mirror: Mirror, attack: str) -> None:
    kind, steps = ATTACKS[attack]
    mirror.server.script("/hostile", *steps)
    timeout_s = TIMEOUT_S if kind is Kind.TIMEOUT else 10.0
    mirror.feeds["hostile"] = replace(mirror.feeds["hostile"], timeout_s=timeout_s)
    before, state, started = mirror.kept(), mirror.state(), time.monotonic()
    outcome = mirror.refresh()
    assert time.monotonic() - started < 3  # on a busy machine
    assert outcome.failure is not None
    assert outcome.failure.kind == kind.value
    assert mirror.kept() == before
    after = mirror.state()
    assert (after.addresses, after.window, after.known_entries) == (
        state.addresses,
        state.window,
        state.known_entries,
    )
    mirror.server.serve("/other", document(3, 2, 1))
    assert mirror.refresh("other").new == 1


@pytest.mark.row("F11", "F16")
def test_after_any_failure_the_origin_is_asked_with_what_it_had_said_last(mirror: Mirror) -> None:
    mirror.server.answer("/hostile", 200, FALSE_ETAG, b"<html><body>Sign in</body></html>")
    assert mirror.refresh().outcome == "failed"
    mirror.server.serve("/hostile", KNOWN, etag=ETAG)
    assert mirror.refresh().http_status == 304
    assert mirror.server.requests[-1].header("If-None-Match") == ETAG


@pytest.mark.row("F11")
def test_a_304_that_was_not_asked_for_leaves_the_next_poll_unconditional(
    server: OriginServer,
) -> None:
    mirror = Mirror(server)
    feed = replace(mirror.feeds["hostile"], slug="new", url=server.url("/new", HOST))
    mirror.feeds["new"] = feed
    server.answer("/new", 304, FALSE_ETAG)
    for _ in range(2):
        assert mirror.refresh("new").outcome == "failed"
        assert server.requests[-1].header("If-None-Match") is None
    server.serve("/new", KNOWN)
    assert mirror.refresh("new").new == 2


@pytest.mark.row("F11", "F12", "U5")
@pytest.mark.parametrize("etag", [ETAG, None], ids=["a 304", "a 200 with the same bytes"])
def test_an_unchanged_feed_writes_nothing_at_all(mirror: Mirror, etag: str | None) -> None:
    mirror.server.serve("/hostile", KNOWN, etag=etag)
    mirror.refresh()  # forgets the ETag, or not
    mirror.store.reset()
    outcome = mirror.refresh()
    assert (outcome.outcome, outcome.http_status) == ("unchanged", 304 if etag else 200)
    assert mirror.store.writes == []
    assert mirror.store.loads == ["state/hostile.json"]


@pytest.mark.row("P7")
def test_a_document_cut_off_behind_its_headers_adds_what_is_whole_and_is_asked_for_again(
    mirror: Mirror,
) -> None:
    """With no length that would tell: only the document itself shows that it was cut."""
    whole = document(5, 4, 2, 1, e2="<p>edited</p>")
    cut = whole[: whole.index(b"Entry 2") + 60]
    mirror.server.script("/hostile", HEAD + b'ETag: "cut"\r\n\r\n' + cut)
    outcome = mirror.refresh()
    assert (outcome.new, outcome.revised) == (2, 0)
    assert ETAG in {a.validators.etag for a in mirror.state().addresses.values()}
    mirror.server.serve("/hostile", whole, etag='"whole"')
    assert mirror.refresh().revised == 1
    assert mirror.server.requests[-1].header("If-None-Match") != '"cut"'


@pytest.mark.row("F2", "F3")
def test_name_server_connection_redirects_headers_and_body_share_one_deadline(
    server: OriginServer,
) -> None:
    """Each is far within the time, all of them are not."""

    class Slow(Names):
        def __call__(self, host: str, port: int) -> tuple[str, ...]:
            time.sleep(0.08)
            return (PUBLIC,)

    server.script("/feed", Wait(0.08), reply(302, [("Location", "/there")]))
    server.script("/there", HEAD, Wait(0.08), b"\r\n", Drip(KNOWN, 0.02))
    started = time.monotonic()
    error = failure(server.url("/feed", HOST), origin=make_origin(Slow()), timeout_s=0.7)
    assert error.kind is Kind.TIMEOUT
    assert 0.7 <= time.monotonic() - started < 2
    assert len(server.requests) == 2


# ---------------------------------------------------------------- where it would lead us

SPELLINGS = """
127.0.0.1 127.1 127.0.1 2130706433 017700000001 0x7f000001 0x7f.0.0.1 0177.0.0.1 0x7f.1 00.0 0 0x0
127.127.127.127 LOCALHOST localhost 127.0.0.1. localhost. [::1] [0:0:0:0:0:0:0:1] [::] [::127.0.0.1]
[::7f00:1] [::ffff:127.0.0.1] [::FFFF:7F00:1] [::ffff:0:7f00:1] [64:ff9b::127.0.0.1]
[64:ff9b::7f00:1] [64:ff9b:1::7f00:1] [2002:7f00:1::] [2002:7f00:1::1] [2001:0:7f00:1::] [fec0::1]
[fe80::1] [fd00::1] [::ffff:169.254.169.254] 10.0.0.1 192.168.0.1 172.16.0.1 100.64.0.1 0.0.0.0
169.254.169.254 169.254.170.2 169.254.170.23 169.254.100.1 169.254.79.129 2852039166 0xa9fea9fe
0251.0376.0251.0376 [fd00:ec2::254] 100.100.100.200 168.63.129.16 255.255.255.255 224.0.0.1
\uff11\uff12\uff17.0.0.1 \u2460\u2461\u2466.0.0.1 127\u30020\u30020\u30021
""".split()

DISGUISED = """
http://127.0.0.1:PORT\\@feeds.example/ http://feeds.example@127.0.0.1:PORT/
http://feeds.example:80@127.0.0.1:PORT/ http://127.0.0.1:PORT#@feeds.example/
http://127.0.0.1:PORT?@feeds.example/ //127.0.0.1:PORT/ ///127.0.0.1:PORT/ \\\\127.0.0.1:PORT\\
http:127.0.0.1:PORT/ http:/127.0.0.1:PORT/ http:///127.0.0.1:PORT/ http://127.0.0.1:PORT./
http://%31%32%37.0.0.1:PORT/ http://127.0.0.1%00.feeds.example:PORT/ http://[::1%25lo]:PORT/
http://127.0.0.1%2F%23.feeds.example:PORT/ http://0x7f.1:PORT/ HTTP://127.0.0.1:PORT/
https://127.0.0.1:PORT/ http://127.0.0.1:0PORT/ http://127.0.0.1:+PORT/
""".split()


def numbers_of_the_system(host: str, port: int) -> tuple[str, ...]:
    """Return the system resolver's answer for a number or localhost; PRIVATE for names."""
    if host == HOST:
        return (PUBLIC,)
    try:
        return tuple(address_guard.resolve(host, port)) if host[-1] in "0123456789t" else (PRIVATE,)
    except OSError:
        return (PRIVATE,)


def is_public(address: str) -> bool:
    """The real predicate, but for the one address that plays the public internet."""
    return address == PUBLIC or address_guard.is_public(address)


@pytest.mark.row("F5", "F8", "F9")
@pytest.mark.parametrize("where", [*(f"http://{host}:PORT/" for host in SPELLINGS), *DISGUISED])
def test_a_redirect_to_a_private_address_reaches_nobody_however_it_is_spelt(
    server: OriginServer, canary: OriginServer, where: str
) -> None:
    location = where.replace("PORT", str(canary.port)).encode().decode("latin-1")
    server.redirect("/feed", location, 302)
    origin = make_origin(numbers_of_the_system, is_public=is_public)
    error = failure(server.url("/feed", HOST), origin=origin)
    assert error.kind in {Kind.ADDRESS, Kind.REDIRECT, Kind.MISSING}
    assert canary.connections == 0
    for request in server.requests[1:]:  # what is no host is a path on the public server
        assert request.header("Host") == f"{HOST}:{server.port}"


@pytest.mark.row("F8")
@pytest.mark.parametrize("allowed", [False, True])
@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",  # metadata of an instance
        "169.254.170.2",  # credentials of a container
        "169.254.100.1",  # the runtime's interface of a function
        "169.254.79.129",  # the daemon for traces
        "::ffff:169.254.169.254",
        "fd00:ec2::254",
    ],
)
def test_addresses_that_hand_out_credentials_are_refused_whatever_is_allowed(
    address: str, allowed: bool
) -> None:
    origin = make_origin(Names(**{HOST: (address,)}), is_public=address_guard.is_public)
    error = failure(f"http://{HOST}:9001/", origin=origin, allow_private_hosts=allowed)
    assert error.kind is Kind.ADDRESS


@pytest.mark.row("F6")
def test_name_that_resolves_to_a_private_address_after_a_redirect_is_refused(
    server: OriginServer, canary: OriginServer
) -> None:
    answers = iter([(PUBLIC,), (PRIVATE,)])
    server.redirect("/feed", f"http://{HOST}:{canary.port}/feed")
    origin = make_origin(lambda _host, _port: next(answers))
    assert failure(server.url("/feed", HOST), origin=origin).kind is Kind.ADDRESS
    assert (server.connections, canary.connections) == (1, 0)


@pytest.mark.row("F6", "F7")
def test_every_one_of_many_answers_is_checked_before_any_is_contacted(
    server: OriginServer, canary: OriginServer
) -> None:
    names = Names(**{HOST: (PUBLIC,) * 50 + (PRIVATE,)})
    error = failure(server.url("/feed", HOST), origin=make_origin(names))
    assert error.kind is Kind.ADDRESS
    assert (server.connections, canary.connections) == (0, 0)


@pytest.mark.row("F10")
def test_neither_configured_headers_nor_validators_follow_a_redirect_elsewhere(
    server: OriginServer,
) -> None:
    with OriginServer(PUBLIC) as elsewhere:
        elsewhere.serve("/feed", KNOWN)
        server.redirect("/feed", elsewhere.url("/feed", HOST))
        url = server.url("/feed", HOST)
        feed = subscription(url, headers={"Authorization": "Bearer s3cret", "Cookie": "a=b"})
        make_origin().fetch(feed, url, {url: Validators(ETAG)})
        sent = elsewhere.requests[0].raw
    assert b"s3cret" in server.requests[0].raw
    assert not any(word in sent for word in (b"s3cret", b"Cookie", b"Referer", ETAG.encode()))


# ---------------------------------------------------------------- memory


@pytest.mark.slow
@pytest.mark.row("D1", "F1")
def test_a_gigabyte_in_a_megabyte_is_given_up_within_ten_megabytes_of_memory() -> None:
    """In a process of its own, measured by the system: the highest that it ever had."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _GIGABYTE],
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT / 'functions'}{os.pathsep}{ROOT / 'tests/support'}",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    said = json.loads(done.stdout)
    assert said["kinds"] == ["too_large", "too_large"]
    assert said["grown_bytes"] < 10_000_000


_GIGABYTE = """
import gzip, json, zlib
from pathlib import Path
from fetching import HOST, PUBLIC, failure, fetched
from origin_server import Forever, OriginServer

def peak_bytes():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
ten_mb = deflate.compress(bytes(10_000_000)) + deflate.flush(zlib.Z_FULL_FLUSH)
bomb = gzip.compress(b"")[:10] + ten_mb * 100
with OriginServer(PUBLIC) as server:
    server.answer("/bomb", 200, [("Content-Encoding", "gzip")], bomb)
    server.script("/endless", b"HTTP/1.1 200 OK\\r\\n\\r\\n", Forever(b"x" * 65536))
    server.serve("/feed", b"x" * 900_000)
    limit = {"max_bytes": 1_000_000}
    fetched(server.url("/feed", HOST), **limit)
    before = peak_bytes()
    paths = ("/bomb", "/endless")
    kinds = [failure(server.url(path, HOST), **limit).kind.value for path in paths]
    print(json.dumps({"kinds": kinds, "grown_bytes": peak_bytes() - before}))
"""


@pytest.mark.row("F3")
def test_threads_that_a_dead_name_server_holds_up_end_no_run() -> None:
    over = threading.Event()

    def resolve(_host: str, _port: int) -> tuple[str, ...]:
        over.wait(10)
        raise OSError(-3, "Temporary failure in name resolution")

    origin = make_origin(resolve)
    started = time.monotonic()
    try:
        for number in range(5):
            error = failure(f"http://{number}.example/", origin=origin, timeout_s=0.05)
            assert error.kind is Kind.TIMEOUT
    finally:
        over.set()
    assert time.monotonic() - started < 2
