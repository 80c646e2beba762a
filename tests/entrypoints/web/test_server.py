"""`feedmirror serve`: the public files over HTTP, and nothing else."""

from __future__ import annotations

import gzip
import http.client
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path

import pytest

from commands import Terminal, feedmirror, spawn
from feedmirror.entrypoints.web.server import CONTENT_SECURITY_POLICY, FeedServer, takes_gzip
from feedmirror.mirror.deployment import Deployment
from feedmirror.publishing.formats.status import status_document
from served import BODY, Site, publish, put


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    publish(tmp_path)
    with Site(tmp_path) as site:
        yield site


# ---------------------------------------------------------------- documents


def test_feed_is_served_with_the_headers_of_a_cdn(site):
    reply = site.ask()
    assert (reply.status, reply.body) == (200, BODY)
    headers = dict(reply.headers)
    assert headers["Content-Type"] == "application/rss+xml; charset=utf-8"
    assert headers["Cache-Control"].startswith("public, max-age=300, stale-while-revalidate=")
    assert headers["Content-Length"] == str(len(BODY))
    assert headers["Vary"] == "Accept-Encoding, Sec-Fetch-Dest"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Robots-Tag"] == "noindex"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Server"].startswith("feedmirror/")
    assert "Python" not in headers["Server"]


def test_etag_is_strong_and_of_the_bytes(site, tmp_path):
    first, again = site.ask().headers["ETag"], site.ask().headers["ETag"]
    assert first == again
    assert first.startswith('"')
    publish(tmp_path, body=BODY + b" ")
    assert site.ask().headers["ETag"] != first


def test_head_has_the_headers_of_a_get_and_no_body(site):
    get, head = site.ask(), site.ask(method="HEAD")
    assert (head.status, head.body) == (200, b"")
    unlike = {"Date"}
    assert {n: v for n, v in head.headers.items() if n not in unlike} == {
        n: v for n, v in get.headers.items() if n not in unlike
    }


def test_query_and_absolute_form_find_the_same_document(site):
    assert site.ask("/news/rss.xml?from=reader#x").status == 200
    absolute = b"GET http://a.example/news/rss.xml HTTP/1.1\r\nHost: a.example\r\n\r\n"
    assert site.raw(absolute).startswith(b"HTTP/1.1 200 ")


def test_reader_that_takes_gzip_gets_it_under_a_weak_etag(site):
    plain, packed = site.ask(), site.ask(Accept_Encoding="br, gzip;q=0.5")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == BODY
    assert len(packed.body) < len(BODY)
    assert packed.headers["ETag"] == f"W/{plain.headers['ETag']}"
    assert packed.headers["Vary"] == plain.headers["Vary"]


def test_small_document_is_not_worth_packing(site, tmp_path):
    publish(tmp_path, body=b"<rss/>")
    assert site.ask(Accept_Encoding="gzip").headers["Content-Encoding"] is None


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        (None, False),
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("deflate, gzip;q=1.0", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0, *", False),
        ("identity", False),
        ("*;q=0", False),
        ("gzipped", False),
    ],
)
def test_accept_encoding_is_read_as_the_rfc_says(accepted, takes):
    assert takes_gzip(accepted) is takes


# ---------------------------------------------------------------- conditional requests


@pytest.mark.parametrize(
    "tags", ["{etag}", "W/{etag}", '"other", {etag}', 'W/"a,b" , W/{etag}', "*"]
)
@pytest.mark.parametrize("accepted", ["identity", "gzip"])
def test_reader_with_the_current_etag_gets_304_whatever_the_coding(tags, accepted, site):
    etag = site.ask().headers["ETag"]
    reply = site.ask(If_None_Match=tags.format(etag=etag), Accept_Encoding=accepted)
    assert (reply.status, reply.body) == (304, b"")
    assert reply.headers["ETag"].removeprefix("W/") == etag
    assert reply.headers["ETag"] == site.ask(Accept_Encoding=accepted).headers["ETag"]
    assert reply.headers["Cache-Control"]
    assert reply.headers["Vary"] == "Accept-Encoding, Sec-Fetch-Dest"


@pytest.mark.parametrize("tags", ['"other"', "nonsense", ""])
def test_reader_with_another_etag_gets_the_whole_document(tags, site):
    assert site.ask(If_None_Match=tags).status == 200


def test_several_lines_of_tags_count_as_one_list(site):
    etag = site.ask().headers["ETag"].encode()
    head = b"GET /news/rss.xml HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    reply = site.raw(head + b'If-None-Match: "a"\r\nIf-None-Match: ' + etag + b"\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 304 ")


def test_date_of_the_file_is_a_condition_too(site, tmp_path):
    os.utime(publish(tmp_path), (1_790_000_000.9, 1_790_000_000.9))
    modified = site.ask().headers["Last-Modified"]
    assert parsedate_to_datetime(modified).timestamp() == 1_790_000_000
    assert site.ask(If_Modified_Since=modified).status == 304
    assert site.ask(If_Modified_Since=formatdate(1_789_999_999, usegmt=True)).status == 200
    assert site.ask(If_Modified_Since="yesterday").status == 200


def test_etag_counts_for_more_than_the_date(site):
    later = formatdate(4_000_000_000, usegmt=True)
    assert site.ask(If_Modified_Since=later).status == 304
    assert site.ask(If_Modified_Since=later, If_None_Match='"other"').status == 200


# ---------------------------------------------------------------- what is not served


@pytest.mark.parametrize(
    "path",
    [
        "/news/",
        "/news/rss.xml/",
        "/news/other.xml",
        "/news/other.html",
        "/other.html",
        "/style-0a1b2c3d.css.bak",
        "/style-other.css",
        "/nothing/rss.xml",
        "/../state/news.json",
        "/news/../../state/news.json",
        "/%2e%2e/state/news.json",
        "/news/..%2f..%2fstate%2fnews.json",
        "/news/../news/other.xml",
        "/news/archive/../../../state/news.json",
        "/news/archive/..%2f..%2f..%2fdata/rss.xml",
        "/news/archive/linked/rss.xml",
        "/news/archive/.hidden/rss.xml",
        "/news/archive/one/other.xml",
        "/news/archive/one/two/rss.xml",
        "/news/entries/0123456789abcdef.html",
        "/news/entries/other.html",
        "/news/entries/0123456789ABCDEF.html",
        "/news/entries/..%2f0123456789abcdef.html",
        "/news%00/rss.xml",
        "/.tmp/rss.xml",
        "/news/.hidden",
        "/linked/rss.xml",
        "/link-in-it/rss.xml",
        "/folder/rss.xml",
        "/pipe/rss.xml",
        "/NEWS/rss.xml",
        "\\news\\rss.xml",
        "http://[/rss.xml",
    ],
)
def test_nothing_but_documents_is_served(path, site, tmp_path):
    secret = tmp_path / "state/news.json"
    secret.parent.mkdir(parents=True)
    secret.write_text("secret")
    public = tmp_path / "public"
    for name in (
        "other.html",
        "style-other.css",
        "style-0a1b2c3d.css.bak",
        "news/.hidden",
        "news/other.xml",
        "news/other.html",
        "news/archive/.hidden/rss.xml",
        "news/archive/one/other.xml",
        "news/archive/one/two/rss.xml",
        "news/entries/other.html",
        "news/entries/0123456789ABCDEF.html",
        "news/0123456789abcdef.html",
    ):
        put(tmp_path, f"public/{name}", b"secret")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "rss.xml").write_text("secret")
    (public / "linked").symlink_to(outside)
    (public / "news/archive/linked").symlink_to(outside)
    (public / "news/entries/0123456789abcdef.html").symlink_to(secret)
    for name in ("link-in-it", "folder", "pipe"):
        (public / name).mkdir()
    (public / "link-in-it/rss.xml").symlink_to(secret)
    (public / "folder/rss.xml").mkdir()
    os.mkfifo(public / "pipe/rss.xml")
    reply = site.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert reply.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 400 "))
    assert b"secret" not in reply


def test_missing_feed_is_answered_with_where_the_feeds_are(site):
    reply = site.ask("/nothing/rss.xml")
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert b"feeds is at /" in reply.body
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
def test_other_methods_are_refused_with_those_allowed(method, site):
    reply = site.ask(method=method)
    assert (reply.status, reply.headers["Allow"]) == (405, "GET, HEAD")


def test_body_that_nobody_asked_for_is_not_taken_for_a_request(site):
    smuggled = b"GET /news/rss.xml HTTP/1.1\r\nHost: x\r\n\r\n"
    for method in (b"POST", b"GET"):
        head = b"%s / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (method, len(smuggled))
        assert site.raw(head + smuggled).count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"NONSENSE\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),  # no Host
        (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", b"505"),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", b"431"),
    ],
)
def test_request_that_makes_no_sense_is_refused_in_plain_text(request_bytes, status, site):
    reply = site.raw(request_bytes)
    assert reply.split(b" ", 2)[1] == status
    assert b"Content-Type: text/plain" in reply
    assert b"<" not in reply.partition(b"\r\n\r\n")[2]


def test_store_that_cannot_be_read_is_a_503_with_the_reason(site, tmp_path, monkeypatch):
    from feedmirror.adapters.stores.directory import DirectoryStore
    from feedmirror.errors import StoreError

    def load(self, key):
        raise StoreError("load: no such luck")

    monkeypatch.setattr(DirectoryStore, "load", load)
    reply = site.ask()
    assert (reply.status, reply.body) == (503, b"The store cannot be read: load: no such luck.\n")


# ---------------------------------------------------------------- the list, the log, connections


def test_root_lists_the_addresses_as_the_reader_reaches_them(site, tmp_path):
    publish(tmp_path, "another")
    (tmp_path / "public/.tmp").mkdir()
    (tmp_path / "public/empty").mkdir()
    reply = site.ask("/", Host="feeds.local:8000")
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert reply.body.decode().splitlines()[1:] == [
        "http://feeds.local:8000/another/rss.xml",
        "http://feeds.local:8000/news/rss.xml",
    ]


@pytest.mark.parametrize("published", ["https://m.example", "https://m.example/news"])
def test_addresses_in_documents_are_those_under_which_they_are_served(published, site, tmp_path):
    put(tmp_path, "public/status.json", status_document((), published, Deployment()))
    body = f'<link href="{published}/news/rss.xml"/> {published}x https://m.example.org/'.encode()
    publish(tmp_path, body=body)
    replies = [site.ask(Host=host) for host in ("127.0.0.1:8123", "nas.lan", "nas.lan:80", "a b")]
    assert replies[0].body == body.replace(f"{published}/".encode(), b"http://127.0.0.1:8123/")
    assert b'"http://nas.lan/news/rss.xml"' in replies[1].body
    assert b'"http://nas.lan:80/news/rss.xml"' in replies[2].body
    assert replies[3].body == body  # no such host can be named
    assert len({reply.headers["ETag"] for reply in replies}) == 4
    again = site.ask(Host="nas.lan", If_None_Match=replies[1].headers["ETag"])
    assert again.status == 304


def test_strange_host_is_not_repeated(site):
    assert b"<b>" not in site.ask("/", Host="<b>x</b>").body


def test_each_request_is_a_line_in_the_log_that_cannot_forge_another(site):
    site.ask("/news/rss.xml")
    site.raw(b"GET /\x1b[2J HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert site.log[0] == f"127.0.0.1 GET /news/rss.xml HTTP/1.1 200 {len(BODY)}"
    assert len(site.log) == 2
    assert all(line.isprintable() for line in site.log)


def test_connection_is_kept_for_the_next_request(site):
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=5)
    for condition in ({}, {"If-None-Match": "*"}, {}):
        connection.request("GET", "/news/rss.xml", headers=condition)
        response = connection.getresponse()
        response.read()
        held = connection.sock
        assert held is not None
    connection.close()


def test_reader_that_hangs_up_leaves_no_traceback(site, tmp_path, capsys):
    publish(tmp_path, body=b"x" * 5_000_000)
    with socket.create_connection(("127.0.0.1", site.port), 5) as connection:
        connection.sendall(b"GET /news/rss.xml HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.recv(100)
    assert site.ask("/").status == 200
    assert "Traceback" not in capsys.readouterr().err
    assert not any("Error" in line for line in site.log)


def test_many_readers_are_served_at_once(site):
    replies: list[int] = []
    with socket.create_connection(("127.0.0.1", site.port), 5):  # says nothing, holds up nobody
        readers = [
            threading.Thread(target=lambda: replies.append(site.ask().status)) for _ in range(10)
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
    assert replies == [200] * 10


# ---------------------------------------------------------------- the command


def test_port_in_use_is_an_error_with_advice(site, tmp_path, capsys):
    assert feedmirror("serve", "--store", tmp_path, "--port", site.port) == 2
    err = capsys.readouterr().err
    assert f"cannot listen on 127.0.0.1 port {site.port}: Address already in use" in err
    assert "--port" in err


def test_store_that_cannot_be_listed_ends_the_command_with_the_reason(tmp_path, capsys):
    (tmp_path / "public").write_text("no folder")
    assert feedmirror("serve", "--store", tmp_path, "--port", 0) == 1
    err = capsys.readouterr().err
    assert err.startswith("feedmirror: list 'public/*' in ")
    assert err.count("\n") == 1


def test_host_that_is_no_address_is_an_error(tmp_path, capsys):
    assert feedmirror("serve", "--store", tmp_path, "--host", "a" * 70) == 2
    assert "cannot listen on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("host", "base"), [("0.0.0.0", "http://127.0.0.1:"), ("localhost", "http://localhost:")]
)
def test_addresses_shown_can_be_reached_from_here(host, base, tmp_path):
    publish(tmp_path)
    server = FeedServer(tmp_path, host, 0, print)
    try:
        [address] = server.addresses()
        assert address == f"{base}{server.server_port}/news/rss.xml"
    finally:
        server.server_close()


def test_process_prints_where_to_subscribe_and_exits_with_zero_on_ctrl_c(tmp_path, ctrl_c):
    publish(tmp_path)
    argv = (sys.executable, "-m", "feedmirror", "serve", "--store", ".", "--port", "0")
    with Terminal(argv, tmp_path) as terminal:
        terminal.wait_for("Press Ctrl-C to stop.")
        assert "/news/rss.xml" in terminal.output
        terminal.press("\x03")
        assert terminal.exit_code() == 0
    assert "Traceback" not in terminal.output


def test_missing_store_is_an_error_with_the_command_that_makes_it(tmp_path, capsys):
    assert feedmirror("serve", "--store", tmp_path / "nothing") == 2
    err = capsys.readouterr().err
    assert f"there is no mirror in {tmp_path / 'nothing'}" in err
    assert f"feedmirror run https://example.org/feed.xml --store {tmp_path / 'nothing'}" in err


def test_browser_is_opened_when_asked_for(tmp_path):
    (tmp_path / "mirror").mkdir()
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\necho opened $1 >{tmp_path}/opened\n")
    browser.chmod(0o755)
    argv = ("/usr/bin/env", f"BROWSER={browser}", sys.executable, "-m", "feedmirror", "serve")
    with Terminal((*argv, "--port", "0", "--open"), tmp_path) as terminal:
        terminal.wait_for("Press Ctrl-C to stop.")
        while not (tmp_path / "opened").exists():
            time.sleep(0.01)
        terminal.press("\x03")
        assert terminal.exit_code() == 0
    assert (tmp_path / "opened").read_text().startswith("opened http://127.0.0.1:")


def test_empty_store_is_reported_and_sigterm_ends_the_server(tmp_path):
    (tmp_path / "mirror").mkdir()
    with spawn("serve", "--port", "0", cwd=tmp_path) as process:
        assert process.stdout is not None
        assert "No feed has been mirrored into mirror yet" in process.stdout.readline()
        assert "feedmirror run" in process.stdout.readline()
        process.stdout.readline()
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, "")
