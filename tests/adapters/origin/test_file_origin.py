"""Local files as origins."""

from __future__ import annotations

import os
import tracemalloc

import pytest

from feedmirror.adapters.origin.file import LocalOrigin
from feedmirror.errors import FetchError, Kind
from feedmirror.model import Fetched
from feedmirror.ports import Origin
from fetching import subscription

BODY = b"<rss version='2.0'/>"


def fetch(url: str, **changes) -> Fetched:
    origin: Origin = LocalOrigin()
    return origin.fetch(subscription(url, **changes), url, {})


def failure(url: str, **changes) -> FetchError:
    with pytest.raises(FetchError) as caught:
        fetch(url, **changes)
    return caught.value


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a feed é.xml"
    path.write_bytes(BODY)
    return path


def test_path_is_read_and_named_as_a_uri(file):
    assert fetch(str(file)) == Fetched(url=file.as_uri(), body=BODY)


def test_relative_path_is_below_the_working_directory(file, monkeypatch):
    monkeypatch.chdir(file.parent)
    assert fetch(file.name) == Fetched(url=file.as_uri(), body=BODY)


@pytest.mark.parametrize("prefix", ["file://", "file:", "file://localhost", "FILE://"])
def test_file_uri_is_read(file, prefix):
    url = prefix + file.as_uri().removeprefix("file://")
    assert fetch(url) == Fetched(url=file.as_uri(), body=BODY)


def test_uri_of_what_was_fetched_can_be_fetched_again(file):
    assert fetch(fetch(str(file)).url).body == BODY


def test_name_that_is_no_text_survives_the_way_through_a_uri(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.xml")
    path.write_bytes(BODY)
    assert fetch(fetch(str(path)).url).body == BODY


@pytest.mark.parametrize("url", ["file://elsewhere/etc/hosts", "file:relative", "file:", "file://"])
def test_uri_of_another_machine_or_of_nothing_is_refused(url):
    error = failure(url)
    assert error.kind is Kind.FILE
    assert url in str(error)


def test_missing_file_is_an_error_that_names_it(tmp_path):
    error = failure(str(tmp_path / "none.xml"))
    assert error.kind is Kind.FILE
    assert str(tmp_path / "none.xml") in str(error)
    assert "No such file" in str(error)


def test_directory_is_refused(tmp_path):
    assert failure(str(tmp_path)).kind is Kind.FILE


def test_pipe_without_a_writer_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert failure(str(tmp_path / "pipe")).kind is Kind.FILE


def test_device_is_refused():
    assert failure("/dev/zero").kind is Kind.FILE


def test_path_with_a_nul_is_refused():
    assert failure("/tmp/a\x00b").kind is Kind.FILE


def test_unreadable_name_is_shown_in_printable_characters():
    assert str(failure("/no\nsuch\x1b[31mfile")).isprintable()


def test_empty_file_is_an_error(tmp_path):
    (tmp_path / "empty.xml").touch()
    assert failure(str(tmp_path / "empty.xml")).kind is Kind.EMPTY


def test_file_of_just_the_limit_is_read_and_a_larger_one_is_not(file):
    assert fetch(str(file), max_bytes=len(BODY)).body == BODY
    error = failure(str(file), max_bytes=len(BODY) - 1)
    assert error.kind is Kind.TOO_LARGE
    assert f"{len(BODY) - 1} bytes" in str(error)


def test_file_beyond_the_limit_is_not_read_to_its_end(tmp_path):
    with (tmp_path / "huge.xml").open("wb") as file:
        file.truncate(100_000_000)
    tracemalloc.start()
    assert failure(str(tmp_path / "huge.xml"), max_bytes=1000).kind is Kind.TOO_LARGE
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 1_000_000
