"""What the deployment sets is validated as a whole before anything is fetched."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedmirror.entrypoints.aws.environment import read_environment
from feedmirror.errors import ConfigError

FEEDS = """\
public_url = "https://file.example.net"
feeds.news.url = "https://news.example.org/rss"
feeds.blog.url = "https://blog.example.org/atom"
"""


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "feeds.toml").write_text(FEEDS)
    (tmp_path / "build-id").write_text("1f")
    return {"LAMBDA_TASK_ROOT": str(tmp_path), "FEEDMIRROR_STORE": "s3://bucket"}


def problems(variables: dict[str, str]) -> str:
    with pytest.raises(ConfigError) as caught:
        read_environment(variables)
    return str(caught.value)


def test_feeds_are_those_of_the_file_that_was_deployed(variables: dict[str, str]) -> None:
    found = read_environment(variables)
    assert list(found.subscriptions) == ["news", "blog"]
    assert found.subscriptions["blog"].url == "https://blog.example.org/atom"
    assert found.public_url == "https://file.example.net"
    assert found.store == "s3://bucket"
    assert found.threads == 32


def test_another_file_may_be_named(variables: dict[str, str], tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(FEEDS.replace("news", "sports"))
    found = read_environment(variables | {"FEEDMIRROR_CONFIG": str(other)})
    assert "sports" in found.subscriptions


def test_public_url_of_the_deployment_wins(variables: dict[str, str]) -> None:
    variables["FEEDMIRROR_PUBLIC_URL"] = "https://d1.example.net/"
    assert read_environment(variables).public_url == "https://d1.example.net"


def test_build_is_another_one_with_another_package_file_or_address(
    variables: dict[str, str], tmp_path: Path
) -> None:
    other = tmp_path / "other.toml"
    other.write_text(FEEDS.replace("news", "sports"))
    builds = [read_environment(variables).build, read_environment(variables).build]
    builds.append(read_environment(variables | {"FEEDMIRROR_CONFIG": str(other)}).build)
    address = {"FEEDMIRROR_PUBLIC_URL": "https://d1.example.net"}
    builds.append(read_environment(variables | address).build)
    (tmp_path / "build-id").write_text("2e")
    builds.append(read_environment(variables).build)
    assert builds[0] == builds[1]
    assert len(set(builds)) == 4


def test_package_without_an_id_is_refused(variables: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "build-id").unlink()
    assert "build-id: cannot be read: No such file or directory; build the" in problems(variables)


def test_empty_variables_count_as_not_set(variables: dict[str, str]) -> None:
    variables |= {"FEEDMIRROR_PUBLIC_URL": "", "FEEDMIRROR_THREADS": "", "FEEDMIRROR_CONFIG": ""}
    found = read_environment(variables)
    assert (found.public_url, found.threads) == ("https://file.example.net", 32)


def test_port_of_the_runtime_is_known_where_there_is_one(variables: dict[str, str]) -> None:
    assert read_environment(variables).runtime_port is None
    found = read_environment(variables | {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"})
    assert found.runtime_port == 9001


def test_parser_gets_its_share_of_the_function_s_memory(variables: dict[str, str]) -> None:
    small = read_environment(variables | {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512"})
    large = read_environment(variables | {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024"})
    assert small.parser_bytes == 384 * 1024 * 1024
    assert large.parser_bytes == 2 * small.parser_bytes


@pytest.mark.parametrize("threads", ["0", "65", "-1", "ten", "1.5", "٣", "9" * 30])
def test_number_of_threads_that_makes_no_sense_is_refused(
    variables: dict[str, str], threads: str
) -> None:
    said = problems(variables | {"FEEDMIRROR_THREADS": threads})
    assert "FEEDMIRROR_THREADS: " in said
    assert "a whole number from 1 to 64" in said


@pytest.mark.parametrize(
    "store", ["", "bucket", "/tmp/mirror", "https://b.s3.amazonaws.com", "s3://B"]
)
def test_store_that_is_no_bucket_is_refused(variables: dict[str, str], store: str) -> None:
    said = problems(variables | {"FEEDMIRROR_STORE": store})
    assert said.startswith("FEEDMIRROR_STORE: ")
    assert said.endswith("s3://BUCKET or s3://BUCKET/PREFIX")


@pytest.mark.parametrize("url", ["example.net", "ftp://example.net", "https://example.net/?a=b"])
def test_public_url_that_is_not_valid_is_refused(variables: dict[str, str], url: str) -> None:
    said = problems(variables | {"FEEDMIRROR_PUBLIC_URL": url})
    assert said.startswith("FEEDMIRROR_PUBLIC_URL: ")
    assert "http:// or https:// address without a query" in said


def test_public_url_has_to_come_from_somewhere(variables: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "feeds.toml").write_text(FEEDS.partition("\n")[2])
    assert "set one of them to the URL at which readers find the mirror" in problems(variables)
    variables["FEEDMIRROR_PUBLIC_URL"] = "https://d1.example.net"
    assert read_environment(variables).public_url == "https://d1.example.net"


def test_all_problems_are_reported_at_once(variables: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "feeds.toml").write_text("feeds.news.url = 7\nfeeds.news.keep = 'x'\n")
    del variables["FEEDMIRROR_STORE"]
    said = problems(variables | {"FEEDMIRROR_THREADS": "many"}).splitlines()
    assert len(said) == 4
    assert f"{tmp_path}/feeds.toml:1: feeds.news.url: " in said[0]
    assert "feeds.toml:2: feeds.news.keep: " in said[1]
    assert "FEEDMIRROR_STORE: is not set" in said[2]
    assert "FEEDMIRROR_THREADS: " in said[3]


def test_file_that_is_missing_is_named(variables: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "feeds.toml").unlink()
    assert f"{tmp_path}/feeds.toml: cannot be read" in problems(variables)
