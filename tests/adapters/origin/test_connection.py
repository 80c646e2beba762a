"""Fetching over TLS: the certificate is the host's, or there is no connection."""

from __future__ import annotations

import ssl
import subprocess
import time

import pytest

from feedmirror.errors import Kind
from fetching import HOST, PUBLIC, TIMEOUT_S, failure, make_origin, subscription
from origin_server import Drip, Hang, OriginServer, Reset, Send, Wait
from required_programs import require_program

BODY = b"<rss version='2.0'><channel/></rss>"

OPENSSL = require_program("openssl")  # makes the certificates


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of feeds.example, signed by itself, with its key in the same file."""
    path = tmp_path_factory.mktemp("tls")
    command = f"{OPENSSL} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    subprocess.run(
        [
            *command.split(),
            *("-keyout", path / "key.pem", "-out", path / "cert.pem", "-subj", f"/CN={HOST}"),
            *("-addext", f"subjectAltName=DNS:{HOST}"),
            *("-addext", "keyUsage=critical,digitalSignature,keyCertSign"),
        ],
        check=True,
        capture_output=True,
    )
    both = path / "both.pem"
    both.write_bytes((path / "key.pem").read_bytes() + (path / "cert.pem").read_bytes())
    return both


@pytest.fixture
def server(certificate):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with OriginServer(PUBLIC, tls=context) as server:
        server.serve("/feed", BODY)
        yield server


@pytest.fixture
def plain():
    with OriginServer(PUBLIC) as server:
        server.serve("/feed", BODY)
        yield server


@pytest.fixture
def origin(certificate):
    """An origin that trusts the certificate."""
    return make_origin(ssl_context=ssl.create_default_context(cafile=certificate))


def test_document_is_fetched_over_tls_under_the_name_of_its_host(server, origin):
    asked = []
    server.tls.sni_callback = lambda _sock, name, _context: asked.append(name)
    url = server.url("/feed", HOST)
    assert origin.fetch(subscription(url), url, {}).body == BODY
    assert asked == [HOST]


def test_dot_at_the_end_of_a_host_is_no_part_of_its_certificate(server, origin):
    url = server.url("/feed", HOST + ".")
    assert origin.fetch(subscription(url), url, {}).body == BODY
    assert server.requests[0].header("Host") == f"{HOST}:{server.port}"


def test_certificate_of_an_unknown_issuer_is_refused(server):
    error = failure(server.url("/feed", HOST))
    assert error.kind is Kind.TLS
    assert f"The certificate of {HOST}:{server.port}" in str(error)
    assert "SSL_CERT_FILE" in str(error)
    assert server.requests == []


def test_certificate_of_another_host_is_refused(server, origin):
    error = failure(server.url("/feed", "other.example"), origin=origin)
    assert error.kind is Kind.TLS
    assert "other.example" in str(error)
    assert server.requests == []


def test_number_is_no_name_of_a_certificate(server, origin):
    assert failure(server.url("/feed"), origin=origin).kind is Kind.TLS


def test_server_without_tls_is_a_tls_error(plain, origin):
    url = plain.url("/feed", HOST).replace("http:", "https:")
    plain.on_accept(Send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Hang())
    assert failure(url, origin=origin).kind is Kind.TLS


@pytest.mark.row("F2")
@pytest.mark.parametrize("steps", [[Hang()], [Drip(b"\x16\x03\x03\x3f\xff" + bytes(16_000))]])
def test_slow_handshake_ends_at_the_deadline(server, origin, steps):
    server.on_accept(*steps)
    started = time.monotonic()
    error = failure(server.url("/feed", HOST), origin=origin, timeout_s=TIMEOUT_S)
    assert error.kind is Kind.TIMEOUT
    assert TIMEOUT_S <= time.monotonic() - started < TIMEOUT_S + 2


# Where the server is gone before the handshake, Python 3.11 drops a socket that it has not closed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("steps", [[], [Reset()], [Wait(0.05), Reset()]])
def test_handshake_that_is_cut_is_a_reset(server, origin, steps):
    server.on_accept(*steps)
    assert failure(server.url("/feed", HOST), origin=origin).kind is Kind.RESET


@pytest.mark.row("F2")
def test_dripping_body_over_tls_ends_at_the_deadline(server, origin):
    server.script("/feed", b"HTTP/1.1 200 OK\r\n\r\n", Drip(b"x" * 9999))
    started = time.monotonic()
    error = failure(server.url("/feed", HOST), origin=origin, timeout_s=TIMEOUT_S)
    assert error.kind is Kind.TIMEOUT
    assert time.monotonic() - started < TIMEOUT_S + 2


@pytest.mark.row("F10", "F14")
def test_redirect_down_to_http_is_followed_without_secrets_and_never_for_good(
    server, plain, origin
):
    server.redirect("/old", plain.url("/feed", HOST))
    url = server.url("/old", HOST)
    feed = subscription(url, headers={"Authorization": "Bearer s3cret"})
    result = origin.fetch(feed, url, {})
    assert (result.url, result.moved_to) == (plain.url("/feed", HOST), None)
    assert server.requests[0].header("Authorization") == "Bearer s3cret"
    assert plain.requests[0].header("Authorization") is None


def test_redirect_up_to_https_is_a_move(server, plain, origin):
    plain.redirect("/old", server.url("/feed", HOST))
    url = plain.url("/old", HOST)
    assert origin.fetch(subscription(url), url, {}).moved_to == server.url("/feed", HOST)
