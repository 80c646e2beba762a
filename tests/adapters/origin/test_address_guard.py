"""Address guard: allowed and refused addresses, DNS rebinding, metadata, the runtime's port."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedmirror.adapters.origin import address_guard
from feedmirror.adapters.origin.connection import check_peer
from feedmirror.adapters.origin.target import parse_target
from feedmirror.errors import FetchError, Kind
from fetching import (
    HOST,
    PRIVATE,
    PUBLIC,
    Names,
    failure,
    is_public,
    make_origin,
    real_origin,
    subscription,
)
from origin_server import OriginServer

METADATA = ["169.254.169.254", "169.254.170.2", "169.254.100.1", "fd00:ec2::254", "fd20:ce::254"]


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.fixture
def server():
    with OriginServer(PUBLIC) as server:
        server.serve("/feed", b"<rss/>")
        yield server


@pytest.fixture
def canary():
    """A private host that counts who connects."""
    with OriginServer(PRIVATE) as server:
        server.serve("/feed", b"<rss/>")
        yield server


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "93.184.216.34", "192.0.1.1", "2a00:1450::1", "2606:4700::1"]
)
def test_public_address_is_public(address):
    assert address_guard.is_public(address)


@pytest.mark.row("F5", "F8")
@pytest.mark.parametrize(
    "address",
    [
        PRIVATE,
        PUBLIC,
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "192.0.0.8",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "168.63.129.16",
        "100.100.100.200",
        *METADATA,
        "::",
        "::1",
        "::127.0.0.1",
        "::8.8.8.8",
        "::ffff:127.0.0.1",
        "::ffff:0:7f00:1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:808:808::",
        "3ffe::1",
        "3fff::1",
        "4000::1",
        "fc00::1",
        "fd12::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "",
        "localhost",
        "127.1",
        "8.8.8.8 ",
        "08.8.8.8",
    ],
)
def test_any_other_address_is_not_public(address):
    assert not address_guard.is_public(address)


@given(st.ip_addresses())
def test_nothing_the_standard_library_calls_local_is_public(ip):
    if not ip.is_global or ip.is_multicast or ip.is_reserved or ip.is_loopback:
        assert not address_guard.is_public(str(ip))


@given(st.ip_addresses(v=4))
def test_address_is_public_private_or_neither_but_not_two_of_them(ip):
    assert not (address_guard.is_public(str(ip)) and address_guard.is_private(str(ip)))


@pytest.mark.row("F8")
@pytest.mark.parametrize("address", [*METADATA, "100.100.100.200", "fe80::a9fe:a9fe"])
def test_metadata_address_is_never_private(address):
    assert not address_guard.is_private(address)


@pytest.mark.parametrize(
    "address", ["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "::ffff:10.0.0.1", "192.0.2.1"]
)
def test_address_that_is_no_host_of_a_network_is_never_private(address):
    assert not address_guard.is_private(address)


@pytest.mark.parametrize("address", ["10.0.0.1", "::1", "fd12::1", "100.64.0.1", PRIVATE])
def test_address_of_an_own_network_is_private(address):
    assert address_guard.is_private(address)


# ---------------------------------------------------------------- the guard at work


@pytest.mark.row("F5")
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "0",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "017700000001",
        "localhost",
        "[::1]",
        "[::]",
        "[::127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:7f00:0001]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::1]",
    ],
)
def test_real_resolver_and_real_predicate_let_no_spelling_of_loopback_through(canary, host):
    url = f"http://{host}:{canary.port}/feed"
    error = failure(url, origin=real_origin())
    assert error.kind is Kind.ADDRESS
    assert canary.connections == 0


def test_refusal_names_host_and_address_and_the_setting(server):
    names = Names(**{HOST: ("10.0.0.5",)})
    error = failure(server.url("/feed", HOST), origin=make_origin(names))
    assert error.kind is Kind.ADDRESS
    assert f"{HOST} (10.0.0.5)" in str(error)
    assert "`allow_private_hosts = true`" in str(error)


@pytest.mark.row("F7")
@pytest.mark.parametrize("answers", [(PUBLIC, PRIVATE), (PRIVATE, PUBLIC), (PUBLIC, "::1")])
def test_one_private_answer_among_public_ones_is_refused(server, answers):
    names = Names(**{HOST: answers})
    assert failure(server.url("/feed", HOST), origin=make_origin(names)).kind is Kind.ADDRESS
    assert server.connections == 0


@pytest.mark.row("F6")
def test_answer_that_changes_after_the_check_changes_nothing(server, canary):
    class Flipping(Names):
        def __call__(self, host, port):
            super().__call__(host, port)
            return (PUBLIC,) if len(self.asked) == 1 else (PRIVATE,)

    names = Flipping()
    url = server.url("/feed", HOST)
    assert make_origin(names).fetch(subscription(url), url, {}).body == b"<rss/>"
    assert names.asked == [HOST]
    assert canary.connections == 0


def test_private_host_is_fetched_where_the_subscription_allows_it(canary):
    url = canary.url("/feed")
    feed = subscription(url, allow_private_hosts=True)
    assert real_origin().fetch(feed, url, {}).body == b"<rss/>"


@pytest.mark.row("F8")
@pytest.mark.parametrize("address", METADATA)
def test_metadata_is_refused_even_where_private_hosts_are_allowed(address):
    names = Names(**{HOST: (address,)})
    origin = real_origin(resolve=names)
    error = failure(f"http://{HOST}/", origin=origin, allow_private_hosts=True)
    assert error.kind is Kind.ADDRESS
    assert "metadata" in str(error)


@pytest.mark.row("F8")
def test_own_runtime_is_refused_even_where_private_hosts_are_allowed(canary):
    url = canary.url("/feed")
    origin = real_origin(own_port=canary.port)
    error = failure(url, origin=origin, allow_private_hosts=True)
    assert error.kind is Kind.ADDRESS
    assert "runtime" in str(error)
    assert canary.requests == []


@pytest.mark.row("F8")
def test_public_host_is_asked_at_any_port(server):
    url = server.url("/feed", HOST)
    origin = make_origin(own_port=server.port)
    assert origin.fetch(subscription(url), url, {}).body == b"<rss/>"


@pytest.mark.row("F8")
def test_redirect_to_metadata_is_refused_even_where_private_hosts_are_allowed(canary):
    canary.redirect("/feed", "http://169.254.169.254/latest/meta-data/")
    url = canary.url("/feed")
    error = failure(url, origin=real_origin(), allow_private_hosts=True)
    assert error.kind is Kind.ADDRESS


def test_numeric_host_is_not_looked_up(server):
    names = Names()
    url = server.url("/feed")
    assert make_origin(names).fetch(subscription(url), url, {}).body == b"<rss/>"
    assert names.asked == []


@pytest.mark.skipif(not has_ipv6(), reason="this machine's loopback has no IPv6")
def test_numeric_ipv6_host_keeps_its_brackets_in_the_request():
    with OriginServer("::1") as server:
        server.serve("/feed", b"<rss/>")
        url = server.url("/feed")
        origin = real_origin(is_public=lambda address: address == "::1")
        assert origin.fetch(subscription(url), url, {}).body == b"<rss/>"
        assert server.requests[0].header("Host") == f"[::1]:{server.port}"


@pytest.mark.row("F5")
def test_public_address_of_the_tests_is_private_in_fact():
    assert is_public(PUBLIC)
    assert not address_guard.is_public(PUBLIC)
    assert not address_guard.is_public(PRIVATE)


@pytest.mark.row("F6")
def test_connection_that_ended_elsewhere_than_at_the_checked_address_is_refused(canary):
    target = parse_target(canary.url("/feed", HOST))
    with socket.create_connection((PRIVATE, canary.port)) as sock:
        check_peer(sock, PRIVATE, target)
        with pytest.raises(FetchError) as caught:
            check_peer(sock, PUBLIC, target)
    assert caught.value.kind is Kind.ADDRESS
