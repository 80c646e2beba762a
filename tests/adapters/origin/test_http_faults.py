"""Fetching from an origin that misbehaves: each fault ends in its own error, in time."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack

import pytest

from feedmirror.errors import Kind
from fetching import HOST, PUBLIC, TIMEOUT_S, Names, failure, fetched, make_origin, subscription
from origin_server import Drip, Forever, Hang, OriginServer, Reset, Send, Wait, reply

BODY = b"<rss version='2.0'><channel><title>A feed</title></channel></rss>"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BLACK_HOLE = "127.0.0.4"


@pytest.fixture
def server():
    with OriginServer(PUBLIC) as server:
        yield server


@pytest.fixture
def url(server):
    return server.url("/feed", HOST)


# ---------------------------------------------------------------- time


@pytest.mark.row("F2")
@pytest.mark.slow
@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([Hang()], id="silence"),
        pytest.param([Drip(b"HTTP/1.1 200 " + b"O" * 9999)], id="status line drips"),
        pytest.param([Send(HEAD), Drip(b"X-A: " + b"b" * 9999)], id="header drips"),
        pytest.param([Forever(b"HTTP/1.1 100 Continue\r\n\r\n", 0.01)], id="100 without end"),
        pytest.param([Forever(b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.001)], id="103 without end"),
        pytest.param([Send(HEAD + b"\r\n"), Drip(b"x" * 9999)], id="body drips"),
        pytest.param([Send(CHUNKED), Drip(b"1\r\nx\r\n" * 9999)], id="chunks drip"),
        pytest.param([Send(CHUNKED), Drip(b"1;" + b"x" * 9999)], id="chunk size drips"),
        pytest.param(
            [Send(CHUNKED + b"0\r\n"), Forever(b"X: y\r\n", 0.001)], id="trailers without end"
        ),
        pytest.param([Send(HEAD + b"Content-Length: 9\r\n\r\n"), Hang()], id="body stalls"),
    ],
)
def test_slow_answer_ends_at_the_deadline(server, url, steps):
    server.script("/feed", *steps)
    started = time.monotonic()
    error = failure(url, timeout_s=TIMEOUT_S)
    assert error.kind is Kind.TIMEOUT
    assert str(error) == f"No whole answer from {url} within {TIMEOUT_S} s."
    assert TIMEOUT_S <= time.monotonic() - started < TIMEOUT_S + 2


@pytest.mark.row("F3")
def test_slow_name_server_ends_at_the_deadline():
    over = threading.Event()

    def resolve(host, port):
        over.wait(10)
        return (PUBLIC,)

    started = time.monotonic()
    origin = make_origin(resolve)
    error = failure("http://feeds.example/", origin=origin, timeout_s=TIMEOUT_S)
    over.set()
    assert error.kind is Kind.TIMEOUT
    assert "name server" in str(error)
    assert TIMEOUT_S <= time.monotonic() - started < TIMEOUT_S + 2


@pytest.mark.row("F2")
def test_redirects_share_one_deadline(server):
    for hop in range(4):
        head = b"HTTP/1.1 302 Found\r\nLocation: /%d\r\n\r\n" % (hop + 1)
        server.script(f"/{hop}", Wait(TIMEOUT_S * 0.4), head)
    assert failure(server.url("/0", HOST), timeout_s=TIMEOUT_S).kind is Kind.TIMEOUT
    assert len(server.requests) < 4  # of five; a busy machine has time for one alone


# ---------------------------------------------------------------- connections


def test_unknown_host_is_a_dns_error():
    def unknown(host, port):
        raise OSError(-2, "Name or service not known")

    error = failure("http://no.example/feed", origin=make_origin(unknown))
    assert error.kind is Kind.DNS
    assert "no.example" in str(error)
    assert "Name or service not known" in str(error)


@pytest.mark.parametrize("answer", [(), ValueError("label too long")])
def test_name_without_an_address_is_a_dns_error(answer):
    def resolve(host, port):
        if isinstance(answer, ValueError):
            raise answer
        return answer

    assert failure("http://no.example/", origin=make_origin(resolve)).kind is Kind.DNS


def test_refused_connection_is_a_connect_error():
    with OriginServer(PUBLIC) as closed:
        url = closed.url("/feed", HOST)
    error = failure(url)
    assert error.kind is Kind.CONNECT
    assert f"{HOST}:{closed.port}" in str(error)
    assert "refused" in str(error)


def test_second_address_is_tried_where_the_first_refuses(server, url):
    server.serve("/feed", BODY)
    names = Names(**{HOST: ("127.0.0.3", PUBLIC)})
    origin = make_origin(names, is_public=lambda _address: True)
    assert origin.fetch(subscription(url), url, {}).body == BODY


@pytest.fixture
def black_hole(server):
    """An address that answers no connection on the server's port: its queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((BLACK_HOLE, server.port))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex((BLACK_HOLE, server.port))
        yield BLACK_HOLE


def test_address_that_swallows_packets_ends_at_the_deadline(url, black_hole):
    origin = make_origin(Names(**{HOST: (black_hole,)}), is_public=lambda _address: True)
    error = failure(url, origin=origin, timeout_s=TIMEOUT_S)
    assert error.kind is Kind.TIMEOUT
    assert "No connection" in str(error)


def test_address_that_swallows_packets_leaves_time_for_the_next(server, url, black_hole):
    server.serve("/feed", BODY)
    names = Names(**{HOST: (black_hole, PUBLIC)})
    origin = make_origin(names, is_public=lambda _address: True)
    assert origin.fetch(subscription(url, timeout_s=2), url, {}).body == BODY


def test_body_of_an_error_is_not_read(server, url):
    server.script("/feed", b"HTTP/1.1 500 Oops\r\nContent-Length: 5000000000\r\n\r\n", Hang())
    started = time.monotonic()
    assert failure(url).kind is Kind.SERVER
    assert time.monotonic() - started < 3


@pytest.mark.row("F16")
@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([], id="hangs up without an answer"),
        pytest.param([Reset()], id="resets without an answer"),
        pytest.param([Send(HEAD), Reset()], id="resets among the headers"),
        pytest.param([Send(reply(200, body=BODY, length=999))], id="shorter than declared"),
        pytest.param([Send(HEAD + b"Content-Length: 9\r\n\r\nx"), Reset()], id="resets in body"),
        pytest.param([Send(CHUNKED + b"5\r\nhello\r\n")], id="chunks without their end"),
        pytest.param([Send(CHUNKED + b"ff\r\nhello")], id="cut inside a chunk"),
        pytest.param([Send(CHUNKED + b"zz\r\nhello")], id="chunk size is no number"),
        pytest.param([Send(CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n")], id="negative chunk size"),
        pytest.param([Send(CHUNKED)], id="no chunk at all"),
    ],
)
def test_cut_answer_is_a_reset(server, url, steps):
    server.script("/feed", *steps)
    assert failure(url).kind is Kind.RESET


# ---------------------------------------------------------------- nonsense


@pytest.mark.row("F16")
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 abc OK\r\n\r\n", id="status is no number"),
        pytest.param(b"HTTP/9.9 200 OK\r\n\r\n", id="unknown version"),
        pytest.param(HEAD + b"X-A: b\r\n" * 200 + b"\r\n" + BODY, id="too many headers"),
        pytest.param(HEAD + b"X-A: " + b"b" * 70_000 + b"\r\n\r\n" + BODY, id="long header"),
        pytest.param(
            HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + BODY, id="two lengths"
        ),
    ],
)
def test_answer_that_is_not_http_is_an_error(server, url, data):
    server.script("/feed", data)
    error = failure(url)
    assert error.kind is Kind.STATUS
    assert "not HTTP" in str(error)


@pytest.mark.row("F16")
@pytest.mark.parametrize(
    "head",
    [
        pytest.param(HEAD + b"Content-Length: -5\r\n\r\n", id="negative length"),
        pytest.param(HEAD + b"Content-Length: abc\r\n\r\n", id="length is no number"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\n", id="HTTP 1.0"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"\r\n", id="100 first"),
        pytest.param(
            b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + HEAD + b"\r\n", id="103 first"
        ),
        pytest.param(HEAD + b"no colon here\r\nX: \x00\r\n\r\n", id="headers that are none"),
        pytest.param(b"HTTP/1.1 200\nX:y\n\n", id="bare line feeds"),
    ],
)
def test_loosely_formed_answer_is_read(server, url, head):
    server.script("/feed", head + BODY)
    assert fetched(url).body == BODY


def test_chunked_document_is_joined(server, url):
    server.script("/feed", CHUNKED + b"3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n")
    assert fetched(url).body == b"abcde"
