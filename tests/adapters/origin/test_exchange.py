"""Size and coding of a document: bounded before and after it is decompressed, and whole."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from feedmirror.errors import Kind
from fetching import HOST, PUBLIC, failure, fetched
from origin_server import Drip, Forever, Hang, OriginServer

BODY = b"<rss version='2.0'><channel><title>A feed</title></channel></rss>"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
GZIP = [("Content-Encoding", "gzip")]


@pytest.fixture
def server():
    with OriginServer(PUBLIC) as server:
        yield server


@pytest.fixture
def url(server):
    return server.url("/feed", HOST)


@pytest.mark.row("F1")
def test_declared_size_beyond_the_limit_is_refused_before_reading(server, url):
    server.script("/feed", HEAD + b"Content-Length: 5000000000\r\n\r\n", Hang())
    error = failure(url, max_bytes=1000)
    assert error.kind is Kind.TOO_LARGE
    assert "5,000,000,000 bytes" in str(error)
    assert "1,000 bytes that `max_bytes` allows" in str(error)


@pytest.mark.row("F1")
@pytest.mark.parametrize("head", [HEAD + b"\r\n", CHUNKED])
def test_endless_body_is_given_up_at_the_limit(server, url, head):
    piece = b"1000\r\n" + b"x" * 4096 + b"\r\n" if head is CHUNKED else b"x" * 4096
    server.script("/feed", head, Forever(piece))
    assert failure(url, max_bytes=100_000).kind is Kind.TOO_LARGE


@pytest.mark.row("F1", "F16")
@pytest.mark.slow
@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([Forever(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 5000)], id="103"),
        pytest.param([CHUNKED, Forever(b"1;" + b"x" * 30_000 + b"\r\nx\r\n")], id="extensions"),
        pytest.param([CHUNKED, b"0\r\n", Forever(b"X: y\r\n" * 5000)], id="trailers"),
    ],
)
def test_flood_around_the_document_is_given_up_by_its_size(server, url, steps):
    server.script("/feed", *steps)
    error = failure(url, max_bytes=1000)
    assert error.kind is Kind.TOO_LARGE
    assert "around its document" in str(error)


@pytest.mark.slow
def test_document_in_tiny_chunks_takes_no_more_memory_than_in_large_ones(server, url):
    server.script("/feed", CHUNKED + b"2\r\nxy\r\n" * 50_000 + b"0\r\n\r\n")
    tracemalloc.start()
    body = fetched(url, timeout_s=60.0).body
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert body == b"xy" * 50_000
    assert peak_bytes < 1_000_000


def test_document_of_just_the_limit_is_taken(server, url):
    server.answer("/feed", 200, body=b"x" * 1000)
    assert len(fetched(url, max_bytes=1000).body) == 1000
    assert failure(url, max_bytes=999).kind is Kind.TOO_LARGE


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZip"])
def test_gzip_is_decompressed(server, url, coding):
    server.answer("/feed", 200, [("Content-Encoding", coding)], gzip.compress(BODY * 5000))
    assert fetched(url).body == BODY * 5000


@pytest.mark.row("D1")
def test_gzip_bomb_is_given_up_without_holding_it(server, url):
    bomb = gzip.compress(bytes(50_000_000), 1)
    server.answer("/feed", 200, GZIP, bomb)
    tracemalloc.start()
    error = failure(url, max_bytes=1_000_000)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert error.kind is Kind.TOO_LARGE
    assert "decompressed" in str(error)
    assert peak_bytes < 3_000_000


def test_answer_with_two_lengths_is_no_answer(server, url):
    lengths = b"Content-Length: 5\r\nContent-Length: 9\r\n\r\n"
    server.script("/feed", HEAD + lengths + b"<rss/>abc")
    assert failure(url).kind is Kind.STATUS


def test_length_said_twice_is_the_length(server, url):
    lengths = b"Content-Length: 6\r\nContent-Length: 6\r\n\r\n"
    server.script("/feed", HEAD + lengths + b"<rss/>")
    assert fetched(url).body == b"<rss/>"


@pytest.mark.parametrize("rest", [b"", b"<rss"])
def test_body_shorter_than_its_length_is_a_reset(server, url, rest):
    server.script("/feed", HEAD + b"Content-Length: 6\r\n\r\n" + rest)
    assert failure(url).kind is Kind.RESET


@pytest.mark.parametrize("size", [b"-5", b"x", b""])
def test_chunk_without_a_size_is_a_reset(server, url, size):
    server.script("/feed", CHUNKED + size + b"\r\n<rss/>\r\n0\r\n\r\n")
    assert failure(url).kind is Kind.RESET


@pytest.mark.row("D3")
def test_several_gzip_members_are_one_document(server, url):
    body = b"".join(gzip.compress(part) for part in (b"<rss>", b"", b"</rss>"))
    server.answer("/feed", 200, GZIP, body)
    assert fetched(url).body == b"<rss></rss>"


def test_members_split_anywhere_are_one_document(server, url):
    body = gzip.compress(b"<rss>") + gzip.compress(b"</rss>")
    server.script("/feed", HEAD + b"Content-Encoding: gzip\r\n\r\n", Drip(body, 0.002))
    assert fetched(url).body == b"<rss></rss>"


@pytest.mark.row("D3")
def test_bytes_behind_the_gzip_stream_are_ignored(server, url):
    server.answer("/feed", 200, GZIP, gzip.compress(BODY) + b"\x00\x00\x1ftrailing")
    assert fetched(url).body == BODY


@pytest.mark.row("D3")
@pytest.mark.parametrize("missing", [1, 8, 20])
def test_gzip_stream_without_its_end_is_a_reset_though_its_length_is_right(server, url, missing):
    server.answer("/feed", 200, GZIP, gzip.compress(BODY)[:-missing])
    assert failure(url).kind is Kind.RESET


@pytest.mark.row("D3")
def test_second_gzip_member_without_its_end_is_a_reset(server, url):
    server.answer("/feed", 200, GZIP, gzip.compress(BODY) * 2 + gzip.compress(BODY)[:30])
    assert failure(url).kind is Kind.RESET


@pytest.mark.row("D3")
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(BODY, id="not compressed at all"),
        pytest.param(zlib.compress(BODY), id="zlib"),
        pytest.param(gzip.compress(BODY)[:-8] + bytes(8), id="wrong checksum"),
        pytest.param(gzip.compress(b"") * 1001, id="no end of members"),
    ],
)
def test_damaged_gzip_is_an_encoding_error(server, url, body):
    server.answer("/feed", 200, GZIP, body)
    assert failure(url).kind is Kind.ENCODING


@pytest.mark.parametrize("body", [b"", gzip.compress(b"", mtime=0)], ids=["plain", "gzip"])
def test_gzip_of_nothing_is_empty(server, url, body):
    server.answer("/feed", 200, GZIP, body)
    assert failure(url).kind is Kind.EMPTY


@pytest.mark.row("D2")
@pytest.mark.parametrize("coding", ["br", "zstd", "deflate", "compress", "gzip, gzip", "utf-8, BR"])
def test_coding_that_nobody_asked_for_is_refused(server, url, coding):
    server.answer("/feed", 200, [("Content-Encoding", coding)], BODY)
    assert failure(url).kind is Kind.ENCODING


@pytest.mark.row("D2")
def test_transfer_coding_that_nobody_asked_for_is_refused(server, url):
    server.script("/feed", HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + BODY)
    error = failure(url)
    assert error.kind is Kind.ENCODING
    assert "gzip, chunked" in str(error)


@pytest.mark.parametrize(
    "named",
    [
        "",
        " ",
        "identity",
        "identity, identity",
        "UTF-8",
        "none",
        "binary",
        "aws-chunked",
        ",",
        "\x01",
    ],
)
def test_unknown_content_coding_is_ignored(server, url, named):
    server.answer("/feed", 200, [("Content-Encoding", named)], BODY)
    assert fetched(url).body == BODY


@pytest.mark.parametrize("named", ["aws-chunked,gzip", "utf-8, X-GZIP", "gzip, identity"])
def test_gzip_among_codings_that_are_none_is_decompressed(server, url, named):
    server.answer("/feed", 200, [("Content-Encoding", named)], gzip.compress(BODY))
    assert fetched(url).body == BODY


@pytest.mark.parametrize("headers", [[], [("Content-Encoding", "binary")]])
def test_gzip_that_no_header_names_is_decompressed(server, url, headers):
    server.answer("/feed", 200, headers, gzip.compress(BODY))
    assert fetched(url).body == BODY


def test_gzip_that_no_header_names_is_known_though_it_comes_byte_by_byte(server, url):
    server.script("/feed", HEAD + b"\r\n", Drip(gzip.compress(BODY), 0.002))
    assert fetched(url).body == BODY


@pytest.mark.row("D1")
def test_gzip_that_no_header_names_is_bounded(server, url):
    server.answer("/feed", 200, [], gzip.compress(bytes(2_000_000), 1))
    assert failure(url, max_bytes=1_000_000).kind is Kind.TOO_LARGE


def test_damaged_gzip_that_no_header_names_is_an_encoding_error(server, url):
    server.answer("/feed", 200, [], gzip.compress(BODY)[:-8] + bytes(8))
    error = failure(url)
    assert error.kind is Kind.ENCODING
    assert "is gzip-compressed" in str(error)
