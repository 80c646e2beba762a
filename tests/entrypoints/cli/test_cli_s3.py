"""The command on a mirror in a bucket, as its user sees it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from builders import SITE, entry, rss_document
from commands import ENVIRONMENT, feedmirror
from commands import write_config as write_any_config
from feedmirror.entrypoints.store import StoreLocation, open_store, parse_location
from feedmirror.errors import ConfigError
from origin_server import OriginServer
from s3_server import FaultProxy, connect_once, moto_server, new_bucket, says
from samples import sample_feeds

FEED = rss_document([entry(1), entry(2)])
PUBLIC_URL = "https://m.example"
PUBLIC = ("--public-url", PUBLIC_URL)


def write_config(path: Path, feeds: dict[str, str]) -> None:
    write_any_config(path, feeds, top=f'public_url = "{PUBLIC_URL}"\n')


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with moto_server() as address:
        yield address


@pytest.fixture
def proxy(url: str) -> Iterator[FaultProxy]:
    with FaultProxy(url) as server:
        yield server


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def amazon(proxy: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Surroundings in which the command finds moto, and nothing of this machine's."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ENDPOINT_URL_S3": proxy.url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def client(url: str) -> Any:
    """To look at a bucket past the command."""
    return connect_once(url)._client


@pytest.fixture
def bucket(url: str) -> str:
    return new_bucket()


@pytest.fixture
def origin() -> Iterator[OriginServer]:
    with OriginServer() as server:
        server.serve("/feed", FEED, etag='"1"')
        yield server


def body_of(client: Any, bucket: str, name: str) -> bytes:
    return client.get_object(Bucket=bucket, Key=name)["Body"].read()


# ---------------------------------------------------------------- mirroring


@pytest.mark.slow
def test_feed_is_mirrored_into_a_bucket_and_found_unchanged_there(bucket, client, here, capsys):
    (here / "gazette.xml").write_bytes(FEED)
    where = ("--store", f"s3://{bucket}/copies/")
    assert feedmirror("run", "gazette.xml", *where, *PUBLIC) == 0
    out = capsys.readouterr().out
    assert "1 feed: 1 changed (2 new entries)" in out
    assert f"s3://{bucket}/copies/public/gazette/rss.xml" in out
    assert "Readers find public/ at https://m.example" in out
    assert "feedmirror serve" not in out
    assert body_of(client, bucket, "copies/public/gazette/rss.xml").count(b"<item>") == 2
    assert feedmirror("run", "gazette.xml", *where, *PUBLIC) == 0
    assert "1 feed: 1 unchanged" in capsys.readouterr().out


@pytest.mark.parametrize("command", [("run", "gazette.xml"), ("rebuild", "gazette")])
def test_copy_in_a_bucket_must_not_say_that_it_is_on_this_machine(bucket, here, capsys, command):
    (here / "gazette.xml").write_bytes(FEED)
    assert feedmirror(*command, "--store", f"s3://{bucket}") == 2
    assert "set public_url in feeds.toml, or give --public-url" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not sample_feeds(), reason="the sample feeds are not here")
def test_real_feed_is_mirrored_lost_and_made_anew(bucket, client, capsys):
    path, where = sample_feeds()[0], ("--store", f"s3://{bucket}", *PUBLIC)
    run = ("run", path, "--slug", "x", "--disclaimer", "A copy.", *where, "--json")
    assert feedmirror(*run) == 0
    before = body_of(client, bucket, "public/x/rss.xml").partition(b"-->")[2]
    client.delete_object(Bucket=bucket, Key="state/x.json")
    assert feedmirror("rebuild", "x", "--disclaimer", "A copy.", *where) == 0
    assert body_of(client, bucket, "public/x/rss.xml").partition(b"-->")[2] == before
    capsys.readouterr()
    assert feedmirror(*run) == 0
    [feed] = json.loads(capsys.readouterr().out)["feeds"]
    assert (feed["outcome"], feed["new"], feed["revised"]) == ("unchanged", 0, 0)


@pytest.mark.slow
def test_an_entry_is_taken_down_with_all_versions_in_a_bucket(bucket, client, origin, here, capsys):
    enabled = {"Status": "Enabled"}
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=enabled)
    write_config(here, {"x": origin.url("/feed")})
    where = ("--store", f"s3://{bucket}/copies")
    assert feedmirror("run", *where, "--quiet") == 0
    capsys.readouterr()
    order = ("--reason", "error", "--reference", "7", "--yes")
    assert feedmirror("takedown", "x", f"{SITE}2", *where, *order) == 0
    said = capsys.readouterr().out
    assert "earlier versions deleted" in said
    assert "create-invalidation --distribution-id ID --paths '/x/*'" in said
    listed = client.list_object_versions(Bucket=bucket)["Versions"]
    records = [one for one in listed if "/entries/" in one["Key"]]
    assert all(one["IsLatest"] for one in records)
    assert b"<title>Entry 2" not in body_of(client, bucket, "copies/public/x/rss.xml")


# ---------------------------------------------------------------- looking at it


@pytest.mark.slow
def test_status_reads_the_index_and_what_is_not_in_it_and_lists_the_store_twice(
    bucket, proxy, origin, here, capsys
):
    write_config(here, {name: origin.url("/feed") for name in ("one", "two", "old")})
    feedmirror("run", "--store", f"s3://{bucket}/x")
    write_config(here, {name: origin.url("/feed") for name in ("one", "two", "young")})
    proxy.seen.clear()
    capsys.readouterr()
    assert feedmirror("status", "--store", f"s3://{bucket}/x") == 0
    rows = capsys.readouterr().out.splitlines()[1:5]
    assert [row.split()[0] for row in rows] == ["one", "two", "young", "old"]
    assert ["ok" in rows[0], "never refreshed" in rows[2], "not configured" in rows[3]] == [
        True
    ] * 3
    assert len(proxy.seen) == 2 + 2  # the index, a state; the lists of states and of folders
    assert {seen.verb for seen in proxy.seen} == {"GET"}


@pytest.mark.slow
def test_check_says_what_a_renewal_costs_and_reads_each_state_once(
    bucket, proxy, origin, here, capsys
):
    write_any_config(here, {name: origin.url("/feed") for name in ("one", "young")})
    where = ("--store", f"s3://{bucket}/x")
    feedmirror("run", *where, *PUBLIC, "--feed", "one", "--quiet")
    proxy.seen.clear()
    capsys.readouterr()
    assert feedmirror("check", "--renewal", *where) == 0  # at the address that is published
    assert "Nothing that is public" in capsys.readouterr().out
    assert feedmirror("check", "--renewal", *where, "--public-url", "https://new.example") == 0
    assert "at most 2 pages" in (said := capsys.readouterr().out)
    assert "of 1 feed, with 8 requests (less than a cent)." in said
    assert [seen.verb for seen in proxy.seen] == ["GET"] * 5  # two states each, and the address


def test_status_without_a_configuration_says_where_in_the_bucket_copies_are(bucket, here, capsys):
    (here / "gazette.xml").write_bytes(FEED)
    feedmirror("run", "gazette.xml", "--store", f"s3://{bucket}", *PUBLIC)
    capsys.readouterr()
    assert feedmirror("status", "--store", f"s3://{bucket}") == 0
    assert (
        f"s3://{bucket}/public/gazette/atom.xml feed.json rss.xml index.html"
        in capsys.readouterr().out
    )


def test_serve_does_not_read_buckets_and_says_what_to_do(capsys):
    assert feedmirror("serve", "--store", "s3://some-bucket/x") == 2
    err = capsys.readouterr().err
    assert "serve needs a mirror in a directory" in err
    assert "aws s3 sync s3://some-bucket/x/public/ mirror/public/" in err


# ---------------------------------------------------------------- making it anew


@pytest.mark.slow
def test_lost_state_in_a_bucket_is_rebuilt(bucket, client, origin, here, capsys):
    write_config(here, {"x": origin.url("/feed")})
    where = ("--store", f"s3://{bucket}/mirrors")
    feedmirror("run", *where)
    before = body_of(client, bucket, "mirrors/public/x/rss.xml").partition(b"-->")[2]
    client.delete_object(Bucket=bucket, Key="mirrors/state/x.json")
    assert feedmirror("status", *where) == 1
    assert "feedmirror rebuild x" in capsys.readouterr().out
    assert feedmirror("rebuild", "x", *where) == 0
    assert (
        "x: 2 entries in 2 revisions, 2 in the feed and 0 in its archive; wrote atom.xml, feed.json"
        in capsys.readouterr().out
    )
    assert body_of(client, bucket, "mirrors/public/x/rss.xml").partition(b"-->")[2] == before
    assert feedmirror("status", *where) == 0


@pytest.mark.slow
def test_record_whose_gzip_is_damaged_is_named_and_the_rest_rebuilt(
    bucket, client, origin, here, capsys
):
    write_config(here, {"x": origin.url("/feed")})
    where = ("--store", f"s3://{bucket}")
    feedmirror("run", *where)
    listed = client.list_objects_v2(Bucket=bucket, Prefix="data/x/entries/")["Contents"]
    damaged = listed[0]["Key"]
    client.put_object(Bucket=bucket, Key=damaged, Body=b"no gzip", ContentEncoding="gzip")
    client.delete_object(Bucket=bucket, Key="state/x.json")
    assert feedmirror("rebuild", "x", *where) == 1
    out, err = capsys.readouterr()
    assert damaged in err
    assert "x: 1 entry in 1 revision, 1 in the feed and 0 in its archive; wrote atom.xml" in out


@pytest.mark.slow
def test_rebuild_that_is_denied_its_records_changes_nothing(
    bucket, client, proxy, origin, here, capsys
):
    write_config(here, {"x": origin.url("/feed")})
    feedmirror("run", "--store", f"s3://{bucket}")
    before = client.list_objects_v2(Bucket=bucket)["Contents"]
    capsys.readouterr()

    def denied(exchange: Any) -> None:
        if "/entries/" in exchange.path and "list-type" not in exchange.path:
            says(403, "AccessDenied")(exchange)
        else:
            exchange.send(exchange.forward())

    proxy.faults.extend([denied] * 50)
    assert feedmirror("rebuild", "x", "--store", f"s3://{bucket}") == 1
    err = capsys.readouterr().err
    assert "access is denied" in err
    assert "Traceback" not in err
    assert client.list_objects_v2(Bucket=bucket)["Contents"] == before


# ---------------------------------------------------------------- what goes wrong


def errors(err: str) -> list[str]:
    return [json.loads(line)["error"] for line in err.splitlines() if '"error"' in line]


def test_missing_bucket_fails_every_feed_with_one_line(origin, here, capsys):
    write_config(here, {"one": origin.url("/feed"), "two": origin.url("/feed")})
    assert feedmirror("run", "--store", "s3://no-such-bucket") == 1
    out, err = capsys.readouterr()
    assert out.count("the bucket does not exist; create it, or correct its name") == 2
    assert len(errors(err)) == 2
    assert "Traceback" not in out + err


@pytest.mark.slow
@pytest.mark.parametrize("command", ["status", "rebuild"])
def test_missing_bucket_is_one_line_of_the_other_commands(command, origin, here, capsys):
    write_config(here, {"x": origin.url("/feed")})
    words = (command, "x") if command == "rebuild" else (command,)
    assert feedmirror(*words, "--store", "s3://no-such-bucket") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "the bucket does not exist" in err


def test_denied_access_says_what_to_allow(bucket, proxy, origin, here, capsys):
    write_config(here, {"x": origin.url("/feed")})
    proxy.faults.extend([says(403, "AccessDenied")] * 9)
    assert feedmirror("run", "--store", f"s3://{bucket}") == 1
    assert "access is denied; allow s3:GetObject" in capsys.readouterr().out


def test_missing_credentials_are_reported_as_missing(bucket, here, capsys, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert feedmirror("status", "--store", f"s3://{bucket}") == 1
    err = capsys.readouterr().err
    assert "no credentials found; set AWS_PROFILE" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AWS_PROFILE", "nobody", "correct AWS_PROFILE"),
        ("AWS_ENDPOINT_URL_S3", "nonsense", "Invalid endpoint"),
        ("AWS_ENDPOINT_URL_S3", "http://me:secret@127.0.0.1", "must not contain credentials"),
    ],
)
def test_unusable_aws_configuration_is_a_configuration_error(
    variable, value, said, here, capsys, monkeypatch
):
    monkeypatch.setenv(variable, value)
    (here / "gazette.xml").write_bytes(FEED)
    assert feedmirror("run", "gazette.xml", "--store", "s3://some-bucket", *PUBLIC) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "secret" not in err
    assert err.count("\n") == 1


# ---------------------------------------------------------------- which place is meant


@pytest.mark.parametrize(
    ("where", "meant"),
    [
        ("mirror", StoreLocation(Path("mirror"))),
        ("/srv/mirror", StoreLocation(Path("/srv/mirror"))),
        ("a:b", StoreLocation(Path("a:b"))),
        ("s3", StoreLocation(Path("s3"))),
        ("s3://copies", StoreLocation(bucket="copies")),
        ("s3://copies/", StoreLocation(bucket="copies")),
        ("s3://my.copies-1/a/b.c/", StoreLocation(bucket="my.copies-1", prefix="a/b.c")),
    ],
)
def test_place_is_a_directory_or_a_bucket(where, meant):
    assert parse_location(where) == meant
    assert parse_location(str(meant)) == meant


@pytest.mark.parametrize(
    "where",
    [
        "", "s3://", "s3:///x", "s3:bucket", "s3:/bucket", "S3://bucket", "s3://Bad_Bucket",
        "s3://ab", f"s3://{'a' * 64}", "s3://-a-", "s3://a..b", "s3://10.0.0.1", "s3://copies//x",
        "s3://copies/../x", "s3://copies/a b", "s3://copies/\x1b", f"s3://copies/{'x/' * 300}x",
        "https://copies.s3.amazonaws.com", "gs://copies", "file:///srv/mirror",
    ],
)  # fmt: skip
def test_any_other_location_is_refused_with_what_is_accepted(where, capsys):
    with pytest.raises(ConfigError, match="a DIRECTORY, s3://BUCKET or s3://BUCKET/PREFIX"):
        open_store(where, threads=1)
    assert feedmirror("status", "--store", where) == 2
    err = capsys.readouterr().err
    assert "argument --store: " in err
    assert "\x1b" not in err


@pytest.mark.slow
def test_mirror_in_a_directory_loads_nothing_of_amazon(here):
    (here / "gazette.xml").write_bytes(FEED)
    script = (
        "import sys; from feedmirror.entrypoints.cli import main\n"
        "main(['run', 'gazette.xml', '--log-format', 'text', '--quiet']); main(['status'])\n"
        "main(['rebuild', 'gazette', '--disclaimer', 'x'])\n"
        "print(sorted({'boto3', 'botocore'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=here, env=ENVIRONMENT, capture_output=True, text=True,
        check=True, timeout=30,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"
