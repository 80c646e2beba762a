"""The S3 store: the contract of all stores, and what only a service far away can do wrong."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace as replace_fields
from functools import partial
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from boto3.session import Session
from botocore.awsrequest import AWSResponse
from urllib3 import HTTPResponse

from feedmirror import __version__
from feedmirror.adapters import deadline
from feedmirror.adapters.stores import s3
from feedmirror.adapters.stores.s3 import S3Store
from feedmirror.errors import ObjectError, StoreError
from feedmirror.ports import Stored
from feedmirror.rebuild import rebuild
from s3_server import (
    SESSION,
    Answer,
    Conversation,
    Fault,
    FaultProxy,
    breaks_off,
    connect_once,
    cuts_off,
    does_but_says,
    does_but_stays_silent,
    drips,
    loses,
    moto_in_process,
    moto_server,
    new_bucket,
    open_store,
    pass_on,
    resets,
    restart_forkserver,
    says,
    sends,
    stays_silent,
    stops_in_the_middle,
)
from s3_wire import WIRE
from scene import PUBLIC_URL, Scene, document
from store_contract import KEY, Opener, SharedStoreContract, StoreContract

RSS = "public/example-news/rss.xml"
ATTEMPTS = 3  # of botocore at one request


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with moto_server() as address:
        yield address


@pytest.fixture
def client(url: str) -> Any:
    """To look at a bucket past the store."""
    return connect_once(url)._client


@pytest.fixture
def bucket(url: str) -> str:
    return new_bucket()


@pytest.fixture
def store(url: str, bucket: str) -> S3Store:
    return open_store(url, bucket)


class TestS3StoreInProcess(StoreContract):
    @pytest.fixture(scope="class")
    @classmethod
    def make_store(cls) -> Iterator[Callable[[], S3Store]]:
        with moto_in_process() as make:
            yield make

    @pytest.fixture
    def opener(self, make_store: Callable[[], S3Store]) -> Opener:
        store = make_store()
        return lambda: S3Store(store._client, store._bucket)


class TestS3StoreOverSmallS3(StoreContract):
    """The fake that sweeps over faults use keeps what moto keeps."""

    @pytest.fixture
    def opener(self) -> Opener:
        WIRE.store()
        return WIRE.open


@pytest.mark.slow
class TestS3StoreOverTheWire(SharedStoreContract):
    """Below a prefix, as a second mirror in a bucket is."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def forkserver(cls) -> None:
        restart_forkserver()

    @pytest.fixture
    def opener(self, url: str, bucket: str) -> Opener:
        return partial(open_store, url, bucket, "mirrors/one")


# ---------------------------------------------------------------- what lies in the bucket


@pytest.mark.parametrize("operation", ["create", "replace"])
def test_public_object_is_stored_as_readers_get_it(
    store: S3Store, client: Any, bucket: str, operation: str
) -> None:
    if operation == "create":
        store.create(RSS, b"<rss/>", "application/rss+xml; charset=utf-8")
    else:
        etag = store.create(RSS, b"old", "text/plain")
        store.replace(RSS, b"<rss/>", etag, "application/rss+xml; charset=utf-8")
    found = client.get_object(Bucket=bucket, Key=RSS)
    assert found["Body"].read() == b"<rss/>"
    assert "ContentEncoding" not in found
    assert found["ContentType"] == "application/rss+xml; charset=utf-8"
    assert found["CacheControl"] == (
        "public, max-age=300, stale-while-revalidate=60, stale-if-error=86400"
    )


@pytest.mark.parametrize("operation", ["create", "replace"])
@pytest.mark.parametrize("key", [KEY, "publication/rss.xml"])
def test_private_object_is_stored_gzipped_and_for_no_cache(
    store: S3Store, client: Any, bucket: str, operation: str, key: str
) -> None:
    body = b'{"generation": 1}' * 100
    if operation == "create":
        store.create(key, body)
    else:
        store.replace(key, body, store.create(key, b"old"))
    found = client.get_object(Bucket=bucket, Key=key)
    stored = found["Body"].read()
    assert gzip.decompress(stored) == body
    assert len(stored) < len(body) / 10
    assert found["ContentEncoding"] == "gzip"
    assert found["ContentType"] == "application/json"
    assert found["CacheControl"] == "no-store"


def test_etag_is_the_one_that_s3_gives(store: S3Store, client: Any, bucket: str) -> None:
    etag = store.create(KEY, b"{}")
    assert etag == client.head_object(Bucket=bucket, Key=KEY)["ETag"]


def test_object_that_another_tool_stored_is_loaded(
    store: S3Store, client: Any, bucket: str
) -> None:
    etag = client.put_object(Bucket=bucket, Key=KEY, Body=b"by hand")["ETag"]
    assert store.load(KEY) == Stored(b"by hand", etag)
    assert store.replace(KEY, b"ours", etag) is not None


@pytest.mark.parametrize(
    "body", [b"", b"{}", gzip.compress(b"x" * 1000)[:-20]], ids=["empty", "plain", "cut off"]
)
def test_object_that_is_not_the_gzip_it_says_is_an_error(
    store: S3Store, client: Any, bucket: str, body: bytes
) -> None:
    client.put_object(Bucket=bucket, Key=KEY, Body=body, ContentEncoding="gzip")
    with pytest.raises(StoreError, match=f"^load '{KEY}' in s3://{bucket}/: .* is damaged; "):
        store.load(KEY)


def test_stores_with_different_prefixes_do_not_see_each_other(
    url: str, bucket: str, client: Any
) -> None:
    one, two = open_store(url, bucket, "one"), open_store(url, bucket, "deep/two")
    etag = one.create(KEY, b"one")
    assert two.load(KEY) is None
    assert two.replace(KEY, b"two", etag) is None
    assert two.create(KEY, b"two") is not None
    assert one.load(KEY).body == b"one"
    assert (list(one.keys()), list(two.keys())) == ([KEY], [KEY])
    names = [found["Key"] for found in client.list_objects_v2(Bucket=bucket)["Contents"]]
    assert names == [f"deep/two/{KEY}", f"one/{KEY}"]


def test_public_object_below_a_prefix_is_public_too(url: str, bucket: str, client: Any) -> None:
    open_store(url, bucket, "one").create(RSS, b"<rss/>", "application/rss+xml")
    found = client.head_object(Bucket=bucket, Key=f"one/{RSS}")
    assert found["CacheControl"].startswith("public")


@pytest.mark.parametrize("prefix", ["a", "a/", "/a", "/a/"])
def test_prefix_is_the_same_with_and_without_slashes(url: str, bucket: str, prefix: str) -> None:
    open_store(url, bucket, prefix).create(KEY, b"x")
    assert open_store(url, bucket, "a").load(KEY) is not None


@pytest.mark.parametrize("prefix", ["a//b", "..", "a b", "é"])
def test_prefix_that_is_no_key_is_refused(url: str, prefix: str) -> None:
    with pytest.raises(StoreError, match=r"^open "):
        open_store(url, "any", prefix)


def test_key_that_is_too_long_with_the_prefix_is_refused(url: str, bucket: str) -> None:
    key = "/".join(["x" * 200] * 5)  # 1,004 bytes; S3 takes 1,024
    assert open_store(url, bucket, "p" * 19).create(key, b"x") is not None
    store = open_store(url, bucket, "p" * 20)
    for attempt in (store.load, lambda key: store.create(key, b"x")):
        with pytest.raises(StoreError, match="the key is too long below 'pppp"):
            attempt(key)


# ---------------------------------------------------------------- listing


@pytest.mark.row("S9")
@pytest.mark.slow
def test_all_keys_are_listed_in_the_order_of_their_bytes(url: str) -> None:
    names = [f"data/x/{number}.json" for number in range(1001)] + ["data/x-y", "data/x.z", "data0"]
    store = open_store(url, new_bucket(names))
    assert list(store.keys()) == sorted(names)
    assert list(store.keys("data/")) == sorted(names[:-1])
    assert list(store.keys("public/")) == []


def test_names_that_are_no_keys_are_not_listed(url: str) -> None:
    names = ["data/", "data/.hidden", "data/a b", "data/é", "data/a//b", "data/a", "data/z"]
    assert list(open_store(url, new_bucket(names)).keys("data/")) == ["data/a", "data/z"]


# ---------------------------------------------------------------- behind a proxy with faults


@pytest.fixture
def proxy(url: str) -> Iterator[FaultProxy]:
    with FaultProxy(url) as started:
        yield started


@pytest.fixture
def far(proxy: FaultProxy, bucket: str) -> S3Store:
    """The store on the other side of the proxy."""
    return far_store(proxy.url, bucket)


def far_store(url: str, bucket: str, **options: Any) -> S3Store:
    given = {"threads": 2, "endpoint_url": url, "session": SESSION} | options
    return S3Store.connect(bucket, **given)


@pytest.fixture
def hasty(proxy: FaultProxy, bucket: str) -> S3Store:
    """The same, but it waits for half a second only; moto takes some milliseconds."""
    return far_store(proxy.url, bucket, read_timeout_s=0.5)


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that botocore would have paused for; our own pauses are short here."""
    taken: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=taken.append))
    monkeypatch.setattr(deadline, "_FIRST_PAUSE_S", 0.001)
    return taken


def verbs(proxy: FaultProxy) -> list[str]:
    return [request.verb for request in proxy.seen]


@pytest.mark.row("S4")
def test_conflict_is_asked_again(far: S3Store, proxy: FaultProxy) -> None:
    conflict = says(409, "ConditionalRequestConflict")
    proxy.faults.extend([conflict, conflict])
    etag = far.create(KEY, b"new")
    assert far.load(KEY) == Stored(b"new", etag)
    proxy.faults.append(conflict)
    assert far.replace(KEY, b"newer", etag) is not None
    assert verbs(proxy) == ["PUT", "PUT", "PUT", "GET", "PUT", "PUT"]


@pytest.mark.row("S4")
def test_conflict_that_another_writer_won_returns_none(
    far: S3Store, store: S3Store, proxy: FaultProxy
) -> None:
    """Even with the same bytes: what S3 refused outright was never ours."""
    old = store.create(KEY, b"same")
    proxy.faults.append(says(409, "ConditionalRequestConflict"))
    assert far.create(KEY, b"same") is None
    store.replace(KEY, b"theirs", old)
    proxy.faults.append(says(409, "ConditionalRequestConflict"))
    assert far.replace(KEY, b"ours", old) is None
    assert verbs(proxy) == ["PUT"] * 4


@pytest.mark.row("S4")
def test_conflict_at_each_attempt_is_an_error(far: S3Store, proxy: FaultProxy) -> None:
    proxy.faults.extend([says(409, "ConditionalRequestConflict")] * 100)
    with pytest.raises(StoreError, match=r"^create .*: other processes write to the object .*409"):
        far.create(KEY, b"x")
    assert verbs(proxy) == ["PUT"] * 6


DONE_UNHEARD = [loses, does_but_says(500, "InternalError"), does_but_says(503, "SlowDown")]


@pytest.mark.row("S3")
@pytest.mark.parametrize(
    "fault", [*DONE_UNHEARD, does_but_stays_silent], ids=["reset", "500", "503", "silence"]
)
def test_creation_whose_answer_is_lost_is_found_out(
    hasty: S3Store, proxy: FaultProxy, fault: Fault
) -> None:
    proxy.faults.append(fault)
    etag = hasty.create(KEY, b"ours")
    assert hasty.load(KEY) == Stored(b"ours", etag)
    assert verbs(proxy) == ["PUT", "PUT", "GET", "GET"]


@pytest.mark.row("S3")
@pytest.mark.parametrize("fault", DONE_UNHEARD, ids=["reset", "500", "503"])
def test_replacement_whose_answer_is_lost_is_found_out(
    far: S3Store, proxy: FaultProxy, fault: Fault
) -> None:
    old = far.create(RSS, b"old")
    proxy.faults.append(fault)
    etag = far.replace(RSS, b"ours", old)
    assert etag not in (None, old)
    assert far.load(RSS) == Stored(b"ours", etag)
    assert verbs(proxy) == ["PUT", "PUT", "PUT", "GET", "GET"]


@pytest.mark.row("S3")
def test_lost_answer_is_found_out_even_when_a_conflict_comes_between(
    far: S3Store, proxy: FaultProxy
) -> None:
    proxy.faults.extend([loses, says(409, "ConditionalRequestConflict")])
    etag = far.create(KEY, b"ours")
    assert far.load(KEY) == Stored(b"ours", etag)


@pytest.mark.row("S4")
def test_request_that_was_lost_before_another_won_is_refused(
    far: S3Store, store: S3Store, proxy: FaultProxy
) -> None:
    old = store.create(KEY, b"old")
    store.replace(KEY, b"theirs", old)
    proxy.faults.append(resets)
    assert far.create(KEY, b"ours") is None
    proxy.faults.append(resets)
    assert far.replace(KEY, b"ours", old) is None
    proxy.faults.append(resets)
    assert far.replace("data/missing", b"ours", old) is None
    assert store.load(KEY).body == b"theirs"


def test_refused_condition_of_a_first_request_is_final(
    far: S3Store, store: S3Store, proxy: FaultProxy
) -> None:
    store.create(KEY, b"same")
    assert far.create(KEY, b"same") is None
    assert verbs(proxy) == ["PUT"]


@pytest.mark.parametrize("etag", ["", "*", "149603e6c03516362a8da23f624db945", '"a", "b"'])
def test_etag_of_another_store_is_refused_without_a_request(
    far: S3Store, proxy: FaultProxy, etag: str
) -> None:
    """S3 might take the first two for any object's, and the third for what it is without quotes."""
    assert far.replace(KEY, b"new", etag) is None
    assert proxy.seen == []


# ---------------------------------------------------------------- a bad day of S3


def load(store: S3Store) -> object:
    return store.load(KEY).body


def create(store: S3Store) -> object:
    return store.create("data/new", b"x") and b"old"


def replace(store: S3Store) -> object:
    return store.replace(KEY, b"old", '"149603e6c03516362a8da23f624db945"') and b"old"


def keys(store: S3Store) -> object:
    return b"old" if list(store.keys("public/")) == [RSS] else b""


OPERATIONS = pytest.mark.parametrize("operate", [load, create, replace, keys])
PASSING = [
    says(500, "InternalError"),
    says(503, "SlowDown"),
    says(503, "ServiceUnavailable"),
    says(400, "RequestTimeout"),
    sends(b"<html>Bad Gateway</html>", 502),
]


@pytest.mark.row("S2")
@OPERATIONS
def test_transient_fault_is_retried_unnoticed(
    far: S3Store, store: S3Store, proxy: FaultProxy, operate: Callable[[S3Store], object]
) -> None:
    old = store.create(RSS, b"old")
    assert old == '"149603e6c03516362a8da23f624db945"'
    store._client.put_object(Bucket=store._bucket, Key=KEY, Body=b"old")
    proxy.faults.extend([says(500, "InternalError"), resets])
    assert operate(far) == b"old"
    assert len(proxy.seen) == ATTEMPTS


@pytest.mark.parametrize("fault", PASSING, ids=["500", "slow", "503", "400", "502"])
def test_passing_error_is_retried(
    far: S3Store, store: S3Store, proxy: FaultProxy, fault: Fault
) -> None:
    store.create(KEY, b"old")
    proxy.faults.extend([fault, fault])
    assert load(far) == b"old"
    assert len(proxy.seen) == ATTEMPTS


def test_request_without_an_answer_is_retried(
    hasty: S3Store, store: S3Store, proxy: FaultProxy
) -> None:
    store.create(KEY, b"old")
    proxy.faults.append(stays_silent)
    assert load(hasty) == b"old"


LASTING: list[tuple[Fault, Callable[[S3Store], object], str]] = [
    (
        says(500, "InternalError"),
        create,
        r"^create 'data/new' .*: S3 has failed; .*500 InternalError: Because\.; 3 attempts; req",
    ),
    (says(503, "SlowDown"), replace, "^replace .*: S3 throttles the requests; .*503 SlowDown"),
    (sends(b"<html>Bad Gateway</html>", 502), load, "^load .*: S3 has failed; .*HTTP 502"),
    (resets, create, "^create .*: S3 does not answer; .*ConnectionClosedError"),
    (stays_silent, load, "^load .*: S3 does not answer; .*ReadTimeoutError"),
    (stays_silent, create, "^create .*: S3 does not answer; .*ReadTimeoutError"),
    (stays_silent, keys, "^list 'public/' .*: S3 does not answer; .*ReadTimeoutError"),
]


@pytest.mark.row("S2")
@pytest.mark.parametrize(("fault", "operate", "sentence"), LASTING)
def test_lasting_fault_is_an_error_in_bounded_time(
    proxy: FaultProxy,
    bucket: str,
    pauses: list[float],
    fault: Fault,
    operate: Callable[[S3Store], object],
    sentence: str,
) -> None:
    far = far_store(proxy.url, bucket, read_timeout_s=0.1)
    proxy.faults.extend([fault] * 100)
    began_s = time.monotonic()
    with pytest.raises(StoreError, match=sentence) as caught:
        operate(far)
    assert time.monotonic() - began_s + sum(pauses) < ATTEMPTS * 0.1 + 3 + 1
    assert len(proxy.seen) == ATTEMPTS
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None


@pytest.mark.row("S4")
@pytest.mark.slow
def test_pauses_are_random_and_last_three_seconds_at_most_when_throttled(
    far: S3Store, proxy: FaultProxy, pauses: list[float]
) -> None:
    proxy.faults.extend([says(503, "SlowDown")] * 100)
    for _ in range(5):
        with pytest.raises(StoreError, match="S3 throttles"):
            far.load(KEY)
    assert len(set(pauses)) == 10
    assert max(pauses[::2]) <= 1
    assert max(pauses[1::2]) <= 2


def test_retry_after_that_has_passed_holds_no_feed_up(far: S3Store, proxy: FaultProxy) -> None:
    proxy.faults.extend([says(503, "SlowDown")] * 2)
    began_s = time.monotonic()
    for _ in range(3):
        assert far.load(KEY) is None
    assert time.monotonic() - began_s < 2
    assert len(proxy.seen) == 5


def test_refused_connection_is_an_error(bucket: str) -> None:
    with FaultProxy("") as gone:
        pass
    with pytest.raises(StoreError, match=r"S3 does not answer; check the network.*Could not conn"):
        far_store(gone.url, bucket).load(KEY)


@pytest.mark.parametrize("fault", [cuts_off, breaks_off, stops_in_the_middle])
def test_body_that_is_cut_off_is_asked_for_again(
    hasty: S3Store, store: S3Store, proxy: FaultProxy, fault: Fault
) -> None:
    etag = store.create(RSS, b"0123456789" * 20_000)
    proxy.faults.append(fault)
    assert hasty.load(RSS) == Stored(b"0123456789" * 20_000, etag)
    assert verbs(proxy) == ["GET", "GET"]


def test_body_that_is_cut_off_each_time_is_an_error(
    far: S3Store, store: S3Store, proxy: FaultProxy
) -> None:
    store.create(RSS, b"0123456789" * 20_000)
    proxy.faults.extend([cuts_off] * 100)
    with pytest.raises(StoreError, match=rf"^load '{RSS}' .*truncated or too slow"):
        far.load(RSS)
    assert len(proxy.seen) == 6


def test_body_that_drips_is_an_error_when_the_time_is_up(
    far: S3Store, store: S3Store, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "_TIMEOUT_S", 0.3)
    store.create(RSS, b"0123456789" * 100)  # 20 s
    proxy.faults.append(drips)
    began_s = time.monotonic()
    with pytest.raises(StoreError, match=r"too slow; .*not done within 0\.3 s"):
        far.load(RSS)
    assert time.monotonic() - began_s < 2


def test_nothing_is_tried_again_when_the_time_is_up(
    far: S3Store, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "_TIMEOUT_S", 0.0)
    proxy.faults.append(says(409, "ConditionalRequestConflict"))
    with pytest.raises(StoreError, match="other processes write"):
        far.create(KEY, b"x")
    assert len(proxy.seen) == 1


def test_listing_that_fails_in_the_middle_is_an_error_there(proxy: FaultProxy) -> None:
    names = [f"data/{number:04}" for number in range(1001)]
    listed = far_store(proxy.url, new_bucket(names)).keys("data/")
    proxy.faults.extend([pass_on, says(403, "AccessDenied")])
    assert [next(listed) for _ in range(1000)] == names[:1000]
    with pytest.raises(StoreError, match=r"^list 'data/' in .*s3:ListBucket"):
        next(listed)


# ---------------------------------------------------------------- what the operator has to correct


REFUSALS = [
    (403, "AccessDenied", "s3:GetObject and s3:PutObject .* s3:ListBucket"),
    (403, "SomethingNew", "access is denied; "),
    (400, "ExpiredToken", "the credentials have expired; "),
    (403, "InvalidAccessKeyId", "AWS does not accept the credentials; "),
    (403, "SignatureDoesNotMatch", "AWS does not accept the credentials; "),
    (403, "RequestTimeTooSkewed", "the clock of this machine is wrong; set the clock"),
    (404, "NoSuchBucket", "the bucket does not exist; create it, or correct its name"),
    (403, "InvalidObjectState", "the object is in an archive storage class; restore it"),
    (400, "Unheard-Of", "S3 refused the request"),
]


@pytest.mark.row("S8")
@pytest.mark.parametrize(("status", "code", "sentence"), REFUSALS)
def test_denied_request_is_explained_and_not_retried(
    far: S3Store, proxy: FaultProxy, status: int, code: str, sentence: str
) -> None:
    proxy.faults.extend([says(status, code)] * 2)
    told = rf"^load .*{sentence}.*HTTP {status} {code}: Because\.; request REQUEST1"
    with pytest.raises(StoreError, match=told):
        load(far)
    assert len(proxy.seen) == 1


@pytest.mark.row("S8")
@OPERATIONS
def test_every_operation_explains_a_denied_request(
    far: S3Store, proxy: FaultProxy, operate: Callable[[S3Store], object]
) -> None:
    proxy.faults.append(says(403, "AccessDenied"))
    with pytest.raises(StoreError, match=rf"^(list|{operate.__name__}) .*access is denied"):
        operate(far)


@pytest.mark.parametrize("operate", [load, create])
@pytest.mark.parametrize("code", ["PermanentRedirect", "AuthorizationHeaderMalformed"])
def test_bucket_in_another_region_is_reported_as_such(
    far: S3Store, proxy: FaultProxy, operate: Callable[[S3Store], object], code: str
) -> None:
    proxy.faults.extend([says(301, code, x_amz_bucket_region="eu-west-3")] * 10)
    with pytest.raises(StoreError, match="in another region; set AWS_REGION to eu-west-3"):
        operate(far)


def test_missing_bucket_is_no_missing_object(url: str) -> None:
    store = open_store(url, "no-such-bucket")
    for operate in (load, create, replace, keys):
        with pytest.raises(StoreError, match="the bucket does not exist"):
            operate(store)


def test_impossible_name_of_a_bucket_is_an_error(url: str) -> None:
    with pytest.raises(StoreError, match="not a valid bucket name; correct the name"):
        open_store(url, "no bucket").load(KEY)


@OPERATIONS
@pytest.mark.parametrize("page", [b"<html>Please log in.</html>", b"Please log in.", b""])
def test_success_that_is_not_from_s3_is_an_error(
    far: S3Store, proxy: FaultProxy, operate: Callable[[S3Store], object], page: bytes
) -> None:
    proxy.faults.extend([sends(page)] * ATTEMPTS)
    with pytest.raises(StoreError, match=r"not an answer of S3; check|S3 has failed.* 500"):
        operate(far)


GARBLED = [
    (301, b"", {}, "in another region; set AWS_REGION to its region"),
    (307, b"", {"Location": "http://127.0.0.1:9/"}, "in another region; set AWS_REGION"),
    (
        400,
        b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-3</Region></Error>",
        {},
        "in another region; set AWS_REGION to eu-west-3",
    ),
    (400, b"<Error><Code><a/></Code><Code>x</Code></Error>", {}, "not an answer of S3"),
    (200, b"x", {"ETag": "odd"}, "not an answer of S3; check .* the ETag 'odd'"),
    (200, b"x", {"ETag": "*"}, "not an answer of S3; check"),
]


@pytest.mark.row("S2", "S8")
@pytest.mark.parametrize(("status", "body", "headers", "sentence"), GARBLED)
def test_garbled_answer_is_an_error_at_once(
    far: S3Store,
    proxy: FaultProxy,
    status: int,
    body: bytes,
    headers: dict[str, str],
    sentence: str,
) -> None:
    answer = Answer(status, headers, body)
    proxy.faults.extend([lambda exchange: exchange.send(answer)] * 100)
    with pytest.raises(StoreError, match=rf"^load '{KEY}' in .*{sentence}"):
        load(far)
    assert len(proxy.seen) <= 2


LISTINGS = [
    "<IsTruncated>true</IsTruncated>",
    "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>",
    "<IsTruncated>false</IsTruncated><Contents><Size>1</Size></Contents>",
    "<IsTruncated>false</IsTruncated><Contents><Key>other/x</Key></Contents>",
    "<IsTruncated>false</IsTruncated><Contents><Size>many</Size></Contents>",
]


@pytest.mark.row("S9")
@pytest.mark.parametrize("listing", LISTINGS)
def test_impossible_listing_is_an_error_and_not_a_loop(
    far: S3Store, proxy: FaultProxy, listing: str
) -> None:
    proxy.faults.extend([sends(f"<ListBucketResult>{listing}</ListBucketResult>".encode())] * 100)
    with pytest.raises(StoreError, match=r"^list 'public/' in .*not an answer of S3"):
        list(far.keys("public/"))
    assert len(proxy.seen) <= 2


@pytest.mark.row("S7")
@pytest.mark.parametrize(
    "body",
    [b"", b"no gzip", gzip.compress(b"x" * 999)[:-9], gzip.compress(b"x" * 1001)],
    ids=["empty", "other", "cut", "bomb"],
)
def test_object_whose_gzip_is_damaged_is_named_with_its_etag(
    far: S3Store, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setattr(s3, "MOST_BYTES", 1000)
    answer = Answer(200, {"ETag": '"e"', "Content-Encoding": "aws-chunked,gzip"}, body)
    proxy.faults.append(lambda exchange: exchange.send(answer))
    with pytest.raises(ObjectError, match=rf"^load '{KEY}' in .*is damaged; restore") as caught:
        load(far)
    assert caught.value.etag == '"e"'


def test_object_that_is_larger_than_any_of_ours_is_not_read(
    far: S3Store, store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.create(RSS, b"x" * 1001)
    monkeypatch.setattr(s3, "MOST_BYTES", 1000)
    with pytest.raises(ObjectError, match="1,001 bytes, of 1,000 at most"):
        far.load(RSS)


@pytest.mark.row("S7")
def test_rebuild_replaces_a_state_whose_gzip_is_damaged(
    far: S3Store, store: S3Store, proxy: FaultProxy
) -> None:
    scene = Scene(document(2, 1), store)
    scene.refresh()

    def damages(exchange: Conversation) -> None:
        answer = exchange.forward()
        exchange.send(replace_fields(answer, body=b"no gzip"))

    proxy.faults.append(damages)
    rebuilt = rebuild(scene.subscription, far, PUBLIC_URL, scene.now)
    assert (rebuilt.state, rebuilt.entries) == ("damaged", 2)
    assert scene.refresh().outcome == "unchanged"


def test_long_answer_is_cut_in_the_message(far: S3Store, proxy: FaultProxy) -> None:
    proxy.faults.append(says(400, "Odd", "first line\nsecond line " + "x" * 10_000))
    with pytest.raises(StoreError, match=r"first line second line xxx") as caught:
        far.load(KEY)
    assert len(str(caught.value)) < 1000


# ---------------------------------------------------------------- surroundings


@pytest.fixture
def no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.mark.usefixtures("no_configuration")
def test_missing_credentials_are_an_error_that_says_so(url: str) -> None:
    store = S3Store.connect("any", threads=1, endpoint_url=url)
    with pytest.raises(StoreError, match=r"^load .*no credentials found; set AWS_PROFILE"):
        store.load(KEY)


@pytest.mark.usefixtures("no_configuration")
def test_unknown_profile_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    with pytest.raises(StoreError, match=r"configuration cannot be used; correct.*nowhere"):
        S3Store.connect("any", threads=1)


@pytest.mark.usefixtures("no_configuration")
def test_credentials_that_cannot_be_loaded_are_an_error_that_says_so(tmp_path: Path) -> None:
    config = "[default]\ncredential_process = false\n"
    (tmp_path / "config").write_text(config)
    with pytest.raises(StoreError, match="the credentials have expired; get new ones"):
        S3Store.connect("any", threads=1).load(KEY)


@pytest.mark.parametrize("endpoint_url", ["example.org", "http://", "http://a b"])
def test_endpoint_that_is_no_address_is_an_error(endpoint_url: str) -> None:
    with pytest.raises(StoreError, match=r"^open"):
        far_store(endpoint_url, "any")


def test_credentials_in_the_endpoint_are_refused_and_not_repeated() -> None:
    with pytest.raises(StoreError, match="must not contain credentials") as caught:
        far_store("http://user:secret@127.0.0.1:9", "any")
    assert "secret" not in str(caught.value)


def test_client_says_who_it_is_and_has_a_connection_for_each_thread(
    proxy: FaultProxy, bucket: str
) -> None:
    store = far_store(proxy.url, bucket, threads=7)
    store.load(KEY)
    assert f"feedmirror/{__version__}" in proxy.seen[0].headers["User-Agent"]
    assert store._client.meta.config.max_pool_connections == 7


def test_signature_covers_the_body_so_that_no_checksum_is_needed() -> None:
    store = S3Store.connect("any", threads=1, session=SESSION)
    sent = []

    def answer(request: Any, **_: object) -> AWSResponse:
        sent.append(request)
        return AWSResponse(
            request.url, 200, {"ETag": '"x"'}, HTTPResponse(BytesIO(), preload_content=False)
        )

    store._client.meta.events.register("before-send.s3", answer)
    assert store.create(RSS, b"<rss/>") == '"x"'
    [request] = sent
    assert request.url.startswith("https://")
    digest = hashlib.sha256(b"<rss/>").hexdigest()
    assert request.headers["X-Amz-Content-SHA256"].decode() == digest
    assert not [name for name in request.headers if "checksum" in name.lower()]


def test_session_that_is_given_is_used(url: str, bucket: str) -> None:
    session = Session("AKIDGIVEN", "secret", region_name="eu-west-3")
    with FaultProxy(url) as proxy:
        far_store(proxy.url, bucket, session=session).load(KEY)
        signed = proxy.seen[0].headers["Authorization"]
    assert "Credential=AKIDGIVEN/" in signed
    assert "/eu-west-3/s3/" in signed


def test_import_of_the_store_loads_no_client_before_it_connects() -> None:
    probe = (
        "import sys, feedmirror.adapters.stores.s3\n"
        "print(*{'boto3', 'botocore.session', 'botocore.client'} & set(sys.modules))\n"
    )
    code = f"import sys; sys.path[:0] = {sys.path!r}\n{probe}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == []


# ---------------------------------------------------------------- with the rest of the program


@pytest.mark.slow
def test_feed_is_mirrored_though_every_first_answer_is_lost(
    far: S3Store, proxy: FaultProxy
) -> None:
    scene = Scene(document(2, 1), store=far)
    proxy.faults.extend([loses, pass_on] * 100)
    assert scene.refresh().outcome == "changed"
    scene.says(document(3, 2, 1))
    scene.later(hours=1)
    assert scene.refresh().new == 1
    proxy.faults.clear()
    assert scene.public().count("<item>") == 3


def test_refresh_of_an_unchanged_feed_is_one_request(far: S3Store, proxy: FaultProxy) -> None:
    scene = Scene(document(2, 1), store=far)
    scene.refresh()
    proxy.seen.clear()
    assert scene.refresh().outcome == "unchanged"
    assert verbs(proxy) == ["GET"]
