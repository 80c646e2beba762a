"""Local files as origins."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Mapping
from pathlib import Path

import pytest

from feedmirror.adapters.origin.file import FileOrigin
from feedmirror.errors import FetchError, Kind
from feedmirror.model import Fetched, Subscription, Validators
from fetching import subscription

BODY = b"<rss version='2.0'/>"


URL = "file:///feed.xml"  # stands for the file


class Web:
    """An origin that answers with the address it is asked for."""

    def fetch(
        self, subscription: Subscription, url: str, validators: Mapping[str, Validators]
    ) -> Fetched:
        return Fetched(url=url, body=b"from the web")


def fetch(path: Path, **changes) -> Fetched:
    reply = FileOrigin({URL: path}, Web()).fetch(subscription(URL, **changes), URL, {})
    assert isinstance(reply, Fetched)
    return reply


def failure(path: Path, **changes) -> FetchError:
    with pytest.raises(FetchError) as caught:
        fetch(path, **changes)
    return caught.value


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a feed é.xml"
    path.write_bytes(BODY)
    return path


def test_file_is_read_in_place_of_the_address_that_stands_for_it(file):
    assert fetch(file) == Fetched(url=URL, body=BODY)


def test_relative_path_is_below_the_working_directory(file, monkeypatch):
    monkeypatch.chdir(file.parent)
    assert fetch(Path(file.name)).body == BODY


def test_address_that_no_file_was_named_for_is_asked_of_the_web(file):
    origin = FileOrigin({URL: file}, Web())
    for url in ("https://news.example/feed", file.as_uri()):
        assert origin.fetch(subscription(url), url, {}) == Fetched(url=url, body=b"from the web")


def test_missing_file_is_an_error_that_names_it(tmp_path):
    error = failure(tmp_path / "none.xml")
    assert error.kind is Kind.FILE
    assert str(tmp_path / "none.xml") in str(error)
    assert "No such file" in str(error)


def test_directory_is_refused(tmp_path):
    assert failure(tmp_path).kind is Kind.FILE


def test_pipe_without_a_writer_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert failure(tmp_path / "pipe").kind is Kind.FILE


def test_device_is_refused():
    assert failure(Path("/dev/zero")).kind is Kind.FILE


def test_path_with_a_nul_is_refused():
    assert failure(Path("/tmp/a\x00b")).kind is Kind.FILE


def test_unreadable_name_is_shown_in_printable_characters():
    assert str(failure(Path("/no\nsuch\x1b[31mfile"))).isprintable()


def test_empty_file_is_an_error(tmp_path):
    (tmp_path / "empty.xml").touch()
    assert failure(tmp_path / "empty.xml").kind is Kind.EMPTY


def test_file_of_just_the_limit_is_read_and_a_larger_one_is_not(file):
    assert fetch(file, max_bytes=len(BODY)).body == BODY
    error = failure(file, max_bytes=len(BODY) - 1)
    assert error.kind is Kind.TOO_LARGE
    assert f"{len(BODY) - 1} bytes" in str(error)


def test_file_beyond_the_limit_is_not_read_to_its_end(tmp_path):
    with (tmp_path / "huge.xml").open("wb") as file:
        file.truncate(100_000_000)
    tracemalloc.start()
    assert failure(tmp_path / "huge.xml", max_bytes=1000).kind is Kind.TOO_LARGE
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 1_000_000
